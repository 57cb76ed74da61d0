"""Linear by structure: what is, what is not and why, and the part that belongs to one symbol."""

from __future__ import annotations

import pytest

from matcalc.expr import Expr
from matcalc.language.parse import parse, parse_kind
from matcalc.numeric.verify import verify_equal
from matcalc.ops import add, sym, transpose
from matcalc.printing.text import text
from matcalc.rules.linear import linear_part, nonlinear_node

KINDS = {"A": "matrix(n, n)", "B": "matrix(n, n)", "dA": "matrix(n, n)", "dB": "matrix(n, n)", "x": "vector(n)"}
DA, DB = (sym(name, parse_kind("matrix(n, n)")) for name in ("dA", "dB"))


def read(expression: str) -> Expr:
    return parse(expression, KINDS)


LINEAR = [
    "dA", "-dA", "0*tr(B)", "dA*B + A*dB", "tr(inv(A)*dA)*inv(A) - inv(A)*dA*adj(A)", "dA'", "vec(dA)", "diag(dA)",
    "diag(dA*x)",
    "sum(dA, axis=0)", "mean(dA)", "kron(dA, B) + kron(A, dB)", "A .* dA", "[dA, zeros(n, 2)]", "dA[0, :]", "tril(dA)",
    "expm_frechet(A, dA)", "sum(r in 0..2, A^r*dA*A^(2 - r))", "x'*dA*x*B", "unvec(vec(dA), n, n)", "dA/tr(A)",
    "exp(A) .* dA + 0*dB",
]  # fmt: skip


@pytest.mark.parametrize("expression", LINEAR)
def test_linear(expression: str) -> None:
    node = read(expression)
    if expression.startswith("0*"):
        assert nonlinear_node(node, [DA, DB]) is node  # 0*tr(B) is not written as zero
    else:
        assert nonlinear_node(node, [DA, DB]) is None


NOT_LINEAR = {
    "A": "sym", "dA*dA": "mul", "dA*dB": "mul", "dA .* dA": "had",
    "dA + A": "add", "exp(dA)": "fn", "inv(dA)": "inv",
    "dA^2": "matpow", "norm2(dA)": "norm2", "expm_frechet(dA, A)": "frechet", "kron(dA, dB)": "kron",
    "[dA, A]": "block",
    "1/tr(dA)": "pow",
    "max(dA, dB)": "max2", "dA > 0": "cmp", "det(dA)": "det", "dA .^ 1": "pow",
}  # fmt: skip


@pytest.mark.parametrize("expression", NOT_LINEAR)
def test_not_linear_and_why(expression: str) -> None:
    found = nonlinear_node(read(expression), [DA, DB])

    assert found is not None
    assert found.op == NOT_LINEAR[expression]


def test_zero_is_linear() -> None:
    assert nonlinear_node(read("zeros(n, n)"), [DA]) is None
    assert nonlinear_node(parse("0"), [DA]) is None


PARTS = {
    "dA*B + A*dB": ("dA*B", "A*dB"),
    "tr(A)*(dA + 2*dB)*x": ("tr(A)*dA*x", "tr(A)*2*dB*x"),
    "[dA, dB]": ("[dA, zeros(n, n)]", "[zeros(n, n), dB]"),
    "B*dA": ("B*dA", None),
    "sum(r in 0..1, r*dA + dB)": ("sum(r in 0..1, r*dA)", "sum(r in 0..1, dB)"),
}


@pytest.mark.parametrize("expression", PARTS)
def test_the_part_of_one_symbol(expression: str) -> None:
    for symbol, expected in zip((DA, DB), PARTS[expression], strict=True):
        found = linear_part(read(expression), symbol, [DA, DB])
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert verify_equal(found, read(expected)), text(found)


def test_a_deep_expression_takes_no_stack() -> None:
    node: Expr = DA
    for _ in range(20000):
        node = transpose(add(node, DA))

    assert nonlinear_node(node, [DA]) is None
    assert linear_part(node, DB, [DA, DB]) is None
