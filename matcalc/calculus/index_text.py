"""Index form in print: ``J[i,j,k,l] = delta_ik*B_lj + ...``, in text, in Unicode, in LaTeX and MathML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matcalc import ops
from matcalc.calculus.index_form import IndexForm, Term
from matcalc.expr import Expr
from matcalc.printing.formulas import Typesetter
from matcalc.printing.markup import Markup
from matcalc.printing.pretty import pretty
from matcalc.printing.text import text
from matcalc.simplifier.factors import compose, parts

_SIMPLE = frozenset({"sym", "ones", "const"})


def index_text(form: IndexForm, name: str = "J", head: str = "") -> str:
    """One line: name[indices] = sum of products of entries, scalars and deltas; ``head`` is another left side."""
    head = head or (f"{name}[{','.join(form.indices)}]" if form.indices else name)
    style = _Style(text, "delta_{}".format, lambda body, at: f"{body}_{at}", "sum_{} ".format, "*")
    return f"{head} = {_sum(form, style)}"


def index_pretty(form: IndexForm, name: str = "J", head: str = "") -> str:
    """The same in Unicode: ``J_ijkl = δ_ik·B_lj``."""
    head = head or (f"{name}_{run(form.indices)}" if form.indices else name)
    style = _Style(pretty, "δ_{}".format, lambda body, at: f"{body}_{at}", "Σ_{} ".format, "·", sign="−")
    return f"{head} = {_sum(form, style)}"


def index_set(form: IndexForm, markup: Markup, name: str = "J", head: str = "") -> tuple[str, str]:
    """Left side and right side in LaTeX or MathML."""
    m = markup
    style = _Style(
        Typesetter(m, [x for t in form.terms for x in (*t.scalars, *(e.array for e in t.entries))]),
        lambda at: str(m.subscript(m.delta, at)),
        lambda body, at: str(m.subscript(body, at)),
        m.sum_over,
        m.product,
        m.wrapped,
        m,
    )
    left = m.index(name)
    if form.indices:
        left = str(m.subscript(left, style.run(form.indices)))
    return head or left, _sum(form, style)


@dataclass(frozen=True, slots=True)
class _Style:
    """How the pieces are written: expressions, deltas, entries, sums, products, brackets."""

    write: Callable[[Expr], str]
    delta: Callable[[str], str]
    entry: Callable[[str, str], str]
    total: Callable[[str], str]
    times: str
    brackets: Callable[[str], str] = "({})".format
    markup: Markup | None = None
    sign: str = "-"

    def run(self, indices: Sequence[str], last: Expr | None = None) -> str:
        """Indices side by side; the last one may be an expression."""
        plain = [*indices, *([text(last)] if last is not None else [])]
        if self.markup is None:
            return run([*indices, *([self.write(last)] if last is not None else [])])
        shown = [self.markup.index(i) for i in indices] + ([self.write(last)] if last is not None else [])
        return self.markup.run(shown, apart=any(len(i) > 1 for i in plain))

    def digit(self, digit: str) -> str:
        return digit if self.markup is None else self.markup.digits(digit)

    def term(self, t: Term) -> tuple[bool, str]:
        """(negative, the term without its sign)."""
        negative, scalar = _scalar(t)
        factors = []
        if scalar is not None:
            body = self.write(scalar)
            factors.append(self.brackets(body) if scalar.op == "add" else body)
        factors += [self.delta(self.run((d.left, d.right))) for d in t.deltas]
        for e in t.entries:
            if e.array.op == "unit" and e.array.args[0].op in ("num", "sym"):
                factors.append(self.delta(self.run(e.indices, e.array.args[0])))
                continue
            body = self.write(e.array)
            plain = e.array.op in _SIMPLE and not (self.markup is not None and self.markup.has_subscript(body))
            factors.append(self.entry(body if plain else self.brackets(body), self.run(e.indices)))
        product = self.times.join(factors) or self.digit("1")
        return negative, f"{self.total(self.run(t.summed))}{product}" if t.summed else product


def _sum(form: IndexForm, style: _Style) -> str:
    m = style.markup
    sign = style.sign
    minus, subtract, plus = (sign, f" {sign} ", " + ") if m is None else (m.minus, m.subtract, m.plus)
    out = ""
    for negative, body in map(style.term, form.terms):
        if not out:
            out = f"{minus}{body}" if negative else body
        else:
            out += f"{subtract}{body}" if negative else f"{plus}{body}"
    return out or style.digit("0")


def _scalar(t: Term) -> tuple[bool, Expr | None]:
    """The product of the scalars without its sign; None if it is 1."""
    p = parts(ops.mul(*t.scalars))
    if abs(p.coef) == 1 and not p.scalars:
        return p.coef < 0, None
    return p.coef < 0, compose(abs(p.coef), p.scalars, [])


def run(indices: Sequence[str]) -> str:
    """``ijk``, or with commas where an index is longer than a letter."""
    return "".join(indices) if all(len(i) == 1 for i in indices) else ",".join(indices)
