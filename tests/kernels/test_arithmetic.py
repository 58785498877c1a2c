"""exp, sin and cos are correctly rounded: compared with their series in decimals and long integers."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagenet_cp.kernels.arithmetic import cos, exp, sin


def series(x: Fraction, first: int) -> float:
    """Sum x**n / n! over every other n from ``first``, with changing signs, in units of 2**-600."""
    unit = 1 << 600
    term = int((x if first else 1) * unit)
    total, n = 0, first
    while abs(term) > n:
        total += term
        term = int(-term * x * x / ((n + 1) * (n + 2)))
        n += 2
    return total / unit


def decimal_exp(x: float) -> float:
    with localcontext() as context:
        context.prec = 60
        return float(Decimal(x).exp())


@given(st.floats(-745.2, 709.7))
@example(-745.13)
@example(-745.14)
@example(-708.94714223928)
@example(5e-324)
@example(-0.0)
@example(1.0)
def test_exp_is_correctly_rounded(x):
    assert exp(x) == decimal_exp(x)


@given(st.floats(-20, 20).filter(lambda x: x == 0 or abs(x) > 1e-60))
@example(math.radians(30))
@example(math.radians(45))
@example(math.radians(60))
@example(math.pi / 2)
@example(math.pi)
@example(6381956970095103 * 2.0**-48)
def test_sine_and_cosine_are_correctly_rounded(x):
    assert sin(x) == series(Fraction(x), 1)
    assert cos(x) == series(Fraction(x), 0)


@pytest.mark.parametrize("degrees", range(-360, 361, 5))
def test_whole_degrees_near_the_library_of_the_machine(degrees):
    x = math.radians(degrees)
    assert sin(x) == pytest.approx(math.sin(x), rel=1e-15, abs=0)
    assert cos(x) == pytest.approx(math.cos(x), rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("function", "x", "value"),
    [
        (sin, math.radians(30), 0.49999999999999994),
        (cos, math.radians(60), 0.5000000000000001),
        (cos, math.radians(90), 6.123233995736766e-17),
        (sin, 1e22, -0.8522008497671888),
        (cos, 1e22, 0.523214785395139),
        # the double nearest to a multiple of pi / 2
        (cos, 6381956970095103 * 2.0**797, -4.687165924254628e-19),
        (sin, 5e-324, 5e-324),
        (sin, 1e-300, 1e-300),
        (cos, 1e-300, 1.0),
        (exp, 1e-300, 1.0),
        (exp, 1.0, math.e),
        (exp, -746.0, 0.0),
        (exp, -math.inf, 0.0),
        (exp, math.inf, math.inf),
    ],
)
def test_known_values(function, x, value):
    assert function(x) == value


def test_signed_zero():
    assert math.copysign(1, sin(0.0)) == 1
    assert math.copysign(1, sin(-0.0)) == -1
    assert sin(-0.3) == -sin(0.3)


@pytest.mark.parametrize("function", [exp, sin, cos])
def test_not_a_number(function):
    assert math.isnan(function(math.nan))


@pytest.mark.parametrize("function", [sin, cos])
def test_infinite_angle(function):
    with pytest.raises(ValueError, match="infinite angle"):
        function(math.inf)


def test_exp_too_large():
    with pytest.raises(OverflowError, match="too large"):
        exp(710)
    with pytest.raises(OverflowError):
        exp(709.79)
