"""Sums and elementwise operations as instructions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from matcalc.expr import Expr
from matcalc.generator.forms import Forms, Value, extent, full
from matcalc.generator.instructions import Code, broadcast
from matcalc.generator.lower_products import diagonal, total
from matcalc.kinds import Kind
from matcalc.shapes import ONE


def _add(at: Forms, x: Expr) -> Value:
    make = at.make
    values = [at.values[a] for a in x.args]
    structured = [v for v in values if v.form in ("diag", "eye")]
    others = [v for v in values if v.form not in ("diag", "eye")]
    if structured and not others:
        form = "eye" if all(v.form == "eye" for v in structured) else "diag"
        vectors = [v.code for v in structured]
        return Value(form, make.add([(1, c) for c in vectors]))
    form, codes = at.joined(others, x.shape)
    if not structured:
        return Value(form, make.add([(1, c) for c in codes]))
    if form == "col":
        codes = [make.column(c) for c in codes]
    return full(make.add([(1, c) for c in [*codes, *(at.densify(v, x.shape) for v in structured)]]))


def _had(at: Forms, x: Expr) -> Value:
    values = [at.values[a] for a in x.args]
    if any(v.form in ("diag", "eye") for v in values):
        form = "eye" if all(v.form in ("eye", "fill") for v in values) else "diag"
        return Value(form, at.make.product([diagonal(at, a) for a in x.args]))
    over = [a for a in x.args if not divides(a)]
    under = [a for a in x.args if divides(a)]
    form, codes = at.joined([*(at.values[a] for a in over), *(inverted(at, a) for a in under)], x.shape)
    return Value(form, at.make.product(codes[: len(over)], codes[len(over) :]))


def divides(x: Expr) -> bool:
    """Whether x is a power with a negative number as exponent."""
    return x.op == "pow" and x.args[1].op == "num" and x.args[1].data < 0  # type: ignore[operator]


def inverted(at: Forms, x: Expr) -> Value:
    """1/x for a power x with a negative exponent."""
    base, exponent = x.args
    assert isinstance(exponent.data, Fraction)
    power = -exponent.data
    return at.elementwise([base], lambda c: numeric_power(at, c[0], power))


def numeric_power(at: Forms, code: Code, exponent: Fraction) -> Code:
    """code**exponent for a positive number; halves by the square root."""
    make = at.make
    if exponent.denominator == 1:
        return make.ipow(code, int(exponent))
    if exponent.denominator == 2:
        root = make.call("sqrt", (code,), code.shape)
        return make.product([code, root]) if exponent.numerator == 3 else make.ipow(root, exponent.numerator)
    return make.call("power", (code, make.num(exponent)), code.shape)


def _pow(at: Forms, x: Expr) -> Value:
    base, exponent = x.args
    make = at.make
    if exponent.op != "num":
        if exponent.is_scalar:
            power = at.dense(exponent)
            return at.elementwise([base], lambda c: make.call("power", (c[0], power), c[0].shape))
        return at.elementwise([base, exponent], lambda c: make.call("power", c, broadcast(c)))
    value = exponent.data
    assert isinstance(value, Fraction)
    if base.op == "norm2" and value == 2:
        return _norm_squared(at, base.args[0])
    if value == 0:
        return Value("full" if x.is_scalar else "fill", make.num(1))
    if value > 0:
        return at.elementwise([base], lambda c: numeric_power(at, c[0], value))
    return at.elementwise([base], lambda c: make.product([], [numeric_power(at, c[0], -value)]))


def _norm_squared(at: Forms, x: Expr) -> Value:
    value = at.values[x]
    if value.form == "eye":
        value = Value("diag", value.code)
        return full(at.make.product([at.make.ipow(value.code, 2), at.make.size(x.rows)]))
    return total(at, Value(value.form, at.make.ipow(value.code, 2)), x.shape, None)


def _fn(at: Forms, x: Expr) -> Value:
    if x.data == "log" and x.args[0].op == "softmax":
        return _along("log_softmax")(at, x.args[0])
    if x.data == "log" and x.args[0].op == "fn" and x.args[0].data == "abs" and x.args[0].args[0].op == "det":
        matrix = x.args[0].args[0].args[0]
        if at.values[matrix].form == "full" and not matrix.is_scalar:
            return full(at.make.call("logabsdet", (at.dense(matrix),), ()))
    return at.elementwise(x.args, lambda c: at.make.call(str(x.data), c, c[0].shape))


def _pairwise(key: str | None) -> Callable[[Forms, Expr], Value]:
    def lower(at: Forms, x: Expr) -> Value:
        return at.elementwise(x.args, lambda c: at.make.call(key or str(x.data), c, broadcast(c)))

    return lower


def _along(key: str) -> Callable[[Forms, Expr], Value]:
    def lower(at: Forms, x: Expr) -> Value:
        arg = x.args[0]
        code = at.dense(arg)
        if arg.is_scalar:
            return full(at.make.num({"softmax": 1, "log_softmax": 0}[key]) if key != "logsumexp" else code)
        if code.ndim == 1 or x.data is None:
            if x.shape == arg.shape and key == "logsumexp":
                return full(code)  # along a dimension 1
            along_one = code.ndim == 1 and x.data in (0, 1) and arg.shape[int(x.data)] is ONE  # type: ignore[call-overload]
            if along_one:
                return Value("fill", at.make.num(1 if key == "softmax" else 0))
            return full(at.make.call(key, (code,), extent(x.shape)))
        return full(at.make.call(f"{key}_axis", (code,), extent(x.shape), x.data))

    return lower


def _ufn(at: Forms, x: Expr) -> Value:
    data: Any = x.data
    name: str = data[0]
    kind: Kind = data[1]
    derivative: int | tuple[int, ...] = data[2]
    make = at.make
    applied = key_of(name, kind, derivative)
    if kind.args is None:
        return at.elementwise(x.args, lambda c: make.make("apply", tuple(c), applied, c[0].shape))
    args = tuple(boxed(at, at.dense(a), k) for a, k in zip(x.args, kind.args, strict=True))
    assert kind.result is not None
    assert isinstance(derivative, tuple)
    given_axes = sum(axes(k) for k in (kind.result, *(kind.args[i] for i in derivative)))
    code = make.make("apply", args, applied, extent(x.shape))
    if not code.ndim:
        code = make.call("unboxed", (code,), ())
    elif given_axes != code.ndim:
        code = make.call("reshape", (code, *(make.size(d) for d in code.shape)), code.shape)
    return full(code)


def callable_of(name: str, kind: Kind, derivative: int | tuple[int, ...]) -> str:
    """The parameter for an undefined function or a derivative: s, ds, dds; g, Dg, Hg; D1l, D2l, D12l."""
    if isinstance(derivative, int):
        return "d" * derivative + name
    if not derivative:
        return name
    count = len(kind.args or ())
    if count < 2:
        return f"{'D' if len(derivative) == 1 else 'H'}{name}"
    return f"D{('_' if count > 9 else '').join(str(i + 1) for i in derivative)}{name}"


def key_of(name: str, kind: Kind, derivative: int | tuple[int, ...]) -> str:
    """What tells the callable from variables and from others that would have its name: the gradient of g, a Dg."""
    return f"{callable_of(name, kind, derivative)} of {name}"


def meaning_of(name: str, kind: Kind, derivative: int | tuple[int, ...]) -> str:
    """What a parameter for second derivatives is to give: the axes of the first argument, then those of the second."""
    if isinstance(derivative, int) or len(derivative) < 2:
        return ""
    assert kind.args is not None
    count = sum(axes(kind.args[i]) for i in derivative)
    which = f"Hessian of {name}"
    if len(kind.args) > 1:
        which = f"second derivatives of {name} by its arguments {' and '.join(str(i + 1) for i in derivative)}"
    return f"the {which}, {f'a {count}-D array' if count else 'a number'}"


def axes(kind: Kind) -> int:
    """How many axes an array of that kind has where it is passed."""
    return {"scalar": 0, "vector": 1, "row": 1}.get(kind.form, 2)


def boxed(at: Forms, code: Code, kind: Kind) -> Code:
    """The array with every axis that the declaration gives it: n x 1 for a matrix of width 1."""
    count = axes(kind)
    if code.ndim == count:
        return code
    if code.ndim == 0:
        return at.make.call("boxed_vector" if count == 1 else "boxed_matrix", (code,), (ONE,) * count)
    if kind.cols is ONE:
        return at.make.column(code)
    return at.make.row(code)


ELEMENTWISE: dict[str, Callable[[Forms, Expr], Value]] = {
    "add": _add,
    "had": _had,
    "pow": _pow,
    "fn": _fn,
    "max2": _pairwise("maximum"),
    "min2": _pairwise("minimum"),
    "cmp": _pairwise(None),
    "softmax": _along("softmax"),
    "logsumexp": _along("logsumexp"),
    "ufn": _ufn,
}
