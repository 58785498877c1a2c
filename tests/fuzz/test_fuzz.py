"""Damaged and hostile files: each works, or is refused in one line that names it."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("runner.py")


@pytest.mark.fuzz
@pytest.mark.parametrize("fuzzer", ["images", "records", "archives", "tables"])
def test_every_file_works_or_is_refused_in_a_line(fuzzer, tmp_path):
    run = subprocess.run([sys.executable, RUNNER, fuzzer, tmp_path], capture_output=True, text=True)
    last = [line for line in run.stdout.splitlines() if line.startswith("case ")][-1:]
    assert run.returncode == 0, f"{run.returncode}, {last}\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
