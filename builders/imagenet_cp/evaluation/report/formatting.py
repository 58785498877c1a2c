"""Numbers and names as text."""

from __future__ import annotations

from ..intervals import Difference, Interval


def format_number(value: float | None, times: float = 1, digits: int = 1) -> str:
    """Format a number multiplied by ``times``, such as 100 for percent; a dash for None."""
    return "–" if value is None else f"{times * value:.{digits}f}".replace("-", "−")


def format_interval(interval: Interval | Difference, times: float = 1) -> str:
    """Format the ends of an interval."""
    low, high = format_number(interval.low, times), format_number(interval.high, times)
    return f"{low} to {high}" if interval.low < 0 else f"{low}–{high}"


def display_name(name: str) -> str:
    """Display name of a corruption or perturbation."""
    return name.replace("_", " ")
