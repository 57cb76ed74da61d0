"""MathML: expressions for browsers and screen readers, in the elements of MathML Core.

Products have an invisible times and calls an invisible application, so that both are read aloud; bold letters are
those of Unicode, because Core has no bold type. ``alttext`` is the expression as it would be typed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from itertools import zip_longest
from xml.etree import ElementTree

from matcalc.expr import Expr
from matcalc.language.greek import LETTERS, SPELT, WITHOUT_COMMAND
from matcalc.ops import COMPARISONS
from matcalc.printing.formulas import DEFAULT, Typesetter
from matcalc.printing.latex_names import name_parts, name_table, split_digits
from matcalc.printing.markup import Markup, Piece, Row
from matcalc.printing.notation import Notation
from matcalc.printing.text import text
from matcalc.printing.writer import ATOM, POSTFIX, POWER, SUM, Phrase

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEAF = re.compile(r"<(mi|mn|mo|mtext)\b[^>]*>[^<]*</\1>")
_WORD = re.compile(r"<mi>[^<]{2,}</mi>")
_TALL = re.compile("<(mfrac|munderover|mtable)\\b")
_TOKEN = re.compile(r"([^\W\d]\w*)|(\d+)|([-+*])")
_APPLY = "<mo>\u2061</mo>"
_THIN = '<mspace width="0.167em"/>'
_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}
_FENCES = {"(": ")", "[": "]", "|": "|", "‖": "‖"}
_PRIMES = ("", "′", "″", "‴")
_COMMANDS = {
    "top": "⊤", "intercal": "⊺", "dagger": "†", "prime": "′", "odot": "⊙", "circ": "∘", "ast": "∗", "star": "⋆",
    "bullet": "∙", "cdot": "⋅", "times": "×", "otimes": "⊗", "diamond": "⋄",
}  # fmt: skip
# Chromium aligns what is in a cell by -webkit-right alone
_RIGHT = "text-align: right; text-align: -webkit-right; padding-right: 0"
_LEFT = "text-align: left; text-align: -webkit-left; padding-left: "


def mathml(expr: Expr, notation: Notation = DEFAULT) -> str:
    """The expression as a ``math`` element."""
    return whole(Typesetter(MATHML, [expr], notation)(expr), text(expr))


def whole(content: str, alternative: str) -> str:
    """The ``math`` element around a formula that the markup made; the alternative is for readers without MathML."""
    shown = _escaped(alternative).replace("\n", "&#10;")
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block" alttext="{shown}">{content}</math>'


def _escaped(words: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", words))


class _Element(Phrase):
    """A phrase that is one element."""

    __slots__ = ()


def _argument(*pieces: Piece) -> Piece:
    """What counts as one argument: an element, or a row of them."""
    if len(pieces) == 1 and (isinstance(pieces[0], _Element) or _is_element(str(_core(pieces[0])))):
        return pieces[0]
    return _Element(ATOM, "<mrow>", *pieces, "</mrow>")


def _core(piece: Piece) -> Piece:
    """A phrase of one string as that string; of other phrases nothing."""
    while isinstance(piece, Phrase):
        if len(piece.pieces) != 1:
            return ""
        piece = piece.pieces[0]
    return piece


def _is_element(shown: str) -> bool:
    if _LEAF.fullmatch(shown):
        return True
    tag = re.match(r"<(\w+)", shown)
    return tag is not None and shown.endswith(f"</{tag[1]}>") and len(re.findall(rf"<{tag[1]}\b", shown)) == 1


def _scripted(level: int, tag: str, base: Piece, *scripts: Piece) -> Phrase:
    """A base with scripts, a second one above the first; it begins with what the base begins with."""
    indexed = _indexed(base) if tag == "msup" else None
    if indexed is not None:
        tag, base, scripts = "msubsup", indexed[0], (indexed[1], *scripts)
    found = _Element(level, f"<{tag}>", _argument(base), *scripts, f"</{tag}>")
    found.first = base.first if isinstance(base, Phrase) else base
    return found


def _indexed(piece: Piece) -> tuple[Piece, Piece] | None:
    """Base and subscript of a piece that is nothing but these."""
    while isinstance(piece, Phrase) and len(piece.pieces) == 1:
        piece = piece.pieces[0]
    if isinstance(piece, Phrase):
        return (piece.pieces[1], piece.pieces[2]) if piece.pieces[0] == "<msub>" else None
    if not piece.startswith("<msub>") or not _is_element(piece):
        return None
    base, below = (ElementTree.tostring(part, encoding="unicode") for part in ElementTree.fromstring(piece))
    return base, below


def _fenced(fence: str, inside: Sequence[Piece], tall: bool) -> Phrase:
    """Fences that stretch where what is inside is tall; fonts set others better at their natural size."""
    size = "" if tall else ' stretchy="false"'
    left, right = f'<mo form="prefix"{size}>{fence}</mo>', f'<mo form="postfix"{size}>{_FENCES[fence]}</mo>'
    return _Element(ATOM, f"<mrow>{left}", *inside, f"{right}</mrow>")


def _bold(letter: str) -> str:
    """A letter of Unicode's bold alphabets: upright, but small Greek letters slanted."""
    code = ord(letter)
    for first, last, start in (("A", "Z", 0x1D400), ("a", "z", 0x1D41A), ("0", "9", 0x1D7CE), ("α", "ω", 0x1D736)):
        if ord(first) <= code <= ord(last):
            return chr(start + code - ord(first))
    return chr(0x1D6A8 + code - ord("Α")) if "Α" <= letter <= "Ω" else letter


