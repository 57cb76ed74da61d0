"""Text to expressions: tokens, grammar, declarations, inference of kinds and shapes."""
