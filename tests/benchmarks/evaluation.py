"""Time the loading of rows against a small model: images per second of wall time, in one run.

The model is SqueezeNet 1.1 (random weights) of PyTorch, with all cores. The loader alone should be at least three times
as fast, so that a model, and not the loader, is the limit.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import measure
import numpy as np
import torch
from photographs import cropped, write_source
from torch import nn

from imagenet_cp.build.plan import build
from imagenet_cp.evaluation.data.loader import Batch, batches
from imagenet_cp.evaluation.data.rows import Rows, from_folder, from_source
from imagenet_cp.sources import open_source

CONFIGS = {"imagenet_c": ("fog_3", "gaussian_noise_5", "clean"), "imagenet_p": ("tilt", "shot_noise")}
BATCH = 64


class Fire(nn.Module):
    def __init__(self, taken: int, squeezed: int, given: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(taken, squeezed, 1)
        self.narrow = nn.Conv2d(squeezed, given, 1)
        self.wide = nn.Conv2d(squeezed, given, 3, padding=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        squeezed = self.squeeze(values).relu()
        return torch.cat([self.narrow(squeezed), self.wide(squeezed)], 1).relu()


def squeezenet() -> nn.Module:
    fires = ((64, 16, 64), (128, 16, 64)), ((128, 32, 128), (256, 32, 128))
    last = ((256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256))
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2),
        nn.ReLU(),
        *(part for group in fires for part in (nn.MaxPool2d(3, 2), *(Fire(*fire) for fire in group))),
        nn.MaxPool2d(3, 2),
        *(Fire(*fire) for fire in last),
        nn.Conv2d(512, 1000, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).eval()


def rate(run: Callable[[], int], turns: int) -> float:
    """Return the median of images per second."""
    rates = []
    for _ in range(turns):
        begun = time.perf_counter()
        count = run()
        rates.append(count / (time.perf_counter() - begun))
    return float(np.median(rates))


def loaded(rows: Rows, config: str, workers: int) -> Iterator[Batch]:
    (cell,) = rows.select([config]).cells
    return batches(config, rows.read(cell), max(1, BATCH // 31) if rows.sequences else BATCH, workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="threads that generate and decode images")
    options = parser.parse_args()
    model = squeezenet()
    pictures = np.stack((cropped() * (BATCH // 9 + 1))[:BATCH])

    def run_model() -> int:
        with torch.inference_mode():
            for _ in range(4):
                model(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)
        return 4 * BATCH

    run_model()
    limit = rate(run_model, options.turns)
    lines: list[list[object]] = [["SqueezeNet 1.1, only the model", limit, 1.0]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_source(folder / "val", options.images)
        for dataset, configs in CONFIGS.items():
            count = options.images if dataset == "imagenet_c" else options.images // 10
            write_source(folder / dataset / "val", count)
            source = open_source(folder / dataset / "val")
            build(dataset, source, folder / dataset / "built", configs)
            roads = {
                "from a build": from_folder(folder / dataset / "built"),
                "on the fly": from_source(dataset, folder / dataset / "val"),
            }
            for road, rows in roads.items():
                for config in configs:

                    def run(rows: Rows = rows, config: str = config) -> int:
                        return sum(len(batch.images) for batch in loaded(rows, config, options.workers))

                    fast = rate(run, options.turns)
                    lines.append([f"{dataset} {config} {road}", fast, fast / limit])
    slowest = min(float(str(line[2])) for line in lines[1:])
    measure.save(
        "evaluation",
        "# Loading of rows for a model, images per second",
        measure.machine("torch"),
        f"Wall time, batches of {BATCH}, {options.workers} threads; median of {options.turns} rounds.",
        measure.goal(
            f"the loader alone is at least 3 times as fast as a small model ({slowest:.1f})", slowest >= 3
        ),
        measure.table(["source of the rows", "images per second", "times the model"], lines),
    )


if __name__ == "__main__":
    main()
