"""mCE: mean corruption error, the score of ImageNet-C."""

import difflib
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
Mean corruption error (mCE): a classifier's top-1 error under the 15 common corruptions of ImageNet-C at five
severities each, divided by AlexNet's. AlexNet scores 100; lower is better.
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions (list of int): the predicted class id of each image.
    references (list of int): the true class id of each image.
    corruption (list of str): each image's corruption, such as "fog"; "clean" for images without one.
    severity (list of int): each image's severity, 1 to 5; 0 with the corruption "clean".
  `compute` alone also takes
    clean_error (float, optional): the error without corruption, a fraction, in place of clean rows.
    strict (bool): raise ValueError when a config of the benchmark is missing.
    benchmark (str): "imagenet_c" (default), "imagenet_c_299", "tiny_imagenet_c", "cifar10_c" or "cifar100_c".
    num_classes (int, optional): class ids are below this; by default the benchmark's.
    recipe (str, optional): how the data were made, added to the signature as it is.
Returns:
    mce, relative_mce (percent, or None while anything is missing), ce, relative_ce (corruption -> percent or
    None), ce_by_severity (corruption -> five percents, None where missing), error (corruption -> five
    fractions, None where missing), clean_error (a fraction or None), missing (list of names such as "fog_3"),
    num_examples, signature.
Examples:
    >>> mce = evaluate.load("mce")
    >>> mce.add_batch(predictions=[3, 5], references=[3, 4], corruption=["fog", "fog"], severity=[3, 3])
    >>> result = mce.compute()
    >>> result["mce"], result["error"]["fog"]
    (None, [None, None, 0.5, None, None])
