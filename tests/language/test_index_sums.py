"""Sums over an index in matrix form keep their value, and have the form a textbook gives them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.language.index_sums import raised
from matcalc.language.parse import parse, read
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.text import text
from tests.strategies import KINDS, VARIABLES, Grower

DECLARED = """X: matrix(N, d); Y: matrix(N, K); W: matrix(d, K); w, v: vector(d); y, z: vector(N); r: row(N); a: scalar
A, B: matrix(N, N); C: matrix(d, N); f: function"""
SIZES = {"N": 3, "d": 2, "K": 4}

FORMS = [
    ("sum(i, y[i]*z[i])", "y'*z"),
    ("sum(i, y[i])", "sum(y)"),
    ("sum(i, y[i]*y[i])", "y'*y"),
    ("sum(i, r[i]*y[i]*z[i])", "sum(r' .* y .* z)"),
    ("sum(i, a*y[i]^2)", "a*sum(y.^2)"),
    ("sum(i, (X[i, :]*w - y[i])^2)", "sum((X*w - y).^2)"),
    ("sum(i, (X[i, :]*w)*(X[i, :]*v))", "(X*w)'*X*v"),
    ("sum(i, X[i, :]'*X[i, :])", "X'*X"),
    ("sum(i, X[i, :]'*(X[i, :]*W - Y[i, :]))", "X'*(X*W - Y)"),
    ("sum(i, X[i, :]'*(softmax(X[i, :]*W) - Y[i, :]))", "X'*(softmax(X*W, axis=1) - Y)"),
    ("sum(i, C[:, i]*C[:, i]'*w)", "C*C'*w"),
    ("sum(i, y[i]*X[i, :]'*Y[i, :])", "X'*diag(y)*Y"),
    ("sum(i, sum(j, A[i, j]*y[i]*z[j]))", "y'*A*z"),
    ("sum(j, sum(i, A[i, j]*y[i]*z[j]))", "z'*A'*y"),
    ("sum(i, sum(j, A[i, j]))", "sum(A)"),
    ("sum(i, sum(j, A[i, j]*B[j, i]))", "sum(A .* B')"),
    ("sum(i, A[i, i])", "sum(diag(A))"),
    ("sum(i, log(1 + exp(-y[i]*X[i, :]*w)))", "sum(log(1 + exp(-(y .* (X*w)))))"),
    ("sum(i, max(0, 1 - y[i]*X[i, :]*w))", "sum(max(0, 1 - y .* (X*w)))"),
    ("sum(i, logsumexp(X[i, :]*W))", "sum(logsumexp(X*W, axis=1))"),
    ("sum(i, norm1(X[i, :]))", "sum(abs(X))"),
    ("sum(i, X[i, :])", "ones(N)'*X"),
    ("sum(i in 0..N-1, y[i]*y[0])", "y[0]*sum(y)"),
]
# these have a matrix form of whatever kind
OTHERS = """sum(i, a + y[i])
sum(i, a*X[i, :])
sum(i, norm2(X[i, :]' - w)^2)
sum(i, norm2(X[i, :]))
sum(i, y[i]*unit(i, N))
sum(i, y[i]*unit(i, N)*unit(i, N)')
sum(i, w'*C*A*unit(i, N)*y[i])
sum(i, X[i, :]*W*Y[i, :]')
sum(i, X[i, :]*w*v'*C[:, i])
sum(i, X[i, :]*w/(y[i]^2 + 1))
sum(i, X[i, 0]*y[i])
sum(i, X[i, :][0])
sum(i, (X[i, :]*W)[1:3])
sum(i, mean(X[i, :]))
sum(i, exp(y[i])/z[i])
sum(i, f(y[i]*a))
sum(i, a^y[i])
sum(i, y[i]^a)
sum(i, y[i] > z[i])
sum(i, abs(X[i, :])*w)
sum(i, min(X[i, :], w')*W)
sum(i, softmax(W'*X[i, :]')*y[i])
sum(i, sum(j, exp(-y[i]*z[j])))
sum(i, sum(j, (y[i] - z[j])^2*A[i, j]))
sum(i, sum(j, sum(k, A[i, j]*B[j, k]*A[k, i])))
sum(i, -Y[i, :]*log(softmax(W'*X[i, :]')))
sum(i, (X[i, :]*w - y[i])*X[i, :]')
sum(i, w*X[i, :]*v*X[i, :])""".splitlines()
# these have none that is known here, and stay
STAYING = """sum(i, i*y[i])
sum(i in 1..N-1, y[i])
sum(i, y[i]^i)
sum(i, det([y[i], 1; 2, a]))
sum(i, A^i*y[i])
sum(i, inv(a*A + unit(i, N)*unit(i, N)'))
sum(i in 0..2, a^i)""".splitlines()


def has_sum(e: Expr) -> bool:
    return any(n.op == "isum" for n in topological(e))


def check_value(code: str, rng: np.random.Generator) -> Expr:
    problem = read(code, DECLARED)
    e, other = problem.function, raised(problem.function)
    values = draw_values([e], problem.kinds, SIZES, rng, "positive")
    assert other.shape == e.shape
    assert np.allclose(evaluate(other, values, SIZES), evaluate(e, values, SIZES), rtol=1e-11)
    return other


@pytest.mark.parametrize(("code", "wanted"), FORMS, ids=[code for code, _ in FORMS])
def test_the_form_is_that_of_a_textbook(code: str, wanted: str, rng: np.random.Generator) -> None:
    assert text(check_value(code, rng)) == text(parse(wanted, DECLARED))


@pytest.mark.parametrize("code", OTHERS)
def test_there_is_a_matrix_form(code: str, rng: np.random.Generator) -> None:
    assert not has_sum(check_value(code, rng))


@pytest.mark.parametrize("code", STAYING)
def test_a_sum_without_matrix_form_stays(code: str) -> None:
    e = parse(code, DECLARED)

    assert raised(e) is e


def test_what_stands_around_a_sum_is_kept(rng: np.random.Generator) -> None:
    assert text(check_value("log(1 + sum(i, y[i]^2))/2", rng)) == "log(1 + sum(y.^2))/2"


def test_random_sums_keep_their_value(rng: np.random.Generator) -> None:
    sizes = {"m": 2, "n": 3, "k": 4}
    index, x, A, W = ops.idx("sample"), *(VARIABLES[name] for name in ("x", "A", "W1"))
    n = x.rows
    entries = [
        ops.slice_(x, ("at",), ("all",), index),
        ops.slice_(VARIABLES["r"], ("all",), ("at",), index),
        ops.slice_(A, ("at",), ("at",), ops.num(1), index),
    ]
    lines = [ops.slice_(A, ("all",), ("at",), index), ops.transpose(ops.slice_(W, ("all",), ("at",), index))]
    found = 0
    for seed in range(300):
        source = random.Random(seed)
        grower = Grower(source.randrange, smooth=True)
        target = grower.expression((ops.ONE, ops.ONE), 4)
        leaves = [v for v in topological(target) if v.op == "sym" and ops.ONE in v.shape]
        mapping = {}
        for leaf in leaves:
            pool = [p for p in (*entries, *lines, *map(ops.transpose, lines)) if p.shape == leaf.shape]
            if pool:
                mapping[leaf] = source.choice(pool)
        body = ops.substitute(target, mapping)
        e = ops.isum(index, ops.num(0), ops.add(ops.dim(n), ops.num(-1)), body)
        other = raised(e)
        values = draw_values([e], KINDS, sizes, rng, "fraction")
        wanted = evaluate(e, values, sizes)
        found += index in topological(body) and not has_sum(other)
        assert np.allclose(evaluate(other, values, sizes), wanted, rtol=1e-9, equal_nan=True), text(e)
    assert found > 30
