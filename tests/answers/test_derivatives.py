"""Which derivative is asked for."""

from __future__ import annotations

import inspect

import pytest

import matcalc
from matcalc.answers.formal import FormalDerivation
from matcalc.answers.orders import TensorDerivation
from matcalc.answers.places import PartDerivation


@pytest.mark.parametrize(
    ("f", "wrt", "order", "kind"),
    [
        ("x'*A*x", "x", 1, matcalc.Derivation),
        ("x'*A*x", "x", 2, matcalc.Derivation),
        ("x'*A*x", "x[0]", 1, PartDerivation),
        ("sum(x.^3)", "x", 3, TensorDerivation),
        ("tr(f(X))", "X", 1, FormalDerivation),
    ],
)
def test_each_question_has_its_derivation(f: str, wrt: str, order: int, kind: type) -> None:
    d = matcalc.derive(f, wrt, "f: function(matrix(n, n)) -> matrix(n, n)" if "f(" in f else None, order=order)

    assert type(d) is kind
    assert d.verify()


def test_names_are_typed_together_or_as_a_sequence() -> None:
    one = matcalc.derive("norm2(X*w)^2", "X[0, :], w", "X: matrix(m, n)")
    other = matcalc.derive("norm2(X*w)^2", ["X[0, :]", "w"], "X: matrix(m, n)")

    assert [a.expr for a in one.answers.values()] == [a.expr for a in other.answers.values()]


def test_the_signature_is_that_of_derive() -> None:
    assert {"order", "of", "layout", "structure"} <= set(inspect.signature(matcalc.derive).parameters)


def test_a_bracket_that_is_not_closed_is_said() -> None:
    with pytest.raises(matcalc.InputError, match="not closed"):
        matcalc.derive("x'*x", "x[0")


def test_a_derivation_shows_its_answer_in_a_session() -> None:
    derivation = matcalc.derive("x'*A*x", wrt="x")
    assert repr(derivation) == "<gradient by x: (A + A')*x>"
    assert str(derivation) == derivation.pretty()
