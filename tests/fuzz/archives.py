"""Damaged archives: pickles and records of CIFAR, arrays of NumPy, and zip and tar files with false sizes."""

import gzip
import io
import pickle
import pickletools
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from fuzz.damage import Case, damage

from imagenet_cp.archives.importer import import_official
from imagenet_cp.archives.known_releases import RELEASES
from imagenet_cp.errors import SourceError
from imagenet_cp.images.codecs import encode_png
from imagenet_cp.sources import open_source

COUNT = 700
IMAGES = 4
SIZES = (0, 1, 511, 512, 1 << 20, (1 << 26) + 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1)
CODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
TYPES = [bytes([kind]) for kind in b"0123456gxKLVSNDMA\0"]


def cases(folder: Path, random: Random) -> Iterator[Case]:
    RELEASES["cifar10_c"] = replace(RELEASES["cifar10_c"], images=IMAGES)
    makers: tuple[Callable[[Random], tuple[str, bytes]], ...] = (_pickle, _records, _array, _zip, _tar, _tar)
    for number in range(COUNT):
        maker = makers[number % len(makers)]
        name, data = maker(random)
        path = folder / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        call = partial(_import, path) if maker is _array else partial(read_all, path)
        yield Case(f"{number} {path} {len(data)} bytes", call, str(folder / str(number)))
        path.unlink()


def read_all(source: Path, images: int = 50) -> None:
    """List a source and read its first images; one that cannot be read may be left out."""
    opened = open_source(source)
    for item in opened.items[:images]:
        try:
            assert isinstance(opened.reader.read(item), bytes)
        except SourceError as error:
            assert item.location in str(error) and "\n" not in str(error), str(error)


def _import(path: Path) -> None:
    if path.name != "labels.npy":
        (path.parent / "labels.npy").write_bytes(ARRAYS["labels"])
    else:
        (path.parent / "fog.npy").write_bytes(ARRAYS["fog"])
    made = import_official([path.parent], path.parent / "out", check=False)
    assert made.files


PLANES = np.zeros((IMAGES, 3072), np.uint8)


def _saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


ARRAYS = {
    "fog": _saved(np.zeros((5 * IMAGES, 32, 32, 3), np.uint8)),
    "labels": _saved(np.zeros(5 * IMAGES, np.uint8)),
}


def _pickle(random: Random) -> tuple[str, bytes]:
    labels, name = random.choice(
        (("labels", "cifar-10-batches-py/test_batch"), ("fine_labels", "cifar-100-python/test"))
    )
    data = pickle.dumps({b"data": PLANES, labels.encode(): [1] * IMAGES}, random.choice((0, 2, 3, 4, 5)))
    match random.randrange(4):
        case 0:  # opcodes inserted at random, some of them again and again
            at = random.randrange(len(data))
            codes = b"".join(random.choice(CODES) for _ in range(random.choice((1, 4, 30))))
            data = data[:at] + codes * random.choice((1, 1, 40)) + data[at:]
        case 1:  # containers that hold themselves, deep and wide
            data = random.choice((b"(" * 9999, b"]" + b"2\x86" * 40, b"](" + b"h\0" * 99 + b"e")) + data
        case 2:
            at = random.randrange(min(300, len(data) - 4))
            data = data[:at] + struct.pack("<I", random.choice(SIZES) & 0xFFFFFFFF) + data[at + 4 :]
        case _:
            data = damage(data, random, edge=300)
    if random.random() < 0.3:
        return random.choice(("x.tar", "x.tar.gz")), _packed({name: data}, random)
    return name, data


def _records(random: Random) -> tuple[str, bytes]:
    name, before = random.choice(
        (("cifar-10-batches-bin/test_batch.bin", 1), ("cifar-100-binary/test.bin", 2))
    )
    return name, damage((bytes([random.choice((3, 3, 3, 10, 255))] * before) + bytes(3072)) * IMAGES, random)


