"""Expressions as egglog terms, the rules of ``saturation.egg`` and of the table, and the shortest terms back.

Used by ``saturation.py`` alone; egglog is imported when an e-graph is made.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from matcalc import ops
from matcalc.expr import Expr, fold, topological
from matcalc.rules.facts import facts_of
from matcalc.rules.rewrite import Form, forms
from matcalc.rules.table import default_table
from matcalc.shapes import ONE, Dim

RULES = Path(__file__).parent / "saturation.egg"
NODES, ROUNDS, CANDIDATES = 3000, 8, 6
_FACTS = ("symmetric", "orthogonal", "invertible", "positive", "nonnegative", "nonzero")
_SAME_SHAPE = frozenset(("part", "softmax", "matpow", "max2", "min2", "cmp", "mfn"))
_TO_SCALAR = frozenset(("norm1", "prod", "maxel", "minel", "det", "logdet"))
_PLAIN = {"t": "T", "inv": "Inv", "tr": "Tr", "diagvec": "Diagv", "norm2": "Norm2"}
_SUMS = {None: "Sum", 0: "ColSums", 1: "RowSums"}


class Untranslatable(Exception):
    """A pattern that has no egglog form."""


def number(value: Fraction | int) -> str:
    """An exact number in egglog."""
    value = Fraction(value)
    return f"(bigrat (bigint {value.numerator}) (bigint {value.denominator}))"


def chain(op: str, terms: list[str]) -> str:
    """a, b, c as (op (op a b) c)."""
    return reduce(lambda left, right: f"({op} {left} {right})", terms)


@dataclass
class Terms:
    """Expressions as egglog terms and back; what has no rules of its own is kept by number."""

    dims: list[Dim] = field(default_factory=lambda: [ONE, ONE])
    leaves: list[Expr] = field(default_factory=list)
    kept: dict[str, tuple[str, Any]] = field(default_factory=dict)  # operations without rules of their own
    pattern: bool = False  # symbols and dimension names become variables

    def dim(self, d: Dim) -> str:
        """The number of a dimension; 1 for the dimension 1."""
        if self.pattern:
            if d is ONE:
                return "1"
            if d.name is None:
                raise Untranslatable(f"a pattern with the dimension {d}")
            return f"d_{d.name}"
        if d not in self.dims:
            self.dims.append(d)
        return str(self.dims.index(d)) if d is not ONE else "1"

    def term(self, root: Expr) -> str:
        """The egglog term of an expression."""
        return str(fold(root, self._node))

    def _node(self, n: Expr, args: list[str]) -> str:
        match n.op:
            case "num":
                return f"(Num {number(n.data)})"  # type: ignore[arg-type]
            case "sym" if self.pattern:
                return f"v_{n.name}"
            case "dim":
                return f"(Size {self.dim(n.data)})"  # type: ignore[arg-type]
            case "eye":
                return f"(Eye {self.dim(n.rows)})"
            case "ones" | "zeros":
                return f"({n.op.capitalize()} {self.dim(n.rows)} {self.dim(n.cols)})"
            case "add":
                return chain("Add", args)
            case "had":
                return chain("Had", args)
            case "mul":
                scalars = [term for term, a in zip(args, n.args, strict=True) if a.is_scalar]
                body = [term for term, a in zip(args, n.args, strict=True) if not a.is_scalar]
                if not body:
                    return chain("Had", scalars)
                product = chain("Mul", body)
                if not scalars:
                    return product
                return f"({'Had' if n.is_scalar else 'Scale'} {chain('Had', scalars)} {product})"
            case "pow" if n.args[1].is_scalar:
                return f"(Pow {args[0]} {args[1]})"
            case "diagmat":
                return f"(Diagm {args[0]})" if n.args[0].cols is ONE else f"(Diagm (T {args[0]}))"
            case "fn":
                return f'(Fn "{n.data}" {args[0]})'
            case "sum":
                return f"({_SUMS[n.data]} {args[0]})"  # type: ignore[index]
        if n.op in _PLAIN:
            return f"({_PLAIN[n.op]} {args[0]})"
        if args and len(args) <= 3 and n.op != "isum":
            return f'(Op{len(args)} "{self.key(n)}" {" ".join(args)})'
        if self.pattern:
            raise Untranslatable(f"a pattern with {n.op}")
        if n not in self.leaves:
            self.leaves.append(n)
        return f'(Leaf "{self.leaves.index(n)}")'

    def key(self, n: Expr) -> str:
        """The name of an operation that has no rules of its own."""
        data = n.data if isinstance(n.data, tuple) else (n.data,)
        if self.pattern and any(isinstance(d, Dim) for d in data):
            raise Untranslatable(f"a pattern with {n.op} to given dimensions")
        name = n.op if n.data is None and n.op != "logsumexp" else f"{n.op}:{n.data}".replace('"', "'")
        self.kept[name] = (n.op, n.data)
        return name

    def shapes(self, root: Expr) -> Iterator[str]:
        """The shapes of what the rules do not know, and the facts of everything."""
        for n in topological(root):
            if n.op == "idx" or (n.args and any(a.op == "idx" for a in n.args)):
                continue
            term = self.term(n)
            if term.startswith(("(Leaf", "(Op")):
                yield f"(set (rows {term}) {self.dim(n.rows)}) (set (cols {term}) {self.dim(n.cols)})"
                if n.op in _SAME_SHAPE:
                    yield f'(sameshape "{self.key(n)}")'
                elif n.op in _TO_SCALAR:
                    yield f'(toscalar "{self.key(n)}")'
            facts = facts_of(n)
            if "symmetric" in facts and not n.is_scalar:
                yield f"(union {term} (T {term}))"
            if n.op != "num":
                yield from (f'(has "{fact}" {term})' for fact in _FACTS if fact in facts)

    def expression(self, dag: Any, root: int) -> Expr:
        """The expression of an extracted term."""
        made: dict[int, Any] = {}
        stack = [root]
        while stack:
            current = stack[-1]
            found = dag.get(current)
            missing = [a for a in getattr(found, "args", ()) if a not in made]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if hasattr(found, "args"):
                made[current] = self._made(found.name, [made[a] for a in found.args])
            else:
                made[current] = found.value.value
        return made[root]  # type: ignore[no-any-return]

    def _made(self, name: str, a: list[Any]) -> Any:
        if name in _BACK:
            return _BACK[name](*a)
        match name:
            case "Leaf":
                return self.leaves[int(a[0])]
            case "Size":
                return ops.dim(self.dims[a[0]])
            case "Eye":
                return ops.eye(self.dims[a[0]])
            case "Ones":
                return ops.ones(self.dims[a[0]], self.dims[a[1]])
            case "Zeros":
                return ops.zeros(self.dims[a[0]], self.dims[a[1]])
        op, data = self.kept[a[0]]
        return ops.rebuild(SimpleNamespace(op=op, data=data, args=tuple(a[1:])), a[1:])  # type: ignore[arg-type]


def _times(a: Expr, b: Expr) -> Expr:
    return ops.neg(b) if a is ops.num(-1) else ops.mul(a, b)


_BACK: dict[str, Callable[..., Any]] = {
    "bigint": Fraction, "from-string": Fraction, "bigrat": lambda p, q: p / q, "Num": ops.num, "Add": ops.add,
    "Mul": ops.mul, "Scale": _times, "Had": lambda a, b: _times(a, b) if a.is_scalar else ops.had(a, b),
    "Pow": ops.power, "T": ops.transpose, "Inv": ops.inv, "Tr": ops.trace,
    "Diagm": lambda a: ops.diag(a.args[0] if a.op == "t" else a), "Diagv": ops.diagvec,
    "Sum": ops.total, "RowSums": lambda a: ops.total(a, 1), "ColSums": lambda a: ops.total(a, 0),
    "Norm2": ops.norm2, "Fn": ops.fn, "Sub": ops.sub, "Neg": ops.neg, "Div": ops.div,
    "Lifted": lambda s, a: ops.add(a, ops.lift(s, a.shape)),
}  # fmt: skip


def from_table() -> Iterator[str]:
    """The table's rewrites as egglog rules, as far as their patterns have a form there."""
    for entry in default_table().rewrites.values():
        for form in forms(entry):
            try:
                yield rule(form)
            except Untranslatable:
                continue


