"""Products are distributed where terms can meet: before a quotient, beside an inverse, over the identity."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.printing.text import text
from matcalc.simplifier.distributing import worth_distributing
from matcalc.simplifier.simplify import Simplifier

KINDS = dict.fromkeys(("x", "y", "z", "w"), "vector(n)") | {
    "A": "matrix(n, n)", "B": "matrix(n, n)", "C": "matrix(n, n)", "a": "scalar", "b": "scalar", "c": "scalar",
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("w'*(x - y) - w'*x", "-w'*y"),
        ("tr(A*(B + C)) - tr(A*B)", "tr(A*C)"),
        ("sum(x .* (y + z)) - x'*y", "x'*z"),
        ("(a*b + c)/b", "a + c/b"),
        ("A*(B + eye(n))", "A + A*B"),
        ("(A*B - eye(n))*C*x", "(A*B*C - C)*x"),
    ],
)
def test_terms_meet(typed: str, wanted: str) -> None:
    found = text(Simplifier()(mc.parse(typed, KINDS)))

    assert found == wanted
    assert mc.check(typed, equals=found, declare=KINDS)


@pytest.mark.parametrize(
    ("formula", "worth"), [("A*(B + C)", False), ("A*(B + eye(n))", True), ("(A + B)*(A - C)", True), ("x + y", False)]
)
def test_worth_distributing(formula: str, worth: bool) -> None:
    assert worth_distributing(mc.parse(formula, KINDS)) is worth
