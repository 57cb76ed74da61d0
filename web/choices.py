"""What can be chosen on the page: options with their default first, targets of code, kinds with what they take."""

from __future__ import annotations

OPTIONS: dict[str, tuple[str, ...]] = {
    "order": ("1", "2"),
    "layout": ("gradient", "numerator"),
    "structure": ("auto", "projected", "tied", "free"),
    "form": ("factored", "expanded"),
    "where": ("auto", "never", "always"),
    "transpose": ("top", "T", "prime"),
    "bold": ("none", "vectors", "arrays"),
}
TARGETS = ("numpy", "scipy", "jax", "torch", "array-api")
# (kind, how many sizes it takes, in words)
KINDS = (
    ("scalar", 0, "a number"),
    ("vector", 1, "a column"),
    ("row", 1, "a row"),
    ("matrix", 2, "a matrix"),
    ("symmetric", 1, "equal to its transpose"),
    ("spd", 1, "symmetric positive definite"),
    ("diagonal", 1, "zero off the diagonal"),
    ("lower", 1, "lower triangular"),
    ("upper", 1, "upper triangular"),
    ("orthogonal", 1, "inverse is the transpose"),
    ("toeplitz", 1, "constant along diagonals"),
    ("onehot", 1, "a one among zeros"),
    ("simplex", 1, "nonnegative, sum 1"),
    ("unit", 1, "norm 1"),
    ("integer", 0, "a whole number"),
    ("function", 0, "undefined, elementwise"),
)
# (fact, of which forms)
FACTS = (
    ("positive", ("scalar", "vector", "row", "matrix")),
    ("nonnegative", ("scalar", "vector", "row", "matrix")),
    ("nonzero", ("scalar", "vector", "row", "matrix")),
    ("invertible", ("matrix",)),
    ("fullrank", ("matrix",)),
)
