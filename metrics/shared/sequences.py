"""Predictions for sequences of frames, from which mFR and mT5D are computed."""

import itertools
import numbers
from reprlib import repr as short

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .formulas import ALEXNET, BENCHMARKS, NOISE, SEQUENCE_KEYS, frame_counts, frame_pairs, sequence_scores
from .rows import as_array, as_column, as_integers, as_names, check_lengths, first_true

PERTURBATIONS = list(ALEXNET["mfr"])


class Sequences:
    """Mixin of the metrics of ImageNet-P, for use with `Rows` and `evaluate.Metric`.

    A subclass defines ``feature`` (of the prediction for a frame), ``change(earlier, later)``, the function that is
    summed over pairs of frames, and ``_check_frames(values, row)``, which converts a column of predictions to class
    ids (all frames of all sequences) and the number of frames of each sequence.
    """

    def _make_features(self):
        text, integer = datasets.Value("string"), datasets.Value("int8")
        return {"predictions": datasets.List(self.feature), "perturbation": text, "difficulty": integer}

    def add(self, *, prediction=None, perturbation=None, difficulty=None):
        """Add one sequence."""
        self.add_batch(predictions=[prediction], perturbation=[perturbation], difficulty=difficulty)

    def add_batch(self, *, predictions=None, perturbation=None, difficulty=None):
        """Add a batch of sequences. A batch with an error is rejected as a whole."""
        self._add({"predictions": predictions, "perturbation": perturbation, "difficulty": difficulty})

    def compute(self, *, predictions=None, perturbation=None, difficulty=None, **options):
        """Compute the score of all rows that were added. After an error the rows added before are retained."""
        if difficulty is not None and predictions is None and perturbation is None:
            raise ValueError(
                "difficulty: rows have the difficulty that they were added with, and compute adds none here; pass it "
                f"there, as in add_batch(predictions=..., perturbation=..., difficulty={difficulty!r})"
            )
        columns = {"predictions": predictions, "perturbation": perturbation, "difficulty": difficulty}
        return self._score(columns, options)

    def _check_batch(self, columns, row):
        predictions = as_column("predictions", columns["predictions"])
        if isinstance(predictions, list) and not set(map(type, predictions)) <= {list, tuple}:
            predictions = [as_array(f"predictions: {row(i)}", v) for i, v in enumerate(predictions)]
        ids, counts = self._check_frames(predictions, row)
        perturbation = as_names("perturbation", columns["perturbation"], PERTURBATIONS, row)
        difficulty = columns["difficulty"]
        if difficulty is None or isinstance(difficulty, numbers.Number):
            difficulty = [1 if difficulty is None else difficulty] * len(counts)
        difficulty = as_integers("difficulty", as_column("difficulty", difficulty), row)
        check_lengths({"predictions": counts, "perturbation": perturbation, "difficulty": difficulty}, row)
        if (i := first_true((difficulty < 1) | (difficulty > 3))) is not None:
            raise ValueError(f"difficulty: {row(i)} holds {difficulty[i]}; difficulties are 1, 2 and 3")
        allowed = np.array([frame_counts(name) for name in BENCHMARKS[self.key]])[:, codes(perturbation)]
        if (i := first_true((counts != allowed).all(axis=0))) is not None:
            frames = f"{counts[i]} frames, but {perturbation[i]} has {allowed[0, i]}"
            raise ValueError(
                f"predictions: {row(i)} has {frames}; pass the prediction of every frame of a sequence"
            )
        difficulty = pa.array(difficulty)
        return {"predictions": nested(ids, counts), "perturbation": perturbation, "difficulty": difficulty}

    def _compute(self, predictions, perturbation, difficulty, *, options):
        level = difficulty[0].as_py()
        if (i := first_true(difficulty.to_numpy() != level)) is not None:
            raise ValueError(
                f"difficulty: row 0 ({perturbation[0]}) holds {level}, row {i} ({perturbation[i]}) {difficulty[i]}; "
                "score one difficulty at a time. Noises have a config for each difficulty; for all other perturbations "
                "it is a stride of the metric: pass it as a number, as in add_batch(..., difficulty=2)"
            )
        code, frames = codes(perturbation), frame_counts(options.benchmark)
        ids, counts = flat(predictions.combine_chunks())
        ends = np.cumsum(counts)
        if (i := first_true(counts != frames[code])) is not None:
            raise ValueError(
                f"predictions: row {i} has {counts[i]} frames, but {perturbation[i]} of {options.benchmark} has "
                f"{frames[code[i]]} (is benchmark= right?)"
            )
        options.check_classes("predictions", ids, lambda i: f"row {ends.searchsorted(i, 'right')}")
        sizes = dict(zip(PERTURBATIONS, np.bincount(code, minlength=len(frames)).tolist(), strict=True))
        values = {name: None for name in PERTURBATIONS if sizes[name] or name in options.facts.test}
        for c in np.unique(code):
            name, rows = PERTURBATIONS[c], np.flatnonzero(code == c)
            part = ids[(ends - counts)[rows, None] + np.arange(frames[c])] if len(rows) < len(code) else ids
            sequences = part.reshape(len(rows), frames[c], *ids.shape[1:])
            change = self.change(*frame_pairs(sequences, name in NOISE, level))
            values[name] = int(change.sum(dtype=np.int64)) / change.size
        missing = [name for name in options.facts.test if values[name] is None]
        return {
            **sequence_scores(self.key, values, options.benchmark),
            SEQUENCE_KEYS[self.key][0]: values,
            **options.summarize(sizes, missing, "10 perturbations", "num_sequences", difficulty=level),
        }


