"""Walks over graphs."""

from __future__ import annotations

from matcalc.walk import parts_first

GRAPH = {"top": "left right", "left": "shared", "right": "shared own", "shared": "", "own": "", "alone": ""}


def test_parts_come_first_in_the_order_of_reading() -> None:
    assert parts_first(["top"], lambda n: GRAPH[n].split()) == ["shared", "left", "own", "right", "top"]


def test_roots_are_visited_in_order_and_once() -> None:
    assert parts_first(["alone", "left", "alone"], lambda n: GRAPH[n].split()) == ["alone", "shared", "left"]
    assert parts_first([], lambda n: GRAPH[n].split()) == []


def test_each_node_is_asked_once() -> None:
    asked: list[str] = []

    def below(n: str) -> list[str]:
        asked.append(n)
        return GRAPH[n].split()

    parts_first(["top", "right"], below)
    assert sorted(asked) == sorted(set(GRAPH) - {"alone"})


def test_depth_is_no_limit() -> None:
    assert parts_first([0], lambda n: [n + 1] if n < 100_000 else []) == [*range(100_000, -1, -1)]
