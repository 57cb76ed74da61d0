"""Which shape a claim must have, and whether numbers say that it holds."""

from __future__ import annotations

import pytest

from matcalc.checking.claims import Question, other_layout, scalar_neighbors
from matcalc.expr import Expr, symbols
from matcalc.language.parse import parse
from matcalc.ops import transpose
from matcalc.printing.text import text
from matcalc.shapes import shape_text

KINDS = {
    "A": "matrix(m, n)", "B": "matrix(n, n)", "X": "matrix(p, q)", "S": "symmetric(n)", "x": "vector(n)",
    "y": "vector(m)", "r": "row(n)", "c": "scalar", "f": "function",
}  # fmt: skip


def asked(function: str, wrt: str | None, layout: str = "gradient") -> Question:
    return Question(parse(function, KINDS), None if wrt is None else parse(wrt, KINDS), layout)


@pytest.mark.parametrize(
    ("function", "wrt", "layout", "shape", "array"),
    [
        ("x'*B*x", "x", "gradient", "n x 1", None),
        ("x'*B*x", "x", "numerator", "1 x n", None),
        ("r*B*r'", "r", "numerator", "1 x n", None),
        ("sum(A)", "A", "gradient", "m x n", None),
        ("sum(A)", "A", "numerator", "n x m", None),
        ("A*x", "x", "gradient", "m x n", None),
        ("x'*A'", "x", "gradient", "m x n", None),
        ("A*r'", "r", "gradient", "m x n", None),
        ("c*A", "c", "gradient", "m x n", None),
        ("A*B", "A", "gradient", "m*n x m*n", "m x n x m x n"),
        ("A*x", "A", "gradient", "m x m*n", "m x m x n"),
        ("c^2", "c", "numerator", "scalar", None),
        ("A*x", None, "gradient", "m x 1", None),
    ],
)
def test_the_shape_of_a_claim(function: str, wrt: str | None, layout: str, shape: str, array: str | None) -> None:
    question = asked(function, wrt, layout)

    assert shape_text(question.shape) == shape
    assert question.array_shape == array


@pytest.mark.parametrize(
    ("function", "wrt", "claim"),
    [
        ("A*x", "x", "A"),
        ("x'*A'", "x", "A"),
        ("A*r'", "r", "A"),
        ("r*B", "r", "B'"),
        ("f(x)", "x", "diag(f'(x))"),
        ("c*A", "c", "A"),
        ("c*r", "c", "r"),
        ("A*B", "B", "kron(eye(n), A)"),
        ("A*B", "A", "kron(B', eye(m))"),
        ("A'", "A", "commutation(m, n)"),
        ("A*x", "A", "kron(x', eye(m))"),
        ("norm2(x)*A", "x", "vec(A)*x'/norm2(x)"),
    ],
)
def test_jacobians_and_vec_forms(function: str, wrt: str, claim: str) -> None:
    question = asked(function, wrt)
    form = parse(claim, KINDS)

    assert question.answer(form)
    assert not question.answer(parse(f"1.001*({claim})", KINDS))


def test_a_change_of_a_symmetric_matrix_is_symmetric() -> None:
    """vec(dS) of a symmetric dS: the commutation matrix does nothing to it."""
    question = asked("S*x", "S")
    plain, turned = parse("kron(x', eye(n))", KINDS), parse("kron(x', eye(n))*commutation(n, n)", KINDS)

    assert question.answer(plain)
    assert question.answer(turned)
    assert not asked("B*x", "B").answer(turned)


def test_the_symbol_for_a_change_is_nobody_elses() -> None:
    question = Question(parse("A*x + dx", {**KINDS, "dx": "vector(m)"}), parse("x", KINDS))

    assert question.answer(parse("A", KINDS))


def test_a_row_stays_a_row_in_numerator_layout() -> None:
    row, column, matrix = (parse(name, KINDS) for name in ("r", "x", "A"))

    assert other_layout(row, row) is row
    assert other_layout(column, column) is transpose(column)
    assert other_layout(matrix, matrix) is transpose(matrix)


def test_symbols_may_be_replaced_in_the_question() -> None:
    square = parse("B", KINDS)
    question = asked("x'*B*x", "x").where({square: parse("S", KINDS)})

    assert question.answer(parse("2*S*x", KINDS))


@pytest.mark.parametrize(
    ("function", "wrt", "expected"),
    [("x'*B", "x", {"x'*B*x"}), ("B*x", "x", {"x'*B*x", "(B*x)'*x"}), ("A*x", "x", set()), ("r*B", "r", {"r*B*r'"})],
)
def test_scalar_functions_that_may_have_been_meant(function: str, wrt: str, expected: set[str]) -> None:
    found: list[Expr] = scalar_neighbors(parse(function, KINDS), parse(wrt, KINDS))

    assert expected <= {text(f) for f in found} if expected else not found
    assert all(f.is_scalar and symbols(f) for f in found)
