"""What an instruction is in one strip: in a block of consecutive rows of a wide array.

A strip is turned so that its first axis runs along the strips: of an array that is cut along its columns it holds the
transpose. A rule gives, for an instruction with operands that are cut, the axis along which its result is cut and the
instruction for one strip; no axis where the strips' results are summed; nothing where it needs its operands whole.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field

from matcalc.generator.instructions import Code, Instructions
from matcalc.shapes import ONE, Dim

STRIP = Dim.of("rows of a strip")  # no name that can be typed
INDEX = "place of a strip"
ELEMENTWISE_CALLS = frozenset(
    "exp log log1p expm1 sqrt sin cos tan arcsin arccos arctan sinh cosh tanh abs sign maximum minimum relu sigmoid "
    "sigmoid_neg softplus gelu erf lgamma digamma trigamma power < <= > >= ==".split()
)


class WholeNeeded(Exception):
    """An operand is needed whole, or cut along its other axis."""


class Pulled(Exception):
    """A wide array that is made before the strips could be made in strips as well."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An instruction for one strip, and the axis of the whole that runs along the strips; None for a sum over them."""

    axis: int | None
    code: Code


@dataclass(slots=True)
class Strips:
    """One attempt to compute wide arrays in strips: ``pieces`` holds what is cut, ``labels`` which wide arrays along
    which axis; ``makable`` are the wide arrays that could be; ``lone`` is what is used once.
    """

    make: Instructions
    makable: Container[Code]
    lone: Container[Code]
    labels: dict[Code, int]
    pieces: dict[Code, Piece] = field(default_factory=dict)

    def rule(self, code: Code) -> Piece | None:
        """The instruction for one strip, if there is one."""
        found = _RULES.get(code.data[0] if code.op == "call" else code.op)
        if found is None:
            return None
        try:
            piece = found(self, code)
        except WholeNeeded:
            return None
        wanted = self.labels.get(code)
        return piece if wanted is None or (piece is not None and piece.axis == wanted) else None

    def cut(self, x: Code, axis: int) -> Code:
        """A strip of a matrix that is cut along that axis."""
        piece = self.pieces.get(x)
        if piece is not None:
            if piece.axis != axis and not x.symmetric:
                raise WholeNeeded
            return piece.code
        if x in self.makable:
            self._pull(x, axis)
        if x.op == ("row" if axis else "col"):
            return self.make.column(self.part(x.args[0], 0))
        if not axis:
            return self.part(x, 0)
        return self.part(x.args[0], 0) if x.op == "T" else self.make.transpose(self.part(x, 1))

    def _pull(self, x: Code, axis: int) -> None:
        """Ask for the array in strips, and for those that it is made of entry by entry."""
        stack = [(x, axis)]
        while stack:
            current, along = stack.pop()
            if current in self.labels or current not in self.makable:
                continue
            self.labels[current] = along
            if current.op == "T":
                stack.append((current.args[0], 1 - along))
            elif current.op not in ("matmul", "outer"):
                stack.extend((a, along) for a in current.args if a.ndim == 2)
        raise Pulled

    def part(self, x: Code, axis: int) -> Code:
        """The rows or columns of an array at the place of the strip."""
        shape = (STRIP, *x.shape[1:]) if not axis else (x.shape[0], STRIP)
        return self.make.make("part", (x, self.make.index(INDEX)), axis, shape)

    def vector(self, v: Code) -> Code:
        """A strip of a vector."""
        piece = self.pieces.get(v)
        return piece.code if piece is not None else self.part(v, 0)

    def across(self, x: Code, axis: int) -> Code:
        """An operand of an elementwise operation with matrices that are cut along ``axis``."""
        if not x.ndim:
            return x
        if x.ndim == 1 and axis:
            return self.make.column(self.vector(x))
        if x.ndim == 2 and x.shape[axis] is not ONE:
            return self.cut(x, axis)
        if x in self.pieces:
            raise WholeNeeded
        if not axis:
            return x
        return x.args[0] if x.op == "col" else self.make.transpose(x)

    def axis_of(self, code: Code) -> int:
        """The axis along which the operands of an elementwise operation are cut, which all have in common."""
        if code in self.labels:
            return self.labels[code]
        pieces = [(a, self.pieces[a]) for a in code.args if a in self.pieces]
        found = {p.axis if a.ndim == 2 else 1 for a, p in pieces}
        if len(found) != 1:
            raise WholeNeeded
        (axis,) = found
        assert axis is not None
        return axis


