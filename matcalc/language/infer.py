"""Kinds of undeclared names: the reading in which as few of them as possible leave their convention.

The conventional reading comes first. Where a construct does not fit, the names below it are read otherwise,
one at a time, then two, and so on; a repair that is the only smallest one is kept at once, several are
followed side by side, fewest departures first. Readings in which an undeclared name is broadcast come last.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import chain, combinations, count, product

from matcalc.errors import InputError, MatcalcError, ShapeError
from matcalc.kinds import Kind
from matcalc.language.draft import Conflict, form
from matcalc.language.names import COUNTS, is_greek
from matcalc.language.program import Inference, Line, Program, Variable, place
from matcalc.language.shaping import Shaping
from matcalc.language.unknowns import Unknowns
from matcalc.shapes import Dim, Shape

# what a name may be read as instead, and how far that is from its convention
INSTEAD = {
    "scalar": {"vector": 1, "row": 2, "matrix": 4},
    "vector": {"scalar": 2, "row": 2},
    "matrix": {"scalar": 4},
}
NEARBY = 12  # with more undeclared names under a construct, only the evident repair is tried
STEPS = 120_000
LETTERS = "n m p q r k l s t u v w h".split()

Departures = frozenset[tuple[str, str]]


def infer(program: Program) -> Inference:
    """The best reading of the program; an error if there is none, or several equally good ones."""
    for broadcast in (False, True):
        search = _Search(program, broadcast)
        found = search.readings()
        if len(found) > 1:
            raise _ambiguous(program, found)
        if found:
            shaping = search.shaped(found[0])
            return _finish(program, shaping)
    search = _Search(program, True)
    raise place(search.complaint(), program.text)


def _ambiguous(program: Program, found: list[Departures]) -> MatcalcError:
    lines = sorted("; ".join(f"{name} is a {form_}" for name, form_ in sorted(d)) for d in found)
    first = min((program.variables[name] for d in found for name, _ in d), key=lambda v: v.position)
    listed = "\n".join(f"  {line}" for line in (lines if len(lines) <= 6 else [*lines[:6], "..."]))
    return InputError(
        f"this can be read in several ways:\n{listed}", text=program.text, position=first.position,
        hint=f"declare what is meant, as in {first.name}: {_sample(found, first.name)}",
    )  # fmt: skip


def _sample(found: list[Departures], name: str) -> str:
    form_ = next(f for d in found for n, f in sorted(d) if n == name)
    return {"scalar": "scalar", "vector": "vector(n)", "row": "row(n)", "matrix": "matrix(m, n)"}[form_]


def _cost(program: Program, departures: Departures) -> tuple[int, int]:
    """How many names leave their convention, then how far."""
    variables = [(program.variables[name], form_) for name, form_ in departures]
    tier = sum(INSTEAD[v.convention][f] for v, f in variables)
    # a spelt Greek letter is a scalar more firmly than a, b, c; a name that is transposed less so,
    # and a name that usually counts leaves the vectors first
    tier += sum(v.convention == "scalar" and is_greek(v.name) for v, _ in variables)
    tier -= sum(v.transposed and f == "vector" for v, f in variables)
    tier -= sum(v.name in COUNTS and f == "scalar" for v, f in variables)
    return len(departures), tier


class _Search:
    """The search for readings of one program."""

    def __init__(self, program: Program, broadcast: bool) -> None:
        self.program = program
        self.broadcast = broadcast
        self.steps = 0
        self.limit = STEPS + 4 * sum(len(line.nodes) for line in program.lines)
        self.tried: set[Departures] = set()
        self._latest: tuple[Departures, Shaping] | None = None  # the reading that the names have now

    def readings(self) -> list[Departures]:
        """The cheapest readings that fit."""
        order = count()
        heap: list[tuple[tuple[int, int], int, Departures]] = [((0, 0), next(order), frozenset())]
        found: dict[Departures, tuple[int, int]] = {}
        while heap:
            cost, _, departures = heapq.heappop(heap)
            if found and cost > min(found.values()):
                break
            if departures in self.tried or self.steps > self.limit:
                continue
            self.tried.add(departures)
            done, others = self._follow(departures)
            if done is not None:
                found[done] = _cost(self.program, done)
            for other in others:
                heapq.heappush(heap, (_cost(self.program, other), next(order), other))
        best = min(found.values(), default=None)
        return [d for d, c in found.items() if c == best]

    def shaped(self, departures: Departures) -> Shaping:
        """The shapes under a reading that fits."""
        if self._latest is not None and self._latest[0] == departures:
            return self._latest[1]
        shaping = self._start(departures)
        for line in self.program.lines:
            shaping.line(line)
        shaping.unknowns.settle()
        return shaping

    def complaint(self) -> MatcalcError:
        """What does not fit in the conventional reading."""
        shaping = self._start(frozenset())
        try:
            for line in self.program.lines:
                shaping.line(line)
        except Conflict as conflict:
            error = conflict.error()
            names = sorted({v.name for v in self._below(shaping, conflict, len(shaping.results))})
            if names and error.hint is None:
                error.hint = f"undeclared: {', '.join(names[:8])}; declare their kinds if they are meant otherwise"
            return error
        return self.undecided(shaping)

    def undecided(self, shaping: Shaping) -> MatcalcError:
        """The equations between the sizes have no solution, or more than one."""
        node = shaping.equations[0] if shaping.equations else self.program.lines[-1].nodes[-1]
        return ShapeError(
            "the sizes here cannot be told from the expression", position=node.start, hint="declare the names in it"
        )

    def _start(self, departures: Departures) -> Shaping:
        wanted = dict(departures)
        self._latest = None
        self.steps += len(self.program.variables)
        for variable in self.program.variables.values():
            variable.form = wanted.get(variable.name, "scalar" if variable.fixed else variable.convention)
            variable.integer = variable.fixed
        return Shaping(self.program, self.broadcast)

    def _follow(self, departures: Departures) -> tuple[Departures | None, list[Departures]]:
        """Shape line by line; the reading if all fits, or the repairs to choose from where it does not."""
        shaping = self._start(departures)
        lines = self.program.lines
        number = 0
        while number < len(lines):
            mark = shaping.unknowns.mark()
            try:
                shaping.line(lines[number])
                number += 1
                continue
            except Conflict as conflict:
                shaping.unknowns.undo(mark)
                self.steps += shaping.steps
                shaping.steps = 0
                repairs = self._repairs(shaping, conflict, number, departures)
            fresh = len(repairs) == 1 and all(self.program.variables[n].first == number for n, _ in repairs[0])
            if not fresh:
                return None, [departures | repair for repair in repairs]
            departures |= repairs[0]
            for name, form_ in repairs[0]:
                shaping.give(self.program.variables[name], form_)
        self.steps += shaping.steps
        if shaping.unknowns.settle():
            return None, []
        self._latest = departures, shaping
        return departures, []

    def _below(self, shaping: Shaping, conflict: Conflict, number: int) -> list[Variable]:
        """The undeclared names under the node, those of earlier lines last."""
        node = conflict.node
        found: dict[Variable, None] = {}
        lines = [(self.program.lines[number], node.first, node.at)]
        seen = {number}
        while lines and len(found) <= NEARBY:
            line, first, last = lines.pop(0)
            for part in line.nodes[first : last + 1]:
                meaning = line.meaning.get(part.at)
                if meaning is None:
                    continue
                if meaning[0] == "variable" and not meaning[1].fixed:
                    found[meaning[1]] = None
                elif meaning[0] == "line" and meaning[1] not in seen:
                    seen.add(meaning[1])
                    earlier = self.program.lines[meaning[1]]
                    lines.append((earlier, 0, len(earlier.nodes) - 1))
        return list(found)

    def _repairs(
        self, shaping: Shaping, conflict: Conflict, number: int, departures: Departures
    ) -> list[Departures]:
        """The smallest sets of departures after which the node fits."""
        if conflict.final:
            return []
        taken = {name for name, _ in departures}
        names = [v for v in self._below(shaping, conflict, number) if v.name not in taken]
        evident = _evident(self.program.lines[number], conflict, taken)
        here = [v for v in names if v.first == number]
        if len(here) <= NEARBY and len(evident) <= 2:
            # names that this line brings in come first: the earlier lines were read without conflict
            for size in (1, 2):
                for group in (here, names) if len(names) > len(here) else (here,):
                    fitting = [
                        repair
                        for repair in self._choices(group, size, conflict.mixed)
                        if self.steps <= self.limit and self._fits(shaping, conflict, number, departures, repair)
                    ]
                    if fitting:
                        return fitting
        if evident and self._fits(shaping, conflict, number, departures, evident):
            return [evident]
        return []

    def _choices(self, names: list[Variable], size: int, mixed: bool) -> Iterator[Departures]:
        """Other forms for ``size`` of the names; arrays of different forms do not fit by being scalars."""
        for chosen in combinations(names[:NEARBY], size):
            options = [[f for f in INSTEAD[v.convention] if not (mixed and f == "scalar")] for v in chosen]
            for forms in product(*options):
                yield frozenset((v.name, f) for v, f in zip(chosen, forms, strict=True))

    def _fits(
        self, shaping: Shaping, conflict: Conflict, number: int, departures: Departures, repair: Departures
    ) -> bool:
        variables = [self.program.variables[name] for name, _ in repair]
        if any(v.first < number for v in variables):
            return self._fits_from_start(conflict, number, departures | repair)
        before = [(v, v.form, v.shape, v.integer) for v in variables]
        mark = shaping.unknowns.mark()
        for name, form_ in repair:
            shaping.give(self.program.variables[name], form_)
        try:
            shaping.part(self.program.lines[number], conflict.node.first, conflict.node.at + 1)
            return True
        except Conflict:
            return False
        finally:
            self.steps += shaping.steps
            shaping.steps = 0
            shaping.unknowns.undo(mark)
            for variable, form_, shape, integer in before:
                variable.form, variable.shape, variable.integer = form_, shape, integer

    def _fits_from_start(self, conflict: Conflict, number: int, departures: Departures) -> bool:
        variables = list(self.program.variables.values())
        before = [(v, v.form, v.shape, v.integer) for v in variables]
        shaping = self._start(departures)
        try:
            for line in self.program.lines[:number]:
                shaping.line(line)
            shaping.part(self.program.lines[number], conflict.node.first, conflict.node.at + 1)
            return True
        except Conflict:
            return False
        finally:
            self.steps += shaping.steps
            for variable, form_, shape, integer in before:
                variable.form, variable.shape, variable.integer = form_, shape, integer


def _evident(line: Line, conflict: Conflict, taken: set[str]) -> Departures:
    """Where scalar names are added to arrays: each such name has the form of the arrays."""
    wanted = form(conflict.wanted)
    found: set[tuple[str, str]] = set()
    for part in conflict.spread:
        names = {
            line.meaning[n.at][1].name
            for n in line.nodes[part.first : part.at + 1]
            if n.at in line.variables and not line.variables[n.at].fixed
        }
        if len(names) == 1 and not names & taken:
            found.add((names.pop(), wanted))
    return frozenset(found)


# --- names for the dimensions -------------------------------------------------------------------------


def _finish(program: Program, shaping: Shaping) -> Inference:
    unknowns = shaping.unknowns
    names = _name_dims(program, unknowns)
    kinds: dict[str, Kind] = {}
    for variable in program.variables.values():
        rows, cols = (unknowns.find(d).substitute(names) for d in variable.shape)
        facts = frozenset({"integer"} if variable.integer and variable.form == "scalar" else ())
        kinds[variable.name] = Kind(variable.form, rows, cols, facts)
    sizes: dict[tuple[int, int], Shape] = {}
    for (number, at), shape in shaping.sizes.items():
        rows, cols = (unknowns.find(d).substitute(names) for d in shape)
        if any(name.startswith("?") for dim in (rows, cols) for name in dim.names):
            node = program.lines[number].nodes[at]
            raise ShapeError(
                "the size of this constant cannot be told from the expression", text=program.text,
                position=node.start, hint="write the size, as in eye(n) or ones(n)",
            )  # fmt: skip
        sizes[number, at] = (rows, cols)
    return Inference(kinds, sizes)


def _name_dims(program: Program, unknowns: Unknowns) -> Mapping[str, Dim]:
    """Letters for the unknown dimensions, in order of occurrence; a first matrix is m x n."""
    taken = {*program.mentioned, *program.kinds, *program.dims, *program.functions}
    taken |= {line.name for line in program.lines}
    letters = (
        name
        for name in chain(LETTERS, (f"{letter}{i}" for i in count(1) for letter in LETTERS[:4]))
        if name not in taken
    )
    names: dict[str, Dim] = {}
    waiting: list[str] = []
    for variable in program.variables.values():
        new = [d.name for d in map(unknowns.find, variable.shape) if d.name is not None and d.name.startswith("?")]
        new = [name for name in dict.fromkeys(new) if name not in names]
        if len(new) == 2 and not names:
            first, second = next(letters), next(letters)
            names[new[0]], names[new[1]] = Dim.of(second), Dim.of(first)
            continue
        for name in new:
            names[name] = Dim.of(next(letters))
    for variable in program.variables.values():
        for dim in map(unknowns.find, variable.shape):
            waiting.extend(name for name in sorted(dim.names) if name.startswith("?") and name not in names)
    for name in waiting:
        if name not in names:
            names[name] = Dim.of(next(letters))
    return names


