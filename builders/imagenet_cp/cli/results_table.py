"""Results of an evaluation as a table in the terminal: all that was measured, whatever part of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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
                *(_percent(error) for error in errors),
                _percent(_mean(errors)),
                _number(result["ce"].get(name)),
            ]
            for name, errors in result["error"].items()
            if any(error is not None for error in errors)
        ]
        if result["clean_error"] is not None:
            rows.insert(0, ["clean", *[""] * 5, _percent(result["clean_error"]), ""])
        yield from _table(["error % at severity", "1", "2", "3", "4", "5", "mean", "CE"], rows)
    if result := evaluation.metrics.get("mfr"):
        distances = evaluation.metrics["mt5d"]["t5d"]
        rows = [
            [name, _percent(flips), _number(result["fr"].get(name)), _number(distances.get(name))]
            for name, flips in result["flip_probability"].items()
            if flips is not None
        ]
        yield from _table(["perturbation", "flips %", "FR", "T5D"], rows)


def _mean(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def _percent(value: float | None) -> str:
    return _number(None if value is None else 100 * value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align the first column to the left and the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for first, *rest in (header, *rows):
        numbers = (value.rjust(width) for value, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *numbers])
