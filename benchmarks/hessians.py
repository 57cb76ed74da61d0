"""Hessians, and products of Hessian and vector: the functions of Laue, Mitterreiter and Giesen, by hand.

They measured a quadratic form, logistic regression and matrix factorisation (Computing Higher Order Derivatives of
Matrix and Tensor Expressions, NeurIPS 2018), and the first layer of a ten-layer network (A Simple and Efficient Tensor
Calculus, AAAI 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.losses import GRADIENTS, Loss

Array = Any


@dataclass(frozen=True)
class Curved:
    """A loss with one variable, its Hessian by hand (``loss.numpy``), and the Hessian times a direction."""

    loss: Loss
    product: Callable[..., Array]
    sizes: tuple[int, ...]  # of the products
    limits: Mapping[str, int]  # up to which n a library is asked for the Hessian: beyond, minutes or GBs


def quadratic(A: Array, x: Array) -> Array:
    return A + A.T


def quadratic_product(A: Array, x: Array, dx: Array) -> Array:
    return A @ dx + dx @ A


def _weights(X: Array, y: Array, w: Array) -> Array:
    p = 1 / (1 + np.exp(-y * (X @ w)))
    return p * (1 - p) * y * y / len(y)


def logistic(X: Array, y: Array, w: Array) -> Array:
    S = np.sqrt(_weights(X, y, w))[:, None] * X  # the weights are not negative: one factor, and BLAS does half of it
    return S.T @ S


def logistic_product(X: Array, y: Array, w: Array, dw: Array) -> Array:
    return X.T @ (_weights(X, y, w) * (X @ dw))


def factorisation(T: Array, U: Array, V: Array) -> Array:
    n, r = U.shape
    H = np.zeros((n, r, n, r))
    i = np.arange(n)
    H[i, :, i, :] = 2 * (V.T @ V)
    return H


def factorisation_product(T: Array, U: Array, V: Array, dU: Array) -> Array:
    return dU @ (2 * (V.T @ V))


def _forward(x: Array, y: Array, weights: Mapping[str, Array]) -> tuple[list[Array], list[Array], list[Array]]:
    """Matrices, hidden layers with the input first, and the derivatives of the loss by the hidden layers."""
    layers = [weights[f"W{i}"] for i in range(1, 11)]
    hidden = [x]
    for W in layers:
        hidden.append(np.tanh(W @ hidden[-1]))
    adjoint = [2 * (hidden[-1] - y)]
    for W, h in zip(layers[:0:-1], hidden[:0:-1], strict=False):
        adjoint.append(W.T @ (adjoint[-1] * (1 - h * h)))
    return layers, hidden, adjoint[::-1]


def network(x: Array, y: Array, **weights: Array) -> Array:
    """M by the first layer's sums, backwards: M = D (W' M W) D + diag(curvature); H = M x x'."""
    layers, hidden, adjoint = _forward(x, y, weights)
    M = 2 * np.eye(len(x))
    for i in range(9, -1, -1):
        h = hidden[i + 1]
        slope = 1 - h * h
        M *= slope[:, None]
        M *= slope
        M.flat[:: len(M) + 1] -= 2 * adjoint[i] * h * slope
        if i:
            M = layers[i].T @ M @ layers[i]
    return (M[:, None, :] * x[:, None])[..., None] * x


def network_product(x: Array, y: Array, dW1: Array, **weights: Array) -> Array:
    layers, hidden, adjoint = _forward(x, y, weights)
    d, moved = dW1 @ x, []
    for i in range(10):
        moved.append(d)
        d = d * (1 - hidden[i + 1] ** 2)
        if i < 9:
            d = layers[i + 1] @ d
    back = 2 * d
    for i in range(9, -1, -1):
        h = hidden[i + 1]
        slope = 1 - h * h
        back = slope * (back - 2 * adjoint[i] * h * moved[i])
        if i:
            back = layers[i].T @ back
    return np.outer(back, x)


def _of(name: str, sizes: tuple[int, ...], hand: Callable[..., Array]) -> Loss:
    (loss,) = [loss for loss in GRADIENTS if loss.name == name]
    return replace(loss, numpy=hand, scipy=None, sizes=sizes, wrt=loss.wrt.split(",")[0])


HESSIANS = [
    Curved(
        _of("quadratic", (50, 300, 1000), quadratic), quadratic_product, (50, 300, 1000, 2000),
        {"torch": 1000, "autograd": 300},
    ),
    Curved(
        _of("logistic", (50, 300, 1000), logistic), logistic_product, (50, 300, 1000, 2000),
        {"torch": 1000, "autograd": 300},
    ),
    Curved(
        _of("factorisation, r = 5", (50, 100, 300), factorisation), factorisation_product, (50, 300, 1000, 2000),
        {"torch": 100, "autograd": 50},
    ),
    Curved(
        _of("ten-layer network", (20, 50), network), network_product, (50, 300, 1000),
        {"torch": 50, "autograd": 20},
    ),
]  # fmt: skip
