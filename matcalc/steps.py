"""The derivation as steps, each one equality: differentials by the table, the whole differential, identification.

Formal differentials stand for those of the parts: dX of the variable, d(E) of what has a step of its own. What only
moves entries, adds or multiplies by constants is written through; products of varying factors and everything nonlinear
have a step each. The whole is then brought to tr(G'*dX), from which the gradient G is read off (Magnus & Neudecker
2019, sec. 9.2). Several variables vary together, and each gradient is read off its own term.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from matcalc import ops
from matcalc.abbreviate import Abbreviations, given, invented
from matcalc.adjoint import pullback
from matcalc.differential import local_differential
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, depends, topological
from matcalc.higher import Forms, stacked
from matcalc.index_sums import raised
from matcalc.indices import apart, names_in
from matcalc.kinds import kind_of_shape
from matcalc.match import same
from matcalc.measure import length
from matcalc.normal import equal
from matcalc.recognize import recognizer
from matcalc.rewrite import rewriter
from matcalc.shapes import ONE, Shape
from matcalc.simplify import Simplifier
from matcalc.step import Step
from matcalc.structure import structured, unstructured
from matcalc.table import Table
from matcalc.tidy import arranged, front, scaled, tidy, turned

if TYPE_CHECKING:
    from matcalc.derive import Derivation

READABLE = 60  # symbols: a longer differential is shown in its short form alone
LONGEST = 150  # a longer one is not shown at all: the gradient follows from the steps before
CLEARLY = 3  # so many symbols shorter is a step of its own
NAMED = 24  # a function of more symbols gets names for its parts
_SHORTENED = 600  # nodes: a larger differential is not shortened

# linear in one argument: the differential goes through
_LINEAR = frozenset("add t tr sum mean diagmat diagvec vec unvec block slice part isum".split())
_PRODUCTS = frozenset({"mul", "had", "kron"})
_RULES = "Petersen & Pedersen 2012, eqs. 33-37"
_IDENTIFIES = "Magnus & Neudecker 2019, sec. 9.2"


class Local(NamedTuple):
    """What the differential of a part equals, by which identity, its source, in words."""

    d: Expr
    by: str
    source: str
    says: str


def steps(derivation: Derivation) -> tuple[Step, ...]:
    """The steps of a derivation; of several variables together, with an identification for each."""
    d = derivation
    if d.what == "gradient":
        return tuple(_Steps(d, d.loss, [a.variable for a in d.answers.values()]).gradients())
    found: list[Step] = []
    inner: dict[Expr, Expr] = {}
    if d.what == "hessian":
        by_name = {key.split(",")[0]: form.function for key, form in d.forms.items()}
        variables = {form.variable.name: form.variable for form in d.forms.values()}
        first = _Steps(d, d.loss, [variables[name] for name in by_name if name in variables])
        found.extend(first.gradients({variables[name]: g for name, g in by_name.items() if name in variables}))
        inner = {g: symbol for g in by_name.values() if g.args and (symbol := first.symbols.get(g)) is not None}
    for form in d.forms.values():
        found.extend(_Steps(d, form.function, [form.variable], inner).matrix(form))
    return tuple(found)


class _Steps:
    """One derivation. What is declared of the variables' structure is forgotten on the way, as the engine does."""

    def __init__(
        self,
        derivation: Derivation,
        function: Expr,
        variables: Sequence[Expr],
        names: Mapping[Expr, Expr] | None = None,
    ) -> None:
        self.derivation = derivation
        self.table: Table = derivation.table
        self.short = Simplifier(rewriter(derivation.table))
        self.variables = tuple(variables)
        self.free = {x: unstructured(x) for x in variables}
        self.back = {y: x for x, y in self.free.items() if x is not y}
        self.given = dict(names or {})
        self.function = ops.substitute(apart(function), self.free)
        self.f = raised(self.function)
        self.xs = tuple(self.free.values())
        self.reached = {x: depends(self.f, [x]) for x in self.xs}
        self.active = set().union(*self.reached.values())
        self.typed = set(topological(self.f))
        self.d: dict[Expr, Expr] = {}  # of each node: its differential as it stands in the steps
        self.local: dict[Expr, Local] = {}  # of each node with a step of its own
        self.names = Abbreviations({})
        self.kept: set[Expr] = set()  # answers, which stay as they are
        self.symbols: dict[Expr, Expr] = {}  # of the answers

    def gradients(self, answers: Mapping[Expr, Expr] | None = None) -> Iterator[Step]:
        """The steps to the gradients; ``answers``: what they are in short, for each variable."""
        if answers is None:
            answers = {a.variable: a.expr for a in self.derivation.answers.values()}
        self.kept = set(answers.values())
        yield from self._displayed(self._to_gradients(answers))

    def matrix(self, form: Forms) -> Iterator[Step]:
        """The steps to a Jacobian, or from the gradient to a Hessian."""
        self.kept = {form.matrix}
        yield from self._displayed(self._to_matrix(form))

    def _displayed(self, found: Iterator[Step]) -> Iterator[Step]:
        """With names for parts, and with the variables as they are declared."""
        steps = list(found)
        names = {**self.names.names, **self.given}
        display = Abbreviations({**self.back, **names, **{self._declared(n): name for n, name in names.items()}})
        for n, name in self.names.names.items():
            yield Step(name, display.definition(n), "definition", "definition", "a name for a part", True)
        for step in steps:
            before, after = (e if e in self.kept else display(e) for e in (step.before, step.after))
            yield Step(before, after, step.by, step.source, step.says, step.plain)

    def _declared(self, e: Expr) -> Expr:
        return ops.substitute(e, self.back) if self.back else e

    def _length(self, e: Expr) -> int:
        return length(self.names(e))

    def _to_gradients(self, answers: Mapping[Expr, Expr]) -> Iterator[Step]:
        raw: dict[Expr, Expr] = {}
        forward = yield from self._to_whole()
        if forward is not None:
            yield from self._brought_to_form(*forward, raw)
        for x, answer in answers.items():
            yield from self._identified(x, answer, raw.get(self.free[x]) or ops.zeros(*x.shape))

    def _to_whole(self) -> Generator[Step, None, tuple[Expr, bool] | None]:
        """The forward part; what it gives: the whole differential, and whether a single step gave it."""
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
        whole = self._substituted()
        return whole, len(forward) == 1 and forward[0].after is whole

    def _to_matrix(self, form: Forms) -> Iterator[Step]:
        """dy = J*dx, or vec(dY) = V*vec(dX), from the differential."""
        forward = yield from self._to_whole()
        x = self.free[form.variable]
        last = ops.formal_differential(self.f)
        if forward is not None:
            whole, found = forward
            shorter = whole if found else self._shortened(whole)
            last = whole if found else last
            if last is not whole and self._length(whole) <= LONGEST:
                yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
                last = whole
            if last is not shorter and self._length(shorter) <= LONGEST:
                yield Step(last, shorter, "simplification", "algebra", "shortened", True)
                last = shorter
        dx = ops.formal_differential(x)
        product = ops.mul(form.matrix, dx if x.is_scalar else stacked(dx))
        before = last if x.is_scalar else stacked(last)
        if forward is not None and not same(product, before) and self._length(product) <= LONGEST:
            if form.stacked:
                why = ("vec-form", "Magnus & Neudecker 2019, sec. 2.4", "vec(A*X*B) = kron(B', A)*vec(X)")
            else:
                why = ("transposition", "algebra", "the differential taken out")
            yield Step(before, product, *why, True)
        what = self.derivation.what
        reads = "vec(dY) = V*vec(dX) identifies the matrix V" if form.stacked else "dy = J*dx identifies the matrix J"
        name = self._symbol(what, form.variable, form.matrix.shape, len(self.derivation.forms) > 1)
        yield Step(name, form.matrix, "first-identification", "Magnus & Neudecker 2019, sec. 9.2", reads, True)

    # --- the differentials of the parts ---

    def _differentials(self) -> None:
        """Of every part: written through, or a formal differential, which then gets a step of its own."""
        for x in self.xs:
            self.d[x] = ops.formal_differential(x)
        for n in topological(self.f):
            if n in self.active and n not in self.d:
                through = n.op in _LINEAR or (n.op in _PRODUCTS and sum(a in self.active for a in n.args) == 1)
                self.d[n] = tidy(self._local(n), self.typed) if through else ops.formal_differential(n)
        if self.f not in self.xs and not self.derivation.first_principles:
            self._recognize_terms()

    def _local(self, n: Expr) -> Expr:
        return local_differential(n, {a: self.d[a] for a in n.args if a in self.active}, self.table)[0]

    def _name(self) -> None:
        """Names for parts: those of the program, or some of our own where the formula is long."""
        problem = self.derivation.problem
        definitions = problem.definitions if problem is not None else ()
        names = given(self.f, ((name, ops.substitute(e, self.free)) for name, e in definitions))
        if not names and self.f not in self.local and length(self.f) > NAMED:
            own = [n for n in self.typed if self.d.get(n) is ops.formal_differential(n) and n not in self.xs]
            parts = {a for n in own for a in n.args if a in self.active}
            names = invented(self.f, parts, {*self.derivation.declared, *names_in(self.f)})
        self.names = Abbreviations(names)

    def _forward(self) -> Iterator[Step]:
        """The differential of the function, then those of its parts, from the outside in."""
        if self.f in self.xs:
            return
        df = ops.formal_differential(self.f)
        if self.d[self.f] is not df:
            says = "sums, transposes, traces and products with constants are linear"
            yield Step(df, self.d[self.f], "linearity", _RULES, says)
        for n in self._parents_first(_formal(self.d[self.f])):
            local = self.local[n]
            yield Step(ops.formal_differential(n), local.d, local.by, local.source, local.says)

    def _parents_first(self, roots: Sequence[Expr]) -> list[Expr]:
        """The parts that need a step, each before those of which it is made, otherwise in the order of reading."""
        order: list[Expr] = []
        seen: set[Expr] = set(self.xs)
        stack: list[tuple[Expr, bool]] = [(n, False) for n in roots]
        while stack:
            n, done = stack.pop()
            if done:
                order.append(n)
            elif n not in seen:
                seen.add(n)
                if n not in self.local:
                    self.local[n] = self._recognized(n) or self._by_operation(n)
                stack.append((n, True))
                stack.extend((part, False) for part in _formal(self.local[n].d) if part not in seen)
        return order[::-1]

    def _by_operation(self, n: Expr) -> Local:
        d = {a: self.d[a] for a in n.args if a in self.active}
        local, entry = local_differential(n, d, self.table)
        after = tidy(local, self.typed)
        if entry is None and n.op == "mul":
            entry = self.table.differentials.get("product")
        if entry is None:
            return Local(after, "definition", "definition", "the derivative of an undefined function")
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
            written = self.d.get(rest)
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
        return (constants, rest) if rest.is_scalar else ([], term)

    def _recognized(self, n: Expr) -> Local | None:
        """A known gradient by the one variable that occurs, where the engine finds the same for this part."""
        if self.derivation.first_principles or not n.is_scalar:
            return None
        targets = [x for x in self.xs if any(a in self.reached[x] for a in (n, *n.args))]
        if len(targets) != 1:
            return None
        (x,) = targets
        for known in recognizer(self.table)(n, x):
            try:
                engine = pullback(n, ops.num(1), (x,), self.table, self.short)[x]
                if not equal(known.gradient, engine, self.table):
                    continue
            except MatcalcError:
                continue
            entry = known.entry
            gradient = tidy(known.gradient, self.typed)
            return Local(_inner(gradient, x), entry.id, "; ".join(entry.source), entry.says or "a known gradient")
        return None

    # --- the whole differential ---

    def _substituted(self) -> Expr:
        """df in terms of the differentials of the variables alone, as it stands."""
        full: dict[Expr, Expr] = {}
        own = self.d[self.f] is ops.formal_differential(self.f)
        root = self.local[self.f].d if own else self.d[self.f]
        stack = [root]
        while stack:
            e = stack[-1]
            if e in full:
                stack.pop()
                continue
            if e in self.typed or not e.args or (e.op == "d" and e.args[0] in self.xs):
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

        ``found``: a single step gave the whole differential, so that nothing is to be put together.
        """
        last = whole if found else ops.formal_differential(self.f)
        shorter = whole if found else self._shortened(whole)
        raw.update(self._transposed(shorter))
        form = ops.add(*(_inner(g, x) for x, g in raw.items() if self.f in self.reached[x]))
        if same(form, shorter):  # but for the order
            whole, shorter = (form if same(form, whole) else whole), form
        if not found and self._length(whole) <= (LONGEST if shorter is whole else READABLE):
            yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
            last = whole
        if not found and shorter is not last and self._length(shorter) <= LONGEST:
            together = last is not whole
            by, says = ("substitution", "put together and shortened") if together else ("simplification", "shortened")
            yield Step(last, shorter, by, "algebra", says, True)
            last = shorter
        if not same(form, last) and self._length(form) <= LONGEST:
            yield Step(last, form, *_why_form(last, self.xs), True)

    def _shortened(self, whole: Expr) -> Expr:
        """A form that is clearly shorter, if there is one: what cancels is gone, traces stay traces."""
        order = topological(whole)
        if len(order) > _SHORTENED:
            return whole
        shorter = self.short(whole)
        if length(shorter) > length(whole) - CLEARLY:
            return whole
        new = {n.op for n in topological(shorter)} - {n.op for n in order}
        return whole if new & {"sum", "had"} else shorter

    def _transposed(self, whole: Expr) -> dict[Expr, Expr]:
        """The gradient by each variable as transposition of the whole differential leaves it."""
        targets = tuple(ops.formal_differential(x) for x in self.xs)
        found = pullback(whole, ops.num(1), targets, self.table, self.short)
        return {x: self._in_order(tidy(found[dx], self.typed)) for x, dx in zip(self.xs, targets, strict=True)}

    def _in_order(self, raw: Expr) -> Expr:
        """The terms in the order of the differential, of which the last comes first; equal ones counted."""
        terms: list[tuple[Fraction, Expr]] = []
        for term in reversed(raw.args) if raw.op == "add" else (raw,):
            inside = term.op == "t" and term.args[0].op == "add"
            for part in turned(term.args[0]).args if inside else (term,):
                c, rest = front(arranged(part))
                equal_one = next((i for i, (_, other) in enumerate(terms) if same(other, rest)), None)
                if equal_one is None:
                    terms.append((c, rest))
                else:
                    terms[equal_one] = (terms[equal_one][0] + c, terms[equal_one][1])
        return tidy(ops.add(*(scaled(c, rest) for c, rest in terms)), self.typed)

    # --- the gradient ---

    def _identified(self, x: Expr, answer: Expr, raw: Expr) -> Iterator[Step]:
        """The gradient is read off; for a structured variable projected; then collected."""
        structure = self.derivation.structure
        raw = tidy(self._declared(raw), self.typed)
        gradient, convention = structured(raw, x, structure)
        gradient = tidy(gradient, self.typed)
        if gradient is not raw and equal(gradient, raw, self.table):
            gradient = raw
        projected = gradient is not raw
        if same(gradient, answer) or self._length(gradient) > LONGEST:
            gradient = answer
        name = self._symbol("gradient", x, x.shape, len(self.variables) > 1)
        self.symbols[answer] = name
        if not projected:
            yield Step(name, gradient, "first-identification", _IDENTIFIES, _reading(x), True)
        elif structure == "tied":
            yield Step(name, gradient, "tied-entries", "Petersen & Pedersen 2012, eq. 138", convention or "", True)
        else:
            yield Step(name, gradient, "structure", _IDENTIFIES, convention or "", True)
        if gradient is not answer:
            yield Step(gradient, answer, "collecting", "algebra", "collecting and factoring", True)
        if self.derivation.layout == "numerator" and self.derivation.what == "gradient":
            derivative = self._symbol("derivative", x, (x.cols, x.rows), len(self.variables) > 1)
            says = "the transposed gradient: rows follow the function"
            shown = self.derivation.shown(self.derivation.answers[x.name])
            self.kept.add(shown)
            yield Step(derivative, shown, "numerator-layout", "definition", says, True)

    def _symbol(self, name: str, x: Expr, shape: Shape, several: bool) -> Expr:
        """A name for the result that is nobody else's."""
        taken = {*self.derivation.declared, *names_in(self.f), *(s.name for s in self.names.names.values())}
        if several:
            name = f"{name}_{x.name}"
        while name in taken:
            name += "_"
        return ops.sym(name, kind_of_shape(shape))


