"""Text -> statements with positions: lexing, juxtaposition, brackets, and the callbacks of the grammar.

The tree is built by callbacks while the parser runs, sums and products as lists, so neither depth nor length
of the input costs recursion. ``flatten`` gives the nodes of a statement with arguments before what uses them;
every later pass is a loop over that list.
"""

from __future__ import annotations

import os
import re
import sys
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from matcalc.errors import LimitError, SyntaxProblem
from matcalc.language.misreadings import bad_character, bad_token, python, too_early
from matcalc.language.names import spelled
from matcalc.language.tokens import Tokens

MAX_TEXT = 1_000_000
MAX_DIGITS = 1_000
MAX_NAME = 200


class Node:
    """One construct of the input: what it is, its parts, and where it stands (``start`` to ``stop``).

    ``at`` is its place in the flattened statement, ``first`` the place of the first node below it.
    """

    __slots__ = ("args", "at", "data", "first", "op", "start", "stop")

    def __init__(self, op: str, args: list[Node], data: Any, start: int, stop: int) -> None:
        self.op = op
        self.args = args
        self.data = data
        self.start = start
        self.stop = stop
        self.at = -1
        self.first = -1


class Statement:
    """One line: a declaration, a definition, the function itself, or a loop over further statements.

    ``nodes`` are the nodes below ``root``, arguments first. ``names`` are the declared names or the one name
    that is assigned; for a loop the index, with ``bounds``.
    """

    __slots__ = ("body", "bounds", "facts", "form", "names", "nodes", "result", "root", "start")

    def __init__(self, form: str, start: int, names: list[Token], root: Node | None = None) -> None:
        self.form = form
        self.start = start
        self.names = names
        self.root = root
        self.result: Node | None = None  # of a function's kind
        self.facts: list[Token] = []
        self.bounds: tuple[Node, Node] | None = None
        self.body: list[Statement] = []
        self.nodes: list[Node] = [] if root is None else flatten(root)


def flatten(root: Node) -> list[Node]:
    """The nodes below ``root``, arguments before what uses them; sets ``at`` and ``first``."""
    order: list[Node] = []
    stack: list[Node | None] = [root]
    entered: list[Node] = []
    while stack:
        node = stack.pop()
        if node is None:
            node = entered.pop()
        else:
            node.first = len(order)
            if node.args:
                entered.append(node)
                stack.append(None)
                stack.extend(reversed(node.args))
                continue
        node.at = len(order)
        order.append(node)
    return order


# functions whose arguments from that place on are dimensions
SIZED = {"eye": 0, "ones": 0, "zeros": 0, "commutation": 0, "unit": 1, "unvec": 1}


