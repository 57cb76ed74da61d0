"""One symbolic tool on the common list: ``python benchmarks/tools.py TOOL`` prints a line of JSON for each loss.

It stands alone, with NumPy, so that a tool can live in an environment of its own. A tool succeeds if it prints a closed
form, without derivatives left in it, that has the values of the derivative at random points: Richardson differences of
the NumPy form of the loss, which no tool sees. Axes of length 1 and a transposed layout are forgiven.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import signal
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

LIST = Path(__file__).resolve().parent / "common.toml"
SIZES = {"m": 5, "n": 3, "k": 2}
SHAPES = {
    **dict.fromkeys("AT", ("m", "n")),
    **dict.fromkeys("BDXS", ("n", "n")),
    **dict.fromkeys("WV", ("n", "k")),
    **dict.fromkeys("UY", ("m", "k")),
    **dict.fromkeys("xwuvpq", ("n",)),
    **dict.fromkeys("by", ("m",)),
    "c": (),
}
LIMIT = 20  # seconds for one form of one loss
Values = dict[str, Any]
Form = tuple[str, Callable[[Values], Any]]  # what is printed, and its value at a point


class Unevaluated(Exception):
    """A derivative is left in the answer."""


class TooLong(Exception):
    """The time is over."""


def draw(seed: int) -> Values:
    rng = np.random.default_rng(seed)
    values: Values = {name: rng.normal(size=[SIZES[s] for s in shape]) for name, shape in SHAPES.items()}
    values["S"] = values["S"] @ values["S"].T + np.eye(SIZES["n"])
    for name in "pq":
        values[name] = np.exp(values[name])
    values["c"] = 0.7
    if np.linalg.det(values["X"]) < 0:  # log(det(X)) is real
        values["X"][0] *= -1
    return values


def differences(loss: str, wrt: str, values: Values) -> Any:
    """Central differences with two steps, extrapolated."""
    code = compile(loss, "common.toml", "eval")
    x = values[wrt]
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):

        def slope(h: float, place: tuple[int, ...] = place) -> float:
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[place] += sign * h
                ends.append(eval(code, {"np": np, **values, wrt: moved}))
            return float((ends[0] - ends[1]) / (2 * h))

        found[place] = (4 * slope(5e-4) - slope(1e-3)) / 3
    return found


# --- the tools: text in the tool's own language -> what it prints, and values -----------------------------


def of_matcalc() -> Callable[[str, str], Form]:
    import matcalc

    kinds = {1: "vector({})", 2: "matrix({}, {})"}
    declared = {name: kinds[len(s)].format(*s) if s else "scalar, positive" for name, s in SHAPES.items()}
    declared["S"] = "spd(n)"

    def ask(f: str, wrt: str) -> Form:
        used = {k: v for k, v in declared.items() if re.search(rf"\b{k}\b", f)}
        d = matcalc.derive(f, wrt=wrt, declare=used)
        return d.text(), lambda values: d.function()(**{k: values[k] for k in used})

    return ask


def of_sympy() -> Callable[[str, str], Form]:
    import sympy as sp

    m, n, k = sp.symbols("m n k", integer=True, positive=True)
    sizes = {"m": m, "n": n, "k": k}

    def symbol(name: str, shape: tuple[str, ...]) -> Any:
        return sp.MatrixSymbol(name, *[sizes[s] for s in shape], *[1] * (2 - len(shape)))

    names = {name: symbol(name, s) if s else sp.Symbol(name, positive=True) for name, s in SHAPES.items()}
    language = {**vars(sp), "ones": sp.OneMatrix, **sizes, **names}

    def ask(f: str, wrt: str) -> Form:
        answer = eval(f, language).diff(names[wrt])
        if answer.has(sp.Derivative):
            raise Unevaluated(str(answer))

        def value(values: Values) -> Any:
            put = {sizes[s]: v for s, v in SIZES.items()}
            there = {name: names[name].subs(put) for name in names if SHAPES[name]}
            exact = {there[s]: sp.Matrix(np.reshape(values[s], (len(values[s]), -1))) for s in there}
            found = answer.subs(put)
            try:
                arguments = [there[s] for s in there] + [names["c"]]
                numbers = [np.reshape(values[s], (len(values[s]), -1)) for s in there] + [values["c"]]
                return np.array(sp.lambdify(arguments, found, "numpy")(*numbers), float)
            except Exception:  # the printer of NumPy code knows less than doit
                found = found.subs({names["c"]: values["c"]}).xreplace(exact).doit()
                found = found.as_explicit() if hasattr(found, "as_explicit") else found
                return np.array(found.tolist() if hasattr(found, "tolist") else found, dtype=float)

        return str(answer), value

    return ask


def of_tensorgrad() -> Callable[[str, str], Form]:
    import sympy as sp
    import tensorgrad.functions as F
    import torch
    from tensorgrad import Delta, Derivative, Variable
    from tensorgrad.compiler import compile_to_callable
    from tensorgrad.extras.evaluate import evaluate
    from tensorgrad.extras.to_index import to_index
    from tensorgrad.extras.to_latex import to_latex

    torch.set_default_dtype(torch.float64)
    sizes = {s: sp.Symbol(s) for s in SIZES}

    def edges(shape: tuple[str, ...]) -> list[str]:
        return ["n", "n2"] if shape == ("n", "n") else list(shape)

    names = {
        name: Variable(name, **{e: sizes[s] for e, s in zip(edges(shape), shape, strict=True)})
        for name, shape in SHAPES.items()
    }
    language = {
        "F": F,
        "Delta": Delta,
        "mm": lambda *ts: F.multi_dot(list(ts), dims=("n", "n2")),
        "tr": lambda X: X.rename(n="n2", n2="n"),
        "at": lambda x: x.rename(n="n2"),
        "n": sizes["n"],
        **names,
    }

    def printed(answer: Any) -> str:
        for write in (to_index, to_latex, str):  # the first two do not know everything
            with contextlib.suppress(NotImplementedError):
                if "Expr" not in (text := str(write(answer))):  # their word for a part that they leave out
                    return text
        raise Unevaluated(type(answer).__name__)

    def ask(f: str, wrt: str) -> Form:
        x = names[wrt]
        answer = Derivative(eval(f, language), x).full_simplify()
        if "Derivative(" in str(answer):
            raise Unevaluated(str(answer))

        def value(values: Values) -> Any:
            there = {
                v: torch.tensor(values[name]).refine_names(*v.edges) if v.edges else torch.tensor(values[name])
                for name, v in names.items()
            }
            numbers = {sizes[s]: v for s, v in SIZES.items()}
            try:
                found = evaluate(answer, there, numbers)
            except RuntimeError:  # it mixes float32 and float64 there; compiled it may not
                found = compile_to_callable(answer)(there, numbers)
            return found.align_to(*x.edges).rename(None).numpy()

        return printed(answer), value

    return ask


def of_pytensor() -> Callable[[str, str], Form]:
    import pytensor
    import pytensor.tensor as pt
    from pytensor.compile.mode import Mode
    from pytensor.graph import rewrite_graph
    from pytensor.printing import pprint

    make = {0: pt.dscalar, 1: pt.dvector, 2: pt.dmatrix}
    names = {name: make[len(shape)](name) for name, shape in SHAPES.items()}

    def ask(f: str, wrt: str) -> Form:
        answer = rewrite_graph(pytensor.grad(eval(f, {"pt": pt, **names}), names[wrt]))

        def value(values: Values) -> Any:
            run = pytensor.function(
                list(names.values()), answer, mode=Mode("py", None), on_unused_input="ignore", allow_input_downcast=True
            )
            return run(*[values[name] for name in names])

        return pprint(answer), value

    return ask


TOOLS: dict[str, Callable[[], Callable[[str, str], Form]]] = {
    "matcalc": of_matcalc,
    "sympy": of_sympy,
    "tensorgrad": of_tensorgrad,
    "pytensor": of_pytensor,
}


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(ask: Callable[[str, str], Form], f: str, entry: dict[str, Any], check: bool) -> dict[str, Any]:
    """right, wrong, unevaluated, refused or too long; with the CPU time of the derivation and the printed form."""
    wrt, start = entry["wrt"], time.process_time()
    found: dict[str, Any] = {"outcome": "right"}
    try:
        with limited(LIMIT):
            text, value = ask(f, wrt)
            found |= {"ms": 1e3 * (time.process_time() - start), "text": text}
            for seed in (1, 2) if check else ():
                values = draw(seed)
                want = differences(entry["numpy"], wrt, values)
                have = np.asarray(value(values), dtype=float)
                have = have.squeeze() if have.squeeze().shape == want.shape else have.squeeze().T
                if have.shape != want.shape or not np.max(np.abs(have - want)) <= 1e-6 * max(1, np.max(np.abs(want))):
                    found["outcome"] = "wrong"
    except TooLong:
        found["outcome"] = "too long"
    except Unevaluated as error:
        found |= {"outcome": "unevaluated", "text": str(error)}
    except Exception as error:  # whatever a tool raises is its answer
        found |= {"outcome": "no value" if "text" in found else "refused"}
        found["error"] = f"{type(error).__name__}: {error}"[:200]
    return found


def answers(tool: str, check: bool, only: set[str]) -> Iterator[dict[str, Any]]:
    """One line for each loss: the first form that succeeds, else what the last one gave."""
    ask = TOOLS[tool]()
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))
    for entry in list(entries.values())[:2]:  # imports, tables, caches
        outcome(ask, _forms(entry, tool)[0].replace("x", "w"), {**entry, "wrt": "w"}, False)
    for name, entry in entries.items():
        if only and name not in only:
            continue
        best: dict[str, Any] = {"outcome": "not stated"}
        for f in _forms(entry, tool):
            found = outcome(ask, f, entry, check)
            if best["outcome"] != "right":
                best = found
        yield {"name": name, **best}


def _forms(entry: dict[str, Any], tool: str) -> list[str]:
    given = entry.get("f" if tool == "matcalc" else tool, [])
    return [given] if isinstance(given, str) else given


def main(tool: str, *options: str) -> None:
    warnings.simplefilter("ignore")
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    only = {o for o in options if not o.startswith("--")}
    print(json.dumps({"version": f"{tool} {importlib.metadata.version(tool)}"}))
    for line in answers(tool, "--no-check" not in options, only):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
