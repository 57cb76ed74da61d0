"""matcalc: closed-form matrix derivatives, printed short, with code and proof.

Nothing heavy is imported until a public name is used, so that the command line answers at once.
"""

from __future__ import annotations

from importlib import import_module
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
    from matcalc.answers.derivation import Derivation
    from matcalc.answers.derivatives import derive
    from matcalc.answers.sympy_api import gradient, hessian, jacobian
    from matcalc.checking.check import Check, check
    from matcalc.language.parse import Problem, parse, read
    from matcalc.printing.notation import Notation, set_notation
    from matcalc.solving.solution import Solution
    from matcalc.solving.solve import solve

__version__ = "0.1.0"

_HOMES = {
    "Check": "matcalc.checking.check",
    "Derivation": "matcalc.answers.derivation",
    "Notation": "matcalc.printing.notation",
    "Problem": "matcalc.language.parse",
    "Solution": "matcalc.solving.solution",
    "check": "matcalc.checking.check",
    "derive": "matcalc.answers.derivatives",
    "gradient": "matcalc.answers.sympy_api",
    "hessian": "matcalc.answers.sympy_api",
    "jacobian": "matcalc.answers.sympy_api",
    "parse": "matcalc.language.parse",
    "read": "matcalc.language.parse",
    "set_notation": "matcalc.printing.notation",
    "solve": "matcalc.solving.solve",
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


def __getattr__(name: str) -> Any:
    """A public name, found in its module when it is first used."""
    if name == "identities":
        return import_module("matcalc.identities")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
