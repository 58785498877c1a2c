"""Pages of the Spaces: their shared parts, and, where gradio is installed, their output."""

import importlib
import json
import re
import runpy
import shutil
import sys
import warnings
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagenet_cp.evaluation.run import evaluate_model
from imagenet_cp.sources import classes

pytest.importorskip("jinja2")

METRICS = Path(__file__).parents[2] / "metrics"


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


#: Name of a metric -> its page, which takes a while to build.
PAGES = {}


@pytest.fixture
def page(space, name):
    """Page of a Space."""
    pytest.importorskip("gradio")
    if name not in PAGES:
        PAGES[name] = space("app").space
    return PAGES[name]


def test_requirements_are_what_is_imported(name):
    folder = METRICS / name
    listed = set(re.findall(r"^[a-z0-9]+", (folder / "requirements.txt").read_text().lower(), re.MULTILINE))
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    imported = set(re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE))
    assert listed == imported - sys.stdlib_module_names - {path.stem for path in folder.glob("*.py")}


def test_numbers(space):
    fragments = space("fragments")
    assert fragments.number("23.9 %", "fog", 100) == 23.9
    assert (fragments.number(0, "fog", 100), fragments.number(100, "fog", 100)) == (0, 100)
    for empty in (float("nan"), " ", None, "<NA>", "%"):
        assert fragments.number(empty, "fog", 100) is None
    with pytest.raises(ValueError, match="fog: 'x' is not a number"):
        fragments.number("x", "fog", 100)
    with pytest.raises(ValueError, match="fog: 101 is not from 0 to 100"):
        fragments.number(101, "fog", 100)


def test_files(space, tmp_path, load):
    files = space("files")
    path = tmp_path / "rows.jsonl"
    rows = [
        {"predictions": [7] * 31, "perturbation": "tilt"},
        {"predictions": [8] * 31, "perturbation": "tilt"},
    ]
    path.write_text(f"{json.dumps(rows[0])}\n\n{json.dumps(rows[1])}\n")
    columns = {"predictions": [[7] * 31, [8] * 31], "perturbation": ["tilt", "tilt"]}
    assert files.read_columns(path, load("mfr").features) == (columns, {})
    parquet = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), parquet)
    read, _ = files.read_columns(parquet, load("mfr").features)
    assert {key: values.to_pylist() for key, values in read.items()} == columns
    table = tmp_path / "rows.csv"
    table.write_text("predictions,references,corruption,severity,more\n1,1,fog,3,x\n")
    columns = {"predictions": [1], "references": [1], "corruption": ["fog"], "severity": [3]}
    assert files.read_columns(table, load("mce").features) == (columns, {})


def test_a_flipped_bit_in_a_file_is_noticed(space, tmp_path, load):
    columns = {"predictions": [1], "references": [1], "corruption": ["brightness"], "severity": [3]}
    path = tmp_path / "rows.parquet"
    options = {"use_dictionary": False, "compression": "none", "write_statistics": False}
    pq.write_table(pa.table(columns), path, write_page_checksum=True, **options)
    read, _ = space("files").read_columns(path, load("mce").features)
    assert {name: values.to_pylist() for name, values in read.items()} == columns
    path.write_bytes(path.read_bytes().replace(b"brightness", b"brightnesr"))
    with pytest.raises(ValueError, match=r"rows\.parquet: .*CRC"):
        space("files").read_columns(path, load("mce").features)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"predictions,references,corruption\n1,1,fog\n", "no column 'severity'"),
        (b'{"a": 1}\n{"b": 2}\n', "line 2 has no a"),
        (b'{"a": 1}\n[2]\n', "line 2 is not a JSON object"),
        (b'{"a": 1', "Expecting ',' delimiter"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "neither text nor Parquet"),
        (b"\x00\x01\x02" * 100, "no column 'predictions'"),
        (b"PAR1 and no more", "Parquet"),
        (b"", "No columns to parse"),
    ],
)
def test_a_file_without_the_columns_is_told_which_it_needs(space, tmp_path, load, content, reason):
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(ValueError, match="columns predictions, references, corruption, severity") as raised:
        space("files").read_columns(tmp_path / "rows.csv", load("mce").features)
    assert str(raised.value).startswith("rows.csv: ") and reason in str(raised.value)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, photographs):
    """The results of an evaluation on four images, and the folder that it wrote."""
    folder = tmp_path_factory.mktemp("evaluated")
    for path, wnid in zip(photographs.values(), classes.wnids()[::100], strict=False):
        (folder / "images" / wnid).mkdir(parents=True)
        shutil.copy(path, folder / "images" / wnid)

    def bright(images):
        """Five classes that depend on the brightness."""
        values = np.array([np.asarray(image)[::8, ::8].mean() for image in images]) * 7
        return -np.abs(np.arange(1000) - values[:, None] % 1000)

    options = {"source": folder / "images", "configs": ["brightness_1", "clean", "brightness"]}
    results = evaluate_model(bright, **options, name="bright", out=folder / "out")
    results.to_json(folder / "out" / "results.json")
    return results, folder / "out"


