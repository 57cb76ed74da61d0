"""What only the whole table shows: every rewrite makes its expression smaller, and no implication goes in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matcalc.expr import Expr, kept, topological
from matcalc.printing.measure import length
from matcalc.rules.statements import Property, Rewrite

_WEIGHTS = {
    "inv": 4, "pinv": 6, "det": 4, "logdet": 4, "adj": 6, "kron": 3, "mfn": 4, "matpow": 2, "isum": 4,
    "sum": 2, "norm1": 3, "norm2": 3, "prod": 3, "logsumexp": 4,
}  # fmt: skip
# a closed form is better than an operator without one, even if it is longer
_OPEN = 8


def weight(x: Expr) -> tuple[int, int]:
    """The measure of simplification: the length; between equals an inverse weighs more than a transpose."""
    found: tuple[int, int] | None = x.kept.get("weight")
    if found is None:
        derivatives, total = kept(x, "operators", _operators)
        found = x.kept["weight"] = length(x) + _OPEN * derivatives, total
    return found


def _operators(x: Expr) -> tuple[int, int]:
    """How many operators without a closed form there are, and what all weigh together."""
    below = [a.kept["operators"] for a in x.args]
    return sum([o for o, _ in below]) + (x.op == "frechet"), sum([t for _, t in below]) + _WEIGHTS.get(x.op, 1)


def check_smaller(rewrite: Rewrite) -> None:
    """Refuse a rewrite that might never stop: ``to`` must be smaller, whatever the variables stand for."""
    left, right = weight(rewrite.from_), weight(rewrite.to)
    if right >= left:
        raise rewrite.wrong("to", f"is not smaller: (length, weight) {right} after {left}")
    before, after = _occurrences(rewrite.from_), _occurrences(rewrite.to)
    indices = {name for name, kind in rewrite.let.items() if "integer" in kind.facts}  # as short as they are
    for name, count in after.items():
        if count > before.get(name, 0) and name not in indices:
            raise rewrite.wrong("to", f"{name} occurs {count} times, in from {before.get(name, 0)} times")


def _occurrences(x: Expr) -> dict[str, int]:
    """How often each variable is written."""
    counts: dict[Expr, dict[str, int]] = {}
    for node in topological(x):
        if node.op == "sym":
            counts[node] = {node.name: 1}
            continue
        total: dict[str, int] = {}
        for child in node.args:
            for name, count in counts[child].items():
                total[name] = total.get(name, 0) + count
        counts[node] = total
    return counts[x]


def check_implications(properties: Iterable[Property]) -> None:
    """Refuse implications that go in a circle, or from which a fact both holds and does not."""
    entries = [p for p in properties if p.is_implication]
    holds: dict[str, dict[str, Property]] = {}
    excludes: dict[str, dict[str, Property]] = {}
    for entry in entries:
        stronger, weaker, positive = entry.implies
        (holds if positive else excludes).setdefault(stronger, {})[weaker] = entry
    closure = {fact: _reachable(fact, holds) for fact in {*holds, *excludes}}
    for entry in entries:
        stronger, weaker, positive = entry.implies
        if positive and (stronger == weaker or stronger in _reachable(weaker, holds)):
            raise entry.wrong("then", f"goes in a circle: {weaker} implies {stronger} already")
    for fact, implied in closure.items():
        known = implied | {fact}
        for source in known:
            for excluded, entry in excludes.get(source, {}).items():
                if excluded in known:
                    raise entry.wrong("then", f"contradicts the others, by which {fact} implies {excluded}")


def _reachable(fact: str, holds: Mapping[str, Mapping[str, Property]]) -> set[str]:
    found: set[str] = set()
    stack = [fact]
    while stack:
        for weaker in holds.get(stack.pop(), {}):
            if weaker not in found:
                found.add(weaker)
                stack.append(weaker)
    return found
