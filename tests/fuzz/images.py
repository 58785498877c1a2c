"""Damaged images in all formats, and files of other formats, under the endings of images."""

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from fuzz.damage import Case, damage
from PIL import Image

from imagenet_cp.benchmarks.catalog import BENCHMARKS
from imagenet_cp.evaluation.data.built_rows import _decode
from imagenet_cp.images.source_images import FORMATS

COUNT = 1000
NUMBERS = (0, 1, 2, 3, 8, 16, 32, 255, 1 << 15, 0xFFFF, 1 << 24, 0x7FFFFFFF, 0xFFFFFFFF)
#: Beginnings of files of other formats, the first of which runs Ghostscript in Pillow.
OTHERS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) print quit\n",
    b"%PDF-1.7\n1 0 obj\n",
    b"8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\x10\0\0\0\x10\0\x08\0\3",
    b"SIMPLE  =                    T",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"\xd7\xcd\xc6\x9a",
    b"\0\0\1\0\1\0",
    b"FORM\0\0\0\4ILBM",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\0\0\0\x1cftypavif",
    b"\x01\xda\x01\x01\0\3",
    b"DDS |\0\0\0",
)


def cases(folder: Path, random: Random) -> Iterator[Case]:
    whole = originals()
    for number in range(COUNT):
        data = make(whole, random)
        yield Case(f"{number} {data[:200].hex()}", partial(_prepare, data), "x/a.jpg")
        if number % 4 == 0:
            yield Case(f"{number} as a row", partial(_decoded, data), "")


def _prepare(data: bytes) -> None:
    pixels = BENCHMARKS["imagenet_c"].prepare(data, "x/a.jpg")
    assert pixels.shape == (224, 224, 3) and pixels.dtype == "uint8"


def _decoded(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # which the caller gives its row
        _decode(data)


def originals() -> list[tuple[str, bytes]]:
    """Format and file of images in every mode that the format has."""
    grey = Image.linear_gradient("L").resize((40, 30))
    images = [grey.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F")]
    images += [Image.new("I;16", (40, 30), 4711)]
    found = []
    for name in FORMATS:
        for image in images:
            for options in (
                {},
                {"compression": "tiff_lzw"},
                {"progressive": True},
                {"save_all": True, "append_images": [image]},
            ):
                file = io.BytesIO()
                try:
                    image.save(file, name, **options)
                except (OSError, ValueError, KeyError):
                    continue
                if (name, file.getvalue()) not in found:
                    found.append((name, file.getvalue()))
    return found


def make(whole: list[tuple[str, bytes]], random: Random) -> bytes:
    name, data = random.choice(whole)
    match random.randrange(8):
        case 0:
            return random.choice(OTHERS) + damage(data, random)
        case 1:
            return _ppm(random)
        case 2:
            return _tiff(random)
        case 3 | 4 if name == "PNG":
            return _png(data, random)
        case 3 if name == "BMP":
            field = 14 + random.choice((0, 4, 8, 12, 14, 16, 20, 32))
            return data[:field] + struct.pack("<I", random.choice(NUMBERS)) + data[field + 4 :]
        case _:
            return damage(data, random)


def _png(data: bytes, random: Random) -> bytes:
    """A PNG file with changed chunks whose checksums are right."""
    chunks, at = [], 8
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += size + 12
    place = random.randrange(len(chunks))
    kind, content = chunks[place]
    match random.randrange(4):
        case 0:
            sides = [random.choice((*NUMBERS, 30, 40)) for _ in range(2)]
            chunks[0] = (
                b"IHDR",
                struct.pack(">2I5B", *sides, *(random.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(5))),
            )
        case 1:
            del chunks[place]
        case 2:
            chunks[place] = (
                random.choice((b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"fdAT", b"acTL", kind)),
                damage(content, random),
            )
        case 3:
            bomb = zlib.compress(bytes(1 << 22))
            chunks.insert(
                1, random.choice(((b"zTXt", b"k\0\0" + bomb), (b"iCCP", b"p\0\0" + bomb), chunks[place]))
            )
    return data[:8] + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _ppm(random: Random) -> bytes:
    magic = random.choice(b"P1 P2 P3 P4 P5 P6 P7 Pf PF P0CMYK PyP PyRGBA PyCMYK".split())
    numbers = b"40 30 1 0 -1 255 65535 65536 13000 999999999999 1e3".split()
    fields = random.choices([*numbers, b"#c\n"], k=random.choice((2, 3, 3, 3, 4)))
    return b" ".join((magic, *fields)) + b"\n" + random.randbytes(random.choice((0, 40, 3600, 9600)))


def _tiff(random: Random) -> bytes:
    """A TIFF file of random tags, most of them as they should be."""
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 16: 8}
    bits = random.choice((1, 2, 4, 8, 8, 12, 16, 32, 64))
    samples = random.choice((1, 1, 1, 3, 4, 5))
    tags = {256: 40, 257: 30, 258: bits, 273: 8, 277: samples, 278: 30, 279: 9600}
    tags[259] = random.choice((1, 1, 5, 7, 8, 32773))
    tags[262] = random.choice((0, 1, 2, 3, 5, 6))
    tags[339] = random.choice((1, 2, 3))
    for _ in range(random.choice((0, 0, 1, 2))):
        tags[random.choice((*tags, 266, 284, 317, 320, 322, 338, 700, 34675))] = random.choice(NUMBERS)
    order, mark = random.choice((("<", b"II"), (">", b"MM")))
    entries = b""
    for tag, value in sorted(tags.items()):
        kind, count = random.choice((3, 4, 4, 4, 4)), 1
        if random.random() < 0.03:
            kind, count = random.choice((*sizes, 99)), random.choice(NUMBERS)
        packed = struct.pack(
            order + ("H2x" if kind == 3 else "I"), value & (0xFFFF if kind == 3 else 0xFFFFFFFF)
        )
        entries += struct.pack(order + "HHI", tag, kind, count) + packed
    body = random.randbytes(9600)
    return (
        mark
        + struct.pack(order + "HI", 42, 8 + len(body))
        + body
        + struct.pack(order + "H", len(tags))
        + entries
        + bytes(4)
    )
