"""Derivatives by entries, rows, columns and slices."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from higher_cases import arrays

import matcalc
from matcalc.cli import main
from matcalc.language.parse import parse

CASES = [
    ("B'*B", "B[i,j]", "B: matrix(m, n)"),
    ("tr(A*B)", "B[i, j]", "A: matrix(n, m); B: matrix(m, n)"),
    ("norm2(A*x - b)^2", "x[1]", "A: matrix(m, n)"),
    ("norm2(A*x - b)^2", "x[k]", "A: matrix(m, n)"),
    ("X*A", "X[0,:]", "X: matrix(m, n); A: matrix(n, p)"),
    ("X*A", "X[:,j]", "X: matrix(m, n); A: matrix(n, p)"),
    ("norm2(X*A)^2", "X[1, :]", "X: matrix(m, n); A: matrix(n, p)"),
    ("A*x", "x[1:]", "A: matrix(m, n)"),
    ("x*A", "x[0]", "x: row(m); A: matrix(m, n)"),
    ("inv(X)", "X[i,j]", "X: matrix(n, n)"),
    ("logdet(X)", "X[1:,:2]", "X: matrix(n, n)"),
    ("expm(X)", "X[0,1]", "X: matrix(n, n)"),
    ("tr(S*A)", "S[i,j]", "S: symmetric(n); A: matrix(n, n)"),
]


@pytest.mark.parametrize(("f", "wrt", "declare"), CASES)
def test_the_part_of_the_derivative_is_right(f: str, wrt: str, declare: str) -> None:
    d = matcalc.derive(f, wrt, declare)
    verdict = d.verify()

    assert verdict, verdict.reason
    assert parse(d.text(), {**d.kinds, **{x.direction.name: x.direction.data[1] for x in d.forms.values()}}) is d.answer
    assert d.latex().count("{") == d.latex().count("}")
    assert d.pretty()


@pytest.mark.parametrize(("f", "wrt", "declare"), CASES)
def test_the_code_gives_the_part_of_the_array(f: str, wrt: str, declare: str) -> None:
    d = matcalc.derive(f, wrt, declare)
    name, _, place = wrt.partition("[")
    whole = matcalc.derive(f, name, declare)
    letters = {"i": 1, "j": 0, "k": 1}
    used = {k: v for k, v in letters.items() if k in d.kinds}
    values = {k: v for k, v in arrays(d, seed=5).items() if k not in letters}
    wanted = whole.function()(**values)
    index = eval(f"np.s_[{place.removesuffix(']')}]", {"np": np, **letters})
    index = index if isinstance(index, tuple) else (index,)
    wanted = wanted[(..., *index)]
    found = d.function()(**values, **used)

    assert np.shape(found) == np.shape(wanted)
    assert np.allclose(found, wanted)


def test_several_parts_and_whole_variables_together() -> None:
    d = matcalc.derive("norm2(X*w)^2", "X[0,:], w, w[1]", "X: matrix(m, n)")

    assert set(d.answers) == {"X[0,:]", "w", "w[1]"}
    assert d.verify()
    assert d["w"].answer is matcalc.derive("norm2(X*w)^2", "w", "X: matrix(m, n)").answer
    assert "dX_0" in d.text()


def test_a_command_with_commas_in_brackets() -> None:
    found = CliRunner().invoke(main, ["derive", "B'*B", "--wrt", "B[i,j]", "--declare", "B: matrix(m, n)", "--check"])

    assert found.exit_code == 0, found.output
    assert "δ_kj·B_il" in found.output
    assert "i: integer" in found.output
    assert "verified" in found.output


def test_json_has_the_entries() -> None:
    words = ["derive", "B'*B", "--wrt", "B[i,j]", "--declare", "B: matrix(m, n)", "--format", "json"]
    answer = json.loads(CliRunner().invoke(main, words).stdout)["answers"]["B[i,j]"]

    assert answer["index"] == "J[k,l] = delta_kj*B_il + delta_lj*B_ik"
    assert answer["shape"] == ["n", "n"]


def test_what_is_no_part_of_a_variable_is_refused() -> None:
    with pytest.raises(matcalc.MatcalcError):
        matcalc.derive("tr(A*B)", "B[i", "B: matrix(m, n)")
    with pytest.raises(matcalc.MatcalcError):
        matcalc.derive("tr(A*B)", "C[0, 1]", "B: matrix(m, n)")
    with pytest.raises(matcalc.MatcalcError):
        matcalc.derive("x'*y", "x[y]", "x, y: vector(n)")
    with pytest.raises(matcalc.UnsupportedError, match="whole variables"):
        matcalc.derive("x'*x", "x[0]", order=2)
