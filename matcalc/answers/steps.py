"""The derivation as steps, each one equality: of gradients, Jacobians and Hessians, and of programs with their names.

A gradient is read off the differential (Magnus & Neudecker 2019, sec. 9.2), a Jacobian too; a Hessian goes on from the
gradient. In a program every name has its differential, and then, backwards, its gradient.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from matcalc import ops
from matcalc.calculus.backward import needed
from matcalc.calculus.evidence import identities
from matcalc.calculus.higher import Forms, stacked
from matcalc.calculus.reading_off import inner_form, reading, why_form
from matcalc.calculus.shortening import shortened
from matcalc.calculus.unfold import IDENTIFIES, LONGEST, Unfolding
from matcalc.expr import Expr, depends, symbols, topological
from matcalc.kinds import kind_of_shape
from matcalc.printing.abbreviate import Abbreviations
from matcalc.printing.measure import length
from matcalc.printing.step import Step
from matcalc.rules.facts import facts_of
from matcalc.rules.match import same
from matcalc.simplifier.normal import equal
from matcalc.simplifier.tidy import tidy

if TYPE_CHECKING:
    from matcalc.answers.derivation import Derivation
    from matcalc.calculus.backward import Backward


def steps(derivation: Derivation) -> tuple[Step, ...]:
    """The steps of a derivation, in the end in the reader's own names where he has given some."""
    return (*_derived(derivation), *in_own_names(derivation))


def in_own_names(d: Derivation) -> Iterator[Step]:
    """What the names of an answer stand for, and the answer in terms of them."""
    if d.backward is not None or not d.definitions or any(length(d.shown(a)) > LONGEST for a in d.answers.values()):
        return
    for name, e in d.definitions:
        yield Step(ops.sym(name, kind_of_shape(e.shape)), e, "definition", "definition", "a name for a part", True)
    for answer, written in zip(d.answers.values(), d.written, strict=True):
        if d.shown(answer) is not written:
            yield Step(d.shown(answer), written, "substitution", "the steps above", "in these names", True)


def _derived(d: Derivation) -> tuple[Step, ...]:
    """The steps to the answers; of several variables together, with an identification for each."""
    if d.what == "hessian":
        return tuple(_hessian(d))
    if d.what == "jacobian":
        return tuple(_displayed(d, list(d.forms.items())))
    if d.backward is not None:
        return tuple(_program(d, d.backward))
    return tuple(Unfolding(d, d.loss, [a.variable for a in d.answers.values()]).gradients())


def _hessian(d: Derivation) -> Iterator[Step]:
    """The gradients, then the differential of each."""
    functions = {key.split(",")[0]: form.function for key, form in d.forms.items()}
    variables = {form.variable.name: form.variable for form in d.forms.values()}
    first = Unfolding(d, d.loss, [variables[name] for name in functions])
    yield from first.gradients({variables[name]: g for name, g in functions.items()})
    names = {g: first.symbols[g] for g in functions.values() if g.args and g in first.symbols}
    for outer, g in functions.items():
        blocks = [(key.replace(",", "_"), form) for key, form in d.forms.items() if key.split(",")[0] == outer]
        yield from _displayed(d, blocks, {g: names[g]} if g in names else {})


def along(d: Derivation, function: Expr, xs: Sequence[Expr], change: Expr) -> tuple[Step, ...]:
    """The differential of a function as ``change``, which is in terms of those of ``xs``."""
    unfolding = Unfolding(d, function, xs)
    unfolding.kept = {change}
    return tuple(unfolding.displayed(_to_change(unfolding, change)))


def _to_change(unfolding: Unfolding, change: Expr) -> Iterator[Step]:
    last = ops.formal_differential(unfolding.f)
    forward = yield from unfolding.to_whole()
    if forward is None:
        return
    whole, found = forward
    if not found and unfolding.length(whole) <= LONGEST:
        yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
    last = whole if found or unfolding.length(whole) <= LONGEST else last
    if last is not change:
        yield from shortened(last, change, unfolding.table, "collecting and factoring")


