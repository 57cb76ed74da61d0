"""Expressions to a module of NumPy code: ``value``, ``gradient``, ``value_and_gradient``.

The module imports NumPy alone, takes the variables as keyword parameters and finds all sizes from the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from matcalc import ops
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.garbage import rarely_collected
from matcalc.generator.bodies import WIDTH, Axes, Parameters, Task, Written, body_of, declared_axes, parameters_of
from matcalc.generator.costs import Costs, expected
from matcalc.generator.regular import regular
from matcalc.generator.spelling import BUILTINS, Spelling, own_names, renamed
from matcalc.generator.targets import spelling
from matcalc.kinds import Kind
from matcalc.shapes import ONE


@rarely_collected
def module_source(
    function: Expr,
    answers: Sequence[tuple[str, Expr]],
    kinds: Mapping[str, Kind],
    *,
    target: str = "numpy",
    order: int = 1,
    what: str = "gradient",
    definitions: Iterable[tuple[str, Expr]] = (),
    header: str = "",
    blocks: Sequence[Sequence[Expr]] = (),
    products: Sequence[tuple[str, Expr, Expr]] = (),
    sizes: Mapping[str, int] | str | None = None,
) -> str:
    """The source of a self-contained module.

    ``answers`` pairs each name of differentiation with its derivative (the gradient, for a Hessian); ``kinds`` holds
    every variable of the input, used or not; ``definitions`` name sub-expressions, to which function and answers may
    refer by symbols; ``header`` is put at the top as comments. ``blocks`` are the second derivatives, row by row of the
    variables; ``products`` for each variable its name, the symbol of its direction and the Hessian-vector product.
    ``sizes`` are those to expect of named dimensions: they choose between ways to compute the same, which all hold for
    every size.
    """
    if what not in ("gradient", "jacobian", "hessian", "derivative") or order != 1:
        raise UnsupportedError(f"no code is generated for a {what} of order {order}")
    table = spelling(target)
    named = dict(definitions)
    results = [x for _, x in answers]
    directions = {dx.name: dx.data[1] for _, dx, _ in products}  # type: ignore[index]
    roots = [function, *results, *named.values(), *(x for row in blocks for x in row), *(x for _, _, x in products)]
    solved = regular([function, *named.values()], roots)
    parameters = parameters_of(roots, {**kinds, **directions}, named, table)
    costs = _costs(sizes, roots, kinds)
    lead = len([d for d in function.shape if d is not ONE]) if what == "jacobian" else 0
    tasks = [Task("value", "The value of the function.", [function], [Axes(None, 0)])]
    if answers:
        shapes = [Axes(None if what == "derivative" else kinds.get(name), lead) for name, _ in answers]
        several = len(answers) > 1
        inputs = parameters.inputs
        by = ", ".join(inputs.get(name, name) for name, _ in answers)
        first = "gradient" if what == "hessian" else what
        tasks.append(Task(first, f"The {first} by {by}.", results, shapes, several))
        if function.is_scalar and what not in ("jacobian", "derivative"):
            both = [Axes(None, 0), *shapes]
            everything = [function, *results]
            title = f"The value and the gradient by {by}."
            names = tuple(name for name, _ in answers)
            tasks.append(Task("value_and_gradient", title, everything, both, several, by=names))
        if what == "hessian":
            declared = [declared_axes(kinds[name]) for name, _ in answers]
            full = [Axes(None, 0, (*a, *b)) for a in declared for b in declared]
            entries = [x for row in blocks for x in row]
            tasks.append(Task("hessian", f"The Hessian by {by}.", entries, full, several, nested=len(answers)))
            along = ", ".join(directions)
            title = f"The product of the Hessian with {along}, without the Hessian."
            tasks.append(Task("hvp", title, [x for _, _, x in products], shapes, several, extra=tuple(directions)))
    extra = frozenset(directions)
    if solved:
        named = {name: ops.substitute(x, solved) for name, x in named.items()}
        tasks = [replace(task, results=[ops.substitute(x, solved) for x in task.results]) for task in tasks]
    written = [body_of(task, table, named, parameters, costs, extra - set(task.extra)) for task in tasks]
    return _module(table, written, parameters, header, extra)


def functions_source(
    functions: Sequence[tuple[str, str, Sequence[tuple[str, Expr]]]],
    kinds: Mapping[str, Kind],
    results: Mapping[str, Kind],
    *,
    target: str = "numpy",
    header: str = "",
    sizes: Mapping[str, int] | str | None = None,
) -> str:
    """The source of a module of functions: (name, what it gives, its results as (name, expression)).

    ``kinds`` holds the variables that the functions take, ``results`` the kind of each result; several are a tuple.
    """
    table = spelling(target)
    roots = [x for _, _, pairs in functions for _, x in pairs]
    parameters = parameters_of(roots, kinds, {}, table)
    costs = _costs(sizes, roots, kinds)
    tasks = [
        Task(name, title, [x for _, x in pairs], [Axes(results[r], 0) for r, _ in pairs], len(pairs) > 1)
        for name, title, pairs in functions
    ]
    written = [body_of(task, table, {}, parameters, costs) for task in tasks]
    return _module(table, written, parameters, header, frozenset())


def _costs(given: Mapping[str, int] | str | None, roots: Sequence[Expr], kinds: Mapping[str, Kind]) -> Costs:
    """Estimates for the sizes that are expected of the dimensions of the input."""
    if given is None:
        return Costs()
    shapes = [*(x.shape for x in topological(*roots)), *(kind.shape for kind in kinds.values())]
    return Costs(expected(given, {name for shape in shapes for d in shape for name in d.names}))


def compile_module(source: str) -> dict[str, Any]:
    """The names that generated source defines (it is executed: give it nothing else)."""
    namespace: dict[str, Any] = {"__name__": "matcalc_generated"}
    exec(compile(source, "<matcalc>", "exec"), namespace)
    return namespace


# --- the text of a module --------------------------------------------------------------------------------


def _module(
    table: Spelling, written: Sequence[Written], parameters: Parameters, header: str, extra: frozenset[str]
) -> str:
    own = parameters.own
    used = set().union(*(w.used for w in written))
    functions: dict[str, str] = {}
    waiting = sorted(used & table.functions.keys(), reverse=True)
    while waiting:
        name = waiting.pop()
        if name not in functions:
            functions[name] = table.functions[name]
            inside = own_names(table.functions[name])
            used |= inside
            waiting.extend(sorted(inside & table.functions.keys(), reverse=True))
    parts = [_comment(header)] if header.strip() else []
    aliases = [f"{own[name]} = {name}" for name in BUILTINS if name in used and name in own]
    parts.append("\n".join([*_imports(table, used, own), *aliases]))
    parts.extend(renamed(source, own).strip("\n") for _, source in sorted(functions.items()))
    parts.extend(_definition(w, _signature(w, written, parameters, extra), parameters) for w in written)
    both = next((w for w in written if w.task.name == "value_and_gradient"), None)
    if table.epilogue and both is not None and all(name in parameters.inputs for name in both.task.by):
        parts.append(_epilogue(table, both, _signature(both, written, parameters, extra), parameters))
    return "\n\n\n".join(parts) + "\n"


def _epilogue(table: Spelling, both: Written, arguments: Sequence[str], parameters: Parameters) -> str:
    """The end of a module: what lends the library's automatic differentiation our gradient."""
    names = [text.removesuffix("=None") for text in arguments]
    inputs = parameters.inputs
    by = [names.index(inputs[name]) for name in both.task.by]
    fill = {
        "Loss": "Loss_" if "Loss" in names else "Loss",
        "torch": parameters.own.get("torch", "torch"),
        "arguments": ", ".join(arguments),
        "keywords": ", ".join(f"{name}={name}" for name in names),
        "saved": "*_gradient" if both.task.several else "_gradient",
        "places": str(tuple(by)),
        "count": str(len(names)),
    }
    return table.epilogue.format(**fill).strip("\n")


