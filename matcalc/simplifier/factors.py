"""Products taken apart and put together: coefficient, scalar factors with exponents, and what is not scalar.

The same multiset ``{base: exponent}`` serves products of scalars and elementwise products of arrays. An exponential
is the base ``E`` with its argument as exponent, a square root the exponent 1/2, so that they cancel by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from matcalc import ops
from matcalc.errors import LimitError
from matcalc.expr import Expr
from matcalc.language.numerals import MAX_DIGITS
from matcalc.order import sort_key
from matcalc.shapes import ONE, SCALAR, Dim, Shape

Exponent: TypeAlias = Fraction | Expr
Powers: TypeAlias = dict[Expr, Exponent]
FixedPowers: TypeAlias = Mapping[Expr, Exponent]  # somebody else's: not to be changed

E = ops.const("e")  # never shown: E^x is exp(x)
ONE_F = Fraction(1)
HALF = Fraction(1, 2)
_MINUS = ops.num(-1)
_MAX_BITS = MAX_DIGITS * 10 // 3


class Parts(NamedTuple):
    """coef * product of scalars^exponents * body, where body is a chain of matrices (empty for a scalar)."""

    coef: Fraction
    scalars: FixedPowers
    body: Sequence[Expr]


def as_exponent(e: Expr) -> Exponent:
    """A number as a Fraction, anything else as it is."""
    return e.data if e.op == "num" else e  # type: ignore[return-value]


def as_expr(k: Exponent) -> Expr:
    return ops.num(k) if isinstance(k, Fraction) else k


def add_exponents(a: Exponent, b: Exponent) -> Exponent:
    """a + b, like terms collected."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    return linear_sum([(ONE_F, as_expr(a)), (ONE_F, as_expr(b))])


def scale_exponent(a: Exponent, k: Exponent) -> Exponent:
    """a * k, entry by entry."""
    if isinstance(a, Fraction) and isinstance(k, Fraction):
        return times(a, k)
    if isinstance(a, Fraction):
        a, k = k, a
    assert isinstance(a, Expr)
    if isinstance(k, Fraction):
        return _scaled(k, a)
    return ops.mul(k, a) if a.is_scalar or k.is_scalar else ops.had(k, a)


@lru_cache(maxsize=1 << 10)
def _scaled(k: Fraction, a: Expr) -> Exponent:
    """k * a; the argument of an exponential stands in every product that it is a factor of."""
    return linear_sum([(k, a)])


def linear_sum(terms: list[tuple[Fraction, Expr]]) -> Exponent:
    """A sum with like terms collected and numeric factors distributed; a Fraction if it is a number."""
    totals: dict[Expr, Fraction] = {}
    constant = Fraction(0)
    shape: Shape | None = None
    todo = list(reversed(terms))
    while todo:
        c, e = todo.pop()
        if not e.is_scalar:
            shape = e.shape
        if e.op == "num":
            constant += c * e.data  # type: ignore[operator]
        elif e.op == "add":
            todo.extend((c, a) for a in reversed(e.args))
        elif e.op == "mul" and e.args[0].op == "num":
            todo.append((c * e.args[0].data, ops.mul(*e.args[1:])))  # type: ignore[operator]
        else:
            totals[e] = totals.get(e, Fraction(0)) + c
    out = [scaled(c, e) for e, c in sorted(totals.items(), key=lambda t: sort_key(t[0])) if c]
    if shape is not None:
        if constant:
            out.append(ops.lift(ops.num(constant), shape))
        out = [ops.lift(o, shape) for o in out]
        return ops.add(*out) if out else Fraction(0)
    if not out:
        return constant
    if constant:
        out.append(ops.num(constant))
    return ops.add(*out)


def times(*values: Fraction) -> Fraction:
    """The product; nearly all coefficients are 1, and multiplying fractions is slow."""
    found = ONE_F
    for value in values:
        if value is not ONE_F and value != 1:
            found = value if found is ONE_F else found * value
    return found


def scaled(c: Fraction, e: Expr) -> Expr:
    """c * e, with the number in front."""
    if c == 1:
        return e
    if e.op == "mul" and e.args[0].op == "num":
        return scaled(c * e.args[0].data, ops.mul(*e.args[1:]))  # type: ignore[operator]
    return ops.mul(ops.num(c), e)


