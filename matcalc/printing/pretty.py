"""Expressions on one line of a terminal, in Unicode: ``2Aᵀ(Ax − b)``."""

from __future__ import annotations

import re
from typing import Any

from matcalc.expr import Expr
from matcalc.language.greek import LETTERS
from matcalc.ops import COMPARISONS
from matcalc.printing.latex_names import names_of
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
    inverse_below,
)
from matcalc.printing.text import dim_phrase, entries_pieces, number_phrase
from matcalc.printing.writer import ATOM, POSTFIX, POWER, PRODUCT, SUM, Of, Phrase, Speller, joined, write
from matcalc.shapes import ONE

# POWER: ends in a superscript; POSTFIX: a call or an entry, between which and its neighbors a sign stands; ATOM: a name

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_RELATIONS = dict(zip(COMPARISONS, "< ≤ > ≥ =".split(), strict=True))
_NAME = re.compile(r"([^\W\d_]+)(\d*)((?:_\w+)?)")


def pretty(expr: Expr) -> str:
    """The expression for people to read."""
    return str(_Writer(expr).phrase(expr))


def pretty_name(name: str) -> str:
    """``lambda2`` is λ₂; underscores stay."""
    match = _NAME.fullmatch(name)
    if match is None:
        return name
    stem, digits, rest = match.groups()
    return LETTERS.get(stem, stem) + digits.translate(LOWERED) + rest


