"""Every test named in the table of promises of CONTRIBUTING.md exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_promise_names_tests_that_exist():
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Promises")[1].split("\n## ")[0]
    named = set(re.findall(r"`(test_\w+|Test\w+)`", section))
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"(?:def|class) (test_\w+|Test\w+)", text))
    assert len(named) > 20 and not named - defined
