"""Stationary points in closed form: ``solve(function, wrt, ...)`` finds the x at which the gradient vanishes.

The stationarity condition is solved where it is linear in the unknown or in its inverse; several unknowns one after the
other, each put into the conditions of the rest; linear constraints by Lagrange multipliers. Each solution is checked by
numbers before it is given; where there is no closed form, the condition itself is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.algebra import is_zero
from matcalc.conditions import conditions
from matcalc.convexity import shape_of_function
from matcalc.curvature import MAXIMUM, MINIMUM, SADDLE, UNDECIDED, Curvature, curvature
from matcalc.derive import Derivation, array_shape, derive
from matcalc.errors import InputError, MatcalcError, SyntaxProblem, UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.factors import compose, parts
from matcalc.facts import known
from matcalc.index_sums import raised
from matcalc.inference import Facts
from matcalc.inverse_equation import solve_inverse, solve_scalar, solve_through
from matcalc.kinds import SCALAR_KIND, Kind
from matcalc.lagrange import lagrange_condition, solve_constrained
from matcalc.latex import latex, latex_where
from matcalc.linear_equation import Algebra, Solved, averaged, fresh, solve_linear, solve_singular
from matcalc.measure import length
from matcalc.names import spelled
from matcalc.parse import Problem, parse_declarations, read
from matcalc.pretty import pretty
from matcalc.rewrite import rewriter
from matcalc.shapes import ONE, SCALAR
from matcalc.simplify import Simplifier
from matcalc.structure import AMBIENT
from matcalc.syntax import statements
from matcalc.table import Table
from matcalc.text import text

if TYPE_CHECKING:
    from matcalc.verify import Verdict

UNSOLVED = frozenset({"diagonal", "lower", "upper", "toeplitz"})
_RELATION = re.compile(r"(?<![<>=])=(?!=)")


@dataclass(frozen=True, eq=False)
class Point:
    """One stationary point: the ``values`` of the unknowns, each in terms of those before it; its kind, and why."""

    values: Mapping[str, Expr]
    kind: str
    why: tuple[str, ...]
    verdict: Verdict
    conditions: tuple[str, ...]
    far: bool

    @property
    def written_out(self) -> dict[str, Expr]:
        """The values in terms of what is given."""
        found: dict[str, Expr] = {}
        for name, value in self.values.items():
            unknowns = {s: found[s.name] for s in symbols(value) if s.name in found}
            found[name] = ops.substitute(value, unknowns)
        return found


@dataclass(frozen=True, eq=False)
class Solution:
    """What ``solve`` found: ``points`` in closed form (none: there is no closed form), and the conditions ``equations`` = 0."""

    loss: Expr
    declared: Mapping[str, Kind]
    wrt: tuple[str, ...]
    equations: Mapping[str, Expr]
    constraints: tuple[Expr, ...]
    points: tuple[Point, ...]
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    derivation: Derivation

    def __bool__(self) -> bool:
        return bool(self.points)

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of all names, as they would be declared."""
        return {name: kind.text() for name, kind in self.declared.items()}

    @property
    def answer(self) -> Expr:
        """The first unknown's value, written out."""
        return self._point.written_out[self.wrt[0]]

    def __getitem__(self, name: str) -> Expr:
        """The value of one unknown, written out."""
        return self._point.written_out[name]

    @property
    def kind(self) -> str:
        """minimum, maximum, saddle or undecided."""
        return self._point.kind

    @property
    def why(self) -> tuple[str, ...]:
        """What the kind of the point rests on."""
        return self._point.why

    @property
    def _point(self) -> Point:
        if not self.points:
            raise UnsupportedError("there is no closed form", hint=f"the point is where {self._condition_text()}")
        return self.points[0]

    @property
    def shape(self) -> tuple[str, ...]:
        """The shape of the first unknown as an array."""
        return array_shape(ops.sym(self.wrt[0], self.declared[self.wrt[0]]))

    def _conditions(self) -> list[Expr]:
        return [*self.equations.values(), *self.constraints]

    def _condition_text(self) -> str:
        return ", ".join(f"{text(e)} = 0" for e in self._conditions())

    @property
    def equation(self) -> str:
        """The stationarity condition of each unknown and the constraints, as text."""
        return "\n".join(f"{text(e)} = 0" for e in self._conditions())

    def text(self) -> str:
        """``x = ...`` in the input language, a line for each unknown; without a closed form the stationarity condition."""
        if not self.points:
            return self.equation
        return "\n".join(f"{name} = {text(value)}" for p in self.points for name, value in p.values.items())

    def latex(self) -> str:
        """The same in LaTeX (amsmath)."""
        pairs = [pair for p in self.points for pair in p.values.items()]
        if not pairs:
            lines = " \\\\\n".join(f"{latex(e)} &= 0" for e in self._conditions())
            return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}" if len(self._conditions()) > 1 else f"{latex(self._conditions()[0])} = 0"
        if len(pairs) > 1:
            return latex_where(pairs)
        (name, value) = pairs[0]
        return f"{latex(ops.sym(name, self.declared[name]))} = {latex(value)}"

    def pretty(self) -> str:
        """The same in Unicode."""
        if not self.points:
            return "\n".join(f"{pretty(e)} = 0" for e in self._conditions())
        return "\n".join(
            f"{pretty(ops.sym(name, self.declared[name]))} = {pretty(value)}" for p in self.points for name, value in p.values.items()
        )

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def remarks(self) -> list[str]:
        """What goes with the answer: the condition that was solved, the kind of point, where it holds, notes."""
        front = "stationary where" if self.points else "no closed form was found; stationary where"
        lines = [f"{front} {self._condition_text()}"]
        for number, point in enumerate(self.points, start=1):
            which = f" {number}" if len(self.points) > 1 else ""
            lines.append(f"{point.kind}{which}: {'; '.join(point.why)}")
        lines += [f"holds where {condition}" for condition in self.conditions]
        lines += [f"note: {note}" for note in self.notes]
        return lines

    def source(self, target: str = "numpy") -> str:
        """A self-contained module with ``solution(...)``, which takes everything but the unknowns; several unknowns are a tuple."""
        from matcalc.code import functions_source

        if not self.points:
            return "".join(f"# {line}\n" for line in ["no closed form was found; stationary where", *self.equation.splitlines()])
        functions = []
        for number, point in enumerate(self.points, start=1):
            values = point.written_out
            name = "solution" if number == 1 else f"solution_{number}"
            title = f"The stationary point in {', '.join(self.wrt)}" + (f" ({point.kind})." if point.kind != UNDECIDED else ".")
            functions.append((name, title, [(n, values[n]) for n in self.wrt]))
        given = {name: kind for name, kind in self.declared.items() if name not in self.wrt}
        return functions_source(functions, given, {n: self.declared[n] for n in self.wrt}, target=target)

    def function(self, name: str = "solution", target: str = "numpy") -> Callable[..., Any]:
        """The solution as a Python function of keyword arguments."""
        from matcalc.code import compile_module

        if not self.points:
            raise UnsupportedError("there is no closed form", hint=f"the point is where {self._condition_text()}")
        return compile_module(self.source(target))[name]  # type: ignore[no-any-return]

    @property
    def expr(self) -> Any:
        """The first unknown's value as a SymPy expression."""
        from matcalc.sympy_bridge import to_sympy

        return to_sympy(self.answer, getattr(self.derivation.problem, "objects", None))

    def verify(self, **options: Any) -> Verdict:
        """Substitution and a random search, by numbers, again; the worst verdict."""
        if not self.points:
            raise UnsupportedError("there is no closed form to verify")
        verdicts = [
            _verdict(self.derivation, p.written_out, self.constraints, p.kind, p.far, options) if options else p.verdict for p in self.points
        ]
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "function": text(self.loss),
            "variables": self.kinds,
            "equations": {name: f"{text(e)} = 0" for name, e in self.equations.items()},
            "constraints": [f"{text(c)} = 0" for c in self.constraints],
            "conditions": list(self.conditions),
            "notes": list(self.notes),
            "closed_form": bool(self.points),
            "kind": self.points[0].kind if self.points else None,
            "why": list(self.points[0].why) if self.points else [],
            "answers": self._values(self.points[0]) if self.points else {},
            "points": [{"answers": self._values(p), "kind": p.kind, "why": list(p.why)} for p in self.points],
            "code": {"numpy": self.source("numpy")} if self.points else {},
        }

    def _values(self, point: Point) -> dict[str, Any]:
        return {
            name: {
                "text": text(value),
                "latex": latex(value),
                "shape": list(array_shape(ops.sym(name, self.declared[name]))),
            }
            for name, value in point.values.items()
        }


