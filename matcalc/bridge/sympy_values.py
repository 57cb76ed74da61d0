"""Carrying out SymPy expressions whose symbols have been replaced by explicit matrices and numbers.

One iterative walk, each distinct node once. SymPy's own ``doit`` recurses, and leaves some of its own operations
alone when a constant matrix (``Identity(3)``) or an elementwise power stands inside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

Explicit = sp.ImmutableDenseMatrix
Plan = tuple[tuple[Any, ...], Callable[[list[Any]], Any]]


class Evaluable:
    """An operation of ours: ``value`` carries it out on explicit arguments, or ``plan`` says what to evaluate first."""

    __slots__ = ()

    def value(self, *args: Any) -> Any:
        """The result for explicit matrices and numbers in place of the arguments; None: it stays symbolic."""
        return None

    def plan(self) -> Plan | None:
        """The children and what to make of them, for an operation whose arguments are not simply its operands."""
        return None

    def doit(self, **hints: Any) -> Any:
        return evaluated(self)


def every_part(root: Any) -> list[Any]:
    """Every distinct sub-object, children first; hashing in that order keeps SymPy's recursive hash shallow."""
    order: list[Any] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        current, done = stack.pop()
        if done:
            hash(current)
            order.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            stack.extend((child, False) for child in current.args)
    return order


def evaluated(e: Any) -> Any:
    """``e`` with every operation carried out whose matrices are explicit and whose dimensions are numbers."""
    every_part(e)
    results: dict[Any, Any] = {}
    plans: dict[Any, Plan] = {}
    stack = [e]
    while stack:
        current = stack[-1]
        if current in results:
            stack.pop()
            continue
        plan = plans.get(current)
        if plan is None:
            plan = plans[current] = _plan(current)
        children, finish = plan
        missing = [child for child in children if child not in results]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        results[current] = finish([results[child] for child in children])
    return results[e]


def known(shape: tuple[Any, ...]) -> bool:
    """Are all these dimensions numbers?"""
    return all(isinstance(d, (int, sp.Integer)) for d in shape)


def _plan(e: Any) -> Plan:
    """What must be evaluated first, and how the result is made of it."""
    if isinstance(e, sp.MatrixBase):
        return tuple(e), lambda entries: Explicit(*e.shape, entries)
    if not e.args or isinstance(e, (sp.MatrixSymbol, sp.Lambda)):
        return (), lambda _: e
    own = e.plan() if isinstance(e, Evaluable) else None
    if own is not None:
        return own
    for kind, plan in _PLANS.items():
        if isinstance(e, kind):
            return plan(e)
    return e.args, lambda args: _finish(e, args)


def _finish(e: Any, args: list[Any]) -> Any:
    """The operation ``e`` on evaluated arguments; left standing where something is not known yet."""
    explicit = all(isinstance(a, sp.MatrixBase) for a in args if getattr(a, "is_Matrix", False))
    rebuilt = e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args)
    if not explicit:
        return rebuilt
    if isinstance(e, Evaluable):
        result = e.value(*args) if not rebuilt.is_Matrix or known(rebuilt.shape) else None
        return rebuilt if result is None else result
    if isinstance(rebuilt, sp.MatrixExpr) and not isinstance(rebuilt, sp.MatrixBase):
        return rebuilt.as_explicit() if known(rebuilt.shape) else rebuilt
    return rebuilt


def _operation(carry_out: Callable[..., Any]) -> Callable[[Any], Plan]:
    """The plan of an operation of SymPy's that ``carry_out`` does on explicit matrices (None: not yet)."""

    def plan(e: Any) -> Plan:
        def finish(args: list[Any]) -> Any:
            matrices = [a for a in args if getattr(a, "is_Matrix", False)]
            if matrices and all(isinstance(a, sp.MatrixBase) for a in matrices):
                result = carry_out(*args)
                if result is not None:
                    return result
            return e.func(*args)

        return e.args, finish

    return plan


def _product(*args: Any) -> Any:
    factor: Any = sp.S.One
    matrix: Any = None
    for a in args:
        if a.is_Matrix:
            matrix = a if matrix is None else matrix * a
        else:
            factor *= a
    return Explicit(factor * matrix)


def _sum(*args: Any) -> Any:
    total = args[0]
    for a in args[1:]:
        total = total + a
    return Explicit(total)


