"""Exact numbers in decimal spelling."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from matcalc.errors import LimitError
from matcalc.language.numerals import numeral


@examples(100)
@given(st.fractions(min_value=0))
def test_a_decimal_is_exact_and_a_fraction_has_none(value: Fraction) -> None:
    shown = numeral(value)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    decimal = value.denominator == 1 or (rest == 1 and value.denominator % 10 == 0)
    assert (shown is not None) == decimal
    if shown is not None:
        assert Fraction(shown) == value


@examples(100)
@given(st.integers(0, 10**6), st.integers(-60, 60))
def test_powers_of_ten(digits: int, exponent: int) -> None:
    value = Fraction(digits) * Fraction(10) ** exponent
    shown = numeral(value)
    if shown is not None:
        assert Fraction(shown) == value
        assert len(shown) < 30


def test_too_long() -> None:
    with pytest.raises(LimitError, match="digits"):
        numeral(Fraction(7**6000))
