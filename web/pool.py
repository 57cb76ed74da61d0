"""Worker processes, each with one request at a time: ``Pool.parts(task)`` streams the parts of an answer.

A worker that runs over its limits is killed and replaced, and the answer ends with a message. Requests wait in line;
when the line is full, ``Busy`` says when to come again. Whoever hangs up frees his worker.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any

from .worker import work

START = 60.0  # seconds until a new worker must be ready
GRACE = 0.3  # seconds that a worker has to finish for nobody, before it is killed
_FEWER = "fewer variables at once, or a shorter function; the command line has no such limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take, how many may wait, and after how much a worker is replaced."""

    workers: int = 2
    seconds: float = 5.0
    megabytes: int = 1024  # of address space beyond what the engine itself needs
    waiting: int = 64
    patience: float = 60.0  # seconds in line
    requests: int = 1000  # answered by one worker
    resident: int = 400  # megabytes in memory of one worker


class Busy(Exception):
    """The line is full; ``seconds`` is when it is worth trying again."""

    def __init__(self, seconds: int) -> None:
        super().__init__("the server is busy with other derivations")
        self.seconds = seconds


def context() -> BaseContext:
    """Processes forked from one that has done its first work, where the system can; else spawned.

    They import what this one did, and nothing that only lies in the folder it was started in: there a checkout has a
    matcalc/ of its own, which without the installed cli/ and web/ cannot work.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one request, one core; and nothing to lose in a fork
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["matcalc.cli", "matcalc.web.warm"])
    return found


class Worker:
    """A process and the connection to it. The methods block; they run in threads."""

    def __init__(self, processes: BaseContext, limits: Limits) -> None:
        self.limits = limits
        self.connection, other = processes.Pipe()
        self.process = processes.Process(  # type: ignore[attr-defined]
            target=work, args=(other, limits.seconds, limits.megabytes), daemon=True
        )
        self.process.start()
        other.close()
        self.ready = False
        self.answered = 0
        self.spent = False  # to be replaced

    def answer(self, task: bytes, deliver: Callable[[bytes], None]) -> None:
        """Send the task, deliver the parts of the answer as they come; the last may say that the worker was killed."""
        try:
            if not self.ready and not self._is_ready():
                deliver(self._never_ready())
                self.kill()
                return
            self.connection.send_bytes(task)
            self._receive(deliver)
        except (EOFError, OSError):
            self.spent = True
            deliver(message("died", "the process that worked on this has ended", _FEWER))
        finally:
            self.answered += 1
            self.spent = self.spent or self.answered >= self.limits.requests

    def _is_ready(self) -> bool:
        with suppress(EOFError, OSError):
            self.ready = self.connection.poll(START) and self.connection.recv_bytes() == b"r"
        return self.ready

    def _never_ready(self) -> bytes:
        """What to say of a process that has ended before it was ready, or still is not."""
        self.process.join(2.0)
        status = self.process.exitcode
        if status is None:
            said = f"no process was ready to work on this within {START:g} s"
            return message("died", said, "this machine is very busy: try again")
        said = f"the process that was to work on this ended before it was ready (status {status})"
        return message("died", said, "the terminal in which matcalc serve runs shows why")

    def _receive(self, deliver: Callable[[bytes], None]) -> None:
        deadline = time.monotonic() + self.limits.seconds
        while True:
            if not self.connection.poll(max(0.0, deadline - time.monotonic())):
                self.kill()
                deliver(message("time", f"this took longer than {self.limits.seconds:g} s and was stopped", _FEWER))
                return
            data = self.connection.recv_bytes()
            if data[:1] == b"p":
                deliver(data[1:])
                continue
            if data[:1] == b"m":
                self.spent = True
                deliver(message("memory", f"this needed more than {self.limits.megabytes} MB and was stopped", _FEWER))
            elif json.loads(data[1:]) > self.limits.resident * 2**20:
                self.spent = True
            return

    def kill(self) -> None:
        """End the process at once."""
        self.spent = True
        with suppress(OSError, ValueError):
            self.process.kill()

    def close(self) -> None:
        """End the process and forget it."""
        self.kill()
        with suppress(OSError, ValueError):
            self.process.join(5)
            self.connection.close()
            self.process.close()


def message(kind: str, said: str, hint: str) -> bytes:
    """A part of an answer that says why there is no more of it."""
    part = {"part": "error", "kind": kind, "message": said, "hint": hint, "shown": f"{said}\n{hint}"}
    return json.dumps(part).encode()


class Pool:
    """Workers that answer side by side, and the line before them."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.waiting = 0
        self.running = 0
        self.replaced = 0  # how many workers were, so far
        self._took = 0.5  # seconds that a request takes, on the average of late
        self._idle: asyncio.Queue[Worker | None] = asyncio.Queue()  # None: there will be no more
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(2 * self.limits.workers + 2, thread_name_prefix="matcalc-worker")
        self._processes = context()
        self._closed = False

    async def start(self) -> None:
        """All workers, getting ready."""
        for worker in await asyncio.gather(*(self._hire() for _ in range(self.limits.workers))):
            self._idle.put_nowait(worker)

    async def stop(self) -> None:
        """No more workers; what they were at ends with a message, and who waits is told to come again."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self.waiting):
            self._idle.put_nowait(None)
        for worker in list(self._workers):
            worker.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._threads, worker.close) for worker in list(self._workers)))
        self._workers.clear()
        self._threads.shutdown(wait=False)

    @property
    def processes(self) -> list[int]:
        """The ids of the worker processes."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    async def parts(self, task: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """The parts of the answer, as JSON. Raises Busy before the first of them, or not at all."""
        worker = await self._next()
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[bytes | None] = asyncio.Queue()

        def deliver(part: bytes | None) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(found.put_nowait, part)

        data = json.dumps(task).encode()
        job = self._threads.submit(worker.answer, data, deliver)
        job.add_done_callback(lambda _: deliver(None))
        began = time.monotonic()
        self.running += 1
        try:
            while (part := await found.get()) is not None:
                yield part
        finally:
            self.running -= 1
            self._took += 0.1 * (time.monotonic() - began - self._took)
            self._later(self._release(worker, job))

    async def _next(self) -> Worker:
        if self._closed or (self._idle.empty() and self.waiting >= self.limits.waiting):
            raise Busy(self._when())
        self.waiting += 1
        worker = None
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout(self.limits.patience):
                    worker = await self._idle.get()
            finally:
                self.waiting -= 1
        if worker is None:
            raise Busy(self._when())
        return worker

    def _when(self) -> int:
        """In how many seconds the line should be half as long."""
        return max(1, min(60, round(self._took * self.waiting / self.limits.workers / 2)))

    async def _hire(self) -> Worker:
        loop = asyncio.get_running_loop()
        worker = await loop.run_in_executor(self._threads, Worker, self._processes, self.limits)
        self._workers.add(worker)
        return worker

    async def _release(self, worker: Worker, job: Future[None]) -> None:
        """The worker goes back to the others; one that works on for nobody, or is spent, is replaced."""
        done = asyncio.wrap_future(job)
        if not job.done():
            await asyncio.wait([done], timeout=GRACE)
            if not job.done():
                worker.kill()
            await asyncio.wait([done])
        if worker.spent and not self._closed:
            self.replaced += 1
            self._workers.discard(worker)
            await asyncio.get_running_loop().run_in_executor(self._threads, worker.close)
            worker = await self._successor()
        if not self._closed:
            self._idle.put_nowait(worker)

    async def _successor(self) -> Worker:
        """Another worker, as soon as the system has room for one."""
        while True:
            try:
                return await self._hire()
            except OSError:
                await asyncio.sleep(1)

    def _later(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
