"""Expressions as egglog terms and back: the same value, nothing longer, and the rules find what they should."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import matcalc as mc
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.printing.text import text

pytest.importorskip("egglog")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from egraph import saturate  # noqa: E402  # type: ignore[import-not-found]

KINDS = {"A": "matrix(m, n)", "B": "matrix(m, n)", "S": "symmetric(n)", "X": "matrix(n, n)", "x": "vector(n)"}
KINDS |= {"y": "vector(n)", "b": "vector(m)", "r": "row(n)", "s": "scalar", "t": "scalar"}


@pytest.mark.parametrize(
    "typed",
    [
        "2*A'*(A*x - b)",
        "s*x - x'*y*y/3",
        "(A + b*r) .* B ./ (1 + exp(A))",
        "diag(r)*x + diag(X)",
        "inv(S)*X'*inv(X + s*eye(n))",
        "sum(A, axis=0)*x + tr(X) - sum(A .^ 2)",
        "A[:, 0]' * b + norm2(x)^-3",
        "kron(A, x') + kron(B, r)",
        "det(X)*softmax(x) + max(x, y)",
        "sum(i, x[i]*y[i]^s)",
    ],
)
def test_a_term_reads_back_as_what_it_was(typed: str) -> None:
    e = mc.parse(typed, KINDS)
    (found, *_) = saturate(e, rounds=0).candidates[0]

    assert found.shape == e.shape
    assert length(found) <= length(e)
    assert verify_equal(e, found), text(found)


@pytest.mark.parametrize(
    ("typed", "shortest"),
    [
        ("A'*A*x - A'*b", "A'*(A*x - b)"),
        ("inv(S)*(X*S*inv(S))' - inv(S)*X'", "zeros(n, n)"),
        ("(X'*S)' + S*X", "2*S*X"),
        ("X*inv(eye(n) + X*X)*s + s*inv(eye(n) + X*X)*X", "2*s*X*inv(eye(n) + X*X)"),
        ("x'*y*x - x*x'*y", "zeros(n, 1)"),
    ],
)
def test_the_rules_find_the_short_form(typed: str, shortest: str) -> None:
    e, wanted = mc.parse(typed, KINDS), mc.parse(shortest, KINDS)
    found = min(saturate(e).candidates[0], key=length)

    assert length(found) == length(wanted), text(found)
    assert verify_equal(e, found)


def test_two_forms_meet_and_others_do_not() -> None:
    one, same, other = (mc.parse(f, KINDS) for f in ("x'*S*y + s*s", "y'*S*x + s^2", "x'*X*y + s^2"))

    assert saturate(one, same).met
    assert not saturate(one, other).met
