"""What an evaluation of a model found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """What one metric counted in every image or sequence: the means of the metric, and of its bootstrap, follow.

    Attributes
    ----------
    image_ids : tuple of str
        All images that occur, sorted.
    counts : dict
        Config (``"fog_3"``, ``"clean"``, ``"tilt"``) -> ndarray of int16, shape (images,). For mCE 1 where the
        prediction was wrong and 0 where it was right; for mFR how many pairs of frames had different predictions; for
        mT5D the sum of the distances over the pairs. -1 where the config does not have the image.
    pairs : dict
        Config -> by how much a count is divided to be an error, a flip probability or a distance: the number of pairs
        of frames of one sequence; 1 for mCE.
    """

    image_ids: tuple[str, ...]
    counts: Mapping[str, NDArray[np.int16]]
    pairs: Mapping[str, int]


class Example(NamedTuple):
    """A picture the model got wrong.

    Attributes
    ----------
    config, image_id : str
        Which row it is.
    label, prediction : int
        What it shows, and what the model took it for.
    margin : float
        By how much the score of the prediction exceeded that of the next best class.
    picture : bytes
        Its JPEG or PNG file.
    """

    config: str
    image_id: str
    label: int
    prediction: int
    margin: float
    picture: bytes


@dataclass(frozen=True)
class Evaluation:
    """The scores of one model.

    Attributes
    ----------
    model : str
        What it is called, such as ``"timm:resnet50"``.
    signature : str
        Which model and which treatment of the pictures: name, digest of the weights, size of the input, preprocessing.
    metrics : dict
        ``"mce"``, ``"mfr"``, ``"mt5d"``, those that there was data for -> what ``compute()`` of that metric returned;
        its signature says which data.
    counts : dict
        The same names -> `Counts`.
    classes : tuple of str
        Name of every class, for people.
    examples : tuple of Example
        Some of the worst mistakes, worst first within a config.
    command : str
        How to make this again.
    versions : dict
        Library -> version.
    """

    model: str
    signature: str
    metrics: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, Counts]
    classes: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    command: str = ""
    versions: Mapping[str, str] | None = None
