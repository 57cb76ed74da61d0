"""Leaves, operations of linear algebra, blocks, entries and loops as instructions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from matcalc import ops
from matcalc.expr import Expr
from matcalc.generator.forms import Forms, Value, extent, full, turned
from matcalc.generator.instructions import Code
from matcalc.generator.lower_elementwise import numeric_power
from matcalc.generator.lower_products import total
from matcalc.shapes import ONE

_SYMMETRIC = frozenset(("symmetric", "spd", "diagonal"))

# --- leaves ---------------------------------------------------------------------------------------


def _sym(at: Forms, x: Expr) -> Value:
    kind = x.data[1]  # type: ignore[index]
    return full(at.make.input(x.name, extent(x.shape), bool(kind.facts & _SYMMETRIC)))


def _num(at: Forms, x: Expr) -> Value:
    assert isinstance(x.data, Fraction)
    return full(at.make.num(x.data))


def _const(at: Forms, x: Expr) -> Value:
    return full(at.make.call(str(x.data), (), ()))


def _dim(at: Forms, x: Expr) -> Value:
    return full(at.make.size(x.data))  # type: ignore[arg-type]


def _idx(at: Forms, x: Expr) -> Value:
    return full(at.make.index(str(x.data)))


def _constant(form: str, value: int) -> Callable[[Forms, Expr], Value]:
    def lower(at: Forms, x: Expr) -> Value:
        return Value(form, at.make.num(value))

    return lower


# --- linear algebra -------------------------------------------------------------------------------


def _t(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    return full(at.make.transpose(value.code)) if value.form == "full" else Value(turned(value.form), value.code)


def _inv(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    if value.form in ("diag", "eye"):
        return Value(value.form, at.make.product([], [value.code]))
    return full(at.chains.inverse(at.dense(x.args[0])))


def _det(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    if value.form == "diag":
        return full(at.make.call("prod", (value.code,), ()))
    return full(at.make.call("det", (at.dense(x.args[0]),), ()))


def _whole(key: Callable[[Expr], str]) -> Callable[[Forms, Expr], Value]:
    """An operation on whole arrays, by its key in the spelling table."""

    def lower(at: Forms, x: Expr) -> Value:
        return full(at.make.call(key(x), [at.dense(a) for a in x.args], extent(x.shape)))

    return lower


def _pinv(at: Forms, x: Expr) -> Value:
    code = at.dense(x.args[0])
    key = ("pinv_number", "pinv_line", "pinv")[code.ndim]
    return full(at.make.call(key, (code,), extent(x.shape)))


# name -> the decomposition that has it, and where
_DECOMPOSED = {
    "eigvals": ("eigh", 0), "eigvecs": ("eigh", 1), "svd_u": ("svd", 0), "svdvals": ("svd", 1), "svd_v": ("svd", 2),
}  # fmt: skip


def _spectral(at: Forms, x: Expr) -> Value:
    """From one decomposition with vectors if these are asked for, else the values alone."""
    (matrix,), name = x.args, str(x.data)
    code = at.dense(matrix)
    vectors = "eigvecs" if name.startswith("eig") else "svd_u"
    if not any(ops.spectral(v, matrix) in at.uses for v in (vectors, "svd_v")):
        return full(at.make.call(name, (code,), extent(x.shape)))
    head, place = _DECOMPOSED.get(name, ("svd", 1))
    whole = at.make.call(head, (code,), ())
    found = at.make.call("member", (whole,), (extent(x.shape) or (matrix.cols,)), place)
    if name == "normnuc":
        return full(at.make.total(found))
    if name == "norm_spectral":
        return full(at.make.call("max", (found,), ()))
    return full(found)


def _matpow(at: Forms, x: Expr) -> Value:
    base, exponent = x.args
    value = at.values[base]
    number = exponent.data if exponent.op == "num" else None
    assert number is None or isinstance(number, Fraction)
    if number is not None and number >= 1 and value.form in ("diag", "eye"):
        return Value(value.form, numeric_power(at, value.code, number))
    if number == 0:
        return Value("eye", at.make.num(1))
    code = at.dense(base)
    if number == 1:
        return full(code)
    if number == 2:
        return full(at.make.matmul(code, code))
    return full(at.make.call("matrix_power", (code, at.integer(exponent)), code.shape))


def _diagmat(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    return Value("eye" if value.form == "fill" else "diag", value.code)


def _part(at: Forms, x: Expr) -> Value:
    """A triangle with the diagonal, of a diagonal matrix the matrix; the means of the diagonals."""
    value = at.values[x.args[0]]
    if value.form == "eye" or (value.form == "diag" and x.data != "toeplitz"):
        return value
    return _whole(lambda part: str(part.data))(at, x)


def _vec(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    if value.form == "fill":
        return value
    code = at.dense(x.args[0])
    return full(at.chains.flat(at.make.transpose(code)) if code.ndim == 2 else code)


def _unvec(at: Forms, x: Expr) -> Value:
    value = at.values[x.args[0]]
    rows, cols = x.shape
    code = value.code
    if value.form == "fill" or ONE in x.shape:
        return value
    if code.op == "call" and code.data == ("ravel",) and code.args[0].shape == (cols, rows):
        return full(at.make.transpose(code.args[0]))
    shaped = at.make.call("reshape", (code, at.make.size(cols), at.make.size(rows)), (cols, rows))
    return full(at.make.transpose(shaped))


# --- over all entries -------------------------------------------------------------------------------


def _norm_one(at: Forms, x: Expr) -> Value:
    arg = x.args[0]
    value = at.values[arg]
    sizes = at.make.call("abs", (value.code,), value.code.shape)
    return full(sizes) if arg.is_scalar else total(at, Value(value.form, sizes), arg.shape, None)


def _norm_two(at: Forms, x: Expr) -> Value:
    code = at.dense(x.args[0])
    code = code.args[0] if code.op == "neg" else code
    return full(at.make.call("norm" if code.ndim else "abs", (code,), ()))


def _over_all(key: str) -> Callable[[Forms, Expr], Value]:
    def lower(at: Forms, x: Expr) -> Value:
        value = at.values[x.args[0]]
        repeated = key != "prod" and value.form in ("fill", "row", "col")
        code = value.code if repeated else at.dense(x.args[0])
        return full(at.make.call(key, (code,), ()) if code.ndim else code)

    return lower


# --- blocks, entries, loops ---------------------------------------------------------------------------


def _block(at: Forms, x: Expr) -> Value:
    make = at.make
    shape = extent(x.shape)
    codes = [at.dense(a) for a in x.args]
    if len(shape) == 1:
        return full(make.make("concat", tuple(codes), None, shape))
    columns = [c.ndim == 1 and a.cols is ONE for c, a in zip(codes, x.args, strict=True)]
    codes = [make.column(c) if column else c for c, column in zip(codes, columns, strict=True)]
    return full(make.make("block", tuple(codes), x.data, shape))


def _slice(at: Forms, x: Expr) -> Value:
    """Entries of an array; a range of one entry is that entry, since a dimension 1 has no axis."""
    make = at.make
    source = x.args[0]
    value = at.values[source]
    if value.form == "fill":
        return full(value.code) if x.is_scalar else value
    places: list[Any] = []
    given: list[Code] = []
    positions = iter(x.args[1:])
    for spec, size, kept in zip(x.data, source.shape, x.shape, strict=True):  # type: ignore[call-overload]
        position = next(positions) if spec[0] == "at" else None
        if size is ONE:
            continue
        if position is None and kept is not ONE:
            places.append((None, None) if spec[0] == "all" else (spec[1], spec[2]))
            continue
        places.append("at")
        given.append(make.num(spec[1] or 0) if position is None else at.integer(position))
    code = at.dense(source)
    if all(place == (None, None) for place in places):
        return full(code)
    if code.op != "T":
        return full(make.make("slice", (code, *given), tuple(places), extent(x.shape)))
    flipped = make.make("slice", (code.args[0], *reversed(given)), tuple(reversed(places)), extent(x.shape)[::-1])
    return full(make.transpose(flipped))


def _isum(at: Forms, x: Expr) -> Value:
    index, low, high, body = x.args
    value = at.values[body]
    places, positions, body_code = _scattered(at, value.code)
    args = (at.integer(low), at.integer(high), body_code, *positions)
    return Value(value.form, at.make.make("loop", args, (index.data, places), value.code.shape))


def _scattered(at: Forms, code: Code) -> tuple[tuple[str, ...], tuple[Code, ...], Code]:
    """Where a multiple of a unit vector, or of an outer product with one, is not zero; there, what it is."""
    make = at.make
    scalars: list[Code] = []
    core = code
    while core.ndim:
        if core.op == "neg":
            scalars.append(make.num(-1))
            core = core.args[0]
        elif core.op == "div" and not core.args[1].ndim:
            scalars.append(make.div(make.num(1), core.args[1]))
            core = core.args[0]
        elif core.op == "mul" and sum(a.ndim > 0 for a in core.args) == 1:
            scalars.extend(a for a in core.args if not a.ndim)
            core = next(a for a in core.args if a.ndim)
        else:
            break
    vectors = core.args if core.op == "outer" else (core,)
    units = [v.op == "call" and v.data[0] == "unit" for v in vectors]
    if not any(units):
        return (), (), code
    places = tuple("at" if unit else ":" for unit in units)
    positions = tuple(v.args[0] for v, unit in zip(vectors, units, strict=True) if unit)
    rest = [v for v, unit in zip(vectors, units, strict=True) if not unit]
    return places, positions, make.product([*scalars, *rest])


MATRICES: dict[str, Callable[[Forms, Expr], Value]] = {
    "sym": _sym,
    "num": _num,
    "const": _const,
    "dim": _dim,
    "idx": _idx,
    "eye": _constant("eye", 1),
    "ones": _constant("fill", 1),
    "zeros": _constant("fill", 0),
    "t": _t,
    "inv": _inv,
    "det": _det,
    "logdet": _whole(lambda x: "logdet"),
    "adj": _whole(lambda x: "adj"),
    "pinv": _pinv,
    "matpow": _matpow,
    "mfn": _whole(lambda x: str(x.data)),
    "spectral": _spectral,
    "frechet": _whole(lambda x: f"{x.data}_frechet"),
    "diagmat": _diagmat,
    "part": _part,
    "vec": _vec,
    "unvec": _unvec,
    "prod": _over_all("prod"),
    "maxel": _over_all("max"),
    "minel": _over_all("min"),
    "norm1": _norm_one,
    "norm2": _norm_two,
    "block": _block,
    "slice": _slice,
    "isum": _isum,
}
