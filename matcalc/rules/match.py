"""Matching a pattern of the table against an expression: what its variables and dimension names stand for.

Sums, elementwise products and scalar factors match in any order; a matrix variable in a product may stand for a run
of factors; X' in a pattern matches anything whose transpose X can stand for. Two occurrences of a variable may be
spelled differently as long as they are equal up to order and transposes. Patterns are small and the search has a
budget, after which nothing matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from matcalc.expr import Expr, topological
from matcalc.ops import add, had, mul, neg, transpose
from matcalc.rules.facts import known, print_of
from matcalc.rules.instantiate import unify
from matcalc.shapes import Dim, Shape

BUDGET = 2000
MANY = 300  # terms or factors: among more than so many none are sought
_LONGEST_RUN = 8  # factors of a product that one variable may stand for among others


class Match(NamedTuple):
    """What the variables and the dimension names of a pattern stand for."""

    bindings: Mapping[Expr, Expr]
    dims: Mapping[str, Dim]


class OutOfBudget(Exception):
    """The search took too many steps."""


EMPTY = Match({}, {})


def match(pattern: Expr, expr: Expr, variables: Mapping[Expr, frozenset[str]]) -> Match | None:
    """The first match of the whole of ``expr``; ``variables`` maps each variable to the facts it must have."""
    try:
        return next(Matcher(variables).whole(pattern, expr, EMPTY), None)
    except OutOfBudget:
        return None


@dataclass(slots=True)
class Matcher:
    """One search: the variables with the facts they need, and the steps that are left."""

    variables: Mapping[Expr, frozenset[str]]
    holds: Callable[[Expr, str], bool] = known
    steps: int = field(default=BUDGET)

    def whole(self, p: Expr, e: Expr, m: Match) -> Iterator[Match]:
        """Every way in which ``p`` becomes ``e``."""
        self.steps -= 1
        if self.steps < 0:
            raise OutOfBudget
        if p in self.variables:
            yield from self._variable(p, e, m)
        elif p.op == "t":
            yield from self.whole(p.args[0], transposed(e), m)
        elif p.is_scalar != e.is_scalar:
            return
        elif _is_negated(p):
            yield from self._negated(p, e, m)
        elif p.op in ("mul", "had", "add"):
            if p.op == e.op:
                yield from (
                    self._chain_and_scalars(p, e, m) if p.op == "mul" else self._terms(p.op, p.args, e.args, m)
                )
        elif p.op == e.op and len(p.args) == len(e.args):
            dims = _unify_data(p, e, m.dims)
            if dims is not None:
                yield from self._each(p.args, e.args, Match(m.bindings, dims))

    def _each(self, ps: Sequence[Expr], es: Sequence[Expr], m: Match) -> Iterator[Match]:
        if not ps:
            yield m
            return
        for found in self.whole(ps[0], es[0], m):
            yield from self._each(ps[1:], es[1:], found)

    def _variable(self, p: Expr, e: Expr, m: Match) -> Iterator[Match]:
        bound = m.bindings.get(p)
        if bound is not None:
            if same(bound, e):
                yield m
            return
        if p.is_scalar != e.is_scalar:
            return
        dims = _unify_shape(p.shape, e.shape, m.dims)
        if dims is not None and all(self.holds(e, fact) for fact in self.variables[p]):
            yield Match({**m.bindings, p: e}, dims)

    def _negated(self, p: Expr, e: Expr, m: Match) -> Iterator[Match]:
        """-s matches anything if s is a variable: s is then the negative of it."""
        rest = mul(*p.args[1:])
        if rest in self.variables or (e.op == "mul" and e.args[0].op == "num" and e.args[0].data < 0):  # type: ignore[operator]
            yield from self.whole(rest, neg(e), m)

    # --- in any order ---

    def _terms(self, op: str, ps: Sequence[Expr], es: Sequence[Expr], m: Match) -> Iterator[Match]:
        """All terms: variables come last, and the last free one takes what is left."""
        if len(es) > len(ps) and not any(self._takes_several(p, ps, m) for p in ps):
            return
        for found, rest in self.some(op, ps, es, m, greedy=True):
            if not rest:
                yield found

    def _takes_several(self, p: Expr, ps: Sequence[Expr], m: Match) -> bool:
        """May this term of a pattern stand for several: a variable, or the negative of one that stands for a sum?"""
        if p in self.variables:
            return True
        if not _is_negated(p):
            return False
        v = p.args[1] if len(p.args) == 2 else mul(*p.args[1:])
        return v in m.bindings or any(v in topological(q) for q in ps if q is not p)

    def some(
        self, op: str, ps: Sequence[Expr], es: Sequence[Expr], m: Match, greedy: bool = False
    ) -> Iterator[tuple[Match, tuple[Expr, ...]]]:
        """Every way to match the terms ``ps`` with some of ``es``, and the terms that are left.

        ``greedy``: a single free variable at the end takes all that is left.
        """
        if not ps:
            yield m, tuple(es)
            return
        if len(ps) > len(es):  # each takes one at least
            return
        if len(es) > MANY:
            raise OutOfBudget
        first, others = self._next(ps, m)
        bound = m.bindings.get(first)
        spread = _spread(op, bound) if bound is not None else self._negative_spread(op, first, m)
        left = _without(es, spread) if spread else None
        if left is not None:
            yield from self.some(op, others, left, m, greedy)
        if greedy and not others and first in self.variables and bound is None and len(es) > 1:
            whole = {"add": add, "had": had, "mul": mul}[op](*es)
            yield from ((found, ()) for found in self.whole(first, whole, m))
            return
        for i, e in enumerate(es):
            for found in self.whole(first, e, m):
                yield from self.some(op, others, (*es[:i], *es[i + 1 :]), found, greedy)

    def _negative_spread(self, op: str, p: Expr, m: Match) -> tuple[Expr, ...]:
        """The terms of -s where s stands for a sum."""
        if op != "add" or not _is_negated(p):
            return ()
        bound = m.bindings.get(mul(*p.args[1:]))
        return () if bound is None else tuple(neg(term) for term in _spread(op, bound))

    def _next(self, ps: Sequence[Expr], m: Match) -> tuple[Expr, tuple[Expr, ...]]:
        """The term to match next: one that is not a free variable, if there is one."""
        index = next((i for i, p in enumerate(ps) if self._definite(p, m)), 0)
        return ps[index], (*ps[:index], *ps[index + 1 :])

    def _definite(self, p: Expr, m: Match) -> bool:
        """Not a free variable, nor the negative of one."""
        if _is_negated(p) and len(p.args) == 2:
            p = p.args[1]
        return p not in self.variables or p in m.bindings

    # --- products ---

    def _chain_and_scalars(self, p: Expr, e: Expr, m: Match) -> Iterator[Match]:
        (ps, pm), (es, em) = split(p), split(e)
        if bool(pm) != bool(em):
            return
        for found in self._run(pm, em, m) if pm else (m,):
            yield from self._terms("mul", ps, es, found) if ps or es else (found,)

    def _run(self, ps: Sequence[Expr], es: Sequence[Expr], m: Match) -> Iterator[Match]:
        """A chain of patterns that covers the factors ``es``; a variable, or its transpose, may take several."""
        if not ps:
            if not es:
                yield m
            return
        if not len(ps) <= len(es) <= self.reach(ps):
            return
        variable = self._variable_of(ps[0])
        again = len(ps) == 2 and variable is not None and self._variable_of(ps[1]) is variable
        again = again and not any(e.op == "t" and e.args[0].op == "mul" for e in es)  # one factor that is several
        for length in self._lengths(ps[0], len(es) - len(ps) + 1, m):
            if len(ps) == 1 and length < len(es):  # the last takes all that is left
                continue
            if again and len(es) - length not in (1, length):  # the other half
                continue
            if variable is not None:
                shape = es[0].rows, es[length - 1].cols
                if _unify_shape(ps[0].shape, shape, m.dims) is None:
                    continue
            head = es[0] if length == 1 else _joined(es[:length])
            for found in self.whole(ps[0], head, m):
                yield from self._run(ps[1:], es[length:], found)

    def reach(self, ps: Sequence[Expr]) -> int:
        """How many factors a chain of patterns can cover."""
        return sum(_LONGEST_RUN if self._variable_of(p) is not None else 1 for p in ps)

    def _variable_of(self, p: Expr) -> Expr | None:
        """The variable of a pattern that is a variable or the transpose of one."""
        inner = p.args[0] if p.op == "t" else p
        return inner if inner in self.variables else None

    def _lengths(self, p: Expr, most: int, m: Match) -> Sequence[int]:
        """How many factors this pattern may take."""
        variable = self._variable_of(p)
        if variable is None:
            return (1,)
        bound = m.bindings.get(variable)
        if bound is None:
            return range(1, min(most, _LONGEST_RUN) + 1)
        length = len(split(bound)[1])
        return tuple(n for n in {1, length} if n <= most)

    def part_of_product(self, p: Expr, e: Expr, m: Match) -> Iterator[tuple[Match, Callable[[Expr], Expr]]]:
        """Every way to match a product with some of the factors of ``e``, and how to put another in their place."""
        (ps, pm), (es, em) = split(p), split(e)
        if len(pm) <= 1 and len(em) <= 1:
            for found, rest, arrays in self._unordered(ps, _factors(pm), es, _factors(em), m):
                yield found, _in_had((*rest, *arrays))
        elif not pm:
            for found, rest in self.some("mul", ps, es, m):
                yield found, _in_chain(rest, em, ())
        else:
            for start in range(len(em) - len(pm) + 1):
                for stop in range(start + len(pm), min(len(em), start + self.reach(pm)) + 1):
                    for found in self._run(pm, em[start:stop], m):
                        for whole, rest in self.some("mul", ps, es, found):
                            yield whole, _in_chain(rest, em[:start], em[stop:])

    def _unordered(
        self, ps: Sequence[Expr], pa: Sequence[Expr], es: Sequence[Expr], ea: Sequence[Expr], m: Match
    ) -> Iterator[tuple[Match, tuple[Expr, ...], tuple[Expr, ...]]]:
        for found, arrays in self.some("had", pa, ea, m):
            for whole, rest in self.some("mul", ps, es, found):
                yield whole, rest, arrays


@lru_cache(maxsize=1 << 12)
def _joined(factors: tuple[Expr, ...]) -> Expr:
    """The product; kept, for what is known of it is asked again with the next pattern."""
    return mul(*factors)


@lru_cache(maxsize=1 << 12)
def split(e: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The scalar factors and the matrices of a product; anything else is one factor."""
    factors = e.args if e.op == "mul" else (e,)
    return tuple(f for f in factors if f.is_scalar), tuple(f for f in factors if not f.is_scalar)


