"""Differences stand one way round in an answer, as they were typed where that is no longer."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.language.parse import parse
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.orientation import difference, oriented
from matcalc.simplifier.simplify import Simplifier

KINDS = {
    "A": "matrix(n, n)", "S": "spd(n)", "X": "matrix(m, n)", "x": "vector(n)", "y": "vector(n)", "z": "vector(n)",
    "mu": "vector(n)", "b": "vector(m)", "s": "scalar", "t": "scalar",
}  # fmt: skip


@pytest.mark.parametrize(
    ("e", "typed", "wanted"),
    [
        ("(mu - x)*(mu - x)'", "norm2(x - mu)", "(x - mu)*(x - mu)'"),  # in pairs
        ("norm2(mu - x)^2*(x - mu)", "x", "norm2(x - mu)^2*(x - mu)"),  # one way, though neither was typed
        ("inv(A - s*eye(n))^2", "inv(s*eye(n) - A)", "inv(s*eye(n) - A)^2"),  # inside of an inverse
        ("-tanh(y - x)", "x - y", "tanh(x - y)"),  # odd functions
        ("cos(y - x) .* z", "x - y", "cos(x - y) .* z"),  # even ones
        ("exp(-z'*(x - y))", "y - x", "exp(z'*(y - x))"),
        ("exp(z'*(x - y))", "y - x", "exp(z'*(x - y))"),  # never longer
        ("(y - x)*s", "x - y", "s*(y - x)"),
        ("A*(y - x) + norm2(x - y)*z", "x - y", "norm2(x - y)*z - A*(x - y)"),  # twice: as typed
        ("tanh(z .* (x - y)) + S*(y - x)", "x - y", "tanh(z .* (x - y)) - S*(x - y)"),
        ("2*A*(y - x) + z", "x - y", "2*A*(y - x) + z"),  # once: with fewer signs
        ("X'*(b - X*x)/norm2(X*x - b)", "norm2(X*x - b)", "X'*(b - X*x)/norm2(b - X*x)"),
        ("(S - X'*X)'", "S", "S - X'*X"),
    ],
)  # fmt: skip
def test_orientation(e: str, typed: str, wanted: str) -> None:
    short = Simplifier(rewriter(default_table()))
    before = short(parse(e, KINDS))

    after = oriented(before, [parse(typed, KINDS)], short)

    assert text(after) == text(oriented(short(parse(wanted, KINDS)), [parse(typed, KINDS)], short))
    assert after is parse(wanted, KINDS) or text(after) == wanted
    assert length(after) <= length(before)
    assert mc.check(text(after), equals=text(before), declare=KINDS)


def test_a_difference_and_its_opposite_have_one_key() -> None:
    one, other = difference(parse("x - 2*y", KINDS)), difference(parse("2*y - x", KINDS))

    assert one.key == other.key
    assert one.forward is not other.forward


def test_a_residual_keeps_its_sign_throughout_an_answer() -> None:
    kinds = {"S": "spd(n)", "x": "vector(n)", "mu": "vector(n)", "v": "scalar"}
    f = "-(v + n)/2*log(1 + (x - mu)'*inv(S)*(x - mu)/v) - 1/2*logdet(S)"

    assert "mu - x" not in mc.derive(f, "S", kinds).text()
    assert "x - mu" not in mc.derive(f.replace("x - mu", "mu - x"), "S", kinds).text()


def test_a_row_is_subtracted_from_every_row() -> None:
    kinds = {"X": "matrix(n, p)", "mu": "vector(p)", "S": "spd(p)"}
    d = mc.derive("-1/2*tr((X - mu')*inv(S)*(X - mu')')", "mu", kinds)

    assert d.text() == "inv(S)*(X - mu')'*ones(n)"


def test_adjoints_of_programs_too() -> None:
    d = mc.derive("r = x - mu\nL = log(1 + (x - mu)'*inv(S)*(x - mu)) + norm2(r)^2", wrt="S", declare={"S": "spd(n)"})

    assert "mu - x" not in d.text()
