"""Limit every library to one thread; import it before any of them."""

import os

for variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "MAGICK_THREAD_LIMIT",
):
    os.environ[variable] = "1"

import cv2  # noqa: E402

cv2.setNumThreads(1)
