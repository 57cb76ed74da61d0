"""The matrix of a linear map: e = J*dx for columns, vec(E) = V*vec(dX) for matrices (columns stacked).

Works on an expression that is linear in one symbol, such as a differential. The first identification theorem for vector
functions reads the Jacobian off dy = J dx; for matrices vec(A*dX*B) = kron(B', A)*vec(dX) and vec(dX') = K*vec(dX) with
the commutation matrix (Magnus & Neudecker 2019, ch. 2, 3, 9).
"""

from __future__ import annotations

from collections.abc import Callable

from matcalc import ops
from matcalc.calculus.selectors import picks, placements
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, depends, topological
from matcalc.indices import names_in, unused
from matcalc.shapes import ONE, Dim


def matrix_of(e: Expr, dx: Expr) -> Expr:
    """The matrix V with vec(e) = V*vec(dx), for e linear in the symbol dx; (rows*cols of e) x (rows*cols of dx)."""
    active = depends(e, [dx])
    size = dx.rows * dx.cols
    found: dict[Expr, Expr] = {}
    for n in topological(e):
        if n not in active:
            continue
        if n is dx:
            found[n] = ops.eye(size)
            continue
        rule = _RULES.get(n.op)
        if rule is None:
            raise UnsupportedError(f"{n.op} has no matrix form as a linear map")
        found[n] = rule(n, found)
    return found[e] if e in active else ops.zeros(e.rows * e.cols, size)


Found = dict[Expr, Expr]
Rule = Callable[[Expr, Found], Expr]


def stacked(x: Expr) -> Expr:
    """vec(X) as a column; rows and scalars too."""
    return x if x.cols is ONE else (ops.transpose(x) if x.rows is ONE else ops.vec(x))


def _times(*factors: Expr) -> Expr:
    """A product without the identities in it."""
    kept = [f for f in factors if f.op != "eye" and not (f.op == "num" and f.data == 1)]
    whole = [f for f in factors if f.op == "eye"]
    if whole and all(f.is_scalar for f in kept):
        return ops.mul(*kept, whole[0])
    return ops.mul(*kept) if kept else factors[0]


def _add(n: Expr, found: Found) -> Expr:
    return ops.add(*(found[a] for a in n.args if a in found))


def _mul(n: Expr, found: Found) -> Expr:
    (i,) = [i for i, a in enumerate(n.args) if a in found]
    inner = n.args[i]
    if inner.is_scalar:
        rest = ops.mul(*n.args[:i], *n.args[i + 1 :])
        return _times(stacked(rest), found[inner])
    scalars = [a for a in n.args if a.is_scalar]
    left = [a for a in n.args[:i] if not a.is_scalar]
    right = [a for a in n.args[i + 1 :] if not a.is_scalar]
    front = ops.mul(*left) if left else ops.eye(inner.rows)
    back = ops.transpose(ops.mul(*right)) if right else ops.eye(inner.cols)
    return _times(*scalars, _kron(back, front), found[inner])


def _kron(a: Expr, b: Expr) -> Expr:
    if a.op == b.op == "eye":
        return ops.eye(a.rows * b.rows)
    return ops.kron(a, b)


def _had(n: Expr, found: Found) -> Expr:
    (i,) = [i for i, a in enumerate(n.args) if a in found]
    rest = ops.had(*n.args[:i], *n.args[i + 1 :])
    return _times(ops.diag(stacked(rest)), found[n.args[i]])


def _t(n: Expr, found: Found) -> Expr:
    x = n.args[0]
    if ONE in x.shape:
        return found[x]
    return _times(ops.commutation(*x.shape), found[x])


def _sum(n: Expr, found: Found) -> Expr:
    x = n.args[0]
    if n.data is None:
        return _times(ops.ones(ONE, x.rows * x.cols), found[x])
    if n.data == 0:
        return _times(_kron(ops.eye(x.cols), ops.ones(ONE, x.rows)), found[x])
    return _times(_kron(ops.ones(ONE, x.cols), ops.eye(x.rows)), found[x])


def _mean(n: Expr, found: Found) -> Expr:
    x = n.args[0]
    count = {None: x.rows * x.cols, 0: x.rows, 1: x.cols}[n.data]  # type: ignore[index]
    return _times(ops.reciprocal(ops.dim(count)), _sum(n, found))


def _trace(n: Expr, found: Found) -> Expr:
    return _times(ops.transpose(ops.vec(ops.eye(n.args[0].rows))), found[n.args[0]])


def diagonal_selector(n: Dim, *near: Expr) -> Expr:
    """The n^2 x n matrix S with vec(diag(v)) = S*v and S'*vec(A) = diag(A)."""
    k = next(unused(names_in(*near) | n.names, "k"))
    unit = ops.unit(k, n)
    body = ops.mul(ops.kron(unit, unit), ops.transpose(unit))
    return ops.isum(k, ops.num(0), ops.dim(n - 1), body)


def _diagmat(n: Expr, found: Found) -> Expr:
    return _times(diagonal_selector(n.rows, n), found[n.args[0]])


