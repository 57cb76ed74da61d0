"""Gradients of sums over an index come out in matrix form where the sums have one."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.expr import topological

DECLARED = """X: matrix(N, d); x, y: vector(N); w: vector(d); A: matrix(N, N); Y: matrix(N, K); W: matrix(d, K)
a: scalar; S: matrix(d, d)"""
MATRIX_FORM = [
    ("sum(i, x[i]*y[i])", "x", "y"),
    ("sum(i, log(1 + exp(-y[i]*X[i, :]*w)))", "w", "-X'*(sigmoid(-((X*w) .* y)) .* y)"),
    ("sum(i, (X[i, :]*w - y[i])^2)", "w", "2*X'*(X*w - y)"),
    ("sum(i, sum(j, A[i, j]*x[i]*x[j]))", "x", "(A + A')*x"),
    ("sum(i, sum(j, (A[i, j] - x[i]*y[j])^2))", "x", "2*(x*y' - A)*y"),
    ("sum(i, logsumexp(X[i, :]*W) - X[i, :]*W*Y[i, :]')", "W", "X'*(softmax(X*W, axis=1) - Y)"),
    ("sum(i, norm2(W'*X[i, :]' - Y[i, :]')^2)", "W", "2*X'*(X*W - Y)"),
    ("sum(i, log(x'*A[:, i]))", "x", "A*(1 ./ (A'*x))"),
    ("sum(exp(sum(i, X[i, :]'*X[i, :])))", "X", "2*X*exp(X'*X)"),
    ("sum(exp(sum(i, -log(softmax(X[i, :]*W)))))", "W", None),
    ("sum(i, (X[i, :] - w')*S*(X[i, :] - w')')", "w", None),
    ("sum(i, max(0, 1 - y[i]*(X[i, :]*w + a)))", "a", None),
    ("sum(i, sum(j, A[i, j]*(x[i] - x[j])^2))", "x", None),
    ("sum(i, sigmoid(X[i, :]*w))^2 + sum(i, x[i]*X[i, :]*w)", "w", None),
]
INDEX_FORM = [
    ("sum(i in 1..N - 1, (x[i] - x[i - 1])^2)", "x"),
    ("sum(i, prod(X[i, :]))", "X"),
    ("sum(i, i*x[i]^2)", "x"),
]


@pytest.mark.parametrize(("function", "name", "wanted"), MATRIX_FORM, ids=[f"{f}-{n}" for f, n, _ in MATRIX_FORM])
def test_the_gradient_has_no_sum_over_an_index(function: str, name: str, wanted: str | None) -> None:
    d = mc.derive(function, wrt=name, declare=DECLARED)

    assert not any(n.op == "isum" for n in topological(d.answer))
    assert d.verify()
    assert wanted is None or d.text() == wanted


@pytest.mark.parametrize(("function", "name"), INDEX_FORM)
def test_other_sums_are_differentiated_as_they_stand(function: str, name: str) -> None:
    d = mc.derive(function, wrt=name, declare=DECLARED)

    assert any(n.op == "isum" for n in topological(d.answer))
    assert d.verify()


def test_generated_code_of_such_a_sum_has_no_loop() -> None:
    d = mc.derive("sum(i, (X[i, :]*w - y[i])^2)", wrt="w", declare=DECLARED)

    assert "for " not in d.source()
