"""The backward program of a program: one adjoint for each name, in the author's own letters.

Reverse accumulation that stops at names. The cotangent of a named quantity gets a name of its own (dZ2 for Z2) and a
line; a line that would be no shorter than what it abbreviates, or that one other line alone would use, is written out
there. So does the cotangent of a part without a name that several lines need, the delta of a layer; if that is an
answer too, it goes by that name. Named quantities stand for themselves on the right, so sigmoid'(Z1) reads
H .* (1 - H) where H = sigmoid(Z1). (Griewank & Walther 2008, ch. 3; Magnus & Neudecker 2019, sec. 5.12.)
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
from matcalc.table import Table

SHORT = 8  # an adjoint with one user is written out there if it has at most so many symbols
_PLAIN = 3  # the cotangent of a part without a name is written out if it has at most so many, or one value


@dataclass(frozen=True, slots=True)
class Backward:
    """Lines ``name = expression`` in dependency order (the forward ones that are used, then adjoints), and for each
    variable its gradient in terms of them, written out, and under the name of its adjoint."""

    lines: tuple[tuple[str, Expr], ...]
    named: Mapping[str, Expr]
    full: Mapping[str, Expr]
    adjoints: Mapping[str, str]


@dataclass(slots=True)
class _Adjoint:
    """The cotangent of one quantity: the symbol that stands for it, in terms of names, and how many lines use it."""

    symbol: Expr
    expr: Expr
    users: int = 0
    delta: bool = False  # of a part without a name

    @property
    def has_line(self) -> bool:
        return self.expr is not self.symbol


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
    table: Table,
    short: Simplifier,
    pattern: str = "d{}",
    projected: Container[str] = (),
) -> Backward:
    """The adjoints of the targets (variables, or quantities that the definitions name) in the scalar f.

    ``pattern`` makes the name of an adjoint. Of the targets in ``projected`` the gradient is a projection of it.
    """
    program = _Program(f, definitions, short)
    wanted = {node: name for name, node in targets.items()}
    names = _Names(taken, pattern, {**program.names, **wanted})
    active = depends(f, wanted)
    order = topological(f)
    ends = {n for n in order if n in active and (n in program.names or n in wanted)}
    ends |= _branches(f, order, active, ends)
    stops = ends | set(program.names)
    pass_on = _Pass(table, short, program, wanted)
    owner: dict[Expr, str] = {}  # of a part without a name: the quantity that it is a part of
    for node in reversed(order):
        if node is not f and node not in ends:
            continue
        if node is f:
            symbol = expr = ops.num(1)
            name = next((n for n, e in definitions if e is f), "")
        else:
            parts = pass_on.received.pop(node, [])
            if not parts:
                continue
            expr = pass_on.gathered(node, parts)
            delta = node in owner
            name = owner[node] if delta else names.of[node]
            if delta and (length(expr) <= _PLAIN or ops.unlift(expr) is not None):
                symbol = expr
            else:
                symbol = ops.sym(names.delta(name) if delta else names.adjoint(node), kind_of_shape(node.shape))
        below = _next(node, stops)
        for n in below:
            if n in ends and n not in names.of:
                owner.setdefault(n, name)
        pass_on.node(node, _Adjoint(symbol, expr, delta=node in owner), ends, below)
    return _result(order, program, pass_on.adjoints, wanted, names, projected)


def _branches(f: Expr, order: list[Expr], active: set[Expr], ends: set[Expr]) -> set[Expr]:
    """Parts without a name whose cotangent goes on to several ends by several arguments."""
    several = f  # stands for more than one
    reached: dict[Expr, Expr] = {}
    found: set[Expr] = set()
    for n in order:
        if n in ends:
            reached[n] = n
        elif n in active and n is not f:
            below = {reached[a] for a in n.args if a in active}
            reached[n] = below.pop() if len(below) == 1 else several
            if reached[n] is several and sum(a in active for a in n.args) > 1:
                found.add(n)
    return found


class _Names:
    """Names of adjoints, none of them taken."""

    def __init__(self, taken: Container[str], pattern: str, of: Mapping[Expr, str]) -> None:
        self.of = of
        self.pattern = pattern
        self._taken = taken
        self._given: set[str] = set()
        self._adjoints: dict[Expr, str] = {}

    def adjoint(self, node: Expr) -> str:
        """dX for X, always the same."""
        found = self._adjoints.get(node)
        if found is None:
            found = self._adjoints[node] = self._free(self.pattern.format(self.of[node]), "_")
        return found

    def delta(self, owner: str) -> str:
        """delta_h for a part of h."""
        return self._free(f"delta_{owner}" if owner else "delta")

    def _free(self, name: str, mark: str = "") -> str:
        found = name
        number = 1
        while found in self._taken or found in self._given:
            number += 1
            found = f"{found}{mark}" if mark else f"{name}_{number}"
        self._given.add(found)
        return found


class _Pass:
    """Cotangents on their way back."""

    def __init__(self, table: Table, short: Simplifier, program: _Program, wanted: Container[Expr]) -> None:
        self.table = table
        self.short = short
        self.program = program
        self.wanted = wanted
        self.adjoints: dict[Expr, _Adjoint] = {}
        self.received: dict[Expr, list[tuple[Expr, Expr]]] = {}  # end: (source, contribution in terms of its symbol)
        self._below: dict[Expr, tuple[tuple[Expr, ...], Container[Expr]]] = {}
        self._inline: dict[Expr, dict[Expr, Expr]] = {}

    def node(self, node: Expr, adjoint: _Adjoint, ends: set[Expr], below: Mapping[Expr, None]) -> None:
        """The cotangents that a node passes on."""
        self.adjoints[node] = adjoint
        reached = tuple(n for n in below if n in ends)
        through = pullback(node, adjoint.symbol, reached, self.table, self.short, below) if reached else {}
        found = {t: g for t, g in through.items() if not _is_zero(g)}
        self._below[node] = tuple(found), below
        adjoint.users = len(found)
        for t, g in found.items():
            self.received.setdefault(t, []).append((node, g))

    def inline(self, source: Expr, target: Expr) -> Expr:
        """The contribution of a source with its adjoint written out."""
        if source not in self._inline:
            reached, below = self._below[source]
            self._inline[source] = pullback(source, self.adjoints[source].expr, reached, self.table, self.short, below)
        return self._inline[source][target]

    def gathered(self, target: Expr, parts: list[tuple[Expr, Expr]]) -> Expr:
        """The sum of the contributions: each source by its symbol or written out, whichever reads better."""
        written = self.program.written
        sources = [self.adjoints[source] for source, _ in parts]
        if not any(a.has_line and not a.delta for a in sources):
            return written(ops.add(*(g for _, g in parts)))
        each = list(zip(parts, sources, strict=True))
        inline = [self.inline(source, target) if a.has_line and not a.delta else g for (source, g), a in each]
        chosen = [out if self._is_light(source, a) else g for out, ((source, g), a) in zip(inline, each, strict=True)]
        out_written = written(ops.add(*inline))
        if chosen == inline:
            return out_written
        by_symbol = written(ops.add(*(g for _, g in parts)))
        if length(out_written) <= length(by_symbol):
            return out_written
        return written(ops.add(*chosen))

    def _is_light(self, source: Expr, adjoint: _Adjoint) -> bool:
        """Whether an adjoint that one line uses is written out there."""
        return adjoint.users <= 1 and source not in self.wanted and length(adjoint.expr) <= SHORT


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


def _result(
    order: Sequence[Expr],
    program: _Program,
    adjoints: Mapping[Expr, _Adjoint],
    wanted: Mapping[Expr, str],
    names: _Names,
    projected: Container[str],
) -> Backward:
    """Only what is used, in dependency order; and the gradients written out."""
    named = {name: adjoints[node].expr if node in adjoints else ops.zeros(*node.shape) for node, name in wanted.items()}
    back = [(a.symbol, a.expr) for a in (adjoints[n] for n in reversed(order) if n in adjoints) if a.has_line]
    full: dict[Expr, Expr] = {program.symbol[node]: node for node in program.names}
    lines = [(name, program.forward[node]) for node, name in program.names.items()]
    used = {name for name, _ in needed([(s.name, e) for s, e in back], named.values())}
    for s, e in back:
        if s.name in used:
            full[s] = ops.substitute(e, full)
    written = {name: ops.substitute(e, full) for name, e in named.items()}
    also = _answers_among(adjoints, wanted, names, projected)
    back = [(also.get(s, s), ops.substitute(e, also)) for s, e in back if s.name in used and also.get(e) is not s]
    standing = dict(back)
    named = {name: standing[also[e]] if e in also else ops.substitute(e, also) for name, e in named.items()}
    lines_used = needed(lines + [(s.name, e) for s, e in back], named.values())
    return Backward(lines_used, named, written, {name: names.adjoint(node) for node, name in wanted.items()})


def _answers_among(
    adjoints: Mapping[Expr, _Adjoint], wanted: Mapping[Expr, str], names: _Names, projected: Container[str]
) -> dict[Expr, Expr]:
    """Adjoints of parts without a name that are those of answers too: they go by the name of the answer."""
    deltas = {a.symbol for a in adjoints.values() if a.delta and a.has_line}
    found: dict[Expr, Expr] = {}
    for node, name in wanted.items():
        e = adjoints[node].expr if node in adjoints else None
        if e in deltas and e not in found and name not in projected:
            found[e] = ops.sym(names.adjoint(node), e.data[1])
    return found
