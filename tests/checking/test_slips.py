"""Mistakes of the kinds that students make are named."""

from __future__ import annotations

import pytest

import matcalc as mc

SLIPS = [  # function, variable, claim, declarations, what is said
    ("norm2(A*x - b)^2", "x", "2*A'*A*x - b", "A: matrix(n, n)", "the factors 2 and A' are missing"),
    ("det(X)", "X", "inv(X)'", "", "a factor det(X) is missing"),
    ("exp(x'*x)", "x", "2*x", "", "a factor exp(x'*x) is missing"),
    ("exp(x'*x)", "x", "2*exp(x'*x)^2*x", "", "there is a factor exp(x'*x) too many"),
    ("(a'*x)^3", "x", "3*(a'*x)*a", "a: vector(n)", "a factor a'*x is missing"),
    ("a'*inv(X)*b", "X", "-inv(X)'*b*a'*inv(X)'", "a: vector(n); b: vector(n)", "b*a' should be transposed"),
    ("a'*inv(X)*b", "X", "-a*b'*inv(X)'*inv(X)'", "a: vector(n); b: vector(n)",
     "the order of the factors is wrong: -inv(X)'*a*b'*inv(X)'"),
    ("tr(A*X*B)", "X", "B'*A'", "A: matrix(n, n); B: matrix(n, n)", "the order of the factors is wrong: A'*B'"),
    ("sum(exp(A*x))", "x", "exp(A*x)", "A: matrix(n, n)", "the factor A' is missing"),
    ("sum(A*x)", "x", "A'", "", "the factor ones(m) is missing"),
    ("norm2(X - U*V')^2", "U", "-2*(X - U*V')", "", "the factor V is missing"),
    ("sum(tanh(W*x))", "W", "1 - tanh(W*x).^2", "", "the factor x' is missing"),
    ("sum(tanh(W*x))", "W", "(1 - tanh(W*x))*x'", "", "tanh(W*x) should be squared"),
    ("sum(sigmoid(A*x))", "x", "A'*sigmoid(A*x)", "", "sigmoid(A*x) should be its derivative"),
    ("sum(abs(X*w - y))", "w", "X'*abs(X*w - y)", "", "abs(X*w - y) should be its derivative"),
    ("sum(log(1 + exp(-y .* (X*w))))", "w", "-X'*(y .* sigmoid(y .* (X*w)))", "",
     "the sign inside of sigmoid(y .* (X*w)) is wrong"),
    ("y'*log(x)", "x", "y .* x", "", "x should divide"),
    ("w'*S*w/2 - c*m'*w", "w", "S*w", "S: symmetric(n)", "the term -c*m is missing"),
    ("w'*S*w/2 - c*m'*w", "w", "S*w - m", "S: symmetric(n)", "in the term -m a factor c is missing"),
    ("w'*S*w/2 - c*m'*w", "w", "S*w + c*m", "S: symmetric(n)", "the sign of c*m is wrong"),
    ("w'*S*w/2 - c*m'*w", "w", "S*w - c*m + w", "S: symmetric(n)", "the term w does not belong there"),
    ("norm2(X*w - y)^2 + c*norm2(w)^2", "w", "2*X'*(X*w - y) + c*w", "", "in the term c*w a factor 2 is missing"),
    ("m'*w/sqrt(w'*S*w)", "w", "m/sqrt(w'*S*w) - S*w*m'*w/(w'*S*w)", "S: spd(n)",
     "the exponent of w'*S*w is wrong: -3/2 belongs there"),
    ("x'*y/norm2(x)", "x", "y/norm2(x)", "", "the term -(x'*y)*x/(x'*x) is missing"),
    ("x'*x*x'*A*x", "x", "x'*x*(A + A')*x", "", "the term 2*(x'*A*x)*x is missing"),
    ("sum((A .* X).^2)", "X", "2*(A .* X)", "", "A should be squared"),
    ("sum(softmax(z) .* y)", "z", "softmax(z) .* (1 - softmax(z)) .* y", "",
     "softmax(z)'*y is a sum over all entries, not taken entry by entry"),
    ("a'*X*b", "X", "a*b", "a: vector(n); b: vector(n)", "with another product it would be right: a*b'"),
    ("sum(tanh(W*x))", "W", "(1 - tanh(W*x).^2) .* x", "",
     "with another product it would be right: (1 - tanh(W*x).^2)*x'"),
    ("sigmoid(A*x)", "x", "(sigmoid(A*x) .* (1 - sigmoid(A*x)))*A", "",
     "with another product it would be right: diag(sigmoid(A*x) .* (1 - sigmoid(A*x)))*A"),
    ("x'*A*y - x'*x", "x", "A*y - 2*x*A", "A: matrix(n, m)", None),  # two mistakes
    ("tr(A*X*B)", "X", "A*B", "A: matrix(n, n); B: matrix(n, n)", "the claim is transposed"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "wrt", "claim", "declare", "said"), SLIPS, ids=[f"{s[0]}: {s[2]}" for s in SLIPS])
def test_what_went_wrong_is_named(f: str, wrt: str, claim: str, declare: str, said: str | None) -> None:
    found = mc.check(f, wrt, claim, declare or None)

    assert not found
    if said is None:
        assert not found.diagnosis
    else:
        assert said in "; ".join(found.diagnosis)


@pytest.mark.parametrize("claim", ["sin(x)", "A'*x .* exp(A'*b)", "zeros(n)", "A'*A*A'*b"])
def test_what_no_slip_explains_is_not_explained(claim: str) -> None:
    assert not mc.check("sum(exp(A*x - b))", "x", claim, "A: matrix(m, n)").diagnosis
