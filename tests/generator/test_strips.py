"""Wide arrays in strips: the values are those of whole arrays, for every size of a strip; only thin arrays are kept."""

from __future__ import annotations

import inspect
import tracemalloc
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.generator.code import compile_module
from matcalc.generator.costs import Costs
from matcalc.generator.instructions import Code, Instructions, ordered
from matcalc.generator.strips import stripped
from matcalc.kinds import Kind
from matcalc.shapes import ONE, Dim

DECLARED = """Q: matrix(n, 4)
K: matrix(m, 4)
V: matrix(m, 3)
G: matrix(n, 3)
X: matrix(n, 4)
Y: matrix(n, 4)
T: matrix(n, m)
R: matrix(n, n)
x: vector(n)
y: vector(m)
w: vector(4)
c: scalar"""
ATTENTION = "tr(G'*softmax(Q*K', axis=1)*V)"
SQUARES = "sum(X.*X, axis=1)*ones(n)' + ones(n)*sum(X.*X, axis=1)' - 2*X*X'"
LOSSES = {
    ATTENTION: "Q,K,V,G",
    "tr(G'*softmax(Q*K'/sqrt(4), axis=1)*V)": "Q",
    "tr(G'*softmax(K*Q', axis=0)'*V)": "Q,K,V",
    "norm2(softmax(Q*K', axis=1)*V - G)^2": "Q,K,V",
    "tr(G'*softmax(softmax(Q*K', axis=1)*K*K', axis=1)*V)": "Q,K",
    "sum(softmax(Q*K', axis=1) .* log(softmax(Q*K', axis=1)))": "Q,K",
    "sum(log(1 + exp(X*Y')))": "X,Y",
    "sum(logsumexp(X*Y', axis=1)) - tr(X*Y')": "X,Y",
    "sum(logsumexp(X*Y', axis=0)) - tr(X*Y')": "X,Y",
    "sum(log(1 + exp(-(T .* (Q*K')))))": "Q,K",
    "norm2(T .* (Q*K') - T)^2": "Q,K",
    "sum(max(Q*K', T)) + sum(abs(Q*K' - T))": "Q",
    f"sum(exp(-({SQUARES})))": "X",
    f"x'*exp(-({SQUARES})/c)*x": "X,c",
    "x'*exp(-X*X')*x": "X,x",
    "sqrt(sum(exp(Q*K')))": "Q,K",
    "x'*exp(Q*K')*y + norm2(exp(Q*K')*y)^2": "Q,K,x,y",
    "sum(log(exp(Q*K')*y.^2)) + sum(exp(Q*K'))": "Q,K,y",
    "norm2(exp(X*Y')*exp(Y*X')*x)^2": "X",
    "tr(exp(X*Y')*tanh(Y*X'))": "X,Y",
    "sum(diag(exp(X*Y')*R)) + tr(exp(X*Y'))": "X",
    "tr(Y'*exp(X*Y')*diag(x)*exp(Y*X')*Y)": "X,x",
    "tr(R'*tanh(X*Y')*R)": "X,Y",
    "sum(sign(X*Y') .* R) + sum(min(X*Y', R))": "X",
    "sum(log(cosh(T - Q*K' - x*ones(m)' - ones(n)*y')))": "Q,K,x,y",
    "sum(erf(Q*K') .* lgamma(exp(Q*K')))": "Q",
    "sum(tanh(x*y'))": "x,y",
    "sum(exp(-(x*ones(m)' - ones(n)*y').^2))": "x,y",
    "sum(exp(x*y' + Q*K'))": "x,y,Q",
    "sum((Q*K').^3) + sum((Q*K').^4 .* T)": "Q,K",
    "sum(sigmoid(Q*K') .* sigmoid(-Q*K'))": "Q,K",
    "sum(exp(Q*K').^0.3)": "Q",
    "w'*X'*tanh(X*Y')*Y*w": "X,w",
    "sum(exp(c*Q*K') .* (2*Q*K'))": "c,Q",
    "sum(tanh(K*Q'/c)*x)": "c,Q",
}
ROWS = "n or 1 if n*m <= 65536 else min(n, max(128, 65536//m))"


def derived(loss: str, wrt: str, declare: str = DECLARED) -> mc.Derivation:
    return mc.derive(loss, wrt=wrt.split(","), declare=declare)


def whole(d: mc.Derivation, target: str = "numpy") -> dict[str, Any]:
    """The same with whole arrays, as for small sizes."""
    names = {name for kind in d.declared.values() for dim in kind.shape for name in dim.names}
    source = d.source(target, sizes=dict.fromkeys(names, 20))
    assert "_strip(" not in source
    return compile_module(source)


