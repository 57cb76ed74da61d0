"""The magics of ``%load_ext matcalc``: arguments, what is shown, mistakes, SymPy, completion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("IPython")

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import matcalc
from matcalc.cli.derive import derive
from matcalc.cli.notebook import words


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    made = InteractiveShell.instance()
    made.history_manager.enabled = False
    made.run_line_magic("load_ext", "matcalc")
    yield made
    InteractiveShell.clear_instance()


class Ran:
    """What a cell gave: its result, what was printed and displayed, the message of an error."""

    def __init__(self, shell: Any, cell: str) -> None:
        with capture_output() as captured:
            self.done = shell.run_cell(cell)
        self.result = self.done.result
        self.printed, self.error, self.outputs = captured.stdout, captured.stderr, captured.outputs


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x'*A*x --wrt x", ["--wrt", "x", "--", "x'*A*x"]),
        ("\"x'*A*x\" --wrt x", ["--wrt", "x", "--", "x'*A*x"]),
        ("--wrt x x'*A*x", ["--wrt", "x", "--", "x'*A*x"]),
        ("--wrt=x x'*y", ["--wrt=x", "--", "x'*y"]),
        ("--wrt 'X[0, :]' tr(X)", ["--wrt", "X[0, :]", "--", "tr(X)"]),
        ("x'*A*x --declare A: symmetric(n) --wrt x", ["--declare", "A: symmetric(n)", "--wrt", "x", "--", "x'*A*x"]),
        ("-x'*x --check --wrt x", ["--check", "--wrt", "x", "--", "-x'*x"]),
        ("--check x'*x --wrt x", ["--check", "--wrt", "x", "--", "x'*x"]),
        ("x'*x --wrt x --steps=full", ["--wrt", "x", "--steps=full", "--", "x'*x"]),
        ("x'*x --wrt x --steps full", ["--wrt", "x", "--steps=full", "--", "x'*x"]),
        ("--steps full x'*x --wrt x", ["--steps=full", "--wrt", "x", "--", "x'*x"]),
        ("x'*x --wrt x --steps", ["--wrt", "x", "--steps", "--", "x'*x"]),
        ("x - -y --wrt x", ["--wrt", "x", "--", "x - -y"]),
        ("--wrt W1,b1 --of L", ["--wrt", "W1,b1", "--of", "L"]),
        ("x'*x --wtr x", ["--wtr", "--", "x'*x"]),
        ("'x' --wrt x", ["--wrt", "x", "--", "x"]),
        ("a'*x + b'*x' --wrt x", ["--wrt", "x", "--", "a'*x + b'*x'"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_line_as_arguments(line: str, found: list[str]) -> None:
    assert words(line, derive) == found


def test_a_line_gives_an_object(shell: Any) -> None:
    ran = Ran(shell, "d = %derive x'*A*x --wrt x --declare A: symmetric(n) --check\nd")

    assert isinstance(ran.result, matcalc.Derivation)
    assert ran.result.text() == "2*A*x"
    assert "A: symmetric(n)" in ran.printed
    assert "verified: " in ran.printed
    shown, _ = shell.display_formatter.format(ran.result)
    assert shown["text/latex"] == r"$\displaystyle 2 A x$"
    assert shown["text/plain"] == "2Ax"


def test_a_cell_is_a_program(shell: Any) -> None:
    ran = Ran(shell, "%%derive --wrt W\nX: matrix(N, d)\nZ = X*W  # forward\nL = norm2(Z - Y)^2\n")

    assert ran.result.text() == "Z = X*W\n2*X'*(Z - Y)"
    shown, _ = shell.display_formatter.format(ran.result)
    assert r"\frac{\partial L}{\partial W} &= " in shown["text/latex"]
    assert shown["text/plain"] == "Z = XW\n2Xᵀ(Z − Y)"


def test_steps_are_displayed(shell: Any) -> None:
    ran = Ran(shell, "%derive x'*A*x --wrt x --steps")
    (steps,) = ran.outputs

    assert steps.data["text/plain"] == ran.result.explain("pretty")
    assert steps.data["text/markdown"] == ran.result.steps._repr_markdown_()
    rows = steps.data["text/markdown"].splitlines()[2:]
    assert len(rows) == len(ran.result.steps)
    assert all(row.count("|") == 4 for row in rows)
    shown, _ = shell.display_formatter.format(ran.result.steps)
    assert shown == steps.data


def test_reasons_of_steps_are_safe_in_a_table() -> None:
    for function, wrt in (("norm1(A*x)", "x"), ("sum(abs(x))*c", "x"), ("max(x'*x, 1)", "x")):
        table = matcalc.derive(function, wrt).explain("markdown", full=True)
        for row in table.splitlines():
            assert row.replace(r"\|", "").count("|") == 4, row


def test_other_forms_are_printed(shell: Any) -> None:
    ran = Ran(shell, "%derive x'*x --wrt x --format latex")
    assert ran.printed.splitlines()[-1] == "2 x"
    assert ran.result is None
    module: dict[str, Any] = {}
    printed = Ran(shell, "%derive x'*x --wrt x --format numpy").printed
    exec(printed[printed.index("import numpy") :], module)
    assert module["gradient"](x=3.0) == 6.0
    assert "digraph" in Ran(shell, "%derive x'*x --wrt x --graph dot").printed
    assert r"\documentclass" in Ran(shell, "%derive x'*x --wrt x --standalone --format latex").printed


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%derive x'*A* --wrt x", "the text ends too early"),
        ("%derive x'*A*x --wrt q", "q neither occurs nor is declared"),
        ("%derive x'*A*x", "Missing option '--wrt'"),
        ("%derive x'*A*x --wtr x", "No such option '--wtr'"),
        ("%derive x'*A*x --wrt x --format tex", "'tex' is not one of"),
        ("%derive - --wrt x", "no standard input"),
        ("%%derive --wrt x x'*x\ny = x", "the program stands in the cell"),
        ("%%derive --wrt x\ny = x +\n", "y = x +"),
        ("%solve x'*A --wrt x", "scalar"),
        ("%check x'*x --wrt x", "Missing option '--equals'"),
    ],
)
def test_a_mistake_is_one_message(shell: Any, cell: str, said: str) -> None:
    ran = Ran(shell, cell)

    assert not ran.done.success
    assert said in ran.error
    assert "Traceback" not in ran.error + ran.printed


def test_help(shell: Any) -> None:
    for cell in ("%derive", "%derive --help"):
        ran = Ran(shell, cell)
        assert ran.done.success
        assert "--declare" in ran.printed


def test_sympy_in_and_out(shell: Any) -> None:
    Ran(
        shell,
        "import sympy as sp\nn = sp.Symbol('n')\nA = sp.MatrixSymbol('A', n, n)\nx = sp.MatrixSymbol('x', n, 1)\n"
        "loss = sp.Trace(x.T*A*x)",
    )
    expected = Ran(shell, "import matcalc as mc\nmc.gradient(loss, x)").result

    assert Ran(shell, "%derive loss --wrt x --format sympy").result == expected
    assert Ran(shell, "%derive loss --wrt x").result.text() == "(A + A')*x"
    inside = Ran(shell, "def f(inner):\n    found = %derive inner --wrt x\n    return found\nf(2*loss)")
    assert inside.result.text() == "2*(A + A')*x"
    assert Ran(shell, "c = 3\nget = %derive c*y --wrt y\nget").result.text() == "c*eye(n)"  # a number is no expression


def test_solve_and_check(shell: Any) -> None:
    solution = Ran(shell, "%solve norm2(X*w - y)^2 + c*norm2(w)^2 --wrt w --declare c: scalar, positive").result
    assert solution.kind == "minimum"
    shown, _ = shell.display_formatter.format(solution)
    assert shown["text/latex"].startswith(r"$\displaystyle w = ")
    assert shown["text/plain"] == solution.pretty()

    wrong = Ran(shell, "%check x'*A*x --wrt x --equals 2*A*x").result
    assert not wrong
    shown, _ = shell.display_formatter.format(wrong)
    assert shown["text/markdown"].startswith("**does not hold**")
    assert r"right form: $\displaystyle (A + A^\top) x$" in shown["text/markdown"]
    assert shown["text/plain"] == wrong.report()
    right = Ran(shell, "%check x'*A*x --wrt x --equals (A + A')*x").result
    assert right._repr_markdown_().startswith("**holds: decided symbolically")


def test_a_notation_stays_in_force(shell: Any) -> None:
    try:
        shown = Ran(shell, "%derive A*x --wrt A*x --notation bold")
        shown = Ran(shell, "%derive c*norm2(x)^2 --wrt x --notation bold")
        assert r"\mathbf{x}" in shown.result._repr_latex_()
    finally:
        matcalc.set_notation()


def test_completion(shell: Any) -> None:
    line = "%derive x'*x --fo"
    with provisionalcompleter():
        assert "--format" in {c.text for c in shell.Completer.completions(line, len(line))}
        line = "%solve x'*x --format "
        assert "latex" in {c.text for c in shell.Completer.completions(line, len(line))}


@pytest.mark.parametrize("name", ["derive", "solve", "check"])
def test_a_question_mark_shows_the_options_and_examples(shell: Any, name: str) -> None:
    said = shell.inspector.info(shell.find_line_magic(name))["docstring"]

    assert said.startswith(f"Usage: %{name}")
    assert "Examples:" in said
