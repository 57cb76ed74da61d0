"""What is asked for: the function, the variables and the names that are free; wrong questions are refused here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from matcalc import ops
from matcalc.answers.wording import own_names
from matcalc.calculus.backward import cut
from matcalc.errors import InputError, LimitError, UnknownName, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.indices import declared_names, names_in
from matcalc.kinds import Kind, kind_of_shape
from matcalc.language.names import spelled
from matcalc.language.parse import Problem, parse, read, scalar_reading
from matcalc.rules.facts import facts_of
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE, shape_text
from matcalc.simplifier.orientation import Orientation
from matcalc.simplifier.simplify import Simplifier

_TOWER = 100  # x^x^x^...: the derivative of a tower is quadratic in its height


@dataclass(frozen=True)
class Asked:
    """A function and by what it is differentiated: ``nodes`` are variables, or quantities that the program names."""

    problem: Problem
    order: int
    structure: str
    pattern: str
    table: Table
    nodes: Mapping[str, Expr]
    residuals: tuple[tuple[str, Expr], ...]
    notes: tuple[str, ...]

    @property
    def function(self) -> Expr:
        return self.problem.function

    @property
    def is_program(self) -> bool:
        """Whether the answer is a backward program."""
        return self.function.is_scalar and self.order == 1 and len(self.problem.lines) > 1

    @cached_property
    def short(self) -> Simplifier:
        """One simplifier for the whole derivation: it says in the end what it gave up."""
        return Simplifier(rewriter(self.table))

    @cached_property
    def as_typed(self) -> Orientation:
        """The orientation of differences and inverses in the text that was typed."""
        return Orientation([self.function, *(e for _, e in self.problem.lines)], self.short)

    @cached_property
    def variables(self) -> dict[str, Expr]:
        """A symbol for each variable, also for a quantity that the program names."""
        return {
            name: n if n.op == "sym" and n.name == name else ops.sym(name, kind_of_shape(n.shape))
            for name, n in self.nodes.items()
        }

    @property
    def taken(self) -> set[str]:
        """Names that mean something already."""
        own = {name for name, _ in self.problem.definitions} if self.is_program else set()
        return _taken(self.problem) | own


def asked_for(
    function: Any,
    wrt: Any,
    declare: Mapping[str, str | Kind] | str | None,
    of: str | None,
    order: int,
    structure: str,
    pattern: str,
    table: Table,
    residuals: Mapping[str, str | Expr],
) -> Asked:
    """The question, read and checked; a subclass of ``MatcalcError`` says what is wrong with it."""
    _check_pattern(pattern)
    names = _names(wrt if isinstance(wrt, str) or not hasattr(wrt, "name") else _name(wrt))
    problem = _problem(function, names, declare, of)
    if order not in (1, 2):
        raise UnsupportedError(f"derivatives of order {order} are not supported", hint="the order is 1 or 2")
    f = problem.function
    if _tower(f) > _TOWER:
        raise LimitError(f"powers of powers are nested too deeply: at most {_TOWER}")
    meant = None if f.is_scalar or not isinstance(function, str) else scalar_reading(problem, names, declare, of)
    notes = list(problem.notes)
    if meant:
        notes.append(f"the function is {_form(f)}; if a scalar is meant, declare {meant}")
    if order == 2 and not f.is_scalar:
        message = f"the function is {_form(f)}; a Hessian needs a scalar function"
        hint = f"if a scalar is meant, declare {meant}" if meant else "sum(...) or one entry of it"
        raise UnsupportedError(message, hint=hint)
    if order == 2 or not f.is_scalar:
        problem = _standing(problem, names)
    nodes = _targets(problem, names)
    words = _own_names(residuals, problem, {*_taken(problem), *(pattern.format(name) for name in names)})
    return Asked(problem, order, structure, pattern, table, nodes, words, tuple(notes))


def _taken(problem: Problem) -> set[str]:
    f = problem.function
    return declared_names(problem.kinds) | names_in(f) - {str(n.data) for n in topological(f) if n.op == "idx"}


def _own_names(residuals: Mapping[str, str | Expr], problem: Problem, taken: set[str]) -> tuple[tuple[str, Expr], ...]:
    """The names that the reader gives to parts, with what they stand for; a later one may use those before it."""
    if residuals and any(node is not problem.function for _, node in problem.definitions):
        name, e = next(iter(residuals.items()))
        raise InputError("a program names its parts itself", hint=f"write {name} = {e} as a line of it")
    kinds: dict[str, Kind] = dict(problem.kinds)
    found: dict[str, Expr] = {}
    for name, typed in residuals.items():
        name = spelled(name.strip())
        if not name.isidentifier():
            raise InputError(f"'{name}' is not a name", hint="residuals are given as r = A*x - b")
        e = parse(typed, kinds) if isinstance(typed, str) else typed
        found[name] = e
        if name not in kinds:
            kinds[name] = kind_of_shape(e.shape, facts_of(e))
    return own_names(found, problem.function, taken)


def _tower(f: Expr) -> int:
    """The largest number of powers one in the exponent of the other."""
    heights: dict[Expr, int] = {}
    for n in topological(f):
        if n.op == "pow":
            heights[n] = 1 + heights.get(n.args[1], 0)
    return max(heights.values(), default=0)


def _name(w: Any) -> str:
    """A name, given as text or as a SymPy symbol."""
    return w if isinstance(w, str) else str(getattr(w, "name", w))


def _names(wrt: str | Sequence[str]) -> tuple[str, ...]:
    names = tuple(n.strip() for n in wrt.split(",")) if isinstance(wrt, str) else tuple(_name(w) for w in wrt)
    if not names or not all(names):
        raise InputError("no variable to differentiate by", hint="name one, as in wrt='x' or --wrt x")
    return tuple(dict.fromkeys(map(spelled, names)))


def _check_pattern(adjoint: str) -> None:
    """A pattern for names of adjoints has the place of the name in it once, and nothing that is not in names."""
    front, braces, back = adjoint.partition("{}")
    if not braces or not f"x{back}".isidentifier() or (front and not front.isidentifier()) or not (front or back):
        hint = "{} is the place of the name, as in 'd{}' or '{}_bar'"
        raise InputError(f"{adjoint!r} is no pattern for names", hint=hint)


def _problem(function: Any, names: Sequence[str], declare: Any, of: str | None) -> Problem:
    if isinstance(function, Problem):
        return function
    if isinstance(function, str):
        return read(function, declare, of=of, wrt=() if tuple(names) == ("all",) else names)
    from matcalc.bridge.sympy_bridge import problem_of

    return problem_of(function, declare)


def _standing(problem: Problem, names: Sequence[str]) -> Problem:
    """The problem in which a quantity that the program names is a variable."""
    own = [name for name in names if name in {name for name, _ in problem.lines}]
    if not own:
        return problem
    if len(names) > 1:
        message = f"{own[0]} depends on other variables: the derivative by it is taken alone"
        raise UnsupportedError(message, hint=f"--wrt {own[0]}")
    shape = dict(problem.definitions)[own[0]].shape
    kind = kind_of_shape(shape)
    function = cut(problem.lines, own[0], ops.sym(own[0], kind))
    return replace(problem, function=function, kinds={**problem.kinds, own[0]: kind}, definitions=(), lines=())


def _targets(problem: Problem, names: Sequence[str]) -> dict[str, Expr]:
    """The variables, or the quantities that a program names; ``all``: every one of them that can vary."""
    defined = {name: node for name, node in problem.definitions if node is not problem.function}
    kept = {name for name, _ in problem.lines}
    if tuple(names) == ("all",) and "all" not in problem.kinds and "all" not in defined:
        fixed = {"integer", "onehot"}
        plain = [n for n, k in problem.kinds.items() if k.form != "function" and not fixed & k.facts]
        names = [*plain, *(name for name, _ in problem.lines if name)]
    for name in names:
        if name in defined and kept and name not in kept:
            raise UnsupportedError(f"{name} is a number, or has a free index: the derivative is not taken by it")
    return {name: defined[name] if name in defined else _variable(problem, name) for name in names}


def _variable(problem: Problem, name: str) -> Expr:
    kind = problem.kinds.get(name)
    if kind is None:
        known = ", ".join(problem.kinds)
        hint = f"the names here are {known}" if known else None
        raise UnknownName(f"there is no variable '{name}' to differentiate by", hint=hint)
    if kind.form == "function":
        raise UnsupportedError(
            f"{name} is a function; the derivative is taken by variables",
            hint=f"if it is a variable: {name}[0] is its first entry, {name}*(...) a product",
        )
    if "integer" in kind.facts:
        raise UnsupportedError(f"{name} is an integer: there is no derivative by it")
    return ops.sym(name, kind)


def _form(f: Expr) -> str:
    if f.cols is ONE:
        return f"a vector of length {f.rows}"
    if f.rows is ONE:
        return f"a row of length {f.cols}"
    return f"a matrix, {shape_text(f.shape)}"
