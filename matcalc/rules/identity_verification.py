"""Every entry of the table, checked by numbers: ``verify_table(table)`` goes over it one by one.

Differentials, gradients and Jacobians are compared with differences, equations on both sides, properties by values
drawn with the premises and tested for the conclusion; a known falsehood passes when it is refuted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from matcalc import ops
from matcalc.errors import MatcalcError, UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import FACTS as DECLARED
from matcalc.kinds import STRUCTURES, Kind
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import STRATEGIES, draw_value, project
from matcalc.numeric.verify import Counterexample, Verdict, verify_differential, verify_equal, verify_gradient
from matcalc.rules.entries import Differential, Entry
from matcalc.rules.rewrite import Form, forms
from matcalc.rules.statements import Erratum, Gradient, Jacobian, Property, Rewrite
from matcalc.rules.table import Table
from matcalc.shapes import SCALAR, Dim

DRAWS = 24
_TOLERANCE = 1e-8
_LARGEST = 6.0  # beyond, exponentials are all rounding
Generator = np.random.Generator
Progress = Callable[[int, int, str], None]


def verify_table(table: Table, progress: Progress | None = None) -> Iterator[tuple[str, str, Verdict]]:
    """(id, kind of entry, verdict) for every entry; ``progress(done, total, id)`` is called before each."""
    entries = list(table)
    for done, entry in enumerate(entries):
        if progress is not None:
            progress(done, len(entries), entry.id)
        yield entry.id, type(entry).__name__.lower(), verify_entry(entry)


def verify_entry(entry: Entry) -> Verdict:
    """Does what the entry says hold (for an erratum: is it refuted)?"""
    match entry:
        case Differential():
            return _all(_differential_claims(entry))
        case Rewrite():
            return _all(verify_equal(form.left, form.right, kinds=_assumed(form)) for form in forms(entry))
        case Gradient():
            return _all(_gradient_claims(entry))
        case Jacobian():
            return verify_differential(entry.f, entry.differential, {entry.wrt: entry.step}, kinds=entry.let)
        case Property():
            return verify_property(entry)
        case Erratum():
            return _refuted(verify_entry(entry.claim))
    raise AssertionError(f"no verification for {type(entry).__name__}")


def _all(verdicts: Iterator[Verdict]) -> Verdict:
    """The first that does not hold, else one with the largest residual and all draws."""
    worst, draws = None, 0
    for verdict in verdicts:
        if not verdict.holds:
            return verdict
        draws += verdict.draws
        if worst is None or verdict.residual > worst.residual:
            worst = verdict
    assert worst is not None
    return replace(worst, draws=draws)


def _refuted(verdict: Verdict) -> Verdict:
    """An erratum is in order when its claim has a counterexample."""
    if verdict.holds:
        return replace(verdict, holds=False, reason="the claim was not refuted")
    if verdict.counterexample is None:
        return verdict
    return replace(verdict, holds=True, reason="")


# facts that cannot be declared -> one that can and implies them
_DECLARABLE = {"rowsum_one": "simplex", "psd": "spd"}


def _assumed(form: Form) -> Mapping[str, Kind]:
    """The kinds of the variables with the further facts that the rewrite needs."""
    kinds: dict[str, Kind] = {}
    for variable, fact in form.needs:
        assert variable.op == "sym", "only facts of variables can be drawn"
        declared: Kind = variable.data[1]  # type: ignore[index]
        kind = kinds.get(variable.name, declared)
        kinds[variable.name] = replace(kind, facts=kind.facts | {_DECLARABLE.get(fact, fact)})
    return kinds


# --- differentials and gradients ------------------------------------------------------------------


def _differential_claims(entry: Differential) -> Iterator[Verdict]:
    yield verify_differential(entry.of, entry.d, entry.differentials)
    if entry.elementwise:
        yield _array_claim(entry)


def _array_claim(entry: Differential) -> Verdict:
    """The same for arrays in place of the scalars."""
    m, n = Dim.of("m"), Dim.of("n")
    arrays = {v: ops.sym(v.name, Kind("matrix", m, n, entry.let[v.name].facts)) for v in entry.variables}
    along = {v: ops.sym("d" + v.name, Kind("matrix", m, n)) for v in entry.differentials}
    node = ops.rebuild(entry.of, [arrays[v] for v in entry.of.args])
    d = entry.fill(entry.d, node, {entry.differentials[v]: dx for v, dx in along.items()})
    return verify_differential(node, d, {arrays[v]: dx for v, dx in along.items()})


def _gradient_claims(entry: Gradient) -> Iterator[Verdict]:
    yield verify_gradient(entry.f, entry.wrt, entry.gradient, kinds=entry.let, structure=entry.structure)
    if entry.hessian is not None:
        x = entry.wrt
        v = ops.sym("direction", Kind("vector", x.rows * x.cols))
        along = ops.mul(ops.transpose(v), ops.vec(entry.gradient))
        product = ops.unvec(ops.mul(entry.hessian, v), x.rows, x.cols)
        yield verify_gradient(along, x, product, kinds=entry.let)


# --- properties -----------------------------------------------------------------------------------


def verify_property(entry: Property) -> Verdict:
    """Values with the premises have the conclusion, in every one of the draws."""
    return _all(_property_claims(entry))


def _property_claims(entry: Property) -> Iterator[Verdict]:
    if not entry.is_implication:
        for premises, fact in entry.conclusions:
            yield _draws(entry.subject, premises, fact, True)
        return
    stronger, weaker, positive = entry.implies
    for kind in _kinds_with(stronger, weaker):
        x = ops.sym("x", kind)
        yield _draws(x, {x: frozenset({stronger})}, weaker, positive)


_SQUARE = frozenset(
    "symmetric spd psd diagonal lower upper toeplitz orthogonal invertible".split()
)  # fmt: skip
_LINES = frozenset({"simplex", "unit"})


def _kinds_with(*facts: str) -> Sequence[Kind]:
    """The forms of which all these facts can be said."""
    m, n = Dim.of("m"), Dim.of("n")
    if _SQUARE & set(facts):
        return (Kind("matrix", n, n),)
    lines = (Kind("vector", n), Kind("row", cols=n))
    if _LINES & set(facts):
        return lines
    return (*lines, Kind("matrix", m, n))


def _draws(subject: Expr, premises: Mapping[Expr, frozenset[str]], fact: str, positive: bool) -> Verdict:
    rng = np.random.default_rng(0)
    names = sorted({d for v in premises for dim in v.shape for d in dim.names})
    used: list[Mapping[str, int]] = []
    accepted = 0
    for strategy in islice(cycle(STRATEGIES), 10 * DRAWS):
        sizes = dict(zip(names, (int(s) for s in rng.permutation(len(names)) + rng.integers(2, 4)), strict=True))
        try:
            values = {v.name: _draw(v, facts, sizes, rng, strategy) for v, facts in premises.items()}
            if any(np.abs(value).max() > _LARGEST for value in values.values()):
                continue
            with np.errstate(all="ignore"):
                found = np.atleast_2d(evaluate(subject, values, sizes))
        except (UnsupportedError, MatcalcError):
            continue  # no such value at this size, or no value of the operation there
        if not np.all(np.isfinite(found)):
            continue
        accepted += 1
        used.append(sizes)
        if has_fact(found, fact) != positive:
            example = Counterexample(values, sizes, None, found)
            reason = f"the result is{' not' if positive else ''} {fact}"
            return Verdict(False, 1.0, accepted, tuple(used), example, reason)
        if accepted == DRAWS:
            return Verdict(True, 0.0, accepted, tuple(used), method="draws")
    return Verdict(False, 0.0, accepted, tuple(used), reason=f"only {accepted} of {DRAWS} draws had a value")


def _draw(variable: Expr, facts: frozenset[str], sizes: Mapping[str, int], rng: Generator, strategy: str) -> Any:
    """A value of the variable's shape with the facts."""
    kind: Kind = variable.data[1]  # type: ignore[index]
    extra = facts - set(STRUCTURES) - set(DECLARED)
    value = draw_value(replace(kind, facts=facts - extra), sizes, rng, strategy)
    for fact in sorted(extra):
        value = _made(fact, np.atleast_2d(value), facts, rng)
    assert all(has_fact(np.atleast_2d(value), fact) for fact in facts), f"no value drawn that is {facts}"
    return np.float64(value[0, 0]) if variable.shape == SCALAR and np.ndim(value) else value


