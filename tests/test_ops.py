"""Constructors check shapes, flatten products and simplify nothing."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.errors import ShapeError, UnsupportedError
from matcalc.expr import depends, symbols, topological
from matcalc.kinds import Kind, kind_of_shape
from matcalc.shapes import ONE, Dim

M, N = Dim.of("m"), Dim.of("n")
A = ops.sym("A", Kind("matrix", M, N))
B = ops.sym("B", Kind("matrix", N, N))
x = ops.sym("x", kind_of_shape((N, ONE)))
y = ops.sym("y", kind_of_shape((N, ONE)))
r = ops.sym("r", kind_of_shape((ONE, N)))
s = ops.sym("s", Kind("scalar"))
xt = ops.transpose(x)


def test_equal_nodes_are_one_object() -> None:
    assert ops.mul(A, x) is ops.mul(A, x)
    assert ops.sub(x, y) is ops.add(x, ops.neg(y))


def test_products_are_flattened_then_grouped() -> None:
    assert ops.mul(A, ops.mul(x, ops.mul(xt, y))) is ops.mul(A, x, xt, y)
    assert ops.mul(xt, y).is_scalar
    assert ops.mul(B, xt, y).shape == (N, N)
    assert ops.mul(xt, y, A).shape == (M, N)


def test_nothing_is_simplified() -> None:
    assert ops.add(x, x).op == "add"
    assert ops.mul(ops.inv(B), B).op == "mul"
    assert ops.transpose(ops.transpose(x)).op == "t"


@pytest.mark.parametrize(
    "build",
    [
        lambda: ops.add(x, r),
        lambda: ops.mul(A, A),
        lambda: ops.mul(x, x),
        lambda: ops.had(A, B),
        lambda: ops.det(A),
        lambda: ops.trace(A),
        lambda: ops.inv(A),
        lambda: ops.unvec(x, M, N),
        lambda: ops.softmax(A),
        lambda: ops.unit(x, N),
        lambda: ops.block([[x, A]]),
    ],
)
def test_a_misshapen_node_cannot_be_built(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ShapeError):
        build()


def test_scalars_and_rows_are_lifted_and_found_again() -> None:
    assert ops.unlift(ops.lift(s, (M, N))) is s
    assert ops.unlift(ops.lift(r, (M, N))) is r
    assert ops.lift(ops.num(1), (M, N)) is ops.ones(M, N)
    assert ops.unlift(A) is None


def test_second_derivatives_of_an_undefined_function_have_the_sizes_of_both_arguments() -> None:
    kind = Kind("function", args=(s.data[1], x.data[1], r.data[1], A.data[1]), result=Kind("scalar"))
    args = [s, x, r, A]
    shapes = {(0, 0): (ONE, ONE), (0, 1): (ONE, N), (1, 1): (N, N), (1, 2): (N, N), (0, 2): (ONE, N), (2, 2): (N, N)}

    for which, shape in shapes.items():
        assert ops.ufn("l", kind, args, which).shape == shape
        turned = ops.ufn("l", kind, args, which[::-1])
        assert turned.shape == shape[::-1]
        assert turned is (ops.transpose(ops.ufn("l", kind, args, which)) if which[0] != which[1] else turned)


def test_second_derivatives_that_have_no_matrix_are_refused_with_the_reason() -> None:
    kind = Kind("function", args=(x.data[1], A.data[1]), result=Kind("scalar"))
    vector_valued = Kind("function", args=(x.data[1],), result=x.data[1])

    with pytest.raises(UnsupportedError, match="matrix argument"):
        ops.ufn("l", kind, [x, A], (0, 1))
    with pytest.raises(UnsupportedError, match="third derivatives of l"):
        ops.ufn("l", kind, [x, A], (0, 0, 0))
    with pytest.raises(UnsupportedError, match="not scalar-valued"):
        ops.ufn("g", vector_valued, [x], (0, 0))


def test_walks_do_not_recurse() -> None:
    deep = x
    for _ in range(50_000):
        deep = ops.fn("sin", deep)

    assert len(topological(deep)) == 50_001
    assert symbols(deep) == [x]
    assert deep in depends(deep, [x])
    assert len(topological(deep, leaves={deep.args[0]})) == 2
    assert ops.substitute(deep, {x: y}) is not deep


def test_a_unit_vector_of_length_one_and_a_commutation_of_a_line_are_plain() -> None:
    assert ops.unit(ops.num(0), ONE) is ops.num(1)
    assert ops.commutation(ONE, N) is ops.eye(N)
    assert ops.commutation(N, ONE) is ops.eye(N)
