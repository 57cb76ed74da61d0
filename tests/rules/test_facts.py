"""Facts inferred from declarations: yes, no or unknown, and never a wrong yes."""

from __future__ import annotations

import gc
import time
from weakref import ref

import numpy as np
import pytest

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.language.parse import parse, parse_kind
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.rules.facts import Truth, fact, facts_of, known, print_of, settled
from matcalc.rules.identity_verification import has_fact
from matcalc.rules.inference import ENTRYWISE
from matcalc.rules.table import default_table
from matcalc.shapes import Dim
from matcalc.symmetry import is_symmetric

KINDS = {
    "A": "symmetric(n)", "S": "spd(n)", "X": "matrix(m, n)", "B": "matrix(n, n)", "C": "matrix(n, n)",
    "x": "vector(n)",
    "y": "vector(n)", "w": "vector(n), positive", "Y": "onehot(N, n)", "lam": "scalar, positive", "r": "row(n)",
    "P": "matrix(n, n), invertible", "Q": "orthogonal(n)", "R": "orthogonal(n)", "D": "diagonal(n)", "L": "lower(n)",
    "M": "lower(n)", "T": "toeplitz(n)", "p": "simplex(n)", "u": "unit(n)", "k": "integer", "s": "scalar",
    "t": "scalar",
    "W": "matrix(m, n), positive",
    "V": "matrix(n, n), positive", "E": "diagonal(n), positive",
}  # fmt: skip

