"""``matcalc derive``: formats, what goes to which stream, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import matcalc
from matcalc.cli import main

LEAST_SQUARES = ["norm2(A*x - b)^2", "--wrt", "x"]
KINDS = "with A: matrix(m, n)\n     x: vector(n)\n     b: vector(m)\nlayout: gradient (the shape of the variable)\n"


def run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["derive", *words], input=text, catch_exceptions=False)


def test_pretty_shows_the_formula_the_kinds_and_the_layout() -> None:
    result = run(*LEAST_SQUARES)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == "2Aᵀ(Ax − b)\n" + KINDS


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("text", "2*A'*(A*x - b)\n"),
        ("latex", "2 A^\\top (A x - b)\n"),
        ("sympy", "2*A.T*(A*x - b)\n"),
        ("mathml", matcalc.derive("norm2(A*x - b)^2", "x").mathml() + "\n"),
    ],
)
def test_another_format_prints_that_form_alone(form: str, answer: str) -> None:
    result = run(*LEAST_SQUARES, "--format", form)

    assert result.exit_code == 0
    assert result.stdout == answer
    assert result.stderr == KINDS


def test_numpy_prints_a_module_that_runs() -> None:
    result = run(*LEAST_SQUARES, "--format", "numpy")
    module: dict[str, Any] = {}
    exec(compile(result.stdout, "answer", "exec"), module)
    rng = np.random.default_rng(1)
    a, x, b = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)

    np.testing.assert_allclose(module["gradient"](A=a, x=x, b=b), 2 * a.T @ (a @ x - b))
    assert result.stderr == KINDS


def test_json_is_what_the_language_says() -> None:
    result = run(*LEAST_SQUARES, "--format", "json")
    found = json.loads(result.stdout)

    assert found["function"] == "norm2(A*x - b)^2"
    assert found["variables"] == {"A": "matrix(m, n)", "x": "vector(n)", "b": "vector(m)"}
    assert found["layout"] == "gradient"
    assert found["answers"]["x"]["text"] == "2*A'*(A*x - b)"
    assert found["answers"]["x"]["shape"] == ["n"]
    assert {"conditions", "definitions", "steps", "code"} <= found.keys()
    assert all(step.keys() == {"before", "after", "by", "source"} for step in found["steps"])


def test_the_check_reports_the_residual() -> None:
    pretty = run(*LEAST_SQUARES, "--check")
    text = run(*LEAST_SQUARES, "--check", "--format", "text")

    assert (pretty.exit_code, text.exit_code) == (0, 0)
    assert "verified: largest residual " in pretty.stdout
    assert text.stdout == "2*A'*(A*x - b)\n"
    assert "verified: largest residual " in text.stderr


def test_an_answer_that_fails_the_check_is_status_one(monkeypatch: pytest.MonkeyPatch) -> None:
    derivation = type(matcalc.derive("x'*x", "x"))
    failing = matcalc.derive("x'*x", "x").verify()
    failing = type(failing)(holds=False, residual=0.5, draws=3, reason="the gradient differs")
    monkeypatch.setattr(derivation, "verify", lambda self: failing)
    result = run("x'*x", "--wrt", "x", "--check")

    assert result.exit_code == 1
    assert "NOT verified" in result.stdout
    assert "the gradient differs" in result.stdout


def test_the_layout_is_printed_and_said() -> None:
    result = run("x'*A*x", "--wrt", "x", "--layout", "numerator", "--format", "text")

    assert result.stdout == "x'*(A + A')\n"
    assert "layout: numerator (rows follow the function)" in result.stderr


def test_conditions_and_kinks_are_said() -> None:
    inverse = run("a'*inv(X)*b", "--wrt", "X", "--declare", "a: vector(n)", "--declare", "b: vector(n)")
    kink = run("sum(abs(x))", "--wrt", "x", "--format", "text")

    assert "X is invertible" in inverse.stdout
    assert kink.stdout == "sign(x)\n"
    assert "note: " in kink.stderr


@pytest.mark.parametrize(
    ("form", "mark"), [("text", "# "), ("numpy", "# "), ("pretty", ""), ("latex", ""), ("mathml", "<math ")]
)
@pytest.mark.parametrize("flag", ["--steps", "--steps=full"])
def test_steps_precede_the_answer_in_the_same_form(form: str, mark: str, flag: str) -> None:
    plain = run(*LEAST_SQUARES, "--format", form).stdout
    result = run(flag, *LEAST_SQUARES, "--format", form)

    assert result.exit_code == 0
    assert result.stdout.endswith(plain)
    before = result.stdout.removesuffix(plain).strip().splitlines()
    assert len(before) >= (1 if form == "mathml" else 2)
    assert all(line.startswith(mark) for line in before)
    assert any("squared-norm-of-residual" in line for line in before)
    assert any("Dattorro" in line for line in before) == (flag == "--steps=full")


def test_first_principles_spell_a_known_gradient_out() -> None:
    known = run(*LEAST_SQUARES, "--steps").stdout.splitlines()
    spelt = run(*LEAST_SQUARES, "--steps", "--first-principles").stdout.splitlines()

    assert len(spelt) > len(known)
    assert not any("squared-norm-of-residual" in line for line in spelt)
    assert spelt[-5:] == known[-5:]


def test_text_with_steps_still_parses() -> None:
    text = run(*LEAST_SQUARES, "--format", "text", "--steps").stdout
    d = matcalc.derive("norm2(A*x - b)^2", "x")

    assert matcalc.parse(text, d.kinds) is d.answer


def test_a_program_in_a_file_and_on_standard_input(tmp_path: Path) -> None:
    program = "S: spd(n)\nq = x'*S*x  # a form\nL = log(1 + q)\n"
    file = tmp_path / "loss"
    file.write_text(program, encoding="utf-8")
    from_file = run(str(file), "--wrt", "x", "--format", "text")
    from_input = run("-", "--wrt", "x", "--format", "text", text=program)

    assert from_file.exit_code == 0
    assert from_file.stdout == from_input.stdout
    assert run("-", "--wrt", "x", "--of", "q", "--format", "text", text=program).stdout == "2*S*x\n"


def test_several_variables() -> None:
    result = run("a'*X*b", "--wrt", "X,a", "--format", "text", "--declare", "a: vector(m)", "--declare", "b: vector(n)")

    assert result.exit_code == 0
    assert "a*b'" in result.stdout
    assert "X*b" in result.stdout


def test_a_declared_variable_that_does_not_occur_is_zero_and_said() -> None:
    result = run("a'*x", "--wrt", "y", "--declare", "y: vector(k)", "--declare", "a: vector(n)", "--format", "text")

    assert result.exit_code == 0
    assert result.stdout == "zeros(k, 1)\n"
    assert "y is declared but does not occur" in result.stderr


def test_an_expression_may_begin_with_a_minus_sign() -> None:
    assert run("-sum(log(x))", "--wrt", "x", "--format", "text").stdout == "-1 ./ x\n"


def test_a_users_identities(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[my-form]\nlet = ["a: vector(n)", "x: vector(n)"]\nf = "(a\'*x)^2"\nwrt = "x"\n'
        'gradient = "2*a\'*x*a"\nsource = ["definition"]\n'
    )
    right = run("x'*x", "--wrt", "x", "--identities", str(file), "--format", "text")
    file.write_text(file.read_text().replace("2*a'*x*a", "2*a'*x*z"))
    wrong = run("x'*x", "--wrt", "x", "--identities", str(file))

    assert (right.exit_code, right.stdout) == (0, "2*x\n")
    assert wrong.exit_code == 2
    assert "mine.toml: [my-form] gradient" in wrong.stderr


BAD: list[tuple[list[str], str]] = [
    (["A*x - B*y + A", "--wrt", "x"], ""),
    (["(x'*x", "--wrt", "x"], "^"),
    (["x'*x", "--wrt", "y"], "y neither occurs nor is declared"),
    (["x'*x", "--wrt", ""], "a name is missing"),
    (["x'*x", "--wrt", "x,"], "a name is missing"),
    (["x'*x"], "Missing option '--wrt'"),
    (["x'*x", "--wrt", "x", "--declare", "x: vectr(n)"], "vectr"),
    (["x'*x", "--wrt", "x", "--declare", "x"], ""),
    (["det(A)", "--wrt", "A", "--declare", "A: matrix(m, n)"], "square"),
    (["frobnicate(x, y)", "--wrt", "x"], "frobnicate"),
    (["x^99999999999", "--wrt", "x", "--declare", "x: matrix(n, n)"], ""),
    (["", "--wrt", "x"], ""),
    (["x'*x\x00\x07", "--wrt", "x"], ""),
    (["__import__('os').system('echo hacked')", "--wrt", "x"], ""),
    (["x'*x", "--wrt", "x", "--order", "7"], "order 7"),
    (["x'*x", "--wrt", "x", "--format", "fortran"], "fortran"),
    (["x'*x", "--wrt", "x", "--identities", "missing.toml"], "missing.toml"),
    (["z: complex", "--wrt", "z"], "complex"),
    (["missing.txt", "--wrt", "x"], "there is no file missing.txt"),
    (["\udcff'*x", "--wrt", "x"], ""),
    (["(" * 50_000, "--wrt", "x"], ""),
    (["(" * 50_000 + "x" + ")" * 50_000, "--wrt", "x"], ""),
    (["sin(" * 50_000 + "x" + ")" * 50_000, "--wrt", "x"], ""),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[f"{i}-{' '.join(w)[:20]!r}" for i, (w, _) in enumerate(BAD)])
def test_bad_input_is_one_message_and_status_two(words: list[str], said: str) -> None:
    result = run(*words)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.strip()
    assert len(result.stderr) < 1500
    assert "Traceback" not in result.stderr
    assert "hacked" not in result.stderr.replace("echo hacked", "")


FACTORISATION = ["norm2(T - U*V')^2", "--wrt", "U", "--declare", "U: matrix(n, r); V: matrix(m, r)"]


def test_sizes_choose_between_forms_of_the_code() -> None:
    thin = run(*FACTORISATION, "--format", "numpy", "--sizes", "n=1000,r=10")
    wide = run(*FACTORISATION, "--format", "numpy", "--sizes", "n=10,m=10")
    assert thin.exit_code == wide.exit_code == 0
    assert "U @ (V.T @ V)" in thin.stdout
    assert "(U @ V.T - T) @ V" in wide.stdout


def test_the_size_of_what_is_no_dimension_is_refused_in_place() -> None:
    result = run(*FACTORISATION, "--format", "scipy", "--sizes", "n=1000,q=10")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "q is no dimension\n  n=1000,q=10\n         ^\nthe dimensions here: m, n, r\n"


def test_sizes_are_for_code() -> None:
    result = run(*FACTORISATION, "--sizes", "n=1000")
    assert result.exit_code == 2
    assert "--sizes is for code" in result.stderr


@pytest.mark.parametrize("command", ["derive", "solve"])
def test_without_a_variable_the_names_are_said(command: str) -> None:
    result = CliRunner().invoke(main, [command, "norm2(A*x - b)^2 + f(x)'*x"])
    assert result.exit_code == 2
    assert "Missing option '--wrt': by which of A, x, b?" in result.output
    result = CliRunner().invoke(main, [command, "norm2(A*"])
    assert "Missing option '--wrt'." in result.output


def test_wrt_may_be_repeated() -> None:
    result = CliRunner().invoke(main, ["derive", "x'*A*y", "--wrt", "x", "--wrt", "A, y", "--format", "text"])

    assert result.stdout.splitlines() == ["dx = A*y", "dA = x*y'", "dy = A'*x"]
