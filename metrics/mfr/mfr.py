"""mFR: mean flip rate, the score of ImageNet-P."""

import difflib
import itertools
import numbers
import os
import statistics
import warnings
from reprlib import repr as short

import datasets
import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_CITATION = """\
@inproceedings{hendrycks2019benchmarking,
  title     = {Benchmarking Neural Network Robustness to Common Corruptions and Perturbations},
  author    = {Dan Hendrycks and Thomas Dietterich},
  booktitle = {International Conference on Learning Representations},
  year      = {2019},
  url       = {https://arxiv.org/abs/1903.12261}
}
"""

_DESCRIPTION = """\
Mean flip rate (mFR): how often a classifier changes its mind between the frames of ImageNet-P's sequences, over the
10 perturbations, divided by AlexNet's flip probabilities. AlexNet scores 100; lower is better.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions (list of list of int): the predicted class id of each frame of each sequence.
    perturbation (list of str): each sequence's perturbation, such as "tilt".
    difficulty (int or list of int, optional): 1 (default), 2 or 3; the same for all that is scored together.
  `compute` alone also takes
    strict (bool): raise ValueError when a perturbation of the benchmark is missing.
    benchmark (str): "imagenet_p" (default), "imagenet_p_299", "tiny_imagenet_p", "cifar10_p" or "cifar100_p".
    num_classes (int, optional): class ids are below this; by default the benchmark's.
    recipe (str, optional): how the data were made, added to the signature as it is.
Returns:
    mfr (percent, or None while a perturbation is missing), fr (perturbation -> percent or None),
    flip_probability (perturbation -> a fraction or None), missing (list of names), num_sequences, signature.
Examples:
    >>> mfr = evaluate.load("mfr")
    >>> mfr.add_batch(predictions=[[7] * 30 + [8]], perturbation=["tilt"])
    >>> result = mfr.compute()
    >>> result["mfr"], round(result["flip_probability"]["tilt"], 4)
    (None, 0.0333)
"""

# AlexNet's flip probabilities at difficulty 1. The first 10 are the benchmark, the last four validation.
ALEXNET = {
    "gaussian_noise": 0.23653,
    "shot_noise": 0.30062,
    "motion_blur": 0.09297,
    "zoom_blur": 0.05942,
    "snow": 0.11928,
    "brightness": 0.04889,
    "translate": 0.11007,
    "rotate": 0.13104,
    "tilt": 0.0705,
    "scale": 0.23531,
    "speckle_noise": 0.18649,
    "gaussian_blur": 0.02775,
    "spatter": 0.05053,
    "shear": 0.10658,
}
NOISE = ("gaussian_noise", "shot_noise", "speckle_noise")
TEST = tuple(ALEXNET)[:10]
# The authors' CIFAR-P script has spatter where ImageNet-P has snow.
CIFAR_TEST = tuple("spatter" if name == "snow" else name for name in TEST)

# Benchmark -> number of classes, normaliser, test perturbations, frame counts that are not 31.
BENCHMARKS = {
    "imagenet_p": (1000, "alexnet", TEST, {"translate": 41}),
    "imagenet_p_299": (1000, "alexnet", TEST, {"translate": 41}),
    "tiny_imagenet_p": (200, "none", TEST, {}),
    "cifar10_p": (10, "none", CIFAR_TEST, {"motion_blur": 21, "translate": 16}),
    "cifar100_p": (100, "none", CIFAR_TEST, {"motion_blur": 21, "translate": 16}),
}
VERSION = 1  # of the signature: raised when the same input gives another score
NESTING = "sequences of one class id a frame"
CHUNK = 100_000  # sequences of a record batch on disk


def frame_counts(benchmark):
    """Return the frame count of every perturbation, in the order of `ALEXNET`."""
    return np.array([BENCHMARKS[benchmark][3].get(name, 31) for name in ALEXNET])


def codes(perturbation):
    """Return the place of each name in `ALEXNET`."""
    return pc.index_in(perturbation, value_set=pa.array(list(ALEXNET))).to_numpy()


def nearest(name, known):
    """Return the end of an error message that names what is nearest to ``name``, or all of ``known``."""
    base, _, level = str(name).rpartition("_")
    if base in known and level.isdecimal():
        return f"; the name is {base!r}, and {level} has a column of its own"
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(known)}"


