"""Random corruptions and perturbations as transforms of training and evaluation loops.

They take Pillow images, arrays and tensors, alone or in samples and batches, and work in torchvision's ``v2.Compose``,
as a call of Albumentations, and in ``map`` and ``set_transform`` of datasets. They never import torch: only tensors
need it, which the caller brings.
"""

from __future__ import annotations

import bisect
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import corruptions, perturbations
from .api import corrupt, perturb, seeded_recipe
from .arguments import name_list, real_number, whole_number
from .benchmarks import names as benchmarks
from .benchmarks.recipe import pixel_id
from .corruptions.registry import SUITES
from .errors import UsageError, suggest
from .images.source_images import pixels
from .metrics import BENCHMARKS

#: One name or the name of a group, several names, or names with their weights.
Names: TypeAlias = str | Sequence[str] | Mapping[str, float]
#: One severity or difficulty, several, or each with its weight.
Levels: TypeAlias = int | Iterable[int] | Mapping[int, float]
Pixels: TypeAlias = NDArray[np.uint8]
#: Largest weight, so that no sum of weights overflows.
_LARGEST = 1e300


class Corrupt:
    """Corruption of every image of a sample, drawn at random by name and severity.

    Parameters
    ----------
    names : str, sequence of str, or mapping of str to float
        Corruptions to draw from: ``"all"``, ``"test"`` (the fifteen of mCE), ``"extra"`` (those for training and
        validation), a family such as ``"weather"``, one name, a sequence of names, or names with their weights. A set
        or a mapping is sorted into the published order, so that a seed gives the same draws in every process.
    severity : int, iterable of int, or mapping of int to float
        Severities to draw from, such as ``3``, ``range(1, 4)`` or ``{1: 0.5, 5: 0.5}``.
    p : float
        Probability with which an image is corrupted.
    seed : int, optional
        By default all draws are fresh, at every call and in every worker process, from the entropy of the system. With
        a seed they depend on the seed and on the pixels of the image alone: the same image is corrupted in the same
        way in every epoch, whatever the number of workers, and with one name and one severity as by
        `imagenet_cp.corrupt`.
    benchmark : str
        Severities and draws to use, as for `imagenet_cp.corrupt`.

    Raises
    ------
    ValueError
        A name, severity or weight, ``p`` or the benchmark is invalid.

    Notes
    -----
    A call takes one image, or a sample that holds images at any depth of its dicts, lists and tuples:

    - a Pillow image of mode RGB, or an array of uint8 of shape (H, W, 3) or (N, H, W, 3);
    - a tensor of uint8 of shape (3, H, W) or (N, 3, H, W), or of floats from 0 to 1, which are rounded to the 256
      levels and returned as floats; also a ``tv_tensors.Image``.

    Every Pillow image and ``tv_tensors.Image`` of a sample is corrupted, or, where there is none, the first tensor or
    array, as torchvision's transforms do, or the first list of single images, which may differ in size. All else is
    passed unchanged, such as labels, boxes, masks and key points. Each image of a batch has its own draws. With
    keywords, such as ``image=`` and ``mask=``, a call is one of Albumentations: it corrupts ``image`` and returns a
    dict.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((64, 64, 3), 128, np.uint8)
    >>> Corrupt("brightness", severity=3)(grey)[0, 0].tolist()
    [204, 204, 204]
    >>> image, label = Corrupt({"fog": 2, "snow": 1}, severity=range(1, 4), p=0.5)((grey, 7))
    >>> Corrupt("extra", seed=0)(image=grey, mask=grey[..., 0]).keys()
    dict_keys(['image', 'mask'])
    """

    def __init__(
        self,
        names: Names = "all",
        severity: Levels = corruptions.SEVERITIES,
        p: float = 1.0,
        seed: int | None = None,
        *,
        benchmark: str = "imagenet_c",
    ) -> None:
        self.p = real_number("p", p, 1)
        self._draws = _Draws(benchmark, {**benchmarks.CORRUPTIONS, **benchmarks.BAR}, seed)
        profile = self._draws.recipe.profile
        suite = "c_bar" if benchmark in benchmarks.BAR else "c"
        registry = corruptions.BAR if benchmark in benchmarks.BAR else corruptions.CORRUPTIONS
        known = [name for name, c in registry.items() if profile in c.tables]
        groups = _groups("mce", benchmark, known)
        for family in SUITES[suite]:
            if members := tuple(name for name in known if registry[name].family == family):
                groups[family] = members
        self._names = _Choice(_names(names, known, groups, "corruption"), "names")
        self._severities = _Choice(_levels("severity", severity, len(corruptions.SEVERITIES)), "severity")
        for name, level in itertools.product(self._names.options, self._severities.options):
            corruptions.lookup(name, level, profile, suite)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Corrupt the images of a sample; `Corrupt` lists the types.

        Raises
        ------
        TypeError, ValueError
            No image is in the sample, or one is of another type, shape, mode or range.
        """
        if named:
            if inputs or "image" not in named:
                given = [*(type(value).__name__ for value in inputs), *(f"{name}=" for name in named)]
                raise TypeError(
                    f"pass one sample without keywords, or as to Albumentations image= and more; got {', '.join(given)}"
                )
            return {**named, "image": _convert(named["image"], self._apply)}
        sample = inputs[0] if len(inputs) == 1 else inputs
        leaves: list[Any] = []
        _map_leaves(sample, leaves.append)
        chosen = _images(leaves)
        if not chosen:
            raise TypeError(
                f"no image in a sample of {type(sample).__name__}: pass a Pillow image, an array or tensor of uint8, "
                "or a dict, list or tuple with one"
            )
        results = iter(
            [_convert(leaf, self._apply) if i in chosen else leaf for i, leaf in enumerate(leaves)]
        )
        return _map_leaves(sample, lambda leaf: next(results))

    def _apply(self, image: Pixels) -> Pixels:
        if image.ndim == 4:
            return np.stack([self._apply(single) for single in image]) if len(image) else image
        image = corruptions.check_image(image)
        rng, draws = self._draws.of(image)
        whether, which, how = rng.random(3)
        if whether >= self.p:
            return image
        name, level = self._names.draw(which), self._severities.draw(how)
        return corrupt(image, name, level, benchmark=self._draws.recipe.dataset, **draws)

    def __repr__(self) -> str:
        return (
            f"Corrupt({self._names}, severity={self._severities}, p={self.p}, seed={self._draws.seed}, "
            f"benchmark={self._draws.recipe.dataset!r})"
        )


class RandomPerturb:
    """Sequence of frames of one image, perturbed by a perturbation that is drawn at random.

    Parameters
    ----------
    names : str, sequence of str, or mapping of str to float
        Perturbations to draw from: ``"all"``, ``"test"``, ``"extra"``, one name, a sequence of names, or names with
        their weights.
    difficulty : int, iterable of int, or mapping of int to float
        Difficulties to draw from: 1, and for the noises also 2 or 3.
    seed : int, optional
        As for `Corrupt`.
    benchmark : str
        Parameters, size and draws to use, as for `imagenet_cp.perturb`.

    Raises
    ------
    ValueError
        A name, difficulty, weight or the benchmark is invalid.

    Notes
    -----
    A call takes one image: of a Pillow image of mode RGB it returns a list of them, of an array of uint8 (H, W, 3) an
    array (frames, side, side, 3), of a tensor (3, H, W) a tensor (frames, 3, side, side). Most sequences have 31
    frames.
    """

    def __init__(
        self,
        names: Names = "all",
        difficulty: Levels = 1,
        seed: int | None = None,
        *,
        benchmark: str = "imagenet_p",
    ) -> None:
        self._draws = _Draws(benchmark, benchmarks.PERTURBATIONS, seed)
        profile = self._draws.recipe.profile
        known = [name for name, p in perturbations.PERTURBATIONS.items() if profile in p.tables]
        groups = _groups("mfr", benchmark, known)
        self._names = _Choice(_names(names, known, groups, "perturbation"), "names")
        self._difficulties = _Choice(
            _levels("difficulty", difficulty, len(perturbations.DIFFICULTIES)), "difficulty"
        )
        for name, level in itertools.product(self._names.options, self._difficulties.options):
            perturbations.check_difficulty(name, level)

    def __call__(self, image: Any) -> Any:
        """Perturb one image.

        Raises
        ------
        TypeError, ValueError
            The image is of another type, shape, mode or range.
        """
        if getattr(image, "ndim", 3) == 4:
            raise ValueError(
                f"one image, not a batch of the shape {tuple(image.shape)}; call it for each image"
            )
        frames = _convert(image, self._apply)
        return [Image.fromarray(frame) for frame in frames] if isinstance(image, Image.Image) else frames

    def _apply(self, image: Pixels) -> Pixels:
        image = corruptions.check_image(image)
        rng, draws = self._draws.of(image)
        name, level = self._names.draw(rng.random()), self._difficulties.draw(rng.random())
        return perturb(image, name, level, benchmark=self._draws.recipe.dataset, **draws)

    def __repr__(self) -> str:
        return (
            f"RandomPerturb({self._names}, difficulty={self._difficulties}, seed={self._draws.seed}, "
            f"benchmark={self._draws.recipe.dataset!r})"
        )


class _Draws:
    """Random draws of one image: fresh ones, or those of a seed and the pixels."""

    def __init__(self, benchmark: str, profiles: Mapping[str, str], seed: int | None) -> None:
        self.recipe = seeded_recipe(benchmark, profiles, seed)
        self.seed = None if seed is None else self.recipe.seed

    def of(self, image: Pixels) -> tuple[np.random.Generator, dict[str, Any]]:
        """Generator of the choices for an image, and the arguments of `corrupt` for its draws."""
        if self.seed is None:
            rng = np.random.default_rng()
            return rng, {"rng": rng}
        image_id = pixel_id(image)
        rng = np.random.Generator(self.recipe.bits("choice", 0, image_id).to_sfc64())
        return rng, {"seed": self.seed, "image_id": image_id}


class _Choice:
    """Options with their weights, drawn by a number from 0 to 1."""

    def __init__(self, weights: Mapping[Any, float], argument: str) -> None:
        checked = {
            option: real_number(f"{argument}: the weight of {option!r}", weight, _LARGEST)
            for option, weight in weights.items()
        }
        self.options = tuple(option for option, weight in checked.items() if weight)
        if not self.options:
            raise ValueError(f"{argument}: nothing to draw from; name at least one with a weight above 0")
        total = math.fsum(checked.values())
        sums = itertools.accumulate(weight for weight in checked.values() if weight)
        self._upper = [value / total for value in sums][:-1]
        self._weights = dict(weights)

    def draw(self, uniform: float) -> Any:
        return self.options[bisect.bisect_right(self._upper, uniform)]

    def __repr__(self) -> str:
        equal = len(set(self._weights.values())) == 1
        shown = self.options if equal else self._weights
        return repr(self.options[0] if len(self.options) == 1 else shown)


def _groups(metric: str, benchmark: str, known: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names that the mean of a metric is over, and the rest."""
    test = BENCHMARKS[metric][benchmark].test
    return {"test": test, "extra": tuple(name for name in known if name not in test)}


