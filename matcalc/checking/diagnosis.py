"""What went wrong in a claim: a sign, a factor, a transpose, a layout, a convention, a symmetry taken for granted.

Each suspicion is a corrected claim, put to the same question (``claims.py``). Only numbers decide, so a diagnosis
does not rest on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np

from matcalc.checking.claims import Question, scalar_neighbors
from matcalc.errors import MatcalcError
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import Kind
from matcalc.numeric.verify import Counterexample
from matcalc.ops import dim, mul, neg, num, reciprocal, substitute, sym, transpose
from matcalc.shapes import ONE, Dim, shape_text

Written: TypeAlias = Callable[[Expr], str]
_TRIED = 24  # changes of one part of a claim
_LARGEST = 12  # numerator and denominator of a factor


def explain(question: Question, claim: Expr, example: Counterexample | None, written: Written) -> list[str]:
    """What is wrong with a claim that does not hold; empty where nothing simple explains it."""
    if claim.shape != question.shape:
        return _other_shape(question, claim, written)
    turned = transpose(claim) if claim.rows is claim.cols and claim.rows is not ONE else None
    found = _convention_or_factor(question, claim, example, written)
    if not found and turned is not None:
        verdict = question.answer(turned)
        if verdict:
            return ["the claim is transposed"]
        rest = _convention_or_factor(question, turned, verdict.counterexample, written)
        found = ["the claim is transposed", *rest] if rest else []
    return found or _symmetry(question, claim) or _one_part(question, claim, written)


def _convention_or_factor(
    question: Question, claim: Expr, example: Counterexample | None, written: Written
) -> list[str]:
    found = _convention(question, claim)
    if found is not None:
        return [found]
    factor = None if example is None else factor_between(question, claim, example)
    return [] if factor is None else [_factor_text(factor, question.f, written)]


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
    if ratio is None:
        return None
    for scalar, value in _scalars(question, claim, example):
        fraction = Fraction(ratio / value).limit_denominator(_LARGEST)
        if not 0 < abs(fraction.numerator) <= _LARGEST or abs(float(fraction) * value / ratio - 1) > 1e-6:
            continue
        factor = scalar if fraction == 1 else num(fraction) if scalar is num(1) else mul(num(fraction), scalar)
        if question.answer(mul(_inverse(factor), claim)):
            return factor
    return None


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
