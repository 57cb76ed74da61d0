"""What is said to be wrong with a claim: each case is a claim spoilt in one way."""

from __future__ import annotations

from fractions import Fraction

import pytest

import matcalc as mc
from matcalc.checking.claims import Question
from matcalc.checking.diagnosis import explain, factor_between, shapes_text
from matcalc.language.parse import parse
from matcalc.ops import div, mul, num
from matcalc.printing.text import text

KINDS = {"X": "matrix(n, d)", "w": "vector(d)", "y": "vector(n)", "B": "matrix(n, n)", "c": "scalar, positive"}
LOSS = Question(parse("c*norm2(X*w - y)^2/n", KINDS), parse("w", KINDS))
RIGHT = parse("2*c*X'*(X*w - y)/n", KINDS)


@pytest.mark.parametrize("factor", ["-1", "2", "1/2", "-3", "2/3", "n", "1/n", "d", "2*n", "c", "1/c", "-2*c", "3/d"])
def test_a_factor_is_found(factor: str) -> None:
    scalar = parse(factor, KINDS)
    claim = mul(scalar, RIGHT)
    verdict = LOSS.answer(claim)
    assert verdict.counterexample is not None
    found = factor_between(LOSS, claim, verdict.counterexample)

    assert found is not None
    assert Question(scalar).answer(found)


@pytest.mark.parametrize("claim", ["X'*y", "X'*X*w", "sin(w)", "zeros(d, 1)", "3.14159*X'*(X*w - y)"])
def test_what_is_no_factor_is_not_taken_for_one(claim: str) -> None:
    form = parse(claim, KINDS)
    verdict = LOSS.answer(form)
    assert verdict.counterexample is not None

    assert factor_between(LOSS, form, verdict.counterexample) is None


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        ("2", "there is a factor 2 too many"),
        ("1/2", "a factor 2 is missing"),
        ("-1/2", "the sign is wrong, and a factor 2 is missing"),
        ("n", "a factor 1/n is missing"),
        ("1/n", "there is a factor 1/n too many"),
        ("c", "there is a factor c too many"),
        ("1/c", "a factor c is missing"),
        ("n/2", "a factor 2/n is missing"),
    ],
)
def test_a_factor_is_said_as_a_teacher_would(factor: str, said: str) -> None:
    claim = mul(parse(factor, KINDS), RIGHT)

    assert explain(LOSS, claim, LOSS.answer(claim).counterexample, text) == [said]


def test_a_transposed_claim_may_have_a_factor_too() -> None:
    question = Question(parse("tr(B*A)", {**KINDS, "A": "matrix(n, n)"}), parse("A", {"A": "matrix(n, n)"}))
    claim = parse("-2*B", KINDS)
    found = explain(question, claim, question.answer(claim).counterexample, text)

    assert found == ["the claim is transposed", "the sign is wrong, and there is a factor 2 too many"]


def test_a_row_for_a_column_may_have_a_factor_too() -> None:
    claim = parse("c*(X*w - y)'*X/n", KINDS)

    assert explain(LOSS, claim, None, text) == [
        "the claim is in numerator layout; the layout in force is gradient (--layout numerator)",
        "a factor 2 is missing",
    ]


def test_a_claim_of_a_shape_that_nothing_explains_is_left_alone() -> None:
    assert explain(LOSS, parse("X", KINDS), None, text) == []
    assert shapes_text(LOSS, parse("X", KINDS)) == "the gradient is d x 1; the claim is n x d"


def test_numbers_are_written_exactly() -> None:
    third = div(num(1), num(3))

    assert third.data == Fraction(1, 3)
    assert explain(LOSS, mul(third, RIGHT), LOSS.answer(mul(third, RIGHT)).counterexample, text) == [
        "a factor 3 is missing"
    ]


@pytest.mark.parametrize(
    ("function", "wrt", "claim", "said"),
    [
        ("norm2(A*x - b)^2", "x", "2*A'*(A*x + b)", "the sign of b is wrong"),
        ("x'*A*x", "x", "A*x - A'*x", "the sign of -A'*x is wrong"),
        ("a'*inv(X)*b", "X", "-inv(X)*a*b'*inv(X)", "inv(X) should be transposed"),
        ("mean((X*w - y).^2)", "w", "2*X'*(X*w - y)/d", "a factor d/n is missing"),
        ("mean((X*w - y).^2)", "w", "X'*(X*w - y)/d", "a factor 2*d/n is missing"),
        ("mean((X*w - y).^2)", "w", "-2*X'*(X*w - y)/d", "the sign is wrong, and a factor d/n is missing"),
    ],
)
def test_one_part_that_is_wrong(function: str, wrt: str, claim: str, said: str) -> None:
    declare = {"X": "matrix(n, d)"} if wrt == "w" else {"a": "vector(n)", "b": "vector(n)"} if wrt == "X" else None
    assert mc.check(function, wrt, claim, declare).diagnosis == (said,)


def test_what_no_change_of_one_part_mends_is_left_alone() -> None:
    assert mc.check("x'*A*x", "x", "A*A*x + x").diagnosis == ()
