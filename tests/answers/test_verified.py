"""A wrong answer is found out, in whichever form it stands."""

from dataclasses import replace
from fractions import Fraction

import pytest

import matcalc as mc
from matcalc import ops
from matcalc.answers.verified import verified

CASES = [
    ("x'*A*x", "x", "A: matrix(n, n)", 1),
    ("tr(S*A)", "S", "S: symmetric(n); A: matrix(n, n)", 1),
    ("a = W*x\nL = sum(tanh(a).^2)", "W", "W: matrix(m, n); x: vector(n)", 1),
    ("a = W*x\nL = sum(tanh(a).^2)", "a", "W: matrix(m, n); x: vector(n)", 1),
]
FORMS = [
    ("A*x", "x", "A: matrix(m, n)", 1),
    ("A*X*B", "X", "A: matrix(m, n); B: matrix(p, q)", 1),
    ("sum(exp(A*x))", "x", "A: matrix(m, n)", 2),
    ("logdet(X)", "X", "X: spd(n)", 2),
]


@pytest.mark.parametrize(("function", "wrt", "declare", "order"), CASES)
def test_gradients(function: str, wrt: str, declare: str, order: int) -> None:
    d = mc.derive(function, wrt, declare)
    a = d.answers[wrt]
    wrong = ops.mul(ops.num(2), a.expr)
    spoilt = replace(d, answers={wrt: replace(a, expr=wrong)})
    if d.backward is not None:
        spoilt = replace(spoilt, backward=replace(d.backward, named={**d.backward.named, wrt: wrong}))

    assert verified(d)
    assert not verified(spoilt)


def test_one_wrong_gradient_among_many_is_found_out() -> None:
    names = [f"W{i}" for i in range(12)]
    lines = [*(f"h{i + 1} = tanh({w}*h{i} + b)" for i, w in enumerate(names)), "L = sum(h12.^2)"]
    declared = {"h0": "vector(n)", "b": "vector(n)", **dict.fromkeys(names, "matrix(n, n)"), "W3": "symmetric(n)"}
    d = mc.derive("\n".join(lines), [*names, "b"], declared)
    verdict = verified(d)

    assert verdict
    assert verdict.draws >= 6
    for name in ("W0", "W3", "W11", "b"):
        nearly = ops.mul(ops.num(Fraction(10_001, 10_000)), d.answers[name].expr)
        found = verified(replace(d, answers={**d.answers, name: replace(d.answers[name], expr=nearly)}))
        assert not found
        assert found.counterexample is not None


@pytest.mark.parametrize("which", ["map", "matrix"])
@pytest.mark.parametrize(("function", "wrt", "declare", "order"), FORMS)
def test_forms(function: str, wrt: str, declare: str, order: int, which: str) -> None:
    d = mc.derive(function, wrt, declare, order=order)
    (name, form), = d.forms.items()
    spoilt = replace(form, **{which: ops.mul(ops.num(2), getattr(form, which))})

    assert verified(d)
    assert not verified(replace(d, forms={name: spoilt}))
