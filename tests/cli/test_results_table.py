"""Tables of results in the terminal, and the sentences below them."""

from dataclasses import replace

import pytest
from toy_evaluations import compute, evaluation, mce_counts

from imagenet_cp.cli.evaluate import _read_list, _summary
from imagenet_cp.cli.results_table import _errors, format_results
from imagenet_cp.cli.shards import parse_shard
from imagenet_cp.errors import UsageError


def test_errors_by_severity_with_their_mean():
    result = {
        "error": {"fog": [0.1, None, 0.25, None, 1.0], "snow": [None] * 5},
        "ce": {"fog": 88.84},
        "clean_error": 0.05,
    }
    assert list(_errors(result)) == [
        "error % at severity     1  2     3  4      5  mean    CE",
        "clean                                          5.0",
        "fog                  10.0  –  25.0  –  100.0  45.0  88.8",
    ]
    del result["ce"]
    result["clean_error"] = None
    assert list(_errors(result)) == [
        "error % at severity     1  2     3  4      5  mean",
        "fog                  10.0  –  25.0  –  100.0  45.0",
    ]
    assert list(_errors({"error": {}, "clean_error": 0.5})) == [
        "error % at severity  1  2  3  4  5  mean",
        "clean                               50.0",
    ]


def test_sequences_have_their_flips_and_distances():
    made = evaluation(0, 20)
    mfr, mt5d = made.metrics["mfr"], made.metrics["mt5d"]
    lines = list(format_results(made))
    assert lines[0].split("  ")[0] == "perturbation" and lines[0].split()[1:] == ["flips", "%", "FR", "T5D"]
    for line in lines[1:]:
        name, flips, fr, t5d = line.split()
        assert flips == f"{100 * mfr['flip_probability'][name]:.1f}"
        assert [fr, t5d] == [f"{one[name]:.1f}" if name in one else "–" for one in (mfr["fr"], mt5d["t5d"])]
    assert len(lines) == 1 + len(mfr["flip_probability"])


def test_a_score_has_its_interval_and_few_images_a_warning():
    made = replace(evaluation(40, 19), scores="logits")
    result, interval = made.metrics["mce"], made.intervals["mce"]["mce"]
    lines = list(_summary(made))
    assert lines[:2] == [
        "warning: fewer than 20 images, so intervals may cover less than 95 %",
        "scores: logits",
    ]
    assert lines[2] == f"mCE: {result['mce']:.1f} ({interval.low:.1f} to {interval.high:.1f}) on 40 images"
    assert lines[3].startswith("mFR: ") and lines[3].endswith(" on 19 images") and len(lines) == 5
    assert next(_summary(evaluation(40, 20))).startswith("mCE")


@pytest.mark.parametrize(("configs", "missing"), [(71, 4), (70, 5)])
def test_what_is_missing_is_named_up_to_four_configs(configs, missing):
    names = list(mce_counts(20).columns)[:configs]
    counts = {"mce": mce_counts(20, configs=names, clean=False)}
    made = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    result = made.metrics["mce"]
    none, measured, relative = _summary(made)
    shown = ", ".join(result["missing"][:4]) + (", ..." if missing > 4 else "")
    assert none == f"mCE: none, since its benchmark is incomplete (missing: {shown})"
    errors = [error for row in result["error"].values() for error in row if error is not None]
    assert measured == f"measured: mean error {sum(errors) / len(errors):.1%} over {configs} configs"
    assert relative.startswith("relative mCE: none, since the config clean is missing")


def test_a_list_of_models_has_comments(tmp_path):
    (tmp_path / "models").write_text("timm:a\n\n  # no\n hf:b/c \n")
    assert _read_list(tmp_path / "models") == ["timm:a", "hf:b/c"]
    with pytest.raises(UsageError, match="no: cannot be read"):
        _read_list(tmp_path / "no")


def test_a_list_of_models_that_is_no_text_is_named(tmp_path):
    (tmp_path / "list").write_bytes(b"\xff")
    for file in (tmp_path / "list", tmp_path / "none"):
        with pytest.raises(UsageError, match=f"^{file}: cannot be read"):
            _read_list(file)
    (tmp_path / "list").write_text("Zoë\n", encoding="utf-8-sig")  # as editors on Windows save it
    assert _read_list(tmp_path / "list") == ["Zoë"]


def test_shards():
    assert [(s.index, s.count) for s in map(parse_shard, ("1/1", "2/8", "8/8"))] == [(1, 1), (2, 8), (8, 8)]
    for text in ("0/8", "9/8", "1", "/", "a/2", "1/b", "-1/2"):
        with pytest.raises(UsageError, match="--shard is i/n"):
            parse_shard(text)
