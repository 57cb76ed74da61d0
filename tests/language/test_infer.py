"""Undeclared names: the convention, the fewest departures from it, sizes by unification."""

from __future__ import annotations

import pytest

from matcalc.errors import InputError, MatcalcError
from matcalc.language.names import conventional_form, is_greek, spelled
from matcalc.language.parse import read
from matcalc.language.unknowns import Unknowns
from matcalc.shapes import ONE, Dim

# what the documentation of matrixcalculus.org gives as valid, with its meaning
MATRIXCALCULUS = [
    ("0.5*x'*A*x", "scalar", {"x": "vector(n)", "A": "matrix(n, n)"}),
    ("A*exp(x)", "vector", {"A": "matrix(m, n)", "x": "vector(n)"}),
    ("(y.*v)'*x", "scalar", {"y": "vector(n)", "v": "vector(n)", "x": "vector(n)"}),
    ("a^b", "scalar", {"a": "scalar", "b": "scalar"}),
    ("norm1(A*x-y)", "scalar", {"A": "matrix(m, n)", "x": "vector(n)", "y": "vector(m)"}),
    ("norm2(A*x-y)^2", "scalar", {"A": "matrix(m, n)", "x": "vector(n)", "y": "vector(m)"}),
    (
        "sum(log(exp(-y.*(X*w)) + vector(1)))",
        "scalar",
        {"y": "vector(n)", "X": "matrix(n, m)", "w": "vector(m)"},
    ),
    (
        "tr(A*X'*B*X*C)",
        "scalar",
        {"A": "matrix(m, n)", "X": "matrix(p, n)", "B": "matrix(p, p)", "C": "matrix(n, m)"},
    ),
    ("log(det(inv(X)))", "scalar", {"X": "matrix(n, n)"}),
]

DEPARTURES = [
    ("A*x - b", {"A": "matrix(m, n)", "x": "vector(n)", "b": "vector(m)"}),
    ("(x - mu)'*inv(S)*(x - mu)", {"x": "vector(n)", "mu": "vector(n)", "S": "matrix(n, n)"}),
    ("x - b", {"x": "vector(n)", "b": "vector(n)"}),
    ("A*x - lambda*b", {"A": "matrix(m, n)", "x": "vector(n)", "lambda": "scalar", "b": "vector(m)"}),
    ("c*x + b", {"c": "scalar", "x": "vector(n)", "b": "vector(n)"}),
    ("1/n*sum(x)", {"n": "scalar", "x": "vector(m)"}),
    ("sum((x - mean(x)).^2)/(n - 1)", {"x": "vector(m)", "n": "scalar"}),
    ("(n - 1)*x'*x", {"n": "scalar", "x": "vector(m)"}),
    ("n/2*logdet(P) - 1/2*tr(P*M)", {"n": "scalar", "P": "matrix(m, m)", "M": "matrix(m, m)"}),
    ("x'*A*x + b'*x + c", {"x": "vector(n)", "A": "matrix(n, n)", "b": "vector(n)", "c": "scalar"}),
    ("x^2 + y", {"x": "scalar", "y": "scalar"}),
    ("1 - k .* x", {"k": "vector(n)", "x": "vector(n)"}),
    ("N*log(2*pi) + logdet(S)", {"N": "scalar", "S": "matrix(n, n)"}),
    ("-n/2*log(2*pi*s) - x'*x/(2*s)", {"n": "scalar", "s": "scalar", "x": "vector(m)"}),
    ("sqrt(x^2 + exp(x^2))", {"x": "scalar"}),
    ("(yhat - y)^2/2", {"yhat": "scalar", "y": "scalar"}),
    ("exp(-norm2(x - y)^2/(2*s^2))", {"x": "vector(n)", "y": "vector(n)", "s": "scalar"}),
    ("x*A*x'", {"x": "row(n)", "A": "matrix(n, n)"}),
    ("x' + b", {"x": "vector(n)", "b": "row(n)"}),
    ("X*W + b", {"X": "matrix(m, n)", "W": "matrix(n, p)", "b": "matrix(m, p)"}),
    ("X^k", {"X": "matrix(n, n)", "k": "integer"}),
    ("X[i, j]", {"X": "matrix(m, n)", "i": "integer", "j": "integer"}),
    ("sum(r in 0..k-1, X^r)", {"k": "integer", "X": "matrix(n, n)"}),
    ("1/N*sum((X*w - y).^2)", {"N": "scalar", "X": "matrix(m, n)", "w": "vector(n)", "y": "vector(m)"}),
    ("x - mean(y)", {"x": "vector(n)", "y": "vector(m)"}),
    ("x'*x + x", {"x": "vector(n)"}),
    ("z - logsumexp(z)", {"z": "vector(n)"}),
    ("sum(y .* log(p) + (1 - y) .* log(1 - p))", {"y": "vector(n)", "p": "vector(n)"}),
    ("max(0, 1 - y .* p)", {"y": "vector(n)", "p": "vector(n)"}),
]


