"""The known gradients: the printed form against numbers, then the engine against the printed form."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import matcalc
from matcalc import ops
from matcalc.language.parse import parse_kind
from matcalc.numeric.verify import verify_equal, verify_gradient
from matcalc.printing.measure import length
from matcalc.rules.statements import Gradient
from matcalc.rules.table import default_table

ENTRIES: dict[str, Gradient] = dict(default_table().gradients)


@cache
def derived(name: str) -> Any:
    """What the differentials alone give."""
    entry = ENTRIES[name]
    declare = {key: kind.text() for key, kind in entry.let.items()}
    wrt, structure = entry.fields["wrt"], entry.structure
    return matcalc.derive(entry.fields["f"], wrt=wrt, declare=declare, structure=structure, first_principles=True)


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 170


@pytest.mark.parametrize("name", ENTRIES)
def test_a_printed_gradient_is_right(name: str) -> None:
    entry = ENTRIES[name]
    verdict = verify_gradient(entry.f, entry.wrt, entry.gradient, kinds=entry.let, structure=entry.structure)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.hessian is not None])
def test_a_printed_hessian_is_right(name: str) -> None:
    """H v is the gradient of v'g, for the vec of a matrix variable."""
    entry = ENTRIES[name]
    x, hessian = entry.wrt, entry.hessian
    assert hessian is not None
    direction = ops.sym("v_", parse_kind(f"vector({x.rows * x.cols})"))
    along = ops.mul(ops.transpose(direction), ops.vec(entry.gradient))
    product = ops.mul(hessian, direction)
    verdict = verify_gradient(along, x, ops.unvec(product, x.rows, x.cols), kinds=entry.let)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_engine_finds_the_printed_gradient(name: str) -> None:
    entry = ENTRIES[name]
    verdict = verify_equal(derived(name).answer, entry.gradient, kinds=entry.let)

    assert verdict, f"{derived(name).text()}: {verdict}"


def printed_length(name: str) -> int:
    """The length of the printed gradient; of several for one function the longest."""
    entry = ENTRIES[name]
    same = [e for e in ENTRIES.values() if (e.fields["f"], e.fields["wrt"]) == (entry.fields["f"], entry.fields["wrt"])]
    return max(length(e.gradient) for e in same if e.gradient.shape == entry.gradient.shape)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_answer_is_not_much_longer_than_the_printed_gradient(name: str) -> None:
    d, entry = derived(name), ENTRIES[name]

    assert length(d.answer) <= 1.1 * printed_length(name), f"{d.text()}  is longer than  {entry.fields['gradient']}"


def test_hardly_an_answer_is_longer_than_the_printed_gradient() -> None:
    longer = [name for name in ENTRIES if length(derived(name).answer) > printed_length(name)]

    assert len(longer) <= 0.01 * len(ENTRIES), longer

