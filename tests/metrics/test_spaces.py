"""Pages of the Spaces: their shared parts, and, where gradio is installed, their output."""

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jinja2")

METRICS = Path(__file__).parents[2] / "metrics"
NAMES = ["mce", "mfr", "mt5d"]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def space(name, monkeypatch):
    """Import modules of one Space as its own folder does, and forget them afterwards."""
    modules = [path.stem for path in (METRICS / name).glob("*.py")]
    monkeypatch.syspath_prepend(str(METRICS / name))
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)
    yield importlib.import_module
    for module in modules:
        sys.modules.pop(module, None)


def test_requirements_are_what_is_imported(name):
    folder = METRICS / name
    listed = set(re.findall(r"^[a-z0-9]+", (folder / "requirements.txt").read_text().lower(), re.MULTILINE))
    source = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "tests.py")
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert listed == imported - sys.stdlib_module_names - {path.stem for path in folder.glob("*.py")}


def test_numbers(space):
    fragments = space("fragments")
    assert fragments.number("23.9 %", "fog", 100) == 23.9
    assert fragments.number(float("nan"), "fog", 100) is None and fragments.number(" ", "fog", 100) is None
    with pytest.raises(ValueError, match="fog: 'x' is not a number"):
        fragments.number("x", "fog", 100)
    with pytest.raises(ValueError, match="fog: 101 is not from 0 to 100"):
        fragments.number(101, "fog", 100)


def test_files(space, tmp_path):
    fragments = space("fragments")
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": [1, 2], "b": "x"}\n\n{"a": [3], "b": "y"}\n')
    assert fragments.read_columns(path, ["a", "b", "c"]) == {"a": [[1, 2], [3]], "b": ["x", "y"]}
    path.write_text('{"a": 1}\n{"b": 2}\n')
    with pytest.raises(ValueError, match=r"rows.jsonl: line 2 has no a"):
        fragments.read_columns(path, ["a"])
    path.write_text("GIF89a")
    with pytest.raises(ValueError, match=r"rows.jsonl is neither CSV nor JSON Lines"):
        fragments.read_columns(path, ["a"])
    with pytest.raises(ValueError, match="choose a file"):
        fragments.read_columns(None, ["a"])
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n1,\n2,y\n")
    assert fragments.read_columns(table, ["a", "b"]) == {"a": [1, 2], "b": ["", "y"]}


def test_published_table(space):
    fragments = space("fragments")
    titles = {"clean": "clean error", "score": "score"}
    scores = {"A+B": {"clean": 1, "score": 3}, "<B>": {"clean": None, "score": 1}}
    html = fragments.render_published(scores, titles)
    assert html.index("&lt;B&gt;") < html.index(">A+<wbr>B<") and fragments.YOURS not in html
    html = fragments.render_published(scores, titles, {"clean": None, "score": 2})
    assert html.index("&lt;B&gt;") < html.index(fragments.YOURS) < html.index(">A+<wbr>B<")


def test_text_cannot_become_markup(space):
    render = space("fragments").render
    for html in (
        render("wrong", error="<i>"),
        render("summary", numbers={"<i>": 1}, notes=["<i>"]),
        render("bars", rows=[("<i>", 1, 2, 1)], titles=("<i>", ""), full=1, mark=1, note="<i>"),
        render("curve", lines={"yours": [(0, 0.5)]}, label="<i>", yours="<i>"),
    ):
        assert "<i>" not in html and "&lt;i&gt;" in html


def test_example_files(space, name, load):
    """The example of the page is a whole benchmark."""
    path = next((METRICS / name).glob("example.*"))
    metric = load(name)
    columns = space("fragments").read_columns(path, list(metric.features))
    assert 0 < metric.compute(**columns, strict=True)[name] < 100


def test_app(space, name):
    gradio = pytest.importorskip("gradio")
    page, yours = space("app").space, space("fragments").YOURS
    benchmark, clean = ("imagenet_c", ["43.478"]) if name == "mce" else ("imagenet_p", [])
    headline, parts, compare, result = page.view(page.score_table, page.fill(page.alexnet), benchmark, *clean)
    assert headline.count(">100.0<") == 1 + len(clean) and (">43.5<" in headline) == bool(clean)
    assert parts.count('class="bar"') == len(page.alexnet) and result[name] == pytest.approx(100)
    assert yours in compare
    half = {name: np.divide(errors, 2) for name, errors in page.alexnet.items()}
    _, parts, *_ = page.view(page.score_table, page.fill(half), benchmark, *clean)
    assert parts.count('class="mark" style="right:0.0%"') == len(
        page.alexnet
    )  # AlexNet's bars are the longest
    table = page.fill(page.alexnet).copy()
    table.iloc[1:, 1:] = None
    headline, *_ = page.view(page.score_table, table, benchmark, *clean)
    (count, names), *_ = re.findall(r"(\d+) of \d+ are missing \((.*?)\)", headline)
    assert int(count) >= 9 and names.count(", ") == min(int(count) - 1, 9)  # nine of them are named
    assert names.endswith("...") == (int(count) > 9)
    error, *_ = page.view(page.score_table, page.fill({}), benchmark, *clean)
    assert "the table is empty" in error
    if name == "mce":
        assert page.draw(result, "fog").count("<circle") == 5 and page.draw(None, "fog") == ""
        fractions = {name: np.divide(errors, 100) for name, errors in page.alexnet.items()}
        assert "look like fractions" in page.view(page.score_table, page.fill(fractions), benchmark, "")[0]
    assert set(json.loads((METRICS / name / "published.json").read_text())) < set(page.published)
    path = str(next((METRICS / name).glob("example.*")))
    headline, *_ = page.view(page.score_file, path, benchmark, *("" for _ in clean))
    assert f"{name}|benchmark:{benchmark}|" in headline
    assert list(page.benchmarks) == [value for _, value in page.benchmark.choices]
    card = (METRICS / name / "README.md").read_text(encoding="utf-8").split("\n---\n", 1)[1].strip()
    built = page.build()
    shown = [block.value for block in built.blocks.values() if isinstance(block, gradio.Markdown)]
    assert any(text.strip() == card for text in shown)
    assert not built.analytics_enabled  # a visit is reported to nobody
    (table,) = (block for block in built.blocks.values() if isinstance(block, gradio.Dataframe))
    assert table.interactive and table.static_columns == [0]  # errors are filled in, names are not
    names = {call["api_name"] for call in built.config["dependencies"] if call["api_name"]}
    assert {"score_values", "score_predictions"} <= names
