"""Expressions in LaTeX that compiles with amsmath and means what the expression means.

Indices count from 0, as in the input; ``[a < b]`` is 1 where it holds and 0 elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from matcalc.expr import Expr, topological
from matcalc.latex_names import latex_name, name_table, names_of, verbatim
from matcalc.notation import Notation as Notation
from matcalc.notation import emboldened
from matcalc.numerals import numeral
from matcalc.ops import COMPARISONS
from matcalc.reading import (
    Blocks,
    Call,
    Differential,
    Entries,
    IndexSum,
    Name,
    Number,
    Part,
    Power,
    Product,
    Reading,
    Relation,
    Size,
    Sum,
    Transposed,
    Undefined,
)
from matcalc.shapes import ONE, Dim
from matcalc.typeset import aligned_lines, width
from matcalc.writer import ATOM, POSTFIX, POWER, PRODUCT, SUM, Of, Phrase, Speller, joined, write

# POWER: has a superscript already; POSTFIX: a call, which takes a transpose but no power; ATOM: takes both

DEFAULT = Notation()  # the notation in force
_WIDE = 40  # letters: a wider numerator is not one
_LONG = 2000  # signs of LaTeX: certainly wide
_FUNCTIONS = dict.fromkeys(
    "exp log sin cos tan arcsin arccos arctan sinh cosh tanh det max min".split()
)  # have a command of their own
_RELATIONS = dict(zip(COMPARISONS, ["<", r"\le", ">", r"\ge", "="], strict=True))
_AXES = (r"\mathrm{cols}", r"\mathrm{rows}")  # axis=0: of each column


def latex(expr: Expr, notation: Notation = DEFAULT) -> str:
    """The expression in LaTeX (math mode)."""
    return str(Writer([expr], notation).phrase(expr))


def latex_where(definitions: Iterable[tuple[str, Expr]], notation: Notation = DEFAULT) -> str:
    """Lines ``name &= expression``, aligned; the names print as they do in the formulas."""
    lines = list(definitions)
    writer = Writer([expr for _, expr in lines], notation, [name for name, _ in lines])
    return aligned_lines(f"{writer.names[name]} &= {writer.phrase(expr)}" for name, expr in lines)


def names_for(expressions: Iterable[Expr], names: Iterable[str] = ()) -> dict[str, str]:
    """One table of names for formulas that are shown together: pass it on as ``Notation(names=...)``."""
    return name_table({*names_of(expressions), *names})


def arrays_in(expressions: Iterable[Expr], vectors_only: bool) -> set[str]:
    """The names of vectors and rows, or of all arrays."""
    found = (n for n in topological(*expressions) if n.op == "sym" and not n.is_scalar)
    return {n.name for n in found if not vectors_only or ONE in n.shape}


def transpose_mark(notation: Notation = DEFAULT) -> str:
    r"""What follows a transposed name: ``^\top``, ``^T``, ``'``."""
    sign = notation.filled().transpose or ""
    return "'" if sign == "'" else f"^{sign}" if re.fullmatch(r"\\[A-Za-z]+|.", sign) else f"^{{{sign}}}"


