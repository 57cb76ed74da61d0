"""Both sides of a step of a derivation in numbers: formal differentials become derivatives along a random direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.kinds import kind_of_shape
from matcalc.numeric.domain import Watch
from matcalc.numeric.evaluate import Plan, evaluate
from matcalc.numeric.sample import LINEAR, STRATEGIES, draw_values, project
from matcalc.numeric.sizes import size_settings
from matcalc.numeric.slope import Slope
from matcalc.numeric.verify import verify_differential, verify_gradient
from matcalc.printing.step import Step

TOLERANCE = 1e-6


class Wrong(AssertionError):
    """A step that does not hold."""


class Unfit(Exception):
    """A point at which there is no derivative, or too close to a kink."""


def check_steps(d: Any, steps: Sequence[Step] | None = None, settings: int = 2) -> int:
    """How many equalities were compared; raises Wrong for one that does not hold, or if there is no fit point."""
    steps = d.steps if steps is None else steps
    rng = np.random.default_rng(0)
    loss, variables = question(d, steps)
    meanings = check_results(d, steps, loss, variables)
    sides = []
    alone: dict[Expr, Expr] = {}  # dX where a part of X varies alone
    for step in steps:
        if step.by == "part" and step.before.op == "d":
            alone = {step.before: step.after}
        elif step.before not in meanings:
            before, after = (ops.substitute(ops.substitute(e, meanings), alone) for e in (step.before, step.after))
            sides.append((step, before, after))
    roots = [loss, *variables, *(bare(e) for side in sides for e in side[1:])]
    compared, done, why = 0, 0, ""
    for sizes in size_settings(roots, d.declared, rng):
        for attempt in range(20):
            strategy = list(STRATEGIES)[attempt % len(STRATEGIES)]
            try:
                compared += check_at(d, loss, variables, sides, roots, sizes, rng, strategy)
                done += 1
                break
            except Unfit as problem:
                why = str(problem)
        if done == settings:
            break
    if not done:
        raise Wrong(f"no fit point: {why}")
    return compared


def question(d: Any, steps: Iterable[Step]) -> tuple[Expr, list[Expr]]:
    """The function, and the variables that vary; a named quantity that the steps do not define varies by itself."""
    introduced = {step.before.name for step in steps if step.before.op == "sym"}
    leaves = {a.node: a.variable for a in d.answers.values() if a.node is not None and a.name not in introduced}
    variables = {a.variable for a in d.answers.values() if a.node is None or a.node in leaves}
    parts = getattr(d, "parts", {})
    variables |= {form.variable for name, form in d.forms.items() if name not in parts}
    variables = {x for x in variables if x.name not in {part.symbol.name for part in parts.values()}}
    variables |= {part.whole for part in parts.values()}
    return ops.substitute(d.loss, leaves), sorted(variables, key=lambda x: x.name)


def check_results(d: Any, steps: Iterable[Step], loss: Expr, variables: Sequence[Expr]) -> dict[Expr, Expr]:
    """What the names stand for that the steps introduce; gradients and matrices are compared by themselves."""
    meanings: dict[Expr, Expr] = {}
    by_name = {x.name: x for x in variables}
    functions = {"": loss}  # what a matrix is the derivative of
    for step in steps:
        if step.before.op != "sym" or step.before.name in d.declared:
            continue
        assert step.before not in meanings, "a name is introduced twice"
        after = ops.substitute(step.after, meanings)
        meanings[step.before] = after
        if step.by == "part":  # of what was checked; the equalities after it are checked in turn
            continue
        if step.by == "definition":
            by_name.setdefault(step.before.name, step.before)
            continue
        what, _, name = step.before.name.rstrip("_").partition("_")
        outer, _, inner = name.partition("_")
        if what in ("gradient", "derivative"):
            x = by_name[name] if name else variables[0]
            gradient = ops.transpose(after) if what == "derivative" else after
            functions[name] = after
            if x in meanings:
                check_adjoint(d, loss, meanings[x], gradient, step)
                continue
            how = "tied" if d.structure == "tied" else "free" if d.structure == "free" else "auto"
            verdict = verify_gradient(loss, x, gradient, kinds=d.declared, structure=how)
        else:
            f = functions[outer if what in ("hessian", "H") else ""]
            x = by_name[inner or outer] if name else variables[0]
            dx = ops.sym("step_direction", kind_of_shape(x.shape, x.data[1].facts & LINEAR))
            product = ops.mul(after, dx if x.is_scalar else column(dx))
            verdict = verify_differential(f if x.is_scalar else column(f), product, {x: dx}, kinds=d.declared)
        if not verdict:
            raise Wrong(f"{step.text()}: {verdict}")
    return meanings


def check_adjoint(d: Any, loss: Expr, node: Expr, gradient: Expr, step: Step) -> None:
    """The gradient by a quantity inside: along a direction in which it alone is moved."""
    z = ops.sym("step_quantity", kind_of_shape(node.shape))
    f = ops.substitute(loss, {node: z})
    assert f is not loss, f"{step.before.name} does not occur in the function"
    rng = np.random.default_rng(1)
    roots = [loss, gradient]
    for sizes in size_settings(roots, d.declared, rng):
        for strategy in STRATEGIES:
            values = draw_values(roots, d.declared, sizes, rng, strategy)
            slope = Slope(f, [z])
            values[z.name] = np.atleast_2d(evaluate(node, values, sizes))
            if slope.unfit(values, sizes) is not None:
                continue
            along = rng.normal(size=values[z.name].shape)
            found = slope.along(values, sizes, {z.name: along})
            if isinstance(found, str):
                continue
            expected = float(found[0].item())
            got = float(np.sum(np.atleast_2d(evaluate(gradient, values, sizes)) * along))
            if abs(got - expected) > TOLERANCE * max(abs(got), abs(expected), 1e-8):
                raise Wrong(f"{step.text()}: {got}, not {expected}")
            return
    raise Wrong(f"{step.text()}: no fit point")


def column(e: Expr) -> Expr:
    """The entries, columns stacked."""
    return e if e.shape[1] is ops.ONE else ops.vec(e) if e.shape[0] is not ops.ONE else ops.transpose(e)


def bare(e: Expr) -> Expr:
    """Without formal differentials: what values and sizes are drawn for."""
    return ops.substitute(e, {n: n.args[0] for n in topological(e) if n.op == "d"})


def check_at(
    d: Any,
    loss: Expr,
    variables: Sequence[Expr],
    sides: Sequence[tuple[Step, Expr, Expr]],
    roots: Sequence[Expr],
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    strategy: str,
) -> int:
    values = draw_values(roots, d.declared, sizes, rng, strategy)
    trouble = Slope(loss, variables).unfit(values, sizes)
    if trouble is not None:
        raise Unfit(trouble)
    directions = {}
    for x in variables:
        facts = x.data[1].facts & LINEAR if d.structure != "free" else frozenset()
        along = rng.uniform(0.3, 1.0, size=[n.evaluate(sizes) for n in x.shape]) * rng.choice([-1.0, 1.0])
        along = along * rng.choice([-1.0, 1.0], size=along.shape)
        directions[x.name] = project(along, facts) if facts else along
    for step, before, after in sides:
        if before.shape != after.shape:
            raise Wrong(f"{step.text()}: the shapes differ")
        left, right = (in_numbers(e, variables, values, sizes, directions) for e in (before, after))
        largest = max(float(np.max(np.abs(left[0]))), float(np.max(np.abs(right[0]))))
        scale = max(largest, 1e-5 * max(left[1], right[1]), 1e-8)
        if not np.max(np.abs(left[0] - right[0])) <= TOLERANCE * scale:
            raise Wrong(f"{step.text()}: {left[0]} and {right[0]} at {sizes}")
    return len(sides)


def in_numbers(
    e: Expr,
    variables: Sequence[Expr],
    values: Mapping[str, Any],
    sizes: Mapping[str, int],
    directions: Mapping[str, Any],
) -> tuple[Any, float]:
    """The value with derivatives along the directions for the formal differentials; and how large numbers became."""
    e = written_out(e, values, sizes)
    known: dict[Expr, Expr] = {}
    extended = dict(values)
    for n in topological(e):
        if n.op != "d" or n in known:
            continue
        known[n] = ops.sym(f"step_differential{len(known)}", kind_of_shape(n.shape))
        slope = Slope(n.args[0], variables)
        moving = {x.name: directions[x.name] for x in variables}
        found = slope.along(values, sizes, moving) if n.args[0] not in variables else (directions[n.args[0].name], 0.0)
        if isinstance(found, str):
            raise Unfit(found)
        extended[known[n].name] = found[0]
    plain = ops.substitute(e, known)
    watch = Watch()
    with np.errstate(all="ignore"):
        value = Plan(plain).run(extended, sizes, watch)[plain]
    if watch.trouble is not None or not np.all(np.isfinite(value)):
        raise Unfit(watch.trouble or "not finite")
    return value, watch.magnitude


def written_out(e: Expr, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Expr:
    """Sums over an index with differentials in them, written out term by term; an index that is free is 1."""
    while True:
        inside = {n for n in topological(e) if n.op == "isum" and any(m.op == "d" for m in topological(n.args[3]))}
        outer = next((n for n in reversed(topological(e)) if n in inside), None)
        if outer is None:
            bound = {n.args[0] for n in topological(e) if n.op == "isum"}
            return ops.substitute(e, {n: ops.num(1) for n in topological(e) if n.op == "idx" and n not in bound})
        index, low, high, body = outer.args
        first, last = (round(float(np.asarray(evaluate(b, values, sizes)).item())) for b in (low, high))
        terms = [ops.substitute(body, {index: ops.num(i)}) for i in range(first, last + 1)]
        e = ops.substitute(e, {outer: ops.add(*terms) if terms else ops.zeros(*outer.shape)})
