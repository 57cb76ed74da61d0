"""Dimensions are polynomials; equal ones are the same object."""

from __future__ import annotations

import pickle

import pytest

from matcalc.shapes import ONE, SCALAR, Dim, shape_text

N, K = Dim.of("n"), Dim.of("k")


def test_equal_dimensions_are_one_object() -> None:
    assert N + K is K + N
    assert (N + 1) * K is K * N + K
    assert N - N is Dim.of(0)
    assert Dim.of(1) is ONE


def test_a_dimension_reads_as_it_is_typed() -> None:
    assert str(N * K + 1) == "k*n + 1"
    assert str(N - K) == "-k + n" or str(N - K) == "n - k"
    assert str(Dim.of(0)) == "0"


def test_sizes_are_put_in() -> None:
    assert (N * K + 2).evaluate({"n": 3, "k": 4}) == 14
    assert (N * K).substitute({"n": K + 1}) is K * K + K
    with pytest.raises(KeyError):
        N.evaluate({})


def test_names_and_numbers_are_told_apart() -> None:
    assert (N.name, N.number) == ("n", None)
    assert (Dim.of(3).name, Dim.of(3).number) == (None, 3)
    assert (N * K).names == {"n", "k"}


def test_a_copy_through_pickle_is_the_same_object() -> None:
    assert pickle.loads(pickle.dumps(N * K + 1)) is N * K + 1


def test_shapes_in_words() -> None:
    assert shape_text(SCALAR) == "scalar"
    assert shape_text((N, K)) == "n x k"
