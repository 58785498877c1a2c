"""Mean corruption error (mCE), the score of ImageNet-C.

A classifier's top-1 error under the 15 common corruptions of ImageNet-C at five severities each, divided by AlexNet's.
AlexNet scores 100; lower is better.
"""

import numbers

import datasets
import evaluate
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .formulas import BENCHMARKS, CLEAN, corruption_scores, known_corruptions
from .rows import Rows, as_class_ids, as_column, as_integers, as_names, check_lengths, first_true

#: Names of the rows of every benchmark: a batch is added before its benchmark is known.
KNOWN = list(dict.fromkeys([CLEAN, *(name for b in BENCHMARKS["mce"] for name in known_corruptions(b))]))


class MCE(Rows, evaluate.Metric):
    """Mean corruption error of ImageNet-C and of the same benchmark at other sizes.

    Args:
        predictions (list of int): the predicted class id of each image.
        references (list of int): the true class id of each image.
        corruption (list of str): the corruption of each image, such as "fog"; "clean" for uncorrupted images.
        severity (list of int): the severity of each image, 1 to 5; 0 with the corruption "clean".
        extra (list of str): names of corruptions of your own in this batch; they get errors, but no CE.
      `compute` alone also takes
        clean_error (float, optional): the error on clean images, a fraction, instead of clean rows.
        strict (bool): raise ValueError when a config of the benchmark is missing.
        benchmark (str): "imagenet_c" (default), "imagenet_c_299", "tiny_imagenet_c", "cifar10_c", "cifar100_c",
            "imagenet_c_bar" or "cifar10_c_bar". The score of the last two is the plain mean of 10 x 5 errors.
        num_classes (int, optional): number of classes; by default that of the benchmark.
        recipe (str, optional): signature of the data, added to the signature of the score.
    Returns:
        mce, relative_mce (percent, or None while anything is missing), ce, relative_ce (corruption -> percent or
        None), ce_by_severity (corruption -> five percents, None where missing), error (corruption -> five
        fractions, None where missing), clean_error (a fraction or None), mean_error, mean_accuracy (fractions, over
        the 15 corruptions), mean_error_all, mean_accuracy_all (over all 19), mean_error_by_severity (five fractions),
        missing (list of names such as "fog_3"), num_examples, signature.
    Examples:
        >>> mce = evaluate.load("mce")
        >>> mce.add_batch(predictions=[3, 5], references=[3, 4], corruption=["fog", "fog"], severity=[3, 3])
        >>> result = mce.compute()
        >>> result["mce"], result["error"]["fog"]
        (None, [None, None, 0.5, None, None])
    """

    key = "mce"

    def _make_features(self):
        return {
            "predictions": datasets.Value("int32"),
            "references": datasets.Value("int32"),
            "corruption": datasets.Value("string"),
            "severity": datasets.Value("int8"),
        }

    def add(self, *, prediction=None, reference=None, corruption=None, severity=None, extra=()):
        """Add one image."""
        columns = {"predictions": [prediction], "references": [reference]}
        self.add_batch(**columns, corruption=[corruption], severity=[severity], extra=extra)

    def add_batch(self, *, predictions=None, references=None, corruption=None, severity=None, extra=()):
        """Add a batch of images. A batch with an error is rejected as a whole."""
        columns = {"predictions": predictions, "references": references}
        self._add({**columns, "corruption": corruption, "severity": severity}, extra=extra)

    def _check_batch(self, columns, row, extra):
        if isinstance(extra, str):
            raise ValueError(f"extra is a list of names: extra=[{extra!r}]")
        known = [*KNOWN, *as_column("extra", extra)]
        hint = " (-1 may mean that there is no label)"
        ids = ("predictions", "references")
        batch = {name: as_class_ids(name, as_column(name, columns[name]), row, hint) for name in ids}
        hint = " (name a corruption of your own in extra=[...])"
        batch["corruption"] = as_names("corruption", columns["corruption"], known, row, hint)
        severity = as_integers("severity", as_column("severity", columns["severity"]), row)
        batch["severity"] = severity
        check_lengths(batch, row)
        clean = pc.equal(batch["corruption"], CLEAN).to_numpy(zero_copy_only=False)
        if (i := first_true((severity < 0) | (severity > 5) | ((severity == 0) != clean))) is not None:
            raise ValueError(
                f"severity: {row(i)} holds {severity[i]} with the corruption {str(batch['corruption'][i])!r}; "
                "corruptions have severities 1 to 5, and only 'clean' has severity 0"
            )
        return {name: pa.array(values) for name, values in batch.items()}

    def compute(
        self,
        *,
        predictions=None,
        references=None,
        corruption=None,
        severity=None,
        extra=(),
        clean_error=None,
        **options,
    ):
        """Compute the score of all rows that were added. After an error the rows added before are retained."""
        number = isinstance(clean_error, numbers.Real) and not isinstance(clean_error, bool)
        if clean_error is not None and not (number and 0 <= clean_error <= 1):
            raise ValueError(f"clean_error is a fraction from 0 to 1, such as 0.239; got {clean_error!r}")
        columns = {"predictions": predictions, "references": references}
        columns |= {"corruption": corruption, "severity": severity}
        return self._score(columns, options, {"extra": extra}, clean_error=clean_error)

    def _compute(self, predictions, references, corruption, severity, *, options, clean_error):
        predictions, references, severity = (c.to_numpy() for c in (predictions, references, severity))
        options.check_classes("predictions", predictions, "row {}".format)
        options.check_classes("references", references, "row {}".format)
        own = known_corruptions(options.benchmark)
        known = list(dict.fromkeys([CLEAN, *own, *KNOWN, *pc.unique(corruption).to_pylist()]))
        cell = pc.index_in(corruption, value_set=pa.array(known)).to_numpy() * 6 + severity
        total = np.bincount(cell, minlength=6 * len(known)).reshape(-1, 6).tolist()
        wrong = np.bincount(cell[predictions != references], minlength=6 * len(known)).reshape(-1, 6).tolist()

        tested = options.facts.test
        foreign = set(KNOWN[1:]).difference(own)
        if mixed := [name for name, rows in zip(known, total, strict=True) if name in foreign and any(rows)]:
            benchmark = next(b for b in BENCHMARKS["mce"] if mixed[0] in known_corruptions(b))
            raise ValueError(
                f"corruption: rows of {mixed[0]!r}, which is none of {options.benchmark}; score the rows of each "
                f"benchmark by themselves, with benchmark={benchmark!r} for these"
            )
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
        for name, misses, rows in zip(known[1:], wrong[1:], total[1:], strict=True):
            if name in tested or any(rows):
                error[name] = [w / n if n else None for w, n in zip(misses[1:], rows[1:], strict=True)]
            sizes |= {f"{name}_{s}": rows[s] for s in range(1, 6)}
            missing += [f"{name}_{s}" for s in range(1, 6) if name in tested and not rows[s]]
        return {
            **corruption_scores(error, clean_error, options.benchmark),
            "error": error,
            "clean_error": clean_error,
            **options.summarize(sizes, missing, f"its {5 * len(tested)} configs", "num_examples"),
        }
