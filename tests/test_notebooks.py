"""The example notebooks run, and print what stands in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

from docs.notebooks.running import NOTEBOOKS, read, run


def shown(notebook: Any) -> list[list[Any]]:
    """For each cell its outputs; of numbers that depend on the machine their digits are left out."""
    return [[_plain(o) for o in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _plain(output: Any) -> Any:
    found = dict(output.get("data", {})) or {output.get("name", "error"): output.get("text", output.get("evalue"))}
    return {key: re.sub(r"\d\.\de-\d+", "tiny", str(value)) for key, value in found.items()}


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_notebook_prints_what_stands_in_it(path: Path) -> None:
    assert shown(run(path)) == shown(read(path)), "python -m docs.notebooks writes what is printed now"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_no_machine(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|tmp|usr|work|root)\b|site-packages|[A-Z]:\\\\", written)
    assert all(output.output_type != "error" or "raises-exception" in cell.metadata.get("tags", [])
               for cell in read(path).cells if cell.cell_type == "code" for output in cell.outputs)  # fmt: skip
