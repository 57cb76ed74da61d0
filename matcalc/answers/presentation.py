"""Jacobians and Hessians for readers: the matrix where there is one, else the map, the index form and the vec form.

Every line says which form it is: ``dY = ...dX...`` is the linear map, ``J_ijk = ...`` the array,
``vec(dY) = V·vec(dX)`` the matrix for columns stacked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.calculus.higher import Forms
from matcalc.calculus.index_form import IndexForm
from matcalc.calculus.index_text import index_pretty, index_set, index_text
from matcalc.expr import Expr, topological
from matcalc.kinds import Kind
from matcalc.printing.formulas import Typesetter
from matcalc.printing.latex import LATEX, latex
from matcalc.printing.markup import Markup, Row
from matcalc.printing.mathml import MATHML, mathml, whole
from matcalc.printing.measure import length
from matcalc.printing.pretty import pretty
from matcalc.printing.text import text
from matcalc.shapes import ONE

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


def labels(form: Forms, what: str, taken: Mapping[str, Kind], function: str = "f") -> Labels:
    """Names that the user has not given to something else; ``function`` is what a scalar function is called."""
    if what == "gradient":
        return Labels(f"d{function}", next(name for name in ("G", "D", "G_") if name not in taken), form.direction.name)
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
        stacked = _pretty_vec(form, names)
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


def set_lines(form: Forms, what: str, taken: Mapping[str, Kind], markup: Markup) -> list[Row]:
    """The same forms in LaTeX or MathML; one expression alone where the matrix says it all."""
    m = markup
    if is_matrix(form):
        return [Row("", "", Typesetter(m, [form.matrix])(form.matrix))]
    linear, index, matrix = _rows(form, what, labels(form, what, taken), markup)
    return [row for row in (linear, index, matrix if _worth(form) else None) if row is not None]


def _rows(form: Forms, what: str, names: Labels, markup: Markup) -> tuple[Row, Row | None, Row]:
    """The linear map, the index form if there is one, and the matrix times the (stacked) direction."""
    m = markup
    change = _formal(form)
    setter = Typesetter(m, [change, form.matrix, form.variable])
    step = f"{m.upright('d')}{setter(form.variable)}"
    if what == "hessian":
        left = f"{m.index('H')}{m.fenced('[', step)}"
    else:
        left = f"{m.upright('d')}{m.index(names.change[1:])}"
    index = None
    if form.index is not None and form.index.indices:
        entry, value = index_set(form.index, m, names.array)
        index = Row(entry, m.equals, value)
    matrix = setter(form.matrix)
    if form.matrix.op in ("add", "kron", "isum"):
        matrix = m.wrapped(matrix)
    product = f"{matrix}{m.product}{_stacked_set(step, form.variable, setter)}"
    stacked = Row(_stacked_set(left, form.function, setter), m.equals, product)
    return Row(left, m.equals, setter(change)), index, stacked


def _stacked_set(name: str, x: Expr, setter: Typesetter) -> str:
    m = setter.markup
    if x.cols is ONE:
        return name
    if x.rows is ONE:
        return str(m.transposed(name, setter.transpose))
    return str(m.applied(m.function("vec"), m.fenced("(", name)))


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
    """For programs: the map and the index form, in text, in LaTeX and in MathML."""
    if is_matrix(form):
        return {}
    change = _formal(form)
    found = {"map": text(form.map), "map_latex": latex(change), "map_mathml": mathml(change)}
    if form.index is not None and form.index.indices:
        name = labels(form, what, taken).array
        found |= index_data(form.index, name)
    return found


def index_data(form: IndexForm, name: str = "J") -> dict[str, str]:
    """The index form in text, in LaTeX and in MathML."""
    plain = index_text(form, name)
    return {
        "index": plain,
        "index_latex": LATEX.equals.join(index_set(form, LATEX, name)),
        "index_mathml": whole(MATHML.equals.join(index_set(form, MATHML, name)), plain),
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """One form of a derivative: of which ``block``, which form it is, and the equation in every kind of print."""

    block: str
    form: str
    text: str
    pretty: str
    latex: str
    mathml: str


def readings(form: Forms, what: str, taken: Mapping[str, Kind], block: str = "", function: str = "f") -> list[Reading]:
    """The linear map, the matrix (of stacked columns where it has to be) and the index form as far as there is one;
    unlike the lines of an answer also where one of them would do. Of a gradient the differential, and its entries."""
    names = labels(form, what, taken, function)
    linear, matrix = f"{names.change} = {text(form.map)}", f"{names.array} = {text(form.matrix)}"
    linear_pretty, matrix_pretty = f"{names.change} = {pretty(form.map)}", f"{names.array} = {pretty(form.matrix)}"
    if form.stacked:
        body = text(form.matrix) if form.matrix.op == "kron" else f"({text(form.matrix)})"
        left, right = _stacked_name(names.change, form.function), _stacked_name(names.argument, form.variable)
        matrix, matrix_pretty = f"{left} = {body}*{right}".replace("ᵀ", "'"), _pretty_vec(form, names)
    first, second = ("differential", "gradient") if what == "gradient" else ("linear map", "matrix")
    second = "matrix, columns stacked" if form.stacked else second
    found = [(first, linear, linear_pretty), (second, matrix, matrix_pretty)]
    if form.index is not None and form.index.indices:
        found.append(("index form", index_text(form.index, names.array), index_pretty(form.index, names.array)))
    set_in = {markup: _equations(form, what, names, markup) for markup in (LATEX, MATHML)}
    return [
        Reading(block, name, plain, shown, set_in[LATEX][i], whole(set_in[MATHML][i], plain))
        for i, (name, plain, shown) in enumerate(found)
    ]


def _equations(form: Forms, what: str, names: Labels, markup: Markup) -> list[str]:
    """The same in a markup: map, matrix, index form."""
    linear, index, matrix = _rows(form, what, names, markup)
    if not form.stacked:
        matrix = Row(markup.index(names.array), markup.equals, Typesetter(markup, [form.matrix])(form.matrix))
    return ["".join(row) for row in (linear, matrix, index) if row is not None]


def layout_of(forms: Sequence[Forms], layout: str, what: str) -> str:
    """How the axes of the derivative are laid out, in a sentence."""
    if what == "gradient":
        return GRADIENTS[layout]
    by_scalar = any(form.variable.is_scalar for form in forms)
    plain = any(not form.stacked and not form.variable.is_scalar for form in forms)
    return arranged(what, by_scalar, plain, any(form.stacked for form in forms))


def arranged(what: str, by_scalar: bool, plain: bool, stacked: bool) -> str:
    """The same of derivatives by scalars, of matrices with an index each for function and variable, of arrays."""
    said: list[str] = []
    if by_scalar:
        said.append("by a scalar the shape of the function")
    if plain:
        said.append("H[i,j] = d2f/(dx_i dx_j)" if what == "hessian" else "J[i,j] = df_i/dx_j, rows follow the function")
    if stacked:
        said.append("arrays have the function's indices first, then the variable's; vec(dY) = V*vec(dX) stacks columns")
    return f"{'; '.join(said)} (the same in gradient and numerator layout)"
