"""Gradients of SymPy expressions, compared with SymPy's own scalar derivatives of the written-out function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from matcalc.answers.sympy_api import gradient, hessian, jacobian
from matcalc.bridge import sympy_classes as own
from matcalc.bridge.sympy_bridge import problem_of
from matcalc.bridge.sympy_classes import evaluated
from matcalc.errors import DeclarationError, InputError, UnsupportedError

n, m = sp.symbols("n m", integer=True, positive=True)
x, y, b = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", m, 1), sp.MatrixSymbol("b", n, 1)
r = sp.MatrixSymbol("r", 1, n)
A, X = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("X", m, n)
s = sp.Symbol("s", real=True)
c = sp.Symbol("c", positive=True)
SIZES = {n: sp.Integer(2), m: sp.Integer(3)}

CASES: list[tuple[Any, Any]] = [
    (x.T * A * x, x),
    (x.T * A * x, A),
    (c * sp.log(1 + sp.Trace(X.T * X)), X),
    (sp.Trace((X * x - y).T * (X * x - y)) / (2 * m), x),
    (sp.Trace((X * x - y) * (X * x - y).T) / (2 * m), X),
    (sp.log(sp.Determinant(sp.Identity(n) + X.T * X)), X),
    (sp.Trace(sp.Inverse(A) * x * b.T), A),
    (sp.Trace(sp.HadamardProduct(A, A) * x * x.T), x),
    (own.Total(x.applyfunc(lambda t: sp.log(1 + sp.exp(t)))), x),
    (own.Norm2(X * x - y) ** 2, x),
    (own.LogSumExp(X * x), x),
    (r * A * r.T, r),
    (sp.sin(s) * s**2 + sp.exp(-c * s), s),
    (sp.Trace(A) * s**3, s),
    (s * c**2 * sp.Trace(x * b.T), c),
    (sp.Sum(x[sp.Symbol("i"), 0] ** 3, (sp.Symbol("i"), 0, n - 1)), x),
]


def entries(symbol: Any) -> Any:
    """The symbol at its size, as a matrix of scalar symbols."""
    rows, cols = (d.xreplace(SIZES) for d in map(sp.sympify, symbol.shape))
    return sp.ImmutableMatrix(rows, cols, lambda i, j: sp.Symbol(f"{symbol.name}_{i}_{j}", positive=True))


@pytest.mark.parametrize(("f", "by"), CASES, ids=[f"{f}-by-{by}" for f, by in CASES])
def test_the_gradient_is_that_of_the_written_out_function(f: Any, by: Any, rng: np.random.Generator) -> None:
    found = gradient(f, by)
    assert found.free_symbols <= f.free_symbols | {n, m}

    matrices = {v: entries(v) for v in (x, y, b, r, A, X)}
    here = {**SIZES, **matrices}
    written = evaluated(sp.Trace(f).xreplace(here) if getattr(f, "is_Matrix", False) else f.xreplace(here))
    slots = list(matrices.get(by, [by]))
    numbers = {v: sp.Float(rng.uniform(0.5, 1.5)) for v in [*sum((list(v) for v in matrices.values()), []), s, c]}
    wanted = np.array([sp.diff(written, v).evalf(subs=numbers) for v in slots], dtype=float)
    got = evaluated(found.xreplace(here))
    got = np.array([v.evalf(subs=numbers) for v in (got if got.is_Matrix else [got])], dtype=float)

    assert np.allclose(got, wanted, rtol=1e-9)


def test_the_answer_is_short_and_in_the_callers_symbols() -> None:
    assert str(gradient(x.T * A * x, x)) == "(A + A.T)*x"
    assert gradient(c * sp.Trace(A * X.T * X) / n, A).free_symbols == {X, c, n}


def test_what_does_not_occur_has_derivative_zero() -> None:
    assert gradient(x.T * x, X) == sp.ZeroMatrix(m, n)
    assert gradient(x.T * x, s) == 0


def test_one_by_one_matrices_and_matrices_of_symbols_keep_their_shape() -> None:
    one = sp.MatrixSymbol("q", 1, 1)
    a, z = sp.symbols("a z")

    assert gradient(one * one * sp.Symbol("a"), one) == sp.Matrix([[2 * a * one[0, 0]]])
    assert gradient(a**2 * z, sp.Matrix([[a, z]])) == sp.Matrix([[2 * a * z, a**2]])


def test_jacobians_that_are_made_of_gradients() -> None:
    a, z = sp.symbols("a z")

    assert jacobian(sp.Matrix([a * z, z**2]), sp.Matrix([a, z])) == sp.Matrix([[z, a], [0, 2 * z]])
    assert jacobian(x.T * A * x, x).shape == (1, n)
    assert jacobian(sp.Matrix([s**2, sp.sin(s)]), s) == sp.Matrix([2 * s, sp.cos(s)])
    assert hessian(s**3 * c, s) == 6 * s * c


def test_jacobians_and_hessians_of_matrix_expressions() -> None:
    assert jacobian(A * x, x) == A
    assert hessian(x.T * A * x, x) == A + A.T
    assert jacobian(sp.Trace(X.T * X), X).shape[0] == 1
    assert jacobian(X * A, X).shape == (X.shape[0] * A.shape[1], X.shape[0] * X.shape[1])


def test_what_cannot_be_answered_is_refused() -> None:
    for call in (
        lambda: gradient(A * x, x),
        lambda: hessian(A * x, x),
        lambda: gradient(x.T * x / n, n),
    ):
        with pytest.raises(UnsupportedError):
            call()
    with pytest.raises(InputError, match="Symbol"):
        gradient(x.T * x, x + b)
    with pytest.raises(InputError, match="another"):
        gradient(s**2, sp.Symbol("s"))


def test_declarations_add_what_matrix_symbols_cannot_say() -> None:
    problem = problem_of(x.T * A * x, {"A": "symmetric(n)", "w": "vector(n)"})

    assert problem.kinds["A"].facts == {"symmetric"}
    assert problem.kinds["w"].text() == "vector(n)"
    assert {v.data[1].text() for v in problem.function.args if v.op == "sym"} == {"symmetric(n)", "vector(n)"}
    with pytest.raises(DeclarationError, match="A is declared as"):
        problem_of(x.T * A * x, {"A": "matrix(m, n)"})