def _formal(e: Expr) -> list[Expr]:
    """What stands under formal differentials in e, in the order of reading."""
    found: list[Expr] = []
    stack, seen = [e], {e}
    while stack:
        n = stack.pop()
        if n.op == "d":
            found.append(n.args[0])
            continue
        new = [a for a in n.args if a not in seen]
        seen.update(new)
        stack.extend(reversed(new))
    return found


# --- the form in which a gradient is read off -----------------------------------------------------


def _inner(g: Expr, x: Expr) -> Expr:
    """tr(G'*dX); G'*dx for a vector, dx*G' for a row, G*dx for a scalar; the transpose inside of G."""
    dx = ops.formal_differential(x)
    if x.is_scalar:
        return tidy(ops.mul(g, dx))
    if x.rows is ONE:
        return tidy(_product(dx, turned(g)))
    product = _product(turned(g), dx)
    return tidy(product if x.cols is ONE else ops.trace(product))


def _product(a: Expr, b: Expr) -> Expr:
    """a*b, what divides at the end; a sum stays one factor."""
    product = ops.mul(a, b)
    return product if product.is_scalar and "add" in (a.op, b.op) else arranged(product)


def _reading(x: Expr) -> str:
    if x.is_scalar:
        return "the derivative is what multiplies the differential"
    dx = f"d{x.name}"
    form = f"{dx}*G'" if x.rows is ONE else f"G'*{dx}" if x.cols is ONE else f"tr(G'*{dx})"
    return f"the gradient G is read off {form}"


