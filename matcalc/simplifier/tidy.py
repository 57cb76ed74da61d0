"""A formula as it stands, without zeros, ones, double signs and double transposes: nothing is reorganised.

The steps of a derivation show what an identity of the table gives, so the short form of the answer would be too much:
it would also turn products round and change the signs of what the reader has typed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from fractions import Fraction
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, depends, topological
from matcalc.printing.measure import length
from matcalc.rules.facts import known
from matcalc.rules.instantiate import zero
from matcalc.shapes import ONE

_WRITTEN_OUT = 4  # sums over an index with at most so many terms are written out


def tidy(root: Expr, kept: Container[Expr] = (), results: dict[Expr, Expr] | None = None) -> Expr:
    """``root`` without zeros, ones and double signs; nodes in ``kept`` and below differentials stay as they are.

    ``results`` of earlier calls with the same ``kept`` are used, and added to.
    """
    results = {} if results is None else results
    stack = [root]
    while stack:
        n = stack[-1]
        if n in results:
            stack.pop()
            continue
        if not n.args or n in kept or n.op == "d":
            results[n] = n
            continue
        missing = [a for a in n.args if a not in results]
        if missing:
            stack.extend(missing)
            continue
        args = tuple(results[a] for a in n.args)
        rule = _RULES.get(n.op)
        if rule is not None:
            results[n] = rule(n.data, args)
        elif n.op in _LINEAR:
            results[n] = _linear(n, args)
        else:
            results[n] = n if args == n.args else ops.rebuild(n, args)
    return results[root]


def turned(g: Expr) -> Expr:
    """G' with the transposes at the factors of a product and at the terms of a sum."""
    if g.op == "add":
        return ops.add(*(transposed(term) if term.op == "add" else turned(term) for term in g.args))
    if g.op == "mul" and not g.is_scalar:
        scalars = [f for f in g.args if f.is_scalar]
        return arranged(ops.mul(*scalars, *(transposed(f) for f in reversed(g.args) if not f.is_scalar)))
    return transposed(g)


def arranged(x: Expr) -> Expr:
    """The factors of a product in the usual order: numbers and scalars, arrays, what divides."""
    if x.op != "mul" or all(f.is_scalar for f in x.args):
        return x
    scalars = [f for f in x.args if f.is_scalar and not _divides(f)]
    numbers = [f for f in scalars if f.op == "num"]
    below = [f for f in x.args if _divides(f)]
    return ops.mul(*numbers, *(f for f in scalars if f.op != "num"), *(f for f in x.args if not f.is_scalar), *below)


def faced(e: Expr) -> Expr:
    """The terms of a scalar with the differential at the end of its product: w'*dx for dx'*w."""
    if e.op == "add":
        return ops.add(*map(faced, e.args))
    if e.op != "mul" or not e.is_scalar:
        return e
    runs: list[list[Expr]] = [[]]  # inner products, one after the other
    scalars = []
    for f in e.args:
        if f.is_scalar:
            scalars.append(f)
            continue
        if runs[-1] and f.rows is ONE:
            runs.append([])
        runs[-1].append(f)
    varying = depends(e, [n for n in topological(e) if n.op == "d"])
    for i, run in enumerate(runs):
        if run and run[0] in varying and run[-1] not in varying:
            runs[i] = [transposed(f) for f in reversed(run)]
    runs.sort(key=lambda run: bool(varying.intersection(run)))
    scalars.sort(key=lambda f: f in varying)
    moving = [f for f in scalars if f in varying]
    return arranged(ops.mul(*(f for f in scalars if f not in varying), *(f for run in runs for f in run), *moving))


def _divides(x: Expr) -> bool:
    return x.is_scalar and x.op == "pow" and x.args[1].op == "num" and x.args[1].data < 0  # type: ignore[operator]


