"""Short forms of functions: transposes, inverses, traces, norms, reductions."""

from __future__ import annotations

import numpy as np
import pytest

from matcalc.language.parse import read
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

KINDS = """A, B: matrix(n, n), invertible; S: symmetric(n); X: matrix(m, n); x, y: vector(n); b: vector(m)
c: scalar; Q: orthogonal(n); U: matrix(m, n)"""
SIZES = {"m": 3, "n": 4}


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("(A')'", "A"),
        ("(A*B)'*x", "B'*A'*x"),
        ("S'", "S"),
        ("inv(inv(A))", "A"),
        ("inv(A)*A*x", "x"),
        ("inv(2*A)", "inv(A)/2"),
        ("tr(A')", "tr(A)"),
        ("tr(x*y')", "x'*y"),
        ("tr(2*A)", "2*tr(A)"),
        ("tr(X'*X)", "norm2(X)^2"),
        ("tr(A*B*inv(A))", "tr(B)"),
        ("x'*A'*A*x", "norm2(A*x)^2"),
        ("x'*X'*X*x", "norm2(X*x)^2"),
        ("norm2(-3*x)", "3*norm2(x)"),
        ("norm2(x - y)", "norm2(y - x)"),
        ("sum(x .* y)", "x'*y"),
        ("sum(X .* U)", "sum(U .* X)"),
        ("sum(x.^2)", "x'*x"),
        ("log(exp(x))", "x"),
        ("log(1 + exp(x))", "softplus(x)"),
        ("det(A')", "det(A)"),
        ("logdet(inv(S*S + eye(n)))", "-logdet(S*S + eye(n))"),
        ("diag(diag(x))", "x"),
        ("Q'*Q", "eye(n)"),
    ],
)
def test_two_forms_have_one_short_form(code: str, wanted: str, rng: np.random.Generator) -> None:
    problem = read(code, KINDS)
    short, other = (Simplifier(rewriter(default_table()))(read(c, KINDS).function) for c in (code, wanted))
    values = draw_values([problem.function], problem.kinds, SIZES, rng)

    assert np.allclose(evaluate(short, values, SIZES), evaluate(problem.function, values, SIZES), rtol=1e-9, atol=1e-11)
    assert short is other, f"{text(short)} and {text(other)}"
