"""The evaluation of a model, with its files, tables and charts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import write_text
from .results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Evaluation(Results):
    """`Results` of one model that can be saved, loaded, tabulated, plotted and reported."""

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Serialize as JSON, and write it to a file if a path is given; `from_json` reads it.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        from . import results_json

        text = results_json.dumps(self)
        if path is not None:
            write_text(Path(path), text + "\n")
        return text

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read a file written by `to_json`.

        Raises
        ------
        ValueError
            The file cannot be read, is of another kind, is corrupt, or of a newer format; the message names it.
        """
        from . import results_json

        return cls(**vars(results_json.load(Path(path))))

    def to_dataframe(self) -> pd.DataFrame:
        """Tabulate every score as a row.

        Returns
        -------
        pandas.DataFrame
            Columns ``metric`` (``"mce"``, ``"ce"``, ``"error"``, ...), ``corruption`` and ``severity``, or
            ``perturbation``, for a score of one of them, ``value``, ``alexnet``, ``low`` and ``high``. Units are
            those of `metrics`. A missing value is NaN. Names of metrics begin with ``c_bar_`` or ``custom_`` for the
            scores of ImageNet-C-bar and of data in a layout of its own.
        """
        from .dataframe import to_dataframe

        return to_dataframe(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dataframe` as CSV."""
        write_text(Path(path), self.to_dataframe().to_csv(index=False))

    def plot(self, kind: str = "ce") -> Figure:
        """Draw a chart of the report.

        Parameters
        ----------
        kind : str
            ``"scatter"``, clean error and mCE; ``"ce"``, ``"relative_ce"`` and ``"severity"``, corruption errors and
            the errors at five severities; ``"c_bar"``, ``"c_bar_severity"``, ``"custom"`` and ``"custom_severity"``,
            errors on ImageNet-C-bar and on data in a layout of its own; ``"fr"`` and ``"t5d"``, flip rates and top-5
            distances.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            Unknown chart, or an evaluation without data for it.
        BuildError
            Matplotlib is not installed.
        """
        from .report.charts import draw

        return draw(kind, {self.model: self})

    def write_report(self, folder: str | os.PathLike[str]) -> Path:
        """Write the report of ``imagenet-cp evaluate`` into a folder.

        Returns
        -------
        Path
            The page, ``index.html``.

        Raises
        ------
        ValueError
            The folder cannot be created.
        BuildError
            Matplotlib is not installed.
        """
        from .report.model_page import write_report

        return write_report(self, folder)