def transposed(x: Expr) -> Expr:
    """X' where X is one factor: nothing for a symmetric one, X for X', the transpose inside where that is no longer."""
    if x.is_scalar:
        return x
    if x.op == "t":
        return x.args[0]
    if x.op in ("ones", "zeros"):
        return (ops.ones if x.op == "ones" else ops.zeros)(x.cols, x.rows)
    if x.op == "mul" and x.args[0].op == "num":
        return scaled(x.args[0].data, transposed(ops.mul(*x.args[1:])))  # type: ignore[arg-type]
    if known(x, "symmetric") and not any(n.op == "d" for n in topological(x)):
        return x
    whole = ops.transpose(x)
    if x.op in _COMPOUND and any(part.op in ("t", "eye", "ones") or _is_plain_symmetric(part) for part in x.args):
        inside = _COMPOUND[x.op](*(_factor(part) for part in _reversed(x)))
        if length(inside) < length(whole):
            return inside
    return whole


_COMPOUND = {"add": ops.add, "mul": ops.mul, "had": ops.had}


def _reversed(x: Expr) -> Sequence[Expr]:
    """The parts in the order in which those of the transpose stand."""
    if x.op != "mul":
        return x.args
    return [*(f for f in x.args if f.is_scalar), *(f for f in reversed(x.args) if not f.is_scalar)]


def _is_plain_symmetric(x: Expr) -> bool:
    return not x.is_scalar and x.op != "d" and known(x, "symmetric")


def _factor(x: Expr) -> Expr:
    if x.op == "t":
        return x.args[0]
    return x if x.is_scalar or _is_plain_symmetric(x) else ops.transpose(x)


def scaled(c: Fraction, x: Expr) -> Expr:
    """c*X: -X for c = -1, X for c = 1."""
    if c == 1:
        return x
    if not c:
        return zero(x.shape)
    if x.op == "num":
        return ops.num(c * x.data)  # type: ignore[operator]
    return ops.neg(x) if c == -1 else ops.mul(ops.num(c), x)


def is_zero(x: Expr) -> bool:
    return x.op == "zeros" or (x.op == "num" and not x.data)


def front(x: Expr) -> tuple[Fraction, Expr]:
    """(c, Y) with X = c*Y, c the number in front."""
    if x.op == "mul" and x.args[0].op == "num":
        return x.args[0].data, ops.mul(*x.args[1:])  # type: ignore[return-value]
    return Fraction(1), x


def _add(data: Any, args: Sequence[Expr]) -> Expr:
    terms = [a for a in args if not is_zero(a)]
    numbers = [a for a in terms if a.op == "num"]
    if len(numbers) > 1:
        total = ops.num(sum((Fraction(a.data) for a in numbers), Fraction(0)))  # type: ignore[arg-type]
        terms = [a for a in terms if a.op != "num"]
        if total.data:
            terms.append(total)
    return ops.add(*terms) if terms else zero(args[0].shape)


def _mul(data: Any, args: Sequence[Expr]) -> Expr:
    whole = ops.mul(*args)
    if any(is_zero(a) for a in args):
        return zero(whole.shape)
    coefficient = Fraction(1)
    rest: list[Expr] = []
    for a in args:
        if a.op == "num":
            coefficient *= a.data  # type: ignore[arg-type, operator]
            continue
        c, a = front(a)
        coefficient *= c
        rest.append(a)
    coefficient, rest = _numbers_below(coefficient, _cancelled(rest))
    arrays = [a for a in rest if not a.is_scalar and a.op != "eye"]
    if arrays or whole.is_scalar:
        rest = [a for a in rest if a.op != "eye"]
    elif not whole.is_scalar:
        rest = [*(a for a in rest if a.is_scalar), next(a for a in rest if a.op == "eye")]
    if not rest:
        return ops.num(coefficient)
    return scaled(coefficient, ops.mul(*rest))


def _numbers_below(c: Fraction, factors: list[Expr]) -> tuple[Fraction, list[Expr]]:
    """A number in front and those in what divides as one: 2/(2*n) is 1/n."""
    if abs(c) == 1:
        return c, factors
    found = []
    for f in factors:
        if _divides(f) and f.args[1].data == -1:
            below, rest = front(f.args[0])
            if below.denominator == 1 and (c / below).denominator <= c.denominator:
                c, f = c / below, ops.reciprocal(rest)
        found.append(f)
    return c, found


