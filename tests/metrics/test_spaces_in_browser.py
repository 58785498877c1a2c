"""Each Space alone in a folder, with nothing but its own requirements, in a real browser: see CONTRIBUTING."""

import csv
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from browser import Browser, free_port, wait_for

METRICS = Path(__file__).parents[2] / "metrics"
INSTALLED = "import evaluate, gradio, importlib.util as u; assert not u.find_spec('imagenet_cp')"
TRUNCATED = """return [...document.querySelectorAll('.published > *, .bars > *, .score *')]
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1 && cell.innerText).map(cell => cell.innerText)"""

pytestmark = pytest.mark.spaces


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a fresh environment with a Space's requirements; they are the same for all three."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
    there = folder / "bin" / "python"
    requirements = METRICS / "mce" / "requirements.txt"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", there, "-r", requirements], check=True)
    subprocess.run([there, "-I", "-c", INSTALLED], check=True)
    return there


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def page(name, python, browser, tmp_path):
    """Start a Space that knows its own folder only, and open its page in the browser."""
    space, port = tmp_path / "space", free_port()
    shutil.copytree(METRICS / name, space, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SERVER_PORT": str(port),
    }
    url = f"http://127.0.0.1:{port}"
    with open(tmp_path / "log", "w") as log:
        app = subprocess.Popen([python, "app.py"], cwd=space, env=settings, stdout=log, stderr=log)
    try:
        wait_for(lambda: urllib.request.urlopen(url).read(), 60, f"{name}: app.py does not answer")
        browser.resize(1280)
        browser.colours("light")
        browser.open(url)
        yield browser
        browser.open("about:blank")
    finally:
        app.terminate()
        app.wait()
    assert "Traceback" not in (tmp_path / "log").read_text()


def expected(name, load):
    """Score the example file with evaluate, as its users do."""
    path = next((METRICS / name).glob("example.*"))
    lines = path.read_text().splitlines()
    if path.suffix == ".csv":
        rows = [
            {k: v if k == "corruption" else int(v) for k, v in row.items()} for row in csv.DictReader(lines)
        ]
    else:
        rows = [json.loads(line) for line in lines]
    return load(name).compute(**{key: [row[key] for row in rows] for key in rows[0]})[name]


def click(browser, selector):
    browser.wait(f"document.querySelector({selector!r})")
    browser.evaluate("document.querySelector(arguments[0]).click()", selector)


def headline(browser, text):
    """Wait until the result holds a text, and return the whole of it."""
    result = "document.querySelector('#headline')?.innerText"
    return browser.wait(f"{result}?.includes({text!r}) && {result}")


def test_a_reader_gets_the_right_score(name, page, load, axe, tmp_path):
    """AlexNet's values score 100, and the example file what evaluate says, at any width and in both colours."""
    click(page, "#score")
    headline(page, "the table is empty")

    click(page, "#example")
    alexnet = {"mce": "69.528", "mfr": "23.653", "mt5d": "4.77"}[name]
    page.wait(f"document.body.innerText.includes({alexnet!r})")
    click(page, "#score")
    assert headline(page, "100.0").split("\n")[1] == "100.0"
    assert "your classifier" in page.evaluate("return document.querySelector('#published').innerText")
    drawn = {"mce": "#plot circle, #parts .bar"}.get(name, "#parts .bar")
    count = {"mce": 5 + 19}.get(name, 14)
    page.wait(f"document.querySelectorAll({drawn!r}).length === {count}")

    for width, scheme in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]:
        page.resize(width)
        page.colours(scheme)
        page.wait(f"document.body.classList.contains('dark') === {str(scheme == 'dark').lower()}")
        assert page.overflow() <= 0 and not page.evaluate(TRUNCATED), (width, scheme)
        for part in ("#headline", "#parts", "#published", *["#plot"] * (name == "mce")):
            assert page.violations(axe, part) == [], (width, scheme)
        page.screenshot(tmp_path / f"{name}_{width}_{scheme}.png")

    click(page, "[role=tab]:nth-of-type(2)")
    click(page, "#example-file")
    page.wait("document.querySelector('a[href*=\"/example.\"]')")
    click(page, "#score-file")
    assert headline(page, f"{name}|benchmark:").split("\n")[1] == f"{expected(name, load):.1f}"
    assert "the score is uncertain" in headline(page, "Only ")
    assert page.overflow() <= 0
    page.screenshot(tmp_path / f"{name}_file.png")
    assert page.errors() == []
