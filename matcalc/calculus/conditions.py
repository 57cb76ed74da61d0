"""Where an answer holds: what must be invertible, positive, nonzero; and where the function has kinks.

Both are collected from the entries of the table for the operations that occur, and dropped where facts settle them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from fractions import Fraction

from matcalc import ops
from matcalc.calculus.adjoint import pullback
from matcalc.calculus.structure import unstructured
from matcalc.errors import InputError, UnsupportedError
from matcalc.expr import Expr, depends, symbols, topological
from matcalc.printing.text import text
from matcalc.rules.entries import Kink
from matcalc.rules.facts import known, settled
from matcalc.rules.table import Table
from matcalc.simplifier.factors import parts
from matcalc.simplifier.simplify import Simplifier


def conditions(
    f: Expr,
    targets: Iterable[Expr],
    table: Table,
    short: Simplifier,
    gradients: Iterable[Expr] = (),
    answers: Iterable[Expr] | None = None,
) -> list[str]:
    """What the operations of f require, each once, in order of occurrence.

    The derivative of a determinant is adj(X)', also of a singular X: an inverse is required where ``answers`` have one.
    For second derivatives also what the singular vectors in the ``gradients`` require: more than the norms of f do.
    """
    active = depends(f, targets)
    adjugates = answers is not None and all(n.op not in _INVERSES for n in topological(*answers))
    found: dict[tuple[Expr, str], None] = {}
    vectors = [n for n in topological(*gradients) if n.op == "spectral"]
    active |= {a for g in gradients for a in depends(g, targets)}
    for n in [*topological(f), *vectors]:
        if n.op == "pow" and n.args[1].op == "num" and n.args[1].data < 0 and not known(n.args[0], "nonzero"):
            for subject, predicate in _reduced(short(n.args[0]), "!= 0"):  # the function itself divides by it
                found[subject, predicate] = None
        entry = table.differential(n)
        if entry is None or not entry.domain or (n.op == "det" and adjugates):
            continue
        for condition in entry.conditions(n, [a for a in n.args if a in active]):
            if settled(condition):
                continue
            for subject, predicate in _reduced(short(condition.subject), condition.predicate):
                found[subject, predicate] = None
    for subject, predicate in found:
        if subject.op == "num" and predicate in _OF_NUMBERS and not _OF_NUMBERS[predicate](subject.data):
            raise InputError(f"the function is defined nowhere: it needs {text(subject)} {predicate}")
    return [f"{text(s)} {p}" for s, p in found if s.op != "num" and not _implied(s, p, found)]


_INVERSES = frozenset({"inv", "pinv", "matpow"})

_OF_NUMBERS: dict[str, Callable[[Fraction], bool]] = {"> 0": lambda v: v > 0, "!= 0": lambda v: v != 0}


def _reduced(subject: Expr, predicate: str) -> list[tuple[Expr, str]]:
    """A condition on a product as conditions on its factors, without what always holds: 2*s^2 != 0 is s != 0."""
    if predicate in ("!= 0", "> 0") and (spread := ops.unlift(subject)) is not None and spread.is_scalar:
        subject = spread
    if not subject.is_scalar or predicate not in ("!= 0", "> 0"):
        return [(subject, predicate)]
    if subject.op == "num":
        return [(subject, predicate)]
    p = parts(subject)
    if predicate == "!= 0":
        return [(base, predicate) for base in p.scalars if not known(base, "nonzero")]
    if p.coef > 0 and len(p.scalars) == 1:
        ((base, k),) = p.scalars.items()
        even = isinstance(k, Fraction) and k.numerator % 2 == 0
        return [(base, "!= 0" if even else "> 0")]
    return [(subject, predicate)]


def _implied(subject: Expr, predicate: str, found: Container[tuple[Expr, str]]) -> bool:
    """s != 0 where s > 0 is asked for; invertible where the determinant must be positive."""
    if predicate == "!= 0":
        return (subject, "> 0") in found
    return predicate == "is invertible" and (ops.det(subject), "> 0") in found


def twice_differentiable(answers: Iterable[Expr]) -> list[str]:
    """Second derivatives of undefined functions are symmetric where they are continuous (Schwarz)."""
    found: dict[str, None] = {}
    for n in topological(*answers):
        if n.op == "ufn" and n.data[1].args is not None and len(n.data[2]) == 2:  # type: ignore[index]
            found[f"{n.data[0]} is twice continuously differentiable"] = None  # type: ignore[index]
    return sorted(found)


def of_program(
    lines: Iterable[tuple[str, Expr]], targets: Iterable[Expr], table: Table, short: Simplifier
) -> tuple[list[str], list[str]]:
    """Conditions and kinks of lines in terms of names, the last of which is the function: line by line."""
    lines = list(lines)
    active = {x.name for x in targets}
    plain = {n.name for _, e in lines for n in _plain(e) if n.op == "sym"}
    holds: dict[str, None] = {}
    corners: dict[str, None] = {}
    for name, e in lines:
        moving = [s for s in symbols(e) if s.name in active]
        if moving:
            active.add(name)
        asked = conditions(e, moving, table, short)
        holds.update(dict.fromkeys(asked))
        free = {s: unstructured(s) for s in moving}
        found = kinks(ops.substitute(e, free), free.values(), table, short, bool(name) and name not in plain, asked)
        corners.update(dict.fromkeys(found))
    return list(holds), list(corners)


def kinks(
    f: Expr,
    targets: Iterable[Expr],
    table: Table,
    short: Simplifier,
    under_powers: bool = False,
    holds: Container[str] = (),
) -> list[str]:
    """Where f is not differentiable (or jumps) along the targets, and which value is used there.

    ``under_powers``: f itself only stands under powers of at least 2. ``holds``: its conditions; what they or declared
    facts exclude is no kink.
    """
    active = depends(f, targets)
    found: dict[str, None] = {}
    smooth = _smoothed(f, under_powers)
    for n in topological(f):
        if n.op in ("maxel", "minel") and n.args[0].op == "spectral":
            continue  # the largest of different values: that they are different is a condition
        entry = table.differential(n) if n in active and n not in smooth else None
        if entry is not None and entry.kinks and any(a in active for a in n.args):
            for kink in entry.kinks_of(n):
                if _excluded(kink, short, holds):
                    continue
                found[_kink_text(kink, short) + _scaled(kink, f, n, targets, table, short)] = None
    return list(found)


def _excluded(kink: Kink, short: Simplifier, holds: Container[str]) -> bool:
    """Is s = t impossible, because s - t is known to be nonzero, or asked to be?"""
    if kink.right is None:
        return False
    right = ops.lift(kink.right, kink.left.shape) if kink.right.is_scalar else kink.right
    difference = short(ops.sub(kink.left, right))
    asked = (f"{text(difference)} != 0", f"{text(difference)} > 0", f"abs({text(difference)}) > 0")
    return bool(known(difference, "nonzero")) or any(condition in holds for condition in asked)


def _scaled(kink: Kink, f: Expr, n: Expr, targets: Iterable[Expr], table: Table, short: Simplifier) -> str:
    """For c*|x + b|, where the kink's own interval reads [-1, 1]: that the gradient may be any value in [-c, c]."""
    interval = _INTERVAL.search(kink.at)
    if interval is None or not f.is_scalar:
        return ""
    try:
        weight = short(pullback(f, ops.num(1), (n,), table, short)[n])
    except UnsupportedError:
        return ""
    c = weight if weight.is_scalar else ops.unlift(weight)
    moving = depends(f, targets)
    terms = n.args[0].args if n.args[0].op == "add" else n.args[:1]
    plain = [t for t in terms if t in moving]
    if c is None or not c.is_scalar or any(x in topological(c) for x in targets) or len(plain) != 1:
        return ""
    p = parts(plain[0])
    if abs(p.coef) != 1 or p.scalars or p.body != [x for x in targets if x in p.body] or not known(c, "positive"):
        return ""
    if c.op == "num" and c.data == 1:
        return ""
    low, high = (text(short(ops.mul(ops.num(Fraction(end)), c))) for end in interval.groups())
    return f"; of the gradient, any value in [{low}, {high}]"


