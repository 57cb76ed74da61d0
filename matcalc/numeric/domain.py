"""Is this point a good one? A watcher of an evaluation notes what makes a point unfit for a test.

A point is unfit where the function has no finite real value, where an inverse is nearly singular,
where a logarithm's or a power's argument is nothing but rounding, and, for differences, where a step
crosses a kink.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from matcalc.expr import Expr
from matcalc.numeric import spectra

CONDITION = 1e5
ROUNDING = 1e-9

# operations whose derivative jumps, or that complex steps cannot pass: differences are used there
KINKED = frozenset(["norm1", "max2", "min2", "cmp", "maxel", "minel", "spectral"])
KINKED_FUNCTIONS = frozenset(["abs", "sign", "relu"])
# operations that must be away from singular
_SOLVING = frozenset(["inv", "logdet", "frechet", "mfn"])
_ROOTS = frozenset(["logm", "sqrtm"])


def is_smooth(n: Expr) -> bool:
    """Whether the operation is analytic where it is defined."""
    return n.op not in KINKED and not (n.op == "fn" and n.data in KINKED_FUNCTIONS)


class Watch:
    """Told of every node that is evaluated; afterwards ``trouble`` says why the point is unfit, or is None.

    ``undefined``: the first trouble was a NaN from finite arguments (outside of the domain, not an overflow).
    ``side``: on which side of its kink every argument lies; equal for two points without a kink between them.
    ``magnitude``: the largest absolute value seen.
    """

    __slots__ = ("magnitude", "sides", "sizes", "trouble", "undefined")

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.sizes: dict[Expr, float] = {}
        self.undefined = False
        self.sides: list[bytes] = []
        self.magnitude = 0.0

    @property
    def side(self) -> bytes:
        return b"".join(self.sides)

    def __call__(self, n: Expr, args: list[Any], value: Any) -> None:
        if self.trouble is not None:
            return
        size = float(np.abs(value).max()) if isinstance(value, np.ndarray) else abs(float(value))
        if not np.isfinite(size):
            self._not_finite(n, args, size)
            return
        self.sizes[n] = size
        if n.args:
            self.magnitude = max(self.magnitude, size)
        if n.op in _SOLVING:
            self._solving(n, args)
        elif n.op == "spectral":
            self.trouble = spectra.unfit(str(n.data), np.atleast_2d(args[0]))
        elif n.op == "pinv":
            self._rank(args[0])
        elif n.op in ("fn", "pow", "norm2"):
            self._rounding(n, args, value)
        if not is_smooth(n):
            self.sides.append(_side(n, args))

    def _not_finite(self, n: Expr, args: list[Any], size: float) -> None:
        name = n.data if n.op in ("fn", "mfn", "spectral") else n.op
        self.undefined = bool(np.isnan(size)) and n.op not in ("inv", "pinv")
        self.trouble = f"{name} is {'undefined' if np.isnan(size) else 'infinite'} there"

    def _solving(self, n: Expr, args: list[Any]) -> None:
        if (n.op in ("mfn", "frechet") and n.data not in _ROOTS) or np.ndim(args[0]) < 2:
            return
        if not np.linalg.cond(args[0]) < CONDITION:
            self.trouble = f"the argument of {n.data if n.op == 'mfn' else n.op} is nearly singular there"

    def _rank(self, x: Any) -> None:
        """Constant rank: every singular value is either clearly there or rounding."""
        values = np.linalg.svd(np.atleast_2d(x), compute_uv=False)
        if values[0] == 0 or np.any((values < values[0] / 300) & (values > 1e-13 * values[0])):
            self.trouble = "the rank of the argument of pinv is not constant there"

    def _rounding(self, n: Expr, args: list[Any], value: Any) -> None:
        """log(1 - sum(p)) where sum(p) = 1 up to rounding: no point to test at."""
        if n.op == "norm2":
            if value == 0:
                self.trouble = "norm2 has a kink at 0"
            return
        inner = n.args[0]
        singular = n.data in ("log", "sqrt") or (n.op == "pow" and np.any(_singular(args[1])))
        if inner.op != "add" or not singular:
            return
        terms = max(self.sizes.get(term, 0.0) for term in inner.args)
        if float(np.min(np.abs(args[0]))) < ROUNDING * terms:
            self.trouble = f"the argument of {n.data or 'a power'} is nothing but rounding there"


def _singular(exponent: Any) -> Any:
    """Whether the power has a pole or a branch point at 0."""
    return (np.real(exponent) < 0) | (np.real(exponent) != np.round(np.real(exponent)))


def _side(n: Expr, args: list[Any]) -> bytes:
    x: Any = np.asarray(args[0]).real
    if n.op == "spectral":
        return spectra.side(str(n.data), np.atleast_2d(x))
    if n.op in ("maxel", "minel"):
        flat = x.reshape(-1)
        return bytes(str(np.argmax(flat if n.op == "maxel" else -flat)), "ascii")
    if len(args) > 1:
        x = x - np.asarray(args[1]).real
    return bytes(np.sign(x).astype(np.int8).tobytes())
