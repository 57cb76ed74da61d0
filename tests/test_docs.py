"""The examples of docs/language.md, docs/sympy.md and docs/how-it-works.md mean what the pages say."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from matcalc import syntax, tokens, vocabulary
from matcalc.errors import MatcalcError
from matcalc.kinds import FACTS, STRUCTURES, kind_of_shape
from matcalc.parse import parse, parse_kind, read

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "language.md").read_text(encoding="utf-8")
DECLARATION = re.compile(r"\s*[A-Za-z]\w*(\s*,\s*\w+)*\s*:\s")
# what the code in the tables speaks of
LETTERS = """A, M: matrix(m, n); B: matrix(n, p); X: matrix(n, n); x, z: vector(n); y: vector(m)
a: scalar; b: scalar; c: scalar"""


def blocks(info: str) -> list[str]:
    return re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.M | re.S)


def examples() -> Iterator[tuple[str, str, str]]:
    """Declarations so far, the line, what its comment says; a line that is refused may be a declaration."""
    for block in blocks("matcalc"):
        declared = ""
        for line in block.splitlines():
            code, _, said = line.partition("#")
            if DECLARATION.match(code) and "error:" not in said:
                declared += code + "\n"
            elif code.strip():
                yield declared, code.strip(), said.strip()


EXAMPLES = list(examples())


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def spans(text: str) -> list[str]:
    """The code in the first column of the tables."""
    return [
        code
        for line in text.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([^`]+)`", line.split(" | ")[0])
    ]


@pytest.mark.parametrize(("declared", "code", "said"), EXAMPLES, ids=[code for _, code, _ in EXAMPLES])
def test_an_example_is_what_its_comment_says(declared: str, code: str, said: str) -> None:
    assert said, "an example without a comment checks nothing"
    if said.startswith("error:"):
        with pytest.raises(MatcalcError) as caught:
            read(declared + code)
        assert said.removeprefix("error:").strip() in str(caught.value)
    elif said.startswith("= "):
        assert parse(code, declared) is parse(said.removeprefix("= "), declared)
    else:
        assert kind_of_shape(parse(code, declared).shape) == parse_kind(said)


def test_the_programs_are_scalars_of_what_they_declare() -> None:
    found = blocks("matcalc program")
    assert len(found) == 2
    for program in found:
        assert read(program).function.is_scalar
    assert {"H", "P"} == {name for name, _ in read(found[0]).definitions}
    assert {"W1", "W2", "W3", "b1", "b2", "b3", "y", "x"} == set(read(found[1]).kinds)


@pytest.mark.parametrize("title", ["Operators", "Functions"])
def test_the_code_in_the_tables_is_read(title: str) -> None:
    for code in spans(section(title)):
        read(code, LETTERS)


def test_kinds_and_facts_are_those_of_the_tables() -> None:
    listed = [parse_kind(code) for code in spans(section("Declarations").split("**Without a declaration**")[0])]
    heads = {kind.text().split("(")[0].split(",")[0] for kind in listed}

    assert {kind.text() for kind in listed} == set(spans(section("Declarations").split("**Without a declaration**")[0]))
    assert heads >= {"scalar", "vector", "row", "matrix", "function", *STRUCTURES}
    assert frozenset().union(*(kind.facts for kind in listed)) >= set(FACTS)


def test_the_kinds_that_are_found_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+: [^`]+)` \|$", section("Declarations"), re.M)
    assert len(rows) >= 6
    for code, wanted in rows:
        kinds = read(code).kinds
        assert "; ".join(f"{name}: {kinds[name].text()}" for name in sorted(kinds, key=str)) == wanted


def test_every_function_of_the_language_is_on_the_page() -> None:
    listed = set(re.findall(r"([A-Za-z_]\w*)\(", " ".join(spans(section("Functions")))))
    said = set(re.findall(r"`(\w+)", section("Functions")))

    assert {*vocabulary.FUNCTIONS, *vocabulary.CONSTANTS, *vocabulary.FILLED} <= listed
    assert set(vocabulary.ALIASES) - {"norm_1", "norm_2"} <= listed | said
    assert listed <= {*vocabulary.FUNCTIONS, *vocabulary.CONSTANTS, *vocabulary.FILLED, *vocabulary.ALIASES}


def test_the_limits_are_those_of_the_page() -> None:
    said = section("What is refused")

    assert f"{syntax.MAX_TEXT} characters" in said
    assert f"{tokens.MAX_DEPTH} nested brackets" in said
    assert f"numbers of {syntax.MAX_DIGITS} digits" in said


@pytest.mark.parametrize("page", ["sympy.md", "how-it-works.md"])
def test_a_page_in_python_shows_what_happens(page: str) -> None:
    file, options = DOCS / page, doctest.REPORT_NDIFF
    written = len(re.findall(r"^>>> ", file.read_text(encoding="utf-8"), re.M))
    found = doctest.testfile(str(file), module_relative=False, optionflags=options, encoding="utf-8")

    assert found.attempted == written >= 20
    assert found.failed == 0


def test_the_checks_can_fail() -> None:
    with pytest.raises(AssertionError):
        test_an_example_is_what_its_comment_says("A: matrix(m, n); x: vector(n)\n", "A*x", "vector(n)")
    with pytest.raises(AssertionError):
        test_an_example_is_what_its_comment_says("", "a + b", "= a - b")
    with pytest.raises(pytest.fail.Exception):
        test_an_example_is_what_its_comment_says("", "a + b", "error: shapes")