def codes(perturbation):
    """Index of each name in `PERTURBATIONS`."""
    return pc.index_in(perturbation, value_set=pa.array(PERTURBATIONS)).to_numpy()


def count_frames(values, row, nesting):
    """Number of frames of each sequence, and a function that describes a frame, given its index among all frames."""
    counts = lengths(values, row, nesting)
    ends = np.cumsum(counts)

    def place(i):
        sequence = int(np.searchsorted(ends, i, "right"))
        return f"{row(sequence)}, frame {i - ends[sequence] + counts[sequence]}"

    return counts, place


def join(values):
    """Concatenate the sequences of an array, of a list of arrays with equal row shapes, or of a list of lists."""
    if isinstance(values, np.ndarray):
        return values.reshape(-1, *values.shape[2:])
    if values and all(isinstance(v, np.ndarray) and v.shape[1:] == values[0].shape[1:] for v in values):
        return np.concatenate(values)
    return list(itertools.chain.from_iterable(values))


def lengths(values, place, nesting):
    """Length of each list or array in ``values``; ``place(i)`` is the description of entry i in an error message."""
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return np.full(len(values), values.shape[1])
    if not set(map(type, values)) <= {list, tuple}:
        for i, value in enumerate(values):
            if isinstance(value, (str, dict, set, frozenset)) or not np.iterable(value):
                raise ValueError(
                    f"predictions: {place(i)} holds {short(value)}, but it should be a list: {nesting}"
                )
    return np.fromiter(map(len, values), np.int64, len(values))


def nested(ids, counts):
    """Class ids of all frames as one Arrow array of sequences."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    frames = pa.array(ids.astype(np.int32).ravel())
    if ids.ndim > 1:
        frames = pa.FixedSizeListArray.from_arrays(frames, ids.shape[1])
    return pa.ListArray.from_arrays(offsets, frames)


def flat(predictions):
    """Class ids of all frames, and the number of frames of each sequence: the inverse of `nested`."""
    counts = pc.list_value_length(predictions).to_numpy()
    frames = predictions.flatten()
    if isinstance(frames, pa.FixedSizeListArray):
        return frames.flatten().to_numpy().reshape(-1, frames.type.list_size), counts
    return frames.to_numpy(), counts
