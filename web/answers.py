"""Requests to answers as plain data. It runs in a worker: ``respond(task)`` yields the parts of an answer, first things
first, so that what was found stands even if a later part takes too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import matcalc
from matcalc.errors import InputError, MatcalcError, UnsupportedError

from .choices import NOTATION, SWITCHES, TARGETS
from .questions import MAX_LINE, Task, choice, declared, function_of, lines_of, name_of, parts_of, text_of, wrt_of

MAX_EDGES = 600  # of a picture: more is no picture

Part = dict[str, Any]


def respond(task: Task) -> Iterator[Part]:
    """The parts of the answer to a question; wrong input is a part that says what is wrong."""
    try:
        yield from QUESTIONS[str(task.get("task"))](task)
    except MatcalcError as error:
        yield {"part": "error", **said(error, task)}


def parse(task: Task) -> Iterator[Part]:
    """What the names are taken for, and what the function is."""
    text, declare = function_of(task), declared(task)
    problem = matcalc.read(text, declare, of=name_of(task, "of"))
    lines = [name for name, _ in problem.lines if name]
    absent = set(problem.absent) & set(declare)  # declared for another text
    yield {
        "part": "names",
        "names": [
            {
                "name": name,
                "kind": kind.text(),
                "form": kind.form,
                "dims": [str(d) for d in _dims(kind)],
                "facts": sorted(kind.facts),
                "inferred": name in problem.inferred and name not in declare,
                "here": name not in problem.inferred and name not in declare,  # declared in the text itself
            }
            for name, kind in problem.kinds.items()
            if name not in absent
        ],
        "lines": lines,
        "shape": _shape(problem.function),
        "notes": list(problem.notes),
    }


def derive(task: Task) -> Iterator[Part]:
    """The derivative: the formula first, then whether numbers agree, the steps, the code, other forms, the graph."""
    names = wrt_of(task)
    options = {name: choice(task, name) for name in ("layout", "structure", "where")}
    d = matcalc.derive(
        function_of(task),
        names[0] if len(names) == 1 else names,
        declared(task),
        order=2 if choice(task, "order") == "2" else 1,
        of=name_of(task, "of"),
        expand=choice(task, "form") == "expanded",
        residuals=parts_of(task),
        adjoint=name_of(task, "adjoint") or "d{}",
        **options,
    )
    notation = _notation(task)
    yield {
        "part": "answer",
        "what": d.what,
        "wrt": names,
        "text": d.text(),
        "pretty": d.pretty(),
        "latex": d.latex(notation),
        "mathml": _unstyled(d.mathml(notation)),
        "shape": list(d.shape) if len(d.answers) == 1 else None,
        "names": d.kinds,
        "layout": d.laid_out,
        "conditions": list(d.conditions),
        "notes": list(d.notes),
    }
    yield _verdict(d.verify())
    if d.facts_used:
        yield {"part": "facts", "facts": list(d.facts_used)}
    yield {"part": "steps", "steps": _steps(d), "latex": d.explain("latex", True), "text": d.explain("text", True)}
    yield {"part": "code", "code": {target: _code(d, target) for target in TARGETS}}
    forms = [{**asdict(r), "mathml": _unstyled(r.mathml)} for r in d.readings()]
    if forms:
        yield {"part": "forms", "forms": forms}
    nodes, edges = d.graph_parts()
    if d.problem is not None and len(d.problem.definitions) > 1 and len(edges) <= MAX_EDGES:
        yield {
            "part": "graph",
            "nodes": [{"name": name, "text": text} for name, text in nodes.items()],
            "edges": [{"from": a, "to": b, "adjoint": adjoint} for a, b, adjoint in edges],
            "function": d.function_name,
        }


def solve(task: Task) -> Iterator[Part]:
    """The stationary point: the formula, its condition and kind, whether numbers agree, the steps, the code."""
    names = wrt_of(task)
    s = matcalc.solve(
        function_of(task),
        names[0] if len(names) == 1 else names,
        declared(task),
        lines_of(task, "subject"),
        of=name_of(task, "of"),
    )
    notation = _notation(task)
    yield {
        "part": "answer",
        "what": "point",
        "wrt": names,
        "text": s.text(),
        "pretty": s.pretty(),
        "latex": s.latex(notation),
        "mathml": _unstyled(s.mathml(notation)),
        "names": s.kinds,
        "closed": bool(s),
        "equations": s.equation.splitlines(),
        "points": _points(s),
        "conditions": list(s.conditions),
        "notes": list(s.notes),
    }
    if s:
        yield _verdict(s.verify())
    d = s.derivation
    yield {"part": "steps", "steps": _steps(d), "latex": d.explain("latex", True), "text": d.explain("text", True)}
    if s:
        yield {"part": "code", "code": {target: _code(s, target) for target in TARGETS}}


def check(task: Task) -> Iterator[Part]:
    """Is the claim the derivative, and if not, what went wrong."""
    names = wrt_of(task)
    if len(names) > 1:
        raise InputError("a claim is about one variable", hint="choose one of the names")
    claim = text_of(task, "claim", MAX_LINE)
    found = matcalc.check(
        function_of(task),
        names[0],
        claim,
        declared(task),
        layout=choice(task, "layout"),
        structure=choice(task, "structure"),
        of=name_of(task, "of"),
        order=2 if choice(task, "order") == "2" else 1,
    )
    yield {
        "part": "check",
        "holds": found.holds,
        "how": found.how,
        "right": found.right,
        "mathml": _unstyled(found.mathml()) or None,
        "residual": float(found.residual) if found.holds else None,
        "draws": found.draws,
        "diagnosis": [on_page(said) for said in found.diagnosis],
        "shapes": found.shapes,
        "notes": list(found.notes),
        "report": found.report(),
    }


QUESTIONS: dict[str, Callable[[Task], Iterator[Part]]] = {
    "parse": parse,
    "derive": derive,
    "solve": solve,
    "check": check,
}

# --- what is answered -----------------------------------------------------------------------------


def said(error: MatcalcError, task: Task) -> Part:
    """What is wrong, where (in UTF-16 units, as browsers count), and what would be right."""
    place: Part = {}
    for key in ("function", "claim"):
        if error.position is not None and error.text is not None and error.text == task.get(key):
            before = error.text[: error.position]
            place = {"place": key, "position": len(before.encode("utf-16-le", "surrogatepass")) // 2}
            break
    error.hint = on_page(error.hint) if error.hint else None
    kind = "unsupported" if isinstance(error, UnsupportedError) else "input"
    shown = str(error) if not place else "\n".join(filter(None, (error.message, error.hint)))
    return {"kind": kind, "message": error.message, "hint": error.hint, "shown": shown, **place}


def on_page(said: str) -> str:
    """What is said of options of the command line, in the words of the page."""
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda option: SWITCHES.get(option[1], option[0]), said)


def _notation(task: Task) -> str:
    return ", ".join(f"{name}={choice(task, name)}" for name in NOTATION)


def _verdict(verdict: Any) -> Part:
    return {
        "part": "verdict",
        "holds": bool(verdict),
        "residual": float(verdict.residual),
        "draws": verdict.draws,
        "reason": None if verdict else str(verdict.reason),
    }


def _points(solution: Any) -> list[Part]:
    """Each point: where it is, if there are several; its kind; why it is of that kind."""
    found = solution.json()["points"]
    return [
        {
            "place": ", ".join(f"{name} = {a['text']}" for name, a in p["answers"].items()) if len(found) > 1 else "",
            "kind": p["kind"],
            "why": p["why"],
        }
        for p in found
    ]


def _dims(kind: Any) -> list[Any]:
    dims = {"vector": [kind.rows], "row": [kind.cols], "matrix": [kind.rows, kind.cols]}
    return dims.get(kind.form, [])


def _shape(f: Any) -> str:
    rows, cols = map(str, f.shape)
    if f.is_scalar:
        return "scalar"
    return f"vector({rows})" if cols == "1" else f"row({cols})" if rows == "1" else f"matrix({rows}, {cols})"


def _steps(d: Any) -> list[Part]:
    """Each step with its reason; where it goes on with the right side of the one before, that is not repeated."""
    found: list[Part] = []
    previous = None
    for step in d.steps:
        mathml = _unstyled(step.mathml(goes_on=step.before is previous))
        found.append({"pretty": step.pretty(), "mathml": mathml, "why": step.reason(True)})
        previous = step.after
    return found


def _unstyled(mathml: str) -> str:
    """Without styles in elements, which the page forbids: its own style sheet aligns columns."""
    return _STYLE.sub("", mathml)


_STYLE = re.compile(' style="[^"]*"')


def _code(d: Any, target: str) -> str:
    """The module, or why there is none."""
    try:
        return str(d.source(target))
    except UnsupportedError as error:
        return "".join(f"# {line}\n" for line in str(error).splitlines())
