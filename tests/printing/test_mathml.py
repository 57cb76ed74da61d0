"""MathML: well-formed and of Core alone, the same formula as the LaTeX, different for different expressions."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from mathml_checks import PAGELESS, check_mathml, latex_tokens, tokens
from strategies import KINDS, VARIABLES, examples, expressions, grow

import matcalc as mc
from matcalc import ops
from matcalc.expr import Expr, fold
from matcalc.kinds import SCALAR_KIND
from matcalc.language.greek import LETTERS
from matcalc.language.parse import parse
from matcalc.printing.formulas import Typesetter
from matcalc.printing.mathml import MATHML, mathml
from matcalc.printing.notation import Notation, notation_of
from matcalc.printing.text import text
from matcalc.shapes import ONE

A, X, x, s, t = (VARIABLES[name] for name in ("A", "X", "x", "s", "t"))
T = '<mi mathvariant="normal" intent="transpose">⊤</mi>'
TIMES, APPLY = "<mo>\u2062</mo>", "<mo>\u2061</mo>"
OPEN, CLOSE = '<mrow><mo form="prefix" stretchy="false">(</mo>', '<mo form="postfix" stretchy="false">)</mo></mrow>'


@pytest.fixture(autouse=True)
def _standard() -> Iterator[None]:
    """No test leaves its notation behind."""
    yield
    mc.set_notation()


def inside(shown: str) -> str:
    """Without the ``math`` element around it."""
    return re.sub(r"^<math [^>]*>|</math>$", "", shown)


def of(typed: str, declared: str = "", notation: str = "") -> str:
    return inside(mathml(parse(typed, declared), notation_of(notation)))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2*A'*x", f"<mn>2</mn>{TIMES}<msup><mi>A</mi>{T}</msup>{TIMES}<mi>x</mi>"),
        ("inv(X)'", f'<msup><mi>X</mi><mrow><mo form="prefix">−</mo>{T}</mrow></msup>'),
        ("inv(X)^2", '<msup><mi>X</mi><mrow><mo form="prefix">−</mo><mn>2</mn></mrow></msup>'),
        ("log(s)", f"<mi>log</mi>{APPLY}{OPEN}<mi>s</mi>{CLOSE}"),
        ("s/t", "<mfrac><mi>s</mi><mi>t</mi></mfrac>"),
        ("-s", '<mo form="prefix">−</mo><mi>s</mi>'),
        ("s^2", "<msup><mi>s</mi><mn>2</mn></msup>"),
        ("2*3^s", "<mn>2</mn><mo>⋅</mo><msup><mn>3</mn><mi>s</mi></msup>"),  # not 23 to the s
        ("sqrt(s)", "<msqrt><mi>s</mi></msqrt>"),
        ("loss*t", f'<mi>loss</mi>{TIMES}<mspace width="0.167em"/><mi>t</mi>'),
        ("W1", "<msub><mi>W</mi><mn>1</mn></msub>"),
        ("yhat", '<mover accent="true"><mi>y</mi><mo stretchy="false">^</mo></mover>'),
        ("Sigma*s", f'<mi mathvariant="normal">Σ</mi>{TIMES}<mi>s</mi>'),
        ("x[0]", "<msub><mi>x</mi><mn>0</mn></msub>"),
        ("norm2(x)", '<msub><mrow><mo form="prefix" stretchy="false">‖</mo><mi>x</mi>'
                     '<mo form="postfix" stretchy="false">‖</mo></mrow><mn>2</mn></msub>'),
        ("(s < t)*s", '<mrow><mo form="prefix" stretchy="false">[</mo><mi>s</mi><mo>&lt;</mo><mi>t</mi>'
                      f'<mo form="postfix" stretchy="false">]</mo></mrow>{TIMES}<mi>s</mi>'),
    ],
)  # fmt: skip
def test_formulas(typed: str, shown: str) -> None:
    declared = "s, t, loss: scalar; X: matrix(n, n); Sigma: matrix(n, n)"
    assert of(typed, declared) == shown


def test_notation() -> None:
    typed, declared = "tr(A)*A'*(x .* mu)", "A: matrix(n, n); x, mu: vector(n)"
    assert '<mi intent="transpose">T</mi>' in of(typed, declared, "transpose=T")
    assert "<mo>′</mo>" in of(typed, declared, "transpose=prime")
    assert "<mo>∘</mo>" in of(typed, declared, "hadamard=circ")
    assert "<mi>Tr</mi>" in of(typed, declared, r"trace=\operatorname{Tr}")
    bold = of(typed, declared, "bold")
    assert "<mi>𝐱</mi>" in bold
    assert "<mi>𝝁</mi>" in bold
    assert "<mi>A</mi>" in bold
    assert "<mi>𝐀</mi>" in of(typed, declared, "bold=arrays")


def test_fences_are_as_tall_as_what_is_inside() -> None:
    assert '<mo form="prefix">(</mo>' in of("(s/t)^2", "s, t: scalar")
    assert '<mo form="prefix" stretchy="false">(</mo>' in of("(s + t)^2", "s, t: scalar")


def test_alternative_text_is_what_one_would_type() -> None:
    root = check_mathml(mathml(parse("A'*x + (y < z)", "A: matrix(n, n)")))
    assert root.get("alttext") == "A'*x + (y < z)"


@pytest.mark.parametrize("derivative", [(0,), (1,), (0, 1), (1, 1)])
def test_derivatives_of_undefined_functions_have_the_tokens_of_the_latex(derivative: tuple[int, ...]) -> None:
    e = ops.ufn("l", KINDS["l"], [VARIABLES["u"], x], derivative)
    assert tokens(check_mathml(mathml(e))) == latex_tokens(Typesetter(PAGELESS, [e])(e), LETTERS)


@given(expressions(depth=3))
@examples(200)
def test_the_tokens_are_those_of_the_latex(made: tuple[Expr, object]) -> None:
    e = made[0]
    root = check_mathml(mathml(e))
    assert root.get("alttext") == text(e)
    assert tokens(root) == latex_tokens(Typesetter(PAGELESS, [e])(e), LETTERS)


@given(expressions(depth=2))
@examples(100)
def test_every_notation_is_well_formed(made: tuple[Expr, object]) -> None:
    for choices in ("transpose=T, bold", "transpose=prime, hadamard=circ, bold=arrays", r"transpose=\dagger, trace=tr"):
        check_mathml(mathml(made[0], notation_of(choices)))


@pytest.mark.parametrize("seed", range(4))
def test_different_expressions_print_differently(seed: int) -> None:
    draw = random.Random(seed)
    seen: dict[str, Expr] = {}
    for _ in range(600):
        e, _ = grow(draw.randrange, None, draw.choice([1, 2, 2, 3]), False)
        other = seen.setdefault(inside(mathml(e)), e)
        assert plain(other) is plain(e), f"{text(other)} and {text(e)}"


def plain(e: Expr) -> Expr:
    """With ones(1, n) for ones(n)', which is the same row of ones."""

    def turned(n: Expr, args: list[Expr]) -> Expr:
        if n.op == "t" and args[0].op in ("ones", "zeros"):
            return ops.rebuild(n, args) if ONE not in args[0].shape else getattr(ops, args[0].op)(*n.shape)
        return n if tuple(args) == n.args else ops.rebuild(n, args)

    found: Expr = fold(e, turned)
    return found


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2*3^s", "23^s"), ("x[0]", "x0"), ("(s*t)^2", "s*t^2"), ("(-s)^2", "-s^2"), ("s/(t*r)", "s/t*r"),
        ("loss", "l*o*s*s"), ("x_1_2", "x_12"), ("s - (t - r)", "s - t - r"), ("W_1", "W1"), ("lambda", "λ1"),
        ("s^(t^r)", "(s^t)^r"), ("exp(s)*t", "exp(s*t)"), ("s*t*r", "st*r"),
    ],
)  # fmt: skip
def test_near_misses_of_one_formula_print_differently(left: str, right: str) -> None:
    declared = "s, t, r, st, loss, l, o, x0, x_1_2, x_12, W_1, W1: scalar; x: vector(n)"
    both = [parse(left, declared), parse(right, declared)]
    setter = Typesetter(MATHML, both)
    assert setter(both[0]) != setter(both[1])


