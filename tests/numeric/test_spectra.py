"""Eigenvalues, singular values, nuclear and spectral norm: their numbers, their derivatives, their limits."""

import numpy as np
import pytest
import sympy as sp

import matcalc as mc
from matcalc import ops
from matcalc.errors import ShapeError, UnknownName, UnsupportedError
from matcalc.numeric.spectra import SPECTRAL, eigen, side, singular, unfit
from matcalc.shapes import Dim

RNG = np.random.default_rng(7)
TALL = RNG.normal(size=(6, 4))
SQUARE = RNG.normal(size=(5, 5)) + RNG.normal(size=(5, 5)).T
SYMMETRIC = (SQUARE + SQUARE.T) / 2


# --- numbers ----------------------------------------------------------------------------------------


def test_eigenvalues_ascend_and_rebuild_the_matrix():
    values, vectors = eigen(SYMMETRIC)
    assert np.all(np.diff(values) > 0)
    assert np.allclose(vectors @ np.diag(values) @ vectors.T, SYMMETRIC)


def test_of_a_matrix_that_is_not_symmetric_the_symmetric_part_counts():
    skew = np.triu(np.ones((5, 5)), 1)
    skew = skew - skew.T
    assert np.allclose(eigen(SYMMETRIC + skew)[0], eigen(SYMMETRIC)[0])


@pytest.mark.parametrize("x", [TALL, TALL.T, TALL[:, :1], TALL[:1], np.outer(TALL[:, 0], TALL[0])], ids=str)
def test_singular_values_rebuild_the_matrix(x):
    left, values, right = singular(x)
    assert left.shape == x.shape
    assert right.shape == (x.shape[1],) * 2
    assert np.allclose(left @ np.diag(values) @ right.T, x)
    assert np.allclose(right.T @ right, np.eye(x.shape[1]))
    assert np.all(np.diff(values) <= 0)


def test_left_singular_vectors_of_zero_singular_values_are_zero():
    left, values, _ = singular(TALL.T)
    assert np.count_nonzero(np.abs(left).max(axis=0)) == 4
    assert np.all(values[4:] == 0)


@pytest.mark.parametrize("vectors", [eigen(SYMMETRIC)[1], singular(TALL)[2], singular(TALL.T)[2]])
def test_the_largest_entry_of_each_vector_is_positive(vectors):
    columns = np.arange(vectors.shape[1])
    assert np.all(vectors[np.abs(vectors).argmax(axis=0), columns] > 0)


@pytest.mark.parametrize(
    ("name", "x", "word"),
    [
        ("eigvals", np.eye(3), "equal eigenvalues"),
        ("svdvals", np.vstack([np.eye(3), np.eye(3)]), "equal singular values"),
        ("svdvals", TALL.T, "more columns than rows"),
        ("normnuc", np.outer(TALL[:, 0], TALL[0]), "rank deficient"),
        ("norm_spectral", np.diag([2.0, 2.0, 1.0]), "equal singular values"),
    ],
)
def test_where_there_is_no_derivative(name, x, word):
    assert word in str(unfit(name, x))


@pytest.mark.parametrize(
    ("name", "x"), [("eigvals", SYMMETRIC), ("svd_u", TALL), ("normnuc", TALL.T), ("normnuc", np.eye(3))]
)
def test_where_there_is_one(name, x):
    assert unfit(name, x) is None


def test_sides_differ_where_a_vector_changes_its_sign():
    turned = [np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]) for t in (0.7, 0.8, 0.9)]
    points = [q @ np.diag([1.0, 2.0]) @ q.T for q in turned]
    assert side("eigvecs", points[0]) != side("eigvecs", points[1])
    assert side("eigvecs", points[1]) == side("eigvecs", points[2])
    assert side("eigvals", points[0]) == side("eigvals", points[1])


# --- derivatives ------------------------------------------------------------------------------------

SQUARES = {"S": "symmetric(n)", "P": "spd(n)"}
KINDS = {**SQUARES, "X": "matrix(m, n)", "A": "matrix(k, m)", "g": "vector(n)", "w": "vector(m)"}
GRADIENTS = [
    ("sum(g .* eigvals(S))", "S", "eigvecs(S)*diag(g)*eigvecs(S)'"),
    ("sum(eigvals(S))", "S", "eye(n)"),
    ("sum(log(eigvals(P)))", "P", "inv(P)"),
    ("sum(eigvals(S).^2)", "S", "2*S"),
    ("max(eigvals(S))", "S", "eigvecs(S)[:, -1]*eigvecs(S)[:, -1]'"),
    ("min(eigvals(S))", "S", "eigvecs(S)[:, 0]*eigvecs(S)[:, 0]'"),
    ("eigvals(S)[1]", "S", "eigvecs(S)[:, 1]*eigvecs(S)[:, 1]'"),
    ("max(eigvals(X'*diag(w)*X))", "w", "(X*eigvecs(X'*diag(w)*X)[:, -1]).^2"),
    ("sum(eigvals(X'*X))", "X", "2*X"),
    ("normnuc(X)", "X", "svd_u(X)*svd_v(X)'"),
    ("normnuc(A*X)", "X", "A'*svd_u(A*X)*svd_v(A*X)'"),
    ("norm_spectral(X)", "X", "svd_u(X)[:, 0]*svd_v(X)[:, 0]'"),
    ("sum(svdvals(X).^2)", "X", "2*X"),
    ("max(svdvals(X))", "X", "svd_u(X)[:, 0]*svd_v(X)[:, 0]'"),
    ("sum(g .* svdvals(X))", "X", "svd_u(X)*diag(g)*svd_v(X)'"),
]


