"""``matcalc solve``: the stationary point in closed form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

import matcalc

from . import terminal
from .command import COMMON, FAILS, ExpressionCommand, declarations, joined, source_text, split_names
from .completion import declarations as declared
from .completion import files, names
from .show import CODE, verdict

FORMATS = ("pretty", "text", "latex", "mathml", *CODE, "json")
EXAMPLES = """\b
Examples:
  matcalc solve "norm2(A*x - b)^2" --wrt x
  matcalc solve "norm2(y - X*w)^2 + c*norm2(w)^2" --wrt w --declare "c: scalar, positive"
  matcalc solve "-n/2*logdet(S) - 1/2*tr(inv(S)*M)" --wrt S --declare "S: spd(p)" --declare "M: spd(p)"
  matcalc solve "w'*S*w" --wrt w --declare "S: spd(n)" --subject-to "ones(n)'*w = 1"
  matcalc solve "sum(x .* log(x))" --wrt x --declare "x: vector(n), positive" --subject-to "sum(x) = 1"
  matcalc solve model.txt --wrt mu,S --format numpy > fit.py
"""


@click.command(cls=ExpressionCommand, short_help="The stationary point in closed form.", epilog=EXAMPLES + COMMON)
@click.argument("function", metavar="EXPR|FILE", shell_complete=files)
@click.option("--wrt", metavar="X[,Y...]", required=True, multiple=True, callback=joined, shell_complete=names,
              help="The unknowns: where the gradient by them vanishes. May be repeated.")
@click.option("--declare", "declare", multiple=True, metavar="DECLARATION", shell_complete=declared,
              help='What a name is: "A: symmetric(n)". May be repeated.')  # fmt: skip
@click.option("--subject-to", "subject_to", multiple=True, metavar="EQUATION",
              help='A constraint: "C*x = d", "sum(x) = 1", "x\'*x = 1". May be repeated.')  # fmt: skip
@click.option("--of", metavar="NAME", shell_complete=names,
              help="In a program: the name of the function (default: the last one).")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="pretty", show_default=True,
    help="All but pretty print that form alone; the kind of point and conditions then go to standard error.",
)  # fmt: skip
@click.option(
    "--notation", metavar="CHOICES",
    help="In LaTeX and MathML: transpose=top|T|prime, bold=vectors|arrays, hadamard=odot|circ, trace=operatorname|tr.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Say how the solution was verified by numbers.")
@click.option("--identities", "table", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="Your own identities, besides the table.")  # fmt: skip
def solve(function: str, form: str, check: bool, notation: str | None, **given: Any) -> None:
    """The stationary point of EXPR in closed form, with the kind of point and where it holds.

    Every solution is put back into the function and checked by numbers before it is shown. Without a closed form
    the stationarity condition is the answer.
    """
    if notation is not None:
        before = matcalc.set_notation(notation)
        click.get_current_context().call_on_close(lambda: matcalc.set_notation(before))
    solution = solution_of(source_text(function), given)
    click.echo(terminal.formulas(solution) if form == "pretty" else solved(solution, form))
    result = solution.verify() if check and solution else None
    click.echo(terminal.remarks(echo(solution, result), err=form != "pretty"), err=form != "pretty")
    if result is not None and not result:
        click.get_current_context().exit(FAILS)


def solution_of(function: Any, given: Mapping[str, Any]) -> Any:
    """What was asked for by the options."""
    names = split_names(given["wrt"])
    return matcalc.solve(
        function,
        names[0] if len(names) == 1 else names,
        declarations(given["declare"]),
        list(given["subject_to"]),
        of=given["of"],
        table=matcalc.identities.load(given["table"]) if given["table"] else None,
    )


def solved(solution: Any, form: str) -> str:
    """The solution in that form, and nothing else."""
    if form == "json":
        return json.dumps(solution.json(), ensure_ascii=False, indent=2)
    return str(solution.source(form) if form in CODE else getattr(solution, form)()).rstrip("\n")


def echo(solution: Any, result: Any = None) -> list[str]:
    """The condition, the kind of point, conditions and kinds, one a line; and the outcome of a check."""
    kinds = "with " + "\n     ".join(f"{name}: {kind}" for name, kind in solution.kinds.items())
    return [*solution.remarks(), kinds, *(verdict(result) if result is not None else [])]