def _identifier(word: str, bold: bool = False) -> str:
    """A letter or a word; Greek capitals and letters that look like Latin ones stand upright."""
    word = SPELT.get(word, word)
    upright = word in WITHOUT_COMMAND or (word in LETTERS and word[0].isupper())
    shown = _escaped(LETTERS.get(word, word))
    if bold:
        return f"<mi>{''.join(map(_bold, shown)) if shown.isalnum() else shown}</mi>"
    if shown.isdigit():
        return f"<mn>{shown}</mn>"
    return f'<mi mathvariant="normal">{shown}</mi>' if upright else f"<mi>{shown}</mi>"


def _name(name: str, bold: bool) -> str:
    parts = name_parts(name)
    if parts is None:
        return _verbatim(name)
    head = _identifier(parts.stem, bold)
    if parts.accent:
        head = f'<mover accent="true">{head}<mo stretchy="false">{_ACCENTS[parts.accent]}</mo></mover>'
    below = [_subscript(part) for part in parts.below]
    if not below:
        return head
    row = below[0] if len(below) == 1 else f"<mrow>{'<mo>,</mo>'.join(below)}</mrow>"
    return f"<msub>{head}{row}</msub>"


def _subscript(part: str) -> str:
    """``W1`` in a subscript has one itself."""
    stem, digits = split_digits(part)
    return f"<msub>{_identifier(stem)}<mn>{digits}</mn></msub>" if stem and digits else _identifier(part)


def _verbatim(name: str) -> str:
    return f"<mi>{_escaped(name)}</mi>"


