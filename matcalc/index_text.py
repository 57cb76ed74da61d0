"""Index form in print: ``J[i,j,k,l] = delta_ik*B_lj + ...``, in text, in Unicode and in LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.expr import Expr
from matcalc.factors import compose, parts
from matcalc.index_form import IndexForm, Term
from matcalc.latex import Notation, latex, names_for
from matcalc.pretty import pretty
from matcalc.text import text

_SIMPLE = frozenset({"sym", "ones", "const"})


def index_text(form: IndexForm, name: str = "J", head: str = "") -> str:
    """One line: name[indices] = sum of products of entries, scalars and deltas; ``head`` is another left side."""
    head = head or (f"{name}[{','.join(form.indices)}]" if form.indices else name)
    style = _Style(text, "delta_{}", lambda body, at: f"{body}_{at}", "sum_{} ", "*")
    return f"{head} = {_sum(form, style)}"


def index_pretty(form: IndexForm, name: str = "J", head: str = "") -> str:
    """The same in Unicode: ``J_ijkl = δ_ik·B_lj``."""
    head = head or (f"{name}_{run(form.indices)}" if form.indices else name)
    style = _Style(pretty, "δ_{}", lambda body, at: f"{body}_{at}", "Σ_{} ", "·")
    return f"{head} = {_sum(form, style)}"


def index_latex(form: IndexForm, name: str = "J", head: str = "") -> str:
    """The same in LaTeX."""
    arrays = [x for t in form.terms for x in (*t.scalars, *(e.array for e in t.entries))]
    notation = Notation(names=names_for(arrays))
    style = _Style(
        lambda e: latex(e, notation),
        r"\delta_{{{}}}",
        lambda body, at: f"{body}_{{{at}}}",
        r"\sum_{{{}}} ",
        r"\, ",
        r"\left({}\right)",
        latex=True,
    )
    head = head or (f"{name}_{{{run(form.indices)}}}" if form.indices else name)
    return f"{head} = {_sum(form, style)}"


@dataclass(frozen=True, slots=True)
class _Style:
    """How the pieces are written: expressions, deltas, entries, sums, products, brackets."""

    write: Callable[[Expr], str]
    delta: str
    entry: Callable[[str, str], str]
    total: str
    times: str
    brackets: str = "({})"
    latex: bool = False

    def term(self, t: Term) -> tuple[bool, str]:
        """(negative, the term without its sign)."""
        negative, scalar = _scalar(t)
        factors = []
        if scalar is not None:
            body = self.write(scalar)
            factors.append(self.brackets.format(body) if scalar.op == "add" else body)
        factors += [self.delta.format(run((d.left, d.right))) for d in t.deltas]
        for e in t.entries:
            if e.array.op == "unit" and e.array.args[0].op in ("num", "sym"):
                factors.append(self.delta.format(run((*e.indices, self.write(e.array.args[0])))))
                continue
            body = self.write(e.array)
            plain = e.array.op in _SIMPLE and not (self.latex and "_" in body)
            factors.append(self.entry(body if plain else self.brackets.format(body), run(e.indices)))
        product = self.times.join(factors) or "1"
        return negative, f"{self.total.format(run(t.summed))}{product}" if t.summed else product


def _sum(form: IndexForm, style: _Style) -> str:
    out = ""
    for negative, body in map(style.term, form.terms):
        if not out:
            out = f"-{body}" if negative else body
        else:
            out += f" - {body}" if negative else f" + {body}"
    return out or "0"


def _scalar(t: Term) -> tuple[bool, Expr | None]:
    """The product of the scalars without its sign; None if it is 1."""
    p = parts(ops.mul(*t.scalars))
    if abs(p.coef) == 1 and not p.scalars:
        return p.coef < 0, None
    return p.coef < 0, compose(abs(p.coef), p.scalars, [])


def run(indices: Sequence[str]) -> str:
    """``ijk``, or with commas where an index is longer than a letter."""
    return "".join(indices) if all(len(i) == 1 for i in indices) else ",".join(indices)
