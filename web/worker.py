"""A worker process: one request after the other, within limits of processor time and memory.

Both ways go bytes of JSON. What comes back begins with one letter: ``r`` ready, ``p`` a part of the answer, ``e`` the
end of it (with the memory in use), ``m`` out of memory (the worker ends).
"""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .answers import respond

try:
    import resource
except ImportError:  # Windows has no such limits; time is kept by the parent, everywhere
    resource = None  # type: ignore[assignment]

MAX_PART = 4_000_000  # bytes of one part of an answer
_PAGE = 4096


def work(connection: Connection, seconds: float, megabytes: int) -> None:
    """Answer until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    limit_memory(megabytes)
    with suppress(EOFError, OSError):
        connection.send_bytes(b"r")
        while True:
            task = json.loads(connection.recv_bytes())
            limit_time(seconds)
            try:
                _answer(connection, task)
            except MemoryError:
                connection.send_bytes(b"m")
                return
            connection.send_bytes(b"e" + json.dumps(memory()).encode())


def _answer(connection: Connection, task: Mapping[str, Any]) -> None:
    try:
        for part in respond(task):
            connection.send_bytes(b"p" + _encoded(part))
    except (MemoryError, EOFError, OSError):
        raise
    except Exception as error:  # a fault of ours is said, and the worker goes on
        message = f"internal fault ({type(error).__name__}): this is a mistake in matcalc, not in your input"
        connection.send_bytes(b"p" + _encoded({"part": "error", "kind": "fault", "message": message, "shown": message}))


def _encoded(part: Mapping[str, Any]) -> bytes:
    data = json.dumps(_finite(part), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    if len(data) <= MAX_PART:
        return data
    message = f"the {part['part']} is too long for the page"
    return json.dumps({"part": "error", "kind": "limit", "message": message, "shown": message}).encode()


def _finite(part: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in part.items()}


def limit_memory(megabytes: int) -> None:
    """So much address space beyond what the process has now; no files, no core dumps."""
    if resource is None:
        return
    with suppress(ValueError, OSError):  # a system may refuse one of them
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        ceiling = address_space() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))


def limit_time(seconds: float) -> None:
    """The system ends a worker that computes on after its parent is gone."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    ceiling = math.ceil(used.ru_utime + used.ru_stime + seconds) + 5
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (ceiling, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def address_space() -> int:
    """Bytes of address space of this process; 0 where the system does not say."""
    return _statm(0)


def memory() -> int:
    """Bytes in memory of this process; 0 where the system does not say."""
    return _statm(1)


def _statm(field: int) -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[field]) * _PAGE
    except OSError:
        return 0
