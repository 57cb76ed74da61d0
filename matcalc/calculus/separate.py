"""Kronecker products taken apart before differentiating: longer to read, but their factors then meet no more.

det(kron(A, B)) = det(A)^p*det(B)^m, logdet likewise, inv and pinv factor by factor (Magnus & Neudecker 2019, ch. 2).
"""

from __future__ import annotations

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.simplifier.simplify import Simplifier


def separated(f: Expr, short: Simplifier) -> Expr:
    """f with functions of Kronecker products written in terms of their factors; f itself if there are none."""
    if not any(n.op == "kron" for n in topological(f)):
        return f
    done: dict[Expr, Expr] = {}
    for n in topological(f):
        args = tuple(done[a] for a in n.args)
        made = n if args == n.args else ops.rebuild(n, args)
        done[n] = _apart(made)
    return short(done[f])


def _apart(n: Expr) -> Expr:
    x = n.args[0] if n.args else n
    if x.op != "kron":
        return n
    a, b = x.args
    square = a.rows is a.cols
    match n.op:
        case "t":
            return ops.kron(ops.transpose(a), ops.transpose(b))
        case "inv" if square:
            return ops.kron(ops.inv(a), ops.inv(b))
        case "pinv":
            return ops.kron(ops.pinv(a), ops.pinv(b))
        case "tr" if square:
            return ops.mul(ops.trace(a), ops.trace(b))
        case "det" if square:
            return ops.mul(ops.power(ops.det(a), ops.dim(b.rows)), ops.power(ops.det(b), ops.dim(a.rows)))
        case "logdet" if square:
            return ops.add(ops.mul(ops.dim(b.rows), ops.logdet(a)), ops.mul(ops.dim(a.rows), ops.logdet(b)))
        case "norm2":
            return ops.mul(ops.norm2(a), ops.norm2(b))
        case "norm1":
            return ops.mul(ops.norm1(a), ops.norm1(b))
        case "sum" if n.data is None:
            return ops.mul(ops.total(a), ops.total(b))
    return n
