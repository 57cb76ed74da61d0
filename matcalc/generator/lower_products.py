"""Products, traces, diagonals and sums as instructions: all of them work on the factors of a chain."""

from __future__ import annotations

from collections.abc import Callable

from matcalc.expr import Expr
from matcalc.generator.chains import Factor
from matcalc.generator.costs import CALL, READ, WRITE
from matcalc.generator.forms import Forms, Value, extent, full, turned
from matcalc.generator.instructions import Code
from matcalc.shapes import ONE, Shape

_LONGEST_OPENED = 8  # factors of a product within a product
_LOOKED_AT = 64  # instructions below a sum, when its cost is estimated
Parts = tuple[list[Code], list[Code], list[Factor]]


def _mul(at: Forms, x: Expr) -> Value:
    return multiplied(at, *factors(at, x))


def multiplied(at: Forms, over: list[Code], under: list[Code], chain: list[Factor]) -> Value:
    """Scalars times a chain, in its least form; of an outer product the scalars go to the column."""
    make = at.make
    if not chain:
        return full(make.product(over, under))
    if chain[0].kind == "eye":
        return Value("eye", make.product(over, under))
    result = at.chains.product(chain)
    over = [*over, *result.over]
    column, row, matrix = result.column, result.row, result.matrix
    if matrix is not None:
        if matrix.kind == "diag":
            return Value("diag", make.product([*over, matrix.array], under))
        return full(make.product([*over, at.chains.dense_matrix(matrix)], under))
    if column is None and row is None:
        return full(make.product(over, under))
    lines = [line for line in (column, row) if line is not None]
    arrays = [at.chains.dense(line) for line in lines if line.kind != "ones"]
    if len(arrays) < 2:
        form = "full" if len(lines) == 1 else "row" if column is not None and column.kind == "ones" else "col"
        return Value(form if arrays else "fill", make.product([*over, *arrays], under))
    return full(make.outer(make.product([*over, arrays[0]], under), arrays[1]))


def factors(at: Forms, x: Expr, sums: bool = True) -> Parts:
    """The scalars above and below the line, and the chain of the other factors; ``sums``: sums may stay sums there."""
    over: list[Code] = []
    under: list[Code] = []
    chain: list[Factor] = []
    stack: list[tuple[Expr, bool]] = [(x, False)]
    while stack:
        current, flipped = stack.pop()
        if current.is_scalar and current is x and current.op == "mul":
            stack.extend((a, False) for a in reversed(current.args))
        elif current.is_scalar:
            _scalar(at, current, over, under)
        elif current.op == "t":
            stack.append((current.args[0], not flipped))
        elif current.op == "mul" and (current is x or _opens(at, current)):
            arrays = [a for a in current.args if not a.is_scalar]
            stack.extend((a, flipped) for a in (arrays if flipped else reversed(arrays)))
            stack.extend((s, False) for s in reversed(current.args) if s.is_scalar)
        elif current.op == "matpow" and at.uses[current] <= 1 and _number(current.args[1]) in (1, 2, 3):
            stack.extend([(current.args[0], flipped)] * int(_number(current.args[1])))
        else:
            _array(at, current, flipped, over, chain, sums)
    at.lengths[x] = len(chain)
    useful = [f for f in chain if f.kind != "eye"]
    return over, under, useful or chain[:1]


def _number(x: Expr) -> int:
    """A small integer, or -1."""
    return int(x.data) if x.op == "num" and x.data in (1, 2, 3) else -1  # type: ignore[call-overload, no-any-return]


def _opens(at: Forms, x: Expr) -> bool:
    """Whether a product is better taken apart: not long, and used once, or with a vector inside."""
    if max(len(x.args), at.lengths.get(x, 0)) > _LONGEST_OPENED:
        return False
    return at.uses[x] <= 1 or any(ONE in a.shape for a in x.args if not a.is_scalar)


def _scalar(at: Forms, x: Expr, over: list[Code], under: list[Code]) -> None:
    code = at.values[x].code
    if x.op == "pow" and code.op == "div" and code.args[0].op == "num" and code.args[0].data == 1:
        under.append(code.args[1])
    else:
        over.append(code)


