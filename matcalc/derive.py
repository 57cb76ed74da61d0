"""The pipeline: a loss and the names of variables in, closed-form gradients with all that goes with them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.adjoint import gradients
from matcalc.conditions import conditions, kinks
from matcalc.errors import InputError, MatcalcError, UnknownName, UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.index_sums import raised
from matcalc.indices import apart, declared_names, names_in, renamed
from matcalc.kinds import Kind
from matcalc.latex import latex, latex_where
from matcalc.measure import length
from matcalc.names import spelled
from matcalc.parse import Problem, read
from matcalc.pretty import pretty
from matcalc.rewrite import rewriter
from matcalc.separate import separated
from matcalc.shapes import ONE, shape_text
from matcalc.simplify import Simplifier
from matcalc.structure import structured, unstructured
from matcalc.table import Table, default_table
from matcalc.text import program, text

if TYPE_CHECKING:
    from matcalc.verify import Verdict

LAYOUTS = ("gradient", "numerator")


@dataclass(frozen=True, slots=True)
class Answer:
    """The gradient of the function with respect to one variable; ``expr`` has the shape of the variable."""

    name: str
    variable: Expr
    expr: Expr
    convention: str | None = None


@dataclass(frozen=True, eq=False)
class Derivation:
    """What ``derive`` found. ``answer`` is the gradient; several variables: ``answers``, ``d["W1"]`` for each."""

    function: Expr
    declared: Mapping[str, Kind]
    answers: Mapping[str, Answer]
    layout: str
    structure: str
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    table: Table
    problem: Problem | None = None
    first_principles: bool = False
    order: int = 1

    @property
    def answer(self) -> Expr:
        """The closed form, in the layout that was asked for (the first, if there are several)."""
        return self.shown(next(iter(self.answers.values())))

    @property
    def shape(self) -> tuple[str, ...]:
        """The shape of the answer as an array: one entry for a vector or row, two for a matrix, none for a scalar."""
        return array_shape(next(iter(self.answers.values())).variable)

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of all names, declared or inferred, as they would be declared."""
        return {name: kind.text() for name, kind in self.declared.items()}

    def shown(self, answer: Answer) -> Expr:
        """The answer in the layout: numerator layout transposes it."""
        if self.layout == "gradient":
            return answer.expr
        return Simplifier(rewriter(self.table))(ops.transpose(answer.expr))

    def __getitem__(self, name: str) -> Derivation:
        return replace(self, answers={name: self.answers[name]})

    def text(self) -> str:
        """The answer in the input language; for several variables a program with a line ``dX = ...`` for each."""
        if len(self.answers) == 1:
            return text(self.answer)
        return program((), [(self.adjoint_name(a), self.shown(a)) for a in self.answers.values()])

    def latex(self) -> str:
        """The answer in LaTeX (amsmath)."""
        if len(self.answers) == 1:
            return latex(self.answer)
        return latex_where([(self.adjoint_name(a), self.shown(a)) for a in self.answers.values()])

    def pretty(self) -> str:
        """The answer in Unicode."""
        if len(self.answers) == 1:
            return pretty(self.answer)
        return "\n".join(f"{self.adjoint_name(a)} = {pretty(self.shown(a))}" for a in self.answers.values())

    def adjoint_name(self, answer: Answer) -> str:
        """``dX``, or with underscores where the user has that name."""
        name = f"d{answer.name}"
        while name in self.declared:
            name += "_"
        return name

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def source(self, target: str = "numpy") -> str:
        """A self-contained module with ``value``, ``gradient`` and ``value_and_gradient``."""
        from matcalc.code import module_source

        answers = [(a.name, a.expr) for a in self.answers.values()]
        return module_source(raised(self.function), answers, self.declared, target=target)

    def function_of(self, name: str, target: str = "numpy") -> Callable[..., Any]:
        """One function of the generated module."""
        from matcalc.code import compile_module

        return compile_module(self.source(target))[name]  # type: ignore[no-any-return]

    @property
    def expr(self) -> Any:
        """The answer as a SymPy expression."""
        from matcalc.sympy_bridge import to_sympy

        return to_sympy(self.answer)

    @cached_property
    def steps(self) -> tuple[Any, ...]:
        """The derivation, one checkable equality a step."""
        from matcalc.steps import steps

        return steps(self)

    def verify(self, **options: Any) -> Verdict:
        """Compare with finite differences, independently of the engine; the worst verdict for several variables."""
        from matcalc.verify import verify_gradient

        how = {"auto": "auto", "projected": "auto", "tied": "tied", "free": "free"}[self.structure]
        verdicts = [
            verify_gradient(self.function, a.variable, a.expr, kinds=self.declared, structure=how, **options)
            for a in self.answers.values()
        ]
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def json(self) -> dict[str, Any]:
        """Everything as plain data, as language.md lays it out."""
        return {
            "function": text(self.function),
            "variables": self.kinds,
            "layout": self.layout,
            "conditions": list(self.conditions),
            "notes": list(self.notes),
            "answers": {
                a.name: {
                    "text": text(self.shown(a)),
                    "latex": latex(self.shown(a)),
                    "shape": list(array_shape(a.variable)),
                }
                for a in self.answers.values()
            },
            "definitions": {},
            "steps": [s.json() for s in self.steps],
            "code": {"numpy": self.source("numpy")},
        }


