"""Losses from ordinary practice: each is derived, verified, printed, read back, run, and compared with the books.

``tests/cases/*.toml`` holds the question (``f``, ``wrt``, ``declare``), sometimes what inference must find (``kinds``,
for undeclared names) and the form that a textbook prints (``textbook``).
"""

from __future__ import annotations

import inspect
import keyword
import tomllib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mathml_checks import PAGELESS, check_mathml, latex_tokens, tokens

import matcalc
from matcalc.expr import symbols
from matcalc.kinds import Kind
from matcalc.language.greek import LETTERS
from matcalc.language.parse import parse, parse_kind
from matcalc.numeric.domain import Watch
from matcalc.numeric.evaluate import Plan
from matcalc.numeric.sample import STRATEGIES, draw_values
from matcalc.numeric.smooth import SmoothFunction
from matcalc.numeric.verify import verify_equal, verify_gradient
from matcalc.printing.measure import length

FOLDER = Path(__file__).parent / "cases"
CASES: dict[str, dict[str, Any]] = {
    f"{file.stem}/{name}": case
    for file in sorted(FOLDER.glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
FIELDS = {"f", "wrt", "declare", "kinds", "textbook", "source"}


@cache
def derived(name: str) -> Any:
    case = CASES[name]
    return matcalc.derive(case["f"], wrt=case["wrt"], declare=case.get("declare"))


def as_argument(value: Any, kind: Kind) -> Any:
    """A value as the generated code takes it: vectors and rows are 1-D arrays."""
    if kind.form == "scalar":
        return float(np.asarray(value).item())
    return np.asarray(value).ravel() if kind.form in ("vector", "row") else np.asarray(value)


def fit_point(
    f: Any, answer: Any, kinds: Mapping[str, Kind], sizes: Mapping[str, int], rng: np.random.Generator
) -> Any:
    """Values at which both are defined, and what they are there."""
    for _ in range(40):
        for strategy in STRATEGIES:
            values = draw_values([f, answer], kinds, sizes, rng, strategy)
            watch = Watch()
            results = Plan(f, answer).run(values, sizes, watch)
            if watch.trouble is None:
                return values, results[f], results[answer]
    raise AssertionError("no point at which the function and its gradient are defined")


def test_the_corpus_is_large_and_well_formed() -> None:
    assert len(CASES) >= 260
    for name, case in CASES.items():
        assert case.keys() <= FIELDS, name
        assert {"f", "wrt", "source"} <= case.keys(), name
        assert ("declare" in case) != ("kinds" in case), name


@pytest.mark.parametrize("name", CASES)
def test_a_derivative_is_right(name: str) -> None:
    d = derived(name)
    verdict = d.verify()

    assert verdict, f"{d.text()}: {verdict}"
    assert verdict.residual <= 1e-7


@pytest.mark.parametrize("name", CASES)
def test_the_text_of_an_answer_reads_back(name: str) -> None:
    d = derived(name)

    assert parse(d.text(), d.kinds) is d.answer


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_same_formula_in_mathml(name: str) -> None:
    derivation = derived(name)
    root = check_mathml(derivation.mathml())
    assert root.get("alttext") == derivation.text()
    assert tokens(root) == latex_tokens(derivation._set(PAGELESS), LETTERS)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "kinds" in case])
def test_undeclared_names_get_the_kinds_that_are_meant(name: str) -> None:
    found = {key: parse_kind(kind).form for key, kind in derived(name).kinds.items()}

    assert found == {key: parse_kind(kind).form for key, kind in CASES[name]["kinds"].items()}


