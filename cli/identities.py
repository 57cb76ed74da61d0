"""``matcalc identities``: the table, and its verification."""

from __future__ import annotations

import click


@click.group(invoke_without_command=True)
def identities() -> None:
    """The table."""
