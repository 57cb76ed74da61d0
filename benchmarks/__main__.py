"""``python -m benchmarks [--write] [--seconds S] [--sizes 50,200] [PART ...]``.

The parts: gradients, hessians, peers, derivation, depth, start.
Prints tables; ``--write`` keeps them in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy: one thread on one core
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import scipy  # noqa: E402

import matcalc as mc  # noqa: E402
from benchmarks.losses import GRADIENTS, HESSIANS, Loss  # noqa: E402
from benchmarks.paired import geometric_mean, pin, ratio  # noqa: E402
from matcalc.code import compile_module  # noqa: E402

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
Table = Iterator[str]


def derived(loss: Loss, order: int = 1) -> Any:
    return mc.derive(loss.text, wrt=loss.wrt.split(","), declare=loss.declare, order=order)


def agree(new: Any, old: Any) -> bool:
    pairs = zip(new, old, strict=True) if isinstance(old, tuple) else [(new, old)]
    return all(np.allclose(a, b, rtol=1e-7, atol=1e-9 * np.max(np.abs(b))) for a, b in pairs)


def against_hand(losses: list[Loss], what: str, sizes: set[int], seconds: float) -> Table:
    """Generated code against what an expert writes."""
    yield f"| {what} | n | numpy | quartiles | scipy | quartiles | by hand, ms |"
    yield "|---|---|---|---|---|---|---|"
    found: dict[str, list[float]] = {"numpy": [], "scipy": []}
    for loss in losses:
        d = derived(loss, 2 if what == "hessian" else 1)
        functions = {t: compile_module(d.source(t))[what] for t in found}
        for n in (s for s in loss.sizes if s in sizes):
            arrays = loss.draw(np.random.default_rng(n), n)
            cells = []
            for target, function in functions.items():
                hand = loss.scipy if target == "scipy" and loss.scipy else loss.numpy
                new = function(**arrays)
                new = new[0][0] if what == "hessian" and isinstance(new, tuple) else new
                if not agree(new, hand(**arrays)):
                    raise SystemExit(f"{loss.name}, {target}, n = {n}: not the derivative by hand")
                gc.collect()
                middle, low, high, base = ratio(lambda: function(**arrays), lambda: hand(**arrays), seconds)  # noqa: B023
                found[target].append(middle)
                cells.append(f"{middle:.2f} | {low:.2f} - {high:.2f}")
            yield f"| {loss.name} | {n} | {' | '.join(cells)} | {base:.3g} |"
    means = {t: f"{geometric_mean(v):.2f} | to {max(v):.2f}" for t, v in found.items() if v}
    if means:
        yield f"| geometric mean | | {' | '.join(means.values())} | |"


def gradients(sizes: set[int], seconds: float) -> Table:
    yield from against_hand(GRADIENTS, "gradient", sizes, seconds)


def hessians(sizes: set[int], seconds: float) -> Table:
    yield from against_hand(HESSIANS, "hessian", sizes, seconds)


def peers(sizes: set[int], seconds: float) -> Table:
    """Generated code (scipy) against automatic differentiation of the generated value."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    yield "| gradient | n | scipy / jax.jit(jax.grad) | quartiles | jax, ms |"
    yield "|---|---|---|---|---|"
    for loss in GRADIENTS:
        d = derived(loss)
        ours, value = compile_module(d.source("scipy"))["gradient"], compile_module(d.source("jax"))["value"]
        names = loss.wrt.split(",")
        for n in (s for s in loss.sizes if s in sizes):
            arrays = loss.draw(np.random.default_rng(n), n)
            there = {k: jnp.asarray(v) for k, v in arrays.items()}
            grad = jax.jit(jax.grad(lambda w, rest: value(**w, **rest)))  # noqa: B023
            w, rest = {k: there[k] for k in names}, {k: v for k, v in there.items() if k not in names}
            middle, low, high, base = ratio(
                lambda: ours(**arrays), lambda: jax.block_until_ready(grad(w, rest)), seconds  # noqa: B023
            )
            yield f"| {loss.name} | {n} | {middle:.2f} | {low:.2f} - {high:.2f} | {base:.3g} |"


