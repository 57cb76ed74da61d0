"""Readings to text without recursion: phrases are ropes with a binding strength, joined once at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from matcalc.errors import LimitError
from matcalc.expr import Expr
from matcalc.printing.measure import length
from matcalc.printing.reading import Part, Reading, parts, read

MAX_LENGTH = 2_000_000

# binding strength of what a phrase shows outermost, loosest first
RELATION, SUM, PRODUCT, POWER, POSTFIX, ATOM = range(6)


class Phrase:
    """A piece of output: strings and phrases in order, how it binds, its first and last string."""

    __slots__ = ("first", "last", "level", "pieces", "size", "tall")

    def __init__(self, level: int, *pieces: str | Phrase) -> None:
        self.level = level
        self.pieces = pieces
        head, tail = pieces[0], pieces[-1]
        self.first: str = head if isinstance(head, str) else head.first
        self.last: str = tail if isinstance(tail, str) else tail.last
        self.size: int = sum(p.size if isinstance(p, Phrase) else len(p) for p in pieces)
        self.tall: bool = any(p.tall if isinstance(p, Phrase) else p in _TALL for p in pieces)

    def at(self, level: int) -> Phrase:
        """The same pieces, said to bind otherwise."""
        return Phrase(level, *self.pieces)

    @property
    def negated(self) -> bool:
        """Whether this is a minus sign before one factor: it may stand first in an elementwise product."""
        return len(self.pieces) == 2 and self.pieces[0] in ("-", "−")

    def __str__(self) -> str:
        out: list[str] = []
        stack: list[str | Phrase] = [self]
        while stack:
            piece = stack.pop()
            if isinstance(piece, str):
                out.append(piece)
            else:
                stack.extend(reversed(piece.pieces))
        return "".join(out)


# what ordinary parentheses do not cover
_TALL = frozenset((r"\frac{", r"\sum_{", r"\begin{pmatrix}", "<mfrac>", "<munderover>", "<mtable>"))

Of: TypeAlias = Callable[[Part], Phrase]
Speller: TypeAlias = Callable[[Any, Of], Phrase]


def joined(separator: str, phrases: list[Phrase]) -> list[str | Phrase]:
    """The phrases with the separator between them."""
    out: list[str | Phrase] = []
    for phrase in phrases:
        out += [separator, phrase] if out else [phrase]
    return out


def write(root: Expr, spellers: dict[type[Reading], Speller]) -> Phrase:
    """The phrase of an expression: each distinct node is spelled once, after the nodes that it shows.

    A speller takes a reading and a function that gives the phrase of a part. LimitError if the text, in which
    shared nodes are repeated, would be too long.
    """
    size = length(root)
    if size > MAX_LENGTH:
        raise LimitError(
            f"written out, the expression has {size if size < 10**12 else 'more than 10^12'} symbols; "
            f"the limit is {MAX_LENGTH}",
            hint="give names to the sub-expressions that repeat",
        )
    done: dict[Expr, Phrase] = {}

    def of(part: Part) -> Phrase:
        return done[part] if isinstance(part, Expr) else spellers[type(part)](part, of)

    readings: dict[Expr, Reading] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        if node in done:
            stack.pop()
        elif node in readings:
            done[node] = of(readings[node])
            stack.pop()
        else:
            readings[node] = read(node)
            stack.extend(part for part in parts(readings[node]) if part not in done)
    return done[root]
