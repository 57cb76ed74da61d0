"""Which instructions may overwrite an operand: a large array that nothing needs any more.

Writing into an array that is in memory spares the pages of a new one, which cost more than the arithmetic. NumPy does
so by itself where a temporary is the left operand of an operator; here are the other cases: functions, broadcasting,
the right operand, and arrays that have a name because they were used before. An array that belongs to an argument, or
shares memory with one, with a result or with what is still needed, is never overwritten, nor is one that has a name of
the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from matcalc.generator.costs import Costs
from matcalc.generator.instructions import Code

_LARGE = 50_000  # entries
# calls that a target may know to write into an array, by ``out=``; of the operand in first place
INTO = frozenset(
    "exp log log1p expm1 sqrt sin cos tan arcsin arccos arctan sinh cosh tanh abs sign maximum minimum relu".split()
    + "sigmoid sigmoid_neg softplus softmax_axis log_softmax_axis".split()
)
_SOLVED = frozenset(
    "solve inv lu_inv lu_inv_alone lu_solve cholesky_inv cholesky_inv_alone cholesky_solve".split()
)
_SUMMED = frozenset(f"{name}{n}" for n in range(2, 10) for name in ("einsum", "einsum_path"))
_FRESH_CALLS = INTO | _SOLVED | _SUMMED | {"erf", "kron", "full", "spread"}
_FRESH = ("add", "mul", "div", "ipow", "matmul", "outer", "strip")
# of these, and of what is made of them in place, the users are ours
_VIEWS = ("T", "col", "row", "expand", "neg", "slice")
_VIEWING = ("ravel", "reshape", "diagonal", "unstacked", "member")
_FLOAT_CALLS = (INTO - {"abs", "sign", "maximum", "minimum"}) | _SOLVED | frozenset(
    "erf det logdet norm eye ones zeros spread".split()
)


class Reuse:
    """The plan for one function: ``targets`` maps an instruction to the operand that it overwrites."""

    def __init__(
        self,
        order: Sequence[Code],
        outputs: Collection[Code],
        children: Callable[[Code], Sequence[Code]],
        named: Collection[Code],
        costs: Costs,
    ) -> None:
        self.parents: dict[Code, list[Code]] = {}
        self.position = {code: i for i, code in enumerate(order)}
        for code in order:
            for child in dict.fromkeys(children(code)):
                self.parents.setdefault(child, []).append(code)
        self._outputs = set(outputs)
        self._named = named
        self._costs = costs
        self.targets: dict[Code, Code] = {}
        self.names: dict[Code, Code] = {}  # the array that is overwritten -> the last thing that stands in it
        self.converted: dict[Code, None] = {}  # arguments that are made floats first
        known: dict[Code, Code | None] = {}
        for code in order:
            known[code] = integral(code, known)
            for operand in self._candidates(code):
                cause = known[operand]
                if (cause is not None and cause.op != "input") or operand in named:
                    continue
                if self._pays(code, operand) and self._last(code, operand):
                    self.targets[code] = operand
                    known[code] = None
                    if cause is not None:
                        self.converted[cause] = None
                    break
        for code in reversed(order):
            if code in self.targets:
                self.names[self.targets[code]] = self.names.get(code, code)

    def _candidates(self, code: Code) -> list[Code]:
        """Operands in which the result could stand, by what the operation is."""
        if code.ndim < 2 or self._costs.entries(code.shape) < _LARGE:
            return []
        if code.op == "add":
            signs = dict(zip(code.args, code.data, strict=True))
            found = [a for a in code.args if signs[a] > 0 or len(code.args) == 2]
        elif code.op in ("mul", "div", "neg") or (code.op, code.data) == ("ipow", 2) or _into(code):
            found = list(code.args)
        else:
            return []
        alone = [a for a in found if code.args.count(a) == 1]
        return [a for a in alone if a.shape == code.shape and _fresh(a) and a in self.parents]

    def _pays(self, code: Code, operand: Code) -> bool:
        """Whether NumPy would not reuse an operand by itself: a temporary on the left, of a sum or product either."""
        if code.op == "neg":
            return operand in self.targets
        broadcast = any(a.ndim and a.shape != code.shape for a in code.args)
        if broadcast or code.op in ("call", "ipow") or (code.op == "add" and code.ndim > 2):
            return True
        either = len(code.args) == 2 and (code.op == "mul" or code.op == "add" and code.data == (1, 1))
        return not any(self._temporary(a) for a in (code.args if either else code.args[:1]))

    def _temporary(self, code: Code) -> bool:
        """Whether the array is used once, and so has no name."""
        alone = len(self.parents.get(code, ())) == 1 and code not in self.targets and code not in self._named
        return alone and code.ndim > 1 and _fresh(code)

    def _last(self, code: Code, operand: Code) -> bool:
        """Whether nothing after ``code`` needs the operand."""
        if operand in self._outputs:
            return False
        here = self.position[code]
        for user in self.users(operand, code):
            if user is not code and user in self._outputs and (user.op in _VIEWS or _viewing(user)):
                return False
            if user is not code and self.position[user] > here:
                return False
        return True

    def users(self, operand: Code, last: Code | None = None) -> list[Code]:
        """What reads the array, also by a view of it; ``last`` is no view, but writes into it."""
        found: list[Code] = []
        stack = [operand]
        seen = {operand}
        while stack:
            for parent in self.parents.get(stack.pop(), ()):
                if parent not in seen:
                    seen.add(parent)
                    found.append(parent)
                    if parent is not last and (parent.op in _VIEWS or _viewing(parent)):
                        stack.append(parent)
        return found

    def pending(self, code: Code, operand: Code, settled: Callable[[Code], bool]) -> list[Code]:
        """Texts that read the operand and stand in no line yet, but for those that ``code`` itself will hold."""
        found: list[Code] = []
        for user in self.users(operand, code):
            if user is code or user.op in _VIEWS or _viewing(user):
                continue  # the users of a view are ours
            current = user
            while current is not code and not settled(current):
                above = [p for p in self.parents.get(current, ()) if self.position[p] < self.position[code]]
                if not above:
                    if code not in self.parents.get(current, ()):
                        found.append(current)
                    break
                current = above[0]
        return found

    def places(self, code: Code) -> str | None:
        """The places of an array to which the values of ``code`` are added, so that they need not stand among zeros."""
        if code.op != "call" or code.data[0] not in ("spread", "diagflat"):
            return None
        users = self.parents.get(code, ())
        if len(users) != 1 or users[0].op != "add" or self.targets.get(users[0], code) is code:
            return None
        if users[0].data[users[0].args.index(self.targets[users[0]])] < 0:
            return None
        return str(code.data[1]) if code.data[0] == "spread" else "ii->i"

    def touches(self, x: Code, operand: Code, settled: Callable[[Code], bool]) -> bool:
        """Whether the text of ``x`` reads the operand."""
        users = {operand, *self.users(operand)}
        stack = [x]
        while stack:
            current = stack.pop()
            if current in users and (current.op in _VIEWS or _viewing(current) or not settled(current)):
                return True
            if not settled(current):
                stack.extend(current.args)
        return False


def _into(code: Code) -> bool:
    """Whether a call can leave its result in an array."""
    return code.op == "call" and code.data[0] in INTO


def _viewing(code: Code) -> bool:
    return code.op == "call" and code.data[0] in _VIEWING


def _fresh(code: Code) -> bool:
    """Whether the instruction makes an array of its own."""
    return code.op in _FRESH or (code.op == "call" and code.data[0] in _FRESH_CALLS)


def integral(code: Code, known: Mapping[Code, Code | None]) -> Code | None:
    """None where the entries are floats in any case; else the argument that would have to be of floats to make them so.

    Where there is no such argument, it is what gives the integers. ``known`` has the answer for the operands.
    """
    if code.op in ("input", "size", "index", "apply", "loop") or (code.op == "num" and code.data.denominator == 1):
        return code
    if code.op in ("num", "div", "strips", "strip") or (code.op == "call" and code.data[0] in _FLOAT_CALLS):
        return None
    found = [known[a] for a in code.args]
    causes = [f for f in found if f is not None]
    if not found:
        return code
    if len(causes) < len(found):
        return None
    inputs = [f for f in causes if f.op == "input"]
    return min(inputs, key=lambda f: (not f.ndim, f.ndim)) if inputs else code
