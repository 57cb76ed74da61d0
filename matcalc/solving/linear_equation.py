"""Linear equations in one unknown: A*X*B + C = 0 gives X = -inv(A)*C*inv(B).

The unknown may be a scalar, a vector, a row or a matrix. The linear part is the differential of the left side. For a
matrix it is a sum of L*dX*R: with one L or one R the solution is a product of inverses, otherwise (Sylvester's equation
and sums of more terms) vec(X) = inv(V)*vec(C) with V = sum of kron(R', L) (Horn & Johnson 1991, sec. 4.3-4.4).
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import NamedTuple

from matcalc import ops
from matcalc.calculus.differential import differential
from matcalc.calculus.line_matrix import line_matrix as pushed_down
from matcalc.calculus.structure import direction_kind
from matcalc.calculus.vectorize import matrix_of, stacked
from matcalc.errors import BudgetError, UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.indices import names_in
from matcalc.kinds import Kind, kind_of_shape
from matcalc.printing.measure import length
from matcalc.rules.facts import facts_of
from matcalc.rules.linear import nonlinear_node
from matcalc.rules.table import Table
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.factors import compose, parts
from matcalc.simplifier.normal import normal_form
from matcalc.simplifier.simplify import Simplifier


@dataclass(frozen=True, slots=True)
class Term:
    """left*X*right, or left*X'*right; without a factor on a side that is the identity."""

    left: Expr
    right: Expr
    transposed: bool


@dataclass(frozen=True, slots=True)
class Linear:
    """The left side of an equation as ``change`` (linear in ``dx``) + ``rest``, for the unknown ``x``."""

    x: Expr
    dx: Expr
    change: Expr
    rest: Expr


class Solved(NamedTuple):
    """The unknown's value, and what it was divided by: the solution is the only one where these exist."""

    value: Expr
    divisors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Sides:
    """An equation left*X*right + rest = 0."""

    left: Expr
    right: Expr
    rest: Expr


class Algebra:
    """The passes and the table that solving needs, together."""

    def __init__(self, short: Simplifier, table: Table) -> None:
        self.short = short
        self.table = table

    def settled(self, e: Expr) -> Expr:
        """The short form."""
        return self.short.settled(e)

    def expanded(self, e: Expr, *unknowns: Expr) -> Expr:
        """A sum of products; sums that are free of the unknowns stay as they are. BudgetError if it gets too long."""
        active = depends(e, unknowns)
        names = names_in(e)
        closed: dict[Expr, Expr] = {}
        stack = [e]
        seen: set[Expr] = set()
        while unknowns and stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            if n.op == "add" and n not in active:
                kind = Kind(kind_of_shape(n.shape).form, n.rows, n.cols, facts_of(n))
                name = fresh("s", names)
                names.add(name)
                closed[n] = ops.sym(name, kind)
            else:
                stack.extend(n.args)
        form = normal_form(ops.substitute(e, closed), self.table)
        return ops.substitute(form, {s: n for n, s in closed.items()})