class Build(Transformer[Token, Any]):
    """The callbacks of the grammar; a method is named after its rule or alias. It keeps no state."""

    def program(self, children: list[Any]) -> list[Statement]:
        return [c for c in children if isinstance(c, Statement)]

    def declaration(self, children: list[Any]) -> Statement:
        names, _, kind = children
        kind.names = names
        kind.start = names[0].start_pos
        return kind  # type: ignore[no-any-return]

    def names(self, children: list[Token]) -> list[Token]:
        return children[::2]

    def kind(self, children: list[Any]) -> Statement:
        head, result = children[0]
        statement = Statement("declaration", head.start, [], head)
        statement.result = result
        statement.facts = children[2::2]
        return statement

    def signature(self, children: list[Any]) -> tuple[Node, Node | None]:
        return children[0], children[2] if len(children) > 1 else None

    def definition(self, children: list[Any]) -> Statement:
        return Statement("definition", children[0].start_pos, [children[0]], children[2])

    def function(self, children: list[Any]) -> Statement:
        return Statement("function", children[0].start, [], children[0])

    def loop(self, children: list[Any]) -> Statement:
        statement = Statement("loop", children[0].start_pos, [children[1]])
        statement.bounds = (children[3], children[5])
        statement.body = children[7::2]
        return statement

    def comparison(self, children: list[Any]) -> Node:
        left, sign, right = children
        sign = {"≤": "<=", "≥": ">="}.get(sign, str(sign))
        return Node("cmp", [left, right], sign, left.start, right.stop)

    def sum(self, children: list[Any]) -> Node:
        signs = [False, *(str(c) != "+" for c in children[1::2])]
        return Node("sum", children[::2], signs, children[0].start, children[-1].stop)

    def product(self, children: list[Any]) -> Node:
        links = [_LINKS.get(c, str(c)) for c in children[1::2]]
        return Node("product", children[::2], links, children[0].start, children[-1].stop)

    def signed(self, children: list[Any]) -> Node:
        sign, operand = children
        if str(sign) == "+":
            operand.start = sign.start_pos
            return operand  # type: ignore[no-any-return]
        return Node("neg", [operand], None, sign.start_pos, operand.stop)

    def power(self, children: list[Any]) -> Node:
        base, sign, exponent = children
        inner = exponent.args[0] if exponent.op == "transpose" else exponent
        if inner.op == "number" and inner is not exponent and inner.start == exponent.start:
            raise SyntaxProblem(
                "this transposes the exponent, a number", position=inner.stop,
                hint="the transpose binds tighter than the power: write (x.^2)'",
            )  # fmt: skip
        return Node("power", [base, exponent], "^" if sign == "**" else str(sign), base.start, exponent.stop)

    def transposed(self, children: list[Any]) -> Node:
        base, mark = children
        return Node("transpose", [base], None, base.start, mark.end_pos)

    def superscript(self, children: list[Any]) -> Node:
        base, mark = children
        stop = mark.end_pos
        if len(mark) > 6:
            raise LimitError("this exponent is too large", position=mark.start_pos)
        if mark.endswith("ᵀ"):  # ⁻ᵀ
            base = _power_of(base, Fraction(-1), mark)
            return Node("transpose", [base], None, base.start, stop)
        return _power_of(base, Fraction(int(str(mark).translate(_SUPERSCRIPTS))), mark)

    def entries(self, children: list[Any]) -> Node:
        base, _, *rest = children
        return Node("entries", [base, *rest[:-1:2]], None, base.start, rest[-1].end_pos)

    def number(self, children: list[Token]) -> Node:
        token = children[0]
        digits, _, power = str(token).lower().partition("e")
        if len(digits) > MAX_DIGITS or (power and (len(power) > 6 or abs(int(power)) > MAX_DIGITS)):
            raise LimitError(
                f"this number is too long: at most {MAX_DIGITS} digits", position=token.start_pos
            )
        return Node("number", [], Fraction(str(token)), *_span(token))

    def name(self, children: list[Token]) -> Node:
        token = children[0]
        if token.startswith("π") and token[1:2].isalpha():
            raise SyntaxProblem(f"is {token} the product of π and {token[1:]}?", position=token.start_pos,
                                hint=f"write π*{token[1:]}")  # fmt: skip
        if len(token) > MAX_NAME:
            raise LimitError(f"this name is too long: at most {MAX_NAME} characters", position=token.start_pos)
        return Node("name", [], spelled(token), *_span(token))

    def grouped(self, children: list[Any]) -> Node:
        left, inner, right = children
        inner.start, inner.stop = left.start_pos, right.end_pos
        return inner  # type: ignore[no-any-return]

    def norm(self, children: list[Any]) -> Node:
        left, inner, right = children
        name = "norm1" if right[-1:] in "1₁" else "norm2"
        return Node("call", [inner], (name, 0, ()), left.start_pos, right.end_pos)

    def call(self, children: list[Any]) -> Node:
        token, _, arguments, right = children
        text = str(token)
        name = text.rstrip("'′")
        values: list[Node] = arguments or []
        sizes: tuple[Node, ...] = ()
        if name in SIZED and name == text:
            values, sizes = values[: SIZED[name]], tuple(values[SIZED[name] :])
        data = (spelled(name), len(text) - len(name), sizes)
        return Node("call", values, data, token.start_pos, right.end_pos)

    def derivative(self, children: list[Any]) -> Node:
        token, _, arguments, right = children
        match = re.fullmatch(r"(\w+)(?:\[([\d\s,]+)\])?\s*\(\s*(.*?)\s*\)", str(token))
        assert match, token
        by = tuple(int(number.strip()[:6]) for number in match[2].split(",")) if match[2] else ()
        return Node("derivative", arguments, (spelled(match[3]), match[1], by), token.start_pos, right.end_pos)

    def blocks(self, children: list[Any]) -> Node:
        rows = children[1:-1:2]
        flat = [entry for row in rows for entry in row]
        return Node("block", flat, [len(row) for row in rows], children[0].start_pos, children[-1].end_pos)

    def row(self, children: list[Any]) -> list[Node]:
        return children[::2]

    def arguments(self, children: list[Any]) -> list[Node]:
        return children[::2]

    def keyword(self, children: list[Any]) -> Node:
        return Node("keyword", [children[2]], str(children[0]), children[0].start_pos, children[2].stop)

    def indexed(self, children: list[Any]) -> Node:
        name, _, low, _, high = children
        return Node("range", [low, high], spelled(name), name.start_pos, high.stop)

    def span(self, children: list[Any]) -> Node:
        start, colon, stop = children
        return Node("span", [], (start, stop), colon.start_pos, colon.end_pos)

    def bound(self, children: list[Any]) -> Node | None:
        return children[0] if children else None


