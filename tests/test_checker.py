"""The verifier must fail on wrong claims: off by 0.1 %, transposed, of the wrong sign, a missing factor, by convention.

A checker that never says no proves nothing; this file tests the tester, over many functions at once.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from strategies import DIMS, VARIABLES, grow

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import kind_of_shape
from matcalc.numeric.evaluate import Plan
from matcalc.numeric.verify import verify_differential, verify_equal, verify_gradient
from matcalc.ops import add, fn, had, inv, logdet, mul, num, power, sub, total, trace, transpose
from matcalc.shapes import ONE, Dim

m, n, k = (Dim.of(name) for name in "mnk")
t, two = transpose, num(2)


def array(name: str, rows: Dim, cols: Dim = ONE, *facts: str) -> Expr:
    return ops.sym(name, kind_of_shape((rows, cols), frozenset(facts)))


x, b, A, X, C, M = array("x", n), array("b", m), array("A", m, n), array("X", m, n), array("C", n, n), array("M", n, n)
rest = sub(mul(A, x), b)
z = mul(X, x)

# right gradients whose transpose has the same shape where the variable is square
RIGHT: dict[str, tuple[Expr, Expr, Expr]] = {
    "least squares": (mul(t(rest), rest), x, mul(two, t(A), rest)),
    "trace": (trace(mul(C, M)), M, t(C)),
    "quadratic form": (mul(t(x), M, M, x), M, add(mul(t(M), x, t(x)), mul(x, t(x), t(M)))),
    "log-determinant": (logdet(M), M, t(inv(M))),
    "inverse": (trace(mul(C, inv(M))), M, mul(num(-1), t(inv(M)), t(C), t(inv(M)))),
    "kinked": (ops.norm1(rest), x, mul(t(A), fn("sign", rest))),
    "likelihood": (total(fn("softplus", z)), X, mul(fn("sigmoid", z), t(x))),
    "exponential": (trace(mul(C, ops.mfn("expm", M))), M, ops.frechet("expm", t(M), t(C))),
    "scalar": (fn("log", add(num(1), mul(t(x), x))), x, mul(two, power(add(num(1), mul(t(x), x)), num(-1)), x)),
}
SQUARE = [name for name, (_, variable, _) in RIGHT.items() if variable.rows is variable.cols]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", RIGHT)
def test_right_claims_pass(name: str, seed: int) -> None:
    assert verify_gradient(*RIGHT[name], seed=seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factor", [Fraction(1001, 1000), Fraction(999, 1000), Fraction(1_000_001, 1_000_000), -1, 2])
@pytest.mark.parametrize("name", RIGHT)
def test_a_wrong_factor_fails(name: str, factor: Fraction | int, seed: int) -> None:
    f, variable, gradient = RIGHT[name]
    verdict = verify_gradient(f, variable, mul(num(factor), gradient), seed=seed)

    assert not verdict
    assert verdict.counterexample is not None
    assert verdict.residual > abs(factor - 1) / 10


@pytest.mark.parametrize("name", SQUARE)
def test_a_transposed_gradient_fails(name: str) -> None:
    f, variable, gradient = RIGHT[name]

    assert verify_gradient(f, variable, t(gradient)).counterexample is not None


@pytest.mark.parametrize("name", [name for name in RIGHT if name not in SQUARE])
def test_a_transposed_gradient_of_another_shape_fails(name: str) -> None:
    f, variable, gradient = RIGHT[name]

    assert "wrong shape" in verify_gradient(f, variable, t(gradient)).reason


@pytest.mark.parametrize("name", RIGHT)
def test_one_wrong_entry_fails(name: str) -> None:
    """Wrong by 0.1 % in the first entry alone."""
    f, variable, gradient = RIGHT[name]
    rows, cols = (ops.unit(num(0), size) if size is not ONE else num(1) for size in variable.shape)
    mask = add(ops.ones(*variable.shape), mul(num(Fraction(1, 1000)), rows, t(cols)))

    assert not verify_gradient(f, variable, had(gradient, mask))


def test_a_missing_term_fails() -> None:
    assert not verify_gradient(mul(t(x), C, x), x, mul(two, C, x))
    assert not verify_gradient(mul(t(x), M, M, x), M, mul(two, t(M), x, t(x)))


def test_misprints_of_the_literature_fail() -> None:
    """Petersen & Pedersen 2012, eq. 94 as printed (x'BBx), and eq. 92 for the power 2."""
    a, c = array("A", n, n), array("B", n, n)
    top, bottom = mul(t(x), t(a), a, x), mul(t(x), t(c), c, x)
    ratio = mul(top, power(bottom, num(-1)))
    right = sub(
        mul(two, power(bottom, num(-1)), t(a), a, x), mul(two, top, power(bottom, num(-2)), t(c), c, x)
    )
    printed = sub(
        mul(two, power(mul(t(x), c, c, x), num(-1)), t(a), a, x), mul(two, top, power(bottom, num(-2)), t(c), c, x)
    )

    assert verify_gradient(ratio, x, right)
    assert not verify_gradient(ratio, x, printed)


def test_conventions_for_symmetric_variables_are_told_apart() -> None:
    s = array("S", n, n, "symmetric")
    tied = sub(mul(two, inv(s)), had(inv(s), ops.eye(n)))

    assert verify_gradient(logdet(s), s, inv(s))
    assert not verify_gradient(logdet(s), s, tied)
    assert not verify_gradient(logdet(s), s, inv(s), structure="tied")
    # right along symmetric directions, but not symmetric itself
    skew = add(inv(s), sub(C, t(C)))
    assert not verify_gradient(logdet(s), s, skew)


def test_wrong_differentials_fail() -> None:
    d = array("dM", n, n)

    assert not verify_differential(inv(M), mul(inv(M), d, inv(M)), {M: d})
    assert not verify_differential(inv(M), mul(num(-1), t(inv(M)), d, t(inv(M))), {M: d})
    assert not verify_differential(ops.det(M), mul(ops.det(M), trace(mul(t(inv(M)), d))), {M: d})
    assert not verify_differential(mul(M, M), mul(num(Fraction(2001, 1000)), M, d), {M: d})


def test_wrong_equalities_fail() -> None:
    nudged = mul(num(Fraction(1001, 1000)), trace(M))

    assert not verify_equal(trace(M), nudged)
    assert not verify_equal(mul(M, C), mul(C, M))
    assert not verify_equal(ops.kron(A, C), ops.mul(ops.kron(A, t(C)), ops.eye(n * n)))
    assert not verify_equal(ops.vec(M), ops.vec(t(M)))


@pytest.mark.parametrize("seed", range(60))
def test_random_functions_against_their_own_slopes(seed: int) -> None:
    """Complex steps agree with plain differences of the real function; a claim of zero is refuted."""
    rng = np.random.default_rng(seed)
    f, kinds = grow(lambda count: int(rng.integers(count)), (ops.num(1).shape), depth=4, smooth=True)
    symbols = [v for v in VARIABLES.values() if v in set(Plan(f).steps) and not v.is_scalar]
    if not symbols:
        return
    variable = symbols[0]
    verdict = verify_gradient(f, variable, ops.zeros(*variable.shape), structure="free", kinds=kinds, seed=seed)
    example = verdict.counterexample
    if example is None:  # the function does not vary
        assert verdict or "points were fit" in verdict.reason
        return
    plan = Plan(f)
    step = 1e-6
    for position in np.ndindex(example.expected.shape):
        ends = []
        for sign in (1, -1):
            moved = np.array(example.values[variable.name])
            moved[position] += sign * step
            ends.append(plan.run({**example.values, variable.name: moved}, example.sizes)[f])
        quotient = (ends[0] - ends[1]) / (2 * step)
        scale = max(np.abs(example.expected).max(), 1e-4 * abs(ends[0]))
        assert abs(quotient - example.expected[position]) < 2e-4 * scale
    assert {dim.name for dim in DIMS} >= set(example.sizes)
