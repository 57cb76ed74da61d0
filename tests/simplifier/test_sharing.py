"""What the terms of a sum share: factors on either side, inner products, sums of entries, traces, denominators."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.printing.text import text
from matcalc.simplifier.simplify import Simplifier

KINDS = dict.fromkeys(("x", "y", "z", "w"), "vector(n)") | {
    "A": "matrix(n, n)", "B": "matrix(n, n)", "C": "matrix(n, n)", "X": "matrix(m, n)", "Y": "matrix(m, n)",
    "a": "scalar", "b": "scalar", "t": "scalar, positive",
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("w'*x - w'*y", "w'*(x - y)"),
        ("a*y'*y - x'*y", "y'*(a*y - x)"),
        ("x'*A*y + x'*B*y", "x'*(A + B)*y"),
        ("sum(x) - sum(y)", "sum(x - y)"),
        ("a*n + sum(x) - sum(y)", "sum(a + x - y)"),
        ("sum(X) - 2*sum(Y)", "sum(X - 2*Y)"),
        ("sum(X, axis=0) - sum(Y, axis=0)", "sum(X - Y, axis=0)"),
        ("tr(A) + tr(B)", "tr(A + B)"),
        ("x/t - z/t + sign(x)", "(x - z)/t + sign(x)"),
        ("A*B*C - B*C", "(A*B - B)*C"),
        ("A + A*B", "A + A*B"),
        ("x + y - y.^2", "x + y .* (1 - y)"),
        ("a*y + x - y", "(a - 1)*y + x"),
        ("x'*y - mean(x)*sum(y)", "x'*(y - mean(y))"),
    ],
)
def test_shared(typed: str, wanted: str) -> None:
    kinds = KINDS | ({"n": "integer"} if "a*n" in typed else {})
    found = text(Simplifier()(mc.parse(typed, kinds)))

    assert found == wanted
    assert mc.check(typed, equals=found, declare=kinds)
