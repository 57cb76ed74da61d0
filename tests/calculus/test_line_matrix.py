"""J with dy = J*dx for vectors and rows."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc import ops
from matcalc.calculus.line_matrix import line_matrix
from matcalc.calculus.vectorize import stacked
from matcalc.expr import topological
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

KINDS = {
    "dx": "vector(n)",
    "dr": "row(n)",
    "A": "matrix(m, n)",
    "B": "matrix(n, n)",
    "x": "vector(n)",
    "y": "vector(m)",
    "s": "scalar",
    "ds": "scalar",
}
PLAIN = {
    "dx": [
        "A*dx",
        "A*x*(x'*dx)",
        "A*(dx*x' + x*dx')*x",
        "x .* (B*dx)",
        "A*diag(dx)*x",
        "diag(x)*B*dx",
        "dx'*B",
        "y*(dx'*B*x)",
        "A*(B*dx*x')'*x",
        "(x'*B*dx)*A*x",
        "[dx; A*dx]",
        "dx[1:]",
        "diag(A*dx*y')",
        "diag(y*dx'*A')",
        "(A*diag(dx))*x",
        "sum(dx*x', axis=0)",
        "sum(x*dx', axis=1)",
        "mean(B*dx*x', axis=1)",
        "(A*dx)' .* y'",
        "s*x'*dx*y'",
        "tr(dx*x'*B)*x",
    ],
    "dr": ["dr*B", "(dr*x)*y", "A*dr'", "dr .* x'", "x'*diag(dr)*B", "[dr, dr*B]", "(B*dr')'", "diag(x*dr)"],
}
WITH_KRONECKER = [
    "(B .* (dx*x'))*x",
    "vec(dx*x')",
    "kron(dx, y)",
    "expm_frechet(B, dx*x')*x",
    "unvec(kron(dx, y), m, n)*x",
]


def matrix(text: str, name: str):  # type: ignore[no-untyped-def]
    table = default_table()
    return (
        parse(text, KINDS),
        parse(name, KINDS),
        line_matrix(parse(text, KINDS), parse(name, KINDS), table, Simplifier(rewriter(table))),
    )


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in PLAIN.items() for t in texts])
def test_lines_by_lines_need_no_kronecker_product(name: str, text: str) -> None:
    e, dx, found = matrix(text, name)
    verdict = verify_equal(stacked(e), ops.mul(found, stacked(dx)))

    assert verdict, verdict.reason
    assert not {"kron", "commutation", "vec"} & {n.op for n in topological(found)}


@pytest.mark.parametrize("text", WITH_KRONECKER)
def test_arrays_inside_are_stacked(text: str) -> None:
    e, dx, found = matrix(text, "dx")
    verdict = verify_equal(stacked(e), ops.mul(found, stacked(dx)))

    assert verdict, verdict.reason


def test_what_does_not_move_has_the_matrix_zero() -> None:
    assert matrix("A*x", "dx")[2].op == "zeros"


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "book"),
    [
        ("sum(tanh(x*y'))", "x", "", "2*diag((tanh(x*y').^3 - tanh(x*y'))*y.^2)"),
        ("sum(tanh(x*y'))", "y", "", "2*diag((tanh(x*y').^3 - tanh(x*y'))'*x.^2)"),
        ("sum(log(cosh(A*x*y'*B)))", "x", "", "A'*diag((1 - tanh(A*x*y'*B).^2)*(B'*y).^2)*A"),
        ("sum(log(cosh(A*x*y'*B)))", "y", "", "B*diag((1 - tanh(A*x*y'*B).^2)'*(A*x).^2)*B'"),
        (
            "sum(tanh((x'*x)*C))", "x", "",
            "2*sum(C .* (1 - tanh((x'*x)*C).^2))*eye + 8*sum(C.^2 .* (tanh((x'*x)*C).^3 - tanh((x'*x)*C)))*x*x'",
        ),
        ("sum(exp(s*x*y' .* D))", "x", "s: scalar", "s^2*diag((D.^2 .* exp(s*(D .* (x*y'))))*y.^2)"),
    ],
)  # fmt: skip
def test_weights_on_products_of_a_column_and_a_row(f: str, wrt: str, declare: str, book: str) -> None:
    """(M .* u*v')*w is u .* (M*(v .* w)): no Kronecker product is left."""
    d = mc.derive(f, wrt, declare, order=2)

    assert d.verify()
    assert verify_equal(d.answer, parse(book, d.kinds))
    assert length(d.answer) <= 1.15 * length(parse(book, d.kinds))


@pytest.mark.parametrize("f", ["sum(tanh(x*x'))", "sum((x*ones(1, n) - ones(n, 1)*x').^4 .* W)", "sum((x*y' + A).^3)"])
def test_weights_on_sums_and_transposes(f: str) -> None:
    d = mc.derive(f, "x", "x: vector(n)", order=2)

    assert d.verify()
    assert not {"kron", "vec", "commutation"} & {n.op for n in topological(d.answer)}
