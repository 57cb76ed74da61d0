"""A program resolved: loops written out, declarations collected, each name tied to what it stands for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from matcalc.errors import (
    DeclarationError,
    InputError,
    LimitError,
    MatcalcError,
    SyntaxProblem,
    UnknownName,
    UnsupportedError,
)
from matcalc.kinds import ELEMENTWISE, Kind
from matcalc.language.declarations import dimension, instantiate, kind_of, size
from matcalc.language.misreadings import close_matches
from matcalc.language.names import conventional_form, is_function_like, is_greek, spelled
from matcalc.language.scopes import index_places, mark_bound
from matcalc.language.syntax import Node, Statement
from matcalc.language.vocabulary import ALIASES, CONSTANTS, ELSEWHERE, FILLED, FUNCTIONS, KNOWN, SAID
from matcalc.shapes import SCALAR, Dim, Shape

MAX_NODES = 2_000_000
NONE: Mapping[str, int] = {}


class Inference(NamedTuple):
    """Kinds of the undeclared names, and the sizes of constants and index sums by (line, node)."""

    kinds: dict[str, Kind]
    sizes: dict[tuple[int, int], Shape]


class Variable:
    """An undeclared name: its form (which may leave the ``convention``), its shape, where it first stands."""

    __slots__ = ("convention", "first", "fixed", "form", "integer", "name", "position", "shape", "transposed")

    def __init__(self, name: str, first: int, position: int) -> None:
        self.name = name
        self.convention = conventional_form(name)
        self.form = self.convention
        self.first = first
        self.position = position
        self.fixed = False  # an index: always a scalar
        self.integer = False
        self.transposed = False  # somewhere, as in b'*x
        self.shape: Shape = SCALAR


class Line:
    """A statement with a value: its nodes, its name if it has one, the values of loop indices, and for each
    node what its name stands for (``meaning``, by place)."""

    __slots__ = ("indices", "meaning", "name", "nodes", "number", "start", "variables")

    def __init__(self, number: int, statement: Statement, name: str, indices: Mapping[str, int]) -> None:
        self.number = number
        self.nodes = statement.nodes
        self.start = statement.start
        self.name = name
        self.indices = indices
        self.meaning: dict[int, tuple[Any, ...]] = {}
        self.variables: dict[int, Variable] = {}


class Program:
    """The lines of a program, what is declared, and the undeclared names in order of occurrence."""

    def __init__(
        self, text: str, found: list[Statement], declared: Mapping[str, Kind], dims: Iterable[str] = ()
    ) -> None:
        self.text = text
        self.kinds: dict[str, Kind] = dict(declared)
        self.stated: set[str] = set()  # declared in the program itself
        self.lines: list[Line] = []
        self.variables: dict[str, Variable] = {}
        self.functions: dict[str, Kind] = {}  # undeclared names that are called
        self.mentioned: dict[str, None] = {}  # every name that occurs, in order
        self.constants: dict[str, int] = {}  # names assigned a plain integer
        self._assigned: dict[str, tuple[int, int]] = {}  # name -> (line, position)
        self._budget = MAX_NODES
        self._expand(found)
        self.dims: set[str] = {*dims, *(name for kind in self.kinds.values() for name in _dims(kind))}
        for line in self.lines:
            self._sizes(line)
        self._check_dims()
        for line in self.lines:
            self._resolve(line)
        known = {*self.mentioned, *self.kinds}
        family = Counter(name[:-1] for name in known if len(self.lines) > 1)  # there Wx beside Wh has an index
        for variable in self.variables.values():
            lone = set() if family[variable.name[:-1]] > 1 else known - set(self._assigned)
            _check_run_together(variable, known, lone)

    def index_of(self, name: str) -> int | None:
        """The number of the line that assigns the name."""
        found = self._assigned.get(name)
        return None if found is None else found[0]

    # --- lines and declarations ---------------------------------------------------------------------

    def _expand(self, found: list[Statement]) -> None:
        last = next((s for s in reversed(found) if s.form != "declaration"), None)
        for statement in found:
            if statement.form == "loop":
                self._loop(statement)
            elif statement.form == "function" and statement is not last:
                raise SyntaxProblem(
                    "this line has no name, and it is not the last", position=statement.start,
                    hint="write name = expression on every line but the last",
                )  # fmt: skip
            else:
                self._statement(statement, NONE)

    def _loop(self, loop: Statement) -> None:
        assert loop.bounds is not None
        index = spelled(loop.names[0])
        low, high = (self._bound(bound) for bound in loop.bounds)
        nodes = sum(len(s.nodes) for s in loop.body) + 1
        if (high - low + 1) * nodes > self._budget:
            raise LimitError("this loop is too long to write out", position=loop.start)
        for statement in loop.body:
            if statement.form == "function":
                raise SyntaxProblem(
                    "a loop holds definitions and declarations", position=statement.start,
                    hint="write for i in 1..3: h{i} = ...",
                )  # fmt: skip
        for value in range(low, high + 1):
            for statement in loop.body:
                self._statement(statement, {index: value})

    def _bound(self, bound: Node) -> int:
        value = dimension(bound, self.constants).number
        if value is None:
            raise DeclarationError(
                "the bounds of a loop must be numbers", position=bound.start,
                hint="a loop writes out the names h1, h2, ...; give K as a number, as in K = 3",
            )  # fmt: skip
        return value

    def _statement(self, statement: Statement, indices: Mapping[str, int]) -> None:
        self._budget -= len(statement.nodes)
        if self._budget < 0:
            raise LimitError("the program is too long", position=statement.start)
        if statement.form == "declaration":
            kind = kind_of(statement, indices)
            for token in statement.names:
                position = token.start_pos or 0
                self._declare(instantiate(spelled(token), indices, position), kind, position)
            return
        name = ""
        if statement.form == "definition":
            token = statement.names[0]
            position = token.start_pos or 0
            name = instantiate(spelled(token), indices, position)
            if name in self._assigned:
                raise InputError(f"{name} is assigned twice", position=position, hint="each name is assigned once")
            self._assigned[name] = (len(self.lines), position)
            root = statement.root
            if root is not None and root.op == "number" and root.data.denominator == 1:
                self.constants[name] = int(root.data)
        self.lines.append(Line(len(self.lines), statement, name, indices))

    def _declare(self, name: str, kind: Kind, position: int) -> None:
        known = self.kinds.get(name)
        if known is not None and known != kind:
            raise DeclarationError(f"{name} is declared twice: {known.text()} and {kind.text()}", position=position)
        check_declarable(name, kind, position)
        self.kinds[name] = kind
        self.stated.add(name)

    def _check_dims(self) -> None:
        for name in self.dims:
            kind = self.kinds.get(name)
            if kind is not None and kind.form != "scalar":
                raise DeclarationError(f"{name} is declared as {kind.text()}, and used as a dimension")
            if name in self._assigned:
                raise DeclarationError(f"{name} is assigned, and used as a dimension", position=self._assigned[name][1])

    # --- names --------------------------------------------------------------------------------------

    def _sizes(self, line: Line) -> None:
        """Sizes of constants are dimensions: ``eye(n)``."""
        for node in line.nodes:
            if node.op == "call" and node.data[2]:
                sizes = tuple(size(s, line.indices) for s in node.data[2])
                line.meaning[node.at] = ("sized", node.data[0], sizes)
                self.dims |= {name for dim in sizes for name in dim.names}

    def _resolve(self, line: Line) -> None:
        mark_bound(line.nodes)
        integers = index_places(line.nodes)
        for node in line.nodes:
            if node.op == "name":
                name = instantiate(node.data, line.indices, node.start)
                self.mentioned.setdefault(name)
                line.meaning[node.at] = self._meaning(name, node, line, node.at in integers)
            elif node.op == "power":
                self._check_exponent(node, line)
            elif node.op == "transpose" and node.args[0].at in line.variables:
                line.variables[node.args[0].at].transposed = True
            elif node.op in ("call", "derivative"):
                self._function(node, line)
            elif node.op in ("bound", "range"):
                self._check_index(node)

    def _check_exponent(self, node: Node, line: Line) -> None:
        """Undeclared, the T of x^T is meant as a transpose, the e of e^x as Euler's number."""
        exponent = node.args[1]
        inner = exponent.args[0] if exponent.op == "neg" else exponent
        if inner.op == "name" and inner.data in ("T", "top") and inner.at in line.variables:
            base = self.text[node.args[0].start : node.args[0].stop]
            raise InputError(
                f"{inner.data} is a name like any other, not the transpose", position=inner.start,
                hint=f"write {base}'" if inner is exponent else f"write inv({base})'",
            )  # fmt: skip
        power = node.args[0]
        if power.op == "name" and power.data == "e" and power.at in line.variables and inner.op != "number":
            raise InputError(
                "e is a name like any other, not the base of the exponential", position=power.start,
                hint="write exp(...), or declare e: scalar",
            )  # fmt: skip

    def _check_index(self, node: Node) -> None:
        name = node.data
        taken = "declared" if name in self.kinds or name in self.dims else "assigned" if name in self._assigned else ""
        if taken:
            raise InputError(
                f"{name} is {taken}, so it cannot be the index of a sum", position=node.start,
                hint="sum(i, x[i]) sums over an undeclared index; axis is a keyword, as in sum(X, axis=0)",
            )  # fmt: skip

    def _meaning(self, name: str, node: Node, line: Line, integer: bool) -> tuple[Any, ...]:
        assigned = self._assigned.get(name)
        if assigned is not None:
            if assigned[0] >= line.number:
                raise UnknownName(f"{name} is used before it is assigned", position=node.start)
            return ("line", assigned[0])
        if name in line.indices:
            return ("integer", line.indices[name])
        kind = self.kinds.get(name)
        if name in self.dims and (kind is None or kind.form == "scalar"):
            return ("dim", Dim.of(name))
        if kind is not None:
            if kind.form == "function":
                raise UnknownName(
                    f"{name} is a function, and has no argument here", position=node.start, hint=f"write {name}(x)"
                )
            return ("known", kind, name)
        if name == "pi":
            return ("pi",)
        if name == "eye":
            return ("eye",)
        if name in self.functions:
            raise UnknownName(f"{name} is used as a function and as a variable", position=node.start)
        if name != "sigma" and name in KNOWN:
            hint = "write vector(c) or ones(n) for a constant" if name in CONSTANTS or name in FILLED else ""
            raise UnknownName(
                f"{name} is a function, and has no argument here", position=node.start, hint=hint or f"write {name}(x)"
            )
        variable = self.variables.get(name)
        if variable is None:
            variable = self.variables[name] = Variable(name, line.number, node.start)
        if integer:
            variable.fixed = variable.integer = True
            variable.form = "scalar"
        line.variables[node.at] = variable
        return ("variable", variable)

    def _function(self, node: Node, line: Line) -> None:
        name = instantiate(node.data[0], line.indices, node.start)
        if node.op == "derivative":
            kind = self.kinds.get(name)
            if kind is None or kind.form != "function" or kind.args is None:
                raise UnknownName(
                    f"{node.data[1]} of {name} needs a declared function", position=node.start,
                    hint=f"declare it, as in {name}: function(vector(n)) -> "
                    + ("vector(m)" if node.data[1] == "D" and len(node.data[2]) < 2 else "scalar"),
                )  # fmt: skip
            self.mentioned.setdefault(name)
            line.meaning[node.at] = ("derivative", name, kind, node.data[1], node.data[2])
            return
        if node.at in line.meaning:
            return
        primes = node.data[1]
        kind = self.kinds.get(name)
        if kind is not None and kind.form == "function":
            self.mentioned.setdefault(name)
            line.meaning[node.at] = ("undefined", name, kind, primes)
            return
        if kind is not None or name in self._assigned or name in self.dims:
            what = f"a {kind.form}" if kind is not None else "assigned" if name in self._assigned else "a dimension"
            shown = name + "'" * primes
            raise UnknownName(
                f"{name} is {what}, not a function", position=node.start, hint=f"write {shown}*(...) for a product"
            )
        canonical = ALIASES.get(name, name)
        if canonical in FUNCTIONS or canonical in CONSTANTS or canonical in FILLED:
            if primes:
                raise UnsupportedError(
                    f"the derivative of {canonical} is not written with a prime", position=node.start,
                    hint="primes are for undefined functions; write the derivative out",
                )  # fmt: skip
            line.meaning[node.at] = ("function", canonical)
            return
        if name in self.variables:
            shown = name + "'" * primes
            raise UnknownName(
                f"{name} is used as a variable and as a function", position=node.start,
                hint=f"write {shown}*(...) for a product",
            )  # fmt: skip
        if name in ("T", "top") and self.text[: node.start].rstrip().endswith("^"):
            shown = re.search(r"([A-Za-z]\w*)\s*\^\s*$", self.text[: node.start])
            raise InputError(
                f"{name} is a name like any other, not the transpose", position=node.start,
                hint=f"write {shown[1] if shown else '(...)'}'*(...)",
            )  # fmt: skip
        _refuse_unknown(name, primes, node.start)
        self.mentioned.setdefault(name)
        self.functions[name] = ELEMENTWISE
        line.meaning[node.at] = ("undefined", name, ELEMENTWISE, primes)


