"""What declarations say of a variable in words: ``the rows of Y sum to 1``."""

from __future__ import annotations

from matcalc.kinds import Kind
from matcalc.shapes import ONE

_WORDS = {
    "orthogonal": "{x}'*{x} is the identity",
    "unit": "{x} has norm 1",
    "symmetric": "{x} is symmetric",
    "spd": "{x} is symmetric and positive definite",
    "psd": "{x} is symmetric and positive semidefinite",
    "diagonal": "{x} is diagonal",
    "lower": "{x} is lower triangular",
    "upper": "{x} is upper triangular",
    "toeplitz": "{x} is Toeplitz",
}


def stated(name: str, kind: Kind) -> str:
    """What is declared of a variable besides its shape, in words."""
    if kind.facts & {"onehot", "simplex"}:
        line = kind.rows is ONE or kind.cols is ONE
        return f"the entries of {name} sum to 1" if line else f"the rows of {name} sum to 1"
    said = [words.format(x=name) for fact, words in _WORDS.items() if fact in kind.facts]
    if "spd" in kind.facts or "psd" in kind.facts:
        said = [s for s in said if s != _WORDS["symmetric"].format(x=name)]
    return " and ".join(said) or f"{name} is {', '.join(sorted(kind.facts))}"
