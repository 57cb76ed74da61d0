"""Undefined functions of matrices."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from step_checks import Unfit, bare, check_at

import matcalc
from matcalc import ops
from matcalc.expr import topological
from matcalc.kinds import kind_of_shape
from matcalc.numeric.sample import STRATEGIES
from matcalc.numeric.sizes import size_settings

F = "f: function(matrix(n, n)) -> matrix(n, n)"
CASES = [
    ("f(X)'", F, "d(f(X))'"),
    ("tr(f(X))", F, "tr(d(f(X)))"),
    ("A*f(X)*B", f"{F}; A: matrix(m, n); B: matrix(n, p)", "A*d(f(X))*B"),
    ("logdet(f(X))", F, "tr(d(f(X))*inv(f(X)))"),
    ("norm2(f(X))^2", F, "2*sum(d(f(X)) .* f(X))"),
    ("tr(X*f(X))", F, "tr(dX*f(X) + X*d(f(X)))"),
    ("f(X)^2", F, "d(f(X))*f(X) + f(X)*d(f(X))"),
    ("a'*f(g(X))*b", "f: function(matrix(n, n)) -> matrix(n, m); g: function(matrix(p, q)) -> matrix(n, n); "
     "a: vector(n); b: vector(m)", "a'*d(f(g(X)))*b"),
    ("exp(f(x))", "f: function(vector(n)) -> matrix(m, p); x: vector(n)", "d(f(x)) .* exp(f(x))"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "declare", "expected"), CASES)
def test_the_differential_is_in_terms_of_a_formal_one(f: str, declare: str, expected: str) -> None:
    d = matcalc.derive(f, "x" if "f(x)" in f else "X", declare)
    verdict = d.verify()

    assert verdict, verdict.reason
    assert d.text() == expected
    assert d.what == "differential"
    assert "differential" in d.laid_out
    assert r"\mathrm{d}" in d.latex()
    assert d.pretty().startswith("dy = ")
    assert d.json()["answers"]
    assert d.steps[-1].after is d.answer


def test_a_wrong_differential_is_not_verified() -> None:
    from dataclasses import replace

    d = matcalc.derive("det(f(X))", "X", F)
    (answer,) = d.answers.values()
    wrong = replace(d, answers={"X": replace(answer, expr=matcalc.derive("tr(f(X))", "X", F).answer)})

    assert not wrong.verify()


def test_several_variables_each_have_a_line() -> None:
    d = matcalc.derive("tr(f(X)*g(Y))", "X,Y", f"{F}; g: function(matrix(n, n)) -> matrix(n, n); Y: matrix(n, n)")

    assert d.verify()
    assert d["Y"].text() == "tr(d(g(Y))*f(X))" or d["Y"].text() == "tr(f(X)*d(g(Y)))"
    assert len(d.pretty().splitlines()) == 2


def test_there_is_no_code_for_it() -> None:
    with pytest.raises(matcalc.UnsupportedError, match="no code"):
        matcalc.derive("tr(f(X))", "X", F).source()


def test_functions_of_vectors_have_a_matrix_and_need_no_differential() -> None:
    d = matcalc.derive("f(A*x)", "x", "f: function(vector(m)) -> vector(p); A: matrix(m, n)")

    assert d.text() == "D(f)(A*x)*A"
    assert not any(n.op == "d" for n in topological(d.answer))


def test_other_refusals_stay() -> None:
    with pytest.raises(matcalc.UnsupportedError, match="function"):
        matcalc.derive("tr(f(X))", "f", F)


@pytest.mark.parametrize(("f", "declare", "expected"), CASES)
def test_every_step_holds_with_a_matrix_in_place_of_the_function(f: str, declare: str, expected: str) -> None:
    d = matcalc.derive(f, "x" if "f(x)" in f else "X", declare)
    put = {n: ops.sym(f"F{i}", kind_of_shape(n.shape)) for i, n in enumerate(d.undefined)}
    loss = ops.substitute(d.loss, put)
    sides = [(s, ops.substitute(s.before, put), ops.substitute(s.after, put)) for s in d.steps]
    x = next(iter(d.answers.values())).variable
    variables = [*put.values(), *([x] if x in topological(loss) else [])]
    roots = [loss, *variables, *(bare(e) for side in sides for e in side[1:])]
    rng = np.random.default_rng(3)

    compared = 0
    for sizes in size_settings(roots, d.declared, rng):
        for strategy in STRATEGIES:
            with suppress(Unfit):
                compared += check_at(d, loss, variables, sides, roots, sizes, rng, strategy)
    assert compared >= len(sides) > 0
