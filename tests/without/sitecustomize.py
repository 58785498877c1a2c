"""Makes the packages named in IMAGENET_CP_WITHOUT fail to import, as they do where a native library is missing.

Python imports this module at its start where its folder is on PYTHONPATH, so in the subprocesses of tests as well.
"""

import os
import sys

NAMES = frozenset(os.environ.get("IMAGENET_CP_WITHOUT", "").replace(",", " ").split())


class Blocker:
    """Finder that refuses the packages."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ImportError(f"{name} is blocked by IMAGENET_CP_WITHOUT", name=name)


if NAMES:
    sys.meta_path.insert(0, Blocker)
