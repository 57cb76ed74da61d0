"""Formulas on several lines: what they look like, and that nothing of them is lost."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from strategies import examples, expressions

import matcalc as mc
from matcalc import ops
from matcalc.expr import Expr
from matcalc.language.parse import parse
from matcalc.printing.mathml import mathml
from matcalc.printing.screen import _layout, screen

SHOWN = {
    ("[A, u; x', s]*[x; t]", "A: matrix(m, n)"): """
⎛ A   u ⎞ ⎛ x ⎞
⎝ xᵀ  s ⎠ ⎝ t ⎠
""",
    ("s/(s + t)^2 - x'*A*x/(y'*y)", "A: matrix(n, n); s: scalar; t: scalar"): """
    s         xᵀAx
────────── − ──────
 (s + t)²     yᵀy
""",
    ("-(A*x - b)/norm2(A*x - b)", "b: vector(m)"): """
     Ax − b
− ───────────
   ‖Ax − b‖₂
""",
    ("((s + t)/(s - t))^3*inv(A)'*x1", "A: matrix(n, n); x1: vector(n); s: scalar; t: scalar"): """
⎛ s + t ⎞³
⎜───────⎟  A⁻ᵀx₁
⎝ s − t ⎠
""",
    ("sqrt(s/(t + s))*exp(-s/(2*t))", "s: scalar; t: scalar"): """
 ⎛   s   ⎞    ⎛   s  ⎞
√⎜───────⎟·exp⎜− ────⎟
 ⎝ t + s ⎠    ⎝   2t ⎠
""",
    ("(s + t)/r^(s/t)", "s: scalar; t: scalar; r: scalar"): """
 s + t
───────
    s
   ───
    t
  r
""",
}


@pytest.mark.parametrize(("typed", "declared"), SHOWN)
def test_formulas(typed: str, declared: str) -> None:
    shown = screen([(None, parse(typed, declared))], 80)

    assert shown is not None
    assert shown.splitlines() == SHOWN[typed, declared].strip("\n").splitlines()


def test_a_name_stands_on_the_base_line() -> None:
    e = parse("(x - y)/s", "s: scalar; x: vector(n); y: vector(n)")

    assert screen([("dW1", e)], 80) == "       x − y\ndW₁ = ───────\n         s"


@pytest.mark.parametrize("typed", ["A'*x", "x/s", "A*x/n", "s/norm2(x)", "x'*A*x/2", "1/2*x"])
def test_one_line_is_as_good_where_nothing_needs_brackets(typed: str) -> None:
    assert screen([(None, parse(typed, "s: scalar; n: scalar; A: matrix(p, p)"))], 80) is None


def test_without_room_there_is_no_such_form() -> None:
    e = parse("(aa + bb)/(cc + dd)", "aa, bb, cc, dd: scalar")

    assert screen([(None, e)], 9) is not None
    assert screen([(None, e)], 8) is None


@given(expressions(depth=3))
@examples(150)
def test_no_token_is_lost(made: tuple[Expr, object]) -> None:
    """Names and numbers of the MathML are all there, and all lines are as wide as the first."""
    tree = ET.fromstring(mathml(made[0]))
    box = _layout(tree)
    plain = unicodedata.normalize("NFKC", "".join(box.lines))

    assert len({len(line) for line in box.lines}) == 1
    assert 0 <= box.base < len(box.lines)
    for e in tree.iter():
        if e.tag.endswith(("}mi", "}mn")) and e.text and e.text != "⊤":
            assert unicodedata.normalize("NFKC", e.text) in plain


def test_deep_and_long_formulas_stay_on_one_line() -> None:
    e = parse("(s + t)/(s - t)", "s, t: scalar")
    for _ in range(3000):
        e = ops.fn("tanh", e)

    assert screen([(None, e)], 10**6) is None
    assert mathml(e).count("<mi>tanh</mi>") == 3000


def test_answers() -> None:
    d = mc.derive("norm2(x - c)^2/(a + b)", "x", "c: vector(n)")
    assert d.screen(80) == " 2(x − c)\n──────────\n  a + b"
    assert mc.derive("A*X*B", "X").screen(80) is None
    assert mc.derive("sum(x.^4)/(a + b)", "x", order=3).screen(80) is None
    assert mc.derive("tr(F(X)*A)", "X", "F: function(matrix(n, n)) -> matrix(n, n)").screen(80) is None
    solution = mc.solve("norm2(x - y)^2/2 + c*norm2(x)^2", "x", "c: scalar, positive")
    assert solution.screen(80) == "       y\nx = ────────\n     1 + 2c"
    program = mc.derive("Y: onehot(N, K)\nZ = X*W\nL = -1/N*sum(Y .* log(softmax(Z, axis=1)))", "W")
    shown = program.screen(80)
    assert shown is not None
    assert re.search(r"^dZ = ─+$", shown, flags=re.MULTILINE)
