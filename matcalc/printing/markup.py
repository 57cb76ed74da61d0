"""A markup: how the pieces of a formula are put together; ``matcalc.formulas`` decides which pieces there are.

LaTeX and MathML are the two markups. A piece is text or a phrase; signs come with the spacing that they need.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from matcalc.printing.writer import Phrase

Piece: TypeAlias = str | Phrase


class Row(NamedTuple):
    """One line of several that are aligned at the sign: ``left = right``."""

    left: str
    sign: str
    right: str


class Markup(ABC):
    """What a printed form of formulas consists of."""

    plus: str
    subtract: str
    minus: str  # before what it negates; no other phrase begins with it
    equals: str
    comma: str
    dot: str  # between factors that would run together
    times: str  # between other factors
    space: str  # between factors of which one is a word
    before_function: str  # between a differential and a function
    cross: str  # m x n
    kron: str
    oslash: str
    partial: str
    delta: str
    sigma: str
    product: str  # between the factors of an index form
    colon: str  # after what a line is about
    hole: str  # from : to
    relations: Mapping[str, str]

    # --- leaves ---

    @abstractmethod
    def names(self, names: Iterable[str], bold: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
        """Each name as it is shown, all of them different; ``given``: as the reader's notation has it."""

    @abstractmethod
    def name(self, shown: str) -> Phrase:
        """A shown name, with the strength with which it binds."""

    @abstractmethod
    def has_subscript(self, shown: str) -> bool:
        """Whether a subscript is shown."""

    @abstractmethod
    def digits(self, number: str) -> str:
        """A decimal number without a sign; a range of entries may hold one with it."""

    @abstractmethod
    def ratio(self, number: str) -> str:
        """A number such as -1/2 on one line, as an exponent has it."""

    @abstractmethod
    def size(self, size: str, names: Mapping[str, str]) -> str:
        """A dimension: ``k*n + 2``."""

    @abstractmethod
    def function(self, name: str) -> str:
        """The name of a known function, upright."""

    @abstractmethod
    def upright(self, letter: str) -> str:
        """The d of dx and other letters that are no names."""

    @abstractmethod
    def given(self, command: str) -> str:
        """A sign or word that the notation gives as LaTeX."""

    @abstractmethod
    def bold(self, letter: str) -> str:
        """An upright bold letter or digit."""

    @abstractmethod
    def axis(self, axis: int) -> str:
        """Which lines a function is applied to, as a subscript of it."""

    # --- composed ---

    @abstractmethod
    def binary(self, sign: str) -> str:
        """A sign that stands between two factors."""

    @abstractmethod
    def fraction(self, above: Piece, below: Piece) -> Phrase:
        """``above`` over ``below``."""

    @abstractmethod
    def is_wide(self, above: Phrase) -> bool:
        """Whether a numerator is too wide to be read."""

    @abstractmethod
    def subscript(self, base: Piece, *below: Piece) -> Phrase:
        """A base with a subscript; it binds as an atom."""

    @abstractmethod
    def superscript(self, base: Piece, *above: Piece) -> Phrase:
        """A base with a superscript; it takes no other."""

    @abstractmethod
    def both(self, base: Piece, below: Piece, above: Sequence[Piece]) -> Phrase:
        """A base with both."""

    @abstractmethod
    def raised_sign(self, sign: str) -> str:
        """An elementwise sign in front of an exponent."""

    @abstractmethod
    def transposed(self, base: Piece, sign: str, inverse: bool = False) -> Phrase:
        """A transpose, with the sign that the notation has; or the inverse transpose."""

    @abstractmethod
    def primed(self, name: str, count: int) -> str:
        """f', f'', ..."""

    @abstractmethod
    def nabla(self, name: str, *by: str, gradient: bool = True, twice: bool = False) -> str:
        """The gradient, Jacobian or (``twice``) Hessian of a function; by what, as it is shown."""

    def second(self, name: str, by: str) -> str:
        """The second derivative of a function by a scalar."""
        two = self.digits("2")
        above = f"{self.superscript(self.partial.rstrip(), two)} {name}"
        return str(self.fraction(above, f"{self.partial}{self.superscript(by, two)}"))

    @abstractmethod
    def applied(self, head: Piece, *argument: Piece) -> Phrase:
        """A function applied to what stands in brackets already."""

    @abstractmethod
    def fenced(self, fence: str, *inside: Piece) -> Phrase:
        """Between ``(``, ``[``, ``|`` or ``‖`` and their other sides, as tall as what is inside."""

    @abstractmethod
    def wrapped(self, inside: str) -> str:
        """In parentheses as tall as need be, whatever is inside."""

    @abstractmethod
    def root(self, inside: Piece) -> Phrase:
        """The square root."""

    @abstractmethod
    def matrix(self, rows: Sequence[Sequence[Phrase]]) -> Phrase:
        """Blocks in parentheses."""

    @abstractmethod
    def index_sum(self, index: str, low: Phrase, high: Phrase, body: Phrase) -> Phrase:
        """The sum over an index between two bounds."""

    @abstractmethod
    def sum_over(self, indices: str) -> str:
        """The sign of a sum over all values of some indices."""

    @abstractmethod
    def index(self, name: str) -> str:
        """A bound index, or a number that stands for one."""

    @abstractmethod
    def line(self, formula: str) -> str:
        """One formula, in several lines if it is too long for the page."""

    @abstractmethod
    def aligned(self, rows: Iterable[Row]) -> str:
        """Several lines."""

    # --- what a factor begins and ends with ---

    def begins_with_minus(self, phrase: Phrase) -> bool:
        """Whether a minus sign stands first."""
        return phrase.first.startswith(self.minus)

    @abstractmethod
    def between(self, left: Phrase, right: Phrase) -> str:
        """What separates two factors."""

    def run(self, shown: Sequence[str], apart: bool) -> str:
        """Indices side by side, with commas where one of them is longer than a letter."""
        return self.comma.strip().join(shown) if apart else "".join(shown)
