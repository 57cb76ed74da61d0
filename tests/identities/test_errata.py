"""Every known falsehood is refuted, by a point where it fails; what is said to be right instead holds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from matcalc.kinds import Kind
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import STRATEGIES, draw_value, satisfies
from matcalc.numeric.verify import Verdict, verify_differential, verify_equal, verify_gradient
from matcalc.rules.statements import Erratum, Gradient, Jacobian, Property, Rewrite
from matcalc.rules.table import default_table
from matcalc.shapes import Dim

ERRATA: dict[str, Erratum] = dict(default_table().errata)
DRAWS = 20


def verdict_on(entry: Erratum, right: bool) -> Verdict:
    """Does the claim hold (or what is right instead)?"""
    claim = entry.claim
    if isinstance(claim, Gradient):
        gradient = entry.right if right else claim.gradient
        assert gradient is not None
        return verify_gradient(claim.f, claim.wrt, gradient, kinds=entry.let)
    if isinstance(claim, Jacobian):
        fields = {**claim.fields, "jacobian": claim.fields["right" if right else "jacobian"]}
        stated = Jacobian(claim.id, claim.file, fields)
        return verify_differential(stated.f, stated.differential, {stated.wrt: stated.step}, kinds=entry.let)
    assert isinstance(claim, Rewrite)
    to = entry.right if right else claim.to
    assert to is not None
    return verify_equal(claim.from_, to, kinds=entry.let)


def counterexample(claim: Property, rng: np.random.Generator) -> Any:
    """A value with the premises and without the conclusion."""
    n = Dim.of("n")
    for _, (size, strategy) in product(range(DRAWS), product((2, 3, 4), STRATEGIES)):
        sizes: Mapping[str, int] = {"n": size}
        if claim.is_implication:
            stronger, weaker, _ = claim.implies
            found = draw_value(Kind("matrix", n, n, frozenset({stronger})), sizes, rng, strategy)
            fact, shown = weaker, found
        else:
            premises, fact = claim.conclusions[0]
            values = {
                v.name: draw_value(Kind("matrix", v.rows, v.cols, facts), sizes, rng, strategy)
                for v, facts in premises.items()
            }
            found, shown = evaluate(claim.subject, values, sizes), values
        if not satisfies(Kind("matrix", n, n, frozenset({fact})), found):
            return shown
    return None


PROPERTIES = [name for name, entry in ERRATA.items() if isinstance(entry.claim, Property)]
EQUATIONS = [name for name in ERRATA if name not in PROPERTIES]


def test_there_are_errata_of_each_kind() -> None:
    kinds = [type(entry.claim) for entry in ERRATA.values()]

    assert min(kinds.count(Gradient), kinds.count(Rewrite), kinds.count(Property)) >= 5


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_false_claim_is_refuted_by_a_point(name: str) -> None:
    verdict = verdict_on(ERRATA[name], right=False)

    assert not verdict
    assert verdict.counterexample is not None, str(verdict)


@pytest.mark.parametrize("name", [name for name in EQUATIONS if ERRATA[name].right is not None])
def test_the_right_form_holds(name: str) -> None:
    verdict = verdict_on(ERRATA[name], right=True)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_false_implication_is_refuted_by_a_value(name: str, rng: np.random.Generator) -> None:
    claim = ERRATA[name].claim
    assert isinstance(claim, Property)

    assert counterexample(claim, rng) is not None
