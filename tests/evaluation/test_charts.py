"""What charts show: sizes, axes, colors and markers, legends, and notes."""

import re
import warnings
from dataclasses import replace

import pytest
from toy_evaluations import compute, evaluation, mce_counts

from imagenet_cp.evaluation.references import published
from imagenet_cp.evaluation.report import chart_rendering, charts, style

INK, QUIET, LINE, GREY, BLUE, ORANGE = "#1c2430", "#5a6675", "#dde2e9", "#9aa5b4", "#0b62a8", "#c2500d"
ALEXNET = (QUIET, 1.2, "--", "None")


@pytest.fixture(scope="module")
def models():
    return {"one": evaluation(20, 6, model="one"), "two": evaluation(20, 6, skill=0.5, seed=1, model="two")}


def look(line):
    return line.get_color(), line.get_linewidth(), line.get_linestyle(), line.get_marker()


def legend(figure):
    (legend,) = figure.legends
    assert legend._outside_loc == "upper" and {text.get_fontsize() for text in legend.get_texts()} == {9}
    return [text.get_text() for text in legend.get_texts()]


def ticks(axes, name):
    """A parameter of the ticks of both axes."""
    return [axis.get_tick_params()[name] for axis in (axes.xaxis, axes.yaxis)]


def notes(axes):
    return {
        note.get_text(): (note.xy, note.get_position(), note.get_ha(), note.get_va()) for note in axes.texts
    }


def test_ratios_have_a_row_each_and_the_extra_ones_below_a_line(models):
    figure = charts.draw("ce", models)
    (axes,) = figure.axes
    assert (figure.get_figwidth(), figure.get_figheight()) == pytest.approx((4.6, 0.34 * 20 + 0.22 * 5 + 0.6))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "gaussian noise" and labels[14:16] == ["jpeg compression", "speckle noise"]
    assert list(axes.get_yticks()) == pytest.approx([*range(15), 15.6, 16.6, 17.6, 18.6])
    assert axes.get_ylim() == pytest.approx((19.3, -0.7)) and axes.get_xlim()[0] == 0
    assert axes.get_xlabel() == "CE, percent of AlexNet's error" and axes.get_axisbelow()
    assert not axes.spines["left"].get_visible() and axes.spines["bottom"].get_visible()
    assert ticks(axes, "gridOn") == [True, False] and ticks(axes, "length") == [0, 0]
    assert axes.yaxis.get_tick_params()["labelcolor"] == INK
    alexnet, resnet, *others = axes.lines[:7]
    assert look(alexnet) == ALEXNET and list(alexnet.get_xdata()) == [100, 100]
    assert look(resnet)[::3] == (GREY, "D") and (resnet.get_markersize(), resnet.get_fillstyle()) == (
        5.5,
        "none",
    )
    assert list(resnet.get_xdata()) == published()["ResNet-50"]["ce"]
    assert {(*look(line)[::3], line.get_markersize()) for line in others} == {(GREY, "|", 7)}
    points = {line.get_label(): line for line in axes.lines}
    for name, color, marker, shift in (("one", BLUE, "o", -0.155), ("two", ORANGE, "s", 0.155)):
        line = points[f"{name}, 95 % interval"]
        assert (*look(line)[::3], line.get_markersize()) == (color, marker, 6)
        assert line.get_ydata()[0] == pytest.approx(shift) and line.get_ydata()[15] == pytest.approx(
            15.6 + shift
        )
        assert {line.get_linewidth() for line in axes.lines if line.get_alpha() == 0.55} == {2}
    assert axes.lines[-1].get_ydata()[0] == pytest.approx(14.8) and look(axes.lines[-1])[:2] == (GREY, 0.8)
    assert notes(axes) == {"not in the mean": ((0, pytest.approx(14.8)), (4, -3), "left", "top")}
    assert axes.texts[0].xycoords == ("axes fraction", "data")
    assert legend(figure) == [
        "one, 95 % interval",
        "two, 95 % interval",
        "AlexNet = 100",
        "ResNet-50 in the paper",
        "others in the paper: SqueezeNet, VGG-11, VGG-19,\nVGG-19+BN, ResNet-18",
    ]
    text = chart_rendering.render(figure, "svg", "ce").decode()
    value = models["two"].metrics["mce"]["ce"]["gaussian_noise"]
    for title in (
        "ResNet-50, shot noise: 82",
        "SqueezeNet, gaussian noise: 107",
        f"two, gaussian noise: {value:.1f}",
    ):
        assert f"<title>{title}</title>" in text


def test_a_chart_without_extra_rows_or_alexnet_is_lower(models):
    names = [f"{name}_{s}" for name in models["one"].metrics["mce"]["ce"] for s in range(1, 6)][:75]
    counts = {"mce": mce_counts(20, configs=[*names, "clean"])}
    metrics = {"mce": compute("mce", counts["mce"], benchmark="tiny_imagenet_c")}
    model = replace(models["one"], metrics=metrics, counts=counts)
    figure = charts.draw("ce", {"one": model})
    (axes,) = figure.axes
    assert figure.get_figheight() == pytest.approx(0.27 * 16 + 0.22 + 0.6) and not axes.texts
    assert axes.get_xlabel() == "error, percent" and legend(figure) == ["one, 95 % interval"]
    figure = charts.draw("scatter", {"one": model})
    (axes,) = figure.axes
    assert axes.get_ylabel() == "mean error, percent" and legend(figure) == ["one"]
    assert notes(axes).keys() == {""}  # no rank, and no published models


