"""The pipeline: a loss and the names of variables in, closed-form gradients with all that goes with them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from matcalc import ops
from matcalc.answers.derivation import DEFAULT_PATTERN, Answer, Derivation
from matcalc.answers.wording import WHERE, expanded, own_names
from matcalc.calculus.adjoint import gradients
from matcalc.calculus.backward import Backward, backward, cut, needed
from matcalc.calculus.components import PLACED, in_components
from matcalc.calculus.conditions import conditions, kinks, of_program, twice_differentiable
from matcalc.calculus.higher import Forms, with_facts
from matcalc.calculus.higher import forms as derivative_forms
from matcalc.calculus.separate import separated
from matcalc.calculus.structure import ambient, structured, unstructured
from matcalc.errors import InputError, LimitError, MatcalcError, UnknownName, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.expr import replace as replace_nodes
from matcalc.indices import apart, declared_names, names_in, renamed
from matcalc.kinds import Kind, kind_of_shape
from matcalc.language.index_sums import raised
from matcalc.language.names import spelled
from matcalc.language.parse import Problem, parse, read, scalar_reading
from matcalc.order import label
from matcalc.printing.measure import length
from matcalc.printing.naming import written_out
from matcalc.rules.facts import facts_of
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table, default_table
from matcalc.shapes import ONE, shape_text
from matcalc.simplifier.orientation import Orientation
from matcalc.simplifier.pseudoinverses import with_pseudoinverses
from matcalc.simplifier.simplify import Simplifier

LAYOUTS = ("gradient", "numerator")
_TOWER = 100  # x^x^x^...: the derivative of a tower is quadratic in its height
_AGAIN = 4  # passes over an answer
_LARGE = 4000  # distinct nodes: a larger function is differentiated once, in the form it has


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
    meant = None if f.is_scalar or not isinstance(function, str) else scalar_reading(problem, names, declare, of)
    if order == 2 and not f.is_scalar:
        message = f"the function is {_form(f)}; a Hessian needs a scalar function"
        hint = f"if a scalar is meant, declare {meant}" if meant else "sum(...) or one entry of it"
        raise UnsupportedError(message, hint=hint)
    table = table or default_table()
    if order == 2 or not f.is_scalar:
        problem = _standing(problem, names)
        f = problem.function
    nodes = _targets(problem, names)
    variables = {
        name: n if n.op == "sym" and n.name == name else ops.sym(name, kind_of_shape(n.shape))
        for name, n in nodes.items()
    }
    short = Simplifier(rewriter(table))
    targets = list(nodes.values())
    notes = list(problem.notes)
    if meant:
        notes.append(f"the function is {_form(f)}; if a scalar is meant, declare {meant}")
    answers: dict[str, Answer] = {}
    forms: dict[str, Forms] = {}
    taken = declared_names(problem.kinds) | names_in(f) - {n.data for n in topological(f) if n.op == "idx"}
    program_of: Backward | None = None
    words = _own_names(residuals or {}, problem, {*taken, *(adjoint.format(name) for name in names)})
    as_typed = Orientation([f], short)
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
        found = {y: as_typed(e) for y, e in found.items()}
        if any(n.op == "idx" for n in topological(*found.values())):
            found = {y: renamed(e, taken) for y, e in found.items()}
        found = {x: found[y] for x, y in bare_of.items()}
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
                form = replace(form, map=as_typed(form.map), matrix=as_typed(form.matrix))
                key = name if len(functions) == 1 else f"{outer},{name}"
                forms[key] = form
                answers[key] = Answer(key, x, form.matrix)
    if program_of is not None:
        lines = (*needed(program_of.forward, [program_of.root]), ("", program_of.root))
        holds, corners = of_program(lines, variables.values(), table, short)
        absent = [name for name in program_of.absent if name in variables]
    else:
        shown = [e for a in answers.values() for e in (a.expr, *((forms[a.name].map,) if a.name in forms else ()))]
        holds = conditions(f, targets, table, short, first if order == 2 else (), shown)
        free = {x: unstructured(x) if x.op == "sym" else x for x in targets}
        corners = kinks(ops.substitute(f, free), free.values(), table, short, holds=holds)
        parts_of_f = set(topological(f))
        absent = [name for name, x in nodes.items() if x not in parts_of_f]
    holds.extend(twice_differentiable(a.expr for a in answers.values()))
    said = "occurs in no line that the function uses" if program_of is not None else "is declared but does not occur"
    notes.extend(f"{name} {said}: the derivative is zero" for name in absent)
    notes.extend(corners)
    notes.extend(sorted(short.given_up))
    if expand:
        answers = {name: replace(a, expr=expanded(a.expr, table)) for name, a in answers.items()}
        forms = {name: replace(form, matrix=answers[name].expr) for name, form in forms.items()}
        program_of = _expanded(program_of, problem, table) if program_of is not None else None
    found_derivation = _as_worded(Derivation(
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
        derive,
    ))
    used = {name for name, _ in found_derivation.definitions} if words else set()
    unused = tuple(f"{name} does not occur in the answer" for name, _ in words if name not in used)
    return replace(found_derivation, notes=(*found_derivation.notes, *unused)) if unused else found_derivation


def _as_worded(d: Derivation) -> Derivation:
    """The answers as they are written, with what the names of parts stand for put in: another form of them, where
    residuals were found. What is printed is then what is verified and run."""
    if d.backward is not None or d.layout != "gradient" or not d.definitions:
        return d
    exprs = written_out(d.definitions, d.written)
    answers = {a.name: replace(a, expr=e) for a, e in zip(d.answers.values(), exprs, strict=True)}
    forms = {name: replace(form, matrix=answers[name].expr) for name, form in d.forms.items()}
    return replace(d, answers=answers, forms=forms, lines=(d.definitions, d.written))


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
    typed = [problem.function, *(e for _, e in problem.lines)]
    own = set(values)
    as_typed = Orientation(typed, short)
    lines = tuple((name, e if name in own else as_typed(e)) for name, e in found.lines)
    named, full = ({name: as_typed(e) for name, e in each.items()} for each in (named, full))
    return replace(found, lines=lines, named=named, full=full)


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
        replaced: dict[Expr, Expr] = {}
        others: dict[Expr, Expr] = {}  # as long as the best so far
        for y, raw in found.items():
            x = back[y]
            raw = replace_nodes(raw, back, ops.rebuild, replaced)
            gradient = short.settled(structured(raw, x, structure)[0])
            if x not in best or length(gradient) < length(best[x]):
                best[x] = gradient
            elif length(gradient) == length(best[x]) and gradient is not best[x]:
                others[x] = gradient
        both = _fixed([*others.values(), *(best[x] for x in others)], table)
        for x, gradient in others.items():
            best[x] = min(both[gradient], both[best[x]], key=lambda e: (length(e), label(e)))
    fixed = _fixed(best.values(), table)
    return {x: fixed[gradient] for x, gradient in best.items()}


def _fixed(roots: Iterable[Expr], table: Table) -> dict[Expr, Expr]:
    """Each simplified until nothing gets shorter: what one pass leaves may give the next one something to do."""
    found = {e: e for e in roots}
    shorter = {e for e in found if not _is_large(e)}
    for _ in range(_AGAIN):
        short = Simplifier(rewriter(table))
        again = {e: short.settled(found[e]) for e in shorter}
        shorter = {e for e, new in again.items() if new is not found[e] and length(new) <= length(found[e])}
        found.update((e, again[e]) for e in shorter)
        shorter = {e for e in shorter if not _is_large(found[e])}
    if any(n.op in PLACED for n in topological(*found.values())):
        short = Simplifier(rewriter(table))
        found = {e: in_components(new, short) for e, new in found.items()}
    results: dict[Expr, Expr] = {}
    return {e: with_pseudoinverses(new, results) for e, new in found.items()}


def _is_large(e: Expr) -> bool:
    return length(e) > _LARGE and len(topological(e)) > _LARGE


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
