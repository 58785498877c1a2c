"""Draw mutants of the code at random, and run the tests against each; the README beside this file says how."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pytest
from mutants import Mutant, is_valid, mutants_of

ROOT = Path(__file__).parents[2]
#: Part of the code -> mutants of a study, in the proportion of the first one.
SIZES = {"kernels": 35, "metrics": 14, "rest": 92}
MOST = 120  # seconds of tests for a mutant, by their recorded durations
SPARES = 2  # drawn for each of them, in place of those that change nothing
#: Part whose lines are not recorded, being compiled or loaded from a copy -> folders of the tests that run them.
UNRECORDED = {"kernels": ("kernels", "corruptions", "perturbations", "images"), "metrics": ("metrics",)}


def part_of(file: str) -> str:
    return "kernels" if "/kernels/" in file else "metrics" if file.startswith("metrics/") else "rest"


def all_mutants() -> list[Mutant]:
    """List the mutants of every file in git, links excepted."""
    names = subprocess.run(
        ["git", "ls-files", "builders", "metrics"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    files = [name for name in names if name.endswith(".py") and not (ROOT / name).is_symlink()]
    return [one for file in files for one in mutants_of(ROOT, file)]


def draw(seed: int) -> None:
    """Print a list of mutants of every part."""
    rng, found = random.Random(seed), all_mutants()
    for part, size in SIZES.items():
        mutants = [one for one in found if part_of(one.file) == part]
        rng.shuffle(mutants)
        print(f"# {part}: the first {size} of {len(mutants):,}")
        for one in itertools.islice((one for one in mutants if is_valid(ROOT, one)), SPARES * size):
            print(one)


def chosen(path: Path) -> list[Mutant]:
    """Read a list: the first of every part whose line does not begin with ``-``."""
    known, counts, out = {one.key: one for one in all_mutants()}, dict(SIZES), []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line[:1] in "#-":
            continue
        one = known[line.split()[0]]
        if counts[part_of(one.file)] > 0:
            counts[part_of(one.file)] -= 1
            out.append(one)
    return out


class Selected:
    """Plugin of pytest that runs these tests in this order."""

    def __init__(self, tests: list[str]) -> None:
        self.places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((i for i in items if i.nodeid in self.places), key=lambda i: self.places[i.nodeid])


def joined(paths: list[Path]) -> dict:
    """Read records of lines, each of other tests, as one."""
    seconds: dict[str, float] = {}
    lines: dict[str, list[int]] = defaultdict(list)
    for path in paths:
        record = json.loads(path.read_text(encoding="utf-8"))
        for line, numbers in record["lines"].items():
            lines[line] += [number if number < 0 else number + len(seconds) for number in numbers]
        seconds |= record["seconds"]
    return {"seconds": seconds, "lines": lines}


def order(one: Mutant, record: dict) -> list[str]:
    """Order the tests that run the line, or the file if it is run on import.

    Those named after the module are the first, then those that compare with golden images, then the quickest.
    """
    seconds, lines = record["seconds"], record["lines"]
    names, stem = list(seconds), Path(one.file).stem.strip("_")
    numbers = set(lines.get(f"{one.file}:{one.line}", ()))
    if not numbers or -1 in numbers:  # on import
        numbers = {n for line in lines if line.rpartition(":")[0] == one.file for n in lines[line]} - {-1}
    tests = {names[number] for number in numbers}
    folders = UNRECORDED.get(part_of(one.file), ())
    tests |= {test for test in names if test.split("/")[1] in folders}

    def rank(test: str) -> tuple[bool, bool, float]:
        file = test.partition("::")[0]
        return stem not in file, bool(folders) and "golden" not in test, seconds[test]

    ordered = sorted(tests, key=rank)
    ends = itertools.accumulate(seconds[test] for test in ordered)
    return [test for test, end in zip(ordered, ends, strict=True) if end <= MOST]


def outcome(one: Mutant, tests: list[str], copy: Path, limit: float) -> str:
    """Run tests in a copy of the code that holds the mutant, until one fails; return how it ended."""
    path = copy / one.file
    data, times = path.read_bytes(), path.stat()
    path.write_bytes(one.apply(data))
    try:
        child = os.fork()
        if child == 0:
            os.setsid()
            log = os.open(copy / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(copy)
            sys.path.insert(0, str(copy / "builders"))
            os.environ["PYTHONPATH"] = str(copy / "builders")
            files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
            options = ["-x", "-p", "no:cacheprovider", f"--basetemp={copy / 'temporary'}"]
            os._exit(pytest.main([*options, *files], plugins=[Selected(tests)]))
        end = time.monotonic() + limit
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return "survived" if os.waitstatus_to_exitcode(status) == 0 else "caught"
            time.sleep(0.05)
        return "endless"
    finally:
        try:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        path.write_bytes(data)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def run(mutants: list[Mutant], record: dict) -> None:
    """Run the tests against every mutant, and print one line for each."""
    import datasets  # noqa: F401  # once, before the forks
    import evaluate  # noqa: F401
    import numba  # noqa: F401
    import skimage  # noqa: F401

    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv"))
        for one in mutants:
            tests = order(one, record)
            limit = 120 + 5 * sum(record["seconds"][test] for test in tests)
            ended = outcome(one, tests, copy, limit) if tests else "no test"
            print(f"{ended:8}  {len(tests):4} tests  {one}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw", help="print a list of mutants")
    drawing.add_argument("--seed", type=int, required=True)
    running = commands.add_parser("run", help="run the tests against the mutants of a list")
    running.add_argument("list", type=Path)
    running.add_argument("lines", type=Path, nargs="+", help="records of `pytest -p lines --lines FILE`")
    running.add_argument("--part", default="1/1", metavar="K/N", help="only each N-th mutant, from the K-th")
    options = parser.parse_args()
    if options.command == "draw":
        draw(options.seed)
    else:
        first, count = map(int, options.part.split("/"))
        run(chosen(options.list)[first - 1 :: count], joined(options.lines))


if __name__ == "__main__":
    main()
