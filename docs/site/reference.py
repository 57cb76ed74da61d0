"""Reference pages: Python functions from their docstrings, commands from their help, the table of identities."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Iterator
from typing import Any

import click

import matcalc
from docs.site.markdown import block, colored
from matcalc.cli import main
from matcalc.cli.identities import SECTIONS, statement

FUNCTIONS = ("derive", "check", "solve", "parse", "gradient", "jacobian", "hessian", "set_notation")
RESULTS = ("Derivation", "Check", "Solution", "Notation")


def python_page() -> str:
    """Every public name, with its signature and docstring."""
    parts = ["<h1>Python</h1><p>Everything that <code>import matcalc</code> offers, from the docstrings.</p>"]
    parts.append('<h2 id="functions">Functions</h2>')
    parts += [entry(f"matcalc.{name}", getattr(matcalc, name), name) for name in FUNCTIONS]
    parts.append('<h2 id="identities-module">matcalc.identities</h2>')
    parts.append(prose(inspect.getdoc(matcalc.identities) or ""))
    parts += [
        entry(f"matcalc.identities.{name}", f, f"identities-{name}") for name, f in public_functions(matcalc.identities)
    ]
    parts.append('<h2 id="results">Results</h2>')
    for name in RESULTS:
        cls = getattr(matcalc, name)
        parts.append(f'<h3 id="{name}">matcalc.{name}</h3>{prose(inspect.getdoc(cls) or "")}<dl class="members">')
        parts += [member(key, value) for key, value in members(cls)]
        parts.append("</dl>")
    parts.append('<h2 id="errors">Errors</h2><dl class="members">')
    errors = [n for n in matcalc.__all__ if inspect.isclass(c := getattr(matcalc, n)) and issubclass(c, Exception)]
    parts += [
        f'<dt id="{n}"><code>{n}</code></dt><dd>{prose(inspect.getdoc(getattr(matcalc, n)) or "")}</dd>' for n in errors
    ]
    return "\n".join([*parts, "</dl>"])


def public_functions(module: Any) -> list[tuple[str, Any]]:
    return [
        (name, f)
        for name, f in vars(module).items()
        if inspect.isfunction(f) and not name.startswith("_") and f.__module__.endswith("identities")
    ]


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties with a docstring, in the order of the source."""
    for name, value in vars(cls).items():
        if name.startswith("_") and name not in ("_repr_latex_",):
            continue
        f = value.fget if isinstance(value, property) else getattr(value, "func", value)
        if inspect.isfunction(f) and inspect.getdoc(f):
            yield (f"{name}{signature(f)}" if value is f else name), f


class _Written(str):
    """An annotation as it is written, without quotation marks and modules."""

    def __repr__(self) -> str:
        return re.sub(r"\b(?:matcalc\.\w+|collections\.abc|typing)\.", "", self)


def signature(f: Any) -> str:
    """The parameters of a function or method, and what it returns."""
    found = inspect.signature(f)
    kept = [
        p if p.annotation is p.empty else p.replace(annotation=_Written(p.annotation))
        for p in found.parameters.values()
        if p.name != "self"
    ]
    result = found.empty if found.return_annotation is found.empty else _Written(found.return_annotation)
    return str(found.replace(parameters=kept, return_annotation=result))


def entry(name: str, f: Any, address: str) -> str:
    called = f"{name}{signature(f)}"
    return (
        f'<h3 id="{address}">{html.escape(name)}</h3>{block(wrapped(called), "python")}{prose(inspect.getdoc(f) or "")}'
    )


def wrapped(called: str, width: int = 88) -> str:
    """A long signature with one parameter a line."""
    if len(called) <= width:
        return called
    head, _, rest = called.partition("(")
    inside, _, result = rest.rpartition(")")
    parts, depth, start = [], 0, 0
    for i, c in enumerate(inside):
        depth += (c in "[(") - (c in "])")
        if c == "," and not depth:
            parts.append(inside[start:i].strip())
            start = i + 1
    return f"{head}(\n" + "".join(f"    {p},\n" for p in [*parts, inside[start:].strip()]) + f"){result}"


def member(name: str, f: Any) -> str:
    return f"<dt><code>{html.escape(name)}</code></dt><dd>{prose(inspect.getdoc(f) or '')}</dd>"


def prose(text: str) -> str:
    """A docstring: paragraphs, code in double backquotes, examples."""
    out = []
    for part in re.split(r"\n\s*\n", text.strip()):
        if part.lstrip().startswith(">>>"):
            out.append(block(inspect.cleandoc(part), "pycon"))
        elif part.startswith("    "):
            out.append(block(inspect.cleandoc(part), "text"))
        else:
            escaped = html.escape(part, quote=False)
            out.append("<p>" + re.sub(r"``(.+?)``", r"<code>\1</code>", escaped) + "</p>")
    return "\n".join(out)


def commands_page() -> str:
    """The help of every command, as the terminal shows it."""
    parts = ["<h1>Commands</h1><p>What <code>--help</code> prints, command by command.</p>"]
    for words, command in walk("matcalc", main):
        context = click.Context(command, info_name=words, max_content_width=100, terminal_width=100)
        level = 2 if words.count(" ") < 2 else 3
        parts.append(
            f'<h{level} id="{words.replace(" ", "-")}">{words}</h{level}>{block(command.get_help(context), "text")}'
        )
    return "\n".join(parts)


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for key, below in command.commands.items():
            yield from walk(f"{name} {key}", below)


def table_page() -> str:
    """The whole table of identities: id, statement, source."""
    table = matcalc.identities.table()
    parts = ["<h1>Identities</h1><p>What the engine knows, as text, each entry with its source and verified by numbers "
             "(<code>matcalc identities verify</code>). The differentials are its calculus; rewrites shorten; known "
             'gradients and Jacobians are cited and tested. <a href="identity-format.html">The format</a>, '
             '<a href="adding-an-identity.html">adding one</a>.</p>']  # fmt: skip
    for section in SECTIONS:
        entries = getattr(table, section)
        parts.append(f'<h2 id="{section}">{section.capitalize()}</h2>')
        parts.append('<div class="table" tabindex="0" role="group" aria-label="table"><table><thead><tr>'
                     "<th>id</th><th>statement</th><th>source</th></tr></thead><tbody>")  # fmt: skip
        for e in entries.values() if hasattr(entries, "values") else entries:
            source = html.escape("; ".join(e.source))
            line = colored(statement(e), "matcalc")
            parts.append(f'<tr id="id-{e.id}"><td>{e.id}</td><td><code>{line}</code></td><td>{source}</td></tr>')
        parts.append("</tbody></table></div>")
    return "\n".join(parts)
