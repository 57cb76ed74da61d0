"""Index form: the derivative as an array, J[i, j, k, l] = df_ij/dX_kl, written with entries and deltas.

A lowering of an expression that is linear in dX, in one direction only: every term becomes a product of entries that
share indices, ``delta_ik*x_l``, with sums over inner indices where matrices meet. The same terms are einsums in code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from matcalc import ops
from matcalc.calculus.selectors import placements, range_selector
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, depends
from matcalc.indices import names_in
from matcalc.shapes import ONE, Dim, Shape
from matcalc.simplifier.factors import compose, parts

Index = str | None  # None along a dimension of size 1


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an array: the array and its indices (one for a vector or row, two for a matrix)."""

    array: Expr
    indices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """1 where the two indices agree, else 0; ``size`` is their range."""

    left: str
    right: str
    size: Dim


@dataclass(frozen=True, slots=True)
class Term:
    """scalars * deltas * entries, summed over the indices that are not free."""

    scalars: tuple[Expr, ...]
    deltas: tuple[Delta, ...]
    entries: tuple[Entry, ...]
    summed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexForm:
    """J[indices] = sum of the terms; the first indices are the function's, the others the variable's."""

    indices: tuple[str, ...]
    sizes: tuple[Dim, ...]
    lead: int
    terms: tuple[Term, ...]

    def node(self) -> Expr:
        """The array as a node, for evaluation and code."""
        terms = [
            (
                t.scalars,
                [(d.left, d.right, d.size) for d in t.deltas],
                [(e.array, e.indices) for e in t.entries],
            )
            for t in self.terms
        ]
        return ops.tensor(self.indices, self.sizes, self.lead, terms)


@dataclass(frozen=True, slots=True)
class _State:
    node: Expr
    at: tuple[Index, Index]
    scalars: tuple[Expr, ...]
    entries: tuple[Entry, ...]
    deltas: tuple[Delta, ...]
    waiting: tuple[tuple[Expr, tuple[Index, Index]], ...] = ()


def index_form(
    e: Expr,
    dx: Expr | tuple[Expr, ...],
    short: Callable[[Expr], Expr] = lambda e: e,
    places: tuple[Index, Index] | None = None,
) -> IndexForm:
    """The index form of e, linear in the symbol dx (or in each of several); UnsupportedError if an operation has none.

    ``short`` shortens the arrays whose entries are taken; ``places`` are indices for the variable that are given
    (letters or numbers, None for an axis that is free): they are not among the indices of the form.
    """
    given = [i for i in places or () if i is not None]
    steps = dx if isinstance(dx, tuple) else (dx,)
    letters = _letters(names_in(e, *steps) | set(given))
    at, free = _axes(e.shape, letters)
    axes = list(zip(at, e.shape, strict=True))
    places_of: dict[Expr, tuple[Index, Index]] = {}
    for step in steps:
        places_of[step], more = _axes(step.shape, letters, places)
        axes += zip(places_of[step], step.shape, strict=True)
        free += more
    active = depends(e, steps)
    done: list[Term] = []
    todo = [_State(e, at, (), (), ())] if e in active else []
    while todo:
        state = todo.pop()
        if state.node not in places_of:
            todo.extend(reversed(_expanded(state, active, letters)))
            continue
        reached = _reached(state, places_of[state.node])
        if state.waiting:
            todo.append(replace(reached, node=state.waiting[0][0], at=state.waiting[0][1], waiting=state.waiting[1:]))
        else:
            done.append(_finished(reached, free, short))
    shape_at = tuple(i for i in at if i is not None)
    named = [(i, d) for i, d in axes if i is not None and i not in given]
    terms = sorted(_collected(done), key=_in_order)
    return IndexForm(tuple(i for i, _ in named), tuple(d for _, d in named), len(shape_at), tuple(terms))


