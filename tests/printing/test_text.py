"""Expressions as they would be typed."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from strategies import KINDS, VARIABLES, examples, expressions

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE, Kind
from matcalc.language.parse import parse
from matcalc.ops import add, had, lift, mul, neg, num, power, reciprocal, sub, transpose
from matcalc.printing.measure import length
from matcalc.printing.text import program, text
from matcalc.shapes import ONE, Dim

A, B, C, X, S, W = (VARIABLES[name] for name in ("A", "B", "C", "X", "S", "W1"))
x, y, u, w, r, s, t = (VARIABLES[name] for name in ("x", "y", "u", "w", "r", "s", "t"))
m, n, k = map(Dim.of, "mnk")
N = ops.dim(n)
column, square = x.shape, A.shape
half = num(Fraction(1, 2))

NUMBERS = {
    "0.1": Fraction(1, 10), "0.37": Fraction(37, 100), "1/2": Fraction(1, 2), "1/4": Fraction(1, 4),
    "2/5": Fraction(2, 5), "-1/3": Fraction(-1, 3), "-0.1": Fraction(-1, 10), "0.05": Fraction(1, 20),
    "1000": Fraction(1000), "1e20": Fraction(10**20), "1.5e-9": Fraction("1.5e-9"), "1e-9": Fraction("1e-9"),
    "0.0001": Fraction(1, 10000), "3.14159": Fraction("3.14159"), "100/37": Fraction(100, 37), "0": Fraction(0),
}  # fmt: skip

SIGNS_AND_QUOTIENTS = {
    "x - y": sub(x, y),
    "-x - y": add(neg(x), neg(y)),
    "x - (x - y)": sub(x, sub(x, y)),
    "-(x - y)": neg(sub(x, y)),
    "-x": neg(x),
    "-2*x": mul(num(-2), x),
    "-1*2*x": mul(num(-1), num(2), x),
    "s - 1*2*t": add(s, mul(num(-1), num(2), t)),
    "s - 3*t": sub(s, mul(num(3), t)),
    "s - 1/2*t": sub(s, mul(half, t)),
    "s - 2": sub(s, num(2)),
    "s - t^2": sub(s, power(t, num(2))),
    "x - x .* y": sub(x, had(x, y)),
    "-(x .* y)": neg(had(x, y)),
    "-x .* y": had(neg(x), y),
    "x + (-x .* y)": add(x, had(neg(x), y)),
    "(-2*x) .* y": had(mul(num(-2), x), y),
    "x .* (-y)": had(x, neg(y)),
    "s - (-x .* y)'*x": sub(s, mul(transpose(had(neg(x), y)), x)),
    "1/n*A'*u": mul(reciprocal(N), transpose(A), u),
    "-1/n*A": mul(num(-1), reciprocal(N), A),
    "2/n*A": mul(num(2), reciprocal(N), A),
    "A/n": mul(A, reciprocal(N)),
    "(A - W1)/n": mul(sub(A, W), reciprocal(N)),
    "1/2*A": mul(half, A),
    "2/3*A": mul(num(Fraction(2, 3)), A),
    "s/3": mul(s, num(Fraction(1, 3))),
    "s*(2/3)": mul(s, num(Fraction(2, 3))),
    "2*(1/3)": mul(num(2), num(Fraction(1, 3))),
    "1*(1/s)": mul(num(1), reciprocal(s)),
    "1/s/t": mul(reciprocal(s), reciprocal(t)),
    "1/(s*t)": reciprocal(mul(s, t)),
    "s/(1/t)": mul(s, reciprocal(reciprocal(t))),
    "s*(-2)": mul(s, num(-2)),
    "s*(t - 1)": mul(s, sub(t, num(1))),
    "1/(s + t)": reciprocal(add(s, t)),
    "1/s^2": reciprocal(power(s, num(2))),
    "3^-1": power(num(3), num(-1)),
}

PRODUCTS = {
    "A*x": mul(A, x),
    "x'*y": mul(transpose(x), y),
    "A*(x'*y)": mul(A, transpose(x), y),
    "(x'*y)*A": mul(transpose(x), y, A),
    "x*x'*y": mul(x, transpose(x), y),
    "x'*y*w'*w": mul(transpose(x), y, transpose(w), w),
    "(A + W1)*x": mul(add(A, W), x),
    "x .* (s*y)": had(x, mul(s, y)),
    "(A*x) .* u": had(mul(A, x), u),
    "A*(x .* y)": mul(A, had(x, y)),
    "x .* y .* x": had(x, y, x),
    "x ./ y": had(x, reciprocal(y)),
    "1 ./ x .* y": had(reciprocal(x), y),
    "x ./ y ./ x": had(x, reciprocal(y), reciprocal(x)),
    "x ./ (x .* y)": had(x, reciprocal(had(x, y))),
    "1 ./ x": reciprocal(x),
    "2 ./ x": mul(num(2), reciprocal(x)),
    "-1 ./ x": mul(num(-1), reciprocal(x)),
    "1*(1 ./ x)": mul(num(1), reciprocal(x)),
    "1/n ./ x": mul(reciprocal(N), reciprocal(x)),
    "s*(1 ./ x)*r": mul(s, reciprocal(x), r),
    "x .* (x .* y < 1)": had(x, ops.compare("<", had(x, y), num(1))),
    "kron(x', eye(m))": ops.kron(transpose(x), ops.eye(m)),
}

POWERS = {
    "x.^2": power(x, num(2)),
    "s^2": power(s, num(2)),
    "s^-2": power(s, num(-2)),
    "s^(1/2)": power(s, half),
    "s^(-1/2)": power(s, num(Fraction(-1, 2))),
    "s^(-t)": power(s, neg(t)),
    "s^(t + 1)": power(s, add(t, num(1))),
    "s^t^2": power(s, power(t, num(2))),
    "(s^t)^2": power(power(s, t), num(2)),
    "(-s)^2": power(neg(s), num(2)),
    "-s^2": neg(power(s, num(2))),
    "(1/s)^2": power(reciprocal(s), num(2)),
    "(1/2)^s": power(half, s),
    "2.^A": power(lift(num(2), square), A),
    "s.^A": power(lift(s, square), A),
    "A.^W1": power(A, W),
    "X'^2": ops.matpow(transpose(X), num(2)),
    "(X^2)'": transpose(ops.matpow(X, num(2))),
    "(A.^2)'": transpose(power(A, num(2))),
    "A'.^2": power(transpose(A), num(2)),
    "A''": transpose(transpose(A)),
    "inv(X)'": transpose(ops.inv(X)),
    "tril(X)": ops.part("lower", X),
    "toeplitz(X)": ops.part("toeplitz", X),
    "triu(X)": ops.part("upper", X),
}

LIFTED = {
    "A + s": add(A, lift(s, square)),
    "s + A": add(lift(s, square), A),
    "1 - x .* y": sub(lift(num(1), column), had(x, y)),
    "A - 1": sub(A, lift(num(1), square)),
    "A - s": add(A, lift(neg(s), square)),
    "A - 2*s": add(A, lift(mul(num(-2), s), square)),
    "A + (s + t)": add(A, lift(add(s, t), square)),
    "A + r": add(A, lift(r, square)),
    "A + r + s": add(A, lift(r, square), lift(s, square)),
    "ones(m)*r + s": add(lift(r, square), lift(s, square)),
    "s*ones(m, n) + t": add(lift(s, square), lift(t, square)),
    "s*ones(m, n)": lift(s, square),
    "2*ones(m)*r + A": add(mul(num(2), ops.ones(m, ONE), r), A),
    "max(0, 1 - x)": ops.max2(num(0), sub(lift(num(1), column), x)),
    "min(x, s)": ops.min2(x, s),
    "max(s, t)": ops.max2(s, t),
    "max(s*ones(n), 0)": ops.max2(lift(s, column), num(0)),
    "x >= 0": ops.compare(">=", x, num(0)),
    "(s < t) < s": ops.compare("<", ops.compare("<", s, t), s),
    "(s < t) + 1": add(ops.compare("<", s, t), num(1)),
}

FUNCTIONS = {
    "sum(A, axis=0)": ops.total(A, 0),
    "mean(A)": ops.mean(A),
    "softmax(A, axis=1)": ops.softmax(A, 1),
    "diag(x)": ops.diag(x),
    "diag(X)": ops.diag(X),
    "max(x)": ops.maxel(x),
    "eye(n)": ops.eye(n),
    "ones(n)": ops.ones(n, ONE),
    "ones(1, n)": ops.ones(ONE, n),
    "ones(2*n)": ops.ones(n * 2, ONE),
    "unit(k, n)": ops.unit(ops.dim(k), n),
    "commutation(m, n)": ops.commutation(m, n),
    "unvec(vec(A), m, n)": ops.unvec(ops.vec(A), m, n),
    "expm_frechet(X, S)": ops.frechet("expm", X, S),
    "f(x)": ops.ufn("f", ELEMENTWISE, [x], 0),
    "f''(x)": ops.ufn("f", ELEMENTWISE, [x], 2),
    "f'(x)'": transpose(ops.ufn("f", ELEMENTWISE, [x], 1)),
    "g(x)": ops.ufn("g", KINDS["g"], [x], ()),
    "D(g)(x)": ops.ufn("g", KINDS["g"], [x], (0,)),
    "grad(h)(x)": ops.ufn("h", KINDS["h"], [x], (0,)),
    "D[2](l)(u, x)": ops.ufn("l", KINDS["l"], [u, x], (1,)),
    "hess(h)(x)": ops.ufn("h", KINDS["h"], [x], (0, 0)),
    "D[1,2](l)(u, x)": ops.ufn("l", KINDS["l"], [u, x], (0, 1)),
    "D[1,2](l)(u, x)'": ops.ufn("l", KINDS["l"], [u, x], (1, 0)),
    "[A, u]": ops.block([[A, u]]),
    "[A, u; x', s]": ops.block([[A, u], [transpose(x), s]]),
    "x[0]": ops.slice_(x, ("at",), ("all",), num(0)),
    "A[0, :]": ops.slice_(A, ("at",), ("all",), num(0)),
    "A[:, -1]": ops.slice_(A, ("all",), ("at",), num(-1)),
    "r[:-1]": ops.slice_(r, ("all",), ("range", None, -1)),
    "x[1:3]": ops.slice_(x, ("range", 1, 3), ("all",)),
    "(A*x)[0]": ops.slice_(mul(A, x), ("at",), ("all",), num(0)),
    "softmax(x)[0]": ops.slice_(ops.softmax(x), ("at",), ("all",), num(0)),
}
ALL = {**SIGNS_AND_QUOTIENTS, **PRODUCTS, **POWERS, **LIFTED, **FUNCTIONS}


@pytest.mark.parametrize("shown", NUMBERS)
def test_number(shown: str) -> None:
    assert text(num(NUMBERS[shown])) == shown


@pytest.mark.parametrize("shown", ALL)
def test_text(shown: str) -> None:
    assert text(ALL[shown]) == shown
    assert parse(shown, KINDS) is ALL[shown]


@given(expressions(depth=3))
@examples(300)
def test_text_parses_to_the_same_node(made: tuple[Expr, dict[str, Kind]]) -> None:
    expr, kinds = made
    assume(length(expr) < 200)
    assert parse(text(expr), kinds) is expr


def entry(v: Expr, index: Expr) -> Expr:
    return ops.slice_(v, ("at",), ("all",), index)


def test_sum_over_an_index() -> None:
    i, last = ops.idx("i"), add(N, num(-1))
    body = mul(entry(x, i), entry(y, i))
    assert text(ops.isum(i, num(0), last, body)) == "sum(i, x[i]*y[i])"
    assert text(ops.isum(i, num(1), last, body)) == "sum(i in 1..n - 1, x[i]*y[i])"
    assert text(ops.isum(i, num(0), num(3), power(s, i))) == "sum(i in 0..3, s^i)"


def test_program() -> None:
    z = ops.sym("z", KINDS["u"])
    shown = program([("z", mul(A, x))], [(None, mul(transpose(A), z))])
    assert shown == "z = A*x\nA'*z"
    assert program([], [("dx", x), ("dy", y)]) == "dx = x\ndy = y"


def test_differentials() -> None:
    """Formal differentials occur in derivations only: dX is no input."""
    dX, dSX = ops.formal_differential(X), ops.formal_differential(mul(S, X))
    assert text(mul(transpose(X), dX)) == "X'*dX"
    assert text(transpose(dSX)) == "d(S*X)'"
    assert (length(dX), length(dSX)) == (1, 4)


def test_long_sums_and_products_keep_their_brackets() -> None:
    """More than 64 terms stay a sum of their own, and are read back as one."""
    entries = [ops.slice_(x, ("at",), ("all",), num(i)) for i in range(70)]
    for build in (add, mul):
        long = build(*entries)
        for expr in (build(long, s), build(s, long), neg(long), sub(s, long), mul(long, transpose(x), y)):
            assert parse(text(expr), KINDS) is expr
