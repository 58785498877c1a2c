"""Time a ResNet-50 of random weights on a GPU: alone, from a build and on the fly, images per second.

It runs as ``imagenet-cp evaluate torchvision:resnet50 --dtype bfloat16 --channels-last`` does, by the same processes.
Alone it takes uint8 images from memory, so that the difference is what reading or making them costs. Rates are those
between a fifth and five sixths of an evaluation, without the start of its processes. The share of time in which the GPU
is busy is NVIDIA's own measure; it needs ``nvidia-ml-py``.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import measure
import numpy as np
import torch
import torchvision
from photographs import write_source

from imagenet_cp.build.plan import build
from imagenet_cp.evaluation.models.by_name import open_model
from imagenet_cp.evaluation.run import evaluate_models
from imagenet_cp.jobs.cores import available_cores
from imagenet_cp.sources import open_source

MODEL = "torchvision:resnet50"
OPTIONS = {"dtype": "bfloat16", "channels_last": True}
BATCH = 64
#: Share of an evaluation after which its rate is measured, and until which.
STEADY = (1 / 5, 5 / 6)


class Watch:
    """Samples of the GPU's utilization and of its used memory, ten times a second."""

    def __enter__(self) -> Watch:
        self.samples: list[tuple[float, int, int]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            free, total = torch.cuda.mem_get_info()
            self.samples.append((time.perf_counter(), torch.cuda.utilization(), total - free))

    def busy(self, start: float, stop: float) -> float:
        """Share of the time in which the GPU ran kernels."""
        return float(np.mean([busy for moment, busy, _ in self.samples if start < moment < stop])) / 100

    @property
    def memory(self) -> float:
        """Peak of the used memory in GB."""
        return max(used for _, _, used in self.samples) / 1e9


def alone(weights: Path, batch: int, seconds: float) -> list[object]:
    """Rate of the model alone, and how busy the GPU is."""
    model = open_model(MODEL, device="cuda", weights=weights, **OPTIONS)
    draw = np.random.default_rng(0)
    batches = [draw.integers(0, 256, (batch, 224, 224, 3), dtype=np.uint8) for _ in range(4)]
    with Watch() as watch:
        for warming in (True, False):
            start, count = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                model.logits(batches[count // batch % 4])
                count += batch
            if warming:
                continue
            stop = time.perf_counter()
            return ["model alone", 1, count / (stop - start), watch.busy(start, stop), watch.memory]
    raise AssertionError


def evaluate(way: str, processes: int, weights: Path, **data: object) -> list[object]:
    """Rate of an evaluation, how busy the GPU is, and its memory."""
    marks: list[tuple[float, int]] = []

    def progress(title: str, done: int, total: int) -> None:
        if title == "evaluating" and done:
            marks.append((time.perf_counter(), done))

    with Watch() as watch:
        evaluate_models(
            [MODEL],
            weights=weights,
            device="cuda",
            processes=processes,
            batch_size=BATCH,
            images_per_unit=20,
            check=False,
            progress=progress,
            **OPTIONS,  # type: ignore[arg-type]
            **data,  # type: ignore[arg-type]
        )
    (start, before), (stop, after) = (
        next(mark for mark in marks if mark[1] >= share * marks[-1][1]) for share in STEADY
    )
    return [way, processes, (after - before) / (stop - start), watch.busy(start, stop), watch.memory]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000, help="source images")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--seconds", type=float, default=3, help="time of the model alone")
    parser.add_argument("--save", action="store_true", help="write results/accelerator.md")
    options = parser.parse_args()
    lines: list[list[object]] = []

    def add(line: list[object]) -> None:
        print(line, flush=True)
        lines.append(line)

    with tempfile.TemporaryDirectory() as temporary:
        weights = Path(temporary, "weights.pt")
        torch.manual_seed(0)
        torch.save(torchvision.models.resnet50().state_dict(), weights)
        for batch in (BATCH, 4 * BATCH):
            line = alone(weights, batch, options.seconds)
            add([f"{line[0]}, batches of {batch}", *line[1:]])
        clean, built = Path(temporary, "val"), Path(temporary, "built")
        write_source(clean, options.images)
        build("imagenet_c", open_source(clean), built, ["test", "clean"])
        generate = partial(evaluate, weights=weights, source=clean)
        for count in options.processes[::-1]:
            add(generate("ImageNet-C on the fly", count, benchmarks=["imagenet_c"]))
        for count in options.processes[1::-1]:
            add(evaluate("ImageNet-C from a build", count, weights, imagenet_c=built))
        for count in options.processes[1::-1]:
            sequences = {"benchmarks": ["imagenet_p"], "limit": options.images // 10}
            add(generate("ImageNet-P on the fly", count, **sequences))
    card = f"{torch.cuda.get_device_name()}; {available_cores()} cores; torch {torch.__version__}."
    measure.save(
        "accelerator" if options.save else "",
        "# A ResNet-50 on a GPU",
        f"{measure.machine()} {card}",
        f"bfloat16, channels last, random weights, batches of {BATCH}; wall time.",
        measure.table(
            ["data", "processes", "images per second", "share of time the GPU is busy", "GPU memory, GB"],
            lines,
        ),
    )


if __name__ == "__main__":
    main()
