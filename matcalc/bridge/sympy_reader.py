"""SymPy -> our expressions: each class has its reading here; anything else is refused by name.

The walk is iterative: ``_READ`` gives, for an object, the parts to be read first and what to make of them. Text is
never read. 1 x 1 matrices are scalars. Symbols of the dimensions may be used as numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.dotproduct import DotProduct
from sympy.matrices.expressions.matexpr import MatrixElement

from matcalc import ops
from matcalc.bridge import sympy_classes as own
from matcalc.bridge import sympy_pieces as pieces
from matcalc.bridge.sympy_names import Names
from matcalc.bridge.sympy_writer import FUNCTIONS
from matcalc.errors import InputError, LimitError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.kinds import SCALAR_KIND, Kind
from matcalc.shapes import ONE, SCALAR, Shape

Parts: TypeAlias = tuple[Any, ...]
Reading: TypeAlias = tuple[Parts, Callable[[list[Expr]], Expr]]


@dataclass(frozen=True, slots=True)
class Read:
    """What a SymPy expression says: ``expr``, the ``kinds`` of its names, the SymPy ``objects`` they stood for."""

    expr: Expr
    kinds: dict[str, Kind]
    objects: dict[str, Any] = field(repr=False)


def read_sympy(e: Any) -> Read:
    """The expression that a SymPy object says, with the kinds of its names."""
    if isinstance(e, sp.MatrixBase):
        e = e.as_immutable()
    if not isinstance(e, sp.Basic):
        raise InputError(f"text or a SymPy expression is wanted, not {type(e).__name__}")
    try:
        reader = _Reader(e)
        return Read(reader.read(e), reader.names.kinds, reader.names.objects)
    except RecursionError:
        raise LimitError("the SymPy expression is nested too deeply for SymPy") from None


class _Reader:
    def __init__(self, root: Any) -> None:
        self.names = Names(root)
        self.bound: dict[Any, Expr] = {}

    def read(self, root: Any) -> Expr:
        results: dict[Any, Expr] = {}
        readings: dict[Any, Reading] = {}
        stack = [root]
        while stack:
            current = stack[-1]
            if current in results:
                stack.pop()
                continue
            reading = readings.get(current)
            if reading is None:
                reading = readings[current] = self._reading(current)
            parts, make = reading
            missing = [part for part in parts if part not in results]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            results[current] = make([results[part] for part in parts])
        return results[root]

    def _reading(self, e: Any) -> Reading:
        for kind in type(e).__mro__:
            if kind in _READ:
                return _READ[kind](self, e)
        raise pieces.refused(e)

    # --- names and numbers

    def symbol(self, e: Any) -> Reading:
        if isinstance(e, sp.Wild):
            raise pieces.refused(e)
        if e in self.bound:
            found = self.bound[e]
        elif e in self.names.dimensions:
            found = ops.dim(self.names.dim(e))
        else:
            found = self.names.scalar(e)
        return (), lambda _: found

    def matrix_symbol(self, e: Any) -> Reading:
        found = self.names.matrix(e)
        return (), lambda _: found

    def sized(self, constructor: Callable[..., Expr], *sizes: Any) -> Reading:
        found = constructor(*map(self.names.dim, sizes))
        return (), lambda _: found

    # --- functions

    def applied(self, e: Any) -> Reading:
        """``X.applyfunc(f)``: the body of f, read as a scalar of a bound variable, spread over the entries."""
        function = e.function
        if len(function.signature) != 1 or not function.signature[0].is_Symbol:
            raise UnsupportedError(f"applyfunc takes a function of one variable, not {function}")
        variable = sp.Dummy(function.signature[0].name)
        argument = self.bound[variable] = ops.sym(f"_{len(self.bound)}", SCALAR_KIND)  # replaced by the array
        body = function.expr.xreplace({function.signature[0]: variable})
        return (body, e.expr), lambda parts: pieces.spread(parts[0], argument, parts[1])

    def undefined(self, e: Any) -> Reading:
        return e.args, lambda args: self._undefined(e.func, e.func.__name__, args, SCALAR, ())

    def _undefined(
        self, function: Any, name: str, args: list[Expr], result: Shape, derivative: tuple[int, ...]
    ) -> Expr:
        name, kind = self.names.function(function, name, [a.shape for a in args], result)
        return ops.ufn(name, kind, args, len(derivative) if kind.args is None else derivative)

    def own_undefined(self, e: Any) -> Reading:
        name, args, result, derivative = e.args
        shape = self.names.shape(tuple(result))
        which = tuple(map(int, derivative))
        return tuple(args), lambda parts: self._undefined(name, name.name, parts, shape, which)

    def derivative(self, e: Any) -> Reading:
        """Derivative(f(x), x) of an undefined f; others are SymPy's to do, if they are free of matrices."""
        found = pieces.undefined_derivative(e)
        if found is None:
            return self.done(e)
        call, which = found
        return call.args, lambda args: self._undefined(call.func, call.func.__name__, args, SCALAR, which)

    def at_point(self, e: Any) -> Reading:
        """Subs(Derivative(f(t), t), t, g): the derivative of an undefined f at g."""
        found = pieces.undefined_derivative(e.expr) if isinstance(e.expr, sp.Derivative) else None
        if found is None:
            return self.done(e)
        call, which = found
        point = dict(zip(e.variables, e.point, strict=True))
        args = tuple(a.xreplace(point) for a in call.args)
        return args, lambda parts: self._undefined(call.func, call.func.__name__, parts, SCALAR, which)

    def done(self, e: Any) -> Reading:
        """What SymPy itself can carry out on scalars."""
        result = e if e.has(sp.MatrixExpr) else e.doit()
        if result.has(type(e)):
            raise pieces.refused(e)
        return (result,), lambda parts: parts[0]

    # --- entries and sums

    def element(self, e: Any) -> Reading:
        def make(parts: list[Expr]) -> Expr:
            x = parts[0]
            if x.is_scalar:
                return x
            rows, cols = (("all",) if size is ONE else ("at",) for size in x.shape)
            index = [i for size, i in zip(x.shape, parts[1:], strict=True) if size is not ONE]
            return ops.slice_(x, rows, cols, *index)

        return e.args, make

    def part(self, e: Any) -> Reading:
        """A MatrixSlice; a symbolic start is read only for a single row or column."""
        indices: list[Any] = []
        specs: list[tuple[Any, ...]] = []
        for (start, stop, step), size in zip((e.rowslice, e.colslice), e.parent.shape, strict=True):
            if step != 1:
                raise UnsupportedError(f"slices with a step are not supported: {e}")
            if start == 0 and stop == size:
                specs.append(("all",))
            elif sp.expand(stop - start) == 1:
                specs.append(("at",))
                indices.append(start)
            else:
                specs.append(("range", self._bound(start, size), self._bound(stop, size)))
        return (
            e.parent,
            *indices,
        ), lambda parts: parts[0] if parts[0].is_scalar else ops.slice_(parts[0], specs[0], specs[1], *parts[1:])

    def _bound(self, at: Any, size: Any) -> int | None:
        """A bound of a slice as Python writes it: from the start, from the end (negative), or the end (None)."""
        if at == size:
            return None
        for value in (at, sp.expand(at - size)):
            if value.is_Integer:
                return int(value)
        raise UnsupportedError(f"the slice bound {at} is not a fixed distance from either end")

    def summed(self, e: Any, body: Any, limits: list[Any]) -> Reading:
        """A sum over an index, the outermost last; the index is renamed where its name is taken."""
        if len(limits[-1]) != 3:
            raise UnsupportedError(f"a sum needs both bounds: {e}")
        index, low, high = limits[-1]
        if len(limits) > 1:
            body = e.func(body, *limits[:-1])
        variable = sp.Dummy(index.name, **index._assumptions_orig)
        mark = f"_{len(self.bound)}"  # no name of the language; replaced when the names inside are known
        here = self.bound[variable] = ops.idx(mark)

        def make(parts: list[Expr]) -> Expr:
            inside = {str(n.data) for n in topological(parts[2]) if n.op == "idx"}
            final = ops.idx(self.names.unused(index.name, inside))
            return ops.isum(final, parts[0], parts[1], ops.substitute(parts[2], {here: final}))

        if high.is_Add and high.args[0].is_Number and high.free_symbols <= self.names.dimensions:
            # n - 1, the last index: the number last, as it is typed
            high = sp.Add(*high.args[1:], high.args[0], evaluate=False)
        return (low, high, body.xreplace({index: variable})), make

    # --- blocks and cases

    def blocks(self, e: Any) -> Reading:
        rows, cols = e.blocks.shape
        return tuple(e.blocks), lambda parts: ops.block([parts[i * cols : (i + 1) * cols] for i in range(rows)])

    def explicit(self, e: Any) -> Reading:
        if 0 in e.shape:
            raise UnsupportedError(f"a {e.rows} x {e.cols} matrix has no entries")
        return tuple(e), lambda parts: ops.block([parts[i * e.cols : (i + 1) * e.cols] for i in range(e.rows)])

    def cases(self, e: Any) -> Reading:
        """A Piecewise of numbers: value by value, weighted by the comparison."""
        if not all(value.is_number for value, _ in e.args):
            raise UnsupportedError("Piecewise is supported only where its values are numbers")
        if e.args[-1][1] != sp.true:
            raise UnsupportedError("Piecewise needs a last case that always holds")
        values = [value for value, _ in e.args]
        conditions = [pieces.condition(condition) for _, condition in e.args[:-1]]
        sides = tuple(side for _, left, right in conditions for side in (left, right))

        def make(parts: list[Expr]) -> Expr:
            result = parts[len(values) - 1]
            for i in reversed(range(len(conditions))):
                relation, left, right = conditions[i][0], *parts[len(values) + 2 * i : len(values) + 2 * i + 2]
                result = pieces.choose(pieces.holds(relation, left, right), parts[i], result)
            return result

        return (*values, *sides), make


