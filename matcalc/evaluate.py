"""The reference meaning of an expression: ``evaluate(expr, values, sizes)``, naive on purpose.

Arrays are 2-D, scalars NumPy scalars. Nothing conjugates, and functions with kinks are continued from the side on
which the real part lies, so complex input gives the analytic continuation that the complex step needs. What has no
real value is NaN. Every walk is iterative and keeps one result for each distinct node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from matcalc.errors import InputError, ShapeError, UnknownName, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.matrixfunctions import MATRIX_FUNCTIONS, adjugate, frechet, pinv
from matcalc.shapes import Dim
from matcalc.special import digamma, erf, lgamma, trigamma

Value: TypeAlias = Any  # a NumPy scalar, or a 2-D array
Observer: TypeAlias = Callable[[Expr, list[Value], Value], None]


def evaluate(expr: Expr, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Value:
    """The value of ``expr`` where names have the given values and dimension names the given sizes.

    ``values`` holds scalars, 2-D arrays (1-D for vectors and rows) and, for undefined functions, objects like
    ``SmoothFunction``; a free index takes its value there too.
    """
    return Plan(expr).run(values, sizes)[expr]


@dataclass(frozen=True, slots=True)
class _Loop:
    """An index sum: the nodes to evaluate for each index value, in order."""

    steps: tuple[Expr, ...]


class Plan:
    """The order in which the nodes below ``roots`` are evaluated; made once, run often."""

    __slots__ = ("loops", "roots", "steps")

    def __init__(self, *roots: Expr) -> None:
        self.roots = roots
        self.loops: dict[Expr, _Loop] = {}
        order = topological(*roots)
        if any(n.op == "isum" for n in order):
            self.steps = self._with_loops(order)
        else:
            self.steps = tuple(order)

    def _with_loops(self, order: list[Expr]) -> tuple[Expr, ...]:
        """Nodes that do not depend on an index are evaluated outside its sum, the others inside, each once a turn."""
        free: dict[Expr, frozenset[str]] = {}
        needs: dict[Expr, tuple[Expr, ...]] = {}
        for n in order:
            if n.op == "idx":
                free[n] = frozenset([str(n.data)])
            elif n.op == "isum":
                index, low, high, body = n.args
                name = str(index.data)
                inside, outside = _demanded((body,), needs, lambda c, name=name: name in free[c])
                self.loops[n] = _Loop(tuple(inside))
                needs[n] = (low, high, *outside)
                free[n] = frozenset().union(*(free[c] for c in needs[n]))
                continue
            else:
                free[n] = frozenset().union(*(free[c] for c in n.args))
            needs[n] = n.args
        return tuple(_demanded(self.roots, needs, lambda _: True)[0])

    def run(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], observe: Observer | None = None
    ) -> dict[Expr, Value]:
        """The value of every node outside index sums; ``observe`` is told every node as it is evaluated."""
        env = _Environment(values, sizes)
        results: dict[Expr, Value] = {}
        frames: list[_Frame] = [_Frame(self.steps)]
        with np.errstate(all="ignore"):
            while frames:
                frame = frames[-1]
                if frame.position == len(frame.steps):
                    if frame.turn is not None and frame.turn.next(results, env):
                        frame.position = 0
                        continue
                    frames.pop()
                    if frame.turn is not None:
                        _note(frame.turn.owner, frame.turn.total, [], results, observe)
                    continue
                n = frame.steps[frame.position]
                frame.position += 1
                if n.op == "isum":
                    turn = _Turn(n, self.loops[n].steps, results, env)
                    if turn.empty:
                        _note(n, turn.total, [], results, observe)
                    else:
                        frames.append(_Frame(self.loops[n].steps, turn))
                    continue
                args = [results[child] for child in n.args]
                _note(n, _apply(n, args, env), args, results, observe)
        return results


def _demanded(
    roots: tuple[Expr, ...], needs: Mapping[Expr, tuple[Expr, ...]], inside: Callable[[Expr], bool]
) -> tuple[list[Expr], list[Expr]]:
    """The nodes that the roots need and that are ``inside``, in order, and those just outside."""
    order: list[Expr] = []
    outside: dict[Expr, None] = {}
    seen: set[Expr] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        current, done = stack.pop()
        if done:
            order.append(current)
        elif not inside(current):
            outside[current] = None
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack.extend((child, False) for child in reversed(needs[current]) if child not in seen)
    return order, list(outside)


@dataclass(slots=True)
class _Environment:
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    indices: dict[str, int] = field(default_factory=dict)

    def size(self, dim: Dim) -> int:
        try:
            return dim.evaluate(self.sizes)
        except KeyError as missing:
            raise UnknownName(f"dimension {missing.args[0]} has no size") from None


class _Turn:
    """The state of one running index sum."""

    __slots__ = ("current", "empty", "high", "name", "owner", "saved", "total")

    def __init__(self, owner: Expr, steps: tuple[Expr, ...], results: dict[Expr, Value], env: _Environment) -> None:
        index, low, high, _ = owner.args
        self.owner, self.name = owner, str(index.data)
        self.current, self.high = _integer(results[low]), _integer(results[high])
        shape = (env.size(owner.rows), env.size(owner.cols))
        self.total: Value = np.float64(0) if owner.is_scalar else np.zeros(shape)
        self.empty = self.current > self.high
        # an enclosing sum over the same letter: its values come back when this one ends
        outer = env.indices.get(self.name)
        self.saved = None if outer is None else (outer, {n: results[n] for n in steps if n in results})
        if not self.empty:
            env.indices[self.name] = self.current

    def next(self, results: dict[Expr, Value], env: _Environment) -> bool:
        """Add the body's value; go to the next index value, or end."""
        self.total = self.total + results[self.owner.args[3]]
        self.current += 1
        if self.current <= self.high:
            env.indices[self.name] = self.current
            return True
        if self.saved is None:
            del env.indices[self.name]
        else:
            env.indices[self.name], kept = self.saved
            results.update(kept)
        return False