YES = {
    "symmetric": [
        "A", "S", "X'*X", "X*X'", "X'*X + lam*eye(n)", "B + B'", "B*A*B'", "B'*A*S*A*B", "A*B*A + A*B'*A",
        "inv(A)", "A^3", "A .* S", "A .* exp(A)", "kron(A, S)", "x*x'", "-x*x'", "x*y' + y*x'",
        "eye(n) - 2*x*x'/(x'*x)", "inv(B*A*B')", "B .* B'", "exp(B + B')", "expm(A)", "logm(S)", "diag(x)",
        "X'*diag(exp(X*x))*X", "X*inv(X'*X)*X'", "X*pinv(X)", "eye(m) - X*pinv(X)", "adj(A)", "ones(n, n)",
        "zeros(n, n)", "B*B' .* (X'*X)", "A - 2*S", "D", "A^k", "sum(i, x[i]*A)", "2*s*A", "A/(1 + s)",
        "max(A, S)", "B'*diag(y)*B*t", "pinv(A)", "sqrtm(S)", "tril(B) + tril(B)'",
    ],
    "psd": [
        "X'*X", "X*X'", "B'*S*B", "A*A", "A*S*A", "B'*X'*X*B", "2*x*x'", "X*diag(w)*X'", "S + X'*X", "inv(S)",
        "A^2", "lam*X'*X + x*x'/n", "kron(S, x*x')", "S .* (x*x')", "diag(x.^2)", "sum(i, w[i]*x*x')",
    ],
    "spd": [
        "S", "inv(S)", "S + X'*X", "lam*eye(n)", "X'*X + lam*eye(n)", "P'*S*P", "P*P'", "expm(A)", "diag(w)",
        "S .* S", "kron(S, S)", "S^3", "eye(n)", "diag(exp(x))", "sqrtm(S)", "inv(eye(n) + X'*X)", "E",
        "B*B' + diag(w)",
    ],
    "invertible": [
        "P", "inv(P)", "P*Q", "Q'", "S", "P'", "-P", "2*Q*P*S", "expm(B)", "kron(P, Q)", "diag(1 ./ w)", "E",
    ],
    "orthogonal": [
        "Q", "Q'", "Q*R", "Q*R'*Q", "inv(Q)", "Q^3", "kron(Q, R)", "eye(n)", "commutation(m, n)",
    ],
    "diagonal": [
        "D", "D*D", "inv(D)", "D .* B", "B .* D", "diag(x) + 2*D", "expm(D)", "D'", "eye(n)", "D^2",
    ],
    "lower": [
        "L", "L*M", "L + M", "inv(L)", "L .* B", "D", "2*L", "tril(B)",
    ],
    "upper": [
        "L'", "(L*M)'", "D", "triu(B)",
    ],
    "toeplitz": [
        "T", "T'", "2*T + eye(n)", "T .* T",
    ],
    "positive": [
        "w", "exp(x)", "1 + exp(x)", "1 + x.^2", "w ./ (1 + w)", "sqrt(w)", "1 - sigmoid(x)", "lam", "1/n",
        "3", "pi", "det(S)", "tr(S)", "1 + x'*x", "1 + x'*S*x", "softmax(x)", "softmax(X, axis=1)", "sum(w)",
        "W*w", "w'*exp(x)", "max(w, x)", "sigmoid(x)", "softplus(x)", "cosh(x)", "diag(S)", "1 + norm2(x)",
        "w.^s", "1 - tanh(x)", "w[0]", "w[1:]", "lam*exp(-x)", "sum(W, axis=1)", "x'*x + lam", "mean(w)",
        "prod(w)", "abs(w)", "u'*S*u + 1", "norm2(u)", "w'",
    ],
    "nonnegative": [
        "x'*x", "x'*S*x", "x .* x", "x.^2", "abs(x)", "relu(x)", "norm1(X)", "norm2(X)", "x > 0", "tr(X'*X)",
        "det(X'*X)", "x'*X'*X*x", "s^2*w", "p", "Y", "Y*w", "max(0, x)", "sum(i, w[i]*x[i]^2)", "s*s",
        "lam*(x'*x)/2", "sqrt(x.^2 + 1)", "E", "diag(X'*X)",
    ],
    "nonzero": [
        "w", "1 ./ w", "-w", "det(P)", "-exp(x)", "exp(x) .* w", "2", "-1/3",
    ],
    "below_one": [
        "sigmoid(x)", "tanh(x)", "1/2", "-3", "erf(x)",
    ],
    "integer": [
        "k", "2", "k + 1", "2*k - 3", "n", "k^2", "Y", "x > y", "n*m",
    ],
    "natural": [
        "n", "n + m", "2", "n*m", "x <= y",
    ],
    "even": [
        "2*k", "4", "2*k + 2", "0",
    ],
    "rowsum_one": [
        "p", "Y", "softmax(x)", "softmax(r)", "softmax(X, axis=1)", "p'", "Y*softmax(B, axis=1)", "Y[0, :]",
        "eye(n)",
    ],
    "simplex": [
        "p", "softmax(x)", "softmax(r)", "p'",
    ],
    "unit": [
        "u", "u'", "unit(0, n)",
    ],
    "onehot": [
        "Y", "unit(k, n)", "eye(n)",
    ],
    "fullrank": [
        "P", "S", "2*P'",
    ],
}  # fmt: skip
CASES = [(name, text) for name, texts in YES.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_it_is_known(name: str, text: str) -> None:
    assert fact(parse(text, KINDS), name) is Truth.YES


UNKNOWN = {
    "symmetric": [
        "B", "A*B", "A*S", "B*A*B", "x*y'", "Q", "T", "B*C'", "X*inv(X'*X + B)*X'", "B*pinv(C)",
    ],
    "psd": [
        "A", "-x*x'", "S - X'*X", "B*S", "A^3", "s*S", "A .* A",
    ],
    "spd": [
        "X'*X", "A*A", "S - S", "B'*S*B", "diag(x)", "Q", "s*S",
    ],
    "invertible": [
        "B", "P + Q", "X'*X", "D", "s*P",
    ],
    "orthogonal": [
        "Q + R", "2*Q", "P",
    ],
    "diagonal": [
        "A", "D*B",
    ],
    "lower": [
        "L'", "L*L'",
    ],
    "toeplitz": [
        "T*T", "inv(T)",
    ],
    "positive": [
        "x", "x'*x", "w - x", "w .* x", "log(w)", "S", "1 + x", "E", "x.^2", "1 - softmax(x)", "w'*x",
        "relu(x)", "max(x, 0)", "2 - exp(x)", "x[0]", "p", "s - sigmoid(s)", "E .* V",
    ],
    "nonnegative": [
        "s^3", "x'*A*x", "x'*y", "-exp(x)",
    ],
    "nonzero": [
        "x", "w - w", "det(B)", "D", "E",
    ],
    "below_one": [
        "exp(x)", "softmax(x)",
    ],
    "integer": [
        "s", "k/2",
    ],
    "natural": [
        "k",
    ],
    "even": [
        "k", "k^2", "n",
    ],
    "rowsum_one": [
        "softmax(X, axis=0)", "2*p", "Y'", "p .* p", "Y[:, 0]",
    ],
    "unit": [
        "2*u", "x", "p",
    ],
    "onehot": [
        "p", "Y'",
    ],
    "fullrank": [
        "X",
    ],
    "simplex": [
        "Y",
    ],
}  # fmt: skip
DOUBTFUL = [(name, text) for name, texts in UNKNOWN.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), DOUBTFUL)
def test_it_is_not_claimed(name: str, text: str) -> None:
    assert fact(parse(text, KINDS), name) is not Truth.YES