def fresh(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    return next(n for n in (f"{name}{i or ''}" for i in count()) if n not in taken)


def direction(e: Expr, x: Expr) -> Expr:
    """dX: a change of x, of its linear structure."""
    return ops.sym(fresh(f"d{x.name}", names_in(e, x)), direction_kind(x, "auto"))


def linear(e: Expr, x: Expr, algebra: Algebra) -> Linear | None:
    """The equation e = 0 as a linear one in x; None if it is not linear."""
    dx = direction(e, x)
    change = _free_of(algebra.settled(differential(e, {x: dx}, algebra.table)), x, algebra)
    if change is None or nonlinear_node(change, [dx]) is not None and not is_zero(change):
        return None
    if nonlinear_node(differential(e, {x: dx}, algebra.table), [dx]) is None and _plain(e, x):
        rest = algebra.settled(ops.substitute(e, {x: ops.zeros(*x.shape)}))
        if is_zero(rest) or not any(is_zero(n) for n in topological(rest)):
            return Linear(x, dx, change, rest)
    minus = ops.neg(ops.substitute(change, {dx: x}))
    try:
        rest = algebra.settled(algebra.expanded(ops.add(e, minus), x))
    except BudgetError:
        return None
    return None if x in topological(rest) else Linear(x, dx, change, rest)


def _free_of(e: Expr, x: Expr, algebra: Algebra) -> Expr | None:
    """e in a form without x; None if none is found."""
    if x not in depends(e, [x]) or x not in topological(e):
        return e
    try:
        e = algebra.settled(algebra.expanded(e))
    except BudgetError:
        return None
    return None if x in topological(e) else e


_PLAIN = frozenset("add mul had t tr sum mean diagmat diagvec vec unvec kron slice block part isum".split())


def _plain(e: Expr, x: Expr) -> bool:
    """Whether only operations that are defined everywhere stand above x."""
    active = depends(e, [x])
    return all(n is x or n.op in _PLAIN for n in topological(e) if n in active)


# --- the solution ---------------------------------------------------------------------------------------


def solve_linear(e: Expr, x: Expr, algebra: Algebra) -> Solved | None:
    """X with e = 0, in closed form; None if e is not linear in x, or does not determine it."""
    found = linear(e, x, algebra)
    if found is None or is_zero(found.change):
        return None
    divided = entrywise(found, algebra)
    if divided is not None:
        return divided
    both = sides(found, algebra)
    if both is not None:
        left, right = ops.inv(both.left), ops.inv(both.right)
        return Solved(between(left, both.rest, right, algebra), divisors(algebra, left, right))
    return stacked_solution(found, algebra)


def solve_singular(e: Expr, x: Expr, algebra: Algebra) -> Solved | None:
    """The solution of smallest norm of an equation that has many: -pinv(L)*C*pinv(R)."""
    found = linear(e, x, algebra)
    both = sides(found, algebra) if found is not None and not is_zero(found.change) else None
    if both is None:
        return None
    left, right = (_pseudoinverse(side, algebra) for side in (both.left, both.right))
    value = algebra.settled(ops.mul(left, algebra.settled(ops.neg(both.rest)), right))
    return Solved(value, ())


def _pseudoinverse(e: Expr, algebra: Algebra) -> Expr:
    """pinv(L); of c*u*u' it is u*u'/(c*(u'*u)^2)."""
    if e.is_scalar or e.op == "eye":
        return ops.inv(e)
    p = parts(e)
    if len(p.body) == 2 and p.body[0].cols is ONE and algebra.settled(ops.transpose(p.body[0])) is p.body[1]:
        u, turned = p.body
        size = ops.mul(compose(p.coef, p.scalars, []), ops.power(ops.mul(turned, u), ops.num(2)))
        return ops.mul(ops.reciprocal(size), u, turned)
    return ops.pinv(e)


def divisors(algebra: Algebra, *inverses: Expr) -> tuple[Expr, ...]:
    """Inverses in their short form; not those that are numbers."""
    return tuple(e for e in map(algebra.settled, inverses) if e.op not in ("num", "eye"))


def between(left: Expr, rest: Expr, right: Expr, algebra: Algebra) -> Expr:
    """-left*rest*right, as short as it is found: as it stands, or term by term, with sums over an axis as products."""
    minus = algebra.settled(ops.neg(rest))
    candidates = [ops.mul(left, minus, right)]
    opened = axis_products(minus)
    if opened is not minus:
        candidates.append(ops.mul(left, opened, right))
    if opened.op == "add":
        candidates.append(ops.add(*(ops.mul(left, term, right) for term in opened.args)))
    return min((algebra.settled(c) for c in candidates), key=length)


def axis_products(e: Expr) -> Expr:
    """Sums over an axis as products with ones, in which inverses can meet: sum(X, axis=0) = ones(1, m)*X."""
    mapping: dict[Expr, Expr] = {}
    for n in topological(e):
        if n.op == "sum" and n.data is not None and n.args[0].op not in ("had", "pow", "fn"):
            x = n.args[0]
            terms = x.args if x.op == "add" else (x,)
            one = ops.ones(ONE, x.rows) if n.data == 0 else ops.ones(x.cols, ONE)
            mapping[n] = ops.add(*(ops.mul(one, t) if n.data == 0 else ops.mul(t, one) for t in terms))
    return ops.substitute(e, mapping) if mapping else e


def averaged(e: Expr) -> Expr:
    """sum(X, axis=0)/m as mean(X, axis=0), ones(m, m)*X/m as that row added to every row."""
    mapping: dict[Expr, Expr] = {}
    for n in topological(e):
        if n.op != "mul" or n.is_scalar:
            continue
        p = parts(n)
        if len(p.body) == 1 and p.body[0].op == "sum":
            x, axis = p.body[0].args[0], p.body[0].data
            size = ops.dim(x.rows if axis == 0 else x.cols)
            if p.scalars.get(size) == -1:
                scalars = {b: k for b, k in p.scalars.items() if b is not size}
                mapping[n] = compose(p.coef, scalars, [ops.mean(x, axis)])  # type: ignore[arg-type]
        elif len(p.body) > 1 and p.body[0].op == "ones" and ONE not in p.body[0].shape:
            size = ops.dim(p.body[0].cols)
            if p.scalars.get(size) == -1:
                scalars = {b: k for b, k in p.scalars.items() if b is not size}
                row = ops.mean(ops.mul(*p.body[1:]), 0)
                mapping[n] = compose(p.coef, scalars, [ops.ones(n.rows, ONE), row])
    return ops.substitute(e, mapping) if mapping else e


def entrywise(found: Linear, algebra: Algebra) -> Solved | None:
    """W .* X + C = 0: X = -C ./ W."""
    x = found.x
    if x.is_scalar:
        return None
    weights = []
    for term in _terms(found.change, found.dx, algebra) or []:
        p = parts(term)
        if len(p.body) != 1 or found.dx in topological(*p.scalars):
            return None
        (array,) = p.body
        if array is found.dx:
            weights.append(compose(p.coef, p.scalars, [ops.ones(*x.shape)]))
            continue
        if array.op != "had" or found.dx not in array.args:
            return None
        rest = list(array.args)
        rest.remove(found.dx)
        if found.dx in topological(*rest):
            return None
        weights.append(compose(p.coef, p.scalars, [ops.had(*rest)]))
    if not weights or all(ops.unlift(w) is not None and ops.unlift(w).is_scalar for w in weights):  # type: ignore[union-attr]
        return None
    inverse = ops.reciprocal(algebra.settled(ops.add(*weights)))
    return Solved(algebra.settled(ops.had(ops.neg(found.rest), inverse)), divisors(algebra, inverse))


def times_unknown(found: Linear, algebra: Algebra) -> Expr | None:
    """The scalar c of an equation c*X + rest = 0; the structure of X is that of its condition."""
    factors = []
    for term in _terms(found.change, found.dx, algebra) or []:
        while term.op == "part":
            term = term.args[0]
        p = parts(term)
        if p.body != [found.dx] or found.dx in topological(*p.scalars):
            return None
        factors.append(compose(p.coef, p.scalars, []))
    total = algebra.settled(ops.add(*factors)) if factors else ops.num(0)
    return None if is_zero(total) else total


def sides(found: Linear, algebra: Algebra) -> Sides | None:
    """The equation as left*X*right + rest = 0, where it has that form."""
    x = found.x
    if ONE in x.shape:
        matrix = multiple_of_identity(line_matrix(found, algebra))
        if x.cols is ONE:
            return Sides(matrix, ops.num(1), stacked(found.rest))
        return Sides(ops.num(1), algebra.settled(ops.transpose(matrix)), ops.transpose(stacked(found.rest)))
    terms = products(found, algebra)
    if terms is None or len({t.transposed for t in terms}) > 1:
        return None
    rest = found.rest
    if terms[0].transposed:
        terms = [Term(ops.transpose(t.right), ops.transpose(t.left), False) for t in terms]
        rest = algebra.settled(ops.transpose(rest))
    for turn in (False, True):
        pair = _one_side(terms, turn, algebra)
        if pair is not None:
            return Sides(*pair, rest)
    return None


def line_matrix(found: Linear, algebra: Algebra) -> Expr:
    """V with vec(change) = V*vec(dx), as short as it is found."""
    pushed = ONE in found.change.shape and ONE in found.x.shape
    candidates = [algebra.settled(matrix_of(found.change, found.dx))]
    if pushed:
        candidates.append(algebra.settled(pushed_down(found.change, found.dx, algebra.table, algebra.short)))
    with suppress(BudgetError):
        candidates.append(algebra.settled(matrix_of(algebra.expanded(found.change, found.dx), found.dx)))
    return min(candidates, key=lambda e: (any(n.op in ("kron", "vec") for n in topological(e)), length(e)))


def products(found: Linear, algebra: Algebra) -> list[Term] | None:
    """The change as a sum of left*dX*right and left*dX'*right; None if it is none."""
    terms = _terms(found.change, found.dx, algebra)
    if terms is None:
        return None
    result = []
    for term in terms:
        p = parts(axis_products(term))
        places = [i for i, m in enumerate(p.body) if m is found.dx or (m.op == "t" and m.args[0] is found.dx)]
        others = [m for i, m in enumerate(p.body) if i not in places]
        if len(places) != 1 or found.dx in topological(*others, *p.scalars):
            return None
        at = places[0]
        turned = p.body[at].op == "t"
        rows, cols = p.body[at].shape
        left, right = list(p.body[:at]), list(p.body[at + 1 :])
        result.append(
            Term(
                compose(p.coef, p.scalars, left or [ops.eye(rows)]),
                ops.mul(*right) if right else ops.eye(cols),
                turned,
            )
        )
    return result


def _terms(change: Expr, dx: Expr, algebra: Algebra) -> list[Expr] | None:
    try:
        expanded = algebra.expanded(change, dx)
    except BudgetError:
        return None
    return [t for e in _summands(expanded) for t in _distributed(e)]


def _summands(e: Expr) -> Iterable[Expr]:
    return e.args if e.op == "add" else (e,)


def _distributed(e: Expr) -> Iterable[Expr]:
    """(A + B)' as A' + B'."""
    if e.op == "t" and e.args[0].op == "add":
        return [ops.transpose(a) for a in e.args[0].args]
    return [e]


def _one_side(terms: list[Term], turn: bool, algebra: Algebra) -> tuple[Expr, Expr] | None:
    """(L, R) with sum of terms = L*X*R: the sums of L that belong to each R are one, up to a number."""
    groups: dict[Expr, list[Expr]] = {}
    for t in terms:
        coef, core = _content(t.left)
        other, right = _content(t.right)
        if turn:
            groups.setdefault(core, []).append(_scaled(coef * other, right))
        else:
            groups.setdefault(right, []).append(_scaled(coef * other, core))
    sums = {key: _content(algebra.settled(ops.add(*members))) for key, members in groups.items()}
    cores = {core for _, core in sums.values()}
    if len(cores) != 1:
        return None
    (core,) = cores
    common = algebra.settled(ops.add(*(_scaled(coef, key) for key, (coef, _) in sums.items())))
    core, common = multiple_of_identity(core), multiple_of_identity(common)
    return (common, core) if turn else (core, common)


def multiple_of_identity(e: Expr) -> Expr:
    """eye(n) + c*eye(n) as (1 + c)*eye(n)."""
    if e.op != "add":
        return e
    factors = []
    for term in e.args:
        p = parts(term)
        if len(p.body) != 1 or p.body[0].op != "eye":
            return e
        factors.append(compose(p.coef, p.scalars, []))
    return ops.mul(ops.add(*factors), ops.eye(e.rows))


def _content(e: Expr) -> tuple[Fraction, Expr]:
    """The number in front, and the rest."""
    if e.op == "mul" and e.args[0].op == "num":
        return e.args[0].data, ops.mul(*e.args[1:])  # type: ignore[return-value]
    return Fraction(1), e


def _scaled(coef: Fraction, e: Expr) -> Expr:
    return e if coef == 1 else ops.mul(ops.num(coef), e)


def stacked_solution(found: Linear, algebra: Algebra) -> Solved | None:
    """unvec(inv(V)*vec(C), m, n), V the sum of kron(R', L)."""
    x = found.x
    matrix = map_matrix(found, algebra)
    if matrix is None:
        return None
    right = ops.vec(algebra.settled(ops.neg(found.rest)))
    inverse = ops.inv(matrix)
    return Solved(algebra.settled(ops.unvec(ops.mul(inverse, right), x.rows, x.cols)), divisors(algebra, inverse))


def map_matrix(found: Linear, algebra: Algebra) -> Expr | None:
    """V with vec(change) = V*vec(dX), as a sum of kron(R', L) where it is one; None if it has no closed form."""
    try:
        if ONE in found.x.shape:
            return line_matrix(found, algebra)
        terms = products(found, algebra)
        if terms is not None and not any(t.transposed for t in terms):
            return _kronecker_sum(terms, algebra)
        return algebra.settled(matrix_of(found.change, found.dx))
    except UnsupportedError:
        return None


def _kronecker_sum(terms: list[Term], algebra: Algebra) -> Expr:
    """kron(eye, A) + kron(B', eye): the terms with X first or last taken together."""
    groups: dict[Expr, list[Expr]] = {}
    for t in terms:
        coef, right = _content(t.right)
        groups.setdefault(right, []).append(_scaled(coef, t.left))
    pairs = [(algebra.settled(ops.add(*lefts)), right) for right, lefts in groups.items()]
    by_left: dict[Expr, list[Expr]] = {}
    for left, right in pairs:
        coef, core = _content(left)
        by_left.setdefault(core, []).append(_scaled(coef, right))
    blocks = []
    for left, rights in by_left.items():
        right = algebra.settled(ops.transpose(ops.add(*rights)))
        blocks.append(ops.kron(right, left))
    return algebra.settled(ops.add(*blocks))