def _why_form(whole: Expr, xs: Sequence[Expr]) -> tuple[str, str, str]:
    """In words, how the whole differential is brought to the form in which the gradient is read off."""
    if all(x.is_scalar for x in xs):
        return "collecting", "algebra", "the differential taken out"
    seen = {n.op for n in depends(whole, [ops.formal_differential(x) for x in xs])}
    matrix = any(x.rows is not ONE and x.cols is not ONE for x in xs)
    reasons: list[str] = []
    if "sum" in seen or "had" in seen:
        reasons.append("sum(A .* B) = tr(A'*B)" if matrix else "sum(a .* b) = a'*b")
    reasons.extend(words for op, words in _ADJOINTS.items() if op in seen)
    if matrix:
        if "mul" in seen:
            reasons.append("a scalar is its own trace, and the factors of a trace may be cycled")
        if "t" in seen:
            reasons.append("tr(A') = tr(A)")
        return "trace-form", "Petersen & Pedersen 2012, eqs. 13-16", "; ".join(reasons)
    if "t" in seen:
        reasons.append("a scalar is its own transpose")
    reasons.append("the differential taken out")
    return "transposition", "algebra", "; ".join(reasons)


# how an operation moves from one side of an inner product to the other
_ADJOINTS = {
    "diagmat": "tr(A*diag(v)) = diag(A)'*v",
    "diagvec": "v'*diag(A) = tr(diag(v)*A)",
    "vec": "vec(A)'*vec(B) = tr(A'*B)",
    "unvec": "tr(A'*unvec(v, m, n)) = vec(A)'*v",
    "frechet": "tr(A'*L(X, E)) = tr(L(X', A)'*E) for a Frechet derivative L",
    "kron": "a Kronecker product is taken apart block by block",
    "block": "block by block",
    "slice": "x[i] = unit(i, n)'*x",
    "isum": "term by term",
    "part": "tr(A'*tril(B)) = tr(tril(A)'*B)",
}