def _diagvec(n: Expr, found: Found) -> Expr:
    """diag(A*X*B) has the entries kron(B[:, k]', A[k, :])*vec(X); of another form it is a selection from vec."""
    x = n.args[0]
    places = [i for i, a in enumerate(x.args) if a in found] if x.op == "mul" else []
    if len(places) == 1 and not x.args[places[0]].is_scalar:
        left = [a for a in x.args[: places[0]] if not a.is_scalar]
        right = [a for a in x.args[places[0] + 1 :] if not a.is_scalar]
        if left and right:
            k = next(unused(names_in(n) | n.rows.names, "k"))
            row = ops.slice_(ops.mul(*left), ("at",), ("all",), k)
            column = ops.slice_(ops.mul(*right), ("all",), ("at",), k)
            body = ops.mul(ops.unit(k, n.rows), ops.kron(ops.transpose(column), row))
            whole = ops.isum(k, ops.num(0), ops.dim(n.rows - 1), body)
            return _times(*(a for a in x.args if a.is_scalar), whole, found[x.args[places[0]]])
    return _times(ops.transpose(diagonal_selector(n.rows, n)), found[n.args[0]])


def _kronecker(n: Expr, found: Found) -> Expr:
    """vec(kron(A, B)) = kron(eye(n), K, eye(p))*kron(vec(A), vec(B)) (Magnus & Neudecker 2019, sec. 3.7)."""
    a, b = n.args
    swap = _kron(_kron(ops.eye(a.cols), ops.commutation(b.cols, a.rows)), ops.eye(b.rows))
    terms = []
    if a in found:
        terms.append(_times(swap, ops.kron(found[a], stacked(b))))
    if b in found:
        terms.append(_times(swap, ops.kron(stacked(a), found[b])))
    return ops.add(*terms)


def _slice(n: Expr, found: Found) -> Expr:
    """Picked rows and columns, as E_r*X*E_c'."""
    x = n.args[0]
    rows, cols = picks(n)
    return _times(_kron(cols, rows), found[x])


def _block(n: Expr, found: Found) -> Expr:
    """Each block put in its place: R'*B*C."""
    places = [(entry, rows, cols) for entry, rows, cols in placements(n) if entry in found]
    turned = [(entry, ops.transpose(rows), ops.transpose(cols)) for entry, rows, cols in places]
    return ops.add(*(_times(_kron(cols, rows), found[entry]) for entry, rows, cols in turned))


def _frechet(n: Expr, found: Found) -> Expr:
    """vec(L(X, E)) = F*vec(E) with F the upper right block of f([kron(eye, X), eye; 0, kron(X', eye)]).

    The two diagonal blocks commute, so that block is the divided difference of f (Higham 2008, thm. 3.11, sec. 10.6).
    """
    x, e = n.args
    if e not in found or x in found:
        raise UnsupportedError(f"{n.data}_frechet is not linear in its first argument")
    size = x.rows * x.rows
    big = ops.block(
        [
            [_kron(ops.eye(x.rows), x), ops.eye(size)],
            [ops.zeros(size, size), _kron(ops.transpose(x), ops.eye(x.rows))],
        ]
    )
    upper = ops.block([[ops.eye(size), ops.zeros(size, size)]])
    right = ops.block([[ops.zeros(size, size)], [ops.eye(size)]])
    return _times(upper, ops.mfn(str(n.data), big), right, found[e])


def _part(n: Expr, found: Found) -> Expr:
    """A triangle as a diagonal matrix of zeros and ones; the Toeplitz projection diagonal by diagonal.

    With T the projection of unit(k)*unit(0)', which has 1/(n - k) on the k-th diagonal, that diagonal's part of the
    projection is (n - k)*vec(T)*vec(T)'.
    """
    x = n.args[0]
    size = x.rows
    if n.data != "toeplitz":
        return _times(ops.diag(ops.vec(ops.part(str(n.data), ops.ones(size, x.cols)))), found[x])
    k = next(unused(names_in(n), "k"))
    count = ops.sub(ops.dim(size), k)
    below = ops.part("toeplitz", ops.mul(ops.unit(k, size), ops.transpose(ops.unit(ops.num(0), size))))
    sums = []
    for first, diagonal in ((0, below), (1, ops.transpose(below))):
        column = ops.vec(diagonal)
        body = ops.mul(count, column, ops.transpose(column))
        sums.append(ops.isum(k, ops.num(first), ops.dim(size - 1), body))
    return _times(ops.add(*sums), found[x])


def _index_sum(n: Expr, found: Found) -> Expr:
    index, low, high, body = n.args
    return ops.isum(index, low, high, found[body])


_RULES: dict[str, Rule] = {
    "add": _add,
    "mul": _mul,
    "had": _had,
    "t": _t,
    "sum": _sum,
    "mean": _mean,
    "tr": _trace,
    "diagmat": _diagmat,
    "diagvec": _diagvec,
    "vec": lambda n, found: found[n.args[0]],
    "unvec": lambda n, found: found[n.args[0]],
    "kron": _kronecker,
    "slice": _slice,
    "block": _block,
    "frechet": _frechet,
    "part": _part,
    "isum": _index_sum,
}
