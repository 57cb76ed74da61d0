r"""Notation of LaTeX: transposes, bold type, elementwise products, traces; in force or for one formula."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

import matcalc as mc
from matcalc.cli import main
from matcalc.errors import InputError
from matcalc.language.parse import parse
from matcalc.printing.latex import latex
from matcalc.printing.latex_names import latex_name
from matcalc.printing.notation import STANDARD, Notation, emboldened, notation_of, using

E = parse("tr(A)*A'*(x1 .* mu.^2) + c*inv(A)'*yhat", "A: matrix(n, n); x1, mu, yhat: vector(n)")


@pytest.fixture(autouse=True)
def _standard() -> Iterator[None]:
    """No test leaves its notation behind."""
    yield
    mc.set_notation()


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("", r"c A^{-\top} \hat{y} + \operatorname{tr}(A) A^\top (x_{1} \odot \mu^{\odot 2})"),
        ("transpose=T", r"c A^{-T} \hat{y} + \operatorname{tr}(A) A^T (x_{1} \odot \mu^{\odot 2})"),
        ("transpose=prime", r"c A'^{-1} \hat{y} + \operatorname{tr}(A) A' (x_{1} \odot \mu^{\odot 2})"),
        ("hadamard=circ", r"c A^{-\top} \hat{y} + \operatorname{tr}(A) A^\top (x_{1} \circ \mu^{\circ 2})"),
        ("trace=tr", r"c A^{-\top} \hat{y} + \mathrm{tr}(A) A^\top (x_{1} \odot \mu^{\odot 2})"),
        (r"trace=\Tr, transpose=\intercal",
         r"c A^{-\intercal} \hat{y} + \Tr(A) A^\intercal (x_{1} \odot \mu^{\odot 2})"),
        ("bold",
         r"c A^{-\top} \hat{\mathbf{y}} + \operatorname{tr}(A) A^\top"
         r" (\mathbf{x}_{1} \odot \boldsymbol{\mu}^{\odot 2})"),
        ("bold=arrays", r"c \mathbf{A}^{-\top} \hat{\mathbf{y}} + \operatorname{tr}(\mathbf{A}) \mathbf{A}^\top"
                        r" (\mathbf{x}_{1} \odot \boldsymbol{\mu}^{\odot 2})"),
    ],
)  # fmt: skip
def test_each_choice(choice: str, wanted: str) -> None:
    def plain(shown: str) -> str:
        return shown.replace(r" \, ", " ")

    terms = set(plain(latex(E, notation_of(choice))).split(" + "))
    assert terms == set(plain(wanted).split(" + "))


@pytest.mark.parametrize(
    ("name", "bold"),
    [
        ("x", r"\mathbf{x}"),
        ("x_{1}", r"\mathbf{x}_{1}"),
        (r"\mu", r"\boldsymbol{\mu}"),
        (r"\mu_{\mathrm{out}}", r"\boldsymbol{\mu}_{\mathrm{out}}"),
        (r"\hat{y}", r"\hat{\mathbf{y}}"),
        (r"\bar{\mu}_{2}", r"\bar{\boldsymbol{\mu}}_{2}"),
        (r"\mathrm{out}", r"\mathbf{out}"),
        (r"\frac{\partial L}{\partial W}", r"\frac{\partial L}{\partial W}"),
    ],
)
def test_names_in_bold(name: str, bold: str) -> None:
    assert emboldened(name) == bold


def test_one_notation_for_all_and_another_for_one_answer() -> None:
    d = mc.derive("norm2(A*x - b)^2", "x")

    assert d.latex() == r"2 A^\top (A x - b)"
    assert d.latex(notation="transpose=T, bold") == r"2 A^T (A \mathbf{x} - \mathbf{b})"
    assert d.latex() == r"2 A^\top (A x - b)"
    before = mc.set_notation(transpose="prime", bold="vectors")
    assert before == STANDARD
    assert d.latex() == r"2 A' (A \mathbf{x} - \mathbf{b})"
    assert d.latex(notation=Notation(transpose="T")) == r"2 A^T (A \mathbf{x} - \mathbf{b})"
    assert r"\mathbf{x}" in d.explain("latex")
    assert r"\mathbf{x}" in d._repr_latex_()
    assert r"\mathbf{x}" in d.json()["answers"]["x"]["latex"]
    mc.set_notation(before)
    assert d.latex() == r"2 A^\top (A x - b)"


def test_names_of_the_readers_own() -> None:
    with using(Notation(names={"A": r"\mathcal{A}", "x": "x_*"})):
        assert mc.derive("norm2(A*x - b)^2", "x").latex() == r"2 \mathcal{A}^\top (\mathcal{A} x_* - b)"
        assert mc.derive("norm2(A*x - b)^2", "x").latex("bold") == r"2 \mathcal{A}^\top (\mathcal{A} x_* - \mathbf{b})"


def test_definitions_and_index_form_follow() -> None:
    named = mc.derive("norm2(A*x - b)^2", "x", residuals={"r": "A*x - b"}).latex("bold, transpose=T")
    assert r"\mathbf{r} &= A \mathbf{x} - \mathbf{b}" in named
    assert r"2 A^T \mathbf{r}" in named
    assert r"\mathbf{x}_{" in mc.derive("x*x'", "x").latex("bold")


def test_each_thread_has_its_own() -> None:
    seen: list[str] = []
    mc.set_notation("transpose=T")
    thread = Thread(target=lambda: seen.append(mc.derive("x'*A*x", "x").latex()))
    thread.start()
    thread.join()

    assert r"A^\top" in seen[0]
    assert "A^T" in mc.derive("x'*A*x", "x").latex()


@pytest.mark.parametrize("choice", ["bolt", "transpose", "transpose=t", "bold=names", "trace=1", "hadamard=*"])
def test_what_is_no_notation_is_refused(choice: str) -> None:
    with pytest.raises(InputError, match="no notation"):
        notation_of(choice)


def test_what_is_no_choice_is_refused() -> None:
    with pytest.raises(InputError, match="there is no 'colour'"):
        mc.set_notation(colour="red")
    with pytest.raises(InputError, match="no notation for bold"):
        Notation(bold="yes")


def test_the_option_of_the_command() -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["derive", "norm2(A*x - b)^2", "--wrt", "x", "--format", "latex", *arguments])

    assert run("--notation", "transpose=T,bold").stdout == "2 A^T (A \\mathbf{x} - \\mathbf{b})\n"
    assert run().stdout == "2 A^\\top (A x - b)\n"
    assert run("--notation", "fancy").exit_code == 2


def test_names_of_lines_are_as_bold_as_elsewhere() -> None:
    program = "Z = X*W\nr = Z*v - y\nL = r'*r"
    found = mc.derive(program, "W", {"X": "matrix(m, n)", "v": "vector(k)"}).latex("bold=arrays")

    assert r"\mathbf{Z} &= " in found or r"\mathbf{r} &= " in found
    assert r"\frac{\partial L}{\partial \mathbf{W}}" in found


def test_a_derivative_with_definitions_is_named_as_in_the_steps() -> None:
    d = mc.derive("norm2(A*x - b)^2", "x", residuals={"r": "A*x - b"})

    assert r"\nabla f &= 2 A^\top r" in d.latex()
    numerator = mc.derive("norm2(A*x - b)^2", "x", residuals={"r": "A*x - b"}, layout="numerator")
    assert r"\mathrm{D} f &= 2 r^\top A" in numerator.latex()
    several = mc.derive("norm2(A*x - b)^2", "x,b", residuals={"r": "A*x - b"})
    assert r"\frac{\partial f}{\partial \mathbf{x}} &= " in several.latex("bold")
    second = {"residuals": {"r": "A*x - b"}, "order": 2}
    assert r"\nabla^{2} f &= " in mc.derive("norm2(A*x - b)^4", "x", **second).latex()
    scalar = mc.derive("sin(t)*exp(t)*t", "t", "t: scalar", order=2, residuals={"s": "sin(t)"})
    assert r"\frac{\partial^{2} f}{\partial t^{2}} &= " in scalar.latex()
    assert r"\mathrm{x\_bar}" not in d.latex()


def test_identities_are_bold_where_all_arrays_are() -> None:
    d = mc.derive("x/norm2(x)", "x")

    assert r"\mathbf{I}_{n}" in d.latex("bold=arrays")
    assert "I_{n}" in d.latex("bold=vectors")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x_hat", r"\hat{x}"),
        ("y_hat_2", r"\hat{y}_{2}"),
        ("mu_1_bar", r"\bar{\mu}_{1}"),
        ("x_hat_bar", r"x_{\mathrm{hat},\mathrm{bar}}"),
        ("hat", r"\mathrm{hat}"),
        ("gradient_W1", r"\mathrm{gradient}_{W_{1}}"),
    ],
)
def test_accents_and_numbers_in_names(name: str, shown: str) -> None:
    assert latex_name(name) == shown
