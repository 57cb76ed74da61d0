"""The output of every command on the pages as it is now, written into the pages: ``python -m docs --refresh``."""

from __future__ import annotations

from pathlib import Path

from docs.site.examples import files, split


def refreshed(markdown: str) -> str:
    """The page; an output that is right is left alone, so that what it leaves out with ``...`` stays left out."""
    given = files(markdown)
    lines, parts = markdown.splitlines(keepends=True), []
    inside: str | None = None
    body: list[str] = []
    for line in lines:
        if inside is None:
            parts.append(line)
            if line.startswith("```"):
                inside, body = line[3:].strip(), []
        elif line.startswith("```"):
            block = "".join(body)
            if inside in ("", "sh") and block.startswith("$ matcalc"):
                block = "".join(shown(block, given))
            parts += [block, line]
            inside = None
        else:
            body.append(line)
    return "".join(parts)


def shown(block: str, given: dict[str, str]) -> list[str]:
    out = []
    for session in split(block, given):
        result = session.run()
        output = (
            session.output
            if session.is_shown(result)
            else (result.stdout.rstrip("\n") or result.stderr.rstrip("\n")) + "\n"
        )
        out.append(f"$ {session.line}\n{output}")
    return out


def refresh(pages: list[Path]) -> list[Path]:
    """The pages that have changed."""
    changed = []
    for path in pages:
        before = path.read_text(encoding="utf-8")
        after = refreshed(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed
