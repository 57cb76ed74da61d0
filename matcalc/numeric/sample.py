"""Random values that satisfy declarations: ``draw_value(kind, sizes, rng)``, ``draw_values(...)``.

A *strategy* says where the entries lie, because many functions are defined on part of the space only
(a logarithm wants positive entries, a log-determinant a matrix near a positive definite one). Whatever
the strategy, the facts of the declaration hold of the value, and are checked before it is handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.numeric.smooth import smooth_function

Generator = np.random.Generator

# name -> (where plain entries lie, whether square matrices are drawn near a positive definite one)
STRATEGIES: dict[str, tuple[Callable[[Generator, tuple[int, int]], Any], bool]] = {
    "normal": (lambda rng, shape: rng.normal(size=shape), False),
    "negative": (lambda rng, shape: rng.uniform(-2.0, -0.3, size=shape), False),
    "positive": (lambda rng, shape: rng.uniform(0.3, 2.0, size=shape), False),
    "definite": (lambda rng, shape: rng.normal(size=shape), True),
    "fraction": (lambda rng, shape: rng.uniform(0.1, 0.9, size=shape), False),
    "small": (lambda rng, shape: rng.uniform(-0.3, 0.3, size=shape), False),
    "positive definite": (lambda rng, shape: rng.uniform(0.3, 2.0, size=shape), True),
    "dominant": (lambda rng, shape: rng.uniform(-0.2, 0.2, size=shape) + 2.0 * (shape == (1, 1)), True),
    "large": (lambda rng, shape: rng.uniform(1.5, 3.5, size=shape), True),
    "larger": (lambda rng, shape: rng.uniform(4.0, 20.0, size=shape), True),
    "far": (lambda rng, shape: rng.uniform(50.0, 500.0, size=shape), True),
}
MIXED = "mixed"  # every name by a strategy of its own

_ORTHONORMAL = 1e-9
_TRIES = 60


def draw_values(
    roots: Iterable[Expr],
    kinds: Mapping[str, Kind],
    sizes: Mapping[str, int],
    rng: Generator,
    strategy: str = "normal",
) -> dict[str, Any]:
    """A value for every symbol, undefined function and free index; ``kinds`` overrides their kinds."""
    roots = tuple(roots)
    limits = index_limits(roots, sizes)
    values: dict[str, Any] = {}
    for name, kind in sorted(named_kinds(roots, kinds).items()):
        chosen = strategy if strategy != MIXED else list(STRATEGIES)[rng.integers(len(STRATEGIES))]
        if kind.form == "function":
            around_zero = chosen in ("normal", "small", "negative")
            values[name] = smooth_function(kind, sizes, rng, positive=not around_zero)
        elif name in limits and kind.form == "scalar":
            values[name] = np.float64(rng.integers(limits[name]))
        else:
            values[name] = draw_value(kind, sizes, rng, chosen)
    for name, limit in limits.items():
        values.setdefault(name, np.float64(rng.integers(limit)))
    return values


def named_kinds(roots: Iterable[Expr], kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kind of every symbol and undefined function below the roots."""
    found: dict[str, Kind] = {}
    for n in topological(*roots):
        if n.op in ("sym", "ufn"):
            name, kind = n.data[0], n.data[1]  # type: ignore[index]
            found[name] = kinds.get(name, kind)
    return found


def index_limits(roots: Iterable[Expr], sizes: Mapping[str, int]) -> dict[str, int]:
    """How far each name that stands as an index may go: ``X[i, :]`` and ``unit(k, n)`` bound i and k."""
    limits: dict[str, int] = {}
    order = topological(*roots)
    bound = {n.args[0] for n in order if n.op == "isum"}
    for n in order:
        places: list[tuple[Expr, int]] = []
        if n.op == "unit":
            places = [(n.args[0], n.rows.evaluate(sizes))]
        elif n.op == "slice":
            at = [dim for spec, dim in zip(n.data, n.args[0].shape, strict=True) if spec[0] == "at"]  # type: ignore[call-overload]
            places = [(index, dim.evaluate(sizes)) for index, dim in zip(n.args[1:], at, strict=True)]
        for index, size in places:
            if index.op == "sym" or (index.op == "idx" and index not in bound):
                name = str(index.data) if index.op == "idx" else index.name
                limits[name] = min(size, limits.get(name, size))
    for n in order:
        if n.op == "idx" and n not in bound:
            limits.setdefault(str(n.data), 2)
    return limits