def callables(name: str, function: SmoothFunction) -> dict[str, Any]:
    """An undefined function as the generated code takes it: ``s``, ``ds``, or ``g``, ``Dg``, ``D2g``."""
    kind = function.kind
    if kind.args is None:
        orders = {f"{'d' * order}{name}": order for order in range(3)}
        return {key: partial(function.elementwise, order=order) for key, order in orders.items()}

    def call(derivative: tuple[int, ...], *args: Any) -> Any:
        found = function.at(args, derivative)
        assert kind.args is not None
        assert kind.result is not None
        if not derivative:
            return as_argument(found, kind.result)
        return found.ravel() if kind.result.form == "scalar" and kind.args[derivative[0]].form != "matrix" else found

    places = [(f"D{name}" if len(kind.args) == 1 else f"D{i + 1}{name}", (i,)) for i in range(len(kind.args))]
    return {key: partial(call, derivative) for key, derivative in [(name, ()), *places]}


def arguments(call: Any, kinds: Mapping[str, Kind], values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """What the generated function takes, under the names of its parameters."""
    found: dict[str, Any] = dict(sizes)
    for name, kind in kinds.items():
        if name not in values:
            found[name] = as_argument(np.ones([d.evaluate(sizes) for d in kind.shape]), kind)
        elif kind.form == "function":
            found |= callables(name, values[name])
        else:
            found[name] = as_argument(values[name], kind)
    found |= {f"{name}_": value for name, value in found.items() if keyword.iskeyword(name)}
    return {name: found[name] for name in inspect.signature(call).parameters if name in found}


@pytest.mark.parametrize("name", CASES)
def test_the_code_computes_the_value_and_the_gradient(name: str, rng: np.random.Generator) -> None:
    d = derived(name)
    module: dict[str, Any] = {}
    exec(compile(d.source("numpy"), name, "exec"), module)
    kinds = {key: parse_kind(kind) for key, kind in d.kinds.items()}
    variable = kinds[next(iter(d.answers))]
    dims = sorted({size for kind in kinds.values() for dim in kind.shape for size in dim.names})
    sizes = dict(zip(dims, range(2, 2 + len(dims)), strict=True)) | d.verify().sizes[0]
    values, value, gradient = fit_point(d.loss, d.answer, kinds, sizes, rng)
    call = module["value_and_gradient"]
    got_value, got_gradient = call(**arguments(call, kinds, values, sizes))

    np.testing.assert_allclose(got_value, value, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(got_gradient, as_argument(gradient, variable), rtol=1e-7, atol=1e-9)


BOOKS = [name for name, case in CASES.items() if "textbook" in case]


@pytest.mark.parametrize("name", BOOKS)
def test_the_textbook_is_right(name: str) -> None:
    d = derived(name)
    x = next((s for s in symbols(d.loss) if s.name == CASES[name]["wrt"]), None)
    printed = parse(CASES[name]["textbook"], d.kinds)
    verdict = verify_gradient(d.loss, x, printed) if x is not None else verify_equal(d.answer, printed)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", BOOKS)
def test_an_answer_is_no_longer_than_the_textbooks(name: str) -> None:
    d = derived(name)
    book = parse(CASES[name]["textbook"], d.kinds)

    assert length(d.answer) <= length(book), f"{d.text()}  is longer than  {CASES[name]['textbook']}"


@pytest.mark.parametrize("structure", ["free", "tied"])
@pytest.mark.parametrize(
    ("f", "declare"),
    [
        ("tr(A*X)", {"X": "symmetric(n)", "A": "matrix(n, n)"}),
        ("tr(A*X')", {"X": "symmetric(n)", "A": "matrix(n, n)"}),
        ("tr(X'*A*X)", {"X": "symmetric(n)", "A": "matrix(n, n)"}),
        ("x'*inv(X)*y", {"X": "spd(n)", "x": "vector(n)", "y": "vector(n)"}),
        ("logdet(X)", {"X": "spd(n)"}),
        ("tr(X*A*X)", {"X": "diagonal(n)", "A": "matrix(n, n)"}),
        ("tr(X'*A)", {"X": "lower(n)", "A": "matrix(n, n)"}),
    ],
)
def test_other_conventions_for_structured_variables(f: str, declare: dict[str, str], structure: str) -> None:
    d = matcalc.derive(f, wrt="X", declare=declare, structure=structure)
    verdict = d.verify()

    assert verdict, f"{d.text()}: {verdict}"
