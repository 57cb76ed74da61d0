"""How a node reads: sums with signs, quotients, lifted scalars; decided once for text, latex and pretty.

Nodes have no differences, quotients or broadcasts (``matcalc.ops``); people write them. ``read(node)`` says
which surface form a node takes: ``a + (-1)*b`` reads as the difference of a and b, ``A*n^-1`` as a quotient,
``A + s*ones(m, n)`` as ``A + s``. The parts of a reading are nodes, or small readings that have no node of
their own. A reading is chosen such that parsing its text gives the node back.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from matcalc.expr import Expr, topological
from matcalc.ops import LONGEST_FLATTENED, PARTS, add, dim, lift, num, unlift
from matcalc.shapes import ONE, SCALAR, Dim, Shape


class Name(NamedTuple):
    """A variable, a constant or a bound index."""

    name: str


class Number(NamedTuple):
    """An exact number, not negative except when it stands alone."""

    value: Fraction


class Size(NamedTuple):
    """A dimension, used as a number or inside a constant."""

    dim: Dim


class Call(NamedTuple):
    """``name(args, axis=axis)``."""

    name: str
    args: tuple[Part, ...]
    axis: int | None = None


class Undefined(NamedTuple):
    """An undefined function; ``mark``: "" the value, primes, "D" (Jacobian), "grad", "hess"; argument numbers, "1,2".

    ``gradient``: the derivative is of a scalar-valued function, and so a gradient.
    """

    name: str
    mark: str
    gradient: bool
    args: tuple[Part, ...]


class Sum(NamedTuple):
    """Terms with signs (True: subtracted); the first has no sign of its own."""

    terms: tuple[tuple[bool, Part], ...]


class Product(NamedTuple):
    """Factors from left to right, each after its link: ``* / .* ./``.

    The first has no link, or ``/`` or ``./`` if it stands under a 1. ``negative``: all after a minus sign.
    """

    negative: bool
    factors: tuple[tuple[str, Part], ...]


class Power(NamedTuple):
    """``base^exponent``, or elementwise."""

    base: Part
    exponent: Part
    elementwise: bool


def inverse_below(power: Power) -> tuple[Expr, int] | None:
    """X and k of ``inv(X)^k``: on paper it is X to the -k."""
    base, k = power.base, power.exponent
    if power.elementwise or not isinstance(base, Expr) or base.op != "inv":
        return None
    if not isinstance(k, Expr) or k.op != "num":
        return None
    return base.args[0], int(k.data)  # type: ignore[call-overload]


class Transposed(NamedTuple):
    """``base'``."""

    base: Part


class Differential(NamedTuple):
    """``dX`` of a variable, ``d(base)`` of anything else."""

    base: Part

    @property
    def of_variable(self) -> bool:
        return isinstance(self.base, Expr) and self.base.op == "sym"


class Relation(NamedTuple):
    """``left < right`` and the like, as a number 0 or 1."""

    sign: str
    left: Part
    right: Part


class Blocks(NamedTuple):
    """``[a, b; c, d]``."""

    rows: tuple[tuple[Part, ...], ...]


class Entries(NamedTuple):
    """``base[i, 1:]``: each index a part, or a pair (start, stop) with None where it is open."""

    base: Part
    indices: tuple[Any, ...]


class IndexSum(NamedTuple):
    """Sum of ``body`` for ``over`` = low, ..., high; ``whole``: it runs over all that it indexes."""

    over: str
    low: Part
    high: Part
    whole: bool
    body: Part


Reading: TypeAlias = (
    Name
    | Number
    | Size
    | Call
    | Undefined
    | Sum
    | Product
    | Power
    | Transposed
    | Differential
    | Relation
    | Blocks
    | Entries
    | IndexSum
)
Part: TypeAlias = Expr | Reading

# operations written name(arguments), with their written names
CALLS = {
    "inv": "inv", "det": "det", "logdet": "logdet", "tr": "tr", "adj": "adj", "pinv": "pinv", "vec": "vec",
    "diagmat": "diag", "diagvec": "diag", "kron": "kron", "prod": "prod", "norm1": "norm1", "norm2": "norm2",
    "maxel": "max", "minel": "min",
}  # fmt: skip


def read(x: Expr) -> Reading:
    """The surface form of a node."""
    name = CALLS.get(x.op)
    return Call(name, x.args) if name is not None else _READ[x.op](x)


