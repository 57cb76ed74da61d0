"""Linearisation: the differential of an expression, operation by operation, from the table."""

from __future__ import annotations

from collections.abc import Mapping

from matcalc import ops
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.rules.entries import Differential
from matcalc.rules.spellings import no_differential
from matcalc.rules.table import Table
from matcalc.shapes import ONE

# sums, products and what only moves entries: linear in each argument, no entry is needed to apply them
MULTILINEAR = frozenset("add mul had t tr sum mean diagmat diagvec vec unvec kron block slice part".split())


def local_differential(n: Expr, d: Mapping[Expr, Expr], table: Table) -> tuple[Expr, Differential | None]:
    """The differential of one operation when its arguments have the differentials ``d`` (missing: zero).

    The table's entry is given back for the record.
    """
    entry = None if n.op in MULTILINEAR | {"ufn", "isum"} else table.differential(n)
    terms: list[Expr] = []
    if n.op == "add":
        terms = [d[a] for a in n.args if a in d]
    elif n.op == "block":
        terms = [ops.rebuild(n, [d.get(a, ops.zeros(*a.shape)) for a in n.args])]
        entry = table.differential(n)
    elif n.op in MULTILINEAR:
        for i, a in enumerate(n.args):
            if a in d:
                terms.append(ops.rebuild(n, (*n.args[:i], d[a], *n.args[i + 1 :])))
        entry = table.differential(n)
    elif n.op == "isum":
        index, low, high, body = n.args
        terms = [ops.isum(index, low, high, d[body])] if body in d else []
    elif n.op == "ufn":
        terms = [_undefined(n, i, d[a]) for i, a in enumerate(n.args) if a in d]
    elif entry is None:
        raise no_differential(n)
    else:
        bound = entry.bind(n)
        assert bound is not None
        for variable, argument in bound[0].items():
            part = entry.parts.get(variable)
            if argument in d and variable in entry.fixed:
                name = n.data if n.op in ("fn", "mfn") else n.op
                raise UnsupportedError(f"{name} has no derivative by its argument {variable.name}")
            if argument in d and part is not None:
                terms.append(entry.fill(part, n, {entry.differentials[variable]: d[argument]}))
    return (ops.add(*terms) if terms else ops.zeros(*n.shape)), entry


def _undefined(n: Expr, i: int, da: Expr) -> Expr:
    name, kind, derivative = n.data  # type: ignore[misc]
    if kind.args is None:
        return ops.had(ops.ufn(name, kind, n.args, derivative + 1), da)
    slope = ops.ufn(name, kind, n.args, (*derivative, i))
    if n.is_scalar and not derivative:
        if da.is_scalar:
            return ops.mul(slope, da)
        column = da.cols is ONE
        if column or da.rows is ONE:
            return ops.mul(ops.transpose(slope), da) if column else ops.mul(slope, ops.transpose(da))
        return ops.trace(ops.mul(ops.transpose(slope), da))
    step = ops.mul(slope, da if da.cols is ONE else ops.transpose(da))
    return step if n.cols is ONE else ops.transpose(step)


def differential(f: Expr, directions: Mapping[Expr, Expr], table: Table) -> Expr:
    """df when each given node X has the differential ``directions[X]``."""
    d: dict[Expr, Expr] = dict(directions)
    reached = depends(f, directions)
    for n in topological(f):
        if n in reached and n not in d:
            d[n] = local_differential(n, {a: d[a] for a in n.args if a in d}, table)[0]
    return d.get(f, ops.zeros(*f.shape))
