"""The normal form decides equality: True or undecided, never a wrong True."""

from __future__ import annotations

import pytest

from matcalc.language.parse import parse
from matcalc.simplifier.normal import equal

KINDS = {
    "A": "matrix(m, n)", "B": "matrix(n, n)", "S": "symmetric(n)", "X": "matrix(n, n), invertible",
    "Q": "orthogonal(n)", "x": "vector(n)", "y": "vector(n)", "b": "vector(m)", "s": "scalar",
}  # fmt: skip
EQUAL = [
    ("norm2(A*x - b)^2", "x'*A'*A*x - 2*b'*A*x + b'*b"),
    ("tr(B*X)", "tr(X*B)"),
    ("tr(B'*X)", "sum(B .* X)"),
    ("x'*B*y", "y'*B'*x"),
    ("(S*x)'*y", "x'*S*y"),
    ("inv(X*B)*X", "inv(B)*inv(X)*X"),
    ("Q'*Q*x", "x"),
    ("(x + y)'*(x - y)", "x'*x - y'*y"),
    ("sum(s*x + y)", "s*sum(x) + sum(y)"),
    ("diag(x)*y", "x .* y"),
    ("mean(x)", "sum(x)/n"),
]
DIFFERENT = [
    ("B*x", "B'*x"),
    ("tr(B*X)", "tr(B*X')"),
    ("norm2(x)^2", "norm2(x)"),
    ("x'*y", "x'*x"),
    ("inv(X)*B", "B*inv(X)"),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_expressions_are_equal(a: str, b: str) -> None:
    assert equal(parse(a, KINDS), parse(b, KINDS)) is True


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_expressions_are_not_called_equal(a: str, b: str) -> None:
    assert equal(parse(a, KINDS), parse(b, KINDS)) is not True


def test_another_shape_is_not_equal() -> None:
    assert equal(parse("x", KINDS), parse("b", KINDS)) is False


def test_a_form_that_explodes_is_undecided() -> None:
    product = "*".join(f"(s + {i}*x'*y)" for i in range(1, 40))

    assert equal(parse(product, KINDS), parse(f"{product} + s", KINDS)) is None
