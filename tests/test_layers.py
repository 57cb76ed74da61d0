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
# a fifth of the start-up: imported when an answer is asked for them
ON_REQUEST = {"matcalc.generator.code", "matcalc.answers.steps"}
STARTER = ROOT / "matcalc" / "__main__.py"  # python -m matcalc: the one file that imports the commands
MODULES = sorted(p for p in (ROOT / "matcalc").rglob("*.py") if p != STARTER and p.name != "__init__.py")
PACKAGES = {"matcalc", *(f"matcalc.{p.parent.name}" for p in (ROOT / "matcalc").glob("*/__init__.py"))}
COMMANDS = sorted((ROOT / "cli").glob("*.py"))
PAGE = sorted((ROOT / "web").glob("*.py"))
EXTRA = {"matcalc.web.server"}  # what it imports need not be installed
# what the verifier may rest on, directly or not: no table, no engine, no code generator
VERIFIER = set("errors walk shapes kinds expr ops evaluate sample verify".split())
VERIFIER |= set("special matrixfunctions smooth spectra operations domain sizes slope".split())


def rows() -> dict[str, tuple[int, int]]:
    """Dotted name of a module -> place of its package, row in it; from the tables of the document."""
    found: dict[str, tuple[int, int]] = {}
    packages: list[str] = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"### .*?`(\w+)/`", line):
            packages.append("matcalc" if heading[1] == "matcalc" else f"matcalc.{heading[1]}")
        cells = line.split("|")
        if len(cells) > 3 and cells[1].strip().isdigit():
            for name in re.findall(r"`(\w+)\.py`", cells[2]):
                module = f"{packages[-1]}.{name}"
                assert module not in found, f"{module} stands twice in {DOCUMENT.name}"
                found[module] = (len(packages), int(cells[1]))
    return found


def dotted(path: Path) -> str:
    """The name of the module in a file below ``matcalc/``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


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
            if module in PACKAGES:  # from matcalc import ops
                yield from ((f"{module}.{alias.name}", inside) for alias in node.names)
            else:
                yield module, inside
        function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        stack.extend((child, inside or function) for child in ast.iter_child_nodes(node))


def test_every_module_has_a_row() -> None:
    listed = set(rows())
    present = {dotted(path) for path in MODULES}

    assert present - listed == set(), "add them to the table in docs/architecture.md"
    assert listed - present == set(), "the table in docs/architecture.md names files that are not there"


def test_the_initial_file_of_a_package_says_what_is_in_it_and_no_more() -> None:
    for path in (ROOT / "matcalc").glob("*/__init__.py"):
        (said,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(said, ast.Expr)


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_imports_from_earlier_packages_and_rows_only(path: Path) -> None:
    row, own = rows(), dotted(path)
    for name, _ in imports(path):
        package, _, module = name.partition(".")
        assert package, f"{own} uses a relative import: {name}"
        if package == "matcalc" and module:
            home = next((m for m in (name, name.rpartition(".")[0]) if m in row), None)
            assert home, f"{own} imports {name}, which has no row"
            assert row[home] < row[own], f"{own} {row[own]} imports {home} {row[home]}"


@cache
def heavy_modules() -> set[str]:
    """HEAVY, and the modules of ours that import one of them at the top, directly or not: those may be deferred too."""
    tops = {dotted(p): {name for name, within in imports(p) if not within} for p in MODULES}
    heavy: set[str] = set()
    while True:
        more = {m for m, names in tops.items() if any(n.split(".")[0] in HEAVY or n in heavy for n in names)} - heavy
        if not more:
            return heavy | HEAVY
        heavy |= more


@pytest.mark.parametrize("path", [STARTER, *MODULES, *COMMANDS, *PAGE], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_imports_stand_at_the_top(path: Path) -> None:
    allowed = heavy_modules() | ON_REQUEST | (EXTRA if path in COMMANDS else set())
    inside = {n for n, within in imports(path) if within and n not in allowed and n.split(".")[0] not in HEAVY}

    assert inside == set()


@pytest.mark.parametrize("path", COMMANDS + PAGE, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_command_and_the_page_use_the_public_names(path: Path) -> None:
    ours = {name for name, _ in imports(path) if name.split(".")[0] == "matcalc"}

    assert ours <= {"matcalc", "matcalc.errors", "matcalc.identities"} | (EXTRA if path in COMMANDS else set())


def test_the_verifier_does_not_import_what_it_verifies() -> None:
    files = {dotted(p): p for p in MODULES}
    found = {"matcalc.numeric.verify"}
    waiting = list(found)
    while waiting:
        ours = {name for name, _ in imports(files[waiting.pop()]) if name.startswith("matcalc.")}
        waiting += ours - found
        found |= ours

    assert {name.rpartition(".")[2] for name in found} <= VERIFIER


def test_the_import_finder_sees_an_import_inside_a_function(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text("import os\ndef f():\n    if True:\n        from matcalc import ops\n        import sympy.core\n")

    assert sorted(imports(file)) == [("matcalc.ops", True), ("os", False), ("sympy.core", True)]
