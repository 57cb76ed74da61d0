"""Our SymPy classes print, substitute, differentiate where they can, and evaluate to the right numbers."""

from __future__ import annotations

import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from matcalc.bridge import sympy_classes as own
from matcalc.bridge.sympy_classes import evaluated

n, m = sp.symbols("n m")
i = sp.Symbol("i")
x = sp.MatrixSymbol("x", n, 1)
A = sp.MatrixSymbol("A", n, n)
X = sp.MatrixSymbol("X", m, n)
POINT = {
    n: sp.Integer(2),
    m: sp.Integer(3),
    x: sp.ImmutableMatrix([3, -4]),
    A: sp.ImmutableMatrix([[1, 2], [4, 5]]),
    X: sp.ImmutableMatrix([[1, 2], [3, 4], [5, 6]]),
}

# expression, how it prints, its LaTeX, its value at POINT
CASES: list[tuple[Any, str, str, Any]] = [
    (own.Total(X), "sum(X)", r"\operatorname{sum}\left(X\right)", 21),
    (own.Mean(X), "mean(X)", r"\operatorname{mean}\left(X\right)", sp.Rational(7, 2)),
    (own.EntryProduct(X), "prod(X)", r"\operatorname{prod}\left(X\right)", 720),
    (own.Norm1(x), "norm1(x)", r"\operatorname{norm1}\left(x\right)", 7),
    (own.Norm2(x), "norm2(x)", r"\operatorname{norm2}\left(x\right)", 5),
    (own.Norm2(x) ** 2, "norm2(x)**2", r"\operatorname{norm2}\left(x\right)^{2}", 25),
    (own.MaxEntry(X), "max(X)", r"\operatorname{max}\left(X\right)", 6),
    (own.MinEntry(X), "min(X)", r"\operatorname{min}\left(X\right)", 1),
    (own.LogSumExp(x), "logsumexp(x)", r"\operatorname{logsumexp}\left(x\right)", sp.log(sp.exp(3) + sp.exp(-4))),
    (own.AxisSum(X, 0), "sum(X, axis=0)", r"\operatorname{sum}\left(X, \mathrm{axis=0}\right)", [[9, 12]]),
    (own.AxisMean(X, 1), "mean(X, axis=1)", r"\mathrm{axis=1}", [[1.5], [3.5], [5.5]]),
    (own.ElementwiseMax(x, 0), "max(x, 0)", r"\operatorname{max}\left(x, 0\right)", [[3], [0]]),
    (own.ElementwiseMin(A, A.T), "min(A, A.T)", r"\operatorname{min}\left(A, A^{T}\right)", [[1, 2], [2, 5]]),
    (own.Indicator("<=", x, 3), "(x <= 3)", r"\left[x \leq 3\right]", [[1], [1]]),
    (own.Indicator("<", 3, X), "(3 < X)", r"\left[3 < X\right]", [[0, 0], [0, 1], [1, 1]]),
    (own.Adjugate(A), "adj(A)", r"\operatorname{adj}\left(A\right)", [[5, -2], [-4, 1]]),
    (own.Diagonal(A), "diag(A)", r"\operatorname{diag}\left(A\right)", [[1], [5]]),
    (own.Toeplitz(A), "toeplitz(A)", r"\operatorname{toeplitz}\left(A\right)", [[3, 2], [4, 3]]),
    (own.Lower(A), "tril(A)", r"\operatorname{tril}\left(A\right)", [[1, 0], [4, 5]]),
    (own.Upper(A), "triu(A)", r"\operatorname{triu}\left(A\right)", [[1, 2], [0, 5]]),
    (own.Vec(X), "vec(X)", r"\operatorname{vec}\left(X\right)", [[1], [3], [5], [2], [4], [6]]),
    (own.Unvec(own.Vec(X), n, m), "unvec(vec(X), n, m)", "unvec", [[1, 5, 4], [3, 2, 6]]),
    (own.Unit(1, n), "unit(1, n)", r"\operatorname{unit}\left(1, n\right)", [[0], [1]]),
    (own.Commutation(1, n), "commutation(1, n)", "commutation", [[1, 0], [0, 1]]),
    (own.MatrixSum(A**i, (i, 0, n)), "sum(i in 0..n, A**i)", r"\sum_{i=0}^{n} A^{i}", [[11, 14], [28, 39]]),
    (own.MatrixSum(x, (i, 1, 0)), "sum(i in 1..0, x)", r"\sum_{i=1}^{0} x", [[0], [0]]),
    (own.relu(own.Total(x)), "relu(sum(x))", r"\operatorname{relu}\left(\operatorname{sum}\left(x\right)\right)", 0),
]  # fmt: skip


