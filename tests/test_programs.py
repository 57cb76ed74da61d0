"""Programs from end to end: mission rows, and models as people write them, by API, text, LaTeX, code and command."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from code_cases import arguments
from program_cases import PROGRAMS

import matcalc as mc
from matcalc.cli import main
from matcalc.language.parse import parse, parse_kind, read
from matcalc.numeric.domain import Watch
from matcalc.numeric.evaluate import Plan
from matcalc.numeric.sample import STRATEGIES, draw_values

LAYER = "for i in 1..{K}: f{{i}} = {s}(A{{i-1}}*f{{i-1}} + b{{i-1}})"


def layers(count: int, function: str = "tanh") -> tuple[str, str]:
    """N1.12 for a number of layers."""
    last = count - 1
    lines = [
        "x: vector(n)\ny: vector(n)",
        *(["s: function"] if function == "s" else []),
        f"for i in 0..{last}: A{{i}}: matrix(n, n)",
        f"for i in 0..{last}: b{{i}}: vector(n)",
        "f0 = x",
        LAYER.format(K=count, s=function),
        f"L = norm2(y - f{count})^2",
    ]
    names = [f"{name}{i}" for i in range(count) for name in "Ab"] + [f"f{i}" for i in range(count + 1)]
    return "\n".join(lines), ",".join(names)


MISSION: dict[str, tuple[str, str]] = {
    "N0.5": ("X: matrix(n, d)\ny: row(n)\nw: row(d)\nr = w*X' - y\nL = 1/(2*n)*r*r'", "w,r"),
    "N0.10": (
        "X: matrix(N, d)\nW1: matrix(d, h)\nb1: row(h)\nW2: matrix(h, K)\nb2: row(K)\nY: onehot(N, K)\n"
        "Z1 = X*W1 + b1\nH = sigmoid(Z1)\nZ2 = H*W2 + b2\nP = softmax(Z2, axis=1)\nL = -(1/N)*sum(Y .* log(P))",
        "W1,b1,W2,b2,Z1,H,Z2,P",
    ),
    "N0.11": (
        "x: row(d)\nW1: matrix(d, h)\nb1: row(h)\nW2: matrix(h, K)\nb2: row(K)\ny: onehot(K)\n"
        "z1 = x*W1 + b1\na = sigmoid(z1)\nz2 = a*W2 + b2\np = softmax(z2)\nL = -sum(y' .* log(p))",
        "W1,b1,W2,b2,z1,a,z2,p",
    ),
    "N1.11": ("x: scalar\na = x^2\nb = exp(a)\nc = a + b\nd = sqrt(c)\ne = cos(c)\nf = d + e", "x,a,b,c,d,e"),
    "N1.12, 2": layers(2),
    "N1.12, 3": layers(3, "relu"),
    "N1.12, 3, undefined": layers(3, "s"),
    "N1.12, 10": layers(10, "sigmoid"),
    "N1.13": (
        "x1: scalar\ng2: function\ng3: function(scalar, scalar) -> scalar\ng4: function(scalar, scalar) -> scalar\n"
        "x2 = g2(x1)\nx3 = g3(x1, x2)\nx4 = g4(x2, x3)\nx5 = g3(x4, x2)",
        "x1,x2,x3,x4",
    ),
    "N2.3": (
        "x: row(d)\nw_h: matrix(d + 1, m)\ntheta: vector(m + 1)\ny: scalar\ns: function\npre_h = [x, 1]*w_h\n"
        "h = s(pre_h)\npre_y = [h, 1]*theta\nyhat = s(pre_y)\nl = (yhat - y)^2/2",
        "w_h,theta,pre_h,h,pre_y,yhat",
    ),
    "N3.11": (
        "phi: function\nl: function(vector(k), vector(k)) -> scalar\nW1: matrix(m, n)\nW2: matrix(k, m)\nx: vector(n)\n"
        "y: vector(k)\nz = phi(W1*x)\nyhat = phi(W2*z)\nL = l(y, yhat)",
        "W1,W2,z,yhat",
    ),
}
ALL = {**MISSION, **{name: (textwrap.dedent(p).strip(), wrt) for name, (p, wrt) in PROGRAMS.items()}}


@cache
def derived(name: str) -> Any:
    program, wrt = ALL[name]
    return mc.derive(program, wrt=wrt.split(","))


def named_lines(name: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in derived(name).text().splitlines())


@pytest.mark.parametrize("name", ALL)
def test_every_derivative_is_right(name: str) -> None:
    verdict = derived(name).verify()

    assert verdict, str(verdict)
    assert verdict.residual <= 1e-8


@pytest.mark.parametrize("name", ALL)
def test_the_text_reads_back_as_the_answers(name: str) -> None:
    d = derived(name)
    text = d.text()
    for a in d.answers.values():
        wanted = parse(text, d.kinds) if len(d.answers) == 1 else read(text, d.kinds, of=d.adjoint_name(a)).function
        assert wanted is a.expr
    one = d[next(iter(d.answers))]
    assert parse(one.text(), one.kinds) is one.answer


@pytest.mark.parametrize("name", ALL)
def test_lines_are_short_and_in_order(name: str) -> None:
    known: set[str] = set()
    lines = [line.split(" = ", 1) for line in derived(name).text().splitlines() if " = " in line]
    names = {left for left, _ in lines}
    for left, right in lines:
        assert len(right) <= 150, f"{left} = {right}"
        assert not (set(re.findall(r"\w+", right)) & names) - known
        known.add(left)


@pytest.mark.parametrize("name", ALL)
def test_latex_is_balanced(name: str) -> None:
    page = derived(name).document()

    assert page.count("{") == page.count("}")
    assert page.count(r"\left") == page.count(r"\right")
    assert page.count(r"\begin{") == page.count(r"\end{")
    assert page.startswith(r"\documentclass")
    assert page.endswith("\\end{document}\n")


def fit_point(d: Any, kinds: Mapping[str, Any], sizes: Mapping[str, int], rng: np.random.Generator) -> Any:
    """Values at which everything is defined, and what the answers are there."""
    roots = [d.loss, *(a.expr for a in d.answers.values())]
    for _ in range(40):
        for strategy in STRATEGIES:
            values = draw_values(roots, kinds, sizes, rng, strategy)
            watch = Watch()
            results = Plan(*roots).run(values, sizes, watch)
            if watch.trouble is None:
                return values, [results[root] for root in roots]
    raise AssertionError("no point at which the function and its gradients are defined")


SINGLE_CALLABLES = {name for name in ALL if re.search(r": function\b", ALL[name][0])}


@pytest.mark.parametrize("name", [name for name in ALL if name not in SINGLE_CALLABLES])
def test_the_code_computes_the_tuple_of_gradients(name: str, rng: np.random.Generator) -> None:
    d = derived(name)
    module: dict[str, Any] = {}
    exec(compile(d.source("numpy"), name, "exec"), module)
    kinds = {key: parse_kind(kind) for key, kind in d.kinds.items()}
    sizes = d.verify().sizes[0]
    values, (loss, *gradients) = fit_point(d, kinds, sizes, rng)
    inputs = arguments(module["gradient"], values, kinds, sizes)
    found = module["gradient"](**inputs)
    value, again = module["value_and_gradient"](**inputs)
    if len(gradients) == 1:
        found, again = (found,), (again,)

    np.testing.assert_allclose(value, np.asarray(loss).item(), rtol=1e-8, atol=1e-10)
    for a, got, same, wanted in zip(d.answers.values(), found, again, gradients, strict=True):
        shape = (1,) * (np.ndim(wanted) - np.ndim(got)) if np.ndim(got) == 0 else np.shape(got)
        np.testing.assert_allclose(got, np.reshape(wanted, shape or ()), rtol=1e-8, atol=1e-9, err_msg=a.name)
        np.testing.assert_allclose(same, got, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", sorted(SINGLE_CALLABLES))
def test_the_code_with_undefined_functions_compiles(name: str) -> None:
    module: dict[str, Any] = {}
    exec(compile(derived(name).source("numpy"), name, "exec"), module)

    assert {"value", "gradient", "value_and_gradient"} <= module.keys()


@pytest.mark.parametrize("name", MISSION)
def test_a_row_works_as_a_command(name: str, tmp_path: Path) -> None:
    program, wrt = MISSION[name]
    file = tmp_path / "program.txt"
    file.write_text(program)
    shown = {}
    for form in ("text", "latex", "numpy", "pretty", "json"):
        result = CliRunner().invoke(main, ["derive", str(file), "--wrt", wrt, "--format", form, "--check"])
        assert result.exit_code == 0, result.output
        assert form in ("json", "numpy") or "verified" in result.output
        shown[form] = result.stdout
    d = derived(name)

    assert shown["text"].strip() == d.text()
    assert shown["latex"].strip() == d.latex()
    assert json.loads(shown["json"])["answers"].keys() == set(wrt.split(","))


@pytest.mark.parametrize("name", MISSION)
def test_a_row_has_steps(name: str) -> None:
    assert derived(name).steps


def test_the_classifier_fits_on_a_slide() -> None:
    program, _ = MISSION["N0.10"]
    d = mc.derive(program, wrt=["W1", "b1", "W2", "b2"])
    backward = [line for line in d.text().splitlines() if line.startswith("d")]

    assert backward == [
        "dZ2 = (P - Y)/N",
        "dZ1 = (dZ2*W2') .* H .* (1 - H)",
        "dW1 = X'*dZ1",
        "db1 = sum(dZ1, axis=0)",
        "dW2 = H'*dZ2",
        "db2 = sum(dZ2, axis=0)",
    ]
    assert d.facts_used == ("the rows of Y sum to 1",)


def test_intermediates_of_the_classifier_are_as_in_the_notes() -> None:
    found = named_lines("N0.10")

    assert found["dZ2"] == "(P - Y)/N"
    assert found["dH"] == "dZ2*W2'"
    assert found["dZ1"] == "dH .* H .* (1 - H)"


def test_all_are_the_variables_and_the_intermediates() -> None:
    program, _ = MISSION["N0.10"]
    d = mc.derive(program, wrt="all")

    assert set(d.answers) == {"X", "W1", "b1", "W2", "b2", "Z1", "H", "Z2", "P"}
    assert "dZ2 = (P - Y)/N" in d.text().splitlines()
    assert d.verify()


def test_batch_samples_and_their_sum_are_equal(rng: np.random.Generator) -> None:
    """N0.11: the gradient of the batch is the mean of those of the samples."""
    names = ["W1", "b1", "W2", "b2"]
    batch, one = (mc.derive(MISSION[row][0], wrt=names).function() for row in ("N0.10", "N0.11"))
    samples, width, hidden, classes = 7, 3, 4, 5
    weights = {
        "W1": rng.normal(size=(width, hidden)), "b1": rng.normal(size=hidden),
        "W2": rng.normal(size=(hidden, classes)), "b2": rng.normal(size=classes),
    }  # fmt: skip
    inputs, targets = rng.normal(size=(samples, width)), np.eye(classes)[rng.integers(classes, size=samples)]
    each = [one(x=x, y=y, **weights) for x, y in zip(inputs, targets, strict=True)]

    for i, whole in enumerate(batch(X=inputs, Y=targets, **weights)):
        np.testing.assert_allclose(sum(parts[i] for parts in each) / samples, whole, rtol=1e-10)


def test_a_sample_has_the_deltas_of_the_notes() -> None:
    found = named_lines("N0.11")

    assert found["dz2"] == "p - y'"
    assert found["dz1"] == "a .* da .* (1 - a)"
    assert found["dW2"] == "a'*dz2"


def test_scalars_have_one_line_each() -> None:
    found = named_lines("N1.11")

    assert found["dc"] == "1/(2*d) - sin(c)"
    assert found["db"] == "dc"
    assert found["dx"] == "2*da*x"


def test_undefined_networks_are_as_in_the_notes() -> None:
    d = mc.derive(MISSION["N3.11"][0], wrt=["W1", "W2"])

    assert d.text().splitlines()[2:] == [
        "delta_yhat = D[2](l)(y, yhat) .* phi'(W2*z)",
        "dW1 = (phi'(W1*x) .* (W2'*delta_yhat))*x'",
        "dW2 = delta_yhat*z'",
    ] or d.text().splitlines()[2:-2] == [
        "delta_yhat = D[2](l)(y, yhat) .* phi'(W2*z)",
        "delta_z = (W2'*delta_yhat) .* phi'(W1*x)",
    ]


def test_appended_ones_and_slices_are_as_in_the_notes() -> None:
    found = named_lines("N2.3")

    assert found["dtheta"] == "dpre_y*[h'; 1]"
    assert found["dh"] == "dpre_y*theta[:-1]'"
    assert found["dw_h"] == "[x'; 1]*dpre_h"


def test_a_thousand_layers(rng: np.random.Generator) -> None:
    program, _ = layers(1000)
    d = mc.derive(program, wrt=[f"A{i}" for i in range(1000)])
    text = d.text().splitlines()
    arrays = {f"A{i}": rng.normal(size=(2, 2)) for i in range(1000)}
    arrays |= {f"b{i}": rng.normal(size=2) for i in range(1000)}
    gradient = d.function()(x=np.ones(2), y=np.zeros(2), **arrays)

    assert len(gradient) == 1000
    assert np.isfinite(gradient[0]).all()
    assert len(text) <= 3010
    assert max(map(len, text)) < 80


def test_the_graph_of_a_program() -> None:
    d = derived("N3.11")
    dot, mermaid = d.graph("dot"), d.graph("mermaid")

    assert '"W2" -> "yhat" [label="dW2"];' in dot
    assert '"y" -> "L";' in dot
    assert dot.startswith("digraph")
    assert mermaid.startswith("graph LR")
    assert mermaid.count("-->") == dot.count("->") == 6
    with pytest.raises(mc.MatcalcError):
        d.graph("png")


def test_output_options_of_the_command(tmp_path: Path) -> None:
    file = tmp_path / "program.txt"
    file.write_text(MISSION["N0.10"][0])

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["derive", str(file), "--wrt", "W1,b1", *words])

    page = run("--format", "latex", "--standalone").stdout
    assert r"\begin{align*}" in page
    assert r"\frac{\partial L}{\partial W_{1}} &= X^\top \frac{\partial L}{\partial Z_{1}}" in page
    assert r"\text{" in run("--format", "latex", "--standalone", "--steps").stdout
    assert "DW1 = X'*DZ1" in run("--format", "text", "--adjoint", "D{}").stdout
    assert run("--graph", "mermaid").stdout.startswith("graph LR")
    assert "used: the rows of Y sum to 1" in run().output
    assert run("--standalone").exit_code == 2
    assert run("--adjoint", "d").exit_code == 2


def test_a_named_product_is_computed_once_in_a_function() -> None:
    program = """X: matrix(n, d)
Wq: matrix(d, k)
Wk: matrix(d, k)
T: matrix(n, n)
Q = X*Wq
K = X*Wk
A = softmax(Q*K', axis=1)
L = norm2(A - T)^2"""
    source = mc.derive(program, wrt=["Wq", "Wk"]).source("numpy")

    assert [function.count("X @ Wq") for function in source.split("\ndef ")[-3:]] == [1, 1, 1]


def test_a_program_that_is_too_long_written_out_is_itself_in_json() -> None:
    lines = ["x: vector(n)", "a0 = x", *(f"a{i + 1} = sin(a{i}) + x .* a{i}" for i in range(50)), "L = sum(a50)"]
    d = mc.derive("\n".join(lines), "x")
    found = d.json()

    assert found["function"] == "\n".join(lines)
    assert mc.parse(found["function"]) is d.loss
    assert "a50" in found["definitions"] or "a49" in found["definitions"]
