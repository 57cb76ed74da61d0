"""What is said of input that is written as elsewhere: how it is written here."""

from __future__ import annotations

import re

import pytest

import matcalc as mc
from matcalc.errors import InputError
from matcalc.language.parse import parse
from matcalc.language.vocabulary import ELSEWHERE

DECLARED = "x, y, p, q: vector(n); X, A, B, S: matrix(n, n); b: vector(n); a: scalar; m: vector(n)"


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_is_said_instead_of_a_function_is_in_the_language(name: str) -> None:
    hint = ELSEWHERE[name].replace("eigvals(S)", "eigvals(S + S')").replace("eigvecs(S)", "eigvecs(S + S')")
    words = re.split(r" or |, (?=svd)| with the line m = |, the Frobenius| before it", hint)
    assert words[0]
    for written in words:
        if not written.endswith(" norm of a matrix") and written:
            parse(written, {"x^2": "x: scalar", "unvec(x, m, n)": "x: vector(m*n)"}.get(written, DECLARED))


PYTHON = "its formulas are: leave import, def and return out, one quantity a line, as in Z = X @ w"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (r"x^\top A x", "LaTeX is not read", "write x' for the transpose"),
        (r"\|x\|", "LaTeX is not read", "write norm2(x) for the norm"),
        (r"\frac{1}{2}x", "LaTeX is not read", "write (a)/(b) for a fraction"),
        (r"\left(x\right)", "LaTeX is not read", "write brackets alone, and no command for spaces"),
        (r"\lambda x", "LaTeX is not read", "write lambda without the \\"),
        ("$x$", "LaTeX is not read", "write the formula without $, as in x'*A*x"),
        ("x + \\", "LaTeX is not read", "write the formula as in norm2(A*x - b)^2 + x'*inv(S)*x"),
        ("A\\b", "division from the left is not in the language", "write inv(A)*b for A\\b"),
        ("(A'*A) \\ (A'*b)", "division from the left is not in the language", "write inv(A)*b for A\\b"),
        ("import numpy as np\nx'*x", "programs of Python are not read", PYTHON),
        ("from numpy import *\nx'*x", "programs of Python are not read", PYTHON),
        ("def f(x):\n    return x.T @ A @ x", "programs of Python are not read", PYTHON),
        ("z = x\n  return z.T @ z", "programs of Python are not read", PYTHON),
        ("np.sum(x)", "full stop", "write sum(...), without np."),
        ("np.linalg.norm(x)", "full stop", "write norm2(x) or norm1(x)"),
        ("np.linalg.inv(X)", "full stop", "write inv(...), without np.linalg."),
        ("np.einsum(x)", "full stop", "write products and transposes, as in A*x"),
        ("x.dot(y)", "full stop", "write dot(x, ...)"),
        ("(A*x - b).sum()", "full stop", "write sum(...)"),
        ("(A*x - b).pow(2)", "full stop", "write x^2 or x .^ 2"),
        ("A.t()*x", "full stop", "write A'"),
        ("A.transpose()*x", "full stop", "write A'"),
        ("A.I*x", "full stop", "write inv(A)"),
        ("X.shape[0]*x", "full stop", "write the name of the dimension, with X: matrix(m, n)"),
        ("A^{-1}*x", "braces", "write x' for the transpose, inv(X) or X^-1 for the inverse, x^(k + 1) for a power"),
        ("√(x'*x)", "√", "write sqrt(x) for the root"),
        ("½*x'*x", "½", "write 1/2"),
        ("⟨x, y⟩", "⟨", "write x'*y or dot(x, y) for the inner product"),
        ("t(x) %*% x", "%", "write x'*y for the product, # for a comment"),
        (
            "‖x‖_inf", "name begins",
            "‖x‖_1 and ‖x‖_2 are read; write max(abs(x)), normnuc(X), norm_spectral(X) for other norms",
        ),
        ("f(x) = x'*x", "not defined here", "write f = x'*x for f(x) = x'*x"),
        ("grad(x'*x)", "grad is unknown", "write the function alone: its derivative is what is asked for"),
        ("2*x.sum()", "full stop", "write sum(x)"),
        ("W.T.mean (x)", "full stop", "write mean(W.T)"),
        ("x.y", "full stop", None),
        ("log|X|", "single bars", "write abs(x) for |x|, norm2(x) or ||x|| for the norm, det(X) for |X|"),
        ("sum_i(x_i)", "sum_i is unknown", "a sum over an index is written sum(i, ...)"),
        ("(A x-b)^T(A x-b)", "not the transpose", "write (...)'*(...)"),
        ("2A^T(A x-b)", "not the transpose", "write A'*(...)"),
        ("sum(e^x)", "not the base of the exponential", "write exp(...), or declare e: scalar"),
        ("1/(1 + e^(-x))", "not the base of the exponential", "write exp(...), or declare e: scalar"),
    ],
)
def test_how_it_is_written_here(text: str, said: str, hint: str | None) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("float", "scalar"), ("int", "integer"), ("array", "vector(n) or matrix(m, n)"), ("psd", "spd")],
)
def test_kinds_by_the_names_of_others(kind: str, hint: str) -> None:
    with pytest.raises(InputError, match="is not a kind") as caught:
        mc.derive("x'*x", "x", f"x: {kind}")
    assert caught.value.hint == f"did you mean {hint}?"


