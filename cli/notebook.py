"""``%load_ext matcalc``: the commands as magics of IPython and Jupyter, ``%derive``, ``%solve``, ``%check``.

The options are those of the command line. A result is an object, shown as a formula: it may be assigned,
``d = %derive x'*A*x --wrt x``. A mistake in the input is one message without a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.display import display

import matcalc
from matcalc.errors import MatcalcError

from .check import check
from .command import declarations, source_text
from .derive import derivation_of, derive
from .show import answer
from .show import echo as derive_echo
from .solve import echo as solve_echo
from .solve import solution_of, solve, solved

COMMANDS = {"derive": derive, "solve": solve, "check": check}


def words(line: str, command: click.Command) -> list[str]:
    """A line as arguments: each option with all that follows it, quoted or not; the expression stands before them.

    It is not split as a shell would: transposes are no quotation marks.
    """
    options = {name: p for p in command.params if isinstance(p, click.Option) for name in p.opts + p.secondary_opts}
    pieces = re.split(r"\s(--[a-z][a-z-]+)(?=[\s=]|$)", f" {line}")  # a misspelt one is for click to say
    expression = _unquoted(pieces[0].strip())
    found: list[str] = []
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        option = options.get(name)
        equals = value.startswith("=")
        value = value.removeprefix("=").strip()
        level = _first(value) if option is not None and option._flag_needs_value else ("", "")
        if not equals and level[0] in getattr(getattr(option, "type", None), "choices", ()):
            found.append(f"{name}={level[0]}")  # --steps full
            expression = expression or _unquoted(level[1])
            continue
        if not equals and (option is None or option.is_flag or option._flag_needs_value):
            found.append(name)
            expression = expression or _unquoted(value)
            continue
        first, rest = _first(value) if not expression else (value, "")
        found += [f"{name}={_unquoted(first)}"] if equals else [name, _unquoted(first)] if value else [name]
        expression = expression or _unquoted(rest)
    return [*found, "--", expression] if expression else found


def _first(value: str) -> tuple[str, str]:
    """The value of an option and what follows it, where no expression stands before the options."""
    match = re.match(r"""("[^"]*"|'[^']*'|\S+)\s*(.*)""", value, flags=re.DOTALL)
    return (match[1], match[2]) if match else (value, "")


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]:
        return value[1:-1]
    return value


@magics_class
class MatcalcMagics(Magics):
    """The commands of matcalc."""

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def derive(self, line: str, cell: str | None = None, local_ns: Any = None) -> Any:
        return self._run(derive, _derived, line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def solve(self, line: str, cell: str | None = None, local_ns: Any = None) -> Any:
        return self._run(solve, _solved, line, cell, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def check(self, line: str, cell: str | None = None, local_ns: Any = None) -> Any:
        return self._run(check, _checked, line, cell, local_ns)

    def _run(
        self, command: click.Command, action: Callable[..., Any], line: str, cell: str | None, local_ns: Any
    ) -> Any:
        """What the action makes of the arguments; of mistakes one message."""
        arguments = words(line, command)
        if cell is not None:
            if "--" in arguments:
                raise UsageError(f"the program stands in the cell; '{arguments[-1]}' is not an option")
            arguments += ["--", cell]
        elif not arguments:
            arguments = ["--help"]
        try:
            with command.make_context(f"%{command.name}", arguments) as context:
                given = dict(context.params)
                return action(self._function(given.pop("function"), cell, local_ns), **given)
        except click.exceptions.Exit:
            return None  # --help
        except click.ClickException as error:
            raise UsageError(error.format_message()) from None
        except MatcalcError as error:
            raise UsageError(str(error)) from None

    def _function(self, typed: str, cell: str | None, local_ns: Any) -> Any:
        """The text; for the name of a SymPy expression of the notebook that expression."""
        if cell is not None:
            return typed
        if typed == "-":
            raise UsageError("a notebook has no standard input; a program stands in a cell under %%derive")
        known = (local_ns or {}).get(typed, self.shell.user_ns.get(typed)) if typed.isidentifier() else None
        package = type(known).__module__.partition(".")[0]
        return known if package in ("sympy", "matcalc") and hasattr(known, "args") else source_text(typed)


def _derived(function: Any, form: str, detail: str | None, check: bool, **given: Any) -> Any:
    if given["notation"] is not None:
        matcalc.set_notation(given["notation"])  # from now on: formulas are shown when the cell has ended
    derivation = derivation_of(function, form, given | {"notation": None})
    print("\n".join(derive_echo(derivation, derivation.verify() if check else None)))
    if given["graph"]:
        print(derivation.graph(given["graph"]))
        return None
    if given["standalone"]:
        print(derivation.document(bool(detail), detail == "full"), end="")
        return None
    if detail:
        shown = {"text/markdown": "markdown", "text/plain": "pretty"}
        display({mime: derivation.explain(name, detail == "full") for mime, name in shown.items()}, raw=True)
    if form == "sympy":
        return derivation.expr
    return _object_or_text(derivation, form, lambda: answer(derivation, form, given["sizes"]))


def _solved(function: Any, form: str, check: bool, notation: str | None, **given: Any) -> Any:
    if notation is not None:
        matcalc.set_notation(notation)
    solution = solution_of(function, given)
    print("\n".join(solve_echo(solution, solution.verify() if check and solution else None)))
    return _object_or_text(solution, form, lambda: solved(solution, form))


def _checked(function: Any, wrt: str | None, equals: str, declare: tuple[str, ...], **given: Any) -> Any:
    return matcalc.check(function, wrt, equals, declarations(declare), **given)


def _object_or_text(result: Any, form: str, write: Callable[[], str]) -> Any:
    """The object, which is shown as a formula; or in another form its text."""
    if form == "pretty":
        return result
    print(write())
    return None


for _name, _command in COMMANDS.items():  # %derive? shows what %derive --help prints
    getattr(MatcalcMagics, _name).__doc__ = _command.get_help(click.Context(_command, info_name=f"%{_name}"))


def complete(shell: Any, event: Any) -> list[str]:
    """The options of a magic, and the values of those that have a choice."""
    command = COMMANDS[re.match(r"\s*%*(\w+)", event.line)[1]]  # type: ignore[index]
    before = event.line[: len(event.line) - len(event.symbol)].split()
    options = {name: p for p in command.params if isinstance(p, click.Option) for name in p.opts}
    option = options.get(before[-1]) if before else None
    if option is not None and isinstance(option.type, click.Choice) and not option.is_flag:
        return list(map(str, option.type.choices))
    return sorted(options)


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext matcalc`` does."""
    shell.register_magics(MatcalcMagics)
    for name in COMMANDS:
        for sign in ("%", "%%"):
            shell.set_hook("complete_command", complete, str_key=f"{sign}{name}")
