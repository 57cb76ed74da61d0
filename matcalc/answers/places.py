"""Derivatives by entries, rows, columns and slices: ``B[i, j]``, ``X[0, :]``, ``w[2]``.

The derivative by the whole variable, then the part of it: of a gradient G the entry G[i, j]; of a linear map its value
along R'*dx*C, where R and C are the rows of the identity that the part is taken with, X[...] = R*X*C'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from matcalc import ops
from matcalc.answers.derivation import Answer, Derivation
from matcalc.answers.derive import derive as derive_whole
from matcalc.answers.presentation import index_data
from matcalc.answers.steps import in_own_names
from matcalc.calculus.higher import Forms, read_off, stacked
from matcalc.calculus.index_form import IndexForm, index_form
from matcalc.calculus.index_text import index_pretty, index_set, run
from matcalc.calculus.selectors import picks
from matcalc.calculus.unfold import IDENTIFIES
from matcalc.errors import InputError, UnknownName, UnsupportedError
from matcalc.expr import Expr, symbols
from matcalc.kinds import Kind, kind_of_shape
from matcalc.language.names import spelled
from matcalc.language.parse import read
from matcalc.printing.formulas import Typesetter
from matcalc.printing.markup import Markup, Row
from matcalc.printing.pretty import pretty
from matcalc.printing.step import Step
from matcalc.rules.match import same
from matcalc.rules.rewrite import rewriter
from matcalc.shapes import ONE
from matcalc.simplifier.simplify import Simplifier
from matcalc.simplifier.tidy import tidy

if TYPE_CHECKING:
    from matcalc.numeric.verify import Verdict


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a variable as it was typed, and the slice that it is; ``symbol`` has its shape."""

    typed: str
    whole: Expr
    node: Expr
    symbol: Expr

    @property
    def places(self) -> tuple[str | None, str | None] | None:
        """For each axis the index as it is written, None where the axis is free; None for a range of it."""
        index = list(self.node.args[1:])
        found: list[str | None] = []
        for spec in self.node.data:  # type: ignore[union-attr]
            if spec[0] == "range":
                return None
            at = index.pop(0) if spec[0] == "at" else None
            if at is not None and at.op != "num" and at.op != "sym":
                return None
            found.append(None if at is None else str(at.data) if at.op == "num" else at.name)
        return found[0], found[1]

    def embedded(self, d: Expr) -> Expr:
        """R'*d*C: a change of the part as one of the whole."""
        rows, cols = picks(self.node)
        before = [] if rows.op == "eye" or rows.is_scalar else [ops.transpose(rows)]
        after = [] if cols.op == "eye" or cols.is_scalar else [cols]
        return ops.mul(*before, d, *after)


