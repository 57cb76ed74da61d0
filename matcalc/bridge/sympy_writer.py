"""Our expressions -> SymPy, with raw constructors, so that what was derived is what is shown.

Arrays become matrix expressions. A scalar made of matrices (``x'*A*x``) becomes the trace of its product: SymPy
cannot add a 1 x 1 matrix to a number. Symbols are plain (``Symbol("c")``, dimensions too) unless a declared fact
asks for an assumption; ``names`` says which SymPy object stands for a name instead. Structure of matrices
(symmetric, ...) has no place in SymPy's symbols and is not carried over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from matcalc.bridge import sympy_classes as own
from matcalc.errors import LimitError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.shapes import SCALAR, Dim

Explicit = sp.ImmutableDenseMatrix

# our elementwise functions by SymPy's classes
FUNCTIONS: dict[str, Any] = {
    "exp": sp.exp, "log": sp.log, "log1p": own.log1p, "expm1": own.expm1, "sqrt": sp.sqrt, "sin": sp.sin,
    "cos": sp.cos, "tan": sp.tan, "arcsin": sp.asin, "arccos": sp.acos, "arctan": sp.atan, "sinh": sp.sinh,
    "cosh": sp.cosh, "tanh": sp.tanh, "sigmoid": own.sigmoid, "softplus": own.softplus, "relu": own.relu,
    "gelu": own.gelu, "erf": sp.erf, "lgamma": own.lgamma, "digamma": sp.digamma, "trigamma": sp.trigamma,
    "abs": sp.Abs, "sign": sp.sign,
}  # fmt: skip

# the bound variable of the functions that are applied elementwise
ARGUMENT, SECOND = sp.Dummy("t"), sp.Dummy("u")
# operations that stand even on a scalar, and are classes on matrices in SymPy
_OF_MATRICES = frozenset("prod norm1 norm2 maxel minel softmax logsumexp pinv frechet".split())
_ASSUMPTIONS = ("integer", "positive", "nonnegative", "nonzero")


def to_sympy(e: Expr, names: Mapping[str, Any] | None = None) -> Any:
    """The SymPy expression that says what ``e`` says; ``names`` gives the SymPy object of a name."""
    writer = _Writer(names or {})
    results: dict[Expr, Any] = {}
    try:
        for current in topological(e):
            args = [results[a] for a in current.args]
            if current.op in _OF_MATRICES:
                args = [a if a.is_Matrix else Explicit([[a]]) for a in args]
            written = _WRITE[current.op](writer, current, args)
            results[current] = MatrixElement(written, 0, 0) if current.is_scalar and written.is_Matrix else written
    except RecursionError:
        raise LimitError("the expression is nested too deeply for SymPy") from None
    except ValueError as error:  # SymPy compares numbers at once: Max(sqrt(-2), x) is refused
        raise UnsupportedError(f"SymPy cannot hold this expression: {error}") from None
    return results[e]


class _Writer:
    """The SymPy objects of the names."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def dim(self, value: Dim) -> Any:
        """A dimension: a polynomial in its symbols."""
        return sp.Add(
            *(sp.Mul(factor, *(self.names.get(n) or sp.Symbol(n) for n in names)) for names, factor in value.terms)
        )

    def symbol(self, name: str, kind: Kind) -> Any:
        given = self.names.get(name)
        if kind.shape == SCALAR:
            if given is None:
                return sp.Symbol(name, **{a: True for a in _ASSUMPTIONS if a in kind.facts})
            return MatrixElement(given, 0, 0) if given.is_Matrix else given
        return sp.MatrixSymbol(name, self.dim(kind.rows), self.dim(kind.cols)) if given is None else given

    def function(self, name: str) -> Any:
        return self.names.get(name) or sp.Function(name)


def _unchanged(operation: Any, args: list[Any]) -> Any:
    """A sum or product of numbers as it stands: in SymPy's order where SymPy would only reorder it, so that ``==``
    finds it equal to one typed in SymPy, else raw."""
    usual = operation(*args)
    if usual.func is operation and Counter(usual.args) == Counter(args):
        return usual
    return operation(*args, evaluate=False)


