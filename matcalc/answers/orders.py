"""Derivatives of order three and four of scalars by a scalar, a vector or a row: T[i, j, k] = d3f/dx_i dx_j dx_k.

The Hessian is a matrix in closed form; its differentials along dx, and along dx1 and dx2, are maps whose index form is
the array. (Magnus & Neudecker 2019, ch. 6: higher-order differentials.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.answers.derivation import Answer, Derivation, array_shape
from matcalc.answers.derive import derive as derive_whole
from matcalc.answers.presentation import index_data
from matcalc.answers.steps import along
from matcalc.calculus.differential import differential
from matcalc.calculus.higher import stacked
from matcalc.calculus.index_form import IndexForm, index_form
from matcalc.calculus.index_text import index_pretty, index_set
from matcalc.calculus.structure import ambient
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import kind_of_shape
from matcalc.printing.formulas import Typesetter
from matcalc.printing.markup import Markup, Row
from matcalc.printing.pretty import pretty
from matcalc.printing.step import Step
from matcalc.rules.rewrite import rewriter
from matcalc.shapes import ONE
from matcalc.simplifier.simplify import Simplifier

if TYPE_CHECKING:
    from matcalc.numeric.verify import Verdict

HIGHEST = 4


@dataclass(frozen=True, slots=True)
class Level:
    """One order: the derivative along the ``steps``, linear in each, of what is an n x n matrix or a scalar."""

    expr: Expr
    steps: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class TensorDerivation(Derivation):
    """The third or fourth derivative; the answer is the map along ``steps``, ``array`` its index form."""

    order: int = 3
    levels: tuple[Level, ...] = ()
    array: IndexForm | None = None
    hessian: Derivation | None = None

    @property
    def variable(self) -> Expr:
        """What is differentiated by."""
        return next(iter(self.answers.values())).variable

    def shape_of(self, name: str) -> tuple[str, ...]:
        """n x n x n for order 3."""
        return array_shape(self.variable) * self.order

    @property
    def laid_out(self) -> str:
        return f"one index for each of the {self.order} derivatives; the array is symmetric in all of them"

    def screen(self, columns: int = 80) -> str | None:
        return None if self.levels[-1].steps else super().screen(columns)

    def pretty(self) -> str:
        """The array with deltas; of a scalar the derivative."""
        last = self.levels[-1]
        if self.array is None:
            return pretty(last.expr)
        arguments = ", ".join(pretty(s) for s in last.steps)
        return f"T[{arguments}] = {pretty(last.expr)}\n{index_pretty(self.array, 'T')}"

    def _set(self, markup: Markup) -> str:
        """The same in a markup."""
        m, last = markup, self.levels[-1]
        setter = Typesetter(m, [last.expr, *last.steps])
        if self.array is None:
            return setter(last.expr)
        left = f"{m.index('T')}{m.fenced('[', m.comma.join(setter(s) for s in last.steps))}"
        rows = [(left, setter(last.expr)), index_set(self.array, m, "T")]
        return m.aligned(Row(left, m.equals, right) for left, right in rows)

    def _steps(self) -> tuple[Step, ...]:
        """Those of the Hessian, then those of each order."""
        assert self.hessian is not None
        found = list(self.hessian.steps)
        for before, after in zip(self.levels, self.levels[1:], strict=False):
            dx = ops.formal_differential(self.variable)
            change = ops.substitute(after.expr, {after.steps[-1]: dx}) if after.steps else ops.mul(after.expr, dx)
            found.extend(along(self.hessian, before.expr, [self.variable], change))
        return tuple(found)

    def source(self, target: str = "numpy", sizes: Mapping[str, int] | str | None = None) -> str:
        """A module with ``value`` and ``derivative``, the array of all derivatives of that order."""
        from matcalc.generator.code import module_source

        result = self.levels[-1].expr if self.array is None else self.array.node()
        return module_source(
            self.loss, [(self.variable.name, result)], self.declared, target=target, what="derivative", sizes=sizes
        )

    def verify(self, **options: Any) -> Verdict:
        """Each order against differences of the one before, the array against the map."""
        from matcalc.numeric.verify import verify_differential, verify_equal

        assert self.hessian is not None
        verdicts = [self.hessian.verify(**options)]
        x = self.variable
        for before, after in zip(self.levels, self.levels[1:], strict=False):
            step = after.steps[-1] if after.steps else ops.sym(f"d{x.name}_", kind_of_shape(x.shape))
            change = after.expr if after.steps else ops.mul(after.expr, step)
            verdicts.append(verify_differential(before.expr, change, {x: step}, kinds=self.declared, **options))
        if self.array is not None:
            last = self.levels[-1]
            columns = [stacked(s) for s in reversed(last.steps)]
            column = columns[0] if len(columns) == 1 else ops.kron(columns[0], columns[1])
            product = ops.mul(self.array.node(), column)
            verdicts.append(verify_equal(ops.vec(last.expr), product, kinds=self.declared, **options))
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def json(self) -> dict[str, Any]:
        """As of every derivation; the array in index form besides."""
        found = super().json()
        if self.array is not None:
            found["answers"][self.variable.name] |= index_data(self.array, "T")
        return found


def derive_order(
    function: Any, names: tuple[str, ...], declare: Any, order: int, options: Mapping[str, Any]
) -> TensorDerivation:
    """The derivative of order 3 or 4."""
    if order > HIGHEST:
        hint = f"the order is at most {HIGHEST}"
        raise UnsupportedError(f"derivatives of order {order} are not supported", hint=hint)
    if len(names) != 1:
        raise UnsupportedError("derivatives of order 3 and 4 are taken by one variable", hint="name one in wrt")
    d = derive_whole(function, names, declare, **{**options, "order": 2})
    x = d.forms[names[0]].variable
    if ambient(x) is not x:  # what holds on a thin set is not differentiated with
        kinds = {**d.declared, x.name: ambient(x).data[1]}  # type: ignore[index]
        d = replace(derive_whole(function, names, kinds, **{**options, "order": 2}), declared=d.declared)
    form = d.forms[names[0]]
    x = form.variable
    if ONE not in x.shape:
        raise UnsupportedError(
            f"derivatives of order {order} are taken by scalars, vectors and rows; {x.name} is a matrix",
            hint="by a matrix the order is 1 or 2",
        )
    short = Simplifier(rewriter(d.table))
    levels = [Level(form.matrix, ())]
    kind = kind_of_shape(x.shape)
    for number in range(1, order - 1):
        step = ops.sym(_fresh(f"d{x.name}{number if order > 3 else ''}", d), kind)
        along = ops.num(1) if x.is_scalar else step
        change = short.settled(differential(levels[-1].expr, {x: along}, d.table))
        levels.append(Level(change, () if x.is_scalar else (*levels[-1].steps, step)))
    array = None if x.is_scalar else index_form(levels[-1].expr, levels[-1].steps, short.settled)
    answers = {names[0]: Answer(names[0], x, levels[-1].expr)}
    fields = {f: getattr(d, f) for f in d.__dataclass_fields__ if f not in ("answers", "forms", "what")}
    return TensorDerivation(
        **fields, answers=answers, what="derivative", order=order, levels=tuple(levels), array=array, hessian=d
    )


def _fresh(name: str, d: Derivation) -> str:
    while name in d.declared:
        name += "_"
    return name

