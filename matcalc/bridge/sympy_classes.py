"""The operations of our language that SymPy lacks, as small SymPy classes.

Each prints (``str`` and LaTeX) as our language writes it, takes ``subs`` and ``xreplace``, and is carried out by
``.doit()`` once its matrices are explicit and its dimensions are numbers; ``.as_explicit()`` also writes out
symbols. ``evaluated`` carries out everything in an expression, SymPy's own operations too: SymPy's ``doit`` leaves
``Determinant(I + M)``, ``Inverse(I + M)`` or ``HadamardPower(M, 2)`` alone even when M is explicit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.printing.precedence import PRECEDENCE

from matcalc.bridge.sympy_base import (
    AlongAxis,
    ArrayOperation,
    ElementwiseFunction,
    Explicit,
    NamedOperation,
    ScalarOperation,
    as_name,
)
from matcalc.bridge.sympy_values import Plan, evaluated, matrix_function, pseudo_inverse, sum_plan
from matcalc.numeric.spectra import SPECTRAL

__all__ = [
    "Adjugate", "AxisLogSumExp", "AxisMean", "AxisSum", "Commutation", "Diagonal", "Differential",
    "ElementwiseMax", "ElementwiseMin", "EntryProduct", "Frechet", "Indicator", "LogSumExp", "Lower",
    "MatrixFunction", "MatrixSum", "MaxEntry", "Mean", "MinEntry", "Norm1", "Norm2", "PseudoInverse",
    "ScalarDifferential", "Softmax", "Toeplitz", "Total", "Undefined", "Unit", "Unvec", "Upper", "Vec",
    "evaluated", "expm1", "gelu", "lgamma", "log1p", "relu", "sigmoid", "softplus",
]  # fmt: skip


# --- scalar functions -----------------------------------------------------------------------------


class sigmoid(ElementwiseFunction):
    """1/(1 + exp(-t))"""

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        return 1 / (1 + sp.exp(-t))


class softplus(ElementwiseFunction):
    """log(1 + exp(t))"""

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        return sp.log(1 + sp.exp(t))


class relu(ElementwiseFunction):
    """max(0, t)"""

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        return sp.Max(0, t)


class gelu(ElementwiseFunction):
    """t*(1 + erf(t/sqrt(2)))/2"""

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        return t * (1 + sp.erf(t / sp.sqrt(2))) / 2


class lgamma(ElementwiseFunction):
    """log(abs(Gamma(t))): SymPy's loggamma is complex for negative t"""

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        return sp.log(sp.Abs(sp.gamma(t)))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.digamma(self.args[0])


# --- numbers made of matrices ---------------------------------------------------------------------


class Total(ScalarOperation):
    """The sum of all entries."""

    symbol = "sum"

    def value(self, x: Any) -> Any:
        return sp.Add(*x)


class Mean(ScalarOperation):
    """The mean of all entries."""

    symbol = "mean"

    def value(self, x: Any) -> Any:
        return sp.Add(*x) / len(x)


class EntryProduct(ScalarOperation):
    """The product of all entries."""

    symbol = "prod"

    def value(self, x: Any) -> Any:
        return sp.Mul(*x)


class Norm1(ScalarOperation):
    """The sum of the absolute values of the entries."""

    symbol = "norm1"

    def value(self, x: Any) -> Any:
        return sp.Add(*map(sp.Abs, x))


class Norm2(ScalarOperation):
    """The Euclidean norm of a vector, the Frobenius norm of a matrix."""

    symbol = "norm2"

    def value(self, x: Any) -> Any:
        return sp.sqrt(sp.Add(*(v**2 for v in x)))


class MaxEntry(ScalarOperation):
    """The largest entry."""

    symbol = "max"

    def value(self, x: Any) -> Any:
        return sp.Max(*x)


class MinEntry(ScalarOperation):
    """The smallest entry."""

    symbol = "min"

    def value(self, x: Any) -> Any:
        return sp.Min(*x)


class LogSumExp(ScalarOperation):
    """log(sum(exp(x))) over all entries of a vector or row."""

    symbol = "logsumexp"

    def value(self, x: Any) -> Any:
        return sp.log(sp.Add(*map(sp.exp, x)))


# --- along an axis --------------------------------------------------------------------------------


class AxisSum(AlongAxis):
    """The row of column sums (axis 0) or the vector of row sums (axis 1)."""

    symbol = "sum"

    def line(self, x: Any) -> Any:
        return sp.Add(*x)


