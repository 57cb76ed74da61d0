"""The pipeline: a loss and the names of variables in, closed-form derivatives with all that goes with them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from matcalc import ops
from matcalc.answers.asked import Asked, asked_for
from matcalc.answers.derivation import DEFAULT_PATTERN, Answer, Derivation
from matcalc.answers.wording import WHERE, expanded
from matcalc.calculus.backward import Backward, backward, needed
from matcalc.calculus.conditions import conditions, kinks, of_program, twice_differentiable
from matcalc.calculus.higher import Forms, with_facts
from matcalc.calculus.higher import forms as derivative_forms
from matcalc.calculus.shortest import shortest_gradients
from matcalc.calculus.structure import ambient, structured, unstructured
from matcalc.errors import InputError
from matcalc.expr import Expr, topological
from matcalc.indices import apart, renamed
from matcalc.kinds import Kind
from matcalc.language.index_sums import raised
from matcalc.language.parse import Problem
from matcalc.printing.naming import written_out
from matcalc.rules.table import Table, default_table

LAYOUTS = ("gradient", "numerator")


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
    table = table or default_table()
    asked = asked_for(function, wrt, declare, of, order, structure, adjoint, table, residuals or {})
    found = _found(asked)
    holds, notes = _remarks(asked, found)
    if expand:
        found = _expanded(found, asked.problem, table)
    d = Derivation(
        asked.function,
        asked.problem.kinds,
        found.answers,
        layout,
        structure,
        tuple(holds),
        tuple(notes),
        table,
        asked.problem,
        first_principles,
        "gradient" if not found.forms else "hessian" if asked.function.is_scalar else "jacobian",
        found.forms,
        found.backward,
        adjoint,
        expand,
        where,
        asked.residuals,
        derive,
    )
    return _in_own_names(_as_worded(d))


@dataclass(frozen=True)
class _Found:
    """The answers; of Jacobians and Hessians their forms, of programs the backward program; what was differentiated."""

    answers: dict[str, Answer]
    forms: dict[str, Forms] = field(default_factory=dict)
    backward: Backward | None = None
    first: Sequence[Expr] = ()
    conventions: Sequence[str] = ()


def _found(asked: Asked) -> _Found:
    """The derivatives in short form."""
    f = asked.function
    if asked.is_program:
        return _of_program(asked)
    if not f.is_scalar:
        return _forms(asked, {"": raised(f)})
    gradients = _gradients(asked)
    if asked.order == 1:
        return gradients
    blocks = _forms(asked, {name: a.expr for name, a in gradients.answers.items()})
    return replace(blocks, conventions=gradients.conventions)


def _gradients(asked: Asked) -> _Found:
    """The gradients of a function in one expression."""
    targets = list(asked.nodes.values())
    bare_of = {x: ambient(x) if asked.order == 2 else x for x in targets}
    bare_f = ops.substitute(raised(apart(asked.function)), {x: y for x, y in bare_of.items() if y is not x})
    found = shortest_gradients(bare_f, list(bare_of.values()), asked.structure, asked.table, asked.short)
    found = {y: asked.as_typed(e) for y, e in found.items()}
    if any(n.op == "idx" for n in topological(*found.values())):
        taken = asked.taken
        found = {y: renamed(e, taken) for y, e in found.items()}
    gradients = {name: found[bare_of[x]] for name, x in asked.nodes.items()}
    return _answered(asked, gradients)


def _answered(asked: Asked, gradients: Mapping[str, Expr], program: Backward | None = None) -> _Found:
    """Gradients as answers, each with the convention for the structure of its variable."""
    answers: dict[str, Answer] = {}
    for name, x in asked.variables.items():
        convention = structured(gradients[name], x, asked.structure)[1]
        node = asked.nodes[name]
        answers[name] = Answer(name, x, gradients[name], convention, None if program is None or node is x else node)
    said = [a.convention for a in answers.values() if a.convention]
    return _Found(answers, backward=program, conventions=said)


def _forms(asked: Asked, functions: Mapping[str, Expr]) -> _Found:
    """The Jacobians of functions in their forms; of gradients they are the blocks of a Hessian."""
    back = {ambient(x): x for x in asked.nodes.values() if ambient(x) is not x} if asked.order == 2 else {}
    answers: dict[str, Answer] = {}
    forms: dict[str, Forms] = {}
    for outer, function in functions.items():
        for name, x in asked.variables.items():
            by = ambient(x) if asked.order == 2 else x
            kinds, structure = asked.problem.kinds, asked.structure
            form = derivative_forms(function, by, kinds, structure, asked.table, asked.short, outer == name)
            form = with_facts(form, back, asked.short) if back else form
            form = replace(form, map=asked.as_typed(form.map), matrix=asked.as_typed(form.matrix))
            key = name if len(functions) == 1 else f"{outer},{name}"
            forms[key] = form
            answers[key] = Answer(key, x, form.matrix)
    return _Found(answers, forms, first=list(functions.values()))


def _of_program(asked: Asked) -> _Found:
    """The backward program. Nothing is shortened before it is differentiated, so what is declared of the targets may be
    used throughout; their gradients are projected last."""
    nodes, structure, short = asked.nodes, asked.structure, asked.short
    linear = {name for name, x in nodes.items() if x.op == "sym" and structured(x, x, structure)[0] is not x}
    values = dict(asked.problem.definitions)
    lines = asked.problem.lines
    found = backward(lines, values, nodes, asked.taken, asked.table, short, asked.pattern, linear)
    named = dict(found.named)
    for name in linear:
        named[name] = short.settled(structured(named[name], nodes[name], structure)[0])
    lines = tuple((name, e if name in values else asked.as_typed(e)) for name, e in found.lines)
    program = replace(found, lines=lines, named={name: asked.as_typed(e) for name, e in named.items()})
    if program.lines != found.lines or program.named != found.named:
        program = replace(program, full=program.written_out(program.named, values))
    return _answered(asked, program.full, program)


def _remarks(asked: Asked, found: _Found) -> tuple[list[str], list[str]]:
    """Where the answers hold, and what else is to be said."""
    f, table, short = asked.function, asked.table, asked.short
    targets = list(asked.nodes.values())
    if found.backward is not None:
        lines = (*needed(found.backward.forward, [found.backward.root]), ("", found.backward.root))
        holds, corners = of_program(lines, asked.variables.values(), table, short)
        absent = [name for name in found.backward.absent if name in asked.variables]
        said = "occurs in no line that the function uses"
    else:
        shown = [e for name, a in found.answers.items() for e in (a.expr, *_maps(found, name))]
        holds = conditions(f, targets, table, short, found.first if asked.order == 2 else (), shown)
        free = {x: unstructured(x) if x.op == "sym" else x for x in targets}
        corners = kinks(ops.substitute(f, free), free.values(), table, short, holds=holds)
        parts = set(topological(f))
        absent = [name for name, x in asked.nodes.items() if x not in parts]
        said = "is declared but does not occur"
    holds.extend(twice_differentiable(a.expr for a in found.answers.values()))
    notes = [*asked.notes, *found.conventions]
    notes.extend(f"{name} {said}: the derivative is zero" for name in absent)
    notes.extend(corners)
    notes.extend(sorted(short.given_up))
    return holds, notes


def _maps(found: _Found, name: str) -> tuple[Expr, ...]:
    return (found.forms[name].map,) if name in found.forms else ()


def _expanded(found: _Found, problem: Problem, table: Table) -> _Found:
    """The answers expanded; the lines of a program stay as they are written."""
    answers = {name: replace(a, expr=expanded(a.expr, table)) for name, a in found.answers.items()}
    forms = {name: replace(form, matrix=answers[name].expr) for name, form in found.forms.items()}
    program = found.backward
    if program is not None:
        own = {name for name, _ in problem.definitions}
        lines = tuple((name, e if name in own else expanded(e, table)) for name, e in program.lines)
        named = {name: expanded(e, table) for name, e in program.named.items()}
        program = replace(program, lines=lines, named=named)
    return replace(found, answers=answers, forms=forms, backward=program)


def _as_worded(d: Derivation) -> Derivation:
    """The answers as they are written, with what the names of parts stand for put in: another form of them, where
    residuals were found. What is printed is then what is verified and run."""
    if d.backward is not None or d.layout != "gradient" or not d.definitions:
        return d
    exprs = written_out(d.definitions, d.written)
    answers = {a.name: replace(a, expr=e) for a, e in zip(d.answers.values(), exprs, strict=True)}
    forms = {name: replace(form, matrix=answers[name].expr) for name, form in d.forms.items()}
    return replace(d, answers=answers, forms=forms, lines=(d.definitions, d.written))


def _in_own_names(d: Derivation) -> Derivation:
    """With a note on each of the reader's names that no answer has use for."""
    used = {name for name, _ in d.definitions} if d.residuals else set()
    unused = tuple(f"{name} does not occur in the answer" for name, _ in d.residuals if name not in used)
    return replace(d, notes=(*d.notes, *unused)) if unused else d