class _Writer:
    """Spells readings, with the names of the whole expression in view."""

    def __init__(self, expr: Expr) -> None:
        names = names_of([expr])
        shown = {pretty_name(name) for name in names}
        single = {name for name in shown if len(name.rstrip("₀₁₂₃₄₅₆₇₈₉")) == 1}
        # Ax is the product of A and x unless Ax is a name too
        self.dots = any(name[:i] in single and name[i:] in single for name in shown for i in range(1, len(name)))
        self.identity = "eye" if any(name.startswith("I") for name in shown) else "I"
        self.sigmoid = "sigmoid" if "σ" in shown else "σ"
        self.spellers: dict[type[Reading], Speller] = {
            Name: lambda reading, of: Phrase(ATOM, pretty_name(reading.name)),
            Number: lambda reading, of: number_phrase(reading.value, "−"),
            Size: lambda reading, of: self.size(reading),
            Call: self.call,
            Undefined: self.undefined,
            Sum: self.sum,
            Product: self.product,
            Power: self.power,
            Transposed: self.transposed,
            Differential: self.differential,
            Relation: self.relation,
            Blocks: self.blocks,
            Entries: lambda reading, of: Phrase(
                POSTFIX, _closed(of(reading.base)), "[", *entries_pieces(reading.indices, of), "]"
            ),
            IndexSum: self.index_sum,
        }

    def phrase(self, expr: Expr) -> Phrase:
        return write(expr, self.spellers)

    def size(self, reading: Size) -> Phrase:
        plain = dim_phrase(reading.dim)
        shown = re.sub(r"[^\W\d]\w*", lambda match: pretty_name(match[0]), str(plain))
        return Phrase(plain.level, shown.replace("*", "·").replace("-", "−"))

    # --- sums, products, powers ---

    def sum(self, reading: Sum, of: Of) -> Phrase:
        pieces: list[str | Phrase] = []
        for negative, part in reading.terms:
            phrase = of(part)
            signed = bool(pieces) and phrase.first[0] in "-−"
            if pieces:
                pieces.append(" − " if negative else " + ")
            pieces.append(_at_least(ATOM if signed else PRODUCT, phrase))
        return Phrase(SUM, *pieces)

    def product(self, reading: Product, of: Of) -> Phrase:
        pieces: list[str | Phrase] = ["−"] if reading.negative else []
        divided = over = False
        for place, (link, part) in enumerate(reading.factors):
            factor = of(part)
            number = place == 0 and _is_number(part)
            shown = factor if number or (place == 0 and not link and factor.negated) else _at_least(POWER, factor)
            if place == 0:
                pieces += ["1", _LINKS[link]] if link else []
            elif link == "*":
                before = pieces[-1]
                assert isinstance(before, Phrase)
                tight = not divided and not self.dots and _may_touch(before, shown)
                pieces += [] if tight else ["·"]
            else:
                if over and link != "/":  # a / b * c is not a / (b * c)
                    pieces = ["(", *pieces, ")"]
                pieces.append(_LINKS[link])
            over = link == "./"
            divided = link == "/" or (number and factor.level == PRODUCT)
            pieces.append(shown)
        return Phrase(PRODUCT, *pieces)

    def power(self, reading: Power, of: Of) -> Phrase:
        sign = "⊙" if reading.elementwise else ""
        inverted = inverse_below(reading)
        if inverted is not None:  # inv(X)^2
            return Phrase(POWER, _closed(of(inverted[0])), str(-inverted[1]).translate(RAISED))
        base = _closed(of(reading.base))
        exponent = reading.exponent
        if isinstance(exponent, Expr) and exponent.op == "num":
            value: Any = exponent.data
            if value.denominator == 1 and abs(value) < 1000:
                return Phrase(POWER, base, sign + str(value).translate(RAISED))
        return Phrase(POWER, base, f"^{sign}", _at_least(ATOM, of(exponent)))

    def transposed(self, reading: Transposed, of: Of) -> Phrase:
        base = reading.base
        if isinstance(base, Expr) and base.op == "inv" and base.args[0].op != "t":
            return Phrase(POWER, _at_least(ATOM, of(base.args[0])), "⁻ᵀ")
        return Phrase(POWER, _at_least(POSTFIX, of(base)), "ᵀ")

    def differential(self, reading: Differential, of: Of) -> Phrase:
        base = of(reading.base)
        return Phrase(POSTFIX, "d", base if reading.of_variable else _bracketed(base))

    def relation(self, reading: Relation, of: Of) -> Phrase:
        left, right = of(reading.left), of(reading.right)
        return Phrase(ATOM, "[", left, f" {_RELATIONS[reading.sign]} ", right, "]")

    # --- functions ---

    def call(self, reading: Call, of: Of) -> Phrase:
        special = _SPECIAL.get(reading.name)
        if special is not None:
            return special(self, reading, of)  # type: ignore[no-any-return]
        head = self.sigmoid if reading.name == "sigmoid" else reading.name
        axis = () if reading.axis is None else (f", axis={reading.axis}",)
        return Phrase(POSTFIX, head, "(", *joined(", ", [of(a) for a in reading.args]), *axis, ")")

    def inverse(self, reading: Call, of: Of) -> Phrase:
        (base,) = reading.args
        if isinstance(base, Expr) and base.op == "t" and base.args[0].op != "inv":
            return Phrase(POWER, _at_least(ATOM, of(base.args[0])), "⁻ᵀ")
        return Phrase(POWER, _at_least(ATOM, of(base)), "⁻¹")

    def norm(self, reading: Call, of: Of) -> Phrase:
        (x,) = reading.args
        matrix = isinstance(x, Expr) and ONE not in x.shape
        if reading.name == "norm1":
            # of a matrix: the sum of absolute values, not the operator norm
            return Phrase(ATOM, "‖vec(" if matrix else "‖", of(x), ")‖₁" if matrix else "‖₁")
        mark = {"normnuc": "_*", "norm_spectral": "₂"}.get(reading.name) or ("_F" if matrix else "")
        return Phrase(ATOM, "‖", of(x), "‖" + mark)

    def sized(self, reading: Call, of: Of) -> Phrase:
        sizes = [str(of(size)) for size in reading.args]
        head = {"eye": self.identity, "ones": "𝟏", "zeros": "𝟎", "commutation": "𝐊"}[reading.name]
        low = sizes[0].translate(LOWERED)
        if len(sizes) == 1 and re.fullmatch("[₀-₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]+", low):
            return Phrase(ATOM, head + low)
        return Phrase(POSTFIX, f"{head}({', '.join(sizes)})")

    def undefined(self, reading: Undefined, of: Of) -> Phrase:
        name, mark = pretty_name(reading.name), reading.mark
        if mark in ("D", "grad", "hess"):
            head = {"D": "D", "grad": "∇", "hess": "∇²"}[mark] + name
        elif mark[:1].isdigit():
            numbers = mark.split(",")
            sign = "∇²" if len(numbers) == 2 else "∇" if reading.gradient else "D"
            between = "," if len(mark) > 3 else ""  # two digits
            head = sign + between.join(numbers).translate(LOWERED) + name
        else:
            head = name + "′" * len(mark)
        return Phrase(POSTFIX, head, "(", *joined(", ", [of(a) for a in reading.args]), ")")

    # --- blocks, sums over an index ---

    def blocks(self, reading: Blocks, of: Of) -> Phrase:
        pieces: list[str | Phrase] = ["["]
        for row in reading.rows:
            pieces += ["; "] if len(pieces) > 1 else []
            pieces += joined(", ", [of(part) for part in row])
        return Phrase(ATOM, *pieces, "]")

    def index_sum(self, reading: IndexSum, of: Of) -> Phrase:
        low, high, body = of(reading.low), of(reading.high), _at_least(PRODUCT, of(reading.body))
        return Phrase(SUM, f"Σ({pretty_name(reading.over)}=", low, "..", high, ") ", body)


