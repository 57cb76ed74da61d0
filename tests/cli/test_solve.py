"""``matcalc solve`` as it is typed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner, Result

import matcalc
from matcalc.cli import main
from matcalc.generator.code import compile_module

ROWS = ["--declare", "y: row(n)", "--declare", "w: row(d)"]
LEAST_SQUARES = ["1/(2*n)*(y - w*X')*(y - w*X')'", "--wrt", "w", *ROWS]


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["solve", *words], input=text, catch_exceptions=False)


def test_the_stationary_point_of_the_lecture_notes() -> None:
    result = run(*LEAST_SQUARES, "--format", "text")

    assert result.exit_code == 0
    assert result.stdout == "w = y*X*inv(X'*X)\n"
    assert "minimum: the Hessian X'*X/n is positive semidefinite" in result.stderr
    assert "holds where X'*X is invertible" in result.stderr


def test_pretty_says_everything_on_standard_output() -> None:
    result = run(*LEAST_SQUARES, "--check")

    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("w = ")
    assert "stationary where (w*X' - y)*X = 0" in lines
    assert any(line.startswith("verified: largest residual") for line in lines)


def test_code_is_a_module_with_the_solution() -> None:
    result = run(*LEAST_SQUARES, "--format", "numpy")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(7, 3)), rng.normal(size=7)

    w = compile_module(result.stdout)["solution"](X=X, y=y)

    np.testing.assert_allclose(w, np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-10)


def test_latex() -> None:
    result = run("norm2(A*x - b)^2", "--wrt", "x", "--format", "latex")

    assert result.stdout.startswith("x = ")
    assert "A^\\top" in result.stdout


def test_mathml() -> None:
    shown = run("norm2(A*x - b)^2", "--wrt", "x", "--format", "mathml").stdout

    assert shown == matcalc.solve("norm2(A*x - b)^2", "x").mathml() + "\n"


def test_json() -> None:
    found = json.loads(run(*LEAST_SQUARES, "--format", "json").stdout)

    assert found["answers"]["w"]["text"] == "y*X*inv(X'*X)"
    assert found["kind"] == "minimum"
    assert found["closed_form"] is True
    assert found["conditions"] == ["X'*X is invertible"]
    assert found["equations"] == {"w": "(w*X' - y)*X = 0"}


def test_constraints_may_be_repeated() -> None:
    result = run(
        "w'*S*w", "--wrt", "w", "--declare", "S: spd(n)", "--declare", "mu: vector(n)",
        "--subject-to", "sum(w) = 1", "--subject-to", "mu'*w = r",
        "--format", "numpy",
    )  # fmt: skip
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4))
    mu = rng.normal(size=4)

    w = compile_module(result.stdout)["solution"](S=root @ root.T + np.eye(4), mu=mu, r=0.3)

    assert w.sum() == pytest.approx(1)
    assert mu @ w == pytest.approx(0.3)


@pytest.mark.parametrize("form", ["scipy", "jax", "array-api"])
def test_code_for_other_libraries(form: str) -> None:
    if form == "jax":
        pytest.importorskip("jax")
    rng = np.random.default_rng(1)
    A, b = rng.normal(size=(5, 3)), rng.normal(size=5)
    entropy = run(
        "sum(x .* log(x)) - e'*x", "--wrt", "x", "--declare", "x: vector(n), positive; e: vector(n)",
        "--subject-to", "sum(x) = 1", "--format", form,
    )  # fmt: skip
    squares = run("norm2(A*x - b)^2", "--wrt", "x", "--format", form)

    p = np.asarray(compile_module(entropy.stdout)["solution"](e=b))
    x = np.asarray(compile_module(squares.stdout)["solution"](A=A, b=b))

    np.testing.assert_allclose(p, np.exp(b) / np.exp(b).sum(), rtol=1e-5)
    np.testing.assert_allclose(x, np.linalg.lstsq(A, b)[0], rtol=1e-4)


@pytest.mark.parametrize("form", ["pretty", "text", "latex", "numpy", "json"])
def test_without_a_closed_form_the_condition_is_the_answer_and_the_status_is_zero(form: str) -> None:
    result = run("sum(log(1 + exp(-y .* (X*w))))", "--wrt", "w", "--format", form)

    assert result.exit_code == 0
    assert "no closed form was found" in result.output
    assert "= 0" in result.stdout
    if form == "numpy":
        compile(result.stdout, "<module>", "exec")


def test_a_program_on_standard_input() -> None:
    result = run("-", "--wrt", "w", "--format", "text", text="r = X*w - y\nL = r'*r\n")

    assert result.stdout == "w = inv(X'*X)*X'*y\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["norm2(x)^2", "--wrt", "x", "--subject-to", "A*x <= b"], "can be constraints\n  A*x <= b\n      ^"),
        (["norm2(x)^2", "--wrt", "x", "--subject-to", "A*x b"], "a constraint is one equation\n  A*x b\n       ^"),
        (["norm2(x)^2", "--wrt", "x", "--subject-to", "A*x = "], "equation is missing\n  A*x = \n      ^"),
        (["norm2(x)^2", "--wrt", "x", "--subject-to", "A*x = b +"], "  A*x = b +\n           ^"),
        (["norm2(x)^2", "--wrt", "x", "--subject-to", "A*q = b"], "says nothing about x"),
        (["norm2(x)^2", "--wrt", "z"], "z neither occurs nor is declared"),
        (["A*x", "--wrt", "x"], "needs a scalar function"),
        (["x'*A*x", "--wrt", "x", "--declare", "x: unit(n)"], "x is declared unit"),
        (["norm2(x)^2 +", "--wrt", "x"], "^"),
    ],
)
def test_wrong_input_is_status_two_with_a_message(words: list[str], message: str) -> None:
    result = run(*words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_help_shows_examples_that_work() -> None:
    shown = run("--help").stdout

    assert "matcalc solve \"w'*S*w\" --wrt w" in shown
    assert run("w'*S*w", "--wrt", "w", "--declare", "S: spd(n)", "--subject-to", "ones(n)'*w = 1").exit_code == 0


@pytest.mark.parametrize("form", ["scipy", "jax", "torch", "array-api"])
def test_the_solution_as_code_for_other_libraries(form: str) -> None:
    result = CliRunner().invoke(main, ["solve", "norm2(A*x - b)^2", "--wrt", "x", "--format", form])

    assert result.exit_code == 0
    assert "def solution(*, A, b):" in result.stdout
    compile(result.stdout, form, "exec")


def test_the_notation_of_a_solution() -> None:
    found = run("norm2(A*x - b)^2", "--wrt", "x", "--notation", "transpose=T", "--format", "latex")
    assert r"A^T A" in found.stdout
    assert r"\top" in run("norm2(A*x - b)^2", "--wrt", "x", "--format", "latex").stdout
