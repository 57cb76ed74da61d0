"""Is an expression linear in given symbols, by its structure; and the part of it that belongs to one of them.

Only operations that can be linear are known here; anything else with one of the symbols in it is not linear.
"""

from __future__ import annotations

from collections.abc import Iterable

from matcalc.expr import Expr, depends, topological
from matcalc.ops import add, rebuild
from matcalc.rules.instantiate import zero

# every argument may be linear by itself, the others are constant
_PRODUCTS = frozenset({"mul", "had", "kron"})
_LINEAR = frozenset({"t", "tr", "vec", "unvec", "diagmat", "diagvec", "sum", "mean", "part"})
_ZEROS = frozenset({"zeros"})


def nonlinear_node(root: Expr, variables: Iterable[Expr]) -> Expr | None:
    """A node because of which ``root`` is not linear in all ``variables`` together; None if it is linear.

    Zero is linear; a constant that is not zero is not.
    """
    variables = set(variables)
    dependent = depends(root, variables)
    if root not in dependent:
        return None if is_zero(root) else root
    for current in topological(root):
        if current in dependent and current not in variables and not _step_is_linear(current, dependent):
            return current
    return None


def is_zero(x: Expr) -> bool:
    """Zero as it is written."""
    return x.op in _ZEROS or (x.op == "num" and x.data == 0)


def _step_is_linear(current: Expr, dependent: set[Expr]) -> bool:
    flags = [a in dependent for a in current.args]
    if current.op in ("add", "block"):
        return all(flag or is_zero(a) for flag, a in zip(flags, current.args, strict=True))
    if current.op in _PRODUCTS:
        return sum(flags) == 1
    if current.op in _LINEAR:
        return True
    if current.op == "slice":
        return flags[0] and not any(flags[1:])
    if current.op == "frechet":
        return flags == [False, True]
    if current.op == "isum":
        return flags[3] and not any(flags[:3])
    return False


def linear_part(root: Expr, variable: Expr, others: Iterable[Expr]) -> Expr | None:
    """What is left of a linear ``root`` when the ``others`` are zero; None if nothing is left."""
    gone = set(others) - {variable}
    dependent = depends(root, gone | {variable})
    results: dict[Expr, Expr | None] = dict.fromkeys(gone)
    for current in topological(root):
        if current in results:
            continue
        if current not in dependent or current is variable:
            results[current] = current
            continue
        args = [results[a] for a in current.args]
        if current.op == "add":
            kept = [a for a in args if a is not None]
            results[current] = add(*kept) if kept else None
        elif current.op == "block":
            filled = [zero(a.shape) if r is None else r for a, r in zip(current.args, args, strict=True)]
            results[current] = rebuild(current, filled) if any(r is not None for r in args) else None
        elif any(a is None for a in args):
            results[current] = None
        else:
            results[current] = rebuild(current, [a for a in args if a is not None])
    part = results[root]
    return part if part is not None and part in depends(part, [variable]) and not is_zero(part) else None
