"""SFC64, one of NumPy's bit generators, seeded and stepped in compiled code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import SFC64, BitGenerator
from numpy.typing import NDArray

from .compiled import kernel

POOL = 4  # words
# The constants of NumPy's SeedSequence (O'Neill's seed_seq_fe), which is frozen (NEP 19).
INIT_A, MULT_A = 0x43B0D7E5, 0x931E8875
INIT_B, MULT_B = 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
HALF = np.uint32(16)
FIRST_STEPS = 12  # taken before the first draw


@dataclass(eq=False)
class Stream:
    """Random stream of one image: the state of an SFC64, stepped by compiled code.

    Attributes
    ----------
    state : ndarray of uint64, shape (5,)
        SFC64's a, b, c and counter. The fifth word buffers the upper half of the last word from which 32 bits were
        drawn: the upper 32 bits hold it, and the lowest bit is 1 while it is to be drawn next.
    """

    state: NDArray[np.uint64]

    @classmethod
    def from_sfc64(cls, bits: SFC64) -> Stream:
        """Copy the state of NumPy's generator."""
        public = bits.state
        state = np.empty(5, np.uint64)
        state[:4] = public["state"]["state"]
        state[4] = int(public["uinteger"]) << 32 | int(public["has_uint32"])
        return cls(state)

    def to_sfc64(self, out: SFC64 | None = None) -> SFC64:
        """Copy the state to ``out``, or to a new generator of NumPy."""
        out = SFC64(0) if out is None else out
        half = int(self.state[4])
        state: Any = {
            "bit_generator": "SFC64",
            "state": {"state": self.state[:4].copy()},
            "has_uint32": half & 1,
            "uinteger": half >> 32,
        }
        out.state = state
        return out


#: Sources of random draws: a stream is stepped in compiled code, a generator of NumPy through RandomState.
Bits: TypeAlias = Stream | BitGenerator


@contextmanager
def compiled_stream(bits: object) -> Iterator[Bits]:
    """Context in which an SFC64 is a `Stream`; on exit, also after an error, the generator gets the new state.

    Raises
    ------
    TypeError
        If ``bits`` is neither a `Stream` nor a NumPy bit generator.
    """
    if type(bits) is SFC64:
        with bits.lock:
            stream = Stream.from_sfc64(bits)
            try:
                yield stream
            finally:
                stream.to_sfc64(bits)
    elif isinstance(bits, (Stream, BitGenerator)):
        yield bits
    else:
        raise TypeError(
            f"bits must be a numpy.random.BitGenerator such as SFC64(0), not {type(bits).__name__}"
        )


def seeded(digest: bytes) -> Stream:
    """Return the stream of ``SFC64(SeedSequence(int.from_bytes(digest, "little")))``.

    Parameters
    ----------
    digest : bytes
        Its length is a multiple of four.
    """
    state = np.empty(5, np.uint64)
    _seed(digest, state)
    return Stream(state)


@kernel
def step(a, b, c, counter):
    """Return the next state of SFC64, and its output word."""
    word = a + b + counter
    rotated = (c << np.uint64(24)) | (c >> np.uint64(40))
    return b ^ (b >> np.uint64(11)), c + (c << np.uint64(3)), rotated + word, counter + np.uint64(1), word


@kernel
def _hashed(word, factor, multiplier):
    """Return the hash of a word and the next factor."""
    following = np.uint32(factor * multiplier)
    word = np.uint32(np.uint32(word ^ factor) * following)
    return np.uint32(word ^ (word >> HALF)), following


@kernel
def _seed_sequence(digest, out):
    """Fill ``out`` as ``SeedSequence(int.from_bytes(digest, "little")).generate_state`` does."""
    size = len(digest) // 4
    entropy = np.zeros(size, np.uint32)
    for i in range(4 * size):
        entropy[i // 4] |= np.uint32(digest[i]) << np.uint32(8 * (i % 4))
    while size and entropy[size - 1] == 0:  # the integer has no leading zeros
        size -= 1
    pool = np.empty(POOL, np.uint32)
    factor = np.uint32(INIT_A)
    for i in range(POOL):
        pool[i], factor = _hashed(entropy[i] if i < size else np.uint32(0), factor, np.uint32(MULT_A))
    for source in range(max(POOL, size)):
        for i in range(POOL):
            if i != source:
                word = pool[source] if source < POOL else entropy[source]
                word, factor = _hashed(word, factor, np.uint32(MULT_A))
                mixed = np.uint32(np.uint32(MIX_LEFT * pool[i]) - np.uint32(MIX_RIGHT * word))
                pool[i] = mixed ^ (mixed >> HALF)
    factor = np.uint32(INIT_B)
    for i in range(out.size):
        out[i], factor = _hashed(pool[i % POOL], factor, np.uint32(MULT_B))


@kernel
def _seed(digest, state):
    words = np.empty(6, np.uint32)
    _seed_sequence(digest, words)
    state[3], state[4] = 1, 0
    for k in range(3):
        state[k] = np.uint64(words[2 * k]) | np.uint64(words[2 * k + 1]) << np.uint64(32)
    for _ in range(FIRST_STEPS):
        state[0], state[1], state[2], state[3], _ = step(state[0], state[1], state[2], state[3])
