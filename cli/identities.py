"""``matcalc identities``: the table, and its verification."""

from __future__ import annotations

import sys
from typing import Any

import click

from matcalc import identities as table_of
from matcalc.errors import UnknownName

from . import terminal
from .command import COMMON, FAILS

SECTIONS = ("differentials", "rewrites", "properties", "gradients", "jacobians", "errata")
EXAMPLES = """\b
Examples:
  matcalc identities
  matcalc identities list gradients
  matcalc identities show inv
  matcalc identities verify
  matcalc identities verify inv det
  matcalc identities verify --identities mine.toml
"""
_file = click.option(
    "--identities", "path", type=click.Path(exists=True), metavar="FILE", help="Your own identities, besides the table."
)


@click.group(
    invoke_without_command=True, short_help="The table of identities: list, show, verify.", epilog=EXAMPLES + COMMON
)
@click.pass_context
def identities(ctx: click.Context) -> None:
    """The table of identities: list it, show an entry, verify it by numbers."""
    if ctx.invoked_subcommand is None:
        show_sections(None, None)


def _table(path: str | None) -> Any:
    return table_of.load(path) if path else table_of.table()


def statement(entry: Any) -> str:
    """What an entry says, in one line."""
    fields = entry.fields
    condition = ""
    if fields.get("if"):
        condition = f" if {fields['if'] if isinstance(fields['if'], str) else ', '.join(fields['if'])}"
    claim = ""
    if "of" in fields:
        claim = f"d({fields['of']}) = {fields['d']}"
    elif "jacobian" in fields:
        f, x = fields["f"], fields["wrt"]
        stated = entry.claim if "why" in fields else entry
        above = f"d({f})" if stated.wrt.is_scalar or stated.f.cols.number == 1 else f"d vec({f})"
        below = f"d{x}" if stated.wrt.is_scalar else f"d{x}'" if stated.wrt.cols.number == 1 else f"d vec({x})'"
        claim = f"{above}/{below} = {fields['jacobian']}"
    elif "f" in fields:
        claim = f"d({fields['f']})/d{fields['wrt']} = {fields['gradient']}"
        claim += ", entries tied" if "structure" in fields else ""
    elif "from" in fields:
        claim = f"{fields['from']} = {fields['to']}"
    elif "keeps" in fields:
        claim = f"{fields['then']} keeps {', '.join(fields['keeps'])}"
    else:
        claim = str(fields["then"])
    return f"{'not: ' if 'why' in fields else ''}{claim}{condition}"


def seen(entry: Any, verdict: Any) -> str:
    """What the verification of an entry came to."""
    if "why" in entry.fields and verdict:
        return f"refuted, as it should be: {statement(entry).removeprefix('not: ')}"
    if not verdict:
        return str(verdict.reason)
    return f"residual {verdict.residual:.1e} over {verdict.draws} draws"


@identities.command("list")
@click.argument("section", metavar="[SECTION]", required=False, type=click.Choice(SECTIONS))
@_file
def show_list(section: str | None, path: str | None) -> None:
    """One line for each entry: its id and what it says.

    SECTION is one of differentials, rewrites, properties, gradients, jacobians, errata; without it, all of them.
    """
    show_sections(section, path)


def show_sections(section: str | None, path: str | None) -> None:
    """Print the entries of a section, or of all."""
    table = _table(path)
    for name in (section,) if section else SECTIONS:
        entries = getattr(table, name)
        click.echo(f"{name} ({len(entries)})")
        for entry in entries.values():
            click.echo(f"  {entry.id}: {statement(entry)}")


def entry_ids(context: click.Context, argument: click.Parameter, typed: str) -> list[str]:
    """The ids that a shell completes."""
    return [entry.id for entry in table_of.table() if entry.id.startswith(typed)]


@identities.command()
@click.argument("entry_id", metavar="ID", shell_complete=entry_ids)
@_file
def show(entry_id: str, path: str | None) -> None:
    """One entry: its declarations, its formulas, its sources."""
    entry = entry_of(_table(path), entry_id)
    click.echo(f"{entry.id}   ({entry.file})\n{statement(entry)}")
    for name, value in entry.fields.items():
        lines = value if isinstance(value, list) else [value]
        click.echo(f"  {name + ':':<11}" + f"\n  {'':<11}".join(map(str, lines)))


def entry_of(table: Any, entry_id: str) -> Any:
    """The entry with that id, or an error that names its neighbors."""
    try:
        return table[entry_id]
    except KeyError:
        near = [e.id for e in table if entry_id in e.id][:8]
        raise UnknownName(
            f"there is no identity '{entry_id}'",
            hint=f"there are {', '.join(near)}" if near else "matcalc identities list shows them all",
        ) from None


@identities.command(short_help="Compare entries with numbers: all, or those that are named.")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@_file
def verify(ids: tuple[str, ...], path: str | None) -> None:
    """Compare every entry, or those that are named, with numbers, one line for each; exit status 1 if one fails."""
    table = _table(path)
    if path:
        table.check(base=False)
    entries = [entry_of(table, entry_id) for entry_id in ids] or list(table)
    failed = 0
    lines = sys.stderr
    columns = terminal.room(err=True)
    width = max(4, min(36, (columns or 0) - 34))  # beside the label, the percentage and the time
    with click.progressbar(entries, file=lines, label="verifying", hidden=columns is None, width=width) as bar:
        for entry in bar:
            verdict = table_of.verify(entry)
            failed += not verdict
            if columns is not None:
                click.echo("\r\033[K", nl=False, file=lines)  # the bar makes way for the line
            outcome = terminal.painted("ok    ", color="green") if verdict else terminal.painted("FAILED", color="red")
            click.echo(f"{outcome} {entry.id}: {seen(entry, verdict)}")
    click.echo(f"{len(entries) - failed} of {len(entries)} identities verified")
    if failed:
        click.get_current_context().exit(FAILS)
