"""Terms of sums: the number apart, and sums in the fixed order."""

from __future__ import annotations

from fractions import Fraction

import pytest

import matcalc as mc
from matcalc.printing.text import text
from matcalc.simplifier.terms import coefficient, content, plain_sum, scaled_term

KINDS = {"x": "vector(n)", "y": "vector(n)", "c": "scalar"}


@pytest.mark.parametrize(
    ("term", "rest", "number"), [("3*c*x", "c*x", "3"), ("x", "x", "1"), ("-c*x/2", "c*x", "-1/2"), ("5", "1", "5")]
)
def test_a_number_apart(term: str, rest: str, number: str) -> None:
    found, c = coefficient(mc.parse(term, KINDS))

    assert (text(found), c) == (rest, Fraction(number))
    assert coefficient(scaled_term(c, found)) == (found, c)


def test_positive_terms_first_then_alphabetical() -> None:
    x, y, cx = (mc.parse(name, KINDS) for name in ("x", "y", "c*x"))

    assert text(plain_sum(x.shape, {x: Fraction(-1), y: Fraction(2), cx: Fraction(1)})) == "c*x + 2*y - x"
    assert plain_sum(x.shape, {}).op == "zeros"


def test_content() -> None:
    assert content([Fraction(4), Fraction(-6)]) == 2
    assert content([Fraction(1, 2), Fraction(3, 4)]) == Fraction(1, 4)
