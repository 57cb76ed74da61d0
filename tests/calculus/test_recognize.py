"""Known gradients: which entries of the table an expression is an instance of, and that they decide nothing."""

from __future__ import annotations

from typing import Any

import pytest

import matcalc
from matcalc.calculus.recognize import Recognizer, recognizer
from matcalc.expr import symbols
from matcalc.language.parse import parse, read
from matcalc.rules.table import default_table, load_user


def found(f: str, wrt: str, declare: Any = None) -> list[str]:
    e = read(f, declare).function
    x = next(s for s in symbols(e) if s.name == wrt)
    return [known.entry.id for known in recognizer(default_table())(e, x)]


VECTORS = dict.fromkeys(("a", "b", "x", "p"), "vector(n)") | {"A": "matrix(n, n)", "X": "matrix(n, n)"}


@pytest.mark.parametrize(
    ("f", "wrt", "entry"),
    [
        ("x'*A*x", "x", "quadratic-form"),
        ("p'*(A*B + C')*p", "p", "quadratic-form"),
        ("p'*(A*B)*p", "p", "quadratic-form"),
        ("a'*X*b", "X", "bilinear-form-by-matrix"),
        ("tr(A*X*B)", "X", "trace-of-two-sided-product"),
        ("logdet(X)", "X", "log-determinant"),
        ("norm2(A*x - b)^2", "x", "squared-norm-of-residual"),
        ("norm2(x)^2", "x", "squared-euclidean-norm"),
        ("a'*inv(X)*b", "X", "bilinear-in-inverse"),
    ],
)
def test_an_instance_of_a_known_form(f: str, wrt: str, entry: str) -> None:
    assert entry in found(f, wrt, VECTORS)


@pytest.mark.parametrize(
    ("f", "wrt"),
    [
        ("x'*A*a", "A"),  # x and a are others: a bilinear form, see below
        ("x'*(x*x')*x", "x"),  # the middle is not constant
        ("norm2((x*x')*x - b)^2", "x"),
        ("logdet(X*X)", "X"),
        ("x'*A*(x + b)", "x"),
    ],
)
def test_the_other_variables_stand_for_constants(f: str, wrt: str) -> None:
    ids = found(f, wrt, VECTORS)

    assert not {"quadratic-form", "squared-norm-of-residual", "log-determinant"} & set(ids)


def test_declared_facts_must_be_known() -> None:
    plain = found("x'*A*x", "x", {"A": "matrix(n, n)"})
    symmetric = found("x'*A*x", "x", {"A": "symmetric(n)"})

    assert "symmetric-quadratic-form" not in plain
    assert symmetric[0] == "symmetric-quadratic-form"


def test_only_entries_with_the_functions_that_occur_are_read() -> None:
    recognize = Recognizer(default_table())
    e = parse("x'*A*x")
    candidates = recognize.candidates(e)

    assert candidates
    assert all(entry.f.op == "mul" for entry in candidates)
    assert not any(name in str(entry.fields["f"]) for entry in candidates for name in ("logdet", "inv(", "norm2"))


def test_a_part_that_is_known_is_cited_up_to_a_constant_factor() -> None:
    d = matcalc.derive("c/2*x'*A*x - sum(log(x))", "x", {"c": "scalar"})
    by = [s.by for s in d.steps]

    assert "quadratic-form" in by
    assert "logarithm" in by
    assert "quadratic-form" not in [s.by for s in matcalc.derive("x'*A*x", "x", first_principles=True).steps]


def test_recognition_goes_into_scalar_parts() -> None:
    assert "quadratic-form" in [s.by for s in matcalc.derive("log(x'*A*x)", "x").steps]


def test_a_known_gradient_decides_nothing(tmp_path: Any) -> None:
    """A wrong entry for a product of traces is neither used nor cited."""
    file = tmp_path / "mine.toml"
    entry = """
[twice-wrong]
let      = ["a: vector(n)", "x: vector(n)"]
f        = "(a'*x)^2"
wrt      = "x"
gradient = "{}*(a'*x)*a"
source   = ["test"]
"""
    for factor, cited in ((2, True), (3, False)):
        file.write_text(entry.format(factor), encoding="utf-8")
        d = matcalc.derive("(a'*x)^2", "x", {"a": "vector(n)"}, table=load_user(file))

        assert d.text() == "2*(a'*x)*a"
        assert ("twice-wrong" in [s.by for s in d.steps]) == cited
