"""Recipe of a data set: its signature, and the random stream of every image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..kernels.rng import Stream, seeded
from .signature import Signature

#: Version of the recipe, raised whenever any pixel of any config changes; the changelog says why.
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
        Seed of the random draws.
    codec : str
        Format of the stored images: ``"png"``, ``"h264"``, or JPEG with its quality and, if it is not 4:2:0, its
        chroma subsampling, such as ``"jpeg:85"`` or ``"jpeg:99:4:4:4"``.
    size : {"profile", "keep"}
        Resize images to the profile's size, or corrupt them at their own.
    version : str
        Version of the recipe; a finished build may be of another one than this package makes.
    record : str
        Zenodo record of the images released by the authors, which no recipe makes; empty for all other data.
    """

    dataset: str
    profile: str = "imagenet"
    seed: int = 0
    codec: str = "jpeg:85"
    size: str = field(default="profile", kw_only=True)
    version: str = field(default_factory=lambda: str(RECIPE), kw_only=True)
    record: str = field(default="", kw_only=True)

    @property
    def signature(self) -> str:
        """Text by which the same data can be built again; scores of different signatures cannot be compared."""
        profile = ("profile", self.profile)
        if self.record:
            return str(Signature.of(self.dataset, "official", ("zenodo", self.record), profile, self.codec))
        size = ("size", None if self.size == "profile" else self.size)
        seed = ("seed", self.seed)
        return str(Signature.of(self.dataset, ("recipe", self.version), profile, size, seed, self.codec))

    @property
    def official(self) -> bool:
        """True for the images released by the authors, which no recipe makes."""
        return bool(self.record)

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read a recipe back from its signature.

        Raises
        ------
        ValueError
            The text is not a signature that any recipe has.
        """
        signature = Signature.parse(text)
        fields = signature.fields
        recipe = cls(
            signature.parts[0],
            fields.get("profile", ""),
            int(fields.get("seed", 0)),
            signature.parts[-1],
            size=fields.get("size", cls.size),
            version=fields.get("recipe", str(RECIPE)),
            record=fields.get("zenodo", ""),
        )
        if recipe.signature != text:
            raise ValueError(f"not the signature of a data set: {text!r}")
        return recipe

    def bits(self, name: str, level: int, image_id: str) -> Stream:
        """Random stream of one image.

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
    """Random stream of one image at one level; every argument changes it."""
    key = f"{dataset}|recipe:{RECIPE}|profile:{profile}|{name}|{level}|seed:{seed}|{image_id}"
    digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=32).digest()
    return seeded(digest)
