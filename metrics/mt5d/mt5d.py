"""Mean top-5 distance (mT5D), the second score of ImageNet-P.

How much a classifier's five best classes change rank between the frames of ImageNet-P's sequences, over the 10
perturbations, divided by AlexNet's distances. AlexNet scores 100; lower is better.
"""

import itertools
from reprlib import repr as short

import datasets
import evaluate
import numpy as np

from .formulas import top5_distance
from .rows import Rows, as_class_ids, first_true
from .sequences import Sequences, count_frames, join, lengths

NESTING = "sequences of frames of five class ids"


class Mt5d(Sequences, Rows, evaluate.Metric):
    """Mean top-5 distance of ImageNet-P and of the same benchmark at other sizes.

    Args:
        predictions (list of list of five int): the five best class ids, best first, of each frame of each sequence.
        perturbation (list of str): the perturbation of each sequence, such as "tilt".
        difficulty (int or list of int, optional): 1 (default), 2 or 3; the same for all rows of a score.
      `compute` alone also takes
        strict (bool): raise ValueError when a perturbation of the benchmark is missing.
        benchmark (str): "imagenet_p" (default), "imagenet_p_299", "tiny_imagenet_p", "cifar10_p" or "cifar100_p".
        num_classes (int, optional): number of classes; by default that of the benchmark.
        recipe (str, optional): signature of the data, added to the signature of the score.
    Returns:
        mt5d (percent, or None while a perturbation is missing), t5d (perturbation -> percent or None),
        unnormalised_t5d (perturbation -> a distance from 0 to 15 or None), missing (list of names), num_sequences,
        signature. Without a normaliser (Tiny ImageNet, CIFAR), mt5d and t5d are distances, too.
    Examples:
        >>> mt5d = evaluate.load("mt5d")
        >>> mt5d.add_batch(predictions=[[[1, 2, 3, 4, 5]] * 30 + [[2, 1, 3, 4, 5]]], perturbation=["tilt"])
        >>> result = mt5d.compute()
        >>> result["mt5d"], round(result["unnormalised_t5d"]["tilt"], 4)
        (None, 0.0667)
    """

    key = "mt5d"
    feature = datasets.List(datasets.Value("int32"), length=5)
    change = staticmethod(top5_distance)
    chunk = 10_000

    def _check_frames(self, values, row):
        counts, place = count_frames(values, row, NESTING)
        frames = join(values)
        fives = lengths(frames, place, NESTING)
        if (i := first_true(fives != 5)) is not None:
            raise ValueError(
                f"predictions: {place(i)} holds {fives[i]} values, {short(frames[i])}, not the five best class ids, "
                "best first; from scores or logits compute np.argsort(-scores, axis=-1, kind='stable')[..., :5]"
            )
        ids = (
            frames.ravel() if isinstance(frames, np.ndarray) else list(itertools.chain.from_iterable(frames))
        )
        ids = as_class_ids("predictions", ids, lambda i: place(i // 5)).reshape(-1, 5)
        ranks = np.ascontiguousarray(ids.T)
        repeated = np.any([ranks[a] == ranks[b] for a, b in itertools.combinations(range(5), 2)], axis=0)
        if (i := first_true(repeated)) is not None:
            raise ValueError(f"predictions: {place(i)} holds {ids[i].tolist()}, in which a class is repeated")
        return ids, counts
