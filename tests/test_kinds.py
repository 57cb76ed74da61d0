"""Kinds read as they would be declared."""

from __future__ import annotations

import pytest

from matcalc.kinds import ELEMENTWISE, Kind, kind_of_shape
from matcalc.language.parse import parse_kind
from matcalc.shapes import ONE, SCALAR, Dim

N, K = Dim.of("n"), Dim.of("k")
TEXTS = [
    "scalar", "integer", "vector(n)", "row(n)", "matrix(m, n)", "symmetric(n)", "spd(n)", "diagonal(n)",
    "orthogonal(n)", "lower(n)", "upper(n)", "toeplitz(n)", "onehot(n)", "onehot(N, K)", "simplex(n)", "unit(n)",
    "matrix(n, n), invertible", "vector(n), positive", "matrix(k*n, n)", "function",
    "function(vector(n), vector(n)) -> scalar",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_kind_reads_as_it_was_typed(text: str) -> None:
    assert parse_kind(text).text() == text


def test_the_plain_kind_of_a_shape() -> None:
    forms = [kind_of_shape(s).form for s in (SCALAR, (N, ONE), (ONE, N), (N, K))]

    assert forms == ["scalar", "vector", "row", "matrix"]


def test_a_matrix_of_width_one_stays_a_matrix() -> None:
    assert Kind("matrix", N, ONE).text() == "matrix(n, 1)"
    assert ELEMENTWISE.text() == "function"
