"""The shapes of a line while they are found out: the state, what does not fit, and how that is said.

Two flags go with each shape: whether it follows an undeclared name that would have to be spread over an array
(``SPREADS``), and whether it is a scalar only because an undeclared vector or matrix name is read as one
(``SHRUNK``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from matcalc.errors import InputError, MatcalcError, ShapeError, UnsupportedError
from matcalc.language.syntax import Node
from matcalc.language.unknowns import Unknowns
from matcalc.shapes import ONE, SCALAR, Dim, Shape, shape_text

SPREADS, SHRUNK = 1, 2


class Conflict(Exception):
    """The node does not fit; ``error`` says so to the user.

    ``spread``: the terms that would have to be broadcast, to the shape ``wanted``. ``mixed``: arrays of
    different forms are added or compared. ``final``: no other form of a name is meant to help.
    """

    def __init__(
        self,
        node: Node,
        error: Callable[[], MatcalcError],
        *,
        mixed: bool = False,
        spread: Sequence[Node] = (),
        wanted: Shape = SCALAR,
        final: bool = False,
    ) -> None:
        super().__init__()
        self.node = node
        self.error = error
        self.mixed = mixed
        self.spread = spread
        self.wanted = wanted
        self.final = final


class Draft:
    """Shapes and flags of the nodes of one line, by place; the equations between the sizes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.unknowns = Unknowns()
        self.equations: list[Node] = []  # where an equation was left pending
        self._nodes: list[Node] = []
        self._shapes: list[Shape] = []
        self._flags: list[int] = []
        self._indexed: dict[str, list[Dim]] = {}  # sizes that a bound index runs over

    def _begin(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._shapes = [SCALAR] * len(nodes)
        self._flags = [0] * len(nodes)
        self._indexed = {}

    def _fail(self, node: Node, error: Callable[[], MatcalcError]) -> NoReturn:
        raise Conflict(node, error)

    def _wrong(self, node: Node, message: str, hint: str | None = None) -> None:
        """Wrong whatever the shapes are."""
        raise InputError(message, position=node.start, hint=hint)

    def _of(self, node: Node) -> Shape:
        return self._shapes[node.at]

    def _text(self, node: Node) -> str:
        return self.text[node.start : node.stop]

    def shown(self, node: Node) -> str:
        """``X (m x n)``, for messages; unknown sizes as ?."""
        text = " ".join(self._text(node).split())
        text = text if len(text) <= 40 else text[:37] + "..."
        shape = self.unknowns.shape(self._of(node))
        return f"{text} ({shape_words(shape)})"

    def _same(self, left: Dim, right: Dim, node: Node) -> bool:
        if left is right:
            return True
        before = len(self.unknowns.pending)
        fits = self.unknowns.same(left, right)
        if len(self.unknowns.pending) > before:
            self.equations.append(node)
        return fits

    def _same_shape(self, left: Shape, right: Shape) -> bool:
        node = self._nodes[-1]
        return form(left) == form(right) and all(
            self._same(a, b, node) for a, b in zip(left, right, strict=True)
        )

    def _same_as(self, node: Node) -> tuple[Shape, int]:
        at = node.args[0].at
        return self._shapes[at], self._flags[at]

    def _square(self, node: Node, part: Node) -> None:
        shape = self._of(part)
        if not (form(shape) in ("scalar", "matrix") and self._same(shape[0], shape[1], node)):
            what = node.data[0] if node.op == "call" else "a power"
            self._fail(node, lambda: ShapeError(
                f"{what} needs a square matrix, not {self.shown(part)}", position=part.start,
            ))  # fmt: skip

    def _not_shrunk(self, node: Node) -> None:
        """A name read as a scalar against its convention is not transposed, summed or inverted."""
        for part in node.args:
            if self._flags[part.at] & SHRUNK and self._of(part) == SCALAR:
                self._fail(node, lambda: ShapeError(f"{self._text(node.args[0])} is a scalar", position=node.start))

    def _scalar_flags(self, part: Node) -> int:
        return self._flags[part.at] if self._of(part) == SCALAR else 0

    # --- messages ---------------------------------------------------------------------------------------

    def _mixed(self, left: Node, right: Node, what: str) -> MatcalcError:
        left, right = sorted((left, right), key=lambda node: node.start)
        forms = {form(self._of(left)), form(self._of(right))}
        hint = "did you mean to transpose one of them?"
        if forms == {"vector", "matrix"}:
            hint = "a row is added to every row of a matrix; write x*ones(1, n) to add a vector to every column"
        if "scalar" in forms:
            hint = "declare the names to say which are scalars"
        return self._shapes_error(right, what, self.unknowns.shape(self._of(left)), left, hint)

    def _unequal(self, left: Node, right: Node, what: str) -> MatcalcError:
        a, b = self.unknowns.shape(self._of(left)), self.unknowns.shape(self._of(right))
        hint = None
        if a == (b[1], b[0]):
            hint = f"did you mean {self._quoted(right)}'?"
        return ShapeError(
            f"shapes do not fit in {what}: {self.shown(left)} and {self.shown(right)}",
            position=right.start, hint=hint,
        )  # fmt: skip

    def _shapes_error(self, at: Node, what: str, shape: Shape, left: Node, hint: str | None = None) -> MatcalcError:
        other = self.unknowns.shape(self._of(at))
        if hint is None and shape == (other[1], other[0]):
            hint = f"did you mean {self._quoted(at)}'?"
        first = shape_words(shape) if left is at else self.shown(left)
        return ShapeError(f"shapes do not fit in {what}: {first} and {self.shown(at)}", position=at.start, hint=hint)

    def _divisor(self, part: Node) -> MatcalcError:
        matrix = form(self._of(part)) == "matrix"
        inverse = f", or *inv({self._text(part)}) with the inverse" if matrix else ""
        return ShapeError(
            f"cannot divide by {self.shown(part)}", position=part.start,
            hint=f"write ./ to divide entry by entry{inverse}",
        )  # fmt: skip

    def _misfits(self, node: Node, left: Node | None, right: Node | None) -> None:
        self._fail(node, lambda: self._misfit(node, left, right))

    def _misfit(self, node: Node, left: Node | None, right: Node | None) -> MatcalcError:
        if left is None or right is None:
            return ShapeError("shapes do not fit in a product", position=node.start)
        a, b = self.unknowns.shape(self._of(left)), self.unknowns.shape(self._of(right))
        tries = []
        if a[1] is b[1]:
            tries.append(f"{self._quoted(left)}*{self._quoted(right)}'")
        if a[0] is b[0]:
            tries.insert(0, f"{self._quoted(left)}'*{self._quoted(right)}")
        if a == b and a[0] is not a[1]:
            tries.append(f"{self._quoted(left)} .* {self._quoted(right)}")
        columns, rows = (f"{dim_text(d)} {w}{'' if d is ONE else 's'}" for d, w in ((a[1], "column"), (b[0], "row")))
        hint = f"{self._text(left)} has {columns} and {self._text(right)} has {rows}"
        if tries:
            hint += f"; did you mean {' or '.join(tries)}?"
        return ShapeError(
            f"shapes do not fit in a product: {self.shown(left)} times {self.shown(right)}",
            position=right.start, hint=hint,
        )  # fmt: skip

    def _quoted(self, node: Node) -> str:
        text = self._text(node)
        return f"({text})" if node.op in ("sum", "product", "neg", "power") and not text.startswith("(") else text


def form(shape: Shape) -> str:
    """scalar, vector, row or matrix."""
    if shape[1] is ONE:
        return "scalar" if shape[0] is ONE else "vector"
    return "row" if shape[0] is ONE else "matrix"


def dim_text(dim: Dim) -> str:
    """The dimension for messages; what is unknown as ?."""
    return "?" if any(name.startswith("?") for name in dim.names) else str(dim)


def shape_words(shape: Shape) -> str:
    """``m x n``, ``vector(n)``, scalar."""
    if any(name.startswith("?") for dim in shape for name in dim.names):
        return form(shape) if form(shape) != "matrix" else f"matrix {dim_text(shape[0])} x {dim_text(shape[1])}"
    return shape_text(shape)


def literal(node: Node) -> int | None:
    """The value of a typed integer."""
    sign = 1
    while node.op == "neg":
        sign, node = -sign, node.args[0]
    if node.op == "number" and node.data.denominator == 1:
        return sign * int(node.data)
    return None


def derivative_arguments(mark: str, by: tuple[int, ...]) -> tuple[int, ...]:
    """The arguments, from 0, by which ``D[2](l)``, ``D(g)``, ``grad(f)``, ``hess(f)`` are derivatives."""
    return tuple(number - 1 for number in by) or ((0, 0) if mark == "hess" else (0,))


def axis_of(node: Node) -> int | None:
    """The axis that a keyword argument gives, if the node is one."""
    if node.op != "keyword":
        return None
    value = literal(node.args[0])
    if node.data != "axis":
        raise InputError(f"there is no keyword {node.data}", position=node.start, hint="the keyword is axis")
    if value not in (0, 1):
        raise InputError("the axis is 0 (down the columns) or 1 (along the rows)", position=node.args[0].start)
    return value


def span_of(node: Node) -> tuple[int | None, int | None]:
    """The bounds of a slice: integers, or None where it is open."""
    bounds: list[int | None] = []
    for bound in node.data:
        value = None if bound is None else literal(bound)
        if bound is not None and (value is None or abs(value) > 10**12):
            raise UnsupportedError(
                "the bounds of a slice must be integers", position=bound.start, hint="as in x[:-1] and x[2:5]"
            )
        bounds.append(value)
    return bounds[0], bounds[1]
