"""Results of an evaluation as a table in the terminal: all that was measured, whatever part of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ..evaluation.report.formatting import format_number

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation


def format_results(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of a table for ImageNet-C and of one for ImageNet-P, as far as they were evaluated on.

    Errors and flip probabilities are in percent; a dash stands for a value that was not measured.
    """
    if result := evaluation.metrics.get("mce"):
        rows = [
            [
                name,
                *(format_number(error, 100) for error in errors),
                format_number(fmean(measured), 100),
                format_number(result["ce"].get(name)),
            ]
            for name, errors in result["error"].items()
            if (measured := [error for error in errors if error is not None])
        ]
        if result["clean_error"] is not None:
            rows.insert(0, ["clean", *[""] * 5, format_number(result["clean_error"], 100), ""])
        yield from _table(["error % at severity", "1", "2", "3", "4", "5", "mean", "CE"], rows)
    if result := evaluation.metrics.get("mfr"):
        distances = evaluation.metrics["mt5d"]["t5d"]
        rows = [
            [
                name,
                format_number(flips, 100),
                format_number(result["fr"].get(name)),
                format_number(distances.get(name)),
            ]
            for name, flips in result["flip_probability"].items()
            if flips is not None
        ]
        yield from _table(["perturbation", "flips %", "FR", "T5D"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align the first column to the left and the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for first, *rest in (header, *rows):
        numbers = (value.rjust(width) for value, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *numbers])
