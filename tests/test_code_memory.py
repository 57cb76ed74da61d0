"""Generated functions need no more memory than hand-written ones; time is for the benchmarks to compare."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.code import compile_module

losses = pytest.importorskip("benchmarks.losses", reason="the code by hand uses SciPy")
CASES = [(loss, "gradient") for loss in losses.GRADIENTS] + [(loss, "hessian") for loss in losses.HESSIANS]
SLACK = 40_000  # bytes: vectors, numbers, frames


def peak(function: Callable[..., Any], given: dict[str, Any]) -> int:
    """Bytes in memory at once, but for the arguments."""
    function(**given)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    function(**given)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("target", ["numpy", "scipy"])
@pytest.mark.parametrize(("loss", "what"), CASES, ids=lambda x: x if isinstance(x, str) else x.name)
def test_no_more_memory_than_by_hand(loss: Any, what: str, target: str) -> None:
    n = 40 if "factorisation" in loss.name and what == "hessian" else 600  # NumPy reuses temporaries of 256 kB and more
    d = mc.derive(loss.text, wrt=loss.wrt.split(","), declare=loss.declare, order=2 if what == "hessian" else 1)
    given = loss.draw(np.random.default_rng(0), n)
    hand = loss.scipy if target == "scipy" and loss.scipy else loss.numpy
    assert peak(compile_module(d.source(target))[what], given) <= 1.01 * peak(hand, given) + SLACK
