import copy
import json
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest

METRICS = Path(__file__).parents[2] / "metrics"
PUBLISHED = json.loads((METRICS / "mce" / "published.json").read_text())
TABLE = {name: row for name, row in PUBLISHED.items() if "ce" in row}


@pytest.fixture
def mce(load):
    return load("mce")


def rows(corruption, severity, error, n=1000, classes=10):
    """Return the columns of n images of which the fraction ``error`` is wrong."""
    references = np.arange(n) % classes
    predictions = np.where(np.arange(n) < round(error * n), (references + 1) % classes, references)
    return {
        "predictions": predictions,
        "references": references,
        "corruption": [corruption] * n,
        "severity": np.full(n, severity),
    }


def add_all(metric, errors, n=1000):
    for corruption, by_severity in errors.items():
        for severity, error in enumerate(by_severity, 1):
            metric.add_batch(**rows(corruption, severity, error, n))


GOOD = {"predictions": [1, 2, 3], "references": [1, 2, 4], "corruption": ["fog"] * 3, "severity": [3, 3, 3]}


def test_alexnet_scores_100(mce, formulas):
    add_all(mce, formulas.ALEXNET["mce"], n=50_000)
    mce.add_batch(**rows("clean", 0, 0.43478, n=50_000))
    result = mce.compute(strict=True)
    assert result["mce"] == pytest.approx(100, abs=1e-9)
    assert result["relative_mce"] == pytest.approx(100, abs=1e-9)
    assert list(result["ce"]) == list(formulas.ALEXNET["mce"])
    for name in formulas.ALEXNET["mce"]:
        assert result["ce"][name] == pytest.approx(100, abs=1e-9)
        assert result["relative_ce"][name] == pytest.approx(100, abs=1e-9)
        assert result["ce_by_severity"][name] == pytest.approx([100] * 5, abs=1e-9)
        assert result["error"][name] == pytest.approx(formulas.ALEXNET["mce"][name], abs=1e-12)
    assert result["clean_error"] == pytest.approx(0.43478)
    assert result["missing"] == []
    assert result["num_examples"] == 50_000 * (19 * 5 + 1)
    assert result["signature"] == "mce|benchmark:imagenet_c|n:50000|normaliser:alexnet|version:1"
    assert list(result) == [
        "mce",
        "relative_mce",
        "mean_error",
        "mean_accuracy",
        "mean_error_all",
        "mean_accuracy_all",
        "mean_error_by_severity",
        "ce",
        "relative_ce",
        "ce_by_severity",
        "error",
        "clean_error",
        "missing",
        "num_examples",
        "signature",
    ]


def test_plain_means(mce, formulas):
    """Those of AlexNet's published errors, one number after the other."""
    for name, row in formulas.ALEXNET["mce"].items():
        for severity, error in enumerate(row, 1):
            mce.add_batch(**rows(name, severity, error, n=50_000))
    result = mce.compute()
    errors = list(formulas.ALEXNET["mce"].values())
    assert result["mean_error"] == pytest.approx(sum(map(sum, errors[:15])) / 75)
    assert result["mean_accuracy"] == pytest.approx(1 - result["mean_error"])
    assert result["mean_error_all"] == pytest.approx(sum(map(sum, errors)) / 95)
    assert result["mean_accuracy_all"] == pytest.approx(1 - result["mean_error_all"])
    worst = [sum(row[s] for row in errors[:15]) / 15 for s in range(5)]
    assert result["mean_error_by_severity"] == pytest.approx(worst)
    assert mce.compute(**rows("fog", 1, 0.5))["mean_error_by_severity"] == [None] * 5


