"""Arguments that begin with a minus sign, files, standard input, and exit statuses."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from matcalc.cli.command import MAX_BYTES, ExpressionCommand, FaultGuard, source_text, split_names
from matcalc.errors import InputError, LimitError, ShapeError


@click.command(cls=ExpressionCommand)
@click.argument("expression")
@click.option("--wrt")
@click.option("--check", is_flag=True)
@click.option("--steps", is_flag=False, flag_value="brief", type=click.Choice(["brief", "full"]))
def show(expression: str, wrt: str | None, check: bool, steps: str | None) -> None:
    click.echo(repr((expression, wrt, check, steps)))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["-x'*x", "--wrt", "x"], ("-x'*x", "x", False, None)),
        (["--wrt", "x", "-sum(log(x))"], ("-sum(log(x))", "x", False, None)),
        (["--wrt", "-x", "--check", "-y"], ("-y", "-x", True, None)),
        (["--wrt=x", "-sum(X, axis=0)*y"], ("-sum(X, axis=0)*y", "x", False, None)),
        (["--x'*x", "--wrt", "x"], ("--x'*x", "x", False, None)),
        (["--", "--check"], ("--check", None, False, None)),
        (["-"], ("-", None, False, None)),
        (["-1"], ("-1", None, False, None)),
        (["--steps", "x'*x"], ("x'*x", None, False, "brief")),
        (["--steps=full", "x'*x"], ("x'*x", None, False, "full")),
        (["--steps", "full", "x'*x"], ("x'*x", None, False, "full")),
        (["x'*x", "--steps", "brief", "--check"], ("x'*x", None, True, "brief")),
        (["x'*x", "--steps"], ("x'*x", None, False, "brief")),
    ],
)
def test_an_expression_may_begin_with_a_minus_sign(args: list[str], expected: tuple[object, ...]) -> None:
    result = CliRunner().invoke(show, args)

    assert result.output.strip() == repr(expected)


@pytest.mark.parametrize("args", [["x", "--chek"], ["x", "--wrt"], ["x", "y"], [], ["x", "--steps=twice"]])
def test_a_misused_option_is_status_two(args: list[str]) -> None:
    result = CliRunner().invoke(show, args)

    assert result.exit_code == 2
    assert "Error:" in result.output


@pytest.mark.parametrize(
    ("text", "names"),
    [("x", ["x"]), ("W1, b1", ["W1", "b1"]), ("X[i, j],y", ["X[i, j]", "y"]), ("a , b,c", ["a", "b", "c"])],
)
def test_commas_inside_brackets_do_not_split(text: str, names: list[str]) -> None:
    assert split_names(text) == names


@pytest.mark.parametrize("text", ["", "x,", ",x", "x,,y", "  "])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a name is missing"):
        split_names(text)


def test_a_file_is_read_as_a_program(tmp_path: Path) -> None:
    file = tmp_path / "loss.txt"
    file.write_bytes("\ufeffσ: scalar\nf = σ^2\n".encode())

    assert source_text(str(file)) == "σ: scalar\nf = σ^2\n"


def test_what_names_no_file_is_an_expression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()

    assert [source_text(t) for t in ("x", "X.T", "a\0b", "x" * 5000)] == ["x", "X.T", "a\0b", "x" * 5000]
    with pytest.raises(InputError, match=r"there is no file missing\.txt"):
        source_text("missing.txt")


def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"x'*\xff")
    (tmp_path / "long").write_bytes(b"x" * (MAX_BYTES + 1))

    with pytest.raises(InputError, match="byte 3"):
        source_text(str(tmp_path / "binary"))
    with pytest.raises(LimitError, match="too long"):
        source_text(str(tmp_path / "long"))


def guarded(error: BaseException) -> click.Group:
    @click.group(cls=FaultGuard)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    return group


def test_a_mistake_of_the_user_is_one_message_and_status_two() -> None:
    error = ShapeError("shapes do not fit", text="A*b", position=1, hint="did you mean A'*b?")
    result = CliRunner().invoke(guarded(error), ["fail"])

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "shapes do not fit\n  A*b\n   ^\ndid you mean A'*b?\n"


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), MemoryError(), AssertionError("no")])
def test_a_fault_of_ours_is_an_apology_and_status_seventy(error: Exception) -> None:
    result = CliRunner(env={"MATCALC_DEBUG": ""}).invoke(guarded(error), ["fail"])

    assert result.exit_code == 70
    assert result.stdout == ""
    assert "internal fault" in result.stderr
    assert type(error).__name__ in result.stderr
    assert "Traceback" not in result.stderr


def test_a_fault_of_ours_shows_where_it_is_when_asked() -> None:
    result = CliRunner(env={"MATCALC_DEBUG": "1"}).invoke(guarded(KeyError("x")), ["fail"])

    assert isinstance(result.exception, KeyError)