def is_negative(k: Exponent) -> bool:
    """Does the exponent read as negative: a negative number, or a sum whose terms all carry a minus?"""
    if not isinstance(k, Expr):
        return k.numerator < 0
    terms = k.args if k.op == "add" else (k,)
    return all(
        (t.op == "num" and t.data < 0) or (t.op == "mul" and t.args[0].op == "num" and t.args[0].data < 0)
        for t in terms
    )  # type: ignore[operator]


def include(powers: Powers, base: Expr, exponent: Exponent) -> None:
    """powers *= base^exponent."""
    old = powers.get(base)
    new = exponent if old is None else add_exponents(old, exponent)
    if new is not ONE_F and new == 0:
        powers.pop(base, None)
    elif old is None:
        powers[base] = new
    else:
        put(powers, base, new)


def put(powers: Powers, base: Expr, k: Exponent) -> None:
    """powers[base] = k; sqrt(s*t)^-2, a whole power now, is 1/s*1/t."""
    powers.pop(base, None)
    if base.op == "mul" and base.is_scalar and is_whole(k):
        apart = Powers()
        if _take_scalar(base, ONE_F, apart) == 1 and len(apart) > 1:
            for b, x in apart.items():
                include(powers, b, scale_exponent(x, k))
            return
    powers[base] = k


# --- taking apart ---------------------------------------------------------------------------------


_KEPT = 1 << 15  # expressions that are kept taken apart


@lru_cache(maxsize=_KEPT)
def parts(e: Expr) -> Parts:
    """coef, scalar powers and matrix chain of any expression."""
    coef, scalars, body = ONE_F, Powers(), list[Expr]()
    if e.is_scalar:
        return Parts(_rooted(_take_scalar(e, ONE_F, scalars), scalars), scalars, body)
    chain: list[Expr] = []
    for a in e.args if e.op == "mul" else (e,):
        if a.is_scalar:
            coef = times(coef, _take_scalar(a, ONE_F, scalars))
        elif a.op == "t" and a.args[0].op == "mul":
            for m in reversed(a.args[0].args):
                if m.is_scalar:
                    coef = times(coef, _take_scalar(m, ONE_F, scalars))
                else:
                    chain.append(m.args[0] if m.op == "t" else ops.transpose(m))
        elif a.op == "pow" and a.args[0].op == "mul" and is_whole(size := as_exponent(a.args[1])) and _has_scalar(a):
            inner = parts(a.args[0])  # 1 ./ (n*x), (x/s).^2
            coef *= raised(inner.coef, int(size))  # type: ignore[arg-type]
            for base, k in inner.scalars.items():
                include(scalars, base, scale_exponent(k, size))
            chain.append(ops.power(compose(ONE_F, {}, inner.body), a.args[1]))
        else:
            chain.append(a)
    for segment in segments(chain):
        if segment[0].rows is ONE and segment[-1].cols is ONE:
            coef *= _take_scalar(ops.mul(*segment), ONE_F, scalars)
        else:
            body.extend(segment)
    return Parts(_rooted(coef, scalars), scalars, body)


def _has_scalar(power: Expr) -> bool:
    return any(m.is_scalar for m in power.args[0].args)


def tidy(powers: Powers) -> None:
    """Signs and absolute values of one base: sign(x)*abs(x) = x, sign(x)/abs(x) = 1/x, abs(x)^2 = x^2."""
    for base in [b for b in powers if b.op == "fn" and b.data == "sign"]:
        x = base.args[0]
        k = powers[base]
        if not is_whole(k):
            continue
        size = ops.fn("abs", x)
        if size in powers and k % 2:  # type: ignore[operator]
            del powers[base]
            include(powers, size, -ONE_F)
            include(powers, x, ONE_F)
        elif x in powers and is_whole(powers[x]) and k % 2:  # type: ignore[operator]
            del powers[base]
            include(powers, x, -ONE_F)
            include(powers, size, ONE_F)
    for base in [b for b in powers if b.op == "fn" and b.data == "abs"]:
        k = powers[base]
        if is_whole(k) and k % 2 == 0:  # type: ignore[operator]
            del powers[base]
            include(powers, base.args[0], k)


def segments(chain: list[Expr]) -> list[list[Expr]]:
    """A chain cut after every column: all but the first and the last segment are scalars."""
    out: list[list[Expr]] = [[]]
    for m in chain:
        out[-1].append(m)
        if m.cols is ONE:
            out.append([])
    return [segment for segment in out if segment]