@dataclass(slots=True)
class _Frame:
    steps: tuple[Expr, ...]
    turn: _Turn | None = None
    position: int = 0


def _note(n: Expr, value: Value, args: list[Value], results: dict[Expr, Value], observe: Observer | None) -> None:
    results[n] = value
    if observe is not None:
        observe(n, args, value)


def _apply(n: Expr, args: list[Value], env: _Environment) -> Value:
    """The value of one node: NaN where LAPACK finds the matrix singular."""
    operation = _OPERATIONS.get(n.op)
    if operation is None:
        raise UnsupportedError(f"the operation {n.op} has no numerical meaning")
    try:
        value = operation(n, args, env)
    except np.linalg.LinAlgError:
        value = np.full((env.size(n.rows), env.size(n.cols)), np.nan)
    if isinstance(value, np.ndarray) and n.is_scalar:
        return value.reshape(-1)[0]
    return value


def _integer(value: Value) -> int:
    number = complex(value).real
    if not np.isfinite(number) or abs(number - round(number)) > 1e-9:
        raise InputError(f"an index or an integer power must be an integer, not {number:g}")
    return round(number)


def _position(value: Value, size: int) -> int:
    index = _integer(value)
    if not -size <= index < size:
        raise InputError(f"index {index} is outside of 0..{size - 1}")
    return index % size


# --- leaves ---------------------------------------------------------------------------------------


def _number(n: Expr, _: list[Value], __: _Environment) -> Value:
    try:
        return np.float64(n.data)  # type: ignore[arg-type]
    except OverflowError:
        return np.float64(np.inf if n.data > 0 else -np.inf)  # type: ignore[operator]


def _symbol(n: Expr, _: list[Value], env: _Environment) -> Value:
    if n.name not in env.values:
        raise UnknownName(f"{n.name} has no value")
    value = np.asarray(env.values[n.name])
    if value.dtype.kind in "iub":
        value = value.astype(float)
    wanted = (env.size(n.rows), env.size(n.cols))
    if value.shape != wanted:
        if value.size != wanted[0] * wanted[1] or (value.ndim == 2 and 1 not in (*wanted, *value.shape)):
            raise ShapeError(f"{n.name} is {wanted[0]} x {wanted[1]}, but its value has shape {value.shape}")
        value = value.reshape(wanted)
    return value


def _index(n: Expr, _: list[Value], env: _Environment) -> Value:
    name = str(n.data)
    if name in env.indices:
        return np.float64(env.indices[name])
    if name not in env.values:
        raise UnknownName(f"the index {name} has no value")
    return np.float64(env.values[name])


def _commutation(n: Expr, _: list[Value], env: _Environment) -> Value:
    m, k = (env.size(d) for d in n.data)  # type: ignore[union-attr]
    value = np.zeros((m * k, m * k))
    i, j = np.meshgrid(np.arange(m), np.arange(k), indexing="ij")
    value[(j + i * k).ravel(), (i + j * m).ravel()] = 1
    return value


