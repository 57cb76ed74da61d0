"""The command group ``matcalc``."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Closed-form matrix derivatives."""