NO = [
    ("positive", "-2"), ("nonzero", "0"), ("integer", "1/2"), ("even", "3"), ("invertible", "zeros(n, n)"),
    ("spd", "zeros(n, n)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), NO)
def test_it_is_known_not_to_hold(name: str, text: str) -> None:
    assert fact(parse(text, {"B": "matrix(n, n)"} if "n" in text else {}), name) is Truth.NO


@pytest.mark.parametrize("text", sorted({text for _, text in CASES + DOUBTFUL}))
def test_every_known_fact_holds_in_numbers(text: str, rng: np.random.Generator) -> None:
    expr = parse(text, KINDS)
    for size in range(3):
        sizes = {"n": 3 + size, "m": 5 + size, "N": 4}
        values = draw_values([expr], {}, sizes, rng)
        with np.errstate(all="ignore"):
            found = np.atleast_2d(evaluate(expr, values, sizes))
        if not np.all(np.isfinite(found)):
            continue
        for name in facts_of(expr):
            assert has_fact(found, name), f"{text} is not {name}"


def test_unknown_is_not_false() -> None:
    with pytest.raises(TypeError, match="compare with Truth"):
        bool(fact(parse("x", {"x": "vector(n)"}), "positive"))


def test_a_fact_has_a_name() -> None:
    with pytest.raises(AssertionError, match="is not a fact"):
        known(ops.num(1), "nice")


def test_assumptions_add_to_what_is_declared_for_one_question() -> None:
    x = parse("x", {"x": "vector(n)"})
    whole = ops.fn("log", ops.add(ops.ones(*x.shape), x))
    inner = whole.args[0]

    assert known(inner, "positive", assumptions={x: frozenset({"nonnegative"})})
    assert not known(inner, "positive")


def test_conditions_are_settled_by_facts() -> None:
    def open_conditions(text: str) -> list[str]:
        node = parse(text, KINDS)
        entry = default_table().differential(node)
        assert entry is not None
        return [c.predicate for c in entry.conditions(node, [node.args[0]]) if not settled(c)]

    assert open_conditions("log(1 + exp(x))") == []
    assert open_conditions("log(x)") == ["> 0"]
    assert open_conditions("inv(S + X'*X)") == []
    assert open_conditions("inv(X'*X)") == ["is invertible"]
    assert open_conditions("logdet(X'*X + lam*eye(n))") == []
    assert open_conditions("s^k") == ["!= 0"]
    assert open_conditions("w.^s") == []


def test_fingerprints_tell_equal_up_to_order_and_transposes() -> None:
    same = [
        ("x'*A*y", "y'*A*x"), ("A + B + S", "S + A + B"), ("(B*C)'", "C'*B'"), ("tr(B')", "tr(B)"),
        ("s*t*B", "t*s*B"), ("(B'*A*B)'", "B'*A*B"), ("sum(X, axis=0)'", "sum(X', axis=1)"),
        ("inv(B)'", "inv(B')"), ("x .* y", "y .* x"), ("diag(x)", "diag(x')"),
        ("softmax(X, axis=1)'", "softmax(X', axis=0)"), ("A'", "A"),
    ]  # fmt: skip
    different = [
        ("B*C", "C*B"), ("B", "B'"), ("x'*B*y", "y'*B*x"), ("exp(B)", "expm(B)"), ("s - t", "t - s"),
        ("x", "y"), ("sum(X, axis=0)", "mean(X, axis=0)"), ("kron(A, S)", "kron(S, A)"), ("s^t", "t^s"),
        ("s < t", "t < s"),
    ]  # fmt: skip
    for left, right in same:
        assert print_of(parse(left, KINDS)) == print_of(parse(right, KINDS)), f"{left}, {right}"
    for left, right in different:
        assert print_of(parse(left, KINDS)) != print_of(parse(right, KINDS)), f"{left}, {right}"


def test_a_hessian_of_an_undefined_function_is_symmetric() -> None:
    kinds = {**KINDS, "f": "function(vector(n)) -> scalar", "l": "function(vector(n), vector(n)) -> scalar"}

    assert known(parse("hess(f)(x)", kinds), "symmetric")
    assert known(parse("B*hess(f)(x)*B'", kinds), "symmetric")
    assert known(parse("D[2,2](l)(x, x)", kinds), "symmetric")
    assert is_symmetric(parse("hess(f)(x) + D[1,2](l)(x, x) + D[2,1](l)(x, x)", kinds))
    assert not known(parse("D[1,2](l)(x, x)", kinds), "symmetric")
    assert not is_symmetric(parse("D[1,2](l)(x, x)", kinds))


def test_long_and_deep_expressions_take_linear_time_and_no_stack() -> None:
    n = Dim.of("n")
    a: Expr = ops.sym("A0", Kind("matrix", n, n, frozenset({"symmetric"})))
    deep = a
    for _ in range(5000):
        deep = ops.fn("tanh", ops.add(deep, a))
    vector = parse_kind("vector(n)")
    wide = ops.add(*(ops.mul(ops.num(i + 2), ops.fn("exp", ops.sym(f"x{i}", vector))) for i in range(20000)))
    shared = a
    for _ in range(300):
        shared = ops.mul(shared, ops.inv(shared)) if shared.op != "mul" else ops.inv(ops.add(shared, shared))
    start = time.process_time()

    assert known(deep, "symmetric")
    assert known(wide, "positive")
    assert isinstance(facts_of(shared), frozenset)
    assert time.process_time() - start < 10


def test_what_is_known_does_not_keep_an_expression_alive() -> None:
    found = []
    for i in range(50):
        e = parse(f"exp(q{i}) + {i + 7}", {f"q{i}": "scalar"})
        assert known(e, "positive")
        found.append(ref(e))
    del e
    gc.collect()

    assert [r() for r in found] == [None] * 50


def test_entrywise_facts_are_about_entries() -> None:
    assert {"positive", "integer", "below_one"} <= ENTRYWISE
    assert "spd" not in ENTRYWISE


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("P*Q", True), ("p'*P", True), ("kron(P, Q)", True),
        # of a column it is about its entries: these have rows that do not add up to one
        ("P*y", None), ("p*y'", None), ("p*y'*Q", None), ("P*y*y'", None), ("kron(p, Q)", None),
        ("softmax(z)*y'", None),
    ],
)  # fmt: skip
def test_rows_that_add_up_to_one(text: str, holds: bool | None) -> None:
    kinds = {"P": "onehot(m, k)", "Q": "onehot(k, n)", "p": "simplex(m)", "y": "simplex(k)", "z": "vector(m)"}
    assert (fact(parse(text, kinds), "rowsum_one") is Truth.YES) == bool(holds)
