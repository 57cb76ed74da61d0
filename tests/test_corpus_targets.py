"""Every loss of practice in every target: ten digits of what the naive evaluation gives; JAX and PyTorch for some."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from test_corpus import CASES, arguments, as_argument, derived, fit_point

from matcalc.errors import UnsupportedError
from matcalc.generator.code import compile_module
from matcalc.language.parse import parse_kind
from matcalc.numeric.evaluate import evaluate
from tests.generator.test_targets import as_numpy, in_jax

SOME = {"jax": 11, "torch": 5}  # every so many
PAIRS = [
    (name, target)
    for target in ("scipy", "array-api", "jax", "torch")
    for name in list(CASES)[:: SOME.get(target, 1)]
]


def library(target: str) -> Any:
    if target == "jax":
        return in_jax()
    if target == "torch":
        return pytest.importorskip("torch").tensor
    return np.asarray


@pytest.mark.parametrize(("name", "target"), PAIRS)
def test_ten_digits_of_the_naive_value(name: str, target: str) -> None:
    convert, d = library(target), derived(name)
    kinds = {key: parse_kind(kind) for key, kind in d.kinds.items()}
    if any(kind.form == "function" for kind in kinds.values()):
        pytest.skip("the library of an undefined function is the caller's")
    try:
        call = compile_module(d.source(target))["value_and_gradient"]
    except UnsupportedError as refused:
        pytest.skip(str(refused))
    dims = sorted({size for kind in kinds.values() for dim in kind.shape for size in dim.names})
    sizes = dict(zip(dims, range(2, 2 + len(dims)), strict=True)) | d.verify().sizes[0]
    values, value, gradient = fit_point(d.loss, d.answer, kinds, sizes, np.random.default_rng(11))
    noise = np.random.default_rng(0)
    near = {
        k: v * (1 + 1e-13 * noise.normal(size=v.shape)) if isinstance(v, np.ndarray) else v for k, v in values.items()
    }
    given = arguments(call, kinds, values, sizes)
    given = {k: convert(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = call(**given)
        moved = [evaluate(x, near, sizes) for x in (d.loss, d.answer)]
    variable = kinds[next(iter(d.answers))]
    wanted = (value, as_argument(gradient, variable))
    moved[1] = as_argument(moved[1], variable)
    for got, want, other in zip(found, wanted, moved, strict=True):
        size = max(float(np.max(np.abs(want), initial=0)), 1e-300)
        rounding = float(np.max(np.abs(other - want), initial=0))  # a relative change of 1e-13 in the arguments
        assert float(np.max(np.abs(as_numpy(got) - want), initial=0)) <= 1e-10 * size + 100 * rounding + 1e-15
