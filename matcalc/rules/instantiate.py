"""A template on other arguments: variables replaced by expressions, dimension names by dimensions.

Templates are the texts of the identity table. ``unify`` finds what the dimension names stand for,
``instantiate`` fills a template in, ``instantiate_elementwise`` fills in one that is written for scalars on
arrays: products become elementwise, numbers in sums are lifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.ops import (
    add,
    commutation,
    dim,
    eye,
    had,
    idx,
    lift,
    mul,
    neg,
    num,
    ones,
    power,
    rebuild,
    sym,
    unit,
    unvec,
    zeros,
)
from matcalc.shapes import SCALAR, Dim, Shape

# operations whose array form is the scalar form entry by entry
ELEMENTWISE_OPS = frozenset({"fn", "pow", "max2", "min2", "cmp"})


def unify(pattern: Dim, actual: Dim, dims: dict[str, Dim]) -> bool:
    """Bind the names of ``pattern`` so that it becomes ``actual``; False if it cannot.

    One unknown name with a factor of 1 or an exact division can be solved for; otherwise the names must be
    known already.
    """
    name = pattern.name
    if name is not None:
        return dims.setdefault(name, actual) is actual
    unknown = [name for name in pattern.names if name not in dims]
    if not unknown:
        return pattern.substitute(dims) is actual
    if len(unknown) != 1:
        return False
    name = unknown[0]
    # the unknown name apart, which may also occur in what the others stand for
    solved = _solve(pattern.substitute({**dims, name: _UNKNOWN}), actual)
    if solved is None:
        return False
    dims[name] = solved
    return True


_UNKNOWN = Dim.of("?")  # no name in any input


def _solve(known: Dim, actual: Dim) -> Dim | None:
    """The value of the unknown in ``known == actual`` where ``known`` is unknown*c + rest, c one monomial."""
    name = "?"
    rest = Dim(tuple((m, f) for m, f in known.terms if name not in m))
    parts = [(m, f) for m, f in known.terms if name in m]
    if len(parts) != 1 or parts[0][0].count(name) != 1:
        return None
    (monomial, factor) = parts[0]
    divisor = list(monomial)
    divisor.remove(name)
    terms = []
    for other, value in (actual - rest).terms:
        remaining = list(other)
        for letter in divisor:
            if letter not in remaining:
                return None
            remaining.remove(letter)
        if value % factor:
            return None
        terms.append((tuple(remaining), value // factor))
    return Dim(tuple(sorted(terms)))


def unify_shapes(pattern: Iterable[Dim], actual: Iterable[Dim], dims: dict[str, Dim]) -> bool:
    """Unify dimension by dimension; compound ones last, when the bare names are known."""
    pairs = sorted(zip(pattern, actual, strict=True), key=lambda pair: len(pair[0].names))
    return all(unify(p, a, dims) for p, a in pairs)


def instantiate(template: Expr, bindings: Mapping[Expr, Expr], dims: Mapping[str, Dim] | None = None) -> Expr:
    """``template`` with its variables replaced by ``bindings`` and its dimension names by ``dims``.

    A bound index of the template is renamed where the bindings use an index of the same name.
    """
    dims = dims or {}
    results: dict[Expr, Expr] = {**bindings, **_renamed_indices(template, bindings)}
    for current in topological(template):
        if current not in results:
            results[current] = _rebuilt(current, [results[a] for a in current.args], dims)
    return results[template]


def _renamed_indices(template: Expr, bindings: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    indices = [n for n in topological(template) if n.op == "idx"]
    if not indices:
        return {}
    taken = {n.data for n in topological(*bindings.values()) if n.op in ("idx", "sym")}
    taken |= {n.data[0] for n in topological(*bindings.values()) if n.op == "sym"}  # type: ignore[index]
    renamed: dict[Expr, Expr] = {}
    for index in indices:
        name, count = index.data, 0
        while name in taken:
            count += 1
            name = f"{index.data}{count}"
        taken.add(name)
        renamed[index] = idx(str(name))
    return renamed


def _rebuilt(node: Expr, args: list[Expr], dims: Mapping[str, Dim]) -> Expr:
    if node.op == "mul" and node.args[0].op == "num" and node.args[0].data == -1:
        return neg(mul(*args[1:]))
    if args:
        if node.op == "unit":
            assert isinstance(node.data, Dim)
            return unit(args[0], node.data.substitute(dims))
        if node.op == "unvec":
            return unvec(args[0], *_dims(node.data, dims))
        return node if all(a is b for a, b in zip(args, node.args, strict=True)) else rebuild(node, args)
    match node.op:
        case "dim":
            assert isinstance(node.data, Dim)
            return dim(node.data.substitute(dims))
        case "eye":
            return eye(_dims(node.data, dims)[0])
        case "ones":
            return ones(*_dims(node.data, dims))
        case "zeros":
            return zeros(*_dims(node.data, dims))
        case "commutation":
            return commutation(*_dims(node.data, dims))
        case _:
            return node


def _dims(data: Any, dims: Mapping[str, Dim]) -> Shape:
    rows, cols = data
    return rows.substitute(dims), cols.substitute(dims)


def instantiate_elementwise(template: Expr, bindings: Mapping[Expr, Expr], shape: Shape) -> Expr:
    """A template over scalars with some variables bound to arrays of ``shape``: the same, entry by entry.

    What depends on no array stays a scalar; the result has ``shape``.
    """
    if shape == SCALAR:
        return instantiate(template, bindings)
    results: dict[Expr, Expr] = dict(bindings)
    for current in topological(template):
        if current not in results:
            args = [results[a] for a in current.args]
            results[current] = _elementwise(current, args, shape)
    result = results[template]
    return lift(result, shape)


def _elementwise(node: Expr, args: list[Expr], shape: Shape) -> Expr:
    arrays = any(not a.is_scalar for a in args)
    match node.op:
        case "mul":
            if node.args[0].op == "num" and node.args[0].data == -1:
                return neg(had(*args[1:]))
            return had(*args)
        case "add":
            return add(*(lift(a, shape) if arrays else a for a in args))
        case "pow":
            return power(*args)
        case _:
            return rebuild(node, args) if args else node


def array_form(template: Expr, scalars: Iterable[Expr]) -> tuple[Expr, dict[Expr, Expr]]:
    """The template with some scalars turned into m x n arrays of the same name, and what became what."""
    rows, cols = Dim.of("m"), Dim.of("n")
    arrays = {}
    for variable in scalars:
        kind = variable.data[1]  # type: ignore[index]
        arrays[variable] = sym(variable.name, Kind("matrix", rows, cols, kind.facts))
    return instantiate_elementwise(template, arrays, (rows, cols)), arrays


def zero(shape: Shape) -> Expr:
    """The zero of that shape; the number 0 for a scalar."""
    return num(0) if shape == SCALAR else zeros(*shape)
