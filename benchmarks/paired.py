"""Paired, interleaved timing: ratios of functions by CPU time, on one core, with the median and the spread.

In every round all candidates run, one after the other, in an order that rotates and turns; a ratio belongs to one
round. So a machine that is busy, or slows down, slows all of them. CPU time of the process is what is compared: threads
that a library started count, the time of other programs does not. A call that is not timed comes before the timed ones
of short functions, so that each finds its own arrays in the cache.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import geometric_mean, median

BLOCK = 0.002  # seconds: a candidate is repeated until one timing lasts so long
FAST = 0.05  # seconds: below, a call is warmed up before each timing
ROUNDS = (5, 201)
PAUSE = 0.0005  # seconds between candidates, for the threads of a library to fall asleep


def pin() -> bool:
    """Keep this process on one core, where the system lets us."""
    try:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    except (AttributeError, OSError):
        return False
    return True


@dataclass(frozen=True)
class Spread:
    """The median and the quartiles of a ratio."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        values = sorted(values)
        quarter = len(values) // 4
        return cls(median(values), values[quarter], values[-1 - quarter])

    def __str__(self) -> str:
        return f"{number(self.middle)} | {number(self.low)} - {number(self.high)}"


def number(value: float) -> str:
    """Two decimals below ten, else three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


@dataclass(frozen=True)
class Race:
    """Seconds of every candidate, round by round."""

    times: Mapping[str, list[float]]

    def ratio(self, new: str, old: str) -> Spread:
        return Spread.of([a / b for a, b in zip(self.times[new], self.times[old], strict=True)])

    def milliseconds(self, name: str) -> float:
        return 1e3 * median(self.times[name])

    def fastest(self, names: list[str]) -> str:
        return min(names, key=lambda name: median(self.times[name]))


def race(candidates: Mapping[str, Callable[[], object]], seconds: float) -> Race:
    """All candidates against each other, for about so many seconds, at least five rounds."""
    repeats, lasts = {}, {}
    for name, function in candidates.items():
        function()
        once = max(_time(function, 1), 1e-7)
        once = min(once, max(_time(function, 1), 1e-7))
        repeats[name], lasts[name] = max(1, int(BLOCK / once)), once
    cost = sum((repeats[name] + (once < FAST)) * once + PAUSE for name, once in lasts.items())
    rounds = max(ROUNDS[0], min(ROUNDS[1], int(seconds / cost)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    gc.collect()
    for i in range(rounds):
        turned = order[i % len(order) :] + order[: i % len(order)]
        for name in turned if i // len(order) % 2 == 0 else turned[::-1]:
            if len(candidates) > 2:
                time.sleep(PAUSE)
            if lasts[name] < FAST:
                candidates[name]()
            times[name].append(_time(candidates[name], repeats[name]) / repeats[name])
    return Race(times)


def _time(function: Callable[[], object], repeat: int) -> float:
    start = time.process_time_ns()
    for _ in range(repeat):
        function()
    return max(1, time.process_time_ns() - start) * 1e-9


__all__ = ["Race", "Spread", "geometric_mean", "number", "pin", "race"]