@dataclass(frozen=True, eq=False)
class PartDerivation(Derivation):
    """The derivative by parts of variables; ``whole`` is the one by the variables that they are parts of."""

    whole: Derivation | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    entries: Mapping[str, IndexForm] = field(default_factory=dict)

    def __getitem__(self, name: str) -> PartDerivation:
        found = super().__getitem__(name)
        assert isinstance(found, PartDerivation)
        return replace(found, entries={n: e for n, e in self.entries.items() if n == name})

    def adjoint_name(self, answer: Answer) -> str:
        """A name for the derivative by a part: ``dB_ij``."""
        part = self.parts.get(answer.name)
        return super().adjoint_name(answer if part is None else replace(answer, name=part.symbol.name))

    def screen(self, columns: int = 80) -> str | None:
        return None if self.entries else super().screen(columns)

    def pretty(self) -> str:
        """The closed form; of an array also each entry of it with deltas."""
        entries = [
            index_pretty(e, head=f"∂{self._letter}_{run(e.indices)}/∂{pretty(self.parts[n].node)}")
            for n, e in self.entries.items()
        ]
        return "\n".join([super().pretty(), *entries])

    def _set(self, markup: Markup) -> str:
        """The closed form; of an array also each entry of it with deltas."""
        closed = super()._set(markup)
        if not self.entries or len(self.answers) > 1:
            return closed
        ((name, entry),) = self.entries.items()
        m, part = markup, self.parts[name].node
        indices = m.run([m.index(i) for i in entry.indices], apart=any(len(i) > 1 for i in entry.indices))
        above = f"{m.partial}{m.subscript(m.index(self._letter), indices)}"
        head = str(m.fraction(above, f"{m.partial}{Typesetter(m, [part])(part)}"))
        left, right = index_set(entry, m, head=head)
        return m.aligned([Row("", "", closed), Row("", "", f"{left}{m.equals}{right}")])

    @property
    def _letter(self) -> str:
        """What the function is called: the y of ``∂y_k/∂B[i, j]``."""
        letter = next(c for c in ("Y", "F", "Z", "Y_") if c not in self.declared)
        return letter if ONE not in self.loss.shape else letter.lower()

    def _steps(self) -> tuple[Step, ...]:
        """The derivation by the whole variable, then the part of it; of a map its value where the part alone varies."""
        assert self.whole is not None
        read = set() if self.forms.keys() - self.parts.keys() else {"vec-form", "transposition", "first-identification"}
        whole = replace(self.whole, where="never", residuals=())  # names come last
        found = [step for step in whole.steps if not self.forms or step.by not in read]
        results = {step.before.name: step.before for step in found if step.before.op == "sym"}
        several = len(self.whole.answers) > 1
        for name, part in self.parts.items():
            answer, x = self.answers[name], part.whole.name
            if name in self.forms:
                found.extend(self._in_one_place(part, self.forms[name]))
                continue
            result = self._result("gradient", part, answer.expr)
            taken = ops.substitute(part.node, {part.whole: results[f"gradient_{x}" if several else "gradient"]})
            says = f"of the gradient the part that belongs to {part.typed}"
            found.append(Step(result, taken, "part", "definition", says, True))
            found.append(Step(taken, answer.expr, "substitution", "the steps above", "put in", True))
        return (*found, *in_own_names(self))

    def _in_one_place(self, part: Part, form: Forms) -> Iterator[Step]:
        """The differential where nothing else varies, and what it identifies."""
        assert self.whole is not None
        whole = self.whole.forms[part.whole.name]
        dx, change = ops.formal_differential(part.whole), tidy(part.embedded(form.direction))
        before = ops.substitute(whole.map, {whole.direction: dx})
        yield Step(dx, change, "part", "definition", f"{part.typed} alone varies", True)
        says = f"with that, where {part.typed} alone varies"
        yield Step(before, form.map, "substitution", "the steps above", says, True)
        product = ops.mul(form.matrix, form.direction if form.variable.is_scalar else stacked(form.direction))
        left = stacked(form.map) if form.stacked and not form.variable.is_scalar else form.map
        if not same(left, product):
            yield Step(left, product, "transposition", "algebra", "the differential taken out", True)
        result = self._result("jacobian", part, form.matrix)
        yield Step(result, form.matrix, "part", IDENTIFIES, "what multiplies the differential", True)

    def _result(self, what: str, part: Part, e: Expr) -> Expr:
        name = f"{what}_{part.symbol.name}"
        while name in self.declared:
            name += "_"
        return ops.sym(name, kind_of_shape(e.shape))

    def verify(self, **options: Any) -> Verdict:
        """The whole derivative against differences, the part against the whole."""
        from matcalc.numeric.verify import verify_equal

        assert self.whole is not None
        verdicts = [self.whole.verify(**options)]
        for name, answer in self.answers.items():
            part = self.parts.get(name)
            if part is None:
                continue
            form = self.forms.get(name)
            if form is None:
                gradient = self.whole.answers[part.whole.name].expr
                taken = ops.substitute(part.node, {part.whole: gradient})
                verdicts.append(verify_equal(taken, answer.expr, kinds=self.declared, **options))
                continue
            of_whole = self.whole.forms[part.whole.name]
            change = ops.substitute(of_whole.map, {of_whole.direction: part.embedded(form.direction)})
            step = stacked(form.direction)
            if part.symbol.is_scalar:
                verdicts.append(verify_equal(change, ops.mul(form.matrix, step), **options))
            else:
                verdicts.append(verify_equal(stacked(change), ops.mul(form.matrix, step), **options))
            if form.index is not None and form.stacked:
                verdicts.append(verify_equal(form.matrix, form.index.node(), **options))
        return min(verdicts, key=lambda v: (v.holds, -v.residual))

    def json(self) -> dict[str, Any]:
        """As of every derivation; the entries in index form besides."""
        found = super().json()
        for name, entry in self.entries.items():
            found["answers"][name] |= index_data(entry)
        return found