def timed(function: Callable[[], object], rounds: int = 5) -> float:
    """The median milliseconds of CPU time."""
    found = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        function()
        found.append(1e3 * (time.process_time() - start))
    return statistics.median(found)


def derivation(sizes: set[int], seconds: float) -> Table:
    """From text to the gradient, and to the module of NumPy code."""
    yield "| loss | derive, ms | code, ms |"
    yield "|---|---|---|"
    times = []
    derived(GRADIENTS[0])
    for loss in GRADIENTS:
        d = derived(loss)
        times.append(timed(lambda: derived(loss)))  # noqa: B023
        yield f"| {loss.name} | {times[-1]:.1f} | {timed(lambda: d.source('numpy')):.1f} |"  # noqa: B023
    yield f"| median | {statistics.median(times):.1f} | |"


def depth(sizes: set[int], seconds: float) -> Table:
    """A network as a program: all gradients, printed as code."""
    yield "| layers | derive, ms | per layer | code, ms | per layer |"
    yield "|---|---|---|---|---|"
    for layers in (10, 30, 100, 300):
        lines = [*(f"W{i}: matrix(n, n)" for i in range(1, layers + 1)), "h0: vector(n)"]
        lines += [*(f"h{i} = tanh(W{i}*h{i - 1})" for i in range(1, layers + 1)), f"L = sum(h{layers}.^2)"]
        text, names = "\n".join(lines), [f"W{i}" for i in range(1, layers + 1)]
        d = mc.derive(text, wrt=names)
        a, b = timed(lambda: mc.derive(text, wrt=names), 1), timed(lambda: d.source("numpy"), 1)  # noqa: B023
        yield f"| {layers} | {a:.0f} | {a / layers:.1f} | {b:.0f} | {b / layers:.1f} |"


def start(sizes: set[int], seconds: float) -> Table:
    """Processes from beginning to end, interleaved; CPU time of the child."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "python -c 'import numpy'": ["-c", "import numpy"],
        "python -c 'import sympy'": ["-c", "import sympy"],
        "matcalc derive \"x'*A*x\" --wrt x": ["-m", "matcalc", "derive", "x'*A*x", "--wrt", "x"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(7):
        for name, arguments in commands.items():
            before = os.times()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            found[name].append(1e3 * spent)
    yield "| command | CPU ms, median | to import sympy |"
    yield "|---|---|---|"
    sympy = found["python -c 'import sympy'"]
    for name, times in found.items():
        relative = statistics.median(a / b for a, b in zip(times, sympy, strict=True))
        yield f"| `{name}` | {statistics.median(times):.0f} | {relative:.2f} |"


PARTS: dict[str, tuple[str, Callable[[set[int], float], Table]]] = {
    "gradients": ("Gradients against hand-written code", gradients),
    "hessians": ("Hessians against hand-written code", hessians),
    "peers": ("Gradients against JAX", peers),
    "derivation": ("Derivation", derivation),
    "depth": ("Growth with depth", depth),
    "start": ("Start-up", start),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/benchmarks.md")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each comparison")
    parser.add_argument("--sizes", default="50,200,1000,2000")
    given = parser.parse_args()
    pinned = pin()
    sizes = {int(s) for s in given.sizes.split(",")}
    load = os.getloadavg()[0]
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}; "
        f"{'one pinned core' if pinned else 'not pinned'}, load {load:.1f} on {os.cpu_count()} cores at the start, "
        f"{given.seconds:g} s for each comparison."
    )
    lines = [machine]
    print(machine)
    for part in given.parts or PARTS:
        title, table = PARTS[part]
        lines += ["", f"## {title}", ""]
        print(f"\n## {title}\n")
        for line in table(sizes, given.seconds):
            print(line, flush=True)
            lines.append(line)
    if given.write:
        head, mark, _ = DOCUMENT.read_text(encoding="utf-8").partition("<!-- measured -->\n")
        DOCUMENT.write_text(head + mark + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
