"""Sizes for dimension names: small, pairwise different, in several orders; huge declared sizes made small.

A relation that holds for all sizes is tested at a few: with every dimension different a wrong transpose
has the wrong shape, and with several orders m < n and m > n both occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from matcalc.errors import MatcalcError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.ops import commutation, dim, mul, num, ones, power, rebuild, sym, ufn, unit, unvec, zeros
from matcalc.ops import eye as identity
from matcalc.shapes import Dim

LARGEST = 20_000  # entries of one array
_WANTED = 12
_SMALL = 12
_DIFFERENT = 10  # names: beyond, sizes repeat


def dimensions(roots: Iterable[Expr], kinds: Mapping[str, Kind]) -> list[Dim]:
    """Every dimension that occurs: of shapes, of numbers, of the kinds of names and undefined functions."""
    found: dict[Dim, None] = {}
    for n in topological(*roots):
        found.update(dict.fromkeys(n.shape))
        data: Any = n.data
        if n.op == "dim":
            found[data] = None
        elif n.op == "commutation":
            found.update(dict.fromkeys(data))
        elif n.op in ("sym", "ufn"):
            name, kind = data[0], data[1]
            kind = kinds.get(name, kind)
            for part in (kind, *(kind.args or ()), *((kind.result,) if kind.result else ())):
                found.update(dict.fromkeys((part.rows, part.cols)))
    return list(found)


def size_settings(
    roots: Sequence[Expr], kinds: Mapping[str, Kind], rng: np.random.Generator
) -> list[dict[str, int]]:
    """Up to twelve settings, the sizes of each all different, the first two in opposite orders."""
    dims = dimensions(roots, kinds)
    names = sorted({name for d in dims for name in d.names})
    if not names:
        return [{}]
    shapes = list({n.shape for n in topological(*roots)})
    fixed = {d.number for d in dims if d.number is not None}
    large: list[tuple[int, dict[str, int]]] = []
    for reach in (2, 12, 60):  # a slice x[:-20] needs more than the smallest sizes
        pool = [size for size in range(2, len(names) + len(fixed) + reach + 2) if size not in fixed]
        fitting: list[dict[str, int]] = []
        for values in _orders(pool[: len(names) + reach], len(names), rng):
            sizes = dict(zip(names, values, strict=True))
            if any(d.evaluate(sizes) < 1 for d in dims):
                continue
            entries = max(rows.evaluate(sizes) * cols.evaluate(sizes) for rows, cols in shapes)
            if entries <= LARGEST:
                fitting.append(sizes)
                if len(fitting) == _WANTED:
                    break
            else:
                large.append((entries, sizes))
        if fitting:
            return fitting
    if large:
        return [min(large, key=lambda pair: pair[0])[1]]
    raise UnsupportedError(f"no small sizes found that make {', '.join(map(str, dims))} all positive")


def _orders(pool: Sequence[int], count: int, rng: np.random.Generator) -> Iterable[tuple[int, ...]]:
    """Choices of ``count`` different sizes: increasing, decreasing, then in random order."""
    if count > _DIFFERENT:  # too many to be all different and small
        for _ in range(300):
            yield tuple(int(v) for v in rng.integers(2, _DIFFERENT, size=count))
        return
    first = tuple(pool[:count])
    yield first
    if count > 1:
        yield first[::-1]
    if count <= 3 and len(pool) <= 8:
        rest = [p for p in permutations(pool, count) if p not in (first, first[::-1])]
        yield from (rest[k] for k in rng.permutation(len(rest)))
        return
    for _ in range(300):
        yield tuple(int(v) for v in rng.choice(pool, size=count, replace=False))


# --- declared sizes that are too large ------------------------------------------------------------


def too_large(roots: Iterable[Expr]) -> bool:
    """Whether some array of declared size is too large to compute with."""
    for n in topological(*roots):
        rows, cols = (d.number for d in n.shape)
        if (rows or 1) * (cols or 1) > LARGEST:
            return True
    return False


def shrink(roots: Sequence[Expr], kinds: Mapping[str, Kind]) -> tuple[list[Expr], dict[str, Kind]]:
    """The same expressions with large declared sizes replaced by dimension names, the same everywhere.

    Numbers made of such a size (``1/1000000`` of a mean) follow it. UnsupportedError where the sizes
    are not plainly related, so that one name for each would not fit.
    """
    dims = dimensions(roots, kinds)
    taken = {name for d in dims for name in d.names} | {n.name for n in topological(*roots) if n.op == "sym"}
    numbers = {abs(factor) for d in dims for _, factor in d.terms if abs(factor) > _SMALL}
    names = _name_sizes(sorted(numbers), taken)
    counts = dict(names)  # a mean over a matrix divides by rows*columns
    for n in topological(*roots):
        rows, cols = n.shape
        if rows.number is not None and cols.number is not None:
            counts.setdefault(rows.number * cols.number, _small_dim(rows, names) * _small_dim(cols, names))
    mapping: dict[Expr, Expr] = {}
    try:
        new_kinds = {name: _smaller(kind, names) for name, kind in kinds.items()}
        for n in topological(*roots):
            mapping[n] = _rebuilt(n, mapping, names, counts)
    except MatcalcError as problem:
        message = f"the declared sizes cannot be made small consistently: {problem.message}"
        raise UnsupportedError(message) from problem
    return [mapping[root] for root in roots], new_kinds


def _name_sizes(numbers: Sequence[int], taken: set[str]) -> dict[int, Dim]:
    """A dimension for each large number: near a smaller one, a sum or product of them, or a new name."""
    names: dict[int, Dim] = {}
    for number in numbers:
        known = list(names)
        near = [k for k in known if number - k <= 4 and number > 40]
        factors = [(k, number // k) for k in known if number % k == 0]
        sums = [names[k] + names[number - k] for k in known if number - k in names]
        products = [names[k] * names.get(q, Dim.of(q)) for k, q in factors if q in names or q <= _SMALL]
        if near:
            names[number] = names[near[-1]] + (number - near[-1])
        elif sums or products:
            names[number] = (sums + products)[0]
        else:
            name = next(f"size{k}" for k in range(len(taken) + 1) if f"size{k}" not in taken)
            taken.add(name)
            names[number] = Dim.of(name)
    return names


def _small_dim(d: Dim, names: Mapping[int, Dim]) -> Dim:
    total = Dim.of(0)
    for monomial, factor in d.terms:
        size = names.get(abs(factor), Dim.of(abs(factor))) * (1 if factor > 0 else -1)
        for name in monomial:
            size = size * name
        total = total + size
    return total


def _smaller(kind: Kind, names: Mapping[int, Dim]) -> Kind:
    def one(k: Kind) -> Kind:
        return Kind(k.form, _small_dim(k.rows, names), _small_dim(k.cols, names), k.facts, k.args, k.result)

    args = None if kind.args is None else tuple(one(k) for k in kind.args)
    result = None if kind.result is None else one(kind.result)
    small = one(kind)
    return Kind(small.form, small.rows, small.cols, small.facts, args, result)


def _small_number(value: Fraction, counts: Mapping[int, Dim]) -> Expr:
    """A number made of large sizes by multiplication and division follows the sizes."""
    top, bottom = abs(value.numerator), value.denominator
    factors: list[Expr] = []
    for count in sorted(counts, reverse=True):
        if count <= _SMALL:
            break
        size = dim(counts[count])
        while top % count == 0 and top:
            top //= count
            factors.append(size)
        while bottom % count == 0:
            bottom //= count
            factors.append(power(size, num(-1)))
        if bottom > _SMALL and count % bottom == 0 and count // bottom <= _SMALL:  # 2/count in lowest terms
            top, bottom = top * (count // bottom), 1
            factors.append(power(size, num(-1)))
    rest = Fraction(top if value >= 0 else -top, bottom)
    return mul(*([num(rest)] if rest != 1 or not factors else []), *factors)


def _rebuilt(
    n: Expr, mapping: Mapping[Expr, Expr], names: Mapping[int, Dim], counts: Mapping[int, Dim]
) -> Expr:
    """One node over the smaller sizes; its arguments are in ``mapping``."""
    args = tuple(mapping[a] for a in n.args)
    data: Any = n.data
    if n.op == "sym":
        return sym(n.name, _smaller(data[1], names))
    if n.op == "num":
        return _small_number(data, counts)
    if n.op == "eye":
        return identity(_small_dim(n.rows, names))
    if n.op in ("ones", "zeros", "commutation"):
        make = {"ones": ones, "zeros": zeros, "commutation": commutation}[n.op]
        return make(*(_small_dim(d, names) for d in data))
    if n.op == "unit":
        return unit(args[0], _small_dim(n.rows, names))
    if n.op == "unvec":
        return unvec(args[0], _small_dim(n.rows, names), _small_dim(n.cols, names))
    if n.op == "ufn":
        return ufn(data[0], _smaller(data[1], names), args, data[2])
    return rebuild(n, args) if n.args else n