def solve(
    function: Any,
    wrt: str | Sequence[str],
    declare: Mapping[str, str | Kind] | str | None = None,
    subject_to: str | Sequence[str] | None = None,
    *,
    of: str | None = None,
    table: Table | None = None,
) -> Solution:
    """Where the gradient of a scalar function vanishes, in closed form; under linear constraints ``C*x = d`` too.

    ``function``, ``wrt`` and ``declare`` as in ``derive``; ``subject_to`` one equation or several. A solution without a closed
    form is false, and holds the stationarity condition.
    """
    given = [subject_to] if isinstance(subject_to, str) else list(subject_to or ())
    constraints: list[Expr] = []
    if given:
        function, declare, constraints = _joint(function, wrt, declare, given, of)
    derivation = derive(function, wrt, declare, of=of, table=table)
    table = derivation.table
    if derivation.what != "gradient":
        raise UnsupportedError("a stationary point needs a scalar function", hint="sum(...), norm2(...)^2 or one entry of it")
    algebra = Algebra(Simplifier(rewriter(table)), table)
    unknowns = {name: a.variable for name, a in derivation.answers.items()}
    for name, x in unknowns.items():
        _refuse_surfaces(name, x)
    gradients = {x: derivation.answers[name].expr for name, x in unknowns.items()}
    search = _Search(derivation, algebra, gradients, [raised(c) for c in constraints])
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


