"""A function unfolded into steps: differentials of its parts by the table, the whole differential, the gradients.

Formal differentials stand for those of the parts: dX of the variable, d(E) of what has a step of its own. What only
moves entries, adds or multiplies by constants is written through; products of varying factors and everything nonlinear
have a step each. The whole is then brought to tr(G'*dX), from which the gradient G is read off (Magnus & Neudecker
2019, sec. 9.2). Several variables vary together, and each gradient is read off its own term.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, reduce
from itertools import pairwise
from operator import or_
from typing import TYPE_CHECKING, NamedTuple

from matcalc import ops
from matcalc.calculus.adjoint import pullback
from matcalc.calculus.differential import local_differential
from matcalc.calculus.evidence import alike
from matcalc.calculus.reading_off import inner_form, reading, why_form
from matcalc.calculus.recognize import recognizer
from matcalc.calculus.shortening import shortened
from matcalc.calculus.structure import structured, unstructured
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, topological
from matcalc.expr import replace as replaced
from matcalc.indices import apart, names_in
from matcalc.kinds import kind_of_shape
from matcalc.language.index_sums import raised
from matcalc.printing.abbreviate import Abbreviations, given, invented
from matcalc.printing.measure import length
from matcalc.printing.step import Step
from matcalc.rules.facts import print_of
from matcalc.rules.match import same
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE, Shape
from matcalc.simplifier.normal import equal
from matcalc.simplifier.simplify import Simplifier
from matcalc.simplifier.tidy import arranged, faced, front, scaled, tidy, turned
from matcalc.walk import parts_first

if TYPE_CHECKING:
    from matcalc.answers.derivation import Derivation

READABLE = 60  # symbols: a longer differential is shown in its short form alone
LONGEST = 150  # a longer one is not shown at all: the gradient follows from the steps before
CLEARLY = 3  # so many symbols shorter is a step of its own
NAMED = 24  # a function of more symbols gets names for its parts
_SHORTENED = 600  # nodes: a larger differential is not shortened

# linear in one argument: the differential goes through
_LINEAR = frozenset("add t tr sum mean diagmat diagvec vec unvec block slice part isum".split())
_PRODUCTS = frozenset({"mul", "had", "kron"})
_RULES = "Petersen & Pedersen 2012, eqs. 33-37"
_LINEARITY = "sums, transposes, traces and products with constants are linear"
IDENTIFIES = "Magnus & Neudecker 2019, sec. 9.2"


class Local(NamedTuple):
    """What the differential of a part equals, by which identity, its source, in words; whether it is a known form."""

    d: Expr
    by: str
    source: str
    says: str
    known: bool = False


class Unfolding:
    """One derivation. What is declared of the variables' structure is forgotten on the way, as the engine does."""

    def __init__(
        self,
        derivation: Derivation,
        function: Expr,
        variables: Sequence[Expr],
        names: Mapping[Expr, Expr] | None = None,
        leaves: Mapping[Expr, Expr] | None = None,
    ) -> None:
        self.derivation = derivation
        self.table: Table = derivation.table
        self.short = Simplifier(rewriter(derivation.table))
        self.variables = tuple(variables)
        self.free = {x: unstructured(x) for x in variables}
        self.back = {y: x for x, y in self.free.items() if x is not y}
        self.given = dict(names or {})
        self.leaves = dict(leaves or {})
        self._in_leaves: dict[Expr, Expr] = {}  # expressions of the problem in terms of the leaves, and so on
        self._in_free: dict[Expr, Expr] = {}
        problem = derivation.problem
        lines = problem.definitions if problem is not None else ()
        self._sums = any(n.op == "isum" for n in topological(function, *(e for _, e in lines)))
        self.function = self.inside(function)
        self.f = raised(self.function)
        self.f = self.f if self.f is self.function else tidy(self.f)
        self.names = Abbreviations(given(self.f, ((name, self.inside(e)) for name, e in lines)))
        self.xs = tuple(self.free.values())
        order = topological(self.f)
        self.reached = {x: 1 << i for i, x in enumerate(self.xs)}  # of each node the variables below it, one bit each
        for n in order:
            bits = reduce(or_, (self.reached.get(a, 0) for a in n.args), self.reached.get(n, 0))
            if bits:
                self.reached[n] = bits
        self.active = set(self.reached)
        self.typed = set(order)
        self.d: dict[Expr, Expr] = {}  # of each node: its differential as it stands in the steps
        self.local: dict[Expr, Local] = {}  # of each node with a step of its own
        self.kept: set[Expr] = set()  # answers, which stay as they are
        self.symbols: dict[Expr, Expr] = {}  # of the answers
        self.answers: dict[Expr, Expr] = {}  # by the variable without its structure

    def gradients(self, answers: Mapping[Expr, Expr] | None = None) -> Iterator[Step]:
        """The steps to the gradients; ``answers``: what they are in short, for each variable."""
        if answers is None:
            answers = {a.variable: a.expr for a in self.derivation.answers.values()}
        self.kept = set(answers.values())
        self.answers = {self.free[x]: answer for x, answer in answers.items()}
        yield from self.displayed(self._to_gradients(answers))

    def displayed(self, found: Iterator[Step]) -> Iterator[Step]:
        """With names for parts, and with the variables as they are declared."""
        steps = list(found)
        names = {**self.names.names, **self.given}
        display = Abbreviations({**self.back, **names, **{self._declared(n): name for n, name in names.items()}})
        for n, name in self.names.names.items():
            yield Step(name, display.definition(n), "definition", "definition", "a name for a part")
        for step in steps:
            before, after = (e if e in self.kept else display(e) for e in (step.before, step.after))
            yield replace(step, before=before, after=after)

    def inside(self, e: Expr) -> Expr:
        """An expression of the problem in terms of the variables of this derivation."""
        of_leaves = replaced(apart(e) if self._sums else e, self.leaves, ops.rebuild, self._in_leaves)
        return replaced(of_leaves, self.free, ops.rebuild, self._in_free)

    def _declared(self, e: Expr) -> Expr:
        return ops.substitute(e, self.back) if self.back else e

    def length(self, e: Expr) -> int:
        return length(self.names(e))

    def _to_gradients(self, answers: Mapping[Expr, Expr]) -> Iterator[Step]:
        raw: dict[Expr, Expr] = {}
        forward = yield from self.to_whole()
        if forward is not None:
            yield from self._brought_to_form(*forward, raw)
        for x, answer in answers.items():
            yield from self._identified(x, answer, raw.get(self.free[x]) or ops.zeros(*x.shape))

    def to_whole(self) -> Generator[Step, None, tuple[Expr, bool] | None]:
        """The forward part; what it gives: the whole differential, and whether its last line is that."""
        df = ops.formal_differential(self.f)
        if self.function is not self.f:
            yield Step(self.function, self.f, "matrix-form", "definition", "the sum over an index in matrix form", True)
        if self.f not in self.active:
            says = "the variable does not occur in it"
            yield Step(df, ops.zeros(*self.f.shape), "constant", "definition", says, True)
            return None
        self._differentials()
        self._name()
        if self.f in self.xs:
            return df, True
        forward = list(self._forward())
        yield from forward
        whole = self._whole()
        chained = all(step.before is last.after for last, step in pairwise(forward))
        return whole, bool(forward) and chained and forward[-1].after is whole

    # --- the differentials of the parts ---

    def _differentials(self) -> None:
        """Of every part: written through, or a formal differential, which then gets a step of its own."""
        for x in self.xs:
            self.d[x] = ops.formal_differential(x)
        for n in topological(self.f):
            if n in self.active and n not in self.d:
                through = self._is_linear(n) and (n is self.f or n not in self.names.names)
                self.d[n] = tidy(self._local(n), self.typed) if through else self._formal_or_scaled(n)
        if self.f not in self.xs and not self.derivation.first_principles:
            self._recognize_terms()

    def _formal_or_scaled(self, n: Expr) -> Expr:
        """d(n); where constants stand in a product of varying factors c*d(rest), so that the product rule has no c."""
        constants, rest = self._split(n)
        if not constants or n in self.names.names or rest.shape != n.shape:
            return ops.formal_differential(n)
        return tidy(ops.mul(*constants, self._varying(rest)), self.typed)

    def _is_linear(self, n: Expr) -> bool:
        return n.op in _LINEAR or (n.op in _PRODUCTS and sum(a in self.active for a in n.args) == 1)

    def _local(self, n: Expr) -> Expr:
        return local_differential(n, {a: self.d[a] for a in n.args if a in self.active}, self.table)[0]

    def _name(self) -> None:
        """Names of our own for parts of a long formula, or one with a long differential, where a program gives none."""
        if self.names.names or self.f in self.local or self.f in self.xs:
            return
        if length(self.f) <= NAMED and (len(self.typed) > _SHORTENED or length(self._whole()) <= READABLE):
            return
        own = [n for n in self._parents_first(_formal(self.d[self.f], self.typed)) if not self.local[n].known]
        parts = {a for n in own for a in n.args if a in self.active}
        self.names = Abbreviations(invented(self.f, parts, {*self.derivation.declared, *names_in(self.f)}))

    def _forward(self) -> Iterator[Step]:
        """The differential of the function, then those of its parts, from the outside in."""
        if self.f in self.xs:
            return
        df = ops.formal_differential(self.f)
        if self.d[self.f] is not df:
            yield Step(df, self.d[self.f], "linearity", _RULES, _LINEARITY)
        for n in self._parents_first(_formal(self.d[self.f], self.typed)):
            local = self.local[n]
            yield Step(ops.formal_differential(n), local.d, local.by, local.source, local.says)

    def _parents_first(self, roots: Sequence[Expr]) -> list[Expr]:
        """The parts that need a step, each before those of which it is made, otherwise in the order of reading."""

        def below(n: Expr) -> list[Expr]:
            if n not in self.local:
                self.local[n] = self._recognized(n) or self._power_of_norm(n) or self._by_operation(n)
            return others(_formal(self.local[n].d, self.typed))

        def others(parts: Sequence[Expr]) -> list[Expr]:
            return [part for part in reversed(parts) if part not in self.xs]

        return parts_first(others(roots), below)[::-1]

    def _power_of_norm(self, n: Expr) -> Local | None:
        """d(norm2(A)^k) = k/2*norm2(A)^(k - 2)*d(norm2(A)^2) for k >= 2, d(norm2(A)^2) = 2*tr(A'*dA).

        Both hold at 0 too, where the norm has no derivative, so that it is not differentiated on the way. From first
        principles the square is the inner product A'*A.
        """
        if n.op != "pow" or n.args[0].op != "norm2" or n.args[0] in self.names.names:
            return None
        norm, exponent = n.args
        k = exponent.data
        if not isinstance(k, Fraction) or k < 2:
            return None
        if k > 2:
            square = ops.power(norm, ops.num(2))
            outer = ops.mul(ops.num(k / 2), ops.power(norm, ops.num(k - 2)), self._varying(square))
            entry = self.table.differential(n)
            source = "; ".join(entry.source) if entry is not None else "algebra"
            return Local(tidy(outer, self.typed), "power", source, "a power of the squared norm", True)
        a = norm.args[0]
        if self.derivation.first_principles:
            product = ops.mul(a, ops.transpose(a)) if a.rows is ONE else ops.mul(ops.transpose(a), a)
            square = product if product.is_scalar else ops.trace(product)
            words = "`norm2(x)^2 = x'*x`" if a.cols is ONE else "`norm2(A)^2 = tr(A'*A)`"
            return Local(self._varying(square), "square-of-norm", "definition", f"by definition {words}", True)
        x = ops.sym("the argument", kind_of_shape(a.shape))  # nobody's name
        for known in recognizer(self.table)(ops.power(ops.norm2(x), ops.num(2)), x):
            form = ops.substitute(inner_form(known.gradient, x), {ops.formal_differential(x): self.d[a]})
            entry_id, source = known.entry.id, "; ".join(known.entry.source)
            return Local(tidy(ops.substitute(form, {x: a}), self.typed), entry_id, source, "a known gradient", True)
        return None

    def _varying(self, e: Expr) -> Expr:
        """The differential of an expression that is made of parts of the function, as it stands in the steps."""
        for n in topological(e):
            bits = reduce(or_, (self.reached.get(a, 0) for a in n.args), self.reached.get(n, 0))
            self.typed.add(n)
            if bits and n not in self.d:
                self.reached[n] = bits
                self.active.add(n)
                self.d[n] = tidy(self._local(n), self.typed) if self._is_linear(n) else ops.formal_differential(n)
        return self.d[e]

    def _by_operation(self, n: Expr) -> Local:
        d = {a: self.d[a] for a in n.args if a in self.active}
        local, entry = local_differential(n, d, self.table)
        after = tidy(local, self.typed)
        if self._is_linear(n):  # a name of the program
            return Local(after, "linearity", _RULES, _LINEARITY)
        if entry is None and n.op == "mul":
            entry = self.table.differentials.get("product")
        if entry is None:
            _, kind, derivative = n.data  # type: ignore[misc]
            which = "second derivatives" if kind.args is not None and derivative else "derivative"
            return Local(after, "undefined-function", "definition", f"the {which} of an undefined function")
        return Local(after, entry.id, "; ".join(entry.source), entry.says)

    # --- known gradients ---

    def _recognize_terms(self) -> None:
        """d f with a formal differential for the function, or for every additive part of it, that is a known form."""
        df = ops.formal_differential(self.f)
        whole = self._recognized(self.f)
        if whole is not None:
            self.local[self.f] = whole
            self.d[self.f] = df
            return
        if self.d[self.f] is df:
            return
        found: list[Expr] = []
        for term in self.f.args if self.f.op == "add" else (self.f,):
            if term not in self.active:
                continue
            constants, rest = self._split(term)
            if not rest.is_scalar:
                constants, rest = [], term
            written = self.d.get(rest)
            if rest in self.local:
                found.append(tidy(ops.mul(*constants, self.d[rest]), self.typed))
                continue
            known = None if written is ops.formal_differential(rest) else self._recognized(rest)
            if known is None or (written is not None and same(known.d, written)) or same(known.d, self.d[term]):
                found.append(self.d[term])  # not known, or known and obvious
                continue
            self.local[rest] = known
            self.d[rest] = ops.formal_differential(rest)
            found.append(tidy(ops.mul(*constants, self.d[rest]), self.typed))
        self.d[self.f] = ops.add(*found)

    def _split(self, term: Expr) -> tuple[list[Expr], Expr]:
        """The constant scalar factors of a term, and the rest."""
        if term.op != "mul":
            return [], term
        constants = [a for a in term.args if a.is_scalar and a not in self.active]
        rest = ops.mul(*(a for a in term.args if not (a.is_scalar and a not in self.active)))
        return constants, rest

    def _recognized(self, n: Expr) -> Local | None:
        """A known gradient by the one variable that occurs, where the engine finds the same for this part."""
        if self.derivation.first_principles or not n.is_scalar:
            return None
        bits = reduce(or_, (self.reached.get(a, 0) for a in (n, *n.args)))
        if bits.bit_count() != 1:
            return None
        x = self.xs[bits.bit_length() - 1]
        for known in recognizer(self.table)(n, x):
            try:
                engine = pullback(n, ops.num(1), (x,), self.table, self.short)[x]
                if not equal(known.gradient, engine, self.table):
                    continue
            except MatcalcError:
                continue
            entry = known.entry
            gradient = self._in_order(tidy(known.gradient, self.typed))
            says = entry.says or "a known gradient"
            return Local(inner_form(gradient, x), entry.id, "; ".join(entry.source), says, True)
        return None

    # --- the whole differential ---

    def _whole(self) -> Expr:
        """df in terms of the differentials of the variables alone, as it stands."""
        self._parents_first(_formal(self.d[self.f], self.typed))
        own = self.d[self.f] is ops.formal_differential(self.f)
        return self.in_terms_of(self.local[self.f].d if own else self.d[self.f], self.xs)

    def in_terms_of(self, root: Expr, ends: Container[Expr]) -> Expr:
        """``root`` with the differentials of parts put in until only those of the ``ends`` are left."""
        full: dict[Expr, Expr] = {}
        stack = [root]
        while stack:
            e = stack[-1]
            if e in full:
                stack.pop()
                continue
            if e in self.typed or not e.args or (e.op == "d" and (e.args[0] in ends or e.args[0] in self.xs)):
                full[e] = e
                continue
            below = (self.local[e.args[0]].d,) if e.op == "d" else e.args
            missing = [a for a in below if a not in full]
            if missing:
                stack.extend(missing)
            elif e.op == "d":
                full[e] = full[below[0]]
            else:
                args = tuple(full[a] for a in e.args)
                full[e] = e if args == e.args else ops.rebuild(e, args)
        return tidy(full[root], self.typed)

    def _brought_to_form(self, whole: Expr, found: bool, raw: dict[Expr, Expr]) -> Iterator[Step]:
        """The steps from the parts to the sum of the tr(G'*dX); ``raw`` receives the gradients.

        ``found``: the last step gave the whole differential, so that nothing is to be put together. Shortened or not
        before it is transposed: as the whole gets shorter to read.
        """
        last = whole if found else ops.formal_differential(self.f)
        shorter = whole if found else self.in_short(whole)
        ways = [(e, gradients, self._form(gradients)) for e in {whole: 0, shorter: 0}
                for gradients in (self._transposed(e),)]  # fmt: skip
        e, gradients, form = min(ways, key=lambda way: self._read(whole, *way))
        readable = {x: self.readable(g) for x, g in gradients.items()}
        collected = readable != gradients
        form = self._form(readable) if collected else form
        raw.update(readable)
        if same(form, e):  # but for the order
            whole, e = (form if same(form, whole) else whole), form
        if not found and self.length(whole) <= (LONGEST if e is whole else READABLE):
            yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
            last = whole
        if not found and e is not last and self.length(e) <= LONGEST:
            if last is whole:
                yield from shortened(last, e, self.table, "shortened", "simplification")
            else:
                yield Step(last, e, "substitution", "algebra", "put together and shortened", True)
            last = e
        if not same(form, last) and self.length(form) <= LONGEST:
            by, source, says = why_form(last, self.xs)
            yield Step(last, form, by, source, f"{says}; collecting" if collected else says, True)
            last = form
        yield from self._projected(last, raw)

    def _form(self, gradients: Mapping[Expr, Expr]) -> Expr:
        """The sum of the tr(G'*dX)."""
        tidied: dict[Expr, Expr] = {}
        return ops.add(*(inner_form(g, x, tidied) for x, g in gradients.items() if self._reaches(x)))

    def _reaches(self, x: Expr) -> bool:
        """Whether the variable occurs in the function."""
        return bool(self.reached.get(self.f, 0) & self.reached[x])

    def _read(self, whole: Expr, e: Expr, gradients: Mapping[Expr, Expr], form: Expr) -> int:
        """The symbols of the lines by way of ``e``: what a reader has to read."""
        lines = [e] if e is not whole else []
        lines += [] if same(form, e) else [form]
        for x, g in gradients.items():
            lines += [g, *([] if same(g, self.answers.get(x, g)) else [self.answers[x]])]
        return sum(map(self.length, lines))

    def _projected(self, form: Expr, raw: dict[Expr, Expr]) -> Iterator[Step]:
        """What of G counts where dX has the structure of the variable; entries that are tied are counted later."""
        if self.derivation.structure not in ("auto", "projected") or self.derivation.what == "hessian":
            return
        says: list[str] = []
        found = dict(raw)
        for y, g in raw.items():
            x = self.back.get(y, y)
            gradient, convention = structured(tidy(self._declared(g), self.typed), x, self.derivation.structure)
            gradient = tidy(gradient, self.typed)
            if convention and gradient is not self._declared(g) and not equal(gradient, self._declared(g), self.table):
                found[y] = gradient
                says.append(convention)
        projected = self._form(found)
        if says and self.length(projected) <= READABLE:
            raw.update(found)
            yield Step(form, projected, "structure", IDENTIFIES, "; ".join(says), True)

    def in_short(self, whole: Expr) -> Expr:
        """A form that is clearly shorter, if there is one: what cancels is gone, traces stay traces."""
        order = topological(whole)
        if len(order) > _SHORTENED:
            return whole
        shorter = self.short(whole)
        if length(shorter) > length(whole) - CLEARLY:
            return whole
        new = {n.op for n in topological(shorter)} - {n.op for n in order}
        return whole if new & {"sum", "had"} or alike(whole, shorter) else faced(shorter)

    def _transposed(self, whole: Expr) -> dict[Expr, Expr]:
        """The gradient by each variable as transposition of the whole differential leaves it."""
        return self.read_off(whole, self.xs)

    def read_off(self, whole: Expr, xs: Sequence[Expr]) -> dict[Expr, Expr]:
        """G of tr(G'*dX) for each of ``xs``, as transposition leaves it."""
        targets = tuple(ops.formal_differential(x) for x in xs)
        found = pullback(whole, ops.num(1), targets, self.table, self.short)
        tidied: dict[Expr, Expr] = {}
        return {x: self._in_order(tidy(found[dx], self.typed, tidied)) for x, dx in zip(xs, targets, strict=True)}

    def readable(self, raw: Expr) -> Expr:
        """A gradient as it is read off; shortened where it is much too long."""
        if length(raw) <= LONGEST or len(topological(raw)) > _SHORTENED:
            return raw
        short = self.short(raw)
        return short if length(raw) > 2 * length(short) else raw

    def _in_order(self, raw: Expr) -> Expr:
        """The terms in the order of the differential, of which the last comes first; equal ones counted."""
        terms: dict[bytes, tuple[Fraction, Expr]] = {}  # by the fingerprint, which equal ones share
        for term in reversed(raw.args) if raw.op == "add" else (raw,):
            inside = term.op == "t" and term.args[0].op == "add"
            for part in turned(term.args[0]).args if inside else (term,):
                c, rest = front(arranged(part))
                before, first = terms.get(print_of(rest), (Fraction(0), rest))
                terms[print_of(rest)] = before + c, first
        return tidy(ops.add(*(scaled(c, rest) for c, rest in terms.values())), self.typed)

    # --- the gradient ---

    def _identified(self, x: Expr, answer: Expr, raw: Expr) -> Iterator[Step]:
        """The gradient is read off; for a structured variable projected; then collected."""
        structure = self.derivation.structure
        suffix = x.name if len(self.variables) > 1 else ""
        raw = tidy(self._declared(raw), self.typed)
        gradient, convention = structured(raw, x, structure)
        gradient = tidy(gradient, self.typed)
        if gradient is not raw and equal(gradient, raw, self.table):
            gradient = raw
        projected = gradient is not raw
        if same(gradient, answer) or alike(gradient, answer) or self.length(gradient) > LONGEST:
            gradient = answer
        name = self.symbol("gradient", x.shape, suffix)
        self.symbols[answer] = name
        if not projected:
            yield Step(name, gradient, "first-identification", IDENTIFIES, reading(x), True)
        elif structure == "tied":
            yield Step(name, gradient, "tied-entries", "Petersen & Pedersen 2012, eq. 138", convention or "", True)
        else:
            yield Step(name, gradient, "structure", IDENTIFIES, convention or "", True)
        if gradient is not answer:
            says = "multiplied out" if self.derivation.expand else "collecting and factoring"
            if self.names(gradient) is not gradient and gradient.args:
                says += ", names written out"
            yield from shortened(gradient, answer, self.table, says)
        if self.derivation.layout == "numerator" and self.derivation.what == "gradient":
            derivative = self.symbol("derivative", (x.cols, x.rows), suffix)
            says = "the transposed gradient: rows follow the function"
            shown = self.derivation.shown(self.derivation.answers[x.name])
            self.kept.add(shown)
            yield Step(derivative, shown, "numerator-layout", "definition", says, True)

    @cached_property
    def _typed_names(self) -> set[str]:
        return {*self.derivation.declared, *names_in(self.f)}

    def symbol(self, name: str, shape: Shape, suffix: str = "") -> Expr:
        """A name for a result that is nobody else's."""
        name = f"{name}_{suffix}" if suffix else name
        while name in self._typed_names or name in self.names.called:
            name += "_"
        return ops.sym(name, kind_of_shape(shape))


def _formal(e: Expr, typed: Container[Expr]) -> list[Expr]:
    """What stands under formal differentials in e, in the order of reading; there are none in what was typed."""
    found: list[Expr] = []
    stack, seen = [e], {e}
    while stack:
        n = stack.pop()
        if n.op == "d":
            found.append(n.args[0])
            continue
        new = [a for a in n.args if a not in seen and a not in typed]
        seen.update(new)
        stack.extend(reversed(new))
    return found
