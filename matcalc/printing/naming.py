"""Names for what repeats: t = exp(A*x - b) written once, where that makes the whole shorter.

A definition counts whole: its name, "=", its expression. What is named is chosen on the graph, where everything
stands once: from the answers down, what is printed more than once and is worth its line; then from the leaves up, what
still is once its own parts have names. Both walks look once at each node, also where the printed form has millions of
symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.indices import free_indices, names_in
from matcalc.kinds import kind_of_shape
from matcalc.printing.measure import length
from matcalc.printing.reading import IndexSum, parts, read
from matcalc.shapes import ONE
from matcalc.walk import parts_first

Definition = tuple[str, Expr]

LINE = 2  # symbols of a definition beside its expression: a name and "="
WORTH = 0.75  # names cost the reader a look back: a long formula must get shorter by a quarter
_ROUNDS = 4  # of choosing; the shortest outcome counts
_RUN = 8  # factors, the longest product that is looked for inside of others
_NEVER = frozenset(("t", "unit", "d"))  # what is inside is named instead


def named(answers: Sequence[Expr], taken: Iterable[str], limit: int = 0) -> tuple[tuple[Definition, ...], list[Expr]]:
    """Definitions, each in terms of those before it, and the answers in terms of them; the new names avoid ``taken``.

    There are none if the answers have at most ``limit`` symbols together, or if naming does not make the whole shorter.
    """
    answers = list(answers)
    before = sum(map(length, answers))
    if before <= limit:
        return (), answers
    printed = _Printed(answers)
    chosen = printed.chosen()
    if not chosen:
        return (), answers
    definitions, written = _written(printed, chosen, {*taken, *names_in(*answers)})
    if total(definitions, written) >= before:
        return (), answers
    if written_out(definitions, written) != answers:  # products whose factors group in another way
        return (), answers
    return definitions, written


def total(definitions: Sequence[Definition], answers: Sequence[Expr]) -> int:
    """Symbols of the answers with their definitions, each of which counts whole."""
    return sum(length(e) + LINE for _, e in definitions) + sum(map(length, answers))


class _Printed:
    """The printed form as a graph: of each node its own symbols, and the nodes that it shows, with repetitions."""

    def __init__(self, answers: Sequence[Expr]) -> None:
        self.answers = answers
        nodes = topological(*answers)
        chains = (n for n in nodes if n.op == "mul" and len(n.args) <= _RUN)
        self.runs = {n.args: n for n in chains if not any(a.is_scalar for a in n.args)}
        self.below: dict[Expr, Counter[Expr]] = {}
        self.order = self._ordered()
        self.own: dict[Expr, int] = {}
        free = free_indices(self.order)  # those that are bound further out
        for n in self.order:
            self.own[n] = length(n) - sum(times * length(part) for part, times in self.below[n].items())
        self.nameable = {n for n in nodes if n.args and not free[n] and n.op not in _NEVER and not _is_negative(n)}

    def _ordered(self) -> list[Expr]:
        """What is shown and what it is made of, parts first."""
        return parts_first(self.answers, self._parts)

    def _parts(self, n: Expr) -> list[Expr]:
        self.below[n] = self._shown(n)
        return [*self.below[n], *n.args]

    def _shown(self, n: Expr) -> Counter[Expr]:
        reading = read(n)
        if isinstance(reading, IndexSum) and reading.whole:  # its bounds are not written
            return Counter(n.args[3:])
        shown = parts(reading)
        return Counter(self.joined(n, shown) if n.op == "mul" else shown)

    def joined(self, n: Expr, factors: Sequence[Expr]) -> list[Expr]:
        """The factors of the product ``n``, those that are another product together as that product."""
        found: list[Expr] = []
        start = 0
        while start < len(factors):
            runs = (self.runs.get(tuple(factors[start : start + size])) for size in range(_RUN, 1, -1))
            run = next((m for m in runs if m is not None and m is not n), None)
            found.append(run or factors[start])
            start += len(run.args) if run is not None else 1
        return found

    def chosen(self) -> list[Expr]:
        """The nodes to name, parts before what they are part of; none if the whole gets no shorter."""
        lengths = {n: length(n) for n in self.order}
        best: tuple[int, set[Expr]] = (self.total(set(), lengths), set())
        names: set[Expr] = set()
        for _ in range(_ROUNDS):
            names, times = self.widened(names, lengths)
            names, lengths = self.narrowed(names, times)
            outcome = self.total(names, lengths)
            if outcome >= best[0]:
                break
            best = (outcome, names)
        return [n for n in self.order if n in best[1]]

    def widened(self, names: set[Expr], lengths: dict[Expr, int]) -> tuple[set[Expr], dict[Expr, int]]:
        """From the answers down: what is worth a name, and how often each node is then written."""
        times: Counter[Expr] = Counter(self.answers)
        names = set(names)
        for n in reversed(self.order):
            occurrences = times[n]
            if n in self.nameable and _saving(occurrences, lengths[n]) > 0:
                names.add(n)
            copies = 1 if n in names else occurrences
            if copies:
                for part, repeated in self.below[n].items():
                    times[part] += copies * repeated
        return names, times

    def narrowed(self, names: set[Expr], times: dict[Expr, int]) -> tuple[set[Expr], dict[Expr, int]]:
        """From the leaves up: the names that are worth it when parts have names; and the lengths that remain."""
        kept: set[Expr] = set()
        lengths: dict[Expr, int] = {}
        for n in self.order:
            lengths[n] = self.own[n] + sum(
                repeated * (1 if part in kept else lengths[part]) for part, repeated in self.below[n].items()
            )
            if n in names and _saving(times[n], lengths[n]) > 0:
                kept.add(n)
        return kept, lengths

    def total(self, names: set[Expr], lengths: dict[Expr, int]) -> int:
        """The symbols of all lines."""
        return sum(lengths[n] + LINE for n in names) + sum(1 if a in names else lengths[a] for a in self.answers)


def _saving(occurrences: int, size: int) -> int:
    """``size`` symbols written so often, less the name so often and the line."""
    return occurrences * size - (occurrences + LINE + size)


def _is_negative(n: Expr) -> bool:
    """-x: x is named instead."""
    return n.op == "mul" and len(n.args) == 2 and n.args[0].op == "num"


def _written(printed: _Printed, chosen: Iterable[Expr], taken: set[str]) -> tuple[tuple[Definition, ...], list[Expr]]:
    """The lines: definitions, and answers in terms of the names."""
    nodes = set(chosen)
    letters = Letters(taken)
    short: dict[Expr, Expr] = {}  # a node in terms of names
    definitions: list[Definition] = []
    for n in printed.order:
        args = printed.joined(n, n.args) if n.op == "mul" else n.args
        now = tuple(short[a] for a in args)
        written = n if now == n.args else ops.mul(*now) if n.op == "mul" else ops.rebuild(n, now)
        if n in nodes:
            name = letters.name_of(n)
            definitions.append((name, written))
            written = ops.sym(name, kind_of_shape(n.shape))
        short[n] = written
    return tuple(definitions), [short[a] for a in printed.answers]


def written_out(definitions: Iterable[Definition], answers: Iterable[Expr]) -> list[Expr]:
    """What the answers stand for, read from above: names replaced by what they were defined as."""
    answers = list(answers)
    values: dict[str, Expr] = {}
    full: dict[Expr, Expr] = {}
    for name, e in (*definitions, *(("", a) for a in answers)):
        for n in topological(e):
            if n not in full:
                args = tuple(full[a] for a in n.args)
                known = values.get(n.name, n) if n.op == "sym" else n
                full[n] = known if args == n.args else ops.rebuild(n, args)
        if name:
            values[name] = full[e]
    return [full[a] for a in answers]


class Letters:
    """Letters as a writer would choose them: p for probabilities, r for residuals; t1, t2, ... when they run out."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = set(taken)
        self.numbered = (f"t{number}" for number in count(1))

    def name_of(self, n: Expr, first: str = "") -> str:
        """A name that is not taken, ``first`` if it can be; it is taken from now on."""
        name = next(c for c in chain([first] if first else [], _usual(n), self.numbered) if c not in self.taken)
        self.taken.add(name)
        return name


def _usual(n: Expr) -> Iterator[str]:
    matrix = n.rows is not ONE and n.cols is not ONE
    letters = "scabg" if n.is_scalar else "uvwzhq" if not matrix else "UVQHMGZ"
    if n.op == "softmax" or (n.op == "fn" and n.data == "sigmoid"):
        letters = "p" + letters
    elif n.op == "add" and not n.is_scalar and any(_is_negative(a) for a in n.args):
        letters = "r" + letters
    elif n.op == "inv":
        letters = "k" + letters
    return iter(letters.upper() if matrix else letters)
