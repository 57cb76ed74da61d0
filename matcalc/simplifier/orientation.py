"""Which way round a difference stands: (x - mu)*(x - mu)' is (mu - x)*(mu - x)'. One way in an answer, and as typed.

The passes know a difference and its opposite as one, and take the shorter, or the alphabetical, at each place. Here the
places are compared: a change of sign passes through what is linear or odd, and vanishes in pairs and in what is even.
Transposes of whole answers are seen to as well: A' - C*B' rather than (A - B*C')'.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.order import sort_key
from matcalc.printing.measure import length
from matcalc.shapes import Shape
from matcalc.simplifier.factors import as_exponent, compose, parts
from matcalc.simplifier.functions import EVEN
from matcalc.simplifier.products import ODD
from matcalc.simplifier.simplify import Simplifier
from matcalc.simplifier.terms import Terms, coefficient, plain_sum

_LARGEST = 2_000  # nodes: larger answers stay as they are
_MOST = 24  # differences that are looked at

_LINEAR = frozenset("t tr diagmat diagvec vec unvec sum mean slice part inv".split())

Key = tuple[Shape, frozenset[tuple[Expr, Fraction]]]


class Difference(NamedTuple):
    """A sum with terms of both signs, and how to tell it from its opposite."""

    key: Key  # the same for both orientations
    forward: bool


class Orientation:
    """The way round in which differences were typed in some functions, and answers put in it."""

    def __init__(self, functions: Iterable[Expr], short: Simplifier) -> None:
        self.functions = tuple(functions)
        self.short = short

    def __call__(self, e: Expr) -> Expr:
        """``e`` with each difference one way round if that is no longer: as it was typed, if it is there."""
        e = _outer_transpose_inside(e, self.short)
        nodes = topological(e)
        sums = [n for n in nodes if n.op == "add" and _is_difference(n)]
        if not sums or len(nodes) > _LARGEST:
            return e
        groups: dict[Key, dict[bool, Expr]] = {}
        for n in sums:
            found = difference(n)
            groups.setdefault(found.key, {})[found.forward] = n
        for key, present in sorted(groups.items(), key=lambda g: min(map(sort_key, g[1].values())))[:_MOST]:
            preferred = self.wanted.get(key)
            now = _orientations(key, e)
            if len(now) == 1 and preferred in (None, *now):
                continue
            ways = dict(present)
            for forward, n in present.items():
                ways.setdefault(not forward, _opposite(n))
            nodes_with = [n for n in topological(e) if any(a in present.values() for a in n.args)]
            signs = _minuses if len(nodes_with) < 2 else _none  # typed once, seen twice: rather as typed
            choices = [(length(e), len(now), signs(e), True, e)]
            for forward in (True, False):
                turned = _turned(e, ways[not forward], ways[forward])
                rank = length(turned), len(_orientations(key, turned)), signs(turned), forward is not preferred
                choices.append((*rank, turned))
            e = min(choices, key=lambda choice: choice[:-1])[-1]
        return e

    @cached_property
    def wanted(self) -> dict[Key, bool]:
        """The orientation of each difference that was typed, as it is and in its short form; the first counts."""
        nodes = topological(*self.functions)
        found: dict[Key, bool] = {}
        for n in nodes:
            if n.op != "add" or not _is_difference(n):
                continue
            forms = [n]
            if len(nodes) <= _LARGEST:
                forms += [self.short(form) for form in ((n,) if n.is_scalar else (n, ops.transpose(n)))]
            for whole in forms:
                inner, sign = _inside(whole)
                if inner.op == "add" and _is_difference(inner):
                    key, forward = difference(inner)
                    found.setdefault(key, forward is (sign > 0))
        return found


def oriented(e: Expr, functions: Iterable[Expr], short: Simplifier) -> Expr:
    """``e`` with the differences in it as they were typed in ``functions``."""
    return Orientation(functions, short)(e)


def _outer_transpose_inside(e: Expr, short: Simplifier) -> Expr:
    """A' - C*B' rather than (A - B*C')', where no matrix stands beside it and it is no longer."""
    p = parts(e)
    if len(p.body) != 1 or p.body[0].op != "t" or p.body[0].args[0].op != "add":
        return e
    apart = compose(p.coef, p.scalars, [short.turned(p.body[0].args[0])])
    return apart if length(apart) <= length(e) else e


def _orientations(key: Key, e: Expr) -> set[bool]:
    """Which ways round a difference stands, also among the terms of longer sums."""
    shape, inside = key
    found = set()
    for n in topological(e):
        if n.op == "add" and n.shape == shape:
            terms = dict(map(coefficient, n.args))
            found |= {sign > 0 for sign in (1, -1) if all(terms.get(t) == sign * c for t, c in inside)}
    return found


def _none(e: Expr) -> int:
    return 0


def _minuses(e: Expr) -> int:
    """How many terms are subtracted; a minus in front of all counts too."""
    return (coefficient(e)[1] < 0) + sum(coefficient(a)[1] < 0 for n in topological(e) if n.op == "add" for a in n.args)


def _inside(e: Expr) -> tuple[Expr, Fraction]:
    """The sum in c*(a - b) or its transpose, and c."""
    rest, c = coefficient(e)
    return _untransposed(rest), c


def difference(n: Expr) -> Difference:
    """The sum up to its sign; forward if the first of its terms, in the fixed order, is positive."""
    terms = dict(map(coefficient, n.args))
    first = min(terms, key=sort_key)
    forward = terms[first] > 0
    return Difference((n.shape, frozenset((t, c if forward else -c) for t, c in terms.items())), forward)


def _in_order(shape: Shape, args: Iterable[Expr]) -> Expr:
    """The sum in the fixed order."""
    terms: Terms = {}
    for rest, c in map(coefficient, args):
        terms[rest] = terms.get(rest, Fraction(0)) + c
    return plain_sum(shape, {rest: c for rest, c in terms.items() if c})


def _is_difference(n: Expr) -> bool:
    signs = {coefficient(a)[1] > 0 for a in n.args}
    return len(signs) == 2


def _opposite(n: Expr) -> Expr:
    return plain_sum(n.shape, {t: -c for t, c in map(coefficient, n.args)})


def _negated(n: Expr) -> Expr:
    return _opposite(n) if n.op == "add" else ops.neg(n)


def _turned(e: Expr, old: Expr, new: Expr) -> Expr:
    """``e`` with -``new`` for ``old``: the sign goes outwards as far as it can, where that is not longer."""
    found: dict[Expr, tuple[int, Expr]] = {}  # of each node: a sign and the rest
    for n in topological(e):
        if n is old:
            found[n] = -1, new
        elif all(found[a][1] is a for a in n.args):
            found[n] = 1, n
        else:
            found[n] = _passed(n, [found[a] for a in n.args])
    sign, rest = found[e]
    return rest if sign > 0 else _shorter(e, rest)


def _untransposed(e: Expr) -> Expr:
    return e.args[0] if e.op == "t" else e


def _shorter(old: Expr, rest: Expr) -> Expr:
    """-``rest``, or what it was before, if that is shorter."""
    return min(_negated(rest), old, key=length)


def _passed(n: Expr, args: list[tuple[int, Expr]]) -> tuple[int, Expr]:
    """A node on arguments of which some have changed their sign."""
    signs = [sign for sign, _ in args]
    plain = [rest for _, rest in args]
    exponent = as_exponent(n.args[1]) if n.op in ("pow", "matpow") else None
    if n.op in ("mul", "had"):
        sign = (-1) ** signs.count(-1)
        kept = [i for i, a in enumerate(n.args) if plain[i] is not a and signs[i] > 0]
        changed = [i for i in kept if _untransposed(n.args[i]).op == "add"]
        if sign < 0 and changed:  # a sum of terms with changed signs takes this one too
            other = plain[changed[0]]
            turned = _opposite(_untransposed(other))
            sign, plain[changed[0]] = 1, ops.transpose(turned) if other.op == "t" else turned
        return sign, ops.rebuild(n, plain)
    if n.op in _LINEAR and -1 not in signs[1:]:
        return signs[0], ops.rebuild(n, plain)
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and signs[1] > 0:
        return signs[0] ** abs(int(exponent)), ops.rebuild(n, plain)
    if n.op in ("norm1", "norm2") or (n.op == "fn" and n.data in EVEN):
        return 1, ops.rebuild(n, plain)
    if n.op == "fn" and n.data in ODD:
        return signs[0], ops.rebuild(n, plain)
    if n.op == "add":
        whole = _in_order(n.shape, [rest if sign > 0 else _negated(rest) for sign, rest in args])
        if all(coefficient(t)[1] < 0 for t in whole.args):
            return -1, _opposite(whole)
        return 1, min(whole, n, key=length)
    same = [rest if sign > 0 else _shorter(old, rest) for old, (sign, rest) in zip(n.args, args, strict=True)]
    return 1, ops.rebuild(n, same)
