"""Results of an evaluation: scores, counts, confidence intervals and examples of mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .counts import Counts
from .intervals import score_intervals
from .references import RAW_KEY, benchmark_name, flatten


class Example(NamedTuple):
    """An image that the model misclassified.

    Attributes
    ----------
    config, image_id : str
        Its row.
    label, prediction : int
        The true class and the predicted one.
    margin : float
        Score of the predicted class minus that of the next best class.
    picture : bytes
        JPEG or PNG file of the image.
    """

    config: str
    image_id: str
    label: int
    prediction: int
    margin: float
    picture: bytes


@dataclass(frozen=True)
class Results:
    """Results of the evaluation of one model.

    Attributes
    ----------
    model : str
        Its name, such as ``"timm:resnet50"``.
    signature : str
        Model and preprocessing: name, fingerprint, input size, normalization, preprocessor.
    metrics : dict
        Those of ``"mce"``, ``"mfr"``, ``"mt5d"`` with data -> result of ``compute()`` of the metric, whose signature
        names the data; ``"c_bar"`` for ImageNet-C-bar and ``"custom"`` for data in a layout of its own -> their
        errors, and plain means of these: see `imagenet_cp.evaluation.references.compute_scores`.
    counts : dict
        The same names -> `Counts`.
    classes : tuple of str
        English name of every class.
    examples : tuple of Example
        Confident mistakes, the most confident first.
    command : str
        Command that repeats the evaluation.
    versions : dict
        Library -> version.
    scores : str
        Kind of the model's scores, ``"logits"`` or ``"probabilities"``; empty if unknown.
    calibration : dict
        ``"top5_error"``, ``"ece"``, ``"adaptive_ece"``, ``"nll"``, ``"brier"`` and ``"aurc"`` on ImageNet-C ->
        ``"mean"`` over the 75 configs, ``"mean_all"`` over all 95, ``"clean"``, and ``"cells"``: corruption -> five
        values. None where a config is missing. Those on ImageNet-C-bar and on data in a layout of its own are called
        ``"c_bar_ece"``, ``"custom_ece"``, ..., without ``"mean_all"``. See `imagenet_cp.evaluation.calibration`.
    """

    model: str
    signature: str
    metrics: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, Counts]
    classes: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    command: str = ""
    versions: Mapping[str, str] | None = None
    scores: str = ""
    calibration: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def mean_of_measured(self, metric: str) -> tuple[float, int] | None:
        """Mean over the configs of a metric that were measured, and their number; None if none was."""
        values = [value for _, value in flatten(self.metrics[metric][RAW_KEY[metric]]) if value is not None]
        return (sum(values) / len(values), len(values)) if values else None

    @cached_property
    def intervals(self) -> dict[str, dict[str, Any]]:
        """95 % confidence intervals over images or sequences; see `imagenet_cp.evaluation.intervals`.

        Metric -> the scores of `metrics`, with an `Interval` (low, high) in place of every number and None where
        the score is None: ``intervals["mce"]["ce"]["fog"].low``.
        """
        return {
            metric: score_intervals(metric, benchmark_name(result), self.counts[metric])
            for metric, result in self.metrics.items()
        }
