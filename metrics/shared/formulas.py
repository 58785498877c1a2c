"""Formulas of mCE, mFR and mT5D as functions of arrays, with AlexNet's results; imports only NumPy.

"The paper" is Hendrycks & Dietterich, ICLR 2019 (https://arxiv.org/abs/1903.12261). Missing values are NaN, and a mean
over a missing value is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Top-1 errors at severities 1 to 5; the first 15 corruptions are those of mCE.
_ALEXNET_ERROR = {
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
# Flip probability and top-5 distance at difficulty 1, with all published decimals; the first 10 perturbations are those
# of the means.
_ALEXNET_SEQUENCES = {
    "gaussian_noise": (0.23653, 4.77),
    "shot_noise": (0.30062, 5.76),
    "motion_blur": (0.09297, 1.93),
    "zoom_blur": (0.05942, 1.34),
    "snow": (0.11928, 2.42),
    "brightness": (0.04889, 1.19),
    "translate": (0.11007, 2.63),
    "rotate": (0.13104, 2.95),
    "tilt": (0.0705, 1.75),
    "scale": (0.23531, 4.48),
    "speckle_noise": (0.18649, 3.89),
    "gaussian_blur": (0.02775, 0.7),
    "spatter": (0.05053, 1.26),
    "shear": (0.10658, 2.48),
}
#: Metric -> AlexNet's errors for each corruption, or its flip probability or distance for each perturbation.
ALEXNET: dict[str, dict[str, Any]] = {
    "mce": _ALEXNET_ERROR,
    "mfr": {name: probability for name, (probability, _) in _ALEXNET_SEQUENCES.items()},
    "mt5d": {name: distance for name, (_, distance) in _ALEXNET_SEQUENCES.items()},
}
#: AlexNet's top-1 error on clean images.
ALEXNET_CLEAN = 0.43478
#: The 15 corruptions of mCE, the four for validation, and the name of rows without a corruption.
CORRUPTIONS = tuple(ALEXNET["mce"])[:15]
EXTRA_CORRUPTIONS = tuple(ALEXNET["mce"])[15:]
CLEAN = "clean"
_BAR = ("blue_noise_sample", "brownish_noise", "checkerboard_cutout", "inverse_sparkles", "sparkles")
_IMAGENET_BAR = (
    "caustic_refraction",
    "cocentric_sine_waves",
    "perlin_noise",
    "plasma_noise",
    "single_frequency_greyscale",
)
_CIFAR_BAR = ("circular_motion_blur", "lines", "pinch_and_twirl", "ripple", "transverse_chromatic_abberation")
#: The ten corruptions of ImageNet-C-bar, and those of CIFAR-10-C-bar (Mintun, Kirillov & Xie, NeurIPS 2021).
BAR_CORRUPTIONS = tuple(sorted(_BAR + _IMAGENET_BAR))
CIFAR_BAR_CORRUPTIONS = tuple(sorted(_BAR + _CIFAR_BAR))
#: The 10 perturbations of mFR and mT5D; the authors' CIFAR-P script has spatter in place of snow.
PERTURBATIONS = tuple(ALEXNET["mfr"])[:10]
CIFAR_PERTURBATIONS = tuple("spatter" if name == "snow" else name for name in PERTURBATIONS)
#: Perturbations whose frames are compared with the first frame, since noise has no order.
NOISE = ("gaussian_noise", "shot_noise", "speckle_noise")


class Benchmark(NamedTuple):
    """Properties of a benchmark that a metric depends on.

    Attributes
    ----------
    num_classes : int
        Number of classes.
    normaliser : str
        ``"alexnet"`` or ``"none"``. AlexNet's results are those at 224x224, also for 299x299, for which none were
        published; the custom for CIFAR and Tiny ImageNet is the plain mean.
    test : tuple of str
        Corruptions or perturbations over which the mean is taken.
    frames : dict
        Perturbation -> number of frames of a sequence, where it is not 31.
    """

    num_classes: int
    normaliser: str
    test: tuple[str, ...]
    frames: dict[str, int] = {}  # noqa: RUF012


#: Metric -> benchmark -> its properties.
BENCHMARKS: dict[str, dict[str, Benchmark]] = {
    "mce": {
        "imagenet_c": Benchmark(1000, "alexnet", CORRUPTIONS),
        "imagenet_c_299": Benchmark(1000, "alexnet", CORRUPTIONS),
        "tiny_imagenet_c": Benchmark(200, "none", CORRUPTIONS),
        "cifar10_c": Benchmark(10, "none", CORRUPTIONS),
        "cifar100_c": Benchmark(100, "none", CORRUPTIONS),
        "imagenet_c_bar": Benchmark(1000, "none", BAR_CORRUPTIONS),
        "cifar10_c_bar": Benchmark(10, "none", CIFAR_BAR_CORRUPTIONS),
    },
    "mfr": {
        "imagenet_p": Benchmark(1000, "alexnet", PERTURBATIONS, {"translate": 41}),
        "imagenet_p_299": Benchmark(1000, "alexnet", PERTURBATIONS, {"translate": 41}),
        "tiny_imagenet_p": Benchmark(200, "none", PERTURBATIONS),
        "cifar10_p": Benchmark(10, "none", CIFAR_PERTURBATIONS, {"motion_blur": 21, "translate": 16}),
        "cifar100_p": Benchmark(100, "none", CIFAR_PERTURBATIONS, {"motion_blur": 21, "translate": 16}),
    },
}
BENCHMARKS["mt5d"] = BENCHMARKS["mfr"]
#: Metric of sequences -> key of its values in the result, key of its ratios, unit of a ratio without a normaliser.
SEQUENCE_KEYS = {"mfr": ("flip_probability", "fr", 0.01), "mt5d": ("unnormalised_t5d", "t5d", 1.0)}


def known_corruptions(benchmark: str) -> tuple[str, ...]:
    """Names of the corruptions of a benchmark, those for validation last."""
    test = BENCHMARKS["mce"][benchmark].test
    return (*test, *EXTRA_CORRUPTIONS) if test == CORRUPTIONS else test


def corruption_error(error: ArrayLike, baseline: ArrayLike | None = None) -> Any:
    """Compute the corruption error CE (paper, section 4.1).

    Parameters
    ----------
    error : array_like of float, shape (..., 5)
        Top-1 errors at severities 1 to 5, as fractions.
    baseline : array_like of float, shape (..., 5), optional
        AlexNet's errors at the same severities; without them the mean error is returned.

    Returns
    -------
    ndarray of float, shape (...)
        In percent.

    Raises
    ------
    ValueError
        There are not five errors.

    Examples
    --------
    >>> round(float(corruption_error([0.5] * 5, ALEXNET["mce"]["fog"])), 2)
    61.03
    """
    error = _errors(error)
    baseline = np.ones(5) if baseline is None else _errors(baseline)
    return 100 * error.sum(axis=-1) / baseline.sum(axis=-1)


def relative_corruption_error(
    error: ArrayLike, clean_error: float, baseline: ArrayLike | None = None, clean_baseline: float = 0.0
) -> Any:
    """Compute the relative corruption error (paper, section 4.1).

    The paper's formula can be read in two ways; this mean form is the one that gives its table 2.

    Parameters
    ----------
    error : array_like of float, shape (..., 5)
        Top-1 errors at severities 1 to 5, as fractions.
    clean_error : float
        Top-1 error without corruption, a fraction.
    baseline : array_like of float, shape (..., 5), optional
        AlexNet's errors at the same severities; without them the difference to the clean error is returned.
    clean_baseline : float
        AlexNet's clean error.

    Returns
    -------
    ndarray of float, shape (...)
        In percent.

    Raises
    ------
    ValueError
        There are not five errors.

    Examples
    --------
    >>> round(float(relative_corruption_error([0.5] * 5, 0.25, ALEXNET["mce"]["fog"], ALEXNET_CLEAN)), 2)
    65.01
    """
    error = _errors(error)
    baseline = np.ones(5) if baseline is None else _errors(baseline)
    return 100 * (error.mean(axis=-1) - clean_error) / (baseline.mean(axis=-1) - clean_baseline)


def mean_corruption_error(error: ArrayLike, benchmark: str = "imagenet_c") -> float:
    """Compute the mean corruption error mCE (paper, section 4.1).

    Parameters
    ----------
    error : array_like of float, shape (15, 5)
        Top-1 errors, as fractions: the corruptions of the test by severities 1 to 5. ImageNet-C-bar and CIFAR-10-C-bar
        have ten, and their plain mean is the score.
    benchmark : str
        Key of ``BENCHMARKS["mce"]``.

    Returns
    -------
    float
        In percent.

    Raises
    ------
    ValueError
        There are not 15 x 5 errors, or 10 x 5, or they are not from 0 to 1.
    KeyError
        The benchmark is unknown.

    Examples
    --------
    >>> round(mean_corruption_error(np.full((15, 5), 0.5)), 2)
    64.67
    """
    test = BENCHMARKS["mce"][benchmark].test
    baseline, _ = _corruption_baseline(test, benchmark)
    return float(corruption_error(_errors(error, (len(test), 5)), baseline).mean())


def relative_mean_corruption_error(
    error: ArrayLike, clean_error: float, benchmark: str = "imagenet_c"
) -> float:
    """Compute the relative mean corruption error (paper, section 4.1).

    Parameters
    ----------
    error : array_like of float, shape (15, 5)
        Top-1 errors, as fractions: the corruptions of the test by severities 1 to 5.
    clean_error : float
        Top-1 error without corruption, a fraction.
    benchmark : str
        Key of ``BENCHMARKS["mce"]``.

    Returns
    -------
    float
        In percent.

    Raises
    ------
    ValueError
        There are not 15 x 5 errors, or they are not from 0 to 1.
    KeyError
        The benchmark is unknown.

    Examples
    --------
    >>> round(relative_mean_corruption_error(np.full((15, 5), 0.5), 0.25), 2)
    81.4
    """
    test = BENCHMARKS["mce"][benchmark].test
    baseline = _corruption_baseline(test, benchmark)
    return float(relative_corruption_error(_errors(error, (len(test), 5)), clean_error, *baseline).mean())


def corruption_scores(
    error: dict[str, Any], clean_error: float | None = None, benchmark: str = "imagenet_c"
) -> dict[str, Any]:
    """Compute mCE and its parts by name.

    Parameters
    ----------
    error : dict
        Corruption -> five top-1 errors, as fractions, None where one is missing. A corruption for which AlexNet has no
        errors is skipped.
    clean_error : float or None
        Top-1 error without corruption, a fraction.
    benchmark : str
        Key of ``BENCHMARKS["mce"]``.

    Returns
    -------
    dict
        ``mce``, ``relative_mce``, ``ce``, ``relative_ce`` and ``ce_by_severity``, in percent; ``mean_error`` and
        ``mean_accuracy`` over the 15 corruptions at five severities, ``mean_error_all`` and ``mean_accuracy_all`` over
        all 19, and ``mean_error_by_severity`` over the 15 at severities 1 to 5, as fractions. None where a value is
        missing.

    Notes
    -----
    Papers on CIFAR-C (AugMix, Hendrycks et al., ICLR 2020) and leaderboards such as RobustBench report the plain means,
    papers on adaptation often the error at severity 5 alone.
    """
    names = known_corruptions(benchmark)
    table = np.array([error.get(name, [None] * 5) for name in names], np.float64)
    baseline, clean_baseline = _corruption_baseline(names, benchmark)
    ce = corruption_error(table, baseline)
    relative_ce = relative_corruption_error(table, np.float64(clean_error), baseline, clean_baseline)
    test = slice(len(BENCHMARKS["mce"][benchmark].test))
    means = {"mce": ce[test], "relative_mce": relative_ce[test], "mean_error": table[test]}
    means |= {"mean_accuracy": 1 - table[test], "mean_error_all": table, "mean_accuracy_all": 1 - table}

    def by_name(values: NDArray[np.float64]) -> dict[str, Any]:
        return {name: v for name, v in zip(names, _plain(values), strict=True) if name in error}

    return {
        **dict(zip(means, _plain([values.mean() for values in means.values()]), strict=True)),
        "mean_error_by_severity": _plain(table[test].mean(axis=0)),
        "ce": by_name(ce),
        "relative_ce": by_name(relative_ce),
        "ce_by_severity": by_name(100 * table / baseline),
    }


def frame_counts(benchmark: str) -> NDArray[np.int64]:
    """Number of frames of a sequence of each perturbation, in the order of ``ALEXNET["mfr"]``."""
    frames = BENCHMARKS["mfr"][benchmark].frames
    return np.array([frames.get(name, 31) for name in ALEXNET["mfr"]])


def frame_pairs(
    frames: NDArray[Any], noise: bool = False, difficulty: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pair the frames that are compared (paper, section 4.2).

    Parameters
    ----------
    frames : ndarray, shape (sequences, frames, ...)
        Predictions for each frame.
    noise : bool
        Compare each frame with the first one of its sequence rather than with an earlier one.
    difficulty : int
        Distance of the two frames of a pair, 1 to 3; without effect on noise.

    Returns
    -------
    earlier, later : ndarray, shape (sequences, pairs, ...)
        Views of ``frames``.

    Raises
    ------
    ValueError
        No two frames are that far apart.

    Examples
    --------
    >>> earlier, later = frame_pairs(np.array([[1, 2, 3]]))
    >>> earlier.tolist(), later.tolist()
    ([[1, 2]], [[2, 3]])
    """
    distance = 1 if noise else difficulty
    if not 0 < distance < frames.shape[1]:
        raise ValueError(f"no two frames of {frames.shape[1]} are {distance} apart")
    if noise:
        later = frames[:, 1:]
        return np.broadcast_to(frames[:, :1], later.shape), later
    return frames[:, :-difficulty], frames[:, difficulty:]


