"""A model on corrupted images in a layout of their own: plain means everywhere, and nowhere a score of ImageNet-C."""

import json
import re
from types import SimpleNamespace

import datasets
import numpy as np
import pytest
from PIL import Image
from toy_evaluations import compute, evaluation, mce_counts
from typer.testing import CliRunner

from imagenet_cp.cli.main import app
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation.comparison import compare
from imagenet_cp.evaluation.data.corrupted_rows import _signature, from_custom
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.leaderboards import export_timm
from imagenet_cp.evaluation.paper_tables import format_tables, make_table
from imagenet_cp.evaluation.report.comparison_page import load_models, write_comparison
from imagenet_cp.evaluation.run import evaluate_model, evaluate_models
from imagenet_cp.hub.model_results import evaluation_results
from imagenet_cp.sources import classes as imagenet

LAYOUT = "{corruption}/{severity}/{class}/{file}"
#: Corruption and severity -> number of the eight images that are bright, which the models take for class 0.
BRIGHT = {("fog_3d", 1): 4, ("fog_3d", 2): 8, ("near_focus", 1): 1, ("clean", 0): 3}


def by_brightness(images):
    means = images.reshape(len(images), -1).mean(axis=1)
    return np.eye(1000)[np.where(means > 128, 0, 100)] * 5


