"""``matcalc solve``: the stationary point in closed form."""

from __future__ import annotations

import click

from matcalc.errors import UnsupportedError

from .command import ExpressionCommand


@click.command(cls=ExpressionCommand)
@click.argument("function", metavar="EXPR|FILE")
@click.option("--wrt", metavar="X", required=True, help="The variable to solve for.")
@click.option("--declare", "declare", multiple=True, metavar="DECLARATION",
              help='What a name is: "A: symmetric(n)".')  # fmt: skip
def solve(function: str, wrt: str, declare: tuple[str, ...]) -> None:
    """The stationary point of EXPR in closed form (not available yet)."""
    raise UnsupportedError(
        "matcalc does not solve for a stationary point yet",
        hint=f"the equation to solve is gradient = 0; the gradient: matcalc derive ... --wrt {wrt}",
    )
