"""What every request must be, and what every response says: ASGI middleware.

The Host header must be an address, or a name that the server was told (a page of somebody else whose name is made to
point here is refused: DNS rebinding). What changes nothing may be read by anyone on this machine; a POST must come from
the page itself. Bodies are short. Browsers are told to load nothing from elsewhere, and to run nothing but our files.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 400_000  # bytes
POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "img", "connect")),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types formula",  # of formula.js, for what it then lets through element by element
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class TooLong(Exception):
    """The body is longer than a request can be."""


class Guard:
    """The application behind these rules; ``names`` are host names besides addresses and localhost."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self.app = app
        self.names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            status, why = refusal
            await _refuse(status, why)(scope, receive, _with_headers(send))
            return
        left = MAX_BODY
        started = False

        async def bounded() -> Message:
            nonlocal left
            found = await receive()
            left -= len(found.get("body", b""))
            if left < 0:
                raise TooLong
            return found

        async def marked(found: Message) -> None:
            nonlocal started
            started = True
            await send(found)

        try:
            await self.app(scope, bounded, _with_headers(marked))
        except TooLong:
            if started:
                raise
            await _refuse(413, _LONG)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason, if the request is not one of ours."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._ours(host):
            return 403, "this server answers under its own address only"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "this server knows GET and POST"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return 413, _LONG
        if scope["method"] == "POST":
            origin = headers.get("origin")
            if origin is not None and origin != f"{scope['scheme']}://{host}":
                return 403, "this request comes from another page"
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "this request comes from another page"
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return 415, "a request is application/json"
        return None

    def _ours(self, host: str) -> bool:
        name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
        if name.lower() in self.names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


_LONG = f"this is too long: a request has at most {MAX_BODY} bytes"


def _refuse(status: int, why: str) -> JSONResponse:
    return JSONResponse({"part": "error", "kind": "refused", "message": why, "shown": why}, status)


def _with_headers(send: Send) -> Send:
    async def sender(found: Message) -> None:
        if found["type"] == "http.response.start":
            headers = MutableHeaders(scope=found)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(found)

    return sender
