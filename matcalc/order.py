"""A fixed order of expressions that does not depend on how the input was typed: alphabetical, sums last."""

from __future__ import annotations

import hashlib

from matcalc.expr import Expr, kept

_LONGEST = 160


def label(e: Expr) -> str:
    """A short text that tells expressions apart: like the printed form, but cut off and hashed when long."""
    found: str = e.kept.get("label") or kept(e, "label", _label)
    return found


def _label(n: Expr) -> str:
    text = _spell(n, [a.kept["label"] for a in n.args])
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return text


def _spell(n: Expr, args: list[str]) -> str:
    match n.op:
        case "sym":
            return n.name
        case "num" | "dim" | "const" | "idx":
            return str(n.data)
        case "ones":  # among numbers, as it is read: 1 + x.^2
            return f"1 {n.data}"
        case "t":
            return f"{args[0]}'"
        case "add" | "mul" | "had":
            return {"add": " + ", "mul": "*", "had": " .* "}[n.op].join(
                f"({a})" if c.op in ("add", "had") else a for a, c in zip(args, n.args, strict=True)
            )
        case "pow" | "matpow":
            return f"{args[0]}^{args[1]}"
        case "fn" | "mfn":
            return f"{n.data}({args[0]})"
    data = "" if n.data is None else f"[{n.data[0] if n.op == 'ufn' else n.data}]"  # type: ignore[index]
    return f"{n.op}{data}({', '.join(args)})"


def sort_key(e: Expr) -> tuple[bool, str, str]:
    """Plain factors before sums; numbers first, then alphabetical, capitals and small letters alike if that decides."""
    found: tuple[bool, str, str] | None = e.kept.get("sort_key")
    if found is None:
        text = label(e)
        found = e.kept["sort_key"] = e.op == "add", "" if e.op in ("num", "ones") else text.lower(), text
    return found