def derive_parts(function: Any, names: tuple[str, ...], declare: Any, options: Mapping[str, Any]) -> PartDerivation:
    """The derivative by names of which some have brackets."""
    if options.get("order", 1) != 1:
        raise UnsupportedError(
            "second derivatives are taken by whole variables", hint="an entry of the Hessian is an entry of that"
        )
    wholes = tuple(dict.fromkeys(_stem(name) for name in names))
    d = derive_whole(function, wholes, declare, **options)
    declared = dict(d.declared)
    short = Simplifier(rewriter(d.table))
    answers: dict[str, Answer] = {}
    parts: dict[str, Part] = {}
    forms: dict[str, Forms] = {}
    entries: dict[str, IndexForm] = {}
    for name in names:
        stem = _stem(name)
        whole = d.answers[stem]
        if "[" not in name:
            answers[name] = whole
            forms |= {name: d.forms[name]} if name in d.forms else {}
            continue
        part = _part(name, whole.variable, declared)
        parts[name] = part
        if not d.forms:
            taken = d.as_asked(ops.substitute(part.node, {part.whole: whole.expr}))
            answers[name] = Answer(name, part.symbol, taken, whole.convention)
            continue
        form = d.forms[stem]
        step = ops.sym(f"d{part.symbol.name}", part.symbol.data[1])  # type: ignore[index]
        change = short.settled(ops.substitute(form.map, {form.direction: part.embedded(step)}))
        forms[name] = read_off(form.function, part.symbol, step, change, d.table, short)
        answers[name] = Answer(name, part.symbol, forms[name].matrix)
        if part.symbol.is_scalar and part.places is not None:
            try:
                entry = index_form(form.map, form.direction, short.settled, part.places)
            except UnsupportedError:
                continue
            if entry.indices:
                entries[name] = entry
    return PartDerivation(
        **{f: getattr(d, f) for f in d.__dataclass_fields__ if f not in ("answers", "forms", "declared", "backward")},
        answers=answers,
        forms=forms,
        declared=declared,
        whole=d,
        parts=parts,
        entries=entries,
    )


def _stem(name: str) -> str:
    return spelled(name.partition("[")[0].strip())


def _part(name: str, x: Expr, declared: dict[str, Kind]) -> Part:
    """The part that was typed; its letters are declared as integers if they are nobody's names."""
    found = read(name, declared)
    node = found.function
    if node.op != "slice" or node.args[0] is not x:
        hint = f"as in {x.name}[i, j] or {x.name}[0, :]"
        raise InputError(f"'{name}' is no entry, row, column or slice of {x.name}", hint=hint)
    for letter in symbols(node):
        if letter is x:
            continue
        if letter.name in declared and "integer" not in declared[letter.name].facts:
            raise UnknownName(f"{letter.name} is a variable here, not an index", hint="another letter is free")
        declared[letter.name] = letter.data[1]  # type: ignore[index]
    inside = "".join(c if c.isalnum() else "_" for c in name.partition("[")[2].rpartition("]")[0])
    short = "_".join(piece for piece in inside.split("_") if piece)
    symbol = f"{x.name}_{short.replace('_', '') if all(len(p) == 1 for p in short.split('_')) else short}"
    while symbol in declared or f"d{symbol}" in declared:
        symbol += "_"
    return Part("".join(name.split()), x, node, ops.sym(symbol, kind_of_shape(node.shape)))
