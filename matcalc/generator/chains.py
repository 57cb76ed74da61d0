"""Products in the cheapest order: a vector end first, otherwise by dynamic programming over symbolic sizes.

A chain is a list of factors. Most are arrays; the others are structures that are never formed: a diagonal matrix,
an inverse (applied by solving), a Kronecker product (applied as B X A'), a vector of ones (a sum), a unit vector
(an entry). A chain is cut where its inner dimension is 1; a piece that begins or ends with a vector costs one
matrix-vector product per factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from matcalc.generator.costs import CALL, FLOP, READ, WRITE, Costs
from matcalc.generator.instructions import Code, Instructions
from matcalc.shapes import ONE, Dim

_CLEARLY = 0.9  # what is estimated to cost so much of the other is cheaper
_LONG = 16  # longer chains of matrices are taken from the left


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A factor of a product, ``rows`` x ``cols``.

    ``kind``: "full" (``code`` is the array), "ones", "unit" (``code`` is the position), "diag" (``code`` the
    diagonal), "inverse" (of ``code``), "kron" (of ``parts``), "commutation" (``sizes``), "sum" (of the chains
    ``terms``, each with its sign, when the sum itself need not be formed).
    """

    kind: str
    rows: Dim
    cols: Dim
    code: Code | None = None
    parts: tuple[Factor, ...] = ()
    sizes: tuple[Dim, ...] = ()
    terms: tuple[tuple[tuple[Code, ...], tuple[Code, ...], tuple[Factor, ...]], ...] = ()

    @property
    def array(self) -> Code:
        assert self.code is not None, f"a factor {self.kind} has no array"
        return self.code


@dataclass(slots=True)
class Product:
    """The result: scalar factors above and below, and at most one column and one row, or one matrix."""

    over: list[Code] = field(default_factory=list)
    matrix: Factor | None = None
    column: Factor | None = None
    row: Factor | None = None


