"""x[1]*unit(0, 2) + x[0]*unit(1, 2) = [x[1]; x[0]]: arrays of a small known size, made of entries, by their entries."""

from __future__ import annotations

from typing import TypeAlias

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.printing.measure import length
from matcalc.rules.instantiate import ELEMENTWISE_OPS
from matcalc.shapes import SCALAR, Shape
from matcalc.simplifier.simplify import Simplifier

Grid: TypeAlias = list[list[Expr]]
_LARGEST = 6  # rows or columns: a larger array does not fit a line
PLACED = ("unit", "block")  # what such an array is made of
_SIMPLE = 2000  # symbols: what is longer is not taken to entries


def in_components(root: Expr, short: Simplifier) -> Expr:
    """``root`` with every array of a small known size that is put together from places written by its entries, where
    that is not longer."""
    order = topological(root)
    placed: set[Expr] = set()
    for n in order:
        if n.op in PLACED or any(a in placed for a in n.args):
            placed.add(n)
    if root not in placed:
        return root
    results: dict[Expr, Expr] = {}
    entered: set[Expr] = set()  # looked at as a whole; its parts are next
    stack = [root]
    while stack:
        n = stack[-1]
        if n in results or n not in placed:
            results.setdefault(n, n)
            stack.pop()
            continue
        if n not in entered:
            entered.add(n)
            found = _by_entries(n, short)
            if found is not None:
                results[n] = found
                continue
        missing = [a for a in n.args if a not in results]
        if missing:
            stack.extend(missing)
            continue
        args = [results[a] for a in n.args]
        results[n] = n if tuple(args) == n.args else ops.rebuild(n, args)
    return results[root]


def _by_entries(n: Expr, short: Simplifier) -> Expr | None:
    """The array of its entries, if all are known and together they are not longer."""
    sizes = _numbers(n.shape)
    if sizes is None or n.shape == SCALAR or n.op in PLACED or length(n) > _SIMPLE:
        return None
    grids: dict[Expr, Grid] = {}
    for part in topological(n):
        if not part.is_scalar and _numbers(part.shape) is not None:
            grids[part] = _grid(part, grids)
    found = ops.block([[short.settled(entry) for entry in row] for row in grids[n]])
    return found if length(found) <= length(n) else None


def _numbers(shape: Shape) -> tuple[int, int] | None:
    """Rows and columns, if they are small numbers."""
    rows, cols = (d.number for d in shape)
    return None if rows is None or cols is None or max(rows, cols) > _LARGEST else (rows, cols)


def _grid(n: Expr, grids: dict[Expr, Grid]) -> Grid:
    """The entries of an array whose parts have theirs."""
    rows, cols = n.shape[0].number, n.shape[1].number
    assert rows is not None and cols is not None
    places = [[(i, j) for j in range(cols)] for i in range(rows)]
    arrays = [grids.get(a) for a in n.args]
    if n.op == "unit" and (at := _place(n)) is not None:
        return [[ops.num(int(i == at))] for i in range(rows)]
    if n.op in ("eye", "ones", "zeros"):
        return [[ops.num(int(n.op == "ones" or (n.op == "eye" and i == j))) for i, j in row] for row in places]
    if n.op == "t" and arrays[0] is not None:
        return [list(column) for column in zip(*arrays[0], strict=True)]
    if n.op == "block":
        return _stacked(n, grids)
    if n.op == "add" and all(a is not None for a in arrays):
        return [[ops.add(*(a[i][j] for a in arrays if a)) for i, j in row] for row in places]
    if n.op == "had" and all(a is not None for a in arrays):
        return [[ops.mul(*(a[i][j] for a in arrays if a)) for i, j in row] for row in places]
    if n.op in ELEMENTWISE_OPS and all(a is not None or x.is_scalar for a, x in zip(arrays, n.args, strict=True)):
        return [
            [
                ops.rebuild(n, [x if a is None else a[i][j] for a, x in zip(arrays, n.args, strict=True)])
                for i, j in row
            ]
            for row in places
        ]
    if n.op == "mul":
        chain = [a for a in n.args if not a.is_scalar]
        if all(a in grids for a in chain):
            return _product([a for a in n.args if a.is_scalar], [grids[a] for a in chain])
    if n.op == "diagmat" and arrays[0] is not None:
        line = [entry for row in arrays[0] for entry in row]
        return [[line[i] if i == j else ops.num(0) for i, j in row] for row in places]
    at_place = ("at",)
    if n.rows.number == 1:
        return [[ops.slice_(n, ("all",), at_place, ops.num(j)) for _, j in row] for row in places]
    if n.cols.number == 1:
        return [[ops.slice_(n, at_place, ("all",), ops.num(i)) for i, _ in row] for row in places]
    return [[ops.slice_(n, at_place, at_place, ops.num(i), ops.num(j)) for i, j in row] for row in places]


def _product(scalars: list[Expr], grids: list[Grid]) -> Grid:
    front = grids[0]
    for grid in grids[1:]:
        front = [
            [ops.add(*(ops.mul(a, b) for a, b in zip(row, column, strict=True))) for column in zip(*grid, strict=True)]
            for row in front
        ]
    return [[ops.mul(*scalars, entry) for entry in row] for row in front]


def _stacked(n: Expr, grids: dict[Expr, Grid]) -> Grid:
    height, width = n.data  # type: ignore[misc]
    rows: Grid = []
    for i in range(height):
        across = [grids.get(a, [[a]]) for a in n.args[i * width : (i + 1) * width]]
        rows += [[entry for block in line for entry in block] for line in zip(*across, strict=True)]
    return rows


def _place(unit: Expr) -> int | None:
    """k of unit(k, n), counted from 0, for literal k and n."""
    size, k = unit.rows.number, unit.args[0]
    if size is None or k.op != "num":
        return None
    at = int(k.data)  # type: ignore[call-overload]
    return at % size if -size <= at < size else None
