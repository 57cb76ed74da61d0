"""Formulas on several lines of a terminal, where that helps: fractions with sums in them, and matrices.

The layout is that of the MathML: every element becomes a box of text with a base line.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matcalc.expr import Expr
from matcalc.printing.mathml import mathml
from matcalc.printing.measure import length
from matcalc.printing.pretty import LOWERED, RAISED, pretty, pretty_name

_FENCES = {"(": "()⎛⎜⎝⎞⎟⎠", "[": "[]⎡⎢⎣⎤⎥⎦", "|": "||||||||", "‖": "‖‖‖‖‖‖‖‖"}  # one line; left and right of several
_TIGHT = {"−": "−", "/": "/", ":": ":", "⋅": "·", "′": "′", "″": "″", "‴": "‴", "∗": "∗", "∑": "∑"}
_ACCENTS = {"^": "hat", "¯": "bar", "~": "tilde", "˙": "dot"}
_SUPERSCRIPTS = dict(zip("+−⊤Tn⊙∘", "⁺⁻ᵀᵀⁿ⊙∘", strict=True))
_APPLY, _TIMES = "\u2061", "\u2062"


LONGEST = 500  # symbols: what is longer has no room on any terminal


class Box(NamedTuple):
    """Lines of one width; ``base`` is the one that neighbors stand on."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        return len(self.lines[0])


def screen(lines: Iterable[tuple[str | None, Expr]], columns: int) -> str | None:
    """Formulas, with names before them, on several lines each; None where one line is as good, or there is no room."""
    pairs = list(lines)
    if any(length(e) > LONGEST for _, e in pairs):
        return None
    trees = [ET.fromstring(mathml(e)) for _, e in pairs]
    if not any(map(_helps, trees)):
        return None
    shown: list[str] = []
    for (name, e), tree in zip(pairs, trees, strict=True):
        box = _layout(tree) if _helps(tree) else Box((pretty(e),))
        whole = _beside([Box((f"{pretty_name(name)} = ",)), box]) if name else box
        if whole.width > columns:
            return None
        shown += [line.rstrip() for line in whole.lines]
    return "\n".join(shown)


def _helps(tree: ET.Element) -> bool:
    """Whether there is a matrix, or a fraction that needs brackets on one line."""
    for e in tree.iter():
        tag = _tag(e)
        if tag == "mtable":
            return True
        if tag == "mfrac":
            above, below = e
            signs = [c.text for c in above if _tag(c) == "mo" and c.get("form") != "prefix"]
            if {"+", "−"} & set(signs) or (_tag(below) == "mrow" and below[0].get("form") != "prefix"):
                return True
    return False


def _tag(e: ET.Element) -> str:
    return e.tag.rpartition("}")[2]


def _layout(root: ET.Element) -> Box:
    """The box of an element; those inside come first."""
    boxes: dict[ET.Element, Box] = {}
    for e in reversed(list(root.iter())):
        if _tag(e) == "mtable":
            boxes[e] = _table([[boxes[cell] for cell in row] for row in e])
        else:
            boxes[e] = _box(e, [boxes[child] for child in e])
    return boxes[root]


def _box(e: ET.Element, parts: Sequence[Box]) -> Box:
    tag = _tag(e)
    if tag == "mfrac":
        return _fraction(*parts)
    if tag in ("msup", "msub", "msubsup"):
        return _scripts(parts[0], *({"msup": (None, parts[-1]), "msub": (parts[1], None)}.get(tag) or parts[1:]))
    if tag == "mover":
        return Box((parts[0].lines[0] + _ACCENTS[parts[1].lines[0]],))
    if tag == "munderover":
        return _stack([parts[2], parts[0], parts[1]], 1)
    if tag == "mtr":
        return Box(("",))  # the table takes the cells
    if not len(e) and tag not in ("math", "mrow", "mtd", "msqrt"):
        return Box((e.text or "",))
    inside = _row(list(e), list(parts))
    if tag == "msqrt":
        return _beside([Box(("√",)), _fenced("(", inside)]) if inside.width > 1 else Box((f"√{inside.lines[0]}",))
    return inside


