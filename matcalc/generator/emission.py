"""Instructions as lines of Python: an assignment for what is used twice or is long, the rest in place."""

from __future__ import annotations

import builtins
import keyword
from collections import ChainMap, Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from matcalc.errors import UnsupportedError
from matcalc.generator.costs import Costs
from matcalc.generator.instructions import Code
from matcalc.generator.lengths import Lengths
from matcalc.generator.needed import needed
from matcalc.generator.operators import OPERATORS, Text, in_place, number, parenthesized
from matcalc.generator.reuse import Reuse
from matcalc.generator.spelling import ATOM, SUM, Spelling, filled, own_names, renamed
from matcalc.generator.strip_lines import StripLines
from matcalc.shapes import Dim

Texts = MutableMapping[Code, Text]
_IN_PLACE = 44  # characters of an operand that is not named
_LAST = 76  # of a result
_WIDTH = 96
_NESTED_LOOPS = 15  # Python allows 20 nested blocks
_RESERVED = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "__debug__"}
_LEAVES = ("input", "num", "size", "index")


class Names:
    """Names that are not taken: the user's are never renamed, ours are."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.taken = {*taken, *_RESERVED}
        self._next: Counter[str] = Counter()

    def fresh(self, wanted: str) -> str:
        """``wanted``, or with as many underscores as make it new."""
        if not wanted.isidentifier() or wanted.startswith("__"):
            raise UnsupportedError(f"{ascii(wanted)} cannot be a name in Python code")
        name = wanted
        if name in self.taken:
            name = f"{wanted}_"
            while name in self.taken:
                name += "_"
        self.taken.add(name)
        return name

    def numbered(self, stem: str) -> str:
        """``stem1``, ``stem2``, ... the first that is free."""
        while True:
            self._next[stem] += 1
            name = f"{stem}{self._next[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return name


class Emission:
    """Writes the lines of one function."""

    def __init__(
        self,
        spelling: Spelling,
        names: Names,
        lengths: Lengths,
        inputs: Mapping[str, str],
        wanted: Mapping[Code, str],
        own: Mapping[str, str],
        costs: Costs,
    ) -> None:
        self.spelling = spelling
        self.names = names
        self.lengths = lengths
        self.inputs = inputs
        self.wanted = wanted
        self.own = own
        self.costs = costs
        self.used: set[str] = set()
        self.plain: set[Code] = set()  # numbers that Python computes by itself
        self.settled: set[Code] = set()  # what stands in a line already
        self.plan: Reuse | None = None
        self.results: dict[Code, list[str]] = {}  # the names of what loops over strips give
        self.buffers: dict[tuple[Dim, Dim], tuple[str, dict[str, Dim]]] = {}  # of those loops, by their size
        self.lines: list[str] = []

    def outputs(self, codes: Sequence[Code]) -> list[Text]:
        """The lines that compute the instructions, and the text of each."""
        texts: Texts = {}
        order, uses, inside = needed(codes, texts, frozenset())
        if self.spelling.in_place:
            self.plan = Reuse(order, codes, lambda c: inside.get(c, c.args), self.wanted.keys(), self.costs)
        self._lines(codes, order, uses, {}, texts, 1)
        for code in codes:
            if len(texts[code][0]) > _WIDTH - 12:
                self._assign(texts, code, 1)
        return [texts[code] for code in codes]

    @property
    def conversions(self) -> list[str]:
        """Lines that make floats of arguments, so that arrays made of them can be written into."""
        names = [self.inputs[code.data] for code in self.plan.converted] if self.plan is not None else []
        return [f"    {name} = {self._own('np')}.asarray({name}, dtype={self._own('float')})" for name in names]

    # --- blocks -------------------------------------------------------------------------------------

    def _block(self, outputs: Sequence[Code], bound: Mapping[str, str], texts: Texts, indent: int) -> None:
        order, uses, _ = needed(outputs, texts, frozenset(bound))
        self._lines(outputs, order, uses, bound, texts, indent)

    def _lines(
        self,
        outputs: Sequence[Code],
        order: Sequence[Code],
        uses: Mapping[Code, int],
        bound: Mapping[str, str],
        texts: Texts,
        indent: int,
    ) -> None:
        last = {*outputs, *(o.args[0] for o in outputs if o.op == "call" and o.data[0] == "float")}
        for code in order:
            if code.op == "loop":
                self._loop(code, bound, texts, indent)
                continue
            if code.op == "strips":
                StripLines(self, code, bound, texts, indent).write()
                continue
            if self.spelling.plain is not None and self._is_plain(code):
                self.plain.add(code)
            if self.plan is not None and code in self.plan.targets and self._overwrites(self.plan, code, texts):
                continue
            texts[code] = self._spelt(code, bound, texts, indent)
            limit = _LAST if code in last or code.ndim > 2 else _IN_PLACE  # a name would keep a large array
            kept = code in self.wanted or (self.plan is not None and code in self.plan.names)
            if kept or not self._stays(code, texts[code][0], uses[code], limit):
                self._assign(texts, code, indent)

    def _is_plain(self, code: Code) -> bool:
        """Whether an instruction is a number made of numbers and sizes alone."""
        if code.op in ("num", "size", "index"):
            return True
        if code.op == "call" and code.data[0] not in (self.spelling.plain or {}):
            return False
        return code.op in ("add", "mul", "div", "neg", "ipow", "call") and all(a in self.plain for a in code.args)

    def _stays(self, code: Code, text: str, count: int, limit: int) -> bool:
        """Whether the text of an instruction is put where it is used."""
        if code.op in _LEAVES or (code.op == "call" and code.data[0] == "pi"):
            return True
        if count <= 1 and self.plan is not None and code not in self.wanted and self.plan.places(code) is not None:
            return True
        if code.op in ("T", "col", "row", "expand", "neg") and len(text) <= 20 and "(" not in text:
            return True
        if code.op in ("add", "mul", "div") and len(text) <= 12 and all(a.op in ("num", "size") for a in code.args):
            return True
        return count <= 1 and len(text) <= limit

    def _assign(self, texts: Texts, code: Code, indent: int) -> None:
        text, _ = texts[code]
        if text.isidentifier() or code.op in _LEAVES:
            return
        name = self._name(code, texts)
        self.lines.append(f"{'    ' * indent}{name} = {text}")
        texts[code] = (name, ATOM)
        self.settled.add(code)

    def _name(self, code: Code, texts: Texts) -> str:
        last = code if self.plan is None else self.plan.names.get(code, code)
        wanted = self.wanted.get(last)
        if wanted is not None and wanted not in self.names.taken:
            self.names.taken.add(wanted)
            return wanted
        if last is not code:
            return self.names.numbered("t")
        if code.op == "call" and code.data[0] in _STEMS:
            arg = texts[code.args[0]][0]
            stem = _STEMS[code.data[0]]
            if arg.isidentifier() and len(arg) <= 6 and f"{stem}_{arg}" not in self.names.taken:
                return self.names.fresh(f"{stem}_{arg}")
        if code.op == "matmul" and all(a.op == "input" or a.op == "T" and a.args[0].op == "input" for a in code.args):
            parts = [texts[a][0].replace(".T", "T") for a in code.args]
            name = "".join(parts)
            if len(name) <= 8 and name.isidentifier() and name not in self.names.taken:
                return self.names.fresh(name)
        return self.names.numbered("t")

    def _overwrites(self, plan: Reuse, code: Code, texts: Texts) -> bool:
        """Write the instruction into an operand that nothing needs any more: ``t1 *= x``, ``np.exp(t1, out=t1)``."""
        operand = plan.targets[code]
        if not texts[operand][0].isidentifier():
            return False
        others = [a for a in code.args if a is not operand]
        reading = [a for a in others if plan.touches(a, operand, self._is_settled)]
        if len(reading) > 1:
            return False
        for pending in plan.pending(code, operand, self._is_settled):
            self._assign(texts, pending, 1)
        name = texts[operand][0]
        if code.op == "call":
            lines = [f"{self._written(code, {}, texts)[0][:-1]}, out={name})"]
        else:
            places = {a: plan.places(a) for a in others if a not in self.settled}
            rest = [
                (a, texts[a.args[0] if places.get(a) else a], places.get(a))
                for a in (*reading, *(a for a in others if a not in reading))
            ]
            lines = in_place(code, operand, name, rest, lambda: self._own("np"))
        self.lines += [f"    {line}" for line in lines]
        texts[code] = (name, ATOM)
        self.settled.add(code)
        return True

    def _is_settled(self, code: Code) -> bool:
        return code in self.settled or code.op in (*_LEAVES, "loop", "strips", "strip")

    def _loop(self, code: Code, bound: Mapping[str, str], texts: Texts, indent: int) -> None:
        """total = 0; for i in range(low, high + 1): total += body."""
        if indent > _NESTED_LOOPS:
            raise UnsupportedError("sums over indices are nested too deeply for Python code")
        low, high, *inside = code.args
        name, places = code.data
        margin = "    " * indent
        total = self.names.numbered("total")
        index = self.names.fresh(name)
        start = "0.0"
        if code.ndim:
            start = self._fill(self.spelling.calls["zeros"], code, (), texts, "")
        stop = self._add_one(high, texts)
        self.lines.append(f"{margin}{total} = {start}")
        begin = texts[low][0]
        span = stop if begin == "0" else f"{begin}, {stop}"
        self.lines.append(f"{margin}for {index} in {self._own('range')}({span}):")
        inner: Texts = ChainMap({}, *(texts.maps if isinstance(texts, ChainMap) else (texts,)))
        self._block(inside, {**bound, name: index}, inner, indent + 1)
        at = iter(inner[position][0] for position in inside[1:])
        places_ = [next(at) if p == "at" else p for p in places]
        body = inner[inside[0]][0]
        if not places:
            changed = f"{total} = {total} + {body}" if self.spelling.add_at else f"{total} += {body}"
        elif self.spelling.add_at:
            whole = "slice(None)" if self.spelling.target == "jax" else "None"
            texts_ = ", ".join(whole if p == ":" else p for p in places_)
            template = self.spelling.add_at.replace("{places}", texts_ if len(places_) > 1 else f"{texts_},")
            self.used |= own_names(template)
            changed = f"{total} = {filled(renamed(template, self.own), [(total, ATOM), (body, SUM)])}"
        else:
            changed = f"{total}[{', '.join(places_)}] += {body}"
        self.lines.append(f"{margin}    {changed}")
        texts[code] = (total, ATOM)

    def _add_one(self, high: Code, texts: Texts) -> str:
        if high.op == "num":
            return str(high.data + 1)
        text = texts[high][0]
        return text[: -len(" - 1")] if high.op == "add" and text.endswith(" - 1") else f"{text} + 1"

    # --- texts ----------------------------------------------------------------------------------------

    def _own(self, name: str) -> str:
        self.used.add(name)
        return self.own.get(name, name)

    def _spelt(self, code: Code, bound: Mapping[str, str], texts: Texts, indent: int) -> Text:
        """The text of an instruction; where it is long, its longest operands get names first."""
        while True:
            text = self._written(code, bound, texts)
            if len(text[0]) <= _WIDTH or code.op in _LEAVES:
                return text
            long = [a for a in code.args if len(texts[a][0]) > 12 and not texts[a][0].isidentifier()]
            if not long:
                return text
            self._assign(texts, max(long, key=lambda a: len(texts[a][0])), indent)

    def _written(self, code: Code, bound: Mapping[str, str], texts: Texts) -> Text:
        op = code.op
        if op == "input":
            return self.inputs[code.data], ATOM
        if op == "num":
            return number(code.data)
        if op == "size":
            text, compound = self.lengths.text(code.data)
            return text, SUM if compound else ATOM
        if op == "index":
            return bound.get(code.data) or self.inputs[code.data], ATOM
        if op == "strip":
            return self.results[code.args[0]][code.data], ATOM
        writer = OPERATORS.get(op)
        if writer is not None:
            return writer(code, [texts[a] for a in code.args])
        if op == "part":
            whole, place = parenthesized(texts[code.args[0]], ATOM), texts[code.args[1]][0]
            return f"{whole}[:, {place}]" if code.data else f"{whole}[{place}]", ATOM
        if op == "slice":
            whole = parenthesized(texts[code.args[0]], ATOM)
            return f"{whole}[{self._places(code, [texts[a] for a in code.args])}]", ATOM
        if op == "apply":
            return f"{self.inputs[code.data]}({', '.join(texts[a][0] for a in code.args)})", ATOM
        key, *rest = code.data if op == "call" else (_ARRAY[op](code),)
        if code in self.plain:
            return self._fill((self.spelling.plain or {})[key], code, rest, texts), ATOM
        if key in self.spelling.open:
            template, binding = self.spelling.open[key]
            return self._fill(template, code, rest, texts), binding
        return self._fill(self._call(key), code, rest, texts, _items(code, texts)), ATOM

    def _places(self, code: Code, args: list[Text]) -> str:
        given = iter(args[1:])
        places: list[Any] = []
        for place in code.data:
            if place == "at":
                places.append(next(given)[0])
            else:
                start, stop = place
                places.append(f"{'' if start is None else start}:{'' if stop is None else stop}")
        while not self.spelling.every_axis and len(places) > 1 and places[-1] == ":":
            places.pop()
        return ", ".join(places)

    def _call(self, key: str) -> str:
        template = self.spelling.calls.get(key)
        if template is None:
            name = key.removesuffix("_axis").removesuffix("_frechet")
            raise UnsupportedError(f"the target {self.spelling.target} has no {name}")
        return template

    def _fill(
        self, template: str, code: Code, rest: Sequence[object], texts: Texts, items: str | None = None
    ) -> str:
        self.used |= own_names(template)
        template = renamed(template, self.own)
        if "{shape}" in template:
            sizes = [self.lengths.text(d)[0] for d in code.shape]
            template = template.replace("{shape}", sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})")
        if "{sizes}" in template:
            sizes = [texts[a][0] for a in code.args[1:]]
            template = template.replace("{sizes}", sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})")
        if items is not None:
            return template.replace("{items}", items)
        operands = [texts[a] for a in code.args]
        if self.plain and code.op == "call" and code.data[0] in self.spelling.arrays and code not in self.plain:
            self.used |= own_names(self.spelling.boxed)
            boxed = renamed(self.spelling.boxed, self.own)
            operands = [
                (boxed.replace("{0}", text[0]), ATOM) if a in self.plain else text
                for a, text in zip(code.args, operands, strict=True)
            ]
        return filled(template, operands, rest)


_STEMS = {"exp": "exp", "inv": "inv", "sigmoid": "sigmoid", "softmax": "softmax", "log": "log", "tanh": "tanh",
          "sqrt": "sqrt", "sin": "sin", "cos": "cos", "expm": "expm"}  # fmt: skip
_ARRAY: dict[str, Callable[[Code], str]] = {
    "T": lambda c: "T",
    "col": lambda c: "col",
    "row": lambda c: "row",
    "outer": lambda c: "outer",
    "concat": lambda c: "concat" if any(a.ndim for a in c.args) else "stack",
    "block": lambda c: "block" if any(a.ndim for a in c.args) else "stack",
}


def _items(code: Code, texts: Texts) -> str | None:
    """The inside of a list of entries, or of a list of rows."""
    if code.op == "concat":
        scalars = not any(a.ndim for a in code.args)
        return ", ".join(texts[a][0] if a.ndim or scalars else f"[{texts[a][0]}]" for a in code.args)
    if code.op == "block":
        height, width = code.data
        rows = [code.args[i * width : (i + 1) * width] for i in range(height)]
        return ", ".join(f"[{', '.join(texts[a][0] for a in row)}]" for row in rows)
    return None
