"""``python -m docs.notebooks``: run the notebooks, and write what their cells print now into them."""

from __future__ import annotations

import sys

try:
    import nbformat

    from docs.notebooks.running import NOTEBOOKS, run
except ModuleNotFoundError as missing:  # of the extra
    sys.exit(f"{missing}: install the checkout with pip install -e '.[notebook]'")

for path in NOTEBOOKS:
    nbformat.write(run(path), path)
    print(f"ran {path.name}")
