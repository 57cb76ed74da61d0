"""The derivative of an expression along a direction, in numbers.

f(X + i h E) = f(X) + i h f'(X; E) + O(h^2): with h = 1e-20 the imaginary part over h is exact to
rounding, where every operation is analytic. Elsewhere central differences, extrapolated (Richardson
1911), away from kinks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from matcalc.expr import Expr, depends, topological
from matcalc.numeric.domain import Watch, is_smooth
from matcalc.numeric.evaluate import Plan
from matcalc.ops import num, power, rebuild, total

_STEP = 1e-20
_REAL = 1e-11  # a complex step along a real function with an ordinary slope leaves no more than this
_STEPS = (2e-3, 2e-4)
_LEVELS = 3
_ACCURACY = 1e-8
_NOISE = 1e-5  # of the largest slope on the way: below this a slope is rounding


def without_roots(f: Expr) -> Expr:
    """norm2(x)^2 and abs(x)^2 as the sums of squares that they are: no root, so no kink where they vanish."""
    results: dict[Expr, Expr] = {}
    for n in topological(f):
        args = tuple(results[a] for a in n.args)
        made = n if args == n.args else rebuild(n, args)
        if made.op == "pow" and made.args[1].op == "num" and made.args[1].data > 0 and made.args[1].data % 2 == 0:
            base, half = made.args[0], made.args[1].data / 2
            inner = base.args[0] if base.op == "norm2" or (base.op == "fn" and base.data == "abs") else None
            if inner is not None:
                squares = power(inner, num(2))
                made = power(total(squares) if base.op == "norm2" else squares, num(half))
        results[n] = made
    return results[f]


class Slope:
    """Directional derivatives of ``f`` in the symbols ``xs``."""

    __slots__ = ("f", "obstacle", "path", "plan", "smooth", "xs")

    def __init__(self, f: Expr, xs: Sequence[Expr]) -> None:
        f = without_roots(f)
        self.f = f
        self.xs = tuple(xs)
        self.plan = Plan(f)
        self.path = depends(f, self.xs)
        self.smooth = all(is_smooth(n) for n in self.path)
        self.obstacle = next((why for n in self.path if (why := _obstacle(n, self.path))), None)

    @property
    def method(self) -> str:
        return "complex steps" if self.smooth else "Richardson differences"

    def unfit(self, values: Mapping[str, Any], sizes: Mapping[str, int]) -> str | None:
        """Why the point is unfit for a test, if it is."""
        if self.obstacle is not None:
            return self.obstacle
        watch = Watch()

        def observe(n: Expr, args: list[Any], value: Any) -> None:
            watch(n, args, value)
            if n.op == "pow" and n.args[1] in self.path and np.any(np.real(args[0]) <= 0):
                watch.trouble = watch.trouble or "a power with a varying exponent needs a positive base"

        self.plan.run(values, sizes, observe)
        return watch.trouble

    def along(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], directions: Mapping[str, Any]
    ) -> tuple[Any, float] | str:
        """f'(X; E), E by name, and the size below which it is rounding; or why there is none."""
        if self.smooth:
            return self._complex_step(values, sizes, directions)
        for step in _STEPS:
            found = self._differences(values, sizes, directions, step)
            if not isinstance(found, str):
                return found
        return found

    def _complex_step(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], directions: Mapping[str, Any]
    ) -> tuple[Any, float] | str:
        moved = {name: np.atleast_2d(values[name]) + 1j * _STEP * e for name, e in directions.items()}
        results = self.plan.run({**values, **moved}, sizes)
        change = np.imag(results[self.f])
        if not np.isfinite(change).all():
            return "the derivative is not finite there"
        if not np.max(np.abs(change)) < _REAL:
            return "the function is not real near there, or very steep"
        passed = [results[n] for n in self.path if n in results]
        largest = max((float(np.max(np.abs(np.imag(v)))) for v in passed), default=0.0)
        return change / _STEP, _NOISE * largest / _STEP if np.isfinite(largest) else 0.0

    def _differences(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], directions: Mapping[str, Any], step: float
    ) -> tuple[Any, float] | str:
        """Romberg's triangle over halved steps; the last correction bounds the error."""
        center = Watch()
        size = float(np.max(np.abs(self.plan.run(values, sizes, center)[self.f])))
        row: list[Any] = []
        for level in range(_LEVELS):
            h = step / 2**level
            ends = []
            for sign in (1, -1):
                watch = Watch()
                moved = {name: np.atleast_2d(values[name]) + sign * h * e for name, e in directions.items()}
                ends.append(self.plan.run({**values, **moved}, sizes, watch)[self.f])
                if watch.trouble is not None or watch.side != center.side:
                    return "every draw is too close to a kink or to the end of the domain"
            new = [(ends[0] - ends[1]) / (2 * h)]
            for k, old in enumerate(row, start=1):
                new.append(new[-1] + (new[-1] - old) / (4**k - 1))
            previous, row = row, new
        correction = float(np.max(np.abs(row[-1] - previous[-1])))
        slope = row[-1]
        scale = max(float(np.max(np.abs(slope))), 1e-3 * size, 1e-3 * center.magnitude)
        if not correction <= _ACCURACY * scale:
            return "differences do not settle there"
        return slope, 1e-3 * max(size, center.magnitude)


def _obstacle(n: Expr, path: set[Expr]) -> str | None:
    """Why there is no derivative through this node: the variable is an index, or counts something."""
    varying = [k for k, arg in enumerate(n.args) if arg in path]
    if n.op == "matpow" and 1 in varying:
        return "an integer power of a matrix has no derivative by its exponent"
    if (n.op == "unit" and varying) or (n.op == "slice" and any(k > 0 for k in varying)):
        return "there is no derivative by an index"
    if n.op == "isum" and (1 in varying or 2 in varying):
        return "there is no derivative by the end of a sum"
    return None
