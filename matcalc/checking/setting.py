"""What a claim is about: the function, the variable, and the names that the claim may use.

In a program a claim may speak of every named line, and of the adjoints: ``dZ`` is the derivative of the function by
the line Z, the lines before it taken for given. Such names are written out here, so that numbers can decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from matcalc.answers.derive import derive
from matcalc.checking.claims import Question, other_layout
from matcalc.errors import InputError, MatcalcError, ShapeError, UnknownName, UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import kind_of_shape
from matcalc.language.names import spelled
from matcalc.language.parse import Declarations, Problem, parse_declarations, read
from matcalc.language.syntax import statements
from matcalc.language.vocabulary import KNOWN
from matcalc.ops import add, dim, idx, isum, mul, num, substitute, sym, transpose, unit
from matcalc.shapes import ONE, Dim

_WORDS = ("pi", "in", "axis")  # of the language, though no functions


@dataclass(frozen=True, slots=True)
class Setting:
    """A function and, unless two expressions are compared, the variable ``name``; ``letters`` of an index form."""

    problem: Problem
    of: str | None
    name: str | None = None
    letters: tuple[str, ...] = ()
    layout: str = "gradient"
    structure: str = "auto"

    @property
    def variable(self) -> Expr | None:
        return None if self.name is None else sym(self.name, self.problem.kinds[self.name])

    @property
    def question(self) -> Question:
        return Question(self.problem.function, self.variable, self.layout, self.structure)

    def claim(self, equals: str) -> Expr:
        """The claim with the names of lines and adjoints written out, an index form as an array."""
        problem = self.problem
        lines = dict(problem.definitions)
        kinds = {**problem.kinds, **{name: kind_of_shape(value.shape) for name, value in lines.items()}}
        adjoints: dict[str, str] = {}
        if self.name is not None and problem.function.is_scalar:
            adjoints = {f"d{name}": name for name, kind in kinds.items() if kind.form != "function"}
            adjoints = {adjoint: name for adjoint, name in adjoints.items() if adjoint not in kinds}
        plain = {adjoint: kind_of_shape(kinds[name].shape) for adjoint, name in adjoints.items()}
        try:
            found = read(equals, {**kinds, **plain})
        except ShapeError:
            self._refuse_strangers(equals, {*kinds, *plain})
            raise
        claim = self._raised(found, known={*kinds, *plain})
        for adjoint in [s for s in symbols(claim) if s.name in adjoints]:
            claim = substitute(claim, {adjoint: self._adjoint(adjoints[adjoint.name])})
        return substitute(claim, {s: lines[s.name] for s in symbols(claim) if s.name in lines})

    def _adjoint(self, name: str) -> Expr:
        """The derivative of the function by a line or a variable."""
        problem = self.problem
        cut = without_line(problem, name, self.of) if name in dict(problem.definitions) else problem
        return derive(cut.text, name, cut.kinds, of=self.of).answers[name].expr

    def _refuse_strangers(self, equals: str, known: set[str]) -> None:
        """A claim that does not fit together: because of a name that is not the function's? (Indices are free.)"""
        if self.name is None:
            return
        free = {word for kind in self.problem.kinds.values() for word in re.findall(r"[A-Za-z]\w*", kind.text())}
        free |= {*_WORDS, *re.findall(r"sum\s*\(\s*(\w+)\s*(?:,|in\b)", equals)}
        for word in re.finditer(r"[A-Za-z]\w*(?!\w*\s*\()", re.sub(r"\[[^\]]*\]", lambda m: " " * len(m[0]), equals)):
            name = spelled(word[0])
            if name not in known | free and name not in KNOWN and not equals[: word.start()].endswith("."):
                raise self._stranger(name, equals, word.start())

    def _stranger(self, name: str, text: str, position: int | None) -> UnknownName:
        """The refusal of a name that the claim has and the function has not."""
        hint = f"the names are {', '.join(self.problem.kinds)}; what else the claim may use is to be declared"
        near = next((known for known in self.problem.kinds if known.lower() == name.lower()), None)
        return UnknownName(
            f"{name} occurs in the claim, but not in the function", text=text, position=position,
            hint=f"did you mean {near}?" if near else hint,
        )  # fmt: skip

    def _raised(self, found: Problem, known: set[str]) -> Expr:
        """A claim in index form as an array: the sum of claim*unit(i, n) over its free letters."""
        claim = found.function
        new = [name for name in found.kinds if name in found.inferred and name not in known]
        free = [name for name in new if "integer" in found.kinds[name].facts]
        strange = [name for name in new if name not in free]
        if self.name is None:
            return claim
        if strange:
            raise self._stranger(strange[0], found.text, _place(found.text, strange[0]))
        if not free and not self.letters:
            return claim
        x = self.variable
        assert x is not None
        axes = [d for d in x.shape if d is not ONE]
        letters = self.letters or tuple(sorted(free))
        if not claim.is_scalar or len(letters) != len(axes) or not set(free) <= set(letters):
            sample = f"{self.name}[{', '.join('ij'[: len(axes)])}]" if axes else self.name
            raise InputError(
                f"the free letters {', '.join(free) or '(none)'} of the claim are not the indices of {self.name}",
                text=found.text, position=_place(found.text, free[0]) if free else 0,
                hint=f"a claim for each entry names the indices with the variable: --wrt {sample!r}",
            )  # fmt: skip
        places = [idx(f"{letter}_place") for letter in letters]
        _check_places(claim, dict(zip(letters, axes, strict=True)), self.name)
        mapping = {s: place for s in symbols(claim) for place in places if place.data == f"{s.name}_place"}
        body = substitute(claim, mapping)
        units = [unit(place, d) for place, d in zip(places, axes, strict=True)]
        if x.rows is ONE:
            units = [transpose(units[0])]
        elif len(units) > 1:
            units[1] = transpose(units[1])
        body = mul(body, *units)
        for place, d in zip(places, axes, strict=True):
            body = isum(place, num(0), add(dim(d), num(-1)), body)
        return body if self.layout == "gradient" else other_layout(body, x)


