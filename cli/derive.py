"""``matcalc derive``: the derivative in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import matcalc
from matcalc.errors import InputError

from . import terminal
from .command import COMMON, FAILS, ExpressionCommand, declarations, joined, source_text, split_names
from .completion import declarations as declared
from .completion import files, names
from .show import CODE, FORMATS, answer, echo, steps

EXAMPLES = """\b
Examples:
  matcalc derive "norm2(A*x - b)^2" --wrt x
  matcalc derive "-sum(log(x))" --wrt x --check
  matcalc derive "a'*X*b + tr(X)" --wrt X --format latex
  matcalc derive "logdet(S) + tr(inv(S)*C)" --wrt S --declare "S: spd(n)" --declare "C: symmetric(n)"
  matcalc derive "1/n*sum(log(1 + exp(-y .* (X*w))))" --wrt w --declare "X: matrix(n, d)" --format numpy
  matcalc derive "norm2(T - U*V')^2" --wrt U --declare "U: matrix(n, r)" --format scipy --sizes n=5000,r=10
  matcalc derive network.txt --wrt W1,W2 --of L --steps
"""

FORMS = """
\b
Formats:
  pretty      Unicode for reading, with kinds, layout and conditions under it
  text        the input language: what is printed parses back
  latex       for a document; with --standalone one that compiles by itself
  mathml      for web pages and screen readers
  numpy, scipy, jax, torch, array-api
              a module with value, gradient (jacobian, hessian) and both at once
  sympy       a SymPy expression
  json        all of it as data
"""


@click.command(cls=ExpressionCommand, short_help="The derivative in closed form.", epilog=EXAMPLES + FORMS + COMMON)
@click.argument("function", metavar="EXPR|FILE", shell_complete=files)
@click.option("--wrt", metavar="X[,Y...]", required=True, multiple=True, callback=joined, shell_complete=names,
              help="The variables to differentiate by; entries and slices too: \"X[i, j]\". May be repeated.")
@click.option(
    "--declare", "declare", multiple=True, metavar="DECLARATION", shell_complete=declared,
    help='What a name is: "A: symmetric(n)", "y: onehot(N, K)". May be repeated.',
)  # fmt: skip
@click.option("--order", type=click.IntRange(min=1), default=1, show_default=True,
              help="2: the Hessian; 3 and 4 by vectors and scalars.")
@click.option("--of", metavar="NAME", shell_complete=names,
              help="In a program: the name to differentiate (default: the last one).")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="pretty", show_default=True,
    help="All but pretty print that form alone; kinds, layout and conditions then go to standard error.",
)  # fmt: skip
@click.option(
    "--layout", type=click.Choice(["gradient", "numerator"]), default="gradient", show_default=True,
    help="gradient: the shape of the variable; numerator: rows follow the function.",
)  # fmt: skip
@click.option(
    "--structure", type=click.Choice(["auto", "projected", "tied", "free"]), default="auto",
    show_default=True, help="The gradient by a symmetric, diagonal, triangular or Toeplitz variable: projected on "
    "such matrices (auto), by its tied entries, or as if it had no structure.",
)  # fmt: skip
@click.option(
    "--steps", "detail", is_flag=False, flag_value="brief", type=click.Choice(["brief", "full"]),
    metavar="[brief|full]",
    help="Show the derivation; --steps=full: every simplification, what each identity says, its source.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Verify the answer by numbers, independently of the engine.")
@click.option("--identities", "table", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="Your own identities, besides the table.")  # fmt: skip
@click.option("--expand/--factor", "expand", default=False, help="The answer distributed, or factored (the default).")
@click.option(
    "--where", type=click.Choice(["auto", "never", "always"]), default="auto", show_default=True,
    help="Name parts of the answer: of long answers, never, always.",
)  # fmt: skip
@click.option(
    "--residual", "residuals", multiple=True, metavar="R=EXPR",
    help="A name of your own for a part: r=A*x-b. May be repeated.",
)  # fmt: skip
@click.option(
    "--notation", metavar="CHOICES",
    help="In LaTeX and MathML: transpose=top|T|prime, bold=vectors|arrays, hadamard=odot|circ, trace=operatorname|tr.",
)  # fmt: skip
@click.option(
    "--adjoint", metavar="PATTERN", default="d{}", show_default=True,
    help="How the derivative by a name is called in text and code: {} is the name.",
)  # fmt: skip
@click.option(
    "--sizes", metavar="N=1000,R=10",
    help="In code: how large to expect the dimensions. It chooses the order of products and the cheapest form; the "
    "code holds for every size. Dimensions without a number here or in a declaration count 1000.",
)  # fmt: skip
@click.option("--standalone", is_flag=True, help="With --format latex: a complete document.")
@click.option("--graph", type=click.Choice(["dot", "mermaid"]),
              help="Instead of the answer: which quantity is made of which, as text.")  # fmt: skip
@click.option("--first-principles", is_flag=True, help="Do not use known gradients as steps.")
def derive(function: str, form: str, detail: str | None, check: bool, **given: Any) -> None:
    """The derivative of EXPR (or of the program in FILE, or on standard input for -) in closed form.

    Names need no declaration: capitals are matrices, a to g scalars, h to z vectors; shapes are inferred, and
    the answer says what was taken.
    """
    derivation = derivation_of(source_text(function), form, given)
    result = derivation.verify() if check else None
    if given["graph"]:
        click.echo(derivation.graph(given["graph"]))
        form = given["graph"]
    elif given["standalone"]:
        click.echo(derivation.document(bool(detail), detail == "full"), nl=False)
    else:
        if detail and form != "json":
            click.echo(steps(derivation, form, detail), nl=False)
        click.echo(terminal.formulas(derivation) if form == "pretty" else answer(derivation, form, given["sizes"]))
    click.echo(terminal.remarks(echo(derivation, result), err=form != "pretty"), err=form != "pretty")
    if result is not None and not result:
        click.get_current_context().exit(FAILS)


def derivation_of(function: Any, form: str, given: Mapping[str, Any]) -> Any:
    """What was asked for by the options: of a text, a program or a SymPy expression."""
    if given["notation"] is not None:
        before = matcalc.set_notation(given["notation"])
        click.get_current_context().call_on_close(lambda: matcalc.set_notation(before))
    if given["standalone"] and form != "latex":
        raise click.UsageError("--standalone is for --format latex")
    if given["sizes"] is not None and form not in CODE:
        raise click.UsageError(f"--sizes is for code: --format {', '.join(CODE)}")
    names = split_names(given["wrt"])
    options = ("order", "of", "layout", "structure", "first_principles", "adjoint", "expand", "where")
    return matcalc.derive(
        function,
        names[0] if len(names) == 1 else names,
        declarations(given["declare"]),
        table=matcalc.identities.load(given["table"]) if given["table"] else None,
        residuals=definitions(given["residuals"]),
        **{name: given[name] for name in options},
    )


def definitions(residuals: tuple[str, ...]) -> dict[str, str]:
    """``r=A*x-b`` as a name and an expression."""
    found: dict[str, str] = {}
    for typed in residuals:
        name, equals, body = (part.strip() for part in typed.partition("="))
        if not equals or not name or not body:
            raise InputError(f"'{typed}' is no definition", hint="a part is named as in --residual r=A*x-b")
        if name in found:
            raise InputError(f"{name} is defined twice")
        found[name] = body
    return found