def parts(reading: Reading) -> list[Expr]:
    """The nodes that a reading shows, from left to right."""
    found: list[Expr] = []
    stack: list[Any] = [reading]
    while stack:
        item = stack.pop()
        if isinstance(item, Expr):
            found.append(item)
        elif isinstance(item, tuple):
            stack.extend(reversed(item))
    return found


# --- sums and products --------------------------------------------------------------------------------


def bare(x: Expr, shape: Shape) -> Expr | None:
    """The scalar or row that a lifted term is written as, if lifting it gives the very term back."""
    small = unlift(x)
    return small if small is not None and lift(small, shape) is x else None


def _sum(x: Expr) -> Reading:
    short = [bare(term, x.shape) for term in x.args]
    if None not in short:
        short[0] = None  # one term must show the shape
    shown = [term if small is None else small for term, small in zip(x.args, short, strict=True)]
    return Sum(((False, shown[0]), *map(unsigned, shown[1:])))


def unsigned(x: Expr) -> tuple[bool, Part]:
    """Whether a term after the first is subtracted, and what is then written after the sign."""
    value = _value(x)
    if value is not None and value < 0:
        return True, Number(-value)
    if x.op != "mul":
        return False, x
    product = _product(x)
    if not product.negative:
        return False, x
    link, first = product.factors[0]
    return True, first if len(product.factors) == 1 and not link else product._replace(negative=False)


def reciprocal_of(x: Expr) -> Expr | None:
    """y if the node is y^-1 and reads 1/y (a number's power -1 reads as a power)."""
    if x.op != "pow":
        return None
    base, exponent = x.args
    return base if _value(exponent) == -1 and not _value(base) else None


def _value(x: Expr) -> Fraction | None:
    """The value of a number."""
    return x.data if x.op == "num" else None  # type: ignore[return-value]


def _product(x: Expr) -> Product:
    """Scalars inverse to the left factors read as divisors; a leading -1 as the sign."""
    args = x.args
    factors: list[tuple[str, Part]] = []
    head = _value(args[0])
    negative = head is not None and head < 0
    if head is not None and negative and (head != -1 or args[1].op == "num"):
        factors.append(("", Number(-head)))
    arrays = False
    for place in range(1 if negative else 0, len(args)):
        factor = args[place]
        below, value = reciprocal_of(factor), _value(factor)
        alone = head if place == 1 else None  # all that stands to the left, if that is a number
        if below is not None and alone != 1 and factor.is_scalar:
            factors.append(("/", below))
        elif below is not None and alone != 1 and not arrays and place == len(args) - 1:
            factors.append(("./", below))
        elif value is not None and value.numerator == 1 != value and factors and alone is None:
            factors.append(("/", Number(Fraction(value.denominator))))
        elif factor.op == "mul" and place == 0 and x.is_scalar and len(factor.args) <= LONGEST_FLATTENED:
            factors.extend(_product(factor).factors)  # an inner product among scalars
        else:
            factors.append(("*" if factors else "", factor))
        arrays = arrays or not factor.is_scalar
    return Product(negative, tuple(factors))


def _had(x: Expr) -> Reading:
    factors: list[tuple[str, Part]] = []
    for factor in x.args:
        below = reciprocal_of(factor)
        if below is not None:
            factors.append(("./", below))
        else:
            factors.append((".*" if factors else "", factor))
    return Product(False, tuple(factors))


def _power(x: Expr) -> Reading:
    below = reciprocal_of(x)
    if below is not None:
        return Product(False, (("/" if x.is_scalar else "./", below),))
    base, exponent = x.args
    small = None if exponent.is_scalar else bare(base, x.shape)
    return Power(base if small is None else small, exponent, not x.is_scalar)


# --- the rest -------------------------------------------------------------------------------------------


def _pair(x: Expr) -> tuple[Part, Part]:
    """Two operands of one shape, a lifted scalar among them bare if the other shows the shape."""
    left, right = x.args
    short_left, short_right = _bare_scalar(left), _bare_scalar(right)
    if short_right is not None:
        return left, short_right
    return left if short_left is None else short_left, right


def _bare_scalar(x: Expr) -> Expr | None:
    small = bare(x, x.shape)
    return small if small is not None and small.is_scalar else None


