"""Arrays with more than two axes to instructions: einsum of the index form, or the vec form unstacked."""

from __future__ import annotations

from matcalc.expr import Expr
from matcalc.forms import Forms, Value
from matcalc.instructions import Code
from matcalc.shapes import ONE

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _tensor(at: Forms, x: Expr) -> Value:
    """The sum of one einsum for each term; a delta is an identity, an index that no entry has a vector of ones."""
    make = at.make
    indices, sizes, _, terms = x.data  # type: ignore[misc]
    args = list(x.args)
    found: list[Code] = []
    for scalars, deltas, entries in terms:
        letters = {name: _LETTERS[i] for i, name in enumerate(indices)}
        factors = [at.dense(args.pop(0)) for _ in range(scalars)]
        operands: list[Code] = []
        words: list[str] = []
        for names in entries:
            operands.append(at.dense(args.pop(0)))
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
            array = make.call(f"einsum{len(operands)}", operands, sizes, f"{','.join(words)}->{out}")
        found.append(make.product([*factors, array]))
    if not found:
        return Value("full", make.call("zeros", [make.size(d) for d in sizes], sizes))
    return Value("full", make.add([(1, f) for f in found]) if len(found) > 1 else found[0])


def _unstacked(at: Forms, x: Expr) -> Value:
    sizes, _ = x.data  # type: ignore[misc]
    sizes = tuple(d for d in sizes if d is not ONE)
    code = at.dense(x.args[0])
    return Value("full", at.make.call("unstacked", (code, *(at.make.size(d) for d in sizes)), sizes))


TENSORS = {"tensor": _tensor, "unstacked": _unstacked}
