"""One step of a derivation: an equality, the identity by which it holds, its source; and many of them in print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from matcalc.expr import Expr
from matcalc.printing.formulas import DEFAULT, Typesetter
from matcalc.printing.latex import LATEX, latex
from matcalc.printing.latex_names import latex_name
from matcalc.printing.markup import Markup, Row
from matcalc.printing.mathml import MATHML, table, whole
from matcalc.printing.notation import Notation
from matcalc.printing.pretty import pretty
from matcalc.printing.text import text
from matcalc.printing.typeset import WIDTH, broken, width

_OURS = ("", "algebra", "definition", "the steps above")  # sources that there is nothing to look up in
_SPECIAL = re.compile(r"[\\*_\[\]<>|#~$]")  # signs that Markdown would read as its own
_ALGEBRA = frozenset({"substitution", "simplification", "collecting"})


@dataclass(frozen=True, slots=True)
class Step:
    """``before`` = ``after`` by an identity (its id, or a short name), in words what that ``says``, and its source.

    ``plain``: the words say more than the name, so that they are always shown. Formulas in the words stand between
    backquotes. ``uses``: identities that are shown as equalities.
    """

    before: Expr
    after: Expr
    by: str
    source: str
    says: str = ""
    plain: bool = False
    uses: tuple[tuple[Expr, Expr], ...] = ()

    def text(self) -> str:
        return f"{text(self.before)} = {text(self.after)}"

    def pretty(self) -> str:
        return f"{pretty(self.before)} = {pretty(self.after)}"

    def latex(self, notation: Notation = DEFAULT) -> str:
        setter = Typesetter(LATEX, [self.before, self.after], notation)
        return f"{setter(self.before)} &= {setter(self.after)}"

    def mathml(self, notation: Notation = DEFAULT, goes_on: bool = False) -> str:
        """The equality; of a step that goes on with the right side of the one before, what is new."""
        setter = Typesetter(MATHML, [self.before, self.after], notation)
        left = "" if goes_on else setter(self.before)
        return whole(f"{left}{MATHML.equals}{setter(self.after)}", self.text())

    def reason(self, full: bool = False) -> str:
        """The identity, or what is done in words; in full with both and the source."""
        shown = [f"{text(a)} = {text(b)}" for a, b in self.uses]
        return self._reason(full, shown).replace("`", "")

    def reason_latex(self, full: bool = False) -> str:
        """The same as text of LaTeX, formulas as formulas."""
        shown = [f"`{i}`" for i in range(len(self.uses))]
        return _words(self._reason(full, shown), [f"{latex(a)} = {latex(b)}" for a, b in self.uses])

    def _reason(self, full: bool, uses: Sequence[str]) -> str:
        plain = bool(self.plain and self.says)
        words = self.says if plain else self.by
        words = f"{words}: {', '.join(uses)}" if uses else words
        if not full:
            return words
        says = f": {self.says}" if self.says and not plain else ""
        return f"{words}{says}; {self.source}" if self.source not in _OURS else f"{words}{says}"

    def reason_markdown(self, full: bool = False) -> str:
        """The same as Markdown, formulas as code."""
        pieces = self._reason(full, [f"`{text(a)} = {text(b)}`" for a, b in self.uses]).split("`")
        pieces[::2] = [_SPECIAL.sub(r"\\\g<0>", piece) for piece in pieces[::2]]
        return "`".join(piece if i % 2 == 0 else piece.replace("|", r"\|") for i, piece in enumerate(pieces))

    def json(self) -> dict[str, str]:
        return {"before": text(self.before), "after": text(self.after), "by": self.by, "source": self.source}


class Question(NamedTuple):
    """What is asked: the derivative of which function, in numerator layout or not; by which variable, if that is one
    scalar."""

    function: str = "f"
    numerator: bool = False
    scalar: str = ""


ANY = Question()


class Steps(tuple[Step, ...]):
    """The steps of a derivation; in notebooks they are shown as a table of formulas."""

    question = ANY

    def _repr_markdown_(self) -> str:
        return steps_markdown(self, question=self.question)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(steps_text(self, show=pretty))


def brief(steps: Iterable[Step]) -> list[Step]:
    """The steps without what comes between where one simplification follows another."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if last is not None and step.before is last.after and {step.by, last.by} <= _ALGEBRA:
            both = dict.fromkeys((last.says or last.by, step.says or step.by))
            says = ("; " if "since" in last.says else " and ").join(both)
            by = "collecting" if step.by == last.by == "collecting" else "substitution"
            source = "; ".join(dict.fromkeys(s for s in (last.source, step.source) if s not in _OURS)) or "algebra"
            found[-1] = Step(last.before, step.after, by, source, says, True, last.uses + step.uses)
        else:
            found.append(step)
    return found