def _names(
    names: Names, known: Sequence[str], groups: Mapping[str, Sequence[str]], kind: str
) -> Mapping[str, float]:
    """Names with their weights."""
    if isinstance(names, str):
        names = known if names == "all" else groups.get(names, [names])
    listed = name_list("names", names, known)
    for name in listed:
        if name in ("all", *groups):
            raise UsageError(f"{name!r} is a group of names, which stands alone: names={name!r}")
        if name not in known:
            raise UsageError(f"unknown {kind} {name!r}{suggest(name, ['all', *groups, *known])}")
    return _weights("names", listed, names)


def _levels(argument: str, levels: Levels, most: int) -> Mapping[int, float]:
    """Levels with their weights."""
    try:
        listed: list[Any] = list(levels)  # type: ignore[arg-type]
    except TypeError:  # one number
        listed = [levels]
    return _weights(argument, [whole_number(argument, level, 1, most) for level in listed], levels)


def _weights(argument: str, options: Sequence[Any], given: Any) -> dict[Any, float]:
    """Options with the weights that are given, or with equal ones."""
    if repeated := [option for option in options if options.count(option) > 1]:
        raise UsageError(
            f"{argument}: {repeated[0]!r} is repeated; pass a dict of weights to draw it more often"
        )
    return {option: given[option] if isinstance(given, Mapping) else 1.0 for option in options}


