"""What ``solve`` found: stationary points in closed form, or the condition for them, in every form of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.answers.derivation import Derivation, array_shape
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, symbols
from matcalc.indices import dimensions_in
from matcalc.kinds import Declared, Kind
from matcalc.language.index_sums import raised
from matcalc.printing.formulas import Typesetter, where_lines
from matcalc.printing.latex import LATEX, latex
from matcalc.printing.markup import Markup, Row
from matcalc.printing.mathml import MATHML, mathml, whole
from matcalc.printing.notation import Notation, using
from matcalc.printing.pretty import pretty
from matcalc.printing.screen import screen
from matcalc.printing.text import text
from matcalc.solving.curvature import UNDECIDED

_PLACE = 60  # characters of a point that is named by itself

if TYPE_CHECKING:
    from matcalc.numeric.verify import Verdict


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


@dataclass(frozen=True, repr=False, eq=False)
class Solution:
    """What ``solve`` found: ``points`` in closed form, if there are any, and the conditions ``equations`` = 0."""

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
        return Declared(self.declared, dimensions_in(self.loss, *self.equations.values()))

    @property
    def answer(self) -> Expr:
        """The first unknown's value, written out."""
        return self._point.written_out[self.wrt[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.wrt)

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

    def __str__(self) -> str:
        return self.pretty()

    def __repr__(self) -> str:
        return f"<stationary point by {', '.join(self.wrt)}: {self.text()}>"

    def text(self) -> str:
        """``x = ...`` in the input language, a line for each unknown; without a closed form the condition."""
        if not self.points:
            return self.equation
        return "\n".join(f"{name} = {text(value)}" for p in self.points for name, value in p.values.items())

    def latex(self, notation: Notation | str | None = None) -> str:
        """The same in LaTeX (amsmath), in the notation in force or in another."""
        with using(notation):
            return self._set(LATEX)

    def mathml(self, notation: Notation | str | None = None) -> str:
        """The same as MathML; ``alttext`` is the text."""
        with using(notation):
            return whole(self._set(MATHML), self.text())

    def _set(self, markup: Markup) -> str:
        pairs = [pair for p in self.points for pair in p.values.items()]
        if not pairs:
            setter = Typesetter(markup, self._conditions())
            zero = markup.digits("0")
            left = [setter(e) for e in self._conditions()]
            if len(left) == 1:
                return f"{left[0]}{markup.equals}{zero}"
            return markup.aligned(Row(e, markup.equals, zero) for e in left)
        if len(pairs) > 1:
            return where_lines(markup, pairs)
        (name, value) = pairs[0]
        unknown = ops.sym(name, self.declared[name])
        setter = Typesetter(markup, [unknown, value])
        return f"{setter(unknown)}{markup.equals}{setter(value)}"

    def screen(self, columns: int = 80) -> str | None:
        """The same on several lines of a terminal, with fractions and matrices; None where one line is as good."""
        return screen([pair for p in self.points for pair in p.values.items()], columns)

    def pretty(self) -> str:
        """The same in Unicode."""
        if not self.points:
            return "\n".join(f"{pretty(e)} = 0" for e in self._conditions())
        pairs = [pair for p in self.points for pair in p.values.items()]
        return "\n".join(f"{pretty(ops.sym(name, self.declared[name]))} = {pretty(value)}" for name, value in pairs)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython: the points as the command line shows them on a terminal."""
        printer.text(self.screen(printer.max_width) or self.pretty())

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def remarks(self) -> list[str]:
        """What goes with the answer: the condition that was solved, the kind of point, where it holds, notes."""
        front = "stationary where" if self.points else "no closed form was found; stationary where"
        lines = [f"{front} {self._condition_text()}"]
        for number, point in enumerate(self.points, start=1):
            place = ", ".join(f"{name} = {text(value)}" for name, value in point.values.items())
            which = f" at {place if len(place) <= _PLACE else f'point {number}'}" if len(self.points) > 1 else ""
            lines.append(f"{point.kind}{which}: {'; '.join(point.why)}")
        lines += [f"holds where {condition}" for condition in self.conditions]
        lines += [f"note: {note}" for note in self.notes]
        return lines

    def source(self, target: str = "numpy", sizes: Mapping[str, int] | str | None = None) -> str:
        """A self-contained module with ``solution(...)``, which takes all but the unknowns; several are a tuple."""
        from matcalc.generator.code import functions_source

        if not self.points:
            lines = ["no closed form was found; stationary where", *self.equation.splitlines()]
            return "".join(f"# {line}\n" for line in lines)
        functions = []
        for number, point in enumerate(self.points, start=1):
            values = point.written_out
            name = "solution" if number == 1 else f"solution_{number}"
            kind = f" ({point.kind})" if point.kind != UNDECIDED else ""
            title = f"The stationary point in {', '.join(self.wrt)}{kind}."
            functions.append((name, title, [(n, values[n]) for n in self.wrt]))
        given = {name: kind for name, kind in self.declared.items() if name not in self.wrt}
        results = {n: self.declared[n] for n in self.wrt}
        return functions_source(functions, given, results, target=target, sizes=sizes)

    def function(self, name: str = "solution", target: str = "numpy") -> Callable[..., Any]:
        """The solution as a Python function of keyword arguments."""
        from matcalc.generator.code import compile_module

        if not self.points:
            raise UnsupportedError("there is no closed form", hint=f"the point is where {self._condition_text()}")
        return compile_module(self.source(target))[name]  # type: ignore[no-any-return]

    @property
    def expr(self) -> Any:
        """The first unknown's value as a SymPy expression."""
        from matcalc.bridge.sympy_bridge import to_sympy

        return to_sympy(self.answer, getattr(self.derivation.problem, "objects", None))

    def verify(self, **options: Any) -> Verdict:
        """Substitution and a random search, by numbers, again; the worst verdict."""
        if not self.points:
            raise UnsupportedError("there is no closed form to verify")
        verdicts = [p.verdict for p in self.points]
        if options:
            verdicts = [
                verdict_of(self.derivation, p.written_out, self.constraints, p.kind, p.far, options)
                for p in self.points
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
                "mathml": mathml(value),
                "shape": list(array_shape(ops.sym(name, self.declared[name]))),
            }
            for name, value in point.values.items()
        }


def verdict_of(
    derivation: Derivation,
    written: Mapping[str, Expr],
    constraints: Sequence[Expr],
    kind: str,
    far: bool,
    options: Mapping[str, Any],
) -> Verdict:
    """The numerical check of a point."""
    from matcalc.solving.stationary import verify_stationary

    answers = derivation.answers
    point = [(answers[name].variable, written[name]) for name in answers]
    gradients = [answers[name].expr for name in answers]
    kinds = derivation.declared
    f = raised(derivation.loss)
    return verify_stationary(f, point, gradients, constraints=constraints, kind=kind, far=far, kinds=kinds, **options)
