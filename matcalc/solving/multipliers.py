"""Stationary points under one scalar constraint, curved or straight, by its multiplier.

The condition e + t*grad(c) = 0 is solved for x with t as a parameter, the constraint at that x for t: a'*x on
x'*x = 1 has x = -a/(2*t) and t = +-norm2(a)/2. A multiplier in an exponential of every entry comes out of it as a
factor: log(x) + g + t = 0 gives x = exp(-t)*exp(-g), so that sum(x) = 1 is linear in exp(-t).
(Boyd & Vandenberghe 2004, sec. 5.5.3.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from matcalc import ops
from matcalc.errors import BudgetError
from matcalc.expr import Expr, topological
from matcalc.indices import names_in
from matcalc.kinds import Kind
from matcalc.rules.facts import known
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.factors import compose, parts, scale_exponent
from matcalc.solving.linear_equation import Algebra, Solved, fresh

_HALF = Fraction(1, 2)
_POSITIVE = Kind("scalar", facts=frozenset({"positive"}))

Solve = Callable[[Expr, Expr], tuple[Solved, ...]]


class Constrained(NamedTuple):
    """A solution, and the gradient that vanishes there: that of the function with the multiplier's term."""

    solved: Solved
    condition: Expr


def squared(constraint: Expr, algebra: Algebra) -> tuple[Expr, Expr | None]:
    """norm2(u) = r as u'*u = r^2, which holds at the same points where r is not negative; and r."""
    terms = constraint.args if constraint.op == "add" else (constraint,)
    norms = [t for t in terms if t.op == "norm2"]
    if len(norms) != 1 or len(terms) > 2:
        return constraint, None
    rest = algebra.settled(ops.sub(norms[0], constraint))
    return algebra.settled(ops.sub(ops.power(norms[0], ops.num(2)), ops.power(rest, ops.num(2)))), rest


def by_multiplier(
    condition: Expr, t: Expr, constraint: Expr, x: Expr, algebra: Algebra, solve: Solve
) -> list[Constrained]:
    """Every x that is found with condition = 0 and constraint = 0, the condition being that with the multiplier t.

    Where nothing is found for a t of unknown sign, it is written as a positive number and as a negative one: the power
    (t*a) .^ (1/3) is then one of a.
    """
    found = _roots(condition, t, constraint, x, algebra, solve)
    if found:
        return found
    size = ops.sym(t.name, _POSITIVE)
    for meant in (size, ops.neg(size)):
        signed = algebra.settled(ops.substitute(condition, {t: meant}))
        found += _roots(signed, size, constraint, x, algebra, solve)
    return found


def _roots(condition: Expr, t: Expr, constraint: Expr, x: Expr, algebra: Algebra, solve: Solve) -> list[Constrained]:
    found: dict[Expr, Constrained] = {}
    for solved in solve(condition, x):
        value, factor, power = _factored(_opened(solved.value, algebra), t, algebra)
        if is_zero(value) or t in topological(value) and factor is not t:
            continue
        at_value = algebra.settled(ops.substitute(constraint, {x: value}))
        if factor not in topological(at_value):
            continue
        for root in solve(at_value, factor):
            multiplier = root if factor is t else _only(solve(ops.sub(power, ops.fn("log", root.value)), t))
            if multiplier is None or t in topological(root.value, multiplier.value):
                continue
            point = _opened(ops.substitute(value, {factor: root.value}), algebra)
            divisors = tuple(algebra.settled(ops.substitute(d, {t: multiplier.value})) for d in solved.divisors)
            there = algebra.settled(ops.substitute(condition, {t: multiplier.value}))
            found.setdefault(point, Constrained(Solved(point, (*divisors, *root.divisors)), there))
    return list(found.values())


def _opened(e: Expr, algebra: Algebra) -> Expr:
    """Scalars that are positive out of roots: (t*a) .^ (1/3) is t^(1/3)*a .^ (1/3), sqrt(1/n^2) is 1/n."""
    results: dict[Expr, Expr] = {}
    for n in topological(algebra.settled(e)):
        again = ops.rebuild(n, [results[a] for a in n.args]) if n.args else n
        k = _HALF if n.op == "fn" and n.data == "sqrt" else n.args[1].data if n.op == "pow" else None
        if isinstance(k, Fraction) and k.denominator != 1:
            p = parts(again.args[0])
            out = {b: scale_exponent(x, k) for b, x in p.scalars.items() if known(b, "positive")}
            rest = compose(p.coef, {b: x for b, x in p.scalars.items() if b not in out}, p.body)
            again = ops.mul(compose(Fraction(1), out, []), ops.power(rest, ops.num(k))) if out else again
        results[n] = again
    return algebra.settled(results[n])


def _only(roots: Sequence[Solved]) -> Solved | None:
    return roots[0] if len(roots) == 1 else None


def _factored(value: Expr, t: Expr, algebra: Algebra) -> tuple[Expr, Expr, Expr]:
    """The value with the one exp(p), p a scalar with t, that is a factor of its exponentials, as a symbol; and p.

    Where t stands elsewhere too, the value as it is and t itself.
    """
    powers: set[Expr] = set()
    mapping: dict[Expr, Expr] = {}
    factor = ops.sym(fresh("factor", names_in(value, t)), _POSITIVE)
    for n in topological(value):
        if n.op != "fn" or n.data != "exp" or t not in topological(n):
            continue
        split = _split(n.args[0], t, algebra)
        if split is None:
            return value, t, t
        inside, rest = split
        powers.add(inside)
        mapping[n] = ops.mul(factor, ops.fn("exp", rest)) if rest is not None else ops.lift(factor, n.shape)
    if len(powers) != 1:
        return value, t, t
    written = algebra.settled(ops.substitute(value, mapping))
    return (value, t, t) if t in topological(written) else (written, factor, powers.pop())


def _split(e: Expr, t: Expr, algebra: Algebra) -> tuple[Expr, Expr | None] | None:
    """(p, rest) with e = p*ones + rest and t in p alone, which is a scalar."""
    try:
        e = algebra.expanded(e, t)
    except BudgetError:
        return None
    scalars, rest = [], []
    for term in e.args if e.op == "add" else (e,):
        one = term if term.is_scalar else ops.unlift(term)
        if one is not None and one.is_scalar:
            scalars.append(one)
        elif t in topological(term):
            return None
        else:
            rest.append(term)
    return algebra.settled(ops.add(*scalars)), ops.add(*rest) if rest else None
