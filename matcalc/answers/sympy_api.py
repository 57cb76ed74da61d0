"""``gradient``, ``jacobian`` and ``hessian`` of SymPy expressions, as SymPy expressions in the caller's symbols."""

from __future__ import annotations

from typing import Any

import sympy as sp

from matcalc import ops
from matcalc.answers.derive import derive
from matcalc.bridge.sympy_bridge import read_sympy, to_sympy
from matcalc.errors import InputError, UnsupportedError
from matcalc.language.names import spelled

Explicit = sp.ImmutableDenseMatrix


def gradient(f: Any, X: Any) -> Any:
    """The G of X's shape with df = tr(G' dX), for a scalar f; f and X are SymPy objects.

    X is a Symbol, a MatrixSymbol, or a Matrix of Symbols (then the derivatives stand in a Matrix of that shape).

    >>> import sympy as sp
    >>> A, x = sp.MatrixSymbol("A", 3, 3), sp.MatrixSymbol("x", 3, 1)
    >>> gradient(x.T * A * x, x)
    (A + A.T)*x
    """
    if isinstance(X, sp.MatrixBase):
        return Explicit(X.rows, X.cols, [gradient(f, entry) for entry in X])
    if not isinstance(X, (sp.Symbol, sp.MatrixSymbol)):
        raise InputError(f"the derivative is taken by a Symbol or a MatrixSymbol, not by {type(X).__name__}")
    read = read_sympy(f)
    name = next((name for name in read.kinds if read.objects[name] == X), None)
    if not read.expr.is_scalar:
        raise UnsupportedError("the gradient is of a scalar; the derivative of an array is its Jacobian")
    if name is None:  # f does not depend on X
        if X in read.objects.values():
            raise UnsupportedError(f"{X} is a dimension here; the derivative is taken by variables")
        if spelled(X.name) in read.objects:
            raise InputError(
                f"another SymPy object than {X} has that name in the function (other shape or assumptions)"
            )
        zero: Any = sp.ZeroMatrix(*X.shape) if X.is_Matrix else sp.S.Zero
        return zero
    found = to_sympy(derive(f, wrt=name).answer, read.objects)
    return Explicit([[found]]) if X.is_Matrix and not found.is_Matrix else found


def jacobian(f: Any, X: Any) -> Any:
    """The derivative of any expression: J[i, j] = df_i/dx_j for vectors, rows and scalars (a scalar f gives a row).

    With a matrix on either side the matrix V with vec(df) = V*vec(dX), columns stacked (Magnus & Neudecker 2019,
    sec. 9.3). A Matrix of scalars is taken entry by entry.
    """
    if isinstance(f, sp.MatrixBase):
        return _jacobian_by_entries(f, X)
    read = read_sympy(f)
    if read.expr.is_scalar and _is_line(X):
        return _row(gradient(f, X))
    if isinstance(X, sp.MatrixBase):
        raise InputError("the variable is a Symbol or a MatrixSymbol", hint="a Matrix of Symbols: by each of them")
    return _derived(f, X, read, order=1)


def hessian(f: Any, X: Any) -> Any:
    """The second derivative of a scalar f: a matrix by a vector or row, by a matrix the H with vec(dG) = H*vec(dX)."""
    if isinstance(X, sp.MatrixBase):
        raise InputError("the variable is a Symbol or a MatrixSymbol", hint="a Matrix of Symbols: by each of them")
    read = read_sympy(f)
    if not read.expr.is_scalar:
        raise UnsupportedError("the Hessian is of a scalar function")
    return _derived(f, X, read, order=2)


def _derived(f: Any, X: Any, read: Any, order: int) -> Any:
    name = next((name for name in read.kinds if read.objects[name] == X), None)
    if name is None:  # f does not depend on X
        size = X.shape[0] * X.shape[1] if X.is_Matrix else 1
        rows = size if order == 2 else read.expr.rows.evaluate({}) if read.expr.rows.number else None
        if rows is None:
            raise UnsupportedError(f"{X} does not occur in the function")
        return sp.ZeroMatrix(rows, size) if X.is_Matrix else sp.S.Zero
    if read.expr.is_scalar and order == 1:  # by a matrix: the gradient's entries as a row
        found = derive(f, wrt=name)
        return to_sympy(ops.transpose(ops.vec(found.answer)), read.objects)
    return to_sympy(derive(f, wrt=name, order=order).answer, read.objects)


def _jacobian_by_entries(f: Any, X: Any) -> Any:
    if not _is_line(X):
        raise UnsupportedError("the Jacobian of a Matrix of scalars by a matrix is an array with more than two indices")
    if 1 not in f.shape:
        raise UnsupportedError("the Jacobian of a matrix is an array with more than two indices: not supported")
    rows = [_row(gradient(entry, X)) for entry in f]
    if all(isinstance(row, sp.MatrixBase) for row in rows):
        return Explicit(sp.Matrix.vstack(*rows))
    return sp.BlockMatrix([[row] for row in rows]) if len(rows) > 1 else rows[0]


def _is_line(X: Any) -> bool:
    return not getattr(X, "is_Matrix", False) or 1 in X.shape


def _row(g: Any) -> Any:
    """A gradient as the 1 x n row of a Jacobian; scalars as 1 x 1."""
    if not g.is_Matrix:
        return Explicit([[g]])
    return g if g.shape[0] == 1 else g.T
