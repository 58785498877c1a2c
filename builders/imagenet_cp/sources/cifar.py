"""CIFAR-10's and CIFAR-100's test images, from their archives for Python or their binary ones, packed or unpacked."""

from __future__ import annotations

import functools
import gzip
import io
import os
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..images import codecs
from .base import Item, Source, check_stamp, reading, row_id, stamp_of
from .tar_members import members

Pixels = NDArray[np.uint8]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_NAMES_OF_100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CIFAR100 = tuple(_NAMES_OF_100.split())

_PIXELS = 3 * 32 * 32
#: The test images are 31 MB; a crafted archive could ask for any amount of memory.
_LARGEST = 1 << 28
#: No archive, unpacked, is longer: these have 180 MB.
_LONGEST = 1 << 30


class _Kind(NamedTuple):
    """A form of the data: its folder in the archive, the file in it, the classes, and how the file is read."""

    folder: str
    file: str
    classes: tuple[str, ...]
    parse: Callable[[bytes], tuple[Pixels, list[int]]]


@dataclass(frozen=True)
class CifarReader:
    """Reads items that are images of CIFAR, as PNG; a process reads the file they are in once."""

    place: str
    kind: int

    def read(self, item: Item) -> bytes:
        """Encode the image as PNG, if its file is still the one that was listed."""
        with reading(item.location):
            check_stamp(os.stat(self.place), item.stamp, item.location)
        pixels, _ = _load(self.place, self.kind, item.stamp)
        return codecs.encode_png(np.ascontiguousarray(pixels[int(item.location.rpartition("#")[2])]))


def open_cifar(source: str | os.PathLike[str]) -> Source | None:
    """List CIFAR's test images in the order of their file.

    Their ids are the numbers of their rows, ``row-000000`` and so on, as for the data sets on the Hub, so that all of
    these give the same images. The classes are CIFAR's own.

    Parameters
    ----------
    source : str or path
        ``cifar-10-python.tar.gz``, ``cifar-10-binary.tar.gz``, their counterparts of CIFAR-100, also not compressed;
        the folder inside one of these, or the folder it is in.

    Returns
    -------
    Source or None
        None if this is not CIFAR.

    Raises
    ------
    SourceError
        The file of the test images is damaged, or is a pickle of something else.
    """
    path = Path(source).expanduser().resolve()
    found = _in_folder(path) if path.is_dir() else _as_file(path)
    if found is None:
        return None
    place, kind = found
    with reading(place):
        stamp = stamp_of(place.stat())
    _, labels = _load(str(place), kind, stamp)
    items = tuple(Item(row_id(row), label, f"{place}#{row}", stamp) for row, label in enumerate(labels))
    return Source(str(path), _KINDS[kind].classes, items, CifarReader(str(place), kind))


def _in_folder(folder: Path) -> tuple[Path, int] | None:
    for number, kind in enumerate(_KINDS):
        # "test" alone says little; CIFAR-100 has its "meta" beside it.
        own = folder.name == kind.folder or kind.file != "test" or (folder / "meta").is_file()
        for place in (folder / kind.folder / kind.file, *((folder / kind.file,) if own else ())):
            if place.is_file():
                return place, number
    return None


def _as_file(path: Path) -> tuple[Path, int] | None:
    """Find the form of CIFAR that a file has: the file in a folder, or an archive, by its first member."""
    found = _in_folder(path.parent)
    if found is not None and found[0] == path:
        return found
    try:
        with _unpacked(path) as file:
            first = next(members(file, _LONGEST, str(path)), None)
    except (SourceError, OSError, EOFError, zlib.error):
        return None
    folder = first.name.split("/")[0] if first else ""
    return next(((path, number) for number, kind in enumerate(_KINDS) if kind.folder == folder), None)


def _unpacked(path: str | Path) -> IO[bytes]:
    file = open(path, "rb")  # noqa: SIM115  (the caller closes it)
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    if not compressed:
        return file
    file.close()
    return cast("IO[bytes]", gzip.open(path, "rb"))


