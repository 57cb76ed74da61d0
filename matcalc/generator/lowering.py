"""Expressions to instructions: how each operation is best computed with arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from matcalc.errors import UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.generator.chains import Chains
from matcalc.generator.costs import Costs
from matcalc.generator.factorizations import factored
from matcalc.generator.forms import Forms
from matcalc.generator.instructions import Code, Instructions, ordered
from matcalc.generator.lower_elementwise import ELEMENTWISE
from matcalc.generator.lower_matrices import MATRICES
from matcalc.generator.lower_products import PRODUCTS
from matcalc.generator.lower_tensors import TENSORS
from matcalc.generator.nested import nested
from matcalc.generator.stable import stable
from matcalc.ops import substitute
from matcalc.shapes import ONE

_RULES = {**ELEMENTWISE, **PRODUCTS, **MATRICES, **TENSORS}


def lower(
    roots: Sequence[Expr],
    instructions: Instructions,
    definitions: Mapping[str, Expr],
    definite: Callable[[Expr, bool], bool] | None = None,
    costs: Costs | None = None,
    weighs: Callable[[Expr], bool] | None = None,
    fills: bool = False,
) -> tuple[list[Code], dict[str, Code]]:
    """The instructions of each root, and of the definitions that are computed as such.

    Lowered twice where that helps: what the first pass solves with again and again, or inverts anyway, the second pass
    inverts once. With ``definite``, which knows positive definite matrices (and is told of those that have an inverse),
    each is factored once instead. ``weighs``, which knows what is nowhere negative, is for libraries that compute B'*B
    in half the time of another product; ``fills`` says that arrays can be filled in part.
    """
    named, roots = _expanded(definitions, roots)
    costs = costs or Costs()
    steady = stable([*roots, *named.values()])
    arrays = {x: nested(x, costs) for x in steady.values() if x.op == "tensor"}
    steady = {x: substitute(steady[x], arrays) for x in [*roots, *named.values()]} if arrays else steady
    kept = {name: steady[x] for name, x in named.items() if x.op == "mul"}
    inverted: set[Code] = set()
    while True:
        at = Forms(instructions, Chains(instructions, inverted, costs), weighs, fills)
        codes = _pass(at, [steady[r] for r in roots], kept)
        more = _worth_inverting(codes) - inverted if definite is None else set()
        if not more:
            break
        inverted |= more
    found = {name: at.values[steady[x]] for name, x in named.items() if steady[x] in at.values}
    wanted = {name: value.code for name, value in found.items() if value.form == "full"}
    if definite is not None:
        codes, new = factored(instructions, codes, wanted.values(), _definite(at, definite))
        wanted = {name: new[code] for name, code in wanted.items()}
    return codes, wanted


def _definite(at: Forms, definite: Callable[[Expr, bool], bool]) -> set[Code]:
    """The positive definite matrices that are inverted, or whose determinant is asked for."""
    asked: dict[Expr, set[str]] = {}
    for x in list(at.values):
        if x.op in ("inv", "det", "logdet") and ONE not in x.args[0].shape:
            asked.setdefault(x.args[0], set()).add(x.op)
    forms = [(x, at.dense(x), "inv" in ops) for x, ops in asked.items()]
    codes = [code for x, code, inverted in forms if definite(x, inverted) or (inverted and _is_gram(code))]
    return {code.args[0] if code.op == "T" else code for code in codes}


def _is_gram(code: Code) -> bool:
    """Whether it is B'*B, which is positive definite if it has an inverse."""
    return code.op == "matmul" and code.symmetric and code.args[0] is not code.args[1]


def _expanded(definitions: Mapping[str, Expr], roots: Sequence[Expr]) -> tuple[dict[str, Expr], list[Expr]]:
    """The definitions and the roots with definitions put in for their names.

    A product stays under its name: put in, its factors would mix with those around it, and be multiplied again.
    """
    done: dict[str, Expr] = {}

    def filled(x: Expr) -> Expr:
        inside: dict[Expr, Expr] = {}
        for symbol in topological(x):
            if symbol.op == "sym" and symbol.name in definitions:
                if symbol.name not in done:
                    raise UnsupportedError(f"{symbol.name} is used before it is defined")
                if done[symbol.name].op != "mul":
                    inside[symbol] = done[symbol.name]
        return substitute(x, inside) if inside else x

    for name, x in definitions.items():
        done[name] = filled(x)
    return done, [filled(r) for r in roots]


def _pass(at: Forms, roots: Sequence[Expr], kept: Mapping[str, Expr]) -> list[Code]:
    """The instructions of the roots; a name in ``kept`` stands for that product, which is computed before it."""
    used = {x.name for x in topological(*roots, *kept.values()) if x.op == "sym"}
    order = topological(*(x for name, x in kept.items() if name in used), *roots)
    at.uses = Counter(child for current in order for child in current.args)
    at.uses.update(roots)
    for current in order:
        if current.op == "sym" and current.name in kept:
            at.values[current] = at.values[kept[current.name]]
            continue
        rule = _RULES.get(current.op)
        if rule is None:
            raise UnsupportedError(f"no code is known for the operation {current.op} (matcalc/generator/lowering.py)")
        at.values[current] = rule(at, current)
    return [at.dense(root) for root in roots]


def _worth_inverting(roots: Iterable[Code]) -> set[Code]:
    """The matrices whose inverse is formed, or that are solved with at least three times."""
    solves: Counter[Code] = Counter()
    formed: set[Code] = set()
    for code in ordered(roots):
        if code.op == "call" and code.data[0] == "solve":
            matrix = code.args[0]
            solves[matrix.args[0] if matrix.op == "T" else matrix] += 1
        elif code.op == "call" and code.data[0] == "inv":
            formed.add(code.args[0])
    return {matrix for matrix, count in solves.items() if count >= 3 or matrix in formed}
