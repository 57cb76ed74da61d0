"""Short sums: like terms collected, common factors taken out, signs and contents chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise, product
from math import gcd, lcm, prod
from typing import NamedTuple

from matcalc import ops
from matcalc.algebra import Algebra, is_zero, zero
from matcalc.errors import BudgetError
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
    include,
    is_negative,
    is_whole,
    parts,
    scale_exponent,
    scaled,
)
from matcalc.facts import known
from matcalc.measure import length
from matcalc.order import sort_key
from matcalc.products import run
from matcalc.shapes import ONE, Shape
from matcalc.squares import Squares

SEARCHED = 40  # terms of a sum among which common factors are searched pairwise
EXPANDED = 24  # terms that distributing may make when a shorter form is looked for

Terms = dict[Expr, Fraction]


class Sums(Squares):
    """add, primitive, and the distribution of products over sums."""

    budget: int
    given_up: set[str]
    quiet: int = 0  # > 0 while a search is under way: no search inside a search

    def add(self, *terms: Expr) -> Expr:
        shape = terms[0].shape
        collected = self.collect(terms)
        if self.expanding:
            return plain_sum(shape, collected)
        found = self.factored(shape, collected)
        if self.quiet:
            return found
        self.quiet += 1
        try:
            others = [self._reexpanded(shape, collected), self._over_common_denominator(shape, collected)]
        finally:
            self.quiet -= 1
        return self.shortened_by_distributing(min([found, *(o for o in others if o is not None)], key=length))

    # --- collecting -------------------------------------------------------------------------------

    def collect(self, terms: Iterable[Expr]) -> Terms:
        """Nested sums flattened, numeric factors distributed, like terms added up."""
        totals: Terms = {}
        todo = [(ONE_F, t) for t in reversed(list(terms))]
        while todo:
            c, e = todo.pop()
            if is_zero(e):
                continue
            if e.op == "add":
                todo.extend((c, a) for a in reversed(e.args))
                continue
            if e.op == "t" and e.args[0].op == "add":
                todo.extend((c, self.transpose(a)) for a in reversed(e.args[0].args))
                continue
            p = parts(e)
            alone = _single_sum(p)
            if alone is not None:
                todo.extend((c * p.coef, a) for a in reversed(alone.args))
                continue
            rest = compose(ONE_F, p.scalars, p.body) if p.coef != 1 else e
            totals[rest] = totals.get(rest, Fraction(0)) + c * p.coef
        return self._blocks_merged({e: c for e, c in totals.items() if c})

    def _blocks_merged(self, terms: Terms) -> Terms:
        """[a; b] + [c; d] = [a + c; b + d], for blocks cut the same way."""
        cuts: dict[object, list[Expr]] = {}
        for t in terms:
            if t.op == "block":
                cuts.setdefault((t.data, tuple(a.shape for a in t.args)), []).append(t)
        for group in cuts.values():
            if len(group) > 1:
                entries = [
                    self.add(*(self.mul(ops.num(terms[t]), e) for t, e in zip(group, column, strict=True)))
                    for column in zip(*(t.args for t in group), strict=True)
                ]
                terms = {t: c for t, c in terms.items() if t not in group}
                merged = self.build(group[0], tuple(entries))
                if not is_zero(merged):
                    terms[merged] = terms.get(merged, Fraction(0)) + 1
        return terms

    def primitive(self, e: Expr) -> tuple[Fraction, Expr]:
        if e.op != "add":
            return ONE_F, e
        terms = self.collect([e])
        if len(terms) < 2:
            return ONE_F, e
        content = _content(terms.values())
        if terms[min(terms, key=sort_key)] < 0:
            content = -content
        return content, plain_sum(e.shape, {r: c / content for r, c in terms.items()})

    def scaled_sum(self, c: Fraction, e: Expr) -> Expr:
        """c times each term of a sum."""
        return plain_sum(e.shape, {r: c * k for r, k in map(coefficient, e.args)})

    def turned(self, e: Expr) -> Expr:
        """The transpose of a sum, term by term."""
        return plain_sum((e.cols, e.rows), self.collect([self.transpose(a) for a in e.args]))

    # --- factoring --------------------------------------------------------------------------------

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

    # --- distributing -----------------------------------------------------------------------------

    def _reexpanded(self, shape: Shape, terms: Terms) -> Expr | None:
        """The sum after distributing its products over the sums in them, if that lets terms meet."""
        expanded: list[Expr] = []
        any_sum = False
        sigmoids = self._opposite_sigmoids(terms)
        for t, c in terms.items():
            more = self.distributed(scaled(c, t), EXPANDED)
            if more is None:
                return None
            any_sum |= len(more) > 1
            expanded.extend(more)
            if len(expanded) > EXPANDED:
                return None
        if not any_sum and not sigmoids:
            return None
        collected = self._sigmoids_met(self.collect(expanded))
        if not collected:
            return zero(shape)
        if len(collected) == len(expanded) > 6:
            return None
        return self.factored(shape, collected)

    def cleared(self, e: Expr) -> tuple[Powers, Expr] | None:
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
            for base, k in below.items():
                include(p.scalars, base, -k)  # type: ignore[operator]
            terms[compose(ONE_F, p.scalars, p.body)] = p.coef
        return below, plain_sum(e.shape, terms)

    def _sigmoids_met(self, terms: Terms) -> Terms:
        """The terms with sigmoid(-u) as 1 - sigmoid(u) where both signs occur and fewer terms come of it."""
        opposite = self._opposite_sigmoids(terms)
        if not opposite:
            return terms
        more: list[Expr] = []
        plain = type(self)()  # without the table, which would turn 1 - sigmoid(u) back
        plain.quiet = 1
        for t, c in terms.items():
            split = plain.distributed(plain(scaled(c, ops.substitute(t, opposite))), EXPANDED)
            if split is None:
                return terms
            more.extend(split)
        met = self.collect(more)
        return met if len(met) <= len(terms) else terms

    def _opposite_sigmoids(self, terms: Terms) -> dict[Expr, Expr]:
        """Where sigmoid(u) and sigmoid(-u) stand in one sum: sigmoid(-u) as 1 - sigmoid(u), so that they can meet."""
        found = {n for t in terms for n in _factors_of(t) if n.op == "fn" and n.data == "sigmoid"}
        out: dict[Expr, Expr] = {}
        for n in found:
            u = n.args[0]
            opposite = ops.fn("sigmoid", self.neg(u))
            if opposite in found and (self.primitive(u)[0] if u.op == "add" else parts(u).coef) < 0:
                out[n] = ops.sub(ops.lift(ops.num(1), n.shape), opposite)
        return out

    def _over_common_denominator(self, shape: Shape, terms: Terms) -> Expr | None:
        """The sum as one quotient: a/c - b/d = (a*d - b*c)/(c*d), for few terms with sums below."""
        if not 1 < len(terms) <= 4:
            return None
        split = [(parts(t), c) for t, c in terms.items()]
        if all(not p.body for p, _ in split):
            powers = [p.scalars for p, _ in split]
        elif all(len(p.body) == 1 for p, _ in split):
            powers = [had_parts(t).bases for t in terms]
        else:
            return None
        below: Powers = {}
        for power in powers:
            for base, k in power.items():
                if is_whole(k) and k < 0 and base is not E:  # type: ignore[operator]
                    below[base] = max(below.get(base, ONE_F), -k)  # type: ignore[operator, type-var]
        if not any(b.op == "add" for b in below) or not all(b.op in ("add", "sym") for b in below):
            return None
        scalar = not split[0][0].body
        product = compose(ONE_F, below, []) if scalar else compose_had(HadParts(shape, ONE_F, {}, below))
        raised: list[Expr] = []
        for t, c in terms.items():
            more = self.distributed(self.had(scaled(c, t), product), EXPANDED)
            if more is None:
                return None
            raised.extend(more)
        collected = self.collect(raised)
        if not collected:
            return zero(shape)
        over = {b: -k for b, k in below.items()}  # type: ignore[operator]
        bottom = compose(ONE_F, over, []) if scalar else compose_had(HadParts(shape, ONE_F, {}, over))
        return self.had(self.factored(shape, collected), bottom)

    def shortened_by_distributing(self, e: Expr) -> Expr:
        """A product with sums in it, or the sum that comes of distributing and collecting, whichever is shorter."""
        if self.quiet or self.expanding or not _worth_distributing(e):
            return e
        self.quiet += 1
        try:
            terms = self.distributed(e, EXPANDED // 2)
            if terms is None or len(terms) < 2:
                return e
            collected = self._sigmoids_met(self.collect(terms))
            if not collected:
                return zero(e.shape)
            other = self.factored(e.shape, collected)
        finally:
            self.quiet -= 1
        return other if length(other) < length(e) else e

    def distributed(self, e: Expr, limit: int) -> list[Expr] | None:
        """The terms of a product distributed over the sums in it; None if there would be more than ``limit``."""
        done: list[Expr] = []
        todo = [e]
        while todo:
            current = todo.pop()
            batch = self._distribute_once(current, limit)
            if batch is None:
                done.append(current)
            elif not batch:
                return None
            else:
                todo.extend(reversed(batch))
            if len(done) + len(todo) > limit:
                return None
        return done

    def _distribute_once(self, e: Expr, limit: int) -> list[Expr] | None:
        """One round: None if no sum is a factor, [] if too many terms would come out. Sums that hold quotients go
        first, so that their denominators meet the other factors while these are whole."""
        if e.op == "add":
            return list(e.args)
        if e.op == "t" and e.args[0].op == "add":
            return [self.transpose(a) for a in e.args[0].args]
        p = parts(e)
        had = had_parts(p.body[0]) if len(p.body) == 1 and p.body[0].op != "add" else None
        bases = [(b, k) for b, k in p.scalars.items()] + ([(b, k) for b, k in had.bases.items()] if had else [])
        sums = [b for b, k in bases if b.op == "add" and is_whole(k) and k > 0]  # type: ignore[operator]
        links = (
            [] if had and had.bases and set(had.bases) != set(p.body) else [m for m in p.body if _sum_in(m) is not None]
        )
        if had and p.body[0] in sums:
            links = []
        if not sums and not links:
            return None
        with_quotients = [b for b in sums if _has_quotient(b)]
        chosen = with_quotients or sums
        if with_quotients:
            links = []
        alternatives: list[Sequence[Expr]] = []
        for b, k in bases:
            if b in chosen:
                alternatives.extend([b.args] * int(k))  # type: ignore[arg-type]
        size = prod(len(a) for a in alternatives) * prod(len(_terms_of(self, m)) for m in links)
        if size > limit:
            return []
        scalars = {b: k for b, k in p.scalars.items() if b not in chosen}
        front = compose(p.coef, scalars, [])
        out: list[Expr] = []
        if had and not links:
            rest = compose_had(
                HadParts(had.shape, had.coef, had.scalars, {b: k for b, k in had.bases.items() if b not in chosen})
            )
            out.extend(self.had(front, rest, *choice) for choice in product(*alternatives))
            return out
        chain = [_terms_of(self, m) if m in links else [m] for m in p.body]
        for choice in product(*alternatives):
            out.extend(self.mul(front, *choice, *body) for body in product(*chain))
        return out

    def distribute(self, coef: Fraction, scalars: Powers, body: list[Expr]) -> Expr:
        """In normal form: the product as a sum of products without sums."""
        whole = compose(coef, scalars, body)
        terms = self._distribute_once(whole, self.budget) if whole.op != "add" else None
        if terms is None:
            return whole
        self.budget -= len(terms)
        if not terms or self.budget < 0:
            raise BudgetError("the expanded form is too large")
        return self.add(*terms)


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


def _factors_of(t: Expr) -> list[Expr]:
    """The scalar and elementwise factors of a term."""
    p = parts(t)
    return [*p.scalars, *(b for m in p.body for b in had_parts(m).bases)]


def _ends(e: Expr) -> tuple[Expr, ...]:
    """The columns at the two ends of an inner product."""
    if e.op != "mul" or not e.is_scalar:
        return ()
    first = e.args[0]
    return (e.args[-1], first.args[0]) if first.op == "t" else (e.args[-1],)


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


def _placed(e: Expr) -> tuple[Powers, list[Expr]]:
    return ({e: ONE_F}, []) if e.is_scalar else ({}, [e])


def _single_sum(p: Parts) -> Expr | None:
    """The sum in c*(a + b), when nothing else multiplies it."""
    if not p.scalars and len(p.body) == 1 and p.body[0].op == "add":
        return p.body[0]
    if not p.body and len(p.scalars) == 1:
        ((base, k),) = p.scalars.items()
        if base.op == "add" and k == 1:
            return base
    return None


def _sum_in(m: Expr) -> Expr | None:
    if m.op == "add":
        return m
    return m.args[0] if m.op == "t" and m.args[0].op == "add" else None


def _terms_of(algebra: Algebra, m: Expr) -> Sequence[Expr]:
    return m.args if m.op == "add" else [algebra.transpose(a) for a in m.args[0].args]


def _worth_distributing(e: Expr) -> bool:
    """Can distributing make terms meet: two sums, a sum of quotients, a sum with an inverse beside matrices?"""
    if e.op not in ("mul", "had"):
        return False
    p = parts(e)
    sums = [b for b, k in p.scalars.items() if b.op == "add" and is_whole(k) and k > 0]  # type: ignore[operator]
    if len(p.body) == 1:
        sums += [b for b, k in had_parts(p.body[0]).bases.items() if b.op == "add" and is_whole(k) and k > 0]  # type: ignore[operator]
    else:
        sums += [s for m in p.body if (s := _sum_in(m)) is not None]
    if len(sums) > 1 or any(_has_quotient(s) or _has_inverse(s) for s in sums):
        return True
    return any(_meets(a, b) for a, b in pairwise(p.body)) or any(_spreads(s) for s in sums if not e.is_scalar)


def _spreads(e: Expr) -> bool:
    """A sum of columns or rows spread over a matrix, as x*ones(1, n) - ones(n, 1)*x': each scales rows or columns."""
    if ONE in e.shape:
        return False
    bodies = [parts(t).body for t in e.args]
    return all(len(b) > 1 and (b[0].op == "ones" or b[-1].op == "ones") for b in bodies)


