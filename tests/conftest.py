"""What every test may use: a generator of random numbers seeded by the test's own name."""

from __future__ import annotations

import importlib.util
import zlib
from pathlib import Path

import numpy as np
import pytest

if importlib.util.find_spec("matcalc") is None or importlib.util.find_spec("matcalc.identities") is None:
    pytest.exit("matcalc is not installed here: pip install -e '.[test]'", returncode=2)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """The same numbers at every run of a test, wherever its file stands; different ones in different tests."""
    file, _, test = request.node.nodeid.partition("::")
    return np.random.default_rng(zlib.crc32(f"tests/{Path(file).name}::{test}".encode()))