def flip(earlier: ArrayLike, later: ArrayLike) -> Any:
    """Detect flips: pairs of frames with different predictions (paper, section 4.2).

    Parameters
    ----------
    earlier, later : array_like of int, shape (...)
        Predicted class ids.

    Returns
    -------
    ndarray of bool, shape (...)
        True where the prediction differs.
    """
    return np.not_equal(earlier, later)


def top5_distance(earlier: ArrayLike, later: ArrayLike) -> NDArray[np.int8]:
    """Compute the distance of the five best classes of pairs of frames (paper, section 4.2).

    A class at rank i (from 0) of the earlier five contributes ``abs(i - j)`` if it is at rank j of the later five, and
    ``5 - i`` if it is absent there. The distance is not symmetric.

    Parameters
    ----------
    earlier, later : array_like of int, shape (..., 5)
        The ids of the five best classes, best first, without repetition.

    Returns
    -------
    ndarray of int8, shape (...)
        From 0 to 15.

    Raises
    ------
    ValueError
        There are not five classes.

    Examples
    --------
    >>> top5_distance([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]], [[2, 1, 3, 4, 5], [2, 3, 4, 5, 6]]).tolist()
    [2, 9]
    """
    earlier, later = (np.moveaxis(np.asarray(ids), -1, 0) for ids in (earlier, later))
    if len(earlier) != 5 or len(later) != 5:
        raise ValueError(f"the five best classes are needed, not {len(earlier)} and {len(later)}")
    distance = np.full(np.broadcast_shapes(earlier.shape[1:], later.shape[1:]), 15, np.int8)
    for i in range(5):
        for j in range(5):
            distance -= np.equal(earlier[i], later[j]).view(np.int8) * np.int8(5 - i - abs(i - j))
    return distance


