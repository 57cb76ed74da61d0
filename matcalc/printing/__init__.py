"""Expressions to text, Unicode, LaTeX and MathML; how long a formula is; names for what repeats."""
