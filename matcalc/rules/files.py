"""The files of the table -> entries, their fields checked by name and type; a refusal names the field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from matcalc.errors import TableError
from matcalc.rules.entries import Differential, Entry
from matcalc.rules.statements import Erratum, Gradient, Jacobian, Property, Rewrite

SECTIONS = ("differentials", "rewrites", "properties", "gradients", "jacobians", "errata")
# the field that tells what kind of entry it is -> (class, required fields, optional fields)
_COMMON = {"says", "note"}
SCHEMAS: dict[str, tuple[type[Entry], frozenset[str], frozenset[str]]] = {
    "why": (
        Erratum,
        frozenset({"why", "source"}),
        frozenset({"let", "f", "wrt", "gradient", "jacobian", "from", "to", "if", "then", "right", *_COMMON}),
    ),
    "of": (
        Differential,
        frozenset({"says", "let", "of", "d", "source"}),
        frozenset({"note", "domain", "kink", "jump", "at", "fixed"}),
    ),
    "from": (Rewrite, frozenset({"let", "from", "to", "source"}), frozenset({"if", *_COMMON})),
    "jacobian": (Jacobian, frozenset({"let", "f", "wrt", "jacobian", "source"}), frozenset(_COMMON)),
    "f": (
        Gradient,
        frozenset({"let", "f", "wrt", "gradient", "source"}),
        frozenset({"hessian", "structure", *_COMMON}),
    ),
    "then": (Property, frozenset({"then", "source"}), frozenset({"let", "if", "keeps", *_COMMON})),
}
_LISTS = frozenset({"let", "source", "domain", "kink", "jump", "fixed", "keeps"})
# the claims an erratum may make
_CLAIMS = ({"f", "wrt", "gradient"}, {"f", "wrt", "jacobian"}, {"from", "to"}, {"then"})


def identities() -> Traversable:
    """The folder of the table: the package ``matcalc.identities``, or in a checkout the folder beside."""
    try:
        folder = resources.files("matcalc.identities")
        if folder.joinpath("differentials.toml").is_file():
            return folder
    except ModuleNotFoundError:
        pass
    return Path(__file__).resolve().parent.parent.parent / "identities"


def _below(folder: Traversable) -> tuple[Traversable, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name))


def files(root: Traversable) -> dict[str, tuple[Traversable, ...]]:
    """A folder laid out like ours: differentials.toml, properties.toml, errata.toml, rewrites/, ..."""
    found = {name: (*_existing(root / f"{name}.toml"), *_below(root / name)) for name in SECTIONS}
    known = {f"{name}.toml" for name in SECTIONS}
    found[""] = tuple(f for f in _below(root) if f.name not in known)
    return found


def _existing(file: Traversable) -> tuple[Traversable, ...]:
    return (file,) if file.is_file() else ()


def read_entries(file: Traversable) -> Iterator[Entry]:
    """The entries of one file, their fields checked by name and type."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{file.name}: not valid TOML: {error}") from None
    except OSError as error:
        raise TableError(f"{file.name}: cannot be read: {error.strerror or error}") from None
    for key, fields in content.items():
        yield make_entry(key, file.name, fields)


def make_entry(entry_id: str, file: str, fields: Any) -> Entry:
    """The entry with these fields, of the kind that they show; TableError for a missing or unknown one."""
    if not isinstance(fields, dict):
        raise TableError(f"{file}: [{entry_id}]: stands outside an entry; a file holds entries [id] only")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry_id):
        raise TableError(f"{file}: [{entry_id}] id: must be words of small letters with hyphens between")
    signs = [sign for sign in SCHEMAS if sign in fields]
    if not signs:
        raise TableError(
            f"{file}: [{entry_id}]: has none of the fields that tell its kind: of (differential), "
            "from (rewrite), then (property), f (gradient), jacobian (jacobian), why (erratum)"
        )
    kind, required, optional = SCHEMAS[signs[0]]
    known, noun = required | optional, kind.__name__.lower()
    entry = kind(entry_id, file, fields)
    for name in fields:
        if name not in known:
            raise entry.wrong(name, f"is not a field of a {noun}; known are {_names(known)}")
    for name in sorted(required):
        if name not in fields:
            raise entry.wrong(name, f"is missing; a {noun} needs {_names(required)}")
    for name, value in fields.items():
        _check_type(entry, name, value)
    if kind is Property and "let" not in fields and ("if" not in fields or "keeps" in fields):
        raise entry.wrong("let", "is missing: a property is an implication with if and then, or has let and then")
    if kind is Erratum and not any(claim <= fields.keys() for claim in _CLAIMS):
        raise entry.wrong("claim", "is missing: f, wrt and gradient (or jacobian), or from and to, or if and then")
    return entry


def _check_type(entry: Entry, name: str, value: Any) -> None:
    if name == "if" and isinstance(entry, Property | Erratum) and "let" not in entry.fields:
        good, expected = isinstance(value, str), "a text"
    elif name in _LISTS or name == "if":
        good = isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)
        good = good and (bool(value) or name == "let")
        expected = "a list of texts"
    else:
        good, expected = isinstance(value, str) and bool(value.strip()), "a text"
    if not good:
        raise entry.wrong(name, f"must be {expected}")


def _names(fields: Iterable[str]) -> str:
    return ", ".join(sorted(fields))
