"""The bases of our SymPy classes: how they print, substitute and are carried out.

- ``ElementwiseFunction``: scalar functions (``sigmoid``), usable in ``X.applyfunc(sigmoid)``;
- ``ScalarOperation``: numbers made of matrices (``norm2``, the sum of all entries);
- ``ArrayOperation``: matrices (``softmax``, ``vec``).
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.cache import cacheit
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.printing.precedence import PRECEDENCE

from matcalc.bridge.sympy_values import Evaluable, Plan, evaluated, known

Explicit = sp.ImmutableDenseMatrix


class ElementwiseFunction(Evaluable, sp.Function):  # type: ignore[misc]
    """A function of one number given by ``definition``; ``doit`` and ``evalf`` use it, ``fdiff`` differentiates it."""

    nargs = 1

    @staticmethod
    def definition(t: sp.Expr) -> sp.Expr:
        raise NotImplementedError

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        t = sp.Dummy("t", real=True)
        return self.definition(t).diff(t).xreplace({t: self.args[0]})

    def plan(self) -> Plan:
        return self.args, lambda args: evaluated(self.definition(args[0]))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.definition(self.args[0])._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\operatorname{{{self.func.__name__}}}{power}\left({printer._print(self.args[0])}\right)"


class _Operation(Evaluable, sp.Basic):  # type: ignore[misc]
    """What the operations share: arguments that are SymPy objects (never text), and printing as a call."""

    symbol = ""  # as in our language

    def __new__(cls, *args: Any) -> Any:
        return sp.Basic.__new__(cls, *(sp.sympify(a, strict=True) for a in args))

    def _call(self) -> tuple[str, tuple[Any, ...], str]:
        """Name, arguments and keyword text as printed."""
        return self.symbol, self.args, ""

    def _sympystr(self, printer: Any) -> str:
        name, args, keyword = self._call()
        return f"{name}({', '.join([*map(printer._print, args), *([keyword] if keyword else [])])})"

    def _latex(self, printer: Any) -> str:
        name, args, keyword = self._call()
        name = name.replace("_", r"\_")
        parts = [*map(printer._print, args), *([rf"\mathrm{{{keyword}}}"] if keyword else [])]
        return rf"\operatorname{{{name}}}\left({', '.join(parts)}\right)"


class ScalarOperation(_Operation, sp.Expr):  # type: ignore[misc]
    """A number made of matrices."""

    is_commutative = True
    precedence = PRECEDENCE["Atom"]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = super()._latex(printer)
        return f"{text}^{{{exp}}}" if exp else text

    def _eval_evalf(self, prec: int) -> Any:
        result = evaluated(self)
        return None if result.func is self.func else result._eval_evalf(prec)


class ArrayOperation(_Operation, sp.MatrixExpr):  # type: ignore[misc]
    """A matrix made of matrices; ``size`` finds the shape from the arguments, once."""

    precedence = PRECEDENCE["Atom"]

    def __new__(cls, *args: Any) -> Any:
        made = super().__new__(cls, *args)
        made._shape = tuple(made.size())
        return made

    def size(self) -> Any:
        """Rows and columns: those of the first argument, unless an operation says otherwise."""
        return self.args[0].shape

    @property
    def shape(self) -> tuple[Any, Any]:
        return self._shape  # type: ignore[no-any-return]

    def as_explicit(self) -> Any:
        return _written_out(self)

    def _entry(self, i: Any, j: Any, **kwargs: Any) -> Any:
        if known(self.shape) and known((i, j)):
            return _written_out(self)[i, j]
        return MatrixElement(self, i, j)

    def _eval_derivative(self, v: Any) -> Any:
        if v not in self.free_symbols:
            return sp.ZeroMatrix(*self.shape)
        raise NotImplementedError(f"SymPy cannot differentiate {self.func.__name__}: use matcalc.gradient")


@cacheit  # type: ignore[untyped-decorator]
def _written_out(e: Any) -> Any:
    """The explicit matrix of ``e``, symbols as matrices of their entries."""
    entries = {s: s.as_explicit() for s in e.atoms(sp.MatrixSymbol) if known(s.shape)}
    result = evaluated(e.xreplace(entries))
    if not isinstance(result, sp.MatrixBase):
        raise ValueError(f"{e} has no explicit form: its matrices or dimensions are not all known")
    return result


class AlongAxis(ArrayOperation):
    """``Name(X, axis)``: axis 0 goes down each column, axis 1 along each row."""

    def size(self) -> Any:
        x, axis = self.args
        return (sp.S.One, x.shape[1]) if axis == 0 else (x.shape[0], sp.S.One)

    def _call(self) -> tuple[str, tuple[Any, ...], str]:
        return self.symbol, self.args[:1], f"axis={self.args[1]}"

    def line(self, x: Any) -> Any:
        """The number that one column or row becomes."""
        raise NotImplementedError

    def value(self, x: Any, axis: Any) -> Any:
        if axis == 0:
            return Explicit([[self.line(x[:, j]) for j in range(x.cols)]])
        return Explicit([[self.line(x[i, :])] for i in range(x.rows)])


class NamedOperation(ArrayOperation):
    """An operation that carries its name as the first argument."""

    def __new__(cls, name: Any, *args: Any) -> Any:
        return super().__new__(cls, as_name(name), *args)

    def size(self) -> Any:
        return self.args[1].shape

    def _call(self) -> tuple[str, tuple[Any, ...], str]:
        return self.args[0].name, self.args[1:], ""


def as_name(name: Any) -> Str:
    """A name as an argument of a SymPy object; text is not read."""
    return name if isinstance(name, Str) else Str(name)
