"""Jacobians and Hessians for readers."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import matcalc
from matcalc.cli import main


def lines(f: str, wrt: str, declare: str, order: int = 1) -> list[str]:
    return matcalc.derive(f, wrt, declare, order=order).pretty().splitlines()


def test_a_matrix_says_it_all() -> None:
    assert lines("A*x", "x", "A: matrix(m, n)") == ["A"]


def test_map_array_and_vec_form_are_called_by_their_names() -> None:
    assert lines("A*X*B", "X", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n)") == [
        "dY = A·dX·B",
        "J_ijkl = A_ik·B_lj",
        "vec(dY) = (Bᵀ ⊗ A)·vec(dX)",
    ]


def test_what_the_vec_form_only_spells_out_is_left_to_the_text() -> None:
    assert lines("expm(X)", "X", "X: matrix(n, n)") == ["dY = expm_frechet(X, dX)"]
    assert lines("diag(x)*A", "x", "x: vector(m); A: matrix(m, n)") == ["dY = diag(dx)·A", "J_ijk = δ_ik·A_ij"]


def test_a_hessian_by_a_matrix_is_a_map() -> None:
    found = lines("norm2(T - U*V')^2", "U", "T: matrix(m, n); U: matrix(m, k); V: matrix(n, k)", order=2)

    assert found[0] == "H[dU] = 2·dU·VᵀV"
    assert found[1].startswith("H_ijla = 2·δ_il·(VᵀV)_")
    assert found[2].startswith("vec(H[dU]) = ")


def test_the_letters_are_nobody_elses() -> None:
    found = lines("Y*X", "X", "Y: matrix(m, n); X: matrix(n, p)")

    assert found[0] == "dF = Y·dX"


def test_latex_is_aligned_and_balanced() -> None:
    latex = matcalc.derive("X'*A*X", "X", "X: matrix(m, n); A: matrix(m, m)").latex()

    assert latex.startswith(r"\begin{aligned}")
    assert r"\mathrm{d}Y &= " in latex
    assert r"J_{ijkl} &= " in latex
    assert r"\operatorname{vec}(\mathrm{d}Y) &= " in latex
    assert latex.count("{") == latex.count("}")


def test_blocks_of_a_hessian_have_names() -> None:
    d = matcalc.derive("x'*A*y", "x,y", "A: matrix(m, n)", order=2)

    assert d.text().splitlines() == ["H_x_x = zeros(m, m)", "H_x_y = A", "H_y_x = A'", "H_y_y = zeros(n, n)"]
    assert "x,y: A" in d.pretty()


@pytest.mark.parametrize(
    ("f", "wrt", "order", "said"),
    [
        ("x'*x", "x", 1, "layout: gradient"),
        ("A*x", "x", 1, "layout: J[i,j] = df_i/dx_j, rows follow the function"),
        ("A*x", "A", 1, "stacks columns"),
        ("x'*x", "x", 2, "layout: H[i,j] = d2f/(dx_i dx_j)"),
        ("c*A", "c", 1, "by a scalar the shape of the function"),
    ],
)
@pytest.mark.parametrize("layout", ["gradient", "numerator"])
def test_the_layout_is_said_with_every_answer(f: str, wrt: str, order: int, said: str, layout: str) -> None:
    found = CliRunner().invoke(main, ["derive", f, "--wrt", wrt, "--order", str(order), "--layout", layout])

    assert found.exit_code == 0
    assert said.replace("gradient", layout) in found.output


@pytest.mark.parametrize("form", ["pretty", "text", "latex", "numpy", "scipy", "jax", "torch", "json", "sympy"])
@pytest.mark.parametrize("order", ["1", "2"])
def test_every_format_works(form: str, order: str) -> None:
    f = "A*X*B" if order == "1" else "norm2(A*X*B)^2"
    declared = ["--declare", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n)"]
    found = CliRunner().invoke(
        main, ["derive", f, "--wrt", "X", "--order", order, "--format", form, *declared, "--check"]
    )

    assert found.exit_code == 0, found.output
    assert "verified" in found.output


def test_json_has_the_map_and_the_index_form() -> None:
    answer = matcalc.derive("A*X*B", "X", "A: matrix(m, p); X: matrix(p, q); B: matrix(q, n)").json()["answers"]["X"]

    assert answer["text"] == "kron(B', A)"
    assert answer["map"] == "A*dX*B"
    assert answer["index"] == "J[i,j,k,l] = A_ik*B_lj"
    assert answer["shape"] == ["m", "n", "p", "q"]