def _displayed(
    d: Derivation, forms: Sequence[tuple[str, Forms]], names: Mapping[Expr, Expr] | None = None
) -> Iterator[Step]:
    """The steps to the derivatives of one function by one or several variables."""
    unfolding = Unfolding(d, forms[0][1].function, [form.variable for _, form in forms], names)
    unfolding.kept = {form.matrix for _, form in forms}
    yield from unfolding.displayed(_matrices(unfolding, forms))


def _matrices(unfolding: Unfolding, forms: Sequence[tuple[str, Forms]]) -> Iterator[Step]:
    """dy = J*dx, or vec(dY) = V*vec(dX), from the differential; for several variables the sum of that."""
    last = ops.formal_differential(unfolding.f)
    forward = yield from unfolding.to_whole()
    if forward is not None:
        whole, found = forward
        shorter = whole if found else unfolding.in_short(whole)
        last = whole if found else last
        if last is not whole and unfolding.length(whole) <= LONGEST:
            yield Step(last, whole, "substitution", "the steps above", "the steps above, put together", True)
            last = whole
        if last is not shorter and unfolding.length(shorter) <= LONGEST:
            yield from shortened(last, shorter, unfolding.table, "shortened", "simplification")
            last = shorter
        column = any(not form.variable.is_scalar for _, form in forms)
        product = tidy(ops.add(*(_times(form, unfolding.free[form.variable], column) for _, form in forms)))
        before = stacked(last) if column else last
        if not same(product, before) and unfolding.length(product) <= LONGEST:
            if any(form.stacked for _, form in forms):
                why = ("vec-form", "Magnus & Neudecker 2019, sec. 2.4", "`vec(A*X*B) = kron(B', A)*vec(X)`")
            else:
                why = ("transposition", "algebra", "the differential taken out")
            yield Step(before, product, *why, True, uses=tuple(identities(before, product)))
    for suffix, form in forms:
        if form.variable.is_scalar:
            reads = reading(form.variable)
        elif form.stacked:
            reads = "`vec(dY) = V*vec(dX)` identifies the matrix `V`"
        else:
            reads = "`dy = J*dx` identifies the matrix `J`"
        several = len(unfolding.derivation.forms) > 1
        what = "H" if several and unfolding.derivation.what == "hessian" else unfolding.derivation.what
        name = unfolding.symbol(what, form.matrix.shape, suffix if several else "")
        yield Step(name, form.matrix, "first-identification", IDENTIFIES, reads, True)


def _times(form: Forms, x: Expr, column: bool) -> Expr:
    """J*dx, or V*vec(dX)."""
    dx = ops.formal_differential(x)
    if x.is_scalar:
        return ops.mul(stacked(form.matrix) if column else form.matrix, dx)
    return ops.mul(form.matrix, stacked(dx))


# --- programs -------------------------------------------------------------------------------------


def _program(d: Derivation, backward: Backward) -> Iterator[Step]:
    """The differential of every name, then backwards the gradient by every name."""
    leaves = _leaves(d)
    variables = [a.variable for a in d.answers.values() if a.node is None or a.node in leaves]
    unfolding = Unfolding(d, d.loss, variables, leaves=leaves)
    yield from unfolding.displayed(_backwards(unfolding, backward))


def _leaves(d: Derivation) -> dict[Expr, Expr]:
    """The quantities of the program that vary by themselves: those made of no other that varies."""
    nodes = {a.node: a.variable for a in d.answers.values() if a.node is not None}
    varying = [a.node or a.variable for a in d.answers.values()]
    return {n: x for n, x in nodes.items() if n not in depends(n, [v for v in varying if v is not n])}


