"""Requests to answers as plain data. It runs in a worker: ``respond(task)`` yields the parts of an answer, first things
first, so that what was found stands even if a later part takes too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import matcalc
from matcalc.errors import InputError, LimitError, MatcalcError, UnsupportedError

from .choices import NOTATION, OPTIONS, TARGETS

MAX_TEXT = 60_000  # characters of the function; the page says so, the command line takes more
MAX_LINE = 4_000  # of a claim, of one declaration
MAX_NAMES = 400
MAX_EDGES = 600  # of a picture: more is no picture

Part = dict[str, Any]
Task = Mapping[str, Any]


def respond(task: Task) -> Iterator[Part]:
    """The parts of the answer to ``parse``, ``derive`` or ``check``; wrong input is a part that says what is wrong."""
    known: dict[str, Callable[[Task], Iterator[Part]]] = {"parse": parse, "derive": derive, "check": check}
    try:
        yield from known[str(task.get("task"))](task)
    except MatcalcError as error:
        yield {"part": "error", **said(error, task)}


def parse(task: Task) -> Iterator[Part]:
    """What the names are taken for, and what the function is."""
    text, declare = _function(task), _declared(task)
    problem = matcalc.read(text, declare, of=_name(task, "of"))
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
    names = _wrt(task)
    options = {name: _choice(task, name) for name in ("layout", "structure", "where")}
    d = matcalc.derive(
        _function(task),
        names[0] if len(names) == 1 else names,
        _declared(task),
        order=2 if _choice(task, "order") == "2" else 1,
        of=_name(task, "of"),
        expand=_choice(task, "form") == "expanded",
        **options,
    )
    notation = ", ".join(f"{name}={_choice(task, name)}" for name in NOTATION)
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
    verdict = d.verify()
    yield {
        "part": "verdict",
        "holds": bool(verdict),
        "residual": float(verdict.residual),
        "draws": verdict.draws,
        "reason": None if verdict else str(verdict.reason),
    }
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


def check(task: Task) -> Iterator[Part]:
    """Is the claim the derivative, and if not, what went wrong."""
    names = _wrt(task)
    if len(names) > 1:
        raise InputError("a claim is about one variable", hint="choose one of the names")
    claim = _text(task, "claim", MAX_LINE)
    found = matcalc.check(
        _function(task),
        names[0],
        claim,
        _declared(task),
        layout=_choice(task, "layout"),
        structure=_choice(task, "structure"),
        of=_name(task, "of"),
        order=2 if _choice(task, "order") == "2" else 1,
    )
    yield {
        "part": "check",
        "holds": found.holds,
        "how": found.how,
        "right": found.right,
        "mathml": _unstyled(found.mathml()) or None,
        "residual": float(found.residual) if found.holds else None,
        "draws": found.draws,
        "diagnosis": list(found.diagnosis),
        "shapes": found.shapes,
        "notes": list(found.notes),
        "report": found.report(),
    }


# --- what is asked --------------------------------------------------------------------------------


def _text(task: Task, key: str, longest: int) -> str:
    value = task.get(key)
    if not isinstance(value, str):
        raise InputError(f"there is no {key} in the request")
    if len(value) > longest:
        raise LimitError(f"this is too long: {len(value)} characters, the page takes {longest}")
    return value.encode("utf-8", "replace").decode()  # half a surrogate pair is no letter


def _function(task: Task) -> str:
    return _text(task, "function", MAX_TEXT)


def _declared(task: Task) -> dict[str, str]:
    given = task.get("declare") or {}
    if not isinstance(given, dict) or len(given) > MAX_NAMES:
        raise InputError("declarations are names with their kinds")
    return {str(name)[:MAX_LINE]: str(kind)[:MAX_LINE] for name, kind in given.items()}


def _wrt(task: Task) -> list[str]:
    names = task.get("wrt")
    if not isinstance(names, list) or not names or len(names) > MAX_NAMES:
        raise InputError("no variable is chosen", hint="choose a name to differentiate by")
    return [str(name)[:MAX_LINE] for name in names]


def _name(task: Task, key: str) -> str | None:
    return str(task[key])[:MAX_LINE] if task.get(key) else None


def _choice(task: Task, key: str) -> str:
    choices = OPTIONS[key]
    value = str(task.get(key) or choices[0])
    if value not in choices:
        raise InputError(f"there is no {key} '{value[:40]}'", hint=f"one of {', '.join(choices)}")
    return value


# --- what is answered -----------------------------------------------------------------------------


def said(error: MatcalcError, task: Task) -> Part:
    """What is wrong, where (in UTF-16 units, as browsers count), and what would be right."""
    place: Part = {}
    for key in ("function", "claim"):
        if error.position is not None and error.text is not None and error.text == task.get(key):
            before = error.text[: error.position]
            place = {"place": key, "position": len(before.encode("utf-16-le", "surrogatepass")) // 2}
            break
    kind = "unsupported" if isinstance(error, UnsupportedError) else "input"
    shown = str(error) if not place else "\n".join(filter(None, (error.message, error.hint)))
    return {"kind": kind, "message": error.message, "hint": error.hint, "shown": shown, **place}


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