def setting_of(
    function: str,
    wrt: str | None,
    equals: str,
    declare: Declarations,
    of: str | None,
    layout: str,
    structure: str,
) -> Setting:
    """Read the function, and the variable ``x`` or ``X[i, j]`` if there is one."""
    if wrt is None:
        return Setting(_compared(function, equals, declare, of), of)
    match = re.fullmatch(r"\s*([^\s\[\]]+)\s*(?:\[([^\[\]]*)\])?\s*", wrt)
    if match is None:
        raise InputError(f"'{wrt}' is not a variable", hint="name one, as in --wrt x, or its indices: --wrt 'X[i, j]'")
    name = spelled(match[1])
    letters = tuple(spelled(letter.strip()) for letter in (match[2] or "").split(",") if letter.strip())
    if any(not re.fullmatch(r"\w+", letter) or letter.isdecimal() for letter in letters):
        raise UnsupportedError(
            f"claims about single entries, rows, columns and slices are not checked: {wrt.strip()}",
            hint=f"claim the derivative by all of {name}, or by each entry of it, as in --wrt {name + '[i, j]'!r}",
        )
    problem = read(function, declare, of=of, wrt=(name,))
    if name in dict(problem.definitions):
        problem = without_line(problem, name, of)
    kind = problem.kinds.get(name)
    if kind is None or kind.form == "function":
        raise UnknownName(f"{name} is not a variable", hint=f"the names are {', '.join(problem.kinds)}")
    return Setting(problem, of, name, letters, layout, "auto" if structure == "projected" else structure)


def _compared(function: str, equals: str, declare: Declarations, of: str | None) -> Problem:
    """A function that is compared with a claim: both decide what undeclared names are."""
    declared = parse_declarations(declare)
    problem = None
    if [s.form for s in statements(function)] == ["function"]:
        try:
            joint = read(f"({function}) - ({equals})", declared)
        except MatcalcError:  # what is wrong is said of each side by itself
            pass
        else:
            problem = read(function, {**joint.kinds, **declared})
            problem = replace(problem, kinds=joint.kinds, notes=joint.notes)
    return problem or read(function, declared, of=of)


def without_line(problem: Problem, name: str, of: str | None) -> Problem:
    """The program with the line ``name = ...`` taken out: the name is a variable, of the shape that it had."""
    found = statements(problem.text)
    for number, statement in enumerate(found):
        if statement.form == "definition" and spelled(statement.names[0]) == name:
            stop = found[number + 1].start if number + 1 < len(found) else len(problem.text)
            text = problem.text[: statement.start] + problem.text[stop:]
            break
    else:
        raise UnsupportedError(f"{name} is a line of a loop; a claim about it is not supported yet")
    if of == name or not any(s.form in ("definition", "function") for s in found[number + 1 :]):
        raise InputError(f"{name} is the function itself: its derivative by itself is 1")
    value = dict(problem.definitions)[name]
    kinds = {**problem.kinds, name: kind_of_shape(value.shape)}
    return read(text, kinds, of=of, wrt=(name,))


def _check_places(claim: Expr, axes: Mapping[str, Dim], variable: str) -> None:
    """Refuse an index that counts something else than the axis of the variable that it is for."""
    for node in topological(claim):
        if node.op != "slice":
            continue
        whole, *used = node.args
        at = [size for spec, size in zip(node.data, whole.shape, strict=True) if spec[0] == "at"]  # type: ignore[call-overload]
        for letter, size in zip(used, at, strict=True):
            wanted = axes.get(letter.name) if letter.op == "sym" else None
            if wanted is not None and wanted is not size:
                raise ShapeError(f"{letter.name} counts {wanted} entries of {variable}, but here {size} entries")


def _place(text: str, name: str) -> int | None:
    """Where a name stands in a text."""
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    return match.start() if match else None
