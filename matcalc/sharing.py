"""Common factors of the terms of a sum: taken out on the left, on the right, as scalars, entry by entry."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from matcalc import ops
from matcalc.algebra import Algebra, zero
from matcalc.expr import Expr
from matcalc.factors import (
    ONE_F,
    E,
    HadParts,
    Parts,
    Powers,
    add_exponents,
    as_expr,
    compose,
    compose_had,
    had_parts,
    is_negative,
    parts,
    run,
    scale_exponent,
)
from matcalc.measure import length
from matcalc.order import sort_key
from matcalc.shapes import ONE, Shape
from matcalc.terms import Terms, coefficient, plain_sum, scaled_term

SEARCHED = 40  # terms of a sum among which common factors are searched pairwise


class Sharing(Algebra):
    """Sums factored, greedily."""

    given_up: set[str]
    quiet: int  # > 0 while a search is under way: no search inside a search

    def factored(self, shape: Shape, terms: Terms) -> Expr:
        """The sum with common factors taken out, greedily, as long as that makes it shorter."""
        if len(terms) > SEARCHED:
            self.given_up.add(f"a sum of {len(terms)} terms was not searched for common factors")
            return plain_sum(shape, terms)
        self.quiet += 1
        try:
            terms = self.completed(shape, terms)
            while len(terms) > 1:
                step = self._best_step(shape, terms)
                if step is None:
                    break
                terms = step
        finally:
            self.quiet -= 1
        return self._signed(plain_sum(shape, terms))

    def _best_step(self, shape: Shape, terms: Terms) -> Terms | None:
        """The terms after taking out the one factor that saves most; None if none saves anything."""
        lengths = {t: length(scaled_term(c, t)) for t, c in terms.items()}
        ranked: list[tuple[int, str, Terms, Shared]] = []
        for side, base, group in self._shared(terms):
            shared = self._split(shape, side, base, group)
            if shared is not None:
                saved = sum(lengths[t] for t in group) - shared.length
                even = (
                    len(group) == len(terms)
                    and side != "number"
                    and not (side in ("left", "right") and any(map(_is_identity, shared.rests)))
                )
                if saved >= (0 if even else 1):  # A - A*B stays, rather than A*(eye(n) - B)
                    ranked.append((-saved, side, group, shared))
        ranked.sort(key=lambda r: r[:2])
        for _, side, group, shared in ranked:
            made = self._take_out(shape, side, shared)
            if made.op == "add" or length(made) > length(plain_sum(shape, group)):
                continue
            rest, c = coefficient(made)
            others = {t: k for t, k in terms.items() if t not in group}
            if side == "number" and not others:
                continue  # the content of the whole sum is chosen at the end
            others[rest] = others.get(rest, Fraction(0)) + c
            return {t: k for t, k in others.items() if k}
        return None

    def _signed(self, whole: Expr) -> Expr:
        """The sum as it is, with its content in front, or transposed as a whole, whichever is shortest."""
        if whole.op != "add":
            return whole
        content, base = self.primitive(whole)
        best = whole
        if content != 1:
            for c in {content, abs(content)}:
                inner = base if c == content else self.scaled_sum(Fraction(-1), base)
                best = min(best, compose(c, *_placed(inner)), key=length)
        if best.op == "add" and any(a.op == "t" or any(b.op == "t" for b in a.args) for a in best.args):
            turned = self.turned(best)
            if length(turned) + 1 < length(best):
                return ops.transpose(turned)
        return best

    def _shared(self, terms: Terms) -> list[tuple[str, Expr, Terms]]:
        """Groups of terms that share a factor: on the left, on the right, as a scalar, elementwise."""
        groups: dict[tuple[str, Expr], list[Expr]] = {}
        for t in terms:
            p = parts(t)
            marks: set[tuple[str, Expr]] = {
                ("below" if is_negative(k) and b is not E else "scalar", b) for b, k in p.scalars.items()
            }
            if p.body:
                marks.add(("left", run(p.body[0])[0]))
                marks.add(("right", run(p.body[-1])[0]))
                if len(p.body) == 1:
                    h = had_parts(p.body[0])
                    marks |= {("hadbelow" if is_negative(k) and b is not E else "had", b) for b, k in h.bases.items()}
            if p.body and p.body[-1].cols is ONE:
                marks.update(("inner", end) for b, k in p.scalars.items() if k == 1 for end in _ends(b))
            if abs(terms[t]) != 1:
                marks.add(("number", ops.num(abs(terms[t]))))
            for mark in marks:
                groups.setdefault(mark, []).append(t)
        found: dict[tuple[str, Expr | None, frozenset[Expr]], Terms] = {}
        for (side, base), group in sorted(groups.items(), key=lambda g: (g[0][0], sort_key(g[0][1]))):
            if len(group) > 1 and base.op not in ("ones", "eye"):
                found.setdefault(
                    (side, base if side == "inner" else None, frozenset(group)), {t: terms[t] for t in group}
                )
        return [(side, base or ops.num(1), group) for (side, base, _), group in found.items()]

    def _split(self, shape: Shape, side: str, base: Expr, group: Terms) -> Shared | None:
        """What the terms of a group share on that side, and their rests; None if nothing after all."""
        if side == "number":
            size = abs(next(iter(group.values())))
            return shared_of(ops.num(size), [], [scaled_term(c / size, t) for t, c in group.items()])
        split = {t: parts(t) for t in group}
        if side == "inner":
            return self._split_inner(base, group, split)
        common = common_powers([p.scalars for p in split.values()])
        rests: list[Expr] = []
        outer: list[Expr] = []
        if side in ("scalar", "below"):
            if not common:
                return None
            for p in split.values():
                rests.append(compose(ONE_F, without(p.scalars, common), p.body))
        elif side in ("left", "right"):
            chains = [p.body if side == "left" else p.body[::-1] for p in split.values()]
            outer = common_prefix(self, chains)
            if not outer:
                return None
            for p, chain in zip(split.values(), chains, strict=True):
                rest = strip_prefix(self, chain, outer)
                if not rest:
                    edge = outer[-1].cols if side == "left" else outer[-1].rows
                    rest = [ops.eye(edge)] if edge is not ONE else []
                rests.append(compose(ONE_F, without(p.scalars, common), rest if side == "left" else rest[::-1]))
        else:
            elementwise = [had_parts(t) for t in group]
            shared = common_powers([h.bases for h in elementwise])
            if not shared:
                return None
            outer = [compose_had(HadParts(shape, ONE_F, {}, shared))]
            for h in elementwise:
                rest_had = HadParts(shape, ONE_F, without(h.scalars, common), without(h.bases, shared))
                rests.append(compose_had(rest_had))
        scaled_rests = [scaled_term(c, r) for c, r in zip(group.values(), rests, strict=True)]
        return shared_of(compose(ONE_F, common, []), outer, scaled_rests)

    def _split_inner(self, end: Expr, group: Terms, split: dict[Expr, Parts]) -> Shared:
        """(a'*x)*b as (b*a')*x: the terms with an inner product that ends in x, and x behind the sum of the rests."""
        rests: list[Expr] = []
        for t, p in split.items():
            inner = next(b for b, k in p.scalars.items() if k == 1 and end in _ends(b))
            chain = list(inner.args) if inner.args[-1] is end else [self.transpose(m) for m in reversed(inner.args)]
            scalars = {b: k for b, k in p.scalars.items() if b is not inner}
            rests.append(scaled_term(group[t], compose(ONE_F, scalars, [*p.body, *chain[:-1]])))
        return shared_of(ops.num(1), [end], rests)

    def _take_out(self, shape: Shape, side: str, shared: Shared) -> Expr:
        """What is shared in front of (or behind) the sum of the rests."""
        sums = self.collect(shared.rests)
        if not sums:
            return zero(shape)
        inner = self.factored(shared.rests[0].shape, sums)
        if side in ("had", "hadbelow"):
            return self.had(shared.front, *shared.outer, inner)
        behind = side in ("right", "inner")
        left = [] if behind else shared.outer
        right = shared.outer[::-1] if behind else []
        return self.mul(shared.front, *left, inner, *right)


class Shared(NamedTuple):
    """scalars * common factors * (sum of the rests), and about how long that is."""

    front: Expr
    outer: list[Expr]
    rests: list[Expr]
    length: int


def shared_of(front: Expr, outer: list[Expr], rests: list[Expr]) -> Shared:
    factors = [f for f in (front, *outer) if not (f.op == "num" and f.data == 1)]
    return Shared(front, outer, rests, sum(length(f) + 1 for f in factors) + sum(map(length, rests)))


def _is_identity(e: Expr) -> bool:
    """A multiple of the identity matrix?"""
    return not e.is_scalar and any(m.op == "eye" for m in parts(e).body)


def _ends(e: Expr) -> tuple[Expr, ...]:
    """The columns at the two ends of an inner product."""
    if e.op != "mul" or not e.is_scalar:
        return ()
    first = e.args[0]
    return (e.args[-1], first.args[0]) if first.op == "t" else (e.args[-1],)


def _placed(e: Expr) -> tuple[Powers, list[Expr]]:
    return ({e: ONE_F}, []) if e.is_scalar else ({}, [e])


def common_powers(all_powers: list[Powers]) -> Powers:
    """What every product has: numbers of one sign give the smaller, other exponents must agree."""
    first, *rest = all_powers
    out: Powers = {}
    for base, k in first.items():
        for other in rest:
            x = other.get(base)
            if x is None:
                break
            if x == k:
                continue
            if isinstance(x, Fraction) and isinstance(k, Fraction):
                if (x < 0) != (k < 0):
                    break
                k = min(x, k, key=abs)
            elif isinstance(add_exponents(x, scale_exponent(k, Fraction(-1))), Fraction):  # s^t and s^(t - 1)
                k = min(x, k, key=lambda e: length(as_expr(e)))
            else:
                break
        else:
            out[base] = k
    return out


def without(powers: Powers, common: Powers) -> Powers:
    """powers / common."""
    out = dict(powers)
    for base, k in common.items():
        x = out.pop(base)
        if x != k:
            out[base] = add_exponents(x, scale_exponent(k, Fraction(-1)))
    return out


def common_prefix(algebra: Algebra, chains: list[list[Expr]]) -> list[Expr]:
    """The factors that all chains begin with; of powers of one matrix the smaller."""
    out: list[Expr] = []
    for column in zip(*chains, strict=False):
        if all(n is column[0] for n in column):
            out.append(column[0])
            continue
        runs = [run(n) for n in column]
        base = runs[0][0]
        ks = [k for b, k in runs if b is base and isinstance(k, Fraction)]
        if len(ks) == len(runs) and len({k < 0 for k in ks}) == 1:
            out.append(algebra.run_node(base, min(ks, key=abs)))
        break
    return out


def strip_prefix(algebra: Algebra, chain: list[Expr], prefix: list[Expr]) -> list[Expr]:
    """The chain after its prefix."""
    rest = list(chain[len(prefix) :])
    last, taken = chain[len(prefix) - 1], prefix[-1]
    if last is not taken:
        base, k = run(last)
        rest.insert(0, algebra.run_node(base, k - run(taken)[1]))  # type: ignore[attr-defined, operator]
    return rest