def _factors(chain: Sequence[Expr]) -> tuple[Expr, ...]:
    """The elementwise factors of a product with at most one matrix."""
    return chain[0].args if chain and chain[0].op == "had" else tuple(chain)


def _in_had(rest: Sequence[Expr]) -> Callable[[Expr], Expr]:
    return lambda new: had(*rest, new)


def _in_chain(scalars: Sequence[Expr], before: Sequence[Expr], after: Sequence[Expr]) -> Callable[[Expr], Expr]:
    return lambda new: mul(*scalars, *before, new, *after)


def _without(terms: Sequence[Expr], gone: Sequence[Expr]) -> tuple[Expr, ...] | None:
    """The terms without those in ``gone``; None if one of those is missing."""
    left = list(terms)
    for term in gone:
        index = next((i for i, other in enumerate(left) if same(other, term)), None)
        if index is None:
            return None
        del left[index]
    return tuple(left)


def same(a: Expr, b: Expr) -> bool:
    """Equal up to the order of terms and to transposes."""
    return a is b or (a.shape == b.shape and print_of(a) == print_of(b))


def transposed(e: Expr) -> Expr:
    """The transpose, taken inside products and sums; a symmetric expression is its own."""
    if e.op == "t":
        return e.args[0]
    if e.is_scalar or e.op == "diagmat" or known(e, "symmetric"):
        return e
    if e.op == "mul":
        scalars, chain = split(e)
        return mul(*scalars, *(transposed_factor(x) for x in reversed(chain)))
    return transpose(e)


