"""Generated code against hand-written code and against automatic differentiation: the tables.

Before anything is timed, the results are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import matcalc as mc
from benchmarks.functions import FUNCTIONS
from benchmarks.hessians import HESSIANS, Curved
from benchmarks.losses import GRADIENTS, Loss
from benchmarks.paired import geometric_mean, number, race
from benchmarks.peers import Peer, missing, peers
from matcalc.generator.code import compile_module

Table = Iterator[str]
Call = Callable[[], Any]
TARGETS = ("numpy", "scipy")


@dataclass(frozen=True)
class Settings:
    """What the command line chose."""

    seconds: float = 1.0
    sizes: frozenset[int] = frozenset()  # none: those of each loss
    losses: tuple[str, ...] = ()  # parts of names; none: all

    def of(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The sizes that were asked for, up to the largest of these; or these."""
        return tuple(n for n in sorted(self.sizes) if n <= max(sizes)) if self.sizes else sizes

    def takes(self, name: str) -> bool:
        return not self.losses or any(part in name for part in self.losses)


@cache
def derived(loss: Loss, order: int = 1) -> Any:
    return mc.derive(loss.text, wrt=loss.wrt.split(","), declare=loss.declare, order=order)


@cache
def generated(loss: Loss, target: str, order: int = 1) -> dict[str, Any]:
    return compile_module(derived(loss, order).source(target))


def by_hand(loss: Loss, target: str = "scipy") -> Callable[..., Any]:
    return loss.scipy if target == "scipy" and loss.scipy else loss.numpy


def agree(new: Any, old: Any, tolerance: float = 1e-8) -> bool:
    """Relative to the largest entry; tuples one by one."""
    pairs = zip(_several(new), _several(old), strict=True)
    return all(np.max(np.abs(np.asarray(a) - b)) <= tolerance * max(np.max(np.abs(b)), 1e-300) for a, b in pairs)


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def compared(title: str, calls: Mapping[str, Call]) -> Mapping[str, Call]:
    """The calls, if all give what the first gives."""
    first = next(iter(calls.values()))()
    for name, call in calls.items():
        if not agree(call(), first):
            raise SystemExit(f"{title}: {name} differs")
    return calls


def mean_row(columns: list[list[float]], cells: int) -> str:
    """Geometric mean and largest value of every column of ratios."""
    made = " | ".join(f"{geometric_mean(c):.2f} | to {max(c):.2f}" if c else " | " for c in columns)
    return f"| geometric mean | | {made} |" + " |" * cells


# --- against hand-written code ----------------------------------------------------------------------------


def against_hand(loss: Loss, calls: Callable[[str, dict[str, Any]], tuple[Call, Call]], given: Settings) -> Table:
    """A line for every size: each target against what is written by hand for it."""
    for n in given.of(loss.sizes):
        arrays, cells, base = loss.draw(np.random.default_rng(n), n), [], 0.0
        for target in TARGETS:
            new, old = calls(target, arrays)
            found = race(compared(f"{loss.name}, {target}, n = {n}", {"old": old, "new": new}), given.seconds)
            cells.append(str(found.ratio("new", "old")))
            base = found.milliseconds("old")
        yield f"| {loss.name} | {n} | {' | '.join(cells)} | {base:.3g} |"


def hand_table(what: str, rows: Iterator[str]) -> Table:
    yield f"| {what} | n | numpy | quartiles | scipy | quartiles | by hand, ms |"
    yield "|---|---|---|---|---|---|---|"
    columns: list[list[float]] = [[], []]
    for row in rows:
        cells = [c.strip() for c in row.split("|")]
        columns[0].append(float(cells[3]))
        columns[1].append(float(cells[5]))
        yield row
    yield mean_row(columns, 1)


def gradients(given: Settings) -> Table:
    """Gradients: generated code over what an expert writes."""

    def rows() -> Table:
        for loss in filter(lambda x: given.takes(x.name), GRADIENTS):

            def calls(target: str, arrays: dict[str, Any], loss: Loss = loss) -> tuple[Call, Call]:
                new, old = generated(loss, target)["gradient"], by_hand(loss, target)
                return lambda: new(**arrays), lambda: old(**arrays)

            yield from against_hand(loss, calls, given)

    yield from hand_table("gradient", rows())


def hessians(given: Settings) -> Table:
    """Hessians: generated code over what an expert writes."""

    def rows() -> Table:
        for curved in filter(lambda c: given.takes(c.loss.name), HESSIANS):

            def calls(target: str, arrays: dict[str, Any], loss: Loss = curved.loss) -> tuple[Call, Call]:
                new = generated(loss, target, 2)["hessian"]
                return lambda: new(**arrays), lambda: loss.numpy(**arrays)

            yield from against_hand(curved.loss, calls, given)

    yield from hand_table("hessian", rows())