def _new(steps: Iterable[Step], full: bool) -> list[bool]:
    """For each step whether its identity is given in full: where it is used first."""
    seen: set[tuple[str, str]] = set()
    found = []
    for step in steps:
        found.append(full and (step.by, step.source) not in seen)
        seen.add((step.by, step.source))
    return found


def steps_text(steps: Iterable[Step], full: bool = False, show: Callable[[Expr], str] = text) -> str:
    """A line for each step; where it goes on with the right side of the one before, that is not repeated."""
    lines: list[str] = []
    previous: Expr | None = None
    steps = list(steps) if full else brief(steps)
    for step, new in zip(steps, _new(steps, full), strict=True):
        left = "   " if step.before is previous else show(step.before)
        lines.append(f"{left} = {show(step.after)}   [{step.reason(new)}]")
        previous = step.after
    return "\n".join(lines)


def steps_latex(steps: Iterable[Step], full: bool = False, question: Question = ANY) -> str:
    """The steps as ``align*``: with the reasons at the right, or under the lines where the page is too narrow."""
    steps = list(steps) if full else brief(steps)
    sides = [(row.left, row.right) for row in _rows(steps, LATEX, question)]
    reasons = [step.reason_latex(new) for step, new in zip(steps, _new(steps, full), strict=True)]
    rows = [(*pair, why) for pair, why in zip(sides, reasons, strict=True)]
    wide = [max((width(row[i]) for row in rows), default=0.0) for i in (0, 1)]
    if sum(wide) + max((_letters(row[2]) for row in rows), default=0.0) <= WIDTH + 4:
        lines = [rf"{left} &= {right} && \text{{{why}}}".strip() for left, right, why in rows]
    else:
        lines = [line for row in rows for line in _narrow(*row)]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def steps_mathml(steps: Iterable[Step], full: bool = False, question: Question = ANY) -> str:
    """The steps one below the other, with the reasons at the right; ``alttext`` is the same as text."""
    steps = list(steps) if full else brief(steps)
    rows = _rows(steps, MATHML, question)
    reasons = [step.reason(new) for step, new in zip(steps, _new(steps, full), strict=True)]
    return whole(table(rows, reasons), steps_text(steps, full))


def steps_markdown(steps: Iterable[Step], full: bool = False, question: Question = ANY) -> str:
    """The steps as a table of formulas, with the reasons at the right."""
    steps = list(steps) if full else brief(steps)
    lines = ["| | | |", "|---:|:---|:---|"]
    for row, step, new in zip(_rows(steps, LATEX, question), steps, _new(steps, full), strict=True):
        left = rf"$\displaystyle {row.left}$" if row.left else ""
        lines.append(rf"| {left} | $\displaystyle = {row.right}$ | {step.reason_markdown(new)} |")
    return "\n".join(lines)


def _rows(steps: Sequence[Step], markup: Markup, question: Question) -> list[Row]:
    """The equalities; where one goes on with the right side of the one before, that is not repeated."""
    shown = [e for step in steps for e in (step.before, step.after)]
    setter = Typesetter(markup, shown, special=_results(steps, markup, question))
    rows: list[Row] = []
    previous: Expr | None = None
    for step in steps:
        left = "" if step.before is previous else setter(step.before)
        rows.append(Row(left, markup.equals, setter(step.after)))
        previous = step.after
    return rows


