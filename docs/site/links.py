"""What a browser, a screen reader or a reader without network would stumble over, found in the built pages."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.levels: list[int] = []
        self.wrong: list[str] = []
        self.language = False
        self.titled = False
        self.empty = False
        self._header: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "html":
            self.language = bool(given.get("lang"))
        self.titled |= tag == "title"
        if tag == "th":
            self._header = ""
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "img" and given.get("alt") is None:
            self.wrong.append(f"a picture without alt: {given.get('src')}")
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.levels.append(int(tag[1]))
        for name, value in attrs:
            if (tag, name) in FETCHED and value:
                self.fetched.append(value)

    def handle_data(self, data: str) -> None:
        if self._header is not None:
            self._header += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "th":
            self.empty |= not self._header
            self._header = None


def problems(out: Path) -> list[str]:
    """What is wrong on the pages in this folder, one line each."""
    pages = {path.name: read(path) for path in sorted(out.glob("*.html"))}
    return [f"{name}: {wrong}" for name, page in pages.items() for wrong in of_page(name, page, pages, out)]


def read(path: Path) -> _Reader:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def of_page(name: str, page: _Reader, pages: dict[str, _Reader], out: Path) -> list[str]:
    found = list(page.wrong)
    if not page.language or not page.titled:
        found.append("no language or no title")
    if page.levels[:1] != [1] or page.levels.count(1) != 1:
        found.append("the first heading, and it alone, is of level 1")
    found += [
        f"a heading of level {b} after one of level {a}"
        for a, b in zip(page.levels, page.levels[1:], strict=False)
        if b > a + 1
    ]
    found += [f"two things with the id {i}" for i in sorted({i for i in page.ids if page.ids.count(i) > 1})]
    if page.empty:
        found.append("a header of a table without text")
    for target in page.fetched:
        if urlsplit(target).scheme or target.startswith("//"):
            found.append(f"fetched from elsewhere: {target}")
        elif not (out / target).exists():
            found.append(f"not there: {target}")
    for target in page.links:
        parts = urlsplit(target)
        if parts.scheme in ("http", "https", "mailto"):
            continue
        other = unquote(parts.path) or name
        if not (out / other).exists():
            found.append(f"a link to {target}, which is not there")
        elif parts.fragment and other in pages and unquote(parts.fragment) not in pages[other].ids:
            found.append(f"a link to {target}: no such place on that page")
    return found
