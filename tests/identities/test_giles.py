"""The rules of Giles 2008 that no single entry of the table states: checked by numbers, and against the engine."""

from __future__ import annotations

import pytest

import matcalc
from matcalc.language.parse import parse, parse_declarations
from matcalc.numeric.verify import verify_differential, verify_equal

TRIANGLES = {"L": "lower(n), invertible", "M": "lower(n)", "S": "symmetric(n)"}
HALVED = "(tril({0}) - ({0} .* eye(n))/2)"  # the lower triangle with half of the diagonal


def holds(left: str, right: str) -> bool:
    return bool(verify_equal(parse(left, TRIANGLES), parse(right, TRIANGLES)))


def test_the_forward_rule_of_the_cholesky_factorization() -> None:
    """With dL = L*Phi(inv(L)*dA*inv(L)') for A = L*L' we have dL*L' + L*dL' = dA."""
    step = f"(L*{HALVED.format('(inv(L)*S*inv(L)`)')})".replace("`", "'")

    assert holds(f"{step}*L' + L*{step}'", "S")
    assert holds(f"tril({step})", step)
    assert not holds(f"{step}*L'", "S")


def test_the_reverse_rule_of_the_cholesky_factorization() -> None:
    """The adjoint of A, pulled back through A = L*L', is the adjoint of L that it came from."""
    adjoint = "(inv(L)'*" + HALVED.format("(L'*M)") + "*inv(L))"
    symmetric = f"(({adjoint} + {adjoint}')/2)"

    assert holds(f"tril(2*{symmetric}*L)", "M")
    assert not holds(f"tril({symmetric}*L)", "M")


def test_the_forward_rule_of_the_eigenvectors() -> None:
    """dU = U*(F .* (U'*dA*U)), F_ij = 1/(l_j - l_i) apart from the diagonal, where it is zero."""
    kinds = parse_declarations({"A": "symmetric(n)", "dA": "symmetric(n)"})
    gaps = "(eye(n) + ones(n, 1)*eigvals(A)' - eigvals(A)*ones(1, n))"
    rule = f"eigvecs(A)*(((1 - eye(n)) ./ {gaps}) .* (eigvecs(A)'*dA*eigvecs(A)))"
    a, step = (parse(name, kinds) for name in ("A", "dA"))

    assert verify_differential(parse("eigvecs(A)", kinds), parse(rule, kinds), {a: step})
    assert not verify_differential(parse("eigvecs(A)", kinds), parse(rule.replace("1 - eye", "eye"), kinds), {a: step})


def test_the_determinant_and_its_gradient_rebuild_the_identity() -> None:
    """grad(det)*X' = det(X)*I (Petersen & Pedersen 2012, eq. 47)."""
    kinds = {"X": "matrix(n, n), invertible"}
    gradient = matcalc.derive("det(X)", wrt="X", declare=kinds).text()

    assert verify_equal(parse(f"({gradient})*X'", kinds), parse("det(X)*eye(n)", kinds))


@pytest.mark.parametrize("structure", ["symmetric(n)", "diagonal(n)", "lower(n)", "toeplitz(n)"])
@pytest.mark.parametrize("f", ["tr(A*X)", "sum(exp(A*X))", "tr(A*X*X)"])
def test_tied_entries_follow_the_chain_rule(structure: str, f: str) -> None:
    """df/dA_ij = tr(G'*S_ij): verified along the entries that the structure leaves free (eqs. 133-137)."""
    found = matcalc.derive(f, wrt="X", declare={"A": "matrix(n, n)", "X": structure}, structure="tied")

    assert found.verify()
