"""Chromium, driven by Playwright, for the tests of the page; they are skipped where one of the two is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from web_client import Client

playwright_api = pytest.importorskip("playwright.sync_api")

AXE = Path(__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
DESK, PHONE = (1280, 860), (360, 740)
PROGRAM = """X: matrix(N, d)
W: matrix(d, h)
b: row(h)
V: matrix(h, K)
Y: onehot(N, K)
Z = X*W + b
H = sigmoid(Z)
P = softmax(H*V, axis=1)
L = -(1/N)*sum(Y .* log(P))"""


def executable() -> str | None:
    """Chromium of the system, or the one that an environment variable names."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Any]:
    path = executable()
    if path is None:
        pytest.skip("there is no chromium here")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page of the browser, with all that it asked for, said and threw."""

    def __init__(self, browser: Any, client: Client, size: tuple[int, int] = DESK, scheme: str = "light") -> None:
        self.client = client
        width, height = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.context.set_default_timeout(20_000)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=client.address.rstrip("/"))
        self.requests: list[str] = []
        self.bytes = 0
        self.complaints: list[str] = []
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", self._count)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))

    def _count(self, response: Any) -> None:
        self.bytes += int(response.headers.get("content-length", 0))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, **state: str | list[str]) -> Tab:
        """The page in that state."""
        items = [(key, item) for key, value in state.items() for item in ([value] if isinstance(value, str) else value)]
        self.page.goto(self.client.address + (f"#{urlencode(items)}" if items else ""))
        self.page.wait_for_selector("#version:has-text('matcalc')")
        return self

    def type(self, text: str) -> Tab:
        self.page.fill("#function", text)
        return self

    def done(self) -> Tab:
        """Until the derivation is over."""
        self.page.wait_for_function(
            "() => document.querySelector('#answer').getAttribute('aria-busy') === 'false'"
            " && document.querySelector('#badge strong')?.textContent !== 'verifying'"
            " && !document.querySelector('#badge').hidden"
        )
        return self

    def text(self) -> str:
        """The answer in the input language."""
        self.done()
        return str(self.page.locator("#panel-text pre").text_content())

    def copied(self) -> str:
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def violations(self) -> list[str]:
        """What axe finds."""
        if not AXE.exists():
            pytest.skip("axe-core is not installed: npm ci in tests/web")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found for node in v["nodes"]]
