"""The report of one model."""

import re
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from toy_evaluations import compute, evaluation, mce_counts, mistakes, sequence_counts

from imagenet_cp.errors import BuildError
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.report import chart_rendering, charts
from imagenet_cp.evaluation.report import page as report_page
from imagenet_cp.evaluation.report.model_page import write_report

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&$x$"


class Page(HTMLParser):
    """Everything in a page, taken apart."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]

    def handle_data(self, data):
        self.text += data + "\n"

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def evil():
    images = mistakes(2)
    return evaluation(
        images=20,
        sequences=10,
        model=f"timm:{EVIL}",
        signature=f"timm:{EVIL}|weights:{EVIL}|preprocess:clahe {EVIL}",
        classes=tuple(f"{EVIL} {i}" for i in range(1000)),
        command=f"imagenet-cp evaluate {EVIL}",
        versions={EVIL: EVIL},
        examples=tuple(one._replace(image_id=EVIL, config=EVIL) for one in images),
    )


@pytest.fixture(scope="module")
def folder(evil, tmp_path_factory):
    path = tmp_path_factory.mktemp("report")
    write_report(evil, path)
    return path


@pytest.fixture(scope="module")
def page(folder):
    return Page(folder / "index.html")


def test_what_comes_from_outside_is_text(page):
    assert "script" not in page.tags and page.tags.count("img") == 2
    assert not [attribute for attribute in page.attributes if attribute[1].startswith("on")]
    assert page.text.count(EVIL) > 10


def test_it_needs_no_other_file(page):
    sources = page.values("src")
    assert len(sources) == 2 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    links = {value for tag, key, value in page.attributes if key == "href" and tag == "a"}
    assert links == {"https://arxiv.org/abs/1903.12261", "https://github.com/hendrycks/robustness"}
    assert {value for tag, key, value in page.attributes if key == "href" and tag == "link"} == {"data:,"}
    assert "@import" not in page.source and not re.search(r"url\((?!#)", page.source)


def test_drawings_in_the_page_do_not_share_ids(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids)) > 100
    used = re.findall(r'url\(#([^)]+)\)|xlink:href="#([^"]+)"', page.source)
    assert used and {one or other for one, other in used} <= set(ids)


def test_drawings_follow_light_and_dark(page):
    assert not set(charts.COLORS.values()) & set(re.findall(r"[:\"] *(#[0-9a-f]{6})", _drawings(page)))
    style = page.source[: page.source.index("</style>")]
    for name in charts.COLORS:
        assert style.count(f"--{name}: ") == 2, name


def _drawings(page):
    return "".join(re.findall(r"<svg.*?</svg>", page.source, re.DOTALL))


def test_it_says_what_matters(evil, page):
    text = page.text
    result, spans = evil.metrics["mce"], evil.intervals["mce"]
    assert "Only 20 images and sequences of 10 images: the intervals are wide" in text
    assert f"{result['mce']:.1f}" in text and f"{spans['mce'].low:.1f}–{spans['mce'].high:.1f}" in text
    assert result["signature"] in text and "ResNet-50 76.7" in text
    assert f"Preprocessing: clahe {EVIL}" in text
    assert "DeepAugment+AugMix" in text and "Leaderboard" in text and "Table 1, 2, 3, 4" in text
    for title in (
        "Corruptions",
        "Perturbations",
        "The 10 worst configs",
        "What it got wrong",
        "How this was made",
    ):
        assert title in text


def test_everything_is_beside_it(evil, folder):
    assert Evaluation.from_json(folder / "results.json").metrics == evil.metrics
    assert (folder / "results.csv").read_text().startswith("metric,corruption,severity,perturbation,value")
    files = {path.name for path in (folder / "charts").iterdir()}
    drawn = [name for name, chart in charts.CHARTS.items() if chart.metric in evil.metrics]
    assert files == {f"{name}.{form}" for name in drawn for form in ("svg", "png")}


def test_a_report_replaces_its_own_folder(evil, folder):
    page = (folder / "index.html").read_bytes()
    (folder / "index.html").write_bytes(page.replace(b"</title>", b" of yesterday</title>"))
    write_report(evil, folder)
    assert (folder / "index.html").read_bytes() == page


def test_drawings_are_the_same_every_time(evil, folder):
    figure = evil.plot("fr")
    for form in ("svg", "png"):
        assert (folder / "charts" / f"fr.{form}").read_bytes() == chart_rendering.render(figure, form, "fr")
    assert chart_rendering.render(evil.plot("fr"), "svg", "fr") == chart_rendering.render(figure, "svg", "fr")


def test_missing_parts_are_named_and_there_is_no_mean(tmp_path):
    counts = {
        "mce": mce_counts(20, configs=["fog_3", "fog_4", "saturate_1"]),
        "mt5d": sequence_counts("mt5d", 10, configs=["tilt"]),
    }
    some = evaluation(
        0, 0, metrics={name: compute(name, found) for name, found in counts.items()}, counts=counts
    )
    page = Page(write_report(some, tmp_path))
    assert "No mCE: 73 configs are missing (gaussian_noise_1," in page.text
    assert "No mT5D: 9 configs are missing (gaussian_noise," in page.text
    for reason in ("73 configs missing", "not evaluated", "no clean images"):
        assert reason in page.text
    first = page.text.index("mean of 3 configs")
    assert first < page.text.index("mean of 1 config") < page.text.index("73 configs missing")
    assert "No mFR" not in page.text and "Flip rate" not in page.text
    assert not (tmp_path / "charts" / "ce.svg").exists() and (tmp_path / "charts" / "severity.svg").exists()
    with pytest.raises(ValueError, match="no data for the chart 'fr'"):
        some.plot("fr")


def test_cifar_is_not_measured_against_alexnet(tmp_path, no_charts):
    counts = {"mce": mce_counts(20)}
    metrics = {"mce": compute("mce", counts["mce"], benchmark="cifar10_c")}
    model = evaluation(0, 0, metrics=metrics, counts=counts)
    page = Page(model.write_report(tmp_path))
    assert "cifar10_c is not measured against AlexNet" in page.text
    assert "ResNet-50" not in page.text and page.text.index("mean error") < page.text.index("added error")
    assert "mCE" not in page.text
    labels = [text.get_text() for text in model.plot("ce").legends[0].get_texts()]
    assert labels == ["timm:resnet50, 95 % interval"]


@pytest.fixture
def no_charts(monkeypatch):
    """Drawings take most of a report's time."""
    monkeypatch.setattr(report_page, "write_charts", lambda *_: {})


