"""What docs/comparison.md says of matcalc and of SymPy is what they answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import sympy

import matcalc
from benchmarks import others

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "comparison.md").read_text(encoding="utf-8")
# the valid inputs that the documentation of matrixcalculus.org gives
INPUTS = {
    "0.5*x'*A*x": "x",
    "A*exp(x)": "x",
    "(y.*v)'*x": "y",
    "a^b": "a",
    "norm1(A*x-y)": "x",
    "norm2(A*x-y)^2": "x",
    "sum(log(exp(-y.*(X*w)) + vector(1)))": "w",
    "tr(A*X'*B*X*C)": "X",
    "log(det(inv(X)))": "X",
}


def test_the_answers_are_those_of_the_page() -> None:
    for ask in others.of_matcalc().values():
        assert f"`{ask()}`" in PAGE


@pytest.mark.skipif(f"SymPy {sympy.__version__}" not in PAGE, reason="another version of SymPy")
def test_the_answers_of_sympy_are_those_of_the_page() -> None:
    for ask in others.of_sympy().values():
        assert f"`{others.answer(ask)}`" in PAGE


@pytest.mark.parametrize("text", INPUTS)
def test_the_inputs_of_matrixcalculus_are_understood(text: str) -> None:
    assert matcalc.derive(text, INPUTS[text]).verify()
