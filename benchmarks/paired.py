"""Paired, interleaved timing: the ratio of two functions by CPU time, on one core, with the median and the spread.

In every round both functions run, one after the other, in an order that alternates; a ratio belongs to one round. So a
machine that is busy, or slows down, slows both. CPU time of the process is what is compared.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median


def pin() -> bool:
    """Keep this process on one core, where the system lets us."""
    try:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    except (AttributeError, OSError):
        return False
    return True


def ratio(new: Callable[[], object], old: Callable[[], object], seconds: float) -> tuple[float, float, float, float]:
    """Median, lower and upper quartile of new/old, and the median milliseconds of ``old``."""
    new(), old()
    once = max(_time(new, 1), _time(old, 1), 1e-7)
    repeat = max(1, int(0.004 / once))
    rounds = max(7, min(201, int(seconds / (2 * repeat * once))))
    ratios, base = [], []
    for i in range(rounds):
        if i % 2:
            a, b = _time(new, repeat), _time(old, repeat)
        else:
            b, a = _time(old, repeat), _time(new, repeat)
        ratios.append(a / b)
        base.append(b / repeat)
    ratios.sort()
    quarter = len(ratios) // 4
    return median(ratios), ratios[quarter], ratios[-1 - quarter], 1e3 * median(base)


def _time(function: Callable[[], object], repeat: int) -> float:
    start = time.process_time_ns()
    for _ in range(repeat):
        function()
    return max(1, time.process_time_ns() - start) * 1e-9


def geometric_mean(values: list[float]) -> float:
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product
