"""Every entry of the identity table against numbers: ``audit(entry)`` says whether it holds, and how it was seen.

Differentials, rewrites and known gradients are compared at random points; properties are tried on values that have
the premises; an erratum is in order when its claim is refuted by a point, and what is said to be right holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from matcalc import ops
from matcalc.entries import Differential, Entry
from matcalc.errors import MatcalcError
from matcalc.evaluate import evaluate
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.sample import STRATEGIES, draw_value, satisfies
from matcalc.shapes import ONE, Dim
from matcalc.sizes import size_settings
from matcalc.statements import Erratum, Gradient, Property, Rewrite
from matcalc.verify import Verdict, verify_differential, verify_equal, verify_gradient

DRAWS = 12  # of values that have the premises of a property


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an entry is in order; true when it is. ``detail`` says what was seen."""

    entry: Entry
    holds: bool
    detail: str

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return f"{'ok    ' if self.holds else 'FAILED'} {self.entry.id}: {self.detail}"


def audit(entry: Entry) -> Outcome:
    """Verify one entry."""
    for kind, verify in _BY_KIND:
        if isinstance(entry, kind):
            try:
                holds, detail = verify(entry)
            except MatcalcError as error:
                holds, detail = False, error.message
            return Outcome(entry, holds, detail)
    raise AssertionError(f"{type(entry).__name__} has no verification (matcalc/audit.py)")


def _said(*verdicts: Verdict) -> tuple[bool, str]:
    """The first verdict that fails, or the largest residual."""
    for verdict in verdicts:
        if not verdict:
            return False, verdict.reason or f"relative difference {verdict.residual:.1e}"
    worst = max(v.residual for v in verdicts)
    return True, f"residual {worst:.1e} over {sum(v.draws for v in verdicts)} draws"


def _differential(entry: Differential) -> tuple[bool, str]:
    return _said(verify_differential(entry.of, entry.d, entry.differentials))


def _gradient(entry: Gradient) -> tuple[bool, str]:
    """The gradient; the Hessian H by the gradient of v'g, which is H*v for the vec of the variable."""
    verdicts = [verify_gradient(entry.f, entry.wrt, entry.gradient)]
    if entry.hessian is not None:
        x = entry.wrt
        along = ops.sym("v_", Kind("vector", x.rows * x.cols))
        moved = ops.mul(ops.transpose(along), ops.vec(entry.gradient))
        verdicts.append(verify_gradient(moved, x, ops.unvec(ops.mul(entry.hessian, along), x.rows, x.cols)))
    return _said(*verdicts)


def _rewrite(entry: Rewrite) -> tuple[bool, str]:
    left, right = entry.from_, entry.to
    for subject, fact in entry.needs:
        mapping = {subject: _with_fact(subject, fact)}
        left, right = ops.substitute(left, mapping), ops.substitute(right, mapping)
    return _said(verify_equal(left, right))


def _with_fact(x: Expr, fact: str) -> Expr:
    """An expression of the shape of the variable x that has the fact."""
    assert x.op == "sym", "a condition on a compound expression has no draws"
    kind: Kind = x.data[1]  # type: ignore[index]
    if fact != "rowsum_one":
        return ops.sym(x.name, Kind(kind.form, kind.rows, kind.cols, kind.facts | {fact}))
    if "positive" in kind.facts:
        return ops.sym(x.name, Kind(kind.form, kind.rows, kind.cols, frozenset({"simplex"})))
    if x.cols is ONE:  # a vector adds up to one
        return ops.transpose(_with_fact(ops.sym(x.name, Kind("row", ONE, x.rows)), fact))
    width = ops.ones(ONE, x.cols)
    missing = ops.sub(ops.ones(x.rows, ONE), ops.mul(x, ops.transpose(width)))
    return ops.add(x, ops.mul(ops.reciprocal(ops.dim(x.cols)), missing, width))


# --- properties -----------------------------------------------------------------------------------


def _property(entry: Property) -> tuple[bool, str]:
    """No value with the premises lacks the conclusion."""
    found = counterexample(entry)
    if found is not None:
        return False, found
    return True, "holds for every value drawn"


def counterexample(entry: Property) -> str | None:
    """Where a property fails, in words; None if it holds for every value drawn. MatcalcError if none could be drawn."""
    rng = np.random.default_rng(0)
    for needed, subject, fact in _rules(entry):
        drawn = 0
        wanted = fact.removeprefix("not ")
        for values, sizes in _points(needed, subject, rng):
            value = np.atleast_2d(evaluate(subject, values, sizes))
            if not np.all(np.isfinite(value)):
                continue
            drawn += 1
            if has_fact(value, wanted) == fact.startswith("not "):
                shown = ", ".join(f"{name} = {np.round(v, 3).tolist()}" for name, v in values.items())
                return f"not {wanted} where {shown}"
            if drawn == DRAWS:
                break
        if drawn < DRAWS:
            raise MatcalcError(f"only {drawn} of {DRAWS} values with the premises of '{fact}' were found")
    return None


def _rules(entry: Property) -> Iterator[tuple[Mapping[Expr, frozenset[str]], Expr, str]]:
    """(facts of the variables, expression, fact); an implication for matrices, vectors and scalars as they allow."""
    if not entry.is_implication:
        for needed, fact in entry.conclusions:
            yield needed, entry.subject, fact
        return
    stronger, weaker, positive = entry.implies
    of_matrices = {stronger, weaker} & _OF_SQUARES
    n = Dim.of("n")
    kinds = [Kind("matrix", n, n)] if of_matrices else [Kind("vector", n), Kind("matrix", Dim.of("m"), n)]
    for kind in kinds:
        x = ops.sym("A", kind)
        yield {x: frozenset({stronger})}, x, weaker if positive else f"not {weaker}"