def rule(form: Form) -> str:
    """``left`` becomes ``right`` where shapes and facts of the variables fit."""
    terms = Terms(pattern=True)
    body = [f"(= e {terms.term(form.left)})"]
    for v, facts in form.variables.items():
        body.append(f"(= {terms.dim(v.rows)} (rows v_{v.name})) (= {terms.dim(v.cols)} (cols v_{v.name}))")
        body += [f'(has "{fact}" v_{v.name})' for fact in facts if _stated(fact)]
    for subject, fact in form.needs:
        body += [f'(has "{fact}" {terms.term(subject)})'] if _stated(fact) else []
    return f"(rule ({' '.join(body)}) ((union e {terms.term(form.right)})) :ruleset main)"


def _stated(fact: str) -> bool:
    if fact not in _FACTS:
        raise Untranslatable(f"a pattern that needs {fact}")
    return True


@cache
def prelude() -> tuple[str, ...]:
    """Sorts and rules, one command each."""
    own = RULES.read_text(encoding="utf-8")
    own = re.sub(r"#(-?[\d/]+)", lambda found: number(Fraction(found[1])), re.sub(r";.*", "", own))
    return tuple(dict.fromkeys(filter(None, [*own.splitlines(), *from_table()])))


_graphs: list[Any] = []


