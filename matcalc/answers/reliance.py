"""Which declared facts an answer rests on: it is derived again without each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matcalc import ops
from matcalc.calculus.structure import unstructured
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, symbols
from matcalc.numeric.constraints import stated

if TYPE_CHECKING:
    from matcalc.answers.derivation import Derivation


def facts_used(d: Derivation) -> tuple[str, ...]:
    """The facts of other variables ("A is symmetric") without which the answer would be another, or none at all."""
    others = [s for s in symbols(d.loss) if unstructured(s) is not s and s.name not in d.wrt]
    return tuple(stated(s.name, s.data[1]) for s in others if _rests_on(d, s))


def _rests_on(d: Derivation, x: Expr) -> bool:
    """Whether the answer is another one if nothing is known of x."""
    if d.problem is None or d.again is None:
        return False
    free = unstructured(x)

    def freed(e: Expr) -> Expr:
        return ops.substitute(e, {x: free})

    problem = replace(
        d.problem,
        function=freed(d.problem.function),
        kinds={**d.problem.kinds, x.name: free.data[1]},  # type: ignore[index]
        definitions=tuple((name, freed(e)) for name, e in d.problem.definitions),
        lines=tuple((name, freed(e)) for name, e in d.problem.lines),
    )
    options = {
        "structure": d.structure,
        "table": d.table,
        "order": 2 if d.what == "hessian" else 1,
        "expand": d.expand,  # in the same form, to be compared
        "where": d.where,
        "residuals": {name: freed(e) for name, e in d.residuals},
    }
    try:
        found = d.again(problem, d.wrt, adjoint=d.pattern, **options)
    except MatcalcError:
        return True  # not even defined without it
    return [(name, ops.substitute(e, {free: x})) for name, e in _derived(found)] != _derived(d)


def _derived(d: Derivation) -> list[tuple[str, Expr]]:
    """What was derived, before it is laid out."""
    if d.backward is not None:
        return [*d.backward.lines, *((name, d.backward.named[name]) for name in d.answers)]
    return [(name, a.expr) for name, a in d.answers.items()]
