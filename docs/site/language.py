"""Colors for the input language."""

from __future__ import annotations

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, Text

from matcalc.kinds import FACTS, STRUCTURES
from matcalc.language import vocabulary

KINDS = ("scalar", "integer", "vector", "row", "matrix", "function", *STRUCTURES, *FACTS)
FUNCTIONS = (*vocabulary.FUNCTIONS, *vocabulary.CONSTANTS, *vocabulary.FILLED, *vocabulary.ALIASES)


class Matcalc(RegexLexer):
    """Programs and expressions."""

    name = "matcalc"
    tokens = {  # noqa: RUF012
        "root": [
            (r"#.*", Comment.Single),
            (words(sorted({*KINDS}), prefix=r"(?<=[:,]\s)", suffix=r"\b"), Keyword.Type),
            (words(("for", "in"), suffix=r"\b"), Keyword),
            (words(sorted({*FUNCTIONS}), suffix=r"(?=\()"), Name.Function),
            (r"\d+(\.\d+)?([eE][-+]?\d+)?", Number),
            (r"[^\W\d]\w*", Name),
            (r"[-+*/^.'=<>@]", Operator),
            (r"[()\[\],;:{}]", Punctuation),
            (r"\s+|.", Text),
        ]
    }