def draw_value(kind: Kind, sizes: Mapping[str, int], rng: Generator, strategy: str = "normal") -> Any:
    """A random value of that kind: a scalar, or a 2-D array. UnsupportedError if its facts cannot be met."""
    if kind.form == "function":
        return smooth_function(kind, sizes, rng, positive=strategy != "normal")
    shape = (kind.rows.evaluate(sizes), kind.cols.evaluate(sizes))
    for attempt in range(_TRIES):
        # facts may be at odds with the place (unit, small): later attempts try the others
        place = strategy if attempt < _TRIES // 3 else list(STRATEGIES)[attempt % len(STRATEGIES)]
        value = _attempt(kind.facts, shape, rng, place)
        if satisfies(kind, value):
            return np.float64(value[0, 0]) if kind.form == "scalar" else value
    raise UnsupportedError(f"no value found that is {kind.text()} of size {shape[0]} x {shape[1]}")


def _attempt(facts: frozenset[str], shape: tuple[int, int], rng: Generator, strategy: str) -> Any:
    """One try at a value with these facts."""
    entries, definite = STRATEGIES[strategy]
    if "integer" in facts:
        return rng.integers(1, 4, size=shape).astype(float)
    if "onehot" in facts:
        return _onehot(shape, rng)
    if "orthogonal" in facts:
        return _orthogonal(facts, shape[0], rng)
    square = shape[0] == shape[1] > 1
    value = entries(rng, shape)
    if facts & {"positive", "nonnegative", "simplex"}:
        value = np.abs(value) + 0.05
    if "nonzero" in facts:
        value = np.where(np.abs(value) < 0.1, value + 0.3, value)
    if "simplex" in facts:
        return value / (value.sum(axis=1, keepdims=True) if 1 not in shape else value.sum())
    if "unit" in facts:
        return value / np.linalg.norm(value)
    if square:
        if "spd" in facts or definite:
            value = _near_definite(value, rng, 0.0 if "spd" in facts else 0.15)
        value = project(value, facts)
        triangular = facts & {"diagonal", "lower", "upper"}
        if triangular and not definite:  # away from singular
            diagonal = np.diag(value)
            value = value + np.diag(0.4 * np.where(diagonal < 0, -1.0, 1.0))
        if "spd" in facts:
            smallest = float(np.linalg.eigvalsh((value + value.T) / 2)[0])
            value = value + max(0.0, 0.3 - smallest) * np.eye(shape[0])
    return value


def _near_definite(value: Any, rng: Generator, skew: float) -> Any:
    """S + a little that is not symmetric, S positive definite, entries of the size of the given ones."""
    n = len(value)
    size = max(0.5, float(np.abs(value).mean()))
    root = rng.normal(size=(n, n))
    definite = root @ root.T / n + 0.6 * np.eye(n)
    if value.min() > 0:  # keep the entries positive
        definite = np.abs(value + value.T) / 2 + n * size * np.eye(n)
        return definite + skew * value
    return size * definite + skew * rng.normal(size=(n, n))


def _onehot(shape: tuple[int, int], rng: Generator) -> Any:
    """One 1 in a vector or row; one in each row of a matrix."""
    value = np.zeros(shape)
    if 1 in shape:
        value.reshape(-1)[rng.integers(value.size)] = 1
    else:
        value[np.arange(shape[0]), rng.integers(shape[1], size=shape[0])] = 1
    return value