_OF_SQUARES = frozenset(
    "symmetric spd psd diagonal lower upper toeplitz orthogonal invertible fullrank".split()
)


def _points(
    needed: Mapping[Expr, frozenset[str]], subject: Expr, rng: np.random.Generator
) -> Iterator[tuple[dict[str, Any], Mapping[str, int]]]:
    roots = [subject, *needed]
    settings = size_settings(roots, {}, rng)[:3]
    for _, sizes, strategy in product(range(4), settings, STRATEGIES):
        values = {
            x.name: draw_with(Kind(x.data[1].form, x.rows, x.cols, facts), sizes, rng, strategy)  # type: ignore[index]
            for x, facts in needed.items()
        }
        if all(value is not None for value in values.values()):
            yield values, sizes


def draw_with(kind: Kind, sizes: Mapping[str, int], rng: np.random.Generator, strategy: str) -> Any:
    """A value with the facts of the kind, also those that only the table speaks of; None if this try failed."""
    plain = Kind(kind.form, kind.rows, kind.cols, kind.facts - EXTRA.keys())
    try:
        value = np.atleast_2d(draw_value(plain, sizes, rng, strategy))
    except MatcalcError:
        return None
    for fact in sorted(kind.facts & EXTRA.keys()):
        value = EXTRA[fact][0](value, rng)
    if not all(has_fact(value, fact) for fact in kind.facts):
        return None
    return np.float64(value[0, 0]) if kind.form == "scalar" else value


def has_fact(value: Any, fact: str) -> bool:
    """Whether an array has the fact, up to rounding and however ill-conditioned."""
    if fact in EXTRA:
        return EXTRA[fact][1](value)
    if fact in _BARELY:
        return _BARELY[fact](value)
    return satisfies(Kind("matrix", *map(Dim.of, value.shape), frozenset({fact})), value)


def _as_rows(value: Any) -> Any:
    return value.reshape(1, -1) if 1 in value.shape else value


def _sums_to_one(value: Any, rng: np.random.Generator) -> Any:
    rows = _as_rows(value)
    return (rows + (1 - rows.sum(axis=1, keepdims=True)) / rows.shape[1]).reshape(value.shape)


def _semidefinite(value: Any, rng: np.random.Generator) -> Any:
    """Positive semidefinite, and singular half of the time."""
    factor = value[:, : max(1, len(value) - rng.integers(2))]
    return factor @ factor.T


def _is_semidefinite(value: Any) -> bool:
    size = np.abs(value).max()
    return bool(np.allclose(value, value.T, atol=1e-9 * size) and np.linalg.eigvalsh(value)[0] > -1e-9 * size)


def _is_definite(value: Any) -> bool:
    return _is_semidefinite(value) and bool(np.linalg.eigvalsh(value)[0] > 1e-12 * np.abs(value).max())


def _is_regular(value: Any) -> bool:
    return bool(np.linalg.cond(value) < 1e12)


# facts for which the sampler wants a margin, which a conclusion need not keep
_BARELY: dict[str, Callable[[Any], bool]] = {
    "invertible": _is_regular,
    "fullrank": _is_regular,
    "spd": _is_definite,
    "nonnegative": lambda v: bool(np.all(v > -1e-12)),
}

# facts that no declaration has: how to draw them, how to recognize them
EXTRA: dict[str, tuple[Callable[[Any, np.random.Generator], Any], Callable[[Any], bool]]] = {
    "psd": (_semidefinite, _is_semidefinite),
    "rowsum_one": (_sums_to_one, lambda v: bool(np.allclose(_as_rows(v).sum(axis=1), 1, atol=1e-9))),
    "natural": (
        lambda v, rng: rng.integers(0, 4, size=v.shape).astype(float),
        lambda v: bool(np.all((v == np.round(v)) & (v >= 0))),
    ),
    "even": (
        lambda v, rng: 2.0 * rng.integers(-2, 3, size=v.shape),
        lambda v: bool(np.all(v / 2 == np.round(v / 2))),
    ),
    "below_one": (lambda v, rng: rng.uniform(-2, 0.95, size=v.shape), lambda v: bool(np.all(v < 1))),
}


# --- errata ---------------------------------------------------------------------------------------


def _erratum(entry: Erratum) -> tuple[bool, str]:
    """The false claim is refuted by a point, and the right form holds."""
    claim = entry.claim
    if isinstance(claim, Property):
        found = counterexample(claim)
        return found is not None, f"refuted: {found}" if found else "the false claim was not refuted"
    verdict = _claimed(claim, claim.gradient if isinstance(claim, Gradient) else claim.to)
    if verdict or verdict.counterexample is None:
        return False, "the false claim was not refuted" + (f": {verdict.reason}" if verdict.reason else "")
    if entry.right is not None:
        right = _claimed(claim, entry.right)
        if not right:
            return False, f"what is said to be right fails: {right.reason}"
    return True, f"refuted: {verdict.reason}"


def _claimed(claim: Gradient | Rewrite, form: Expr) -> Verdict:
    if isinstance(claim, Gradient):
        return verify_gradient(claim.f, claim.wrt, form)
    return verify_equal(claim.from_, form)


_BY_KIND: tuple[tuple[type[Entry], Callable[[Any], tuple[bool, str]]], ...] = (
    (Differential, _differential),
    (Gradient, _gradient),
    (Rewrite, _rewrite),
    (Property, _property),
    (Erratum, _erratum),
)