class MathML(Markup):
    """The pieces of formulas in MathML; every piece is a row of whole elements."""

    plus, subtract, minus = "<mo>+</mo>", "<mo>−</mo>", '<mo form="prefix">−</mo>'
    equals, comma, dot, times = '<mo form="infix">=</mo>', "<mo>,</mo>", "<mo>⋅</mo>", "<mo>\u2062</mo>"
    space, product, before_function = times + _THIN, times + _THIN, _THIN
    cross, kron, oslash = "<mo>×</mo>", "<mo>⊗</mo>", "<mo>⊘</mo>"
    partial, delta, sigma = "<mi>∂</mi>", "<mi>δ</mi>", "<mi>σ</mi>"
    colon, hole = '<mo>:</mo><mspace width="0.5em"/>', '<mo lspace="0" rspace="0">:</mo>'
    relations = {
        sign: f"<mo>{escape(shown)}</mo>" for sign, shown in zip(COMPARISONS, ["<", "≤", ">", "≥", "="], strict=True)
    }

    def names(self, names: Iterable[str], bold: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
        """Names that the notation gives in LaTeX are for LaTeX: here they are as they would be without."""
        return name_table(names, lambda name: _name(name, name in bold), _verbatim)

    def name(self, shown: str) -> Phrase:
        fraction = "<mfrac>"  # such as the name of an adjoint
        if "∇" in shown:
            return Phrase(POWER, shown)
        return _Element(POWER, fraction, shown[len(fraction) :]) if shown.startswith(fraction) else Phrase(ATOM, shown)

    def has_subscript(self, shown: str) -> bool:
        return "<msub>" in shown

    def digits(self, number: str) -> str:
        sign = self.minus if number.startswith("-") else ""
        return f"{sign}<mn>{number.removeprefix('-')}</mn>"

    def ratio(self, number: str) -> str:
        above, _, below = number.partition("/")
        return self.digits(above) + (f"<mo>/</mo>{self.digits(below)}" if below else "")

    def size(self, size: str, names: Mapping[str, str]) -> str:
        out: list[str] = []
        signs = {"*": self.times, "+": self.plus, "-": self.subtract}
        for name, number, sign in _TOKEN.findall(size):
            if sign:
                out.append(signs[sign] if out else self.minus)
            else:
                out.append(self.digits(number) if number else names.get(name) or _name(name, False))
        return "".join(out)

    def function(self, name: str) -> str:
        if name == "logdet":
            return f"<mi>log</mi>{_APPLY}{_THIN}<mi>det</mi>"
        return f"<mi>{name}</mi>"

    def upright(self, letter: str) -> str:
        return f'<mi mathvariant="normal">{letter}</mi>'

    def given(self, command: str) -> str:
        """``\\odot`` is a sign; of ``\\operatorname{tr}`` and ``T`` the word is left."""
        word = re.sub(r"^\\[A-Za-z]+\{(.*)\}$", r"\1", command).removeprefix("\\")
        return _COMMANDS[word] if word in _COMMANDS else f"<mi>{_escaped(word)}</mi>"

    def bold(self, letter: str) -> str:
        return f"<mi>{_bold(letter)}</mi>"

    def axis(self, axis: int) -> str:
        return ("<mi>cols</mi>", "<mi>rows</mi>")[axis]  # axis=0: of each column

    def binary(self, sign: str) -> str:
        return f"<mo>{_bare(sign)}</mo>"

    def fraction(self, above: Piece, below: Piece) -> Phrase:
        return _Element(POWER, "<mfrac>", _argument(above), _argument(below), "</mfrac>")

    def is_wide(self, above: Phrase) -> bool:
        return False  # there is no page

    def subscript(self, base: Piece, *below: Piece) -> Phrase:
        return _scripted(ATOM, "msub", base, _argument(*below))

    def superscript(self, base: Piece, *above: Piece) -> Phrase:
        return _scripted(POWER, "msup", base, _argument(*above))

    def both(self, base: Piece, below: Piece, above: Sequence[Piece]) -> Phrase:
        return _scripted(POWER, "msubsup", base, _argument(below), _argument(*above))

    def raised_sign(self, sign: str) -> str:
        return f'<mo lspace="0" rspace="0">{_bare(sign)}</mo>'

    def transposed(self, base: Piece, sign: str, inverse: bool = False) -> Phrase:
        if sign == "'":
            shown = "<mo>′</mo>"
            return self.superscript(base, *([shown, self.ratio("-1")] if inverse else [shown]))
        bare = _bare(self.given(sign))
        normal = "" if bare.isalpha() else ' mathvariant="normal"'
        shown = f'<mi{normal} intent="transpose">{bare}</mi>'
        return self.superscript(base, *([self.minus, shown] if inverse else [shown]))

    def primed(self, name: str, count: int) -> str:
        mark = f"<mo>{_PRIMES[count]}</mo>" if count < 4 else f"<mrow><mo>(</mo><mn>{count}</mn><mo>)</mo></mrow>"
        return str(self.superscript(name, mark))

    def nabla(self, name: str, *by: str, gradient: bool = True, twice: bool = False) -> str:
        head = '<mi mathvariant="normal">∇</mi>' if gradient else self.upright("D")
        below = "<mo>,</mo>".join(by)
        if twice:
            two = self.digits("2")
            return f"{self.both(head, below, [two]) if below else self.superscript(head, two)}{name}"
        return f"{self.subscript(head, below) if below else head}{name}"

    def applied(self, head: Piece, *argument: Piece) -> Phrase:
        return Phrase(POSTFIX, head, _APPLY, *argument)

    def fenced(self, fence: str, *inside: Piece) -> Phrase:
        return _fenced(fence, inside, Phrase(ATOM, *inside).tall)

    def wrapped(self, inside: str) -> str:
        return str(_fenced("(", [inside], tall=_TALL.search(inside) is not None))

    def root(self, inside: Piece) -> Phrase:
        return _Element(POSTFIX, "<msqrt>", inside, "</msqrt>")

    def matrix(self, rows: Sequence[Sequence[Phrase]]) -> Phrase:
        pieces: list[Piece] = []
        for row in rows:
            pieces.append("<mtr>")
            for part in row:
                pieces += ["<mtd>", part, "</mtd>"]
            pieces.append("</mtr>")
        return self.fenced("(", "<mtable>", *pieces, "</mtable>")

    def index_sum(self, index: str, low: Phrase, high: Phrase, body: Phrase) -> Phrase:
        bounds = (_argument(index, self.equals, low), _argument(high))
        return Phrase(SUM, "<munderover>", "<mo>∑</mo>", *bounds, "</munderover>", body)

    def sum_over(self, indices: str) -> str:
        return f"<munder><mo>∑</mo>{_argument(indices)}</munder>"

    def index(self, name: str) -> str:
        return "<mo>∗</mo>" if name == "*" else _identifier(name)

    def line(self, formula: str) -> str:
        return formula

    def aligned(self, rows: Iterable[Row]) -> str:
        return table(rows)

    def between(self, left: Phrase, right: Phrase) -> str:
        if right.first.startswith("<mn>") or (right.first == "<mfrac>" and left.last.endswith("</mn>")):
            return self.dot
        word = _WORD.fullmatch(left.last) or _WORD.fullmatch(right.first)
        differential = self.upright("d") in (left.first, right.first)
        return self.space if word or differential else self.times


def table(rows: Iterable[Row], words: Sequence[str] = ()) -> str:
    """Lines that are aligned at their signs, with words at the right.

    ``columnalign`` is of older MathML: pages that forbid styles in elements have a rule for it in their style sheet.
    """
    found = list(rows)
    left = any(row.left or row.sign for row in found)
    lines: list[str] = []
    for row, said in zip_longest(found, words, fillvalue=""):
        assert isinstance(row, Row)
        cells = [f'<mtd style="{_RIGHT}">{row.left}</mtd>'] if left else []
        cells.append(f'<mtd style="{_LEFT}0">{row.sign}{row.right}</mtd>')
        cells += [f'<mtd style="{_LEFT}2em"><mtext>{_escaped(said)}</mtext></mtd>'] if said else []
        lines.append(f"<mtr>{''.join(cells)}</mtr>")
    columns = ["right"] * left + ["left"] * (2 if any(words) else 1)
    return f'<mtable displaystyle="true" columnalign="{" ".join(columns)}">{"".join(lines)}</mtable>'


def _bare(shown: str) -> str:
    """What stands inside of an element, or a sign by itself."""
    return re.sub(r"<[^>]*>", "", shown)


MATHML = MathML()
