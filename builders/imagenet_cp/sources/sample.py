"""The images that ship with scikit-image, so that everything can be tried without a data set."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ..errors import SourceError
from .image_folder import FileReader
from .source import Item, Source, in_order, stamp_of

IMAGES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)


def open_sample() -> Source:
    """List the sample: each image is a class of its own.

    Raises
    ------
    SourceError
        An image is missing from the installed scikit-image.
    """
    folder = Path(str(resources.files("skimage"))) / "data"
    missing = [name for name in IMAGES if not (folder / name).is_file()]
    if missing:
        raise SourceError(f"{folder}: scikit-image should bring {', '.join(missing)}; reinstall scikit-image")
    classes = tuple(Path(name).stem for name in IMAGES)
    items = (
        Item(classes[label], label, str(folder / name), stamp_of((folder / name).stat()))
        for label, name in enumerate(IMAGES)
    )
    return Source("sample", classes, in_order(items, "sample"), FileReader())
