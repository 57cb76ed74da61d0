"""Arrays of a small known size are written by their entries, where that is not longer."""

from __future__ import annotations

import pytest

from matcalc import derive
from matcalc.calculus.components import in_components
from matcalc.expr import topological
from matcalc.language.parse import parse
from matcalc.printing.measure import length
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

KINDS = "x: vector(3); r: row(2); X: matrix(2, 2); A: matrix(2, 2); z: vector(n); B: matrix(m, 2); u: vector(2)"


def short() -> Simplifier:
    return Simplifier(rewriter(default_table()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[1]*unit(0, 3) + x[0]*unit(1, 3)", "[x[1]; x[0]; 0]"),
        ("x[1]*unit(-1, 3) - 2*unit(0, 3) + unit(0, 3)*a", "[a - 2; 0; x[1]]"),
        ("r[0]*unit(0, 2)' + sin(r[1])*unit(1, 2)'", "[r[0], sin(r[1])]"),
        ("a*unit(0, 2)*unit(1, 2)' + b*unit(1, 2)*unit(0, 2)'", "[0, a; b, 0]"),
        ("[a; b]*unit(1, 2)' + [c; 0]*unit(0, 2)'", "[c, a; 0, b]"),
        ("(a*unit(0, 2) + b*unit(1, 2)) .* [c; f]", "[a*c; b*f]"),
        ("B*(a*unit(0, 2) + b*unit(1, 2))", "B*[a; b]"),
        ("exp(a*unit(0, 2) + b*unit(1, 2)) + u", "[exp(a) + u[0]; exp(b) + u[1]]"),
        ("[exp(a*unit(0, 2) + b*unit(1, 2)); a*unit(0, 2) + b*unit(1, 2)]", "[[exp(a); exp(b)]; [a; b]]"),
        # longer by entries, of unknown size, or not made of places: as it was
        ("unit(0, 3)", "unit(0, 3)"),
        ("z[0]*unit(1, n) + z[1]*unit(0, n)", "z[0]*unit(1, n) + z[1]*unit(0, n)"),
        ("X*A*u", "X*A*u"),
        ("a*unit(0, 40) + b*unit(1, 40)", "a*unit(0, 40) + b*unit(1, 40)"),
    ],
)
def test_sums_of_places(text: str, expected: str) -> None:
    e = short()(parse(text, KINDS))
    found = in_components(e, short())
    assert found is parse(expected, KINDS) or short()(found) is short()(parse(expected, KINDS))
    assert length(found) <= length(e)
    if "unit" not in expected:
        assert all(n.op != "unit" for n in topological(found))


@pytest.mark.parametrize(
    ("f", "declare", "order", "expected"),
    [
        ("x[0]*x[1] + x[2]^2", "x: vector(3)", 1, "[x[1]; x[0]; 2*x[2]]"),
        ("X[0,0]*X[1,1] - X[0,1]*X[1,0]", "X: matrix(2, 2)", 1, "[X[1, 1], -X[1, 0]; -X[0, 1], X[0, 0]]"),
        ("[x[0]*x[1]; x[1]^2]", "x: vector(2)", 1, "[x[1], x[0]; 0, 2*x[1]]"),
        ("x[0]^2*x[1]", "x: vector(2)", 2, "[2*x[1], 2*x[0]; 2*x[0], 0]"),
    ],
)
def test_derivatives_by_entries(f: str, declare: str, order: int, expected: str) -> None:
    d = derive(f, wrt=declare[0], declare=declare, order=order)
    assert d.text() == expected
    assert d.verify()
