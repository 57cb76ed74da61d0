"""Is what was derived right? Every answer of a derivation against differences, every form against another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.calculus.higher import Forms, stacked
from matcalc.calculus.structure import direction_kind, unstructured
from matcalc.numeric.verify import Verdict, verify_differential, verify_equal, verify_gradient, verify_gradients

if TYPE_CHECKING:
    from matcalc.answers.derivation import Derivation

_MANY = 8  # variables


def verified(d: Derivation, **options: Any) -> Verdict:
    """The worst verdict on the answers; the engine has no part in it."""
    if d.forms:
        verdicts = [v for form in d.forms.values() for v in _forms(d, form, **options)]
    else:
        verdicts = list(_gradients(d, **options))
    return min(verdicts, key=lambda v: (v.holds, -v.residual))


def _gradients(d: Derivation, **options: Any) -> Iterator[Verdict]:
    """One by one; of many variables first all at once, which takes as long as one, and one by one only what fails."""
    how = {"auto": "auto", "projected": "auto", "tied": "tied", "free": "free"}[d.structure]
    variables = [a for a in d.answers.values() if a.node is None]
    rest = list(d.answers.values())
    if len(variables) > _MANY:
        together = {a.variable: a.expr for a in variables}
        verdict = verify_gradients(d.loss, together, kinds=d.declared, structure=how, **options)
        if verdict:
            yield verdict
            rest = [a for a in rest if a.node is not None]
    for a in rest:
        f, gradient = d.loss, a.expr
        if a.node is not None and d.backward is not None:
            f, gradient = d.backward.in_terms_of(a.name, a.variable, d.backward.root, d.backward.named[a.name])
        yield verify_gradient(f, a.variable, gradient, kinds=d.declared, structure=how, **options)


def _forms(d: Derivation, form: Forms, **options: Any) -> Iterator[Verdict]:
    """The map against differences, the matrix and the index form against the map."""
    dx = form.direction
    kinds = {**d.declared, dx.name: direction_kind(form.variable, d.structure)}
    free = {form.variable: unstructured(form.variable)} if d.structure == "free" else {}
    f, change = (ops.substitute(e, free) for e in (form.function, form.map))
    x = free.get(form.variable, form.variable)
    yield verify_differential(f, change, {x: dx}, kinds=kinds, **options)
    if x.is_scalar:
        yield verify_equal(form.map, ops.mul(form.matrix, dx), kinds=kinds, **options)
        return
    yield verify_equal(stacked(form.map), ops.mul(form.matrix, stacked(dx)), kinds=kinds, **options)
    if form.index is not None and form.stacked:
        yield verify_equal(form.matrix, form.index.node(), kinds=kinds, **options)
