"""The same bytes on every machine, and no pixel that changes without a decision."""

import json
import os
import subprocess
import sys
from pathlib import Path

import digests
import pytest

SCRIPT = Path(__file__).parent / "digests.py"

#: Settings that can be combined: each group is one process.
MACHINES = {
    "other libraries and threads": {
        "without IPP": {"OPENCV_IPP": "disabled"},
        "NumPy without vectors": {"NPY_DISABLE_CPU_FEATURES": "NUMPY_OFF"},
        "libjpeg without vectors": {"JSIMD_FORCENONE": "1"},
        "two threads": {
            "OMP_NUM_THREADS": "2",
            "NUMBA_NUM_THREADS": "2",
            "OPENBLAS_NUM_THREADS": "2",
            "OPENCV_FOR_THREADS_NUM": "2",
        },
        "another hash seed": {"PYTHONHASHSEED": "4711"},
        "another locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    },
    "an older processor": {
        "OpenCV without vectors": {
            "OPENCV_CPU_DISABLE": "AVX512_ICL,AVX512_SKX,AVX512_CLX,AVX512_COMMON,AVX2,FMA3,AVX,FP16,SSE4_2,SSE4_1"
        },
        "a generic processor": {"NUMBA_CPU_NAME": "generic"},
        "an older BLAS core": {"OPENBLAS_CORETYPE": "Nehalem"},
        "an older C library": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX"},
    },
}


def in_a_new_process(**machine: str) -> dict:
    if machine.get("NPY_DISABLE_CPU_FEATURES"):
        machine["NPY_DISABLE_CPU_FEATURES"] = numpy_features()
    one = {
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_FOR_THREADS_NUM": "1",
        "PYTHONHASHSEED": "0",
    }
    run = subprocess.run(
        [sys.executable, str(SCRIPT)], env={**os.environ, **one, **machine}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def numpy_features() -> str:
    """The vector instructions NumPy would choose at run time on this machine."""
    code = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__ as d, __cpu_features__ as f;"
        "print(' '.join(x for x in d if f.get(x)))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def plain() -> dict:
    return in_a_new_process()


@pytest.mark.parametrize("group", MACHINES)
def test_every_config_has_the_same_bytes_on(group, plain):
    settings = MACHINES[group]
    if (
        in_a_new_process(**{name: value for each in settings.values() for name, value in each.items()})
        != plain
    ):
        alone = [name for name, each in settings.items() if in_a_new_process(**each) != plain]
        pytest.fail(f"other bytes with {', '.join(alone) or 'all together'}")


def test_no_pixel_changes_without_a_decision():
    assert digests.pixels_of(digests.digests()) == digests.committed()
