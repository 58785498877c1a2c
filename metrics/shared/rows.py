"""Rows of a metric: columns of any type, checked and stored as Arrow."""

import difflib
import inspect
import os
import statistics
import sys
import threading
import warnings
from reprlib import repr as short
from typing import NamedTuple

import datasets
import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .formulas import BENCHMARKS

CITATION = """\
@inproceedings{hendrycks2019robustness,
  title     = {Benchmarking Neural Network Robustness to Common Corruptions and Perturbations},
  author    = {Dan Hendrycks and Thomas Dietterich},
  booktitle = {International Conference on Learning Representations},
  year      = {2019},
  url       = {https://arxiv.org/abs/1903.12261}
}
"""
URLS = ["https://arxiv.org/abs/1903.12261", "https://github.com/hendrycks/robustness"]
VERSION = 1  # of the signature: incremented when the same input gives a different score


class Rows:
    """Mixin of the metrics, for use with `evaluate.Metric`: rows are added in whole batches.

    A subclass defines ``key`` (the metric's name), ``_make_features()`` and ``_check_batch(columns, row, **options)``,
    which returns the columns as Arrow arrays; ``row(i)`` is the description of row i in an error message. The
    docstrings of its module and of the class are the description and the inputs of the metric.
    """

    chunk = 100_000  # rows of a record batch on disk

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._lock = threading.RLock()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.RLock())

    def _info(self):
        info = evaluate.MetricInfo(
            description=sys.modules[type(self).__module__].__doc__,
            citation=CITATION,
            inputs_description=inspect.getdoc(type(self)),
            features=datasets.Features(self._make_features()),
            reference_urls=URLS,
        )
        info.format = "arrow"  # the constructor of MetricInfo refuses a format for lists
        return info

    def _add(self, columns, **options):
        with self._lock:
            start = len(self)

            def row(i):
                return f"row {i}" + (f" of this batch ({start + i} in all)" if start else "")

            self._write(self._check_batch(columns, row, **options))

    def _write(self, batch):
        # The add_batch of evaluate converts a batch to Python objects: it is slow and casts silently.
        if self.writer is None:
            self.selected_feature_format = self.features
            self._init_writer()
        self.writer.write_batch(batch, self.chunk)

    def _score(self, columns, options, batch_options=None, **compute_options):
        """Compute the score of all rows, those of ``columns`` included."""
        options = Options(self.key, **{"benchmark": next(iter(BENCHMARKS[self.key])), **options})
        options.check()
        with self._lock:
            before = len(self)
            if any(values is not None for values in columns.values()):
                self._add(columns, **(batch_options or {}))
            if self.num_process == 1 and not len(self):
                raise ValueError("nothing to score: call add_batch first, or pass the columns to compute")
            try:
                return super().compute(options=options, **compute_options)
            except Exception:
                self._restore(before)
                raise

    def _restore(self, count):
        # evaluate has closed its file by the time _compute raises: the first rows are written to a new one.
        if self.data is None:
            return
        used = list(zip(self.filelocks or (), self.file_paths or (), strict=True))
        if count and self.num_process == 1:
            rows = self.data.data.table.slice(0, count)
            self._write({name: rows[name] for name in rows.column_names})
        self.data = self.filelocks = self.file_paths = None
        for lock, path in used:
            os.remove(path)
            lock.release()


class Options(NamedTuple):
    """Options of `compute` that the metrics share."""

    metric: str
    benchmark: str
    num_classes: int | None = None
    strict: bool = False
    recipe: str | None = None

    @property
    def facts(self):
        """Entry of the benchmark in `BENCHMARKS`."""
        return BENCHMARKS[self.metric][self.benchmark]

    def check(self):
        """Raise ValueError unless the benchmark is known and is that of the recipe."""
        known = list(BENCHMARKS[self.metric])
        if self.benchmark not in known:
            raise ValueError(f"unknown benchmark {self.benchmark!r}{suggest(self.benchmark, known)}")
        if self.recipe is not None and str(self.recipe).split("|")[0] != self.benchmark:
            raise ValueError(
                f"the data are {self.recipe!r}, but benchmark={self.benchmark!r}; pass the benchmark of the data"
            )

    def check_classes(self, name, ids, place):
        """Raise ValueError for a class id that the benchmark lacks."""
        classes = self.num_classes or self.facts.num_classes
        if ids.max(initial=0) >= classes:
            i = first_true((ids >= classes).ravel())
            raise ValueError(
                f"{name}: {place(i * len(ids) // ids.size)} holds {ids.flat[i]}; {self.benchmark} has class "
                f"ids 0 to {classes - 1} (for a different number of classes, pass benchmark= or num_classes=)"
            )

    def summarize(self, sizes, missing, total, count, **parts):
        """Entries of a result that describe its rows: missing configs, number of rows and signature.

        Parameters
        ----------
        sizes : dict
            Config -> number of rows. A warning names configs of unequal size.
        missing : list of str
            Configs that are needed for the mean but absent.
        total : str
            Description of all configs that are needed.
        count : str
            Key of the number of rows.
        parts : dict
            Further parts of the signature.
        """
        if self.strict and missing:
            raise ValueError(
                f"{self.benchmark} lacks {len(missing)} of {total}: {', '.join(missing)}; add their rows, or "
                "leave out strict=True"
            )
        sizes = {name: n for name, n in sizes.items() if n}
        few, many = min(sizes.values()), max(sizes.values())
        if few < many:
            usual = statistics.mode(sizes.values())
            odd = ", ".join(f"{name} has {n}" for name, n in sizes.items() if n != usual)
            warnings.warn(f"configs of unequal size; most have {usual} rows, but {odd}", stacklevel=6)
        n = f"{few}-{many}" if few < many else many
        parts = {"benchmark": self.benchmark, **parts, "n": n, "normaliser": self.facts.normaliser}
        parts |= ({"missing": len(missing)} if missing else {}) | {"version": VERSION}
        parts |= {"data": self.recipe} if self.recipe else {}
        signature = "|".join([self.metric, *(f"{name}:{value}" for name, value in parts.items())])
        return {"missing": missing, count: sum(sizes.values()), "signature": signature}


