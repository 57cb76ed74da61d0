"""Workers within their limits: over time, over memory, killed, deserted; many at once; none is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from web_client import SLOW, Client, alive, never_ready, raw, wait_until

from matcalc.web.pool import Limits, Pool

QUICK = {"function": "x'*A*x", "wrt": ["x"]}
HELD = raw("/api/derive", json.dumps({"function": SLOW, "wrt": ["x"]}).encode())


def test_what_takes_too_long_is_stopped_and_said(tight: Client) -> None:
    began = time.monotonic()
    error = tight.ask("derive", function=SLOW, wrt=["x"])["error"]

    assert error["kind"] == "time"
    assert "0.5 s" in error["message"]
    assert time.monotonic() - began < 10
    assert wait_until(lambda: not tight.busy())
    assert tight.ask("derive", **QUICK)["answer"]["text"] == "(A + A')*x"


def test_what_takes_too_much_memory_is_stopped_and_said() -> None:
    wide = "\n".join([*(f"Z{i} = sin(X*W{i})*log(Y*V{i})" for i in range(1500)), "L = sum(Z0)"])

    async def ask() -> list[Any]:
        pool = Pool(Limits(workers=1, seconds=60.0, megabytes=16))
        await pool.start()
        try:
            large = [json.loads(part) async for part in pool.parts({"task": "parse", "function": wide})]
            small = [json.loads(part) async for part in pool.parts({"task": "parse", "function": "x'*x"})]
            return [large[-1], small[-1], pool.replaced]
        finally:
            await pool.stop()

    large, small, replaced = asyncio.run(ask())
    assert large["kind"] == "memory"
    assert "16 MB" in large["message"]
    assert small["part"] == "names"
    assert replaced == 1


def first_answer(limits: Limits) -> Any:
    """What a new pool says to its first request."""

    async def ask() -> Any:
        pool = Pool(limits)
        await pool.start()
        try:
            return [json.loads(part) async for part in pool.parts({"task": "parse", "function": "x"})]
        finally:
            await pool.stop()

    (said,) = asyncio.run(ask())
    return said


def test_a_process_that_ends_before_it_is_ready_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcalc.web.pool.work", slice)  # takes what a worker takes, and is done
    said = first_answer(Limits(workers=1))

    assert said["kind"] == "died"
    assert "ended before it was ready (status 0)" in said["message"]
    assert "shows why" in said["hint"]


def test_a_process_that_is_not_ready_in_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcalc.web.pool.work", never_ready)
    monkeypatch.setattr("matcalc.web.pool.START", 0.1)
    said = first_answer(Limits(workers=1))

    assert said["kind"] == "died"
    assert "no process was ready" in said["message"]
    assert "try again" in said["hint"]


def test_a_worker_that_dies_is_replaced_and_its_answer_says_so(tight: Client) -> None:
    pool = tight.app.state.pools[0]
    assert wait_until(lambda: len(pool.processes) == 2)
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(tight.ask, "derive", function=SLOW, wrt=["x"]) for _ in range(2)]
        assert wait_until(lambda: pool.running == 2)
        before = pool.processes
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        found = [answer.result()["error"] for answer in answers]

    assert {error["kind"] for error in found} <= {"died", "time"}
    assert tight.ask("derive", **QUICK)["answer"]
    assert wait_until(lambda: len(pool.processes) == 2 and not set(before) & set(pool.processes))


def test_who_hangs_up_is_not_worked_for(server: Client) -> None:
    pool = server.app.state.pools[0]
    assert wait_until(lambda: pool.running == 0)
    before, replaced = set(pool.processes), pool.replaced
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(HELD)
    assert wait_until(lambda: pool.running == 1)
    connection.close()

    assert wait_until(lambda: pool.running == 0, 5)
    assert wait_until(lambda: pool.replaced == replaced + 1)
    assert wait_until(lambda: len(before - set(pool.processes)) == 1)
    assert wait_until(lambda: not any(alive(pid) for pid in before - set(pool.processes)))
    assert server.ask("derive", **QUICK)["answer"]


def test_typing_does_not_wait_for_derivations(server: Client) -> None:
    pool = server.app.state.pools[0]
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(pool.limits.workers + 1)]
    try:
        for connection in connections:
            connection.sendall(HELD)
        assert wait_until(lambda: pool.running == pool.limits.workers)
        assert server.ask("parse", function="x'*A*x")["names"]["shape"] == "scalar"
        assert pool.running == pool.limits.workers
    finally:
        for connection in connections:
            connection.close()
    assert wait_until(lambda: pool.running == 0 and pool.waiting == 0)


def test_two_hundred_requests_twenty_at_a_time_lose_none(server: Client) -> None:
    def ask(number: int) -> str:
        found = server.ask("derive", function=f"norm2(A*x - b)^2 + {number}*x'*x", wrt=["x"])
        assert found["verdict"]["holds"]
        return str(found["answer"]["text"])

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(2, 202)))

    assert len(answers) == 200
    assert all(f"{2 * number}*x" in text or "+ x" in text for number, text in enumerate(answers, 2))


def test_a_thousand_slow_derivations_are_stopped_or_refused_politely(tight: Client) -> None:
    def ask(number: int) -> tuple[int, dict[str, str], dict[str, Any]]:
        status, headers, body = tight.post("derive", {"function": SLOW, "wrt": ["x"]})
        return status, headers, json.loads(body.splitlines()[-1])

    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(ask, range(1000)))

    refused = [(headers, part) for status, headers, part in answers if status == 503]
    worked = [part for status, _, part in answers if status == 200]
    assert len(refused) + len(worked) == 1000
    assert {part["kind"] for part in worked} == {"time"}
    assert len(worked) >= 10
    assert all(int(headers["retry-after"]) >= 1 and part["kind"] == "busy" for headers, part in refused)
    assert tight.ask("derive", **QUICK)["answer"]


def test_a_worker_is_replaced_after_its_share(tight: Client) -> None:
    pool = tight.app.state.pools[0]
    worker = next(iter(pool._workers))
    worker.answered = pool.limits.requests
    before = pool.replaced
    for _ in range(4):
        tight.ask("derive", **QUICK)

    assert wait_until(lambda: pool.replaced > before)
    assert wait_until(lambda: len(pool.processes) == 2)


@pytest.mark.parametrize(
    "text",
    [
        "x'*A*x + " * 5500 + "1",
        "(" * 25_000 + "x" + ")" * 25_000,
        "log(1 + " * 5000 + "x" + ")" * 5000,
        "'" * 50_000,
        "x" + "'" * 50_000,
        "\n" * 50_000,
        "\u202e<script>alert(1)</script>" * 1000,
        "x'*A*x # " + "\0" * 1000,
        "".join(f"z{i} = x'*A{i}*x\n" for i in range(2500)),
        "-" * 50_000 + "x",
        "x^" * 20_000 + "2",
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_hostile_texts_are_answered_in_time(tight: Client, text: str) -> None:
    began = time.monotonic()
    for task in ("parse", "derive"):
        status, _, body = tight.post(task, {"function": text, "wrt": ["x"]})
        assert status == 200
        assert body
    assert time.monotonic() - began < 30
    assert tight.ask("parse", function="x'*x")["names"]
