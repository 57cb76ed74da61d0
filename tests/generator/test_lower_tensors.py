"""Code for arrays with more than two axes: no more work than the array asked for."""

from __future__ import annotations

import re
import tracemalloc

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
    source = matcalc.derive(f, wrt, declare).source("torch").split("def jacobian(")[1]
    words = re.findall(r'einsum\("([a-z,]+)->([a-z]+)"', source)

    assert words
    for inside, out in words:
        assert set(inside) - {","} == set(out)


def drawn(d: matcalc.Derivation, sizes: dict[str, int]) -> dict[str, np.ndarray | float]:
    rng = np.random.default_rng(0)
    given = {key: rng.normal(size=[s.evaluate(sizes) for s in kind.shape]) for key, kind in d.declared.items()}
    given = {key: x[:, 0] if d.declared[key].form == "vector" else x for key, x in given.items()}
    return {key: x if x.size > 1 else float(x.item()) for key, x in given.items()}


SUMS = [
    ("norm2(tanh(W2*tanh(W1*x)) - y)^2", "W1", "W2: matrix(p, m); W1: matrix(m, n); x: vector(n); y: vector(p)"),
    ("x'*X'*S*X*x + tr(X'*X)", "X", "X: matrix(m, n); S: matrix(m, m); x: vector(n)"),
    ("norm2(X'*X)^2", "X", "X: matrix(m, n)"),
    ("sum(exp(X)) + (x'*X*y)^2", "X", "X: matrix(n, m); x: vector(n); y: vector(m)"),
]


@pytest.mark.parametrize(("f", "wrt", "declare"), FEW + SUMS)
def test_arrays_are_broadcast_into_the_one_array(f: str, wrt: str, declare: str) -> None:
    """Nothing is multiplied out by einsum, what stands on a diagonal is added there: little but the array is made."""
    d = matcalc.derive(f, wrt, declare, order=2 if (f, wrt, declare) in SUMS else 1)
    name = "hessian" if (f, wrt, declare) in SUMS else "jacobian"
    text = d.source().split(f"def {name}(")[1].split("\ndef ")[0]
    assert all("[...]" in line for line in text.splitlines() if "einsum" in line)
    given = drawn(d, {"m": 22, "n": 21, "p": 23, "q": 20})
    function = d.function(name)
    found = function(**given)
    assert np.allclose(found, d.function(name, "array-api")(**given), rtol=1e-12, atol=1e-12)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    function(**given)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert most < 1.5 * found.nbytes + 150_000  # and buffers


def test_an_array_that_is_zero_has_its_shape() -> None:
    d = matcalc.derive("A*B", "X", "A: matrix(m, n); B: matrix(n, p); X: matrix(q, r)")
    found = d.function()(A=np.ones((2, 3)), B=np.ones((3, 4)), X=np.ones((5, 6)))

    assert found.shape == (2, 4, 5, 6)
    assert not found.any()


@pytest.mark.parametrize(
    ("f", "order", "declare"),
    [
        ("X .* A", 1, "A, X: matrix(m, n)"),
        ("X'*X", 1, "X: matrix(m, n)"),
        ("X*A*X", 1, "X: matrix(m, n); A: matrix(n, m)"),
        ("X'", 1, "X: matrix(m, n)"),
        ("c*X + X*B", 1, "X: matrix(m, n); B: matrix(n, n); c: scalar"),
        ("norm2(A - X*B)^2", 2, "A: matrix(m, k); X: matrix(m, n); B: matrix(n, k)"),
        ("sum(sin(X))", 2, "X: matrix(m, n)"),
        ("norm2(X'*X)^2", 2, "X: matrix(m, n)"),
    ],
)
def test_entries_that_a_delta_makes_zero_are_not_computed(f: str, order: int, declare: str) -> None:
    """The same array as with identities, which targets use that cannot fill one; no identity is formed."""
    d = matcalc.derive(f, "X", declare, order=order)
    name = "hessian" if order == 2 else "jacobian"
    text = d.source("scipy").split(f"def {name}(")[1].split("\ndef ")[0]
    assert "_spread(" in text or "[...] +=" in text
    assert "np.eye" not in text
    given = drawn(d, {"m": 3, "n": 4, "k": 2})
    found = d.function(name, "scipy")(**given)
    assert found.ndim == 4
    assert np.allclose(found, d.function(name, "array-api")(**given), rtol=1e-13)


def test_a_diagonal_is_added_where_it_stands() -> None:
    d = matcalc.derive("sum(tanh(A*tanh(B*x)))", "x", "A: matrix(m, n); B: matrix(n, p); x: vector(p)", order=2)
    text = d.source().split("def hessian(")[1].split("\ndef ")[0]
    assert "np.diag" not in text
    assert re.search(r'np\.einsum\("ii->i", t\d+\)\[\.\.\.\] \+= ', text)
    given = drawn(d, {"m": 5, "n": 4, "p": 3})
    assert np.allclose(d.function("hessian")(**given), d.function("hessian", "array-api")(**given), rtol=1e-12)


def test_two_vectors_at_one_index_may_be_a_row_and_a_column() -> None:
    d = matcalc.derive("logsumexp(A*tanh(X*x))", "X", "A: matrix(p, m); X: matrix(m, n); x: vector(n)", order=2)
    given = drawn(d, {"m": 5, "n": 4, "p": 3})
    hessian, gradient = d.function("hessian")(**given), d.function("gradient")
    E = np.random.default_rng(1).normal(size=(5, 4))
    plus, minus = (gradient(**{**given, "X": given["X"] + s * 1e-6 * E}) for s in (1, -1))
    assert np.allclose(np.tensordot(hessian, E), (plus - minus) / 2e-6, atol=1e-7)
