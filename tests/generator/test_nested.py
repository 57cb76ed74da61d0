"""Sums nested as in Horner's scheme: the same array in fewer products."""

from __future__ import annotations

import numpy as np
import pytest

import matcalc as mc
from matcalc import ops
from matcalc.expr import Expr
from matcalc.generator.costs import Costs
from matcalc.generator.nested import horner, nested
from matcalc.language.parse import parse, parse_declarations
from matcalc.numeric.evaluate import evaluate
from matcalc.printing.text import text

KINDS = (
    "P: matrix(m, n)\nA: matrix(n, n)\nB: matrix(n, n)\nQ: matrix(n, p)\nU: matrix(n, r)\nV: matrix(n, r)\n"
    "M: matrix(m, p)\nL: matrix(p, n)\nR: matrix(n, m)\nu: vector(n)\nv: vector(n)\na: scalar"
)
SIZES = {"m": 3, "n": 4, "p": 2, "r": 5, "k": 6}


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        (["P*A*Q", "P*B*Q"], "P*(A + B)*Q"),
        (["2*P*A*Q", "2*P*B*Q"], "2*P*(A + B)*Q"),
        (["a*P*A*Q", "P*B*Q", "M"], "M + P*(a*A + B)*Q"),
        (["P*Q", "P*A*Q"], "P*(eye(n) + A)*Q"),
        (["P*A*R", "P*A*A*R", "P*A*B*A*R"], "P*A*(eye(n) + A + B*A)*R"),
        (["P*A*B", "P*B*A"], "P*(A*B + B*A)"),
        (["A*B*B", "U*V'*B"], "(A*B + U*V')*B"),
        (["P*u*v'*Q", "P*v*u'*Q"], "P*u*v'*Q + P*v*u'*Q"),
        (["A", "B"], "A + B"),
    ],
)
def test_sums_are_nested(terms: list[str], wanted: str) -> None:
    given = [parse(t, KINDS) for t in terms]
    found = horner(given, Costs())
    assert found is parse(wanted, KINDS) or text(found) == text(parse(wanted, KINDS))
    same(ops.add(*given), found)


def test_what_is_narrow_inside_stays_by_itself() -> None:
    given = [parse(t, KINDS) for t in ("P*U*V'*Q", "P*V*U'*Q")]
    thin, wide = (horner(given, Costs({"m": 100, "n": 100, "p": 100, "r": r})) for r in (3, 200))
    assert thin is ops.add(*given)
    assert text(wide) == "P*(U*V' + V*U')*Q"


def same(x: Expr, y: Expr) -> None:
    rng = np.random.default_rng(0)
    declared = parse_declarations(KINDS)
    values = {name: rng.normal(size=[d.evaluate(SIZES) for d in kind.shape]) for name, kind in declared.items()}
    assert np.allclose(evaluate(x, values, SIZES), evaluate(y, values, SIZES), rtol=1e-12)


def test_long_sums_are_nested_without_recursion() -> None:
    A, B = parse("A", KINDS), parse("B", KINDS)
    terms = [ops.mul(*[A] * k, B, *[A] * k) for k in range(1, 200)]
    found = horner(terms, Costs())
    assert found.op == "mul"


def network(depth: int) -> mc.Derivation:
    chain = "x"
    for k in range(1, depth + 1):
        chain = f"tanh(W{k}*{chain})"
    declare = "x, y: vector(n); " + "; ".join(f"W{k}: matrix(n, n)" for k in range(1, depth + 1))
    return mc.derive(f"norm2({chain} - y)^2", "W1", declare, order=2)


@pytest.mark.parametrize("target", ["numpy", "jax", "torch", "array-api"])
def test_the_products_of_a_network_s_hessian_grow_with_its_depth(target: str) -> None:
    counts = []
    for depth in (3, 5, 7):
        body = network(depth).source(target).split("def hessian(")[1].split("\ndef ")[0]
        counts.append(body.count(" @ "))
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


@pytest.mark.parametrize(
    ("f", "wrt", "declare"),
    [
        ("norm2(tanh(C*tanh(B*tanh(A*X*x))) - y)^2", "X",
         "A: matrix(m, n); B: matrix(r, m); C: matrix(p, r); X: matrix(n, k); x: vector(k); y: vector(p)"),
        ("sum(exp(X*x) .* (A*X*x)) + x'*X'*B*X*x", "X", "A, B: matrix(m, m); X: matrix(m, n); x: vector(n)"),
        ("norm2(X'*X)^2", "X", "X: matrix(m, n)"),
        ("norm2(X*A*X')^2", "X", "X: matrix(m, n); A: matrix(n, n)"),
        ("logdet(X'*A*X)", "X", "X: matrix(m, p); A: spd(m)"),
        ("(u'*X*v)^3 + sum(X .^ 4)", "X", "X: matrix(m, n); u: vector(m); v: vector(n)"),
        ("sum(tanh(x*A))^2 + norm2(sin(x*A*B))^2", "A", "x: row(m); A: matrix(m, n); B: matrix(n, p)"),
        ("tr(inv(X)*A*inv(X)*B)", "X", "X, A, B: matrix(n, n)"),
        ("norm2(softmax(X*x) - y)^2", "X", "X: matrix(m, n); x: vector(n); y: vector(m)"),
        ("logsumexp(A*tanh(X*x))", "X", "A: matrix(p, m); X: matrix(m, n); x: vector(n)"),
    ],
)  # fmt: skip
def test_the_array_is_the_same(f: str, wrt: str, declare: str) -> None:
    d = mc.derive(f, wrt, declare, order=2)
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=[s.evaluate(SIZES) for s in kind.shape]) for name, kind in d.declared.items()}
    values = {name: x @ x.T + np.eye(len(x)) if "spd" in d.declared[name].text() else x for name, x in values.items()}
    index = d.forms[wrt].index
    assert index is not None
    matrix = evaluate(d.forms[wrt].matrix, values, SIZES)
    node = index.node()
    assert np.allclose(evaluate(nested(node, Costs()), values, SIZES), matrix, rtol=1e-10, atol=1e-10)
    flat = {name: x if d.declared[name].form == "matrix" else x.ravel() for name, x in values.items()}
    for target in ("numpy", "scipy", "array-api"):
        found = d.function("hessian", target)(**flat)
        assert np.allclose(found.reshape(matrix.shape, order="F"), matrix, rtol=1e-10, atol=1e-10)
