"""Bits of 64-bit words in compiled code."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


def _trailing_zeros(typing_context, word):
    """Count the trailing zero bits of a nonzero word."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


def _byteswap(typing_context, word):
    """Reverse the bytes of a word."""

    def generate(context, builder, signature, arguments):
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), generate


def _reverse(typing_context, word):
    """Reverse the bits of a word."""

    def generate(context, builder, signature, arguments):
        return builder.bitreverse(arguments[0])

    return types.uint64(types.uint64), generate


def _store_word(typing_context, array, at, word):
    """Store the bytes of a word in an array of bytes, starting at ``at``."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), generate


trailing_zeros: Any = intrinsic(_trailing_zeros)
byteswap: Any = intrinsic(_byteswap)
reverse: Any = intrinsic(_reverse)
store_word: Any = intrinsic(_store_word)
