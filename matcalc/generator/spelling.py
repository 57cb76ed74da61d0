"""How each instruction is spelt in a target: one table for each.

``{0}``, ``{1}`` stand for operands, ``{0a}`` for one that is put in parentheses unless it is a name or a call, ``{0p}``
unless it is those or a power, ``{p0}`` for a further text of the instruction. ``np`` and its like, and names that begin
with an underscore, are renamed on a clash with the user's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcalc.generator.snippets import SNIPPETS

# how tightly an expression binds in Python
SUM, TIMES, UNARY, POWER, ATOM = range(1, 6)
_PLACE = re.compile(r"\{(p?\d)([ap]?)\}")
BUILTINS = ("float", "range", "round", "slice")
_LEAST = {"": SUM, "p": POWER, "a": ATOM}
OWN_NAMES = re.compile(
    r"(?<![\w.])(_[a-z]\w*|np|lapack|special|linalg|jnp|jax|torch|math|importlib|xp|like|float|range|round|slice)\b"
)

_NAMED = "exp log log1p expm1 sqrt sin cos tan arcsin arccos arctan sinh cosh tanh abs sign maximum minimum"
_OWN = (
    "sigmoid sigmoid_neg softplus gelu erf lgamma digamma trigamma softmax log_softmax logsumexp logdet adj "
    "expm logm sqrtm sinm cosm"
)


def einsums(instruction: str, call: str, rest: str = "") -> dict[str, str]:
    """The spelling of a sum over indices of one to nine operands: ``np.einsum("ij,j->i", a, b)``."""
    return {
        f"{instruction}{n}": f'{call}("{{p0}}", {", ".join(f"{{{i}}}" for i in range(n))}{rest})' for n in range(1, 10)
    }


_NUMPY: dict[str, str] = {
    **{name: f"np.{name}(" + ("{0}, {1})" if name.endswith("imum") else "{0})") for name in _NAMED.split()},
    **{name: f"_{name}({{0}})" for name in _OWN.split()},
    **{f"{name}_frechet": f"_frechet(_{name}, {{0}}, {{1}})" for name in "expm logm sqrtm sinm cosm".split()},
    "softmax_axis": "_softmax({0}, axis={p0})",
    "log_softmax_axis": "_log_softmax({0}, axis={p0})",
    "logsumexp_axis": "_logsumexp({0}, axis={p0})",
    "relu": "np.maximum({0}, 0.0)",
    "power": "np.float_power({0}, {1})",
    "pi": "np.pi",
    "ones": "np.ones({shape})",
    "zeros": "np.zeros({shape})",
    "eye": "np.eye({0})",
    "unit": "_unit({0}, {1})",
    "commutation": "_commutation({0}, {1})",
    "diagflat": "np.diag({0})",
    "repeat_rows": "np.tile({0}, ({1}, 1))",
    "repeat_columns": "np.tile({0}, (1, {1}))",
    "reshape": "np.reshape({0}, {sizes})",
    "lower": "np.tril({0})",
    "upper": "np.triu({0})",
    "toeplitz": "_toeplitz({0})",
    "ravel": "{0a}.ravel()",
    "T": "{0a}.T",
    "col": "{0a}[:, None]",
    "row": "{0a}[None, :]",
    "kron": "np.kron({0}, {1})",
    "sum": "{0a}.sum()",
    "sum_axis": "{0a}.sum(axis={p0})",
    "prod": "{0a}.prod()",
    "max": "{0a}.max()",
    "max_axis": "{0a}.max(axis={p0})",
    "min": "{0a}.min()",
    "norm": "_norm({0})",
    "vdot": "np.vdot({0}, {1})",
    "trace": "np.trace({0})",
    "trace_product": 'np.einsum("ij,ji->", {0}, {1})',
    "diagonal_product": 'np.einsum("ij,ji->i", {0}, {1})',
    **einsums("einsum", "np.einsum"),
    **einsums("einsum_path", "np.einsum", ", optimize=True"),
    "unstacked": 'np.reshape({0}, {sizes}, order="F")',
    "spread": '_spread("{p0}", {0}, {sizes})',
    "row_dots": 'np.einsum("ij,ij->i", {0}, {1})',
    "column_dots": 'np.einsum("ij,ij->j", {0}, {1})',
    "diagonal": "np.diagonal({0})",
    "diagonal_part": "np.diagonal({0}, {1}.start)",
    "trace_part": "np.trace({0}, {1}.start)",
    "solve": "np.linalg.solve({0}, {1})",
    "inv": "np.linalg.inv({0})",
    "det": "np.linalg.det({0})",
    "pinv": "np.linalg.pinv({0})",
    "logabsdet": "np.linalg.slogdet({0})[1]",
    "pinv_line": "np.linalg.pinv({0a}[:, None])[0]",
    "pinv_number": "np.linalg.pinv([[{0}]])[0, 0]",
    "eigvals": "np.linalg.eigvalsh({0})",
    "svdvals": "np.linalg.svd({0}, compute_uv=False)",
    "normnuc": 'np.linalg.norm({0}, "nuc")',
    "norm_spectral": "np.linalg.norm({0}, 2)",
    "eigh": "_eigh({0})",
    "svd": "_svd({0})",
    "member": "{0a}[{p0}]",
    "matrix_power": "np.linalg.matrix_power({0}, {1})",
    "int": "round({0})",
    "unboxed": "np.asarray({0}).item()",
    "boxed_vector": "np.array([{0}], dtype=float)",
    "boxed_matrix": "np.array([[{0}]], dtype=float)",
    "copy": "np.array({0}, dtype=float)",
    "float": "float({0})",
    "concat": "np.concatenate([{items}])",
    "stack": "np.array([{items}], dtype=float)",
    "block": "np.block([{items}])",
}
# spellings that are no calls: the text, and how tightly it binds
_NUMPY_OPEN: dict[str, tuple[str, int]] = {
    **{relation: (f"1.0*({{0}} {relation} {{1}})", TIMES) for relation in ("<", "<=", ">", ">=", "==")},
    "full": ("{0a}*np.ones({shape})", TIMES),
    "outer": ("{0a}[:, None]*{1p}", TIMES),
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """One target: the modules it imports, the table of calls, the spellings that are no calls, its functions.

    ``plain``: calls of numbers that Python computes by itself, where the library's functions want arrays; ``boxed``
    makes an array of such a number for the calls in ``arrays``. ``opening`` binds the names in ``local`` at the start
    of a function from its arguments, ``scalar`` makes an array of a scalar argument. ``factors``: one factorisation for
    each matrix. ``in_place``: results may be written into arrays that are there. ``add_at`` adds to some entries where
    arrays cannot be changed; ``every_axis`` is named in an index. ``epilogue`` ends the module.
    """

    target: str
    imports: Mapping[str, str]  # name -> the import, {} for the name
    calls: Mapping[str, str]
    open: Mapping[str, tuple[str, int]]
    functions: Mapping[str, str]
    plain: Mapping[str, str] | None = None
    boxed: str = "{0}"
    arrays: frozenset[str] = frozenset()
    opening: str = ""
    local: tuple[str, ...] = ()
    scalar: str = ""
    factors: bool = False
    in_place: bool = False
    add_at: str = ""
    every_axis: bool = False
    epilogue: str = ""

    @property
    def reserved(self) -> tuple[str, ...]:
        """Names that the module needs besides its functions."""
        return (*self.imports, *self.local, *BUILTINS)


NUMPY = Spelling("numpy", {"np": "import numpy as {}"}, _NUMPY, _NUMPY_OPEN, SNIPPETS, in_place=True)


def filled(template: str, operands: Sequence[tuple[str, int]], texts: Sequence[object] = ()) -> str:
    """The template with operands (text and binding) put in."""

    def put(match: re.Match[str]) -> str:
        place, least = match.groups()
        if place[0] == "p":
            return str(texts[int(place[1:])])
        text, binding = operands[int(place)]
        return f"({text})" if binding < _LEAST[least] else text

    return _PLACE.sub(put, template)


def renamed(source: str, names: Mapping[str, str]) -> str:
    """``source`` with our own names as they are called in this module."""
    return OWN_NAMES.sub(lambda match: names.get(match.group(1), match.group(1)), source)


def own_names(source: str) -> set[str]:
    """The names of ours that occur in a template."""
    return set(OWN_NAMES.findall(source))