_LINKS = {"/": "/", ".*": " ⊙ ", "./": " ⊘ "}
_SPECIAL: dict[str, Any] = {
    "inv": _Writer.inverse,
    "norm1": _Writer.norm,
    "norm2": _Writer.norm,
    "normnuc": _Writer.norm,
    "norm_spectral": _Writer.norm,
    "eye": _Writer.sized,
    "ones": _Writer.sized,
    "zeros": _Writer.sized,
    "commutation": _Writer.sized,
    "pinv": lambda writer, reading, of: Phrase(POWER, _at_least(ATOM, of(reading.args[0])), "⁺"),
    "sqrt": lambda writer, reading, of: _root(reading, of),
    "kron": lambda writer, reading, of: Phrase(
        PRODUCT, _at_least(POWER, of(reading.args[0])), " ⊗ ", _at_least(POWER, of(reading.args[1]))
    ),
}


def _root(reading: Call, of: Of) -> Phrase:
    x = of(reading.args[0])
    return Phrase(POSTFIX, "√", x if x.level == ATOM and x.first.isalnum() else _bracketed(x))


def _is_number(part: Part) -> bool:
    return isinstance(part, Number) or (isinstance(part, Expr) and part.op == "num")


def _at_least(level: int, phrase: Phrase) -> Phrase:
    return phrase if phrase.level >= level else _bracketed(phrase)


def _bracketed(phrase: Phrase) -> Phrase:
    return Phrase(ATOM, "(", phrase, ")")


def _closed(phrase: Phrase) -> Phrase:
    """What an index or a power may follow: a name, brackets, an entry x[0], a call exp(x), but not √(x) or d(x)."""
    ends = phrase.level == POSTFIX and phrase.last[-1:] in ("]", ")") and phrase.pieces[0] not in ("√", "d")
    return phrase if ends else _at_least(ATOM, phrase)


_SINGLE = re.compile("[^\\W\\d_][₀-₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]*|[𝟏𝟎][₀-₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]+")
_CLOSED = frozenset(")]‖ᵀ⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _may_touch(left: Phrase, right: Phrase) -> bool:
    """Whether two factors may stand side by side: nothing reads as a longer name, a call or an exponent."""
    if POSTFIX in (left.level, right.level):
        return False
    name = _SINGLE.fullmatch(right.first) is not None
    opens = right.first[0] in "(‖["
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", left.last):
        return left.level == ATOM and (name or opens)
    if left.last[-1] in _CLOSED:
        return name or opens
    return left.level == ATOM and _SINGLE.fullmatch(left.last) is not None and name
