"""Stationary points in closed form: ``solve(function, wrt, ...)`` finds the x at which the gradient vanishes.

The stationarity condition is solved where it is linear in the unknown or in its inverse; several unknowns one after the
other, each put into the conditions of the rest; constraints by multipliers: linear ones, one scalar one, spheres and
orthonormal columns. Each solution is checked by numbers before it is given; where there is no closed form, the
condition itself is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matcalc import ops
from matcalc.answers.derivation import Derivation
from matcalc.answers.derive import derive
from matcalc.calculus.adjoint import gradients
from matcalc.calculus.conditions import conditions
from matcalc.calculus.differential import differential
from matcalc.calculus.structure import AMBIENT
from matcalc.errors import InputError, UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.indices import names_in
from matcalc.kinds import SCALAR_KIND, Kind
from matcalc.language.index_sums import raised
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.rules.facts import known
from matcalc.rules.inference import Facts
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.factors import compose, is_negative, is_whole, parts
from matcalc.simplifier.orientation import oriented
from matcalc.simplifier.simplify import Simplifier
from matcalc.solving.convexity import shape_of_function
from matcalc.solving.curvature import (
    EIGENVALUES,
    MAXIMUM,
    MINIMUM,
    SADDLE,
    UNDECIDED,
    Curvature,
    by_eigenvalues,
    curvature,
)
from matcalc.solving.equalities import joint
from matcalc.solving.extremal import Extremes, eigenvectors, orthonormal
from matcalc.solving.inverse_equation import solve_inverse, solve_scalar, solve_through
from matcalc.solving.lagrange import lagrange_condition, solve_constrained
from matcalc.solving.linear_equation import (
    Algebra,
    Solved,
    averaged,
    divisors,
    fresh,
    linear,
    solve_linear,
    solve_singular,
    times_unknown,
)
from matcalc.solving.multipliers import by_multiplier, squared
from matcalc.solving.solution import Point, Solution, verdict_of

UNSOLVED = frozenset({"diagonal", "lower", "upper", "toeplitz"})

_PARAMETERS = 4  # of unknown sign: so many may be tried


def solve(
    function: Any,
    wrt: str | Sequence[str],
    declare: Mapping[str, str | Kind] | str | None = None,
    subject_to: str | Sequence[str] | None = None,
    *,
    of: str | None = None,
    table: Table | None = None,
) -> Solution:
    """Where the gradient of a scalar function vanishes, in closed form; under constraints such as ``C*x = d`` too.

    ``function``, ``wrt`` and ``declare`` as in ``derive``; ``subject_to`` one equation or several. A solution without a
    closed form is false, and holds the stationarity condition.
    """
    found = _solved(function, wrt, declare, subject_to, of, table)
    if not isinstance(function, str) or not found.points or any(p.kind != UNDECIDED for p in found.points):
        return found
    said = _if_positive(found, lambda kinds: _solved(function, wrt, kinds, subject_to, of, table))
    return replace(found, notes=(*found.notes, *said))


def _solved(
    function: Any,
    wrt: str | Sequence[str],
    declare: Mapping[str, str | Kind] | str | None,
    subject_to: str | Sequence[str] | None,
    of: str | None,
    table: Table | None,
) -> Solution:
    given: list[str] = [subject_to] if isinstance(subject_to, str) else []
    if not isinstance(subject_to, str) and _listed(subject_to):
        given = list(subject_to or ())
    if not _listed(subject_to) or not all(isinstance(c, str) for c in given):
        raise InputError("constraints are text, one or several", hint='as in subject_to="C*x = d"')
    if wrt is None or not _listed(wrt):
        raise InputError(f"wrt is a name or several, not {type(wrt).__name__}", hint="as in wrt='x' or wrt=['W', 'b']")
    constraints: list[Expr] = []
    if given:
        function, declare, constraints = joint(function, wrt, declare, given, of)
    derivation = derive(function, wrt, declare, of=of, table=table)
    table = derivation.table
    if derivation.what != "gradient":
        raise UnsupportedError(
            "a stationary point needs a scalar function", hint="sum(...), norm2(...)^2 or one entry of it"
        )
    algebra = Algebra(Simplifier(rewriter(table)), table)
    unknowns = {name: a.variable for name, a in derivation.answers.items()}
    lines = {name for name, _ in derivation.problem.lines} if derivation.problem else set()
    for name, x in unknowns.items():
        if name in lines:
            said = f"{name} is a line of the program: stationary points are in variables"
            raise UnsupportedError(said, hint=f"leave out the line that makes {name}, and declare {name}")
        _refuse_surfaces(name, x)
    gradients = {x: derivation.answers[name].expr for name, x in unknowns.items()}
    search = _Search(derivation, algebra, gradients, [algebra.settled(raised(c)) for c in constraints])
    points = search.points()
    equations, multipliers = search.equations()
    notes = [*derivation.notes, *search.notes]
    if multipliers:
        notes.append(f"multipliers of the constraints: {', '.join(z.name for z in multipliers)}")
    found = [condition for p in points for condition in p.conditions]
    return Solution(
        derivation.loss,
        derivation.declared,
        tuple(unknowns),
        equations,
        tuple(search.constraints),
        tuple(points),
        tuple(dict.fromkeys([*found, *derivation.conditions])),
        tuple(dict.fromkeys(notes)),
        derivation,
    )


def _listed(value: Any) -> bool:
    """Whether it is text, several, or nothing."""
    return value is None or (isinstance(value, Iterable) and not isinstance(value, bytes))


def _if_positive(solution: Solution, again: Callable[[dict[str, Kind]], Solution]) -> list[str]:
    """Of a kind of point that is open: whether positive parameters decide it, as weights of penalties are."""
    kinds = dict(solution.declared)
    free = [s.name for s in symbols(solution.loss) if kinds.get(s.name) == SCALAR_KIND and s.name not in solution.wrt]

    def kind(positive: list[str]) -> str:
        found = again({**kinds, **dict.fromkeys(positive, Kind("scalar", facts=frozenset({"positive"})))})
        return found.kind if found.points else UNDECIDED

    if not 0 < len(free) <= _PARAMETERS or (decided := kind(free)) == UNDECIDED:
        return []
    for name in sorted(free):  # those that matter
        fewer = [other for other in free if other != name]
        free = fewer if fewer and kind(fewer) == decided else free
    names = ", ".join(sorted(free))
    return [f"a {decided} if {names} > 0: declare {names}: scalar, positive"]


def _refuse_surfaces(name: str, x: Expr) -> None:
    kind: Kind = x.data[1]  # type: ignore[index]
    curved = sorted(kind.facts & AMBIENT)
    if curved:
        raise UnsupportedError(
            f"{name} is declared {curved[0]}: on that set a stationary point is not where the gradient vanishes",
            hint="leave the declaration out, and give what it says with --subject-to, as in x'*x = 1",
        )


# --- the search ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """One unknown solved for in terms of those that are left; what the point is along it."""

    x: Expr
    solved: Solved
    curvature: Curvature

    @property
    def value(self) -> Expr:
        return self.solved.value


class _Search:
    """The conditions, and the attempts at solving them."""

    def __init__(
        self, derivation: Derivation, algebra: Algebra, gradients: Mapping[Expr, Expr], constraints: list[Expr]
    ) -> None:
        self.derivation = derivation
        self.algebra = algebra
        self.gradients = gradients
        self.constraints = constraints
        self.notes: list[str] = []
        for constraint in constraints:
            if not any(x in topological(constraint) for x in gradients):
                names = ", ".join(x.name for x in gradients)
                raise InputError(f"the constraint {text(constraint)} = 0 says nothing about {names}")

    def equations(self) -> tuple[dict[str, Expr], list[Expr]]:
        """The stationarity conditions without factors that are nonzero or invertible, and the multipliers in them."""
        if not self.constraints:
            return {x.name: self._cleaned(e) for x, e in self.gradients.items()}, []
        found: dict[str, Expr] = {}
        multipliers: list[Expr] = []
        for x, e in self.gradients.items():
            found[x.name], multipliers = lagrange_condition(e, x, self.constraints, self.algebra)
        return found, multipliers

    def _cleaned(self, e: Expr) -> Expr:
        if e.op == "add" or is_zero(e):
            return e
        p = parts(e)
        above = {base: k for base, k in p.scalars.items() if not (is_whole(k) and is_negative(k))}
        kept = {base: k for base, k in above.items() if not known(base, "nonzero")}
        body = list(p.body)
        while len(body) > 1 and self._invertible(body[0]):
            del body[0]
        while len(body) > 1 and self._invertible(body[-1]):
            del body[-1]
        if not body and not kept:
            return e
        return self.algebra.settled(compose(type(p.coef)(1), kept, body))

    def _invertible(self, factor: Expr) -> bool:
        """Whether A*e = 0 says what e = 0 does, whatever the unknowns are."""
        return not symbols_in(factor, self.gradients) and known(factor, "invertible")

    def points(self) -> list[Point]:
        if any(is_zero(e) for e in self.gradients.values()):
            zero = next(x.name for x, e in self.gradients.items() if is_zero(e))
            self.notes.append(f"the function does not change with {zero}: every {zero} is stationary")
            return []
        for x, e in self.gradients.items():
            if not self.constraints and not symbols_in(e, self.gradients):
                self.notes.append(f"the gradient by {x.name} is the same everywhere")
                return []
        if any(x.data[1].facts & UNSOLVED for x in self.gradients):  # type: ignore[index]
            return self._structured()
        if self.constraints:
            return self._constrained()
        if len(self.gradients) == 1:
            ((x, e),) = self.gradients.items()
            candidates = self._solutions(e, x)
            points = [p for value in candidates if (p := self._point([self._step(e, x, value)])) is not None]
            return points or self._smallest(e, x)
        steps = self._in_turn(dict(self.gradients)) or self._crossed()
        point = self._point(steps) if steps else None
        return [point] if point is not None else []

    def _structured(self) -> list[Point]:
        """A diagonal unknown by its diagonal; of other structures where the condition is that of each entry."""
        ((x, e), *others) = self.gradients.items()
        facts: Facts = x.data[1].facts  # type: ignore[index]
        steps: list[_Step] = []
        if not others and not self.constraints and "diagonal" in facts:
            steps = self._by_diagonal(x, e)
        elif not others and not self.constraints:
            found = linear(e, x, self.algebra)
            factor = times_unknown(found, self.algebra) if found is not None else None
            if found is not None and factor is not None:
                value = self.algebra.settled(ops.mul(ops.neg(ops.reciprocal(factor)), found.rest))
                steps = [self._step(e, x, Solved(value, divisors(self.algebra, ops.reciprocal(factor))))]
        points = [p for step in steps if (p := self._point([step])) is not None]
        if not points:
            self.notes.append(f"{x.name} is {min(facts & UNSOLVED)}: such conditions are not solved in closed form")
        return points

    def _by_diagonal(self, x: Expr, e: Expr) -> list[_Step]:
        """The unknown as diag(d): the condition of each entry of d."""
        facts: Facts = x.data[1].facts  # type: ignore[index]
        kind = Kind("vector", x.rows, ONE, frozenset({"positive"}) if "spd" in facts else facts & {"nonzero"})
        d = ops.sym(fresh("d", names_in(e, *self.gradients)), kind)
        condition = self.algebra.settled(ops.diag(self.algebra.settled(ops.substitute(e, {x: ops.diag(d)}))))
        return [
            _Step(x, Solved(self.algebra.settled(ops.diag(solved.value)), solved.divisors), found.curvature)
            for solved in self._solutions(condition, d)
            for found in [self._step(condition, d, solved)]
        ]

    def _smallest(self, e: Expr, x: Expr) -> list[Point]:
        """One of many solutions, where the unknown is not determined."""
        solved = solve_singular(e, x, self.algebra)
        if solved is None:
            return []
        before = list(self.notes)
        point = self._point([self._step(e, x, solved)])
        if point is None:
            self.notes[:] = before
            return []
        self.notes[:] = [f"{x.name} is not determined: this is the solution of smallest norm among many"]
        return [point]

    def _solutions(self, e: Expr, x: Expr) -> tuple[Solved, ...]:
        """Every solution of e = 0 for x that is found; factors of e that are nonzero or invertible do not matter."""
        for form in dict.fromkeys((self._cleaned(e), e)):
            linear = solve_linear(form, x, self.algebra)
            if linear is not None:
                return (linear,)
            if x.is_scalar and (roots := solve_scalar(form, x, self.algebra)):
                return roots
            other = solve_inverse(form, x, self.algebra) or solve_through(form, x, self.algebra)
            if other is not None:
                return (other,)
        return ()

    def _step(self, e: Expr, x: Expr, solved: Solved) -> _Step:
        return _Step(x, solved, curvature(e, x, solved.value, self.algebra, self._domain(x, solved.value)[1]))

    def _in_turn(self, left: dict[Expr, Expr]) -> list[_Step]:
        """One unknown after the other, the one whose value holds the fewest others first; empty if one stays unsolved.

        In the order in which each value is in terms of those before it.
        """
        free: list[_Step] = []
        reduced: list[_Step] = []
        while left:
            best: tuple[Any, Expr, Solved] | None = None
            for x, e in left.items():
                found = self._solutions(e, x)
                if len(found) == 1:
                    value = found[0].value
                    others = sum(s in left for s in symbols(value))
                    rank = (others, (x.rows is not ONE) + (x.cols is not ONE), length(value))
                    if best is None or rank < best[0]:
                        best = (rank, x, found[0])
            if best is None:
                return []
            (others, *_), x, solved = best
            step = self._step(left.pop(x), x, solved)
            if not others:  # the rest may be in terms of it
                free.append(step)
                continue
            reduced.append(step)
            left = {y: self.algebra.settled(ops.substitute(e, {x: solved.value})) for y, e in left.items()}
        return [*free, *reversed(reduced)]

    def _crossed(self) -> list[_Step]:
        """Scalars whose conditions determine each other: x*y - x - 2*y has y - 1 = 0 by x."""
        unknowns = list(self.gradients)
        if not all(x.is_scalar for x in unknowns):
            return []
        joint = self._joint_curvature(unknowns)
        equations = list(self.gradients.values())
        steps: list[_Step] = []
        while equations:
            pairs = ((e, x, self._solutions(e, x)) for e in equations for x in unknowns if x in topological(e))
            found = next(((e, x, values[0]) for e, x, values in pairs if len(values) == 1), None)
            if found is None:
                return []
            e, x, solved = found
            unknowns.remove(x)
            equations.remove(e)
            equations = [self.algebra.settled(ops.substitute(other, {x: solved.value})) for other in equations]
            steps.append(_Step(x, solved, joint))
        return steps[::-1]

    def _joint_curvature(self, unknowns: list[Expr]) -> Curvature:
        """From the eigenvalues of the Hessian in all unknowns, where it is made of numbers."""
        one = ops.num(1)
        table, settled = self.algebra.table, self.algebra.settled
        rows = [[settled(differential(e, {x: one}, table)) for x in unknowns] for e in self.gradients.values()]
        hessian = ops.block(rows)
        kind = by_eigenvalues(hessian, unknowns[0])
        if kind is None:
            return Curvature(UNDECIDED, f"the sign of the Hessian {text(hessian)} is not known", False)
        return Curvature(kind, f"the Hessian {text(hessian)} has {EIGENVALUES[kind]}", True, True)

    def _constrained(self) -> list[Point]:
        if len(self.gradients) > 1:
            self.notes.append("constraints with several unknowns are not solved in closed form")
            return []
        ((x, e),) = self.gradients.items()
        (constraint, *others) = self.constraints
        lone = constraint.is_scalar and not others
        if lone and ONE not in x.shape and (points := self._by_multiplier(x, e, constraint)):
            return points  # of a matrix without the vec form
        if not x.data[1].facts & {"symmetric", "spd"}:  # type: ignore[index]
            value = solve_constrained(e, x, self.constraints, self.algebra)
            if value is not None:
                point = self._point([self._along_constraints(self._step(e, x, value))])
                return [point] if point is not None else []
        if others:
            return []
        if not lone:
            return self._extreme(x, orthonormal(e, x, constraint, self.algebra))
        return self._by_multiplier(x, e, constraint)

    def _by_multiplier(self, x: Expr, e: Expr, constraint: Expr) -> list[Point]:
        """Under one scalar constraint."""
        before = list(self.notes)
        constraint, radius = squared(constraint, self.algebra)
        if radius is not None and not known(radius, "nonnegative"):
            self.notes.append(f"a norm is not negative, and {text(radius)} may be: declare what is positive")
            return []
        condition, (t,) = lagrange_condition(e, x, [constraint], self.algebra)
        straight = linear(constraint, x, self.algebra) is not None
        found = by_multiplier(condition, t, constraint, x, self.algebra, self._solutions)
        steps = [self._along_constraints(self._step(there, x, solved), straight) for solved, there in found]
        points = [p for step in steps if (p := self._point([step])) is not None]
        if points:
            self.notes[:] = before
            return points
        along = gradients(constraint, [x], self.algebra.table, self.algebra.short)[x]
        return self._extreme(x, eigenvectors(e, x, constraint, along, self.algebra))

    def _extreme(self, x: Expr, extremes: Extremes | None) -> list[Point]:
        """The points where the function is least and largest, of many."""
        if extremes is None:
            return []
        steps = [_Step(x, solved, kind) for solved, kind in extremes.found]
        points = [p for step in steps if (p := self._point([step])) is not None]
        if points:
            self.notes.append(extremes.note)
        return points

    def _along_constraints(self, step: _Step, straight: bool = True) -> _Step:
        """Where the curvature has both signs it may have one along the constraints; of curved ones it holds a term."""
        found = step.curvature
        if found.kind == SADDLE:
            found = replace(found, kind=UNDECIDED)
        if not straight:
            found = replace(found, why=found.why.replace("the Hessian", "the Hessian of the Lagrangian", 1))
        return replace(step, curvature=found)

    # --- what goes with a solution ---

    def _point(self, steps: list[_Step]) -> Point | None:
        """The point with its kind, if numbers confirm it."""
        typed = [self.derivation.loss, *self.constraints]
        values = {s.x.name: oriented(averaged(s.value), typed, self.algebra.short) for s in steps}
        written = Point(values, UNDECIDED, (), None, (), False).written_out  # type: ignore[arg-type]
        kind = _combined([s.curvature for s in steps])
        far = all(s.curvature.everywhere for s in steps)
        whole = self._by_shape([s.x for s in steps]) if kind == UNDECIDED else None
        if whole is not None:
            kind, far = whole.kind, True
        verdict = verdict_of(self.derivation, written, self.constraints, kind, far, {})
        if not verdict and verdict.counterexample is not None and "random search" in verdict.reason:
            kind = UNDECIDED
            verdict = verdict_of(self.derivation, written, self.constraints, kind, far, {})
        if not verdict:
            shown = ", ".join(f"{name} = {text(value)}" for name, value in values.items())
            self.notes.append(f"{shown} is no solution: {verdict.reason}")
            return None
        several = len(steps) > 1
        several = several and len({s.curvature for s in steps}) > 1
        why = tuple(dict.fromkeys((f"in {s.x.name}: " if several else "") + s.curvature.why for s in steps))
        if whole is not None:
            why = (whole.why,)
        found: list[str] = []
        for s in steps:
            for e in (*s.solved.divisors, s.value):
                e = averaged(e)
                found += conditions(e, symbols(e), self.algebra.table, self.algebra.short)
            found += self._domain(s.x, written[s.x.name])[0]
        return Point(values, kind, why, verdict, tuple(dict.fromkeys(found)), far)

    def _by_shape(self, unknowns: list[Expr]) -> Curvature | None:
        """A minimum or maximum because the function is convex or concave as it is built, the constraints linear."""
        if any(linear(c, x, self.algebra) is None for c in self.constraints for x in unknowns):
            return None
        sign = shape_of_function(raised(self.derivation.loss), unknowns, self.algebra.short)
        if not sign:
            return None
        names = ", ".join(x.name for x in unknowns)
        word, meaning = ("convex", "positive") if sign > 0 else ("concave", "negative")
        why = f"the function is {word} in {names}: its Hessian is {meaning} semidefinite"
        return Curvature(MINIMUM if sign > 0 else MAXIMUM, why, True)

    def _domain(self, x: Expr, value: Expr) -> tuple[list[str], dict[Expr, Facts]]:
        """What the declaration of x asks of its value, and what may be taken for granted then."""
        facts: Facts = x.data[1].facts  # type: ignore[index]
        found: list[str] = []
        assumed: dict[Expr, Facts] = {}
        if "spd" in facts and not known(value, "spd"):
            p = parts(value)
            body = ops.mul(*p.body) if p.body else ops.eye(value.rows)
            front = compose(p.coef, p.scalars, [])
            if known(front, "positive"):
                found.append(f"{text(body)} is positive definite")
                assumed[body] = frozenset({"spd"})
            else:
                found.append(f"{text(value)} is positive definite")
                if known(body, "psd"):
                    assumed.update(_positive(front))
            assumed[value] = frozenset({"spd"})
        if "positive" in facts and not known(value, "positive"):
            inner = value.args[0] if value.op == "fn" and value.data == "sqrt" else value
            found.append(f"{text(inner)} > 0")
            assumed[value] = frozenset({"positive"})
            if value.is_scalar:
                assumed.update(_positive(value))
        if "nonnegative" in facts and "positive" not in facts and not known(value, "nonnegative"):
            found.append(f"{text(value)} >= 0")
        return found, assumed


def symbols_in(e: Expr, unknowns: Iterable[Expr]) -> bool:
    """Whether one of the unknowns occurs."""
    found = set(symbols(e))
    return any(x in found for x in unknowns)


def _positive(front: Expr) -> dict[Expr, Facts]:
    """The one factor of a positive scalar whose sign is not known, if its power tells its sign."""
    p = parts(front)
    unknown = [(base, k) for base, k in p.scalars.items() if not known(base, "positive")]
    if p.coef <= 0 or len(unknown) != 1:
        return {}
    base, k = unknown[0]
    odd = isinstance(k, type(p.coef)) and k.denominator == 1 and k.numerator % 2 == 1
    return {base: frozenset({"positive"})} if odd else {}


def _combined(found: Sequence[Curvature]) -> str:
    """The kind of a point found by solving for one unknown after the other, the function being reduced each time."""
    kinds = {c.kind for c in found}
    if len(kinds) == 1:
        return kinds.pop()
    if UNDECIDED not in kinds and all(c.strict for c in found) and kinds >= {MINIMUM, MAXIMUM}:
        return SADDLE
    return SADDLE if SADDLE in kinds else UNDECIDED
