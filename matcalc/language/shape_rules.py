"""The shapes of the known functions, of constants with sizes, of blocks and of entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matcalc.errors import LimitError, MatcalcError, ShapeError
from matcalc.language.declarations import MAX_MONOMIALS, dimension_of
from matcalc.language.draft import Draft, axis_of, dim_text, form, span_of
from matcalc.language.syntax import Node
from matcalc.language.vocabulary import CONSTANTS
from matcalc.shapes import ONE, SCALAR, Dim, Shape

EXAMPLES = {
    "eye": "eye(n)", "ones": "ones(n) or ones(m, n)", "zeros": "zeros(n) or zeros(m, n)",
    "commutation": "commutation(m, n)", "unit": "unit(k, n)", "unvec": "unvec(x, m, n)",
}  # fmt: skip


class ShapeRules(Draft):
    """One rule for each kind of function; ``CALLS`` names them."""

    def _sized(self, node: Node, name: str, sizes: tuple[Dim, ...]) -> Shape:
        low, high = CONSTANTS[name]
        wanted = 1 if name in ("unit", "unvec") else 0
        if not low <= len(sizes) <= high or len(node.args) != wanted:
            self._wrong(node, f"{name} takes its sizes: {EXAMPLES[name]}")
        for part in node.args:
            if part.op in ("keyword", "range"):
                self._wrong(node, f"{name} takes its sizes: {EXAMPLES[name]}")
        if name == "unit":
            if self._of(node.args[0]) != SCALAR:
                self._fail(node, lambda: ShapeError(
                    f"the place of the one must be a scalar, not {self.shown(node.args[0])}",
                    position=node.args[0].start,
                ))  # fmt: skip
            if node.args[0].op == "index":
                self._indexed.setdefault(node.args[0].data, []).append(sizes[0])
            self._in_range(node, node.args[0], sizes[0])
            return (sizes[0], ONE)
        if name == "unvec":
            shape = self._of(node.args[0])
            if shape[1] is not ONE or not self._same(shape[0], sizes[0] * sizes[1], node):
                self._fail(node, lambda: ShapeError(
                    f"unvec to {sizes[0]} x {sizes[1]} needs a vector of length {sizes[0] * sizes[1]}, "
                    f"not {self.shown(node.args[0])}", position=node.start,
                ))  # fmt: skip
            return (sizes[0], sizes[1])
        if name == "commutation":
            return (sizes[0] * sizes[1], sizes[0] * sizes[1])
        if name == "eye":
            return (sizes[0], sizes[0])
        return (sizes[0], sizes[1] if len(sizes) > 1 else ONE)

    def _elementwise_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return self._same_as(node)

    def _number_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return SCALAR, 0

    def _number_of_square(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        return SCALAR, self._scalar_flags(args[0])

    def _square_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        return self._of(args[0]), self._scalar_flags(args[0])

    def _turned(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        rows, cols = self._of(args[0])
        return (cols, rows), 0

    def _spectrum(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        return (self._of(args[0])[0], ONE), self._scalar_flags(args[0])

    def _per_column(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return (self._of(args[0])[1], ONE), 0

    def _same_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return self._of(args[0]), 0

    def _gram(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        cols = self._of(args[0])[1]
        return (cols, cols), 0

    def _diag(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        rows, cols = shape = self._of(args[0])
        what = form(shape)
        if what == "scalar":
            return SCALAR, self._flags[args[0].at]
        if what == "matrix":
            self._square(node, args[0])
            return (rows, ONE), 0
        size = cols if what == "row" else rows
        return (size, size), 0

    def _vec(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        rows, cols = self._of(args[0])
        if cols is ONE:
            return (rows, cols), 0
        rows, cols = self.unknowns.shape((rows, cols))
        self.unknowns.stacked(rows, cols)
        return (rows * cols, ONE), 0

    def _kron(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        (m, n), (p, q) = (self.unknowns.shape(self._of(a)) for a in args)
        if any(len(monomial) > MAX_MONOMIALS for dim in (m, n, p, q) for monomial, _ in dim.terms):
            raise LimitError("too many Kronecker products in each other", position=node.start)
        return (m * p, n * q), 0

    def _outer(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        for part in args:
            if form(self._of(part)) == "matrix":
                self._fail(node, lambda part=part: ShapeError(  # type: ignore[misc]
                    f"outer takes vectors, not {self.shown(part)}", position=part.start,
                    hint="kron(A, B) is the Kronecker product of matrices",
                ))  # fmt: skip
        left, right = (self._of(a) for a in args)
        return (left[0] if left[1] is ONE else left[1], right[0] if right[1] is ONE else right[1]), 0

    def _dot(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        left, right = (self._of(a) for a in args)
        if form(left) != form(right) or not self._same_shape(left, right):
            self._fail(node, lambda: self._unequal(args[0], args[1], "dot"))
        return SCALAR, 0

    def _reduce(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        axis = axis_of(node.args[-1])
        rows, cols = self._of(args[0])
        return ((ONE, cols) if axis == 0 else (rows, ONE) if axis == 1 else SCALAR), 0

    def _softmax(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._needs_axis(node, args[0])
        return self._of(args[0]), 0

    def _needs_axis(self, node: Node, part: Node) -> None:
        if axis_of(node.args[-1]) is None and form(self._of(part)) == "matrix":
            name = node.data[0]
            self._fail(node, lambda: ShapeError(
                f"{name} of a matrix needs an axis: {self.shown(part)}", position=node.start,
                hint=f"{name}(X, axis=1) goes over each row, axis=0 over each column",
            ))  # fmt: skip

    def _logsumexp(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._needs_axis(node, args[0])
        return self._reduce(node, args)

    def _frechet(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        if not self._same_shape(self._of(args[0]), self._of(args[1])):
            self._fail(node, lambda: self._unequal(args[0], args[1], node.data[0]))
        return self._of(args[0]), 0

    # --- blocks and entries -------------------------------------------------------------------------------

    def _block(self, node: Node) -> tuple[Shape, int]:
        heights: list[Dim] = []
        widths: list[Dim] = []
        above: list[Node] = []
        place = 0
        for count in node.data:
            row = node.args[place : place + count]
            place += count
            for part in row[1:]:
                if not self._joins(self._of(row[0])[0], self._of(part)[0], node):
                    self._fail(node, lambda row=row, part=part: self._unequal(row[0], part, "a row of blocks"))  # type: ignore[misc]
            if count == len(above):
                self._align(above, row, node)
            above = row
            heights.append(self._of(row[0])[0])
            width = self._of(row[0])[1]
            for part in row[1:]:
                width = self._joined(width, self._of(part)[1], node)
            widths.append(width)
        for width in widths[1:]:
            if not self._joins(widths[0], width, node):
                self._fail(node, lambda width=width: ShapeError(  # type: ignore[misc]
                    f"the block rows have different widths: {dim_text(self.unknowns.find(widths[0]))} and "
                    f"{dim_text(self.unknowns.find(width))}", position=node.start,
                ))  # fmt: skip
        height = heights[0]
        for other in heights[1:]:
            height = self._joined(height, other, node)
        return (height, widths[0]), 0

    def _align(self, above: list[Node], row: list[Node], node: Node) -> None:
        """Blocks below each other have one width, where that is open."""
        for upper, lower in zip(above, row, strict=True):
            left, right = self.unknowns.find(self._of(upper)[1]), self.unknowns.find(self._of(lower)[1])
            if left is not ONE and right is not ONE and "?" in f"{left.name or ''} {right.name or ''}":
                self._same(left, right, node)

    def _joined(self, left: Dim, right: Dim, node: Node) -> Dim:
        total = self.unknowns.find(left) + self.unknowns.find(right)
        if len(total.terms) > MAX_MONOMIALS:
            raise LimitError("too many blocks of different sizes", position=node.start)
        return total

    def _joins(self, left: Dim, right: Dim, node: Node) -> bool:
        return left is right or self._same(left, right, node)

    def _entries(self, node: Node) -> tuple[Shape, int]:
        base, *indices = node.args
        shape = self._of(base)
        what = form(shape)
        if what == "scalar":
            self._fail(node, lambda: ShapeError(f"{self.shown(base)} has no entries", position=base.start))
        if what == "matrix" and len(indices) == 1:
            self._fail(node, lambda: ShapeError(
                f"{self.shown(base)} takes two indices", position=node.start,
                hint=f"write {self._text(base)}[i, :] for a row, {self._text(base)}[:, j] for a column",
            ))  # fmt: skip
        if len(indices) == 1:
            size = shape[1] if what == "row" else shape[0]
            extent = self._extent(node, indices[0], size)
            return ((ONE, extent) if what == "row" else (extent, ONE)), 0
        return (self._extent(node, indices[0], shape[0]), self._extent(node, indices[1], shape[1])), 0

    def _extent(self, node: Node, index: Node, size: Dim) -> Dim:
        size = self.unknowns.find(size)
        known = size.number
        if index.op != "span":
            if self._of(index) != SCALAR:
                self._fail(index, lambda: ShapeError(
                    f"an index must be a scalar, not {self.shown(index)}", position=index.start
                ))  # fmt: skip
            if index.op == "index":
                self._indexed.setdefault(index.data, []).append(size)
            if index.op == "number" and index.data.denominator != 1:
                self._fail(index, lambda: ShapeError("an index must be an integer", position=index.start))
            self._in_range(node, index, size)
            return ONE
        start, stop = span_of(index)
        if start is None and stop is None:
            return size
        first = Dim.of(0) if start is None else size + start if start < 0 else Dim.of(start)
        last = size if stop is None else size + stop if stop < 0 else Dim.of(stop)
        extent = last - first
        if (extent.number is not None and extent.number <= 0) or (
            known is not None and not all(0 <= (d.number or 0) <= known for d in (first, last))
        ):
            self._fail(node, lambda: ShapeError(
                f"the slice {self._text(node)} does not fit the size {dim_text(size)}", position=node.start
            ))  # fmt: skip
        return extent

    def _in_range(self, node: Node, index: Node, size: Dim) -> None:
        """An index that is outside for every size is refused: x[3] of a vector(3), x[n] of a vector(n)."""
        try:
            at = dimension_of(self._nodes[index.first : index.at + 1], {})
        except MatcalcError:
            return  # not made of sizes and numbers
        if at.names <= size.names and (_never_negative(at - size) or _never_negative(at * -1 - size - 1)):
            self._fail(node, lambda: ShapeError(
                f"the index {at} is out of range for size {dim_text(size)}", position=index.start,
                hint=f"indices go from 0 to {dim_text(size - 1)}",
            ))  # fmt: skip


def _never_negative(dim: Dim) -> bool:
    """Whether the polynomial is >= 0 for all sizes: its coefficients are, and sizes are positive."""
    return all(factor > 0 for _, factor in dim.terms)


CALLS: dict[str, Callable[[ShapeRules, Node, Sequence[Node]], tuple[Shape, int]]] = {
    "elementwise": ShapeRules._elementwise_call, "number": ShapeRules._number_call,
    "number_of_square": ShapeRules._number_of_square, "square": ShapeRules._square_call,
    "spectrum": ShapeRules._spectrum, "per_column": ShapeRules._per_column, "same": ShapeRules._same_call,
    "gram": ShapeRules._gram, "turned": ShapeRules._turned, "diag": ShapeRules._diag, "vec": ShapeRules._vec,
    "kron": ShapeRules._kron,
    "outer": ShapeRules._outer, "dot": ShapeRules._dot, "reduce": ShapeRules._reduce,
    "softmax": ShapeRules._softmax, "logsumexp": ShapeRules._logsumexp, "frechet": ShapeRules._frechet,
}  # fmt: skip
