"""Convex and concave functions are known by the way they are built, and no others."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.language.parse import read
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier
from matcalc.solving.convexity import shape_of_function

DECLARED = """
X: matrix(n, d)
S: spd(n)
T: spd(d)
A: symmetric(d)
w: vector(d)
v: vector(n), positive
c: scalar, positive
b: scalar
"""


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("norm2(X*w - y)^2", 1),
        ("-norm2(X*w - y)^2", -1),
        ("(X*w - y)'*S*(X*w - y)", 1),
        ("c*w'*T*w - y'*X*w", 1),
        ("-c*w'*T*w", -1),
        ("sum(v .* (X*w - y).^2)", 1),
        ("sum(exp(X*w))", 1),
        ("sum(log(X*w))", -1),
        ("norm2(w)^4", 1),
        ("(y'*X*w - 1)^2", 1),
        ("tr((X*w - y)*(X*w - y)'*S)", 1),
        ("norm1(X*w) + max(w)", 1),
        ("w'*A*w", 0),
        ("b*norm2(w)^2", 0),
        ("norm2(w)^2 - norm2(X*w)^2", 0),
        ("sum(w.^3)", 0),
        ("prod(w)", 0),
        ("sum(sin(w))", 0),
        ("w[0]*w[1]", 0),
        ("norm2(w)^2*sum(w)", 0),
    ],
)
def test_the_sign_of_the_curvature(text: str, sign: int) -> None:
    problem = read(text, DECLARED)
    w = ops.sym("w", problem.kinds["w"])

    assert shape_of_function(problem.function, [w], Simplifier(rewriter(default_table()))) == sign


def test_jointly_in_several_unknowns() -> None:
    problem = read("norm2(A*X + X*B - C)^2 + tr(X'*X)", "A: matrix(m, m)\nB: matrix(n, n)\nX: matrix(m, n)")
    names = {name: ops.sym(name, kind) for name, kind in problem.kinds.items()}
    short = Simplifier(rewriter(default_table()))

    assert shape_of_function(problem.function, [names["X"]], short) == 1
    assert shape_of_function(problem.function, [names["X"], names["C"]], short) == 1
    assert shape_of_function(problem.function, [names["X"], names["A"]], short) == 0