def _take_scalar(e: Expr, k: Exponent, into: Powers) -> Fraction:
    """Multiply ``into`` by e^k; returns the numeric coefficient that comes out."""
    coef = ONE_F
    todo: list[tuple[Expr, Exponent]] = [(e, k)]
    while todo:
        e, k = todo.pop()
        whole = is_whole(k)
        if e.op == "num" and whole and (e.data or k > 0):  # type: ignore[operator]
            coef *= raised(e.data, int(k))  # type: ignore[arg-type]
        elif e.op == "num" and isinstance(k, Fraction) and (root := _root(e.data, k)) is not None:  # type: ignore[arg-type]
            coef *= root
        elif e.op == "num" and _is_fraction(e) and isinstance(k, Fraction) and k.denominator == 2:
            todo.append((ops.num(e.data.numerator), k))  # type: ignore[union-attr]
            todo.append((ops.num(e.data.denominator), -k))  # type: ignore[union-attr]
        elif not whole and _is_constant_product(e):  # sqrt(2*pi) is sqrt(2)*sqrt(pi)
            todo.extend((a.args[0], scale_exponent(k, -ONE_F)) if a.op == "pow" else (a, k) for a in e.args)
        elif e.op == "mul" and whole:
            chain = [a for a in e.args if not a.is_scalar]
            todo.extend((a, k) for a in e.args if a.is_scalar)
            for segment in segments(chain) if chain else ():
                if len(segment) == 2 and segment[0].op == "t" and segment[0].args[0] is segment[1]:
                    include(into, ops.norm2(segment[1]), scale_exponent(k, Fraction(2)))
                else:
                    include(into, ops.mul(*segment), k)
        elif e.op == "pow" and (whole or _keeps_sign(e)):
            todo.append((e.args[0], scale_exponent(as_exponent(e.args[1]), k)))
        elif e.op == "fn" and e.data == "sqrt":
            if whole:
                todo.append((e.args[0], scale_exponent(HALF, k)))
            else:
                include(into, e.args[0], scale_exponent(HALF, k))
        elif e.op == "fn" and e.data == "exp":
            include(into, E, scale_exponent(as_exponent(e.args[0]), k))
        elif e.op == "dim" and whole:
            coef *= _take_dim(e.data, k, into)  # type: ignore[arg-type]
        elif e.op == "mean" and e.data is None:
            todo.append((ops.total(e.args[0]), k))
            todo.extend((ops.dim(d), scale_exponent(k, Fraction(-1))) for d in e.args[0].shape if d is not ONE)
        else:
            include(into, e, k)
    return coef


def _is_fraction(e: Expr) -> bool:
    value: Fraction = e.data  # type: ignore[assignment]
    return value > 0 and value.denominator != 1 and not _is_decimal(value)


def _is_constant_product(e: Expr) -> bool:
    """Is it a product of positive integers, of pi, and of inverses of these?"""
    if e.op != "mul" or not e.is_scalar:
        return False
    bases = [a.args[0] if a.op == "pow" and a.args[1] is _MINUS else a for a in e.args]
    return all(_is_constant(b) for b in bases)


def _rooted(coef: Fraction, scalars: Powers) -> Fraction:
    """The number in front after it has met the roots of numbers: sqrt(2)*sqrt(3) is sqrt(6), 2/sqrt(2) is sqrt(2)."""
    joined: dict[Fraction, Fraction] = {}
    for base in [b for b in scalars if b.op == "num" and b.data]:
        k, value = scalars[base], base.data
        if is_whole(k):
            del scalars[base]
            coef *= raised(value, int(k))  # type: ignore[arg-type]
        elif k in (HALF, -HALF) and value > 0 and value.denominator == 1:  # type: ignore[operator, union-attr]
            del scalars[base]
            joined[k] = joined.get(k, ONE_F) * value  # type: ignore[index, arg-type, operator]
    for k, value in joined.items():
        if (root := _root(value, k)) is not None:
            coef *= root
        elif k < 0 and coef.numerator % value == 0:
            coef /= value
            include(scalars, ops.num(value), HALF)
        elif k > 0 and coef.denominator % value == 0:
            coef *= value
            include(scalars, ops.num(value), -HALF)
        else:
            include(scalars, ops.num(value), k)
    return coef


