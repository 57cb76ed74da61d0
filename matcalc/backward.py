"""The backward program of a program: one adjoint for each name, in the author's own letters.

Reverse accumulation that stops at names. The cotangent of a named quantity gets a name of its own (dZ2 for Z2) and a
line; a line that would be no shorter than what it abbreviates, or that one other line alone would use, is written out
there. Named quantities stand for themselves on the right, so sigmoid'(Z1) reads H .* (1 - H) where H = sigmoid(Z1).
(Griewank & Walther 2008, ch. 3; Magnus & Neudecker 2019, sec. 5.12.)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.adjoint import pullback
from matcalc.expr import Expr, depends, symbols, topological
from matcalc.facts import facts_of
from matcalc.kinds import Kind, kind_of_shape
from matcalc.measure import length
from matcalc.simplify import Simplifier
from matcalc.structure import structured
from matcalc.table import Table

SHORT = 8  # an adjoint with one user is written out there if it has at most so many symbols


@dataclass(frozen=True, slots=True)
class Backward:
    """Lines ``name = expression`` in dependency order (the forward ones that are used, then adjoints), and for each
    variable its gradient in terms of them and written out."""

    lines: tuple[tuple[str, Expr], ...]
    named: Mapping[str, Expr]
    full: Mapping[str, Expr]


@dataclass(slots=True)
class _Adjoint:
    """The cotangent of one quantity: in terms of names, and the symbol that may stand for it."""

    symbol: Expr
    expr: Expr
    users: int = 0


class _Program:
    """What the names of a program stand for, in both directions."""

    def __init__(self, f: Expr, definitions: Sequence[tuple[str, Expr]], short: Simplifier) -> None:
        self.short = short
        self.names: dict[Expr, str] = {}
        for name, node in definitions:
            if node is not f and node.args:
                self.names.setdefault(node, name)
        self.symbol = {node: ops.sym(name, _kind(node)) for node, name in self.names.items()}
        self.forward = {node: self._inside(node) for node in self.names}
        self.again = {e: self.symbol[node] for node, e in self.forward.items()}

    def _inside(self, node: Expr) -> Expr:
        """A definition in terms of the other names."""
        args = [ops.substitute(a, self.symbol) for a in node.args]
        return ops.rebuild(node, args)

    def written(self, e: Expr) -> Expr:
        """An expression in terms of names, in short form."""
        found = self.short.settled(ops.substitute(e, self.symbol))
        renamed = ops.substitute(found, self.again)
        return found if renamed is found else self.short.settled(renamed)


def _kind(node: Expr) -> Kind:
    return kind_of_shape(node.shape, facts_of(node))


def backward(
    f: Expr,
    definitions: Sequence[tuple[str, Expr]],
    targets: Mapping[str, Expr],
    taken: Container[str],
    structure: str,
    table: Table,
    short: Simplifier,
) -> Backward:
    """The adjoints of the targets (variables, or quantities that the definitions name) in the scalar f."""
    program = _Program(f, definitions, short)
    wanted = {node: name for name, node in targets.items()}
    active = depends(f, wanted)
    cuts = [n for n in topological(f) if n in active and (n in program.names or n in wanted)]
    ends = set(cuts)
    stops = ends | set(program.names)
    adjoints: dict[Expr, _Adjoint] = {}
    received: dict[Expr, list[tuple[Expr, Expr, Expr]]] = {}  # target: (source, through its symbol, written out)
    for node in [f, *(n for n in reversed(cuts) if n is not f)]:
        if node is f:
            symbol = expr = ops.num(1)
        else:
            parts = received.pop(node, [])
            if not parts:
                continue
            symbol = ops.sym(_adjoint_name(_name_of(node, program, wanted), taken), kind_of_shape(node.shape))
            expr = _gathered(parts, adjoints, program, wanted)
        if node in wanted and node.op == "sym":
            expr = short.settled(structured(expr, node, structure)[0])
        adjoints[node] = _Adjoint(symbol, expr)
        below = _next(node, stops)
        reached = tuple(n for n in below if n in ends)
        through = pullback(node, symbol, reached, table, short, below) if reached else {}
        found = {t: g for t, g in through.items() if not _is_zero(g)}
        if not found:
            continue
        inline = found if expr is symbol else pullback(node, expr, tuple(found), table, short, below)
        adjoints[node].users = len(found)
        for t, g in found.items():
            received.setdefault(t, []).append((node, g, inline[t]))
    return _result(f, program, adjoints, wanted)


def _next(node: Expr, stops: set[Expr]) -> dict[Expr, None]:
    """The stops that a node is made of directly, in order of occurrence."""
    found: dict[Expr, None] = {}
    seen: set[Expr] = set()
    stack = list(reversed(node.args))
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n in stops:
            found[n] = None
        else:
            stack.extend(reversed(n.args))
    return found


def needed(lines: Sequence[tuple[str, Expr]], roots: Iterable[Expr]) -> tuple[tuple[str, Expr], ...]:
    """The lines that the roots use, directly or through other lines."""
    by_name = dict(lines)
    used: set[str] = set()
    todo = [s.name for e in roots for s in symbols(e)]
    while todo:
        name = todo.pop()
        if name in by_name and name not in used:
            used.add(name)
            todo.extend(s.name for s in symbols(by_name[name]))
    return tuple(line for line in lines if line[0] in used)


def _is_zero(e: Expr) -> bool:
    return e.op == "zeros" or (e.op == "num" and not e.data)


def _name_of(node: Expr, program: _Program, wanted: Mapping[Expr, str]) -> str:
    return wanted.get(node) or program.names[node]


def _adjoint_name(name: str, taken: Container[str]) -> str:
    found = f"d{name}"
    while found in taken:
        found += "_"
    return found


def _gathered(
    parts: list[tuple[Expr, Expr, Expr]], adjoints: Mapping[Expr, _Adjoint], program: _Program, wanted: Mapping[Expr, str]
) -> Expr:
    """The sum of the contributions: each source by its symbol or written out, whichever reads better."""
    if not any(adjoints[source].expr is not adjoints[source].symbol for source, _, _ in parts):
        return program.written(ops.add(*(g for _, g, _ in parts)))
    by_symbol = program.written(ops.add(*(g for _, g, _ in parts)))
    out_written = program.written(ops.add(*(g for _, _, g in parts)))
    if length(out_written) <= length(by_symbol):
        return out_written
    chosen = [
        g if adjoints[s].users > 1 or s in wanted or length(adjoints[s].expr) > SHORT else inline for s, g, inline in parts
    ]
    return program.written(ops.add(*chosen))


def _result(
    f: Expr, program: _Program, adjoints: Mapping[Expr, _Adjoint], wanted: Mapping[Expr, str]
) -> Backward:
    """Only what is used, in dependency order; and the gradients written out."""
    by_symbol = {a.symbol: node for node, a in adjoints.items() if a.symbol.op == "sym"}
    forward = {program.symbol[node]: node for node in program.names}
    named = {name: adjoints[node].expr if node in adjoints else ops.zeros(*node.shape) for node, name in wanted.items()}
    order = {node: i for i, node in enumerate(topological(f))}
    back = sorted(by_symbol, key=lambda s: -order[by_symbol[s]])
    lines = [(name, program.forward[node]) for node, name in program.names.items()]
    lines += [(s.name, adjoints[by_symbol[s]].expr) for s in back]
    lines_used = needed(lines, named.values())
    full: dict[Expr, Expr] = dict(forward)
    names_used = {name for name, _ in lines_used}
    for s in back:
        if s.name in names_used:
            full[s] = ops.substitute(adjoints[by_symbol[s]].expr, full)
    written = {name: ops.substitute(e, full) for name, e in named.items()}
    return Backward(lines_used, named, written)
