"""Is this claim true in numbers? ``verify_gradient``, ``verify_differential`` and ``verify_equal``.

The claim is evaluated as it stands and compared with the derivative of the function along random
directions: by a complex step where every operation between the variable and the function is analytic,
else by Richardson's extrapolation of central differences. Sizes are small, all different, and of several
orders; values satisfy the declarations. Nothing here knows the table, the engine or the code generator,
so a mistake there cannot agree with itself. Too few fit points is a failure, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcalc.errors import InputError, MatcalcError
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.numeric.domain import Watch
from matcalc.numeric.evaluate import Plan
from matcalc.numeric.sample import LINEAR, MIXED, STRATEGIES, draw_value, draw_values, orbits, project
from matcalc.numeric.sizes import shrink, size_settings, too_large
from matcalc.numeric.slope import Slope
from matcalc.shapes import shape_text

TOLERANCE = 1e-7
_FLOOR = 1e-5  # of the intermediate results' size: below this a number is rounding
_EXACT = 1e-10  # closer than this, rounding need not be told from error
_ATTEMPTS = 40  # at one setting of the sizes
_BUDGET = 1_000_000  # nodes evaluated in the search for fit points
_SCALAR_DRAWS = 16  # where all is scalar: few numbers, so more points before every sign has occurred


@dataclass(frozen=True, eq=False, slots=True)
class Counterexample:
    """A point at which the claim fails: values and sizes, what is right there, what the claim gives."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim holds; true when it does.

    ``residual`` is the largest relative difference over ``draws`` points, ``sizes`` the sizes used,
    ``method`` how derivatives were found. A verdict that is false without a counterexample was not
    decided, or the claim has the wrong shape: ``reason`` says so.
    ``undefined`` counts points at which the function is defined but the claim is not.
    """

    holds: bool
    residual: float
    draws: int
    sizes: tuple[Mapping[str, int], ...] = ()
    counterexample: Counterexample | None = None
    reason: str = ""
    method: str = ""
    undefined: int = 0

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        if not self.holds:
            return f"does not hold: {self.reason}" if self.counterexample else f"not confirmed: {self.reason}"
        by = f" by {self.method}" if self.method else ""
        apart = f"; undefined at {self.undefined} more" if self.undefined else ""
        return f"holds: largest relative difference {self.residual:.1e} over {self.draws} draws{by}{apart}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython."""
        printer.text(str(self))


# --- the three questions --------------------------------------------------------------------------


