"""``matcalc check`` as it is typed, and the misprints of the lecture notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from matcalc.cli import main

SAMPLE = """\
# one sample, as a row
x: row(d)
W1: matrix(d, h)
b1: row(h)
y: row(K)
z1 = x*W1 + b1
a1 = sigmoid(z1)
z2 = a1*W2 + b2
L = -sum(y .* log(softmax(z2)))
"""
BATCH = """\
X: matrix(N, d)
Y: onehot(N, K)
b1: row(h)
b2: row(K)
Z1 = X*W1 + b1
H = sigmoid(Z1)
Z2 = H*W2 + b2
L = -1/N*sum(Y .* log(softmax(Z2, axis=1)))
"""
SUM = "x: scalar\na = x^2\nb = exp(a)\nc = a + b\nd = sqrt(c)\ne = cos(c)\nf = d + e"
ENTROPY = "sum(y .* log(p) + (1 - y) .* log(1 - p))"
FUNCTION = ["--declare", "f: function(matrix(n, n)) -> matrix(n, n)", "--declare", "X: matrix(n, n)"]


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *words], input=text, catch_exceptions=False)


def test_a_right_claim_is_status_zero() -> None:
    result = run("x'*A*x", "--wrt", "x", "--equals", "(A + A')*x")

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines()[0].startswith("holds: decided symbolically and confirmed numerically (")
    assert result.stdout.splitlines()[1:] == [
        "with x: vector(n)",
        "     A: matrix(n, n)",
        "layout: gradient (the shape of the variable)",
    ]


def test_a_claim_may_begin_with_a_minus_sign() -> None:
    assert run("-sum(log(x))", "--wrt", "x", "--equals", "-1 ./ x").exit_code == 0


def test_a_wrong_claim_is_status_one_with_the_right_form_and_a_point() -> None:
    result = run("norm2(A*x - b)^2", "--wrt", "x", "--equals", "A'*(A*x - b)")

    assert result.exit_code == 1
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "does not hold",
        "right form: 2*A'*(A*x - b)",
        "what went wrong: a factor 2 is missing",
        "they differ, for example, where",
    ]
    assert [line.split()[0] for line in lines[4:9]] == ["A", "b", "x", "right:", "claim:"]


@pytest.mark.parametrize(
    "words",
    [
        ["x'*A*x", "--wrt", "x", "--equals", "2*A*"],
        ["x'*A*x", "--wrt", "y", "--equals", "2*A*x"],
        ["x'*A*x", "--wrt", "x"],
        ["x'*A*x", "--wrt", "x", "--equals", ""],
        ["x'*A*x", "--wrt", "x", "--equals", "2*A*x", "--layout", "denominator"],
        ["(x'*x", "--equals", "x'*x"],
        ["missing.txt", "--wrt", "x", "--equals", "x"],
    ],
)
def test_what_is_no_claim_is_status_two(words: list[str]) -> None:
    result = run(*words)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_a_program_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "network.txt"
    file.write_text(BATCH, encoding="utf-8")

    assert run(str(file), "--wrt", "W2", "--equals", "H'*dZ2").exit_code == 0
    assert run(str(file), "--wrt", "W2", "--equals", "H'*dZ2/N").exit_code == 1
    assert run(str(file), "--of", "H", "--wrt", "Z1", "--equals", "H").exit_code == 1


def test_two_expressions_are_compared() -> None:
    declare = ["--declare", "A: matrix(n, n), invertible", "--declare", "B: matrix(n, n), invertible"]

    assert run("inv(A)*inv(B)", "--equals", "inv(B*A)", *declare).exit_code == 0
    assert run("inv(A)*inv(B)", "--equals", "inv(A*B)", *declare).exit_code == 1


# --- misprints in the lecture notes ---------------------------------------------------------------


def test_the_derivative_of_a_row_is_no_row() -> None:
    """ "d(x'B)/dx = x'(B + B')": the function must be x'Bx."""
    result = run("x'*B", "--wrt", "x", "--declare", "B: matrix(n, n)", "--equals", "x'*(B + B')")

    assert result.exit_code == 1
    assert "wrong shape: the Jacobian is n x n; the claim is 1 x n" in result.stdout
    assert "right form: B'" in result.stdout
    assert "the claim is the derivative of x'*B*x, in numerator layout" in result.stdout
    assert run("x'*B*x", "--wrt", "x", "--equals", "x'*(B + B')", "--layout", "numerator").exit_code == 0


