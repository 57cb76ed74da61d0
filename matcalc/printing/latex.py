"""LaTeX: expressions in a form that compiles with amsmath and means what the expression means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from matcalc.expr import Expr
from matcalc.ops import COMPARISONS
from matcalc.printing.formulas import DEFAULT, Typesetter
from matcalc.printing.latex_names import latex_name, name_table, verbatim
from matcalc.printing.markup import Markup, Piece, Row
from matcalc.printing.notation import Notation as Notation
from matcalc.printing.notation import emboldened
from matcalc.printing.typeset import aligned, aligned_lines, width
from matcalc.printing.writer import ATOM, POSTFIX, POWER, SUM, Phrase

_FUNCTIONS = frozenset(
    "exp log sin cos tan arcsin arccos arctan sinh cosh tanh det max min".split()
)  # have a command of their own
_FENCES = {
    "(": ("(", ")"),
    "[": ("[", "]"),
    "|": (r"\lvert ", r" \rvert"),
    "‖": (r"\lVert ", r" \rVert"),
}
_TALL_FENCES = {
    "(": (r"\left( ", r" \right)"),
    "[": (r"\left[ ", r" \right]"),
    "|": (r"\left\lvert ", r" \right\rvert"),
    "‖": (r"\left\lVert ", r" \right\rVert"),
}
_WIDE = 40  # letters: a wider numerator is not one
_LONG = 2000  # signs of LaTeX: certainly wide


def latex(expr: Expr, notation: Notation = DEFAULT) -> str:
    """The expression in LaTeX (math mode)."""
    return Typesetter(LATEX, [expr], notation)(expr)


class Latex(Markup):
    """The pieces of formulas in LaTeX."""

    plus, subtract, minus, equals, comma = " + ", " - ", "-", " = ", ", "
    dot, times, space, before_function = r" \cdot ", " ", r" \, ", ""
    cross, kron, oslash = r" \times ", r" \otimes ", r" \oslash "
    product, colon = r"\, ", r" \colon\; "
    partial, delta, sigma, hole = r"\partial ", r"\delta", r"\sigma", "{:}"
    relations = {sign: f" {shown} " for sign, shown in zip(COMPARISONS, ["<", r"\le", ">", r"\ge", "="], strict=True)}

    def names(self, names: Iterable[str], bold: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
        table = name_table(names) | dict(given)
        for name in bold:  # the others are as the reader gave them
            if table[name] in (latex_name(name), verbatim(name)):
                table[name] = emboldened(table[name])
        return table

    def name(self, shown: str) -> Phrase:
        fraction = r"\frac{"  # such as the name of an adjoint
        if shown.startswith(r"\nabla"):
            return Phrase(POWER, shown)
        return Phrase(POWER, fraction, shown[6:]) if shown.startswith(fraction) else Phrase(ATOM, shown)

    def has_subscript(self, shown: str) -> bool:
        return "_" in shown

    def digits(self, number: str) -> str:
        return number

    def ratio(self, number: str) -> str:
        return number

    def size(self, size: str, names: Mapping[str, str]) -> str:
        return re.sub(r"[^\W\d]\w*", lambda m: names.get(m[0], m[0]), size).replace("*", r" \, ")

    def function(self, name: str) -> str:
        if name == "logdet":
            return r"\log\det"
        return f"\\{name}" if name in _FUNCTIONS else rf"\operatorname{{{name}}}"

    def upright(self, letter: str) -> str:
        return rf"\mathrm{{{letter}}}"

    def given(self, command: str) -> str:
        return command

    def bold(self, letter: str) -> str:
        return rf"\mathbf{{{letter}}}"

    def axis(self, axis: int) -> str:
        return (r"\mathrm{cols}", r"\mathrm{rows}")[axis]  # axis=0: of each column

    def binary(self, sign: str) -> str:
        return f" {sign} "

    def fraction(self, above: Piece, below: Piece) -> Phrase:
        return Phrase(POWER, r"\frac{", above, "}{", below, "}")

    def is_wide(self, above: Phrase) -> bool:
        return above.size > _LONG or (above.size > _WIDE and width(str(above)) > _WIDE)

    def subscript(self, base: Piece, *below: Piece) -> Phrase:
        return Phrase(ATOM, base, "_{", *below, "}")

    def superscript(self, base: Piece, *above: Piece) -> Phrase:
        return Phrase(POWER, base, "^{", *above, "}")

    def both(self, base: Piece, below: Piece, above: Sequence[Piece]) -> Phrase:
        return Phrase(POWER, base, "_{", below, "}^{", *above, "}")

    def raised_sign(self, sign: str) -> str:
        return f"{sign} " if sign.startswith("\\") else sign

    def transposed(self, base: Piece, sign: str, inverse: bool = False) -> Phrase:
        if inverse:
            return Phrase(POWER, base, "'^{-1}" if sign == "'" else f"^{{-{sign}}}")
        short = re.fullmatch(r"\\[A-Za-z]+|.", sign)
        return Phrase(POWER, base, "'" if sign == "'" else f"^{sign}" if short else f"^{{{sign}}}")

    def primed(self, name: str, count: int) -> str:
        return name + ("'" * count if count < 4 else f"^{{({count})}}")

    def nabla(self, name: str, *by: str, gradient: bool = True, twice: bool = False) -> str:
        below = f"_{{{','.join(by)}}}" if by else ""
        return (r"\nabla" if gradient else r"\mathrm{D}") + below + ("^{2} " if twice else " ") + name

    def applied(self, head: Piece, *argument: Piece) -> Phrase:
        return Phrase(POSTFIX, head, *argument)

    def fenced(self, fence: str, *inside: Piece) -> Phrase:
        between = Phrase(ATOM, *inside)
        left, right = (_TALL_FENCES if between.tall else _FENCES)[fence]
        return Phrase(ATOM, left, between, right)

    def wrapped(self, inside: str) -> str:
        tall = any(sign in inside for sign in (r"\frac{", r"\sum_{", r"\begin{"))
        return rf"\left({inside}\right)" if tall else f"({inside})"

    def root(self, inside: Piece) -> Phrase:
        return Phrase(POSTFIX, r"\sqrt{", inside, "}")

    def matrix(self, rows: Sequence[Sequence[Phrase]]) -> Phrase:
        pieces: list[Piece] = [r"\begin{pmatrix}", " "]
        for place, row in enumerate(rows):
            pieces += [r" \\ "] if place else []
            for column, part in enumerate(row):
                pieces += [" & ", part] if column else [part]
        return Phrase(ATOM, *pieces, r" \end{pmatrix}")

    def index_sum(self, index: str, low: Phrase, high: Phrase, body: Phrase) -> Phrase:
        return Phrase(SUM, r"\sum_{", f"{index}=", low, "}^{", high, "} ", body)

    def sum_over(self, indices: str) -> str:
        return rf"\sum_{{{indices}}} "

    def index(self, name: str) -> str:
        return latex_name(name) if "_" in name else name

    def line(self, formula: str) -> str:
        return aligned(formula)

    def aligned(self, rows: Iterable[Row]) -> str:
        return aligned_lines(f"{r.left} &{r.sign.strip()} {r.right}".strip() for r in rows)

    def between(self, left: Phrase, right: Phrase) -> str:
        if right.first[0].isdigit() or (right.first == r"\frac{" and left.last[-1].isdigit()):
            return self.dot
        words = (r"\mathrm", r"\mathtt", r"\text")
        return self.space if left.first.startswith(words) or right.first.startswith(words) else self.times


LATEX = Latex()
