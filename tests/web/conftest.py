"""Two servers for all tests of the page: one with the usual limits, one with little of everything; and a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from web_browser import Tab
    from web_client import Client


SET_BY_POOLS = ("PYTHONSAFEPATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # for the processes that they start
BEFORE = {name: os.environ.get(name) for name in SET_BY_POOLS}


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """As it was, for tests of other things that start processes."""
    yield
    for name, value in BEFORE.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from web_browser import chromium  # the tests without a browser need no playwright

    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Any, server: Client) -> Iterator[Callable[..., Tab]]:
    """Opens tabs; afterwards nothing may have been thrown, complained of, or asked of another host."""
    from web_browser import DESK, Tab

    opened: list[Tab] = []

    def open_tab(size: tuple[int, int] = DESK, scheme: str = "light") -> Tab:
        opened.append(Tab(browser, server, size, scheme))
        return opened[-1]

    yield open_tab
    for each in opened:
        complaints, requests = list(each.complaints), list(each.requests)
        each.context.close()
        assert complaints == []
        assert {urlsplit(url).netloc for url in requests} <= {urlsplit(server.address).netloc}