class Writer:
    """Spells readings in LaTeX, with one table of names for all that is shown together."""

    def __init__(self, expressions: Iterable[Expr], notation: Notation, names: Iterable[str] = ()) -> None:
        notation = notation.filled()
        expressions = list(expressions)
        plain = names_for(expressions, names)
        bold = arrays_in(expressions, vectors_only=notation.bold == "vectors") if notation.bold != "none" else set()
        self.names = plain | dict(notation.names)
        for name in bold:  # the others are as the reader gave them
            if self.names[name] in (latex_name(name), verbatim(name)):
                self.names[name] = emboldened(self.names[name])
        self.trace = notation.trace
        self.hadamard = notation.hadamard
        self.subscripted = any("_" in shown for shown in self.names.values())
        self.identity = r"\mathbf{I}" if any(n.startswith("I") for n in self.names) else "I"
        self.sigmoid = (
            r"\operatorname{sigmoid}" if {"sigma", "σ"} & self.names.keys() else r"\sigma"
        )
        sign = notation.transpose or ""
        self.transpose = transpose_mark(notation)
        self.inverse_transpose = "'^{-1}" if sign == "'" else f"^{{-{sign}}}"
        self.spellers: dict[type[Reading], Speller] = {
            Name: lambda reading, of: self.name(reading.name),
            Number: lambda reading, of: self.number(reading),
            Size: lambda reading, of: self.size(reading.dim),
            Call: self.call,
            Undefined: self.undefined,
            Sum: self.sum,
            Product: self.product,
            Power: self.power,
            Transposed: self.transposed,
            Differential: self.differential,
            Relation: self.relation,
            Blocks: self.blocks,
            Entries: self.entries,
            IndexSum: self.index_sum,
        }

    def phrase(self, expr: Expr) -> Phrase:
        return write(expr, self.spellers)

    # --- leaves ---

    def name(self, name: str) -> Phrase:
        shown = self.names[name]
        fraction = r"\frac{"  # such as the name of an adjoint
        return Phrase(POWER, fraction, shown[6:]) if shown.startswith(fraction) else Phrase(ATOM, shown)

    def number(self, reading: Number) -> Phrase:
        value = abs(reading.value)
        decimal = numeral(value)
        minus = "-" if reading.value < 0 else ""
        if decimal is None:
            return Phrase(
                PRODUCT if minus else POWER, minus or r"\frac{", *([r"\frac{"] if minus else []),
                f"{value.numerator}}}{{{value.denominator}}}",
            )  # fmt: skip
        if "e" in decimal:
            digits, exponent = decimal.split("e")
            return Phrase(PRODUCT, minus + digits + r" \times 10^{" + exponent + "}")
        return Phrase(PRODUCT if minus else ATOM, minus + decimal)

    def size(self, dim: Dim) -> Phrase:
        shown = re.sub(r"[^\W\d]\w*", lambda m: self.names.get(m[0], m[0]), str(dim)).replace("*", r" \, ")
        level = SUM if len(dim.terms) > 1 else PRODUCT if "*" in str(dim) or shown.startswith("-") else ATOM
        return Phrase(level, shown)

    # --- sums, products, powers ---

    def sum(self, reading: Sum, of: Of) -> Phrase:
        pieces: list[str | Phrase] = []
        for negative, part in reading.terms:
            phrase = of(part)
            signed = bool(pieces) and phrase.first[0] in "-−"
            if pieces:
                pieces.append(" - " if negative else " + ")
            pieces.append(_at_least(ATOM if signed else PRODUCT, phrase))
        return Phrase(SUM, *pieces)

    def product(self, reading: Product, of: Of) -> Phrase:
        """A scalar divisor makes a fraction of all that stands to its left."""
        done: list[str | Phrase] = []  # up to the last elementwise sign
        left: list[Phrase] = []  # the factors since
        below: list[Phrase] = []  # and their divisors
        divided = False

        def close() -> None:
            if below:
                above = _juxtaposed(left) if left else Phrase(ATOM, "1")
                if _is_wide(above):
                    left.insert(0, Phrase(POWER, r"\frac{", "1", "}{", _juxtaposed(below), "}"))
                else:
                    left[:] = [Phrase(POWER, r"\frac{", above, "}{", _juxtaposed(below), "}")]
                below.clear()

        for link, part in reading.factors:
            if link == "/":
                below.append(of(part))
                continue
            close()
            if link in (".*", "./"):
                minus = not done and len(left) == 1 and left[0].negated
                done += [left[0] if minus else _juxtaposed(left, POWER)] if left else ["1"]
                if divided:  # a / b * c is not a / (b * c)
                    done = [_bracketed(*done)]
                divided = link == "./"
                done.append(r" \oslash " if divided else f" {self.hadamard} ")
                left.clear()
            left.append(of(part))
        close()
        if not done and not reading.negative and len(left) == 1 and left[0].level == POWER:
            return left[0]  # a fraction
        sign = ["-"] if reading.negative else []
        return Phrase(PRODUCT, *sign, *done, _juxtaposed(left, POWER))

    def power(self, reading: Power, of: Of) -> Phrase:
        exponent = of(reading.exponent)
        if isinstance(reading.exponent, Expr) and reading.exponent.op == "num":
            value: Any = reading.exponent.data
            exponent = Phrase(ATOM, str(value) if numeral(abs(value)) is None else str(exponent))
        base = _at_least(ATOM, of(reading.base))
        if reading.elementwise:
            return Phrase(POWER, base, f"^{{{self.hadamard} ", _at_least(POWER, exponent), "}")
        return Phrase(POWER, base, "^{", exponent, "}")

    def transposed(self, reading: Transposed, of: Of) -> Phrase:
        base = reading.base
        if isinstance(base, Expr) and base.op == "inv" and base.args[0].op != "t":
            return Phrase(POWER, _at_least(ATOM, of(base.args[0])), self.inverse_transpose)
        return Phrase(POWER, _at_least(POSTFIX, of(base)), self.transpose)

    def differential(self, reading: Differential, of: Of) -> Phrase:
        base = of(reading.base)
        return Phrase(POSTFIX, r"\mathrm{d}", base if reading.of_variable else _bracketed(base))

    def relation(self, reading: Relation, of: Of) -> Phrase:
        left, right = of(reading.left), of(reading.right)
        sign = _RELATIONS[reading.sign]
        if left.tall or right.tall:
            return Phrase(ATOM, r"\left[ ", left, f" {sign} ", right, r" \right]")
        return Phrase(ATOM, "[", left, f" {sign} ", right, "]")

    # --- functions ---

    def call(self, reading: Call, of: Of) -> Phrase:
        special = _SPECIAL.get(reading.name)
        if special is not None:
            return special(self, reading, of)  # type: ignore[no-any-return]
        if reading.name == "sigmoid":
            head = self.sigmoid
        elif reading.name == "tr":
            head = str(self.trace)
        elif reading.name in _FUNCTIONS:
            head = "\\" + reading.name
        else:
            head = rf"\operatorname{{{reading.name}}}"
        if reading.axis is not None:
            head += f"_{{{_AXES[reading.axis]}}}"
        return self.applied(head, reading.args, of)

    def applied(self, head: str, args: tuple[Part, ...], of: Of) -> Phrase:
        return Phrase(POSTFIX, head, _bracketed(*joined(", ", [of(arg) for arg in args])))

    def inverse(self, reading: Call, of: Of) -> Phrase:
        (base,) = reading.args
        if isinstance(base, Expr) and base.op == "t" and base.args[0].op != "inv":
            return Phrase(POWER, _at_least(ATOM, of(base.args[0])), self.inverse_transpose)
        return Phrase(POWER, _at_least(ATOM, of(base)), "^{-1}")

    def norm(self, reading: Call, of: Of) -> Phrase:
        (x,) = reading.args
        matrix = isinstance(x, Expr) and ONE not in x.shape
        inside = of(x)
        if reading.name == "norm1" and matrix:  # the sum of absolute values, not the operator norm
            inside = Phrase(POSTFIX, r"\operatorname{vec}", _bracketed(inside))
        index = _NORMS.get(reading.name) or ("F" if matrix else "2")
        left, right = (r"\left\lVert ", r" \right\rVert") if inside.tall else (r"\lVert ", r" \rVert")
        return Phrase(ATOM, left, inside, rf"{right}_{{{index}}}")

    def absolute(self, reading: Call, of: Of) -> Phrase:
        inside = of(reading.args[0])
        left, right = (r"\left\lvert ", r" \right\rvert") if inside.tall else (r"\lvert ", r" \rvert")
        return Phrase(ATOM, left, inside, right)

    def square_root(self, reading: Call, of: Of) -> Phrase:
        (x,) = reading.args
        if isinstance(x, Expr) and not x.is_scalar:  # entry by entry, unlike the square root of a matrix
            return self.applied(r"\operatorname{sqrt}", reading.args, of)
        return Phrase(POSTFIX, r"\sqrt{", of(x), "}")

    def total(self, reading: Call, of: Of) -> Phrase:
        if reading.axis is None:
            return self.applied(r"\operatorname{sum}", reading.args, of)
        inside = _at_least(POWER, of(reading.args[0]))
        if reading.axis == 0:
            return Phrase(PRODUCT, rf"\mathbf{{1}}{self.transpose} ", inside)
        return Phrase(PRODUCT, inside, r" \mathbf{1}")

    def sized(self, reading: Call, of: Of) -> Phrase:
        sizes = [of(size) for size in reading.args]
        if reading.name == "eye":
            return Phrase(ATOM, self.identity + "_{", sizes[0], "}")
        letter = {"ones": "1", "zeros": "0", "commutation": "K"}[reading.name]
        separator = ", " if letter == "K" else r" \times "
        return Phrase(ATOM, rf"\mathbf{{{letter}}}_{{", *joined(separator, sizes), "}")

    def unit(self, reading: Call, of: Of) -> Phrase:
        return Phrase(POWER, r"\mathbf{e}_{", of(reading.args[0]), "}^{(", of(reading.args[1]), ")}")

    def unvec(self, reading: Call, of: Of) -> Phrase:
        v, m, n = (of(arg) for arg in reading.args)
        return Phrase(POSTFIX, r"\operatorname{unvec}_{", m, r" \times ", n, "}", _bracketed(v))

    def kronecker(self, reading: Call, of: Of) -> Phrase:
        left, right = (_at_least(POWER, of(arg)) for arg in reading.args)
        return Phrase(PRODUCT, left, r" \otimes ", right)

    def undefined(self, reading: Undefined, of: Of) -> Phrase:
        name, mark = self.names[reading.name], reading.mark
        if mark in ("D", "grad"):
            head = rf"\nabla {name}" if mark == "grad" else rf"\mathrm{{D}} {name}"
        elif mark.isdigit():
            head = rf"\nabla_{{{mark}}} {name}" if reading.gradient else rf"\mathrm{{D}}_{{{mark}}} {name}"
        else:
            head = name + (mark if len(mark) < 4 else f"^{{({len(mark)})}}")
        return self.applied(head, reading.args, of)

    # --- blocks, entries, sums over an index ---

    def blocks(self, reading: Blocks, of: Of) -> Phrase:
        pieces: list[str | Phrase] = [r"\begin{pmatrix}", " "]
        for place, row in enumerate(reading.rows):
            pieces += [r" \\ "] if place else []
            pieces += joined(" & ", [of(part) for part in row])
        return Phrase(ATOM, *pieces, r" \end{pmatrix}")

    def entries(self, reading: Entries, of: Of) -> Phrase:
        shown: list[Phrase] = []
        for index in reading.indices:
            if isinstance(index, Expr):
                shown.append(of(index))
            else:
                start, stop = ("" if bound is None else str(bound) for bound in index)
                shown.append(Phrase(ATOM, f"{start}{{:}}{stop}"))
        base = of(reading.base)
        plain = isinstance(reading.base, Expr) and reading.base.op == "sym" and not self.subscripted
        if not plain:  # x_{0} could be the name x0
            sides = (r"\left[ ", r" \right]") if base.tall else ("[", "]")
            base = Phrase(ATOM, sides[0], base, sides[1])
        return Phrase(ATOM, base, "_{", *joined(", ", shown), "}")

    def index_sum(self, reading: IndexSum, of: Of) -> Phrase:
        low, high, body = of(reading.low), of(reading.high), _at_least(PRODUCT, of(reading.body))
        return Phrase(SUM, r"\sum_{", f"{self.names[reading.over]}=", low, "}^{", high, "} ", body)


