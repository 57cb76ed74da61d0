"""The targets that code is generated for."""

from __future__ import annotations

from matcalc.errors import UnsupportedError
from matcalc.generator.spelling import NUMPY, Spelling
from matcalc.generator.target_array_api import ARRAY_API
from matcalc.generator.target_jax import JAX
from matcalc.generator.target_scipy import SCIPY
from matcalc.generator.target_torch import TORCH

_TARGETS = {table.target: table for table in (NUMPY, SCIPY, JAX, TORCH, ARRAY_API)}


def spelling(target: str) -> Spelling:
    """The tables of a target."""
    if target not in _TARGETS:
        raise UnsupportedError(f"no code is generated for {target}", hint=f"targets: {', '.join(_TARGETS)}")
    return _TARGETS[target]
