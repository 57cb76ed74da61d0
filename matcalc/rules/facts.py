"""What is known of an expression: symmetric, spd, positive, orthogonal, ... : yes, no or unknown.

Facts are inferred bottom up from the declared ones, by the rules of ``identities/properties.toml`` and by comparing an
expression with its transpose. One set of facts is kept for each node; the cost is linear in distinct nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

from matcalc.expr import Expr, kept, topological
from matcalc.rules.entries import FACT_NAMES, Condition
from matcalc.rules.inference import ENTRYWISE, IDENTITY, NONE, Facts, Known, Rules
from matcalc.rules.table import default_table
from matcalc.shapes import ONE
from matcalc.symmetry import Prints, is_hessian, prints

# facts that any sum keeps, the empty one too
_SUMMABLE: Facts = frozenset("symmetric psd diagonal lower upper toeplitz nonnegative integer natural even".split())
_LEAVES: dict[str, Facts] = {
    "eye": IDENTITY,
    "ones": frozenset({"positive", "natural"}),
    "zeros": frozenset({"nonnegative", "natural", "even", "below_one"}),
    "commutation": frozenset({"orthogonal", "nonnegative", "natural", "rowsum_one", "onehot"}),
    "unit": frozenset({"onehot"}),
    "dim": frozenset({"positive", "natural"}),
    "const": frozenset({"positive"}),
    "idx": frozenset({"integer"}),
}
_KEPT_BY_TRIANGLES: Facts = frozenset("nonnegative integer natural even lower upper diagonal toeplitz".split())
_KEPT_BY_MEANS: Facts = frozenset({"nonnegative", "positive", "symmetric", "lower", "upper", "diagonal"})
_SQUARE_ZERO: Facts = frozenset({"symmetric", "psd", "diagonal", "lower", "upper", "toeplitz"})


class Truth(Enum):
    """Yes, no or unknown; it has no truth value of its own, so that unknown is never taken for no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("a fact is yes, no or unknown: compare with Truth.YES or Truth.NO, or ask known()")


class Info(NamedTuple):
    """What is known of a node: its facts, what is excluded, and the fingerprints of it and of its transpose."""

    yes: Facts
    no: Facts
    prints: Prints
    negated: Facts  # the facts of e if the node is -e



def fact(expr: Expr, name: str, assumptions: Mapping[Expr, Facts] | None = None) -> Truth:
    """Does ``expr`` have the fact? ``assumptions`` gives further facts of some nodes."""
    assert name in FACT_NAMES, f"{name} is not a fact"
    found = _info(expr, assumptions)
    if name in found.yes:
        return Truth.YES
    return Truth.NO if name in found.no else Truth.UNKNOWN


def known(expr: Expr, name: str, assumptions: Mapping[Expr, Facts] | None = None) -> bool:
    """Is the fact known to hold?"""
    assert name in FACT_NAMES, f"{name} is not a fact"
    return name in _info(expr, assumptions).yes


def facts_of(expr: Expr) -> Facts:
    """Every fact that is known to hold."""
    return _info(expr, None).yes


def print_of(expr: Expr) -> bytes:
    """A fingerprint: the same for expressions that are equal up to the order of terms and to transposes."""
    return _info(expr, None).prints[0]


def settled(condition: Condition) -> bool:
    """Is a condition of the table known to hold?"""
    if condition.unless is not None and known(*condition.unless):
        return True
    return condition.fact is not None and known(condition.subject, condition.fact)


def _info(expr: Expr, assumptions: Mapping[Expr, Facts] | None) -> Info:
    if assumptions:
        memo: dict[Expr, Info] = {}
        for node in topological(expr):
            memo[node] = _infer(node, [memo[a] for a in node.args], assumptions.get(node, NONE))
        return memo[expr]
    found: Info = expr.kept.get("facts") or kept(expr, "facts", _inferred)
    return found


def _inferred(node: Expr) -> Info:
    return _infer(node, [a.kept["facts"] for a in node.args], NONE)


def _infer(node: Expr, args: Sequence[Info], assumed: Facts) -> Info:
    rules = _rules()
    known = [Known(info.yes, x.shape, info.prints, info.negated) for x, info in zip(node.args, args, strict=True)]
    found = rules.close(_seeds(node, args) | assumed | rules.apply(node, known), node.shape)
    pair = prints(node, [a.prints for a in args], "symmetric" in found)
    if node.rows is node.cols and not node.is_scalar and pair[0] == pair[1]:
        found = rules.close(found | {"symmetric"}, node.shape)
    return Info(found, rules.excluded(found, _excluded(node)), pair, _negated(node, args))


@cache
def _rules() -> Rules:
    return Rules(default_table())


def _negated(node: Expr, args: Sequence[Info]) -> Facts:
    """The facts of e if the node is -e."""
    minus = node.op == "mul" and len(args) == 2 and node.args[0].op == "num" and node.args[0].data == -1
    return args[1].yes if minus else NONE


def _seeds(node: Expr, args: Sequence[Info]) -> Facts:
    """The facts that need no rule."""
    match node.op:
        case "sym":
            return _declared(node.data[1].facts & FACT_NAMES)  # type: ignore[index]
        case "num":
            return _of_number(node)
        case "zeros" if node.rows is node.cols:
            return _LEAVES["zeros"] | _SQUARE_ZERO
        case "ufn" if is_hessian(node):
            return frozenset({"symmetric"})
        case "part":
            kept = _KEPT_BY_MEANS if node.data == "toeplitz" else _KEPT_BY_TRIANGLES
            return frozenset({str(node.data)}) | (args[0].yes & kept)
        case "isum":
            return args[3].yes & _SUMMABLE
        case "slice" | "block" | "t" | "vec" | "unvec" | "diagvec":
            moved = args[:1] if node.op == "slice" else args
            kept = frozenset.intersection(*(a.yes for a in moved)) & ENTRYWISE
            if node.op == "slice" and node.cols is node.args[0].cols and node.data[1] == ("all",):  # type: ignore[index]
                kept |= args[0].yes & {"rowsum_one"} if node.args[0].rows is not ONE else NONE
            return kept
        case _:
            return _LEAVES.get(node.op, NONE)


def _declared(facts: Facts) -> Facts:
    """Of a diagonal or triangular matrix "positive" is said of the entries that the structure leaves free."""
    if not facts & {"diagonal", "lower", "upper"} or not facts & {"positive", "nonzero"}:
        return facts
    sign = {"nonnegative"} if "positive" in facts else set()
    definite = {"spd"} if {"diagonal", "positive"} <= facts else {"invertible"}
    return facts - {"positive", "nonzero"} | sign | definite


def _of_number(node: Expr) -> Facts:
    value = node.data
    checks = {
        "positive": value > 0,  # type: ignore[operator]
        "nonnegative": value >= 0,  # type: ignore[operator]
        "nonzero": value != 0,
        "below_one": value < 1,  # type: ignore[operator]
        "integer": value.denominator == 1,  # type: ignore[union-attr, attr-defined]
    }
    checks["natural"] = checks["integer"] and checks["nonnegative"]
    checks["even"] = checks["integer"] and value % 2 == 0  # type: ignore[operator]
    return frozenset(name for name, holds in checks.items() if holds)


def _excluded(node: Expr) -> Facts:
    if node.op == "num":
        return ENTRYWISE - _of_number(node)
    if node.op == "zeros":
        return frozenset({"positive", "nonzero", "invertible"})
    return NONE
