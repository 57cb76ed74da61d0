"""Sampling: every declaration is met under every strategy, structure is linear, contradictions are refused."""

from __future__ import annotations

import numpy as np
import pytest

from matcalc import ops
from matcalc.errors import UnsupportedError
from matcalc.kinds import ELEMENTWISE, FACTS, SCALAR_KIND, STRUCTURES, Kind, kind_of_shape
from matcalc.numeric.sample import (
    LINEAR,
    MIXED,
    STRATEGIES,
    draw_value,
    draw_values,
    index_limits,
    orbits,
    project,
    satisfies,
)
from matcalc.numeric.smooth import SmoothFunction
from matcalc.shapes import ONE, Dim

m, n = Dim.of("m"), Dim.of("n")
SIZES = {"m": 3, "n": 5}


def square(*facts: str) -> Kind:
    return Kind("matrix", n, n, frozenset(facts))


DECLARABLE = [
    *(square(name) for name, (form, _) in STRUCTURES.items() if form == "matrix"),
    *(Kind("vector", n, ONE, frozenset([fact])) for fact in ("onehot", "simplex", "unit")),
    *(Kind("row", ONE, n, frozenset([fact])) for fact in ("onehot", "simplex", "unit")),
    *(Kind("matrix", m, n, frozenset([fact])) for fact in ("onehot", "simplex", "fullrank", "positive", "nonzero")),
    *(Kind("scalar", facts=frozenset([fact])) for fact in ("integer", "positive", "nonnegative", "nonzero")),
    square("invertible"),
    square("symmetric", "invertible"),
    square("symmetric", "positive"),
    square("spd", "positive"),
    square("diagonal", "positive"),
    square("diagonal", "invertible"),
    square("lower", "invertible"),
    square("upper", "toeplitz"),
    square("spd", "toeplitz"),
    square("spd", "diagonal"),
    square("orthogonal", "symmetric"),
    square("orthogonal", "diagonal"),
    Kind("vector", n, ONE, frozenset(["unit", "positive"])),
    Kind("vector", n, ONE, frozenset(["simplex", "positive"])),
]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", DECLARABLE, ids=lambda kind: kind.text())
def test_every_declaration_is_met(kind: Kind, strategy: str, rng: np.random.Generator) -> None:
    for _ in range(3):
        value = draw_value(kind, SIZES, rng, strategy)

        assert np.atleast_2d(value).shape == (kind.rows.evaluate(SIZES), kind.cols.evaluate(SIZES))
        assert satisfies(kind, value)


def test_every_fact_is_checked() -> None:
    """A value that breaks the fact is not taken for one that has it."""
    plain = np.array([[1.0, 2.0], [-3.5, 1.0]])
    two = {"n": 2}
    broken = {
        "symmetric": plain, "spd": -np.eye(2), "diagonal": plain, "orthogonal": plain, "lower": plain,
        "upper": plain, "toeplitz": np.diag([1.0, 2.0]), "onehot": np.eye(2) * 2, "simplex": plain, "unit": plain,
        "integer": plain, "positive": plain, "nonnegative": plain, "nonzero": np.eye(2),
        "invertible": np.ones((2, 2)), "fullrank": np.ones((2, 2)),
    }  # fmt: skip
    for fact in [*STRUCTURES, *FACTS]:
        assert not satisfies(square(fact), broken[fact]), fact
        if fact not in ("integer", "unit", "simplex", "onehot"):
            assert satisfies(square(fact), draw_value(square(fact), two, np.random.default_rng(1)))


def test_contradictions_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UnsupportedError, match="no value found"):
        draw_value(Kind("vector", n, ONE, frozenset(["onehot", "positive"])), SIZES, rng)
    with pytest.raises(UnsupportedError, match="no value found"):
        draw_value(square("orthogonal", "positive"), SIZES, rng)


def test_square_matrices_near_a_definite_one(rng: np.random.Generator) -> None:
    """Definite strategies give a positive determinant, without being symmetric."""
    for strategy in ("definite", "positive definite", "dominant"):
        for size in (2, 3, 6):
            value = draw_value(square(), {"n": size}, rng, strategy)
            assert np.linalg.det(value) > 0
            assert np.linalg.eigvalsh(value + value.T)[0] > 0
            assert np.abs(value - value.T).max() > 1e-3