@pytest.mark.parametrize(("f", "wrt", "gradient"), GRADIENTS, ids=[g[0] for g in GRADIENTS])
def test_gradients(f, wrt, gradient):
    found = mc.derive(f, wrt=wrt, declare=KINDS)
    assert found.text() == gradient
    assert found.verify()
    assert mc.parse(found.text(), found.kinds) is found.answer


@pytest.mark.parametrize(
    "f", ["normnuc(-3*X)", "norm_spectral(2*X')", "sum(g .* svdvals(-X/2))", "sum(normnuc(-X)*svd_v(-2*X))"]
)
def test_numbers_come_out_of_singular_values(f):
    d = mc.derive(f, wrt="X", declare=KINDS)
    assert "svd_u(X)" in d.text()
    assert d.verify()


def test_signs_come_out_of_left_singular_vectors():
    d = mc.derive("sum(svd_u(-2*X)*g)", wrt="g", declare=KINDS)
    assert d.text() == "-svd_u(X)'*ones(m)"
    assert d.verify()


@pytest.mark.parametrize(
    "f", ["sum(g .* eigvals(2*S))", "sum(g .* eigvals(-2*S))", "eigvecs(3*S)[0, 0]", "eigvals(-S)[0]"]
)
def test_numbers_come_out_of_eigenvalues(f):
    assert mc.derive(f, wrt="S", declare=KINDS).verify()


def test_a_largest_eigenvalue_has_no_kink_besides_its_condition():
    d = mc.derive("max(eigvals(S)) + min(eigvals(S))", wrt="S", declare=KINDS)
    assert not any("kink" in note for note in d.notes)
    assert any("kink" in note for note in mc.derive("max(eigvals(S) .* g)", wrt="S", declare=KINDS).notes)


@pytest.mark.parametrize(
    "f", ["b'*eigvecs(S)*c", "b'*eigvecs(S)[:, 0]", "u'*svd_u(X)*c", "b'*svd_v(X)*c", "b'*svdvals(X)"]
)
def test_vectors_and_values_have_derivatives(f):
    kinds = {**KINDS, "b": "vector(n)", "c": "vector(n)", "u": "vector(m)"}
    assert mc.derive(f, wrt="S" if "S" in f else "X", declare=kinds).verify()


@pytest.mark.parametrize("f", ["max(eigvals(S))", "sum(exp(eigvals(S)))", "normnuc(X)", "norm_spectral(X)^2"])
def test_second_derivatives(f):
    assert mc.derive(f, wrt="S" if "S" in f else "X", declare=KINDS, order=2).verify()


def test_a_wrong_gradient_is_found():
    for claim in ("svd_u(X)*svd_v(X)'*2", "svd_u(X)[:, 0]*svd_v(X)[:, 0]'"):
        assert not mc.check("normnuc(X)", wrt="X", equals=claim, declare=KINDS)
    assert mc.check("normnuc(X)", wrt="X", equals="X*inv(sqrtm(X'*X))", declare={"X": "matrix(n + k, n)"})


def test_the_conditions_are_stated():
    assert mc.derive("sum(g .* eigvals(S))", wrt="S", declare=KINDS).conditions == ("S has simple eigenvalues",)
    assert mc.derive("normnuc(X)", wrt="X", declare=KINDS).conditions == ("X has full rank",)
    largest = mc.derive("norm_spectral(X)", wrt="X", declare=KINDS).conditions
    assert largest == ("X has a simple largest singular value",)
    second = mc.derive("normnuc(X)", wrt="X", declare=KINDS, order=2).conditions
    assert "X has full column rank and different singular values" in second


# --- code, printed forms, SymPy ---------------------------------------------------------------------


@pytest.mark.parametrize("x", [TALL, TALL.T])
def test_code_for_tall_and_for_wide_matrices(x):
    d = mc.derive("normnuc(X) + norm_spectral(X)^2", wrt="X", declare={"X": "matrix(m, n)"})
    left, values, right = np.linalg.svd(x, full_matrices=False)
    right_gradient = left @ right + 2 * values[0] * np.outer(left[:, 0], right[0])
    assert np.allclose(d.function()(X=x), right_gradient)


