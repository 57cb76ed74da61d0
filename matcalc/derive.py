"""The pipeline: a loss and the names of variables in, closed-form gradients with all that goes with them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.adjoint import gradients
from matcalc.backward import Backward, backward, cut, needed
from matcalc.conditions import conditions, kinks, of_program
from matcalc.constraints import stated
from matcalc.errors import InputError, LimitError, MatcalcError, UnknownName, UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.facts import facts_of
from matcalc.higher import Forms, stacked, with_facts
from matcalc.higher import forms as derivative_forms
from matcalc.index_sums import raised
from matcalc.indices import apart, declared_names, names_in, renamed
from matcalc.kinds import Kind, kind_of_shape
from matcalc.latex import latex, latex_where
from matcalc.latex_names import latex_name
from matcalc.listing import document, graph, program_latex
from matcalc.measure import length
from matcalc.names import spelled
from matcalc.notation import Notation, using
from matcalc.order import label
from matcalc.parse import Problem, parse, read
from matcalc.presentation import is_matrix, latex_lines, layout_of, other_readings, pretty_lines
from matcalc.pretty import pretty
from matcalc.rewrite import rewriter
from matcalc.separate import separated
from matcalc.shapes import ONE, shape_text
from matcalc.simplify import Simplifier
from matcalc.step import Step, steps_latex, steps_text
from matcalc.steps import steps
from matcalc.structure import ambient, direction_kind, structured, unstructured
from matcalc.table import Table, default_table
from matcalc.text import program, text
from matcalc.wording import WHERE, expanded, own_names, worded

if TYPE_CHECKING:
    from matcalc.verify import Verdict

LAYOUTS = ("gradient", "numerator")
DEFAULT_PATTERN = "d{}"  # of the names of adjoints
_TOWER = 100  # x^x^x^...: the derivative of a tower is quadratic in its height
_AGAIN = 4  # passes over an answer
_LARGE = 4000  # distinct nodes: a larger function is differentiated once, in the form it has


@dataclass(frozen=True, slots=True)
class Answer:
    """The gradient of the function with respect to one variable; ``expr`` has the shape of the variable."""

    name: str
    variable: Expr
    expr: Expr
    convention: str | None = None
    node: Expr | None = None  # of a quantity that the program names: what the name stands for


@dataclass(frozen=True, eq=False)
class Derivation:
    """What ``derive`` found. ``answer`` is the closed form; several variables: ``answers``, ``d["W1"]`` for each.

    ``what`` is gradient, jacobian or hessian; ``loss`` the function that was differentiated. Jacobians and Hessians carry
    their other readings (linear map, index form) in ``forms``.
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
        return {name: kind.text() for name, kind in self.declared.items()}

    def shown(self, answer: Answer) -> Expr:
        """The answer in the layout: numerator layout transposes it."""
        if self.layout == "gradient" or self.what != "gradient":
            return answer.expr
        return self._short(ops.transpose(answer.expr))

    def _short(self, e: Expr) -> Expr:
        """In short form, or expanded, as it was asked for."""
        return expanded(e, self.table) if self.expand else Simplifier(rewriter(self.table))(e)

    def __getitem__(self, name: str) -> Derivation:
        return replace(self, answers={name: self.answers[name]}, forms={n: f for n, f in self.forms.items() if n == name})

    @cached_property
    def _lines(self) -> tuple[tuple[tuple[str, Expr], ...], list[tuple[str, Expr]]]:
        """Definitions, and the answers under their adjoint names in terms of them."""
        names = [self.adjoint_name(a) for a in self.answers.values()]
        if self.backward is not None and self.where != "never":
            written = [self.backward.named[name] for name in self.answers]
            if self.layout == "numerator":
                written = [self._short(ops.transpose(e)) for e in written]
            return self._apart(needed(self.backward.lines, written), names, written)
        shown = [self.shown(a) for a in self.answers.values()]
        if any(form.stacked for form in self.forms.values()):
            return (), list(zip(names, shown, strict=True))
        taken = {*declared_names(self.declared), *names_in(self.loss), *names}
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
                found = f"delta_{name}"
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
        """Names for the repeated parts of a long answer, each in terms of those before it; ``answer`` is written out."""
        return self._lines[0]

    def text(self) -> str:
        """The answer in the input language; a program if parts have names, or with a line ``dX = ...`` for each variable."""
        return program((), self._program)

    def latex(self, notation: Notation | str | None = None) -> str:
        """The answer in LaTeX (amsmath), in the notation in force or in another: ``d.latex("transpose=T, bold")``."""
        if notation is None:
            return self._latex()
        with using(notation):
            return self._latex()

    def _latex(self) -> str:
        definitions, answers = self._lines
        if self.backward is not None and self.pattern == DEFAULT_PATTERN:
            named = [(name or answers[0][0], e) for name, e in self._program]
            return program_latex(named, self.backward.called, self.function_name)
        if self.forms and not definitions and not all(is_matrix(form) for form in self.forms.values()):
            lines = self._readings(latex_lines)
            aligned = [f"{_block_latex(name)}{line if '&=' in line else '&' + line}" for name, line in lines]
            return "\\begin{aligned}\n" + " \\\\\n".join(aligned) + "\n\\end{aligned}"
        program = [(name or answers[0][0], e) for name, e in self._program]
        return latex_where(program) if len(program) > 1 else latex(answers[0][1])

    def document(self, steps: bool = False) -> str:
        """The answer as a LaTeX document that compiles by itself; with the steps before it."""
        return document(*([self.explain("latex")] if steps else []), self.latex())

    def pretty(self) -> str:
        """The answer in Unicode; of a Jacobian without a matrix form the map, the vec form and the index form."""
        if self.forms and not self.definitions:
            return "\n".join(f"{name}: {line}" if name else line for name, line in self._readings(pretty_lines))
        return "\n".join(f"{name} = {pretty(e)}" if name else pretty(e) for name, e in self._program)

    def _readings(self, write: Callable[[Forms, str, Mapping[str, Kind]], list[str]]) -> list[tuple[str, str]]:
        """(which block, line) for the lines of all Jacobians or Hessians."""
        several = len(self.answers) > 1
        return [
            (name if several else "", line)
            for name in self.answers
            for line in write(self.forms[name], self.what, self.declared)
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
        if self.backward is None:
            adjoints = {a.variable.name: self.adjoint_name(a) for a in self.answers.values()}
            return graph([("", self.loss)], self.function_name, adjoints, form)
        definitions, answers = self._lines
        known = {*(name for name, _ in definitions), *(name for name, _ in answers)}
        adjoints = {of: name for name, (of, number) in self.backward.called.items() if name in known and not number}
        lines = needed(self.backward.forward, [self.backward.root])
        return graph([*lines, ("", self.backward.root)], self.function_name, adjoints, form)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def source(self, target: str = "numpy") -> str:
        """A self-contained module with ``value`` and ``gradient``, ``jacobian`` or ``hessian``; for a scalar function also
        ``value_and_gradient``, with a Hessian ``hvp``."""
        from matcalc.code import module_source

        loss = raised(self.loss)
        if self.backward is not None:
            named_answers = [(name, self.backward.named[name]) for name in self.answers]
            kinds = {**self.declared, **{a.name: a.variable.data[1] for a in self.answers.values()}}  # type: ignore[index]
            own = {name for name, _ in self.backward.forward}
            lines = (*self.backward.forward, *(line for line in self.backward.lines if line[0] not in own))
            lines = needed(lines, [*(e for _, e in named_answers), *(a.variable for a in self.answers.values())])
            return module_source(loss, named_answers, kinds, target=target, definitions=lines)
        if self.what != "hessian":
            answers = [(a.name, self._coded(a)) for a in self.answers.values()]
            return module_source(loss, answers, self.declared, target=target, what=self.what)
        forms = [self.forms[name] for name in self.answers]
        names = list(dict.fromkeys(form.variable.name for form in forms))
        rows = [forms[i : i + len(names)] for i in range(0, len(forms), len(names))]
        gradients = [(name, row[0].function) for name, row in zip(names, rows, strict=True)]
        blocks = [[self._coded_form(form) for form in row] for row in rows]
        products = [
            (name, row[i].direction, ops.add(*(form.map for form in row)))
            for i, (name, row) in enumerate(zip(names, rows, strict=True))
        ]
        return module_source(loss, gradients, self.declared, target=target, what="hessian", blocks=blocks, products=products)

    def _coded(self, answer: Answer) -> Expr:
        form = self.forms.get(answer.name)
        return answer.expr if form is None else self._coded_form(form)

    def _coded_form(self, form: Forms) -> Expr:
        """What code computes of a Jacobian: the array of its index form, else its matrix unstacked."""
        if not form.stacked:
            return form.matrix
        if form.index is not None:
            return form.index.node()
        sizes = (*form.function.shape, *form.variable.shape)
        return ops.unstacked(form.matrix, sizes, 2)

    def function(self, name: str | None = None, target: str = "numpy") -> Callable[..., Any]:
        """The derivative as a Python function of keyword arguments (or another function of the generated module)."""
        from matcalc.code import compile_module

        return compile_module(self.source(target))[name or self.what]  # type: ignore[no-any-return]

    @property
    def expr(self) -> Any:
        """The answer as a SymPy expression."""
        from matcalc.sympy_bridge import to_sympy

        return to_sympy(self.answer, getattr(self.problem, "objects", None))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The derivation, one checkable equality a step."""
        return steps(self)

    @cached_property
    def facts_used(self) -> tuple[str, ...]:
        """Which declared facts of other variables the answer rests on: without them it would be another.

        Each is found out by deriving again without it.
        """
        others = [s for s in symbols(self.loss) if unstructured(s) is not s and s.name not in self._wrt]
        return tuple(stated(s.name, s.data[1]) for s in others if self._rests_on(s))

    @property
    def _wrt(self) -> tuple[str, ...]:
        forms = [form.variable.name for form in self.forms.values()]
        return tuple(dict.fromkeys(forms or self.answers))

    @property
    def _derived(self) -> list[tuple[str, Expr]]:
        """What was derived, before it is laid out."""
        if self.backward is not None:
            return [*self.backward.lines, *((name, self.backward.named[name]) for name in self.answers)]
        return [(name, a.expr) for name, a in self.answers.items()]

    def _rests_on(self, x: Expr) -> bool:
        """Whether the answer is another one if nothing is known of x."""
        if self.problem is None:
            return False
        free = unstructured(x)

        def freed(e: Expr) -> Expr:
            return ops.substitute(e, {x: free})

        problem = replace(
            self.problem,
            function=freed(self.problem.function),
            kinds={**self.problem.kinds, x.name: free.data[1]},  # type: ignore[index]
            definitions=tuple((name, freed(e)) for name, e in self.problem.definitions),
            lines=tuple((name, freed(e)) for name, e in self.problem.lines),
        )
        options = {"structure": self.structure, "table": self.table, "order": 2 if self.what == "hessian" else 1}
        try:
            found = derive(problem, self._wrt, adjoint=self.pattern, **options)  # type: ignore[arg-type]
        except MatcalcError:
            return True  # not even defined without it
        back = {free: x}
        return [(name, ops.substitute(e, back)) for name, e in found._derived] != list(self._derived)

    def explain(self, form: str = "text", full: bool = False) -> str:
        """The steps in print, as text, pretty or latex; in full with what each identity says and where it is from."""
        if form == "latex":
            return steps_latex(self.steps, full)
        return steps_text(self.steps, full, pretty if form == "pretty" else text)

    def verify(self, **options: Any) -> Verdict:
        """Compare with finite differences, independently of the engine; the worst verdict for several variables."""
        from matcalc.verify import verify_gradient

        if self.forms:
            verdicts = [v for form in self.forms.values() for v in self._verify_forms(form, **options)]
            return min(verdicts, key=lambda v: (v.holds, -v.residual))
        how = {"auto": "auto", "projected": "auto", "tied": "tied", "free": "free"}[self.structure]
        verdicts = []
        for a in self.answers.values():
            f, gradient = self.loss, a.expr
            if a.node is not None and self.backward is not None:
                f, gradient = self.backward.in_terms_of(a.name, a.variable, self.backward.root, self.backward.named[a.name])
            verdicts.append(verify_gradient(f, a.variable, gradient, kinds=self.declared, structure=how, **options))
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def _verify_forms(self, form: Forms, **options: Any) -> list[Verdict]:
        """The map against differences, the matrix and the index form against the map."""
        from matcalc.verify import verify_differential, verify_equal

        dx = form.direction
        kinds = {**self.declared, dx.name: direction_kind(form.variable, self.structure)}
        free = {form.variable: unstructured(form.variable)} if self.structure == "free" else {}
        f, change = (ops.substitute(e, free) for e in (form.function, form.map))
        x = free.get(form.variable, form.variable)
        verdicts = [verify_differential(f, change, {x: dx}, kinds=kinds, **options)]
        if x.is_scalar:
            return [*verdicts, verify_equal(form.map, ops.mul(form.matrix, dx), kinds=kinds, **options)]
        product = ops.mul(form.matrix, stacked(dx))
        verdicts.append(verify_equal(stacked(form.map), product, kinds=kinds, **options))
        if form.index is not None and form.stacked:
            verdicts.append(verify_equal(form.matrix, form.index.node(), kinds=kinds, **options))
        return verdicts

    def json(self) -> dict[str, Any]:
        """Everything as plain data, as language.md lays it out."""
        definitions, answers = self._lines
        return {
            "function": text(self.loss),
            "variables": self.kinds,
            "layout": self.layout,
            "conditions": list(self.conditions),
            "notes": [*self.notes, *(f"used: {fact}" for fact in self.facts_used)],
            "answers": {
                a.name: {
                    "text": text(shown),
                    "latex": latex(shown),
                    "shape": list(self.shape_of(a.name)),
                    **(other_readings(self.forms[a.name], self.what, self.declared) if self.forms else {}),
                }
                for a, (_, shown) in zip(self.answers.values(), answers, strict=True)
            },
            "definitions": {name: text(e) for name, e in definitions},
            "steps": [s.json() for s in self.steps],
            "code": {"numpy": self.source("numpy")},
        }


def _block_latex(name: str) -> str:
    """``(U, V):`` in front of a block of a Hessian."""
    return rf"({', '.join(latex_name(part) for part in name.split(','))}) \colon\; " if name else ""


def value_shape(f: Expr) -> tuple[str, ...]:
    """The shape of a computed value as an array."""
    return array_shape(f) if f.op == "sym" else tuple(str(d) for d in f.shape if d is not ONE)


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
    adjoint: str = DEFAULT_PATTERN,
    expand: bool = False,
    where: str = "auto",
    residuals: Mapping[str, str | Expr] | None = None,
) -> Derivation:
    """The gradient G of a scalar function, df = tr(G' dX), in closed form; G has the shape of the variable.

    Of a vector or matrix the Jacobian, an array of shape f.shape + X.shape, as a matrix where there is one, else as a
    linear map, in vec form and in index form; ``order=2``: the Hessian of a scalar function in the same forms.

    ``function`` is text in the input language, a program, or a SymPy expression; ``wrt`` a name or several, in a
    program also quantities that it names, or ``all``; ``declare`` kinds as a mapping or text; ``adjoint`` the pattern
    of the names of answers. Raises a subclass of ``MatcalcError``: wrong input, or what is refused with its reason.
    (Magnus & Neudecker 2019, sec. 9.2: the first identification theorem.)
    """
    if layout not in LAYOUTS:
        raise InputError(f"there is no layout '{layout}'", hint=f"one of {', '.join(LAYOUTS)}")
    if where not in WHERE:
        raise InputError(f"parts are not named '{where}'", hint=f"one of {', '.join(WHERE)}")
    _check_pattern(adjoint)
    names = _names(wrt if isinstance(wrt, str) or not hasattr(wrt, "name") else _name(wrt))
    problem = _problem(function, names, declare, of)
    if order not in (1, 2):
        raise UnsupportedError(f"derivatives of order {order} are not supported", hint="the order is 1 or 2")
    f = problem.function
    if _tower(f) > _TOWER:
        raise LimitError(f"powers of powers are nested too deeply: at most {_TOWER}")
    if order == 2 and not f.is_scalar:
        raise UnsupportedError(f"the function is {_form(f)}; a Hessian needs a scalar function", hint="sum(...) or one entry of it")
    table = table or default_table()
    if order == 2 or not f.is_scalar:
        problem = _standing(problem, names)
        f = problem.function
    nodes = _targets(problem, names)
    variables = {
        name: n if n.op == "sym" and n.name == name else ops.sym(name, kind_of_shape(n.shape)) for name, n in nodes.items()
    }
    short = Simplifier(rewriter(table))
    targets = list(nodes.values())
    notes = list(problem.notes)
    answers: dict[str, Answer] = {}
    forms: dict[str, Forms] = {}
    taken = declared_names(problem.kinds) | names_in(f) - {n.data for n in topological(f) if n.op == "idx"}
    program_of: Backward | None = None
    words = _own_names(residuals or {}, problem, {*taken, *(adjoint.format(name) for name in names)})
    first: list[Expr] = []  # the gradients, where they are differentiated in turn
    if f.is_scalar and order == 1 and len(problem.lines) > 1:
        taken |= {name for name, _ in problem.definitions}
        program_of = _backward(problem, nodes, taken, structure, table, short, adjoint)
        for name, x in variables.items():
            convention = structured(program_of.full[name], x, structure)[1]
            node = nodes[name] if nodes[name] is not x else None
            answers[name] = Answer(name, x, program_of.full[name], convention, node)
            notes.extend([convention] if convention else [])
    elif f.is_scalar:
        bare_of = {x: ambient(x) if order == 2 else x for x in targets}
        bare_f = ops.substitute(raised(apart(f)), {x: y for x, y in bare_of.items() if y is not x})
        found = _shortest(bare_f, list(bare_of.values()), structure, table, short)
        found = {x: renamed(found[y], taken) for x, y in bare_of.items()}
        for name, x in variables.items():
            convention = structured(found[x], x, structure)[1]
            answers[name] = Answer(name, x, found[x], convention)
            notes.extend([convention] if convention else [])
    if order == 2 or not f.is_scalar:
        back = {ambient(x): x for x in targets if ambient(x) is not x} if order == 2 else {}
        functions = {"": raised(f)} if not f.is_scalar else {name: a.expr for name, a in answers.items()}
        first = list(functions.values())
        answers = {}
        for outer, function in functions.items():
            for name, x in variables.items():
                bare_x = ambient(x) if order == 2 else x
                form = derivative_forms(function, bare_x, problem.kinds, structure, table, short, outer == name)
                form = with_facts(form, back, short) if back else form
                key = name if len(functions) == 1 else f"{outer},{name}"
                forms[key] = form
                answers[key] = Answer(key, x, form.matrix)
        if any(form.stacked for form in forms.values()):
            notes.append("the vec form stacks columns: vec(dY) = V*vec(dX)")
    if program_of is not None:
        lines = (*needed(program_of.forward, [program_of.root]), ("", program_of.root))
        holds, corners = of_program(lines, variables.values(), table, short)
        absent = [name for name in program_of.absent if name in variables]
    else:
        holds = conditions(f, targets, table, short, first if order == 2 else ())
        free = {x: unstructured(x) if x.op == "sym" else x for x in targets}
        corners = kinks(ops.substitute(f, free), free.values(), table, short)
        parts_of_f = set(topological(f))
        absent = [name for name, x in nodes.items() if x not in parts_of_f]
    said = "occurs in no line that the function uses" if program_of is not None else "is declared but does not occur"
    notes.extend(f"{name} {said}: the derivative is zero" for name in absent)
    notes.extend(corners)
    notes.extend(sorted(short.given_up))
    if expand:
        answers = {name: replace(a, expr=expanded(a.expr, table)) for name, a in answers.items()}
        forms = {name: replace(form, matrix=answers[name].expr) for name, form in forms.items()}
        program_of = _expanded(program_of, problem, table) if program_of is not None else None
    found_derivation = Derivation(
        f,
        problem.kinds,
        answers,
        layout,
        structure,
        tuple(holds),
        tuple(notes),
        table,
        problem,
        first_principles,
        "gradient" if not forms else "hessian" if f.is_scalar else "jacobian",
        forms,
        program_of,
        adjoint,
        expand,
        where,
        words,
    )
    used = {name for name, _ in found_derivation.definitions} if words else set()
    unused = tuple(f"{name} does not occur in the answer" for name, _ in words if name not in used)
    return replace(found_derivation, notes=(*found_derivation.notes, *unused)) if unused else found_derivation


def _own_names(
    residuals: Mapping[str, str | Expr], problem: Problem, taken: set[str]
) -> tuple[tuple[str, Expr], ...]:
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


def _expanded(program_of: Backward, problem: Problem, table: Table) -> Backward:
    """The adjoints expanded; the lines of the program stay as they are written."""
    own = {name for name, _ in problem.definitions}
    lines = tuple((name, e if name in own else expanded(e, table)) for name, e in program_of.lines)
    named = {name: expanded(e, table) for name, e in program_of.named.items()}
    return replace(program_of, lines=lines, named=named)


def _backward(
    problem: Problem,
    nodes: Mapping[str, Expr],
    taken: set[str],
    structure: str,
    table: Table,
    short: Simplifier,
    pattern: str,
) -> Backward:
    """The backward program. Nothing is shortened before it is differentiated, so what is declared of the targets may be
    used throughout; their gradients are projected last."""
    linear = {name for name, x in nodes.items() if x.op == "sym" and structured(x, x, structure)[0] is not x}
    values = dict(problem.definitions)
    found = backward(problem.lines, values, nodes, taken, table, short, pattern, linear)
    named, full = dict(found.named), dict(found.full)
    for name in linear:
        named[name] = short.settled(structured(named[name], nodes[name], structure)[0])
        full[name] = found.written_out(named[name], values)
    return replace(found, named=named, full=full)


def _tower(f: Expr) -> int:
    """The largest number of powers one in the exponent of the other."""
    heights: dict[Expr, int] = {}
    for n in topological(f):
        if n.op == "pow":
            heights[n] = 1 + heights.get(n.args[1], 0)
    return max(heights.values(), default=0)


def _shortest(f: Expr, targets: list[Expr], structure: str, table: Table, short: Simplifier) -> dict[Expr, Expr]:
    """The gradients of f as it was typed, of its short form, and of its separated form; of each the shortest.

    What is declared of a target's structure is forgotten while differentiating (d tr(Q'*Q) is 2*Q for orthogonal Q too)
    and known again when the result is shortened.
    """
    free = {x: unstructured(x) for x in targets}
    back = {y: x for x, y in free.items()}
    f = ops.substitute(f, free)
    best: dict[Expr, Expr] = {}
    if len(topological(f)) > _LARGE:
        short.given_up.add("the function is large: its gradient was sought from the form it has, not from shorter ones")
        forms = [f]
    else:
        forms = list(dict.fromkeys((f, short(f), separated(f, short))))
    for form in forms:
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
    return {x: _fixed(gradient, table) for x, gradient in best.items()}


def _fixed(e: Expr, table: Table) -> Expr:
    """Simplified until nothing gets shorter: what one pass leaves may give the next one something to do."""
    for _ in range(_AGAIN):
        again = Simplifier(rewriter(table)).settled(e) if len(topological(e)) <= _LARGE else e
        if (length(again), label(again)) >= (length(e), label(e)):
            break
        e = again
    return e


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
    from matcalc.sympy_bridge import problem_of

    return problem_of(function, declare)


def _standing(problem: Problem, names: Sequence[str]) -> Problem:
    """The problem in which a quantity that the program names is a variable."""
    own = [name for name in names if name in {name for name, _ in problem.lines}]
    if not own:
        return problem
    if len(names) > 1:
        raise UnsupportedError(f"{own[0]} depends on other variables: the derivative by it is taken alone", hint=f"--wrt {own[0]}")
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
