"""Is a function convex or concave in its unknowns, by the way it is built? Then its stationary points are extreme.

Sums of convex functions with nonnegative factors, norms and squares of affine functions, quadratic forms u'*S*u and
tr(U'*S*U*T) with positive semidefinite S and T (Boyd & Vandenberghe 2004, sec. 3.1-3.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr, depends, topological
from matcalc.rules.facts import known
from matcalc.simplifier.simplify import Simplifier

_MOVES = frozenset("t vec unvec diagmat diagvec sum mean tr slice block part".split())
_CONVEX_OF_AFFINE = frozenset({"norm1", "norm2", "maxel", "logsumexp", "max2"})
_CONVEX_ENTRYWISE = frozenset({"exp", "abs", "softplus", "relu", "cosh"})


def shape_of_function(f: Expr, unknowns: Iterable[Expr], short: Simplifier) -> int:
    """1: convex, -1: concave, 0: not known; entry by entry for arrays. Affine functions count as convex here."""
    unknowns = tuple(unknowns)
    active = depends(f, unknowns)
    found: dict[Expr, frozenset[int]] = {}
    for n in topological(f):
        found[n] = _signs(n, found, active, short) if n in active and n not in unknowns else frozenset({1, -1})
    return 1 if 1 in found[f] else -1 if -1 in found[f] else 0


_NEITHER: frozenset[int] = frozenset()
_AFFINE = frozenset({1, -1})


def _signs(n: Expr, found: dict[Expr, frozenset[int]], active: set[Expr], short: Simplifier) -> frozenset[int]:
    """Whether n is convex (1) and whether it is concave (-1) in the unknowns; both: affine."""
    args = [a for a in n.args if a in active]
    affine = all(found[a] == _AFFINE for a in args)
    if n.op == "add":
        return frozenset.intersection(*(found[a] for a in args))
    if n.op in _MOVES and n.op != "tr":
        return found[args[0]] if len(args) == 1 or affine else _NEITHER
    if n.op in ("mul", "had", "tr", "kron"):
        if n.op == "tr":
            if found[args[0]] == _AFFINE:
                return _AFFINE
            return _scaled_trace(n.args[0], found, active, short)
        if len(args) == 1:
            return _times_constant(n, args[0], found)
        return _square(n, found, active, short) if n.is_scalar else _entry_square(n, args, found)
    if n.op == "pow":
        base, exponent = n.args
        if base not in active or exponent in active or exponent.op != "num":
            return _NEITHER
        return _power(base, exponent.data, found)  # type: ignore[arg-type]
    if affine and (n.op in _CONVEX_OF_AFFINE or (n.op == "fn" and n.data in _CONVEX_ENTRYWISE)):
        return frozenset({1})
    if affine and ((n.op == "fn" and n.data in ("log", "sqrt")) or n.op == "minel" or n.op == "min2"):
        return frozenset({-1})
    return _NEITHER


def _flipped(signs: frozenset[int], sign: int) -> frozenset[int]:
    return frozenset(sign * s for s in signs)


def _sign(e: Expr) -> int:
    """The sign of a constant with entries of one sign; 0 if it is not known."""
    if known(e, "nonnegative"):
        return 1
    return -1 if known(ops.neg(e), "nonnegative") else 0


def _times_constant(n: Expr, x: Expr, found: dict[Expr, frozenset[int]]) -> frozenset[int]:
    if found[x] == _AFFINE or not found[x]:
        return found[x]
    sign = 1
    for a in n.args:
        if a is not x:
            sign *= _sign(a)
    return _flipped(found[x], sign) if sign else _NEITHER


def _power(base: Expr, k: Fraction, found: dict[Expr, frozenset[int]]) -> frozenset[int]:
    """Even powers of affine functions, powers above 1 of what is convex and nonnegative."""
    if found[base] == _AFFINE and k.denominator == 1 and k > 0 and k % 2 == 0:
        return frozenset({1})
    if 1 in found[base] and k >= 1 and known(base, "nonnegative"):
        return frozenset({1})
    return _NEITHER


def _entry_square(n: Expr, args: list[Expr], found: dict[Expr, frozenset[int]]) -> frozenset[int]:
    """u .* u .* w for affine u and w of one sign."""
    if n.op != "had" or len(args) != 2 or args[0] is not args[1] or found[args[0]] != _AFFINE:
        return _NEITHER
    sign = 1
    for a in n.args:
        if a is not args[0]:
            sign *= _sign(a)
    return frozenset({sign}) if sign else _NEITHER


def _square(
    n: Expr, found: dict[Expr, frozenset[int]], active: set[Expr], short: Simplifier
) -> frozenset[int]:
    """c*u'*S*u with affine u, S positive (negative) semidefinite."""
    return _quadratic([a for a in n.args if not a.is_scalar], [a for a in n.args if a.is_scalar], found, active, short)


def _scaled_trace(
    product: Expr, found: dict[Expr, frozenset[int]], active: set[Expr], short: Simplifier
) -> frozenset[int]:
    """tr(U'*S*U*T), a sum of such."""
    if product.op == "add":
        parts = [
            _AFFINE if t not in active or found[t] == _AFFINE else _scaled_trace(t, found, active, short)
            for t in product.args
        ]
        return frozenset.intersection(*parts)
    if product.op != "mul":
        return _NEITHER
    chain = [a for a in product.args if not a.is_scalar]
    scalars = [a for a in product.args if a.is_scalar]
    for shift in range(len(chain)):  # the trace does not change when factors go round
        signs = _quadratic(chain[shift:] + chain[:shift], scalars, found, active, short)
        if signs:
            return signs
    return _NEITHER


def _quadratic(
    chain: list[Expr], scalars: list[Expr], found: dict[Expr, frozenset[int]], active: set[Expr], short: Simplifier
) -> frozenset[int]:
    """The signs of scalars*chain for a chain U*S*U'*T with U affine: those of the product of the signs of S and T."""
    places = [i for i, a in enumerate(chain) if a in active]
    if len(places) != 2 or places[0] != 0 or any(s in active for s in scalars):
        return _NEITHER
    last = places[1]
    u, v = chain[0], chain[last]
    if found[u] != _AFFINE or found[v] != _AFFINE or short(ops.transpose(u)) is not short(v):
        return _NEITHER
    sign = 1
    for a in scalars:
        sign *= _sign(a)
    for middle in (chain[1:last], chain[last + 1 :]):
        if middle:
            sign *= _definite(short(ops.mul(*middle)))
    return frozenset({sign}) if sign else _NEITHER


def _definite(s: Expr) -> int:
    """1 for positive semidefinite, -1 for negative semidefinite, else 0."""
    if s.is_scalar:
        return _sign(s)
    if known(s, "psd"):
        return 1
    return -1 if known(ops.neg(s), "psd") else 0
