"""Bound indices: names that are nobody else's, and another for each sum inside a sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.shapes import Dim

_LETTERS = "ijklrst"


def names_in(*roots: Expr) -> set[str]:
    """Every name that occurs: variables, functions, bound indices, and the dimensions of all parts."""
    found = dimensions_in(*roots)
    for n in topological(*roots):
        if n.op in ("sym", "ufn"):
            found.add(n.data[0])  # type: ignore[index]
        elif n.op == "idx":
            found.add(str(n.data))
    return found


def dimensions_in(*roots: Expr) -> set[str]:
    """The names of the dimensions of all parts, and of those that are used as numbers."""
    found: set[str] = set()
    for n in topological(*roots):
        for d in n.shape:
            found |= d.names
        for part in n.data if isinstance(n.data, tuple) else (n.data,):
            if isinstance(part, Dim):
                found |= part.names
    return found


def unused(taken: Iterable[str], wanted: str = _LETTERS) -> Iterator[Expr]:
    """Indices with names that are not taken: the wanted letters, then with numbers."""
    avoided = set(taken)
    letters = [*wanted, *(c for c in _LETTERS if c not in wanted)]
    for number in count():
        for letter in letters:
            name = f"{letter}{number or ''}"
            if name not in avoided:
                yield ops.idx(name)


def free_indices(order: Iterable[Expr]) -> dict[Expr, frozenset[Expr]]:
    """Of every node, parts first, the indices in it that no sum in it is over."""
    free: dict[Expr, frozenset[Expr]] = {}
    for n in order:
        inside = frozenset[Expr]().union(*(free[a] for a in n.args))
        free[n] = frozenset((n,)) if n.op == "idx" else inside - {n.args[0]} if n.op == "isum" else inside
    return free


def apart(e: Expr) -> Expr:
    """``e`` with another index for every sum that stands inside a sum over the same one."""
    order = topological(e)
    if sum(n.op == "isum" for n in order) < 2:
        return e
    fresh = unused(names_in(e))
    results: dict[Expr, Expr] = {}
    for n in order:
        args = tuple(results[a] for a in n.args)
        if n.op == "isum":
            index, low, high, body = args
            inner = [m for m in topological(body) if m.op == "isum" and m.args[0] is index]
            args = (index, low, high, ops.substitute(body, {m: _over(m, next(fresh)) for m in inner}))
        results[n] = n if args == n.args else ops.rebuild(n, args)
    return results[e]


def _over(n: Expr, other: Expr) -> Expr:
    """The same sum over an index of another name."""
    index, low, high, body = n.args
    return ops.isum(other, low, high, ops.substitute(body, {index: other}))


def renamed(e: Expr, taken: Iterable[str]) -> Expr:
    """``e``, without free indices, with other names for the indices that have a name that is taken."""
    taken = set(taken)
    clashing = [n for n in topological(e) if n.op == "idx" and n.data in taken]
    if not clashing:
        return e
    fresh = unused(taken | names_in(e))
    return ops.substitute(e, dict(zip(clashing, fresh, strict=False)))


def declared_names(kinds: Mapping[str, Kind]) -> set[str]:
    """The declared names and the names in their dimensions."""
    found = set(kinds)
    waiting = list(kinds.values())
    while waiting:
        kind = waiting.pop()
        found |= kind.rows.names | kind.cols.names
        waiting += [k for k in (*(kind.args or ()), kind.result) if k is not None]
    return found
