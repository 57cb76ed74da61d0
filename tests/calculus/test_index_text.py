"""Index form in print."""

from __future__ import annotations

from matcalc.calculus.index_form import index_form
from matcalc.calculus.index_text import index_pretty, index_set, index_text, run
from matcalc.language.parse import parse
from matcalc.printing.latex import LATEX

KINDS = {
    "dX": "matrix(m, n)",
    "W1": "matrix(p, m)",
    "B": "matrix(n, q)",
    "s": "scalar",
    "t": "scalar",
    "x": "vector(n)",
}


def form(text: str):  # type: ignore[no-untyped-def]
    return index_form(parse(text, KINDS), parse("dX", KINDS))


def test_entries_of_names_stand_bare_and_of_others_in_brackets() -> None:
    found = form("W1*dX*(2*B)")

    assert index_text(found) == "J[i,j,k,l] = 2*W1_ik*B_lj"
    assert index_text(form("W1*W1'*W1*dX*B")) == "J[i,j,k,l] = (W1*W1'*W1)_ik*B_lj"


def test_unicode_and_latex_have_deltas() -> None:
    found = form("-dX")

    assert index_pretty(found, "H") == "H_ijkl = −δ_ik·δ_jl"
    assert LATEX.equals.join(index_set(found, LATEX)) == r"J_{ijkl} = -\delta_{ik}\, \delta_{jl}"


def test_a_name_with_a_subscript_is_bracketed_in_latex() -> None:
    assert r"(W_{1})_{ik}" in index_set(form("W1*dX"), LATEX)[1]


def test_a_sum_as_a_scalar_factor_is_bracketed() -> None:
    assert index_text(form("(s + t)*dX")) == "J[i,j,k,l] = (s + t)*delta_ik*delta_jl"


def test_a_unit_vector_is_a_delta() -> None:
    assert index_text(form("dX[0, :]")) == "J[i,j,k] = delta_ik*delta_j0"


def test_another_left_side() -> None:
    assert index_text(form("dX*x"), head="dy_i/dX_jk").startswith("dy_i/dX_jk = ")


def test_long_indices_have_commas() -> None:
    assert run(("i", "j")) == "ij"
    assert run(("i", "10")) == "i,10"
