"""A question is read and checked before anything is differentiated."""

import pytest

from matcalc.answers.asked import Asked, asked_for
from matcalc.errors import InputError, LimitError, UnknownName, UnsupportedError
from matcalc.printing.text import text
from matcalc.rules.table import default_table


def ask(function: str, wrt: str, declare: str = "", order: int = 1, pattern: str = "d{}") -> Asked:
    return asked_for(function, wrt, declare, None, order, "auto", pattern, default_table(), {})


def test_a_quantity_of_a_program_stands_for_a_symbol() -> None:
    asked = ask("r = A*x - b\nL = r'*r", "r, x")

    assert asked.is_program
    assert text(asked.nodes["r"]) == "A*x - b"
    assert {name: text(x) for name, x in asked.variables.items()} == {"r": "r", "x": "x"}
    assert {"A", "x", "b", "r", "L"} <= asked.taken


def test_a_hessian_of_a_program_is_of_one_expression() -> None:
    asked = ask("r = A*x - b\nL = r'*r", "x", order=2)

    assert not asked.is_program
    assert text(asked.function) == "(A*x - b)'*(A*x - b)"


@pytest.mark.parametrize(
    ("function", "wrt", "order", "pattern", "error", "said"),
    [
        ("x'*x", "", 1, "d{}", InputError, "no variable"),
        ("x'*x", "y", 1, "d{}", UnknownName, "y neither occurs nor is declared"),
        ("x'*x", "x", 1, "d", InputError, "no pattern"),
        ("x'*x", "x", 3, "d{}", UnsupportedError, "order 3"),
        ("A*x", "x", 2, "d{}", UnsupportedError, "a Hessian needs a scalar"),
        ("a" + "^a" * 200, "a", 1, "d{}", LimitError, "nested too deeply"),
    ],
)
def test_wrong_questions(function: str, wrt: str, order: int, pattern: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ask(function, wrt, order=order, pattern=pattern)


def test_a_vector_that_may_be_meant_as_a_scalar_is_noted() -> None:
    (note,) = ask("n/2*logdet(S)", "S", "S: spd(p)").notes

    assert "if a scalar is meant, declare n: scalar" in note
