"""Pseudoinverses in code: by one factorisation where the function needs that inverse anyway."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc.generator.code import compile_module

KINDS = "A: matrix(m, n)\nB: matrix(n, m)\nx: vector(n)"


def body(loss: str, wrt: str, target: str) -> str:
    return mc.derive(loss, wrt=wrt, declare=KINDS).source(target).split("def gradient(")[1].split("\ndef ")[0]


@pytest.mark.parametrize("target", ["numpy", "scipy", "array-api"])
@pytest.mark.parametrize(
    ("loss", "wrt"), [("logdet(A*A')", "A"), ("log(det(B'*B))", "B"), ("x'*A'*inv(A*A')*A*x", "x")]
)
def test_what_must_be_invertible_is_inverted(loss: str, wrt: str, target: str) -> None:
    assert "pinv" not in body(loss, wrt, target)
    module = compile_module(mc.derive(loss, wrt=wrt, declare=KINDS).source(target))
    rng = np.random.default_rng(0)
    sizes = {"A": (3, 5), "B": (5, 3), "x": (5,)}
    given = {name: rng.normal(size=sizes[name]) for name in mc.derive(loss, wrt=wrt, declare=KINDS).declared}
    E = rng.normal(size=sizes[wrt])
    plus, minus = (module["value"](**{**given, wrt: given[wrt] + s * 1e-6 * E}) for s in (1, -1))
    assert np.vdot(module["gradient"](**given), E) == pytest.approx((plus - minus) / 2e-6, rel=1e-6)


def test_the_pseudoinverse_of_the_user_stays() -> None:
    assert "np.linalg.pinv(A)" in body("x'*pinv(A)*A*x", "x", "numpy")
    assert "np.linalg.pinv(A)" in body("x'*pinv(A)*A*x + logdet(B'*B)", "x", "numpy")
