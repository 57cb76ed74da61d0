"""What each operation means in numbers: ``apply(node, values of its arguments, environment)``.

Arrays are 2-D, scalars NumPy scalars. Nothing conjugates, and functions with kinks are continued from
the side on which the real part lies, so complex input gives the analytic continuation that the
complex step needs. What has no real value is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from matcalc.errors import InputError, ShapeError, UnknownName, UnsupportedError
from matcalc.expr import Expr
from matcalc.numeric.matrixfunctions import MATRIX_FUNCTIONS, adjugate, frechet, pinv
from matcalc.numeric.special import digamma, erf, lgamma, trigamma
from matcalc.numeric.spectra import SPECTRAL
from matcalc.shapes import Dim

Value: TypeAlias = Any  # a NumPy scalar, or a 2-D array


@dataclass(slots=True)
class Environment:
    """What names, dimension names and the running indices stand for."""

    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    indices: dict[str, int] = field(default_factory=dict)

    def size(self, dim: Dim) -> int:
        try:
            return dim.evaluate(self.sizes)
        except KeyError as missing:
            raise UnknownName(f"dimension {missing.args[0]} has no size") from None


def apply(n: Expr, args: list[Value], env: Environment) -> Value:
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


def _tensor(n: Expr, args: list[Value], env: Environment) -> Value:
    """The array of the index form, its first axes stacked against the others, first index fastest."""
    indices, sizes, lead, terms = n.data  # type: ignore[misc]
    shape = [env.size(d) for d in sizes]
    letters: dict[str, int] = {name: i for i, name in enumerate(indices)}
    total: Value = np.zeros(shape)
    rest = list(args)
    for scalars, deltas, entries in terms:
        factor = np.prod([rest.pop(0) for _ in range(scalars)]) if scalars else 1.0
        operands: list[Any] = []
        for at in entries:
            value = np.asarray(rest.pop(0))
            places = [letters.setdefault(i, len(letters)) for i in at]
            operands += [value if len(at) == 2 else value.reshape(-1), places]
        for left, right, size in deltas:
            operands += [np.eye(env.size(size)), [letters[left], letters[right]]]
        for name, length in zip(indices, shape, strict=True):
            operands += [np.ones(length), [letters[name]]]
        total = total + factor * np.einsum(*operands, list(range(len(indices))))
    flat = (int(np.prod(shape[:lead], dtype=int)), int(np.prod(shape[lead:], dtype=int)))
    return total.reshape(flat, order="F")


def integer(value: Value) -> int:
    number = complex(value).real
    if not np.isfinite(number) or abs(number - round(number)) > 1e-9:
        raise InputError(f"an index or an integer power must be an integer, not {number:g}")
    return round(number)


def _position(value: Value, size: int) -> int:
    index = integer(value)
    if not -size <= index < size:
        raise InputError(f"index {index} is outside of 0..{size - 1}")
    return index % size


# --- leaves ---------------------------------------------------------------------------------------


def _number(n: Expr, _: list[Value], __: Environment) -> Value:
    try:
        return np.float64(n.data)  # type: ignore[arg-type]
    except OverflowError:
        return np.float64(np.inf if n.data > 0 else -np.inf)  # type: ignore[operator]


def _symbol(n: Expr, _: list[Value], env: Environment) -> Value:
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


def _index(n: Expr, _: list[Value], env: Environment) -> Value:
    name = str(n.data)
    if name in env.indices:
        return np.float64(env.indices[name])
    if name not in env.values:
        raise UnknownName(f"the index {name} has no value")
    return np.float64(env.values[name])


def _commutation(n: Expr, _: list[Value], env: Environment) -> Value:
    dims: Any = n.data
    m, k = (env.size(d) for d in dims)
    value = np.zeros((m * k, m * k))
    i, j = np.meshgrid(np.arange(m), np.arange(k), indexing="ij")
    value[(j + i * k).ravel(), (i + j * m).ravel()] = 1
    return value


def _unit(n: Expr, args: list[Value], env: Environment) -> Value:
    size = env.size(n.rows)
    value = np.zeros((size, 1))
    value[_position(args[0], size), 0] = 1
    return value


# --- sums, products, powers -----------------------------------------------------------------------


def _sum_of(_: Expr, args: list[Value], __: Environment) -> Value:
    value = args[0]
    for term in args[1:]:
        value = value + term
    return value


def _product(n: Expr, args: list[Value], _: Environment) -> Value:
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


def _hadamard(_: Expr, args: list[Value], __: Environment) -> Value:
    value = args[0]
    for factor in args[1:]:
        value = value * factor
    return value


def _power(_: Expr, args: list[Value], __: Environment) -> Value:
    # NumPy multiplies out complex powers with integer exponents: a tiny imaginary part survives
    base, exponent = args
    if np.iscomplexobj(exponent) and not np.any(np.imag(exponent)):
        exponent = np.real(exponent)
    return np.power(base, exponent)


def _matrix_power(_: Expr, args: list[Value], __: Environment) -> Value:
    exponent = integer(args[1])
    if abs(exponent) > 100_000:
        raise InputError(f"the exponent {exponent} is too large")
    return np.linalg.matrix_power(args[0], exponent)


# --- entries and blocks ---------------------------------------------------------------------------


def _block(n: Expr, args: list[Value], _: Environment) -> Value:
    width = n.data[1]  # type: ignore[index]
    entries = [np.atleast_2d(a) for a in args]
    rows = [np.concatenate(entries[k : k + width], axis=1) for k in range(0, len(entries), width)]
    return np.concatenate(rows, axis=0)


def _slice(n: Expr, args: list[Value], _: Environment) -> Value:
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


def _along(reduce: Callable[..., Value]) -> Callable[[Expr, list[Value], Environment], Value]:
    """A reduction of all entries, down the columns to a row (0), or along the rows to a vector (1)."""

    def apply(n: Expr, args: list[Value], _: Environment) -> Value:
        return reduce(np.atleast_2d(args[0]), axis=n.data, keepdims=n.data is not None)

    return apply


def _largest(sign: int) -> Callable[[Expr, list[Value], Environment], Value]:
    def apply(_: Expr, args: list[Value], __: Environment) -> Value:
        flat = np.asarray(args[0]).reshape(-1)
        return np.float64(np.nan) if np.isnan(flat).any() else flat[np.argmax(sign * flat.real)]

    return apply


def _shifted(x: Value, axis: int | None) -> tuple[Value, Value]:
    """exp(x - max), and the maximum, along the axis."""
    top = np.max(x.real, axis=axis, keepdims=True)
    return np.exp(x - top), top


def _softmax(n: Expr, args: list[Value], _: Environment) -> Value:
    weights, _top = _shifted(np.atleast_2d(args[0]), n.data)  # type: ignore[arg-type]
    return weights / np.sum(weights, axis=n.data, keepdims=True)  # type: ignore[call-overload]


def _logsumexp(n: Expr, args: list[Value], _: Environment) -> Value:
    weights, top = _shifted(np.atleast_2d(args[0]), n.data)  # type: ignore[arg-type]
    return np.log(np.sum(weights, axis=n.data, keepdims=True)) + top  # type: ignore[call-overload]


def _norm2(_: Expr, args: list[Value], __: Environment) -> Value:
    return np.sqrt(np.sum(np.asarray(args[0]) ** 2))


def _logdet(_: Expr, args: list[Value], __: Environment) -> Value:
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
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
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


def _compare(n: Expr, args: list[Value], _: Environment) -> Value:
    return _COMPARISONS[str(n.data)](np.real(args[0]), np.real(args[1])) * np.float64(1)


def _undefined(n: Expr, args: list[Value], env: Environment) -> Value:
    data: Any = n.data
    name, kind, derivative = data
    if name not in env.values:
        raise UnknownName(f"the function {name} has no value")
    function = env.values[name]
    return function.elementwise(args[0], derivative) if kind.args is None else function.at(args, derivative)


def _of(apply: Callable[[Value], Value]) -> Callable[[Expr, list[Value], Environment], Value]:
    """An operation on one array."""
    return lambda n, args, env: apply(np.atleast_2d(args[0]))


def _toeplitz(x: Value) -> Value:
    """Each diagonal replaced by its mean."""
    result = np.zeros_like(x)
    for k in range(1 - len(x), len(x)):
        result += np.diag(np.full(len(x) - abs(k), np.diag(x, k).mean()), k)
    return result


_PARTS: dict[str, Callable[[Value], Value]] = {"lower": np.tril, "upper": np.triu, "toeplitz": _toeplitz}
_OPERATIONS: dict[str, Callable[[Expr, list[Value], Environment], Value]] = {
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
    "unstacked": lambda n, a, env: a[0],
    "tensor": lambda n, a, env: _tensor(n, a, env),
    "unvec": lambda n, a, env: a[0].reshape((env.size(n.rows), env.size(n.cols)), order="F"),
    "diagmat": _of(lambda x: np.diag(x.reshape(-1))),
    "diagvec": _of(lambda x: np.diag(x)[:, None]),
    "part": lambda n, a, env: _PARTS[str(n.data)](a[0]),
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
    "spectral": lambda n, a, env: SPECTRAL[str(n.data)](np.real(np.atleast_2d(a[0]))),
    "frechet": lambda n, a, env: frechet(str(n.data), np.atleast_2d(a[0]), np.atleast_2d(a[1])),
    "ufn": _undefined,
    "block": _block,
    "slice": _slice,
}
