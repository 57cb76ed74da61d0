"""What a claim is about: the variable, lines taken out of a program, adjoints and index forms written out."""

from __future__ import annotations

import pytest

from matcalc.checking.setting import Setting, setting_of, without_line
from matcalc.errors import InputError, ShapeError, UnknownName, UnsupportedError
from matcalc.language.parse import parse, read
from matcalc.numeric.verify import verify_equal
from matcalc.printing.text import text

PROGRAM = "x: vector(n)\nz = A*x  # the line\nw = z'*z\nL = exp(w) + w"


def about(function: str, wrt: str | None, declare: str | None = None, claim: str = "0") -> Setting:
    return setting_of(function, wrt, claim, declare, None, "gradient", "auto")


def test_a_line_taken_out_becomes_a_variable_of_its_shape() -> None:
    problem = read(PROGRAM)
    cut = without_line(problem, "z", None)

    assert text(cut.function) == "exp(z'*z) + z'*z"
    assert cut.kinds["z"].text() == f"vector({cut.kinds['A'].rows})"
    assert "w" in dict(cut.definitions)
    assert without_line(cut, "w", None).kinds["w"].text() == "scalar"


def test_a_line_of_a_loop_is_refused() -> None:
    problem = read("x: vector(n)\nh0 = x\nfor i in 1..3: h{i} = sin(h{i-1})\nL = sum(h3)")

    with pytest.raises(UnsupportedError, match="line of a loop"):
        without_line(problem, "h2", None)


@pytest.mark.parametrize(("of", "name"), [(None, "L"), ("w", "w")])
def test_the_function_itself_is_no_variable(of: str | None, name: str) -> None:
    with pytest.raises(InputError, match="is the function itself"):
        without_line(read(PROGRAM, of=of), name, of)


@pytest.mark.parametrize(
    ("wrt", "name", "letters"),
    [("x", "x", ()), (" X[i, j] ", "X", ("i", "j")), ("λ", "lambda", ()), ("x[i]", "x", ("i",))],
)
def test_the_variable_may_name_its_indices(wrt: str, name: str, letters: tuple[str, ...]) -> None:
    found = about("lambda*sum(X)*sum(x)", wrt, "lambda: scalar")

    assert (found.name, found.letters) == (name, letters)


@pytest.mark.parametrize("wrt", ["x + y", "x[", "[i]", "x y", ""])
def test_what_is_no_variable_is_refused(wrt: str) -> None:
    with pytest.raises(InputError, match="is not a variable"):
        about("x'*x", wrt)


def test_a_function_is_no_variable() -> None:
    with pytest.raises(UnknownName, match="f is not a variable"):
        about("sum(f(x))", "f", "f: function")


def test_names_of_lines_are_written_out() -> None:
    found = about(PROGRAM, "A")

    assert found.claim("z*x'") is parse("A*x*x'", found.problem.kinds)


def test_adjoints_are_written_out() -> None:
    found = about(PROGRAM, "A")
    expected = parse("(exp(x'*A'*A*x) + 1)*2*A*x*x'", found.problem.kinds)

    assert verify_equal(found.claim("dz*x'"), expected)
    assert verify_equal(found.claim("2*dw*z*x'"), expected)


@pytest.mark.parametrize(
    ("function", "wrt", "claim", "array"),
    [
        ("x'*x", "x", "2*x[i]", "2*x"),
        ("r*r'", "r", "2*r[i]", "2*r"),
        ("sum(X)", "X", "X[i, j]*x[i]*y[j]", "X .* (x*y')"),
        ("sum(X)", "X[k, l]", "x[k]*y[l]", "x*y'"),
        ("sum(X)", "X[l, k]", "x[l]*y[k]", "x*y'"),
        ("x'*x", "x[i]", "3", "3*ones(m, 1)"),
        ("x'*x", "x[i]", "sum(j, X[i, j]*y[j])", "X*y"),
    ],
)
def test_an_index_form_is_raised_to_an_array(function: str, wrt: str, claim: str, array: str) -> None:
    declare = "x: vector(m); y: vector(n); X: matrix(m, n); r: row(n)"
    found = about(function, wrt, declare)

    assert verify_equal(found.claim(claim), parse(array, declare))


def test_two_expressions_decide_together_what_names_are() -> None:
    found = about("A*x", None, claim="x + x", declare=None)

    assert found.problem.kinds["A"].shape[0] is found.problem.kinds["A"].shape[1]


@pytest.mark.parametrize(
    ("claim", "name", "hint"),
    [
        ("A*x + A'*X", "X", "did you mean x?"),
        ("A*x + z*A", "z", "the names are x, A; what else the claim may use is to be declared"),
    ],
)
def test_a_claim_that_does_not_fit_because_of_a_name(claim: str, name: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=f"{name} occurs in the claim") as caught:
        setting_of("x'*A*x", "x", claim, None, None, "gradient", "auto").claim(claim)
    assert caught.value.hint == hint


@pytest.mark.parametrize("claim", ["A*x + A", "A*x + A[0, :]", "n*A*x + sin(A)", "A*x + pi*A.T"])
def test_a_claim_of_known_names_that_does_not_fit(claim: str) -> None:
    setting = setting_of("x'*A*x", "x", claim, "A: matrix(n, n)", None, "gradient", "auto")
    with pytest.raises(ShapeError):
        setting.claim(claim)


@pytest.mark.parametrize("wrt", ["B[0, :]", "B[i, :]", "B[0, 1]", "x[0]", "x[:2]"])
def test_claims_about_single_parts_are_refused(wrt: str) -> None:
    with pytest.raises(UnsupportedError, match="claims about single entries") as caught:
        about("x'*B*x", wrt)
    assert "by each entry of it" in str(caught.value.hint)
    assert about("x'*B*x", "B[i, j]").letters == ("i", "j")