def test_files_of_an_evaluation_give_its_scores(space, name, load, evaluated):
    results, folder = evaluated
    files = space("files")
    metric = load(name)
    paths = list(folder.glob(f"predictions/{'imagenet_c' if name == 'mce' else 'imagenet_p'}/*.parquet"))
    for path in paths:
        columns, identity = files.read_columns(path, metric.features)
        metric.add_batch(**columns)
    expected = results.metrics[name]
    assert paths and expected["signature"].split("|data:")[1].startswith(identity["data"])
    found = metric.compute(recipe=identity["data"])
    assert {**found, "signature": ""} == {**expected, "signature": ""}
    benchmark = "imagenet_c" if name == "mce" else "imagenet_p"
    result = files.read_result(folder / "results.json", name, benchmark)
    assert result["signature"] == expected["signature"] and result["missing"] == expected["missing"]
    with pytest.raises(ValueError, match=f"results.json is not of tiny_{benchmark}, but {name}"):
        files.read_result(folder / "results.json", name, f"tiny_{benchmark}")
    (folder / "other.json").write_text('{"format": "imagenet-cp evaluation", "metrics": {"m": 1, "n": 2}}')
    with pytest.raises(ValueError, match=f"other.json has no {name}, only m, n; score the"):
        files.read_result(folder / "other.json", name, benchmark)
    assert files.read_result(paths[0], name, benchmark) is None
    for text in ("[1]", '{"format": "another", "metrics": {}}'):
        (folder / "other.json").write_text(text)
        assert files.read_result(folder / "other.json", name, benchmark) is None


def test_published_table(space):
    fragments = space("fragments")
    titles = {"clean": "clean error", "score": "score"}
    scores = {"A+B": {"clean": 1, "score": 3}, "<B>": {"clean": None, "score": 1}}
    html = fragments.render_published(scores, titles)
    assert html.index("&lt;B&gt;") < html.index(">A+<wbr>B<") and fragments.YOURS not in html
    html = fragments.render_published(scores, titles, {"clean": None, "score": 2})
    assert html.index("&lt;B&gt;") < html.index(fragments.YOURS) < html.index(">A+<wbr>B<")
    assert fragments.YOURS not in fragments.render_published(scores, titles, {"clean": 1, "score": None})


def test_text_cannot_become_markup(space):
    render = space("fragments").render
    for html in (
        render("wrong", error="<i>"),
        render("summary", numbers={"<i>": 1}, warning="", notes=["<i>"]),
        render("summary", numbers={}, warning="<i>", notes=[]),
        render("bars", rows=[("<i>", 1, 2, 1)], titles=("<i>", ""), full=1, mark=1, note="<i>"),
        render("curve", lines={"yours": [(0, 0.5)]}, label="<i>", yours="<i>"),
    ):
        assert "<i>" not in html and "&lt;i&gt;" in html


def test_example_files(space, name, load):
    """The example of the page is a whole benchmark."""
    path = next((METRICS / name).glob("example.*"))
    metric = load(name)
    columns, _ = space("files").read_columns(path, metric.features)
    assert 0 < metric.compute(**columns, strict=True)[name] < 100


