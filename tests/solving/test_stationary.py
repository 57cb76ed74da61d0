"""Solutions are confirmed by numbers, and wrong ones refuted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from matcalc import ops
from matcalc.language.parse import parse, read
from matcalc.numeric.verify import Verdict
from matcalc.solving.stationary import verify_stationary


def verdict(
    f: str, x: str, value: str, declare: str, gradient: str, kind: str = "undecided", constraints: Sequence[str] = ()
) -> Verdict:
    problem = read(f, declare)
    kinds = problem.kinds
    point = [(ops.sym(x, kinds[x]), parse(value, kinds))]
    limits = [parse(c, kinds) for c in constraints]
    return verify_stationary(
        problem.function, point, [parse(gradient, kinds)], constraints=limits, kind=kind, far=True, kinds=kinds
    )


REGRESSION = ("norm2(X*w - y)^2", "w", "X: matrix(n, d)\ny: vector(n)", "2*X'*(X*w - y)")


def test_a_right_solution() -> None:
    f, x, declare, gradient = REGRESSION
    found = verdict(f, x, "inv(X'*X)*X'*y", declare, gradient, "minimum")

    assert found
    assert found.residual <= 1e-10
    assert found.draws == 6


@pytest.mark.parametrize("value", ["inv(X'*X + eye(d))*X'*y", "1.0000001*inv(X'*X)*X'*y", "-inv(X'*X)*X'*y"])
def test_a_wrong_solution_is_refuted(value: str) -> None:
    f, x, declare, gradient = REGRESSION
    found = verdict(f, x, value, declare, gradient)

    assert not found
    assert found.counterexample is not None


def test_a_wrong_gradient_is_seen_at_a_right_solution() -> None:
    f, x, declare, _ = REGRESSION

    assert not verdict(f, x, "inv(X'*X)*X'*y", declare, "2*X'*(X*w - 2*y)")


def test_a_wrong_kind_is_seen_by_the_search() -> None:
    f, x, declare, gradient = REGRESSION
    found = verdict(f, x, "inv(X'*X)*X'*y", declare, gradient, "maximum")

    assert not found
    assert "random search" in found.reason


def test_what_never_exists_is_not_confirmed() -> None:
    found = verdict("(a'*x - b)^2", "x", "b*inv(a*a')*a", "a: vector(n)\nb: scalar", "2*(a'*x - b)*a")

    assert not found
    assert found.counterexample is None
    assert found.draws == 0


def test_constraints_must_hold_and_directions_keep_them() -> None:
    right, wrong = "A'*inv(A*A')*b", "A'*inv(A*A')*b + x0 - A'*inv(A*A')*A*x0"
    declare = "x: vector(n)\nA: matrix(m, n)\nb: vector(m)\nx0: vector(n)"

    assert verdict("norm2(x)^2", "x", right, declare, "2*x", "minimum", ["A*x - b"])
    assert not verdict("norm2(x)^2", "x", wrong, declare, "2*x", "minimum", ["A*x - b"])
    assert not verdict("norm2(x)^2", "x", "2*A'*inv(A*A')*b", declare, "2*x", "undecided", ["A*x - b"])


def test_structure_is_respected() -> None:
    declare = "X: symmetric(n)\nC: matrix(n, n)"

    assert verdict("norm2(X - C)^2", "X", "(C + C')/2", declare, "2*X - C - C'", "minimum")
    assert not verdict("norm2(X - C)^2", "X", "C", declare, "2*X - C - C'")
