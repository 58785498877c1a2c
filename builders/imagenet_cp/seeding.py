"""NumPy's SeedSequence, compiled: 95 streams a photograph are made, and its own takes longer than some kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

W = np.uint32
POOL = 4  # words
# The constants of NumPy's algorithm (O'Neill's seed_seq_fe), which is frozen (NEP 19).
INIT_A, MULT_A = 0x43B0D7E5, 0x931E8875
INIT_B, MULT_B = 0x8B51F9DD, 0x58F38DED
MIX_LEFT, MIX_RIGHT = W(0xCA01F9DD), W(0x4973F715)
HALF = W(16)


class DigestSequence(ISeedSequence):
    """Seeds a bit generator exactly as ``SeedSequence(int.from_bytes(digest, "little"))`` does.

    Parameters
    ----------
    digest : bytes
        Some whole words of 32 bits.
    """

    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return that many words of uint32 or uint64."""
        words = np.empty(n_words, dtype)
        _generate(self.digest, words.view(W))
        return words


@njit(cache=True, nogil=True, error_model="numpy")
def _hashed(word, factor, multiplier):  # type: ignore[no-untyped-def]
    """Return the hash of a word and the next factor."""
    following = W(factor * multiplier)
    word = W(W(word ^ factor) * following)
    return W(word ^ (word >> HALF)), following


@njit(cache=True, nogil=True, error_model="numpy")
def _generate(digest, out):  # type: ignore[no-untyped-def]
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
