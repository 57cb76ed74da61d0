"""What went wrong in a claim: a sign, a factor, a transpose, a layout, a convention, a part left out.

Each suspicion is a corrected claim, put to the same question (``claims.py``). Only numbers decide, so a diagnosis
does not rest on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np

from matcalc.checking.claims import Question, scalar_neighbors
from matcalc.checking.slips import made, undone, value_at
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import Kind
from matcalc.numeric.verify import Counterexample
from matcalc.ops import add, dim, mul, neg, num, reciprocal, substitute, sym, transpose, zeros
from matcalc.shapes import ONE, Dim, shape_text

Written: TypeAlias = Callable[[Expr], str]
_PARTS = 12  # parts of the function that are looked for as factors
_TRIED = 24  # changes of one part of a claim
_LARGEST = 12  # numerator and denominator of a factor


def explain(
    question: Question, claim: Expr, example: Counterexample | None, written: Written, right: Sequence[Expr] = ()
) -> list[str]:
    """What is wrong with a claim that does not hold; empty where nothing simple explains it. ``right``: forms of what
    is right, if they are known."""
    if claim.shape != question.shape:
        return _other_shape(question, claim, written) or _left_out(question, claim, None, written, right)
    turned = transpose(claim) if claim.rows is claim.cols and claim.rows is not ONE else None
    found = _convention_or_factor(question, claim, example, written)
    if not found and turned is not None:
        verdict = question.answer(turned)
        if verdict:
            return ["the claim is transposed"]
        rest = _convention_or_factor(question, turned, verdict.counterexample, written)
        found = ["the claim is transposed", *rest] if rest else []
    return (
        found
        or _symmetry(question, claim)
        or _value_factor(question, claim, example, written)
        or _one_term(question, claim, example, written)
        or _one_part(question, claim, written)
        or _slip(question, claim, example, written)
        or _left_out(question, claim, example, written, right)
    )


def _slip(question: Question, claim: Expr, example: Counterexample | None, written: Written) -> list[str]:
    found = None if example is None else undone(question, claim, example, written)
    if found is None and example is not None and claim.rows is claim.cols and claim.rows is not ONE:
        found = undone(question, transpose(claim), example, written)
        return [] if found is None else ["the claim is transposed", found]
    return [] if found is None else [found]


def _left_out(
    question: Question, claim: Expr, example: Counterexample | None, written: Written, right: Sequence[Expr]
) -> list[str]:
    """A part of the right form that the claim has not."""
    if not right:
        return []
    if example is None:  # any point will do
        example = question.answer(_nothing(right[0])).counterexample
    found = None if example is None else made(claim, right, example, written)
    return [] if found is None else [found]


def _nothing(like: Expr) -> Expr:
    return num(0) if like.is_scalar else zeros(*like.shape)


def _convention_or_factor(
    question: Question, claim: Expr, example: Counterexample | None, written: Written
) -> list[str]:
    found = _convention(question, claim)
    if found is not None:
        return [found]
    factor = None if example is None else factor_between(question, claim, example)
    return [] if factor is None else [_factor_text(factor, question.f, written)]


def _value_factor(
    question: Question, claim: Expr, example: Counterexample | None, written: Written
) -> list[str]:
    """A factor that is a part of the function, such as det(X): the chain rule was left off, or is there twice."""
    ratio = None if example is None else _proportion(example.found, example.expected)
    if ratio is None or example is None:
        return []
    parts = [n for n in topological(question.f) if n.is_scalar and n.args and symbols(n)]
    for n in parts[-_PARTS:]:
        value = value_at(n, example)
        number = float(np.real(value)) if value is not None and np.size(value) == 1 else 0.0
        if number in (0.0, 1.0):
            continue
        for over, k in ((False, _small(ratio * number)), (True, _small(ratio / number))):
            if k is None:
                continue
            if over and question.answer(mul(reciprocal(n), num(1 / k), claim)):
                return [f"there is a factor {written(n if k == 1 else mul(num(k), n))} too many"]
            if not over and question.answer(mul(n, num(1 / k), claim)):
                return [f"a factor {written(n if k == 1 else mul(num(1 / k), n))} is missing"]
    return []


def _small(ratio: float) -> Fraction | None:
    """A fraction of small numbers, if the ratio is one."""
    found = Fraction(ratio).limit_denominator(_LARGEST)
    fits = found and abs(found.numerator) <= _LARGEST and abs(float(found) / ratio - 1) < 1e-6
    return found if fits else None


def _one_term(question: Question, claim: Expr, example: Counterexample | None, written: Written) -> list[str]:
    """A term with a factor that is wrong, or that does not belong there."""
    if example is None or np.size(example.expected) != np.size(example.found):
        return []
    for n in reversed(topological(claim)):
        for i, term in enumerate(n.args if n.op == "add" else ()):
            with suppress(MatcalcError):
                without = substitute(claim, {n: add(*n.args[:i], *n.args[i + 1 :])})
                rest = value_at(without, example)
                if rest is None or np.size(rest) != np.size(example.found):
                    continue
                rest = np.reshape(rest, np.shape(example.found))
                if np.allclose(rest, example.expected) and question.answer(without):
                    return [f"the term {written(term)} does not belong there"]
                ratio = _proportion(example.found - rest, example.expected - rest)
                for factor in _factors(ratio, question, claim, example) if ratio else ():
                    other = add(*n.args[:i], mul(_inverse(factor), term), *n.args[i + 1 :])
                    if question.answer(substitute(claim, {n: other})):
                        if factor is num(-1):
                            return [f"the sign of {written(term)} is wrong"]
                        return [f"in the term {written(term)} {_factor_text(factor, question.f, written)}"]
    return []


def _one_part(question: Question, claim: Expr, written: Written) -> list[str]:
    """One term whose sign is wrong, or one square part that should be transposed, wherever it stands."""
    changes = []
    for n in reversed(topological(claim)):
        if n.op == "add":
            changes += [(term, neg(term), "the sign of {} is wrong") for term in n.args]
        if n is not claim and n.rows is n.cols and n.rows is not ONE:
            changes += [(n, transpose(n), "{} should be transposed")]
    for part, other, said in [c for c in changes if c[0] is not c[1]][:_TRIED]:
        with suppress(MatcalcError):
            changed = substitute(claim, {part: other})
            if changed.shape == question.shape and question.answer(changed):
                return [said.format(written(part))]
    return []


def _symmetry(question: Question, claim: Expr) -> list[str]:
    matrix = _taken_for_symmetric(question, claim)
    return [] if matrix is None else [f"it would hold if {matrix.name} were symmetric"]


def _other_shape(question: Question, claim: Expr, written: Written) -> list[str]:
    """The claim may be in the other layout, or belong to another function."""
    x = question.x
    if x is None:
        return []
    turned = transpose(claim)
    if turned.shape == question.shape:
        verdict = question.answer(turned)
        rest = [] if verdict else _convention_or_factor(question, turned, verdict.counterexample, written)
        rest = rest or ([] if verdict else _symmetry(question, turned))
        if not (verdict or rest):
            return []
        if not question.f.is_scalar or x.rows is ONE:
            return ["the claim is transposed", *rest]
        name = "numerator" if question.layout == "gradient" else "gradient"
        return [f"the claim is in {name} layout; the layout in force is {question.layout} (--layout {name})", *rest]
    for meant in scalar_neighbors(question.f, x):
        for layout in ("gradient", "numerator"):
            other = replace(question, f=meant, layout=layout)
            if claim.shape == other.shape and other.answer(claim):
                return [f"the claim is the derivative of {written(meant)}, in {layout} layout"]
    return []


_CONVENTIONS = {
    "auto": "the projection on the declared structure",
    "tied": "the form with tied entries (--structure tied)",
    "free": "the gradient without regard to the declared structure (--structure free)",
}


def _convention(question: Question, claim: Expr) -> str | None:
    """A declared structure has three gradients: the projection, the tied form, the free one."""
    x = question.x
    if x is None or not question.f.is_scalar or not x.data[1].facts:  # type: ignore[index]
        return None
    for structure, name in _CONVENTIONS.items():
        if structure != question.structure and replace(question, structure=structure).answer(claim):
            return f"the claim is {name}; the convention in force is {_CONVENTIONS[question.structure]}"
    return None


# --- factors --------------------------------------------------------------------------------------


def factor_between(question: Question, claim: Expr, example: Counterexample) -> Expr | None:
    """c with claim = c * right form: a small fraction, perhaps times or over a size or a scalar; None if none."""
    ratio = _proportion(example.found, example.expected)
    found = _factors(ratio, question, claim, example) if ratio is not None else iter(())
    return next((factor for factor in found if question.answer(mul(_inverse(factor), claim))), None)


def _factors(ratio: float, question: Question, claim: Expr, example: Counterexample) -> Iterator[Expr]:
    """What the ratio may stand for: small fractions, perhaps times or over a size or a scalar."""
    for scalar, value in _scalars(question, claim, example):
        fraction = _small(ratio / value)
        if fraction is not None:
            yield scalar if fraction == 1 else num(fraction) if scalar is num(1) else mul(num(fraction), scalar)


def _proportion(a: Any, b: Any) -> float | None:
    """c with a = c*b, if there is one and neither is zero."""
    first, second = np.ravel(np.real(a)).astype(float), np.ravel(np.real(b)).astype(float)
    if not (np.all(np.isfinite(first)) and np.all(np.isfinite(second))):
        return None
    size = float(second @ second)
    ratio = float(first @ second) / size if size else 0.0
    if ratio == 0 or np.abs(first - ratio * second).max() > 1e-6 * np.abs(first).max():
        return None
    return ratio


def _scalars(question: Question, claim: Expr, example: Counterexample) -> Iterator[tuple[Expr, float]]:
    """1, the sizes, the scalar variables, and their reciprocals, sizes over sizes, with their values at the point."""
    yield num(1), 1.0
    found = [(dim(Dim.of(name)), float(size)) for name, size in sorted(example.sizes.items())]
    found += [
        (s, float(np.real(example.values[s.name])))
        for s in symbols(question.f, claim)
        if s.is_scalar and s.name in example.values
    ]
    for scalar, value in found:
        if value not in (0.0, 1.0):
            yield scalar, value
            yield reciprocal(scalar), 1 / value
    sizes = found[: len(example.sizes)]
    for (first, one), (second, other) in permutations(sizes, 2):
        if one != other:
            yield mul(first, reciprocal(second)), one / other


def _inverse(factor: Expr) -> Expr:
    """1/c, written shortly."""
    parts = factor.args if factor.op == "mul" else (factor,)
    return mul(*(p.args[0] if p.op == "pow" and p.args[1] is num(-1) else reciprocal(p) for p in parts))


def _factor_text(factor: Expr, f: Expr, written: Written) -> str:
    """What a factor between the claim and the right form says; of a size in terms of 1/n, as in a mean."""
    if factor is num(-1):
        return "the sign is wrong"
    parts = factor.args if factor.op == "mul" else (factor,)
    number = Fraction(parts[0].data) if parts[0].op == "num" else Fraction(1)  # type: ignore[call-overload]
    scalar = parts[-1] if parts[-1].op != "num" else None
    sign = "the sign is wrong, and " if number < 0 else ""
    if sum(p.op != "num" for p in parts) > 1:  # one size where another belongs
        over, under = (next(p for p in parts if p.op == op) for op in ("dim", "pow"))
        above = under.args[0] if abs(number) == 1 else mul(num(1 / abs(number)), under.args[0])
        return f"{sign}a factor {written(above)}/{written(over)} is missing"
    size = num(abs(number)) if scalar is None else scalar if abs(number) == 1 else mul(num(abs(number)), scalar)
    if scalar is None:
        too_large = abs(number) > 1
    else:
        base = scalar.args[0] if scalar.op == "pow" else scalar
        as_quotient = base.op == "dim" or reciprocal(base) in topological(f)
        too_large = (scalar is not base) == as_quotient
    if too_large:
        return f"{sign}there is a factor {written(size)} too many"
    return f"{sign}a factor {written(_inverse(size))} is missing"


# --- symmetry -------------------------------------------------------------------------------------


def _taken_for_symmetric(question: Question, claim: Expr) -> Expr | None:
    """A square matrix such that the claim would hold if it were symmetric."""
    for s in symbols(question.f, claim):
        kind: Kind = s.data[1]  # type: ignore[index]
        if s is question.x or s.rows is ONE or s.rows is not s.cols or kind.facts & {"symmetric", "spd", "diagonal"}:
            continue
        facts = kind.facts - {"orthogonal", "lower", "upper"} | {"symmetric"}
        mapping = {s: sym(s.name, Kind("matrix", s.rows, s.cols, facts))}
        if question.where(mapping).answer(substitute(claim, mapping)):
            return s
    return None


def shapes_text(question: Question, claim: Expr) -> str:
    """Why a claim has the wrong shape."""
    if question.x is None:
        return f"the first expression is {shape_text(question.shape)}; the second is {shape_text(claim.shape)}"
    array = question.array_shape
    if array is not None:
        return (
            f"{question.what} is an array {array} (as a matrix by vec: {shape_text(question.shape)}); "
            f"the claim is {shape_text(claim.shape)}"
        )
    return f"{question.what} is {shape_text(question.shape)}; the claim is {shape_text(claim.shape)}"