def _collected(terms: list[Term]) -> list[Term]:
    """Like terms added up: the same deltas and entries, in any order."""
    totals: dict[object, tuple[Term, list[Expr]]] = {}
    for t in terms:
        key = (frozenset(t.deltas), tuple(sorted((id(e.array), e.indices) for e in t.entries)), t.summed)
        totals.setdefault(key, (t, []))[1].append(ops.mul(*t.scalars))
    found: list[Term] = []
    for t, scalars in totals.values():
        if len(scalars) == 1:
            found.append(t)
            continue
        total: dict[tuple[tuple[Expr, Any], ...], Fraction] = {}
        for s in scalars:
            p = parts(s)
            rest = tuple(p.scalars.items())
            total[rest] = total.get(rest, Fraction(0)) + p.coef
        kept = [compose(c, dict(rest), []) for rest, c in total.items() if c]
        if kept:
            found.append(replace(t, scalars=(ops.add(*kept),)))
    return found


def _letters(taken: set[str]) -> Iterator[str]:
    plain = [c for c in "ijklabcdefghmnopqrstuvwxyz" if c not in taken]
    yield from plain
    yield from (f"{c}{n}" for n in range(1, 1000) for c in plain)


def _axes(
    shape: Shape, letters: Iterator[str], places: tuple[Index, Index] | None = None
) -> tuple[tuple[Index, Index], tuple[str, ...]]:
    at = tuple(None if d is ONE else (p or next(letters)) for d, p in zip(shape, places or (None, None), strict=True))
    return (at[0], at[1]), tuple(i for i in at if i is not None)


def _entry(x: Expr, at: tuple[Index, Index]) -> tuple[Entry, ...]:
    """The entry x[at]; a transposed array is read the other way."""
    while x.op == "t":
        x, at = x.args[0], (at[1], at[0])
    return (Entry(x, tuple(i for i in at if i is not None)),)


def _expanded(s: _State, active: set[Expr], letters: Iterator[str]) -> list[_State]:
    n, (i, j) = s.node, s.at

    def to(
        node: Expr,
        at: tuple[Index, Index],
        *entries: Entry,
        scalars: tuple[Expr, ...] = (),
        deltas: tuple[Delta, ...] = (),
        waiting: tuple[tuple[Expr, tuple[Index, Index]], ...] = (),
    ) -> _State:
        return _State(node, at, s.scalars + scalars, s.entries + entries, s.deltas + deltas, waiting + s.waiting)

    def fresh(d: Dim) -> Index:
        return None if d is ONE else next(letters)

    match n.op:
        case "add":
            return [to(a, s.at) for a in n.args if a in active]
        case "t":
            return [to(n.args[0], (j, i))]
        case "had":
            x, *others = [a for a in n.args if a in active]
            rest = [e for a in n.args if a not in active for e in _entry(a, s.at)]
            return [to(x, s.at, *rest, waiting=tuple((a, s.at) for a in others))]
        case "mul":
            return _product(s, active, to, fresh)
        case "sum" | "mean":
            (x,) = n.args
            at = (i if n.data == 1 else fresh(x.rows), j if n.data == 0 else fresh(x.cols))
            count = {None: x.rows * x.cols, 0: x.rows, 1: x.cols}[n.data]  # type: ignore[index]
            scale = (ops.reciprocal(ops.dim(count)),) if n.op == "mean" else ()
            return [to(x, at, scalars=scale)]
        case "tr":
            k = fresh(n.args[0].rows)
            return [to(n.args[0], (k, k))]
        case "diagvec":
            return [to(n.args[0], (i, i))]
        case "diagmat":
            assert i is not None and j is not None
            x = n.args[0]
            return [to(x, (i, None) if x.cols is ONE else (None, i), deltas=(Delta(i, j, n.rows),))]
        case "part" if n.data != "toeplitz":
            return [to(n.args[0], s.at, *_entry(ops.part(str(n.data), ops.ones(*n.shape)), s.at))]
        case "slice":
            return [_picked(s, to, fresh)]
        case "block":
            return _placed(s, active, to, fresh)
    raise UnsupportedError(f"{n.op} has no index form")