Rule = Callable[[Strips, Code], Piece | None]


def _elementwise(at: Strips, code: Code) -> Piece | None:
    if code.ndim == 1:
        vectors = tuple(at.vector(a) if a.ndim else a for a in code.args)
        return Piece(0, at.make.make(code.op, vectors, code.data, (STRIP,)))
    if code.ndim != 2:
        return None
    axis = at.axis_of(code)
    args = [at.across(a, axis) for a in code.args]
    if code.op in ("mul", "div"):
        args = _scaled(at, code, args)
        if len(args) == 1:
            return Piece(axis, args[0])
    if code.op == "mul":
        return Piece(axis, at.make.mul(args))  # the same factors in another order are the same product
    return Piece(axis, at.make.make(code.op, tuple(args), code.data, (STRIP, code.shape[1 - axis])))


def _scaled(at: Strips, code: Code, args: list[Code]) -> list[Code]:
    """The operands with numbers put into the thin factor of a product among them: (2*X)*Y', not 2*(X*Y')."""
    numbers = [k for k, a in enumerate(args) if not a.ndim and (code.op == "mul" or k == 1)]
    products = [k for k, a in enumerate(args) if a.op == "matmul" and a.ndim == 2 and code.args[k] in at.lone]
    if not numbers or not products or code.args.count(code.args[products[0]]) > 1:
        return args
    thin, other = args[products[0]].args
    if code.op == "div":
        thin = at.make.div(thin, args[1])
    else:
        thin = at.make.mul([*(args[k] for k in numbers), thin])
    product = at.make.matmul(thin, other)
    return [product if k == products[0] else a for k, a in enumerate(args) if k not in numbers]


def _matmul(at: Strips, code: Code) -> Piece | None:
    x, y = code.args
    make = at.make
    axis = at.labels.get(code)
    if axis is None:
        ways = {_way(at, x, True), _way(at, y, False)} - {""}
        way = ways.pop() if len(ways) == 1 else "sum"  # of symmetric matrices also where they are cut otherwise
    else:
        way = "columns" if axis else "rows"
    if way == "rows":
        if y in at.pieces:
            return None
        return Piece(0, make.matmul(at.cut(x, 0), y))
    if way == "columns":
        if x in at.pieces:
            return None
        return Piece(1, make.matmul(at.cut(y, 1), make.transpose(x)))
    left = at.vector(x) if x.ndim == 1 else make.transpose(at.cut(x, 1))
    right = at.vector(y) if y.ndim == 1 else at.cut(y, 0)
    return Piece(None, make.make("matmul", (left, right), None, code.shape))


def _way(at: Strips, x: Code, first: bool) -> str:
    """How a factor that is cut cuts the product: its rows, its columns, or the sum that it is."""
    piece = at.pieces.get(x)
    if piece is None:
        return ""
    if x.ndim == 1 or (piece.axis == 1) == first:
        return "sum"
    return "rows" if first else "columns"


def _transposed(at: Strips, code: Code) -> Piece:
    (x,) = code.args
    axis = 1 - at.labels[code] if code in at.labels else at.axis_of(code)
    return Piece(1 - axis, at.cut(x, axis))


def _column(at: Strips, code: Code) -> Piece:
    return Piece(0 if code.op == "col" else 1, at.make.column(at.vector(code.args[0])))


