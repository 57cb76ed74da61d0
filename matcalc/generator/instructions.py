"""Instructions: what generated code computes, as a hash-consed graph of array operations.

An instruction knows the shape of its result at run time: ``()`` for a scalar, ``(n,)`` for a vector or a row,
``(m, n)`` for a matrix; a dimension 1 of an expression has no axis of its own. Building one applies only the
identities that shorten code without changing its meaning (a double transpose, a factor 1, a sign).

============ ======================= ===============================================================
op           args                    data
============ ======================= ===============================================================
input                                name of a variable
num                                  Fraction
size                                 Dim
index                                name of a loop index
add          terms                   their signs, a tuple of +1 and -1
mul div neg  operands                elementwise, by broadcasting
ipow         x                       an integer exponent >= 2
matmul outer operands                as ``@`` and ``np.outer``
T col row    X; v; v                 transpose; v as a column to broadcast; v as 1 x n
expand       X                       for each axis of the result whether it is one of X, else it has length 1
call         operands                (key of the spelling table, further texts)
apply        operands                name of a callable parameter
part         X, index              the axis that is cut: its rows, or columns, at the place of a strip
slice        X, index instructions   one entry for each axis: (start, stop) or "at"
block concat entries                 (block rows, block columns); None
loop         low, high, body,        (index name, places): the sum of body over the index, added at the
             position instructions   places ("at" or ":" for each axis), () for the whole array
strips       results of one strip    (index name, strips.Loop): a loop over blocks of rows of wide arrays
strip        strips                  the number of the result
============ ======================= ===============================================================
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any

from matcalc.shapes import ONE, Dim
from matcalc.walk import parts_first

Extent = tuple[Dim, ...]
_LARGE = 500  # bits; twice as many still fit a floating point number
_NO_INDEX: frozenset[str] = frozenset()


class Code:
    """One instruction: ``op``, ``args``, ``data``, the run-time ``shape``, the loop indices it needs (``free``).

    ``symmetric``: the array is known to equal its transpose, so that no transpose of it is written.
    """

    __slots__ = ("args", "data", "free", "op", "shape", "symmetric")

    def __init__(
        self, op: str, args: tuple[Code, ...], data: Any, shape: Extent, free: frozenset[str], symmetric: bool
    ) -> None:
        self.op = op
        self.args = args
        self.data = data
        self.shape = shape
        self.free = free
        self.symmetric = symmetric

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"Code({self.op} {self.data if self.data is not None else ''} {[a.op for a in self.args]})"


def ordered(roots: Iterable[Code]) -> list[Code]:
    """Every distinct instruction below the roots, operands first."""
    return parts_first(roots, attrgetter("args"))


def broadcast(codes: Sequence[Code]) -> Extent:
    """The shape that the operands broadcast to."""
    widest = max((c.shape for c in codes), key=len)
    if len(widest) < 2:
        return widest
    shape = list(widest)
    for k in range(len(widest)):  # from the last axis
        at = -1 - k
        shape[at] = next((c.shape[at] for c in codes if c.ndim > k and c.shape[at] is not ONE), shape[at])
    return tuple(shape)


def _bits(value: Fraction) -> int:
    """The size of an exact number."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _symmetric(op: str, args: tuple[Code, ...], data: Any) -> bool:
    """Whether the operation gives a symmetric matrix of these operands."""
    if op in ("add", "mul", "neg", "ipow") or (op == "call" and data[0] in ("inv", "eye", "diagflat", "expm")):
        return all(a.ndim == 0 or a.symmetric or (op == "call" and a.ndim == 1) for a in args)
    if op == "matmul":
        x, y = args
        return (y.op == "T" and y.args[0] is x) or (x.op == "T" and x.args[0] is y) or (x is y and x.symmetric)
    return op == "outer" and args[0] is args[1]


