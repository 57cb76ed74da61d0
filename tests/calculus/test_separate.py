"""Functions of Kronecker products in terms of the factors."""

from __future__ import annotations

import pytest

from matcalc.answers.derive import derive
from matcalc.calculus.separate import separated
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.text import text
from matcalc.simplifier.simplify import Simplifier

KINDS = {"A": "spd(m)", "B": "spd(n)", "C": "matrix(m, p)", "D": "matrix(n, q)"}


@pytest.mark.parametrize(
    "f", ["logdet(kron(A, B))", "det(kron(A, B))", "tr(inv(kron(A, B)))", "norm2(kron(C, D))", "sum(kron(C, D))"]
)
def test_the_value_stays_and_no_kronecker_product_is_left(f: str) -> None:
    e = parse(f, KINDS)
    found = separated(e, Simplifier())

    assert "kron" not in text(found)
    assert verify_equal(e, found)


def test_a_likelihood_with_a_kronecker_covariance_is_short() -> None:
    assert derive("logdet(kron(A, B))", "A", KINDS).text() == "n*inv(A)"
