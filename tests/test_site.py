"""The builder of the site: what it makes of a page, and what it complains of."""

from __future__ import annotations

from pathlib import Path

import pytest

import matcalc
from docs.site import build, links, notebooks, reference
from docs.site.examples import Session
from docs.site.formulas import formula_of
from docs.site.markdown import slug, write
from docs.site.pages import Page, all_pages
from docs.site.refresh import refreshed

TEXT = "# A page\n\n## One `x'`\n\ntext\n\n## One `x'`\n\n```matcalc\ntr(X)  # trace\n```\n<b>\n"
GOOD = '<!doctype html><html lang="en"><head><title>T</title></head><body><h1 id="a">A</h1><h2>B</h2></body></html>'


def complaints(tmp_path: Path, page: str) -> str:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    return "\n".join(links.problems(tmp_path))


def test_a_good_page_has_no_problems(tmp_path: Path) -> None:
    assert complaints(tmp_path, GOOD) == ""
    assert complaints(tmp_path, GOOD.replace("B</h2>", 'B</h2><a href="page.html#a">a</a><a href="#a">b</a>')) == ""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('lang="en"', "", "no language"),
        ("<title>T</title>", "", "no title"),
        ("h2", "h3", "level 3 after one of level 1"),
        ("h2", "h1", "of level 1"),
        ("<h2>", '<h2 id="a">', "two things with the id a"),
        ("<h2>", '<a href="other.html">x</a><h2>', "a link to other.html, which is not there"),
        ("<h2>", '<a href="page.html#b">x</a><h2>', "no such place"),
        ("<h2>", '<a href="#b">x</a><h2>', "no such place"),
        ("<h2>", '<img src="a.png"><h2>', "without alt"),
        ("<h2>", "<table><tr><th>a</th><th> </th></tr></table><h2>", "header of a table without text"),
        ("<h2>", '<script src="gone.js"></script><h2>', "not there: gone.js"),
        ("<h2>", '<script src="https://cdn.example/a.js"></script><h2>', "fetched from elsewhere"),
        ("<h2>", '<link rel="stylesheet" href="//fonts.example/a.css"><h2>', "fetched from elsewhere"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert complaint in complaints(tmp_path, GOOD.replace(old, new))


def test_style_and_script_fetch_nothing_from_elsewhere() -> None:
    for asset in build.ASSETS.iterdir():
        text = asset.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "@import" not in text


def test_links_between_files_are_links_between_pages() -> None:
    wrong: list[str] = []
    link = build.linker(Page("T", "docs/tutorial/rows.md", "tutorial-rows.html"), wrong)

    assert link("matrices.md#four-indices") == "tutorial-matrices.html#four-indices"
    assert link("../language.md") == "language.html"
    assert link("../../README.md") == "index.html"
    assert link("https://example.org") == "https://example.org"
    assert link("../../benchmarks/losses.py") is None
    assert wrong == []
    link("../gone.md")
    assert wrong == ["docs/tutorial/rows.md: a link to ../gone.md, which is no page"]


def test_every_page_is_there_once() -> None:
    pages = all_pages()

    assert len({page.address for page in pages}) == len(pages)
    assert all((build.ROOT / page.source).exists() for page in pages)
    shown = {page.source for page in pages}
    written = {str(path.relative_to(build.ROOT)) for path in (build.ROOT / "docs").rglob("*.md")}
    assert written - shown == set(), "add them to docs/site/pages.py"


def test_a_page_has_headings_with_addresses_and_code_in_color() -> None:
    page = write(TEXT, str)

    assert page.title == "A page"
    assert [(level, where) for level, where, _ in page.headings] == [(1, "a-page"), (2, "one-x"), (2, "one-x-1")]
    assert '<span class="nf">tr</span>' in page.html
    assert "&lt;b&gt;" in page.html
    assert slug("Über: *alles*", set()) == "über-alles"


def test_a_link_to_no_page_is_plain_text() -> None:
    page = write("# T\n\n[a](x.py) and [b](y.md)\n", {"x.py": None, "y.md": "y.html"}.get)

    assert "<span>a</span>" in page.html
    assert '<a href="y.html">b</a>' in page.html


def test_a_session_has_its_formula() -> None:
    page = write("# T\n\n```\n$ matcalc derive \"x'*A*x\" --wrt x --format text\n(A + A')*x\n```\n", str)

    assert '<div class="formula"' in page.html
    assert page.html.index("matcalc") < page.html.index('class="formula"') < page.html.index("(A + A&#x27;)*x")
    assert formula_of(Session("matcalc derive x --wrt x --format numpy", "")) is None
    assert formula_of(Session("matcalc check x --wrt x --equals 1", "")) is None


def test_a_page_is_refreshed_where_it_is_wrong() -> None:
    right = 'a\n```\n$ matcalc derive "x\'*x" --wrt x\n2x\n...\n```\nb\n'

    assert refreshed(right) == right
    assert refreshed(right.replace("2x\n...\n", "")).splitlines()[:5] == [*right.splitlines()[:4], "with x: vector(n)"]
    assert refreshed(right.replace("$ matcalc", "# matcalc")).count("2x") == 1


def test_the_reference_lists_what_is_public() -> None:
    page = reference.python_page()
    for name in ("derive", "check", "solve", "Derivation", "MatcalcError"):
        assert f'id="{name}"' in page
    assert 'id="matcalc-derive"' in reference.commands_page()
    assert 'id="id-inv"' in reference.table_page()
    assert "'gradient'" in reference.signature(matcalc.derive)
    assert reference.signature(matcalc.Derivation.latex) == "(notation: Notation | str | None = None) -> str"


def test_a_notebook_is_a_page() -> None:
    page = notebooks.page("first-steps")

    assert page.title == "First steps"
    assert page.html.count('class="session"') >= 8
    assert "2Aᵀ(Ax − b)" in page.html
    assert notebooks.MARK not in page.html
    assert {path.stem for path in notebooks.FOLDER.glob("*.ipynb")} == set(notebooks.TITLES)


def test_the_search_finds_headings() -> None:
    page = write("# T\n\n## Softmax\n\nscores to probabilities\n", str)
    found = build.index([("t.html", page)], {"t.html": "T"})

    assert '"a":"t.html#softmax"' in found
    assert "scores to probabilities" in found
