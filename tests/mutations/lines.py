"""Plugin of pytest that records which test runs which line, in its own process; needs Python 3.12 or later."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_FOLDERS = tuple(str(ROOT / folder) + os.sep for folder in ("builders", "metrics"))


class Lines:
    """Lines that each test runs, as ``file:line``, and its duration in seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.seconds: dict[str, float] = defaultdict(float)
        self._test = ""
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutations")
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._line)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    def _line(self, code, line):
        if code.co_filename.startswith(_FOLDERS):
            file = os.path.relpath(os.path.realpath(code.co_filename), ROOT)
            self.tests[f"{file}:{line}"].append(self._test)
        return sys.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self._test = item.nodeid
        sys.monitoring.restart_events()
        return (yield)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self):
        self.path.write_text(json.dumps({"tests": self.tests, "seconds": self.seconds}), encoding="utf-8")


def pytest_addoption(parser):
    parser.addoption("--lines", type=Path, required=True, metavar="FILE", help="file to write the record to")


def pytest_configure(config):
    config.pluginmanager.register(Lines(config.getoption("--lines").absolute()))