def test_flip_rates_and_distances_are_beside_those_of_the_paper(models):
    for kind, label in (
        ("fr", "flip rate, percent of AlexNet's"),
        ("t5d", "top-5 distance, percent of AlexNet's"),
    ):
        (axes,) = charts.draw(kind, models).axes
        assert axes.get_xlabel() == label
        assert list(axes.lines[1].get_xdata()) == published()["ResNet-50"][kind]


def test_errors_by_severity_have_a_small_chart_each(models):
    figure = charts.draw("severity", models)
    assert (figure.get_figwidth(), figure.get_figheight()) == pytest.approx((10.4, 1.55 * 4 + 0.55 + 0.2))
    assert legend(figure) == ["two", "one", "AlexNet"] and figure.legends[0]._ncols == 3
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("severity", "top-1 error in percent")
    first, extra = figure.axes[0], figure.axes[15]
    assert (first.get_title(loc="left"), extra.get_title(loc="left")) == ("gaussian noise", "speckle noise")
    assert (first._left_title.get_color(), extra._left_title.get_color()) == (INK, QUIET)
    assert first.get_ylim() == (0, 103) and list(first.get_yticks()) == [0, 50, 100]
    assert list(first.get_xticks()) == [0, 1, 2, 3, 4, 5]
    assert ticks(first, "gridOn") == [False, True] and ticks(first, "length") == [0, 0]
    assert not figure.axes[1].yaxis.get_tick_params()["labelleft"]
    alexnet, one, two = first.lines
    assert look(alexnet) == ALEXNET and alexnet.get_ydata()[0] == pytest.approx(43.478)
    assert look(one) == (BLUE, 1.8, "-", "o") and look(two) == (ORANGE, 1.8, "--", "s")
    assert [one.get_markersize(), two.get_markersize()] == [3.2, 3.2]
    (band, _) = first.collections
    assert band.get_alpha() == 0.2 and band.get_linewidth()[0] == 0
    spans = models["one"].intervals["mce"]
    lower, upper = spans["clean_error"]
    assert {100 * lower, 100 * upper} <= set(band.get_paths()[0].vertices[:, 1])
    shown = [axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes]
    assert shown == [False] * 14 + [True] * 5  # those with nothing below
    narrow = charts.draw("severity", models, columns=2)
    assert (narrow.get_figwidth(), narrow.get_figheight()) == pytest.approx((4.6, 1.55 * 10 + 0.55 + 0.6))
    assert narrow.legends[0]._ncols == 1


def test_a_single_severity_has_a_line_for_its_interval():
    counts = {"mce": mce_counts(20, configs=["fog_3"])}
    model = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    figure = charts.draw("severity", {"one": model})
    (axes,) = figure.axes
    assert figure.get_figheight() == pytest.approx(2 + 0.55 + 0.4 / 3)
    _, bars = axes.collections
    assert (bars.get_alpha(), list(bars.get_linewidth())) == (0.4, [1.2])
    low, high = model.intervals["mce"]["error"]["fog"][2]
    assert [segment.tolist() for segment in bars.get_segments() if len(segment)] == [
        [[3, 100 * low], [3, 100 * high]]
    ]
    error = 100 * model.metrics["mce"]["error"]["fog"][2]
    titles = re.findall("<title>(.*?)</title>", chart_rendering.render(figure, "svg", "s").decode())
    assert titles == [f"one, severity 3: {error:.1f}"]
    counts = {"mce": mce_counts(20, configs=[f"fog_{s}" for s in range(1, 6)])}
    model = evaluation(0, 0, metrics={"mce": compute("mce", counts["mce"])}, counts=counts)
    (axes,) = charts.draw("severity", {"one": model}).axes
    assert len(axes.collections) == 1  # a band, though there is no clean error


def test_percent_of_what_is_measured():
    values = {"a": 0.5, "b": None, "c": (0.25, 0.5), "d": 0}
    assert charts._times(100, values) == {"a": 50, "b": None, "c": (25, 50), "d": 0}


