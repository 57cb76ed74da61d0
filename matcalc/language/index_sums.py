"""sum(i, x[i]*y[i]) is x'*y: sums over an index in matrix form, where they have one.

What depends on the index is *stacked*: for i = 0, ..., n - 1 a number becomes the vector of its values, a vector or a
row the matrix that has them as rows. ``X[i, :]`` stacks to X, ``X[i, :]*w`` to ``X*w``, a function to the function of
the stack; the sum is then a product or a sum of entries. Whatever does not stack leaves its sum as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.shapes import ONE, Dim


def raised(e: Expr) -> Expr:
    """``e`` with the sums over an index in matrix form, the inner ones first."""
    results: dict[Expr, Expr] = {}
    for n in topological(e):
        args = tuple(results[a] for a in n.args)
        again = n if args == n.args else ops.rebuild(n, args)
        results[n] = _raise(again) if again.op == "isum" else again
    return results[e]


def _raise(e: Expr) -> Expr:
    """One sum: its terms one by one, constant factors in front; ``e`` itself if a term does not stack."""
    index, low, high, body = e.args
    size = _size(index, low, high, body)
    if size is None:
        return e
    stack = Stack(index, size)
    total = [_sum_of(stack, term) for term in (body.args if body.op == "add" else (body,))]
    found = [t for t in total if t is not None]
    if len(found) < len(total) or len(found) > 1:  # as a whole: (a - b)^2 rather than three sums
        whole = _sum_of(stack, body)
        if whole is not None:
            return whole
    return ops.add(*found) if len(found) == len(total) else e


def _size(index: Expr, low: Expr, high: Expr, body: Expr) -> Dim | None:
    """The size that the index runs over, if it runs over all of everything that it indexes."""
    if low is not ops.num(0):
        return None
    sizes: set[Dim] = set()
    for n in topological(body):
        if n.op == "unit" and n.args[0] is index:
            sizes.add(n.rows)
        if n.op == "slice":
            position = iter(n.args[1:])
            data: Any = n.data
            for spec, size in zip(data, n.args[0].shape, strict=True):
                if spec[0] == "at" and next(position) is index:
                    sizes.add(size)
    if len(sizes) != 1:
        return None
    (size,) = sizes
    last = ops.num(size.number - 1) if size.number is not None else ops.add(ops.dim(size), ops.num(-1))
    return size if high is last else None


def _sum_of(stack: Stack, term: Expr) -> Expr | None:
    """The sum of one term over the index."""
    scalars, factors = _factors(term)
    fixed = [s for s in scalars if not stack.moves(s)]
    columns = stack.each(s for s in scalars if stack.moves(s))
    if columns is None:
        return None
    if not factors:
        return ops.mul(*fixed, _dot(columns, stack.size))
    places = [i for i, f in enumerate(factors) if stack.moves(f)]
    if not places:
        return ops.mul(*fixed, _dot(columns, stack.size), *factors)
    first, last = places[0], places[-1]
    before, after = factors[:first], factors[last + 1 :]
    inner = factors[first : last + 1]
    if len(places) == 1 and (inner[0].cols is ONE or inner[0].rows is ONE):
        rows = stack.of(inner[0])
        if rows is None:
            return None
        weight = _hadamard(columns, stack.size)
        column = inner[0].cols is ONE
        middle = ops.mul(_transposed(rows), weight) if column else ops.mul(_transposed(weight), rows)
    elif len(places) == 2 and len(inner) == 2 and inner[0].cols is ONE and inner[1].rows is ONE:
        left, right = stack.of(inner[0]), stack.of(inner[1])
        if left is None or right is None:
            return None
        if columns:
            weight = _hadamard(columns, stack.size)
            right = ops.had(weight, right) if right.cols is ONE else ops.mul(ops.diag(weight), right)
        middle = ops.mul(_transposed(left), right)
    else:
        return None
    return ops.mul(*fixed, *before, middle, *after)


def _factors(term: Expr) -> tuple[list[Expr], list[Expr]]:
    """Scalar and other factors; every inner product in the chain counts as one scalar."""
    if term.op != "mul":
        return ([term], []) if term.is_scalar else ([], [term])
    scalars = [a for a in term.args if a.is_scalar]
    segments: list[list[Expr]] = []
    for factor in (a for a in term.args if not a.is_scalar):
        if segments and factor.rows is not ONE:
            segments[-1].append(factor)
        else:
            segments.append([factor])
    if len(segments) == 1 and not term.is_scalar:
        return scalars, segments[0]
    rest: list[Expr] = []
    for segment in segments:
        if segment[0].rows is ONE and segment[-1].cols is ONE:
            scalars.append(ops.mul(*segment))
        else:
            rest.extend(segment)
    return scalars, rest


def _hadamard(columns: list[Expr], size: Dim) -> Expr:
    return ops.had(*columns) if columns else ops.ones(size, ONE)


def _dot(columns: list[Expr], size: Dim) -> Expr:
    """The sum over i of the product of the columns' entries: an inner product of two."""
    if not columns:
        return ops.dim(size)
    if len(columns) == 1 and columns[0].op == "sum":  # of the sums of the rows
        return ops.total(columns[0].args[0])
    if len(columns) == 2:
        return ops.mul(_transposed(columns[0]), columns[1])
    return ops.total(ops.had(*columns))