def _backwards(unfolding: Unfolding, backward: Backward) -> Iterator[Step]:
    d = unfolding.derivation
    forward = yield from unfolding.to_whole()
    if forward is None:
        for a in d.answers.values():
            yield Step(_gradient(unfolding, a.name, a.variable), ops.zeros(*a.variable.shape), "constant", "definition")
        return
    assert d.problem is not None
    definitions = {name: unfolding.inside(e) for name, e in d.problem.definitions}
    lines = needed(backward.lines, [backward.named[name] for name in d.answers])
    targets = {adjoint: name for name, adjoint in backward.adjoints.items()}
    for name in definitions:
        targets.setdefault(d.pattern.format(name), name)
    names: dict[str, Expr] = {s.name: s for s in unfolding.names.names.values()}
    names |= {a.name: a.variable for a in d.answers.values() if a.variable in unfolding.variables}
    answers = [(backward.adjoints[name], backward.named[name]) for name in d.answers]
    todo: dict[str, tuple[str, Expr]] = {}  # of each adjoint: what it belongs to, and what it is
    for adjoint, e in [*(line for line in lines if line[0] not in definitions), *answers]:
        todo.setdefault(adjoint, (targets.get(adjoint, targets.get(adjoint.rstrip("_"), "")), e))
    passes = _Passes(unfolding, [target for target, _ in todo.values()])
    parts: dict[Expr, Expr] = {}  # what a name for a part without one stands for
    for adjoint, (target, e) in todo.items():
        known = {s: names.get(s.name, definitions.get(s.name, s)) for s in symbols(e)}
        after = ops.substitute(e, {s: other for s, other in known.items() if other is not s})
        if not target:  # a part without a name
            names[adjoint] = unfolding.symbol(adjoint, e.shape)
            parts[names[adjoint]] = ops.substitute(after, parts)
            yield Step(names[adjoint], after, "definition", "definition", "a name for what passes through a part", True)
            continue
        names[adjoint] = _gradient(unfolding, target, e)
        read = yield from passes.to(target)
        yield from _identified(unfolding, target, names[adjoint], after, read, parts)
        passes.gradient[target] = names[adjoint]
        answer = d.answers.get(target)
        if answer is not None and d.layout == "numerator":
            derivative = unfolding.symbol("derivative", (e.cols, e.rows), target if len(d.answers) > 1 else "")
            says = "the transposed gradient: rows follow the function"
            turned = ops.transpose(names[adjoint])
            yield Step(derivative, turned, "numerator-layout", "definition", says, True)
            shown = d.as_asked(ops.transpose(after))
            if after.args and length(shown) <= LONGEST:
                yield Step(turned, shown, "collecting", "algebra", "the gradient put in and transposed", True)


def _identified(
    unfolding: Unfolding, target: str, name: Expr, answer: Expr, read: Expr | None, parts: Mapping[Expr, Expr]
) -> Iterator[Step]:
    """The gradient as it was read off, then as the backward program has it."""
    d = unfolding.derivation
    x = ops.sym(target, name.data[1])  # type: ignore[index]
    asked = d.answers.get(target)
    if asked is not None and asked.convention:
        yield Step(name, answer, "structure", IDENTIFIES, asked.convention, True)
        return
    plain = unfolding.names(answer)
    read = unfolding.names(read) if read is not None else None
    if read is None or same(read, plain) or not equal(read, ops.substitute(plain, dict(parts)), d.table):
        says = reading(x) if read is not None and same(read, plain) else f"{reading(x)}, by the differentials above"
        yield Step(name, answer, "first-identification", IDENTIFIES, says, True)
        return
    yield Step(name, read, "first-identification", IDENTIFIES, reading(x), True)
    yield from shortened(read, plain, d.table, "collecting and factoring")


