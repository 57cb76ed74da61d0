"""The matrix J with dy = J*dx for vectors and rows, by pushing products down: the first identification theorem.

What stands around dx on its way to the top is kept as L*(...)*R, so that x*dx'*A*x gives x*(A*x)', and Kronecker
products occur only where the differential has an array of more than two axes inside. (Magnus & Neudecker 2019, ch. 5.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from matcalc import ops
from matcalc.calculus.adjoint import Short, gradients
from matcalc.calculus.selectors import picks, placements
from matcalc.calculus.vectorize import matrix_of, stacked
from matcalc.expr import Expr, depends
from matcalc.rules.table import Table
from matcalc.shapes import ONE


@dataclass(frozen=True, slots=True)
class _State:
    """A part of the column: left*node*right, with node turned if ``turned``; None stands for the identity."""

    node: Expr
    left: Expr | None = None
    right: Expr | None = None
    turned: bool = False


def line_matrix(e: Expr, dx: Expr, table: Table, short: Short) -> Expr:
    """J with stacked(e) = J*stacked(dx), for e and dx vectors or rows and e linear in the symbol dx."""
    active = depends(e, [dx])
    found: list[Expr] = []
    todo = [_State(e, turned=e.cols is not ONE)] if e in active else []
    while todo:
        state = todo.pop()
        parts = None if state.node is dx else _pushed(state, active)
        if parts is not None:
            todo.extend(reversed(parts))
        else:
            found.append(_around(state, _at_leaf(state.node, dx, table, short)))
    return ops.add(*found) if found else ops.zeros(e.rows * e.cols, dx.rows * dx.cols)


def _at_leaf(n: Expr, dx: Expr, table: Table, short: Short) -> Expr:
    """The matrix of a node that nothing is pushed into: of a scalar its gradient as a row."""
    if n is dx:
        return ops.eye(dx.rows * dx.cols)
    if n.is_scalar:
        return ops.transpose(stacked(gradients(n, [dx], table, short)[dx]))
    return matrix_of(n, dx)


def _around(s: _State, inner: Expr) -> Expr:
    """left*node*right as a matrix times what ``inner`` is the matrix of."""
    left, right, n = s.left, s.right, s.node
    if n.is_scalar:
        return _product(left, right, inner) if left is not None or right is not None else inner
    if ONE in n.shape:  # a column, or a row turned into one; between two factors a scalar made of it
        lying = (n.rows is ONE) is not s.turned
        if not lying:
            return _product(left, inner) if right is None else _product(_both(left, right), inner)
        assert right is not None, "a row that is not turned ends in a factor"
        return _product(left, ops.transpose(right), inner)
    if s.turned:
        inner = _product(ops.commutation(*n.shape), inner)
    assert right is not None, "a matrix ends in a factor"
    eye = ops.eye(n.cols if s.turned else n.rows)
    if left is None or left.is_scalar:
        left = eye if left is None else ops.mul(left, eye)
    return _product(ops.kron(ops.transpose(right), left), inner)


def _both(left: Expr | None, right: Expr) -> Expr:
    """left*column*right with a scalar right."""
    return right if left is None else ops.mul(left, right)


def _product(*factors: Expr | None) -> Expr:
    kept = [f for f in factors if f is not None and f.op != "eye"]
    plain = [f for f in factors if f is not None]
    if all(f.is_scalar for f in kept) and len(kept) < len(plain):
        eye = next(f for f in plain if f.op == "eye")
        return ops.mul(*kept, eye) if kept else eye
    return ops.mul(*kept)


def _pushed(s: _State, active: set[Expr]) -> list[_State] | None:
    """The state one operation further down, as a sum of states; None where it ends."""
    n = s.node
    if n.is_scalar:
        return None
    match n.op:
        case "add":
            return [replace(s, node=a) for a in n.args if a in active]
        case "t":
            return [replace(s, node=n.args[0], turned=not s.turned)]
        case "mul":
            return [_factor(s, active)]
        case "had":
            return _scaled(s, active)
        case "diagmat" if s.right is not None and s.right.cols is ONE:
            return [_State(n.args[0], _times(s.left, ops.diag(s.right)), None, n.args[0].rows is ONE)]
        case "diagvec":
            return _diagonal(s, active)
        case "sum" | "mean":
            return [_reduced(s)]
        case "slice":
            rows, cols = picks(n)
            return [_surrounded(s, n.args[0], rows, ops.transpose(cols))]
        case "block":
            found = [(entry, ops.transpose(rows), cols) for entry, rows, cols in placements(n) if entry in active]
            return [_surrounded(s, *place) for place in found]
    return None


def _times(*factors: Expr | None) -> Expr | None:
    """A product in which None and identities are left out."""
    kept = [f for f in factors if f is not None and f.op != "eye" and not (f.op == "num" and f.data == 1)]
    return ops.mul(*kept) if kept else None


def _surrounded(s: _State, node: Expr, before: Expr | None, after: Expr | None) -> _State:
    """The state for before*node*after in place of the state's node."""
    if s.turned:
        before, after = (None if m is None else ops.transpose(m) for m in (after, before))
    return _State(node, _times(s.left, before), _times(after, s.right), s.turned)


