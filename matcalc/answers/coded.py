"""What code computes of a Jacobian: a matrix, the array of its index form, or its map at each unit matrix."""

from __future__ import annotations

from matcalc import ops
from matcalc.calculus.higher import Forms
from matcalc.expr import Expr, topological

_IN_PLACE = ("numpy", "scipy")  # targets whose arrays can be filled entry by entry


def coded(form: Forms, target: str) -> Expr:
    """The derivative as an array; where arrays cannot be changed and there is no index form, its matrix unstacked."""
    if not form.stacked:
        return form.matrix
    if form.index is not None:
        return form.index.node()
    if target not in _IN_PLACE:
        return ops.unstacked(form.matrix, (*form.function.shape, *form.variable.shape), 2)
    used = {n.data if n.op == "idx" else n.name for n in topological(form.map) if n.op in ("idx", "sym")}
    i, j = (ops.idx(name) for name in [name for name in "ijklpqrs" if name not in used][:2])
    rows, cols = form.variable.shape
    unit = ops.mul(ops.unit(i, rows), ops.transpose(ops.unit(j, cols)))
    return ops.mapped(i, j, ops.substitute(form.map, {form.direction: unit}), rows, cols)