def plain(value: Any) -> Any:
    return sp.ImmutableMatrix(value) if isinstance(value, list) else sp.sympify(value)


@pytest.mark.parametrize(("e", "shown", "latex", "value"), CASES, ids=[c[1] for c in CASES])
def test_prints_substitutes_and_evaluates(e: Any, shown: str, latex: str, value: Any) -> None:
    assert str(e) == shown
    assert latex in sp.latex(e)
    for filled in (e.subs(POINT), e.xreplace(POINT)):
        assert sp.simplify(filled.doit() - plain(value)) == 0 * plain(value)
        assert filled.doit() == evaluated(filled)
    if e.is_Matrix:
        assert e.xreplace(POINT).as_explicit() == e.xreplace(POINT).doit()
        assert tuple(evaluated(e.xreplace(POINT)).shape) == tuple(d.xreplace(POINT) for d in map(sp.sympify, e.shape))


def test_nothing_is_evaluated_before_the_symbols_are_known() -> None:
    for e, *_ in CASES:
        if not e.has(own.Commutation, own.MatrixSum, own.relu):
            assert e.doit() == e
    assert own.MatrixSum(A**i, (i, 0, n)).doit() == own.MatrixSum(A**i, (i, 0, n))
    assert own.MatrixSum(A**i, (i, 1, 2)).doit() == A + A**2
    assert own.Softmax(x).subs(n, 2).doit() == own.Softmax(sp.MatrixSymbol("x", 2, 1))


def test_symbols_of_known_size_are_written_out_on_request() -> None:
    y = sp.MatrixSymbol("y", 2, 1)
    total = sp.exp(y[0, 0]) + sp.exp(y[1, 0])

    assert own.Softmax(y).as_explicit() == sp.Matrix([sp.exp(y[0, 0]), sp.exp(y[1, 0])]) / total
    assert own.Softmax(y)[1, 0] == sp.exp(y[1, 0]) / total
    with pytest.raises(ValueError, match="not all known"):
        own.Softmax(x).as_explicit()


def test_softmax_sums_to_one_along_its_axis() -> None:
    assert own.Softmax(X, 0).shape == own.Softmax(X, 1).shape == (m, n)
    columns = evaluated(own.AxisSum(own.Softmax(X, 0), 0).xreplace(POINT))
    rows = evaluated(own.AxisSum(own.Softmax(X, 1), 1).xreplace(POINT))

    assert sp.simplify(columns) == sp.ones(1, 2)
    assert sp.simplify(rows) == sp.ones(3, 1)


def test_logsumexp_along_an_axis() -> None:
    found = own.AxisLogSumExp(X, 1).xreplace(POINT).doit()

    assert found == sp.Matrix([sp.log(sp.exp(r) + sp.exp(r + 1)) for r in (1, 3, 5)])


def test_commutation_transposes_what_vec_stacked() -> None:
    K = own.Commutation(m, n).xreplace(POINT).doit()
    value = POINT[X]

    assert K * value.vec() == value.T.vec()
    assert own.Commutation(m, n).shape == (m * n, m * n)


