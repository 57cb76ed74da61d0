"""Stationary points on spheres and on orthonormal columns: eigenvectors, and the nearest orthogonal matrix.

A*x = mu*B*x on x'*B*x = r: the eigenvectors of inv(sqrtm(B))*A*inv(sqrtm(B)), between that of the smallest eigenvalue,
where x'*A*x is least, and that of the largest (Horn & Johnson 2013, thm 4.2.2). Q*S - M = 0 with S symmetric on
Q'*Q = eye: Q is the orthogonal factor of M = U*diag(s)*V', U*V' where -tr(M'*Q) is least (Schoenemann 1966).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.printing.text import text
from matcalc.rules.facts import known
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.factors import compose, parts
from matcalc.solving.curvature import MAXIMUM, MINIMUM, Curvature
from matcalc.solving.linear_equation import Algebra, Linear, Solved, line_matrix, linear, products


@dataclass(frozen=True, slots=True)
class Extremes:
    """Points of a set of stationary points where the function is least and largest, and what the others are."""

    found: tuple[tuple[Solved, Curvature], ...]
    note: str


def eigenvectors(e: Expr, x: Expr, constraint: Expr, gradient: Expr, algebra: Algebra) -> Extremes | None:
    """x'*A*x on x'*B*x = r, e and ``gradient`` being those of the two; None if they are something else."""
    if x.cols is not ONE or x.is_scalar:
        return None
    main, limit = (_form(g, x, algebra) for g in (e, gradient))
    radius = algebra.settled(ops.neg(ops.substitute(constraint, {x: ops.zeros(*x.shape)})))
    if main is None or limit is None or is_zero(radius) or x in topological(radius):
        return None
    (size, a), (scale, b) = main, limit
    if scale <= 0 or not known(b, "spd"):
        return None
    radius = algebra.settled(ops.mul(ops.num(2 / scale), radius))
    before = None if b.op == "eye" else ops.inv(ops.mfn("sqrtm", b))
    matrix = a if before is None else algebra.settled(ops.mul(before, a, before))
    length = ops.power(radius, ops.num(Fraction(1, 2)))
    vectors = ops.spectral("eigvecs", matrix)
    found = []
    for place, kind, word in ((0, MINIMUM, "smallest"), (-1, MAXIMUM, "largest")):
        column = ops.slice_(vectors, ("all",), ("at",), ops.num(place if size > 0 else -1 - place))
        value = algebra.settled(ops.mul(length, column if before is None else ops.mul(before, column)))
        which = word if size > 0 else {"smallest": "largest", "largest": "smallest"}[word]
        why = f"an eigenvector of {text(matrix)} for the {which} eigenvalue"
        found.append((Solved(value, ()), Curvature(kind, why, True)))
    right = x if before is None else ops.mul(b, x)
    note = f"every {x.name} on the constraint with {text(ops.mul(a, x))} a multiple of {text(right)} is stationary"
    return Extremes(tuple(found), note)


def _form(g: Expr, x: Expr, algebra: Algebra) -> tuple[Fraction, Expr] | None:
    """(c, A) with g = c*A*x, A symmetric and without a number in front."""
    found = linear(g, x, algebra)
    if found is None or not is_zero(found.rest) or is_zero(found.change):
        return None
    matrix = line_matrix(found, algebra)
    if not known(matrix, "symmetric"):
        return None
    p = parts(matrix)
    return p.coef, compose(Fraction(1), p.scalars, p.body or [ops.eye(x.rows)])


def orthonormal(e: Expr, x: Expr, constraint: Expr, algebra: Algebra) -> Extremes | None:
    """Q*S - M = 0 with S symmetric, on Q'*Q = eye (or Q*Q' = eye, square); None if it is something else."""
    turned = ops.transpose(x)
    square = x.rows is x.cols
    sets = [(ops.mul(turned, x), x.cols), *([(ops.mul(x, turned), x.rows)] if square else [])]
    settled = algebra.settled
    if ONE in x.shape or settled(constraint) not in [settled(ops.sub(g, ops.eye(d))) for g, d in sets]:
        return None
    found = linear(e, x, algebra)
    if found is None or is_zero(found.rest) or not _turns(found, algebra):
        return None
    p = parts(settled(ops.neg(found.rest)))
    if p.scalars or not p.coef:
        return None
    m = compose(Fraction(1), {}, p.body)
    nearest = settled(ops.mul(ops.spectral("svd_u", m), ops.transpose(ops.spectral("svd_v", m))))
    farthest = settled(ops.neg(nearest))
    kinds = (MINIMUM, MAXIMUM) if p.coef > 0 else (MAXIMUM, MINIMUM)
    pairing = settled(ops.trace(ops.mul(ops.transpose(m), x)))
    why = f"on the constraint the function falls as {text(pairing)} {'grows' if p.coef > 0 else 'falls'}"
    each = tuple((Solved(v, ()), Curvature(k, why, True)) for v, k in zip((nearest, farthest), kinds, strict=True))
    note = f"the signs of the columns of svd_u({text(m)}), all or some turned, give the other stationary points"
    return Extremes(each, note)


def _turns(found: Linear, algebra: Algebra) -> bool:
    """Whether the change is dX*S with S symmetric, S*dX of a square dX, or nothing: constant on the constraint."""
    if is_zero(found.change):
        return True
    terms = products(found, algebra)
    if terms is None or any(t.transposed for t in terms):
        return False
    sides = [((t.left, t.right) for t in terms)]
    if found.x.rows is found.x.cols:
        sides.append((t.right, t.left) for t in terms)
    return any(_symmetric_sum(pairs, algebra) for pairs in sides)


def _symmetric_sum(pairs: Iterable[tuple[Expr, Expr]], algebra: Algebra) -> bool:
    """Of pairs (c*eye, S): whether the sum of c*S is symmetric."""
    total = []
    for one, s in pairs:
        p = parts(one)
        if len(p.body) != 1 or p.body[0].op != "eye":
            return False
        total.append(ops.mul(compose(p.coef, p.scalars, []), s))
    return known(algebra.settled(ops.add(*total)), "symmetric")
