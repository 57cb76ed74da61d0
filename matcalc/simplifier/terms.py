"""The terms of a sum: expressions without their numbers, with their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from math import gcd, lcm

from matcalc import ops
from matcalc.expr import Expr
from matcalc.order import sort_key
from matcalc.shapes import Shape
from matcalc.simplifier.algebra import zero
from matcalc.simplifier.factors import ONE_F, compose, parts

Terms = dict[Expr, Fraction]


def coefficient(e: Expr) -> tuple[Expr, Fraction]:
    """(rest, c) with e = c*rest and no number in rest."""
    if e.op == "num":
        return ops.num(1), e.data  # type: ignore[return-value]
    if e.op != "mul":
        return e, ONE_F
    p = parts(e)
    return (e, ONE_F) if p.coef == 1 else (compose(ONE_F, p.scalars, p.body), p.coef)


def plain_sum(shape: Shape, terms: Terms) -> Expr:
    """The sum in the fixed order: positive terms first, alphabetical."""
    if not terms:
        return zero(shape)
    ordered = sorted(terms.items(), key=lambda t: (t[1] < 0, sort_key(t[0])))
    return ops.add(*(scaled_term(c, r) for r, c in ordered))


def scaled_term(c: Fraction, rest: Expr) -> Expr:
    if c == 1:
        return rest
    p = parts(rest)
    return compose(c * p.coef, p.scalars, p.body)


def content(values: Iterable[Fraction]) -> Fraction:
    values = list(values)
    return Fraction(reduce(gcd, (v.numerator for v in values)), reduce(lcm, (v.denominator for v in values)))
