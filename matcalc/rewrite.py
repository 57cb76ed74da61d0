"""The table's rewrites as one function: expression -> shorter expression, or None."""

from __future__ import annotations

from collections.abc import Callable

from matcalc.expr import Expr
from matcalc.table import Table


def rewriter(table: Table) -> Callable[[Expr], Expr | None] | None:
    """Applies the first rewrite of the table that fits a node."""
    return None
