"""Entries of the identity table: equations, properties, known derivatives and known falsehoods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from matcalc import ops
from matcalc.expr import Expr, symbols, topological
from matcalc.kinds import Kind
from matcalc.ops import sym
from matcalc.rules.entries import FACT_NAMES, Entry, dims_of
from matcalc.shapes import ONE, Dim, Shape, shape_text

_LARGEST = 200


@dataclass(frozen=True, eq=False)
class Rewrite(Entry):
    """``from_`` equals ``to``, which is shorter, under the declared facts and what else it ``needs``."""

    @cached_property
    def from_(self) -> Expr:
        return self.read("from", self.fields["from"])

    @cached_property
    def to(self) -> Expr:
        # dimensions that only ``from`` mentions may be used as numbers: declared by a name that does not occur
        mentioned = {f"dimension_{name}": Kind("vector", Dim.of(name)) for name in dims_of(self.from_)}
        return self.read("to", self.fields["to"], mentioned)

    @cached_property
    def needs(self) -> tuple[tuple[Expr, str], ...]:
        """Further facts, as pairs (expression, fact)."""
        return tuple(_fact_of(self, "if", text) for text in self.fields.get("if", ()))

    def check(self) -> None:
        left, right = self.from_, self.to
        size = len(topological(left))
        if size > _LARGEST:  # matching recurses into patterns
            raise self.wrong("from", f"is too large for a pattern: {size} parts, at most {_LARGEST}")
        self.check_used([left, *(e for e, _ in self.needs)])
        if left.shape != right.shape:
            raise self.wrong("to", f"has shape {shape_text(right.shape)}; from has {shape_text(left.shape)}")
        unknown = (dims_of(right) - dims_of(left)) | {s.name for s in symbols(right)} - {
            s.name for s in symbols(left)
        }
        if unknown:
            raise self.wrong("to", f"uses {', '.join(sorted(unknown))}, which from does not determine")


@dataclass(frozen=True, eq=False)
class Property(Entry):
    """What follows from what: an implication between facts, or a rule for an operation.

    ``if = "spd"``, ``then = "symmetric"`` (or ``then = "not ..."``: the first excludes the other);
    ``let``, ``if = ["A: spd", "B: psd"]``, ``then = "A + B: spd"``;
    ``let``, ``then = "A + B"``, ``keeps = ["symmetric", ...]``: each fact holds if all arguments have it (scalar
    ones aside, unless all are scalars).
    """

    @property
    def is_implication(self) -> bool:
        return "let" not in self.fields

    @cached_property
    def implies(self) -> tuple[str, str, bool]:
        """(stronger, weaker, True), or (fact, other, False) when the first excludes the other."""
        stronger, weaker = str(self.fields["if"]), str(self.fields["then"])
        positive = not weaker.startswith("not ")
        weaker = weaker.removeprefix("not ")
        for name, fact in (("if", stronger), ("then", weaker)):
            if fact not in FACT_NAMES:
                raise self.wrong(name, f"'{fact}' is not a fact; facts are {', '.join(sorted(FACT_NAMES))}")
        return stronger, weaker, positive

    @cached_property
    def subject(self) -> Expr:
        """The operation that the rule is about."""
        text = str(self.fields["then"])
        if "keeps" in self.fields:
            return self.read("then", text)
        return _fact_of(self, "then", text)[0]

    @cached_property
    def conclusions(self) -> tuple[tuple[Mapping[Expr, frozenset[str]], str], ...]:
        """The facts that the variables need, and the fact that the operation then has."""
        needed: dict[Expr, set[str]] = {}
        for text in self.fields.get("if", ()):
            variable, fact = _fact_of(self, "if", text)
            if variable.op != "sym":
                raise self.wrong("if", f"'{text}' must speak of a variable")
            needed.setdefault(variable, set()).add(fact)
        for variable in self.variables:
            needed.setdefault(variable, set()).update(self.let[variable.name].facts & FACT_NAMES)
        if "keeps" not in self.fields:
            premises = {v: frozenset(facts) for v, facts in needed.items()}
            return ((premises, _fact_of(self, "then", str(self.fields["then"]))[1]),)
        keepers = [v for v in self.variables if not v.is_scalar] or list(self.variables)
        found = []
        for fact in self.fields["keeps"]:
            if fact not in FACT_NAMES:
                raise self.wrong("keeps", f"'{fact}' is not a fact; facts are {', '.join(sorted(FACT_NAMES))}")
            found.append(({v: frozenset(f | ({fact} if v in keepers else set())) for v, f in needed.items()}, fact))
        return tuple(found)

    @property
    def premises(self) -> Mapping[Expr, frozenset[str]]:
        """The facts that each variable needs for the first conclusion."""
        return self.conclusions[0][0]

    @property
    def conclusion(self) -> tuple[Expr, str]:
        """The operation and the first fact that holds of it."""
        return self.subject, self.conclusions[0][1]

    def check(self) -> None:
        if self.is_implication:
            _ = self.implies
            return
        _ = self.conclusions
        self.check_used([self.subject])


def _fact_of(entry: Entry, name: str, text: str) -> tuple[Expr, str]:
    body, colon, fact = text.rpartition(":")
    fact = fact.strip()
    if not colon or fact not in FACT_NAMES:
        raise entry.wrong(name, f"'{text}' is not 'expression: fact', of {', '.join(sorted(FACT_NAMES))}")
    return entry.read(name, body.strip()), fact


@dataclass(frozen=True, eq=False)
class Derivative(Entry):
    """What known gradients and Jacobians have in common: the function ``f`` and the variable ``wrt``."""

    @cached_property
    def f(self) -> Expr:
        return self.read("f", self.fields["f"])

    @cached_property
    def wrt(self) -> Expr:
        name = self.fields["wrt"]
        found = next((v for v in self.variables if v.name == name), None)
        if found is None:
            raise self.wrong("wrt", f"{name} is not declared in let")
        return found


@dataclass(frozen=True, eq=False)
class Jacobian(Derivative):
    """A known form: vec(df) = ``jacobian``*vec(dX) for the variable X of ``wrt``, columns stacked.

    Of a vector by a vector that is the Jacobian in numerator layout; by a scalar it has the shape of f.
    (Magnus & Neudecker 2019, sec. 9.4)
    """

    @cached_property
    def jacobian(self) -> Expr:
        return self.read("jacobian", self.fields["jacobian"])

    @cached_property
    def shape(self) -> Shape:
        """Entries of f by entries of the variable; by a scalar the shape of f."""
        if self.wrt.is_scalar:
            return self.f.shape
        return self.f.rows * self.f.cols, self.wrt.rows * self.wrt.cols

    @cached_property
    def step(self) -> Expr:
        """A differential of the variable, which moves as its linear structure allows."""
        x = self.wrt
        name = next(n for n in (f"d{x.name}{mark}" for mark in ("", "_", "__")) if n not in self.let)
        kind: Kind = self.let[x.name]
        facts = frozenset({"symmetric"}) if kind.facts & {"symmetric", "spd"} else frozenset()
        return sym(name, Kind("matrix", x.rows, x.cols, facts))

    @cached_property
    def differential(self) -> Expr:
        """What the entry says that df is."""
        if self.wrt.is_scalar:
            return ops.mul(self.jacobian, self.step)
        rows, cols = self.f.shape
        stacked = ops.mul(self.jacobian, ops.vec(self.step))
        return stacked if cols is ONE or stacked.is_scalar else ops.unvec(stacked, rows, cols)

    def check(self) -> None:
        self.check_used([self.f])
        if self.f.is_scalar:
            raise self.wrong("f", "is a scalar: its derivative is a gradient")
        if self.jacobian.shape != self.shape:
            found, wanted = shape_text(self.jacobian.shape), shape_text(self.shape)
            raise self.wrong("jacobian", f"has shape {found}; expected {wanted}")


@dataclass(frozen=True, eq=False)
class Gradient(Derivative):
    """A known form: the gradient of the scalar ``f`` with respect to ``wrt``, and maybe its Hessian."""

    @cached_property
    def gradient(self) -> Expr:
        return self.read("gradient", self.fields["gradient"])

    @property
    def structure(self) -> str:
        """The convention for a variable with linear structure: "auto", the projection, unless the entry says "tied"."""
        return str(self.fields.get("structure", "auto"))

    @cached_property
    def hessian(self) -> Expr | None:
        """For a scalar, vector or row variable: the square matrix of second derivatives."""
        return self.read("hessian", self.fields["hessian"]) if "hessian" in self.fields else None

    def check(self) -> None:
        if not self.f.is_scalar:
            raise self.wrong("f", f"must be a scalar, not {shape_text(self.f.shape)}")
        self.check_used([self.f])
        if self.structure not in ("auto", "tied"):
            raise self.wrong("structure", f"'{self.structure}' is not a convention: tied, or left out")
        if self.structure == "tied" and self.hessian is not None:
            raise self.wrong("hessian", "is not stated for tied entries")
        if self.gradient.shape != self.wrt.shape:
            shapes = shape_text(self.gradient.shape), shape_text(self.wrt.shape)
            raise self.wrong("gradient", f"has shape {shapes[0]}; wrt has {shapes[1]}")
        if self.hessian is not None:
            size = self.wrt.rows * self.wrt.cols
            if self.hessian.shape != (size, size):
                found = shape_text(self.hessian.shape)
                raise self.wrong("hessian", f"has shape {found}; expected {size} x {size}")


@dataclass(frozen=True, eq=False)
class Erratum(Entry):
    """A claim that is false, with ``why``, and the right form where there is one.

    A gradient (``f``, ``wrt``, ``gradient``), a Jacobian (``jacobian``), an equation (``from``, ``to``), a property
    (``if``, ``then``).
    """

    @property
    def why(self) -> str:
        return str(self.fields["why"])

    @cached_property
    def claim(self) -> Jacobian | Gradient | Rewrite | Property:
        """What is claimed, as an entry of its kind."""
        stated = self.id, self.file, self.fields
        if "jacobian" in self.fields:
            return Jacobian(*stated)
        if "f" in self.fields:
            return Gradient(*stated)
        return Rewrite(*stated) if "from" in self.fields else Property(*stated)

    @cached_property
    def right(self) -> Expr | None:
        """The right form of the false side."""
        return self.read("right", self.fields["right"]) if "right" in self.fields else None

    def check(self) -> None:
        self.claim.check()
        if self.right is not None:
            claim = self.claim
            false = next((getattr(claim, n) for n in ("gradient", "jacobian", "to") if hasattr(claim, n)), None)
            if false is None or false.shape != self.right.shape:
                raise self.wrong("right", "does not have the shape of the false side")
