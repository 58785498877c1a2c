"""Several models beside each other."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from toy_evaluations import evaluation, ids

from imagenet_cp.cli import main
from imagenet_cp.evaluation.comparison import _is_whole, compare
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.intervals import holm, score_differences
from imagenet_cp.evaluation.references import compute_scores
from imagenet_cp.evaluation.report import chart_rendering, charts, page, style
from imagenet_cp.evaluation.report.comparison_page import load_models, write_comparison


@pytest.fixture(scope="module")
def models():
    return {
        "one": evaluation(40, 12, model="one"),
        "two": evaluation(40, 12, skill=0.5, seed=1, model="two"),
    }


def test_differences_are_to_the_base_with_holms_p_values(models):
    many = {**models, "three": evaluation(40, 12, skill=0.7, seed=2, model="three")}
    found = compare(many)
    counts = {name: model.counts["mce"] for name, model in many.items()}
    plain = {name: score_differences("mce", "imagenet_c", counts[name], counts["one"]) for name in many}
    two, three = (found.differences[name]["mce"]["mce"] for name in ("two", "three"))
    assert two.value == pytest.approx(
        models["two"].metrics["mce"]["mce"] - models["one"].metrics["mce"]["mce"]
    )
    assert two[:3] == plain["two"]["mce",][:3]
    expected = holm({name: plain[name]["mce",].p_value for name in ("two", "three")})
    assert {"two": two.p_value, "three": three.p_value} == expected
    assert found.images == {"mce": (40, 40), "mfr": (12, 12), "mt5d": (12, 12)}
    assert set(found.differences) == {"two", "three"} and found.base == "one"
    back = compare(models, base="two").differences["one"]["mce"]["mce"]
    assert back.value == pytest.approx(-two.value) and back.low == pytest.approx(-two.high)
    with pytest.raises(ValueError, match="no model 'tow'; did you mean two"):
        compare(models, base="tow")


def test_a_model_does_not_differ_from_itself(models):
    found = compare({"one": models["one"], "again": models["one"]})
    assert found.differences["again"]["mt5d"]["mt5d"] == (0, 0, 0, 1)
    low, high = found.differences["again"]["mce"]["error"]["fog"][2][1:3]
    assert low == -high < 0


def some(model, count):
    """The model on the first images, scored as the metric would."""
    counts = {metric: found.select(set(ids(count))) for metric, found in model.counts.items()}
    metrics = {}
    for metric, result in model.metrics.items():
        benchmark = "imagenet_c" if metric == "mce" else "imagenet_p"
        new = compute_scores(metric, benchmark, counts[metric].means())
        signature = result["signature"].replace("|n:40|", f"|n:{count}|").replace("|n:12|", f"|n:{count}|")
        metrics[metric] = {**result, **new, "signature": signature}
    return dataclasses.replace(model, counts=counts, metrics=metrics)


def test_only_common_images_are_compared(models):
    less = some(models["two"], 10)
    found = compare({"one": models["one"], "less": less})
    assert found.images == {"mce": (10, 40), "mfr": (10, 12), "mt5d": (10, 12)}
    assert found.models["one"].metrics["mce"]["mce"] == some(models["one"], 10).metrics["mce"]["mce"]
    assert found.models["less"].metrics["mce"]["mce"] == less.metrics["mce"]["mce"]


def test_models_without_an_error_on_their_common_images_are_compared(models):
    def flawless(model, first):
        counts = model.counts["mce"]
        columns = {name: np.zeros_like(column) for name, column in counts.columns.items()}
        for column in columns.values():
            column[:first] = -1  # images that this evaluation lacks
        counts = {"mce": dataclasses.replace(counts, columns=columns)}
        return dataclasses.replace(model, metrics={"mce": model.metrics["mce"]}, counts=counts)

    found = compare({name: flawless(model, 10 * i) for i, (name, model) in enumerate(models.items())})
    assert found.images == {"mce": (40, 40)}
    assert found.models["one"].metrics["mce"]["mce"] == 0
    assert found.differences["two"]["mce"]["mce"] == (0, 0, 0, 1)


def test_of_a_config_only_what_both_have_is_compared(models):
    one, two = models.values()
    counts = one.counts["mce"]
    fewer = {
        **counts.columns,
        "fog_3": np.where(np.arange(40) < 15, counts.columns["fog_3"], -1).astype(np.int16),
    }
    part = dataclasses.replace(one, counts={**one.counts, "mce": dataclasses.replace(counts, columns=fewer)})
    found = compare({"part": part, "two": two})
    column = two.counts["mce"].columns["fog_3"]
    assert found.models["two"].metrics["mce"]["error"]["fog"][2] == column[:15].sum() / 15
    assert found.models["two"].metrics["mce"]["error"]["fog"][3] == two.metrics["mce"]["error"]["fog"][3]
    for model in found.models.values():
        assert set(model.counts["mce"].columns["fog_3"][15:]) == {-1}


def test_calibration_is_of_all_predictions_only(models):
    one = models["one"]
    less = {metric: counts.select(set(ids(11))) for metric, counts in one.counts.items()}
    assert _is_whole(one, one.counts) and not _is_whole(one, less)
    right = Counts(("a", "b"), {"fog_3": np.zeros(2, np.int16)}, {"fog_3": 1})
    flawless = dataclasses.replace(one, counts={"mce": right})
    assert not _is_whole(flawless, {"mce": right.select({"a"})})
    ece = {"ece": {"mean": 0.1, "cells": {}}}
    calibrated = dataclasses.replace(one, calibration=ece)
    found = compare({"one": models["two"], "two": calibrated})
    assert found.models["two"].calibration == ece
    last = found.to_dataframe().iloc[-1]  # which has no difference
    assert (last.metric, last.value) == ("ece", 0.1) and np.isnan(last.difference) and np.isnan(last.p_value)
    assert compare({"one": calibrated, "two": some(models["two"], 10)}).models["one"].calibration == {}


def test_table(models):
    table = compare(models).to_dataframe()
    assert list(table.index) == list(range(len(table)))
    row = table[(table.model == "two") & (table.metric == "ce") & (table.corruption == "fog")].iloc[0]
    assert row.difference_low <= row.difference <= row.difference_high
    other = table[(table.model == "one") & (table.metric == "ce") & (table.corruption == "fog")].iloc[0]
    assert (
        row.difference == pytest.approx(row.value - other.value)
        and 0 <= row.p_value <= 1
        and np.isnan(other.difference)
    )


def other_data(model, old, new):
    metrics = {
        metric: {**result, "signature": result["signature"].replace(old, new)}
        for metric, result in model.metrics.items()
    }
    return dataclasses.replace(model, metrics=metrics)


@pytest.mark.parametrize(
    ("old", "new"), [("|seed:0|", "|seed:1|"), ("imagenet_c", "imagenet_c_299"), ("|recipe:1|", "|")]
)
def test_other_data_cannot_be_compared(models, old, new):
    two = other_data(models["two"], old, new)
    with pytest.raises(ValueError, match=r"one and two are not of the same data, mce\|.* and mce\|.*: only"):
        compare({"one": models["one"], "two": two})


def test_parts_of_the_same_data_are_compared(models):
    part = other_data(models["two"], "|recipe:1|", "|part:20/50000|missing:3|recipe:1|")
    found = compare({"one": models["one"], "two": part})
    assert found.differences["two"] == compare(models).differences["two"]


def test_what_has_nothing_in_common(models):
    one, two = models.values()
    with pytest.raises(ValueError, match="two evaluations or more"):
        compare({"one": one})
    c = dataclasses.replace(one, metrics={"mce": one.metrics["mce"]}, counts={"mce": one.counts["mce"]})
    p = dataclasses.replace(two, metrics={"mfr": two.metrics["mfr"]}, counts={"mfr": two.counts["mfr"]})
    with pytest.raises(ValueError, match="one and two: one has no metric in common with another"):
        compare({"one": c, "two": p})
    counts = two.counts["mce"]
    others = dataclasses.replace(counts, image_ids=tuple(f"other {name}" for name in counts.image_ids))
    with pytest.raises(ValueError, match="one and two have no image of mce in common"):
        compare({"one": c, "two": dataclasses.replace(two, counts={**two.counts, "mce": others})})


def test_one_may_lack_what_others_have(models):
    one, two = models.values()
    c = dataclasses.replace(one, metrics={"mce": one.metrics["mce"]}, counts={"mce": one.counts["mce"]})
    found = compare({"c": c, "one": one, "two": two})
    assert set(found.differences["two"]) == {"mce"} and set(found.images) == {"mce", "mfr", "mt5d"}
    assert found.to_dataframe().model.nunique() == 3


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["imagenet-cp", "compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_command(models, tmp_path, monkeypatch, capsys):
    for name, model in models.items():
        (tmp_path / name).mkdir()
        model.to_json(tmp_path / name / "results.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(charts, "available", lambda models: ["fr"])  # to draw them all takes seconds
    assert run(monkeypatch, "one/results.json", "two", "-o", "out") == 0
    printed = capsys.readouterr().out.strip().splitlines()
    assert printed[0].split()[1:3] == ["Error", "mCE"] and printed[-1] == "out/index.html"
    text = Path("out/index.html").read_text()
    assert "2 models compared" in text and "<script" not in text
    assert Path("out/comparison.csv").exists() and Path("out/charts/fr.png").exists()
    # It replaces its own page.
    assert run(monkeypatch, "one/results.json", "two", "-o", "out", "--base", "two") == 0
    assert "Differences to two" in Path("out/index.html").read_text() and "Differences to one" in text
    capsys.readouterr()
    assert run(monkeypatch, "one", "none.json") == 2
    said = capsys.readouterr().err.strip()
    assert said == "imagenet-cp: none.json: no such file; name results.json of a report, or its folder"


def test_models_of_one_name_are_told_apart_by_their_files(models, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "write_charts", lambda *_: {})
    two = dataclasses.replace(models["two"], model="one")
    models["one"].to_json(tmp_path / "a.json")
    two.to_json(tmp_path / "b.json")
    text = write_comparison(
        compare(load_models([tmp_path / "a.json", tmp_path / "b.json"])), tmp_path / "out"
    ).read_text()
    assert f"one ({tmp_path / 'b.json'})" in text
    with pytest.raises(ValueError, match="the same file twice"):
        load_models([tmp_path / "a.json", tmp_path / "a.json"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.html", "<!DOCTYPE html><title>My site</title>"),
        ("index.html", '<meta name="generator" content="imagenet-cp report">'),
        ("comparison.csv", "a,b\n1,2\n"),
    ],
)
def test_only_a_comparison_is_replaced_by_one(models, tmp_path, monkeypatch, capsys, name, text):
    for one, model in models.items():
        model.to_json(tmp_path / f"{one}.json")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "one.json", "two.json", "-o", "site") == 1
    assert f"site/{name}: exists, and is none that this command writes" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "site").iterdir()] == [name]
    assert (tmp_path / "site" / name).read_text() == text


def test_the_page_is_a_leaderboard(tmp_path):
    names = [f"timm:vit_large_patch14_clip_224.openai_ft_in12k_in1k_{i}" for i in range(3)]
    for name, skill in zip(names, (0.9, 0.5, 0.7), strict=True):
        evaluation(40, 0, skill=skill, model=name).to_json(tmp_path / f"{name[-1]}.json")
    text = write_comparison(
        compare(load_models([tmp_path / f"{i}.json" for i in range(3)])), tmp_path / "out"
    ).read_text()
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert [table.index(names[i]) for i in (1, 2, 0)] == sorted(table.index(name) for name in names)
    best = table[table.index(names[1]) : table.index(names[2])]
    assert best.count('class="best"') == 3 and table.count('class="best"') >= 3
    assert "Holm's method for 2 comparisons" in text and "severity 0 is that of clean images" in text
    assert style.shorten(names[0]) != style.shorten(names[1])
    assert f"Differences to {names[0]}" in text and "Among published models" in text
    assert (tmp_path / "out" / "table.tex").read_text().count("timm:vit") == 3


def test_differences_are_to_the_chosen_model(models, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "write_charts", lambda *_: {})
    for name, model in models.items():
        model.to_json(tmp_path / f"{name}.json")
    files = [tmp_path / f"{name}.json" for name in models]
    found = compare(models, base="two").differences["one"]["mce"]["mce"]
    text = write_comparison(compare(load_models(files), "two"), tmp_path / "out").read_text()
    assert "Differences to two" in text and f'class="best">+{found.value:.1f}<' in text
    assert '<td data-column="mCE">–</td>' in text  # of the base
    with pytest.raises(ValueError, match="no model 'three'"):
        compare(load_models(files), "three")


def test_many_models_are_drawn_without_doubles():
    looks = style.assign_looks(map(str, range(50)))
    assert len({(look.color, look.marker) for look in list(looks.values())[:6]}) == 6
    assert [look.rank for look in looks.values()] == list(range(1, 51)) and looks["6"].color == style.COLORS[
        "ink"
    ]


def test_points_have_their_values_on_hover(models):
    figure = charts.draw("scatter", models)
    text = chart_rendering.render(figure, "svg", "scatter").decode()
    for name, model in models.items():
        error, mce = 100 * model.metrics["mce"]["clean_error"], model.metrics["mce"]["mce"]
        assert f"<title>{name}: clean error {error:.1f}, mCE {mce:.1f}</title>" in text
    assert "<title>ResNet-50: clean error 23.9, mCE 76.7</title>" in text and style.HOVER not in text
