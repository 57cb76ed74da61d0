"""The group: version, help, and the command that is not there yet."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import matcalc
from matcalc.cli import main


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"matcalc {matcalc.__version__}\n")


@pytest.mark.parametrize(
    "words",
    [[], ["derive"], ["check"], ["solve"], ["identities"], ["identities", "list"], ["identities", "verify"]],
)
def test_every_command_has_help(words: list[str]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])

    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert len(result.stdout.splitlines()) > 5


@pytest.mark.parametrize("words", [["derive"], ["check"]])
def test_the_examples_in_the_help_are_lines_of_their_own(words: list[str]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])

    assert sum(line.strip().startswith("matcalc ") for line in result.stdout.splitlines()) >= 5


def test_an_unknown_command_is_status_two() -> None:
    result = CliRunner().invoke(main, ["integrate"])

    assert result.exit_code == 2
    assert "No such command 'integrate'" in result.stderr


def test_the_commands_stand_in_the_order_of_use_each_in_one_line() -> None:
    lines = CliRunner().invoke(main, ["--help"]).stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()

    assert [line.split()[0] for line in lines] == ["derive", "check", "solve", "serve", "identities", "completion"]
    assert not any(line.endswith("...") for line in lines)
