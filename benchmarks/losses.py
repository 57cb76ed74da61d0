"""The losses of the benchmark, with their gradients as an expert writes them, with SciPy and without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lapack

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Loss:
    """A loss, its arguments for a size, its derivative by hand: with NumPy alone, with SciPy where that differs."""

    name: str
    text: str
    wrt: str
    declare: str
    draw: Callable[[np.random.Generator, int], Arrays]
    numpy: Callable[..., Any]
    scipy: Callable[..., Any] | None = None
    sizes: tuple[int, ...] = (50, 200, 1000, 2000)


def normal(*shapes: Any, **names: Any) -> Callable[[np.random.Generator, int], Arrays]:
    """Normal arrays; a shape may say n."""

    def draw(rng: np.random.Generator, n: int) -> Arrays:
        return {
            name: rng.normal(size=tuple(n if s == "n" else s for s in shape)) / (n**0.5 if len(shape) == 2 else 1)
            for name, shape in names.items()
        }

    return draw


def positive(rng: np.random.Generator, n: int) -> np.ndarray:
    g = rng.normal(size=(n, n)) / n**0.5
    return g @ g.T + np.eye(n)


def regular(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=(n, n)) + n**0.5 * np.eye(n)


def draw_logistic(rng: np.random.Generator, n: int) -> Arrays:
    k = n // 2
    return {"X": rng.normal(size=(n, k)), "y": np.sign(rng.normal(size=n)), "w": rng.normal(size=k) / n}


def draw_outputs(rng: np.random.Generator, n: int) -> Arrays:
    k = n // 2
    return {"X": rng.normal(size=(n, k)), "W": rng.normal(size=(k, 20)), "Y": rng.normal(size=(n, 20))}


# --- by hand ----------------------------------------------------------------------------------------------


def quadratic(A, x):
    return A @ x + x @ A


def logistic(X, y, w):
    t = y * (X @ w)
    return -(X.T @ (y / (1 + np.exp(t)))) / len(y)


def factorisation(T, U, V):
    return 2 * (U @ (V.T @ V) - T @ V)


def network(x, **weights):
    layers = [weights[f"W{i}"] for i in range(1, 11)]
    hidden = [x]
    for W in layers:
        hidden.append(np.tanh(W @ hidden[-1]))
    delta, found = 2 * (hidden[-1] - weights["y"]), []
    for W, h, before in zip(layers[::-1], hidden[:0:-1], hidden[-2::-1], strict=True):
        delta = delta * (1 - h * h)
        found.append(np.outer(delta, before))
        delta = W.T @ delta
    return tuple(found[::-1])


def bilinear_numpy(X, a, b):
    inverse = np.linalg.inv(X)
    return -np.outer(a @ inverse, inverse @ b)


def bilinear_scipy(X, a, b):
    lu, pivots, _ = lapack.dgetrf(X.T)
    u, _ = lapack.dgetrs(lu, pivots, a)
    v, _ = lapack.dgetrs(lu, pivots, b, trans=1)
    return -np.outer(u, v)


def log_det_numpy(X):
    return np.linalg.inv(X).T


def log_det_scipy(X):
    lu, pivots, _ = lapack.dgetrf(X.T)
    return lapack.dgetri(lu, pivots, lwork=64 * len(lu), overwrite_lu=1)[0]


def gaussian_numpy(S, x, m):
    inverse = np.linalg.inv(S)
    v = inverse @ (x - m)
    return (inverse - np.outer(v, v)) / 2


def gaussian_scipy(S, x, m):
    factor, _ = lapack.dpotrf(S.T, clean=0)
    v, _ = lapack.dpotrs(factor, x - m)
    inverse = blocked_inverse(factor)
    inverse -= np.outer(v, v)
    inverse *= 0.5
    return inverse


def blocked_inverse(factor):
    inverse, _ = lapack.dpotri(factor)
    for i in range(0, len(inverse), 64):
        j = i + 64
        block = inverse[i:j, i:j]
        block[...] = np.triu(block) + np.triu(block, 1).T
        inverse[j:, i:j] = inverse[i:j, j:].T
    return inverse


def process_numpy(K, y):
    inverse = np.linalg.inv(K)
    v = inverse @ y
    return (inverse - np.outer(v, v)) / 2


def process_scipy(K, y):
    return gaussian_scipy(K, y, 0.0)


def squares(X, W, Y):
    return 2 * (X.T @ (X @ W - Y))


def classifier(X, Y, W, V):
    H = np.tanh(X @ W)
    Z = H @ V
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    P -= Y
    P /= len(X)
    return X.T @ ((P @ V.T) * (1 - H * H)), H.T @ P


def attention(Q, K, V, G):
    """Rows in blocks that stay in the cache; what belongs to a row divides the small results."""
    n, size = len(Q), min(len(Q), 128)
    S, D, result = np.empty((size, len(K))), np.empty((size, len(K))), np.empty_like(Q)
    for i in range(0, n, size):
        rows = slice(i, min(i + size, n))
        s, d = S[: rows.stop - i], D[: rows.stop - i]
        np.dot(Q[rows], K.T, out=s)
        s -= s.max(axis=1, keepdims=True)
        np.exp(s, out=s)
        share = 1 / s.sum(axis=1, keepdims=True)
        np.dot(G[rows], V.T, out=d)
        d -= np.einsum("ij,ij->i", d, s)[:, None] * share
        d *= s
        np.multiply(d @ K, share, out=result[rows])
    return result


def draw_network(rng, n):
    weights = {f"W{i}": rng.normal(size=(n, n)) / n**0.5 for i in range(1, 11)}
    return {**weights, "x": rng.normal(size=n), "y": rng.normal(size=n)}


def draw_onehot(rng, n):
    X, W, V = rng.normal(size=(n, 50)), rng.normal(size=(50, 30)) / 7, rng.normal(size=(30, 10)) / 5
    return {"X": X, "W": W, "V": V, "Y": np.eye(10)[rng.integers(10, size=n)]}


NETWORK = "".join(f"W{i}: matrix(n, n)\n" for i in range(1, 11)) + "x: vector(n)\ny: vector(n)"
CHAIN = "x"
for _i in range(1, 11):
    CHAIN = f"tanh(W{_i}*{CHAIN})"

GRADIENTS = [
    Loss("quadratic", "x'*A*x", "x", "A: matrix(n, n)\nx: vector(n)", normal(A=("n", "n"), x=("n",)), quadratic),
    Loss(
        "logistic", "1/n*sum(log(1 + exp(-y .* (X*w))))", "w", "X: matrix(n, k)\ny: vector(n)\nw: vector(k)",
        draw_logistic,
        logistic,
    ),
    Loss(
        "factorisation, r = 5", "norm2(T - U*V')^2", "U", "T: matrix(n, n)\nU: matrix(n, 5)\nV: matrix(n, 5)",
        normal(T=("n", "n"), U=("n", 5), V=("n", 5)), factorisation,
    ),
    Loss(
        "ten-layer network", f"norm2({CHAIN} - y)^2", ",".join(f"W{i}" for i in range(1, 11)), NETWORK, draw_network,
        network, sizes=(50, 200, 1000),
    ),
    Loss(
        "a'*inv(X)*b", "a'*inv(X)*b", "X", "X: matrix(n, n)\na: vector(n)\nb: vector(n)",
        lambda rng, n: {"X": regular(rng, n), "a": rng.normal(size=n), "b": rng.normal(size=n)},
        bilinear_numpy, bilinear_scipy,
    ),
    Loss(
        "log det", "logdet(X)", "X", "X: matrix(n, n)",
        lambda rng, n: {"X": regular(rng, n)}, log_det_numpy, log_det_scipy,
    ),
    Loss(
        "Gaussian likelihood", "1/2*logdet(S) + 1/2*(x - m)'*inv(S)*(x - m)", "S",
        "S: spd(n)\nx: vector(n)\nm: vector(n)",
        lambda rng, n: {"S": positive(rng, n), "x": rng.normal(size=n), "m": rng.normal(size=n)},
        gaussian_numpy, gaussian_scipy,
    ),
    Loss(
        "GP likelihood", "1/2*logdet(K) + 1/2*y'*inv(K)*y", "K", "K: spd(n)\ny: vector(n)",
        lambda rng, n: {"K": positive(rng, n), "y": rng.normal(size=n)}, process_numpy, process_scipy,
    ),
    Loss(
        "least squares, 20 outputs", "norm2(X*W - Y)^2", "W", "X: matrix(n, k)\nW: matrix(k, 20)\nY: matrix(n, 20)",
        draw_outputs,
        squares,
    ),
    Loss(
        "two-layer classifier", "-1/n*sum(Y .* log(softmax(tanh(X*W)*V, axis=1)))", "W,V",
        "X: matrix(n, d)\nW: matrix(d, h)\nV: matrix(h, c)\nY: onehot(n, c)", draw_onehot, classifier,
    ),
    Loss(
        "attention, width 64", "tr(G'*softmax(Q*K', axis=1)*V)", "Q",
        "Q: matrix(n, 64)\nK: matrix(n, 64)\nV: matrix(n, 64)\nG: matrix(n, 64)",
        normal(Q=("n", 64), K=("n", 64), V=("n", 64), G=("n", 64)), attention,
    ),
]  # fmt: skip
