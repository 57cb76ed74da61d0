"""The normal form: sums of products, transposes on symbols, traces rotated, like terms collected. It decides equality.

Never shown. It can explode, so it has a budget; past it the answer is "undecided".
"""

from __future__ import annotations

from matcalc import ops
from matcalc.errors import BudgetError
from matcalc.expr import Expr
from matcalc.rules.rewrite import rewriter
from matcalc.rules.table import Table, default_table
from matcalc.simplifier.algebra import is_zero
from matcalc.simplifier.simplify import Simplifier

BUDGET = 20_000


def normal_form(e: Expr, table: Table | None = None) -> Expr:
    """The normal form of e; BudgetError if it is too large."""
    return Simplifier(rewriter(table or default_table()), expanding=True, budget=BUDGET)(e)


def equal(a: Expr, b: Expr, table: Table | None = None) -> bool | None:
    """True if a = b by algebra; None if that could not be decided (numbers must speak)."""
    if a.shape != b.shape:
        return False
    if a is b:
        return True
    try:
        return True if is_zero(normal_form(ops.sub(a, b), table)) else None
    except BudgetError:
        return None
