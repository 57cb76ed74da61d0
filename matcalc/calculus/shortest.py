"""Gradients in their shortest form: of several forms of the function, shortened until nothing changes."""

from __future__ import annotations

from collections.abc import Iterable

from matcalc import ops
from matcalc.calculus.adjoint import gradients
from matcalc.calculus.components import PLACED, in_components
from matcalc.calculus.separate import separated
from matcalc.calculus.structure import structured, unstructured
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, replace, topological
from matcalc.order import label
from matcalc.printing.measure import length
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.simplifier.pseudoinverses import with_pseudoinverses
from matcalc.simplifier.simplify import Simplifier

_AGAIN = 4  # passes over an answer
_LARGE = 4000  # distinct nodes: a larger function is differentiated once, in the form it has


def shortest_gradients(
    f: Expr, targets: list[Expr], structure: str, table: Table, short: Simplifier
) -> dict[Expr, Expr]:
    """The gradients of f as it was typed, of its short form, and of its separated form; of each the shortest.

    What is declared of a target's structure is forgotten while differentiating (d tr(Q'*Q) is 2*Q for orthogonal Q too)
    and known again when the result is shortened.
    """
    free = {x: unstructured(x) for x in targets}
    back = {y: x for x, y in free.items()}
    f = ops.substitute(f, free)
    best: dict[Expr, Expr] = {}
    if len(topological(f)) > _LARGE:
        short.given_up.add("the function is large: its gradient was sought from the form it has, not from shorter ones")
        forms = [f]
    else:
        forms = list(dict.fromkeys((f, short(f), separated(f, short))))
    for form in forms:
        try:
            found = gradients(form, free.values(), table, short)
        except MatcalcError:
            if form is f:
                raise
            continue  # a rewrite led to something without a rule; the typed form has one
        replaced: dict[Expr, Expr] = {}
        others: dict[Expr, Expr] = {}  # as long as the best so far
        for y, raw in found.items():
            x = back[y]
            raw = replace(raw, back, ops.rebuild, replaced)
            gradient = short.settled(structured(raw, x, structure)[0])
            if x not in best or length(gradient) < length(best[x]):
                best[x] = gradient
            elif length(gradient) == length(best[x]) and gradient is not best[x]:
                others[x] = gradient
        both = _fixed([*others.values(), *(best[x] for x in others)], table)
        for x, gradient in others.items():
            best[x] = min(both[gradient], both[best[x]], key=lambda e: (length(e), label(e)))
    fixed = _fixed(best.values(), table)
    return {x: fixed[gradient] for x, gradient in best.items()}


def _fixed(roots: Iterable[Expr], table: Table) -> dict[Expr, Expr]:
    """Each simplified until nothing gets shorter: what one pass leaves may give the next one something to do."""
    found = {e: e for e in roots}
    shorter = {e for e in found if not _is_large(e)}
    for _ in range(_AGAIN):
        short = Simplifier(rewriter(table))
        again = {e: short.settled(found[e]) for e in shorter}
        shorter = {e for e, new in again.items() if new is not found[e] and length(new) <= length(found[e])}
        found.update((e, again[e]) for e in shorter)
        shorter = {e for e in shorter if not _is_large(found[e])}
    if any(n.op in PLACED for n in topological(*found.values())):
        short = Simplifier(rewriter(table))
        found = {e: in_components(new, short) for e, new in found.items()}
    results: dict[Expr, Expr] = {}
    return {e: with_pseudoinverses(new, results) for e, new in found.items()}


def _is_large(e: Expr) -> bool:
    return length(e) > _LARGE and len(topological(e)) > _LARGE
