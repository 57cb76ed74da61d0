"""Where an answer holds, and where the function has kinks."""

from __future__ import annotations

import pytest

from matcalc.answers.derive import derive
from matcalc.errors import InputError

HOLDS = [
    ("a'*inv(X)*b", "X", {"a": "vector(n)", "b": "vector(n)"}, ["X is invertible"]),
    ("det(X'*X)", "X", {}, []),  # 2*X*adj(X'*X) is there for all X
    ("det(X) + tr(inv(X))", "X", {}, ["X is invertible"]),
    ("logdet(X)", "X", {}, ["det(X) > 0"]),
    ("logdet(S)", "S", {"S": "spd(n)"}, []),
    ("log(x'*A*x)", "x", {}, ["x'*A*x > 0"]),
    ("(w'*r - f)/(w'*C*w)^0.5", "w", {"C": "symmetric(n)"}, ["w'*C*w > 0"]),
    ("exp(-norm2(x - y)^2/(2*s^2))", "x", {"s": "scalar"}, ["s != 0"]),
    ("exp(-norm2(x - y)^2/(2*s^2))", "x", {"s": "scalar, positive"}, []),
    ("norm2(A*x - b)^2", "x", {}, []),
    ("f(A*x)", "x", {"f": "function(vector(m)) -> scalar", "A": "matrix(m, n)"}, []),
    (
        "x'*grad(f)(y)", "y", {"f": "function(vector(n)) -> scalar"}, ["f is twice continuously differentiable"],
    ),
]
KINKS = [
    ("1/n*sum(abs(y - yhat))", "yhat", {"y": "vector(n)", "yhat": "vector(n)"}, "any value in [-1/n, 1/n]"),
    ("norm2(A*x - b)", "x", {}, "no derivative where"),
    ("sum(max(0, 1 - y .* z))", "z", {"y": "vector(n)"}, "y .* z = 1"),
    ("sum(y .* yhat <= 0)", "yhat", {"yhat": "vector(n)"}, "0 almost everywhere"),
]
SMOOTH = [("norm2(A*x - b)^2", "x"), ("sum(max(0, A*x).^2)", "x"), ("sum(abs(x).^3)", "x")]


@pytest.mark.parametrize(("f", "wrt", "declare", "expected"), HOLDS)
def test_what_must_hold(f: str, wrt: str, declare: dict[str, str], expected: list[str]) -> None:
    assert list(derive(f, wrt, declare).conditions) == expected


@pytest.mark.parametrize(("f", "wrt", "declare", "expected"), KINKS)
def test_kinks_are_said(f: str, wrt: str, declare: dict[str, str], expected: str) -> None:
    notes = derive(f, wrt, declare).notes

    assert any(expected in note for note in notes), notes


@pytest.mark.parametrize(("f", "wrt"), SMOOTH)
def test_a_power_smooths_the_kink_of_what_vanishes_there(f: str, wrt: str) -> None:
    assert not [note for note in derive(f, wrt).notes if "kink" in note or "no derivative" in note]


@pytest.mark.parametrize("f", ["log(0)*x", "x/(1 - 1)", "x + log(2 - 3)"])
def test_a_function_that_is_defined_nowhere_is_refused(f: str) -> None:
    with pytest.raises(InputError, match="defined nowhere"):
        derive(f, "x", {"x": "scalar"})


def test_a_constant_that_is_fine_needs_no_condition() -> None:
    assert list(derive("log(2)*x/3", "x", {"x": "scalar"}).conditions) == []


@pytest.mark.parametrize(
    ("f", "wrt", "declare"),
    [
        ("log(abs(det(W)))", "W", {"W": "matrix(n, n), invertible"}),
        ("log(abs(det(W)))", "W", {"W": "matrix(n, n)"}),
        ("abs(det(W))", "W", {"W": "matrix(n, n), invertible"}),
        ("sum(log(abs(x)))", "x", {"x": "vector(n)"}),
        ("1/norm2(x)", "x", {"x": "vector(n)"}),
        ("norm1(x)", "x", {"x": "vector(n), positive"}),
    ],
)
def test_what_facts_and_conditions_exclude_is_no_kink(f: str, wrt: str, declare: dict[str, str]) -> None:
    assert not [note for note in derive(f, wrt, declare).notes if "kink" in note or "no derivative" in note]


def test_a_kink_beside_an_excluded_one_is_said() -> None:
    notes = derive("log(abs(a'*x)) + abs(b'*x)", "x", {"a": "vector(n)", "b": "vector(n)"}).notes

    assert [note for note in notes if "kink" in note] == [
        "kink where b'*x = 0: used there is 0, of any value in [-1, 1]"
    ]