@pytest.mark.parametrize("model", TABLE)
def test_published_tables(mce, formulas, model):
    """Errors that give the printed CEs give the other printed numbers within their rounding."""
    row = TABLE[model]
    alexnet = {name: formulas.ALEXNET["mce"][name] for name in formulas.CORRUPTIONS}
    errors = {n: [ce / 100 * e for e in alexnet[n]] for n, ce in zip(alexnet, row["ce"], strict=True)}
    beyond_one = {
        n: max(e) > 1 for n, e in errors.items()
    }  # CE 134 of AlexNet's .75: spread over the severities
    errors = {n: [sum(e) / 5] * 5 if beyond_one[n] else e for n, e in errors.items()}
    n = 10_000
    add_all(mce, errors, n)
    result = mce.compute(clean_error=row["clean_error"] / 100)
    assert result["mce"] == pytest.approx(row["mce"], abs=0.3)
    assert list(result["ce"].values()) == pytest.approx(row["ce"], abs=0.01)
    for name, printed in zip(formulas.CORRUPTIONS, row["relative_ce"], strict=True):
        mean = sum(alexnet[name]) / 5
        rounding = 0.5 + (0.5 * mean + 0.05) / (mean - formulas.ALEXNET_CLEAN)
        assert result["relative_ce"][name] == pytest.approx(printed, abs=rounding)
    assert result["relative_mce"] == pytest.approx(row["relative_mce"], abs=2)


def test_extra_corruptions_never_enter_the_mean(mce, formulas):
    errors = dict.fromkeys(formulas.CORRUPTIONS, [0.5] * 5)
    add_all(mce, errors, n=10)
    without = mce.compute()
    add_all(mce, errors | dict.fromkeys(formulas.EXTRA_CORRUPTIONS, [1.0] * 5), n=10)
    result = mce.compute()
    assert result["mce"] == without["mce"]
    assert set(result["ce"]) - set(without["ce"]) == set(formulas.EXTRA_CORRUPTIONS)
    assert result["missing"] == []


def test_an_incomplete_set_gives_its_parts_and_no_mce(mce, formulas):
    add_all(mce, {"fog": [0.5, 0.5, 0.5, 0.5, 0.5]}, n=10)
    mce.add_batch(**rows("snow", 2, 0.3, n=10))
    mce.add_batch(**rows("saturate", 2, 0.3, n=10))
    result = mce.compute(clean_error=0.25)
    assert result["mce"] is None and result["relative_mce"] is None
    assert result["ce"]["fog"] == pytest.approx(100 * 2.5 / sum(formulas.ALEXNET["mce"]["fog"]))
    assert result["relative_ce"]["fog"] == pytest.approx(100 * 0.25 / (0.819324 - 0.43478))
    assert result["ce"]["snow"] is None and result["ce"]["frost"] is None and result["ce"]["saturate"] is None
    assert result["error"]["snow"] == [None, 0.3, None, None, None]
    assert result["error"]["frost"] == [None] * 5
    assert result["ce_by_severity"]["snow"][1] == pytest.approx(30 / 0.88392)
    assert len(result["missing"]) == 75 - 6
    assert result["missing"][0] == "gaussian_noise_1" and "snow_2" not in result["missing"]
    assert "|missing:69|" in result["signature"]


def test_no_clean_error_no_relative_mce(mce, formulas):
    add_all(mce, dict.fromkeys(formulas.CORRUPTIONS, [0.5] * 5), n=10)
    result = mce.compute()
    assert result["mce"] is not None
    assert result["relative_mce"] is None and result["clean_error"] is None
    assert set(result["relative_ce"].values()) == {None}


def test_strict_names_what_is_missing_and_loses_nothing(mce, formulas):
    errors = dict.fromkeys(formulas.CORRUPTIONS, [0.5] * 5)
    add_all(mce, errors | {"fog": [0.5, 0.5]}, n=10)
    with pytest.raises(ValueError, match="lacks 3 of its 75 configs: fog_3, fog_4, fog_5"):
        mce.compute(strict=True)
    for severity in (3, 4, 5):
        mce.add_batch(**rows("fog", severity, 0.5, n=10))
    assert mce.compute(strict=True)["num_examples"] == 750
    with pytest.raises(ValueError, match="nothing to score"):
        mce.compute()


