"""What ``derive`` prints: the answer in a format, the steps, the remarks that go with every answer."""

from __future__ import annotations

import json
from typing import Any

CODE = ("numpy", "scipy", "jax", "torch", "array-api")
FORMATS = ("pretty", "text", "latex", *CODE, "sympy", "json")
LAYOUTS = {
    "gradient": "gradient (the shape of the variable)",
    "numerator": "numerator (rows follow the function)",
}


def answer(derivation: Any, form: str) -> str:
    """The answer in that form, and nothing else."""
    if form in CODE:
        return str(derivation.source(form)).rstrip("\n")
    if form == "json":
        found = derivation.json()
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=2)
    if form == "sympy":
        return str(derivation.expr)
    return str(getattr(derivation, form)()).rstrip("\n")


def echo(derivation: Any) -> list[str]:
    """Kinds, layout, conditions and notes, one a line."""
    lines = ["with " + "\n     ".join(f"{name}: {kind}" for name, kind in derivation.kinds.items())]
    lines.append(f"layout: {LAYOUTS[derivation.layout]}")
    lines += [f"holds where {condition}" for condition in derivation.conditions]
    lines += [f"note: {note}" for note in derivation.notes]
    return lines


def verdict(result: Any) -> list[str]:
    """The outcome of the numerical check in one line."""
    if not result:
        return [f"NOT verified: {result.reason}"]
    return [f"verified: largest residual {result.residual:.1e} over {result.draws} random draws"]


def steps(derivation: Any, form: str, detail: str) -> str:
    """The derivation, one equality a line, in the form of the answer; in text and code as comments."""
    if form == "latex":
        lines = [rf"{step.latex()} && \text{{{_latex_words(_reason(step, detail))}}}" for step in derivation.steps]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"
    if form == "pretty":
        return "".join(f"{step.pretty()}   [{_reason(step, detail)}]\n" for step in derivation.steps) + "\n"
    return "".join(f"# {step.text()}   [{_reason(step, detail)}]\n" for step in derivation.steps)


def _reason(step: Any, detail: str) -> str:
    """The identity that a step uses; in full with what it says and where it is from."""
    says = f": {step.says}" if detail == "full" and step.says else ""
    return f"{step.by}{says}; {step.source}" if detail == "full" and step.source else f"{step.by}{says}"


def _latex_words(words: str) -> str:
    """Plain words inside of a formula."""
    return "".join(_ESCAPES.get(char, char) for char in words)


_ESCAPES = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
