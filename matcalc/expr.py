"""The working expression: an immutable, hash-consed node with its shape.

Equal expressions are the same object, so a pass keeps one result per distinct node and its cost is linear in
their number. Every walk here is iterative. Nodes are made by the constructors of ``matcalc.ops``, which check
shapes; nothing is simplified on building.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from operator import attrgetter
from typing import Any
from weakref import WeakValueDictionary, ref

from matcalc.shapes import SCALAR, Dim, Shape
from matcalc.walk import parts_first

_args: Callable[[Expr], tuple[Expr, ...]] = attrgetter("args")

_interned: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()
# looked up without a call of Python: nodes are asked for more often than anything else
_references: dict[tuple[Any, ...], ref[Expr]] = _interned.data  # type: ignore[attr-defined]


class Expr:
    """One node: the operation ``op``, its ``args``, what else defines it (``data``), and its ``shape``."""

    __slots__ = ("__weakref__", "args", "data", "is_scalar", "kept", "op", "shape")
    op: str
    args: tuple[Expr, ...]
    data: Any  # what it is depends on op (the table in matcalc.ops)
    shape: Shape
    is_scalar: bool
    kept: dict[str, Any]  # what has been found out about the node (its length, say), by the name of that

    @property
    def rows(self) -> Dim:
        return self.shape[0]

    @property
    def cols(self) -> Dim:
        return self.shape[1]

    @property
    def name(self) -> str:
        """The name of a symbol."""
        assert self.op == "sym", f"{self.op} has no name"
        return self.data[0]  # type: ignore[index, no-any-return]

    def __repr__(self) -> str:
        inner = ", ".join(f"<{a.op}>" if a.args else repr(a.data or a.op) for a in self.args[:4])
        more = ", ..." if len(self.args) > 4 else ""
        return f"Expr({self.op}{'' if self.data is None else f' {self.data}'}: {inner}{more})"

    def __reduce__(self) -> Any:
        raise TypeError("expressions are interned; send their text instead")


def node(op: str, args: tuple[Expr, ...], data: Hashable, shape: Shape) -> Expr:
    """The one node with these parts (used by ``matcalc.ops`` alone: shapes are not checked here)."""
    key = (op, args, data, shape)
    reference = _references.get(key)
    found = reference() if reference is not None else None
    if found is None:
        found = object.__new__(Expr)
        found.op = op
        found.args = args
        found.data = data
        found.shape = shape
        found.is_scalar = shape == SCALAR
        found.kept = {}
        _interned[key] = found
    return found


def topological(*roots: Expr, leaves: Container[Expr] = ()) -> list[Expr]:
    """Every distinct node below the roots, children before parents; below ``leaves`` nothing is looked at."""
    return parts_first(roots, (lambda n: () if n in leaves else n.args) if leaves else _args)


def fold(root: Expr, combine: Callable[[Expr, list[Any]], Any]) -> Any:
    """Bottom-up result: ``combine(node, results of its args)``, once for each distinct node."""
    results: dict[Expr, Any] = {}
    for current in topological(root):
        results[current] = combine(current, [results[child] for child in current.args])
    return results[root]


def kept(e: Expr, name: str, make: Callable[[Expr], Any]) -> Any:
    """``make(e)``, kept with the node under that name; the arguments go first, so it may ask what is kept of them."""
    found = e.kept.get(name)
    if found is None:
        stack = [e]
        while stack:
            current = stack[-1]
            missing = [a for a in current.args if name not in a.kept]
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                if name not in current.kept:
                    found = current.kept[name] = make(current)
    return found


def symbols(*roots: Expr) -> list[Expr]:
    """The distinct symbols, in order of first occurrence."""
    return [n for n in topological(*roots) if n.op == "sym"]


def depends(root: Expr, targets: Iterable[Expr], leaves: Container[Expr] = ()) -> set[Expr]:
    """The nodes below ``root`` that contain one of the targets (not hidden below ``leaves``)."""
    found = set(targets)
    for current in topological(root, leaves=leaves):
        if any(child in found for child in current.args):
            found.add(current)
    return found


def replace(
    root: Expr,
    mapping: Mapping[Expr, Expr],
    rebuild: Callable[[Expr, tuple[Expr, ...]], Expr],
    results: dict[Expr, Expr] | None = None,
) -> Expr:
    """``root`` with each node of ``mapping`` replaced (outermost first, results not searched again).

    ``results`` of earlier calls with the same mapping are used, and added to.
    """
    results = {} if results is None else results
    stack: list[Expr | None] = [root]
    entered: list[Expr] = []  # nodes whose arguments are being replaced, the innermost last
    while stack:
        current = stack.pop()
        if current is None:
            current = entered.pop()
            args = tuple([results[child] for child in current.args])
            results[current] = current if args == current.args else rebuild(current, args)
        elif current not in results:
            instead = mapping.get(current)
            if instead is not None:
                results[current] = instead
            elif current.args:
                entered.append(current)
                stack.append(None)
                stack.extend(current.args)
            else:
                results[current] = current
    return results[root]
