"""Scores and counts of stored predictions, of images and of sequences."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.evaluation.data.corrupted_rows import CUSTOM, CustomSet
from imagenet_cp.evaluation.scoring import class_names, compute_metric, per_image_counts, score_names
from imagenet_cp.sources import classes as imagenet


def rows_of(dataset, *cells):
    return SimpleNamespace(
        sequences=BENCHMARKS[dataset].kind == "perturbations",
        benchmark=BENCHMARKS[dataset],
        signature=f"{dataset}|recipe:1|profile:imagenet|seed:0|jpeg:85",
        part="2/50000",
        cells=[Cell(name if level < 2 else f"{name}_{level}", name, level) for name, level in cells],
        classes=imagenet.wnids(),
    )


@pytest.mark.parametrize(
    ("metric", "key", "step"), [("mfr", "flip_probability", 1), ("mt5d", "unnormalised_t5d", 5)]
)
def test_frames_are_compared_with_the_one_before_and_those_of_noise_with_the_first(metric, key, step):
    """From its tenth frame on, the best class of the first sequence is one that was none of the five."""
    rows = rows_of("imagenet_p", ("tilt", 1), ("gaussian_noise", 1))
    best = [[[5 if n >= 9 and name == "a" else 0, 1, 2, 3, 4] for n in range(31)] for name in "ab"]
    table = pa.table({"image_id": ["a", "b"], "label": [0, 0], "prediction": best})
    tables = {"tilt": table, "gaussian_noise": table.take([1, 0])}
    counts = per_image_counts(metric, rows, tables)
    assert counts.image_ids == ("a", "b") and counts.pairs == {"tilt": 30, "gaussian_noise": 30}
    found = {config: column.tolist() for config, column in counts.columns.items()}
    assert found == {"tilt": [step, 0], "gaussian_noise": [22 * step, 0]}
    result = compute_metric(metric, rows, tables)
    assert result[key]["tilt"] == pytest.approx(step / 60)
    assert result[key]["gaussian_noise"] == pytest.approx(22 * step / 60)
    assert "|part:2/50000" in result["signature"] and "|seed:0|" in result["signature"]


def test_errors_of_images_also_of_a_corruption_of_ones_own():
    rows = rows_of("imagenet_c", ("clean", 0), ("fog", 3), ("posterize", 2))
    made = {"image_id": ["a", "b"], "label": pa.array([7, 8], pa.int32())}
    tables = {
        "clean": pa.table({**made, "prediction": [[7, 8], [8, 7]]}),
        "fog_3": pa.table({**made, "prediction": [[8, 7], [8, 7]]}),
        "posterize_2": pa.table({**made, "prediction": [[8, 7], [7, 8]]}),
    }
    result = compute_metric("mce", rows, tables)
    assert result["clean_error"] == 0
    assert result["error"]["fog"] == [None, None, 0.5, None, None]
    assert result["error"]["posterize"] == [None, 1.0, None, None, None]
    counts = per_image_counts("mce", rows, {**tables, "posterize_2": tables["posterize_2"].slice(1)})
    found = {config: column.tolist() for config, column in counts.columns.items()}
    assert found == {"clean": [0, 0], "fog_3": [1, 0], "posterize_2": [-1, 1]}


def test_the_data_set_and_its_number_of_classes_are_those_of_the_rows():
    rows = rows_of("tiny_imagenet_c", ("fog", 3))
    rows.classes = range(1200)
    made = {"image_id": ["a", "b"], "label": [1199, 0], "prediction": [[1199, 0], [1, 1199]]}
    result = compute_metric("mce", rows, {"fog_3": pa.table(made)})
    assert result["error"]["fog"][2] == 0.5 and result["ce_by_severity"]["fog"][2] == 50
    assert result["signature"].startswith("mce|benchmark:tiny_imagenet_c|n:2|")


def test_the_mean_error_of_imagenet_c_bar():
    rows = rows_of("imagenet_c_bar", ("sparkles", 2), ("sparkles", 3))
    wrong = pa.table({"image_id": ["a", "b"], "label": [1, 0], "prediction": [[1, 0], [1, 0]]})
    result = compute_metric("c_bar", rows, {"sparkles_2": wrong, "sparkles_3": wrong.take([1, 1])})
    assert result["error"]["sparkles"] == [None, 0.5, 1, None, None] and "ce" not in result
    assert (len(result["missing"]), result["num_examples"]) == (48, 4)
    assert result["signature"] == (
        "mce|benchmark:imagenet_c_bar|n:2|normaliser:none|missing:48|version:1|data:imagenet_c_bar|recipe:1|"
        "profile:imagenet|seed:0|jpeg:85|part:2/50000"
    )


@pytest.mark.parametrize(("few", "number"), [(1, "1-2"), (2, "2")])
def test_the_mean_errors_of_data_in_a_layout_of_their_own(few, number):
    cells = (Cell("dust_1", "dust", 1), Cell("dust_3", "dust", 3))
    benchmark = CustomSet(CUSTOM, "", "mine", cells)
    rows = SimpleNamespace(benchmark=benchmark, cells=cells, signature="custom|layout:x", sequences=False)
    table = pa.table({"image_id": ["a", "b"], "label": [1, 0], "prediction": [[1, 0], [1, 0]]})
    assert compute_metric("custom", rows, {"dust_1": table, "dust_3": table.slice(2 - few)}) == {
        "mean_error": (0.5 + 1 / few) / 2,
        "mean_accuracy": 1 - (0.5 + 1 / few) / 2,
        "mean_error_by_severity": [0.5, None, 1 / few],
        "mean_error_by_corruption": {"dust": (0.5 + 1 / few) / 2},
        "error": {"dust": [0.5, None, 1 / few]},
        "clean_error": None,
        "missing": [],
        "name": "mine",
        "num_examples": 2 + few,
        "signature": f"mean_error|benchmark:custom|n:{number}|version:1|data:custom|layout:x",
    }
    assert score_names(rows) == ("custom",)


def test_names_of_the_scores_of_a_data_set():
    for dataset, names in (
        ("cifar10_c", ("mce",)),
        ("imagenet_c_bar", ("c_bar",)),
        ("cifar10_c_bar", ("c_bar",)),
        ("imagenet_p", ("mfr", "mt5d")),
    ):
        assert score_names(rows_of(dataset)) == names


def test_names_of_classes():
    assert class_names(imagenet.wnids())[0] == "tench" and class_names(["cat", "dog"]) == ("cat", "dog")