def fresh() -> Any:
    """An e-graph with the sorts and rules and nothing else: reading them takes longer than most answers."""
    from egglog.bindings import EGraph

    if _graphs:
        _graphs[0].run_program(*_graphs[0].parse_program("(pop 1) (push 1)"))
    else:
        graph = EGraph()
        for line in [*prelude(), "(push 1)"]:  # one by one: parsed as one text they would take 2 GB
            graph.run_program(*graph.parse_program(line))
        _graphs.append(graph)
    return _graphs[0]


@dataclass(frozen=True)
class Saturated:
    """What an e-graph gave for some roots: candidates for each, whether the first two met, terms and seconds."""

    candidates: list[list[Expr]]
    met: bool
    nodes: int
    seconds: float


def saturate(*roots: Expr, nodes: int = NODES, rounds: int = ROUNDS) -> Saturated:
    """The roots in one e-graph, rules applied until nothing changes or the budget is spent."""
    from egglog.bindings import EggSmolError

    start = time.perf_counter()
    terms = Terms()
    graph = fresh()

    def run(program: str) -> list[Any]:
        return graph.run_program(*graph.parse_program(program))  # type: ignore[no-any-return]

    lines = []
    for place, root in enumerate(roots):
        lines.append(f"(let $root{place} {terms.term(root)})")
        lines += terms.shapes(root)
    run("\n".join(lines))
    run("(run-schedule (saturate (run shapes)))")
    size = 0
    for _ in range(rounds):
        report = run("(run-schedule (seq (run main) (saturate (run shapes)))) (print-size)")
        size = sum(count for name, count in report[-1].sizes if name[0].isupper())
        if size > nodes or not report[0].report.updated:
            break
    met = len(roots) > 1
    if met:
        try:
            run("(check (= $root0 $root1))")
        except EggSmolError:
            met = False
    run("(run-schedule (repeat 3 (run print)))")
    candidates = []
    for place in range(len(roots)):
        (found,) = run(f"(extract $root{place} {CANDIDATES})")
        candidates.append([terms.expression(found.termdag, t) for t in found.terms])
    return Saturated(candidates, met, size, time.perf_counter() - start)
