"""Results of an evaluation as a table in the terminal: all that was measured, whatever part of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..evaluation.report.formatting import format_number

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation


def format_results(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of a table for every data set of corrupted images and of one for ImageNet-P.

    Errors and flip probabilities are in percent; a dash stands for a value that was not measured.
    """
    for errors in evaluation.metrics.values():
        if "error" in errors:
            yield from _errors(errors)
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


def _errors(result: Mapping[str, Any]) -> Iterator[str]:
    """Table of the errors at all severities."""
    found = {
        name: [error for error in errors if error is not None] for name, errors in result["error"].items()
    }
    ratios = {name: [format_number(result["ce"].get(name))] for name in found} if "ce" in result else {}
    rows = [
        [
            name,
            *(format_number(error, 100) for error in errors),
            format_number(fmean(found[name]), 100),
            *ratios.get(name, []),
        ]
        for name, errors in result["error"].items()
        if found[name]
    ]
    severities = [str(severity + 1) for severity in range(max(map(len, result["error"].values()), default=5))]
    ends = ["CE"] if ratios else []
    if result["clean_error"] is not None:
        clean = format_number(result["clean_error"], 100)
        rows.insert(0, ["clean", *[""] * len(severities), clean, *[""] * len(ends)])
    yield from _table(["error % at severity", *severities, "mean", *ends], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align the first column to the left and the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for first, *rest in (header, *rows):
        numbers = (value.rjust(width) for value, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *numbers]).rstrip()