def _take_dim(d: Dim, k: Fraction, into: Powers) -> Fraction:
    """A product of dimension names as its factors; a sum of them as one base."""
    if len(d.terms) != 1:
        include(into, ops.dim(d), k)
        return ONE_F
    ((names, factor),) = d.terms
    for name in names:
        include(into, ops.dim(Dim.of(name)), k)
    return raised(Fraction(factor), int(k))


def raised(value: Fraction, k: int) -> Fraction:
    """value^k, unless it has more digits than can be written."""
    size = max(value.numerator.bit_length(), value.denominator.bit_length())
    if size > 1 and (size - 1) * abs(k) > _MAX_BITS:
        raise LimitError("a number in this expression is too large to be written", hint=f"at most {MAX_DIGITS} digits")
    return value**k


def _keeps_sign(e: Expr) -> bool:
    """Does (x^a)^k = x^(a*k) hold for every k? Only for a like 1/2, whose x is not negative anyway."""
    k = e.args[1]
    return k.op == "num" and bool(k.data.denominator % 2 == 0)


def _root(value: Fraction, k: Fraction) -> Fraction | None:
    """value^k when that is rational, for half-integer k and a positive value."""
    if value <= 0 or k.denominator != 2:
        return None
    from_sqrt = [_isqrt(value.numerator), _isqrt(value.denominator)]
    if None in from_sqrt:
        return None
    return raised(Fraction(from_sqrt[0], from_sqrt[1]), k.numerator)  # type: ignore[arg-type]


def rational_root(value: Fraction, k: int) -> Fraction | None:
    """r with r^k = value, if there is a rational one; of two the positive one."""
    if k in (1, -1):
        return value**k
    if not value or not k or (value < 0 and k % 2 == 0):
        return None
    size = value if value > 0 else -value
    top, bottom = (round(n ** (1 / abs(k))) if n < 1 << 50 else 0 for n in (size.numerator, size.denominator))
    if not top or not bottom or Fraction(top, bottom) ** abs(k) != size:
        return None
    root = Fraction(top, bottom) if k > 0 else Fraction(bottom, top)
    return root if value > 0 else -root


def _isqrt(n: int) -> int | None:
    root = round(n**0.5) if n < 1 << 50 else 0
    return root if root * root == n else None


class HadParts(NamedTuple):
    """coef * scalars * elementwise product of bases^exponents, all of ``shape``."""

    shape: Shape
    coef: Fraction
    scalars: FixedPowers
    bases: FixedPowers


@lru_cache(maxsize=_KEPT)
def had_parts(e: Expr) -> HadParts:
    """An array as an elementwise product."""
    shape, coef, scalars, bases = e.shape, ONE_F, Powers(), Powers()
    todo: list[tuple[Expr, Exponent]] = [(e, ONE_F)]
    while todo:
        e, k = todo.pop()
        whole = is_whole(k)
        if e.op == "ones":
            continue
        if e.op == "t" and (turned := _turned_product(e.args[0])) is not None:
            e = turned
        if e.op == "had" and whole:
            todo.extend((a, k) for a in e.args)
        elif e.op == "mul" and not e.is_scalar and whole:
            p = parts(e)
            if len(p.body) == 1:
                coef *= raised(p.coef, int(k))  # type: ignore[arg-type]
                for b, x in p.scalars.items():
                    include(scalars, b, scale_exponent(x, k))
                todo.append((p.body[0], k))
            else:
                if p.coef != 1 or p.scalars:
                    coef *= raised(p.coef, int(k))  # type: ignore[arg-type]
                    for b, x in p.scalars.items():
                        include(scalars, b, scale_exponent(x, k))
                    e = ops.mul(*p.body)
                include(bases, e, k)
        elif e.op == "pow" and (whole or _keeps_sign(e)):
            todo.append((e.args[0], scale_exponent(as_exponent(e.args[1]), k)))
        elif e.op == "fn" and e.data == "sqrt" and whole:
            todo.append((e.args[0], scale_exponent(HALF, k)))
        elif e.op == "fn" and e.data == "exp":
            include(bases, E, scale_exponent(e.args[0], k))
        else:
            include(bases, e, k)
    return HadParts(shape, coef, scalars, bases)


