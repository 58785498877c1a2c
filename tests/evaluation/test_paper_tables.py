"""Tables to paste: their numbers, their layout, and names that would break them."""

import csv
import io
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from evaluation_samples import evaluation

from imagenet_cp.cli import main
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation.paper_tables import SCORES, format_tables, make_table, parse_scores


@pytest.fixture(scope="module")
def models():
    cells = {"mean": 0.0512, "mean_all": 0.06, "clean": 0.01, "cells": {}}
    return {
        "one_50%": evaluation(40, 12, model="one_50%", calibration={"ece": cells}),
        "two|b": evaluation(40, 12, skill=0.5, seed=1, model="two|b"),
    }


def test_the_layout_is_that_of_the_papers_tables(models):
    table = make_table(models, ("clean_error", "mce", "ce"))
    assert [title for _, title in table.columns][:5] == ["Error", "mCE", "Gaussian", "Shot", "Impulse"]
    families = [family for family, _ in table.columns]
    assert families == ["", "", *["Noise"] * 3, *["Blur"] * 4, *["Weather"] * 4, *["Digital"] * 4]
    assert table.rows["two|b"][1] == f"{models['two|b'].metrics['mce']['mce']:.1f}"
    assert table.best == {("two|b", i) for i in range(17)}
    sequences = make_table(models, ("mfr", "fr"))
    assert [family for family, _ in sequences.columns][1:] == [
        *["Noise"] * 2,
        *["Blur"] * 2,
        *["Weather"] * 2,
        *["Digital"] * 4,
    ]
    assert all(note.startswith("mfr|") for note in sequences.notes)


def test_markdown_and_csv(models):
    text = format_tables(models, "markdown")
    assert text.count("| Model |") == 3 and r"| two\|b | **" in text and "one\\_50%" in text
    assert "`mce|benchmark:imagenet_c|n:40|" in text
    rows = list(csv.reader(io.StringIO(format_tables(models, "csv"))))
    assert rows[0][:4] == ["model", "Error", "mCE", "Noise Gaussian"] and len(rows[0]) == 1 + 17 + 11 + 11
    assert rows[2][0] == "two|b" and float(rows[2][2]) == pytest.approx(
        models["two|b"].metrics["mce"]["mce"], abs=0.05
    )


def test_chosen_scores_and_intervals(models):
    scores = parse_scores("mce,mean_error, error_severity_5,ece")
    table = make_table(models, scores, intervals=True)
    result = models["one_50%"]
    low, high = result.intervals["mce"]["mean_error"]
    assert table.rows["one_50%"][1] == (
        f"{100 * result.metrics['mce']['mean_error']:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    )
    assert table.rows["one_50%"][3] == "5.1" and table.rows["two|b"][3] == "–"
    assert make_table(models, ("mean_accuracy",)).best == {("two|b", 0)}
    with pytest.raises(ValueError, match="no score 'mec'; did you mean mce"):
        parse_scores("mec")
    with pytest.raises(UsageError, match="no format 'md'"):
        format_tables(models, "md")


def test_scores_of_calibration_have_their_units(models):
    names = {
        "top5_error": "5.1",
        "ece": "5.1",
        "adaptive_ece": "5.1",
        "nll": "0.05",
        "brier": "0.051",
        "aurc": "5.1",
    }
    made = replace(models["two|b"], calibration={name: {"mean": 0.0512} for name in names})
    table = make_table({"a": made}, tuple(names))
    assert table.rows["a"] == tuple(names.values()) and not table.best  # of one model none is the best
    assert not make_table({"a": made, "b": made}, tuple(names)).best  # nor of equal ones


def test_latex(models, tmp_path):
    text = format_tables(models, "latex")
    assert r"one\_50\% & " in text and r"two\textbar{}\allowbreak{}b & \textbf{" in text
    assert r"\multicolumn{3}{c}{Noise}" in text and r"\cmidrule(lr){4-6}" in text
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert line.count("&") + line.count("multicolumn{3}") * 2 + line.count(
                "multicolumn{4}"
            ) * 3 + line.count("multicolumn{2}") in (17, 11)
    names = {"<a> #1 $x$ {b} ~ ^ \\c &": models["two|b"]}
    text += format_tables(names, "latex", tuple(SCORES), intervals=True)
    engine = next((name for name in ("tectonic", "pdflatex", "lualatex") if shutil.which(name)), None)
    if engine is None:
        pytest.skip("no LaTeX here")
    document = (
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\tiny\n" + text + "\\end{document}\n"
    )
    (tmp_path / "table.tex").write_text(document)
    options = [] if engine == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([engine, *options, "table.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_text_fits_the_terminal_in_blocks_of_columns(models, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    long = {"a/very/long/path/to/the/results/of/a/model/" + name: model for name, model in models.items()}
    for named in (models, long):
        lines = format_tables(named, "text").splitlines()
        tables = [line for line in lines if "|benchmark:" not in line]
        assert max(map(len, tables)) <= 60 and tables[0].split()[:3] == ["Model", "Error", "mCE"]
        assert sum(line.startswith("Model") for line in lines) > 3  # one for each block
    first, second = format_tables(models, "text", ("mce",)).splitlines()[1:3]
    assert first.split() == ["one_50%", f"{models['one_50%'].metrics['mce']['mce']:.1f}"]
    assert second.split() == ["two|b", f"{models['two|b'].metrics['mce']['mce']:.1f}*"]


def test_different_data_are_not_tabulated(models, tmp_path, monkeypatch, capsys):
    first, second = models.values()
    first.to_json(tmp_path / "first.json")
    changed = dict(second.metrics["mce"])
    changed["signature"] = changed["signature"].replace("seed:0", "seed:1")
    replace(second, metrics={**second.metrics, "mce": changed}).to_json(tmp_path / "second.json")
    files = [str(tmp_path / f"{name}.json") for name in ("first", "second")]
    refusals = []
    for command in ("table", "compare"):
        monkeypatch.setattr(sys, "argv", ["imagenet-cp", command, *files])
        with pytest.raises(SystemExit) as stopped:
            main()
        refusals.append((stopped.value.code, capsys.readouterr().err))
    assert refusals[0] == refusals[1] and refusals[0][0] == 1
    assert "only scores on the same data can be compared" in refusals[0][1]


def test_the_command(models, tmp_path, monkeypatch, capsys):
    for i, model in enumerate(models.values()):
        model.to_json(tmp_path / f"{i}.json")
    files = [str(tmp_path / f"{i}.json") for i in range(2)]
    monkeypatch.setattr(
        sys, "argv", ["imagenet-cp", "table", *files, "--format", "csv", "--metrics", "mce,ece"]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert capsys.readouterr().out.splitlines()[0] == "model,mCE,ECE"
