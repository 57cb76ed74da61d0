"""One function, one answer: typed differently, it has the same gradient up to the names, in the same form.

``docs/answers.md`` states the budget that is tested here.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from variants import VARIANTS, same_answer, typed

import matcalc as mc
from matcalc import ops
from matcalc.expr import topological
from matcalc.printing.measure import length
from matcalc.printing.text import text

CASES = [
    (name, case)
    for file in sorted((Path(__file__).parent / "cases").glob("*.toml"))
    for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items()
]
SAMPLE = CASES[::5]
NAME = re.compile(r"[A-Za-z]\w*")
# the least share of answers in the same form, and the most that an answer may be longer
BUDGET = dict.fromkeys(VARIANTS, (0.97, 1.2)) | {"expanded": (0.95, 2.7)}


@cache
def derived(place: int) -> Any:
    name, case = SAMPLE[place]
    return mc.derive(case["f"], case["wrt"], case.get("declare"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_function_typed_differently_has_the_same_answer(variant: str) -> None:
    least, most = BUDGET[variant]
    same, tried, different = 0, 0, []
    for place, (name, case) in enumerate(SAMPLE):
        d = derived(place)
        other = typed(d, variant)
        if other is None:
            continue
        found = mc.derive(other, case["wrt"], d.kinds)
        tried += 1
        agrees = same_answer(found, d)
        same += agrees
        if not agrees:
            different.append(f"{name}: {other}\n  {text(d.answer)}\n  {text(found.answer)}")
            assert length(found.answer) <= most * length(d.answer) + 2, different[-1]
    assert tried
    assert same >= least * tried, f"{same} of {tried}\n" + "\n".join(different)


def renaming(names: list[str]) -> dict[str, str]:
    """Other names in the same order, of the same sort."""
    return {name: f"{name}q" if len(name) == 1 else name for name in names}


@pytest.mark.parametrize("place", range(0, len(SAMPLE), 2), ids=lambda place: SAMPLE[place][0])
def test_names_do_not_matter(place: int) -> None:
    _, case = SAMPLE[place]
    d = derived(place)
    if any(len(name) > 1 for name in d.kinds) or any(n.op in ("isum", "ufn") for n in topological(d.loss)):
        pytest.skip("the order of the names would change")
    new = renaming(list(d.kinds))
    back = {v: k for k, v in new.items()}
    shown = NAME.sub(lambda m: new.get(m[0], m[0]), text(d.loss))
    found = mc.derive(shown, new[case["wrt"]], {new[name]: kind for name, kind in d.kinds.items()})

    assert NAME.sub(lambda m: back.get(m[0], m[0]), text(found.answer)) == text(d.answer)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("norm2(A*x - b)^2", "x'*A'*A*x - 2*b'*A*x + b'*b"),
        ("x'*A*x + b'*x", "b'*x + x'*A'*x"),
        ("tr(A*B*C)", "tr(C*A*B)"),
        ("tr(A'*B)", "sum(A .* B)"),
        ("1/n*sum((X*w - y).^2)", "mean((y - X*w).^2)"),
        ("norm2(X - Y)^2", "tr((X - Y)'*(X - Y))"),
        ("exp(-x'*A'*A*x)", "exp(-norm2(A*x)^2)"),
        ("log(x'*A'*A*x)", "2*log(norm2(A*x))"),
        ("sum(log(1 + exp(z)))", "sum(softplus(z))"),
        ("(x - y)'*(x - y)/2", "0.5*norm2(y - x)^2"),
    ],
)
def test_two_ways_to_write_a_function(one: str, other: str) -> None:
    kinds = {"A": "matrix(n, n)", "B": "matrix(n, n)", "C": "matrix(n, n)", "x": "vector(n)", "b": "vector(n)"}
    kinds |= {"X": "matrix(n, d)", "Y": "matrix(n, d)", "w": "vector(d)", "y": "vector(n)", "z": "vector(n)"}
    (wrt,) = [v for v in ("x", "w", "z", "X", "A") if NAME.search(one) and v in NAME.findall(one)][:1]
    first, second = mc.derive(one, wrt, kinds), mc.derive(other, wrt, kinds)

    assert text(first.answer).replace("0.5", "1/2") == text(second.answer).replace("0.5", "1/2")


def test_the_variants_are_the_same_functions() -> None:
    """A swap that changed the function would make the other tests meaningless."""
    for place in range(0, len(SAMPLE), 9):
        for variant in VARIANTS:
            d = derived(place)
            other = typed(d, variant)
            if other is not None:
                assert mc.check(text(d.loss), equals=other, declare=d.kinds), (variant, other)


def test_a_variant_is_another_expression() -> None:
    x, y = (ops.sym(name, mc.parse("x", "x: vector(n)").data[1]) for name in "xy")  # type: ignore[index]
    f = ops.mul(ops.transpose(x), y)

    assert VARIANTS["scalars_transposed"](f) is ops.mul(ops.transpose(y), x)
    assert VARIANTS["inner_products_as_sums"](f) is ops.total(ops.had(x, y))
