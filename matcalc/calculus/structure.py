"""The gradient with respect to a variable with linear structure: the projection, or the form with tied entries."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from matcalc import ops
from matcalc.errors import InputError
from matcalc.expr import Expr
from matcalc.kinds import Kind

STRUCTURES = ("auto", "projected", "tied", "free")
SYMMETRIC = frozenset({"symmetric", "spd", "psd"})
OPEN = frozenset({"positive", "nonnegative", "nonzero", "invertible", "fullrank"})
AMBIENT = frozenset({"orthogonal", "simplex", "onehot", "unit"})


def unstructured(x: Expr) -> Expr:
    """The variable without the facts that confine it to a thin set; what holds on an open set stays."""
    name, kind = x.data  # type: ignore[misc]
    return ops.sym(name, replace(kind, facts=kind.facts & OPEN))


def ambient(x: Expr) -> Expr:
    """The variable without the facts that a first derivative may be shortened by, but not differentiated with."""
    name, kind = x.data  # type: ignore[misc]
    return ops.sym(name, replace(kind, facts=kind.facts - AMBIENT))


def direction_kind(x: Expr, structure: str) -> Kind:
    """The kind of a change of x: of the same linear structure, unless that is not used."""
    kind: Kind = x.data[1]  # type: ignore[index]
    linear = {"symmetric"} if kind.facts & SYMMETRIC else kind.facts & {"diagonal", "lower", "upper", "toeplitz"}
    return replace(kind, facts=frozenset() if structure == "free" else frozenset(linear))


def structured(gradient: Expr, x: Expr, structure: str) -> tuple[Expr, str | None]:
    """The gradient G for the declared structure of x, and a sentence that says which convention it follows.

    projected: the nearest matrix with the structure, so that df = tr(G' dX) for every dX that has it: symmetric
    (G + G')/2, diagonal G .* eye, triangular the triangle, Toeplitz the means of the diagonals. tied: entries that move
    together count once each: G + G' - G .* eye (Petersen & Pedersen 2012, eq. 138), sums of diagonals (eq. 143).
    free: G.
    """
    if structure not in STRUCTURES:
        raise InputError(f"there is no structure '{structure}'", hint=f"one of {', '.join(STRUCTURES)}")
    kind = x.data[1]  # type: ignore[index]
    facts = kind.facts
    if facts & AMBIENT and not facts & (SYMMETRIC | {"diagonal"}):
        what = sorted(facts & AMBIENT)[0]
        note = f"this is the gradient in the surrounding space, not along the {what} variables"
        return gradient, f"{x.name} is {what}: {note}"
    if structure == "free":
        linear = facts & (SYMMETRIC | {"diagonal", "lower", "upper", "toeplitz"})
        return gradient, f"the structure of {x.name} is not used (free gradient)" if linear else None
    if "toeplitz" in facts:
        return _toeplitz(gradient, x, structure)
    return _of_entries(gradient, x, structure)


def _of_entries(gradient: Expr, x: Expr, structure: str) -> tuple[Expr, str | None]:
    """For structures that tie an entry to its mirror image, or make it zero."""
    facts = x.data[1].facts  # type: ignore[index]
    triangular = facts & {"lower", "upper"}
    if "diagonal" in facts or len(triangular) == 2 or (triangular and facts & SYMMETRIC):
        return ops.diag(ops.diagvec(gradient)), f"{x.name} is diagonal: only the diagonal of the gradient counts"
    if facts & SYMMETRIC:
        turned = ops.transpose(gradient)
        if structure == "tied":
            diagonal = ops.had(gradient, ops.eye(gradient.rows))
            tied = ops.sub(ops.add(gradient, turned), diagonal)
            how = "entries that are equal move together and count once (G + G' - G .* eye)"
            return tied, f"{x.name} is symmetric: {how}"
        projected = ops.mul(ops.num(Fraction(1, 2)), ops.add(gradient, turned))
        return projected, f"{x.name} is symmetric: the gradient is projected on the symmetric matrices, (G + G')/2"
    for side in ("lower", "upper"):
        if side in facts:
            return ops.part(side, gradient), f"{x.name} is {side} triangular: only that triangle of the gradient counts"
    return gradient, None


def _toeplitz(gradient: Expr, x: Expr, structure: str) -> tuple[Expr, str]:
    """The means of the diagonals, or their sums: the means times the numbers of entries n - |i - j|.

    For the triangle L of ones the entries of L*ones are i + 1, those of ones*L' are j + 1.
    """
    nearest, _ = _of_entries(gradient, x, "projected")
    n = gradient.rows
    if gradient.is_scalar:
        return gradient, f"{x.name} has one entry"
    if nearest.op == "diagmat":
        trace = ops.trace(gradient)
        weight = trace if structure == "tied" else ops.mul(ops.reciprocal(ops.dim(n)), trace)
        how = "the sum" if structure == "tied" else "the mean"
        return ops.mul(weight, ops.eye(n)), f"{x.name} is a multiple of the identity: {how} of the diagonal counts"
    means = ops.part("toeplitz", nearest)
    if structure != "tied":
        how = "the gradient is projected on the Toeplitz matrices, the mean of each diagonal"
        return means, f"{x.name} is Toeplitz: {how}"
    lower, upper = (ops.part(side, ops.ones(n, n)) for side in ("lower", "upper"))
    apart = ops.sub(ops.mul(lower, ops.ones(n, n)), ops.mul(ops.ones(n, n), upper))
    counts = ops.sub(ops.lift(ops.dim(n), (n, n)), ops.fn("abs", apart))
    if x.data[1].facts & SYMMETRIC:  # type: ignore[index]
        counts = ops.sub(ops.mul(ops.num(2), counts), ops.mul(ops.dim(n), ops.eye(n)))
    how = "entries that are equal move together and count once, the sum of each diagonal"
    return ops.had(means, counts), f"{x.name} is Toeplitz: {how}"
