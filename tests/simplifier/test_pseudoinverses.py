"""inv(X'*X)*X' alone reads pinv(X), and only there."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.printing.text import text
from matcalc.simplifier.pseudoinverses import with_pseudoinverses

KINDS = {"X": "matrix(m, n)", "Y": "matrix(n, m)", "W": "matrix(m, m)", "y": "vector(m)", "c": "scalar"}


@pytest.mark.parametrize(
    ("long", "wanted"),
    [
        ("inv(X'*X)*X'", "pinv(X)"),
        ("X*inv(X'*X)", "pinv(X)'"),
        ("X'*inv(X*X')", "pinv(X)"),
        ("inv(X*X')*X", "pinv(X)'"),
        ("2*c*X*inv(X'*X) + X", "2*c*pinv(X)' + X"),
    ],
)
def test_an_inverse_of_a_gram_matrix_beside_its_factor(long: str, wanted: str) -> None:
    assert text(with_pseudoinverses(mc.parse(long, KINDS))) == wanted


@pytest.mark.parametrize(
    "formula", ["inv(X'*X)*X'*y", "X*inv(X'*X)*X'", "X*inv(X*X' + W)", "inv(X'*X)*Y", "X'*inv(X'*X)", "inv(X'*W*X)*X'"]
)
def test_anything_else_stays(formula: str) -> None:
    try:
        e = mc.parse(formula, KINDS)
    except mc.MatcalcError:
        e = mc.parse(formula, KINDS | {"X": "matrix(n, n)", "W": "matrix(n, n)"})

    assert with_pseudoinverses(e) is e


@pytest.mark.parametrize(("f", "wanted"), [("logdet(X'*X)", "2*pinv(X)'"), ("logdet(X*X')", "2*pinv(X)'")])
def test_gradients_with_pseudoinverses(f: str, wanted: str) -> None:
    d = mc.derive(f, "X", {"X": "matrix(m, n)"})

    assert d.text() == wanted
    assert d.verify()
    assert d.conditions
