"""The server: a socket that is free, uvicorn on it, the browser opened when it answers."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette

from matcalc.errors import InputError

from .app import application
from .pool import Limits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PORT = 8765
_NEXT = 20  # ports after it that are tried
_FILES = 8192  # connections and files at once, where the system lets us


class Server(uvicorn.Server):
    """uvicorn's, which says when it answers, and little else."""

    def __init__(self, app: Starlette, started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=1
        )
        super().__init__(config)
        self._app = app
        self._when_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The workers end first, so that nobody waits for an answer when connections are closed."""
        for pool in self._app.state.pools:
            await pool.stop()
        await super().shutdown(sockets)


def serve(
    host: str,
    port: int | None,
    workers: int | None,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C. ``port`` None: the usual one or the next that is free; 0: any."""
    listening = listener(host, port)
    address = address_of(host, listening.getsockname()[1])
    raise_file_limit()

    def ready() -> None:
        say(f"matcalc is at {address}   (Ctrl-C ends it)")
        if browser:
            threading.Thread(target=_open, args=(address,), daemon=True).start()

    limits = Limits(workers=workers or max(2, min(4, os.cpu_count() or 2)))
    with suppress(KeyboardInterrupt), listening:
        Server(application(limits, names=[host]), ready).run(sockets=[listening])
    say("matcalc has stopped")


def listener(host: str, port: int | None) -> socket.socket:
    """A socket that listens there; a port that was asked for is that port or a refusal."""
    choices = [port] if port is not None else [*range(PORT, PORT + _NEXT), 0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for choice in choices:
        found = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere it would let two servers share a port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, choice))
            found.listen(2048)
        except OSError as error:
            found.close()
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise InputError(_why_not(error, host, choice), hint=_HINTS.get(error.errno or 0)) from None
        return found
    raise InputError("no port is free")


_HINTS = {
    errno.EADDRINUSE: "another --port, --port 0 for any that is free, or without --port the next one",
    errno.EACCES: "ports below 1024 are for the system: choose a higher one",
}


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken"
    return f"{host} port {port} cannot be served: {error.strerror or error}"


def address_of(host: str, port: int) -> str:
    """The address to open: of a server on all interfaces this machine's own."""
    with suppress(ValueError):
        found = ipaddress.ip_address(host)
        host = ("[::1]" if found.version == 6 else "127.0.0.1") if found.is_unspecified else host
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{port}/"


def raise_file_limit() -> None:
    """Many tabs are many connections: as many open files as the system lets us have."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open(address: str) -> None:
    with suppress(webbrowser.Error):
        webbrowser.open(address)
