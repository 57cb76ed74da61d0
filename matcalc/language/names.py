"""Names: Greek letters and their spellings, and which kind a name has when nothing is declared."""

from __future__ import annotations

import re

from matcalc.language.greek import LETTERS, SPELT

# other shapes of the letters
_VARIANTS = {"ϵ": "epsilon", "ϑ": "theta", "ϰ": "kappa", "µ": "mu", "ϖ": "pi", "ϱ": "rho", "ς": "sigma", "ϕ": "phi"}
_SPELLING = str.maketrans(SPELT | _VARIANTS | {chr(0x2080 + digit): str(digit) for digit in range(10)})
# letters that usually count something
COUNTS = frozenset("n m k N M K".split())
SAMPLE_COUNTS = frozenset("n N".split())  # these even in n - 1
_STEM = re.compile(r"[A-Za-z]+")


def spelled(name: str) -> str:
    """The name in ASCII: ``λ`` is ``lambda``, ``x₁`` is ``x1``."""
    return str(name) if name.isascii() else str(name).translate(_SPELLING)


def is_greek(name: str) -> bool:
    """Whether the name is a Greek letter, perhaps with digits or a subscript: ``mu``, ``lambda2``, ``Sigma_x``."""
    stem = _STEM.match(name)
    return stem is not None and stem[0] in LETTERS


def conventional_form(name: str) -> str:
    """scalar, vector or matrix: what the first letter says of an undeclared name.

    a-g scalars, h-z vectors, capitals matrices; Greek letters: lower case scalars, capitals matrices.
    """
    if name[0].isupper():
        return "matrix"
    return "scalar" if is_greek(name) or name[0] <= "g" else "vector"


def is_function_like(name: str) -> bool:
    """Whether an undeclared name may be called: a letter or a Greek letter, with digits or a subscript."""
    return is_greek(name) or re.fullmatch(r"[A-Za-z](?:[0-9]*|_\w*)", name) is not None
