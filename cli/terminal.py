"""What a terminal gets besides plain text: lines that fit its width, and color. Pipes and files get the text alone."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

import click

NARROWEST = 20  # columns: lines for less are not broken further
_OPERATORS = re.compile(r" [+−=⊙⊘⊗<>≤≥-] |, |·|; ")
_TRAILING = (", ", "·", "; ")  # signs that stay at the end of a line
_SUMS = (" + ", " − ", " - ", " = ")
_LABEL = re.compile(r"with |layout: |holds where |note: |used: |stationary where |what went wrong: |they differ.*")
_REASON = re.compile(r"   \[(.*)\]$")
_OUTCOMES = {"verified": "green", "holds:": "green", "NOT verified": "red", "does not hold": "red"}


def room(err: bool = False) -> int | None:
    """The columns of the terminal that a stream goes to; None if it goes elsewhere."""
    stream = sys.stderr if err else sys.stdout
    return max(NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None


def is_colored(err: bool = False) -> bool:
    """Whether color is wanted: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return room(err) is not None and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, err: bool = False, color: str | None = None, bold: bool = False, dim: bool = False) -> str:
    """The text in a color or weight, where that is wanted."""
    return click.style(text, fg=color, bold=bold or None, dim=dim or None) if text and is_colored(err) else text


def formulas(answer: Any) -> str:
    """The formulas of an answer in bold type: on several lines where that helps, else broken at operators."""
    text = str(answer.pretty()).rstrip("\n")
    columns = room()
    if columns is None:
        return text
    tall = answer.screen(columns)
    lines = tall.splitlines() if tall else [part for line in text.splitlines() for part in broken(line, columns)]
    return "\n".join(painted(line, bold=True) for line in lines)


def derivation(text: str) -> str:
    """Steps with their reasons in brackets: a reason that does not fit stands on a line of its own."""
    columns = room()
    if columns is None:
        return text
    lines: list[str] = []
    for line in text.splitlines():
        match = _REASON.search(line)
        reason = f"[{match[1]}]" if match else ""
        formula = line[: match.start()] if match else line
        lines += broken(formula, columns)
        if reason and len(lines[-1]) + 3 + len(reason) <= columns:
            lines[-1] += f"   {painted(reason, dim=True)}"
        elif reason:
            folded = textwrap.wrap(reason, columns, initial_indent=" " * 6, subsequent_indent=" " * 7)
            lines += [painted(part, dim=True) for part in folded]
    return "\n".join(lines)


def remarks(lines: Iterable[str], err: bool = False) -> str:
    """What goes with an answer: folded at words, labels dimmed, outcomes in color."""
    columns = room(err)
    if columns is None:
        return "\n".join(lines)
    return "\n".join(_remark(line, columns, err) for remark in lines for line in remark.splitlines())


def _remark(line: str, columns: int, err: bool) -> str:
    front = len(line) - len(line.lstrip())
    folded = textwrap.wrap(line, columns, subsequent_indent=" " * (front + 4), break_long_words=False)
    shown = "\n".join([line[:front] + folded[0].lstrip(), *folded[1:]]) if folded else line
    for words, color in _OUTCOMES.items():
        if line.startswith(words):
            return painted(shown, err, color=color)
    if line.startswith("right form: "):
        return f"right form: {painted(shown.removeprefix('right form: '), err, bold=True)}"
    match = _LABEL.match(shown)
    return shown if match is None else painted(match[0], err, dim=True) + shown[match.end() :]


def message(text: str) -> str:
    """What is wrong, in red; the lines under it, with the place and a hint, as they are."""
    columns = room(err=True)
    if columns is None:
        return text
    first, *rest = text.splitlines()
    return "\n".join([painted("\n".join(textwrap.wrap(first, columns)), err=True, color="red"), *rest])


def broken(line: str, columns: int) -> list[str]:
    """A formula in lines that fit: it breaks at the outermost operators, and goes on under its right side.

    After a long left side it breaks first.
    """
    left = line.find(" = ")
    indent = left + 3 if 0 <= left <= columns // 3 else 4
    lines: list[str] = []
    rest, front = line, ""
    while len(front) + len(rest) > columns:
        long = not lines and left > columns // 3
        place = left + 1 if long and left <= columns else _place(rest, columns - len(front))
        if place is None:
            break
        lines.append(front + rest[:place].rstrip())
        rest, front = rest[place:].lstrip(), " " * indent
    return [*lines, front + rest]


def _place(line: str, columns: int) -> int | None:
    """Where a line may end: the last place that fits of those that are the least deep inside of brackets."""
    equals = line.find(" = ")
    front = equals + 3 if 0 <= equals <= columns // 3 else 2
    depths: list[int] = []
    depth = 0
    for char in line:
        depth -= char in ")]"
        depths.append(depth)
        depth += char in "(["
    places: list[tuple[float, int]] = []  # (how deep; products are deeper than sums), where
    for match in _OPERATORS.finditer(line, front):
        at = match.end() if match[0] in _TRAILING else match.start() + 1
        if at > columns // 6:
            places.append((depths[match.start()] + (0.0 if match[0] in _SUMS else 0.5), at))
    fitting = [place for place in places if place[1] <= columns] or places[:1]
    if not fitting:
        return None
    least = min(depth for depth, _ in fitting)
    return max(at for depth, at in fitting if depth == least)
