"""The formulas of the lecture notes that are gradients of a scalar by one variable, and the misprints among them.

Each row is derived, printed in the form of the notes or a shorter one, verified, and works as a command, from Python,
in LaTeX, as NumPy code and with its steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import matcalc
from matcalc.cli import main
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length


@dataclass(frozen=True)
class Row:
    """One row of the notes: the input, and the closed form they arrive at."""

    f: str
    wrt: str
    expected: str
    declare: dict[str, str] = field(default_factory=dict, hash=False)
    layout: str = "gradient"


OLS = {"y": "row(n)", "w": "row(d)", "X": "matrix(n, d)"}
CLASSIFIER = {"W": "matrix(n, K)", "x": "vector(n)"}
PAIR = {"y": "vector(n)", "yhat": "vector(n)"}
WEIGHTED = {"x": "vector(m)", "A": "matrix(m, n)", "s": "vector(n)", "W": "symmetric(m)"}
SCALARS = {"y": "scalar", "yhat": "scalar"}
ROWS = {
    "N0.4-x": Row("x*A*x'", "x", "x*(A + A')", {"x": "row(n)"}),
    "N0.4-A": Row("x*A*x'", "A", "x'*x", {"x": "row(n)"}),
    "N0.5": Row("1/(2*n)*(y - w*X')*(y - w*X')'", "w", "1/n*(w*X' - y)*X", OLS),
    "N0.8": Row("-sum(y .* log(p))", "p", "-(y ./ p)", {"y": "vector(n)", "p": "vector(n)"}),
    "N0.8-row": Row("-sum(y .* log(p))", "p", "-(y ./ p)", {"y": "row(n)", "p": "row(n)"}),
    "N0.9-onehot": Row("-sum(y .* log(softmax(z)))", "z", "softmax(z) - y", {"y": "onehot(n)", "z": "vector(n)"}),
    "N0.9-free": Row("-sum(y .* log(softmax(z)))", "z", "sum(y)*softmax(z) - y", {"y": "row(n)", "z": "row(n)"}),
    "N1.5": Row("a'*inv(X)*b", "X", "-inv(X)'*a*b'*inv(X)'", {"a": "vector(n)", "b": "vector(n)"}),
    "N1.6": Row("x'*a", "x", "a", {"a": "vector(n)"}),
    "N1.6-leading": Row("a'*x", "x", "a", {"a": "vector(n)"}),
    "N1.6-numerator": Row("x'*a", "x", "a'", {"a": "vector(n)"}, "numerator"),
    "N1.7": Row("a'*X*b", "X", "a*b'", {"a": "vector(m)", "b": "vector(n)"}),
    "N1.8": Row("x'*B*x", "x", "(B + B')*x"),
    "N1.8-numerator": Row("x'*B*x", "x", "x'*(B + B')", {}, "numerator"),
    "N1.9": Row("(x - A*s)'*W*(x - A*s)", "s", "-2*A'*W*(x - A*s)", WEIGHTED),
    "N1.9-numerator": Row("(x - A*s)'*W*(x - A*s)", "s", "-2*(x - A*s)'*W*A", WEIGHTED, "numerator"),
    "N1.10": Row(
        "sqrt(x^2 + exp(x^2)) + cos(x^2 + exp(x^2))",
        "x",
        "2*x*(1/(2*sqrt(x^2 + exp(x^2))) - sin(x^2 + exp(x^2)))*(1 + exp(x^2))",
        {"x": "scalar"},
    ),
    "N2.1": Row("(yhat - y)^2/2", "yhat", "yhat - y", SCALARS),
    "N2.2": Row("s(pre_y)", "pre_y", "s'(pre_y)", {"s": "function", "pre_y": "scalar"}),
    "N2.2-sigmoid": Row("sigmoid(pre_y)", "pre_y", "sigmoid(pre_y)*(1 - sigmoid(pre_y))", {"pre_y": "scalar"}),
    "N3.1": Row("f(g(x))", "x", "f'(g(x))*g'(x)", {"f": "function", "g": "function", "x": "scalar"}),
    "N3.4": Row("1/n*sum((y - yhat).^2)", "yhat", "2/n*(yhat - y)", PAIR),
    "N3.5": Row("1/n*sum(abs(y - yhat))", "yhat", "1/n*sign(yhat - y)", PAIR),
    "N3.6": Row("1/n*sum(y .* yhat <= 0)", "yhat", "zeros(n, 1)", PAIR),
    "N3.7": Row("1/n*sum(max(0, 1 - y .* yhat))", "yhat", "-1/n*(y .* (y .* yhat < 1))", PAIR),
    "N3.8": Row(
        "-1/n*sum(y .* log(p) + (1 - y) .* log(1 - p))",
        "p",
        "1/n*((p - y) ./ (p .* (1 - p)))",
        {"y": "vector(n)", "p": "vector(n)"},
    ),
    "N3.8-sigmoid": Row(
        "-1/n*sum(y .* log(sigmoid(X*w)) + (1 - y) .* log(1 - sigmoid(X*w)))",
        "w",
        "1/n*X'*(sigmoid(X*w) - y)",
        {"y": "vector(n)", "X": "matrix(n, d)", "w": "vector(d)"},
    ),
    "N3.12": Row("log(softmax(W'*x))[k]", "W", "x*(unit(k, K) - softmax(W'*x))'", CLASSIFIER),
    "N3.12-own-class": Row(
        "w'*x - log(exp(w'*x) + c)",
        "w",
        "(1 - exp(w'*x)/(exp(w'*x) + c))*x",
        {"w": "vector(n)", "x": "vector(n)", "c": "scalar, positive"},
    ),
    "N3.12-other-class": Row(
        "u'*x - log(exp(u'*x) + exp(w'*x) + c)",
        "w",
        "-exp(w'*x)/(exp(u'*x) + exp(w'*x) + c)*x",
        {"u": "vector(n)", "w": "vector(n)", "x": "vector(n)", "c": "scalar, positive"},
    ),
}


@cache
def derived(name: str) -> Any:
    row = ROWS[name]
    return matcalc.derive(row.f, wrt=row.wrt, declare=row.declare, layout=row.layout)


def command(*words: str, declare: dict[str, str] | None = None, text: str | None = None) -> Result:
    options = [part for name, kind in (declare or {}).items() for part in ("--declare", f"{name}: {kind}")]
    return CliRunner().invoke(main, [*words, *options], input=text)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_comes_out_as_in_the_notes_or_shorter(name: str) -> None:
    d = derived(name)
    expected = parse(ROWS[name].expected, d.kinds)

    assert verify_equal(d.answer, expected)
    assert length(d.answer) <= length(expected), d.text()
    assert parse(d.text(), d.kinds) is d.answer


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_verified(name: str) -> None:
    verdict = derived(name).verify()

    assert verdict, str(verdict)
    assert verdict.draws >= 3


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_latex_code_and_steps(name: str) -> None:
    d = derived(name)
    module: dict[str, Any] = {}
    exec(compile(d.source("numpy"), name, "exec"), module)

    assert d.latex().strip()
    assert {"value", "gradient", "value_and_gradient"} <= module.keys()
    assert d.steps


@pytest.mark.parametrize("name", ROWS)
def test_a_row_works_as_a_command(name: str) -> None:
    row = ROWS[name]
    words = ["derive", row.f, "--wrt", row.wrt, "--layout", row.layout]
    as_text = command(*words, "--format", "text", declare=row.declare)
    checked = command(*words, "--check", "--steps", declare=row.declare)

    assert as_text.exit_code == 0, as_text.output
    assert as_text.stdout.strip() == derived(name).text()
    assert checked.exit_code == 0, checked.output
    assert "verified" in checked.output


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.layout == "gradient"])
def test_the_form_of_the_notes_passes_the_check(name: str) -> None:
    row = ROWS[name]
    result = command("check", row.f, "--wrt", row.wrt, "--equals", row.expected, declare=row.declare)

    assert result.exit_code == 0, result.output


def test_the_code_of_a_row_runs() -> None:
    module: dict[str, Any] = {}
    exec(compile(derived("N0.5").source("numpy"), "N0.5", "exec"), module)
    rng = np.random.default_rng(5)
    y, w, design = rng.normal(size=7), rng.normal(size=3), rng.normal(size=(7, 3))
    value, gradient = module["value_and_gradient"](y=y, w=w, X=design)

    np.testing.assert_allclose(value, ((y - design @ w) ** 2).sum() / 14)
    np.testing.assert_allclose(gradient, design.T @ (design @ w - y) / 7)


def remarks(name: str) -> str:
    d = derived(name)
    return " ".join([*map(str, d.conditions), *map(str, d.notes)])


def test_absolute_error_says_where_the_kink_is() -> None:
    said = remarks("N3.5")

    assert "yhat" in said
    assert "y" in said


def test_zero_one_loss_says_that_it_is_flat_almost_everywhere() -> None:
    assert "almost everywhere" in remarks("N3.6")


def test_hinge_says_where_the_kink_is() -> None:
    assert "y .* yhat" in remarks("N3.7")


def test_inverse_says_that_it_must_exist() -> None:
    assert "X is invertible" in remarks("N1.5") or "X invertible" in remarks("N1.5")


def test_softmax_of_a_name_keeps_the_name() -> None:
    lines = "y: onehot(n)\nz: vector(n)\np = softmax(z)\nL = -sum(y .* log(p))"
    d = matcalc.derive(lines, wrt="z")

    assert d.verify()
    assert d.text().splitlines()[-1].endswith(("p - y", "softmax(z) - y"))


# --- misprints in the notes -----------------------------------------------------------------------


def test_a_linear_form_is_not_a_quadratic_form() -> None:
    """ "d(x'B)/dx = x'(B + B')": the function must be x'Bx."""
    declare = {"x": "vector(n)", "B": "matrix(n, n)"}
    wrong = command("check", "x'*B", "--wrt", "x", "--equals", "x'*(B + B')", declare=declare)
    right = command(
        "check", "x'*B*x", "--wrt", "x", "--equals", "x'*(B + B')", "--layout", "numerator", declare=declare
    )

    assert wrong.exit_code == 1, wrong.output
    assert "n" in wrong.output
    assert right.exit_code == 0, right.output


