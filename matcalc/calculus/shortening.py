"""From a formula to a shorter one that is equal, in steps that a reader can follow: identities by name, then algebra.

First the rewrites of the table alone, each where it fits; then what is left, collecting and factoring, with the
identities without which it would not come out. An identity is named only if the result is another one without it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from matcalc import ops
from matcalc.calculus.evidence import identities, in_words, leaves
from matcalc.calculus.structure import unstructured
from matcalc.errors import BudgetError
from matcalc.expr import Expr, symbols, topological
from matcalc.numeric.constraints import stated
from matcalc.printing.measure import length
from matcalc.printing.step import Step
from matcalc.rules.ending import weight
from matcalc.rules.match import same
from matcalc.rules.rewrite import Rewriter, rewriter
from matcalc.rules.statements import Rewrite
from matcalc.rules.table import Table
from matcalc.simplifier.simplify import Simplifier
from matcalc.simplifier.tidy import tidy
from matcalc.walk import parts_first

_SEARCHED = 120  # symbols: what is longer is shortened in one step without names
_LEAP = 12  # symbols: what gets shorter by so many is done in two steps
_NAMED = 6  # identities of one step: of more no one would be looked up


class Logged:
    """The rewrites of a table as one function that remembers which it applied; some may be left out."""

    def __init__(self, rewrites: Rewriter, without: Container[str] = ()) -> None:
        self.rewrites = rewrites
        self.without = without
        self.used: dict[str, Rewrite] = {}

    def __call__(self, e: Expr) -> Expr | None:
        """The smallest that one rewrite at the root makes of ``e``."""
        found: list[tuple[tuple[int, int], Expr, Rewrite]] = []
        for entry in self.rewrites.candidates(e):
            if entry.id not in self.without:
                after = self.rewrites.apply(entry, e)
                if after is not None:
                    found.append((weight(after), after, entry))
        if not found:
            return None
        _, after, entry = min(found, key=lambda item: item[0])
        self.used[entry.id] = entry
        return after


def shortened(before: Expr, after: Expr, table: Table, says: str, by: str = "collecting") -> Iterator[Step]:
    """The steps from ``before`` to ``after``, which is equal; ``says`` what the algebra does, in words."""
    if max(length(before), length(after)) > _SEARCHED:
        yield Step(before, after, by, "algebra", says, True)
        return
    middle, entries = _by_identities(before, table)
    if same(middle, after):
        middle = after
    new = {n.op for n in topological(middle)} - {n.op for n in topological(before, after)}
    if entries and not new and middle is not before and (middle is after or length(middle) < length(before)):
        yield _named(before, middle, entries)
        before = middle
    middle, terms = _terms_shortened(before, after, table)
    if middle is not before:
        used = [_needed(term, short, table) for term, short in terms]
        rewrites = {entry.id: entry for entries, _ in used for entry in entries}.values()
        facts = [fact for _, facts in used for fact in facts]
        yield _explained(before, middle, "each term shortened by itself", "simplification", list(rewrites), facts)
        before = middle
    if before is after:
        return
    entries, facts = _needed(before, after, table)
    if not entries and not facts and not _is_algebra(before, after):
        found = _multiplied_out(before, after, table, by)
        if found:
            yield from found
            return
    yield _explained(before, after, says, by, entries, facts)


def _is_algebra(before: Expr, after: Expr) -> bool:
    """Whether no identity of the table is needed to see that they are equal."""
    return _normal(ops.sub(before, after), None) in (ops.num(0), ops.zeros(*before.shape))


def _multiplied_out(before: Expr, after: Expr, table: Table, by: str) -> list[Step]:
    """By way of the normal form, which both have, with the identities without which one would not come to it."""
    middle, there = _expanded_by(before, table)
    other, back = _expanded_by(after, table)
    if middle is None or other is not middle or length(middle) > _SEARCHED:
        return []
    middle = tidy(middle)
    if not there and same(middle, before):  # only the way back needs something
        return [_explained(before, after, "factoring", by, back, ())] if back else []
    if same(middle, after) or not (there or back):
        return [] if not there else [_explained(before, after, "multiplied out", by, there, ())]
    first = _explained(before, middle, "multiplied out", by, there, ())
    return [first, _explained(middle, after, "factoring", "collecting", back, ())]


def _expanded_by(e: Expr, table: Table) -> tuple[Expr | None, list[Rewrite]]:
    """The normal form, and the identities without which it would be another; None if that is too long."""
    log = Logged(rewriter(table))
    found = _normal(e, log)
    if found is None:
        return None, []
    used = [entry for entry in log.used.values() if _normal(e, Logged(rewriter(table), {entry.id})) is not found]
    return found, used if len(used) <= _NAMED else []


def _normal(e: Expr, rewrites: Logged | None) -> Expr | None:
    try:
        return Simplifier(rewrites, expanding=True)(e)
    except BudgetError:
        return None


def _explained(
    before: Expr, after: Expr, says: str, by: str, entries: Sequence[Rewrite], facts: Sequence[str]
) -> Step:
    """A step of algebra, with the identities and the declared facts that it rests on."""
    source = "; ".join(dict.fromkeys(s for e in entries for s in e.source)) or "algebra"
    words = in_words(before, after)
    uses = [(e.from_, e.to) for e in entries]
    cited = {n.data for e in entries for n in topological(e.from_) if n.op == "fn"}  # what the table says of them
    for left, right in identities(before, after):
        if not any(n.op == "fn" and n.data in cited for n in topological(left)):
            uses.append((left, right))
    if not entries:
        written = leaves(before), leaves(after)
        if written[0] == written[1]:
            says = "" if words else "rearranged"
        elif written[0] < written[1] and says != "multiplied out":
            says = "multiplied out"
    says = ", ".join([*([says] if says else []), *words])
    if facts:
        says += f", since {' and '.join(dict.fromkeys(facts))}"
    return Step(before, after, by, source, says, True, tuple(uses))


def _terms_shortened(before: Expr, after: Expr, table: Table) -> tuple[Expr, list[tuple[Expr, Expr]]]:
    """What cancels within the terms of a sum is gone, nothing else, if that is a good part of the way."""
    front, total = before, before
    while total.op in ("mul", "t", "tr"):  # the sum in a product of it with something short
        total = max(total.args, key=length)
    if total.op != "add" or length(before) - length(after) < _LEAP:
        return before, []
    terms = [(term, tidy(Simplifier(rewriter(table)).settled(term))) for term in total.args]
    found = tidy(ops.substitute(front, {total: ops.add(*(short for _, short in terms))}))
    good = length(before) - length(found) >= _LEAP // 3 and length(found) > length(after)
    return (found, terms) if good and not same(found, after) else (before, [])


def _named(before: Expr, after: Expr, entries: Sequence[Rewrite]) -> Step:
    source = "; ".join(dict.fromkeys(s for e in entries for s in e.source))
    by = ", ".join(e.id for e in entries)
    return Step(before, after, by, source, uses=tuple((e.from_, e.to) for e in entries))


def _by_identities(root: Expr, table: Table) -> tuple[Expr, list[Rewrite]]:
    """``root`` after the rewrites of the table, each where it fits, and nothing else; which they were."""
    rewrites = Logged(rewriter(table))
    found: dict[Expr, Expr] = {}
    for n in parts_first([root], lambda n: () if n.op == "d" else n.args):
        if n.op == "d" or not n.args:
            found[n] = n
            continue
        args = tuple(found[a] for a in n.args)
        e = n if args == n.args else tidy(ops.rebuild(n, args))
        for _ in range(_NAMED):
            shorter = rewrites(e)
            if shorter is None:
                break
            e = shorter
        found[n] = e
    entries = list(rewrites.used.values())
    if len(entries) > _NAMED:
        return root, []
    return found[root], entries


def _needed(before: Expr, after: Expr, table: Table) -> tuple[list[Rewrite], list[str]]:
    """The identities that the simplifier needs to bring the one to the other, and the declared facts."""
    log = Logged(rewriter(table))
    result = Simplifier(log).settled(before)
    if not same(result, after):
        return [], []
    entries = [
        entry
        for entry in log.used.values()
        if Simplifier(Logged(rewriter(table), {entry.id})).settled(before) is not result
    ]
    facts: list[str] = []
    for x in symbols(before):
        free = unstructured(x)
        if free is not x:
            found = Simplifier(rewriter(table)).settled(ops.substitute(before, {x: free}))
            if length(found) > length(result):
                facts.append(stated(x.name, x.data[1]))  # type: ignore[index]
    return entries if len(entries) <= _NAMED else [], facts