_LINKS = {"@": "*", "·": "*", "⋅": "*", "×": "*", "∗": "*", "÷": "/", "∘": ".*", "⊙": ".*", "⊘": "./"}
_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")


def _span(token: Token) -> tuple[int, int]:
    return token.start_pos or 0, token.end_pos or 0


def _power_of(base: Node, exponent: Fraction, mark: Token) -> Node:
    start, stop = base.stop, base.stop + len(mark)
    number = Node("number", [], abs(exponent), start, stop)
    if exponent < 0:
        number = Node("neg", [number], None, start, stop)
    return Node("power", [base, number], "^", base.start, stop)


# --- parsing ----------------------------------------------------------------------------------------


@cache
def _parser() -> Lark:
    grammar = files("matcalc.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, parser="lalr", lexer="basic", postlex=Tokens(), transformer=Build(),
        start=["program", "kind"], maybe_placeholders=True, cache=_kept_tables() or False,
    )  # fmt: skip


def _kept_tables() -> str:
    """Where the tables of the parser are kept: beside the bytecode of this module; "" where Python keeps none.

    Lark compares them with the grammar, with its own version and with Python's before it takes them.
    """
    if __spec__.cached is None:
        return ""
    bytecode = Path(__spec__.cached)
    kept = bytecode.with_name(f"grammar.{bytecode.suffixes[0].strip('.')}.tables")
    if kept.exists():
        return str(kept)
    may_write = not sys.dont_write_bytecode and os.access(bytecode.parent, os.W_OK)
    return str(kept) if may_write else ""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def statements(text: str) -> list[Statement]:
    """The statements of a program; SyntaxProblem with the position where the text is not in the language."""
    result: list[Statement] = _run(text, "program", "the text is empty: an expression is expected")
    return result


def kind_statement(text: str) -> Statement:
    """A kind with its facts, as a declaration without names."""
    result: Statement = _run(text, "kind", "the kind is empty: write scalar, vector(n), matrix(m, n), ...")
    return result


def _run(text: str, start: str, empty: str) -> Any:
    if not isinstance(text, str):
        raise SyntaxProblem(f"text is expected, not {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise LimitError(f"the text has {len(text)} characters; at most {MAX_TEXT} are read")
    found = _CONTROL.search(text)
    if found:
        raise SyntaxProblem(
            f"the text has a control character U+{ord(found[0]):04X}", text=text, position=found.start()
        )
    source = text.replace("\r", " ")
    if not re.search(r"^[^\S\n]*[^\s#;]", source, re.MULTILINE):
        raise SyntaxProblem(empty, text=text, position=len(text.rstrip()))
    if (position := python(source)) is not None:
        hint = "its formulas are: leave import, def and return out, one quantity a line, as in Z = X @ w"
        raise SyntaxProblem("programs of Python are not read", text=text, position=position, hint=hint)
    try:
        return _parser().parse(source, start=start)
    except UnexpectedInput as problem:
        _refuse(problem, text)
    except (SyntaxProblem, LimitError) as error:
        raise error.at(text, error.position or 0) if error.text else _placed(error, text) from None


def _placed(error: SyntaxProblem | LimitError, text: str) -> SyntaxProblem | LimitError:
    error.text = text
    return error


def _refuse(problem: UnexpectedInput, text: str) -> NoReturn:
    if isinstance(problem, UnexpectedCharacters):
        position = problem.pos_in_stream or 0
        message, hint = bad_character(text, position)
        raise SyntaxProblem(message, text=text, position=position, hint=hint) from None
    if isinstance(problem, UnexpectedToken):
        token = problem.token
        if token.type == "$END":
            message, hint = too_early(text, problem.expected)
            raise SyntaxProblem(message, text=text, position=len(text.rstrip()), hint=hint) from None
        message, hint = bad_token(token, text[: token.start_pos].rstrip())
        raise SyntaxProblem(message, text=text, position=token.start_pos, hint=hint) from None
    raise problem
