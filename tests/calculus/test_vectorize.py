"""The matrix of a linear map: vec(E) = V*vec(dX) for each operation that can be linear."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.calculus.vectorize import matrix_of, stacked
from matcalc.errors import UnsupportedError
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal

KINDS = {
    "dX": "matrix(m, n)",
    "A": "matrix(p, m)",
    "B": "matrix(n, q)",
    "C": "matrix(m, n)",
    "x": "vector(n)",
    "dS": "matrix(n, n)",
    "S": "matrix(n, n)",
    "s": "scalar",
    "dx": "vector(n)",
    "dr": "row(n)",
    "ds": "scalar",
    "k": "integer",
}
LINEAR = {
    "dX": [
        "A*dX*B",
        "dX'",
        "A*dX",
        "B'*dX'",
        "s*dX",
        "C .* dX",
        "tr(dX'*C)*C",
        "sum(dX)",
        "sum(dX, axis=0)",
        "sum(dX, axis=1)",
        "mean(dX)",
        "mean(dX, axis=0)",
        "mean(dX, axis=1)",
        "vec(dX)",
        "kron(A, dX)",
        "kron(dX, B)",
        "kron(dX', x)",
        "dX[0, :]",
        "dX[:, 1]",
        "dX[1:, :-1]",
        "[dX; 2*dX]*B",
        "[dX, C*0 + dX]",
        "diag(dX*C')",
        "dX*x",
        "x'*dX'",
        "unvec(vec(dX*B), q, m)",
        "C*dX'*C",
    ],
    "dS": [
        "tr(S*dS)*S",
        "diag(dS)",
        "tril(dS)*S",
        "S*triu(dS)",
        "toeplitz(dS)",
        "expm_frechet(S, dS)",
        "logm_frechet(S*S' + eye(n), dS)",
        "S^k*dS*S",
        "diag(diag(dS))",
        "sum(r in 0..2, S^r*dS*S^r)",
    ],
    "dx": ["diag(dx)", "diag(dx)*S", "dx*x'", "x*dx'", "(x'*dx)*S", "kron(dx, x)", "[dx; x .* dx]", "dx[1:]"],
    "dr": ["dr*S", "S*dr'", "diag(dr)", "x*dr", "[dr, dr*S]"],
    "ds": ["ds*S", "S*ds*x", "ds*s"],
}
CASES = [(name, text) for name, texts in LINEAR.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_the_matrix_times_the_stacked_change_is_the_stacked_value(name: str, text: str) -> None:
    e, dx = parse(text, KINDS), parse(name, KINDS)
    matrix = matrix_of(e, dx)

    assert matrix.shape == (e.rows * e.cols, dx.rows * dx.cols)
    verdict = verify_equal(stacked(e), ops.mul(matrix, stacked(dx)))
    assert verdict, verdict.reason


def test_what_does_not_depend_on_the_change_has_the_matrix_zero() -> None:
    assert matrix_of(parse("C", KINDS), parse("dX", KINDS)).op == "zeros"


def test_an_operation_that_is_not_linear_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="inv"):
        matrix_of(parse("inv(dS)", KINDS), parse("dS", KINDS))
    with pytest.raises(UnsupportedError, match="first argument"):
        matrix_of(parse("expm_frechet(dS, S)", KINDS), parse("dS", KINDS))
