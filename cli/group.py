"""The command group ``matcalc``."""

from __future__ import annotations

import io
import sys

import click

import matcalc

from . import terminal
from .check import check
from .command import COMMON, FaultGuard
from .completion import completion
from .derive import derive
from .identities import identities
from .serve import serve
from .solve import solve

EXAMPLES = """\b
Examples:
  matcalc derive "norm2(A*x - b)^2" --wrt x
  matcalc derive "a'*inv(X)*b" --wrt X --format latex
  matcalc derive "logdet(S)" --wrt S --declare "S: spd(n)" --format numpy > gradient.py
  matcalc check "x'*A*x" --wrt x --equals "2*A*x"
  matcalc identities show inv
"""

FIRST = (
    ('matcalc derive "norm2(A*x - b)^2" --wrt x', "the gradient: 2Aᵀ(Ax − b)"),
    ('matcalc check "x\'*A*x" --wrt x --equals "2*A*x"', "is this hand-derived gradient right?"),
    ('matcalc solve "norm2(y - X*w)^2 + c*norm2(w)^2" --wrt w', "the stationary point: ridge regression"),
)
LAST = ("matcalc --help lists the commands,", "matcalc serve opens the page in the browser.")


COMMANDS = (derive, check, solve, serve, identities, completion)  # in the order of --help


class Commands(FaultGuard):
    """The group, its commands in our order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [str(command.name) for command in COMMANDS]


@click.group(cls=Commands, epilog=EXAMPLES + COMMON, invoke_without_command=True,
             context_settings={"max_content_width": 100})  # fmt: skip
@click.version_option(matcalc.__version__, prog_name="matcalc", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Closed-form matrix derivatives: type a loss, get its gradient, short, as LaTeX and code, verified.

    Every command has its own --help with examples.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter must not end the program
            stream.reconfigure(errors="backslashreplace")
    if context.invoked_subcommand is None:
        click.echo(greeting())


def greeting() -> str:
    """What there is to try first."""
    lines = [f"matcalc {matcalc.__version__}: the derivative of a loss in closed form, short, verified. Try:"]
    for command, says in FIRST:
        lines += [f"  {terminal.painted(command, bold=True)}", f"      {terminal.painted(says, dim=True)}"]
    return "\n".join([*lines, *LAST])


for _command in COMMANDS:
    main.add_command(_command)
