"""Estimates of costs, the sizes that are expected, and what they choose."""

from __future__ import annotations

import re

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import InputError
from matcalc.generator.code import compile_module
from matcalc.generator.costs import Costs, expected
from matcalc.generator.instructions import Instructions
from matcalc.shapes import ONE, Dim

NAMES = {"m", "n", "r"}


def test_sizes_are_text_or_a_mapping() -> None:
    assert expected(" n = 1_000,r=10 ", NAMES) == {"n": 1000, "r": 10} == expected({"n": 1000, "r": 10}, NAMES)
    assert expected(None, NAMES) == {}


@pytest.mark.parametrize(
    ("given", "says", "caret"),
    [
        ("n=1000, k=10", "k is no dimension", 8),
        ("n=10,n=20", "the size of n is given twice", 5),
        ("n", "a size is given as in n=1000", 0),
        ("n=10,", "a size is given as in n=1000", 5),
        ("n=-3", "a size is given as in n=1000", 0),
        ("r=1,n=0", "0 is no size", 6),
        ("n=1.5", "a size is given as in n=1000", 0),
        ("n=" + "9" * 40, "is no size", 2),
    ],
)
def test_wrong_sizes_are_refused_in_place(given: str, says: str, caret: int) -> None:
    with pytest.raises(InputError, match=says) as caught:
        expected(given, NAMES)
    assert caught.value.position == caret
    assert str(caught.value).splitlines()[2] == " " * (2 + caret) + "^"


def test_a_size_without_a_number_counts_a_thousand() -> None:
    n, r, k = Dim.of("n"), Dim.of("r"), Dim.of("k")
    costs = Costs({"r": 3})
    assert [costs.size(d) for d in (n, r, k * r, Dim.of(7), ONE)] == [1000, 3, 3000, 7, 1]
    assert costs.entries((n, r)) == 3000


def test_a_product_costs_by_its_flops_and_a_view_nothing() -> None:
    make, n, k = Instructions(), Dim.of("n"), Dim.of("k")
    A, B = make.input("A", (n, k)), make.input("B", (k, n))
    costs = Costs({"k": 2})
    assert costs.of(make.transpose(A)) == 0
    assert costs.of(make.matmul(make.transpose(A), A)) < costs.of(make.matmul(A, B))
    assert Costs().of(make.matmul(A, B)) > 100 * costs.of(make.matmul(A, B))
    assert costs.of(make.call("solve", (make.input("S", (n, n)), A), (n, k))) < costs.of(
        make.call("inv", (make.input("S", (n, n)),), (n, n))
    )


def gradient(loss: str, wrt: str, declare: str, sizes: str) -> str:
    source = mc.derive(loss, wrt=wrt, declare=declare).source("numpy", sizes=sizes)
    return source.split("def gradient(")[1].split("\ndef ")[0]


FACTORISATION = "norm2(T - U*V')^2", "U", "T: matrix(n, m)\nU: matrix(n, r)\nV: matrix(m, r)"
CHAIN = "tr(G'*A*B*C)", "G", "G: matrix(m, p)\nA: matrix(m, k)\nB: matrix(k, n)\nC: matrix(n, p)"


def test_thin_dimensions_choose_the_form() -> None:
    assert "U @ (V.T @ V) - T @ V" in gradient(*FACTORISATION, "r=10,n=5000,m=4000")
    assert "(U @ V.T - T) @ V" in gradient(*FACTORISATION, "r=5000,n=100,m=100")


def test_sizes_choose_the_order_of_a_product() -> None:
    assert "A @ B @ C" in gradient(*CHAIN, "m=2,k=500,n=500,p=500")
    assert "A @ (B @ C)" in gradient(*CHAIN, "p=2,m=500,k=500,n=500")
    assert "A @ (B @ C)" in gradient(*CHAIN, "k=3")


@pytest.mark.parametrize("sizes", ["r=10", "r=5000,n=3,m=2", "n=1,m=1,r=1"])
def test_the_code_holds_for_every_size(sizes: str) -> None:
    loss, wrt, declare = FACTORISATION
    function = compile_module(mc.derive(loss, wrt=wrt, declare=declare).source("numpy", sizes=sizes))["gradient"]
    rng = np.random.default_rng(0)
    T, U, V = rng.normal(size=(4, 5)), rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    assert np.allclose(function(T=T, U=U, V=V), 2 * (U @ V.T - T) @ V)


def test_solutions_and_higher_orders_take_sizes_too() -> None:
    d = mc.solve("norm2(X*w - y)^2", "w", "X: matrix(n, k)")
    assert "def solution" in d.source("numpy", sizes={"n": 10})
    with pytest.raises(InputError, match="q is no dimension"):
        d.source("numpy", sizes="q=3")
    third = mc.derive("sum(x.^4)", wrt="x", order=3, declare="x: vector(n)")
    assert re.search("def derivative", third.source("numpy", sizes="n=3"))
