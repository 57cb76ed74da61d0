"""Short products keep their value."""

from __future__ import annotations

import numpy as np
import pytest

from matcalc.evaluate import evaluate
from matcalc.parse import read
from matcalc.rewrite import rewriter
from matcalc.sample import draw_values
from matcalc.simplify import Simplifier
from matcalc.table import default_table
from matcalc.text import text

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
