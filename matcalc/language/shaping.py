"""The shape of every construct, under given forms of the undeclared names, by unification of dimensions.

A construct that does not fit raises ``Conflict``, which names the node; the search for a reading
(``matcalc.infer``) changes the form of a name below it and tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matcalc.errors import MatcalcError, ShapeError, UnsupportedError
from matcalc.kinds import Kind
from matcalc.language.draft import (
    SHRUNK,
    SPREADS,
    Conflict,
    axis_of,
    derivative_arguments,
    dim_text,
    form,
    literal,
    shape_words,
)
from matcalc.language.names import COUNTS, SAMPLE_COUNTS
from matcalc.language.program import Line, Program, Variable
from matcalc.language.shape_rules import CALLS, EXAMPLES, ShapeRules
from matcalc.language.syntax import Node
from matcalc.language.vocabulary import AXIS, CONSTANTS, FILLED, FUNCTIONS
from matcalc.ops import derivative_shape
from matcalc.shapes import ONE, SCALAR, Shape


class Shaping(ShapeRules):
    """Shapes of the lines of a program, one after the other."""

    def __init__(self, program: Program, broadcast: bool) -> None:
        super().__init__(program.text)
        self.program = program
        self.broadcast = broadcast
        self.results: list[tuple[Shape, int]] = []
        self.sizes: dict[tuple[int, int], Shape] = {}  # of constants and index sums, by (line, node)
        self.steps = 0
        self._line: Line
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
        self._begin(line.nodes)
        self.steps += stop - first
        for node in line.nodes[first:stop]:
            self._shapes[node.at], self._flags[node.at] = _RULES[node.op](self, node)

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
            raise Conflict(node, lambda: self._mixed(forms["vector"], forms[other], what), mixed=True)
        if "row" in forms and "matrix" in forms and not rows:
            raise Conflict(node, lambda: self._mixed(forms["row"], forms["matrix"], what), mixed=True)
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
                node, lambda: self._mixed(first, spread[0], what), spread=spread, wanted=shape
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

    def _transpose(self, node: Node) -> tuple[Shape, int]:
        self._not_shrunk(node)
        rows, cols = self._of(node.args[0])
        flags = self._flags[node.args[0].at]
        return (cols, rows), flags if rows is ONE and cols is ONE else 0

    def _cmp(self, node: Node) -> tuple[Shape, int]:
        return self._together(node, node.args, "a comparison")

    def _call(self, node: Node) -> tuple[Shape, int]:
        meaning = self._line.meaning[node.at]
        if meaning[0] == "sized":
            return self._sized(node, meaning[1], meaning[2]), 0
        if meaning[0] == "undefined":
            return self._undefined(node, meaning[1], meaning[2], meaning[3])
        name: str = meaning[1]
        if name in CONSTANTS:
            self._wrong(node, f"{name} takes its sizes: {EXAMPLES[name]}")
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
        if function.rule == "pair":
            return self._pair(node, args)
        if function.rule != "elementwise":
            self._not_shrunk(node)
        return CALLS[function.rule](self, node, args)

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
        if not by and count > 1:
            which = "D[1,2]({})(...) by the first and the second" if mark == "hess" else "D[1]({})(...) for the first"
            self._wrong(node, f"{name} has {count} arguments", f"write {which.format(name)}")
        if not all(1 <= number <= count for number in by):
            self._wrong(node, f"{name} has {count} argument{'s' if count > 1 else ''}, counted from 1")
        try:
            rows, cols = derivative_shape(name, kind, derivative_arguments(mark, by))
        except UnsupportedError as error:
            raise UnsupportedError(error.message, position=node.start, hint=error.hint) from None
        turned = mark == "D" and not by and kind.result.shape == SCALAR
        return ((cols, rows) if turned else (rows, cols)), 0

    def _pair(self, node: Node, args: Sequence[Node]) -> tuple[Shape, int]:
        if len(args) == 1:
            self._not_shrunk(node)
            return SCALAR, 0
        return self._together(node, args, node.data[0])

    def _index_sum(self, node: Node) -> tuple[Shape, int]:
        head, body = node.args
        if head.op == "range":
            for part in head.args:
                if self._of(part) != SCALAR:
                    self._fail(node, lambda part=part: ShapeError(  # type: ignore[misc]
                        f"a bound must be a scalar, not {self.shown(part)}", position=part.start
                    ))  # fmt: skip
            self._indexed.pop(head.data, None)
            low, high = (literal(part) for part in head.args)
            if low is not None and high is not None and high < low:
                self._wrong(head, f"the sum from {low} to {high} is empty", "bounds go upwards: sum(i in 0..n-1, ...)")
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
        for part in self._nodes[body.first : body.at + 1]:
            if part.op == "entries" and any(_shifted(index, head.data) for index in part.args[1:]):
                self._wrong(
                    part, f"{self._text(part)} leaves {self._text(part.args[0])} when {head.data} runs over all of it",
                    f"write the bounds, as in sum({head.data} in 0..n-2, x[{head.data}]*x[{head.data}+1])",
                )  # fmt: skip
        self.sizes[self._line.number, node.at] = (used[0], ONE)
        return self._of(body), 0

    def _misfit_declared(self, line: Line, declared: Kind, found: Shape) -> MatcalcError:
        return ShapeError(
            f"{line.name} is declared as {declared.text()}, but this is {shape_words(self.unknowns.shape(found))}",
            position=line.start,
        )


def _shifted(index: Node, name: str) -> bool:
    """Whether the index is the name plus or minus whole numbers that do not cancel."""
    if index.op != "sum":
        return False
    found = offset = 0
    for negative, part in zip(index.data, index.args, strict=True):
        value = literal(part)
        if value is not None:
            offset += -value if negative else value
        elif part.op == "index" and part.data == name and not negative:
            found += 1
        else:
            return False
    return found == 1 and offset != 0


_RULES: dict[str, Callable[[Shaping, Node], tuple[Shape, int]]] = {
    "number": Shaping._number, "name": Shaping._name, "bound": Shaping._number, "index": Shaping._number,
    "sum": Shaping._sum, "product": Shaping._product, "neg": Shaping._neg, "power": Shaping._power,
    "transpose": Shaping._transpose, "cmp": Shaping._cmp, "call": Shaping._call,
    "derivative": Shaping._derivative, "block": Shaping._block, "entries": Shaping._entries,
    "span": Shaping._number, "keyword": Shaping._number, "range": Shaping._number,
}  # fmt: skip
