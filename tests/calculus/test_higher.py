"""Jacobians and Hessians: every form is right, and so is the generated code, at rectangular sizes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from higher_cases import HESSIANS, JACOBIANS, arrays, differences

import matcalc
from matcalc.expr import symbols, topological
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.symmetry import is_symmetric

UNDEFINED = [case for case in [*JACOBIANS, *HESSIANS] if "function" in case[2]]
ids = [f"{f} by {w}" for f, w, _ in JACOBIANS]
second_ids = [f"{f} by {w}" for f, w, _ in HESSIANS]


@cache
def derived(f: str, wrt: str, declare: str, order: int) -> matcalc.Derivation:
    return matcalc.derive(f, wrt, declare, order=order)


@cache
def module(f: str, wrt: str, declare: str, order: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(derived(f, wrt, declare, order).source(), names)
    return names


def relative(found: Any, wanted: Any) -> float:
    return float(np.abs(np.asarray(found) - wanted).max() / max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize(("f", "wrt", "declare"), JACOBIANS, ids=ids)
def test_a_jacobian_is_right_in_every_form(f: str, wrt: str, declare: str) -> None:
    verdict = derived(f, wrt, declare, 1).verify()

    assert verdict, verdict.reason
    assert verdict.residual < 1e-7


@pytest.mark.parametrize(("f", "wrt", "declare"), HESSIANS, ids=second_ids)
def test_a_hessian_is_right_in_every_form(f: str, wrt: str, declare: str) -> None:
    verdict = derived(f, wrt, declare, 2).verify()

    assert verdict, verdict.reason
    assert verdict.residual < 1e-7


@pytest.mark.parametrize(("f", "wrt", "declare"), [c for c in JACOBIANS if c not in UNDEFINED])
def test_the_code_of_a_jacobian_gives_the_array(f: str, wrt: str, declare: str) -> None:
    d, names = derived(f, wrt, declare, 1), module(f, wrt, declare, 1)
    values = arrays(d, seed=1)
    found = names["jacobian"](**values)
    for name, array in zip(wrt.split(","), found if "," in wrt else [found], strict=True):
        (wanted,) = differences(names["value"], values, name, d.declared[name].facts)

        assert np.shape(array) == np.shape(names["value"](**values)) + np.shape(values[name])
        assert relative(array, wanted) < 1e-7


@pytest.mark.parametrize(("f", "wrt", "declare"), [c for c in HESSIANS if c not in UNDEFINED])
def test_the_code_of_a_hessian_gives_the_array_and_its_products(f: str, wrt: str, declare: str) -> None:
    d, names = derived(f, wrt, declare, 2), module(f, wrt, declare, 2)
    by = wrt.split(",")
    values = arrays(d, seed=2)
    found = names["hessian"](**values)
    blocks = found if len(by) > 1 else ((found,),)
    rng = np.random.default_rng(3)
    steps = {name: rng.standard_normal(np.shape(values[name])) for name in by}
    products = names["hvp"](**values, **{f"d{n}": s if s.ndim else float(s) for n, s in steps.items()})
    products = products if len(by) > 1 else (products,)
    totals = [0.0] * len(by)
    for j, name in enumerate(by):
        wanted = differences(names["gradient"], values, name, d.declared[name].facts)
        for i in range(len(by)):
            assert np.shape(blocks[i][j]) == np.shape(values[by[i]]) + np.shape(values[name])
            assert relative(blocks[i][j], wanted[i]) < 1e-7
            totals[i] = totals[i] + np.tensordot(blocks[i][j], steps[name], np.ndim(steps[name]))
    for product, total in zip(products, totals, strict=True):
        assert relative(product, total) < 1e-9


@pytest.mark.parametrize(("f", "wrt", "declare", "order"), [(*c, 1) for c in JACOBIANS] + [(*c, 2) for c in HESSIANS])
def test_the_printed_forms_read_back_and_balance(f: str, wrt: str, declare: str, order: int) -> None:
    d = derived(f, wrt, declare, order)
    if len(d.answers) == 1 and not d.definitions:
        assert parse(d.text(), d.kinds) is d.answer
    latex = d.latex()

    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert d.pretty()


@pytest.mark.parametrize(
    ("f", "declare", "expected"),
    [
        ("A*x", "A: matrix(m, n)", "A"),
        ("softmax(x)", "x: vector(n)", "diag(softmax(x)) - softmax(x)*softmax(x)'"),
        ("exp(A*x)", "A: matrix(m, n)", "diag(exp(A*x))*A"),
        ("x .* (A*x)", "A: matrix(n, n)", "diag(A*x) + diag(x)*A"),
        ("x/norm2(x)", "x: vector(n)", "eye(n)/norm2(x) - x*x'/norm2(x)^3"),
        ("softmax(A*x + b)", "A: matrix(m, n); b: vector(m)",
         "(diag(softmax(A*x + b)) - softmax(A*x + b)*softmax(A*x + b)')*A"),
        ("W2*tanh(W1*x)", "W2: matrix(p, m); W1: matrix(m, n)", "W2*diag(1 - tanh(W1*x).^2)*W1"),
    ],
)  # fmt: skip
def test_jacobians_are_no_longer_than_a_book_prints_them(f: str, declare: str, expected: str) -> None:
    d = derived(f, "x", declare, 1)
    book = parse(expected, d.kinds)

    assert matcalc.check(f, "x", expected, declare)
    assert length(d.answer) <= length(book)


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "expected"),
    [
        ("logsumexp(A*x)", "x", "A: matrix(m, n)", "A'*(diag(softmax(A*x)) - softmax(A*x)*softmax(A*x)')*A"),
        ("-sum(log(b - A*x))", "x", "A: matrix(m, n)", "A'*diag(1 ./ (A*x - b).^2)*A"),
        ("x'*A*x", "x", "A: matrix(n, n)", "A + A'"),
        ("norm2(A*x - b)^2", "x", "A: matrix(m, n)", "2*A'*A"),
        ("sum(log(1 + exp(X*w)))", "w", "X: matrix(m, n)",
         "X'*diag(sigmoid(-X*w) .* sigmoid(X*w))*X"),
    ],
)  # fmt: skip
def test_hessians_are_no_longer_than_a_book_prints_them(f: str, wrt: str, declare: str, expected: str) -> None:
    d = derived(f, wrt, declare, 2)
    book = parse(expected, d.kinds)

    assert length(d.answer) <= length(book)
    assert matcalc.check(expected, None, d.text(), d.kinds)


def test_the_hessian_vector_product_of_a_factorisation_has_no_array_of_four_axes() -> None:
    d = derived("norm2(T - U*V')^2", "U", "T: matrix(m, n); U: matrix(m, k); V: matrix(n, k)", 2)
    form = d.forms["U"]

    assert form.map is parse("2*dU*V'*V", {**d.kinds, "dU": "matrix(m, k)"})
    body = d.source().split("def hvp(")[1]
    assert "einsum" not in body
    assert "kron" not in body


def test_a_vector_by_a_vector_needs_no_kronecker_product() -> None:
    d = derived("A*x/(x'*B*x) + x'*B*x*A*x", "x", "A: matrix(m, n); B: matrix(n, n)", 1)

    assert not {"kron", "commutation", "vec"} & {n.op for n in topological(d.answer)}


def test_a_second_derivative_in_tied_entries_is_refused() -> None:
    with pytest.raises(matcalc.UnsupportedError, match="tied"):
        matcalc.derive("tr(S^2)", "S", "S: symmetric(n)", order=2, structure="tied")


@pytest.mark.parametrize(
    ("f", "declare", "free"),
    [
        ("sum(x)^3", "x: simplex(n)", "6*sum(x)*ones(n, n)"),
        ("(x'*x)^2", "x: unit(n)", "4*(x'*x)*eye(n) + 8*x*x'"),
        ("sum(x)^2*y'*x", "x: onehot(n); y: vector(n)", "2*sum(x)*(ones(n)*y' + y*ones(n)') + 2*x'*y*ones(n, n)"),
    ],
)
def test_facts_of_a_thin_set_shorten_a_hessian_and_are_not_differentiated(f: str, declare: str, free: str) -> None:
    """sum(x) = 1 on the simplex, and yet the second derivative of sum(x)^3 is not zero."""
    d = matcalc.derive(f, "x", declare, order=2)

    assert d.verify()
    assert verify_equal(d.answer, parse(free, d.kinds))
    assert length(d.answer) <= length(parse(free, d.kinds))


@pytest.mark.parametrize(
    ("f", "declare", "expected"),
    [
        ("logdet(diag(x) + K)", "K: spd(n)", "-inv(diag(x) + K).^2"),
        ("logdet(A'*diag(x)*A)", "A: matrix(m, n)", "-(A*inv(A'*diag(x)*A)*A').^2"),
        ("y'*inv(diag(x) + K)*y", "K: spd(n); y: vector(n)",
         "2*diag(inv(diag(x) + K)*y)*inv(diag(x) + K)*diag(inv(diag(x) + K)*y)"),
    ],
)  # fmt: skip
def test_hessians_by_a_diagonal(f: str, declare: str, expected: str) -> None:
    d = matcalc.derive(f, "x", declare, order=2)
    book = parse(expected, d.kinds)

    assert verify_equal(d.answer, book)
    assert length(d.answer) <= length(book)


def test_facts_of_one_variable_in_the_blocks_of_another() -> None:
    d = matcalc.derive("p'*x*sum(p)^2 + x'*x*sum(p)", "p,x", "p: simplex(n); x: vector(n)", order=2)

    assert d.verify()
    assert d["x,x"].text() == "2*eye(n)"
    assert verify_equal(d["p,p"].answer, parse("2*(ones(n)*x' + x*ones(n)') + 2*p'*x*ones(n, n)", d.kinds))
    assert len({id(s) for a in d.answers.values() for s in symbols(a.expr)}) == 2


BY_VECTORS = [c for c in HESSIANS if "," not in c[1] and c[0] not in ("tr(D*A*D*B)",)]


@pytest.mark.parametrize(("f", "wrt", "declare"), BY_VECTORS)
def test_a_hessian_by_a_vector_is_seen_to_be_symmetric(f: str, wrt: str, declare: str) -> None:
    d = derived(f, wrt, declare, 2)
    if not d.forms[wrt].stacked:
        assert is_symmetric(d.answer)


@pytest.mark.parametrize(
    ("function", "wrt", "order", "forms"),
    [
        ("A*X*B", "X", 1, ["linear map", "matrix, columns stacked", "index form"]),
        ("softmax(A*x)", "x", 1, ["linear map", "matrix", "index form"]),
        ("x'*A*x", "x", 2, ["linear map", "matrix", "index form"]),
        ("logdet(X)", "X", 2, ["linear map", "matrix, columns stacked", "index form"]),
        ("logdet(X)", "X", 1, ["differential", "gradient", "index form"]),
        ("c^2*norm2(x)", "c", 1, ["differential", "gradient"]),
    ],
)
def test_a_derivative_has_all_its_readings(function: str, wrt: str, order: int, forms: list[str]) -> None:
    found = matcalc.derive(function, wrt, order=order).readings()

    assert [reading.form for reading in found] == forms
    for reading in found:
        assert " = " in reading.text
        assert " = " in reading.pretty
        assert " = " in reading.latex
        assert "<mo form=\"infix\">=</mo>" in reading.mathml


def test_the_differential_of_a_gradient_is_its_inner_product_with_the_change() -> None:
    declare = "a: vector(m); b: vector(n); r: row(n); S: symmetric(n)"
    for function, wrt, wanted in [
        ("a'*X*b", "X", ["df = a'*dX*b", "G = a*b'", "G[i,j] = a_i*b_j"]),
        ("norm2(r)^2", "r", ["df = 2*dr*r'", "G = 2*r", "G[i] = 2*r_i"]),
        ("tr(S)", "S", ["df = tr(dS)", "G = eye(n)", "G[i,j] = delta_ij"]),
        ("f*G*b'*b", "G", None),  # names that are taken
    ]:
        found = matcalc.derive(function, wrt, declare).readings()
        if wanted is None:
            assert not {reading.text.split(" =")[0] for reading in found} & {"G", "df"}
        else:
            assert [reading.text for reading in found] == wanted


# --- undefined functions ----------------------------------------------------------------------------

SCALAR_OF = "function(vector({})) -> scalar"
SECOND = [
    ("g(A*x)", "x", "A'*hess(g)(A*x)*A"),
    ("sum(s(A*x))", "x", "A'*diag(s''(A*x))*A"),
    ("l(t, x'*p)", "p", "D[2,2](l)(t, p'*x)*x*x'"),
    ("f(p .* x)", "x", "diag(p)*hess(f)(p .* x)*diag(p)"),
    ("g(A*x)", "A", "kron(x*x', hess(g)(A*x))"),
]
OF_UNDEFINED = {
    "g": SCALAR_OF.format("m"), "f": SCALAR_OF.format("n"), "l": "function(scalar, scalar) -> scalar", "s": "function",
    "v": "function(vector(n)) -> vector(m)", "F": "function(matrix(n, k)) -> scalar", "A": "matrix(m, n)",
    "x": "vector(n)", "p": "vector(n)", "y": "vector(m)", "r": "row(k)", "B": "matrix(n, k)", "t": "scalar",
}  # fmt: skip


@pytest.mark.parametrize(("f", "wrt", "wanted"), SECOND)
def test_a_hessian_of_an_undefined_function_is_as_in_a_book(f: str, wrt: str, wanted: str) -> None:
    assert matcalc.derive(f, wrt, OF_UNDEFINED, order=2).text() == wanted


@pytest.mark.parametrize(
    ("f", "wrt", "order", "said"),
    [
        ("v(x)'*y", "x", 2, "v are not supported: it is not scalar-valued"),
        ("g(v(x))", "x", 2, "v are not supported: it is not scalar-valued"),
        ("F(B)", "B", 2, "F by a matrix argument"),
        ("F(x*r)", "x", 2, "F by a matrix argument"),
        ("grad(f)(x)'*p", "x", 2, "third derivatives of f"),
        ("p'*hess(f)(x)*p", "x", 1, "third derivatives of f"),
        ("f(x)", "x", 3, "third derivatives of f"),
    ],
)
def test_what_is_not_known_of_an_undefined_function_is_refused(f: str, wrt: str, order: int, said: str) -> None:
    with pytest.raises(matcalc.UnsupportedError, match=said):
        matcalc.derive(f, wrt, OF_UNDEFINED, order=order)


def test_the_code_of_a_hessian_takes_second_derivatives_as_callables() -> None:
    """g(z) = sum(sin(z)), l(t, u) = exp(t*u), h(c, v) = sin(c)*v'*M*v with M not symmetric."""
    declare = "A: matrix(m, n); x: vector(n); t: scalar; g: function(vector(m)) -> scalar; "
    declare += "l: function(scalar, scalar) -> scalar; h: function(scalar, vector(n)) -> scalar"
    d = matcalc.derive("g(A*x) + l(t, sum(x)) + h(t, x)", "x,t", declare, order=2)
    names: dict[str, Any] = {}
    exec(d.source(), names)
    M = np.arange(9.0).reshape(3, 3)
    functions: dict[str, Any] = {
        "g": lambda z: np.sin(z).sum(), "Dg": np.cos, "Hg": lambda z: -np.diag(np.sin(z)),
        "l": lambda a, b: np.exp(a * b), "D1l": lambda a, b: b * np.exp(a * b), "D2l": lambda a, b: a * np.exp(a * b),
        "D11l": lambda a, b: b * b * np.exp(a * b), "D22l": lambda a, b: a * a * np.exp(a * b),
        "D12l": lambda a, b: (1 + a * b) * np.exp(a * b),
        "h": lambda c, v: np.sin(c) * v @ M @ v, "D1h": lambda c, v: np.cos(c) * v @ M @ v,
        "D2h": lambda c, v: np.sin(c) * (M + M.T) @ v, "D11h": lambda c, v: -np.sin(c) * v @ M @ v,
        "D12h": lambda c, v: np.cos(c) * (M + M.T) @ v, "D22h": lambda c, v: np.sin(c) * (M + M.T),
    }  # fmt: skip
    rng = np.random.default_rng(3)
    given = {"A": rng.normal(size=(2, 3)), "x": rng.normal(size=3), "t": 0.4}
    found = names["hessian"](**given, **functions)
    dx, dt, step = rng.normal(size=3), 0.7, 1e-5
    ends = [
        names["gradient"](**{**given, "x": given["x"] + k * step * dx, "t": 0.4 + k * step * dt}, **functions)
        for k in (1, -1)
    ]
    products = names["hvp"](**given, dx=dx, dt=dt, **functions)

    for row, high, low, product in zip(found, *ends, products, strict=True):
        slope = (np.asarray(high) - np.asarray(low)) / (2 * step)
        assert np.shape(product) == np.shape(high)
        assert product == pytest.approx(slope, rel=1e-6)
        assert row[0] @ dx + row[1] * dt == pytest.approx(slope, rel=1e-6)
    said = names["hessian"].__doc__
    assert "Hg gives the Hessian of g, a 2-D array." in said
    assert "D12h gives the second derivatives of h by its arguments 1 and 2, a 1-D array." in said
    assert "D12l gives the second derivatives of l by its arguments 1 and 2, a number." in said
    assert "gives" not in names["gradient"].__doc__


def test_the_steps_say_which_derivatives_of_an_undefined_function_are_meant() -> None:
    d = matcalc.derive("g(A*x)", "x", OF_UNDEFINED, order=2)
    said = [step.says for step in d.steps]

    assert "the derivative of an undefined function" in said
    assert "the second derivatives of an undefined function" in said


def test_a_hessian_of_a_function_of_a_spread_row() -> None:
    d = matcalc.derive("phi(norm2(ones(n, m) + o)^2)", "o", "o: row(m); phi: function", order=2)

    assert d.shape == ("m", "m")
    assert d.verify()
