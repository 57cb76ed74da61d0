"""The command group ``matcalc``."""

from __future__ import annotations

import io
import sys

import click

import matcalc

from .check import check
from .command import FaultGuard
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


@click.group(cls=FaultGuard, epilog=EXAMPLES, context_settings={"max_content_width": 100})
@click.version_option(matcalc.__version__, prog_name="matcalc", message="%(prog)s %(version)s")
def main() -> None:
    """Closed-form matrix derivatives: type a loss, get its gradient, short, as LaTeX and code, verified."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter must not end the program
            stream.reconfigure(errors="backslashreplace")


for _command in (derive, check, solve, serve, identities):
    main.add_command(_command)
