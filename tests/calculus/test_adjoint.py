"""Transposition: <G, dF> = <F*(G), dX> for every operation that can be linear, and for those of the table."""

from __future__ import annotations

import pytest

from matcalc.calculus.adjoint import gradients
from matcalc.errors import UnsupportedError
from matcalc.expr import symbols
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_gradient
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

KINDS = {
    "X": "matrix(m, n)", "Z": "matrix(n, n)", "A": "matrix(k, m)", "B": "matrix(n, p)", "W": "matrix(m, n)",
    "x": "vector(n)", "y": "vector(m)", "r": "row(n)", "C": "matrix(2, 3)",
}  # fmt: skip
LOSSES = [
    ("sum(sin(A*X*B))", "X"), ("sum(W .* X .* X)", "X"), ("norm2(X')^2", "X"), ("tr(Z*Z*Z')", "Z"),
    ("sum(exp(sum(X, axis=0)))", "X"), ("sum(exp(sum(X, axis=1)))", "X"), ("sum(mean(X, axis=0).^3)", "X"),
    ("norm2(diag(x)*Z)^2", "x"), ("norm2(diag(r)*Z)^2", "r"), ("sum(diag(Z).^3)", "Z"), ("sum(vec(X).^3)", "X"),
    ("norm2(unvec(kron(x, y), m, n) .* W)^2", "x"), ("sum(sin(kron(X, C)))", "X"), ("sum(sin(kron(C, X)))", "X"),
    ("kron(x, y)'*vec(W)", "x"), ("sum(sin(kron(x, y)))", "y"), ("sum(exp(kron(r, y')))", "r"),
    ("sum(sin(kron(x, kron(x, y))))", "x"), ("sum([x; 2*x].^3)", "x"), ("norm2(X[1:, :-1])^2", "X"),
    ("X[0, 1]^3", "X"), ("sum(X[:, 0].^3)", "X"),
    ("sum(tril(Z).^3)", "Z"), ("tr(expm(Z)*Z)", "Z"), ("logsumexp(X*x)", "x"), ("sum(softmax(X, axis=0).^2)", "X"),
    ("sum(i, exp(x[i])*x[i])", "x"), ("r*Z*r'", "r"), ("prod(x)", "x"), ("norm2(pinv(X)*y)^2", "X"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "wrt"), LOSSES)
def test_the_gradient_matches_differences(f: str, wrt: str) -> None:
    loss = parse(f, KINDS)
    x = next(s for s in symbols(loss) if s.name == wrt)

    assert verify_gradient(loss, x, gradients(loss, [x], default_table(), Simplifier())[x])


def test_several_gradients_come_from_one_pass() -> None:
    loss = parse("sum(tanh(A*X*B))", KINDS)
    targets = [s for s in symbols(loss) if s.name in "AXB"]
    found = gradients(loss, targets, default_table(), Simplifier())

    assert all(verify_gradient(loss, x, found[x]) for x in targets)


UNDEFINED = {
    **KINDS, "f": "function(vector(n)) -> scalar", "u": "function(row(n)) -> scalar",
    "l": "function(scalar, vector(n), row(m)) -> scalar", "t": "scalar", "q": "row(m)",
}  # fmt: skip
GRADIENTS = [
    ("grad(f)(Z*x)'*x", "xZ"), ("norm2(grad(f)(x .* x))^2", "x"), ("f(grad(f)(x))", "x"), ("grad(u)(r)*x", "rx"),
    ("norm2(grad(u)(x'*Z))^2", "xZ"), ("D[1](l)(t, x, q)^2", "txq"), ("D[2](l)(t, x, q)'*Z*x", "txqZ"),
    ("D[3](l)(t, t*x, q)*y", "txqy"), ("D[1](l)(x'*x, Z*x, x'*W')", "xZW"), ("x'*hess(f)(r')*x", "x"),
]


@pytest.mark.parametrize(("f", "wrt"), GRADIENTS)
def test_derivatives_of_undefined_functions_are_differentiated_in_turn(f: str, wrt: str) -> None:
    loss = parse(f, UNDEFINED)
    targets = [s for s in symbols(loss) if s.name in wrt]
    found = gradients(loss, targets, default_table(), Simplifier())

    assert len(targets) == len(wrt)
    assert all(verify_gradient(loss, x, found[x]) for x in targets)


def test_third_derivatives_of_undefined_functions_are_refused() -> None:
    loss = parse("x'*hess(f)(x)*x", UNDEFINED)

    with pytest.raises(UnsupportedError, match="third derivatives of f"):
        gradients(loss, symbols(loss), default_table(), Simplifier())


def test_what_has_no_differential_is_refused_by_name() -> None:
    loss = parse("sum(trigamma(x))", KINDS)

    with pytest.raises(UnsupportedError, match="trigamma"):
        gradients(loss, symbols(loss), default_table(), Simplifier())
