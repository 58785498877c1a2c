"""Mean flip rate (mFR), the score of ImageNet-P.

How often a classifier changes its prediction between the frames of ImageNet-P's sequences, over the 10 perturbations,
divided by AlexNet's flip probabilities. AlexNet scores 100; lower is better.
"""

import datasets
import evaluate
import numpy as np

from .formulas import flip
from .rows import Rows, as_class_ids
from .sequences import Sequences, count_frames, join

NESTING = "sequences of one class id per frame"


class MFR(Sequences, Rows, evaluate.Metric):
    """Mean flip rate of ImageNet-P and of the same benchmark at other sizes.

    Args:
        predictions (list of list of int): the predicted class id of each frame of each sequence.
        perturbation (list of str): the perturbation of each sequence, such as "tilt".
        difficulty (int or list of int, optional): 1 (default), 2 or 3; the same for all rows of a score.
      `compute` alone also takes
        strict (bool): raise ValueError when a perturbation of the benchmark is missing.
        benchmark (str): "imagenet_p" (default), "imagenet_p_299", "tiny_imagenet_p", "cifar10_p" or "cifar100_p".
        num_classes (int, optional): number of classes; by default that of the benchmark.
        recipe (str, optional): signature of the data, added to the signature of the score.
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

    key = "mfr"
    feature = datasets.Value("int32")
    change = staticmethod(flip)

    def _check_frames(self, values, row):
        if isinstance(values, np.ndarray) and values.ndim != 2 and values.size:
            raise ValueError(
                f"predictions has shape {values.shape}, but a row is a sequence of one class id per frame; "
                "if these are scores or logits, pass their argmax over the classes"
            )
        counts, place = count_frames(values, row, NESTING)
        return as_class_ids("predictions", join(values), place), counts