_INTERVAL = re.compile(r"any value in \[(-?\d+), (-?\d+)\]")


def _smoothed(f: Expr, under_powers: bool) -> set[Expr]:
    """Nodes that vanish where they have a kink and stand only under powers of at least 2: norm2(x)^2, relu(z).^3."""
    vanishing = {n for n in topological(f) if _vanishes_at_kink(n)}
    return vanishing - _plain(f) - (set() if under_powers else {f})


def _plain(f: Expr) -> set[Expr]:
    """Nodes that stand somewhere else than under powers of at least 2."""
    found: set[Expr] = set()
    for n in topological(f):
        exponent = n.args[1] if n.op == "pow" else None
        under_power = exponent is not None and exponent.op == "num" and exponent.data >= 2  # type: ignore[operator]
        found.update(n.args[1:] if under_power else n.args)
    return found if f.args else {f}


def _vanishes_at_kink(n: Expr) -> bool:
    if n.op in ("max2", "min2"):
        return any(a.op == "zeros" or (a.op == "num" and not a.data) for a in n.args)
    return n.op == "norm2" or (n.op == "fn" and n.data in ("abs", "relu"))


def _kink_text(kink: Kink, short: Simplifier) -> str:
    if kink.right is None:
        where = f"{text(short(kink.left))} {kink.predicate}"
    else:
        equal = short.compare("==", (short(kink.left), short(kink.right)))
        left, right = (equal.args[0] if equal.op == "t" else equal).args
        where = f"{text(left)} = {text(ops.unlift(right) or right)}"
    if kink.jump:
        return f"the derivative is 0 almost everywhere through the jump at {where}"
    reason = kink.at.removeprefix("no value: ")
    if reason != kink.at:
        return f"no derivative where {where}: {reason}"
    return f"kink where {where}: used there is {kink.at}"