def _array(at: Forms, x: Expr, flipped: bool, over: list[Code], chain: list[Factor], sums: bool) -> None:
    """Append the factor or factors of a node that is no product."""
    rows, cols = (x.cols, x.rows) if flipped else x.shape
    factor = structure(at, x) if sums or x.op != "add" else None
    if factor is not None:
        chain.append(at.chains.transposed(factor) if flipped else factor)
        return
    value = at.values[x]
    code = value.code
    form = turned(value.form) if flipped else value.form
    if form == "full":
        chain.append(Factor("full", rows, cols, at.make.transpose(code) if flipped else code))
    elif form == "diag":
        if at.weighs is not None and at.weighs(x):
            at.chains.weights.add(code)
        chain.append(Factor("diag", rows, cols, code))
    elif form == "eye":
        over.append(code)
        chain.append(Factor("eye", rows, cols))
    elif form == "row":
        chain.extend([Factor("ones", rows, ONE), Factor("full", ONE, cols, code)])
    elif form == "col":
        chain.extend([Factor("full", rows, ONE, code), Factor("ones", ONE, cols)])
    else:
        assert form == "fill", form
        over.append(code)
        chain.extend([Factor("ones", rows, ONE)] if rows is not ONE else [])
        chain.extend([Factor("ones", ONE, cols)] if cols is not ONE else [])


def structure(at: Forms, x: Expr) -> Factor | None:
    """The factor of a node that a product need not form."""
    if x.op == "commutation":
        return Factor("commutation", x.rows, x.cols, sizes=x.data)  # type: ignore[arg-type]
    if x.op == "unit":
        return Factor("unit", x.rows, ONE, at.integer(x.args[0]))
    if x in at.values and at.values[x].form != "full":
        return None
    if x.op == "inv":
        return Factor("inverse", x.rows, x.cols, at.dense(x.args[0]))
    if x.op == "kron" and ONE not in x.shape:
        return _kron_factor(at, x)
    if x.op == "add" and ONE not in x.shape:
        return _distributed(at, x)
    return None


def _structured(at: Forms, x: Expr) -> Value:
    factor = structure(at, x)
    assert factor is not None
    if factor.kind == "unit":
        return full(at.chains.dense(factor))
    return full(at.chains.dense_matrix(factor))


def _kron(at: Forms, x: Expr) -> Value:
    a, b = (at.values[arg] for arg in x.args)
    if a.form == b.form and a.form in ("eye", "fill"):
        return Value(a.form, at.make.product([a.code, b.code]))
    return full(at.chains.dense_matrix(_kron_factor(at, x)))


def _kron_factor(at: Forms, x: Expr) -> Factor:
    return Factor("kron", x.rows, x.cols, parts=tuple(Factor("full", *a.shape, at.dense(a)) for a in x.args))


def _distributed(at: Forms, x: Expr) -> Factor:
    """A sum of matrices, with the chains of its terms where applying each costs less than forming the sum."""
    dense = at.dense(x)
    plain = Factor("full", x.rows, x.cols, dense)
    if len(x.args) > 8:
        return plain
    terms = []
    costs, applied = at.chains.costs, 0.0
    for arg in x.args:
        over, under, chain = factors(at, arg, sums=False)
        if any(f.rows is ONE for f in chain[1:]):  # u*v': both as vectors
            result = at.chains.product(chain)
            assert result.column is not None
            assert result.row is not None
            over, chain = [*over, *result.over], [result.column, at.chains.transposed(result.row)]
        if any(f.kind not in ("full", "diag", "eye", "ones") for f in chain):
            return plain
        applied += sum(CALL + READ * costs.entries((f.rows, f.cols) if f.kind == "full" else (f.rows,)) for f in chain)
        applied += CALL + WRITE * costs.entries((x.rows,))
        terms.append((tuple(over), tuple(under), tuple(f for f in chain if f.kind != "eye")))
    formed = CALL + READ * costs.entries(x.shape) + _forming(at, dense)
    if applied * (1 if at.uses[x] <= 1 else 20) > formed:
        return plain
    return Factor("sum", x.rows, x.cols, dense, terms=tuple(terms))


def _forming(at: Forms, dense: Code) -> float:
    """What forming a sum costs: its additions, and the products and scalings that are its terms."""
    cost_of_all = 0.0
    stack, seen = [dense], {dense}
    while stack and len(seen) < _LOOKED_AT:
        code = stack.pop()
        if code.ndim == 2 and code.op not in ("input", "call", "loop", "apply"):
            cost_of_all += at.chains.costs.of(code)
            stack.extend(a for a in code.args if a not in seen)
            seen.update(code.args)
    return cost_of_all


# --- traces and diagonals -----------------------------------------------------------------------------


def _tr(at: Forms, x: Expr) -> Value:
    make = at.make
    terms: list[Code] = []
    stack = [x.args[0]]
    while stack:
        current = stack.pop()
        if current.op == "t":
            stack.append(current.args[0])
        elif current.op == "add" and _better_apart(at, current):
            stack.extend(reversed(current.args))
        elif current.op == "kron" and all(a.rows is a.cols for a in current.args):
            terms.append(make.product([_traced(at, a) for a in current.args]))
        else:
            terms.append(_traced(at, current))
    return full(make.add([(1, t) for t in terms]))


