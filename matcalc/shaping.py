"""The shape of every construct, under given forms of the undeclared names, by unification of dimensions.

A construct that does not fit raises ``Conflict``, which names the node; the search for a reading
(``matcalc.infer``) changes the form of a name below it and tries again. Two flags go with each shape: whether
it follows an undeclared name that would have to be spread over an array (``SPREADS``), and whether it is a
scalar only because an undeclared vector or matrix name is read as one (``SHRUNK``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from matcalc.declarations import MAX_MONOMIALS
from matcalc.errors import InputError, LimitError, MatcalcError, ShapeError, UnsupportedError
from matcalc.kinds import Kind
from matcalc.names import COUNTS, SAMPLE_COUNTS
from matcalc.program import Line, Program, Variable
from matcalc.shapes import ONE, SCALAR, Dim, Shape, shape_text
from matcalc.syntax import Node
from matcalc.unknowns import Unknowns
from matcalc.vocabulary import AXIS, CONSTANTS, FILLED, FUNCTIONS

SPREADS, SHRUNK = 1, 2


class Conflict(Exception):
    """The node does not fit; ``error`` says so to the user.

    ``adds``: arrays are added or compared here; ``spread`` are then the terms that would be broadcast to the
    shape ``wanted``. ``final``: no other form of a name is meant to help.
    """

    def __init__(
        self,
        node: Node,
        error: Callable[[], MatcalcError],
        *,
        adds: bool = False,
        spread: Sequence[Node] = (),
        wanted: Shape = SCALAR,
        final: bool = False,
    ) -> None:
        super().__init__()
        self.node = node
        self.error = error
        self.adds = adds
        self.spread = spread
        self.wanted = wanted
        self.final = final


class Shaping:
    """Shapes of the lines of a program, one after the other."""

    def __init__(self, program: Program, broadcast: bool) -> None:
        self.program = program
        self.broadcast = broadcast
        self.unknowns = Unknowns()
        self.results: list[tuple[Shape, int]] = []
        self.sizes: dict[tuple[int, int], Shape] = {}  # of constants and index sums, by (line, node)
        self.equations: list[Node] = []
        self.steps = 0
        self._shapes: list[Shape] = []
        self._flags: list[int] = []
        self._line: Line
        self._indexed: dict[str, list[Dim]] = {}
        for variable in program.variables.values():
            self.give(variable, variable.form)

    def give(self, variable: Variable, form: str) -> None:
        """Read the variable as a scalar, vector, row or matrix of unknown size."""
        variable.form = form
        rows = self.unknowns.fresh() if form in ("vector", "matrix") else ONE
        cols = self.unknowns.fresh() if form in ("row", "matrix") else ONE
        variable.shape = (rows, cols)

    def line(self, line: Line) -> None:
        """Shape the whole line and keep the result."""
        self.part(line, 0, len(line.nodes))
        result = self._shapes[-1], self._flags[-1]
        declared = self.program.kinds.get(line.name)
        if declared is not None:
            root = line.nodes[-1]
            if not self._same_shape(declared.shape, result[0]):
                self._fail(root, lambda: self._misfit_declared(line, declared, result[0]))
        self.results.append(result)

    def part(self, line: Line, first: int, stop: int) -> None:
        """Shape the nodes from place ``first`` to ``stop``."""
        self._line = line
        self._shapes = [SCALAR] * len(line.nodes)
        self._flags = [0] * len(line.nodes)
        self.steps += stop - first
        for node in line.nodes[first:stop]:
            self._shapes[node.at], self._flags[node.at] = _RULES[node.op](self, node)

    # --- helpers --------------------------------------------------------------------------------------

    def _fail(self, node: Node, error: Callable[[], MatcalcError]) -> NoReturn:
        raise Conflict(node, error)

    def _same(self, left: Dim, right: Dim, node: Node) -> bool:
        if left is right:
            return True
        before = len(self.unknowns.pending)
        fits = self.unknowns.same(left, right)
        if len(self.unknowns.pending) > before:
            self.equations.append(node)
        return fits

    def _same_shape(self, left: Shape, right: Shape) -> bool:
        node = self._line.nodes[-1]
        return form(left) == form(right) and all(
            self._same(a, b, node) for a, b in zip(left, right, strict=True)
        )

    def _of(self, node: Node) -> Shape:
        return self._shapes[node.at]

    def _text(self, node: Node) -> str:
        return self.program.text[node.start : node.stop]

    def shown(self, node: Node) -> str:
        """``X (m x n)``, for messages; unknown sizes as ?."""
        text = " ".join(self._text(node).split())
        text = text if len(text) <= 40 else text[:37] + "..."
        shape = self.unknowns.shape(self._of(node))
        return f"{text} ({shape_words(shape)})"

    # --- leaves -----------------------------------------------------------------------------------------

    def _number(self, node: Node) -> tuple[Shape, int]:
        return SCALAR, 0

    def _name(self, node: Node) -> tuple[Shape, int]:
        meaning = self._line.meaning[node.at]
        what = meaning[0]
        if what == "variable":
            variable: Variable = meaning[1]
            spreads = SPREADS if variable.form in ("scalar", "row") and not variable.fixed else 0
            shrunk = SHRUNK if variable.form == "scalar" != variable.convention and not variable.fixed else 0
            return variable.shape, spreads | shrunk
        if what == "known":
            kind: Kind = meaning[1]
            return kind.shape, 0
        if what == "line":
            number: int = meaning[1]
            return self.results[number]
        if what == "eye":
            return self._constant(node, square=True)
        return SCALAR, 0

    def _constant(self, node: Node, square: bool = False, vector: bool = False) -> tuple[Shape, int]:
        rows = self.unknowns.fresh()
        cols = rows if square else ONE if vector else self.unknowns.fresh()
        self.sizes[self._line.number, node.at] = (rows, cols)
        return (rows, cols), 0

    # --- sums and products ------------------------------------------------------------------------------

    def _sum(self, node: Node) -> tuple[Shape, int]:
        return self._together(node, node.args, "a sum", rows=True)

    def _together(self, node: Node, parts: Sequence[Node], what: str, rows: bool = False) -> tuple[Shape, int]:
        """The common shape of parts that are added or compared: scalars spread, and rows over matrices."""
        flags = 0
        forms: dict[str, Node] = {}
        for part in parts:
            forms.setdefault(form(self._of(part)), part)
            flags |= self._flags[part.at]
        if len(forms) == 1 and "scalar" in forms:
            return SCALAR, flags
        if "vector" in forms and ("row" in forms or "matrix" in forms):
            other = "row" if "row" in forms else "matrix"
            raise Conflict(node, lambda: self._mixed(forms["vector"], forms[other], what), adds=True)
        if "row" in forms and "matrix" in forms and not rows:
            raise Conflict(node, lambda: self._mixed(forms["row"], forms["matrix"], what), adds=True)
        full = "matrix" if "matrix" in forms else "vector" if "vector" in forms else "row"
        first = forms[full]
        shape = self._of(first)
        spread: list[Node] = []
        flags = 0
        for part in parts:
            own = self._of(part)
            if form(own) == full:
                flags |= self._flags[part.at]
                fits = self._same(shape[0], own[0], node) and self._same(shape[1], own[1], node)
            else:
                if self._flags[part.at] & SPREADS:
                    spread.append(part)
                fits = own is SCALAR or own == SCALAR or self._same(shape[1], own[1], node)
            if not fits:
                self._fail(node, lambda part=part: self._unequal(first, part, what))  # type: ignore[misc]
        if "scalar" in forms and not self.broadcast and not spread:
            scalars = [p for p in parts if form(self._of(p)) == "scalar"]
            named = any(n.op == "name" for p in scalars for n in self._line.nodes[p.first : p.at + 1])
            counts = COUNTS if named else SAMPLE_COUNTS
            if all(self._only_counts(p, counts) for p in parts if form(self._of(p)) != "scalar"):
                raise Conflict(node, lambda: self._mixed(first, forms["scalar"], what))
        if spread and not self.broadcast:
            raise Conflict(
                node, lambda: self._mixed(first, spread[0], what), adds=True, spread=spread, wanted=shape
            )
        return shape, flags

    def _only_counts(self, part: Node, counts: frozenset[str]) -> bool:
        """Whether it is an array only because of undeclared names that usually count, as in n*log(a) + x'*x."""
        stack = [part]
        while stack:
            node = stack.pop()
            arrays = [a for a in node.args if self._of(a) != SCALAR]
            stack += arrays
            if not arrays:
                meaning = self._line.meaning.get(node.at, ("",))
                if meaning[0] != "variable" or meaning[1].name not in counts:
                    return False
        return True

    def _product(self, node: Node) -> tuple[Shape, int]:
        """Left to right: runs of * and /, each a matrix product, and elementwise products and quotients."""
        links: list[str] = node.data
        run = [node.args[0]]
        scale: tuple[Shape, int] | None = None  # what the run is multiplied with, if not a node
        result: tuple[Shape, int] | None = None
        for link, part in zip([*links, ".*"], [*node.args[1:], None], strict=True):
            if link == "*":
                run.append(part)  # type: ignore[arg-type]
            elif link == "/":
                assert part is not None
                if self._of(part) != SCALAR:
                    self._fail(node, lambda part=part: self._divisor(part))  # type: ignore[misc]
                run.append(part)
            else:
                result = self._run(node, run, scale)
                if part is None:
                    break
                scale = self._elementwise(node, result, part, run)
                run = []
        assert result is not None
        return result

    def _run(self, node: Node, run: list[Node], head: tuple[Shape, int] | None) -> tuple[Shape, int]:
        """The shape of a matrix product, inner products closing to scalars as in ``ops.group_product``."""
        stack: list[Shape | None] = [None]
        owners: list[Node | None] = [None]
        flags = 0
        entries: list[tuple[Node | None, Shape, int]] = [(p, self._of(p), self._flags[p.at]) for p in run]
        if head is not None:
            entries.insert(0, (None, *head))
        for part, shape, flag in entries:
            flags |= flag
            if shape == SCALAR:
                continue
            while True:
                top = stack[-1]
                if top is None:
                    stack[-1] = shape
                    break
                if (top[1] is ONE) == (shape[0] is ONE):
                    if not self._same(top[1], shape[0], node):
                        self._misfits(node, owners[-1], part)
                    stack[-1] = (top[0], shape[1])
                    break
                if top == SCALAR:
                    stack[-1] = None
                    continue
                if shape[0] is ONE:
                    stack.append(shape)
                    owners.append(part)
                    break
                self._misfits(node, owners[-1], part)
            owners[-1] = part
            while len(stack) > 1 and stack[-1] == SCALAR:
                stack.pop()
                owners.pop()
        if len(stack) > 1:
            self._misfits(node, owners[-2], owners[-1])
        shape = stack[0] or SCALAR
        inner = all(s == SCALAR for _, s, _ in entries)
        return shape, flags if inner else (flags & SPREADS if shape != SCALAR else 0)

    def _elementwise(
        self, node: Node, left: tuple[Shape, int], part: Node, run: list[Node]
    ) -> tuple[Shape, int]:
        shape, flags = left
        own = self._of(part)
        flags |= self._flags[part.at]
        if own == SCALAR:
            return shape, flags
        if shape == SCALAR:
            return own, flags
        fits = form(own) == form(shape) and all(
            self._same(a, b, node) for a, b in zip(shape, own, strict=True)
        )
        if not fits:
            what = "an elementwise product"
            self._fail(node, lambda: self._shapes_error(part, what, self.unknowns.shape(shape), part))
        return shape, flags

    def _neg(self, node: Node) -> tuple[Shape, int]:
        return self._same_as(node)

    def _same_as(self, node: Node) -> tuple[Shape, int]:
        at = node.args[0].at
        return self._shapes[at], self._flags[at]

    # --- powers, transposes -----------------------------------------------------------------------------

    def _power(self, node: Node) -> tuple[Shape, int]:
        base, exponent = node.args
        shape, power = self._of(base), self._of(exponent)
        flags = self._flags[base.at] | self._flags[exponent.at]
        if node.data == ".^":
            if power == SCALAR:
                return shape, flags
            if shape == SCALAR:
                return power, flags
            return self._together(node, [base, exponent], "an elementwise power")
        if power != SCALAR:
            self._fail(node, lambda: ShapeError(
                f"the exponent of ^ must be a scalar, not {self.shown(exponent)}",
                position=exponent.start, hint="write .^ for an elementwise power",
            ))  # fmt: skip
        if shape == SCALAR:
            return SCALAR, flags
        if form(shape) != "matrix":
            self._fail(node, lambda: ShapeError(
                f"{self.shown(base)} has no power", position=node.start,
                hint=f"write {self._text(base)}.^{self._text(exponent)} for the power of each entry",
            ))  # fmt: skip
        self._square(node, base)
        self._integral(node, exponent)
        return shape, self._flags[base.at]

    def _integral(self, node: Node, exponent: Node) -> None:
        """The exponent of a matrix must be an integer; undeclared names in it become integers."""
        found: list[Variable] = []
        for part in self._line.nodes[exponent.first : exponent.at + 1]:
            if part.op == "name":
                meaning = self._line.meaning[part.at]
                if meaning[0] == "variable" and meaning[1].form == "scalar":
                    found.append(meaning[1])
                    continue
                if meaning[0] in ("dim", "integer") or (meaning[0] == "known" and "integer" in meaning[1].facts):
                    continue
            elif part.op == "number":
                if part.data.denominator == 1:
                    continue
            elif part.op in ("sum", "neg", "index") or (part.op == "product" and set(part.data) == {"*"}):
                continue
            names = any(p.op == "name" for p in self._line.nodes[exponent.first : exponent.at + 1])
            raise Conflict(node, lambda: ShapeError(
                "the exponent of a matrix must be an integer", position=exponent.start,
                hint="write .^ for the power of each entry, sqrtm(X) for the square root; "
                "a symbolic exponent is declared, as in k: integer",
            ), final=not names)  # fmt: skip
        for variable in found:
            variable.integer = True

    def _square(self, node: Node, part: Node) -> None:
        shape = self._of(part)
        if not (form(shape) in ("scalar", "matrix") and self._same(shape[0], shape[1], node)):
            what = node.data[0] if node.op == "call" else "a power"
            self._fail(node, lambda: ShapeError(
                f"{what} needs a square matrix, not {self.shown(part)}", position=part.start,
            ))  # fmt: skip

    def _transpose(self, node: Node) -> tuple[Shape, int]:
        self._not_shrunk(node)
        rows, cols = self._of(node.args[0])
        flags = self._flags[node.args[0].at]
        return (cols, rows), flags if rows is ONE and cols is ONE else 0

    def _not_shrunk(self, node: Node) -> None:
        """A name read as a scalar against its convention is not transposed, summed or inverted."""
        for part in node.args:
            if self._flags[part.at] & SHRUNK and self._of(part) == SCALAR:
                self._fail(node, lambda: ShapeError(f"{self._text(node.args[0])} is a scalar", position=node.start))

    def _cmp(self, node: Node) -> tuple[Shape, int]:
        return self._together(node, node.args, "a comparison")

    # --- calls ------------------------------------------------------------------------------------------

    def _call(self, node: Node) -> tuple[Shape, int]:
        meaning = self._line.meaning[node.at]
        if meaning[0] == "sized":
            return self._sized(node, meaning[1], meaning[2]), 0
        if meaning[0] == "undefined":
            return self._undefined(node, meaning[1], meaning[2], meaning[3])
        name: str = meaning[1]
        if name in CONSTANTS:
            self._wrong(node, f"{name} takes its sizes: {_EXAMPLES[name]}")
        if name in FILLED:
            if len(node.args) != 1:
                self._wrong(node, f"{name}(c) takes one number", "kinds are declared, as in x: vector(n)")
            if self._of(node.args[0]) != SCALAR:
                self._fail(node, lambda: ShapeError(
                    f"{name}(c) takes a scalar, not {self.shown(node.args[0])}", position=node.start
                ))  # fmt: skip
            return self._constant(node, vector=name == "vector")
        args = node.args
        if name == "sum" and len(args) == 2 and args[0].op in ("bound", "range"):
            return self._index_sum(node)
        function = FUNCTIONS[name]
        if any(a.op in ("range", "bound") for a in args):
            self._wrong(node, f"{name} takes no index", "only sum runs over an index: sum(i, x[i])")
        if any(a.op == "keyword" for a in args):
            if name not in AXIS or args[-1].op != "keyword" or sum(a.op == "keyword" for a in args) > 1:
                self._wrong(node, f"{name} has no such keyword argument")
            axis_of(args[-1])
            args = args[:-1]
        if not function.fewest <= len(args) <= function.most:
            counted = str(function.fewest) if function.fewest == function.most else "1 or 2"
            hint = f"axis is a keyword: {name}(X, axis=0)" if name in AXIS and len(args) == 2 else None
            self._wrong(
                node, f"{name} takes {counted} argument{'' if counted == '1' else 's'}, not {len(args)}", hint
            )
        if function.rule not in ("elementwise", "pair"):
            self._not_shrunk(node)
        return _CALLS[function.rule](self, node, args)

    def _wrong(self, node: Node, message: str, hint: str | None = None) -> None:
        """Wrong whatever the shapes are."""
        raise InputError(message, position=node.start, hint=hint)

    def _sized(self, node: Node, name: str, sizes: tuple[Dim, ...]) -> Shape:
        low, high = CONSTANTS[name]
        wanted = 1 if name in ("unit", "unvec") else 0
        if not low <= len(sizes) <= high or len(node.args) != wanted:
            self._wrong(node, f"{name} takes its sizes: {_EXAMPLES[name]}")
        for part in node.args:
            if part.op in ("keyword", "range"):
                self._wrong(node, f"{name} takes its sizes: {_EXAMPLES[name]}")
        if name == "unit":
            if self._of(node.args[0]) != SCALAR:
                self._fail(node, lambda: ShapeError(
                    f"the place of the one must be a scalar, not {self.shown(node.args[0])}",
                    position=node.args[0].start,
                ))  # fmt: skip
            if node.args[0].op == "index":
                self._indexed.setdefault(node.args[0].data, []).append(sizes[0])
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

    def _undefined(self, node: Node, name: str, kind: Kind, primes: int) -> tuple[Shape, int]:
        if any(a.op in ("keyword", "range") for a in node.args):
            self._wrong(node, f"{name} takes no keyword arguments")
        if kind.args is None:
            if len(node.args) != 1:
                self._wrong(
                    node, f"{name} is elementwise and takes one argument, not {len(node.args)}",
                    f"declare it otherwise, as in {name}: function(vector(n), vector(n)) -> scalar",
                )  # fmt: skip
            return self._same_as(node)
        if primes:
            self._wrong(node, f"{name} is not elementwise: a prime is not its derivative",
                        f"write D({name})(x) or grad({name})(x)")  # fmt: skip
        assert kind.result is not None
        self._match(node, name, kind)
        return kind.result.shape, 0

    def _match(self, node: Node, name: str, kind: Kind) -> None:
        assert kind.args is not None
        if len(node.args) != len(kind.args):
            self._wrong(node, f"{name} takes {len(kind.args)} arguments, not {len(node.args)}")
        for part, wanted in zip(node.args, kind.args, strict=True):
            if not self._same_shape(wanted.shape, self._of(part)):
                self._fail(node, lambda part=part, wanted=wanted: ShapeError(  # type: ignore[misc]
                    f"{name} takes a {wanted.text()}, not {self.shown(part)}", position=part.start
                ))  # fmt: skip

    def _derivative(self, node: Node) -> tuple[Shape, int]:
        _, name, kind, mark, by = self._line.meaning[node.at]
        if any(a.op in ("keyword", "range") for a in node.args):
            self._wrong(node, f"{name} takes no keyword arguments")
        self._match(node, name, kind)
        count = len(kind.args)
        if mark == "grad" and kind.result.shape != SCALAR:
            self._wrong(node, f"{name} is not scalar-valued, so it has no gradient", f"write D({name})(x)")
        if by is None and count > 1:
            self._wrong(node, f"{name} has {count} arguments", f"write D[1]({name})(...) for the first")
        if by is not None and not 1 <= by <= count:
            self._wrong(node, f"{name} has {count} argument{'s' if count > 1 else ''}, counted from 1")
        along: Shape = kind.args[(by or 1) - 1].shape
        if kind.result.shape == SCALAR:
            rows, cols = along
            return ((cols, rows) if mark == "D" and by is None else along), 0
        if ONE not in along or ONE not in kind.result.shape:
            raise UnsupportedError(
                f"the derivative of {name} by a matrix argument has no matrix form", position=node.start
            )
        rows, cols = (s[0] if s[1] is ONE else s[1] for s in (kind.result.shape, along))
        return (rows, cols), 0

    def _elementwise_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return self._same_as(node)

    def _number_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        return SCALAR, 0

    def _number_of_square(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        return SCALAR, self._scalar_flags(args[0])

    def _scalar_flags(self, part: Node) -> int:
        return self._flags[part.at] if self._of(part) == SCALAR else 0

    def _square_call(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        self._square(node, args[0])
        return self._of(args[0]), self._scalar_flags(args[0])

    def _turned(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        rows, cols = self._of(args[0])
        return (cols, rows), 0

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

    def _pair(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        if len(args) == 1:
            self._not_shrunk(node)
            return SCALAR, 0
        return self._together(node, args, node.data[0])

    # --- blocks, entries, sums over an index --------------------------------------------------------------

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
            value = literal(index)
            if value is not None and known is not None and not -known <= value < known:
                self._fail(node, lambda: ShapeError(
                    f"the index {value} is out of range for size {known}", position=index.start,
                    hint=f"indices go from 0 to {known - 1}",
                ))  # fmt: skip
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

    def _index_sum(self, node: Node) -> tuple[Shape, int]:
        head, body = node.args
        if head.op == "range":
            for part in head.args:
                if self._of(part) != SCALAR:
                    self._fail(node, lambda part=part: ShapeError(  # type: ignore[misc]
                        f"a bound must be a scalar, not {self.shown(part)}", position=part.start
                    ))  # fmt: skip
            self._indexed.pop(head.data, None)
            return self._of(body), 0
        used = self._indexed.pop(head.data, [])
        if not used:
            self._wrong(
                head, f"{head.data} does not index anything in this sum",
                "write sum(i, x[i]), or sum(i in 0..n-1, ...) with bounds; axis is a keyword: sum(X, axis=0)",
            )  # fmt: skip
        for other in used[1:]:
            if not self._same(used[0], other, node):
                self._fail(node, lambda other=other: ShapeError(  # type: ignore[misc]
                    f"{head.data} runs over different sizes: {dim_text(self.unknowns.find(used[0]))} and "
                    f"{dim_text(self.unknowns.find(other))}", position=node.start,
                    hint="write the bounds, as in sum(i in 0..n-1, ...)",
                ))  # fmt: skip
        self.sizes[self._line.number, node.at] = (used[0], ONE)
        return self._of(body), 0

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

    def _misfit_declared(self, line: Line, declared: Kind, found: Shape) -> MatcalcError:
        return ShapeError(
            f"{line.name} is declared as {declared.text()}, but this is {shape_words(self.unknowns.shape(found))}",
            position=line.start,
        )


_EXAMPLES = {
    "eye": "eye(n)", "ones": "ones(n) or ones(m, n)", "zeros": "zeros(n) or zeros(m, n)",
    "commutation": "commutation(m, n)", "unit": "unit(k, n)", "unvec": "unvec(x, m, n)",
}  # fmt: skip


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


_RULES: dict[str, Callable[[Shaping, Node], tuple[Shape, int]]] = {
    "number": Shaping._number, "name": Shaping._name, "bound": Shaping._number, "index": Shaping._number,
    "sum": Shaping._sum, "product": Shaping._product, "neg": Shaping._neg, "power": Shaping._power,
    "transpose": Shaping._transpose, "cmp": Shaping._cmp, "call": Shaping._call,
    "derivative": Shaping._derivative, "block": Shaping._block, "entries": Shaping._entries,
    "span": Shaping._number, "keyword": Shaping._number, "range": Shaping._number,
}  # fmt: skip
_CALLS: dict[str, Callable[[Shaping, Node, Sequence[Node]], tuple[Shape, int]]] = {
    "elementwise": Shaping._elementwise_call, "number": Shaping._number_call,
    "number_of_square": Shaping._number_of_square, "square": Shaping._square_call, "turned": Shaping._turned,
    "diag": Shaping._diag, "vec": Shaping._vec, "kron": Shaping._kron, "outer": Shaping._outer,
    "dot": Shaping._dot, "reduce": Shaping._reduce, "softmax": Shaping._softmax,
    "logsumexp": Shaping._logsumexp, "frechet": Shaping._frechet, "pair": Shaping._pair,
}  # fmt: skip
