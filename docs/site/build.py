"""All pages written into a folder."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

import matcalc
from docs.site import gallery, links, notebooks, reference
from docs.site.markdown import Written, write
from docs.site.pages import SECTIONS, Page, all_pages

ROOT = Path(__file__).resolve().parent.parent.parent
ASSETS = Path(__file__).resolve().parent / "assets"
REFERENCE: dict[str, tuple[str, Callable[[], str]]] = {
    "python.html": ("Python", reference.python_page),
    "commands.html": ("Commands", reference.commands_page),
    "identities.html": ("Identities", reference.table_page),
}
ROW = re.compile(r'<tr id="([^"]+)"><td>(.*?)</td>(.*?)</tr>', re.S)
HEADING = re.compile(r'<h([1-6])(?: id="([^"]+)")?>(.*?)</h\1>', re.S)


def build(out: Path) -> tuple[int, list[str]]:
    """The site in ``out``: how many pages, and what is wrong with them."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    topics = gallery.topics()
    menu = navigation(topics)
    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    wrong: list[str] = []
    written: list[tuple[str, Written]] = []
    for page in all_pages():
        source = (ROOT / page.source).read_text(encoding="utf-8")
        written.append((page.address, write(source, linker(page, wrong))))
    written += [(notebooks.address(name), notebooks.page(name)) for name in notebooks.TITLES]
    for address, (_, make) in REFERENCE.items():
        written.append((address, from_html(make())))
    template = environment.get_template("gallery.html")
    for topic in topics:
        try:
            entries = [gallery.shown(entry) for entry in topic.entries]
        except gallery.NotVerified as error:
            wrong.append(str(error))
            continue
        written.append((f"gallery-{topic.name}.html", from_html(template.render(topic=topic, entries=entries))))
    written.append(("gallery.html", from_html(environment.get_template("topics.html").render(topics=topics))))
    order = [address for _, entries in menu for address, _ in entries]
    titles = {address: title for _, entries in menu for address, title in entries}
    layout = environment.get_template("page.html")
    for address, page_html in sorted(written, key=lambda item: order.index(item[0])):
        at = order.index(address)
        text = layout.render(
            content=Markup(page_html.html), title=page_html.title, menu=menu, address=address,
            headings=[h for h in page_html.headings if h[0] == 2], version=matcalc.__version__,
            before=(order[at - 1], titles[order[at - 1]]) if at else None,
            after=(order[at + 1], titles[order[at + 1]]) if at + 1 < len(order) else None,
        )  # fmt: skip
        (out / address).write_text(text, encoding="utf-8")
    for asset in ("style.css", "script.js", "icon.svg"):
        shutil.copy(ASSETS / asset, out / asset)
    for picture in (ROOT / "docs").glob("*.png"):
        shutil.copy(picture, out / picture.name)
    # a script and not JSON: pages opened as files may not fetch
    (out / "search.js").write_text(f"window.PLACES = {index(written, titles)};\n", encoding="utf-8")
    return len(written), wrong + links.problems(out)


def navigation(topics: list[gallery.Topic]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings of the list of pages, with addresses and titles."""
    made = {
        "Gallery": [("gallery.html", "All fields"), *((f"gallery-{t.name}.html", t.title) for t in topics)],
        "Notebooks": [(notebooks.address(name), title) for name, title in notebooks.TITLES.items()],
        "Reference": [(address, title) for address, (title, _) in REFERENCE.items()],
    }
    return [(name, [(page.address, page.title) for page in pages] + made.get(name, [])) for name, pages in SECTIONS]


def linker(page: Page, wrong: list[str]) -> Callable[[str], str | None]:
    """Links between files of the checkout as links between pages of the site; None for files that are no pages."""
    addresses = {other.source: other.address for other in all_pages()}
    addresses["README.md"] = "index.html"

    def link(target: str) -> str | None:
        path, hash_, place = target.partition("#")
        if not path or "://" in path:
            return target
        if path.endswith(".html"):  # a page that is made of data has no file
            return target
        source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        if source not in addresses and (ROOT / source).exists():
            return None
        if source not in addresses:
            wrong.append(f"{page.source}: a link to {target}, which is no page")
            return target
        return addresses[source] + hash_ + place

    return link


def from_html(text: str) -> Written:
    """A page made otherwise, with its headings read back."""
    headings = [(int(level), address, plain(inside)) for level, address, inside in HEADING.findall(text)]
    parts = HEADING.split(text)
    words = [(parts[i + 1] or "", plain(parts[i + 3])) for i in range(1, len(parts), 4)]
    rows = ROW.findall(text)
    headings += [(7, address, name) for address, name, _ in rows]
    words += [(address, plain(inside)) for address, _, inside in rows]
    return Written(text, headings[0][2], headings, words)


def plain(text: str) -> str:
    """Without tags and formulas; colors do not part words."""
    text = re.sub(r"</?(?:span|b|i|em|code)\b[^>]*>", "", text)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<math.*?</math>|<[^>]+>", " ", text, flags=re.S))).strip()


def index(written: list[tuple[str, Written]], titles: dict[str, str]) -> str:
    """What the search looks through: address, page, heading, words."""
    places: list[dict[str, Any]] = []
    for address, page in written:
        called = {where: text for _, where, text in page.headings}
        for where, words in page.words:
            place = {
                "a": f"{address}#{where}" if where else address,
                "p": titles[address],
                "h": called.get(where, page.title),
            }
            places.append({**place, "t": re.sub(r"\s+", " ", words).strip()[:1500]})
    return json.dumps(places, ensure_ascii=False, separators=(",", ":"))
