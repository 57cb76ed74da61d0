"""A server as ``matcalc serve`` runs it, in a thread of the tests, and a client that asks it."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from matcalc.web.app import application
from matcalc.web.pool import Limits
from matcalc.web.server import Server, listener

# thirteen seconds of work for the engine, in a line
SLOW = "*".join(f"(x'*A{i}*x + 1)" for i in range(40))


def raw(path: str, body: bytes) -> bytes:
    """A request as bytes, for connections that are held or broken off."""
    head = ["Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([f"POST {path} HTTP/1.1", *head, "", ""]).encode() + body


def never_ready(*given: object) -> None:
    """What a worker does that is busy elsewhere; here, because another process has to find it by name."""
    time.sleep(60)


class Client:
    """Asks a server; everything it says is checked to be of the form that it should have."""

    def __init__(self, port: int, app: Any = None) -> None:
        self.port = port
        self.app = app

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=True)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.request("GET", path, headers=headers)

    def post(self, task: str, question: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", f"/api/{task}", json.dumps(question), {"Content-Type": "application/json", **named})

    def ask(self, task: str, **question: Any) -> dict[str, Any]:
        """The parts of the answer by their names."""
        status, _, body = self.post(task, question)
        assert status == 200, body
        parts = [json.loads(line) for line in body.splitlines()]
        assert parts
        return {part["part"]: part for part in parts}

    def busy(self) -> bool:
        """Whether a worker is still at something."""
        return any(pool.running for pool in self.app.state.pools)


@contextmanager
def serving(limits: Limits) -> Iterator[Client]:
    listening = listener("127.0.0.1", 0)
    app = application(limits)
    ready = threading.Event()
    server = Server(app, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(60)
        yield Client(listening.getsockname()[1], app)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
    assert not thread.is_alive()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Any, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())