def test_plot():
    model = evaluation(images=5, sequences=0)
    figure = model.plot("severity")
    assert len(figure.axes) == 19 and figure.get_figwidth() == 10.4
    assert figure.axes[0].get_gridspec().ncols == 5
    with pytest.raises(ValueError, match="there is no chart 'sevrity'; did you mean severity"):
        model.plot("sevrity")


def test_points_and_intervals_of_a_chart_are_the_scores():
    model = evaluation(images=5, sequences=0)
    (axes,) = model.plot("ce").axes
    scores, intervals = model.metrics["mce"]["ce"], model.intervals["mce"]["ce"]
    heights = dict(zip(scores, axes.get_yticks(), strict=True))  # rows are in the order of the scores
    points = next(line for line in axes.lines if line.get_label() == "timm:resnet50, 95 % interval")
    assert dict(zip(points.get_ydata(), points.get_xdata(), strict=True)) == {
        heights[name]: score for name, score in scores.items() if score is not None
    }
    shown = {line.get_ydata()[0]: tuple(line.get_xdata()) for line in axes.lines if line.get_alpha() == 0.55}
    assert shown == {heights[name]: tuple(one) for name, one in intervals.items() if one}


def test_curves_are_the_errors_at_each_severity():
    model = evaluation(images=5, sequences=0)
    result = model.metrics["mce"]
    for axes, errors in zip(model.plot("severity").axes, result["error"].values(), strict=True):
        curve = {line.get_label(): line for line in axes.lines}["timm:resnet50"]
        assert list(curve.get_xdata()) == [0, 1, 2, 3, 4, 5]
        assert list(curve.get_ydata()) == pytest.approx([100 * e for e in (result["clean_error"], *errors)])


def test_a_name_in_any_script():
    model = evaluation(images=5, sequences=0, model="模型")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "模型".encode() in chart_rendering.render(model.plot("ce"), "svg", "ce")


def test_without_matplotlib(evil, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BuildError, match=r"pip install '\.\[report\]'"):
        evil.plot()
    with pytest.raises(BuildError, match="Matplotlib"):
        write_report(evil, tmp_path)


def test_a_folder_that_cannot_be(evil, tmp_path):
    (tmp_path / "report").write_text("a file")
    with pytest.raises(ValueError, match=r"report: cannot be made a folder \([A-Z][a-z ]+\); choose another"):
        write_report(evil, tmp_path / "report")


def test_images_that_are_none_are_left_out(tmp_path, no_charts):
    one = mistakes(1)[0]
    model = evaluation(images=5, sequences=0, examples=(one._replace(picture=b"<svg onload=alert(1)>"),))
    page = Page(write_report(model, tmp_path))
    assert "img" not in page.tags and "What it got wrong" not in page.text
    assert np.isfinite(model.metrics["mce"]["mce"])


def test_a_corruption_without_alexnet_errors_has_errors_and_no_ce(tmp_path, no_charts):
    counts = {"mce": mce_counts(20)}
    for severity in range(1, 6):
        config = f"posterize_{severity}"
        counts["mce"].columns[config] = np.ones(20, np.int16)
        counts["mce"].pairs[config] = 1
    model = evaluation(metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    result = model.metrics["mce"]
    assert result["error"]["posterize"] == [1.0] * 5 and "posterize" not in result["ce"]
    write_report(model, tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert "posterize, severity 1" in text and result["mce"] is not None
    again = Evaluation.from_json(tmp_path / "results.json")
    assert again.metrics["mce"]["error"] == result["error"]
