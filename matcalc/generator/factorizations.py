"""One factorisation for each matrix: shared by every solve, inverse and determinant of it.

A matrix known to be positive definite gets Cholesky's; any other an LU factorisation if its inverse is asked for (from
the factors it takes three quarters of the work of solving for the identity), or at least two things. Works on
instructions, after lowering.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matcalc.generator.instructions import Code, Instructions, ordered

_ASKED = ("solve", "inv", "logdet", "det")


def factored(
    make: Instructions, roots: Sequence[Code], kept: Iterable[Code], definite: set[Code]
) -> tuple[list[Code], dict[Code, Code]]:
    """The roots with factorisations shared, and for every instruction in ``kept`` what it has become."""
    order = ordered(roots)
    asked: dict[Code, set[Code]] = {}
    for code in order:
        if code.op == "call" and code.data[0] in _ASKED:
            asked.setdefault(_base(code.args[0]), set()).add(code)
    shared = {
        matrix
        for matrix, codes in asked.items()
        if len(codes) > 1 or matrix in definite or any(c.data[0] == "inv" for c in codes)
    }
    new: dict[Code, Code] = {}
    for code in order:
        args = tuple(new[a] for a in code.args)
        if code.op == "call" and code.data[0] in _ASKED and _base(code.args[0]) in shared:
            matrix = _base(code.args[0])
            kind = "cholesky" if matrix in definite else "lu"
            alone = len(asked[matrix]) == 1
            new[code] = _answered(make, code, kind, new[matrix], args, alone)
        else:
            new[code] = code if args == code.args else make.make(code.op, args, code.data, code.shape)
    return [new[root] for root in roots], {code: new.get(code, code) for code in kept}


def _base(matrix: Code) -> Code:
    return matrix.args[0] if matrix.op == "T" else matrix


def _answered(
    make: Instructions, code: Code, kind: str, matrix: Code, args: tuple[Code, ...], alone: bool
) -> Code:
    """What was asked of a matrix, from its factors; an inverse that is asked for ``alone`` is written into them."""
    factors = make.call(kind, (matrix,), ())
    what = code.data[0]
    flipped = code.args[0].op == "T" and kind == "lu"
    if what == "inv":
        inverse = make.call(f"{kind}_inv_alone" if alone else f"{kind}_inv", (factors,), code.shape)
        inverse.symmetric = kind == "cholesky" or matrix.symmetric
        return make.transpose(inverse) if flipped else inverse
    key = f"{kind}_{what}" + ("_transposed" if flipped and what == "solve" else "")
    return make.call(key, (factors, *args[1:]), code.shape)
