"""Sums in arrays of more axes nested as in Horner's scheme: P*A*Q + P*B*Q is P*(A + B)*Q, one level inside the other.

The Hessian of a deep network is a sum with a term for each layer, W2'*D2*W2 + W2'*D2*W3'*D3*W3*D2*W2 + ..., times the
same vectors. Multiplied out, L layers are L^2 products; W2'*D2*(I + W3'*D3*...)*W2, from the inside, are 2*L.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.expr import Expr
from matcalc.generator.costs import Costs
from matcalc.shapes import ONE, Dim

_Place = tuple[str, ...]
_Delta = tuple[str, str, Dim]


@dataclass(frozen=True, slots=True)
class _Term:
    """Scalars times deltas times the entries of arrays."""

    scalars: tuple[Expr, ...]
    deltas: tuple[_Delta, ...]
    entries: tuple[tuple[Expr, _Place], ...]


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A term as an entry of a matrix, at two free indices, times the rest; ``diagonal``: it comes of a delta."""

    array: Expr
    place: _Place
    rest: _Term
    diagonal: bool

    @property
    def key(self) -> Hashable:
        """What terms have in common that differ in the matrix alone, and in scalars."""
        return self.place, frozenset(self.rest.deltas), frozenset(self.rest.entries)


def nested(x: Expr, costs: Costs) -> Expr:
    """The array, terms that differ in one matrix alone collected in one term with the nested sum of those matrices."""
    indices, sizes, lead, data = x.data  # type: ignore[misc]
    given = iter(x.args)
    terms: list[_Term] = []
    for count, deltas, places in data:
        scalars = tuple(next(given) for _ in range(count))
        terms.append(_Term(scalars, tuple(deltas), tuple((next(given), place) for place in places)))
    made: list[_Term] = []
    while terms:
        groups: dict[Hashable, dict[int, _Matrix]] = {}
        for number, term in enumerate(terms):
            for matrix in _matrices(term, indices):
                groups.setdefault(matrix.key, {}).setdefault(number, matrix)
        useful = [g for g in groups.values() if len(g) > 1 and not all(m.diagonal for m in g.values())]
        if not useful:
            break
        group = max(useful, key=len)
        made.append(_collected(list(group.values()), costs))
        terms = [term for number, term in enumerate(terms) if number not in group]
    if not made:
        return x
    return ops.tensor(indices, sizes, lead, [(t.scalars, t.deltas, t.entries) for t in [*made, *terms]])


def _matrices(term: _Term, indices: Sequence[str]) -> list[_Matrix]:
    """The ways to read a term as an entry of a matrix: vectors at its two indices are factors of it."""
    places = [(i, j, False) for _, (i, *more) in term.entries for j in more]
    places += [(i, j, True) for i, j, _ in term.deltas]
    found = []
    for i, j in dict.fromkeys((min(i, j), max(i, j)) for i, j, _ in places if i != j):
        deltas = [d for d in term.deltas if {i, j} == set(d[:2])]
        inside = [(a, p) for a, p in term.entries if set(p) <= {i, j} and len(set(p)) == len(p)]
        rest = _Term(
            term.scalars,
            tuple(d for d in term.deltas if d not in deltas),
            tuple(e for e in term.entries if e not in inside),
        )
        if not {i, j} <= set(indices) or len(deltas) > 1:
            continue
        whole = [a if p == (i, j) else ops.transpose(a) for a, p in inside if len(p) == 2]
        left, right = ([_column(a) for a, p in inside if p == (k,)] for k in (i, j))
        if not deltas:
            factors = [ops.had(*whole) if len(whole) > 1 else whole[0]]
            factors = [*(ops.diag(v) for v in left), *factors, *(ops.diag(v) for v in right)]
            found.append(_Matrix(ops.mul(*factors), (i, j), rest, False))
        elif not whole and not rest.deltas:  # with another delta the places are few as it is
            lines = [*left, *right]
            diagonal = ops.diag(ops.had(*lines)) if lines else ops.eye(deltas[0][2])
            found.append(_Matrix(diagonal, (i, j), rest, True))
    return found


def _column(v: Expr) -> Expr:
    return v if v.cols is ONE else ops.transpose(v)


