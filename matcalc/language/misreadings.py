"""What to say of text that is not in the language."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from lark import Token

from matcalc.language.vocabulary import ELSEWHERE, FUNCTIONS, SAID

_DOTTED = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*")
_PYTHON = re.compile(
    r"^[ \t]*(import[ \t]+\w+|from[ \t]+[\w.]+[ \t]+import\b|def[ \t]+\w+[ \t]*\(|return[ \t]+[\w(\[-])", re.MULTILINE
)
_DIVISION = re.compile(r"[\w)\]']\s*$")
_LIBRARIES = frozenset("np numpy jnp jax torch tf F nn math scipy sp linalg cp".split())
OPERATORS = frozenset({"ADD", "MUL", "POW", "COMPARE"})  # terminals of the grammar


def python(text: str) -> int | None:
    """Where a statement of Python stands that would otherwise be read as a product of names."""
    found = _PYTHON.search(text)
    return found.start(1) if found else None


def bad_character(text: str, position: int) -> tuple[str, str | None]:
    character = text[position]
    if character == "_":
        return "a name begins with a letter", _NORMS if text[:position].rstrip().endswith(("‖", "||")) else None
    if character == ".":
        return "a full stop is part of a number, of .T, .*, ./ and .^, nothing else", _undotted(text, position)
    if character in "\"'`":
        return f"quotation marks ({character}) are not in the language", None
    if character == "{":
        raised = text[:position].rstrip().endswith("^")
        return (
            "braces belong to numbered names such as h{i}",
            "write x' for the transpose, inv(X) or X^-1 for the inverse, x^(k + 1) for a power" if raised else None,
        )
    if character == "|":
        return (
            "single bars are not in the language",
            "write abs(x) for |x|, norm2(x) or ||x|| for the norm, det(X) for |X|",
        )
    if character == "\\" and _DIVISION.search(text[:position]) and re.match(r"\\\s*(\w\b|\()", text[position:]):
        return "division from the left is not in the language", "write inv(A)*b for A\\b"
    if character in "\\$":
        return "LaTeX is not read", _plain(text, position)
    if character == "!":
        return "! is not in the language", None
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    hint = next((f"write {plain}" for characters, plain in _SIGNS if character in characters), None)
    return f"the character {shown} is not in the language", hint


_NORMS = "‖x‖_1 and ‖x‖_2 are read; write max(abs(x)), normnuc(X), norm_spectral(X) for other norms"
_SIGNS = (
    ("√", "sqrt(x) for the root"),
    ("∑ᵢⱼₖ", "sum(x), or sum(i, x[i]*y[i]) over an index"),
    ("∏", "prod(x)"),
    ("∂∇", "the function alone; what it is differentiated by is asked for beside it"),
    ("½", "1/2"),
    ("≠", "1 - (x == y)"),
    ("†⁺", "pinv(A)"),
    ("ᴴ", "x' for the transpose: variables are real"),
    ("⟨⟩", "x'*y or dot(x, y) for the inner product"),
    ("⊕", "[A, B; C, D] for blocks"),
    ("%", "x'*y for the product, # for a comment"),
    ("&", "the product of two comparisons"),
)


def _undotted(text: str, position: int) -> str | None:
    """Of a library's function, ``np.sum(x)``, and of a method, ``x.sum()``: the function alone."""
    found = next((m for m in _DOTTED.finditer(text) if m.start() < position < m.end()), None)
    method = re.match(r"\.([A-Za-z]\w*)", text[position:])
    of, last = "...", method[1] if method else ""
    called = bool(method) and text[position + len(method[0]) :].lstrip().startswith("(")  # type: ignore[index]
    if found is not None:
        first, *_, last = found[0].split(".")
        called = text[found.end() :].lstrip().startswith("(")
        of = found[0].removesuffix("." + last)
        if called and first in _LIBRARIES:
            other = ELSEWHERE.get(last) or SAID.get(last)
            return f"write {other}" if other else f"write {last}(...), without {found[0].removesuffix(last)}"
    if last in _PROPERTIES:
        return f"write {_PROPERTIES[last].format(of if of != '...' else '(...)')}"
    if not called:
        return None
    if last in ELSEWHERE or last in SAID:
        return f"write {ELSEWHERE.get(last) or SAID[last]}"
    several = last in FUNCTIONS and FUNCTIONS[last].fewest > 1
    return f"write {last}({of}, ...)" if several else f"write {last}({of})"


