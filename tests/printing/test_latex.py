"""LaTeX: the forms a lecture would use, brackets that match, names that stay apart."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from strategies import KINDS, VARIABLES, examples, expressions

from matcalc import ops
from matcalc.expr import Expr
from matcalc.language.parse import parse
from matcalc.ops import add, had, mul, neg, num, power, reciprocal, sub, transpose
from matcalc.printing.formulas import where_lines
from matcalc.printing.latex import LATEX, Notation, latex
from matcalc.printing.latex_names import latex_name, name_table
from matcalc.shapes import ONE, Dim

A, B, X, S, W = (VARIABLES[name] for name in ("A", "B", "X", "S", "W1"))
x, y, u, w, r, s, t = (VARIABLES[name] for name in ("x", "y", "u", "w", "r", "s", "t"))
m, n = Dim.of("m"), Dim.of("n")
N = ops.dim(n)
loss = ops.sym("loss", KINDS["s"])
yhat = ops.sym("yhat", KINDS["x"])

CASES = {
    r"2 A^\top (A x - u)": mul(num(2), transpose(A), sub(mul(A, x), u)),
    r"-X^{-\top} x y^\top X^{-\top}": mul(
        num(-1), transpose(ops.inv(X)), x, transpose(y), transpose(ops.inv(X))
    ),
    r"\frac{1}{n} A^\top (u - A x)": mul(reciprocal(N), transpose(A), sub(u, mul(A, x))),
    r"\frac{A - W_{1}}{n}": mul(sub(A, W), reciprocal(N)),
    r"\frac{2}{n} A": mul(num(2), reciprocal(N), A),
    r"-\frac{1}{2} s": mul(num(Fraction(-1, 2)), s),
    r"\frac{s t}{s - t}": mul(s, t, reciprocal(sub(s, t))),
    r"\mathrm{loss} \, A x": mul(loss, A, x),
    r"2 \cdot 3 s": mul(num(2), num(3), s),
    r"(s + t)^{2}": power(add(s, t), num(2)),
    r"\left( \frac{1}{s} \right)^{2}": power(reciprocal(s), num(2)),
    r"s^{1/2}": power(s, num(Fraction(1, 2))),
    r"(s^{t})^{2}": power(power(s, t), num(2)),
    r"x^{\odot 2}": power(x, num(2)),
    r"X^{2}": ops.matpow(X, num(2)),
    r"(X^\top)^{2}": ops.matpow(transpose(X), num(2)),
    r"(A x) \odot u \odot (1 - u)": had(mul(A, x), u, sub(ops.ones(m, ONE), u)),
    r"(1 \oslash x) \odot y": had(reciprocal(x), y),
    r"-x \odot y": had(neg(x), y),
    r"-(x \oslash y)": neg(had(x, reciprocal(y))),
    r"x \odot [x \odot \hat{y} < 1]": had(x, ops.compare("<", had(x, yhat), num(1))),
    r"\lVert A x - u \rVert_{2}^{2}": power(ops.norm2(sub(mul(A, x), u)), num(2)),
    r"\lVert A \rVert_{F}": ops.norm2(A),
    r"\lVert \operatorname{vec}(A) \rVert_{1}": ops.norm1(A),
    r"\log\det(X)": ops.logdet(X),
    r"\operatorname{tr}(X)": ops.trace(X),
    r"x^\top \otimes I_{m}": ops.kron(transpose(x), ops.eye(m)),
    r"\mathbf{1}_{m} r": mul(ops.ones(m, ONE), r),
    r"\mathbf{1}_{m \times n}": ops.ones(m, n),
    r"\mathbf{1}^\top A": ops.total(A, 0),
    r"A \mathbf{1}": ops.total(A, 1),
    r"\operatorname{softmax}_{\mathrm{rows}}(A)": ops.softmax(A, 1),
    "X^{-2} x": mul(ops.matpow(ops.inv(X), num(2)), x),
    r"f'(x)": ops.ufn("f", KINDS["f"], [x], 1),
    r"\mathrm{D} g(x)": ops.ufn("g", KINDS["g"], [x], (0,)),
    r"\nabla h(x)": ops.ufn("h", KINDS["h"], [x], (0,)),
    r"\nabla_{2} l(u, x)": ops.ufn("l", KINDS["l"], [u, x], (1,)),
    r"\nabla^{2} h(x)": ops.ufn("h", KINDS["h"], [x], (0, 0)),
    r"\nabla_{1,2}^{2} l(u, x)": ops.ufn("l", KINDS["l"], [u, x], (0, 1)),
    r"\begin{pmatrix} A & u \\ x^\top & s \end{pmatrix}": ops.block([[A, u], [transpose(x), s]]),
    r"x_{0}": ops.slice_(x, ("at",), ("all",), num(0)),
    r"[A x]_{{:}-1}": ops.slice_(mul(A, x), ("range", None, -1), ("all",)),
    r"1.5 \times 10^{-9}": num(Fraction("1.5e-9")),
    r"A \, \mathrm{d}x": mul(A, ops.formal_differential(x)),
    r"\mathrm{d}X^\top \, \mathrm{d}(S X)": mul(
        transpose(ops.formal_differential(X)), ops.formal_differential(mul(S, X))
    ),
    r"\operatorname{tril}(X)": ops.part("lower", X),
    r"\lambda": VARIABLES["lambda"],
    r"(A^{+})^\top": transpose(ops.pinv(A)),
}


@pytest.mark.parametrize("shown", CASES)
def test_latex(shown: str) -> None:
    assert latex(CASES[shown]) == shown


GOLDEN = (Path(__file__).parent.parent / "golden" / "formulas.tex").read_text(encoding="utf-8").strip().split("\n\n")
DECLARED = GOLDEN[0].replace("% ", "")


@pytest.mark.parametrize("block", GOLDEN[1:], ids=lambda block: block.splitlines()[0][2:])
def test_golden(block: str) -> None:
    """The file shows what is typed (as a comment) and the formula under it."""
    typed, shown = block.split("\n", 1)
    assert latex(parse(typed.removeprefix("% "), DECLARED)) == shown
    check_brackets(shown)


def test_entries_are_told_from_subscripted_names() -> None:
    """x[0] is x_{0}, unless some name has a subscript itself."""
    x0 = ops.sym("x0", KINDS["s"])
    entry = ops.slice_(x, ("at",), ("all",), num(0))
    assert latex(add(entry, x0)) == "[x]_{0} + x_{0}"


def test_sum_over_an_index() -> None:
    i = ops.idx("i")
    entry = ops.slice_(x, ("at",), ("all",), i)
    whole = ops.isum(i, num(0), add(N, num(-1)), mul(entry, s))
    assert latex(whole) == r"\sum_{i=0}^{n - 1} x_{i} s"
    assert latex(mul(whole, t)) == r"\left( \sum_{i=0}^{n - 1} x_{i} s \right) t"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("W1", "W_{1}"),
        ("b_out", r"b_{\mathrm{out}}"),
        ("x_i", "x_{i}"),
        ("x_1_2", "x_{1,2}"),
        ("lambda2", r"\lambda_{2}"),
        ("Sigma_x", r"\Sigma_{x}"),
        ("x_mu", r"x_{\mu}"),
        ("Alpha", r"\mathrm{A}"),
        ("yhat", r"\hat{y}"),
        ("thetabar", r"\bar{\theta}"),
        ("loss", r"\mathrm{loss}"),
        ("chat", r"\hat{c}"),
        ("that_", r"\mathtt{that\_}"),
        ("_x", r"\mathtt{\_x}"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert latex_name(name) == shown


def test_different_names_print_differently() -> None:
    table = name_table(["W1", "W_1", "yhat", "omicron", "o", "Alpha", "A"])
    assert len(set(table.values())) == len(table)


def test_notation() -> None:
    """One place says how transposes and given names look."""
    dW = ops.sym("dW1", KINDS["A"])
    notation = Notation(transpose=r"\mathsf{T}", names={"dW1": r"\frac{\partial L}{\partial W_{1}}"})
    assert latex(transpose(dW), notation) == (
        r"\left( \frac{\partial L}{\partial W_{1}} \right)^{\mathsf{T}}"
    )


def test_where_lines() -> None:
    z1 = ops.sym("z1", KINDS["u"])
    assert where_lines(LATEX, [("z1", mul(W, x)), ("h", ops.fn("tanh", z1))]) == (
        "\\begin{aligned}\nz_{1} &= W_{1} x \\\\\nh &= \\tanh(z_{1})\n\\end{aligned}"
    )


def check_brackets(shown: str) -> None:
    """Braces and brackets nest; every left has its right; no superscript stands on another."""
    closing = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for sign in re.findall(r"\\left[(\[]|\\right[)\]]|\\[A-Za-z]+|\\.|[(){}\[\]]", shown):
        bare = sign[-1]
        if sign[0] == "\\" and bare not in "([])":
            continue
        if bare in "([{":
            stack.append(bare)
        elif bare in closing:
            assert stack, shown
            assert stack.pop() == closing[bare], shown
    assert not stack, shown
    assert shown.count(r"\left") == shown.count(r"\right")
    assert shown.count(r"\begin{pmatrix}") == shown.count(r"\end{pmatrix}")


@given(expressions(depth=3))
@examples(200)
def test_brackets_match(made: tuple[Expr, object]) -> None:
    check_brackets(latex(made[0]))


def superscripts_are_single(shown: str) -> bool:
    """No ``a^b^c``: after a superscript's argument no other superscript follows."""
    place = 0
    while (place := shown.find("^", place)) >= 0:
        place += 1
        if shown[place] == "{":
            depth, end = 1, place + 1
            while depth:
                depth += (shown[end] == "{") - (shown[end] == "}")
                end += 1
        else:
            match = re.match(r"\\[A-Za-z]+|.", shown[place:])
            assert match is not None
            end = place + match.end()
        if shown[end : end + 1] == "^":
            return False
    return True


@given(expressions(depth=3))
@examples(200)
def test_no_double_superscripts(made: tuple[Expr, object]) -> None:
    """TeX stops at a double superscript (and a prime is one)."""
    shown = latex(made[0])
    assert superscripts_are_single(shown), shown
    assert "'^" not in shown