class AxisMean(AlongAxis):
    """The row of column means (axis 0) or the vector of row means (axis 1)."""

    symbol = "mean"

    def line(self, x: Any) -> Any:
        return sp.Add(*x) / len(x)


class AxisLogSumExp(AlongAxis):
    """log(sum(exp(.))) of each column (axis 0) or row (axis 1)."""

    symbol = "logsumexp"

    def line(self, x: Any) -> Any:
        return sp.log(sp.Add(*map(sp.exp, x)))


class Softmax(ArrayOperation):
    """exp(x)/sum(exp(x)): ``Softmax(x)`` of a vector or row, ``Softmax(X, axis)`` of each column (0) or row (1)."""

    symbol = "softmax"

    def _call(self) -> tuple[str, tuple[Any, ...], str]:
        return self.symbol, self.args[:1], f"axis={self.args[1]}" if len(self.args) > 1 else ""

    def value(self, x: Any, axis: Any = None) -> Any:
        e = x.applyfunc(sp.exp)
        if axis is None:
            return e / sp.Add(*e)
        if axis == 0:
            return Explicit(e.rows, e.cols, lambda i, j: e[i, j] / sp.Add(*e[:, j]))
        return Explicit(e.rows, e.cols, lambda i, j: e[i, j] / sp.Add(*e[i, :]))


# --- entry by entry -------------------------------------------------------------------------------


class ElementwiseMax(ArrayOperation):
    """The larger of two entries; one argument may be a number."""

    symbol = "max"
    pick: Callable[..., Any] = sp.Max

    def size(self) -> Any:
        return next(a.shape for a in self.args if a.is_Matrix)

    def value(self, x: Any, y: Any) -> Any:
        return _paired(type(self).pick, x, y)


class ElementwiseMin(ElementwiseMax):
    """The smaller of two entries; one argument may be a number."""

    symbol = "min"
    pick = sp.Min


RELATIONS = {"<": sp.StrictLessThan, "<=": sp.LessThan, ">": sp.StrictGreaterThan, ">=": sp.GreaterThan, "==": sp.Eq}
_RELATION_LATEX = {"<": "<", "<=": r"\leq", ">": ">", ">=": r"\geq", "==": "="}


class Indicator(ArrayOperation):
    """``Indicator("<", X, Y)``: 1 where the relation holds, 0 elsewhere; X or Y may be a number."""

    def __new__(cls, relation: Any, x: Any, y: Any) -> Any:
        return super().__new__(cls, as_name(relation), x, y)

    def size(self) -> Any:
        return next(a.shape for a in self.args[1:] if a.is_Matrix)

    def value(self, relation: Any, x: Any, y: Any) -> Any:
        return _paired(lambda a, b: indicator(relation.name, a, b), x, y)

    def _sympystr(self, printer: Any) -> str:
        relation, x, y = self.args
        return f"({printer._print(x)} {relation.name} {printer._print(y)})"

    def _latex(self, printer: Any) -> str:
        relation, x, y = self.args
        return rf"\left[{printer._print(x)} {_RELATION_LATEX[relation.name]} {printer._print(y)}\right]"


def indicator(relation: str, x: Any, y: Any) -> Any:
    """1 where the relation of two numbers holds, 0 elsewhere, as a Piecewise (not simplified)."""
    condition = RELATIONS[relation](x, y)
    return sp.Piecewise((sp.S.One, condition), (sp.S.Zero, True))


