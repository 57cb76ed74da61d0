"""Kinds, facts and dimensions as they are typed."""

from __future__ import annotations

import pytest

from matcalc.errors import DeclarationError, LimitError, MatcalcError, UnsupportedError
from matcalc.kinds import ELEMENTWISE, Kind
from matcalc.language.parse import parse_declarations, parse_kind, read
from matcalc.shapes import ONE, Dim

N = Dim.of("n")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("scalar", Kind("scalar")),
        ("integer", Kind("scalar", facts=frozenset({"integer"}))),
        ("vector(n)", Kind("vector", N, ONE)),
        ("row(n)", Kind("row", ONE, N)),
        ("matrix(n, 1)", Kind("matrix", N, ONE)),
        ("matrix(k*n, n + 2)", Kind("matrix", Dim.of("k") * N, N + 2)),
        ("matrix(2*(n - 1), 3)", Kind("matrix", N * 2 - 2, Dim.of(3))),
        ("symmetric(n)", Kind("matrix", N, N, frozenset({"symmetric"}))),
        ("matrix(n, n), symmetric", Kind("matrix", N, N, frozenset({"symmetric"}))),
        ("spd(n)", Kind("matrix", N, N, frozenset({"spd"}))),
        ("onehot(n)", Kind("vector", N, ONE, frozenset({"onehot"}))),
        ("onehot(n, 4)", Kind("matrix", N, Dim.of(4), frozenset({"onehot"}))),
        ("simplex(n)", Kind("vector", N, ONE, frozenset({"simplex"}))),
        ("unit(n)", Kind("vector", N, ONE, frozenset({"unit"}))),
        ("vector(n), positive", Kind("vector", N, ONE, frozenset({"positive"}))),
        ("matrix(n, n), invertible, nonnegative", Kind("matrix", N, N, frozenset({"invertible", "nonnegative"}))),
        ("scalar, positive", Kind("scalar", facts=frozenset({"positive"}))),
        ("function", ELEMENTWISE),
        ("function(vector(n)) -> scalar", Kind("function", args=(Kind("vector", N, ONE),), result=Kind("scalar"))),
        (
            "function(matrix(n, 3), row(n)) → vector(2*n)",
            Kind(
                "function",
                args=(Kind("matrix", N, Dim.of(3)), Kind("row", ONE, N)),
                result=Kind("vector", N * 2, ONE),
            ),
        ),
    ],
)
def test_kinds_are_read_and_written(text: str, kind: Kind) -> None:
    assert parse_kind(text) == kind
    assert parse_kind(kind.text()) == kind


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "empty"),
        ("symetric(n)", 0, "did you mean symmetric"),
        ("symmetric(n, m)", 0, "takes 1 dimension, not 2"),
        ("matrix(n)", 0, "takes 2 dimensions, not 1"),
        ("scalar(n)", 0, "takes no dimensions, not 1"),
        ("vector", 0, "takes 1 dimension, not 0"),
        ("onehot(n, k, m)", 0, "onehot(N, K)"),
        ("vector(0)", 7, "at least 1"),
        ("vector(-3)", 7, "at least 1"),
        ("vector(n/2)", 7, "not a dimension"),
        ("vector(1.5)", 7, "not a dimension"),
        ("vector(f(n))", 7, "not a dimension"),
        ("matrix(m, n), invertible", 14, "does not apply"),
        ("matrix(m, n), symmetric", 14, "does not apply"),
        ("vector(n), fullrank", 11, "does not apply"),
        ("vector(n), positiv", 11, "did you mean positive"),
        ("vector(n) -> vector(m)", 13, "only a function"),
        ("function(vector(n))", 0, "a result"),
        ("function -> scalar", 0, "argument kinds"),
        ("function(foo) -> scalar", 9, "foo is not a kind"),
        ("function(vector(n)) -> scalar, positive", 31, "no facts"),
        ("vector(n", 6, "never closed"),
        ("2", 0, "not a kind"),
    ],
)
def test_wrong_kinds_are_refused_with_their_place(text: str, position: int, said: str) -> None:
    with pytest.raises(MatcalcError) as caught:
        parse_kind(text)

    assert said in str(caught.value)
    assert (caught.value.position, caught.value.text) == (position, text)


@pytest.mark.parametrize(
    "text", ["complex", "hermitian(n)", "unitary(n)", "matrix(n, n), hermitian", "complex vector(n)"]
)
def test_complex_kinds_are_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedError, match="complex variables"):
        parse_kind(text)


def test_dimensions_have_limits() -> None:
    for text in ("vector(10^9)", "vector(" + "9" * 40 + ")", "vector(" + "*".join(["n"] * 100) + ")"):
        with pytest.raises((LimitError, DeclarationError)):
            parse_kind(text)


def test_declarations_are_text_or_a_mapping() -> None:
    expected = {"A": parse_kind("symmetric(n)"), "x": parse_kind("vector(n)"), "lambda": parse_kind("scalar")}

    assert parse_declarations("A: symmetric(n); x: vector(n)\nλ: scalar  # weight") == expected
    assert parse_declarations({"A": "symmetric(n)", "x": parse_kind("vector(n)"), "λ": "scalar"}) == expected
    assert parse_declarations("x, y: vector(n)") == dict.fromkeys("xy", parse_kind("vector(n)"))
    assert parse_declarations(None) == parse_declarations("") == parse_declarations(" ; \n") == {}


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        ("A: matrix(n, n); A: matrix(m, n)", "declared twice"),
        ("A = 3", "not a declaration"),
        ("A", "not a declaration"),
        ({"2x": "scalar"}, "not a name"),
        ({"a b": "scalar"}, "not a name"),
        ({"x": "vektor(n)"}, "did you mean vector"),
        ({"λ": "scalar", "lambda": "vector(n)"}, "declared twice"),
        ({"eye": "function"}, "constant of the language"),
    ],
)
def test_wrong_declarations_are_refused(declare: str | dict[str, str], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        parse_declarations(declare)


def test_repeating_a_declaration_is_no_contradiction() -> None:
    assert list(parse_declarations("A: spd(n); A: spd(n)")) == ["A"]


def test_an_array_is_not_a_dimension() -> None:
    with pytest.raises(DeclarationError, match="used as a dimension"):
        read("x'*x", "n: vector(k); x: vector(n)")


def test_a_program_must_agree_with_the_declarations() -> None:
    with pytest.raises(DeclarationError, match="declared twice"):
        read("A: matrix(m, n)\nsum(A)", "A: matrix(n, n)")
