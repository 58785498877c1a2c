"""Order of a model's classes: matched with the data's, and checked on the first images."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..notices import notice
from ..sources import classes as imagenet
from .data.loader import Batch, Preprocessor, Resizing, batches
from .data.rows import Rows
from .models.model import Model
from .models.outputs import Outputs, match_outputs

#: Most images on which the order is checked, and fewest on which accuracy can count as no better than chance.
_IMAGES, _FEWEST = 256, 100
#: Classes that must be right in another order before it is believed.
_CLASSES = 3


def fit_outputs(model: Model, rows: Rows, preprocess: Preprocessor | None, threads: int) -> Outputs | None:
    """Match the outputs of a model with the classes of the data.

    Parameters
    ----------
    model : Model
        The model; without labels it is run on the first image to count its outputs.
    rows : Rows
        The data.
    preprocess : callable, optional
        Preprocessor of the images.
    threads : int
        Threads that load them.

    Raises
    ------
    SourceError
        They do not match; see `match_outputs`.
    """
    count = len(model.labels)
    if not count:
        with closing(_first(model, rows, 1, preprocess, threads)) as loaded:
            count = next((model.logits(images).shape[1] for _, images in loaded), len(rows.classes))
    return match_outputs(model.name, model.labels, count, rows.classes)


def check_order(
    model: Model, data: Sequence[Rows], preprocess: Preprocessor | None, threads: int, batch_size: int
) -> None:
    """Check on the first clean or least corrupted images that scores are not in another order of the classes.

    Parameters
    ----------
    model : Model
        The model, with its outputs matched.
    data : sequence of Rows
        The data.
    preprocess : callable, optional
        Preprocessor of the images.
    threads, batch_size : int
        Threads that load the images, and images of a batch.

    Raises
    ------
    SourceError
        Another known order makes many more images right, or a model with published weights is no better than chance.
    """
    rows = min(data, key=lambda rows: rows.sequences)
    best, labels = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    with closing(_first(model, rows, _IMAGES, preprocess, threads, batch_size)) as loaded:
        for batch, images in loaded:
            logits = model.logits(images)
            if logits.shape[1] != len(rows.classes):
                return  # an error of its own
            best.append(logits.argmax(axis=1))
            labels.append(np.repeat([sample.label for sample in batch.samples], batch.frames))
    finding = find_order(np.concatenate(best), np.concatenate(labels), rows.classes)
    if finding:
        raise SourceError(
            f"{model.name}: {finding}. Add --labels (labels=) with a list, or a file, of the class of every output; if "
            "the order is right, add --no-check (check=False)"
        )
    if _is_chance(np.concatenate(best), np.concatenate(labels), len(rows.classes)):
        finding = (
            f"{model.name}: accuracy on the first {len(np.concatenate(best)):,} images is no better than chance; are "
            "its classes in the order of the data's, and is its input normalized as in training?"
        )
        if model.labels:
            raise SourceError(f"{finding} To evaluate it all the same, add --no-check (check=False)")
        notice(finding)


def find_order(
    best: NDArray[np.integer[Any]], labels: NDArray[np.integer[Any]], classes: Sequence[str]
) -> str:
    """Describe a known order of the classes in which many more predictions are right; empty if there is none.

    Parameters
    ----------
    best, labels : ndarray of int, shape (N,)
        Predicted and true classes.
    classes : sequence of str
        Names of the classes.
    """
    right = int((best == labels).sum())
    found: list[tuple[int, str]] = []
    for which in ("its outputs", "the data's labels"):
        for description, order in known_orders(classes):
            hits = labels[order[best] == labels] if which == "its outputs" else labels[best == order[labels]]
            if len(set(hits.tolist())) >= _CLASSES:
                found.append((len(hits), f"{which} were {description}"))
    most, description = max(found, key=lambda one: one[0], default=(0, ""))
    if most < max(2 * right, 3 * len(labels) / len(classes)) + 5:
        return ""
    return f"of the first {len(labels):,} images {right:,} are right, but {most:,} would be if {description}"


def known_orders(classes: Sequence[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Usual mistakes: descriptions, and the class at every place.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes.
    """
    places = np.arange(len(classes))
    yield "the classes one place later", np.roll(places, 1)
    yield "the classes one place earlier", np.roll(places, -1)
    lists = [classes]
    if tuple(classes) == imagenet.wnids():
        full = imagenet.full_names()
        lists += [imagenet.names(), full, [name.split(", ")[0] for name in full]]
    for names in lists:
        yield "the classes in the order of their sorted names", _sorted(names)
        yield "the classes in the order of their sorted names", _sorted([name.casefold() for name in names])
    yield "the classes in the order of their numbers sorted as text", _sorted(list(map(str, places)))
    if tuple(classes) == imagenet.wnids():
        devkit = np.array(imagenet.named_lists()["imagenet-devkit"], np.int64)
        yield "the classes in the order of the devkit's ILSVRC2012_ID (imagenet-devkit)", devkit


def _sorted(names: Sequence[str]) -> NDArray[np.int64]:
    return np.array(sorted(range(len(names)), key=lambda place: names[place]), np.int64)


def _is_chance(best: NDArray[Any], labels: NDArray[Any], classes: int) -> bool:
    """True for predictions of many images and classes that are no better than guesses."""
    expected = len(labels) / classes
    enough = len(labels) >= _FEWEST and len(set(labels.tolist())) >= _CLASSES
    return bool(enough and (best == labels).sum() <= expected + 2 * expected**0.5)


def _first(
    model: Model, rows: Rows, number: int, preprocess: Preprocessor | None, threads: int, batch_size: int = 1
) -> Generator[tuple[Batch, NDArray[np.uint8]], None, None]:
    """Batches of the first images of the least corrupted config, and their images at the size of the model."""
    cell = min(rows.cells, key=lambda cell: cell.level)
    images = max(1, number // 31) if rows.sequences else number
    tasks = rows.slice((cell,), 0, min(images, rows.num_rows[cell.config])).tasks()
    resizing = Resizing(model.side, model.interpolation)
    with closing(batches(tasks, batch_size, threads, preprocess, [resizing])) as loaded:
        for batch in loaded:
            yield batch, batch.images[resizing]
