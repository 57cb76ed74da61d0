"""The rules of ``identities/properties.toml`` applied: which facts an operation has, given those of its arguments.

Rules for sums and products of two are folded over the terms and factors of any number. A rule written for scalars
about a fact of entries holds for arrays entry by entry. X'*S*X is found by its palindromic shape, X of any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

from matcalc.expr import Expr
from matcalc.rules.instantiate import unify_shapes
from matcalc.rules.spellings import head, spelling, word
from matcalc.rules.statements import Property
from matcalc.rules.table import Table
from matcalc.shapes import ONE, SCALAR, Shape
from matcalc.symmetry import Prints

Facts: TypeAlias = frozenset[str]
NONE: Facts = frozenset()
_KEPT = 1 << 12  # combinations of facts and shapes that are kept with what follows from them
_NO_PRINTS: Prints = (b"", b"")

# facts about each entry by itself
ENTRYWISE: Facts = frozenset("positive nonnegative nonzero below_one integer natural even".split())
# facts about each row of a matrix, about all entries of a column
BY_ROWS: Facts = frozenset({"rowsum_one", "onehot", "simplex"})
IDENTITY: Facts = frozenset(
    "spd psd symmetric diagonal lower upper orthogonal invertible fullrank toeplitz nonnegative integer natural "
    "rowsum_one onehot".split()
)
# what an operation needs of its arguments anyhow, by its number: inv(A) is there, so A is invertible
_PRESUPPOSED: dict[str, tuple[int, Facts]] = {
    "inv": (0, frozenset({"invertible"})),
    "matpow": (1, frozenset({"integer", "nonnegative"})),
}


class Known(NamedTuple):
    """What is known of an argument: its facts, its shape, its fingerprints and those of its transpose."""

    facts: Facts
    shape: Shape
    prints: Prints
    negated: Facts = NONE  # the facts of e if the argument is -e


class Rule(NamedTuple):
    """An operation has the fact ``then`` if its arguments have the facts ``needs`` and shapes like ``shapes``.

    ``shapes`` is None for a rule about entries, written for scalars.
    """

    needs: tuple[Facts, ...]
    shapes: tuple[Shape, ...] | None
    then: str

    def holds(self, args: Sequence[Known]) -> bool:
        for needed, a in zip(self.needs, args, strict=True):
            if not needed <= a.facts:
                return False
        if self.shapes is None:
            return True
        for needed, shape, a in zip(self.needs, self.shapes, args, strict=True):
            if needed & BY_ROWS and a.shape[1] is ONE and shape[1] is not ONE:
                return False  # of a column the facts are about its entries, not about its rows
        pattern = [d for shape in self.shapes for d in shape]
        return unify_shapes(pattern, [d for a in args for d in a.shape], {})


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of a table, read as operations come up."""

    table: Table
    _by_head: dict[tuple[object, ...], tuple[Rule, ...]] = field(default_factory=dict)

    # --- facts from facts ---

    @cached_property
    def implications(self) -> Mapping[str, tuple[tuple[str, Shape | None], ...]]:
        """Fact -> what it implies, for every shape or for one form of shape."""
        found: dict[str, list[tuple[str, Shape | None]]] = {}
        for entry in self.table.properties.values():
            if entry.is_implication:
                stronger, weaker, positive = entry.implies
                if positive:
                    found.setdefault(stronger, []).append((weaker, None))
            elif entry.fields["then"].partition(":")[0].strip() in entry.let:
                for premises, weaker in entry.conclusions:
                    for stronger in premises[entry.subject]:
                        found.setdefault(stronger, []).append((weaker, entry.subject.shape))
        return {name: tuple(weaker) for name, weaker in found.items()}

    @cached_property
    def exclusions(self) -> Mapping[str, Facts]:
        found: dict[str, set[str]] = {}
        for entry in self.table.properties.values():
            if entry.is_implication and not entry.implies[2]:
                found.setdefault(entry.implies[0], set()).add(entry.implies[1])
        return {name: frozenset(others) for name, others in found.items()}

    @lru_cache(maxsize=_KEPT)  # noqa: B019  (there are few tables)
    def close(self, facts: Facts, shape: Shape) -> Facts:
        """The facts and all that they imply for an expression of this shape."""
        found = set(facts)
        stack = list(facts)
        while stack:
            for weaker, form in self.implications.get(stack.pop(), ()):
                if weaker not in found and (form is None or unify_shapes(form, shape, {})):
                    found.add(weaker)
                    stack.append(weaker)
        return frozenset(found)

    @lru_cache(maxsize=_KEPT)  # noqa: B019
    def excluded(self, yes: Facts, no: Facts) -> Facts:
        """What cannot hold: what is excluded outright or by a fact, and whatever would imply it."""
        found = set(no).union(*(self.exclusions.get(name, NONE) for name in yes))
        while True:
            more = {
                stronger
                for stronger, weaker in self.implications.items()
                if any(name in found and form is None for name, form in weaker)
            }
            if more <= found:
                return frozenset(found)
            found |= more

    # --- facts of an operation ---

    def apply(self, node: Expr, args: Sequence[Known]) -> Facts:
        """The facts that the rules give for ``node``, not yet closed."""
        if node.op == "mul":
            return self._product(args)
        if node.op == "had":
            return self._fold("had", self._squared("had", args)).facts
        if node.op == "add":
            return self._fold("add", args).facts | self._complement(args)
        return frozenset(rule.then for rule in self._rules(node) if rule.holds(args))

    def _fold(self, op: str, args: Iterable[Known]) -> Known:
        """The facts of a sum, an elementwise product or a chain of matrices, term by term."""
        known: Known | None = None
        for item in args:
            known = item if known is None else self._pair(op, known, item)
        assert known is not None, "an empty sum or product has no facts"
        return known

    def _pair(self, op: str, left: Known, right: Known) -> Known:
        facts, shape = self._facts_of_pair(op, left.facts, left.shape, right.facts, right.shape)
        return Known(facts, shape, left.prints)

    @lru_cache(maxsize=_KEPT)  # noqa: B019
    def _facts_of_pair(self, op: str, a: Facts, a_shape: Shape, b: Facts, b_shape: Shape) -> tuple[Facts, Shape]:
        """The facts of a sum or product of two, and its shape."""
        left, right = Known(a, a_shape, _NO_PRINTS), Known(b, b_shape, _NO_PRINTS)
        entrywise = op != "mul" or SCALAR in (a_shape, b_shape)
        commuting = op != "mul" or a_shape == b_shape == SCALAR
        found = set()
        for name in (None, *a, *b):
            for rule in self._binary[op].get(name, ()):
                if rule.then in found or (rule.shapes is None and not entrywise):
                    continue
                if rule.holds((left, right)) or (commuting and rule.holds((right, left))):
                    found.add(rule.then)
        shape = a_shape
        if op == "mul" and b_shape != SCALAR:
            shape = b_shape if a_shape == SCALAR else (a_shape[0], b_shape[1])
        return self.close(frozenset(found), shape), shape

    def _product(self, args: Sequence[Known]) -> Facts:
        scalars = self._squared("mul", [a for a in args if a.shape == SCALAR])
        chain = [a for a in args if a.shape != SCALAR]
        parts = []
        if scalars:
            parts.append(self._fold("mul", scalars))
        if chain:
            whole = self._fold("mul", chain)
            parts.append(whole._replace(facts=self.close(whole.facts | self._congruence(chain), whole.shape)))
        return self._fold("mul", parts).facts

    def _congruence(self, chain: Sequence[Known]) -> Facts:
        """Facts of X'*S*X from those of X and S; without S it is the identity."""
        depth = 0
        while depth < len(chain) // 2 and chain[depth].prints[1] == chain[-1 - depth].prints[0]:
            depth += 1
        if not depth:
            return NONE
        outer = self._fold("mul", chain[len(chain) - depth :])
        inner = chain[depth : len(chain) - depth]
        center = self._fold("mul", inner) if inner else Known(IDENTITY, (outer.shape[0],) * 2, outer.prints)
        return frozenset(rule.then for rule in self._special["congruence"] if rule.holds((center, outer)))

    def _complement(self, args: Sequence[Known]) -> Facts:
        """Facts of 1 - s from those of s."""
        if len(args) != 2:
            return NONE
        for one, other in (args, args[::-1]):
            if {"positive", "integer"} <= one.facts:
                minus = other._replace(facts=other.negated, shape=SCALAR)
                return frozenset(rule.then for rule in self._special["complement"] if rule.holds((minus,)))
        return NONE

    def _squared(self, op: str, args: Sequence[Known]) -> list[Known]:
        """Equal factors taken together in pairs: s*s is nonnegative."""
        found: list[Known] = []
        waiting: dict[bytes, Known] = {}
        for item in args:
            other = waiting.pop(item.prints[0], None)
            if other is None:
                waiting[item.prints[0]] = item
                continue
            square = {"nonnegative", "positive", "nonzero"} if "nonzero" in item.facts else {"nonnegative"}
            found.append(item._replace(facts=self._pair(op, item, item).facts | square))
        return [*found, *waiting.values()]

    # --- reading the rules ---

    @cached_property
    def _by_spelling(self) -> Mapping[str, tuple[Property, ...]]:
        found: dict[str, list[Property]] = {}
        for entry in self.table.properties.values():
            if not entry.is_implication:
                found.setdefault(spelling(entry.fields["then"]), []).append(entry)
        return {name: tuple(entries) for name, entries in found.items()}

    def _rules(self, node: Expr) -> tuple[Rule, ...]:
        """The rules for an operation that is not folded."""
        key = head(node)
        if key not in self._by_head:
            self._by_head[key] = tuple(
                rule
                for entry in self._by_spelling.get(word(node), ())
                if head(entry.subject) == key
                for rule in _read(entry, entry.subject.args)
            )
        return self._by_head[key]

    @cached_property
    def _binary(self) -> Mapping[str, Mapping[str | None, tuple[Rule, ...]]]:
        """The rules for sums, elementwise products and products of two, by one fact that each needs (if any)."""
        found: dict[str, list[Rule]] = {"add": [], "had": [], "mul": []}
        for entry in self._by_spelling.get("", ()):
            op, args = entry.subject.op, entry.subject.args
            if op in found and len(args) == 2 and all(a.op == "sym" for a in args):
                rules = _read(entry, args)
                found[op].extend(rules)
                if op == "mul":
                    found["had"].extend(rule for rule in rules if rule.shapes is None)
        return {op: _by_need(rules) for op, rules in found.items()}

    @cached_property
    def _special(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules for X'*S*X and for 1 - s."""
        found: dict[str, list[Rule]] = {"congruence": [], "complement": []}
        for entry in self._by_spelling.get("", ()):
            op, args = entry.subject.op, entry.subject.args
            if op == "mul" and len(args) == 3 and args[0].op == "t" and args[0].args[0] is args[2]:
                found["congruence"].extend(_read(entry, args[1:]))
            elif op == "add" and args[0].op == "num" and args[1].op == "mul":
                found["complement"].extend(_read(entry, args[1].args[1:]))
        return {name: tuple(rules) for name, rules in found.items()}


def _by_need(rules: Iterable[Rule]) -> Mapping[str | None, tuple[Rule, ...]]:
    found: dict[str | None, list[Rule]] = {}
    for rule in rules:
        found.setdefault(min((name for needed in rule.needs for name in needed), default=None), []).append(rule)
    return {name: tuple(group) for name, group in found.items()}


def _read(entry: Property, variables: Sequence[Expr]) -> list[Rule]:
    """The rules that an entry states, for arguments in this order."""
    scalars = entry.subject.is_scalar and all(v.is_scalar for v in variables)
    found = []
    for premises, then in entry.conclusions:
        place, assumed = _PRESUPPOSED.get(entry.subject.op, (0, NONE))
        needs = tuple(premises.get(v, NONE) - (assumed if i == place else NONE) for i, v in enumerate(variables))
        shapes = None if scalars and then in ENTRYWISE else tuple(v.shape for v in variables)
        found.append(Rule(needs, shapes, then))
    return found