_NORMS = {"norm1": "1", "normnuc": "*", "norm_spectral": "2"}
_SPECIAL: dict[str, Any] = {
    "normnuc": Writer.norm,
    "norm_spectral": Writer.norm,
    "svd_u": lambda writer, reading, of: writer.applied(r"\operatorname{svd}_{u}", reading.args, of),
    "svd_v": lambda writer, reading, of: writer.applied(r"\operatorname{svd}_{v}", reading.args, of),
    "inv": Writer.inverse,
    "norm1": Writer.norm,
    "norm2": Writer.norm,
    "abs": Writer.absolute,
    "sqrt": Writer.square_root,
    "sum": Writer.total,
    "eye": Writer.sized,
    "ones": Writer.sized,
    "zeros": Writer.sized,
    "commutation": Writer.sized,
    "unit": Writer.unit,
    "unvec": Writer.unvec,
    "kron": Writer.kronecker,
    "logdet": lambda writer, reading, of: writer.applied(r"\log\det", reading.args, of),
    "pinv": lambda writer, reading, of: Phrase(POWER, _at_least(ATOM, of(reading.args[0])), "^{+}"),
} | {
    f"{name}_frechet": lambda writer, reading, of, name=name: writer.applied(
        rf"\mathrm{{L}}_{{\operatorname{{{name}}}}}", reading.args, of
    )
    for name in "expm logm sqrtm sinm cosm".split()
}


