"""The verification sees what is wrong, and says of every entry of ours that it is right."""

from __future__ import annotations

import pytest

from matcalc.rules.entries import Entry
from matcalc.rules.files import make_entry
from matcalc.rules.identity_verification import verify_entry, verify_table
from matcalc.rules.table import Table, default_table


def entry(**fields: object) -> Entry:
    return make_entry("mine", "mine.toml", {"source": ["x"], **fields})


def differential(of: str, d: str, let: str = "A: matrix(n, n), invertible") -> Entry:
    return entry(says="x", let=[let], of=of, d=d)


WRONG = {
    "transposed": differential("inv(A)", "-inv(A)*dA'*inv(A)"),
    "sign": differential("inv(A)", "inv(A)*dA*inv(A)"),
    "a thousandth": differential("det(A)", "1.001*det(A)*tr(inv(A)*dA)"),
    "only for scalars": differential("exp(s)", "exp(2*s)*ds", "s: scalar"),
    "rewrite": entry(let=["s: scalar"], **{"from": "sqrt(s^2)", "to": "s"}),
    "rewrite of matrices": entry(let=["A: matrix(n, n)", "B: matrix(n, n)"], **{"from": "A*B - B*A + A", "to": "A"}),
    "gradient": entry(let=["x: vector(n)", "A: matrix(n, n)"], f="x'*A*x", wrt="x", gradient="2*A*x"),
    "hessian": entry(
        let=["x: vector(n)", "A: matrix(n, n)"], f="x'*A*x", wrt="x", gradient="(A + A')*x", hessian="2*A"
    ),
    "tied entries": entry(
        let=["A: matrix(n, n)", "X: symmetric(n)"], f="tr(A*X)", wrt="X", gradient="(A + A')/2", structure="tied"
    ),
    "jacobian": entry(let=["X: matrix(m, n)"], f="X'*X", wrt="X", jacobian="2*kron(eye(n), X')"),
    "jacobian by a scalar": entry(let=["A: matrix(n, n)", "t: scalar"], f="expm(t*A)", wrt="t", jacobian="expm(t*A)"),
    "jacobian by a symmetric matrix": entry(
        let=["X: symmetric(n)"], f="eigvals(X)", wrt="X", jacobian="kron(eigvecs(X)[:, 0]', eigvecs(X)')"
    ),
    "true erratum of a jacobian": entry(let=["X: matrix(m, n)"], f="X", wrt="X", jacobian="eye(m*n)", why="it is not"),
    "implication": entry(**{"if": "orthogonal", "then": "symmetric"}),
    "exclusion": entry(**{"if": "spd", "then": "not psd"}),
    "rule": entry(let=["A: matrix(n, n)"], **{"if": ["A: symmetric"], "then": "inv(A'*A + A): psd"}),
    "keeps": entry(let=["A: matrix(n, n)", "B: matrix(n, n)"], then="A*B", keeps=["lower", "symmetric"]),
    "true erratum": entry(let=["s: scalar"], why="it is not", **{"from": "exp(log(s))", "to": "s"}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_fails(name: str) -> None:
    verdict = verify_entry(WRONG[name])

    assert not verdict
    assert verdict.reason


RIGHT = {
    "differential": differential("inv(A)", "-inv(A)*dA*inv(A)"),
    "hessian": entry(
        let=["x: vector(n)", "A: matrix(n, n)"], f="x'*A*x", wrt="x", gradient="(A + A')*x", hessian="A + A'"
    ),
    "tied entries": entry(
        let=["A: matrix(n, n)", "X: symmetric(n)"],
        f="tr(A*X)", wrt="X", gradient="A + A' - A .* eye(n)", structure="tied",
    ),
    "jacobian": entry(let=["X: matrix(m, n)"], f="X'", wrt="X", jacobian="commutation(m, n)"),
    "jacobian by a scalar": entry(let=["A: matrix(n, n)", "t: scalar"], f="expm(t*A)", wrt="t", jacobian="A*expm(t*A)"),
    "jacobian with a step of that name": entry(
        let=["X: matrix(m, n)", "dX: scalar"], f="dX*X", wrt="X", jacobian="dX*eye(m*n)"
    ),
    "erratum of a jacobian": entry(let=["X: matrix(m, n)"], f="X'", wrt="X", jacobian="eye(m*n)", why="another order"),
    "rewrite": entry(let=["s: scalar"], **{"from": "sqrt(s^2)", "to": "abs(s)"}),
    "conditional rewrite": entry(let=["p: vector(n)"], **{"if": ["p: rowsum_one"], "from": "7*sum(p)", "to": "7"}),
    "erratum": entry(let=["s: scalar"], why="s may be negative", **{"from": "sqrt(s^2)", "to": "s"}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_entry_passes(name: str) -> None:
    verdict = verify_entry(RIGHT[name])

    assert verdict, str(verdict)
    assert verdict.draws > 0


def test_an_entry_without_a_point_is_not_confirmed() -> None:
    """log(-exp(s)) has no value: nothing was tested, and that is a failure."""
    verdict = verify_entry(entry(let=["s: scalar"], **{"from": "log(-exp(s))*2", "to": "s"}))

    assert not verdict
    assert verdict.counterexample is None


def test_the_table_is_gone_over_in_order_with_progress() -> None:
    errata = Table({"errata": default_table().files["errata"]})
    calls: list[tuple[int, int, str]] = []

    def progress(done: int, total: int, entry_id: str) -> None:
        calls.append((done, total, entry_id))

    found = [(name, kind, bool(verdict)) for name, kind, verdict in verify_table(errata, progress)]

    assert [name for name, _, _ in found] == list(errata.errata) == [name for _, _, name in calls]
    assert {kind for _, kind, _ in found} == {"erratum"}
    assert all(right for _, _, right in found)
    assert calls[0][:2] == (0, len(found))
