"""Which names of a statement are bound indices, and which stand in an index."""

from __future__ import annotations

from matcalc.language.syntax import Node


def mark_bound(nodes: list[Node]) -> None:
    """Turn the index of ``sum(i, ...)`` and its uses in the body into bound indices (ops ``bound``, ``index``)."""
    scopes: dict[str, list[int]] = {}  # index name -> starts of the bodies around the current place
    for node in reversed(nodes):
        if node.op == "name" and scopes:
            starts = scopes.get(node.data, [])
            while starts and node.at < starts[-1]:
                starts.pop()
            if starts:
                node.op = "index"
        elif node.op == "call" and node.data[0] == "sum" and len(node.args) == 2:
            head, body = node.args
            if head.op == "name" and body.op != "keyword":
                head.op = "bound"
            if head.op in ("bound", "range"):
                starts = scopes.setdefault(head.data, [])
                while starts and node.at < starts[-1]:
                    starts.pop()
                starts.append(body.first)


def index_places(nodes: list[Node]) -> set[int]:
    """The places of the nodes that stand in an index, in a bound of a sum, or as the number of a unit vector."""
    found: set[int] = set()
    cover: int | None = None  # the first place of the index that the walk is in
    ends: dict[int, int] = {}
    for node in reversed(nodes):
        if cover is not None and node.at < cover:
            cover = None
        if cover is None:
            cover = ends.get(node.at)
        if cover is not None:
            found.add(node.at)
        parts: list[Node] = []
        if node.op == "entries":
            parts = node.args[1:]
        elif node.op == "range" or (node.op == "call" and node.data[0] == "unit" and node.data[2]):
            parts = node.args
        for part in parts:
            ends[part.at] = part.first
    return found
