"""Products taken apart and put together again."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from strategies import KINDS, grow

import matcalc as mc
from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.language.parse import parse
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.text import text
from matcalc.simplifier.factors import (
    as_exponent,
    as_expr,
    compose,
    compose_had,
    had_parts,
    include,
    parts,
    rational_root,
    segments,
)
from matcalc.simplifier.simplify import Simplifier

SIZES = {"m": 3, "n": 4, "k": 2}
GIVEN = {name: kind for name, kind in KINDS.items() if kind.form != "function"}


@pytest.mark.parametrize("first", range(0, 160, 40))
def test_what_is_taken_apart_is_put_together(first: int, rng: np.random.Generator) -> None:
    for seed in range(first, first + 40):
        e = grow(random.Random(seed).randrange, None, 3, True)[0]
        p = parts(e)
        forms = [compose(p.coef, p.scalars, p.body)]
        if not e.is_scalar:
            forms.append(compose_had(had_parts(e)))
        values = draw_values([e], GIVEN, SIZES, rng)
        expected = np.asarray(evaluate(e, values, SIZES))
        for form in forms if np.all(np.isfinite(expected)) else ():
            assert form.shape == e.shape
            assert np.allclose(evaluate(form, values, SIZES), expected, rtol=1e-8, atol=1e-10)


def test_coefficient_scalars_and_chain() -> None:
    p = parts(parse("-3/2*c^2*A*x*(y'*x)", "A: matrix(n, n); x, y: vector(n); c: scalar"))
    c, a, x, y = (parse(name, "A: matrix(n, n); x, y: vector(n); c: scalar") for name in ("c", "A", "x", "y"))

    assert p.coef == Fraction(-3, 2)
    assert p.scalars == {c: 2, ops.mul(ops.transpose(y), x): 1}
    assert p.body == [a, x]


def test_what_is_kept_is_not_changed_by_its_users() -> None:
    looked_at: set[Expr] = set()
    for seed in range(60):
        e = grow(random.Random(seed).randrange, None, 3, True)[0]
        looked_at.update(topological(e, Simplifier()(e)))

    assert len(looked_at) > 300
    for e in looked_at:
        assert parts(e) == parts.__wrapped__(e)
        assert e.is_scalar or had_parts(e) == had_parts.__wrapped__(e)


def test_exponents_add_up_and_vanish() -> None:
    c, d = (parse(name, "c, d: scalar") for name in "cd")
    powers = dict(parts(ops.power(c, ops.num(3))).scalars)
    include(powers, c, Fraction(-3))
    include(powers, d, Fraction(1, 2))

    assert powers == {d: Fraction(1, 2)}


def test_a_chain_is_cut_after_every_column() -> None:
    a, x, y = (parse(name, "A: matrix(n, n); x, y: vector(n)") for name in ("A", "x", "y"))
    chain = [a, x, ops.transpose(y), a, x, ops.transpose(x)]

    assert segments(chain) == [[a, x], [ops.transpose(y), a, x], [ops.transpose(x)]]


@pytest.mark.parametrize("value", [Fraction(2), Fraction(-1, 2), Fraction(0)])
def test_exponents_are_expressions_too(value: Fraction) -> None:
    assert as_exponent(as_expr(value)) == value


@pytest.mark.parametrize(
    ("value", "k", "root"),
    [("4/9", 2, "2/3"), ("2", 2, None), ("-4", 2, None), ("-8", 3, "-2"), ("1/4", -2, "2"), ("3", -1, "1/3")],
)
def test_rational_root(value: str, k: int, root: str | None) -> None:
    assert rational_root(Fraction(value), k) == (None if root is None else Fraction(root))


def test_a_transposed_product_keeps_its_scalars_apart() -> None:
    e = parse("(a*x*y')'", {"a": "scalar", "x": "vector(m)", "y": "vector(n)"})
    p = parts(e)

    assert [b.name for b in p.scalars] == ["a"]
    assert compose(p.coef, p.scalars, p.body).shape == e.shape


@pytest.mark.parametrize("f", ["prod(exp(x) .^ z)", "norm2(exp(x) .^ z)^2", "sum((x.^2) .^ z)"])
def test_exponents_are_multiplied_entry_by_entry(f: str) -> None:
    assert mc.derive(f, "x,z", "x: vector(n), positive; z: vector(n)").verify()


@pytest.mark.parametrize(
    ("typed", "short"),
    [
        ("x - 2/3", "x - 2/3"),  # a lifted number is one number, not 2*(1/3)
        ("(2*x - 1)/3 - x/6", "x/2 - 1/3"),
        ("mean(Q)", "mean(Q)"),  # both sizes are m
        ("norm2(Q)^2/m^2", "mean(Q.^2)"),
        ("sum(Q)/m^3", "mean(Q)/m"),
        ("sum(Q)/m", "sum(Q)/m"),
    ],
)
def test_numbers_and_means_read_as_one(typed: str, short: str) -> None:
    kinds = "x: vector(n); Q: matrix(m, m)"
    assert text(Simplifier()(parse(typed, kinds))) == short