def _matrix_power(base: Any, exponent: Any) -> Any:
    if exponent.is_Integer:
        return Explicit(base**exponent)
    return matrix_function("sqrtm", base) if exponent == sp.S.Half else None


def _element(x: Any, i: Any, j: Any) -> Any:
    return x[i, j] if known((i, j)) else None


def _applied(e: Any) -> Plan:
    def finish(args: list[Any]) -> Any:
        x = args[0]
        if isinstance(x, sp.MatrixBase):
            return x.applyfunc(lambda v: evaluated(e.function(v)))
        return e.func(e.function, x)

    return (e.expr,), finish


def _blocks(e: Any) -> Plan:
    rows, cols = e.blocks.shape

    def finish(parts: list[Any]) -> Any:
        table = [parts[i * cols : (i + 1) * cols] for i in range(rows)]
        if all(isinstance(p, sp.MatrixBase) for p in parts):
            return Explicit(sp.Matrix(table))
        return e.func(table)

    return tuple(e.blocks), finish


def sum_plan(e: Any, body: Any, limits: Any, combine: Callable[[list[Any]], Any]) -> Plan:
    """The plan of a sum over an index: its terms, when the bounds are numbers."""
    index, low, high = limits
    if not known((low, high)):
        return (), lambda _: e
    return tuple(body.xreplace({index: sp.Integer(k)}) for k in range(int(low), int(high) + 1)), combine


def _scalar_sum(e: Any) -> Plan:
    if any(len(limits) != 3 for limits in e.limits):
        return (), lambda _: e
    inner = e.func(e.function, *e.limits[:-1]) if len(e.limits) > 1 else e.function
    return sum_plan(e, inner, e.limits[-1], lambda terms: sp.Add(*terms))


_PLANS: dict[Any, Callable[[Any], Plan]] = {
    sp.MatMul: _operation(_product),
    sp.MatAdd: _operation(_sum),
    sp.Inverse: _operation(lambda x, *_: Explicit(x.inv())),
    sp.MatPow: _operation(_matrix_power),
    sp.Trace: _operation(lambda x: x.trace()),
    sp.Determinant: _operation(lambda x: x.det()),
    sp.Transpose: _operation(lambda x: x.T),
    MatrixElement: _operation(_element),
    ElementwiseApplyFunction: _applied,
    sp.BlockMatrix: _blocks,
    sp.Sum: _scalar_sum,
    sp.Derivative: lambda e: ((), lambda _: e.doit()),
    sp.Subs: lambda e: ((), lambda _: e.doit()),
}


# --- functions of explicit matrices ---------------------------------------------------------------


def pseudo_inverse(x: Any) -> Any:
    """The Moore-Penrose inverse: exact unless x has decimals."""
    if x.has(sp.Float) and all(v.is_number for v in x):
        return Explicit(np.linalg.pinv(np.array(x.tolist(), dtype=float)))
    return Explicit(x.pinv())


_NEGLIGIBLE = 1e-20  # imaginary parts below this are rounding (at 30 digits)
_SCALAR_FUNCTIONS: dict[str, Any] = {
    "expm": sp.exp, "logm": sp.log, "sqrtm": sp.sqrt, "sinm": sp.sin, "cosm": sp.cos
}  # fmt: skip


def matrix_function(name: str, x: Any) -> Any:
    """The function of an explicit matrix: exact for rational eigenvalues, else 15 digits; None with symbols inside."""
    function = _SCALAR_FUNCTIONS[name]
    if x.is_diagonal():
        return Explicit(sp.diag(*(function(x[i, i]) for i in range(x.rows))))
    if not all(v.is_number for v in x):
        return None
    if all(v.is_Rational for v in x):
        t = sp.Dummy("t")
        eigenvalues = x.charpoly(t).ground_roots()
        # at 0 log and sqrt have no derivatives to expand with
        if sum(eigenvalues.values()) == x.rows and all(eigenvalues):
            return Explicit(x.analytic_func(function(t), t))
    with mpmath.workdps(30):
        numbers = mpmath.matrix([[mpmath.mpmathify(v.evalf(30)) for v in x.row(i)] for i in range(x.rows)])
        result = getattr(mpmath, name)(numbers)
        entries = [sp.sympify(mpmath.chop(v, tol=_NEGLIGIBLE)) for v in result]
    return Explicit(x.rows, x.cols, [sp.Float(v, 15) if v.is_real else v.evalf(15) for v in entries])
