"""What SymPy's operations are in ours: powers, functions, numbers, cases, and ``applyfunc`` spread over an array."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from matcalc import ops
from matcalc.bridge.sympy_writer import FUNCTIONS
from matcalc.errors import LimitError, UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.language.numerals import MAX_DIGITS
from matcalc.shapes import ONE, shape_text

_LARGEST_EXPONENT = 1000  # of 2: the range of doubles
_DOUBLE = 53  # bits
_MOST_DERIVATIVES = 1000
_MOST_BITS = MAX_DIGITS * 3.3


def refused(e: Any) -> UnsupportedError:
    """The error for a class that has no reading."""
    return UnsupportedError(f"SymPy's {type(e).__name__} is not supported: {str(e)[:60]}")


def spread(body: Expr, argument: Expr, x: Expr) -> Expr:
    """The scalar ``body`` of ``argument`` applied to every entry of ``x``."""
    if x.is_scalar:
        return ops.substitute(body, {argument: x})
    inside = depends(body, [argument])
    if body not in inside:
        return ops.lift(body, x.shape)
    results: dict[Expr, Expr] = {argument: x}
    for n in topological(body):
        if n in results or n not in inside:
            continue
        args = [results.get(a, a) for a in n.args]
        if n.op == "add":
            results[n] = ops.add(*(ops.lift(a, x.shape) for a in args))
        elif n.op == "mul":
            results[n] = ops.had(*args)
        elif n.op in ("pow", "fn", "max2", "min2", "cmp") or (n.op == "ufn" and n.data[1].args is None):  # type: ignore[index]
            results[n] = ops.rebuild(n, args)
        else:
            raise UnsupportedError("this function cannot be applied to the entries of an array")
    return results[body]


def raised(base: Expr, exponent: Expr) -> Expr:
    """Scalar or elementwise power; ``^(1/2)`` is sqrt, negative halves its reciprocal, ``^-1`` the reciprocal."""
    value: Any = exponent.data if exponent.op == "num" else None
    if value == -1:
        return ops.reciprocal(base)
    if value is not None and abs(value) == Fraction(1, 2):
        root = ops.fn("sqrt", base)
        return root if value > 0 else ops.reciprocal(root)
    return ops.power(base, exponent)


def matrix_power(base: Expr, exponent: Expr) -> Expr:
    """A^k for integers, and the square root; negative powers are powers of the inverse."""
    if base.is_scalar:
        return raised(base, exponent)
    if exponent.op == "num":
        value: Any = exponent.data
        root = abs(value) == Fraction(1, 2)
        if not root and value.denominator != 1:
            raise UnsupportedError(f"a matrix to the power {value} is not supported")
        base = ops.mfn("sqrtm", base) if root else base
        base = ops.inv(base) if value < 0 else base
        return base if root or abs(value) == 1 else ops.matpow(base, ops.num(abs(value)))
    if not _is_integer(exponent):
        raise UnsupportedError("a symbolic power of a matrix must be an integer: Symbol('k', integer=True)")
    return ops.matpow(base, exponent)


def _is_integer(e: Expr) -> bool:
    """Is this an integer by its making?"""
    for n in topological(e):
        data: Any = n.data
        if n.op == "num":
            if data.denominator != 1:
                return False
        elif n.op == "sym":
            if "integer" not in data[1].facts:
                return False
        elif n.op not in ("dim", "idx", "add", "mul"):
            return False
    return True


def applied_function(name: str, x: Expr) -> Expr:
    """A function of a scalar; SymPy applies functions to entries with ``applyfunc``."""
    if x.is_scalar:
        return ops.fn(name, x)
    if name == "exp":  # SymPy's exp of a matrix is the matrix exponential
        return ops.mfn("expm", x)
    raise UnsupportedError(f"{name} of a matrix ({shape_text(x.shape)}): write X.applyfunc({FUNCTIONS[name].__name__})")


def decimal(e: Any) -> Fraction:
    """A Float as the decimal that it shows (a double: the shortest one that gives it back)."""
    _, _, exponent, bits = e._mpf_
    if abs(exponent + bits) > _LARGEST_EXPONENT:
        raise LimitError("a decimal number beyond 1e300 in the SymPy expression")
    return Fraction(repr(float(e)) if e._prec == _DOUBLE else str(e))


def rational(e: Any) -> Fraction:
    """An exact number of bounded length."""
    if max(int(e.p).bit_length(), int(e.q).bit_length()) > _MOST_BITS:
        raise LimitError(f"a number of more than {MAX_DIGITS} digits in the SymPy expression")
    return Fraction(int(e.p), int(e.q))


def undefined_derivative(e: Any) -> tuple[Any, tuple[int, ...]] | None:
    """f(...) and by which arguments in Derivative(f(..., t, ..., u, ...), (t, order), (u, order)), if e is that."""
    call = e.expr
    if not isinstance(call, AppliedUndef):
        return None
    which: list[int] = []
    for variable, order in e.variable_count:
        places = [i for i, a in enumerate(call.args) if a.has(variable)]
        if len(places) != 1 or call.args[places[0]] != variable or not order.is_Integer or order > _MOST_DERIVATIVES:
            return None
        which.extend(places * int(order))
    return call, tuple(sorted(which))


_RELATIONS: dict[Any, str] = {
    sp.StrictLessThan: "<", sp.LessThan: "<=", sp.StrictGreaterThan: ">", sp.GreaterThan: ">=",
    sp.Equality: "==", sp.Unequality: "!=",
}  # fmt: skip


def condition(e: Any) -> tuple[str, Any, Any]:
    relation = _RELATIONS.get(type(e))
    if relation is None:
        raise UnsupportedError(f"the condition {e} is not a single comparison")
    return relation, e.lhs, e.rhs


def holds(relation: str, left: Expr, right: Expr) -> Expr:
    if relation == "!=":
        return ops.sub(ops.num(1), ops.compare("==", left, right))
    return ops.compare(relation, left, right)


def choose(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """``yes`` where the condition is 1, ``no`` where it is 0, for numbers."""
    if no is ops.num(0):
        return condition if yes is ops.num(1) else ops.mul(yes, condition)
    if yes.op == no.op == "num":
        return ops.add(no, ops.mul(ops.num(yes.data - no.data), condition))  # type: ignore[operator]
    return ops.add(no, ops.mul(ops.sub(yes, no), condition))


def square_diagonal(x: Expr) -> Expr:
    if x.rows is not x.cols:
        raise UnsupportedError(f"the diagonal of a matrix that is not square ({shape_text(x.shape)}) is not supported")
    return ops.diagvec(x)


def diagonal_matrix(x: Expr) -> Expr:
    if ONE not in x.shape:
        raise UnsupportedError(f"DiagMatrix takes a vector, not {shape_text(x.shape)}")
    return ops.diag(x)


def dot(x: Expr, y: Expr) -> Expr:
    row = x if x.rows is ONE else ops.transpose(x)
    return ops.mul(row, y if y.cols is ONE else ops.transpose(y))


def heaviside(x: Expr, at_zero: Expr) -> Expr:
    above = ops.compare(">", x, ops.num(0))
    return ops.add(above, ops.mul(at_zero, ops.compare("==", x, ops.num(0))))


def polygamma(order: Expr, x: Expr) -> Expr:
    if order.op == "num" and order.data in (0, 1):
        return ops.fn("digamma" if order.data == 0 else "trigamma", x)
    raise UnsupportedError("SymPy's polygamma is supported for the orders 0 and 1")
