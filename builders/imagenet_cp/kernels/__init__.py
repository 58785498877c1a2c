"""Compiled kernels of the corruptions and perturbations: one module for each operation, on arrays alone.

Guess, bound, repair
--------------------
The published images come from sums in float64, or in float32 in a certain order, cut off to whole levels. Most
kernels here compute a value quickly first, in float32 or in fixed point and in the order that suits the machine. The
error of that guess has a proven bound, ``error_bound``. If the guess less the bound and the guess plus the bound have
the same whole part, that is the level; if not, the value is *ambiguous*, and is computed again exactly as published. A
few values in ten thousand are. So the result is the published one, bit for bit, at nearly the cost of the guess. Each
kernel states its bound only; `levels.truncate` marks the ambiguous values of a row.
"""