def _at_least(level: int, phrase: Phrase) -> Phrase:
    return phrase if phrase.level >= level else _bracketed(phrase)


def _bracketed(*pieces: str | Phrase) -> Phrase:
    inside = Phrase(ATOM, *pieces)
    if inside.tall:
        return Phrase(ATOM, r"\left( ", inside, r" \right)")
    return Phrase(ATOM, "(", inside, ")")


def _is_wide(phrase: Phrase) -> bool:
    """Whether a numerator is too wide to be read: 1/n stands before it then."""
    return phrase.size > _LONG or (phrase.size > _WIDE and width(str(phrase)) > _WIDE)


def _juxtaposed(factors: list[Phrase], lone: int = SUM) -> Phrase:
    """Factors side by side, with a dot or a space where they would run together; a lone one needs no more."""
    if len(factors) == 1:
        return _at_least(lone, factors[0])
    pieces: list[str | Phrase] = []
    before: Phrase | None = None
    for factor in factors:
        shown = _at_least(POWER, factor)
        if before is not None:
            pieces.append(_between(before, shown))
        pieces.append(shown)
        before = shown
    return Phrase(PRODUCT, *pieces)


def _between(left: Phrase, right: Phrase) -> str:
    """What separates two factors."""
    if right.first[0].isdigit() or (right.first == r"\frac{" and left.last[-1].isdigit()):
        return r" \cdot "
    words = (r"\mathrm", r"\mathtt", r"\text")
    return r" \, " if left.first.startswith(words) or right.first.startswith(words) else " "