def _better_apart(at: Forms, x: Expr) -> bool:
    """Whether to trace the terms of a sum: nobody else forms it, and some term is a product or a multiple of eye."""
    if at.values[x].form != "full" or at.uses[x] > 1:
        return False
    return any(a.op in ("mul", "kron", "t") or at.values[a].form != "full" for a in x.args)


def _traced(at: Forms, x: Expr) -> Code:
    make = at.make
    value = at.values[x]
    if value.form in ("eye", "fill"):
        return make.product([value.code, make.size(x.rows)])
    if value.form != "full":
        return make.total(value.code)
    if x.op == "mul" and _opens(at, x):
        over, under, chain = factors(at, x)
        if len(chain) > 1:
            return make.product([*over, at.chains.trace(chain)], under)
        return make.product([*over, make.call("trace", (at.chains.dense_matrix(chain[0]),), ())], under)
    return make.call("trace", (at.dense(x),), ())


def _diagvec(at: Forms, x: Expr) -> Value:
    arg = x.args[0]
    form = "fill" if at.values[arg].form in ("eye", "fill") else "full"
    return Value(form, diagonal(at, arg))


def diagonal(at: Forms, x: Expr) -> Code:
    """The diagonal of a square matrix, to broadcast against vectors; of a product without the product."""
    value = at.values[x]
    if value.form != "full":
        return value.code  # in every other form the diagonal is what is stored
    if x.op == "mul" and _opens(at, x):
        over, under, chain = factors(at, x)
        result = at.chains.product(chain) if len(chain) > 1 else None
        if result is not None and result.column is not None and result.row is not None:
            lines = [at.chains.dense(line) for line in (result.column, result.row)]
            return at.make.product([*over, *result.over, *lines], under)
        if result is not None:
            left = at.chains.matrix(chain[:-1])
            return at.make.product([*over, at.chains.diagonal(left, chain[-1])], under)
    return at.make.call("diagonal", (at.dense(x),), (x.rows,))


# --- sums of entries --------------------------------------------------------------------------------------


def _sum(at: Forms, x: Expr) -> Value:
    return _summed(at, x.args[0], x.data)  # type: ignore[arg-type]


def _mean(at: Forms, x: Expr) -> Value:
    arg = x.args[0]
    summed = _summed(at, arg, x.data)  # type: ignore[arg-type]
    counted = {None: arg.rows * arg.cols, 0: arg.rows, 1: arg.cols}[x.data]  # type: ignore[index]
    return Value(summed.form, at.make.product([summed.code], [at.make.size(counted)]))


def _summed(at: Forms, x: Expr, axis: int | None) -> Value:
    """Sums of entries; a product of matrices is not formed for its sum: ones'*A*B*ones."""
    value = at.values[x]
    formed = at.uses[x] > 1 or x.op == "sym"
    if axis is not None and formed and value.form == "full" and value.code.op == "mul" and value.code.ndim == 2:
        return full(at.make.call("sum_axis", (value.code,), (value.code.shape[1 - axis],), axis))
    if value.form == "full" and x.op == "mul" and at.uses[x] <= 1 and ONE not in x.shape:
        over, under, chain = factors(at, x)
        if len(chain) > 1:
            before = [Factor("ones", ONE, x.rows)] if axis != 1 else []
            after = [Factor("ones", x.cols, ONE)] if axis != 0 else []
            return multiplied(at, over, under, [*before, *chain, *after])
    return total(at, value, x.shape, axis)


def total(at: Forms, value: Value, shape: Shape, axis: int | None) -> Value:
    """The sum of the entries of a value, all or along an axis."""
    make, form, code = at.make, value.form, value.code
    rows, cols = make.size(shape[0]), make.size(shape[1])
    if ONE in shape:
        if axis is not None and shape[axis] is ONE and len(extent(shape)) == 1:
            return value  # along a dimension 1
        return full(make.product([code, rows, cols]) if form == "fill" else make.total(code))
    if axis is None:
        counts = {"fill": [rows, cols], "row": [rows], "col": [cols], "eye": [rows]}.get(form, [])
        return full(make.product([*counts, code if form in ("fill", "eye") else make.total(code)]))
    count = rows if axis == 0 else cols
    if form == "full":
        return full(make.total(code, axis))
    if form in ("diag", "eye"):
        return Value("full" if form == "diag" else "fill", code)
    if form == "fill":
        return Value("fill", make.product([code, count]))
    if (form == "row") == (axis == 0):
        return full(make.product([count, code]))
    return Value("fill", make.total(code))


PRODUCTS: dict[str, Callable[[Forms, Expr], Value]] = {
    "mul": _mul,
    "kron": _kron,
    "commutation": _structured,
    "unit": _structured,
    "tr": _tr,
    "diagvec": _diagvec,
    "sum": _sum,
    "mean": _mean,
}
