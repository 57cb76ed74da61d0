"""Expressions in Unicode: short, and still saying one thing only."""

from fractions import Fraction

import pytest
from hypothesis import given
from strategies import KINDS, VARIABLES, examples, expressions

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.ops import add, had, mul, neg, num, power, reciprocal, sub, transpose
from matcalc.printing.pretty import pretty, pretty_name
from matcalc.shapes import ONE, Dim

A, B, X, S, W = (VARIABLES[name] for name in ("A", "B", "X", "S", "W1"))
x, y, u, r, s, t = (VARIABLES[name] for name in ("x", "y", "u", "r", "s", "t"))
m, n = Dim.of("m"), Dim.of("n")
loss = ops.sym("loss", KINDS["s"])
Ax = ops.sym("Ax", KINDS["u"])

CASES = {
    "2Aᵀ(Ax − u)": mul(num(2), transpose(A), sub(mul(A, x), u)),
    "(X + Xᵀ)x": mul(add(X, transpose(X)), x),
    "−X⁻ᵀxyᵀX⁻ᵀ": mul(num(-1), transpose(ops.inv(X)), x, transpose(y), transpose(ops.inv(X))),
    "1/n·Aᵀ(u − Ax)": mul(reciprocal(ops.dim(n)), transpose(A), sub(u, mul(A, x))),
    "(A − W₁)/n": mul(sub(A, W), reciprocal(ops.dim(n))),
    "2·loss·W₁x": mul(num(2), loss, W, x),
    "s·(x + y)": mul(s, add(x, y)),
    "A·x + Ax": add(mul(A, x), Ax),
    "2·3s": mul(num(2), num(3), s),
    "s^t·s": mul(power(s, t), s),
    "s²t": mul(power(s, num(2)), t),
    "s^(1/2)": power(s, num(Fraction(1, 2))),
    "x⊙²": power(x, num(2)),
    "X²": ops.matpow(X, num(2)),
    "X⁻²": ops.matpow(ops.inv(X), num(2)),
    "(X⁻¹)⊙²": power(ops.inv(X), num(2)),
    "x ⊙ (1 − x)": had(x, sub(ops.ones(n, ONE), x)),
    "(1 ⊘ x) ⊙ y": had(reciprocal(x), y),
    "−x ⊙ y": had(neg(x), y),
    "−(x ⊘ y)": neg(had(x, reciprocal(y))),
    "x ⊙ [x ⊙ y ≤ 1]": had(x, ops.compare("<=", had(x, y), num(1))),
    "‖Ax − u‖²": power(ops.norm2(sub(mul(A, x), u)), num(2)),
    "‖A‖_F": ops.norm2(A),
    "xᵀ ⊗ Iₘ": ops.kron(transpose(x), ops.eye(m)),
    "𝟏ₘr": mul(ops.ones(m, ONE), r),
    "σ(s)·x": mul(ops.fn("sigmoid", s), x),
    "√(s + t)": ops.fn("sqrt", add(s, t)),
    "sin(s)²": power(ops.fn("sin", s), num(2)),
    "f′(x)": ops.ufn("f", KINDS["f"], [x], 1),
    "Dg(x)": ops.ufn("g", KINDS["g"], [x], (0,)),
    "∇h(x)": ops.ufn("h", KINDS["h"], [x], (0,)),
    "∇₂l(u, x)": ops.ufn("l", KINDS["l"], [u, x], (1,)),
    "∇²h(x)": ops.ufn("h", KINDS["h"], [x], (0, 0)),
    "A·∇²h(x)": mul(A, ops.ufn("h", KINDS["h"], [x], (0, 0))),
    "∇²₁₂l(u, x)": ops.ufn("l", KINDS["l"], [u, x], (0, 1)),
    "X⁻ᵀ": ops.inv(transpose(X)),
    "A⁺": ops.pinv(A),
    "A·dx": mul(A, ops.formal_differential(x)),
    "λ": VARIABLES["lambda"],
}


@pytest.mark.parametrize("shown", CASES)
def test_pretty(shown: str) -> None:
    assert pretty(CASES[shown]) == shown


def test_numbers_of_many_arguments_are_told_apart() -> None:
    kind = Kind("function", args=(KINDS["x"],) * 12, result=KINDS["s"])

    assert pretty(ops.ufn("l", kind, [x] * 12, (0, 11))).startswith("∇²₁,₁₂l(")
    assert pretty(ops.ufn("l", kind, [x] * 12, (10, 1))).startswith("∇²₂,₁₁l(")


def test_names() -> None:
    assert [pretty_name(name) for name in ("W1", "W_1", "Sigma2", "alpha_x", "loss")] == [
        "W₁", "W_1", "Σ₂", "α_x", "loss",
    ]  # fmt: skip


@given(expressions(depth=3))
@examples(150)
def test_brackets_balance(made: tuple[Expr, object]) -> None:
    shown = pretty(made[0])
    depth = 0
    for sign in shown:
        depth += (sign in "([") - (sign in ")]")
        assert depth >= 0, shown
    assert depth == 0
    assert shown.count("‖") % 2 == 0