def test_code_agrees_with_the_meaning_of_every_operation():
    for name, meaning in SPECTRAL.items():
        if name.startswith("eig"):
            shape = "matrix(n, n)" if name == "eigvecs" else "vector(n)"
            d = mc.derive(f"sum(B .* {name}(S))", wrt="S", declare={"S": "symmetric(n)", "B": shape})
            x = SYMMETRIC
        elif name.startswith("norm"):
            continue
        else:
            shape = {"svdvals": "vector(n)", "svd_u": "matrix(m, n)", "svd_v": "matrix(n, n)"}[name]
            d = mc.derive(f"sum(B .* {name}(X))", wrt="X", declare={"X": "matrix(m, n)", "B": shape})
            x = TALL
        weights = RNG.normal(size=meaning(x).shape)
        space: dict = {}
        exec(d.source("numpy"), space)
        given = {"B": weights[:, 0] if weights.shape[1] == 1 else weights, "S" if name.startswith("eig") else "X": x}
        assert np.isclose(space["value"](**given), np.sum(weights * meaning(x)))
        assert np.isclose(space["value_and_gradient"](**given)[0], np.sum(weights * meaning(x)))


def test_latex():
    d = mc.derive("normnuc(X) + norm_spectral(X)", wrt="X", declare=KINDS)
    assert r"\operatorname{svd}_{u}(X)" in d.latex()
    from matcalc.printing.latex import latex

    assert latex(mc.parse("normnuc(X)", {"X": "matrix(m, n)"})) == r"\lVert X \rVert_{*}"
    assert latex(mc.parse("norm_spectral(X)", {"X": "matrix(m, n)"})) == r"\lVert X \rVert_{2}"


def test_sympy():
    d = mc.derive("max(eigvals(S)) + norm_spectral(S)", wrt="S", declare={"S": "symmetric(3)"})
    value = SYMMETRIC[:3, :3]
    found = d.expr.subs(sp.MatrixSymbol("S", 3, 3), sp.Matrix(value)).as_explicit()
    assert np.allclose(np.array(found.tolist(), float), d.function()(S=value))


# --- limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", ["sum(eigvals(A))", "max(eigvals(X*X))", "sum(eigvecs(A)*x)"])
def test_a_matrix_not_known_to_be_symmetric_is_refused(f):
    with pytest.raises(UnsupportedError, match="known to be symmetric") as caught:
        mc.parse(f, {"A": "matrix(n, n)", "X": "matrix(n, n)"})
    assert "symmetric(n)" in str(caught.value)


@pytest.mark.parametrize(
    ("other", "ours"), [("eig(S)", "eigvals(S)"), ("svd(S)", "svdvals(X)"), ("norm_nuc(S)", "normnuc")]
)
def test_names_of_other_languages(other, ours):
    with pytest.raises(UnknownName) as caught:
        mc.parse(other, {"S": "symmetric(n)"})
    assert ours in str(caught.value)


@pytest.mark.parametrize("s", ["(A + A')/2", "A'*A", "A*D*A'", "inv(A*A')", "D", "A .* A'", "kron(A'*A, D)", "D^3"])
def test_what_is_symmetric_by_its_structure_is_taken(s):
    assert mc.parse(f"eigvals({s})", {"A": "matrix(n, n)", "D": "diagonal(n)"}).op == "spectral"


def test_shapes():
    m, n = Dim.of("m"), Dim.of("n")
    kinds = {"X": "matrix(m, n)", "S": "symmetric(n)"}
    shapes = {"eigvals(S)": (n, 1), "eigvecs(S)": (n, n), "svdvals(X)": (n, 1), "svd_u(X)": (m, n), "svd_v(X)": (n, n)}
    for text, (rows, cols) in shapes.items():
        found = mc.parse(text, kinds).shape
        assert found == (rows, cols if isinstance(cols, Dim) else Dim.of(1))


def test_more_columns_than_rows():
    with pytest.raises(ShapeError, match="at least as many rows"):
        mc.parse("sum(svdvals(X))", {"X": "matrix(2, 5)"})
    assert mc.derive("normnuc(X)", wrt="X", declare={"X": "matrix(2, 5)"}).verify()
    with pytest.raises(UnsupportedError, match="more columns than rows"):
        mc.derive("normnuc(X)", wrt="X", declare={"X": "matrix(2, 5)"}, order=2)


def test_of_a_vector_the_norms_are_the_length():
    for f in ("normnuc(x)", "norm_spectral(x)", "svdvals(x)", "norm_spectral(x')"):
        assert mc.parse(f, {"x": "vector(n)"}).op == "norm2"
    assert mc.parse("eigvals(s)", {"s": "scalar"}) is ops.sym("s", mc.parse("s", {"s": "scalar"}).data[1])
