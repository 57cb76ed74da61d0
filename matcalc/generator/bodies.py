"""One function of a module: its parameters, its results as they are returned, its lines."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.generator.costs import Costs
from matcalc.generator.emission import Emission, Names
from matcalc.generator.fused import fused
from matcalc.generator.instructions import Code, Instructions, ordered
from matcalc.generator.lengths import Lengths, Measured
from matcalc.generator.lower_elementwise import axes, callable_of, key_of, meaning_of
from matcalc.generator.lowering import lower
from matcalc.generator.spelling import Spelling, own_names, renamed
from matcalc.generator.strips import stripped
from matcalc.kinds import Kind
from matcalc.rules.facts import known
from matcalc.shapes import ONE, Dim

WIDTH = 100  # of a line
_VIEWS = ("T", "col", "row", "expand", "slice", "apply")  # may share memory with an operand
_VIEWING_CALLS = ("ravel", "reshape", "diagonal")


def declared_axes(kind: Kind) -> tuple[Dim, ...]:
    """The axes of a variable as an array."""
    return {"scalar": (), "vector": (kind.rows,), "row": (kind.cols,), "matrix": (kind.rows, kind.cols)}[kind.form]


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


def parameters_of(
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
    functions = {node.data[0] for node in nodes if node.op == "ufn"}  # type: ignore[index]
    for node in nodes:
        if node.op == "ufn":
            key = key_of(*node.data)  # type: ignore[misc]
            if key not in callables:
                name = callable_of(*node.data)  # type: ignore[misc]
                while node.data[2] and name in functions:  # type: ignore[index]
                    name += "_"
                callables[key] = _parameter(name, taken, user)
                meanings[key] = meaning_of(*node.data)  # type: ignore[misc]
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
class Axes:
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
    shapes: list[Axes]
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


def body_of(
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
    if table.in_place:
        codes, new = stripped(make, codes, found.values(), costs)
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
    if len(line) <= WIDTH or len(texts) == 1:
        return [line]
    margin = " " * (12 if task.several and first else 8)
    gradients = [f"{margin}{text}," for text in rest]
    if task.several and first:
        gradients = ["        (", *gradients, "        ),"]
    return ["    return (", *(f"        {text}," for text in first), *gradients, "    )"]


def _finished(make: Instructions, code: Code, shape: Axes) -> Code:
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
    declared = declared_axes(kind)
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
    if code.op == "strips":
        loop = code.data[1]
        return [loop.along, *loop.lengths, *(d for shape in loop.shapes for d in shape)]
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
