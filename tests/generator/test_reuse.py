"""Arrays that are written into: only what nothing else needs, never an argument or what a name of the user's holds."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.generator.code import compile_module
from matcalc.generator.costs import Costs
from matcalc.generator.instructions import Code, Instructions, ordered
from matcalc.generator.reuse import Reuse, integral
from matcalc.shapes import Dim

N = Dim.of("n")
WHOLE = (N, N)


def plan(roots: list[Code], named: tuple[Code, ...] = ()) -> Reuse:
    return Reuse(ordered(roots), roots, lambda c: c.args, named, Costs())


def body(loss: str, wrt: str, declare: str, function: str = "gradient", target: str = "numpy") -> str:
    source = mc.derive(loss, wrt=wrt.split(","), declare=declare).source(target)
    return source.split(f"def {function}(")[1].split("\ndef ")[0]


ATTENTION = (
    "tr(G'*softmax(Q*K', axis=1)*V)", "Q",
    "Q: matrix(n, d)\nK: matrix(n, d)\nV: matrix(n, p)\nG: matrix(n, p)",
)  # fmt: skip


def test_a_function_and_a_broadcast_write_into_the_product_before_them() -> None:
    text = body(*ATTENTION)
    assert "_softmax(t1, axis=1, out=t1)" in text
    assert re.search(r"t2 -= np\.einsum\(.*\)\[:, None\]", text)
    assert re.search(r"t(\d) \*= t(\d)", text)


def test_what_numpy_reuses_by_itself_stays_in_one_line() -> None:
    text = body("norm2(A*B - C)^2", "A", "A: matrix(n, m)\nB: matrix(m, k)\nC: matrix(n, k)")
    assert "return 2*((A @ B - C) @ B.T)" in text


def test_small_arrays_are_left_alone() -> None:
    text = body("sum(tanh(A*B))", "A", "A: matrix(5, 6)\nB: matrix(6, 7)")
    assert "out=" not in text
    assert "=" not in text.split('"""')[2].replace("axis=", "")


def test_an_operand_is_not_overwritten_while_it_is_needed() -> None:
    make = Instructions()
    A, B = make.input("A", WHOLE), make.input("B", WHOLE)
    product = make.matmul(A, B)
    e = make.call("exp", (product,), WHOLE)
    later = make.add([(1, e), (1, make.transpose(product))])
    assert e not in plan([later]).targets
    assert plan([make.matmul(e, A)]).targets == {e: product}
    assert plan([e, product]).targets == {}
    assert plan([e, make.transpose(product)]).targets == {}
    assert plan([e, make.make("slice", (product,), ((0, 1), (None, None)), (Dim.of(1), N))]).targets == {}


def test_arguments_views_and_named_arrays_are_never_overwritten() -> None:
    make = Instructions()
    A, B = make.input("A", WHOLE), make.input("B", WHOLE)
    for operand in (A, make.transpose(A), make.make("apply", (A,), "s", WHOLE)):
        assert plan([make.call("exp", (operand,), WHOLE)]).targets == {}
    product = make.matmul(A, B)
    assert plan([make.call("exp", (product,), WHOLE)], (product,)).targets == {}


def test_integers_are_made_floats_before_they_are_written_into() -> None:
    make = Instructions()
    A, c = make.input("A", WHOLE), make.input("c", ())
    known: dict[Code, Any] = {}
    for code in ordered([make.div(A, c), make.matmul(A, A), make.mul([c, A]), make.make("apply", (A,), "s", WHOLE)]):
        known[code] = integral(code, known)
    causes = {code.op: cause for code, cause in known.items() if code.op != "input"}
    assert causes["div"] is None
    assert causes["matmul"] is causes["mul"] is A
    assert causes["apply"].op == "apply"
    function = compile_module(mc.derive(ATTENTION[0], wrt="Q", declare=ATTENTION[2]).source("numpy"))["gradient"]
    given = {"Q": [[1, 2], [3, 0]], "K": [[0, 1], [2, 2]], "V": [[1, 1], [0, 1]], "G": [[2, 1], [1, 5]]}
    whole = function(**{k: np.array(v) for k, v in given.items()})
    assert np.allclose(whole, function(**{k: np.array(v, dtype=float) for k, v in given.items()}), rtol=1e-14)


LOSSES: dict[str, tuple[str, str, str]] = {
    "attention": ATTENTION,
    "classifier": (
        "-1/n*sum(Y .* log(softmax(tanh(X*W)*V, axis=1)))", "W,V",
        "X: matrix(n, d)\nW: matrix(d, h)\nV: matrix(h, c)\nY: matrix(n, c)",
    ),
    "program": (
        "X: matrix(N, d)\nb: row(h)\nY: onehot(N, c)\nZ = X*W + b\nH = tanh(Z)\nP = softmax(H*V, axis=1)\n"
        "L = -1/N*sum(Y .* log(P))", "W,b,V", "",
    ),
    "likelihood": ("logdet(S) + tr(inv(S)*C)", "S,C", "S: spd(n)\nC: symmetric(n)"),
}  # fmt: skip


@pytest.mark.parametrize("target", ["numpy", "scipy"])
@pytest.mark.parametrize("loss", LOSSES)
def test_arguments_keep_their_values(loss: str, target: str) -> None:
    text, wrt, declare = LOSSES[loss]
    d = mc.derive(text, wrt=wrt.split(","), declare=declare)
    module = compile_module(d.source(target))
    given = drawn(d)
    before = {name: value.copy() for name, value in given.items()}
    for name in ("value", "gradient", "value_and_gradient"):
        first, again = (flat(module[name](**given)) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert all(np.array_equal(given[name], before[name]) for name in given)
    assert d.verify()


def drawn(d: Any, n: int = 6) -> dict[str, np.ndarray]:
    rng, found = np.random.default_rng(3), {}
    for name, kind in d.declared.items():
        sizes = {dim: n + i for i, dim in enumerate("Nncdhp")}
        shape = tuple(s.evaluate(sizes) for s in kind.shape)
        array = rng.normal(size=shape)
        if shape[0] == shape[1] and {"spd", "symmetric"} & kind.facts:
            array = array @ array.T + np.eye(shape[0])
        found[name] = array[0] if kind.form == "row" else array
    return found


def flat(value: Any) -> list[Any]:
    return [part for v in value for part in flat(v)] if isinstance(value, tuple) else [value]


def peak(function: Callable[..., Any], **given: Any) -> int:
    """Bytes of the arrays that are in memory at once, but for the arguments."""
    function(**given)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    function(**given)
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


def test_a_softmax_layer_takes_three_arrays() -> None:
    n = 300
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=(n, 4)) for name in "QKVG"}
    function = compile_module(mc.derive(ATTENTION[0], wrt="Q", declare=ATTENTION[2]).source("numpy"))["gradient"]
    assert peak(function, **given) < 2.2 * 8 * n * n
