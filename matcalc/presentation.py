"""Jacobians and Hessians for readers: the matrix where there is one, else the map, the index form and the vec form.

Every line says which form it is: ``dY = ...dX...`` is the linear map, ``J_ijk = ...`` the array,
``vec(dY) = V·vec(dX)`` the matrix for columns stacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.expr import Expr, topological
from matcalc.higher import Forms
from matcalc.index_text import index_latex, index_pretty, index_text
from matcalc.kinds import Kind
from matcalc.latex import Notation, latex, names_for, transpose_mark
from matcalc.measure import length
from matcalc.pretty import pretty
from matcalc.shapes import ONE
from matcalc.text import text

LONGEST = 40  # symbols of a vec form that is shown beside a map half as long
GRADIENTS = {
    "gradient": "gradient (the shape of the variable)",
    "numerator": "numerator (rows follow the function)",
}
_HEAVY = frozenset({"kron", "commutation", "isum", "vec"})


@dataclass(frozen=True, slots=True)
class Labels:
    """What the derivative and its parts are called: ``dY``, or ``H[dX]``; ``J`` or ``H``."""

    change: str
    array: str
    argument: str


def labels(form: Forms, what: str, taken: Mapping[str, Kind]) -> Labels:
    """Names that the user has not given to something else."""
    if what == "hessian":
        return Labels(f"H[{form.direction.name}]", "H", form.direction.name)
    choices = ("y", "f", "z", "u") if ONE in form.function.shape else ("Y", "F", "Z", "U")
    letter = next((c for c in choices if c not in taken), "f")
    return Labels(f"d{letter}", "J" if "J" not in taken else "D", form.direction.name)


def is_matrix(form: Forms) -> bool:
    """Whether the matrix says it all: lines by lines, without Kronecker products and functions of block matrices."""
    if form.stacked:
        return False
    return not any(n.op in _HEAVY or (n.op == "mfn" and n.args[0].op == "block") for n in topological(form.matrix))


def pretty_lines(form: Forms, what: str, taken: Mapping[str, Kind]) -> list[str]:
    """One line for each form in Unicode."""
    if is_matrix(form):
        return [pretty(form.matrix)]
    names = labels(form, what, taken)
    lines = [f"{names.change} = {pretty(form.map)}"]
    if form.index is not None and form.index.indices:
        lines.append(index_pretty(form.index, names.array))
    if _worth(form):
        stacked = f"{_pretty_vec(form, names)}   (columns stacked)"
        lines.append(stacked if form.stacked else f"{names.array} = {pretty(form.matrix)}")
    return lines


def _pretty_vec(form: Forms, names: Labels) -> str:
    matrix = pretty(form.matrix)
    if form.matrix.op in ("add", "kron", "isum"):
        matrix = f"({matrix})"
    return f"{_stacked_name(names.change, form.function)} = {matrix}·{_stacked_name(names.argument, form.variable)}"


def _stacked_name(name: str, x: Expr) -> str:
    """vec(dX), for a column itself, for a row its transpose."""
    return name if x.cols is ONE else f"{name}ᵀ" if x.rows is ONE else f"vec({name})"


def latex_lines(form: Forms, what: str, taken: Mapping[str, Kind]) -> list[str]:
    """The same forms in LaTeX, each ``left &= right``; one expression alone where the matrix says it all."""
    if is_matrix(form):
        return [latex(form.matrix)]
    names = labels(form, what, taken)
    change = _formal(form)
    notation = Notation(names=names_for([change, form.matrix]))
    variable = latex(form.variable, notation)
    if what == "hessian":
        left = rf"H[\mathrm{{d}}{variable}]"
    else:
        left = rf"\mathrm{{d}}{names.change[1:]}"
    lines = [f"{left} &= {latex(change, notation)}"]
    if form.index is not None and form.index.indices:
        lines.append(index_latex(form.index, names.array).replace(" = ", " &= ", 1))
    if _worth(form):
        step = _stacked_latex(rf"\mathrm{{d}}{variable}", form.variable)
        matrix = latex(form.matrix, notation)
        if form.matrix.op in ("add", "kron", "isum"):
            matrix = rf"\left({matrix}\right)"
        lines.append(rf"{_stacked_latex(left, form.function)} &= {matrix}\, {step}")
    return lines


def _stacked_latex(name: str, x: Expr) -> str:
    if x.cols is ONE:
        return name
    return f"{name}{transpose_mark()}" if x.rows is ONE else rf"\operatorname{{vec}}({name})"


def _formal(form: Forms) -> Expr:
    """The map with dX as the differential of X."""
    return ops.substitute(form.map, {form.direction: ops.formal_differential(form.variable)})


def _worth(form: Forms) -> bool:
    """Whether the matrix is worth a line: not where it spells out what the map says in a word."""
    built = any(n.op == "isum" or (n.op == "mfn" and n.args[0].op == "block") for n in topological(form.matrix))
    if built and not any(n.op == "isum" for n in topological(form.map)):
        return False
    return length(form.matrix) <= max(LONGEST, 2 * length(form.map))


def other_readings(form: Forms, what: str, taken: Mapping[str, Kind]) -> dict[str, str]:
    """For programs: the map and the index form, in text and in LaTeX."""
    if is_matrix(form):
        return {}
    found = {"map": text(form.map), "map_latex": latex(_formal(form))}
    if form.index is not None and form.index.indices:
        name = labels(form, what, taken).array
        found |= {"index": index_text(form.index, name), "index_latex": index_latex(form.index, name)}
    return found


def layout_of(forms: Sequence[Forms], layout: str, what: str) -> str:
    """How the axes of the derivative are laid out, in a sentence."""
    if what == "gradient":
        return GRADIENTS[layout]
    said: list[str] = []
    if any(form.variable.is_scalar for form in forms):
        said.append("by a scalar the shape of the function")
    if any(not form.stacked and not form.variable.is_scalar for form in forms):
        said.append("H[i,j] = d2f/(dx_i dx_j)" if what == "hessian" else "J[i,j] = df_i/dx_j, rows follow the function")
    if any(form.stacked for form in forms):
        said.append("arrays have the function's indices first, then the variable's; the vec form stacks columns")
    return f"{'; '.join(said)} (the same in gradient and numerator layout)"
