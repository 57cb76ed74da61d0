"""From one formula to a shorter one: which identities are named, and which are not."""

from __future__ import annotations

import pytest

from matcalc.calculus.shortening import Logged, shortened
from matcalc.expr import Expr
from matcalc.language.parse import parse
from matcalc.printing.step import Step
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table

TABLE = default_table()


def steps(before: str, after: str, declare: str = "") -> list[Step]:
    first = parse(before, declare)
    return list(shortened(first, parse(after, declare), TABLE, "collecting and factoring"))


def shown(found: list[Step]) -> list[tuple[str, list[str]]]:
    return [(text(s.after), [f"{text(a)} = {text(b)}" for a, b in s.uses]) for s in found]


def test_an_identity_alone_is_a_step_with_its_name() -> None:
    (step,) = steps("A'*(exp(x)/sum(exp(x)))", "A'*softmax(x)")

    assert step.by == "exponential-over-its-sum-vector"
    assert step.source == "; ".join(TABLE.rewrites[step.by].source)
    assert [f"{text(a)} = {text(b)}" for a, b in step.uses] == ["exp(x)/sum(exp(x)) = softmax(x)"]


def test_algebra_alone_has_no_identity() -> None:
    (step,) = steps("A*x + A'*x", "(A + A')*x")

    assert (step.by, step.says, step.uses) == ("collecting", "collecting and factoring", ())


def test_identities_come_before_algebra() -> None:
    found = steps("P*Y*ones(k) - 2*P*x + P*x", "P*(ones(m) - x)", "Y: onehot(m, k); P: matrix(n, m); x: vector(m)")

    assert [s.by for s in found] == ["rows-that-add-up-to-one", "collecting"]
    assert found[0].after is found[1].before


@pytest.mark.parametrize(
    ("before", "after", "declare"),
    [
        ("A*x + A'*x", "2*A*x", "A: symmetric(n)"),
        ("x'*y*z + z*y'*x", "2*x'*y*z", "x, y: vector(n); z: vector(m)"),
        ("exp(x) ./ (1 + exp(x))", "sigmoid(x)", "x: vector(n)"),
        ("inv(Q)*Q*x - x", "zeros(n)", "Q: orthogonal(n)"),
    ],
)
def test_the_steps_lead_from_one_to_the_other(before: str, after: str, declare: str) -> None:
    found = steps(before, after, declare)

    assert found[0].before is parse(before, declare)
    assert found[-1].after is parse(after, declare)
    assert all(a.after is b.before for a, b in zip(found, found[1:], strict=False))


def test_a_rewrite_that_is_left_out_is_not_used() -> None:
    e: Expr = parse("exp(x)/sum(exp(x))", "x: vector(n)")
    log = Logged(rewriter(TABLE))

    assert log(e) is parse("softmax(x)", "x: vector(n)")
    assert Logged(rewriter(TABLE), log.used)(e) is not log(e)