def _unit(n: Expr, args: list[Value], env: _Environment) -> Value:
    size = env.size(n.rows)
    value = np.zeros((size, 1))
    value[_position(args[0], size), 0] = 1
    return value


# --- sums, products, powers -----------------------------------------------------------------------


def _sum_of(_: Expr, args: list[Value], __: _Environment) -> Value:
    value = args[0]
    for term in args[1:]:
        value = value + term
    return value


def _product(n: Expr, args: list[Value], _: _Environment) -> Value:
    scale: Value = None
    chain: Value = None
    for child, value in zip(n.args, args, strict=True):
        if child.is_scalar:
            scale = value if scale is None else scale * value
        else:
            chain = value if chain is None else chain @ value
    if chain is None:
        return scale
    if n.is_scalar:
        chain = chain[0, 0]
    return chain if scale is None else scale * chain


def _hadamard(_: Expr, args: list[Value], __: _Environment) -> Value:
    value = args[0]
    for factor in args[1:]:
        value = value * factor
    return value


def _power(_: Expr, args: list[Value], __: _Environment) -> Value:
    # NumPy multiplies out complex powers with integer exponents: no branch cut, a tiny imaginary part survives
    base, exponent = args
    if np.iscomplexobj(exponent) and not np.any(np.imag(exponent)):
        exponent = np.real(exponent)
    return np.power(base, exponent)


def _matrix_power(_: Expr, args: list[Value], __: _Environment) -> Value:
    exponent = _integer(args[1])
    if abs(exponent) > 100_000:
        raise InputError(f"the exponent {exponent} is too large")
    return np.linalg.matrix_power(args[0], exponent)


# --- entries and blocks ---------------------------------------------------------------------------


def _block(n: Expr, args: list[Value], _: _Environment) -> Value:
    width = n.data[1]  # type: ignore[index]
    entries = [np.atleast_2d(a) for a in args]
    rows = [np.concatenate(entries[k : k + width], axis=1) for k in range(0, len(entries), width)]
    return np.concatenate(rows, axis=0)


def _slice(n: Expr, args: list[Value], _: _Environment) -> Value:
    value = np.atleast_2d(args[0])
    rest = iter(args[1:])
    picks: list[slice] = []
    for spec, size in zip(n.data, value.shape, strict=True):  # type: ignore[call-overload]
        if spec[0] == "at":
            at = _position(next(rest), size)
            picks.append(slice(at, at + 1))
        else:
            picks.append(slice(None) if spec[0] == "all" else slice(spec[1], spec[2]))
    return value[tuple(picks)]


# --- reductions -----------------------------------------------------------------------------------


def _along(reduce: Callable[..., Value]) -> Callable[[Expr, list[Value], _Environment], Value]:
    """A reduction of all entries, down the columns to a row (0), or along the rows to a vector (1)."""

    def apply(n: Expr, args: list[Value], _: _Environment) -> Value:
        return reduce(np.atleast_2d(args[0]), axis=n.data, keepdims=n.data is not None)

    return apply


def _largest(sign: int) -> Callable[[Expr, list[Value], _Environment], Value]:
    def apply(_: Expr, args: list[Value], __: _Environment) -> Value:
        flat = np.asarray(args[0]).reshape(-1)
        return np.float64(np.nan) if np.isnan(flat).any() else flat[np.argmax(sign * flat.real)]

    return apply


def _shifted(x: Value, axis: int | None) -> tuple[Value, Value]:
    """exp(x - max), and the maximum, along the axis."""
    top = np.max(x.real, axis=axis, keepdims=True)
    return np.exp(x - top), top


def _softmax(n: Expr, args: list[Value], _: _Environment) -> Value:
    weights, _top = _shifted(np.atleast_2d(args[0]), n.data)  # type: ignore[arg-type]
    return weights / np.sum(weights, axis=n.data, keepdims=True)  # type: ignore[call-overload]


def _logsumexp(n: Expr, args: list[Value], _: _Environment) -> Value:
    weights, top = _shifted(np.atleast_2d(args[0]), n.data)  # type: ignore[arg-type]
    return np.log(np.sum(weights, axis=n.data, keepdims=True)) + top  # type: ignore[call-overload]


def _norm2(_: Expr, args: list[Value], __: _Environment) -> Value:
    return np.sqrt(np.sum(np.asarray(args[0]) ** 2))


