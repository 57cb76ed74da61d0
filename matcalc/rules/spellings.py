"""How operations are written and called: the function name, and what tells those of one name apart."""

from __future__ import annotations

import re
from typing import Any

from matcalc.errors import UnsupportedError
from matcalc.expr import Expr
from matcalc.ops import PARTS, is_wide

# operations whose data tells them apart: exp and log, sum along each axis, ...
_BY_DATA = frozenset({"part", "fn", "mfn", "spectral", "frechet", "sum", "mean", "softmax", "logsumexp"})
# how an operation is written, where its name is another one
_SPELLINGS = {
    "diagmat": "diag", "diagvec": "diag", "maxel": "max", "minel": "min", "max2": "max", "min2": "min",
}  # fmt: skip
_OPERATORS = frozenset({"add", "mul", "had", "pow", "matpow", "t", "cmp", "block", "slice", "isum"})
_ALIASES = {"trace": "tr", "inverse": "inv", "ln": "log"}
# names that are followed by a bracket and are no function, or that building may drop (eye(1) is 1)
_NO_FUNCTIONS = frozenset({"eye", "ones", "zeros"})


def head(node: Expr) -> tuple[str, Any]:
    """What tells operations apart: the name, and the data of those that stand for several."""
    return node.op, node.data if node.op in _BY_DATA else None


def word(node: Expr) -> str:
    """The function name with which the operation is written, "" for operators."""
    if node.op in _OPERATORS:
        return ""
    if node.op in ("fn", "mfn", "spectral"):
        return str(node.data)
    if node.op == "part":
        return PARTS[str(node.data)]
    if node.op == "frechet":
        return f"{node.data}_frechet"
    return _SPELLINGS.get(node.op, node.op)


def operation_name(node: Expr) -> str:
    """What a message calls the operation."""
    if node.op == "frechet":
        return f"{node.data}_frechet by its first argument"
    if node.op == "spectral" and is_wide(node.args[0]):
        return f"{node.data} of a matrix with more columns than rows"
    return str(node.data) if node.op in ("fn", "mfn", "spectral") else node.op


def no_differential(node: Expr) -> UnsupportedError:
    """The refusal to differentiate an operation."""
    hint = "it can stand where it does not depend on the variable"
    return UnsupportedError(f"there is no differential for {operation_name(node)}", hint=hint)


def spelling(text: str) -> str:
    """The function with which a text begins, "" if it begins otherwise."""
    match = re.match(r"\s*([A-Za-z_]\w*)\s*\(", text)
    return _ALIASES.get(match[1], match[1]) if match else ""


def words(text: str) -> frozenset[str]:
    """The functions that are called in a text."""
    found = {_ALIASES.get(name, name) for name in re.findall(r"([A-Za-z_]\w*)\s*\(", text)}
    return frozenset(found - _NO_FUNCTIONS)
