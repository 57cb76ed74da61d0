"""Eigenvectors as stationary points on spheres, orthogonal factors on orthonormal columns, structured unknowns."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc

RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("f", "constraint", "wanted"),
    [
        ("x'*A*x", "x'*x = 1", ["x = eigvecs(A)[:, 0]", "x = eigvecs(A)[:, -1]"]),
        ("-x'*A*x", "x'*x = 4", ["x = 2*eigvecs(A)[:, -1]", "x = 2*eigvecs(A)[:, 0]"]),
        ("norm2(M*x)^2", "norm2(x) = 1", ["x = eigvecs(M'*M)[:, 0]", "x = eigvecs(M'*M)[:, -1]"]),
        ("x'*N*x", "x'*x = 1", ["x = eigvecs(N + N')[:, 0]", "x = eigvecs(N + N')[:, -1]"]),
    ],
)
def test_eigenvectors(f: str, constraint: str, wanted: list[str]) -> None:
    solution = mc.solve(f, "x", "A: symmetric(n); M: matrix(m, n); N: matrix(n, n); x: vector(n)", constraint)

    assert solution.text().splitlines() == wanted
    assert [p.kind for p in solution.points] == ["minimum", "maximum"]
    assert solution.verify()
    assert any("a multiple of x is stationary" in note for note in solution.notes)


def test_a_pencil_of_two_matrices() -> None:
    solution = mc.solve("x'*A*x", "x", "A: symmetric(n); B: spd(n)", "x'*B*x = 1")
    A, B = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
    A, B = A + A.T, B @ B.T + np.eye(4)
    x = solution.function()(A=A, B=B)

    assert x @ B @ x == pytest.approx(1.0)
    np.testing.assert_allclose(A @ x, (x @ A @ x) * (B @ x), atol=1e-9)
    values = np.linalg.eigvals(np.linalg.solve(B, A))
    assert x @ A @ x == pytest.approx(min(values.real))


@pytest.mark.parametrize(
    ("f", "declare", "constraint", "wanted"),
    [
        ("norm2(Q*A - B)^2", "Q: matrix(n, n); A: matrix(n, k)", "Q'*Q = eye(n)", "Q = svd_u(B*A')*svd_v(B*A')'"),
        ("norm2(A*Q - B)^2", "Q: matrix(n, n); A: matrix(k, n)", "Q'*Q = eye(n)", "Q = svd_u(A'*B)*svd_v(A'*B)'"),
        ("norm2(Q - A)^2", "Q: matrix(n, k)", "Q'*Q = eye(k)", "Q = svd_u(A)*svd_v(A)'"),
        ("norm2(Q - A)^2", "Q: matrix(n, n)", "Q*Q' = eye(n)", "Q = svd_u(A)*svd_v(A)'"),
    ],
)
def test_the_orthogonal_procrustes_problem(f: str, declare: str, constraint: str, wanted: str) -> None:
    solution = mc.solve(f, "Q", declare, constraint)

    assert solution.text().splitlines()[0] == wanted
    assert [p.kind for p in solution.points] == ["minimum", "maximum"]
    assert solution.verify()


def test_the_nearest_orthogonal_matrix_in_numbers() -> None:
    solution = mc.solve("norm2(Q*A - B)^2", "Q", "Q: matrix(n, n); A: matrix(n, k)", "Q'*Q = eye(n)")
    A, B = RNG.normal(size=(3, 5)), RNG.normal(size=(3, 5))
    Q = solution.function()(A=A, B=B)
    others = np.linalg.qr(RNG.normal(size=(500, 3, 3)))[0]

    np.testing.assert_allclose(Q.T @ Q, np.eye(3), atol=1e-12)
    assert np.sum((Q @ A - B) ** 2) < min(np.sum((other @ A - B) ** 2) for other in others)


def test_what_is_not_constant_on_the_constraint_is_not_solved() -> None:
    """A*Q with a tall Q: A'*A does not commute with anything here."""
    assert not mc.solve("norm2(A*Q - B)^2", "Q", "Q: matrix(n, k); A: matrix(m, n)", "Q'*Q = eye(k)")


@pytest.mark.parametrize(
    ("f", "declare", "wanted"),
    [
        ("norm2(D*x - b)^2", "D: diagonal(n); b: vector(n)", "D = diag(b ./ x)"),
        ("norm2(D*A - B)^2", "D: diagonal(n)", "D = diag(diag(B*A') ./ diag(A*A'))"),
        ("norm2(A*D*B - C)^2", "D: diagonal(n)", "D = diag(inv((A'*A) .* (B*B'))*diag(B*C'*A))"),
        ("tr(D*A) - logdet(D)", "D: diagonal(n); A: spd(n)", "D = diag(1 ./ diag(A))"),
        ("norm2(D - A)^2", "D: lower(n)", "D = tril(A)"),
        ("norm2(D - A)^2 + c*norm2(D)^2", "D: upper(n); c: scalar, positive", "D = triu(A)/(1 + c)"),
        ("norm2(D - A)^2", "D: toeplitz(n)", "D = toeplitz(A)"),
    ],
)
def test_unknowns_with_structure(f: str, declare: str, wanted: str) -> None:
    solution = mc.solve(f, "D", declare)

    assert (solution.text(), solution.kind) == (wanted, "minimum")
    assert solution.verify()


def test_a_triangular_unknown_under_a_product_is_refused_with_the_condition() -> None:
    solution = mc.solve("norm2(L*x - b)^2", "L", "L: lower(n); b: vector(n)")

    assert not solution
    assert "L is lower: such conditions are not solved in closed form" in solution.notes
