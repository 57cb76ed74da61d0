"""Minimum, maximum or saddle: the sign of the Hessian at a stationary point, from declared and inferred facts.

Where the facts do not tell, the answer is "undecided"; a Hessian without variables in it is settled by its eigenvalues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matcalc import ops
from matcalc.calculus.differential import differential
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, symbols, topological
from matcalc.printing.text import text
from matcalc.rules.facts import known
from matcalc.rules.inference import Facts
from matcalc.shapes import ONE
from matcalc.simplifier.factors import parts
from matcalc.solving.linear_equation import Algebra, Linear, direction, linear, map_matrix

MINIMUM, MAXIMUM, SADDLE, UNDECIDED = "minimum", "maximum", "saddle", "undecided"
EIGENVALUES = {
    MINIMUM: "positive eigenvalues",
    MAXIMUM: "negative eigenvalues",
    SADDLE: "eigenvalues of both signs",
}


@dataclass(frozen=True, slots=True)
class Curvature:
    """What kind of point it is and why; ``everywhere``: the Hessian is the same at every point."""

    kind: str
    why: str
    everywhere: bool
    strict: bool = False


def curvature(e: Expr, x: Expr, solution: Expr, algebra: Algebra, assumptions: Mapping[Expr, Facts]) -> Curvature:
    """The kind of the stationary point ``solution`` of the function whose gradient by x is e."""
    found = linear(e, x, algebra)
    everywhere = found is not None
    if found is None:
        found = _at_solution(e, x, solution, algebra)
    matrix = map_matrix(found, algebra)
    shown = _shown(found, matrix)
    if matrix is None:
        return Curvature(UNDECIDED, f"the sign of the Hessian {shown} is not known", everywhere)
    assumptions = _defined(matrix, assumptions)
    negated = algebra.settled(ops.neg(matrix))
    assumptions = _defined(negated, assumptions)
    for kind, form, word in ((MINIMUM, matrix, "positive"), (MAXIMUM, negated, "negative")):
        strict = known(form, "positive" if form.is_scalar else "spd", assumptions)
        weak = known(form, "nonnegative" if form.is_scalar else "psd", assumptions)
        strict = strict or (weak and known(form, "nonzero" if form.is_scalar else "invertible", assumptions))
        if strict or (weak and everywhere):
            sign = word if form.is_scalar else f"{word} {'definite' if strict else 'semidefinite'}"
            sign = "nonnegative" if form.is_scalar and not strict and word == "positive" else sign
            sign = "not positive" if form.is_scalar and not strict and word == "negative" else sign
            return Curvature(kind, f"the Hessian {shown} is {sign}", everywhere, strict)
    if everywhere:
        sign_of = by_eigenvalues(matrix, x)
        if sign_of is not None:
            return Curvature(sign_of, f"the Hessian {shown} has {EIGENVALUES[sign_of]}", everywhere, True)
    return Curvature(UNDECIDED, f"the sign of the Hessian {shown} is not known", everywhere)


def _defined(e: Expr, assumptions: Mapping[Expr, Facts]) -> Mapping[Expr, Facts]:
    """The assumptions, and what is so because e is defined: what it divides by is not zero, roots are positive."""
    found = dict(assumptions)
    for n in topological(e):
        if n.op == "pow" and n.args[1].op == "num" and n.args[1].data < 0:  # type: ignore[operator]
            found[n.args[0]] = found.get(n.args[0], frozenset()) | {"nonzero"}
        if n.op == "fn" and n.data == "sqrt":
            found[n] = found.get(n, frozenset()) | {"positive"}
    return found


def _at_solution(e: Expr, x: Expr, solution: Expr, algebra: Algebra) -> Linear:
    """The second differential at the solution."""
    along = direction(e, x)
    change = algebra.settled(differential(e, {x: along}, algebra.table))
    return Linear(x, along, algebra.settled(ops.substitute(change, {x: solution})), ops.zeros(*x.shape))


def _shown(found: Linear, matrix: Expr | None) -> str:
    """The Hessian as it is printed: a matrix for lines, the linear map for matrices."""
    if matrix is not None and ONE in found.x.shape:
        return text(matrix)
    return f"{found.dx.name} -> {text(found.change)}"


def by_eigenvalues(matrix: Expr, x: Expr) -> str | None:
    """The sign of a matrix of numbers, or of a multiple of the commutation matrix; None for all else."""
    p = parts(matrix)
    if known(x, "symmetric"):  # eigenvectors that are not symmetric do not count
        return None
    if len(p.body) == 1 and p.body[0].op == "commutation" and not symbols(*p.scalars):
        return SADDLE  # X -> X': 1 on symmetric matrices, -1 on the others
    if any(n.op in ("sym", "ufn", "idx") or any(d.names for d in n.shape) for n in topological(matrix)):
        return None
    import numpy as np

    from matcalc.numeric.evaluate import evaluate

    try:
        value = np.atleast_2d(evaluate(matrix, {}, {}))
    except MatcalcError:
        return None
    values = np.linalg.eigvalsh((value + value.T) / 2)
    if np.any(np.abs(values) < 1e-9 * np.abs(values).max()):
        return None
    return MINIMUM if values[0] > 0 else MAXIMUM if values[-1] < 0 else SADDLE