def _class_ids(predictions: ArrayLike, dimensions: int) -> NDArray[Any]:
    """Convert class ids to an array, and check its dimensions."""
    ids = np.asarray(predictions)
    if ids.ndim != dimensions or ids.dtype.kind not in "iu" or not ids.size:
        raise ValueError(
            f"predictions are class ids with {dimensions} dimensions, not {ids.dtype} of shape {ids.shape}"
        )
    return ids


def flip_probability(predictions: ArrayLike, noise: bool = False, difficulty: int = 1) -> float:
    """Compute the flip probability FP of sequences (paper, section 4.2).

    Parameters
    ----------
    predictions : array_like of int, shape (sequences, frames)
        Predicted class ids.
    noise : bool
        Compare each frame with the first one of its sequence rather than with an earlier one.
    difficulty : int
        Distance of the two frames of a pair, 1 to 3; without effect on noise.

    Returns
    -------
    float
        A fraction.

    Raises
    ------
    ValueError
        The predictions are not class ids of this shape, or no two frames are that far apart.

    Examples
    --------
    >>> flip_probability([[7, 7, 8, 8, 8]])
    0.25
    """
    return float(flip(*frame_pairs(_class_ids(predictions, 2), noise, difficulty)).mean())


def unnormalised_top5_distance(predictions: ArrayLike, noise: bool = False, difficulty: int = 1) -> float:
    """Compute the unnormalised top-5 distance uT5D of sequences (paper, section 4.2).

    Parameters
    ----------
    predictions : array_like of int, shape (sequences, frames, 5)
        The ids of the five best classes of each frame, best first.
    noise : bool
        Compare each frame with the first one of its sequence rather than with an earlier one.
    difficulty : int
        Distance of the two frames of a pair, 1 to 3; without effect on noise.

    Returns
    -------
    float
        From 0 to 15.

    Raises
    ------
    ValueError
        The predictions are not class ids of this shape, or no two frames are that far apart.

    Examples
    --------
    >>> unnormalised_top5_distance([[[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [2, 1, 3, 4, 5]]])
    1.0
    """
    return float(top5_distance(*frame_pairs(_class_ids(predictions, 3), noise, difficulty)).mean())


