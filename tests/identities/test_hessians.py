"""The printed Hessians of known gradients, in vec form: the engine's are the same, and which of them are longer."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import matcalc
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.rules.statements import Gradient
from matcalc.rules.table import default_table

ENTRIES: dict[str, Gradient] = {
    name: entry for name, entry in default_table().gradients.items() if entry.hessian is not None
}


@cache
def derived(name: str) -> Any:
    """What the differentials give when they are applied twice."""
    entry = ENTRIES[name]
    declare = {key: kind.text() for key, kind in entry.let.items()}
    return matcalc.derive(entry.fields["f"], wrt=entry.fields["wrt"], declare=declare, order=2)


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 50


@pytest.mark.parametrize("name", ENTRIES)
def test_the_engine_finds_the_printed_hessian(name: str) -> None:
    printed = ENTRIES[name].hessian
    assert printed is not None
    verdict = verify_equal(derived(name).answer, printed, kinds=ENTRIES[name].let)

    assert verdict, f"{derived(name).text()}: {verdict}"


def test_which_answers_are_longer_than_the_printed_hessian() -> None:
    longer = [
        f"{derived(name).text()}  is longer than  {entry.fields['hessian']}"
        for name, entry in ENTRIES.items()
        if length(derived(name).answer) > length(entry.hessian)  # type: ignore[arg-type]
    ]

    assert not longer, longer
