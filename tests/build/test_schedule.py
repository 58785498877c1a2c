"""A build keeps many cores busy, and its files do not depend on their number."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.build.plan import build
from imagenet_cp.build.schedule import divide, makespan
from imagenet_cp.build.units import Unit
from imagenet_cp.sources import Item, open_source

MEASURED = Path(__file__).parent.parent / "benchmarks" / "results"
C = BENCHMARKS["imagenet_c"]


def units(slices=20, images=2500):
    items = (Item("", 0, ""),) * images
    cells = C.cells(C.default_configs)
    return [Unit(Path(), n, slices, cells, items, (), None, C.recipe(), {}) for n in range(slices)]


def measured():
    """Milliseconds to decode an image, and of every cell with its share of encoding and writing."""
    table = (MEASURED / "build.md").read_text()
    decode, encode, rest = (
        float(re.search(rf"{step}.* \| ([\d.]+) \|", table)[1])
        for step in ("of that: decode", "of that: the package's", "of that: the remainder")
    )
    kernels = re.findall(r"^\| (\w+) (\d) \| ([\d.]+) \|", (MEASURED / "kernels.md").read_text(), re.M)
    cells = {f"{name}_{level}": float(ms) + (encode + rest) / len(kernels) for name, level, ms in kernels}
    return decode, cells | {"clean": sum(cells.values()) / len(kernels)}


@pytest.mark.parametrize("workers", [2, 16, 20, 32, 64])
def test_the_whole_benchmark_keeps_cores_busy(workers):
    decode, cells = measured()
    divided = divide(units(), workers)
    times = [len(unit.items) * (decode + sum(cells[cell.config] for cell in unit.cells)) for unit in divided]
    busy = sum(times) / workers / makespan(times, workers)
    once = 20 * 2500 * (decode + sum(cells.values()))
    assert busy >= 0.9 and sum(times) <= 1.15 * once


def test_every_cell_of_every_slice_is_built_once():
    for workers in (1, 3, 64, 1000):
        divided = divide(units(5, 10), workers)
        built = [(unit.index, cell) for unit in divided for cell in unit.cells]
        assert len(built) == len(set(built)) == 5 * len(C.cell_of)
    assert divide(units(5), 1) == units(5)
    assert divide(units(7), 8) == units(7)  # to decode all images twice would take longer


@pytest.mark.parametrize(
    ("slices", "workers", "cells"), [(5, 4, [96] * 4 + [24] * 4), (1, 8, [12] * 8), (1, 64, [12] * 8)]
)
def test_only_the_last_slices_are_divided_and_in_eight_at_most(slices, workers, cells):
    given = [replace(unit, cells=unit.cells[:96]) for unit in units(slices)]
    assert [len(unit.cells) for unit in divide(given, workers)] == cells


def test_the_longest_units_come_first():
    short = replace(units(1, 10)[0], index=20)
    sizes = [len(unit.items) * len(unit.cells) for unit in divide([short, *units(3, 100)], 2)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_long_unit_among_short_ones_is_divided():
    long = replace(units(1, 1000)[0], index=20)
    divided = divide([long, *units(1, 10)], 2)
    assert len([unit for unit in divided if unit.index == 20]) > 1


def test_jobs_go_to_the_first_free_worker():
    assert makespan([3, 3, 2, 2, 2], 2) == 7 and makespan([], 2) == 0


def test_the_files_are_those_of_one_worker(tmp_path, class_folder):
    configs, source = ["contrast", "clean"], open_source(class_folder)
    steps = []
    plans = [
        build(
            "imagenet_c",
            source,
            tmp_path / str(workers),
            configs,
            workers_count=workers,
            progress=lambda *step: steps.append(step),
        )
        for workers in (1, 2)
    ]
    assert plans[0].files == plans[1].files and len(plans[1].files) == 6
    assert len(list((tmp_path / "2" / ".imagenet_cp" / "units").glob("*.json"))) == 2
    assert ("building images", 4, 4) in steps
