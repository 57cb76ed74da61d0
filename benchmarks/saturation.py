"""What would equality saturation buy? ``python benchmarks/saturation.py`` prints the numbers of docs/saturation.md.

Every simplified answer goes into an e-graph as an egglog term with its shapes, the rules of ``saturation.egg`` and the
table's rewrites run until a budget of terms is spent, and the shortest terms come back as expressions. One counts as
shorter if numbers agree that it has the same value and ``measure.length`` is smaller. Needs ``pip install
egglog``, which matcalc itself does not.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egraph import NODES, fresh, prelude, saturate
from lengths import Question, known, practice

import matcalc
from matcalc.expr import Expr, topological
from matcalc.numeric.verify import verify_equal
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.simplifier.simplify import Simplifier

ROOT = Path(__file__).resolve().parent.parent

# --- what is asked


@dataclass(frozen=True)
class Answer:
    """A simplified answer: where it is from, and how it was asked for."""

    family: str
    name: str
    asked: str
    expr: Expr
    kinds: Any


def answers(questions: Iterator[Question]) -> Iterator[Answer]:
    """The first derivatives that are asked for; what is refused is left out."""
    for q in questions:
        if q.order != 1:
            continue
        try:
            d = matcalc.derive(q.f, wrt=q.wrt, declare=q.declare)
        except matcalc.MatcalcError:
            continue
        yield Answer(q.family, q.name, f"{q.f} by {q.wrt}", d.answer, d.declared)


def pairs(only: str) -> Iterator[tuple[str, Answer, Answer]]:
    """Losses of practice typed differently, where the answer is another one: (variant, original, other)."""
    sys.path.insert(0, str(ROOT / "tests"))
    from variants import VARIANTS

    for q in practice():
        if q.order != 1 or only not in q.name:
            continue
        d = matcalc.derive(q.f, wrt=q.wrt, declare=q.declare)
        if any(n.op == "isum" for n in topological(d.loss)):
            continue
        (target,) = (a.variable for a in d.answers.values())
        kinked = any(n.op in ("max2", "min2", "cmp") for n in topological(d.loss))
        for name, variant in VARIANTS.items():
            if name == "expanded" and (target.data[1].facts or kinked):
                continue
            other = text(variant(d.loss))
            try:
                found = matcalc.derive(other, q.wrt, d.kinds)
            except matcalc.MatcalcError:
                continue
            if found.answer is not d.answer:
                first = Answer(q.family, q.name, q.f, d.answer, d.declared)
                yield name, first, Answer(q.family, q.name, other, found.answer, d.declared)


def shortest(answer: Expr, candidates: list[Expr]) -> Expr:
    """The shortest form of the same value, among the candidates and what our simplifier makes of them."""
    best = answer
    for c in candidates:
        for e in (c, Simplifier(rewriter(default_table())).settled(c)):
            if length(e) < length(best) and verify_equal(answer, e):
                best = e
    return best


# --- the report


def report_answers(nodes: int, only: str) -> None:
    """How many answers get shorter, by how much, at what cost."""
    questions = [q for q in (*practice(), *known()) if only in q.name]
    seconds, terms, saved, asked = [], [], [], 0
    derived = time.perf_counter()
    found = list(answers(iter(questions)))
    derived = time.perf_counter() - derived
    for a in found:
        got = saturate(a.expr, nodes=nodes)
        asked += 1
        seconds.append(got.seconds)
        terms.append(got.nodes)
        best = shortest(a.expr, got.candidates[0])
        if best is not a.expr:
            saved.append(length(a.expr) - length(best))
            print(f"{a.name}: {a.asked}\n  ours    {length(a.expr):3}  {text(a.expr)}")
            print(f"  shorter {length(best):3}  {text(best)}")
    share = f"{len(saved)} of {asked} answers get shorter ({100 * len(saved) / asked:.1f} %)"
    print(f"\n{share}: by 1 symbol {saved.count(1)}, by 2 {saved.count(2)}, by more {sum(n > 2 for n in saved)}")
    print(f"derive: {1e3 * derived / asked:.0f} ms an answer; saturation: {spread(seconds)}")
    print(f"terms: median {middle(terms)}, at most {max(terms)}")


def report_pairs(nodes: int, only: str) -> None:
    """How many losses that are typed differently get the same form."""
    tried, met, seconds = 0, 0, []
    for variant, first, other in pairs(only):
        got = saturate(first.expr, other.expr, nodes=nodes)
        tried, met = tried + 1, met + got.met
        seconds.append(got.seconds)
        print(f"{'met' if got.met else 'apart'}: {first.name}, {variant}: {other.asked}")
        print(f"  {length(first.expr):3}  {text(first.expr)}\n  {length(other.expr):3}  {text(other.expr)}")
    if tried:
        print(f"\n{met} of {tried} variants with another answer meet; saturation: {spread(seconds)}")


def middle(numbers: list[Any]) -> Any:
    return sorted(numbers)[len(numbers) // 2]


def spread(seconds: list[float]) -> str:
    """Median, 95th percentile and maximum in milliseconds."""
    ordered = sorted(seconds)
    chosen = (middle(ordered), ordered[int(0.95 * len(ordered))], ordered[-1])
    return "median {:.0f} ms, 95 % below {:.0f} ms, at most {:.0f} ms".format(*(1e3 * s for s in chosen))


def memory() -> int:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nodes", type=int, default=NODES, help="stop when the e-graph has so many terms")
    parser.add_argument("--only", default="", help="questions with this in their name")
    options = parser.parse_args(arguments)
    start, before = time.perf_counter(), memory()
    fresh()
    print(f"{len(prelude())} sorts and rules read in {time.perf_counter() - start:.1f} s\n")
    report_answers(options.nodes, options.only)
    report_pairs(options.nodes, options.only)
    print(f"memory: {before} MB before, {memory()} MB at most")


if __name__ == "__main__":
    main()
