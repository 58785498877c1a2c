"""Results in the formats of leaderboards, read back by their own code where it is installed."""

import csv
import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from toy_evaluations import compute, evaluation, mce_counts

from imagenet_cp import corruptions
from imagenet_cp.cli import main
from imagenet_cp.evaluation import leaderboards
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.leaderboards import TIMM_COLUMNS, export_robustbench, export_timm
from imagenet_cp.notices import notice
from imagenet_cp.sources.subsets import ROBUSTBENCH, open_subset


@pytest.fixture(scope="module")
def result():
    cells = {name: [0.1, 0.2, 0.3, 0.4, 0.5] for name in corruptions.CORRUPTIONS}
    top5 = {"mean": 0.3, "mean_all": 0.3, "clean": 0.05, "cells": cells}
    return evaluation(40, 12, model="user:some/net", calibration={"top5_error": top5})


def rows(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def test_timm(result, tmp_path):
    files = export_timm(result, tmp_path)
    assert [file.name for file in files] == [
        "results-imagenet-c.csv",
        *(f"results-imagenet-c-{family}.csv" for family in ("noise", "blur", "weather", "digital", "clean")),
    ]
    [row] = rows(files[0])
    assert list(row) == list(TIMM_COLUMNS) and b"\r" not in files[0].read_bytes()
    error = result.metrics["mce"]["error"]
    assert float(row["top1_err"]) == pytest.approx(100 * result.metrics["mce"]["mean_error"], abs=5e-4)
    assert (row["top5"], row["top5_err"], row["img_size"]) == ("70.000", "30.000", "224")
    [blur] = rows(files[2])
    blurs = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur")
    assert float(blur["top1"]) == pytest.approx(
        100 - 100 * np.mean([error[name] for name in blurs]), abs=5e-4
    )
    export_timm(replace(result, model="better", metrics=evaluation(40, 0, skill=0.2).metrics), tmp_path)
    export_timm(result, tmp_path)
    assert [row["model"] for row in rows(files[0])] == ["better", "user:some/net"]
    for text in ("a,b\n", ""):
        files[0].write_text(text)
        with pytest.raises(ValueError, match="not a file of timm's results"):
            export_timm(result, tmp_path)
    with pytest.raises(ValueError, match="no top-5 errors"):
        export_timm(replace(result, calibration={}), tmp_path)


def test_a_row_of_timm(result, tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboards, "_parameters", lambda name: f"of {name}")
    made = replace(result, model="timm:net.a", signature="m|input:288x288|interpolation:bicubic")
    [row] = rows(export_timm(made, tmp_path)[-1])
    error = 100 * result.metrics["mce"]["clean_error"]
    known = [
        "net.a",
        "288",
        f"{100 - error:.3f}",
        f"{error:.3f}",
        "95.000",
        "5.000",
        "of net.a",
        "1.0",
        "bicubic",
    ]
    assert list(row.values()) == known
    (tmp_path / "other").mkdir()
    [row] = rows(export_timm(replace(made, model="other", signature="m"), tmp_path / "other")[-1])
    assert (row["img_size"], row["param_count"], row["interpolation"]) == ("", "", "bilinear")


def test_no_row_of_what_was_not_measured(result, tmp_path):
    mce = {**result.metrics["mce"], "clean_error": None}
    top5 = {**result.calibration["top5_error"], "clean": None}
    for part in (replace(result, metrics={"mce": mce}), replace(result, calibration={"top5_error": top5})):
        assert len(export_timm(part, tmp_path)) == 5
    cells = {**result.calibration["top5_error"]["cells"], "fog": [0.1, 0.2, None, 0.4, 0.5]}
    part = replace(result, calibration={"top5_error": {"clean": 0.05, "cells": cells}})
    files = export_timm(part, tmp_path)
    assert [file.stem.rpartition("-")[2] for file in files] == ["noise", "blur", "digital", "clean"]


def test_numbers_of_parameters(monkeypatch):
    def create_model(name, pretrained):
        if name != "net" or pretrained:
            raise RuntimeError("Unknown model")
        sizes = (SimpleNamespace(numel=lambda n=n: n) for n in (1_000_000, 234_567))
        return SimpleNamespace(parameters=lambda: sizes)

    def device(name):
        assert name == "meta"  # without memory
        return nullcontext()

    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create_model))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(device=device))
    assert leaderboards._parameters("net") == "1.23" and leaderboards._parameters("unknown") == ""
    monkeypatch.setitem(sys.modules, "torch", None)
    assert leaderboards._parameters("net") == ""


@pytest.fixture(scope="module")
def on_5000():
    """An evaluation on RobustBench's images."""
    everything = [f"ILSVRC2012_val_{number:08d}" for number in range(1, 50_001)]
    _, chosen = open_subset(ROBUSTBENCH).choose(everything, "ImageNet")
    counts = mce_counts(20)
    columns = {config: np.resize(column, 5000) for config, column in counts.columns.items()}
    whole = Counts(tuple(sorted(chosen)), columns, counts.pairs)
    return evaluation(
        0, 0, model="timm:some_net", metrics={"mce": compute("mce", whole)}, counts={"mce": whole}
    )


