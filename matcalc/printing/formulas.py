"""Formulas as a lecture would set them, in any markup: what LaTeX and MathML have in common.

Indices count from 0, as in the input; ``[a < b]`` is 1 where it holds and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.kinds import kind_of_shape
from matcalc.language.numerals import numeral
from matcalc.printing.latex_names import names_of
from matcalc.printing.markup import Markup, Piece, Row
from matcalc.printing.notation import Notation
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
from matcalc.printing.writer import ATOM, POSTFIX, POWER, PRODUCT, SUM, Of, Phrase, Speller, joined, write
from matcalc.shapes import ONE, Dim

# POWER: has a superscript already; POSTFIX: a call, which takes a transpose but no power; ATOM: takes both

DEFAULT = Notation()  # the notation in force


def _ratio(part: Part) -> Fraction | None:
    """A number that is shown as a fraction; it has no sign here."""
    value = part.data if isinstance(part, Expr) and part.op == "num" else getattr(part, "value", None)
    return abs(value) if isinstance(value, Fraction) and numeral(abs(value)) is None else None


def where_lines(
    markup: Markup,
    definitions: Iterable[tuple[str, Expr]],
    notation: Notation = DEFAULT,
    special: Mapping[str, str] | None = None,
) -> str:
    """Lines ``name = expression``, aligned; the names are shown as they are in the formulas."""
    lines = list(definitions)
    named = [ops.sym(name, kind_of_shape(expr.shape)) for name, expr in lines]
    setter = Typesetter(markup, [*(expr for _, expr in lines), *named], notation, special=special)
    return markup.aligned(Row(setter.names[name], markup.equals, setter(expr)) for name, expr in lines)


def names_for(markup: Markup, names: Iterable[str]) -> dict[str, str]:
    """How names are shown that stand together."""
    return markup.names(names, (), {})


def arrays_in(expressions: Iterable[Expr], vectors_only: bool) -> set[str]:
    """The names of vectors and rows, or of all arrays."""
    found = (n for n in topological(*expressions) if n.op == "sym" and not n.is_scalar)
    return {n.name for n in found if not vectors_only or ONE in n.shape}


class Typesetter:
    """Sets expressions in a markup, with one table of names for all that is shown together.

    ``special``: names that are shown in a way of their own, such as adjoints, in the markup's language.
    """

    def __init__(
        self,
        markup: Markup,
        expressions: Iterable[Expr],
        notation: Notation = DEFAULT,
        names: Iterable[str] = (),
        special: Mapping[str, str] | None = None,
    ) -> None:
        notation = notation.filled()
        expressions = list(expressions)
        bold = arrays_in(expressions, vectors_only=notation.bold == "vectors") if notation.bold != "none" else set()
        self.markup = m = markup
        self.names = m.names({*names_of(expressions), *names}, bold, notation.names) | dict(special or {})
        self.trace = m.given(notation.trace or "")
        self.hadamard = m.given(notation.hadamard or "")
        self.transpose = notation.transpose or ""
        self.subscripted = any(m.has_subscript(shown) for shown in self.names.values())
        upright = notation.bold == "arrays" or any(n.startswith("I") for n in self.names)
        self.identity = m.bold("I") if upright else m.index("I")
        self.sigmoid = m.function("sigmoid") if {"sigma", "σ"} & self.names.keys() else m.sigma
        self.spellers: dict[type[Reading], Speller] = {
            Name: lambda reading, of: m.name(self.names[reading.name]),
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

    def __call__(self, expr: Expr) -> str:
        return str(self.phrase(expr))

    def phrase(self, expr: Expr) -> Phrase:
        return write(expr, self.spellers)

    # --- leaves ---

    def number(self, reading: Number) -> Phrase:
        m, value = self.markup, abs(reading.value)
        decimal = numeral(value)
        minus = m.minus if reading.value < 0 else ""
        if decimal is None:
            fraction = m.fraction(m.digits(str(value.numerator)), m.digits(str(value.denominator)))
            return Phrase(PRODUCT, minus, *fraction.pieces) if minus else fraction
        if "e" in decimal:
            digits, exponent = decimal.split("e")
            power = m.superscript(m.digits("10"), m.digits(exponent))
            return Phrase(PRODUCT, minus + m.digits(digits), m.cross, power)
        return Phrase(PRODUCT if minus else ATOM, minus + m.digits(decimal))

    def size(self, dim: Dim) -> Phrase:
        plain = str(dim)
        level = SUM if len(dim.terms) > 1 else PRODUCT if "*" in plain or plain.startswith("-") else ATOM
        return Phrase(level, self.markup.size(plain, self.names))

    # --- sums, products, powers ---

    def sum(self, reading: Sum, of: Of) -> Phrase:
        m = self.markup
        pieces: list[Piece] = []
        for negative, part in reading.terms:
            phrase = of(part)
            signed = bool(pieces) and m.begins_with_minus(phrase)
            if pieces:
                pieces.append(m.subtract if negative else m.plus)
            pieces.append(self._at_least(ATOM if signed else PRODUCT, phrase))
        return Phrase(SUM, *pieces)

    def product(self, reading: Product, of: Of) -> Phrase:
        """A scalar divisor makes one fraction of all that stands to its left, but for a number such as 1/2."""
        m = self.markup
        one = m.digits("1")
        done: list[Piece] = []  # up to the last elementwise sign
        front: list[Phrase] = []  # a number in front
        left: list[Phrase] = []  # the factors since
        below: list[Phrase] = []  # and their divisors
        over: list[Phrase] = []  # what stands over and
        under: list[Phrase] = []  # under the fraction that is the first of the factors, if one is
        divided = False
        number: Fraction | None = None

        def close() -> None:
            if below:
                factors = [*over, *left[1:]] if under else list(left)
                if number is not None and front and not factors:  # 1/2/n is 1 over 2 n
                    front.clear()
                    factors = [Phrase(ATOM, m.digits(str(number.numerator)))] if number.numerator != 1 else []
                    under.append(Phrase(ATOM, m.digits(str(number.denominator))))
                under.extend(below)
                above = self._juxtaposed(factors) if factors else Phrase(ATOM, one)
                if m.is_wide(above):  # 1/n stands before it
                    left[:] = [m.fraction(one, self._juxtaposed(under)), *factors]
                    over.clear()
                else:
                    left[:] = [m.fraction(above, self._juxtaposed(under))]
                    over[:] = factors
                below.clear()

        for link, part in reading.factors:
            if link == "/":
                below.append(of(part))
                continue
            close()
            if link in (".*", "./"):
                left[:] = [*front, *left]
                minus = not done and len(left) == 1 and len(left[0].pieces) == 2 and left[0].pieces[0] == m.minus
                done += [left[0] if minus else self._juxtaposed(left, POWER)] if left else [one]
                if divided:  # a / b * c is not a / (b * c)
                    done = [m.fenced("(", *done)]
                divided = link == "./"
                done.append(m.oslash if divided else m.binary(self.hadamard))
                for factors in (front, left, over, under):
                    factors.clear()
            ratio = _ratio(part) if not front and not left else None
            number = ratio or number
            (left if ratio is None else front).append(of(part))
        close()
        left[:] = [*front, *left]
        if not done and not reading.negative and len(left) == 1 and left[0].level == POWER:
            return left[0]  # a fraction
        sign = [m.minus] if reading.negative else []
        return Phrase(PRODUCT, *sign, *done, self._juxtaposed(left, POWER))

    def power(self, reading: Power, of: Of) -> Phrase:
        m, exponent = self.markup, of(reading.exponent)
        inverted = inverse_below(reading)
        if inverted is not None:  # inv(X)^2
            return m.superscript(self._at_least(ATOM, of(inverted[0])), m.ratio(str(-inverted[1])))
        if isinstance(reading.exponent, Expr) and reading.exponent.op == "num":
            value: Any = reading.exponent.data
            exponent = Phrase(ATOM, m.ratio(str(value)) if numeral(abs(value)) is None else str(exponent))
        base = self._at_least(ATOM, of(reading.base))
        if reading.elementwise:
            return m.superscript(base, m.raised_sign(self.hadamard), self._at_least(POWER, exponent))
        return m.superscript(base, exponent)

    def transposed(self, reading: Transposed, of: Of) -> Phrase:
        base = reading.base
        if isinstance(base, Expr) and base.op == "inv" and base.args[0].op != "t":
            return self.markup.transposed(self._at_least(ATOM, of(base.args[0])), self.transpose, inverse=True)
        return self.markup.transposed(self._at_least(POSTFIX, of(base)), self.transpose)

    def differential(self, reading: Differential, of: Of) -> Phrase:
        m, base = self.markup, of(reading.base)
        plain = isinstance(reading.base, Expr) and (_is_call(reading.base) or _is_power_of_norm(reading.base))
        before = m.before_function if plain and base.level == POSTFIX else ""
        return Phrase(POSTFIX, m.upright("d"), before, base if reading.of_variable or plain else m.fenced("(", base))

    def relation(self, reading: Relation, of: Of) -> Phrase:
        return self.markup.fenced("[", of(reading.left), self.markup.relations[reading.sign], of(reading.right))

    # --- functions ---

    def call(self, reading: Call, of: Of) -> Phrase:
        special = _SPECIAL.get(reading.name)
        if special is not None:
            return special(self, reading, of)  # type: ignore[no-any-return]
        m = self.markup
        if reading.name == "sigmoid":
            head = self.sigmoid
        elif reading.name == "tr":
            head = self.trace
        else:
            head = m.function(reading.name)
        return self.applied(head if reading.axis is None else m.subscript(head, m.axis(reading.axis)), reading.args, of)

    def applied(self, head: Piece, args: tuple[Part, ...], of: Of) -> Phrase:
        m = self.markup
        return m.applied(head, m.fenced("(", *joined(m.comma, [of(arg) for arg in args])))

    def inverse(self, reading: Call, of: Of) -> Phrase:
        (base,) = reading.args
        if isinstance(base, Expr) and base.op == "t" and base.args[0].op != "inv":
            return self.markup.transposed(self._at_least(ATOM, of(base.args[0])), self.transpose, inverse=True)
        return self.markup.superscript(self._at_least(ATOM, of(base)), self.markup.ratio("-1"))

    def pseudoinverse(self, reading: Call, of: Of) -> Phrase:
        return self.markup.superscript(self._at_least(ATOM, of(reading.args[0])), self.markup.raised_sign("+"))

    def norm(self, reading: Call, of: Of) -> Phrase:
        m = self.markup
        (x,) = reading.args
        matrix = isinstance(x, Expr) and ONE not in x.shape
        inside = of(x)
        if reading.name == "norm1" and matrix:  # the sum of absolute values, not the operator norm
            inside = m.applied(m.function("vec"), m.fenced("(", inside))
        index = _NORMS.get(reading.name) or ("F" if matrix else "2")
        return m.subscript(m.fenced("‖", inside), m.index(index))

    def absolute(self, reading: Call, of: Of) -> Phrase:
        return self.markup.fenced("|", of(reading.args[0]))

    def square_root(self, reading: Call, of: Of) -> Phrase:
        (x,) = reading.args
        if isinstance(x, Expr) and not x.is_scalar:  # entry by entry, unlike the square root of a matrix
            return self.applied(self.markup.function("sqrt"), reading.args, of)
        return self.markup.root(of(x))

    def total(self, reading: Call, of: Of) -> Phrase:
        m = self.markup
        if reading.axis is None:
            return self.applied(m.function("sum"), reading.args, of)
        inside = self._at_least(POWER, of(reading.args[0]))
        if reading.axis == 0:
            return Phrase(PRODUCT, m.transposed(m.bold("1"), self.transpose), m.times, inside)
        return Phrase(PRODUCT, inside, m.times, m.bold("1"))

    def sized(self, reading: Call, of: Of) -> Phrase:
        m = self.markup
        sizes = [of(size) for size in reading.args]
        if reading.name == "eye":
            return m.subscript(self.identity, sizes[0])
        letter = {"ones": "1", "zeros": "0", "commutation": "K"}[reading.name]
        if letter != "K" and len(sizes) == 2 and str(sizes[0]) == m.digits("1"):  # a row of ones
            return m.transposed(m.subscript(m.bold(letter), sizes[1]), self.transpose)
        return m.subscript(m.bold(letter), *joined(m.comma if letter == "K" else m.cross, sizes))

    def unit(self, reading: Call, of: Of) -> Phrase:
        place, size = (of(arg) for arg in reading.args)
        return self.markup.both(self.markup.bold("e"), place, [self.markup.fenced("(", size)])

    def unvec(self, reading: Call, of: Of) -> Phrase:
        m = self.markup
        v, rows, cols = (of(arg) for arg in reading.args)
        return m.applied(m.subscript(m.function("unvec"), rows, m.cross, cols), m.fenced("(", v))

    def kronecker(self, reading: Call, of: Of) -> Phrase:
        left, right = (self._at_least(POWER, of(arg)) for arg in reading.args)
        return Phrase(PRODUCT, left, self.markup.kron, right)

    def vectors(self, reading: Call, of: Of) -> Phrase:
        """Singular vectors."""
        m = self.markup
        return self.applied(m.subscript(m.function("svd"), m.index(reading.name[-1])), reading.args, of)

    def frechet(self, reading: Call, of: Of) -> Phrase:
        """The derivative of a matrix function, in a direction."""
        m = self.markup
        return self.applied(
            m.subscript(m.upright("L"), m.function(reading.name.removesuffix("_frechet"))), reading.args, of
        )

    def undefined(self, reading: Undefined, of: Of) -> Phrase:
        m, name, mark = self.markup, self.names[reading.name], reading.mark
        if mark in ("D", "grad", "hess"):
            head = m.nabla(name, gradient=mark != "D", twice=mark == "hess")
        elif mark[:1].isdigit():
            numbers = [m.digits(number) for number in mark.split(",")]
            head = m.nabla(name, *numbers, gradient=reading.gradient, twice=len(numbers) == 2)
        else:
            head = m.primed(name, len(mark)) if mark else name
        return self.applied(head, reading.args, of)

    # --- blocks, entries, sums over an index ---

    def blocks(self, reading: Blocks, of: Of) -> Phrase:
        return self.markup.matrix([[of(part) for part in row] for row in reading.rows])

    def entries(self, reading: Entries, of: Of) -> Phrase:
        m = self.markup
        shown: list[Phrase] = []
        for index in reading.indices:
            if isinstance(index, Expr):
                shown.append(of(index))
            else:
                start, stop = ("" if bound is None else m.digits(str(bound)) for bound in index)
                shown.append(Phrase(ATOM, f"{start}{m.hole}{stop}"))
        base = of(reading.base)
        plain = isinstance(reading.base, Expr) and reading.base.op == "sym" and not self.subscripted
        if not plain:  # x_{0} could be the name x0
            base = m.fenced("[", base)
        return m.subscript(base, *joined(m.comma, shown))

    def index_sum(self, reading: IndexSum, of: Of) -> Phrase:
        low, high, body = of(reading.low), of(reading.high), self._at_least(PRODUCT, of(reading.body))
        return self.markup.index_sum(self.names[reading.over], low, high, body)

    # --- brackets and products ---

    def _at_least(self, level: int, phrase: Phrase) -> Phrase:
        return phrase if phrase.level >= level else self.markup.fenced("(", phrase)

    def _juxtaposed(self, factors: list[Phrase], lone: int = SUM) -> Phrase:
        """Factors side by side, with a sign where they would run together; a lone one needs no more."""
        if len(factors) == 1:
            return self._at_least(lone, factors[0])
        pieces: list[Piece] = []
        before: Phrase | None = None
        for factor in factors:
            shown = self._at_least(POWER, factor)
            if before is not None:
                pieces.append(self.markup.between(before, shown))
            pieces.append(shown)
            before = shown
        return Phrase(PRODUCT, *pieces)


_NORMS = {"norm1": "1", "normnuc": "*", "norm_spectral": "2"}
_CALLS = frozenset("tr det logdet sum mean fn norm1 norm2 softmax logsumexp ufn maxel minel max2 min2 prod mfn".split())


def _is_call(e: Expr) -> bool:
    """Whether d log(x), d tr(X) need no brackets of their own."""
    return e.op in _CALLS and (e.op not in ("fn", "sum", "mean", "mfn") or e.data not in (0, 1, "sqrt", "sqrtm"))


def _is_power_of_norm(e: Expr) -> bool:
    return e.op == "pow" and e.args[0].op == "norm2" and e.args[1].op == "num" and e.args[1].data > 0  # type: ignore[operator]


_SPECIAL: dict[str, Any] = {
    "normnuc": Typesetter.norm,
    "norm_spectral": Typesetter.norm,
    "svd_u": Typesetter.vectors,
    "svd_v": Typesetter.vectors,
    "inv": Typesetter.inverse,
    "norm1": Typesetter.norm,
    "norm2": Typesetter.norm,
    "abs": Typesetter.absolute,
    "sqrt": Typesetter.square_root,
    "sum": Typesetter.total,
    "eye": Typesetter.sized,
    "ones": Typesetter.sized,
    "zeros": Typesetter.sized,
    "commutation": Typesetter.sized,
    "unit": Typesetter.unit,
    "unvec": Typesetter.unvec,
    "kron": Typesetter.kronecker,
    "pinv": Typesetter.pseudoinverse,
} | dict.fromkeys((f"{name}_frechet" for name in "expm logm sqrtm sinm cosm".split()), Typesetter.frechet)