def test_names_of_one_formula_stay_apart() -> None:
    shown = of("W1*W_1*omicron*o*Alpha*A", "W1, W_1, omicron, o, Alpha, A: scalar")
    factors = shown.replace('<mspace width="0.167em"/>', "").split(TIMES)
    assert len(set(factors)) == 6


@pytest.mark.parametrize("name", ["<b>", '"onload=', "a&b;", "]]>", "<!--", "\x00", "&lt;script&gt;", "𝐱\ud800"])
def test_a_hostile_name_stays_text(name: str) -> None:
    e = ops.mul(ops.sym(name, SCALAR_KIND), ops.sym(f"{name}_2", SCALAR_KIND))
    shown = mathml(e)
    check_mathml(shown)
    assert "<b>" not in shown
    assert "<!--" not in shown


# --- results -----------------------------------------------------------------------------------------

PROGRAM = "X: matrix(N, d)\nY: onehot(N, K)\nZ = X*W\nL = -1/N*sum(Y .* log(softmax(Z, axis=1)))"
DERIVED = {
    "gradient": ("norm2(A*x - b)^2", "x", {}),
    "several": ("x'*A*y", ["x", "y"], {}),
    "where": ("log(1 + x'*A*x)*sin(x'*A*x)*cos(x'*A*x)", "x", {"where": "always"}),
    "numerator": ("a'*X*b", "X", {"declare": "a, b: vector(n)", "layout": "numerator"}),
    "program": (PROGRAM, "W", {}),
    "patterns": (PROGRAM, "W", {"adjoint": "g{}"}),
    "jacobian": ("softmax(A*x)", "x", {}),
    "map": ("A*X*B", "X", {}),
    "row": ("r*X", "X", {"declare": "r: row(n)"}),
    "hessian": ("logdet(X)", "X", {"order": 2}),
    "blocks": ("x'*A*y", ["x", "y"], {"order": 2}),
    "matrix blocks": ("tr(U'*V)", ["U", "V"], {"order": 2}),
    "third": ("sum(x.^4)", "x", {"order": 3}),
    "third by a scalar": ("c^5", "c", {"order": 3}),
    "entry": ("A*X*B", "X[i, j]", {}),
    "formal": ("tr(F(X)*A)", "X", {"declare": "F: function(matrix(n, n)) -> matrix(n, n)"}),
    "index": ("sum(i, x[i]^3*w[i])", "x", {}),
}