def test_the_pseudo_inverse_solves_penroses_equations() -> None:
    deficient, decimal = sp.Matrix([[1, 2], [2, 4], [3, 6]]), sp.Matrix([[1.5, 2.0], [3.0, 4.0], [0.5, 1.0]])
    for value in (POINT[X], POINT[X].T, deficient, decimal):
        P = own.PseudoInverse(sp.ImmutableMatrix(value)).doit()
        for left, right in ((value * P * value, value), (P * value * P, P), ((value * P).T, value * P)):
            assert np.allclose(np.array(left - right, dtype=float), 0, atol=1e-12)


@pytest.mark.parametrize("name", ["expm", "logm", "sqrtm", "sinm", "cosm"])
def test_matrix_functions_of_exact_and_decimal_matrices(name: str) -> None:
    exact = sp.ImmutableMatrix([[4, 1], [0, 9]])
    irrational = sp.ImmutableMatrix([[3, 1, 0], [1, 4, 1], [0, 1, 5]])
    decimal = irrational.evalf()
    wanted = {
        "expm": mpmath.expm, "logm": mpmath.logm, "sqrtm": mpmath.sqrtm, "sinm": mpmath.sinm, "cosm": mpmath.cosm
    }[name]  # fmt: skip
    for value in (exact, irrational, decimal):
        found = np.array(own.MatrixFunction(name, value).doit().evalf().tolist(), dtype=float)
        reference = np.array(wanted(mpmath.matrix(value.tolist())).tolist(), dtype=float)
        assert np.allclose(found, reference.reshape(found.shape), rtol=1e-13)
    assert not own.MatrixFunction(name, exact).doit().has(sp.Float)
    assert own.MatrixFunction(name, A).doit() == own.MatrixFunction(name, A)


@pytest.mark.parametrize("name", ["expm", "logm", "sqrtm", "sinm", "cosm"])
def test_frechet_derivatives_are_the_limit_of_differences(name: str) -> None:
    value = sp.ImmutableMatrix([[3, 1], [sp.Rational(1, 2), 4]])
    direction = sp.ImmutableMatrix([[1, -2], [3, 1]])
    h = sp.Rational(1, 10**5)
    found = own.Frechet(name, value, direction).doit().evalf(30)
    ahead = own.MatrixFunction(name, value + h * direction).doit()
    behind = own.MatrixFunction(name, value - h * direction).doit()
    difference = (ahead - behind) / (2 * h)

    assert np.allclose(np.array(found, dtype=float), np.array(difference.evalf(), dtype=float), rtol=1e-6)
    assert str(own.Frechet(name, A, A)) == f"{name}_frechet(A, A)"


@pytest.mark.parametrize(
    ("function", "at", "value", "slope"),
    [
        (own.sigmoid, 0, sp.S.Half, sp.Rational(1, 4)),
        (own.softplus, 0, sp.log(2), sp.S.Half),
        (own.relu, 3, 3, 1),
        (own.relu, -3, 0, 0),
        (own.gelu, 0, 0, sp.S.Half),
        (own.lgamma, 5, sp.log(24), sp.digamma(5)),
        (own.lgamma, sp.Rational(-1, 2), sp.log(2 * sp.sqrt(sp.pi)), sp.digamma(sp.Rational(-1, 2))),
    ],
)
def test_scalar_functions_evaluate_and_differentiate(function: Any, at: Any, value: Any, slope: Any) -> None:
    t = sp.Symbol("t", real=True)

    assert sp.simplify(function(at).doit() - value) == 0
    assert abs(function(sp.Float(at) if at == int(at) else at).evalf() - sp.N(value)) < 1e-12
    assert abs(sp.N(function(t).diff(t).subs(t, at).doit() - slope)) < 1e-12
    assert str(function(t)) == f"{function.__name__}(t)"
    assert sp.latex(function(t) ** 2) == rf"\operatorname{{{function.__name__}}}^{{2}}\left(t\right)"
    assert x.applyfunc(function).xreplace(POINT).doit().shape == (2, 1)


