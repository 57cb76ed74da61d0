"""``matcalc identities``: the list, an entry, the verification."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from matcalc import identities
from matcalc.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["identities", *words], catch_exceptions=False)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[double-form]\nlet = ["A: matrix(n, n)", "x: vector(n)"]\nf = "2*x\'*A*x"\nwrt = "x"\n'
        'gradient = "2*(A + A\')*x"\nsource = ["definition"]\n'
    )
    return file


def test_the_list_has_a_line_for_every_entry() -> None:
    lines = run("list").stdout.splitlines()

    assert lines == run().stdout.splitlines()
    ids = [line.strip().partition(":")[0] for line in lines if line.startswith("  ")]
    assert ids == [entry.id for entry in identities.table()]
    assert "  inv: d(inv(A)) = -inv(A)*dA*inv(A)" in lines


def test_one_section() -> None:
    result = run("list", "errata")

    assert result.stdout.startswith("errata (")
    assert len(result.stdout.splitlines()) == 1 + len(identities.table().errata)
    assert run("list", "rumours").exit_code == 2


def test_jacobians_are_listed_as_what_they_are() -> None:
    lines = run("list", "jacobians").stdout.splitlines()

    assert lines[0] == f"jacobians ({len(identities.table().jacobians)})"
    assert "  jacobian-of-transpose: d vec(X')/d vec(X)' = commutation(n, q)" in lines
    assert "  jacobian-of-linear-map: d(A*x)/dx' = A" in lines
    assert "  jacobian-of-matrix-times-vector: d(X*a)/d vec(X)' = kron(a', eye(n))" in lines
    assert "  jacobian-of-exponential-along-a-line: d(expm(t*A))/dt = A*expm(t*A)" in lines
    assert "  jacobian-by-stacked-rows: not: d vec(A*X*B)/d vec(X)' = kron(A, B')" in run("list", "errata").stdout


def test_jacobians_hessians_and_conventions_are_shown() -> None:
    assert "jacobian:  kron(B', A)" in run("show", "jacobian-of-two-sided-product").stdout
    assert "hessian:" in run("show", "trace-of-square").stdout
    shown = run("show", "tied-entries-of-diagonal").stdout
    assert "d(tr(A*X))/dX = A .* eye(n), entries tied" in shown
    assert "structure: tied" in shown


def test_a_users_jacobian_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    text = '[triple]\nlet = ["X: matrix(m, n)"]\nf = "3*X"\nwrt = "X"\njacobian = "3*eye(m*n)"\nsource = ["x"]\n'
    for factor, status in (("3*eye", 0), ("4*eye", 1)):
        file.write_text(text.replace("3*eye", factor))
        entry = identities.load(file)["triple"]
        monkeypatch.setattr("matcalc.cli.identities._table", lambda path, entry=entry: [entry])
        assert run("verify").exit_code == status


def test_an_entry_is_shown_with_its_source() -> None:
    result = run("show", "inv")

    assert result.exit_code == 0
    assert "A: matrix(n, n), invertible" in result.stdout
    assert "Petersen & Pedersen 2012" in result.stdout


def test_an_entry_that_there_is_not_is_status_two() -> None:
    result = run("show", "inverse-of")

    assert result.exit_code == 2
    assert "there is no identity 'inverse-of'" in result.stderr


def test_verification_has_one_line_for_each_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    small = [entry for entry in identities.table() if entry.id in ("inv", "det", "quadratic-form")]
    monkeypatch.setattr("matcalc.cli.identities._table", lambda path: small)
    result = run("verify")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok", "3"]
    assert lines[0].split()[1] in ("inv:", "det:", "quadratic-form:")
    assert lines[-1] == "3 of 3 identities verified"


def test_a_users_entry_is_verified_with_the_table(mine: Path) -> None:
    assert "double-form: d(2*x'*A*x)/dx = 2*(A + A')*x" in run("list", "gradients", "--identities", str(mine)).stdout
    assert "definition" in run("show", "double-form", "--identities", str(mine)).stdout


def test_a_false_entry_is_status_one(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine.write_text(mine.read_text().replace("2*(A + A')*x", "4*A*x"))
    entry = identities.load(mine)["double-form"]
    monkeypatch.setattr("matcalc.cli.identities._table", lambda path: [entry])
    result = run("verify")

    assert result.exit_code == 1
    assert result.stdout.startswith("FAILED double-form: ")
    assert result.stdout.splitlines()[-1] == "0 of 1 identities verified"


def test_a_malformed_file_is_status_two(mine: Path) -> None:
    mine.write_text("[double-form]\nlet = 3\n")
    result = run("verify", "--identities", str(mine))

    assert result.exit_code == 2
    assert "mine.toml" in result.stderr


def test_named_entries_alone_are_verified(mine: Path) -> None:
    result = run("verify", "double-form", "inv", "--identities", str(mine))

    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["double-form:", "inv:", "of"]
    assert result.stdout.endswith("2 of 2 identities verified\n")
    missing = run("verify", "double-fo", "--identities", str(mine))
    assert missing.exit_code == 2
    assert "double-form" in missing.output