def _row(elements: list[ET.Element], parts: list[Box]) -> Box:
    """Neighbors with the spaces that their signs need; between brackets as tall as what is inside."""
    if len(elements) > 2 and (elements[0].text or "") in _FENCES and elements[0].get("form") == "prefix":
        return _fenced(elements[0].text or "", _row(elements[1:-1], parts[1:-1]))
    out: list[Box] = []
    times = False
    for e, box in zip(elements, parts, strict=True):
        text = e.text or ""
        if _tag(e) == "mspace":
            out.append(Box(("·" if times else " ",)))
            times = False
        elif text == _TIMES:
            times = True
        elif text == _APPLY:
            times = False
        else:
            tall = len(box.lines) > 1
            if out and ((times and (tall or len(out[-1].lines) > 1)) or (tall and out[-1].lines == ("−",))):
                out.append(Box((" ",)))  # no sign runs into the bar of a fraction
            times = False
            out.append(Box((_sign(e),)) if _tag(e) == "mo" else box)
    return _beside(out)


def _sign(e: ET.Element) -> str:
    """A sign with its spaces."""
    text = e.text or ""
    if text == ",":
        return ", "
    tight = e.get("form") == "prefix" or e.get("lspace") == "0" or (text in _TIGHT and text != "−")
    return _TIGHT.get(text, text) if tight else f" {text} "


def _beside(boxes: Sequence[Box]) -> Box:
    """Boxes from left to right on one base line."""
    above = max((b.base for b in boxes), default=0)
    below = max((len(b.lines) - b.base for b in boxes), default=1)
    rows = [""] * (above + below)
    for b in boxes:
        for i in range(above + below):
            at = i - above + b.base
            rows[i] += b.lines[at] if 0 <= at < len(b.lines) else " " * b.width
    return Box(tuple(rows), above)


def _stack(boxes: Sequence[Box], base: int) -> Box:
    """Boxes one above the other, centered; the base line is that of one of them."""
    width = max(b.width for b in boxes)
    rows = [line.center(width) for b in boxes for line in b.lines]
    return Box(tuple(rows), sum(len(b.lines) for b in boxes[:base]) + boxes[base].base)


def _fraction(above: Box, below: Box) -> Box:
    if above.lines[0].isdigit() and below.lines[0].isdigit():
        return Box((f"{above.lines[0]}/{below.lines[0]}",))
    return _stack([above, Box(("─" * (max(above.width, below.width) + 2),)), below], 1)


def _scripts(base: Box, below: Box | None, above: Box | None) -> Box:
    """Scripts as small letters where Unicode has them, else marked by ``_``, or on a line of their own."""
    if below is not None:
        text = below.lines[0].replace(" ", "")
        small = text.translate(LOWERED)
        mark = small if all(c not in small for c in text) else f"_{text}"
        base = _beside([base, Box((mark,), 0 if len(base.lines) == 1 else base.base - len(base.lines) + 1)])
    if above is None:
        return base
    text = above.lines[0].replace(" ", "")
    small = "".join(_SUPERSCRIPTS.get(c, c) for c in text).translate(RAISED)
    if len(above.lines) == 1 and all(c not in small or c in "⊙∘" for c in text):
        return _beside([base, Box((small,), base.base)])
    if len(above.lines) == 1 and text[0] in "′″‴":
        return _beside([base, above])
    blank = tuple(" " * above.width for _ in range(len(base.lines)))
    return _beside([base, Box((*above.lines, *blank), len(above.lines) + base.base)])


def _fenced(fence: str, inside: Box) -> Box:
    shapes = _FENCES[fence]
    count = len(inside.lines)
    if count == 1:
        return Box((shapes[0] + inside.lines[0] + shapes[1],))
    left, right = (Box((s[0], *[s[1]] * (count - 2), s[2]), inside.base) for s in (shapes[2:5], shapes[5:8]))
    return _beside([left, inside, right])


def _table(rows: Sequence[Sequence[Box]]) -> Box:
    """Blocks in columns; the base line is in the middle."""
    widths = [max(b.width for b in column) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        cells = [Box(tuple(line.center(w) for line in b.lines), b.base) for b, w in zip(row, widths, strict=True)]
        gaps = [piece for cell in cells for piece in (Box(("  ",)), cell)][1:]
        lines += _beside([Box((" ",)), *gaps, Box((" ",))]).lines
    return Box(tuple(lines), (len(lines) - 1) // 2)
