"""Pseudoinverses by solving: pinv(A) is inv(A'*A)*A' where the function needs the inverse of A'*A in any case.

A short answer such as 2*pinv(A)' for logdet(A*A') would cost a singular value decomposition; the function it is the
derivative of is defined only where A*A' is invertible, and there the form with the inverse is one factorisation.
"""

from __future__ import annotations

from collections.abc import Iterable

from matcalc import ops
from matcalc.expr import Expr, topological

_NEEDS = ("inv", "logdet")


def regular(function: Iterable[Expr], roots: Iterable[Expr]) -> dict[Expr, Expr]:
    """The pseudoinverses below the roots that have such a form, mapped to it; ``function`` in its parts."""
    needed = topological(*function)
    grams = {x.args[0] for x in needed if x.op in _NEEDS} | {x.args[0].args[0] for x in needed if _is_log_det(x)}
    found: dict[Expr, Expr] = {}
    for x in topological(*roots):
        if x.op != "pinv":
            continue
        A, At = x.args[0], ops.transpose(x.args[0])
        if ops.mul(At, A) in grams:
            found[x] = ops.mul(ops.inv(ops.mul(At, A)), At)
        elif ops.mul(A, At) in grams:
            found[x] = ops.mul(At, ops.inv(ops.mul(A, At)))
    return found


def _is_log_det(x: Expr) -> bool:
    return x.op == "fn" and x.data == "log" and x.args[0].op == "det"
