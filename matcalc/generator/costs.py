"""What instructions are estimated to cost, in nanoseconds, for the sizes that are expected.

A dimension given in numbers counts as itself, a name as what its reader expects of it (``n=1000,r=10``), any other
name as 1000: so that declared widths are thin, and all unknown sizes are alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from matcalc.errors import InputError
from matcalc.generator.instructions import Code
from matcalc.shapes import Dim

# rough nanoseconds: a call, an entry read by a product, an entry written elementwise, a flop of a matrix product
CALL, READ, WRITE, FLOP = 1000.0, 0.5, 2.0, 0.05
_UNKNOWN = 1000
_DIGITS = 15
_SIZE = re.compile(r"\s*([^\W\d]\w*)\s*=\s*(\d[\d_]*)\s*")
_FREE = ("input", "num", "size", "index", "T", "col", "row", "expand")


def expected(given: Mapping[str, int] | str | None, dimensions: Collection[str]) -> dict[str, int]:
    """The sizes that a reader expects, from ``"n=1000, r=10"`` or a mapping; each must be that of a dimension."""
    if given is None:
        return {}
    hint = f"the dimensions here: {', '.join(sorted(dimensions))}" if dimensions else "no dimension here has a name"
    if not isinstance(given, str):
        if not isinstance(given, Mapping):
            raise InputError(f"sizes are text or a mapping, not {type(given).__name__}", hint=hint)
        text = ", ".join(f"{name}={size}" for name, size in given.items())
    else:
        text = given
    found: dict[str, int] = {}
    place = 0
    for piece in text.split(","):
        start = place + len(piece) - len(piece.lstrip())
        place += len(piece) + 1
        match = _SIZE.fullmatch(piece)
        if match is None:
            raise InputError("a size is given as in n=1000", text=text, position=start, hint=hint)
        name, number = match.groups()
        if name not in dimensions:
            raise InputError(f"{name} is no dimension", text=text, position=start, hint=hint)
        if name in found:
            raise InputError(f"the size of {name} is given twice", text=text, position=start)
        if not 0 < len(number.replace("_", "")) <= _DIGITS or int(number) < 1:
            raise InputError(f"{number} is no size", text=text, position=start + piece.strip().index(number))
        found[name] = int(number)
    return found


class Costs:
    """Estimates for one function."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self._sizes = dict(sizes or {})
        self._found: dict[Dim, float] = {}

    def size(self, dim: Dim) -> float:
        """The size to expect of a dimension."""
        found = self._found.get(dim)
        if found is None:
            known = {name: self._sizes.get(name, _UNKNOWN) for name in dim.names}
            found = self._found[dim] = float(max(1, dim.evaluate(known)))
        return found

    def entries(self, shape: Sequence[Dim]) -> float:
        """The number of entries to expect."""
        total = 1.0
        for dim in shape:
            total *= self.size(dim)
        return total

    def inverse(self, dim: Dim) -> float:
        """Forming an inverse."""
        return FLOP * 2 * self.size(dim) ** 3

    def solving(self, dim: Dim, width: float) -> float:
        """Solving with a matrix for so many columns."""
        n = self.size(dim)
        return FLOP * (2 / 3 * n**3 + 2 * n * n * width)

    def of(self, code: Code) -> float:
        """One instruction, its operands being there."""
        if code.op in _FREE:
            return 0.0
        if code.op == "matmul":
            x, y = code.args
            if x.ndim == 2 and y.ndim == 2:
                return CALL + FLOP * 2 * self.entries((*x.shape, y.shape[1]))
            return CALL + READ * max(self.entries(x.shape), self.entries(y.shape))
        if code.op == "call" and code.data[0] in ("solve", "inv"):
            width = 1.0 if code.ndim == 1 else self.size(code.shape[1])
            return CALL + self.solving(code.args[0].shape[0], width)
        return CALL + WRITE * max([self.entries(code.shape), *(self.entries(a.shape) for a in code.args)])
