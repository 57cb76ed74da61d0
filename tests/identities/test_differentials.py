"""Every differential: right in numbers, for scalars and for arrays, with the conditions and kinks it states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.language.parse import parse, parse_kind
from matcalc.numeric.verify import verify_differential
from matcalc.printing.text import text
from matcalc.rules.entries import Differential
from matcalc.rules.identity_verification import verify_entry
from matcalc.rules.linear import nonlinear_node
from matcalc.rules.table import default_table

ENTRIES: dict[str, Differential] = dict(default_table().differentials)


def test_there_is_one_for_every_operation() -> None:
    """But for what is differentiated by structure (index sums, undefined functions), constant, or only an answer."""
    named = set(ops._PLAIN) | set(ops._WITH_DATA)
    covered = {entry.of.op for entry in ENTRIES.values()}

    assert named - covered <= {"isum", "ufn", "unit", "d", "tensor", "unstacked", "mapped"}
    assert covered <= named


@pytest.mark.parametrize("name", ENTRIES)
def test_it_agrees_with_differences(name: str) -> None:
    verdict = verify_entry(ENTRIES[name])

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", ENTRIES)
def test_its_parts_add_up(name: str) -> None:
    """The parts by variable are the differential with the other differentials at zero."""
    entry = ENTRIES[name]
    parts = list(entry.parts.values())

    if not parts:
        assert entry.fields["d"] == "0"
        return
    assert nonlinear_node(entry.d, entry.differentials.values()) is None
    verdict = verify_differential(entry.of, ops.add(*parts), entry.differentials)
    assert verdict, str(verdict)


CASES = [
    ("power", "X .^ 3", "3*X.^2 .* dX", {"X": "matrix(m, n)"}, {"X"}),
    ("power", "w .^ s", "s*w.^(s - 1) .* dw", {"w": "vector(n), positive", "s": "scalar"}, {"w"}),
    ("power", "w .^ s", "log(w) .* w.^s*ds", {"w": "vector(n), positive", "s": "scalar"}, {"s"}),
    ("power", "w .^ v", "log(w) .* w.^v .* dv", {"w": "vector(n), positive", "v": "vector(n)"}, {"v"}),
    ("logarithm", "log(X)", "dX ./ X", {"X": "matrix(m, n)"}, {"X"}),
    ("sigmoid", "sigmoid(r)", "sigmoid(r) .* (1 - sigmoid(r)) .* dr", {"r": "row(n)"}, {"r"}),
    ("norm2", "norm2(r)", "sum(r .* dr)/norm2(r)", {"r": "row(n)"}, {"r"}),
    ("prod", "prod(r)", "prod(r)*sum(dr ./ r)", {"r": "row(n)"}, {"r"}),
    ("largest-entry", "max(v)", "sum((v >= max(v)) .* dv)/sum(v >= max(v))", {"v": "vector(n)"}, {"v"}),
    ("larger", "max(v, 0)", "(v >= 0) .* dv", {"v": "vector(n)"}, {"v"}),
    ("adj", "adj(A)", "tr(adj(A)*dA)*inv(A) - inv(A)*dA*adj(A)", {"A": "matrix(n, n)"}, {"A"}),
    ("product", "A*B", "dA*B + A*dB", {"A": "matrix(m, k)", "B": "matrix(k, p)"}, {"A", "B"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "of", "d", "kinds", "moving"), CASES, ids=[case[1] for case in CASES])
def test_it_is_filled_in_for_other_arguments(
    name: str, of: str, d: str, kinds: dict[str, str], moving: set[str]
) -> None:
    node = parse(of, kinds)
    entry = default_table().differential(node)
    assert entry is not None
    assert entry.id == name
    bound = entry.bind(node)
    assert bound is not None
    own = {f"d{v}": replace(parse_kind(kinds[v]), facts=frozenset()) for v in moving}
    along: dict[Expr, Expr] = {}
    filled: list[Expr] = []
    for variable, argument in bound[0].items():
        if argument.op == "sym" and argument.name in moving:
            dx = ops.sym("d" + argument.name, own["d" + argument.name])
            along[argument] = dx
            filled.append(entry.fill(entry.parts[variable], node, {entry.differentials[variable]: dx}))

    total = ops.add(*filled)
    assert verify_differential(node, total, along)
    expected = parse(d, {**kinds, **{name: kind.text() for name, kind in own.items()}})
    assert verify_differential(node, expected, along)
    assert total.shape == expected.shape == node.shape


def test_an_index_of_the_table_does_not_capture_one_of_the_input() -> None:
    """In sum(r in 0..2, tr((r*A)^k)) the table's own r becomes another letter."""
    kinds = {"A": "matrix(n, n)", "k": "integer"}
    node = next(n for n in topological(parse("sum(r in 0..2, tr((r*A)^k))", kinds)) if n.op == "matpow")
    entry = ENTRIES["matrix-power"]
    dx = ops.sym("dX", parse_kind("matrix(n, n)"))
    (variable,) = entry.parts

    filled = entry.fill(entry.parts[variable], node, {entry.differentials[variable]: dx})

    assert filled.op == "isum"
    assert filled.args[0] is not ops.idx("r")
    assert ops.idx("r") in topological(filled)


def conditions(expression: str, *active: int, **kinds: str) -> list[str]:
    node = parse(expression, kinds)
    entry = default_table().differential(node)
    assert entry is not None
    found = entry.conditions(node, [node.args[i] for i in active] if active else None)
    return [f"{text(c.subject)} {c.predicate}" for c in found]


def test_conditions_are_those_of_the_arguments_that_move() -> None:
    kinds = {"x": "vector(n)", "s": "scalar", "t": "scalar", "A": "matrix(n, n)"}

    assert conditions("log(x)", **kinds) == ["x > 0"]
    assert conditions("inv(A)", **kinds) == ["A is invertible"]
    assert conditions("logdet(A)", **kinds) == ["det(A) > 0"]
    assert conditions("x .^ 3", 0, **kinds) == []
    assert conditions("x .^ -1", 0, **kinds) == ["x != 0"]
    assert conditions("s^(1/2)", 0, **kinds) == ["s > 0", "s != 0"]
    assert conditions("s^t", 0, **kinds) == ["s > 0", "s != 0"]
    assert conditions("s^t", 1, **kinds) == ["s > 0"]
    assert conditions("log1p(x)", **kinds) == ["1 + x > 0"]
    assert conditions("exp(x)", **kinds) == []


def test_a_condition_falls_away_for_a_declared_integer() -> None:
    node = parse("s^k", {"s": "scalar", "k": "integer"})
    (first, second) = ENTRIES["power"].conditions(node, [node.args[0]])

    assert first.unless is not None
    assert first.unless[1] == "integer"
    assert second.predicate == "!= 0"


def test_kinks_are_stated_for_the_arguments() -> None:
    node = parse("max(0, 1 - y)", {"y": "vector(n)"})
    entry = default_table().differential(node)
    assert entry is not None
    (kink,) = entry.kinks_of(node)

    assert kink.right is node.args[1]
    assert not kink.jump
    (jump,) = ENTRIES["sign"].kinks_of(parse("sign(y)", {"y": "vector(n)"}))
    assert jump.jump


def test_a_frechet_derivative_has_a_derivative_by_both_arguments() -> None:
    entry = ENTRIES["matrix-exponential-derivative"]

    assert not entry.fixed
    assert {v.name for v in entry.parts} == {"A", "E"}


def test_an_integer_exponent_does_not_move() -> None:
    assert [v.name for v in ENTRIES["matrix-power"].parts] == ["A"]
