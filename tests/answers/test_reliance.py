"""An answer rests on a fact if it is another one without it."""

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