def _factor(s: _State, active: set[Expr]) -> _State:
    """Of a product: the one factor that depends on dx."""
    n = s.node
    where = next(i for i, a in enumerate(n.args) if a in active)
    x = n.args[where]
    if x.is_scalar:
        rest = ops.mul(*n.args[:where], *n.args[where + 1 :])
        whole = _times(s.left, ops.transpose(rest) if s.turned else rest, s.right)
        return _State(x, whole)
    scalars = [a for a in n.args if a.is_scalar]
    before = _times(*scalars, *(a for a in n.args[:where] if not a.is_scalar))
    after = _times(*(a for a in n.args[where + 1 :] if not a.is_scalar))
    return _surrounded(s, x, before, after)


def _scaled(s: _State, active: set[Expr]) -> list[_State] | None:
    """a .* x of lines is diag(a)*x; of matrices (M .* u*v')*w is u .* (M*(v .* w)); others end here."""
    n = s.node
    (x,) = [a for a in n.args if a in active]
    rest = ops.had(*(a for a in n.args if a is not x))
    if ONE not in n.shape:
        return _weighted(s, x, rest, active)
    if n.cols is ONE:
        return [_surrounded(s, x, ops.diag(rest), None)]
    return [_surrounded(s, x, None, ops.diag(rest))]


def _weighted(s: _State, x: Expr, weights: Expr, active: set[Expr]) -> list[_State] | None:
    """A product x of a column and a row, or of a scalar and a matrix, with a weight for each entry, times a column."""
    if x.op == "add":
        return [replace(s, node=ops.had(weights, a)) for a in x.args if a in active]
    if x.op == "t":
        return [replace(s, node=ops.had(ops.transpose(weights), x.args[0]), turned=not s.turned)]
    if x.op != "mul" or s.right is None:
        return None
    factors = [a for a in x.args if not a.is_scalar]
    scalars = [a for a in x.args if a.is_scalar]
    lone = next((a for a in scalars if a in active), None)
    if lone is not None:
        matrix = ops.had(weights, ops.mul(*(a for a in scalars if a is not lone), *factors))
        return [_State(lone, _times(s.left, ops.transpose(matrix) if s.turned else matrix, s.right))]
    cut = next((i for i, a in enumerate(factors[:-1], start=1) if a.cols is ONE), None)
    if cut is None:
        return None
    column, row = ops.mul(*factors[:cut]), ops.mul(*factors[cut:])
    below = any(a in active for a in factors[:cut])
    fixed = ops.transpose(row) if below else column
    if s.turned:  # (M .* u*v)' = M' .* v'*u'
        weights = ops.transpose(weights)
    if below is s.turned:
        scale = _times(ops.diag(fixed), weights, ops.diag(s.right))
    else:
        scale = ops.diag(ops.mul(weights, ops.had(fixed, s.right)))
    return [_State(column if below else row, _times(*scalars, s.left, scale), None, not below)]


def _diagonal(s: _State, active: set[Expr]) -> list[_State] | None:
    """The diagonal of L*X*R, pushed down: diag(L*diag(v)*R) = (L .* R')*v, diag(L*x*q') = diag(q)*L*x."""
    done: list[_State] = []
    todo = [_State(s.node.args[0])]
    while todo:
        at = todo.pop()
        n, left, right = at.node, at.left, at.right
        if n.is_scalar:
            assert left is not None, "a scalar has the rest of its product beside it"
            done.append(_surrounded(s, n, ops.diagvec(left), None))
        elif n.op == "add":
            todo.extend(replace(at, node=a) for a in reversed(n.args) if a in active)
        elif n.op == "t":  # diag(M') = diag(M)
            before, after = (None if m is None else ops.transpose(m) for m in (right, left))
            todo.append(_State(n.args[0], before, after))
        elif n.op == "mul":
            todo.append(_factor(at, active))
        elif n.cols is ONE and right is not None:
            done.append(_surrounded(s, n, _times(ops.diag(ops.transpose(right)), left), None))
        elif n.rows is ONE and left is not None:
            back = None if right is None else ops.transpose(right)
            done.append(_surrounded(s, ops.transpose(n), _times(ops.diag(left), back), None))
        elif n.op == "diagmat":
            v = n.args[0] if n.args[0].cols is ONE else ops.transpose(n.args[0])
            sides = [m for m in (left, None if right is None else ops.transpose(right)) if m is not None]
            weights = ops.had(*sides) if len(sides) == 2 else ops.diag(ops.diagvec(sides[0])) if sides else None
            done.append(_surrounded(s, v, weights, None))
        else:
            return None
    return done


def _reduced(s: _State) -> _State:
    """Sums and means along an axis, as products with ones."""
    n = s.node
    (x,) = n.args
    scale = None if n.op == "sum" else ops.reciprocal(ops.dim(x.rows if n.data == 0 else x.cols))
    if n.data == 0:
        return _surrounded(s, x, _times(scale, ops.ones(ONE, x.rows)), None)
    return _surrounded(s, x, scale, ops.ones(x.cols, ONE))