_PROPERTIES = {
    "t": "{}'", "transpose": "{}'", "mT": "{}'", "H": "{}', the transpose: variables are real", "I": "inv({})",
    "shape": "the name of the dimension, with X: matrix(m, n)", "size": "the name of the dimension, with x: vector(n)",
}  # fmt: skip

_SPELLED = (
    (r"top|intercal|mathsf|prime|dagger", "x' for the transpose"),
    (r"[dt]?frac", "(a)/(b) for a fraction"),
    (r"[lr]?Vert|\|", "norm2(x) for the norm"),
    (r"mathbf|mathbb|mathrm|boldsymbol|bm|vec", "names without bold type: x"),
    (r"odot|circ", "x .* y for the product entry by entry"),
    (r"oslash", "x ./ y for the quotient entry by entry"),
    (r"otimes", "kron(A, B) for the Kronecker product"),
    (r"c?dot|times", "* for the product"),
    (r"left|right|[Bb]igg?[lr]?|[,;!: ]|quad", "brackets alone, and no command for spaces"),
    (r"begin|end", "[a, b; c, d] for a matrix"),
    (r"sqrt", "sqrt(x) for the root"),
    (r"operatorname|mathop|text", "functions by their names: tr(X)"),
)


def _plain(text: str, position: int) -> str:
    """How what a command of LaTeX stands for is written here."""
    if text[position] == "$":
        return "write the formula without $, as in x'*A*x"
    command = re.match(r"\\([A-Za-z]+|.)?", text[position:], re.DOTALL)
    word = (command[1] if command else None) or ""
    found = next((plain for pattern, plain in _SPELLED if re.fullmatch(pattern, word)), None)
    if found is None and word.isalpha():
        found = f"{word} without the \\"
    return f"write {found}" if found else "write the formula as in norm2(A*x - b)^2 + x'*inv(S)*x"


def cut(text: str, width: int = 40) -> str:
    """The text, for a message: not longer than ``width``."""
    return text if len(text) <= width else text[: width - 3] + "..."


def too_early(text: str, expected: Collection[str]) -> tuple[str, str | None]:
    """The message and the hint for a text that ends where something must follow."""
    if "COLON" in expected:
        if text.lstrip().startswith("for"):
            return "a loop goes on after a colon", "for i in 1..3: h{i} = ..."
        return "a comma outside of brackets", "several names are declared together as in x, y: vector(n)"
    return "the text ends too early: something is missing at the end", None


def bad_token(token: Token, before: str) -> tuple[str, str | None]:
    shown = "the end of the line" if token.type in ("SEP", "INNER") else cut(str(token))
    last = before[-1:] or "the beginning"
    opens = last in "+-*/^@<>=(,[:;·−×" or not before
    if token.type in ("SEP", "INNER", "RPAR", "CLOSE", "COMMA", "NORM_END") and opens:
        return f"something is missing between {last} and {shown}", None
    if token.type in OPERATORS and last in "+-*/^@<>·−×":
        return f"two operators in a row: {last} and {shown}", "one of them, or the operand between them, is missing"
    if token.type in (*OPERATORS, "TRANSPOSE", "SUPER") and opens:
        return f"{shown} has nothing to its left", "quotation marks are not in the language" if shown == "'" else None
    if token.type == "COMPARE":
        return "comparisons do not chain", "compare twice and multiply: (a < b) .* (b < c)"
    if token.type == "EQUAL" and re.search(r"^\s*[A-Za-z]\w*\([^()]*\)$", before.rpartition("\n")[2]):
        return "functions are not defined here: a line is name = expression", "write f = x'*x for f(x) = x'*x"
    if token.type == "EQUAL":
        return "an equals sign defines a name at the beginning of a line", "write == to compare"
    if token.type == "COLON":
        return "a colon belongs to declarations, as in X: matrix(m, n), and to slices, as in x[1:]", None
    if token.type == "COMMA":
        return "a comma outside of brackets", None
    if token.type in ("FOR", "IN"):
        return f"{shown} is a word of the language, not a name", "for i in 1..3: h{i} = ..."
    return f"{shown} does not fit here", None


def close_matches(name: str, known: list[str]) -> list[str]:
    """Known names that the name may be a misspelling of."""
    lower = {k.lower(): k for k in known}
    if name.lower() in lower:
        return [lower[name.lower()]]
    return difflib.get_close_matches(name, known, n=2, cutoff=0.75 if len(name) > 4 else 0.65)
