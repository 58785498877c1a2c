"""The names are known to datasets and evaluate, whichever is imported first."""

import subprocess
import sys

import pytest

import imagenet_cp

ASK = "print(len(get_dataset_config_names('imagenet_c')))"
ORDERS = {
    "this package first": "import imagenet_cp; from datasets import get_dataset_config_names",
    "datasets first": "from datasets import get_dataset_config_names; import imagenet_cp",
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_order_of_imports_does_not_matter(order, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", f"{order}; {ASK}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.stdout.strip() == "117", run.stderr


@pytest.mark.parametrize("order", ["import imagenet_cp, evaluate", "import evaluate, imagenet_cp"])
def test_the_metric_is_known_without_a_network(order, tmp_path):
    code = f"{order}; print(evaluate.load('mce').name)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.strip() == "mce", run.stderr


def test_importing_brings_no_heavy_library():
    code = (
        "import sys, imagenet_cp; print(sorted({'datasets', 'numba', 'cv2', 'evaluate'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_library_without_the_function_is_named(monkeypatch):
    from imagenet_cp.hub import registration

    with pytest.raises(ImportError, match="datasets>=5"):
        registration._wrap("datasets", "a_function_of_another_version", print)


def test_public_names_are_there():
    assert {"corrupt", "corruptions"} <= set(dir(imagenet_cp))
    with pytest.raises(AttributeError, match="nonsense"):
        imagenet_cp.nonsense  # noqa: B018
