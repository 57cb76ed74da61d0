"""Names for parts of a long formula: those that a program gives them, or u1, u2, ... where nothing has a name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.kinds import kind_of_shape
from matcalc.printing.measure import length
from matcalc.shapes import ONE

_SHORT = 5  # a part of so many symbols needs no name


class Abbreviations:
    """The names of some nodes, and formulas in terms of them."""

    def __init__(self, names: Mapping[Expr, Expr]) -> None:
        self.names = dict(names)

    @cached_property
    def called(self) -> frozenset[str]:
        """The names by themselves."""
        return frozenset(symbol.name for symbol in self.names.values())

    def __call__(self, e: Expr) -> Expr:
        """``e`` with the names in place of what they stand for."""
        return ops.substitute(e, self.names) if self.names else e

    def definition(self, n: Expr) -> Expr:
        """What the name of ``n`` stands for, in terms of the other names."""
        return ops.rebuild(n, [self(a) for a in n.args])


def given(root: Expr, definitions: Iterable[tuple[str, Expr]]) -> dict[Expr, Expr]:
    """The nodes below ``root`` that have a name in the program; of two names the first."""
    nodes = set(topological(root))
    found: dict[Expr, Expr] = {}
    for name, e in definitions:
        if e in nodes and e.args and e not in found:
            found[e] = ops.sym(name, kind_of_shape(e.shape))
    return found


def invented(root: Expr, parts: Container[Expr], taken: Container[str]) -> dict[Expr, Expr]:
    """A name for every long node below ``root`` that is one of the ``parts``, in the order of computation: capitals
    for matrices."""
    found: dict[Expr, Expr] = {}
    number = 0
    for n in topological(root):
        if n in parts and n is not root and n.args and length(n) > _SHORT:
            letter = "u" if ONE in n.shape else "U"
            number += 1
            while f"{letter}{number}" in taken:
                number += 1
            found[n] = ops.sym(f"{letter}{number}", kind_of_shape(n.shape))
    return found