def test_the_gradient_of_a_layer_transposes_its_input() -> None:
    """ "dL/dW1 = sum_n x^n dL/dz^{n,1}" with x^n a row."""
    one = run("-", "--wrt", "W1", "--equals", "x*dz1", text=SAMPLE)
    assert one.exit_code == 1
    assert "x (1 x d) times dz1 (1 x h)" in one.stdout
    assert "the gradient is d x h" in one.stdout
    assert "right form: " in one.stdout
    assert run("-", "--wrt", "W1", "--equals", "x'*dz1", text=SAMPLE).exit_code == 0

    batch = run("-", "--wrt", "W1", "--equals", "sum(n, X[n, :]*dZ1[n, :])", text=BATCH)
    assert batch.exit_code == 1
    assert "X[n, :] (1 x d)" in batch.stdout.replace("X[n,:]", "X[n, :]")
    assert run("-", "--wrt", "W1", "--equals", "sum(n, X[n, :]'*dZ1[n, :])", text=BATCH).exit_code == 0


@pytest.mark.parametrize("words", [["-", "--wrt", "c"], ["sqrt(c) + cos(c)", "--wrt", "c"]])
def test_a_sum_of_derivatives_is_no_product(words: list[str]) -> None:
    """ "df/dc = (1/(2 sqrt(c)) + 1)(-sin(c))": it is 1/(2 sqrt(c)) - sin(c)."""
    result = run(*words, "--equals", "(1/(2*sqrt(c)) + 1)*(-sin(c))", text=SUM)

    assert result.exit_code == 1
    assert "right form: 1/(2*sqrt(c)) - sin(c)" in result.stdout
    assert "they differ, for example, where\n  c = " in result.stdout
    assert run(*words, "--equals", "1/(2*sqrt(c)) - sin(c)", text=SUM).exit_code == 0


def test_the_trace_of_a_derivative_is_no_gradient() -> None:
    """ "d/dX tr(f(X)) = tr(df/dX)" read with df/dX an array with four indices."""
    result = run("tr(f(X))", "--wrt", "X", "--equals", "tr(D(f)(X))", *FUNCTION)
    assert result.exit_code == 1
    assert "the gradient is n x n" in result.stdout
    assert "d tr(F) = tr(dF) holds for the differential" in result.stdout

    square = run("tr(X*X)", "--wrt", "X", "--equals", "tr(2*X)")
    assert square.exit_code == 1
    assert "wrong shape: the gradient is n x n; the claim is scalar" in square.stdout
    assert "right form: 2*X'" in square.stdout


def test_a_mean_is_a_factor() -> None:
    """Binary cross entropy printed as "1/n - sum(...)": it is -1/n times the sum."""
    result = run(f"1/n - {ENTROPY}", "--equals", f"-1/n*{ENTROPY}", "--declare", "p: vector(n)")
    assert result.exit_code == 1
    assert "they differ, for example, where\n  p = " in result.stdout

    claim = "-(y ./ p - (1 - y) ./ (1 - p))"
    gradient = run(f"-1/n*{ENTROPY}", "--wrt", "p", "--equals", claim, "--declare", "p: vector(n)")
    assert gradient.exit_code == 1
    assert "what went wrong: a factor 1/n is missing" in gradient.stdout


def test_the_claim_may_be_of_another_structure() -> None:
    claim = ["check", "x'*S*x", "--wrt", "S", "--declare", "S: symmetric(n)", "--equals", "2*x*x' - (x*x') .* eye(n)"]

    assert CliRunner().invoke(main, [*claim, "--structure", "tied"]).exit_code == 0
    assert CliRunner().invoke(main, claim).exit_code == 1
