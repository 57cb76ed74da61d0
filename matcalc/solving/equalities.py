"""Constraints as they are typed: ``C*x = d`` as an expression that vanishes, read together with the function."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from matcalc.errors import MatcalcError, SyntaxProblem, UnsupportedError
from matcalc.expr import Expr
from matcalc.kinds import SCALAR_KIND
from matcalc.language.names import spelled
from matcalc.language.parse import Problem, parse_declarations, read
from matcalc.language.syntax import statements
from matcalc.shapes import SCALAR
from matcalc.solving.linear_equation import fresh

_RELATION = re.compile(r"(?<![<>=])=(?!=)")
_HINT = "as in C*x = d"


def joint(function: Any, wrt: Any, declare: Any, given: Sequence[str], of: str | None) -> tuple[Any, Any, list[Expr]]:
    """The function, the kinds of all names, and the constraints as expressions that vanish; names inferred together."""
    pairs = [_equation(c) for c in given]
    if not isinstance(function, str):
        from matcalc.bridge.sympy_bridge import problem_of

        kinds = problem_of(function, declare).kinds
        return function, kinds, [read(f"({left}) - ({right})", kinds).function for left, right in pairs]
    everything = function + " ".join(given)
    names: list[str] = []
    for _ in pairs:
        names.append(fresh("constraint", [*names, *re.findall(r"\w+", everything)]))
    lines = [f"{name} = ({left}) - ({right})" for name, (left, right) in zip(names, pairs, strict=True)]
    for constraint, (left, _) in zip(given, pairs, strict=True):
        _checked(constraint, 0, len(left))
        _checked(constraint, len(left) + 1, len(constraint))
    wanted = [w for name in ([wrt] if isinstance(wrt, str) else list(wrt)) for w in str(name).split(",")]
    everything = "\n".join([*lines, function])
    problem = read(everything, declare, of=of, wrt=wanted)
    narrow = _scalar_names(problem, pairs)
    if narrow:
        declare = {**parse_declarations(declare), **dict.fromkeys(narrow, SCALAR_KIND)}
        problem = read(everything, declare, of=of, wrt=wanted)
    definitions = dict(problem.definitions)
    return function, problem.kinds, [definitions[name] for name in names]


def _scalar_names(problem: Problem, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Undeclared names that stand alone on a side, the other side being a scalar: they are scalars, not broadcast."""
    found = []
    for pair in pairs:
        for side, other in (pair, pair[::-1]):
            name = spelled(side.strip())
            kind = problem.kinds.get(name)
            if kind is None or name not in problem.inferred or kind.shape == SCALAR:
                continue
            if read(other, problem.kinds).function.is_scalar:
                found.append(name)
    return found


def _checked(constraint: str, start: int, end: int) -> None:
    """Errors of syntax in one side are shown in the constraint as it was typed."""
    try:
        statements(constraint[start:end])
    except MatcalcError as error:
        error.text, error.position = constraint, start + (error.position or 0)
        raise


def _equation(constraint: str) -> tuple[str, str]:
    """The two sides of ``C*x = d``."""
    found = list(_RELATION.finditer(constraint))
    if len(found) != 1:
        inequality = re.search(r"[<>]", constraint)
        message = "only equations can be constraints" if inequality else "a constraint is one equation"
        at = inequality.start() if inequality else (found[1].start() if found else len(constraint))
        error = UnsupportedError if inequality else SyntaxProblem
        raise error(message, text=constraint, position=at, hint=_HINT)
    left, right = constraint[: found[0].start()], constraint[found[0].end() :]
    if not left.strip() or not right.strip():
        raise SyntaxProblem("a side of the equation is missing", text=constraint, position=found[0].start(), hint=_HINT)
    return left, right
