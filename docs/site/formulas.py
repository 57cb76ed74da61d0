"""Formulas on a page, as MathML, which browsers and screen readers read without a script."""

from __future__ import annotations

from dataclasses import replace
from shlex import join

from docs.site.examples import Session

TYPESET = {"pretty", "text", "latex", "mathml"}


def formula_of(session: Session) -> str | None:
    """What a command has found, typeset; None if its output is no formula."""
    words = session.words
    if words[1] not in ("derive", "solve") or {"--graph", "--standalone"} & set(words):
        return None
    form = words[words.index("--format") + 1] if "--format" in words else "pretty"
    if form not in TYPESET:
        return None
    kept = [word for word in words if not word.startswith("--steps") and word != "--check"]
    result = replace(session, line=join(kept)).run("--format", "mathml")
    return figure(result.stdout) if result.exit_code == 0 else None


def figure(mathml: str) -> str:
    """A formula on lines of its own, which scrolls where it is wider than the page."""
    return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{mathml.strip()}</div>'