def test_the_scatter_has_models_with_their_ranks_among_the_published(models):
    figure = charts.draw("scatter", models)
    (axes,) = figure.axes
    assert (figure.get_figwidth(), figure.get_figheight()) == pytest.approx((4.6, 3.9))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("clean error, percent", "mCE, percent of AlexNet's")
    assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0) and axes.get_axisbelow()
    assert legend(figure) == ["published", "1  one", "2  two"]
    assert ticks(axes, "gridOn") == [True, True] and ticks(axes, "length") == [0, 0]
    grey = axes.lines[0]
    assert grey.get_xdata()[0] == pytest.approx(43.478)
    assert look(grey)[::3] == (GREY, "o") and grey.get_fillstyle() == "none"
    whole = [row for row in published().values() if "clean_error" in row and "mce" in row]
    assert list(grey.get_xdata())[1:] == [row["clean_error"] for row in whole]
    assert list(grey.get_ydata()) == [pytest.approx(100), *(row["mce"] for row in whole)]
    for line, (name, color, marker) in zip(
        (axes.lines[3], axes.lines[6]), (("one", BLUE, "o"), ("two", ORANGE, "s")), strict=True
    ):
        assert (*look(line)[::3], line.get_markersize()) == (color, marker, 7)
        scores = models[name].metrics["mce"]
        assert (*line.get_xdata(), *line.get_ydata()) == (100 * scores["clean_error"], scores["mce"])
        across, up = axes.lines[axes.lines.index(line) - 2 : axes.lines.index(line)]
        spans = models[name].intervals["mce"]
        assert list(across.get_xdata()) == pytest.approx([100 * end for end in spans["clean_error"]])
        assert list(up.get_ydata()) == list(spans["mce"])
        assert {(one.get_color(), one.get_alpha(), one.get_linewidth()) for one in (across, up)} == {
            (color, 0.5, 1)
        }
    shown = notes(axes)
    assert shown["AlexNet"][1:] == ((7, -4), "right", "top") and shown["ResNet-50"][1:] == (
        (7, -4),
        "left",
        "top",
    )
    assert shown["2"][1:3] == ((5, 5), "left") and shown["2"][0][1] == models["two"].metrics["mce"]["mce"]
    without = replace(models["two"], metrics={"mce": {**models["two"].metrics["mce"], "mce": None}})
    assert charts.available({"two": without})[0] == "ce"
    for key in ("mce", "clean_error"):
        lacking = replace(models["two"], metrics={"mce": {**models["two"].metrics["mce"], key: None}})
        assert legend(charts.draw("scatter", {**models, "two": lacking})) == ["published", "one"]
    many = charts.draw("scatter", {str(i): models["one"] for i in range(7)})
    assert legend(many) == ["published"] and many.get_figheight() == pytest.approx(3.5)
    assert many.axes[0].lines[-1].get_color() == INK
    six = charts.draw("scatter", {str(i): models["one"] for i in range(6)})
    assert legend(six) == ["published", *(f"{i + 1}  {i}" for i in range(6))]


def test_the_style_of_all_charts(models):
    import matplotlib
    from matplotlib.figure import Figure

    with style.style():
        found = {name: matplotlib.rcParams[name] for name in style._STYLE}
    assert found == {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10,
        "axes.edgecolor": LINE,
        "axes.labelcolor": QUIET,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "grid.color": LINE,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "figure.constrained_layout.w_pad": 0.11,
        "figure.facecolor": "white",
        "axes.facecolor": "none",
    }
    looks = list(style.assign_looks(map(str, range(8))).values())
    assert [one.marker for one in looks] == [*"osD^vP", "o", "s"]
    assert [one.dashes for one in looks[1:6]] == [
        (0, (5, 1.5)),
        (0, (1.2, 1.2)),
        (0, (5, 1.5, 1.2, 1.5)),
        (0, (8, 2)),
        (0, (3, 1, 1, 1, 1, 1)),
    ]
    assert looks[6].dashes == looks[0].dashes == "-" and len({str(one.dashes) for one in looks}) == 6
    assert looks[5].color == style.COLORS["model-6"] and looks[6].color == INK
    (line,) = Figure().subplots().plot([1, 2])
    style.add_hover(line, ["a|b: 1", "c: 2"])
    assert line.get_gid() == "hover:a¦b: 1|c: 2"  # a bar is between the titles only
    assert (
        style.shorten("x" * 40) == "x" * 40
        and style.shorten("a" * 19 + "b" * 22) == "a" * 17 + "…" + "b" * 22
    )


def test_of_all_warnings_those_of_letters_are_silent(recwarn):
    with style.style():
        warnings.warn("Glyph 9 missing from font", stacklevel=1)
        warnings.warn("another", stacklevel=1)
    assert [str(warning.message) for warning in recwarn] == ["another"]


def test_a_file_has_no_date_and_200_dots_an_inch(models):
    figure = charts.draw("scatter", models)
    svg = chart_rendering.render(figure, "svg", "scatter").decode()
    assert "dc:date" not in svg and "fill: #ffffff" in svg and "hover:" not in svg
    png = chart_rendering.render(figure, "png", "scatter")
    assert int.from_bytes(png[16:20]) == 920 and b"Software" not in png
    element = chart_rendering.inline_svg(figure, "scatter", "a label")
    assert element.startswith('<svg viewBox="0 0 ') and 'role="img" aria-label="a label"' in element
    assert "<metadata" not in element and "<style" not in element and "DejaVu" not in element
    assert 'id="scatter-' in element and not re.search(
        r'id="(?!scatter-)|(url\(|href=")#(?!scatter-)', element
    )
    assert "fill: #ffffff" not in element and "var(--line)" in element and LINE not in element
