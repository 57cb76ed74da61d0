"""Answers in the words of the reader: expanded, with parts named or not, in terms of names of his own."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import matcalc as mc
from matcalc.cli import main
from matcalc.errors import InputError
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.printing.text import text

CASES = {
    f"{file.stem}/{name}": case
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
PROJECTION = ("norm2(v*(p - B*inv(B'*v'*v*B)*B'*v'*(v*p - w)) - w)^2", "B")
DECLARED = {"v": "matrix(m, n)", "B": "matrix(n, k)", "p": "vector(n)", "w": "vector(m)"}


def holds(d: Any) -> bool:
    """Do the lines mean the answer?"""
    return bool(verify_equal(parse(d.text(), d.kinds), d.answer, kinds=d.declared))


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "residuals", "wanted"),
    [
        ("norm2(A*x - b)^2", "x", {}, {"r": "A*x - b"}, "r = A*x - b\n2*A'*r"),
        ("norm2(A*x - b)^2", "x", {}, {"r": "b - A*x"}, "r = b - A*x\n-2*A'*r"),
        ("norm2(b - A*x)^2", "A", {}, {"r": "-b + A*x"}, "r = -b + A*x\n2*r*x'"),
        ("(A*x - b)'*(A*x - b + c*x)", "A", {}, {"r": "A*x - b"}, "r = A*x - b\n(c*x + 2*r)*x'"),
        ("norm2(y - X*w)", "w", {}, {"r": "y - X*w"}, "r = y - X*w\n-X'*r/norm2(r)"),
        ("-sum(y .* log(softmax(W*x)))", "W", {"y": "onehot(k)", "W": "matrix(k, d)"}, {"p": "softmax(W*x)"},
         "p = softmax(W*x)\n(p - y)*x'"),
        ("sum(softplus(X*w)) - y'*X*w", "w", {}, {"s": "sigmoid(X*w)"}, "s = sigmoid(X*w)\nX'*(s - y)"),
        ("sum(softplus(X*w)) - y'*X*w", "w", {}, {"r": "y - sigmoid(X*w)"}, "r = y - sigmoid(X*w)\n-X'*r"),
        ("x/norm2(x)", "x", {}, {"u": "x/norm2(x)"}, "u = x/norm2(x)\n(eye(n) - u*u')/norm2(x)"),
        ("softmax(z)", "z", {}, {"p": "softmax(z)"}, "p = softmax(z)\ndiag(p) - p*p'"),
        ("x'*A*x/(x'*x)", "x", {"A": "symmetric(n)"}, {"rho": "x'*A*x/(x'*x)"},
         "rho = x'*A*x/(x'*x)\n2*(A*x - rho*x)/(x'*x)"),
        (*PROJECTION, DECLARED, {"r": "v*p - w", "M": "v*B", "P": "M*inv(M'*M)*M'"},
         "r = v*p - w\nM = v*B\nP = M*inv(M'*M)*M'\n2*v'*(P*r - r)*r'*M*inv(M'*M)"),
    ],
)  # fmt: skip
def test_the_reader_names_a_part(
    f: str, wrt: str, declare: dict[str, str], residuals: dict[str, str], wanted: str
) -> None:
    d = mc.derive(f, wrt, declare, residuals=residuals)

    assert d.text() == wanted
    assert holds(d)
    assert [name for name, _ in d.definitions] == list(residuals)


def test_a_hessian_in_terms_of_the_probabilities() -> None:
    kinds = {"X": "matrix(N, d)", "y": "vector(N)"}
    d = mc.derive("sum(log(1 + exp(X*w))) - y'*X*w", "w", kinds, order=2, residuals={"s": "sigmoid(X*w)"})

    assert d.text() == "s = sigmoid(X*w)\nX'*diag(s .* (1 - s))*X"
    assert holds(d)


def test_a_name_that_does_not_help_is_reported() -> None:
    d = mc.derive("norm2(A*x - b)^2", "x", residuals={"z": "A'*b"})

    assert d.text() == "2*A'*(A*x - b)"
    assert "z does not occur in the answer" in d.notes


@pytest.mark.parametrize(
    ("residuals", "complaint"),
    [
        ({"b": "A*x"}, "already"),
        ({"dx": "A*x"}, "already"),
        ({"r": "A*q"}, "does not occur"),
        ({"r": "x"}, "name for a name"),
        ({"2r": "A*x"}, "not a name"),
    ],
)
def test_names_that_cannot_be_used_are_refused(residuals: dict[str, str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        mc.derive("norm2(A*x - b)^2", "x", residuals=residuals)


def test_a_program_names_its_parts_itself() -> None:
    with pytest.raises(InputError, match="names its parts itself"):
        mc.derive("r = A*x - b\nr'*r", "x", residuals={"s": "A*x"})


def test_residual_and_projector_are_found() -> None:
    d = mc.derive(*PROJECTION, DECLARED, where="always")
    lines = [line.split(" = ")[0] for line in d.text().splitlines()[:-1]]

    assert lines == ["r", "U", "K", "P"]
    assert text(dict(d.definitions)["r"]) == "v*p - w"
    assert text(dict(d.definitions)["P"]) in ("U*inv(U'*U)*U'", "U*K*U'")
    assert d.text().splitlines()[-1].startswith("2*v'*(P*r - r)*r'*U*")
    assert holds(d)


@pytest.mark.parametrize(
    ("f", "wrt", "wanted"),
    [
        ("norm2(A*x - b)^2", "x", "r = A*x - b\n2*A'*r"),
        ("norm2(Y - X*W)^2", "W", "R = X*W - Y\n2*X'*R"),
        ("x'*A*x", "x", "(A + A')*x"),
        ("sum(exp(A*x) .* sin(A*x))", "x", "u = A*x\nA'*(exp(u) .* (cos(u) + sin(u)))"),
    ],
)
def test_where_it_is_always_wanted(f: str, wrt: str, wanted: str) -> None:
    d = mc.derive(f, wrt, where="always")

    assert d.text() == wanted
    assert holds(d)


def test_where_it_is_never_wanted() -> None:
    long = "sin(" * 30 + "c" + ")" * 30

    assert mc.derive(long, "c").definitions
    assert mc.derive(long, "c", where="never").definitions == ()
    written_out = mc.derive("r = A*x - b\nr'*r", "x", where="never")
    assert written_out.text() == "2*A'*(A*x - b)"


@pytest.mark.parametrize("name", list(CASES)[::6])
def test_named_lines_mean_the_answer_and_are_no_longer(name: str) -> None:
    case = CASES[name]
    d = mc.derive(case["f"], case["wrt"], case.get("declare"), where="always")
    (answer,) = d.written

    assert length(answer) <= length(d.answer)
    assert parse(d.text(), d.kinds) is d.answer
    assert d.verify()


def test_names_avoid_bound_indices() -> None:
    """r is the index of the sum: no residual may be called so."""
    d = mc.derive("norm2(A^k*x - b)^2", "A", "k: integer; A: matrix(n, n)", where="always")

    assert d.definitions
    assert parse(d.text(), d.kinds) is d.answer


@pytest.mark.parametrize(
    ("f", "wrt", "wanted"),
    [
        ("norm2(A*x - b)^2", "x", "2*A'*A*x - 2*A'*b"),
        ("x'*A*x", "x", "A'*x + A*x"),
        ("(a'*x + c)^2", "x", "2*(a'*x)*a + 2*c*a"),
    ],
)
def test_expanded(f: str, wrt: str, wanted: str) -> None:
    kinds = {"a": "vector(n)"} if "a'" in f else {}
    d = mc.derive(f, wrt, kinds, expand=True)

    assert d.text() == wanted
    assert d.verify()


@pytest.mark.parametrize("name", list(CASES)[3::9])
def test_expanded_answers_are_right(name: str) -> None:
    case = CASES[name]
    d = mc.derive(case["f"], case["wrt"], case.get("declare"), expand=True)

    assert d.verify()


def test_expanded_in_numerator_layout() -> None:
    assert mc.derive("norm2(A*x - b)^2", "x", expand=True, layout="numerator").text() == "2*x'*A'*A - 2*b'*A"


def test_an_unknown_way_of_naming_is_refused() -> None:
    with pytest.raises(InputError, match="named"):
        mc.derive("x'*x", "x", where="sometimes")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["derive", *arguments])


def test_the_controls_of_the_command() -> None:
    f = "norm2(A*x - b)^2"
    named = run(f, "--wrt", "x", "--residual", "r=A*x-b", "--format", "text")
    assert (named.exit_code, named.stdout) == (0, "r = A*x - b\n2*A'*r\n")
    assert run(f, "--wrt", "x", "--where", "always", "--format", "text").stdout == named.stdout
    assert run(f, "--wrt", "x", "--expand", "--format", "text").stdout == "2*A'*A*x - 2*A'*b\n"
    assert run(f, "--wrt", "x", "--factor", "--format", "text").stdout == "2*A'*(A*x - b)\n"
    data = json.loads(run(f, "--wrt", "x", "--residual", "r = b - A*x", "--format", "json").stdout)
    assert data["definitions"] == {"r": "b - A*x"}
    assert data["answers"]["x"]["text"] == "-2*A'*r"


@pytest.mark.parametrize("typed", ["r", "=A*x", "r="])
def test_what_is_no_definition_is_refused(typed: str) -> None:
    done = run("norm2(A*x - b)^2", "--wrt", "x", "--residual", typed)

    assert done.exit_code == 2
    assert "no definition" in done.output


def test_a_formula_of_more_than_a_line_is_named_where_it_gets_half_as_long() -> None:
    d = mc.derive("norm2(softmax(Q*K'/sqrt(d), axis=1)*V - Y)^2", "Q")
    assert d.text().splitlines() == [
        "P = softmax(Q*K'/sqrt(d), axis=1)",
        "U = (P*V - Y)*V'",
        "2*(P .* (U - (U .* P)*ones(p, p)))*K/sqrt(d)",
    ]
    assert parse(d.text(), d.kinds) is d.answer
