"""Expressions to a module of NumPy code: ``value``, ``gradient``, ``value_and_gradient``.

The module imports NumPy alone, takes the variables as keyword parameters and finds all sizes from the arrays.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matcalc import ops
from matcalc.costs import Costs, expected
from matcalc.emission import Emission, Names
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.facts import known
from matcalc.fused import fused
from matcalc.garbage import rarely_collected
from matcalc.instructions import Code, Instructions, ordered
from matcalc.kinds import Kind
from matcalc.lengths import Lengths, Measured
from matcalc.lower_elementwise import axes, callable_of, meaning_of
from matcalc.lowering import lower
from matcalc.regular import regular
from matcalc.shapes import ONE, Dim
from matcalc.spelling import BUILTINS, Spelling, own_names, renamed
from matcalc.targets import spelling

_WIDTH = 100
_VIEWS = ("T", "col", "row", "expand", "slice", "apply")  # may share memory with an operand
_VIEWING_CALLS = ("ravel", "reshape", "diagonal")


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
    parameters = _parameters(roots, {**kinds, **directions}, named, table)
    costs = _costs(sizes, roots, kinds)
    lead = len([d for d in function.shape if d is not ONE]) if what == "jacobian" else 0
    tasks = [Task("value", "The value of the function.", [function], [_Shape(None, 0)])]
    if answers:
        shapes = [_Shape(None if what == "derivative" else kinds.get(name), lead) for name, _ in answers]
        several = len(answers) > 1
        inputs = parameters.inputs
        by = ", ".join(inputs.get(name, name) for name, _ in answers)
        first = "gradient" if what == "hessian" else what
        tasks.append(Task(first, f"The {first} by {by}.", results, shapes, several))
        if function.is_scalar and what not in ("jacobian", "derivative"):
            both = [_Shape(None, 0), *shapes]
            everything = [function, *results]
            title = f"The value and the gradient by {by}."
            names = tuple(name for name, _ in answers)
            tasks.append(Task("value_and_gradient", title, everything, both, several, by=names))
        if what == "hessian":
            declared = [_declared(kinds[name]) for name, _ in answers]
            full = [_Shape(None, 0, (*a, *b)) for a in declared for b in declared]
            entries = [x for row in blocks for x in row]
            tasks.append(Task("hessian", f"The Hessian by {by}.", entries, full, several, nested=len(answers)))
            along = ", ".join(directions)
            title = f"The product of the Hessian with {along}, without the Hessian."
            tasks.append(Task("hvp", title, [x for _, _, x in products], shapes, several, extra=tuple(directions)))
    extra = frozenset(directions)
    if solved:
        named = {name: ops.substitute(x, solved) for name, x in named.items()}
        tasks = [replace(task, results=[ops.substitute(x, solved) for x in task.results]) for task in tasks]
    written = [_function(task, table, named, parameters, costs, extra - set(task.extra)) for task in tasks]
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
    parameters = _parameters(roots, kinds, {}, table)
    costs = _costs(sizes, roots, kinds)
    tasks = [
        Task(name, title, [x for _, x in pairs], [_Shape(results[r], 0) for r, _ in pairs], len(pairs) > 1)
        for name, title, pairs in functions
    ]
    written = [_function(task, table, {}, parameters, costs) for task in tasks]
    return _module(table, written, parameters, header, frozenset())


def _costs(given: Mapping[str, int] | str | None, roots: Sequence[Expr], kinds: Mapping[str, Kind]) -> Costs:
    """Estimates for the sizes that are expected of the dimensions of the input."""
    if given is None:
        return Costs()
    shapes = [*(x.shape for x in topological(*roots)), *(kind.shape for kind in kinds.values())]
    return Costs(expected(given, {name for shape in shapes for d in shape for name in d.names}))


def _declared(kind: Kind) -> tuple[Dim, ...]:
    """The axes of a variable as an array."""
    return {"scalar": (), "vector": (kind.rows,), "row": (kind.cols,), "matrix": (kind.rows, kind.cols)}[kind.form]


def compile_module(source: str) -> dict[str, Any]:
    """The names that generated source defines (it is executed: give it nothing else)."""
    namespace: dict[str, Any] = {"__name__": "matcalc_generated"}
    exec(compile(source, "<matcalc>", "exec"), namespace)
    return namespace


# --- parameters ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameters:
    """The names of the input and the parameters that stand for them; ``own``: our names as this module calls them."""

    variables: dict[str, tuple[str, Kind]]
    indices: dict[str, str]
    callables: dict[str, str]
    own: dict[str, str]
    meanings: dict[str, str]  # of callables, where their names do not say it

    @property
    def inputs(self) -> dict[str, str]:
        return {**{k: v for k, (v, _) in self.variables.items()}, **self.indices, **self.callables}


def _parameters(
    roots: Sequence[Expr], kinds: Mapping[str, Kind], named: Mapping[str, Expr], table: Spelling
) -> Parameters:
    nodes = topological(*roots)
    variables = {name: kind for name, kind in kinds.items() if kind.form != "function" and name not in named}
    for node in nodes:
        if node.op == "sym" and node.name not in named:
            variables.setdefault(node.name, node.data[1])  # type: ignore[index]
    user = set(variables)
    taken: set[str] = set()
    chosen = {name: (_parameter(name, taken, user), kind) for name, kind in variables.items()}
    bound = {str(n.args[0].data) for n in nodes if n.op == "isum"}
    bound |= {str(index.data) for n in nodes if n.op == "mapped" for index in n.args[:2]}
    letters = dict.fromkeys(str(n.data) for n in nodes if n.op == "idx")
    indices = {name: _parameter(name, taken, user) for name in letters if name not in bound}
    callables: dict[str, str] = {}
    meanings: dict[str, str] = {}
    for node in nodes:
        if node.op == "ufn":
            name = callable_of(*node.data)  # type: ignore[misc]
            if name not in callables:
                callables[name] = _parameter(name, taken, user)
                meanings[name] = meaning_of(*node.data)  # type: ignore[misc]
    fresh = Names([*taken, *kinds])
    own = {name: fresh.fresh(name) for name in (*table.reserved, *table.functions) if name in taken}
    return Parameters(chosen, indices, callables, own, meanings)


def _parameter(name: str, taken: set[str], user: set[str]) -> str:
    """The name as a parameter; a keyword of Python gets an underscore, and so does what would collide."""
    text = unicodedata.normalize("NFKC", name)
    if not text.isidentifier() or text.startswith("__"):
        raise UnsupportedError(f"{ascii(name)} cannot be a name in Python code")
    while text in taken or keyword.iskeyword(text) or (text != name and text in user):
        text += "_"
    taken.add(text)
    return text


# --- functions ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """The axes of a result: ``lead`` axes of the function, then those that the kind declares; or all of them."""

    kind: Kind | None
    lead: int
    full: tuple[Dim, ...] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One function to write: its results with their axes; several gradients are a tuple."""

    name: str
    title: str
    results: list[Expr]
    shapes: list[_Shape]
    several: bool = False
    nested: int = 0  # > 1: results in rows of so many, a tuple of tuples
    extra: tuple[str, ...] = ()  # parameters that only this function takes
    by: tuple[str, ...] = ()  # the names differentiated by


