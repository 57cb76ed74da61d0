"""What a block of code must compute, in which order, and how often each instruction is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence

from matcalc.generator.instructions import Code


def needed(
    outputs: Sequence[Code], known: Container[Code], bound: frozenset[str]
) -> tuple[list[Code], Counter[Code], dict[Code, tuple[Code, ...]]]:
    """What a block must compute, operands first, how often each is used, and what the loops in it need.

    A loop needs what its body takes from outside. ``known`` stands in a line already, ``bound`` are the indices
    of loops around.
    """
    inside: dict[Code, tuple[Code, ...]] = {}
    order: list[Code] = []
    uses: Counter[Code] = Counter(outputs)
    seen: set[Code] = set()
    stack: list[tuple[Code, Sequence[Code], bool]] = [(o, (), False) for o in reversed(list(outputs))]
    while stack:
        code, children, done = stack.pop()
        if done:
            order.append(code)
            continue
        if code in seen or code in known:
            continue
        seen.add(code)
        children = code.args
        if code.op == "loop":
            outside = _outside(code.args[2:], code.data[0], bound)
            uses.update(outside)  # counted twice: computed once, before the loop
            children = inside[code] = (*code.args[:2], *outside)
        elif code.op == "strips":
            outside = _outside(code.args, code.data[0], bound)
            uses.update(outside)
            children = inside[code] = tuple(outside)
        uses.update(children)
        stack.append((code, children, True))
        stack.extend((child, (), False) for child in reversed(children) if child not in seen)
    return order, uses, inside


def _outside(inside: Sequence[Code], index: str, bound: frozenset[str]) -> list[Code]:
    """The largest parts of a loop's body that depend neither on its index nor on that of a loop further in."""
    found: list[Code] = []
    seen = set(inside)
    stack = list(inside)
    while stack:
        code = stack.pop()
        if index not in code.free and code.free <= bound:
            found.append(code)
            continue
        for child in reversed(code.args):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return found
