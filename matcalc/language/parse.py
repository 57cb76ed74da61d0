"""Text -> expression, problem, kind, declarations: the front door of the language."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from matcalc.errors import DeclarationError, InputError, MatcalcError, UnknownName
from matcalc.expr import Expr, topological
from matcalc.indices import names_in
from matcalc.kinds import Kind
from matcalc.language.declarations import kind_of
from matcalc.language.draft import Conflict
from matcalc.language.elaborate import elaborate, elaborated_lines
from matcalc.language.infer import infer
from matcalc.language.names import COUNTS, is_greek, spelled
from matcalc.language.program import NONE, Program, check_declarable, place
from matcalc.language.syntax import kind_statement, statements

Declarations = Mapping[str, "str | Kind"] | str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What a text asks about.

    ``function`` is the expression; ``kinds`` are those of every name that occurs or is declared, in order of
    occurrence; ``definitions`` the named lines of a program, each written out; ``inferred`` the names whose
    kind was not declared; ``notes`` what the reader should know about that. ``lines`` are the named lines before the
    function's, and its own without a name, each in terms of the names of those before it.
    """

    function: Expr
    kinds: dict[str, Kind]
    definitions: tuple[tuple[str, Expr], ...]
    inferred: frozenset[str]
    notes: tuple[str, ...]
    text: str
    lines: tuple[tuple[str, Expr], ...] = ()

    @property
    def absent(self) -> tuple[str, ...]:
        """The names that are declared and occur nowhere."""
        there = names_in(self.function, *(e for _, e in self.definitions))
        return tuple(name for name in self.kinds if name not in there)


def parse(text: str, declare: Declarations = None, *, dims: Iterable[str] = ()) -> Expr:
    """The expression that the text stands for; of a program the last line, names written out."""
    return read(text, declare, dims=dims).function


def read(
    text: str,
    declare: Declarations = None,
    of: str | None = None,
    wrt: Iterable[str] = (),
    *,
    dims: Iterable[str] = (),
    conventions: Mapping[str, str] | None = None,
) -> Problem:
    """The function of a text or program (``of``: the name of a line) with the kinds of all names.

    ``wrt``: names that must be known. ``dims``: names that are dimensions although no declaration mentions them.
    ``conventions``: what undeclared names are taken for (scalar, vector) instead of what their letter says.
    """
    declared = parse_declarations(declare)
    found = statements(text)
    try:
        program = Program(text, found, declared, (*dims, *getattr(declare, "dims", ())))
        if not program.lines:
            raise InputError("there is no expression here, only declarations", position=len(text))
        for name, form in (conventions or {}).items():
            program.variables[name].convention = form
        inference = infer(program)
        values = elaborate(program, inference)
    except MatcalcError as error:
        raise place(error, text) from None
    except Conflict as conflict:
        raise place(conflict.error(), text) from None
    number: int | None = len(values) - 1
    if of is not None:
        number = program.index_of(spelled(of))
        if number is None:
            raise UnknownName(f"no line assigns {of}")
    assert number is not None
    kinds: dict[str, Kind] = {}
    for name in (*program.mentioned, *program.kinds):
        if program.index_of(name) is not None:
            continue
        kind = inference.kinds.get(name) or program.functions.get(name) or program.kinds.get(name)
        if kind is not None and name not in kinds and not (kind.form == "scalar" and name in program.dims):
            kinds[name] = kind
    definitions = tuple((line.name, values[line.number]) for line in program.lines if line.name)
    known = {*kinds, *program.dims, *(name for name, _ in definitions)}
    for name in (wrt,) if isinstance(wrt, str) else wrt:
        base = re.match(r"\s*([^\s\[]*)", name)
        if base is None or spelled(base[1]) not in known:
            raise UnknownName(f"{name} neither occurs nor is declared", hint=_where_it_may_be(name, kinds))
    inferred = frozenset({*program.variables, *program.functions})
    kept = elaborated_lines(program, inference) if len(program.lines) > 1 else []
    lines = _up_to(program.lines[number].name, kept)
    return Problem(values[number], kinds, definitions, inferred, _notes(program, kinds, values[number]), text, lines)


def scalar_reading(problem: Problem, wrt: Collection[str], declare: Declarations, of: str | None) -> str | None:
    """``n: scalar``: the one undeclared name whose other reading makes a scalar of a function that is none.

    A letter read as a vector may be meant as a number, a Greek one read as a scalar as a vector of coefficients.
    By a number, derivatives of vectors are usual: nothing is said.
    """
    by_number = any(problem.kinds[name].form == "scalar" for name in wrt if name in problem.kinds)
    others = {}
    for name in problem.inferred:
        kind = problem.kinds.get(name)
        if kind is not None and kind.form == "scalar" and is_greek(name):
            others[name] = "vector"
        elif kind is not None and kind.form == "vector" and name not in wrt and not by_number:
            others[name] = "scalar"
    found = []
    for name, form in others.items():
        with suppress(MatcalcError):
            other = read(problem.text, declare, of=of, wrt=wrt, conventions={name: form})
            if other.function.is_scalar and other.kinds[name].form == form:
                found.append(f"{name}: {other.kinds[name].text()}")
    return found[0] if len(found) == 1 else None


