"""Code for arrays with more than two axes: einsum of entries, no more work than the array asked for."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

import matcalc

FEW = [
    ("A*X*B", "X", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n)"),
    ("A*diag(s)*X*diag(t)*B", "X", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n); s: vector(p); t: vector(q)"),
    ("inv(X)", "X", "X: matrix(n, n)"),
    ("W2*tanh(W1*x)", "W1", "W2: matrix(p, m); W1: matrix(m, n); x: vector(n)"),
]


@pytest.mark.parametrize(("f", "wrt", "declare"), FEW)
def test_no_index_is_summed_that_is_not_an_axis_of_the_array(f: str, wrt: str, declare: str) -> None:
    source = matcalc.derive(f, wrt, declare).source().split("def jacobian(")[1]
    words = re.findall(r'einsum\("([a-z,]+)->([a-z]+)"', source)

    assert words
    for inside, out in words:
        assert set(inside) - {","} == set(out)


def test_the_time_is_that_of_the_array() -> None:
    d = matcalc.derive("A*diag(s)*X*B", "X", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n); s: vector(p)")
    rng = np.random.default_rng(0)
    m, p, q, n = 24, 30, 28, 26
    values = {"A": rng.random((m, p)), "X": rng.random((p, q)), "B": rng.random((q, n)), "s": rng.random(p)}
    jacobian = d.function()
    start = time.perf_counter()
    found = jacobian(**values)
    spent = time.perf_counter() - start
    start = time.perf_counter()
    wanted = np.multiply.outer(values["A"] * values["s"], values["B"]).transpose(0, 3, 1, 2).copy()
    least = time.perf_counter() - start

    assert np.allclose(found, wanted)
    assert spent < 50 * least + 0.05


def test_an_array_that_is_zero_has_its_shape() -> None:
    d = matcalc.derive("A*B", "X", "A: matrix(m, n); B: matrix(n, p); X: matrix(q, r)")
    found = d.function()(A=np.ones((2, 3)), B=np.ones((3, 4)), X=np.ones((5, 6)))

    assert found.shape == (2, 4, 5, 6)
    assert not found.any()
