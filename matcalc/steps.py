"""The derivation as steps, each one equality: of gradients, Jacobians and Hessians, and of programs with their names.

A gradient is read off the differential (Magnus & Neudecker 2019, sec. 9.2), a Jacobian too; a Hessian goes on from the
gradient. In a program every name has its differential, and then, backwards, its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from matcalc import ops
from matcalc.backward import needed
from matcalc.expr import Expr, depends, symbols
from matcalc.higher import Forms, stacked
from matcalc.match import same
from matcalc.reading_off import reading
from matcalc.step import Step
from matcalc.tidy import tidy
from matcalc.unfold import IDENTIFIES, LONGEST, Unfolding

if TYPE_CHECKING:
    from matcalc.backward import Backward
    from matcalc.derivation import Derivation


def steps(derivation: Derivation) -> tuple[Step, ...]:
    """The steps of a derivation; of several variables together, with an identification for each."""
    d = derivation
    if d.what == "hessian":
        return tuple(_hessian(d))
    if d.what == "jacobian":
        return tuple(_displayed(d, list(d.forms.items())))
    if d.backward is not None:
        return tuple(_program(d, d.backward))
    return tuple(Unfolding(d, d.loss, [a.variable for a in d.answers.values()]).gradients())


def _hessian(d: Derivation) -> Iterator[Step]:
    """The gradients, then the differential of each."""
    functions = {key.split(",")[0]: form.function for key, form in d.forms.items()}
    variables = {form.variable.name: form.variable for form in d.forms.values()}
    first = Unfolding(d, d.loss, [variables[name] for name in functions])
    yield from first.gradients({variables[name]: g for name, g in functions.items()})
    names = {g: first.symbols[g] for g in functions.values() if g.args and g in first.symbols}
    for outer, g in functions.items():
        blocks = [(key.replace(",", "_"), form) for key, form in d.forms.items() if key.split(",")[0] == outer]
        yield from _displayed(d, blocks, {g: names[g]} if g in names else {})


def _displayed(
    d: Derivation, forms: Sequence[tuple[str, Forms]], names: Mapping[Expr, Expr] | None = None
) -> Iterator[Step]:
    """The steps to the derivatives of one function by one or several variables."""
    unfolding = Unfolding(d, forms[0][1].function, [form.variable for _, form in forms], names)
    unfolding.kept = {form.matrix for _, form in forms}
    yield from unfolding.displayed(_matrices(unfolding, forms))


def _matrices(unfolding: Unfolding, forms: Sequence[tuple[str, Forms]]) -> Iterator[Step]:
    """dy = J*dx, or vec(dY) = V*vec(dX), from the differential; for several variables the sum of that."""
    last = ops.formal_differential(unfolding.f)
    forward = yield from unfolding.to_whole()
    if forward is not None:
        whole, found = forward
        shorter = whole if found else unfolding.shortened(whole)
        last = whole if found else last
        if last is not whole and unfolding.length(whole) <= LONGEST:
            yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
            last = whole
        if last is not shorter and unfolding.length(shorter) <= LONGEST:
            yield Step(last, shorter, "simplification", "algebra", "shortened", True)
            last = shorter
        column = any(not form.variable.is_scalar for _, form in forms)
        product = tidy(ops.add(*(_times(form, unfolding.free[form.variable], column) for _, form in forms)))
        before = stacked(last) if column else last
        if not same(product, before) and unfolding.length(product) <= LONGEST:
            if any(form.stacked for _, form in forms):
                why = ("vec-form", "Magnus & Neudecker 2019, sec. 2.4", "`vec(A*X*B) = kron(B', A)*vec(X)`")
            else:
                why = ("transposition", "algebra", "the differential taken out")
            yield Step(before, product, *why, True)
    for suffix, form in forms:
        reads = "`vec(dY) = V*vec(dX)`" if form.stacked else "`dy = J*dx`"
        reads += f" identifies the matrix `{'V' if form.stacked else 'J'}`"
        several = len(unfolding.derivation.forms) > 1
        name = unfolding.symbol(unfolding.derivation.what, form.matrix.shape, suffix if several else "")
        yield Step(name, form.matrix, "first-identification", IDENTIFIES, reads, True)


def _times(form: Forms, x: Expr, column: bool) -> Expr:
    """J*dx, or V*vec(dX)."""
    dx = ops.formal_differential(x)
    if x.is_scalar:
        return ops.mul(stacked(form.matrix) if column else form.matrix, dx)
    return ops.mul(form.matrix, stacked(dx))


# --- programs -------------------------------------------------------------------------------------


def _program(d: Derivation, backward: Backward) -> Iterator[Step]:
    """The differential of every name, then backwards the gradient by every name."""
    leaves = _leaves(d)
    variables = [a.variable for a in d.answers.values() if a.node is None or a.node in leaves]
    unfolding = Unfolding(d, d.loss, variables, leaves=leaves)
    yield from unfolding.displayed(_backwards(unfolding, backward))


def _leaves(d: Derivation) -> dict[Expr, Expr]:
    """The quantities of the program that vary by themselves: those made of no other that varies."""
    nodes = {a.node: a.variable for a in d.answers.values() if a.node is not None}
    varying = [a.node or a.variable for a in d.answers.values()]
    return {n: x for n, x in nodes.items() if n not in depends(n, [v for v in varying if v is not n])}


def _backwards(unfolding: Unfolding, backward: Backward) -> Iterator[Step]:
    d = unfolding.derivation
    forward = yield from unfolding.to_whole()
    if forward is None:
        for a in d.answers.values():
            yield Step(_gradient(unfolding, a.name, a.variable), ops.zeros(*a.variable.shape), "constant", "definition")
        return
    assert d.problem is not None
    definitions = {name: unfolding.inside(e) for name, e in d.problem.definitions}
    lines = needed(backward.lines, [backward.named[name] for name in d.answers])
    targets = {adjoint: name for name, adjoint in backward.adjoints.items()}
    for name in definitions:
        targets.setdefault(d.pattern.format(name), name)
    names: dict[str, Expr] = {s.name: s for s in unfolding.names.names.values()}
    names |= {a.name: a.variable for a in d.answers.values() if a.variable in unfolding.variables}
    done: set[str] = set()
    answers = [(backward.adjoints[name], backward.named[name]) for name in d.answers]
    for adjoint, e in [*(line for line in lines if line[0] not in definitions), *answers]:
        target = targets.get(adjoint, targets.get(adjoint.rstrip("_"), ""))
        if adjoint in done:
            continue
        done.add(adjoint)
        known = {s: names.get(s.name, definitions.get(s.name, s)) for s in symbols(e)}
        after = ops.substitute(e, {s: other for s, other in known.items() if other is not s})
        if not target:  # a part without a name
            names[adjoint] = unfolding.symbol(adjoint, e.shape)
            yield Step(names[adjoint], after, "definition", "definition", "a name for what passes through a part", True)
            continue
        names[adjoint] = _gradient(unfolding, target, e)
        answer = d.answers.get(target)
        if answer is not None and answer.convention:
            yield Step(names[adjoint], after, "structure", IDENTIFIES, answer.convention, True)
        else:
            x = ops.sym(target, names[adjoint].data[1])  # type: ignore[index]
            says = f"{reading(x)}, by the differentials above"
            yield Step(names[adjoint], after, "first-identification", IDENTIFIES, says, True)
        if answer is not None and d.layout == "numerator":
            derivative = unfolding.symbol("derivative", (e.cols, e.rows), target if len(d.answers) > 1 else "")
            says = "the transposed gradient: rows follow the function"
            yield Step(derivative, ops.transpose(names[adjoint]), "numerator-layout", "definition", says, True)


def _gradient(unfolding: Unfolding, name: str, like: Expr) -> Expr:
    return unfolding.symbol("gradient", like.shape, name)