# --- the readings ---------------------------------------------------------------------------------


def _of(make: Callable[..., Expr], *which: int) -> Callable[[_Reader, Any], Reading]:
    """An operation on its arguments, or on those named by ``which``."""

    def reading(reader: _Reader, e: Any) -> Reading:
        parts = tuple(e.args[i] for i in which) if which else e.args
        return parts, lambda args: make(*args)

    return reading


def _folded(make: Callable[[Expr, Expr], Expr]) -> Callable[[_Reader, Any], Reading]:
    """A two-place operation of ours on many arguments, from the left."""

    def fold(args: list[Expr]) -> Expr:
        result = args[0]
        for a in args[1:]:
            result = make(result, a)
        return result

    return lambda reader, e: (e.args, fold)


def _leaf(e: Expr) -> Callable[[_Reader, Any], Reading]:
    return lambda reader, _: ((), lambda _: e)


def _refuse(e: Any) -> Reading:
    raise pieces.refused(e)


def _exponential(reader: _Reader, e: Any) -> Reading:
    return (e.exp,), lambda args: pieces.applied_function("exp", args[0])


def _power(reader: _Reader, e: Any) -> Reading:
    if e.base == sp.E:
        return _exponential(reader, e)
    return e.args, lambda args: pieces.matrix_power(*args) if not args[0].is_scalar else pieces.raised(*args)


