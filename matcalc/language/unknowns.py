"""Unknown dimensions: dimension names that begin with ``?``, bound by equations as typing goes along.

An unknown is never bound to 1: a free dimension is one of a vector or matrix. Bindings are kept on a trail, so
a reading that does not fit is undone in the time that it took.
"""

from __future__ import annotations

from collections import Counter

from matcalc.shapes import Dim, Monomial, Shape


class Unknowns:
    """The equations between dimensions met so far."""

    def __init__(self) -> None:
        self._bound: dict[Dim, Dim] = {}
        self._trail: list[Dim] = []
        self._count = 0
        self._order: dict[Dim, int] = {}
        self._place: dict[Dim, int] = {}
        self.pending: list[tuple[Dim, Dim]] = []

    def fresh(self) -> Dim:
        """A new unknown."""
        self._count += 1
        new = Dim.of(f"?{self._count}")
        self._order[new] = self._count
        return new

    def mark(self) -> tuple[int, int]:
        """A place to ``undo`` to."""
        return len(self._trail), len(self.pending)

    def undo(self, mark: tuple[int, int]) -> None:
        """Forget all that was bound since the mark."""
        while len(self._trail) > mark[0]:
            del self._bound[self._trail.pop()]
        del self.pending[mark[1] :]

    def find(self, dim: Dim) -> Dim:
        """What the dimension is, as far as is known."""
        while True:
            bound = self._bound.get(dim)
            if bound is not None:
                dim = bound
                continue
            if dim.name is None and self._bound:
                names = {name: self._bound[u] for name in dim.names if (u := Dim.of(name)) in self._bound}
                if names:
                    dim = dim.substitute(names)
                    continue
            return dim

    def shape(self, shape: Shape) -> Shape:
        """A shape with both dimensions found."""
        return (self.find(shape[0]), self.find(shape[1]))

    def same(self, left: Dim, right: Dim) -> bool:
        """Make the two equal; False if they cannot be. An equation that decides nothing yet stays pending."""
        left, right = self.find(left), self.find(right)
        if left is right:
            return True
        first, second = self._order.get(left, 0), self._order.get(right, 0)
        if first and second:
            older, newer = (left, right) if first < second else (right, left)
            self._bind(newer, older)
            return True
        if first and left.name not in right.names:
            return self._bind(left, right)
        if second and right.name not in left.names:
            return self._bind(right, left)
        return self._solve(left, right)

    def _pair_factors(self) -> bool:
        """Read a*b = c*d, which the equations leave open, as a = c and b = d: vec(A)'*vec(X) of one shape, a square
        kron(A, B) of squares. False if no pending equation has two such sides."""
        for left, right in self.pending:
            terms = _cancelled((left - right).terms)
            if len(terms) != 2 or terms[0][1] != -terms[1][1] or len(terms[0][0]) != len(terms[1][0]):
                continue
            first, second = (sorted(map(Dim.of, monomial), key=self._age) for monomial, _ in terms)
            if all(u in self._order or v in self._order for u, v in zip(first, second, strict=True)):
                return all(self.same(u, v) for u, v in zip(first, second, strict=True))
        return False

    def _age(self, dim: Dim) -> tuple[int, str]:
        return self._place.get(dim, self._order.get(dim, 0)), str(dim)

    def stacked(self, rows: Dim, cols: Dim) -> None:
        """The two are multiplied in vec(X): there the columns count slowly, as the first factor of kron(A, B) does."""
        if rows in self._order and cols in self._order and rows not in self._place and cols not in self._place:
            self._place[rows], self._place[cols] = sorted((self._order[rows], self._order[cols]), reverse=True)

    def _bind(self, unknown: Dim, value: Dim) -> bool:
        number = value.number
        if number is not None and number < 2:
            return False
        self._bound[unknown] = value
        self._trail.append(unknown)
        return True

    def _solve(self, left: Dim, right: Dim) -> bool:
        """Solve left = right for an unknown that occurs once, alone in its term; common factors are cancelled."""
        terms = _cancelled((left - right).terms)
        names = sorted({name for monomial, _ in terms for name in monomial if name.startswith("?")})
        if not names:
            return False
        for name in names:
            own = [(m, c) for m, c in terms if name in m]
            if len(own) != 1 or own[0][0] != (name,):
                continue
            factor = own[0][1]
            rest = [(m, c) for m, c in terms if name not in m]
            if all(c % factor == 0 for _, c in rest):
                return self._bind(Dim.of(name), Dim(tuple((m, -c // factor) for m, c in rest)))
        self.pending.append((left, right))
        return True

    def settle(self) -> tuple[Dim, Dim] | None:
        """Try the pending equations again; one that is still undecided or false, else None.

        A binding made before its right side was known may turn out to be no size of an array: that is false too.
        """
        while self.pending:
            waiting, self.pending = self.pending, []
            for left, right in waiting:
                if not self.same(left, right):
                    return self.find(left), self.find(right)
            if len(self.pending) == len(waiting) and not self._pair_factors():
                left, right = self.pending[0]
                return self.find(left), self.find(right)
        for unknown in self._trail:
            value = self.find(unknown)
            number = value.number
            if number is not None and number < 2:
                return unknown, value
            if all(factor < 0 for _, factor in value.terms):
                return unknown, value
        return None


def _cancelled(terms: tuple[tuple[Monomial, int], ...]) -> tuple[tuple[Monomial, int], ...]:
    """The terms divided by the names that all of them contain: a*u - a*v = 0 means u - v = 0."""
    common = Counter(terms[0][0])
    for monomial, _ in terms[1:]:
        common &= Counter(monomial)
    if not common:
        return terms
    return tuple(
        sorted((tuple(sorted((Counter(monomial) - common).elements())), factor) for monomial, factor in terms)
    )
