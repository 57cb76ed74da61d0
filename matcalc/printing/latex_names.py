"""Names in print: ``W1`` is W_{1}, ``b_out`` b_{\\mathrm{out}}, ``yhat`` \\hat{y}, ``lambda`` \\lambda.

Different names of one formula never print alike: the later one is then set verbatim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from matcalc.expr import Expr, topological
from matcalc.language.greek import LETTERS as GREEK
from matcalc.language.greek import SPELT, WITHOUT_COMMAND

_PARTS = re.compile(r"([^\W\d_]+)(\d*)((?:_[^\W_]+)*)")
_ACCENTS = ("hat", "bar", "tilde", "dot")


class NameParts(NamedTuple):
    """A letter or word, the accent on it ("" without), and its subscripts."""

    stem: str
    accent: str
    below: tuple[str, ...]


def name_parts(name: str) -> NameParts | None:
    """What a name consists of; None for one that is shown letter by letter."""
    match = _PARTS.fullmatch(name)
    if match is None:
        return None
    stem, digits, rest = match.groups()
    parts = rest.split("_")[1:]
    accents = [part for part in parts if part in _ACCENTS]
    if len(accents) == 1 and (len(stem) == 1 or stem in GREEK):  # x_hat is xhat
        stem += accents[0]
        parts.remove(accents[0])
    below = ([digits] if digits else []) + parts
    for accent in _ACCENTS:
        base = stem.removesuffix(accent)
        if base != stem and (len(base) == 1 or base in GREEK):
            return NameParts(base, accent, tuple(below))
    return NameParts(stem, "", tuple(below))


def latex_name(name: str) -> str:
    """How a name is set on its own."""
    parts = name_parts(name)
    if parts is None:
        return verbatim(name)
    below = ",".join(map(_numbered, parts.below))
    head = rf"\{parts.accent}{{{_letters(parts.stem)}}}" if parts.accent else _letters(parts.stem)
    return f"{head}_{{{below}}}" if below else head


def _numbered(part: str) -> str:
    """``W1`` in a subscript: W_{1}."""
    stem, digits = split_digits(part)
    return f"{_letters(stem)}_{{{digits}}}" if stem and digits else _letters(part)


def split_digits(part: str) -> tuple[str, str]:
    """``W1`` as W and 1."""
    stem = part.rstrip("0123456789")
    return stem, part[len(stem) :]


def _letters(word: str) -> str:
    word = SPELT.get(word, word)
    if word in WITHOUT_COMMAND:
        return rf"\mathrm{{{GREEK_LOOKALIKE[word]}}}"
    if word in GREEK:
        return "\\" + word
    if not word.isascii():
        return rf"\text{{{word}}}"
    return word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{word}}}"


GREEK_LOOKALIKE = {"omicron": "o", "Chi": "X", "Eta": "H", "Nu": "N", "Rho": "P"} | {
    name: name[0] for name in "Alpha Beta Epsilon Zeta Iota Kappa Mu Omicron Tau".split()
}


def verbatim(name: str) -> str:
    """A name letter by letter, in typewriter type."""
    escaped = name.replace("_", r"\_")
    return rf"\mathtt{{{escaped}}}" if name.isascii() else rf"\text{{{escaped}}}"


def names_of(expressions: Iterable[Expr]) -> list[str]:
    """Every name that a formula shows: variables, functions, indices and dimensions."""
    found: dict[str, None] = {}
    for node in topological(*expressions):
        for dim in node.shape if node.op in ("eye", "ones", "zeros", "unit") else ():
            found |= dict.fromkeys(dim.names)
        if node.op in ("commutation", "unvec"):
            found |= dict.fromkeys(name for dim in node.data for name in dim.names)  # type: ignore[attr-defined]
        elif node.op == "dim":
            found |= dict.fromkeys(node.data.names)  # type: ignore[attr-defined]
        elif node.op in ("sym", "ufn"):
            found[node.data[0]] = None  # type: ignore[index]
        elif node.op in ("idx", "const"):
            found[str(node.data)] = None
    return sorted(found)


def name_table(
    names: Iterable[str], show: Callable[[str], str] = latex_name, plain: Callable[[str], str] = verbatim
) -> dict[str, str]:
    """How each name is shown, all of them different: the later of two that would be alike is shown plainly."""
    table: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        shown = show(name)
        if shown in taken:
            shown = plain(name)
        taken.add(shown)
        table[name] = shown
    return table
