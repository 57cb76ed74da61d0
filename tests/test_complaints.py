"""What users of such programs complain about: answers that are right, and longer than the book's."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.expr import topological
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length


def terms(e: object) -> int:
    """The terms of the longest sum."""
    return max((len(n.args) for n in topological(e) if n.op == "add"), default=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "wanted"),
    [
        ("-tr(inv(X)*A)", "X", "A: symmetric(n); X: symmetric(n), invertible", "inv(X)*A*inv(X)"),
        ("tr(inv(X)*A)", "X", "A: symmetric(n); X: symmetric(n), invertible", "-inv(X)*A*inv(X)"),
        ("tr(inv(X)*A)", "X", "A: symmetric(n); X: spd(n)", "-inv(X)*A*inv(X)"),
        ("log(det(g*eye + x*x'))", "x", "", "2/(g + x'*x)*x"),
        ("log(det(g*eye(n) + x*x'))", "x", "x: vector(n); g: scalar, positive", "2/(g + x'*x)*x"),
        ("logdet(S + x*x')", "x", "S: spd(n)", "2/(1 + x'*inv(S)*x)*inv(S)*x"),
        ("norm2(A*x - b)^2", "x", "", "2*A'*(A*x - b)"),
        ("x'*A*x", "x", "A: symmetric(n)", "2*A*x"),
        ("x'*A*x/(x'*x)", "x", "A: symmetric(n)", "2/(x'*x)*(A*x - x'*A*x/(x'*x)*x)"),
        ("norm2(x - y)", "x", "", "(x - y)/norm2(x - y)"),
    ],
)
def test_a_gradient_is_no_longer_than_the_books(f: str, wrt: str, declare: str, wanted: str) -> None:
    d = mc.derive(f, wrt, declare)
    book = parse(wanted, d.kinds)

    assert verify_equal(d.answer, book)
    assert length(d.answer) <= length(book)
    assert d.verify()


def test_the_inverse_of_a_symmetric_matrix_is_symmetric() -> None:
    d = mc.derive("-tr(inv(X)*A)", "X", "A: symmetric(n); X: symmetric(n), invertible")

    assert d.text() == "inv(X)*A*inv(X)"


def test_the_sharpe_ratio_has_two_terms() -> None:
    d = mc.derive("(w'*r - f)/(w'*C*w)^0.5", "w", "C: symmetric(n)")

    assert d.verify()
    assert terms(d.answer) == 2
    assert length(d.answer) <= length(parse("r/(w'*C*w)^0.5 - (w'*r - f)/(w'*C*w)^1.5*C*w", d.kinds))


def test_a_projection_is_named_with_its_residual() -> None:
    f = "norm2(v*(p - B*inv(B'*v'*v*B)*B'*v'*(v*p - w)) - w)^2"
    declare = "v: matrix(m, n); B: matrix(n, k); p: vector(n); w: vector(m)"
    named, plain = mc.derive(f, "B", declare), mc.derive(f, "B", declare, where="never")

    assert named.text() == "r = v*p - w\nU = v*B\nK = inv(U'*U)\nP = U*K*U'\n2*v'*(P*r - r)*r'*U*K"
    assert parse(named.text(), named.kinds) is named.answer
    assert named.verify()
    assert terms(plain.answer) == 2
    assert verify_equal(named.answer, plain.answer)


@pytest.mark.parametrize(
    ("f", "wrt", "declare", "order", "residuals", "wanted"),
    [
        ("softmax(z)", "z", "", 1, {"p": "softmax(z)"}, "diag(p) - p*p'"),
        ("logsumexp(z)", "z", "", 2, {"p": "softmax(z)"}, "diag(p) - p*p'"),
        ("sum(softplus(X*w)) - y'*X*w", "w", "", 2, {"s": "sigmoid(X*w)"}, "X'*diag(s .* (1 - s))*X"),
        ("sum(log(1 + exp(X*w))) - y'*X*w", "w", "", 2, {"s": "sigmoid(X*w)"}, "X'*diag(s .* (1 - s))*X"),
        ("x/norm2(x)", "x", "", 1, {"u": "x/norm2(x)"}, "1/norm2(x)*(eye(n) - u*u')"),
    ],
)
def test_jacobians_and_hessians_in_the_books_letters(
    f: str, wrt: str, declare: str, order: int, residuals: dict[str, str], wanted: str
) -> None:
    d = mc.derive(f, wrt, declare, order=order, residuals=residuals)
    definition, answer = d.text().splitlines()
    name, _, value = definition.partition(" = ")

    assert {name: value} == residuals
    kinds = {**d.kinds, name: f"vector({d.shape[0]})" if "X" not in d.kinds else f"vector({d.declared['X'].rows})"}
    assert length(parse(answer, kinds)) <= length(parse(wanted, kinds))
    assert verify_equal(parse(answer, kinds), parse(wanted, kinds))
    assert verify_equal(parse(d.text(), d.kinds), d.answer)
    assert d.verify()


@pytest.mark.parametrize(
    ("f", "wrt", "order", "wanted"),
    [
        ("softmax(z)", "z", 1, "diag(softmax(z)) - softmax(z)*softmax(z)'"),
        ("x/norm2(x)", "x", 1, "1/norm2(x)*eye(n) - x*x'/norm2(x)^3"),
        ("sum(softplus(X*w)) - y'*X*w", "w", 2, "X'*diag(sigmoid(X*w) .* (1 - sigmoid(X*w)))*X"),
        ("norm2(A*x - b)^2", "x", 2, "2*A'*A"),
        ("x'*A*x", "x", 2, "A + A'"),
    ],
)
def test_jacobians_and_hessians_written_out(f: str, wrt: str, order: int, wanted: str) -> None:
    d = mc.derive(f, wrt, order=order)
    book = parse(wanted, d.kinds)

    assert verify_equal(d.answer, book)
    assert length(d.answer) <= length(book)
