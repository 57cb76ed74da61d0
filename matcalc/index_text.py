"""Index form in print: ``J[i,j,k,l] = delta_ik*B_lj + ...``, in text and in LaTeX."""

from __future__ import annotations

from matcalc import ops
from matcalc.expr import Expr
from matcalc.factors import compose, parts
from matcalc.index_form import IndexForm, Term
from matcalc.latex import latex
from matcalc.text import text

_SIMPLE = frozenset({"sym", "ones", "const"})


def index_text(form: IndexForm, name: str = "J") -> str:
    """One line: name[indices] = sum of products of entries, scalars and deltas."""
    return f"{name}[{','.join(form.indices)}] = {_sum([_term_text(t) for t in form.terms])}"


def index_latex(form: IndexForm, name: str = "J") -> str:
    """The same in LaTeX."""
    return f"{name}_{{{' '.join(form.indices)}}} = {_sum([_term_latex(t) for t in form.terms])}"


def _sum(terms: list[tuple[bool, str]]) -> str:
    out = ""
    for negative, body in terms:
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


def _term_text(t: Term) -> tuple[bool, str]:
    negative, scalar = _scalar(t)
    factors = [] if scalar is None else [_bracketed(scalar, text(scalar))]
    factors += [f"delta_{_run(d.left, d.right)}" for d in t.deltas]
    for e in t.entries:
        body = text(e.array) if e.array.op in _SIMPLE else f"({text(e.array)})"
        factors.append(f"{body}_{_run(*e.indices)}")
    product = "*".join(factors) or "1"
    return negative, f"sum_{_run(*t.summed)} {product}" if t.summed else product


def _term_latex(t: Term) -> tuple[bool, str]:
    negative, scalar = _scalar(t)
    factors = [] if scalar is None else [_bracketed(scalar, latex(scalar))]
    factors += [rf"\delta_{{{d.left} {d.right}}}" for d in t.deltas]
    for e in t.entries:
        body = latex(e.array)
        body = body if e.array.op == "sym" and "_" not in body else rf"\left({body}\right)"
        factors.append(f"{body}_{{{' '.join(e.indices)}}}")
    product = r"\, ".join(factors) or "1"
    return negative, rf"\sum_{{{' '.join(t.summed)}}} {product}" if t.summed else product


def _run(*indices: str) -> str:
    return "".join(indices) if all(len(i) == 1 for i in indices) else ",".join(indices)


def _bracketed(e: Expr, body: str) -> str:
    return f"({body})" if e.op == "add" else body
