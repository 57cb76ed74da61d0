"""Wide arrays in strips: what is made of thin arrays and reduced to thin ones again is never formed whole.

The scores Q*K' of attention have n*n entries, its arguments and its gradient a few columns. Where every use of such an
array works on its rows alone, or on its columns alone, one loop over blocks of them computes everything that is asked
of it, in buffers that stay in the cache: results are assigned by rows, or added up. The loop is one instruction,
``strips``, of which ``strip`` takes the results. Whether an array is wide is judged by the sizes that are expected.
What is needed again after the loop, as the scores in the backward pass of a deep network, or along the other axis, is
computed once more where it is huge, and kept whole otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matcalc.generator.costs import Costs
from matcalc.generator.instructions import Code, Extent, Instructions, ordered
from matcalc.generator.strip_rules import INDEX, MADE, STRIP, Piece, Pulled, Strips
from matcalc.shapes import ONE, Dim

LEAST_ROWS, ENTRIES = 128, 65536  # of a strip, and what a strip may have in any case
_LARGE = 250_000  # entries of an array that is worth it
_THIN = 3  # times thinner
_HUGE = 4_000_000  # entries of an array that is rather computed once more than kept
_SHORT = 100  # factors in an entry of a product that may be computed once more
_ADDED = 4.0  # entries added up in all, for each entry of the wide array
_TRIED = 16  # wide arrays for which it does not work
_AGAIN = 2  # how often an array may be computed once more, for another loop
_SEEDS = ("matmul", "outer")  # what can be computed once more: they have no data, and get the number of the time
_LINE = ("softmax_axis", "log_softmax_axis")


@dataclass(frozen=True, slots=True)
class Loop:
    """What the instruction ``strips`` says: the axis that is cut, the lengths of wide rows, what the results are.

    ``ways`` has for each result whether the strips' results are rows of it, or are added up.
    """

    along: Dim
    lengths: tuple[Dim, ...]
    ways: tuple[bool, ...]
    shapes: tuple[Extent, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A loop: what adding up and odd strides cost, what stands for its results, what is ``inside`` of it.

    The wide arrays in ``again`` are also needed after the loop, and are computed once more.
    """

    price: float
    results: dict[Code, Code]
    again: set[Code]
    inside: set[Code]


def stripped(
    make: Instructions, roots: Sequence[Code], kept: Iterable[Code], costs: Costs
) -> tuple[list[Code], dict[Code, Code]]:
    """The roots with wide arrays computed in strips where that pays, and what each instruction has become."""
    return _stripped(make, list(roots), {code: code for code in kept}, costs, 0)


def _stripped(
    make: Instructions, roots: list[Code], became: dict[Code, Code], costs: Costs, again: int
) -> tuple[list[Code], dict[Code, Code]]:
    """The same; ``again``: how often arrays have been taken apart to be computed once more."""
    tried: set[Code] = set()
    while len(tried) < _TRIED:
        order, outputs = ordered(roots), set(roots)  # an output is formed whole in any case
        seed = next((c for c in order if c not in tried and c not in outputs and _from_thin(c, costs)), None)
        if seed is None:
            break
        found = [_cut(make, order, roots, seed, axis, costs) for axis in (0, 1)]
        whole = [cut for cut in found if cut is not None and not cut.again]
        if whole:
            roots, became = _rebuilt(make, order, min(whole, key=lambda cut: cut.price), roots, became)
            continue
        parted = [cut for cut in found if cut is not None] if again < _AGAIN else []
        for cut in parted:
            now = _stripped(make, *_rebuilt(make, order, cut, roots, became), costs, again + 1)
            if not any(c.op in _SEEDS and c.data for c in ordered(now[0])):
                return now
        tried.add(seed)
    return roots, became


def _from_thin(code: Code, costs: Costs) -> bool:
    """Whether a large array is made of arrays that are much smaller."""
    if code.ndim != 2 or code.free or ONE in code.shape or code.op not in MADE:
        return False
    entries = costs.entries(code.shape)
    return entries >= _LARGE and _THIN * sum(costs.entries(a.shape) for a in code.args) <= entries


