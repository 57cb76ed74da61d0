"""Random smooth functions that stand for undefined ones; their derivatives are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matcalc.kinds import Kind

_TERMS = 4


@dataclass(frozen=True, eq=False, slots=True)
class SmoothFunction:
    """f(u) = C*sin(B*u + c) + offset.

    Elementwise: u is one entry, B, C and c have one entry for each term. With a signature: u is all
    arguments with their columns stacked, one below the other, f(u) the result with its columns stacked.
    """

    inner: Any
    phase: Any
    outer: Any
    offset: Any
    kind: Kind
    sizes: Mapping[str, int]

    def elementwise(self, z: Any, order: int) -> Any:
        """The derivative of that order, entry by entry."""
        z = np.asarray(z)
        waves = np.sin(z[..., None] * self.inner + self.phase + order * np.pi / 2)
        value = waves @ (self.outer * self.inner**order)
        return (value if order else value + self.offset)[()]

    def at(self, args: Sequence[Any], derivative: tuple[int, ...]) -> Any:
        """The value, the derivative by one argument (a scalar's gradient, a vector's Jacobian), or a scalar's by two.

        Of f = C*sin(B*u + c) the second derivatives are -B'*diag(C' .* sin(B*u + c))*B.
        """
        assert self.kind.args is not None and self.kind.result is not None
        stacked = np.concatenate([np.asarray(a).reshape(-1, order="F") for a in args])
        angle = self.inner @ stacked + self.phase
        shape = _size(self.kind.result, self.sizes)
        if not derivative:
            return (self.outer @ np.sin(angle) + self.offset).reshape(shape, order="F")
        lengths = [rows * cols for rows, cols in (_size(k, self.sizes) for k in self.kind.args)]
        starts = [sum(lengths[:i]) for i in derivative]
        first, *second = (self.inner[:, at : at + lengths[i]] for i, at in zip(derivative, starts, strict=True))
        if second:
            assert shape == (1, 1) and len(second) == 1
            return -(first.T * (self.outer[0] * np.sin(angle))) @ second[0]
        jacobian = self.outer @ (np.cos(angle)[:, None] * first)
        if shape == (1, 1):
            return jacobian.reshape(_size(self.kind.args[derivative[0]], self.sizes), order="F")
        return jacobian


def smooth_function(
    kind: Kind, sizes: Mapping[str, int], rng: np.random.Generator, positive: bool = False
) -> SmoothFunction:
    """A random function of that kind; ``positive``: with values around 3, else around 0."""
    if kind.args is None:
        width, height, terms = 1, 1, _TERMS
    else:
        assert kind.result is not None
        width = sum(rows * cols for rows, cols in (_size(k, sizes) for k in kind.args))
        rows, cols = _size(kind.result, sizes)
        height, terms = rows * cols, max(_TERMS, rows * cols + 1)
    inner = rng.normal(size=(terms, width)) * (0.9 / np.sqrt(width))
    inner = inner + 0.3 * rng.choice([-1, 1], size=inner.shape)
    phase = rng.uniform(0, 2 * np.pi, size=terms)
    outer = rng.normal(size=(height, terms)) / np.sqrt(terms)
    offset = np.full(height, 3.0) if positive else 0.3 * rng.normal(size=height)
    if kind.args is None:
        return SmoothFunction(inner[:, 0], phase, outer[0], offset[0], kind, dict(sizes))
    return SmoothFunction(inner, phase, outer, offset, kind, dict(sizes))


def _size(kind: Kind, sizes: Mapping[str, int]) -> tuple[int, int]:
    return kind.rows.evaluate(sizes), kind.cols.evaluate(sizes)
