"""SymPy in, SymPy out: ``from_sympy(e) -> (expression, kinds)`` and ``to_sympy(expression) -> e``.

In: matrix symbols, products, sums, powers, Trace, Determinant, Inverse, Hadamard and Kronecker products,
``applyfunc``, blocks, slices, sums over an index, undefined functions and ordinary scalar mathematics
(``matcalc.sympy_reader``). Out: raw SymPy constructors (``matcalc.sympy_writer``) and, for what SymPy lacks, the
classes of ``matcalc.sympy_classes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from matcalc import ops
from matcalc.bridge.sympy_reader import Read, read_sympy
from matcalc.bridge.sympy_values import evaluated
from matcalc.bridge.sympy_writer import to_sympy
from matcalc.errors import DeclarationError
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.language.index_sums import raised
from matcalc.language.parse import Problem, parse_declarations
from matcalc.shapes import shape_text

__all__ = ["Read", "SympyProblem", "evaluated", "from_sympy", "problem_of", "read_sympy", "to_sympy"]


@dataclass(frozen=True)
class SympyProblem(Problem):
    """A problem that came as a SymPy expression; ``objects`` are the SymPy objects its names stand for."""

    objects: Mapping[str, Any] = field(default_factory=dict, repr=False)


def from_sympy(e: Any) -> tuple[Expr, dict[str, Kind]]:
    """The expression that a SymPy object says, and the kinds of its names.

    An n x 1 MatrixSymbol is a vector, 1 x n a row, 1 x 1 a scalar. Assumptions of symbols (integer, positive,
    nonnegative, nonzero) are facts. UnsupportedError names a class that has no reading here.
    """
    read = read_sympy(e)
    return read.expr, dict(read.kinds)


def problem_of(e: Any, declare: Mapping[str, str | Kind] | str | None = None) -> SympyProblem:
    """A SymPy expression as a problem; ``declare`` adds what MatrixSymbols cannot say (``A: symmetric(n)``).

    Sums over an index are put in matrix form: SymPy writes ``(x.T*A*x)[0, 0]`` out as such a sum.
    """
    read = read_sympy(e)
    declared = parse_declarations(declare)
    kinds = dict(read.kinds)
    mapping: dict[Expr, Expr] = {}
    for name, kind in declared.items():
        known = kinds.get(name)
        if known is not None and known != kind:
            if "function" in (known.form, kind.form) or known.shape != kind.shape:
                raise DeclarationError(
                    f"{name} is declared as {kind.text()} and is {known.text()} in the SymPy expression"
                    + ("" if "function" in (known.form, kind.form) else f" ({shape_text(known.shape)})")
                )
            mapping[ops.sym(name, known)] = ops.sym(name, kind)
        kinds[name] = kind
    return SympyProblem(
        function=raised(ops.substitute(read.expr, mapping) if mapping else read.expr),
        kinds=kinds,
        definitions=(),
        inferred=frozenset(),
        notes=(),
        text=str(e),
        objects=read.objects,
    )
