"""Matrix functions in plain NumPy: expm, logm, sqrtm, sinm, cosm, their derivatives, adjugate, pinv.

None conjugates, so all are analytic in the entries and a complex step through them is exact. Where a
function has no real value (or an iteration does not converge) the result is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_PADE = 8


def expm(a: Any) -> Any:
    """exp of a matrix: diagonal Pade approximant with scaling and squaring (Higham 2008, ch. 10)."""
    size = float(np.linalg.norm(a, 1))
    if not np.isfinite(size) or size > 1e4:
        return np.full_like(a, np.nan)
    halvings = max(0, int(np.ceil(np.log2(max(size, 1e-300)))) + 1)
    a = a / 2.0**halvings
    eye = np.eye(len(a))
    coefficient, power = 1.0, eye
    top, bottom = eye, eye
    for k in range(1, _PADE + 1):
        coefficient *= (_PADE - k + 1) / (k * (2 * _PADE - k + 1))
        power = power @ a
        top = top + coefficient * power
        bottom = bottom + (coefficient if k % 2 == 0 else -coefficient) * power
    result = np.linalg.solve(bottom, top)
    for _ in range(halvings):
        result = result @ result
    return result


def sqrtm(a: Any) -> Any:
    """The principal square root: Denman and Beavers' scaled iteration (Higham 2008, sec. 6.3)."""
    n = len(a)
    if not np.linalg.cond(a) < 1e14:
        return np.full_like(a, np.nan)
    root, inverse = a + 0.0, np.eye(n) + 0.0 * a
    remaining = 60
    while remaining:
        remaining -= 1
        determinant = abs(np.linalg.det(root) * np.linalg.det(inverse))
        if not np.isfinite(determinant) or determinant == 0:
            return np.full_like(root, np.nan)
        scale = determinant ** (-1 / (2 * n))
        if abs(scale - 1) < 1e-2:
            scale = 1.0
        new_root = (scale * root + np.linalg.inv(inverse) / scale) / 2
        new_inverse = (scale * inverse + np.linalg.inv(root) / scale) / 2
        change = np.linalg.norm(new_root - root, 1)
        root, inverse = new_root, new_inverse
        if change <= 1e-8 * np.linalg.norm(root, 1):
            remaining = min(remaining, 2)  # convergence is quadratic, a perturbation's lags one step behind
    if not np.linalg.norm(root @ root - a) <= 1e-9 * np.linalg.norm(a):
        return np.full_like(root, np.nan)
    return root


def logm(a: Any) -> Any:
    """The principal logarithm: square roots, then log(I + X) by Gauss-Legendre (Higham 2008, ch. 11)."""
    eye = np.eye(len(a))
    roots = 0
    while np.linalg.norm(a - eye, 1) > 0.25:
        a = sqrtm(a)
        roots += 1
        if roots > 60 or not np.isfinite(a).all():
            return np.full_like(a, np.nan)
    x = a - eye
    result = np.zeros_like(x)
    nodes, weights = np.polynomial.legendre.leggauss(10)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        result = result + weight * np.linalg.solve(eye + node * x, x)
    return 2.0**roots * result


def sinm(a: Any) -> Any:
    """sin of a matrix: the upper right block of exp([0, A; -A, 0])."""
    return _rotation(a)[: len(a), len(a) :]


def cosm(a: Any) -> Any:
    """cos of a matrix: the upper left block of exp([0, A; -A, 0])."""
    return _rotation(a)[: len(a), : len(a)]


def _rotation(a: Any) -> Any:
    zero = np.zeros_like(a)
    return expm(np.block([[zero, a], [-a, zero]]))


MATRIX_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "expm": expm, "logm": logm, "sqrtm": sqrtm, "sinm": sinm, "cosm": cosm,
}  # fmt: skip


def frechet(name: str, x: Any, e: Any) -> Any:
    """The derivative of f at X along E: the upper right block of f([X, E; 0, X]) (Mathias 1996)."""
    n = len(x)
    size = float(np.linalg.norm(e))
    if size == 0:
        return np.zeros_like(x + e)
    scale = max(float(np.linalg.norm(x)), 1e-3) / size  # E of the size of X: it is linear in E
    unit = scale * e
    whole = MATRIX_FUNCTIONS[name](np.block([[x, unit], [np.zeros_like(x), x]]))
    return whole[:n, n:] / scale


def adjugate(a: Any) -> Any:
    """The transposed matrix of cofactors, for singular matrices too."""
    n = len(a)
    minors = np.empty((n, n, n - 1, n - 1), dtype=np.asarray(a).dtype)
    for i in range(n):
        rows = np.delete(a, i, axis=0)
        for j in range(n):
            minors[j, i] = np.delete(rows, j, axis=1)
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return signs * np.linalg.det(minors)


def pinv(a: Any) -> Any:
    """Moore-Penrose inverse, analytic where the rank is constant: C'(CC')^-1 (B'B)^-1 B' for A = B C."""
    _, values, right = np.linalg.svd(a.real, full_matrices=False)
    rank = int(np.sum(values > 1e-10 * values[0])) if values.size else 0
    if rank == 0:
        return np.zeros_like(a.T)
    if rank == a.shape[1]:
        return np.linalg.solve(a.T @ a, a.T)
    if rank == a.shape[0]:
        return np.linalg.solve(a @ a.T, a).T
    b = a @ right[:rank].T
    c = np.linalg.solve(b.T @ b, b.T @ a)
    return c.T @ np.linalg.solve(c @ c.T, np.linalg.solve(b.T @ b, b.T))
