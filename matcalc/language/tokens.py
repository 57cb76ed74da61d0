"""Between lexer and parser: what the tokens say that the grammar does not.

Line ends inside brackets are dropped, the two uses of ``[`` and of a norm bar told apart, a product written where
one is meant by juxtaposition, statements ended; brackets that do not match are refused here, with their place.
"""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from matcalc.errors import LimitError, SyntaxProblem
from matcalc.language.misreadings import OPERATORS, cut

MAX_DEPTH = 10_000

_OPERAND_ENDS = {"NUMBER", "NAME", "RPAR", "CLOSE", "TRANSPOSE", "SUPER", "NORM_END"}
_OPERAND_STARTS = {"NUMBER", "NAME", "FUNC", "DERIVATIVE", "LPAR", "NORM"}
_CONTINUE = {*OPERATORS, "EQUAL", "COMMA", "ARROW"}  # a line that ends so goes on
_CLOSERS = {"(": ")", "[": "]"}


class Tokens:
    """The pass over the tokens described at the top of the grammar; also brackets that do not match."""

    always_accept = ("NEWLINE", "SEMI", "SQUARE", "BAR")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        brackets: list[Token] = []  # open brackets and norm bars
        before: Token | None = None  # the last token handed on
        gap: Token | None = None  # a line end or semicolon not yet handed on; line ends count more
        header = False  # between "for" and its colon
        loop = ""  # "head" after the colon of a loop, then "line" or "block": where its statements stand
        indent, loop_indent = 0, 0
        for token in stream:
            type_ = token.type
            if type_ == "NEWLINE":
                gap = gap if brackets else token
                continue
            if type_ == "SEMI" and not brackets:
                gap = gap if gap is not None else token
                continue
            previous = None if before is None else before.type
            if gap is not None:
                if gap.type == "NEWLINE" and (previous is None or loop == "head"):
                    indent = len(gap) - 1
                    loop = "block" if loop else ""
                elif previous is not None and (gap.type == "SEMI" or previous not in _CONTINUE):
                    if gap.type == "NEWLINE":
                        indent = len(gap) - 1
                        loop = loop if loop == "block" and indent > loop_indent else ""
                    before = Token.new_borrow_pos("INNER" if loop else "SEP", "", gap)
                    previous = before.type
                    yield before
                gap = None
            if loop == "head":
                loop = "line"
            if type_ == "SEMI":
                if brackets[-1] != "[":
                    raise SyntaxProblem("a semicolon inside round brackets", position=token.start_pos)
            elif type_ == "SQUARE":
                token.type = type_ = "INDEX" if previous in _OPERAND_ENDS else "BLOCK"
            elif type_ == "BAR":
                closes = previous in _OPERAND_ENDS and bool(brackets) and brackets[-1].type == "NORM"
                token.type = type_ = "NORM_END" if closes else "NORM"
                if not closes and token[-1] not in "‖|":
                    raise SyntaxProblem("this closes a norm that was not opened", position=token.start_pos)
            elif type_ == "FOR":
                header, loop_indent = True, indent
                if loop:
                    raise SyntaxProblem(
                        "a loop inside a loop is not supported", position=token.start_pos,
                        hint="write the inner loop out",
                    )
            elif type_ == "COLON" and header and not brackets:
                header, loop = False, "head"
            elif type_ == "EQUAL" and brackets and token.line != brackets[-1].line and str(before) != "axis":
                raise _unclosed(brackets[-1])
            if previous in _OPERAND_ENDS and type_ in _OPERAND_STARTS:
                _check_juxtaposed(before, token, brackets)
                yield Token.new_borrow_pos("MUL", "*", token)
            if type_ in ("LPAR", "INDEX", "BLOCK", "NORM"):
                brackets.append(token)
                if len(brackets) > MAX_DEPTH:
                    raise LimitError(
                        f"brackets are nested more than {MAX_DEPTH} deep", position=token.start_pos
                    )
            elif type_ in ("RPAR", "CLOSE", "NORM_END"):
                _close(token, brackets)
            before = token
            yield token
        if brackets:
            raise _unclosed(brackets[-1])


def _unclosed(bracket: Token) -> SyntaxProblem:
    return SyntaxProblem(f"this {_bracket(bracket)} is never closed", position=bracket.start_pos)


def _check_juxtaposed(before: Token | None, token: Token, brackets: list[Token]) -> None:
    assert before is not None
    if token.type == "NUMBER":
        raise SyntaxProblem(
            f"an operator is missing between {cut(before)} and {cut(token)}", position=token.start_pos,
            hint="write * for a product",
        )
    if brackets and brackets[-1].type == "BLOCK":
        raise SyntaxProblem(
            f"a comma or an operator is missing between {cut(before)} and {cut(token)}", position=token.start_pos,
            hint="write [a, b] for blocks side by side, [a*b] for a product",
        )


def _close(token: Token, brackets: list[Token]) -> None:
    if not brackets:
        raise SyntaxProblem(f"this {_bracket(token)} closes nothing", position=token.start_pos)
    opened = brackets.pop()
    if token.type != "NORM_END" and _CLOSERS.get(opened) != str(token):
        raise SyntaxProblem(
            f"this {_bracket(opened)} is never closed", position=opened.start_pos,
            hint=f"a {_bracket(token)} comes first",
        )


def _bracket(token: Token) -> str:
    return "norm bar" if token.type.startswith("NORM") else f"bracket {token}"
