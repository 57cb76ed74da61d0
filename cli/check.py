"""``matcalc check``: is this hand-derived gradient right?"""

from __future__ import annotations

import click

import matcalc

from . import terminal
from .command import COMMON, FAILS, ExpressionCommand, declarations, source_text
from .completion import declarations as declared
from .completion import files, names

EXAMPLES = """\b
Examples:
  matcalc check "x'*A*x" --wrt x --equals "(A + A')*x"
  matcalc check "x'*A*x" --wrt x --equals "x'*(A + A')" --layout numerator
  matcalc check "norm2(X*w - y)^2/n" --wrt w --declare "X: matrix(n, d)" --equals "2/n*X'*(X*w - y)"
  matcalc check "x'*A*x" --wrt x --order 2 --equals "A + A'"
  matcalc check "inv(A)*inv(B)" --equals "inv(B*A)"
  matcalc check network.txt --wrt W2 --equals "H'*dZ2"
"""


@click.command(cls=ExpressionCommand, short_help="Is this hand-derived gradient right?", epilog=EXAMPLES + COMMON)
@click.argument("function", metavar="EXPR|FILE", shell_complete=files)
@click.option("--wrt", metavar="X", shell_complete=names,
              help="The variable; without it: are the two expressions equal?")
@click.option("--equals", metavar="CLAIM", required=True, help="The claimed derivative, or expression.")
@click.option("--declare", "declare", multiple=True, metavar="DECLARATION", shell_complete=declared,
              help='What a name is: "A: symmetric(n)". May be repeated.')  # fmt: skip
@click.option("--of", metavar="NAME", shell_complete=names,
              help="In a program: the name to differentiate (default: the last one).")
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True,
              help="2: the claim is the Hessian (by a matrix its vec form).")  # fmt: skip
@click.option("--layout", type=click.Choice(["gradient", "numerator"]), default="gradient", show_default=True,
              help="The layout of the claim.")  # fmt: skip
@click.option("--structure", type=click.Choice(["auto", "projected", "tied", "free"]), default="auto",
              show_default=True,
              help="Which gradient by a symmetric, diagonal, triangular or Toeplitz variable is claimed.")  # fmt: skip
def check(
    function: str,
    wrt: str | None,
    equals: str,
    declare: tuple[str, ...],
    of: str | None,
    order: int,
    layout: str,
    structure: str,
) -> None:
    """Is CLAIM the derivative of EXPR by X?

    Decided symbolically where possible and confirmed numerically always, independently of the engine. Exit
    status 0: the claim holds; 1: it does not, and the right form, a point where they differ and what went
    wrong are shown.
    """
    result = matcalc.check(
        source_text(function), wrt, equals, declarations(declare),
        layout=layout, structure=structure, of=of, order=order,
    )  # fmt: skip
    click.echo(terminal.remarks([result.report()]))
    if not result:
        click.get_current_context().exit(FAILS)
