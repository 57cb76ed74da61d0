"""Matrix functions: against SciPy, their Frechet derivatives against complex steps, and where none is real."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from matcalc.numeric.matrixfunctions import MATRIX_FUNCTIONS, adjugate, frechet, pinv

SIZES = (1, 2, 3, 5, 8)


def near_definite(rng: np.random.Generator, n: int) -> np.ndarray:
    root = rng.normal(size=(n, n))
    return root @ root.T / n + 0.5 * np.eye(n) + 0.15 * rng.normal(size=(n, n))


def error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", sorted(MATRIX_FUNCTIONS))
def test_matrix_functions_agree_with_scipy(name: str, n: int, rng: np.random.Generator) -> None:
    a = near_definite(rng, n) if name in ("logm", "sqrtm") else 2 * rng.normal(size=(n, n))

    assert error(MATRIX_FUNCTIONS[name](a), getattr(scipy.linalg, name)(a)) < 1e-12


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", sorted(MATRIX_FUNCTIONS))
def test_frechet_is_the_derivative_along_a_direction(name: str, n: int, rng: np.random.Generator) -> None:
    a, e = near_definite(rng, n), rng.normal(size=(n, n))
    step = 1e-20

    assert error(frechet(name, a, e), MATRIX_FUNCTIONS[name](a + 1j * step * e).imag / step) < 1e-11
    assert error(frechet(name, a, 1e6 * e), 1e6 * frechet(name, a, e)) < 1e-11


def test_frechet_along_nothing_is_zero() -> None:
    assert not frechet("expm", np.eye(2), np.zeros((2, 2))).any()


@pytest.mark.parametrize("name", ["logm", "sqrtm"])
@pytest.mark.parametrize("diagonal", [[1.0, -2.0], [-1.0, -1.0], [0.0, 1.0]])
def test_no_real_value_is_nan(name: str, diagonal: list[float]) -> None:
    with np.errstate(all="ignore"):
        try:
            found = MATRIX_FUNCTIONS[name](np.diag(diagonal))
        except np.linalg.LinAlgError:
            return

    assert np.isnan(found).all()


def test_large_arguments_of_expm() -> None:
    a = np.array([[0.0, 40.0], [-40.0, 0.0]])

    assert error(MATRIX_FUNCTIONS["expm"](a), np.array([[np.cos(40), np.sin(40)], [-np.sin(40), np.cos(40)]])) < 1e-12
    assert np.isnan(MATRIX_FUNCTIONS["expm"](1e9 * a)).all()


@pytest.mark.parametrize("n", [2, 3, 5])
def test_adjugate_also_of_singular_matrices(n: int, rng: np.random.Generator) -> None:
    a = rng.normal(size=(n, n))
    singular = rng.normal(size=(n, n - 1)) @ rng.normal(size=(n - 1, n))

    assert error(adjugate(a), np.linalg.det(a) * np.linalg.inv(a)) < 1e-12
    assert np.abs(adjugate(singular) @ singular).max() < 1e-12
    assert np.abs(adjugate(singular)).max() > 1e-3


@pytest.mark.parametrize(("m", "n", "rank"), [(5, 3, 3), (3, 5, 3), (4, 4, 4), (6, 4, 2), (3, 7, 1)])
def test_pinv_of_every_shape_and_rank(m: int, n: int, rank: int, rng: np.random.Generator) -> None:
    left, right = rng.normal(size=(m, rank)), rng.normal(size=(rank, n))
    a = left @ right

    assert error(pinv(a), np.linalg.pinv(a)) < 1e-10
    # a complex step along matrices of the same rank is the derivative
    left_step, right_step = rng.normal(size=left.shape), rng.normal(size=right.shape)
    slope = pinv((left + 1e-20j * left_step) @ (right + 1e-20j * right_step)).imag / 1e-20
    h = 1e-5
    ends = [np.linalg.pinv((left + t * left_step) @ (right + t * right_step), rcond=1e-9) for t in (h, -h)]
    assert error(slope, (ends[0] - ends[1]) / (2 * h)) < 1e-6


def test_pinv_of_zero_is_zero() -> None:
    assert pinv(np.zeros((2, 3))).shape == (3, 2)
    assert not pinv(np.zeros((2, 3))).any()
