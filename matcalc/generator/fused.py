"""Parts that several instructions share, where each alone would be computed otherwise.

A product that is part of another is computed once: 2*a*b is 2*(a*b) where a*b is needed too. With e = exp(z),
sigmoid(-z) is 1/(1 + e) and sigmoid(z) is e/(1 + e): one exponential for both. The softmax of z, its logarithm and
the log-sum-exp share z less its largest entry, the exponentials and their sum: in targets that name ``sigmoid_neg``,
others have functions of their own. Works on instructions, after lowering.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from matcalc.generator.instructions import Code, Instructions, ordered

_LOOKED_AT = 16  # products that share a factor
_LARGEST = 709  # exp of it is finite
_FAMILY = ("softmax", "log_softmax", "logsumexp")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def fused(
    make: Instructions, roots: Sequence[Code], kept: Iterable[Code], functions: bool
) -> tuple[list[Code], dict[Code, Code]]:
    """The roots with parts shared, and what every instruction has become; ``functions``: sigmoid and softmax too."""
    order = ordered(roots)
    sigmoids, families = _groups(order)
    products = _Products(order)
    new: dict[Code, Code] = {}
    for code in order:
        args = tuple(new[a] for a in code.args)
        key = code.data[0] if code.op == "call" else ""
        if code.op == "mul":
            new[code] = products.shorter(make, code, new)
        elif not functions:
            new[code] = code if args == code.args else make.make(code.op, args, code.data, code.shape)
        elif key == "sigmoid":
            new[code] = _sigmoid(make, args[0], _argument(code.args[0]) in sigmoids)
        elif key.removesuffix("_axis") in _FAMILY and (code.args[0], code.data[1:]) in families:
            axis = code.data[1] if len(code.data) > 1 else None
            new[code] = _softmax(make, key.removesuffix("_axis"), args[0], axis)
        else:
            new[code] = code if args == code.args else make.make(code.op, args, code.data, code.shape)
    return [new[root] for root in roots], {code: new.get(code, code) for code in kept}


class _Products:
    """The products of a function, to be found in longer ones."""

    def __init__(self, order: Sequence[Code]) -> None:
        self._of: dict[Code, list[Code]] = {}
        for code in order:
            if code.op == "mul" and code.ndim and all(a.ndim for a in code.args):
                for arg in set(code.args):
                    self._of.setdefault(arg, []).append(code)

    def shorter(self, make: Instructions, code: Code, new: Mapping[Code, Code]) -> Code:
        """A product with the longest other one that it holds as one factor."""
        found = [
            part
            for arg in dict.fromkeys(code.args)
            if len(self._of.get(arg, ())) <= _LOOKED_AT
            for part in self._of.get(arg, ())
            if len(part.args) < len(code.args) and part in new and not Counter(part.args) - Counter(code.args)
        ]
        if not found:
            return make.mul([new[a] for a in code.args])
        part = max(found, key=lambda p: len(p.args))
        rest = Counter(code.args) - Counter(part.args)
        return make.mul([*(new[a] for a in rest.elements()), new[part]])


def _groups(order: Sequence[Code]) -> tuple[set[Code], set[tuple[Code, tuple[object, ...]]]]:
    """The z of which sigmoid(z) and sigmoid(-z) are asked, and the arrays (with the axis) of two kinds of softmax."""
    signs: dict[Code, set[bool]] = {}
    family: dict[tuple[Code, tuple[object, ...]], set[str]] = {}
    for code in order:
        if code.op != "call":
            continue
        key, *rest = code.data
        if key == "sigmoid":
            signs.setdefault(_argument(code.args[0]), set()).add(code.args[0].op == "neg")
        elif key.removesuffix("_axis") in _FAMILY:
            family.setdefault((code.args[0], tuple(rest)), set()).add(key)
    return _several(signs), _several(family)


def _several(found: Mapping[_Key, set[_Value]]) -> set[_Key]:
    return {key for key, values in found.items() if len(values) > 1}


def _argument(z: Code) -> Code:
    """z, of -z too."""
    return z.args[0] if z.op == "neg" else z


def _sigmoid(make: Instructions, z: Code, both: bool) -> Code:
    """sigmoid(z): by exp(-z), which sigmoid(-z) shares where it is asked for too."""
    negative = z.op == "neg"
    z = _argument(z)
    if not both:
        return make.call("sigmoid_neg" if negative else "sigmoid", (z,), z.shape)
    capped = make.call("minimum", (z, make.num(_LARGEST)), z.shape)
    e = make.call("exp", (capped,), z.shape)
    falling = make.div(make.num(1), make.add([(1, e), (1, make.num(1))]))
    return falling if negative else make.mul([e, falling])


def _softmax(make: Instructions, name: str, z: Code, axis: int | None) -> Code:
    """One of the family, of the exponentials that they share."""

    def along(x: Code) -> Code:
        return make.column(x) if axis == 1 else x

    line = () if axis is None else (z.shape[1 - axis],)
    top = make.call("max", (z,), ()) if axis is None else make.call("max_axis", (z,), line, axis)
    less = make.add([(1, z), (-1, along(top))])
    e = make.call("exp", (less,), z.shape)
    below = make.call("sum", (e,), ()) if axis is None else make.call("sum_axis", (e,), line, axis)
    if name == "softmax":
        return make.div(e, along(below))
    log = make.call("log", (below,), below.shape)
    return make.add([(1, log), (1, top)] if name == "logsumexp" else [(1, less), (-1, along(log))])
