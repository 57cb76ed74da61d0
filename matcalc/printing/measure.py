"""The length of a form: names, numbers, function names and operators count 1 each, brackets nothing.

``2*A'*(A*x - y)`` is 10, ``eye(n)`` is 2: the number of tokens of ``text(expr)``, found without printing.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from matcalc.expr import Expr
from matcalc.language.numerals import numeral
from matcalc.printing.reading import (
    CALLS,
    Blocks,
    Call,
    Differential,
    Entries,
    IndexSum,
    Name,
    Number,
    Power,
    Product,
    Reading,
    Relation,
    Size,
    Sum,
    Transposed,
    Undefined,
    parts,
    read,
)
from matcalc.shapes import Dim

_LEAVES = frozenset(("sym", "const", "idx"))
_ONE_MORE = frozenset((*CALLS, "fn", "mfn", "frechet", "t"))  # a name or a prime, and the arguments


def length(expr: Expr) -> int:
    """How many names, numbers, function names and operators the printed form has."""
    found: int | None = expr.kept.get("length")
    if found is not None:
        return found
    open_nodes: dict[Expr, tuple[int, list[Expr] | tuple[Expr, ...]]] = {}
    stack = [expr]
    while stack:
        node = stack[-1]
        if "length" in node.kept:
            stack.pop()
        elif node in open_nodes:
            own, below = open_nodes[node]
            found = node.kept["length"] = own + sum([part.kept["length"] for part in below])
            stack.pop()
        elif node.op in _LEAVES:
            found = node.kept["length"] = 1
            stack.pop()
        else:
            if node.op in _ONE_MORE:
                own, below = 1, node.args
            else:
                reading = read(node)
                own, below = _own(reading), parts(reading)
                if isinstance(reading, IndexSum) and reading.whole:
                    below = [reading.body]  # type: ignore[list-item]  # sum(i, body): the bounds are not written
            open_nodes[node] = own, below
            stack.extend([part for part in below if "length" not in part.kept])
    assert found is not None
    return found


def _own(part: Any) -> int:
    """The symbols that a reading adds to those of the nodes it shows."""
    return 0 if isinstance(part, Expr) else _OWN[type(part)](part)


def _sum(reading: Sum) -> int:
    return len(reading.terms) - 1 + sum([_own(part) for _, part in reading.terms])


def _product(reading: Product) -> int:
    link = reading.factors[0][0]
    own = len(reading.factors) - 1 + (2 if link else 0) + reading.negative
    return own + sum([_own(part) for _, part in reading.factors])


def _call(reading: Call) -> int:
    return 1 + sum([_own(part) for part in reading.args]) + (0 if reading.axis is None else 3)


def _undefined(reading: Undefined) -> int:
    primes = reading.mark.count("'")
    if primes:
        return 1 + primes
    if reading.mark[:1].isdigit():
        return 3 + reading.mark.count(",")  # D[2](f)(x, y), D[1,2](f)(x, y)
    return 2 if reading.mark else 1  # D(f)(x), grad(f)(x), hess(f)(x); f(x)


def _entries(reading: Entries) -> int:
    bounds = [b for index in reading.indices if not isinstance(index, Expr) for b in index if b is not None]
    return sum([2 if b < 0 else 1 for b in bounds])


def _index_sum(reading: IndexSum) -> int:
    """``sum(i, body)`` or ``sum(i in low..high, body)``; the bounds are among the parts."""
    return 2 if reading.whole else 3


@lru_cache(maxsize=4096)
def number_length(value: Fraction) -> int:
    """1 for a decimal, 3 for a fraction, and 1 for a sign."""
    return (value < 0) + (1 if numeral(abs(value)) is not None else 3)


@lru_cache(maxsize=4096)
def dim_length(value: Dim) -> int:
    """The symbols of a dimension."""
    total = max(len(value.terms) - 1, 0) if value.terms else 1
    for monomial, factor in value.terms:
        count = len(monomial) + (abs(factor) != 1 or not monomial)
        total += 2 * count - 1
    return total + str(value).startswith("-")


_OWN: dict[type[Reading], Callable[[Any], int]] = {
    Name: lambda _: 1,
    Number: lambda reading: number_length(reading.value),
    Size: lambda reading: dim_length(reading.dim),
    Call: _call,
    Undefined: _undefined,
    Sum: _sum,
    Product: _product,
    Power: lambda reading: 1,
    Transposed: lambda reading: 1,
    Differential: lambda reading: 0 if reading.of_variable else 1,
    Relation: lambda reading: 1,
    Blocks: lambda reading: 0,
    Entries: _entries,
    IndexSum: _index_sum,
}