def test_robustbench(on_5000, tmp_path):
    entry, table = export_robustbench(on_5000, tmp_path)
    fields = json.loads(entry.read_text())
    mce = on_5000.metrics["mce"]
    assert entry.name == "some_net.json"
    assert entry.read_text() == json.dumps(fields, indent=2) + "\n"
    assert list(fields.items())[:2] == [("name", "timm:some_net"), ("dataset", "imagenet")]
    assert fields["corruptions_mce"] == str(round(mce["mce"], 2))
    assert fields["clean_acc"] == str(round(100 * (1 - mce["clean_error"]), 2))
    assert fields["corruptions_acc"] == str(round(100 * mce["mean_accuracy"], 2))
    pandas = pytest.importorskip("pandas")
    read = pandas.read_csv(table, header=[0, 1], index_col=0)  # as RobustBench reads it
    assert read.loc["some_net", ("fog", "3")] == pytest.approx(1 - mce["error"]["fog"][2])
    assert read.shape == (1, 75) and read.columns[0] == ("shot_noise", "1")
    assert 100 * read.to_numpy().mean() == pytest.approx(float(fields["corruptions_acc"]), abs=0.01)


def test_robustbench_takes_its_own_images_only(result, on_5000, tmp_path):
    with pytest.raises(
        ValueError, match=r"its own 5,000 images, and these are 40 others; .*--ids robustbench-5000"
    ):
        export_robustbench(result, tmp_path)
    counts = on_5000.counts["mce"]
    last = counts.image_ids[-1]
    for ids, number in (((f"{last}x",), "5,000"), ((last, f"{last}x"), "5,001")):
        changed = replace(counts, image_ids=(*counts.image_ids[:-1], *ids))
        with pytest.raises(ValueError, match=f"these are {number} others"):
            export_robustbench(replace(on_5000, counts={"mce": changed}), tmp_path)
    mce = {**on_5000.metrics["mce"], "clean_error": None}
    with pytest.raises(
        ValueError, match="RobustBench needs the accuracy on clean images; evaluate on clean too"
    ):
        export_robustbench(replace(on_5000, metrics={"mce": mce}), tmp_path)
    assert not list(tmp_path.iterdir())
    slashes = export_robustbench(replace(on_5000, model="hf:org/net/x"), tmp_path)
    assert slashes == [tmp_path / "org_net_x.json", tmp_path / "unaggregated_results.csv"]


def test_robustbenchs_own_fields(on_5000, tmp_path):
    utils = pytest.importorskip("robustbench.utils")
    entry, _ = export_robustbench(on_5000, tmp_path)
    assert utils.ModelInfo(**json.loads(entry.read_text())).dataset == "imagenet"


def test_parts_are_refused(tmp_path):
    counts = mce_counts(20, configs=["fog_3", "clean"])
    part = evaluation(0, 0, metrics={"mce": compute("mce", counts)}, counts={"mce": counts})
    whole = evaluation(4, 4)
    mce = whole.metrics["mce"]
    small = {
        **mce,
        "signature": mce["signature"].replace("benchmark:imagenet_c", "benchmark:tiny_imagenet_c"),
    }
    sequences = {name: whole.metrics[name] for name in ("mfr", "mt5d")}
    for made in (part, replace(whole, metrics={"mce": small}), replace(whole, metrics=sequences)):
        for export in (export_timm, export_robustbench):
            with pytest.raises(ValueError, match="not of all 75 configs"):
                export(made, tmp_path)


def _line(text):
    return " ".join(text.split())


def test_the_command(result, tmp_path, monkeypatch, capsys):
    result.to_json(tmp_path / "results.json")

    def run(*options):
        monkeypatch.setattr(
            sys, "argv", ["imagenet-cp", "export", str(tmp_path), "-o", str(tmp_path / "out"), *options]
        )
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code, capsys.readouterr()

    code, printed = run("--to", "timm")
    assert code == 0 and not printed.err and (tmp_path / "out/results-imagenet-c.csv").is_file()
    code, printed = run("--to", "hub")
    assert code and "--dataset user/imagenet_c" in printed.err
    assert run("--to", "hub", "--dataset", "user/imagenet_p")[0] == 0
    files = sorted((tmp_path / "out/.eval_results").iterdir())
    assert [file.name for file in files] == ["imagenet_p_mfr.yaml", "imagenet_p_mt5d.yaml"]
    [entry] = parse_eval_result_entries(yaml.safe_load(files[0].read_text()))
    assert (entry.task_id, entry.value) == ("mfr", result.metrics["mfr"]["mfr"])
    code, printed = run("--to", "robustbench")
    assert code and "5,000 images" in printed.err
    assert run("--to", "timm", "--configs", "fog")[0]
    code, printed = run("--to", "hub", "--dataset", "user/mine")
    assert code and "of imagenet_c and imagenet_p; 'user/mine' does not end with the name of one" in _line(
        printed.err
    )
    one = {name: {"mce": getattr(result, name)["mce"]} for name in ("metrics", "counts")}
    replace(result, **one).to_json(tmp_path / "results.json")
    code, printed = run("--to", "hub", "--dataset", "user/mine")
    assert code == 0, printed.err
    code, printed = run("--to", "hub", "--dataset", "user/imagenet_p")
    assert code and "of imagenet_c; 'user/imagenet_p' does not end" in _line(printed.err)
    result.to_json(tmp_path / "results.json")
    stored = (tmp_path / "results.json").read_text()
    part = stored.replace("imagenet_c|recipe:1", "imagenet_c|part:20/50000|recipe:1")
    assert part != stored
    (tmp_path / "results.json").write_text(part)
    for options in (["timm"], ["hub", "--dataset", "user/imagenet_c"]):
        notice.cache_clear()
        code, printed = run("--to", *options)
        assert code == 0 and "scores of a part, 20 of 50,000 images" in " ".join(printed.err.split())
