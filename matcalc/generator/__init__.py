"""Expressions to code: what to compute in which order, and how each target spells it."""
