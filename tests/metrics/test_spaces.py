"""The Spaces' pages: what they share, and, where gradio is installed, what they show."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

METRICS = Path(__file__).parents[2] / "metrics"
NAMES = ["mce", "mfr", "mt5d"]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def space(name, monkeypatch):
    """Import modules of one Space as its own folder does, and forget them afterwards."""
    monkeypatch.syspath_prepend(str(METRICS / name))
    for module in ("app", "page", name):
        monkeypatch.delitem(sys.modules, module, raising=False)
    yield importlib.import_module
    for module in ("app", "page", name):
        sys.modules.pop(module, None)


def test_what_the_spaces_share_is_the_same():
    for file in ("page.py", "requirements.txt"):
        assert len({(METRICS / name / file).read_bytes() for name in NAMES}) == 1


def test_requirements_are_what_is_imported(name):
    folder = METRICS / name
    listed = set(re.findall(r"^[a-z]+", (folder / "requirements.txt").read_text(), re.MULTILINE))
    source = "".join((folder / file).read_text() for file in (f"{name}.py", "app.py", "page.py"))
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert listed == imported - sys.stdlib_module_names - {name, "page"}


def test_numbers(space):
    page = space("page")
    assert page.number("23.9 %", "fog", 100) == 23.9
    assert page.number(float("nan"), "fog", 100) is None and page.number(" ", "fog", 100) is None
    with pytest.raises(ValueError, match="fog: 'x' is not a number"):
        page.number("x", "fog", 100)
    with pytest.raises(ValueError, match="fog: 101 is not from 0 to 100"):
        page.number(101, "fog", 100)


def test_files(space, tmp_path):
    page = space("page")
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": [1, 2], "b": "x"}\n\n{"a": [3], "b": "y"}\n')
    assert page.columns(path, ["a", "b", "c"]) == {"a": [[1, 2], [3]], "b": ["x", "y"]}
    path.write_text('{"a": 1}\n{"b": 2}\n')
    with pytest.raises(ValueError, match=r"rows.jsonl: line 2 has no a"):
        page.columns(path, ["a"])
    path.write_text("GIF89a")
    with pytest.raises(ValueError, match=r"rows.jsonl is neither CSV nor JSON Lines"):
        page.columns(path, ["a"])
    with pytest.raises(ValueError, match="choose a file"):
        page.columns(None, ["a"])
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n1,\n2,y\n")
    assert page.columns(table, ["a", "b"]) == {"a": [1, 2], "b": ["", "y"]}


def test_published_table(space):
    page = space("page")
    titles = {"clean": "clean error", "score": "score"}
    html = page.published({"A": {"clean": 1, "score": 3}, "<B>": {"clean": None, "score": 1}}, titles)
    assert html.index("&lt;B&gt;") < html.index(">A<") and page.YOURS not in html
    html = page.published({"A": {"clean": 1, "score": 3}}, titles, {"clean": None, "score": 2})
    assert html.index(page.YOURS) < html.index(">A<")


def test_example_files(space, name):
    """The example of the page is a whole benchmark."""
    path = next((METRICS / name).glob("example.*"))
    script = space(name)
    metric = next(v for k, v in vars(script).items() if k.lower() == name)()
    result = metric.compute(**space("page").columns(path, list(metric.features)), strict=True)
    assert 0 < result[name] < 100


def test_app(space, name):
    pytest.importorskip("gradio")
    app = space("app")
    script = space(name)
    benchmark = "imagenet_c" if name == "mce" else "imagenet_p"
    more = (app.MEAN,) if name == "mce" else ()
    if name == "mce":
        table, clean = app.example()
        headline, *_, compare = app.view(app.score_table, table, clean, benchmark, *more)
        assert headline.count(">100.0<") == 2 and ">43.5<" in headline
        empty = app.view(app.score_table, app.empty(), "", benchmark, *more)[0]
    else:
        headline, _, compare = app.view(app.score_table, app.example(), benchmark)
        assert headline.count(">100.0<") == 1
        empty = app.view(app.score_table, app.empty(), benchmark)[0]
    assert "the table is empty" in empty
    assert app.page.YOURS in compare
    assert all(
        network in app.PUBLISHED for network in json.loads((METRICS / name / "published.json").read_text())
    )
    path = str(next((METRICS / name).glob("example.*")))
    arguments = (path, "", benchmark, *more) if name == "mce" else (path, benchmark)
    assert f"{name}|benchmark:{benchmark}|" in app.view(app.score_file, *arguments)[0]
    assert list(script.BENCHMARKS) == [value for _, value in app.benchmark.choices]
