"""Transposition: from the cotangent of a value to the cotangents of what it was made of.

The differential of every operation is linear in the differentials of its arguments; the adjoint of that linear map,
<G, dF> = <F*(G), dX>, takes the cotangent G of F back to X. Sums, products and rearrangements are transposed here;
every other operation is first linearised by the table. (Magnus & Neudecker 2019, ch. 5: df = tr(G' dX) identifies G.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable

from matcalc import ops
from matcalc.calculus.selectors import selector
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.indices import names_in, unused
from matcalc.kinds import kind_of_shape
from matcalc.rules.spellings import no_differential, operation_name
from matcalc.rules.table import Table
from matcalc.shapes import ONE, Dim

Contribution = tuple[Expr, Expr]  # (argument, its cotangent)
Short = Callable[[Expr], Expr]


def gradients(f: Expr, targets: Iterable[Expr], table: Table, short: Short) -> dict[Expr, Expr]:
    """df/dX for each target X (a node below the scalar f), shape of X, by one backward pass over the graph."""
    return pullback(f, ops.num(1), tuple(targets), table, short)


def pullback(
    f: Expr, cotangent: Expr, targets: tuple[Expr, ...], table: Table, short: Short, leaves: Container[Expr] = ()
) -> dict[Expr, Expr]:
    """The cotangents of the targets when f has the given one; zero where f does not depend on a target.

    ``leaves`` are nodes known not to depend on the targets.
    """
    active = depends(f, targets, leaves)
    received: dict[Expr, list[Expr]] = {f: [cotangent]}
    order = topological(f, leaves=leaves)
    for current in reversed(order):
        if current not in active or current not in received or current in targets:
            continue
        g = ops.add(*received.pop(current))
        for argument, part in contributions(current, g, active, targets, table, short):
            received.setdefault(argument, []).append(part)
    return {x: ops.add(*received[x]) if x in received and x in active else ops.zeros(*x.shape) for x in targets}


def contributions(
    n: Expr, g: Expr, active: set[Expr], targets: tuple[Expr, ...], table: Table, short: Short
) -> list[Contribution]:
    """What the cotangent g of n gives to each argument that depends on a target."""
    rule = _LINEAR.get(n.op)
    if rule is not None:
        return rule(n, g, active)
    match n.op:
        case "kron":
            return _kron(n, short(g), active)
        case "isum":
            return _index_sum(n, g, targets, table, short)
        case "ufn":
            return _undefined(n, g, active)
        case "frechet" if n.args[0] not in active:
            name = str(n.data)
            return [(n.args[1], ops.frechet(name, ops.transpose(n.args[0]), g))]
    return _by_table(n, g, active, table, short)


def _by_table(n: Expr, g: Expr, active: set[Expr], table: Table, short: Short) -> list[Contribution]:
    """Fill the table's differential in with a fresh differential and transpose that."""
    entry = table.differential(n)
    if entry is None:
        raise no_differential(n)
    bound = entry.bind(n)
    assert bound is not None
    out: list[Contribution] = []
    for variable, argument in bound[0].items():
        if argument not in active:
            continue
        if variable in entry.fixed:
            raise UnsupportedError(f"{operation_name(n)} has no derivative by its argument {variable.name}")
        part = entry.parts.get(variable)
        if part is None:
            continue
        d = ops.sym("d·", kind_of_shape(argument.shape))  # a name that cannot be typed
        linear = entry.fill(part, n, {entry.differentials[variable]: d})
        if linear.op in ("zeros",) or (linear.op == "num" and not linear.data):
            continue
        out.append((argument, pullback(linear, g, (d,), table, short, set(n.args))[d]))
    return out


# --- linear operations ----------------------------------------------------------------------------