def check_declarable(name: str, kind: Kind, position: int | None = None) -> None:
    """Refuse to declare the constants of the language as something else."""
    if kind.form == "function" and (name in CONSTANTS or name in FILLED):
        raise DeclarationError(f"{name} is a constant of the language", position=position)


def _check_run_together(variable: Variable, known: set[str], lone: set[str]) -> None:
    """``Ax`` is a name; where A and x are names too, or x is one of the ``lone`` ones, it is hardly meant."""
    name = variable.name
    if not (name.isalpha() and 2 <= len(name) <= 4) or is_greek(name):
        return
    if known.issuperset(name) or (re.fullmatch("[A-Z]{1,3}[a-z]", name) and name[-1] in lone):
        raise InputError(
            f"is {name} the product {'*'.join(name)}?", position=variable.position,
            hint=f"{name} is one name: write {'*'.join(name)} or {' '.join(name)}, or declare {name}",
        )  # fmt: skip


def _refuse_unknown(name: str, primes: int, position: int) -> None:
    """Undeclared functions have short names; anything else is probably a misspelling."""
    if name in ELSEWHERE or name in SAID:
        other = ELSEWHERE.get(name) or SAID[name]
        raise UnknownName(f"the function {name} is unknown", position=position, hint=f"write {other}")
    if name[0].isupper() and is_function_like(name):
        shown = name + "'" * primes
        raise UnknownName(
            f"{name} is a matrix by its first letter, not a function", position=position,
            hint=f"write {shown}*(...) for a product, or declare {name}: function",
        )  # fmt: skip
    if is_function_like(name):
        return
    if re.fullmatch("sum_[a-z]", name):
        hint = f"a sum over an index is written sum({name[-1]}, ...)"
        raise UnknownName(f"the function {name} is unknown", position=position, hint=hint)
    near = close_matches(name, KNOWN)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownName(
        f"the function {name} is unknown", position=position, hint=f"{hint}declare {name}: function if it is undefined"
    )


def _dims(kind: Kind) -> Iterator[str]:
    parts = [kind, *(kind.args or ()), *([kind.result] if kind.result else [])]
    for part in parts:
        yield from part.rows.names
        yield from part.cols.names


def place(error: MatcalcError, text: str) -> MatcalcError:
    """The error with the text that its position refers to."""
    if error.text is None and error.position is not None:
        error.text = text
    return error
