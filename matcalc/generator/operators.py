"""Operators and numbers as Python writes them, and the statements that write a result into an operand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from matcalc.errors import UnsupportedError
from matcalc.generator.instructions import Code
from matcalc.generator.spelling import ATOM, POWER, SUM, TIMES, UNARY

Text = tuple[str, int]  # and how tightly it binds


def parenthesized(text: Text, least: int) -> str:
    return text[0] if text[1] >= least else f"({text[0]})"


def _add(code: Code, args: list[Text]) -> Text:
    pieces: list[str] = []
    for sign, arg in zip(code.data, args, strict=True):
        body = parenthesized(arg, SUM if sign > 0 else TIMES)
        if pieces:
            pieces.append(f" {'+' if sign > 0 else '-'} {body}")
        else:
            pieces.append(body if sign > 0 else f"-{parenthesized(arg, TIMES)}")
    return "".join(pieces), SUM


def _mul(code: Code, args: list[Text]) -> Text:
    pieces = []
    for i, (operand, arg) in enumerate(zip(code.args, args, strict=True)):
        loose = operand.op in ("mul", "div") and not (i and operand.op == "div" and operand.ndim == 0)
        loose = loose and not (i and operand.ndim and operand.shape != code.shape)
        loose = loose or (operand.op == "call" and arg[1] == TIMES) or (operand.op == "outer" and i == 0)
        pieces.append(parenthesized(arg, TIMES if loose else UNARY if i == 0 else POWER))
    return "*".join(pieces), TIMES


def _div(code: Code, args: list[Text]) -> Text:
    top = code.args[0]
    above = parenthesized(args[0], TIMES if top.op in ("mul", "div", "outer") else UNARY)
    return f"{above}/{parenthesized(args[1], POWER)}", TIMES


def _matmul(code: Code, args: list[Text]) -> Text:
    left, right = code.args
    if left.op == "T" and right.ndim == 1 and not args[0][0].removesuffix(".T").isidentifier():
        return f"{parenthesized(args[1], POWER)} @ {args[0][0].removesuffix('.T')}", TIMES
    return f"{parenthesized(args[0], TIMES if left.op == 'matmul' else POWER)} @ {parenthesized(args[1], POWER)}", TIMES


def _neg(code: Code, args: list[Text]) -> Text:
    return f"-{parenthesized(args[0], TIMES if code.args[0].op in ('mul', 'div', 'outer') else UNARY)}", UNARY


def _expand(code: Code, args: list[Text]) -> Text:
    places = ", ".join(":" if own else "None" for own in code.data)
    return f"{parenthesized(args[0], ATOM)}[{places}]", ATOM


OPERATORS: dict[str, Callable[[Code, list[Text]], Text]] = {
    "add": _add,
    "mul": _mul,
    "div": _div,
    "matmul": _matmul,
    "neg": _neg,
    "expand": _expand,
    "ipow": lambda code, args: (f"{parenthesized(args[0], ATOM)}**{code.data}", POWER),
}


def number(value: Fraction) -> Text:
    """An exact number as Python writes it: an integer, a short decimal, or a quotient."""
    if value.denominator == 1 and abs(value) < 2**31:
        return str(value), UNARY if value < 0 else ATOM
    try:
        nearest = float(value)
    except OverflowError:
        raise UnsupportedError("a number is too large for floating point") from None
    if Fraction(nearest) == value and len(repr(nearest)) <= 12:
        return repr(nearest), UNARY if value < 0 else ATOM
    decimal = Fraction(repr(nearest)) == value and len(repr(nearest)) <= 12
    if decimal or max(abs(value.numerator), value.denominator) >= 2**31:
        return repr(nearest), UNARY if value < 0 else ATOM
    return f"{value.numerator}/{value.denominator}", TIMES


# --- in place -------------------------------------------------------------------------------------------


def in_place(
    code: Code, operand: Code, name: str, others: Sequence[tuple[Code, Text, str | None]], numpy: Callable[[], str]
) -> list[str]:
    """The lines that leave a sum, product, quotient or square in the array ``name`` of one of its operands.

    ``others`` are the other operands, in the order in which they may be applied, with the places to which one is added
    where those are not all.
    """
    if code.op == "ipow":
        return [f"{name} *= {name}"]
    if code.op == "neg":
        return [f"{numpy()}.negative({name}, out={name})"]
    if code.op == "mul":
        return [f"{name} *= {text}" for _, (text, _), _ in others]
    if code.op == "div" and code.args[0] is operand:
        return [f"{name} /= {text}" for _, (text, _), _ in others]
    if code.op == "div":
        return [f"{numpy()}.divide({others[0][1][0]}, {name}, out={name})"]
    signs: dict[Code, list[int]] = {}  # of each operand, one for each time that it occurs: X - X - X + Y
    for a, sign in zip(code.args, code.data, strict=True):
        signs.setdefault(a, []).append(sign)
    if signs[operand].pop() > 0:
        lines = []
        for a, (text, _), places in others:
            view = f'{numpy()}.einsum("{places}", {name})[...]' if places is not None else name
            lines.append(f"{view} {'+' if signs[a].pop() > 0 else '-'}= {text}")
        return lines
    ((_, (text, _), _),) = others
    return [f"{numpy()}.subtract({text}, {name}, out={name})"]
