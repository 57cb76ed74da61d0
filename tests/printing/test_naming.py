"""Long answers name what repeats: shorter, and still the same expression when they are read back."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest

import matcalc as mc
from matcalc.expr import topological
from matcalc.language.parse import parse
from matcalc.printing.measure import length
from matcalc.printing.naming import named
from matcalc.printing.text import program, text

DECLARED = """A, B: matrix(n, n); X: matrix(m, n); W: matrix(k, m); x, y: vector(n); b: vector(m); u: vector(k)
s: function"""
LONG = [
    ("x'*A*x/(x'*B*x) + log(x'*A*x)*exp(x'*B*x)", "x"),
    ("u'*sigmoid((W*sin(X*x - b)) .* (W*tanh(X*x - b)))", "x"),
    ("u'*sigmoid((W*sin(X*x - b)) .* (W*tanh(X*x - b)))", "W"),
    ("sum(abs(kron(A, X*X')*kron(y, b)))", "X"),
    ("sum(i, log(1 + exp(x[i]*sum(j, exp(x[j]*y[i])))))", "x"),
    ("norm2(s(X*x - b))^3*log(norm2(s(X*x - b))) + sum(s(X*x - b).^4)", "x"),
    ("logdet(A'*A + B)*tr(inv(A'*A + B)*B) + exp(tr(inv(A'*A + B)))", "A"),
    ("sin(" * 30 + "c" + ")" * 30, "c"),
]
CASES = {
    f"{file.stem}/{name}": case
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
}


@pytest.mark.parametrize(("function", "name"), LONG, ids=[f"{f[:40]}-{n}" for f, n in LONG])
def test_definitions_make_the_answer_shorter_and_are_read_back(function: str, name: str) -> None:
    d = mc.derive(function, wrt=name, declare=DECLARED)
    definitions, (short,) = named([d.answer], d.kinds)

    assert definitions
    assert sum(length(e) + 2 for _, e in definitions) + length(short) < length(d.answer)
    assert parse(program(definitions, [(None, short)]), d.kinds) is d.answer
    assert not {name for name, _ in definitions} & set(d.kinds)


def test_every_long_answer_of_the_corpus_is_read_back() -> None:
    found = 0
    for name, case in CASES.items():
        d = mc.derive(case["f"], wrt=case["wrt"], declare=case.get("declare"))
        if length(d.answer) < 25:
            continue
        definitions, (short,) = named([d.answer], d.kinds)
        found += bool(definitions)
        assert parse(program(definitions, [(None, short)]), d.kinds) is d.answer, name
        assert parse(d.text(), d.kinds) is d.answer, name
    assert found > 5


def test_a_product_inside_a_longer_one_has_its_name_there_too() -> None:
    e = parse("log(x'*A*x) + 1/(x'*A*x + 1) + sin(x'*A*x) + x'*A*x/c^2", "x: vector(n); A: matrix(n, n); c: scalar")

    assert text(named([e], ["x", "A", "c"])[1][0]) == "log(s) + 1/(s + 1) + sin(s) + s/c^2"


def test_names_avoid_those_in_use_and_fit_their_values() -> None:
    e = parse(
        "softmax(X*x - b)'*log(softmax(X*x - b)) + sum(exp(X*x - b)) + norm2(X*x - b)",
        "X: matrix(r, n); x: vector(n); b: vector(r)",
    )
    definitions, _ = named([e], ["X", "x", "b", "u"])

    assert [name for name, _ in definitions] == ["v"]
    assert [name for name, _ in named([e], ["X", "x", "b", *"abcdefghijklmnopqrstuvwxyz", "t1"])[0]] == ["t2"]


def test_short_answers_are_left_alone() -> None:
    d = mc.derive("sum(exp(A*x) .* sin(A*x))", wrt="x", declare="A: matrix(n, n)")

    assert named([d.answer], d.kinds, limit=200) == ((), [d.answer])
    assert d.definitions == ()
    assert d.text() == text(d.answer)


def test_what_depends_on_a_bound_index_has_no_name() -> None:
    e = parse("sum(i, exp(x[i]*y[i])*sin(exp(x[i]*y[i]))*cos(exp(x[i]*y[i])))", "x, y: vector(n)")

    assert named([e], ["x", "y"]) == ((), [e])


def test_the_derivation_prints_a_program() -> None:
    d = mc.derive("u'*sigmoid((W*sin(X*x - b)) .* (W*tanh(X*x - b)))", wrt="x, W", declare=DECLARED)
    names = [name for name, _ in d.definitions]

    assert names
    assert d.text().splitlines()[-2].startswith("dx = ")
    assert d.text().splitlines()[: len(names)] == [f"{name} = {text(e)}" for name, e in d.definitions]
    assert parse(d.text(), d.kinds) is d["W"].answer
    assert list(d.json()["definitions"]) == names
    assert d.json()["answers"]["W"]["text"] == d.text().splitlines()[-1].removeprefix("dW = ")
    assert d.latex().startswith("\\begin{aligned}")
    assert d.pretty().count("\n") == d.text().count("\n")


def test_the_answer_stays_written_out() -> None:
    d = mc.derive("sin(" * 30 + "c" + ")" * 30, wrt="c")

    assert d.definitions
    assert not {n.name for n in topological(d.answer) if n.op == "sym"} - {"c"}
    assert parse(d.text(), d.kinds) is d.answer


def test_five_thousand_nested_calls_are_named_in_linear_size() -> None:
    e = mc.derive("sin(" * 5000 + "c" + ")" * 5000, wrt="c").answer
    start = time.process_time()
    definitions, (short,) = named([e], ["c"])
    shown = program(definitions, [(None, short)])

    assert length(e) > 12_000_000
    assert len(shown) < 200_000
    assert time.process_time() - start < 2
