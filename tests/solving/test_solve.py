"""Stationary points: closed forms, their kinds, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import InputError, SyntaxProblem, UnknownName, UnsupportedError
from matcalc.printing.text import text

REGRESSION = "X: matrix(n, d)\ny: vector(n)"
GAUSSIAN = "X: matrix(n, p)\nmu: row(p)\nS: spd(p)"
LIKELIHOOD = "-n/2*logdet(S) - 1/2*tr(inv(S)*(X - ones(n)*mu)'*(X - ones(n)*mu))"

# function, unknowns, declarations, constraints, the solution, the kind of point
CLOSED = {
    "portfolio-frontier": (
        "x'*S*x", "x", "S: spd(n)\nmu: vector(n)\nr: scalar", ["mu'*x = r", "ones(n)'*x = 1"],
        "x = inv(S)*[mu, ones(n)]*inv([mu, ones(n)]'*inv(S)*[mu, ones(n)])*[r; 1]", "minimum",
    ),
    "rows": ("1/(2*n)*(y - w*X')*(y - w*X')'", "w", "y: row(n)\nw: row(d)", [], "w = y*X*inv(X'*X)", "minimum"),
    "ols": ("norm2(A*x - b)^2", "x", "", [], "x = inv(A'*A)*A'*b", "minimum"),
    "weighted": ("(y - X*w)'*diag(v)*(y - X*w)", "w", f"{REGRESSION}\nv: vector(n), positive", [], None, "minimum"),
    "generalised": (
        "(y - X*w)'*inv(S)*(y - X*w)", "w", f"{REGRESSION}\nS: spd(n)", [],
        "w = inv(X'*inv(S)*X)*X'*inv(S)*y", "minimum",
    ),
    "ridge": (
        "norm2(y - X*w)^2 + c*norm2(w)^2", "w", f"{REGRESSION}\nc: scalar, positive", [],
        "w = inv(c*eye(d) + X'*X)*X'*y", "minimum",
    ),
    "ridge-unsigned": (
        "norm2(y - X*w)^2 + c*norm2(w)^2", "w", REGRESSION, [], "w = inv(c*eye(d) + X'*X)*X'*y", "undecided",
    ),
    "multi-output": ("norm2(Y - X*W)^2", "W", "X: matrix(n, d)\nY: matrix(n, k)", [], "W = inv(X'*X)*X'*Y", "minimum"),
    "kalman": (
        "tr((eye(n) - K*H)*P*(eye(n) - K*H)' + K*R*K')", "K", "P: spd(n)\nR: spd(m)\nH: matrix(m, n)", [],
        "K = P*H'*inv(H*P*H' + R)", "minimum",
    ),
    "wiener": ("w'*R*w - 2*p'*w", "w", "R: spd(n)\np: vector(n)", [], "w = inv(R)*p", "minimum"),
    "mean": ("sum(i, norm2(X[i, :] - mu)^2)", "mu", GAUSSIAN, [], "mu = mean(X, axis=0)", "minimum"),
    "covariance": (
        "-n/2*logdet(S) - 1/2*tr(inv(S)*X'*X)", "S", "X: matrix(n, p)\nS: spd(p)", [], "S = X'*X/n", "maximum",
    ),
    "precision": (
        "k/2*logdet(P) - 1/2*tr(P*M)", "P", "P: spd(p)\nM: spd(p)\nk: scalar, positive", [], "P = k*inv(M)", "maximum",
    ),
    "variance": (
        "-n/2*log(s) - norm2(y - X*w)^2/(2*s)", "s", f"{REGRESSION}\ns: scalar, positive", [],
        "s = mean((y - X*w).^2)", "maximum",
    ),
    "sylvester": (
        "1/2*tr(X'*A*X) + 1/2*tr(X*B*X') - tr(C'*X)", "X", "A: spd(m)\nB: spd(n)\nC: matrix(m, n)", [],
        "X = unvec(inv(kron(B, eye(m)) + kron(eye(n), A))*vec(C), m, n)", "minimum",
    ),
    "two-sided": (
        "norm2(A*X*B - C)^2", "X", "", [], "X = inv(A'*A)*A'*C*B'*inv(B*B')", "minimum",
    ),
    "two-sided-sum": (
        "norm2(A*X + X*B - C)^2", "X", "A: matrix(m, m)\nB: matrix(n, n)\nC: matrix(m, n)", [], None, "minimum",
    ),
    "symmetric": (
        "norm2(A*X - B)^2", "X", "X: symmetric(n)\nA: matrix(m, n)\nB: matrix(m, n)", [], None, "minimum",
    ),
    "elementwise": ("sum(W .* (X - Y).^2)", "X", "W: matrix(m, n), positive", [], "X = Y", "minimum"),
    "proximal": (
        "norm2(Z - X)^2 + r*norm2(X - U)^2", "X", "Z: matrix(m, n)\nr: scalar, positive", [], None, "minimum",
    ),
    "poisson": (
        "sum(l - k .* log(l))", "l", "l: vector(n), positive\nk: vector(n), positive", [], "l = k", "minimum",
    ),
    "bernoulli": ("k*log(p) + (m - k)*log(1 - p)", "p", "p: scalar\nk: scalar\nm: scalar", [], "p = k/m", "undecided"),
    "exponential": (
        "a*exp(x) - b*x", "x", "x: scalar\na: scalar, positive\nb: scalar, positive", [], "x = log(b/a)", "minimum",
    ),
    "saddle": ("tr(X*X) - tr(C*X)", "X", "", [], "X = C/2", "saddle"),
    "concave": ("b'*x - x'*A*x/2", "x", "A: spd(n)\nb: vector(n)", [], "x = inv(A)*b", "maximum"),
    "indefinite": ("x'*A*x - b'*x", "x", "A: symmetric(n)\nb: vector(n)", [], "x = inv(A)*b/2", "undecided"),
    "one-of-many": ("(a'*x - b)^2", "x", "a: vector(n)\nx: vector(n)\nb: scalar", [], "x = b*a/(a'*a)", "minimum"),
    "projection": ("norm2(x - z)^2", "x", "", ["A*x = b"], "x = A'*inv(A*A')*(b - A*z) + z", "minimum"),
    "least-norm": ("norm2(x)^2", "x", "", ["A*x = b"], "x = A'*inv(A*A')*b", "minimum"),
    "least-norm-row": (
        "norm2(w)^2", "w", "w: row(n)\nX: matrix(n, m)\ny: row(m)", ["w*X = y"], "w = y*inv(X'*X)*X'", "minimum",
    ),
    "constrained-least-squares": (
        "norm2(A*x - b)^2", "x", "A: matrix(m, n)\nC: matrix(k, n)", ["C*x = d"],
        "x = inv(A'*A)*(A'*b + C'*inv(C*inv(A'*A)*C')*(d - C*inv(A'*A)*A'*b))", "minimum",
    ),
    "portfolio": (
        "w'*S*w", "w", "S: spd(n)", ["ones(n)'*w = 1"], "w = inv(S)*ones(n)/sum(inv(S))", "minimum",
    ),
    "portfolio-with-a-goal": (
        "w'*S*w", "w", "S: spd(n)\nmu: vector(n)", ["sum(w) = 1", "mu'*w = r"], None, "minimum",
    ),
    "two-constraints": (
        "norm2(x - z)^2", "x", "B: matrix(k, n)\nC: matrix(l, n)", ["B*x = u", "C*x = v"], None, "minimum",
    ),
    "secant": (
        "norm2(B - C)^2", "B", "B: matrix(m, n)", ["B*s = y"], "B = (y - C*s)*s'/(s'*s) + C", "minimum",
    ),
    "matrix-constraint": (
        "norm2(X - Z)^2", "X", "Z: matrix(m, n)", ["A*X*B = C"],
        "X = A'*inv(A*A')*(C - A*Z*B)*inv(B'*B)*B' + Z", "minimum",
    ),
    "centered": ("norm2(x - z)^2", "x", "", ["ones(n)'*x = 0"], "x = z - mean(z)", "minimum"),
    "sum-constraint": ("norm2(X - Z)^2", "X", "Z: matrix(m, n)", ["sum(X) = 1"], None, "minimum"),
}  # fmt: skip


@pytest.mark.parametrize("case", CLOSED, ids=list(CLOSED))
def test_closed_forms(case: str) -> None:
    function, unknown, declare, constraints, text, kind = CLOSED[case]

    solution = mc.solve(function, unknown, declare, constraints)

    assert solution, solution.remarks()
    if text is not None:
        assert solution.text() == text
    assert (solution.kind, bool(solution.why)) == (kind, True)
    verdict = solution.verify()
    assert verdict.holds
    assert verdict.residual <= 1e-8
    assert verdict.draws >= 4


def test_the_lecture_notes_state_condition_and_reason() -> None:
    solution = mc.solve("1/(2*n)*(y - w*X')*(y - w*X')'", "w", "y: row(n)\nw: row(d)")

    assert solution.conditions == ("X'*X is invertible",)
    assert solution.why == ("the Hessian X'*X/n is positive semidefinite",)
    assert solution.equation == "(w*X' - y)*X = 0"
    assert solution.kinds == {"y": "row(n)", "w": "row(d)", "X": "matrix(n, d)"}
    assert solution.shape == ("d",)


def test_mean_and_covariance_of_a_normal_sample() -> None:
    solution = mc.solve(LIKELIHOOD, ["S", "mu"], GAUSSIAN)

    assert solution.text() == "mu = mean(X, axis=0)\nS = (X - mu)'*(X - mu)/n"
    assert solution.kind == "maximum"
    X = np.random.default_rng(0).normal(size=(9, 3))
    S, mu = solution.function()(X=X)
    np.testing.assert_allclose(mu, X.mean(axis=0))
    np.testing.assert_allclose(S, np.cov(X.T, bias=True))


def test_an_intercept_is_eliminated() -> None:
    solution = mc.solve("norm2(y - X*w - b)^2", ["w", "b"], f"{REGRESSION}\nb: scalar")

    assert solution.kind == "minimum"
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    w, b = solution.function()(X=X, y=y)
    expected = np.linalg.lstsq(np.c_[X, np.ones(9)], y, rcond=None)[0]
    np.testing.assert_allclose([*w, b], expected, rtol=1e-9)


def test_two_roots_are_two_points() -> None:
    solution = mc.solve("x^3 - 3*a*x", "x", "x: scalar\na: scalar, positive")

    assert solution.text() == "x = sqrt(a)\nx = -sqrt(a)"
    assert [p.kind for p in solution.points] == ["minimum", "maximum"]
    assert solution.function("solution_2")(a=4.0) == -2.0


def test_a_saddle_between_two_unknowns() -> None:
    solution = mc.solve("x^2 - y^2 + x", ["x", "y"], "x: scalar\ny: scalar")

    assert solution.kind == "saddle"
    assert solution.function()() == (-0.5, 0.0)


def test_conditions_that_determine_each_other() -> None:
    solution = mc.solve("x*y - x - 2*y", ["x", "y"], "x: scalar\ny: scalar")

    assert solution.kind == "saddle"
    assert solution.why == ("the Hessian [0, 1; 1, 0] has eigenvalues of both signs",)
    assert solution.function()() == (2.0, 1.0)


def test_a_saddle_may_be_a_minimum_along_a_constraint() -> None:
    solution = mc.solve("x[0]^2 - x[1]^2", "x", "x: vector(2)", "x[1] = 3")

    assert solution.kind == "undecided"


def test_a_hessian_that_changes_its_sign_with_the_size_is_undecided() -> None:
    assert mc.solve("norm2(x)^2 - sum(x)^2/5", "x", "x: vector(n)").kind == "undecided"
    assert mc.solve("norm2(x)^2 - sum(x)^2/5", "x", "x: vector(4)").kind == "minimum"
    assert mc.solve("norm2(x)^2 - sum(x)^2/5", "x", "x: vector(7)").kind == "saddle"


@pytest.mark.parametrize(
    ("function", "unknown", "declare", "equation"),
    [
        ("sum(log(1 + exp(-y .* (X*w))))", "w", "", "X'*(sigmoid(-((X*w) .* y)) .* y) = 0"),
        ("tr(inv(X)*A) + tr(X*B)", "X", "A: spd(n)\nB: spd(n)\nX: spd(n)", "B - inv(X)*A*inv(X) = 0"),
        ("c'*x", "x", "c: vector(n)", "c = 0"),
        ("norm2(x - z)", "x", "", None),
    ],
)
def test_without_a_closed_form_the_condition_is_the_answer(
    function: str, unknown: str, declare: str, equation: str | None
) -> None:
    solution = mc.solve(function, unknown, declare)

    assert not solution
    assert solution.text() == (equation or solution.equation)
    assert any("no closed form was found" in line for line in solution.remarks())
    assert solution.json()["closed_form"] is False
    with pytest.raises(UnsupportedError, match="no closed form"):
        solution.function()


def test_contradicting_constraints_have_no_solution() -> None:
    solution = mc.solve("norm2(x - z)^2", "x", "a: vector(n)", ["a'*x = 1", "a'*x = 2"])

    assert not solution
    assert any("is no solution" in note for note in solution.notes)


def test_linear_objectives_under_constraints_have_no_stationary_point() -> None:
    assert not mc.solve("c'*x", "x", "c: vector(n)", "A*x = b")


def test_every_condition_of_a_division_is_said() -> None:
    solution = mc.solve("norm2(A*(x - z))^2", "x", "A: matrix(n, n)\nz: vector(n)")

    assert solution.text() == "x = z"
    assert solution.conditions == ("A'*A is invertible",)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("norm2(x)^2", "x", "", "A*x < b"), UnsupportedError),
        (("norm2(x)^2", "x", "", "A*x"), SyntaxProblem),
        (("norm2(x)^2", "x", "", "A*y = b"), InputError),
        (("norm2(x)^2", "q", ""), UnknownName),
        (("A*x", "x", ""), UnsupportedError),
        (("x'*A*x", "x", "x: unit(n)"), UnsupportedError),
    ],
)
def test_refusals(arguments: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        mc.solve(*arguments)


def test_names_of_constraints_do_not_meet_those_of_the_user() -> None:
    solution = mc.solve("norm2(x - constraint)^2", "x", "constraint: vector(n)\nlambda: vector(n)", "lambda'*x = 1")

    assert solution
    assert "lambda1" in " ".join(solution.notes)


def test_sympy_in_and_out() -> None:
    sympy = pytest.importorskip("sympy")
    n, d = sympy.symbols("n d", integer=True, positive=True)
    X, w, y = sympy.MatrixSymbol("X", n, d), sympy.MatrixSymbol("w", d, 1), sympy.MatrixSymbol("y", n, 1)
    r = X * w - y

    solution = mc.solve((r.T * r)[0, 0], "w")

    assert solution.text() == "w = inv(X'*X)*X'*y"
    assert solution.expr.shape == (d, 1)


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "solution", "equation"),
    [
        (
            "1/2*norm2(K*a - y)^2 + c/2*a'*K*a",
            "a",
            "K: spd(n); a: vector(n); y: vector(n); c: scalar, positive",
            "inv(c*eye(n) + K)*y",
            "c*a + K*a - y",
        ),
        ("tr((X - C)'*S*(X - C)*T)", "X", "S: spd(m); T: spd(n)", "C", "X - C"),
    ],
)
def test_invertible_factors_of_the_condition_do_not_matter(
    f: str, wrt: str, declare: str, solution: str, equation: str
) -> None:
    found = mc.solve(f, wrt, declare)

    assert text(found.answer) == solution
    assert text(found.equations[wrt]) == equation
    assert found.kind == "minimum"
    assert found.verify()


def test_a_factor_that_is_not_known_to_be_invertible_stays() -> None:
    declare = "K: symmetric(n); c: scalar, positive; y: vector(n)"
    found = mc.solve("1/2*norm2(K*a - y)^2 + c/2*a'*K*a", "a", declare)

    assert text(found.equations["a"]).startswith("K*")


@pytest.mark.parametrize(
    ("function", "wrt", "said"),
    [
        ("norm2(A*X - B)^2 + c*norm2(X)^2", "X", ["a minimum if c > 0: declare c: scalar, positive"]),
        ("c*x^2 - d*x", "x", ["a minimum if c > 0: declare c: scalar, positive"]),
        ("-c*d*x^2 - a*x", "x", ["a maximum if c, d > 0: declare c, d: scalar, positive"]),
        ("x'*S*x - 2*b'*x", "x", []),  # it rests on S
        ("norm2(x - y)^2", "x", []),
    ],
)
def test_a_kind_of_point_that_positive_parameters_decide(function: str, wrt: str, said: list[str]) -> None:
    declare = (
        {"x": "scalar"} if "x^2" in function else {"S": "symmetric(n)", "b": "vector(n)"} if "S" in function else {}
    )
    found = mc.solve(function, wrt, declare)
    assert [note for note in found.notes if " if " in note] == said
    if said:
        names = said[0].partition("declare ")[2].partition(":")[0]
        decided = mc.solve(function, wrt, {**declare, **dict.fromkeys(names.split(", "), "scalar, positive")})
        assert said[0].startswith(f"a {decided.kind} ")


def test_each_of_several_points_is_said_by_its_value() -> None:
    remarks = mc.solve("x^3 - 3*x", "x", "x: scalar").remarks()
    assert "minimum at x = 1: the Hessian 6 is positive" in remarks
    assert "maximum at x = -1: the Hessian -6 is negative" in remarks


def test_a_line_of_a_program_is_no_unknown() -> None:
    with pytest.raises(UnsupportedError, match="Z is a line of the program") as caught:
        mc.solve("Z = X*W\nL = norm2(Z - Y)^2", "Z")
    assert caught.value.hint == "leave out the line that makes Z, and declare Z"
    assert mc.solve("Z = X*W\nL = norm2(Z - Y)^2", "W").text() == "W = inv(X'*X)*X'*Y"
