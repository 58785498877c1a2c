"""ImageNet-C and ImageNet-P as deterministic Hugging Face datasets, with the metrics mCE, mFR and mT5D.

Importing this package makes two calls work::

    load_dataset("imagenet_c", "fog_3", data_dir="path/to/val", split="validation")
    evaluate.load("mce")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .hub.registration import register

if TYPE_CHECKING:
    from . import corruptions, imagecorruptions, metrics, perturbations, transforms
    from .api import corrupt, perturb
    from .evaluation.run import evaluate_model
    from .evaluation.streams import stream
    from .evaluation.top5 import top5
    from .hub import model_results as results
    from .images.codecs import decode
    from .images.video import decode_video

__all__ = [
    "__version__",
    "corrupt",
    "corruptions",
    "decode",
    "decode_video",
    "evaluate_model",
    "imagecorruptions",
    "metrics",
    "perturb",
    "perturbations",
    "results",
    "stream",
    "top5",
    "transforms",
]

# Imported when first used, so that `import imagenet_cp` does not wait for compilers and codecs.
_LAZY = {
    "corrupt": ("imagenet_cp.api", "corrupt"),
    "corruptions": ("imagenet_cp.corruptions", None),
    "decode": ("imagenet_cp.images.codecs", "decode"),
    "decode_video": ("imagenet_cp.images.video", "decode_video"),
    "evaluate_model": ("imagenet_cp.evaluation.run", "evaluate_model"),
    "imagecorruptions": ("imagenet_cp.imagecorruptions", None),
    "metrics": ("imagenet_cp.metrics", None),
    "perturb": ("imagenet_cp.api", "perturb"),
    "perturbations": ("imagenet_cp.perturbations", None),
    "results": ("imagenet_cp.hub.model_results", None),
    "stream": ("imagenet_cp.evaluation.streams", "stream"),
    "top5": ("imagenet_cp.evaluation.top5", "top5"),
    "transforms": ("imagenet_cp.transforms", None),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    found = importlib.import_module(module)
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register()
