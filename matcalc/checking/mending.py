"""A claim whose shapes do not fit together, mended: ``a*b`` where ``a*b'`` is right."""

from __future__ import annotations

from contextlib import suppress

from matcalc.checking.claims import Question
from matcalc.checking.setting import Setting
from matcalc.errors import MatcalcError, ShapeError
from matcalc.printing.text import text

_MENDED = (
    "({0})*({1})'", "({0})'*({1})", "({0}) .* ({1})", "diag({0})*({1})", "({0})*diag({1})",
    "({1})*({0})", "({1})'*({0})", "({1})*({0})'", "({0}) .* ({1})'",
)  # fmt: skip
_CLOSING = {")": "(", "]": "["}
_OPENING = {opening: closing for closing, opening in _CLOSING.items()}


def mended(setting: Setting, question: Question, claim: str, error: ShapeError) -> str | None:
    """The claim with another product where two factors do not fit; None where that does not make it right."""
    if error.position is None or not 0 < error.position < len(claim):
        return None
    start, end = _left_of(claim, error.position), _right_of(claim, error.position)
    before = claim[start : error.position].rstrip()
    left, right = before.removesuffix("*").removesuffix(".").strip(), claim[error.position : end].strip()
    if not left or not right or not before.endswith("*"):
        return None
    for pattern in _MENDED:
        product = pattern.format(left, right)
        with suppress(MatcalcError):
            changed = setting.claim(f"{claim[:start]}({product}){claim[end:]}")
            if changed.shape == question.shape and question.answer(changed):
                return f"with another product it would be right: {text(changed)}"
    return None


def _end_of(claim: str, opening: int) -> int:
    """Behind the bracket that closes the one at a place; the length of all if none does."""
    depth = 0
    for i in range(opening, len(claim)):
        depth += (claim[i] in _OPENING) - (claim[i] in _CLOSING)
        if not depth:
            return i + 1
    return len(claim)


def _left_of(claim: str, position: int) -> int:
    """Where the product begins whose next factor stands at a position."""
    depth = 0
    for i in range(position - 1, -1, -1):
        depth += (claim[i] in _CLOSING) - (claim[i] in _OPENING)
        before = claim[:i].rstrip()[-1:]
        sign = claim[i] in "+-" and before not in ("*", "/", "^")
        if depth < 0 or (not depth and (sign or claim[i] == ",")):
            return i + 1
    return 0


def _right_of(claim: str, position: int) -> int:
    """Where the factor ends that begins at a position."""
    i = position
    while i < len(claim) and (claim[i].isalnum() or claim[i] in "_([{'."):
        if claim[i] == "." and not claim[i + 1 : i + 2].isdigit():
            break
        i = _end_of(claim, i) if claim[i] in _OPENING else i + 1
    return i
