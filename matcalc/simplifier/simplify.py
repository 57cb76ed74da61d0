"""The short form of an expression: every operation through its method, then the table's rewrites, bottom up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.order import label
from matcalc.printing.measure import length
from matcalc.rules.facts import known
from matcalc.rules.match import MANY
from matcalc.shapes import ONE
from matcalc.simplifier.algebra import is_zero, zero
from matcalc.simplifier.factors import ONE_F, as_exponent, compose, parts, run, scale_exponent
from matcalc.simplifier.functions import Functions
from matcalc.simplifier.products import MINUS, Products, column
from matcalc.simplifier.sums import Sums
from matcalc.walk import parts_first

Rewriter = Callable[[Expr], Expr | None]
_REWRITES = 12  # in a row at one node


class Simplifier(Products, Sums, Functions):
    """Builds short forms. With ``expanding`` products are distributed: the normal form, for deciding equality."""

    def __init__(self, rewrite: Rewriter | None = None, *, expanding: bool = False, budget: int = 20_000) -> None:
        self.rewrite = rewrite
        self.expanding = expanding
        self.budget = budget
        self.given_up: set[str] = set()
        self.memo: dict[Expr, Expr] = {}
        self.primitives = {}
        self.scaled_sums = {}
        self.pairs = {}
        self.depth = 0
        self.seen: set[Expr] = set()  # offered to the rewrites

    def __call__(self, root: Expr) -> Expr:
        """The short form of ``root``."""
        memo = self.memo
        for n in topological(root, leaves=memo):
            if n not in memo:
                memo[n] = self._rewritten(self.build(n, tuple([memo[a] for a in n.args])))
        return memo[root]

    def settled(self, root: Expr) -> Expr:
        """The short form, where the table's rewrites have also seen the parts that simplifying made."""
        e = self(root)
        for _ in range(_REWRITES):
            fresh = self._fresh(e)
            self.seen.update(fresh)
            if self.rewrite is None or all(len(n.args) > MANY or self.rewrite(n) is None for n in fresh):
                break
            for n in topological(e):
                if n not in self.seen or self.memo.get(n, n) is not n:
                    self.memo.pop(n, None)
            e = self(e)
        return e

    def _fresh(self, e: Expr) -> list[Expr]:
        """The parts of ``e`` that the rewrites have not seen; nothing is looked at below those that they have."""
        memo, seen = self.memo, self.seen
        if e in memo or e in seen:
            return []
        return parts_first([e], lambda n: [a for a in n.args if a not in memo and a not in seen])

    def _rewritten(self, e: Expr) -> Expr:
        """The table's rewrites applied at this node until none fits."""
        if self.rewrite is None or self.depth > _REWRITES:
            return e
        if len(e.args) > MANY:
            self.given_up.add(f"no identities were sought in sums and products of more than {MANY} parts")
            return e
        found = self.rewrite(e)
        if found is None or found is e:
            return e
        self.depth += 1
        try:
            return self(found)
        finally:
            self.depth -= 1

    def build(self, n: Expr, args: tuple[Expr, ...]) -> Expr:
        if not args:
            return n
        method = _METHODS.get(n.op)
        if method is not None:
            return method(self, n.data, args)
        return n if args == n.args else ops.rebuild(n, args)


Method = Callable[[Simplifier, Any, tuple[Expr, ...]], Expr]


def _front(x: Expr) -> tuple[Expr, Expr]:
    """(number and scalar factors, the matrix) of a product."""
    p = parts(x)
    return compose(p.coef, p.scalars, []), compose(ONE_F, {}, p.body)


def shorter_side(s: Simplifier, x: Expr) -> tuple[Expr, bool]:
    """x or its transpose, whichever is shorter, and whether it was transposed."""
    if x.op == "t":
        return x.args[0], True
    if x.op in ("mul", "add"):
        turned = s.transpose(x)
        if turned.op != "t" and (length(turned), label(turned)) < (length(x), label(x)):
            return turned, True
    return x, False


def _unturned(x: Expr) -> Expr:
    return x.args[0] if x.op == "t" else x


