"""Peak memory of a function, inputs apart: generated code against hand-written code.

``tracemalloc`` counts what NumPy allocates. The peak holds the result too.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.comparisons import TARGETS, Settings, Table, by_hand, generated
from benchmarks.hessians import HESSIANS
from benchmarks.losses import GRADIENTS, Loss

SIZES = (1000,)


def peak(function: Callable[[], Any]) -> int:
    """Bytes at most in use at once during a call, beyond those before it."""
    function()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def result_bytes(value: Any) -> int:
    return sum(map(result_bytes, value)) if isinstance(value, tuple) else np.asarray(value).nbytes


def memory(given: Settings) -> Table:
    """Megabytes at the peak of a call; the last columns are generated over hand-written."""
    yield "| derivative | n | result, MB | numpy, MB | scipy, MB | by hand, MB | numpy / by hand | scipy / by hand |"
    yield "|---|---|---|---|---|---|---|---|"
    for what, losses in (("gradient", GRADIENTS), ("hessian", [c.loss for c in HESSIANS])):
        for loss in filter(lambda x: given.takes(x.name), losses):
            for n in given.of(SIZES if what == "gradient" else loss.sizes[-1:]):
                yield row(loss, what, n)


def row(loss: Loss, what: str, n: int) -> str:
    arrays = loss.draw(np.random.default_rng(n), n)
    order = 2 if what == "hessian" else 1
    new = [generated(loss, target, order)[what] for target in TARGETS]
    ours = [peak(lambda f=f: f(**arrays)) for f in new]
    hand = [peak(lambda f=f: f(**arrays)) for f in (by_hand(loss, target) for target in TARGETS)]
    size = result_bytes(new[0](**arrays))
    cells = [f"{x / 1e6:.3g}" for x in (size, *ours, hand[1])]
    ratios = [f"{a / b:.2f}" for a, b in zip(ours, hand, strict=True)]
    return f"| {what}: {loss.name} | {n} | {' | '.join([*cells, *ratios])} |"
