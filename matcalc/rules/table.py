"""The identity table: ``identities/*.toml`` -> frozen entries. What is wrong is refused, naming the field.

Files are read when a section of theirs is first asked for, an entry's formulas when it is first used;
``Table.check`` reads everything and applies every refusal.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from matcalc.errors import TableError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.ops import PARTS, is_wide
from matcalc.printing.measure import length
from matcalc.rules.entries import Differential, Entry
from matcalc.rules.statements import Erratum, Gradient, Jacobian, Property, Rewrite

EntryT = TypeVar("EntryT", bound=Entry)

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
# operations whose data tells them apart: exp and log, sum along each axis, ...
_BY_DATA = frozenset({"part", "fn", "mfn", "spectral", "frechet", "sum", "mean", "softmax", "logsumexp"})
# how an operation is written, where its name is another one
_SPELLINGS = {
    "diagmat": "diag", "diagvec": "diag", "maxel": "max", "minel": "min", "max2": "max", "min2": "min",
}  # fmt: skip
_OPERATORS = frozenset({"add", "mul", "had", "pow", "matpow", "t", "cmp", "block", "slice", "isum"})
_ALIASES = {"trace": "tr", "inverse": "inv", "ln": "log"}
SECTIONS = ("differentials", "rewrites", "properties", "gradients", "jacobians", "errata")


@dataclass(frozen=True, eq=False)
class Table:
    """The entries of some files; ``files`` maps a section ("" for any) to the files that hold it."""

    files: Mapping[str, tuple[Traversable, ...]]
    base: Table | None = None

    def _section(self, name: str, kind: type[EntryT]) -> Mapping[str, EntryT]:
        found: dict[str, EntryT] = dict(getattr(self.base, name)) if self.base is not None else {}
        for file in (*self.files.get(name, ()), *self.files.get("", ())):
            for entry in _entries(file):
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
                _check_smaller(entry)
        _check_implications(self.properties.values())
        return self

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(entry.id for entry in self)


def head(node: Expr) -> tuple[str, Any]:
    """What tells operations apart: the name, and the data of those that stand for several."""
    return node.op, node.data if node.op in _BY_DATA else None


def word(node: Expr) -> str:
    """The function name with which the operation is written, "" for operators."""
    if node.op in _OPERATORS:
        return ""
    if node.op in ("fn", "mfn", "spectral"):
        return str(node.data)
    if node.op == "part":
        return PARTS[str(node.data)]
    if node.op == "frechet":
        return f"{node.data}_frechet"
    return _SPELLINGS.get(node.op, node.op)


def operation_name(node: Expr) -> str:
    """What a message calls the operation."""
    if node.op == "frechet":
        return f"{node.data}_frechet by its first argument"
    if node.op == "spectral" and is_wide(node.args[0]):
        return f"{node.data} of a matrix with more columns than rows"
    return str(node.data) if node.op in ("fn", "mfn", "spectral") else node.op


def no_differential(node: Expr) -> UnsupportedError:
    """The refusal to differentiate an operation."""
    hint = "it can stand where it does not depend on the variable"
    return UnsupportedError(f"there is no differential for {operation_name(node)}", hint=hint)


def spelling(text: str) -> str:
    """The function with which a text begins, "" if it begins otherwise."""
    match = re.match(r"\s*([A-Za-z_]\w*)\s*\(", text)
    return _ALIASES.get(match[1], match[1]) if match else ""


# names that are followed by a bracket and are no function, or that building may drop (eye(1) is 1)
_NO_FUNCTIONS = frozenset({"eye", "ones", "zeros"})


def words(text: str) -> frozenset[str]:
    """The functions that are called in a text."""
    found = {_ALIASES.get(name, name) for name in re.findall(r"([A-Za-z_]\w*)\s*\(", text)}
    return frozenset(found - _NO_FUNCTIONS)


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


# --- reading files --------------------------------------------------------------------------------


def _entries(file: Traversable) -> Iterator[Entry]:
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


# --- what only the whole table shows --------------------------------------------------------------

_WEIGHTS = {
    "inv": 4, "pinv": 6, "det": 4, "logdet": 4, "adj": 6, "kron": 3, "mfn": 4, "matpow": 2, "isum": 4,
    "sum": 2, "norm1": 3, "norm2": 3, "prod": 3, "logsumexp": 4,
}  # fmt: skip
# a closed form is better than an operator without one, even if it is longer
_OPEN = 8


_weighed: WeakKeyDictionary[Expr, tuple[int, int]] = WeakKeyDictionary()


def weight(x: Expr) -> tuple[int, int]:
    """The measure of simplification: the length; between equals an inverse weighs more than a transpose."""
    if x not in _weighed:
        stack = [x]
        while stack:
            node = stack[-1]
            missing = [a for a in node.args if a not in _weighed]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            below = [_weighed[a] for a in node.args]
            open_ones = sum(o for o, _ in below) + (node.op == "frechet")
            _weighed[node] = open_ones, sum(t for _, t in below) + _WEIGHTS.get(node.op, 1)
    derivatives, total = _weighed[x]
    return length(x) + _OPEN * derivatives, total


def _check_smaller(rewrite: Rewrite) -> None:
    """Refuse a rewrite that might never stop: ``to`` must be smaller, whatever the variables stand for."""
    left, right = weight(rewrite.from_), weight(rewrite.to)
    if right >= left:
        raise rewrite.wrong("to", f"is not smaller: (length, weight) {right} after {left}")
    before, after = _occurrences(rewrite.from_), _occurrences(rewrite.to)
    indices = {name for name, kind in rewrite.let.items() if "integer" in kind.facts}  # as short as they are
    for name, count in after.items():
        if count > before.get(name, 0) and name not in indices:
            raise rewrite.wrong("to", f"{name} occurs {count} times, in from {before.get(name, 0)} times")


def _occurrences(x: Expr) -> dict[str, int]:
    """How often each variable is written."""
    counts: dict[Expr, dict[str, int]] = {}
    for node in topological(x):
        if node.op == "sym":
            counts[node] = {node.name: 1}
            continue
        total: dict[str, int] = {}
        for child in node.args:
            for name, count in counts[child].items():
                total[name] = total.get(name, 0) + count
        counts[node] = total
    return counts[x]


def _check_implications(properties: Iterable[Property]) -> None:
    """Refuse implications that go in a circle, or from which a fact both holds and does not."""
    entries = [p for p in properties if p.is_implication]
    holds: dict[str, dict[str, Property]] = {}
    excludes: dict[str, dict[str, Property]] = {}
    for entry in entries:
        stronger, weaker, positive = entry.implies
        (holds if positive else excludes).setdefault(stronger, {})[weaker] = entry
    closure = {fact: _reachable(fact, holds) for fact in {*holds, *excludes}}
    for entry in entries:
        stronger, weaker, positive = entry.implies
        if positive and (stronger == weaker or stronger in _reachable(weaker, holds)):
            raise entry.wrong("then", f"goes in a circle: {weaker} implies {stronger} already")
    for fact, implied in closure.items():
        known = implied | {fact}
        for source in known:
            for excluded, entry in excludes.get(source, {}).items():
                if excluded in known:
                    raise entry.wrong("then", f"contradicts the others, by which {fact} implies {excluded}")


def _reachable(fact: str, holds: Mapping[str, Mapping[str, Property]]) -> set[str]:
    found: set[str] = set()
    stack = [fact]
    while stack:
        for weaker in holds.get(stack.pop(), {}):
            if weaker not in found:
                found.add(weaker)
                stack.append(weaker)
    return found


# --- the tables -----------------------------------------------------------------------------------


def _identities() -> Traversable:
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


def _files(root: Traversable) -> dict[str, tuple[Traversable, ...]]:
    """A folder laid out like ours: differentials.toml, properties.toml, errata.toml, rewrites/, ..."""
    files = {name: (*_existing(root / f"{name}.toml"), *_below(root / name)) for name in SECTIONS}
    known = {f"{name}.toml" for name in SECTIONS}
    files[""] = tuple(f for f in _below(root) if f.name not in known)
    return files


def _existing(file: Traversable) -> tuple[Traversable, ...]:
    return (file,) if file.is_file() else ()


@cache
def default_table() -> Table:
    """Our table; read as it is needed, and trusted (the tests check every entry)."""
    return Table(_files(_identities()))


def load(path: str | Path) -> Table:
    """The table in a file, or in a folder laid out like ours; everything is checked."""
    root = Path(path)
    if not root.exists():
        raise TableError(f"{root}: no such file or folder")
    return Table(_files(root) if root.is_dir() else {"": (root,)}).check()


def load_user(path: str | Path) -> Table:
    """Our table together with a user's file or folder, whose entries are checked."""
    root = Path(path)
    if not root.exists():
        raise TableError(f"{root}: no such file or folder")
    return Table(_files(root) if root.is_dir() else {"": (root,)}, default_table()).check(base=False)
