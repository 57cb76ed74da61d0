"""length(e) is the number of symbols of text(e)."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from strategies import KINDS, VARIABLES, examples, expressions
from work import counted

from matcalc import ops
from matcalc.errors import LimitError
from matcalc.expr import Expr
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.shapes import Dim

SYMBOL = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?|\w+|\.[*/^]|[<>=]=?|[-+*/^'@]")
V = VARIABLES
A, B, X, x, y, u, s, t = (V[name] for name in ("A", "B", "X", "x", "y", "u", "s", "t"))
n = Dim.of("n")


def count(shown: str) -> int:
    """Symbols of a text, counted by eye: names, numbers and operators; brackets, commas, colons do not count."""
    return len(SYMBOL.findall(shown.replace("..", " ")))


@pytest.mark.parametrize(
    ("expr", "size"),
    [
        (ops.mul(ops.num(2), ops.transpose(A), ops.sub(ops.mul(A, x), u)), 10),
        (ops.mul(ops.add(X, ops.transpose(X)), x), 6),
        (ops.mul(ops.num(-1), ops.transpose(ops.inv(X)), x, ops.transpose(y), ops.transpose(ops.inv(X))), 13),
        (ops.eye(n), 2),
        (ops.eye(n * 2), 4),
        (ops.num(Fraction(1, 3)), 3),
        (ops.num(Fraction(37, 100)), 1),
        (ops.total(A, 0), 5),
        (ops.ufn("h", KINDS["h"], [x], (0, 0)), 3),
        (ops.ufn("l", KINDS["l"], [u, x], (0, 1)), 6),
        (ops.slice_(x, ("range", 1, -2), ("all",)), 4),
    ],
)
def test_documented_lengths(expr: Expr, size: int) -> None:
    assert length(expr) == size == count(text(expr))


@given(expressions(depth=4))
@examples(300)
def test_length_counts_the_symbols_of_the_text(made: tuple[Expr, object]) -> None:
    expr = made[0]
    assert length(expr) == count(text(expr))


def test_shared_nodes_count_each_time_but_cost_once() -> None:
    """Doubling 200 times: more symbols than could ever be printed, found at once, and printing is refused."""
    expr = s
    for _ in range(200):
        expr = ops.mul(t, ops.add(expr, ops.fn("sin", expr)))
    assert length(expr) > 2**200
    assert counted(lambda: length(ops.add(expr, s))) < 20_000
    with pytest.raises(LimitError, match="symbols"):
        text(expr)


def test_deep_and_wide() -> None:
    deep = s
    for _ in range(20_000):
        deep = ops.fn("sin", deep)
    assert length(deep) == 20_001
    assert text(deep).startswith("sin(sin(")
    wide = ops.add(*(ops.mul(ops.num(k), s) for k in range(2, 20_002)))
    assert length(wide) == 4 * 20_000 - 1
