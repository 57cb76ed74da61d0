"""Are our answers as short as the books'? The table of docs/lengths.md, printed: ``python benchmarks/lengths.py``.

Every question with a printed form is asked: the gradients and Hessians of ``identities/``, which name their source, and
the losses of ``tests/cases``, with the form that a textbook prints. Both sides are measured alike: names, numbers,
function names and operators count 1 each, brackets nothing (``measure.length``); a Jacobian or a Hessian counts
as the matrix that is printed; by a variable with linear structure it is asked for before the projection, as in print.
``--longer`` lists the answers that are longer than the book's. ``--stability`` types the losses of practice in other
ways (``tests/variants.py``) and prints how many answers stay the same; with ``--longer`` it lists those that do not.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matcalc
from matcalc.printing.measure import length
from matcalc.printing.text import text

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
    structure: str = "auto"


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
            for part, order in (("gradient", 1), ("jacobian", 1), ("hessian", 2)):
                if part in entry:
                    family = f"{part}s: {file.stem}" if part == "gradient" else f"{part}s"
                    let = declared(entry["let"])
                    structure = "free" if part == "jacobian" else entry.get("structure", "auto")
                    yield Question(family, name, entry["f"], entry["wrt"], let, order, entry[part], structure)


def practice_of_all() -> Iterator[Question]:
    """The losses of practice."""
    for file in sorted((ROOT / "tests" / "cases").glob("*.toml")):
        for name, case in tomllib.loads(file.read_text(encoding="utf-8")).items():
            family, order = f"practice: {file.stem}", case.get("order", 1)
            yield Question(family, name, case["f"], case["wrt"], case.get("declare"), order, case.get("textbook", ""))


def practice() -> Iterator[Question]:
    """The losses of practice whose gradient a textbook prints."""
    return (question for question in practice_of_all() if question.printed)


def asked(question: Question) -> Outcome:
    """Our answer against the printed one."""
    try:
        d = matcalc.derive(
            question.f, wrt=question.wrt, declare=question.declare, order=question.order, structure=question.structure
        )
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


@dataclass
class Variant:
    """How often a loss typed in this way has the same answer."""

    tried: int = 0
    same: int = 0
    longest: float = 1.0
    different: list[str] = field(default_factory=list)


def stability() -> dict[str, Variant]:
    """The losses of practice, typed in every other way."""
    sys.path.insert(0, str(ROOT / "tests"))
    from variants import VARIANTS, same_answer, typed

    found = {name: Variant() for name in VARIANTS}
    for question in practice_of_all():
        try:
            d = matcalc.derive(question.f, wrt=question.wrt, declare=question.declare)
        except matcalc.MatcalcError:
            continue
        for name, variant in found.items():
            other = None if d.forms else typed(d, name)
            if other is None:
                continue
            again = matcalc.derive(other, wrt=question.wrt, declare=d.kinds)
            variant.tried += 1
            same = same_answer(again, d)
            variant.same += same
            if not same:
                variant.longest = max(variant.longest, length(again.answer) / length(d.answer))
                shown = f"{question.name}: {other}\n  {text(d.answer)}\n  {text(again.answer)}"
                variant.different.append(shown)
    return found


def stability_table(found: dict[str, Variant]) -> list[str]:
    lines = ["| typed differently | losses | same answer | at most as long |", "|---|---|---|---|"]
    for name, v in found.items():
        lines.append(
            f"| {name.replace('_', ' ')} | {v.tried} | {100 * v.same / v.tried:.1f} % | {v.longest:.2f} times |"
        )
    return lines


def main(arguments: list[str] | None = None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--longer", action="store_true", help="list the answers that are longer than the printed form")
    parser.add_argument("--stability", action="store_true", help="type every loss differently and compare the answers")
    options = parser.parse_args(arguments)
    if options.stability:
        found = stability()
        print("\n".join(stability_table(found)))
        for name, variant in found.items() if options.longer else ():
            print(*(f"\n{name}, {shown}" for shown in variant.different), sep="\n")
        return
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
