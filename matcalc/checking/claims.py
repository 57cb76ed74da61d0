"""A claim about a derivative, as a question that numbers answer: which shape it must have, and whether it holds.

A question knows the function, the variable and the layout, and nothing of the engine: it decides claims that the
engine cannot derive, and cannot be wrong together with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from matcalc.expr import Expr, symbols
from matcalc.kinds import Kind
from matcalc.numeric.verify import Verdict, verify_differential, verify_equal, verify_gradient
from matcalc.ops import mul, substitute, sym, transpose, unvec, vec
from matcalc.shapes import ONE, Shape


def other_layout(form: Expr, x: Expr) -> Expr:
    """A gradient by x in numerator layout, or back: transposed, but a row stays a row."""
    return form if x.rows is ONE else transpose(form)


@dataclass(frozen=True)
class Question:
    """Is this the derivative of ``f`` by ``x``? Without x: is this equal to f?"""

    f: Expr
    x: Expr | None = None
    layout: str = "gradient"
    structure: str = "auto"
    second: bool = False  # f is the gradient of what was typed

    @property
    def what(self) -> str:
        """What is asked for."""
        if self.x is None:
            return "the other expression"
        if self.second:
            return "the Hessian"
        return "the gradient" if self.f.is_scalar else "the Jacobian" if self._of_lines else "the derivative"

    @property
    def _of_lines(self) -> bool:
        """Function and variable are vectors or rows."""
        return self.x is not None and ONE in self.f.shape and ONE in self.x.shape

    @property
    def shape(self) -> Shape:
        """The shape that the claim must have; for matrix by matrix that of the vec form."""
        f, x = self.f, self.x
        if x is None or x.is_scalar:
            return f.shape
        if not f.is_scalar:
            return (f.rows * f.cols, x.rows * x.cols)
        return x.shape if self.layout == "gradient" or x.rows is ONE else (x.cols, x.rows)

    @property
    def array_shape(self) -> str | None:
        """The shape of a derivative that is no matrix: ``m x n x p x q``."""
        f, x = self.f, self.x
        if x is None or self._of_lines or f.is_scalar or x.is_scalar:
            return None
        sizes = [d for shape in (f.shape, x.shape) for d in shape if ONE not in shape or d is not ONE]
        return " x ".join(map(str, sizes))

    def answer(self, claim: Expr) -> Verdict:
        """Whether a claim of the right shape holds, by numbers."""
        f, x = self.f, self.x
        assert claim.shape == self.shape, "the shape is to be looked at first"
        if x is None:
            return verify_equal(f, claim)
        if f.is_scalar:
            gradient = claim if self.layout == "gradient" else other_layout(claim, x)
            return verify_gradient(f, x, gradient, structure=self.structure)
        step = self._step(claim)
        if x.is_scalar:
            return verify_differential(f, mul(step, claim), {x: step})
        along = mul(claim, vec(transpose(step)) if step.rows is ONE else vec(step))
        change = transpose(along) if f.rows is ONE else unvec(along, f.rows, f.cols)
        return verify_differential(f, change, {x: step})

    def _step(self, claim: Expr) -> Expr:
        """A symbol for the change of x that occurs nowhere."""
        assert self.x is not None
        kind: Kind = self.x.data[1]  # type: ignore[index]
        taken = {s.name for s in symbols(self.f, claim)}
        name = "d" + self.x.name
        while name in taken:
            name += "_"
        facts = kind.facts & {"symmetric", "diagonal", "lower", "upper", "toeplitz"}
        if "spd" in kind.facts:
            facts |= {"symmetric"}
        return sym(name, Kind(kind.form, kind.rows, kind.cols, facts))

    def where(self, mapping: Mapping[Expr, Expr]) -> Question:
        """The same question with symbols of the function replaced."""
        return replace(self, f=substitute(self.f, dict(mapping)))


def scalar_neighbors(f: Expr, x: Expr) -> list[Expr]:
    """Scalar functions that somebody may have meant: f*x, x'*f and the like, where f alone is not scalar."""
    found: list[Expr] = []
    for left, right in ((f, x), (x, f), (transpose(x), f), (f, transpose(x)), (transpose(f), x)):
        if left.cols is right.rows and left.rows is ONE and right.cols is ONE:
            product = mul(left, right)
            if product not in found:
                found.append(product)
    return found


