"""What is asked: the fields of a request, each of the type and size that it must have. The rest is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcalc.errors import InputError, LimitError

from .choices import OPTIONS

MAX_TEXT = 60_000  # characters of the function; the page says so, the command line takes more
MAX_LINE = 4_000  # of a claim, of one declaration, of a constraint
MAX_LINES = 50  # of constraints, of names for parts
MAX_NAMES = 400

Task = Mapping[str, Any]


def text_of(task: Task, key: str, longest: int) -> str:
    """A field of text, not longer than that."""
    value = task.get(key)
    if not isinstance(value, str):
        raise InputError(f"there is no {key} in the request")
    if len(value) > longest:
        raise LimitError(f"this is too long: {len(value)} characters, the page takes {longest}")
    return value.encode("utf-8", "replace").decode()  # half a surrogate pair is no letter


def function_of(task: Task) -> str:
    """The function."""
    return text_of(task, "function", MAX_TEXT)


def declared(task: Task) -> dict[str, str]:
    """The kinds that were chosen on the page, by name."""
    given = task.get("declare") or {}
    if not isinstance(given, dict) or len(given) > MAX_NAMES:
        raise InputError("declarations are names with their kinds")
    return {str(name)[:MAX_LINE]: str(kind)[:MAX_LINE] for name, kind in given.items()}


def wrt_of(task: Task) -> list[str]:
    """The names to differentiate by, or to solve for."""
    names = task.get("wrt")
    if not isinstance(names, list) or not names or len(names) > MAX_NAMES:
        raise InputError("no variable is chosen", hint="choose a name to differentiate by")
    return [str(name)[:MAX_LINE] for name in names]


def name_of(task: Task, key: str) -> str | None:
    """A name, or none."""
    return str(task[key])[:MAX_LINE] if task.get(key) else None


def choice(task: Task, key: str) -> str:
    """One of the options that there are; the usual one where nothing is said."""
    choices = OPTIONS[key]
    value = str(task.get(key) or choices[0])
    if value not in choices:
        raise InputError(f"there is no {key} '{value[:40]}'", hint=f"one of {', '.join(choices)}")
    return value


def lines_of(task: Task, key: str) -> list[str]:
    """A field of several lines, where there may be none."""
    given = task.get(key) or ""
    text = text_of(task, key, MAX_LINE * MAX_LINES) if given else ""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if len(found) > MAX_LINES or any(len(line) > MAX_LINE for line in found):
        raise LimitError(f"this is too long: the page takes {MAX_LINES} lines of {MAX_LINE} characters")
    return found


def parts_of(task: Task) -> dict[str, str]:
    """Names of the user's own for parts: ``r = A*x - b``, one a line."""
    found: dict[str, str] = {}
    for line in lines_of(task, "parts"):
        name, equals, body = (piece.strip() for piece in line.partition("="))
        if not equals or not name or not body:
            raise InputError(f"'{line}' is no definition", hint="a part is named as in r = A*x - b")
        if name in found:
            raise InputError(f"{name} is defined twice")
        found[name] = body
    return found
