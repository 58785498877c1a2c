"""Views of a build: a subset of its images, or of its classes, without building it again."""

from __future__ import annotations

import os
from dataclasses import replace

from ...benchmarks.benchmark import Cell
from ...benchmarks.recipe import Recipe
from ...sources.subsets import Ids, restrict
from .built_rows import FolderSlice
from .rows import Rows


def view(rows: Rows, *, ids: Ids | None = None, classes: str | os.PathLike[str] | None = None) -> Rows:
    """Restrict the rows of a build to a subset of its images, and to a list of classes.

    Rows, labels and signature are those of a build that was made of the subset.

    Parameters
    ----------
    rows : Rows
        The rows of all images.
    ids, classes : str, path or list, optional
        As for `imagenet_cp.sources.open_source`.

    Raises
    ------
    SourceError
        The build lacks some of the images or all classes; or a config has other images than the first.
    """
    if (ids is None and classes is None) or not rows.cells:
        return rows
    name = f"{rows.benchmark.dataset} as built"
    stored = rows.labels(
        next((cell for cell in rows.cells if cell.config not in rows.problems), rows.cells[0])
    )
    names, left, marks = restrict(stored, rows.classes, name, ids, classes)
    fields = {"classes" if field == "class_list" else field: value for field, value in marks.items()}
    recipe = replace(Recipe.parse(rows.signature), **fields)
    numbers = [number for number, image_id in enumerate(stored) if image_id in left]
    in_order = list(left)

    def slice_of(cells: tuple[Cell, ...], start: int, stop: int) -> FolderSlice:
        whole = rows.slice(cells, numbers[start], numbers[stop - 1] + 1)
        assert isinstance(whole, FolderSlice)
        return replace(whole, labels={image_id: left[image_id] for image_id in in_order[start:stop]})

    return replace(
        rows,
        signature=recipe.signature,
        classes=names,
        num_rows=dict.fromkeys(rows.num_rows, len(left)),
        slice=slice_of,
    )