def array_shape(x: Expr) -> tuple[str, ...]:
    """The shape of a value as an array."""
    form = x.data[1].form  # type: ignore[index]
    if form == "matrix":
        return (str(x.rows), str(x.cols))
    return {"scalar": (), "vector": (str(x.rows),), "row": (str(x.cols),)}[form]


def derive(
    function: Any,
    wrt: str | Sequence[str],
    declare: Mapping[str, str | Kind] | str | None = None,
    *,
    order: int = 1,
    of: str | None = None,
    layout: str = "gradient",
    structure: str = "auto",
    table: Table | None = None,
    first_principles: bool = False,
) -> Derivation:
    """The gradient G of a scalar function, df = tr(G' dX), in closed form; G has the shape of the variable.

    ``function`` is text in the input language, a program, or a SymPy expression; ``wrt`` a name or several;
    ``declare`` kinds as a mapping or text. Raises a subclass of ``MatcalcError``: wrong input, or what is refused
    with its reason. (Magnus & Neudecker 2019, sec. 9.2: the first identification theorem.)
    """
    if layout not in LAYOUTS:
        raise InputError(f"there is no layout '{layout}'", hint=f"one of {', '.join(LAYOUTS)}")
    names = _names(wrt)
    problem = _problem(function, names, declare, of)
    if order != 1:
        raise UnsupportedError(f"derivatives of order {order} are not supported yet", hint="leave --order out for the gradient")
    f = problem.function
    if not f.is_scalar:
        raise UnsupportedError(
            f"the function is {_form(f)}, and Jacobians are not supported yet",
            hint="the gradient needs a scalar function, such as sum(...), tr(...) or norm2(...)^2",
        )
    table = table or default_table()
    variables = {name: _variable(problem, name) for name in names}
    short = Simplifier(rewriter(table))
    taken = declared_names(problem.kinds) | names_in(f) - {n.data for n in topological(f) if n.op == "idx"}
    found = _shortest(raised(apart(f)), list(variables.values()), structure, table, short)
    found = {x: renamed(gradient, taken) for x, gradient in found.items()}
    answers: dict[str, Answer] = {}
    notes = list(problem.notes)
    for name, x in variables.items():
        convention = structured(found[x], x, structure)[1]
        answers[name] = Answer(name, x, found[x], convention)
        if convention:
            notes.append(convention)
        if x not in symbols(f):
            notes.append(f"{name} is declared but does not occur: the derivative is zero")
    targets = list(variables.values())
    bare = ops.substitute(f, {x: unstructured(x) for x in targets})
    notes.extend(kinks(bare, [unstructured(x) for x in targets], table, short))
    notes.extend(sorted(short.given_up))
    return Derivation(
        f, problem.kinds, answers, layout, structure, tuple(conditions(f, targets, table, short)), tuple(notes), table, problem, first_principles
    )


def _shortest(f: Expr, targets: list[Expr], structure: str, table: Table, short: Simplifier) -> dict[Expr, Expr]:
    """The gradients of f as it was typed, of its short form, and of its separated form; of each the shortest.

    What is declared of a target's structure is forgotten while differentiating (d tr(Q'*Q) is 2*Q for orthogonal Q too)
    and known again when the result is shortened.
    """
    free = {x: unstructured(x) for x in targets}
    back = {y: x for x, y in free.items()}
    f = ops.substitute(f, free)
    best: dict[Expr, Expr] = {}
    for form in dict.fromkeys((f, short(f), separated(f, short))):
        try:
            found = gradients(form, free.values(), table, short)
        except MatcalcError:
            if form is f:
                raise
            continue  # a rewrite led to something without a rule; the typed form has one
        for y, raw in found.items():
            x = back[y]
            gradient = short.settled(structured(ops.substitute(raw, back), x, structure)[0])
            if x not in best or length(gradient) < length(best[x]):
                best[x] = gradient
    return best


def _names(wrt: str | Sequence[str]) -> tuple[str, ...]:
    names = tuple(n.strip() for n in wrt.split(",")) if isinstance(wrt, str) else tuple(wrt)
    if not names or not all(names):
        raise InputError("no variable to differentiate by", hint="name one, as in wrt='x' or --wrt x")
    return tuple(dict.fromkeys(map(spelled, names)))


def _problem(function: Any, names: Sequence[str], declare: Any, of: str | None) -> Problem:
    if isinstance(function, str):
        return read(function, declare, of=of, wrt=names)
    from matcalc.sympy_bridge import problem_of

    return problem_of(function, declare)


def _variable(problem: Problem, name: str) -> Expr:
    kind = problem.kinds.get(name)
    if kind is None:
        known = ", ".join(problem.kinds)
        raise UnknownName(f"there is no variable '{name}' to differentiate by", hint=f"the names here are {known}" if known else None)
    if kind.form == "function":
        raise UnsupportedError(f"{name} is a function; the derivative is taken by variables")
    if "integer" in kind.facts:
        raise UnsupportedError(f"{name} is an integer: there is no derivative by it")
    return ops.sym(name, kind)


def _form(f: Expr) -> str:
    if f.cols is ONE:
        return f"a vector of length {f.rows}"
    if f.rows is ONE:
        return f"a row of length {f.cols}"
    return f"a matrix, {shape_text(f.shape)}"