def transposed_factor(e: Expr) -> Expr:
    """The transpose of one factor."""
    if e.op == "t":
        return e.args[0]
    return e if e.op == "diagmat" or known(e, "symmetric") else transpose(e)


def _spread(op: str, bound: Expr) -> tuple[Expr, ...]:
    """The terms or factors of what a variable stands for, where they lie among others."""
    return bound.args if bound.op == op else ()


def _is_negated(p: Expr) -> bool:
    return p.op == "mul" and p.args[0].op == "num" and p.args[0].data == -1


def _unify_shape(pattern: Shape, actual: Shape, dims: Mapping[str, Dim]) -> dict[str, Dim] | None:
    found = dict(dims)
    for p, a in zip(pattern, actual, strict=True):
        if not unify(p, a, found):
            return None
    return found


def _unify_data(p: Expr, e: Expr, dims: Mapping[str, Dim]) -> Mapping[str, Dim] | None:
    """The dimension names that make the data of the nodes equal; None if nothing does."""
    if p.op in ("eye", "ones", "zeros", "commutation", "unvec"):
        return _unify_shape(p.data, e.data, dims)  # type: ignore[arg-type]
    if p.op in ("dim", "unit"):
        found = dict(dims)
        return found if unify(p.data, e.data, found) else None  # type: ignore[arg-type]
    return dims if p.data == e.data else None
