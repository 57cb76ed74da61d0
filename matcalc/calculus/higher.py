"""Jacobians and Hessians: one differential, read in several ways.

The map dY in terms of dX is always closed. From it: the matrix J with dy = J*dx for vectors, the vec form
vec(dY) = V*vec(dX) with columns stacked for matrices, the index form with deltas. (Magnus & Neudecker 2019, ch. 5-10.)
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from matcalc import ops
from matcalc.calculus.components import in_components
from matcalc.calculus.differential import differential
from matcalc.calculus.index_form import IndexForm, index_form
from matcalc.calculus.line_matrix import line_matrix
from matcalc.calculus.structure import structured
from matcalc.calculus.vectorize import matrix_of
from matcalc.calculus.vectorize import stacked as stacked
from matcalc.errors import BudgetError, UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import Kind
from matcalc.printing.measure import length
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE
from matcalc.simplifier.normal import normal_form
from matcalc.simplifier.simplify import Simplifier
from matcalc.symmetry import is_symmetric

LONGER = 1.6  # times the shortest form: what a Hessian that can be seen to be symmetric may cost


@dataclass(frozen=True, slots=True)
class Forms:
    """The derivative of ``function`` by ``variable``: the map (in terms of ``direction``), its matrix, its index form.

    ``matrix`` is J for vectors and scalars, V (columns stacked) otherwise; ``stacked`` says which.
    """

    function: Expr
    variable: Expr
    direction: Expr
    map: Expr
    matrix: Expr
    stacked: bool
    index: IndexForm | None


def forms(
    f: Expr,
    x: Expr,
    taken: Mapping[str, Kind],
    structure: str,
    table: Table,
    short: Simplifier,
    hessian: bool = False,
) -> Forms:
    """All readings of the differential of f along dX; a ``hessian`` (f a gradient by x) is written symmetrically."""
    dx = _direction(x, taken)
    along = dx if structure == "free" else structured(dx, x, "projected" if structure == "auto" else structure)[0]
    if structure == "tied" and along is not dx:
        raise UnsupportedError(
            "second derivatives in the tied-entries convention are not supported",
            hint="leave --structure out for the projected form",
        )
    change = short.settled(differential(f, {x: along}, table))
    found = read_off(f, x, dx, change, table, short)
    matrix = found.matrix
    if hessian and not found.stacked and not x.is_scalar:
        matrix = symmetric_form(matrix, table, short)
    return replace(found, matrix=in_components(matrix, short))


def _direction(x: Expr, taken: Mapping[str, Kind]) -> Expr:
    """dX, of which nothing is known but its shape."""
    name, kind = x.data  # type: ignore[misc]
    d_name = f"d{name}"
    while d_name in taken:
        d_name += "_"
    return ops.sym(d_name, replace(kind, facts=frozenset()))


def of_gradient(f: Expr, x: Expr, gradient: Expr, taken: Mapping[str, Kind], short: Simplifier) -> Forms:
    """df = tr(G'*dX) and the entries of G, for the gradient G of a scalar function; ``matrix`` is G."""
    dx = _direction(x, taken)
    turned = ops.transpose(gradient)
    if x.is_scalar:
        return Forms(f, x, dx, short.settled(ops.mul(gradient, dx)), gradient, False, None)
    product = ops.mul(dx, turned) if x.rows is ONE else ops.mul(turned, dx)
    change = short.settled(product if product.is_scalar else ops.trace(product))
    try:
        index = index_form(change, dx, short.settled)
    except UnsupportedError:
        index = None
    return Forms(f, x, dx, change, gradient, False, index)


def with_facts(form: Forms, back: dict[Expr, Expr], short: Simplifier) -> Forms:
    """The forms for the declared variables, shortened by what is declared of them; they were found without that."""
    change, matrix = (short.settled(ops.substitute(e, back)) for e in (form.map, form.matrix))
    index = None
    if form.index is not None:
        index = index_form(change, form.direction, short.settled)
    function, x = (ops.substitute(e, back) for e in (form.function, form.variable))
    return replace(form, function=function, variable=x, map=change, matrix=matrix, index=index)


def symmetric_form(h: Expr, table: Table, short: Simplifier) -> Expr:
    """A Hessian that can be seen to be its own transpose, where one is found that is not much longer.

    S*(eye + Q*S) is S + S*Q*S, and so on: products are distributed, first over sums with the identity in them.
    """
    if is_symmetric(h):
        return h
    candidates = [short.settled(ops.transpose(h))]
    terms = h.args if h.op == "add" else (h,)
    candidates.append(ops.add(*(_identities_out(t, short) for t in terms)))
    with suppress(BudgetError):
        written_out = normal_form(h, table)
        scalars = Simplifier(rewriter(table))
        scalars.scalars_only = True  # A*x*b' + b*x'*A stays a sum that can be seen to be symmetric
        candidates += [written_out, scalars.settled(written_out)]
    kept = [c for c in candidates if is_symmetric(c) and length(c) <= LONGER * length(h)]
    return min(kept, key=length, default=h)


def _identities_out(product: Expr, short: Simplifier) -> Expr:
    """s*A*(eye + B) as s*(A + A*B)."""
    if product.op != "mul":
        return product
    sums = [a for a in product.args if a.op == "add" and not a.is_scalar]
    found = next((a for a in sums if any(_scaled_eye(t) for t in a.args)), None)
    if found is None:
        return product
    at = product.args.index(found)
    chain = [a for a in product.args if not a.is_scalar]
    if len(chain) == 1:
        return product
    front, back = ([a for a in part if not a.is_scalar] for part in (product.args[:at], product.args[at + 1 :]))
    inside = ops.add(*(short(ops.mul(*front, t, *back)) for t in found.args))
    return ops.mul(*(a for a in product.args if a.is_scalar), inside)


def _scaled_eye(t: Expr) -> bool:
    return t.op == "eye" or (t.op == "mul" and any(a.op == "eye" for a in t.args))


def read_off(f: Expr, x: Expr, dx: Expr, change: Expr, table: Table, short: Simplifier) -> Forms:
    """The matrix and the index form of a map that is linear in dx."""
    if x.is_scalar:
        slope = short.settled(ops.substitute(change, {dx: ops.num(1)}))
        return Forms(f, x, dx, change, slope, False, None)
    matrix = _matrix(change, dx, table, short)
    try:
        index = index_form(change, dx, short.settled)
    except UnsupportedError:
        index = None
    line = ONE in f.shape and ONE in x.shape
    return Forms(f, x, dx, change, matrix, not line, index)


def _matrix(change: Expr, dx: Expr, table: Table, short: Simplifier) -> Expr:
    """The matrix of the map; for vectors and rows from its short and from its expanded form, the shorter."""
    if ONE not in change.shape or ONE not in dx.shape:
        return short.settled(matrix_of(change, dx))
    found = short.settled(line_matrix(change, dx, table, short))
    try:
        expanded = normal_form(change, table)
    except BudgetError:
        return found
    other = short.settled(line_matrix(expanded, dx, table, short))
    return min(found, other, key=length)
