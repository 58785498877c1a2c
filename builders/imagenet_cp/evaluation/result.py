"""What an evaluation of a model found."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..files import write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


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

    def only(self, image_ids: Collection[str]) -> Counts:
        """Return the counts of some of the images."""
        kept = np.array([image_id in image_ids for image_id in self.image_ids], bool)
        return Counts(
            tuple(image_id for image_id in self.image_ids if image_id in image_ids),
            {config: column[kept] for config, column in self.counts.items()},
            self.pairs,
        )


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

    @cached_property
    def intervals(self) -> dict[str, dict[str, Any]]:
        """95 % intervals by the bootstrap over images or sequences.

        Metric -> the scores of `metrics`, with an `Interval` (low, high) in the place of every number and None where
        there is none: ``intervals["mce"]["ce"]["fog"].low``.
        """
        from . import statistics as bootstrap
        from .references import benchmark_of

        found = {}
        for metric, result in self.metrics.items():
            drawn = bootstrap.replicates(metric, benchmark_of(result), self.counts[metric])
            found[metric] = bootstrap.intervals(result, drawn)
        return found

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return everything as JSON, and write it to a file if one is named; `from_json` reads it.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        from .report import results_file

        text = results_file.dumps(self)
        if path is not None:
            write_text(Path(path), text + "\n")
        return text

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            The file cannot be read, is something else, is damaged, or of a newer format; the message names it.
        """
        from .report import results_file

        return results_file.load(Path(path))

    def to_dataframe(self) -> pd.DataFrame:
        """Return every score as a row of a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            Columns ``metric`` (``"mce"``, ``"ce"``, ``"error"``, ...), ``corruption`` and ``severity``, or
            ``perturbation``, where it is the score of one, ``value``, ``alexnet``, ``low`` and ``high``. Units are
            those of `metrics`. What is missing is NaN.
        """
        from .report.table import dataframe

        return dataframe(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dataframe` as CSV."""
        write_text(Path(path), self.to_dataframe().to_csv(index=False))

    def plot(self, kind: str = "ce") -> Figure:
        """Draw a chart of the report.

        Parameters
        ----------
        kind : {"ce", "relative_ce", "severity", "fr", "t5d"}
            Corruption errors, the errors at five severities, flip rates or top-5 distances.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            There is no such chart, or the evaluation has no data for it.
        BuildError
            Matplotlib is not installed.
        """
        from .report.charts import draw

        return draw(kind, {self.model: self})

    def write_report(self, folder: str | os.PathLike[str]) -> Path:
        """Write the report of ``imagenet-cp evaluate`` into a folder, and return its page.

        Raises
        ------
        ValueError
            The folder cannot be made.
        BuildError
            Matplotlib is not installed.
        """
        from .report.model_page import write_report

        return write_report(self, folder)
