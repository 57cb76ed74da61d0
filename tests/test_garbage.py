"""The search for reference cycles is rare inside, and afterwards as it was."""

import gc

import pytest

from matcalc.garbage import rarely_collected


@rarely_collected
def inside(depth: int = 0) -> list[tuple[int, int, int]]:
    """The thresholds found at each depth of nested calls."""
    return [gc.get_threshold(), *(inside(depth - 1) if depth else [])]


def test_rare_inside_and_restored() -> None:
    before = gc.get_threshold()
    found = inside(2)
    assert len(set(found)) == 1
    assert found[0][0] > before[0]
    assert gc.get_threshold() == before


def test_a_setting_of_the_caller_comes_back() -> None:
    before = gc.get_threshold()
    gc.set_threshold(123, 4, 5)
    try:
        inside()
        assert gc.get_threshold() == (123, 4, 5)
    finally:
        gc.set_threshold(*before)


def test_restored_after_an_error() -> None:
    @rarely_collected
    def fails() -> None:
        raise ValueError("no")

    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no"):
        fails()
    assert gc.get_threshold() == before
