"""Every part of the benchmarks at a small size: all candidates agree; no time is asserted."""

from __future__ import annotations

import importlib.util
import math
import re
import tomllib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks import comparisons, derivation, tools  # noqa: E402
from benchmarks.__main__ import MARK, PARTS, kept  # noqa: E402
from benchmarks.common import common, interpreter  # noqa: E402
from benchmarks.comparisons import Settings, agree, by_hand, generated  # noqa: E402
from benchmarks.functions import FUNCTIONS  # noqa: E402
from benchmarks.hessians import HESSIANS, Curved  # noqa: E402
from benchmarks.losses import GRADIENTS, Loss  # noqa: E402
from benchmarks.memory import peak  # noqa: E402
from benchmarks.paired import Spread, race  # noqa: E402
from benchmarks.peers import KNOWN, Peer  # noqa: E402

N = 6
QUICK = Settings(seconds=0.0, sizes=frozenset({N}), losses=("quadratic", "log det"))
ENTRIES = tomllib.loads(tools.LIST.read_text(encoding="utf-8"))


@pytest.fixture(params=KNOWN, ids=lambda p: p.package)
def peer(request: pytest.FixtureRequest) -> Peer:
    if importlib.util.find_spec(request.param.package) is None:
        pytest.skip(f"{request.param.package} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of while they are imported is theirs
        return request.param()


def arrays(loss: Loss) -> dict[str, Any]:
    return loss.draw(np.random.default_rng(3), N)


@pytest.mark.parametrize("target", comparisons.TARGETS)
@pytest.mark.parametrize("loss", GRADIENTS, ids=lambda x: x.name)
def test_generated_gradients_are_those_by_hand(loss: Loss, target: str) -> None:
    values = arrays(loss)
    assert agree(generated(loss, target)["gradient"](**values), by_hand(loss, target)(**values))
    assert agree(loss.numpy(**values), by_hand(loss)(**values))


@pytest.mark.parametrize("target", comparisons.TARGETS)
@pytest.mark.parametrize("curved", HESSIANS, ids=lambda c: c.loss.name)
def test_generated_hessians_and_products_are_those_by_hand(curved: Curved, target: str) -> None:
    loss, values = curved.loss, arrays(curved.loss)
    module = generated(loss, target, 2)
    hessian = loss.numpy(**values)
    assert agree(module["hessian"](**values), hessian)
    direction = np.random.default_rng(4).normal(size=values[loss.wrt].shape)
    whole = {**values, f"d{loss.wrt}": direction}
    assert agree(module["hvp"](**whole), curved.product(**whole))
    assert agree(curved.product(**whole), np.tensordot(hessian, direction, axes=direction.ndim))


@pytest.mark.parametrize("loss", GRADIENTS, ids=lambda x: x.name)
def test_automatic_gradients_are_those_by_hand(loss: Loss, peer: Peer) -> None:
    values = arrays(loss)
    found = peer.gradient(FUNCTIONS[loss.name], values, loss.wrt.split(","))()
    by_us = by_hand(loss)(**values)
    assert agree(tuple(found), by_us if isinstance(by_us, tuple) else (by_us,))


@pytest.mark.parametrize("curved", HESSIANS, ids=lambda c: c.loss.name)
def test_automatic_hessians_and_products_are_those_by_hand(curved: Curved, peer: Peer) -> None:
    loss, values = curved.loss, arrays(curved.loss)
    function = FUNCTIONS[loss.name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert agree(peer.hessian(function, values, loss.wrt)(), loss.numpy(**values))
        direction = np.random.default_rng(4).normal(size=values[loss.wrt].shape)
        found = peer.product(function, values, loss.wrt, direction)()
    assert agree(found, curved.product(**values, **{f"d{loss.wrt}": direction}))


def test_agree_sees_a_difference() -> None:
    a = np.ones((3, 2))
    assert agree(a, a + 1e-9)
    assert not agree(a, a + 1e-7)
    assert not agree((a, a), (a, 2 * a))
    assert not agree(a * np.nan, a)


# --- the tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["gradients", "hessians", "peers", "hessian-peers", "products", "memory"])
@pytest.mark.filterwarnings("ignore")
def test_a_part_is_a_table(part: str) -> None:
    lines = [line for line in PARTS[part][1](QUICK) if line.startswith("|")]
    if not lines:  # no library is installed
        pytest.skip("nothing to compare with")
    assert len({line.count("|") for line in lines}) == 1, lines
    assert any("quadratic | 6 |" in line for line in lines)


def test_derivation_depth_and_start_are_tables() -> None:
    for table in (derivation.derivation(QUICK), derivation.depth(QUICK, depths=(3,)), derivation.start(QUICK)):
        lines = list(table)
        assert len(lines) > 2
        assert len({line.count("|") for line in lines}) == 1, lines


def test_only_the_sections_that_ran_are_replaced() -> None:
    first, second = PARTS["gradients"][0], PARTS["memory"][0]
    document = f"# Text\n\n{MARK}\n## {second}\n\nold\n"
    once = kept(document, {first: "new"})
    assert once == f"# Text\n\n{MARK}\n## {first}\n\nnew\n\n## {second}\n\nold\n"
    assert kept(once, {second: "newer"}) == once.replace("old", "newer")


def test_a_race_pairs_its_rounds() -> None:
    calls: list[str] = []
    found = race({"a": lambda: calls.append("a"), "b": lambda: sum(range(3000))}, 0.0)
    assert len(found.times["a"]) == len(found.times["b"]) >= 5
    assert found.fastest(["a", "b"]) == "a"
    assert found.ratio("b", "a").middle > 1
    assert Spread.of([3.0, 1.0, 2.0, 9.0, 4.0]) == Spread(3.0, 2.0, 4.0)


def test_the_peak_counts_what_a_call_needs() -> None:
    assert 8000 <= peak(lambda: np.ones(1000)) < 9500
    assert 16000 <= peak(lambda: np.ones(1000) + np.ones(1000)) < 26000


# --- the common list --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
def test_every_loss_of_the_common_list_is_answered(name: str) -> None:
    (line,) = tools.answers("matcalc", True, {name})
    assert line["outcome"] == "right", line


def test_every_loss_is_asked_of_every_tool() -> None:
    assert len(ENTRIES) >= 40
    for name, entry in ENTRIES.items():
        assert entry.keys() == {"f", "wrt", "numpy", "sympy", "tensorgrad", "pytensor"}, name


def test_differences_are_derivatives() -> None:
    values = tools.draw(1)
    B, x = values["B"], values["x"]
    np.testing.assert_allclose(tools.differences("x @ B @ x", "x", values), (B + B.T) @ x, rtol=1e-9)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda v: (v["B"] + v["B"].T) @ v["x"], "right"),
        (lambda v: ((v["B"] + v["B"].T) @ v["x"])[None, :, None], "right"),
        (lambda v: 1.00001 * (v["B"] + v["B"].T) @ v["x"], "wrong"),
        (lambda v: 2 * v["B"] @ v["x"], "wrong"),
        (lambda v: v["y"], "wrong"),
        (lambda v: np.full(3, math.nan), "wrong"),
        (lambda v: v["no such name"], "no value"),
    ],
)
def test_a_wrong_answer_is_seen(answer: Callable[[Any], Any], outcome: str) -> None:
    entry = ENTRIES["quadratic-form"]
    assert tools.outcome(lambda f, wrt: ("text", answer), entry["f"], entry, True)["outcome"] == outcome


def test_a_tool_that_refuses_or_leaves_a_derivative_does_not_succeed() -> None:
    def refuses(f: str, wrt: str) -> Any:
        raise TypeError("no")

    def leaves(f: str, wrt: str) -> Any:
        raise tools.Unevaluated("Derivative(f, x)")

    entry = ENTRIES["trace"]
    assert tools.outcome(refuses, "tr(X)", entry, True)["outcome"] == "refused"
    assert tools.outcome(leaves, "tr(X)", entry, True)["outcome"] == "unevaluated"


def test_tools_are_asked_in_processes_of_their_own() -> None:
    lines = list(common(QUICK, ("least-squares", "log-determinant")))
    rows = {line.split()[1]: line for line in reversed(lines) if re.match(r"\| \w+ \d", line)}
    assert "| 2 | none |" in rows["matcalc"]
    assert re.match(r"\| sympy \S+ \| [12] \|", rows["sympy"])
    if interpreter("pytensor"):
        assert "| 2 | none |" in rows["pytensor"]
    assert ("tensorgrad" in rows) == (interpreter("tensorgrad") is not None)