def _turned_product(x: Expr) -> Expr | None:
    """The transpose of an elementwise product or power of plain arrays, factor by factor; else None."""
    if x.op not in ("had", "pow") or any(a.op in ("mul", "add") for a in x.args if not a.is_scalar):
        return None
    return ops.rebuild(x, [a.args[0] if a.op == "t" else ops.transpose(a) for a in x.args])


def run(e: Expr) -> tuple[Expr, Exponent]:
    """A factor as base^exponent: inverses and powers of square matrices, transposed ones too."""
    if e.op == "inv":
        return e.args[0], Fraction(-1)
    if e.op == "matpow":
        base, k = run(e.args[0])
        return base, scale_exponent(k, as_exponent(e.args[1]))
    if e.op == "t":
        base, k = run(e.args[0])
        if base is not e.args[0]:
            return (base.args[0] if base.op == "t" else ops.transpose(base)), k
    return e, ONE_F


# --- putting together -----------------------------------------------------------------------------


def power_node(base: Expr, k: Exponent) -> Expr:
    """base^k with roots as sqrt, exp for the base E."""
    if base is E:
        return ops.fn("exp", as_expr(k))
    if k is ONE_F:
        return base
    if not isinstance(k, Expr):
        if k == 1:
            return base
        if k == HALF:
            return ops.fn("sqrt", base)
        if k.denominator == 2:
            return ops.power(ops.fn("sqrt", base), ops.num(k.numerator))
        if k == 2 and base.op == "norm2" and base.args[0].op == "sym" and base.args[0].cols is ONE:
            return ops.mul(ops.transpose(base.args[0]), base.args[0])
    return ops.power(base, as_expr(k))


def split_powers(powers: FixedPowers) -> tuple[list[Expr], list[Expr]]:
    """Numerators and denominators, each in the fixed order."""
    above: list[Expr] = []
    below: list[Expr] = []
    for base, k in _grouped(_with_one_root(powers)).items():
        if k is ONE_F and base is not E:
            above.append(base)
        elif base is not E and is_negative(k):
            below.append(power_node(base, scale_exponent(k, Fraction(-1))))
        else:
            above.append(power_node(base, k))
    return _sorted(above), _sorted(below)


def _sorted(factors: list[Expr]) -> list[Expr]:
    return factors if len(factors) < 2 else sorted(factors, key=sort_key)


def _with_one_root(powers: FixedPowers) -> FixedPowers:
    """sqrt(2)*sqrt(pi) as sqrt(2*pi), sqrt(2)/sqrt(pi) as sqrt(2/pi)."""
    if len(powers) < 2:
        return powers
    roots = {b: k for b, k in powers.items() if isinstance(k, Fraction) and k.denominator == 2 and _is_constant(b)}
    sizes = {abs(k) for k in roots.values()}
    if len(roots) < 2 or len(sizes) > 1:
        return powers
    size = sizes.pop() if any(k > 0 for k in roots.values()) else -sizes.pop()
    number = ONE_F
    for b, k in roots.items():
        if b.op == "num":
            number *= raised(b.data, int(k / size))  # type: ignore[arg-type]
    constants: Powers = {b: k / size for b, k in roots.items() if b.op == "const"}
    rest = {b: k for b, k in powers.items() if b not in roots}
    include(rest, compose(number, constants, []), size)
    return rest


def _is_constant(e: Expr) -> bool:
    """Is it a positive integer or pi?"""
    if e.op == "num":
        return bool(e.data > 0 and e.data.denominator == 1)  # type: ignore[operator, union-attr]
    return e.op == "const" and e is not E


def _grouped(powers: FixedPowers) -> FixedPowers:
    """Bases with the same whole exponent beyond 1, up to sign, under one exponent: x^2*y^2/z^2 = (x*y/z)^2."""
    if len(powers) < 2:
        return powers
    groups: dict[Fraction, Powers] = {}
    for b, k in powers.items():
        if k is not ONE_F and is_whole(k) and b is not E and abs(k) > 1:  # type: ignore[arg-type]
            groups.setdefault(abs(k), {})[b] = k  # type: ignore[arg-type]
    groups = {size: group for size, group in groups.items() if len(group) > 1}
    if not groups:
        return powers
    taken = {b for group in groups.values() for b in group}
    out = {b: k for b, k in powers.items() if b not in taken}
    for size, found in groups.items():
        group: Powers = {b: k / size for b, k in found.items()}  # type: ignore[operator]
        shape = next(iter(group)).shape
        if all(k < 0 for k in group.values()):  # type: ignore[operator]
            size, group = -size, dict.fromkeys(group, ONE_F)
        product = compose(ONE_F, group, []) if shape == SCALAR else compose_had(HadParts(shape, ONE_F, {}, group))
        out[product] = size
    return out