def always_first(images):
    return np.eye(1000)[np.zeros(len(images), int)] * 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight images of the class 0, as many bright ones of them as `BRIGHT` says."""
    root = tmp_path_factory.mktemp("custom") / "ImageNet-3DCC"
    for (name, severity), bright in BRIGHT.items():
        inside = root / name / str(severity) / imagenet.wnids()[0]
        inside.mkdir(parents=True)
        for number in range(8):
            value = 200 if number < bright else 50
            Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(inside / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def result(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    made = evaluate_model(by_brightness, data=folder, layout=LAYOUT, out=out)
    made.write_report(out)
    return made, out


def test_errors_and_plain_means(result, folder):
    made, _ = result
    scores = made.metrics["custom"]
    assert list(made.metrics) == ["custom"] and scores["name"] == "ImageNet-3DCC"
    assert scores["error"] == {"fog_3d": [0.5, 0.0], "near_focus": [7 / 8, None]}
    assert scores["mean_error"] == pytest.approx((0.5 + 0 + 7 / 8) / 3)
    assert scores["mean_error_by_corruption"] == {"fog_3d": 0.25, "near_focus": 7 / 8}
    assert scores["mean_error_by_severity"] == [pytest.approx(11 / 16), 0] and scores["clean_error"] == 5 / 8
    low, high = made.intervals["custom"]["mean_error"]
    assert 0 < low < scores["mean_error"] < high < 1
    assert made.calibration["custom_top5_error"]["cells"]["fog_3d"] == [0.0, 0.0]
    assert made.calibration["custom_ece"]["mean"] is not None
    assert scores["signature"].startswith("mean_error|benchmark:custom|n:8|version:1|data:")
    assert (
        f"|data:custom|layout:{LAYOUT}|images:" in scores["signature"]
        and str(folder) not in scores["signature"]
    )
    assert made.examples and {example.config for example in made.examples} <= {
        "fog_3d_1",
        "near_focus_1",
        "clean",
    }


def test_it_is_nowhere_called_mce(result, folder, tmp_path):
    made, out = result
    write_comparison(compare(load_models([out, _other(folder, tmp_path)])), tmp_path / "comparison")
    files = [
        file
        for place in (out, tmp_path)
        for file in place.rglob("*")
        if file.suffix in (".html", ".json", ".csv", ".md", ".tex")
    ]
    assert len(files) >= 5 + 5 + 5
    for file in files:
        assert "mce" not in file.read_text(encoding="utf-8").lower(), file
    assert "mce" not in str(evaluation_results(made.metrics["custom"], "user/own")).lower()
    with pytest.raises(ValueError, match="not of all 75 configs of ImageNet-C"):
        export_timm(made, tmp_path)


def _other(folder, tmp_path):
    other = evaluate_model(always_first, data=folder, layout=LAYOUT, name="other")
    other.write_report(tmp_path / "other")
    return tmp_path / "other"


def test_reports_tables_and_comparisons(result, folder, tmp_path):
    made, out = result
    page = (out / "index.html").read_text(encoding="utf-8")
    assert (
        "Robustness on ImageNet-3DCC: 8 images" in page
        and "near focus" in page
        and "not evaluated" not in page
    )
    assert {path.stem for path in (out / "charts").iterdir()} == {"custom", "custom_severity"}
    assert Evaluation.from_json(out / "results.json").metrics == made.metrics
    table = make_table({"one": made}, ("mean_error", "custom", "error_severity_5", "ece", "custom_error"))
    assert table.rows["one"][:2] == ("45.8", "45.8") and table.rows["one"][-2:] == ("25.0", "87.5")
    assert format_tables({"one": made}, "markdown").startswith(
        "| Model | Error | mean error | Fog 3d | Near focus |"
    )
    other = Evaluation.from_json(_other(folder, tmp_path) / "results.json")
    found = compare({"one": made, "other": other})
    assert found.differences["other"]["custom"]["mean_error"].value == pytest.approx(
        -made.metrics["custom"]["mean_error"]
    )
    part = evaluate_model(by_brightness, data=folder, layout=LAYOUT, configs=["fog_3d"])
    assert (
        part.metrics["custom"]["mean_error"] == 0.25
        and "|configs:fog_3d" in part.metrics["custom"]["signature"]
    )
    with pytest.raises(ValueError, match="not of the same data"):
        compare({"one": made, "part": part})
    with pytest.raises(ValueError, match="there is no config 'fog_3'"):
        evaluate_model(by_brightness, data=folder, layout=LAYOUT, configs=["fog_3"])


def test_predictions_resume_and_other_data_are_refused(folder, tmp_path):
    options = {"data": folder, "layout": LAYOUT, "out": tmp_path / "out", "name": "model"}
    first = evaluate_model(by_brightness, limit=4, **options)
    seen = []
    again = evaluate_model(by_brightness, limit=4, progress=lambda *values: seen.append(values), **options)
    assert again.metrics == first.metrics and not seen
    assert "|limit:4" in first.metrics["custom"]["signature"]
    with pytest.raises(Exception, match="Models and data are never mixed"):
        evaluate_model(by_brightness, limit=3, **options)


def test_rows_and_the_command(tmp_path):
    numbers = range(4)
    data = datasets.Dataset.from_dict(
        {
            "image": [Image.fromarray(np.full((9, 9, 3), 60 * number, np.uint8)) for number in numbers],
            "label": [imagenet.wnids()[0], imagenet.wnids()[100]] * 2,
            "corruption": ["glare"] * 4,
            "severity": [1, 1, 2, 2],
        }
    ).cast_column("image", datasets.Image())
    data.save_to_disk(tmp_path / "own")
    command = [
        "evaluate",
        "toy_models:by_colour",
        "--data",
        str(tmp_path / "own"),
        "-o",
        str(tmp_path / "out"),
    ]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    for text in ("mean error on own: ", "error % at severity"):
        assert text in run.output
    assert "CE" not in run.output
    stored = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert "layout:columns" in stored["metrics"]["custom"]["signature"]
    table = CliRunner().invoke(app, ["table", str(tmp_path / "out"), "--format", "markdown"])
    assert "| Model | Error | mean error | Glare |" in table.output


def test_beside_imagenet_c_and_mistakes(folder, labelled):
    with pytest.raises(ValueError, match=r"lacks \{corruption\}"):
        evaluate_model(by_brightness, data=folder, layout="{severity}/{file}")
    both = evaluate_model(
        by_brightness,
        data=folder,
        layout=LAYOUT,
        source=labelled,
        benchmarks=["imagenet_c"],
        configs=["fog_3", "fog_3d"],
    )
    assert list(both.metrics) == ["mce", "custom"] and both.metrics["custom"]["mean_error"] == 0.25
    with pytest.raises(ValueError, match="give a source instead of builds"):
        evaluate_model(by_brightness, data=folder, layout=LAYOUT, native_size=True)


def test_clean_images_alone_are_reported(folder, tmp_path):
    out = str(tmp_path / "out")
    options = ["--data", str(folder), "--layout", LAYOUT, "--configs", "clean", "-o", out]
    run = CliRunner().invoke(app, ["evaluate", "toy_models:by_colour", *options])
    assert run.exit_code == 0, run.output
    assert "none, since no image is corrupted" in run.output
    assert "no corrupted images" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_an_evaluation_resumes_on_cells_of_unequal_size(folder, tmp_path):
    for number in range(1, 8):
        (folder / "near_focus/1" / imagenet.wnids()[0] / f"{number}.png").rename(tmp_path / f"{number}.png")
    try:
        for _ in range(2):
            found = evaluate_models(
                [by_brightness], data=folder, layout=LAYOUT, out=tmp_path / "out", images_per_unit=4
            )
            for file in sorted((tmp_path / "out" / "predictions").rglob("000000-*.parquet")):
                file.unlink()
        (made,) = found.evaluations.values()
        assert made.metrics["custom"]["error"]["near_focus"] == [0.0, None]
        assert "|n:1-8|" in made.metrics["custom"]["signature"]
    finally:
        for number in range(1, 8):
            (tmp_path / f"{number}.png").rename(
                folder / "near_focus/1" / imagenet.wnids()[0] / f"{number}.png"
            )


def test_benchmarks_beside_it_need_a_source(folder):
    with pytest.raises(UsageError, match="imagenet_c_bar beside data in a layout of their own need"):
        evaluate_model(by_brightness, data=folder, layout=LAYOUT, benchmarks=["imagenet_c_bar"])


def test_a_column_of_a_table_is_of_one_data_set(result):
    made, _ = result
    counts = mce_counts(20, configs=["fog_3", "clean"])
    other = evaluation(0, 0, metrics={"mce": compute("mce", counts)}, counts={"mce": counts})
    table = make_table({"custom": made, "of ImageNet-C": other}, ["clean_error"])
    assert table.rows["custom"] == ("–",) and table.rows["of ImageNet-C"] != ("–",)


def test_a_folder_inside_the_data_is_refused(folder):
    for out in (folder, folder / "report"):
        with pytest.raises(UsageError, match="lies in the data"):
            evaluate_model(by_brightness, data=folder, layout=LAYOUT, out=out)


def test_a_report_of_other_data_names_what_it_replaces(result, tmp_path, capsys):
    made, _ = result
    counts = mce_counts(20, configs=["fog_3", "clean"])
    other = evaluation(0, 0, metrics={"mce": compute("mce", counts)}, counts={"mce": counts})
    made.write_report(tmp_path)
    made.write_report(tmp_path)
    assert "replaces" not in capsys.readouterr().err
    other.write_report(tmp_path)
    assert "this report replaces one of ImageNet-3DCC, whose predictions stay" in capsys.readouterr().err


def test_signatures_name_the_layout_the_images_and_what_is_chosen():
    every = {"layout": "columns", "fingerprint": "f", "ids": "i", "class_list": "c", "order": "0-999"}
    found = _signature(SimpleNamespace(**every))
    assert found == "custom|layout:columns|images:f|ids:i|classes:c|order:0-999"


def test_a_slice_has_its_images_cell_by_cell(folder, tmp_path):
    rows = from_custom(folder, LAYOUT)
    assert rows.benchmark.title == "ImageNet-3DCC"
    assert re.fullmatch(rf"custom\|layout:{re.escape(LAYOUT)}\|images:\w+", rows.signature)
    part = rows.slice(rows.cells[:2], 5, 8)
    samples = [sample for task in part.tasks() for sample in task()]
    numbers = [int(re.search(r"(\d)$", sample.image_id)[1]) for sample in samples]
    assert [sample.config for sample in samples] == 3 * [rows.cells[0].config] + 3 * [rows.cells[1].config]
    assert numbers == [5, 6, 7, 5, 6, 7] and len(list(part.encoded())) == 3
    places = [part.location(share / 6) for share in range(6)]
    assert [place[-5] for place in places] == ["5", "6", "7"] * 2 and places[0] != places[3]
    (tmp_path / "classes").write_text("tench")
    some = from_custom(folder, LAYOUT, ids=[samples[0].image_id], classes=tmp_path / "classes")
    assert re.search(r"\|ids:\w+\|classes:\w+$", some.signature) and set(some.num_rows.values()) == {1}
