"""Programs on paper: adjoints as partial derivatives, whole documents, and the graph of a program as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matcalc import ops
from matcalc.errors import InputError
from matcalc.expr import Expr, symbols
from matcalc.kinds import kind_of_shape
from matcalc.printing.formulas import Typesetter, where_lines
from matcalc.printing.markup import Markup
from matcalc.printing.text import text

GRAPHS = ("dot", "mermaid")
_PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\begin{document}
"""


def program_set(
    lines: Sequence[tuple[str, Expr]], called: Mapping[str, tuple[str, int]], function: str, markup: Markup
) -> str:
    r"""Lines ``name = expression``; the adjoint of W is \frac{\partial L}{\partial W}, a delta of h \delta_{h}."""
    m = markup
    quantities = {name for name, _ in called.values() if name}
    named = [ops.sym(name, kind_of_shape(e.shape)) for name, e in lines]
    shown = Typesetter(m, [*named, *(e for _, e in lines)], names=[*quantities, function]).names
    names = {}
    for name, (quantity, number) in called.items():
        if not number:
            names[name] = str(m.fraction(f"{m.partial}{shown[function]}", f"{m.partial}{shown[quantity]}"))
        else:
            marks = [*([shown[quantity]] if quantity else []), *([m.digits(str(number))] if number > 1 else [])]
            names[name] = str(m.subscript(m.delta, m.run(marks, apart=True))) if marks else m.delta
    given = {n for name, n in shown.items() if name not in names}
    names = {name: n for name, n in names.items() if n not in given}  # a delta of the user's own
    return where_lines(m, lines, special=names)


def document(*formulas: str) -> str:
    r"""A complete LaTeX document with these formulas, each a display of its own."""
    return _PREAMBLE + "\n".join(map(_display, formulas)) + "\n\\end{document}\n"


def _display(formula: str) -> str:
    formula = formula.strip()
    for name in ("aligned", "align*"):
        front, back = f"\\begin{{{name}}}", f"\\end{{{name}}}"
        if formula.startswith(front) and formula.endswith(back) and formula.count(front) == 1:
            return f"\\begin{{align*}}{formula[len(front) : -len(back)]}\\end{{align*}}"
    return f"\\[\n{formula}\n\\]"


def graph(
    lines: Iterable[tuple[str, Expr]], function: str, adjoints: Mapping[str, str], form: str = "dot"
) -> str:
    """Which quantity is made of which; the edges along which an adjoint comes back bear its name."""
    if form not in GRAPHS:
        raise InputError(f"there is no graph format '{form}'", hint=f"one of {', '.join(GRAPHS)}")
    nodes, edges = graph_parts(lines, function, adjoints)
    write = _dot if form == "dot" else _mermaid
    return write({name: f"{name} = {e}" if e else name for name, e in nodes.items()}, edges)


def graph_parts(
    lines: Iterable[tuple[str, Expr]], function: str, adjoints: Mapping[str, str]
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The graph as data: each quantity with its expression as text (none if it is given), and the edges
    (from, to, name of the adjoint that comes back along it, or none).

    ``lines`` are the definitions in terms of names; the one without a name is the function.
    """
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    for name, e in lines:
        name = name or function
        for s in symbols(e):
            nodes.setdefault(s.name, "")
            edges.append((s.name, name))
        nodes[name] = text(e)
    return nodes, [(a, b, adjoints.get(a, "")) for a, b in edges]


def _dot(nodes: Mapping[str, str], edges: Iterable[tuple[str, str, str]]) -> str:
    """Graphviz."""
    lines = ["digraph program {", "  rankdir=LR;", "  node [shape=box];"]
    lines += [f'  "{name}" [label="{label}"];' for name, label in nodes.items()]
    lines += [f'  "{a}" -> "{b}"' + (f' [label="{label}"];' if label else ";") for a, b, label in edges]
    return "\n".join([*lines, "}"])


def _mermaid(nodes: Mapping[str, str], edges: Iterable[tuple[str, str, str]]) -> str:
    """Mermaid; a name such as ``end`` would be a word of its own, so nodes are numbered."""
    number = {name: f"n{i}" for i, name in enumerate(nodes)}
    lines = ["graph LR"]
    lines += [f'  {number[name]}["{_entities(label)}"]' for name, label in nodes.items()]
    lines += [f"  {number[a]} --" + (f'>|"{label}"| ' if label else "> ") + number[b] for a, b, label in edges]
    return "\n".join(lines)


def _entities(label: str) -> str:
    """Signs that Mermaid would read as its own."""
    return "".join(f"#{ord(char)};" if char in '#"<>&;[]' else char for char in label)
