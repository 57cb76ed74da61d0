"""Walks over graphs: loops with a stack of their own, so that depth is no limit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def parts_first(roots: Iterable[Node], below: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Every distinct node below the roots, what a node is made of before it; ``below`` is asked once for each."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        current, done = stack.pop()
        if done:
            order.append(current)
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack.extend((part, False) for part in reversed(tuple(below(current))) if part not in seen)
    return order
