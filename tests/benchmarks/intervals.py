"""Coverage of the confidence intervals and type-I errors of the paired tests, by simulation.

``python tests/benchmarks/intervals.py`` writes results/intervals.md; the seed is fixed. Errors are made from AlexNet's:
in each config an image is misclassified if a sum of three normal draws, of the image, of the image under the corruption
and of its own, is below the limit that gives the config the wanted error. Of sequences the rate of flips, or of
distance, has a skewed beta distribution with the wanted mean. True scores are those of the wanted means.
"""

import functools
import sys
from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import beta

from imagenet_cp import metrics
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.intervals import score_differences, score_intervals
from imagenet_cp.evaluation.references import alexnet, compute_scores, flatten

RESULTS = Path(__file__).parent / "results" / "intervals.md"
SIZES = (8, 20, 50, 200, 1000)
#: Errors as a share of AlexNet's: a weak, a good, an excellent model.
SKILLS = (1.0, 0.6, 0.3)
#: Shares of the variance: the image, the image under the corruption.
IMAGE, CORRUPTION = 0.5, 0.2
#: Shape of the distribution of rates: most sequences have few flips, and some very many.
SHAPE = 0.7
#: Share of the image's draws that two models have in common.
COMMON = 0.7
SCORES = {
    "mce": [
        ("mce",),
        ("relative_mce",),
        ("mean_error",),
        ("ce", "fog"),
        ("error", "fog", 2),
        ("clean_error",),
    ],
    "mfr": [("mfr",), ("fr", "tilt")],
    "mt5d": [("mt5d",), ("t5d", "tilt")],
}
BENCHMARK = {"mce": "imagenet_c", "mfr": "imagenet_p", "mt5d": "imagenet_p"}


def true_means(metric, skill):
    """Wanted mean of every config."""
    if metric == "mce":
        error = alexnet("mce", "imagenet_c")["error"]
        cells = {f"{name}_{s}": skill * e for name, row in error.items() for s, e in enumerate(row, 1)}
        return {**cells, "clean": skill * metrics.ALEXNET_CLEAN}
    return {name: skill * value for name, value in metrics.ALEXNET[metric].items()}


@functools.cache
def grid(mean):
    """Normal quantiles, and those of the beta distribution with a mean."""
    normal = np.linspace(-6, 6, 2001)
    return normal, beta.ppf(ndtr(normal), SHAPE, SHAPE * (1 - mean) / mean)


def quantiles(normal, mean):
    """Rates with a beta distribution for normal draws."""
    return np.interp(normal, *grid(mean))


def draw(metric, means, images, random, common):
    """Counts of a model; ``common`` are the draws of the images that models share."""
    groups = np.array([config.rpartition("_")[0] or config for config in means])
    names, group = np.unique(groups, return_inverse=True)
    image = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * random.normal(size=(images, 1))
    hard = np.sqrt(IMAGE) * image + np.sqrt(CORRUPTION) * random.normal(size=(images, len(names)))[:, group]
    limits = np.array(list(means.values()))
    pairs = dict.fromkeys(means, 1)
    if metric == "mce":
        own = np.sqrt(1 - IMAGE - CORRUPTION) * random.normal(size=hard.shape)
        columns = (hard + own < ndtri(limits)).astype(np.int16)
    else:
        most = 1 if metric == "mfr" else 15
        pairs = dict.fromkeys(means, 30)
        normal = hard / np.sqrt(IMAGE + CORRUPTION)
        rate = np.stack([quantiles(normal[:, i], limit / most) for i, limit in enumerate(limits)], axis=1)
        columns = random.binomial(30 * most, rate).astype(np.int16)
    return Counts(tuple(map(str, range(images))), dict(zip(means, columns.T, strict=True)), pairs)


def simulate(metric, skill, images, tries, seed=0):
    """Share of tries in which each interval covers, and in which each paired test of equal models rejects."""
    random = np.random.default_rng([seed, images, int(1000 * skill), len(metric)])
    means = true_means(metric, skill)
    truth = dict(flatten(compute_scores(metric, BENCHMARK[metric], means)))
    covered, rejected = (dict.fromkeys(SCORES[metric], 0) for _ in range(2))
    for _ in range(tries):
        common = random.normal(size=(images, 1))
        one, other = (draw(metric, means, images, random, common) for _ in range(2))
        intervals = dict(flatten(score_intervals(metric, BENCHMARK[metric], one)))
        differences = score_differences(metric, BENCHMARK[metric], one, other)
        for path in SCORES[metric]:
            covered[path] += intervals[path].low <= truth[path] <= intervals[path].high
            rejected[path] += differences[path].p_value < 0.05
    return [{path: count / tries for path, count in counts.items()} for counts in (covered, rejected)]


def table(title, found):
    yield f"| {title} | " + " | ".join(f"{skill:g}, n = {n}" for skill in SKILLS for n in SIZES) + " |"
    yield "|---|" + "---:|" * (len(SKILLS) * len(SIZES))
    for metric, paths in SCORES.items():
        for path in paths:
            name = " ".join(str(part + 1 if isinstance(part, int) else part) for part in path)
            cells = [f"{100 * found[metric, skill, n][path]:.1f}" for skill in SKILLS for n in SIZES]
            yield f"| {name} | " + " | ".join(cells) + " |"


def main(tries):
    """Write the tables."""
    settings = [(metric, skill, n) for metric in SCORES for skill in SKILLS for n in SIZES]
    found = {setting: simulate(*setting, tries) for setting in settings}
    error = 100 * np.sqrt(0.05 * 0.95 / tries)
    lines = [
        "# Confidence intervals",
        "",
        "By `python tests/benchmarks/intervals.py`: how often 95 % intervals cover the true score, and how often the",
        "paired test at 5 % finds a difference of two models with equal true scores, in percent of "
        f"{tries:,} simulated",
        f"evaluations (standard error {error:.1f}). Columns: errors as a share of AlexNet's, number of images or",
        "sequences. `error fog 3` and `clean_error` are single configs, where a few images can give only a few",
        "different intervals: their coverage jumps from size to size.",
        "",
        "## Coverage",
        "",
        *table("score", {setting: covered for setting, (covered, _) in found.items()}),
        "",
        "## Type-I error of paired differences",
        "",
        *table("score", {setting: rejected for setting, (_, rejected) in found.items()}),
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
