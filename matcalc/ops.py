"""Constructors of expressions: one for each operation, each checks the shapes. Nothing is simplified.

Representation, in one place:

========== ============================= ======================================================
op         args                          data
========== ============================= ======================================================
num                                      Fraction
const                                    "pi"
sym                                      (name, Kind)
dim                                      Dim: a dimension used as a number
idx                                      name of a bound index (a scalar integer)
eye ones zeros commutation               the dimensions (Dim, Dim)
unit       k                             n: the k-th unit vector of length n, k from 0
add        terms, all of one shape       (n-ary, flat)
mul        factors as written            (n-ary, flat; scalars anywhere; an inner product that
                                         stands among matrices is a nested scalar mul)
had        factors, all of one shape     (n-ary, flat) elementwise product, not scalar
pow        base, exponent                elementwise power; exponent scalar or of base's shape
matpow     A, k                          integer power of a square matrix, k a scalar expression
t inv det logdet tr adj pinv vec         X
diagmat / diagvec                        X (both are written diag)
unvec      v                             (m, n): the m x n matrix whose vec is v
part       X                             "lower" or "upper": that triangle of X with the diagonal, else 0;
                                         "toeplitz": each diagonal of X replaced by its mean
kron       A, B
sum mean   X                             None: all entries; 0: a row; 1: a vector
prod norm1 norm2 maxel minel             X: over all entries
fn         X                             name of an elementwise function
max2 min2  X, Y of one shape             elementwise
cmp        X, Y of one shape             "<" "<=" ">" ">=" "==": 1 where it holds, else 0
softmax logsumexp                        X; data None (vector or row), 0 (each column), 1 (each row)
mfn        X                             expm logm sqrtm sinm cosm
spectral   X                             eigvals eigvecs (X symmetric), svdvals svd_u svd_v (X m x n: n
                                         values, m x n, n x n), normnuc norm_spectral; see ``spectra``
frechet    X, E                          the same names: the directional derivative at X along E
ufn        arguments                     (name, Kind, derivative): an undefined function; elementwise:
                                         derivative is its order; otherwise a tuple of argument numbers
                                         (none, one, or two in order)
block      entries, row by row           (block rows, block columns)
slice      X, index expressions          (rows, columns), each ("all",), ("range", start, stop) or
                                         ("at",), which takes the next index expression
isum       index, low, high, body        sum of body for index = low, ..., high
tensor     all scalars and arrays        an array with more than two axes, for code: see ``tensor``
unstacked  V                             the array whose axes V stacks, for code: (sizes, lead)
mapped     i, j, f(unit matrix i, j)     the array f.shape + X.shape of a linear map f of X, for code: X.shape
d          X                             the differential of X, for derivations (written dX or d(...))
========== ============================= ======================================================

``a - b`` is ``a + (-1)*b``, ``a / b`` is ``a * b^-1`` (elementwise for arrays): they have no nodes of their own.
A scalar s added to an array stands as ``s*ones(m, n)``, a row b added to a matrix as ``ones(m, 1)*b`` (``lift``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from matcalc.errors import ShapeError, UnsupportedError
from matcalc.expr import Expr, node
from matcalc.expr import replace as _replace
from matcalc.kinds import Kind
from matcalc.shapes import ONE, SCALAR, Dim, Shape, shape_text

ELEMENTWISE_NAMES = (
    "exp log log1p expm1 sqrt sin cos tan arcsin arccos arctan sinh cosh tanh sigmoid softplus relu gelu "
    "erf lgamma digamma trigamma abs sign"
).split()
MATRIX_FUNCTIONS = "expm logm sqrtm sinm cosm".split()
SPECTRAL = "eigvals eigvecs svdvals svd_u svd_v normnuc norm_spectral".split()
COMPARISONS = ("<", "<=", ">", ">=", "==")
PARTS = {"lower": "tril", "upper": "triu", "toeplitz": "toeplitz"}  # how they are written


# --- leaves ---------------------------------------------------------------------------------------


def num(value: int | Fraction) -> Expr:
    """An exact number."""
    return node("num", (), Fraction(value), SCALAR)


def const(name: str) -> Expr:
    """A named constant: ``pi``."""
    return node("const", (), name, SCALAR)


def sym(name: str, kind: Kind) -> Expr:
    """A variable of that kind."""
    return node("sym", (), (name, kind), kind.shape)


def dim(value: Dim) -> Expr:
    """A dimension used as a number: a node for a name; a polynomial is the sum of products that it is typed as."""
    if value.name is not None:
        return node("dim", (), value, SCALAR)
    if value.number is not None:
        return num(value.number)
    terms: list[Expr] = []
    for names, factor in sorted(value.terms, key=lambda term: (-len(term[0]), term[0])):  # as it is printed
        front = [num(factor)] if factor != 1 or not names else []
        terms.append(mul(*front, *(node("dim", (), Dim.of(name), SCALAR) for name in names)))
    return add(*terms)


def idx(name: str) -> Expr:
    """A bound index: a scalar integer."""
    return node("idx", (), name, SCALAR)


def eye(n: Dim) -> Expr:
    """The identity matrix, n x n; for n = 1 the number 1."""
    return num(1) if n is ONE else node("eye", (), (n, n), (n, n))


def ones(m: Dim, n: Dim) -> Expr:
    """The m x n array of ones; 1 x 1 is the number 1."""
    return num(1) if (m, n) == SCALAR else node("ones", (), (m, n), (m, n))


def zeros(m: Dim, n: Dim) -> Expr:
    """The m x n array of zeros; 1 x 1 is the number 0."""
    return num(0) if (m, n) == SCALAR else node("zeros", (), (m, n), (m, n))


def commutation(m: Dim, n: Dim) -> Expr:
    """K with K*vec(A) = vec(A') for A m x n; mn x mn (Magnus & Neudecker, sec. 3.7). A row or a vector stays."""
    return eye(m * n) if m is ONE or n is ONE else node("commutation", (), (m, n), (m * n, m * n))


def unit(k: Expr, n: Dim) -> Expr:
    """The k-th unit vector of length n, counted from 0; of length 1 the number 1."""
    _scalar("unit", k)
    return num(1) if n is ONE else node("unit", (k,), n, (n, ONE))


# --- sums and products ----------------------------------------------------------------------------

# A nested sum or product of more parts is kept as it stands: names shared again and again (b = a + a, c = b + b,
# ...) would otherwise double the length of the expression with every line.
LONGEST_FLATTENED = 64


def add(*terms: Expr) -> Expr:
    """Sum of terms of one shape; nested sums are flattened; one term is itself."""
    flat: list[Expr] = []
    for term in terms:
        flat.extend(term.args if term.op == "add" and len(term.args) <= LONGEST_FLATTENED else (term,))
    if not flat:
        raise ShapeError("an empty sum has no shape")
    shape = flat[0].shape
    for term in flat:
        if term.shape != shape:
            raise ShapeError(f"shapes do not fit in a sum: {shape_text(shape)} and {shape_text(term.shape)}")
    return flat[0] if len(flat) == 1 else node("add", tuple(flat), None, shape)


def mul(*factors: Expr) -> Expr:
    """Matrix product; scalars may stand anywhere. Nested products are flattened, then inner products regrouped.

    ``mul(A, mul(x', y))`` and ``mul(A, x', y)`` are the same node. ShapeError if no grouping fits.
    """
    flat: list[Expr] = []
    for factor in factors:
        _flatten_product(factor, flat)
    if not flat:
        return num(1)
    if len(flat) == 1:
        return flat[0]
    args, shape = group_product(flat)
    return args[0] if len(args) == 1 else node("mul", tuple(args), None, shape)


def _flatten_product(factor: Expr, flat: list[Expr]) -> None:
    if factor.op != "mul" or len(factor.args) > LONGEST_FLATTENED:
        flat.append(factor)
        return
    for part in factor.args:
        if part.op == "mul":  # an inner product: nested one level at most
            _flatten_product(part, flat)
        else:
            flat.append(part)


def group_product(flat: Sequence[Expr]) -> tuple[list[Expr], Shape]:
    """Arrange a flat product into factors that fit, inner products becoming scalar factors.

    The stack holds open chains; a factor that does not fit the open chain begins one of its own (it must be a
    row, the start of an inner product), and a chain that closes to 1 x 1 becomes a scalar of the chain below.
    """
    stack: list[list[Expr]] = [[]]
    shapes: list[Shape | None] = [None]

    def close() -> None:
        while len(stack) > 1 and shapes[-1] == SCALAR:
            inner = stack.pop()
            shapes.pop()
            stack[-1].append(node("mul", tuple(inner), None, SCALAR) if len(inner) > 1 else inner[0])

    for factor in flat:
        if factor.shape == SCALAR:
            stack[-1].append(factor)
            continue
        while True:
            top = shapes[-1]
            if top is None:
                shapes[-1] = factor.shape
                stack[-1].append(factor)
                break
            if top[1] is factor.shape[0]:
                shapes[-1] = (top[0], factor.shape[1])
                stack[-1].append(factor)
                break
            if top == SCALAR:  # a finished inner product: a scalar before what follows
                inner = _close_bottom(stack[-1])
                stack[-1] = inner
                shapes[-1] = None
                continue
            if factor.shape[0] is ONE:
                stack.append([factor])
                shapes.append(factor.shape)
                break
            raise ShapeError(
                f"shapes do not fit in a product: {shape_text(top)} times {shape_text(factor.shape)}"
            )
        close()
    if len(stack) > 1:
        below, top = shapes[-2], shapes[-1]
        assert below is not None and top is not None
        raise ShapeError(f"shapes do not fit in a product: {shape_text(below)} times {shape_text(top)}")
    return stack[0], shapes[0] or SCALAR


def _close_bottom(chain: list[Expr]) -> list[Expr]:
    """Fold the factors of a 1 x 1 chain into one scalar; plain scalars before the first matrix stay."""
    first = next(i for i, f in enumerate(chain) if f.shape != SCALAR)
    inner = tuple(chain[first:])
    return [*chain[:first], inner[0] if len(inner) == 1 else node("mul", inner, None, SCALAR)]


def neg(x: Expr) -> Expr:
    """-x, as (-1)*x; a leading number takes the sign, and two signs cancel."""
    if x.op == "num":
        return num(-x.data)  # type: ignore[operator]
    if x.op == "mul" and x.args[0].op == "num":
        return mul(*(x.args[1:] if x.args[0].data == -1 else (neg(x.args[0]), *x.args[1:])))
    return mul(num(-1), x)


def sub(x: Expr, y: Expr) -> Expr:
    """x - y, as x + (-1)*y."""
    return add(x, neg(y))


def had(*factors: Expr) -> Expr:
    """Elementwise product of arrays of one shape, flattened; of scalars the product. Scalars come out in front."""
    scalars = [f for f in factors if f.is_scalar]
    flat: list[Expr] = []
    for factor in factors:
        if not factor.is_scalar:
            flat.extend(factor.args if factor.op == "had" and len(factor.args) <= LONGEST_FLATTENED else (factor,))
    if not flat:
        return mul(*scalars)
    shape = flat[0].shape
    for factor in flat:
        if factor.shape != shape:
            raise ShapeError(
                f"shapes do not fit in an elementwise product: {shape_text(shape)} and {shape_text(factor.shape)}"
            )
    product = flat[0] if len(flat) == 1 else node("had", tuple(flat), None, shape)
    return mul(*scalars, product) if scalars else product


def power(base: Expr, exponent: Expr) -> Expr:
    """Power of a scalar, or elementwise power of an array; the exponent is scalar or of the base's shape."""
    if not exponent.is_scalar:
        base = lift(base, exponent.shape)
        _same("an elementwise power", base, exponent)
    return node("pow", (base, exponent), None, base.shape)


def div(x: Expr, y: Expr) -> Expr:
    """x / y: by a scalar, or elementwise for arrays of one shape; 1 / y is y^-1, of numbers the number."""
    if x.op == "num" and (x.data == 1 or (y.op == "num" and y.data)):
        return reciprocal(y) if x.data == 1 else num(x.data / y.data)  # type: ignore[operator]
    return had(x, reciprocal(y)) if not (x.is_scalar or y.is_scalar) else mul(x, reciprocal(y))


def reciprocal(y: Expr) -> Expr:
    """1 / y, elementwise; of a number the number."""
    if y.op == "num" and y.data:
        return num(1 / y.data)  # type: ignore[operator]
    return power(y, num(-1))


def matpow(a: Expr, k: Expr) -> Expr:
    """A^k for a square matrix A and a scalar integer k >= 0 (scalars take ``power``)."""
    _square("a matrix power", a)
    _scalar("the exponent of a matrix power", k)
    return power(a, k) if a.is_scalar else node("matpow", (a, k), None, a.shape)


# --- unary matrix operations ----------------------------------------------------------------------


def transpose(x: Expr) -> Expr:
    """X'; a scalar is its own transpose."""
    return x if x.is_scalar else node("t", (x,), None, (x.cols, x.rows))


def inv(x: Expr) -> Expr:
    """Inverse of a square matrix; of a scalar the reciprocal."""
    _square("inv", x)
    return reciprocal(x) if x.is_scalar else node("inv", (x,), None, x.shape)


def det(x: Expr) -> Expr:
    """Determinant of a square matrix."""
    _square("det", x)
    return x if x.is_scalar else node("det", (x,), None, SCALAR)


def logdet(x: Expr) -> Expr:
    """log(det(X)), det X > 0."""
    _square("logdet", x)
    return fn("log", x) if x.is_scalar else node("logdet", (x,), None, SCALAR)


def trace(x: Expr) -> Expr:
    """Trace of a square matrix; a scalar is its own trace."""
    _square("tr", x)
    return x if x.is_scalar else node("tr", (x,), None, SCALAR)


def inner(a: Expr, b: Expr) -> Expr:
    """The inner product of two arrays of one shape: a'b, for matrices tr(A'B)."""
    if a.is_scalar or b.is_scalar:
        return mul(a, b)
    if a.cols is ONE:
        return mul(transpose(a), b)
    if a.rows is ONE:
        return mul(a, transpose(b))
    return trace(mul(transpose(a), b))


def adj(x: Expr) -> Expr:
    """Adjugate: adj(X)*X = det(X)*eye."""
    _square("adj", x)
    return num(1) if x.is_scalar else node("adj", (x,), None, x.shape)


def pinv(x: Expr) -> Expr:
    """Moore-Penrose inverse, n x m."""
    return node("pinv", (x,), None, (x.cols, x.rows))


def spectral(name: str, x: Expr) -> Expr:
    """Eigenvalues and vectors of a symmetric matrix; singular values and vectors; nuclear and spectral norm.

    A matrix of one column is its length times a unit vector: its norms and its singular value are the length.
    """
    if name.startswith("eig"):
        _square(name, x)
        if x.is_scalar:
            return x if name == "eigvals" else num(1)
        return node("spectral", (x,), name, (x.rows, ONE) if name == "eigvals" else x.shape)
    if name.startswith("norm"):
        lengthwise = x.rows is ONE or x.cols is ONE
        return norm2(x) if lengthwise else node("spectral", (x,), name, SCALAR)
    if x.cols is ONE:
        if name == "svd_v":
            return num(1)
        return norm2(x) if name == "svdvals" else mul(x, reciprocal(norm2(x)))
    if x.rows is ONE or (name == "svdvals" and is_wide(x)):
        raise ShapeError(
            f"{name} takes a matrix with at least as many rows as columns, not {shape_text(x.shape)}",
            hint="X' has the same singular values",
        )
    shapes = {"svdvals": (x.cols, ONE), "svd_u": x.shape, "svd_v": (x.cols, x.cols)}
    return node("spectral", (x,), name, shapes[name])


def is_wide(x: Expr) -> bool:
    """Whether there are more columns than rows at every size."""
    return ((x.cols - x.rows).number or 0) > 0


def diag(x: Expr) -> Expr:
    """The diagonal matrix of a vector or row; the diagonal of a square matrix as a vector."""
    if x.is_scalar:
        return x
    if x.rows is ONE or x.cols is ONE:
        n = x.cols if x.rows is ONE else x.rows
        return node("diagmat", (x,), None, (n, n))
    _square("diag", x)
    return node("diagvec", (x,), None, (x.rows, ONE))


def diagvec(x: Expr) -> Expr:
    """The diagonal of a square matrix as a vector."""
    _square("diag", x)
    return x if x.is_scalar else node("diagvec", (x,), None, (x.rows, ONE))


def vec(x: Expr) -> Expr:
    """The columns of X stacked, mn x 1."""
    return x if x.cols is ONE else node("vec", (x,), None, (x.rows * x.cols, ONE))


def unvec(v: Expr, m: Dim, n: Dim) -> Expr:
    """The m x n matrix whose vec is v."""
    if v.shape != (m * n, ONE):
        raise ShapeError(f"unvec to {m} x {n} needs a vector of length {m * n}, not {shape_text(v.shape)}")
    return v if n is ONE else node("unvec", (v,), (m, n), (m, n))


def part(which: str, x: Expr) -> Expr:
    """The nearest matrix that is lower triangular, upper triangular, Toeplitz: tril(X), triu(X), toeplitz(X).

    Of the triangles the diagonal and one side of it stay; toeplitz replaces the entries of each diagonal by their mean.
    """
    _square(PARTS[which], x)
    return x if x.is_scalar else node("part", (x,), which, x.shape)


def kron(a: Expr, b: Expr) -> Expr:
    """Kronecker product; with a scalar the ordinary product."""
    if a.is_scalar or b.is_scalar:
        return mul(a, b)
    return node("kron", (a, b), None, (a.rows * b.rows, a.cols * b.cols))


# --- reductions -----------------------------------------------------------------------------------


def total(x: Expr, axis: int | None = None) -> Expr:
    """Sum of all entries; ``axis=0``: the row of column sums; ``axis=1``: the vector of row sums."""
    return _reduction("sum", x, axis)


def mean(x: Expr, axis: int | None = None) -> Expr:
    """Mean of all entries, or along an axis as ``total``."""
    return _reduction("mean", x, axis)


def _reduction(op: str, x: Expr, axis: int | None) -> Expr:
    shape = {None: SCALAR, 0: (ONE, x.cols), 1: (x.rows, ONE)}[axis]
    return x if x.shape == shape else node(op, (x,), axis, shape)


def _all_entries(op: str) -> Callable[[Expr], Expr]:
    def build(x: Expr) -> Expr:
        return node(op, (x,), None, SCALAR)

    return build


prod = _all_entries("prod")
norm1 = _all_entries("norm1")
norm2 = _all_entries("norm2")
maxel = _all_entries("maxel")
minel = _all_entries("minel")


# --- elementwise ----------------------------------------------------------------------------------


def fn(name: str, x: Expr) -> Expr:
    """An elementwise function by name."""
    assert name in ELEMENTWISE_NAMES, name
    return node("fn", (x,), name, x.shape)


def _pair(op: str, x: Expr, y: Expr, data: Any = None) -> Expr:
    if x.is_scalar and not y.is_scalar:
        x = lift(x, y.shape)
    elif y.is_scalar and not x.is_scalar:
        y = lift(y, x.shape)
    _same(op, x, y)
    return node(op, (x, y), data, x.shape)


def max2(x: Expr, y: Expr) -> Expr:
    """The larger one, elementwise; a scalar is lifted."""
    return _pair("max2", x, y)


def min2(x: Expr, y: Expr) -> Expr:
    """The smaller one, elementwise; a scalar is lifted."""
    return _pair("min2", x, y)


def compare(relation: str, x: Expr, y: Expr) -> Expr:
    """1 where the relation holds, 0 elsewhere; a scalar is lifted."""
    assert relation in COMPARISONS, relation
    return _pair("cmp", x, y, relation)


def softmax(x: Expr, axis: int | None = None) -> Expr:
    """exp(x)/sum(exp(x)) over a vector or row, or along the axis of a matrix."""
    axis = _axis("softmax", x, axis)
    return node("softmax", (x,), axis, x.shape)


def logsumexp(x: Expr, axis: int | None = None) -> Expr:
    """log(sum(exp(x))) over a vector or row, or along the axis of a matrix."""
    axis = _axis("logsumexp", x, axis)
    shape = {None: SCALAR, 0: (ONE, x.cols), 1: (x.rows, ONE)}[axis]
    return node("logsumexp", (x,), axis, shape)


def _axis(name: str, x: Expr, axis: int | None) -> int | None:
    line = x.rows is ONE or x.cols is ONE
    if axis is None and not line:
        raise ShapeError(f"{name} of a matrix needs an axis: {name}(X, axis=0) or {name}(X, axis=1)")
    if line and axis == (0 if x.cols is ONE else 1):
        return None  # along its only direction
    return axis


def mfn(name: str, x: Expr) -> Expr:
    """A matrix function (not elementwise); of a scalar the elementwise one."""
    _square(name, x)
    if x.is_scalar:
        return fn(name[:-1], x)
    return node("mfn", (x,), name, x.shape)


def frechet(name: str, x: Expr, e: Expr) -> Expr:
    """The derivative of a matrix function at X along E."""
    _square(name, x)
    _same(f"{name}_frechet", x, e)
    return node("frechet", (x, e), name, x.shape)


def ufn(name: str, kind: Kind, args: Sequence[Expr], derivative: int | tuple[int, ...]) -> Expr:
    """An undefined function applied, or one of its derivatives.

    Elementwise: ``derivative`` is the order and the shape is the argument's. Otherwise a tuple of argument numbers:
    () the value, (i,) the derivative by argument i: the gradient of a scalar-valued function (shape of the
    argument), the Jacobian m x n of a vector-valued one; (i, j) the second derivatives of a scalar-valued function,
    size of argument i x size of argument j. The node has i <= j: by j and i it is the transpose.
    """
    args = tuple(args)
    if kind.args is None:
        if len(args) != 1:
            raise ShapeError(f"{name} is elementwise and takes one argument, not {len(args)}")
        return node("ufn", args, (name, kind, derivative), args[0].shape)
    assert kind.result is not None and isinstance(derivative, tuple)
    if len(args) != len(kind.args):
        raise ShapeError(f"{name} takes {len(kind.args)} arguments, not {len(args)}")
    for given, wanted in zip(args, kind.args, strict=True):
        if given.shape != wanted.shape:
            raise ShapeError(f"{name} takes a {wanted.text()}, not {shape_text(given.shape)}")
    if len(derivative) == 2 and derivative[0] > derivative[1]:
        return transpose(ufn(name, kind, args, derivative[::-1]))
    return node("ufn", args, (name, kind, derivative), derivative_shape(name, kind, derivative))


def derivative_shape(name: str, kind: Kind, derivative: tuple[int, ...]) -> Shape:
    """The shape of an undefined function that is not elementwise, or of its derivative by these arguments."""
    assert kind.args is not None and kind.result is not None
    value, along = kind.result.shape, [kind.args[i].shape for i in derivative]
    if not along:
        return value
    if len(along) == 1:
        if value == SCALAR:
            return along[0]
        if ONE not in along[0] or ONE not in value:
            raise UnsupportedError(f"the derivative of {name} by a matrix argument has no matrix form")
        return (_size_of(value), _size_of(along[0]))
    if value != SCALAR:
        raise UnsupportedError(
            f"second derivatives of {name} are not supported: it is not scalar-valued, so they are an array of "
            f"three axes or more",
            hint=f"declare {name}: function if it works entry by entry; then its derivatives are {name}', {name}''",
        )
    if len(along) > 2:
        raise UnsupportedError(
            f"third derivatives of {name} are not supported: for an undefined function there are the gradient and "
            f"second derivatives"
        )
    if any(ONE not in shape for shape in along):
        raise UnsupportedError(
            f"second derivatives of {name} by a matrix argument are not supported: they are an array of three axes "
            f"or more"
        )
    return (_size_of(along[0]), _size_of(along[1]))


def _size_of(shape: Shape) -> Dim:
    """The number of entries of a scalar, a vector or a row."""
    return shape[0] if shape[1] is ONE else shape[1]


# --- blocks, entries, sums over an index ----------------------------------------------------------


def block(rows: Sequence[Sequence[Expr]]) -> Expr:
    """``[a, b; c, d]``: heights agree along a block row, total widths agree between block rows."""
    width: Dim | None = None
    height = Dim.of(0)
    for row in rows:
        if any(entry.rows is not row[0].rows for entry in row):
            raise ShapeError("the blocks of one row must have the same number of rows")
        total_width = sum((entry.cols for entry in row[1:]), row[0].cols)
        if width is not None and width is not total_width:
            raise ShapeError(f"the block rows have different widths: {width} and {total_width}")
        width = total_width
        height = height + row[0].rows
    assert width is not None
    if len({len(row) for row in rows}) > 1:
        # uneven rows: each row is a block of its own
        return block([[block([row])] for row in rows])
    flat = tuple(entry for row in rows for entry in row)
    if len(flat) == 1:
        return flat[0]
    return node("block", flat, (len(rows), len(rows[0])), (height, width))


def slice_(x: Expr, rows: tuple[Any, ...], cols: tuple[Any, ...], *index: Expr) -> Expr:
    """Entries of X: each of ``rows``, ``cols`` is ("all",), ("range", start, stop) with integers or None
    (from 0, stop excluded, negative from the end), or ("at",), which takes the next scalar index expression."""
    shape = (_extent(rows, x.rows), _extent(cols, x.cols))
    return node("slice", (x, *index), (rows, cols), shape)


def _extent(spec: tuple[Any, ...], size: Dim) -> Dim:
    if spec[0] == "all":
        return size
    if spec[0] == "at":
        return ONE
    start, stop = spec[1] or 0, spec[2]
    first = size + start if start < 0 else Dim.of(start)
    last = size if stop is None else (size + stop if stop < 0 else Dim.of(stop))
    extent = last - first
    known = extent.number
    if known is not None and known <= 0:
        raise ShapeError(f"the slice {spec[1] or ''}:{'' if stop is None else stop} is empty")
    limit = size.number
    if limit is not None and not all((v.number or 0) <= limit for v in (first, last)):
        raise ShapeError(f"the slice reaches beyond the size {size}")
    return extent


def isum(index: Expr, low: Expr, high: Expr, body: Expr) -> Expr:
    """Sum of ``body`` for ``index`` = low, low + 1, ..., high."""
    assert index.op == "idx"
    return node("isum", (index, low, high, body), None, body.shape)


def formal_differential(x: Expr) -> Expr:
    """dX as a formal quantity of X's shape, for derivations; nothing is computed."""
    return node("d", (x,), None, x.shape)


def tensor(
    indices: tuple[str, ...],
    sizes: tuple[Dim, ...],
    lead: int,
    terms: Sequence[tuple[Sequence[Expr], Sequence[tuple[str, str, Dim]], Sequence[tuple[Expr, tuple[str, ...]]]]],
) -> Expr:
    """The array T[indices] = sum of terms; a term is scalars * deltas * entries, summed over indices that are not free.

    As a node it counts as the matrix of its first ``lead`` axes by the others, stacked with the first index fastest.
    data: (indices, sizes, lead, ((number of scalars, deltas, indices of each entry), ...)).
    """
    args: list[Expr] = []
    data = []
    for scalars, deltas, entries in terms:
        args.extend([*scalars, *(array for array, _ in entries)])
        data.append((len(scalars), tuple(deltas), tuple(at for _, at in entries)))
    shape = [ONE, ONE]
    for i, size in enumerate(sizes):
        shape[i >= lead] = shape[i >= lead] * size
    return node("tensor", tuple(args), (indices, sizes, lead, tuple(data)), (shape[0], shape[1]))


def _tensor(data: Any, args: tuple[Expr, ...]) -> Expr:
    indices, sizes, lead, terms = data
    given = iter(args)
    rebuilt = [
        ([next(given) for _ in range(scalars)], deltas, [(next(given), at) for at in places])
        for scalars, deltas, places in terms
    ]
    return tensor(indices, sizes, lead, rebuilt)


def unstacked(v: Expr, sizes: tuple[Dim, ...], lead: int) -> Expr:
    """The array of ``sizes`` whose first ``lead`` axes V stacks as rows, the others as columns, first index fastest."""
    return node("unstacked", (v,), (sizes, lead), v.shape)


def mapped(i: Expr, j: Expr, body: Expr, rows: Dim, cols: Dim) -> Expr:
    """The array whose entries at [..., i, j] are ``body``, the value of a linear map at the unit matrix i, j."""
    assert i.op == j.op == "idx"
    return node("mapped", (i, j, body), (rows, cols), (body.rows * body.cols, rows * cols))


# --- scalars among arrays -------------------------------------------------------------------------


def lift(x: Expr, shape: Shape) -> Expr:
    """A scalar as the constant array s*ones(m, n); a row as the matrix ones(m, 1)*b. Same shape: itself."""
    if x.shape == shape:
        return x
    if x.is_scalar:
        if x.op == "num" and x.data == 1:
            return ones(*shape)
        if x.op == "num" and x.data == 0:
            return zeros(*shape)
        return mul(x, ones(*shape))
    if x.rows is ONE and x.cols is shape[1]:
        return mul(ones(shape[0], ONE), x)
    raise ShapeError(f"shapes do not fit: {shape_text(x.shape)} and {shape_text(shape)}")


def unlift(x: Expr) -> Expr | None:
    """The scalar of s*ones(m, n), the row of ones(m, 1)*b (with its scalar factors), else None."""
    if x.op == "ones":
        return num(1)
    if x.op == "zeros":
        return num(0)
    if x.op != "mul" or x.is_scalar:
        return None
    if x.args[-1].op == "ones" and x.args[-1].shape == x.shape:
        rest = mul(*x.args[:-1])
        return rest if rest.is_scalar else None
    matrices = [a for a in x.args if not a.is_scalar]
    if matrices[0].op == "ones" and matrices[0].cols is ONE and len(matrices) > 1 and matrices[1].rows is ONE:
        place = x.args.index(matrices[0])
        return mul(*x.args[:place], *x.args[place + 1 :])
    return None


# --- checks and rebuilding ------------------------------------------------------------------------


def _scalar(what: str, x: Expr) -> None:
    if not x.is_scalar:
        raise ShapeError(f"{what} must be a scalar, not {shape_text(x.shape)}")


def _square(what: str, x: Expr) -> None:
    if x.rows is not x.cols:
        raise ShapeError(f"{what} needs a square matrix, not {shape_text(x.shape)}")


def _same(what: str, x: Expr, y: Expr) -> None:
    if x.shape != y.shape:
        raise ShapeError(f"shapes do not fit in {what}: {shape_text(x.shape)} and {shape_text(y.shape)}")


_PLAIN: dict[str, Callable[..., Expr]] = {
    "add": add, "mul": mul, "had": had, "pow": power, "matpow": matpow, "t": transpose, "inv": inv, "det": det,
    "logdet": logdet, "tr": trace, "adj": adj, "pinv": pinv, "diagmat": diag, "diagvec": diagvec, "vec": vec,
    "kron": kron, "prod": prod, "norm1": norm1, "norm2": norm2, "maxel": maxel, "minel": minel, "max2": max2,
    "min2": min2, "isum": isum, "d": formal_differential,
}  # fmt: skip
_WITH_DATA: dict[str, Callable[[Any, tuple[Expr, ...]], Expr]] = {
    "unit": lambda d, a: unit(a[0], d),
    "unvec": lambda d, a: unvec(a[0], *d),
    "part": lambda d, a: part(d, a[0]),
    "sum": lambda d, a: total(a[0], d),
    "mean": lambda d, a: mean(a[0], d),
    "fn": lambda d, a: fn(d, a[0]),
    "cmp": lambda d, a: compare(d, *a),
    "softmax": lambda d, a: softmax(a[0], d),
    "logsumexp": lambda d, a: logsumexp(a[0], d),
    "mfn": lambda d, a: mfn(d, a[0]),
    "spectral": lambda d, a: spectral(d, a[0]),
    "frechet": lambda d, a: frechet(d, *a),
    "ufn": lambda d, a: ufn(d[0], d[1], a, d[2]),
    "block": lambda d, a: block([a[i * d[1] : (i + 1) * d[1]] for i in range(d[0])]),
    "tensor": _tensor,
    "unstacked": lambda d, a: unstacked(a[0], *d),
    "mapped": lambda d, a: mapped(a[0], a[1], a[2], *d),
    "slice": lambda d, a: slice_(a[0], d[0], d[1], *a[1:]),
}


def rebuild(old: Expr, args: Iterable[Expr]) -> Expr:
    """The same operation on other arguments."""
    args = tuple(args)
    plain = _PLAIN.get(old.op)
    if plain is not None:
        return plain(*args)
    return _WITH_DATA[old.op](old.data, args)


def substitute(root: Expr, mapping: dict[Expr, Expr]) -> Expr:
    """``root`` with nodes replaced."""
    return _replace(root, mapping, rebuild)
