"""Rewrites of the table applied to expressions: ``from`` becomes ``to`` where the declared facts hold.

A rewrite of a sum or a product applies to some of the terms or factors of a longer one. A rewrite that is written
for scalars and elementwise operations holds for arrays entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product as choices
from typing import Any, NamedTuple, TypeAlias

from matcalc.expr import Expr, kept, symbols, topological
from matcalc.ops import add, mul
from matcalc.rules.ending import weight
from matcalc.rules.facts import known
from matcalc.rules.instantiate import ELEMENTWISE_OPS, array_form, instantiate
from matcalc.rules.match import EMPTY, Match, Matcher, OutOfBudget
from matcalc.rules.spellings import head, word, words
from matcalc.rules.statements import Rewrite
from matcalc.rules.table import Table, default_table

Head: TypeAlias = tuple[str, Any]
_ELEMENTWISE = ELEMENTWISE_OPS | {"num", "const", "sym", "add", "mul", "had"}


class Form(NamedTuple):
    """A rewrite for scalars, or for arrays: its sides, the facts its variables need, and further needs.

    ``anchors`` are operations that must stand at the root or directly below it for the left side to match.
    """

    left: Expr
    right: Expr
    variables: Mapping[Expr, frozenset[str]]
    needs: tuple[tuple[Expr, str], ...]
    anchors: frozenset[Head]


def forms(rewrite: Rewrite) -> tuple[Form, ...]:
    """The rewrite as it stands and, if it is elementwise, with some of its scalars as arrays."""
    left, right = rewrite.from_, rewrite.to
    assumed = presupposed(left)
    plain = Form(
        left,
        right,
        {v: v.data[1].facts - assumed.get(v, frozenset()) for v in symbols(left)},  # type: ignore[index]
        tuple((e, fact) for e, fact in rewrite.needs if fact not in assumed.get(e, frozenset())),
        frozenset(),
    )
    plain = plain._replace(anchors=_anchors(plain))
    variables = list(plain.variables)
    if not all(n.op in _ELEMENTWISE and n.is_scalar for n in topological(left, right)):
        return (plain,)
    found = [plain]
    for chosen in choices((True, False), repeat=len(variables)):
        scalars = [v for v, lifted in zip(variables, chosen, strict=True) if lifted]
        if scalars:
            form = _array_form(plain, scalars)
            if weight(form.right) < weight(form.left):  # 1 becomes ones(m, n)
                found.append(form)
    return tuple(found)


def _array_form(form: Form, scalars: list[Expr]) -> Form:
    left, arrays = array_form(form.left, scalars)
    right, _ = array_form(form.right, scalars)
    found = Form(
        left,
        right,
        {arrays.get(v, v): facts for v, facts in form.variables.items()},
        tuple((array_form(e, scalars)[0], fact) for e, fact in form.needs),
        frozenset(),
    )
    return found._replace(anchors=_anchors(found))


_COLLECTIONS = frozenset({"add", "mul", "had"})


def _anchors(form: Form) -> frozenset[Head]:
    """The operations in the left side, at the root and below it, that only the same operations match."""
    left = form.left
    found = set() if left.op in _COLLECTIONS or left.op == "t" else {head(left)}
    parts = [part for a in left.args for part in (a.args if a.op == "had" and left.op == "mul" else (a,))]
    for part in parts:
        inner = part.args[0] if part.op == "t" else part
        minus = part.op == "mul" and part.args[0].op == "num" and part.args[0].data == -1
        if inner not in form.variables and not (minus and mul(*part.args[1:]) in form.variables):
            found.add(head(inner))
    return frozenset(found)


def _tops(expr: Expr) -> frozenset[Head]:
    """The operations at the root of an expression and below it, inside transposes and elementwise products."""
    found = {head(expr)}
    for a in expr.args:
        found.add(head(a))
        if a.op == "t":
            found.add(head(a.args[0]))
        elif a.op == "had" and expr.op == "mul":
            found.update(head(b) for b in a.args)
    return frozenset(found)


def presupposed(left: Expr) -> dict[Expr, frozenset[str]]:
    """What must hold for ``left`` to have a value at all: inv(A) is there, so A is invertible."""
    found: dict[Expr, frozenset[str]] = {}
    for node in topological(left):
        fact = ""
        if node.op == "inv":
            fact = "invertible"
        elif node.op == "fn" and node.data in ("log", "sqrt"):
            fact = "positive" if node.data == "log" else "nonnegative"
        elif node.op == "pow" and node.args[1].op == "num" and node.args[1].data < 0:  # type: ignore[operator]
            fact = "nonzero"
        if fact:
            found[node.args[0]] = found.get(node.args[0], frozenset()) | {fact}
            if fact == "positive":
                found[node.args[0]] |= {"nonnegative", "nonzero"}
            if fact == "invertible":
                found[node.args[0]] |= {"fullrank"}
    return found


@dataclass(frozen=True, eq=False)
class Rewriter:
    """The rewrites of a table as one function: expression -> shorter expression, or None.

    Which rewrites may apply is found from the operation at the root and from the functions that occur below it;
    the others are never read.
    """

    table: Table
    _forms: dict[str, tuple[Form, ...]] = field(default_factory=dict)
    _tried: dict[tuple[str, frozenset[str]], tuple[Rewrite, ...]] = field(default_factory=dict)
    _fitting: dict[tuple[str, frozenset[str], frozenset[Head]], tuple[tuple[Form, ...], ...]] = field(
        default_factory=dict
    )

    def __call__(self, expr: Expr) -> Expr | None:
        """The smallest that one rewrite at the root makes of ``expr``, if that is smaller."""
        if not self.candidates(expr):
            return None
        found = [r for r in (_first_smaller(forms, expr) for forms in self._forms_that_fit(expr)) if r is not None]
        return min(found, key=weight, default=None)

    def _forms_that_fit(self, expr: Expr) -> tuple[tuple[Form, ...], ...]:
        """Of each candidate the forms whose anchors are there, if there are any."""
        key = (expr.op, words_in(expr), _tops(expr))
        found = self._fitting.get(key)
        if found is None:
            each = (_with_anchors(self.forms(rewrite), expr.op, key[2]) for rewrite in self.candidates(expr))
            found = self._fitting[key] = tuple(fitting for fitting in each if fitting)
        return found

    @cached_property
    def _needed_words(self) -> tuple[tuple[frozenset[str], Rewrite], ...]:
        return tuple((words(r.fields["from"]), r) for r in self.table.rewrites.values())

    def candidates(self, expr: Expr) -> tuple[Rewrite, ...]:
        """The rewrites that may apply at the root."""
        key = (expr.op, words_in(expr))
        if key not in self._tried:
            fitting = [r for needed, r in self._needed_words if needed <= key[1]]
            self._tried[key] = tuple(r for r in fitting if any(_starts(f.left, expr.op) for f in self.forms(r)))
        return self._tried[key]

    def forms(self, rewrite: Rewrite) -> tuple[Form, ...]:
        if rewrite.id not in self._forms:
            self._forms[rewrite.id] = forms(rewrite)
        return self._forms[rewrite.id]

    def apply(self, rewrite: Rewrite, expr: Expr) -> Expr | None:
        """``expr`` made smaller at its root by this rewrite; None if it does not apply there."""
        return _first_smaller(_with_anchors(self.forms(rewrite), expr.op, _tops(expr)), expr)


def _with_anchors(forms: Iterable[Form], op: str, tops: frozenset[Head]) -> tuple[Form, ...]:
    return tuple(form for form in forms if form.anchors <= tops and _starts(form.left, op))


def _first_smaller(forms: Iterable[Form], expr: Expr) -> Expr | None:
    """The first that one of the forms makes of ``expr`` and that is smaller."""
    for form in forms:
        try:
            found = next((r for r in _results(form, expr) if weight(r) < weight(expr)), None)
        except OutOfBudget:
            continue
        if found is not None:
            return found
    return None


@cache
def rewriter(table: Table) -> Rewriter:
    """The rewrites of the table as one function."""
    return Rewriter(table)


def apply_rewrite(rewrite: Rewrite, expr: Expr) -> Expr | None:
    """``expr`` rewritten at its root by one rewrite; None if it does not apply."""
    return rewriter(default_table()).apply(rewrite, expr)


_OPERATOR = frozenset({""})


def words_in(expr: Expr) -> frozenset[str]:
    """The functions that occur in an expression, by the names with which they are written."""
    found: frozenset[str] = kept(expr, "words", _words)
    return found


def _words(node: Expr) -> frozenset[str]:
    own = frozenset({word(node)}) if node.args or node.op == "commutation" else frozenset()
    return own.union(*[a.kept["words"] for a in node.args]) - _OPERATOR


def _starts(left: Expr, op: str) -> bool:
    """Can a node of this operation be the left side, or have it as some of its terms or factors?"""
    if left.op in ("mul", "had"):
        return op in ("mul", "had")
    return left.op == op


def _results(form: Form, expr: Expr) -> Iterator[Expr]:
    for found, put in _places(form, expr):
        needs = ((instantiate(e, found.bindings, found.dims), fact) for e, fact in form.needs)
        if all(known(e, fact) for e, fact in needs):
            yield put(instantiate(form.right, found.bindings, found.dims))


def _places(form: Form, expr: Expr) -> Iterator[tuple[Match, Callable[[Expr], Expr]]]:
    left = form.left
    matcher = Matcher(form.variables)
    if left.op == "add":
        for found, rest in matcher.some("add", left.args, expr.args, EMPTY):
            yield found, _in_sum(rest)
    elif left.op in ("mul", "had"):
        yield from matcher.part_of_product(left, expr, EMPTY)
    else:
        for found in matcher.whole(left, expr, EMPTY):
            yield found, _itself


def _in_sum(rest: tuple[Expr, ...]) -> Callable[[Expr], Expr]:
    return lambda new: add(*rest, new)


def _itself(new: Expr) -> Expr:
    return new