def test_app(space, page, name, evaluated):
    gradio = pytest.importorskip("gradio")
    yours = space("fragments").YOURS
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
        means = 100 * np.mean([page.alexnet[name] for name in page.benchmarks[benchmark].test], axis=0)
        curve = page.draw(result, "mean of the 15")
        assert re.findall("<title>(.*?) %</title>", curve) == [f"{mean:.1f}" for mean in means]
        assert curve.count("Top-1 error in percent at severities 1 to 5: mean of the 15") == 2
        lines = dict(re.findall(r'<path class="(\w+)" d="(M.* )"', curve))
        assert lines.keys() == {"alexnet", "yours"} and lines["alexnet"] == lines["yours"]
        headline, *_ = page.view(page.score_files, ["x"], benchmark, "101")
        assert "clean error: 101 is not from 0 to 100" in headline
        example = [str(METRICS / name / "example.csv")]
        headline, *_ = page.view(page.score_files, example, benchmark, "43.5")
        assert "both clean_error=0.435 and 4 clean rows were given" in headline
        fractions = {name: np.divide(errors, 100) for name, errors in page.alexnet.items()}
        assert "look like fractions" in page.view(page.score_table, page.fill(fractions), benchmark, "")[0]
        for error, is_refused in ((0.01, True), (0.015, False)):
            table = page.fill({name: [error] * len(errors) for name, errors in page.alexnet.items()})
            headline, *_ = page.view(page.score_table, table, benchmark, "")
            assert ("look like fractions" in headline) == is_refused
    assert set(json.loads((METRICS / name / "published.json").read_text())) < set(page.published)
    path = str(next((METRICS / name).glob("example.*")))
    headline, _, compare, _ = page.view(page.score_files, [path], benchmark, *("" for _ in clean))
    assert f"{name}|benchmark:{benchmark}|" in headline
    assert re.search(r"Only \d images: the score is uncertain", headline) and yours not in compare
    _, folder = evaluated
    for paths in ([folder / "results.json"], list(folder.glob(f"predictions/{benchmark}/*.parquet"))):
        headline, *_ = page.view(page.score_files, paths, benchmark, *("" for _ in clean))
        assert f"{name}|benchmark:{benchmark}|" in headline and "|data:" in headline
        assert "Only 4 images" in headline
    headline, *_ = page.view(page.score_files, [path, *paths], benchmark, *("" for _ in clean))
    assert "of different models or data" in headline
    assert "choose a file" in page.view(page.score_files, None, benchmark, *("" for _ in clean))[0]
    assert list(page.benchmarks) == [value for _, value in page.benchmark.choices]
    card = (METRICS / name / "README.md").read_text(encoding="utf-8").split("\n---\n", 1)[1].strip()
    built = page.build()
    shown = [block.value for block in built.blocks.values() if isinstance(block, gradio.Markdown)]
    assert any(text.strip() == card for text in shown)
    assert not built.analytics_enabled  # a visit is reported to nobody
    (table,) = (block for block in built.blocks.values() if isinstance(block, gradio.Dataframe))
    assert table.interactive and table.static_columns == [0]  # errors are filled in, names are not
    calls = built.config["dependencies"]
    names = {call["api_name"] for call in calls if call["api_visibility"] == "public"}
    assert names == {"score_values", "score_predictions"}


def words(markup):
    """Text of a fragment, with single spaces."""
    return unescape(" ".join(re.sub("<[^>]*>", " ", markup).split()))


def test_every_number_of_a_score_is_shown(page, name):
    benchmark, clean = ("imagenet_c", ["43.478"]) if name == "mce" else ("imagenet_p", [])
    table = page.fill(page.alexnet)
    headline, parts, compare, result = page.view(page.score_table, table, benchmark, *clean)
    title = page.titles[name]
    assert title == {"mce": "mCE", "mfr": "mFR", "mt5d": "mT5D"}[name]
    relative = " relative mCE 100.0 clean error 43.5" if name == "mce" else ""
    assert words(headline) == f"{title} 100.0{relative}"
    second = ["100.0"] * len(table) if name == "mce" else [f"{value:.2f}" for value in table.iloc[:, 1]]
    rows = [f"{part} 100.0 {value}" for part, value in zip(table.iloc[:, 0], second, strict=True)]
    note = f"{page.note}; the line is AlexNet's 100 percent."
    assert words(parts) == " ".join([*page.parts, *rows, note])
    scores = "100.0 100.0" if name == "mce" else "100.0"
    assert f"AlexNet 43.5 {scores} " in words(compare)
    assert f"your classifier {'43.5' if name == 'mce' else '–'} {scores} " in words(compare) + " "
    _, parts, compare, result = page.view(page.score_table, table, f"tiny_{benchmark}", *clean)
    assert words(parts).endswith(f"{page.note}, not normalised.") and 'class="mark"' not in parts
    assert "your classifier" not in compare and result[name] is not None

    def warn(*inputs):
        warnings.warn("of unequal sizes", stacklevel=1)
        return page.score_table(*inputs)

    assert words(page.view(warn, table, benchmark, *clean)[0]) == f"{words(headline)} of unequal sizes"


