r"""Notation of LaTeX and MathML: transposes (A^\top, A^T, A'), vectors (bold or not), elementwise products, traces.

What a notation leaves open is as in the notation in force, which ``set_notation`` replaces; each thread and each task
has its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from typing import Any

from matcalc.errors import InputError

_CHOICES: dict[str, dict[str, str]] = {
    "transpose": {"top": r"\top", "T": "T", "intercal": r"\intercal", "prime": "'", "'": "'"},
    "bold": {"none": "none", "vectors": "vectors", "arrays": "arrays"},
    "hadamard": {"odot": r"\odot", "circ": r"\circ"},
    "trace": {"operatorname": r"\operatorname{tr}", "tr": r"\mathrm{tr}"},
}
_BARE = {"bold": "vectors"}  # what a word alone means
_COMMAND = re.compile(r"\\[A-Za-z]+(\{[A-Za-z]*\})?|[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Notation:
    r"""The LaTeX of a transpose (``\top``, ``T``, ``'``), of elementwise products, of the trace; what is set in bold
    type (``none``, ``vectors``, ``arrays``); the LaTeX of some names (for LaTeX alone: MathML shows them as they are).
    None: as in the notation in force."""

    transpose: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    bold: str | None = None
    hadamard: str | None = None
    trace: str | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is None or (name != "bold" and isinstance(value, str) and _COMMAND.fullmatch(value)):
                continue
            if value not in choices.values():
                raise InputError(f"{value!r} is no notation for {name}", hint=f"one of {', '.join(choices)}")

    def filled(self) -> Notation:
        """What is left open taken from the notation in force."""
        force = _force.get()
        open_fields = {f.name: getattr(force, f.name) for f in fields(self) if getattr(self, f.name) is None}
        return replace(self, **open_fields, names={**force.names, **self.names})


STANDARD = Notation(transpose=r"\top", bold="none", hadamard=r"\odot", trace=r"\operatorname{tr}")
_force: ContextVar[Notation] = ContextVar("notation", default=STANDARD)


def notation_of(text: str) -> Notation:
    """``transpose=T, bold=vectors, hadamard=circ, trace=tr``; ``bold`` alone means vectors."""
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in _CHOICES or not (equals or name in _BARE):
            known = ", ".join(f"{key}={'|'.join(choices)}" for key, choices in _CHOICES.items())
            raise InputError(f"'{part}' is no notation", hint=known)
        word = value if equals else _BARE[name]
        if word not in _CHOICES[name] and not (word.startswith("\\") and name != "bold"):
            raise InputError(f"'{word}' is no notation for {name}", hint=f"one of {', '.join(_CHOICES[name])}")
        found[name] = _CHOICES[name].get(word, word)
    return Notation(**found)


def set_notation(notation: Notation | str | None = None, **choices: Any) -> Notation:
    r"""Put a notation in force for LaTeX and MathML; returns the one before. Without arguments: the standard.

    ``set_notation("transpose=T, bold")``, ``set_notation(transpose="T", bold="vectors")``.
    """
    before = _force.get()
    _force.set(STANDARD if notation is None and not choices else _chosen(notation, choices))
    return before


def _chosen(notation: Notation | str | None, choices: Mapping[str, Any]) -> Notation:
    found = notation_of(notation) if isinstance(notation, str) else notation or Notation()
    unknown = [name for name in choices if name not in _CHOICES and name != "names"]
    if unknown:
        raise InputError(f"there is no '{unknown[0]}' in a notation", hint=f"it has {', '.join((*_CHOICES, 'names'))}")
    words = {key: value if key == "names" else _CHOICES[key].get(value, value) for key, value in choices.items()}
    return replace(found, **words).filled()


@contextmanager
def using(notation: Notation | str | None) -> Iterator[None]:
    """A notation in force for a while; None changes nothing."""
    token = _force.set(_chosen(notation, {}))
    try:
        yield
    finally:
        _force.reset(token)


_MARKED = re.compile(r"\\(hat|bar|tilde|dot)\{(.*)\}(_\{.*\})?")


def emboldened(shown: str) -> str:
    r"""A name in bold type: ``\mathbf{x}_{1}``, ``\boldsymbol{\mu}``, ``\hat{\mathbf{y}}``."""
    marked = _MARKED.fullmatch(shown)
    if marked is not None:
        return rf"\{marked[1]}{{{emboldened(marked[2])}}}{marked[3] or ''}"
    stem, mark, below = shown.partition("_{")
    if stem.startswith((r"\frac", r"\text", r"\mathtt", r"\mathbf", r"\boldsymbol")) or stem.count("{") > 1:
        return shown
    if stem.startswith(r"\mathrm{"):
        bold = rf"\mathbf{stem.removeprefix(chr(92) + 'mathrm')}"
    else:
        bold = rf"\mathbf{{{stem}}}" if stem.isalpha() and stem.isascii() else rf"\boldsymbol{{{stem}}}"
    return f"{bold}{mark}{below}"