def _collected(group: list[_Matrix], costs: Costs) -> _Term:
    """The terms as one; scalars that all have stay in front."""
    first = group[0].rest
    same = all(m.rest.scalars == first.scalars for m in group)
    arrays = [m.array if same else ops.mul(*m.rest.scalars, m.array) for m in group]
    entry = (horner(arrays, costs), group[0].place)
    return _Term(first.scalars if same else (), first.deltas, (entry, *first.entries))


# --- nested sums --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Product:
    scalars: tuple[Expr, ...]
    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a sum further in."""

    scalars: tuple[Expr, ...]
    before: tuple[Expr, ...]
    after: tuple[Expr, ...]


def horner(terms: Sequence[Expr], costs: Costs) -> Expr:
    """The sum of the terms, products with common first and last factors taken together, and so on inside.

    What is narrower inside than at its ends, as a product of column and row, stays by itself: it is cheap as it is.
    """
    sums = [[_product(t) for t in terms]]
    alone: list[list[_Product]] = []
    inside: list[list[tuple[_Around, int]]] = []
    for products in sums:  # it grows
        left, groups = _split(products, costs)
        alone.append(left)
        inside.append([(around, len(sums) + k) for k, (around, _) in enumerate(groups)])
        sums.extend(rests for _, rests in groups)
    values: dict[int, Expr] = {}
    for number in reversed(range(len(sums))):
        parts = [ops.mul(*p.scalars, *p.factors) for p in alone[number]]
        for around, inner in inside[number]:
            parts.append(ops.mul(*around.scalars, *around.before, values[inner], *around.after))
        values[number] = ops.add(*parts)
    return values[0]


def _product(x: Expr) -> _Product:
    factors = x.args if x.op == "mul" else (x,)
    scalars = tuple(f for f in factors if f.is_scalar)
    return _Product(scalars, tuple(f for f in factors if not f.is_scalar))


def _split(products: list[_Product], costs: Costs) -> tuple[list[_Product], list[tuple[_Around, list[_Product]]]]:
    """The products that stand alone, and groups with what is common to each: both ends, the left one, the right one."""
    found: list[tuple[_Around, list[_Product]]] = []
    for left, right in ((True, True), (True, False), (False, True)):
        classes: dict[tuple[Expr | None, Expr | None], list[_Product]] = {}
        for p in products:
            if len(p.factors) > 1:
                key = (p.factors[0] if left else None, p.factors[-1] if right else None)
                classes.setdefault(key, []).append(p)
        for group in classes.values():
            made = _group(group, left, right, costs) if len(group) > 1 else None
            if made is not None:
                around, members, rests = made
                found.append((around, rests))
                products = [p for p in products if all(p is not m for m in members)]
    return products, found


def _group(
    group: list[_Product], left: bool, right: bool, costs: Costs
) -> tuple[_Around, list[_Product], list[_Product]] | None:
    """What products with common ends have in common, those of them that are not narrow inside, and their insides."""
    while True:
        chains = [p.factors for p in group]
        before = _common(chains) if left else 0
        room = min(len(c) for c in chains) - before
        after = min(room, _common([c[::-1] for c in chains])) if right else 0
        wide = [p for p in group if not _narrow(p.factors[before : len(p.factors) - after], costs)]
        if len(wide) < 2:
            return None
        if len(wide) == len(group):
            break
        group = wide
    first = group[0]
    scalars = first.scalars if all(p.scalars == first.scalars for p in group) else ()
    end = len(first.factors) - after
    around = _Around(scalars, first.factors[:before], first.factors[end:])
    rests = []
    for p in group:
        inner = p.factors[before : len(p.factors) - after]
        if not inner:
            inner = (ops.eye((around.before or around.after)[-1 if around.before else 0].shape[bool(around.before)]),)
        rests.append(_Product(() if scalars else p.scalars, inner))
    return around, group, rests


def _common(chains: Sequence[Sequence[Expr]]) -> int:
    """How many factors the chains have in common from their beginning."""
    count = 0
    for factors in zip(*chains, strict=False):
        if any(f is not factors[0] for f in factors):
            break
        count += 1
    return count


def _narrow(factors: Sequence[Expr], costs: Costs) -> bool:
    """Whether a product is of lower rank than its ends allow."""
    if len(factors) < 2:
        return False
    ends = min(costs.size(factors[0].rows), costs.size(factors[-1].cols))
    return any(costs.size(f.cols) < ends for f in factors[:-1])