def _product(s: _State, active: set[Expr], to, fresh) -> list[_State]:  # type: ignore[no-untyped-def]
    """s*L*X*R at (i, j): L at (i, a), X at (a, b), R at (b, j); likewise with several factors that depend on dX."""
    n, (i, j) = s.node, s.at
    scalars = tuple(a for a in n.args if a.is_scalar and a not in active)
    found: list[tuple[Expr, tuple[Index, Index]]] = [(a, (None, None)) for a in n.args if a.is_scalar and a in active]
    chain = [a for a in n.args if not a.is_scalar]
    entries: tuple[Entry, ...] = ()
    if chain and n.is_scalar and not any(a in active for a in chain):
        scalars, chain = (*scalars, ops.mul(*chain)), []
    run: list[Expr] = []
    here = i
    for position, a in enumerate(chain):
        if a not in active:
            run.append(a)
            continue
        row = fresh(a.rows) if run else here
        if run:
            entries += _entry(ops.mul(*run), (here, row))
        run = []
        here = fresh(a.cols) if position + 1 < len(chain) else j
        found.append((a, (row, here)))
    if run:
        entries += _entry(ops.mul(*run), (here, j))
    (x, at), *others = found
    return [to(x, at, *entries, scalars=scalars, waiting=tuple(others))]


def _picked(s: _State, to, fresh) -> _State:  # type: ignore[no-untyped-def]
    """X[k, :] at j: X at (a, j) times the unit vector of k at a; X[1:, :] at (i, j): rows of the identity at (i, a)."""
    x, *index = s.node.args
    at: list[Index] = []
    entries: list[Entry] = []
    for spec, size, outer, extent in zip(s.node.data, x.shape, s.at, s.node.shape, strict=True):  # type: ignore[call-overload]
        if spec[0] == "all":
            at.append(outer)
            continue
        if spec[0] == "range":
            a = fresh(size)
            at.append(a)
            entries.extend(_entry(range_selector(spec, extent, size), (outer, a)))
            continue
        k = index.pop(0)
        a = fresh(size)
        at.append(a)
        if a is not None:
            entries.append(Entry(ops.unit(k, size), (a,)))
    return to(x, (at[0], at[1]), *entries)  # type: ignore[no-any-return]


def _placed(s: _State, active: set[Expr], to, fresh) -> list[_State]:  # type: ignore[no-untyped-def]
    """Each block at its own indices, put in its place by rows and columns of the identity."""
    n, (i, j) = s.node, s.at
    out: list[_State] = []
    for entry, rows, cols in placements(n):
        if entry not in active:
            continue
        a = i if rows.op == "eye" else fresh(entry.rows)
        b = j if cols.op == "eye" else fresh(entry.cols)
        stands = [_entry(rows, (a, i)) if rows.op != "eye" else (), _entry(cols, (b, j)) if cols.op != "eye" else ()]
        out.append(to(entry, (a, b), *stands[0], *stands[1]))
    return out


def _reached(s: _State, var: tuple[Index, Index]) -> _State:
    """The state at a dX: its indices are the variable's."""
    pairs = zip(s.at, var, s.node.shape, strict=True)
    found = tuple(Delta(inner, outer, size) for inner, outer, size in pairs if inner is not None and outer is not None)
    return replace(s, deltas=s.deltas + found)


def _finished(s: _State, free: tuple[str, ...], short: Callable[[Expr], Expr]) -> Term:
    """Identities become deltas, deltas over inner indices are carried out, what is summed is contracted."""
    deltas = list(s.deltas)
    entries = []
    for e in s.entries:
        if e.array.op == "eye":
            deltas.append(Delta(e.indices[0], e.indices[1], e.array.rows))
        else:
            entries.append(e)
    kept: list[Delta] = []
    while deltas:
        d = deltas.pop(0)
        if d.left == d.right:
            continue
        if d.left not in free or d.right not in free:
            old, new = (d.left, d.right) if d.left not in free else (d.right, d.left)
            rename = {old: new}
            deltas = [Delta(rename.get(x.left, x.left), rename.get(x.right, x.right), x.size) for x in deltas]
            kept = [Delta(rename.get(x.left, x.left), rename.get(x.right, x.right), x.size) for x in kept]
            entries = [Entry(e.array, tuple(rename.get(i, i) for i in e.indices)) for e in entries]
        else:
            kept.append(d)
    real = {i for e in entries if e.array.op != "ones" for i in e.indices}
    real |= {i for d in kept for i in (d.left, d.right)}
    entries = [e for e in entries if e.array.op != "ones" or not real.union(free).issuperset(e.indices)]
    entries = _contracted(entries, {*free, *(i for d in kept for i in (d.left, d.right))})
    scalars = (*s.scalars, *(e.array for e in entries if not e.indices))
    entries = [_shortened(e, short) for e in entries if e.indices]
    used = {i for e in entries for i in e.indices} | {i for d in kept for i in (d.left, d.right)}
    summed = tuple(sorted(used - set(free)))
    rank = {i: number for number, i in enumerate(free)}
    turned = {d if rank[d.left] < rank[d.right] else Delta(d.right, d.left, d.size) for d in kept}
    ordered = sorted(turned, key=lambda d: (rank[d.left], rank[d.right]))
    return Term(scalars, tuple(ordered), tuple(entries), summed)


