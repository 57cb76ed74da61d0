"""The pipeline: what it takes, what it gives, what it refuses, and how it bears large input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matcalc.answers.derive import derive
from matcalc.errors import InputError, MatcalcError, UnknownName, UnsupportedError
from matcalc.language.parse import parse


def test_everything_of_a_gradient() -> None:
    d = derive("x'*A*x", "x", {"A": "matrix(n, n)"})

    assert d.text() == "(A + A')*x"
    assert d.shape == ("n",)
    assert d.kinds == {"x": "vector(n)", "A": "matrix(n, n)"}
    assert parse(d.text(), d.kinds) is d.answer
    assert d.verify()
    a, x = np.arange(9.0).reshape(3, 3), np.array([1.0, -2.0, 0.5])
    assert np.allclose(d.function()(x=x, A=a), (a + a.T) @ x)
    assert json.loads(json.dumps(d.json()))["answers"]["x"]["text"] == "(A + A')*x"


def test_several_variables() -> None:
    d = derive("norm2(A*x - b)^2", ["x", "b"])

    assert d["b"].text() == "2*(b - A*x)"
    assert set(d.answers) == {"x", "b"}
    assert d.verify()


def test_the_layout_transposes_what_is_shown_and_leaves_code_alone() -> None:
    plain, turned = (derive("a'*X*b", "X", {"a": "vector(m)", "b": "vector(n)"}, layout=w) for w in LAYOUTS)

    assert (plain.text(), turned.text()) == ("a*b'", "b*a'")
    assert plain.source() == turned.source()


LAYOUTS = ("gradient", "numerator")


@pytest.mark.parametrize(
    ("structure", "expected"), [("auto", "(A + A')/2"), ("tied", "A + A' - A .* eye(n)"), ("free", "A'")]
)
def test_symmetric_variables(structure: str, expected: str) -> None:
    d = derive("tr(A*X)", "X", {"X": "symmetric(n)"}, structure=structure)

    assert d.answer is parse(expected, d.kinds) or d.verify()
    assert d.verify()


def test_facts_of_the_variable_are_not_used_while_differentiating() -> None:
    assert derive("tr(Q'*Q)", "Q", {"Q": "orthogonal(n)"}).text() == "2*Q"
    assert derive("sum(p)^2", "p", {"p": "simplex(n)"}).text() != "zeros(n)"


@pytest.mark.parametrize(
    ("f", "wrt", "options", "error"),
    [
        ("x'*x", "z", {}, UnknownName),
        ("x'*x", "", {}, InputError),
        ("x'*x", "x", {"layout": "sideways"}, InputError),
        ("x'*x", "x", {"structure": "loose"}, InputError),
        ("f(x)", "f", {"declare": {"f": "function"}}, UnsupportedError),
        ("x^k", "k", {"declare": {"x": "scalar", "k": "integer"}}, UnsupportedError),
        ("A*x", "x", {"order": 2}, UnsupportedError),
        ("sum(trigamma(x))", "x", {}, UnsupportedError),
    ],
)
def test_refusals(f: str, wrt: str, options: dict, error: type[MatcalcError]) -> None:  # type: ignore[type-arg]
    with pytest.raises(error):
        derive(f, wrt, **options)


def test_long_sums_deep_calls_and_shared_names_are_borne() -> None:
    long = derive(" + ".join(f"sin({i}*y)" for i in range(1500)), "y", {"y": "scalar"})
    deep = derive("sin(" * 2000 + "y" + ")" * 2000, "y", {"y": "scalar"})
    shared = derive("x'*y" + " + x'*y" * 10_000, "x")

    assert any("not searched" in note for note in long.notes)
    assert len(deep.text()) < 200_000
    assert shared.text() == "10001*y"


@pytest.mark.parametrize(
    ("f", "wrt", "declare"),
    [
        ("sum(ones(n)*x')", "x", "x: vector(m)"),
        ("sum(eye(n)*3)*s", "s", "s: scalar"),
        ("sum(ones(n)*x'*n)", "x", "x: vector(m)"),
        ("s*n", "s", "n: integer; s: scalar"),
    ],
)
def test_kinds_know_dimensions_that_no_kind_mentions(f: str, wrt: str, declare: str) -> None:
    d = derive(f, wrt, declare)
    assert parse(d.text(), d.kinds) is d.answer
    assert parse(f, d.kinds) is d.loss