def column(name, values):
    """Return a column, be it a Dataset's, a tensor, an array, a Series or a list, as a list or an array."""
    if values is None:
        raise ValueError(f"{name} is missing: every row needs one")
    if isinstance(values, datasets.Column):
        values = values[:]  # iterating a Column reads row by row
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values.to_pylist()
    if hasattr(values, "__array__"):
        values = np.asarray(values)
    if isinstance(values, str) or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"{name} is one value, {values!r}, but each row needs its own: [{values!r}] * n")
    return values if isinstance(values, np.ndarray) and values.dtype != object else list(values)


def integers(name, values, place):
    """Return numbers as an int64 array; ``place(i)`` says in an error where number i is."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of several lengths
        array = np.empty(len(values), object)
    if array.size == 0:
        return np.zeros(0, np.int64)
    mixed = isinstance(values, list) and not {bool, np.bool_}.isdisjoint(map(type, values))
    if array.dtype.kind not in "iu" or array.ndim > 1 or mixed:
        whole = (isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values)
        i = next((i for i, is_whole in enumerate(whole) if not is_whole), 0)
        raise ValueError(
            f"{name}: {place(i)} holds {short(values[i])} ({type(values[i]).__name__}), not an integer; nothing "
            "is rounded here: pass whole numbers, and for scores or logits their argmax over the classes"
        )
    return array.astype(np.int64)


def names(name, values, known, row):
    """Return a column of names, each one of ``known``, as an Arrow array of strings."""
    values = column(name, values)
    i = next((i for i, v in enumerate(values) if not isinstance(v, str)), None)
    if i is None:
        array = pa.array(values, pa.string())
        i = pc.index(pc.is_in(array, value_set=pa.array(known)), False).as_py()
        if i < 0:
            return array
    raise ValueError(f"{name}: {row(i)} holds {short(values[i])}{nearest(values[i], known)}")


def first(bad):
    """Return the index of the first true value, or None."""
    return int(bad.argmax()) if bad.any() else None


def same_length(columns, row):
    """Raise ValueError when the columns, a dict, are not of one length."""
    sizes = {name: len(values) for name, values in columns.items()}
    shortest = min(sizes, key=sizes.get)
    if len(set(sizes.values())) > 1:
        raise ValueError(f"columns of unequal length, {sizes}: {row(sizes[shortest])} has no {shortest}")


def mean(values):
    """Return the mean, or None when any value is None."""
    return None if None in values else sum(values) / len(values)


def size_range(sizes):
    """Return the number of rows each part has, as text; warn of parts of unequal size."""
    few, many = min(sizes.values()), max(sizes.values())
    if few == many:
        return str(many)
    usual = statistics.mode(sizes.values())
    odd = ", ".join(f"{name} has {n}" for name, n in sizes.items() if n != usual)
    warnings.warn(f"parts of unequal size, most have {usual} rows: {odd}", stacklevel=5)
    return f"{few}-{many}"


def lengths(values, place):
    """Return the length of each list or array in ``values``; ``place(i)`` says in an error which one it is."""
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return np.full(len(values), values.shape[1])
    if not set(map(type, values)) <= {list, tuple}:
        i = next((i for i, v in enumerate(values) if isinstance(v, str) or not np.iterable(v)), None)
        if i is not None:
            raise ValueError(
                f"predictions: {place(i)} holds {short(values[i])}, but it should be a list: {NESTING}"
            )
    return np.fromiter(map(len, values), np.int64, len(values))


def sequences(values, row):
    """Return class ids (all frames of all sequences, int64) and the number of frames of each sequence."""
    values = column("predictions", values)
    if isinstance(values, np.ndarray) and values.ndim != 2 and values.size:
        raise ValueError(
            f"predictions has shape {values.shape}, but a row is a sequence of one class id a frame; "
            "if these are scores or logits, pass their argmax over the classes"
        )
    if isinstance(values, list):
        values = [np.asarray(v) if hasattr(v, "__array__") else v for v in values]
    counts = lengths(values, row)
    ends = np.cumsum(counts)

    def place(i):
        sequence = int(np.searchsorted(ends, i, "right"))
        return f"{row(sequence)}, frame {i - ends[sequence] + counts[sequence]}"

    if isinstance(values, np.ndarray):
        ids = values.ravel()
    elif values and all(isinstance(v, np.ndarray) for v in values):
        ids = np.concatenate(values)
    else:
        ids = list(itertools.chain.from_iterable(values))
    ids = integers("predictions", ids, place)
    i = first((ids < 0) | (ids > np.iinfo(np.int32).max))
    if i is not None:
        raise ValueError(f"predictions: {place(i)} holds {ids[i]}; class ids start at 0")
    return ids, counts


def nested(ids, counts):
    """Return what `sequences` returned as one Arrow array."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, ids.astype(np.int32))


