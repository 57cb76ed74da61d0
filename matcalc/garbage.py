"""Python's search for reference cycles, made rare while expressions are built: they have none.

Looking through a growing heap again and again takes a quarter of the time of a large derivation. The search is not
switched off, and as it was before when the last of several threads is done.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_RARELY = (50_000, 20, 100)  # allocations, and what they are counted in
_lock = Lock()
_usual: list[tuple[int, int, int]] = []  # one for each call under way: the first found is restored by the last


def rarely_collected(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run with the search for cycles made rare."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            _usual.append(_usual[0] if _usual else gc.get_threshold())
            gc.set_threshold(*_RARELY)
        try:
            return function(*args, **kwargs)
        finally:
            with _lock:
                usual = _usual.pop()
                if not _usual:
                    gc.set_threshold(*usual)

    return wrapped
