"""What every MathML must be: XML of Core's elements alone, each with the children it needs; and its tokens."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from matcalc.printing.latex import Latex
from matcalc.printing.markup import Row
from matcalc.printing.writer import Phrase

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
# element -> number of children; None: any number; leaves hold text alone
CHILDREN = {
    "math": None, "mrow": None, "mi": 0, "mn": 0, "mo": 0, "mtext": 0, "mspace": 0, "mfrac": 2, "msqrt": None,
    "msup": 2, "msub": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mtable": None, "mtr": None,
    "mtd": None,
}  # fmt: skip
ATTRIBUTES = {"display", "alttext", "mathvariant", "form", "stretchy", "intent", "accent", "lspace", "rspace", "width",
              "style", "displaystyle", "columnalign"}  # fmt: skip


class Pageless(Latex):
    """LaTeX that breaks no line and no fraction, as MathML does not."""

    def is_wide(self, above: Phrase) -> bool:
        return False

    def line(self, formula: str) -> str:
        return formula

    def aligned(self, rows: Iterable[Row]) -> str:
        return " ".join(f"{r.left} {r.sign} {r.right}" for r in rows)


PAGELESS = Pageless()
SPACES = {"\u2061", "\u2062"}


def check_mathml(shown: str) -> ET.Element:
    """The tree of a ``math`` element, after a look at every element of it."""
    root = ET.fromstring(shown)
    assert root.tag == f"{{{NAMESPACE}}}math"
    assert root.get("display") == "block"
    assert root.get("alttext")
    for element in root.iter():
        tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        assert tag in CHILDREN, tag
        assert set(element.keys()) <= ATTRIBUTES, element.attrib
        count = CHILDREN[tag]
        if count is not None:
            assert len(element) == count, ET.tostring(element)
        if count == 0 and tag != "mspace":
            assert element.text, tag
        else:
            assert not (element.text or "").strip(), tag
        assert not (element.tail or "").strip(), tag
    check_fences(root)
    return root


def check_fences(root: ET.Element) -> None:
    """Every opening sign and its partner are the first and the last of one row."""
    for row in root.iter():
        signs = [e.text for e in row if e.tag.endswith("}mo") and e.get("form") in ("prefix", "postfix")]
        fences = [s for s in signs if s != "−"]
        if fences:
            assert len(fences) == 2, fences
            assert "".join(map(str, fences)) in ("()", "[]", "||", "‖‖")
            assert row[0].text == fences[0]
            assert row[-1].text == fences[1]


def tokens(root: ET.Element) -> list[str]:
    """Names, numbers and signs from left to right, as one would read them."""
    found = [e.text or "" for e in root.iter() if CHILDREN[e.tag.removeprefix(f"{{{NAMESPACE}}}")] == 0]
    return [_plain(t) for t in found if t and t not in SPACES]


def _plain(token: str) -> str:
    """Bold letters as plain ones, the minus sign as it is typed."""
    return unicodedata.normalize("NFKC", token).replace("−", "-") if token not in ("¯", "˙", "″", "‴") else token


_COMMANDS = {
    "top": "⊤", "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "times": "×", "cdot": "⋅", "le": "≤", "ge": "≥",
    "nabla": "∇", "sum": "∑", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "partial": "∂",
}  # fmt: skip
_SILENT = {"frac", "left", "right", "sqrt", "mathrm", "mathbf", "operatorname", "mathtt", "text", "boldsymbol"}
_LATEX = re.compile(
    r"\\(?:mathrm|operatorname|mathtt|text|mathbf)\{(?P<word>(?:\\_|[^{}])*)\}"
    r"|\\(?:begin|end)\{(?P<matrix>pmatrix)\}|\\(?P<command>[A-Za-z]+)|(?P<primes>'+)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<skip>\\\\|\\[,;]|[{}^_&\s])|(?P<sign>.)"
)


def latex_tokens(shown: str, greek: dict[str, str]) -> list[str]:
    """The tokens of a formula in LaTeX, in the same alphabet."""
    found: list[str] = []
    accent = ""
    matrices = 0
    for match in _LATEX.finditer(shown):
        kind, value = match.lastgroup, match[match.lastgroup or 0]
        if kind == "skip":
            continue
        if kind == "matrix":
            matrices += 1
            found.append("(" if match[0].startswith(r"\begin") else ")")
            continue
        if kind == "command":
            if value in _SILENT:
                continue
            if value in ("hat", "bar", "tilde", "dot"):
                accent = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}[value]
                continue
            value = _COMMANDS.get(value) or greek.get(value, value)
        elif kind == "primes":
            value = ("", "′", "″", "‴")[len(value)]
        elif kind == "word":
            value = value.replace(r"\_", "_")
        found.append(_plain(value.replace("*", "∗") if kind == "sign" else value))
        if accent:
            found.append(accent)
            accent = ""
    return found
