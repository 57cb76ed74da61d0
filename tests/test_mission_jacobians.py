"""The formulas of the lecture notes that are Jacobians, arrays or differentials.

Each is derived, printed in the form of the notes or a shorter one, verified, and works as a command, from Python, in
LaTeX, as NumPy code and with its steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner
from higher_cases import arrays, differences

import matcalc
from matcalc.cli import main
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length


@dataclass(frozen=True)
class Row:
    """One row of the notes: the input, the matrix they arrive at, a line that the reader must see."""

    f: str
    wrt: str
    expected: str
    declare: dict[str, str] = field(default_factory=dict, hash=False)
    line: str = ""
    layout: str = "gradient"


BIAS = {"x": "row(n)", "A": "matrix(n, m)", "b": "row(m)"}
LAYER = {"s": "function", "pre_h": "row(m)"}
OUTPUT = {"h": "row(m)", "theta": "matrix(m + 1, 1)"}
ROWS = {
    "N0.1": Row("norm2(x)^2", "x", "2*x", {"x": "row(n)"}),
    "N0.2": Row("sin(A*x)", "x", "diag(cos(A*x))*A", {"A": "matrix(m, n)"}),
    "N0.3-x": Row("x*A + b", "x", "A'", BIAS),
    "N0.3-b": Row("x*A + b", "b", "eye(m)", BIAS),
    "N0.7": Row("softmax(z)", "z", "diag(softmax(z)) - softmax(z)'*softmax(z)", {"z": "row(n)"}),
    "N0.12-a": Row("a*W2 + b2", "a", "W2'", {"a": "row(m)", "W2": "matrix(m, k)", "b2": "row(k)"}, layout="numerator"),
    "N0.12-z": Row("sigmoid(z1)", "z1", "diag(sigmoid(z1) .* (1 - sigmoid(z1)))", {"z1": "row(m)"}),
    "N1.1": Row("A*B*C", "B", "kron(C', A)", {"A": "matrix(m, p)", "B": "matrix(p, q)", "C": "matrix(q, n)"},
                "J_ijkl = A_ik·C_lj"),
    "N1.1-transposed": Row("B'", "B", "commutation(p, q)", {"B": "matrix(p, q)"}, "J_ijkl = δ_il·δ_jk"),
    "N1.2": Row("A*x", "A", "kron(x', eye(m))", {"A": "matrix(m, n)"}, "J_ijk = δ_ij·x_k"),
    "N1.3": Row("B'*B", "B", "kron(eye(n), B') + kron(B', eye(n))*commutation(m, n)", {"B": "matrix(m, n)"},
                "J_ijkl = δ_il·B_kj + δ_jl·B_ki"),
    "N2.6-h": Row("[h, 1]*theta", "h", "theta[:-1, :]'", OUTPUT),
    "N2.6-pre_h": Row("s(pre_h)", "pre_h", "diag(s'(pre_h))", LAYER),
    "N3.2": Row("f(g(x))", "x", "D(f)(g(x))*D(g)(x)",
                {"f": "function(vector(m)) -> vector(p)", "g": "function(vector(n)) -> vector(m)", "x": "vector(n)"}),
    "N3.3": Row("f(g(x))", "x", "D(g)(x)'*grad(f)(g(x))",
                {"f": "function(vector(m)) -> scalar", "g": "function(vector(n)) -> vector(m)", "x": "vector(n)"}),
    "N3.9": Row("W*x", "W", "kron(x', eye(m))", {"W": "matrix(m, n)"}, "J_ijk = δ_ij·x_k"),
    "N3.10": Row("phi(W*x)", "W", "diag(phi'(W*x))*kron(x', eye(m))", {"W": "matrix(m, n)", "phi": "function"},
                 "J_ijk = δ_ij·(φ′(Wx))_i·x_k"),
}  # fmt: skip


@cache
def derived(key: str) -> matcalc.Derivation:
    row = ROWS[key]
    return matcalc.derive(row.f, row.wrt, row.declare, layout=row.layout)


@pytest.mark.parametrize("key", ROWS)
def test_the_answer_is_that_of_the_notes(key: str) -> None:
    d, row = derived(key), ROWS[key]
    notes = parse(row.expected, d.kinds)

    assert d.verify()
    assert verify_equal(d.answer, notes)
    assert length(d.answer) <= length(notes)
    assert row.line in d.pretty().splitlines() or not row.line


@pytest.mark.parametrize("key", ROWS)
def test_it_works_as_a_command_and_in_every_form(key: str) -> None:
    row = ROWS[key]
    declared = [part for name, kind in row.declare.items() for part in ("--declare", f"{name}: {kind}")]
    for form in ("pretty", "text", "latex", "json", "numpy"):
        words = ["derive", row.f, "--wrt", row.wrt, *declared, "--layout", row.layout, "--format", form, "--check"]
        found = CliRunner().invoke(main, words)

        assert found.exit_code == 0, found.output
        assert "verified" in found.output


@pytest.mark.parametrize(
    "key", [k for k, row in ROWS.items() if not any("function" in d for d in row.declare.values())]
)
def test_the_code_gives_the_array(key: str) -> None:
    d, row = derived(key), ROWS[key]
    values = arrays(d, seed=6)
    (wanted,) = differences(d.function("value"), values, row.wrt, frozenset())
    found = d.function()(**values)

    assert np.shape(found) == np.shape(wanted)
    assert np.abs(found - wanted).max() < 1e-7 * max(1.0, np.abs(wanted).max())


def test_entries_of_a_gram_matrix() -> None:
    """N1.3: dK_pq/dB_ij = delta_jp B_iq + delta_jq B_ip."""
    d = matcalc.derive("B'*B", "B[i,j]", "B: matrix(m, n)")

    assert d.verify()
    assert d.pretty().splitlines()[-1] == "∂Y_kl/∂B[i, j] = δ_kj·B_il + δ_lj·B_ik"
    values = arrays(d, seed=7) | {"i": 1, "j": 0}
    found = d.function()(**values)
    b = values["B"]
    wanted = np.array([[(p == 0) * b[1, q] + (q == 0) * b[1, p] for q in range(b.shape[1])] for p in range(b.shape[1])])

    assert np.allclose(found, wanted)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        ("f(X)'", "d(f(X))'"),
        ("tr(f(X))", "tr(d(f(X)))"),
        ("det(f(X))", "det(f(X))*tr(d(f(X))*inv(f(X)))"),
        ("inv(f(X))", "-inv(f(X))*d(f(X))*inv(f(X))"),
    ],
)
def test_an_undefined_matrix_function_has_a_differential(f: str, expected: str) -> None:
    """N1.4."""
    words = ["derive", f, "--wrt", "X", "--declare", "f: function(matrix(n, n)) -> matrix(n, n)", "--format", "text"]
    found = CliRunner().invoke(main, [*words, "--check"])

    assert found.exit_code == 0, found.output
    assert found.stdout.strip() == expected
    assert "verified" in found.stderr
