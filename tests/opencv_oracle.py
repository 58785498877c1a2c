"""OpenCV as an oracle: a test that uses it is skipped where it doesn't load."""

from typing import Any

import pytest


class _OpenCV:
    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "pytest")):  # pytest looks for marks and fixtures in every global
            raise AttributeError(name)
        return getattr(pytest.importorskip("cv2", exc_type=ImportError), name)


cv2 = _OpenCV()
