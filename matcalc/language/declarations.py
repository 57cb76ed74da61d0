"""Kinds and dimensions as they are typed: ``symmetric(n)``, ``matrix(k*n, n), invertible``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from matcalc.errors import DeclarationError, LimitError, UnknownName, UnsupportedError
from matcalc.kinds import ELEMENTWISE, FACTS, STRUCTURES, Kind
from matcalc.language.misreadings import close_matches
from matcalc.language.names import spelled
from matcalc.language.syntax import Node, Statement, flatten, statements
from matcalc.shapes import ONE, Dim

_SIMPLE = {"scalar": 0, "vector": 1, "row": 1, "matrix": 2}
_COMPLEX = ("complex", "hermitian", "unitary", "cvector", "cmatrix")
_FACT_FORMS = {
    "invertible": "square", "fullrank": "matrix", "symmetric": "square", "spd": "square", "diagonal": "square",
    "orthogonal": "square", "lower": "square", "upper": "square", "toeplitz": "square", "integer": "scalar",
    "simplex": "line", "unit": "line", "onehot": "array",
}  # fmt: skip
MAX_SIZE = 10**12
MAX_MONOMIALS = 50


def dimension(root: Node, indices: Mapping[str, int]) -> Dim:
    """The dimension that is typed: integers and names with + - *; loop indices have their values."""
    return dimension_of(flatten(root), indices)


def dimension_of(nodes: Sequence[Node], indices: Mapping[str, int]) -> Dim:
    """The same of nodes that are flattened already, the last of which is the root."""
    values: dict[Node, Dim] = {}
    for node in nodes:
        values[node] = _dimension(node, [values[a] for a in node.args], indices)
    return values[nodes[-1]]


def _dimension(node: Node, args: list[Dim], indices: Mapping[str, int]) -> Dim:
    if node.op == "number" and node.data.denominator == 1:
        return _limited(Dim.of(int(node.data)), node)
    if node.op == "name":
        name = instantiate(node.data, indices, node.start)
        return Dim.of(indices[name]) if name in indices else Dim.of(name)
    if node.op == "neg":
        return args[0] * -1
    if node.op == "sum":
        total = Dim.of(0)
        for negative, part in zip(node.data, args, strict=True):
            total = _limited(total - part if negative else total + part, node)
        return total
    if node.op == "product" and set(node.data) == {"*"}:
        product = ONE
        for part in args:
            product = _limited(product * part, node)
        return product
    raise DeclarationError(
        "this is not a dimension", position=node.start, hint="dimensions are integers and names, with + - *"
    )


def _limited(dim: Dim, node: Node) -> Dim:
    if len(dim.terms) > MAX_MONOMIALS or any(len(monomial) > MAX_MONOMIALS for monomial, _ in dim.terms):
        raise LimitError("this dimension is too long", position=node.start)
    if any(abs(factor) > MAX_SIZE for _, factor in dim.terms):
        raise LimitError(f"this dimension is too large: at most {MAX_SIZE}", position=node.start)
    return dim


def size(root: Node, indices: Mapping[str, int]) -> Dim:
    """A dimension of an array: if it is a number, at least 1."""
    found = dimension(root, indices)
    number = found.number
    if number is not None and number < 1:
        raise DeclarationError(f"a dimension must be at least 1, not {number}", position=root.start)
    return found


def instantiate(name: str, indices: Mapping[str, int], position: int) -> str:
    """The name with its braces filled in: ``h{i-1}`` is ``h1`` for i = 2."""
    if "{" not in name:
        return name

    def fill(match: re.Match[str]) -> str:
        inner = match[1].strip()
        if inner in indices:
            return str(indices[inner])
        try:
            value = _brace(inner).evaluate(indices)
        except KeyError as missing:
            raise UnknownName(
                f"{missing.args[0]} has no value in {name}", position=position,
                hint="braces hold the index of a loop, as in for i in 1..3: h{i} = ...",
            ) from None  # fmt: skip
        if value < 0:
            raise UnknownName(f"the number in {name} is negative: {value}", position=position)
        return str(value)

    return re.sub(r"\{([^{}]*)\}", fill, name)


@lru_cache(maxsize=256)
def _brace(inner: str) -> Dim:
    found = statements(inner)
    if len(found) != 1 or found[0].form != "function" or found[0].root is None or "{" in inner:
        raise DeclarationError(f"{{{inner}}} is not the number of a name: write {{i}} or {{i - 1}}")
    return dimension(found[0].root, {})


def kind_of(statement: Statement, indices: Mapping[str, int]) -> Kind:
    """The kind that a declaration states, with its facts."""
    assert statement.root is not None
    root = statement.root
    for node in flatten(root):
        if _head(node) in _COMPLEX:
            raise UnsupportedError(f"{_head(node)}: complex variables are not supported", position=node.start)
    if _head(root) == "function":
        return _function(statement, indices)
    if statement.result is not None:
        raise DeclarationError(
            "only a function has an arrow", position=statement.result.start,
            hint="write function(vector(n)) -> vector(m)",
        )  # fmt: skip
    kind = _array(root, indices)
    facts = set(kind.facts)
    for token in statement.facts:
        fact = spelled(token)
        wanted = _FACT_FORMS.get(fact, "any" if fact in FACTS else None)
        position = token.start_pos or 0
        if fact in _COMPLEX:
            raise UnsupportedError(f"{fact}: complex variables are not supported", position=position)
        if wanted is None:
            near = close_matches(fact, [*FACTS, *_FACT_FORMS])
            raise DeclarationError(
                f"{fact} is not a fact that can be declared", position=position,
                hint=f"did you mean {' or '.join(near)}?" if near else f"facts are {', '.join(_facts())}",
            )  # fmt: skip
        if not _fits(kind, wanted):
            raise DeclarationError(f"{fact} does not apply to a {kind.text()}", position=position)
        facts.add(fact)
    return Kind(kind.form, kind.rows, kind.cols, frozenset(facts))


def _facts() -> list[str]:
    return sorted({*FACTS, *_FACT_FORMS})


def _fits(kind: Kind, wanted: str) -> bool:
    if wanted == "any":
        return True
    if wanted == "square":
        return kind.form == "matrix" and kind.rows is kind.cols
    if wanted == "line":
        return kind.form in ("vector", "row")
    return kind.form != "scalar" if wanted == "array" else kind.form == wanted


def _head(node: Node) -> str:
    return str(node.data) if node.op == "name" else str(node.data[0]) if node.op == "call" else ""


def _function(statement: Statement, indices: Mapping[str, int]) -> Kind:
    root = statement.root
    assert root is not None
    if statement.facts:
        raise DeclarationError("no facts can be declared of a function", position=statement.facts[0].start_pos)
    arguments = root.args if root.op == "call" else []
    if not arguments and statement.result is None:
        return ELEMENTWISE
    if not arguments or statement.result is None:
        raise DeclarationError(
            "a function has argument kinds and a result", position=root.start,
            hint="write function (elementwise) or function(vector(n)) -> vector(m)",
        )  # fmt: skip
    kinds = tuple(_array(argument, indices) for argument in arguments)
    return Kind("function", args=kinds, result=_array(statement.result, indices))


_ELSEWHERE = {
    **dict.fromkeys("float real double number".split(), "scalar"), "int": "integer", "vec": "vector",
    **dict.fromkeys("array ndarray tensor Tensor".split(), "vector(n) or matrix(m, n)"),
    **dict.fromkeys("psd positive_definite pd".split(), "spd"), "diag": "diagonal", "column": "vector",
    **dict.fromkeys("square general".split(), "matrix(n, n)"), "probability": "simplex", "one_hot": "onehot",
}  # fmt: skip


def _array(node: Node, indices: Mapping[str, int]) -> Kind:
    head = _head(node)
    if head not in _SIMPLE and head not in STRUCTURES:
        known = [*_SIMPLE, *STRUCTURES, "function"]
        near = [_ELSEWHERE[head]] if head in _ELSEWHERE else close_matches(head, known) if head else []
        raise DeclarationError(
            f"{head} is not a kind" if head else "this is not a kind", position=node.start,
            hint=f"did you mean {' or '.join(near)}?" if near else f"kinds are {', '.join(known)}",
        )  # fmt: skip
    arguments = [*node.args, *node.data[2]] if node.op == "call" else []
    form, fact = STRUCTURES.get(head, (head, ""))
    wanted = _SIMPLE[form] if not fact else 0 if form == "scalar" else 1
    if head == "onehot" and len(arguments) == 2:
        form, wanted = "matrix", 2
    if len(arguments) != wanted:
        counted = f"{wanted or 'no'} dimension{'' if wanted == 1 else 's'}"
        raise DeclarationError(
            f"{head} takes {counted}, not {len(arguments)}", position=node.start, hint=_example(head)
        )
    dims = [size(argument, indices) for argument in arguments]
    facts = frozenset({fact} if fact else ())
    if form == "scalar":
        return Kind("scalar", facts=facts)
    if form == "vector":
        return Kind("vector", dims[0], ONE, facts)
    if form == "row":
        return Kind("row", ONE, dims[0], facts)
    return Kind("matrix", dims[0], dims[-1], facts)


def _example(head: str) -> str:
    if head in ("scalar", "integer"):
        return f"write {head}"
    if head == "matrix":
        return "write matrix(m, n)"
    return f"write {head}(n)" + (" or onehot(N, K)" if head == "onehot" else "")