class _Passes:
    """Backwards through the program: tr(G'*dZ) for a name Z with a known gradient G, in terms of what Z is made of."""

    def __init__(self, unfolding: Unfolding, targets: Sequence[str]) -> None:
        self.unfolding = unfolding
        nodes = {s.name: n for n, s in unfolding.names.names.items()}
        nodes |= {x.name: unfolding.free[x] for x in unfolding.variables}
        # in terms of names that know what holds of the parts: the rows of a softmax sum to 1
        known = {n: ops.sym(s.name, kind_of_shape(n.shape, facts_of(n))) for n, s in unfolding.names.names.items()}
        self.words, self.plain = Abbreviations(known), {k: unfolding.names.names[n] for n, k in known.items()}
        self.node = {name: nodes[name] for name in targets if name in nodes}
        self.name = {n: name for name, n in self.node.items()}
        self.gradient: dict[str, Expr] = {}
        self.read: dict[Expr, dict[str, Expr]] = {}  # of each name: what came back from what is made of it
        self.users: dict[Expr, list[Expr]] = {}
        self.form: dict[Expr, Expr] = {}
        self.below: dict[Expr, list[Expr]] = {}
        if len(self.node) == len(targets) and not _flattened(unfolding.derivation):
            self._look()

    def _look(self) -> None:
        """What each name is made of, down to other names that have a gradient."""
        u = self.unfolding
        rank = {n: i for i, n in enumerate(self.node.values())}
        node_of = {symbol: n for n, symbol in self.words.names.items()}
        for n in [u.f, *(n for n in self.node.values() if n not in u.xs)]:
            start = u.d[n] if u.d[n] is not ops.formal_differential(n) else u.local[n].d if n in u.local else None
            if start is None:
                continue
            self.form[n] = u.in_terms_of(start, self.name)
            shallow = topological(self.words(self.form[n]))  # down to names
            made_of = {node_of.get(m.args[0], m.args[0]) for m in shallow if m.op == "d"}
            self.below[n] = sorted((e for e in made_of if e in self.name), key=rank.__getitem__)
            for e in self.below[n]:
                self.users.setdefault(e, []).append(n)

    def to(self, target: str) -> Generator[Step, None, Expr | None]:
        """The steps from all that is made of a name to it; what can be read off then, None if that is not known."""
        e = self.node.get(target)
        users = self.users.get(e, []) if e is not None else []
        if e is None or not users:
            return None
        for n in users:
            if n is not self.unfolding.f and self.name.get(n) not in self.gradient:
                return None
        for n in users:
            if n not in self.read:
                yield from self._through(n)
        found = [self.read[n][target] for n in users if target in self.read[n]]
        return tidy(ops.add(*found)) if len(found) == len(users) else None

    def _through(self, n: Expr) -> Iterator[Step]:
        """tr(G'*dZ) with dZ put in, then as the sum of what comes back to each name."""
        u = self.unfolding
        form = self.form[n]
        own = n is u.f and self.name.get(n) not in self.gradient
        before = ops.formal_differential(n) if own else inner_form(self.gradient[self.name[n]], n)
        whole = self.words(form if own else tidy(ops.substitute(before, {ops.formal_differential(n): form})))
        below = {self.words(e): self.name[e] for e in self.below[n]}
        short = u.in_short(whole)
        ways = {e: u.read_off(e, tuple(below)) for e in {whole: 0, short: 0}}
        chosen = min(ways, key=lambda e: (e is not whole) * length(e) + sum(map(length, ways[e].values())))
        gradients = {e: u.readable(g) for e, g in ways[chosen].items()}
        self.read[n] = {name: ops.substitute(gradients[e], self.plain) for e, name in below.items()}
        after = ops.add(*(inner_form(g, e) for e, g in gradients.items()))
        if max(map(length, (whole, after))) > LONGEST:
            return
        put = u.local[n].d if n in u.local else u.d[n]
        says = "the steps above, put together" if own or put is not form else "the differential above, put in"
        found: list[Step] = []
        if not (own and form is u.d[n]):
            found.append(Step(self.words(before), whole, "substitution", "the steps above", says, True))
        if chosen is not whole:
            found.extend(shortened(whole, chosen, u.table, "shortened", "simplification"))
        if not same(after, chosen):
            by, source, words = why_form(chosen, tuple(below))
            words = f"{words}; collecting" if gradients != ways[chosen] else words
            found.append(Step(chosen, after, by, source, words, True))
        for step in found:
            before, after = (ops.substitute(e, self.plain) for e in (step.before, step.after))
            yield replace(step, before=before, after=after)


def _flattened(d: Derivation) -> bool:
    """Whether a named product stands as a factor in a line: written out, its factors stand there, not the name."""
    assert d.problem is not None
    meaning = dict(d.problem.definitions)
    products = {name for name, e in meaning.items() if e.op in ("mul", "had") and not e.is_scalar}
    return any(
        a.op == "sym" and a.name in products and meaning[a.name].op == n.op
        for _, line in d.problem.lines
        for n in topological(line)
        for a in n.args
    )


def _gradient(unfolding: Unfolding, name: str, like: Expr) -> Expr:
    return unfolding.symbol("gradient", like.shape, name)
