"""Linear equations in one unknown, and equations in it and its inverse: the value put back gives zero."""

from __future__ import annotations

import numpy as np
import pytest

from matcalc import ops
from matcalc.language.parse import parse, read
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier
from matcalc.solving.inverse_equation import solve_inverse, solve_scalar, solve_through
from matcalc.solving.linear_equation import Algebra, averaged, solve_linear

SIZES = {"m": 2, "n": 3}
DECLARED = """
x: vector(n)
w: row(n)
X: matrix(m, n)
Q: matrix(n, n)
S: spd(n)
s: scalar
A: matrix(m, m)
B: matrix(n, n)
C: matrix(m, n)
D: matrix(n, n)
P: spd(n)
b: vector(n)
r: row(n)
c: scalar
"""


def algebra() -> Algebra:
    table = default_table()
    return Algebra(Simplifier(rewriter(table)), table)


def vanishes(equation: str, name: str, value: ops.Expr, rng: np.random.Generator) -> bool:
    problem = read(equation, DECLARED)
    left = ops.substitute(problem.function, {ops.sym(name, problem.kinds[name]): value})
    values = draw_values([left], problem.kinds, SIZES, rng, "positive definite")
    return bool(np.allclose(evaluate(left, values, SIZES), 0, atol=1e-8))


@pytest.mark.parametrize(
    ("equation", "name"),
    [
        ("B*x - b", "x"),
        ("B*x + sum(x)*b - b", "x"),
        ("b .* x + D*x - 2*b", "x"),
        ("w*B - r", "w"),
        ("w*B + (w*b)*r + r", "w"),
        ("A*X - C", "X"),
        ("X*B - C", "X"),
        ("A*X*B - C", "X"),
        ("A*X*B + A*X*D - C", "X"),
        ("A*X + X*B - C", "X"),
        ("X - A*X*B - C", "X"),
        ("(B*X')' + A*X + C", "X"),
        ("C .* X - 2*C + X", "X"),
        ("tr(C'*X)*C + X - C", "X"),
        ("B*Q' + Q*D - P", "Q"),
        ("3*s + c*s - tr(B)", "s"),
    ],
)
def test_linear(equation: str, name: str, rng: np.random.Generator) -> None:
    problem = read(equation, DECLARED)
    found = solve_linear(problem.function, ops.sym(name, problem.kinds[name]), algebra())

    assert found is not None
    assert vanishes(equation, name, found.value, rng)


@pytest.mark.parametrize(("equation", "name"), [("x'*x*x - b", "x"), ("exp(x) - b", "x"), ("Q*Q - B", "Q"), ("b", "x")])
def test_what_is_not_linear_or_without_the_unknown_has_no_linear_solution(equation: str, name: str) -> None:
    problem = read(equation, DECLARED)

    assert solve_linear(problem.function, ops.sym(name, problem.kinds[name]), algebra()) is None


@pytest.mark.parametrize(
    ("equation", "name"),
    [
        ("c*inv(S) - inv(S)*P*inv(S)", "S"),
        ("c*inv(S) - P", "S"),
        ("c*inv(Q)' - B", "Q"),
        ("inv(Q)*B*inv(Q) - c*inv(Q)", "Q"),
        ("inv(Q)*B + D", "Q"),
    ],
)
def test_inverses(equation: str, name: str, rng: np.random.Generator) -> None:
    problem = read(equation, DECLARED)
    found = solve_inverse(problem.function, ops.sym(name, problem.kinds[name]), algebra())

    assert found is not None
    assert vanishes(equation, name, found.value, rng)


def test_a_factor_that_changes_with_the_unknown_is_not_a_coefficient() -> None:
    problem = read("exp(tr(S))*inv(S) - P", DECLARED)

    assert solve_inverse(problem.function, ops.sym("S", problem.kinds["S"]), algebra()) is None


def test_quadratic_matrix_equations_are_left_alone() -> None:
    problem = read("S - inv(S)*P", DECLARED)

    assert solve_inverse(problem.function, ops.sym("S", problem.kinds["S"]), algebra()) is None


@pytest.mark.parametrize(
    ("equation", "roots"),
    [
        ("c/s - 2/s^2", ["2/c"]),
        ("3*s^2 - 12", ["2", "-2"]),
        ("1/s - 1/(1 - s)", ["1/2"]),
        ("s^2 - 3*s + 2", ["2", "1"]),
        ("s^3*c", ["0"]),
        ("s^5 + s + c", []),
        ("exp(s) + s", []),
    ],
)
def test_scalar_equations(equation: str, roots: list[str]) -> None:
    problem = read(equation, DECLARED)
    found = solve_scalar(problem.function, ops.sym("s", problem.kinds["s"]), algebra())

    assert [text(f.value) for f in found] == roots


@pytest.mark.parametrize(
    ("equation", "value"), [("exp(2*x) - b", "log(b)/2"), ("1 - b ./ x", "b"), ("log(x) - b", "exp(b)")]
)
def test_through_a_function(equation: str, value: str) -> None:
    problem = read(equation, DECLARED)
    found = solve_through(problem.function, ops.sym("x", problem.kinds["x"]), algebra())

    assert found is not None
    assert text(found.value) == value


def test_column_sums_over_their_number_are_means() -> None:
    assert text(averaged(parse("sum(X, axis=0)/m", DECLARED))) == "mean(X, axis=0)"
    assert text(averaged(parse("sum(X, axis=0)/n", DECLARED))) == "sum(X, axis=0)/n"
