"""Short products keep their value."""

from __future__ import annotations

import time

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import LimitError
from matcalc.language.parse import read
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

SIZES = {"N": 3, "K": 4, "d": 2}
DECLARED = "Z: matrix(N, K); b: row(K); u: vector(N); c: scalar; A: matrix(N, N); X: matrix(N, d); W: matrix(d, K)"
SCALED = {
    "Z .* (u*b)": None,
    "Z .* (c*u*ones(1, K))": "c*diag(u)*Z",
    "Z .* (c*ones(N)*b)": "c*Z*diag(b')",
    "Z .* (ones(N)*b*ones(K, K))": "sum(b)*Z",
    "Z .* (u*b*ones(K, K))": "sum(b)*diag(u)*Z",
    "Z .* (ones(N, N)*u*b)": "sum(u)*Z*diag(b')",
    "Z .* (ones(N, N)*u*b*ones(K, K))": None,
    "Z ./ (u*b*ones(K, K))": None,
    "Z ./ (ones(N)*exp(b)*ones(K, K))": "Z/sum(exp(b))",
    "Z .* (A*u*ones(1, K)) .* (ones(N)*b)": None,
    "softmax(Z, axis=1) .* (X*W*ones(K, K))": None,
}


@pytest.mark.parametrize(("code", "wanted"), SCALED.items(), ids=list(SCALED))
def test_rows_and_columns_scaled_by_an_outer_product(code: str, wanted: str | None, rng: np.random.Generator) -> None:
    problem = read(code, DECLARED)
    short = Simplifier(rewriter(default_table()))(problem.function)
    values = draw_values([problem.function], problem.kinds, SIZES, rng, "positive")

    assert np.allclose(evaluate(short, values, SIZES), evaluate(problem.function, values, SIZES), rtol=1e-11)
    assert wanted is None or text(short) == wanted


def test_a_scalar_product_among_matrices_is_kept_as_it_is() -> None:
    problem = read("ones(1, m*n)*ones(m*n, 1)", "Z: matrix(m, n)")

    assert text(Simplifier(rewriter(default_table())).settled(problem.function)) == "m*n"


@pytest.mark.parametrize(
    ("code", "wanted"),
    {
        "ones(N, N)^2*X": "N*ones(N, N)*X",
        "p'*inv(ones(N, N) + S)*q*r": None,
        "b*sigmoid(c)'": "b*sigmoid(c)'",
        "u'*tanh(v*S)'": "tanh(v*S)*u",
    }.items(),
)
def test_powers_of_ones_and_inner_products_in_the_shorter_order(code: str, wanted: str | None) -> None:
    kinds = "X: matrix(N, K); S: matrix(N, N); p, q, u: vector(N); r: scalar; b, c: row(K); v: row(N)"
    problem = read(code, kinds)
    short = Simplifier(rewriter(default_table())).settled(problem.function)

    assert wanted is None or text(short) == wanted


@pytest.mark.parametrize(
    ("code", "wanted"),
    {
        "unit(1, n)'*A": "A[1, :]",
        "unit(1, n)'*A'": "A[:, 1]'",
        "A'*unit(1, n)": "A[1, :]'",
        "unit(1, n)'*S": "S[1, :]",
        "unit(0, n)'*A*unit(1, n)": "A[0, 1]",
        "unit(0, n)'*A'*unit(1, n)": "A[1, 0]",
        "unit(0, m)*unit(1, n)'*A'": "unit(0, m)*A[:, 1]'",
        "diag(unit(0, n))*A'": "unit(0, n)*A[:, 0]'",
    }.items(),
)
def test_unit_vectors_pick_rows_and_columns(code: str, wanted: str) -> None:
    short = Simplifier()(read(code, "A: matrix(n, n); S: symmetric(n); y: vector(m)").function)

    assert text(short) == wanted


@pytest.mark.parametrize(
    ("code", "wanted"),
    {
        "s*(1 ./ x)/n": "s ./ (n*x)",
        "-2*(1 ./ x)/s": "-2 ./ (s*x)",
        "2*(1 ./ (x + y))/3": "2 ./ (3*(x + y))",
        "u .* (s ./ (n*x))": "s*(u ./ x)/n",
        "s ./ (n*x) + 2 ./ (n*x)": "(2 + s) ./ (n*x)",
    }.items(),
)
def test_scalars_over_an_array_stand_over_one_stroke(code: str, wanted: str) -> None:
    short = Simplifier()(read(code, "x, y, u: vector(n); s: scalar").function)

    assert text(short) == wanted
    assert Simplifier()(short) is short


@pytest.mark.parametrize(
    ("code", "wanted"),
    {
        "sqrt(2)*sqrt(pi)*s": "s*sqrt(2*pi)",
        "s/(sqrt(2)*sqrt(pi))": "s/sqrt(2*pi)",
        "2*x/sqrt(2*pi)": "sqrt(2/pi)*x",
        "2*x/sqrt(2)": "sqrt(2)*x",
        "sqrt(2)*x/2": "x/sqrt(2)",
        "sqrt(2)*sqrt(3)*sqrt(6)*s": "6*s",
        "sqrt(2*pi)^3": "sqrt(2*pi)^3",
        "sqrt(0.1)*x": "sqrt(0.1)*x",
        "x/(1 - 1)": "x/0",
    }.items(),
)
def test_roots_of_numbers_are_one_root(code: str, wanted: str) -> None:
    short = Simplifier()(read(code, "x: vector(n); s: scalar").function)

    assert text(short) == wanted
    assert Simplifier()(short) is short


def test_a_number_too_large_to_be_written_is_refused_before_it_is_computed() -> None:
    with pytest.raises(LimitError, match="too large"):
        Simplifier()(read("a^(10^10^10)", "a: scalar").function)


def test_long_products_are_put_together_in_bounded_time() -> None:
    names = [f"x{i}" for i in range(2000)]
    problem = read(" .* ".join(f"sin({name})" for name in names), ", ".join(names) + ": vector(n)")
    short = Simplifier(rewriter(default_table()))
    start = time.process_time()
    short.settled(problem.function)

    assert time.process_time() - start < 5
    assert short.given_up


@pytest.mark.parametrize(
    ("f", "order"),
    [("erf(h)[-1]", 2), ("(exp(h) .* sin(h))[0]", 2), ("(h .^ z)[1]", 2), ("sum((exp(h) .^ z) .* unit(0, k))", 1)],
)
def test_one_entry_of_powers_whose_exponents_are_arrays(f: str, order: int) -> None:
    assert mc.derive(f, "h", "h, z: vector(k), positive", order=order).verify()
