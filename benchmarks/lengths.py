"""Are our answers as short as the books'? The table of docs/lengths.md, printed: ``python benchmarks/lengths.py``.

Every question with a printed form is asked: the gradients and Hessians of ``identities/``, which name their source, and
the losses of ``tests/cases``, with the form that a textbook prints. Both sides are measured alike: names, numbers,
function names and operators count 1 each, brackets nothing (``matcalc.measure.length``); a Jacobian or a Hessian counts
as the matrix that is printed. ``--longer`` lists the answers that are longer than the book's.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matcalc
from matcalc.measure import length
from matcalc.text import text

ROOT = Path(__file__).resolve().parent.parent
WHOLE = "all"


@dataclass(frozen=True)
class Question:
    """A function, a variable, and the derivative in print."""

    family: str
    name: str
    f: str
    wrt: str
    declare: dict[str, str] | None
    order: int
    printed: str


@dataclass(frozen=True)
class Outcome:
    """What one question gave: the two lengths, or the reason why there is no answer."""

    question: Question
    ours: int = 0
    printed: int = 0
    answer: str = ""
    refused: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.printed


def declared(let: Iterable[str]) -> dict[str, str]:
    """``["A, B: matrix(n, n)"]`` as a mapping."""
    found = {}
    for line in let:
        names, _, kind = line.partition(":")
        found |= {name.strip(): kind.strip() for name in names.split(",")}
    return found


def known() -> Iterator[Question]:
    """The known derivatives of the table."""
    for file in sorted((ROOT / "identities").rglob("*.toml")):
        for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if file.stem == "errata" or not {"f", "wrt", "let"} <= entry.keys():
                continue
            for field, order in (("gradient", 1), ("jacobian", 1), ("hessian", 2)):
                if field in entry:
                    family = f"{field}s: {file.stem}" if field == "gradient" else f"{field}s"
                    let = declared(entry["let"])
                    yield Question(family, name, entry["f"], entry["wrt"], let, order, entry[field])


def practice() -> Iterator[Question]:
    """The losses of practice whose gradient a textbook prints."""
    for file in sorted((ROOT / "tests" / "cases").glob("*.toml")):
        for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if "textbook" in case:
                family, order = f"practice: {file.stem}", case.get("order", 1)
                yield Question(family, name, case["f"], case["wrt"], case.get("declare"), order, case["textbook"])


def asked(question: Question) -> Outcome:
    """Our answer against the printed one."""
    try:
        d = matcalc.derive(question.f, wrt=question.wrt, declare=question.declare, order=question.order)
    except matcalc.MatcalcError as error:
        return Outcome(question, refused=str(error).splitlines()[0])
    book = matcalc.parse(question.printed, d.kinds)
    return Outcome(question, length(d.answer), length(book), text(d.answer))


def row(family: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    found = [o for o in outcomes if not o.refused]
    refused = len(outcomes) - len(found)
    short = sum(o.ours <= o.printed for o in found)
    worst = max(found, key=lambda o: (o.ratio, o.ours))
    mean = sum(o.ratio for o in found) / len(found)
    name = f"`{worst.question.name}` ({worst.ours} to {worst.printed})" if worst.ratio > 1 else ""
    share = f"{100 * short / len(outcomes):.1f} %"
    largest = f"{worst.ratio:.2f} {name}".rstrip()
    return f"| {family} | {len(outcomes)} | {share} | {mean:.2f} | {largest} | {refused or ''} |"


def table(outcomes: list[Outcome]) -> list[str]:
    """A line for each family, then the whole."""
    families: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        families.setdefault(outcome.question.family, []).append(outcome)
    lines = [
        "| family | forms | at most as long | mean ratio | largest ratio | refused |",
        "|---|---|---|---|---|---|",
    ]
    lines += [row(*item) for item in families.items() if any(not o.refused for o in item[1])]
    return [*lines, row(WHOLE, outcomes)]


def main(arguments: list[str] | None = None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--longer", action="store_true", help="list the answers that are longer than the printed form")
    options = parser.parse_args(arguments)
    outcomes = [asked(question) for question in (*known(), *practice())]
    print("\n".join(table(outcomes)))
    for o in outcomes if options.longer else ():
        if o.refused:
            print(f"\n{o.question.name}: {o.question.f}\n  refused: {o.refused}")
        elif o.ours > o.printed:
            print(f"\n{o.question.name}: {o.question.f} by {o.question.wrt}")
            print(f"  ours    {o.ours:3}  {o.answer}\n  printed {o.printed:3}  {o.question.printed}")


if __name__ == "__main__":
    main()