def _outer(at: Strips, code: Code) -> Piece | None:
    u, v = code.args
    axis = at.labels.get(code, 0 if u in at.pieces else 1)
    along, other = (v, u) if axis else (u, v)
    if other in at.pieces:
        return None
    return Piece(axis, at.make.make("outer", (at.vector(along), other), None, (STRIP, *other.shape)))


def _softmax(at: Strips, code: Code) -> Piece | None:
    axis = at.axis_of(code)
    if code.data[1] == axis:
        return None
    strip = at.cut(code.args[0], axis)
    return Piece(axis, at.make.call(code.data[0], (strip,), strip.shape, 1))


def _reduced(at: Strips, code: Code) -> Piece | None:
    """Sums, maxima, ... along an axis."""
    axis = at.axis_of(code)
    strip = at.cut(code.args[0], axis)
    key, along = code.data
    if along != axis:
        return Piece(0, at.make.call(key, (strip,), (STRIP,), 1))
    return Piece(None, at.make.call(key, (strip,), code.shape, 0)) if key == "sum_axis" else None


def _dots(at: Strips, code: Code) -> Piece:
    axis = at.axis_of(code)
    strips = [at.cut(a, axis) for a in code.args]
    if (code.data[0] == "row_dots") == (axis == 0):
        return Piece(0, at.make.call("row_dots", strips, (STRIP,)))
    return Piece(None, at.make.call("column_dots", strips, code.shape))


def _total(at: Strips, code: Code) -> Piece | None:
    if code.args[0].ndim != 2:
        return None
    axis = at.axis_of(code)
    return Piece(None, at.make.call(code.data[0], [at.cut(a, axis) for a in code.args], ()))


def _trace(at: Strips, code: Code) -> Piece:
    strip = at.cut(code.args[0], at.axis_of(code))
    return Piece(None, at.make.call("trace_part", (strip, at.make.index(INDEX)), ()))


def _diagonal(at: Strips, code: Code) -> Piece:
    strip = at.cut(code.args[0], at.axis_of(code))
    return Piece(0, at.make.call("diagonal_part", (strip, at.make.index(INDEX)), (STRIP,)))


def _of_product(at: Strips, code: Code) -> Piece:
    """The diagonal of a product of two matrices, or its sum: one is cut along its rows, the other along its columns."""
    x, y = code.args
    found = {p.axis if a is x else 1 - (p.axis or 0) for a, p in ((a, at.pieces.get(a)) for a in (x, y)) if p}
    axis = found.pop()
    assert axis is not None
    if found:
        raise WholeNeeded
    strips = (at.cut(x, axis), at.cut(y, 1 - axis))
    if code.data[0] == "trace_product":
        return Piece(None, at.make.call("vdot", strips, ()))
    if axis:
        return Piece(None, at.make.call("column_dots", strips, code.shape))
    return Piece(0, at.make.call("row_dots", strips, (STRIP,)))


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "mul", "div", "neg", "ipow", *ELEMENTWISE_CALLS), _elementwise),
    **dict.fromkeys(("softmax_axis", "log_softmax_axis"), _softmax),
    **dict.fromkeys(("sum_axis", "max_axis", "logsumexp_axis"), _reduced),
    **dict.fromkeys(("row_dots", "column_dots"), _dots),
    **dict.fromkeys(("sum", "vdot"), _total),
    **dict.fromkeys(("trace_product", "diagonal_product"), _of_product),
    **dict.fromkeys(("col", "row"), _column),
    "matmul": _matmul,
    "T": _transposed,
    "outer": _outer,
    "trace": _trace,
    "diagonal": _diagonal,
}
MADE = frozenset(("add", "mul", "div", "neg", "ipow", "T", "matmul", "outer", *ELEMENTWISE_CALLS)) | {
    "softmax_axis",
    "log_softmax_axis",
}