def kinds(text: str, declare: str | None = None) -> dict[str, str]:
    return {name: kind.text() for name, kind in read(text, declare).kinds.items()}


@pytest.mark.parametrize(("text", "form", "expected"), MATRIXCALCULUS, ids=[c[0] for c in MATRIXCALCULUS])
def test_inputs_of_matrixcalculus_mean_the_same(text: str, form: str, expected: dict[str, str]) -> None:
    function = read(text).function

    assert (function.is_scalar, function.cols is ONE) == (form == "scalar", True)
    assert kinds(text) == expected


@pytest.mark.parametrize(("text", "expected"), DEPARTURES, ids=[c[0] for c in DEPARTURES])
def test_as_few_names_as_possible_leave_their_convention(text: str, expected: dict[str, str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("x*y", ["x is a row", "y is a row", "x is a scalar", "y is a scalar"]),
        ("x*A", ["x is a row", "x is a scalar"]),
        ("x + a*b", ["a is a vector", "b is a vector"]),
    ],
)
def test_equal_readings_are_listed(text: str, listed: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(text)

    assert sorted(line.strip() for line in caught.value.message.splitlines()[1:]) == sorted(listed)
    assert caught.value.position is not None


@pytest.mark.parametrize(
    ("text", "declare", "expected"),
    [
        ("A*x - b", "A: matrix(3, 5)", {"A": "matrix(3, 5)", "x": "vector(5)", "b": "vector(3)"}),
        ("x'*A*x", "x: vector(k)", {"x": "vector(k)", "A": "matrix(k, k)"}),
        ("[x; 1]'*w", "x: vector(d)", {"x": "vector(d)", "w": "vector(d + 1)"}),
        ("x[:-1]'*w", "w: vector(d)", {"x": "vector(d + 1)", "w": "vector(d)"}),
        ("X[:, 1:]*w", None, {"X": "matrix(m, n)", "w": "vector(n - 1)"}),
        ("kron(A, B)*x", "A: matrix(m, n); B: matrix(p, q)",
         {"A": "matrix(m, n)", "B": "matrix(p, q)", "x": "vector(n*q)"}),
        ("vec(X)'*A*vec(X)", None, {"X": "matrix(m, n)", "A": "matrix(m*n, m*n)"}),
        ("unvec(x, 2, k)", None, {"x": "vector(2*k)"}),
        ("[A, B; C, D]*z", None, {"A": "matrix(m, n)", "B": "matrix(m, p)", "C": "matrix(q, n)", "D": "matrix(q, p)",
                                  "z": "vector(n + p)"}),
        ("n*m + x'*A*x", "n: scalar; m: scalar", {"n": "scalar", "m": "scalar", "x": "vector(p)", "A": "matrix(p, p)"}),
        ("2*eye + A", None, {"A": "matrix(n, n)"}),
        ("sum(i, x[i]*y[i])", None, {"x": "vector(n)", "y": "vector(n)"}),
        ("sum(i, sum(j, A[i, j]*x[i]*y[j]))", None, {"A": "matrix(m, n)", "x": "vector(m)", "y": "vector(n)"}),
    ],
)  # fmt: skip
def test_sizes_follow_from_the_declared_ones(text: str, declare: str | None, expected: dict[str, str]) -> None:
    assert kinds(text, declare) == expected | {k: v for k, v in kinds(text, declare).items() if k not in expected}
    assert list(expected) == [k for k in kinds(text, declare) if k in expected]


def test_invented_dimensions_avoid_every_name() -> None:
    found = kinds("n*m + p(x'*A*x) + q'*r", "n: scalar; m: scalar; q: vector(k); r: vector(k); p: function")

    assert found["x"] == "vector(l)"


@pytest.mark.parametrize("text", ["tr(eye)", "sum(vector(1))", "sum(matrix(2))"])
def test_a_constant_without_a_size_needs_one(text: str) -> None:
    with pytest.raises(MatcalcError, match="size"):
        read(text)


def test_a_free_dimension_is_never_one() -> None:
    with pytest.raises(MatcalcError):
        read("A*x", "A: matrix(m, 1)")


def test_repairs_in_programs_are_made_line_by_line() -> None:
    text = "h0 = x\nfor i in 1..60: h{i} = s(W{i}*h{i-1} + b{i})\nnorm2(y - h60)^2"
    found = kinds(text)

    assert all(found[f"b{i}"].startswith("vector") and found[f"W{i}"].startswith("matrix") for i in range(1, 61))


def test_a_later_line_may_change_the_reading_of_a_name_of_an_earlier_one() -> None:
    assert kinds("e1 = 2*b\nA*x - e1") == {"b": "vector(n)", "A": "matrix(n, m)", "x": "vector(m)"}


@pytest.mark.parametrize(
    ("name", "form"),
    [("a", "scalar"), ("g", "scalar"), ("h", "vector"), ("z", "vector"), ("A", "matrix"), ("Z", "matrix"),
     ("mu", "scalar"), ("theta_1", "scalar"), ("lambda2", "scalar"), ("Sigma", "matrix"), ("muon", "vector"),
     ("Sigma_x", "matrix"), ("xi", "scalar"), ("x1", "vector"), ("yhat", "vector"), ("loss", "vector")],
)  # fmt: skip
def test_the_first_letter_decides(name: str, form: str) -> None:
    assert conventional_form(name) == form


def test_greek_names_have_one_spelling() -> None:
    assert [spelled(n) for n in ("λ", "lambda", "Σ", "φ", "ϕ", "ε", "ϵ", "µ", "μ", "x₁₂", "σ_x")] == [
        "lambda", "lambda", "Sigma", "phi", "phi", "epsilon", "epsilon", "mu", "mu", "x12", "sigma_x",
    ]  # fmt: skip
    assert is_greek("tau3")
    assert not is_greek("taut")


def test_linear_equations_between_sizes_are_solved() -> None:
    unknowns = Unknowns()
    u, v = unknowns.fresh(), unknowns.fresh()
    n = Dim.of("n")

    assert unknowns.same(u + 1, n + 3)
    assert unknowns.find(u) is n + 2
    assert unknowns.same(v * n, n * u)
    assert unknowns.find(v) is n + 2
    assert not unknowns.same(u, v + 1)
    assert unknowns.settle() is None


def test_bindings_are_undone() -> None:
    unknowns = Unknowns()
    u = unknowns.fresh()
    mark = unknowns.mark()

    assert unknowns.same(u, Dim.of(3))
    unknowns.undo(mark)
    assert unknowns.find(u) is u
    assert not unknowns.same(u, ONE)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("vec(A)'*vec(X)", {"A": "matrix(m, n)", "X": "matrix(m, n)"}),
        ("logdet(kron(A, B))", {"A": "matrix(n, n)", "B": "matrix(m, m)"}),
        ("kron(A, B)*vec(X) - vec(Y)", {"X": "matrix(q, n)", "Y": "matrix(p, m)"}),
    ],
)
def test_sizes_that_products_leave_open_are_paired_factor_by_factor(text: str, kinds: dict[str, str]) -> None:
    found = read(text).kinds
    assert {name: found[name].text() for name in kinds} == kinds