@dataclass(frozen=True, slots=True)
class Written:
    """The body of one function, our names in it, the callables it applies, the dimensions it takes as parameters."""

    task: Task
    lines: list[str]
    used: set[str]
    applied: set[str]
    sizes: dict[str, str]


def _function(
    task: Task,
    table: Spelling,
    named: Mapping[str, Expr],
    parameters: Parameters,
    costs: Costs,
    hidden: frozenset[str] = frozenset(),
) -> Written:
    make = Instructions()
    definite = (lambda x, inverted: known(x, "psd" if inverted else "spd")) if table.factors else None
    weighs = (lambda x: known(x, "nonnegative")) if table.in_place else None
    codes, found = lower(task.results, make, named, definite, costs, weighs, table.in_place)
    codes, new = fused(make, codes, found.values(), table.in_place)
    found = {name: new[code] for name, code in found.items()}
    codes = [_finished(make, code, shape) for code, shape in zip(codes, task.shapes, strict=True)]
    order = ordered(codes)
    names = Names([*parameters.inputs.values(), *parameters.own.values(), *table.functions, *table.reserved])
    lengths = Lengths(_measured(parameters), names.fresh)
    lengths.require(d for code in order for d in _dimensions(code))
    wanted = {code: name for name, code in found.items() if name.isidentifier()}
    emission = Emission(table, names, lengths, parameters.inputs, wanted, parameters.own, costs)
    texts = [text for text, _ in emission.outputs(codes)]
    body = [*(f"    {line}" for line in lengths.lines), *emission.lines, *_return(task, texts)]
    applied = {str(code.data) for code in order if code.op == "apply"}
    body = [*emission.conversions, *body]
    body = [*_opened(table, parameters, body, emission.used, hidden), *_unboxed(parameters, body), *body]
    return Written(task, body, emission.used, applied, lengths.parameters)


def _return(task: Task, texts: Sequence[str]) -> list[str]:
    """``return value, (first, second)``; each result on its line where one line is too short."""
    if task.nested > 1:
        rows = [texts[i : i + task.nested] for i in range(0, len(texts), task.nested)]
        return ["    return (", *(f"        ({', '.join(row)}),".replace("(,", "(") for row in rows), "    )"]
    first = texts[:1] if task.name == "value_and_gradient" else []
    rest = list(texts[len(first) :])
    together = f"({', '.join(rest)})" if task.several and first else ", ".join(rest)
    line = f"    return {', '.join([*first, together])}"
    if len(line) <= _WIDTH or len(texts) == 1:
        return [line]
    margin = " " * (12 if task.several and first else 8)
    gradients = [f"{margin}{text}," for text in rest]
    if task.several and first:
        gradients = ["        (", *gradients, "        ),"]
    return ["    return (", *(f"        {text}," for text in first), *gradients, "    )"]


