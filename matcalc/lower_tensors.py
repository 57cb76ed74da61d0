"""Arrays with more than two axes to instructions: einsum of the index form, the map entry by entry, or the vec form."""

from __future__ import annotations

from matcalc.expr import Expr
from matcalc.forms import Forms, Value, extent
from matcalc.instructions import Code
from matcalc.shapes import ONE

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _tensor(at: Forms, x: Expr) -> Value:
    """The sum of one einsum for each term; a delta is an identity, an index that no entry has a vector of ones."""
    make = at.make
    indices, sizes, _, terms = x.data  # type: ignore[misc]
    given = iter(x.args)
    found: list[Code] = []
    for scalars, deltas, entries in terms:
        letters = {name: _LETTERS[i] for i, name in enumerate(indices)}
        factors = [at.dense(next(given)) for _ in range(scalars)]
        operands: list[Code] = []
        words: list[str] = []
        for names in entries:
            operands.append(at.dense(next(given)))
            words.append("".join(letters.setdefault(n, _LETTERS[len(letters)]) for n in names))
        for left, right, size in deltas:
            operands.append(make.call("eye", (make.size(size),), (size, size)))
            words.append(letters[left] + letters[right])
        for name, size in zip(indices, sizes, strict=True):
            if letters[name] not in "".join(words):
                operands.append(make.call("ones", (make.size(size),), (size,)))
                words.append(letters[name])
        out = "".join(letters[n] for n in indices)
        if words == [out]:
            array = operands[0]
        else:
            if factors:  # on the smallest operand, not on the result
                least = min(range(len(operands)), key=lambda k: (operands[k].ndim, operands[k].op == "call"))  # noqa: B023
                operands[least], factors = make.product([*factors, operands[least]]), []
            summed = len(operands) > 2 and set("".join(words)) > set(out)
            key = f"einsum_path{len(operands)}" if summed else f"einsum{len(operands)}"
            array = make.call(key, operands, sizes, f"{','.join(words)}->{out}")
        found.append(make.product([*factors, array]))
    if not found:
        return Value("full", make.call("zeros", [make.size(d) for d in sizes], sizes))
    return Value("full", make.add([(1, f) for f in found]) if len(found) > 1 else found[0])


def _unstacked(at: Forms, x: Expr) -> Value:
    sizes, _ = x.data  # type: ignore[misc]
    sizes = tuple(d for d in sizes if d is not ONE)
    code = at.dense(x.args[0])
    return Value("full", at.make.call("unstacked", (code, *(at.make.size(d) for d in sizes)), sizes))


def _mapped(at: Forms, x: Expr) -> Value:
    """A linear map at one unit matrix after the other: an entry of the variable at a time, nothing large is formed."""
    make = at.make
    code = at.dense(x.args[2])
    for index, size in reversed(list(zip(x.args[:2], x.data, strict=True))):  # type: ignore[call-overload]
        if size is ONE:
            continue
        lead = len(extent(x.args[2].shape))
        places = (*(":" for _ in range(lead)), "at", *(":" for _ in range(code.ndim - lead)))
        shape = (*code.shape[:lead], size, *code.shape[lead:])
        last = make.add([(1, make.size(size)), (-1, make.num(1))])
        code = make.make("loop", (make.num(0), last, code, at.dense(index)), (index.data, places), shape)
    return Value("full", code)


TENSORS = {"mapped": _mapped, "tensor": _tensor, "unstacked": _unstacked}