def _logdet(_: Expr, args: list[Value], __: _Environment) -> Value:
    sign, size = np.linalg.slogdet(args[0])
    if not np.real(sign) > 0:
        return np.float64(np.nan)
    return size + 1j * np.angle(sign) if np.iscomplexobj(sign) else size


# --- elementwise functions ------------------------------------------------------------------------


def _side(x: Value) -> Value:
    return np.sign(np.real(x))


def _sigmoid(x: Value) -> Value:
    small = np.exp(-x * np.where(np.real(x) < 0, -1.0, 1.0))
    return np.where(np.real(x) < 0, small, 1.0) / (1 + small)


def _softplus(x: Value) -> Value:
    side = np.where(np.real(x) < 0, -1.0, 1.0)
    return x * (side > 0) + np.log1p(np.exp(-x * side))


_ELEMENTWISE: dict[str, Callable[[Value], Value]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "sigmoid": _sigmoid, "softplus": _softplus,
    "relu": lambda x: x * (np.real(x) > 0),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "erf": erf, "lgamma": lgamma, "digamma": digamma, "trigamma": trigamma,
    "abs": lambda x: x * _side(x),
    "sign": _side,
}  # fmt: skip

_COMPARISONS: dict[str, Callable[[Value, Value], Value]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
}  # fmt: skip


def _compare(n: Expr, args: list[Value], _: _Environment) -> Value:
    return _COMPARISONS[str(n.data)](np.real(args[0]), np.real(args[1])) * np.float64(1)


def _undefined(n: Expr, args: list[Value], env: _Environment) -> Value:
    name, kind, derivative = n.data  # type: ignore[misc]
    if name not in env.values:
        raise UnknownName(f"the function {name} has no value")
    function = env.values[name]
    return function.elementwise(args[0], derivative) if kind.args is None else function.at(args, derivative)


def _of(apply: Callable[[Value], Value]) -> Callable[[Expr, list[Value], _Environment], Value]:
    """An operation on one array."""
    return lambda n, args, env: apply(np.atleast_2d(args[0]))


_OPERATIONS: dict[str, Callable[[Expr, list[Value], _Environment], Value]] = {
    "num": _number,
    "const": lambda n, a, env: np.float64(np.pi),
    "sym": _symbol,
    "dim": lambda n, a, env: np.float64(env.size(n.data)),  # type: ignore[arg-type]
    "idx": _index,
    "eye": lambda n, a, env: np.eye(env.size(n.rows)),
    "ones": lambda n, a, env: np.ones((env.size(n.rows), env.size(n.cols))),
    "zeros": lambda n, a, env: np.zeros((env.size(n.rows), env.size(n.cols))),
    "commutation": _commutation,
    "unit": _unit,
    "add": _sum_of,
    "mul": _product,
    "had": _hadamard,
    "pow": _power,
    "matpow": _matrix_power,
    "t": _of(np.transpose),
    "inv": _of(np.linalg.inv),
    "det": _of(np.linalg.det),
    "logdet": _logdet,
    "tr": _of(np.trace),
    "adj": _of(adjugate),
    "pinv": _of(pinv),
    "vec": _of(lambda x: x.reshape(-1, 1, order="F")),
    "unvec": lambda n, a, env: a[0].reshape((env.size(n.rows), env.size(n.cols)), order="F"),
    "diagmat": _of(lambda x: np.diag(x.reshape(-1))),
    "diagvec": _of(lambda x: np.diag(x)[:, None]),
    "kron": lambda n, a, env: np.kron(a[0], a[1]),
    "sum": _along(np.sum),
    "mean": _along(np.mean),
    "prod": _of(np.prod),
    "norm1": _of(lambda x: np.sum(x * _side(x))),
    "norm2": _norm2,
    "maxel": _largest(1),
    "minel": _largest(-1),
    "fn": lambda n, a, env: _ELEMENTWISE[str(n.data)](a[0]),
    "max2": lambda n, a, env: np.where(np.real(a[0]) >= np.real(a[1]), a[0], a[1]) + 0 * (a[0] + a[1]),
    "min2": lambda n, a, env: np.where(np.real(a[0]) <= np.real(a[1]), a[0], a[1]) + 0 * (a[0] + a[1]),
    "cmp": _compare,
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "mfn": lambda n, a, env: MATRIX_FUNCTIONS[str(n.data)](a[0]),
    "frechet": lambda n, a, env: frechet(str(n.data), np.atleast_2d(a[0]), np.atleast_2d(a[1])),
    "ufn": _undefined,
    "block": _block,
    "slice": _slice,
}
