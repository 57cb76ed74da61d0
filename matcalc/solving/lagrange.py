"""Stationary points under linear constraints: L*X*R + C = 0 on P*X*Q = D, by Lagrange multipliers.

L*X*R + C + P'*Z*Q' = 0 with the multipliers Z gives, with X0 = -inv(L)*C*inv(R),
X = X0 + inv(L)*P'*inv(P*inv(L)*P')*(D - P*X0*Q)*inv(Q'*inv(R)*Q)*Q'*inv(R).
"""

from __future__ import annotations

from collections.abc import Sequence

from matcalc import ops
from matcalc.calculus.adjoint import gradients
from matcalc.calculus.structure import structured
from matcalc.calculus.vectorize import stacked
from matcalc.expr import Expr
from matcalc.indices import names_in
from matcalc.kinds import kind_of_shape
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import is_zero
from matcalc.solving.linear_equation import Algebra, Linear, Sides, Solved, divisors, fresh, linear, map_matrix, sides


def lagrange_condition(e: Expr, x: Expr, constraints: Sequence[Expr], algebra: Algebra) -> tuple[Expr, list[Expr]]:
    """The gradient of f + sum of tr(Z'*constraint), and the multipliers Z."""
    taken = names_in(e, x, *constraints)
    total = [e]
    multipliers = []
    for residual in constraints:
        name = fresh("lambda" if ONE in residual.shape else "Lambda", taken)
        taken.add(name)
        z = ops.sym(name, kind_of_shape(residual.shape))
        multipliers.append(z)
        pairing = ops.trace(ops.mul(ops.transpose(z), residual))
        total.append(structured(gradients(pairing, [x], algebra.table, algebra.short)[x], x, "auto")[0])
    return algebra.settled(ops.add(*total)), multipliers


def solve_constrained(e: Expr, x: Expr, constraints: Sequence[Expr], algebra: Algebra) -> Solved | None:
    """X with e + (multipliers) = 0 and every constraint = 0; None if that has no closed form here."""
    found = linear(e, x, algebra)
    limits = [linear(c, x, algebra) for c in constraints]
    linears = [part for part in (found, *limits) if part is not None and not is_zero(part.change)]
    if len(linears) <= len(constraints):
        return None
    pairs = [sides(part, algebra) for part in linears]
    solution = _combined(pairs, algebra)
    if solution is None and ONE not in x.shape:
        pairs = [_stacked(part, algebra) for part in linears]
        column = _combined(pairs, algebra)
        if column is not None:
            solution = Solved(algebra.settled(ops.unvec(column.value, x.rows, x.cols)), column.divisors)
    return solution


def _stacked(part: Linear, algebra: Algebra) -> Sides | None:
    """The equation for vec(X)."""
    matrix = map_matrix(part, algebra)
    return None if matrix is None else Sides(matrix, ops.num(1), stacked(part.rest))


def _combined(pairs: Sequence[Sides | None], algebra: Algebra) -> Solved | None:
    """The formula above; the first pair is the stationarity condition, the others are the constraints."""
    known = [pair for pair in pairs if pair is not None]
    limit = _together(known[1:]) if len(known) == len(pairs) else None
    if limit is None:
        return None
    main = known[0]
    settled = algebra.settled
    p, q, d = limit.left, limit.right, settled(ops.neg(limit.rest))
    left, right = ops.inv(main.left), ops.inv(main.right)
    free = settled(ops.neg(ops.mul(left, main.rest, right)))
    gap = settled(ops.sub(d, ops.mul(p, free, q)))
    before, upper = _before(left, p)
    turned, lower = _before(ops.transpose(right), ops.transpose(q))
    value = settled(ops.add(free, settled(ops.mul(before, gap, ops.transpose(turned)))))
    return Solved(value, divisors(algebra, left, right, upper, lower))


def _before(left: Expr, p: Expr) -> tuple[Expr, Expr]:
    """inv(L)*P'*inv(P*inv(L)*P'), and the inverse in it; the identity where P is."""
    if p.op == "eye" or (p.op == "num" and p.data == 1):
        return p, ops.num(1)
    turned = ops.transpose(p)
    inverse = ops.inv(ops.mul(p, left, turned))
    return ops.mul(left, turned, inverse), inverse


def _together(limits: Sequence[Sides]) -> Sides | None:
    """Several constraints with the same factor on one side as one, stacked on the other."""
    if len(limits) == 1:
        return limits[0]
    if len({limit.right for limit in limits}) == 1:
        left = ops.block([[limit.left] for limit in limits])
        rest = ops.block([[limit.rest] for limit in limits])
        return Sides(left, limits[0].right, rest)
    if len({limit.left for limit in limits}) == 1:
        right = ops.block([[limit.right for limit in limits]])
        rest = ops.block([[limit.rest for limit in limits]])
        return Sides(limits[0].left, right, rest)
    return None
