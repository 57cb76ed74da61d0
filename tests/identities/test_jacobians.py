"""The known Jacobians: the printed form against numbers, then the engine against the printed form."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import matcalc
from matcalc.numeric.verify import verify_differential, verify_equal
from matcalc.printing.measure import length
from matcalc.rules.statements import Jacobian
from matcalc.rules.table import default_table

ENTRIES: dict[str, Jacobian] = dict(default_table().jacobians)


@cache
def derived(name: str) -> Any:
    """What the differentials give."""
    entry = ENTRIES[name]
    declare = {key: kind.text() for key, kind in entry.let.items()}
    return matcalc.derive(entry.fields["f"], wrt=entry.fields["wrt"], declare=declare)


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 45


@pytest.mark.parametrize("name", ENTRIES)
def test_a_printed_jacobian_is_right(name: str) -> None:
    entry = ENTRIES[name]
    verdict = verify_differential(entry.f, entry.differential, {entry.wrt: entry.step}, kinds=entry.let)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_engine_finds_the_printed_jacobian(name: str) -> None:
    """As a linear map of the steps that the variable can make; as a matrix where its entries are free."""
    entry = ENTRIES[name]
    answer = derived(name).answer
    assert answer.shape == entry.jacobian.shape
    if not entry.let[entry.wrt.name].facts & {"symmetric", "spd", "diagonal", "lower", "upper", "toeplitz"}:
        verdict = verify_equal(answer, entry.jacobian, kinds=entry.let)
        assert verdict, f"{derived(name).text()}: {verdict}"
    fields = {**entry.fields, "jacobian": derived(name).text()}
    found = Jacobian(entry.id, entry.file, fields)
    verdict = verify_equal(found.differential, entry.differential, kinds=entry.let)
    assert verdict, f"{derived(name).text()}: {verdict}"


# where the derived form is longer than the printed one
LONGER = {
    "jacobian-of-power": "the sum begins at 0: p - r - 1 instead of p - j",
    "jacobian-of-exponential-of-symmetric": "holds for every X: no eigenvalues",
    "jacobian-of-eigenvector": "followed by the projection on symmetric steps",
}


def test_which_answers_are_longer_than_the_printed_jacobian() -> None:
    longer = {name for name, entry in ENTRIES.items() if length(derived(name).answer) > length(entry.jacobian)}

    assert longer == LONGER.keys()
