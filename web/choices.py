"""What can be chosen on the page: options with their default first, targets of code, kinds with what they take."""

from __future__ import annotations

NOTATION = ("transpose", "bold", "hadamard", "trace")  # of LaTeX and MathML
OPTIONS: dict[str, tuple[str, ...]] = {
    "order": ("1", "2"),
    "layout": ("gradient", "numerator"),
    "structure": ("auto", "projected", "tied", "free"),
    "form": ("factored", "expanded"),
    "where": ("auto", "never", "always"),
    "transpose": ("top", "T", "prime"),
    "bold": ("none", "vectors", "arrays"),
    "hadamard": ("odot", "circ"),
    "trace": ("operatorname", "tr"),
}
SWITCHES = {  # what an option of the command line is called on the page
    "expand": "Form: Expanded",
    "layout": "Layout",
    "residual": "Your names for parts",
    "structure": "By a structured matrix",
    "subject-to": "Subject to",
    "where": "Names for parts",
    "wrt": "the variable",
}
TARGETS = ("numpy", "scipy", "jax", "torch", "array-api")
# (kind, how many sizes it takes, in words)
KINDS = (
    ("scalar", 0, "a number"),
    ("vector", 1, "a column vector"),
    ("row", 1, "a row vector"),
    ("matrix", 2, "any matrix"),
    ("symmetric", 1, "its own transpose"),
    ("spd", 1, "positive definite"),
    ("diagonal", 1, "0 elsewhere"),
    ("lower", 1, "triangular"),
    ("upper", 1, "triangular"),
    ("orthogonal", 1, "inverse = transpose"),
    ("toeplitz", 1, "constant diagonals"),
    ("onehot", 1, "a 1, else 0"),
    ("simplex", 1, "≥ 0, sum 1"),
    ("unit", 1, "norm 1"),
    ("integer", 0, "a whole number"),
    ("function", 0, "elementwise"),
)
# (fact, of which forms)
FACTS = (
    ("positive", ("scalar", "vector", "row", "matrix")),
    ("nonnegative", ("scalar", "vector", "row", "matrix")),
    ("nonzero", ("scalar", "vector", "row", "matrix")),
    ("invertible", ("matrix",)),
    ("fullrank", ("matrix",)),
)
