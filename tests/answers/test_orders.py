"""Derivatives of order three and four."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from higher_cases import arrays, differences

import matcalc
from matcalc.language.parse import parse
from matcalc.printing.text import text

CASES = [
    ("sum(exp(A*x))", "x", "A: matrix(m, n)", 3),
    ("logsumexp(x)", "x", "x: vector(n)", 3),
    ("log(1 + x'*x)", "x", "x: vector(n)", 3),
    ("sum(x.^3)", "x", "x: vector(n)", 3),
    ("-sum(log(b - A*x))", "x", "A: matrix(m, n)", 3),
    ("norm2(x)", "x", "x: row(n)", 3),
    ("prod(x)", "x", "x: vector(n)", 3),
    ("(x'*A*x)^2", "x", "A: matrix(n, n)", 4),
    ("sum(sin(A*x))", "x", "A: matrix(m, n)", 4),
    ("sin(x)*x^2", "x", "x: scalar", 3),
    ("exp(x^2)", "x", "x: scalar", 4),
]


@pytest.mark.parametrize(("f", "wrt", "declare", "order"), CASES)
def test_each_order_is_the_derivative_of_the_one_before(f: str, wrt: str, declare: str, order: int) -> None:
    verdict = matcalc.derive(f, wrt, declare, order=order).verify()

    assert verdict, verdict.reason


@pytest.mark.parametrize(("f", "wrt", "declare", "order"), CASES)
def test_the_code_gives_the_symmetric_array(f: str, wrt: str, declare: str, order: int) -> None:
    d = matcalc.derive(f, wrt, declare, order=order)
    before: dict[str, Any] = {}
    exec(matcalc.derive(f, wrt, declare, order=order - 1).source(), before)
    values = arrays(d, seed=4)
    found = d.function()(**values)
    name = "hessian" if order == 3 else "derivative"
    (wanted,) = differences(before[name], values, wrt, frozenset())

    assert np.shape(found) == np.shape(values[wrt]) * order
    assert np.abs(found - wanted).max() <= 1e-7 * max(1.0, np.abs(wanted).max())
    assert np.allclose(found, np.swapaxes(found, 0, order - 1) if np.ndim(found) else found)


def test_the_array_is_printed_with_deltas() -> None:
    d = matcalc.derive("sum(x.^3)", "x", "x: vector(n)", order=3)

    assert d.pretty().endswith("T_ijk = 6·δ_ij·δ_ik")
    assert r"\delta_{ij}" in d.latex()
    assert d.shape == ("n", "n", "n")
    assert parse(d.text(), {**d.kinds, "dx": "vector(n)"}) is d.answer
    assert d.json()["answers"]["x"]["index"] == "T[i,j,k] = 6*delta_ij*delta_ik"
    assert "symmetric" in d.laid_out


def test_the_order_and_the_variables_have_limits() -> None:
    with pytest.raises(matcalc.UnsupportedError, match="order 5"):
        matcalc.derive("sum(x.^7)", "x", order=5)
    with pytest.raises(matcalc.UnsupportedError, match="X is a matrix"):
        matcalc.derive("tr(X^4)", "X", order=3)
    with pytest.raises(matcalc.UnsupportedError, match="one variable"):
        matcalc.derive("x'*y*x'*x", "x,y", order=3)


def test_the_direction_is_renamed_on_a_clash() -> None:
    d = matcalc.derive("dx*sum(x.^3)", "x", "x: vector(n)", order=3)

    assert d.verify()
    assert "dx_" in d.text()


def test_steps_go_through_all_orders() -> None:
    d = matcalc.derive("sum(x.^4)", "x", "x: vector(n)", order=3)

    assert text(d.steps[-1].after) == text(d.answer)  # there dx is a name, here the differential of x
