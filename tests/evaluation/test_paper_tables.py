"""Tables to paste: their numbers, their layout, and names that would break them."""

import csv
import io
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from toy_evaluations import evaluation, with_plain_means

from imagenet_cp import corruptions
from imagenet_cp.cli import main
from imagenet_cp.cli.main import app
from imagenet_cp.errors import UsageError
from imagenet_cp.evaluation import paper_tables
from imagenet_cp.evaluation.paper_tables import SCORES, Table, format_tables, make_table, parse_scores
from imagenet_cp.evaluation.report import comparison_page


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
    assert make_table(models, ("mt5d", "t5d")).columns[1:] == sequences.columns[1:]


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
    assert make_table(models, ("mean_accuracy", "mean_accuracy_all")).best == {("two|b", 0), ("two|b", 1)}
    with pytest.raises(ValueError, match="no score 'mec'; did you mean mce"):
        parse_scores("mec")
    with pytest.raises(UsageError, match="no format 'md'"):
        format_tables(models, "md")


BAR = ["clean", *(f"{name}_{s}" for name in corruptions.BAR for s in range(1, 6))]


def test_every_score_has_its_unit(models):
    model = models["one_50%"]
    mce = model.metrics["mce"]
    assert make_table(models, tuple(SCORES)[:8]).rows["one_50%"] == (
        f"{100 * mce['clean_error']:.1f}",
        *(f"{mce[name]:.1f}" for name in ("mce", "relative_mce")),
        *(f"{100 * mce[name]:.1f}" for name in tuple(SCORES)[3:7]),
        f"{100 * mce['mean_error_by_severity'][4]:.1f}",
    )
    for metric in ("mfr", "mt5d"):
        assert make_table(models, (metric,)).rows["one_50%"] == (f"{model.metrics[metric][metric]:.1f}",)
    for name, metric, digits in (
        ("ce", "mce", 0),
        ("relative_ce", "mce", 1),
        ("fr", "mfr", 0),
        ("t5d", "mt5d", 0),
    ):
        expected = tuple(f"{value:.{digits}f}" for value in model.metrics[metric][name].values())
        tested = 15 if metric == "mce" else 10
        assert make_table(models, (name,)).rows["one_50%"] == expected[:tested]
    titles = [title for _, title in make_table(models, ("ce",)).columns]
    assert titles[:8] == ["Gaussian", "Shot", "Impulse", "Defocus", "Glass", "Motion", "Zoom", "Snow"]
    assert titles[8:] == ["Frost", "Fog", "Brightness", "Contrast", "Elastic", "Pixelate", "JPEG"]
    assert make_table(models, ("c_bar_error", "custom_error")).columns == ()


def test_every_score_has_its_title(models):
    titles = (
        *("Error", "mCE", "rel. mCE", "mean error", "mean accuracy"),
        *("mean error of 19", "mean accuracy of 19", "error at severity 5"),
        *("C-bar mean error", "mean error", "mFR", "mT5D"),
        *("top-5 error", "ECE", "adaptive ECE", "NLL", "Brier", "AURC"),
    )
    assert make_table(models, tuple(SCORES)).columns == tuple(("", title) for title in titles)


def test_data_without_alexnets_errors(models):
    bar = with_plain_means("c_bar", BAR, calibration={"c_bar_ece": {"mean": 0.25}})
    mean = bar.metrics["c_bar"]["mean_error"]
    names = ("clean_error", "mean_error", "error_severity_5", "ece", "c_bar", "c_bar_error", "mce")
    table = make_table({"m": bar}, names)
    errors = bar.metrics["c_bar"]["mean_error_by_corruption"]
    clean, fifth = bar.metrics["c_bar"]["clean_error"], bar.metrics["c_bar"]["mean_error_by_severity"][4]
    assert table.rows["m"] == (
        *(f"{100 * value:.1f}" for value in (clean, mean, fifth, 0.25, mean, *errors.values())),
        "–",
    )
    header, _ = format_tables({"m": bar}, "csv").splitlines()
    assert header.startswith("model,Error,C-bar mean error,Obscuring Blue noise sample,")
    assert {family for family, _ in table.columns} == {""} | {
        corruptions.BAR[name].family.capitalize() for name in errors
    }
    own = with_plain_means("custom", ["dust_1", "dust_3", "fog_1"])
    names = ("error_severity_5", "mean_error", "mean_accuracy", "custom", "custom_error")
    table = make_table({"m": own}, names)
    titles = ("error at severity 5", "mean error", "mean accuracy", "mean error", "Dust", "Fog")
    assert table.columns == tuple(("", title) for title in titles)
    custom = own.metrics["custom"]
    percent = f"{100 * custom['mean_error']:.1f}"
    errors = [f"{100 * error:.1f}" for error in custom["mean_error_by_corruption"].values()]
    assert table.rows["m"] == ("–", percent, f"{100 * custom['mean_accuracy']:.1f}", percent, *errors)
    text = format_tables({"m": own}, "csv")
    assert text == f"model,Error,mean error,Dust,Fog\nm,,{percent},{','.join(errors)}\n"
    # Beside each other, the mean error on ImageNet-C is the other column.
    one = models["two|b"]
    both = replace(
        one,
        metrics={"mce": one.metrics["mce"], **bar.metrics},
        counts={"mce": one.counts["mce"], **bar.counts},
    )
    assert make_table({"m": both}, ("c_bar",)).rows == {"m": (f"{100 * mean:.1f}",)}
    header = format_tables({"m": both}, "markdown").splitlines()
    first, second = (line for line in header if line.startswith("| Model"))
    assert first.startswith("| Model | Error | mCE | Noise: Gaussian |")
    assert second.startswith(
        "| Model | Error | mean error | C-bar mean error | Obscuring: Blue noise sample | "
    )


