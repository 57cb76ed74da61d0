"""Undefined functions of matrices: the differential in terms of a formal d(f(X)), which is all that can be said of f.

d f(X)' = (d(f(X)))', d tr(f(X)) = tr(d(f(X))), d det(f(X)) = det(f(X))*tr(inv(f(X))*d(f(X))): the calculus goes as
far as the undefined function. (Magnus & Neudecker 2019, ch. 8.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.answers.derivation import Answer, Derivation, value_shape
from matcalc.answers.steps import along
from matcalc.calculus.conditions import conditions
from matcalc.calculus.differential import differential
from matcalc.errors import InputError, UnknownName, UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.kinds import kind_of_shape
from matcalc.language.index_sums import raised
from matcalc.language.parse import Problem, read
from matcalc.printing.formulas import Typesetter
from matcalc.printing.latex import latex
from matcalc.printing.markup import Markup, Row
from matcalc.printing.mathml import mathml
from matcalc.printing.pretty import pretty
from matcalc.printing.step import Step
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.shapes import ONE
from matcalc.simplifier.simplify import Simplifier

if TYPE_CHECKING:
    from matcalc.numeric.verify import Verdict


def opaque(f: Expr, xs: Iterable[Expr]) -> list[Expr]:
    """The undefined functions in f that depend on xs and whose derivative is an array of more than two axes."""
    reached = depends(f, tuple(xs))
    found = []
    for n in topological(f):
        if n not in reached or n.op != "ufn" or n.data[1].args is None or n.is_scalar:  # type: ignore[index]
            continue
        if len(n.data[2]) == 2:  # type: ignore[index]
            continue  # third derivatives are refused wherever they would be needed
        if any(a in reached and (ONE not in a.shape or ONE not in n.shape) for a in n.args):
            found.append(n)
    return found


@dataclass(frozen=True, eq=False)
class FormalDerivation(Derivation):
    """The differential of the function when one variable changes, in terms of formal differentials d(f(X))."""

    undefined: tuple[Expr, ...] = ()

    def shape_of(self, name: str) -> tuple[str, ...]:
        """The differential has the shape of the function."""
        return value_shape(self.loss)

    @property
    def laid_out(self) -> str:
        return "a differential, which has the shape of the function"

    @property
    def head(self) -> str:
        """``dF``, or another letter where the user has that name."""
        free = (f"d{c}" for c in ("y", "Y", "F", "L", "Z", "y_") if c not in self.declared)
        return next(name for name in free if name not in self.declared)

    def screen(self, columns: int = 80) -> str | None:
        return None

    def pretty(self) -> str:
        """One line for each variable: the differential when it changes."""
        several = len(self.answers) > 1
        return "\n".join(
            f"{f'{name}: ' if several else ''}{self.head} = {pretty(a.expr)}" for name, a in self.answers.items()
        )

    def _set(self, markup: Markup) -> str:
        """The differential in a markup."""
        left = f"{markup.upright('d')}{markup.index(self.head[1:])}"
        setter = Typesetter(markup, [a.expr for a in self.answers.values()])
        return markup.aligned(Row(left, markup.equals, setter(a.expr)) for a in self.answers.values())

    def source(self, target: str = "numpy", sizes: object = None) -> str:
        """Refused: there are no numbers in a formal differential."""
        name = self.undefined[0].data[0]  # type: ignore[index]
        raise UnsupportedError(
            f"the derivative of the undefined {name} has more than two axes: there is no code for d({name}(...))",
            hint=f"say what {name} is, or use a vector-valued function of vectors",
        )

    def _steps(self) -> tuple[Step, ...]:
        """The differential in terms of those of the undefined functions, for each variable."""
        cut = {n: ops.sym(f"f·{i}", kind_of_shape(n.shape)) for i, n in enumerate(self.undefined)}
        back = {y: n for n, y in cut.items()}
        f = ops.substitute(raised(self.loss), dict(cut))
        found: list[Step] = []
        for a in self.answers.values():
            moving = [y for n, y in cut.items() if a.variable in topological(n)]
            moving += [a.variable] if a.variable in topological(f) else []
            change = ops.substitute(a.expr, dict(cut))
            for step in along(self, f, moving, change) if moving else ():
                before, after = (ops.substitute(e, dict(back)) for e in (step.before, step.after))
                found.append(replace(step, before=before, after=after))
        return tuple(found)

    def verify(self, **options: Any) -> Verdict:
        """With a matrix F in place of f(X) and dF in place of d(f(X)), against differences."""
        from matcalc.numeric.verify import verify_differential

        stem = "F"
        while any(name.startswith(stem) for name in self.declared):
            stem += "_"
        named = {n: ops.sym(f"{stem}{i}", kind_of_shape(n.shape)) for i, n in enumerate(self.undefined)}
        verdicts = []
        for a in self.answers.values():
            moving = {n: y for n, y in named.items() if a.variable in topological(n)}
            along = {**moving, a.variable: a.variable}
            steps = {x: ops.sym(f"d{y.name}_", kind_of_shape(y.shape)) for x, y in along.items()}
            change = ops.substitute(a.expr, {ops.formal_differential(x): dx for x, dx in steps.items()})
            change = ops.substitute(change, dict(named))
            loss = ops.substitute(self.loss, dict(named))
            pairs = {along[x]: dx for x, dx in steps.items()}
            verdicts.append(verify_differential(loss, change, pairs, kinds=self.declared, **options))
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def json(self) -> dict[str, Any]:
        """As of every derivation, without code."""
        return {
            "function": text(self.loss),
            "variables": self.kinds,
            "layout": self.laid_out,
            "conditions": list(self.conditions),
            "notes": list(self.notes),
            "answers": {
                name: {
                    "text": text(a.expr),
                    "latex": latex(a.expr),
                    "mathml": mathml(a.expr),
                    "shape": list(self.shape_of(name)),
                }
                for name, a in self.answers.items()
            },
            "definitions": {},
            "steps": [s.json() for s in self.steps],
            "code": {},
        }


def derive_formal(
    function: Any, names: tuple[str, ...], declare: Any, of: str | None, options: Mapping[str, Any]
) -> FormalDerivation | None:
    """The differential, where the function has undefined functions of matrices in it; None where it has none."""
    if not isinstance(function, str) or options.get("order", 1) != 1:
        return None
    problem: Problem = read(function, declare, of=of, wrt=names)
    f = raised(problem.function)
    targets: dict[str, Expr] = {}
    for name in names:
        if name not in problem.kinds:
            raise UnknownName(f"there is no variable '{name}' to differentiate by")
        targets[name] = ops.sym(name, problem.kinds[name])
    stops = opaque(f, targets.values())
    if not stops:
        return None
    inside = {n for stop in stops for a in stop.args for n in topological(a)}
    stops = [n for n in stops if n not in inside]
    if options.get("layout", "gradient") not in ("gradient", "numerator"):
        raise InputError(f"there is no layout '{options['layout']}'", hint="one of gradient, numerator")
    table = options.get("table") or default_table()
    short = Simplifier(rewriter(table))
    answers: dict[str, Answer] = {}
    for name, x in targets.items():
        cut = {n: ops.sym(f"f·{i}", kind_of_shape(n.shape)) for i, n in enumerate(stops)}  # names that cannot be typed
        moving = {cut[n]: ops.formal_differential(n) for n in stops if x in topological(n)}
        change = differential(ops.substitute(f, dict(cut)), {**moving, x: ops.formal_differential(x)}, table)
        answers[name] = Answer(name, x, short.settled(ops.substitute(change, {y: n for n, y in cut.items()})))
    shown = ", ".join(dict.fromkeys(text(n) for n in stops))
    said = f"d({shown}) is the formal differential of the undefined function: the answer is the differential"
    notes = [*problem.notes, said]
    return FormalDerivation(
        problem.function,
        problem.kinds,
        answers,
        options.get("layout", "gradient"),
        "auto",
        tuple(conditions(f, [*targets.values()], table, short)),
        tuple(notes),
        table,
        problem,
        what="differential",
        undefined=tuple(stops),
    )
