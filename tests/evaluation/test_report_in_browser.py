"""Both pages in a real browser, opened as files."""

import itertools

import browser
import pytest
from toy_evaluations import evaluation, mistakes

from imagenet_cp.evaluation.comparison import compare
from imagenet_cp.evaluation.report.comparison_page import load_models, write_comparison
from imagenet_cp.evaluation.report.model_page import write_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.MISSING is not None, reason=str(browser.MISSING)),
]
EVIL = "<script>document.title = 'hacked'</script>\"><img src=x onerror=\"document.title = 'hacked'\">"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    one = evaluation(
        30,
        10,
        skill=1.4,  # distances beyond 175
        model=f"timm:{EVIL}",
        examples=mistakes(3),
        classes=(EVIL,) * 1000,
        command="x " * 300 + "y" * 500,
    )
    two = evaluation(30, 10, skill=0.5, seed=1, model="a_model_with_a_long_name" * 4)
    two.to_json(folder / "two.json")
    return {
        "report": write_report(one, folder / "one"),
        "comparison": write_comparison(
            compare(load_models([folder / "one", folder / "two.json"])), folder / "comparison"
        ),
    }


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.parametrize("name", ["report", "comparison"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page(pages, chromium, name, width):
    grounds, lines = [], []
    for scheme in ("light", "dark"):
        chromium.resize(width)
        chromium.colours(scheme)
        chromium.open(pages[name].as_uri())
        chromium.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert chromium.overflow() <= 0
        assert chromium.errors() == []
        assert chromium.evaluate("return document.title").endswith("robustness")
        assert chromium.evaluate("return [...document.images].every(one => one.naturalWidth > 0)")
        hidden = chromium.evaluate("return getComputedStyle(document.querySelector('.wide')).display")
        assert hidden == ("none" if width == 390 else "block")
        grounds.append(chromium.evaluate("return getComputedStyle(document.body).backgroundColor"))
        lines.append(
            chromium.evaluate("return getComputedStyle(document.querySelector('svg text:last-of-type')).fill")
        )
        clipped = chromium.evaluate(
            "return [...document.querySelectorAll('figure svg')].filter(s => s.checkVisibility()).flatMap(s =>"
            " [...s.querySelectorAll('text')].filter(t => { const b = s.getBoundingClientRect(), r ="
            " t.getBoundingClientRect(); return r.left < b.left - 1 || r.right > b.right + 1 || r.top < b.top - 1"
            " || r.bottom > b.bottom + 1 }).map(t => t.textContent))"
        )
        assert clipped == []
        levels = chromium.evaluate(
            "return [...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])"
        )
        assert levels[0] == 1 and max(b - a for a, b in itertools.pairwise(levels)) <= 1
    assert len(set(grounds)) == 2 and len(set(lines)) == 2


@pytest.mark.spaces
@pytest.mark.parametrize("name", ["report", "comparison"])
def test_axe_finds_nothing_serious(pages, chromium, axe, name):
    for width, scheme in itertools.product((1440, 390), ("light", "dark")):
        chromium.resize(width)
        chromium.colours(scheme)
        chromium.open(pages[name].as_uri())
        chromium.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert chromium.violations(axe) == [], (width, scheme)