def _in_order(t: Term) -> tuple[object, ...]:
    """Terms with a minus sign last, then by the indices of deltas and entries."""
    deltas = [(d.left, d.right) for d in t.deltas]
    return parts(ops.mul(*t.scalars)).coef < 0, not deltas, deltas, [e.indices for e in t.entries]


def _shortened(e: Entry, short: Callable[[Expr], Expr]) -> Entry:
    """The same entry of a shorter array; of a transposed array the mirrored entry."""
    array = short(e.array)
    return Entry(array.args[0], e.indices[::-1]) if array.op == "t" else Entry(array, e.indices)


def _contracted(entries: list[Entry], fixed: set[str]) -> list[Entry]:
    """Sums that are products of two: A_ia*B_aj is (A*B)_ij, A_ia*v_a*B_aj is (A*diag(v)*B)_ij, sum_a A_ia is (A*1)_i.

    What is left summed is shared by three matrices.
    """
    while True:
        holders: dict[str, list[Entry]] = {}
        for e in entries:
            for i in dict.fromkeys(e.indices):
                holders.setdefault(i, []).append(e)
        for index, found in holders.items():
            made = None if index in fixed else _merged(found, index)
            if made is not None:
                at = entries.index(found[0])
                entries = [made[0] if k == at else e for k, e in enumerate(entries) if k == at or e not in found]
                entries[at + 1 : at + 1] = made[1:]
                break
        else:
            return entries


def _merged(found: list[Entry], index: str) -> list[Entry] | None:
    """Fewer entries for those that share a summed index; None if there are no fewer."""
    if any(e.indices.count(index) > 1 for e in found):
        return None
    columns = [e for e in found if len(e.indices) == 1]
    if len(columns) > 1:
        merged = ops.had(*(_column(e) for e in columns))
        return [Entry(merged, (index,)), *(e for e in found if e not in columns)]
    if len(found) == 1:
        (e,) = found
        rows, rest = _turned(e, index, last=True)
        size = rows.cols
        return [Entry(ops.mul(rows, ops.ones(size, ONE)), rest)]
    if len(found) == 2:
        first, second = found
        rows, row = _turned(first, index, last=True)
        cols, col = _turned(second, index, last=False)
        return [Entry(ops.mul(rows, cols), (*row, *col))]
    if columns and len(found) - len(columns) == 2:
        matrix = next(e for e in found if e not in columns)
        rows, row = _turned(matrix, index, last=True)
        scaled = Entry(ops.mul(rows, ops.diag(_column(columns[0]))), (*row, index))
        return [scaled, *(e for e in found if e is not matrix and e not in columns)]
    same = [e for e in found[1:] if set(e.indices) == set(found[0].indices)]
    if same:
        arrays = [e.array if e.indices == found[0].indices else ops.transpose(e.array) for e in (found[0], *same)]
        return [Entry(ops.had(*arrays), found[0].indices), *(e for e in found[1:] if e not in same)]
    return None


def _column(e: Entry) -> Expr:
    """The vector of an entry with one index, as a column."""
    return ops.transpose(e.array) if e.array.rows is ONE else e.array


def _turned(e: Entry, index: str, *, last: bool) -> tuple[Expr, tuple[str, ...]]:
    """The array with ``index`` along its last (or first) axis, and its other index."""
    rest = tuple(i for i in e.indices if i != index)
    axis = 0 if e.array.cols is ONE or (len(e.indices) == 2 and e.indices[0] == index) else 1
    turn = axis != (1 if last else 0)
    if not turn:
        return e.array, rest
    return (e.array.args[0] if e.array.op == "t" else ops.transpose(e.array)), rest