def _orthogonal(facts: frozenset[str], n: int, rng: Generator) -> Any:
    """A random orthogonal matrix; a reflection if symmetric too, signs if diagonal or triangular too."""
    if facts & {"diagonal", "lower", "upper"}:
        return np.diag(rng.choice([-1.0, 1.0], size=n))
    if "symmetric" in facts:
        v = rng.normal(size=(n, 1))
        return np.eye(n) - 2 * v @ v.T / (v.T @ v)
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return q * np.sign(np.diag(r))


# --- linear structure -----------------------------------------------------------------------------

LINEAR = frozenset(["symmetric", "spd", "diagonal", "lower", "upper", "toeplitz"])


def orbits(facts: frozenset[str], shape: tuple[int, int]) -> Any:
    """Labels of the entries that move together under a linear structure; -1 where the entry is always 0."""
    i, j = np.indices(shape)
    labels = i * shape[1] + j
    if not facts & LINEAR:
        return labels
    symmetric = bool(facts & {"symmetric", "spd"})
    if "toeplitz" in facts:
        labels = np.abs(j - i) if symmetric else j - i + shape[0]
    elif symmetric:
        labels = np.minimum(i, j) * shape[1] + np.maximum(i, j)
    zero = np.zeros(shape, dtype=bool)
    if "diagonal" in facts:
        zero |= i != j
    if "lower" in facts:
        zero |= j > i
    if "upper" in facts:
        zero |= j < i
    # an entry tied to one that is 0 is 0
    return np.where(np.isin(labels, labels[zero]), -1, labels)


def project(value: Any, facts: frozenset[str]) -> Any:
    """The nearest array with that linear structure: the mean over the entries that move together."""
    if not facts & LINEAR:
        return value
    labels = orbits(facts, value.shape)
    result = np.zeros_like(value)
    for label in np.unique(labels[labels >= 0]):
        result[labels == label] = value[labels == label].mean()
    return result


# --- do the facts hold? ---------------------------------------------------------------------------


def _rows_of(value: Any) -> Any:
    """The rows of a matrix; a vector or a row as one row."""
    return value.reshape(1, -1) if 1 in value.shape else value


def _conditioned(value: Any, limit: float) -> bool:
    return bool(np.linalg.cond(value) < limit)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "integer": lambda v: bool(np.all(v == np.round(v))),
    "positive": lambda v: bool(np.all(v > 0)),
    "nonnegative": lambda v: bool(np.all(v >= 0)),
    "nonzero": lambda v: bool(np.all(v != 0)),
    "invertible": lambda v: _conditioned(v, 80.0),
    "fullrank": lambda v: _conditioned(v, 80.0),
    "orthogonal": lambda v: bool(np.abs(v.T @ v - np.eye(len(v))).max() < _ORTHONORMAL),
    "onehot": lambda v: bool(np.all((v == 0) | (v == 1)) and np.all(_rows_of(v).sum(axis=1) == 1)),
    "simplex": lambda v: bool(np.all(v >= 0) and np.abs(_rows_of(v).sum(axis=1) - 1).max() < _ORTHONORMAL),
    "unit": lambda v: abs(float(np.linalg.norm(v)) - 1) < _ORTHONORMAL,
    "spd": lambda v: bool(np.linalg.eigvalsh(v)[0] > 0.01 * np.abs(v).max()),
}


def satisfies(kind: Kind, value: Any) -> bool:
    """Whether an array has every declared fact (inverses: with a modest condition number)."""
    value = np.atleast_2d(value)
    facts = kind.facts
    if facts & LINEAR and np.abs(project(value, facts) - value).max() > 1e-12 * np.abs(value).max():
        return False
    if "positive" in facts and facts & {"diagonal", "lower", "upper"}:
        facts = facts - {"positive"}  # said of the entries that the structure leaves free
        if not np.all(value[orbits(facts, value.shape) >= 0] > 0):
            return False
    return all(_CHECKS[fact](value) for fact in facts if fact in _CHECKS)
