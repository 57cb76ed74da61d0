"""Shell completion: the scripts, and what is completed where."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import matcalc
from matcalc.cli import main
from matcalc.cli.completion import FACTS, KINDS, SHELLS, VARIABLE


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


LEAST_SQUARES = ("derive", "norm2(A*x - b)^2", "--declare")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["A: ", "x: ", "b: "]),
        ("x: vec", ["x: vector(n)"]),
        ("x:vec", ["x: vector(n)"]),
        ("b: v", ["b: vector(m)"]),
        ("A: matrix(", ["A: matrix(m, n)"]),
        ("A: sp", ["A: spd(n)"]),
        ("b: scalar; A: sy", ["b: scalar; A: symmetric(n)"]),
        ("A: matrix(m, n), full", ["A: matrix(m, n), fullrank"]),
        ("c: scalar, pos", ["c: scalar, positive"]),
        ("q: vec", ["q: vector(n)"]),
        ("x: mat", ["x: matrix(n, m)"]),
        ("b: mat", ["b: matrix(m, n)"]),
        ("x: tens", []),
        ("z", []),
    ],
)
def test_declarations(typed: str, found: list[str]) -> None:
    assert completed(*LEAST_SQUARES, typed) == found


def test_a_name_that_is_the_only_one_goes_on_with_its_kinds() -> None:
    found = completed(*LEAST_SQUARES, "x")

    assert len(found) == len(KINDS)
    assert "x: vector(n)" in found
    assert completed("solve", "(x", "--declare", "x: v") == ["x: vector(n)"]  # a text that cannot be read


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_declared(kind: str) -> None:
    assert matcalc.read("X(x)" if kind == "function" else "X", {"X": kind}).kinds["X"].text().startswith(kind[:5])


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_can_be_declared(fact: str) -> None:
    assert fact in matcalc.read("X", {"X": f"matrix(n, n), {fact}"}).kinds["X"].text()


def test_in_bash() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    words = ["matcalc", "derive", "'norm2(A*x - b)^2'", "--declare", '"A: mat']
    script = CliRunner().invoke(main, ["completion", "bash"]).stdout
    ask = f"""complete() {{ :; }}
        {script}
        COMP_WORDS=({" ".join(f"$'{word.replace(chr(39), chr(92) + chr(39))}'" for word in words)})
        COMP_CWORD=4
        _matcalc_completion matcalc
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    found = subprocess.run([bash, "-c", ask], capture_output=True, text=True, env=env, check=True)

    assert found.stdout.splitlines() == ["A: matrix(m, n)"]


def test_ids_of_identities() -> None:
    assert "quadratic-form" in completed("identities", "show", "quadratic-f")
