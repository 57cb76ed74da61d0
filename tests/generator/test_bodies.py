"""One function of a module: what it takes, the axes of what it returns."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import UnsupportedError
from matcalc.generator.bodies import declared_axes, parameters_of
from matcalc.generator.targets import spelling
from matcalc.kinds import Kind
from matcalc.language.parse import parse_kind
from matcalc.shapes import Dim


@pytest.mark.parametrize(
    ("kind", "names"), [("scalar", ""), ("vector(n)", "n"), ("row(m)", "m"), ("matrix(m, n)", "mn"), ("spd(n)", "nn")]
)
def test_the_axes_that_a_kind_declares(kind: str, names: str) -> None:
    assert declared_axes(parse_kind(kind)) == tuple(Dim.of(name) for name in names)


def test_parameters_are_names_of_python_and_all_different() -> None:
    kinds = {name: parse_kind("scalar") for name in ("lambda", "lambda_", "x", "np")}
    found = parameters_of([], kinds, {}, spelling("numpy"))
    texts = list(found.inputs.values())
    assert len(set(texts)) == 4
    assert found.inputs["x"] == "x"
    assert found.inputs["lambda_"] == "lambda_"
    assert found.inputs["lambda"].startswith("lambda__")
    assert found.own["np"] not in texts  # our name makes way, not the user's


def test_what_cannot_be_a_name_is_refused() -> None:
    kinds: dict[str, Kind] = {"__import__": parse_kind("scalar")}
    with pytest.raises(UnsupportedError, match="cannot be a name"):
        parameters_of([], kinds, {}, spelling("numpy"))


@pytest.mark.parametrize("f", ["tr(A)", "sum(A .* B)", "2*tr(B)", "x'*A*x"])
def test_a_result_is_no_part_of_an_argument(f: str) -> None:
    d = mc.derive(f, "A", "A, B: matrix(n, n); x: vector(n)")
    given = {"A": np.ones((3, 3)), "B": np.arange(9.0).reshape(3, 3), "x": np.arange(3.0)}
    given = {name: given[name] for name in d.declared}
    kept = {name: value.copy() for name, value in given.items()}
    found = d.function()(**given)
    assert found.shape == (3, 3)
    found += 1
    assert all(np.array_equal(given[name], kept[name]) for name in given)
