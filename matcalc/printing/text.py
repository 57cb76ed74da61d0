"""Expressions in the input language: ``parse(text(e), declarations)`` is ``e``."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from matcalc.expr import Expr
from matcalc.language.numerals import numeral
from matcalc.printing.reading import (
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
from matcalc.printing.writer import ATOM, POSTFIX, POWER, PRODUCT, RELATION, SUM, Of, Phrase, Speller, joined, write
from matcalc.shapes import Dim


def text(expr: Expr) -> str:
    """The expression as it would be typed, with the parentheses that reading it needs."""
    return str(write(expr, _SPELLERS))


def program(definitions: Iterable[tuple[str, Expr]], answers: Iterable[tuple[str | None, Expr]]) -> str:
    """Lines ``name = expression``: the definitions first, the answers last; an answer may have no name."""
    lines = [*definitions, *answers]
    return "\n".join(f"{name} = {text(expr)}" if name else text(expr) for name, expr in lines)


def number_phrase(value: Fraction, minus: str = "-") -> Phrase:
    """A number; fractions and negative numbers bind as products do."""
    size = abs(value)
    decimal = numeral(size)
    level = ATOM if decimal is not None and value >= 0 else PRODUCT
    shown = decimal if decimal is not None else f"{size.numerator}/{size.denominator}"
    return Phrase(level, minus + shown if value < 0 else shown)


def dim_phrase(dim: Dim) -> Phrase:
    """A dimension, with the binding of the sum, product or name that it is."""
    if len(dim.terms) > 1:
        return Phrase(SUM, str(dim))
    shown = str(dim)
    return Phrase(PRODUCT if "*" in shown or shown.startswith("-") else ATOM, shown)


def _at_least(level: int, phrase: Phrase) -> Phrase:
    return phrase if phrase.level >= level else Phrase(ATOM, "(", phrase, ")")


def _call(reading: Call, of: Of) -> Phrase:
    axis = () if reading.axis is None else (f", axis={reading.axis}",)
    return Phrase(ATOM, f"{reading.name}(", *joined(", ", [of(a) for a in reading.args]), *axis, ")")


def _undefined(reading: Undefined, of: Of) -> Phrase:
    name, mark = reading.name, reading.mark
    if mark[:1].isdigit():
        head = f"D[{mark}]({name})"
    elif mark.isalpha():
        head = f"{mark}({name})"
    else:
        head = name + mark
    return Phrase(ATOM, f"{head}(", *joined(", ", [of(a) for a in reading.args]), ")")


def _sum(reading: Sum, of: Of) -> Phrase:
    pieces: list[str | Phrase] = []
    for negative, part in reading.terms:
        phrase = of(part)
        signed = bool(pieces) and phrase.first[0] in "-−"
        if pieces:
            pieces.append(" - " if negative else " + ")
        pieces.append(_at_least(ATOM if signed else PRODUCT, phrase))
    return Phrase(SUM, *pieces)


_LINKS = {"*": "*", "/": "/", ".*": " .* ", "./": " ./ "}


def _product(reading: Product, of: Of) -> Phrase:
    pieces: list[str | Phrase] = ["-"] if reading.negative else []
    for place, (link, part) in enumerate(reading.factors):
        if link:
            pieces += ["1", _LINKS[link]] if place == 0 else [_LINKS[link]]
        phrase = of(part)
        bare = place == 0 and not link and (_is_number(part) or phrase.negated)
        pieces.append(phrase if bare else _at_least(POWER, phrase))
    return Phrase(PRODUCT, *pieces)


def _is_number(part: Part) -> bool:
    return isinstance(part, Number) or (isinstance(part, Expr) and part.op == "num")


def _power(reading: Power, of: Of) -> Phrase:
    exponent = of(reading.exponent)
    if not (_is_number(reading.exponent) and exponent.first[0] == "-" and "/" not in exponent.first):
        exponent = _at_least(POWER, exponent)
    return Phrase(POWER, _at_least(POSTFIX, of(reading.base)), ".^" if reading.elementwise else "^", exponent)


def _transposed(reading: Transposed, of: Of) -> Phrase:
    return Phrase(POSTFIX, _at_least(POSTFIX, of(reading.base)), "'")


def _differential(reading: Differential, of: Of) -> Phrase:
    base = of(reading.base)
    return Phrase(ATOM, "d", base) if reading.of_variable else Phrase(ATOM, "d(", base, ")")


def _relation(reading: Relation, of: Of) -> Phrase:
    left, right = (_at_least(SUM, of(part)) for part in (reading.left, reading.right))
    return Phrase(RELATION, left, f" {reading.sign} ", right)


def _blocks(reading: Blocks, of: Of) -> Phrase:
    pieces: list[str | Phrase] = ["["]
    for row in reading.rows:
        if len(pieces) > 1:
            pieces.append("; ")
        pieces += joined(", ", [of(part) for part in row])
    return Phrase(ATOM, *pieces, "]")


def entries_pieces(indices: tuple[Any, ...], of: Of) -> list[str | Phrase]:
    """``i, 1:`` between the brackets."""
    shown: list[Phrase] = []
    for index in indices:
        if isinstance(index, Expr):
            shown.append(of(index))
        else:
            start, stop = ("" if bound is None else str(bound) for bound in index)
            shown.append(Phrase(ATOM, f"{start}:{stop}"))
    return joined(", ", shown)


def _entries(reading: Entries, of: Of) -> Phrase:
    return Phrase(POSTFIX, _at_least(ATOM, of(reading.base)), "[", *entries_pieces(reading.indices, of), "]")


def _index_sum(reading: IndexSum, of: Of) -> Phrase:
    if reading.whole:
        return Phrase(ATOM, f"sum({reading.over}, ", of(reading.body), ")")
    low, high = of(reading.low), of(reading.high)
    return Phrase(ATOM, f"sum({reading.over} in ", low, "..", high, ", ", of(reading.body), ")")


_SPELLERS: dict[type[Reading], Speller] = {
    Name: lambda reading, of: Phrase(ATOM, reading.name),
    Number: lambda reading, of: number_phrase(reading.value),
    Size: lambda reading, of: dim_phrase(reading.dim),
    Call: _call,
    Undefined: _undefined,
    Sum: _sum,
    Product: _product,
    Power: _power,
    Transposed: _transposed,
    Differential: _differential,
    Relation: _relation,
    Blocks: _blocks,
    Entries: _entries,
    IndexSum: _index_sum,
}
