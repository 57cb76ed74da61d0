r"""Lines of LaTeX that fit on a page: how wide a formula is, about, and where it breaks.

A formula breaks before a sign of a sum, else before an elementwise or Kronecker product, the outermost first; never
inside of braces, of ``\left ... \right``, or of a matrix. Widths are in letters: a line of a paper has about 65.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 70.0  # letters on a line
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_SMALL = 0.7  # a sub- or superscript
_NOTHING = frozenset(
    r"\left \right \Bigl \Bigr \mathrm \mathbf \boldsymbol \operatorname \text \, \quad".split()
)
_WIDE = {r"\lVert": 0.75, r"\rVert": 0.75, "W": 1.4, "M": 1.4} | {
    r"\log": 1.6, r"\exp": 1.8, r"\det": 1.7, r"\sin": 1.5, r"\cos": 1.7, r"\min": 1.9, r"\max": 2.0,
}  # fmt: skip
_RELATIONS = frozenset({"+", "-", "=", r"\odot", r"\oslash", r"\otimes", r"\circ", r"\times", r"\cdot"})


def width(tex: str) -> float:
    """The width of a formula in letters, roughly."""
    return _widths(_TOKEN.findall(tex))[-1]


def _widths(tokens: Iterable[str]) -> list[float]:
    """The width of all that stands before each token, and of the whole; a group that is open counts from its end on."""
    sizes = [0.0]  # of what stands in each open group
    kinds: list[str] = [""]
    pending = ""  # what the next group or letter is to the formula
    over: list[float] = []  # the numerator of a fraction
    found = [0.0]
    for token in tokens:
        if token == "{":
            kinds.append(pending)
            sizes.append(0.0)
            pending = ""
        elif token in ("_", "^", r"\frac"):
            pending = token
        elif not token.isspace() and token != "&":
            if token == "}" and len(sizes) > 1:
                size, kind = sizes.pop(), kinds.pop()
            else:
                size = 0.0 if token in _NOTHING else _WIDE.get(token, 2.0 if token in _RELATIONS else 1.0)
                kind, pending = pending, ""
            if kind == r"\frac":
                over.append(size)
                pending = "over"
            elif kind == "over":
                sizes[-1] += max(size, over.pop() if over else 0.0)
            else:
                sizes[-1] += size * _SMALL if kind in ("_", "^") else size
        found.append(sizes[0])
    return found


@dataclass(slots=True)
class _Pair:
    r"""``\left( ... \right)``: a line may end inside of it once it has got brackets of a fixed size."""

    left: int  # where it stands among the tokens
    around: _Pair | None
    right: int = 0
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A sign before which a line may end."""

    at: int  # among the tokens
    depth: float  # in how many brackets
    before: float  # the width of all that stands before it
    pair: _Pair | None

    def is_open(self) -> bool:
        return self.pair is None or self.pair.fixed


def broken(tex: str, room: float = WIDTH, first: float = 0.0) -> list[str]:
    """The formula in lines no wider than ``room``, where it can be broken; ``first``: what stands before it already."""
    tokens = _TOKEN.findall(tex)
    widths = _widths(tokens)
    if first + widths[-1] <= room:
        return [tex]
    places = _places(tokens, widths)
    ends: list[int] = []
    passed, start, used = 0, 0.0, first  # places, the width of all lines before, what stands before this line
    while used + widths[-1] - start > room:
        reach = passed
        while reach < len(places) and used + places[reach].before - start <= room:
            reach += 1
        if passed == len(places):
            break
        end = _end(places, passed, reach, start + room / 6)
        ends.append(places[end].at)
        passed, start, used = end + 1, places[end].before, 4.0
    for place in places:
        pair = place.pair
        while pair is not None and pair.fixed and tokens[pair.left] != r"\Bigl":
            tokens[pair.left], tokens[pair.right] = r"\Bigl", r"\Bigr"
            pair = pair.around
    return ["".join(tokens[i:j]).strip() for i, j in zip([0, *ends], [*ends, len(tokens)], strict=True)]


def _end(places: Sequence[_Place], passed: int, reach: int, short: float) -> int:
    """Which of the places before ``reach`` ends the line: the outermost, the last of these.

    Brackets get a fixed size where no line could end otherwise, or only one that is too short.
    """
    if passed == reach:  # nothing fits: the first that there is
        while not places[passed].is_open():
            _fix(places[passed])
        return passed
    while True:
        open_ = [i for i in range(passed, reach) if places[i].is_open()]
        shut = [i for i in range(passed, reach) if not places[i].is_open()]
        if not shut or (open_ and places[open_[-1]].before >= short):
            break
        _fix(places[shut[-1]])
    outermost = min(places[i].depth for i in open_)
    best = max(i for i in open_ if places[i].depth == outermost)
    return best if places[best].before >= short else open_[-1]  # a lone short term: rather inside of the next


def _fix(place: _Place) -> None:
    """A fixed size for the outermost brackets around the place that have none."""
    pair = place.pair
    assert pair is not None
    while pair.around is not None and not pair.around.fixed:
        pair = pair.around
    pair.fixed = True


def _places(tokens: Sequence[str], widths: Sequence[float]) -> list[_Place]:
    """The signs before which a line may end, where need be with brackets of a fixed size around them."""
    found: list[_Place] = []
    braces = brackets = closed = 0  # closed: how many of the pairs around stay as they are
    pairs: list[_Pair | None] = []
    for at, token in enumerate(tokens):
        if token == "{":
            braces += 1
        elif token == "}":
            braces -= 1
        elif token in (r"\left", r"\begin"):
            fits = token == r"\left" and tokens[at + 1 : at + 2] in (["("], ["["]) and not braces and not closed
            pairs.append(_Pair(at, pairs[-1] if pairs else None) if fits else None)
            closed += not fits
        elif token in (r"\right", r"\end") and pairs:
            pair = pairs.pop()
            closed -= pair is None
            if pair is not None:
                pair.right = at
        elif token in ("(", "["):
            brackets += 1
        elif token in (")", "]"):
            brackets -= 1
        elif at and not braces and not closed and tokens[at - 1][-1] == " " == (tokens[at + 1 : at + 2] or [""])[0][:1]:
            pair = pairs[-1] if pairs else None
            if token in ("+", "-"):
                found.append(_Place(at, brackets, widths[at], pair))
            elif token in (r"\odot", r"\oslash", r"\otimes", r"\circ"):
                found.append(_Place(at, brackets + 0.5, widths[at], pair))
    return found


def aligned(tex: str, room: float = WIDTH) -> str:
    """The formula as it is, or in several lines if it is too long for one."""
    if tex.startswith(r"\begin{aligned}"):
        return tex
    lines = broken(tex, room)
    return tex if len(lines) == 1 else _environment([f"& {lines[0]}", *(rf"&\quad {line}" for line in lines[1:])])


def aligned_lines(lines: Iterable[str], room: float = WIDTH) -> str:
    """Lines ``left &= right`` under each other; long ones go on below their right sides."""
    found: list[str] = []
    for line in lines:
        left, sign, right = line.partition("&")
        parts = broken(right, room, width(left))
        found += [left + sign + parts[0], *(rf"&\quad {part}" for part in parts[1:])]
    return _environment(found)


def _environment(lines: Iterable[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
