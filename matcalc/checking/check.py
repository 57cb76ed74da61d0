"""Is this hand-derived derivative right? ``check(function, wrt, equals)``; without ``wrt``: are the two equal?

Numbers always decide (``claims.py``, independent of the engine); where the normal form shows that the claim
equals what the engine derives, the answer says so. A claim that does not hold comes with the right form, a point
where the two differ, and what went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcalc.answers.derive import derive
from matcalc.answers.presentation import arranged
from matcalc.checking.claims import Question, other_layout
from matcalc.checking.diagnosis import explain, shapes_text
from matcalc.checking.mending import mended
from matcalc.checking.setting import Setting, setting_of
from matcalc.errors import BudgetError, InputError, MatcalcError, ShapeError, UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.numeric.verify import Counterexample, Verdict
from matcalc.printing.latex import latex
from matcalc.printing.mathml import mathml
from matcalc.printing.text import text
from matcalc.shapes import shape_text
from matcalc.simplifier.normal import equal, normal_form
from matcalc.simplifier.tidy import tidy

BOTH = "symbolically and numerically"
NUMBERS = "numerically only"
_HOW = {
    BOTH: "decided symbolically and confirmed numerically",
    NUMBERS: "confirmed numerically only",
}
LAYOUTS = {
    "gradient": "gradient (the shape of the variable)",
    "numerator": "numerator (rows follow the function)",
}


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a claim holds; true when it does.

    ``how`` it was decided; ``right`` the right form, as text, if one was derived (``latex()`` and ``mathml()`` print
    it; ``expression`` is it as an expression); ``counterexample`` a point with
    both values; ``residual`` the largest relative difference over ``draws`` points; ``diagnosis`` what went wrong;
    ``shapes`` why the claim cannot hold whatever the values; ``laid_out`` how a Jacobian or Hessian is.
    """

    holds: bool
    kinds: Mapping[str, str]
    layout: str | None
    how: str = NUMBERS
    right: str | None = None
    counterexample: Counterexample | None = None
    residual: float = float("inf")
    draws: int = 0
    diagnosis: tuple[str, ...] = ()
    shapes: str | None = None
    notes: tuple[str, ...] = ()
    expression: Expr | None = None
    laid_out: str = ""

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return self.report()

    def latex(self) -> str:
        """The right form in LaTeX; empty if none was derived."""
        return "" if self.expression is None else latex(self.expression)

    def mathml(self) -> str:
        """The right form as MathML; empty if none was derived."""
        return "" if self.expression is None else mathml(self.expression)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython: what the command line prints."""
        printer.text(self.report())

    def _repr_markdown_(self) -> str:
        """In notebooks: the outcome in words, the right form as a formula, the rest as the command line has it."""
        first, *rest = self.report().splitlines()
        formula = f"\n\nright form: $\\displaystyle {self.latex()}$" if self.expression and not self.holds else ""
        plain = "\n".join(line for line in rest if not line.startswith("right form: "))
        return f"**{first}**{formula}\n\n```\n{plain}\n```"

    def report(self) -> str:
        """What the command line prints."""
        lines = ["does not hold"]
        if self.holds:
            numbers = f"largest relative difference {self.residual:.1e} over {self.draws} random draws"
            lines = [f"holds: {_HOW[self.how]} ({numbers})"]
        if self.shapes is not None:
            lines.append(f"wrong shape: {self.shapes}")
        if self.right is not None and not self.holds:
            lines.append(f"right form: {self.right}")
        lines += [f"what went wrong: {found}" for found in self.diagnosis]
        if self.counterexample is not None:
            words = ("first", "second") if self.layout is None else ("right", "claim")
            lines += ["they differ, for example, where", *_point(self.counterexample, words)]
        lines.append("with " + "\n     ".join(f"{name}: {kind}" for name, kind in self.kinds.items()))
        if self.layout is not None:
            lines.append(f"layout: {self.laid_out or LAYOUTS[self.layout]}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def check(
    function: str,
    wrt: str | None = None,
    equals: str = "",
    declare: Mapping[str, str | Kind] | str | None = None,
    *,
    layout: str = "gradient",
    of: str | None = None,
    structure: str = "auto",
    order: int = 1,
) -> Check:
    """Is ``equals`` the derivative of ``function`` by ``wrt``? Without ``wrt``: is it equal to the function?

    ``function`` is an expression or a program (``of``: the name of a line); the claim may use the names of the
    program and its adjoints (``dZ``: the derivative of the function by Z), and index form (``2*x[i]``, where
    ``wrt`` may be ``x[i]``). ``layout`` is the layout of the claim. With ``order=2`` the claim is the
    Hessian of a scalar function, by a matrix in vec form (columns stacked).
    """
    if not isinstance(equals, str):
        raise InputError(f"the claim is text, not {type(equals).__name__}")
    if not equals.strip():
        raise InputError("there is no claim to check", hint="give it as equals=..., on the command line as --equals")
    if layout not in LAYOUTS:
        raise InputError(f"there is no layout '{layout}'", hint=f"one of {', '.join(LAYOUTS)}")
    setting = setting_of(function, wrt, equals, declare, of, layout, structure)
    question = setting.question if order == 1 else _second(setting, order)
    start = Check(
        holds=False,
        kinds={name: kind.text() for name, kind in setting.problem.kinds.items()},
        layout=None if wrt is None else layout,
        notes=setting.problem.notes,
        laid_out=_laid_out(question),
    )
    try:
        claim = setting.claim(equals)
    except ShapeError as error:
        shapes = f"the claim does not fit together: {_indented(error)}\n  {_wanted(question)}"
        other = mended(setting, question, equals, error)
        return replace(start, shapes=shapes, **_right(setting, question), diagnosis=(other,) if other else ())
    except UnsupportedError as error:
        if not _is_array(error, equals):
            raise
        shapes = f"{error.message}: it is an array of more than two indices, and {_wanted(question)}"
        said = _differential(question, None)
        return replace(start, shapes=shapes, **_right(setting, question), diagnosis=said)
    if claim.shape != question.shape:
        right = _right(setting, question)
        diagnosis = (*explain(question, claim, None, text, _forms(right)), *_differential(question, claim))
        return replace(start, shapes=shapes_text(question, claim), **right, diagnosis=diagnosis)
    verdict = question.answer(claim)
    start = replace(start, residual=verdict.residual, draws=verdict.draws)
    if not verdict and verdict.counterexample is None:
        raise UnsupportedError(f"the claim can be neither confirmed nor refuted: {verdict.reason}")
    right = _right(setting, question)
    if not verdict:
        diagnosis = tuple(explain(question, claim, verdict.counterexample, text, _forms(right)))
        return replace(start, **right, counterexample=verdict.counterexample, diagnosis=diagnosis)
    known = setting.problem.function if wrt is None else right.get("expression")
    how = BOTH if known is not None and _equal(claim, known) else NUMBERS
    return replace(start, holds=True, how=how, **right, notes=(*start.notes, *_undefined(verdict)))


def _laid_out(question: Question) -> str:
    """Of a derivative that is no gradient: how it is laid out, in a sentence; layouts do not change it."""
    f, x = question.f, question.x
    if x is None or (f.is_scalar and not question.second):
        return ""
    stacked = question.array_shape is not None
    return arranged("hessian" if question.second else "jacobian", x.is_scalar, not (x.is_scalar or stacked), stacked)


def _equal(claim: Expr, right: Expr) -> bool:
    """Whether the normal form shows that they are equal."""
    try:
        return equal(claim, right) is True
    except BudgetError:
        return False


def _second(setting: Setting, order: int) -> Question:
    """The question about the Hessian: the Jacobian of the gradient, once numbers confirm the gradient."""
    if order != 2 or setting.name is None:
        hint = "order 1 or 2, and wrt"
        raise UnsupportedError("a claim is about the first or the second derivative by a variable", hint=hint)
    problem, question = setting.problem, setting.question
    assert question.x is not None
    if not question.f.is_scalar:
        raise UnsupportedError(f"the function is {shape_text(question.f.shape)}; a Hessian needs a scalar function")
    if setting.letters:
        raise UnsupportedError("a claim about a Hessian is a matrix", hint="leave the indices of the variable out")
    options: dict[str, Any] = {"structure": setting.structure}
    gradient = derive(problem.text, setting.name, problem.kinds, of=setting.of, **options).answers[setting.name].expr
    verdict = question.answer(gradient if question.layout == "gradient" else other_layout(gradient, question.x))
    if not verdict:
        raise UnsupportedError(f"the gradient could not be confirmed: {verdict.reason}")
    return replace(question, f=gradient, layout="gradient", second=True)


def _right(setting: Setting, question: Question) -> dict[str, Any]:
    """The right form in the layout of the claim, if the engine has one and numbers confirm it: two fields."""
    if setting.name is None:
        return {}
    problem = setting.problem
    options: dict[str, Any] = {"layout": setting.layout, "structure": setting.structure}
    options["order"] = 2 if question.second else 1
    try:
        answer = derive(problem.text, setting.name, problem.kinds, of=setting.of, **options).answer
    except (UnsupportedError, BudgetError):
        return {}
    if answer.shape != question.shape or not question.answer(answer):
        return {}
    return {"expression": answer, "right": text(answer)}


def _forms(right: Mapping[str, Any]) -> list[Expr]:
    """The right form, if there is one, also multiplied out."""
    form = right.get("expression")
    if form is None:
        return []
    with suppress(BudgetError):
        return [form, tidy(normal_form(form))]
    return [form]


# --- what is said ---------------------------------------------------------------------------------


def _wanted(question: Question) -> str:
    array = question.array_shape
    return f"{question.what} is {shape_text(question.shape) if array is None else 'an array ' + array}"


def _indented(error: MatcalcError) -> str:
    return str(error).replace("\n", "\n  ")


def _is_array(error: MatcalcError, claim: str) -> bool:
    """Whether the error is about D(f)(X) with more than two indices."""
    return error.position is not None and claim[error.position :].lstrip().startswith(("D(", "D["))


def _differential(question: Question, claim: Expr | None) -> tuple[str, ...]:
    """tr(df/dX) for d tr(f(X))/dX: true of differentials, taken for a derivative."""
    if question.f.op != "tr" or (claim is not None and not claim.is_scalar):
        return ()
    return ("d tr(F) = tr(dF) holds for the differential; the gradient is the matrix G with d tr(F) = tr(G'*dX)",)


def _undefined(verdict: Verdict) -> tuple[str, ...]:
    if not verdict.undefined:
        return ()
    return (f"at {verdict.undefined} of the points tried the function is defined, and the claim is not",)


def _point(example: Counterexample, words: tuple[str, str]) -> list[str]:
    """The values at a point, and the two values that should agree."""
    lines = [f"  {name} = {_value(value)}" for name, value in example.values.items() if not hasattr(value, "at")]
    lines.append(f"  {words[0]}: {_value(example.expected)}")
    lines.append(f"  {words[1]}: {_value(example.found)}")
    return lines


def _value(value: Any) -> str:
    """A number, or nested lists as NumPy takes them, to five digits."""
    array = np.real(np.asarray(value))
    if array.size == 1:
        return f"{array.item():.5g}"
    array = array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim == 1:
        return f"[{', '.join(f'{entry:.5g}' for entry in array)}]"
    return f"[{', '.join(_value(row[:, None]) if row.size > 1 else f'[{row[0]:.5g}]' for row in array)}]"
