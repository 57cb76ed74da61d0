"""Squares completed: x'*x + y'*y - 2*x'*y = norm2(x - y)^2, also entry by entry, of matrices, and in a symmetric form.

A term that is a square <u, u> has u as a root; where the products of all pairs of some roots are terms too, twice and
with signs that agree, these terms together are the square of one sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple, TypeAlias

from matcalc import ops
from matcalc.expr import Expr
from matcalc.order import sort_key
from matcalc.printing.measure import length
from matcalc.rules.facts import known
from matcalc.shapes import ONE, SCALAR, Shape
from matcalc.simplifier.algebra import Algebra
from matcalc.simplifier.factors import (
    ONE_F,
    E,
    HadParts,
    Powers,
    compose,
    compose_had,
    had_parts,
    is_whole,
    parts,
    rational_root,
    scale_exponent,
    scaled,
)
from matcalc.simplifier.terms import Terms, content

_SQUARES = 10  # terms of one sum that are taken as squares
_HALF = Fraction(1, 2)
_TWO = Fraction(2)


class Root(NamedTuple):
    """term = <u, u>: u'*u, u'*core*u, tr(u'*u), tr(u'*core*u), of scalars u*u; entry by entry u .* u."""

    term: Expr
    u: Expr
    core: Expr | None = None


class Link(NamedTuple):
    """Of two roots: the sign of one against the other, whether one is turned, and their product, twice, as terms."""

    sign: Fraction
    turned: bool
    product: Terms


Links: TypeAlias = dict[tuple[int, int], Link]


class Squares(Algebra):
    """Sums of squares and products as squares of sums."""

    def completed(self, shape: Shape, terms: Terms) -> Terms:
        """The terms with squares completed, wherever that is shorter."""
        while len(terms) > 2:
            made = self._completed_once(shape, terms)
            if made is None:
                break
            terms = made
        return terms

    def _completed_once(self, shape: Shape, terms: Terms) -> Terms | None:
        roots = list(self._roots(shape, terms))
        if len(roots) < 2 or len({r.term for r in roots}) == len(terms):
            return None
        links = dict(self._links(shape, terms, roots))
        for pair in links:
            clique = self._grown(pair, links, roots)
            made = self._square_of(shape, terms, roots, clique, links)
            if made is not None:
                return made
        return None

    # --- roots ------------------------------------------------------------------------------------

    def _roots(self, shape: Shape, terms: Terms) -> Iterator[Root]:
        """The roots of the terms that are squares."""
        found = 0
        for t in sorted(terms, key=sort_key):
            made = list(self._roots_of(t) if shape == SCALAR else elementwise_root(t))
            yield from (Root(t, *r) for r in made)
            found += bool(made)
            if found == _SQUARES:
                return

    def _roots_of(self, t: Expr) -> Iterator[tuple[Expr, Expr | None]]:
        """What a scalar term is the square of."""
        scalars = parts(t).scalars
        odd = [b for b, k in scalars.items() if not halves(b, k)]
        if len(odd) > 1:
            return
        half = {b: scale_exponent(k, _HALF) for b, k in scalars.items() if b not in odd}
        if not odd:
            norms = [b for b, k in half.items() if b.op == "norm2" and k == 1]
            if not norms:
                yield compose(ONE_F, half, []), None
            for norm in norms:
                rest = compose(ONE_F, {b: k for b, k in half.items() if b is not norm}, [])
                yield self.mul(rest, norm.args[0]), None
            if len(norms) == 2 and all(ONE in b.args[0].shape for b in norms):
                rest = compose(ONE_F, {b: k for b, k in half.items() if b not in norms}, [])
                a, b = (self._as_column(n.args[0]) for n in norms)
                yield self.mul(rest, a, self.transpose(b)), None
            return
        (base,) = odd
        if scalars[base] != 1:
            return
        front = compose(ONE_F, half, [])
        if base.op == "dim":  # n*b^2 is <b*ones(n), b*ones(n)>
            norms = [b for b, k in half.items() if b.op == "norm2" and k == 1 and ONE in b.args[0].shape]
            for norm in norms:
                row = self.transpose(self._as_column(norm.args[0]))
                rest = compose(ONE_F, {b: k for b, k in half.items() if b is not norm}, [])
                yield self.mul(rest, ops.ones(base.data, ONE), row), None  # type: ignore[arg-type]
            if not norms:
                yield self.mul(front, ops.ones(base.data, ONE)), None  # type: ignore[arg-type]
        elif base.op == "sum" and base.data is None:
            for u, _ in elementwise_root(base.args[0]):
                yield self.had(front, u), None
        elif base.op in ("tr", "mul"):
            for u, core in self._forms(base):
                yield self.mul(front, u), core

    def _as_column(self, v: Expr) -> Expr:
        return v if v.cols is ONE else self.transpose(v)

    def _forms(self, e: Expr) -> Iterator[tuple[Expr, Expr | None]]:
        """u and P of u'*P*u or tr(u'*P*u)."""
        if e.op == "mul":
            chains = [list(e.args)] if not any(a.is_scalar for a in e.args) else []
        else:
            body = list(parts(e.args[0]).body)
            chains = [body[i:] + body[:i] for i in range(len(body))]
        for chain in chains:
            half, odd = divmod(len(chain), 2)
            if not odd or any(self.transpose(a) is not b for a, b in zip(chain[:half], chain[:half:-1], strict=True)):
                continue
            core = chain[half]
            if half or known(core, "symmetric"):
                yield ops.mul(*chain[half + 1 :]) if half else ops.eye(core.rows), core

    # --- pairs ------------------------------------------------------------------------------------

    def _links(self, shape: Shape, terms: Terms, roots: Sequence[Root]) -> Iterator[tuple[tuple[int, int], Link]]:
        """The pairs of roots whose product is there twice."""
        for i, j in combinations(range(len(roots)), 2):
            a, b = roots[i], roots[j]
            product = terms[a.term] * terms[b.term]
            size = rational_root(product, 2)
            if a.term is b.term or a.core is not b.core or size is None:
                continue
            for turned in (False, True):
                other = self.transpose(b.u) if turned else b.u
                if other.shape != a.u.shape or (turned and (a.core is not None or other is b.u)):
                    continue
                crossed = self._crossed(shape, a.u, other, a.core)
                need = {e: size * c for e, c in crossed.items()}
                sign = next((s for s in (1, -1) if need and all(terms.get(e) == s * c for e, c in need.items())), 0)
                if sign:
                    positive = 1 if terms[a.term] > 0 else -1
                    yield (i, j), Link(Fraction(sign * positive), turned, {e: sign * c for e, c in need.items()})
                    break

    def _crossed(self, shape: Shape, u: Expr, v: Expr, core: Expr | None) -> Terms:
        """<u, v> + <v, u> as terms."""
        products = [self._product(shape, u, v, core)]
        products.append(products[0] if core is None else self._product(shape, v, u, core))
        terms: list[Expr] = []
        for product in products:
            terms.extend(self.distributed(product, _SQUARES) or [product])
        return self.collect(terms)

    def _product(self, shape: Shape, u: Expr, v: Expr, core: Expr | None) -> Expr:
        """<u, v>."""
        if shape != SCALAR:
            return self.had(u, v)
        if u.is_scalar:
            return self.mul(u, v)
        if u.rows is ONE:
            return self.mul(u, self.transpose(v))
        product = self.mul(self.transpose(u), *([core] if core else []), v)
        return product if u.cols is ONE else self.trace(product)

    # --- sums -------------------------------------------------------------------------------------

    def _grown(self, pair: tuple[int, int], links: Links, roots: Sequence[Root]) -> list[int]:
        """The pair with all roots that have products with each of them, with signs and sides that agree."""
        first, second = pair
        clique = {first: (ONE_F, False), second: links[pair][:2]}
        for k in range(len(roots)):
            if k in clique or (min(first, k), max(first, k)) not in links:
                continue
            sign, turned, _ = links[min(first, k), max(first, k)]
            agree = all(
                (i, j) in links
                and links[i, j].sign == sign * clique[m][0]
                and links[i, j].turned == (turned != clique[m][1])
                for m in clique
                for i, j in [(min(m, k), max(m, k))]
            )
            if agree and all(roots[m].term is not roots[k].term for m in clique):
                clique[k] = (sign, turned)
        return list(clique)

    def _square_of(
        self, shape: Shape, terms: Terms, roots: Sequence[Root], clique: list[int], links: Links
    ) -> Terms | None:
        """The terms with the square of the sum of these roots in place of its expansion; None if that is longer."""
        gone = {roots[k].term: terms[roots[k].term] for k in clique}
        for i, j in combinations(sorted(clique), 2):
            gone.update(links[i, j].product)
        first, *rest = clique
        base = terms[roots[first].term]
        weights = [ONE_F]
        summands = [roots[first].u]
        for k in rest:
            sign, turned, _ = links[min(first, k), max(first, k)]
            size = rational_root(terms[roots[k].term] / base, 2)
            assert size is not None
            weights.append(sign * size)
            summands.append(self.transpose(roots[k].u) if turned else roots[k].u)
        common = content(weights)
        u = self.add(*(self.mul(ops.num(w / common), e) for w, e in zip(weights, summands, strict=True)))
        square = self._square(shape, u, roots[first].core)
        coef = base * common**2
        before = sum(length(scaled(c, e)) for e, c in gone.items()) + len(gone) - 1
        if length(scaled(coef, square)) >= before:
            return None
        left = {e: c for e, c in terms.items() if e not in gone}
        for e, c in self.collect([scaled(coef, square)]).items():
            left[e] = left.get(e, Fraction(0)) + c
        return {e: c for e, c in left.items() if c}

    def _square(self, shape: Shape, u: Expr, core: Expr | None) -> Expr:
        if shape != SCALAR or u.is_scalar:
            return self.power(u, _TWO)
        if core is None:
            return self.power(self.norm2(u), _TWO)
        product = self.mul(self.transpose(u), core, u)
        return product if u.cols is ONE else self.trace(product)


def elementwise_root(t: Expr) -> Iterator[tuple[Expr, None]]:
    """u of u .* u."""
    p = parts(t)
    if len(p.body) > 1:
        return
    h = had_parts(t)
    if all(halves(b, k) for powers in (h.scalars, h.bases) for b, k in powers.items()):
        scalars: Powers = {b: scale_exponent(k, _HALF) for b, k in h.scalars.items()}
        bases: Powers = {b: scale_exponent(k, _HALF) for b, k in h.bases.items()}
        yield compose_had(HadParts(t.shape, ONE_F, scalars, bases)), None


def halves(base: Expr, k: Fraction | Expr) -> bool:
    """Is base^k the square of base^(k/2)?"""
    return base is E or (is_whole(k) and k % 2 == 0)  # type: ignore[operator]
