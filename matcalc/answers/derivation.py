"""What ``derive`` found: the closed form with all that goes with it, in every form of output."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from matcalc import ops
from matcalc.answers.coded import coded
from matcalc.answers.presentation import (
    Reading,
    is_matrix,
    layout_of,
    other_readings,
    pretty_lines,
    readings,
    set_lines,
)
from matcalc.answers.reliance import facts_used
from matcalc.answers.steps import steps
from matcalc.answers.wording import expanded, worded
from matcalc.calculus.backward import Backward, needed
from matcalc.calculus.higher import Forms, of_gradient
from matcalc.errors import InputError, LimitError
from matcalc.expr import Expr
from matcalc.indices import declared_names, dimensions_in, names_in
from matcalc.kinds import Declared, Kind, kind_of_shape
from matcalc.language.index_sums import raised
from matcalc.language.parse import Problem
from matcalc.printing.formulas import Typesetter, names_for, where_lines
from matcalc.printing.latex import LATEX, latex
from matcalc.printing.listing import document, graph, graph_parts, program_set
from matcalc.printing.markup import Markup
from matcalc.printing.mathml import MATHML, mathml, whole
from matcalc.printing.notation import Notation, using
from matcalc.printing.pretty import pretty, pretty_name
from matcalc.printing.screen import screen
from matcalc.printing.step import Question, Step, Steps, steps_latex, steps_markdown, steps_mathml, steps_text
from matcalc.printing.text import program, text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE
from matcalc.simplifier.simplify import Simplifier

if TYPE_CHECKING:
    from matcalc.numeric.verify import Verdict

_Line = TypeVar("_Line")
DEFAULT_PATTERN = "d{}"  # of the names of adjoints


@dataclass(frozen=True, slots=True)
class Answer:
    """The gradient of the function with respect to one variable; ``expr`` has the shape of the variable."""

    name: str
    variable: Expr
    expr: Expr
    convention: str | None = None
    node: Expr | None = None  # of a quantity that the program names: what the name stands for


@dataclass(frozen=True, eq=False, repr=False)
class Derivation:
    """What ``derive`` found. ``answer`` is the closed form; several variables: ``answers``, ``d["W1"]`` for each.

    ``what`` is gradient, jacobian or hessian; ``loss`` the function that was differentiated. Jacobians and Hessians
    carry their other readings (linear map, index form) in ``forms``.
    """

    loss: Expr
    declared: Mapping[str, Kind]
    answers: Mapping[str, Answer]
    layout: str
    structure: str
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    table: Table
    problem: Problem | None = None
    first_principles: bool = False
    what: str = "gradient"
    forms: Mapping[str, Forms] = field(default_factory=dict)
    backward: Backward | None = None
    pattern: str = DEFAULT_PATTERN
    expand: bool = False
    where: str = "auto"
    residuals: tuple[tuple[str, Expr], ...] = ()
    again: Callable[..., Derivation] | None = None  # derives another problem, to see what an answer rests on
    lines: tuple[tuple[tuple[str, Expr], ...], tuple[Expr, ...]] | None = None  # of the answers as they are written

    @property
    def answer(self) -> Expr:
        """The closed form, in the layout that was asked for (the first, if there are several)."""
        return self.shown(next(iter(self.answers.values())))

    @property
    def shape(self) -> tuple[str, ...]:
        """The shape of the answer as an array: one entry for a vector or row, two for a matrix, none for a scalar."""
        return self.shape_of(next(iter(self.answers)))

    def shape_of(self, name: str) -> tuple[str, ...]:
        """The shape of one answer: that of the function, then that of the variable."""
        form = self.forms.get(name)
        variable = self.answers[name].variable
        return array_shape(variable) if form is None else value_shape(form.function) + array_shape(variable)

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of all names, declared or inferred, as they would be declared."""
        return Declared(self.declared, dimensions_in(self.loss))

    def shown(self, answer: Answer) -> Expr:
        """The answer in the layout: numerator layout transposes it."""
        if self.layout == "gradient" or self.what != "gradient":
            return answer.expr
        return self.as_asked(ops.transpose(answer.expr))

    def as_asked(self, e: Expr) -> Expr:
        """In short form, or expanded, as it was asked for."""
        return expanded(e, self.table) if self.expand else Simplifier(rewriter(self.table))(e)

    def __iter__(self) -> Iterator[str]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, name: str) -> Derivation:
        forms = {n: f for n, f in self.forms.items() if n == name}
        return replace(self, answers={name: self.answers[name]}, forms=forms, lines=None)

    @cached_property
    def _lines(self) -> tuple[tuple[tuple[str, Expr], ...], list[tuple[str, Expr]]]:
        """Definitions, and the answers under their adjoint names in terms of them."""
        names = [self.adjoint_name(a) for a in self.answers.values()]
        if self.lines is not None:
            return self.lines[0], list(zip(names, self.lines[1], strict=True))
        if self.backward is not None and self.where != "never":
            written = [self.backward.named[name] for name in self.answers]
            if self.layout == "numerator":
                written = [self.as_asked(ops.transpose(e)) for e in written]
            return self._apart(needed(self.backward.lines, written), names, written)
        shown = [self.shown(a) for a in self.answers.values()]
        if any(form.stacked for form in self.forms.values()):
            return (), list(zip(names, shown, strict=True))
        letter = {"jacobian": "J", "hessian": "H"}.get(self.what, "")  # the array itself is called so
        taken = {*declared_names(self.declared), *names_in(self.loss), *names, letter}
        definitions, written = worded(shown, taken, self.where, self.residuals, self.table, self.expand)
        return definitions, list(zip(names, written, strict=True))

    def _apart(
        self, lines: Sequence[tuple[str, Expr]], names: Sequence[str], written: Sequence[Expr]
    ) -> tuple[tuple[tuple[str, Expr], ...], list[tuple[str, Expr]]]:
        """Definitions and answers where a definition may be an answer too; transposed, the answer is something else."""
        answers = dict(zip(names, written, strict=True))
        taken = {*declared_names(self.declared), *(name for name, _ in lines), *answers}
        other: dict[Expr, Expr] = {}
        for name, e in lines:
            if answers.get(name, e) is not e:
                found = f"delta_{self.backward.called[name][0] if self.backward else name}"
                while found in taken:
                    found += "_"
                taken.add(found)
                kind = kind_of_shape(e.shape)
                other[ops.sym(name, kind)] = ops.sym(found, kind)
        if not other:
            return tuple(lines), list(answers.items())
        called = {x.name: y.name for x, y in other.items()}
        moved = [(called.get(name, name), ops.substitute(e, other)) for name, e in lines]
        return tuple(moved), [(name, ops.substitute(e, other)) for name, e in answers.items()]

    @property
    def _program(self) -> list[tuple[str | None, Expr]]:
        """All lines in order, each answer once; one answer alone has no name."""
        definitions, answers = self._lines
        if len(answers) == 1:
            return [*definitions, (None, answers[0][1])]
        defined = {name for name, _ in definitions}
        return [*definitions, *((name, e) for name, e in answers if name not in defined)]

    @property
    def definitions(self) -> tuple[tuple[str, Expr], ...]:
        """Names for repeated parts of a long answer, each in terms of those before it; ``answer`` is written out."""
        return self._lines[0]

    @property
    def written(self) -> tuple[Expr, ...]:
        """The answers in terms of the ``definitions``."""
        return tuple(e for _, e in self._lines[1])

    def __str__(self) -> str:
        return self.pretty()

    def __repr__(self) -> str:
        return f"<{self.what} by {', '.join(self.answers)}: {self.text()}>"

    def text(self) -> str:
        """The answer in the input language; a program if parts have names, or a line ``dX = ...`` for each variable."""
        return program((), self._program)

    def latex(self, notation: Notation | str | None = None) -> str:
        """The answer in LaTeX (amsmath), in the notation in force or in another: ``d.latex("transpose=T, bold")``."""
        with using(notation):
            return self._set(LATEX)

    def mathml(self, notation: Notation | str | None = None) -> str:
        """The same as MathML; ``alttext`` is the answer as text."""
        with using(notation):
            return whole(self._set(MATHML), self.text())

    def _set(self, markup: Markup) -> str:
        """The answer in a markup, in the notation in force."""
        definitions, answers = self._lines
        if self.backward is not None and self.pattern == DEFAULT_PATTERN:
            named = [(name or answers[0][0], e) for name, e in self._program]
            return program_set(named, self.backward.called, self.function_name, markup)
        if self.forms and not definitions and not all(is_matrix(form) for form in self.forms.values()):
            lines = self._readings(partial(set_lines, markup=markup))
            return markup.aligned(row._replace(left=_block(name, markup) + row.left) for name, row in lines)
        program = [(name or answers[0][0], e) for name, e in self._program]
        if len(program) > 1:
            return where_lines(markup, program, special=self._adjoints_set(markup))
        return markup.line(Typesetter(markup, [answers[0][1]])(answers[0][1]))

    def _adjoints_set(self, markup: Markup) -> dict[str, str]:
        """Derivatives as the steps write them: one alone as a gradient, several as partial derivatives; unless the
        reader has named them."""
        variables = [a.variable for a in self.answers.values()]
        setter = Typesetter(markup, variables, names=[self.function_name])
        f = setter.names[self.function_name]
        if len(variables) == 1 and variables[0].is_scalar and self.what == "hessian":
            return {self.adjoint_name(next(iter(self.answers.values()))): markup.second(f, setter(variables[0]))}
        if len(variables) == 1 and not variables[0].is_scalar:
            gradient = self.what == "hessian" or (self.what == "gradient" and self.layout == "gradient")
            alone = markup.nabla(f, gradient=gradient, twice=self.what == "hessian")
            named = self.what != "hessian" and self.pattern != DEFAULT_PATTERN
            return {} if named else {self.adjoint_name(next(iter(self.answers.values()))): alone}
        if self.pattern != DEFAULT_PATTERN or self.what == "hessian":
            return {}
        return {
            self.adjoint_name(a): str(markup.fraction(f"{markup.partial}{f}", f"{markup.partial}{setter(a.variable)}"))
            for a in self.answers.values()
        }

    def document(self, steps: bool = False, full: bool = False) -> str:
        """The answer as a LaTeX document that compiles by itself; with the steps before it."""
        return document(*([self.explain("latex", full)] if steps else []), self.latex())

    def screen(self, columns: int = 80) -> str | None:
        """The answer on several lines of a terminal, with fractions and matrices; None where one line is as good."""
        if self.forms and not self.definitions and not all(is_matrix(form) for form in self.forms.values()):
            return None
        return screen(self._program, columns)

    def pretty(self) -> str:
        """The answer in Unicode; of a Jacobian without a matrix form the map, the vec form and the index form."""
        if self.forms and not self.definitions:
            return "\n".join(f"{name}: {line}" if name else line for name, line in self._readings(pretty_lines))
        return "\n".join(f"{pretty_name(name)} = {pretty(e)}" if name else pretty(e) for name, e in self._program)

    def _readings(self, write: Callable[[Forms, str, Mapping[str, Kind]], list[_Line]]) -> list[tuple[str, _Line]]:
        """(which block, line) for the lines of all Jacobians or Hessians."""
        several = len(self.answers) > 1
        return [
            (name if several else "", line)
            for name in self.answers
            for line in write(self.forms[name], self.what, self.declared)
        ]

    def readings(self) -> list[Reading]:
        """All forms by what they are called: linear map, matrix or vec form, index form; of a gradient the differential
        and the entries, except in programs and of gradients with tied entries."""
        forms = dict(self.forms)
        if self.what == "gradient" and self.backward is None and self.structure != "tied":
            short = Simplifier(rewriter(self.table))
            for name, a in self.answers.items():
                if a.variable.op == "sym":
                    forms[name] = of_gradient(self.loss, a.variable, a.expr, self.declared, short)
        several = len(self.answers) > 1
        return [
            reading
            for name in self.answers
            if name in forms
            for reading in readings(forms[name], self.what, self.declared, name if several else "", self.function_name)
        ]

    @property
    def laid_out(self) -> str:
        """How the axes of the answers are laid out, in a sentence."""
        return layout_of(list(self.forms.values()), self.layout, self.what)

    def adjoint_name(self, answer: Answer) -> str:
        """``dX``, or with underscores where the user has that name."""
        if self.backward is not None:
            return self.backward.adjoints[answer.name]
        name = f"H_{answer.name.replace(',', '_')}" if "," in answer.name else self.pattern.format(answer.name)
        while name in self.declared:
            name += "_"
        return name

    @property
    def function_name(self) -> str:
        """What the program calls the function, or a name that is free."""
        definitions = self.problem.definitions if self.problem is not None else ()
        own = [name for name, e in definitions if e is self.loss]
        taken = {*self.declared, *(name for name, _ in definitions)}
        return own[-1] if own else next(name for name in ("f", "L", "value", "function_value_") if name not in taken)

    def graph(self, form: str = "dot") -> str:
        """The graph of the program as text for Graphviz (``dot``) or Mermaid; edges bear the names of adjoints."""
        lines, adjoints = self._graph_lines
        return graph(lines, self.function_name, adjoints, form)

    def graph_parts(self) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
        """The graph as data: {quantity: its expression, or none}, and edges (from, to, adjoint that comes back)."""
        lines, adjoints = self._graph_lines
        return graph_parts(lines, self.function_name, adjoints)

    @property
    def _graph_lines(self) -> tuple[list[tuple[str, Expr]], dict[str, str]]:
        """The lines of the program, the function's without a name, and the adjoint of each quantity that has one."""
        if self.backward is None:
            return [("", self.loss)], {a.variable.name: self.adjoint_name(a) for a in self.answers.values()}
        definitions, answers = self._lines
        known = {*(name for name, _ in definitions), *(name for name, _ in answers)}
        adjoints = {of: name for name, (of, number) in self.backward.called.items() if name in known and not number}
        return [*needed(self.backward.forward, [self.backward.root]), ("", self.backward.root)], adjoints

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython: the answer as the command line shows it on a terminal."""
        printer.text(self.screen(printer.max_width) or self.pretty())

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def source(self, target: str = "numpy", sizes: Mapping[str, int] | str | None = None) -> str:
        """A self-contained module with ``value`` and ``gradient``, ``jacobian`` or ``hessian``; for a scalar function
        also ``value_and_gradient``, with a Hessian ``hvp``. ``sizes``: which dimensions to expect large or small."""
        from matcalc.generator.code import module_source

        loss = raised(self.loss)
        if self.backward is not None:
            named_answers = [(name, self.backward.named[name]) for name in self.answers]
            kinds = {**self.declared, **{a.name: a.variable.data[1] for a in self.answers.values()}}  # type: ignore[index]
            own = {name for name, _ in self.backward.forward}
            lines = (*self.backward.forward, *(line for line in self.backward.lines if line[0] not in own))
            loss = self.backward.root
            asked = [loss, *(e for _, e in named_answers), *(a.variable for a in self.answers.values())]
            lines = needed(lines, asked)
            return module_source(loss, named_answers, kinds, target=target, definitions=lines, sizes=sizes)
        if self.what != "hessian":
            answers = [(a.name, self._coded(a, target)) for a in self.answers.values()]
            return module_source(loss, answers, self.declared, target=target, what=self.what, sizes=sizes)
        forms = [self.forms[name] for name in self.answers]
        names = list(dict.fromkeys(form.variable.name for form in forms))
        rows = [forms[i : i + len(names)] for i in range(0, len(forms), len(names))]
        gradients = [(name, row[0].function) for name, row in zip(names, rows, strict=True)]
        blocks = [[coded(form, target) for form in row] for row in rows]
        products = [
            (name, row[i].direction, ops.add(*(form.map for form in row)))
            for i, (name, row) in enumerate(zip(names, rows, strict=True))
        ]
        second = {"what": "hessian", "blocks": blocks, "products": products, "sizes": sizes}
        return module_source(loss, gradients, self.declared, target=target, **second)  # type: ignore[arg-type]

    def _coded(self, answer: Answer, target: str) -> Expr:
        form = self.forms.get(answer.name)
        return answer.expr if form is None else coded(form, target)

    def function(
        self, name: str | None = None, target: str = "numpy", sizes: Mapping[str, int] | str | None = None
    ) -> Callable[..., Any]:
        """The derivative as a Python function of keyword arguments (or another function of the generated module)."""
        from matcalc.generator.code import compile_module

        module = compile_module(self.source(target, sizes))
        found = module.get(name or self.what)
        if not callable(found) or (name or "").startswith("_"):
            known = [key for key, value in module.items() if inspect.isfunction(value) and not key.startswith("_")]
            raise InputError(f"the module has no function {name}", hint=f"it has {', '.join(known)}")
        return found  # type: ignore[no-any-return]

    @property
    def expr(self) -> Any:
        """The answer as a SymPy expression."""
        from matcalc.bridge.sympy_bridge import to_sympy

        return to_sympy(self.answer, getattr(self.problem, "objects", None))

    @cached_property
    def steps(self) -> Steps:
        """The derivation, one checkable equality a step."""
        found = Steps(self._steps())
        found.question = self._question
        return found

    def _steps(self) -> tuple[Step, ...]:
        return steps(self)

    @property
    def wrt(self) -> tuple[str, ...]:
        """The names by which was differentiated."""
        forms = [form.variable.name for form in self.forms.values()]
        return tuple(dict.fromkeys(forms or self.answers))

    @cached_property
    def facts_used(self) -> tuple[str, ...]:
        """Which declared facts of other variables the answer rests on: without them it would be another."""
        return facts_used(self)

    @property
    def _question(self) -> Question:
        """What the steps call the function and its derivatives, as the answer does."""
        alone = next(iter(self.answers.values())).variable if len(self.answers) == 1 else None
        scalar = alone.name if alone is not None and alone.is_scalar and alone.op == "sym" else ""
        function = self.function_name if self.problem is not None else "f"
        return Question(function, self.layout == "numerator" and self.what == "gradient", scalar)

    def explain(self, form: str = "text", full: bool = False) -> str:
        """The steps as text, pretty, latex, mathml, markdown; in full with what each identity says, and its source."""
        if form == "latex":
            return steps_latex(self.steps, full, self._question)
        if form == "mathml":
            return steps_mathml(self.steps, full, self._question)
        if form == "markdown":
            return steps_markdown(self.steps, full, self._question)
        return steps_text(self.steps, full, pretty if form == "pretty" else text)

    def verify(self, **options: Any) -> Verdict:
        """Compare with finite differences, independently of the engine; the worst verdict for several variables."""
        from matcalc.answers.verified import verified

        return verified(self, **options)

    def _function(self) -> str:
        """The function as text; of a program that is too long with its names written out, the program."""
        try:
            return text(self.loss)
        except LimitError:
            if self.problem is None or not self.problem.lines:
                raise
            return self.problem.text

    def json(self) -> dict[str, Any]:
        """Everything as plain data, as language.md lays it out."""
        definitions, answers = self._lines
        stacked = any(form.stacked for form in self.forms.values())
        stacks = ["vec(dY) = V*vec(dX) stacks columns"] if stacked else []
        return {
            "function": self._function(),
            "variables": self.kinds,
            "layout": self.layout,
            "conditions": list(self.conditions),
            "notes": [*stacks, *self.notes, *(f"used: {fact}" for fact in self.facts_used)],
            "answers": {
                a.name: {
                    "text": text(shown),
                    "latex": latex(shown),
                    "mathml": mathml(shown),
                    "shape": list(self.shape_of(a.name)),
                    **(other_readings(self.forms[a.name], self.what, self.declared) if self.forms else {}),
                }
                for a, (_, shown) in zip(self.answers.values(), answers, strict=True)
            },
            "definitions": {name: text(e) for name, e in definitions},
            "steps": [s.json() for s in self.steps],
            "code": {"numpy": self.source("numpy")},
        }


def _block(name: str, markup: Markup) -> str:
    """``(U, V):`` in front of a block of a Hessian."""
    names = name.split(",")
    shown = names_for(markup, names)
    inside = markup.comma.join(shown[part] for part in names)
    return f"{markup.fenced('(', inside)}{markup.colon}" if name else ""


def value_shape(f: Expr) -> tuple[str, ...]:
    """The shape of a computed value as an array."""
    return array_shape(f) if f.op == "sym" else tuple(str(d) for d in f.shape if d is not ONE)


def array_shape(x: Expr) -> tuple[str, ...]:
    """The shape of a value as an array."""
    form = x.data[1].form  # type: ignore[index]
    if form == "matrix":
        return (str(x.rows), str(x.cols))
    return {"scalar": (), "vector": (str(x.rows),), "row": (str(x.cols),)}[form]