def test_a_bound_index_is_not_substituted() -> None:
    e = own.MatrixSum(i * A, (i, 1, i + 2))

    assert e.free_symbols == {A, i}
    assert own.MatrixSum(i * A, (i, 1, n)).free_symbols == {A, n}
    assert e.subs(i, 5) == own.MatrixSum(i * A, (i, 1, 7))
    assert own.MatrixSum(i * A, (i, 1, n)).subs(n, 3).args[1] == sp.Tuple(i, 1, 3)


def test_undefined_functions_stay_symbolic() -> None:
    jacobian = own.Undefined("g", (x,), (m, 1), (0,))
    gradient = own.Undefined("l", (x, X), (1, 1), (1,))

    assert (str(jacobian), jacobian.shape) == ("D(g)(x)", (m, n))
    assert (str(gradient), gradient.shape) == ("D[2](l)(x, X)", (m, n))
    assert str(own.Undefined("h", (x,), (1, 1), (0,))) == "grad(h)(x)"
    hessian, mixed = own.Undefined("h", (x,), (1, 1), (0, 0)), own.Undefined("q", (i, x), (1, 1), (0, 1))
    assert (str(hessian), hessian.shape) == ("hess(h)(x)", (n, n))
    assert (str(mixed), mixed.shape) == ("D[1,2](q)(i, x)", (1, n))
    assert r"\nabla^{2} h" in sp.latex(hessian)
    assert r"\nabla_{1,2}^{2} q" in sp.latex(mixed)
    assert str(own.Undefined("g", (x,), (m, 1))) == "g(x)"
    assert jacobian.xreplace(POINT).doit() == jacobian.xreplace(POINT)
    assert jacobian.subs(x, 2 * x).args[1][0] == 2 * x
    assert r"D g" in sp.latex(jacobian)
    assert r"\nabla_{2} l" in sp.latex(gradient)


def test_evaluated_finishes_what_sympy_leaves() -> None:
    for e, value in (
        (sp.Trace(sp.Identity(n) + A), 8),
        (sp.Determinant(sp.Identity(n) + A), 4),
        (sp.Trace(sp.HadamardPower(A, 2)), 26),
        (sp.Trace(sp.Inverse(sp.Identity(n) + A)), 2),
        (sp.log(sp.Determinant(sp.Identity(n) + A)) * own.Norm2(x), 5 * sp.log(4)),
        (sp.Sum(sp.Trace(sp.MatMul(sp.MatrixSlice(X, (i, i + 1), (0, n)), x)), (i, 0, m - 1)), -21),
        (sp.Sum(x[i, 0] * sp.Symbol("j"), (i, 0, n - 1), (sp.Symbol("j"), 1, 3)), -6),
        (sp.Piecewise((1, own.Norm2(x) > 4), (0, True)), 1),
    ):
        assert evaluated(e.xreplace(POINT)) == value


def test_sympys_own_derivative_is_never_silently_zero() -> None:
    s = sp.Symbol("s")

    assert sp.diff(s * own.Norm2(x), s) == own.Norm2(x)
    assert sp.diff(own.Total(s * A), s) == sp.Derivative(own.Total(s * A), s)
    assert sp.diff(own.Softmax(x), s) == sp.ZeroMatrix(n, 1)
    with pytest.raises(NotImplementedError, match="gradient"):
        own.Softmax(s * x).diff(s)


def test_rebuilding_and_pickling_give_the_same() -> None:
    for e, *_ in CASES:
        assert e.func(*e.args) == e
        assert pickle.loads(pickle.dumps(e)) == e


def test_text_is_never_read() -> None:
    for make in (own.Softmax, own.Norm2, lambda v: own.MatrixSum(v, (i, 0, 1)), lambda v: own.Indicator("<", x, v)):
        with pytest.raises(sp.SympifyError):
            make("x + __import__('os').getpid()")


def test_deep_nesting_is_evaluated_without_recursion() -> None:
    e = sp.ImmutableMatrix([1, 2])
    for _ in range(3000):
        e = own.ElementwiseMax(e, 0)

    assert evaluated(e) == sp.Matrix([1, 2])
