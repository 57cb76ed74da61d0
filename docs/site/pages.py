"""The pages of the site in the order in which they are read, and where each stands in the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page made from Markdown: its name in the list, its file, its address."""

    title: str
    source: str  # from the root of the checkout
    address: str


SECTIONS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Start",
        (
            Page("matcalc", "docs/index.md", "index.html"),
            Page("Quick start", "docs/quick-start.md", "quick-start.html"),
        ),
    ),
    (
        "Tutorial",
        (
            Page("How to read it", "docs/tutorial/index.md", "tutorial.html"),
            Page("Rows and backpropagation", "docs/tutorial/rows.md", "tutorial-rows.html"),
            Page("Matrices and differentials", "docs/tutorial/matrices.md", "tutorial-matrices.html"),
            Page("One hidden layer", "docs/tutorial/hidden-layer.md", "tutorial-hidden-layer.html"),
            Page("Chain rules and losses", "docs/tutorial/chain-rules.md", "tutorial-chain-rules.html"),
            Page("Misprints", "docs/tutorial/misprints.md", "tutorial-misprints.html"),
        ),
    ),
    ("Gallery", ()),  # made from gallery/*.toml
    (
        "Using it",
        (
            Page("The page in the browser", "docs/page.md", "page.html"),
            Page("The language", "docs/language.md", "language.html"),
            Page("Programs", "docs/programs.md", "programs.html"),
            Page("The form of answers", "docs/answers.md", "answers.html"),
            Page("SymPy", "docs/sympy.md", "sympy.html"),
        ),
    ),
    ("Notebooks", (Page("In notebooks", "docs/notebooks.md", "notebooks.html"),)),  # and those of notebooks/*.ipynb
    ("Reference", ()),  # made from docstrings, help texts and the table
    (
        "How it is built",
        (
            Page("How it works", "docs/how-it-works.md", "how-it-works.html"),
            Page("Search among forms", "docs/saturation.md", "saturation.html"),
            Page("Modules", "docs/architecture.md", "architecture.html"),
            Page("Adding an identity", "docs/adding-an-identity.md", "adding-an-identity.html"),
            Page("The identity table", "identities/README.md", "identity-format.html"),
            Page("Adding an operation", "docs/adding-an-operation.md", "adding-an-operation.html"),
            Page("Contributing", "CONTRIBUTING.md", "contributing.html"),
            Page("Changes", "CHANGELOG.md", "changes.html"),
        ),
    ),
    (
        "Measured",
        (
            Page("Speed", "docs/benchmarks.md", "benchmarks.html"),
            Page("Length of answers", "docs/lengths.md", "lengths.html"),
            Page("Other tools", "docs/comparison.md", "comparison.html"),
        ),
    ),
)


def all_pages() -> list[Page]:
    return [page for _, pages in SECTIONS for page in pages]
