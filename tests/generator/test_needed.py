"""What a block must compute: operands first; what a loop needs of the outside, before the loop."""

from __future__ import annotations

from matcalc.generator.instructions import Code, Instructions
from matcalc.generator.needed import needed
from matcalc.shapes import Dim

N = Dim.of("n")


def test_operands_come_first_and_uses_are_counted() -> None:
    make = Instructions()
    X, Y = make.input("X", (N, N)), make.input("Y", (N, N))
    product = make.matmul(X, Y)
    both = make.add([(1, product), (1, make.transpose(product))])
    order, uses, inside = needed([both], {}, frozenset())
    assert order.index(X) < order.index(product) < order.index(both)
    assert order[-1] is both
    assert uses[product] == 2
    assert uses[both] == 1
    assert not inside


def test_what_is_known_is_not_computed_again() -> None:
    make = Instructions()
    X, Y = make.input("X", (N, N)), make.input("Y", (N, N))
    product = make.matmul(X, Y)
    order, _, _ = needed([make.matmul(product, Y)], {product: "t1"}, frozenset())
    assert product not in order
    assert X not in order


def test_a_loop_needs_what_does_not_depend_on_its_index() -> None:
    make = Instructions()
    X, v = make.input("X", (N, N)), make.input("v", (N,))
    outside: Code = make.matmul(X, v)
    entry = make.make("slice", (outside, make.index("i")), ("at",), ())
    loop = make.make("loop", (make.num(0), make.size(N), entry), ("i", ()), ())
    order, uses, inside = needed([loop], {}, frozenset())
    assert outside in inside[loop]
    assert order.index(outside) < order.index(loop)
    assert entry not in order
    assert uses[outside] == 2  # so that it gets a name before the loop
