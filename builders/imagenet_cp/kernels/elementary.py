"""Elementary functions in compiled code that give the same bits on every machine.

Only IEEE operations and Taylor series, so no result depends on libm, and loops over arrays are vectorized. The error is
a few units of the last place of the larger of 1 and the result. `arithmetic` has correctly rounded functions, which are
thousands of times slower.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import kernel
from .draws import LOG2_HIGH, LOG2_LOW, _log

# Pi in parts: the products of the first two with a number of 20 bits are exact.
PI = (0x1921FB544 * 2.0**-31, 0x10B4611A6 * 2.0**-65, 0x13198A2E0 * 2.0**-100)
HALF_PI = (PI[0] / 2, PI[1] / 2, PI[2] / 2)
REST_OF_PI = 1.2246467991473532e-16  # pi minus the double nearest to it
# The bounds of the choice of an angle in `arctan2`, which need no last bit, and cosine and sine of pi/8 and pi/4.
TAN_1, TAN_3 = 0.198912367379658, 0.6681786379192989
COS_1, SIN_1, COS_2 = 0.9238795325112867, 0.3826834323650898, 0.7071067811865476

S = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(11))
C = tuple((-1) ** k / math.factorial(2 * k) for k in range(9))
E = tuple(1 / math.factorial(k) for k in range(13))


@kernel
def sin(x):
    """Return the sine of an angle of less than a million radians."""
    k = np.rint(x * (1 / math.pi))
    r = ((x - k * PI[0]) - k * PI[1]) - k * PI[2]
    return -_sine(r) if _odd(k) else _sine(r)


@kernel
def cos(x):
    """Return the cosine of an angle of less than a million radians."""
    k = np.rint(x * (1 / math.pi) - 0.5)
    m = k + 0.5
    r = ((x - m * PI[0]) - m * PI[1]) - m * PI[2]
    return _sine(r) if _odd(k) else -_sine(r)


@kernel
def sincos(x):
    """Return the sine and the cosine of an angle of less than a million radians."""
    k = np.rint(x * (2 / math.pi))
    r = ((x - k * HALF_PI[0]) - k * HALF_PI[1]) - k * HALF_PI[2]
    z = r * r
    s = S[4] + z * (S[5] + z * (S[6] + z * (S[7] + z * S[8])))
    s = r + r * z * (S[1] + z * (S[2] + z * (S[3] + z * s)))
    c = C[4] + z * (C[5] + z * (C[6] + z * (C[7] + z * C[8])))
    c = 1.0 - (0.5 * z - z * z * (C[2] + z * (C[3] + z * c)))
    odd, quarters = _odd(k), k * 0.25 - np.floor(k * 0.25)
    sine, cosine = c if odd else s, s if odd else c
    sine = -sine if quarters >= 0.5 else sine
    return sine, -cosine if (quarters == 0.25) | (quarters == 0.5) else cosine


@kernel
def _sine(r):
    """Return the sine of an angle between -pi/2 and pi/2."""
    z = r * r
    t = S[6] + z * (S[7] + z * (S[8] + z * (S[9] + z * S[10])))
    return r + r * z * (S[1] + z * (S[2] + z * (S[3] + z * (S[4] + z * (S[5] + z * t)))))


@kernel
def _odd(k):
    """Return True for an odd whole number; in floating point, which is vectorized on every processor."""
    return k * 0.5 != np.floor(k * 0.5)


@kernel
def arctan2(y, x):
    """Return the angle of the vector (x, y), from -pi to pi; 0 for the zero vector."""
    a, b = abs(x), abs(y)
    low, high = min(a, b), max(a, b)
    # Turned by 0, pi/8 or pi/4, the vector is less than pi/16 away from the axis.
    first, second = low > TAN_1 * high, low > TAN_3 * high
    c, s, angle = COS_1 if first else 1.0, SIN_1 if first else 0.0, math.pi / 8 if first else 0.0
    c, s, angle = COS_2 if second else c, COS_2 if second else s, math.pi / 4 if second else angle
    along = high * c + low * s
    r = (low * c - high * s) / (along if along > 0.0 else 1.0)
    z = r * r
    t = 1 / 15 - z * (1 / 17 - z * (1 / 19 - z * (1 / 21 - z * (1 / 23))))
    t = 1 / 3 - z * (1 / 5 - z * (1 / 7 - z * (1 / 9 - z * (1 / 11 - z * (1 / 13 - z * t)))))
    angle += r - r * z * t
    angle = (math.pi / 2 - angle) + REST_OF_PI / 2 if b > a else angle
    angle = (math.pi - angle) + REST_OF_PI if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@kernel
def power(x, exponent):
    """Return ``x ** exponent`` of a positive normal double, between exp(-700) and exp(700)."""
    y = min(max(exponent * _log(x), -700.0), 700.0)
    k = np.rint(y * (1 / math.log(2)))
    r = (y - k * LOG2_HIGH) - k * LOG2_LOW
    t = E[7] + r * (E[8] + r * (E[9] + r * (E[10] + r * (E[11] + r * E[12]))))
    t = E[2] + r * (E[3] + r * (E[4] + r * (E[5] + r * (E[6] + r * t))))
    # The last bits of the double 2**52 + n hold n: shifted, they are the exponent of 2**k.
    scale = np.uint64(np.float64(k + (2.0**52 + 1023)).view(np.uint64) << np.uint64(52)).view(np.float64)
    return (1.0 + (r + r * r * t)) * scale
