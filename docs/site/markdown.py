"""Markdown to HTML: headings with addresses, links between pages, blocks in color, sessions with their formulas."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from docs.site.examples import file_name, files, split
from docs.site.formulas import formula_of
from docs.site.language import Matcalc


@dataclass
class Written:
    """A page as HTML, with what the rest of the site has to know of it."""

    html: str
    title: str
    headings: list[tuple[int, str, str]]  # level (7: a row of a table), address, text
    words: list[tuple[str, str]] = field(default_factory=list)  # address, plain text below it


def slug(text: str, taken: set[str]) -> str:
    """An address for a heading, as GitHub makes them."""
    base = re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") or "section"
    name, number = base, 1
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


def colored(code: str, language: str) -> str:
    """A block of code in color."""
    lexer = Matcalc() if language == "matcalc" else get_lexer_by_name(language or "text")
    return highlight(code, lexer, HtmlFormatter(nowrap=True)).rstrip("\n")


def block(code: str, language: str, label: str = "") -> str:
    """A block that scrolls by itself, and can be reached by keyboard for that."""
    name = html.escape(label or language or "text")
    caption = f'<p class="file">{html.escape(label)}</p>' if label else ""
    return f'{caption}<pre tabindex="0" role="group" aria-label="{name}"><code>{colored(code, language)}</code></pre>\n'


def plain(token: Token) -> str:
    return "".join(child.content for child in token.children or [] if child.type in ("text", "code_inline"))


def relink(tokens: list[Token], link: Callable[[str], str | None]) -> None:
    """The links of a paragraph: to pages of the site, or no links."""
    opened: list[Token] = []
    for token in tokens:
        if token.type == "link_open":
            target = link(str(token.attrGet("href")))
            token.attrs = {} if target is None else {**token.attrs, "href": target}
            token.tag = "span" if target is None else "a"
            opened.append(token)
        elif token.type == "link_close":
            token.tag = opened.pop().tag


def write(markdown: str, link: Callable[[str], str | None]) -> Written:
    """The page; ``link`` makes an address on the site of one in the source."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    given = files(markdown)

    def fence(tokens: list[Token], index: int, *_: Any) -> str:
        info, code = tokens[index].info.strip(), tokens[index].content
        if info in ("", "sh") and code.startswith("$ "):
            return "".join(session_block(session) for session in split(code, given))
        language = info.split()[0] if info else ""
        return block(
            code, "pycon" if language == "python" and code.startswith(">>>") else language, file_name(info) or ""
        )

    reader.renderer.rules["fence"] = fence
    reader.renderer.rules["table_open"] = lambda *_: (
        '<div class="table" tabindex="0" role="group" aria-label="table"><table>\n'
    )
    reader.renderer.rules["table_close"] = lambda *_: "</table></div>\n"
    tokens = reader.parse(markdown)
    found = Written("", "", [])
    taken: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            text = plain(tokens[index + 1])
            address = slug(text, taken)
            token.attrSet("id", address)
            found.headings.append((int(token.tag[1]), address, text))
            found.words.append((address, ""))
            found.title = found.title or text
        elif token.type == "inline":
            relink(token.children or [], link)
        in_heading = index > 0 and tokens[index - 1].type == "heading_open"
        if found.words and not in_heading and token.type in ("inline", "fence"):
            address, words = found.words[-1]
            found.words[-1] = (address, f"{words} {plain(token) if token.type == 'inline' else token.content}")
    # a column without a title has no header
    found.html = reader.renderer.render(tokens, reader.options, {}).replace("<th></th>", "<td></td>")
    return found


def session_block(session: Any) -> str:
    """A command, its formula typeset, and what it prints."""
    command = block(f"$ {session.line}", "console", "").replace("<pre ", '<pre class="command" ', 1)
    formula = formula_of(session) or ""
    output = session.output.strip("\n")
    printed = (
        f'<pre class="output" tabindex="0" role="group" aria-label="output"><code>{html.escape(output)}</code></pre>'
        if output
        else ""
    )
    return f'<div class="session">{command}{formula}{printed}</div>\n'
