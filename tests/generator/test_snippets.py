"""The functions in generated code: many short rows take the way by columns, with the same result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matcalc.generator.snippets import SNIPPETS

FAMILY = ("_softmax", "_log_softmax", "_logsumexp")


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    names: dict[str, Any] = {"np": np}
    for name in (*FAMILY, "_turned", "_softplus"):
        exec(SNIPPETS[name], names)
    return names


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", [(31, 5), (32, 5), (100, 1), (100, 32), (100, 33), (40, 3)])
@pytest.mark.parametrize("dtype", [float, int])
def test_each_row_for_itself(functions: dict[str, Any], name: str, shape: tuple[int, int], dtype: type) -> None:
    z = (np.random.default_rng(0).normal(size=shape) * 400).astype(dtype)
    before = z.copy()
    found = functions[name](z, axis=1)
    rows = [functions[name](np.array(row, dtype=float)) for row in z]
    np.testing.assert_allclose(found, rows, rtol=1e-14, atol=1e-300)
    assert np.array_equal(z, before)
    assert found.flags.c_contiguous


@pytest.mark.parametrize("name", FAMILY[:2])
@pytest.mark.parametrize("shape", [(100, 4), (10, 4)])
def test_results_are_left_in_an_array_that_is_there(
    functions: dict[str, Any], name: str, shape: tuple[int, int]
) -> None:
    z = np.random.default_rng(0).normal(size=shape)
    expected = functions[name](z, axis=1)
    assert functions[name](z, axis=1, out=z) is z
    assert np.array_equal(z, expected)


def test_softplus_of_arrays_numbers_and_integers(functions: dict[str, Any]) -> None:
    softplus = functions["_softplus"]
    z = np.array([-800.0, -1.0, 0.0, 2.0, 800.0])
    np.testing.assert_allclose(softplus(z), np.logaddexp(0, z), rtol=1e-15)
    np.testing.assert_allclose(softplus(z.astype(int)), np.logaddexp(0, z), rtol=1e-15)
    assert np.ndim(softplus(3)) == 0
    assert softplus(-3.0) == np.logaddexp(0, -3.0)
    expected = softplus(z)
    assert softplus(z, out=z) is z
    assert np.array_equal(z, expected)
