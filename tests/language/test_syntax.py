"""The grammar: precedence, juxtaposition, Unicode, statements, messages with a place, limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from work import counted

from matcalc.errors import LimitError, MatcalcError, SyntaxProblem
from matcalc.language import syntax
from matcalc.language.parse import parse
from matcalc.language.syntax import kind_statement, statements

DECLARED = """
A: matrix(m, n); B: matrix(n, n); X: matrix(n, d); x: vector(n); y: vector(n); z: vector(m); w: vector(d)
a: scalar; b: scalar; c: scalar; lambda: scalar; s: function; r: row(n); sigma_1: scalar
"""


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-a^2", "-(a^2)"),
        ("-a'^2", "-((a')^2)"),
        ("a^b^c", "a^(b^c)"),
        ("2^-a^2", "2^(-(a^2))"),
        ("a^-b", "a^(-b)"),
        ("a**2", "a^2"),
        ("a ** b ** c", "a^(b^c)"),
        ("a/b*c", "(a/b)*c"),
        ("a/b/c", "(a/b)/c"),
        ("a - b - c", "(a - b) - c"),
        ("a - b + c", "(a - b) + c"),
        ("a*b .* c", "(a*b) .* c"),
        ("x .* y*a", "(x .* y)*a"),
        ("a*x .* y", "(a*x) .* y"),
        ("x ./ y .* x", "(x ./ y) .* x"),
        ("x.^2.*y", "(x.^2) .* y"),
        ("A*x'*y", "A*(x'*y)"),
        ("A*x + z < z", "((A*x) + z) < z"),
        ("--a", "-(-a)"),
        ("+a", "a"),
        ("a*-b", "a*(-b)"),
        ("a - -b", "a - (-b)"),
        ("-a*b", "(-a)*b"),
        ("2x", "2*x"),
        ("2 x", "2*x"),
        ("2a^2", "2*(a^2)"),
        ("1/2x", "(1/2)*x"),
        ("x' B x", "x'*B*x"),
        ("2(a + b)", "2*(a + b)"),
        ("(a + b)(b + c)", "(a + b)*(b + c)"),
        ("x'x", "x'*x"),
        ("B@x", "B*x"),
        ("1./x", "1 ./ x"),
        ("2.*x", "2 .* x"),
        ("2.^x", "2 .^ x"),
        ("1.5x", "1.5*x"),
        (".5*x", "0.5*x"),
        ("1e-3*x", "0.001*x"),
        ("1e3*x", "1000*x"),
        ("x.T*y", "x'*y"),
        ("x.'*y", "x'*y"),
        ("(A*x).T*z", "(A*x)'*z"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert parse(text, DECLARED) is parse(same, DECLARED)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("xᵀ B x", "x'*B*x"),
        ("x⊤y", "x'*y"),
        ("x′*y", "x'*y"),
        ("λ‖w‖²", "lambda*norm2(w)^2"),
        ("‖w‖₁", "norm1(w)"),
        ("||x|| ||y||", "norm2(x)*norm2(y)"),
        ("||A*x - z||_1", "norm1(A*x - z)"),
        ("‖w‖₂", "norm2(w)"),
        ("‖X‖_F", "norm2(X)"),
        ("‖x‖‖y‖", "norm2(x)*norm2(y)"),
        ("‖A*x - z‖²", "norm2(A*x - z)^2"),
        ("B⁻¹ x", "inv(B)*x"),
        ("B⁻¹", "B^-1"),
        ("B⁻ᵀ", "inv(B)'"),
        ("B³", "B^3"),
        ("B²'", "(B^2)'"),
        ("a¹⁰", "a^10"),
        ("x ∘ y ⊙ x", "x .* y .* x"),
        ("x ⊘ y", "x ./ y"),
        ("a·b × c − b", "a*b*c - b"),
        ("σ(x)", "sigmoid(x)"),
        ("σ₁*x", "sigma1*x"),
        ("σ_1*x", "sigma_1*x"),
        ("x ≤ y", "x <= y"),
        ("x ≥ y", "x >= y"),
        ("2π", "2*pi"),
        ("a\u00a0+\u2009b", "a + b"),
    ],
)
def test_unicode(text: str, same: str) -> None:
    assert parse(text, DECLARED) is parse(same, DECLARED)


def test_a_transpose_of_a_power_in_superscripts_is_of_the_power() -> None:
    assert parse("(x')²", "x: scalar") is parse("x'²", "x: scalar")
    assert parse("(B²)ᵀ", DECLARED) is parse("B²ᵀ", DECLARED)


def test_statements_are_separated_by_lines_and_semicolons() -> None:
    forms = [s.form for s in statements("X: matrix(N, d)  # data\n\nZ = X*w; H = s(Z);\n\n# the loss\nsum(H)\n")]

    assert forms == ["declaration", "definition", "definition", "function"]


def test_lines_go_on_inside_brackets_and_after_operators() -> None:
    assert len(statements("f = (a\n + b\n)*\n c\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "for i in 1..3: h{i} = W{i}*h{i-1}; g{i} = h{i}\nsum(h3)",
        "for i in 1..3:\n  h{i} = W{i}*h{i-1}\n  # between\n\n  g{i} = h{i};\nsum(h3)",
    ],
)
def test_loops_stand_on_one_line_or_in_an_indented_block(text: str) -> None:
    loop, last = statements(text)

    assert (loop.form, last.form) == ("loop", "function")
    assert [s.names[0] for s in loop.body] == ["h{i}", "g{i}"]


def test_a_kind_has_facts() -> None:
    assert [str(f) for f in kind_statement("matrix(n, n), invertible, positive").facts] == ["invertible", "positive"]


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "empty"),
        ("  # nothing", 11, "empty"),
        ("x +* y", 3, "two operators in a row"),
        ("x + * y", 4, "two operators in a row"),
        ("* x", 0, "nothing to its left"),
        ("x +", 3, "ends too early"),
        ("(x + y", 0, "never closed"),
        ("exp(x", 3, "never closed"),
        ("x[0", 1, "never closed"),
        ("(x]", 0, "never closed"),
        ("x)", 1, "closes nothing"),
        ("‖x", 0, "never closed"),
        ("||x", 0, "never closed"),
        ("x + ‖₂", 4, "not opened"),
        ("f(x,)", 4, "missing"),
        ("x, y", 4, "comma outside of brackets"),
        ("a < b < c", 6, "do not chain"),
        ("x = = y", 4, "equals sign"),
        ("(x = y)", 3, "equals sign"),
        ("3 4", 2, "operator is missing"),
        ("x 4", 2, "operator is missing"),
        ("[a b]", 3, "comma or an operator is missing"),
        ("x.^2'", 4, "transposes the exponent"),
        ("x.__class__", 1, "full stop"),
        ("__import__('os')", 0, "begins with a letter"),
        ("_x", 0, "begins with a letter"),
        ("lambda: 0", 8, "not a kind"),
        ('exp("x")', 4, "quotation"),
        ("eval('1')", 5, "quotation"),
        ("x\x00", 1, "control character"),
        ("x\x1b[2J", 1, "control character"),
        ("x \u202e y", 2, "not in the language"),
        ("é + 1", 0, "not in the language"),
        ("|x|", 0, "abs(x)"),
        ("A\\b", 1, "not in the language"),
        ("x; y; (", 6, "never closed"),
        ("x\ny", 0, "no name"),
        ("for i in 1..3: for j in 1..3: x", 15, "loop inside a loop"),
        ("for i in 1..3", 13, "after a colon"),
        ("2πr", 1, "product of π"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, position: int, said: str) -> None:
    with pytest.raises(MatcalcError) as caught:
        parse(text)

    assert said in str(caught.value)
    assert caught.value.position == position
    assert caught.value.text == text


def test_the_message_shows_the_line_with_a_caret() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("a = 1\nb = (a +\nc = b")

    lines = str(caught.value).splitlines()
    assert lines[1].index("(") == lines[2].index("^")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000 + "x" + ")" * 50_000,
        "[" * 50_000 + "x" + "]" * 50_000,
        "exp(" * 20_000 + "x" + ")" * 20_000,
        "x" * 1_000_001,
        "x" * 900_000,
        "9" * 100_000,
        "1e999999999",
        "x" + "²" * 10_000,
        "X^1000000",
        "a^1000000",
        "for i in 1..1000000000: h{i} = x",
        "eye(" + "+".join(f"n{i}" for i in range(10_000)) + ")",
        "eye(" + "*".join(f"(n{i} + 1)" for i in range(100)) + ")",
        "[" + ", ".join(f"A{i}" for i in range(3_000)) + "]",
        "kron(A, " * 3_000 + "A" + ")" * 3_000,
    ],
    ids=lambda text: text[:12],
)
def test_limits_are_one_message_after_bounded_work(text: str) -> None:
    def refused() -> None:
        with pytest.raises(LimitError) as caught:
            parse(text)
        messages.append(str(caught.value))

    messages: list[str] = []
    assert counted(refused, "") < 25 * len(text) + 50_000
    assert len(messages[0]) < 500


@pytest.mark.parametrize(
    "text",
    [
        "+".join(f"x{i}'*y" for i in range(20_000)),
        "*".join(["X"] * 20_000),
        ".*".join(["x"] * 20_000),
        "*".join(["x'*y"] * 10_000),
        "exp(" * 5_000 + "x" + ")" * 5_000,
        "(" * 9_000 + "x" + ")" * 9_000,
        "-" * 20_000 + "x",
        "x" + "'" * 20_000,
        "a" + "^a" * 10_000,
        "x + " + " + ".join(f"b{i}" for i in range(3_000)),
        "x1 = x'*x\n" + "\n".join(f"x{i + 1} = x{i} + x{i}" for i in range(1, 10_000)),
        "x1 = x\n" + "\n".join(f"x{i + 1} = x{i} .* x{i}" for i in range(1, 10_000)),
        "X1 = X\n" + "\n".join(f"X{i + 1} = X{i}*X{i}" for i in range(1, 2_000)),
        "h0 = x\nfor i in 1..1000: h{i} = s(W{i}*h{i-1} + b{i})\nnorm2(y - h1000)^2",
    ],
    ids=lambda text: text[:12],
)
def test_long_and_deep_inputs_are_read(text: str) -> None:
    parse(text)


def test_the_tables_of_the_parser_are_kept_and_never_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same statements from a parser made anew, from kept tables, and where what is kept is spoilt."""
    kept = tmp_path / "grammar.tables"
    monkeypatch.setattr(syntax, "_kept_tables", lambda: str(kept))
    found = []
    try:
        for spoilt in (None, None, b"not tables"):
            if spoilt is not None:
                assert kept.stat().st_size > 1000
                kept.write_bytes(spoilt)
            syntax._parser.cache_clear()
            (statement,) = statements("x'*A*x + sum(exp(-y))")
            found.append([(n.op, n.data, n.start, n.stop) for n in statement.nodes])
            with pytest.raises(SyntaxProblem) as error:
                statements("x'*(A")
            found.append([str(error.value)])
    finally:
        syntax._parser.cache_clear()
    assert found[0] == found[2] == found[4]
    assert found[1] == found[3] == found[5]
