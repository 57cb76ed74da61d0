"""Walks over graphs: loops with a stack of their own, so that depth is no limit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def parts_first(roots: Iterable[Node], below: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Every distinct node below the roots, what a node is made of before it; ``below`` is asked once for each."""
    order: list[Node] = []
    seen: set[Node] = set()
    entered: list[Node] = []  # nodes whose parts are being visited, the innermost last
    stack: list[Node | None] = list(roots)  # None: the parts of the node that was entered last are done
    stack.reverse()
    while stack:
        current = stack.pop()
        if current is None:
            order.append(entered.pop())
        elif current not in seen:
            seen.add(current)
            parts = tuple(below(current))
            if parts:
                entered.append(current)
                stack.append(None)
                stack.extend(parts[::-1])
            else:
                order.append(current)
    return order
