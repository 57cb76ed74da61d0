"""From text to closed form to code: the time it takes, how it grows with depth and length, what starting up costs."""

from __future__ import annotations

import gc
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import matcalc as mc
from benchmarks.comparisons import Settings, Table, derived
from benchmarks.losses import GRADIENTS

DEPTHS = (10, 30, 100, 300, 1000)


def timed(function: Callable[[], object], rounds: int = 5) -> float:
    """The median milliseconds of CPU time."""
    found = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        function()
        found.append(1e3 * (time.process_time() - start))
    return statistics.median(found)


def derivation(given: Settings) -> Table:
    """From text to the gradient, and to the module of NumPy code."""
    yield "| loss | derive, ms | code, ms |"
    yield "|---|---|---|"
    times = []
    for loss in filter(lambda x: given.takes(x.name), GRADIENTS):
        d = derived(loss)
        times.append(timed(lambda loss=loss: derived.__wrapped__(loss)))
        yield f"| {loss.name} | {times[-1]:.1f} | {timed(lambda d=d: d.source('numpy')):.1f} |"
    yield f"| median | {statistics.median(times):.1f} | |"


def depth(given: Settings, depths: tuple[int, ...] = DEPTHS) -> Table:
    """A network as a program: all gradients, printed as code."""
    yield "| layers | derive, ms | per layer | code, ms | per layer |"
    yield "|---|---|---|---|---|"
    for layers in depths:
        lines = [*(f"W{i}: matrix(n, n)" for i in range(1, layers + 1)), "h0: vector(n)"]
        lines += [*(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, layers + 1)), f"L = sum(h{layers}.^2)"]
        text, names = "\n".join(lines), [f"W{i}" for i in range(1, layers + 1)]
        d = mc.derive(text, wrt=names)
        rounds = 5 if layers < 300 else 1
        a = timed(lambda text=text, names=names: mc.derive(text, wrt=names), rounds)
        b = timed(lambda d=d: d.source("numpy"), rounds)
        yield f"| {layers} | {a:.0f} | {a / layers:.2f} | {b:.0f} | {b / layers:.2f} |"


def expressions(given: Settings) -> Table:
    """Long expressions: sums, products, nested calls, and programs of many lines; the exponent is of a doubling."""

    def names(n: int, kind: str) -> dict[str, str]:
        return {f"a{i}": kind for i in range(n)}

    def lines(n: int) -> str:
        return "\n".join(["A: matrix(n, n)", "h0 = x", *(f"h{i} = tanh(A*h{i - 1})" for i in range(1, n))])

    problems: dict[str, tuple[int, Callable[[int], tuple[str, dict[str, str]]]]] = {
        "sin(a1*x) + sin(a2*x) + ...": (10_000, lambda n: (
            "+".join(f"sin({a}*x)" for a in names(n, "")), {"x": "scalar", **names(n, "scalar")})),
        "x'*A1*x + x'*A2*x + ...": (2500, lambda n: (
            "+".join(f"x'*{a}*x" for a in names(n, "")), {"x": "vector(n)", **names(n, "matrix(n, n)")})),
        "sum(a1 .* a2 .* ... .* x)": (1500, lambda n: (
            f"sum({'.*'.join(names(n, ''))}.*x)", {"x": "vector(n)", **names(n, "vector(n)")})),
        "sum(exp(a1 .* x + a2 .* x + ...))": (1000, lambda n: (
            f"sum(exp({'+'.join(f'{a}.*x' for a in names(n, ''))}))", {"x": "vector(n)", **names(n, "vector(n)")})),
        "sin(sin(... x))": (2500, lambda n: ("sin(" * n + "x" + ")" * n, {"x": "scalar"})),
        "lines h1 = tanh(A*h0), ...": (5000, lambda n: (f"{lines(n)}\nL = sum(h{n - 1})", {"x": "vector(n)"})),
    }  # fmt: skip
    yield "| function | parts | derive, ms | code, ms | derive, exponent |"
    yield "|---|---|---|---|---|"
    for name, (parts, make) in problems.items():
        found = []
        for n in (parts, 2 * parts):
            text, declare = make(n)
            derivations: list[mc.Derivation] = []
            found.append(timed(lambda: derivations.append(mc.derive(text, "x", declare)), 1))  # noqa: B023
            code = timed(lambda: derivations[0].source("numpy"), 1)  # noqa: B023
        yield f"| `{name}` | {2 * parts} | {found[1]:.0f} | {code:.0f} | {math.log2(found[1] / found[0]):.1f} |"


def start(given: Settings) -> Table:
    """Processes from beginning to end, interleaved; CPU time of the child. Bytecode is kept, as pip leaves it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    commands = {
        "python -c pass": ["-c", "pass"],
        "python -c 'import numpy'": ["-c", "import numpy"],
        "python -c 'import sympy'": ["-c", "import sympy"],
        'matcalc derive "x\'*A*x" --wrt x': ["-m", "matcalc", "derive", "x'*A*x", "--wrt", "x"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for round_ in range(1 + max(2, min(9, int(9 * given.seconds)))):
        for name, arguments in commands.items():
            before = os.times()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
            after = os.times()
            if not round_:
                continue  # the first one writes the bytecode
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            found[name].append(1e3 * spent)
    yield "| command | CPU ms, median | to import sympy |"
    yield "|---|---|---|"
    sympy = found["python -c 'import sympy'"]
    for name, times in found.items():
        relative = statistics.median(a / b for a, b in zip(times, sympy, strict=True))
        yield f"| `{name}` | {statistics.median(times):.0f} | {relative:.2f} |"
