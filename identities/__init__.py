"""The identity table: what the engine knows, as text with sources, every entry checked by numbers.

``matcalc.identities.table()`` is the table; ``load(path)`` the same with a file or folder of your own, which
``matcalc.derive(..., table=...)`` takes; ``verify(entry)`` verifies one entry. The names are found when they are
used: the engine reads the files of this folder without them.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Table": ("matcalc.rules.table", "Table"),
    "table": ("matcalc.rules.table", "default_table"),
    "load": ("matcalc.rules.table", "load_user"),
    "verify": ("matcalc.rules.identity_verification", "verify_entry"),
}
__all__ = ["Table", "load", "table", "verify"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home, public = _HOMES[name]
    return getattr(import_module(home), public)