def mean_flip_rate(probability: ArrayLike, benchmark: str = "imagenet_p") -> float:
    """Compute the mean flip rate mFR (paper, section 4.2).

    Parameters
    ----------
    probability : array_like of float, shape (10,)
        Flip probabilities, as fractions, of the test perturbations of the benchmark.
    benchmark : str
        Key of ``BENCHMARKS["mfr"]``.

    Returns
    -------
    float
        In percent.

    Raises
    ------
    ValueError
        There are not ten values.
    KeyError
        The benchmark is unknown.

    Examples
    --------
    >>> round(mean_flip_rate([ALEXNET["mfr"][name] for name in PERTURBATIONS]), 9)
    100.0
    """
    return _sequence_mean("mfr", probability, benchmark)


def mean_top5_distance(distance: ArrayLike, benchmark: str = "imagenet_p") -> float:
    """Compute the mean top-5 distance mT5D (paper, section 4.2).

    Parameters
    ----------
    distance : array_like of float, shape (10,)
        Unnormalised top-5 distances, from 0 to 15, of the test perturbations of the benchmark.
    benchmark : str
        Key of ``BENCHMARKS["mt5d"]``.

    Returns
    -------
    float
        In percent of AlexNet's, or a distance where there is no normaliser.

    Raises
    ------
    ValueError
        There are not ten values.
    KeyError
        The benchmark is unknown.

    Examples
    --------
    >>> round(mean_top5_distance([ALEXNET["mt5d"][name] for name in PERTURBATIONS]), 9)
    100.0
    """
    return _sequence_mean("mt5d", distance, benchmark)


