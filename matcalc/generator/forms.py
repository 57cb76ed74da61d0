"""The least form of an array: what is kept of it until the whole is needed.

The array of a node has no axis for a dimension 1: scalars are numbers, vectors and rows have one axis.

===== =========================================== =================
form  the m x n array                             ``code``
===== =========================================== =================
full  any                                         the array itself
fill  every entry the same                        a scalar
row   every row the same (a bias)                 its row
col   every column the same                       its column
diag  zero off the diagonal                       the diagonal
eye   a multiple of the identity                  the scalar
===== =========================================== =================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from matcalc.expr import Expr
from matcalc.generator.chains import Chains
from matcalc.generator.instructions import Code, Extent, Instructions, ordered
from matcalc.shapes import ONE, SCALAR, Shape


@dataclass(frozen=True, slots=True)
class Value:
    """The form of an array, and the instruction that gives it."""

    form: str
    code: Code


def extent(shape: Shape) -> Extent:
    """The axes that an array of that shape has in code."""
    return tuple(d for d in shape if d is not ONE)


def turned(form: str) -> str:
    """The form of the transpose."""
    return {"row": "col", "col": "row"}.get(form, form)


@dataclass(slots=True)
class Forms:
    """The values of the nodes lowered so far, how often each node is used, and how long each product is."""

    make: Instructions
    chains: Chains
    weighs: Callable[[Expr], bool] | None = None  # knows arrays without negative entries
    fills: bool = False  # whether arrays can be filled in part
    values: dict[Expr, Value] = field(default_factory=dict)
    uses: Counter[Expr] = field(default_factory=Counter)
    lengths: dict[Expr, int] = field(default_factory=dict)

    def dense(self, x: Expr) -> Code:
        """The whole array of a node; of a scalar its number."""
        return self.densify(self.values[x], x.shape)

    def densify(self, value: Value, shape: Shape) -> Code:
        """The whole array of a value."""
        make, code, axes = self.make, value.code, extent(shape)
        if value.form == "full":
            return code
        sizes = [make.size(d) for d in axes]
        if value.form == "fill":
            if code.op == "num" and code.data in (0, 1):
                return make.call("ones" if code.data else "zeros", sizes, axes)
            return make.call("full", (code, *sizes), axes)
        if value.form == "row":
            return make.call("repeat_rows", (code, sizes[0]), axes)
        if value.form == "col":
            return make.call("repeat_columns", (make.column(code), sizes[1]), axes)
        if value.form == "diag":
            return make.call("diagflat", (code,), axes)
        assert value.form == "eye", value.form
        return make.product([code, make.call("eye", (sizes[0],), axes)])

    def joined(self, values: Sequence[Value], shape: Shape) -> tuple[str, list[Code]]:
        """The least form that the values have in common, and instructions that broadcast to it."""
        if shape == SCALAR:
            return "full", [v.code for v in values]
        values = [Value("full", self.densify(v, shape)) if v.form in ("diag", "eye") else v for v in values]
        least = {v.form for v in values} - {"fill"}
        if len(least) <= 1 and "full" not in least:
            return (least.pop() if least else "fill"), [v.code for v in values]
        return "full", [self.make.column(v.code) if v.form == "col" else v.code for v in values]

    def elementwise(self, args: Sequence[Expr], build: Callable[[list[Code]], Code]) -> Value:
        """``build`` applied entry by entry, in the least form that the arguments have in common."""
        form, codes = self.joined([self.values[a] for a in args], args[0].shape)
        return Value(form, build(codes))

    def integer(self, x: Expr) -> Code:
        """A scalar as a Python integer, for a position or a count."""
        code = self.dense(x)
        whole = all(
            c.op in ("size", "index", "add", "neg", "mul") or (c.op == "num" and c.data.denominator == 1)
            for c in ordered([code])
        )
        return code if whole else self.make.call("int", (code,), ())


def full(code: Code) -> Value:
    """The value that is its own array."""
    return Value("full", code)
