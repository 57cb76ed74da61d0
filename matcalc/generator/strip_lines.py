"""The loop over strips as lines: buffers before it, then every wide array of a strip in one of them.

::

    size = _strip(n, m)
    work1 = np.empty((size, m))
    t1 = np.empty((n, 64))
    for start in range(0, n, size):
        rows = slice(start, start + size)
        t2 = np.matmul(Q[rows], K.T, out=work1[:n - start])
        np.exp(t2, out=t2)
        np.matmul(t2, V, out=t1[rows])
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from matcalc.generator.instructions import Code
from matcalc.generator.needed import needed
from matcalc.generator.operators import Text, in_place
from matcalc.generator.reuse import INTO
from matcalc.generator.spelling import ATOM
from matcalc.generator.strip_rules import STRIP
from matcalc.shapes import Dim

if TYPE_CHECKING:
    from matcalc.generator.emission import Emission

_UFUNCS = {"mul": "multiply", "div": "divide", "neg": "negative", "ipow": "power", "outer": "multiply"}
_WITH_OUT = ("add", "matmul", *_UFUNCS)


class StripLines:
    """Writes one loop; ``arrays`` are the wide arrays of the strip that stand in a buffer, with the buffer."""

    def __init__(
        self, at: Emission, code: Code, bound: Mapping[str, str], texts: MutableMapping[Code, Text], indent: int
    ) -> None:
        self.at = at
        self.code = code
        self.index, self.loop = code.data
        self.outer = texts
        self.indent = indent
        self.texts: MutableMapping[Code, Text] = ChainMap({}, texts)
        self.start, self.rows = at.names.fresh("start"), at.names.fresh("rows")
        self.bound = {**bound, self.index: self.rows}
        self.length = at.lengths.text(self.loop.along)[0]
        self.arrays: dict[Code, str] = {}
        key = (self.loop.along, self.loop.lengths[0])
        self.earlier = key in at.buffers
        if not self.earlier:
            at.buffers[key] = (at.names.fresh("size"), {})
        self.size, self.buffers = at.buffers[key]  # of loops over as many rows of the same length
        self.idle: dict[Dim, list[str]] = {}
        for buffer, dim in reversed(self.buffers.items()):
            self.idle.setdefault(dim, []).append(buffer)
        self.made: list[str] = []

    def write(self) -> None:
        at, loop = self.at, self.loop
        wanted = {c.data: name for c, name in at.wanted.items() if c.op == "strip" and c.args[0] is self.code}
        names = [at.names.fresh(wanted[k]) if k in wanted else at.names.numbered("t") for k in range(len(loop.ways))]
        before, at.lines = at.lines, []
        self._body(dict(zip(self.code.args, names, strict=True)))
        body, at.lines = at.lines, before
        np, own_range, own_slice = at._own("np"), at._own("range"), at._own("slice")
        if not self.earlier:
            at.used.add("_strip")
            self._line(f"{self.size} = {at._own('_strip')}({self.length}, {self._length(loop.lengths[0])})")
        for name, ways, shape in zip(names, loop.ways, loop.shapes, strict=True):
            lengths = [self._length(d) for d in shape]
            made = f"({', '.join(lengths)})" if len(lengths) > 1 else "".join(lengths)
            start = f"{np}.{'empty' if ways else 'zeros'}({made})" if shape else "0.0"
            self._line(f"{name} = {start}")
        for name in self.made:
            self._line(f"{name} = {np}.empty(({self.size}, {self._length(self.buffers[name])}))")
        self._line(f"for {self.start} in {own_range}(0, {self.length}, {self.size}):")
        self._line(f"    {self.rows} = {own_slice}({self.start}, {self.start} + {self.size})")
        at.lines += body
        at.results[self.code] = names
        self.outer[self.code] = ("None", ATOM)

    def _line(self, line: str, inside: int = 0) -> None:
        self.at.lines.append(f"{'    ' * (self.indent + inside)}{line}")

    def _length(self, dim: Dim) -> str:
        return self.at.lengths.text(dim)[0]

    # --- the body -----------------------------------------------------------------------------------

    def _body(self, results: Mapping[Code, str]) -> None:
        at = self.at
        order, uses, _ = needed(self.code.args, self.texts, frozenset(self.bound))
        last = self._last(order)
        ways = dict(zip(self.code.args, self.loop.ways, strict=True))
        for k, code in enumerate(order):
            reads = [a for a in code.args if a in self.arrays]
            if code.op == "T" and reads:
                name = self.texts[reads[0]][0]
                self.texts[code] = (f"{name}.T", ATOM)
                self.arrays[code] = ""  # a view
                continue
            if self._is_wide(code) and self._buffered(code, k, last):
                self._release(code, k, last)
                continue
            if code in results and uses[code] == 1 and ways[code] and code.ndim == 2 and code.op in _WITH_OUT:
                self._lines(self._into(code, f"{results[code]}[{self.rows}]"))
                self._release(code, k, last)
                continue
            self.texts[code] = at._spelt(code, self.bound, self.texts, self.indent + 1)
            alone = code in results and uses[code] == 1
            if not alone and (reads or not at._stays(code, self.texts[code][0], uses[code], 44)):
                at._assign(self.texts, code, self.indent + 1)
            if code in results:
                place = f"{results[code]}[{self.rows}] =" if ways[code] else f"{results[code]} +="
                self._line(f"{place} {self.texts[code][0]}", 1)
            self._release(code, k, last)

    def _last(self, order: Sequence[Code]) -> dict[Code, int]:
        """Where each array is read for the last time, by a view of it too."""
        last: dict[Code, int] = {}
        for k, code in enumerate(order):
            for arg in code.args:
                while True:
                    last[arg] = k
                    if arg.op != "T":
                        break
                    arg = arg.args[0]
        return last

    def _is_wide(self, code: Code) -> bool:
        return code.ndim == 2 and code.shape[0] is STRIP and code.shape[1] in self.loop.lengths

    def _release(self, code: Code, k: int, last: Mapping[Code, int]) -> None:
        """The buffers of operands that are read here for the last time may be taken again."""
        for arg in dict.fromkeys(code.args):
            arg = arg.args[0] if arg.op == "T" else arg
            if self.arrays.get(arg) and last[arg] <= k:
                buffer = self.arrays.pop(arg)
                self.idle.setdefault(self.buffers[buffer], []).append(buffer)

    def _buffered(self, code: Code, k: int, last: Mapping[Code, int]) -> bool:
        """Leave the instruction in an operand that nothing needs any more, or in a buffer."""
        call = code.op == "call" and code.data[0] in INTO
        if not call and code.op not in _WITH_OUT:
            return False
        operand = next((a for a in self._candidates(code) if self.arrays.get(a) and last[a] == k), None)
        if operand is not None:
            name = self.texts[operand][0]
            others = [(a, self.texts[a], None) for a in code.args if a is not operand]
            if call:
                self._lines(self._into(code, name))
            else:
                self._lines(in_place(code, operand, name, others, lambda: self.at._own("np")))
            self.arrays[code] = self.arrays.pop(operand)
        else:
            idle = self.idle.setdefault(code.shape[1], [])
            buffer = idle.pop() if idle else self._made(code.shape[1])
            name = self.at.names.numbered("t")
            first, *rest = self._into(code, f"{buffer}[:{self.length} - {self.start}]", name)
            self._lines([f"{name} = {first}", *rest])
            self.arrays[code] = buffer
        self.texts[code] = (name, ATOM)
        return True

    def _made(self, dim: Dim) -> str:
        """The name of a new buffer."""
        buffer = self.at.names.numbered("work")
        self.buffers[buffer] = dim
        self.made.append(buffer)
        return buffer

    def _candidates(self, code: Code) -> list[Code]:
        """Operands in which the result could stand, by what the operation is."""
        if code.op in ("matmul", "outer") or (code.op == "ipow" and code.data != 2):
            return []
        found = list(code.args)
        if code.op == "add":
            signs = dict(zip(code.args, code.data, strict=True))
            found = [a for a in found if signs[a] > 0 or len(found) == 2]
        return [a for a in found if code.args.count(a) == 1 and a.shape == code.shape]

    def _lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._line(line, 1)

    def _into(self, code: Code, place: str, name: str | None = None) -> list[str]:
        """Lines that leave the result in an array; ``name`` is what it is called after the first of them."""
        at, texts = self.at, self.texts
        np = at._own("np")
        if code.op == "call":
            return [f"{at._written(code, self.bound, texts)[0][:-1]}, out={place})"]
        args = [texts[a][0] for a in code.args]
        if code.op == "matmul":
            return [f"{np}.matmul({args[0]}, {args[1]}, out={place})"]
        if code.op == "outer":
            args[0] = f"{args[0]}[:, None]" if texts[code.args[0]][1] == ATOM else f"({args[0]})[:, None]"
        if code.op == "ipow":
            return [f"{np}.power({args[0]}, {code.data}, out={place})"]
        if code.op == "neg":
            return [f"{np}.negative({args[0]}, out={place})"]
        later = name or place
        if code.op == "add":
            signs = code.data
            first = f"{np}.{'add' if signs[1] > 0 else 'subtract'}({args[0]}, {args[1]}, out={place})"
            return [first, *(f"{later} {'+' if s > 0 else '-'}= {a}" for s, a in zip(signs[2:], args[2:], strict=True))]
        first = f"{np}.{_UFUNCS[code.op]}({args[0]}, {args[1]}, out={place})"
        return [first, *(f"{later} *= {a}" for a in args[2:])]
