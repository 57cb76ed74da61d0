"""``matcalc completion``: the script by which a shell completes commands, options, and the names of an expression."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem, get_completion_class

from matcalc.errors import InputError

from .command import source_text

SHELLS = {
    "bash": 'eval "$(matcalc completion bash)"      in ~/.bashrc',
    "zsh": 'eval "$(matcalc completion zsh)"       in ~/.zshrc',
    "fish": "matcalc completion fish | source       in ~/.config/fish/config.fish",
}
VARIABLE = "_MATCALC_COMPLETE"
EXAMPLES = "\b\nExamples (for good, in the file of the shell):\n" + "".join(f"  {line}\n" for line in SHELLS.values())
_NAME = re.compile(r"(?<![\w.])([^\W\d]\w*)(?!\w*\()")
_WORDS = frozenset({"axis", "for", "in", "pi"})


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    It completes commands, options and their values, files, the ids of identities, and after --wrt the names that
    stand in the expression.
    """
    made = get_completion_class(shell)
    assert made is not None, shell
    root = click.get_current_context().find_root()
    click.echo(made(root.command, {}, "matcalc", VARIABLE).source())


def names(context: click.Context, option: click.Parameter, typed: str) -> list[CompletionItem]:
    """The names of the expression or program that has been typed, after those that are typed already."""
    try:
        text = source_text(str(context.params.get("function") or ""))
    except InputError:
        return []
    *before, last = typed.split(",")
    text = re.sub("#.*", "", text)
    found = dict.fromkeys(name for name in _NAME.findall(text) if name not in _WORDS and name not in before)
    return [CompletionItem(",".join([*before, name])) for name in found if name.startswith(last)]


def files(context: click.Context, argument: click.Parameter, typed: str) -> list[CompletionItem]:
    """The shell's own completion of files."""
    return [CompletionItem(typed, type="file")]