# --- against automatic differentiation --------------------------------------------------------------------


def peer_table(what: str, cases: Iterator[tuple[str, int, Mapping[str, Call]]], given: Settings) -> Table:
    """All candidates in one race; each library over the hand-written code, and both over the fastest library."""
    names = [p.name for p in _peers()]
    if missing():
        yield f"Not installed, so not measured: {', '.join(missing())}."
        yield ""
    if not names:
        return
    yield (
        f"| {what} | n | by hand, ms | {' | '.join(names)} | generated | fastest | "
        "generated / fastest | quartiles | by hand / fastest |"
    )
    yield "|---" * (8 + len(names)) + "|"
    best = []
    for title, n, calls in cases:
        found = race(compared(f"{title}, n = {n}", calls), given.seconds)
        there = [name for name in names if name in calls]
        first = found.fastest(there)
        best.append(found.ratio("generated", first).middle)
        cells = [number(found.ratio(name, "by hand").middle) if name in calls else "-" for name in names]
        cells.append(number(found.ratio("generated", "by hand").middle))
        ratio = found.ratio("generated", first)
        middle, quartiles = (f"{ratio.middle:.3g}", f"{ratio.low:.3g} - {ratio.high:.3g}")
        cells += [first, middle, quartiles, f"{found.ratio('by hand', first).middle:.3g}"]
        yield f"| {title} | {n} | {found.milliseconds('by hand'):.3g} | {' | '.join(cells)} |"
    if best:
        yield f"| geometric mean | | |{' |' * (len(names) + 2)} {geometric_mean(best):.3g} | to {max(best):.3g} | |"


@cache
def _peers() -> tuple[Peer, ...]:
    return tuple(peers())


def gradient_peers(given: Settings) -> Table:
    """Gradients: generated code (scipy) and hand-written code against automatic differentiation."""

    def cases() -> Iterator[tuple[str, int, Mapping[str, Call]]]:
        for loss in filter(lambda x: given.takes(x.name), GRADIENTS):
            new, old, wrt = generated(loss, "scipy")["gradient"], by_hand(loss), loss.wrt.split(",")
            for n in given.of(loss.sizes):
                arrays = loss.draw(np.random.default_rng(n), n)
                calls: dict[str, Call] = {
                    "by hand": lambda old=old, arrays=arrays: old(**arrays),
                    "generated": lambda new=new, arrays=arrays: new(**arrays),
                }
                calls |= {p.name: p.gradient(FUNCTIONS[loss.name], arrays, wrt) for p in _peers()}
                yield loss.name, n, calls

    yield from peer_table("gradient", cases(), given)


def hessian_peers(given: Settings) -> Table:
    """Hessians: generated code (scipy) and hand-written code against automatic differentiation."""

    def cases() -> Iterator[tuple[str, int, Mapping[str, Call]]]:
        for curved in filter(lambda c: given.takes(c.loss.name), HESSIANS):
            loss, new = curved.loss, generated(curved.loss, "scipy", 2)["hessian"]
            for n in given.of(loss.sizes):
                arrays = loss.draw(np.random.default_rng(n), n)
                calls: dict[str, Call] = {
                    "by hand": lambda loss=loss, arrays=arrays: loss.numpy(**arrays),
                    "generated": lambda new=new, arrays=arrays: new(**arrays),
                }
                calls |= {
                    p.name: p.hessian(FUNCTIONS[loss.name], arrays, loss.wrt)
                    for p in _peers()
                    if n <= curved.limits.get(p.package, n)
                }
                yield loss.name, n, calls

    yield from peer_table("hessian", cases(), given)


def product_peers(given: Settings) -> Table:
    """Hessian times direction: generated code (scipy) and hand-written code against automatic differentiation."""

    def cases() -> Iterator[tuple[str, int, Mapping[str, Call]]]:
        for curved in filter(lambda c: given.takes(c.loss.name), HESSIANS):
            for n in given.of(curved.sizes):
                yield curved.loss.name, n, product_calls(curved, n)

    yield from peer_table("hessian times vector", cases(), given)


def product_calls(curved: Curved, n: int) -> Mapping[str, Call]:
    loss = curved.loss
    rng = np.random.default_rng(n)
    arrays = loss.draw(rng, n)
    direction = rng.normal(size=arrays[loss.wrt].shape)
    new, whole = generated(loss, "scipy", 2)["hvp"], {**arrays, f"d{loss.wrt}": direction}
    calls: dict[str, Call] = {"by hand": lambda: curved.product(**whole), "generated": lambda: new(**whole)}
    return calls | {p.name: p.product(FUNCTIONS[loss.name], arrays, loss.wrt, direction) for p in _peers()}
