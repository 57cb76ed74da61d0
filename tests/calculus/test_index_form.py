"""Index form: entries and deltas that are the array of a linear map."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.calculus.index_form import index_form
from matcalc.calculus.index_text import index_text
from matcalc.calculus.vectorize import stacked
from matcalc.errors import UnsupportedError
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal

KINDS = {
    "dX": "matrix(m, n)",
    "A": "matrix(p, m)",
    "B": "matrix(n, q)",
    "C": "matrix(m, n)",
    "x": "vector(n)",
    "y": "vector(m)",
    "dS": "matrix(n, n)",
    "S": "matrix(n, n)",
    "s": "scalar",
    "dx": "vector(n)",
    "dr": "row(n)",
    "dy": "vector(n)",
}
LINEAR = {
    "dX": [
        "A*dX*B",
        "dX'",
        "s*dX",
        "C .* dX",
        "tr(dX'*C)*C",
        "sum(dX)*C",
        "sum(dX, axis=0)",
        "sum(dX, axis=1)",
        "mean(dX, axis=0)",
        "mean(dX, axis=1)",
        "dX[0, :]",
        "dX[:, 1]",
        "dX[1:, :-1]",
        "[dX; C .* dX]",
        "diag(dX*C')",
        "dX*x",
        "x'*dX'",
        "A*diag(dX*x)*C",
        "A*(y .* (dX*x))",
        "(C .* dX)*B",
        "C*dX'*C + dX",
        "diag(C*dX')",
        "A*diag(y)*dX*diag(x)*B",
    ],
    "dS": ["tr(S*dS)*S", "diag(dS)", "tril(dS)*S", "S*triu(dS)", "diag(diag(dS))", "tr(dS)*eye(n)", "S .* dS .* S'"],
    "dx": ["diag(dx)*S", "dx*x'", "x*dx'", "(x'*dx)*S", "[dx; x .* dx]*s", "dx[1:]*x'", "S*diag(dx)*S", "S .* (dx*x')"],
    "dr": ["x*dr", "diag(dr)*S", "x*dr*S"],
}
CASES = [(name, text) for name, texts in LINEAR.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_the_array_times_the_change_is_the_value(name: str, text: str) -> None:
    e, dx = parse(text, KINDS), parse(name, KINDS)
    form = index_form(e, dx)
    verdict = verify_equal(stacked(e), ops.mul(form.node(), stacked(dx)))

    assert verdict, verdict.reason


@pytest.mark.parametrize(
    "text", ["dx*dy'", "S*dx*x'*dy", "dy .* (S*dx)", "diag(dx)*S*diag(dy)", "(dx'*S*dy)*S", "[dx .* dy; S*(dx .* dy)]"]
)
def test_a_map_that_is_linear_in_two_changes(text: str) -> None:
    e, dx, dy = (parse(t, KINDS) for t in (text, "dx", "dy"))
    form = index_form(e, (dx, dy))
    verdict = verify_equal(stacked(e), ops.mul(form.node(), ops.kron(dy, dx)))

    assert verdict, verdict.reason


def test_like_terms_are_added() -> None:
    form = index_form(parse("diag(dX*C' + C*dX')", KINDS), parse("dX", KINDS))

    assert index_text(form) == "J[i,j,k] = 2*delta_ij*C_ik"


def test_terms_that_cancel_leave_nothing() -> None:
    form = index_form(parse("C .* dX - C .* dX", KINDS), parse("dX", KINDS))

    assert index_text(form) == "J[i,j,k,l] = 0"


def test_sums_over_inner_indices_are_products() -> None:
    form = index_form(parse("A*diag(y)*dX*diag(x)*B", KINDS), parse("dX", KINDS))

    assert not any(t.summed for t in form.terms)


def test_places_of_the_variable_may_be_given() -> None:
    form = index_form(parse("A*dX*B", KINDS), parse("dX", KINDS), places=("r", "0"))

    assert form.indices == ("i", "j")
    assert index_text(form) == "J[i,j] = A_ir*B_0j"


def test_letters_avoid_the_names_in_use() -> None:
    kinds = {"i": "matrix(p, m)", "dX": "matrix(m, n)"}
    form = index_form(parse("i*dX", kinds), parse("dX", kinds))

    assert "i" not in form.indices


def test_an_operation_without_index_form_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="kron"):
        index_form(parse("kron(dX, A)", KINDS), parse("dX", KINDS))
