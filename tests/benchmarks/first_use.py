"""Time the import of imagenet_cp and the first call of every function, with a cold and a warm cache."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import measure

IMPORT = "import time; t = time.perf_counter(); import imagenet_cp; print(time.perf_counter() - t)"
CALLS = """
import json, time
import numpy as np
from numpy.random import SFC64
started = time.perf_counter()
from imagenet_cp.corruptions import CORRUPTIONS, apply
seconds = {"import": time.perf_counter() - started}
image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
for name in CORRUPTIONS:
    started = time.perf_counter()
    for severity in (1, 2, 3, 4, 5):
        apply(name, image, severity, SFC64(severity))
    seconds[name] = time.perf_counter() - started
try:
    from imagenet_cp.perturbations import PERTURBATIONS, apply
except ImportError:
    PERTURBATIONS = ()
image = np.random.default_rng(0).integers(0, 256, (256, 341, 3), np.uint8)
for name in PERTURBATIONS:
    started = time.perf_counter()
    apply(name, image, SFC64(0))
    seconds["ImageNet-P " + name] = time.perf_counter() - started
print(json.dumps(seconds))
"""


def run(code: str, **environment: str) -> str:
    """Run the code in a new process and return the last line it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="imports, of which the median is taken")
    options = parser.parse_args()
    run(IMPORT)
    imports = [float(run(IMPORT)) for _ in range(options.repeats)]
    with tempfile.TemporaryDirectory() as cache:
        cold = json.loads(run(CALLS, NUMBA_CACHE_DIR=cache))
        warm = json.loads(run(CALLS, NUMBA_CACHE_DIR=cache))
    once = statistics.median(imports)
    measure.save(
        "first_use",
        "# First use, seconds of wall time",
        measure.machine(),
        measure.goal(f"`import imagenet_cp` under 1 s ({once:.2f} s)", once < 1),
        "A new process applies every corruption once at each severity and generates every sequence once. "
        "Cold: numba's cache is empty, so everything is compiled. Warm: the same again.",
        measure.table(
            ["step", "cold", "warm"],
            [
                *([step, cold[step], warm[step]] for step in cold),
                ["**sum**", sum(cold.values()), sum(warm.values())],
            ],
        ),
    )


if __name__ == "__main__":
    main()
