"""The two published packages, with names restored that newer libraries have removed.

Neither is installed with this project: see README.md for the two commands.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib import metadata

import numpy as np
import numpy.random
import scipy.ndimage
import skimage.filters

Corrupt = Callable[[str, np.ndarray, int], np.ndarray]


def resource_filename(_package: str, path: str) -> str:
    """Substitute for pkg_resources: the textures are in the wheel of imagecorruptions, not in that of imagenet-c."""
    name = path.rsplit("/", 1)[-1]
    files = metadata.files("imagecorruptions") or []
    return str(next(file for file in files if file.name == name).locate())


def gaussian(*args: object, multichannel: bool = False, **kwargs: object) -> np.ndarray:
    return skimage.filters.gaussian(*args, channel_axis=-1 if multichannel else None, **kwargs)


def published() -> Corrupt:
    """Return the functions of imagenet-c 0.0.3."""
    if "pkg_resources" not in sys.modules:
        sys.modules["pkg_resources"] = types.ModuleType("pkg_resources")
    sys.modules["pkg_resources"].resource_filename = resource_filename
    sys.modules["scipy.ndimage.interpolation"] = scipy.ndimage
    import imagenet_c

    module = imagenet_c.corruptions
    module.gaussian = gaussian
    dropped = {"float_": np.float64, "fromstring": np.frombuffer}
    module.np = types.SimpleNamespace(**{**vars(np), **dropped})
    return lambda name, image, severity: imagenet_c.corrupt(image, severity, name)


def imaug() -> Corrupt:
    """Return the functions of imagecorruptions-imaug 1.1.5; it replaces the code of imagecorruptions."""
    import imagecorruptions

    return lambda name, image, severity: imagecorruptions.corrupt(image, severity, name)
