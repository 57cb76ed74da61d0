"""inv(X'*X)*X' = pinv(X), where nothing else stands beside it: X'*X is invertible only if X has full column rank."""

from __future__ import annotations

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.simplifier.factors import compose, parts


def with_pseudoinverses(e: Expr, results: dict[Expr, Expr] | None = None) -> Expr:
    """The expression with pinv(X) for inv(X'*X)*X' and for X'*inv(X*X'), transposed too, wherever that is a whole term.

    In the middle of longer products the inverse stays, as in print: X*inv(X'*X)*X' is known as a projection, and
    inv(X'*X)*X'*y as least squares.
    """
    results = {} if results is None else results  # of other expressions too
    for n in topological(e, leaves=results):
        if n not in results:
            args = tuple([results[a] for a in n.args])
            results[n] = _shortened(n if args == n.args else ops.rebuild(n, args))
    return results[e]


def _shortened(n: Expr) -> Expr:
    p = parts(n) if n.op == "mul" and not n.is_scalar else None
    if p is None or len(p.body) != 2:
        return n
    a, b = p.body
    x, inverse = (a, b) if b.op == "inv" else (b, a)
    symbol = x.args[0] if x.op == "t" else x
    if inverse.op != "inv" or symbol.op != "sym":
        return n
    other = symbol if x.op == "t" else ops.transpose(symbol)
    if inverse.args[0] is not (ops.mul(other, x) if inverse is b else ops.mul(x, other)):
        return n
    made = ops.pinv(symbol)  # of X*inv(X'*X) and of inv(X*X')*X the transpose
    return compose(p.coef, p.scalars, [made if x.op == "t" else ops.transpose(made)])
