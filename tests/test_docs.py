"""Every example on the pages: what a command prints, what Python answers, what the language page says of a line."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.site.examples import Session, edits, fences, file_name, files, folder, python, sessions, split
from docs.site.pages import all_pages
from matcalc.errors import MatcalcError
from matcalc.kinds import FACTS, STRUCTURES, kind_of_shape
from matcalc.language import syntax, tokens, vocabulary
from matcalc.language.parse import parse, parse_kind, read

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ["README.md", *(page.source for page in all_pages())]
PAGES = {source: (ROOT / source).read_text(encoding="utf-8") for source in SOURCES}
SESSIONS = [(page, session) for page, text in PAGES.items() for session in sessions(text)]
SCRIPTS = [(page, code) for page, text in PAGES.items() for code in python(text)]
PAGE = PAGES["docs/language.md"]
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


@pytest.mark.parametrize(("page", "session"), SESSIONS, ids=[f"{page}: {session.line}" for page, session in SESSIONS])
def test_a_command_prints_what_the_page_shows(page: str, session: Session) -> None:
    result = session.run()

    assert session.is_shown(result), result.output


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if ">>> " in text])
def test_the_interpreter_answers_what_the_page_shows(page: str) -> None:
    options = doctest.REPORT_NDIFF | doctest.NORMALIZE_WHITESPACE
    written = len(re.findall(r"^>>> ", PAGES[page], re.M))
    found = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=options, encoding="utf-8")

    assert found.attempted == written >= 10
    assert found.failed == 0


@pytest.mark.parametrize(("page", "code"), SCRIPTS, ids=[page for page, _ in SCRIPTS])
def test_the_python_of_a_page_runs(page: str, code: str) -> None:
    with folder(files(PAGES[page])):
        exec(compile(code, page, "exec"), {})


def test_nothing_on_the_pages_is_left_out() -> None:
    """Every block is of a kind that some test runs, or no code of ours."""
    run = {"", "sh", "python", "matcalc", "matcalc program", "diff", "console", "text"}
    for page, text in PAGES.items():
        for info, block in fences(text):
            kind = info if info == "matcalc program" else (info.split() or [""])[0]
            assert kind in run or file_name(info) or page == "identities/README.md", f"{page}: {info}"
            if kind in ("", "sh") and "$ " in block:
                assert block.startswith("$ matcalc"), f"{page}: {block[:60]}"


def test_the_worked_example_of_an_operation_works(tmp_path: Path) -> None:
    page = PAGES["docs/adding-an-operation.md"]
    copy = tmp_path / "matcalc"
    shutil.copytree(ROOT / "matcalc", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cli", "identities"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(edits(page)) >= 9
    for name, old, new in edits(page):
        place = {"matcalc": tmp_path, "identities": copy, "docs": ROOT}[name.partition("/")[0]] / name
        text = place.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}: {old}"
        if place.is_relative_to(tmp_path):
            place.write_text(text.replace(old, new), encoding="utf-8")
    shown = [session for info, block in fences(page) if info == "console" for session in split(block, {})]
    assert len(shown) >= 5
    for session in shown:
        words = [sys.executable, "-m", "matcalc", *session.words[1:]]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout == session.output


def test_the_checks_can_fail() -> None:
    with pytest.raises(AssertionError):
        test_an_example_is_what_its_comment_says("A: matrix(m, n); x: vector(n)\n", "A*x", "vector(n)")
    with pytest.raises(AssertionError):
        test_an_example_is_what_its_comment_says("", "a + b", "= a - b")
    with pytest.raises(pytest.fail.Exception):
        test_an_example_is_what_its_comment_says("", "a + b", "error: shapes")
    for line, output in (("derive c*c --wrt c", "c"), ("derive y --wrt x", "y"), ("check c --wrt c --equals 2", "ok")):
        with pytest.raises(AssertionError):
            test_a_command_prints_what_the_page_shows("", Session(f"matcalc {line}", output))
