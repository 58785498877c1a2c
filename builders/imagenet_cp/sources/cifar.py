"""CIFAR-10's and CIFAR-100's test images, from their archives for Python or their binary ones, packed or unpacked."""

from __future__ import annotations

import functools
import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..images import codecs
from . import pickles
from .source import Item, Source, check_stamp, reading, row_id, stamp_of
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
_LARGEST = 1 << 26
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
    if not compressed:
        return file  # `members` moves to its beginning
    file.close()
    return cast("IO[bytes]", gzip.open(path, "rb"))


@functools.lru_cache(maxsize=1)
def _load(place: str, kind: int, stamp: str) -> tuple[Pixels, list[int]]:
    """Read all pixels, uint8 (N, 32, 32, 3), and labels; cached for the next image of the same file."""
    _, name, classes, parse = _KINDS[kind]
    try:
        data = _file(place) if Path(place).name == name else _member(place, _KINDS[kind])
        planes, labels = parse(data)
    except SourceError as error:
        text = str(error)
        raise SourceError(text if text.startswith(place) else f"{place}: {text}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{place}: damaged, or cut short ({error}); fetch it again") from error
    if len(labels) != len(planes):
        raise SourceError(f"{place}: {len(planes)} images but {len(labels)} labels; fetch it again")
    for row, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < len(classes):
            shown = repr(label)[:20] if isinstance(label, (int, str)) else type(label).__name__
            raise SourceError(
                f"{place}: image {row} has the label {shown}, which is none of {len(classes)} classes; fetch it again"
            )
    return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels


def _file(place: str) -> bytes:
    _check_size(os.stat(place).st_size)
    return Path(place).read_bytes()


def _check_size(size: int) -> None:
    if size > _LARGEST:
        raise SourceError(f"{size:,} bytes are too many for CIFAR's test images")


def _member(place: str, kind: _Kind) -> bytes:
    wanted = f"{kind.folder}/{kind.file}"
    with _unpacked(place) as file:
        for member in members(file, _LONGEST, place):
            if member.name == wanted and not member.other:
                _check_size(member.size)
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
        stored = pickles.load(data, _NAMES)
        columns = {_text(key): value for key, value in stored.items()}
        planes, numbers = _planes(columns["data"]), columns[labels]
        if not isinstance(numbers, list):
            raise SourceError(f"its {labels} are no list")
        return planes, numbers
    except SourceError:
        raise
    except KeyError as error:
        raise SourceError(f"a pickle without {error}, which CIFAR's have") from None
    except Exception as error:  # a damaged or hostile pickle can raise anything
        raise SourceError(f"cannot be read as CIFAR's pickle ({error})") from error


def _text(value: Any) -> str:
    if isinstance(value, pickles.Call):  # Python 3 may store bytes as text that is to be encoded
        value = value.arguments[0]
    if isinstance(value, (bytes, bytearray)):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _planes(array: Any) -> Pixels:
    """Pixels of a pickled array, as NumPy stored it in 2010 (`_reconstruct`) or does today (`_frombuffer`)."""
    name = array.name if isinstance(array, pickles.Call) else ""
    if name.endswith("._reconstruct"):
        _, shape, dtype, by_columns, data = array.state
    elif name.endswith("._frombuffer"):
        data, dtype, shape, order = array.arguments
        by_columns = order == "F"
    else:
        shape = ()
    if not (
        isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[0], int) and shape[1] == _PIXELS
    ):
        raise SourceError(f"its data are no array of (images, {_PIXELS}) bytes")
    if _text(dtype.arguments[0]) != "u1":
        raise SourceError(f"its data are {_text(dtype.arguments[0])!r:.20} and not bytes (u1)")
    return np.frombuffer(_text(data).encode("latin-1"), np.uint8).reshape(
        shape, order="F" if by_columns else "C"
    )


#: All that CIFAR's pickles name: as they were published, and as today's NumPy writes the same.
_NAMES = (
    "_codecs.encode",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.numeric._frombuffer",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",
)
_KINDS = (
    _Kind("cifar-10-batches-py", "test_batch", CIFAR10, lambda data: _pickled(data, "labels")),
    _Kind("cifar-100-python", "test", CIFAR100, lambda data: _pickled(data, "fine_labels")),
    _Kind("cifar-10-batches-bin", "test_batch.bin", CIFAR10, lambda data: _binary(data, 1)),
    _Kind("cifar-100-binary", "test.bin", CIFAR100, lambda data: _binary(data, 2)),
)
