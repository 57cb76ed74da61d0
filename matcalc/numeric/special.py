"""Special functions on real or complex arrays, in plain NumPy: erf, lgamma, digamma, trigamma.

All are analytic continuations (no conjugation), so that a complex step through them is exact; ``lgamma``
continues log|Gamma(x)| from each interval of the real axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# Bernoulli numbers B2, B4, ..., B16 (Abramowitz & Stegun, table 23.2)
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_ASYMPTOTIC = 10.0  # from here on the series of Stirling's type are exact to rounding


def erf(z: Any) -> Any:
    """2/sqrt(pi) * integral of exp(-t^2) from 0 to z."""
    z = np.asarray(z)
    near = np.abs(z.real) < 3
    small, large = np.where(near, z, 1.0), np.where(near, 4.0, z)
    # all terms of one sign on the real axis: no cancellation (A & S 7.1.6)
    term = small
    series = term
    for n in range(1, 200):
        term = term * (2 * small * small / (2 * n + 1))
        series = series + term
        if np.all(np.abs(term) <= 1e-18 * np.abs(series)):
            break
    inside = 2 / np.sqrt(np.pi) * np.exp(-small * small) * series
    # erfc by its continued fraction, on the right half plane (A & S 7.1.14)
    side = np.where(large.real < 0, -1.0, 1.0)
    right = side * large
    fraction = right
    for k in range(80, 0, -1):
        fraction = right + (k / 2) / fraction
    outside = side * (1 - np.exp(-right * right) / (np.sqrt(np.pi) * fraction))
    return np.where(near, inside, outside)[()]


def lgamma(z: Any) -> Any:
    """log|Gamma(x)| and its continuation."""
    z, passed = _to_the_right(z, lambda x: np.log(np.where(x.real < 0, -1.0, 1.0) * x))
    value = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi)
    for k, number in enumerate(_BERNOULLI, start=1):
        value = value + number / (2 * k * (2 * k - 1) * z ** (2 * k - 1))
    return (value - passed)[()]


def digamma(z: Any) -> Any:
    """The derivative of log Gamma."""
    z, passed = _to_the_right(z, lambda x: 1 / x)
    value = np.log(z) - 1 / (2 * z)
    for k, number in enumerate(_BERNOULLI, start=1):
        value = value - number / (2 * k * z ** (2 * k))
    return (value - passed)[()]


def trigamma(z: Any) -> Any:
    """The second derivative of log Gamma."""
    z, passed = _to_the_right(z, lambda x: 1 / (x * x))
    value = 1 / z + 1 / (2 * z * z)
    for k, number in enumerate(_BERNOULLI, start=1):
        value = value + number / z ** (2 * k + 1)
    return (value + passed)[()]


def _to_the_right(z: Any, term: Callable[[Any], Any]) -> tuple[Any, Any]:
    """z + k, where Stirling's series are exact, and term(z) + ... + term(z + k - 1), by f(z + 1) = f(z) + term(z)."""
    z = np.asarray(z) + 0.0
    passed = np.zeros_like(z)
    while (low := z.real < _ASYMPTOTIC).any() and z.real.min() >= -1000:
        passed = passed + np.where(low, term(np.where(low, z, 1.0)), 0.0)
        z = np.where(low, z + 1, z)
    return z, passed
