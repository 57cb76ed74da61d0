"""Claims that hold, claims that do not, and what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcalc import check, derive
from matcalc.checking.check import BOTH, NUMBERS
from matcalc.errors import InputError, SyntaxProblem, UnknownName, UnsupportedError

VECTORS = "a: vector(n); b: vector(n)"
NETWORK = """\
X: matrix(N, d)
Y: onehot(N, K)
b1: row(h)
b2: row(K)
Z1 = X*W1 + b1
H = sigmoid(Z1)
Z2 = H*W2 + b2
P = softmax(Z2, axis=1)
L = -1/N*sum(Y .* log(P))
"""

HOLD: list[tuple[str, str, str, str | None]] = [
    ("x'*A*x", "x", "(A + A')*x", None),
    ("x'*A*x", "x", "A*x + A'*x", None),
    ("x'*A*x", "x", "2*A*x", "A: symmetric(n)"),
    ("norm2(X*w - y)^2", "w", "2*X'*X*w - 2*X'*y", None),
    ("norm2(X*w - y)^2/n", "w", "2/n*X'*(X*w - y)", "X: matrix(n, d)"),
    ("a'*inv(X)*b", "X", "-inv(X')*a*b'*inv(X')", VECTORS),
    ("tr(A*X*B)", "X", "A'*B'", None),
    ("logdet(X)", "X", "inv(X)'", "X: matrix(n, n), invertible"),
    ("x*A*x'", "x", "x*(A + A')", "x: row(n)"),
    ("sin(x)*exp(x)", "x", "exp(x)*(sin(x) + cos(x))", "x: scalar"),
    ("sum(log(x))", "x", "1 ./ x", None),
    ("sum(f(x))", "x", "f'(x)", "f: function"),
    ("tr(X'*X*S)", "X", "X*S + X*S'", "X: matrix(m, n)"),
    # Jacobians, and derivatives by vec
    ("A*x - y", "x", "A", None),
    ("x*A + b", "x", "A'", "x: row(n); b: row(m)"),
    ("x'*B", "x", "B'", "B: matrix(n, m)"),
    ("sigmoid(x)", "x", "diag(sigmoid(x) .* (1 - sigmoid(x)))", None),
    ("X*Y", "X", "kron(Y', eye(m))", "X: matrix(m, n); Y: matrix(n, k)"),
    ("A*x", "A", "kron(x', eye(m))", "A: matrix(m, n)"),
    ("t*A", "t", "A", "t: scalar"),
    # index form
    ("x'*x", "x", "2*x[i]", None),
    ("x'*x", "x[j]", "2*x[j]", None),
    ("a'*X*b", "X[i, j]", "a[i]*b[j]", "a: vector(m); b: vector(n)"),
    ("a'*X*b", "X[k, l]", "a[k]*b[l]", "a: vector(m); b: vector(n)"),
    ("x'*A*x", "x", "sum(j, (A[i, j] + A[j, i])*x[j])", None),
    ("x*r'", "r[i]", "x[i]", "x: row(n); r: row(n)"),
]


@pytest.mark.parametrize(("function", "wrt", "claim", "declare"), HOLD)
def test_a_right_claim_holds(function: str, wrt: str, claim: str, declare: str | None) -> None:
    result = check(function, wrt, claim, declare)

    assert result, result.report()
    assert result.residual < 1e-8
    assert result.draws >= 6
    assert result.counterexample is None
    assert result.report().startswith("holds: ")


@pytest.mark.parametrize(("function", "wrt", "claim", "declare"), [case for case in HOLD if "[" not in case[2]])
def test_a_claim_a_little_off_does_not_hold(function: str, wrt: str, claim: str, declare: str | None) -> None:
    result = check(function, wrt, f"1.001*({claim})", declare)

    assert not result
    assert result.counterexample is not None
    point = result.counterexample
    np.testing.assert_allclose(point.found, 1.001 * np.asarray(point.expected), rtol=1e-5)


def test_how_it_was_decided_is_said() -> None:
    decided = check("x'*A*x", "x", "A*x + A'*x")
    seen = check("sum(log(cosh(x)))", "x", "(exp(2*x) - 1) ./ (exp(2*x) + 1)")

    assert (decided.how, seen.how) == (BOTH, NUMBERS)
    assert "decided symbolically and confirmed numerically" in decided.report()
    assert "confirmed numerically only" in seen.report()


def test_the_kinds_and_the_layout_are_said() -> None:
    result = check("norm2(A*x - b)^2", "x", "2*A'*(A*x - b)")

    assert result.kinds == {"A": "matrix(m, n)", "x": "vector(n)", "b": "vector(m)"}
    assert "A: matrix(m, n)" in result.report()
    assert "layout: gradient" in result.report()


WRONG: list[tuple[str, str, str, str | None, str, str]] = [
    ("x'*A*x", "x", "2*A*x", None, "(A + A')*x", "it would hold if A were symmetric"),
    ("x'*A*x", "x", "-(A + A')*x", None, "(A + A')*x", "the sign is wrong"),
    ("x'*x", "x", "x", None, "2*x", "a factor 2 is missing"),
    ("norm2(X*w - y)^2", "w", "X'*(X*w - y)", None, "2*X'*(X*w - y)", "a factor 2 is missing"),
    ("1/2*norm2(X*w - y)^2", "w", "2*X'*(X*w - y)", None, "X'*(X*w - y)", "there is a factor 2 too many"),
    ("x'*x", "x", "-4*x", None, "2*x", "the sign is wrong, and there is a factor 2 too many"),
    ("norm2(X*w - y)^2/n", "w", "2*X'*(X*w - y)", "X: matrix(n, d)", "2*X'*(X*w - y)/n", "a factor 1/n is missing"),
    ("mean((y - z).^2)", "z", "z - y", "y: vector(n)", "2*(z - y)/n", "a factor 2/n is missing"),
    ("sum((y - z).^2)", "z", "2*(z - y)/n", "y: vector(n)", "2*(z - y)", "there is a factor 1/n too many"),
    ("c*x'*x", "x", "2*x", "c: scalar", "2*c*x", "a factor c is missing"),
    ("x'*x", "x", "2*c*x", "c: scalar", "2*x", "there is a factor c too many"),
    ("x'*x/c", "x", "2*x", "c: scalar", "2/c*x", "a factor 1/c is missing"),
    ("1/n*sum((y - yhat).^2)", "yhat", "2*(yhat - y)", "yhat: vector(k)", "2/n*(yhat - y)", "a factor 1/n is missing"),
    ("tr(A*X)", "X", "A", "X: matrix(n, n)", "A'", "the claim is transposed"),
    ("a'*inv(X)*b", "X", "inv(X)'*a*b'*inv(X)'", VECTORS, "-inv(X)'*a*b'*inv(X)'", "the sign is wrong"),
    ("a'*inv(X)*b", "X", "-inv(X)*b*a'*inv(X)", VECTORS, "-inv(X)'*a*b'*inv(X)'", "the claim is transposed"),
    ("tr(X'*A*X)", "X", "2*A*X", "X: matrix(m, n)", "(A + A')*X", "it would hold if A were symmetric"),
]


@pytest.mark.parametrize(("function", "wrt", "claim", "declare", "right", "diagnosis"), WRONG)
def test_a_wrong_claim_is_explained(
    function: str, wrt: str, claim: str, declare: str | None, right: str, diagnosis: str
) -> None:
    result = check(function, wrt, claim, declare)

    assert not result
    assert diagnosis in result.diagnosis
    assert result.right is not None
    assert check(function, wrt, result.right, declare)
    assert check(result.right, None, right, dict(result.kinds))
    assert result.counterexample is not None
    report = result.report()
    assert report.startswith("does not hold\n")
    assert f"right form: {result.right}" in report
    assert "  right: " in report
    assert "  claim: " in report


def test_a_claim_that_nothing_simple_explains_has_no_diagnosis() -> None:
    result = check("sum(exp(x))", "x", "exp(2*x)")

    assert not result
    assert result.diagnosis == ()
    assert result.counterexample is not None


SHAPES: list[tuple[str, str, str, str | None, str, tuple[str, ...]]] = [
    ("norm2(A*x - b)^2", "x", "2*A*(A*x - b)", None, "A has n columns and", ("the gradient is n x 1",)),
    ("norm2(A*x - b)^2", "x", "2*(A*x - b)", None, "the claim is m x 1", ("the gradient is n x 1",)),
    ("A*x - b", "x", "A'", None, "the claim is n x m", ("the Jacobian is m x n",)),
    ("tr(A*X)", "X", "sum(A)", None, "the claim is scalar", ()),
    ("X*Y", "X", "Y'", "X: matrix(m, n); Y: matrix(n, k)", "an array m x k x m x n", ("m*k x m*n", "k*m x m*n")),
    ("A*x", "A", "x", "A: matrix(m, n)", "an array m x m x n", ()),
]


@pytest.mark.parametrize(("function", "wrt", "claim", "declare", "said", "also"), SHAPES)
def test_a_claim_of_the_wrong_shape_does_not_hold(
    function: str, wrt: str, claim: str, declare: str | None, said: str, also: tuple[str, ...]
) -> None:
    result = check(function, wrt, claim, declare)

    assert not result
    assert result.shapes is not None
    assert said in result.shapes
    assert not also or any(text in result.shapes for text in also)
    assert f"wrong shape: {result.shapes}" in result.report()


# --- layouts and structures -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "wrt", "gradient", "numerator", "declare"),
    [
        ("x'*A*x", "x", "(A + A')*x", "x'*(A + A')", None),
        ("tr(A*X)", "X", "A'", "A", "X: matrix(m, n)"),
        ("x*A*x'", "x", "x*(A + A')", "x*(A + A')", "x: row(n)"),
        ("tr(A*X*B)", "X", "A'*B'", "B*A", "X: matrix(m, n)"),
        ("c^2", "c", "2*c", "2*c", None),
    ],
)
def test_a_claim_may_be_in_numerator_layout(
    function: str, wrt: str, gradient: str, numerator: str, declare: str | None
) -> None:
    assert check(function, wrt, gradient, declare)
    assert check(function, wrt, numerator, declare, layout="numerator")
    if gradient != numerator:
        swapped = check(function, wrt, numerator, declare)
        assert not swapped
        said = "the claim is in numerator layout; the layout in force is gradient (--layout numerator)"
        assert said in swapped.diagnosis
        back = check(function, wrt, gradient, declare, layout="numerator")
        assert not back
        said = "the claim is in gradient layout; the layout in force is numerator (--layout gradient)"
        assert said in back.diagnosis


SYMMETRIC = "S: symmetric(n); a: vector(n); b: vector(n)"


def test_the_three_conventions_for_a_symmetric_variable_are_told_apart() -> None:
    forms = {
        "auto": "1/2*(a*b' + b*a')",
        "tied": "a*b' + b*a' - (a*b') .* eye(n)",
        "free": "a*b'",
    }
    for structure in forms:
        for name, form in forms.items():
            result = check("a'*S*b", "S", form, SYMMETRIC, structure=structure)
            assert bool(result) == (name == structure), (structure, name)
            if name != structure:
                assert len(result.diagnosis) == 1
                assert "the convention in force is" in result.diagnosis[0]


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrt", "claim"),
    [
        ("W2", "H'*dZ2"),
        ("W2", "H'*(P - Y)/N"),
        ("b2", "sum(dZ2, axis=0)"),
        ("H", "dZ2*W2'"),
        ("Z2", "(P - Y)/N"),
        ("Z1", "(dZ2*W2') .* H .* (1 - H)"),
        ("Z1", "dH .* H .* (1 - H)"),
        ("W1", "X'*dZ1"),
        ("b1", "sum(dZ1, axis=0)"),
        ("P", "-1/N*(Y ./ P)"),
    ],
)
def test_a_claim_may_use_the_names_of_a_program_and_their_adjoints(wrt: str, claim: str) -> None:
    result = check(NETWORK, wrt, claim)

    assert result, result.report()


@pytest.mark.parametrize(
    ("wrt", "claim", "said"),
    [
        ("W1", "X*dZ1", "did you mean X'*dZ1"),
        ("W2", "dZ2'*H", "the claim is K x h"),
        ("b2", "dZ2", "the gradient is 1 x K"),
    ],
)
def test_a_wrong_claim_about_a_program_has_its_shapes(wrt: str, claim: str, said: str) -> None:
    result = check(NETWORK, wrt, claim)

    assert not result
    assert result.shapes is not None
    assert said in result.shapes


def test_the_adjoint_of_a_line_takes_that_line_for_given() -> None:
    lines = "x: scalar\na = x^2\nb = exp(a)\nc = a + b\nd = sqrt(c)\ne = cos(c)\nf = d + e"
    claims = {
        "c": "1/(2*sqrt(c)) - sin(c)",
        "b": "dc",
        "a": "db*b + dc",
        "x": "da*2*x",
    }
    for name, claim in claims.items():
        assert check(lines, name, claim), name
    assert not check(lines, "a", "db*b")
    assert not check(lines, "c", "(1/(2*sqrt(c)) + 1)*(-sin(c))")


def test_a_line_that_happens_to_equal_another_part_stays_apart() -> None:
    lines = "x: scalar\na = x^2\nf = a*x^2"

    assert check(lines, "a", "x^2")
    assert not check(lines, "a", "2*a")


def test_another_line_may_be_the_function() -> None:
    assert check(NETWORK, "b2", "ones(N, 1)*0", of="Z2").shapes is not None
    assert check("y: vector(n)\nz = y'*y\nw = z^2", "y", "2*y", of="z")


def test_a_name_that_the_user_has_is_not_an_adjoint() -> None:
    lines = "x: scalar\ndz: scalar\nz = x^2 + dz\nL = z^2"

    assert check(lines, "x", "2*(x^2 + dz)*2*x")


# --- two expressions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "declare"),
    [
        ("inv(A)*inv(B)", "inv(B*A)", "A: matrix(n, n), invertible; B: matrix(n, n), invertible"),
        ("tr(A*B)", "tr(B*A)", None),
        ("sin(x)^2 + cos(x)^2", "1", "x: scalar"),
        ("tr(A*B)", "sum(A .* B')", None),
        ("(A*B)'", "B'*A'", None),
        ("logsumexp(z)", "log(sum(exp(z)))", None),
    ],
)
def test_equal_expressions(left: str, right: str, declare: str | None) -> None:
    result = check(left, None, right, declare)

    assert result, result.report()
    assert result.layout is None


@pytest.mark.parametrize(
    ("left", "right", "declare"),
    [
        ("inv(A)*inv(B)", "inv(A*B)", "A: matrix(n, n), invertible; B: matrix(n, n), invertible"),
        ("norm2(x)", "norm1(x)", None),
        ("1/n - sum(y .* log(p))", "-1/n*sum(y .* log(p))", "p: vector(n)"),
        ("A*B - B*A", "zeros(n, n)", "A: matrix(n, n)"),
    ],
)
def test_different_expressions_differ_at_a_point(left: str, right: str, declare: str | None) -> None:
    result = check(left, None, right, declare)

    assert not result
    assert result.counterexample is not None
    assert "  first: " in result.report()


def test_expressions_of_different_shapes_are_not_equal() -> None:
    result = check("x'*y", None, "x*y'", "x: vector(n); y: vector(n)")

    assert not result
    assert result.shapes == "the first expression is scalar; the second is n x n"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("x'*x", "x", "2*x*"), SyntaxProblem, ""),
        (("x'*x", "x", ""), InputError, "no claim"),
        (("x'*x", "y", "2*x"), UnknownName, "y neither occurs nor is declared"),
        (("x'*x", "x", "2*z"), UnknownName, "z occurs in the claim, but not in the function"),
        (("x'*x", "x[i]", "2*x[j]"), InputError, "free letters j"),
        (("a'*X*b", "X", "a*X[i, 1]"), InputError, "free letters i"),
        (("x'*x", "x + y", "2*x"), InputError, "is not a variable"),
        (("x = y^2", "x", "1"), InputError, "is the function itself"),
        (("log(-1 - x^2)", "x", "2*x/(1 + x^2)", "x: scalar"), UnsupportedError, "neither confirmed nor refuted"),
    ],
)
def test_what_is_no_claim_is_refused(arguments: tuple[Any, ...], error: type[Exception], said: str) -> None:
    with pytest.raises(error) as found:
        check(*arguments)

    assert said in str(found.value)


def test_an_index_that_counts_something_else_is_a_wrong_shape() -> None:
    result = check("a'*X*b", "X[i, j]", "a[j]*b[i]", "a: vector(m); b: vector(n)")

    assert not result
    assert result.shapes is not None
    assert "j counts n entries of X, but here m entries" in result.shapes


def test_a_layout_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="no layout"):
        check("x'*x", "x", "2*x", layout="denominator")


@pytest.mark.parametrize(
    ("f", "wrt", "claim", "declare"),
    [
        ("x'*A*x", "x", "A + A'", "A: matrix(n, n)"),
        ("logsumexp(A*x)", "x", "A'*(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A", "A: matrix(m, n)"),
        ("logdet(X)", "X", "-commutation(n, n)*kron(inv(X)', inv(X))", "X: matrix(n, n)"),
        ("norm2(X*A)^2", "X", "2*kron(A*A', eye(m))", "X: matrix(m, n); A: matrix(n, p)"),
        ("x^3", "x", "6*x", "x: scalar"),
        ("tr(S^2)", "S", "2*eye(n*n)", "S: symmetric(n)"),
    ],
)
def test_a_claim_about_a_hessian_holds(f: str, wrt: str, claim: str, declare: str) -> None:
    assert check(f, wrt, claim, declare, order=2)


def test_a_wrong_hessian_is_refuted_with_the_right_one() -> None:
    found = check("x'*A*x", "x", "2*A", "A: matrix(n, n)", order=2)

    assert not found
    assert found.right == "A + A'"
    assert any("symmetric" in said for said in found.diagnosis)


def test_the_gradient_is_no_hessian() -> None:
    found = check("x'*A*x", "x", "(A + A')*x", "A: matrix(n, n)", order=2)

    assert not found
    assert found.shapes is not None
    assert "the Hessian is n x n" in found.shapes


def test_a_claim_about_a_jacobian_of_matrices_is_its_vec_form() -> None:
    claim = "kron(eye(n), X') + kron(X', eye(n))*commutation(m, n)"

    assert check("X'*X", "X", claim, "X: matrix(m, n)")
    assert not check("X'*X", "X", "kron(eye(n), X') + kron(X', eye(n))", "X: matrix(n, n)")


def test_a_hessian_needs_a_scalar_function_and_a_variable() -> None:
    with pytest.raises(UnsupportedError, match="scalar function"):
        check("A*x", "x", "A", order=2)
    with pytest.raises(UnsupportedError, match="by a variable"):
        check("A*x", None, "A*x", order=2)
    with pytest.raises(UnsupportedError, match="first or the second"):
        check("x'*x", "x", "2*x", order=3)


@pytest.mark.parametrize(
    ("function", "claim", "order"),
    [("softmax(x)", "diag(softmax(x)) - softmax(x)*softmax(x)'", 1), ("x'*A*x", "A + A'", 2), ("x'*A*x", "2*A", 2)],
)
def test_a_jacobian_and_a_hessian_are_laid_out_as_where_they_are_derived(function: str, claim: str, order: int) -> None:
    derived = derive(function, "x", order=order).laid_out

    assert f"layout: {derived}\n" in check(function, "x", claim, order=order).report() + "\n"


def test_an_array_is_laid_out_as_where_it_is_derived() -> None:
    report = check("A*X*B", "X", "kron(B', A)").report()

    assert f"layout: {derive('A*X*B', 'X').laid_out}" in report