@pytest.mark.parametrize(
    ("text", "declare", "message"),
    [
        ("x[n]", "x: vector(n)", "the index n is out of range for size n"),
        ("x[n + 2]", "x: vector(n)", "out of range"),
        ("x[-n - 1]", "x: vector(n)", "out of range"),
        ("A[0, 3]", "A: matrix(m, 3)", "the index 3 is out of range for size 3"),
        ("x[-4]", "x: vector(3)", "out of range"),
        ("sum(i, x[i]*x[i + 1])", "x: vector(n)", "leaves x when i runs over all of it"),
        ("sum(i, x[i]*x[i - 1])", "x: vector(n)", "leaves x when i runs over all of it"),
        ("sum(k in 0..-5, k*x'*x)", "x: vector(n)", "the sum from 0 to -5 is empty"),
    ],
)
def test_an_index_that_is_outside_for_every_size_is_refused(text: str, declare: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text, declare)


@pytest.mark.parametrize(
    ("text", "declare"),
    [
        ("x[n - 1]", "x: vector(n)"),
        ("x[-n]", "x: vector(n)"),
        ("x[k + n]", "x: vector(n)"),  # k may be negative
        ("sum(i, x[i]*x[n - 1 - i])", "x: vector(n)"),
        ("sum(i in 0..n-2, x[i]*x[i + 1])", "x: vector(n)"),
        ("sum(k in 0..0, k*x'*x)", "x: vector(n)"),
    ],
)
def test_an_index_that_may_be_inside_is_read(text: str, declare: str) -> None:
    assert read(text, declare)


def test_a_name_with_an_index_in_a_program_is_no_product() -> None:
    cell = "f = sigmoid(Wf*x + Uf*h)\ng = tanh(Wx*x + Wh*h)\nnorm2(f .* g)^2"
    assert read(cell).kinds["Wf"].form == "matrix"
    for product in ("norm2(Ax - b)^2 + x'*x", "y = A*x\nnorm2(Ax - y)^2"):
        with pytest.raises(InputError, match=r"is Ax the product A\*x"):
            read(product)
