"""An answer rests on a fact if it is another one without it."""

from typing import Any

import pytest

import matcalc as mc


@pytest.mark.parametrize(
    ("function", "wrt", "declare", "order", "facts"),
    [
        ("x'*A*x", "x", "A: symmetric(n)", 1, ("A is symmetric",)),
        ("x'*A*x", "x", "A: symmetric(n)", 2, ("A is symmetric",)),
        ("x'*A*x", "x", "A: matrix(n, n)", 1, ()),
        ("c'*A*x", "x", "A: symmetric(n); x, c: vector(n)", 1, ("A is symmetric",)),  # else A'*c
        ("x'*x + tr(A)", "x", "A: symmetric(n)", 1, ()),  # it occurs, but not in the answer
        ("x'*Q'*S*Q*x", "x", "Q: orthogonal(n); S: symmetric(n)", 1, ("S is symmetric",)),
        ("norm2(Q*x)^2", "x", "Q: orthogonal(n)", 1, ("Q'*Q is the identity",)),
        ("tr(X*S)", "X", "X, S: symmetric(n)", 1, ("S is symmetric",)),  # the variable's own is not counted
        ("B = S*X\nL = tr(X'*B)", "X", "S: symmetric(n)", 1, ("S is symmetric",)),
    ],
)  # fmt: skip
def test_facts_used(function: str, wrt: str, declare: str, order: int, facts: tuple[str, ...]) -> None:
    assert mc.derive(function, wrt, declare, order=order).facts_used == facts


@pytest.mark.parametrize(
    "how",
    [{}, {"where": "always"}, {"where": "never"}, {"expand": True}, {"residuals": {"r": "v*p - w"}}],
    ids=str,
)
def test_the_form_that_is_asked_for_is_no_sign_of_a_fact(how: dict[str, Any]) -> None:
    """What is derived again is put in the same form: S occurs in the function, and not in the answer."""
    f = "c'*S*c + norm2(v*B*inv(B'*v'*v*B)*B'*v'*(v*p - w) - v*p + w)^2"
    declared = "S: symmetric(k); c: vector(k); v: matrix(m, n); p: vector(n); w: vector(m); B: matrix(n, q)"
    d = mc.derive(f, "B", declared, **how)

    assert d.facts_used == ()
    assert mc.derive("x'*S*x", "x", "S: symmetric(n)", **(how if "residuals" not in how else {})).facts_used
