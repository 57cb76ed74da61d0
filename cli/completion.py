"""``matcalc completion``: the script by which a shell completes commands, options, and the names of an expression."""

from __future__ import annotations

import re
from contextlib import suppress

import click
from click.shell_completion import CompletionItem, get_completion_class

import matcalc
from matcalc.errors import InputError, MatcalcError

from .command import source_text

SHELLS = {
    "bash": 'eval "$(matcalc completion bash)"      in ~/.bashrc',
    "zsh": 'eval "$(matcalc completion zsh)"       in ~/.zshrc',
    "fish": "matcalc completion fish | source       in ~/.config/fish/config.fish",
}
VARIABLE = "_MATCALC_COMPLETE"
EXAMPLES = "\b\nExamples (for good, in the file of the shell):\n" + "".join(f"  {line}\n" for line in SHELLS.values())
KINDS = (
    "scalar", "vector(n)", "row(n)", "matrix(m, n)", "symmetric(n)", "spd(n)", "diagonal(n)", "lower(n)", "upper(n)",
    "orthogonal(n)", "toeplitz(n)", "onehot(n)", "simplex(n)", "unit(n)", "integer", "function",
)  # fmt: skip
FACTS = ("positive", "nonnegative", "nonzero", "invertible", "fullrank")
_NAME = re.compile(r"(?<![\w.])([^\W\d]\w*)(?!\w*\()")
_WORDS = frozenset({"axis", "for", "in", "pi"})


@click.command(short_help="Completion for bash, zsh or fish.", epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    It completes commands, options and their values, files, the ids of identities, after --wrt the names that
    stand in the expression, and after --declare names, kinds and facts (in quotes, as in --declare "x: vec).
    """
    made = get_completion_class(shell)
    assert made is not None, shell
    root = click.get_current_context().find_root()
    source = made(root.command, {}, "matcalc", VARIABLE).source()
    click.echo(source.replace('string split ","', 'string split -m 1 ","'))  # fish: a value may have commas


def names(context: click.Context, option: click.Parameter, typed: str) -> list[CompletionItem]:
    """The names of the expression or program that has been typed, after those that are typed already."""
    *before, last = typed.split(",")
    found = [name for name in _names(_text(context)) if name not in before]
    return [CompletionItem(",".join([*before, name])) for name in found if name.startswith(last)]


def declarations(context: click.Context, option: click.Parameter, typed: str) -> list[CompletionItem]:
    """``x: vec`` as ``x: vector(n)``: a name, its kind with the sizes that it has where it stands, then facts."""
    front, separator, last = typed.rpartition(";")
    front += separator + last[: len(last) - len(last.lstrip())]
    name, colon, kind = last.lstrip().partition(":")
    text = _text(context)
    if not colon:
        known = [other for other in _names(text) if other.startswith(name)]
        if len(known) != 1:
            return [CompletionItem(f"{front}{other}: ") for other in known]
        name, kind = known[0], ""
    *facts, last = kind.split(",") if kind.count("(") == kind.count(")") else [kind]
    if facts:
        written = ",".join(facts)
        return [CompletionItem(f"{front}{name}:{written}, {f}") for f in FACTS if f.startswith(last.strip())]
    kinds = _sized(text, name.strip())
    return [CompletionItem(f"{front}{name}: {k}") for k in kinds if k.startswith(last.strip())]


def _sized(text: str, name: str) -> list[str]:
    """The kinds, with the sizes that the name has in the text as far as it can be read; a row and a column in both."""
    found: list[str] = []
    with suppress(MatcalcError, KeyError):
        found = [size for size in map(str, matcalc.read(text).kinds[name].shape) if size != "1"]
    last = found[-1] if found else "n"
    both = ", ".join(found if len(found) == 2 else (last, "n" if last == "m" else "m") if found else ("m", "n"))
    ends = {"n": last, "m, n": both}
    return [re.sub(r"\((.*)\)", lambda size: f"({ends[size[1]]})", kind) for kind in KINDS]


def _text(context: click.Context) -> str:
    """The expression or program that has been typed; nothing where there is none."""
    with suppress(InputError):
        return source_text(str(context.params.get("function") or ""))
    return ""


def _names(text: str) -> list[str]:
    found = _NAME.findall(re.sub("#.*", "", text))
    return list(dict.fromkeys(name for name in found if name not in _WORDS))


def files(context: click.Context, argument: click.Parameter, typed: str) -> list[CompletionItem]:
    """The shell's own completion of files."""
    return [CompletionItem(typed, type="file")]
