r"""Lines of LaTeX: how wide, where broken; and everything that is printed as LaTeX compiles, and fits on a page."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from program_cases import PROGRAMS

import matcalc as mc
from matcalc.cli import main
from matcalc.printing.listing import document
from matcalc.printing.notation import using
from matcalc.printing.typeset import WIDTH, aligned, aligned_lines, broken, width

CASES = {
    f"{file.stem}/{name}": (case["f"], case["wrt"], case.get("declare"))
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
LONG = r"A x + \frac{1}{2} B^\top (x - y) - " * 7 + "z"


# --- widths and lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("x", "x y"),
        ("x_{i}", "x i"),
        (r"\frac{x}{y}", "x y"),
        (r"\mathrm{d}x", r"\mathrm{d}x y"),
        (r"A^\top", "A A"),
        (r"\left( x \right)", "(x y)"),
    ],
)
def test_what_is_wider(short: str, long: str) -> None:
    assert 0 < width(short) < width(long)


def test_a_fraction_is_as_wide_as_the_wider_of_its_parts() -> None:
    assert width(r"\frac{a b c}{d}") == width(r"\frac{d}{a b c}") == width("a b c")


def test_a_short_formula_is_one_line() -> None:
    assert broken("A x + b") == ["A x + b"]
    assert aligned("A x + b") == "A x + b"


def test_a_long_sum_breaks_before_its_signs() -> None:
    lines = broken(LONG)

    assert len(lines) > 1
    assert " ".join(lines) == LONG
    assert all(line[0] in "+-" for line in lines[1:])
    assert all(width(line) <= WIDTH for line in lines)


def test_the_outermost_sum_breaks_first() -> None:
    inside = r"(a + b + c + d) x"
    lines = broken(" + ".join([inside] * 8))

    assert all(line.count("(") == line.count(")") for line in lines)


def test_no_line_ends_inside_of_braces() -> None:
    whole = rf"\frac{{{LONG}}}{{n}}"

    assert broken(whole) == [whole]


def test_high_brackets_get_a_fixed_size_where_a_line_ends_inside_of_them() -> None:
    lines = broken(rf"C \left( {LONG} \right) y")

    assert len(lines) > 1
    assert lines[0].startswith(r"C \Bigl( ")
    assert lines[-1].endswith(r"\Bigr) y")


def test_long_lines_go_on_below_their_right_sides() -> None:
    lines = aligned_lines([f"f &= {LONG}", "g &= x"]).splitlines()

    assert lines[0] == r"\begin{aligned}"
    assert lines[1].startswith("f &= A x")
    assert lines[2].startswith(r"&\quad ")
    assert lines[-2] == "g &= x"


# --- on paper -------------------------------------------------------------------------------------

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(page: str, folder: Path) -> list[str]:
    """What LaTeX complains of: errors fail, the list is of lines that are too long, in points."""
    (folder / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)  # noqa: S603
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, "\n".join(line for line in log.splitlines()[-40:])
    return re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)


def printed(d: Any) -> list[str]:
    return [d.explain("latex"), d.explain("latex", full=True), d.latex()]


@needs_latex
@pytest.mark.parametrize("part", range(3))
def test_answers_and_steps_compile_and_fit(part: int, tmp_path: Path) -> None:
    formulas: list[str] = []
    for name in sorted(CASES)[part * 5 :: 15]:
        f, wrt, declare = CASES[name]
        formulas += printed(mc.derive(f, wrt, declare))
    assert len(formulas) > 60

    assert len(compiled(document(*formulas), tmp_path)) <= len(formulas) // 20


OTHERS: Sequence[tuple[str, Any, Any, dict[str, Any]]] = [
    ("A*X*B", "X", {"A": "matrix(k, m)", "X": "matrix(m, n)", "B": "matrix(n, p)"}, {}),
    ("inv(X)", "X", {}, {}),
    ("x*A", "x", {"x": "row(n)", "A": "matrix(n, m)"}, {}),
    ("softmax(A*x)", "x", {}, {}),
    ("B'*B", "B[i, j]", {"B": "matrix(m, n)"}, {}),
    ("norm2(A*x - b)^2", "x[0:3]", {}, {}),
    ("logdet(X)", "X", {}, {"order": 2}),
    ("norm2(A*x - B*y)^2", ("x", "y"), {"A": "matrix(m, n)", "B": "matrix(m, k)", "y": "vector(k)"}, {"order": 2}),
    ("sum(exp(A*x))", "x", {}, {"order": 3}),
    ("f(g(x))", "x", {"f": "function(vector(m)) -> scalar", "g": "function(vector(n)) -> vector(m)"}, {}),
    ("tr(f(X)')", "X", {"f": "function(matrix(m, n)) -> matrix(p, p)", "X": "matrix(m, n)"}, {}),
    ("sum(i in 1..m, exp(i*x'*a))", "x", {"x": "vector(n)", "a": "vector(n)", "m": "integer"}, {}),
    ("norm2([A, B]*x - [y; z])^2", "x", {"A": "matrix(m, n)", "B": "matrix(m, k)", "y": "vector(p)"}, {}),
    ("x_out'*W1*y_hat_2 + foo_bar*lambda", "W1", {"foo_bar": "scalar"}, {}),
    ("norm2(A*x - b)^2", "x", {}, {"residuals": {"r": "A*x - b"}, "layout": "numerator"}),
    ("norm2(A*x - b)^2*norm1(A*x - b)", "x", {}, {"where": "always", "expand": True}),
]


@needs_latex
@pytest.mark.parametrize("notation", ["", "transpose=prime, bold, hadamard=circ, trace=tr", "transpose=T, bold=arrays"])
def test_other_derivatives_compile_in_every_notation(notation: str, tmp_path: Path) -> None:
    formulas: list[str] = []
    with using(notation):
        for f, wrt, declare, options in OTHERS:
            formulas += printed(mc.derive(f, wrt, declare, **options))

    assert compiled(document(*formulas), tmp_path) == []


@needs_latex
def test_programs_compile(tmp_path: Path) -> None:
    formulas: list[str] = []
    for text, names in list(PROGRAMS.values())[::2]:
        formulas += printed(mc.derive(text, names.split(",")))

    assert compiled(document(*formulas), tmp_path) == []


@needs_latex
def test_standalone_documents_compile(tmp_path: Path) -> None:
    arguments = ["derive", "logdet(S) + tr(inv(S)*C)", "--wrt", "S", "--declare", "S: spd(n)", "--format", "latex"]
    for extra in ([], ["--steps"], ["--steps", "full"]):
        found = CliRunner().invoke(main, [*arguments, "--standalone", *extra])
        assert found.exit_code == 0
        assert compiled(found.stdout, tmp_path) == []
