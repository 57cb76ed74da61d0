"""Is this point stationary, and a minimum? A closed form checked by numbers, independently of how it was found.

At points drawn as the declarations say, the derivative of the function at the solution is taken along random directions
that respect structure and constraints (tangents, where these are curved); it must vanish against the derivative nearby.
A random search around a minimum must find no smaller value. Nothing here knows the table, the engine or the code
generator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from matcalc.errors import MatcalcError
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.numeric.domain import Watch
from matcalc.numeric.evaluate import Plan
from matcalc.numeric.sample import STRATEGIES, draw_values, project, satisfies
from matcalc.numeric.sizes import shrink, size_settings, too_large
from matcalc.numeric.slope import Slope
from matcalc.numeric.verify import Counterexample, Verdict, at_least_one

TOLERANCE = 1e-8
_DRAWS = 6
_ATTEMPTS = 24  # at one setting of the sizes
_STEPS = (1.0, 0.1, 0.01)
_NEAR = (0.03, 0.01)
_SEARCHES = 8
_ROUNDING = 1e-9
_NEWTON = 40  # steps back to the constraints
_FAR = 1e-6  # from the constraints
_LARGEST = 16  # of one dimension


def verify_stationary(
    f: Expr,
    point: Sequence[tuple[Expr, Expr]],
    gradients: Sequence[Expr],
    *,
    constraints: Sequence[Expr] = (),
    kind: str = "undecided",
    far: bool = False,
    kinds: Mapping[str, Kind] | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """f is stationary at the point, pairs (variable, value), where the constraints (expressions) vanish.

    ``gradients`` are those that were derived; they must vanish there too, without constraints. A ``kind`` minimum or
    maximum is searched around the point, ``far`` away from it too.
    """
    at_least_one(draws)
    kinds = dict(kinds or {})
    roots = [f, *gradients, *constraints, *(e for pair in point for e in pair)]
    if too_large(roots):
        try:
            roots, kinds = shrink(roots, kinds)
        except MatcalcError as problem:
            return Verdict(False, float("inf"), 0, reason=problem.message)
    f, rest = roots[0], roots[1:]
    derived, rest = rest[: len(gradients)], rest[len(gradients) :]
    limits, rest = rest[: len(constraints)], rest[len(constraints) :]
    trial = _Trial(f, rest[::2], rest[1::2], derived if not limits else [], limits, kinds)
    rng = np.random.default_rng(seed)
    worst, accepted = 0.0, 0
    reason = "no point was fit for a test"
    used: list[Mapping[str, int]] = []
    strategies = list(STRATEGIES)
    settings = _settings(roots, [x for x, _ in point], kinds, rng)
    for sizes, quota in _turns(settings, used, draws):
        here = 0
        for attempt in range(_ATTEMPTS):
            if accepted >= draws or here >= quota:
                break
            try:
                values = draw_values(roots, kinds, sizes, rng, strategies[attempt % len(strategies)])
                found = trial.at(values, sizes, rng, kind, far)
            except MatcalcError as problem:
                reason = problem.message
                continue
            if isinstance(found, str):
                reason = found
                continue
            residual, wrong, at = found
            accepted, here = accepted + 1, here + 1
            if sizes not in used:
                used.append(sizes)
            worst = max(worst, residual)
            if wrong is None and not residual <= tolerance:
                wrong = "the derivative at the solution is not zero"
            if wrong is not None:
                example = Counterexample(at, sizes, 0.0, residual)
                return Verdict(False, residual, accepted, tuple(used), example, wrong, trial.slope.method)
    if not accepted:
        return Verdict(False, float("inf"), 0, reason=reason)
    return Verdict(True, worst, accepted, tuple(used), method=trial.slope.method)


def _turns(
    settings: Sequence[Mapping[str, int]], used: Sequence[Mapping[str, int]], draws: int
) -> Iterator[tuple[Mapping[str, int], int]]:
    """Every setting for two draws, then those that had fit points for as many as are wanted."""
    for sizes in settings:
        yield sizes, 2
    for sizes in list(used):
        yield sizes, draws


def _settings(
    roots: Sequence[Expr], unknowns: Sequence[Expr], kinds: Mapping[str, Kind], rng: np.random.Generator
) -> list[Mapping[str, int]]:
    """Settings of the sizes, among them two in which the unknowns are larger, or smaller, than all else together."""
    settings: list[Mapping[str, int]] = [*size_settings(roots, kinds, rng)]
    own = {name for x in unknowns for d in x.shape for name in d.names}
    others = [name for name in settings[0] if name not in own] if settings else []
    if not own or not others or max(settings[0].values()) > _LARGEST:
        return settings
    small: dict[str, int] = {name: 2 + i for i, name in enumerate(others)}
    large = sum(small.values()) + 1
    first = {**small, **{name: large + i for i, name in enumerate(sorted(own))}}
    base = {name: 2 + i for i, name in enumerate(sorted(own))}
    second = {**base, **{name: sum(base.values()) + 1 + i for i, name in enumerate(others)}}
    return [*settings, *([first, second] if large <= _LARGEST else [second])]


class _Trial:
    """The test at one point."""

    def __init__(
        self,
        f: Expr,
        unknowns: Sequence[Expr],
        values: Sequence[Expr],
        gradients: Sequence[Expr],
        limits: Sequence[Expr],
        kinds: Mapping[str, Kind],
    ) -> None:
        self.f, self.unknowns, self.values, self.gradients, self.limits = f, unknowns, values, gradients, limits
        self.kinds = {x.name: kinds.get(x.name, x.data[1]) for x in unknowns}  # type: ignore[index]
        self.slope = Slope(f, unknowns)
        self.solution = Plan(*values)
        self.function = Plan(f)
        self.gradient = Plan(*gradients) if gradients else None
        self.limit = Plan(*limits) if limits else None

    def at(
        self, drawn: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator, kind: str, far: bool
    ) -> tuple[float, str | None, Mapping[str, Any]] | str:
        """The residual and what is wrong; text if the point is unfit."""
        watch = Watch()
        found = self.solution.run(drawn, sizes, watch)
        if watch.trouble is not None:
            return watch.trouble
        start = dict(drawn)
        for x, e in zip(self.unknowns, self.values, strict=True):
            value = found[e]
            if not np.isfinite(value).all():
                return f"{x.name} is not finite there"
            if not _admissible(self.kinds[x.name], value):
                return f"the solution is not {self.kinds[x.name].text()} there"
            real = np.real(np.atleast_2d(value))
            start[x.name] = np.float64(real.item()) if x.is_scalar else real
        if (trouble := self.slope.unfit(start, sizes)) is not None:
            return trouble
        worst = self._limit_residual(start, sizes)
        if worst > _FAR and not self._feasible(start, sizes):
            return "the constraints cannot be met there"
        directions = self._directions(start, sizes, rng)
        if isinstance(directions, str):
            return directions
        for along in directions:
            residual = self._residual(start, sizes, along)
            if isinstance(residual, str):
                return residual
            worst = max(worst, residual)
        wrong = None
        if kind in ("minimum", "maximum") and worst <= TOLERANCE:
            wrong = self._search(start, sizes, directions, rng, kind, far)
        return worst, wrong, start

    def _residual(self, start: Mapping[str, Any], sizes: Mapping[str, int], along: Mapping[str, Any]) -> float | str:
        """The derivative at the point against that a step away, by the function and by the derived gradient.

        With constraints also against that in directions that they forbid: a linear function has the same everywhere.
        """
        here = self.slope.along(start, sizes, along)
        if isinstance(here, str):
            return here
        scale = 0.0
        derived = 0.0
        if self.gradient is not None:
            derived, scale = self._derived(start, sizes, along)
        for step in (0.5, -0.5, 0.05):
            moved = {**start, **{name: start[name] + step * e for name, e in along.items()}}
            there = self.slope.along(_scalars(moved), sizes, along)
            if not isinstance(there, str):
                scale = max(scale, abs(float(np.real(there[0]))))
        for across in self._across(start, along) if self.limit is not None else ():
            there = self.slope.along(start, sizes, across)
            if not isinstance(there, str):
                scale = max(scale, abs(float(np.real(there[0]))))
        if not scale > 0:
            return 0.0 if abs(float(here[0])) + abs(derived) <= TOLERANCE else float("inf")
        noise = 1e-4 * here[1] if self.slope.smooth else 0.0
        slope = abs(float(np.real(here[0])))
        if not self.slope.smooth:
            slope = max(0.0, slope - 1e-4 * scale)  # differences are not that exact: the derived gradient is
        return max(slope / max(scale, noise), abs(derived) / scale)

    def _across(self, start: Mapping[str, Any], along: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Directions of the size of ``along``, whatever the constraints say."""
        flat = np.concatenate([np.abs(np.atleast_2d(e)).ravel() for e in along.values()])
        size = float(np.max(flat, initial=0.0))
        waves = (np.cos(step * np.arange(1.0, len(flat) + 1)) for step in (0.0, 1.0, 2.0))
        return [self._unstacked(size * wave, start) for wave in waves]

    def _derived(
        self, start: Mapping[str, Any], sizes: Mapping[str, int], along: Mapping[str, Any]
    ) -> tuple[float, float]:
        """The derived gradient along a direction, and the size of the terms that must cancel in it."""
        assert self.gradient is not None
        watch = Watch()
        found = self.gradient.run(start, sizes, watch)
        total = 0.0
        for x, g in zip(self.unknowns, self.gradients, strict=True):
            total += float(np.sum(np.real(np.atleast_2d(found[g])) * along[x.name]))
        return total, 1e-3 * watch.magnitude

    def _limit_residual(self, start: Mapping[str, Any], sizes: Mapping[str, int]) -> float:
        if self.limit is None:
            return 0.0
        watch = Watch()
        found = self.limit.run(start, sizes, watch)
        size = max(watch.magnitude, *(float(np.max(np.abs(start[x.name]))) for x in self.unknowns), 1e-300)
        return max(float(np.max(np.abs(found[c]))) for c in self.limits) / size

    def _directions(
        self, start: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator
    ) -> list[dict[str, Any]] | str:
        """Random changes that keep the declared structure and the constraints, of the size of the point."""
        basis = None
        if self.limit is not None:
            basis = self._free_space(start, sizes)
            if basis.shape[1] == 0:
                return "the constraints leave no freedom there"
        directions = []
        for _ in range(3):
            along: dict[str, Any] = {}
            if basis is not None:
                along = self._unstacked(basis @ rng.normal(size=basis.shape[1]), start)
            for x in self.unknowns if basis is None else ():
                e = project(rng.normal(size=np.atleast_2d(start[x.name]).shape), self.kinds[x.name].facts)
                along[x.name] = e / max(float(np.max(np.abs(e))), 1e-300) * self._size(start, x)
            top = 1.0
            if basis is not None:
                top = max(float(np.max(np.abs(e))) for e in along.values()) / self._size(start)
            directions.append({name: 0.5 * e / max(top, 1e-300) for name, e in along.items()})
        return directions

    def _size(self, start: Mapping[str, Any], *unknowns: Expr) -> float:
        """The largest entry of one unknown, or of all."""
        return max(*(float(np.max(np.abs(start[x.name]))) for x in unknowns or self.unknowns), 1e-2)

    def _free_space(self, start: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """An orthonormal basis of the directions along which the constraints do not change, to first order."""
        jacobian = self._limit_jacobian(start, sizes)
        _, values, rows = np.linalg.svd(jacobian)
        rank = int(np.sum(values > 1e-9 * max(1.0, float(values.max(initial=0.0)))))
        return rows[rank:].T

    def _limit_jacobian(self, start: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        """By differences of fourth order: exact for linear and quadratic constraints."""
        columns = []
        count = sum(np.atleast_2d(start[x.name]).size for x in self.unknowns)
        step = 1e-3 * self._size(start)

        def moved(along: Mapping[str, Any], by: float) -> Any:
            return self._limits(_scalars({**start, **{name: start[name] + by * e for name, e in along.items()}}), sizes)

        for k in range(count):
            along = self._unstacked(np.eye(count)[k], start)
            near, wide = (moved(along, h) - moved(along, -h) for h in (step, 2 * step))
            columns.append((8 * near - wide) / (12 * step))
        return np.stack(columns, axis=1)

    def _feasible(self, start: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
        """Whether Newton's method finds a point near the solution where the constraints hold."""
        found = dict(start)
        for _ in range(_NEWTON):
            gap = self._limits(_scalars(found), sizes)
            if not np.isfinite(gap).all():
                return False
            if np.max(np.abs(gap), initial=0.0) <= 1e-9 * max(self._size(found), 1.0):
                return True
            turn = np.linalg.pinv(self._limit_jacobian(_scalars(found), sizes), rcond=1e-6)
            for name, e in self._unstacked(turn @ gap, start).items():
                found[name] = found[name] - e
        return False

    def _onto(self, moved: Mapping[str, Any], start: Mapping[str, Any], sizes: Mapping[str, int], turn: Any) -> Any:
        """A point near ``moved`` where the constraints hold, by Newton's method with the Jacobian of the start."""
        found = dict(moved)
        for _ in range(_NEWTON):
            gap = self._limits(_scalars(found), sizes)
            if not np.isfinite(gap).all():
                return None
            size = self._size(found)
            if np.max(np.abs(gap), initial=0.0) <= 1e-13 * max(size, size * size):
                return found
            for name, e in self._unstacked(turn @ gap, start).items():
                found[name] = found[name] - e
        return None

    def _limits(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
        assert self.limit is not None
        found = self.limit.run(values, sizes)
        return np.concatenate([np.real(np.atleast_2d(found[c])).ravel() for c in self.limits])

    def _unstacked(self, flat: Any, start: Mapping[str, Any]) -> dict[str, Any]:
        """A change of the unknowns of their structure: the numbers in one line, in the shapes of the unknowns."""
        result, at = {}, 0
        for x in self.unknowns:
            shape = np.atleast_2d(start[x.name]).shape
            size = shape[0] * shape[1]
            result[x.name] = project(flat[at : at + size].reshape(shape), self.kinds[x.name].facts)
            at += size
        return result

    def _search(
        self,
        start: Mapping[str, Any],
        sizes: Mapping[str, int],
        directions: Sequence[Mapping[str, Any]],
        rng: np.random.Generator,
        kind: str,
        far: bool,
    ) -> str | None:
        """Values around the point: none may be better."""
        watch = Watch()
        best = float(np.real(self.function.run(start, sizes, watch)[self.f]))
        slack = _ROUNDING * max(abs(best), watch.magnitude, 1e-300)
        sign = 1.0 if kind == "minimum" else -1.0
        turn = np.linalg.pinv(self._limit_jacobian(start, sizes)) if self.limit is not None else None
        for _ in range(_SEARCHES):
            weights = rng.normal(size=len(directions))
            for step in _STEPS if far else _NEAR:
                moved = {**start}
                for x in self.unknowns:
                    change = sum(w * d[x.name] for w, d in zip(weights, directions, strict=True))
                    moved[x.name] = start[x.name] + step * change
                moved = moved if turn is None else self._onto(moved, start, sizes, turn)
                if moved is None or not all(_admissible(self.kinds[x.name], moved[x.name]) for x in self.unknowns):
                    continue
                value = self.function.run(_scalars(moved), sizes)[self.f]
                if np.isfinite(value) and sign * (float(np.real(value)) - best) < -slack:
                    better = "smaller" if kind == "minimum" else "larger"
                    return f"a random search found a {better} value"
        return None


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    """1 x 1 arrays as scalars."""
    return {k: np.float64(v[0, 0]) if isinstance(v, np.ndarray) and v.shape == (1, 1) else v for k, v in values.items()}


def _admissible(kind: Kind, value: Any) -> bool:
    return satisfies(kind, np.real(np.atleast_2d(value)))
