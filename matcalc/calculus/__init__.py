"""Differentials, adjoints, vec forms, index forms; what a function is unfolded into; the backward program."""