def _refuse_surfaces(name: str, x: Expr) -> None:
    kind: Kind = x.data[1]  # type: ignore[index]
    curved = sorted(kind.facts & AMBIENT)
    if curved:
        raise UnsupportedError(
            f"{name} is declared {curved[0]}: on that set a stationary point is not where the gradient vanishes",
            hint="leave the declaration out, and give linear constraints with --subject-to",
        )


# --- constraints ------------------------------------------------------------------------------------------


def _joint(function: Any, wrt: Any, declare: Any, given: Sequence[str], of: str | None) -> tuple[Any, Any, list[Expr]]:
    """The function, the kinds of all names, and the constraints as expressions that vanish; names are inferred together."""
    pairs = [_equation(c) for c in given]
    if not isinstance(function, str):
        from matcalc.sympy_bridge import problem_of

        kinds = problem_of(function, declare).kinds
        return function, kinds, [read(f"({left}) - ({right})", kinds).function for left, right in pairs]
    everything = function + " ".join(given)
    names: list[str] = []
    for _ in pairs:
        names.append(fresh("constraint", [*names, *re.findall(r"\w+", everything)]))
    lines = [f"{name} = ({left}) - ({right})" for name, (left, right) in zip(names, pairs, strict=True)]
    for constraint, (left, _) in zip(given, pairs, strict=True):
        _checked(constraint, 0, len(left))
        _checked(constraint, len(left) + 1, len(constraint))
    wanted = [w for name in ([wrt] if isinstance(wrt, str) else list(wrt)) for w in str(name).split(",")]
    everything = "\n".join([*lines, function])
    problem = read(everything, declare, of=of, wrt=wanted)
    narrow = _scalar_names(problem, pairs)
    if narrow:
        declare = {**parse_declarations(declare), **dict.fromkeys(narrow, SCALAR_KIND)}
        problem = read(everything, declare, of=of, wrt=wanted)
    definitions = dict(problem.definitions)
    return function, problem.kinds, [definitions[name] for name in names]


