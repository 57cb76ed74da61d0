"""The same expression in operations that neither overflow nor cancel: log(1 + exp(z)) is softplus(z), and so on.

Applied before code is generated, to what the user typed too, so that ``value`` is as stable as ``gradient``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.shapes import ONE


def stable(roots: Sequence[Expr]) -> dict[Expr, Expr]:
    """Every node below the roots, mapped to its stable form."""
    results: dict[Expr, Expr] = {}
    for current in topological(*roots):
        args = tuple(results[a] for a in current.args)
        results[current] = _stable(current if args == current.args else ops.rebuild(current, args))
    return results


def _stable(x: Expr) -> Expr:
    if x.op == "fn" and x.data == "log":
        return log(x.args[0])
    if x.op == "fn" and x.data == "log1p" and _is_exp(x.args[0]):
        return ops.fn("softplus", x.args[0].args[0])
    if x.op == "pow":
        return _power(x)
    if x.op == "add":
        rest = _without_one(x, -1)
        return ops.fn("expm1", rest.args[0]) if rest is not None and _is_exp(rest) else x
    if x.op in ("mul", "had"):
        return _quotient(x)
    if x.op == "tensor":
        return _merged(x)
    return x


def _merged(x: Expr) -> Expr:
    """Entries of one place in an array of more axes as one elementwise product, in its stable form."""
    indices, sizes, lead, data = x.data  # type: ignore[misc]
    given, terms = iter(x.args), []
    for scalars, deltas, places in data:
        factors = [next(given) for _ in range(scalars)]
        entries: dict[tuple[str, ...], list[Expr]] = {}
        for place in places:
            array = next(given)
            entries.setdefault(place, []).append(ops.transpose(array) if array.rows is ONE else array)  # as columns
        arrays = [(found[0] if len(found) == 1 else _stable(ops.had(*found)), p) for p, found in entries.items()]
        terms.append((factors, deltas, arrays))
    return ops.tensor(indices, sizes, lead, terms)


def log(x: Expr) -> Expr:
    """log(x) without forming an x that may overflow, vanish or round to 1."""
    if x.op == "det":
        return ops.logdet(x.args[0])
    if x.op == "pow" and x.args[1] is ops.num(-1):
        return ops.neg(log(x.args[0]))
    if x.op == "pow" and x.args[1].op == "num" and x.args[1].data % 2 == 0:  # type: ignore[operator]
        return ops.mul(x.args[1], ops.fn("log", ops.fn("abs", x.args[0])))  # log(det(X)^2), where det(X) overflows
    z = _one_plus_exp(x)
    if z is not None:
        return ops.fn("softplus", z)
    if x.op == "fn" and x.data == "sigmoid":
        return ops.neg(ops.fn("softplus", ops.neg(x.args[0])))
    pair = _two_exponentials(x)
    if pair is not None:
        return ops.add(pair[0], ops.fn("softplus", ops.sub(pair[1], pair[0])))
    if x.op == "fn" and x.data == "cosh":  # (exp(z) + exp(-z))/2
        size = ops.fn("abs", x.args[0])
        tail = ops.fn("softplus", ops.mul(ops.num(-2), size))
        return ops.add(size, tail, ops.lift(ops.neg(ops.fn("log", ops.num(2))), x.shape))
    if x.op in ("mul", "mean") and x.is_scalar:
        found = _scaled_sum(x)
        if found is not None:
            return found
    z = _one_minus_sigmoid(x)
    if z is not None:
        return ops.neg(ops.fn("softplus", z))
    rest = _without_one(x, 1)
    if rest is not None:
        return ops.fn("log1p", rest)
    if x.op == "slice" and x.args[0].op == "softmax":  # code has a function for log(softmax(z))
        return ops.rebuild(x, (ops.fn("log", x.args[0]), *x.args[1:]))
    if x.op == "sum" and _is_exp(x.args[0]):
        return _log_sum(x.args[0].args[0], x.data)  # type: ignore[arg-type]
    return ops.fn("log", x)


def _without_one(x: Expr, one: int) -> Expr | None:
    """The rest of rest + ``one``, entry by entry; None for anything else."""
    if x.op != "add":
        return None
    constants = [a for a in x.args if (a if a.op == "num" else ops.unlift(a)) is ops.num(one)]
    rest = [a for a in x.args if a not in constants]
    return ops.add(*rest) if len(constants) == 1 and rest else None


def _scaled_sum(x: Expr) -> Expr | None:
    """log(c*sum(exp(z))) for a positive number c, of a mean too."""
    if x.op == "mean":
        z = x.args[0]
        if not _is_exp(z) or x.data is not None:
            return None
        return ops.sub(_log_sum(z.args[0], None), ops.fn("log", ops.mul(ops.dim(z.rows), ops.dim(z.cols))))
    sums = [a for a in x.args if a.op == "sum" and _is_exp(a.args[0])]
    rest = [a for a in x.args if a not in sums[:1]]
    if len(sums) != 1 or len(rest) != len(x.args) - 1 or not all(map(_positive, rest)):
        return None
    return ops.add(log(sums[0]), ops.fn("log", ops.mul(*rest) if len(rest) > 1 else rest[0]))


def _positive(x: Expr) -> bool:
    """A positive number, a dimension, or a power of those."""
    x = x.args[0] if x.op == "pow" else x
    return x.op == "dim" or (x.op == "num" and x.data > 0)  # type: ignore[operator]


def _log_sum(z: Expr, axis: int | None) -> Expr:
    line = ONE in z.shape
    return ops.logsumexp(z if axis is not None or line else ops.vec(z), None if line else axis)


def _power(x: Expr) -> Expr:
    """1/(1 + exp(z)) is sigmoid(-z), (1 + exp(z))^-k its power."""
    base, exponent = x.args
    while base.op == "pow" and _whole(exponent) and _whole(base.args[1]):  # (a^p)^q
        base, exponent = base.args[0], ops.num(base.args[1].data * exponent.data)  # type: ignore[operator]
    if exponent.op != "num" or exponent.data >= 0:  # type: ignore[operator]
        return x
    z = _one_plus_exp(base)
    if z is None:
        return x
    rest = ops.num(-exponent.data)  # type: ignore[operator]
    below = ops.fn("sigmoid", ops.neg(z))
    return below if rest.data == 1 else ops.power(below, rest)


def _whole(x: Expr) -> bool:
    return x.op == "num" and x.data.denominator == 1  # type: ignore[union-attr]


def _quotient(x: Expr) -> Expr:
    """exp(z)*sigmoid(-z) is sigmoid(z); exp(z)/sum(exp(z)) is softmax(z)."""
    factors = [f for a in x.args for f in (a.args if a.op == "had" else (a,))]
    exponentials = [f for f in factors if _is_exp(f)]
    if not exponentials:
        return x
    for exponential in exponentials:
        z = exponential.args[0]
        for other in factors:
            replacement = _cancelled(z, other)
            if replacement is None:
                continue
            rest = list(factors)
            rest.remove(exponential)
            rest[rest.index(other)] = replacement
            if x.op == "had" or x.is_scalar:
                return _quotient_again(ops.had(*rest))
            if _all_elementwise(x):
                return _quotient_again(ops.had(*rest))
    return x


def _quotient_again(x: Expr) -> Expr:
    return _quotient(x) if x.op in ("mul", "had") else x


def _all_elementwise(x: Expr) -> bool:
    """Whether a product is scalars times one array."""
    return sum(not a.is_scalar for a in x.args) == 1


def _cancelled(z: Expr, other: Expr) -> Expr | None:
    """What exp(z)*other is, where that is a sigmoid or a softmax."""
    if other.op == "fn" and other.data == "sigmoid" and other.args[0] is ops.neg(z):
        return ops.fn("sigmoid", z)
    if other.op == "pow" and _whole(other.args[1]) and other.args[1].data > 1:  # type: ignore[operator]
        once = _cancelled(z, other.args[0])
        less = ops.num(other.args[1].data - 1)  # type: ignore[operator]
        return None if once is None else ops.had(once, ops.power(other.args[0], less))
    if other.op != "pow" or other.args[1] is not ops.num(-1):
        return None
    below = other.args[0]
    pair = _two_exponentials(below)
    if pair is not None and z in pair:
        return ops.fn("sigmoid", ops.sub(z, pair[1] if z is pair[0] else pair[0]))
    if below.op == "sum" and _is_exp(below.args[0]) and below.args[0].args[0] is z and below.data is None:
        return ops.softmax(z) if ONE in z.shape else None
    for axis in (0, 1):
        if ONE in z.shape:
            break
        total = ops.total(ops.fn("exp", z), axis)
        lifted = ops.lift(total, z.shape) if axis == 0 else ops.mul(total, ops.ones(ONE, z.cols))
        if below is lifted:
            return ops.softmax(z, axis)
    return None


def _is_exp(x: Expr) -> bool:
    return x.op == "fn" and x.data == "exp"


def _two_exponentials(x: Expr) -> tuple[Expr, Expr] | None:
    """The y and z of exp(y) + exp(z)."""
    if x.op == "add" and len(x.args) == 2 and all(map(_is_exp, x.args)):
        return x.args[0].args[0], x.args[1].args[0]
    return None


def _is_one(x: Expr) -> bool:
    return x.op == "ones" or (x.op == "num" and x.data == Fraction(1))


def _one_plus_exp(x: Expr) -> Expr | None:
    """The z of 1 + exp(z)."""
    if x.op != "add" or len(x.args) != 2:
        return None
    for one, other in (x.args, x.args[::-1]):
        if _is_one(one) and _is_exp(other):
            return other.args[0]
    return None


def _one_minus_sigmoid(x: Expr) -> Expr | None:
    """The z of 1 - sigmoid(z)."""
    if x.op != "add" or len(x.args) != 2:
        return None
    for one, other in (x.args, x.args[::-1]):
        if _is_one(one):
            positive = ops.neg(other)
            if other.op == "mul" and positive.op == "fn" and positive.data == "sigmoid":
                return positive.args[0]
    return None
