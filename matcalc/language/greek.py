"""Greek letters: their names as typed, and as printed."""

from __future__ import annotations

_LOWER = (
    "alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ "
    "omicron ο pi π rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω"
).split()
_UPPER = (
    "Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ "
    "Omicron Ο Pi Π Rho Ρ Sigma Σ Tau Τ Upsilon Υ Phi Φ Chi Χ Psi Ψ Omega Ω"
).split()

# spelt name -> letter
LETTERS: dict[str, str] = dict(zip(_LOWER[::2] + _UPPER[::2], _LOWER[1::2] + _UPPER[1::2], strict=True))
# letter -> spelt name
SPELT: dict[str, str] = {letter: name for name, letter in LETTERS.items()}
# letters that look like Latin ones have no LaTeX command
WITHOUT_COMMAND = frozenset(
    "omicron Alpha Beta Epsilon Zeta Eta Iota Kappa Mu Nu Omicron Rho Tau Chi".split()
)
