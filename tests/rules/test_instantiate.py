"""Templates filled in: dimensions solved for, variables replaced, scalars lifted to arrays."""

from __future__ import annotations

import pytest

from matcalc import ops
from matcalc.language.parse import parse, parse_kind
from matcalc.rules.instantiate import instantiate, instantiate_elementwise, unify, unify_shapes
from matcalc.shapes import Dim

M, N, P, Q = (Dim.of(name) for name in "mnpq")


def sym(name: str, kind: str) -> ops.Expr:
    return ops.sym(name, parse_kind(kind))


@pytest.mark.parametrize(
    ("pattern", "actual", "value"),
    [
        (N, P * 2 + 1, P * 2 + 1),
        (N, Dim.of(5), Dim.of(5)),
        (N + 1, P, P - 1),
        (N * 2, P * 4, P * 2),
        (N * 3 + 1, P * 6 + 7, P * 2 + 2),
        (N, N, N),
        (N + 1, N + 2, N + 1),
    ],
)
def test_a_dimension_is_solved_for(pattern: Dim, actual: Dim, value: Dim) -> None:
    dims: dict[str, Dim] = {}

    assert unify(pattern, actual, dims)
    assert dims == {"n": value}


@pytest.mark.parametrize(
    ("pattern", "actual"), [(N * 2, P), (N * 2, P * 3), (N * N, P), (M * N, P), (M * N, M * N), (Dim.of(3), P)]
)
def test_what_has_no_single_solution_is_not_unified(pattern: Dim, actual: Dim) -> None:
    assert not unify(pattern, actual, {})


def test_a_name_bound_to_itself_stays_bound() -> None:
    dims: dict[str, Dim] = {}

    assert unify(N, N, dims)
    assert not unify(N, M, dims)


def test_compound_dimensions_wait_for_the_bare_names() -> None:
    dims: dict[str, Dim] = {}

    assert unify_shapes((M * N, M), (P * Q, Q), dims)
    assert dims == {"m": Q, "n": P}


def test_names_of_the_template_and_of_the_input_do_not_mix() -> None:
    """The template's n becomes m, its m becomes n."""
    template = parse("ones(m, n) + n*X", {"X": "matrix(m, n)"})
    x = sym("X", "matrix(m, n)")
    other = sym("Y", "matrix(n, m)")

    found = instantiate(template, {x: other}, {"m": N, "n": M})

    assert found is parse("ones(n, m) + m*Y", {"Y": "matrix(n, m)"})


def test_every_leaf_with_dimensions_is_filled_in() -> None:
    text = "tr(commutation({m}, {n})*kron(eye({m}), eye({n}))) + unit(0, {m})'*zeros({m}, {n})*unit(1, {n})"
    template = parse(text.format(m="m", n="n"), {"X": "matrix(m, n)"})
    found = instantiate(template, {}, {"m": P, "n": Dim.of(4)})
    expected = parse(text.format(m="p", n="4"), {"X": "matrix(p, 4)"})

    assert found is expected


def test_an_identity_of_size_one_becomes_the_number() -> None:
    template = parse("eye(n) + A", {"A": "matrix(n, n)"})
    found = instantiate(template, {sym("A", "matrix(n, n)"): sym("s", "scalar")}, {"n": Dim.of(1)})

    assert found is parse("1 + s", {"s": "scalar"})


def test_a_bound_index_makes_way() -> None:
    template = parse("sum(r in 0..2, A^r)", {"A": "matrix(n, n)"})
    argument = parse("sum(r in 0..5, r*B)", {"B": "matrix(n, n)"})

    found = instantiate(template, {sym("A", "matrix(n, n)"): argument}, {"n": N})

    assert found.args[0] is not ops.idx("r")
    assert found.args[3].args[1] is found.args[0]


def test_two_minus_signs_cancel() -> None:
    s, x = sym("s", "scalar"), sym("x", "scalar")

    assert instantiate(parse("exp(-s)", {"s": "scalar"}), {s: ops.neg(x)}) is ops.fn("exp", x)


def test_a_scalar_template_on_arrays() -> None:
    s, ds = sym("s", "scalar"), sym("ds", "scalar")
    x, dx = sym("X", "matrix(p, q)"), sym("dX", "matrix(p, q)")
    template = parse("2*s*(1 - tanh(s)^2)*ds/(1 + s)", {"s": "scalar", "ds": "scalar"})

    found = instantiate_elementwise(template, {s: x, ds: dx}, (P, Q))

    kinds = {"X": "matrix(p, q)", "dX": "matrix(p, q)"}
    assert found is parse("2*(X .* (1 - tanh(X).^2) .* dX ./ (1 + X))", kinds)


def test_what_depends_on_no_array_stays_scalar() -> None:
    s, t = sym("s", "scalar"), sym("t", "scalar")
    x, k = sym("x", "vector(n)"), sym("k", "scalar")
    template = parse("exp(t)*s^t", {"s": "scalar", "t": "scalar"})

    assert instantiate_elementwise(template, {s: x, t: k}, (N, Dim.of(1))) is parse(
        "exp(k)*x.^k", {"x": "vector(n)", "k": "scalar"}
    )


def test_a_constant_template_has_the_shape_of_the_array() -> None:
    assert instantiate_elementwise(ops.num(0), {}, (P, Q)) is ops.zeros(P, Q)
    assert instantiate_elementwise(ops.num(7), {}, (P, Q)) is ops.lift(ops.num(7), (P, Q))
