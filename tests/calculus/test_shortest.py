"""The shortest of the gradients of a function's forms, and no pass makes it shorter."""

import pytest

from matcalc.calculus.shortest import shortest_gradients
from matcalc.language.parse import parse
from matcalc.numeric.verify import verify_gradient
from matcalc.printing.measure import length
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

KINDS = "A: matrix(m, n); x: vector(n); b: vector(m); X: matrix(n, k); S: symmetric(n)"


@pytest.mark.parametrize(
    ("f", "wrt", "book"),
    [
        ("norm2(A*x)^2 - 2*b'*A*x + norm2(b)^2", "x", "2*A'*(A*x - b)"),  # shorter from the completed square
        ("logdet(inv(X'*X))", "X", "-2*X*inv(X'*X)"),
        ("tr(kron(S, X'*X))", "X", "2*tr(S)*X"),  # by the separated form
        ("x'*S*x", "x", "2*S*x"),
        ("x'*S*x", "S", "x*x'"),
    ],
)
def test_no_longer_than_in_print(f: str, wrt: str, book: str) -> None:
    function, table = parse(f, KINDS), default_table()
    variable = parse(wrt, KINDS)
    short = Simplifier(rewriter(table))
    (gradient,) = shortest_gradients(function, [variable], "auto", table, short).values()

    assert length(gradient) <= length(parse(book, KINDS))
    assert short.settled(gradient) is gradient
    assert verify_gradient(function, variable, gradient)