SMALL = Table(
    (("", "Error"), ("Noise", "Shot"), ("Noise", "Fog_x")),
    {"a|b": ("1.0", "–", "3"), "c&d": ("12.5", "2 (1 to 3)", "4")},
    frozenset({("a|b", 0), ("c&d", 1)}),
    ("s|1", "t"),
)


def test_the_text_of_a_table(monkeypatch):
    assert (
        paper_tables._csv(SMALL) == "model,Error,Noise Shot,Noise Fog_x\na|b,1.0,,3\nc&d,12.5,2 (1 to 3),4\n"
    )
    assert paper_tables._markdown(SMALL) == (
        "| Model | Error | Noise: Shot | Noise: Fog_x |\n|---|---:|---:|---:|\n"
        "| a\\|b | **1.0** | – | 3 |\n| c&d | 12.5 | **2 (1 to 3)** | 4 |\n\n`s|1`  \n`t`  \n"
    )
    assert paper_tables._latex(SMALL) == (
        "% needs \\usepackage{booktabs}\n\\begin{tabular}{lrrr}\n\\toprule\n"
        " &  & \\multicolumn{2}{c}{Noise} \\\\\n\\cmidrule(lr){3-4}\n"
        "Model & Error & Shot & Fog\\_x \\\\\n\\midrule\n"
        "a\\textbar{}\\allowbreak{}b & \\textbf{1.0} & -- & 3 \\\\\n"
        "c\\&d & 12.5 & \\textbf{2 (1 to 3)} & 4 \\\\\n\\bottomrule\n\\end{tabular}\n\n"
        "\\par\\smallskip{\\footnotesize\\ttfamily s\\textbar{}\\allowbreak{}1}\n"
        "\\par\\smallskip{\\footnotesize\\ttfamily t}\n"
    )
    special = Table((("", "&%$#_{}"),), {"\\~<>^": ("1",)}, frozenset(), ())
    title, _, row = paper_tables._latex(special).splitlines()[3:6]
    assert title == r"Model & \&\%\$\#\_\{\} \\"
    names = ("backslash", "asciitilde", "less", "greater", "asciicircum")
    assert row == "".join(f"\\text{name}{{}}" for name in names) + r" & 1 \\"
    plain = Table((("", "A"), ("", "B")), {"m": ("1", "2")}, frozenset(), ())
    assert paper_tables._latex(plain).splitlines()[3:6] == [
        "Model & A & B \\\\",
        "\\midrule",
        "m & 1 & 2 \\\\",
    ]
    wide = Table((("", "A"), ("", "B"), ("N", "C")), {"m": ("1", "2", "3")}, frozenset(), ())
    assert paper_tables._latex(wide).splitlines()[3] == " &  &  & \\multicolumn{1}{c}{N} \\\\"
    assert paper_tables._text(plain) == "Model  A   B\nm      1   2\n\n"
    for columns, blocks in (("10", 3), ("25", 3), ("26", 2), ("33", 2), ("34", 1)):
        monkeypatch.setenv("COLUMNS", columns)
        assert paper_tables._text(SMALL).count("Model") == blocks
    monkeypatch.setenv("COLUMNS", "33")
    assert paper_tables._text(SMALL) == (
        "Model  Error         Shot\na|b      1.0*           –\nc&d     12.5   2 (1 to 3)*\n\n"
        "Model  Fog_x\na|b        3\nc&d        4\n\n*: the best\ns|1\nt\n"
    )


def test_long_names_end_as_they_are(monkeypatch):
    for columns, longest in (("60", 36), ("30", 20)):
        monkeypatch.setenv("COLUMNS", columns)
        names = ["x" * longest, "y" * (longest + 1)]
        table = Table((("", "A"),), dict.fromkeys(names, ("1",)), frozenset(), ())
        first, second = (line.split()[0] for line in paper_tables._text(table).splitlines()[1:3])
        assert (first, second) == (names[0], "..." + "y" * (longest - 3))


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
    better = replace(made, calibration={name: {"mean": 0.04} for name in names})
    assert make_table({"a": made, "b": better}, tuple(names)).best == {("b", i) for i in range(6)}


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


def test_the_command_breaks_the_lines_of_text_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparison_page, "load_models", dict.fromkeys)
    monkeypatch.setattr(paper_tables, "format_tables", lambda *given: "a|" * 40)
    monkeypatch.setenv("COLUMNS", "40")
    for form, lines in (("text", 2), ("markdown", 1), ("latex", 1), ("csv", 1)):
        app(["table", str(tmp_path), "--format", form], standalone_mode=False)
        assert len(capsys.readouterr().out.splitlines()) == lines
