"""The form of a differential in which the gradient is read off, tr(G'*dX), and in words how one gets there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from matcalc import ops
from matcalc.expr import Expr, depends
from matcalc.shapes import ONE
from matcalc.simplifier.tidy import arranged, tidy, turned


def inner_form(g: Expr, x: Expr, tidied: dict[Expr, Expr] | None = None) -> Expr:
    """tr(G'*dX); G'*dx for a vector, dx*G' for a row, G*dx for a scalar; the transpose inside of G.

    ``tidied``: parts of other forms, which are used, and added to.
    """
    dx = ops.formal_differential(x)
    if x.is_scalar:
        return tidy(ops.mul(g, dx), (), tidied)
    if x.rows is ONE:
        return tidy(_product(dx, turned(g)), (), tidied)
    product = _product(turned(g), dx)
    return tidy(product if x.cols is ONE else ops.trace(product), (), tidied)


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
    varying = depends(whole, [ops.formal_differential(x) for x in xs])
    seen = {n.op for n in varying}
    matrix = any(x.rows is not ONE and x.cols is not ONE for x in xs)
    reasons: list[str] = []
    if all(x.is_scalar for x in xs):
        reasons += ["`sum(a .* b) = a'*b`"] if "sum" in seen and not seen & {"tr", "inv"} else []
        reasons.append(f"the differential{'s' if len(xs) > 1 else ''} taken out")
        return "collecting", "algebra", "; ".join(reasons)
    summed = {part for n in varying if n.op in ("sum", "mean") for part in map(_bare, _summands(n.args[0]))}
    products = any(part.op == "had" for part in summed)
    if "sum" in seen and products:
        reasons.append("`sum(A .* B) = tr(A'*B)`" if matrix else "`sum(a .* b) = a'*b`")
    if "mean" in seen and products:
        reasons.append("`mean(A .* B) = tr(A'*B)/(m*n)`" if matrix else "`mean(a .* b) = a'*b/n`")
    if any(part.op != "had" and part in varying for part in summed):
        reasons.append("`sum(A) = tr(ones(n, m)*A)`" if matrix else "`sum(a) = ones(n)'*a`")
    if any(n.op == "had" and n not in summed for n in varying):
        reasons.append("`tr(A'*(B .* C)) = tr((A .* B)'*C)`" if matrix else "`a'*(b .* c) = (a .* b)'*c`")
    reasons.extend(words for op, words in _ADJOINTS.items() if op in seen)
    reasons.extend(_about_traces(varying) if matrix else _about_products(varying))
    if "t" in seen:
        reasons.append("`tr(A') = tr(A)`" if matrix else "a scalar is its own transpose")
    if _terms(whole) > len(xs) or not reasons:
        reasons.append("the differential taken out")
    if matrix:
        return "trace-form", "Petersen & Pedersen 2012, eqs. 13-16", "; ".join(reasons)
    return "transposition", "algebra", "; ".join(reasons)


def _about_traces(varying: Collection[Expr]) -> Iterator[str]:
    """Whether products that are scalars become traces, and whether the factors of traces are cycled."""
    products = [n for n in varying if n.op == "mul" and any(not a.is_scalar for a in n.args)]
    if any(n.is_scalar and not _last(n, varying).is_scalar for n in products):
        yield "a scalar is its own trace"
    if any(_last(n, varying) not in varying for n in products):
        yield "the factors of a trace may be cycled"


def _about_products(varying: Collection[Expr]) -> Iterator[str]:
    """Whether a scalar that varies moves to the end of a product."""
    for n in varying:
        last = _last(n, varying)
        moves = any(a.is_scalar and a in varying for a in n.args)
        if n.op == "mul" and moves and not last.is_scalar and last not in varying:
            yield "a scalar factor may stand anywhere"
            return


def _last(n: Expr, varying: Collection[Expr]) -> Expr:
    """The last factor that is an array."""
    return next((a for a in reversed(n.args) if not a.is_scalar), n.args[-1])


def _summands(e: Expr) -> Sequence[Expr]:
    return e.args if e.op == "add" else (e,)


def _bare(e: Expr) -> Expr:
    """The array of a product with scalars."""
    arrays = [f for f in e.args if not f.is_scalar] if e.op == "mul" else []
    return arrays[0] if len(arrays) == 1 else e


def _terms(whole: Expr) -> int:
    """The terms of a sum, also inside of a trace."""
    return sum(len(_summands(t.args[0])) if t.op == "tr" else 1 for t in _summands(whole))


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
