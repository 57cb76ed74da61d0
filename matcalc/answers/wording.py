"""The lines of an answer in the words of its reader: written out, with parts named, or in terms of names that he gave.

A name r = A*x - b is put in wherever its expression occurs, also with the other sign or transposed, and b may be
eliminated by b = A*x - r: so a residual is found that is hidden in a longer sum. Of all readings the shortest counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from matcalc import ops
from matcalc.errors import BudgetError, InputError
from matcalc.expr import Expr, symbols, topological
from matcalc.indices import names_in
from matcalc.kinds import kind_of_shape
from matcalc.order import label
from matcalc.printing.measure import length
from matcalc.printing.naming import LINE, WORTH, Definition, Letters, named, total, written_out
from matcalc.rules.facts import facts_of
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table
from matcalc.shapes import ONE, SCALAR
from matcalc.simplifier.factors import compose, parts, scale_exponent
from matcalc.simplifier.normal import BUDGET, normal_form
from matcalc.simplifier.simplify import Simplifier
from matcalc.symmetry import is_symmetric

WHERE = ("auto", "never", "always")
LONG = 120  # symbols: more than a reader takes in at once
SEVERAL = 45  # symbols: more than a line of print takes
WORTH_FOUND = 0.85  # residuals and projectors that are found in an answer change it: it must get clearly shorter
_LIMIT = 2_000  # symbols: longer answers are not searched for residuals
_NAMES = 4  # of one sort, at most
_RUN = 6  # factors of a product that is looked for inside of others

Lines = tuple[tuple[Definition, ...], list[Expr]]


def worded(
    answers: Sequence[Expr],
    taken: Iterable[str],
    where: str,
    residuals: Sequence[Definition],
    table: Table,
    expand: bool = False,
) -> Lines:
    """Definitions, each in terms of those before it, and the answers in terms of them.

    ``where``: auto names parts of long answers, always whatever is worth its line, never nothing but the ``residuals``,
    which are the reader's own.
    """
    answers = list(answers)
    taken = {*taken, *names_in(*answers), *(name for name, _ in residuals)}
    words = _Words(answers, Simplifier(rewriter(table), expanding=expand, budget=BUDGET), table)
    for name, e in residuals:
        words.use(name, e)
    if where == "never":
        return tuple(words.lines), words.answers
    size = sum(map(length, words.answers))
    plain = _repeated(words, taken, where) if where == "auto" or size > _LIMIT else None
    if plain is not None and (size > _LIMIT or plain[0] or residuals or size <= SEVERAL):
        return plain
    letters = Letters(taken)
    words.find(letters)
    found = _repeated(words, letters.taken, "always")
    return found if plain is None or total(*found) <= WORTH_FOUND * size else plain


def _repeated(words: _Words, taken: set[str], where: str) -> Lines:
    """What repeats in the lines has a name too: in long answers, or where that is always wanted."""
    before = [*(e for _, e in words.lines), *words.answers]
    definitions, after = named(before, taken, 0 if where == "always" else SEVERAL)
    if where == "auto" and not _worth_names(before, definitions, after):
        return tuple(words.lines), words.answers
    cut = len(words.lines)
    lines = [*definitions, *((name, e) for (name, _), e in zip(words.lines, after[:cut], strict=True))]
    return tuple(_in_order(lines)), after[cut:]


def _worth_names(before: Sequence[Expr], definitions: Sequence[Definition], after: Sequence[Expr]) -> bool:
    """Of a long answer, whether it gets shorter by a quarter with its lines; of one that is longer than a line of
    print, whether the formula itself gets half as long, and the whole no longer."""
    size, whole = sum(map(length, before)), total(definitions, after)
    if size > LONG:
        return whole <= WORTH * size
    return whole <= size and sum(map(length, after)) <= size / 2 and all(e.args for e in after)


def _in_order(lines: Sequence[Definition]) -> list[Definition]:
    """Each line after those that it uses."""
    names = {name for name, _ in lines}
    waiting = {name: {s.name for s in symbols(e)} & names for name, e in lines}
    found: list[Definition] = []
    left = list(lines)
    while left:
        done = {name for name, _ in found}
        line = next(line for line in left if waiting[line[0]] <= done)
        found.append(line)
        left.remove(line)
    return found


class _Words:
    """Answers that are rewritten in terms of more and more names."""

    def __init__(self, answers: list[Expr], short: Simplifier, table: Table) -> None:
        self.answers = answers
        self.lines: list[Definition] = []
        self.short = short
        self.table = table

    def use(self, name: str, e: Expr) -> bool:
        """The answers in terms of ``name``, which stands for ``e``; False if they do not speak of it."""
        facts = facts_of(e)
        if ONE in e.shape and not e.is_scalar and self.short(ops.norm2(e)) is ops.num(1):
            facts |= {"unit"}  # u = x/norm2(x): u'*u is 1
        word = ops.sym(name, kind_of_shape(e.shape, facts))
        best = min(self._readings(e, word), key=lambda found: sum(map(length, found)), default=None)
        if best is None:
            return False
        self.answers = best
        self.lines.append((name, e))
        return True

    def _as_symmetric(self, lines: Sequence[Definition], answers: list[Expr]) -> bool:
        """Can answers still be seen to be symmetric that could be, in terms of those names and lines?"""
        before = zip(answers, written_out(lines, answers), strict=True)
        after = zip(self.answers, written_out(self.lines, self.answers), strict=True)
        return all(
            any(map(is_symmetric, now)) for was, now in zip(before, after, strict=True) if any(map(is_symmetric, was))
        )

    def _readings(self, e: Expr, word: Expr) -> Iterator[list[Expr]]:
        """The answers with ``e`` replaced where it is seen, and with one of its symbols eliminated."""
        for kept, cut in (({}, {}), *_eliminations(e, word)):
            changed = [ops.substitute(ops.substitute(a, kept), cut) for a in self.answers]
            back = {y: x for x, y in kept.items()}
            settled = [ops.substitute(self.short.settled(a), back) for a in changed] if cut else changed
            found = _Occurrences(e, word, self.table).replaced(settled)
            if any(word in symbols(a) for a in found):
                yield [self.short.settled(a) for a in found]

    def find(self, letters: Letters) -> None:
        """Residuals, products that repeat, projectors: named where the answers with their lines get shorter."""
        for candidates, first in _SEARCH:
            for _ in range(_NAMES):
                own = {name for name, _ in self.lines}
                if not any(self._try(e, first, letters) for e in candidates(self.answers, own)):
                    break

    def _try(self, e: Expr, first: str, letters: Letters) -> bool:
        lines, answers = list(self.lines), self.answers
        name = letters.name_of(e, first.upper() if ONE not in e.shape else first)
        shorter = self.use(name, e) and sum(map(length, self.answers)) < sum(map(length, answers))
        if shorter and self._as_symmetric(lines, answers):
            return True
        letters.taken.discard(name)
        self.lines, self.answers = lines, answers
        return False


def _eliminations(e: Expr, word: Expr) -> Iterator[tuple[dict[Expr, Expr], dict[Expr, Expr]]]:
    """Each symbol that is a term of ``e`` in terms of the others and the ``word``: b = A*x - r for r = A*x - b.

    Of u = x/norm2(x): x = c*u with c = norm2(x), which is kept as it is; of rho = x'*A*x/(x'*x): x'*A*x = rho*(x'*x).
    """
    if e.op == "mul":
        p = parts(e)
        kept = {c: ops.sym(f"{word.name}_{i}", kind_of_shape(SCALAR)) for i, c in enumerate(p.scalars)}
        x = ops.mul(*p.body)
        if x.op == "sym" and kept:
            front = compose(1 / p.coef, {kept[c]: scale_exponent(k, Fraction(-1)) for c, k in p.scalars.items()}, [])
            yield kept, {x: ops.mul(front, word)}
        for c, k in p.scalars.items() if e.is_scalar else ():
            others = {b: scale_exponent(j, Fraction(-1)) for b, j in p.scalars.items() if b is not c}
            if k == 1:
                yield {}, {c: ops.mul(compose(1 / p.coef, others, []), word)}
    for term in e.args if e.op == "add" else ():
        x, negative = _unsigned(term)
        if x.op == "sym" and not any(x in symbols(other) for other in e.args if other is not term):
            rest = ops.add(*(ops.neg(other) for other in e.args if other is not term), word)
            yield {}, {x: ops.neg(rest) if negative else rest}


def _unsigned(term: Expr) -> tuple[Expr, bool]:
    negative = term.op == "mul" and len(term.args) == 2 and term.args[0] is ops.num(-1)
    return (term.args[1], True) if negative else (term, False)


class _Occurrences:
    """Where an expression occurs: as a node, as factors of a longer product; in either sign, transposed or not."""

    def __init__(self, e: Expr, word: Expr, table: Table) -> None:
        self.names = set(symbols(e))
        self.table = table
        self.meaning: dict[Expr, Expr] = {}
        for x, w in ((e, word), (ops.transpose(e), ops.transpose(word))):
            for y, v in ((x, w), (ops.neg(x), ops.neg(w))):
                form = self._form(y)
                if form is not None:
                    self.meaning.setdefault(form, v)
        if e.op == "fn" and e.data == "sigmoid":
            other = self._form(ops.fn("sigmoid", ops.neg(e.args[0])))
            if other is not None:
                self.meaning.setdefault(other, ops.sub(ops.lift(ops.num(1), e.shape), word))
        self.shapes = {form.shape for form in self.meaning}

    def _form(self, e: Expr) -> Expr | None:
        try:
            return normal_form(e, self.table)
        except BudgetError:
            return None

    def of(self, n: Expr) -> Expr | None:
        """What stands for ``n``, if it is the expression in some sign and orientation."""
        if n.shape not in self.shapes or not n.args or n.op == "t" or set(symbols(n)) != self.names:
            return None
        form = self._form(n)
        return None if form is None else self.meaning.get(form)

    def replaced(self, answers: Sequence[Expr]) -> list[Expr]:
        found: dict[Expr, Expr] = {}
        for n in topological(*answers):
            known = self.of(n)
            if known is not None:
                found[n] = known
                continue
            args = [found[a] for a in n.args]
            if n.op == "mul":
                args = self._factors(n.args, args)
            found[n] = n if tuple(args) == n.args else ops.mul(*args) if n.op == "mul" else ops.rebuild(n, args)
        return [found[a] for a in answers]

    def _factors(self, old: Sequence[Expr], new: Sequence[Expr]) -> list[Expr]:
        """The factors of a product, runs of them that are the expression replaced."""
        factors: list[Expr] = []
        start = 0
        while start < len(old):
            stops = range(min(len(old), start + _RUN), start + 1, -1)
            runs = ((stop, self.of(ops.mul(*old[start:stop]))) for stop in stops if stop - start < len(old))
            stop, known = next(((stop, w) for stop, w in runs if w is not None), (start + 1, None))
            factors.append(known if known is not None else new[start])
            start = stop
        return factors


def _bound(answers: Sequence[Expr]) -> set[Expr]:
    """What contains an index: it has no meaning outside of its sum."""
    found: set[Expr] = set()
    for n in topological(*answers):
        if n.op == "idx" or not found.isdisjoint(n.args):
            found.add(n)
    return found


def _residuals(answers: Sequence[Expr], own: Container[str]) -> list[Expr]:
    """Differences of arrays, A*x - b, in which a symbol is a term; inner ones first, as columns, the shorter sign."""
    bound = _bound(answers)
    found: dict[Expr, None] = {}
    for n in topological(*answers):
        if n.op != "add" or n.is_scalar or n in bound or len(symbols(n)) < 2:
            continue
        terms = [_unsigned(a) for a in n.args]
        signs = {negative for _, negative in terms}
        plain = [x.args[0] if x.op == "t" else x for x, _ in terms]
        lone = any(x.op == "sym" and x.name not in own for x in plain)
        if lone and len(signs) == 2 and all(symbols(x) for x, _ in terms):
            n = Simplifier()(ops.transpose(n)) if n.rows is ONE else n
            found[min((n, Simplifier()(ops.neg(n))), key=lambda e: (length(e), _last_sign(e), label(e)))] = None
    return list(found)


def _last_sign(e: Expr) -> bool:
    """b - A*x after A*x - b: what is observed has the minus sign."""
    return any(negative and x.op != "sym" for x, negative in map(_unsigned, e.args))


def _products(answers: Sequence[Expr], own: Container[str]) -> list[Expr]:
    """Products of arrays that repeat, transposed or not, and are worth a line; short ones first."""
    bound, times = _bound(answers), Counter[Expr]()
    uses = _uses(answers)
    for n in uses:
        ends: dict[Expr, int] = {}  # of each product, where its last occurrence ends
        for start in range(len(n.args) if n.op == "mul" else 0):
            for stop in range(start + 2, min(len(n.args), start + _RUN) + 1):
                factors = n.args[start:stop]
                run = ops.mul(*factors)
                if run.is_scalar or any(a.is_scalar or a in bound for a in factors):
                    continue
                key = min((run, Simplifier()(ops.transpose(run))), key=lambda e: (length(e), label(e)))
                if ends.get(key, 0) <= start:
                    ends[key] = stop
                    times[key] += uses[n]
    worth = [e for e, k in times.items() if (k - 1) * (length(e) - 1) > LINE + 1]
    return sorted(worth, key=lambda e: (length(e), -times[e], label(e)))


def _plain_products(answers: Sequence[Expr], own: Container[str]) -> list[Expr]:
    """Such products of names alone."""
    return [e for e in _products(answers, own) if all((a.args[0] if a.op == "t" else a).op == "sym" for a in e.args)]


def _uses(answers: Sequence[Expr]) -> Mapping[Expr, int]:
    """How often each node is written."""
    times = Counter(answers)
    for n in reversed(topological(*answers)):
        for a in n.args:
            times[a] += times[n]
    return times


def _projectors(answers: Sequence[Expr], own: Container[str]) -> list[Expr]:
    """X*inv(X'*X)*X', the projection onto the columns of X."""
    found: dict[Expr, None] = {}
    for n in topological(*answers):
        factors = n.args if n.op == "mul" else ()
        for x, middle, y in zip(factors, factors[1:], factors[2:], strict=False):
            if middle.op == "inv" and x is Simplifier()(ops.transpose(y)) and middle.args[0] is ops.mul(y, x):
                found[ops.mul(x, middle, y)] = None
    return list(found)


_SEARCH = (
    (_residuals, "r"),
    (_plain_products, ""),
    (_projectors, "P"),
    (_products, ""),
    (_residuals, "r"),
)


def own_names(
    residuals: Mapping[str, Expr], function: Expr, taken: Iterable[str]
) -> tuple[Definition, ...]:
    """The reader's names, checked: new, and each for something made of names of the function and of names before it."""
    known = {s.name for s in symbols(function)}
    taken = set(taken)
    for name, e in residuals.items():
        if name in taken:
            raise InputError(f"{name} has a meaning already", hint="a part needs a name of its own")
        strange = sorted(s.name for s in symbols(e) if s.name not in known)
        if strange:
            raise InputError(f"{strange[0]} in {name} = ... does not occur in the function")
        if not e.args or e.op == "t":
            raise InputError(f"{name} = ... is a name for a name")
        known.add(name)
        taken.add(name)
    return tuple(residuals.items())


def expanded(e: Expr, table: Table) -> Expr:
    """Products distributed over sums, like terms collected; InputError if that is too long to read."""
    try:
        return normal_form(e, table)
    except BudgetError as error:
        raise InputError("the answer is too long to be expanded", hint="leave --expand out") from error
