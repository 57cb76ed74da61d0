"""Kinds of names: what a declaration says of a variable (form, dimensions, facts) or of a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matcalc.shapes import ONE, SCALAR, Dim, Shape

# structured kinds: name -> (form, number of dimensions, the fact it stands for)
STRUCTURES: dict[str, tuple[str, str]] = {
    "integer": ("scalar", "integer"),
    "symmetric": ("matrix", "symmetric"),
    "spd": ("matrix", "spd"),
    "diagonal": ("matrix", "diagonal"),
    "orthogonal": ("matrix", "orthogonal"),
    "lower": ("matrix", "lower"),
    "upper": ("matrix", "upper"),
    "toeplitz": ("matrix", "toeplitz"),
    "onehot": ("vector", "onehot"),  # onehot(N, K): a matrix of rows
    "simplex": ("vector", "simplex"),
    "unit": ("vector", "unit"),
}
# facts that may follow a kind after a comma (the structures' facts too)
FACTS = ("invertible", "positive", "nonnegative", "nonzero", "fullrank")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a name.

    ``form`` is ``scalar``, ``vector``, ``row``, ``matrix`` or ``function``; ``rows`` and ``cols`` are its
    dimensions (a vector has one column); ``facts`` are the declared facts. A function without ``args`` is
    elementwise; otherwise ``args`` and ``result`` are the kinds of its signature.
    """

    form: str
    rows: Dim = ONE
    cols: Dim = ONE
    facts: frozenset[str] = frozenset()
    args: tuple[Kind, ...] | None = None
    result: Kind | None = None

    @property
    def shape(self) -> Shape:
        return (self.rows, self.cols)

    def text(self) -> str:
        """The declaration as it would be typed: ``symmetric(n)``, ``vector(n), positive``."""
        if self.form == "function":
            if self.args is None or self.result is None:
                return "function"
            return f"function({', '.join(a.text() for a in self.args)}) -> {self.result.text()}"
        facts = set(self.facts)
        head = self.form
        dims: tuple[Dim, ...] = {
            "scalar": (),
            "vector": (self.rows,),
            "row": (self.cols,),
            "matrix": (self.rows, self.cols),
        }[self.form]
        for name, (form, fact) in STRUCTURES.items():
            wide = name == "onehot" and self.form == "matrix"
            if fact in facts and (form == self.form or wide):
                head = name
                facts.discard(fact)
                if form == "matrix":
                    dims = (self.rows,)
                break
        body = f"{head}({', '.join(map(str, dims))})" if dims else head
        return ", ".join([body, *sorted(facts)])


SCALAR_KIND = Kind("scalar")
ELEMENTWISE = Kind("function")


def kind_of_shape(shape: Shape, facts: frozenset[str] = frozenset()) -> Kind:
    """The plain kind of that shape: scalar, vector, row or matrix."""
    if shape == SCALAR:
        form = "scalar"
    elif shape[1] is ONE:
        form = "vector"
    elif shape[0] is ONE:
        form = "row"
    else:
        form = "matrix"
    return Kind(form, shape[0], shape[1], facts)


class Declared(dict[str, str]):
    """Kinds by name, as they would be declared. ``dims``: dimensions that no kind need mention, as n of ``ones(n)``."""

    def __init__(self, kinds: Mapping[str, Kind], dims: Iterable[str] = ()) -> None:
        super().__init__({name: kind.text() for name, kind in kinds.items()})
        self.dims = frozenset(dims)
