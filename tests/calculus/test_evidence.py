"""What is said to have been done between two forms: the identities hold, and the right ones are found."""

from __future__ import annotations

import pytest

from matcalc.calculus.evidence import _RULES, _read, alike, identities, in_words, leaves
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.text import text

KINDS = (
    "x: vector(n); y: vector(n); w: vector(n); c: vector(n); A: matrix(m, n); B: matrix(m, n); M: matrix(n, n); "
    "X: matrix(m, n); s: scalar; t: scalar"
)


def both(before: str, after: str) -> tuple:
    return parse(before, KINDS), parse(after, KINDS)


@pytest.mark.parametrize("pair", [rule[1:] for rule in _RULES], ids=" = ".join)
def test_every_identity_holds(pair: tuple[str, str]) -> None:
    assert verify_equal(*_read(*pair))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("A*diag(c)*x", "A*(c .* x)", ["diag(u)*x = u .* x"]),
        ("ones(1, m)*A", "sum(A, axis=0)", ["ones(1, m)*A = sum(A, axis=0)"]),
        ("A*ones(n)", "sum(A, axis=1)", ["A*ones(n) = sum(A, axis=1)"]),
        ("tr(A'*B)", "sum(A .* B)", ["tr(A'*B) = sum(A .* B)"]),
        ("sum(x .* (A'*A*y))", "x'*A'*A*y", ["sum(u .* v) = u'*v"]),
        ("(x .* y .* x)", "x.^2 .* y", ["u .* u = u.^2"]),
        ("det(M)*inv(M)", "adj(M)", ["det(S)*inv(S) = adj(S)"]),
        ("x/norm2(x)^2", "x/(x'*x)", ["norm2(x)^2 = x'*x"]),
        ("inv(X'*X)*X'*X*y", "y", ["inv(S)*S = eye(n)"]),
        ("(s*ones(m)*ones(1, n)) .* A", "s*A", ["ones(m, n) .* A = A"]),
        ("M*M*x + s*x", "M^2*x + s*x", ["S*S = S^2"]),
        ("A*x + A*y", "A*(x + y)", []),
        ("sigmoid(x) .* (1 - sigmoid(x)) .* (M*y)", "diag(sigmoid(x) .* sigmoid(-x))*M*y", [
            "u .* (M*x) = diag(u)*M*x", "1 - sigmoid(s) = sigmoid(-s)",
        ]),
    ],
)
def test_what_is_gone_and_what_has_come(before: str, after: str, found: list[str]) -> None:
    assert [f"{text(a)} = {text(b)}" for a, b in identities(*both(before, after))] == found


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("-2*(x - y)", "2*(y - x)", ["the sign taken into the difference"]),
        ("(s < t)*x", "(s <= t)*x", ["equal but at the kink, where either value will do"]),
        ("(0 < s - t)*x", "(t < s)*x", ["inequalities rearranged"]),
        ("s*x/norm2(x)^2*norm2(x)", "s*x/norm2(x)", ["powers put together"]),
        ("logm_frechet(M, M)", "eye(n)", [
            "where the matrices commute, the Frechet derivative is the derivative times the direction"
        ]),
        ("x + y", "y + x", []),
    ],
)  # fmt: skip
def test_what_is_said_in_words(before: str, after: str, words: list[str]) -> None:
    assert in_words(*both(before, after)) == words


def test_order_and_brackets_do_not_make_another_form() -> None:
    assert alike(*both("(x'*M*x/(x'*x))*x", "(x'*M*x)*x/(x'*x)"))
    assert alike(*both("-x .* (M*y)", "-((M*y) .* x)"))
    assert not alike(*both("-2*(x - y)", "2*(y - x)"))
    assert not alike(*both("s*x + s*y", "s*(x + y)"))
    assert not alike(*both("M*M'*x", "M'*M*x"))


def test_leaves_are_counted_without_signs() -> None:
    assert leaves(both("-2*(x - y)", "x")[0]) == leaves(both("2*(y - x)", "x")[0])
    assert leaves(both("x/2 - y/2", "x")[0]) != leaves(both("(x - y)/2", "x")[0])
