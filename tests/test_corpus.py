"""Losses from ordinary practice: each is derived, verified, printed, read back, run, and compared with the books.

``tests/cases/*.toml`` holds the question (``f``, ``wrt``, ``declare``), sometimes what inference must find (``kinds``,
for undeclared names) and the form that a textbook prints (``textbook``).
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import matcalc
from matcalc.domain import Watch
from matcalc.evaluate import Plan
from matcalc.expr import symbols
from matcalc.kinds import Kind
from matcalc.measure import length
from matcalc.parse import parse, parse_kind
from matcalc.sample import STRATEGIES, draw_values
from matcalc.verify import verify_equal, verify_gradient

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
        return float(value)
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


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "kinds" in case])
def test_undeclared_names_get_the_kinds_that_are_meant(name: str) -> None:
    found = {key: parse_kind(kind).form for key, kind in derived(name).kinds.items()}

    assert found == {key: parse_kind(kind).form for key, kind in CASES[name]["kinds"].items()}


@pytest.mark.parametrize("name", CASES)
def test_the_code_computes_the_value_and_the_gradient(name: str, rng: np.random.Generator) -> None:
    d = derived(name)
    module: dict[str, Any] = {}
    exec(compile(d.source("numpy"), name, "exec"), module)
    kinds = {key: parse_kind(kind) for key, kind in d.kinds.items()}
    if any(kind.form == "function" for kind in kinds.values()):
        return  # test_code_functions covers undefined functions
    sizes = d.verify().sizes[0]
    values, value, gradient = fit_point(d.function, d.answer, kinds, sizes, rng)
    variable = kinds[CASES[name]["wrt"]]
    known = {key: as_argument(values[key], kind) for key, kind in kinds.items() if key in values}
    missing = [s for s in kinds if s not in known]
    known |= {s: np.ones([d_.evaluate(sizes) for d_ in kinds[s].shape if str(d_) != "1"]) for s in missing}
    call = module["value_and_gradient"]
    known |= {size: n for size, n in sizes.items() if size in inspect.signature(call).parameters}
    known = {f"{key}_" if f"{key}_" in inspect.signature(call).parameters else key: v for key, v in known.items()}
    got_value, got_gradient = call(**known)

    np.testing.assert_allclose(got_value, value, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(got_gradient, as_argument(gradient, variable), rtol=1e-7, atol=1e-9)


BOOKS = [name for name, case in CASES.items() if "textbook" in case]


@pytest.mark.parametrize("name", BOOKS)
def test_the_textbook_is_right(name: str) -> None:
    d = derived(name)
    x = next((s for s in symbols(d.function) if s.name == CASES[name]["wrt"]), None)
    printed = parse(CASES[name]["textbook"], d.kinds)
    verdict = verify_gradient(d.function, x, printed) if x is not None else verify_equal(d.answer, printed)

    assert verdict, str(verdict)


@pytest.mark.parametrize("name", BOOKS)
def test_an_answer_is_no_longer_than_the_textbooks(name: str) -> None:
    d = derived(name)
    book = parse(CASES[name]["textbook"], d.kinds)

    assert length(d.answer) <= length(book), f"{d.text()}  is longer than  {CASES[name]['textbook']}"
