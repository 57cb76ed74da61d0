"""The names in a SymPy expression: which are dimensions, which objects they stand for, what kind they have."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

from matcalc.bridge import sympy_classes as own
from matcalc.bridge.sympy_values import every_part
from matcalc.errors import DeclarationError, UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE, Kind, kind_of_shape
from matcalc.language.names import spelled
from matcalc.language.vocabulary import known_functions
from matcalc.ops import sym
from matcalc.shapes import SCALAR, Dim, Shape

# the arguments of a class that are dimensions
_DIMENSIONS: dict[Any, slice] = {
    sp.MatrixSymbol: slice(1, None), sp.Identity: slice(0, None), sp.OneMatrix: slice(0, None),
    sp.ZeroMatrix: slice(0, None), own.Unit: slice(1, None), own.Unvec: slice(1, None),
    own.Commutation: slice(0, None), own.Undefined: slice(2, 3),
}  # fmt: skip


class Names:
    """What the names of one expression stand for."""

    def __init__(self, root: Any) -> None:
        self.kinds: dict[str, Kind] = {}
        self.objects: dict[str, Any] = {}
        self.dimensions: set[Any] = set()
        self.indices: set[Any] = set()  # symbols in the place of an index are integers
        parts = every_part(root)
        for part in parts:
            for kind, which in _DIMENSIONS.items():
                if isinstance(part, kind):
                    for size in part.args[which]:
                        self.dimensions |= size.free_symbols
            if isinstance(part, (MatrixElement, sp.MatrixSlice)):
                self.indices |= part.args[1].free_symbols | part.args[2].free_symbols
        functions = {p.func.__name__ for p in parts if isinstance(p, AppliedUndef)}
        functions |= {p.args[0].name for p in parts if isinstance(p, own.Undefined)}
        sums = any(isinstance(p, (sp.Sum, own.MatrixSum)) for p in parts)
        free = root.free_symbols | self.dimensions if sums else set()  # SymPy recurses here
        # names that an index of a sum must avoid
        self.taken = {spelled(name) for name in functions | {s.name for s in free}}
        self.has_pi = sp.pi in parts

    def dim(self, size: Any) -> Dim:
        """A SymPy dimension: a polynomial with integer coefficients in symbols."""
        size = sp.sympify(size, strict=True)
        if size.is_Integer:
            return Dim.of(int(size))
        symbols = sorted(size.free_symbols, key=str)
        polynomial = size.as_poly(*symbols) if symbols and all(s.is_Symbol for s in symbols) else None
        if polynomial is None or not all(c.is_Integer for c in polynomial.coeffs()):
            raise UnsupportedError(f"the dimension {size} is not a sum of products of symbols and integers")
        total = Dim.of(0)
        for powers, factor in polynomial.terms():
            term = Dim.of(int(factor))
            for s, power in zip(symbols, powers, strict=True):
                name = self.register(s.name, s)
                for _ in range(power):
                    term = term * name
            total = total + term
        return total

    def scalar(self, symbol: Any) -> Expr:
        """A scalar symbol: its assumptions are facts."""
        if symbol.is_commutative is False:
            raise UnsupportedError(f"{symbol} is a noncommutative symbol: matrices are MatrixSymbols")
        if symbol.is_extended_real is False:
            raise UnsupportedError(f"{symbol} is not real: complex variables are not supported")
        facts = {"integer"} if symbol.is_integer or symbol in self.indices else set()
        for fact in ("positive", "nonnegative", "nonzero"):
            if getattr(symbol, f"is_{fact}"):
                facts.add(fact)
                break
        return sym(*self.declare(symbol.name, symbol, Kind("scalar", facts=frozenset(facts))))

    def matrix(self, symbol: Any) -> Expr:
        """A matrix symbol: a vector, row or scalar where its shape says so."""
        return sym(*self.declare(symbol.name, symbol, kind_of_shape(self.shape(symbol.shape))))

    def function(self, function: Any, name: str, arguments: list[Shape], result: Shape) -> tuple[str, Kind]:
        """The name and kind of an undefined function: of one scalar it is elementwise."""
        if spelled(name) in known_functions():
            raise DeclarationError(f"{name} is a function of the language: give the undefined function another name")
        plain = len(arguments) == 1 and arguments[0] == result == SCALAR
        args = tuple(map(kind_of_shape, arguments))
        kind = ELEMENTWISE if plain else Kind("function", args=args, result=kind_of_shape(result))
        return self.declare(name, function, kind)

    def shape(self, shape: tuple[Any, Any]) -> Shape:
        return (self.dim(shape[0]), self.dim(shape[1]))

    def declare(self, name: str, thing: Any, kind: Kind) -> tuple[str, Kind]:
        """Enter a name with its kind; one name, one kind."""
        name = self.register(name, thing)
        if self.kinds.setdefault(name, kind) != kind:
            raise DeclarationError(f"{name} is used as {self.kinds[name].text()} and as {kind.text()}")
        return name, kind

    def register(self, name: str, thing: Any) -> str:
        """Enter a name (Greek letters spelt) with the SymPy object it stands for; one name, one object."""
        name = spelled(name)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise DeclarationError(f"{name!r} cannot be a name here: letters, digits and underscores, a letter first")
        if name == "pi" and self.has_pi:
            raise DeclarationError("pi is both a symbol and the number")
        if self.objects.setdefault(name, thing) != thing:
            raise DeclarationError(
                f"two different SymPy objects are called {name}: "
                f"{_described(self.objects[name])} and {_described(thing)}"
            )
        return name

    def unused(self, name: str, also: Container[str] = ()) -> str:
        """``name``, made a name of the language, with a number where it is taken (or one of ``also``)."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", spelled(name)).lstrip("_0123456789") or "i"
        found, count = name, 0
        while found in self.taken or found in also or found == "pi":
            count += 1
            found = f"{name}_{count}"
        return found


def _described(thing: Any) -> str:
    if isinstance(thing, sp.MatrixSymbol):
        return f"a {thing.rows} x {thing.cols} matrix {thing}"
    if isinstance(thing, sp.Symbol):
        facts = [f"{fact}={value}" for fact, value in thing._assumptions_orig.items()]
        return f"the symbol {thing}{' with ' if facts else ''}{', '.join(facts)}"
    return f"the function {thing}"
