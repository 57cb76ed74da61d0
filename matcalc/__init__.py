"""matcalc: closed-form matrix derivatives, printed short, with code and proof.

Nothing heavy is imported until a public name is used, so that the command line answers at once. Some public
functions have the name of the module they live in (``derive``, ``parse``, ``check``); importing such a module
would put it in the function's place, hence the descriptors instead of a plain module ``__getattr__``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from matcalc.errors import (
    BudgetError,
    DeclarationError,
    InputError,
    LimitError,
    MatcalcError,
    ShapeError,
    SyntaxProblem,
    TableError,
    UnknownName,
    UnsupportedError,
)

if TYPE_CHECKING:  # what the descriptors below find
    identities: Any
    from matcalc.check import Check, check
    from matcalc.derivation import Derivation
    from matcalc.derivatives import derive
    from matcalc.notation import Notation, set_notation
    from matcalc.parse import Problem, parse, read
    from matcalc.solution import Solution
    from matcalc.solve import solve
    from matcalc.sympy_api import gradient, hessian, jacobian

__version__ = "0.1.0"

_HOMES = {
    "Check": "matcalc.check",
    "Derivation": "matcalc.derivation",
    "Notation": "matcalc.notation",
    "Problem": "matcalc.parse",
    "Solution": "matcalc.solution",
    "check": "matcalc.check",
    "derive": "matcalc.derivatives",
    "gradient": "matcalc.sympy_api",
    "hessian": "matcalc.sympy_api",
    "jacobian": "matcalc.sympy_api",
    "parse": "matcalc.parse",
    "read": "matcalc.parse",
    "set_notation": "matcalc.notation",
    "solve": "matcalc.solve",
}

__all__ = [
    "BudgetError",
    "Check",
    "DeclarationError",
    "Derivation",
    "InputError",
    "LimitError",
    "MatcalcError",
    "Notation",
    "Problem",
    "ShapeError",
    "Solution",
    "SyntaxProblem",
    "TableError",
    "UnknownName",
    "UnsupportedError",
    "__version__",
    "check",
    "derive",
    "gradient",
    "hessian",
    "identities",
    "jacobian",
    "parse",
    "read",
    "set_notation",
    "solve",
]


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext matcalc``: the magics %derive, %%derive, %solve and %check."""
    import_module("matcalc.cli.notebook").load_ipython_extension(shell)


class _Public:
    """A public name, found in its module when it is first used."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, package: ModuleType | None, owner: type) -> Any:
        if package is None:
            return self
        if self.name not in _HOMES:
            return import_module(f"matcalc.{self.name}")
        return getattr(import_module(_HOMES[self.name]), self.name)

    def __set__(self, package: ModuleType, value: object) -> None:
        if not isinstance(value, ModuleType):  # the import system binds submodules: the public name stays
            raise AttributeError(f"matcalc.{self.name} cannot be replaced")


class _Package(ModuleType):
    """The package with its public names as descriptors."""

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


for _name in (*_HOMES, "identities"):
    setattr(_Package, _name, _Public(_name))
sys.modules[__name__].__class__ = _Package
