"""Equations in X and inv(X): a*inv(X) = inv(X)*M*inv(X) gives X = M/a; and scalar equations in two powers of x.

Factors inv(X) that every term begins or ends with are taken off (X is multiplied from that side); what is left is
linear in X, or in inv(X) (Magnus & Neudecker 2019, sec. 15.3: the covariance of a normal sample).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from matcalc import ops
from matcalc.errors import BudgetError
from matcalc.expr import Expr, depends, topological
from matcalc.indices import names_in
from matcalc.kinds import kind_of_shape
from matcalc.rules.facts import known
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.factors import Exponent, compose, parts, rational_root
from matcalc.solving.linear_equation import Algebra, Solved, divisors, fresh, solve_linear

_CLEARINGS = 6  # denominators multiplied away


def solve_inverse(e: Expr, x: Expr, algebra: Algebra) -> Solved | None:
    """X with e = 0 where e is made of products with X or inv(X); None if it is something else. X is square."""
    if x.rows is not x.cols or x.is_scalar:
        return None
    name, kind = x.data  # type: ignore[misc]
    p = ops.sym(fresh(f"{name}inv", names_in(e)), replace(kind, facts=kind.facts | {"invertible"}))
    bodies = _bodies(e, x, p, algebra)
    if bodies is None:
        return None
    if all(all(m.op == "t" for m in body if _variable(m, x, p)) for _, body in bodies):
        bodies = [(front, [_turned(m) for m in reversed(body)]) for front, body in bodies]
    bodies = _stripped(_stripped(bodies, p, 0), p, -1)
    powers = {id(body): [m for m in body if _variable(m, x, p)] for _, body in bodies}
    inside = [m for found in powers.values() for m in found]
    if not inside or any(len(found) > 1 for found in powers.values()):
        return None
    if all(m is x for m in inside):
        return solve_linear(_sum(bodies, x), x, algebra)
    if any(m is not p for m in inside):
        return None
    for end in (-1, 0):
        if all(body[end] is p for _, body in bodies if p in body):
            moved = [(front, _multiplied(body, x, p, end)) for front, body in bodies]
            found = solve_linear(_sum(moved, x), x, algebra)
            if found is not None:
                return found
    found = solve_linear(_sum(bodies, x), p, algebra)
    return None if found is None else Solved(algebra.settled(ops.inv(found.value)), found.divisors)


Bodies = list[tuple[Expr, list[Expr]]]


def _bodies(e: Expr, x: Expr, p: Expr, algebra: Algebra) -> Bodies | None:
    """(scalars, chain) of each term, inv(X) as the symbol p; None if X stands elsewhere."""
    try:
        expanded = algebra.expanded(e, x)
    except BudgetError:
        return None
    inverse = {ops.inv(x): p, ops.inv(ops.transpose(x)): ops.transpose(p)}
    expanded = ops.substitute(expanded, inverse)
    result: Bodies = []
    for term in expanded.args if expanded.op == "add" else (expanded,):
        q = parts(term)
        body = [m for m in q.body if m.op != "eye"]
        front = compose(q.coef, q.scalars, [])
        hidden = set(topological(front, *(m for m in body if not _variable(m, x, p))))
        if x in hidden or p in hidden:
            return None
        result.append((front, body))
    return result


def _variable(m: Expr, x: Expr, p: Expr) -> bool:
    return m in (x, p) or (m.op == "t" and m.args[0] in (x, p))


def _turned(m: Expr) -> Expr:
    return m.args[0] if m.op == "t" else ops.transpose(m)


def _stripped(bodies: Bodies, p: Expr, end: int) -> Bodies:
    """Without the factors p that all chains have at that end."""
    while all(body and body[end] is p for _, body in bodies):
        bodies = [(front, body[1:] if end == 0 else body[:-1]) for front, body in bodies]
    return bodies


def _multiplied(body: list[Expr], x: Expr, p: Expr, end: int) -> list[Expr]:
    """The chain times X at that end; inv(X)*X is left out."""
    if p in body:
        return body[1:] if end == 0 else body[:-1]
    return [x, *body] if end == 0 else [*body, x]


def _sum(bodies: Bodies, x: Expr) -> Expr:
    return ops.add(*(ops.mul(front, *(body or [ops.eye(x.rows)])) for front, body in bodies))


# --- a function of the unknown --------------------------------------------------------------------------


def _log_odds(v: Expr) -> Expr:
    return ops.fn("log", ops.div(v, ops.sub(ops.lift(ops.num(1), v.shape), v)))


_INVERSES: dict[str, Callable[[Expr], Expr]] = {
    "exp": lambda v: ops.fn("log", v),
    "log": lambda v: ops.fn("exp", v),
    "expm1": lambda v: ops.fn("log1p", v),
    "log1p": lambda v: ops.fn("expm1", v),
    "sigmoid": _log_odds,
    "sqrt": lambda v: ops.power(v, ops.num(2)),
    "arctan": lambda v: ops.fn("tan", v),
    "tanh": lambda v: ops.div(ops.sub(ops.fn("log1p", v), ops.fn("log1p", ops.neg(v))), ops.num(2)),
    "softplus": lambda v: ops.fn("log", ops.fn("expm1", v)),
}


def _inverse(u: Expr) -> Callable[[Expr], Expr] | None:
    """The inverse of an elementwise function of one argument; of a power of what is positive, and of 1 ./ z."""
    if u.op == "fn":
        return _INVERSES.get(str(u.data))
    if u.op != "pow" or u.args[1].op != "num" or u.args[1].data == 1:
        return None
    k: Fraction = u.args[1].data  # type: ignore[assignment]
    if k != -1 and not known(u.args[0], "positive"):
        return None
    return lambda v: ops.power(v, ops.num(1 / k))


def solve_through(e: Expr, x: Expr, algebra: Algebra) -> Solved | None:
    """x with e = 0 where x stands in one elementwise function, and e is linear in that: exp(x) = y gives log(y).

    And so on inside of that function, until what is left is linear in x.
    """
    divided: tuple[Expr, ...] = ()
    while (step := _peeled(algebra.settled(e), x, algebra)) is not None:
        e, divisors_of = step
        divided = (*divided, *divisors_of)
        inner = solve_linear(e, x, algebra)
        if inner is not None:
            return Solved(inner.value, (*divided, *inner.divisors))
    return None


def _peeled(e: Expr, x: Expr, algebra: Algebra) -> tuple[Expr, tuple[Expr, ...]] | None:
    """z - v for an elementwise function u of z, with v the inverse of u at the solution of e = 0 for u."""
    active = depends(e, [x])
    for u in [n for n in reversed(topological(e)) if n in active and n is not x and n.shape == x.shape]:
        inverse = _inverse(u)
        if inverse is None:
            continue
        symbol = ops.sym(fresh("u", names_in(e)), kind_of_shape(x.shape))
        rest = ops.substitute(e, {u: symbol})
        found = None if x in topological(rest) else solve_linear(rest, symbol, algebra)
        if found is not None:
            return ops.sub(u.args[0], algebra.settled(inverse(found.value))), found.divisors
    return None


# --- scalars --------------------------------------------------------------------------------------------


def solve_scalar(e: Expr, x: Expr, algebra: Algebra) -> tuple[Solved, ...]:
    """Every x with e = 0: e is a product of such, made of two powers of x, or quadratic, after clearing denominators.

    None if it is something else.
    """
    factors = [(base, k) for base, k in parts(e).scalars.items() if base in depends(base, [x])]
    if len(factors) > 1 and all(isinstance(k, Fraction) for _, k in factors):
        each = [solve_scalar(base, x, algebra) for base, k in factors if k > 0]  # type: ignore[operator]
        below = [base for base, k in factors if k < 0]  # type: ignore[operator]
        return tuple(s for roots in each for s in roots) if all(each) and not below else ()
    cleared = _cleared(e, x, algebra)
    if cleared is None:
        return ()
    by_power: dict[Fraction, list[Expr]] = {}
    for term in cleared.args if cleared.op == "add" else (cleared,):
        q = parts(term)
        exponent = q.scalars.get(x, Fraction(0))
        rest = {b: k for b, k in q.scalars.items() if b is not x}
        coefficient = compose(q.coef, rest, [])  # exp(x) is a power, too: x may stand in an exponent
        if not isinstance(exponent, Fraction) or x in topological(coefficient, *q.body):
            return ()
        by_power.setdefault(exponent, []).append(coefficient)
    sums = {k: algebra.settled(ops.add(*terms)) for k, terms in by_power.items()}
    sums = {k: c for k, c in sums.items() if not is_zero(c)}
    if set(sums) == {Fraction(0), Fraction(1), Fraction(2)} and not known(x, "nonnegative"):
        return _quadratic(sums[Fraction(2)], sums[Fraction(1)], sums[Fraction(0)], algebra)
    if len(sums) == 1 and min(sums) > 0 and not known(x, "nonzero"):  # c*x^k = 0
        return (Solved(ops.num(0), divisors(algebra, *map(ops.reciprocal, sums.values()))),)
    if len(sums) != 2:
        return ()
    low, high = sorted(sums)
    inverse = ops.reciprocal(sums[high])
    ratio = algebra.settled(ops.neg(ops.mul(sums[low], inverse)))
    divided = divisors(algebra, inverse)
    step = high - low
    if step == 1:
        return (Solved(ratio, divided),)
    root = square_root(ratio, algebra) if step == 2 else ops.power(ratio, ops.num(1 / step))
    root = algebra.settled(root)
    if known(x, "nonnegative") or any(k.denominator != 1 for k in sums):  # roots of x are of positive x
        return (Solved(root, divided),)
    if step == 2 and low <= 0:
        return (Solved(root, divided), Solved(algebra.settled(ops.neg(root)), divided))
    return ()


def _quadratic(a: Expr, b: Expr, c: Expr, algebra: Algebra) -> tuple[Solved, ...]:
    """(-b + sqrt(b^2 - 4*a*c))/(2*a), and with the other sign."""
    below = ops.reciprocal(ops.mul(ops.num(2), a))
    square = ops.sub(ops.power(b, ops.num(2)), ops.mul(ops.num(4), a, c))
    root = square_root(algebra.settled(square), algebra)
    values = [ops.mul(ops.add(ops.neg(b), signed), below) for signed in (root, ops.neg(root))]
    return tuple(Solved(algebra.settled(value), divisors(algebra, below)) for value in values)


def square_root(e: Expr, algebra: Algebra) -> Expr:
    """sqrt(e), squares of what is not negative in front of the root: sqrt(4*z'*z) is 2*norm2(z)."""
    p = parts(e)
    coef = rational_root(p.coef, 2)
    outside: dict[Expr, Exponent] = {}
    inner: dict[Expr, Exponent] = {}
    for base, k in p.scalars.items():
        if isinstance(k, Fraction) and k.denominator == 1 and k % 2 == 0 and known(base, "nonnegative"):
            outside[base] = k / 2
        else:
            inner[base] = k
    ((base, k), *others) = inner.items() or [(e, e)]
    if isinstance(k, Fraction) and not others and p.coef > 0:  # the root exists where this base is positive
        outside[base] = k / 2
        inner = {}
    inside = algebra.settled(compose(p.coef if coef is None else Fraction(1), inner, []))
    root = ops.num(1) if inside is ops.num(1) else algebra.settled(ops.fn("sqrt", inside))
    return ops.mul(compose(coef or Fraction(1), outside, []), root)


def _cleared(e: Expr, x: Expr, algebra: Algebra) -> Expr | None:
    """e times its denominators, in which x stands in a sum: k/x - (n - k)/(1 - x) becomes k*(1 - x) - (n - k)*x."""
    for _ in range(_CLEARINGS):
        try:
            e = algebra.expanded(e, x)
        except BudgetError:
            return None
        below: dict[Expr, Fraction] = {}
        terms = [parts(term) for term in (e.args if e.op == "add" else (e,))]
        for q in terms:
            for base, k in q.scalars.items():
                if base is not x and isinstance(k, Fraction) and k < 0 and base in depends(base, [x]):
                    below[base] = min(k, below.get(base, Fraction(0)))
        if not below:
            return e
        factor = ops.mul(*(ops.power(base, ops.num(-k)) for base, k in below.items()))
        e = ops.add(*(algebra.settled(ops.mul(compose(q.coef, q.scalars, q.body), factor)) for q in terms))
    return None