class Chains:
    """Multiplies factors with the instructions of one function."""

    def __init__(self, instructions: Instructions, inverted: set[Code], costs: Costs) -> None:
        self.make = instructions
        self.costs = costs
        self.weights: set[Code] = set()  # diagonals that are known to have no negative entry
        self.inverted = inverted

    # --- the whole product ------------------------------------------------------------------------

    def product(self, factors: list[Factor]) -> Product:
        """Cut at inner dimensions 1, then multiply each piece."""
        result = Product()
        pieces: list[list[Factor]] = [[]]
        for factor in factors:
            if pieces[-1] and factor.rows is ONE:
                pieces.append([])
            pieces[-1].append(factor)
        for number, piece in enumerate(pieces):
            rows, cols = piece[0].rows, piece[-1].cols
            if rows is ONE and cols is ONE:
                result.over.append(self.inner(piece))
            elif cols is ONE:
                assert number == 0, "a column can only begin a product"
                result.column = self.vector(piece)
            elif rows is ONE:
                result.row = self.vector([self.transposed(f) for f in reversed(piece)])
            else:
                result.matrix = self.matrix(piece)
        return result

    # --- vectors ----------------------------------------------------------------------------------

    def vector(self, chain: list[Factor]) -> Factor:
        """M1*...*Mk*v from the right."""
        current = chain[-1]
        for factor in reversed(chain[:-1]):
            current = self.apply(factor, current)
        return current

    def inner(self, chain: list[Factor]) -> Code:
        """u'*M1*...*Mk*v, a number: met where most of the work is shared."""
        left = self.transposed(chain[0])
        assert len(chain) > 1, "a scalar is not a factor of a chain"
        right, middle = chain[-1], chain[1:-1]
        rights = [right]
        for factor in reversed(middle):
            rights.append(self.apply(factor, rights[-1]))
        rights.reverse()  # rights[i]: everything after the first i factors of the middle
        lefts = [left]
        for factor in middle:
            lefts.append(self.apply(self.transposed(factor), lefts[-1]))
        k = len(middle)
        places = range(k + 1) if k <= 8 else sorted({0, k // 2, (k + 1) // 2, k})
        base = self._codes([left, *middle, right])
        best = min(places, key=lambda i: (self._work([lefts[i], rights[i]], base), i))
        return self.dot(lefts[best], rights[best])

    def _codes(self, factors: list[Factor]) -> set[Code]:
        """The arrays that stand in the factors."""
        found: set[Code] = set()
        for f in factors:
            found |= {f.code} if f.code is not None else set()
            found |= self._codes([g for _, _, chain in f.terms for g in chain])  # terms hold no sums: one level
        return found

    def _work(self, factors: list[Factor], known: set[Code]) -> float:
        """The cost of what is not known yet, each instruction once; the matrices of the chain count as known."""
        total = 0.0
        seen = set(known)
        stack = [f.code for f in factors if f.code is not None]
        while stack:
            code = stack.pop()
            if code in seen or code.ndim != 1:
                continue
            seen.add(code)
            total += self.costs.of(code)
            stack.extend(code.args)
        return total

    def dot(self, u: Factor, v: Factor) -> Code:
        """u'*v of two columns."""
        make = self.make
        if u.kind == "unit":
            u, v = v, u
        if v.kind == "unit":
            if u.kind == "ones":
                return make.num(1)
            if u.kind == "full":
                return make.make("slice", (u.array, v.array), ("at",), ())
            return make.make("slice", (self.dense(u), v.array), ("at",), ())
        if u.kind == "ones" and v.kind == "ones":
            return make.size(u.rows)
        if u.kind == "ones":
            return make.total(v.array)
        if v.kind == "ones":
            return make.total(u.array)
        return make.inner(u.array, v.array)

    def apply(self, factor: Factor, v: Factor) -> Factor:
        """factor*v for a column v, as a column."""
        make = self.make
        if factor.kind == "diag":
            diagonal = factor.array
            if v.kind == "ones":
                return Factor("full", factor.rows, ONE, diagonal)
            return Factor("full", factor.rows, ONE, make.product([diagonal, self.dense(v)]))
        if factor.kind == "sum":
            return Factor("full", factor.rows, ONE, self._apply_sum(factor, v))
        if factor.kind == "inverse":
            return Factor("full", factor.rows, ONE, self.solve(factor.array, self.dense(v)))
        if factor.kind == "kron":
            return Factor("full", factor.rows, ONE, self._apply_kron(factor, self.dense(v)))
        if factor.kind == "commutation":
            m, n = factor.sizes  # K*vec(A) = vec(A') for A m x n
            matrix = make.call("reshape", (self.dense(v), make.size(n), make.size(m)), (n, m))
            return Factor("full", factor.rows, ONE, self.flat(make.transpose(matrix)))
        matrix = factor.array
        if v.kind == "ones":
            return Factor("full", factor.rows, ONE, make.total(matrix, 1))
        if v.kind == "unit":
            if matrix.op == "T":
                code = make.make("slice", (matrix.args[0], v.array), ("at", (None, None)), (factor.rows,))
            else:
                code = make.make("slice", (matrix, v.array), ((None, None), "at"), (factor.rows,))
            return Factor("full", factor.rows, ONE, code)
        return Factor("full", factor.rows, ONE, make.matmul(matrix, v.array))

    def _apply_sum(self, factor: Factor, v: Factor) -> Code:
        terms: list[tuple[int, Code]] = []
        for over, under, chain in factor.terms:
            result = self.product([*chain, v])
            assert result.column is not None
            vector = self.dense(result.column)
            terms.append((1, self.make.product([*over, *result.over, vector], under)))
        return self.make.add(terms)

    def _apply_kron(self, factor: Factor, v: Code) -> Code:
        """kron(A, B)*vec(X) = vec(B*X*A'); v.reshape(cols of A, cols of B) is X'."""
        a, b = (self.dense_matrix(f) for f in factor.parts)
        q, s = factor.parts[0].cols, factor.parts[1].cols
        p, r = factor.parts[0].rows, factor.parts[1].rows
        make = self.make
        if ONE in (p, q, r, s):
            a, b = self.as_matrix(a, factor.parts[0]), self.as_matrix(b, factor.parts[1])
        xt = make.call("reshape", (v, make.size(q), make.size(s)), (q, s))
        if v.op == "call" and v.data == ("ravel",):
            source = v.args[0]
            if source.shape == (q, s):
                xt = source
        by_a = make.matmul(make.matmul(a, xt), make.transpose(b))
        by_b = make.matmul(a, make.matmul(xt, make.transpose(b)))
        first = self.costs.entries((p, q, s)) + self.costs.entries((p, s, r))
        second = self.costs.entries((q, s, r)) + self.costs.entries((p, q, r))
        return self.flat(by_a if first <= second else by_b)

    def flat(self, matrix: Code) -> Code:
        """The rows of a matrix one after the other."""
        rows, cols = matrix.shape
        return self.make.call("ravel", (matrix,), (rows * cols,))

    def as_matrix(self, code: Code, factor: Factor) -> Code:
        """A two-dimensional array, also where a dimension is 1."""
        if code.ndim == 2:
            return code
        if factor.cols is ONE:
            return self.make.column(code)
        return self.make.row(code)

    # --- matrices ---------------------------------------------------------------------------------

    def matrix(self, chain: list[Factor]) -> Factor:
        """The product of matrices, by dynamic programming over the places to cut."""
        if len(chain) == 1:
            return chain[0]
        place = self._better_apart(chain)
        if place is not None:
            return self._terms_apart(chain, place)
        chain = [self.formed(f) for f in chain]
        if len(chain) > _LONG or all(f.kind == "full" and f.rows is f.cols for f in chain):
            current = chain[0]
            for factor in chain[1:]:
                current = self.times(current, factor)
            return current
        return self._build(chain, self._plan(chain))

    def _better_apart(self, chain: list[Factor]) -> int | None:
        """The place of a sum whose terms are better multiplied apart: (U*V' - T)*V is U*(V'*V) - T*V, V thin."""
        places = [i for i, f in enumerate(chain) if f.kind == "sum"]
        if not places or len(chain) > _LONG:
            return None
        i = places[0]
        factor = chain[i]
        formed = [Factor("full", f.rows, f.cols, f.code) if f.kind == "sum" else f for f in chain]
        ends = (chain[0].rows, chain[-1].cols)
        whole, apart = self._total(formed), 0.0
        for _, _, inner in factor.terms:
            whole += self._total(list(inner)) + WRITE * self.costs.entries((factor.rows, factor.cols))
            apart += self._total([*formed[:i], *inner, *formed[i + 1 :]]) + WRITE * self.costs.entries(ends)
        return i if apart < _CLEARLY * whole else None

    def _total(self, chain: list[Factor]) -> float:
        """The price of a product of matrices, or of matrices with vectors; of an inverse, when it is formed."""
        if len(chain) < 2:
            return sum(self.costs.inverse(f.rows) for f in chain if f.kind == "inverse")
        if any(f.rows is ONE for f in chain[1:]):
            return sum(CALL + READ * self.costs.entries((f.rows, f.cols)) for f in chain) + WRITE * self.costs.entries(
                (chain[0].rows, chain[-1].cols)
            )
        return self._plan(chain)[0, len(chain) - 1][0]

    def _terms_apart(self, chain: list[Factor], place: int) -> Factor:
        make = self.make
        terms: list[tuple[int, Code]] = []
        for over, under, inner in chain[place].terms:
            result = self.product([*chain[:place], *inner, *chain[place + 1 :]])
            scalars = [*over, *result.over]
            if result.matrix is not None:
                terms.append((1, make.product([*scalars, self.dense_matrix(result.matrix)], under)))
            else:
                assert result.column is not None
                assert result.row is not None
                column = make.product([*scalars, self.dense(result.column)], under)
                terms.append((1, make.outer(column, self.dense(result.row))))
        return Factor("full", chain[0].rows, chain[-1].cols, make.add(terms))

    def _plan(self, chain: list[Factor]) -> dict[tuple[int, int], tuple[float, str, int]]:
        """For every part of the chain its least price, the kind of the result, and where to cut."""
        k = len(chain)
        best: dict[tuple[int, int], tuple[float, str, int]] = {
            (i, i): (0.0, f.kind, i) for i, f in enumerate(chain)
        }
        for width in range(1, k):
            for i in range(k - width):
                j = i + width
                dims = (chain[i].rows, chain[j].cols)
                best[i, j] = min(
                    (
                        (*self._price(best[i, s], best[s + 1, j], (dims[0], chain[s].cols, dims[1])), s)
                        for s in range(i, j)
                    ),
                    key=lambda found: (found[0], -found[2]),  # equal: from the left
                )
        return best

    def _price(
        self, left: tuple[float, str, int], right: tuple[float, str, int], dims: tuple[Dim, Dim, Dim]
    ) -> tuple[float, str]:
        m, n, p = (self.costs.size(d) for d in dims)
        total = left[0] + right[0] + CALL
        if left[1] == "diag" and right[1] == "diag":
            return total + WRITE * n, "diag"
        if left[1] == "diag" or right[1] == "diag":
            inverses = [k for k in (left[1], right[1]) if k == "inverse"]
            return total + WRITE * m * p + len(inverses) * FLOP * 8 / 3 * n**3, "full"
        if left[1] == "inverse" or right[1] == "inverse":
            more = FLOP * 8 / 3 * n**3 if left[1] == right[1] else 0.0
            return total + FLOP * (2 / 3 * n**3 + 2 * m * n * p) + more, "full"
        return total + FLOP * 2 * m * n * p, "full"

    def _build(self, chain: list[Factor], best: dict[tuple[int, int], tuple[float, str, int]]) -> Factor:
        built: dict[tuple[int, int], Factor] = {(i, i): f for i, f in enumerate(chain)}
        stack = [(0, len(chain) - 1)]
        while stack:
            i, j = stack[-1]
            if (i, j) in built:
                stack.pop()
                continue
            s = best[i, j][2]
            missing = [part for part in ((i, s), (s + 1, j)) if part not in built]
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                built[i, j] = self.times(built[i, s], built[s + 1, j])
        return built[0, len(chain) - 1]

    def formed(self, factor: Factor) -> Factor:
        """The factor as array, diagonal or inverse: what a product of matrices can use."""
        if factor.kind in ("full", "diag", "inverse"):
            return factor
        return Factor("full", factor.rows, factor.cols, self.dense_matrix(factor))

    def times(self, p: Factor, q: Factor) -> Factor:
        """The product of two matrices."""
        make = self.make
        if p.kind == "diag" and q.kind == "diag":
            return Factor("diag", p.rows, q.cols, make.product([p.array, q.array]))
        if p.kind == "diag":
            scaled = make.product([make.column(p.array), self.dense_matrix(q)])
            return Factor("full", p.rows, q.cols, scaled)
        if q.kind == "diag":
            return Factor("full", p.rows, q.cols, make.product([self.dense_matrix(p), q.array]))
        if p.kind == "inverse":
            return Factor("full", p.rows, q.cols, self.solve(p.array, self.dense_matrix(q)))
        if q.kind == "inverse":  # P*inv(A) = (inv(A')*P')'
            solved = self.solve(make.transpose(q.array), make.transpose(p.array))
            return Factor("full", p.rows, q.cols, make.transpose(solved))
        return Factor("full", p.rows, q.cols, self._weighted(p.array, q.array) or make.matmul(p.array, q.array))

    def _weighted(self, x: Code, y: Code) -> Code | None:
        """X'*diag(v)*X for v >= 0 as B'*B with B = diag(sqrt(v))*X: the library computes half of it, and copies."""
        make = self.make
        if not self.weights or x.ndim < 2 or y.ndim < 2:
            return None
        for scaled, other, column in ((x, y, False), (y, x, True)):  # P*diag(v) before P', or P' before diag(v)*P
            turned = scaled.op == "T"
            base = scaled.args[0] if turned else scaled
            if base.op != "mul" or len(base.args) != 2:
                continue
            weight = next((a for a in base.args if (a.op == "col" if column != turned else a.ndim == 1)), None)
            wanted = make.transpose(other) if turned else other
            plain = next((a for a in base.args if make.transpose(a) is wanted), None)
            vector = weight.args[0] if weight is not None and weight.op == "col" else weight
            if plain is not None and plain.ndim == 2 and vector in self.weights:
                root = make.call("sqrt", (vector,), vector.shape)
                factor = make.mul([root if weight is vector else make.column(root), plain])
                factor = make.transpose(factor) if turned != column else factor
                return make.matmul(factor, make.transpose(factor))
        return None

    def trace(self, chain: list[Factor]) -> Code:
        """tr(M1*...*Mk) without forming the whole product; the chain may be turned."""
        k = len(chain)
        for i in range(k):
            if chain[i].cols is ONE:
                return self._number(self.product([*chain[i + 1 :], *chain[: i + 1]]))
        chain = [self.formed(f) for f in chain]
        if k == 1:
            return self._trace_one(chain[0])
        if k > _LONG:
            return self.trace_pair(self.matrix(chain[:-1]), chain[-1])
        candidates: list[tuple[float, int, int]] = []
        for turn in range(k) if k <= 6 else range(1):
            turned = chain[turn:] + chain[:turn]
            for cut in range(1, k):
                candidates.append((self._chain_price(turned[:cut]) + self._chain_price(turned[cut:]), turn, cut))
        _, turn, cut = min(candidates)
        turned = chain[turn:] + chain[:turn]
        left, right = self.matrix(turned[:cut]), self.matrix(turned[cut:])
        return self.trace_pair(left, right)

    def _number(self, result: Product) -> Code:
        return self.make.product(result.over)

    def _chain_price(self, chain: list[Factor]) -> float:
        """The price of one half of a trace, from the left."""
        formed = len(chain) == 1 and chain[0].kind == "inverse"
        state = (self.costs.inverse(chain[0].rows) if formed else 0.0, chain[0].kind, 0)
        for factor in chain[1:]:
            price = self._price(state, (0.0, factor.kind, 0), (chain[0].rows, factor.rows, factor.cols))
            state = (*price, 0)
        return state[0]

    def _trace_one(self, factor: Factor) -> Code:
        if factor.kind == "diag":
            return self.make.total(factor.array)
        return self.make.call("trace", (self.dense_matrix(factor),), ())

    def trace_pair(self, p: Factor, q: Factor) -> Code:
        """tr(P*Q) as the sum of P .* Q'."""
        make = self.make
        if p.kind == "diag" and q.kind == "diag":
            return make.inner(p.array, q.array)
        if q.kind == "diag":
            p, q = q, p
        if p.kind == "diag":
            diagonal = make.call("diagonal", (self.dense_matrix(q),), (q.rows,))
            return make.inner(p.array, diagonal)
        a, b = self.dense_matrix(p), self.dense_matrix(q)
        if a.op == "T" or b.op == "T":
            return make.inner(make.transpose(a), b) if a.op == "T" else make.inner(a, make.transpose(b))
        return make.call("trace_product", (a, b), ())

    def diagonal(self, p: Factor, q: Factor) -> Code:
        """The diagonal of P*Q without the product."""
        make = self.make
        a, b = self.dense_matrix(p), self.dense_matrix(q)
        if b.op == "T":
            return make.call("row_dots", (a, b.args[0]), (p.rows,))
        return make.call("diagonal_product", (a, b), (p.rows,))

    # --- structures as arrays ---------------------------------------------------------------------

    def solve(self, a: Code, b: Code) -> Code:
        """inv(A)*b: by solving, or with the inverse where that is formed anyway."""
        base = a.args[0] if a.op == "T" else a
        if base in self.inverted:
            return self.make.matmul(self.inverse(a), b)
        if b.op == "neg":
            return self.make.neg(self.solve(a, b.args[0]))
        return self.make.call("solve", (a, b), (a.shape[1], *b.shape[1:]))

    def inverse(self, a: Code) -> Code:
        """inv(A); of a transpose the transpose of the one inverse."""
        if a.op == "T":
            return self.make.transpose(self.inverse(a.args[0]))
        return self.make.call("inv", (a,), a.shape)

    def dense(self, factor: Factor) -> Code:
        """A column as an array."""
        make = self.make
        if factor.kind == "ones":
            return make.call("ones", (make.size(factor.rows),), (factor.rows,))
        if factor.kind == "unit":
            return make.call("unit", (factor.array, make.size(factor.rows)), (factor.rows,))
        return factor.array

    def dense_matrix(self, factor: Factor) -> Code:
        """A matrix as an array (one-dimensional where a dimension is 1)."""
        make = self.make
        shape = (factor.rows, factor.cols)
        if factor.kind == "diag":
            return make.call("diagflat", (factor.array,), shape)
        if factor.kind == "inverse":
            return self.inverse(factor.array)
        if factor.kind == "commutation":
            return make.call("commutation", tuple(make.size(d) for d in factor.sizes), shape)
        if factor.kind == "kron" and len({p.rows is ONE for p in factor.parts}) == 1 and ONE in shape:
            return make.call("kron", [self.dense_matrix(p) for p in factor.parts], (shape[0] * shape[1],))
        if factor.kind == "kron":
            a, b = (self.as_matrix(self.dense_matrix(f), f) for f in factor.parts)
            product = make.call("kron", (a, b), shape)
            return self.flat(product) if ONE in shape else product
        if factor.kind == "sum":
            return factor.array
        if factor.kind in ("ones", "unit"):
            return self.dense(factor if factor.cols is ONE else self.transposed(factor))
        return factor.array

    def transposed(self, f: Factor) -> Factor:
        """The transpose of a factor, nothing moved."""
        make = self.make
        code = f.code
        if code is not None and code.ndim == 2:
            code = make.transpose(code)
        terms = tuple((o, u, tuple(self.transposed(g) for g in reversed(chain))) for o, u, chain in f.terms)
        return Factor(
            f.kind, f.cols, f.rows, code, tuple(self.transposed(p) for p in f.parts), tuple(reversed(f.sizes)), terms
        )

