"""Bound indices never take a name that is in use, nor that of a sum around them."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.expr import topological
from matcalc.indices import apart, names_in, renamed
from matcalc.language.parse import parse
from matcalc.printing.text import text

CASES = [
    ("sum(abs(kron(A, X)))", "X", "A: matrix(k, l); X: matrix(m, n)"),
    ("sum(abs(kron(X, A)))", "X", "A: matrix(k, l); X: matrix(i, j)"),
    ("k*sum(abs(kron(A, X)))", "X", "A: matrix(p, q); X: matrix(m, n); k: scalar"),
    ("sum(abs(kron(A, X)))", "X", "A: matrix(p, q); X: matrix(m, n); i, j, k, l: vector(r)"),
    ("r*tr(A*X^k)", "X", "A: matrix(r, r); X: matrix(r, r); k: integer"),
    ("sum(i, sum(abs(kron(A, X[:, i]*X[:, i]'))))", "X", "A: matrix(k, l); X: matrix(m, n)"),
    ("sum(i in 0..3, x[i]*sum(i in 0..2, y[i]*x[i]))", "x", "x, y: vector(12)"),
    ("sum(i in 0..9, x[i]*log(y[i] + sum(i in 0..9, y[i]*x[i]^2)))", "x", "x, y: vector(12)"),
    ("sum(i in 0..3, x[i]*log(y[i] + sum(i in 0..3, y[i]*x[i]^2)))", "x", "x, y: vector(12)"),
    ("sum(i in 0..7, exp(x[i]*y[i]))^2", "x", "x, y: vector(12)"),
]


@pytest.mark.parametrize(("function", "name", "declare"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_indices_of_an_answer_have_names_of_their_own(function: str, name: str, declare: str) -> None:
    d = mc.derive(function, wrt=name, declare=declare)
    used = names_in(d.loss) - {n.data for n in topological(d.loss) if n.op == "idx"} | set(d.kinds)

    assert not {n.data for n in topological(d.answer) if n.op == "idx"} & used
    assert parse(d.text(), d.kinds) is d.answer
    assert d.verify()


def test_a_sum_inside_a_sum_has_another_index() -> None:
    e = parse("sum(i in 0..9, x[i]*sum(i in 0..8, x[i]*sum(i in 0..7, x[i])))", "x: vector(12)")

    assert text(apart(e)) == "sum(i in 0..9, x[i]*sum(k in 0..8, x[k]*sum(j in 0..7, x[j])))"


def test_sums_beside_each_other_keep_their_index() -> None:
    e = parse("sum(i, x[i])*sum(i, y[i])", "x: vector(n); y: vector(m)")

    assert apart(e) is e
    assert renamed(e, {"j", "x", "n"}) is e


def test_an_index_with_a_name_that_is_taken_gets_another() -> None:
    e = parse("sum(i, x[i]*sum(j, A[i, j]))", "x: vector(n); A: matrix(n, m)")

    assert text(renamed(e, {"i", "k"})) == "sum(l, x[l]*sum(j, A[l, j]))"
