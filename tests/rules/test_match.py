"""Patterns against expressions: what matches, what the variables then stand for, and what does not."""

from __future__ import annotations

import pytest
from work import counted

from matcalc import ops
from matcalc.expr import Expr, symbols
from matcalc.language.parse import parse, parse_kind
from matcalc.ops import sym
from matcalc.printing.text import text
from matcalc.rules.match import Match, match, same, transposed

PATTERN = {
    "A": "matrix(n, n)", "B": "matrix(n, k)", "X": "matrix(m, n)", "x": "vector(n)", "y": "vector(n)", "s": "scalar",
    "t": "scalar", "S": "symmetric(n)", "w": "vector(n), positive",
}  # fmt: skip
INPUT = {
    "P": "matrix(p, p)", "Q": "matrix(p, p)", "R": "matrix(p, q)", "u": "vector(p)", "v": "vector(p)", "a": "scalar",
    "b": "scalar", "H": "symmetric(p)", "r": "row(p)",
}  # fmt: skip


def find(pattern: str, expression: str) -> Match | None:
    left = parse(pattern, PATTERN)
    return match(left, parse(expression, INPUT), {v: v.data[1].facts for v in symbols(left)})  # type: ignore[index]


MATCHES = [
    ("inv(A)*x", "inv(P + Q)*u", {"A": "P + Q", "x": "u"}),
    ("exp(s)*t", "b*exp(a)", {"s": "a", "t": "b"}),
    ("x'*A*x", "u'*P*Q*u", {"A": "P*Q", "x": "u"}),
    ("X'*X", "P*P'", {"X": "P'"}),
    ("X'*X", "(P*R)'*P*R", {"X": "P*R"}),
    ("X'*X", "R'*P'*P*R", {"X": "P*R"}),
    ("exp(-s)", "exp(a)", {"s": "-a"}),
    ("exp(-s)", "exp(-2*a)", {"s": "2*a"}),
    ("1 + s", "a + 1 + b", {"s": "a + b"}),
    ("s + exp(s)", "exp(a + b) + a + b", {"s": "a + b"}),
    ("s^2", "(a + b)^2", {"s": "a + b"}),
    ("x .* exp(x)", "exp(u) .* u", {"x": "u"}),
    ("S*x", "H*u", {"S": "H"}),
    ("S*x", "(P + P')*u", {"S": "P + P'"}),
    ("x + ones(n)", "ones(p) + u", {"x": "u"}),
    ("sum(X, axis=0)", "sum(R, axis=0)", {"X": "R"}),
    ("log(w)", "log(exp(u))", {"w": "exp(u)"}),
    ("A*A", "P*Q*P*Q", {"A": "P*Q"}),
    ("A'*x", "P*u", {"A": "P'"}),
]


@pytest.mark.parametrize(("pattern", "expression", "expected"), MATCHES, ids=[f"{m[0]} in {m[1]}" for m in MATCHES])
def test_a_match_and_its_bindings(pattern: str, expression: str, expected: dict[str, str]) -> None:
    found = find(pattern, expression)

    assert found is not None
    bound = {variable.name: value for variable, value in found.bindings.items()}
    for name, value in expected.items():
        assert same(bound[name], parse(value, INPUT)), f"{name} is {text(bound[name])}"


MISSES = [
    ("inv(A)*x", "P*u"), ("exp(s)", "log(a)"), ("x'*A*x", "u'*P*v"), ("X'*X", "P*P"), ("1 + s", "2 + a"),
    ("s + exp(s)", "exp(a) + b"), ("S*x", "P*u"), ("log(w)", "log(u)"), ("A*A", "P*Q"), ("x .* y", "u"), ("x - y", "u"),
    ("sum(X, axis=0)", "sum(R, axis=1)"), ("det(A)", "a"), ("x", "a"), ("s", "u"), ("exp(s)*t", "exp(a)"), ("x", "r"),
    ("A*x", "r*P"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "expression"), MISSES)
def test_no_match(pattern: str, expression: str) -> None:
    assert find(pattern, expression) is None


def test_dimensions_are_bound() -> None:
    found = find("X*ones(n)", "R*ones(q)")

    assert found is not None
    assert {name: str(value) for name, value in found.dims.items()} == {"m": "p", "n": "q"}


def test_a_hard_search_ends() -> None:
    """Thirty terms against a pattern of six variables: gives up within the budget."""
    left = parse("+".join(f"exp(s{i})*s{i + 1}" for i in range(6)), {f"s{i}": "scalar" for i in range(7)})
    scalar = parse_kind("scalar")
    terms = [ops.mul(ops.fn("exp", sym(f"a{i}", scalar)), sym(f"b{i}", scalar)) for i in range(30)]
    found: list[object] = []
    facts = dict.fromkeys(symbols(left), frozenset())
    assert counted(lambda: found.append(match(left, ops.add(*terms), facts))) < 50_000
    assert found == [None]


def test_a_long_product_is_matched_without_trouble() -> None:
    chain = ops.mul(*(sym(f"M{i}", parse_kind("matrix(p, p)")) for i in range(400)))
    pattern = parse("A*B*inv(A)", {"A": "matrix(n, n)", "B": "matrix(n, n)"})

    found: list[object] = []
    facts = dict.fromkeys(symbols(pattern), frozenset())
    assert counted(lambda: found.append(match(pattern, chain, facts))) < 2_000
    assert found == [None]


def test_transposes_are_taken_inside() -> None:
    def of(expression: str) -> Expr:
        return transposed(parse(expression, INPUT))

    assert of("P*R") is parse("R'*P'", INPUT)
    assert of("R'") is parse("R", INPUT)
    assert of("H*P") is parse("P'*H", INPUT)
    assert of("2*H") is parse("2*H", INPUT)
    assert of("a") is parse("a", INPUT)
