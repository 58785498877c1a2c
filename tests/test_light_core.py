"""Corrupting, perturbing and the formulas of the metrics load NumPy, numba and Pillow, and nothing heavier."""

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "datasets",
    "evaluate",
    "pyarrow",
    "pandas",
    "huggingface_hub",
    "fsspec",
    "filelock",
    "cv2",
    "skimage",
}
HEAVY |= {"tqdm", "typer", "jinja2", "torch"}
#: What numba itself imports where it is installed; this package does not.
BY_NUMBA = {"scipy", "yaml"}

CORE = """
import json, sys
import numpy as np
import imagenet_cp
from imagenet_cp import corrupt, corruptions, imagecorruptions, metrics, perturb, perturbations, transforms

image = np.full((40, 36, 3), 128, np.uint8)
shapes = [corrupt(image, name, 3).shape for name in corruptions.CORRUPTIONS]
shapes.append(imagecorruptions.corrupt(image, 3, "frost").shape)
shapes.append(transforms.Corrupt("fog")(image).shape)
small = image[:32, :32]
frames = [len(perturb(small, name, benchmark="cifar10_p")) for name in ("brightness", "gaussian_noise")]
assert set(shapes) == {image.shape} and frames == [31, 31]
assert metrics.mean_corruption_error(np.full((15, 5), 0.5)) > 50
print(json.dumps([name.partition(".")[0] for name in sys.modules]))
"""
METRICS = """
import json, sys
from imagenet_cp import metrics
print(json.dumps([name.partition(".")[0] for name in sys.modules]))
"""


def run(code):
    """Imported packages after ``code``, in a new process where the heavy ones do not load."""
    path = os.pathsep.join((str(Path(__file__).parent / "without"), *sys.path))
    environment = os.environ | {"PYTHONPATH": path, "IMAGENET_CP_WITHOUT": " ".join(HEAVY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # no notice of a package that does not load
    return set(json.loads(done.stdout.splitlines()[-1]))


def installed(names):
    """The names that are neither of the standard library nor set up by the interpreter at its start."""
    start = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    at_start = {name.partition(".")[0] for name in start.stdout.split()}
    return {name for name in names if not name.startswith("_")} - set(sys.stdlib_module_names) - at_start


def test_corrupting_and_perturbing_load_numpy_numba_and_pillow():
    found = installed(run(CORE)) - BY_NUMBA - {"sitecustomize"}
    assert {"PIL", "imagenet_cp", "llvmlite", "numba", "numpy"} <= found
    assert not found & HEAVY
    # charset_normalizer, pygments: looked for by the standard library and by numba.
    assert found <= {
        "PIL",
        "imagenet_cp",
        "llvmlite",
        "numba",
        "numpy",
        "charset_normalizer",
        "cython_runtime",
    }


def test_the_formulas_load_numpy_alone():
    assert installed(run(METRICS)) - {"sitecustomize"} == {"imagenet_cp", "numpy"}


def test_the_formulas_are_those_of_the_metrics():
    from imagenet_cp import metrics
    from imagenet_cp.resources import metrics_folder

    shared = metrics_folder() / "shared" / "formulas.py"
    assert Path(metrics.__file__).read_bytes() == shared.read_bytes()
    assert (
        round(metrics.mean_corruption_error([metrics.ALEXNET["mce"][n] for n in metrics.CORRUPTIONS])) == 100
    )
