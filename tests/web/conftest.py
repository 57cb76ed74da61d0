"""Two servers for all tests of the page: one with the usual limits, one with little of everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web_client import Client, serving

from matcalc.web.pool import Limits


@pytest.fixture(scope="session")
def server() -> Iterator[Client]:
    """With the limits of every day."""
    with serving(Limits(seconds=20.0)) as client:  # the machine of the tests may be slow: other tests are about time
        yield client


@pytest.fixture(scope="session")
def tight() -> Iterator[Client]:
    """With little time, memory and room in line."""
    with serving(Limits(workers=2, seconds=0.5, megabytes=60, waiting=8, patience=30.0)) as client:
        yield client
