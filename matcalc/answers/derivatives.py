"""``derive``: which derivative is asked for: by whole variables or parts, of which order, or formal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

from matcalc.answers.derivation import Derivation
from matcalc.answers.derive import derive as derive_whole
from matcalc.answers.formal import derive_formal
from matcalc.answers.orders import derive_order
from matcalc.answers.places import derive_parts
from matcalc.errors import InputError, UnsupportedError
from matcalc.garbage import rarely_collected
from matcalc.kinds import Kind
from matcalc.language.names import spelled


@wraps(derive_whole)
@rarely_collected
def derive(
    function: Any,
    wrt: str | Sequence[str],
    declare: Mapping[str, str | Kind] | str | None = None,
    **options: Any,
) -> Derivation:
    names = _typed(wrt)
    if any("[" in name for name in names):
        return derive_parts(function, names, declare, options)
    if not isinstance(order := options.get("order", 1), int):
        raise InputError(f"the order is a whole number, not {order!r}")
    if order > 2:
        return derive_order(function, tuple(map(spelled, names)), declare, order, options)
    try:
        return derive_whole(function, wrt, declare, **options)
    except UnsupportedError:
        found = derive_formal(function, tuple(map(spelled, names)), declare, options.get("of"), options)
        if found is None:
            raise
        return found


def _typed(wrt: Any) -> tuple[str, ...]:
    """The names as they were typed; commas inside brackets do not split."""
    if not isinstance(wrt, str) and not hasattr(wrt, "name") and not isinstance(wrt, Iterable):
        raise InputError(f"wrt is a name or several, not {type(wrt).__name__}", hint="as in wrt='x' or wrt=['W', 'b']")
    if not isinstance(wrt, str):
        return (str(wrt.name),) if hasattr(wrt, "name") else tuple(str(getattr(w, "name", w)) for w in wrt)
    parts = [""]
    depth = 0
    for char in wrt:
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    if depth:
        raise InputError(f"'{wrt}': a bracket is not closed", hint="as in --wrt 'X[i, j]'")
    return tuple(dict.fromkeys(part.strip() for part in parts))