def _transposed(x: Expr) -> Expr:
    return x.args[0] if x.op == "t" else ops.transpose(x)


def _part(x: Expr, rows: Any, cols: Any, *index: Expr) -> Expr:
    return x if rows == cols == ("all",) else ops.slice_(x, rows, cols, *index)


class Stack:
    """The values for all i below each other; ``of`` gives the stack of an expression, None where there is none."""

    def __init__(self, index: Expr, size: Dim) -> None:
        self.index = index
        self.size = size
        self.known: dict[Expr, bool] = {index: True}
        self.results: dict[Expr, Expr | None] = {}

    def moves(self, e: Expr) -> bool:
        """Does it depend on the index?"""
        for n in topological(e):
            if n not in self.known:
                self.known[n] = any(self.known[a] for a in n.args)
        return self.known[e]

    def of(self, e: Expr) -> Expr | None:
        """n x 1 for a number, n x d for a vector or row of length d."""
        for n in topological(e):
            if n not in self.results:
                self.results[n] = self._stack(n)
        return self.results[e]

    def _stack(self, n: Expr) -> Expr | None:
        if not self.moves(n):
            return self._constant(n)
        if n.rows is not ONE and n.cols is not ONE:
            return None  # a matrix for each i: three indices
        make = _STACK.get(n.op)
        return make(self, n) if make is not None else None

    def _constant(self, n: Expr) -> Expr | None:
        if n.is_scalar:
            return ops.lift(n, (self.size, ONE))
        if n.rows is ONE or n.cols is ONE:
            return ops.mul(ops.ones(self.size, ONE), n if n.rows is ONE else _transposed(n))
        return None

    def each(self, args: Iterable[Expr]) -> list[Expr] | None:
        """The stacks of all of them, or None."""
        found = [self.of(a) for a in args]
        stacked = [f for f in found if f is not None]
        return stacked if len(stacked) == len(found) else None

    # --- one method for each kind of operation

    def slice(self, n: Expr) -> Expr | None:
        data: Any = n.data
        x, specs, position = n.args[0], list(data), list(n.args[1:])
        if self.moves(x):
            return self._entry_of_line(n, specs, position)
        here = [spec[0] == "at" and position[k] is self.index for spec, k in zip(specs, _places(specs), strict=True)]
        rest = [p for p in position if p is not self.index]
        if any(self.moves(p) for p in rest):
            return None
        if here == [True, True]:
            return ops.diagvec(x)
        if here == [True, False]:
            return _part(x, ("all",), specs[1], *rest)
        if here == [False, True]:
            return _transposed(_part(x, specs[0], ("all",), *rest))
        return None

    def _entry_of_line(self, n: Expr, specs: list[Any], position: list[Expr]) -> Expr | None:
        """A part of a vector or row that itself depends on i: columns of its stack."""
        rows = self.results[n.args[0]]
        along = 1 if n.args[0].rows is ONE else 0
        if rows is None or n.args[0].is_scalar or any(self.moves(p) for p in position):
            return None
        if specs[1 - along] != ("all",):
            return None
        return _part(rows, ("all",), specs[along], *position)

    def unit(self, n: Expr) -> Expr | None:
        return ops.eye(self.size) if n.args[0] is self.index else None

    def transpose(self, n: Expr) -> Expr | None:
        return self.results[n.args[0]]

    def add(self, n: Expr) -> Expr | None:
        found = self.each(n.args)
        return None if found is None else ops.add(*found)

    def product(self, n: Expr) -> Expr | None:
        """Scalars, and a chain of matrices with a moving row in front, a moving vector at the end, or both."""
        scalars, chain = _factors(n)
        if scalars == [n]:  # one inner product
            return self._chain(list(n.args))
        fixed = [s for s in scalars if not self.moves(s)]
        weights = self.each(s for s in scalars if self.moves(s))
        if weights is None:
            return None
        if not chain:
            return ops.mul(*fixed, ops.had(*weights))
        line = self._chain(chain)
        if line is None:
            return None
        if weights:
            weight = ops.had(*weights)
            line = ops.had(weight, line) if line.cols is ONE else ops.mul(ops.diag(weight), line)
        return ops.mul(*fixed, line)

    def _chain(self, chain: list[Expr]) -> Expr | None:
        moving = [self.moves(a) for a in chain]
        if not any(moving):
            return self._constant(ops.mul(*chain))
        if sum(moving) == 1 and moving[0] and chain[0].rows is ONE:
            rows = self.results[chain[0]]
            return None if rows is None else ops.mul(rows, *chain[1:])
        if sum(moving) == 1 and moving[-1] and chain[-1].cols is ONE:
            rows = self.results[chain[-1]]
            return None if rows is None else ops.mul(rows, *(_transposed(a) for a in reversed(chain[:-1])))
        if sum(moving) == 2 and moving[0] and moving[-1] and chain[0].rows is ONE and chain[-1].cols is ONE:
            left, right = self.results[chain[0]], self.results[chain[-1]]
            if left is None or right is None:
                return None
            return ops.total(ops.had(ops.mul(left, *chain[1:-1]), right), 1)
        return None

    def entrywise(self, n: Expr) -> Expr | None:
        if n.op == "pow" and n.args[0].op == "norm2" and n.args[1] is ops.num(2) and self.moves(n.args[0]):
            rows = self.results[n.args[0].args[0]]
            return None if rows is None else ops.total(ops.power(rows, ops.num(2)), 1)
        found = self.each(n.args)
        if found is None:
            return None
        if n.op == "ufn" and n.data[1].args is not None:  # type: ignore[index]
            return None
        if n.op == "pow" and not self.moves(n.args[1]) and n.args[1].is_scalar:
            found[1] = n.args[1]
        return ops.rebuild(n, found)

    def along(self, n: Expr) -> Expr | None:
        """A function of a whole vector or row: along each row of the stack."""
        rows = self.results[n.args[0]]
        if rows is None or n.data is not None:
            return None
        if n.op == "norm2":
            return ops.fn("sqrt", ops.total(ops.power(rows, ops.num(2)), 1))
        if n.op == "norm1":
            return ops.total(ops.fn("abs", rows), 1)
        if rows.cols is ONE:  # a vector of one entry
            return None
        return _ALONG[n.op](rows, 1)


def _places(specs: list[Any]) -> list[int]:
    """The place of each axis in the list of index expressions."""
    return [sum(s[0] == "at" for s in specs[:k]) for k in range(len(specs))]


_ALONG: dict[str, Callable[[Expr, int], Expr]] = {
    "sum": ops.total,
    "mean": ops.mean,
    "softmax": ops.softmax,
    "logsumexp": ops.logsumexp,
}
_STACK: dict[str, Callable[[Stack, Expr], Expr | None]] = {
    "slice": Stack.slice,
    "unit": Stack.unit,
    "t": Stack.transpose,
    "add": Stack.add,
    "mul": Stack.product,
    **dict.fromkeys(("had", "pow", "fn", "max2", "min2", "cmp", "ufn"), Stack.entrywise),
    **dict.fromkeys((*_ALONG, "norm1", "norm2"), Stack.along),
}