"""

# AlexNet's top-1 errors at severities 1 to 5. The first 15 are the benchmark, the last four validation.
ALEXNET = {
    "gaussian_noise": (0.69528, 0.82542, 0.93554, 0.98138, 0.99452),
    "shot_noise": (0.71224, 0.85108, 0.93574, 0.98182, 0.99146),
    "impulse_noise": (0.78374, 0.89808, 0.9487, 0.9872, 0.99548),
    "defocus_blur": (0.65624, 0.73202, 0.85036, 0.91364, 0.94714),
    "glass_blur": (0.64308, 0.75054, 0.88806, 0.91622, 0.93344),
    "motion_blur": (0.5843, 0.70048, 0.82108, 0.8975, 0.92638),
    "zoom_blur": (0.70008, 0.76992, 0.80784, 0.84198, 0.87198),
    "snow": (0.71726, 0.88392, 0.86468, 0.9187, 0.94952),
    "frost": (0.6139, 0.79734, 0.8879, 0.89942, 0.9343),
    "fog": (0.67474, 0.7605, 0.84378, 0.8726, 0.945),
    "brightness": (0.4514, 0.48502, 0.54048, 0.62166, 0.7244),
    "contrast": (0.64548, 0.7615, 0.88874, 0.9776, 0.9927),
    "elastic_transform": (0.52596, 0.70116, 0.55686, 0.64076, 0.80554),
    "pixelate": (0.52218, 0.5462, 0.73728, 0.87092, 0.91262),
    "jpeg_compression": (0.51002, 0.54718, 0.57294, 0.65458, 0.74778),
    "speckle_noise": (0.66192, 0.7444, 0.90246, 0.94548, 0.97268),
    "gaussian_blur": (0.54732, 0.70444, 0.82574, 0.89864, 0.9594),
    "spatter": (0.47196, 0.62194, 0.75052, 0.84132, 0.90182),
    "saturate": (0.59342, 0.65514, 0.51174, 0.70834, 0.8226),
}
ALEXNET_CLEAN = 0.43478
TEST = tuple(ALEXNET)[:15]
EXTRA = tuple(ALEXNET)[15:]
CLEAN = "clean"

# Benchmark -> (number of classes, normaliser). AlexNet's errors were measured at 224x224; who reports mCE at
# 299x299 divides by the same. For CIFAR and Tiny ImageNet the custom is the plain mean error.
BENCHMARKS = {
    "imagenet_c": (1000, "alexnet"),
    "imagenet_c_299": (1000, "alexnet"),
    "tiny_imagenet_c": (200, "none"),
    "cifar10_c": (10, "none"),
    "cifar100_c": (100, "none"),
}
VERSION = 1  # of the signature: raised when the same input gives another score
CHUNK = 100_000  # rows of a record batch on disk


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


def scores(error, clean_error=None, benchmark="imagenet_c"):
    """Compute mCE and its parts from errors (paper, section 4.1).

    Parameters
    ----------
    error : dict
        Corruption -> five top-1 errors, fractions; None where a severity is missing.
    clean_error : float or None
        The top-1 error without corruption, a fraction.
    benchmark : str
        One of `BENCHMARKS`.

    Returns
    -------
    dict
        ``mce``, ``relative_mce``, ``ce``, ``relative_ce`` and ``ce_by_severity``, in percent.
    """
    ones = dict.fromkeys(ALEXNET, (1.0,) * 5)
    base, base_clean = (ALEXNET, ALEXNET_CLEAN) if BENCHMARKS[benchmark][1] == "alexnet" else (ones, 0.0)
    ce = {}
    relative_ce = {}
    by_severity = {}
    for name, row in error.items():
        by_severity[name] = [None if e is None else 100 * e / b for e, b in zip(row, base[name], strict=True)]
        whole = None not in row
        ce[name] = 100 * sum(row) / sum(base[name]) if whole else None
        # The paper's formula can be read in two ways; this mean form is the one that gives its table 2.
        excess = sum(row) / 5 - clean_error if whole and clean_error is not None else None
        relative_ce[name] = None if excess is None else 100 * excess / (sum(base[name]) / 5 - base_clean)
    return {
        "mce": mean([ce.get(name) for name in TEST]),
        "relative_mce": mean([relative_ce.get(name) for name in TEST]),
        "ce": ce,
        "relative_ce": relative_ce,
        "ce_by_severity": by_severity,
    }


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class MCE(evaluate.Metric):
    """Mean corruption error of ImageNet-C and the benchmarks made like it."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features(
                {
                    "predictions": datasets.Value("int32"),
                    "references": datasets.Value("int32"),
                    "corruption": datasets.Value("string"),
                    "severity": datasets.Value("int8"),
                }
            ),
            reference_urls=["https://arxiv.org/abs/1903.12261", "https://github.com/hendrycks/robustness"],
            format="arrow",
        )

    def add(self, *, prediction=None, reference=None, corruption=None, severity=None):
        """Add one image."""
        self.add_batch(
            predictions=[prediction], references=[reference], corruption=[corruption], severity=[severity]
        )

    def add_batch(self, *, predictions=None, references=None, corruption=None, severity=None):
        """Add a batch of images. Of a batch with an error in it nothing is added."""
        start = len(self)

        def row(i):
            return f"row {i}" + (f" of this batch ({start + i} in all)" if start else "")

        batch = {
            "predictions": integers("predictions", column("predictions", predictions), row),
            "references": integers("references", column("references", references), row),
            "corruption": names("corruption", corruption, [CLEAN, *ALEXNET], row),
            "severity": integers("severity", column("severity", severity), row),
        }
        same_length(batch, row)
        for name in ("predictions", "references"):
            ids = batch[name]
            i = first((ids < 0) | (ids > np.iinfo(np.int32).max))
            if i is not None:
                raise ValueError(
                    f"{name}: {row(i)} holds {ids[i]}; class ids start at 0 (-1 may stand for: no label)"
                )
        severity = batch["severity"]
        clean = pc.equal(batch["corruption"], CLEAN).to_numpy(zero_copy_only=False)
        i = first((severity < 0) | (severity > 5) | ((severity == 0) != clean))
        if i is not None:
            raise ValueError(
                f"severity: {row(i)} holds {severity[i]} with the corruption {batch['corruption'][i].as_py()!r}; "
                "corruptions have severities 1 to 5, and 'clean' alone has severity 0"
            )
        self._write({name: pa.array(values) for name, values in batch.items()})

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
        references=None,
        corruption=None,
        severity=None,
        clean_error=None,
        strict=False,
        benchmark="imagenet_c",
        num_classes=None,
        recipe=None,
    ):
        """Compute the score of all that was added. An error leaves in place what was added before."""
        if benchmark not in list(BENCHMARKS):
            raise ValueError(f"unknown benchmark {benchmark!r}{nearest(benchmark, list(BENCHMARKS))}")
        if recipe is not None and str(recipe).split("|")[0] != benchmark:
            raise ValueError(f"these data are {recipe!r}, but the benchmark asked for is {benchmark!r}")
        number = isinstance(clean_error, numbers.Real) and not isinstance(clean_error, bool)
        if clean_error is not None and not (number and 0 <= clean_error <= 1):
            raise ValueError(f"clean_error is a fraction from 0 to 1, such as 0.239; got {clean_error!r}")
        before = len(self)
        columns = (predictions, references, corruption, severity)
        if any(values is not None for values in columns):
            self.add_batch(
                predictions=predictions, references=references, corruption=corruption, severity=severity
            )
        if self.num_process == 1 and not len(self):
            raise ValueError("nothing to score: call add_batch first, or pass the four columns to compute")
        try:
            return super().compute(
                clean_error=clean_error,
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

    def _compute(
        self,
        predictions,
        references,
        corruption,
        severity,
        *,
        clean_error,
        strict,
        benchmark,
        num_classes,
        recipe,
    ):
        predictions, references, severity = (c.to_numpy() for c in (predictions, references, severity))
        for name, ids in (("predictions", predictions), ("references", references)):
            i = first(ids >= num_classes)
            if i is not None:
                raise ValueError(
                    f"{name}: row {i} holds {ids[i]}; {benchmark} has class ids 0 to {num_classes - 1} "
                    "(else pass benchmark= or num_classes=)"
                )
        known = [CLEAN, *ALEXNET]
        cell = pc.index_in(corruption, value_set=pa.array(known)).to_numpy() * 6 + severity
        total = np.bincount(cell, minlength=6 * len(known)).reshape(-1, 6).tolist()
        wrong = np.bincount(cell[predictions != references], minlength=6 * len(known)).reshape(-1, 6).tolist()

        clean_rows = total[0][0]
        if clean_rows and clean_error is not None:
            raise ValueError(
                f"both clean_error={clean_error!r} and {clean_rows} clean rows were given: choose one"
            )
        if clean_rows:
            clean_error = wrong[0][0] / clean_rows
        error = {}
        missing = []
        sizes = {CLEAN: clean_rows}
        for name, misses, rows in zip(ALEXNET, wrong[1:], total[1:], strict=True):
            if name in TEST or any(rows):
                error[name] = [w / n if n else None for w, n in zip(misses[1:], rows[1:], strict=True)]
            sizes |= {f"{name}_{s}": rows[s] for s in range(1, 6)}
            missing += [f"{name}_{s}" for s in range(1, 6) if name in TEST and not rows[s]]
        if strict and missing:
            raise ValueError(f"{benchmark} lacks {len(missing)} of its 75 configs: {', '.join(missing)}")
        n = size_range({name: n for name, n in sizes.items() if n})
        signature = [
            f"mce|benchmark:{benchmark}|n:{n}|normaliser:{BENCHMARKS[benchmark][1]}",
            *([f"missing:{len(missing)}"] if missing else []),
            f"version:{VERSION}",
            *([f"data:{recipe}"] if recipe else []),
        ]
        return {
            **scores(error, clean_error, benchmark),
            "error": error,
            "clean_error": clean_error,
            "missing": missing,
            "num_examples": len(cell),
            "signature": "|".join(signature),
        }