def first_true(mask):
    """Index of the first true value, or None."""
    return int(mask.argmax()) if mask.any() else None


def suggest(name, options):
    """End of an error message that lists the options closest to ``name``, or all of them."""
    base, _, level = str(name).rpartition("_")
    if base in options and level.isdecimal():
        return f"; the name is {base!r}, and {level} has a column of its own"
    close = difflib.get_close_matches(str(name), options, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(options)}"


def as_array(name, values):
    """Convert a tensor, Series or array to an array; other values are returned as they are."""
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array; drop its masked rows in every column: values.data[keep]")
    if isinstance(values, (dict, set, frozenset)):
        raise ValueError(f"{name} is a {type(values).__name__}; pass a list in the order of the rows")
    if hasattr(values, "detach"):
        values = values.detach().cpu()  # a torch tensor, which may require gradients or be on a GPU
    return np.asarray(values) if hasattr(values, "__array__") else values


def as_column(name, values):
    """Convert a column (a Dataset's, a tensor, an array, a Series or a list) to a list or an array."""
    if values is None:
        raise ValueError(f"{name} is missing; pass one value per row")
    if isinstance(values, datasets.Column):
        values = values[:]  # iterating a Column reads row by row
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values.to_pylist()
    values = as_array(name, values)
    if isinstance(values, str) or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"{name} is one value, {values!r}; pass one value per row: [{values!r}] * n")
    return values if isinstance(values, np.ndarray) and values.dtype != object else list(values)


def is_whole(value):
    """Test for an integer of Python or NumPy that is not a bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def as_integers(name, values, place):
    """Convert numbers to an int64 array; ``place(i)`` is the description of number i in an error message."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):  # ragged lists; tensors that require gradients
        array = np.empty(len(values), object)
    if array.size == 0:
        return np.zeros(0, np.int64)
    mixed = isinstance(values, list) and not {bool, np.bool_}.isdisjoint(map(type, values))
    if array.dtype.kind not in "iu" or array.ndim > 1 or mixed or array.max() >= 2**63:
        fits = (is_whole(v) and -(2**63) <= int(v) < 2**63 for v in values)
        i = next((i for i, one_fits in enumerate(fits) if not one_fits), None)
        if i is None:  # unsigned integers among others
            return np.array([int(v) for v in values], np.int64)
        kind = "an integer of 64 bits" if is_whole(values[i]) else "an integer"
        raise ValueError(
            f"{name}: {place(i)} holds {short(values[i])} ({type(values[i]).__name__}), not {kind}; nothing "
            "is rounded here: pass whole numbers, and for scores or logits their argmax over the classes"
        )
    return array.astype(np.int64)


def as_class_ids(name, values, place, hint=""):
    """Convert class ids to an int64 array."""
    ids = as_integers(name, values, place)
    if (i := first_true((ids < 0) | (ids > np.iinfo(np.int32).max))) is not None:
        raise ValueError(f"{name}: {place(i)} holds {ids[i]}; class ids start at 0{hint}")
    return ids


def as_names(name, values, known, row, hint=""):
    """Convert a column of names, each one of ``known``, to an Arrow array of strings."""
    values = as_column(name, values)
    i = next((i for i, v in enumerate(values) if not isinstance(v, str)), None)
    if i is None:
        array = pa.array(values, pa.string())
        i = pc.index(pc.is_in(array, value_set=pa.array(known)), False).as_py()
        if i < 0:
            return array
    raise ValueError(f"{name}: {row(i)} holds {short(values[i])}{suggest(values[i], known)}{hint}")


def check_lengths(columns, row):
    """Raise ValueError unless the columns, a dict, have equal lengths."""
    sizes = {name: len(values) for name, values in columns.items()}
    shortest = min(sizes, key=sizes.get)
    if len(set(sizes.values())) > 1:
        raise ValueError(
            f"columns of unequal length, {sizes}: {row(sizes[shortest])} has no {shortest}; pass one value per "
            "row in each"
        )
