"""What the passes over products, sums and functions ask of each other: short forms built from short arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr
from matcalc.shapes import Shape
from matcalc.simplifier.factors import Exponent, FixedPowers, HadParts


class Algebra(ABC):
    """Constructors of short forms. ``expanding`` means: products are distributed over sums (the normal form)."""

    expanding: bool = False

    @abstractmethod
    def add(self, *terms: Expr) -> Expr:
        """Sum: like terms collected, common factors taken out."""

    @abstractmethod
    def mul(self, *factors: Expr) -> Expr:
        """Matrix product: inverses cancelled, inner products and numbers in front, one stroke for what divides."""

    @abstractmethod
    def had(self, *factors: Expr) -> Expr:
        """Elementwise product: powers collected."""

    @abstractmethod
    def power(self, base: Expr, k: Exponent) -> Expr:
        """Elementwise power."""

    @abstractmethod
    def transpose(self, x: Expr) -> Expr:
        """X', with the transpose where it is shortest."""

    @abstractmethod
    def inv(self, x: Expr) -> Expr:
        """Inverse, scalars taken out."""

    @abstractmethod
    def fn(self, name: str, x: Expr) -> Expr:
        """Elementwise function."""

    @abstractmethod
    def total(self, x: Expr, axis: int | None = None) -> Expr:
        """Sum of entries."""

    @abstractmethod
    def norm2(self, x: Expr) -> Expr:
        """Euclidean or Frobenius norm."""

    @abstractmethod
    def contraction(self, p: HadParts) -> Expr:
        """Sum of the entries of an elementwise product of vectors."""

    @abstractmethod
    def primitive(self, e: Expr) -> tuple[Fraction, Expr]:
        """A sum as content times a primitive sum whose first term (alphabetically) is positive."""

    @abstractmethod
    def scaled_sum(self, c: Fraction, e: Expr) -> Expr:
        """c times each term of a sum."""

    @abstractmethod
    def collect(self, terms: Iterable[Expr]) -> dict[Expr, Fraction]:
        """Terms without their numbers, like terms collected."""

    @abstractmethod
    def distributed(self, e: Expr, limit: int) -> list[Expr] | None:
        """The terms of a product distributed over the sums in it; None if there would be more than ``limit``."""

    @abstractmethod
    def factored(self, shape: Shape, terms: dict[Expr, Fraction]) -> Expr:
        """A sum with common factors taken out, as long as that makes it shorter."""

    @abstractmethod
    def completed(self, shape: Shape, terms: dict[Expr, Fraction]) -> dict[Expr, Fraction]:
        """The terms of a sum with squares completed, wherever that is shorter."""

    @abstractmethod
    def turned(self, e: Expr) -> Expr:
        """The transpose of a sum, term by term."""

    @abstractmethod
    def turned_block(self, x: Expr) -> Expr:
        """The transpose of blocks, block by block."""

    @abstractmethod
    def trace(self, x: Expr) -> Expr:
        """Trace, scalars taken out, in the shortest rotation."""

    @abstractmethod
    def shortened_by_distributing(self, e: Expr) -> Expr:
        """A product with sums in it, or the sum it distributes to, whichever is shorter."""

    @abstractmethod
    def distribute(self, coef: Fraction, scalars: FixedPowers, body: Sequence[Expr]) -> Expr:
        """In normal form: a product as a sum of products without sums."""

    @abstractmethod
    def run_node(self, base: Expr, k: Exponent) -> Expr:
        """base^k for a square matrix."""

    @abstractmethod
    def _pair(self, a: Expr, b: Expr) -> list[Expr] | None:
        """What two neighbors in a product become together, or None."""

    @abstractmethod
    def compare(self, relation: str, args: tuple[Expr, ...]) -> Expr:
        """A comparison with everything on the side where it is shortest."""

    @abstractmethod
    def entry(self, v: Expr, index: Expr) -> Expr:
        """v[index] of a vector."""

    @abstractmethod
    def __call__(self, root: Expr) -> Expr:
        """The short form of any expression."""

    @abstractmethod
    def build(self, n: Expr, args: tuple[Expr, ...]) -> Expr:
        """The operation of ``n`` on short arguments."""

    def neg(self, x: Expr) -> Expr:
        return self.mul(ops.num(-1), x)

    def sub(self, x: Expr, y: Expr) -> Expr:
        return self.add(x, self.neg(y))


def zero(shape: Shape) -> Expr:
    return ops.zeros(*shape)


def is_zero(e: Expr) -> bool:
    return e.op == "zeros" or (e.op == "num" and not e.data)
