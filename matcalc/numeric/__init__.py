"""Expressions to numbers: naive evaluation, random values, differences, and the verifier that rests on these alone."""