def _imports(table: Spelling, used: set[str], own: Mapping[str, str]) -> list[str]:
    """The first import always, the others where they are used."""
    lines = []
    for i, (name, line) in enumerate(table.imports.items()):
        if i == 0 or name in used:
            text = line.format(own.get(name, name))
            lines.append(text.removesuffix(f" as {name}") if text.split()[-3:] == [name, "as", name] else text)
    return lines


def _signature(
    function: Written, written: Sequence[Written], parameters: Parameters, extra: frozenset[str]
) -> list[str]:
    """All functions of a module take the same arguments; what one does not need of callables and sizes is optional.

    Of the ``extra`` parameters a function takes its own.
    """
    sizes = {name: text for w in written for name, text in w.sizes.items()}
    hidden = extra - set(function.task.extra)
    result = [text for name, (text, _) in parameters.variables.items() if name not in hidden]
    result.extend(parameters.indices.values())
    for name, text in parameters.callables.items():
        result.append(text if name in function.applied else f"{text}=None")
    result.extend(text if name in function.sizes else f"{text}=None" for name, text in sizes.items())
    return result


def _definition(function: Written, arguments: Sequence[str], parameters: Parameters) -> str:
    start = f"def {function.task.name}("
    line = start + ("*, " + ", ".join(arguments) if arguments else "") + "):"
    if len(line) > WIDTH:
        rows = ["    *"]
        for argument in arguments:
            if len(rows[-1]) + len(argument) + 2 > WIDTH:
                rows[-1] += ","
                rows.append(f"    {argument}")
            else:
                rows[-1] += f", {argument}"
        line = "\n".join([start, *rows, "):"])
    said = [
        f"    {parameters.callables[name]} gives {meaning}."
        for name, meaning in parameters.meanings.items()
        if meaning and name in function.applied
    ]
    title = [f'    """{function.task.title}', "", *said, '    """'] if said else [f'    """{function.task.title}"""']
    return "\n".join([line, *title, *function.lines])


def _comment(header: str) -> str:
    """Text as comments: no line of it can be anything else."""
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in header.strip().splitlines()]
    return "\n".join(f"# {line}".rstrip() for line in lines)