class Instructions:
    """Builds instructions; equal ones are the same object."""

    def __init__(self) -> None:
        self._table: dict[tuple[Any, ...], Code] = {}
        self._sums: dict[frozenset[tuple[Code, int]], Code] = {}
        self._products: dict[tuple[Code, ...], Code] = {}

    def make(self, op: str, args: tuple[Code, ...], data: Hashable, shape: Extent) -> Code:
        key = (op, args, data, shape)
        found = self._table.get(key)
        if found is None:
            if op == "loop":
                bounds, inside = args[:2], args[2:]
                free = _NO_INDEX.union(*(a.free for a in inside)) - {data[0]}  # type: ignore[index]
                free = free.union(*(a.free for a in bounds))
            elif op == "strips":
                free = _NO_INDEX.union(*(a.free for a in args)) - {data[0]}  # type: ignore[index]
            elif op == "index":
                free = frozenset({str(data)})
            else:
                free = _NO_INDEX.union(*(a.free for a in args)) if args else _NO_INDEX
            symmetric = len(shape) == 2 and shape[0] is shape[1] and _symmetric(op, args, data)
            found = self._table[key] = Code(op, args, data, shape, free, symmetric)
        return found

    # leaves

    def input(self, name: str, shape: Extent, symmetric: bool = False) -> Code:
        code = self.make("input", (), name, shape)
        code.symmetric = symmetric
        return code

    def num(self, value: int | Fraction) -> Code:
        return self.make("num", (), Fraction(value), ())

    def size(self, dim: Dim) -> Code:
        number = dim.number
        return self.num(number) if number is not None else self.make("size", (), dim, ())

    def index(self, name: str) -> Code:
        return self.make("index", (), name, ())

    def call(self, key: str, args: Sequence[Code], shape: Extent, *texts: Hashable) -> Code:
        return self.make("call", tuple(args), (key, *texts), shape)

    # arithmetic

    def neg(self, x: Code) -> Code:
        if x.op == "num":
            return self.num(-x.data)
        if x.op == "neg":
            return x.args[0]
        return self.make("neg", (x,), None, x.shape)

    def add(self, terms: Sequence[tuple[int, Code]]) -> Code:
        """The sum of signed terms; long sums become sums of sums, so that no line of code is long."""
        signed: list[tuple[int, Code]] = []
        constant = Fraction(0)
        for sign, code in terms:
            if code.op == "neg":
                sign, code = -sign, code.args[0]
            if code.op == "num":
                constant += sign * code.data
            elif code.op == "mul" and code.args[0].op == "num" and code.args[0].data < 0:
                signed.append((-sign, self.mul([self.num(-code.args[0].data), *code.args[1:]])))
            else:
                signed.append((sign, code))
        if constant or not signed:
            place = len(signed) if signed and signed[0][0] > 0 else 0
            signed.insert(place, (1 if constant >= 0 else -1, self.num(abs(constant))))
        signed.sort(key=lambda t: -t[0])  # stable: a positive term comes first, no leading minus
        while len(signed) > 8:
            groups = [signed[i : i + 8] for i in range(0, len(signed), 8)]
            signed = [(1, self._add(group)) for group in groups]
        return self._add(signed)

    def _add(self, signed: list[tuple[int, Code]]) -> Code:
        if len(signed) == 1:
            sign, code = signed[0]
            return code if sign > 0 else self.neg(code)
        if all(sign < 0 for sign, _ in signed):
            return self.neg(self._add([(1, code) for _, code in signed]))
        codes = tuple(code for _, code in signed)
        if len(set(codes)) < len(codes):
            return self.make("add", codes, tuple(sign for sign, _ in signed), broadcast(codes))
        found = self._sums.get(frozenset((code, sign) for sign, code in signed))
        if found is not None:  # the same terms in another order
            return found
        opposite = self._sums.get(frozenset((code, -sign) for sign, code in signed))
        if opposite is not None:
            return self.neg(opposite)
        made = self.make("add", codes, tuple(sign for sign, _ in signed), broadcast(codes))
        self._sums[frozenset((code, sign) for sign, code in signed)] = made
        return made

    def mul(self, codes: Sequence[Code]) -> Code:
        """The elementwise product; long ones in groups."""
        left = list(codes)
        while len(left) > 8:
            left = [self.mul(left[i : i + 8]) for i in range(0, len(left), 8)]
        if len(left) == 1:
            return left[0]
        key = tuple(sorted(left, key=id))  # the same factors in another order are the same product
        if key not in self._products:
            self._products[key] = self.make("mul", tuple(left), None, broadcast(left))
        return self._products[key]

    def div(self, x: Code, y: Code) -> Code:
        return self.make("div", (x, y), None, broadcast([x, y]))

    def product(self, over: Sequence[Code], under: Sequence[Code] = ()) -> Code:
        """The quotient of elementwise products, scalars gathered so that each array is touched as seldom as can be."""
        factor, above, more_below = self._numbers(over)
        divided, below, more_above = self._numbers(under)
        above, below = above + more_above, below + more_below
        if max(map(_bits, (factor, divided))) > _LARGE:  # floating point could not hold the quotient's parts
            above, below = [self.num(factor), *above], [self.num(divided), *below]
            factor = divided = Fraction(1)
        if divided:
            factor /= divided
        else:
            below.insert(0, self.num(0))  # a division by zero stays one
        sign, factor = (-1 if factor < 0 else 1), abs(factor)
        numerator, denominator = Fraction(factor.numerator), factor.denominator
        scalar_divisors = [c for c in below if not c.ndim]
        if denominator & (denominator - 1) == 0 and not (numerator == 1 and scalar_divisors):
            numerator, denominator = factor, 1  # exact in binary: 0.5*x
        scalars = [c for c in above if not c.ndim]
        if numerator != 1:
            scalars.insert(0, self.num(sign * numerator))
        if denominator != 1:
            scalar_divisors.insert(0, self.num(denominator))
        result = self._assemble(scalars, scalar_divisors, [c for c in above if c.ndim], [c for c in below if c.ndim])
        return self.neg(result) if sign < 0 and numerator == 1 else result

    def _numbers(self, codes: Sequence[Code]) -> tuple[Fraction, list[Code], list[Code]]:
        """The number in a product, the other factors, and what the product is divided by."""
        factor = Fraction(1)
        rest: list[Code] = []
        divisors: list[Code] = []
        for code in codes:
            if code.op == "neg":
                factor, code = -factor, code.args[0]
            if code.op == "num" and _bits(factor) <= _LARGE:
                factor *= code.data
            elif code.op == "div" and code.args[0].op == "num" and code.args[0].data:
                factor *= code.args[0].data
                divisors.append(code.args[1])
            elif code.op == "mul" and code.args[0].op == "num" and len(codes) > 1:
                factor *= code.args[0].data
                rest.append(self.mul(code.args[1:]))
            else:
                rest.append(code)
        return factor, rest, divisors

    def _assemble(
        self, scalars: list[Code], scalar_divisors: list[Code], arrays: list[Code], divisors: list[Code]
    ) -> Code:
        body = self.mul(self._small_first(arrays)) if arrays else None
        if body is not None and divisors:
            body = self.div(body, self.mul(divisors))
        if body is None and divisors:
            divisor = self.mul([*scalar_divisors, *divisors])
            return self.div(self.mul(scalars) if scalars else self.num(1), divisor)
        if scalar_divisors:
            divisor = self.mul(scalar_divisors)
            if scalars or body is None:
                scalar = self.div(self.mul(scalars) if scalars else self.num(1), divisor)
                return scalar if body is None else self.mul([scalar, body])
            return self.div(body, divisor)
        if body is None:
            return self.mul(scalars) if scalars else self.num(1)
        if not scalars:
            return body
        if len(scalars) == 1 and body.op == "mul":
            return self.mul([scalars[0], *body.args])
        return self.mul([self.mul(scalars), body])

    def _small_first(self, arrays: list[Code]) -> list[Code]:
        """Vectors that scale a matrix are multiplied with each other first: X*(u*v), not X*u*v."""
        whole = broadcast(arrays)
        small: dict[Extent, list[Code]] = {}
        for code in arrays:
            if code.shape != whole:
                small.setdefault(code.shape, []).append(code)
        if all(len(group) < 2 for group in small.values()):
            return arrays
        return [*(c for c in arrays if c.shape == whole), *(self.mul(group) for group in small.values())]

    def ipow(self, x: Code, exponent: int) -> Code:
        """x**k for k >= 1; of arrays by squaring, since NumPy's own is slow beyond the square."""
        if exponent == 1:
            return x
        if x.op == "num" and exponent * _bits(x.data) <= _LARGE:
            return self.num(x.data**exponent)
        if x.op == "neg" and exponent % 2 == 0:
            x = x.args[0]
        if not x.ndim or exponent == 2 or exponent > 64:
            return self.make("ipow", (x,), exponent, x.shape)
        if exponent == 3:
            return self.mul([x, x, x])
        half = self.ipow(self.ipow(x, exponent // 2), 2)
        return self.mul([half, x]) if exponent % 2 else half

    # arrays

    def transpose(self, x: Code) -> Code:
        if x.ndim < 2 or x.symmetric:
            return x
        if x.op == "T":
            return x.args[0]
        if x.op == "neg":
            return self.neg(self.transpose(x.args[0]))
        return self.make("T", (x,), None, (x.shape[1], x.shape[0]))

    def column(self, v: Code) -> Code:
        """v[:, None], to broadcast along rows; a scalar is itself."""
        if not v.ndim:
            return v
        if v.op == "neg":
            return self.neg(self.column(v.args[0]))
        return self.make("col", (v,), None, (v.shape[0], ONE))

    def expand(self, x: Code, axes: Sequence[bool]) -> Code:
        """x[:, None, :], to broadcast: an axis of x where ``axes`` says so; no axes of length 1 in front."""
        axes = tuple(axes)[axes.index(True) :]
        if all(axes):
            return x
        if x.ndim == 1 and len(axes) == 2:
            return self.column(x)
        given = iter(x.shape)
        return self.make("expand", (x,), axes, tuple(next(given) if own else ONE for own in axes))

    def row(self, v: Code) -> Code:
        """v[None, :], where two axes are asked for."""
        return self.make("row", (v,), None, (ONE, v.shape[0]))

    def matmul(self, x: Code, y: Code) -> Code:
        """x @ y; a vector before a matrix is written after its transpose, so that equal products are one."""
        if x.op == "neg" or y.op == "neg":
            product = self.matmul(*(c.args[0] if c.op == "neg" else c for c in (x, y)))
            return product if x.op == y.op else self.neg(product)
        if x.ndim == 1 and y.ndim == 2:
            x, y = self.transpose(y), x
        if x.ndim == 1 and y.ndim == 1:
            return self.make("matmul", (x, y), None, ())
        return self.make("matmul", (x, y), None, (x.shape[0], *y.shape[1:]))

    def outer(self, u: Code, v: Code) -> Code:
        """u*v'; a sign comes out, where a sum or another product takes it."""
        if u.op == "neg" or v.op == "neg":
            product = self.outer(*(c.args[0] if c.op == "neg" else c for c in (u, v)))
            return product if u.op == v.op else self.neg(product)
        return self.make("outer", (u, v), None, (u.shape[0], v.shape[0]))

    def total(self, x: Code, axis: int | None = None) -> Code:
        """Sum of all entries, or along an axis; of an elementwise product without forming it."""
        if x.ndim == 0:
            return x
        if x.op == "mul" and x.args[0].ndim == 0 and len(x.args) > 1:
            return self.product([x.args[0], self.total(self.mul(x.args[1:]), axis)])
        if x.op == "div" and x.args[1].ndim == 0:
            return self.product([self.total(x.args[0], axis)], [x.args[1]])
        if x.op == "neg":
            return self.neg(self.total(x.args[0], axis))
        if x.op == "T":
            return self.total(x.args[0], None if axis is None else 1 - axis)
        if axis is None or x.ndim == 1:
            if x.op == "call" and x.data[0] == "sum_axis":
                return self.total(x.args[0])
            if x.op == "ipow" and x.data == 2:
                return self.inner(x.args[0], x.args[0])
            if x.op == "mul":
                return self._total_of_product(x)
            return self.call("sum", (x,), ())
        if x.op == "mul":
            return self._line_of_product(x, axis)
        return self.call("sum_axis", (x,), (x.shape[1 - axis],), axis)

    def _total_of_product(self, x: Code) -> Code:
        columns, rows, whole = self._taken_apart(x)
        if x.ndim == 2 and columns and rows and not whole:
            return self.product([self.total(self.mul(columns)), self.total(self.mul(rows))])
        if x.ndim == 2 and (columns or rows) and whole:  # u'*X*v
            matrix = self.mul(whole)
            by_rows = self.matmul(matrix, self.mul(rows)) if rows else self.total(matrix, 1)
            return self.inner(self.mul(columns), by_rows) if columns else self.total(by_rows)
        left, right = self.mul(x.args[:-1]), x.args[-1]
        return self.inner(left, right) if left.shape == right.shape else self.call("sum", (x,), ())

    def _line_of_product(self, x: Code, axis: int) -> Code:
        """The sums of u .* X .* Y .* v' along an axis: the vector of that axis by a product, the other one outside."""
        columns, rows, whole = self._taken_apart(x)
        along, outside = (columns, rows) if axis == 0 else (rows, columns)
        line = (x.shape[1 - axis],)
        if not whole:
            sums = self.total(self.mul(along)) if along else self.size(x.shape[axis])
        elif along:
            matrix = self.mul(whole)
            sums = self.matmul(self.transpose(matrix) if axis == 0 else matrix, self.mul(along))
        elif len(whole) > 1:
            sums = self.call("row_dots" if axis else "column_dots", (self.mul(whole[:-1]), whole[-1]), line)
        else:
            sums = self.total(whole[0], axis)
        return self.product([*outside, sums])

    def _taken_apart(self, x: Code) -> tuple[list[Code], list[Code], list[Code]]:
        """The factors of an elementwise product with two axes: columns and rows (as vectors), and whole arrays."""
        columns = [a.args[0] for a in x.args if a.op in ("col", "outer")]
        rows = [a if a.ndim == 1 else a.args[1] for a in x.args if a.ndim == 1 or a.op == "outer"]
        return columns, rows, [a for a in x.args if a.op not in ("col", "outer") and a.ndim == 2]

    def inner(self, x: Code, y: Code) -> Code:
        """The sum of the entries of x .* y, both of one shape."""
        if x.ndim == 1:
            return self.matmul(x, y)
        if x.op == "neg" or y.op == "neg":
            product = self.inner(*(c.args[0] if c.op == "neg" else c for c in (x, y)))
            return product if x.op == y.op else self.neg(product)
        if x.op == "T" and y.op == "T":
            x, y = x.args[0], y.args[0]
        return self.call("vdot", (x, y), ())
