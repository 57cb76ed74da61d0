"""Short forms of everything that is not a sum or a product: transposes, inverses, traces, functions, reductions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.order import label, sort_key
from matcalc.printing.measure import length
from matcalc.rules.facts import known
from matcalc.shapes import ONE, SCALAR, Shape
from matcalc.simplifier.algebra import Algebra, is_zero, zero
from matcalc.simplifier.distributing import has_identity
from matcalc.simplifier.factors import (
    HALF,
    ONE_F,
    FixedPowers,
    HadParts,
    as_exponent,
    compose,
    compose_had,
    had_parts,
    include,
    is_whole,
    parts,
    run,
    scale_exponent,
    split_powers,
)
from matcalc.simplifier.products import MINUS, ODD, column

EVEN = frozenset("abs cos cosh".split())
# f with f(0) = value
_ZERO_AT_ZERO = "sin tan arcsin arctan sinh tanh erf sign abs sqrt log1p expm1 relu gelu".split()
AT_ZERO = {"exp": 1, "cos": 1, "cosh": 1, **dict.fromkeys(_ZERO_AT_ZERO, 0)}


class Functions(Algebra):
    """transpose, inv, trace, fn, total, contraction and the like."""

    quiet: int

    def transpose(self, x: Expr) -> Expr:
        if x.is_scalar:
            return x
        match x.op:
            case "t":
                return x.args[0]
            case "mul":
                p = parts(x)
                if p.body[-1].op == "ones" and len(p.body) > 1 and x.cols is ONE:
                    front = compose(p.coef, p.scalars, [])
                    return self.mul(front, ops.total(self.transpose(ops.mul(*p.body[:-1])), 0))
                return compose(p.coef, p.scalars, [self.transpose(m) for m in reversed(p.body)])
            case "frechet" if x.args[0].op == "t" or x.args[1].op == "t":
                return self.frechet(str(x.data), self.transpose(x.args[0]), self.transpose(x.args[1]))
            case "sum" if x.data == 0:
                return ops.mul(self.transpose(x.args[0]), ops.ones(x.args[0].rows, ONE))
            case "ones":
                return ops.ones(x.cols, x.rows)
            case "zeros":
                return zero((x.cols, x.rows))
            case "eye" | "diagmat":
                return x
            case "add":
                return self._transpose_sum(x)
            case "block":
                turned = self.turned_block(x)
                return turned if length(turned) <= length(x) + 1 else ops.transpose(x)  # [a, b]', not [a'; b']
            case "had" | "pow" | "cmp" | "max2" | "min2" if any(a.op == "t" for a in x.args):
                turned = self.build(x, tuple(self.transpose(a) for a in x.args))
                return turned if length(turned) <= length(x) + 1 else ops.transpose(x)
        if known(x, "symmetric"):
            return x
        return ops.transpose(x)

    def turned_block(self, x: Expr) -> Expr:
        """The transpose of blocks, block by block where they stand in columns."""
        height, width = x.data  # type: ignore[misc]
        columns = [[x.args[i * width + j] for i in range(height)] for j in range(width)]
        if any(len({e.cols for e in column}) > 1 for column in columns):
            return ops.transpose(x)
        return ops.block([[self.transpose(e) for e in column] for column in columns])

    def _transpose_sum(self, x: Expr) -> Expr:
        turned = self.turned(x)
        if turned is x or length(turned) <= length(x) + (self.expanding * 10**9):
            return turned
        return ops.transpose(x)

    def inv(self, x: Expr) -> Expr:
        if x.is_scalar:
            return self.power(x, MINUS)
        p = parts(x)
        content, body = ONE_F, p.body
        if len(body) == 1 and body[0].op == "add":
            content, base = self.primitive(body[0])
            body = [base]
        scalars = {b: scale_exponent(k, MINUS) for b, k in p.scalars.items()}
        return self.mul(compose(1 / (p.coef * content), scalars, []), *self._inverse_chain(body))

    def _inverse_chain(self, body: Sequence[Expr]) -> list[Expr]:
        if len(body) == 1:
            (x,) = body
            match x.op:
                case "inv":
                    return [x.args[0]]
                case "eye":
                    return [x]
                case "t":
                    return [self.transpose(self.inv(x.args[0]))]
                case "diagmat":
                    return [ops.diag(self.power(x.args[0], MINUS))]
                case "matpow":
                    return [self.run_node(x.args[0], scale_exponent(as_exponent(x.args[1]), MINUS))]
            return [self.transpose(x)] if known(x, "orthogonal") else [ops.inv(x)]
        square = all(m.rows is m.cols for m in body)
        if square and (
            self.expanding or any(run(m)[1] == -1 or m.op == "diagmat" or known(m, "orthogonal") for m in body)
        ):
            return [n for m in reversed(body) for n in self._inverse_chain([m])]
        whole = ops.mul(*body)
        turned = self.transpose(whole)
        if turned is not whole and (length(turned), label(turned)) < (length(whole), label(whole)):
            return [ops.transpose(ops.inv(turned))]
        return [ops.inv(whole)]

    def trace(self, x: Expr) -> Expr:
        if x.is_scalar:
            return x
        p = parts(x)
        front = compose(p.coef, p.scalars, [])
        if len(p.body) == 1:
            return self.mul(front, self._trace_of(p.body[0]))
        body = p.body
        cut = next((i for i, m in enumerate(body) if m.rows is ONE), None)
        if cut is not None:
            return self.mul(front, *body[cut:], *body[:cut])
        return self.mul(front, self._trace_of_chain(body))

    def _trace_of(self, x: Expr) -> Expr:
        match x.op:
            case "eye":
                return ops.dim(x.rows)
            case "t":
                return self.trace(x.args[0])
            case "diagmat":
                return self.total(x.args[0])
            case "add":
                return self.add(*(self.trace(a) for a in x.args)) if self.expanding else ops.trace(x)
            case "kron" if x.args[0].rows is x.args[0].cols:
                return self.mul(self.trace(x.args[0]), self.trace(x.args[1]))
        return ops.trace(x)

    def _trace_of_chain(self, body: Sequence[Expr]) -> Expr:
        square = len(body) > 1 and body[0].rows is body[-1].cols and body[0].rows is body[0].cols
        met = self._pair(body[-1], body[0]) if square else None
        if met is not None and len(met) < 2:  # tr(A*B*inv(A)) = tr(B)
            return self.trace(self.mul(body[-1], *body[:-1]))
        if len(body) == 2:
            for e, operator in (body, body[::-1]):
                if operator.op == "t":
                    e, operator = self.transpose(e), operator.args[0]
                if operator.op == "frechet":  # tr(E*L(X, G)) = tr(L(X, E)*G), which is closed if E commutes with X
                    moved = self.frechet(str(operator.data), operator.args[0], e)
                    if not any(m.op == "frechet" for m in (moved, *moved.args)):
                        return self.trace(self.mul(moved, operator.args[1]))
        if len(body) == 2 and self.transpose(body[0]) is body[1]:
            return self.power(ops.norm2(min(body, key=lambda m: (length(m), label(m)))), Fraction(2))
        root = self._square_root_of(body)
        if root is not None:
            return self.power(self.norm2(root), Fraction(2))
        turned = [self.transpose(m) for m in reversed(body)]
        rotations = [[*b[i:], *b[:i]] for b in (body, turned) for i in range(len(b))] if len(body) <= 16 else [body]
        products = [ops.mul(*r) for r in rotations]
        candidates = [ops.trace(r) for r in products]
        if len(body) == 2:
            a, b = body
            candidates.append(ops.total(ops.had(*sorted((self.transpose(a), b), key=sort_key))))
            candidates.append(ops.total(ops.had(*sorted((a, self.transpose(b)), key=sort_key))))
        entrywise = any(map(_is_entrywise, body))  # of two as long: tr of matrices, sum of what goes entry by entry
        best = min(candidates, key=lambda e: (length(e), (e.op == "tr") is entrywise, _sum_first(e), label(e)))
        apart = self._trace_apart(body)
        return best if apart is None or length(apart) >= length(best) else apart

    def _trace_apart(self, body: Sequence[Expr]) -> Expr | None:
        """tr((eye(n) - A)*B) as tr(B) - tr(A*B)."""
        sums = [i for i, m in enumerate(body) if m.op == "add" and has_identity(m)]
        if self.quiet or self.expanding or not sums:
            return None
        before, after = body[: sums[0]], body[sums[0] + 1 :]
        self.quiet += 1
        try:
            return self.add(*(self.trace(self.mul(*before, t, *after)) for t in body[sums[0]].args))
        finally:
            self.quiet -= 1

    def _square_root_of(self, body: Sequence[Expr]) -> Expr | None:
        """M of tr(M'*M), in any rotation: tr(U'*U*V'*V) is norm2(U*V')^2."""
        half, odd = divmod(len(body), 2)
        if self.expanding or odd or len(body) > 16:
            return None
        found: list[Expr] = []
        for i in range(len(body)):
            chain = [*body[i:], *body[:i]]
            if all(self.transpose(a) is b for a, b in zip(chain[:half], chain[: half - 1 : -1], strict=True)):
                found.append(ops.mul(*chain[half:]))
        return min(found, key=lambda m: (length(m), label(m)), default=None)

    # --- elementwise functions --------------------------------------------------------------------

    def fn(self, name: str, x: Expr) -> Expr:
        if is_zero(x) and name in AT_ZERO:
            return ops.lift(ops.num(AT_ZERO[name]), x.shape)
        if x.op == "t":
            return self.transpose(self.fn(name, x.args[0]))
        if x.op == "mul" and not x.is_scalar and (constant := ops.unlift(x)) is not None and constant.is_scalar:
            return self.mul(self.fn(name, constant), ops.ones(*x.shape))
        if name == "exp" or name == "sqrt":
            raw = ops.fn(name, x)
            return self.mul(raw) if x.is_scalar else self.had(raw)
        if name == "log":
            if x.op == "fn" and x.data == "exp":
                return x.args[0]
            if x.op == "num" and x.data == 1:
                return ops.num(0)
        if name in ODD or name in EVEN:
            return self._by_sign(name, x)
        return ops.fn(name, x)

    def _by_sign(self, name: str, x: Expr) -> Expr:
        """f(-x) = -f(x) or f(x); abs and sign drop positive factors."""
        if x.op == "add":
            content, x = self.primitive(x)
        else:
            p = parts(x)
            content = p.coef
            x = compose(ONE_F, p.scalars, p.body)
        sign = MINUS if content < 0 else ONE_F
        size = abs(content)
        if name == "sign":
            if known(x, "positive"):
                return ops.lift(ops.num(sign), x.shape)
            inner, outer = x, sign
        elif name == "abs":
            if known(x, "nonnegative"):
                return self.mul(ops.num(size), x)
            inner, outer = x, size
        else:
            inner, outer = self.mul(ops.num(size), x), sign if name in ODD else ONE_F
        made = self.transpose(ops.fn(name, inner.args[0])) if inner.op == "t" else ops.fn(name, inner)
        return self.mul(ops.num(outer), made)

    def compare(self, relation: str, args: tuple[Expr, ...]) -> Expr:
        """A comparison with everything on the side where it is shortest: 0 < 1 - u reads u < 1."""
        left, right = args
        if all(a.op == "t" for a in args):
            return self.transpose(ops.compare(relation, left.args[0], right.args[0]))
        difference = self.add(left, self.neg(right))
        if is_zero(difference):
            return ops.compare(relation, left, right)
        p = parts(difference)
        flip = p.coef < 0
        base = compose(ONE_F, p.scalars, p.body)
        terms = self.collect([base])
        fixed = {t: c for t, c in terms.items() if ops.unlift(t) is not None or t.op == "num"}
        sides: list[tuple[Expr, Expr]] = [(base, zero(base.shape))]
        for moved in (fixed, {t: c for t, c in terms.items() if c < 0}):
            kept = {t: c for t, c in terms.items() if t not in moved}
            if kept and moved:
                sides.append((self.plain(base.shape, kept), self.plain(base.shape, {t: -c for t, c in moved.items()})))
        candidates = [ops.compare(relation, left, right)]
        for a, b in sides:
            r = FLIPPED[relation] if flip else relation
            candidates.append(ops.compare(r, a, b))
            candidates.append(ops.compare(FLIPPED[r], b, a))
            candidates.append(ops.compare(FLIPPED[r], self.neg(a), self.neg(b)))
        return min(candidates, key=lambda e: (length(e), _constant_left(e), label(e)))

    def plain(self, shape: Any, terms: Any) -> Expr:
        return self.factored(shape, terms)

    # --- reductions -------------------------------------------------------------------------------

    def total(self, x: Expr, axis: int | None = None) -> Expr:
        if x.shape == {None: SCALAR, 0: (ONE, x.cols), 1: (x.rows, ONE)}[axis]:
            return x
        if is_zero(x):
            return zero({None: SCALAR, 0: (ONE, x.cols), 1: (x.rows, ONE)}[axis])
        if x.cols is ONE and axis in (None, 0):
            return self.contraction(had_parts(x))
        if x.rows is ONE:
            return self.total(self.transpose(x))
        p = parts(x)
        made = self._total_of(p.body, axis)
        if made.op == "sum" or (made.op == "mul" and made.args[-1].op == "ones"):  # its own short form
            return compose(p.coef, p.scalars, list(made.args) if made.op == "mul" else [made])
        return self.mul(compose(p.coef, p.scalars, []), made)

    def _total_of(self, body: Sequence[Expr], axis: int | None) -> Expr:
        if len(body) > 1:
            if axis is None and (body[0].cols is ONE):
                return self.mul(self.total(body[0]), self.total(ops.mul(*body[1:])))
            if axis == 1 and body[-1].rows is ONE:
                return self.mul(*body[:-1], self.total(body[-1]))
            if axis == 0 and body[0].cols is ONE:
                return self.mul(self.total(body[0]), *body[1:])
            if axis == 0 and body[-1].op == "diagmat":
                row = self.transpose(column(self, body[-1].args[0]))
                return self.had(self.total(ops.mul(*body[:-1]), 0), row)
            if axis == 1 and body[0].op == "diagmat":
                return self.had(column(self, body[0].args[0]), self.total(ops.mul(*body[1:]), 1))
        whole = ops.mul(*body)
        if axis is None and whole.op == "had" and not self.expanding and (form := self._bilinear(whole)) is not None:
            return form
        match whole.op:
            case "t":
                return self.transpose(self.total(whole.args[0], None if axis is None else 1 - axis))
            case "ones":
                count = {None: whole.rows * whole.cols, 0: whole.rows, 1: whole.cols}[axis]
                return ops.lift(ops.dim(count), {None: SCALAR, 0: (ONE, whole.cols), 1: (whole.rows, ONE)}[axis])
            case "eye":
                return (
                    ops.dim(whole.rows)
                    if axis is None
                    else ops.ones(*((whole.rows, ONE) if axis else (ONE, whole.rows)))
                )
            case "diagmat":
                v = column(self, whole.args[0])
                return self.total(v) if axis is None else v if axis else self.transpose(v)
            case "add" if self.expanding:
                return self.add(*(self.total(a, axis) for a in whole.args))
            case "had" if self.expanding and axis is None and len(whole.args) == 2:
                return self.trace(self.mul(self.transpose(whole.args[0]), whole.args[1]))
            case "pow" if axis is None and whole.args[1].op == "num" and whole.args[1].data == 2:
                return self.power(ops.norm2(whole.args[0]), Fraction(2))
        if axis == 1 and known(whole, "rowsum_one"):
            return ops.ones(whole.rows, ONE)
        if axis == 0 and whole.op == "softmax" and whole.data == 0:
            return ops.ones(ONE, whole.cols)
        if axis == 1:  # one symbol shorter than sum(..., axis=1)
            return ops.mul(whole, ops.ones(whole.cols, ONE))
        return ops.total(whole, axis)

    def _bilinear(self, x: Expr) -> Expr | None:
        """sum(A .* (u*v')) as u'*A*v; None if nothing of rank one is among the factors of ``x``."""
        for i, m in enumerate(x.args):
            chain = parts(m).body if m.op == "mul" else []
            cut = next((j for j, f in enumerate(chain) if f.cols is ONE), None)
            if cut is not None and cut + 1 < len(chain) and chain[0].op != "ones" != chain[-1].op:
                p = parts(m)
                rest = self.had(*x.args[:i], *x.args[i + 1 :])
                left, right = self.mul(*chain[: cut + 1]), self.mul(*chain[cut + 1 :])
                return self.mul(compose(p.coef, p.scalars, []), self.transpose(left), rest, self.transpose(right))
        return None

    def contraction(self, p: HadParts) -> Expr:
        """Sum of the entries of coef*scalars*(a .* b ./ ...): of two an inner product, else the sum of the product."""
        front = compose(p.coef, p.scalars, [])
        bases = p.bases
        if any(is_zero(b) for b in bases):
            return ops.num(0)
        if not bases:
            return self.mul(front, ops.dim(p.shape[0] * p.shape[1]))
        if self.expanding:
            for base, k in bases.items():
                if base.op == "add" and is_whole(k) and k > 0:  # type: ignore[operator]
                    return self.mul(front, self._expanded_contraction(p.shape, bases, base))
                if len(bases) == 1 and k == 2 and base.op == "mul":
                    q = parts(base)
                    square = ops.mul(*(self.transpose(m) for m in reversed(q.body)), *q.body)
                    return self.mul(front, self.power(compose(q.coef, q.scalars, []), Fraction(2)), square)
        units = [b for b, k in bases.items() if b.op == "unit" and k == 1]
        if units:
            index = units[0].args[0]
            rest = [self.power(self.entry(b, index), k) for b, k in bases.items() if b is not units[0]]
            return self.mul(front, *rest)
        if len(bases) == 1:
            ((base, k),) = bases.items()
            if k == 1 and (known(base, "simplex") or known(base, "onehot")):
                return front
            if k == 2:
                return self.mul(front, self.power(self.norm2(base), Fraction(2)))
            if k == 1 and base.op == "mul" and not self.expanding and base.args[0].op == "ones":
                return self.mul(front, ops.total(base))
            if k == 1 and base.op == "mul" and not self.expanding and base.args[-1].op == "ones":
                return self.mul(front, self.total(ops.mul(*base.args[:-1])))
        above, below = split_powers(bases)
        if len(above) == 2 and not below:
            a, b = above
            if any(f.op == "diagmat" for f in (*a.args, *b.args)):
                return self.mul(front, self.transpose(a), b)
            chain = [*parts(self.transpose(a)).body, *parts(b).body]
            if len(chain) > 2 or a.op == "t" or b.op == "t":
                made = [ops.mul(*chain), ops.mul(*(self.transpose(m) for m in reversed(chain)))]
                return self.mul(front, min(made, key=lambda e: (length(e), label(e))))
            return self.mul(front, ops.mul(*chain))
        body = compose_had(HadParts(p.shape, ONE_F, {}, bases))
        if body.op == "add":
            return self.mul(front, self._total_of_sum(body))
        return self.mul(front, ops.total(body.args[0] if body.op == "t" else body))

    def _total_of_sum(self, x: Expr) -> Expr:
        """The sum of the entries of a sum: term by term where terms cancel."""
        whole = ops.total(x)
        if self.quiet:
            return whole
        each = self.add(*(self.total(a) for a in x.args))
        return each if length(each) < length(whole) else whole

    def _expanded_contraction(self, shape: Shape, bases: FixedPowers, base: Expr) -> Expr:
        """The contraction as a sum over the terms of one of its factors."""
        terms: list[Expr] = []
        for a in base.args:
            rest = dict(bases)
            include(rest, base, MINUS)
            q = had_parts(a)
            for b, k in q.bases.items():
                include(rest, b, k)
            terms.append(self.contraction(HadParts(shape, q.coef, q.scalars, rest)))
        return self.add(*terms)

    def entry(self, v: Expr, index: Expr) -> Expr:
        """v[index] of a vector, through elementwise operations."""
        if v.op == "ones":
            return ops.num(1)
        if v.op == "unit" and v.args[0] is index:
            return ops.num(1)
        if v.op == "slice" and v.data == (("all",), ("at",)):  # of a column
            return ops.slice_(v.args[0], ("at",), ("at",), index, v.args[1])
        if v.op == "t" and v.args[0].op == "slice" and v.args[0].data == (("at",), ("all",)):
            return ops.slice_(v.args[0].args[0], ("at",), ("at",), v.args[0].args[1], index)
        if v.op == "t":  # of a row
            return ops.slice_(v.args[0], ("all",), ("at",), index)
        return ops.slice_(v, ("at",), ("all",), index)

    def norm2(self, x: Expr) -> Expr:
        if x.is_scalar:
            return self.fn("abs", x)
        if is_zero(x):
            return ops.num(0)
        if x.op == "t":
            return self.norm2(x.args[0])
        if self.expanding and x.op in ("add", "mul"):
            if x.cols is ONE:
                return self.power(self.contraction(HadParts(x.shape, ONE_F, {}, {x: Fraction(2)})), HALF)
            return self.power(self.trace(self.mul(self.transpose(x), x)), HALF)
        if x.op == "add":
            content, x = self.primitive(x)
            return self.mul(ops.num(abs(content)), self._norm_sign(x))
        p = parts(x)
        scalars = [self.fn("abs", compose(ONE_F, {b: k}, [])) for b, k in p.scalars.items()]
        body = p.body
        if len(body) > 1 and known(body[0], "orthogonal"):
            body = body[1:]
        whole = ops.mul(*body)
        if known(whole, "unit"):
            return self.mul(ops.num(abs(p.coef)), *scalars)
        return self.mul(ops.num(abs(p.coef)), *scalars, ops.norm2(whole))

    def _norm_sign(self, x: Expr) -> Expr:
        flipped = self.scaled_sum(MINUS, x)
        return ops.norm2(min(flipped, x, key=lambda e: (length(e), label(e))))

    # --- matrix functions -------------------------------------------------------------------------

    def frechet(self, name: str, x: Expr, e: Expr) -> Expr:
        """The directional derivative f'(X)*E when E commutes with X, else the operator, scalars in front."""
        if is_zero(e):
            return zero(e.shape)
        p = parts(e)
        front = compose(p.coef, p.scalars, [])
        base = parts(x).body
        if name == "sqrtm" and p.body == base:  # half of X*inv(sqrtm(X)) is half of sqrtm(X)
            return self.mul(front, ops.num(Fraction(1, 2)), self.build(ops.mfn(name, x), (x,)))
        if p.body == base or all(_commutes(m, x, base) for m in p.body):
            return self.mul(front, self._matrix_derivative(name, x), *p.body)
        if x.op == "t" and e.op == "t":
            return self.transpose(ops.frechet(name, x.args[0], e.args[0]))
        return self.mul(front, ops.frechet(name, x, ops.mul(*p.body)))

    def _matrix_derivative(self, name: str, x: Expr) -> Expr:
        """f'(X) of a matrix function."""
        value = self.build(ops.mfn(name, x), (x,))
        match name:
            case "expm":
                return value
            case "logm":
                return self.inv(x)
            case "sqrtm":
                return self.mul(ops.num(Fraction(1, 2)), self.inv(value))
            case "sinm":
                return self.build(ops.mfn("cosm", x), (x,))
        return self.neg(self.build(ops.mfn("sinm", x), (x,)))

    def isum(self, args: tuple[Expr, ...]) -> Expr:
        """A sum over an index: what does not depend on it stands outside, or is multiplied by the count."""
        index, low, high, body = args
        if is_zero(body):
            return body

        def varies(e: Expr) -> bool:
            return index in topological(e)

        if low.op == high.op == "num" and 0 <= high.data - low.data < _WRITTEN_OUT:  # type: ignore[operator]
            values = [ops.num(low.data + i) for i in range(int(high.data - low.data) + 1)]  # type: ignore[operator]
            return self.add(*(self(ops.substitute(body, {index: v})) for v in values))
        count = self.add(high, self.neg(low), ops.num(1))
        if not varies(body):
            return self.mul(count, body)
        p = parts(body)
        inner = {b: k for b, k in p.scalars.items() if varies(b) or (isinstance(k, Expr) and varies(k))}
        outer = {b: k for b, k in p.scalars.items() if b not in inner}
        left = next((i for i, m in enumerate(p.body) if varies(m)), len(p.body))
        right = next((i for i, m in enumerate(reversed(p.body)) if varies(m)), 0)
        middle = p.body[left : len(p.body) - right] if p.body else []
        made = ops.isum(index, low, high, compose(ONE_F, inner, middle))
        return self.mul(compose(p.coef, outer, []), *p.body[:left], made, *p.body[len(p.body) - right :])


FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def _sum_first(e: Expr) -> bool:
    """Is it tr((A + B)*C) rather than tr(C*(A + B))?"""
    return e.op == "tr" and e.args[0].args[0].op == "add"


def _is_entrywise(m: Expr) -> bool:
    """Is it an elementwise product, power or function, or the sum of some?"""
    if m.op == "t":
        return _is_entrywise(m.args[0])
    if m.op == "add":
        return any(map(_is_entrywise, m.args))
    return m.op in _ENTRYWISE


_ENTRYWISE = frozenset("had pow fn ufn cmp max2 min2 softmax".split())


def _commutes(m: Expr, x: Expr, base: Sequence[Expr]) -> bool:
    """Is m the identity, a power of x, or a matrix function of x?"""
    root = run(m)[0]
    return m.op == "eye" or root is x or [root] == list(base) or (root.op == "mfn" and root.args[0] is x)


_WRITTEN_OUT = 6  # sums over an index with at most so many terms are written out


def _constant_left(e: Expr) -> bool:
    """Prefer x > 0 to 0 < x."""
    constant = [ops.unlift(a) is not None or a.op == "num" for a in e.args]
    return constant[0] and not constant[1]
