"""Derivation time and success of symbolic tools on the common list (``common.toml``), each tool in its own process.

A tool that wants an environment of its own is named by a variable: ``TENSORGRAD_PYTHON=/path/to/python``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import tools
from benchmarks.comparisons import Settings, Table

ROUNDS = 3  # processes; a derivation is timed once in each, since every tool remembers
OUTCOMES = ("right", "wrong", "unevaluated", "no value", "refused", "too long", "not stated")
Outcomes = list[dict[str, Any]]


def interpreter(tool: str) -> str | None:
    """The Python that has the tool."""
    if other := os.environ.get(f"{tool.upper()}_PYTHON"):
        return other
    if tool == "tensorgrad" and not _named_tensors():
        return None
    return sys.executable if importlib.util.find_spec(tool) is not None else None


def _named_tensors() -> bool:
    """tensorgrad's values are named tensors, which PyTorch 2.13 no longer has."""
    if any(importlib.util.find_spec(name) is None for name in ("tensorgrad", "torch")):
        return False
    return hasattr(importlib.import_module("torch").Tensor, "refine_names")


def run(tool: str, python: str, *options: str) -> tuple[str, Outcomes]:
    """Version and outcomes, from a process of its own."""
    command = [python, str(Path(tools.__file__)), tool, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    first, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    return first["version"], lines


def asked(tool: str, python: str, rounds: int, only: tuple[str, ...] = ()) -> tuple[str, Outcomes]:
    """Outcomes, checked once, with the median time of all rounds."""
    version, found = run(tool, python, *only)
    again = [run(tool, python, "--no-check", *only)[1] for _ in range(rounds - 1)]
    for i, one in enumerate(found):
        if "ms" in one:
            one["ms"] = statistics.median([one["ms"], *(r[i]["ms"] for r in again if "ms" in r[i])])
    return version, found


def common(given: Settings, only: tuple[str, ...] = ()) -> Table:
    """Success and time of every tool; then what did not succeed, by name."""
    total = len(only or tomllib.loads(tools.LIST.read_text(encoding="utf-8")))
    yield f"| tool | right, of {total} | not right | ms, median | quartiles | slowest, ms | characters, median |"
    yield "|---|---|---|---|---|---|---|"
    failures, absent = [], []
    for tool in tools.TOOLS:
        python = interpreter(tool)
        if python is None:
            absent.append(tool)
            continue
        version, found = asked(tool, python, 1 if only else ROUNDS, only)
        right = [one for one in found if one["outcome"] == "right"]
        counts = Counter(one["outcome"] for one in found)
        rest = ", ".join(f"{counts[o]} {o}" for o in OUTCOMES[1:] if counts[o])
        times = sorted(one["ms"] for one in right) or [float("nan")]
        quarter = len(times) // 4
        length = statistics.median(len(one["text"]) for one in right) if right else 0
        yield (
            f"| {version} | {len(right)} | {rest or 'none'} | {statistics.median(times):.1f} | "
            f"{times[quarter]:.1f} - {times[-1 - quarter]:.1f} | {times[-1]:.0f} | {length:.0f} |"
        )
        failures += [(tool, one) for one in found if one["outcome"] != "right"]
    if absent:
        yield ""
        yield f"Not installed, so not asked: {', '.join(absent)}."
    if failures:
        yield ""
        yield "| tool | loss | outcome | what it said |"
        yield "|---|---|---|---|"
        for tool, one in failures:
            said = " ".join((one.get("error") or one.get("text") or "").split())[:100]
            yield f"| {tool} | {one['name']} | {one['outcome']} | `{said.replace('|', '/').replace('`', '')}` |"
