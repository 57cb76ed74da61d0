"""Slips of the hand in a claim, found by making them or by undoing them: a part left out, an order, an exponent.

``undone``: the claim with one part changed back is put to the question again. ``made``: the right form, spoilt as a
slip would spoil it, is compared with the claim. At one point first, so that hundreds of changes cost little; what
agrees there is then verified at many points. Only numbers decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import combinations, islice, permutations
from typing import Any, NamedTuple

import numpy as np

from matcalc import ops
from matcalc.calculus.differential import local_differential
from matcalc.checking.claims import Question
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, topological
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.verify import Counterexample, verify_equal
from matcalc.printing.measure import length
from matcalc.rules.table import default_table
from matcalc.shapes import ONE

_LONGEST = 120  # symbols: longer claims and right forms are not looked at
_CHANGES = 600  # of one form
_FACTORS = 4  # a longer product is not put in every order
_NO_VALUE = (MatcalcError, ArithmeticError, ValueError, KeyError, np.linalg.LinAlgError)
_MISSING = 3  # factors that may be left out of one product


class Change(NamedTuple):
    """A part, what stands in its place, and what that says."""

    part: Expr
    other: Expr
    says: str


Written = Callable[[Expr], str]


def undone(question: Question, claim: Expr, example: Counterexample, written: Written) -> str | None:
    """What is wrong with a claim of the right shape that becomes right when one part of it is changed."""
    if length(claim) > _LONGEST:
        return None
    at_point = question.f.is_scalar and not question.second  # else the example is about one direction
    for change in islice(_undoing(claim, written), _CHANGES if at_point else 24):
        changed = _changed(claim, change)
        if changed is None or changed.shape != question.shape:
            continue
        if (not at_point or _is_value(changed, example, example.expected)) and _holds(question, changed):
            return change.says
    return None


def made(claim: Expr, forms: Iterable[Expr], example: Counterexample, written: Written) -> str | None:
    """What is left out of a claim: which of the right ``forms``, spoilt by one slip, is equal to it."""
    value = value_at(claim, example)
    if value is None or length(claim) > _LONGEST:
        return None
    found: dict[str, int] = {}
    for form in forms:
        if length(form) > _LONGEST:
            continue
        for change in islice(_making(form, written), _CHANGES):
            spoilt = _changed(form, change)
            if spoilt is None or spoilt.shape != claim.shape or change.says in found:
                continue
            if _is_value(spoilt, example, value) and verify_equal(claim, spoilt):
                found[change.says] = length(change.part)
    return min(found, key=lambda says: (len(says), found[says]), default=None)


# --- changes --------------------------------------------------------------------------------------


def _undoing(claim: Expr, written: Written) -> Iterator[Change]:
    """One part of the claim as it may have been meant."""
    for n in reversed(topological(claim)):
        if n.op == "mul":
            yield from _in_other_orders(n, written)
        if n.op == "had" and len(n.args) == 2 and n.args[0].cols is n.args[1].rows:
            product = ops.mul(*n.args)
            yield Change(n, product, f"{written(n)} should be the matrix product {written(product)}")
        if n.op == "fn":
            yield from _of_function(n, written)
        if n.op == "pow" and n.args[1].op == "num":
            yield from _exponents(n, written)
        if n.op == "had" or (n.op == "mul" and n.is_scalar):
            for f in n.args:
                if f.op != "num":
                    yield Change(f, ops.reciprocal(f), f"{written(f)} should divide")
        if n.args and n.op not in ("add", "t") or n.op == "sym":
            square = ops.matpow(n, ops.num(2)) if not n.is_scalar and n.rows is n.cols else None
            if n.is_scalar or square is None or n.op == "fn":
                yield Change(n, ops.power(n, ops.num(2)), f"{written(n)} should be squared")


def _in_other_orders(n: Expr, written: Written) -> Iterator[Change]:
    """A product with its factors in another order, a part of it transposed, or entry by entry."""
    scalars, arrays = [f for f in n.args if f.is_scalar], [f for f in n.args if not f.is_scalar]
    for i in range(len(arrays) - 1):
        run = ops.mul(*arrays[i : i + 2])
        if run.rows is run.cols and not run.is_scalar and len(arrays) > 2:
            turned = ops.mul(*scalars, *arrays[:i], ops.transpose(run), *arrays[i + 2 :])
            yield Change(n, turned, f"{written(run)} should be transposed")
        if arrays[i].shape == arrays[i + 1].shape:
            entrywise = ops.had(*arrays[i : i + 2])
            changed = ops.mul(*scalars, *arrays[:i], entrywise, *arrays[i + 2 :])
            yield Change(n, changed, f"{written(run)} should be the elementwise product {written(entrywise)}")
    if 2 <= len(arrays) <= _FACTORS:
        for order in islice(permutations(arrays), 1, None):
            if all(a.cols is b.rows for a, b in zip(order, order[1:], strict=False)):
                changed = ops.mul(*scalars, *order)
                yield Change(n, changed, f"the order of the factors is wrong: {written(changed)}")


def _of_function(n: Expr, written: Written) -> Iterator[Change]:
    z = n.args[0]
    with suppress(MatcalcError):
        step = ops.ones(*z.shape) if not z.is_scalar else ops.num(1)
        slope = local_differential(n, {z: step}, default_table())[0]
        yield Change(n, slope, f"{written(n)} should be its derivative")
    yield Change(n, ops.fn(str(n.data), ops.neg(z)), f"the sign inside of {written(n)} is wrong")


def _exponents(n: Expr, written: Written) -> Iterator[Change]:
    base, exponent = n.args
    k = Fraction(exponent.data)  # type: ignore[call-overload]
    half = Fraction(1, 2)
    for other in dict.fromkeys((k + 1, k - 1, k + half, k - half, 2 * k, k / 2, -k)):
        if other:
            changed = ops.power(base, ops.num(other))
            yield Change(n, changed, f"the exponent of {written(base)} is wrong: {other} belongs there")


def _making(form: Expr, written: Written) -> Iterator[Change]:
    """One part of the right form as a slip would leave it."""
    for n in reversed(topological(form)):
        if n.op == "add":
            for i, term in enumerate(n.args):
                rest = ops.add(*(a for j, a in enumerate(n.args) if j != i))
                yield Change(n, rest, f"the term {written(term)} is missing")
        if n.op in ("mul", "had"):
            yield from _left_out(n, written)
        if n.op == "mul":
            yield from _entrywise(n, written)
        if n.op == "pow":
            yield Change(n, n.args[0], f"{written(n.args[0])} should be {written(n)}")
        if n.op == "t":
            yield Change(n, n.args[0], f"{written(n.args[0])} should be transposed")


def _left_out(n: Expr, written: Written) -> Iterator[Change]:
    """A product without some of its factors."""
    build = ops.mul if n.op == "mul" else ops.had
    for k in range(1, min(_MISSING, len(n.args) - 1) + 1):
        for places in combinations(range(len(n.args)), k):
            missing = [n.args[i] for i in places]
            if any(f is ops.num(-1) for f in missing):
                continue
            sign = [ops.num(-1)] if any(f.op == "num" and f.data < 0 for f in missing) else []  # type: ignore[operator]
            with suppress(MatcalcError):
                rest = build(*sign, *(f for i, f in enumerate(n.args) if i not in places))
                missing = [ops.num(abs(f.data)) if f.op == "num" else f for f in missing]  # type: ignore[arg-type]
                yield Change(n, rest, _missing(missing, written))


def _missing(factors: Sequence[Expr], written: Written) -> str:
    shown = [written(f) for f in factors]
    if len(shown) == 1:
        return f"the factor {shown[0]} is missing"
    return f"the factors {', '.join(shown[:-1])} and {shown[-1]} are missing"


def _entrywise(n: Expr, written: Written) -> Iterator[Change]:
    """u'*v*w taken as u .* v .* w: entry by entry what is a sum over all entries."""
    for f in n.args:
        pair = [a for a in f.args if not a.is_scalar] if f.op == "mul" and f.is_scalar else []
        if len(pair) == 2 and pair[1].cols is ONE:
            u, v = ops.transpose(pair[0]) if pair[0].op != "t" else pair[0].args[0], pair[1]
            rest = [a for a in n.args if a is not f]
            with suppress(MatcalcError):
                arrays = [a for a in rest if not a.is_scalar]
                scalars = [a for a in (*rest, *f.args) if a.is_scalar]
                spoilt = ops.mul(*scalars, ops.had(u, v, *arrays))
                yield Change(n, spoilt, f"{written(f)} is a sum over all entries, not taken entry by entry")


# --- comparisons ----------------------------------------------------------------------------------


def _changed(e: Expr, change: Change) -> Expr | None:
    with suppress(MatcalcError):
        return ops.substitute(e, {change.part: change.other})
    return None


def value_at(e: Expr, example: Counterexample) -> Any:
    """The value at the point of the example; None where there is none."""
    with suppress(*_NO_VALUE), np.errstate(all="ignore"):
        return np.asarray(evaluate(e, example.values, example.sizes))
    return None


def _is_value(e: Expr, example: Counterexample, value: Any) -> bool:
    found = value_at(e, example)
    if found is None or np.size(found) != np.size(value):
        return False
    first, second = np.ravel(np.real(found)), np.ravel(np.real(value))
    return bool(np.allclose(first, second, rtol=1e-6, atol=1e-9))


def _holds(question: Question, claim: Expr) -> bool:
    with suppress(MatcalcError):
        return bool(question.answer(claim))
    return False
