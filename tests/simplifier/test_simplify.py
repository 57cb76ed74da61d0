"""Short forms: the same value and shape, hardly ever longer, and short already when they are shortened again."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import numpy as np
import pytest
from strategies import KINDS, grow

import matcalc as mc
from matcalc import ops
from matcalc.errors import BudgetError
from matcalc.expr import Expr
from matcalc.language.parse import parse
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.normal import normal_form
from matcalc.simplifier.orientation import oriented
from matcalc.simplifier.simplify import Simplifier

SIZES = {"m": 3, "n": 4, "k": 2}
GIVEN = {name: kind for name, kind in KINDS.items() if kind.form != "function"}
SEEDS = range(240)
CASES = [
    (name, case)
    for file in sorted((Path(__file__).parent.parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
]


def grown(seed: int) -> Expr:
    return grow(random.Random(seed).randrange, None, 3, True)[0]


def same_value(e: Expr, short: Expr, rng: np.random.Generator) -> bool | None:
    """Do both have one value at a random point? None where there is none."""
    values = draw_values([e], GIVEN, SIZES, rng)
    expected = np.asarray(evaluate(e, values, SIZES))
    if not np.all(np.isfinite(expected)):
        return None
    return np.allclose(np.asarray(evaluate(short, values, SIZES)), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("first", SEEDS[::40])
def test_value_and_shape_are_kept(first: int, rng: np.random.Generator) -> None:
    tried = 0
    for seed in range(first, first + 40):
        e = grown(seed)
        short = Simplifier()(e)
        found = same_value(e, short, rng)
        tried += found is not None
        assert short.shape == e.shape
        assert found is not False, f"{text(e)}  =>  {text(short)}"
    assert tried > 30


@pytest.mark.parametrize("first", SEEDS[::80])
def test_the_normal_form_keeps_the_value(first: int, rng: np.random.Generator) -> None:
    for seed in range(first, first + 40):
        e = grown(seed)
        try:
            normal = normal_form(e)
        except BudgetError:
            continue
        assert same_value(e, normal, rng) is not False, f"{text(e)}  =>  {text(normal)}"


def test_random_expressions_hardly_ever_get_longer_and_are_short_at_once() -> None:
    longer, again = [], []
    for seed in SEEDS:
        e = grown(seed)
        short = Simplifier()(e)
        assert length(short) <= length(e) + 3, f"{text(e)}  =>  {text(short)}"
        if length(short) > length(e):
            longer.append(text(e))
        if Simplifier()(short) is not short:
            again.append(text(short))

    assert len(longer) <= 0.05 * len(SEEDS), longer
    assert len(again) <= 0.02 * len(SEEDS), again


@pytest.mark.parametrize("part", range(8))
def test_every_answer_is_short_already(part: int) -> None:
    for name, case in CASES[part::16]:
        d = mc.derive(case["f"], case["wrt"], case.get("declare"), where="never")
        short = Simplifier(rewriter(default_table()))
        again = oriented(short(d.answer), [d.loss], short)  # differences stand as they were typed

        assert again is d.answer, f"{name}: {d.text()}\n{text(again)}"
        assert length(short(d.answer)) == length(d.answer)


def test_the_order_of_terms_does_not_matter() -> None:
    kinds = "A: matrix(n, n); x, y, z: vector(n); c: scalar"
    one, other = (parse(code, kinds) for code in ("A*x + c*y - z", "y*c - z + A*x"))

    assert Simplifier()(one) is Simplifier()(other)


def test_shared_parts_are_shortened_once() -> None:
    """A tower in which each story uses the one below twice has 2^60 paths."""
    e = parse("x", "x: scalar")
    for _ in range(60):
        e = ops.add(ops.fn("sin", e), ops.fn("cos", e))

    assert Simplifier()(e).is_scalar