def _meets(a: Expr, b: Expr) -> bool:
    """Is there more to gain: Q'*(Q*A + ...) for an orthogonal Q, (A*diag(x) + ...)*ones(n)?"""
    if b.op == "ones" and a.op == "add" and any(m.op == "diagmat" for t in a.args for m in parts(t).body[-1:]):
        return True
    return _meets_own_transpose(a, b)


def _meets_own_transpose(a: Expr, b: Expr) -> bool:
    """Q'*(Q*A + ...) and (... + A*Q)*Q' for an orthogonal Q."""
    if b.op == "add" and known(a, "orthogonal"):
        return any((first := parts(t).body[0]).args[:1] == (a,) or a.args[:1] == (first,) for t in b.args)
    if a.op == "add" and known(b, "orthogonal"):
        return any((last := parts(t).body[-1]).args[:1] == (b,) or b.args[:1] == (last,) for t in a.args)
    return False


def _has_inverse(e: Expr) -> bool:
    return any(run(m)[1] != 1 for a in e.args for m in parts(a).body)


def _has_quotient(e: Expr) -> bool:
    for a in e.args:
        p = parts(a)
        if any(is_negative(k) for k in p.scalars.values()):
            return True
        if len(p.body) == 1 and any(is_negative(k) for k in had_parts(p.body[0]).bases.values()):
            return True
    return False


def _content(values: Iterable[Fraction]) -> Fraction:
    values = list(values)
    return Fraction(reduce(gcd, (v.numerator for v in values)), reduce(lcm, (v.denominator for v in values)))


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
