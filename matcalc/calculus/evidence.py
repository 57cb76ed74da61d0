"""What was done between two forms of one formula, found out by what it leaves behind: ``diag(u)*x = u .* x``.

The algebra that is built into the short forms (signs, powers, diagonals, sums over ones) has no entries in the table
that could be cited. Where operations are gone and others have come, the identity that does this is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from matcalc import ops
from matcalc.expr import Expr, fold, topological
from matcalc.language.parse import parse
from matcalc.printing.measure import length
from matcalc.rules.facts import print_of
from matcalc.shapes import ONE
from matcalc.simplifier.factors import compose, compose_had, had_parts, parts

_DECLARED = (
    "u: vector(n); v: vector(n); x: vector(n); M: matrix(n, n); "
    "A: matrix(m, n); B: matrix(m, n); S: matrix(n, n); a: scalar; c: scalar; s: scalar"
)
_COMPARED = 200  # symbols: longer formulas are not compared


class Counts(NamedTuple):
    """How often each operation is written before and after."""

    before: Counter[str]
    after: Counter[str]

    def gone(self, op: str) -> bool:
        return self.before[op] > self.after[op]

    def come(self, op: str) -> bool:
        return self.before[op] < self.after[op]


def identities(before: Expr, after: Expr) -> list[tuple[Expr, Expr]]:
    """The built-in identities, as equalities, that explain which operations are gone and which have come."""
    counts = Counts(_written(before), _written(after))
    return [_read(*pair) for pair in dict.fromkeys(_found(counts))]


def in_words(before: Expr, after: Expr) -> list[str]:
    """What was done that is no equality of its own."""
    counts = Counts(_written(before), _written(after))
    words = []
    if _signs_moved(before, after):
        words.append("the sign taken into the difference")
    if counts.gone("unit") and counts.come("block"):
        words.append("the entries put together")
    if _kinks_moved(before, after):
        words.append("equal but at the kink, where either value will do")
    elif _comparisons(before) != _comparisons(after):
        words.append("inequalities rearranged")
    if _repeats(before) and not _repeats(after):
        words.append("powers put together")
    if counts.gone("frechet"):
        words.append("where the matrices commute, the Frechet derivative is the derivative times the direction")
    return words


def leaves(e: Expr) -> Counter[Expr]:
    """How often each name, each number but 1 and each constant with sizes is written in ``e``; signs do not count."""
    found: Counter[Expr] = Counter()
    for n, k in _times(e).items():
        if n.op == "num":
            n = ops.num(abs(n.data))  # type: ignore[arg-type]
        if not n.args and n is not ops.num(1) and n.op != "eye":
            found[n] += k
    return found


def alike(a: Expr, b: Expr) -> bool:
    """Whether they differ in nothing but order and brackets: (s/t)*x and s*x/t, -y .* z and -(y .* z)."""
    if a.shape != b.shape or length(a) > _COMPARED or leaves(a) != leaves(b):
        return False
    return print_of(fold(a, _in_order)) == print_of(fold(b, _in_order))


def _in_order(n: Expr, args: Sequence[Expr]) -> Expr:
    e = n if tuple(args) == n.args else ops.rebuild(n, args)
    if e.op == "mul":
        p = parts(e)
        return compose(p.coef, p.scalars, p.body)
    return compose_had(had_parts(e)) if e.op == "had" else e


def _times(e: Expr) -> Counter[Expr]:
    """How often each node is written."""
    times = Counter([e])
    for n in reversed(topological(e)):
        for a in n.args:
            times[a] += times[n]
    return times


def _written(e: Expr) -> Counter[str]:
    """How often each operation is written; some by what they are applied to as well."""
    found: Counter[str] = Counter()
    for n, k in _times(e).items():
        for name in _names(n):
            found[name] += k * (len(n.args) - 1) if name == "had" else k
    return found


def _names(n: Expr) -> Iterator[str]:
    yield str(n.data) if n.op in ("fn", "cmp") else n.op
    if n.op == "sum" and n.data is not None:
        yield f"sum{n.data}"
    if n.op == "pow" and n.args[1].op == "num" and abs(n.args[1].data) >= 2:  # type: ignore[arg-type, operator]
        yield "square of norm" if n.args[0].op == "norm2" else "power" if n.is_scalar else "square of array"
    if n.op == "add" and any(a.op == "mul" and a.args[-1].op == "fn" and a.args[-1].data == "sigmoid" for a in n.args):
        yield "complement of sigmoid"
    if n.op == "had" and any(_is_spread(f) for f in n.args):
        yield "product with ones"
    if n.op == "mul":
        yield from ("inverse beside its matrix" for _ in _inverses_met(n.args))
        yield from ("inner product" for f in n.args if f.rows is ONE and not f.is_scalar)
        for x, y in pairwise(n.args):
            if x.op == "t" and x.args[0] is y and y.cols is ONE:
                yield "square of vector"


def _is_spread(e: Expr) -> bool:
    """Whether every entry is the same scalar: s*ones(m)*ones(1, n)."""
    return all(f.op == "ones" for f in (e.args if e.op == "mul" else (e,)) if not f.is_scalar)


def _inverses_met(factors: Sequence[Expr]) -> Iterator[Expr]:
    """The inverses in a product beside which the matrix itself stands: inv(X'*X)*X'*X."""
    for i, f in enumerate(factors):
        if f.op == "inv":
            matrix = f.args[0].args if f.args[0].op == "mul" else f.args
            k = len(matrix)
            if tuple(factors[i + 1 : i + 1 + k]) == matrix or (i >= k and tuple(factors[i - k : i]) == matrix):
                yield f


def _found(c: Counts) -> Iterator[tuple[str, str]]:
    for holds, left, right in _RULES:
        if holds(c):
            yield left, right


def _both(gone: str, come: str) -> Callable[[Counts], bool]:
    return lambda c: c.gone(gone) and c.come(come)


# which operations are gone and have come -> the identity
_RULES: tuple[tuple[Callable[[Counts], bool], str, str], ...] = (
    (lambda c: c.gone("diagmat") and c.after["had"] > 0 and not c.come("diagvec"), "diag(u)*x", "u .* x"),
    (lambda c: c.come("diagmat") and c.gone("had"), "u .* (M*x)", "diag(u)*M*x"),
    (_both("diagmat", "diagvec"), "tr(M*diag(v))", "diag(M)'*v"),
    (lambda c: c.gone("ones") and c.come("sum0"), "ones(1, m)*A", "sum(A, axis=0)"),
    (lambda c: c.gone("ones") and c.come("sum1"), "A*ones(n)", "sum(A, axis=1)"),
    (lambda c: c.gone("sum1") and c.come("ones"), "sum(A, axis=1)", "A*ones(n)"),
    (lambda c: c.gone("sum0") and c.come("ones"), "sum(A, axis=0)", "ones(1, m)*A"),
    (lambda c: c.gone("ones") and c.come("sum") and not c.come("sum0") and not c.come("sum1"), "u'*ones(n)", "sum(u)"),
    (lambda c: c.gone("complement of sigmoid") and c.after["sigmoid"] > 0, "1 - sigmoid(s)", "sigmoid(-s)"),
    (lambda c: c.gone("product with ones") and c.gone("ones"), "ones(m, n) .* A", "A"),
    (_both("tr", "sum"), "tr(A'*B)", "sum(A .* B)"),
    (_both("sum", "tr"), "sum(A .* B)", "tr(A'*B)"),
    (lambda c: c.gone("sum") and c.gone("had") and c.come("inner product"), "sum(u .* v)", "u'*v"),
    (lambda c: c.come("sum") and c.come("had") and c.gone("inner product"), "u'*v", "sum(u .* v)"),
    (_both("had", "square of array"), "u .* u", "u.^2"),
    (lambda c: c.come("matpow"), "S*S", "S^2"),
    (lambda c: c.come("adj"), "det(S)*inv(S)", "adj(S)"),
    (_both("square of norm", "square of vector"), "norm2(x)^2", "x'*x"),
    (_both("square of vector", "square of norm"), "x'*x", "norm2(x)^2"),
    (lambda c: c.gone("inverse beside its matrix"), "inv(S)*S", "eye(n)"),
    (lambda c: c.before["relu"] > 0 and any(map(c.gone, ops.COMPARISONS)) and c.after["relu"] > 0,
     "relu(s)*(0 < s)", "relu(s)"),
)  # fmt: skip


@cache
def _read(left: str, right: str) -> tuple[Expr, Expr]:
    return parse(left, _DECLARED), parse(right, _DECLARED)


def _signs_moved(before: Expr, after: Expr) -> bool:
    """Whether a difference stands with the other sign: a - b before, b - a after."""
    sums = [{print_of(n): n for n in topological(e) if n.op == "add"} for e in (before, after)]
    new = [n for key, n in sums[1].items() if key not in sums[0]]
    return any(print_of(ops.add(*(ops.neg(a) for a in n.args))) in sums[0] for n in new)


def _comparisons(e: Expr) -> set[object]:
    return {print_of(n) for n in topological(e) if n.op == "cmp"}


def _kinks_moved(before: Expr, after: Expr) -> bool:
    """Whether a comparison stands with another sign, a <= b for a < b."""
    signs = [{n.args: n.data for n in topological(e) if n.op == "cmp"} for e in (before, after)]
    return any(signs[1].get(args, sign) != sign for args, sign in signs[0].items())


def _repeats(e: Expr) -> bool:
    """Whether a scalar stands more than once in a product, such as norm2(x)^2/norm2(x)."""
    for n in topological(e):
        if n.op == "mul":
            bases = Counter(b for f in n.args if f.is_scalar and f.op != "num" for b in parts(f).scalars)
            if any(k > 1 for k in bases.values()):
                return True
    return False
