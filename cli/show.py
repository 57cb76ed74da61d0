"""What ``derive`` prints: the answer in a format, the steps, the remarks that go with every answer."""

from __future__ import annotations

import json
from typing import Any

from . import terminal

CODE = ("numpy", "scipy", "jax", "torch", "array-api")
FORMATS = ("pretty", "text", "latex", "mathml", *CODE, "sympy", "json")


def answer(derivation: Any, form: str, sizes: str | None = None) -> str:
    """The answer in that form, and nothing else; code for the ``sizes`` that are expected."""
    if form in CODE:
        return str(derivation.source(form, sizes=sizes)).rstrip("\n")
    if form == "json":
        found = derivation.json()
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=2)
    if form == "sympy":
        return str(derivation.expr)
    return str(getattr(derivation, form)()).rstrip("\n")


def echo(derivation: Any, result: Any = None) -> list[str]:
    """Kinds, layout, conditions and notes, one a line; and the outcome of a check."""
    lines = ["with " + "\n     ".join(f"{name}: {kind}" for name, kind in derivation.kinds.items())]
    lines.append(f"layout: {derivation.laid_out}")
    lines += [f"holds where {condition}" for condition in derivation.conditions]
    lines += [f"note: {note}" for note in derivation.notes]
    lines += [f"used: {fact}" for fact in getattr(derivation, "facts_used", ())]
    return [*lines, *(verdict(result) if result is not None else [])]


def verdict(result: Any) -> list[str]:
    """The outcome of the numerical check in one line."""
    if not result:
        return [f"NOT verified: {result.reason}"]
    return [f"verified: largest residual {result.residual:.1e} over {result.draws} random draws"]


def steps(derivation: Any, form: str, detail: str) -> str:
    """The derivation, one equality a line, in the form of the answer; in text and code as comments."""
    full = detail == "full"
    if form in ("latex", "mathml"):
        return f"{derivation.explain(form, full)}\n"
    if form == "pretty":
        return f"{terminal.derivation(derivation.explain('pretty', full))}\n\n"
    return "".join(f"# {line}\n" for line in derivation.explain("text", full).splitlines())