@pytest.mark.parametrize("name", DERIVED)
def test_every_form_of_answer(name: str) -> None:
    function, wrt, options = DERIVED[name]
    d = mc.derive(function, wrt, **options)
    root = check_mathml(d.mathml())
    assert root.get("alttext") == d.text()
    found = latex_tokens(d._set(PAGELESS).replace(r"\colon\;", ""), LETTERS)
    assert [token for token in tokens(root) if token != ":"] == [token for token in found if token != ":"]
    check_mathml(d.explain("mathml"))
    for step in d.steps:
        assert check_mathml(step.mathml()).get("alttext") == step.text()
    for answer in d.json()["answers"].values():
        for key, value in answer.items():
            if key.endswith("mathml"):
                check_mathml(value)
    assert all("mathml" in answer for answer in d.json()["answers"].values())


def test_the_reasons_of_steps_are_words() -> None:
    d = mc.derive("x'*A*x", "x")
    root = check_mathml(d.explain("mathml", full=True))
    words = [e.text for e in root.iter() if e.tag.endswith("}mtext")]
    assert words == [step.reason(full=True) for step in d.steps]
    assert not any("`" in str(word) for word in words)


def test_the_notation_of_one_answer() -> None:
    d = mc.derive("norm2(A*x - b)^2", "x")
    assert "𝐱" in d.mathml("bold")
    assert "𝐱" not in d.mathml()
    assert r"\mathbf{x}" in mc.solve("norm2(A*x - b)^2", "x").latex("bold")


@pytest.mark.parametrize(
    ("function", "wrt"),
    [
        ("norm2(A*x - b)^2", "x"),
        ("norm2(A*x - b)^2 + norm2(x - y)^2", ["x", "y"]),
        ("sum(exp(A*x)) - z'*x", "x"),
        ("sum(exp(A*x)) + sum(exp(B*y)) + x'*y", ["x", "y"]),
    ],
)
def test_solutions(function: str, wrt: str | list[str]) -> None:
    solution = mc.solve(function, wrt)
    root = check_mathml(solution.mathml())
    assert root.get("alttext") == solution.text()
    found = latex_tokens(solution._set(PAGELESS), LETTERS)
    assert tokens(root) == found
    for answer in solution.json()["answers"].values():
        check_mathml(answer["mathml"])


def test_the_right_form_of_a_claim() -> None:
    wrong = mc.check("x'*A*x", "x", "2*A*x")
    assert check_mathml(wrong.mathml()).get("alttext") == wrong.right == "(A + A')*x"
    assert wrong.latex() == r"(A + A^\top) x"
    assert mc.check("x + y", None, "x").mathml() == ""


def test_a_name_that_the_notation_gives_in_latex_is_shown_as_it_is() -> None:
    shown = inside(mathml(VARIABLES["x"], Notation(names={"x": r"\xi<"})))
    assert shown == "<mi>x</mi>"
    assert KINDS["x"].text()


def test_a_second_script_stands_above_the_first() -> None:
    assert "<msubsup><mi>W</mi><mn>2</mn>" in mathml(parse("W_2'", "W_2: matrix(m, n)"))
    assert mathml(parse("norm2(x)^3", "x: vector(n)")).count("<msubsup>") == 1
    assert "<msubsup>" in mathml(parse("x[0]^2", "x: vector(n)"))
