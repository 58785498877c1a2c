"""Probabilities of scores, and what is stored of them."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import softmax

from imagenet_cp.benchmarks.benchmark import Cell
from imagenet_cp.errors import SourceError
from imagenet_cp.evaluation import prediction_files
from imagenet_cp.evaluation.data.loader import Batch, Resizing
from imagenet_cp.evaluation.data.rows import Sample
from imagenet_cp.evaluation.models.model import Model
from imagenet_cp.evaluation.predictions import Predictions, scores_kind
from imagenet_cp.evaluation.probabilities import class_probabilities, recognize_scores

CLASSES = 1000


def logits(images, seed=0):
    """Logits like those of a good classifier for labels that are the image's number modulo the classes."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1.5, (images, CLASSES)).astype(np.float32)
    scores[np.arange(images), np.arange(images) * 7 % CLASSES] += random.normal(7, 4, images)
    return scores


def test_logits_and_probabilities_are_recognized():
    scores = logits(50)
    for dtype in (np.float16, np.float32, np.float64):
        assert recognize_scores(softmax(scores.astype(np.float64), axis=1).astype(dtype)) == "probabilities"
        assert recognize_scores(scores.astype(dtype)) == "logits"
    assert recognize_scores(np.abs(scores)) == "logits"
    for total, kind in (
        (0.9905, "probabilities"),
        (1.0095, "probabilities"),
        (0.9895, "logits"),
        (1.0105, "logits"),
    ):
        assert recognize_scores(np.array([[0, total], [1, 0]])) == kind
    half = np.full((2, CLASSES), 1 / CLASSES, np.float16)
    assert (
        recognize_scores(np.asfortranarray(half)) == "probabilities"
    )  # whatever NumPy's sums of half precision
    with pytest.raises(ValueError, match=r"\(from -1 to 2, their sum 1\)"):
        class_probabilities(np.array([[0.5, 0.5], [-1.0, 2.0]]), "probabilities")


def test_probabilities_are_the_softmax_or_the_scores_themselves():
    scores = logits(50)
    expected = softmax(scores.astype(np.float64), axis=1)
    np.testing.assert_allclose(class_probabilities(scores, "logits"), expected, rtol=1e-6)
    np.testing.assert_allclose(class_probabilities(expected, "probabilities"), expected, rtol=1e-6)
    assert class_probabilities(np.array([[6e4, -6e4]], np.float16), "logits").tolist() == [[1, 0]]
    apart = np.array([[0, 2.0], [9000, 9000]])  # each row has a softmax of its own
    np.testing.assert_allclose(class_probabilities(apart, "logits"), softmax(apart, axis=1), rtol=1e-6)
    with pytest.raises(ValueError, match="no probabilities"):
        class_probabilities(scores, "probabilities")


def tables_of(scores, size=500):
    """Predictions of a model that gives these scores."""
    samples = [
        Sample("fog_3", f"ILSVRC2012_val_{i + 1:08d}", i * 7 % CLASSES, []) for i in range(len(scores))
    ]
    left = [scores[i : i + size] for i in range(0, len(scores), size)]
    made = Predictions(Model("model", lambda images: left.pop(0)), CLASSES, sequences=False)
    for i in range(0, len(samples), size):
        batch = samples[i : i + size]
        made.add(Batch(batch, [1] * len(batch), {Resizing(): np.zeros((len(batch), 1, 1, 3), np.uint8)}))
    return made.tables([Cell("fog_3", "fog", 3)])


def test_at_most_40_bytes_an_image(tmp_path):
    images = 4000
    tables = tables_of(logits(images))
    file = tmp_path / "one.parquet"
    prediction_files.write(file, tables, {"format": "2", "model": "", "data": "", "rows": {}})
    assert file.stat().st_size <= 40 * images
    stored = pq.read_table(file)
    assert stored.drop_columns(["config"]).equals(tables["fog_3"])
    assert scores_kind([stored]) == "logits"


def test_kinds_of_scores_are_not_mixed():
    one, other = (tables_of(scores)["fog_3"] for scores in (logits(4), softmax(logits(4), axis=1)))
    with pytest.raises(SourceError, match="--scores logits or --scores probabilities"):
        scores_kind([one, other])
    with pytest.raises(SourceError, match=r"row ILSVRC2012_val_00000003: .*no probabilities"):
        tables_of(np.concatenate([softmax(logits(2), axis=1), logits(2)]), size=2)