def _along(op: Callable[..., Expr]) -> Callable[[_Reader, Any], Reading]:
    """X and, if it stands there, the axis."""
    return lambda reader, e: (e.args[:1], lambda args: op(args[0], int(e.args[1]) if len(e.args) > 1 else None))


def _by_name(op: Callable[..., Expr]) -> Callable[[_Reader, Any], Reading]:
    return lambda reader, e: (e.args[1:], lambda args: op(e.args[0].name, *args))


_READ: dict[Any, Callable[[_Reader, Any], Reading]] = {
    # leaves
    sp.Symbol: _Reader.symbol,
    sp.MatrixSymbol: _Reader.matrix_symbol,
    sp.Rational: lambda r, e: ((), lambda _: ops.num(pieces.rational(e))),
    sp.Float: lambda r, e: ((), lambda _: ops.num(pieces.decimal(e))),
    type(sp.pi): _leaf(ops.const("pi")),
    type(sp.E): _leaf(ops.fn("exp", ops.num(1))),
    sp.matrices.expressions.special.GenericIdentity: lambda r, e: _refuse(e),
    sp.matrices.expressions.special.GenericZeroMatrix: lambda r, e: _refuse(e),
    sp.Identity: lambda r, e: r.sized(ops.eye, e.args[0]),
    sp.OneMatrix: lambda r, e: r.sized(ops.ones, *e.args),
    sp.ZeroMatrix: lambda r, e: r.sized(ops.zeros, *e.args),
    own.Commutation: lambda r, e: r.sized(ops.commutation, *e.args),
    own.Unit: lambda r, e: (e.args[:1], lambda args: ops.unit(args[0], r.names.dim(e.args[1]))),
    # sums, products, powers
    sp.Add: _of(ops.add),
    sp.MatAdd: _of(ops.add),
    sp.Mul: _of(ops.mul),
    sp.MatMul: _of(ops.mul),
    sp.Pow: _power,
    sp.MatPow: lambda r, e: ((e.base, e.exp), lambda args: pieces.matrix_power(*args)),
    sp.HadamardProduct: _of(ops.had),
    sp.HadamardPower: _of(pieces.raised),
    sp.KroneckerProduct: _folded(ops.kron),
    DotProduct: _of(pieces.dot),
    # matrices
    sp.Transpose: _of(ops.transpose),
    sp.Adjoint: _of(ops.transpose),  # all variables are real
    sp.Inverse: _of(ops.inv, 0),
    sp.Determinant: _of(ops.det),
    sp.Trace: _of(ops.trace),
    sp.DiagMatrix: _of(pieces.diagonal_matrix),
    sp.DiagonalOf: _of(pieces.square_diagonal),
    sp.DiagonalMatrix: _of(lambda x: ops.diag(pieces.square_diagonal(x))),
    sp.BlockMatrix: _Reader.blocks,
    sp.BlockDiagMatrix: _Reader.blocks,
    sp.MatrixBase: _Reader.explicit,
    MatrixElement: _Reader.element,
    sp.MatrixSlice: _Reader.part,
    sp.Sum: lambda r, e: r.summed(e, e.function, list(e.limits)),
    own.MatrixSum: lambda r, e: r.summed(e, e.args[0], [e.args[1]]),
    # functions
    ElementwiseApplyFunction: _Reader.applied,
    AppliedUndef: _Reader.undefined,
    own.Undefined: _Reader.own_undefined,
    sp.Derivative: _Reader.derivative,
    sp.Subs: _Reader.at_point,
    sp.exp: _exponential,
    sp.Max: _folded(ops.max2),
    sp.Min: _folded(ops.min2),
    sp.Piecewise: _Reader.cases,
    sp.Heaviside: _of(pieces.heaviside),
    sp.KroneckerDelta: _of(lambda i, j: ops.compare("==", i, j), 0, 1),
    sp.polygamma: _of(pieces.polygamma),
    sp.conjugate: _of(lambda x: x),
    sp.loggamma: _of(lambda x: pieces.applied_function("lgamma", x)),
    sp.sec: _of(lambda x: ops.reciprocal(pieces.applied_function("cos", x))),
    sp.csc: _of(lambda x: ops.reciprocal(pieces.applied_function("sin", x))),
    sp.cot: _of(lambda x: ops.reciprocal(pieces.applied_function("tan", x))),
    sp.sech: _of(lambda x: ops.reciprocal(pieces.applied_function("cosh", x))),
    sp.csch: _of(lambda x: ops.reciprocal(pieces.applied_function("sinh", x))),
    sp.coth: _of(lambda x: ops.reciprocal(pieces.applied_function("tanh", x))),
    sp.erfc: _of(lambda x: ops.sub(ops.num(1), pieces.applied_function("erf", x))),
    # our own
    own.Total: _of(ops.total),
    own.Mean: _of(ops.mean),
    own.EntryProduct: _of(ops.prod),
    own.Norm1: _of(ops.norm1),
    own.Norm2: _of(ops.norm2),
    own.MaxEntry: _of(ops.maxel),
    own.MinEntry: _of(ops.minel),
    own.LogSumExp: _of(ops.logsumexp),
    own.AxisSum: _along(ops.total),
    own.AxisMean: _along(ops.mean),
    own.AxisLogSumExp: _along(ops.logsumexp),
    own.Softmax: _along(ops.softmax),
    own.ElementwiseMin: _of(ops.min2),
    own.ElementwiseMax: _of(ops.max2),
    own.Indicator: _by_name(ops.compare),
    own.Adjugate: _of(ops.adj),
    own.Diagonal: _of(ops.diagvec),
    own.Lower: _of(lambda x: ops.part("lower", x)),
    own.Upper: _of(lambda x: ops.part("upper", x)),
    own.Toeplitz: _of(lambda x: ops.part("toeplitz", x)),
    own.Differential: _of(ops.formal_differential),
    own.ScalarDifferential: _of(ops.formal_differential),
    own.PseudoInverse: _of(ops.pinv),
    own.Vec: _of(ops.vec),
    own.Unvec: lambda r, e: (e.args[:1], lambda args: ops.unvec(args[0], *r.names.shape(e.shape))),
    own.MatrixFunction: _by_name(ops.mfn),
    own.Frechet: _by_name(ops.frechet),
    own.Spectral: _by_name(ops.spectral),
    own.NuclearNorm: _of(lambda x: ops.spectral("normnuc", x)),
    own.SpectralNorm: _of(lambda x: ops.spectral("norm_spectral", x)),
}
for _name, _class in FUNCTIONS.items():
    if _name not in ("exp", "sqrt"):  # exp has its reading above; sqrt(x) is a power in SymPy
        _READ.setdefault(_class, _of(lambda x, name=_name: pieces.applied_function(name, x)))
