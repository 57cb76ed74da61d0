"""Generated functions need no more memory than hand-written ones; time is for the benchmarks to compare."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.generator.code import compile_module

pytest.importorskip("scipy", reason="the code by hand uses SciPy")

from benchmarks.hessians import HESSIANS
from benchmarks.losses import GRADIENTS
from benchmarks.memory import peak

CASES = [(loss, "gradient") for loss in GRADIENTS] + [(curved.loss, "hessian") for curved in HESSIANS]
SLACK = 40_000  # bytes: vectors, numbers, frames
LARGE = {"factorisation, r = 5": 40, "ten-layer network": 20}  # sizes for Hessians that are large themselves


@pytest.mark.parametrize("target", ["numpy", "scipy"])
@pytest.mark.parametrize(("loss", "what"), CASES, ids=lambda x: x if isinstance(x, str) else x.name)
def test_no_more_memory_than_by_hand(loss: Any, what: str, target: str) -> None:
    n = LARGE.get(loss.name, 600) if what == "hessian" else 600  # NumPy reuses temporaries of 256 kB and more
    d = mc.derive(loss.text, wrt=loss.wrt.split(","), declare=loss.declare, order=2 if what == "hessian" else 1)
    given = loss.draw(np.random.default_rng(0), n)
    hand = loss.scipy if target == "scipy" and loss.scipy else loss.numpy
    generated = compile_module(d.source(target))[what]
    assert peak(partial(generated, **given)) <= 1.01 * peak(partial(hand, **given)) + SLACK