def _made(fact: str, value: Any, facts: frozenset[str], rng: Generator) -> Any:
    """A value with a fact that cannot be declared, and with the other ``facts``."""
    match fact:
        case "psd":  # singular now and then
            rank = len(value) if "invertible" in facts else rng.integers(1, len(value) + 1)
            root = rng.normal(size=(len(value), rank))
            return root @ root.T
        case "below_one":
            return 1 - np.abs(value) - 0.01
        case "natural":
            return rng.integers(0, 4, size=value.shape).astype(float)
        case "even":
            return 2.0 * rng.integers(0 if "nonnegative" in facts else -2, 3, size=value.shape)
        case "rowsum_one":
            lines = value.reshape(1, -1) if 1 in value.shape else value
            return (lines + (1 - lines.sum(axis=1, keepdims=True)) / lines.shape[1]).reshape(value.shape)
    raise AssertionError(f"no way to draw a value that is {fact}")


def has_fact(value: Any, fact: str) -> bool:
    """Does the array have the fact, up to rounding?"""
    return bool(_TESTS[fact](value, _TOLERANCE * max(1.0, float(np.abs(value).max()))))


def _linear(fact: str) -> Callable[[Any, float], Any]:
    facts = frozenset({fact})
    return lambda v, small: np.abs(project(v, facts) - v).max() <= small