def test_what_a_table_lacks_or_holds_wrong_is_named(page, name):
    benchmark, clean = ("imagenet_c", [""]) if name == "mce" else ("imagenet_p", [])
    test, levels = page.benchmarks[benchmark].test, range(1, 6) if name == "mce" else [None]
    table = page.fill(page.alexnet).astype(object)
    table.iloc[1:, 1:] = None
    assert list(page.read(table, benchmark)) == list(test)
    missing = [part if s is None else f"{part}_{s}" for part in test[1:] for s in levels]
    shown = ", ".join([*missing[:9], *["..."] * (name == "mce")])
    headline, parts, _, result = page.view(page.score_table, table, benchmark, *clean)
    total = len(test) * len(levels)
    note = f"No {page.titles[name]} yet: {len(missing)} of {total} are missing ({shown})."
    assert words(headline).endswith(f" {note}") and result["missing"] == missing
    assert f"{test[1]} – –" in words(parts)
    if name == "mce":
        ten = page.fill(page.alexnet)
        ten.iloc[:2, 1:] = None
        names = [f"{part}_{s}" for part in test[:2] for s in levels]
        headline, *_ = page.view(page.score_table, ten, benchmark, *clean)
        assert f"10 of 75 are missing ({', '.join(names[:9])}, ...)" in headline
    beyond = {"mt5d": "16 is not from 0 to 15"}.get(name, "101 is not from 0 to 100")
    for value, reason in (("x", "'x' is not a number"), (beyond.split()[0], beyond)):
        table.iloc[0, -1] = value
        headline, parts, _, result = page.view(page.score_table, table, benchmark, *clean)
        place = f"{test[0]}, severity 5" if name == "mce" else test[0]
        assert (words(headline), parts, result) == (f"{place}: {reason}", "", None)


def test_the_script_serves_its_page_and_its_buttons_fill_it(space, name, monkeypatch):
    gradio = pytest.importorskip("gradio")
    served = []
    monkeypatch.setattr(gradio.Blocks, "launch", lambda demo, **options: served.append((demo, options)))
    script = runpy.run_path(METRICS / name / "app.py", run_name="__main__")
    ((demo, options),) = served
    page = script["space"]
    assert demo is page.demo is script["demo"]
    assert options["allowed_paths"] == [str(METRICS / name)]  # else the example cannot be downloaded
    assert options["css_paths"] == [METRICS / name / "page.css"] and options["css_paths"][0].exists()

    blocks = list(demo.blocks.values())
    ids = ["example", "score", "example-file", "score-file", "headline", *["plot"] * (name == "mce"), "parts"]
    assert [block.elem_id for block in blocks if block.elem_id] == [*ids, "published"]
    (table,) = (block for block in blocks if isinstance(block, gradio.Dataframe))
    headers = {"mce": list("12345"), "mfr": ["flip probability"], "mt5d": ["top-5 distance"]}[name]
    assert table.value["headers"] == list(page.headers) and table.value["headers"][1:] == headers
    assert table.datatype == ["str", *("number" for _ in headers)]
    assert len(table.column_widths) == 1 + len(headers)

    buttons = [block for block in blocks if isinstance(block, gradio.Button)]
    texts = ["AlexNet", "Clear", "Score", "Example file", "Score"]
    assert [button.value for button in buttons] == texts
    calls = {call.targets[0]: call for call in demo.fns.values()}
    alexnet, clear, score, example, score_file = (calls[button._id, "click"] for button in buttons)
    assert example.fn() == [str(next((METRICS / name).glob("example.*")))]
    for call, values, error in ((alexnet, page.alexnet, "43.478"), (clear, {}, "")):
        filled, *option = call.fn() if name == "mce" else [call.fn()]
        assert filled.equals(page.fill(values)) and option == [error] * (name == "mce")
        assert call.outputs[0] is table
    for call, api_name in ((score, "score_values"), (score_file, "score_predictions")):
        assert call.api_name == api_name and call.inputs[1] is page.benchmark
        assert len(call.inputs) == 2 + (name == "mce")
        assert [block.elem_id for block in call.outputs[:3]] == ["headline", "parts", "published"]
    if name == "mce":
        drawn = [call for call in demo.fns.values() if call.fn == page.draw]
        curve = drawn[0].inputs[1]
        assert [call.inputs for call in drawn] == [
            [score.outputs[3], curve]
        ] * 3  # its choice, and two scores
        assert curve.value == "mean of the 15"
        assert [value for value, _ in curve.choices] == [curve.value, *page.alexnet]