def _finished(make: Instructions, code: Code, shape: _Shape) -> Code:
    """A result as it is returned: a float, or an array of its own with every axis that was declared."""
    if shape.full is not None:
        if code.ndim and code.shape != shape.full:
            code = make.call("reshape", (code, *(make.size(d) for d in shape.full)), shape.full)
        elif shape.full and not code.ndim:
            code = make.call("full", (code, *(make.size(d) for d in shape.full)), shape.full)
    kind = shape.kind
    missing = 0 if kind is None else axes(kind) + shape.lead - code.ndim
    if not missing:
        if not code.ndim:
            return make.call("float", (code,), ())
        if code.op == "neg" and code.args[0].op == "outer":  # the sign on a vector: one array less
            u, v = code.args[0].args
            return make.make("outer", (make.neg(u), v), None, code.shape)
        return make.call("copy", (code,), code.shape) if _shares(code) else code
    assert kind is not None
    if not code.ndim:
        return make.call("boxed_vector" if missing == 1 else "boxed_matrix", (code,), (ONE,) * missing)
    declared = _declared(kind)
    if code.ndim == 1 and not shape.lead:
        axis_added = make.column(code) if kind.cols is ONE else make.row(code)
        return make.call("copy", (axis_added,), axis_added.shape) if _shares(code) else axis_added
    full = (*code.shape[: shape.lead], *declared)
    reshaped = make.call("reshape", (code, *(make.size(d) for d in full)), full)
    return make.call("copy", (reshaped,), full) if _shares(code) else reshaped


def _shares(code: Code) -> bool:
    """Whether the array may be an argument of the function, or a part of one."""
    if code.op == "call" and code.data[0] == "diagonal":
        return True
    while code.op in _VIEWS or (code.op == "call" and code.data[0] in _VIEWING_CALLS):
        if code.op == "apply":
            return True
        code = code.args[0]
    return code.op == "input"


def _dimensions(code: Code) -> list[Dim]:
    if code.op == "size":
        return [code.data]
    zeros = code.op == "loop" or (code.op == "call" and code.data[0] in ("ones", "zeros", "full"))
    return list(code.shape) if zeros else []


def _measured(parameters: Parameters) -> list[Measured]:
    """What the arrays tell, as they are when a dimension 1 has lost its axis."""
    found: list[Measured] = []
    for text, kind in parameters.variables.values():
        dims = [d for d in kind.shape if d is not ONE]
        found.extend((f"{text}.shape[{axis}]", d) for axis, d in enumerate(dims))
    return found


def _opened(
    table: Spelling, parameters: Parameters, body: Sequence[str], used: set[str], hidden: frozenset[str]
) -> list[str]:
    """Lines that bind the library, and make arrays of scalars that may be numbers."""
    if not table.opening:
        return []
    words = {word for line in body for word in re.findall(r"\w+", line)}
    variables = [pair for name, pair in parameters.variables.items() if name not in hidden]
    variables.sort(key=lambda pair: pair[1].form == "scalar")
    given = [text for text, _ in variables]
    scalars = [text for text, kind in variables if kind.form == "scalar" and text in words]
    if not scalars and not used & set(table.local):
        return []
    used |= own_names(f"{table.opening} {table.scalar}" if scalars else table.opening)
    opening, scalar = renamed(table.opening, parameters.own), renamed(table.scalar, parameters.own)
    lines = [opening.replace("{arguments}", ", ".join(given))]
    lines += [f"{text} = {scalar.replace('{0}', text)}" for text in scalars]
    return [f"    {line}" for line in lines]


def _unboxed(parameters: Parameters, body: Sequence[str]) -> list[str]:
    """Lines that take the axis off what is declared with a dimension 1: x = x[:, 0]."""
    words = {word for line in body for word in re.findall(r"\w+", line)}
    lines = []
    for text, kind in parameters.variables.values():
        inner = len([d for d in kind.shape if d is not ONE])
        if axes(kind) == inner or text not in words:
            continue
        if not inner:
            place = ", ".join("0" * axes(kind))
        else:
            place = ":, 0" if kind.cols is ONE else "0"
        lines.append(f"    {text} = {text}[{place}]")
    return lines


# --- the module -----------------------------------------------------------------------------------------


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
    if len(line) > _WIDTH:
        rows = ["    *"]
        for argument in arguments:
            if len(rows[-1]) + len(argument) + 2 > _WIDTH:
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
