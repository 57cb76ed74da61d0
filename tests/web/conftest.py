"""Two servers for all tests of the page: one with the usual limits, one with little of everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from web_client import Client


@pytest.fixture(scope="session")
def server() -> Iterator[Client]:
    """With the limits of every day, but time enough for a slow machine: other tests are about time."""
    yield from _serving(seconds=20.0)


@pytest.fixture(scope="session")
def tight() -> Iterator[Client]:
    """With little time, memory and room in line."""
    yield from _serving(workers=2, seconds=0.5, megabytes=60, waiting=8, patience=30.0)


def _serving(**limits: float) -> Iterator[Client]:
    # not at the top: where the server is not installed, the modules that import its client are skipped
    from web_client import Limits, serving

    with serving(Limits(**limits)) as client:  # type: ignore[arg-type]
        yield client
