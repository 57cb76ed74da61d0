"""Formulas on a page, as MathML, which browsers and screen readers read without a script."""

from __future__ import annotations

import html
import re
from typing import Any

from docs.site.examples import Session

TYPESET = {"pretty", "text", "latex"}


def formula_of(session: Session) -> str | None:
    """What a command has found, typeset; None if its output is no formula."""
    words = session.words
    if words[1] not in ("derive", "solve") or {"--graph", "--standalone"} & set(words):
        return None
    form = words[words.index("--format") + 1] if "--format" in words else "pretty"
    if form not in TYPESET:
        return None
    kept = [word for word in words if not word.startswith("--steps") and word != "--check"]
    result = Session(" ".join(quoted(word) for word in kept), "", session.files).run("--format", "mathml")
    if result.exit_code != 0:
        result = Session(" ".join(quoted(word) for word in kept), "", session.files).run("--format", "latex")
        return figure(f"<code>{html.escape(result.stdout)}</code>") if result.exit_code == 0 else None
    return figure(result.stdout) if result.exit_code == 0 else None


def quoted(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'"


def of_derivation(derivation: Any) -> str:
    if not hasattr(derivation, "mathml"):
        return f"<code>{html.escape(derivation.latex())}</code>"
    return str(derivation.mathml())


def of_solution(solution: Any) -> str:
    if not hasattr(solution, "mathml"):
        return f"<code>{html.escape(solution.latex())}</code>"
    return str(solution.mathml())


def of_expression(e: Any) -> str:
    from matcalc.latex import latex

    return f"<code>{html.escape(latex(e))}</code>"


def figure(mathml: str) -> str:
    """A formula on lines of its own, which scrolls where it is wider than the page."""
    return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{display(mathml)}</div>'


def display(mathml: str) -> str:
    return re.sub(r"<math(?![^>]*display=)", '<math display="block"', mathml)