def _results(steps: Sequence[Step], markup: Markup, question: Question) -> dict[str, str]:
    """What is found, as it is written on paper: the gradient of f, partial derivatives where the answer has them."""
    shown = [e for step in steps for e in (step.before, step.after)]
    names = [step.before.name for step in steps if step.before.op == "sym" and step.by != "definition"]
    parts = [part for name in names for part in name.split("_")[1:] if part]
    plain = Typesetter(markup, shown, names=[question.function, question.scalar, *parts])
    f = plain.names[question.function]
    found: dict[str, str] = {}
    for name in names:
        what, _, of = name.rstrip("_").partition("_")
        if what not in ("gradient", "derivative", "jacobian", "hessian"):
            continue
        of = of or question.scalar
        below = [plain.names[part] for part in ([of] if of in plain.names else of.split("_")) if part]
        if what == "hessian" and question.scalar:
            found[name] = markup.second(f, below[0])
        elif of and what != "hessian" and (what == "derivative" or not question.numerator):
            found[name] = str(markup.fraction(f"{markup.partial}{f}", f"{markup.partial}{below[0]}"))
        else:
            found[name] = markup.nabla(f, *below, gradient=what in ("gradient", "hessian"), twice=what == "hessian")
    return found


def _narrow(left: str, right: str, why: str) -> list[str]:
    """One step from the left margin, on several lines where it is long, the reason at its end or under it."""
    lines: list[str] = []
    if width(left) + width(right) > WIDTH and left:
        lines += [("" if i == 0 else r"\qquad ") + part for i, part in enumerate(broken(left))]
        left = ""
    parts = broken(right, first=width(left) + 4.0)
    lines.append(rf"{left} = {parts[0]}" if left else rf"\quad = {parts[0]}")
    lines += [rf"\qquad {part}" for part in parts[1:]]
    reasons = _wrapped(why, WIDTH)
    if len(reasons) == 1 and width(lines[-1]) + _letters(why) + 4.0 <= WIDTH:
        lines[-1] += rf" \qquad \text{{\footnotesize {why}}}"
    else:
        lines += [rf"\qquad\qquad \text{{\footnotesize {part}}}" for part in reasons]
    return [f"& {line}" for line in lines]


def _letters(words: str) -> float:
    """The width of small words, in letters of a formula."""
    return 0.75 * len(re.sub(r"\\[A-Za-z]+|[{}$\\]", "", words)) + 2.0


def _wrapped(words: str, room: float) -> Sequence[str]:
    """The words in lines; formulas stay whole."""
    lines: list[str] = []
    for word in re.findall(r"(?:\$[^$]*\$|\S)+", words):
        if lines and _letters(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _words(words: str, formulas: Sequence[str]) -> str:
    """Words as text of LaTeX; what stands between backquotes as a formula, a number as one of the ``formulas``."""
    pieces = words.split("`")
    return "".join(f"${_formula(piece, formulas)}$" if i % 2 else _escaped(piece) for i, piece in enumerate(pieces))


def _escaped(words: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in words)


_TOKENS = re.compile(r"[A-Za-z][A-Za-z0-9]*|\s*\.[*/^]\s*|<=|>=|\d+|\s+|.", re.DOTALL)
_SIGNS = {"*": " ", "⊗": r" \otimes ", "./": r" \oslash ", "<=": r" \le ", ">=": r" \ge ", "inv": r"\operatorname{inv}"}
_COMMANDS = frozenset("exp log sin cos tan det max min".split())


def _formula(plain: str, formulas: Sequence[str]) -> str:
    """The formula of an identity, a few symbols of the input language, in LaTeX."""
    if plain.isdigit():
        return formulas[int(plain)]
    notation = Notation().filled()
    sign = notation.transpose or ""
    shown = {"'": "'" if sign == "'" else f"^{{{sign}}}", ".*": f" {notation.hadamard} "} | _SIGNS
    out = ""
    plain = re.sub(r"kron\((\S+), (\S+)\)", r"(\1 ⊗ \2)", plain)
    for token in _TOKENS.findall(plain):
        if token.strip() in shown:
            out += shown[token.strip()]
        elif token == "tr":
            out += str(notation.trace)
        elif token in _COMMANDS:
            out += "\\" + token
        elif re.fullmatch("d[A-Za-z][0-9]*", token):  # dX
            out += (r"\, " if out.endswith((" ", "}", "'")) else "") + rf"\mathrm{{d}}{latex_name(token[1:])}"
        elif len(token) > 1 and token.isalpha():
            out += rf"\operatorname{{{token}}}"
        else:
            out += token
    return out


_ESCAPES = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "'": r"$'$", "*": r"$\ast$",
}  # fmt: skip
