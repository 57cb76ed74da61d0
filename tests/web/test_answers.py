"""What the page is told: names, derivatives, verdicts, steps, code, forms, graphs; and what is wrong with the input."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("starlette")

import matcalc
from matcalc.web.answers import respond
from matcalc.web.choices import FACTS, KINDS, OPTIONS, TARGETS
from matcalc.web.examples import examples
from matcalc.web.questions import MAX_TEXT

NETWORK = """X: matrix(N, d)
W: matrix(d, K)
Y: onehot(N, K)
Z = X*W
P = softmax(Z, axis=1)
L = -1/N*sum(Y .* log(P))"""


def ask(task: str, **question: Any) -> dict[str, dict[str, Any]]:
    return {part["part"]: part for part in respond({"task": task, **question})}


def test_names_say_what_was_inferred_and_what_was_declared_where() -> None:
    found = ask("parse", function="A: symmetric(n)\nx'*A*x + c*b'*x", declare={"b": "vector(n)"})["names"]
    names = {name["name"]: name for name in found["names"]}

    assert names["A"]["kind"] == "symmetric(n)"
    assert names["A"]["here"]
    assert names["b"]["kind"] == "vector(n)"
    assert not names["b"]["inferred"]
    assert not names["b"]["here"]
    assert names["x"]["inferred"]
    assert names["c"]["form"] == "scalar"
    assert found["shape"] == "scalar"


def test_names_that_were_declared_for_another_text_are_left_out() -> None:
    found = ask("parse", function="u: vector(m)\nx'*x*c", declare={"A": "symmetric(n)", "x": "vector(n)"})["names"]

    assert {name["name"] for name in found["names"]} == {"x", "c", "u"}


def test_a_mistake_is_placed_as_browsers_count() -> None:
    error = ask("parse", function="# 𝐊 is beyond the first plane\nx + * y")["error"]

    assert error["place"] == "function"
    assert error["position"] == len("# 𝐊 is beyond the first plane".encode("utf-16-le")) // 2 + 1 + 4


def test_a_derivative_comes_with_everything() -> None:
    found = ask("derive", function="norm2(A*x - b)^2", wrt=["x"])

    assert found["answer"]["text"] == "2*A'*(A*x - b)"
    assert found["answer"]["latex"]
    assert found["answer"]["names"] == {"A": "matrix(m, n)", "x": "vector(n)", "b": "vector(m)"}
    assert found["verdict"]["holds"]
    assert found["verdict"]["residual"] < 1e-8
    assert len(found["steps"]["steps"]) >= 2
    assert all(step["mathml"].startswith("<math ") and step["why"] for step in found["steps"]["steps"])
    assert found["answer"]["mathml"].startswith("<math ")
    assert set(found["code"]["code"]) == set(TARGETS)
    assert "def gradient(" in found["code"]["code"]["numpy"]
    assert "error" not in found


def test_the_formula_comes_first() -> None:
    parts = [part["part"] for part in respond({"task": "derive", "function": "x'*A*x", "wrt": ["x"]})]

    assert parts[:2] == ["answer", "verdict"]


def test_conditions_and_facts_are_told() -> None:
    found = ask("derive", function="a'*inv(X)*b", wrt=["X"], declare={"a": "vector(n)", "b": "vector(n)"})
    assert found["answer"]["conditions"] == ["X is invertible"]

    found = ask("derive", function="x'*A*x", wrt=["x"], declare={"A": "symmetric(n)"})
    assert found["answer"]["text"] == "2*A*x"
    assert found["facts"]["facts"] == ["A is symmetric"]


def test_a_jacobian_has_all_its_forms() -> None:
    found = ask("derive", function="A*X*B", wrt=["X"])

    assert found["answer"]["what"] == "jacobian"
    forms = {form["form"]: form for form in found["forms"]["forms"]}
    assert forms["linear map"]["text"] == "dY = A*dX*B"
    assert forms["matrix, columns stacked"]["text"] == "vec(dY) = kron(B', A)*vec(dX)"
    assert forms["index form"]["text"] == "J[i,j,k,l] = A_ik*B_lj"
    assert all(form["latex"] and form["mathml"].startswith("<math ") for form in forms.values())


def test_a_program_has_its_graph_with_adjoints() -> None:
    found = ask("derive", function=NETWORK, wrt=["W", "Z"])
    graph = found["graph"]
    edges = {(edge["from"], edge["to"]): edge["adjoint"] for edge in graph["edges"]}

    assert edges["W", "Z"] == "dW"
    assert edges["Z", "P"] == "dZ"
    assert graph["function"] == "L"
    assert {node["name"] for node in graph["nodes"]} == {"X", "W", "Y", "Z", "P", "L"}
    assert {line.partition(" = ")[0] for line in found["answer"]["text"].splitlines()} >= {"Z", "P", "dZ"}
    assert "graph" not in ask("derive", function="x'*A*x", wrt=["x"])


def test_options_are_heard() -> None:
    question: dict[str, Any] = {"function": "x'*A*x", "wrt": ["x"]}

    assert ask("derive", **question, layout="numerator")["answer"]["text"] == "x'*(A + A')"
    assert ask("derive", **question, order="2")["answer"]["text"] == "A + A'"
    assert ask("derive", **question, form="expanded")["answer"]["text"] in ("A*x + A'*x", "A'*x + A*x")
    assert "^T" in ask("derive", **question, transpose="T")["answer"]["latex"]
    assert r"\mathbf{x}" in ask("derive", **question, bold="vectors")["answer"]["latex"]
    tied = ask("derive", function="logdet(S)", wrt=["S"], declare={"S": "spd(n)"}, structure="tied")
    assert "eye(n)" in tied["answer"]["text"]


def test_a_claim_is_judged() -> None:
    question: dict[str, Any] = {"function": "norm2(X*w - y)^2/n", "wrt": ["w"], "declare": {"X": "matrix(n, d)"}}

    assert ask("check", **question, claim="2/n*X'*(X*w - y)")["check"]["holds"]
    wrong = ask("check", **question, claim="2*X'*(X*w - y)")["check"]
    assert not wrong["holds"]
    assert wrong["diagnosis"] == ["a factor 1/n is missing"]
    assert wrong["right"] == "2*X'*(X*w - y)/n"
    assert "they differ" in wrong["report"]
    assert ask("check", **question, claim="2*X")["check"]["shapes"]
    assert ask("check", **question, claim="2*X +")["error"]["place"] == "claim"


def test_a_stationary_point_comes_with_its_condition_and_kind() -> None:
    found = ask("solve", function="norm2(x)^2", wrt=["x"], subject="C*x = d\n\n")

    assert found["answer"]["text"] == "x = C'*inv(C*C')*d"
    assert found["answer"]["equations"] == ["C'*lambda + 2*x = 0", "C*x - d = 0"]
    assert [(p["place"], p["kind"]) for p in found["answer"]["points"]] == [("", "minimum")]
    assert found["answer"]["names"]["d"] == "vector(m)"
    assert found["verdict"]["holds"]
    assert "def solution(" in found["code"]["code"]["jax"]
    several = ask("solve", function="x^4 - 2*x^2", wrt=["x"])["answer"]["points"]
    assert [(p["place"], p["kind"]) for p in several][0] == ("x = 1", "minimum")
    open_ = ask("solve", function="sum(exp(x)) + x'*A*x", wrt=["x"])
    assert not open_["answer"]["closed"]
    assert "verdict" not in open_


def test_what_is_said_of_options_is_said_in_the_words_of_the_page() -> None:
    wrong = ask("check", function="x'*A*x", wrt=["x"], claim="x'*(A + A')")["check"]
    assert "(Layout numerator)" in wrong["diagnosis"][0]
    surface = ask("solve", function="x'*A*x", wrt=["x"], declare={"x": "unit(n)"})["error"]
    assert "with Subject to" in surface["hint"]
    assert surface["hint"] in surface["shown"]


def test_parts_and_adjoints_have_the_names_that_are_given() -> None:
    named = ask("derive", function="norm2(A*x - b)^2", wrt=["x"], parts="r = A*x - b")
    assert named["answer"]["text"] == "r = A*x - b\n2*A'*r"
    bar = ask("derive", function=NETWORK, wrt=["Z", "W"], adjoint="{}_bar")
    assert "Z_bar" in bar["answer"]["text"]
    assert {edge["adjoint"] for edge in bar["graph"]["edges"]} >= {"Z_bar", "W_bar"}


@pytest.mark.parametrize(
    ("task", "question"),
    [
        ("none", {"function": "x"}),
        ("parse", {}),
        ("parse", {"function": 3}),
        ("parse", {"function": "x", "declare": ["x"]}),
        ("parse", {"function": "x", "declare": {"x": "tensor(n)"}}),
        ("parse", {"function": "x" * (MAX_TEXT + 1)}),
        ("parse", {"function": "\ud800"}),
        ("derive", {"function": "x'*x"}),
        ("derive", {"function": "x'*x", "wrt": "x"}),
        ("derive", {"function": "x'*x", "wrt": ["q"]}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "order": "9"}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "layout": "<b>"}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "parts": "r"}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "parts": "r = x'*x\nr = x"}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "parts": ["r"]}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "parts": "r = x\n" * 51}),
        ("derive", {"function": "x'*x", "wrt": ["x"], "adjoint": "{0.__class__}"}),
        ("solve", {"function": "x'*x", "wrt": ["x"], "subject": "C*x"}),
        ("solve", {"function": "x'*x", "wrt": ["x"], "subject": {"C*x": "d"}}),
        ("solve", {"function": "A*x", "wrt": ["x"]}),
        ("check", {"function": "x'*x", "wrt": ["x"]}),
        ("check", {"function": "x'*x", "wrt": ["x", "x"], "claim": "x"}),
    ],
)
def test_a_wrong_question_is_refused_with_a_reason(task: str, question: dict[str, Any]) -> None:
    if task == "none":
        with pytest.raises(KeyError):
            list(respond({"task": task, **question}))
        return
    error = ask(task, **question)["error"]

    assert error["kind"] in ("input", "unsupported")
    assert error["shown"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0])
def test_a_kind_of_the_menu_takes_the_sizes_that_it_says(kind: tuple[str, int, str]) -> None:
    name, sizes, _ = kind
    written = f"{name}({', '.join('mn'[:sizes])})" if sizes else name
    function = "X(x)" if name == "function" else "X"

    assert matcalc.read(function, {"X": written, "x": "vector(n)"}).kinds["X"].text().startswith(name)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact[0])
def test_a_fact_of_the_menu_is_one_of_the_forms_that_it_says(fact: tuple[str, tuple[str, ...]]) -> None:
    name, forms = fact
    kinds = {"scalar": "scalar", "vector": "vector(n)", "row": "row(n)", "matrix": "matrix(n, n)"}
    for form in forms:
        assert name in matcalc.read("X", {"X": f"{kinds[form]}, {name}"}).kinds["X"].text()


EXAMPLES = [example for topic in examples() for example in topic["example"]]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["title"])
def test_an_example_is_derived_and_verified(example: dict[str, Any]) -> None:
    wrt = [example["wrt"]] if isinstance(example["wrt"], str) else example["wrt"]
    order = str(example.get("order", OPTIONS["order"][0]))
    task, options = ("solve", {"subject": example.get("subject")}) if order == "point" else ("derive", {"order": order})
    found = ask(task, function=example["function"], wrt=wrt, declare=example.get("declare", {}), **options)

    assert "error" not in found
    assert found["verdict"]["holds"]
    assert ("graph" in found) == ("\n" in example["function"].strip())