def _add(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    return [(a, g) for a in n.args if a in active]


def _mul(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """<G, s*L*X*R> = <s*L'*G*R', X>; a scalar factor gets <G, the rest>."""
    out: list[Contribution] = []
    for i, a in enumerate(n.args):
        if a not in active:
            continue
        if a.is_scalar:
            rest = ops.mul(*n.args[:i], *n.args[i + 1 :])
            out.append((a, ops.inner(g, rest)))
            continue
        scalars = [s for s in n.args if s.is_scalar]
        left = [ops.transpose(m) for m in reversed(n.args[:i]) if not m.is_scalar]
        right = [ops.transpose(m) for m in reversed(n.args[i + 1 :]) if not m.is_scalar]
        out.append((a, ops.mul(*scalars, *left, g, *right)))
    return out


def _had(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """<G, X .* R> = <G .* R, X>; a factor that stands k times gets k times that."""
    count = Counter(n.args)
    out: list[Contribution] = []
    for i, a in enumerate(n.args):
        if a in active and count[a]:
            times = [ops.num(count[a])] if count[a] > 1 else []
            out.append((a, ops.had(*times, g, *n.args[:i], *n.args[i + 1 :])))
            count[a] = 0
    return out


def _unary(back: Callable[[Expr, Expr], Expr]) -> Callable[[Expr, Expr, set[Expr]], list[Contribution]]:
    return lambda n, g, active: [(n.args[0], back(n, g))]


def _sum(n: Expr, g: Expr) -> Expr:
    x = n.args[0]
    if n.data is None:
        return ops.lift(g, x.shape)
    if n.data == 0:
        return ops.mul(ops.ones(x.rows, ONE), g)
    return ops.mul(g, ops.ones(ONE, x.cols))


def _mean(n: Expr, g: Expr) -> Expr:
    x = n.args[0]
    count = {None: x.rows * x.cols, 0: x.rows, 1: x.cols}[n.data]  # type: ignore[index]
    return ops.mul(ops.reciprocal(ops.dim(count)), _sum(n, g))


def _diagmat(n: Expr, g: Expr) -> Expr:
    d = ops.diagvec(g)
    return ops.transpose(d) if n.args[0].rows is ONE else d


def _block(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """Each block gets its part of the cotangent."""
    height, width = n.data  # type: ignore[misc]
    out: list[Contribution] = []
    top = Dim.of(0)
    for i in range(height):
        left = Dim.of(0)
        for j in range(width):
            entry = n.args[i * width + j]
            if entry in active:
                out.append((entry, _window(g, top, entry.rows, left, entry.cols)))
            left = left + entry.cols
        top = top + n.args[i * width].rows
    return out


def _window(g: Expr, top: Dim, height: Dim, left: Dim, width: Dim) -> Expr:
    """height x width entries of g from (top, left): as a slice where its bounds are numbers, else by unit blocks."""
    rows, cols = _bounds(top, height, g.rows), _bounds(left, width, g.cols)
    if rows is not None and cols is not None:
        return ops.slice_(g, rows, cols)
    return ops.mul(selector(top, height, g.rows), g, ops.transpose(selector(left, width, g.cols)))


def _bounds(start: Dim, extent: Dim, size: Dim) -> tuple[object, ...] | None:
    if extent is size:
        return ("all",)
    after = size - start - extent
    first = start.number if start.number is not None else _from_end(start, size)
    if first is None:
        return None
    if after.number == 0:
        return ("range", first or None, None)
    if after.number is not None:
        return ("range", first or None, -after.number)
    last = (start + extent).number
    return None if last is None else ("range", first or None, last)


def _from_end(start: Dim, size: Dim) -> int | None:
    back = (start - size).number
    return back if back is not None and back < 0 else None


def _slice(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """The cotangent put back where the entries were taken, zero elsewhere."""
    x, *index = n.args
    if x not in active:
        raise UnsupportedError("an index has no derivative")
    rows, cols = n.data  # type: ignore[misc]
    if rows[0] == "at":
        g = ops.mul(ops.unit(index.pop(0), x.rows), g)
    elif rows[0] == "range":
        g = _embed(g, rows, x.rows)
    if cols[0] == "at":
        g = ops.mul(g, ops.transpose(ops.unit(index.pop(0), x.cols)))
    elif cols[0] == "range":
        g = ops.transpose(_embed(ops.transpose(g), cols, x.cols))
    return [(x, g)]


def _embed(g: Expr, spec: tuple[str, int | None, int | None], size: Dim) -> Expr:
    """[0; G; 0]: the rows of g at the places of the slice."""
    start = Dim.of(spec[1] or 0)
    if (spec[1] or 0) < 0:
        start = start + size
    after = size - start - g.rows
    blocks = [[ops.zeros(start, g.cols)]] if start.number != 0 else []
    blocks.append([g])
    if after.number != 0:
        blocks.append([ops.zeros(after, g.cols)])
    return ops.block(blocks)


_LINEAR: dict[str, Callable[[Expr, Expr, set[Expr]], list[Contribution]]] = {
    "add": _add,
    "mul": _mul,
    "had": _had,
    "block": _block,
    "slice": _slice,
    "cmp": lambda n, g, active: [],
    "t": _unary(lambda n, g: ops.transpose(g)),
    "tr": _unary(lambda n, g: ops.mul(g, ops.eye(n.args[0].rows))),
    "sum": _unary(_sum),
    "mean": _unary(_mean),
    "diagmat": _unary(_diagmat),
    "diagvec": _unary(lambda n, g: ops.diag(g)),
    "vec": _unary(lambda n, g: ops.unvec(g, *n.args[0].shape)),
    "unvec": _unary(lambda n, g: ops.vec(g)),
    "part": _unary(lambda n, g: ops.part(str(n.data), g)),
}


# --- undefined functions, sums over an index, Kronecker products ----------------------------------


def _undefined(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """<G, s(z)> gives s'(z) .* G; a scalar f gives G*grad f, its gradient H*G; a vector f gives Df'*G."""
    name, kind, derivative = n.data  # type: ignore[misc]
    if kind.args is None:
        return [(n.args[0], ops.had(g, ops.ufn(name, kind, n.args, derivative + 1)))]
    out: list[Contribution] = []
    for i, a in enumerate(n.args):
        if a not in active:
            continue
        column = g if g.cols is ONE else ops.transpose(g)
        if derivative:
            back = ops.mul(ops.ufn(name, kind, n.args, (i, *derivative)), column)
        elif n.is_scalar:
            out.append((a, ops.mul(g, ops.ufn(name, kind, n.args, (i,)))))
            continue
        else:
            back = ops.mul(ops.transpose(ops.ufn(name, kind, n.args, (i,))), column)
        out.append((a, back if a.cols is ONE else ops.transpose(back)))
    return out


def _index_sum(n: Expr, g: Expr, targets: tuple[Expr, ...], table: Table, short: Short) -> list[Contribution]:
    """A sum over an index gives the sum of what its terms give; what g itself says of an index stays outside."""
    index, low, high, body = n.args
    if body.is_scalar:
        reached = depends(body, targets)
        back = pullback(body, ops.num(1), targets, table, short)
        return [(x, ops.mul(g, ops.isum(index, low, high, back[x]))) for x in back if x in reached]
    if index in topological(g):
        other = next(unused(names_in(n, g)))
        index, body = other, ops.substitute(body, {index: other})
    back = pullback(body, g, targets, table, short)
    reached = depends(body, targets)
    return [(x, ops.isum(index, low, high, part)) for x, part in back.items() if x in reached]


def _kron(n: Expr, g: Expr, active: set[Expr]) -> list[Contribution]:
    """<G, kron(A, B)>: by factors where G is a Kronecker or an outer product, else as a sum over the blocks of G."""
    a, b = n.args
    out: list[Contribution] = []
    factors = _kron_factors(g, a, b)
    cut = next((i for i, m in enumerate(g.args) if not m.is_scalar and m.cols is ONE), None) if g.op == "mul" else None
    for side, (wanted, other) in enumerate(((a, b), (b, a))):
        if wanted not in active:
            continue
        if n.cols is ONE or n.rows is ONE:  # kron(a, b) = vec(b*a'), of rows its transpose
            out.append((wanted, _kron_of_lines(n, g, side)))
        elif factors is not None:
            scalars, u, v = factors
            met, kept = (v, u) if side == 0 else (u, v)
            out.append((wanted, ops.mul(*scalars, ops.inner(met, other), kept)))
        elif cut is not None and not g.is_scalar:
            left = ops.unvec(ops.mul(*g.args[: cut + 1]), b.rows, a.rows)
            right = ops.unvec(ops.transpose(ops.mul(*g.args[cut + 1 :])), b.cols, a.cols)
            if side == 0:
                out.append((a, ops.mul(ops.transpose(left), b, right)))
            else:
                out.append((b, ops.mul(left, a, ops.transpose(right))))
        else:
            out.append((wanted, _kron_blocks(g, wanted, other, side)))
    return out


def _kron_of_lines(n: Expr, g: Expr, side: int) -> Expr:
    """<g, kron(a, b)> = b'*G*a with vec(G) = g for vectors a, b: G'*b by a, G*a by b; the same of rows, transposed."""
    turned = (lambda e: e) if n.cols is ONE else ops.transpose
    a, b = (turned(line) for line in n.args)
    entries = ops.unvec(turned(g), b.rows, a.rows)
    return turned(ops.mul(ops.transpose(entries), b) if side == 0 else ops.mul(entries, a))


def _kron_factors(g: Expr, a: Expr, b: Expr) -> tuple[list[Expr], Expr, Expr] | None:
    """(scalars, U, V) with g = scalars * kron(U, V) and the shapes of a and b."""
    scalars = [m for m in g.args if m.is_scalar] if g.op == "mul" else []
    body = [m for m in g.args if not m.is_scalar] if g.op == "mul" else [g]
    if len(body) != 1:
        return None
    (m,) = body
    if m.op == "kron" and m.args[0].shape == a.shape and m.args[1].shape == b.shape:
        return scalars, m.args[0], m.args[1]
    if m.op == "eye" and a.rows is a.cols:
        return scalars, ops.eye(a.rows), ops.eye(b.rows)
    if m.op == "ones":
        return scalars, ops.ones(*a.shape), ops.ones(*b.shape)
    return None


def _kron_blocks(g: Expr, wanted: Expr, other: Expr, side: int) -> Expr:
    """sum over k, l of other[k, l] times the part of g that other[k, l] multiplies."""
    fresh = unused(names_in(g, wanted, other), "kl")
    k, l = next(fresh), next(fresh)
    row, col = ops.unit(k, other.rows), ops.unit(l, other.cols)
    left, right = (ops.eye(d) for d in wanted.shape)
    if side == 0:
        picked = ops.mul(ops.kron(left, ops.transpose(row)), g, ops.kron(right, col))
    else:
        picked = ops.mul(ops.kron(ops.transpose(row), left), g, ops.kron(col, right))
    entry = ops.slice_(other, ("at",), ("at",), k, l)
    last = [ops.dim(d - 1) for d in other.shape]
    inner_sum = ops.isum(l, ops.num(0), last[1], ops.mul(entry, picked))
    return ops.isum(k, ops.num(0), last[0], inner_sum)