def _array(random: Random) -> tuple[str, bytes]:
    name = random.choice(tuple(ARRAYS))
    data = ARRAYS[name]
    if random.random() < 0.6:
        shape = ", ".join(
            random.choice(("0", "1", "4", "20", "32", "3", "-1", "9" * 30, "1e9", "()", "20L"))
            for _ in range(random.randrange(6))
        )
        kind = random.choice(("|u1", "<i8", ">i2", "|O", "<f4", "|b1", "<U9", "<M8[s]", "x", "|u1', 'x': '"))
        order = random.choice(("False", "True", "0"))
        text = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}".ljust(117)
        version = random.choice((b"\1\0", b"\2\0", b"\3\0", b"\xff\0"))
        size = random.choice((len(text) + 1, 0, 0xFFFF)).to_bytes(2 if version == b"\1\0" else 4, "little")
        data = b"\x93NUMPY" + version + size + text.encode() + b"\n" + data[128:]
    return f"CIFAR-10-C/{name}.npy", damage(data, random, edge=128) if random.random() < 0.5 else data


def _zip(random: Random) -> tuple[str, bytes]:
    file = io.BytesIO()
    png = encode_png(np.zeros((8, 8, 3), np.uint8))
    root = "tiny-imagenet-200/"
    names = ["val_0.JPEG", "val_1.JPEG"]
    lines = [f"{name}\tn0000000{index}\t0\t0\t9\t9\n" for index, name in enumerate(names)]
    if random.random() < 0.2:
        lines.append(
            random.choice(
                ("\t\n", "../x\tn1\n", "val_9.JPEG\tn00000001\n", "a\0b\tn1\n", "x" * 99999, lines[0])
            )
        )
    members = {
        f"{root}wnids.txt": b"n00000000\nn00000001\n",
        f"{root}val/val_annotations.txt": "".join(lines).encode(),
    }
    members |= {f"{root}val/images/{name}": png for name in names}
    method = random.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            bomb = random.random() < 0.05
            archive.writestr(name, bytes(1 << 25) if bomb else data)
    data = bytearray(file.getvalue())
    for _ in range(random.choice((0, 1, 2))):  # fields of the central directory, and of the end
        at = data.find(
            random.choice((b"PK\1\2", b"PK\1\2", b"PK\3\4", b"PK\5\6")), random.randrange(len(data))
        )
        if at >= 0:
            field = at + random.choice((4, 6, 8, 10, 12, 16, 20, 24, 28, 30, 32, 42))
            data[field : field + 4] = struct.pack("<I", random.choice(SIZES) & 0xFFFFFFFF)
    return "x.zip", damage(bytes(data), random) if random.random() < 0.4 else bytes(data)


def _packed(members: dict[str, bytes], random: Random) -> bytes:
    file = io.BytesIO()
    with tarfile.open(
        fileobj=file,
        mode="w",
        format=random.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)),
    ) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if random.random() < 0.1:
                info.name = random.choice(
                    ("é" * 60 + name, "x/" * 70 + name, "../" + name, "/" + name, "a\nb" + name)
                )[-250:]
            try:
                archive.addfile(info, io.BytesIO(data))
            except ValueError:  # too long a name for the format
                continue
    data = file.getvalue()
    for _ in range(random.choice((0, 0, 1, 2))):
        data = _header(data, random)
    if random.random() < 0.3:
        data = damage(data, random, edge=512)
    return gzip.compress(data) if random.random() < 0.2 else data


def _header(data: bytes, random: Random) -> bytes:
    """Change a header of a tar archive, with a checksum that is right."""
    at = 512 * random.randrange(max(1, len(data) // 512))
    header = bytearray(data[at : at + 512])
    match random.randrange(4):
        case 0:
            header[124:136] = b"%011o\0" % min(random.choice(SIZES), 8**11 - 1)
        case 1:
            header[124:136] = b"\x80" + random.choice(SIZES).to_bytes(11, "big")
        case 2:
            header[156:157] = random.choice(TYPES)
        case 3:
            field = random.randrange(500)
            header[field : field + 8] = random.randbytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return data[:at] + bytes(header) + data[at + 512 :]


def _tar(random: Random) -> tuple[str, bytes]:
    png = encode_png(np.zeros((8, 8, 3), np.uint8))
    members = {"val/a/1.png": png, "val/b/2.png": png, "val/b/3.png": bytes(600)}
    return random.choice(("x.tar", "x.tar", "x.zip", "x.tgz")), _packed(members, random)
