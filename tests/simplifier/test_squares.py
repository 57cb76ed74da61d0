"""Squares are completed wherever that is shorter, in scalars, entry by entry, of matrices and in symmetric forms."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier
from matcalc.simplifier.squares import elementwise_root

KINDS = dict.fromkeys("hxyz", "vector(n)") | {
    "A": "matrix(n, n)", "B": "matrix(n, m)", "U": "matrix(n, k)", "V": "matrix(m, k)", "S": "symmetric(n)",
    "X": "matrix(m, n)", "Y": "matrix(m, n)", "r": "row(n)", "a": "scalar", "b": "scalar", "n": "integer",
}  # fmt: skip


def short(formula: str) -> str:
    return text(Simplifier(rewriter(default_table()))(mc.parse(formula, KINDS)))


@pytest.mark.parametrize(
    ("expanded", "square"),
    [
        ("x'*x + y'*y - 2*x'*y", "norm2(x - y)^2"),
        ("x'*x + 2*x'*y + y'*y", "norm2(x + y)^2"),
        ("sqrt(x'*x + y'*y - 2*x'*y)", "norm2(x - y)"),
        ("h'*h + x'*x + y'*y + 2*h'*x - 2*h'*y - 2*x'*y", "norm2(h + x - y)^2"),
        ("h'*h/2 + x'*x/2 - h'*x", "norm2(h - x)^2/2"),
        ("4*a^2*x'*x - 12*a*x'*y + 9*y'*y", "norm2(2*a*x - 3*y)^2"),
        ("x'*A'*A*x - 2*y'*A*x + y'*y", "norm2(A*x - y)^2"),
        ("x'*S*x - 2*x'*S*y + y'*S*y", "(x - y)'*S*(x - y)"),
        ("norm2(B)^2 + tr(V'*V*U'*U) - 2*tr(V'*B'*U)", "norm2(B - U*V')^2"),
        ("1 - 2*a + a^2", "(1 - a)^2"),
        ("a^4 + b^2 - 2*a^2*b", "(a^2 - b)^2"),
        ("X.^2 + Y.^2 - 2*(X .* Y)", "(X - Y).^2"),
        ("x.^2/a^2 - 2*(x .* y)/a^2 + y.^2/a^2", "((x - y)/a).^2"),
        ("sum(exp(-2*x)) + y'*y - 2*exp(-x)'*y", "norm2(exp(-x) - y)^2"),
        ("n*b^2 + x'*x - 2*b*sum(x)", "norm2(b - x)^2"),
        ("norm2(r)^2*(z'*z) + norm2(A)^2 - 2*r*A'*z", "norm2(A - z*r)^2"),
        ("-x'*x - y'*y + 2*x'*y", "-norm2(x - y)^2"),
    ],
)
def test_a_square_is_completed(expanded: str, square: str) -> None:
    assert short(expanded) == short(square)
    assert mc.check(expanded, equals=square, declare=KINDS)


@pytest.mark.parametrize(
    "formula",
    [
        "x'*x + y'*y - x'*y",
        "x'*x - y'*y - 2*x'*y",
        "x'*x + 2*y'*y - 2*x'*y",
        "x'*A*x - 2*x'*A*y + y'*A*y",
        "h'*h + x'*x + y'*y + 2*h'*x - 2*h'*y + x'*y",
    ],
)
def test_what_is_no_square_keeps_its_value(formula: str) -> None:
    found = short(formula)

    assert mc.check(formula, equals=found, declare=KINDS)


def test_what_is_left_over_stays() -> None:
    assert short("x'*x + y'*y - 2*x'*y + a*x'*z") == "a*x'*z + norm2(x - y)^2"


def test_a_root_of_every_entry() -> None:
    found = [text(u) for u, _ in elementwise_root(mc.parse("a^2*x.^4", KINDS))]

    assert found == ["a*x.^2"]
    assert not list(elementwise_root(mc.parse("a*x.^2", KINDS)))
