"""Parts that instructions share: products in products, sigmoid(z) with sigmoid(-z), the softmax family."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc.generator.code import compile_module
from matcalc.generator.fused import fused
from matcalc.generator.instructions import Instructions, ordered
from matcalc.shapes import Dim

N = Dim.of("n")


def test_a_product_in_a_longer_one_is_computed_once() -> None:
    make = Instructions()
    a, b, c = (make.input(name, (N,)) for name in "abc")
    roots = [make.mul([a, b]), make.mul([make.num(2), a, b]), make.mul([a, b, c])]
    found, _ = fused(make, roots, [], False)
    assert found[1].args == (make.num(2), found[0])
    assert set(found[2].args) == {c, found[0]}


def test_a_square_is_not_found_in_a_product_that_holds_its_factor_once() -> None:
    make = Instructions()
    a, b = (make.input(name, (N,)) for name in "ab")
    found, _ = fused(make, [make.mul([a, a]), make.mul([a, b])], [], False)
    assert found[1].args == (a, b)


def test_functions_stay_where_the_target_has_its_own() -> None:
    make = Instructions()
    z = make.input("z", (N,))
    root = make.add([(1, make.call("sigmoid", (z,), (N,))), (1, make.call("sigmoid", (make.neg(z),), (N,)))])
    assert fused(make, [root], [], False)[0] == [root]
    calls = [c.data[0] for c in ordered(fused(make, [root], [], True)[0]) if c.op == "call"]
    assert calls.count("exp") == 1
    assert "sigmoid" not in calls


@pytest.mark.parametrize(
    ("loss", "z"),
    [
        ("sum(sigmoid(z) .* sigmoid(-z))", [-800.0, -30.0, 0.5, 30.0, 800.0]),
        ("log(sum(exp(z)))", [1000.0, 999.0, -1000.0]),
        ("sum(softmax(z) .* log(softmax(z)))", [1000.0, 999.0, 990.0]),
    ],
)
def test_shared_parts_keep_the_accuracy_of_each(loss: str, z: list[float]) -> None:
    """Against 60 digits."""
    mpmath = pytest.importorskip("mpmath")
    module = compile_module(mc.derive(loss, wrt="z").source("numpy"))
    value, gradient = module["value_and_gradient"](z=np.array(z))
    with mpmath.workdps(60):
        exact = [mpmath.mpf(x) for x in z]

        def f(*x: object) -> object:
            e = [mpmath.exp(v) for v in x]
            if "sigmoid" in loss:
                return sum(v / (1 + v) ** 2 for v in e)
            total = sum(e)
            return mpmath.log(total) if "log(sum" in loss else sum(v / total * mpmath.log(v / total) for v in e)

        wanted = [mpmath.diff(f, tuple(exact), tuple(int(i == k) for i in range(len(z)))) for k in range(len(z))]
        assert float(value) == pytest.approx(float(f(*exact)), rel=1e-13)
        assert gradient == pytest.approx([float(w) for w in wanted], rel=1e-12, abs=1e-300)


def test_the_softmax_of_a_matrix_is_computed_once_for_value_and_gradient() -> None:
    d = mc.derive("-1/n*sum(Y .* log(softmax(X*W, axis=1)))", wrt="W", declare="X: matrix(n, d)\nY: onehot(n, c)")
    body = d.source("numpy").split("def value_and_gradient(")[1]
    assert body.count("np.exp(") == body.count("X @ W") == 1
    assert "_softmax" not in body
