"""Short sums: like terms meet, common factors come out on either side, signs and contents are chosen."""

from __future__ import annotations

import numpy as np
import pytest

from matcalc.language.parse import read
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.simplifier.simplify import Simplifier

KINDS = """A, B: matrix(n, n); S: symmetric(n); X: matrix(m, n); Y: matrix(m, n); x, y, z: vector(n); b: vector(m)
c: scalar; d: scalar, positive"""
SIZES = {"m": 3, "n": 4}


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("x + x", "2*x"),
        ("x - x", "zeros(n, 1)"),
        ("A*x + B*x", "(A + B)*x"),
        ("A*B + A", "A + A*B"),
        ("X'*X*x - X'*b", "X'*(X*x - b)"),
        ("2*X'*X*x - 2*X'*b", "2*X'*(X*x - b)"),
        ("c*x + c*y", "c*(x + y)"),
        ("x/2 + y/2", "(x + y)/2"),
        ("-y - x", "-x - y"),
        ("y - x + 0*z", "y - x"),
        ("-c + d", "d - c"),
        ("x*x' + x*y'", "x*(x + y)'"),
        ("x .* y + x .* z", "x .* (y + z)"),
        ("x'*y + y'*x", "2*x'*y"),
        ("x'*A*y - y'*A'*x", "0"),
        ("c*(x + y) - c*y", "c*x"),
        ("1 - (1 - c)", "c"),
        ("S + S'", "2*S"),
        ("sigmoid(x) + sigmoid(-x)", "ones(n)"),
        ("x/d + y/d", "(x + y)/d"),
        ("x - y + c*(x - y)", "(1 + c)*(x - y)"),
        ("vec(A) - 2*vec(B)", "vec(A - 2*B)"),
        ("A + c*A - d*A", "(1 + c - d)*A"),
        ("(1 + c)*A - c*B", "A + c*(A - B)"),
        ("x.^2/c^2", "(x/c).^2"),
        ("(x ./ (1 + y/d))/d", "x ./ (d + y)"),
        ("sum(A .* B .* (x*y'))", "x'*(A .* B)*y"),
        ("z .* (x - y) .* 2 + z.^2 .* (2*y - 2*x)", "2*(z .* (1 - z) .* (x - y))"),
        ("z - A*(x - y)", "A*(y - x) + z"),
        ("X - ones(m)*x'", "X - x'"),
        ("x - y + z - c*(y - x)", "(1 + c)*(x - y) + z"),
        ("2*x - 2*y + c*(y - x)", "(2 - c)*(x - y)"),
        ("c + d + norm2(x)*(c + d)", "(1 + norm2(x))*(c + d)"),
        ("x - y + A*(x - y)", "(A + eye(n))*(x - y)"),
        ("A*x - A*y + x - y", "(A + eye(n))*(x - y)"),
        ("2*x - 2*y + A*(y - x)", "(2*eye(n) - A)*(x - y)"),
        ("A - B + (A - B)*S", "(A - B)*(S + eye(n))"),
        ("z .* (x - y) + x - y", "(1 + z) .* (x - y)"),
        ("A*(z .* (tanh(S*x) - y)) + tanh(S*x) - y", "(A*diag(z) + eye(n))*(tanh(S*x) - y)"),
        ("z .* x - A*x", "(diag(z) - A)*x"),
        ("(x ./ (1 + y.^2)) .* z + c*A*z", "(c*A + diag(x ./ (1 + y.^2)))*z"),
        ("A*x + B*x - c*x", "(A + B)*x - c*x"),
        ("A*x + B*x - (x'*A*x)*x", "(A + B)*x - (x'*A*x)*x"),
        ("A*S*B*y*x' + (A*S*B*x*y')'", "A*S*B*y*x' + (A*S*B*x*y')'"),
        ("B + A'*B'*A'*S", "B + (S*A*B*A)'"),
        ("B + (S*A*B*A)' - A'*B'*A'*S", "B"),
        ("-(x + y)", "-x - y"),
        ("-(A + B)'", "(-A - B)'"),
        ("-A' - B'", "(-A - B)'"),
        ("-(c + norm2(x))", "-c - norm2(x)"),
        ("-2*x - 2*y", "-2*(x + y)"),
        ("softmax(-(x + y))", "softmax(-x - y)"),
    ],
)
def test_a_sum_in_short_form(code: str, wanted: str, rng: np.random.Generator) -> None:
    problem = read(code, KINDS)
    short = Simplifier()(problem.function)
    values = draw_values([problem.function], problem.kinds, SIZES, rng)

    expected = evaluate(problem.function, values, SIZES)
    assert np.allclose(evaluate(short, values, SIZES), expected, rtol=1e-10, atol=1e-12)
    assert length(short) <= length(Simplifier()(read(wanted, KINDS).function)), text(short)
    assert short is Simplifier()(read(wanted, KINDS).function), text(short)


def test_a_sum_beside_a_multiple_of_itself_is_taken_out() -> None:
    assert text(Simplifier()(read("x - y + c*(x - y)", KINDS).function)) == "(1 + c)*(x - y)"
    assert text(Simplifier()(read("c*x - c*y - c*d*(x - y)/norm2(x - y)", KINDS).function)) == (
        "c*(1 - d/norm2(x - y))*(x - y)"
    )