def _cancelled(factors: list[Expr]) -> list[Expr]:
    """Without the pairs s and 1/s."""
    left = list(factors)
    for below in [f for f in factors if _divides(f) and f.args[1].data == -1]:
        if below.args[0] in left:
            left.remove(below)
            left.remove(below.args[0])
    return left


def _had(data: Any, args: Sequence[Expr]) -> Expr:
    if any(is_zero(a) for a in args):
        return zero(args[0].shape)
    coefficient = Fraction(1)
    scalars: list[Expr] = []
    arrays: list[Expr] = []
    for a in args:
        c, a = front(a)
        coefficient *= c
        lifted = ops.unlift(a)
        if lifted is not None and lifted.is_scalar:
            scalars.append(lifted)
        else:
            arrays.append(a)
    scalars = [s for s in scalars if not (s.op == "num" and s.data == 1)]
    for below in [a for a in arrays if a.op == "pow" and a.args[1] is ops.num(-1)]:
        if below.args[0] in arrays:
            arrays.remove(below.args[0])
            arrays.remove(below)
    body = ops.had(*arrays) if arrays else ops.ones(*args[0].shape)
    return scaled(coefficient, ops.mul(*scalars, body))


def _pow(data: Any, args: Sequence[Expr]) -> Expr:
    base, exponent = args
    if exponent.op == "num":
        if exponent.data == 1:
            return base
        if exponent.data == 0:
            return ops.lift(ops.num(1), base.shape)
        if base.op == "num" and base.data and exponent.data.denominator == 1 and abs(exponent.data) <= 64:  # type: ignore[union-attr, attr-defined, arg-type]
            return ops.num(base.data**exponent.data)  # type: ignore[operator]
        if base.op == "ones":
            return base
        inner = base.args[1] if base.op == "pow" else exponent
        if base.op == "pow" and inner.op == "num" and exponent.data.denominator == 1:  # type: ignore[union-attr]
            return _pow(data, (base.args[0], ops.num(inner.data * exponent.data)))  # type: ignore[operator]
        if exponent.data < 0 and exponent.data != -1:  # type: ignore[operator]
            return ops.reciprocal(ops.power(base, ops.num(-exponent.data)))  # type: ignore[operator]
    return ops.power(base, exponent)


def _diagvec(data: Any, args: Sequence[Expr]) -> Expr:
    """The diagonal of X' is that of X."""
    c, x = front(args[0])
    if is_zero(x):
        return zero(ops.diagvec(x).shape)
    other = transposed(x)
    return scaled(c, ops.diagvec(other if length(other) < length(x) else x))


def _matpow(data: Any, args: Sequence[Expr]) -> Expr:
    base, exponent = args
    if exponent.op == "num" and exponent.data in (0, 1):
        return base if exponent.data else ops.eye(base.rows)
    return ops.matpow(base, exponent)


def _index_sum(data: Any, args: Sequence[Expr]) -> Expr:
    index, low, high, body = args
    if is_zero(body):
        return body
    below = [n for n in topological(body) if n.op == "d" and index in topological(n)]  # parts with steps of their own
    if not below and low.op == high.op == "num" and 0 <= high.data - low.data < _WRITTEN_OUT:  # type: ignore[operator]
        count = int(high.data - low.data) + 1  # type: ignore[operator]
        terms = [tidy(ops.substitute(body, {index: ops.num(low.data + i)})) for i in range(count)]  # type: ignore[operator]
        return _add(None, terms)
    c, body = front(body)
    return scaled(c, ops.isum(index, low, high, body))


def _linear(n: Expr, args: tuple[Expr, ...]) -> Expr:
    """The number comes out in front."""
    c, x = front(args[0])
    if is_zero(x):
        return zero(n.shape)
    return scaled(c, ops.rebuild(n, (x, *args[1:])))


_LINEAR = frozenset("tr sum mean vec unvec diagmat part slice".split())
_RULES: dict[str, Callable[[Any, Sequence[Expr]], Expr]] = {
    "add": _add,
    "mul": _mul,
    "had": _had,
    "pow": _pow,
    "matpow": _matpow,
    "diagvec": _diagvec,
    "isum": _index_sum,
    "t": lambda data, args: transposed(args[0]),
}
