"""Messages: where the caret stands, and that nothing long is echoed whole."""

from __future__ import annotations

import pytest

from matcalc import derive
from matcalc.errors import MatcalcError, UnknownName


def test_the_caret_stands_under_the_place() -> None:
    error = MatcalcError("wrong", text="a + b\nc + d", position=8)
    assert str(error) == "wrong\n  c + d\n    ^"


def test_a_place_once_given_stays() -> None:
    assert MatcalcError("wrong", text="abc", position=1).at("xyz", 2).text == "abc"


def test_a_long_name_is_not_echoed_whole() -> None:
    with pytest.raises(UnknownName) as caught:
        derive("x'*x", wrt="q" * 10_000)
    assert len(str(caught.value)) < 600
    assert str(caught.value).endswith("the names are x")
