"""NumPy's generator SFC64, seeded and stepped in compiled code, in the memory where NumPy keeps its state."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.random import SFC64, BitGenerator
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from .compiled import kernel

U, W = np.uint64, np.uint32
POOL = 4  # words
# The constants of NumPy's SeedSequence (O'Neill's seed_seq_fe), which is frozen (NEP 19).
INIT_A, MULT_A = 0x43B0D7E5, 0x931E8875
INIT_B, MULT_B = 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT = W(0xCA01F9DD), W(0x4973F715)
HALF = W(16)
FIRST_STEPS = 12  # taken before the first draw


class _Unseeded(ISeedSequence):
    """Gives an SFC64 its three words in no time; they are overwritten."""

    words: NDArray[Any] = np.zeros(3, U)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        return self.words


_UNSEEDED: Any = _Unseeded()  # the stubs know SeedSequence alone


def seeded(digest: bytes, into: SFC64 | None = None) -> SFC64:
    """Return ``SFC64(SeedSequence(int.from_bytes(digest, "little")))``, in a third of the time.

    95 streams a photograph are made, and NumPy's way takes longer than some kernels.

    Parameters
    ----------
    digest : bytes
        Some whole words of 32 bits.
    into : numpy.random.SFC64, optional
        A generator to be brought to this state and returned instead of a new one.
    """
    bits = SFC64(_UNSEEDED) if into is None else into
    _seed(address_of(bits), digest)
    return bits


_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def address_of(bits: BitGenerator) -> int:
    """Return the address of a generator's ``bitgen_t``, NumPy's C struct, which begins with a pointer to its state."""
    address: int = _pointer(bits.capsule, b"BitGenerator")
    return address


def check_memory(bits: SFC64) -> None:
    """Make sure that the state of an SFC64 lies in memory as the compiled loops take it to.

    Raises
    ------
    ImportError
        NumPy has laid it out in another way.
    """
    state = bits.state
    words = [*map(int, state["state"]["state"]), int(state["uinteger"]) << 32 | int(state["has_uint32"])]
    place = ctypes.c_void_p.from_address(address_of(bits)).value
    if place is None or list((ctypes.c_uint64 * 5).from_address(place)) != words:
        raise ImportError(
            f"imagenet_cp cannot step the SFC64 of NumPy {np.__version__}, whose state lies elsewhere in memory; "
            "install a newer imagenet-cp or an older numpy"
        )


check_memory(SFC64(_UNSEEDED))


def _follow(typing_context, address):
    """Return the pointer that stands at an address: for that of a ``bitgen_t`` the one to an SFC64's five words.

    The lower half of the last word says whether its upper half is still to be drawn.
    """

    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(64).as_pointer()
        return builder.load(builder.inttoptr(arguments[0], pointer.as_pointer()))

    return types.CPointer(types.uint64)(address), generate  # type: ignore[no-untyped-call]


state_at: Any = intrinsic(_follow)


@kernel
def step(a, b, c, counter):
    """Return SFC64's next state, and its word."""
    word = a + b + counter
    return b ^ (b >> U(11)), c + (c << U(3)), ((c << U(24)) | (c >> U(40))) + word, counter + U(1), word


@kernel
def _hashed(word, factor, multiplier):
    """Return the hash of a word and the next factor."""
    following = W(factor * multiplier)
    word = W(W(word ^ factor) * following)
    return W(word ^ (word >> HALF)), following


@kernel
def _seed_sequence(digest, out):
    """Fill ``out`` as ``SeedSequence(int.from_bytes(digest, "little")).generate_state`` does."""
    size = len(digest) // 4
    entropy = np.empty(size, W)
    for i in range(size):
        entropy[i] = W(digest[4 * i]) | W(digest[4 * i + 1]) << W(8)
        entropy[i] |= W(digest[4 * i + 2]) << W(16) | W(digest[4 * i + 3]) << W(24)
    while size and entropy[size - 1] == 0:  # the integer has no leading zeros
        size -= 1
    pool = np.empty(POOL, W)
    factor = W(INIT_A)
    for i in range(POOL):
        pool[i], factor = _hashed(entropy[i] if i < size else W(0), factor, W(MULT_A))
    for source in range(max(POOL, size)):
        for i in range(POOL):
            if i != source:
                word = pool[source] if source < POOL else entropy[source]
                word, factor = _hashed(word, factor, W(MULT_A))
                mixed = W(W(MIX_LEFT * pool[i]) - W(MIX_RIGHT * word))
                pool[i] = mixed ^ (mixed >> HALF)
    factor = W(INIT_B)
    for i in range(out.size):
        out[i], factor = _hashed(pool[i % POOL], factor, W(MULT_B))


@kernel
def _seed(address, digest):
    words = np.empty(6, W)
    _seed_sequence(digest, words)
    a, b, c, counter = (
        U(words[0]) | U(words[1]) << U(32),
        U(words[2]) | U(words[3]) << U(32),
        U(words[4]) | U(words[5]) << U(32),
        U(1),
    )
    for _ in range(FIRST_STEPS):
        a, b, c, counter, _ = step(a, b, c, counter)
    state = state_at(address)
    state[0], state[1], state[2], state[3], state[4] = a, b, c, counter, U(0)
