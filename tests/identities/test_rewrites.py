"""Every rewrite: both sides equal, the right one smaller, and it is found where it stands and among other terms."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.kinds import kind_of_shape
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_equal
from matcalc.printing.text import text
from matcalc.rules.ending import weight
from matcalc.rules.identity_verification import verify_entry
from matcalc.rules.rewrite import apply_rewrite, forms, rewriter
from matcalc.rules.statements import Rewrite
from matcalc.rules.table import default_table
from matcalc.shapes import SCALAR

ENTRIES: dict[str, Rewrite] = dict(default_table().rewrites)
# facts that cannot be declared: tried by hand below
CONDITIONAL = {name for name, entry in ENTRIES.items() if entry.needs}


def test_there_are_many() -> None:
    assert len(ENTRIES) >= 250


@pytest.mark.parametrize("name", ENTRIES)
def test_both_sides_are_equal(name: str) -> None:
    verdict = verify_entry(ENTRIES[name])

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_right_side_is_smaller_in_every_form(name: str) -> None:
    for form in forms(ENTRIES[name]):
        assert weight(form.right) < weight(form.left)
        assert form.right.shape == form.left.shape


@pytest.mark.parametrize("name", sorted(set(ENTRIES) - CONDITIONAL))
def test_it_applies_to_its_own_left_side(name: str) -> None:
    entry = ENTRIES[name]
    for form in forms(entry):
        found = apply_rewrite(entry, form.left)

        assert found is not None
        assert weight(found) <= weight(form.right)
        assert verify_equal(form.left, found), f"{text(form.left)} -> {text(found)}"


@pytest.mark.parametrize("name", sorted(set(ENTRIES) - CONDITIONAL))
def test_it_applies_among_other_terms_and_factors(name: str) -> None:
    """A function stands alone; terms and factors may have company."""
    entry = ENTRIES[name]
    left = entry.from_
    match left.op:
        case "add":
            whole = ops.add(ops.sym("Z", kind_of_shape(left.shape)), left)
        case "had":
            whole = ops.mul(ops.num(7), ops.had(ops.sym("Z", kind_of_shape(left.shape)), left))
        case "mul":
            whole = ops.mul(ops.num(7), ops.sym("z", kind_of_shape(SCALAR)), left)
        case _:
            whole = left
    found = apply_rewrite(entry, whole)

    assert found is not None, text(whole)
    assert verify_equal(whole, found), f"{text(whole)} -> {text(found)}"


CASES = [
    ("1 ./ (1 + exp(-x))", "sigmoid(x)"),
    ("exp(B*x) ./ (1 + exp(B*x)) .* y", "y .* sigmoid(B*x)"),
    ("3*y .* exp(x)/sum(exp(x))", "3*(y .* softmax(x))"),
    ("log(1 + exp(x - y))", "softplus(x - y)"),
    ("log(sum(exp(B*x)))", "logsumexp(B*x)"),
    ("y + sin(x).^2 + cos(x).^2", "y + 1"),
    ("inv(P) - inv(P)*U*inv(inv(C) + V*inv(P)*U)*V*inv(P)", "inv(P + U*C*V)"),
    ("c*B*pinv(B)*B*x", "c*B*x"),
    ("pinv(B*X')'*X*B'", "B*X'*pinv(B*X')"),
    ("sqrt((B*x - y)'*(B*x - y))", "norm2(B*x - y)"),
    ("sum((B*x) .* y)", "(B*x)'*y"),
    ("sum(softmax(x))", "1"),
    ("sum(Y)", "N"),
    ("sum(Y, axis=1)", "ones(N)"),
    ("softmax(X, axis=1)*ones(n)", "ones(m)"),
    ("norm2(Q*(x - y))", "norm2(x - y)"),
    ("diag(x)*B*y", "x .* (B*y)"),
    ("expm_frechet(B, eye(n))", "expm(B)"),
    ("tr(logm_frechet(S, B))", "tr(inv(S)*B)"),
    ("max(0, 1 - y .* x)", "relu(1 - y .* x)"),
    ("softplus(x - y) - x + y", "softplus(y - x)"),
    ("abs(w)", "w"),
    ("c*sum(x - y)/n", "c*mean(x - y)"),
    ("det(P)*(1 + x'*inv(P)*y)", "det(P + y*x')"),
    ("(inv(S) + B*B')'", "inv(S) + B*B'"),
    ("Y .* Y .* X2", "Y .* X2"),
]
KINDS = {
    "S": "spd(n)", "X": "matrix(m, n)", "B": "matrix(n, n)", "x": "vector(n)", "y": "vector(n)", "c": "scalar",
    "w": "vector(n), positive", "Y": "onehot(N, n)", "X2": "matrix(N, n)", "P": "matrix(n, n), invertible",
    "Q": "orthogonal(n)", "U": "matrix(n, k)", "V": "matrix(k, n)", "C": "matrix(k, k), invertible",
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CASES, ids=[case[0] for case in CASES])
def test_instances_are_recognized(before: str, after: str) -> None:
    start, expected = parse(before, KINDS), parse(after, KINDS)
    found = rewriter(default_table())(start)

    assert found is not None
    assert verify_equal(start, found)
    assert weight(found)[0] <= weight(expected)[0] + 1, text(found)  # -(x - y) for y - x


REFUSED = [
    "inv(B)",  # not orthogonal
    "abs(x)",  # any sign
    "sum(x)",  # does not add up to one
    "X*ones(n)",
    "sign(x)",
    "logm(expm(B))",  # not symmetric
    "sqrt(x'*y)",
    "exp(x)/sum(exp(y))",
    "1/(2 + exp(c))",
    "sin(x).^2 + cos(y).^2",
    "B*pinv(P)*B",
    "diag(B)",
    "det(B)^2",
    "B'",
    "cos(x)",
    "-softplus(x)",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_instance_stays(expression: str) -> None:
    assert rewriter(default_table())(parse(expression, KINDS)) is None
