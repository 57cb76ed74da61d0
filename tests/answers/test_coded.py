"""The code of Jacobians and Hessians without an index form: filled entry by entry, in little memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc import ops
from matcalc.answers.coded import coded
from matcalc.generator.code import compile_module

KINDS = "A: matrix(m, n)\nB: matrix(p, q)\nX: matrix(n, n)\nY: matrix(n, k)\nS: matrix(n, n)"
SIZES = {"m": 3, "n": 4, "p": 2, "q": 5, "k": 2}
MAPS = ["expm(X)", "A*sqrtm(X)", "expm(X)*Y", "kron(A, Y)*kron(A', Y')", "kron(Y, B)", "tr(logm(X)*S)*X"]


def drawn(d: Any) -> dict[str, np.ndarray]:
    rng, found = np.random.default_rng(0), {}
    for name, kind in d.declared.items():
        shape = tuple(s.evaluate(SIZES) for s in kind.shape)
        found[name] = 0.2 * rng.normal(size=shape) + (2 * np.eye(*shape) if name in "XS" else 0)
    return found


@pytest.mark.parametrize("target", ["numpy", "scipy"])
@pytest.mark.parametrize("function", MAPS)
def test_the_array_is_the_derivative(function: str, target: str) -> None:
    wrt = "Y" if "Y" in function and "X" not in function else "X"
    d = mc.derive(function, wrt=wrt, declare=KINDS)
    module, given = compile_module(d.source(target)), drawn(d)
    jacobian = module["jacobian"](**given)
    E = np.random.default_rng(1).normal(size=given[wrt].shape)
    value = module["value"]
    plus, minus = (value(**{**given, wrt: given[wrt] + s * 1e-6 * E}) for s in (1, -1))
    assert jacobian.shape == (*plus.shape, *E.shape)
    assert np.allclose(np.tensordot(jacobian, E, 2), (plus - minus) / 2e-6, atol=1e-7)


def test_names_of_the_loop_are_not_the_user_s() -> None:
    declare = {"i": "matrix(n, n)", "j": "matrix(n, n)"}
    d = mc.derive("expm(i)*j", wrt="i", declare=declare)
    node = coded(d.forms["i"], "numpy")
    assert node.op == "mapped"
    assert not {str(index.data) for index in node.args[:2]} & {"i", "j"}
    assert ops.rebuild(node, node.args) is node
    jacobian = d.function()(i=np.zeros((2, 2)), j=np.eye(2))
    assert np.allclose(jacobian, np.einsum("ac,bd->abcd", np.eye(2), np.eye(2)))


def test_arrays_that_cannot_be_changed_are_unstacked() -> None:
    d = mc.derive("expm(X)", wrt="X", declare=KINDS)
    assert coded(d.forms["X"], "jax").op == "unstacked"
    assert coded(mc.derive("A*X", wrt="X", declare=KINDS).forms["X"], "numpy").op == "tensor"


@pytest.mark.parametrize(
    ("function", "order"),
    [
        ("expm(X)", 1), ("kron(S, X)*kron(X, S)", 1), ("X*S*X", 1), ("X^3", 1), ("inv(X'*X)", 1), ("sqrtm(X)", 1),
        ("tr(expm(X)*S)", 2), ("norm2(X'*X)^2", 2), ("logdet(X'*X)", 2), ("sum(tanh(S*X))", 2),
    ],
)  # fmt: skip
def test_no_more_than_three_times_the_array_is_in_memory(function: str, order: int) -> None:
    d = mc.derive(function, wrt="X", declare="X: matrix(n, n)\nS: matrix(n, n)", order=order)
    n, rng = (7 if "kron" in function else 14), np.random.default_rng(0)
    given = {name: np.eye(n) + 0.1 * rng.normal(size=(n, n)) for name in d.declared}
    array = d.function()
    size = array(**given).nbytes
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    array(**given)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert most < 3 * size
