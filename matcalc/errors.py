"""The exception tree. Every error says what is wrong, where, and what would be right.

    MatcalcError
    ├── InputError            the input is wrong (exit status 2)
    │   ├── SyntaxProblem     the text cannot be read
    │   ├── UnknownName       a name that means nothing here
    │   ├── DeclarationError  a declaration is wrong or contradicts another
    │   ├── ShapeError        shapes do not fit
    │   └── LimitError        too long, too deep, too large
    ├── UnsupportedError      well formed, but not something we can answer (exit status 2)
    ├── TableError            an identity file is wrong (exit status 2)
    └── BudgetError           a budgeted pass gave up; callers fall back and say so
"""

from __future__ import annotations


class MatcalcError(Exception):
    """Base of all errors: ``message``, the ``text`` it is about, ``position`` in it (offset from 0), a ``hint``.

    ``str(error)`` shows the message, the line of the text with a caret under the position, and the hint.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str | None = None,
        position: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = _shortened(message)
        self.text = text
        self.position = position
        self.hint = None if hint is None else _shortened(hint)

    def at(self, text: str, position: int) -> MatcalcError:
        """The same error, placed in ``text`` unless it already has a place."""
        if self.position is None:
            self.text, self.position = text, position
        return self

    def __str__(self) -> str:
        parts = [self.message]
        if self.text and not self.text.isspace() and self.position is not None:
            parts.append(_excerpt(self.text, self.position))
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)


def _shortened(text: str, limit: int = 400) -> str:
    """The text, its middle left out if it is long: a name of thousands of letters is not echoed whole."""
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"


def _excerpt(text: str, position: int, width: int = 76) -> str:
    """The line around ``position`` cut to ``width``, with a caret under the position."""
    position = max(0, min(position, len(text)))
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    column = position - start
    left = max(0, column - width // 2)
    window = "".join(c if c.isprintable() else "?" for c in line[left : left + width])
    prefix = "..." if left else ""
    suffix = "..." if left + width < len(line) else ""
    return f"  {prefix}{window}{suffix}\n  {' ' * (len(prefix) + column - left)}^"


class InputError(MatcalcError):
    """The input is wrong."""


class SyntaxProblem(InputError):
    """The text is not in the language."""


class UnknownName(InputError):
    """A name or a function that means nothing here."""


class DeclarationError(InputError):
    """A declaration is wrong, or contradicts another or the use of the name."""


class ShapeError(InputError):
    """Shapes do not fit."""


class LimitError(InputError):
    """Too long, too deep or too large to handle in bounded time and memory."""


class UnsupportedError(MatcalcError):
    """Well formed, but there is no answer to give; the message says why."""


class TableError(MatcalcError):
    """An identity file is wrong: the message names file, id and field."""


class BudgetError(MatcalcError):
    """A budgeted pass gave up."""
