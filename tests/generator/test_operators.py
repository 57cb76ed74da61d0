"""Operators and numbers as Python writes them; statements that leave a result in an operand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import UnsupportedError
from matcalc.generator.instructions import Code, Instructions
from matcalc.generator.operators import OPERATORS, in_place, number
from matcalc.generator.spelling import ATOM, SUM
from matcalc.shapes import Dim

WHOLE = (Dim.of("m"), Dim.of("n"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(Fraction(3), "3"), (Fraction(-1, 2), "-0.5"), (Fraction(1, 3), "1/3"), (Fraction(10**12), "1000000000000.0")],
)
def test_numbers(value: Fraction, text: str) -> None:
    assert number(value)[0] == text
    assert eval(number(value)[0]) == float(value)


def test_a_number_too_large_for_floating_point_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="too large"):
        number(Fraction(10**400))


def lines(code: Code, operand: Code) -> list[str]:
    names = {"x": ("a + b", SUM), "y": ("y", ATOM)}
    others = [(c, names[c.data]) for c in code.args if c is not operand]
    return in_place(code, operand, "t", [(*other, None) for other in others], lambda: "np")


def test_statements_that_leave_the_result_in_an_operand() -> None:
    make = Instructions()
    t, x, y = (make.input(name, WHOLE) for name in "txy")
    assert lines(make.add([(1, t), (1, x), (-1, y)]), t) == ["t += a + b", "t -= y"]
    assert lines(make.add([(1, x), (-1, t)]), t) == ["np.subtract(a + b, t, out=t)"]
    assert lines(make.mul([x, t, y]), t) == ["t *= a + b", "t *= y"]
    assert lines(make.div(t, x), t) == ["t /= a + b"]
    assert lines(make.div(x, t), t) == ["np.divide(a + b, t, out=t)"]
    assert lines(make.ipow(t, 2), t) == ["t *= t"]


@pytest.mark.parametrize("op", ["add", "mul", "div", "ipow"])
def test_statements_mean_what_the_operator_means(op: str) -> None:
    make = Instructions()
    t, x, y = (make.input(name, WHOLE) for name in "txy")
    code = {
        "add": make.add([(1, x), (1, t), (-1, y)]), "mul": make.mul([x, y, t]), "div": make.div(x, t),
        "ipow": make.ipow(t, 2),
    }[op]  # fmt: skip
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(1, 2, (2, 3)) for name in "txy"}
    wanted = eval(OPERATORS[op](code, [(a.data, ATOM) for a in code.args])[0], dict(values))
    others = [(a, (a.data, ATOM)) for a in code.args if a is not t]
    there = {**values, "np": np, "t": values["t"].copy()}
    exec("\n".join(in_place(code, t, "t", [(*other, None) for other in others], lambda: "np")), there)
    assert np.allclose(there["t"], wanted, rtol=1e-14)


def test_an_operand_that_occurs_with_both_signs() -> None:
    d = mc.derive("sum((X - X - X + X/4) .* Y)", "Y", {"X": "matrix(n, n)", "Y": "matrix(n, n)"})
    module: dict[str, Any] = {}
    exec(d.source("numpy"), module)
    x, y = np.arange(4.0).reshape(2, 2), np.ones((2, 2))

    assert np.isclose(module["value"](X=x, Y=y), -0.75 * np.sum(x))
