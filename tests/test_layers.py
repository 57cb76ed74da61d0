"""The order of the modules in docs/architecture.md is the order in which they import each other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
HEAVY = {"sympy", "numpy", "scipy", "mpmath"}  # may be imported inside functions: they cost a third of a second
ON_REQUEST = {"matcalc.code", "matcalc.steps"}  # a fifth of the start-up: imported when an answer is asked for them
MODULES = sorted((ROOT / "matcalc").glob("*.py"))
STARTER = ROOT / "matcalc" / "__main__.py"  # python -m matcalc: the one file that imports the commands
COMMANDS = sorted((ROOT / "cli").glob("*.py"))
PAGE = sorted((ROOT / "web").glob("*.py"))
EXTRA = {"matcalc.web.server"}  # what it imports need not be installed
# what the verifier may rest on, directly or not: no table, no engine, no code generator
VERIFIER = set("errors walk shapes kinds expr ops evaluate sample verify".split())
VERIFIER |= set("special matrixfunctions smooth spectra operations domain sizes slope".split())


def rows() -> dict[str, int]:
    """Module name -> row, from the table of the document."""
    found: dict[str, int] = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if len(cells) > 3 and cells[1].strip().isdigit():
            for name in re.findall(r"`(\w+)\.py`", cells[2]):
                assert name not in found, f"{name}.py stands twice in {DOCUMENT.name}"
                found[name] = int(cells[1])
    return found


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """What a file imports (dotted), and whether the import stands inside a function."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    stack: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue  # never imported when it runs
        if isinstance(node, ast.Import):
            yield from ((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module == "matcalc":  # from matcalc import ops
                yield from ((f"matcalc.{alias.name}", inside) for alias in node.names)
            else:
                yield module, inside
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        stack.extend((child, inside or function) for child in ast.iter_child_nodes(node))


def test_every_module_has_a_row() -> None:
    listed = set(rows())
    present = {path.stem for path in MODULES} - {STARTER.stem}

    assert present - listed == set(), "add them to the table in docs/architecture.md"
    assert listed - present == set(), "the table in docs/architecture.md names files that are not there"


@pytest.mark.parametrize("path", [p for p in MODULES if p != STARTER], ids=lambda p: p.stem)
def test_a_module_imports_from_earlier_rows_only(path: Path) -> None:
    row = rows()
    for name, _ in imports(path):
        package, _, module = name.partition(".")
        assert package, f"{path.name} uses a relative import: {name}"
        if package == "matcalc" and module:
            first = module.split(".")[0]
            assert first in row, f"{path.name} imports {name}, which has no row"
            assert row[first] < row[path.stem], f"{path.name} (row {row[path.stem]}) imports {name} (row {row[first]})"


@cache
def heavy_modules() -> set[str]:
    """HEAVY, and the modules of ours that import one of them at the top, directly or not: those may be deferred too."""
    tops = {f"matcalc.{p.stem}": {name for name, within in imports(p) if not within} for p in MODULES if p != STARTER}
    heavy: set[str] = set()
    while True:
        more = {m for m, names in tops.items() if any(n.split(".")[0] in HEAVY or n in heavy for n in names)} - heavy
        if not more:
            return heavy | HEAVY
        heavy |= more


@pytest.mark.parametrize("path", MODULES + COMMANDS + PAGE, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_imports_stand_at_the_top(path: Path) -> None:
    allowed = heavy_modules() | ON_REQUEST | (EXTRA if path in COMMANDS else set())
    inside = {n for n, within in imports(path) if within and n not in allowed and n.split(".")[0] not in HEAVY}

    assert inside == set()


@pytest.mark.parametrize("path", COMMANDS + PAGE, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_command_and_the_page_use_the_public_names(path: Path) -> None:
    ours = {name for name, _ in imports(path) if name.split(".")[0] == "matcalc"}

    assert ours <= {"matcalc", "matcalc.errors", "matcalc.identities"} | (EXTRA if path in COMMANDS else set())


def test_the_verifier_does_not_import_what_it_verifies() -> None:
    found = {"verify"}
    waiting = ["verify"]
    while waiting:
        path = ROOT / "matcalc" / f"{waiting.pop()}.py"
        ours = {name.split(".")[1] for name, _ in imports(path) if name.startswith("matcalc.")}
        waiting += ours - found
        found |= ours

    assert found <= VERIFIER


def test_the_import_finder_sees_an_import_inside_a_function(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text("import os\ndef f():\n    if True:\n        from matcalc import ops\n        import sympy.core\n")

    assert sorted(imports(file)) == [("matcalc.ops", True), ("os", False), ("sympy.core", True)]