def test_a_failed_compute_leaves_only_what_was_there_before(mce):
    mce.add_batch(**GOOD)
    with pytest.raises(ValueError, match="lacks"):
        mce.compute(strict=True, **GOOD)
    assert len(mce) == 3
    with pytest.raises(ValueError, match="holds 7"):
        mce.compute(**{**GOOD, "severity": [3, 7, 3]})
    assert mce.compute()["num_examples"] == 3


def test_configs_of_unequal_size_are_named(mce):
    for severity in (1, 2, 3):
        mce.add_batch(**rows("fog", severity, 0.5, n=9 if severity == 3 else 10))
    with pytest.warns(UserWarning, match=r"most have 10 rows, but fog_3 has 9"):
        assert "|n:9-10|" in mce.compute()["signature"]


@pytest.mark.parametrize("benchmark", ["cifar10_c", "cifar100_c", "tiny_imagenet_c"])
def test_benchmarks_without_alexnet(mce, formulas, benchmark):
    errors = {name: [0.1 + i / 100] * 5 for i, name in enumerate(formulas.CORRUPTIONS)}
    add_all(mce, errors)
    result = mce.compute(benchmark=benchmark, clean_error=0.05)
    assert result["mce"] == pytest.approx(100 * np.mean(list(errors.values())))
    assert result["relative_mce"] == pytest.approx(result["mce"] - 5)
    assert result["ce"]["shot_noise"] == pytest.approx(11)
    assert result["signature"] == f"mce|benchmark:{benchmark}|n:1000|normaliser:none|version:1"


@pytest.mark.parametrize("benchmark", ["imagenet_c_bar", "cifar10_c_bar"])
def test_imagenet_c_bar_is_a_plain_mean_of_ten(mce, formulas, benchmark):
    names = formulas.BENCHMARKS["mce"][benchmark].test
    errors = {name: [i / 10, 0.2, 0.3, 0.4, 0.5] for i, name in enumerate(names)}
    add_all(mce, errors, n=10)
    result = mce.compute(benchmark=benchmark, clean_error=0.05)
    assert result["mce"] == pytest.approx(100 * np.mean(list(errors.values())))
    assert result["missing"] == [] and list(result["ce"]) == list(result["error"]) == list(names)
    assert result["ce"][names[9]] == pytest.approx(46)
    assert result["signature"] == f"mce|benchmark:{benchmark}|n:10|normaliser:none|version:1"
    mce.add_batch(**rows("sparkles", 1, 0.5, 10))
    with pytest.raises(ValueError, match="lacks 49 of its 50 configs"):
        mce.compute(benchmark=benchmark, strict=True)


def test_rows_of_two_benchmarks_are_not_mixed(mce):
    mce.add_batch(**rows("fog", 1, 0.5, 10))
    mce.add_batch(**rows("sparkles", 1, 0.5, 10))
    with pytest.raises(ValueError, match=r"'sparkles', which is none of imagenet_c; .*'imagenet_c_bar'"):
        mce.compute()
    with pytest.raises(ValueError, match=r"'fog', which is none of imagenet_c_bar; .*benchmark='imagenet_c'"):
        mce.compute(benchmark="imagenet_c_bar")
    with pytest.raises(ValueError, match="'gaussian_noise', which is none of imagenet_c_bar"):
        mce.compute(**rows("gaussian_noise", 1, 0.5, 10), benchmark="imagenet_c_bar")


def test_inception_size_keeps_alexnet(mce, formulas):
    add_all(mce, formulas.ALEXNET["mce"], n=50_000)
    result = mce.compute(benchmark="imagenet_c_299")
    assert result["mce"] == pytest.approx(100)
    assert result["signature"].startswith("mce|benchmark:imagenet_c_299|")


def test_the_recipe_of_the_data_is_kept_and_must_agree(mce):
    recipe = "cifar10_c|recipe:1|profile:cifar|seed:0|jpeg:85"
    mce.add_batch(**GOOD)
    with pytest.raises(ValueError, match="but benchmark='imagenet_c'; pass the benchmark of the data"):
        mce.compute(recipe=recipe)
    assert mce.compute(recipe=recipe, benchmark="cifar10_c")["signature"].endswith(
        "|version:1|data:" + recipe
    )


