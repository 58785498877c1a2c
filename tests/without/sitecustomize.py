"""Makes the packages named in IMAGENET_CP_WITHOUT fail to import, as they do where a native library is missing.

Python imports this module at its start where its folder is on PYTHONPATH, so in the subprocesses of tests as well.
"""

import importlib.machinery
import os
import sys

NAMES = frozenset(os.environ.get("IMAGENET_CP_WITHOUT", "").replace(",", " ").split())


class Blocker:
    """Finder and loader of the packages, which can be found but not loaded."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, cls) if name.partition(".")[0] in NAMES else None

    @staticmethod
    def create_module(spec):
        raise ImportError(f"{spec.name} is blocked by IMAGENET_CP_WITHOUT", name=spec.name)

    @staticmethod
    def exec_module(module):
        pass


if NAMES:
    sys.meta_path.insert(0, Blocker)