def sequence_scores(
    metric: str, values: dict[str, float | None], benchmark: str = "imagenet_p"
) -> dict[str, Any]:
    """Compute mFR or mT5D and its parts by name.

    Parameters
    ----------
    metric : str
        ``"mfr"`` or ``"mt5d"``.
    values : dict
        Perturbation -> flip probability or top-5 distance, None where it is missing.
    benchmark : str
        Key of ``BENCHMARKS[metric]``.

    Returns
    -------
    dict
        ``mfr`` and ``fr``, or ``mt5d`` and ``t5d``: in percent, but top-5 distances where there is no normaliser; None
        where a value is missing.
    """
    test = BENCHMARKS[metric][benchmark].test
    ratio = np.array(list(values.values()), np.float64) / _sequence_unit(metric, values, benchmark)
    mean = _sequence_mean(metric, [values.get(name) for name in test], benchmark)
    ratio = dict(zip(values, _plain(ratio), strict=True))
    return {metric: _plain([mean])[0], SEQUENCE_KEYS[metric][1]: ratio}


def _corruption_baseline(names: Sequence[str], benchmark: str) -> tuple[NDArray[np.float64], float]:
    """AlexNet's errors, by which those of the corruptions are divided, and its clean error."""
    if BENCHMARKS["mce"][benchmark].normaliser == "alexnet":
        return np.array([ALEXNET["mce"][name] for name in names]).reshape(-1, 5), ALEXNET_CLEAN
    return np.ones((len(names), 5)), 0.0


def _sequence_unit(metric: str, names: Iterable[str], benchmark: str) -> Any:
    """Values that equal one percent, or a distance of one where there is no normaliser."""
    if BENCHMARKS[metric][benchmark].normaliser == "alexnet":
        return np.array([ALEXNET[metric][name] for name in names]) / 100
    return SEQUENCE_KEYS[metric][2]


def _sequence_mean(metric: str, values: Any, benchmark: str) -> float:
    values = np.asarray(values, np.float64)
    if values.shape != (10,):
        raise ValueError(f"ten values are needed, one per test perturbation, not the shape {values.shape}")
    ratio = values / _sequence_unit(metric, BENCHMARKS[metric][benchmark].test, benchmark)
    return float(ratio.cumsum()[-1] / ratio.size)  # summed in order, so the last bit depends on no version


def _errors(error: ArrayLike, shape: tuple[int, ...] = (5,)) -> NDArray[np.float64]:
    error = np.asarray(error, np.float64)
    if error.shape[-len(shape) :] != shape or (len(shape) > 1 and error.ndim != len(shape)):
        raise ValueError(f"errors of shape {shape}, corruptions by severities, are needed, not {error.shape}")
    if ((error < 0) | (error > 1)).any():
        raise ValueError(f"errors are fractions from 0 to 1, not from {error.min():.4g} to {error.max():.4g}")
    return error


def _plain(values: Any) -> list[Any]:
    """Values of an array as a list, or as a list of lists, with None for NaN."""
    return [_plain(v) if np.ndim(v) else None if np.isnan(v) else float(v) for v in values]