def verify_gradient(
    f: Expr,
    x: Expr,
    gradient: Expr,
    *,
    kinds: Mapping[str, Kind] | None = None,
    structure: str = "auto",
    draws: int = 6,
    directions: int = 2,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """df = tr(G' dX) for every direction dX that the structure allows.

    ``structure``: "auto" for the projection on the declared linear structure of x, "tied" for the form
    with tied entries, "free" for the gradient in the space of all matrices.
    """
    if not f.is_scalar:
        return _undecided(f"the function is {shape_text(f.shape)}, not a scalar")
    if gradient.shape != x.shape:
        return _misshapen("gradient", shape_text(gradient.shape), shape_text(x.shape))
    roots, kinds = _small([f, gradient, x], kinds or {})
    if isinstance(roots, str):
        return _undecided(roots)
    f, gradient, x = roots
    facts = kinds.get(x.name, x.data[1]).facts if structure != "free" else frozenset()  # type: ignore[index]
    slope = Slope(f, [x])
    claim = Plan(gradient)
    if x.is_scalar:
        directions = 1  # there is but one

    def test(values: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator) -> _Point:
        if (trouble := slope.unfit(values, sizes)) is not None:
            return _Point(trouble=trouble)
        watch = Watch()
        found = np.atleast_2d(claim.run(values, sizes, watch)[gradient])
        if watch.trouble is not None and not watch.undefined:
            return _Point(trouble=watch.trouble)
        labels = orbits(facts, found.shape)
        weights = _orbit_weights(labels) if structure == "tied" else np.ones(found.shape)
        worst = 0.0
        for _ in range(directions):
            along = _along(labels, rng)
            right = slope.along(values, sizes, {x.name: along})
            if isinstance(right, str):
                return _Point(trouble=right)
            right, noise = right
            left = float(np.sum(weights * found * along))
            size = max(abs(left), abs(float(right)), 1e-300)
            error = abs(left - float(right))
            if not error <= _EXACT * size:
                size = max(size, noise, _FLOOR * watch.magnitude * float(np.abs(along).max()))
            worst = _worse(worst, error / size)
        if facts & LINEAR:
            size = max(float(np.abs(found).max()), _FLOOR * watch.magnitude, 1e-300)
            worst = _worse(worst, float(np.abs(found - project(found, facts)).max()) / size)
        if worst <= tolerance:
            return _Point(residual=worst)
        expected = _gradient(slope, x.name, values, sizes, labels, structure == "tied")
        wrong = watch.trouble or "the gradient differs"
        return _Point(worst, expected=expected, found=found, wrong=wrong)

    return replace(_survey([f, gradient, x], kinds, draws, seed, tolerance, test), method=slope.method)


def verify_gradients(
    f: Expr,
    gradients: Mapping[Expr, Expr],
    *,
    kinds: Mapping[str, Kind] | None = None,
    structure: str = "auto",
    draws: int = 6,
    directions: int = 2,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """df = the sum of the tr(G' dX), along directions in which each of the terms counts about as much as any other.

    For many variables: the work is that for one of them.
    """
    xs = list(gradients)
    if bad := next((x for x in xs if gradients[x].shape != x.shape), None):
        return _misshapen("gradient", shape_text(gradients[bad].shape), shape_text(bad.shape))
    roots, kinds = _small([f, *gradients.values(), *xs], kinds or {})
    if isinstance(roots, str):
        return _undecided(roots)
    f, claims, xs = roots[0], roots[1 : len(xs) + 1], roots[len(xs) + 1 :]
    free = structure == "free"
    facts = [frozenset() if free else kinds.get(x.name, x.data[1]).facts for x in xs]  # type: ignore[index]
    slope = Slope(f, xs)
    plan = Plan(*claims)

    def test(values: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator) -> _Point:
        if (trouble := slope.unfit(values, sizes)) is not None:
            return _Point(trouble=trouble)
        watch = Watch()
        results = plan.run(values, sizes, watch)
        if watch.trouble is not None:
            return _Point(trouble=watch.trouble, undefined=watch.undefined)
        found = [np.atleast_2d(results[g]) for g in claims]
        labels = [orbits(known, g.shape) for known, g in zip(facts, found, strict=True)]
        weights = [_orbit_weights(x) if structure == "tied" else np.ones(x.shape) for x in labels]
        large = [max(float(np.abs(g).max()), _FLOOR * watch.magnitude, 1e-300) for g in found]
        worst = 0.0
        for _ in range(directions):
            along = [_along(x, rng) * (min(large) / size) for x, size in zip(labels, large, strict=True)]
            right = slope.along(values, sizes, {x.name: e for x, e in zip(xs, along, strict=True)})
            if isinstance(right, str):
                return _Point(trouble=right)
            terms = [float(np.sum(w * g * e)) for w, g, e in zip(weights, found, along, strict=True)]
            size = max(*map(abs, terms), abs(float(right[0])) / len(terms), min(large))
            worst = _worse(worst, abs(sum(terms) - float(right[0])) / size)
        for known, g, size in zip(facts, found, large, strict=True):
            if known & LINEAR:
                worst = _worse(worst, float(np.abs(g - project(g, known)).max()) / size)
        return _Point(worst, wrong=None if worst <= tolerance else "one of the gradients differs")

    return replace(_survey([f, *claims, *xs], kinds, draws, seed, tolerance, test), method=slope.method)


def verify_differential(
    f: Expr,
    differential: Expr,
    along: Mapping[Expr, Expr],
    *,
    kinds: Mapping[str, Kind] | None = None,
    draws: int = 6,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """d f(X; dX) is ``differential``, linear in the symbols dX; ``along`` maps each X to its dX.

    f may have any shape. Directions are as the kind of dX says, so free unless it is declared otherwise.
    """
    if differential.shape != f.shape:
        return _misshapen("differential", shape_text(differential.shape), shape_text(f.shape))
    pairs = list(along.items())
    symbols = [s for pair in pairs for s in pair]
    roots, kinds = _small([f, differential, *symbols], kinds or {})
    if isinstance(roots, str):
        return _undecided(roots)
    f, differential, *symbols = roots
    pairs = list(zip(symbols[::2], symbols[1::2], strict=True))
    slope = Slope(f, [x for x, _ in pairs])
    claim = Plan(differential)

    def test(values: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator) -> _Point:
        if (trouble := slope.unfit(values, sizes)) is not None:
            return _Point(trouble=trouble)
        steps = [_directions(pairs, kinds, sizes, rng) for _ in range(2)]
        combined = {name: steps[0][name] - 3 * steps[1][name] for name in steps[0]}
        found: list[Any] = []
        watch = Watch()
        for step in (*steps, combined):
            watch = Watch()
            found.append(claim.run({**values, **step}, sizes, watch)[differential])
            if watch.trouble is not None and not watch.undefined:
                return _Point(trouble=watch.trouble)
        worst, expected = 0.0, None
        for step, value in zip(steps, found, strict=False):
            right = slope.along(values, sizes, {x.name: np.atleast_2d(step[dx.name]) for x, dx in pairs})
            if isinstance(right, str):
                return _Point(trouble=right)
            expected, noise = right
            worst = _worse(worst, _difference(value, expected, max(noise, _FLOOR * watch.magnitude)))
            if not worst <= tolerance:
                point = {**values, **step}
                wrong = watch.trouble or "the differential differs"
                return _Point(worst, expected=expected, found=value, wrong=wrong, values=point)
        bent = _difference(found[2], found[0] - 3 * found[1], _FLOOR * watch.magnitude)
        if bent <= tolerance:
            return _Point(_worse(worst, bent))
        wrong = "it is not linear in " + ", ".join(dx.name for _, dx in pairs)
        point = {**values, **combined}
        return _Point(bent, expected=found[0] - 3 * found[1], found=found[2], wrong=wrong, values=point)

    roots = [f, differential, *symbols]
    return replace(_survey(roots, kinds, draws, seed, tolerance, test), method=slope.method)


def verify_equal(
    a: Expr,
    b: Expr,
    *,
    kinds: Mapping[str, Kind] | None = None,
    draws: int = 6,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """a = b wherever both are defined; ``undefined`` counts points at which a is defined and b is not."""
    if a.shape != b.shape:
        return _misshapen("right side", shape_text(b.shape), shape_text(a.shape))
    roots, kinds = _small([a, b], kinds or {})
    if isinstance(roots, str):
        return _undecided(roots)
    a, b = roots
    plans = Plan(a), Plan(b)

    def test(values: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator) -> _Point:
        watches = Watch(), Watch()
        expected = plans[0].run(values, sizes, watches[0])[a]
        if watches[0].trouble is not None:
            return _Point(trouble=watches[0].trouble)
        found = plans[1].run(values, sizes, watches[1])[b]
        if watches[1].trouble is not None:
            return _Point(trouble=watches[1].trouble, undefined=watches[1].undefined)
        residual = _difference(found, expected, _FLOOR * max(watches[0].magnitude, watches[1].magnitude))
        if residual <= tolerance:
            return _Point(residual)
        return _Point(residual, expected=expected, found=found, wrong="the two differ")

    return _survey([a, b], kinds, draws, seed, tolerance, test)


# --- points ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Point:
    """What a test found at one point: a residual, why the point is unfit (``trouble``), what is wrong."""

    residual: float = 0.0
    trouble: str | None = None
    undefined: bool = False
    expected: Any = None
    found: Any = None
    wrong: str | None = None
    values: Mapping[str, Any] | None = None


_Test = Callable[[Mapping[str, Any], Mapping[str, int], np.random.Generator], _Point]


def at_least_one(draws: int) -> None:
    """Nothing is verified by no draws."""
    if not isinstance(draws, int) or draws < 1:
        raise InputError(f"the number of draws is a whole number from 1 on, not {draws!r}")


def _survey(
    roots: Sequence[Expr], kinds: Mapping[str, Kind], wanted: int, seed: int, tolerance: float, test: _Test
) -> Verdict:
    """Test at ``wanted`` fit points, two for each setting of the sizes until the settings are used up."""
    at_least_one(wanted)
    nodes = topological(*roots)
    least = wanted
    if all(n.is_scalar for n in nodes) and len(nodes) < _BUDGET // 1000:
        wanted = max(wanted, _SCALAR_DRAWS)
    remaining = max(_BUDGET // len(nodes), 3 * wanted)
    rng = np.random.default_rng(seed)
    residual, accepted, undefined = 0.0, 0, 0
    used: list[Mapping[str, int]] = []
    troubles: Counter[str] = Counter()
    order = list(STRATEGIES)
    try:
        settings = size_settings(roots, kinds, rng)
        for turn in range(2):
            for sizes in settings if turn == 0 else list(used):
                here = 0
                quota = 2 if turn == 0 and len(settings) > 1 else wanted
                for attempt in range(_ATTEMPTS):
                    if accepted >= wanted or here >= quota or not remaining:
                        break
                    remaining -= 1
                    first_round = attempt < len(order) and here < 4
                    again = not first_round and accepted > 0 and attempt % 2 == 0
                    strategy = order[attempt] if first_round else order[0] if again else MIXED
                    values = draw_values(roots, kinds, sizes, rng, strategy)
                    try:
                        point = test(values, sizes, rng)
                    except MatcalcError as problem:  # an index outside of its range
                        point = _Point(trouble=problem.message)
                    undefined += point.undefined
                    if point.trouble is not None:
                        troubles[point.trouble] += 1
                        continue
                    accepted += 1
                    here += 1
                    if sizes not in used:
                        used.append(sizes)
                    residual = _worse(residual, point.residual)
                    if point.wrong is not None:
                        example = Counterexample(point.values or values, sizes, point.expected, point.found)
                        reason = f"{point.wrong} (relative difference {point.residual:.1e}{_at(sizes)})"
                        return Verdict(False, residual, accepted, tuple(used), example, reason)
                    if strategy in order[1:]:  # what worked is tried first
                        order.remove(strategy)
                        order.insert(0, strategy)
    except MatcalcError as problem:
        return _undecided(problem.message)
    if accepted < least:
        why = f" ({troubles.most_common(1)[0][0]})" if troubles else ""
        reason = f"only {accepted} of {least} points were fit for a test{why}"
        return Verdict(False, residual, accepted, tuple(used), None, reason, undefined=undefined)
    return Verdict(residual <= tolerance, residual, accepted, tuple(used), undefined=undefined)


def _at(sizes: Mapping[str, int]) -> str:
    return " at " + ", ".join(f"{name} = {size}" for name, size in sizes.items()) if sizes else ""


def _small(roots: list[Expr], kinds: Mapping[str, Kind]) -> tuple[Any, Mapping[str, Kind]]:
    """The expressions with huge declared sizes made small; a message in place of them where that fails."""
    if not too_large(roots):
        return roots, kinds
    try:
        return shrink(roots, kinds)
    except MatcalcError as problem:
        return problem.message, kinds


def _undecided(reason: str) -> Verdict:
    return Verdict(False, float("inf"), 0, reason=reason)


def _misshapen(what: str, found: str, wanted: str) -> Verdict:
    return Verdict(False, float("inf"), 0, reason=f"the {what} has the wrong shape: {found}, not {wanted}")


def _worse(a: float, b: float) -> float:
    """The larger; NaN counts as infinite."""
    return float("inf") if b != b else max(a, b)


def _difference(found: Any, expected: Any, floor: float) -> float:
    """Largest difference relative to the largest entry (or to the floor where both are rounding)."""
    error = float(np.max(np.abs(found - expected)))
    size = max(float(np.max(np.abs(found))), float(np.max(np.abs(expected))), 1e-300)
    return error / size if error <= _EXACT * size else error / max(size, floor)


# --- directions -----------------------------------------------------------------------------------


def _along(labels: Any, rng: np.random.Generator) -> Any:
    """A random direction that respects the structure, largest entry about 1."""
    entries = rng.uniform(0.3, 1.0, size=int(labels.max(initial=0)) + 1) * rng.choice([-1.0, 1.0])
    entries = entries * rng.choice([-1.0, 1.0], size=entries.shape)
    return np.where(labels >= 0, entries[labels], 0.0)


def _orbit_weights(labels: Any) -> Any:
    """1 / (how many entries move together): a tied gradient counts each parameter once."""
    counts = np.bincount(labels[labels >= 0].ravel(), minlength=int(labels.max(initial=0)) + 1)
    return np.where(labels >= 0, 1.0 / np.maximum(counts, 1)[labels], 0.0)


def _directions(
    pairs: Iterable[tuple[Expr, Expr]],
    kinds: Mapping[str, Kind],
    sizes: Mapping[str, int],
    rng: np.random.Generator,
) -> dict[str, Any]:
    return {dx.name: draw_value(kinds.get(dx.name, dx.data[1]), sizes, rng) for _, dx in pairs}  # type: ignore[index]


def _gradient(
    slope: Slope, name: str, values: Mapping[str, Any], sizes: Mapping[str, int], labels: Any, tied: bool
) -> Any:
    """The right gradient, entry by entry: the projection, or the form with tied entries."""
    result = np.zeros(labels.shape)
    for label in np.unique(labels[labels >= 0]):
        together = labels == label
        right = slope.along(values, sizes, {name: together.astype(float)})
        value = np.nan if isinstance(right, str) else float(right[0])
        result[together] = value if tied else value / np.count_nonzero(together)
    return result
