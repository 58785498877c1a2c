"""CPU time, and tables in Markdown."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numpy", "numba", "opencv-python", "Pillow", "scikit-image", "scipy", "pyarrow", "wand")


def cpu_ms(call: Callable[..., object], *arguments: object) -> float:
    """Run the call once and return the CPU time of all threads of this process in milliseconds."""
    start = time.process_time_ns()
    call(*arguments)
    return (time.process_time_ns() - start) / 1e6


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table, with numbers to three significant digits; the first column is text."""

    def cell(value: object) -> str:
        return (f"{value:.3f}" if value < 10 else f"{value:.1f}") if isinstance(value, float) else str(value)

    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *([cell(v) for v in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def goal(sentence: str, met: bool) -> str:
    return f"- {'met' if met else '**missed**'}: {sentence}"


def machine(*more_libraries: str) -> str:
    """Describe the processor and the versions in one paragraph."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(
            line.split(":", 1) for line in cpuinfo.read_text().split("\n\n")[0].splitlines() if ":" in line
        )
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        cpu = facts.get("model name", cpu)
        if "cpu family" in facts:
            cpu += f" (family {facts['cpu family']}, model {facts.get('model')})"
    versions = []
    for name in (*LIBRARIES, *more_libraries):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    return f"{cpu}; Python {platform.python_version()}; {', '.join(versions)}."


def save(name: str, *parts: str) -> None:
    """Print the parts and write them to ``results/<name>.md``; no name, no file."""
    text = "\n\n".join(parts) + "\n"
    print(text)
    if name:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text)
