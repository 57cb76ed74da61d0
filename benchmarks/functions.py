"""The losses of the benchmark as one writes them for automatic differentiation: in JAX, PyTorch and HIPS autograd.

One text for all three where they agree; ``lib`` has what they name differently (``benchmarks.peers``). Where there is a
choice (determinants, solutions), it is the form whose gradient is faster in that library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Array = Any


def quadratic(lib: Any, *, A: Array, x: Array) -> Array:
    return x @ (A @ x)


def logistic(lib: Any, *, X: Array, y: Array, w: Array) -> Array:
    return lib.softplus(-y * (X @ w)).sum() / len(y)


def factorisation(lib: Any, *, T: Array, U: Array, V: Array) -> Array:
    return ((T - U @ V.T) ** 2).sum()


def network(lib: Any, *, x: Array, y: Array, **weights: Array) -> Array:
    h = x
    for i in range(1, 11):
        h = lib.tanh(weights[f"W{i}"] @ h)
    return ((h - y) ** 2).sum()


def bilinear(lib: Any, *, X: Array, a: Array, b: Array) -> Array:
    return a @ lib.solve(X, b)


def log_det(lib: Any, *, X: Array) -> Array:
    return lib.slogdet(X)


def gaussian(lib: Any, *, S: Array, x: Array, m: Array) -> Array:
    return process(lib, K=S, y=x - m)


def process(lib: Any, *, K: Array, y: Array) -> Array:
    return 0.5 * lib.slogdet(K) + 0.5 * (y @ lib.solve(K, y))


def squares(lib: Any, *, X: Array, W: Array, Y: Array) -> Array:
    return ((X @ W - Y) ** 2).sum()


def classifier(lib: Any, *, X: Array, Y: Array, W: Array, V: Array) -> Array:
    return -(Y * lib.log_softmax(lib.tanh(X @ W) @ V)).sum() / len(X)


def attention(lib: Any, *, Q: Array, K: Array, V: Array, G: Array) -> Array:
    return (G * (lib.softmax(Q @ K.T) @ V)).sum()


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "quadratic": quadratic,
    "logistic": logistic,
    "factorisation, r = 5": factorisation,
    "ten-layer network": network,
    "a'*inv(X)*b": bilinear,
    "log det": log_det,
    "Gaussian likelihood": gaussian,
    "GP likelihood": process,
    "least squares, 20 outputs": squares,
    "two-layer classifier": classifier,
    "attention, width 64": attention,
}
