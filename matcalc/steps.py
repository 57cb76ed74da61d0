"""The derivation as steps: the differential of each operation by an identity, the whole differential, identification.

Every step is one equality ``before = after``: in terms of the differentials of the parts (d(...)), of the variable (dX), or
of the gradient. ``value`` is what the left side is the differential of, so that a step can be checked numerically.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.adjoint import inner
from matcalc.differential import differential, local_differential
from matcalc.expr import Expr, depends, topological
from matcalc.latex import latex
from matcalc.pretty import pretty
from matcalc.rewrite import rewriter
from matcalc.simplify import Simplifier
from matcalc.text import text

if TYPE_CHECKING:
    from matcalc.derive import Answer, Derivation


@dataclass(frozen=True, slots=True)
class Step:
    """One equality, why it holds (``by``: an identity's id, or a few words) and its source."""

    before: Expr
    after: Expr
    by: str
    source: str
    says: str = ""

    def text(self) -> str:
        return f"{text(self.before)} = {text(self.after)}"

    def pretty(self) -> str:
        return f"{pretty(self.before)} = {pretty(self.after)}"

    def latex(self) -> str:
        return f"{latex(self.before)} &= {latex(self.after)}"

    def json(self) -> dict[str, str]:
        return {"before": text(self.before), "after": text(self.after), "by": self.by, "source": self.source}


def steps(derivation: Derivation) -> tuple[Step, ...]:
    """The steps for every variable, one variable after the other."""
    short = Simplifier(rewriter(derivation.table))
    return tuple(s for a in derivation.answers.values() for s in _steps_of(derivation, a, short))


def _steps_of(derivation: Derivation, answer: Answer, short: Simplifier) -> list[Step]:
    f, x = derivation.function, answer.variable
    dx = ops.formal_differential(x)
    reached = depends(f, [x])
    if f not in reached:
        zero = ops.zeros(*f.shape)
        return [Step(ops.formal_differential(f), zero, "constant", f"{x.name} does not occur in it")]
    out: list[Step] = []
    for n in reversed(topological(f)):
        if n not in reached or n is x:
            continue
        d = {a: ops.formal_differential(a) for a in n.args if a in reached}
        local, entry = local_differential(n, d, derivation.table)
        by, source, says = ("definition", "definition of the derivative", "") if entry is None else (
            entry.id, "; ".join(entry.source), entry.says
        )
        step = Step(ops.formal_differential(n), short(local), by, source, says)
        if step.before is not step.after and not _trivial(n):
            out.append(step)
    whole = short(differential(f, {x: dx}, derivation.table))
    out.append(Step(ops.formal_differential(f), whole, "substitution", "the steps above, put together"))
    gradient = _unprojected(answer, derivation, short)
    identified = short_inner(gradient, dx)
    out.append(Step(ops.formal_differential(f), identified, "first-identification", "Magnus & Neudecker 2019, sec. 9.2: df = tr(G'*dX) identifies the gradient G"))
    return out


def short_inner(g: Expr, dx: Expr) -> Expr:
    """G'*dx for vectors, tr(G'*dX) for matrices, g*dx for scalars: the form that shows the gradient."""
    return inner(g, dx)


def _unprojected(answer: Answer, derivation: Derivation, short: Simplifier) -> Expr:
    return answer.expr


def _trivial(n: Expr) -> bool:
    """Sums and scalings by constants need no line of their own."""
    return n.op in ("t",)


def check_values(step: Step) -> Mapping[Expr, Any]:
    """The formal differentials that occur in a step: what a numeric check has to supply."""
    return {n: n.args[0] for n in topological(step.before, step.after) if n.op == "d"}