def _scalar_names(problem: Problem, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Undeclared names that stand alone on a side, the other side being a scalar: they are scalars, not broadcast."""
    found = []
    for pair in pairs:
        for side, other in (pair, pair[::-1]):
            name = spelled(side.strip())
            kind = problem.kinds.get(name)
            if kind is not None and name in problem.inferred and kind.shape != SCALAR and read(other, problem.kinds).function.is_scalar:
                found.append(name)
    return found


def _checked(constraint: str, start: int, end: int) -> None:
    """Errors of syntax in one side are shown in the constraint as it was typed."""
    try:
        statements(constraint[start:end])
    except MatcalcError as error:
        error.text, error.position = constraint, start + (error.position or 0)
        raise


def _equation(constraint: str) -> tuple[str, str]:
    """The two sides of ``C*x = d``."""
    found = list(_RELATION.finditer(constraint))
    if len(found) != 1:
        inequality = re.search(r"[<>]", constraint)
        message = "only equations can be constraints" if inequality else "a constraint is one equation"
        at = inequality.start() if inequality else (found[1].start() if found else len(constraint))
        error = UnsupportedError if inequality else SyntaxProblem
        raise error(message, text=constraint, position=at, hint='as in --subject-to "C*x = d"')
    left, right = constraint[: found[0].start()], constraint[found[0].end() :]
    if not left.strip() or not right.strip():
        raise SyntaxProblem("a side of the equation is missing", text=constraint, position=found[0].start(), hint='as in --subject-to "C*x = d"')
    return left, right


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

    def __init__(self, derivation: Derivation, algebra: Algebra, gradients: Mapping[Expr, Expr], constraints: list[Expr]) -> None:
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
        """The stationarity conditions without factors that are never zero, and the multipliers in them."""
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
        kept = {base: k for base, k in p.scalars.items() if not known(base, "nonzero")}
        if not p.body and not kept:
            return e
        return self.algebra.settled(compose(type(p.coef)(1), kept, p.body))

    def points(self) -> list[Point]:
        if any(is_zero(e) for e in self.gradients.values()):
            zero = next(x.name for x, e in self.gradients.items() if is_zero(e))
            self.notes.append(f"the function does not change with {zero}: every {zero} is stationary")
            return []
        for x in self.gradients:
            structure = sorted(x.data[1].facts & UNSOLVED)  # type: ignore[index]
            if structure:
                self.notes.append(f"{x.name} is {structure[0]}: such conditions are not solved in closed form")
                return []
        if self.constraints:
            return self._constrained()
        if len(self.gradients) == 1:
            ((x, e),) = self.gradients.items()
            candidates = self._solutions(e, x)
            points = [p for value in candidates if (p := self._point([self._step(e, x, value)])) is not None]
            return points or self._smallest(e, x)
        steps = self._in_turn(dict(self.gradients))
        point = self._point(steps) if steps else None
        return [point] if point is not None else []

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
        """Every solution of e = 0 for x that is found; factors of e that are never zero do not matter."""
        for form in dict.fromkeys((e, self._cleaned(e))):
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
        """One unknown after the other, the one whose value holds the fewest others first; empty if one cannot be solved.

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

    def _constrained(self) -> list[Point]:
        if len(self.gradients) > 1:
            self.notes.append("constraints with several unknowns are not solved in closed form")
            return []
        ((x, e),) = self.gradients.items()
        if x.data[1].facts & {"symmetric", "spd"}:  # type: ignore[index]
            self.notes.append("constraints on a symmetric matrix are not solved in closed form")
            return []
        value = solve_constrained(e, x, self.constraints, self.algebra)
        if value is None:
            return []
        point = self._point([self._step(e, x, value)])
        return [point] if point is not None else []

    # --- what goes with a solution ---

    def _point(self, steps: list[_Step]) -> Point | None:
        """The point with its kind, if numbers confirm it."""
        values = {s.x.name: averaged(s.value) for s in steps}
        written = Point(values, UNDECIDED, (), None, (), False).written_out  # type: ignore[arg-type]
        kind = _combined([s.curvature for s in steps])
        far = all(s.curvature.everywhere for s in steps)
        whole = self._by_shape([s.x for s in steps]) if kind == UNDECIDED else None
        if whole is not None:
            kind, far = whole.kind, True
        verdict = _verdict(self.derivation, written, self.constraints, kind, far, {})
        if not verdict and verdict.counterexample is not None and "random search" in verdict.reason:
            kind = UNDECIDED
            verdict = _verdict(self.derivation, written, self.constraints, kind, far, {})
        if not verdict:
            self.notes.append(f"{', '.join(f'{n} = {text(v)}' for n, v in values.items())} is no solution: {verdict.reason}")
            return None
        several = len(steps) > 1
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
        """A minimum or maximum because the function is convex or concave as it is built."""
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
    """The kind of a point found by solving for one unknown after the other, the function of the rest being reduced each time."""
    kinds = {c.kind for c in found}
    if len(kinds) == 1:
        return kinds.pop()
    if UNDECIDED not in kinds and all(c.strict for c in found) and kinds >= {MINIMUM, MAXIMUM}:
        return SADDLE
    return SADDLE if SADDLE in kinds else UNDECIDED


def _verdict(
    derivation: Derivation, written: Mapping[str, Expr], constraints: Sequence[Expr], kind: str, far: bool, options: Mapping[str, Any]
) -> Verdict:
    from matcalc.stationary import verify_stationary

    answers = derivation.answers
    point = [(answers[name].variable, written[name]) for name in answers]
    gradients = [answers[name].expr for name in answers]
    return verify_stationary(
        raised(derivation.loss), point, gradients, constraints=constraints, kind=kind, far=far, kinds=derivation.declared, **options
    )

