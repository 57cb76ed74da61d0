"""What is public, and that the README and its neighbors tell the truth."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import matcalc
import matcalc as mc

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_public_name_is_there() -> None:
    for name in matcalc.__all__:
        assert getattr(matcalc, name) is not None
        assert name in dir(matcalc)


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
        places = ("", "matcalc", "matcalc/language", "identities", "tests")
        assert any(next(ROOT.joinpath(place).glob(name), None) for place in places), name


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mc.derive("x'*x", None), "wrt is a name or several, not NoneType"),
        (lambda: mc.derive("x'*x", 3), "wrt is a name or several, not int"),
        (lambda: mc.derive(3, "x"), "text or a SymPy expression is wanted, not int"),
        (lambda: mc.derive("x'*x", "x", order="2"), "the order is a whole number, not '2'"),
        (lambda: mc.derive("x'*x", "x").source(sizes=[1]), "sizes are text or a mapping, not list"),
        (lambda: mc.derive("x'*x", "x").function("nosuch"), "the module has no function nosuch"),
        (lambda: mc.derive("x'*x", "x").verify(draws=0), "from 1 on, not 0"),
        (lambda: mc.solve("norm2(x - y)^2", "x").verify(draws=0), "from 1 on, not 0"),
        (lambda: mc.check("x'*x", "x", None), "the claim is text, not NoneType"),
        (lambda: mc.solve("x'*x", None), "wrt is a name or several, not NoneType"),
        (lambda: mc.solve("x'*x", "x", subject_to=3), "constraints are text, one or several"),
        (lambda: mc.solve("x'*x", "x", subject_to=[3]), "constraints are text, one or several"),
    ],
)
def test_wrong_types_are_said(call, said):
    with pytest.raises(mc.MatcalcError) as caught:
        call()
    assert said in str(caught.value)


def test_a_derivative_is_a_collection_of_its_answers():
    d = mc.derive("x'*A*y", ["x", "y"])

    assert list(d) == ["x", "y"]
    assert len(d) == 2
    assert [d[name].text() for name in d] == ["A*y", "A'*x"]
    assert list(mc.solve("norm2(x - y)^2", "x")) == ["x"]
