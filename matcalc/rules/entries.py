"""Entries of the identity table: what all have in common, and the differentials.

An entry keeps its fields as text and reads them when they are first asked for, so that a start costs only the
entries that are used. Whatever is wrong with a field is a ``TableError`` that names file, id and field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from matcalc.errors import MatcalcError, TableError
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import Kind
from matcalc.language.parse import parse, parse_declarations
from matcalc.ops import sym
from matcalc.rules.instantiate import ELEMENTWISE_OPS, instantiate, instantiate_elementwise, unify_shapes
from matcalc.rules.linear import linear_part, nonlinear_node
from matcalc.shapes import SCALAR, Dim, shape_text

# what may be said of an expression in `domain` -> the fact that settles it
PREDICATES: dict[str, str | None] = {
    "> 0": "positive",
    "!= 0": "nonzero",
    "is invertible": "invertible",
    "has no zero entry": "nonzero",
    "has constant rank": "invertible",
    "has full rank": "fullrank",
    "has simple eigenvalues": None,
    "has full column rank and different singular values": None,
    "has a simple largest singular value": None,
    "is not an integer below 1": "positive",
    "has no eigenvalue on the closed negative real axis": "spd",
}
UNLESS = {"is an integer": "integer", "is a natural number": "natural"}
# the facts that a condition or a property may speak of
FACT_NAMES = frozenset(
    "symmetric spd psd diagonal lower upper toeplitz orthogonal invertible fullrank positive nonnegative "
    "nonzero below_one integer natural even onehot rowsum_one simplex unit".split()
)


@dataclass(frozen=True)
class Condition:
    """``subject`` ``predicate``, as in "det(A) > 0"; ``fact`` of the subject settles it.

    Needed only for the differential of ``of_variable`` if that is given, and not at all if ``unless``, a pair
    (expression, fact), holds.
    """

    subject: Expr
    predicate: str
    fact: str | None
    of_variable: Expr | None = None
    unless: tuple[Expr, str] | None = None


@dataclass(frozen=True)
class Kink:
    """No derivative where ``left == right`` (or ``left`` ``predicate``), and what is used ``at`` it.

    ``jump`` when the function itself jumps there.
    """

    left: Expr
    right: Expr | None
    predicate: str
    at: str
    jump: bool


@dataclass(frozen=True, eq=False)
class Entry:
    """One statement: its ``id``, the ``file`` it is from, its ``fields`` as they stand there."""

    id: str
    file: str
    fields: Mapping[str, Any]

    @property
    def says(self) -> str:
        return str(self.fields.get("says", ""))

    @property
    def note(self) -> str:
        return str(self.fields.get("note", ""))

    @property
    def source(self) -> tuple[str, ...]:
        return tuple(self.fields["source"])

    def wrong(self, name: str, problem: str) -> TableError:
        """The refusal of the entry because of one field."""
        return TableError(f"{self.file}: [{self.id}] {name}: {problem}")

    @cached_property
    def let(self) -> Mapping[str, Kind]:
        """The kinds of the variables."""
        texts: dict[str, str] = {}
        for line in self.fields.get("let", ()):
            names, colon, kind = line.partition(":")
            if not colon:
                raise self.wrong("let", f"'{line}' is not of the form 'A: matrix(m, n)'")
            for name in names.split(","):
                if name.strip() in texts:
                    raise self.wrong("let", f"{name.strip()} is declared twice")
                texts[name.strip()] = kind.strip()
        try:
            return parse_declarations(texts)
        except MatcalcError as error:
            raise self.wrong("let", f"cannot be read: {error.message}") from None

    @cached_property
    def dims(self) -> frozenset[str]:
        """The dimension names of the variables."""
        return frozenset(name for kind in self.let.values() for d in kind.shape for name in d.names)

    @cached_property
    def variables(self) -> tuple[Expr, ...]:
        """The variables as symbols, in the order of ``let``."""
        return tuple(sym(name, kind) for name, kind in self.let.items() if kind.form != "function")

    def read(self, name: str, text: str, extra: Mapping[str, Kind] | None = None) -> Expr:
        """Read one expression; every symbol in it must be declared."""
        kinds = {**self.let, **(extra or {})}
        try:
            found = parse(text, kinds)
        except MatcalcError as error:
            raise self.wrong(name, f"cannot be read: {error}") from None
        for node in topological(found):
            if node.op == "sym" and kinds.get(node.name) != node.data[1]:  # type: ignore[index]
                raise self.wrong(name, f"{node.name} is not declared in let, which has {', '.join(self.let)}")
        return found

    def check_used(self, expressions: Iterable[Expr]) -> None:
        """Refuse variables that ``let`` declares and nothing uses."""
        roots = list(expressions)
        used = {s.name for s in symbols(*roots)} | {
            str(n.data[0]) for n in topological(*roots) if n.op == "ufn"  # type: ignore[index]
        }
        unused = [name for name in self.let if name not in used]
        if unused:
            raise self.wrong("let", f"{', '.join(unused)} is declared but not used")

    def check(self) -> None:
        """Read every field; TableError if something is wrong."""
        raise NotImplementedError

    def condition(self, name: str, text: str) -> Condition:
        """Read a condition: ``<expression> <predicate> [for dA] [unless B is an integer]``."""
        body, _, exception = text.partition(" unless ")
        unless: tuple[Expr, str] | None = None
        for words, exempt in UNLESS.items():
            if exception.endswith(" " + words):
                unless = (self.read(name, exception.removesuffix(" " + words)), exempt)
        if exception and unless is None:
            raise self.wrong(name, f"after 'unless' one of these is expected: {', '.join(UNLESS)}")
        body, _, needed = body.partition(" for d")
        for predicate, fact in PREDICATES.items():
            if body.endswith(" " + predicate):
                subject = self.read(name, body.removesuffix(" " + predicate))
                variable = next((v for v in self.variables if v.name == needed), None)
                if needed and variable is None:
                    raise self.wrong(name, f"'for d{needed}' speaks of a variable that let does not declare")
                return Condition(subject, predicate, fact, variable, unless)
        raise self.wrong(name, f"'{text}' does not end in one of: {', '.join(PREDICATES)}")


@dataclass(frozen=True, eq=False)
class Differential(Entry):
    """d(of) = d: how the differential passes through one operation; linear in the differentials."""

    @cached_property
    def of(self) -> Expr:
        """The operation on plain variables."""
        return self.read("of", self.fields["of"])

    @cached_property
    def fixed(self) -> tuple[Expr, ...]:
        """The variables with respect to which this entry has no differential."""
        names = self.fields.get("fixed", ())
        for name in names:
            if name not in self.let:
                raise self.wrong("fixed", f"{name} is not declared in let")
        return tuple(v for v in self.variables if v.name in names or "integer" in self.let[v.name].facts)

    @cached_property
    def differentials(self) -> Mapping[Expr, Expr]:
        """Each variable and the symbol of its differential."""
        found = {}
        for variable in self.variables:
            if variable not in self.fixed:
                kind = self.let[variable.name]
                found[variable] = sym("d" + variable.name, Kind(kind.form, kind.rows, kind.cols))
        return found

    @cached_property
    def d(self) -> Expr:
        """The differential, in terms of the variables and of their differentials."""
        kinds = {s.name: s.data[1] for s in self.differentials.values()}  # type: ignore[index]
        clash = [name for name in kinds if name in self.let]
        if clash:
            raise self.wrong("let", f"{clash[0]} is the name of a differential")
        return self.read("d", self.fields["d"], kinds)

    @cached_property
    def parts(self) -> Mapping[Expr, Expr]:
        """The part of ``d`` that belongs to each variable; variables without one are missing."""
        found = {}
        for variable, dx in self.differentials.items():
            part = linear_part(self.d, dx, self.differentials.values())
            if part is not None:
                found[variable] = part
        return found

    @cached_property
    def domain(self) -> tuple[Condition, ...]:
        return tuple(self.condition("domain", text) for text in self.fields.get("domain", ()))

    @cached_property
    def kinks(self) -> tuple[Kink, ...]:
        at = str(self.fields.get("at", ""))
        found = []
        for name in ("kink", "jump"):
            for text in self.fields.get(name, ()):
                left, equal, right = text.partition(" == ")
                if equal:
                    sides = self.read(name, left), self.read(name, right)
                    found.append(Kink(*sides, "==", at, name == "jump"))
                    continue
                left, has, rest = text.partition(" has ")
                if not has:
                    raise self.wrong(name, f"'{text}' is neither 's == t' nor 'A has ...'")
                found.append(Kink(self.read(name, left), None, f"has {rest}", at, name == "jump"))
        return tuple(found)

    @cached_property
    def elementwise(self) -> bool:
        """Written for scalars, and valid entry by entry for arrays."""
        return self.of.op in ELEMENTWISE_OPS and all(v.is_scalar for v in self.variables)

    def bind(self, node: Expr) -> tuple[dict[Expr, Expr], dict[str, Dim]] | None:
        """What the variables and the dimension names stand for in ``node``; None for other shapes."""
        pattern = self.of
        if pattern.op != node.op or len(pattern.args) != len(node.args):
            return None
        bindings: dict[Expr, Expr] = {}
        dims: dict[str, Dim] = {}
        pairs: list[tuple[Dim, Dim]] = []
        for variable, actual in zip(pattern.args, node.args, strict=True):
            if variable.op != "sym" or bindings.get(variable, actual) is not actual:
                return None
            bindings[variable] = actual
            if not self.elementwise:
                pairs.extend(zip(variable.shape, actual.shape, strict=True))
        if pattern.op == "unvec":
            pairs.extend(zip(pattern.data, node.data, strict=True))  # type: ignore[call-overload]
        if not unify_shapes([p for p, _ in pairs], [a for _, a in pairs], dims):
            return None
        return bindings, dims

    def fill(self, template: Expr, node: Expr, more: Mapping[Expr, Expr] | None = None) -> Expr:
        """A text of this entry (``of``, ``d``, a part, a condition) for the arguments of ``node``.

        ``more`` gives expressions for further symbols, such as the differentials. For an elementwise
        operation on arrays the result is lifted to the node's shape, unless it depends on scalars alone.
        """
        bound = self.bind(node)
        assert bound is not None, f"{self.id} does not fit {node!r}"
        bindings, dims = bound
        bindings.update(more or {})
        if not self.elementwise:
            return instantiate(template, bindings, dims)
        used = symbols(template)
        scalar = bool(used) and all(bindings[s].is_scalar for s in used)
        return instantiate_elementwise(template, bindings, SCALAR if scalar else node.shape)

    def conditions(self, node: Expr, active: Sequence[Expr] | None = None) -> list[Condition]:
        """The conditions for ``node``; ``active``: the arguments whose differential is not zero."""
        bound = self.bind(node)
        assert bound is not None, f"{self.id} does not fit {node!r}"
        found = []
        for condition in self.domain:
            variable = condition.of_variable
            if variable is not None and active is not None and bound[0][variable] not in active:
                continue
            unless = condition.unless
            if unless is not None:
                exponent, fact = self.fill(unless[0], node), unless[1]
                if exponent.op == "num" and _number_is(exponent, fact):
                    continue
                unless = (exponent, fact)
            subject = self.fill(condition.subject, node)
            found.append(replace(condition, subject=subject, of_variable=None, unless=unless))
        return found

    def kinks_of(self, node: Expr) -> list[Kink]:
        """The kinks for the arguments of ``node``."""
        return [
            replace(
                kink,
                left=self.fill(kink.left, node),
                right=kink.right if kink.right is None or kink.right.op == "num" else self.fill(kink.right, node),
            )
            for kink in self.kinks
        ]

    def check(self) -> None:
        of, d = self.of, self.d
        if any(a.op != "sym" for a in of.args) and of.op != "slice":
            raise self.wrong("of", "must be one operation on plain variables")
        self.check_used([of])
        if of.shape != d.shape:
            raise self.wrong("d", f"has shape {shape_text(d.shape)}; of has {shape_text(of.shape)}")
        problem = nonlinear_node(d, self.differentials.values())
        if problem is not None:
            raise self.wrong("d", f"is not linear in the differentials, because of '{problem.op}'")
        unknown = dims_of(d) - self.dims
        if unknown:
            raise self.wrong("d", f"uses {', '.join(sorted(unknown))}, a dimension that let does not mention")
        _ = self.parts, self.domain, self.kinks
        if self.kinks and not self.fields.get("at"):
            raise self.wrong("at", "is missing: say which value is used at the kink")


def _number_is(x: Expr, fact: str) -> bool:
    value = x.data
    whole = value.denominator == 1  # type: ignore[union-attr, attr-defined]
    return whole and (fact == "integer" or value >= 0)  # type: ignore[operator]


def dims_of(x: Expr) -> frozenset[str]:
    """The dimension names in a template that its variables must determine."""
    names: set[str] = set()
    for node in topological(x):
        for d in node.shape:
            names |= d.names
        if isinstance(node.data, Dim):
            names |= node.data.names
    return frozenset(names)