def _constant(x: Expr) -> Reading:
    data: Any = x.data
    m, n = data
    if x.op == "eye" or (x.op == "ones" and n is ONE):
        return Call(x.op, (Size(m),))
    return Call(x.op, (Size(m), Size(n)))


def _undefined(x: Expr) -> Reading:
    data: Any = x.data
    name, kind, derivative = data
    if kind.args is None:
        mark = "'" * derivative
        return Undefined(name, mark, False, x.args)
    gradient = kind.result.shape == SCALAR
    if not derivative:
        mark = ""
    elif len(x.args) > 1:
        mark = ",".join(str(i + 1) for i in derivative)
    else:
        mark = "hess" if len(derivative) == 2 else "grad" if gradient else "D"
    return Undefined(name, mark, gradient, x.args)


def _blocks(x: Expr) -> Reading:
    data: Any = x.data
    height, width = data
    return Blocks(tuple(x.args[i * width : (i + 1) * width] for i in range(height)))


def _entries(x: Expr) -> Reading:
    data: Any = x.data
    base, *rest = x.args
    index: list[Any] = []
    for spec in data:
        if spec[0] == "at":
            index.append(rest.pop(0))
        else:
            index.append((None, None) if spec[0] == "all" else (spec[1], spec[2]))
    if base.cols is ONE and data[1] == ("all",):
        index.pop()
    elif base.rows is ONE and data[0] == ("all",):
        index.pop(0)
    return Entries(base, tuple(index))


def _index_sum(x: Expr) -> Reading:
    index, low, high, body = x.args
    return IndexSum(str(index.data), low, high, _over_all(index, low, high, body), body)


def _over_all(index: Expr, low: Expr, high: Expr, body: Expr) -> bool:
    """Whether the bounds are those of all that the index indexes in the body."""
    if _value(low) != 0:
        return False
    sizes = indexed_sizes(index, body)
    return len(sizes) == 1 and high is last_index(sizes[0])


def last_index(size: Dim) -> Expr:
    """size - 1, as a number or as the difference that it is typed as."""
    return num(size.number - 1) if size.number is not None else add(dim(size), num(-1))


def indexed_sizes(index: Expr, body: Expr) -> list[Dim]:
    """The distinct sizes that ``index`` runs over as a bare index of slices in ``body``."""
    sizes: list[Dim] = []
    for node in topological(body):
        if node.op == "slice" and index in node.args[1:]:
            data: Any = node.data
            rest = list(node.args[1:])
            for spec, size in zip(data, node.args[0].shape, strict=True):
                if spec[0] == "at" and rest.pop(0) is index and size not in sizes:
                    sizes.append(size)
    return sizes


_READ: dict[str, Callable[[Any], Reading]] = {
    "num": lambda x: Number(x.data),
    "const": lambda x: Name(x.data),
    "sym": lambda x: Name(x.data[0]),
    "idx": lambda x: Name(x.data),
    "dim": lambda x: Size(x.data),
    "eye": _constant,
    "ones": _constant,
    "zeros": _constant,
    "commutation": _constant,
    "unit": lambda x: Call("unit", (x.args[0], Size(x.data))),
    "unvec": lambda x: Call("unvec", (x.args[0], Size(x.data[0]), Size(x.data[1]))),
    "add": _sum,
    "mul": _product,
    "had": _had,
    "pow": _power,
    "matpow": lambda x: Power(x.args[0], x.args[1], False),
    "t": lambda x: Transposed(x.args[0]),
    "d": lambda x: Differential(x.args[0]),
    "part": lambda x: Call(PARTS[x.data], x.args),
    "sum": lambda x: Call("sum", x.args, x.data),
    "mean": lambda x: Call("mean", x.args, x.data),
    "softmax": lambda x: Call("softmax", x.args, x.data),
    "logsumexp": lambda x: Call("logsumexp", x.args, x.data),
    "fn": lambda x: Call(x.data, x.args),
    "mfn": lambda x: Call(x.data, x.args),
    "spectral": lambda x: Call(x.data, x.args),
    "frechet": lambda x: Call(f"{x.data}_frechet", x.args),
    "max2": lambda x: Call("max", _pair(x)),
    "min2": lambda x: Call("min", _pair(x)),
    "cmp": lambda x: Relation(x.data, *_pair(x)),
    "ufn": _undefined,
    "block": _blocks,
    "slice": _entries,
    "isum": _index_sum,
}
