"""Every module is imported without the optional packages, and without what a system may lack."""

import os
import subprocess
import sys
from pathlib import Path

OPTIONAL = "cv2 wand av matplotlib onnxruntime torch torchvision timm transformers distributed"
#: Modules that Python has not on Windows; test_locks.py covers fcntl.
POSIX = "resource pwd grp"
IMPORT_ALL = """
import importlib, pkgutil, sys
import imagenet_cp
names = [m.name for m in pkgutil.walk_packages(imagenet_cp.__path__, "imagenet_cp.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_every_module_is_imported_without_the_optional_packages():
    path = os.pathsep.join((str(Path(__file__).parent / "without"), *sys.path))
    environment = os.environ | {"PYTHONPATH": path, "IMAGENET_CP_WITHOUT": f"{OPTIONAL} {POSIX}"}
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50 and not done.stderr
