"""The files of the page, read once: their bytes, types and marks of version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",  # not what the system's list of types may say
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file as it is sent."""

    body: bytes
    type: str
    tag: str


@cache
def pages() -> dict[str, Page]:
    """The files by the path under which they are found; the page itself is ``/``."""
    found: dict[str, Page] = {}
    for file in files("matcalc.web").joinpath("static").iterdir():
        ending = file.name.rpartition(".")[2]
        if ending in TYPES:
            body = file.read_bytes()
            path = "/" if file.name == "index.html" else f"/static/{file.name}"
            found[path] = Page(body, TYPES[ending], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found
