"""Known gradients: is an expression an instance of an entry of the gradients table, such as x'*A*x or logdet(X)?

The variable of the entry is bound to the variable of differentiation itself, all others to expressions without it. This
finds candidates only: the engine computes every answer, and who uses a candidate compares it with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import NamedTuple

from matcalc.expr import Expr, depends, symbols
from matcalc.printing.measure import length
from matcalc.rules.instantiate import instantiate, unify_shapes
from matcalc.rules.match import Match, Matcher, OutOfBudget
from matcalc.rules.rewrite import presupposed, words_in
from matcalc.rules.spellings import words
from matcalc.rules.statements import Gradient
from matcalc.rules.table import Table
from matcalc.shapes import Dim


class Known(NamedTuple):
    """An entry that fits, and its gradient for the expression at hand."""

    entry: Gradient
    gradient: Expr


class Recognizer:
    """The known gradients of a table, found by the operation at the root and by the functions that occur.

    The others are never read.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._candidates: dict[tuple[str, frozenset[str]], tuple[Gradient, ...]] = {}

    @cached_property
    def _by_words(self) -> Sequence[tuple[frozenset[str], Gradient]]:
        return [(words(g.fields["f"]), g) for g in self.table.gradients.values() if g.structure == "auto"]

    def candidates(self, e: Expr) -> tuple[Gradient, ...]:
        """The entries that may fit."""
        key = (e.op, words_in(e))
        if key not in self._candidates:
            fitting = (g for needed, g in self._by_words if needed <= key[1])
            self._candidates[key] = tuple(g for g in fitting if g.f.op == e.op)
        return self._candidates[key]

    def __call__(self, e: Expr, x: Expr) -> list[Known]:
        """The known gradients of the scalar ``e`` by ``x``, the shortest first; of equal ones the most special."""
        constant = _Constant(e, x)
        found = [known for entry in self.candidates(e) if (known := _instance(entry, e, x, constant)) is not None]
        return sorted(found, key=lambda k: (length(k.gradient), -length(k.entry.f)))


@cache
def recognizer(table: Table) -> Recognizer:
    """The known gradients of the table, ready to be found."""
    return Recognizer(table)


class _Constant:
    """Does an expression not depend on the variable?"""

    def __init__(self, e: Expr, x: Expr) -> None:
        self.x = x
        self.varying = depends(e, [x])

    def __call__(self, e: Expr) -> bool:
        # matching also makes products and transposes that are not below e
        return e not in self.varying and all(s is not self.x for s in symbols(e))


def _instance(entry: Gradient, e: Expr, x: Expr, constant: _Constant) -> Known | None:
    if any(kind.form == "function" for kind in entry.let.values()):
        return None  # matching does not bind undefined functions
    wrt = entry.wrt
    dims: dict[str, Dim] = {}
    if wrt.data[1].form != x.data[1].form or not unify_shapes(wrt.shape, x.shape, dims):  # type: ignore[index]
        return None
    assumed = [presupposed(entry.f), presupposed(entry.gradient)]
    needed = {v: v.data[1].facts - _union(a.get(v) for a in assumed) for v in entry.variables}  # type: ignore[index]
    try:
        for found in _matches(entry, e, Match({wrt: x}, dims), needed):
            others = (value for variable, value in found.bindings.items() if variable is not wrt)
            if all(constant(value) for value in others):
                return Known(entry, instantiate(entry.gradient, found.bindings, found.dims))
    except OutOfBudget:
        pass
    return None


def _matches(entry: Gradient, e: Expr, start: Match, needed: dict[Expr, frozenset[str]]) -> Iterator[Match]:
    matcher = Matcher(needed)
    wrt = start.bindings[entry.wrt]
    if all(matcher.holds(wrt, fact) for fact in needed[entry.wrt]):
        yield from matcher.whole(entry.f, e, start)


def _union(facts: Iterator[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(f for f in facts if f))