def _whole(v: Any, small: float) -> Any:
    return np.all(np.abs(v - np.round(v)) <= small)


def _sums(v: Any) -> Any:
    return v.sum() if 1 in v.shape else v.sum(axis=1)


def _definite(v: Any, small: float, least: float) -> Any:
    return np.abs(v - v.T).max() <= small and np.linalg.eigvalsh((v + v.T) / 2)[0] >= least


_TESTS: dict[str, Callable[[Any, float], Any]] = {
    **{fact: _linear(fact) for fact in ("symmetric", "diagonal", "lower", "upper", "toeplitz")},
    "psd": lambda v, small: _definite(v, small, -small),
    "spd": lambda v, small: _definite(v, small, 1e-14),
    "orthogonal": lambda v, small: np.abs(v.T @ v - np.eye(len(v))).max() <= small,
    "invertible": lambda v, small: np.linalg.cond(v) < 1e10,
    "fullrank": lambda v, small: np.linalg.cond(v) < 1e10,
    "positive": lambda v, small: np.all(v > 0),
    "nonnegative": lambda v, small: np.all(v >= -small),
    "nonzero": lambda v, small: np.all(v != 0),
    "below_one": lambda v, small: np.all(v < 1),
    "integer": _whole,
    "natural": lambda v, small: _whole(v, small) and np.all(v >= 0),
    "even": lambda v, small: _whole(v / 2, small),
    "onehot": lambda v, small: np.all((v == 0) | (v == 1)) and np.all(_sums(v) == 1),
    "rowsum_one": lambda v, small: np.all(np.abs(_sums(v) - 1) <= small),
    "simplex": lambda v, small: np.all(v >= 0) and np.all(np.abs(_sums(v) - 1) <= small),
    "unit": lambda v, small: abs(np.linalg.norm(v) - 1) <= small,
}
