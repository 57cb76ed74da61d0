"""Arrays with more than two axes to instructions: einsum of the index form, the map entry by entry, or the vec form."""

from __future__ import annotations

from collections.abc import Mapping

from matcalc.expr import Expr
from matcalc.forms import Forms, Value, extent
from matcalc.instructions import Code, Instructions
from matcalc.shapes import ONE, Dim

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _tensor(at: Forms, x: Expr) -> Value:
    """The sum of one einsum for each term; what an index has no entry for is multiplied by ones.

    Where a term has deltas, the entries at which they are 1 are computed, and put in their places among zeros; where
    arrays cannot be filled, a delta is an identity.
    """
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
        out = "".join(letters[n] for n in indices)
        dims = {letters[n]: size for n, size in zip(indices, sizes, strict=True)}
        pairs = [(letters[left], letters[right]) for left, right, _ in deltas]
        if not at.fills:
            operands += [make.call("eye", (make.size(size),), (size, size)) for _, _, size in deltas]
            words += ["".join(pair) for pair in pairs]
            found.append(_einsum(make, factors, operands, words, out, dims))
            continue
        place = _identified(out, pairs)
        words = [_identified(word, pairs) for word in words]
        inside = "".join(dict.fromkeys(place))
        values = _einsum(make, factors, operands, words, inside, dims)
        if pairs:
            values = make.call("spread", (values, *(make.size(d) for d in sizes)), sizes, f"{place}->{inside}")
        found.append(values)
    if not found:
        return Value("full", make.call("zeros", [make.size(d) for d in sizes], sizes))
    return Value("full", make.add([(1, f) for f in found]) if len(found) > 1 else found[0])


def _identified(word: str, pairs: list[tuple[str, str]]) -> str:
    """The word with letters that a delta makes equal written alike."""
    for _ in pairs:  # of a chain of deltas each round settles one
        for left, right in pairs:
            word = word.replace(max(left, right), min(left, right))
    return word


def _einsum(
    make: Instructions, factors: list[Code], operands: list[Code], words: list[str], out: str, dims: Mapping[str, Dim]
) -> Code:
    """The product of the factors and the operands, summed over letters that are not in ``out``."""
    for letter in out:
        if letter not in "".join(words):
            operands.append(make.call("ones", (make.size(dims[letter]),), (dims[letter],)))
            words.append(letter)
    if words == [out]:
        return make.product([*factors, operands[0]])
    if factors:  # on the smallest operand, not on the result
        least = min(range(len(operands)), key=lambda k: (operands[k].ndim, operands[k].op == "call"))
        operands[least] = make.product([*factors, operands[least]])
    summed = len(operands) > 2 and set("".join(words)) > set(out)
    key = f"einsum_path{len(operands)}" if summed else f"einsum{len(operands)}"
    return make.call(key, operands, tuple(dims[letter] for letter in out), f"{','.join(words)}->{out}")


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
