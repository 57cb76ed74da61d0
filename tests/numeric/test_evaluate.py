"""The reference meaning: every operation against NumPy written by hand; index sums; free indices; wrong values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.special

from matcalc import ops
from matcalc.errors import InputError, ShapeError, UnknownName
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind, kind_of_shape
from matcalc.numeric.evaluate import Plan, evaluate
from matcalc.numeric.matrixfunctions import MATRIX_FUNCTIONS
from matcalc.numeric.operations import _ELEMENTWISE, _OPERATIONS
from matcalc.numeric.sample import project
from matcalc.numeric.smooth import smooth_function
from matcalc.ops import num
from matcalc.shapes import ONE, Dim

m, n, k = (Dim.of(name) for name in "mnk")
SIZES = {"m": 2, "n": 3, "k": 4}


def array(name: str, rows: Dim, cols: Dim) -> Expr:
    return ops.sym(name, kind_of_shape((rows, cols)))


A, B, C = array("A", m, n), array("B", m, n), array("C", n, k)
S, T = array("S", n, n), array("T", n, n)
x, y, r = array("x", n, ONE), array("y", n, ONE), array("r", ONE, k)
s = ops.sym("s", SCALAR_KIND)
p = ops.sym("p", Kind("scalar", facts=frozenset(["integer"])))
_GENERATOR = np.random.default_rng(7)
_ROOT = _GENERATOR.normal(size=(3, 3))
VALUES: dict[str, Any] = {
    "A": _GENERATOR.normal(size=(2, 3)),
    "B": _GENERATOR.normal(size=(2, 3)),
    "C": _GENERATOR.normal(size=(3, 4)),
    "S": _ROOT @ _ROOT.T + np.eye(3),
    "T": _GENERATOR.normal(size=(3, 3)),
    "x": _GENERATOR.uniform(0.2, 0.9, size=(3, 1)),
    "y": _GENERATOR.normal(size=(3, 1)),
    "r": _GENERATOR.normal(size=(1, 4)),
    "s": 0.7,
    "p": 3,
}
a, b, c, st, t, u, v, w = (VALUES[name] for name in ("A", "B", "C", "S", "T", "x", "y", "r"))
ALL, AT = ("all",), ("at",)
softmax = np.exp(u) / np.exp(u).sum()

# operation -> cases: an expression and its value
CASES: dict[str, list[tuple[Expr, Any]]] = {
    "num": [(num(Fraction(1, 3)), 1 / 3), (num(10**400), np.inf)],
    "const": [(ops.const("pi"), np.pi)],
    "sym": [(A, a), (s, 0.7)],
    "dim": [(ops.dim(m * n + 1), 7.0)],
    "eye": [(ops.eye(n), np.eye(3))],
    "ones": [(ops.ones(m, k), np.ones((2, 4)))],
    "zeros": [(ops.zeros(m, k), np.zeros((2, 4)))],
    "unit": [(ops.unit(num(2), n), [[0], [0], [1]]), (ops.unit(ops.sub(p, num(3)), n), [[1], [0], [0]])],
    "commutation": [(ops.mul(ops.commutation(m, n), ops.vec(A)), a.T.reshape(-1, 1, order="F"))],
    "add": [(ops.add(A, B, A), 2 * a + b), (ops.add(s, num(2)), 2.7), (ops.add(A, ops.lift(s, A.shape)), a + 0.7)],
    "mul": [
        (ops.mul(s, A, C), 0.7 * a @ c),
        (ops.mul(A, ops.transpose(x), y), a * (u.T @ v).item()),
        (ops.mul(x, ops.transpose(y), x), u * (v.T @ u).item()),
        (ops.mul(ops.transpose(x), S, y), (u.T @ st @ v).item()),
        (ops.mul(x, r), u @ w),
        (ops.lift(r, (m, k)), np.vstack([w, w])),
    ],
    "had": [(ops.had(A, B, A), a * b * a), (ops.had(s, A), 0.7 * a)],
    "pow": [
        (ops.power(A, num(3)), a**3),
        (ops.power(x, ops.sym("s", SCALAR_KIND)), u**0.7),
        (ops.power(num(2), x), 2**u),
        (ops.power(x, x), u**u),
        (ops.reciprocal(A), 1 / a),
        (ops.div(s, num(4)), 0.175),
    ],
    "matpow": [(ops.matpow(T, p), t @ t @ t), (ops.matpow(T, num(0)), np.eye(3))],
    "t": [(ops.transpose(A), a.T)],
    "inv": [(ops.inv(S), np.linalg.inv(st))],
    "det": [(ops.det(T), np.linalg.det(t))],
    "logdet": [(ops.logdet(S), np.log(np.linalg.det(st))), (ops.logdet(ops.neg(S)), np.nan)],
    "tr": [(ops.trace(ops.mul(A, ops.transpose(B))), (a * b).sum())],
    "adj": [(ops.adj(T), np.linalg.det(t) * np.linalg.inv(t)), (ops.adj(ops.zeros(n, n)), np.zeros((3, 3)))],
    "pinv": [(ops.pinv(A), np.linalg.pinv(a)), (ops.pinv(x), u.T / (u * u).sum()), (ops.pinv(s), 1 / 0.7)],
    "vec": [(ops.vec(A), a.T.reshape(-1, 1)), (ops.vec(r), w.T)],
    "unvec": [(ops.unvec(ops.vec(A), m, n), a)],
    "diagmat": [(ops.diag(x), np.diag(u[:, 0])), (ops.diag(r), np.diag(w[0]))],
    "diagvec": [(ops.diag(S), np.diag(st)[:, None])],
    "part": [
        (ops.part("lower", T), np.tril(t)),
        (ops.part("upper", T), np.triu(t)),
        (ops.part("toeplitz", T), project(t, frozenset(["toeplitz"]))),
    ],
    "kron": [(ops.kron(A, C), np.kron(a, c)), (ops.kron(x, r), np.kron(u, w))],
    "sum": [
        (ops.total(A), a.sum()),
        (ops.total(A, 0), a.sum(axis=0)[None, :]),
        (ops.total(A, 1), a.sum(axis=1)[:, None]),
    ],
    "mean": [(ops.mean(A), a.mean()), (ops.mean(A, 0), a.mean(axis=0)[None, :]), (ops.mean(r, 1), w.mean())],
    "prod": [(ops.prod(A), a.prod()), (ops.prod(s), 0.7)],
    "norm1": [(ops.norm1(A), np.abs(a).sum()), (ops.norm1(ops.neg(s)), 0.7)],
    "norm2": [(ops.norm2(A), np.linalg.norm(a)), (ops.norm2(ops.neg(s)), 0.7)],
    "maxel": [(ops.maxel(A), a.max()), (ops.maxel(s), 0.7)],
    "minel": [(ops.minel(r), w.min())],
    "fn": [],
    "max2": [(ops.max2(A, B), np.maximum(a, b)), (ops.max2(num(0), A), np.maximum(0, a))],
    "min2": [(ops.min2(A, B), np.minimum(a, b)), (ops.min2(s, num(1)), 0.7)],
    "cmp": [
        (ops.compare("<", A, B), 1.0 * (a < b)),
        (ops.compare(">=", A, A), np.ones((2, 3))),
        (ops.compare("==", s, num(1)), 0.0),
        (ops.compare("<=", A, num(0)), 1.0 * (a <= 0)),
        (ops.compare(">", s, num(0)), 1.0),
    ],
    "softmax": [
        (ops.softmax(x), softmax),
        (ops.softmax(r), np.exp(w) / np.exp(w).sum()),
        (ops.softmax(A, 0), np.exp(a) / np.exp(a).sum(axis=0)),
        (ops.softmax(A, 1), np.exp(a) / np.exp(a).sum(axis=1)[:, None]),
        (ops.softmax(s), 1.0),
    ],
    "logsumexp": [
        (ops.logsumexp(x), np.log(np.exp(u).sum())),
        (ops.logsumexp(A, 0), np.log(np.exp(a).sum(axis=0))[None, :]),
        (ops.logsumexp(A, 1), np.log(np.exp(a).sum(axis=1))[:, None]),
        (ops.logsumexp(ops.mul(num(5000), x)), 5000 * u.max()),
    ],
    "mfn": [(ops.mul(ops.mfn("sqrtm", S), ops.mfn("sqrtm", S)), st), (ops.mfn("expm", ops.mfn("logm", S)), st)],
    "frechet": [(ops.frechet("sqrtm", ops.matpow(S, num(2)), ops.add(ops.mul(S, S), ops.mul(S, S))), st)],
    "spectral": [
        (
            ops.mul(
                ops.spectral("eigvecs", S),
                ops.diag(ops.spectral("eigvals", S)),
                ops.transpose(ops.spectral("eigvecs", S)),
            ),
            (st + st.T) / 2,
        ),
        (
            ops.mul(
                ops.spectral("svd_u", A), ops.diag(ops.spectral("svdvals", A)), ops.transpose(ops.spectral("svd_v", A))
            ),
            a,
        ),
        (ops.spectral("normnuc", A), np.linalg.norm(a, "nuc")),
        (ops.spectral("norm_spectral", A), np.linalg.norm(a, 2)),
    ],
    "ufn": [],
    "idx": [],
    "block": [
        (ops.block([[A, B], [B, A]]), np.block([[a, b], [b, a]])),
        (ops.block([[ops.transpose(x), num(1)]]), np.hstack([u.T, [[1]]])),
        (ops.block([[x], [s]]), np.vstack([u, [[0.7]]])),
        (ops.block([[A], [ops.transpose(x)]]), np.vstack([a, u.T])),
        (ops.block([[S, x], [num(1), num(2), ops.transpose(ops.slice_(x, ("range", 1, None), ALL))]]), None),
    ],
    "slice": [
        (ops.slice_(A, AT, ALL, num(1)), a[1:2, :]),
        (ops.slice_(A, ALL, AT, num(-1)), a[:, -1:]),
        (ops.slice_(x, ("range", None, -1), ALL), u[:-1]),
        (ops.slice_(C, ("range", 1, 3), ("range", -2, None)), c[1:3, -2:]),
        (ops.slice_(C, AT, AT, num(1), num(2)), c[1, 2]),
    ],
    "isum": [],
}


@pytest.mark.parametrize("op", sorted(CASES))
def test_meaning(op: str) -> None:
    for expr, expected in CASES[op]:
        found = evaluate(expr, VALUES, SIZES)
        if expected is not None:
            assert np.shape(found) == np.shape(np.asarray(expected))
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
        assert (np.ndim(found) == 0) == expr.is_scalar
    assert not CASES[op] or op in {node.op for expr, _ in CASES[op] for node in Plan(expr).run(VALUES, SIZES)}


def test_every_operation_has_a_meaning() -> None:
    arrays = {"tensor", "unstacked", "mapped"}  # for code alone
    assert set(_OPERATIONS) - arrays | {"isum"} == set(CASES)
    assert (set(ops._PLAIN) | set(ops._WITH_DATA)) - {"d"} - arrays <= set(CASES)  # a formal differential is no number
    assert set(_ELEMENTWISE) == set(ops.ELEMENTWISE_NAMES)
    assert set(MATRIX_FUNCTIONS) == set(ops.MATRIX_FUNCTIONS)


ELEMENTWISE_CASES: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "abs": np.abs, "sign": np.sign,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "softplus": lambda z: np.log(1 + np.exp(z)),
    "relu": lambda z: np.maximum(z, 0), "gelu": lambda z: z * scipy.special.ndtr(z),
    "erf": lambda z: scipy.special.erf(z), "lgamma": lambda z: scipy.special.gammaln(z),
    "digamma": lambda z: scipy.special.digamma(z), "trigamma": lambda z: scipy.special.polygamma(1, z),
}  # fmt: skip


@pytest.mark.parametrize("name", ops.ELEMENTWISE_NAMES)
def test_elementwise_functions(name: str) -> None:
    """Each at positive and negative entries where it is defined there, and of a scalar."""
    positive = np.array([[0.1, 0.5, 0.95], [0.2, 0.3, 0.7]])
    everywhere = name not in "log log1p sqrt lgamma digamma trigamma".split()
    for value in [positive, -positive] if everywhere else [positive]:
        found = evaluate(ops.fn(name, A), {"A": value}, SIZES)
        np.testing.assert_allclose(found, ELEMENTWISE_CASES[name](value), rtol=1e-12, atol=1e-14)
    assert np.ndim(evaluate(ops.fn(name, s), VALUES, SIZES)) == 0


@pytest.mark.parametrize("name", ops.ELEMENTWISE_NAMES)
def test_a_complex_step_gives_the_derivative(name: str) -> None:
    """The continuation of every function agrees with a difference quotient of its real values."""
    for at in (0.4, -0.6):
        if at < 0 and name in ("log", "sqrt"):
            continue
        slope = evaluate(ops.fn(name, s), {"s": at + 1e-20j}, {}).imag * 1e20
        h = 1e-5
        ends = [evaluate(ops.fn(name, s), {"s": at + side * h}, {}) for side in (1, -1)]
        assert abs(slope - (ends[0] - ends[1]) / (2 * h)) < 1e-7 * max(1, abs(slope))


def test_large_arguments_do_not_overflow() -> None:
    for name, expected in [("sigmoid", [0, 1]), ("softplus", [0, 800]), ("tanh", [-1, 1]), ("erf", [-1, 1])]:
        for value in (np.array([-800.0, 800.0]), np.array([-800.0 + 1e-20j, 800.0 + 1e-20j])):
            found = evaluate(ops.fn(name, array("x", m, ONE)), {"x": value}, SIZES)
            np.testing.assert_allclose(found[:, 0].real, expected, atol=1e-12)


def test_transposes_do_not_conjugate() -> None:
    value = VALUES["A"] + 1j * VALUES["B"]

    assert (evaluate(ops.transpose(A), {"A": value}, SIZES) == value.T).all()
    found = evaluate(ops.power(ops.norm2(A), num(2)), {"A": value}, SIZES)
    np.testing.assert_allclose(found, (value * value).sum())


def test_undefined_functions_and_their_derivatives(rng: np.random.Generator) -> None:
    f = smooth_function(ELEMENTWISE, SIZES, rng)
    g_kind = Kind("function", args=(x.data[1], A.data[1]), result=kind_of_shape((k, ONE)))
    h_kind = Kind("function", args=(x.data[1], A.data[1]), result=SCALAR_KIND)
    values = {**VALUES, "f": f, "g": smooth_function(g_kind, SIZES, rng), "h": smooth_function(h_kind, SIZES, rng)}
    step = 1e-20

    def slope(build: Callable[[Expr], Expr], name: str, direction: Any) -> Any:
        symbol = {"x": x, "A": A}[name]
        moved = {**values, name: values[name] + 1j * step * direction}
        return np.imag(evaluate(build(symbol), moved, SIZES)) / step

    for order in range(3):
        found = slope(lambda z, order=order: ops.ufn("f", ELEMENTWISE, [z], order), "A", np.ones((2, 3)))
        np.testing.assert_allclose(found, evaluate(ops.ufn("f", ELEMENTWISE, [A], order + 1), values, SIZES))

    e, big = rng.normal(size=(3, 1)), rng.normal(size=(2, 3))
    jacobian = evaluate(ops.ufn("g", g_kind, [x, A], (0,)), values, SIZES)
    assert jacobian.shape == (4, 3)
    np.testing.assert_allclose(slope(lambda z: ops.ufn("g", g_kind, [z, A], ()), "x", e), jacobian @ e)
    gradient = evaluate(ops.ufn("h", h_kind, [x, A], (1,)), values, SIZES)
    assert gradient.shape == (2, 3)
    np.testing.assert_allclose(slope(lambda z: ops.ufn("h", h_kind, [x, z], ()), "A", big), (gradient * big).sum())


def test_second_derivatives_of_undefined_functions(rng: np.random.Generator) -> None:
    """Of a scalar by a vector, a scalar and a row: the slopes of the gradients along each argument."""
    kinds = {"v": kind_of_shape((n, ONE)), "c": SCALAR_KIND, "w": kind_of_shape((ONE, m))}
    symbols = [ops.sym(name, kind) for name, kind in kinds.items()]
    kind = Kind("function", args=tuple(kinds.values()), result=SCALAR_KIND)
    values = {
        "l": smooth_function(kind, SIZES, rng),
        "v": rng.normal(size=(3, 1)), "c": rng.normal(), "w": rng.normal(size=(1, 2)),
    }  # fmt: skip
    step = 1e-20
    for a in range(3):
        for b, name in enumerate(kinds):
            direction = rng.normal(size=np.shape(values[name]))
            moved = {**values, name: values[name] + 1j * step * direction}
            change = np.imag(evaluate(ops.ufn("l", kind, symbols, (a,)), moved, SIZES)) / step
            second = np.atleast_2d(evaluate(ops.ufn("l", kind, symbols, (a, b)), values, SIZES))

            assert second.shape == (np.size(values[list(kinds)[a]]), np.size(values[name]))
            np.testing.assert_allclose(np.ravel(change), second @ np.ravel(direction))


# --- index sums -----------------------------------------------------------------------------------

i, j = ops.idx("i"), ops.idx("j")
LAST_N, LAST_M = ops.add(ops.dim(n), num(-1)), ops.add(ops.dim(m), num(-1))


def entry(z: Expr, index: Expr) -> Expr:
    return ops.slice_(z, AT, ALL, index)


def test_sums_over_an_index() -> None:
    inner = ops.isum(i, num(0), LAST_N, ops.mul(entry(x, i), entry(y, i)))
    rows = ops.isum(i, num(0), LAST_M, ops.mul(ops.transpose(ops.slice_(A, AT, ALL, i)), ops.slice_(B, AT, ALL, i)))
    powers = ops.isum(i, num(0), ops.sub(p, num(1)), ops.mul(ops.matpow(T, i), S))
    constant = ops.isum(i, num(1), num(4), s)

    np.testing.assert_allclose(evaluate(inner, VALUES, SIZES), (u.T @ v).item())
    np.testing.assert_allclose(evaluate(rows, VALUES, SIZES), a.T @ b)
    np.testing.assert_allclose(evaluate(powers, VALUES, SIZES), st + t @ st + t @ t @ st)
    np.testing.assert_allclose(evaluate(constant, VALUES, SIZES), 4 * 0.7)


def test_an_empty_sum_is_zero() -> None:
    assert evaluate(ops.isum(i, num(0), num(-1), entry(x, i)), VALUES, SIZES) == 0
    assert (evaluate(ops.isum(i, num(3), num(2), A), VALUES, SIZES) == np.zeros((2, 3))).all()


def test_nested_sums() -> None:
    double = ops.isum(i, num(0), LAST_M, ops.isum(j, num(0), LAST_N, ops.slice_(A, AT, AT, i, j)))
    triangle = ops.isum(i, num(0), LAST_N, ops.mul(entry(x, i), ops.isum(j, num(0), i, entry(y, j))))

    np.testing.assert_allclose(evaluate(double, VALUES, SIZES), a.sum())
    np.testing.assert_allclose(evaluate(triangle, VALUES, SIZES), (u.T @ np.cumsum(v)[:, None]).item())


def test_an_inner_sum_may_use_the_same_letter() -> None:
    """The outer index has its value back after the inner sum, and so has all that depends on it."""
    innermost = ops.isum(i, num(0), LAST_N, ops.mul(entry(x, i), ops.slice_(S, AT, AT, i, j)))
    middle = ops.isum(j, num(0), LAST_N, ops.mul(ops.slice_(S, AT, AT, i, j), innermost))
    outer = ops.isum(i, num(0), LAST_N, ops.mul(middle, entry(x, i), entry(x, i)))

    expected = ((st @ st @ u) * u * u).sum()
    np.testing.assert_allclose(evaluate(outer, VALUES, SIZES), expected)


def test_two_sums_over_one_letter_and_different_ranges() -> None:
    short = ops.isum(i, num(0), LAST_M, ops.total(ops.slice_(A, AT, ALL, i)))
    long = ops.isum(i, num(0), LAST_N, ops.mul(entry(x, i), short))

    np.testing.assert_allclose(evaluate(ops.mul(long, short), VALUES, SIZES), u.sum() * a.sum() ** 2)


def test_only_what_depends_on_the_index_is_computed_again() -> None:
    seen: list[Expr] = []
    inverse = ops.inv(S)
    expr = ops.isum(i, num(0), LAST_N, ops.mul(entry(x, i), ops.trace(inverse)))

    Plan(expr).run(VALUES, SIZES, lambda node, args, value: seen.append(node))

    assert seen.count(inverse) == 1
    assert seen.count(entry(x, i)) == 3


def test_a_thousand_nested_sums_do_not_recurse() -> None:
    expr = s
    for level in range(3000):
        expr = ops.isum(ops.idx(f"i{level}"), num(1), num(1), ops.mul(expr, ops.idx(f"i{level}")))

    assert evaluate(expr, VALUES, SIZES) == 0.7


def test_deep_and_shared_expressions() -> None:
    deep, doubled = x, s
    for _ in range(5000):
        deep = ops.fn("sin", deep)
    for _ in range(60):
        doubled = ops.fn("sin", ops.add(doubled, ops.power(doubled, doubled)))

    assert evaluate(deep, VALUES, SIZES).shape == (3, 1)
    assert np.isfinite(evaluate(doubled, VALUES, SIZES))


def test_free_indices_take_a_value() -> None:
    assert evaluate(entry(x, i), {**VALUES, "i": 2}, SIZES) == u[2, 0]
    with pytest.raises(UnknownName, match="index i"):
        evaluate(entry(x, i), VALUES, SIZES)


# --- what is given --------------------------------------------------------------------------------


def test_vectors_may_be_given_with_one_dimension() -> None:
    assert evaluate(x, {"x": [1, 2, 3]}, SIZES).shape == (3, 1)
    assert evaluate(r, {"r": np.arange(4)}, SIZES).shape == (1, 4)
    assert evaluate(s, {"s": np.array([[2]])}, SIZES) == 2.0


def test_wrong_values_are_refused() -> None:
    with pytest.raises(ShapeError, match="A is 2 x 3"):
        evaluate(A, {"A": np.ones((3, 2))}, SIZES)
    with pytest.raises(ShapeError, match="x is 3 x 1"):
        evaluate(x, {"x": np.ones(4)}, SIZES)
    with pytest.raises(UnknownName, match="A has no value"):
        evaluate(A, {}, SIZES)
    with pytest.raises(UnknownName, match="dimension n"):
        evaluate(ops.eye(n), {}, {"m": 2})
    with pytest.raises(InputError, match="outside"):
        evaluate(ops.unit(num(3), n), {}, SIZES)
    with pytest.raises(InputError, match="integer"):
        evaluate(ops.matpow(S, s), VALUES, SIZES)
    with pytest.raises(InputError, match="too large"):
        evaluate(ops.matpow(S, num(10**9)), VALUES, SIZES)


def test_a_singular_inverse_is_nan() -> None:
    assert np.isnan(evaluate(ops.inv(ops.zeros(n, n)), {}, SIZES)).all()


def test_a_negative_base_with_a_fraction_is_nan() -> None:
    assert np.isnan(evaluate(ops.power(s, num(Fraction(1, 2))), {"s": -2.0}, {}))
    assert evaluate(ops.power(s, num(-3)), {"s": -2.0}, {}) == -0.125
