"""Symbolic dimensions: polynomials with integer coefficients in dimension names.

Two dimensions are equal when their polynomials are equal; equal dimensions are the same object.
A shape is a pair ``(rows, columns)``; a scalar is ``(1, 1)``, a vector ``(n, 1)``, a row ``(1, n)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from weakref import WeakValueDictionary

Monomial: TypeAlias = tuple[str, ...]
_interned: WeakValueDictionary[tuple[tuple[Monomial, int], ...], Dim] = WeakValueDictionary()


class Dim:
    """A dimension such as ``n``, ``3``, ``k*n + 1``; immutable and interned (equal means identical)."""

    __slots__ = ("__weakref__", "name", "names", "number", "terms")
    terms: tuple[tuple[Monomial, int], ...]
    number: int | None  # the value of a dimension without names
    name: str | None  # the name, if the dimension is a bare name
    names: frozenset[str]  # the names that occur

    def __new__(cls, terms: tuple[tuple[Monomial, int], ...]) -> Dim:
        found = _interned.get(terms)
        if found is None:
            found = object.__new__(cls)
            found.terms = terms
            found.names = frozenset(name for monomial, _ in terms for name in monomial)
            found.number = sum(factor for _, factor in terms) if not found.names else None
            found.name = terms[0][0][0] if len(terms) == 1 and terms[0][1] == 1 and len(terms[0][0]) == 1 else None
            _interned[terms] = found
        return found

    @staticmethod
    def of(value: Dim | int | str) -> Dim:
        """The dimension of an integer, a name, or itself."""
        if isinstance(value, Dim):
            return value
        if isinstance(value, int):
            return Dim(() if value == 0 else (((), value),))
        return Dim((((value,), 1),))

    def __add__(self, other: Dim | int | str) -> Dim:
        return _collect([*self.terms, *Dim.of(other).terms])

    def __sub__(self, other: Dim | int | str) -> Dim:
        return self + Dim.of(other) * -1

    def __mul__(self, other: Dim | int | str) -> Dim:
        right = Dim.of(other)
        return _collect(
            [(tuple(sorted(a + b)), s * t) for a, s in self.terms for b, t in right.terms]
        )

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value when each name has the given size; KeyError for a name without one."""
        total = 0
        for monomial, factor in self.terms:
            for name in monomial:
                factor *= sizes[name]
            total += factor
        return total

    def substitute(self, mapping: Mapping[str, Dim]) -> Dim:
        """The dimension with names replaced by dimensions; other names stay."""
        if not any(name in mapping for name in self.names):
            return self
        total = Dim(())
        for monomial, factor in self.terms:
            product = Dim.of(factor)
            for name in monomial:
                product = product * mapping.get(name, Dim.of(name))
            total = total + product
        return total

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        text = ""
        for monomial, factor in sorted(self.terms, key=lambda t: (-len(t[0]), t[0])):
            size = abs(factor)
            body = "*".join(([str(size)] if size != 1 or not monomial else []) + list(monomial))
            sign = "-" if factor < 0 else "+"
            text += f" {sign} {body}" if text else ("-" if factor < 0 else "") + body
        return text

    def __repr__(self) -> str:
        return f"Dim({self})"

    def __reduce__(self) -> tuple[type[Dim], tuple[tuple[tuple[Monomial, int], ...]]]:
        return Dim, (self.terms,)


def _collect(terms: list[tuple[Monomial, int]]) -> Dim:
    totals: dict[Monomial, int] = {}
    for monomial, factor in terms:
        totals[monomial] = totals.get(monomial, 0) + factor
    return Dim(tuple(sorted((m, c) for m, c in totals.items() if c)))


ONE = Dim.of(1)
Shape: TypeAlias = tuple[Dim, Dim]
SCALAR: Shape = (ONE, ONE)


def shape_text(shape: Shape) -> str:
    """``m x n``, for messages."""
    return "scalar" if shape == SCALAR else f"{shape[0]} x {shape[1]}"