def _means(scalars: FixedPowers) -> FixedPowers:
    """sum(X)/(m*n) as mean(X), norm2(x)^2/n as mean(x.^2)."""
    for base, k in scalars.items():
        squares = base.op == "norm2" and k == 2
        if squares or (base.op == "sum" and base.data is None and k == 1):
            x = base.args[0]
            sizes = Counter(ops.dim(d) for d in x.shape if d is not ONE)
            ks = [(scalars.get(size, ONE_F), times) for size, times in sizes.items()]
            if all(isinstance(k, Fraction) and k <= -times for k, times in ks):
                out = {b: e for b, e in scalars.items() if b is not base}
                for size, times in sizes.items():
                    include(out, size, Fraction(times))
                return {**out, ops.mean(ops.power(x, ops.num(2)) if squares else x): ONE_F}
    return scalars


def compose(coef: Fraction, scalars: FixedPowers, body: Sequence[Expr]) -> Expr:
    """coef * scalars * body with everything that divides behind one stroke: ``2*s*A*x/(3*n)``."""
    if any(b.op == "num" for b in scalars):
        scalars = dict(scalars)
        coef = _rooted(coef, scalars)
    if scalars and len(body) == 1 and body[0].op == "pow":
        scalars, body = _under_one_power(scalars, body[0])
    above, below = split_powers(_means(scalars))
    if not (above or below or body):
        return ops.num(coef)
    lifted = len(body) == 1 and body[0].op == "ones" and not (above or below)  # a number, which is written as one
    if coef.denominator != 1 and not _is_decimal(coef) and not lifted:
        below.insert(0, ops.num(coef.denominator))
        coef = Fraction(coef.numerator)
    front = [] if coef == 1 else [ops.num(coef)]
    if below and len(body) == 1 and (above or abs(coef) != 1) and body[0].op == "pow" and body[0].args[1] is _MINUS:
        return ops.mul(*front, *above, ops.reciprocal(ops.mul(*below, body[0].args[0])))  # s*(1 ./ x)/n is s ./ (n*x)
    back = [ops.reciprocal(ops.mul(*below))] if below else []
    if len(body) > 1 and all(m.op == "t" for m in body):  # A'*B' reads (B*A)'
        body = [ops.transpose(ops.mul(*(m.args[0] for m in reversed(body))))]
    if len(body) == 1 and body[0].op == "ones":  # a lifted scalar: so that it reads as one
        return ops.mul(*front, *above, *back, *body)
    return ops.mul(*front, *above, *body, *back)


def _under_one_power(scalars: FixedPowers, power: Expr) -> tuple[FixedPowers, Sequence[Expr]]:
    """x.^2/s^2 as (x/s).^2."""
    k = as_exponent(power.args[1])
    if not is_whole(k) or k < 2:  # type: ignore[operator]
        return scalars, [power]
    inner: Powers = {b: x / k for b, x in scalars.items() if b is not E and isinstance(x, Fraction) and abs(x) == k}  # type: ignore[operator]
    if not inner:
        return scalars, [power]
    rest = {b: x for b, x in scalars.items() if b not in inner}
    return rest, [ops.power(compose(ONE_F, inner, [power.args[0]]), power.args[1])]


def _is_decimal(value: Fraction) -> bool:
    """Is it written with a decimal point (0.1, 0.37) rather than as a quotient (1/2, 1/3)?"""
    rest = value.denominator
    if rest % 10:
        return False
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def compose_had(p: HadParts) -> Expr:
    """coef * scalars * (a .* b ./ (c .* d))."""
    above, below = split_powers(p.bases)
    factors = list(above)
    if below:
        factors.append(ops.power(ops.had(*below), ops.num(-1)))
    if not factors:
        body = [] if p.shape == (ONE, ONE) else [ops.ones(*p.shape)]
    else:
        body = [ops.had(*factors)]
    return compose(p.coef, p.scalars, body)


def is_whole(k: Exponent) -> bool:
    """Is the exponent an integer number?"""
    return not isinstance(k, Expr) and k.denominator == 1
