"""Counts per image: sufficient statistics for a metric and its intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """Counts of one metric per image or sequence.

    Attributes
    ----------
    image_ids : tuple of str
        Ids of all images, sorted.
    columns : dict
        Config (``"fog_3"``, ``"clean"``, ``"tilt"``) -> ndarray of int16, shape (images,). For mCE 1 for a wrong
        prediction and 0 for a right one; for mFR the number of pairs of frames with different predictions; for mT5D
        the sum of the distances over the pairs. -1 where the config lacks the image.
    pairs : dict
        Config -> divisor that turns a count into an error, a flip probability or a distance: the number of pairs of
        frames of a sequence; 1 for mCE.
    """

    image_ids: tuple[str, ...]
    columns: Mapping[str, NDArray[np.int16]]
    pairs: Mapping[str, int]

    def select(self, image_ids: Collection[str]) -> Counts:
        """Restrict the counts to some of the images."""
        mask = np.array([image_id in image_ids for image_id in self.image_ids], bool)
        return Counts(
            tuple(image_id for image_id in self.image_ids if image_id in image_ids),
            {config: column[mask] for config, column in self.columns.items()},
            self.pairs,
        )

    def means(self) -> dict[str, float | None]:
        """Error, flip probability or distance of each config; None for a config without images."""
        means: dict[str, float | None] = {}
        for config, column in self.columns.items():
            present = column[column >= 0]
            pairs = len(present) * self.pairs[config]
            means[config] = int(present.sum()) / pairs if pairs else None
        return means
