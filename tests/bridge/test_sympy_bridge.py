"""SymPy in and out: what is written means what was meant, in numbers, and reads back as the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import matcalc
from matcalc import ops
from matcalc.bridge.sympy_bridge import evaluated, from_sympy, read_sympy, to_sympy
from matcalc.errors import DeclarationError, InputError, LimitError, MatcalcError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind, kind_of_shape
from matcalc.numeric.evaluate import evaluate
from matcalc.printing.text import text
from matcalc.shapes import ONE, Dim
from tests.strategies import DIMS, VARIABLES, grow

M, N, K = DIMS
SIZES = {"m": 2, "n": 3, "k": 4}
s, t, x, y, u, r, A, B, W, X, S, P = (VARIABLES[name] for name in "s t x y u r A B W1 X S P".split())
COUNT = ops.sym("c", Kind("scalar", facts=frozenset({"integer"})))
TWO = ops.num(2)
I = ops.idx("i")  # noqa: E741
J = ops.idx("j")


def entry(v: Expr, *index: Expr) -> Expr:
    specs = [("at",) if size is not ONE else ("all",) for size in v.shape]
    return ops.slice_(v, *specs, *index)


def last(size: Dim) -> Expr:
    return ops.add(ops.dim(size), ops.num(-1))


def all_over(index: Expr, size: Dim, body: Expr) -> Expr:
    return ops.isum(index, ops.num(0), last(size), body)


# one expression or more for every operation that has a value
EXAMPLES: dict[str, list[Expr]] = {
    "num": [ops.num(3), ops.mul(ops.num(1) and ops.div(ops.num(2), ops.num(3)), x)],
    "const": [ops.mul(ops.const("pi"), s)],
    "sym": [s, x, r, A],
    "dim": [ops.div(s, ops.dim(N)), ops.mul(ops.dim(N * M + 1), x)],
    "idx": [all_over(I, N, ops.mul(I, entry(x, I)))],
    "eye": [ops.eye(N), ops.add(ops.eye(N), X)],
    "ones": [ops.ones(M, N), ops.mul(ops.ones(ONE, N), x)],
    "zeros": [ops.zeros(M, N), ops.add(A, ops.zeros(M, N))],
    "commutation": [ops.commutation(M, N), ops.mul(ops.commutation(M, N), ops.vec(A))],
    "unit": [ops.unit(ops.num(1), N), ops.mul(A, ops.unit(TWO, N))],
    "add": [ops.add(A, W, ops.neg(A)), ops.sub(s, t), ops.add(s, ops.mul(ops.transpose(x), X, x))],
    "mul": [
        ops.mul(A, x), ops.mul(s, A, X), ops.mul(ops.transpose(x), x, A), ops.mul(s, t, ops.num(-3)),
        ops.mul(x, s, r), ops.mul(x, ops.transpose(x), y), ops.mul(s, r, x),
    ],
    "had": [ops.had(A, W, A), ops.had(x, ops.reciprocal(y))],
    "pow": [ops.power(s, t), ops.power(x, s), ops.power(x, y), ops.power(s, x), ops.power(A, ops.num(-2))],
    "matpow": [ops.matpow(X, ops.num(3)), ops.matpow(X, ops.num(0)), ops.matpow(X, COUNT)],
    "t": [ops.transpose(A), ops.transpose(x), ops.transpose(ops.mul(A, X))],
    "inv": [ops.inv(X), ops.inv(ops.add(ops.eye(N), ops.mul(ops.transpose(A), A)))],
    "det": [ops.det(X), ops.det(ops.mul(P, P))],
    "logdet": [ops.logdet(P), ops.logdet(ops.add(ops.eye(M), ops.mul(A, ops.transpose(A))))],
    "tr": [ops.trace(X), ops.trace(ops.mul(A, X, ops.transpose(A))), ops.trace(ops.inv(ops.add(ops.eye(N), X)))],
    "adj": [ops.adj(X)],
    "pinv": [ops.pinv(A), ops.pinv(ops.transpose(A))],
    "vec": [ops.vec(A), ops.vec(r)],
    "unvec": [ops.unvec(ops.vec(A), M, N), ops.unvec(ops.vec(A), N, M)],
    "part": [ops.part("lower", X), ops.part("upper", ops.mul(P, P))],
    "diagmat": [ops.diag(x), ops.diag(r)],
    "diagvec": [ops.diagvec(X), ops.diagvec(ops.mul(A, ops.transpose(A)))],
    "kron": [ops.kron(A, B), ops.kron(x, r), ops.kron(ops.kron(x, y), A)],
    "sum": [ops.total(A), ops.total(A, 0), ops.total(A, 1), ops.total(ops.had(x, x))],
    "mean": [ops.mean(A), ops.mean(A, 0), ops.mean(A, 1)],
    "prod": [ops.prod(A), ops.prod(ops.add(x, y))],
    "norm1": [ops.norm1(x), ops.norm1(A)],
    "norm2": [ops.norm2(x), ops.power(ops.norm2(ops.sub(ops.mul(A, x), u)), TWO)],
    "maxel": [ops.maxel(x), ops.maxel(A)],
    "minel": [ops.minel(r), ops.minel(ops.mul(A, X))],
    "fn": [ops.fn(name, z) for name in ops.ELEMENTWISE_NAMES for z in (s, A)],
    "max2": [ops.max2(s, t), ops.max2(A, W), ops.max2(A, ops.num(0)), ops.max2(ops.num(1), A), ops.max2(s, A)],
    "min2": [ops.min2(s, t), ops.min2(A, W), ops.min2(A, s)],
    "cmp": [ops.compare(rel, a, b) for rel in ops.COMPARISONS for a, b in ((s, t), (x, y), (x, ops.num(1)), (s, x))],
    "softmax": [ops.softmax(x), ops.softmax(r), ops.softmax(A, 0), ops.softmax(A, 1)],
    "logsumexp": [ops.logsumexp(x), ops.logsumexp(r), ops.logsumexp(A, 0), ops.logsumexp(A, 1)],
    "mfn": [ops.mfn(name, P) for name in ops.MATRIX_FUNCTIONS],
    "frechet": [ops.frechet(name, P, ops.mul(P, P)) for name in ops.MATRIX_FUNCTIONS],
    "spectral": [ops.spectral(name, P if name.startswith("eig") else A) for name in ops.SPECTRAL],
    "block": [
        ops.block([[s, t], [ops.num(1), s]]), ops.block([[x], [s]]), ops.block([[X, x], [r, ops.num(0)]]),
        ops.block([[A, u], [u, A]]), ops.block([[r, s]]),
    ],
    "slice": [
        entry(x, TWO), entry(A, ops.num(1), ops.num(-1)), ops.slice_(A, ("at",), ("all",), ops.num(1)),
        ops.slice_(A, ("range", None, -1), ("range", 1, 3)), ops.slice_(x, ("range", -2, None), ("all",)),
        entry(ops.mul(A, x), ops.num(0)), ops.slice_(ops.add(X, ops.eye(N)), ("all",), ("at",), ops.num(-1)),
        ops.slice_(x, ("at",), ("all",), last(N)),
    ],
    "isum": [
        all_over(I, N, ops.power(entry(x, I), TWO)),
        all_over(I, M, ops.transpose(ops.slice_(A, ("at",), ("all",), I))),
        all_over(I, N, ops.mul(entry(x, I), all_over(J, M, entry(A, J, I)))),
        all_over(I, N, ops.mul(ops.matpow(X, I), ops.unit(I, N), r)),
        ops.isum(I, ops.num(1), COUNT, ops.div(ops.num(1), I)),
        all_over(I, M, ops.mul(ops.slice_(A, ("at",), ("all",), I), X, x)),
    ],
    "scalars": [
        ops.prod(s), ops.norm1(s), ops.norm2(ops.neg(s)), ops.maxel(s), ops.minel(s), ops.softmax(s), ops.logsumexp(s),
        ops.pinv(s), ops.frechet("expm", s, t), ops.mul(ops.unit(ops.num(0), ONE), A),
        ops.mul(ops.commutation(ONE, ONE), s),
        ops.mul(s, ops.softmax(ops.mul(ops.transpose(x), x)), x),
    ],
}  # fmt: skip
OPERATIONS = [(op, e) for op, examples in EXAMPLES.items() for e in examples]
IDS = [f"{op}-{i}" for op, examples in EXAMPLES.items() for i in range(len(examples))]


def values_for(e: Expr, rng: np.random.Generator) -> dict[str, Any]:
    """Random values with two decimals; numbers above one, so that powers and logarithms exist."""
    values: dict[str, Any] = {}
    for symbol in (n for n in topological(e) if n.op == "sym"):
        shape = tuple(d.evaluate(SIZES) for d in symbol.shape)
        value = rng.uniform(0.2, 0.9, shape).round(2)
        if shape[0] == shape[1] > 1:
            value = value + 2 * np.eye(shape[0])
        if "spd" in symbol.data[1].facts:
            value = ((value + value.T) / 2).round(3)
        values[symbol.name] = 3.0 if symbol is COUNT else value if shape != (1, 1) else value.item()
    return values


def explicit(written: Any, e: Expr, values: dict[str, Any], exact: bool = False) -> Any:
    """The SymPy expression with its symbols and dimensions replaced."""
    number: Callable[[float], Any] = (lambda v: sp.Rational(repr(v))) if exact else sp.Float
    mapping: dict[Any, Any] = {sp.Symbol(name): sp.Integer(size) for name, size in SIZES.items()}
    for symbol in (n for n in topological(e) if n.op == "sym"):
        value = values[symbol.name]
        if symbol.is_scalar:
            replacement = sp.Integer(3) if symbol is COUNT else number(value)
        else:
            replacement = sp.ImmutableDenseMatrix([[number(float(v)) for v in row] for row in value])
        mapping[to_sympy(symbol)] = replacement
    return written.xreplace(mapping)


def as_numbers(result: Any) -> np.ndarray:
    if isinstance(result, sp.MatrixBase):
        return np.array(result.evalf().tolist(), dtype=float)
    return np.array([[float(result.evalf())]])


def reference(e: Expr, values: dict[str, Any]) -> np.ndarray:
    return np.asarray(evaluate(e, values, SIZES), dtype=float).reshape([d.evaluate(SIZES) for d in e.shape])


def test_every_operation_has_an_example() -> None:
    # the first two have no numbers; part: test_sympy_classes; tensor and unstacked are for code alone
    wanted = {*ops._PLAIN, *ops._WITH_DATA} - {"ufn", "d", "part", "tensor", "unstacked", "mapped"}

    assert wanted <= set(EXAMPLES)
    for op, examples in EXAMPLES.items():
        for e in examples:
            assert op in {n.op for n in topological(e)} or op in ("vec", "scalars")


@pytest.mark.parametrize(("op", "e"), OPERATIONS, ids=IDS)
def test_what_is_written_has_the_right_value(op: str, e: Expr, rng: np.random.Generator) -> None:
    values = values_for(e, rng)
    written = to_sympy(e)

    assert np.allclose(as_numbers(evaluated(explicit(written, e, values))), reference(e, values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("op", "e"), OPERATIONS, ids=IDS)
def test_matrices_become_explicit_in_sympys_own_way(op: str, e: Expr, rng: np.random.Generator) -> None:
    values = values_for(e, rng)
    written = explicit(to_sympy(e), e, values)
    shown = written.as_explicit().doit() if isinstance(written, sp.MatrixExpr) else written.doit()

    if shown.has(sp.Trace, sp.Determinant, sp.HadamardPower):  # SymPy stops at Identity(3) + M
        shown = evaluated(shown)
    assert np.allclose(as_numbers(shown), reference(e, values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("op", "e"), OPERATIONS, ids=IDS)
def test_what_is_written_reads_back_with_the_same_value(op: str, e: Expr, rng: np.random.Generator) -> None:
    values = values_for(e, rng)
    back, kinds = from_sympy(to_sympy(e))

    assert back.shape == e.shape
    if op != "dim":
        assert {name: kind.shape for name, kind in kinds.items()} == {
            n.name: n.shape for n in topological(e) if n.op == "sym"
        }
    assert np.allclose(reference(back, {**SIZES, **values}), reference(e, values), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("op", "e"), OPERATIONS, ids=IDS)
def test_it_prints(op: str, e: Expr) -> None:
    written = to_sympy(e)

    assert str(written)
    assert sp.latex(written)
    assert sp.pretty(written)


def test_random_expressions_survive_the_round_trip(rng: np.random.Generator) -> None:
    tried = 0
    for seed in range(150):
        e, _ = grow(random.Random(seed).randrange, depth=3, smooth=True)
        values = values_for(e, rng)
        back, _ = from_sympy(to_sympy(e))
        wanted = reference(e, values)
        # a dimension that no matrix has any more is a scalar like any other
        found = reference(back, {**SIZES, **values})
        assert np.allclose(found, wanted, rtol=1e-9, atol=1e-9, equal_nan=True), text(e)
        tried += bool(np.isfinite(wanted).all())
    assert tried > 100


def test_random_expressions_have_the_right_value(rng: np.random.Generator) -> None:
    for seed in range(40):
        e, _ = grow(random.Random(seed).randrange, depth=3, smooth=True)
        values = values_for(e, rng)
        wanted = reference(e, values)
        if np.isfinite(wanted).all():
            found = as_numbers(evaluated(explicit(to_sympy(e), e, values)))
            assert np.allclose(found, wanted, rtol=1e-8, atol=1e-8), text(e)


# --- what SymPy users write -----------------------------------------------------------------------

n, m = sp.symbols("n m", integer=True, positive=True)
a, b, z = sp.symbols("a b z")
p = sp.Symbol("p", positive=True)
k = sp.Symbol("k", integer=True)
i, j = sp.symbols("i j")
xs, ys = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", n, 1)
As, Xs = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("X", m, n)
row = sp.MatrixSymbol("r", 1, n)
f, g = sp.Function("f"), sp.Function("g")
READINGS: list[tuple[Any, str]] = [
    (xs.T * As * xs, "x'*A*x"),
    (sp.Trace(As * Xs.T * Xs), "tr(A*X'*X)"),
    (sp.log(sp.Determinant(As)), "log(det(A))"),
    (sp.sqrt(sp.Trace(Xs.T * Xs)) + 1, "1 + sqrt(tr(X'*X))"),
    (1 / sp.sqrt(a), "1/sqrt(a)"),
    (As**-1 * xs, "inv(A)*x"),
    (sp.MatPow(As, 2), "A^2"),
    (sp.MatPow(As, k), "A^k"),
    (sp.MatPow(As, -2), "inv(A)^2"),
    (sp.MatPow(As, sp.S.Half), "sqrtm(A)"),
    (sp.MatPow(As, -sp.S.Half), "inv(sqrtm(A))"),
    (sp.exp(As), "expm(A)"),
    (sp.HadamardProduct(xs, ys), "x .* y"),
    (sp.HadamardPower(xs, 3), "x.^3"),
    (sp.HadamardPower(xs, -1), "1 ./ x"),
    (sp.HadamardPower(xs, sp.S.Half), "sqrt(x)"),
    (xs.applyfunc(sp.sin), "sin(x)"),
    (xs.applyfunc(sp.Abs), "abs(x)"),
    (xs.applyfunc(f), "f(x)"),
    (Xs.applyfunc(lambda v: 1 / (1 + sp.exp(-v))), "1 ./ (1 + exp(-X))"),
    (xs.applyfunc(lambda v: a * v), "a*x"),
    (xs.applyfunc(lambda v: sp.Max(0, v)), "max(0, x)"),
    (xs.applyfunc(lambda v: sp.Integer(2)), "2*ones(n)"),
    (sp.KroneckerProduct(As, Xs), "kron(A, X)"),
    (sp.DiagMatrix(xs), "diag(x)"),
    (sp.DiagMatrix(row), "diag(r)"),
    (sp.DiagonalOf(As), "diag(A)"),
    (sp.DiagonalMatrix(As), "diag(diag(A))"),
    (sp.Identity(n) + As, "eye(n) + A"),
    (sp.MatAdd(sp.OneMatrix(m, n), Xs), "1 + X"),
    (sp.Adjoint(Xs), "X'"),
    (sp.BlockMatrix([[As, xs], [xs.T, sp.Matrix([[1]])]]), "[A, x; x', 1]"),
    (sp.Matrix([[a, 1], [2, b]]), "[a, 1; 2, b]"),
    (xs[2, 0], "x[2]"),
    (Xs[i, j], "X[i, j]"),
    (Xs[1, :], "X[1, :]"),
    (Xs[1:, :-1], "X[1:, 0:-1]"),
    (sp.Sum(xs[i, 0] * ys[i, 0], (i, 0, n - 1)), "sum(i, x[i]*y[i])"),
    (sp.Sum(a**i, (i, 1, 5)), "sum(i in 1..5, a^i)"),
    ((xs.T * ys)[0, 0], "sum(i_1, x[i_1]*y[i_1])"),
    (a * z - b / 3, "-1/3*b + a*z"),
    (sp.Float("0.1") * a, "0.1*a"),
    (sp.Float("1e-12") * a, "1e-12*a"),
    (sp.Rational(2, 7) * sp.pi, "2/7*pi"),
    (sp.E * a, "exp(1)*a"),
    (sp.loggamma(p) + sp.digamma(p), "lgamma(p) + digamma(p)"),
    (f(a) ** 2, "f(a)^2"),
    (sp.Derivative(f(a), a), "f'(a)"),
    (f(2 * a).diff(a), "2*f'(2*a)"),
    (g(a, b).diff(b), "D[2](g)(a, b)"),
    (sp.Derivative(sp.sin(a), a), "cos(a)"),
    (sp.Piecewise((1, a > 0), (0, True)), "a > 0"),
    (sp.Piecewise((1, a > 0), (-1, True)), "-1 + 2*(a > 0)"),
    (sp.KroneckerDelta(i, j), "i == j"),
    (sp.Symbol("λ") * xs, "lambda*x"),
    (2 * xs + row.T, "2*x + r'"),
    (xs / n, "1/n*x"),
    (sp.MatrixSymbol("c", 1, 1), "c"),
    (sp.MatrixSymbol("v", 2 * n + m, 1), "v"),
]


@pytest.mark.parametrize(("e", "wanted"), READINGS, ids=[wanted for _, wanted in READINGS])
def test_what_sympy_users_write_is_read(e: Any, wanted: str) -> None:
    assert text(from_sympy(e)[0]) == wanted


def test_shapes_and_assumptions_become_kinds() -> None:
    e = sp.Trace(Xs.T * Xs) * p + k * (row * xs)[0, 0] + a + f(z) + g(a, z) + sp.Symbol("q", nonnegative=True)
    _, kinds = from_sympy(e)

    assert {name: kind.text() for name, kind in kinds.items()} == {
        "X": "matrix(m, n)", "p": "scalar, positive", "k": "integer", "r": "row(n)", "x": "vector(n)", "a": "scalar",
        "f": "function", "z": "scalar", "g": "function(scalar, scalar) -> scalar", "q": "scalar, nonnegative",
    }  # fmt: skip


def test_dimensions_are_numbers_where_they_stand_in_a_formula() -> None:
    e, kinds = from_sympy(sp.Trace(xs.T * xs) / (2 * n))

    assert "n" not in kinds
    assert any(node.op == "dim" and node.data is N for node in topological(e))
    assert from_sympy(a / (2 * n))[1].keys() == {"a", "n"}


def test_symbolic_dimensions_are_polynomials() -> None:
    _, kinds = from_sympy(sp.MatrixSymbol("Z", n * (m + 1), m**2 - 1))

    assert kinds["Z"].shape == (N * M + N, M * M - 1)


def test_the_callers_symbols_come_back() -> None:
    read = read_sympy(p * xs.T * As * xs / n)
    written = to_sympy(read.expr, read.objects)

    assert written.free_symbols == {p, xs, As, n}


def test_mutable_matrices_are_read_and_nothing_else_that_is_not_sympy() -> None:
    assert text(from_sympy(sp.Matrix([[a], [b]]))[0]) == "[a; b]"
    for thing in ("x'*x", "__import__('os')", 3, 2.5, None, [xs], np.eye(2)):
        with pytest.raises(InputError):
            from_sympy(thing)


REFUSED: list[tuple[Any, type[MatcalcError], str]] = [
    (sp.besselj(0, a), UnsupportedError, "besselj"),
    (xs.applyfunc(lambda v: sp.besselj(0, v)), UnsupportedError, "besselj"),
    (xs.applyfunc(sp.gamma), UnsupportedError, "gamma"),
    (sp.sin(As), UnsupportedError, "applyfunc"),
    (sp.I * a, UnsupportedError, "ImaginaryUnit"),
    (sp.oo, UnsupportedError, "Infinity"),
    (sp.nan, UnsupportedError, "NaN"),
    (sp.Product(a, (i, 0, 3)), UnsupportedError, "Product"),
    (sp.Integral(a, a), UnsupportedError, "Integral"),
    (sp.Symbol("w", imaginary=True), UnsupportedError, "not real"),
    (sp.Symbol("w", commutative=False), UnsupportedError, "MatrixSymbol"),
    (sp.Wild("w"), UnsupportedError, "Wild"),
    (sp.Symbol("x_{1}"), DeclarationError, "x_{1}"),
    (sp.Symbol("a b"), DeclarationError, "letters"),
    (sp.Symbol("a") + sp.Symbol("a", positive=True), DeclarationError, "positive"),
    (sp.Symbol("x") * sp.Trace(xs * xs.T), DeclarationError, "x"),
    (sp.Symbol("λ") + sp.Symbol("lambda"), DeclarationError, "lambda"),
    (sp.Symbol("pi") + sp.pi, DeclarationError, "pi"),
    (sp.Function("exp")(a), DeclarationError, "exp"),
    (f(a) + f(a, b), DeclarationError, "f is used"),
    (sp.MatPow(As, a), UnsupportedError, "integer"),
    (sp.MatPow(As, sp.Rational(1, 3)), UnsupportedError, "1/3"),
    (sp.Float("1e5000"), LimitError, "1e300"),
    (sp.Integer(10) ** 5000, LimitError, "digits"),
    (sp.FunctionMatrix(n, n, sp.Lambda((i, j), i + j)), UnsupportedError, "FunctionMatrix"),
    (sp.Derivative(sp.Trace(As * As), As), UnsupportedError, "Derivative"),
    (sp.Piecewise((sp.log(a), a > 0), (0, True)), UnsupportedError, "Piecewise"),
    (sp.Piecewise((1, (a > 0) & (b > 0)), (0, True)), UnsupportedError, "comparison"),
    (sp.DiagonalOf(Xs), UnsupportedError, "not square"),
    (sp.Q.positive(a), UnsupportedError, "AppliedPredicate"),
    (sp.Eq(a, b), UnsupportedError, "Equality"),
    (sp.MatrixSlice(Xs, (0, m, 2), (0, n, 1)), UnsupportedError, "step"),
    (sp.MatrixSymbol("Z", n / 2, 1), UnsupportedError, "dimension"),
]


@pytest.mark.parametrize(("e", "error", "word"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_has_no_reading_is_refused_by_name(e: Any, error: type[MatcalcError], word: str) -> None:
    with pytest.raises(error, match=word.replace("{", r"\{")) as caught:
        from_sympy(e)
    assert type(caught.value) is error


def test_shapes_are_checked_where_sympy_does_not() -> None:
    mis_shaped = sp.MatMul(As, sp.MatrixSymbol("B", m, 2), evaluate=False)
    with pytest.raises(MatcalcError, match="shapes"):
        from_sympy(mis_shaped)


def test_nested_sums_over_one_letter_get_indices_of_their_own() -> None:
    inner = sp.Sum(xs[i, 0], (i, 0, n - 1))
    e, _ = from_sympy(sp.Sum(ys[i, 0] * inner, (i, 0, n - 1)))
    values = {"x": np.array([[1.0], [2], [3]]), "y": np.array([[5.0], [7], [1]])}

    assert evaluate(e, values, {"n": 3}) == pytest.approx(13 * 6)
    assert len({node.args[0] for node in topological(e) if node.op == "isum"}) == 2


def test_an_index_does_not_capture_a_symbol_of_that_name() -> None:
    free = sp.Symbol("i", positive=True)
    e, kinds = from_sympy(free * sp.Sum(xs[i, 0], (i, 0, n - 1)))

    assert text(e) == "i*sum(i_1, x[i_1])"
    assert kinds["i"].facts == {"positive"}


def test_undefined_functions_survive_the_round_trip() -> None:
    vector, other = kind_of_shape((N, ONE)), kind_of_shape((M, ONE))
    gk = Kind("function", args=(vector,), result=other)
    hk = Kind("function", args=(vector,), result=SCALAR_KIND)
    lk = Kind("function", args=(other, vector), result=SCALAR_KIND)
    both = Kind("function", args=(SCALAR_KIND, SCALAR_KIND), result=SCALAR_KIND)
    examples = [
        ops.ufn("f", ELEMENTWISE, [s], 0), ops.ufn("f", ELEMENTWISE, [ops.mul(TWO, s)], 2),
        ops.ufn("f", ELEMENTWISE, [A], 0), ops.ufn("f", ELEMENTWISE, [ops.mul(A, x)], 1),
        ops.ufn("g", gk, [x], ()), ops.ufn("g", gk, [ops.mul(TWO, x)], (0,)),
        ops.ufn("h", hk, [x], ()), ops.ufn("h", hk, [x], (0,)), ops.ufn("l", lk, [u, x], (1,)),
        ops.ufn("q", both, [s, t], ()), ops.ufn("q", both, [s, t], (1,)),
        ops.ufn("q", both, [s, ops.fn("exp", s)], (1,)),
        ops.ufn("h", hk, [ops.mul(TWO, x)], (0, 0)), ops.ufn("l", lk, [u, x], (0, 1)), ops.ufn("l", lk, [u, x], (1, 0)),
        ops.ufn("l", lk, [u, x], (0, 0)), ops.ufn("q", both, [s, t], (0, 1)), ops.ufn("q", both, [s, t], (1, 1)),
        ops.ufn("q", both, [s, s], (0, 1)), ops.ufn("q", both, [s, ops.fn("exp", s)], (0, 1)),
        ops.ufn("q", both, [ops.mul(TWO, t), t], (0, 0)),
    ]  # fmt: skip
    for e in examples:
        written = to_sympy(e)
        assert from_sympy(written)[0] is e
        assert str(written)
        assert sp.latex(written)


def test_formal_differentials_survive_the_round_trip() -> None:
    product = ops.mul(ops.transpose(A), ops.formal_differential(W))
    for e in (ops.formal_differential(A), product, ops.formal_differential(s)):
        assert from_sympy(to_sympy(e))[0] is e
    assert str(to_sympy(ops.mul(A, ops.formal_differential(X)))) == "A*d(X)"


def test_an_undefined_function_becomes_a_defined_one() -> None:
    e = to_sympy(ops.ufn("f", ELEMENTWISE, [ops.mul(TWO, s)], 1))
    defined = e.replace(sp.Function("f"), lambda v: v**3)

    assert defined.doit() == 3 * (2 * sp.Symbol("s")) ** 2


def test_sums_and_products_are_shown_as_they_were_derived() -> None:
    assert str(to_sympy(ops.mul(ops.add(A, W), x))) == "(A + W1)*x"
    assert str(to_sympy(ops.add(A, A))) == "A + A"
    assert str(to_sympy(ops.mul(X, ops.inv(X)))) == "X*X**(-1)"
    assert str(to_sympy(ops.add(s, ops.mul(ops.transpose(x), X, x)))) == "s + Trace(x.T*X*x)"
    assert str(to_sympy(ops.sub(ops.mul(A, x), u))) == "A*x - u"


def test_a_thousand_terms_and_long_products_are_no_deep_recursion() -> None:
    total = ops.add(*(ops.mul(ops.num(c), x) for c in range(2, 3002)))
    back, _ = from_sympy(to_sympy(total))

    assert back is total


def test_deep_nesting_is_no_deep_recursion_of_ours() -> None:
    e = s
    for _ in range(20_000):
        e = ops.fn("sin", e)

    assert from_sympy(to_sympy(e))[0] is e


def test_depth_is_refused_where_sympy_cannot_follow() -> None:
    e = s
    for _ in range(20_000):
        e = ops.max2(ops.num(0), ops.mul(TWO, e))
    with pytest.raises(LimitError, match="nested"):
        to_sympy(e)


def test_a_comparison_that_sympy_cannot_hold_is_refused():
    d = matcalc.derive("min((c > b)*c, (-1 <= 0.5)*(1/2))", "c", "c: scalar, positive; b: scalar")
    with pytest.raises(UnsupportedError, match="SymPy cannot hold this comparison"):
        d.expr  # noqa: B018