def test_the_place_of_a_unit_vector_is_one_of_its_places() -> None:
    parse("unit(2, 3)")
    parse("unit(-3, 3)")
    for text in ("unit(5, 3)", "unit(-4, 3)", "unit(n, n)"):
        with pytest.raises(InputError, match="out of range"):
            parse(text)


def test_a_declared_e_has_powers() -> None:
    parse("e^x", "e: scalar; x: scalar")
    parse("e^2 + e^-1")


def test_a_name_hidden_in_another_is_pointed_out() -> None:
    with pytest.raises(InputError) as caught:
        mc.derive("||Ax - b||^2", "x")
    assert caught.value.hint == "the names are Ax, b; Ax is one name: write A*x for the product"
    with pytest.raises(InputError) as caught:
        mc.derive("||Ax - b||^2", "y")
    assert caught.value.hint == "the names are Ax, b"


IDENTITY = "I is a matrix like any other; the identity is eye(n), or eye where its size is known"


def test_the_name_of_the_identity_is_no_identity() -> None:
    assert IDENTITY in mc.derive("logdet(I + X'*X)", "X").notes
    assert IDENTITY not in mc.derive("logdet(I + X'*X)", "X", "I: matrix(n, n)").notes
    assert IDENTITY not in mc.derive("norm2(I*x)^2", "x").notes  # not square


@pytest.mark.parametrize(
    ("function", "wrt", "declare", "meant"),
    [
        ("n/2*logdet(Omega) - n/2*tr(S*Omega)", "Omega", "Omega: spd(p)", "n: scalar"),
        ("beta'*X'*y - sum(log(1 + exp(X*beta)))", "beta", "X: matrix(n, p)", "beta: vector(p)"),
        ("x'*A*x*z", "x", None, "z: scalar"),
        ("softmax(A*x)", "x", None, None),
        ("x .* y", "x", None, None),
        ("a*x", "a", None, None),  # by a number: a curve
        ("n*x'*x", "x", "n: vector(k)", None),  # declared so
    ],
)
def test_a_vector_that_another_reading_makes_a_number(
    function: str, wrt: str, declare: str | None, meant: str | None
) -> None:
    said = [note for note in mc.derive(function, wrt, declare).notes if "a scalar is meant" in note]
    assert [note.partition("declare ")[2] for note in said] == ([meant] if meant else [])
    if meant is not None:
        declared = "; ".join(filter(None, [declare, meant]))
        assert mc.derive(function, wrt, declared).what == "gradient"


def test_a_hessian_of_a_vector_says_what_may_be_meant() -> None:
    with pytest.raises(mc.UnsupportedError, match="needs a scalar function") as caught:
        mc.derive("beta'*X'*y - sum(log(1 + exp(X*beta)))", "beta", order=2)
    assert caught.value.hint == "if a scalar is meant, declare beta: vector(n)"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("sum((X - Y)^2)", ["in the sum, ^2 is the power of a square matrix; that of each entry is written .^2"]),
        (
            "mean(sum(X^3, axis=1))",
            ["in the sum, ^3 is the power of a square matrix; that of each entry is written .^3"],
        ),
        ("sum((X - Y).^2)", []),
        ("sum(X^-1) + tr(X^2)", []),
    ],
)
def test_a_sum_over_a_power_of_a_matrix(function: str, said: list[str]) -> None:
    assert [note for note in mc.derive(function, "X").notes if "the power of a" in note] == said
