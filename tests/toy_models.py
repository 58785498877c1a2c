"""Small models for tests, as ``package.module:callable``."""

import numpy as np


def by_colour(images):
    """Score 1000 classes by the mean colour: nonsense, but different for different images."""
    means = images.reshape(len(images), -1, 3).mean(axis=1)
    return np.cos((means[:, :, None] * np.arange(3000).reshape(3, 1000)).sum(axis=1) / 97)


def by_contrast(images):
    return np.sin(images.reshape(len(images), -1).std(axis=1)[:, None] * np.arange(1, 1001))


def of_999(images):
    return by_colour(images)[:, :999]


def of_10(images):
    return by_colour(images)[:, :10]


def by_contrast_of_10(images):
    return by_contrast(images)[:, :10]


def with_nan(images):
    return np.where(np.arange(1000) == 7, np.nan, by_colour(images))


def flat(images):
    return by_colour(images).argmax(axis=1)


def only_299(images):
    if images.shape[1] != 299:
        raise ValueError("expected 299x299 images")
    return by_colour(images)


def darken(image):
    return image // 2


not_callable = 3


class OutOfMemoryError(RuntimeError):
    """Named as the error of torch.cuda."""


def exhausted(images):
    raise OutOfMemoryError("CUDA out of memory.")
