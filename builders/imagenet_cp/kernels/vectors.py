"""SIMD vectors for compiled code: loaded from arrays, computed with and stored.

A filter with a loop over its taps around a loop over the values of a row writes and reads its sums once per tap, and
each inner loop has a start-up cost. With vectors the loop over the taps is the inner one and the sums stay in
registers::

    load, broadcast = lanes(256)  # bytes
    for at in range(0, size, 256 // out.itemsize):
        total = load(source, at) * broadcast(taps[0])
        for t in range(1, taps.size):
            total = total + load(source, at + t) * broadcast(taps[t])
        store(out, at, total)

Vectors are added, subtracted and multiplied elementwise, floats by IEEE operations that are never fused; signed
integers can also be shifted. There are no bounds checks: an array must have padding for the lanes that are read or
written beyond its values.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from .compiled import kernel

LINE = 64  # bytes of a cache line


class Vector(types.Type):
    """Vector of ``count`` values of the type ``of``."""

    def __init__(self, of: types.Type, count: int) -> None:
        self.of, self.count = of, count
        super().__init__(name=f"Vector({count} x {of})")


@register_model(Vector)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Vector) -> None:
        vector = ir.VectorType(manager.lookup(lanes.of).get_value_type(), lanes.count)
        super().__init__(manager, lanes, vector)  # type: ignore[no-untyped-call]


@kernel
def aligned(size):
    """Return an uninitialized array of ``size`` doubles that starts at a cache line.

    Those of NumPy and numba start within one, and a vector of 64 bytes that crosses the end of a line is loaded and
    stored at half the speed.
    """
    array = np.empty(size + LINE // 8)
    start = -(array.ctypes.data // 8) % (LINE // 8)
    return array[start : start + size]


def lanes(size: int) -> tuple[Any, Any]:
    """Return functions for compiled code that load and broadcast vectors.

    Parameters
    ----------
    size : int
        Bytes of a vector, a power of two. It may exceed the registers of the processor: the sums in its parts are
        independent and overlap.

    Returns
    -------
    load, broadcast : callable
        ``load(array, at)`` loads a vector from a one-dimensional array, starting at ``at``; ``broadcast(value)``
        fills a vector with a value.
    """

    def load(typing_context, array, at):
        loaded = _of(array.dtype, size)

        def generate(context, builder, signature, arguments):
            return builder.load(_place(context, builder, signature, arguments, loaded), align=_align(loaded))

        return loaded(array, at), generate

    def broadcast(typing_context, value):
        filled = _of(value, size)

        def generate(context, builder, signature, arguments):
            vector, index = context.get_value_type(filled), ir.IntType(32)
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[0], index(0))
            return builder.shuffle_vector(
                first, first, ir.VectorType(index, filled.count)([0] * filled.count)
            )

        return filled(value), generate

    return intrinsic(load), intrinsic(broadcast)


def _of(values: Any, size: int) -> Vector:
    return Vector(values, 8 * size // values.bitwidth)


def _store(typing_context, array, at, values):
    """Store the values in a one-dimensional array, starting at ``at``."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature, arguments, values)
        builder.store(arguments[2], place, align=_align(values))
        return context.get_dummy_value()

    return types.void(array, at, values), generate


store: Any = intrinsic(_store)


def _convert(instruction: str, target: types.Type) -> Any:
    def convert(typing_context, values):
        converted = Vector(target, values.count)

        def generate(context, builder, signature, arguments):
            return getattr(builder, instruction)(arguments[0], context.get_value_type(converted))

        return converted(values), generate

    return intrinsic(convert)


float32_to_64, float64_to_32 = _convert("fpext", types.float64), _convert("fptrunc", types.float32)
int32_to_float, float_to_int32 = _convert("sitofp", types.float32), _convert("fptosi", types.int32)
uint8_to_32, int32_to_uint8 = _convert("zext", types.int32), _convert("trunc", types.uint8)
float_bits = _convert("bitcast", types.int32)
int16_to_32, int32_to_16 = _convert("sext", types.int32), _convert("trunc", types.int16)


def _transposed(typing_context, a, b, c, d, e, f, g, h):
    """Transpose 8x8 blocks that lie side by side: take their rows and return their columns."""
    block = types.UniTuple(a, 8)  # type: ignore[no-untyped-call]

    def generate(context, builder, signature, arguments):
        rows = list(arguments)
        for step in (1, 2, 4):  # swap pairs of values across the diagonal
            lanes = range(a.count)
            upper = [lane if not lane & step else a.count + lane - step for lane in lanes]
            lower = [lane + step if not lane & step else a.count + lane for lane in lanes]
            for i in (i for i in range(8) if not i & step):
                pair = rows[i], rows[i + step]
                for row, order in ((i, upper), (i + step, lower)):
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), a.count), order)
                    rows[row] = builder.shuffle_vector(*pair, mask)
        return context.make_tuple(builder, block, rows)

    return block(a, b, c, d, e, f, g, h), generate


transposed: Any = intrinsic(_transposed)


def _less(typing_context, a, b):
    """Return the minimum of two floats, or two signed integers, in each lane."""

    def generate(context, builder, signature, arguments):
        compare = builder.icmp_signed if isinstance(a.of, types.Integer) else builder.fcmp_ordered
        return builder.select(compare("<", *arguments), *arguments)

    return a(a, b), generate


minimum: Any = intrinsic(_less)


def _wide(typing_context):
    """Allow the loops of the function that calls this to be vectorized with all 64 bytes of a processor's registers.

    Where registers have as many, LLVM uses half of them unless it is told otherwise.
    """

    def generate(context, builder, signature, arguments):
        set.add(
            builder.function.attributes, '"prefer-vector-width"="512"'
        )  # llvmlite knows no attributes with values
        return context.get_dummy_value()

    return types.void(), generate


wide: Any = intrinsic(_wide)


def concat_shift(first: int) -> Any:
    """Return a function for compiled code that concatenates a and b and returns one vector, starting at ``first``."""

    def join(typing_context, a, b):
        def generate(context, builder, signature, arguments):
            order = ir.Constant(ir.VectorType(ir.IntType(32), a.count), list(range(first, first + a.count)))
            return builder.shuffle_vector(*arguments, order)

        return a(a, b), generate

    return intrinsic(join)


def _place(context: Any, builder: Any, signature: Any, arguments: Any, lanes: Any) -> Any:
    """Return the pointer to the lanes of an array that start at ``at``."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    pointer = context.get_value_type(lanes).as_pointer()
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), pointer)


def _align(lanes: Any) -> Any:
    return lanes.of.bitwidth // 8


def _define(operation: Callable[[Any, Any], Any], of_integers: str, of_floats: str = "") -> None:
    def compute(typing_context, a, b):
        instruction = of_integers if isinstance(a.of, types.Integer) else of_floats

        def generate(context, builder, signature, arguments):
            return getattr(builder, instruction)(*arguments)

        return a(a, b), generate

    compiled: Any = intrinsic(compute)

    @overload(operation)
    def of_lanes(a, b):
        if isinstance(a, Vector) and a == b:
            return lambda a, b: compiled(a, b)
        return None


_define(operator.add, "add", "fadd")
_define(operator.sub, "sub", "fsub")
_define(operator.mul, "mul", "fmul")
_define(operator.lshift, "shl")
_define(operator.rshift, "ashr")
