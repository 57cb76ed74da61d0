"""Is an expression its own transpose: two fingerprints for each node, of it and of its transpose.

Sums, elementwise products and scalar factors are compared in any order, a transposed product as the product of the
transposes in reverse, functions of the entries and matrix functions through their arguments. So X'*S*X, A + S + A' and
inv(A*B*A') with symmetric S, B are recognized at any length, in linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeAlias

from matcalc.expr import Expr, fold

Prints: TypeAlias = tuple[bytes, bytes]  # of the expression, of its transpose

# f(X') = f(X)'
_EQUIVARIANT = frozenset(
    "inv adj pinv matpow kron fn pow max2 min2 cmp mfn frechet".split()
)  # fmt: skip
# f(X') = f(X), a scalar
_INVARIANT = frozenset("tr det logdet prod norm1 norm2 maxel minel".split())
_ALONG = frozenset({"sum", "mean", "softmax", "logsumexp"})
_CONSTANT = frozenset({"eye", "ones", "zeros", "commutation"})
_COMMUTATIVE = frozenset({"add", "had"})


_DECLARED = frozenset({"symmetric", "spd", "psd", "diagonal"})


def is_symmetric(x: Expr) -> bool:
    """Whether declarations and structure show that a square expression is its own transpose."""

    def both(node: Expr, args: Sequence[Prints]) -> Prints:
        declared = node.op == "sym" and bool(node.data[1].facts & _DECLARED)  # type: ignore[index]
        return prints(node, args, declared or is_hessian(node))

    own, across = fold(x, both)
    return x.rows is x.cols and own == across


def is_hessian(node: Expr) -> bool:
    """Is it the matrix of second derivatives of an undefined function by one of its arguments, twice?"""
    if node.op != "ufn":
        return False
    _, kind, derivative = node.data  # type: ignore[misc]
    return kind.args is not None and len(derivative) == 2 and derivative[0] == derivative[1]


def prints(node: Expr, args: Sequence[Prints], symmetric: bool) -> Prints:
    """The fingerprints of a node from those of its arguments; ``symmetric`` if it is known to be so otherwise."""
    own, across = _prints(node, args)
    if node.is_scalar:
        return (min(own, across),) * 2
    return (min(own, across),) * 2 if symmetric else (own, across)


def _prints(node: Expr, args: Sequence[Prints]) -> Prints:
    here, there = [a for a, _ in args], [b for _, b in args]
    op, data = node.op, node.data
    if op == "t":
        return args[0][1], args[0][0]
    if op == "mul":
        scalars = sorted(p for p, x in zip(here, node.args, strict=True) if x.is_scalar)
        chain = _with_projections([(x, p) for p, x in zip(args, node.args, strict=True) if not x.is_scalar])
        if not chain:
            return (_digest(op, data, scalars),) * 2
        whole = [p for p, _ in chain], [p for _, p in reversed(chain)]
        found = [side[0] if len(side) == 1 else _digest(op, data, side) for side in whole]
        if scalars:  # -(A*B)' is the transpose of -A*B
            found = [_digest("scaled", data, [*scalars, side]) for side in found]
        return found[0], found[1]
    if op in _COMMUTATIVE:
        return _digest(op, data, sorted(here)), _digest(op, data, sorted(there))
    if op in _EQUIVARIANT:
        return _digest(op, data, here), _digest(op, data, there)
    if op in _INVARIANT:
        return (_digest(op, data, [min(here[0], there[0])]),) * 2
    if op == "diagmat":  # diag(x) = diag(x') = diag(x)'
        return (_digest(op, data, [min(here[0], there[0])]),) * 2
    if op == "diagvec":  # diag(A) = diag(A')
        own = _digest(op, data, [min(here[0], there[0])])
        return own, _digest("t", None, [own])
    if op in _ALONG:
        if data is None:
            return _digest(op, data, here), _digest(op, data, there)
        return _digest(op, data, here), _digest(op, 1 - data, there)  # type: ignore[operator]
    if op in _CONSTANT:
        assert isinstance(data, tuple)
        return _digest(op, data, ()), _digest(op, data[::-1], ())
    if op == "part":
        return _digest(op, data, here), _digest(op, _TURNED_PART[str(data)], there)
    if op == "isum":
        return _digest(op, data, here), _digest(op, data, [*here[:3], there[3]])
    own = _digest(op, data, here)
    return own, _digest("t", None, [own])


_TURNED_PART = {"lower": "upper", "upper": "lower", "toeplitz": "toeplitz"}


def _with_projections(chain: Sequence[tuple[Expr, Prints]]) -> list[Prints]:
    """The prints of the factors, X*pinv(X) and pinv(X)*X taken as one that is its own transpose (Penrose 1955)."""
    found: list[Prints] = []
    i = 0
    while i < len(chain):
        if i + 1 < len(chain):
            (a, pa), (b, pb) = chain[i], chain[i + 1]
            unit = None
            if _are_inverse(a, b):
                unit = _digest("projection", None, [pa[0], pb[0]])
            elif a.op == b.op == "t" and _are_inverse(a.args[0], b.args[0]):
                unit = _digest("projection", None, [pb[1], pa[1]])
            if unit is not None:
                found.append((unit, unit))
                i += 2
                continue
        found.append(chain[i][1])
        i += 1
    return found


def _are_inverse(a: Expr, b: Expr) -> bool:
    """Is one the pseudoinverse of the other?"""
    return (a.op == "pinv" and a.args[0] is b) or (b.op == "pinv" and b.args[0] is a)


def _digest(op: str, data: object, parts: Iterable[bytes]) -> bytes:
    return blake2b(f"{op} {data!r} ".encode() + b"".join(parts), digest_size=16).digest()
