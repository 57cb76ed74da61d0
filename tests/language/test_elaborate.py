"""What each construct means: the node that it stands for; what does not fit, with its place."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from matcalc import ops
from matcalc.errors import MatcalcError
from matcalc.expr import Expr
from matcalc.kinds import ELEMENTWISE
from matcalc.language.parse import parse, parse_declarations
from matcalc.language.vocabulary import ELEMENTWISE as KNOWN_ELEMENTWISE
from matcalc.language.vocabulary import MATRIX_FUNCTIONS
from matcalc.ops import num
from matcalc.shapes import ONE, Dim

DECLARED = """
A: matrix(m, n); B: matrix(n, n); C: matrix(m, n); X: matrix(n, d); x: vector(n); y: vector(n); z: vector(m)
r: row(n); q: row(n); a: scalar; b: scalar; k: integer; h: function; E: matrix(n, n); P: matrix(d, 1)
g: function(vector(n)) -> vector(m); f: function(vector(n)) -> scalar; l: function(vector(m), vector(n)) -> scalar
u: function(row(n)) -> scalar
"""
KINDS = parse_declarations(DECLARED)
m, n, d = (Dim.of(name) for name in "mnd")


def s(name: str) -> Expr:
    return ops.sym(name, KINDS[name])


A, B, C, X, x, y, z, r, q, a, b, k, E = (s(name) for name in "A B C X x y z r q a b k E".split())
t, mul, add, had, fn = ops.transpose, ops.mul, ops.add, ops.had, ops.fn
i, j = ops.idx("i"), ops.idx("j")
half = num(Fraction(1, 2))
ALL, AT = ("all",), ("at",)

MEANINGS: list[tuple[str, Expr]] = [
    ("1/2*x'*B*x", mul(half, t(x), B, x)),
    ("0.5*a", mul(half, a)),
    ("1e-3", num(Fraction(1, 1000))),
    ("2/3/4", num(Fraction(1, 6))),
    ("a - b", add(a, mul(num(-1), b))),
    ("a - 2*b", add(a, mul(num(-2), b))),
    ("a/b", mul(a, ops.power(b, num(-1)))),
    ("1/b", ops.power(b, num(-1))),
    ("a*b/a*b", mul(a, b, ops.reciprocal(a), b)),
    ("x/b", mul(x, ops.reciprocal(b))),
    ("x ./ y", had(x, ops.reciprocal(y))),
    ("1 ./ x", ops.power(x, num(-1))),
    ("a ./ x", mul(a, ops.reciprocal(x))),
    ("x ./ a", mul(x, ops.reciprocal(a))),
    ("a .* x .* y", had(mul(a, x), y)),
    ("x .* y .* x", had(x, y, x)),
    ("x .* a .* y", had(mul(a, x), y)),
    ("A*x'*y", mul(A, mul(t(x), y))),
    ("x*inv(x'*x)*x'", mul(x, ops.reciprocal(mul(t(x), x)), t(x))),
    ("(x'*y)^2 + 1", add(ops.power(mul(t(x), y), num(2)), num(1))),
    ("tr(a) + det(a) + inv(a) + a'", add(a, a, ops.reciprocal(a), a)),
    ("x + 1", add(x, ops.ones(n, ONE))),
    ("x + 0", add(x, ops.zeros(n, ONE))),
    ("1 - A", add(ops.ones(m, n), mul(num(-1), A))),
    ("A + a*b", add(A, mul(a, b, ops.ones(m, n)))),
    ("A + r", add(A, mul(ops.ones(m, ONE), r))),
    ("r + A + 2", add(mul(ops.ones(m, ONE), r), A, mul(num(2), ops.ones(m, n)))),
    ("A - x'", add(A, mul(ops.ones(m, ONE), num(-1), t(x)))),
    ("max(0, x)", ops.max2(ops.zeros(n, ONE), x)),
    ("min(x, a)", ops.min2(x, mul(a, ops.ones(n, ONE)))),
    ("max(x) + min(A)", add(ops.maxel(x), ops.minel(A))),
    ("x < 1", ops.compare("<", x, ops.ones(n, ONE))),
    ("a >= b", ops.compare(">=", a, b)),
    ("x == y", ops.compare("==", x, y)),
    ("B^2", ops.matpow(B, num(2))),
    ("B^-1", ops.inv(B)),
    ("B^-3", ops.matpow(ops.inv(B), num(3))),
    ("B^0", ops.eye(n)),
    ("B^k", ops.matpow(B, k)),
    ("B^-k", ops.matpow(ops.inv(B), k)),
    ("B^(k - 1)", ops.matpow(B, add(k, num(-1)))),
    ("B^n", ops.matpow(B, ops.dim(n))),
    ("a^-2", ops.power(a, num(-2))),
    ("x.^2", ops.power(x, num(2))),
    ("2 .^ x", ops.power(num(2), x)),
    ("x .^ y", ops.power(x, y)),
    ("n*a/(2*m)", mul(ops.dim(n), a, ops.reciprocal(mul(num(2), ops.dim(m))))),
    ("pi*a", mul(ops.const("pi"), a)),
    ("sum(A) + mean(A)", add(ops.total(A), ops.mean(A))),
    ("sum(A, axis=0)", ops.total(A, 0)),
    ("mean(A, axis=1)", ops.mean(A, 1)),
    ("softmax(x)", ops.softmax(x)),
    ("softmax(A, axis=1)", ops.softmax(A, 1)),
    ("logsumexp(A, axis=0)", ops.logsumexp(A, 0)),
    ("logsumexp(r)", ops.logsumexp(r)),
    ("norm2(A)^2 + norm1(x) + prod(x)", add(ops.power(ops.norm2(A), num(2)), ops.norm1(x), ops.prod(x))),
    ("tr(B)", ops.trace(B)),
    ("trace(B) + logdet(B) + ln(a)", add(ops.trace(B), ops.logdet(B), fn("log", a))),
    ("inverse(B)", ops.inv(B)),
    ("adj(B)*pinv(X)'", mul(ops.adj(B), t(ops.pinv(X)))),
    ("diag(x) + diag(diag(B))", add(ops.diag(x), ops.diag(ops.diag(B)))),
    ("diag(r)", ops.diag(r)),
    ("kron(A, B)", ops.kron(A, B)),
    ("vec(A)", ops.vec(A)),
    ("unvec(vec(A), m, n)", ops.unvec(ops.vec(A), m, n)),
    ("dot(x, y)", mul(t(x), y)),
    ("dot(r, q)", mul(r, t(q))),
    ("dot(A, C)", ops.trace(mul(t(A), C))),
    ("outer(z, x)", mul(z, t(x))),
    ("outer(r, x)", mul(t(r), t(x))),
    ("expm(B) + sqrtm(B)", add(ops.mfn("expm", B), ops.mfn("sqrtm", B))),
    ("logm_frechet(B, E)", ops.frechet("logm", B, E)),
    ("eye(n) + 2*eye", add(ops.eye(n), mul(num(2), ops.eye(n)))),
    ("ones(n) + zeros(n, 1) + unit(0, n)", add(ops.ones(n, ONE), ops.zeros(n, ONE), ops.unit(num(0), n))),
    ("ones(m, n) + matrix(2)", add(ops.ones(m, n), mul(num(2), ops.ones(m, n)))),
    ("x + vector(1)", add(x, ops.ones(n, ONE))),
    ("commutation(m, n)", ops.commutation(m, n)),
    ("unit(k, 2*n)", ops.unit(k, n + n)),
    ("h(x) + h'(x) + h''(x)", add(*(ops.ufn("h", ELEMENTWISE, [x], order) for order in range(3)))),
    ("g(x)", ops.ufn("g", KINDS["g"], [x], ())),
    ("D(g)(x)", ops.ufn("g", KINDS["g"], [x], (0,))),
    ("grad(f)(x)", ops.ufn("f", KINDS["f"], [x], (0,))),
    ("D(f)(x)", t(ops.ufn("f", KINDS["f"], [x], (0,)))),
    ("grad(u)(r)", ops.ufn("u", KINDS["u"], [r], (0,))),
    ("D(u)(r)", t(ops.ufn("u", KINDS["u"], [r], (0,)))),
    ("D[2](l)(z, x)", ops.ufn("l", KINDS["l"], [z, x], (1,))),
    ("D[1](l)(z, x)", ops.ufn("l", KINDS["l"], [z, x], (0,))),
    ("hess(f)(x)", ops.ufn("f", KINDS["f"], [x], (0, 0))),
    ("D[1, 1](f)(x)", ops.ufn("f", KINDS["f"], [x], (0, 0))),
    ("hess(u)(r)", ops.ufn("u", KINDS["u"], [r], (0, 0))),
    ("D[1,2](l)(z, x)", ops.ufn("l", KINDS["l"], [z, x], (0, 1))),
    ("D[2,1](l)(z, x)", t(ops.ufn("l", KINDS["l"], [z, x], (0, 1)))),
    ("D[ 2 , 2 ](l)(z, x)", ops.ufn("l", KINDS["l"], [z, x], (1, 1))),
    ("sigma(x)", fn("sigmoid", x)),
    ("[A, z; r, 1]", ops.block([[A, z], [r, num(1)]])),
    ("[x; 1]", ops.block([[x], [num(1)]])),
    ("[B, X]", ops.block([[B, X]])),
    ("x[0]", ops.slice_(x, AT, ALL, num(0))),
    ("r[k]", ops.slice_(r, ALL, AT, k)),
    ("x[:-1]", ops.slice_(x, ("range", None, -1), ALL)),
    ("r[1:3]", ops.slice_(r, ALL, ("range", 1, 3))),
    ("A[0, :]", ops.slice_(A, AT, ALL, num(0))),
    ("A[:, k]", ops.slice_(A, ALL, AT, k)),
    ("A[k, 2]", ops.slice_(A, AT, AT, k, num(2))),
    ("A[1:, :-1]", ops.slice_(A, ("range", 1, None), ("range", None, -1))),
    ("P[0, 0]", ops.slice_(s("P"), AT, AT, num(0), num(0))),
    ("sum(i, x[i]*y[i])",
     ops.isum(i, num(0), add(ops.dim(n), num(-1)), mul(ops.slice_(x, AT, ALL, i), ops.slice_(y, AT, ALL, i)))),
    ("sum(i in 1..k, B^i)", ops.isum(i, num(1), k, ops.matpow(B, i))),
    ("sum(i, sum(j, A[i, j]))",
     ops.isum(i, num(0), add(ops.dim(m), num(-1)),
              ops.isum(j, num(0), add(ops.dim(n), num(-1)), ops.slice_(A, AT, AT, i, j)))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_each_construct_is_its_node(text: str, expected: Expr) -> None:
    assert parse(text, DECLARED) is expected


def test_the_vocabulary_is_that_of_the_constructors() -> None:
    assert list(KNOWN_ELEMENTWISE) == list(ops.ELEMENTWISE_NAMES)
    assert list(MATRIX_FUNCTIONS) == list(ops.MATRIX_FUNCTIONS)


@pytest.mark.parametrize("name", KNOWN_ELEMENTWISE)
def test_elementwise_functions_keep_the_shape(name: str) -> None:
    for array in (a, x, r, A):
        assert parse(f"{name}({array.name})", DECLARED) is fn(name, array)


MISFITS: list[tuple[str, int, str]] = [
    ("A*z", 2, "did you mean A'*z?"),
    ("A*r", 2, "did you mean A*r'?"),
    ("x*y", 2, "x'*y"),
    ("x'*z", 3, "x' has n columns and z has m rows"),
    ("A + B", 4, "A (m x n) and B (n x n)"),
    ("x + r", 4, "transpose"),
    ("A + z", 4, "a row is added to every row"),
    ("x .* r", 5, "did you mean r'?"),
    ("A .* z", 5, "elementwise product"),
    ("a/x", 2, "./"),
    ("x/B", 2, "inv(B)"),
    ("x^2", 0, "write x.^2"),
    ("A^2", 0, "square matrix"),
    ("B^0.5", 2, "sqrtm"),
    ("B^a", 2, "declared, as in k: integer"),
    ("a^x", 2, ".^"),
    ("inv(A)", 4, "square"),
    ("det(x)", 4, "square"),
    ("tr(A)", 3, "square"),
    ("1/0", 2, "division by zero"),
    ("0^-1", 0, "division by zero"),
    ("softmax(A)", 0, "axis"),
    ("sum(A, 0)", 4, "axis is a keyword"),
    ("sum(A, axis=2)", 12, "0 (down the columns) or 1"),
    ("sum(A, axis=a)", 12, "0 (down the columns) or 1"),
    ("exp(A, axis=0)", 0, "no such keyword"),
    ("sum(A, axes=0)", 7, "no keyword axes"),
    ("exp(x, y)", 0, "takes 1 argument, not 2"),
    ("exp()", 0, "takes 1 argument, not 0"),
    ("max(x, y, z)", 0, "1 or 2 arguments"),
    ("max(x, A)", 7, "do not fit"),
    ("kron(A)", 0, "takes 2 arguments"),
    ("outer(A, x)", 6, "kron"),
    ("dot(x, z)", 7, "do not fit in dot"),
    ("dot(x, r)", 7, "did you mean r'?"),
    ("eye()", 0, "eye(n)"),
    ("eye(n, m)", 0, "eye(n)"),
    ("ones(n, m, d)", 0, "ones(m, n)"),
    ("unit(x, n)", 5, "must be a scalar"),
    ("unvec(x, m, n)", 0, "length m*n"),
    ("vector(x)", 0, "takes a scalar"),
    ("g(z)", 2, "takes a vector(n), not z"),
    ("g(x, x)", 0, "takes 1 arguments, not 2"),
    ("h(x, y)", 0, "elementwise and takes one argument"),
    ("g'(x)", 0, "D(g)(x)"),
    ("grad(g)(x)", 0, "no gradient"),
    ("D(l)(z, x)", 0, "D[1](l)"),
    ("D[3](l)(z, x)", 0, "counted from 1"),
    ("D(B)(x)", 0, "needs a declared function"),
    ("g + 1", 0, "is a function"),
    ("x(y)", 0, "not a function"),
    ("B(x + y)", 0, "B*(...)"),
    ("x'(y)", 0, "x'*(...)"),
    ("exp'(x)", 0, "not written with a prime"),
    ("expp(x)", 0, "did you mean exp"),
    ("Trace(B)", 0, "did you mean trace"),
    ("transpose(A)", 0, "write X'"),
    ("norm(x)", 0, "norm2(x)"),
    ("foo(x)", 0, "declare foo: function"),
    ("Q(x)", 0, "write Q*(...)"),
    ("Q'(A*x)", 0, "write Q'*(...)"),
    ("x'*Bx", 3, "write B*x or B x"),
    ("xy", 0, "write x*y or x y"),
    ("x'*Wx", 3, "write W*x or W x"),
    ("sin x", 0, "write sin(x)"),
    ("a*tr", 2, "write tr(x)"),
    ("ones + x", 0, "ones(n)"),
    ("x^T*B*x", 2, "write x'"),
    ("B^-T", 3, "write inv(B)'"),
    ("A[0]", 0, "A[i, :]"),
    ("a[0]", 0, "no entries"),
    ("x[a:2]", 2, "must be integers"),
    ("x[y]", 2, "must be a scalar"),
    ("[A, x]", 4, "row of blocks"),
    ("[A; X]", 0, "different widths"),
    ("sum(i, x)", 4, "does not index"),
    ("sum(i, x[i]*z[i])", 0, "different sizes"),
    ("sum(a, x[a])", 4, "cannot be the index"),
    ("sum(n, x[n])", 4, "cannot be the index"),
    ("a*hess(l)(z, x)", 2, "write D[1,2](l)(...)"),
    ("a*hess(g)(x)", 2, "not scalar-valued"),
    ("hess(h)(x)", 0, "h: function(vector(n)) -> scalar"),
    ("D[1,3](l)(z, x)", 0, "l has 2 arguments, counted from 1"),
    ("D[0,1](l)(z, x)", 0, "l has 2 arguments, counted from 1"),
    ("D[1,2,2](l)(z, x)", 0, "third derivatives"),
]


@pytest.mark.parametrize(("text", "position", "said"), MISFITS, ids=[text for text, _, _ in MISFITS])
def test_what_does_not_fit_is_refused_with_its_place(text: str, position: int, said: str) -> None:
    with pytest.raises(MatcalcError) as caught:
        parse(text, DECLARED)

    assert said in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "declare"),
    [("x[3]", "x: vector(3)"), ("x[-4]", "x: vector(3)"), ("x[1:5]", "x: vector(3)"), ("x[2:1]", "x: vector(n)")],
)
def test_entries_beyond_the_size_are_refused(text: str, declare: str) -> None:
    with pytest.raises(MatcalcError):
        parse(text, declare)


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: f"exp({e})", lambda e: f"({e})'"])
def test_a_declared_width_of_one_is_a_column(wrap: Callable[[str], str]) -> None:
    declared = "V: matrix(n, 1); v: vector(n)"

    assert parse(wrap("V + v"), declared).shape in ((n, ONE), (ONE, n))


@pytest.mark.parametrize("text", ["x[1.5]", "A[0, 0.5]", "A[2.5, :]"])
def test_an_index_that_is_not_an_integer_is_refused(text: str) -> None:
    with pytest.raises(MatcalcError, match="integer") as caught:
        parse(text, DECLARED)
    assert caught.value.position is not None
