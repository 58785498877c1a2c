"""OpenCV where it loads; its wheels need libraries of the system that a slim container lacks."""

from __future__ import annotations

import functools
import sys
from typing import Any

from ..errors import BuildError
from ..notices import notice

INSTALL = "Debian: apt-get install libgl1 libglib2.0-0; elsewhere: pip install opencv-python-headless"


@functools.cache
def load() -> Any | None:
    """Import OpenCV, or return None where it doesn't load; a notice then names how to get it."""
    path = list(sys.path)
    try:
        import cv2
    except (ImportError, OSError) as error:
        sys.path[:] = path  # cv2 has put its own folder first, in which typing.py would be found
        notice(
            f"OpenCV doesn't load ({error}); Pillow decodes instead, to the same pixels but more slowly. "
            f"To speed it up, {INSTALL}"
        )
        return None
    return cv2


def require(purpose: str) -> Any:
    """Import OpenCV for something that nothing else computes.

    Raises
    ------
    BuildError
        OpenCV doesn't load.
    """
    cv2 = load()
    if cv2 is None:
        raise BuildError(f"{purpose} needs OpenCV, which doesn't load here. {INSTALL}")
    return cv2
