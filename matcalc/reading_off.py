"""The form of a differential in which the gradient is read off, tr(G'*dX), and in words how one gets there."""

from __future__ import annotations

from collections.abc import Sequence

from matcalc import ops
from matcalc.expr import Expr, depends
from matcalc.shapes import ONE
from matcalc.tidy import arranged, tidy, turned


def inner_form(g: Expr, x: Expr) -> Expr:
    """tr(G'*dX); G'*dx for a vector, dx*G' for a row, G*dx for a scalar; the transpose inside of G."""
    dx = ops.formal_differential(x)
    if x.is_scalar:
        return tidy(ops.mul(g, dx))
    if x.rows is ONE:
        return tidy(_product(dx, turned(g)))
    product = _product(turned(g), dx)
    return tidy(product if x.cols is ONE else ops.trace(product))


def _product(a: Expr, b: Expr) -> Expr:
    """a*b, what divides at the end; a sum stays one factor."""
    product = ops.mul(a, b)
    return product if product.is_scalar and "add" in (a.op, b.op) else arranged(product)


def reading(x: Expr) -> str:
    if x.is_scalar:
        return "the derivative is what multiplies the differential"
    dx = f"d{x.name}"
    form = f"{dx}*G'" if x.rows is ONE else f"G'*{dx}" if x.cols is ONE else f"tr(G'*{dx})"
    return f"the gradient `G` is read off `{form}`"


def why_form(whole: Expr, xs: Sequence[Expr]) -> tuple[str, str, str]:
    """In words, how the whole differential is brought to the form in which the gradient is read off."""
    if all(x.is_scalar for x in xs):
        return "collecting", "algebra", "the differential taken out"
    seen = {n.op for n in depends(whole, [ops.formal_differential(x) for x in xs])}
    matrix = any(x.rows is not ONE and x.cols is not ONE for x in xs)
    reasons: list[str] = []
    if "sum" in seen or "had" in seen:
        reasons.append("`sum(A .* B) = tr(A'*B)`" if matrix else "`sum(a .* b) = a'*b`")
    reasons.extend(words for op, words in _ADJOINTS.items() if op in seen)
    if matrix:
        if "mul" in seen:
            reasons.append("a scalar is its own trace, and the factors of a trace may be cycled")
        if "t" in seen:
            reasons.append("`tr(A') = tr(A)`")
        return "trace-form", "Petersen & Pedersen 2012, eqs. 13-16", "; ".join(reasons)
    if "t" in seen:
        reasons.append("a scalar is its own transpose")
    reasons.append("the differential taken out")
    return "transposition", "algebra", "; ".join(reasons)


# how an operation moves from one side of an inner product to the other
_ADJOINTS = {
    "diagmat": "`tr(A*diag(v)) = diag(A)'*v`",
    "diagvec": "`v'*diag(A) = tr(diag(v)*A)`",
    "vec": "`vec(A)'*vec(B) = tr(A'*B)`",
    "unvec": "`tr(A'*unvec(v, m, n)) = vec(A)'*v`",
    "frechet": "`tr(A'*L(X, E)) = tr(L(X', A)'*E)` for a Frechet derivative L",
    "kron": "a Kronecker product is taken apart block by block",
    "block": "block by block",
    "slice": "`x[i] = unit(i, n)'*x`",
    "isum": "term by term",
    "part": "`tr(A'*tril(B)) = tr(tril(A)'*B)`",
}
