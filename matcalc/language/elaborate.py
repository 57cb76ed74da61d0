"""Resolved lines -> expressions, with the constructors of ``matcalc.ops``: one loop over the nodes of each line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from matcalc import ops
from matcalc.errors import InputError, LimitError, MatcalcError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.indices import free_indices
from matcalc.kinds import Kind, kind_of_shape
from matcalc.language.draft import axis_of, derivative_arguments, span_of
from matcalc.language.program import Inference, Line, Program
from matcalc.language.syntax import Node
from matcalc.language.vocabulary import ELEMENTWISE, MATRIX_FUNCTIONS
from matcalc.shapes import ONE, SCALAR, Dim, Shape
from matcalc.symmetry import is_symmetric

MAX_POWER = 1_000  # of a matrix
MAX_EXPONENT = 10_000


def elaborate(program: Program, inference: Inference) -> list[Expr]:
    """The expression of each line, names of earlier lines replaced by what they stand for."""
    return _Elaboration(program, inference).run()


def elaborated_lines(program: Program, inference: Inference) -> list[tuple[str, Expr]]:
    """Each line that keeps its name, its expression in terms of the names of earlier lines; and the unnamed one."""
    lines = _Lines(program, inference)
    lines.run()
    return lines.kept


class _Elaboration:
    def __init__(self, program: Program, inference: Inference) -> None:
        self.program = program
        self.sizes = inference.sizes
        self.kinds: Mapping[str, Kind] = inference.kinds
        self.results: list[Expr] = []
        self._line: Line
        self._values: list[Any] = []

    def run(self) -> list[Expr]:
        for line in self.program.lines:
            self._line = line
            self._values = [None] * len(line.nodes)
            for node in line.nodes:
                try:
                    self._values[node.at] = _BUILD[node.op](self, node)
                except MatcalcError as error:
                    raise error.at(self.program.text, node.start) from None
            self.results.append(self._finished(line, self._values[-1]))
        return self.results

    def _finished(self, line: Line, value: Expr) -> Expr:
        """What the name of the line stands for in later lines."""
        return value

    def _of(self, node: Node) -> Expr:
        return self._values[node.at]  # type: ignore[no-any-return]

    def _nothing(self, node: Node) -> None:
        return None

    def _number(self, node: Node) -> Expr:
        return ops.num(node.data)

    def _index(self, node: Node) -> Expr:
        return ops.idx(node.data)

    def _name(self, node: Node) -> Expr:
        meaning = self._line.meaning[node.at]
        what = meaning[0]
        if what == "variable":
            name = meaning[1].name
            return ops.sym(name, self.kinds[name])
        if what == "known":
            return ops.sym(meaning[2], meaning[1])
        if what == "line":
            number: int = meaning[1]
            return self.results[number]
        if what == "dim":
            return ops.dim(meaning[1])
        if what == "integer":
            return ops.num(meaning[1])
        if what == "pi":
            return ops.const("pi")
        return ops.eye(self._size(node)[0])

    def _size(self, node: Node) -> Shape:
        return self.sizes[self._line.number, node.at]

    def _sum(self, node: Node) -> Expr:
        terms = [self._of(a) for a in node.args]
        terms = [ops.neg(t) if negative else t for t, negative in zip(terms, node.data, strict=True)]
        return ops.add(*_lifted(terms))

    def _neg(self, node: Node) -> Expr:
        return ops.neg(self._of(node.args[0]))

    def _product(self, node: Node) -> Expr:
        """Left to right; factors of one kind of product are gathered and multiplied at once."""
        run = [self._of(node.args[0])]  # matrix product so far
        arrays: list[Expr] = []  # elementwise product so far, of which ``run`` is then empty
        for link, part in zip(node.data, node.args[1:], strict=True):
            factor = self._of(part)
            if link in ("/", "./") and factor.op == "num" and not factor.data:
                raise InputError("division by zero", position=part.start)
            elementwise = link in (".*", "./") and not factor.is_scalar
            if elementwise and not arrays:
                head = ops.mul(*run)
                if head.is_scalar:
                    run = [ops.had(head, factor) if link == ".*" else ops.div(head, factor)]
                    continue
                arrays = [head]
            if elementwise:
                arrays.append(factor if link == ".*" else ops.reciprocal(factor))
                continue
            if arrays:
                run, arrays = [ops.had(*arrays)], []
            if link == ".*":
                run = [ops.had(ops.mul(*run), factor)]
            elif link == "*":
                run.append(factor)
            elif len(run) == 1 and run[0].op == "num":
                run = [ops.div(run[0], factor)]
            else:
                run.append(ops.reciprocal(factor))
        return ops.had(*arrays) if arrays else ops.mul(*run)

    def _power(self, node: Node) -> Expr:
        base, exponent = (self._of(a) for a in node.args)
        value = exponent.data if exponent.op == "num" else None
        if isinstance(value, Fraction) and abs(value) > MAX_EXPONENT:
            raise LimitError(
                f"this exponent is too large: at most {MAX_EXPONENT}", position=node.args[1].start
            )
        if base.op == "num" and not base.data and isinstance(value, Fraction) and value < 0:
            raise InputError("division by zero", position=node.start)
        if node.data == ".^" or base.is_scalar:
            return ops.power(base, exponent)
        if not isinstance(value, Fraction):
            negative = _negated(exponent)
            if negative is not None:
                return ops.matpow(ops.inv(base), negative)
            return ops.matpow(base, exponent)
        if abs(value) > MAX_POWER:
            raise LimitError(
                f"this power of a matrix is too large: at most {MAX_POWER}", position=node.args[1].start
            )
        if value == 0:
            return ops.eye(base.rows)
        if value > 0:
            return ops.matpow(base, exponent)
        return ops.inv(base) if value == -1 else ops.matpow(ops.inv(base), ops.num(-value))

    def _transpose(self, node: Node) -> Expr:
        return ops.transpose(self._of(node.args[0]))

    def _cmp(self, node: Node) -> Expr:
        return ops.compare(node.data, *(self._of(a) for a in node.args))

    def _call(self, node: Node) -> Expr:
        meaning = self._line.meaning[node.at]
        if meaning[0] == "sized":
            return self._sized(node, meaning[1], meaning[2])
        if meaning[0] == "undefined":
            _, name, kind, primes = meaning
            return ops.ufn(name, kind, [self._of(a) for a in node.args], primes if kind.args is None else ())
        name = meaning[1]
        if name in ("vector", "matrix"):
            return ops.lift(self._of(node.args[0]), self._size(node))
        if name == "sum" and len(node.args) == 2 and node.args[0].op in ("bound", "range"):
            return self._index_sum(node)
        axis = axis_of(node.args[-1])
        args = [self._of(a) for a in node.args if a.op != "keyword"]
        return _CALLS[name](args, axis)

    def _sized(self, node: Node, name: str, sizes: tuple[Dim, ...]) -> Expr:
        args = [self._of(a) for a in node.args]
        if name == "eye":
            return ops.eye(sizes[0])
        if name in ("ones", "zeros"):
            make = ops.ones if name == "ones" else ops.zeros
            return make(sizes[0], sizes[1] if len(sizes) > 1 else ONE)
        if name == "commutation":
            return ops.commutation(*sizes)
        return ops.unit(args[0], sizes[0]) if name == "unit" else ops.unvec(args[0], *sizes)

    def _index_sum(self, node: Node) -> Expr:
        head, body = node.args
        index = ops.idx(head.data)
        if head.op == "range":
            low, high = (self._of(a) for a in head.args)
            return ops.isum(index, low, high, self._of(body))
        size = self._size(node)[0]
        number = size.number
        last = ops.num(number - 1) if number is not None else ops.add(ops.dim(size), ops.num(-1))
        return ops.isum(index, ops.num(0), last, self._of(body))

    def _derivative(self, node: Node) -> Expr:
        _, name, kind, mark, by = self._line.meaning[node.at]
        result = ops.ufn(name, kind, [self._of(a) for a in node.args], derivative_arguments(mark, by))
        scalar = kind.result.shape == SCALAR
        return ops.transpose(result) if scalar and mark == "D" and not by else result

    def _block(self, node: Node) -> Expr:
        entries = iter(node.args)
        return ops.block([[self._of(next(entries)) for _ in range(count)] for count in node.data])

    def _entries(self, node: Node) -> Expr:
        base = self._of(node.args[0])
        specs: list[tuple[Any, ...]] = []
        at: list[Expr] = []
        for index in node.args[1:]:
            if index.op == "span":
                start, stop = span_of(index)
                specs.append(("all",) if start is None and stop is None else ("range", start, stop))
            else:
                specs.append(("at",))
                at.append(self._of(index))
        if len(specs) == 1:
            specs = [("all",), *specs] if base.rows is ONE else [*specs, ("all",)]
        return ops.slice_(base, specs[0], specs[1], *at)


class _Lines(_Elaboration):
    """Names of lines stand for themselves. Numbers do not keep their names, nor does what a free index is part of."""

    def __init__(self, program: Program, inference: Inference) -> None:
        super().__init__(program, inference)
        self.kept: list[tuple[str, Expr]] = []

    def _finished(self, line: Line, value: Expr) -> Expr:
        named = bool(value.args) or value.op == "sym"
        if line.name and (not named or _has_free_index(value)):
            return value
        self.kept.append((line.name, value))
        return ops.sym(line.name, kind_of_shape(value.shape)) if line.name else value


def _has_free_index(e: Expr) -> bool:
    """Whether a letter in an index is not bound by a sum over it."""
    return bool(free_indices(topological(e))[e])


def _lifted(terms: list[Expr]) -> list[Expr]:
    """Scalars and rows among the terms spread to the shape of the others."""
    shape = terms[0].shape
    if all(t.shape == shape for t in terms):
        return terms
    full = max(terms, key=lambda t: (t.rows is not ONE) + (t.cols is not ONE)).shape
    return [ops.lift(t, full) for t in terms]


def _negated(exponent: Expr) -> Expr | None:
    """k if the exponent is -k."""
    if exponent.op == "mul" and exponent.args[0].op == "num" and exponent.args[0].data == -1:
        return ops.neg(exponent)
    return None


_BUILD: dict[str, Callable[[_Elaboration, Node], Any]] = {
    "number": _Elaboration._number, "name": _Elaboration._name, "index": _Elaboration._index,
    "bound": _Elaboration._nothing, "range": _Elaboration._nothing, "span": _Elaboration._nothing,
    "keyword": _Elaboration._nothing, "sum": _Elaboration._sum, "product": _Elaboration._product,
    "neg": _Elaboration._neg, "power": _Elaboration._power, "transpose": _Elaboration._transpose,
    "cmp": _Elaboration._cmp, "call": _Elaboration._call, "derivative": _Elaboration._derivative,
    "block": _Elaboration._block, "entries": _Elaboration._entries,
}  # fmt: skip


# --- functions ----------------------------------------------------------------------------------------

_Make = Callable[[Sequence[Expr], int | None], Expr]


def outer(a: Expr, b: Expr) -> Expr:
    """All products a_i b_j of two vectors or rows, as a matrix."""
    left = ops.transpose(a) if a.rows is ONE else a
    right = b if b.rows is ONE else ops.transpose(b)
    return ops.mul(left, right)


def _plain(constructor: Callable[..., Expr]) -> _Make:
    return lambda args, axis: constructor(*args)


def _along(constructor: Callable[[Expr, int | None], Expr]) -> _Make:
    return lambda args, axis: constructor(args[0], axis)


def _named(constructor: Callable[..., Expr], name: str) -> _Make:
    return lambda args, axis: constructor(name, *args)


def _extreme(pair: Callable[[Expr, Expr], Expr], alone: Callable[[Expr], Expr]) -> _Make:
    return lambda args, axis: pair(*args) if len(args) == 2 else alone(args[0])


def _of_symmetric(name: str) -> _Make:
    """Eigenvalues are real, and have the derivatives that the table gives, for symmetric matrices."""

    def make(args: Sequence[Expr], axis: int | None) -> Expr:
        if not is_symmetric(args[0]):
            raise UnsupportedError(
                f"{name} takes a matrix that is known to be symmetric",
                hint=f"declare it, as in A: symmetric(n), or write {name}((A + A')/2)",
            )
        return ops.spectral(name, args[0])

    return make


_CALLS: dict[str, _Make] = {
    **{name: _named(ops.fn, name) for name in ELEMENTWISE},
    **{name: _named(ops.mfn, name) for name in MATRIX_FUNCTIONS},
    **{name + "_frechet": _named(ops.frechet, name) for name in MATRIX_FUNCTIONS},
    "tr": _plain(ops.trace), "det": _plain(ops.det), "logdet": _plain(ops.logdet), "inv": _plain(ops.inv),
    **{name: _plain(partial(ops.part, which)) for which, name in ops.PARTS.items()},
    "adj": _plain(ops.adj), "pinv": _plain(ops.pinv), "norm1": _plain(ops.norm1), "norm2": _plain(ops.norm2),
    **{name: _named(ops.spectral, name) for name in ops.SPECTRAL},
    "eigvals": _of_symmetric("eigvals"), "eigvecs": _of_symmetric("eigvecs"),
    "prod": _plain(ops.prod), "diag": _plain(ops.diag), "vec": _plain(ops.vec), "kron": _plain(ops.kron),
    "outer": _plain(outer), "dot": _plain(ops.inner), "sum": _along(ops.total), "mean": _along(ops.mean),
    "softmax": _along(ops.softmax), "logsumexp": _along(ops.logsumexp),
    "max": _extreme(ops.max2, ops.maxel), "min": _extreme(ops.min2, ops.minel),
}  # fmt: skip
