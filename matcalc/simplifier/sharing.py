"""Common factors of the terms of a sum: taken out on the left, on the right, as scalars, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.order import sort_key
from matcalc.printing.measure import length
from matcalc.shapes import ONE, Shape
from matcalc.simplifier.algebra import Algebra, zero
from matcalc.simplifier.factors import (
    ONE_F,
    E,
    Exponent,
    FixedPowers,
    HadParts,
    Parts,
    Powers,
    add_exponents,
    as_exponent,
    as_expr,
    compose,
    compose_had,
    had_parts,
    include,
    is_negative,
    is_whole,
    parts,
    put,
    run,
    scale_exponent,
    scaled,
)
from matcalc.simplifier.terms import Terms, coefficient, content, plain_sum, scaled_term

SEARCHED = 40  # terms of a sum among which common factors are searched pairwise


class Sharing(Algebra):
    """Sums factored, greedily."""

    given_up: set[str]
    scalars_only: bool = False  # nothing but scalars is taken out of sums
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
                step = self._best_step(shape, terms) or self._met(shape, terms)
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
                    and side not in ("number", "end")
                    and not (side in ("left", "right", "inner") and any(map(_is_identity, shared.rests)))
                )
                entries = side in ("scalar", "had") or all(r.is_scalar for r in shared.rests)
                if saved >= (0 if even or (entries and side != "number") else 1):  # A - A*B, but p .* (1 - p)
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

    def _met(self, shape: Shape, terms: Terms) -> Terms | None:
        """a + b + c*(a + b) as (1 + c)*(a + b): a sum beside a multiple of itself; None if there is none."""
        for t, c in terms.items() if not self.scalars_only else ():
            for side, whole, others in _sums_multiplied(t):
                beside = self._beside(whole, terms)
                if beside is None:
                    continue
                q, group = beside
                if side == "entries":
                    made = self.had(self.add(scaled(q, ops.ones(*shape)), scaled(c, others)), whole)
                else:
                    one = ops.num(q) if others.is_scalar else scaled(q, ops.eye(others.rows))
                    both = self.add(one, scaled(c, others))
                    made = self.mul(whole, both) if side == "right" else self.mul(both, whole)
                if made.op == "add" or length(made) >= length(plain_sum(shape, {t: c, **group})):
                    continue
                rest, k = coefficient(made)
                left = {a: b for a, b in terms.items() if a is not t and a not in group}
                left[rest] = left.get(rest, Fraction(0)) + k
                return {a: b for a, b in left.items() if b}
        return None

    def _beside(self, whole: Expr, terms: Terms) -> tuple[Fraction, Terms] | None:
        """q and the terms that make up q*whole: the sum as one term, turned about perhaps, or its terms; or None."""
        inside = self.collect([whole])
        for sign in (1, -1):
            one = whole if sign == 1 else plain_sum(whole.shape, {a: -k for a, k in inside.items()})
            if one in terms:
                return sign * terms[one], {one: terms[one]}
        ratios = {terms[a] / k if a in terms else None for a, k in inside.items()}
        q = ratios.pop()
        return None if ratios or q is None else (q, {a: terms[a] for a in inside})

    def _signed(self, whole: Expr) -> Expr:
        """The sum as it is, with its content in front, or transposed as a whole, whichever is shortest."""
        if whole.op != "add":
            return whole
        size, base = self.primitive(whole)
        best = whole
        if size != 1:
            for c in (size, abs(size)):
                inner = self._signs_inside(base if c == size else self.scaled_sum(Fraction(-1), base))
                best = min(best, compose(c, *_placed(inner)), key=length)
        best = self._with_signs_inside(min(best, self._with_content(whole), key=length))
        if best.op == "add" and any(a.op == "t" or any(b.op == "t" for b in a.args) for a in best.args):
            turned = self.turned(best)
            chained = ONE not in whole.shape and any(len(parts(a).body) > 1 for a in best.args)
            if length(turned) + (not chained) < length(best):  # rather (A - B*C')' than A' - C*B'
                best = ops.transpose(turned)
            each = self._turned_apart(whole)
            if length(each) < length(best):
                best = each
        return best

    def _with_signs_inside(self, whole: Expr) -> Expr:
        """The same for a sum with or without its content in front."""
        p = parts(whole)
        sums = [m for m in (*p.body, *p.scalars) if m.op == "add"]
        if whole.op == "add":
            other = self._signs_inside(whole)
        elif len(sums) == 1 and len(p.body) + len(p.scalars) == 1:
            other = compose(p.coef, *_placed(self._signs_inside(sums[0])))
        else:
            return whole
        return other if length(other) <= length(whole) else whole

    def _signs_inside(self, whole: Expr) -> Expr:
        """B*(C - A) + D rather than D - B*(A - C): a sum takes the sign of its term where fewer are subtracted then."""
        terms: Terms = {}
        leading = all(coefficient(t)[1] < 0 for t in whole.args)  # a minus in front of all
        for t in whole.args:
            rest, c = coefficient(t)
            moved = self._opposite(rest, leading) if c < 0 else None
            leading &= moved is None
            if moved is not None:
                rest, c = moved, -c
            terms[rest] = terms.get(rest, Fraction(0)) + c
        return plain_sum(whole.shape, {t: c for t, c in terms.items() if c})

    def _opposite(self, product: Expr, anyhow: bool) -> Expr | None:
        """-product, one of the sums in it turned about, if no more of its terms are subtracted then, or ``anyhow``."""
        p = parts(product)
        for b, k in p.scalars.items():
            if is_whole(k) and k % 2 and _turns(b, anyhow):  # type: ignore[operator]
                others = {a: x for a, x in p.scalars.items() if a is not b}
                return compose(p.coef, {**others, self.scaled_sum(Fraction(-1), b): k}, p.body)
        for i, m in enumerate(p.body):
            core = _untransposed(m)
            alone = len(p.body) + len(p.scalars) == 1
            if _turns(core, anyhow) and not alone and sum(_untransposed(n) is core for n in p.body) == 1:
                turned = self.scaled_sum(Fraction(-1), core)
                new = turned if m is core else self.transpose(turned)
                return compose(p.coef, p.scalars, [*p.body[:i], new, *p.body[i + 1 :]])
        if len(p.body) == 1 and p.body[0].op == "had":
            h = had_parts(p.body[0])
            for b, k in h.bases.items():
                if is_whole(k) and k % 2 and _turns(b, anyhow):  # type: ignore[operator]
                    bases = {self.scaled_sum(Fraction(-1), a) if a is b else a: x for a, x in h.bases.items()}
                    made = parts(compose_had(HadParts(h.shape, h.coef, h.scalars, bases)))
                    scalars = {**p.scalars}
                    for a, x in made.scalars.items():
                        include(scalars, a, x)
                    return compose(p.coef * made.coef, scalars, made.body)
        return None

    def _turned_apart(self, whole: Expr) -> Expr:
        """The sum with each of its terms as the transpose of another product, where that is shorter."""
        terms: Terms = {}
        for t in whole.args:
            rest, c = coefficient(t)
            turned = self.transpose(rest) if rest.op == "mul" else rest
            terms[ops.transpose(turned) if length(turned) + 1 < length(rest) else rest] = c
        return plain_sum(whole.shape, terms)

    def _with_content(self, whole: Expr) -> Expr:
        """The sum with the number in front that divides its terms where sums in these are primitive."""
        terms: Terms = {}
        for a in whole.args:
            p = parts(a)
            sums = [i for i, m in enumerate(p.body) if m.op == "add"]
            body, size = list(p.body), ONE_F
            if sums:
                size, body[sums[0]] = self.primitive(body[sums[0]])
            terms[compose(ONE_F, p.scalars, body)] = p.coef * size
        size = content(terms.values())
        if size == 1 or len(terms) < len(whole.args):
            return whole
        inner = plain_sum(whole.shape, {t: c / size for t, c in terms.items()})
        return compose(size, *_placed(inner))

    def _shared(self, terms: Terms) -> list[tuple[str, Expr, Terms]]:
        """Groups of terms that share a factor: on the left, on the right, as a scalar, elementwise."""
        groups: dict[tuple[str, Expr], list[Expr]] = {}
        for t in terms:
            p = parts(t)
            marks: set[tuple[str, Expr]] = {
                ("below" if is_negative(k) and b is not E else "scalar", b) for b, k in p.scalars.items()
            }
            if p.body:
                for side, m in (("left", _split_ones(p.body)[0]), ("right", _split_ones(p.body)[-1])):
                    if m.op != "ones" or len(p.body) > 1:
                        marks.add((side, run(m)[0]))
                if len(p.body) == 1:
                    h = had_parts(p.body[0])
                    marks |= {("hadbelow" if is_negative(k) and b is not E else "had", b) for b, k in h.bases.items()}
            if p.body and p.body[-1].cols is ONE:
                marks.update(("diagonal", b) for b in _scaled_ends(p))
                marks.update(("inner", end) for b, k in p.scalars.items() for end in (*_ends(b, k), p.body[-1]))
            marks.update(_reductions(p))
            if abs(terms[t]) != 1:
                marks.add(("number", ops.num(abs(terms[t]))))
            for mark in marks:
                if not self.scalars_only or mark[0] in ("scalar", "below", "number"):
                    groups.setdefault(mark, []).append(t)
        found: dict[tuple[str, Expr | None, frozenset[Expr]], Terms] = {}
        for (side, base), group in sorted(groups.items(), key=lambda g: (g[0][0], sort_key(g[0][1]))):
            if base.op == "eye" or (base.op == "ones" and side not in ("left", "right")):
                continue
            if side == "diagonal" and len({len(parts(t).body) > 1 for t in group}) == 1:
                continue
            longer = [t for t in group if len(parts(t).body) > 1]  # (A + B)*x - s*x, not (A + B - s*eye(n))*x
            for some in (longer, group) if side in ("left", "right") and len(longer) < len(group) else (group,):
                if len(some) > 1:
                    found.setdefault(
                        (side, base if side in ("inner", "diagonal", *_REDUCTIONS) else None, frozenset(some)),
                        {t: terms[t] for t in some},
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
        if side == "diagonal":
            return self._split_diagonal(base, group, split)
        if side in _REDUCTIONS:
            return self._split_reduction(side, base, group, split)
        common = common_powers([p.scalars for p in split.values()])
        rests: list[Expr] = []
        outer: list[Expr] = []
        if side in ("scalar", "below"):
            if not common:
                return None
            for p in split.values():
                rests.append(compose(ONE_F, without(p.scalars, common), p.body))
        elif side in ("left", "right"):
            chains = [_split_ones(p.body)[:: 1 if side == "left" else -1] for p in split.values()]
            outer = common_prefix(self, chains)
            if not outer:
                return None
            stripped = [strip_prefix(self, chain, outer) for chain in chains]
            if any(stripped) and not all(stripped) and len(outer) > 1:
                outer = outer[:-1]  # (A*B - B)*C rather than (A - eye(n))*B*C
                stripped = [strip_prefix(self, chain, outer) for chain in chains]
            for p, rest in zip(split.values(), stripped, strict=True):
                if not rest:
                    edge = outer[-1].cols if side == "left" else outer[-1].rows
                    rest = [ops.eye(edge)] if edge is not ONE and any(stripped) else []
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
            if len(shared) == 1 and all(ops.unlift(r) is not None for r in rests):
                return None  # a .* (s*ones(n)) is s*a: they share a on the left
        scaled_rests = [scaled_term(c, r) for c, r in zip(group.values(), rests, strict=True)]
        return shared_of(compose(ONE_F, common, []), outer, scaled_rests)

    def _split_inner(self, end: Expr, group: Terms, split: dict[Expr, Parts]) -> Shared:
        """(a'*x)*b as (b*a')*x: the terms with an inner product that ends in x, and x behind the sum of the rests."""
        rests: list[Expr] = []
        for t, p in split.items():
            if p.body[-1] is end:
                scalars, body = p.scalars, p.body[:-1] or [ops.eye(end.rows)]
            else:
                scalars, chain = self._without_end(p, end)
                body = [*p.body, *chain]
            rests.append(scaled_term(group[t], compose(ONE_F, scalars, body)))
        return shared_of(ops.num(1), [end], rests)

    def _split_diagonal(self, end: Expr, group: Terms, split: dict[Expr, Parts]) -> Shared:
        """u .* x + A*x as (diag(u) + A)*x."""
        rests: list[Expr] = []
        for t, p in split.items():
            chain = p.body[:-1]
            if not chain:
                h = had_parts(p.body[0])
                chain = [ops.diag(compose_had(HadParts(h.shape, ONE_F, {}, without(h.bases, {end: ONE_F}))))]
            rests.append(scaled_term(group[t], compose(ONE_F, p.scalars, chain)))
        return shared_of(ops.num(1), [end], rests)

    def _without_end(self, p: Parts, end: Expr) -> tuple[Powers, list[Expr]]:
        """The scalars without one inner product a'*end, and a' as a chain."""
        inner = next(b for b, k in p.scalars.items() if end in _ends(b, k))
        scalars = dict(p.scalars)
        if inner.op == "norm2":
            include(scalars, inner, Fraction(-2))
            return scalars, [self.transpose(end)]
        if inner.op == "sum":
            include(scalars, inner, Fraction(-1))
            return scalars, [ops.ones(ONE, end.rows)]
        del scalars[inner]
        chain = list(inner.args) if inner.args[-1] is end else [self.transpose(m) for m in reversed(inner.args)]
        return scalars, chain[:-1]

    def _split_reduction(self, side: str, base: Expr, group: Terms, split: dict[Expr, Parts]) -> Shared | None:
        """Inner products with one end as one; sums of entries as the sum of one array; traces as the trace of a sum."""
        rests: list[Expr] = []
        for t, p in split.items():
            scalars = dict(p.scalars)
            if side == "end":
                scalars, chain = self._without_end(p, base)
                rest = self.mul(compose(ONE_F, scalars, []), *(self.transpose(m) for m in reversed(chain)))
            elif side == "columns":
                reduced = p.body[0].op == "sum"
                if not reduced:
                    del scalars[ops.dim(base.rows)]
                array = p.body[0].args[0] if reduced else ops.mul(ops.ones(base.rows, ONE), *p.body)
                rest = self.mul(compose(ONE_F, scalars, []), array)
            else:
                inner = next((b for b, k in scalars.items() if k == 1 and _reduced(b) == (side, base)), None)
                if inner is None:
                    inner = ops.dim(base.rows)
                del scalars[inner]
                array = inner.args[0] if inner.args else ops.ones(*base.shape)
                rest = self.had(compose(ONE_F, scalars, []), array)
            rests.append(scaled_term(group[t], rest))
        if side == "end":
            return shared_of(ops.num(1), [ops.transpose(base)], rests)
        if not any(b.op == _REDUCTIONS[side] for p in split.values() for b in (*p.scalars, *p.body)):
            return None
        return Shared(ops.num(1), [], rests, (1 if side != "columns" else 4) + _total_length(rests))

    def _take_out(self, shape: Shape, side: str, shared: Shared) -> Expr:
        """What is shared in front of (or behind) the sum of the rests."""
        sums = self.collect(shared.rests)
        if not sums:
            return zero(shape)
        inner = self.factored(shared.rests[0].shape, sums)
        if side in ("had", "hadbelow"):
            return self.had(shared.front, *shared.outer, inner)
        if side in ("entries", "columns"):
            return self.total(inner, None if side == "entries" else 0)
        if side == "trace":
            return self.trace(inner)
        behind = side in ("right", "inner", "diagonal")
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
    size = sum(length(f) + (-1 if divides(f) else 1) for f in factors)  # 1/t is three symbols, but x/t only two more
    return Shared(front, outer, rests, size + _total_length(rests))


def _total_length(terms: list[Expr]) -> int:
    """The length of terms that stand in one sum, where s*ones(n) reads s."""
    return sum(length(t if (s := ops.unlift(t)) is None else s) for t in terms)


def divides(f: Expr) -> bool:
    """Is it a reciprocal?"""
    return f.op == "pow" and is_negative(as_exponent(f.args[1]))


def _split_ones(body: Sequence[Expr]) -> list[Expr]:
    """The chain with ones(m, n) at its ends as ones(m)*ones(1, n)."""
    out: list[Expr] = []
    for i, m in enumerate(body):
        cut = m.op == "ones" and ONE not in m.shape and i in (0, len(body) - 1) and len(body) > 1
        out.extend([ops.ones(m.rows, ONE), ops.ones(ONE, m.cols)] if cut else [m])
    return out


def _is_identity(e: Expr) -> bool:
    """A multiple of the identity matrix?"""
    return not e.is_scalar and any(m.op == "eye" for m in parts(e).body)


# the sides on which terms share a reduction, and its operation
_REDUCTIONS = {"end": "mul", "entries": "sum", "columns": "sum", "trace": "tr"}


def _reduced(b: Expr) -> tuple[str, Expr] | None:
    """Is it a sum of entries or a trace, and of what shape?"""
    if b.op == "sum" and b.data is None:
        return "entries", zero(b.args[0].shape)
    return ("trace", zero(b.args[0].shape)) if b.op == "tr" else None


@lru_cache(maxsize=1 << 14)
def _moves(e: Expr) -> bool:
    """Does a differential occur? Its traces are read one by one."""
    return any(n.op == "d" for n in topological(e))


def _reductions(p: Parts) -> Iterator[tuple[str, Expr]]:
    """Inner products, sums of entries and traces that may be joined with those of other terms."""
    if not p.body:
        for b, k in p.scalars.items():
            if b.args and _moves(b):
                continue
            yield from (("end", end) for end in _ends(b, k))
            if k == 1 and (mark := _reduced(b)) is not None:
                yield mark
            if k == 1 and b.op == "dim":  # n*b is sum(b*ones(n))
                yield "entries", zero((b.data, ONE))  # type: ignore[arg-type]
    elif len(p.body) == 1 and p.body[0].rows is ONE:
        (row,) = p.body
        if row.op == "sum":
            yield "columns", zero(row.args[0].shape)
        else:
            yield from (("columns", zero((b.data, row.cols))) for b, k in p.scalars.items() if k == 1 and b.op == "dim")  # type: ignore[arg-type]


def _ends(e: Expr, k: Exponent) -> tuple[Expr, ...]:
    """The columns at the two ends of an inner product; x of norm2(x)^2 and of sum(x)."""
    if e.op == "norm2" and e.args[0].cols is ONE and is_whole(k) and k >= 2:  # type: ignore[operator]
        return (e.args[0],)
    if e.op == "sum" and e.data is None and e.args[0].cols is ONE and is_whole(k) and k >= 1:  # type: ignore[operator]
        return (e.args[0],)
    if e.op != "mul" or not e.is_scalar or k != 1:
        return ()
    first = e.args[0]
    return (e.args[-1], first.args[0]) if first.op == "t" else (e.args[-1],)


def _sums_multiplied(t: Expr) -> Iterator[tuple[str, Expr, Expr]]:
    """The sums that a term is a multiple of, with the rest and its side: c*(a + b), M*(a + b), M*(u .* (a + b))."""
    p = parts(t)
    for b in p.scalars if not p.body else ():
        if b.op == "add" and p.scalars[b] == 1 and b is not t:
            yield "left", b, compose(ONE_F, without(p.scalars, {b: ONE_F}), [])
    if not p.body:
        return
    last = p.body[-1]
    if last.op == "add" and last is not t and last.rows is (p.body[0].rows):
        yield "left", last, compose(ONE_F, p.scalars, p.body[:-1])
    if len(p.body) > 1 and p.body[0].op == "add" and last.cols is p.body[0].cols:
        yield "right", p.body[0], compose(ONE_F, p.scalars, p.body[1:])
    if last.op == "had":
        h = had_parts(last)
        for b in [b for b, k in h.bases.items() if b.op == "add" and k == 1]:
            rest = compose_had(HadParts(h.shape, ONE_F, {}, without(h.bases, {b: ONE_F})))
            if len(p.body) == 1:
                yield "entries", b, compose(ONE_F, p.scalars, [rest])
            elif last.cols is ONE and last.rows is p.body[0].rows:
                yield "left", b, compose(ONE_F, p.scalars, [*p.body[:-1], ops.diag(rest)])


def _scaled_ends(p: Parts) -> list[Expr]:
    """x of u .* x and of A*x."""
    if len(p.body) > 1:
        return [p.body[-1]]
    h = had_parts(p.body[0])
    return [b for b, k in h.bases.items() if k == 1 and len(h.bases) > 1]


def _placed(e: Expr) -> tuple[Powers, list[Expr]]:
    return ({e: ONE_F}, []) if e.is_scalar else ({}, [e])


def _turns(e: Expr, anyhow: bool) -> bool:
    """Is it a sum with as many terms subtracted as added, or more; ``anyhow``: with one subtracted?"""
    subtracted = sum(coefficient(a)[1] < 0 for a in e.args) if e.op == "add" else 0
    return subtracted > 0 and (anyhow or 2 * subtracted >= len(e.args))


def _untransposed(e: Expr) -> Expr:
    return e.args[0] if e.op == "t" else e


def common_powers(all_powers: Sequence[FixedPowers]) -> Powers:
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


def without(powers: FixedPowers, common: FixedPowers) -> Powers:
    """powers / common."""
    out = dict(powers)
    for base, k in common.items():
        x = out.pop(base)
        if x != k:
            put(out, base, add_exponents(x, scale_exponent(k, Fraction(-1))))
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
