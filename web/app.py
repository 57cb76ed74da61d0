"""The application: the page, its files, and the questions that are asked, answered by worker processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import matcalc

from .choices import FACTS, KINDS, OPTIONS, TARGETS
from .examples import examples
from .guard import Guard
from .pages import pages
from .pool import Busy, Limits, Pool
from .questions import MAX_LINE, MAX_TEXT

TYPING = Limits(workers=1, seconds=3.0, megabytes=512, waiting=64, patience=20.0)  # never behind derivations


def application(limits: Limits | None = None, names: Iterable[str] = ()) -> Starlette:
    """The page with its workers; ``names`` are host names under which it may be asked."""
    pools: dict[str, Pool] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        working, typing = Pool(limits), Pool(TYPING)
        await asyncio.gather(working.start(), typing.start())
        pools.update(parse=typing, derive=working, solve=working, check=working)
        app.state.pools = (working, typing)
        try:
            yield
        finally:
            await asyncio.gather(working.stop(), typing.stop())

    async def ask(request: Request) -> Response:
        task = request.path_params["task"]
        if task not in pools:
            return _wrong(404, "there is no such question")
        try:
            asked = json.loads(await request.body())
        except ClientDisconnect:
            return Response(status_code=400)
        except (ValueError, RecursionError):
            return _wrong(400, "a request is an object in JSON")
        if not isinstance(asked, dict):
            return _wrong(400, "a request is an object in JSON")
        return Parts(pools[task], {**asked, "task": task})

    routes = [
        Route("/api/page", page_data),
        Route("/api/{task}", ask, methods=["POST"]),
        Route("/{path:path}", page),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Guard, names=tuple(names))])


def _wrong(status: int, why: str) -> JSONResponse:
    return JSONResponse({"part": "error", "kind": "refused", "message": why, "shown": why}, status)


async def page_data(request: Request) -> Response:
    """What the page needs to know: examples, kinds, options."""
    return JSONResponse(
        {
            "version": matcalc.__version__,
            "examples": examples(),
            "kinds": [{"name": name, "sizes": sizes, "says": says} for name, sizes, says in KINDS],
            "facts": [{"name": name, "forms": forms} for name, forms in FACTS],
            "options": OPTIONS,
            "targets": TARGETS,
            "longest": {"function": MAX_TEXT, "claim": MAX_LINE},
        },
        headers={"Cache-Control": "no-cache"},
    )


async def page(request: Request) -> Response:
    """A file of the page."""
    found = pages().get(request.url.path)
    if found is None:
        return _wrong(404, "there is no such page")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=found.type)


class Parts(Response):
    """The parts of an answer, a line of JSON each, as they are found; who hangs up is not worked for any more."""

    def __init__(self, pool: Pool, task: dict[str, Any]) -> None:
        super().__init__(media_type="application/x-ndjson")
        self.pool = pool
        self.task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        gone = asyncio.ensure_future(_hung_up(receive))
        try:
            await asyncio.wait([sending, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            results = await asyncio.gather(sending, gone, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        headers = [(b"content-type", b"application/x-ndjson; charset=utf-8"), (b"cache-control", b"no-store")]
        try:
            async with aclosing(self.pool.parts(self.task)) as parts:
                async for part in parts:
                    if not started:
                        await send({"type": "http.response.start", "status": 200, "headers": headers})
                        started = True
                    await send({"type": "http.response.body", "body": part + b"\n", "more_body": True})
        except Busy as busy:
            said = f"{busy}; try again in {busy.seconds} s"
            answer = {"part": "error", "kind": "busy", "message": said, "shown": said, "seconds": busy.seconds}
            retry = {"Retry-After": str(busy.seconds), "Cache-Control": "no-store"}
            await JSONResponse(answer, 503, headers=retry)(scope, receive, send)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hung_up(receive: Receive) -> None:
    """Until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
