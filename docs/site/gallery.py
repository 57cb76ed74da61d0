"""The gallery: losses of practice as data (``gallery/*.toml``), derived and verified when the site is built."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matcalc
from docs.site.formulas import figure
from docs.site.markdown import block
from matcalc.printing.mathml import mathml

FOLDER = Path(__file__).resolve().parent.parent / "gallery"
FIELDS = {"title", "says", "f", "wrt", "declare", "hessian", "solve"}
# the order of the fields of practice on the site
TOPICS = (
    "regression", "classification", "statistics", "gaussian-processes", "factor-models", "networks",
    "control", "signals", "finance", "kernels-and-metrics", "graphs-and-spectra", "mechanics", "quantum-information",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One loss: what it is called, what it is for, the function, and what is asked."""

    id: str
    title: str
    says: str
    f: str
    wrt: str
    declare: str = ""
    hessian: bool = False
    solve: bool = False

    @property
    def names(self) -> str | list[str]:
        found = [name.strip() for name in self.wrt.split(",")]
        return found[0] if len(found) == 1 else found

    @property
    def is_program(self) -> bool:
        return "\n" in self.f.strip()

    def derive(self, order: int = 1) -> Any:
        return matcalc.derive(self.f, self.names, self.declare, order=order)


@dataclass(frozen=True)
class Topic:
    """One page of the gallery."""

    name: str
    title: str
    says: str
    entries: tuple[Entry, ...]


def load(name: str) -> Topic:
    """A file of the gallery; what is misspelt in it is refused."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    title, says = data.pop("title"), data.pop("says")
    for key, fields in data.items():
        if unknown := set(fields) - FIELDS:
            raise ValueError(f"gallery/{name}.toml, {key}: unknown {', '.join(sorted(unknown))}")
    return Topic(name, title, says, tuple(Entry(key, **fields) for key, fields in data.items()))


def topics() -> list[Topic]:
    return [load(name) for name in TOPICS]


class NotVerified(Exception):
    """An entry whose answer the numbers do not confirm."""


def verified(derivation: Any, entry: Entry) -> str:
    """The line under an answer."""
    verdict = derivation.verify()
    if not verdict:
        raise NotVerified(f"gallery, {entry.id}: {verdict}")
    return f"verified: largest residual {verdict.residual:.1e} over {verdict.draws} random draws"


def shown(entry: Entry) -> dict[str, Any]:
    """All that the page says of an entry."""
    d = entry.derive()
    result: dict[str, Any] = {
        "entry": entry,
        "loss": block(entry.f.strip(), "matcalc"),
        "loss_formula": "" if entry.is_program else figure(mathml(d.loss)),
        "kinds": [] if entry.is_program else kinds(d),
        "formula": figure(d.mathml()),
        "text": d.text(),
        "conditions": list(d.conditions),
        "used": list(d.facts_used),
        "notes": list(d.notes),
        "verified": verified(d, entry),
        "code": block(d.source("numpy").strip(), "python"),
        "latex": d.latex(),
        "steps": figure(d.explain("mathml")),
        "command": command(entry),
    }
    if entry.hessian:
        h = entry.derive(order=2)
        result["hessian"] = figure(h.mathml())
        result["hessian_verified"] = verified(h, entry)
    if entry.solve:
        s = matcalc.solve(entry.f, entry.names, entry.declare)
        if not s.verify():
            raise NotVerified(f"gallery, {entry.id}: the stationary point")
        result["solution"] = figure(s.mathml())
        result["solution_says"] = [f"{s.kind}: {why}" for why in s.why] if hasattr(s, "why") else [s.kind]
        result["solution_conditions"] = [c for c in s.conditions if c not in result["conditions"]]
    return result


def kinds(derivation: Any) -> Sequence[tuple[str, str]]:
    return [(name, kind) for name, kind in derivation.kinds.items()]


def command(entry: Entry) -> str:
    """The line for a terminal; of a program, the file is on the page."""
    source = f'"{entry.f}"' if not entry.is_program else f"{entry.id}.txt"
    declared = f' --declare "{entry.declare}"' if entry.declare else ""
    return re.sub(r"\s+", " ", f"matcalc derive {source} --wrt {entry.wrt}{declared} --check")
