"""The terms of a sum: expressions without their numbers, with their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache, reduce
from math import gcd, lcm

from matcalc import ops
from matcalc.expr import Expr
from matcalc.order import sort_key
from matcalc.shapes import ONE, Shape
from matcalc.simplifier.algebra import zero
from matcalc.simplifier.factors import ONE_F, E, FixedPowers, Powers, compose, include, is_whole, parts

Terms = dict[Expr, Fraction]


def coefficient(e: Expr) -> tuple[Expr, Fraction]:
    """(rest, c) with e = c*rest and no number in rest."""
    if e.op == "num":
        return ops.num(1), e.data  # type: ignore[return-value]
    if e.op != "mul":
        return e, ONE_F
    p = parts(e)
    return (e, ONE_F) if p.coef == 1 and not is_spread(e) else (compose(ONE_F, p.scalars, p.body), p.coef)


def is_spread(e: Expr) -> bool:
    """Is it a row with a factor on every row of a matrix, ones(m)*s*b, as it reads in sums: s*b?"""
    return e.op == "mul" and e.args[0].op == "ones" and e.args[0].cols is ONE and e.args[1].is_scalar


def _spread(e: Expr) -> Expr:
    """The row that is added to every row in the form that reads as one: X - b, not X - ones(m)*b."""
    if e.op != "mul" or not e.args[0].is_scalar or (row := ops.unlift(e)) is None or row.is_scalar:
        return e
    constant = ops.unlift(row)
    return ops.lift(row if constant is None else constant, e.shape)


def plain_sum(shape: Shape, terms: Terms) -> Expr:
    """The sum in the fixed order: positive terms first, alphabetical."""
    if not terms:
        return zero(shape)
    ordered = sorted(terms.items(), key=lambda t: (t[1] < 0, sort_key(t[0])))
    found = [scaled_term(c, r) for r, c in ordered]
    if any(ops.unlift(t) is None for t in found):
        found = [_spread(t) for t in found]
    return ops.add(*found)


def scaled_term(c: Fraction, rest: Expr) -> Expr:
    if c == 1:
        return rest
    p = parts(rest)
    return compose(c * p.coef, p.scalars, p.body)


def content(values: Iterable[Fraction]) -> Fraction:
    values = list(values)
    return Fraction(reduce(gcd, (v.numerator for v in values)), reduce(lcm, (v.denominator for v in values)))


@lru_cache(maxsize=1 << 12)
def cleared(e: Expr) -> tuple[FixedPowers, Expr] | None:
    """A sum with quotients as (1/denominator, numerator); None if it has none."""
    below: Powers = {}
    for t in e.args:
        for base, k in parts(t).scalars.items():
            if is_whole(k) and k < 0 and base is not E:  # type: ignore[operator]
                below[base] = min(below.get(base, ONE_F), k)  # type: ignore[operator, type-var]
    if not below or any(b.op == "add" for b in below):
        return None
    terms: Terms = {}
    for t in e.args:
        p = parts(t)
        raised = dict(p.scalars)
        for base, k in below.items():
            include(raised, base, -k)  # type: ignore[operator]
        terms[compose(ONE_F, raised, p.body)] = p.coef
    return below, plain_sum(e.shape, terms)