def _paired(function: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    shape = x.shape if x.is_Matrix else y.shape
    return Explicit(*shape, lambda i, j: function(x[i, j] if x.is_Matrix else x, y[i, j] if y.is_Matrix else y))


# --- matrices of matrices -------------------------------------------------------------------------


class Adjugate(ArrayOperation):
    """The adjugate: adj(X)*X = det(X)*I."""

    symbol = "adj"

    def value(self, x: Any) -> Any:
        return x.adjugate()


class Diagonal(ArrayOperation):
    """The diagonal of a square matrix as a vector (SymPy's DiagonalOf has no shape once its matrix is explicit)."""

    symbol = "diag"

    def size(self) -> Any:
        return (self.args[0].shape[0], sp.S.One)

    def value(self, x: Any) -> Any:
        return Explicit([x[i, i] for i in range(x.rows)])


class PseudoInverse(ArrayOperation):
    """The Moore-Penrose inverse."""

    symbol = "pinv"

    def size(self) -> Any:
        return self.args[0].shape[::-1]

    def value(self, x: Any) -> Any:
        return pseudo_inverse(x)


class Lower(ArrayOperation):
    """The lower triangle of a square matrix with its diagonal, zero elsewhere."""

    symbol = "tril"

    def value(self, x: Any) -> Any:
        return x.lower_triangular()


class Upper(ArrayOperation):
    """The upper triangle of a square matrix with its diagonal, zero elsewhere."""

    symbol = "triu"

    def value(self, x: Any) -> Any:
        return x.upper_triangular()


class Toeplitz(ArrayOperation):
    """The nearest Toeplitz matrix: each diagonal of a square matrix replaced by its mean."""

    symbol = "toeplitz"

    def value(self, x: Any) -> Any:
        n = x.rows
        means = {k: sum(x.diagonal(k)) / (n - abs(k)) for k in range(1 - n, n)}
        return sp.ImmutableMatrix(n, n, lambda i, j: means[int(j) - int(i)])


class Vec(ArrayOperation):
    """The columns of X stacked."""

    symbol = "vec"

    def size(self) -> Any:
        rows, cols = self.args[0].shape
        return (sp.expand(rows * cols), sp.S.One)

    def value(self, x: Any) -> Any:
        return x.vec()


class Unvec(ArrayOperation):
    """``Unvec(v, m, n)``: the m x n matrix whose vec is v."""

    symbol = "unvec"

    def size(self) -> Any:
        return self.args[1:]

    def value(self, v: Any, m: Any, n: Any) -> Any:
        return Explicit(m, n, lambda i, j: v[i + j * m])


class Commutation(ArrayOperation):
    """``Commutation(m, n)``: the matrix K with K*vec(A) = vec(A') for A m x n."""

    symbol = "commutation"

    def size(self) -> Any:
        size = sp.expand(self.args[0] * self.args[1])
        return (size, size)

    def value(self, m: Any, n: Any) -> Any:
        return Explicit(m * n, m * n, lambda r, c: int(r // n == c % m and r % n == c // m))


class Unit(ArrayOperation):
    """``Unit(k, n)``: the k-th unit vector of length n, counted from 0."""

    symbol = "unit"

    def size(self) -> Any:
        return (self.args[1], sp.S.One)

    def value(self, k: Any, n: Any) -> Any:
        return Explicit(n, 1, lambda i, _: sp.KroneckerDelta(i, k))


class MatrixFunction(NamedOperation):
    """``MatrixFunction("expm", X)``: expm, logm, sqrtm, sinm or cosm of a square matrix."""

    def value(self, name: Any, x: Any) -> Any:
        return matrix_function(name.name, x)


def spectral(name: str, x: Any) -> Any:
    """Eigenvalues, singular values and the like of an explicit matrix of numbers; None with symbols inside."""
    if not all(v.is_number for v in x):
        return None
    found = SPECTRAL[name](np.array(x.tolist(), dtype=float))
    return Explicit(found) if np.ndim(found) else sp.Float(float(found))


class Spectral(NamedOperation):
    """``Spectral("eigvals", X)``: eigenvalues, singular values, their vectors (``matcalc.spectra``)."""

    def size(self) -> Any:
        rows, cols = self.args[1].shape
        return {"eigvals": (rows, 1), "svdvals": (cols, 1), "svd_v": (cols, cols)}.get(self.args[0].name, (rows, cols))

    def value(self, name: Any, x: Any) -> Any:
        return spectral(name.name, x)


class NuclearNorm(ScalarOperation):
    """The sum of the singular values."""

    symbol = "normnuc"

    def value(self, x: Any) -> Any:
        return spectral(self.symbol, x)


class SpectralNorm(ScalarOperation):
    """The largest singular value."""

    symbol = "norm_spectral"

    def value(self, x: Any) -> Any:
        return spectral(self.symbol, x)


class Frechet(NamedOperation):
    """``Frechet("expm", X, E)``: the derivative of a matrix function at X along E.

    It is the upper right block of the function of ``[X, E; 0, X]`` (Higham 2008, Theorem 3.6).
    """

    def _call(self) -> tuple[str, tuple[Any, ...], str]:
        return f"{self.args[0].name}_frechet", self.args[1:], ""

    def value(self, name: Any, x: Any, e: Any) -> Any:
        n = x.rows
        both = sp.Matrix([[x, e], [sp.zeros(n, n), x]])
        result = matrix_function(name.name, both)
        return result if result is None else Explicit(result[:n, n:])


class MatrixSum(ArrayOperation):
    """``MatrixSum(body, (i, low, high))``: the sum of matrices over an index (SymPy's Sum is for numbers)."""

    precedence = PRECEDENCE["Mul"]

    def __new__(cls, body: Any, limits: Any) -> Any:
        return super().__new__(cls, body, sp.Tuple(*limits))

    @property
    def bound_symbols(self) -> list[Any]:
        return [self.args[1][0]]

    @property
    def free_symbols(self) -> Any:
        index, low, high = self.args[1]
        return (self.args[0].free_symbols - {index}) | low.free_symbols | high.free_symbols

    def _eval_subs(self, old: Any, new: Any) -> Any:
        body, (index, low, high) = self.args
        if old == index:  # bound here: only the bounds may mean another one
            return self.func(body, (index, low._subs(old, new), high._subs(old, new)))
        return None

    def plan(self) -> Plan:
        rows, cols = self.shape
        return sum_plan(self, self.args[0], self.args[1], lambda terms: self._added(terms, rows, cols))

    def _added(self, terms: list[Any], rows: Any, cols: Any) -> Any:
        """The sum of the terms; of none the zero matrix."""
        return sp.MatAdd(*terms).doit() if terms else evaluated(sp.ZeroMatrix(rows, cols))

    def _sympystr(self, printer: Any) -> str:
        body, (index, low, high) = self.args
        low, high, body = map(printer._print, (low, high, body))
        return f"sum({printer._print(index)} in {low}..{high}, {body})"

    def _latex(self, printer: Any) -> str:
        body, (index, low, high) = self.args
        low, high = printer._print(low), printer._print(high)
        text = printer.parenthesize(body, PRECEDENCE["Mul"])
        return rf"\sum_{{{printer._print(index)}={low}}}^{{{high}}} {text}"


class Differential(ArrayOperation):
    """The differential of a matrix, as derivations write it; it stays symbolic."""

    symbol = "d"

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> Any:
        return MatrixElement(self, i, j)

    def as_explicit(self) -> Any:
        return sp.MatrixExpr.as_explicit(self)


class ScalarDifferential(ScalarOperation):
    """The differential of a number, as derivations write it; it stays symbolic."""

    symbol = "d"


class Undefined(ArrayOperation):
    """``Undefined("g", (x,), (rows, cols), derivative)``: an undefined function with a vector or matrix result.

    ``(rows, cols)`` is the shape of the value; ``derivative`` is () for the value, (i,) for the derivative by
    argument i: the Jacobian, or the gradient of a scalar-valued function; (i, j) for the second derivatives of a
    scalar-valued function, size of argument i by size of argument j. It stays symbolic.
    """

    def __new__(cls, name: Any, arguments: Any, result: Any, derivative: Any = ()) -> Any:
        parts = (sp.Tuple(*arguments), sp.Tuple(*result), sp.Tuple(*derivative))
        return super().__new__(cls, as_name(name), *parts)

    def size(self) -> Any:
        _, arguments, result, derivative = self.args
        if not derivative:
            return tuple(result)
        shape, *second = (
            arguments[i].shape if arguments[i].is_Matrix else (sp.S.One, sp.S.One) for i in derivative
        )
        if second:
            return tuple(a if b == 1 else b for a, b in (shape, *second))
        if tuple(result) == (1, 1):
            return shape
        return tuple(a if b == 1 else b for a, b in (result, shape))

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> Any:
        return MatrixElement(self, i, j)

    def as_explicit(self) -> Any:
        return sp.MatrixExpr.as_explicit(self)

    def _sympystr(self, printer: Any) -> str:
        name, arguments, result, derivative = self.args
        inner = ", ".join(map(printer._print, arguments))
        if not derivative:
            return f"{name.name}({inner})"
        if len(arguments) > 1:
            return f"D[{','.join(str(i + 1) for i in derivative)}]({name.name})({inner})"
        if len(derivative) == 2:
            return f"hess({name.name})({inner})"
        return f"{'grad' if tuple(result) == (1, 1) else 'D'}({name.name})({inner})"

    def _latex(self, printer: Any) -> str:
        name, arguments, result, derivative = self.args
        inner = ", ".join(map(printer._print, arguments))
        head = printer._print(sp.Symbol(name.name))
        if derivative:
            which = "" if len(arguments) == 1 else f"_{{{','.join(str(i + 1) for i in derivative)}}}"
            which = f"{which}^{{2}}" if len(derivative) == 2 else which
            head = (r"\nabla" if tuple(result) == (1, 1) else "D") + which + " " + head
        return rf"{head}\left({inner}\right)"