def in_strips(d: mc.Derivation, rows: int, target: str = "numpy", sizes: str | None = None) -> dict[str, Any]:
    """The code with strips of so many rows."""
    source = d.source(target, sizes=sizes)
    assert ROWS in source
    return compile_module(source.replace(ROWS, f"max(1, min(n, {rows}))"))


def given(function: Any, kinds: dict[str, Kind], sizes: dict[str, int], seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found = {}
    for name in inspect.signature(function).parameters:
        shape = [d.evaluate(sizes) for d in kinds[name].shape if d is not ONE]
        values = np.asarray(rng.normal(size=shape))
        found[name] = np.abs(values) if name == "T" else values
    return found


def flat(found: Any) -> list[np.ndarray]:
    return [x for part in found for x in flat(part)] if isinstance(found, tuple) else [np.asarray(found)]


@pytest.mark.parametrize("target", ["numpy", "scipy"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_values_are_those_of_whole_arrays(loss: str, target: str) -> None:
    d = derived(loss, LOSSES[loss])
    reference = whole(d, target)
    for rows, sizes in ((4, {"n": 11, "m": 6}), (3, {"n": 9, "m": 9}), (50, {"n": 7, "m": 12}), (2, {"n": 1, "m": 3})):
        module = in_strips(d, rows, target)
        for name in ("value", "gradient", "value_and_gradient"):
            values = given(module[name], d.declared, sizes)
            kept = {key: value.copy() for key, value in values.items()}
            found, expected = flat(module[name](**values)), flat(reference[name](**values))
            for a, b in zip(found, expected, strict=True):
                assert a.shape == b.shape
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max(initial=0.0))
            assert all(np.array_equal(values[key], kept[key]) for key in values)


TWICE = {
    "sum(logsumexp(X*Y', axis=1)) + sum(logsumexp(X*Y', axis=0)) - 2*tr(X*Y')": "X,Y",
    "A0 = X*Y'\nX1 = X + softmax(A0, axis=1)*Y\nX2 = X1 + softmax(X1*X', axis=1)*X1\nnorm2(X2 - Y)^2": "X,Y",
    "A = exp(X*Y')\nu = 1 ./ (A*x)\nv = 1 ./ (A'*u)\nsum(u .* v)": "X,x",
    "w'*inv(X'*exp(X*Y')*X + 60*eye(4))*w": "X,w",
}


@pytest.mark.parametrize("loss", TWICE)
def test_huge_arrays_are_computed_once_more_rather_than_kept(loss: str) -> None:
    d = derived(loss, TWICE[loss], "\n".join(x for x in DECLARED.split("\n") if x[0] in "XYxw"))
    module, reference = in_strips(d, 4, sizes="n=5000"), whole(d)
    values = given(module["gradient"], d.declared, {"n": 11})
    for name in ("value", "gradient", "value_and_gradient"):
        for a, b in zip(flat(module[name](**values)), flat(reference[name](**values)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max())
    values = given(module["gradient"], d.declared, {"n": 700})
    values = {name: value / 9 for name, value in values.items()}
    tracemalloc.start()
    compile_module(d.source("numpy", sizes="n=5000"))["value_and_gradient"](**values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 700 * 700


def test_no_rows_at_all() -> None:
    d = derived("sum(log(1 + exp(-(T .* (Q*K')))))", "Q,K", "T: matrix(n, m)\nQ: matrix(n, 4)\nK: matrix(m, 4)")
    module = compile_module(d.source("numpy"))
    value, (by_q, by_k) = module["value_and_gradient"](T=np.ones((0, 5)), Q=np.ones((0, 4)), K=np.ones((5, 4)))
    assert value == 0
    assert by_q.shape == (0, 4)
    assert not by_k.any()


def test_integers_are_arguments_too() -> None:
    d = derived("sum(exp(Q*K'))", "Q,K", "Q: matrix(n, 4)\nK: matrix(m, 4)")
    Q, K = np.arange(20).reshape(5, 4) % 3 - 1, np.arange(24).reshape(6, 4) % 2
    found, expected = in_strips(d, 2)["gradient"](Q=Q, K=K), whole(d)["gradient"](Q=1.0 * Q, K=1.0 * K)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("loss", [ATTENTION, "sum(log(1 + exp(X*Y')))", f"x'*exp(-({SQUARES})/c)*x"])
def test_memory_grows_with_the_rows_and_not_with_their_square(loss: str) -> None:
    d = derived(loss, LOSSES.get(loss, "X"))
    module = compile_module(d.source("numpy"))
    peaks = []
    for n in (600, 1200):
        values = given(module["gradient"], d.declared, {"n": n, "m": n})
        tracemalloc.start()
        module["gradient"](**values)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0]
    assert peaks[1] < 8 * 1200 * 1200 / 2


@pytest.mark.parametrize(
    ("loss", "wrt", "reason"),
    [
        ("sum(exp(T .* T))", "T", "made of an argument that is as large"),
        ("sum(log(1 + exp(-(T .* (Q*K')))))", "T", "the gradient is wide itself"),
        ("logdet(exp(-X*X') + eye(n))", "X", "a determinant needs the whole matrix"),
        ("sum(logsumexp(X*Y', axis=1)) + sum(logsumexp(X*Y', axis=0))", "X", "rows and columns"),
        ("norm2(T - Q*K')^2", "Q", "Q*(K'*K) - T*K is thin"),
    ],
)
def test_whole_arrays_where_they_are_needed(loss: str, wrt: str, reason: str) -> None:
    source = derived(loss, wrt).source("numpy")
    assert "_strip(" not in source.split("def gradient(")[1].split("\ndef ")[0], reason


def test_expected_sizes_decide() -> None:
    d = derived("sum(log(1 + exp(A*B')))", "A", "A: matrix(n, k)\nB: matrix(m, k)")
    assert "_strip(" not in d.source("numpy")
    assert "_strip(" in d.source("numpy", sizes="k=10")
    assert "_strip(" not in d.source("numpy", sizes="k=10, n=50, m=50")


@pytest.mark.parametrize("target", ["jax", "torch", "array-api"])
def test_other_targets_have_whole_arrays(target: str) -> None:
    assert "_strip(" not in derived(ATTENTION, "Q").source(target)


def test_names_of_the_user_are_free() -> None:
    """Also those of what the loop needs."""
    declare = "slice: matrix(n, 4)\nrows: matrix(m, 4)\nrange: vector(n)\nstart: scalar\nsize: vector(m)"
    d = derived("range'*exp(start*slice*rows')*size", "slice,rows,range,start,size", declare)
    module, reference = in_strips(d, 3), whole(d)
    values = given(module["gradient"], d.declared, {"n": 8, "m": 5})
    for a, b in zip(module["gradient"](**values), reference["gradient"](**values), strict=True):
        np.testing.assert_allclose(a, b)


# --- instructions -----------------------------------------------------------------------------------------

N, M, FOUR = Dim.of("n"), Dim.of("m"), Dim.of(4)


def loops(roots: list[Code], costs: Costs | None = None, make: Instructions | None = None) -> list[Code]:
    found, _ = stripped(make or Instructions(), roots, [], costs or Costs())
    return [c for c in ordered(found) if c.op == "strips"]


def scores(make: Instructions) -> Code:
    Q, K = make.input("Q", (N, FOUR)), make.input("K", (M, FOUR))
    return make.matmul(Q, make.transpose(K))


def test_one_loop_gives_all_that_is_asked_of_an_array() -> None:
    make = Instructions()
    s = make.call("exp", (scores(make),), (N, M))
    (loop,) = loops([make.total(s), make.total(s, 0), make.total(s, 1)], make=make)
    assert sorted(loop.data[1].ways) == [False, False, True]
    assert loop.data[1].along is N


def test_the_axis_is_that_of_softmax() -> None:
    make = Instructions()
    for axis, along in ((1, N), (0, M)):
        s = make.call("softmax_axis", (scores(make),), (N, M), axis)
        (loop,) = loops([make.matmul(s, make.input("y", (M,)))], make=make)
        assert loop.data[1].along is along


def test_rows_that_are_results_are_better_than_sums() -> None:
    make = Instructions()
    s = make.call("tanh", (scores(make),), (N, M))
    for root, along in ((make.matmul(s, make.input("V", (M, FOUR))), N),
                        (make.matmul(make.transpose(s), make.input("W", (N, FOUR))), M)):  # fmt: skip
        (loop,) = loops([root], make=make)
        assert loop.data[1].along is along
        assert loop.data[1].ways == (True,)


def test_no_loop_for_an_array_that_is_a_result_or_meets_its_transpose() -> None:
    make = Instructions()
    s = make.call("exp", (scores(make),), (N, M))
    assert not loops([s, make.total(s)], make=make)
    A, B = make.input("A", (N, FOUR)), make.input("B", (N, FOUR))
    t = make.call("exp", (make.matmul(A, make.transpose(B)),), (N, N))
    assert not loops([make.total(make.call("sin", (make.add([(1, t), (1, make.transpose(t))]),), (N, N)))], make=make)


def test_what_needs_the_sum_over_all_strips_waits_for_it() -> None:
    make = Instructions()
    s = make.call("exp", (scores(make),), (N, M))
    y = make.input("y", (M,))
    root = make.product([make.matmul(s, y)], [make.total(s)])
    (loop,) = loops([root], make=make)
    assert len(loop.args) == 2
    ahead = [make.total(make.call("sin", (make.div(s, make.total(s)),), (N, M)))]
    assert not loops(ahead, make=make)
    assert len(loops(ahead, Costs({"n": 4000}), make)) == 2
