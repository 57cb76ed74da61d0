"""What the tests of generated code share: arguments as the contract wants them, and a comparison with the reference."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from matcalc.expr import Expr
from matcalc.generator.code import compile_module, module_source
from matcalc.kinds import Kind
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values

SIZES = {"m": 3, "n": 4, "k": 2}


def arguments(
    function: Any, values: Mapping[str, Any], kinds: Mapping[str, Kind], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Values of the reference as keyword arguments: numbers, 1-D and 2-D arrays, callables."""
    found: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters:
        name = parameter if parameter in kinds or parameter in values else parameter.rstrip("_")
        if name in values and not (name in kinds and kinds[name].form == "function"):
            value = np.asarray(values[name])
            form = kinds[name].form if name in kinds else "scalar"
            if form == "scalar":
                found[parameter] = int(value) if float(value).is_integer() else float(value)
            else:
                found[parameter] = value.reshape(-1) if form in ("vector", "row") else value
        elif name in sizes:
            found[parameter] = sizes[name]
        elif name not in kinds or kinds[name].form == "function":
            found[parameter] = _callable(name, values, kinds)
        else:  # a variable that is not used
            kind = kinds[name]
            shape = (kind.rows.evaluate(sizes), kind.cols.evaluate(sizes))
            found[parameter] = {"scalar": 1.0, "vector": np.ones(shape[0]), "row": np.ones(shape[1])}.get(
                kind.form, np.ones(shape)
            )
    return found


def _callable(name: str, values: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Any:
    """s, ds, dds; g, Dg, Hg, D1l, D2l, D12l from the smooth function that stands for the undefined one."""
    match = re.fullmatch(r"(d*)(\w+?)", name)
    assert match is not None
    for order in range(4):
        base = name[order:]
        if name[:order] == "d" * order and base in kinds and kinds[base].args is None:
            smooth = values[base]
            return lambda z: smooth.elementwise(z, order)
    match = re.fullmatch(r"(D(\d*)|H)?(\w)", name)
    assert match is not None, name
    mark, numbers, base = match.groups()
    smooth, kind = values[base], kinds[base]
    derivative = (0, 0) if mark == "H" else tuple(int(i) - 1 for i in numbers or ("1" if mark else ""))
    assert kind.args is not None

    def apply(*args: Any) -> Any:
        result = np.asarray(smooth.at([np.asarray(a) for a in args], derivative))
        return result.reshape(-1) if 1 in result.shape else result

    return apply


def expected(value: Any, expr: Expr) -> Any:
    """The reference value with the axes that code gives it."""
    value = np.asarray(value)
    keep = tuple(slice(None) if str(d) != "1" else 0 for d in expr.shape)
    return value if value.ndim == 0 else value[keep]


def agrees(
    expr: Expr, kinds: Mapping[str, Kind], rng: np.random.Generator, strategy: str = "normal", tolerance: float = 1e-8
) -> bool | None:
    """Whether the generated ``value`` is the reference's; None where that is not a finite number."""
    values = draw_values([expr], kinds, SIZES, rng, strategy)
    with np.errstate(all="ignore"):
        wanted = expected(evaluate(expr, values, SIZES), expr)
    if not np.all(np.isfinite(np.real(wanted))) or np.max(np.abs(wanted), initial=0) > 1e12:
        return None
    source = module_source(expr, [], kinds)
    function = compile_module(source)["value"]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = arguments(function, values, kinds, SIZES)
        before = {name: np.array(value) for name, value in given.items() if isinstance(value, np.ndarray)}
        found = np.asarray(function(**given))
    for name, value in before.items():
        assert np.array_equal(value, given[name], equal_nan=True), f"{name} was written into by\n{source}"
    if found.shape != wanted.shape:
        raise AssertionError(f"shape {found.shape}, not {wanted.shape}, of\n{source}")
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0)))
    with np.errstate(all="ignore"):  # how much the value moves when the arguments do by rounding
        noise = np.random.default_rng(0)
        near = {
            k: v * (1 + 1e-12 * noise.normal(size=v.shape)) if isinstance(v, np.ndarray) else v
            for k, v in values.items()
        }
        moved = np.max(np.abs(expected(evaluate(expr, near, SIZES), expr) - wanted), initial=0)
    if not np.max(np.abs(found - wanted), initial=0) <= tolerance * scale + 1000 * moved:
        raise AssertionError(f"{found} is not {wanted}, by\n{source}")
    return True
