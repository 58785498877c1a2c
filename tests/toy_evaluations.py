"""Evaluations of invented predictions, of any number of images, for tests of scores and reports."""

import io

import evaluate
import numpy as np
import skimage.data
from PIL import Image

import imagenet_cp
from imagenet_cp import metrics
from imagenet_cp.evaluation.counts import Counts
from imagenet_cp.evaluation.evaluation import Evaluation
from imagenet_cp.evaluation.references import alexnet, compute_scores
from imagenet_cp.evaluation.results import Example


def mce_counts(images=400, skill=0.75, seed=0, clean=True, configs=None):
    """Errors that are ``skill`` times AlexNet's; what is hard for one config is hard for others."""
    random = np.random.default_rng(seed)
    errors = {
        f"{name}_{s}": e
        for name, row in alexnet("mce", "imagenet_c")["error"].items()
        for s, e in enumerate(row, 1)
    }
    if clean:
        errors["clean"] = metrics.ALEXNET_CLEAN
    hard = random.random(images)
    found = {}
    for place, (config, error) in enumerate(errors.items()):
        own = random.random(images)
        wrong = 0.6 * hard + 0.4 * own < skill * error * (0.9 + 0.02 * (place // 5 % 11))
        found[config] = wrong.astype(np.int16)
    found = {config: column for config, column in found.items() if configs is None or config in configs}
    return Counts(ids(images), found, dict.fromkeys(found, 1))


def sequence_counts(metric, images=200, skill=0.6, seed=0, configs=None):
    """Flips or distances of sequences: ``skill`` times AlexNet's."""
    random = np.random.default_rng(seed)
    found, pairs = {}, {}
    frames = metrics.frame_counts("imagenet_p").tolist()
    for (name, base), m in zip(metrics.ALEXNET[metric].items(), frames, strict=True):
        if configs is not None and name not in configs:
            continue
        pairs[name] = m - 1
        rate = np.clip(random.beta(1, 2, images) * 3 * base * skill / (1 if metric == "mfr" else 15), 0, 1)
        drawn = random.binomial(m - 1 if metric == "mfr" else 15 * (m - 1), rate)
        found[name] = drawn.astype(np.int16)
    return Counts(ids(images), found, pairs)


def ids(images):
    return tuple(f"ILSVRC2012_val_{number + 1:08d}" for number in range(images))


def compute(metric, counts, benchmark=None):
    """Let the metric itself score predictions that give these counts."""
    loaded = evaluate.load(metric)
    for config, column in counts.columns.items():
        there = column[column >= 0]
        if metric == "mce":
            name, severity = ("clean", 0) if config == "clean" else (config[:-2], int(config[-1]))
            loaded.add_batch(
                predictions=there,
                references=np.zeros(len(there), int),
                corruption=[name] * len(there),
                severity=[severity] * len(there),
                extra=[name],
            )
        else:
            loaded.add_batch(
                predictions=[_sequence(metric, config, n, counts.pairs[config] + 1) for n in there],
                perturbation=[config] * len(there),
            )
    benchmark = benchmark or ("imagenet_c" if metric == "mce" else "imagenet_p")
    return loaded.compute(benchmark=benchmark, recipe=f"{benchmark}|recipe:1|profile:imagenet|seed:0|jpeg:85")


def _sequence(metric, config, count, frames):
    """Frames that flip ``count`` times, or that are ``count`` apart in all."""
    noise = config in metrics.NOISE
    if metric == "mfr":
        if noise:
            return [0] * (frames - int(count)) + [1] * int(count)
        return [min(j, int(count)) for j in range(frames)]
    # Distances of one pair: 15 is five other classes; n < 15 by a later frame with a part of the first five.
    first, apart = [0, 1, 2, 3, 4], [[0, 1, 2, 3, 4]]
    left = int(count)
    for j in range(1, frames):
        step = min(left, 15)
        left -= step
        if noise:
            apart.append(_apart(first, step, 10 * j))
        else:
            apart.append(_apart(apart[-1], step, 10 * j))
    return apart


def _apart(earlier, distance, fresh):
    """Five classes at that distance: class i of the earlier costs 5 - i when it is gone."""
    later = list(earlier)
    for i in range(5):
        if distance >= 5 - i:
            distance -= 5 - i
            later[i] = fresh + i
    assert distance == 0
    return later


def evaluation(images=400, sequences=200, skill=0.75, seed=0, model="timm:resnet50", examples=(), **changes):
    """All of it, as it comes from `imagenet-cp evaluate`."""
    counts = {}
    if images:
        counts["mce"] = mce_counts(images, skill, seed)
    if sequences:
        counts["mfr"] = sequence_counts("mfr", sequences, 0.8 * skill, seed)
        counts["mt5d"] = sequence_counts("mt5d", sequences, skill, seed)
    values = {
        "model": model,
        "signature": f"{model}|weights:3f1c9a07e2d4|input:224x224|mean:0.485,0.456,0.406|std:0.229,0.224,0.225|"
        "preprocess:none",
        "metrics": {metric: compute(metric, found) for metric, found in counts.items()},
        "counts": counts,
        "classes": tuple(f"class {i}" for i in range(1000)),
        "examples": examples,
        "command": f"imagenet-cp evaluate {model} --imagenet-c ./imagenet_c --imagenet-p ./imagenet_p -o report/",
        "versions": {"imagenet-cp": imagenet_cp.__version__, "numpy": np.__version__, "timm": "1.0.22"},
    }
    return Evaluation(**{**values, **changes})


def mistakes(count=6):
    """A few misclassified corrupted images."""
    names = ("chelsea", "coffee", "rocket", "astronaut")
    made = []
    for place, (config, severity) in enumerate(
        (("fog", 5), ("pixelate", 5), ("frost", 3), ("glass_blur", 4), ("motion_blur", 4), ("snow", 5))[
            :count
        ]
    ):
        name = names[place % 4]
        picture = imagenet_cp.corrupt(
            Image.fromarray(getattr(skimage.data, name)()), config, severity=severity, seed=0, image_id=name
        )
        stream = io.BytesIO()
        Image.fromarray(np.asarray(picture)).save(stream, "JPEG")
        made.append(
            Example(f"{config}_{severity}", name, place, 10 + place, 0.91 - 0.07 * place, stream.getvalue())
        )
    return tuple(made)


def with_plain_means(metric, configs, model="m", images=8, **changes):
    """Evaluation on ImageNet-C-bar, or on data in a layout of their own, of which the metric is a mean of errors."""
    random = np.random.default_rng(0)
    columns = {config: random.integers(0, 2, images).astype(np.int16) for config in configs}
    counts = Counts(ids(images), columns, dict.fromkeys(configs, 1))
    benchmark = {"c_bar": "imagenet_c_bar", "custom": "custom"}[metric]
    scores = compute_scores(metric, benchmark, counts.means())
    result = {**scores, "signature": f"mean_error|benchmark:{benchmark}|n:{images}"}
    return evaluation(0, 0, model=model, metrics={metric: result}, counts={metric: counts}, **changes)
