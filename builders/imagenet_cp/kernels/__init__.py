"""Compiled kernels of the corruptions and perturbations: one module per operation, on arrays only.

Guess, bound, repair
--------------------
The published images come from sums in float64, or in float32 in a certain order, truncated to integer levels. Most
kernels first compute a fast approximation, in float32 or in fixed point and in the order that suits the processor. Its
error has a proven bound, ``error_bound``. If the approximation minus the bound and the approximation plus the bound
truncate to the same integer, that is the level; if not, the value is *ambiguous* and is recomputed exactly as
published. About a few values in ten thousand are ambiguous. The result is therefore the published one, bit for bit, at
nearly the cost of the approximation. Each kernel only states its bound; `levels.truncate` marks the ambiguous values of
a row.
"""
