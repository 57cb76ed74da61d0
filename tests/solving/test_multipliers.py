"""Stationary points under one scalar constraint: maximum entropy, unit norms, powers of what is positive."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc.printing.text import text

POSITIVE = "x: vector(n), positive\na: vector(n)\nw: vector(n), positive\nz: vector(n)\nB: spd(n)\nr: scalar, positive"

# function, constraint, the points and their kinds
CASES = {
    "entropy": ("sum(x .* log(x))", "sum(x) = 1", [("1/n*ones(n)", "minimum")]),
    "softmax": ("sum(x .* log(x)) - a'*x", "sum(x) = 1", [("softmax(a)", "minimum")]),
    "gibbs": ("r*a'*x + sum(x .* log(x))", "sum(x) = 1", [("softmax(-r*a)", "minimum")]),
    "divergence": ("sum(x .* log(x ./ w))", "sum(x) = 1", [("w/sum(w)", "minimum")]),
    "likelihood": ("sum(w .* log(x))", "sum(x) = 1", [("w/sum(w)", "maximum")]),
    "budget": ("sum(log(x))", "w'*x = r", [("r ./ (n*w)", "maximum")]),
    "reciprocals": ("sum(1 ./ x)", "sum(x) = 1", [("1/n*ones(n)", "minimum")]),
    "roots": ("sum(sqrt(x))", "w'*x = 1", [("(1 ./ w.^2)/sum(1 ./ w)", "maximum")]),
    "powers": ("sum(x.^4)", "w'*x = 1", [("(w/4).^(1/3)/(w'*(w/4).^(1/3))", "minimum")]),
}
CURVED = {
    "linear": ("a'*y", "y'*y = 1", [("-a/norm2(a)", "minimum"), ("a/norm2(a)", "maximum")]),
    "norm": ("a'*y", "norm2(y) = r", [("-r*a/norm2(a)", "minimum"), ("r*a/norm2(a)", "maximum")]),
    "sphere": ("norm2(y - z)^2", "y'*y = 1", [("-z/norm2(z)", "maximum"), ("z/norm2(z)", "minimum")]),
    "ellipsoid": (
        "a'*y", "y'*B*y = 1",
        [("-inv(B)*a/sqrt(a'*inv(B)*a)", "minimum"), ("inv(B)*a/sqrt(a'*inv(B)*a)", "maximum")],
    ),
    "unsigned": ("a'*y", "y'*y = c", [("-sqrt(c)*a/norm2(a)", "minimum"), ("sqrt(c)*a/norm2(a)", "maximum")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_scalar_constraint(case: str) -> None:
    f, constraint, wanted = CASES[case]

    solution = mc.solve(f, "x", POSITIVE, constraint)

    assert [(text(p.values["x"]), p.kind) for p in solution.points] == wanted
    assert solution.verify()


@pytest.mark.parametrize("case", CURVED)
def test_on_spheres(case: str) -> None:
    f, constraint, wanted = CURVED[case]

    solution = mc.solve(f, "y", POSITIVE + "\ny: vector(n)", constraint)

    assert [(text(p.values["y"]), p.kind) for p in solution.points] == wanted
    assert solution.verify()
    assert all("Lagrangian" in why for p in solution.points for why in p.why)


def test_of_a_matrix() -> None:
    largest = mc.solve("logdet(S)", "S", "S: spd(n)", "tr(S) = 1")
    linear = mc.solve("tr(A*X)", "X", "A: matrix(m, n)", "norm2(X) = 1")

    assert (largest.text(), largest.kind) == ("S = eye(n)/n", "maximum")
    assert linear.text() == "X = -A'/norm2(A)\nX = A'/norm2(A)"
    plane = mc.solve("norm2(X - A)^2", "X", "X: matrix(m, n)", "tr(X'*B) = 1")
    assert "unvec" not in plane.text()
    assert plane.kind == "minimum"


def test_values_beside_a_search() -> None:
    """A point that a search on the sphere itself cannot improve."""
    rng = np.random.default_rng(0)
    a, B = rng.normal(size=4), np.diag([1.0, 2.0, 3.0, 4.0])
    least = mc.solve("a'*y", "y", "a: vector(n); B: spd(n)", "y'*B*y = 1").function()(a=a, B=B)

    y = rng.normal(size=(2000, 4))
    y /= np.sqrt(np.einsum("ki,ij,kj->k", y, B, y))[:, None]

    assert least @ B @ least == pytest.approx(1.0)
    assert np.all(y @ a >= a @ least)


def test_a_convex_function_may_be_largest_on_a_sphere() -> None:
    points = mc.solve("norm2(y - z)^2", "y", "y: vector(n)", "y'*y = 1").points

    assert {p.kind for p in points} == {"minimum", "maximum"}


def test_a_norm_of_unknown_sign_and_what_has_no_closed_form() -> None:
    unknown = mc.solve("a'*y", "y", "a: vector(n)", "norm2(y) = r")
    several = mc.solve("sum(x .* log(x))", "x", "x: vector(n), positive", "A*x = b")

    assert not unknown
    assert any("declare what is positive" in note for note in unknown.notes)
    assert not several
    assert several.equation == "1 + A'*lambda + log(x) = 0\nA*x - b = 0"
