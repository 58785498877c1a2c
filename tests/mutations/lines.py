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
    """Names of the tests, their durations in seconds, and the numbers of those that run ``file:line``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = {}  # by name, in the order of the tests
        self.lines: dict[str, list[int]] = defaultdict(list)
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "mutations")
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, self._line)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    def _line(self, code, line):
        if code.co_filename.startswith(_FOLDERS):
            file = os.path.relpath(os.path.realpath(code.co_filename), ROOT)
            self.lines[f"{file}:{line}"].append(len(self.seconds) - 1)  # -1 on import
        return sys.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self.seconds[item.nodeid] = 0.0
        sys.monitoring.restart_events()
        return (yield)

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self):
        sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, sys.monitoring.events.NO_EVENTS)
        self.path.write_text(json.dumps({"seconds": self.seconds, "lines": self.lines}), encoding="utf-8")


def pytest_addoption(parser):
    parser.addoption("--lines", type=Path, required=True, metavar="FILE", help="file to write the record to")


def pytest_configure(config):
    config.pluginmanager.register(Lines(config.getoption("--lines").absolute()))
