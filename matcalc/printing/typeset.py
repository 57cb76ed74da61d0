r"""Lines of LaTeX that fit on a page: how wide a formula is, about, and where it breaks.

A formula breaks before a sign of a sum, else before an elementwise or Kronecker product, the outermost first; never
inside of braces, of ``\left ... \right``, or of a matrix. Widths are in letters: a line of a paper has about 65.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

WIDTH = 70.0  # letters on a line
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_SMALL = 0.7  # a sub- or superscript
_NOTHING = frozenset(
    r"\left \right \Bigl \Bigr \mathrm \mathbf \boldsymbol \operatorname \text \, \lVert \rVert \quad".split()
)
_WIDE = {r"\log": 1.6, r"\exp": 1.8, r"\det": 1.7, r"\sin": 1.5, r"\cos": 1.7, r"\min": 1.9, r"\max": 2.0}
_RELATIONS = frozenset({"+", "-", "=", r"\odot", r"\oslash", r"\otimes", r"\circ", r"\times", r"\cdot"})


def width(tex: str) -> float:
    """The width of a formula in letters, roughly."""
    stack: list[list[float]] = [[0.0]]  # for each open group the widths of what stands in it
    kinds: list[str] = [""]
    pending = ""  # what the next group or letter is to the formula
    over: list[float] = []  # the numerator of a fraction
    for token in _TOKEN.findall(tex):
        if token.isspace() or token == "&":
            continue
        if token == "{":
            kinds.append(pending)
            stack.append([0.0])
            pending = ""
            continue
        if token == "}" and len(stack) > 1:
            size, kind = sum(stack.pop()), kinds.pop()
        elif token in ("_", "^", r"\frac"):
            pending = token
            continue
        else:
            size = 0.0 if token in _NOTHING else _WIDE.get(token, 2.0 if token in _RELATIONS else 1.0)
            kind, pending = pending, ""
        if kind == r"\frac":
            over.append(size)
            pending = "over"
        elif kind == "over":
            stack[-1].append(max(size, over.pop() if over else 0.0))
        else:
            stack[-1].append(size * _SMALL if kind in ("_", "^") else size)
    return sum(map(sum, stack))


def broken(tex: str, room: float = WIDTH, first: float = 0.0) -> list[str]:
    """The formula in lines no wider than ``room``, where it can be broken; ``first``: what stands before it already."""
    lines: list[str] = []
    rest, used = tex, first
    while used + width(rest) > room:
        everywhere = _places(rest)
        places = [p for p in everywhere if used + width(rest[: p[1]]) <= room]
        if not places or places[-1][1] < len(rest) / 8:
            opened = _opened(rest)
            if opened != rest:
                rest = opened
                continue
        places = places or everywhere[:1]
        if not places:
            break
        outermost = min(depth for depth, _ in places)
        best = [at for depth, at in places if depth == outermost]
        at = best[-1]
        if width(rest[:at]) < room / 6 and len(places) > len(best):  # a lone short term: rather inside of the next
            at = max(at for _, at in places)
        lines.append(rest[:at].rstrip())
        rest, used = rest[at:].lstrip(), 4.0
    return [*lines, rest]


def _opened(tex: str) -> str:
    r"""The outermost ``\left( ... \right)`` with brackets of a fixed size, inside of which a line may end."""
    out: list[str] = []
    depth = braces = 0
    sized = True  # whether the outermost pair that is open gets a fixed size
    tokens = iter(_TOKEN.findall(tex))
    for token in tokens:
        braces += (token == "{") - (token == "}")
        if token in (r"\left", r"\right"):
            bracket = next(tokens)
            if token == r"\left" and depth == 0:
                sized = bracket in "([" and not braces
            outermost = depth == (0 if token == r"\left" else 1)
            depth += 1 if token == r"\left" else -1
            big = r"\Bigl" if token == r"\left" else r"\Bigr"
            out.append((big if outermost and sized else token) + bracket)
            continue
        out.append(token)
    return "".join(out)


def _places(tex: str) -> list[tuple[float, int]]:
    """(how deep inside, where) for the signs before which a line may end."""
    found: list[tuple[float, int]] = []
    braces = brackets = fixed = 0
    at = 0
    for token in _TOKEN.findall(tex):
        if token == "{":
            braces += 1
        elif token == "}":
            braces -= 1
        elif token in (r"\left", r"\begin"):
            fixed += 1
        elif token in (r"\right", r"\end"):
            fixed -= 1
        elif token in ("(", "["):
            brackets += 1
        elif token in (")", "]"):
            brackets -= 1
        elif at and not braces and not fixed and tex[at - 1] == tex[at + len(token) : at + len(token) + 1] == " ":
            if token in ("+", "-"):
                found.append((brackets, at))
            elif token in (r"\odot", r"\oslash", r"\otimes", r"\circ"):
                found.append((brackets + 0.5, at))
        at += len(token)
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
