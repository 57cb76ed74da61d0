"""Special functions: against the math module and SciPy, and their continuations by complex steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

from matcalc.numeric.special import digamma, erf, lgamma, trigamma

STEP = 1e-20
GRID = np.linspace(-6, 6, 481)
POSITIVE = np.linspace(0.01, 40, 400)
NEGATIVE = np.linspace(-5.3, -0.3, 37) + 0.0131  # between the poles


def test_erf_is_the_error_function() -> None:
    expected = np.array([math.erf(x) for x in GRID])

    assert np.abs(erf(GRID) - expected).max() < 2e-15


def test_erf_continues_analytically() -> None:
    slope = erf(GRID + 1j * STEP).imag / STEP

    assert np.abs(slope - 2 / np.sqrt(np.pi) * np.exp(-GRID * GRID)).max() < 1e-14


def test_erf_keeps_the_shape_and_reaches_its_limits() -> None:
    assert erf(np.zeros((2, 3))).shape == (2, 3)
    assert erf(np.float64(50)) == 1
    assert erf(np.float64(-50)) == -1
    assert math.isnan(erf(np.float64(np.nan)))


@pytest.mark.parametrize("z", [POSITIVE, NEGATIVE], ids=["positive", "negative"])
def test_lgamma_and_its_derivatives(z: np.ndarray) -> None:
    assert np.abs(lgamma(z) - np.array([math.lgamma(v) for v in z])).max() < 1e-13
    assert np.abs(digamma(z) - scipy.special.digamma(z)).max() < 1e-11
    # each is the derivative of the one before
    assert np.abs(lgamma(z + 1j * STEP).imag / STEP - digamma(z)).max() < 1e-11
    assert np.abs(digamma(z + 1j * STEP).imag / STEP / trigamma(z) - 1).max() < 1e-12


def test_trigamma_is_polygamma_of_order_one() -> None:
    assert np.abs(trigamma(POSITIVE) / scipy.special.polygamma(1, POSITIVE) - 1).max() < 1e-13
