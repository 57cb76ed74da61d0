"""Differentials of expressions, built from the table: against numerical derivatives."""

from __future__ import annotations

from contextlib import suppress

import pytest

import matcalc
from matcalc import ops
from matcalc.calculus.differential import differential, local_differential
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import Kind
from matcalc.language.parse import parse, parse_declarations
from matcalc.numeric.verify import verify_differential
from matcalc.rules.table import default_table

KINDS = parse_declarations(
    "A: matrix(m, n); B: matrix(n, p); S: matrix(n, n); P: spd(n); x: vector(n); y: vector(m); r: row(n);"
    "c: scalar; s: function; f: function(vector(n)) -> scalar; u: function(row(n)) -> scalar;"
    "l: function(scalar, vector(n), row(n)) -> scalar; g: function(vector(n)) -> vector(m); k: integer"
)
# of every shape, with rectangular arguments; what varies stands behind the semicolon
CASES = [
    "A*B; A, B", "A'*y; A, y", "x'*S*x; x, S", "r*S; r", "kron(A, B); A, B", "A .* (y*x'); A, x",
    "x ./ (1 + x.^2); x", "c*A + y*x'; c, A, x", "inv(S)*x; S, x", "det(S); S", "logdet(P); P", "adj(S); S",
    "pinv(A); A", "S^3; S", "tr(S*S'); S", "expm(S); S", "logm(P); P", "sqrtm(P)*x; P, x",
    "norm2(A*x - y); A, x", "norm2(A); A", "norm1(A); A", "norm2(r); r", "prod(x); x", "sum(A, axis=0); A",
    "mean(A, axis=1); A", "diag(x)*S; x, S", "diag(S); S", "vec(A); A", "unvec(vec(A'), n, m); A",
    "softmax(x); x", "softmax(r); r", "softmax(A, axis=0); A", "softmax(A, axis=1); A", "logsumexp(x); x",
    "logsumexp(A, axis=0); A", "logsumexp(A, axis=1); A", "exp(A*x); A, x", "log(1 + exp(r)); r",
    "sigmoid(x); x", "tanh(A); A", "gelu(x); x", "erf(x); x", "max(x, 1); x", "min(x, c*ones(n)); x, c",
    "abs(x); x", "relu(A*x); A, x", "max(x); x", "min(A); A", "c.^x; c, x", "x.^c; x, c",
    "[A, y; r, c]; A, y, r, c", "A[0, :]; A", "x[1:]; x", "x[0]^2; x", "sum(i, x[i]^3); x",
    "sum(j in 1..4, x/j); x", "s(A*x); A, x", "s'(x); x", "f(x); x", "f(A'*y); A, y", "g(x); x", "tril(S); S",
    "S + A'*A; S, A", "grad(f)(S*x); S, x", "D(f)(x); x", "grad(u)(x'*S); x, S", "D[1](l)(c, x, r); c, x, r",
    "D[2](l)(c, x, r); c, x, r", "D[3](l)(c, S*x, c*r); c, x, r, S", "x*r*x; x, r", "expm_frechet(S, P); S, P",
]  # fmt: skip


def parsed(text: str) -> Expr:
    return parse(text, KINDS)


@pytest.mark.parametrize("case", CASES)
def test_a_differential_is_the_directional_derivative(case: str) -> None:
    text, _, names = case.rpartition(";")
    f = parsed(text)
    varying = [v for v in symbols(f) if v.name in names.replace(" ", "").split(",")]
    assert len(varying) == names.count(",") + 1
    along = {x: ops.sym(f"along_{x.name}", Kind(*plain(x))) for x in varying}
    found = differential(f, along, default_table())
    verdict = verify_differential(f, found, along, kinds=KINDS)

    assert found.shape == f.shape
    assert verdict, f"{text}: {verdict}"


def plain(x: Expr) -> tuple[object, ...]:
    kind = x.data[1]  # type: ignore[index]
    return kind.form, kind.rows, kind.cols


def test_a_wrong_differential_is_refuted() -> None:
    f = parsed("inv(S)*x")
    (S,) = (v for v in symbols(f) if v.name == "S")
    dS = ops.sym("dS", Kind(*plain(S)))
    right = differential(f, {S: dS}, default_table())

    assert verify_differential(f, right, {S: dS}, kinds=KINDS)
    assert not verify_differential(f, ops.neg(right), {S: dS}, kinds=KINDS)
    assert not verify_differential(f, ops.substitute(right, {dS: ops.transpose(dS)}), {S: dS}, kinds=KINDS)


def test_the_entry_is_given_back_for_the_record() -> None:
    f = parsed("inv(S)")
    (S,) = symbols(f)
    local, entry = local_differential(f, {S: ops.formal_differential(S)}, default_table())

    assert entry is not None
    assert entry.id == "inv"
    assert {n.args[0] for n in topological(local) if n.op == "d"} == {S}


def test_what_does_not_vary_has_the_zero_differential() -> None:
    f = parsed("A*x")
    y = parsed("y")
    dy = ops.formal_differential(y)

    assert differential(f, {y: dy}, default_table()) is ops.zeros(*f.shape)


def test_comparisons_have_the_differential_zero_almost_everywhere() -> None:
    f = parsed("x < 1")
    (x,) = symbols(f)
    found = differential(f, {x: ops.formal_differential(x)}, default_table())

    assert all(n.op != "d" for n in topological(found))


def test_the_cost_is_linear_in_shared_nodes() -> None:
    """b = a + a, c = b + b, ...: 2^60 terms if written out."""
    x = parsed("x")
    f = x
    for _ in range(60):
        f = ops.had(ops.add(f, f), f)
    found = differential(f, {x: ops.formal_differential(x)}, default_table())

    assert len(topological(found)) < 20 * len(topological(f))


@pytest.mark.parametrize(
    ("f", "wrt", "declare"),
    [
        ("l(y, p)", "p", "l: function(scalar, scalar) -> scalar; y: scalar; p: scalar"),
        ("g(A*x)", "x", "g: function(vector(m)) -> scalar; A: matrix(m, n)"),
    ],
)
def test_a_second_derivative_of_an_undefined_function_is_right_or_refused(f: str, wrt: str, declare: str) -> None:
    with suppress(UnsupportedError):
        assert matcalc.derive(f, wrt, declare, order=2).verify()
