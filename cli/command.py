"""What the commands share: arguments that begin with a minus sign, where the input stands, exit statuses."""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

import matcalc
from matcalc.errors import InputError, LimitError, MatcalcError

from . import terminal

HOLDS, FAILS, WRONG_INPUT, OUR_FAULT = 0, 1, 2, 70
MAX_BYTES = 4_000_000  # of a file or of standard input: the parser's own limit is lower
_MISSPELT = re.compile(r"--[a-z][a-z-]+(=.*)?")
_FILE_NAME = re.compile(r"[\w./~-]*[\w/]\.[a-z]{2,8}")


COMMON = """
\b
Exit status:
  0   it worked; the claim holds
  1   the claim does not hold; a check or an identity failed
  2   the input is wrong or not supported (one message says what and where)
  70  a fault of ours

\b
Environment:
  NO_COLOR       no color, on terminals too
  COLUMNS        the width of a terminal, if it is not to be asked
  MATCALC_DEBUG  shows where a fault of ours is
"""  # at the end of every help


class ExpressionCommand(click.Command):
    """A command whose argument may begin with a minus sign: ``-x'*x`` is one, ``--chek`` a misspelling."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name: o for o in self.get_params(ctx) if isinstance(o, click.Option) for name in o.opts}
        options: list[str] = []
        words: list[str] = []
        queue = deque(args)
        while queue:
            arg = queue.popleft()
            name, equals, _ = arg.partition("=")
            option = known.get(name)
            if arg == "--":
                words.extend(queue)
                queue.clear()
            elif option is None and _MISSPELT.fullmatch(arg):
                options.append(arg)  # click says what it should have been
            elif option is None:
                words.append(arg)
            elif equals or option.is_flag:
                options.append(arg)
            elif option._flag_needs_value:  # --steps is a flag; --steps=full and --steps full have a value
                level = queue[0] if queue and queue[0] in getattr(option.type, "choices", ()) else None
                options.append(f"{arg}={queue.popleft() if level else option.flag_value}")
            else:
                if not queue and ctx.resilient_parsing:
                    break  # the shell asks how the line may go on
                if not queue:
                    raise click.BadOptionUsage(name, f"Option '{name}' requires an argument.", ctx)
                options += [arg, queue.popleft()]
        try:
            return super().parse_args(ctx, [*options, "--", *words])
        except click.MissingParameter as problem:
            names = _names_of(words) if problem.param is known.get("--wrt") else []
            if not names:
                raise
            message = f"Missing option '--wrt': by which of {', '.join(names)}?"
            raise click.UsageError(message, ctx) from None


def _names_of(words: Sequence[str]) -> list[str]:
    """The variables of the expression that was typed; none where it cannot be read."""
    with suppress(MatcalcError):
        kinds = matcalc.read(source_text(words[0])).kinds if words and words[0] != "-" else {}
        return [name for name, kind in kinds.items() if kind.form != "function" and "integer" not in kind.facts]
    return []


class FaultGuard(click.Group):
    """The group: a user's mistake is one message and status 2, a fault of ours an apology and status 70."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except MatcalcError as error:
            click.echo(terminal.message(str(error)), err=True)
            ctx.exit(WRONG_INPUT)
        except Exception as error:
            if os.environ.get("MATCALC_DEBUG"):
                raise
            click.echo(
                f"internal fault ({type(error).__name__}): sorry, this is a mistake in matcalc, not in your "
                "input.\nPlease report it with the command you typed; MATCALC_DEBUG=1 shows where it is.",
                err=True,
            )
            ctx.exit(OUR_FAULT)


def source_text(argument: str) -> str:
    """The expression itself, the program in the file of that name, or standard input for ``-``."""
    if argument == "-":
        return _decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    if not os.path.isfile(argument):
        if "/" in argument and os.path.isdir(argument):
            raise InputError(f"{argument} is a directory")
        if _FILE_NAME.fullmatch(argument):  # no expression looks like this
            raise InputError(f"there is no file {argument}")
        return argument
    try:
        with Path(argument).open("rb") as file:
            return _decoded(file.read(MAX_BYTES + 1), argument)
    except OSError as error:
        raise InputError(f"the file {argument} cannot be read: {error.strerror}") from None


def _decoded(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise LimitError(f"{name} is too long: more than {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: byte {error.start} cannot be read") from None


def split_names(text: str) -> list[str]:
    """The names in ``W1, b1`` or ``X[i, j], y``: commas inside brackets do not split."""
    parts = [""]
    depth = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    names = [part.strip() for part in parts]
    if not all(names):
        raise InputError(f"--wrt {text!r}: a name is missing", hint="write --wrt x or --wrt W1,b1")
    return names


def joined(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> str:
    """``--wrt x --wrt y`` as ``--wrt x,y``."""
    return ",".join(given)


def declarations(given: Sequence[str]) -> str | None:
    """Several --declare options as one text of declarations."""
    return "\n".join(given) or None