class _Batch(list[Any]):
    """Images of a batch, which may differ in size."""


def _map_leaves(sample: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to all values of nested dicts, lists and tuples, and to lists of single images as a whole."""
    if isinstance(sample, Mapping):
        return {key: _map_leaves(value, function) for key, value in sample.items()}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(_map_leaves(value, function) for value in sample))
    if type(sample) is list and len(sample) > 1 and all(map(_is_single, sample)):
        return function(_Batch(sample))
    if type(sample) in (list, tuple):
        return type(sample)([_map_leaves(value, function) for value in sample])
    return function(sample)


def _images(leaves: Sequence[Any]) -> set[int]:
    """Positions of the images among the values of a sample, as torchvision's transforms find them."""
    typed = {i for i, leaf in enumerate(leaves) if isinstance(leaf, Image.Image) or _is_tv_image(leaf)}
    plain = (
        i for i, leaf in enumerate(leaves) if isinstance(leaf, (np.ndarray, _Batch)) or _is_plain_tensor(leaf)
    )
    return typed or set(itertools.islice(plain, 1))


def _convert(image: Any, function: Callable[[Pixels], Pixels]) -> Any:
    """Apply a function of arrays to an image of any type, and give its result that type."""
    if isinstance(image, Image.Image):
        if image.mode != "RGB":
            raise ValueError(
                f"the image is of mode {image.mode!r}, not 'RGB': convert it with image.convert('RGB'), or, if it is a "
                "mask, wrap it in a torchvision.tv_tensors.Mask"
            )
        result = function(pixels(image))
        return Image.fromarray(result) if result.ndim == 3 else result
    if isinstance(image, np.ndarray):
        return function(image)
    if isinstance(image, _Batch):
        return [_convert(single, function) for single in image]
    if _is_plain_tensor(image) or _is_tv_image(image):
        return _convert_tensor(image, function)
    raise TypeError(f"an image is a Pillow image, or an array or tensor of uint8, not {type(image).__name__}")


def _convert_tensor(tensor: Any, function: Callable[[Pixels], Pixels]) -> Any:
    torch: Any = sys.modules["torch"]
    shape = tuple(tensor.shape)
    if len(shape) not in (3, 4) or shape[-3] != 3:
        hint = "; move the channels with permute(2, 0, 1)" if len(shape) == 3 and shape[-1] == 3 else ""
        wanted = (
            "a batch has the shape (N, 3, H, W)" if len(shape) == 4 else "an image has the shape (3, H, W)"
        )
        raise ValueError(f"a tensor of {wanted}, not {shape}{hint}")
    values = tensor.detach()
    if tensor.is_floating_point():
        if values.numel() and not (float(values.min()) >= 0 and float(values.max()) <= 1):
            raise ValueError(
                f"a tensor of floats holds values from 0 to 1, not from {float(values.min()):.4g} to "
                f"{float(values.max()):.4g}; corrupt before the normalization"
            )
        values = (values.float() * 255).round().to(torch.uint8)
    elif tensor.dtype != torch.uint8:
        raise TypeError(f"a tensor of an image holds uint8, or floats from 0 to 1, not {tensor.dtype}")
    array = np.ascontiguousarray(values.cpu().movedim(-3, -1).numpy())
    result = torch.from_numpy(np.ascontiguousarray(np.moveaxis(function(array), -1, -3))).to(tensor.device)
    if tensor.is_floating_point():
        result = result.to(tensor.dtype) / 255
    return _tv_tensors().wrap(result, like=tensor) if _is_tv_image(tensor) else result


def _tv_tensors() -> Any:
    """Module of torchvision's types, None as long as nothing has imported it."""
    return sys.modules.get("torchvision.tv_tensors")


def _is_tv_image(value: Any) -> bool:
    module = _tv_tensors()
    return module is not None and isinstance(value, module.Image)


def _is_single(value: Any) -> bool:
    """True for an array or plain tensor of the shape of one image."""
    if isinstance(value, np.ndarray):
        return value.ndim == 3 and value.shape[2] == 3
    return _is_plain_tensor(value) and value.ndim == 3 and len(value) == 3


def _is_plain_tensor(value: Any) -> bool:
    torch, module = sys.modules.get("torch"), _tv_tensors()
    tensor = torch is not None and isinstance(value, torch.Tensor)
    return tensor and not (module is not None and isinstance(value, module.TVTensor))