def test_integers_are_small_and_indices_in_range(rng: np.random.Generator) -> None:
    k = ops.sym("k", Kind("scalar", facts=frozenset(["integer"])))
    p = ops.sym("p", Kind("scalar", facts=frozenset(["integer"])))
    free = ops.idx("j")
    x = ops.sym("X", kind_of_shape((m, n)))
    expr = ops.add(
        ops.slice_(x, ("at",), ("at",), k, free),
        ops.slice_(ops.unit(k, n), ("at",), ("all",), ops.num(1)),
        ops.power(ops.dim(n), p),
    )

    assert index_limits([expr], SIZES) == {"k": 3, "j": 5}
    drawn = [draw_values([expr], {}, SIZES, rng, strategy) for strategy in [*STRATEGIES, MIXED] * 3]
    assert {v["k"] for v in drawn} == {0, 1, 2}
    assert {v["p"] for v in drawn} == {1, 2, 3}
    assert all(0 <= v["j"] < 5 for v in drawn)


def test_bound_indices_are_not_drawn(rng: np.random.Generator) -> None:
    i = ops.idx("i")
    x = ops.sym("x", kind_of_shape((n, ONE)))
    expr = ops.isum(i, ops.num(0), ops.num(1), ops.slice_(x, ("at",), ("all",), i))

    assert set(draw_values([expr], {}, SIZES, rng)) == {"x"}


def test_names_functions_and_overriding_kinds(rng: np.random.Generator) -> None:
    x = ops.sym("x", kind_of_shape((n, ONE)))
    g = Kind("function", args=(x.data[1],), result=SCALAR_KIND)
    expr = ops.add(ops.total(ops.ufn("f", ELEMENTWISE, [x], 0)), ops.ufn("g", g, [x], ()))
    values = draw_values([expr], {"x": Kind("vector", n, ONE, frozenset(["positive"]))}, SIZES, rng)

    assert set(values) == {"x", "f", "g"}
    assert isinstance(values["f"], SmoothFunction)
    assert (values["x"] > 0).all()


def test_the_same_seed_gives_the_same_values() -> None:
    one, two = (draw_value(square("spd"), SIZES, np.random.default_rng(5)) for _ in range(2))

    assert (one == two).all()


# --- linear structure -----------------------------------------------------------------------------

STRUCTURED = [[fact] for fact in sorted(LINEAR)]
STRUCTURED += [["symmetric", "toeplitz"], ["upper", "toeplitz"], ["lower", "upper"]]


@pytest.mark.parametrize("facts", STRUCTURED, ids="-".join)
def test_projection_is_orthogonal(facts: list[str], rng: np.random.Generator) -> None:
    value, other = rng.normal(size=(2, 4, 4))
    near = project(value, frozenset(facts))

    assert np.allclose(project(near, frozenset(facts)), near)
    assert satisfies(square(*[f for f in facts if f != "spd"]), near)
    assert abs(np.sum((value - near) * project(other, frozenset(facts)))) < 1e-12


def test_known_projections(rng: np.random.Generator) -> None:
    a = rng.normal(size=(3, 3))

    assert np.allclose(project(a, frozenset(["symmetric"])), (a + a.T) / 2)
    assert np.allclose(project(a, frozenset(["diagonal"])), a * np.eye(3))
    assert np.allclose(project(a, frozenset(["lower"])), np.tril(a))
    assert np.allclose(project(a, frozenset(["upper"])), np.triu(a))
    assert np.isclose(project(a, frozenset(["toeplitz"]))[0, 1], (a[0, 1] + a[1, 2]) / 2)
    assert np.allclose(project(a, frozenset()), a)


def test_an_entry_tied_to_a_zero_is_zero() -> None:
    labels = orbits(frozenset(["symmetric", "lower"]), (3, 3))

    assert (labels >= 0).tolist() == np.eye(3, dtype=bool).tolist()
