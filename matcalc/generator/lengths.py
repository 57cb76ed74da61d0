"""Dimension names from the sizes of arrays: n from ``x.shape[0]``, k from k*n where n is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from matcalc.shapes import ONE, Dim

Measured = tuple[str, Dim]  # the text of a size, such as x.shape[0], and what it is


class Lengths:
    """Solves the dimensions that code needs; ``parameters`` are the names that no array tells."""

    def __init__(self, measured: Sequence[Measured], fresh: Callable[[str], str]) -> None:
        self._direct: dict[Dim, str] = {}
        for text, dim in measured:
            self._direct.setdefault(dim, text)
        self._fresh = fresh
        self._rules = _solved(measured)
        self._texts: dict[str, str] = {}
        self.lines: list[str] = []
        self.parameters: dict[str, str] = {}

    def require(self, dims: Iterable[Dim]) -> None:
        """Make the dimensions available: lines that compute their names, or parameters."""
        for dim in dims:
            if dim.number is None and (dim.name is not None or dim not in self._direct):
                for name in sorted(dim.names):
                    self._need(name)

    def _need(self, name: str) -> None:
        stack = [name]
        while stack:
            current = stack[-1]
            if current in self._texts:
                stack.pop()
                continue
            rule = self._rules.get(current)
            missing = [] if rule is None else [n for n in sorted(rule[3]) if n not in self._texts]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            local = self._texts[current] = self._fresh(current)
            if rule is None:
                self.parameters[current] = local
            else:
                text, factor, rest, _ = rule
                self.lines.append(f"{local} = {self._solution(text, factor, rest)}")

    def _solution(self, text: str, factor: Dim, rest: Dim) -> str:
        if rest.terms:
            text = f"({text} - {self._spelt(rest, inside=True)})" if factor is not ONE else (
                f"{text} - {self._spelt(rest, inside=True)}"
            )
        return text if factor is ONE else f"{text}//{self._spelt(factor, inside=True)}"

    def text(self, dim: Dim) -> tuple[str, bool]:
        """The text of a dimension that was required, and whether it is a sum or a product."""
        if dim.number is not None:
            return str(dim.number), dim.number < 0
        if dim.name is None and dim in self._direct and not all(n in self._texts for n in dim.names):
            return self._direct[dim], False
        return self._spelt(dim, inside=False), dim.name is None

    def _spelt(self, dim: Dim, inside: bool) -> str:
        renamed = dim.substitute({name: Dim.of(text) for name, text in self._texts.items()})
        return f"({renamed})" if inside and renamed.name is None and renamed.number is None else str(renamed)


def _solved(measured: Sequence[Measured]) -> dict[str, tuple[str, Dim, Dim, frozenset[str]]]:
    """For each name that can be solved: size, factor and rest in size = factor*name + rest, and the other names."""
    rules: dict[str, tuple[str, Dim, Dim, frozenset[str]]] = {}
    for text, dim in measured:
        if dim.name is not None:
            rules.setdefault(dim.name, (text, ONE, Dim(()), frozenset()))
    waiting = [(text, dim) for text, dim in measured if dim.name is None and dim.names]
    progress = True
    while progress:
        progress = False
        for text, dim in list(waiting):
            unknown = sorted(dim.names - rules.keys())
            if len(unknown) > 1:
                continue
            waiting.remove((text, dim))
            if not unknown:
                continue
            split = _linear(dim, unknown[0])
            if split is not None:
                rules[unknown[0]] = (text, *split, dim.names - {unknown[0]})
                progress = True
    return rules


def _linear(dim: Dim, name: str) -> tuple[Dim, Dim] | None:
    """factor and rest in dim = factor*name + rest, if it is linear in the name."""
    factor: list[tuple[tuple[str, ...], int]] = []
    rest: list[tuple[tuple[str, ...], int]] = []
    for monomial, number in dim.terms:
        count = monomial.count(name)
        if count > 1:
            return None
        if count:
            factor.append((tuple(n for n in monomial if n != name), number))
        else:
            rest.append((monomial, number))
    return Dim(tuple(sorted(factor))), Dim(tuple(sorted(rest)))