@functools.lru_cache(maxsize=1)
def _load(place: str, kind: int, stamp: str) -> tuple[Pixels, list[int]]:
    """Read all pixels, uint8 (N, 32, 32, 3), and labels; cached for the next image of the same file."""
    _, name, classes, parse = _KINDS[kind]
    try:
        data = Path(place).read_bytes() if Path(place).name == name else _member(place, _KINDS[kind])
        if len(data) > _LARGEST:
            raise SourceError(f"{len(data):,} bytes are too many for CIFAR's test images")
        planes, labels = parse(data)
    except SourceError as error:
        text = str(error)
        raise SourceError(text if text.startswith(place) else f"{place}: {text}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{place}: damaged, or cut short ({error})") from error
    if len(labels) != len(planes):
        raise SourceError(f"{place}: {len(planes)} images but {len(labels)} labels")
    for row, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < len(classes):
            raise SourceError(
                f"{place}: image {row} has the label {label!r}, which is none of {len(classes)} classes"
            )
    return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _member(place: str, kind: _Kind) -> bytes:
    wanted = f"{kind.folder}/{kind.file}"
    with _unpacked(place) as file:
        for member in members(file, _LONGEST, place):
            if member.name == wanted and not member.other:
                if member.size > _LARGEST:
                    raise SourceError(f"{wanted} has {member.size:,} bytes, too many for CIFAR's test images")
                data = file.read(member.size)
                if len(data) < member.size:
                    raise EOFError(f"{wanted} has only {len(data):,} of {member.size:,} bytes")
                return data
    raise SourceError(f"there is no {wanted} in it")


def _binary(data: bytes, labels: int) -> tuple[Pixels, list[int]]:
    """Read records of one or two bytes of labels, the last of which counts, and three planes of 32 x 32 pixels."""
    record = labels + _PIXELS
    if not data or len(data) % record:
        raise SourceError(f"{len(data):,} bytes are no whole number of records of {record} bytes")
    table = np.frombuffer(data, np.uint8).reshape(-1, record)
    return table[:, labels:], table[:, labels - 1].tolist()


def _pickled(data: bytes, labels: str) -> tuple[Pixels, list[int]]:
    try:
        stored = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        columns = {_text(key): value for key, value in stored.items()}
        planes, numbers = columns["data"], columns[labels]
        if isinstance(planes, _Array):
            planes = planes.values()
        if not (isinstance(planes, np.ndarray) and planes.ndim == 2 and planes.shape[1] == _PIXELS):
            raise SourceError(f"its data are no array of (images, {_PIXELS}) bytes")
        return planes, list(numbers)
    except SourceError:
        raise
    except KeyError as error:
        raise SourceError(f"a pickle without {error}, which CIFAR's have") from None
    except Exception as error:  # a damaged or hostile pickle can raise anything
        raise SourceError(f"cannot be read as CIFAR's pickle ({error})") from error


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _DType:
    """Substitute for numpy.dtype."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = _text(name)

    def __setstate__(self, state: Any) -> None:
        """Byte order and the like do not matter to single bytes."""


class _Array:
    """Substitute for numpy.ndarray, so that no code of NumPy runs on the contents of a pickle."""

    def __init__(self, *_: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def values(self) -> Pixels:
        _, shape, dtype, by_columns, data = self.state
        raw = data.encode("latin-1") if isinstance(data, str) else data
        return _array(raw, dtype, shape, "F" if by_columns else "C")


def _array(data: Any, dtype: Any, shape: Any, order: str = "C", *_: Any) -> Pixels:
    if not isinstance(dtype, _DType) or dtype.name != "u1":
        raise SourceError(f"its data are {getattr(dtype, 'name', dtype)!r} and not bytes (u1)")
    return np.frombuffer(data, np.uint8).reshape(tuple(map(int, shape)), order="F" if order == "F" else "C")


def _encode(text: str, _: str = "latin-1") -> bytes:
    return text.encode("latin-1")


#: All that CIFAR's pickles name: as they were published, and as today's NumPy writes the same.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _DType,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _array,
    ("numpy._core.numeric", "_frombuffer"): _array,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise SourceError(
                f"its pickle asks for {module}.{name}, which CIFAR's do not; nothing of it was run. It may be an "
                "attempt to run a program: take the archive from its authors' page"
            )
        return _ALLOWED[module, name]


_KINDS = (
    _Kind("cifar-10-batches-py", "test_batch", CIFAR10, lambda data: _pickled(data, "labels")),
    _Kind("cifar-100-python", "test", CIFAR100, lambda data: _pickled(data, "fine_labels")),
    _Kind("cifar-10-batches-bin", "test_batch.bin", CIFAR10, lambda data: _binary(data, 1)),
    _Kind("cifar-100-binary", "test.bin", CIFAR100, lambda data: _binary(data, 2)),
)
