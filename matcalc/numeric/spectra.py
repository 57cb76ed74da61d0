"""Eigenvalues and singular values in plain NumPy, with vectors whose signs are fixed.

``SPECTRAL`` holds what the language has of them. Eigenvalues ascend, those of A being those of its symmetric part;
singular values descend and are n for an m x n matrix: the square roots of the eigenvalues of X'X. Of each eigenvector
and each right singular vector the entry of largest size is positive; a left singular vector is X*v/s, zero where s is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_GAP = 1e-3  # of the largest: closer values count as equal, smaller ones as zero


def eigen(a: Any) -> tuple[Any, Any]:
    """(values, vectors) of (A + A')/2, ascending."""
    values, vectors = np.linalg.eigh((a + a.T) / 2)
    return values, vectors * _signs(vectors)


def singular(x: Any) -> tuple[Any, Any, Any]:
    """(U, s, V) with X = U*diag(s)*V': U is m x n, V n x n, s descending."""
    rows, cols = x.shape
    values = np.zeros(cols)
    left, found, turned = np.linalg.svd(x, full_matrices=rows < cols)
    values[: len(found)] = found
    right = turned.T
    full = np.zeros((rows, cols))
    kept = min(rows, cols)
    full[:, :kept] = left[:, :kept] * (found > found[:1] * max(rows, cols) * np.finfo(float).eps)
    signs = _signs(right)
    return full * signs, values, right * signs


def _signs(vectors: Any) -> Any:
    """What makes the entry of largest size in each column positive."""
    return np.where(vectors[_places(vectors), np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def _places(vectors: Any) -> Any:
    return np.abs(vectors).argmax(axis=0)


SPECTRAL: dict[str, Callable[[Any], Any]] = {
    "eigvals": lambda a: eigen(a)[0][:, None],
    "eigvecs": lambda a: eigen(a)[1],
    "svdvals": lambda x: singular(x)[1][:, None],
    "svd_u": lambda x: singular(x)[0],
    "svd_v": lambda x: singular(x)[2],
    "normnuc": lambda x: singular(x)[1].sum(),
    "norm_spectral": lambda x: singular(x)[1][0],
}


def unfit(name: str, x: Any) -> str | None:
    """Why there is no derivative at x, or none that differences can find: values that meet, or are zero."""
    if name.startswith("eig"):
        values = eigen(x)[0]
        if _meet(values):
            return f"the argument of {name} has nearly equal eigenvalues there"
        return None
    values = np.linalg.svd(x, compute_uv=False)
    if not values[0] > 0 or (name != "norm_spectral" and not values[-1] > values[0] * _GAP):
        return f"the argument of {name} is nearly rank deficient there"
    if name != "normnuc" and _meet(values[:2] if name == "norm_spectral" else values):
        return f"the argument of {name} has nearly equal singular values there"
    if name == "svdvals" and x.shape[0] < x.shape[1]:
        return "the argument of svdvals has more columns than rows there"
    return None


def _meet(values: Any) -> bool:
    return bool(np.any(np.abs(np.diff(values)) < _GAP * np.abs(values).max()))


def side(name: str, x: Any) -> bytes:
    """Equal for points between which no vector changes its sign: where each has its entry of largest size."""
    if name not in ("eigvecs", "svd_u", "svd_v"):
        return b""
    vectors = eigen(x)[1] if name == "eigvecs" else singular(x)[2]
    return bytes(_places(vectors).astype(np.int32).tobytes())
