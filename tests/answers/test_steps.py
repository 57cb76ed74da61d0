"""Derivations step by step: every equality in numbers, what is shown and what is not, the printed forms."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from step_checks import Wrong, check_steps

import matcalc
from matcalc import ops
from matcalc.cli.command import split_names
from matcalc.expr import topological
from matcalc.printing.step import Step, steps_latex, steps_text
from matcalc.rules.table import default_table
from matcalc.simplifier.normal import equal

CASES: dict[str, tuple[Any, ...]] = {
    f"{file.stem}/{name}": (case["f"], case["wrt"], case.get("declare"))
    for file in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
} | {
    f"table/{entry.id}": (entry.fields["f"], entry.fields["wrt"], dict(entry.let))
    for entry in default_table().gradients.values()
}
SAMPLE = sorted(CASES)[::3]  # every third: all kinds of functions occur
CLASSIFIER = """
Z1 = X*W1 + b1
H = sigmoid(Z1)
Z2 = H*W2 + b2
P = softmax(Z2, axis=1)
L = -(1/N)*sum(Y .* log(P))"""
LAYERS = {
    "X": "matrix(N, d)", "Y": "onehot(N, K)",
    "W1": "matrix(d, h)", "W2": "matrix(h, K)", "b1": "row(h)", "b2": "row(K)",
}  # fmt: skip
OWN = {  # by other means than a plain gradient of one variable
    "rectangular": ("tr(A*X*B*X'*C)", "X", {"A": "matrix(k, m)", "B": "matrix(n, n)", "C": "matrix(m, k)"}),
    "row": ("x*A*x' + b*x'", "x", {"x": "row(n)", "b": "row(n)"}),
    "nested": ("log(1 + sqrt(x'*A*x + c^2))", "x", {"c": "scalar"}),
    "scalar": ("sqrt(x^2 + exp(x^2)) + cos(x^2 + exp(x^2))", "x", {"x": "scalar"}),
    "repeated": ("x'*A*x*(x'*B*x)", "x", {}),
    "two variables": ("norm2(Y - s(X*W1)*W2)^2/2", "W1,W2", {
        "X": "matrix(N, d)", "Y": "matrix(N, k)", "W1": "matrix(d, h)", "W2": "matrix(h, k)", "s": "function",
    }),
    "shared variables": ("-sum(y .* log(softmax(W*x + b)))", "W,b,x", {"y": "vector(k)", "x": "vector(n)"}),
    "quadratic by both": ("x'*A*x", "A,x", {}),
    "program": ("Z = X*W\nP = softmax(Z, axis=1)\nL = -1/N*sum(Y .* log(P))", "W", {
        "X": "matrix(N, d)", "Y": "onehot(N, K)",
    }),
    "an intermediate quantity": (CLASSIFIER, "Z2", LAYERS),
    "names at different depths": (CLASSIFIER, "H,Z1,W2", LAYERS),
    "two layers": (CLASSIFIER, "W1,W2,b1", LAYERS),
    "a one-hot vector among columns": ("-y'*log(softmax(W*x + b))", "W,b", {
        "x": "vector(n)", "b": "vector(k)", "y": "onehot(k)",
    }),
    "recurrence": ("for i in 1..3: h{i} = s(W{i}*h{i-1} + b{i})\nL = norm2(y - h3)^2", "W1,b2", {
        "s": "function", "W1": "matrix(k1, k0)", "W2": "matrix(k2, k1)", "W3": "matrix(k3, k2)", "h0": "vector(k0)",
    }),
    "scalar program": ("a = x^2\nb = exp(a)\nc = a + b\nq = sqrt(c)\ne = cos(c)\nf = q + e", "x,a,c", {"x": "scalar"}),
    "program with a vector": ("u = A*x\ny = exp(u)", "x", {}),
    "index sum": ("sum(i, log(x[i])*y[i]^2)", "x", {"x": "vector(n)", "y": "vector(n)"}),
    "index sum that stays": (
        "sum(i in 1..3, norm2(x - i*a)) + sum(k in 0..m, exp(k*x'*a))", "x",
        {"x": "vector(3)", "a": "vector(3)", "m": "integer"}),
    "itself": ("x", "x", {"x": "scalar"}),
    "absent": ("a'*a", "x", {"x": "vector(n)", "a": "vector(m)"}),
    "jacobian": ("x*(b'*x)", "x", {"b": "vector(n)"}),
    "jacobian of a row": ("x*A", "x", {"x": "row(n)"}),
    "jacobian by a scalar": ("exp(t*x)", "t", {"t": "scalar", "x": "vector(n)"}),
    "jacobian by a matrix": ("A*X*B", "X", {"A": "matrix(k, m)", "X": "matrix(m, n)", "B": "matrix(n, p)"}),
    "jacobian by all": ("A*X*B*t", "X,t,B", {
        "A": "matrix(k, m)", "X": "matrix(m, n)", "B": "matrix(n, p)", "t": "scalar",
    }),
    "jacobian of an inverse": ("inv(X)", "X", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLE)
def test_every_step_holds(name: str) -> None:
    f, wrt, declare = CASES[name]
    d = matcalc.derive(f, wrt, declare)

    assert check_steps(d) > 0


@pytest.mark.parametrize("name", sorted(CASES)[1::6])
def test_every_step_from_first_principles_holds(name: str) -> None:
    f, wrt, declare = CASES[name]
    d = matcalc.derive(f, wrt, declare, first_principles=True)

    assert check_steps(d, settings=1) > 0
    assert not {s.by for s in d.steps} & default_table().gradients.keys()


@pytest.mark.parametrize("name", OWN)
def test_steps_of_other_kinds_hold(name: str) -> None:
    f, wrt, declare = OWN[name]
    d = matcalc.derive(f, wrt.split(","), declare)

    assert d.steps
    assert check_steps(d) >= (0 if name in ("itself", "absent") else 1)


PLACES = {
    "an entry": ("x'*B*x", "B[i, j]", {}),
    "an entry by number": ("tr(A*X*B)", "X[0, 1]", {"A": "matrix(n, m)", "X": "matrix(m, n)", "B": "matrix(n, n)"}),
    "a slice": ("norm2(A*x - b)^2", "x[1:]", {}),
    "a row": ("norm2(X*w - y)^2", "X[0, :]", {"X": "matrix(n, d)"}),
    "a part and all": ("x'*B*x", "B[i, j],x", {}),
    "of a jacobian": ("A*x", "x[k]", {"A": "matrix(m, n)"}),
    "of an array": ("B'*B", "B[i, j]", {"B": "matrix(m, n)"}),
    "a row of an array": ("A*X*B", "X[0, :]", {"A": "matrix(k, m)", "X": "matrix(m, n)", "B": "matrix(n, p)"}),
}


@pytest.mark.parametrize("name", PLACES)
def test_steps_to_a_part_of_a_variable_end_with_it(name: str) -> None:
    f, wrt, declare = PLACES[name]
    d = matcalc.derive(f, split_names(wrt), declare)

    assert check_steps(d) > 0
    assert d.steps[-1].after is list(d.answers.values())[0].expr or name == "a part and all"


@pytest.mark.parametrize("order", [3, 4])
@pytest.mark.parametrize("f", ["sum(exp(A*x))", "(x'*x)^2", "sin(c*t)*t"])
def test_steps_of_higher_orders_hold(f: str, order: int) -> None:
    d = matcalc.derive(f, "t" if "t" in f else "x", {"t": "scalar"} if "t" in f else {}, order=order)

    assert check_steps(d) > 0
    assert not [s for s in d.steps if s.by == "differential"]


@pytest.mark.parametrize("structure", ["auto", "tied", "free"])
@pytest.mark.parametrize("kind", ["symmetric(n)", "spd(n)", "diagonal(n)", "lower(n)", "orthogonal(n)"])
@pytest.mark.parametrize("f", ["tr(A*X*B*X)", "x'*X*y", "tr(X'*A)", "norm2(X*x - y)^2"])
def test_steps_for_a_variable_with_structure(f: str, kind: str, structure: str) -> None:
    declare = {"X": kind, "A": "matrix(n, n)", "B": "matrix(n, n)", "x": "vector(n)", "y": "vector(n)"}
    d = matcalc.derive(f, "X", declare, structure=structure)

    assert check_steps(d, settings=1) > 0


@pytest.mark.parametrize("f", ["x'*A*x", "norm2(A*x - y)^2", "log(1 + x'*x)"])
def test_steps_to_a_hessian_go_on_from_the_gradient(f: str) -> None:
    d = matcalc.derive(f, "x", {}, order=2)

    assert check_steps(d) > 0
    assert [s.before.name for s in d.steps if s.before.op == "sym"][-2:] == ["gradient", "hessian"]


def test_a_hessian_has_a_block_for_every_pair() -> None:
    d = matcalc.derive("x'*A*y + norm2(y)^2*c", "x,y", {"y": "vector(n)", "c": "scalar"}, order=2)

    assert check_steps(d) > 0
    blocks = [s.before.name for s in d.steps if s.before.op == "sym" and s.before.name.startswith("H_")]
    assert blocks == ["H_x_x", "H_x_y", "H_y_x", "H_y_y"] == [d.adjoint_name(a) for a in d.answers.values()]


# --- the test of the tests ------------------------------------------------------------------------

LEAST_SQUARES = ("norm2(A*X - B)^2 + tr(C*X)", "X", {"A": "matrix(m, n)", "C": "matrix(k, n)"})


def mistakes(step: Step) -> list[Step]:
    """What a slip would make of a step."""
    found = [replace(step, after=ops.mul(ops.num(2), step.after)), replace(step, after=ops.neg(step.after))]
    turned = ops.transpose(step.after)
    if step.after.rows is step.after.cols and not step.after.is_scalar and not equal(turned, step.after):
        found.append(replace(step, after=turned))
    if step.after.op == "add":
        found.append(replace(step, after=ops.add(*step.after.args[1:])))
    return found


@pytest.mark.parametrize("options", [{}, {"first_principles": True}, {"layout": "numerator"}])
def test_a_wrong_step_is_found(options: dict[str, Any]) -> None:
    d = matcalc.derive(*LEAST_SQUARES, **options)
    assert check_steps(d, settings=1)

    tried = 0
    for i, step in enumerate(d.steps):
        for wrong in mistakes(step):
            tried += 1
            with pytest.raises(Wrong):
                check_steps(d, [*d.steps[:i], wrong, *d.steps[i + 1 :]], settings=1)
    assert tried >= 12


def test_a_wrong_name_for_a_part_is_found() -> None:
    d = matcalc.derive(*OWN["program"])
    i = next(i for i, s in enumerate(d.steps) if s.by == "definition")
    wrong = replace(d.steps[i], after=ops.mul(ops.num(2), d.steps[i].after))

    with pytest.raises(Wrong):
        check_steps(d, [*d.steps[:i], wrong, *d.steps[i + 1 :]])


# --- what is shown --------------------------------------------------------------------------------


def lines(f: str, wrt: Any, declare: Any = None, **options: Any) -> list[str]:
    return [s.text() for s in matcalc.derive(f, wrt, declare, **options).steps]


def test_least_squares_from_first_principles() -> None:
    assert lines("norm2(A*x - b)^2", "x", first_principles=True) == [
        "d(norm2(A*x - b)^2) = d((A*x - b)'*(A*x - b))",
        "d((A*x - b)'*(A*x - b)) = (A*dx)'*(A*x - b) + (A*x - b)'*A*dx",
        "(A*dx)'*(A*x - b) + (A*x - b)'*A*dx = 2*(A*x - b)'*A*dx",
        "gradient = 2*A'*(A*x - b)",
    ]


@pytest.mark.parametrize(
    ("f", "wrt", "options"),
    [
        ("norm2(X - U*V)^2", ("U", "V"), {}),
        ("norm2(X - U*V)^2", "U", {"first_principles": True}),
        ("norm2(x*A - r)^4", ("x", "r"), {"declare": "x: row(n); r: row(m)"}),
        ("norm2(A*x - b)^6 + norm2(b)^2", ("x", "b"), {"order": 2}),
        ("norm2(A*x - b)^3", ("x", "b"), {"first_principles": True}),
        ("R = X - U*V\nS = R*Y\nnorm2(S)^2 + norm2(R)^4", ("U", "V"), {}),
    ],
)
def test_powers_of_norms_do_not_go_through_the_norm(f: str, wrt: Any, options: dict[str, Any]) -> None:
    d = matcalc.derive(f, wrt, **options)
    divided = [s for s in d.steps for e in topological(s.after) if e.op == "pow" and e.args[1] is ops.num(-1)]

    assert not divided
    assert not any(s.before.op == "d" and s.before.args[0].op == "norm2" for s in d.steps)
    check_steps(d)


def test_a_product_rule_where_a_variable_occurs_twice() -> None:
    assert lines("x'*A*x", "x", first_principles=True) == [
        "d(x'*A*x) = dx'*A*x + x'*A*dx",
        "dx'*A*x + x'*A*dx = (x'*A' + x'*A)*dx",
        "gradient = A*x + A'*x",
        "A*x + A'*x = (A + A')*x",
    ]


def test_the_trace_is_cycled() -> None:
    assert lines("a'*inv(X)*b", "X", {"a": "vector(n)", "b": "vector(n)"}, first_principles=True) == [
        "d(a'*inv(X)*b) = a'*d(inv(X))*b",
        "d(inv(X)) = -inv(X)*dX*inv(X)",
        "d(a'*inv(X)*b) = -a'*inv(X)*dX*inv(X)*b",
        "-a'*inv(X)*dX*inv(X)*b = -tr(inv(X)*b*a'*inv(X)*dX)",
        "gradient = -inv(X)'*a*b'*inv(X)'",
    ]


def test_known_forms_are_taken_in_one_step() -> None:
    d = matcalc.derive("logdet(S) + tr(inv(S)*C)", "S", {"S": "spd(n)", "C": "symmetric(n)"})

    assert [s.by for s in d.steps][:6] == [
        "linearity", "log-determinant", "trace-of-inverse-times-matrix", "substitution", "trace-form",
        "first-identification",
    ]  # fmt: skip
    assert d.steps[1].source == "; ".join(default_table().gradients["log-determinant"].source)


def test_numerator_layout_ends_with_a_transposition() -> None:
    assert lines("x'*A*x", "x", layout="numerator")[-1] == "derivative = x'*(A + A')"


def test_a_symmetric_variable_gets_a_step_for_the_projection() -> None:
    declare = {"S": "symmetric(n)", "x": "vector(n)", "y": "vector(n)"}
    d = matcalc.derive("x'*S*y", "S", declare)

    assert "structure" in [s.by for s in d.steps]
    assert "symmetric" in next(s.says for s in d.steps if s.by == "structure")
    assert "tied-entries" in [s.by for s in matcalc.derive("x'*S*y", "S", declare, structure="tied").steps]
    # where the gradient is symmetric by itself there is nothing to project
    assert "structure" not in [s.by for s in matcalc.derive("x'*S*x", "S", declare).steps]


def test_a_program_goes_back_through_its_names() -> None:
    assert lines(CLASSIFIER, ("W1", "W2", "b2"), LAYERS) == [
        "Z1 = X*W1 + b1",
        "H = sigmoid(Z1)",
        "Z2 = H*W2 + b2",
        "P = softmax(Z2, axis=1)",
        "L = -1/N*sum(Y .* log(P))",
        "dL = -1/N*sum(Y .* d(log(P)))",
        "d(log(P)) = dP ./ P",
        "dP = P .* (dZ2 - sum(P .* dZ2, axis=1)*ones(1, K))",
        "dZ2 = d(H*W2) + db2",
        "d(H*W2) = dH*W2 + H*dW2",
        "dH = H .* (1 - H) .* dZ1",
        "dZ1 = X*dW1",
        "dL = -1/N*sum(Y .* (dZ2 - sum(P .* dZ2, axis=1)*ones(1, K)))",
        "-1/N*sum(Y .* (dZ2 - sum(P .* dZ2, axis=1)*ones(1, K))) = tr((((1/N*Y*ones(K)*ones(1, K)) .* P)' - Y'/N)*dZ2)",
        "gradient_Z2 = (1/N*Y*ones(K)*ones(1, K)) .* P - Y/N",
        "(1/N*Y*ones(K)*ones(1, K)) .* P - Y/N = (1/N*ones(N)*ones(1, K)) .* P - Y/N",
        "(1/N*ones(N)*ones(1, K)) .* P - Y/N = (P - Y)/N",
        "tr(gradient_Z2'*dZ2) = tr(gradient_Z2'*((H .* (1 - H) .* dZ1)*W2 + H*dW2 + db2))",
        "tr(gradient_Z2'*((H .* (1 - H) .* dZ1)*W2 + H*dW2 + db2))"
        " = tr(((gradient_Z2*W2') .* H .* (1 - H))'*dZ1) + tr(gradient_Z2'*H*dW2) + db2*gradient_Z2'*ones(N)",
        "gradient_Z1 = (gradient_Z2*W2') .* H .* (1 - H)",
        "tr(gradient_Z1'*dZ1) = tr(gradient_Z1'*X*dW1)",
        "gradient_W1 = X'*gradient_Z1",
        "gradient_W2 = H'*gradient_Z2",
        "gradient_b2 = ones(1, N)*gradient_Z2",
        "ones(1, N)*gradient_Z2 = sum(gradient_Z2, axis=0)",
    ]


def test_a_wrong_gradient_inside_of_a_program_is_found() -> None:
    d = matcalc.derive(CLASSIFIER, ("W1", "W2", "b2"), LAYERS)
    assert check_steps(d)
    for name in ("gradient_Z2", "gradient_Z1"):
        i = next(i for i, s in enumerate(d.steps) if s.before.op == "sym" and s.before.name == name)
        with pytest.raises(Wrong):
            check_steps(d, [*d.steps[:i], replace(d.steps[i], after=ops.neg(d.steps[i].after)), *d.steps[i + 1 :]])


def test_a_long_function_gets_names_for_its_parts() -> None:
    f = "-log(exp(-norm2(A*x)^2)/(exp(-norm2(A*x)^2) + exp(-norm2(A*y)^2)))"
    texts = lines(f, "A")

    assert "u2 = exp(u1)" in texts
    assert max(len(text) for text in texts if text.startswith("d")) < 120


def test_a_deep_function_has_short_steps() -> None:
    f = "sin(" * 300 + "x" + ")" * 300
    d = matcalc.derive(f, "x", {"x": "scalar"})
    texts = [s.text() for s in d.steps]

    assert len(texts) > 300
    assert max(len(text) for text in texts[:-1]) < 100


def test_the_names_of_results_are_nobody_elses() -> None:
    d = matcalc.derive("gradient'*A*gradient", "gradient", {"gradient": "vector(n)"})

    assert [s.before.name for s in d.steps if s.before.op == "sym"] == ["gradient_"]


def test_nothing_that_was_typed_is_reorganized() -> None:
    for f in ("norm2(A*x - b)^2", "norm2(b - A*x)^2", "sum(exp(b - A*x))", "log(sum(exp(-(A*x) + b)))"):
        d = matcalc.derive(f, "x", first_principles=True)
        by_definition = [e for s in d.steps if s.by == "square-of-norm" for e in topological(s.after)]
        typed = {*topological(d.loss), *by_definition}
        under = {n.args[0] for s in d.steps for e in (s.before, s.after) for n in topological(e) if n.op == "d"}

        assert under <= typed


# --- in print -------------------------------------------------------------------------------------


def test_a_step_as_data() -> None:
    step = matcalc.derive("x'*A*x", "x").steps[0]

    assert step.json() == {
        "before": "d(x'*A*x)",
        "after": "x'*(A + A')*dx",
        "by": "quadratic-form",
        "source": "; ".join(default_table().gradients["quadratic-form"].source),
    }


def test_the_steps_as_text_go_on_where_the_last_one_ended() -> None:
    d = matcalc.derive("x'*A*x", "x", first_principles=True)

    assert steps_text(d.steps).splitlines() == [
        "d(x'*A*x) = dx'*A*x + x'*A*dx   [product]",
        "    = (x'*A' + x'*A)*dx   [a scalar is its own transpose; the differential taken out]",
        "gradient = A*x + A'*x   [the gradient G is read off G'*dx]",
        "    = (A + A')*x   [collecting and factoring]",
    ]
    assert "Petersen & Pedersen 2012, eq. 37" in d.explain("text", full=True)


def test_the_steps_in_latex() -> None:
    d = matcalc.derive("x'*A*x", "x", first_principles=True)
    found = steps_latex(d.steps, full=True).splitlines()

    assert found[0] == r"\begin{align*}"
    assert found[-1] == r"\end{align*}"
    assert found[1].startswith(r"\mathrm{d}(x^\top A x) &= ")
    assert found[2].startswith("&= ")
    assert all(line.endswith(r"} \\") for line in found[1:-2])
    assert r"\& Pedersen" in found[1]
    assert sum(line.count("&=") for line in found) == len(d.steps)


def test_brief_steps_have_one_line_where_full_ones_have_two() -> None:
    d = matcalc.derive("1/n*sum(exp(X*w) - y .* (X*w))", "w", {"X": "matrix(n, d)"})
    short, long = d.explain("text").splitlines(), d.explain("text", full=True).splitlines()

    assert len(short) < len(long)
    assert any("put together and shortened" in line for line in short)
    assert {line.split("   [")[0] for line in short if not line.startswith("d(1/n")} <= {
        line.split("   [")[0] for line in long
    }


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({"residuals": {"r": "A*x - b"}}, "2*A'*(A*x - b) = 2*A'*r"),
        ({"expand": True}, "2*A'*(A*x - b) = 2*A'*A*x - 2*A'*b"),
        ({"residuals": {"r": "A*x - b"}, "layout": "numerator"}, "2*(A*x - b)'*A = 2*r'*A"),
    ],
)
def test_the_steps_end_in_the_form_that_was_asked_for(options: dict[str, Any], last: str) -> None:
    d = matcalc.derive("norm2(A*x - b)^2", "x", **options)

    assert d.steps[-1].text() == last
    assert check_steps(d) > 0


def test_a_program_with_gradients_as_partial_derivatives_in_latex() -> None:
    d = matcalc.derive(CLASSIFIER, ("W1", "W2", "b2"), LAYERS)
    found = d.explain("latex")

    assert r"\frac{\partial L}{\partial Z_{2}} = " in found
    assert "gradient}" not in found
    assert r"\nabla f &= " in steps_latex(matcalc.derive("x'*A*x", "x").steps)


def test_what_a_step_uses_is_shown_as_an_equality() -> None:
    d = matcalc.derive("log(sum(exp(A*x)))", "x")
    step = d.steps[-1]

    assert step.by == "exponential-over-its-sum-vector"
    assert step.reason() == "exponential-over-its-sum-vector: exp(x)/sum(exp(x)) = softmax(x)"
    assert r"\operatorname{softmax}(x)" in step.reason_latex()


def test_facts_that_a_simplification_rests_on_are_said() -> None:
    d = matcalc.derive("-sum(y .* log(softmax(W*x)))", "W", {"y": "onehot(k)", "x": "vector(n)"})

    assert any("the entries of y sum to 1" in s.says for s in d.steps) or any(
        "ones" in text for s in d.steps for text in map(str, s.uses)
    )


@pytest.mark.parametrize(
    ("function", "wrt", "options", "left"),
    [
        ("norm2(X - U*V')^2", "U,V", {}, [r"\frac{\partial f}{\partial U}", r"\frac{\partial f}{\partial V}"]),
        (  # what is read off is not what is answered
            "norm2(X - U*V')^2", "U,V", {"layout": "numerator"},
            [r"\nabla_{U} f", r"\frac{\partial f}{\partial U}", r"\nabla_{V} f", r"\frac{\partial f}{\partial V}"],
        ),
        ("norm2(f - U*V')^2", "U", {"declare": "f: matrix(m, n)"}, [r"\nabla L"]),
        ("x'*A*y", "x,y", {"order": 2}, ["H_{x,x}", "H_{x,y}", "H_{y,x}", "H_{y,y}"]),
        ("x'*A*x", "x", {"order": 2}, [r"\nabla f", r"\nabla^{2} f"]),
        (
            "sin(t)", "t", {"order": 2, "declare": "t: scalar"},
            [r"\frac{\partial f}{\partial t}", r"\frac{\partial^{2} f}{\partial t^{2}}"],
        ),
        ("A*x", "x", {}, [r"\mathrm{D} f"]),
        ("X: matrix(N, d); Z = X*W; norm2(tanh(Z) - Y)^2", "W", {}, [r"\frac{\partial f}{\partial W}"]),
    ],
)  # fmt: skip
def test_the_steps_write_derivatives_as_the_answer_does(
    function: str, wrt: str, options: dict[str, Any], left: list[str]
) -> None:
    found = matcalc.derive(function, wrt.split(","), **options)
    steps = found.explain("latex")

    assert all(re.search(rf"(^|& ?){re.escape(name)} &?= ", steps, re.MULTILINE) for name in left)
    assert "gradient}" not in steps
    assert "hessian}" not in steps
    assert ("∂" in found.explain("mathml")) == (r"\partial" in steps)


def test_an_identity_is_given_in_full_where_it_is_used_first() -> None:
    d = matcalc.derive("sum(log(A*x)) + sum(log(B*x))", "x")
    logarithms = [line for line in d.explain("text", full=True).splitlines() if "[logarithm" in line]

    assert len(logarithms) == 2
    assert "Abramowitz" in logarithms[0]
    assert logarithms[1].endswith("[logarithm]")
    assert d.explain("latex", full=True).count("Abramowitz") == 1


def test_differentials_of_functions_have_no_brackets_on_paper() -> None:
    found = matcalc.derive("norm2(A*X)^2 + logdet(X)", "X", {"A": "matrix(m, n)"}).explain("latex")

    assert r"\mathrm{d}\lVert A X \rVert_{F}^{2}" in found
    assert r"\mathrm{d}\log\det(X)" in found
    assert r"\mathrm{d}(\lVert A X \rVert_{F}^{2} + \log\det(X))" in found
    assert r"\mathrm{d}(X^{-1})" in matcalc.derive("sum(inv(X))", "X").explain("latex")


@pytest.mark.parametrize(
    ("f", "wrt", "reason"),
    [
        ("mean((A*x - b).^2)", "x", "mean(a .* b) = a'*b/n"),
        ("mean((A*X - B).^2)", "X", "mean(A .* B) = tr(A'*B)/(m*n)"),
        ("-2*sum((A*X) .* B)", "X", "sum(A .* B) = tr(A'*B)"),
        ("sum(exp(X)*A)", "X", "sum(A) = tr(ones(n, m)*A)"),
        ("sum(A*x)", "x", "sum(a) = ones(n)'*a"),
        ("norm2(M .* (U*V') - Y)^2", "U", "tr(A'*(B .* C)) = tr((A .* B)'*C)"),
        ("norm2(X - U*V)^2", "U,V", "the factors of a trace may be cycled"),
    ],
)
def test_how_the_gradient_comes_to_be_read_off_is_said(f: str, wrt: str, reason: str) -> None:
    steps = matcalc.derive(f, wrt, first_principles=True).steps
    assert any(reason in step.reason() for step in steps if step.by in ("trace-form", "transposition"))


def test_a_product_of_a_named_product_claims_no_reading_off() -> None:
    program = "X: matrix(n, d)\nW: matrix(d, k)\nH = X*W\nG = H*H'\nlogdet(G + eye(n)) + norm2(W)^2"
    d = matcalc.derive(program, "W")

    assert d.verify()
    assert not any("gradient_H'" in step.text() for step in d.steps)
