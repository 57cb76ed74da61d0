"""Generated code means what the reference evaluation says, with the contract's names, shapes and parameters."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matcalc import ops
from matcalc.code import compile_module, module_source
from matcalc.errors import MatcalcError, UnsupportedError
from matcalc.evaluate import evaluate
from matcalc.expr import Expr, topological
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind, kind_of_shape
from matcalc.shapes import ONE, SCALAR, Dim, Shape
from tests.code_cases import SIZES, agrees
from tests.strategies import DIMS, KINDS, VARIABLES, Grower, K, M, N

GOLDEN = Path(__file__).parent / "golden"


class StructureGrower(Grower):
    """Expressions full of what code treats specially: Kronecker products, inverses, diagonals, traces, loops."""

    def expression(self, shape: Shape, depth: int) -> Expr:
        if depth <= 0 or self.choose(3) == 0:
            return super().expression(shape, depth)
        own: list[Callable[[Shape, int], Expr]] = [self.chain]
        if shape == SCALAR:
            own += [self.traced, self.summed, self.squared]
        elif ONE not in shape:
            own += [self.vec_and_back, self.outer]
            if shape[0] is shape[1]:
                own += [self.diagonal_matrix, self.shifted]
        elif shape[1] is ONE:
            own += [self.solved, self.stacked, self.diagonal_of_product, self.kron_applied, self.row_sums]
        return self.pick(own)(shape, depth - 1)

    def chain(self, shape: Shape, depth: int) -> Expr:
        inner = [self.pick([*DIMS, *DIMS, ONE]) for _ in range(1 + self.choose(3))]
        dims = [shape[0], *inner, shape[1]]
        return ops.mul(*(self.expression((a, b), depth - 1) for a, b in zip(dims, dims[1:], strict=False)))

    def traced(self, shape: Shape, depth: int) -> Expr:
        n = self.pick(DIMS)
        return ops.trace(self.pick([self.chain, self.sum, self.shifted])((n, n), depth))

    def summed(self, shape: Shape, depth: int) -> Expr:
        inner = (self.pick(DIMS), self.pick(DIMS))
        return self.pick([ops.total, ops.mean])(self.pick([self.chain, self.hadamard, self.lifted])(inner, depth))

    def squared(self, shape: Shape, depth: int) -> Expr:
        x = self.expression((self.pick(DIMS), self.pick([ONE, *DIMS])), depth)
        return self.pick([lambda: ops.power(ops.norm2(x), ops.num(2)), lambda: ops.trace(ops.mul(ops.transpose(x), x))])()

    def vec_and_back(self, shape: Shape, depth: int) -> Expr:
        m, n = shape
        x = self.expression((n, m), depth)
        return ops.unvec(ops.mul(ops.commutation(n, m), ops.vec(x)), m, n)

    def outer(self, shape: Shape, depth: int) -> Expr:
        return ops.mul(self.expression((shape[0], ONE), depth), self.expression((ONE, shape[1]), depth))

    def diagonal_matrix(self, shape: Shape, depth: int) -> Expr:
        v = self.expression((shape[0], ONE), depth)
        return ops.mul(ops.diag(v), self.expression(shape, depth), ops.diag(ops.transpose(v)))

    def shifted(self, shape: Shape, depth: int) -> Expr:
        return ops.add(self.expression(shape, depth), ops.mul(self.expression(SCALAR, depth), ops.eye(shape[0])))

    def solved(self, shape: Shape, depth: int) -> Expr:
        a = self.invertible(shape[0], depth)
        inverse = ops.inv(self.pick([a, ops.transpose(a)]))
        return ops.mul(inverse, self.expression(shape, depth))

    def stacked(self, shape: Shape, depth: int) -> Expr:
        x = self.expression(shape, depth)
        stack = ops.block([[x], [self.expression(SCALAR, depth)]])
        return ops.slice_(stack, ("range", self.pick([None, 0]), -1), ("all",))

    def diagonal_of_product(self, shape: Shape, depth: int) -> Expr:
        return ops.diagvec(self.chain((shape[0], shape[0]), depth))

    def kron_applied(self, shape: Shape, depth: int) -> Expr:
        p, q = self.pick(DIMS), self.pick(DIMS)
        a, b = self.expression((p, q), depth), self.expression((shape[0], p), depth)
        big = ops.mul(ops.kron(a, b), ops.vec(self.expression((p, q), depth)))
        return ops.mul(ops.unvec(big, shape[0], p), self.expression((p, ONE), depth))

    def row_sums(self, shape: Shape, depth: int) -> Expr:
        return ops.total(self.pick([self.chain, self.lifted])((shape[0], self.pick(DIMS)), depth), 1)


def grown(seed: int, structured: bool, depth: int, smooth: bool) -> Expr:
    source = random.Random(seed)
    grower = (StructureGrower if structured else Grower)(source.randrange, smooth)
    return grower.expression(grower.shape(), depth)


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("smooth", [False, True])
def test_generated_value_is_the_reference_value(structured: bool, smooth: bool) -> None:
    """Over random expressions, at two places each; most of them must have a finite value."""
    checked = 0
    for seed in range(150):
        try:
            expr = grown(seed, structured, 4, smooth)
        except MatcalcError:  # shapes that no constructor accepts
            continue
        if not smooth and any(n.op == "cmp" for n in topological(expr)):
            continue  # a jump: rounding decides
        for strategy in ("normal", "positive"):
            try:
                checked += bool(agrees(expr, KINDS, np.random.default_rng(seed), strategy, 1e-7))
            except (ZeroDivisionError, np.linalg.LinAlgError):
                assert not smooth, "division by zero or a singular matrix where there is none"

    assert checked > 180


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), structured=st.booleans())
def test_generated_value_is_the_reference_value_of_any_expression(seed: int, structured: bool) -> None:
    try:
        expr = grown(seed, structured, 3, True)
    except MatcalcError:
        assume(False)
    assert agrees(expr, KINDS, np.random.default_rng(seed)) is not False