def _cut(
    make: Instructions, order: Sequence[Code], roots: Sequence[Code], seed: Code, axis: int, costs: Costs
) -> Cut | None:
    """A loop over strips of the seed."""
    least = costs.entries(seed.shape) / _THIN
    wide = {c for c in order if c.ndim == 2 and ONE not in c.shape and costs.entries(c.shape) > least}
    makable = {c for c in wide if not c.free and (c.data[0] if c.op == "call" else c.op) in MADE and not _view(c)}
    outputs = set(roots)
    parents: dict[Code, list[Code]] = {}
    for code in order:
        for arg in dict.fromkeys(code.args):
            parents.setdefault(arg, []).append(code)
    lone = {c for c, users in parents.items() if len(users) == 1 and c not in outputs}
    pieces = _pieces(make, order, makable, lone, seed, axis)
    if pieces is None:
        return None
    cut = {c for c in wide if c in pieces}
    if any(pieces[c].axis is None or c in outputs for c in cut):
        return None
    again = _closed(order, cut, {c for c in cut if any(p not in pieces for p in parents.get(c, ()))})
    if again and costs.entries(seed.shape) < _HUGE:
        return None
    if any(c.op not in _SEEDS or (c.op == "matmul" and costs.size(c.args[0].shape[1]) > _SHORT)
           for c in again if not any(a in cut for a in c.args)):  # fmt: skip
        return None
    outputs.update(a for c in again for a in c.args if a in pieces and a not in cut)
    results = _results(order, pieces, cut, outputs, parents)
    rows = max(LEAST_ROWS, ENTRIES / costs.size(seed.shape[1 - axis]))
    added = sum(costs.entries(c.shape) for c in results if pieces[c].axis is None and c.ndim)
    added *= costs.size(seed.shape[axis]) / rows
    if not results or added > _ADDED * costs.entries(seed.shape):
        return None
    parts = {c for c in ordered([pieces[r].code for r in results]) if c.op == "part" and c.args[0] in wide}
    strided = sum(costs.entries(c.args[0].shape) for c in parts if (c.data == 1) != (c.args[0].op == "T"))
    lengths = tuple(dict.fromkeys(pieces[c].code.shape[1] for c in order if c in cut))
    loop = _loop(make, [(r, pieces[r]) for r in results], seed.shape[axis], lengths)
    return Cut(added + strided, loop, again, set(pieces))


def _closed(order: Sequence[Code], cut: set[Code], wanted: set[Code]) -> set[Code]:
    """These wide arrays, and those that they are made of."""
    found = set(wanted)
    for code in reversed(order):
        if code in found:
            found.update(a for a in code.args if a in cut)
    return found


def _view(code: Code) -> bool:
    """Whether it is a transpose of what is there."""
    return code.op == "T" and code.args[0].op == "input"


def _pieces(
    make: Instructions, order: Sequence[Code], makable: set[Code], lone: set[Code], seed: Code, axis: int
) -> dict[Code, Piece] | None:
    """All that can be computed in strips when the seed is; None where that cannot be."""
    labels = {seed: axis}
    while True:
        at = Strips(make, makable, lone, labels)
        late: set[Code] = set()  # needs the result of all strips
        try:
            for code in order:
                summed = any(a in late or (a in at.pieces and at.pieces[a].axis is None) for a in code.args)
                if not summed and code not in labels and not any(a in at.pieces for a in code.args):
                    continue
                piece = None if summed or code.free else at.rule(code)
                if piece is not None:
                    at.pieces[code] = piece
                elif code in labels:
                    return None
                else:
                    late.add(code)
        except Pulled:
            continue
        return at.pieces


def _results(
    order: Sequence[Code],
    pieces: dict[Code, Piece],
    cut: set[Code],
    outputs: set[Code],
    parents: dict[Code, list[Code]],
) -> list[Code]:
    """What the loop must give: what uses wide arrays, but for what only the loop needs."""
    members = {c for c in pieces if c in cut or any(a in cut for a in c.args)}
    for code in reversed(order):
        if code in members:
            members.update(a for a in code.args if a in pieces)
    asked: set[Code] = set()
    for code in reversed(order):
        if code not in members or code in cut:
            continue
        outside = code in outputs or code in asked or any(p not in members for p in parents.get(code, ()))
        if outside and code.op in ("T", "col", "row") and code.args[0] in members and code.args[0] not in cut:
            asked.add(code.args[0])
        elif outside or pieces[code].axis is None:
            asked.add(code)
    return [c for c in order if c in asked and not (c.op in ("T", "col", "row") and c.args[0] in asked)]


def _loop(
    make: Instructions, results: Sequence[tuple[Code, Piece]], along: Dim, lengths: tuple[Dim, ...]
) -> dict[Code, Code]:
    """The instruction for the loop, and of each result what takes it."""
    ways = {piece.code: piece.axis is not None for _, piece in results}  # a result and its transpose are one
    bodies = list(ways)
    shapes = tuple(tuple(along if d is STRIP else d for d in body.shape) for body in bodies)
    whole = make.make("strips", tuple(bodies), (INDEX, Loop(along, lengths, tuple(ways.values()), shapes)), ())
    found = {}
    for code, piece in results:
        k = bodies.index(piece.code)
        taken = make.make("strip", (whole,), k, shapes[k])
        found[code] = make.transpose(taken) if piece.axis == 1 and code.ndim == 2 else taken
    return found


def _rebuilt(
    make: Instructions, order: Sequence[Code], cut: Cut, roots: Sequence[Code], became: dict[Code, Code]
) -> tuple[list[Code], dict[Code, Code]]:
    """The roots, and what became of others, with the results of the loop put in."""
    new: dict[Code, Code] = {}
    again: dict[Code, Code] = {}
    for code in order:
        outside = code not in cut.inside
        args = tuple(again[a] if outside and a in again else new[a] for a in code.args)
        same = args == code.args
        new[code] = cut.results.get(code) or (code if same else make.make(code.op, args, code.data, code.shape))
        if code in cut.again:
            args = tuple(again.get(a, new[a]) for a in code.args)
            data = code.data if any(a in again for a in code.args) else (code.data or 0) + 1
            again[code] = make.make(code.op, args, data, code.shape)
    return [again.get(root, new[root]) for root in roots], {code: new.get(now, now) for code, now in became.items()}
