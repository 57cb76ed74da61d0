"""Where a product begins and a factor ends in a claim, and products that fit instead."""

from __future__ import annotations

import pytest

import matcalc as mc


@pytest.mark.parametrize(
    ("f", "wrt", "claim", "declare", "right"),
    [
        ("a'*X*b", "X", "a*b", "a: vector(n); b: vector(m)", "a*b'"),
        ("a'*X*b + tr(X)", "X", "eye(n) + a*b", "a: vector(n); b: vector(n)", "eye(n) + a*b'"),
        ("sum((A .* X)*b)", "X", "A .* b", "b: vector(n)", "A*diag(b)"),
        ("sum((A*X) .* B)", "X", "A*(B + B)/2", "A: matrix(k, m)", "A'*(B + B)/2"),
        ("norm2(W*x - y)^2", "W", "2*(W*x - y)*x", "", "2*(W*x - y)*x'"),
        ("sum(exp(A*x))", "x", "exp(A*x)*A", "A: matrix(m, n)", "A'*exp(A*x)"),
    ],
)
def test_another_product_fits(f: str, wrt: str, claim: str, declare: str, right: str) -> None:
    found = mc.check(f, wrt, claim, declare or None)

    assert found.shapes is not None
    assert found.diagnosis == (f"with another product it would be right: {right}",)
    assert mc.check(f, wrt, right, declare or None)


@pytest.mark.parametrize("claim", ["a*b*X*b", "a + b*a", "X*a*X"])
def test_what_no_product_mends_is_left(claim: str) -> None:
    found = mc.check("a'*X*b", "X", claim, "a: vector(n); b: vector(m)")
    assert not found
    assert not found.diagnosis
