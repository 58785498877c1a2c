"""Measure every table of ``results/``, one script after the other; the machine must be idle.

``python tests/benchmarks/all.py foolbox-3.3.4-py3-none-any.whl`` runs in the environment of README.md with torch; the
wheel is that of ``frames.py``. It refuses to start with uncommitted changes, so that all tables are of one commit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = {
    "first_use": [],
    "kernels": [],
    "bar": [],
    "perturbations": [],
    "jpeg": [],
    "build": [],
    "sizes": ["--save"],
    "scale": [],
    "evaluation": [],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="the wheel of foolbox 3.3.4")
    wheel = parser.parse_args().wheel.resolve(strict=True)
    changes = subprocess.run(["git", "status", "--porcelain"], cwd=FOLDER, capture_output=True, text=True)
    if changes.stdout or changes.returncode:
        raise SystemExit(f"commit first: {changes.stdout or changes.stderr}")
    failed = [
        name
        for name, options in {**SCRIPTS, "frames": [wheel]}.items()
        if subprocess.run([sys.executable, FOLDER / f"{name}.py", *options]).returncode
    ]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
