"""The examples of the page by topic: a file of data, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def examples() -> list[dict[str, Any]]:
    """Topics, each with its examples: title, function, wrt, and declarations if it needs some."""
    text = files("matcalc.web").joinpath("examples.toml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["topic"]
    return found
