"""Shell completion: the scripts, and what is completed where."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from matcalc.cli import main
from matcalc.cli.completion import SHELLS, VARIABLE


def completed(*words: str) -> list[str]:
    """What the last word may be."""
    *before, last = words
    found = ShellComplete(main, {}, "matcalc", VARIABLE).get_completions(before, last)
    return [item.value for item in found]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in result.stdout


def test_commands_and_options() -> None:
    assert completed("de") == ["derive"]
    assert "--format" in completed("derive", "x'*x", "--fo")
    assert completed("derive", "x'*x", "--format", "la") == ["latex"]
    assert completed("completion", "f") == ["fish"]


def test_the_names_of_the_expression() -> None:
    assert completed("derive", "norm2(A*x - b)^2", "--wrt", "") == ["A", "x", "b"]
    assert completed("derive", "norm2(A*x - b)^2", "--wrt", "A,") == ["A,x", "A,b"]
    assert completed("derive", "-sum(log(xi) + x2)", "--wrt", "x") == ["xi", "x2"]
    assert completed("derive", "sum(X, axis=1)'*y", "--wrt", "") == ["X", "y"]
    assert completed("solve", "norm2(A*x - b)^2", "--wrt", "x") == ["x"]
    assert completed("derive", "missing.txt", "--wrt", "") == []


def test_the_names_of_a_program(tmp_path: Path) -> None:
    file = tmp_path / "loss.txt"
    file.write_text("Z = X*W  # the scores\nL = norm2(Z - Y)^2\n")

    assert completed("derive", str(file), "--wrt", "") == ["Z", "X", "W", "L", "Y"]
    assert completed("check", str(file), "--of", "L") == ["L"]


def test_ids_of_identities() -> None:
    assert "quadratic-form" in completed("identities", "show", "quadratic-f")
