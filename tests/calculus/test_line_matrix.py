"""J with dy = J*dx for vectors and rows."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.calculus.line_matrix import line_matrix
from matcalc.calculus.vectorize import stacked
from matcalc.expr import topological
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
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
