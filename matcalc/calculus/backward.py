"""The backward program of a program: one adjoint for each name, in the author's own letters.

Reverse accumulation that stops at names. The cotangent of a named quantity gets a name of its own (dZ2 for Z2) and a
line; a line that would be no shorter than what it abbreviates, or that one other line alone would use, is written out
there. So does the cotangent of a part without a name that several lines need, the delta of a layer; if that is an
answer too, it goes by that name. Named quantities stand for themselves on the right, so sigmoid'(Z1) reads
H .* (1 - H) where H = sigmoid(Z1). (Griewank & Walther 2008, ch. 3; Magnus & Neudecker 2019, sec. 5.12.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.calculus.adjoint import pullback
from matcalc.expr import Expr, replace, symbols, topological
from matcalc.indices import apart, free_indices
from matcalc.kinds import kind_of_shape
from matcalc.language.index_sums import raised
from matcalc.printing.measure import length
from matcalc.printing.naming import WORTH, total
from matcalc.printing.naming import named as written_with_names
from matcalc.rules.facts import facts_of
from matcalc.rules.table import Table
from matcalc.simplifier.simplify import Simplifier
from matcalc.walk import parts_first

SHORT = 8  # an adjoint with one user is written out there if it has at most so many symbols
_PLAIN = 3  # the cotangent of a part without a name is written out if it has at most so many, or one value
_WIDE = 40  # symbols of a line that is looked at for what it repeats
_MANY = 5000  # symbols in all: more than are looked at


@dataclass(frozen=True, slots=True)
class Backward:
    """Lines ``name = expression`` in dependency order (the forward ones that are used, then adjoints), and for each
    variable its gradient in terms of them, written out, and under the name of its adjoint.

    ``forward`` are all lines of the program up to the function, in terms of names, ``root`` is the function in terms of
    them; ``absent`` the variables that do not occur. ``called`` says of the name of an adjoint which quantity it
    belongs to; of the name of a delta the quantity whose part it belongs to, and which of these it is.
    """

    lines: tuple[tuple[str, Expr], ...]
    named: Mapping[str, Expr]
    full: Mapping[str, Expr]
    adjoints: Mapping[str, str]
    forward: tuple[tuple[str, Expr], ...]
    root: Expr
    absent: tuple[str, ...]
    called: Mapping[str, tuple[str, int]]

    def in_terms_of(self, name: str, variable: Expr, *roots: Expr) -> list[Expr]:
        """The roots with all names written out except one, which the variable stands for."""
        values: dict[str, Expr] = {name: variable}
        for other, e in (*self.forward, *self.lines):
            if other not in values:
                values[other] = _put_in(e, values)
        return [_put_in(e, values) for e in roots]

    def written_out(self, exprs: Mapping[str, Expr], values: Mapping[str, Expr]) -> dict[str, Expr]:
        """Expressions in terms of the lines with all names written out, given what the names of the program are."""
        found = dict(values)
        for name, line in self.lines:
            if name not in found:
                found[name] = _put_in(line, found)
        return {key: _put_in(e, found) for key, e in exprs.items()}


def cut(lines: Sequence[tuple[str, Expr]], name: str, variable: Expr) -> Expr:
    """The last of the lines with all names written out except one, which the variable stands for."""
    values: dict[str, Expr] = {name: variable}
    for other, e in lines:
        if other not in values:
            values[other] = _put_in(e, values)
    return _put_in(lines[-1][1], values)


def _put_in(e: Expr, values: Mapping[str, Expr]) -> Expr:
    return _with(e, {s: values[s.name] for s in symbols(e) if s.name in values})


def _with(e: Expr, mapping: Mapping[Expr, Expr]) -> Expr:
    """The expression with nodes replaced as reading its text would put them in: -X is minus all of X."""
    return replace(e, mapping, _read_again)


def _read_again(old: Expr, args: tuple[Expr, ...]) -> Expr:
    first = args[0]
    if old.op == "mul" and first.op == "num" and first.data < 0:  # type: ignore[operator]
        size = -first.data  # type: ignore[operator]
        return ops.neg(ops.mul(*(args[1:] if size == 1 else (ops.num(size), *args[1:]))))
    return ops.rebuild(old, args)


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
    """What the names of a program stand for, and its graph: a name is above what it stands for."""

    def __init__(self, lines: Sequence[tuple[str, Expr]], short: Simplifier) -> None:
        self.short = short
        self.value: dict[Expr, Expr] = {}  # of the symbol of a line: its expression, in terms of symbols
        self.lines: list[tuple[str, Expr]] = []  # the same, sums over an index as they are typed
        self.symbol: dict[str, Expr] = {}
        self.again: dict[Expr, Expr] = {}  # back from an expression to the symbol
        typed: dict[Expr, Expr] = {}  # symbols without facts to those with the facts of what they stand for
        *named, (_, last) = lines
        for name, e in named:
            e = ops.substitute(ops.substitute(e, typed), self.again)
            self.lines.append((name, e))
            e = ops.substitute(raised(apart(e)), self.again)
            symbol = ops.sym(name, kind_of_shape(e.shape, facts_of(e)))
            typed[ops.sym(name, kind_of_shape(e.shape))] = symbol
            self.symbol[name] = symbol
            self.value[symbol] = e
            if e.args:
                self.again.setdefault(e, symbol)
        self.root = ops.substitute(raised(apart(ops.substitute(ops.substitute(last, typed), self.again))), self.again)
        self.met = dict(self.again)  # the same, also transposed and with the other sign, in short form
        for e, symbol in self.again.items():
            if e.op in ("mul", "add") and not e.is_scalar:
                for turned, meant in ((ops.transpose, ops.transpose(symbol)), (ops.neg, ops.neg(symbol))):
                    self.met.setdefault(short(turned(e)), meant)
                self.met.setdefault(short(e), symbol)
        self.runs = sorted({len(e.args) for e in self.met if e.op == "mul"}, reverse=True)

    def below(self, n: Expr) -> tuple[Expr, ...]:
        e = self.value.get(n)
        return n.args if e is None else (e,)

    def order(self) -> list[Expr]:
        """Every node of the function and of what its names stand for, parts first."""
        return parts_first([self.root], self.below)

    def written(self, e: Expr) -> Expr:
        """An expression in short form, in terms of names also where it came out as what one stands for."""
        found = self.short.settled(ops.substitute(e, self.again))
        renamed = self._named(found)
        return found if renamed is found else self.short.settled(renamed)

    def _named(self, e: Expr) -> Expr:
        """An expression with the names in it, where one of them, or its transpose or negative, stands in it."""
        results: dict[Expr, Expr] = {}
        for n in topological(e):
            known = self.met.get(n)
            args = tuple(results[a] for a in n.args)
            if known is None and n.op == "mul":
                args = self._runs_named(n.args, args)
            results[n] = known or (n if args == n.args else ops.rebuild(n, args))
        return results[e]

    def _runs_named(self, old: Sequence[Expr], new: Sequence[Expr]) -> tuple[Expr, ...]:
        """The factors of a product, where a run of them is a name."""
        factors: list[Expr] = []
        start = 0
        while start < len(old):
            found = None
            for count in self.runs:
                run = old[start : start + count]
                if len(run) == count < len(old) and not run[0].is_scalar:
                    found = self.met.get(ops.mul(*run))
                    if found is not None:
                        break
            factors.append(new[start] if found is None else found)
            start += 1 if found is None else count
        return tuple(factors)


def backward(
    lines: Sequence[tuple[str, Expr]],
    values: Mapping[str, Expr],
    targets: Mapping[str, Expr],
    taken: Collection[str],
    table: Table,
    short: Simplifier,
    pattern: str = "d{}",
    projected: Container[str] = (),
) -> Backward:
    """The adjoints of the targets in the scalar that the last of the lines is.

    Each line is in terms of the names of those before it; ``values`` are the names written out. ``targets`` are
    variables as symbols, or anything for a name of a line. ``pattern`` makes the name of an adjoint. Of the targets in
    ``projected`` the gradient is a projection of the adjoint.
    """
    program = _Program(lines, short)
    targets = {name: program.symbol.get(name, x) for name, x in targets.items()}
    wanted = {x: name for name, x in targets.items()}
    names = _Names(taken, pattern, {**{s: s.name for s in program.value}, **wanted})
    order = program.order()
    active = set(wanted)
    for n in order:
        if any(a in active for a in program.below(n)):
            active.add(n)
    ends = {n for n in order if n in active and (n in program.value or n in wanted)}
    branches = _branches(program, order, active, ends)
    ends.update(branches)
    stops = ends | set(program.value)
    cotangents = _Cotangents(table, short, program, wanted)
    owner: dict[Expr, str] = {}  # of a part without a name: the quantity that it is a part of
    last = program.root
    for node in reversed(order):
        if node is not last and node not in ends:
            continue
        if node is last:
            symbol = expr = ops.num(1)
            name = ""
        else:
            parts = cotangents.received.pop(node, [])
            if not parts:
                continue
            expr = cotangents.gathered(node, parts)
            delta = node in owner
            name = owner[node] if delta else names.of[node]
            limit = _PLAIN if branches.get(node) else SHORT
            constant = not symbols(expr) or ops.unlift(expr) is not None
            plain = not expr.args or (delta and (length(expr) <= limit or constant))
            kind = kind_of_shape(node.shape, facts_of(expr) & {"symmetric"})
            symbol = expr if plain else ops.sym(names.delta(name) if delta else names.adjoint(node), kind)
        e = program.value.get(node, node)
        below = _next(e, node, stops)
        for n in below:
            if n in ends and n not in names.of:
                owner.setdefault(n, name)
        cotangents.pass_on(node, e, _Adjoint(symbol, expr, delta=node in owner), ends, below)
    present = set(order)
    absent = tuple(name for name, x in targets.items() if x not in present)
    return _result(order, program, cotangents.adjoints, targets, values, names, projected, absent)


def _branches(program: _Program, order: list[Expr], active: set[Expr], ends: set[Expr]) -> dict[Expr, bool]:
    """Parts without a name whose cotangent goes on by several arguments; whether to several ends.

    A part of a sum over an index has one only where the index is not in it.
    """
    sums = any(n.op == "isum" for n in order)
    inside = {n for n, free in free_indices(order).items() if free} if sums else set()
    several = program.root  # stands for more than one
    whole = {program.root, *program.value.values()}
    reached: dict[Expr, Expr] = {}
    found: dict[Expr, bool] = {}
    for n in order:
        if n in ends:
            reached[n] = n
        elif n in active:
            below = {reached[a] for a in n.args if a in active}
            reached[n] = below.pop() if len(below) == 1 else several
            if n not in whole and n not in inside and sum(a in active for a in n.args) > 1:
                found[n] = reached[n] is several
    return found


class _Names:
    """Names of adjoints, none of them taken."""

    def __init__(self, taken: Collection[str], pattern: str, of: Mapping[Expr, str]) -> None:
        self.of = of
        self.pattern = pattern
        self._taken = taken
        self._adjoints: dict[Expr, str] = {}
        self._deltas: Counter[str] = Counter()
        self.called: dict[str, tuple[str, int]] = {}

    def adjoint(self, node: Expr) -> str:
        """dX for X, always the same."""
        found = self._adjoints.get(node)
        if found is None:
            found = self._adjoints[node] = self._free(self.pattern.format(self.of[node]), "_")
            self.called[found] = self.of[node], 0
        return found

    def taken(self) -> set[str]:
        """All names that mean something."""
        return {*self._taken, *self.called, *self.of.values()}

    def delta(self, owner: str) -> str:
        """delta_h for a part of h, delta_h_2 for another one."""
        found = self._free(f"delta_{owner}" if owner else "delta")
        self._deltas[owner] += 1
        self.called[found] = owner, self._deltas[owner]
        return found

    def _free(self, name: str, mark: str = "") -> str:
        found = name
        number = 1
        while found in self._taken or found in self.called:
            number += 1
            found = f"{found}{mark}" if mark else f"{name}_{number}"
        return found


class _Cotangents:
    """Cotangents on their way back."""

    def __init__(self, table: Table, short: Simplifier, program: _Program, wanted: Container[Expr]) -> None:
        self.table = table
        self.short = short
        self.program = program
        self.wanted = wanted
        self.adjoints: dict[Expr, _Adjoint] = {}
        self.received: dict[Expr, list[tuple[Expr, Expr]]] = {}  # end: (source, contribution in terms of its symbol)
        self._below: dict[Expr, tuple[Expr, tuple[Expr, ...], Container[Expr]]] = {}
        self._inline: dict[Expr, dict[Expr, Expr]] = {}

    def pass_on(self, node: Expr, e: Expr, adjoint: _Adjoint, ends: set[Expr], below: Mapping[Expr, None]) -> None:
        """From a node, which is e in terms of those below it, to these."""
        self.adjoints[node] = adjoint
        reached = tuple(n for n in below if n in ends)
        through = pullback(e, adjoint.symbol, reached, self.table, self.short, below) if reached else {}
        found = {t: g for t, g in through.items() if not _is_zero(g)}
        self._below[node] = e, tuple(found), below
        adjoint.users = len(found)
        for t, g in found.items():
            self.received.setdefault(t, []).append((node, g))

    def inline(self, source: Expr, target: Expr) -> Expr:
        """The contribution of a source with its adjoint written out."""
        if source not in self._inline:
            e, reached, below = self._below[source]
            self._inline[source] = pullback(e, self.adjoints[source].expr, reached, self.table, self.short, below)
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


def _next(e: Expr, node: Expr, stops: set[Expr]) -> dict[Expr, None]:
    """The stops that a node, which is e, is made of directly, in order of occurrence."""
    found: dict[Expr, None] = {}
    seen: set[Expr] = set()
    stack = [e]
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n in stops and n is not node:
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
    targets: Mapping[str, Expr],
    values: Mapping[str, Expr],
    names: _Names,
    projected: Container[str],
    absent: tuple[str, ...],
) -> Backward:
    """Only what is used, in dependency order; and the gradients written out."""
    wanted = {x: name for name, x in targets.items()}
    named = {name: adjoints[x].expr if x in adjoints else ops.zeros(*x.shape) for name, x in targets.items()}
    back = [(a.symbol, a.expr) for a in (adjoints[n] for n in reversed(order) if n in adjoints) if a.has_line]
    full: dict[Expr, Expr] = {s: values[s.name] for s in program.value}
    lines = program.lines
    used = {name for name, _ in needed([(s.name, e) for s, e in back], named.values())}
    for s, e in back:
        if s.name in used:
            full[s] = _with(e, full)
    written = {name: _with(e, full) for name, e in named.items()}
    also = _answers_among(adjoints, wanted, names, projected)
    back = [(also.get(s, s), ops.substitute(e, also)) for s, e in back if s.name in used and also.get(e) is not s]
    standing = dict(back)
    named = {name: standing[also[e]] if e in also else ops.substitute(e, also) for name, e in named.items()}
    back, named = _worded(back, named, names)
    lines_used = needed(lines + [(s.name, e) for s, e in back], named.values())
    called = {name: names.adjoint(x) for name, x in targets.items()}
    return Backward(lines_used, named, written, called, tuple(lines), program.root, absent, names.called)


def _worded(
    back: list[tuple[Expr, Expr]], answers: dict[str, Expr], names: _Names
) -> tuple[list[tuple[Expr, Expr]], dict[str, Expr]]:
    """Long lines with names for the parts that they repeat, each just before the line that first uses it."""
    lines = list(dict.fromkeys([*(e for _, e in back), *answers.values()]))
    before = sum(map(length, lines))
    if max(map(length, lines), default=0) <= _WIDE or before > _MANY:
        return back, answers
    definitions, after = written_with_names(lines, names.taken())
    if total(definitions, after) > WORTH * before:
        return back, answers
    short = dict(zip(lines, after, strict=True))
    waiting = {name: (ops.sym(name, kind_of_shape(e.shape)), e) for name, e in definitions}
    placed: list[tuple[Expr, Expr]] = []

    def place(e: Expr) -> None:
        used, todo = [], [e]
        while todo:
            for s in symbols(todo.pop()):
                if s.name in waiting:
                    used.append(waiting.pop(s.name))
                    todo.append(used[-1][1])
        order = {name: i for i, (name, _) in enumerate(definitions)}
        placed.extend(sorted(used, key=lambda line: order[line[0].name]))

    for s, e in back:
        place(short[e])
        placed.append((s, short[e]))
    for e in answers.values():
        place(short[e])
    return placed, {name: short[e] for name, e in answers.items()}


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
