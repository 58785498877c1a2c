"""Sentences, cards and columns of the pages, before any template."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from jinja2 import UndefinedError
from toy_evaluations import (
    compute,
    evaluation,
    ids,
    mce_counts,
    mistakes,
    sequence_counts,
    with_plain_means,
)

from imagenet_cp.corruptions import BAR
from imagenet_cp.errors import BuildError
from imagenet_cp.evaluation.comparison import Comparison, compare
from imagenet_cp.evaluation.intervals import Difference, Interval
from imagenet_cp.evaluation.paper_tables import format_tables
from imagenet_cp.evaluation.references import alexnet, published
from imagenet_cp.evaluation.report import comparison_page, formatting, model_page, page, style
from imagenet_cp.evaluation.results import Example, Results


@pytest.fixture(scope="module")
def model():
    return evaluation(20, 6, model="one")


def test_numbers_and_intervals():
    assert [formatting.format_number(one) for one in (None, -1.25, 3)] == ["–", "−1.2", "3.0"]
    assert formatting.format_number(0.1234, 100, 0) == "12"
    assert formatting.format_interval(Interval(0, 0.5), 100) == "0.0–50.0"
    assert formatting.format_interval(Interval(-0.1, 0.5), 10) == "−1.0 to 5.0"


def test_warnings_of_few_images_come_at_a_thousand_and_at_twenty(monkeypatch, model):
    monkeypatch.setattr(page, "missing_configs", lambda *_: [])

    def first(images, sequences=0):
        counts = {"mce": replace(model.counts["mce"], image_ids=ids(images))}
        if sequences:
            counts["mfr"] = replace(model.counts["mfr"], image_ids=ids(sequences))
        metrics = {metric: model.metrics[metric] for metric in counts}
        return page._warnings({"one": replace(model, counts=counts, metrics=metrics)})

    assert first(1000) == []
    assert first(999) == ["Only 999 images: the intervals are wide."]
    assert first(20) == ["Only 20 images: the intervals are wide."]
    (few,) = first(2000, 19)
    assert few == (
        "Only 2,000 images and sequences of 19 images: the intervals are wide, and with fewer than 20 images "
        "they may cover less than 95 %."
    )


def test_warnings_of_missing_configs_name_six_and_the_model_of_several():
    for names, said in (
        (
            [f"fog_{s}" for s in range(1, 6)],
            "No mCE{}: 70 configs are missing (gaussian_noise_1, gaussian_noise_2, "
            "gaussian_noise_3, gaussian_noise_4, gaussian_noise_5, shot_noise_1, ...). Partial results follow.",
        ),
        (
            [name for name in mce_counts(2).columns if name not in ("fog_1", "fog_2")],
            "No mCE{}: 2 configs are missing (fog_1, fog_2). Partial results follow.",
        ),
        (
            [name for name in mce_counts(2).columns if name != "fog_1"],
            "No mCE{}: 1 config is missing (fog_1). Partial results follow.",
        ),
    ):
        counts = {"mce": mce_counts(20, configs=names)}
        some = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
        assert page._warnings({"a": some})[1:] == [said.format("")]
        assert page._warnings({"a": some, "b": some})[1:] == [said.format(" of a"), said.format(" of b")]


def test_a_part_of_the_benchmark_is_named(model):
    result = model.metrics["mce"]
    part = {"mce": {**result, "signature": result["signature"] + "|part:100/50000"}}
    some = replace(model, metrics=part, counts={"mce": model.counts["mce"]})
    assert page._warnings({"one": some})[1:] == [
        "A part of the benchmark, 100 of 50,000 images: its scores are not those of the whole."
    ]


def of_cifar(model):
    """Model with the signatures of CIFAR-10."""
    names = {"mce": ("imagenet_c", "cifar10_c"), "mfr": ("imagenet_p", "cifar10_p")}
    metrics = {
        metric: {**result, "signature": result["signature"].replace(*names.get(metric, names["mfr"]))}
        for metric, result in model.metrics.items()
    }
    return replace(model, metrics=metrics)


def test_data_that_are_not_measured_against_alexnet_are_named_once(model):
    cifar = of_cifar(model)
    assert page._warnings({"one": cifar})[1:] == [
        "cifar10_c is not measured against AlexNet: its scores are plain means."
    ]
    sequences = {name: cifar.metrics[name] for name in ("mfr", "mt5d")}
    assert page._warnings({"one": replace(cifar, metrics=sequences)})[1:] == [
        "cifar10_p is not measured against AlexNet: its scores are plain means."
    ]
    assert page._warnings({"one": model})[1:] == []


def test_scores_that_a_model_lacks_come_last(model):
    assert [score.title for score in page.headline([model])] == [
        "mCE",
        "relative mCE",
        "mFR",
        "mT5D",
        "clean error",
    ]
    own = page.headline([with_plain_means("custom", ["clean", "dust_1"])])
    assert {score.metric for score in own} == {"custom"} and own[-1].key == "clean_error"
    bar = with_plain_means("c_bar", ["clean", *(f"{name}_{s}" for name in BAR for s in range(1, 6))])
    both = replace(model, metrics={"mce": model.metrics["mce"], **bar.metrics})
    titles = [score.title for score in page.headline([both])]
    assert titles == ["mCE", "relative mCE", "mean error, C-bar", "clean error"]
    assert [score.title for score in page.headline([of_cifar(model)])] == [
        "mean error",
        "added error",
        "mean flip probability",
        "mean top-5 distance",
        "clean error",
    ]
    c = replace(model, metrics={"mfr": model.metrics["mfr"]})
    assert page.headline([c])[0].title == "mFR"
    assert page.is_relative_to_alexnet("mfr", c) and not page.is_relative_to_alexnet("mce", c)


def test_a_card_has_alexnets_and_resnets_scores(model):
    card = model_page._card(model, page.CLEAN)
    assert card["notes"] == ["AlexNet 43.5", f"ResNet-50 {published()['ResNet-50']['clean_error']:.1f}"]
    assert card["interval"] == model.intervals["mce"]["clean_error"] and card["times"] == 100
    assert card["value"] == model.metrics["mce"]["clean_error"]
    assert model_page._card(replace(model, metrics={}), page.HEADLINE[0])["notes"] == ["not evaluated"]
    counts = {"mce": mce_counts(20, configs=["clean"]), "mfr": sequence_counts("mfr", 6, configs=["tilt"])}
    some = evaluation(0, 0, metrics={m: compute(m, c) for m, c in counts.items()}, counts=counts)
    cards = model_page._partial_cards(some)
    rate = some.metrics["mfr"]["flip_probability"]["tilt"]
    assert cards == [
        {
            "title": "flip probability",
            "times": 100,
            "value": pytest.approx(rate),
            "interval": None,
            "notes": ["mean of 1 config"],
        }
    ]
    for score in page.HEADLINE[:2]:
        assert model_page._card(some, score)["notes"] == ["75 configs missing"]
    assert model_page._card(some, page.HEADLINE[2])["notes"] == ["9 configs missing"]
    clean = with_plain_means("custom", ["clean"])
    assert model_page._card(clean, page._MEAN_ERRORS[1])["notes"] == ["no corrupted images"]
    counts = {"mce": mce_counts(20, configs=["fog_3"])}
    some = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    assert model_page._card(some, page.HEADLINE[0])["notes"] == ["74 configs missing"]
    (shown,) = model_page._partial_cards(some)
    assert (shown["title"], shown["times"], shown["notes"]) == ("error", 100, ["mean of 1 config"])
    counts = {"mt5d": sequence_counts("mt5d", 6, configs=["tilt"])}
    part = evaluation(0, 0, metrics={"mt5d": compute("mt5d", counts["mt5d"])}, counts=counts)
    (shown,) = model_page._partial_cards(part)
    assert (shown["title"], shown["times"]) == ("top-5 distance", 1)
    for score in (page.CLEAN, page.HEADLINE[1]):
        card = model_page._card(some, score)
        assert card["notes"] == ["no clean images"] and card["value"] is card["interval"] is None


def test_a_report_names_the_data_that_an_earlier_one_has_beside_its_own(model, tmp_path):
    file = tmp_path / "results.json"
    assert model_page._replaced(file, model) == ""
    model.to_json(file)
    assert model_page._replaced(file, model) == ""
    bar = with_plain_means("c_bar", ["clean", "sparkles_1"])
    assert model_page._replaced(file, bar) == "imagenet_c and imagenet_p"
    assert model_page._replaced(file, replace(model, metrics={"mce": model.metrics["mce"]})) == "imagenet_p"
    file.write_text("{")
    assert model_page._replaced(file, bar) == ""


def test_worst_configs_are_ten_of_more_than_ten(model):
    worst = model_page._worst_configs(model)
    errors = sorted((e for row in model.metrics["mce"]["error"].values() for e in row), reverse=True)
    assert [one["error"] for one in worst] == errors[:10]
    for one in worst:
        assert one["alexnet"] == alexnet("mce", "imagenet_c")["error"][one["name"]][one["severity"] - 1]
        assert one["interval"] == model.intervals["mce"]["error"][one["name"]][one["severity"] - 1]
        assert one["ratio"] == model.metrics["mce"]["ce_by_severity"][one["name"]][one["severity"] - 1]
    own = model_page._configs(with_plain_means("custom", ["clean", "dust_1", "dust_3"]), "custom")
    assert [(one["name"], one["severity"]) for one in own] == [("dust", 1), ("dust", 3)]
    assert {one["alexnet"] for one in own} == {one["ratio"] for one in own} == {None}
    names = list(model.counts["mce"].columns)
    for count, shown in ((10, 0), (11, 10)):
        counts = {"mce": mce_counts(20, configs=names[:count])}
        some = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
        assert len(model_page._worst_configs(some)) == shown


def test_an_example_names_its_classes_and_severity():
    (one,) = mistakes(1)
    shown = model_page._example(one._replace(label=1, prediction=2), ("a", "b"))
    assert (shown["label"], shown["prediction"], shown["name"], shown["severity"]) == ("b", "2", "fog", "5")
    assert shown["src"].startswith("data:image/jpeg;base64,")
    shown = model_page._example(one._replace(label=-1, config="clean", picture=b"\x89PNG"), ("a",))
    assert (shown["label"], shown["name"], shown["severity"]) == ("-1", "clean", "")
    assert shown["src"] == "data:image/png;base64,iVBORw=="
    shown = model_page._example(one._replace(config="glass_blur", label=0), ("a",))
    assert (shown["label"], shown["name"], shown["severity"]) == ("a", "glass blur", "")


def test_published_results_are_in_the_order_of_mce_with_the_model_among_them(model):
    table = model_page._published(model)
    assert table["titles"][:2] == ["clean error", "mCE"] and not table["bar"]
    mces = [row["scores"][1] for row in table["rows"] if row["scores"][1] is not None]
    assert mces == sorted(mces) and len(mces) > 20
    (own,) = [row for row in table["rows"] if row["own"]]
    assert own["source"] == "this report" and own["scores"][:2] == [
        pytest.approx(100 * model.metrics["mce"]["clean_error"]),
        model.metrics["mce"]["mce"],
    ]
    (base,) = [row for row in table["rows"] if row["model"] == "AlexNet"]
    assert base["scores"] == pytest.approx([43.478, 100, 100, 100, 100])
    assert model_page._format_source(["Leaderboard", "Table 1", "Table 2"]) == "Table 1, 2, Leaderboard"
    for metrics, titles, keys in (
        (("mfr",), ["mFR"], {"mfr"}),
        (("mce",), ["clean error", "mCE", "relative mCE"], {"mce", "relative_mce"}),
        (("mfr", "mt5d"), ["mFR", "mT5D"], {"mfr", "mt5d"}),
    ):
        table = model_page._published(replace(model, metrics={name: model.metrics[name] for name in metrics}))
        assert table["titles"] == titles
        known = {name for name, row in published().items() if row.keys() & keys}
        assert {row["model"] for row in table["rows"]} == {*known, "AlexNet", "one"}


def test_results_on_c_bar_have_the_model_among_them(model, monkeypatch):
    monkeypatch.setattr(
        model_page.references,
        "published_bar",
        lambda benchmark: {"a": {"c": 60.0, "c_bar": 61.0}, "b": {"c": 50.0, "c_bar": 51.0}},
    )
    result = {"mean_error": 0.6, "signature": "mean_error|benchmark:cifar10_c_bar|n:4"}
    table = model_page._published_bar(replace(model, metrics={"c_bar": result}))
    assert table == {
        "titles": ["mean error, CIFAR-10-C", "mean error, CIFAR-10-C-bar"],
        "rows": [
            {"model": "b", "scores": [50.0, 51.0], "own": False},
            {"model": "one", "scores": [None, 60.0], "own": True},
            {"model": "a", "scores": [60.0, 61.0], "own": False},
        ],
        "bar": True,
    }
    assert model_page._published_bar(model) is None


def comparison(values, p=0.04):
    metrics = {name: {"mce": {"mce": value, "ce": {"fog": value}}} for name, value in values.items()}
    models = {n: Results(n, "", m, {}, ()) for n, m in metrics.items()}
    for one in models.values():
        vars(one)["intervals"] = {"mce": {"mce": Interval(1, 2), "ce": {"fog": None}}}
    differences = {"b": {"mce": {"mce": Difference(1, 0, 2, p), "ce": {"fog": None}}}}
    return Comparison(models, differences, {"mce": (3, 1200), "mfr": (2, 2), "mt5d": (3, 1200)}, "a")


def test_columns_mark_the_best_and_what_is_significant():
    found = comparison({"a": 70.0, "b": None, "c": 60.0})
    ranking = comparison_page._rank(found, page.HEADLINE[0])
    assert ranking == ["c", "a", "b"]
    column = comparison_page._column(found, ranking, "mce", "mCE", ("mce",), 1)
    assert [(cell["value"], cell["best"], cell["significant"]) for cell in column["cells"]] == [
        (60.0, True, False),
        (70.0, False, False),
        (None, False, True),
    ]
    assert column["times"] == 1 and column["cells"][0]["interval"] == (1, 2)
    unsure = comparison_page._column(comparison({"b": 1.0}, 0.05), ["b"], "mce", "mCE", ("mce",), 1)
    assert not unsure["cells"][0]["significant"]
    assert comparison_page._notes(found) == [
        "mCE and mT5D: 3 of 1,200 images are in all evaluations, and only these are compared."
    ]


def test_tables_of_plain_means_are_in_percent(model):
    own = with_plain_means("custom", ["clean", "dust_1"])
    for one, metric, times in ((own, "custom", {"custom": 100}), (model, "mce", {"ce": 1, "relative_ce": 1})):
        found = Comparison({"one": one}, {}, {metric: (20, 20)}, "one")
        tables = comparison_page._tables(found, ["one"])
        assert {key: columns[0]["times"] for key, columns in tables.items()} == times


def test_errors_by_severity_are_drawn_once_more_for_phones(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(page.charts, "available", lambda models: ["scatter", "severity"])
    monkeypatch.setattr(
        page.charts, "draw", lambda kind, models, **more: calls.append((kind, len(models), more))
    )
    monkeypatch.setattr(page.chart_rendering, "render", lambda figure, form, name: f"{name} {form}".encode())
    monkeypatch.setattr(page.chart_rendering, "inline_svg", lambda figure, name, label: f"{name}: {label}")
    drawn = page.write_charts(dict.fromkeys("abcdefg"), tmp_path)
    assert calls == [("scatter", 7, {}), ("severity", 6, {}), ("severity", 6, {"columns": 2})]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        f"{kind}.{form}": f"{kind} {form}" for kind in ("scatter", "severity") for form in ("svg", "png")
    }
    assert list(drawn) == ["scatter", "severity", "severity-2"]
    assert drawn["severity-2"].startswith("severity-2: ") and drawn["severity"].endswith(
        "a table of this page"
    )


def test_a_page_is_given_its_models_with_their_colors_and_has_tables_beside_it(model, tmp_path, monkeypatch):
    given = {}
    template = SimpleNamespace(render=lambda **values: given.update(values) or "text")
    monkeypatch.setattr(page, "_environment", lambda: SimpleNamespace(get_template=lambda name: template))
    monkeypatch.setattr(page, "write_charts", lambda models, folder: {"in": folder})
    models = dict.fromkeys("abcdefg", model)
    page.write_page(tmp_path / "index.html", "comparison.html", models, notes=["a note"], base="a")
    assert (tmp_path / "index.html").read_text() == "text\n"
    assert [(one["name"], one["rank"]) for one in given["models"]] == list(
        zip("abcdefg", range(1, 8), strict=True)
    )
    assert [one["color"] for one in given["models"]] == [*style.SERIES, ""] and given["drawn"] == 6
    assert given["benchmarks"] == "imagenet_c and imagenet_p" and given["kind"] == "comparison"
    assert given["sizes"] == "20 images and sequences of 6 images" and given["charts"] == {
        "in": tmp_path / "charts"
    }
    assert given["warnings"] == ["a note", *page._warnings(models)]
    assert given["relative"] is True and given["base"] == "a" and "notes" not in given
    for form, ending in (("markdown", "md"), ("latex", "tex"), ("csv", "csv")):
        assert (tmp_path / f"table.{ending}").read_text() == format_tables(models, form)


_OWN_TABLES = [("table.md", "| Model |"), ("table.tex", "booktabs"), ("table.csv", "model,")]


@pytest.mark.parametrize(
    ("kind", "name", "own"),
    [
        ("report", "index.html", 'name="generator" content="imagenet-cp report"'),
        ("report", "results.csv", "metric,"),
        ("report", "results.json", '"format": "imagenet-cp evaluation"'),
        ("comparison", "index.html", 'name="generator" content="imagenet-cp comparison"'),
        ("comparison", "comparison.csv", "model,metric,"),
        *((kind, *table) for kind in ("report", "comparison") for table in _OWN_TABLES),
    ],
)
def test_a_folder_with_a_foreign_file_is_no_report(tmp_path, kind, name, own):
    (tmp_path / name).write_text("mine")
    with pytest.raises(BuildError, match=f"{name}: exists, and is none that this command writes"):
        page.make_report_dir(tmp_path, kind)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / name).write_text(own)
    for _ in range(2):
        assert page.make_report_dir(tmp_path, kind) == tmp_path and (tmp_path / "charts").is_dir()


def test_distances_and_scores_in_percent_of_alexnets_are_shown_as_they_are_and_fractions_in_percent():
    scores = (page.CLEAN, *page.HEADLINE, *page._UNNORMALIZED, *page._MEAN_ERRORS)
    fractions = {"clean_error", "mean_error"}
    assert {score.times for score in scores if score.key in fractions} == {100}
    assert {score.times for score in scores if score.key not in fractions} == {1}


def test_warnings_of_missing_configs_name_the_score():
    bar = with_plain_means("c_bar", ["clean", "sparkles_1"])
    (warning,) = [text for text in page._warnings({"a": bar}) if text.startswith("No ")]
    assert warning.startswith("No mean error of C-bar: 49 configs are missing (")
    for metric, title in (("mfr", "mFR"), ("mt5d", "mT5D")):
        counts = {metric: sequence_counts(metric, 6, configs=["tilt"])}
        part = evaluation(0, 0, metrics={metric: compute(metric, counts[metric])}, counts=counts)
        few, missing = page._warnings({"a": part})
        assert few.startswith("Only sequences of 6 images: the intervals are wide, ")
        assert missing.startswith(f"No {title}: 9 configs are missing (")


@pytest.fixture
def given(monkeypatch):
    """Arguments of the template."""
    found = {}

    def write_page(path, template, models, **context):
        found.update(context, path=path, template=template, models=models)

    for module in (model_page, comparison_page):
        monkeypatch.setattr(module, "write_page", write_page)
    return found


def test_a_report_has_the_scores_of_its_model(model, given, tmp_path):
    shown = Example("fog_3", "a", 1, 2, 0.5, b"\x89PNG")
    made = replace(
        model,
        signature=model.signature.replace("preprocess:none", "preprocess:clahe"),
        examples=(shown._replace(picture=b"GIF89a"), shown),
    )
    assert model_page.write_report(made, tmp_path) == given["path"] == tmp_path / "index.html"
    assert given["template"] == "report.html" and given["models"] == {"one": made}
    titles = ["mCE", "relative mCE", "mFR", "mT5D", "clean error"]
    assert [score.title for score in given["scores"]] == [card["title"] for card in given["cards"]] == titles
    assert list(given["metrics"]) == ["mce", "mfr", "mt5d"] and len(given["worst"]) == 10
    assert [example["image_id"] for example in given["examples"]] == ["a"]
    assert [table["bar"] for table in given["published"]] == [False] and given["preprocessor"] == "clahe"
    assert (tmp_path / "results.json").read_text() == made.to_json() + "\n"
    assert (tmp_path / "results.csv").read_text() == made.to_dataframe().to_csv(index=False)
    part = replace(model, metrics={"mfr": model.metrics["mfr"]}, counts={"mfr": model.counts["mfr"]})
    model_page.write_report(part, tmp_path / "part")
    assert [score.title for score in given["scores"]] == ["mFR"] and given["preprocessor"] == ""
    assert [card["title"] for card in given["cards"]] == ["mFR", "mCE", "relative mCE", "mT5D", "clean error"]
    assert given["worst"] == []


def test_tables_of_a_metric_have_alexnets_and_resnets_values(model):
    baseline = published()["ResNet-50"]
    found = model_page._metric(model, "mce")
    result = model.metrics["mce"]
    assert found["name"] == "imagenet_c" and found["severities"] == [f"severity {s}" for s in range(1, 6)]
    assert (found["result"], found["intervals"]) == (result, model.intervals["mce"])
    assert (found["ratios"], found["raw"]) == (result["ce"], result["error"])
    assert len(found["tested"]) == 15
    assert [result["ce"][name] for name in found["tested"]] == sorted(list(result["ce"].values())[:15])
    assert found["alexnet"] == alexnet("mce", "imagenet_c")["error"]
    assert list(found["baseline"]["parts"].values()) == baseline["ce"] and found["baseline"]["mce"] == 76.7
    found = model_page._metric(model, "mfr")
    assert found["severities"] == [] and found["raw"] == model.metrics["mfr"]["flip_probability"]
    assert found["alexnet"] == alexnet("mfr", "imagenet_p")["flip_probability"]
    assert list(found["baseline"]["parts"].values()) == baseline["fr"]
    own = model_page._metric(with_plain_means("custom", ["clean", "dust_1", "fog_2"]), "custom")
    assert own["alexnet"] == own["baseline"] == {} and sorted(own["tested"]) == ["dust", "fog"]
    assert own["severities"] == ["severity 1", "severity 2"]


def test_a_comparison_has_its_models_by_rank(model, given, tmp_path):
    counts = model.counts["mce"]
    columns = {**counts.columns, "clean": np.ones(20, np.int16)}  # corruptions add no errors
    poor = replace(model, counts={**model.counts, "mce": replace(counts, columns=columns)})
    models = {"poor": poor, "good": evaluation(20, 0, skill=0.3, seed=1)}
    found = compare(models)
    assert comparison_page.write_comparison(found, tmp_path) == given["path"] == tmp_path / "index.html"
    assert given["template"] == "comparison.html" and list(given["models"]) == ["good", "poor"]
    assert [column["title"] for column in given["headline"]] == ["mCE", "relative mCE", "clean error"]
    assert [score.metric for score in given["scores"]] == ["mce"] * 3 and given["base"] == "poor"
    best = [[cell["best"] for cell in column["cells"]] for column in given["headline"]]
    assert best == [[True, False], [False, True], [True, False]]
    assert given["headline"][2]["times"] == 100 and given["notes"] == [] and given["names"] == {}
    assert given["signatures"] == [models["poor"].metrics["mce"]["signature"]]
    assert list(given["tables"]) == ["ce", "relative_ce"]
    assert [column["title"] for column in given["tables"]["ce"]][:2] == ["gaussian noise", "shot noise"]
    assert (tmp_path / "comparison.csv").read_text() == found.to_dataframe().to_csv(index=False)
    own = {name: with_plain_means("custom", ["clean", "dust_1"], model=name) for name in "ab"}
    comparison_page.write_comparison(compare(own), tmp_path)
    assert given["names"] == {"custom": "custom"} and list(given["tables"]) == ["custom"]


def test_templates_leave_no_blank_lines_and_name_what_is_not_given():
    environment = page._environment()
    assert environment.from_string("{% if 1 %}\n  {% endif %}\na").render() == "a"
    with pytest.raises(UndefinedError):
        environment.from_string("{{ other }}").render()


def test_templates_escape_text_and_format_numbers():
    text = "{{ text }} {{ one | number(100) }} {{ ends | interval(10) }} {{ name | display_name }}"
    values = {"text": "<b>", "one": 0.5, "ends": Interval(0.1, 0.2), "name": "a_b", "signature": "mce|n:4"}
    template = page._environment().from_string(text + " {{ (signature | fields).n }} {{ titles.ce }}")
    assert template.render(**values) == "&lt;b&gt; 50.0 1.0–2.0 a b 4 Corruption error"