def flat(predictions):
    """Undo `nested`."""
    return predictions.flatten().to_numpy(), pc.list_value_length(predictions).to_numpy()


def change(ids, name, difficulty):
    """Count the pairs of frames with unlike predictions (paper, section 4.2).

    Parameters
    ----------
    ids : ndarray of int, shape (sequences, frames)
        Predicted classes.
    name : str
        The perturbation: frames of a noise are compared with the first, those of others with an earlier one.
    difficulty : int
        How many frames earlier; nothing to the noises.
    """
    if name in NOISE:
        return np.count_nonzero(ids[:, 1:] != ids[:, :1])
    return np.count_nonzero(ids[:, difficulty:] != ids[:, :-difficulty])


def scores(value, benchmark="imagenet_p"):
    """Compute the mean and its parts (paper, section 4.2).

    Parameters
    ----------
    value : dict
        Perturbation -> flip probability, a fraction, or None.
    benchmark : str
        One of `BENCHMARKS`.

    Returns
    -------
    dict
        ``mfr`` and ``fr``, in percent.
    """
    _, normaliser, test, _ = BENCHMARKS[benchmark]
    unit = {name: base / 100 if normaliser == "alexnet" else 0.01 for name, base in ALEXNET.items()}
    ratio = {name: None if v is None else v / unit[name] for name, v in value.items()}
    return {"mfr": mean([ratio.get(name) for name in test]), "fr": ratio}


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class MFR(evaluate.Metric):
    """Mean flip rate of ImageNet-P and the benchmarks made like it."""

    def _info(self):
        info = evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("int32")),
                    "perturbation": datasets.Value("string"),
                    "difficulty": datasets.Value("int8"),
                }
            ),
            reference_urls=["https://arxiv.org/abs/1903.12261", "https://github.com/hendrycks/robustness"],
        )
        info.format = "arrow"  # MetricInfo itself refuses a format for lists
        return info

    def add(self, *, prediction=None, perturbation=None, difficulty=None):
        """Add one sequence."""
        self.add_batch(predictions=[prediction], perturbation=[perturbation], difficulty=difficulty)

    def add_batch(self, *, predictions=None, perturbation=None, difficulty=None):
        """Add a batch of sequences. Of a batch with an error in it nothing is added."""
        start = len(self)

        def row(i):
            return f"row {i}" + (f" of this batch ({start + i} in all)" if start else "")

        ids, counts = sequences(predictions, row)
        perturbation = names("perturbation", perturbation, list(ALEXNET), row)
        if difficulty is None or isinstance(difficulty, numbers.Number):
            difficulty = [1 if difficulty is None else difficulty] * len(counts)
        difficulty = integers("difficulty", column("difficulty", difficulty), row)
        same_length({"predictions": counts, "perturbation": perturbation, "difficulty": difficulty}, row)
        i = first((difficulty < 1) | (difficulty > 3))
        if i is not None:
            raise ValueError(f"difficulty: {row(i)} holds {difficulty[i]}; difficulties are 1, 2 and 3")
        allowed = np.array([frame_counts(benchmark) for benchmark in BENCHMARKS])[:, codes(perturbation)]
        i = first((counts != allowed).all(axis=0))
        if i is not None:
            raise ValueError(
                f"predictions: {row(i)} has {counts[i]} frames, but {perturbation[i]} has {allowed[0, i]}"
            )
        self._write(
            {
                "predictions": nested(ids, counts),
                "perturbation": perturbation,
                "difficulty": pa.array(difficulty),
            }
        )

    def _write(self, batch):
        # evaluate's own add_batch takes a batch apart into Python objects: slow, and it casts in silence.
        if self.writer is None:
            self.selected_feature_format = self.features
            self._init_writer()
        self.writer.write_batch(batch, CHUNK)

    def compute(
        self,
        *,
        predictions=None,
        perturbation=None,
        difficulty=None,
        strict=False,
        benchmark="imagenet_p",
        num_classes=None,
        recipe=None,
    ):
        """Compute the score of all that was added. An error leaves in place what was added before."""
        if benchmark not in list(BENCHMARKS):
            raise ValueError(f"unknown benchmark {benchmark!r}{nearest(benchmark, list(BENCHMARKS))}")
        if recipe is not None and str(recipe).split("|")[0] != benchmark:
            raise ValueError(f"these data are {recipe!r}, but the benchmark asked for is {benchmark!r}")
        before = len(self)
        if any(values is not None for values in (predictions, perturbation, difficulty)):
            self.add_batch(predictions=predictions, perturbation=perturbation, difficulty=difficulty)
        if self.num_process == 1 and not len(self):
            raise ValueError("nothing to score: call add_batch first, or pass the columns to compute")
        try:
            return super().compute(
                strict=strict,
                benchmark=benchmark,
                num_classes=num_classes or BENCHMARKS[benchmark][0],
                recipe=recipe,
            )
        except Exception:
            self._put_back(before)
            raise

    def _put_back(self, count):
        # evaluate has closed its file by the time _compute raises: the first rows are written to another one.
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

    def _compute(self, predictions, perturbation, difficulty, *, strict, benchmark, num_classes, recipe):
        _, normaliser, test, _ = BENCHMARKS[benchmark]
        level = difficulty[0].as_py()
        i = first(difficulty.to_numpy() != level)
        if i is not None:
            raise ValueError(
                f"difficulty: row 0 ({perturbation[0]}) holds {level}, row {i} ({perturbation[i]}) {difficulty[i]}; "
                "score one difficulty at a time. On the noises it names other files, on all else it is a stride "
                "that a dataset's column does not know: pass it as a number, as in add_batch(..., difficulty=2)"
            )
        frames = frame_counts(benchmark)
        total = dict.fromkeys(ALEXNET, 0)
        count = dict.fromkeys(ALEXNET, 0)
        done = 0
        for batch in pa.table({"predictions": predictions, "perturbation": perturbation}).to_batches():
            ids, counts = flat(batch["predictions"])
            code = codes(batch["perturbation"])
            i = first(counts != frames[code])
            if i is not None:
                name = batch["perturbation"][i]
                raise ValueError(
                    f"predictions: row {done + i} has {counts[i]} frames, but {name} of {benchmark} has "
                    f"{frames[code[i]]} (another benchmark=?)"
                )
            ends = np.cumsum(counts)
            i = first(ids.reshape(len(ids), -1).max(axis=1) >= num_classes)
            if i is not None:
                raise ValueError(
                    f"predictions: row {done + np.searchsorted(ends, i, 'right')} holds {ids[i].max()}; {benchmark} "
                    f"has class ids 0 to {num_classes - 1} (else pass benchmark= or num_classes=)"
                )
            for c in np.unique(code):
                name = list(ALEXNET)[c]
                rows = np.flatnonzero(code == c)
                if len(rows) == len(code):
                    here = ids.reshape(len(rows), frames[c], *ids.shape[1:])
                else:
                    here = ids[(ends - counts)[rows, None] + np.arange(frames[c])]
                total[name] += change(here, name, level)
                count[name] += len(rows)
            done += len(code)

        missing = [name for name in test if not count[name]]
        if strict and missing:
            raise ValueError(f"{benchmark} lacks {len(missing)} of 10 perturbations: {', '.join(missing)}")
        value = {}
        for name, m in zip(ALEXNET, frames.tolist(), strict=True):
            if name in test or count[name]:
                pairs = count[name] * (m - (1 if name in NOISE else level))
                value[name] = int(total[name]) / pairs if pairs else None
        sizes = size_range({name: n for name, n in count.items() if n})
        signature = [
            f"mfr|benchmark:{benchmark}|difficulty:{level}|n:{sizes}|normaliser:{normaliser}",
            *([f"missing:{len(missing)}"] if missing else []),
            f"version:{VERSION}",
            *([f"data:{recipe}"] if recipe else []),
        ]
        return {
            **scores(value, benchmark),
            "flip_probability": value,
            "missing": missing,
            "num_sequences": done,
            "signature": "|".join(signature),
        }
