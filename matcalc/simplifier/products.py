"""Short products: chains of matrices, inner products, elementwise products."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from matcalc import ops
from matcalc.expr import Expr
from matcalc.order import label, sort_key
from matcalc.printing.measure import length
from matcalc.rules.facts import known
from matcalc.shapes import ONE, SCALAR
from matcalc.simplifier.algebra import Algebra, is_zero, zero
from matcalc.simplifier.factors import (
    ONE_F,
    E,
    Exponent,
    FixedPowers,
    HadParts,
    Powers,
    add_exponents,
    as_exponent,
    as_expr,
    compose,
    compose_had,
    had_parts,
    include,
    is_negative,
    is_whole,
    parts,
    raised,
    rational_root,
    run,
    scale_exponent,
    segments,
    tidy,
    times,
)
from matcalc.simplifier.terms import cleared

MINUS = Fraction(-1)


_PICKED_FROM = frozenset({"sym", "spectral"})  # a unit vector picks a column or a row of these


class Products(Algebra):
    """mul and had."""

    quiet: int
    pairs: dict[tuple[Expr, Expr, bool], list[Expr] | None]

    def mul(self, *factors: Expr) -> Expr:
        for f in factors:
            if is_zero(f):
                return zero(ops.group_product(factors)[1])
        coef, scalars, chain = ONE_F, Powers(), list[Expr]()
        for f in factors:
            p = parts(f)
            coef = times(coef, p.coef, self._included(scalars, p.scalars))
            chain.extend(p.body)
        self.tidy(scalars)
        return self._finish(coef, scalars, chain)

    def _merge(self, into: Powers, powers: FixedPowers) -> Fraction:
        """into *= powers, in short form; the numeric content is returned."""
        coef = self._included(into, powers)
        self.tidy(into)
        return coef

    def _included(self, into: Powers, powers: FixedPowers) -> Fraction:
        """into *= powers, sums made primitive; the numeric content is returned."""
        coef = ONE_F
        for base, k in powers.items():
            if base.op == "add" and is_whole(k):
                content, base = self.primitive(base)
                if content != 1:
                    coef *= raised(content, int(k))  # type: ignore[arg-type]
            include(into, base, k)
        return coef

    def tidy(self, powers: Powers) -> None:
        """What bases become together: signs with absolute values, a rectifier with the indicator of its support."""
        tidy(powers)
        for base in [b for b in powers if b.op == "max2" or (b.op == "fn" and b.data == "relu")]:
            u = (
                base.args[0]
                if base.op == "fn"
                else next((b for a, b in (base.args, base.args[::-1]) if is_zero(a)), None)
            )
            if u is not None:
                for relation in (">", ">="):
                    powers.pop(self.compare(relation, (u, zero(u.shape))), None)

    def _finish(self, coef: Fraction, scalars: Powers, chain: Sequence[Expr]) -> Expr:
        body: list[Expr] = []
        if chain:
            content, inner, body = self._chain(chain)
            coef = times(coef, content)
            for s in inner:
                if is_zero(s):
                    return zero((chain[0].rows, chain[-1].cols))
                p = parts(s)
                coef *= p.coef * self._merge(scalars, p.scalars)
                body = [*p.body, *body]
        if not coef:
            return zero((body[0].rows, body[-1].cols) if body else SCALAR)
        if self.expanding:
            return self.distribute(coef, scalars, body)
        body = self._adjugates(scalars, body)
        return self.shortened_by_distributing(self._best_signs(coef, scalars, body))

    def _adjugates(self, scalars: Powers, body: list[Expr]) -> list[Expr]:
        """det(X)*inv(X) = adj(X), which is there for a singular X too; the determinant leaves ``scalars``."""
        for i, m in enumerate(body):
            inverse = m.args[0] if m.op == "t" else m
            if inverse.op == "inv":
                determinant = ops.det(inverse.args[0])
                k = scalars.get(determinant)
                if k is not None and is_whole(k) and k >= 1:  # type: ignore[operator]
                    include(scalars, determinant, MINUS)
                    made = ops.adj(inverse.args[0])
                    return [*body[:i], ops.transpose(made) if m.op == "t" else made, *body[i + 1 :]]
        return body

    def _best_signs(self, coef: Fraction, scalars: FixedPowers, body: Sequence[Expr]) -> Expr:
        """Put the number, or only its sign, into one of the sums (or odd functions) where that is shorter."""
        plain = compose(coef, scalars, body)
        best, best_length = plain, length(plain)
        for base, k in scalars.items():
            if base.op == "add" and is_whole(k) and (clear := cleared(base)) is not None:
                powers = {b: x for b, x in scalars.items() if b is not base}
                include(powers, clear[1], k)
                for b, x in clear[0].items():
                    include(powers, b, scale_exponent(x, k))
                other = compose(coef, powers, body)
                if length(other) < best_length:
                    best, best_length, scalars = other, length(other), powers
                    break
        if best is plain and len(body) == 1 and scalars and body[0].op in ("had", "pow"):
            whole = self._entrywise_cleared(coef, scalars, body[0])
            if whole is not None and length(whole) < best_length:
                return whole
        if coef == 1:
            return best
        if best is plain and coef == -1 and (turned := self._opposite_sum(scalars, body)) is not None:
            return min(turned, plain, key=length)
        for c in {coef, MINUS if coef < 0 else coef}:
            rest = coef / c
            for i, f in enumerate(body):
                if (f.op == "add" or f.op == "t") and _repeated(f, body):
                    continue  # a residual keeps its sign beside its own transpose
                moved = self.absorb(c, f)
                if moved is not None:
                    other = compose(rest, scalars, [*body[:i], moved, *body[i + 1 :]])
                    if length(other) < best_length:
                        best, best_length = other, length(other)
            for base, k in scalars.items():
                root = rational_root(c, int(k)) if is_whole(k) else None  # type: ignore[arg-type]
                if root is not None and (moved := self.absorb(root, base)) is not None:
                    others = {b: x for b, x in scalars.items() if b is not base}
                    other = compose(rest, {**others, moved: k}, body)
                    if length(other) < best_length:
                        best, best_length = other, length(other)
        return best

    def _entrywise_cleared(self, coef: Fraction, scalars: FixedPowers, product: Expr) -> Expr | None:
        """(x ./ (1 + y/s))/s as x ./ (s + y)."""
        h = had_parts(product)
        for base, k in h.bases.items():
            if base.op == "add" and is_whole(k) and (clear := cleared(base)) is not None:
                powers = dict(scalars)
                for b, x in (*h.scalars.items(), *((b, scale_exponent(x, k)) for b, x in clear[0].items())):
                    include(powers, b, x)
                bases = {b: x for b, x in h.bases.items() if b is not base}
                include(bases, clear[1], k)
                made = parts(compose_had(HadParts(h.shape, coef * h.coef, {}, bases)))
                for b, x in made.scalars.items():
                    include(powers, b, x)
                return compose(made.coef, powers, made.body)
        return None

    def _opposite_sum(self, scalars: FixedPowers, body: Sequence[Expr]) -> Expr | None:
        """-(x + y) reads -x - y, mostly as long: all terms of a sum with nothing beside it; None for anything else."""
        powers = list(scalars.items())
        whole = body[0] if len(body) == 1 and not powers else None
        if not body and len(powers) == 1 and powers[0][1] == 1:
            whole = powers[0][0]
        core = whole.args[0] if whole is not None and whole.op == "t" else whole
        if whole is None or core is None or core.op != "add":
            return None
        turned = self.scaled_sum(MINUS, core)
        return turned if whole is core else ops.transpose(turned)

    def absorb(self, c: Fraction, e: Expr) -> Expr | None:
        """c*e as an expression of the same form, for sums, odd functions (c = -1) and what holds one; else None."""
        if e.op == "add":
            return self.scaled_sum(c, e)
        if e.op == "t":
            inner = self.absorb(c, e.args[0])
            return None if inner is None else self.transpose(inner)
        if e.op in ("sum", "diagmat", "diagvec", "vec", "tr") or (e.op == "fn" and e.data in ODD and c == -1):
            inner = self.absorb(c, e.args[0])
            return None if inner is None else ops.rebuild(e, [inner])
        if e.op == "block" and c == MINUS:
            return ops.rebuild(e, [self.neg(entry) for entry in e.args])
        if e.op == "pow" and is_whole(k := as_exponent(e.args[1])) and (root := rational_root(c, int(k))) is not None:  # type: ignore[arg-type]
            inner = self.absorb(root, e.args[0])
            return None if inner is None else ops.power(inner, e.args[1])
        if e.op == "mul" and e.is_scalar:
            for i, f in enumerate(e.args):
                inner = None if _repeated(f, e.args) else self.absorb(c, f)
                if inner is not None:
                    return ops.mul(*e.args[:i], inner, *e.args[i + 1 :])
        if e.op == "had":
            for i, f in enumerate(e.args):
                inner = self.absorb(c, f)
                if inner is not None:
                    return ops.had(*e.args[:i], inner, *e.args[i + 1 :])
        return None

    # --- chains -----------------------------------------------------------------------------------

    def _chain(self, nodes: Sequence[Expr]) -> tuple[Fraction, list[Expr], list[Expr]]:
        """Reduce a chain: its numeric content, the scalars that split off, and the remaining matrices."""
        content = ONE_F
        stack: list[Expr] = []
        todo = list(reversed(nodes))
        rows, cols = nodes[0].rows, nodes[-1].cols
        while todo:
            node = todo.pop()
            if node.op == "eye":
                continue
            if node.is_scalar:
                stack.append(node)
                continue
            if node.op == "mul":  # a rule made a product: take it apart again
                p = parts(node)
                content *= p.coef
                inner = [compose(ONE_F, p.scalars, [])] if p.scalars else []
                todo.extend(reversed([*inner, *p.body]))
                continue
            if node.op == "add":
                c, node = self.primitive(node)
                content *= c
            elif node.op == "t" and node.args[0].op == "add":
                c, base = self.primitive(node.args[0])
                content *= c
                node = self.transpose(base)
                if node.op == "mul":
                    todo.append(node)
                    continue
            at = next((i for i in range(len(stack) - 1, -1, -1) if not stack[i].is_scalar), None)
            merged = self._pair(stack[at], node) if at is not None else None
            if merged is None or at is None:
                stack.append(node)
                self._cancel_inverse_of_product(stack)
            else:
                del stack[at]
                todo.extend(reversed(merged))
        scalars = [s for s in stack if s.is_scalar]
        chain = [s for s in stack if not s.is_scalar]
        if not chain:  # everything cancelled: the identity
            return content, scalars, [] if rows is ONE and cols is ONE else [ops.eye(rows)]
        body: list[Expr] = []
        for segment in segments(chain):
            shape = (segment[0].rows, segment[-1].cols)
            if shape == SCALAR:
                scalars.append(self._inner(segment))
            elif shape[1] is ONE:
                body.append(self._vector(segment))
            elif (
                shape[0] is ONE
                and len(segment) > 1
                and (segment[0].op == "ones" or any(n.op == "diagmat" for n in segment))
            ):
                body.append(self.transpose(self._vector([self.transpose(n) for n in reversed(segment)])))
            else:
                body.extend(segment)
        flat: list[Expr] = []
        for node in body:
            if node.op == "mul":
                p = parts(node)
                content *= p.coef
                scalars.extend([compose(ONE_F, p.scalars, [])] if p.scalars else [])
                flat.extend(p.body)
            elif is_zero(node):
                return Fraction(0), [ops.num(0)], []
            else:
                flat.append(node)
        return content, scalars, flat

    def _cancel_inverse_of_product(self, stack: list[Expr]) -> None:
        """X'*X*inv(X'*X) and inv(X'*X)*X'*X vanish, for factors that are not square too."""
        chain = [i for i, m in enumerate(stack) if not m.is_scalar]
        for place in range(len(chain) - 1, max(-1, len(chain) - 9), -1):
            inverse = stack[chain[place]]
            if inverse.op != "inv" and not (inverse.op == "t" and inverse.args[0].op == "inv"):
                continue
            base, _ = run(inverse)
            if base.op == "t":
                base = self.transpose(base.args[0])
            factors = parts(base).body
            k = len(factors)
            if base.op != "mul" or k < 2 or parts(base).scalars or parts(base).coef != 1:
                continue
            if place == len(chain) - 1 and place >= k:  # the inverse came last
                others = chain[place - k : place]
            elif place == len(chain) - 1 - k:  # the inverse came first
                others = chain[place + 1 :]
            else:
                continue
            if [stack[i] for i in others] == factors:
                for i in sorted([*others, chain[place]], reverse=True):
                    del stack[i]
                return

    def _rank_one(self, m: Expr, u: Expr) -> list[Expr] | None:
        """inv(c*eye + u*v')*u = u/(c + v'*u) (Sherman & Morrison 1950)."""
        if u.cols is not ONE or m.op != "add" or len(m.args) != 2:
            return None
        for first, second in (m.args, m.args[::-1]):
            diagonal, outer = parts(first), parts(second)
            if len(diagonal.body) == 1 and diagonal.body[0].op == "eye" and len(outer.body) > 1 and outer.body[0] is u:
                c = compose(diagonal.coef, diagonal.scalars, [])
                inner = self.mul(compose(outer.coef, outer.scalars, []), *outer.body[1:], u)
                return [self.power(self.add(c, inner), MINUS), u]
        return None

    def _inverses_joined(self, p: Expr, q: Expr) -> list[Expr] | None:
        """inv(P)*inv(Q) = inv(Q*P) where that product loses an inverse: inv(X)*inv(eye + inv(X)) = inv(X + eye)."""
        if p.op == q.op == "t":
            joined = self._inverses_joined(q.args[0], p.args[0])
            return None if joined is None else [self.transpose(m) for m in joined]
        if self.quiet or not any(s.op == "add" and self._holds_inverse(s, o) for s, o in ((q, p), (p, q))):
            return None
        product = (
            self.add(*(self.mul(t, p) for t in q.args))
            if q.op == "add"
            else self.add(*(self.mul(q, t) for t in p.args))
        )
        return [self.inv(product)] if length(product) < length(p) + length(q) + 2 else None

    def _holds_inverse(self, s: Expr, base: Expr) -> bool:
        return any(run(m) == (base, MINUS) for t in s.args for m in parts(t).body)

    def _pair(self, a: Expr, b: Expr) -> list[Expr] | None:
        """What two neighbors become together, or None; kept, as the terms of a product rule share nearly all pairs."""
        key = a, b, self.quiet > 0
        if key not in self.pairs:
            self.pairs[key] = self._made_one(a, b)
        return self.pairs[key]

    def _made_one(self, a: Expr, b: Expr) -> list[Expr] | None:
        (base_a, k_a), (base_b, k_b) = run(a), run(b)
        if k_a == k_b == -1 and (joined := self._inverses_joined(base_a, base_b)) is not None:
            return joined
        if k_a == -1 and (lifted := self._rank_one(base_a, b)) is not None:
            return lifted
        if k_b == -1 and (lifted := self._rank_one(self.transpose(base_b), self.transpose(a))) is not None:
            return [self.transpose(m) for m in reversed(lifted)]
        if base_a is base_b and base_a.rows is base_a.cols:
            k = add_exponents(k_a, k_b)
            if k == 2 and k_a == 1 and (squared := self._squared(base_a)) is not None:
                return [squared]
            return [] if k == 0 else [self.run_node(base_a, k)]
        if a.rows is a.cols and _root(base_a) is _root(base_b) and sort_key(b) < sort_key(a):
            return [b, a]  # functions of one matrix commute: in the fixed order
        if a.op == "diagmat" and b.op == "diagmat":
            return [ops.diag(self.had(column(self, a.args[0]), column(self, b.args[0])))]
        if b.op == "ones" and b.rows is not ONE and known(a, "rowsum_one"):
            return [ops.ones(a.rows, b.cols)]
        if a.op == b.op == "ones":
            return [ops.dim(a.cols), ops.ones(a.rows, b.cols)]
        if a.op == "ones" and b.op == "sum" and b.data == 0:  # ones(m)*sum(X, axis=0)
            return [ops.ones(a.rows, b.args[0].rows), b.args[0]]
        if (joined := self._with_one_inverse(a, b)) is not None:
            return joined
        if a.rows is a.cols and b is self.transpose(a) and known(a, "orthogonal"):
            return []
        left = inverse_factors(self, b)
        if left is not None and (rest := self._cancel(a, left[-1])) is not None:
            return [*rest, self.inv(self.mul(*left[:-1]))] if len(left) > 1 else rest
        right = inverse_factors(self, a)
        if right is not None and (rest := self._cancel(right[0], b)) is not None:
            return [self.inv(self.mul(*right[1:])), *rest] if len(right) > 1 else rest
        if _unturned(a).op == "block" and _unturned(b).op == "block":
            picked = self._picked(a, b)
            if picked is not None:
                return picked
        if b.op == "vec" and _unturned(a).op == "kron":
            u, v = a.args if a.op == "kron" else map(self.transpose, a.args[0].args)
            x = b.args[0]
            if v.cols is x.rows and u.cols is x.cols:
                return [ops.vec(self.mul(v, x, self.transpose(u)))]
        if _symmetrizes(b) and _ignores_order(self, a):
            return [ops.num(2), a]
        if b.op == "vec" and a.op == "commutation" and a.data == b.args[0].shape:
            return [ops.vec(self.transpose(b.args[0]))]
        if a.op == "t" and a.args[0].op == "vec" and (b.op == "commutation" or _unturned(b).op == "kron"):
            joined = self._pair(self.transpose(b), a.args[0])
            return None if joined is None else [self.transpose(x) for x in reversed(joined)]
        if a.op == "kron" and b.op == "kron":
            (p, q), (r, s) = a.args, b.args
            if p.cols is r.rows and q.cols is s.rows:
                return [self.build(a, (self.mul(p, r), self.mul(q, s)))]
        if b.op == "unit" and a.rows is not ONE and (col := self._column_of(a, b.args[0])) is not None:
            return [col]
        if a.op == "t" and a.args[0].op == "unit" and b.cols is not ONE:
            row = self._row_of(b, a.args[0].args[0])
            return None if row is None else [row]
        if a.op == "diagmat" and a.args[0].op == "unit" and b.cols is not ONE:
            row = self._row_of(b, a.args[0].args[0])
            return None if row is None else [a.args[0], row]
        return None

    def _column_of(self, m: Expr, index: Expr) -> Expr | None:
        """m*unit(index): a column of a symbol, or a row of it turned; None for what is no symbol."""
        if m.op in _PICKED_FROM:
            return ops.slice_(m, ("all",), ("at",), index)
        row = m.op == "t" and m.args[0].op in _PICKED_FROM
        return ops.transpose(ops.slice_(m.args[0], ("at",), ("all",), index)) if row else None

    def _row_of(self, m: Expr, index: Expr) -> Expr | None:
        """unit(index)'*m: a row of a symbol, or a column of it turned; None for what is no symbol."""
        if m.op in _PICKED_FROM:
            return ops.slice_(m, ("at",), ("all",), index)
        column = m.op == "t" and m.args[0].op in _PICKED_FROM
        return ops.transpose(ops.slice_(m.args[0], ("all",), ("at",), index)) if column else None

    def _squared(self, m: Expr) -> Expr | None:
        """M*M of a sum with inverses in it, where distributing makes it short: a projection eye(n) - X*inv(X'*X)*X'."""
        if self.quiet or self.expanding or m.op != "add":
            return None
        if not any(run(f)[1] == -1 for t in m.args for f in parts(t).body):
            return None
        squared = self.add(*(self.mul(t, m) for t in m.args))
        return squared if length(squared) <= length(m) else None

    def _with_one_inverse(self, a: Expr, b: Expr) -> list[Expr] | None:
        """A*inv(A'*A)^2 = inv(A)'*inv(A'*A): a neighbor meets the first or last factor of a power of an inverse."""
        for power, first in ((b, False), (a, True)):
            if power.op != "matpow" or power.args[0].op != "inv" or power.args[0].args[0].op != "mul":
                continue
            k = as_exponent(power.args[1])
            if isinstance(k, Fraction) and k > 1:
                inverse, rest = power.args[0], self.run_node(power.args[0].args[0], 1 - k)
                met = self._pair(inverse, b) if first else self._pair(a, inverse)
                if met is not None:
                    return [rest, *met] if first else [*met, rest]
        return None

    def _picked(self, a: Expr, b: Expr) -> list[Expr] | None:
        """[0, eye, 0] times blocks that are cut the same way picks block rows; so from the other side."""
        a, b = (self.turned_block(m.args[0]) if m.op == "t" and m.args[0].op == "block" else m for m in (a, b))
        if a.op != "block" or b.op != "block":
            return None
        (height, inner), (other, width) = a.data, b.data  # type: ignore[misc]
        if inner != other or any(a.args[k].cols is not b.args[k * width].rows for k in range(inner)):
            return None
        if not any(all(e.op in ("eye", "zeros") for e in x.args) for x in (a, b)):
            return None
        rows = [
            [
                self.add(*(self.mul(a.args[i * inner + k], b.args[k * width + j]) for k in range(inner)))
                for j in range(width)
            ]
            for i in range(height)
        ]
        return [ops.block(rows)]

    def _cancel(self, outer: Expr, inner: Expr) -> list[Expr] | None:
        """outer * inner^-1 for square factors: [] if equal, the remaining power if they share a base, else None."""
        (base_a, k_a), (base_b, k_b) = run(outer), run(inner)
        if base_a is not base_b or base_a.rows is not base_a.cols:
            return None
        if k_a == k_b:
            return []
        return None

    def run_node(self, base: Expr, k: Exponent) -> Expr:
        """base^k for a square matrix: the inverse or its power when k reads as negative."""
        if k == 0:
            return ops.eye(base.rows)
        if base.op == "mfn" and base.data == "sqrtm" and is_whole(k) and k % 2 == 0:  # type: ignore[operator]
            return self._power_of(base.args[0], Fraction(k) / 2)  # type: ignore[arg-type]
        if is_negative(k):
            base, k = self.inv(base), scale_exponent(k, MINUS)
        if k == 1:
            return base
        if base.op == "ones" and is_whole(k):
            return self.mul(self.power(ops.dim(base.rows), Fraction(k) - 1), base)  # type: ignore[arg-type]
        if base.op == "t":
            return self.transpose(ops.matpow(base.args[0], as_expr(k)))
        return ops.matpow(base, as_expr(k))

    def _power_of(self, x: Expr, k: Fraction) -> Expr:
        """X^k of any square matrix, a product too."""
        raised = ops.matpow(self.inv(x) if k < 0 else x, ops.num(abs(k)))
        return self.build(raised, raised.args)

    def _vector(self, chain: list[Expr]) -> Expr:
        """A chain that ends in a column: diagonal matrices become elementwise products, ones become row sums."""
        last = chain[-1]
        if last.op == "ones" and len(chain) > 1 and chain[-2].op != "diagmat":
            return self.total(self._plain(chain[:-1]), 1)
        if not any(n.op == "diagmat" for n in chain):
            return self._plain(chain)
        done: list[Expr] = [last]
        for node in reversed(chain[:-1]):
            if node.op == "diagmat":
                done = [self.had(column(self, node.args[0]), self.mul(*done))]
            else:
                done.insert(0, node)
        return self.mul(*done) if len(done) > 1 else done[0]

    def _plain(self, chain: Sequence[Expr]) -> Expr:
        return ops.mul(*chain)

    def _inner(self, chain: list[Expr]) -> Expr:
        """A chain from a row to a column: the scalar in its short form, the same for it and its transpose."""
        if chain[0].op == "ones":
            return self.total(self._vector(chain[1:]))
        if chain[-1].op == "ones":
            return self.total(self._plain(chain[:-1]))
        if len(chain) > 2 and any(n.op == "diagmat" for n in chain):
            tail = parts(self._vector(chain[1:]))
            if len(tail.body) + 1 < len(chain):
                return self._finish(tail.coef, dict(tail.scalars), [chain[0], *tail.body])
        if len(chain) == 2:
            p = had_parts(self.transpose(chain[0]))
            q = had_parts(chain[1])
            scalars, bases = dict(p.scalars), dict(p.bases)
            contents = self._merge(scalars, q.scalars), self._merge(bases, q.bases)
            return self.contraction(HadParts(p.shape, times(p.coef, q.coef, *contents), scalars, bases))
        middle = chain[len(chain) // 2]
        if len(chain) % 2 and middle.op == "matpow" and known(middle.args[0], "symmetric"):  # x'*S^2*x is norm2(S*x)^2
            k = as_exponent(middle.args[1])
            if isinstance(k, Fraction) and k % 2 == 0 and not self.expanding:
                root = self.run_node(middle.args[0], k / 2)
                split = [*chain[: len(chain) // 2], root, root, *chain[len(chain) // 2 + 1 :]]
                half = split[len(split) // 2 :]
                if all(m is self.transpose(n) for m, n in zip(split, reversed(half), strict=False)):
                    return self.power(self.norm2(self._plain(half)), Fraction(2))
        if not self.expanding and len(chain) % 2 == 0:
            half = chain[len(chain) // 2 :]
            if all(m is self.transpose(n) for m, n in zip(chain, reversed(half), strict=False)):
                return self.power(self.norm2(self._plain(half)), Fraction(2))  # x'*A'*A*x is norm2(A*x)^2
        forward = self._plain(chain)
        backward = self._plain([self.transpose(n) for n in reversed(chain)])
        return min(forward, backward, key=lambda e: (length(e), label(e)))

    # --- elementwise ------------------------------------------------------------------------------

    def had(self, *factors: Expr) -> Expr:
        shape = next((f.shape for f in factors if not f.is_scalar), SCALAR)
        if shape == SCALAR:
            return self.mul(*factors)
        if any(is_zero(f) for f in factors):
            return zero(shape)
        coef, scalars, bases = ONE_F, Powers(), Powers()
        for f in factors:
            if f.is_scalar:
                p = parts(f)
                coef = times(coef, p.coef, self._included(scalars, p.scalars))
                continue
            h = had_parts(f)
            coef = times(coef, h.coef, self._included(scalars, h.scalars), self._included(bases, h.bases))
        self.tidy(scalars)
        self.tidy(bases)
        return self.had_node(HadParts(shape, coef, scalars, bases))

    def had_node(self, p: HadParts) -> Expr:
        """The short form of an elementwise product given by its powers."""
        if not p.coef:
            return zero(p.shape)
        if p.bases and all(b.op == "t" for b in p.bases) and all(isinstance(k, Fraction) for k in p.bases.values()):
            turned = {b.args[0]: k for b, k in p.bases.items()}
            return self.transpose(self.had_node(HadParts((p.shape[1], p.shape[0]), p.coef, p.scalars, turned)))
        units = [b for b, k in p.bases.items() if b.op == "unit" and k == 1]
        if units and len(p.bases) > 1:  # only one entry of the other factors counts
            place = units[0].args[0]
            entries = [self._entry_power(b, k, place) for b, k in p.bases.items() if b is not units[0]]
            return self.mul(compose(p.coef, p.scalars, []), *entries, units[0])
        scaled = self._scaled_rows(p)
        if scaled is not None:
            return scaled
        if self.expanding:
            whole = parts(compose_had(p))
            return self.distribute(whole.coef, whole.scalars, whole.body)
        q = parts(compose_had(p))
        return self.shortened_by_distributing(self._best_signs(q.coef, q.scalars, q.body))

    def _entry_power(self, base: Expr, k: Exponent, place: Expr) -> Expr:
        """One entry of base .^ k, where the exponent may be an array too; exp(x) is the base E to the power x."""
        if isinstance(k, Expr) and not k.is_scalar:
            k = as_exponent(self.entry(k, place))
        if base is E:
            return self(ops.fn("exp", as_expr(k)))
        return self.power(base if base.is_scalar else self.entry(base, place), k)

    def _scaled_rows(self, p: HadParts) -> Expr | None:
        """(v*ones(1, n)) .* X is diag(v)*X, (ones(m, 1)*r) .* X is X*diag(r)."""
        if ONE in p.shape or len(p.bases) < 2:
            return None
        for base, k in p.bases.items():
            if base.op != "mul" or k not in (1, -1):
                continue
            body = parts(base).body
            cut = next((i for i, m in enumerate(body) if m.cols is ONE), None)
            if cut is None:
                continue
            left, right = body[: cut + 1], body[cut + 1 :]
            sums: list[Expr] = []  # r*ones(n, n) is sum(r)*ones(1, n)
            if len(right) > 1 and right[-1].op == "ones":
                last = right[-1]
                sums.append(self.power(self.mul(*right[:-1], ops.ones(last.rows, ONE)), k))
                right = [ops.ones(ONE, last.cols)]
            if len(left) > 1 and left[0].op == "ones":
                first = left[0]
                sums.append(self.power(self.mul(ops.ones(ONE, first.cols), *left[1:]), k))
                left = [ops.ones(first.rows, ONE)]
            filled = [len(side) == 1 and side[0].op == "ones" for side in (left, right)]
            if not any(filled):
                continue
            rest = self.had_node(
                HadParts(p.shape, p.coef, p.scalars, {b: x for b, x in p.bases.items() if b is not base})
            )
            if filled[1]:
                return self.mul(*sums, self._diagonal(self.power(ops.mul(*left), k)), rest)
            return self.mul(*sums, rest, self._diagonal(self.power(self.transpose(ops.mul(*right)), k)))
        return None

    def _diagonal(self, v: Expr) -> Expr:
        return ops.eye(v.rows) if v.op == "ones" else ops.diag(v)

    def power(self, base: Expr, k: Exponent) -> Expr:
        if isinstance(k, Expr):
            k = as_exponent(k)
        if base.op == "num" and base.data == 1:
            return ops.lift(base, k.shape) if isinstance(k, Expr) else base
        raised = ops.power(base, as_expr(k))
        if isinstance(k, Expr) and not k.is_scalar:
            return raised
        if base.is_scalar:
            if base.op == "num" and isinstance(k, Fraction) and (k.denominator != 1 or (k < 0 and not base.data)):
                p = parts(raised)
                return compose(p.coef, p.scalars, [])
            return self.mul(raised)
        return self.had(raised)


ODD = frozenset("sin tan arcsin arctan sinh tanh erf sign".split())


def _symmetrizes(m: Expr) -> bool:
    """commutation(n, n) + eye(n*n), which takes vec(X) to vec(X + X')."""
    return m.op == "add" and sorted(t.op for t in m.args) == ["commutation", "eye"]


def _ignores_order(algebra: Algebra, m: Expr) -> bool:
    """Does m*vec(X) = m*vec(X') hold: of kron(v, v)', of vec(S)' with a symmetric S, and of sums of them?"""
    if m.op == "isum":
        body = parts(m.args[3]).body
        return bool(body) and _ignores_order(algebra, body[-1])
    if m.op == "kron":
        return m.args[0] is m.args[1] and m.args[0].rows is ONE
    if m.op != "t":
        return False
    x = m.args[0]
    if x.op == "kron":
        return x.args[0] is x.args[1] and x.args[0].cols is ONE
    return x.op == "vec" and known(x.args[0], "symmetric")


def _repeated(f: Expr, body: Sequence[Expr]) -> bool:
    """Does the sum stand in the product more than once, transposed or not?"""
    core = f.args[0] if f.op == "t" else f
    return sum((m.args[0] if m.op == "t" else m) is core for m in body) > 1


def _root(base: Expr) -> Expr:
    """The matrix of which this is a matrix function."""
    return base.args[0] if base.op == "mfn" else base


def column(algebra: Algebra, v: Expr) -> Expr:
    """A vector or row as a vector."""
    return v if v.cols is ONE else algebra.transpose(v)


def inverse_factors(algebra: Algebra, e: Expr) -> list[Expr] | None:
    """For inv(A*B*C) of square factors [A, B, C], for its transpose [C', B', A']; else None."""
    flipped = e.op == "t"
    inverse = e.args[0] if flipped else e
    if inverse.op != "inv" or inverse.args[0].op != "mul":
        return None
    factors = inverse.args[0].args
    if any(f.is_scalar or f.rows is not f.cols for f in factors):
        return None
    return [algebra.transpose(f) for f in reversed(factors)] if flipped else list(factors)


def _unturned(x: Expr) -> Expr:
    """X of X', else the expression itself."""
    return x.args[0] if x.op == "t" else x
