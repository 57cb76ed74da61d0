"""On a terminal: lines that fit, color, a bar; elsewhere the text alone."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given
from strategies import examples, expressions

import matcalc
from matcalc.cli import main
from matcalc.cli.group import FIRST
from matcalc.cli.terminal import broken
from matcalc.expr import Expr
from matcalc.printing.pretty import pretty

pty = pytest.importorskip("pty")
fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")

LOGISTIC = ["derive", "1/n*sum(log(1 + exp(-y .* (X*w))))", "--wrt", "w", "--declare", "X: matrix(n, d)", "--steps"]
EVERYTHING = [
    LOGISTIC,
    ["derive", "norm2(A*x - b)^2", "--wrt", "x", "--check"],
    ["derive", "tr(expm(X)*B) + norm2(pinv(X)*y)", "--wrt", "X"],
    ["derive", "logdet(X)", "--wrt", "X", "--order", "2"],
    ["derive", "X: matrix(N, d); Z = X*W; norm2(Z - Y)^2", "--wrt", "Z,W", "--format", "pretty"],
    ["check", "x'*A*x", "--wrt", "x", "--equals", "2*A*x"],
    ["solve", "norm2(X*w - y)^2 + c*norm2(w)^2", "--wrt", "w", "--declare", "c: scalar, positive"],
    ["derive", "x'*A*", "--wrt", "x"],
    [],
]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(words: list[str], columns: int, **environment: str) -> str:
    """What a terminal of that width gets from the command, standard output and errors alike."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "matcalc", *words], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**known, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip
    os.close(theirs)
    found = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        found += part
    process.wait()
    os.close(ours)
    return found.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("words", EVERYTHING, ids=lambda words: " ".join(words)[:30] or "greeting")
def test_lines_fit_a_terminal(words: list[str], columns: int) -> None:
    if not words and columns < 80:
        pytest.skip("commands are not broken: they are to be copied")
    shown = ESCAPE.sub("", on_terminal(words, columns))

    assert shown
    assert [line for line in shown.splitlines() if len(line) > columns] == []


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", ESCAPE.sub("", text))


def test_a_terminal_gets_the_same_words_as_a_pipe() -> None:
    for words in (EVERYTHING[i] for i in (0, 1, 3, 4)):
        piped = CliRunner().invoke(main, words)
        assert squeezed(on_terminal(words, 50)) == squeezed(piped.stdout)


def test_fractions_and_matrices_on_a_terminal() -> None:
    words = ["derive", "norm2(x - c)^2/(a + b)", "--wrt", "x", "--declare", "c: vector(n)"]

    assert on_terminal(words, 80, NO_COLOR="1").startswith(" 2(x − c)\n──────────\n  a + b\nwith ")
    assert CliRunner().invoke(main, words).stdout.startswith("2(x − c)/(a + b)\n")


def test_color_is_for_terminals_that_want_it() -> None:
    words = ["derive", "norm2(A*x - b)^2", "--wrt", "x", "--check"]

    assert "\x1b[1m2Aᵀ(Ax − b)\x1b[0m" in on_terminal(words, 80)
    assert "\x1b[" not in on_terminal(words, 80, NO_COLOR="1")
    assert "\x1b[" not in on_terminal(words, 80, TERM="dumb")
    assert "\x1b[" not in CliRunner().invoke(main, words).stdout


def test_outcomes_in_color() -> None:
    assert "\x1b[31mdoes not hold" in on_terminal(EVERYTHING[5], 80)
    assert "\x1b[32mverified" in on_terminal(EVERYTHING[1], 80)
    assert "\x1b[31mthe text ends too early" in on_terminal(EVERYTHING[7], 80)


def test_another_form_than_pretty_is_never_broken() -> None:
    words = ["derive", "1/n*sum(log(1 + exp(-y .* (X*w))))", "--wrt", "w", "--declare", "X: matrix(n, d)"]
    shown = on_terminal([*words, "--format", "text"], 20, NO_COLOR="1").splitlines()[0]

    assert shown == CliRunner().invoke(main, [*words, "--format", "text"]).stdout.strip()


def test_a_bar_while_identities_are_verified() -> None:
    words = ["identities", "verify", "inv", "quadratic-form"]
    shown = on_terminal(words, 40)
    piped = CliRunner().invoke(main, words)

    assert "verifying" in shown
    assert all(len(ESCAPE.sub("", part)) <= 40 for part in re.findall(r"verifying[^\r\n\x1b]*", shown))
    assert "verifying" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("columns", [40, 72])
@given(made=expressions(depth=3))
@examples(60)
def test_a_broken_formula_is_the_same_formula(made: tuple[Expr, object], columns: int) -> None:
    line = f"gradient = {pretty(made[0])}"
    lines = broken(line, columns)

    assert squeezed("".join(lines)) == squeezed(line)
    assert len(lines) > 1 or len(line) <= columns or not re.search(r" [+−⊙] ", line)
    assert all(part.strip() for part in lines)


@pytest.mark.parametrize(
    ("line", "columns", "lines"),
    [
        ("a + b", 20, ["a + b"]),
        ("Aᵀ(Ax − b) + 2λx + Bᵀ(Bx − c)", 20, ["Aᵀ(Ax − b) + 2λx", "    + Bᵀ(Bx − c)"]),
        ("x = aaaaaaaa + bbbbbbbb + cccc", 20, ["x = aaaaaaaa", "    + bbbbbbbb", "    + cccc"]),
        ("d(f(aaaa) + g(bbbb)) = cccc + d", 24, ["d(f(aaaa) + g(bbbb))", "    = cccc + d"]),
    ],
)
def test_where_a_line_breaks(line: str, columns: int, lines: list[str]) -> None:
    assert broken(line, columns) == lines


def test_the_greeting() -> None:
    result = CliRunner().invoke(main, [])

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) <= 10
    assert len(FIRST) == 3
    for command, _ in FIRST:
        assert command in result.stdout


def test_the_examples_of_the_greeting_work() -> None:
    import shlex

    statuses = [CliRunner().invoke(main, shlex.split(command)[1:]).exit_code for command, _ in FIRST]
    assert statuses == [0, 1, 0]  # the claim is wrong
    assert matcalc.derive("norm2(A*x - b)^2", "x").pretty() in FIRST[0][1]
