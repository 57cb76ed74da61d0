"""Verification: right gradients, differentials and equalities hold, at fit points, for every declared structure."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from work import counted

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind, kind_of_shape
from matcalc.numeric.verify import Verdict, verify_differential, verify_equal, verify_gradient
from matcalc.ops import add, diag, fn, had, inv, logdet, mul, num, power, reciprocal, sub, total, trace, transpose
from matcalc.shapes import ONE, Dim

m, n, k = (Dim.of(name) for name in "mnk")


def array(name: str, rows: Dim, cols: Dim = ONE, *facts: str) -> Expr:
    return ops.sym(name, kind_of_shape((rows, cols), frozenset(facts)))


def scalar(name: str, *facts: str) -> Expr:
    return ops.sym(name, Kind("scalar", facts=frozenset(facts)))


x, y, w, b, r = array("x", n), array("y", n), array("w", n), array("b", m), array("r", ONE, n)
A, B, X, W = array("A", m, n), array("B", n, k), array("X", m, n), array("W", n, k)
C, M = array("C", n, n), array("M", n, n)
S, P = array("S", n, n, "symmetric"), array("P", n, n, "spd")
s = scalar("s")
t, half, two = transpose, num(Fraction(1, 2)), num(2)
one = ops.ones(n, ONE)
residual = sub(mul(A, x), b)
p = ops.softmax(x)
f_of = lambda z, order=0: ops.ufn("f", ELEMENTWISE, [z], order)  # noqa: E731
h_kind = Kind("function", args=(x.data[1],), result=SCALAR_KIND)
g_kind = Kind("function", args=(x.data[1],), result=kind_of_shape((m, ONE)))
o_kind = Kind("function", args=(kind_of_shape((m, ONE)),), result=SCALAR_KIND)
g_of = ops.ufn("g", g_kind, [x], ())
simplex_y = array("q", n, ONE, "simplex")
K = inv(mul(t(X), X))
row_p = ops.softmax(mul(X, W), 1)
one_hot = array("Y", m, k, "onehot")
square_plus = add(ops.eye(n), mul(t(X), X))
i = ops.idx("i")
LAST = sub(scalar("p", "integer"), num(1))
matrix_power = ops.matpow(M, scalar("p", "integer"))
turns = ops.isum(i, num(0), LAST, t(mul(ops.matpow(M, i), C, ops.matpow(M, sub(LAST, i)))))

BELL = power(mul(two, ops.const("pi")), num(Fraction(-1, 2)))

# function, variable, gradient
GRADIENTS: dict[str, tuple[Expr, Expr, Expr]] = {
    "quadratic form": (mul(t(x), C, x), x, mul(add(C, t(C)), x)),
    "least squares": (mul(half, power(ops.norm2(residual), two)), x, mul(t(A), residual)),
    "row": (mul(r, C, t(r)), r, mul(r, add(C, t(C)))),
    "scalar": (fn("exp", power(s, two)), s, mul(two, s, fn("exp", power(s, two)))),
    "trace": (trace(mul(A, B, t(W), t(X))), X, mul(A, B, t(W))),
    "log-determinant": (logdet(square_plus), X, mul(two, X, inv(square_plus))),
    "log-determinant of a general matrix": (logdet(M), M, t(inv(M))),
    "determinant": (ops.det(M), M, mul(ops.det(M), t(inv(M)))),
    "adjugate": (ops.det(M), M, t(ops.adj(M))),
    "inverse": (mul(t(x), inv(M), y), M, ops.neg(mul(t(inv(M)), x, t(y), t(inv(M))))),
    "tall projection": (mul(t(b), X, K, t(X), b), X, None),  # type: ignore[dict-item]
    "softmax": (ops.neg(mul(t(simplex_y), fn("log", p))), x, sub(p, simplex_y)),
    "batch softmax": (
        ops.neg(total(had(one_hot, fn("log", row_p)))), W, mul(t(X), sub(row_p, one_hot)),
    ),
    "log-sum-exp": (ops.logsumexp(residual), x, mul(t(A), ops.softmax(residual))),
    "logarithm": (total(fn("log", residual)), x, mul(t(A), reciprocal(residual))),
    "absolute values": (ops.norm1(residual), x, mul(t(A), fn("sign", residual))),
    "hinge": (
        total(ops.max2(num(0), sub(one, had(y, x)))), x,
        ops.neg(had(y, ops.compare("<", had(y, x), one))),
    ),
    "zero-one loss": (total(ops.compare("<=", had(y, x), ops.zeros(n, ONE))), x, ops.zeros(n, ONE)),
    "relu": (total(fn("relu", residual)), x, mul(t(A), ops.compare(">", residual, num(0)))),
    "largest entry": (
        ops.maxel(x), x, ops.compare(">=", x, ops.maxel(x)),
    ),
    "symmetric": (logdet(S), S, inv(S)),
    "symmetric with a general factor": (mul(t(x), S, y), S, mul(half, add(mul(x, t(y)), mul(y, t(x))))),
    "positive definite": (mul(t(x), inv(P), x), P, ops.neg(mul(inv(P), x, t(x), inv(P)))),
    "kron": (trace(ops.kron(M, C)), M, mul(trace(C), ops.eye(n))),
    "vec": (mul(t(ops.vec(X)), ops.vec(A)), X, A),
    "diagonal of a product": (total(ops.diagvec(mul(C, M))), M, t(C)),
    "diagonal matrix": (mul(t(y), diag(x), w), x, had(y, w)),
    "product of entries": (ops.prod(x), x, mul(ops.prod(x), reciprocal(x))),
    "pinv": (total(ops.pinv(X)), X, None),  # type: ignore[dict-item]
    "expm": (trace(ops.mfn("expm", M)), M, t(ops.mfn("expm", M))),
    "logm": (trace(ops.mfn("logm", M)), M, t(inv(M))),
    "sqrtm": (trace(ops.mfn("sqrtm", M)), M, mul(half, inv(t(ops.mfn("sqrtm", M))))),
    "sinm": (trace(ops.mfn("sinm", M)), M, t(ops.mfn("cosm", M))),
    "expm along a matrix": (trace(mul(C, ops.mfn("expm", M))), M, t(ops.frechet("expm", M, C))),
    "symbolic power": (trace(mul(C, matrix_power)), M, turns),
    "elementwise undefined": (total(f_of(mul(A, x))), x, mul(t(A), f_of(mul(A, x), 1))),
    "undefined with a signature": (
        ops.ufn("o", o_kind, [g_of], ()), x,
        mul(t(ops.ufn("g", g_kind, [x], (0,))), ops.ufn("o", o_kind, [g_of], (0,))),
    ),
    "logarithm of an undefined function": (fn("log", f_of(s)), s, mul(f_of(s, 1), reciprocal(f_of(s)))),
    "gelu": (
        total(fn("gelu", x)), x,
        add(
            mul(half, add(one, fn("erf", mul(power(two, num(Fraction(-1, 2))), x)))),
            had(x, mul(BELL, fn("exp", mul(num(Fraction(-1, 2)), power(x, two))))),
        ),
    ),
    "log gamma": (total(fn("lgamma", x)), x, fn("digamma", x)),
    "arcsin": (
        fn("arcsin", mul(t(x), y)), x,
        mul(power(sub(num(1), power(mul(t(x), y), two)), num(Fraction(-1, 2))), y),
    ),
    "power by a variable": (power(s, scalar("u")), scalar("u"), mul(fn("log", s), power(s, scalar("u")))),
    "constant": (trace(C), x, ops.zeros(n, ONE)),
    "cancelling": (sub(trace(mul(C, M)), trace(mul(M, C))), M, ops.zeros(n, n)),
    "one entry": (power(ops.slice_(x, ("at",), ("all",), num(1)), two), x,
                  mul(two, ops.slice_(x, ("at",), ("all",), num(1)), ops.unit(num(1), n))),
}  # fmt: skip
EYE_P = sub(ops.eye(m), mul(X, K, t(X)))
GRADIENTS["tall projection"] = (*GRADIENTS["tall projection"][:2], mul(two, EYE_P, b, t(b), X, K))
PLUS = ops.pinv(X)
ONES = ops.ones(m, n)
GRADIENTS["pinv"] = (
    total(PLUS),
    X,
    add(
        ops.neg(mul(t(PLUS), ops.ones(n, m), t(PLUS))),
        mul(sub(ops.eye(m), mul(X, PLUS)), ONES, PLUS, t(PLUS)),
        mul(t(PLUS), PLUS, ONES, sub(ops.eye(n), mul(PLUS, X))),
    ),
)


@pytest.mark.parametrize("case", GRADIENTS)
def test_right_gradients_hold(case: str) -> None:
    f, variable, gradient = GRADIENTS[case]
    verdict = verify_gradient(f, variable, gradient)

    assert verdict, str(verdict)
    assert verdict.draws == (16 if f.is_scalar and not verdict.sizes[0] else 6)
    assert verdict.residual < 1e-8
    assert verdict.counterexample is None


@pytest.mark.parametrize("case", [c for c in GRADIENTS if c not in ("constant", "cancelling", "zero-one loss")])
def test_slightly_wrong_gradients_do_not(case: str) -> None:
    f, variable, gradient = GRADIENTS[case]
    verdict = verify_gradient(f, variable, mul(num(Fraction(1001, 1000)), gradient))

    assert not verdict
    assert verdict.counterexample is not None


def test_the_method_is_said() -> None:
    assert verify_gradient(*GRADIENTS["quadratic form"]).method == "complex steps"
    assert verify_gradient(*GRADIENTS["absolute values"]).method == "Richardson differences"


def test_the_variable_may_be_absent_and_the_kinks_elsewhere() -> None:
    """A kink that the variable does not pass leaves the exact method in force."""
    f = mul(ops.norm1(y), total(fn("exp", x)))

    assert verify_gradient(f, x, mul(ops.norm1(y), fn("exp", x))).method == "complex steps"


# --- structures -----------------------------------------------------------------------------------


def free_gradient(variable: Expr) -> tuple[Expr, Expr]:
    """A function whose gradient in the space of all matrices has no structure at all."""
    return add(trace(mul(C, variable)), mul(t(x), variable, variable, y)), add(
        t(C), mul(x, t(y), t(variable)), mul(t(variable), x, t(y))
    )


@pytest.mark.parametrize("fact", ["symmetric", "spd"])
def test_symmetric_variables(fact: str) -> None:
    variable = array("V", n, n, fact)
    f, free = free_gradient(variable)
    projected = mul(half, add(free, t(free)))
    tied = sub(add(free, t(free)), had(free, ops.eye(n)))

    assert verify_gradient(f, variable, projected)
    assert verify_gradient(f, variable, free, structure="free")
    assert verify_gradient(f, variable, tied, structure="tied")
    for wrong, structure in [(free, "auto"), (tied, "auto"), (projected, "free"), (projected, "tied"), (free, "tied")]:
        assert not verify_gradient(f, variable, wrong, structure=structure)


def test_diagonal_variables() -> None:
    variable = array("V", n, n, "diagonal")
    f, free = free_gradient(variable)

    assert verify_gradient(f, variable, had(free, ops.eye(n)))
    assert verify_gradient(f, variable, had(free, ops.eye(n)), structure="tied")
    assert not verify_gradient(f, variable, free)


@pytest.mark.parametrize("fact", ["lower", "upper"])
def test_triangular_variables(fact: str) -> None:
    """By the triangle of the free gradient; and at a declared size, with the triangle of ones written out."""
    general = array("V", n, n, fact)
    f, free = free_gradient(general)
    other = "upper" if fact == "lower" else "lower"
    assert verify_gradient(f, general, ops.part(fact, free))
    assert not verify_gradient(f, general, ops.part(other, free))
    three = Dim.of(3)
    variable = array("V", three, three, fact)
    c = array("C", three, three)
    f = add(trace(mul(c, variable)), ops.det(variable))
    free = add(t(c), mul(ops.det(variable), t(inv(variable))))
    ones = [[num(1 if (j <= i if fact == "lower" else j >= i) else 0) for j in range(3)] for i in range(3)]

    assert verify_gradient(f, variable, had(free, ops.block(ones)))
    assert not verify_gradient(f, variable, free)
    assert not verify_gradient(f, variable, had(free, t(ops.block(ones))))


def test_toeplitz_variables() -> None:
    """Projection: the mean of each diagonal; tied: its sum."""
    dim = Dim.of(2)
    variable = array("V", dim, dim, "toeplitz")
    c = array("C", dim, dim)

    def entry(row: int, col: int) -> Expr:
        return ops.slice_(c, ("at",), ("at",), num(row), num(col))

    diagonal = add(entry(0, 0), entry(1, 1))
    mean = ops.block([[mul(half, diagonal), entry(1, 0)], [entry(0, 1), mul(half, diagonal)]])
    summed = ops.block([[diagonal, entry(1, 0)], [entry(0, 1), diagonal]])
    f = trace(mul(c, variable))

    assert verify_gradient(f, variable, mean)
    assert verify_gradient(f, variable, summed, structure="tied")
    assert not verify_gradient(f, variable, summed)
    assert not verify_gradient(f, variable, t(c))


def test_nonlinear_structures_have_the_ambient_gradient() -> None:
    q = array("Q", n, n, "orthogonal")
    u = array("u", n, ONE, "unit")

    assert verify_gradient(trace(mul(t(q), q)), q, mul(two, q))
    assert not verify_gradient(trace(mul(t(q), q)), q, ops.zeros(n, n))
    assert verify_gradient(mul(t(u), C, u), u, mul(add(C, t(C)), u))
    assert verify_gradient(mul(t(simplex_y), x), simplex_y, x)
    # facts of other variables are true of them
    assert verify_gradient(trace(mul(q, t(q), M)), M, ops.eye(n))


def test_kinds_given_apart_override() -> None:
    symmetric = {"M": Kind("matrix", n, n, frozenset(["symmetric"]))}

    assert verify_gradient(logdet(M), M, inv(M), kinds=symmetric)
    assert not verify_gradient(logdet(M), M, inv(M))


# --- differentials and equalities -----------------------------------------------------------------

dM, dA, dx, ds = array("dM", n, n), array("dA", m, n), array("dx", n), scalar("ds")


def test_differentials_of_arrays_in_several_variables() -> None:
    product = add(mul(dA, M), mul(A, dM))

    assert verify_differential(mul(A, M), product, {A: dA, M: dM})
    assert not verify_differential(mul(A, M), mul(dA, M), {A: dA, M: dM})
    assert verify_differential(inv(M), ops.neg(mul(inv(M), dM, inv(M))), {M: dM})
    assert verify_differential(mul(s, A), add(mul(ds, A), mul(s, dA)), {s: ds, A: dA})
    assert verify_differential(ops.max2(A, X), had(dA, ops.compare(">=", A, X)), {A: dA})
    assert verify_differential(ops.mfn("logm", M), ops.frechet("logm", M, dM), {M: dM})


def test_a_differential_must_be_linear() -> None:
    """Right along one direction to first order, but not linear: d + d^2 has the right scale nowhere."""
    verdict = verify_differential(total(fn("abs", x)), ops.norm1(dx), {x: dx})

    assert not verdict
    assert not verify_differential(s, mul(ds, ds), {s: ds})


def test_differentials_along_declared_directions() -> None:
    symmetric = array("dS", n, n, "symmetric")

    assert verify_differential(mul(t(x), S, y), mul(t(y), symmetric, x), {S: symmetric})
    assert not verify_differential(mul(t(x), S, y), mul(t(y), dM, x), {S: dM})


def test_equalities() -> None:
    assert verify_equal(trace(mul(A, t(X))), mul(t(ops.vec(X)), ops.vec(A)))
    assert verify_equal(inv(mul(M, C)), mul(inv(C), inv(M)))
    assert verify_equal(mul(inv(P), t(P)), ops.eye(n))
    assert not verify_equal(inv(mul(M, C)), mul(inv(M), inv(C)))
    assert not verify_equal(mul(t(x), S, y), mul(t(x), S, x))
    assert verify_equal(total(array("q", n, ONE, "simplex")), num(1))
    assert verify_equal(sub(A, A), ops.zeros(m, n))


def test_signs_of_scalars_are_tried() -> None:
    u, v = scalar("u"), scalar("v")
    product = mul(s, u, v)
    for seed in range(20):
        assert not verify_equal(fn("sqrt", power(s, two)), s, seed=seed)
        assert not verify_equal(fn("sqrt", power(product, two)), product, seed=seed)
        assert not verify_equal(fn("abs", product), mul(s, fn("abs", mul(u, v))), seed=seed)


def test_equal_where_both_are_defined() -> None:
    left, right = fn("log", mul(s, s)), mul(two, fn("log", s))
    verdict = verify_equal(left, right)

    assert verdict
    assert verdict.undefined > 0
    assert "undefined" in str(verdict)


# --- points ---------------------------------------------------------------------------------------

DOMAINS: dict[str, Callable[[Expr], Expr]] = {
    "log": lambda z: fn("log", z),
    "sqrt of the rest": lambda z: fn("sqrt", sub(num(1), z)),
    "log of minus": lambda z: fn("log", ops.neg(z)),
    "arcsin": lambda z: fn("arcsin", z),
    "both": lambda z: add(fn("log", z), fn("log", sub(num(1), z))),
    "beyond one": lambda z: fn("sqrt", sub(power(z, two), num(1))),
    "thrice": lambda z: fn("log", fn("log", fn("log", z))),
    "far away": lambda z: fn("log", sub(z, num(300))),
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_points_are_found_in_the_domain(domain: str) -> None:
    """The complex step of the function itself stands for its derivative: only the search is tested."""
    inner = mul(t(x), y)
    f = DOMAINS[domain](inner)
    verdict = verify_gradient(f, x, ops.zeros(n, ONE))

    assert verdict.counterexample is not None, str(verdict)


def test_a_narrow_domain_of_scalars() -> None:
    """log(s - u) + log(v - s) needs u < s < v: few draws fit, and enough do."""
    u, v = scalar("u"), scalar("v")
    f = add(fn("log", sub(s, u)), fn("log", sub(v, s)))
    for seed in range(10):
        verdict = verify_gradient(f, s, sub(reciprocal(sub(s, u)), reciprocal(sub(v, s))), seed=seed)
        assert verdict, str(verdict)
        assert verdict.draws >= 6


def test_points_for_matrix_barriers() -> None:
    barrier = logdet(sub(P, mul(t(X), X)))

    assert verify_gradient(barrier, X, mul(num(-2), X, inv(sub(P, mul(t(X), X)))))
    assert verify_gradient(logdet(sub(ops.eye(n), M)), M, ops.neg(t(inv(sub(ops.eye(n), M)))))


def test_tall_matrices_only() -> None:
    """(X'X)^-1 exists where X is tall: the other sizes are passed over."""
    verdict = verify_gradient(logdet(mul(t(X), X)), X, mul(two, X, K))

    assert verdict
    assert all(sizes["m"] > sizes["n"] for sizes in verdict.sizes)
    assert len(verdict.sizes) >= 2


def test_several_sizes_of_both_orders() -> None:
    sizes = verify_gradient(*GRADIENTS["trace"]).sizes

    assert len(sizes) == 3
    assert {size["m"] < size["n"] for size in sizes} == {True, False}


@pytest.mark.parametrize(
    "f",
    [
        fn("log", ops.neg(mul(t(x), x))),
        fn("log", sub(num(1), total(simplex_y))),
        fn("log", ops.neg(trace(P))),
        fn("sqrt", ops.neg(power(ops.norm2(x), two))),
    ],
    ids=["log of a negative", "log of rounding", "log of minus a trace", "sqrt of a negative"],
)
def test_no_fit_point_is_a_failure_with_a_reason(f: Expr) -> None:
    variable = next(v for v in (x, simplex_y, P) if v in set(f.args) or v in {a for g in f.args for a in _below(g)})
    verdict = verify_gradient(f, variable, ops.zeros(*variable.shape))

    assert not verdict
    assert verdict.counterexample is None
    assert "of 6 points were fit" in verdict.reason
    assert str(verdict).startswith("not confirmed")


def _below(g: Expr) -> list[Expr]:
    return [g, *(d for a in g.args for d in _below(a))]


def test_kinks_are_avoided_not_ignored() -> None:
    """At a kink there is nothing to compare with: a function that is always there is not confirmed."""
    z = array("z", n, ONE, "onehot")
    verdict = verify_gradient(ops.norm1(sub(z, z)), z, ops.zeros(n, ONE))
    always = verify_gradient(total(fn("relu", had(z, x))), z, had(x, ops.compare(">", had(z, x), num(0))))

    assert verdict
    assert not always
    assert always.counterexample is None


def test_a_gradient_that_is_undefined_where_the_function_is_smooth() -> None:
    f = total(power(x, num(3)))
    wrong_domain = mul(num(3), fn("exp", mul(two, fn("log", x))))
    verdict = verify_gradient(f, x, wrong_domain)

    assert not verdict
    assert "log is undefined" in verdict.reason


def test_what_has_no_derivative_is_said() -> None:
    k_int = scalar("j", "integer")

    for f, reason in [
        (trace(ops.matpow(M, k_int)), "exponent"),
        (ops.slice_(x, ("at",), ("all",), k_int), "index"),
        (ops.isum(i, num(0), k_int, s), "end of a sum"),
    ]:
        verdict = verify_gradient(f, k_int, num(0))
        assert not verdict
        assert verdict.counterexample is None
        assert reason in verdict.reason


def test_a_negative_base_has_no_derivative_by_the_exponent() -> None:
    c = scalar("c", "integer")

    assert verify_gradient(power(s, c), c, mul(fn("log", s), power(s, c)))
    assert not verify_gradient(power(num(-2), c), c, num(0))


def test_wrong_shapes_are_said() -> None:
    verdict = verify_gradient(mul(t(x), y), x, t(y))

    assert not verdict
    assert "1 x n, not n x 1" in verdict.reason
    assert not verify_equal(A, t(A))
    assert "not a scalar" in verify_gradient(A, A, A).reason


def test_huge_declared_sizes() -> None:
    huge = array("z", Dim.of(10**6))
    wide = array("D", Dim.of(10**6), Dim.of(2000))
    z = array("v", Dim.of(2000))
    rest = sub(mul(wide, z), huge)

    assert verify_gradient(ops.mean(power(huge, two)), huge, mul(num(Fraction(2, 10**6)), huge))
    assert not verify_gradient(ops.mean(power(huge, two)), huge, mul(num(Fraction(1, 10**6)), huge))
    assert verify_gradient(mul(t(rest), rest), z, mul(two, t(wide), rest))
    assert verify_gradient(ops.mean(wide), wide, mul(num(Fraction(1, 2 * 10**9)), ops.ones(*wide.shape)))


def test_the_seed_decides() -> None:
    one, other = (verify_gradient(*GRADIENTS["least squares"], seed=seed) for seed in (1, 1))

    assert one == other
    assert isinstance(one, Verdict)


def test_a_verdict_reads_as_one_line() -> None:
    good = str(verify_gradient(*GRADIENTS["least squares"]))
    bad = str(verify_gradient(mul(t(x), C, x), x, mul(two, C, x)))

    assert good.startswith("holds: largest relative difference")
    assert "over 6 draws by complex steps" in good
    assert bad.startswith("does not hold: the gradient differs")
    assert "\n" not in good + bad


def test_the_counterexample_shows_both_sides() -> None:
    """The right gradient is found in numbers, and differs from the claim by just what is wrong with it."""
    verdict = verify_gradient(mul(t(x), C, x), x, mul(two, C, x))
    example = verdict.counterexample

    assert example is not None
    matrix, vector = example.values["C"], example.values["x"]
    assert example.sizes["n"] == len(vector)
    np.testing.assert_allclose(example.expected, (matrix + matrix.T) @ vector, rtol=1e-10)
    np.testing.assert_allclose(example.found, 2 * matrix @ vector, rtol=1e-10)


def test_the_counterexample_of_a_structured_variable_is_structured() -> None:
    verdict = verify_gradient(logdet(S), S, mul(two, inv(S)))
    tied = verify_gradient(logdet(S), S, inv(S), structure="tied")

    for example, factor in [(verdict.counterexample, 1), (tied.counterexample, 2)]:
        assert example is not None
        inverse = np.linalg.inv(example.values["S"])
        expected = inverse if factor == 1 else 2 * inverse - inverse * np.eye(len(inverse))
        np.testing.assert_allclose(example.expected, expected, rtol=1e-9)


def test_an_ordinary_verification_is_little_work() -> None:
    verify_gradient(*GRADIENTS["least squares"])

    assert counted(lambda: verify_gradient(*GRADIENTS["batch softmax"])) < 8_000


def test_a_squared_norm_has_no_kink_where_it_vanishes() -> None:
    kinds = {"X": Kind("matrix", Dim.of("n"), Dim.of("d"))}
    x = ops.sym("X", kinds["X"])
    i, j = ops.idx("i"), ops.idx("j")
    rows = [ops.slice_(x, ("at",), ("all",), k) for k in (i, j)]
    gap = ops.power(ops.norm2(ops.sub(*rows)), ops.num(2))
    last = ops.dim(Dim.of("n") - 1)
    f = ops.isum(i, ops.num(0), last, ops.isum(j, ops.num(0), last, gap))
    centered = ops.sub(ops.mul(ops.dim(Dim.of("n")), x), ops.mul(ops.ones(x.rows, x.rows), x))

    assert verify_gradient(f, x, ops.mul(ops.num(4), centered), kinds=kinds)
    assert not verify_gradient(f, x, ops.mul(ops.num(2), centered), kinds=kinds)
