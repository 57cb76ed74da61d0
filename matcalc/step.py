"""One step of a derivation: an equality, the identity by which it holds, its source; and many of them in print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matcalc.expr import Expr
from matcalc.latex import latex
from matcalc.pretty import pretty
from matcalc.text import text

_OURS = ("", "algebra", "definition", "the steps above")  # sources that there is nothing to look up in


@dataclass(frozen=True, slots=True)
class Step:
    """``before`` = ``after`` by an identity (its id, or a short name), in words what that ``says``, and its source.

    ``plain``: the words say more than the name, so that they are always shown.
    """

    before: Expr
    after: Expr
    by: str
    source: str
    says: str = ""
    plain: bool = False

    def text(self) -> str:
        return f"{text(self.before)} = {text(self.after)}"

    def pretty(self) -> str:
        return f"{pretty(self.before)} = {pretty(self.after)}"

    def latex(self) -> str:
        return f"{latex(self.before)} &= {latex(self.after)}"

    def reason(self, full: bool = False) -> str:
        """The identity, or what is done in words; in full with both and the source."""
        words = self.says if self.plain and self.says else self.by
        if not full:
            return words
        says = f": {self.says}" if self.says and words is not self.says else ""
        return f"{words}{says}; {self.source}" if self.source not in _OURS else f"{words}{says}"

    def json(self) -> dict[str, str]:
        return {"before": text(self.before), "after": text(self.after), "by": self.by, "source": self.source}


def steps_text(steps: Iterable[Step], full: bool = False, show: Callable[[Expr], str] = text) -> str:
    """A line for each step; where it goes on with the right side of the one before, that is not repeated."""
    lines: list[str] = []
    previous: Expr | None = None
    for step in steps:
        left = "   " if step.before is previous else show(step.before)
        lines.append(f"{left} = {show(step.after)}   [{step.reason(full)}]")
        previous = step.after
    return "\n".join(lines)


def steps_latex(steps: Iterable[Step], full: bool = False) -> str:
    """The steps as ``align*``, with the reasons at the right."""
    lines: list[str] = []
    previous: Expr | None = None
    for step in steps:
        left = "" if step.before is previous else latex(step.before)
        lines.append(rf"{left} &= {latex(step.after)} && \text{{{_words(step.reason(full))}}}".strip())
        previous = step.after
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _words(words: str) -> str:
    """Plain words inside of a formula."""
    return "".join(_ESCAPES.get(char, char) for char in words)


_ESCAPES = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "'": r"$'$", "*": r"$\ast$",
}  # fmt: skip
