"""Short sums: like terms collected, common factors taken out, signs and contents chosen."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr
from matcalc.order import sort_key
from matcalc.printing.measure import length
from matcalc.shapes import Shape
from matcalc.simplifier.algebra import is_zero, zero
from matcalc.simplifier.distributing import EXPANDED, Distributing, worth_distributing
from matcalc.simplifier.factors import (
    ONE_F,
    E,
    HadParts,
    Parts,
    Powers,
    compose,
    compose_had,
    had_parts,
    is_whole,
    parts,
    raised,
    run,
    scaled,
    times,
)
from matcalc.simplifier.sharing import Sharing
from matcalc.simplifier.squares import Squares
from matcalc.simplifier.terms import Terms, coefficient, content, is_spread, plain_sum, scaled_term

_INVERSES = 6  # terms of a sum in which the identity is put over an inverse


class Sums(Sharing, Distributing, Squares):
    """add, primitive, and what distributing its products makes of a sum."""

    quiet: int = 0
    primitives: dict[tuple[Expr, bool], tuple[Fraction, Expr]]
    scaled_sums: dict[tuple[Fraction, Expr, bool], Expr]

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
            others = [
                self._reexpanded(shape, collected),
                self._weights_opened(shape, collected),
                self._over_common_denominator(shape, collected),
                self._over_common_inverse(shape, collected),
            ]
        finally:
            self.quiet -= 1
        return self.shortened_by_distributing(min([*(o for o in others if o is not None), found], key=length))

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
            if (e.op == "t" and e.args[0].op == "mul") or is_spread(e):  # as other products, so that like terms meet
                e = compose(p.coef, p.scalars, p.body)
            alone = _single_sum(p)
            if alone is not None:
                c = times(c, p.coef)
                todo.extend((c, a) for a in reversed(alone.args))
                continue
            primitive = None if self.expanding else self._primitive_factors(p)
            if primitive is not None:
                p = primitive
                e = compose(p.coef, p.scalars, p.body)
            rest = compose(ONE_F, p.scalars, p.body) if p.coef != 1 else e
            c, before = times(c, p.coef), totals.get(rest)
            totals[rest] = c if before is None else before + c
        return self._blocks_merged(self._stacked_as_one({e: c for e, c in totals.items() if c}))

    def _primitive_factors(self, p: Parts) -> Parts | None:
        """The product with the content of its sums among the numbers: a sum and its multiples are one factor."""
        coef, scalars, body = p.coef, p.scalars, p.body
        inner = had_parts(body[0]) if len(body) == 1 and body[0].op in ("had", "pow") else None
        powers = [(b, k) for each in (scalars, inner.bases if inner else {}) for b, k in each.items()]
        sums = {b: self.primitive(b) for b, k in powers if b.op == "add" and is_whole(k)}
        sums |= {m: self.primitive(m) for m in body if m.op == "add" and len(body) > 1}
        sums = {b: found for b, found in sums.items() if found[0] != 1}
        if not sums:
            return None
        for b, k in powers:
            if b in sums:
                coef *= raised(sums[b][0], int(k))  # type: ignore[arg-type]
        for m in body:
            if m in sums:
                coef *= sums[m][0]
        kept = {sums[b][1] if b in sums else b: k for b, k in scalars.items()}
        if inner is not None:
            bases = {sums[b][1] if b in sums else b: k for b, k in inner.bases.items()}
            return parts(scaled(coef, compose_had(HadParts(inner.shape, inner.coef, {**kept, **inner.scalars}, bases))))
        return Parts(coef, kept, [sums[m][1] if m in sums else m for m in body])

    def _stacked_as_one(self, terms: Terms) -> Terms:
        """vec(A) - 2*vec(B) as vec(A - 2*B)."""
        stacked: dict[Shape, list[Expr]] = {}
        for t in terms:
            if t.op == "vec":
                stacked.setdefault(t.args[0].shape, []).append(t)
        for group in stacked.values():
            if len(group) > 1:
                whole = self.add(*(self.mul(ops.num(terms[t]), t.args[0]) for t in group))
                terms = {t: c for t, c in terms.items() if t not in group}
                merged = self.build(ops.vec(whole), (whole,))
                if not is_zero(merged):
                    p = parts(merged)
                    rest = compose(ONE_F, p.scalars, p.body)
                    terms[rest] = terms.get(rest, Fraction(0)) + p.coef
        return terms

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
        key = e, self.quiet > 0
        found = self.primitives.get(key)
        if found is None:
            found = self.primitives[key] = self._primitive(e)
        return found

    def _primitive(self, e: Expr) -> tuple[Fraction, Expr]:
        terms = self.collect([e])
        if len(terms) < 2:
            return ONE_F, e
        size = content(terms.values())
        if terms[min(terms, key=_leading)] < 0:
            size = -size
        found = plain_sum(e.shape, {r: c / size for r, c in terms.items()})
        return size, found if self.expanding or found.op != "add" else self._signs_inside(found)

    def scaled_sum(self, c: Fraction, e: Expr) -> Expr:
        """c times each term of a sum."""
        key = c, e, self.quiet > 0
        found = self.scaled_sums.get(key)
        if found is None:
            found = self.scaled_sums[key] = self._scaled_sum(c, e)
        return found

    def _scaled_sum(self, c: Fraction, e: Expr) -> Expr:
        terms: Terms = {}
        for r, k in map(coefficient, e.args):
            p = self._primitive_factors(parts(r)) if c < 0 and not self.expanding else None
            if p is not None:
                r, k = compose(ONE_F, p.scalars, p.body), k * p.coef
            terms[r] = terms.get(r, Fraction(0)) + c * k
        found = plain_sum(e.shape, {r: k for r, k in terms.items() if k})
        return self._signs_inside(found) if c < 0 and not self.expanding and found.op == "add" else found

    def turned(self, e: Expr) -> Expr:
        """The transpose of a sum, term by term."""
        return plain_sum((e.cols, e.rows), self.collect([self.transpose(a) for a in e.args]))

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

    def _weights_opened(self, shape: Shape, terms: Terms) -> Expr | None:
        """(1 + c)*A + c*B as A + c*(A + B): scalar sums in front of matrices distributed, and nothing else."""
        opened: list[Expr] = []
        for t, c in terms.items():
            p = parts(t)
            weights = [b for b, k in p.scalars.items() if b.op == "add" and k == 1] if p.body else []
            if len(weights) != 1:
                opened.append(scaled(c, t))
                continue
            rest = {b: k for b, k in p.scalars.items() if b is not weights[0]}
            opened.extend(self.mul(ops.num(c), a, compose(p.coef, rest, p.body)) for a in weights[0].args)
        if len(opened) == len(terms) or len(opened) > EXPANDED:
            return None
        return self.factored(shape, self.collect(opened))

    def shortened_by_distributing(self, e: Expr) -> Expr:
        """A product with sums in it, or the sum that comes of distributing and collecting, whichever is shorter."""
        if self.quiet or self.expanding or not worth_distributing(e):
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

    def _over_common_inverse(self, shape: Shape, terms: Terms) -> Expr | None:
        """eye(n) - A*inv(A + B) = B*inv(A + B): the identity meets inverses of sums at the ends of other terms."""
        units = [t for t in terms if parts(t).body[-1:] and parts(t).body[-1].op == "eye" and len(parts(t).body) == 1]
        if len(units) != 1 or not 1 < len(terms) <= _INVERSES:
            return None
        best: Expr | None = None
        for last in (True, False):
            for inverse in dict.fromkeys(parts(t).body[-1 if last else 0] for t in terms):
                base, k = run(inverse)
                if k != -1 or base.op != "add":
                    continue
                rests: list[Expr] = []
                left: Terms = {}
                for t, c in terms.items():
                    p = parts(t)
                    if t is units[0]:
                        rests.append(self.mul(compose(c * p.coef, p.scalars, []), base))
                    elif p.body[-1 if last else 0] is inverse:
                        rest = p.body[:-1] if last else p.body[1:]
                        rests.append(compose(c * p.coef, p.scalars, rest or [ops.eye(shape[0])]))
                    else:
                        left[t] = c
                top = self._reexpanded(shape, self.collect(rests)) or self.factored(shape, self.collect(rests))
                made = self.mul(top, inverse) if last else self.mul(inverse, top)
                whole = self.factored(shape, self.collect([made, *(scaled_term(c, t) for t, c in left.items())]))
                best = whole if best is None else min(best, whole, key=lambda e: (length(e), sort_key(e)))
        return best

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


def _leading(t: Expr) -> tuple[bool, tuple[bool, str, str]]:
    """The order in which the first term is positive: 1 - h.^2, and else alphabetical."""
    return (t.op not in ("num", "ones"), sort_key(t))


def _factors_of(t: Expr) -> list[Expr]:
    """The scalar and elementwise factors of a term."""
    p = parts(t)
    return [*p.scalars, *(b for m in p.body for b in had_parts(m).bases)]


def _single_sum(p: Parts) -> Expr | None:
    """The sum in c*(a + b), when nothing else multiplies it."""
    if not p.scalars and len(p.body) == 1 and p.body[0].op == "add":
        return p.body[0]
    if not p.body and len(p.scalars) == 1:
        ((base, k),) = p.scalars.items()
        if base.op == "add" and k == 1:
            return base
    return None
