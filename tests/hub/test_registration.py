"""The names are registered with datasets and evaluate, whatever happened before."""

import json
import re
import subprocess
import sys
import warnings
from functools import partial
from types import SimpleNamespace

import pytest
from datasets import load_dataset

import imagenet_cp
from imagenet_cp import settings
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.plan import build
from imagenet_cp.hub import registration
from imagenet_cp.sources import open_source

ASK = "print(len(get_dataset_config_names('imagenet_c')))"
FIRST = "import sys; print(type(sys.meta_path[0]).__name__)"
ORDERS = {
    "this package first": "import imagenet_cp; from datasets import get_dataset_config_names",
    "datasets first": "from datasets import get_dataset_config_names; import imagenet_cp",
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_order_of_imports_does_not_matter(order, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", f"{order}; {ASK}; {FIRST}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.stdout.split() == ["117", "_Finder"], run.stderr


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

    monkeypatch.setitem(registration._WRAPPERS, "datasets.load", ("a_function_of_another_version", print))
    with pytest.raises(ImportError, match="datasets>=5"):
        registration._wrap("datasets.load")


DISTURBANCES = {
    "specs asked for": "import imagenet_cp, importlib.util as u; [u.find_spec(l) for l in LIBRARIES for _ in 'ab']",
    "specs asked for after modules": """
import importlib.util as u, imagenet_cp
for home in ("datasets.load", "evaluate.loading"):
    u.find_spec(home.partition(".")[0])
    u.find_spec(home)
""",
    "reloaded": """
import importlib, imagenet_cp, datasets, evaluate, datasets.load, evaluate.loading
for module in (datasets.load, datasets, evaluate.loading, evaluate, imagenet_cp.hub.registration, imagenet_cp):
    importlib.reload(module)
""",
    "imported again": """
import sys, imagenet_cp, datasets, evaluate
for name in [name for name in sys.modules if name.partition(".")[0] == "evaluate"]:
    del sys.modules[name]
""",
    "in threads": """
import importlib
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(3) as pool:
    list(pool.map(importlib.import_module, ["datasets", "imagenet_cp", "imagenet_cp"]))
""",
    "first in a thread": """
import importlib, threading, imagenet_cp
for library in LIBRARIES:
    thread = threading.Thread(target=importlib.import_module, args=[library])
    thread.start()
    thread.join()
""",
}


@pytest.mark.parametrize("disturbance", DISTURBANCES.values(), ids=DISTURBANCES)
def test_names_are_known_whatever_happened_before(disturbance, tmp_path):
    code = f"""
LIBRARIES = ("datasets", "evaluate")
{disturbance}
import datasets, evaluate, sys
import datasets.load
print(len(datasets.get_dataset_config_names("imagenet_c")), evaluate.load("mce").name)
print(datasets.load.dataset_module_factory("imagenet_c").module_path)
print(sum(type(finder).__name__ == "_Finder" for finder in sys.meta_path))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.split() == ["117", "mce", "imagenet_cp.hub.builder", "1"], run.stderr


def test_a_folder_of_another_source_is_named(class_folder, tmp_path, cache, monkeypatch, recwarn):
    monkeypatch.chdir(tmp_path)
    build("imagenet_c", open_source("sample"), "imagenet_c", ["brightness_1"], workers_count=1)
    load = partial(load_dataset, "imagenet_c", "brightness_1", split="validation", cache_dir=cache)
    for source, rows in ((None, 14), ("sample", 14)):
        if source:
            settings.remember_source(source)
        assert load().num_rows == rows
        assert not [warning for warning in recwarn if "not built from" in str(warning.message)]
    settings.remember_source(str(class_folder))
    with pytest.warns(UserWarning, match=rf"folder \./imagenet_c, .*not built from {class_folder}"):
        assert load().num_rows == 14
    assert load(data_dir=str(class_folder)).num_rows == 4


def write_identity(folder, signature):
    """Write the record of a build that was started."""
    identity = {"signature": signature, "source": "", "images": 1, "images_per_file": 1}
    (folder / "build.json").write_text(json.dumps({"identity": identity}))


@pytest.mark.parametrize("size", ["keep", "299"])
def test_a_folder_of_another_source_is_compared_as_it_was_read(tmp_path, monkeypatch, size, recwarn):
    write_identity(tmp_path, f"imagenet_c|recipe:1|size:{size}")
    settings.remember_source("there")
    opened = []
    monkeypatch.setattr(
        "imagenet_cp.sources.open_source",
        lambda source, recursive: opened.append((source, recursive)) or SimpleNamespace(contents=""),
    )
    registration._warn_if_another_source_is_set(tmp_path)
    assert opened == [("there", size == "keep")] and not recwarn


@pytest.mark.parametrize("part", ["ids", "classes"])
def test_a_folder_of_a_part_of_its_source_is_not_compared(tmp_path, monkeypatch, part, recwarn):
    write_identity(tmp_path, f"imagenet_c|recipe:1|{part}:0a1b")
    settings.remember_source(str(tmp_path / "none"))
    registration._warn_if_another_source_is_set(tmp_path)
    assert not recwarn


def test_a_source_that_cannot_be_opened_is_another_one(tmp_path):
    source = str(tmp_path / "none")
    settings.remember_source(source)
    with pytest.warns(UserWarning, match=f"which was not built from {re.escape(source)}"):
        registration._warn_if_another_source_is_set(tmp_path)


def test_public_names_are_there():
    assert {"corrupt", "corruptions"} <= set(dir(imagenet_cp))
    assert all(getattr(imagenet_cp, name) for name in imagenet_cp.__all__)
    assert {"__version__", *imagenet_cp._LAZY} == {*imagenet_cp.__all__}  # also before they are imported
    with pytest.raises(AttributeError, match="nonsense"):
        imagenet_cp.nonsense  # noqa: B018


def test_a_folder_that_lacks_configs_is_named(class_folder, tmp_path, cache, monkeypatch):
    build("imagenet_c", open_source(class_folder), tmp_path / "imagenet_c", ["contrast_1"], workers_count=1)
    monkeypatch.chdir(tmp_path)
    first, *later = [cell.config for cell in BENCHMARKS["imagenet_c"].cells(["test", "extra", "clean"])]
    lacking = len(later)
    with pytest.warns(
        UserWarning,
        match=rf"\./imagenet_c, which lacks {lacking} configs, such as {first}\..*--out \./imagenet_c",
    ):
        load_dataset("imagenet_c", "contrast_1", split="validation", cache_dir=cache)


def test_a_whole_folder_and_one_without_data_lack_no_configs(tmp_path):
    benchmark = BENCHMARKS["imagenet_c"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        registration._warn_if_configs_are_missing(tmp_path, benchmark)
        for cell in benchmark.cells(benchmark.default_configs):
            (tmp_path / "data" / cell.config).mkdir(parents=True)
        registration._warn_if_configs_are_missing(tmp_path, benchmark)


def test_load_dataset_takes_names_in_any_case(class_folder, cache):
    rows = load_dataset(
        "ImageNet-C", "contrast_1", split="validation", data_dir=str(class_folder), cache_dir=cache
    )
    assert rows.num_rows == 4
