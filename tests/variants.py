"""The same function typed differently: terms and factors in another order, transposed, expanded, in other words."""

from __future__ import annotations

from collections.abc import Callable

from matcalc import ops
from matcalc.answers.derivation import Derivation
from matcalc.errors import BudgetError
from matcalc.expr import Expr, fold, topological
from matcalc.printing.measure import length
from matcalc.printing.text import text
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import default_table
from matcalc.shapes import ONE
from matcalc.simplifier.factors import segments
from matcalc.simplifier.normal import normal_form
from matcalc.simplifier.orientation import oriented
from matcalc.simplifier.simplify import Simplifier

Rule = Callable[[Expr], Expr]


def everywhere(rule: Rule) -> Rule:
    """The rule applied to every node, parts first."""

    def apply(e: Expr) -> Expr:
        return fold(e, lambda n, args: rule(n if tuple(args) == n.args else ops.rebuild(n, args)))

    return apply


def turned(x: Expr) -> Expr:
    return x.args[0] if x.op == "t" else ops.transpose(x)


def terms_swapped(n: Expr) -> Expr:
    """a + b as b + a."""
    return ops.add(*reversed(n.args)) if n.op == "add" else n


def factors_swapped(n: Expr) -> Expr:
    """a .* b as b .* a; scalar factors of a product last, in the other order."""
    if n.op == "had":
        return ops.had(*reversed(n.args))
    if n.op == "mul":
        scalars = [a for a in n.args if a.is_scalar]
        return ops.mul(*(a for a in n.args if not a.is_scalar), *reversed(scalars))
    return n


def scalars_transposed(n: Expr) -> Expr:
    """x'*A*y as y'*A'*x."""
    if n.op != "mul":
        return n
    runs = segments([a for a in n.args if not a.is_scalar])
    flipped = [f for run in runs for f in ([turned(a) for a in reversed(run)] if ops.mul(*run).is_scalar else run)]
    return ops.mul(*(a for a in n.args if a.is_scalar), *flipped)


def traces_rotated(n: Expr) -> Expr:
    """tr(A*B*C) as tr(B*C*A)."""
    if n.op == "tr" and n.args[0].op == "mul":
        first, *rest = n.args[0].args
        return ops.trace(ops.mul(*rest, first))
    return n


def traces_transposed(n: Expr) -> Expr:
    """tr(A*B) as tr(B'*A')."""
    if n.op != "tr":
        return n
    x = n.args[0]
    return ops.trace(ops.mul(*map(turned, reversed(x.args))) if x.op == "mul" else turned(x))


def squared_norm(n: Expr) -> Expr | None:
    """What is squared in norm2(r)^2."""
    if n.op == "pow" and n.args[0].op == "norm2" and n.args[1] is ops.num(2):
        return n.args[0].args[0]
    return None


def norms_as_products(n: Expr) -> Expr:
    """norm2(r)^2 as r'*r, of a matrix as tr(R'*R)."""
    r = squared_norm(n)
    if r is None:
        return n
    if r.rows is ONE:
        return ops.mul(r, ops.transpose(r))
    return ops.mul(ops.transpose(r), r) if r.cols is ONE else ops.trace(ops.mul(ops.transpose(r), r))


def norms_as_sums(n: Expr) -> Expr:
    """norm2(r)^2 as sum(r.^2)."""
    r = squared_norm(n)
    return n if r is None else ops.total(ops.power(r, ops.num(2)))


def norms_negated(n: Expr) -> Expr:
    """norm2(a - b) as norm2(b - a)."""
    if n.op == "norm2" and n.args[0].op == "add":
        return ops.norm2(ops.add(*map(opposite, reversed(n.args[0].args))))
    return n


def opposite(x: Expr) -> Expr:
    negative = x.op == "mul" and len(x.args) == 2 and x.args[0] is ops.num(-1)
    return x.args[1] if negative else ops.neg(x)


def means_as_sums(n: Expr) -> Expr:
    """mean(x) as sum(x)/n."""
    if n.op == "mean" and n.data is None:
        x = n.args[0]
        return ops.div(ops.total(x), ops.dim(x.rows * x.cols))
    return n


def inner_products_as_sums(n: Expr) -> Expr:
    """x'*y of two vectors as sum(x .* y)."""
    if n.op == "mul" and len(n.args) == 2 and n.is_scalar and not n.args[0].is_scalar:
        return ops.total(ops.had(turned(n.args[0]), n.args[1]))
    return n


def expanded(e: Expr) -> Expr:
    """Products distributed over sums."""
    try:
        return normal_form(e)
    except BudgetError:
        return e


VARIANTS: dict[str, Rule] = {
    rule.__name__: everywhere(rule)
    for rule in (
        terms_swapped, factors_swapped, scalars_transposed, traces_rotated, traces_transposed,
        norms_as_products, norms_as_sums, norms_negated, means_as_sums, inner_products_as_sums,
    )
}  # fmt: skip
VARIANTS["expanded"] = expanded


def same_answer(found: Derivation, d: Derivation) -> bool:
    """Are the answers the same, once the differences in both stand as the one function has them?"""
    if found.answer is d.answer:
        return True
    short = Simplifier(rewriter(default_table()))
    one, other = (oriented(short(answer), [d.loss], short) for answer in (found.answer, d.answer))
    return one is other and length(found.answer) == length(d.answer)


def typed(d: Derivation, variant: str) -> str | None:
    """The function of a derivation typed in another way; None if there is no other, or it would be another function."""
    (target,) = (a.variable for a in d.answers.values())
    nodes = topological(d.loss)
    if any(n.op == "isum" for n in nodes):
        return None
    kinked = any(n.op in ("max2", "min2", "cmp") for n in nodes)
    if variant == "expanded" and (target.data[1].facts or kinked):  # type: ignore[index]
        return None  # simplified where the facts hold; another choice at the kinks
    other = text(VARIANTS[variant](d.loss))
    return None if other == text(d.loss) else other
