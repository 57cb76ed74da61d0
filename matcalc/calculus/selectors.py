"""Rows of the identity: S with S*X the rows of X that a slice takes, and S'*B the block B put in its place."""

from __future__ import annotations

from matcalc import ops
from matcalc.expr import Expr
from matcalc.shapes import Dim


def selector(start: Dim, extent: Dim, size: Dim) -> Expr:
    """The rows start, ..., start + extent - 1 of the identity: extent x size."""
    if extent is size:
        return ops.eye(size)
    after = size - start - extent
    blocks = [ops.zeros(extent, start)] if start.number != 0 else []
    blocks.append(ops.eye(extent))
    if after.number != 0:
        blocks.append(ops.zeros(extent, after))
    return ops.block([blocks])


def range_selector(spec: tuple[object, ...], extent: Dim, size: Dim) -> Expr:
    """The rows of the identity that a range of a slice takes."""
    first = spec[1] if isinstance(spec[1], int) else 0
    return selector(Dim.of(first) + (size if first < 0 else Dim.of(0)), extent, size)


def picks(n: Expr) -> tuple[Expr, Expr]:
    """(R, C) with R*X*C' the slice n of X."""
    x, *index = n.args
    found: list[Expr] = []
    for spec, size, extent in zip(n.data, x.shape, n.shape, strict=True):  # type: ignore[call-overload]
        if spec[0] == "all":
            found.append(ops.eye(size))
        elif spec[0] == "at":
            found.append(ops.transpose(ops.unit(index.pop(0), size)))
        else:
            found.append(range_selector(spec, extent, size))
    return found[0], found[1]


def placements(n: Expr) -> list[tuple[Expr, Expr, Expr]]:
    """Each block B with (R, C) such that the whole is the sum of R'*B*C; R and C are rows of the identity."""
    height, width = n.data  # type: ignore[misc]
    found: list[tuple[Expr, Expr, Expr]] = []
    top = Dim.of(0)
    for i in range(height):
        left = Dim.of(0)
        for j in range(width):
            entry = n.args[i * width + j]
            found.append((entry, selector(top, entry.rows, n.rows), selector(left, entry.cols, n.cols)))
            left = left + entry.cols
        top = top + n.args[i * width].rows
    return found