def _matpow(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    base, k = args[0], as_exponent(args[1])
    front, matrix = _front(base)
    if k == 0:
        return ops.eye(base.rows)
    if matrix.op in ("eye", "zeros"):
        return s.mul(s.power(front, k), matrix)
    if matrix.op == "diagmat":
        return s.mul(s.power(front, k), ops.diag(s.power(matrix.args[0], k)))
    if matrix.op == "mul":
        return s.mul(s.power(front, k), ops.matpow(matrix, args[1]) if k != 1 else matrix)
    inner, old = run(matrix)
    return s.mul(s.power(front, k), s.run_node(inner, scale_exponent(old, k)))


def _det(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = shorter_side(s, args[0])[0]
    if x.is_scalar:
        return x
    match x.op:
        case "eye":
            return ops.num(1)
        case "inv":
            return s.power(s.build(ops.det(x.args[0]), x.args), MINUS)
        case "matpow":
            return s.power(s.build(ops.det(x.args[0]), x.args[:1]), as_exponent(x.args[1]))
        case "diagmat":
            return ops.prod(x.args[0])
        case "mul" if s.expanding and all(m.is_scalar or m.rows is m.cols for m in x.args):
            p = parts(x)
            front = s.power(compose(p.coef, p.scalars, []), as_exponent(ops.dim(x.rows)))
            return s.mul(front, *(s.build(ops.det(m), (m,)) for m in p.body))
    return ops.det(x)


def _logdet(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = shorter_side(s, args[0])[0]
    if x.op == "eye":
        return ops.num(0)
    if x.op == "inv":
        return s.neg(ops.logdet(x.args[0]))
    if x.op == "diagmat":
        return s.total(s.fn("log", x.args[0]))
    return ops.logdet(x)


def _diagmat(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    front, x = _front(_unturned(args[0]))
    if x.is_scalar:  # never: the body of a vector is not empty
        return s.mul(front, x)
    if is_zero(args[0]):
        return zero((args[0].rows * args[0].cols,) * 2)
    if x.op == "ones":
        return s.mul(front, ops.eye(x.rows * x.cols))
    return s.mul(front, ops.diag(x))


def _diagvec(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if is_zero(x):
        return zero((x.rows, ONE))
    front, x = _front(_unturned(x))
    match x.op:
        case "eye" | "ones":
            return s.mul(front, ops.ones(x.rows, ONE))
        case "diagmat":
            return s.mul(front, column(s, x.args[0]))
        case "mul":
            turned = s.transpose(x)
            if length(turned) < length(x):
                x = turned
            cut = next((i for i, m in enumerate(x.args) if m.rows is ONE), None)
            if cut is not None:
                return s.mul(front, s.had(s.mul(*x.args[:cut]), s.transpose(s.mul(*x.args[cut:]))))
            if x.args[0].op == "diagmat":
                return s.mul(front, s.had(column(s, x.args[0].args[0]), ops.diagvec(ops.mul(*x.args[1:]))))
            if x.args[-1].op == "diagmat":
                return s.mul(front, s.had(column(s, x.args[-1].args[0]), ops.diagvec(ops.mul(*x.args[:-1]))))
        case "had":
            return s.mul(front, s.had(*(s.build(ops.diagvec(a), (a,)) for a in x.args)))
        case "add":
            each = s.add(*(s.build(ops.diagvec(a), (a,)) for a in x.args))
            if s.expanding or length(each) < length(x) + 1:
                return s.mul(front, each)
    return s.mul(front, ops.diagvec(x))


def _vec(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    front, x = _front(args[0])
    if x.rows is ONE:
        return s.mul(front, s.transpose(x))
    if x.op in ("ones", "zeros"):
        return s.mul(front, (ops.ones if x.op == "ones" else ops.zeros)(x.rows * x.cols, ONE))
    return s.mul(front, x.args[0] if x.op == "unvec" else ops.vec(x))


def _unvec(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    if is_zero(args[0]):
        return zero(data)
    front, x = _front(args[0])
    if x.op == "ones":
        return s.mul(front, ops.ones(*data))
    if x.op == "kron" and x.cols is ONE and tuple(a.rows for a in reversed(x.args)) == data:
        return s.mul(front, x.args[1], s.transpose(x.args[0]))
    return s.mul(front, x.args[0] if x.op == "vec" and x.args[0].shape == data else ops.unvec(x, *data))


def _part(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    """A projection on a linear structure leaves alone what has the structure."""
    if is_zero(args[0]):
        return args[0]
    front, x = _front(args[0])
    if known(x, str(data)) or x.op in ("eye", "diagmat"):
        return s.mul(front, x)
    return s.mul(front, ops.part(str(data), x))


def _kron(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    if any(is_zero(a) for a in args):
        return zero(ops.kron(*args).shape)
    (c, a), (d, b) = map(_front, args)
    if a.op == b.op == "eye":
        return s.mul(c, d, ops.eye(a.rows * b.rows))
    made = s.transpose(ops.kron(a.args[0], b.args[0])) if a.op == b.op == "t" else ops.kron(a, b)
    return s.mul(c, d, made)


def _mean(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    """A mean is a sum over the number of terms; it reads as a mean again where it stands alone."""
    x = args[0]
    count = {None: x.rows * x.cols, 0: x.rows, 1: x.cols}[data]
    return s.mul(s.total(x, data), s.power(ops.dim(count), MINUS))


def _block(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    """[a'; b'] is [a, b]'."""
    height, width = data
    x = ops.block([args[i * width : (i + 1) * width] for i in range(height)])
    turned = s.turned_block(x)
    return ops.transpose(turned) if turned.op == "block" and length(turned) + 1 < length(x) else x


def _slice(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x, *index = args
    shape = ops.slice_(x, *data, *index).shape
    if is_zero(x):
        return zero(shape)
    front, x = _front(x)
    if x.op == "ones":
        return s.mul(front, ops.ones(*shape))
    if x.op == "t":
        return s.mul(front, s.transpose(ops.slice_(x.args[0], data[1], data[0], *reversed(index))))
    return s.mul(front, ops.slice_(x, *data, *index))


def _softmax(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if x.op == "t":
        return s.transpose(ops.softmax(x.args[0], None if data is None else 1 - data))
    return ops.softmax(x, data)


def _logsumexp(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if x.op == "t":
        return s.transpose(ops.logsumexp(x.args[0], None if data is None else 1 - data))
    return ops.logsumexp(x, data)


def _norm1(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if x.is_scalar:
        return s.fn("abs", x)
    if is_zero(x):
        return ops.num(0)
    if x.op == "add":
        content, x = s.primitive(x)
        flipped = s.scaled_sum(MINUS, x)
        return s.mul(ops.num(abs(content)), ops.norm1(min(x, flipped, key=length)))
    p = parts(x)
    scalars = [s.fn("abs", compose(ONE_F, {b: k}, [])) for b, k in p.scalars.items()]
    return s.mul(ops.num(abs(p.coef)), *scalars, ops.norm1(_unturned(ops.mul(*p.body))))


def _turning(make: Callable[[Expr], Expr]) -> Method:
    """Functions of a matrix that commute with transposition."""

    def build(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
        x, turned = shorter_side(s, args[0])
        return s.transpose(make(x)) if turned else make(x)

    return build


def _pinv(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    if is_zero(args[0]):
        return zero((args[0].cols, args[0].rows))
    p = parts(args[0])
    if p.coef != 1:  # a scalar factor may be zero: only the number comes out
        return s.mul(ops.num(1 / p.coef), _pinv(s, data, (compose(ONE_F, p.scalars, p.body),)))
    x = args[0]
    return s.transpose(ops.pinv(x.args[0])) if x.op == "t" else ops.pinv(x)


def _mfn(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    x = args[0]
    if is_zero(x) and data in ("expm", "cosm"):
        return ops.eye(x.rows)
    x, turned = shorter_side(s, x)
    return s.transpose(ops.mfn(data, x)) if turned else ops.mfn(data, x)


def _spectral(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
    """A number comes out: its size of singular values and norms, its sign of U; if positive, of eigenvalues."""
    name, x = str(data), args[0]
    if is_zero(x) and name.startswith(("norm", "svdvals")):
        return zero(ops.spectral(name, x).shape)
    p = parts(x)
    if p.coef == 0 or (p.coef < 0 and name.startswith("eig")):
        return ops.spectral(name, x)
    rest = compose(ONE_F, p.scalars, p.body)
    if name.startswith("norm"):
        rest = _unturned(rest)
    factor = {"svd_u": ONE_F if p.coef > 0 else MINUS, "svd_v": ONE_F, "eigvecs": ONE_F}.get(name, abs(p.coef))
    return s.mul(ops.num(factor), ops.spectral(name, rest))


def _entrywise(make: Callable[[Expr], Expr]) -> Method:
    """Reductions over all entries do not see a transpose."""
    return lambda s, data, args: make(_unturned(args[0]))


def _pair(op: str) -> Method:
    def build(s: Simplifier, data: Any, args: tuple[Expr, ...]) -> Expr:
        make = ops.max2 if op == "max2" else ops.min2
        if all(a.op == "t" for a in args):
            return s.transpose(make(args[0].args[0], args[1].args[0]))
        return make(*sorted(args, key=lambda a: (ops.unlift(a) is None, label(a))))

    return build


_METHODS: dict[str, Method] = {
    "add": lambda s, d, a: s.add(*a),
    "mul": lambda s, d, a: s.mul(*a),
    "had": lambda s, d, a: s.had(*a),
    "pow": lambda s, d, a: s.power(a[0], as_exponent(a[1])),
    "matpow": _matpow,
    "t": lambda s, d, a: s.transpose(a[0]),
    "inv": lambda s, d, a: s.inv(a[0]),
    "tr": lambda s, d, a: s.trace(a[0]),
    "det": _det,
    "logdet": _logdet,
    "adj": _turning(ops.adj),
    "pinv": _pinv,
    "diagmat": _diagmat,
    "diagvec": _diagvec,
    "vec": _vec,
    "unvec": _unvec,
    "kron": _kron,
    "part": _part,
    "sum": lambda s, d, a: s.total(a[0], d),
    "mean": _mean,
    "spectral": _spectral,
    "prod": _entrywise(ops.prod),
    "norm1": _norm1,
    "norm2": lambda s, d, a: s.norm2(a[0]),
    "maxel": _entrywise(ops.maxel),
    "minel": _entrywise(ops.minel),
    "fn": lambda s, d, a: s.fn(d, a[0]),
    "max2": _pair("max2"),
    "min2": _pair("min2"),
    "cmp": lambda s, d, a: s.compare(d, a),
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "mfn": _mfn,
    "frechet": lambda s, d, a: s.frechet(d, *a),
    "slice": _slice,
    "block": _block,
    "isum": lambda s, d, a: s.isum(a),
}
