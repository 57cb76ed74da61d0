"""Twice the input is about twice the work: calls of functions are counted, so that no clock is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from work import counted

import matcalc as mc

Problem = tuple[str, Any, dict[str, str]]


def network(n: int, letter: str) -> Problem:
    """All weights of a network of n layers, as a program."""
    lines = [f"{letter}{i}: matrix(n, n)" for i in range(n)] + ["h0: vector(n)"]
    lines += [f"h{i + 1} = tanh({letter}{i}*h{i})" for i in range(n)]
    return "\n".join([*lines, f"L = sum(h{n}.^2)"]), [f"{letter}{i}" for i in range(n)], {}


def program(n: int, letter: str) -> Problem:
    """Named lines that use the line before and the variable."""
    lines = [f"{letter}: vector(n)", f"a0 = {letter}"]
    lines += [f"a{i + 1} = sin(a{i}) + {letter} .* a{i}" for i in range(n)]
    return "\n".join([*lines, f"L = sum(a{n})"]), letter, {}


def calls(n: int, letter: str) -> Problem:
    return "sin(" * n + letter + ")" * n, letter, {letter: "scalar"}


def chain(n: int, letter: str) -> Problem:
    names = {f"{letter}{i}": "matrix(n, n)" for i in range(n)}
    return f"tr({'*'.join(names)}*X)", "X", {"X": "matrix(n, n)", **names}


def wide(n: int, letter: str) -> Problem:
    """A sum of many different terms."""
    names = {f"{letter}{i}": "vector(n)" for i in range(n)}
    return "+".join(f"exp({a}'*x)" for a in names), "x", {"x": "vector(n)", **names}


def residual(n: int, letter: str) -> Problem:
    """One residual, by many variables: every gradient has it as a factor."""
    names = [f"{letter}{i}" for i in range(n)]
    kinds = {**dict.fromkeys(names, "vector(n)"), **{f"A{a}": "matrix(m, n)" for a in names}, "y": "vector(m)"}
    return f"norm2({'+'.join(f'A{a}*{a}' for a in names)} - y)^2", names, kinds


FORMS: dict[str, Callable[[mc.Derivation], object]] = {
    "text": lambda d: d.text(),
    "latex": lambda d: d.latex(),
    "pretty": lambda d: d.pretty(),
    "code": lambda d: d.source("numpy"),
    "steps": lambda d: d.steps,
}


def spent(make: Callable[[int, str], Problem], n: int, letter: str) -> dict[str, int]:
    """The calls for the derivation and for each printed form; names of their own, so that nothing is known before."""
    function, wrt, declare = make(n, letter)
    found: list[mc.Derivation] = []
    counts = {"derive": counted(lambda: found.append(mc.derive(function, wrt, declare)))}
    return counts | {form: counted(lambda: write(found[0])) for form, write in FORMS.items()}  # noqa: B023


@pytest.mark.parametrize(
    ("make", "n"),
    [(network, 20), (program, 20), (calls, 30), (chain, 30), (wide, 40), (residual, 40)],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_twice_the_input_is_twice_the_work(make: Callable[[int, str], Problem], n: int) -> None:
    spent(make, n, "q")  # the table is read
    once, twice = spent(make, n, "u"), spent(make, 2 * n, "v")
    grown = {form: twice[form] / once[form] for form in once if twice[form] > 2000}
    assert grown
    assert {form: ratio for form, ratio in grown.items() if ratio > 2.6} == {}


def test_all_variables_are_verified_at_once() -> None:
    function, wrt, declare = network(15, "u")
    more, others, _ = network(30, "v")
    derived = mc.derive(function, wrt, declare), mc.derive(more, others)
    once, twice = (counted(lambda d=d: d.verify()) for d in derived)

    assert twice < 2.6 * once


def test_a_factor_of_many_products_is_looked_at_once() -> None:
    """The product rule gives n products of n - 1 factors: squared, and no more than that.

    More than those among which common factors are sought pairwise.
    """

    def factors(n: int, letter: str) -> Problem:
        return f"sum({'.*'.join(f'(x + {k + 2}*{letter})' for k in range(n))})", "x", {letter: "vector(n)"}

    def spent_on(n: int, letter: str) -> int:
        return counted(lambda: mc.derive(*factors(n, letter)))

    spent_on(10, "p")
    once, twice = spent_on(50, "u"), spent_on(100, "v")
    assert twice < 4.5 * once
