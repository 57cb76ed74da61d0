"""Sizes: all different, of both orders, positive polynomials, and huge declared sizes made small."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from matcalc import ops
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import Kind, kind_of_shape
from matcalc.numeric.sizes import dimensions, shrink, size_settings, too_large
from matcalc.shapes import ONE, Dim

HUGE = Dim.of(10**6)


def array(name: str, rows: Dim | int | str, cols: Dim | int | str = 1) -> Expr:
    return ops.sym(name, kind_of_shape((Dim.of(rows), Dim.of(cols))))


def test_sizes_are_different_and_of_several_orders(rng: np.random.Generator) -> None:
    settings = size_settings([array("A", "m", "n"), array("B", "k", "l")], {}, rng)

    assert len(settings) == 12
    assert all(len(set(sizes.values())) == 4 and min(sizes.values()) > 1 for sizes in settings)
    assert {sizes["m"] < sizes["n"] for sizes in settings} == {True, False}


def test_sizes_differ_from_declared_ones(rng: np.random.Generator) -> None:
    for sizes in size_settings([array("A", "n", 3), array("x", 5)], {}, rng):
        assert sizes["n"] not in (1, 3, 5)


def test_every_dimension_is_positive(rng: np.random.Generator) -> None:
    wide = array("A", Dim.of("m") - "n", "n")
    part = ops.slice_(array("x", "k"), ("range", 3, None), ("all",))

    for sizes in size_settings([wide, part], {}, rng):
        assert sizes["m"] > sizes["n"]
        assert sizes["k"] > 3


def test_impossible_sizes_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UnsupportedError, match="positive"):
        size_settings([array("A", Dim.of("m") - "n", Dim.of("n") - "m")], {}, rng)


def test_no_names_no_sizes(rng: np.random.Generator) -> None:
    assert size_settings([array("A", 2, 3)], {}, rng) == [{}]


def test_many_names_and_large_products(rng: np.random.Generator) -> None:
    chain = ops.mul(*(array(f"A{k}", f"n{k}", f"n{k + 1}") for k in range(40)))
    kron = ops.kron(ops.kron(array("A", "a", "b"), array("B", "c", "d")), array("C", "e", "f"))

    assert len(size_settings([chain], {}, rng)) >= 2
    for sizes in size_settings([kron], {}, rng):
        assert kron.rows.evaluate(sizes) * kron.cols.evaluate(sizes) <= 30_000


def test_dimensions_of_functions_count() -> None:
    kind = Kind("function", args=(kind_of_shape((Dim.of("n"), ONE)),), result=kind_of_shape((Dim.of("p"), ONE)))
    found = dimensions([ops.ufn("g", kind, [array("x", "n")], ())], {})

    assert {Dim.of("n"), Dim.of("p")} <= set(found)


# --- shrinking ------------------------------------------------------------------------------------


def test_ordinary_sizes_stay() -> None:
    assert not too_large([array("A", 100, 20), array("B", "n", 784)])
    assert too_large([array("x", HUGE)])
    assert too_large([array("A", 1000, 1000)])


def test_a_huge_size_becomes_one_name_everywhere() -> None:
    x, a = array("x", HUGE), array("A", HUGE, 3)
    f = ops.total(ops.mul(ops.transpose(a), x))
    (small_f, small_x), _ = shrink([f, x], {})

    assert small_x.rows.name is not None
    assert small_f is ops.total(ops.mul(ops.transpose(array("A", small_x.rows, 3)), small_x))


def test_numbers_made_of_a_size_follow_it() -> None:
    x = array("x", HUGE)
    for number, wanted in [
        (Fraction(1, 10**6), lambda size: ops.reciprocal(size)),
        (Fraction(2, 10**6), lambda size: ops.mul(ops.num(2), ops.reciprocal(size))),
        (Fraction(3 * 10**12), lambda size: ops.mul(ops.num(3), size, size)),
        (Fraction(1, 3), lambda size: ops.num(Fraction(1, 3))),
        (Fraction(7919), lambda size: ops.num(7919)),
    ]:
        (scalar, small), _ = shrink([ops.num(number), x], {})
        assert scalar is wanted(ops.dim(small.rows))


def test_related_sizes_stay_related() -> None:
    """A block adds one row, a vec multiplies; names follow."""
    x = array("x", HUGE)
    longer = ops.mul(array("B", 5, 10**6 + 1), ops.block([[x], [ops.num(1)]]))
    matrix = array("A", 1000, 500)
    stacked = ops.add(ops.vec(matrix), array("v", 500_000))

    (small,), _ = shrink([longer], {})
    assert small.shape == (Dim.of(5), ONE)
    (small,), _ = shrink([stacked], {})
    assert small.rows.number is None


def test_dimensions_with_names_and_large_factors() -> None:
    stacked = ops.add(ops.vec(array("A", 30_000, "n")), array("v", Dim.of(30_000) * "n"))
    (small,), _ = shrink([stacked], {})

    assert len(small.rows.names) == 2


def test_kinds_shrink_with_the_expressions() -> None:
    kind = Kind("vector", HUGE, ONE, frozenset(["positive"]))
    x = ops.sym("x", kind)
    (small,), kinds = shrink([x], {"x": kind})

    assert kinds["x"].rows is small.rows
    assert kinds["x"].facts == {"positive"}


def test_stacked_blocks_stay_related() -> None:
    stacked = ops.block([[array("x", 40_000)], [array("y", 37_777)]])
    (small,), _ = shrink([ops.add(stacked, array("z", 77_777))], {})

    assert len(small.rows.names) == 2


def test_unrelated_sizes_are_refused() -> None:
    """Three blocks beside one of their total height: too far to see."""
    stacked = ops.block([[array("x", 40_000)], [array("y", 37_777)], [array("w", 21_011)]])
    with pytest.raises(UnsupportedError, match="cannot be made small"):
        shrink([ops.add(stacked, array("z", 98_788))], {})


def test_long_slices_get_long_vectors(rng: np.random.Generator) -> None:
    part = ops.slice_(array("x", "n"), ("range", None, -20), ("all",))

    assert all(sizes["n"] > 20 for sizes in size_settings([part], {}, rng))


def test_hundreds_of_names_stay_small(rng: np.random.Generator) -> None:
    chain = ops.mul(*(array(f"A{k}", f"n{k}", f"n{k + 1}") for k in range(300)))

    assert all(max(sizes.values()) < 12 for sizes in size_settings([chain], {}, rng))
