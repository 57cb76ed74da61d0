"""Arrays with more than two axes to instructions: products of entries, the map entry by entry, or the vec form."""

from __future__ import annotations

from collections.abc import Mapping

from matcalc.expr import Expr
from matcalc.generator.forms import Forms, Value, extent
from matcalc.generator.instructions import Code, Instructions
from matcalc.shapes import ONE, Dim

_Common = tuple[str, str, tuple[tuple[str, Code], ...]]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _tensor(at: Forms, x: Expr) -> Value:
    """One product for the terms that differ in one array alone, whose sum it takes; what lacks an index is repeated.

    Where a term has deltas, the entries at which they are 1 are computed, and put in their places among zeros; where
    arrays cannot be filled, a delta is an identity.
    """
    make = at.make
    indices, sizes, _, terms = x.data  # type: ignore[misc]
    given = iter(x.args)
    found: dict[_Common, list[Code]] = {}  # what terms have in common -> the arrays in which they differ
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
        place = out
        if at.fills:
            place = _identified(out, pairs)
            words = [_identified(word, pairs) for word in words]
        else:
            operands += [make.call("eye", (make.size(size),), (size, size)) for _, _, size in deltas]
            words += ["".join(pair) for pair in pairs]
        _absorb(make, operands, words)
        ranks = [(len(word), c.op != "outer") for word, c in zip(words, operands, strict=True)]
        most = ranks.index(max(ranks)) if ranks else 0
        array = make.product([*factors, *operands[most : most + 1]])
        rest = tuple((word, code) for k, (word, code) in enumerate(zip(words, operands, strict=True)) if k != most)
        found.setdefault((place, words[most] if words else "", rest), []).append(array)
    results = []
    whole = sorted(found.items(), key=lambda item: len(set(item[0][0])), reverse=True)  # stable: the fullest first
    for (place, word, rest), arrays in whole:
        inside = "".join(dict.fromkeys(place))
        total = make.add([(1, a) for a in arrays])
        parts = [*([(word, total)] if word else []), *rest]
        scale = [] if word else [total]
        filled = len(inside) < len(place)
        values = _values(at, scale, [c for _, c in parts], [w for w, _ in parts], inside, dims, filled)
        if filled:
            values = make.call("spread", (values, *(make.size(d) for d in sizes)), sizes, f"{place}->{inside}")
        results.append(values)
    if not results:
        return Value("full", make.call("zeros", [make.size(d) for d in sizes], sizes))
    return Value("full", make.add([(1, f) for f in results]) if len(results) > 1 else results[0])


def _absorb(make: Instructions, operands: list[Code], words: list[str]) -> None:
    """Vectors that scale the rows or the columns of a matrix, or another vector, multiplied into it."""
    for k in reversed(range(len(words))):
        for other in range(len(words)):
            word = words[other]
            if len(words[k]) == 1 and other != k and words[k] in word and len(set(word)) == len(word) <= 2:
                vector = make.column(operands[k]) if len(word) == 2 and word[0] == words[k] else operands[k]
                operands[other] = make.product([vector, operands[other]])
                del operands[k], words[k]
                break
    lines = [k for k, word in enumerate(words) if len(word) == 1]
    if len(words) > 2 and len(lines) == 2 and words[lines[0]] != words[lines[1]]:  # two arrays rather than three
        i, j = lines
        operands[i], words[i] = make.outer(operands[i], operands[j]), words[i] + words[j]
        del operands[j], words[j]


def _identified(word: str, pairs: list[tuple[str, str]]) -> str:
    """The word with letters that a delta makes equal written alike."""
    for _ in pairs:  # of a chain of deltas each round settles one
        for left, right in pairs:
            word = word.replace(max(left, right), min(left, right))
    return word


def _values(
    at: Forms,
    factors: list[Code],
    operands: list[Code],
    words: list[str],
    out: str,
    dims: Mapping[str, Dim],
    filled: bool,
) -> Code:
    """The product of the factors and the operands, summed over letters that are not in ``out``.

    Where nothing is summed, by broadcasting: einsum multiplies all operands for each entry. ``filled``: the values are
    put into an array, and repeated there where they lack an index.
    """
    make = at.make
    broadcast = at.fills and set("".join(words)) <= set(out)
    for letter in out:
        if letter not in "".join(words) and not (filled and broadcast and words):
            operands.append(make.call("ones", (make.size(dims[letter]),), (dims[letter],)))
            words.append(letter)
    if words == [out]:
        return make.product([*factors, operands[0]])
    if factors:  # on the smallest operand, not on the result
        least = min(range(len(operands)), key=lambda k: (operands[k].ndim, operands[k].op == "call"))
        operands[least] = make.product([*factors, operands[least]])
    if broadcast:
        return _multiplied(at, operands, words, out, dims)
    summed = len(operands) > 2 and set("".join(words)) > set(out)
    key = f"einsum_path{len(operands)}" if summed else f"einsum{len(operands)}"
    return make.call(key, operands, tuple(dims[letter] for letter in out), f"{','.join(words)}->{out}")


def _multiplied(at: Forms, operands: list[Code], words: list[str], out: str, dims: Mapping[str, Dim]) -> Code:
    """The product by broadcasting, two arrays at a time: those first of which the product is smallest."""
    make = at.make
    left: list[tuple[str, Code]] = []
    for word, code in zip(words, operands, strict=True):
        if len(set(word)) < len(word):
            code, word = make.call("diagonal", (code,), code.shape[:1]), word[0]
        if len(word) == 2 and out.index(word[0]) > out.index(word[1]):
            code, word = make.transpose(code), word[::-1]
        left.append((word, code))

    def joined(i: int, j: int) -> str:
        return "".join(c for c in out if c in left[i][0] + left[j][0])

    while len(left) > 1:
        pairs = [(i, j) for j in range(len(left)) for i in range(j)]
        i, j = min(pairs, key=lambda p: at.chains.costs.entries([dims[c] for c in joined(*p)]))
        word = joined(i, j)
        first, second = (make.expand(code, [c in own for c in word]) for own, code in (left[i], left[j]))
        left[i] = word, make.mul([first, second])
        del left[j]
    return make.expand(left[0][1], [c in left[0][0] for c in out])


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
