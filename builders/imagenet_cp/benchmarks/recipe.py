"""What makes a data set what it is: the recipe, its signature, and the random stream of every image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..kernels.rng import Stream, seeded

#: Raised whenever any pixel of any config changes; the changelog says why.
RECIPE = 1


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes made from a given source image.

    Attributes
    ----------
    dataset : str
        Such as ``"imagenet_c"``.
    profile : str
        The size and severity tables, such as ``"imagenet"``.
    seed : int
        Chosen by the user; 0 by default.
    codec : str
        How pictures are stored, such as ``"jpeg:85"``.
    size : {"profile", "keep"}
        Whether pictures are brought to the profile's size, or corrupted as they are.
    """

    dataset: str
    profile: str = "imagenet"
    seed: int = 0
    codec: str = "jpeg:85"
    size: str = field(default="profile", kw_only=True)

    @property
    def signature(self) -> str:
        """Enough to build the same data again, or to see that two scores cannot be compared."""
        size = "" if self.size == "profile" else f"|size:{self.size}"
        return f"{self.dataset}|recipe:{RECIPE}|profile:{self.profile}{size}|seed:{self.seed}|{self.codec}"

    def bits(self, name: str, level: int, image_id: str) -> Stream:
        """Return the random stream of one image.

        Parameters
        ----------
        name : str
            The corruption or perturbation.
        level : int
            The severity or difficulty.
        image_id : str
            Such as ``"ILSVRC2012_val_00000001"``.

        Returns
        -------
        Stream
            It depends on nothing else: not on the order of the build, the worker, the shard or the path.
        """
        return stream(self.dataset, self.profile, name, level, self.seed, image_id)


def stream(dataset: str, profile: str, name: str, level: int, seed: int, image_id: str) -> Stream:
    """Return the random stream that belongs to exactly these words and numbers."""
    key = f"{dataset}|recipe:{RECIPE}|profile:{profile}|{name}|{level}|seed:{seed}|{image_id}"
    digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=32).digest()
    return seeded(digest)