def test_class_ids_of_another_benchmark_are_an_error(mce):
    mce.add_batch(**{**GOOD, "predictions": [1, 2, 532]})
    with pytest.raises(ValueError, match="predictions: row 2 holds 532; cifar10_c has class ids 0 to 9"):
        mce.compute(benchmark="cifar10_c")
    with pytest.raises(ValueError, match="row 2 holds 532; cifar10_c has class ids 0 to 531 "):
        mce.compute(benchmark="cifar10_c", num_classes=532)
    assert mce.compute(benchmark="cifar10_c", num_classes=533)["num_examples"] == 3
    mce.add_batch(**{**GOOD, "references": [1, 2, 10]})
    with pytest.raises(ValueError, match="references: row 2 holds 10; cifar10_c has class ids 0 to 9"):
        mce.compute(benchmark="cifar10_c")
    assert mce.compute(benchmark="cifar100_c")["num_examples"] == 3


def test_class_ids_have_31_bits(mce):
    largest = {**GOOD, "predictions": [1, 2, 2**31 - 1]}
    assert mce.compute(**largest, num_classes=2**31)["num_examples"] == 3
    with pytest.raises(ValueError, match="predictions: row 2 holds 2147483648; class ids start at 0"):
        mce.add_batch(**{**GOOD, "predictions": [1, 2, 2**31]})