ONE_SAMPLE = """\
x: row(d)
W1: matrix(d, h)
b1: row(h)
y: row(h)
z = x*W1 + b1
L = 1/2*norm2(sigmoid(z) - y)^2
"""


def test_the_input_of_a_layer_must_be_transposed() -> None:
    """ "dL/dW1 = x dL/dz" with x a row: the shapes do not fit."""
    wrong = command("check", "-", "--wrt", "W1", "--equals", "x*dz", text=ONE_SAMPLE)
    right = command("check", "-", "--wrt", "W1", "--equals", "x'*dz", text=ONE_SAMPLE)

    assert wrong.exit_code == 1, wrong.output
    assert "1 x d" in wrong.output or "row" in wrong.output
    assert right.exit_code == 0, right.output


def test_a_sum_is_not_a_product() -> None:
    """ "df/dc = (1/(2 sqrt(c)) + 1)(-sin(c))": it is 1/(2 sqrt(c)) - sin(c)."""
    declare = {"c": "scalar, positive"}
    wrong = command(
        "check", "sqrt(c) + cos(c)", "--wrt", "c", "--equals", "(1/(2*sqrt(c)) + 1)*(-sin(c))", declare=declare
    )
    right = command("check", "sqrt(c) + cos(c)", "--wrt", "c", "--equals", "1/(2*sqrt(c)) - sin(c)", declare=declare)

    assert wrong.exit_code == 1, wrong.output
    assert "1/(2*sqrt(c)) - sin(c)" in wrong.output or "sin(c)" in wrong.output
    assert right.exit_code == 0, right.output


def test_the_trace_of_a_derivative_is_not_the_gradient_of_a_trace() -> None:
    """ "d/dX tr(f(X)) = tr(df/dX)": a scalar on the right, a matrix on the left."""
    declare = {"X": "matrix(n, n)"}
    wrong = command("check", "tr(X^2)", "--wrt", "X", "--equals", "tr(2*X)", declare=declare)
    right = command("check", "tr(X^2)", "--wrt", "X", "--equals", "2*X'", declare=declare)

    assert wrong.exit_code == 1, wrong.output
    assert "scalar" in wrong.output
    assert "n x n" in wrong.output
    assert right.exit_code == 0, right.output


def test_a_mean_is_a_factor_not_a_term() -> None:
    """Binary cross entropy printed as "1/n - sum(...)"."""
    declare = {"y": "vector(n)", "p": "vector(n)"}
    loss = "sum(y .* log(p) + (1 - y) .* log(1 - p))"
    wrong = command("check", f"-1/n*{loss}", "--equals", f"1/n - {loss}", declare=declare)
    right = command("check", f"-1/n*{loss}", "--equals", f"-{loss}/n", declare=declare)

    assert wrong.exit_code == 1, wrong.output
    assert right.exit_code == 0, right.output
