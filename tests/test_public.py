"""What is public, and that the README and its neighbors tell the truth."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import matcalc
from matcalc.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
CODE = re.compile(r"^```([\w ]*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
BLOCKS = CODE.findall(README)


def commands() -> list[tuple[str, str]]:
    """Each command of the README and of the language page that is shown with its output."""
    found = []
    for _, block in [*BLOCKS, *CODE.findall(LANGUAGE)]:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append((line, output))
    return found


def test_every_public_name_is_there() -> None:
    for name in matcalc.__all__:
        assert getattr(matcalc, name) is not None
        assert name in dir(matcalc)


@pytest.mark.parametrize(("name", "home"), [("check", "check"), ("derive", "derivatives"), ("parse", "parse")])
def test_a_module_never_hides_the_function_of_its_name(name: str, home: str) -> None:
    module = import_module(f"matcalc.{name}")

    assert isinstance(module, ModuleType)
    assert getattr(matcalc, name) is getattr(import_module(f"matcalc.{home}"), name)
    with pytest.raises(AttributeError, match="cannot be replaced"):
        setattr(matcalc, name, None)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="derivate"):
        matcalc.derivate  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import matcalc", {"sympy", "numpy", "lark", "scipy"}),
        ("import matcalc; matcalc.derive(\"x'*A*x\", 'x').text()", {"sympy", "scipy"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str, absent: set[str]) -> None:
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert absent & set(done.stdout.split()) == set()


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "matcalc", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"matcalc {matcalc.__version__}\n"


def test_the_readme_has_two_commands_that_set_up() -> None:
    found = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]

    assert len(found) == 2
    assert "matcalc derive" in found[0]
    assert "pytest" in found[1]


def test_the_readme_shows_five_examples() -> None:
    examples = README.partition("## Five examples")[2].partition("\n## ")[0]

    assert len(re.findall(r"^\*\*", examples, flags=re.MULTILINE)) == 5


@pytest.mark.parametrize(("line", "output"), commands(), ids=lambda v: v.splitlines()[0][:40] if v.strip() else "none")
def test_a_command_that_is_shown_prints_what_is_shown(line: str, output: str) -> None:
    words = shlex.split(line)
    assert words[0] == "matcalc"
    result = CliRunner().invoke(main, words[1:], catch_exceptions=False)

    parts = [re.escape(part) for part in output.strip().split("...")]
    assert re.fullmatch(".*?".join(parts), result.stdout.strip(), flags=re.DOTALL), result.stdout
    assert result.exit_code == (1 if "does not hold" in output else 0)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/how-it-works.md"])
def test_every_page_that_is_linked_is_there(page: str) -> None:
    file = ROOT / page
    targets = re.findall(r"\]\(([\w./-]+\.md)\)", file.read_text(encoding="utf-8"))

    assert targets
    for target in targets:
        assert (file.parent / target).exists(), target


def test_the_places_of_an_operation_are_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("## Add an operation")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w*/-]+\.\w+)`", table))

    assert len(named) >= 25
    for name in named:
        assert any(next(ROOT.joinpath(d).glob(name), None) for d in ("", "matcalc", "identities", "tests")), name


@pytest.mark.parametrize("code", [block for language, block in BLOCKS if language == "python"])
def test_the_python_of_the_readme_runs(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})