def _where_it_may_be(name: str, kinds: Mapping[str, Kind]) -> str:
    """The names that there are; of x, which does not occur, that Ax is one of them."""
    hint = f"the names are {', '.join(kinds)}"
    run = next((k for k in kinds if k.isalpha() and len(k) <= 4 and not is_greek(k) and name in k[1:]), None)
    return (
        hint if run is None or len(name) != 1 else f"{hint}; {run} is one name: write {'*'.join(run)} for the product"
    )


def _up_to(name: str, kept: list[tuple[str, Expr]]) -> tuple[tuple[str, Expr], ...]:
    """The lines before the one of that name, and this one without its name; none if it is not among them."""
    end = next((i for i, (other, _) in enumerate(kept) if other == name), None)
    return () if end is None else (*kept[:end], ("", kept[end][1]))


def _notes(program: Program, kinds: Mapping[str, Kind], function: Expr) -> tuple[str, ...]:
    """Of what looks like a length, the identity or a sum of squares and is not read so: how to write those."""
    lengths = {k: kind.rows for k, kind in kinds.items() if kind.form == "vector" and k in program.variables}
    reduced = [d for n in topological(function) if n.op in ("sum", "mean", "norm2", "norm1") for d in n.args[0].shape]
    notes = []
    summed = [n.args[0] for n in topological(function) if n.op in ("sum", "mean")]
    powers = {n.args[1].data for n in summed if n.op == "matpow" and n.args[1].op == "num"}
    for k in sorted(k for k in powers if k > 1):  # type: ignore[operator,type-var]
        notes.append(f"in the sum, ^{k} is the power of a square matrix; that of each entry is written .^{k}")
    for variable in program.variables.values():
        if variable.name == "I" and variable.form == "matrix" and kinds["I"].rows is kinds["I"].cols:
            notes.append("I is a matrix like any other; the identity is eye(n), or eye where its size is known")
        if variable.name in COUNTS and variable.form == "scalar" and not variable.integer:
            choice = next((k for d in reduced for k, length in lengths.items() if length is d), None)
            choice = choice or next(iter(lengths), None)
            hint = f"; to make it the length of {choice} declare {choice}: vector({variable.name})" if choice else ""
            notes.append(f"{variable.name} is a scalar parameter{hint}")
    return tuple(notes)


def parse_kind(text: str | Kind) -> Kind:
    """The kind that is typed: ``symmetric(n)``, ``matrix(n, n), invertible``, ``function(vector(n)) -> scalar``."""
    return text if isinstance(text, Kind) else _typed_kind(text)


@lru_cache(maxsize=1 << 10)
def _typed_kind(text: str) -> Kind:
    statement = kind_statement(text)
    try:
        return kind_of(statement, NONE)
    except MatcalcError as error:
        raise place(error, text) from None


def parse_declarations(declare: Declarations) -> dict[str, Kind]:
    """The declared kinds by name: from a mapping, or from text with one declaration a line (or after ``;``)."""
    if declare is None:
        return {}
    if isinstance(declare, Mapping):
        return _from_mapping(declare)
    if not isinstance(declare, str):
        raise DeclarationError(f"declarations are text or a mapping, not {type(declare).__name__}")
    if not declare.strip(" \t\r\n;"):
        return {}
    kinds: dict[str, Kind] = {}
    for statement in statements(declare):
        if statement.form != "declaration":
            raise DeclarationError(
                "this is not a declaration", text=declare, position=statement.start,
                hint="write A: symmetric(n); x: vector(n)",
            )  # fmt: skip
        try:
            kind = kind_of(statement, NONE)
            for token in statement.names:
                name = spelled(token)
                known = kinds.get(name)
                if known is not None and known != kind:
                    raise DeclarationError(
                        f"{name} is declared twice: {known.text()} and {kind.text()}", position=token.start_pos
                    )
                check_declarable(name, kind, token.start_pos)
                kinds[name] = kind
        except MatcalcError as error:
            raise place(error, declare) from None
    return kinds


_NAME = re.compile(r"[^\W\d_]\w*")


def _from_mapping(declare: Mapping[str, str | Kind]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for key, value in declare.items():
        name = spelled(str(key).strip())
        if not _NAME.fullmatch(name) or not name.isascii():
            raise DeclarationError(f"{key!r} is not a name")
        kind = parse_kind(value)
        if name in kinds and kinds[name] != kind:
            raise DeclarationError(f"{name} is declared twice: {kinds[name].text()} and {kind.text()}")
        check_declarable(name, kind)
        kinds[name] = kind
    return kinds
