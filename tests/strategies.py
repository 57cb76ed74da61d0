"""Random well-shaped expressions, grown from the wanted shape, so that they are always legal.

``expressions()`` is the hypothesis strategy; ``grow(choose, shape, depth)`` takes any source of choices, for
example ``random.Random(seed).randrange``. With ``smooth`` they are defined and differentiable at every real
point and hold no undefined functions, so that they can be evaluated and differentiated numerically.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from matcalc import ops
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind, kind_of_shape
from matcalc.shapes import ONE, SCALAR, Dim, Shape

Choose = Callable[[int], int]
Made = tuple[Expr, dict[str, Kind]]

DIMS = [Dim.of(name) for name in "mnk"]
M, N, K = DIMS


def _square(n: Dim, *facts: str) -> Kind:
    return Kind("matrix", n, n, frozenset(facts))


KINDS: dict[str, Kind] = {
    "s": SCALAR_KIND,
    "t": SCALAR_KIND,
    "lambda": SCALAR_KIND,
    "x": kind_of_shape((N, ONE)),
    "y": kind_of_shape((N, ONE)),
    "u": kind_of_shape((M, ONE)),
    "w": kind_of_shape((K, ONE)),
    "w_2": kind_of_shape((K, ONE)),
    "r": kind_of_shape((ONE, N)),
    "q": kind_of_shape((ONE, K)),
    "o": kind_of_shape((ONE, M)),
    "A": kind_of_shape((M, N)),
    "B": kind_of_shape((N, K)),
    "W1": kind_of_shape((M, N)),
    "C": kind_of_shape((K, M)),
    "Q": _square(M),
    "X": _square(N, "invertible"),
    "S": _square(N, "symmetric"),
    "P": _square(K, "spd"),
    "f": ELEMENTWISE,
    "g": Kind("function", args=(kind_of_shape((N, ONE)),), result=kind_of_shape((M, ONE))),
    "h": Kind("function", args=(kind_of_shape((N, ONE)),), result=SCALAR_KIND),
    "l": Kind("function", args=(kind_of_shape((M, ONE)), kind_of_shape((N, ONE))), result=SCALAR_KIND),
}
VARIABLES = {name: ops.sym(name, kind) for name, kind in KINDS.items() if kind.form != "function"}
NUMBERS = [
    *map(Fraction, (2, 1, 3, 0, -1, -2, 12)),
    *(Fraction(p, q) for p, q in ((1, 2), (2, 3), (-1, 3), (37, 100), (1, 10))),
]
BOUNDED = "sin cos tanh sigmoid arctan erf".split()


def examples(count: int) -> settings:
    """That many examples, the same in every run: a run then says something about the change, not about luck.

    ``LAWS=20 pytest ...`` looks for new ones, twenty times as many.
    """
    times = int(os.environ.get("LAWS", "0"))
    return settings(max_examples=count * max(times, 1), derandomize=not times, database=None, deadline=None)


@st.composite
def expressions(
    draw: st.DrawFn, shape: Shape | None = None, depth: int = 3, smooth: bool = False
) -> tuple[Expr, dict[str, Kind]]:
    """A random expression of that shape (any shape if None), and the kinds of the names in it."""

    def choose(count: int) -> int:
        return draw(st.integers(0, count - 1))

    return grow(choose, shape, depth, smooth)


def grow(choose: Choose, shape: Shape | None = None, depth: int = 3, smooth: bool = False) -> Made:
    """A random expression from a source of choices: ``choose(count)`` is one of 0, ..., count - 1."""
    grower = Grower(choose, smooth)
    return grower.expression(grower.shape() if shape is None else shape, depth), dict(KINDS)


class Grower:
    """Grows expressions; every method returns one of the shape asked for."""

    def __init__(self, choose: Choose, smooth: bool) -> None:
        self.choose = choose
        self.smooth = smooth
        self.indices = 0

    def pick(self, items: Sequence[Any]) -> Any:
        return items[self.choose(len(items))]

    def shape(self) -> Shape:
        a, b = self.pick(DIMS), self.pick(DIMS)
        return self.pick([SCALAR, (a, ONE), (ONE, b), (a, b), (a, a)])

    def leaf(self, shape: Shape, depth: int = 0) -> Expr:
        found = [v for v in VARIABLES.values() if v.shape == shape]
        flipped = [ops.transpose(v) for v in VARIABLES.values() if v.shape == shape[::-1] and shape != SCALAR]
        if shape == SCALAR:
            return self.pick([*found, *map(ops.num, NUMBERS), ops.dim(self.pick(DIMS)), ops.const("pi")])
        constants = [ops.ones(*shape)]
        if shape[0] is shape[1]:
            constants.append(ops.eye(shape[0]))
        elif shape[1] is ONE:
            constants.append(ops.unit(ops.num(0), shape[0]))
        return self.pick([*found, *found, *flipped, *constants])

    def expression(self, shape: Shape, depth: int) -> Expr:
        if depth <= 0:
            return self.leaf(shape)
        own: list[Callable[[Shape, int], Expr]] = [self.leaf, self.sum, self.product, self.scaled]
        own += [self.function, self.power, self.chosen]
        if shape == SCALAR:
            own += [self.reduction, self.inner, self.inner, self.index_sum, self.entry]
        else:
            own += [self.hadamard, self.transposed, self.lifted, self.line, self.part]
            if shape[0] is shape[1]:
                own.append(self.matrix_function)
        if not self.smooth:
            own.append(self.undefined)
        return self.pick(own)(shape, depth - 1)

    def sum(self, shape: Shape, depth: int) -> Expr:
        terms = [self.expression(shape, depth) for _ in range(2 + self.choose(2))]
        return ops.add(*(ops.neg(term) if self.choose(2) else term for term in terms))

    def product(self, shape: Shape, depth: int) -> Expr:
        if shape == SCALAR:
            return ops.mul(self.expression(shape, depth), self.expression(shape, depth))
        inner = self.pick([ONE, *DIMS])
        return ops.mul(self.expression((shape[0], inner), depth), self.expression((inner, shape[1]), depth))

    def scaled(self, shape: Shape, depth: int) -> Expr:
        array = self.expression(shape, depth)
        scalar = self.expression(SCALAR, depth)
        by = ops.reciprocal(self.positive(scalar))
        return self.pick([ops.mul(scalar, array), ops.mul(by, array), ops.mul(array, by), ops.neg(array)])

    def positive(self, x: Expr) -> Expr:
        """Something to divide by: x, unless it is 0 itself; 1 + x^2 where it must be defined."""
        if x is ops.num(0):
            return ops.num(2)
        return ops.add(ops.lift(ops.num(1), x.shape), ops.power(x, ops.num(2))) if self.smooth else x

    def function(self, shape: Shape, depth: int) -> Expr:
        x = self.expression(shape, depth)
        if self.choose(2):
            return ops.fn(self.pick(["log", "sqrt"]), self.positive(x))
        if self.smooth:
            return ops.fn(self.pick(BOUNDED), x)
        return ops.fn(self.pick(ops.ELEMENTWISE_NAMES), x)

    def power(self, shape: Shape, depth: int) -> Expr:
        x = self.expression(shape, depth)
        if self.choose(3) == 0:
            return ops.div(self.expression(shape, depth), self.positive(x))
        exponents = [ops.num(2), ops.num(3)]
        if not self.smooth:
            exponents += [ops.num(Fraction(1, 2)), ops.num(-2)]
            exponents += [self.expression(SCALAR, depth), self.expression(shape, depth)]
        exponent = self.pick(exponents)
        undefined = x.op == "num" and not x.data and exponent.op == "num" and exponent.data < 0
        return ops.power(x, exponents[0] if undefined else exponent)  # 0^-2 is refused where it is typed

    def chosen(self, shape: Shape, depth: int) -> Expr:
        if self.smooth:
            return ops.fn("tanh", self.expression(shape, depth))
        x = self.expression(shape, depth)
        y = self.expression(self.pick([shape, SCALAR]), depth)
        if self.choose(2):
            x, y = y, x
        relation = self.pick(ops.COMPARISONS)
        return self.pick([ops.max2, ops.min2, lambda a, b: ops.compare(relation, a, b)])(x, y)

    def reduction(self, shape: Shape, depth: int) -> Expr:
        kinds = [ops.total, ops.mean, ops.trace, ops.logdet, ops.det]
        if not self.smooth:
            kinds += [ops.norm1, ops.norm2, ops.prod, ops.maxel, ops.minel]
        kind = self.pick(kinds)
        if kind in (ops.trace, ops.logdet, ops.det):
            return kind(self.invertible(self.pick(DIMS), depth))
        array = self.expression((self.pick(DIMS), self.pick([ONE, *DIMS])), depth)
        if self.choose(4) == 0:
            array = ops.kron(array, self.leaf((self.pick(DIMS), self.pick(DIMS))))
        return kind(array)

    def inner(self, shape: Shape, depth: int) -> Expr:
        n = self.pick(DIMS)
        return ops.mul(self.expression((ONE, n), depth), self.expression((n, ONE), depth))

    def entry(self, shape: Shape, depth: int) -> Expr:
        x = self.expression(self.pick([(N, ONE), (ONE, M), (M, K)]), depth)
        specs = [("at",) if size is not ONE else ("all",) for size in x.shape]
        return ops.slice_(x, *specs, *(ops.num(0) for spec in specs if spec == ("at",)))

    def index_sum(self, shape: Shape, depth: int) -> Expr:
        self.indices += 1
        index = ops.idx("ij"[self.indices - 1] if self.indices < 3 else f"i_{self.indices}")
        x = self.pick([VARIABLES[name] for name in ("x", "y", "u", "w")])
        entry = ops.slice_(x, ("at",), ("all",), index)
        high = ops.add(ops.dim(x.rows), ops.num(-1))
        return ops.isum(index, ops.num(self.choose(2)), high, ops.mul(entry, self.expression(SCALAR, min(depth, 1))))

    def hadamard(self, shape: Shape, depth: int) -> Expr:
        factors = [self.expression(shape, depth) for _ in range(2 + self.choose(2))]
        return ops.had(*(ops.reciprocal(self.positive(f)) if self.choose(4) == 3 else f for f in factors))

    def transposed(self, shape: Shape, depth: int) -> Expr:
        return ops.transpose(self.expression(shape[::-1], depth))

    def lifted(self, shape: Shape, depth: int) -> Expr:
        small = self.pick([SCALAR, (ONE, shape[1])])
        term = ops.lift(self.expression(small, depth), shape)
        other = self.expression(shape, depth)
        return ops.add(*self.pick([(term, other), (other, term)]))

    def line(self, shape: Shape, depth: int) -> Expr:
        """Reductions along an axis, diagonals, softmax."""
        if shape[1] is ONE:
            n = shape[0]
            return self.pick(
                [
                    lambda: ops.total(self.expression((n, self.pick(DIMS)), depth), 1),
                    lambda: ops.mean(self.expression((n, self.pick(DIMS)), depth), 1),
                    lambda: ops.logsumexp(self.expression((n, self.pick(DIMS)), depth), 1),
                    lambda: ops.diagvec(self.expression((n, n), depth)),
                    lambda: ops.softmax(self.expression(shape, depth)),
                ]
            )()
        if shape[0] is ONE:
            return ops.total(self.expression((self.pick(DIMS), shape[1]), depth), 0)
        return ops.softmax(self.expression(shape, depth), self.choose(2))

    def part(self, shape: Shape, depth: int) -> Expr:
        """Rows and columns of matrices; stacks taken apart again; a transpose by vec and commutation."""
        if shape[0] is ONE:
            x = self.expression((self.pick(DIMS), shape[1]), depth)
            return ops.slice_(x, ("at",), ("all",), ops.num(1))
        if shape[1] is ONE:
            x = self.expression((shape[0], self.pick(DIMS)), depth)
            return ops.slice_(x, ("all",), ("at",), ops.num(-1))
        if self.choose(2):
            swapped = ops.vec(self.expression(shape[::-1], depth))
            return ops.unvec(ops.mul(ops.commutation(shape[1], shape[0]), swapped), *shape)
        x, b = self.expression(shape, depth), self.expression((shape[0], ONE), depth)
        return ops.slice_(ops.block([[x, b]]), ("all",), ("range", None, -1))

    def invertible(self, n: Dim, depth: int) -> Expr:
        x = self.expression((n, n), depth)
        return ops.add(ops.eye(n), ops.mul(ops.transpose(x), x)) if self.smooth else x

    def matrix_function(self, shape: Shape, depth: int) -> Expr:
        n = shape[0]
        makers = [
            lambda: ops.inv(self.invertible(n, depth)),
            lambda: ops.part(self.pick(["lower", "upper"]), self.expression(shape, depth)),
            lambda: ops.diag(self.expression(self.pick([(n, ONE), (ONE, n)]), depth)),
            lambda: ops.matpow(self.expression(shape, depth), ops.num(2 + self.choose(2))),
        ]
        if not self.smooth:
            makers += [
                lambda: ops.mfn(self.pick(ops.MATRIX_FUNCTIONS), self.expression(shape, depth)),
                lambda: ops.frechet("expm", self.expression(shape, depth), self.expression(shape, depth)),
                lambda: ops.pinv(self.expression(shape, depth)),
                lambda: ops.adj(self.expression(shape, depth)),
            ]
        return self.pick(makers)()

    def undefined(self, shape: Shape, depth: int) -> Expr:
        def apply(name: str, *shapes: Shape, by: tuple[int, ...] = ()) -> Expr:
            return ops.ufn(name, KINDS[name], [self.expression(s, depth) for s in shapes], by)

        if shape == (M, ONE):
            return apply("g", (N, ONE))
        if shape == (M, N):
            return apply("g", (N, ONE), by=(0,)) if self.choose(2) else apply("l", (M, ONE), (N, ONE), by=(0, 1))
        if shape == (N, N):
            return apply("h", (N, ONE), by=(0, 0))
        if shape == (N, ONE):
            if self.choose(2):
                return apply("h", (N, ONE), by=(0,))
            return apply("l", (M, ONE), (N, ONE), by=(1,))
        return ops.ufn("f", ELEMENTWISE, [self.expression(shape, depth)], self.choose(3))