class Tensor:
    """Something that is an array only when asked, like a tensor."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __len__(self):
        return len(self.values)


@pytest.mark.parametrize(
    "kind", ["list", "tuple", "array", "int8", "uint8", "object", "tensor", "column", "arrow"]
)
def test_columns_of_every_kind(mce, kind):
    table = datasets.Dataset.from_dict(GOOD)
    make = {
        "list": list,
        "tuple": tuple,
        "array": np.array,
        "int8": lambda v: np.array(v, np.int8 if isinstance(v[0], int) else None),
        "uint8": lambda v: np.array(v, np.uint8 if isinstance(v[0], int) else None),
        "object": lambda v: np.array(v, object) if isinstance(v[0], str) else np.array(v),
        "tensor": lambda v: Tensor(v) if isinstance(v[0], int) else v,
        "column": lambda v: next(table[name] for name in GOOD if GOOD[name] is v),
        "arrow": pa.array,
    }[kind]
    columns = {name: make(values) for name, values in GOOD.items()}
    mce.add_batch(**columns)
    mce.add_batch(**columns)
    result = mce.compute(**columns)
    assert result["num_examples"] == 9
    assert result["error"]["fog"][2] == 1 / 3


def test_a_streamed_column(mce):
    table = datasets.Dataset.from_dict(GOOD).to_iterable_dataset()
    mce.add_batch(**{name: table[name] for name in GOOD})
    assert mce.compute()["num_examples"] == 3


def test_labels_of_a_dataset(mce):
    features = datasets.Features(
        label=datasets.ClassLabel(names=["a", "b"]),
        corruption=datasets.Value("string"),
        severity=datasets.Value("int8"),
    )
    table = datasets.Dataset.from_dict(
        {"label": [0, 1], "corruption": ["fog"] * 2, "severity": [1, 1]}, features
    )
    mce.add_batch(
        predictions=[0, 0],
        references=table["label"],
        corruption=table["corruption"],
        severity=table["severity"],
    )
    assert mce.compute()["error"]["fog"][0] == 0.5


def test_one_row_at_a_time(mce):
    mce.add(prediction=1, reference=1, corruption="fog", severity=1)
    mce.add(prediction=np.int64(1), reference=2, corruption="fog", severity=1)
    assert mce.compute()["error"]["fog"][0] == 0.5
    with pytest.raises(ValueError, match=r"predictions: row 0 holds 1.7 \(float\)"):
        mce.add(prediction=1.7, reference=2, corruption="fog", severity=1)
    mce.add(prediction=1, reference=2, corruption="posterize", severity=2, extra=["posterize"])
    assert mce.compute()["error"]["posterize"][1] == 1


def test_an_empty_batch_adds_nothing(mce):
    mce.add_batch(**{name: [] for name in GOOD})
    with pytest.raises(ValueError, match="nothing to score"):
        mce.compute()


BAD = {
    "float": ({"predictions": [1, 1.7, 2]}, r"predictions: row 1 holds 1\.7 \(float\), not an integer"),
    "float array": ({"predictions": np.array([1.0, 2.0, 3.0])}, r"predictions: row 0 holds .*1\.0"),
    "float labels": ({"references": [1.0, 2, 3]}, "references: row 0 holds 1.0"),
    "bool": ({"predictions": [True, False, True]}, "predictions: row 0 holds True"),
    "one bool": ({"predictions": [1, True, 1]}, "predictions: row 1 holds True"),
    "none": ({"predictions": [1, None, 2]}, "predictions: row 1 holds None"),
    "digits": ({"predictions": ["1", "2", "3"]}, "predictions: row 0 holds '1'"),
    "too large": (
        {"predictions": [1, 2**70, 3]},
        r"predictions: row 1 holds 1180591620717411303424 \(int\), not an integer of 64 bits",
    ),
    "unsigned": (
        {"predictions": np.array([2**63] * 3, np.uint64)},
        "row 0 holds .*9223372036854775808.* 64 bits",
    ),
    "least and too large": (
        {"predictions": [-(2**63), 2**63, 1]},
        r"row 1 holds 9223372036854775808 \(int\)",
    ),
    "over int32": ({"predictions": [1, 2**40, 3]}, "predictions: row 1 holds 1099511627776"),
    "logits": ({"predictions": np.zeros((3, 1000))}, r"predictions: row 0 holds array.*argmax"),
    "logit lists": (
        {"predictions": [[0.1, 0.9]] * 3},
        r"predictions: row 0 holds \[0\.1, 0\.9\] \(list\).*argmax",
    ),
    "ragged": ({"predictions": [1, [1, 2], 3]}, r"predictions: row 1 holds \[1, 2\]"),
    "scalar": ({"predictions": 3}, "predictions is one value, 3"),
    "scalar array": ({"predictions": np.array(3)}, "predictions is one value"),
    "negative": ({"references": [1, 2, -1]}, "references: row 2 holds -1; class ids start at 0"),
    "length": ({"predictions": [1, 2]}, r"unequal length.*row 2 has no predictions"),
    "unknown corruption": (
        {"corruption": ["fog", "fgo", "fog"]},
        "corruption: row 1 holds 'fgo'; did you mean fog",
    ),
    "config name": (
        {"corruption": ["fog_3"] * 3},
        "corruption: row 0 holds 'fog_3'; the name is 'fog', and 3 has a column of its own",
    ),
    "no config": ({"corruption": ["fog_x"] * 3}, "corruption: row 0 holds 'fog_x'; did you mean fog"),
    "nothing alike": (
        {"corruption": ["qqq_3"] * 3},
        "corruption: row 0 holds 'qqq_3'; known: clean, gaussian_noise, ",
    ),
    "corruption none": ({"corruption": ["fog", None, "fog"]}, "corruption: row 1 holds None"),
    "corruption number": ({"corruption": [1, 2, 3]}, "corruption: row 0 holds 1"),
    "bare string": ({"corruption": "fog"}, r"corruption is one value, 'fog'; .*\['fog'\] \* n"),
    "severity 7": (
        {"severity": [3, 3, 7]},
        "severity: row 2 holds 7 with the corruption 'fog'; corruptions have severities 1 to 5",
    ),
    "severity 6": ({"severity": [3, 6, 3]}, "severity: row 1 holds 6 with the corruption 'fog'"),
    "severity -1": ({"severity": [-1, 3, 3]}, "severity: row 0 holds -1"),
    "severity 300": ({"severity": [3, 300, 3]}, "severity: row 1 holds 300"),
    "severity float": ({"severity": [3, 3.5, 3]}, "severity: row 1 holds 3.5"),
    "severity one": ({"severity": 3}, "severity is one value, 3"),
    "severity 0": ({"severity": [3, 0, 3]}, "severity: row 1 holds 0 with the corruption 'fog'"),
    "clean 3": (
        {"corruption": ["fog", "clean", "fog"]},
        "severity: row 1 holds 3 with the corruption 'clean'",
    ),
    "missing": ({"corruption": None}, "corruption is missing"),
    "masked": (
        {"predictions": np.ma.masked_array([1, 2, 3], [False, True, False])},
        r"predictions is a masked array; drop its masked rows in every column: values.data\[keep\]",
    ),
    "dict": (
        {"predictions": {1: 0, 2: 0, 3: 0}},
        "predictions is a dict; pass a list in the order of the rows",
    ),
    "set": ({"references": {1, 2, 4}}, "references is a set; pass a list"),
}


@pytest.mark.parametrize("bad, message", BAD.values(), ids=BAD)
def test_bad_columns(mce, bad, message):
    with pytest.raises(ValueError, match=message):
        mce.compute(**{**GOOD, **bad})
    with pytest.raises(ValueError, match=message):
        mce.add_batch(**{**GOOD, **bad})
    assert len(mce) == 0
    mce.add_batch(**GOOD)
    with pytest.raises(ValueError):
        mce.add_batch(**{**GOOD, **bad})
    assert mce.compute()["num_examples"] == 3


def test_integers_of_any_type_are_class_ids(mce):
    expected = mce.compute(**GOOD)
    for kinds in (3 * [np.uint8], 3 * [np.uint64], [np.uint64, np.int64, int]):
        predictions = [kind(value) for kind, value in zip(kinds, GOOD["predictions"], strict=True)]
        assert mce.compute(**{**GOOD, "predictions": predictions}) == expected


def test_the_row_is_counted_in_the_batch_and_in_all(mce):
    mce.add_batch(**GOOD)
    with pytest.raises(ValueError, match=r"severity: row 2 of this batch \(5 in all\) holds 7"):
        mce.add_batch(**{**GOOD, "severity": [3, 3, 7]})


@pytest.mark.parametrize(
    "options, message",
    [
        ({"benchmark": "imagnet_c"}, "unknown benchmark 'imagnet_c'; did you mean imagenet_c"),
        ({"benchmark": "imagenet_p"}, "unknown benchmark 'imagenet_p'; did you mean imagenet_c"),
        ({"benchmark": ["imagenet_c", "cifar10_c"]}, "unknown benchmark"),
        ({"clean_error": 1.01}, "clean_error is a fraction from 0 to 1, such as 0.239; got 1.01"),
        ({"clean_error": -0.01}, "clean_error is a fraction"),
        ({"clean_error": 23.9}, "clean_error is a fraction from 0 to 1, such as 0.239; got 23.9"),
        ({"clean_error": float("nan")}, "clean_error is a fraction"),
        ({"clean_error": "0.2"}, "clean_error is a fraction"),
        ({"clean_error": True}, "clean_error is a fraction"),
    ],
)
def test_bad_options(mce, options, message):
    mce.add_batch(**GOOD)
    with pytest.raises(ValueError, match=message):
        mce.compute(**options)
    assert mce.compute()["num_examples"] == 3


@pytest.mark.parametrize("clean_error", [0, 1])
def test_a_clean_error_may_be_none_or_all(mce, clean_error):
    assert mce.compute(**GOOD, clean_error=clean_error)["clean_error"] == clean_error


def test_clean_error_given_twice(mce):
    mce.add_batch(**rows("clean", 0, 0.2, n=10))
    with pytest.raises(ValueError, match=r"both clean_error=0\.3 and 10 clean rows"):
        mce.compute(clean_error=0.3)
    assert mce.compute()["clean_error"] == 0.2


def test_in_memory(load):
    metric = load("mce", keep_in_memory=True)
    metric.add_batch(**GOOD)
    with pytest.raises(ValueError, match="lacks"):
        metric.compute(strict=True)
    assert metric.compute()["error"]["fog"][2] == 1 / 3


def test_two_at_once_do_not_mix(load):
    one, two = load("mce"), load("mce")
    one.add_batch(**GOOD)
    two.add_batch(**{**GOOD, "predictions": [1, 2, 4]})
    assert one.compute()["error"]["fog"][2] == 1 / 3
    assert two.compute()["error"]["fog"][2] == 0


def test_nothing_is_left_in_the_cache(load, tmp_path):
    metric = load("mce", cache_dir=str(tmp_path))
    metric.add_batch(**GOOD)
    with pytest.raises(ValueError, match="lacks"):
        metric.compute(strict=True)
    metric.compute()
    assert not list(tmp_path.rglob("*.arrow"))


def test_no_warning_for_a_plain_score(mce):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mce.compute(**GOOD)


def test_a_corruption_of_ones_own_gets_errors_and_no_ce(mce, formulas):
    """It is named as an extra; a name that is not is an error."""
    with pytest.raises(ValueError, match=r"row 0 holds 'spattre'; did you mean spatter.*extra=\[\.\.\.\]"):
        mce.add_batch(**rows("spattre", 1, 0.5, n=10))
    with pytest.raises(ValueError, match="extra is a list of names: extra=\\['posterize'\\]"):
        mce.add_batch(**rows("posterize", 1, 0.5, n=10), extra="posterize")
    add_all(mce, dict.fromkeys(formulas.CORRUPTIONS, [0.5] * 5), n=10)
    expected = mce.compute(clean_error=0.2)
    add_all(mce, dict.fromkeys(formulas.CORRUPTIONS, [0.5] * 5), n=10)
    for severity in (1, 2, 4):
        mce.add_batch(**rows("posterize", severity, 0.3, n=10), extra=["posterize", "spattre"])
    result = mce.compute(**rows("spattre", 5, 0.1, n=10), extra=["spattre"], clean_error=0.2)
    assert list(result["error"]) == [*formulas.CORRUPTIONS, "posterize", "spattre"]
    assert result["error"]["posterize"] == [0.3, 0.3, None, 0.3, None]
    assert result["mean_error"] == 0.5 and result["mean_error_all"] is None
    for key in ("mce", "relative_mce", "ce", "relative_ce", "ce_by_severity", "missing", "signature"):
        assert result[key] == expected[key], key
    assert result["num_examples"] == expected["num_examples"] + 40


def test_threads_lose_no_rows(mce):
    batches = [rows("fog", 1 + i % 5, i % 10 / 10, n=100) for i in range(60)]
    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(mce.add_batch, **batch) for batch in batches]:
            future.result()
    result = mce.compute()
    assert result["num_examples"] == 6000
    for severity in range(1, 6):
        errors = [i % 10 / 10 for i in range(60) if 1 + i % 5 == severity]
        assert result["error"]["fog"][severity - 1] == pytest.approx(np.mean(errors))


def test_a_metric_can_be_copied_and_sent_to_a_process(mce):
    for copied in (copy.deepcopy(mce), pickle.loads(pickle.dumps(mce))):
        assert copied.compute(**GOOD)["num_examples"] == 3


def test_a_tensor_that_requires_gradients_is_named(mce):
    torch = pytest.importorskip("torch")
    logits = torch.zeros(3, 1000, requires_grad=True)
    with pytest.raises(
        ValueError, match=r"predictions: row 0 holds .* not an integer.*argmax over the classes"
    ):
        mce.add_batch(**{**GOOD, "predictions": logits})
    with pytest.raises(ValueError, match=r"predictions: row 0 holds .*Tensor\), not an integer"):
        mce.add_batch(**{**GOOD, "predictions": list(logits.sum(axis=1))})
    mce.add_batch(**{**GOOD, "predictions": logits.argmax(axis=1)})
    assert len(mce) == 3


def test_the_warning_points_at_the_caller(mce):
    mce.add_batch(**rows("fog", 1, 0.5, n=9))
    mce.add_batch(**rows("fog", 2, 0.5, n=10))
    with pytest.warns(UserWarning) as caught:
        mce.compute()
    assert caught[0].filename == __file__
