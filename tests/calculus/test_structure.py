"""Gradients with respect to structured variables, in every convention, against numbers."""

from __future__ import annotations

import itertools

import pytest

import matcalc as mc
from matcalc.language.parse import parse

FACTS = ("symmetric", "spd", "diagonal", "lower", "upper", "toeplitz")
COMBINED = [*itertools.chain.from_iterable(itertools.combinations(FACTS, size) for size in (1, 2))]


@pytest.mark.parametrize("structure", ["auto", "projected", "tied", "free"])
@pytest.mark.parametrize("facts", COMBINED, ids="-".join)
def test_the_gradient_is_right_for_the_structure(facts: tuple[str, ...], structure: str) -> None:
    kind = f"{facts[0]}(n)" + "".join(f", {fact}" for fact in facts[1:])
    declare = f"T: {kind}; B: matrix(n, m); x: vector(n); y: vector(m)"
    d = mc.derive("x'*T*B*y + norm2(T*B)^2", wrt="T", declare=declare, structure=structure)

    assert d.verify()
    assert parse(d.text(), d.kinds) is d.answer


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("norm2(T*x - y)^2", "2*toeplitz((T*x - y)*x')"),
        ("x'*T*y", "toeplitz(x*y')"),
        ("logdet(T)", "toeplitz(inv(T)')"),
    ],
)
def test_of_a_toeplitz_matrix_each_diagonal_has_its_mean(function: str, wanted: str) -> None:
    d = mc.derive(function, wrt="T", declare="T: toeplitz(n); x, y: vector(n)")

    assert d.text() == wanted


def test_a_projection_is_differentiated_and_typed() -> None:
    d = mc.derive("sum(exp(toeplitz(X*A)))", wrt="X", declare="X: matrix(n, m); A: matrix(m, n)")

    assert d.text() == "toeplitz(exp(toeplitz(X*A)))*A'"
    assert d.verify()


def test_an_unknown_structure_is_refused() -> None:
    with pytest.raises(mc.MatcalcError, match="there is no structure 'loose'"):
        mc.derive("tr(A)", wrt="A", declare="A: symmetric(n)", structure="loose")
