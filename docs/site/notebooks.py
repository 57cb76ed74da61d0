"""The example notebooks as pages: their cells, and what the cells print."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from docs.site.markdown import Written, block, write

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
MARK = "code-cell-of-the-notebook"
TITLES = {"first-steps": "First steps", "network": "A network", "sympy": "SymPy in a notebook"}


def address(name: str) -> str:
    return f"notebook-{name}.html"


def page(name: str) -> Written:
    """A notebook: Markdown is written as on every page, code in color, outputs as text."""
    cells = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = "\n\n".join(_text(cell["source"]) if cell["cell_type"] == "markdown" else MARK for cell in cells)
    written = write(prose, str)
    for cell in cells:
        if cell["cell_type"] == "code":
            written.html = written.html.replace(f"<p>{MARK}</p>", shown(cell), 1)
    return written


def shown(cell: dict[str, Any]) -> str:
    code = block(_text(cell["source"]), "python").replace("<pre ", '<pre class="command" ', 1)
    outputs = "".join(
        f'<pre class="output" tabindex="0" role="group" aria-label="output"><code>{html.escape(said)}</code></pre>'
        for output in cell["outputs"]
        if (said := _text(output.get("text") or output.get("data", {}).get("text/plain", "")).strip("\n"))
    )
    return f'<div class="session">{code}{outputs}</div>'


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
