"""The reference meaning of an expression: ``evaluate(expr, values, sizes)``, naive on purpose.

Complex input gives the analytic continuation, and what has no real value is NaN (see
``matcalc.operations``). Every walk is iterative and keeps one result for each distinct node; index
sums evaluate again only what depends on their index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from matcalc.expr import Expr, topological
from matcalc.numeric.operations import Environment, Value, apply, integer

Observer: TypeAlias = Callable[[Expr, list[Value], Value], None]


def evaluate(expr: Expr, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Value:
    """The value of ``expr`` where names have the given values and dimension names the given sizes.

    ``values`` holds scalars, 2-D arrays (1-D for vectors and rows) and, for undefined functions, objects like
    ``SmoothFunction``; a free index takes its value there too.
    """
    return Plan(expr).run(values, sizes)[expr]


class Plan:
    """The order in which the nodes below ``roots`` are evaluated; made once, run often.

    ``loops`` holds, for each index sum, the nodes to evaluate for each index value, in order.
    """

    __slots__ = ("loops", "roots", "steps")

    def __init__(self, *roots: Expr) -> None:
        self.roots = roots
        self.loops: dict[Expr, tuple[Expr, ...]] = {}
        order = topological(*roots)
        if any(n.op == "isum" for n in order):
            self.steps = self._with_loops(order)
        else:
            self.steps = tuple(order)

    def _with_loops(self, order: list[Expr]) -> tuple[Expr, ...]:
        """What does not depend on an index is evaluated outside its sum, the rest inside, once a turn."""
        free: dict[Expr, frozenset[str]] = {}
        needs: dict[Expr, tuple[Expr, ...]] = {}
        for n in order:
            if n.op == "idx":
                free[n] = frozenset([str(n.data)])
            elif n.op == "isum":
                index, low, high, body = n.args
                name = str(index.data)
                inside, outside = _demanded((body,), needs, free, name)
                self.loops[n] = tuple(inside)
                needs[n] = (low, high, *outside)
                free[n] = _union(free, needs[n])
                continue
            else:
                free[n] = _union(free, n.args)
            needs[n] = n.args
        return tuple(_demanded(self.roots, needs, free, None)[0])

    def run(
        self, values: Mapping[str, Any], sizes: Mapping[str, int], observe: Observer | None = None
    ) -> dict[Expr, Value]:
        """The value of every node outside index sums; ``observe`` is told every node as it is evaluated."""
        env = Environment(values, sizes)
        results: dict[Expr, Value] = {}
        frames: list[_Frame] = [_Frame(self.steps)]
        with np.errstate(all="ignore"):
            while frames:
                frame = frames[-1]
                if frame.position == len(frame.steps):
                    if frame.turn is not None and frame.turn.next(results, env):
                        frame.position = 0
                        continue
                    frames.pop()
                    if frame.turn is not None:
                        _note(frame.turn.owner, frame.turn.total, [], results, observe)
                    continue
                n = frame.steps[frame.position]
                frame.position += 1
                if n.op == "isum":
                    turn = _Turn(n, self.loops[n], results, env)
                    if turn.empty:
                        _note(n, turn.total, [], results, observe)
                    else:
                        frames.append(_Frame(self.loops[n], turn))
                    continue
                args = [results[child] for child in n.args]
                _note(n, apply(n, args, env), args, results, observe)
        return results


def _union(free: Mapping[Expr, frozenset[str]], nodes: Iterable[Expr]) -> frozenset[str]:
    return frozenset(name for n in nodes for name in free[n])


def _demanded(
    roots: tuple[Expr, ...],
    needs: Mapping[Expr, tuple[Expr, ...]],
    free: Mapping[Expr, frozenset[str]],
    name: str | None,
) -> tuple[list[Expr], list[Expr]]:
    """The nodes below the roots that depend on the index ``name``, in order, and those just outside."""
    order: list[Expr] = []
    outside: dict[Expr, None] = {}
    seen: set[Expr] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        current, done = stack.pop()
        if done:
            order.append(current)
        elif name is not None and name not in free[current]:
            outside[current] = None
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack.extend((child, False) for child in reversed(needs[current]) if child not in seen)
    return order, list(outside)


class _Turn:
    """The state of one running index sum."""

    __slots__ = ("current", "empty", "high", "name", "owner", "saved", "total")

    def __init__(
        self, owner: Expr, steps: tuple[Expr, ...], results: dict[Expr, Value], env: Environment
    ) -> None:
        index, low, high, _ = owner.args
        self.owner, self.name = owner, str(index.data)
        self.current, self.high = integer(results[low]), integer(results[high])
        shape = (env.size(owner.rows), env.size(owner.cols))
        self.total: Value = np.float64(0) if owner.is_scalar else np.zeros(shape)
        self.empty = self.current > self.high
        # an enclosing sum over the same letter: its values come back when this one ends
        outer = env.indices.get(self.name)
        self.saved = None if outer is None else (outer, {n: results[n] for n in steps if n in results})
        if not self.empty:
            env.indices[self.name] = self.current

    def next(self, results: dict[Expr, Value], env: Environment) -> bool:
        """Add the body's value; go to the next index value, or end."""
        self.total = self.total + results[self.owner.args[3]]
        self.current += 1
        if self.current <= self.high:
            env.indices[self.name] = self.current
            return True
        if self.saved is None:
            del env.indices[self.name]
        else:
            env.indices[self.name], kept = self.saved
            results.update(kept)
        return False


@dataclass(slots=True)
class _Frame:
    steps: tuple[Expr, ...]
    turn: _Turn | None = None
    position: int = 0


def _note(
    n: Expr, value: Value, args: list[Value], results: dict[Expr, Value], observe: Observer | None
) -> None:
    results[n] = value
    if observe is not None:
        observe(n, args, value)
