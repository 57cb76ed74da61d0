"""Every property: true in numbers, and used: the facts of its own operation are inferred from its premises."""

from __future__ import annotations

import pytest

from matcalc.kinds import Kind
from matcalc.ops import sym
from matcalc.rules.entries import FACT_NAMES
from matcalc.rules.facts import known
from matcalc.rules.identity_verification import verify_property
from matcalc.rules.statements import Property
from matcalc.rules.table import default_table
from matcalc.shapes import Dim

ENTRIES: dict[str, Property] = dict(default_table().properties)
OPERATIONS = {name: entry for name, entry in ENTRIES.items() if not entry.is_implication}
RULES = [(name, i) for name, entry in OPERATIONS.items() for i in range(len(entry.conclusions))]


@pytest.mark.parametrize("name", ENTRIES)
def test_it_holds_for_drawn_values(name: str) -> None:
    verdict = verify_property(ENTRIES[name])

    assert verdict, str(verdict)
    assert verdict.draws >= 24


@pytest.mark.parametrize(("name", "which"), RULES)
def test_it_is_used(name: str, which: int) -> None:
    entry = ENTRIES[name]
    premises, fact = entry.conclusions[which]

    assert known(entry.subject, fact, assumptions=dict(premises))


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.is_implication])
def test_an_implication_is_used(name: str) -> None:
    stronger, weaker, positive = ENTRIES[name].implies
    n = Dim.of("n")
    square = sym("A", Kind("matrix", n, n))

    assert positive
    assert known(square, weaker, assumptions={square: frozenset({stronger})})


def test_every_fact_but_those_of_declarations_alone_has_a_property() -> None:
    concluded = {fact for entry in ENTRIES.values() if not entry.is_implication for _, fact in entry.conclusions}
    concluded |= {entry.implies[1] for entry in ENTRIES.values() if entry.is_implication}

    assert concluded == FACT_NAMES


def test_a_false_property_is_refuted() -> None:
    """The product of two symmetric matrices is not symmetric."""
    fields = {
        "let": ["A: matrix(n, n)", "B: matrix(n, n)"],
        "if": ["A: symmetric", "B: symmetric"],
        "then": "A*B: symmetric",
        "source": ["folklore"],
    }
    verdict = verify_property(Property("false", "test.toml", fields))

    assert not verdict
    assert verdict.counterexample is not None


def test_a_property_that_cannot_be_drawn_is_not_confirmed() -> None:
    fields = {"let": ["s: scalar"], "then": "log(-exp(s)): positive", "source": ["nowhere"]}
    verdict = verify_property(Property("nowhere", "test.toml", fields))

    assert not verdict
    assert "draws had a value" in verdict.reason
