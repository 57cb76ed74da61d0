"""The identity table: the entries of ``identities/*.toml`` by section, and the differential of each operation.

Files are read when a section of theirs is first asked for, an entry's formulas when it is first used;
``Table.check`` reads everything and applies every refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from matcalc.errors import TableError
from matcalc.expr import Expr
from matcalc.ops import is_wide
from matcalc.rules.ending import check_implications, check_smaller
from matcalc.rules.entries import Differential, Entry
from matcalc.rules.files import SECTIONS, files, identities, read_entries
from matcalc.rules.spellings import head, spelling, word
from matcalc.rules.statements import Erratum, Gradient, Jacobian, Property, Rewrite

EntryT = TypeVar("EntryT", bound=Entry)



@dataclass(frozen=True, eq=False)
class Table:
    """The entries of some files; ``files`` maps a section ("" for any) to the files that hold it."""

    files: Mapping[str, tuple[Traversable, ...]]
    base: Table | None = None

    def _section(self, name: str, kind: type[EntryT]) -> Mapping[str, EntryT]:
        found: dict[str, EntryT] = dict(getattr(self.base, name)) if self.base is not None else {}
        for file in (*self.files.get(name, ()), *self.files.get("", ())):
            for entry in read_entries(file):
                if isinstance(entry, kind):
                    if entry.id in found:
                        raise entry.wrong("id", f"already used in {found[entry.id].file}")
                    found[entry.id] = entry
                elif file in self.files.get(name, ()):
                    raise entry.wrong("id", f"is not one of the {name}, which this file is for")
        return found

    @cached_property
    def differentials(self) -> Mapping[str, Differential]:
        return self._section("differentials", Differential)

    @cached_property
    def rewrites(self) -> Mapping[str, Rewrite]:
        return self._section("rewrites", Rewrite)

    @cached_property
    def properties(self) -> Mapping[str, Property]:
        return self._section("properties", Property)

    @cached_property
    def gradients(self) -> Mapping[str, Gradient]:
        return self._section("gradients", Gradient)

    @cached_property
    def jacobians(self) -> Mapping[str, Jacobian]:
        return self._section("jacobians", Jacobian)

    @cached_property
    def errata(self) -> Mapping[str, Erratum]:
        return self._section("errata", Erratum)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, section by section."""
        for section in SECTIONS:
            yield from getattr(self, section).values()

    def __getitem__(self, entry_id: str) -> Entry:
        for section in SECTIONS:
            found: Entry | None = getattr(self, section).get(entry_id)
            if found is not None:
                return found
        raise KeyError(entry_id)

    @cached_property
    def _by_spelling(self) -> Mapping[str, tuple[Differential, ...]]:
        found: dict[str, list[Differential]] = {}
        for entry in self.differentials.values():
            found.setdefault(spelling(entry.fields["of"]), []).append(entry)
        return {word: tuple(entries) for word, entries in found.items()}

    @cached_property
    def _lookup(self) -> dict[tuple[Any, ...], Differential | None]:
        return {}

    def differential(self, node: Expr) -> Differential | None:
        """The entry for the operation of ``node`` on arguments of these shapes; None if there is none.

        An entry for scalars comes before one for vectors, for rows, for matrices.
        """
        if node.op == "spectral" and node.data in ("svd_u", "svd_v") and is_wide(node.args[0]):
            return None  # the entries are for full column rank
        key = (*head(node), len(node.args), tuple(_form(a) for a in node.args))
        if key not in self._lookup:
            candidates = self._by_spelling.get(word(node), ())
            fitting = [e for e in candidates if head(e.of) == head(node) and _takes(e, node)]
            fitting.sort(key=_specificity)
            self._lookup[key] = fitting[0] if fitting else None
        return self._lookup[key]

    def check(self, *, base: bool = True) -> Table:
        """Read every entry and apply every refusal; the table itself. ``base=False``: own entries only."""
        seen: dict[str, str] = {}
        heads: dict[tuple[Any, ...], Differential] = {}
        for entry in self:
            if entry.id in seen:
                raise entry.wrong("id", f"already used in {seen[entry.id]}")
            seen[entry.id] = entry.file
            if not base and self.base is not None and entry.id in self.base.ids:
                if isinstance(entry, Differential):
                    heads[_signature(entry)] = entry
                continue
            entry.check()
            if isinstance(entry, Differential):
                other = heads.setdefault(_signature(entry), entry)
                if other is not entry:
                    raise entry.wrong("of", f"{other.id} in {other.file} is for the same operation")
            if isinstance(entry, Rewrite):
                check_smaller(entry)
        check_implications(self.properties.values())
        return self

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(entry.id for entry in self)


_FORMS = ("scalar", "vector", "row", "matrix")


def _form(x: Expr) -> str:
    if x.is_scalar:
        return "scalar"
    return "vector" if x.cols.number == 1 else "row" if x.rows.number == 1 else "matrix"


def _takes(entry: Differential, node: Expr) -> bool:
    if len(entry.of.args) != len(node.args):
        return node.op in ("add", "mul", "had", "block", "slice", "isum")
    if entry.elementwise or node.op in ("mul", "slice", "block"):
        return True
    return all(_fits(p, a) for p, a in zip(entry.of.args, node.args, strict=True))


def _fits(pattern: Expr, actual: Expr) -> bool:
    """Can an expression of the actual form stand for the pattern: a vector is also a matrix."""
    return all(p is a or p.number is None for p, a in zip(pattern.shape, actual.shape, strict=True))


def _signature(entry: Differential) -> tuple[Any, ...]:
    return (*head(entry.of), tuple(_form(a) for a in entry.of.args))


def _specificity(entry: Differential) -> tuple[int, ...]:
    return tuple(_FORMS.index(_form(a)) for a in entry.of.args)


@cache
def default_table() -> Table:
    """Our table; read as it is needed, and trusted (the tests check every entry)."""
    return Table(files(identities()))


def load(path: str | Path) -> Table:
    """The table in a file, or in a folder laid out like ours; everything is checked."""
    root = Path(path)
    if not root.exists():
        raise TableError(f"{root}: no such file or folder")
    return Table(files(root) if root.is_dir() else {"": (root,)}).check()


def load_user(path: str | Path) -> Table:
    """Our table together with a user's file or folder, whose entries are checked."""
    root = Path(path)
    if not root.exists():
        raise TableError(f"{root}: no such file or folder")
    return Table(files(root) if root.is_dir() else {"": (root,)}, default_table()).check(base=False)