def _write_add(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return _unchanged(sp.Add, args) if e.is_scalar else sp.MatAdd(*args, evaluate=False)


def _write_mul(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    scalars = [a for a, x in zip(args, e.args, strict=True) if x.is_scalar]
    matrices = [a for a, x in zip(args, e.args, strict=True) if not x.is_scalar]
    if not e.is_scalar:
        return sp.MatMul(*scalars, *matrices, evaluate=False)
    if not matrices:
        return _unchanged(sp.Mul, scalars)
    inner = sp.Trace(sp.MatMul(*matrices, evaluate=False))
    return _unchanged(sp.Mul, [*scalars, inner]) if scalars else inner


def _write_had(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return sp.HadamardProduct(*args, evaluate=False)


def _write_power(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return sp.Pow(*args, evaluate=False) if e.is_scalar else sp.HadamardPower(*args)


def _write_unit(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return own.Unit(args[0], writer.dim(e.data))  # type: ignore[arg-type]


def _write_unvec(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return own.Unvec(args[0], writer.dim(e.rows), writer.dim(e.cols))


def _write_logdet(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return sp.log(sp.Determinant(args[0]), evaluate=False)


def _write_reduction(everything: Any, along: Any) -> Callable[[_Writer, Expr, list[Any]], Any]:
    def write(writer: _Writer, e: Expr, args: list[Any]) -> Any:
        return everything(args[0]) if e.data is None else along(args[0], sp.Integer(e.data))  # type: ignore[call-overload]

    return write


def _write_softmax(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    return own.Softmax(args[0]) if e.data is None else own.Softmax(args[0], sp.Integer(e.data))  # type: ignore[call-overload]


def _write_fn(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    name: Any = e.data
    function = FUNCTIONS[name]
    if e.is_scalar:
        return function(args[0], evaluate=False)
    return ElementwiseApplyFunction(sp.Lambda(ARGUMENT, function(ARGUMENT)), args[0])


def _write_pair(scalar: Any, array: Any) -> Callable[[_Writer, Expr, list[Any]], Any]:
    def write(writer: _Writer, e: Expr, args: list[Any]) -> Any:
        return scalar(*args, evaluate=False) if e.is_scalar else array(*_bare(e, args))

    return write


def _write_comparison(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    relation: Any = e.data
    if not e.is_scalar:
        return own.Indicator(relation, *_bare(e, args))
    condition = own.RELATIONS[relation](*args, evaluate=False)
    try:
        return sp.Piecewise((1, condition), (0, True), evaluate=False)
    except TypeError:  # it is folded all the same where a side holds cases, and a side of a case may be 1/0 then
        message = "SymPy cannot hold this comparison: cases stand in its sides"
        raise UnsupportedError(message, hint="d.text(), d.latex() and d.source() write it") from None


def _bare(e: Expr, args: list[Any]) -> list[Any]:
    """The two arguments, one that is a number in every entry as that number."""
    for i in (1, 0):
        x, written = e.args[i], args[i]
        number: Any = None
        if x.op in ("ones", "zeros"):
            number = sp.Integer(int(x.op == "ones"))
        elif x.op == "mul" and len(x.args) == 2 and x.args[0].is_scalar and x.args[1].op == "ones":
            number = written.args[0]
        if number is not None and e.args[1 - i].op not in ("ones", "zeros"):
            return [args[0], number] if i else [number, args[1]]
    return args


def _write_ufn(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    data: Any = e.data
    name, kind, derivative = data
    if kind.args is None:
        function = writer.function(name)
        if not e.is_scalar:
            applied = function(ARGUMENT)
            body = sp.Derivative(applied, (ARGUMENT, derivative)) if derivative else applied
            return ElementwiseApplyFunction(sp.Lambda(ARGUMENT, body), args[0])
        return _derivative(function, args, 0, derivative) if derivative else function(*args)
    if kind.result.shape != SCALAR or not e.is_scalar:
        result = tuple(map(writer.dim, kind.result.shape))
        return own.Undefined(Str(name), args, result, derivative)
    if len(derivative) == 2 and derivative[0] != derivative[1]:
        return _mixed(writer.function(name), args, derivative)
    if derivative:
        return _derivative(writer.function(name), args, derivative[0], len(derivative))
    return writer.function(name)(*args)


def _derivative(function: Any, args: list[Any], which: int, order: int) -> Any:
    """The derivative of an undefined function by one of its scalar arguments, as SymPy states it."""
    at = args[which]
    rest = [a for i, a in enumerate(args) if i != which]
    if at.is_Symbol and not any(a.has(at) for a in rest):
        return sp.Derivative(function(*args), (at, order))
    inner = [*args[:which], ARGUMENT, *args[which + 1 :]]
    return sp.Subs(sp.Derivative(function(*inner), (ARGUMENT, order)), ARGUMENT, at)


def _mixed(function: Any, args: list[Any], which: tuple[int, int]) -> Any:
    """The second derivative of an undefined function by two of its scalar arguments."""
    at = [args[i] for i in which]
    if all(a.is_Symbol and sum(b.has(a) for b in args) == 1 for a in at):
        return sp.Derivative(function(*args), *at)
    inner = list(args)
    for i, variable in zip(which, (ARGUMENT, SECOND), strict=True):
        inner[i] = variable
    return sp.Subs(sp.Derivative(function(*inner), ARGUMENT, SECOND), (ARGUMENT, SECOND), at)


def _write_block(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    data: Any = e.data
    rows, cols = data
    if all(x.is_scalar for x in e.args):
        return Explicit(rows, cols, args)
    parts = [Explicit([[a]]) if x.is_scalar else a for a, x in zip(args, e.args, strict=True)]
    table = [parts[i * cols : (i + 1) * cols] for i in range(rows)]
    widths = {tuple(x.cols for x in e.args[i * cols : (i + 1) * cols]) for i in range(rows)}
    if len(widths) > 1:  # only the total widths agree: each row is a matrix of its own
        table = [[sp.BlockMatrix([row])] for row in table]
    return sp.BlockMatrix(table)


def _write_slice(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    data: Any = e.data
    x, index = args[0], iter(args[1:])
    ranges = []
    for spec, size in zip(data, e.args[0].shape, strict=True):
        whole = writer.dim(size)
        if spec[0] == "all":
            ranges.append((sp.S.Zero, whole))
        elif spec[0] == "at":
            at = next(index)
            at = whole + at if at.is_Integer and at < 0 else at
            ranges.append((at, at + 1))
        else:
            start, stop = spec[1] or 0, spec[2]
            first = whole + start if start < 0 else sp.Integer(start)
            last = whole if stop is None else whole + stop if stop < 0 else sp.Integer(stop)
            ranges.append((first, last))
    if e.is_scalar:
        return MatrixElement(x, ranges[0][0], ranges[1][0])
    if isinstance(x, sp.MatrixSlice):  # SymPy cannot take a slice of a slice of symbolic size
        starts = (x.rowslice[0], x.colslice[0])
        ranges = [(start + first, start + last) for start, (first, last) in zip(starts, ranges, strict=True)]
        x = x.parent
    return sp.MatrixSlice(x, *((first, last, 1) for first, last in ranges))


def _write_isum(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    index, low, high, body = args
    return sp.Sum(body, (index, low, high)) if e.is_scalar else own.MatrixSum(body, (index, low, high))


def _same(constructor: Any) -> Callable[[_Writer, Expr, list[Any]], Any]:
    return lambda writer, e, args: constructor(*args)


def _sized(constructor: Any) -> Callable[[_Writer, Expr, list[Any]], Any]:
    def write(writer: _Writer, e: Expr, args: list[Any]) -> Any:
        dims: Any = e.data
        return constructor(*map(writer.dim, dims))

    return write


def _named(constructor: Any) -> Callable[[_Writer, Expr, list[Any]], Any]:
    return lambda writer, e, args: constructor(Str(e.data), *args)


def _write_number(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    value: Any = e.data
    return sp.Rational(value.numerator, value.denominator)


def _write_symbol(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    data: Any = e.data
    return writer.symbol(*data)


def _write_spectral(writer: _Writer, e: Expr, args: list[Any]) -> Any:
    norms = {"normnuc": own.NuclearNorm, "norm_spectral": own.SpectralNorm}
    return norms[str(e.data)](*args) if e.data in norms else own.Spectral(Str(e.data), *args)


_PARTS: dict[Any, Any] = {"lower": own.Lower, "upper": own.Upper, "toeplitz": own.Toeplitz}
_WRITE: dict[str, Callable[[_Writer, Expr, list[Any]], Any]] = {
    "num": _write_number,
    "const": lambda w, e, a: sp.pi,
    "sym": _write_symbol,
    "dim": lambda w, e, a: w.dim(e.data),  # type: ignore[arg-type]
    "idx": lambda w, e, a: sp.Symbol(e.data, integer=True),
    "eye": lambda w, e, a: sp.Identity(w.dim(e.rows)),
    "ones": _sized(sp.OneMatrix),
    "zeros": _sized(sp.ZeroMatrix),
    "commutation": _sized(own.Commutation),
    "unit": _write_unit,
    "add": _write_add,
    "mul": _write_mul,
    "had": _write_had,
    "pow": _write_power,
    "matpow": lambda w, e, a: sp.MatPow(*a, evaluate=False),
    "t": _same(sp.Transpose),
    "inv": _same(sp.Inverse),
    "det": _same(sp.Determinant),
    "logdet": _write_logdet,
    "tr": _same(sp.Trace),
    "adj": _same(own.Adjugate),
    "pinv": _same(own.PseudoInverse),
    "vec": _same(own.Vec),
    "part": lambda w, e, a: _PARTS[e.data](a[0]),
    "d": lambda w, e, a: (own.ScalarDifferential if e.is_scalar else own.Differential)(a[0]),
    "unvec": _write_unvec,
    "diagmat": _same(sp.DiagMatrix),
    "diagvec": _same(own.Diagonal),
    "kron": _same(sp.KroneckerProduct),
    "sum": _write_reduction(own.Total, own.AxisSum),
    "mean": _write_reduction(own.Mean, own.AxisMean),
    "logsumexp": _write_reduction(own.LogSumExp, own.AxisLogSumExp),
    "prod": _same(own.EntryProduct),
    "norm1": _same(own.Norm1),
    "norm2": _same(own.Norm2),
    "maxel": _same(own.MaxEntry),
    "minel": _same(own.MinEntry),
    "fn": _write_fn,
    "max2": _write_pair(sp.Max, own.ElementwiseMax),
    "min2": _write_pair(sp.Min, own.ElementwiseMin),
    "cmp": _write_comparison,
    "softmax": _write_softmax,
    "mfn": _named(own.MatrixFunction),
    "frechet": _named(own.Frechet),
    "spectral": _write_spectral,
    "ufn": _write_ufn,
    "block": _write_block,
    "slice": _write_slice,
    "isum": _write_isum,
}
