"""``python -m docs.notebooks``: run the notebooks, and write what their cells print now into them."""

from __future__ import annotations

import nbformat

from docs.notebooks import NOTEBOOKS, run

for path in NOTEBOOKS:
    nbformat.write(run(path), path)
    print(f"ran {path.name}")
