"""How much work something is: calls of functions are counted, so that no clock is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def counted(work: Callable[[], object], package: str = "matcalc") -> int:
    """How many functions of the package are called, generators each time that they go on; of any package if ""."""
    calls = 0

    def event(frame: FrameType, kind: str, argument: object) -> None:
        nonlocal calls
        calls += kind == "call" and package in frame.f_code.co_filename

    sys.setprofile(event)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
