"""Rows of the identity."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.calculus.selectors import picks, placements, selector
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.shapes import Dim

KINDS = {"X": "matrix(m, n)", "x": "vector(n)", "A": "matrix(p, n)", "B": "matrix(m, q)", "C": "matrix(p, q)"}


@pytest.mark.parametrize(
    "text", ["X[0, :]", "X[:, 1]", "X[1:, :]", "X[:-1, 1:]", "X[:2, -1:]", "x[1]", "x[:-1]", "X[0, 1]"]
)
def test_a_slice_is_a_product_with_rows_of_the_identity(text: str) -> None:
    node = parse(text, KINDS)
    rows, cols = picks(node)

    assert verify_equal(node, ops.mul(rows, node.args[0], ops.transpose(cols)))


def test_blocks_put_in_their_places_are_the_whole() -> None:
    node = parse("[X, B; A, C]", KINDS)
    terms = [ops.mul(ops.transpose(rows), entry, cols) for entry, rows, cols in placements(node)]

    assert len(terms) == 4
    assert verify_equal(node, ops.add(*terms))


def test_all_rows_are_the_identity() -> None:
    n = Dim.of("n")

    assert selector(Dim.of(0), n, n) is ops.eye(n)
