"""Products distributed over the sums in them: where terms can meet, and in normal form everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product
from math import prod

from matcalc.errors import BudgetError
from matcalc.expr import Expr
from matcalc.rules.facts import known
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import Algebra
from matcalc.simplifier.factors import (
    FixedPowers,
    HadParts,
    compose,
    compose_had,
    had_parts,
    is_negative,
    is_whole,
    parts,
    run,
)

EXPANDED = 24  # terms that distributing may make when a shorter form is looked for


class Distributing(Algebra):
    """Products as sums of products."""

    budget: int
    quiet: int

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
        opened = {b: o for b, k in p.scalars.items() if k == 1 and (o := self._opened(b, limit)) is not None}
        links = (
            [] if had and had.bases and set(had.bases) != set(p.body) else [m for m in p.body if _sum_in(m) is not None]
        )
        if had and p.body[0] in sums:
            links = []
        if not sums and not links and not opened:
            return None
        with_quotients = [b for b in sums if _has_quotient(b)]
        chosen = set(with_quotients or [*sums, *opened])
        if with_quotients:
            links = []
        choices = [(opened.get(b, b.args), int(k)) for b, k in bases if b in chosen]  # type: ignore[arg-type]
        size = 1
        for terms, k in [*choices, *((_terms_of(self, m), 1) for m in links)]:
            size *= len(terms) ** min(k, limit.bit_length())
            if size > limit:
                return []
        alternatives = [terms for terms, k in choices for _ in range(k)]
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

    def _opened(self, b: Expr, limit: int) -> Sequence[Expr] | None:
        """The terms of an inner product, a sum of entries or a trace of products with sums in them; else None."""
        if b.op == "mul":
            if not any(_sum_in(m) is not None for m in b.args):
                return None
            choices = [_terms_of(self, m) if _sum_in(m) is not None else [m] for m in b.args]
            return [self.mul(*c) for c in product(*choices)] if prod(map(len, choices)) <= limit else None
        if b.op not in ("sum", "tr") or b.data is not None:
            return None
        terms = self.distributed(b.args[0], limit)
        if terms is None or len(terms) < 2:
            return None
        return [self.total(t) if b.op == "sum" else self.trace(t) for t in terms]

    def distribute(self, coef: Fraction, scalars: FixedPowers, body: Sequence[Expr]) -> Expr:
        """In normal form: the product as a sum of products without sums."""
        whole = compose(coef, scalars, body)
        terms = self._distribute_once(whole, self.budget) if whole.op != "add" else None
        if terms is None:
            return whole
        self.budget -= len(terms)
        if not terms or self.budget < 0:
            raise BudgetError("the expanded form is too large")
        return self.add(*terms)


def _sum_in(m: Expr) -> Expr | None:
    if m.op == "add":
        return m
    return m.args[0] if m.op == "t" and m.args[0].op == "add" else None


def _terms_of(algebra: Algebra, m: Expr) -> Sequence[Expr]:
    return m.args if m.op == "add" else [algebra.transpose(a) for a in m.args[0].args]


def worth_distributing(e: Expr) -> bool:
    """Can distributing make terms meet: two sums, a sum of quotients, a sum with an inverse beside matrices?"""
    if e.op not in ("mul", "had"):
        return False
    p = parts(e)
    sums = [b for b, k in p.scalars.items() if b.op == "add" and is_whole(k) and k > 0]  # type: ignore[operator]
    powers = had_parts(p.body[0]).bases if len(p.body) == 1 else {}
    if len(p.body) == 1:
        sums += [b for b, k in had_parts(p.body[0]).bases.items() if b.op == "add" and is_whole(k) and k > 0]  # type: ignore[operator]
    else:
        sums += [s for m in p.body if (s := _sum_in(m)) is not None]
    if any(is_negative(k) and any(b in parts(t).scalars for s in sums for t in s.args) for b, k in p.scalars.items()):
        return True
    if any(
        is_negative(k) and any(b in had_parts(t).bases for s in sums if s.shape == e.shape for t in s.args)
        for b, k in powers.items()
    ):
        return True
    if len(p.body) > 1 and any(has_identity(s) for s in sums):  # A*(B + eye(n)) is A + A*B
        return True
    if len(sums) > 1 or any(_has_quotient(s) or _has_inverse(s) for s in sums):
        return True
    return any(_meets(a, b) for a, b in pairwise(p.body)) or any(_spreads(s) for s in sums if not e.is_scalar)


@lru_cache(maxsize=1 << 12)
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
    if a.op == "ones" and b.op == "add" and any(t.op == "sum" for t in b.args):  # ones(m)*sum(X, axis=0)
        return True
    return _meets_own_transpose(a, b)


def _meets_own_transpose(a: Expr, b: Expr) -> bool:
    """Q'*(Q*A + ...) and (... + A*Q)*Q' for an orthogonal Q."""
    if b.op == "add" and known(a, "orthogonal"):
        return any((first := parts(t).body[0]).args[:1] == (a,) or a.args[:1] == (first,) for t in b.args)
    if a.op == "add" and known(b, "orthogonal"):
        return any((last := parts(t).body[-1]).args[:1] == (b,) or b.args[:1] == (last,) for t in a.args)
    return False


@lru_cache(maxsize=1 << 12)
def has_identity(e: Expr) -> bool:
    """Has a sum the identity, or a multiple of it, among its terms?"""
    return any(t.op == "eye" or (t.op == "mul" and t.args[-1].op == "eye") for t in e.args)


@lru_cache(maxsize=1 << 12)
def _has_inverse(e: Expr) -> bool:
    return any(run(m)[1] != 1 for a in e.args for m in parts(a).body)


@lru_cache(maxsize=1 << 12)
def _has_quotient(e: Expr) -> bool:
    for a in e.args:
        p = parts(a)
        if any(is_negative(k) for k in p.scalars.values()):
            return True
        if len(p.body) == 1 and any(is_negative(k) for k in had_parts(p.body[0]).bases.values()):
            return True
    return False
