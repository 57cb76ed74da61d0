"""Every target computes what the reference does; JAX, PyTorch, Dask and array_api_strict where they are installed."""

from __future__ import annotations

import inspect
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import matcalc as mc
from matcalc.errors import UnsupportedError
from matcalc.expr import Expr
from matcalc.generator.code import compile_module, module_source
from matcalc.kinds import Kind
from matcalc.numeric.evaluate import evaluate
from matcalc.numeric.sample import draw_values
from tests.code_cases import SIZES, arguments, expected
from tests.strategies import KINDS, Grower

TARGETS = ("numpy", "scipy", "jax", "torch", "array-api")
DECLARED = (
    "A: matrix(m, n); B: matrix(n, k); X: matrix(n, n); Y: matrix(n, n); S: spd(n); P: symmetric(n); D: diagonal(n);"
    "x: vector(n); y: vector(n); z: vector(m); w: vector(k); r: row(n); c: scalar; M: matrix(n, 1); f: function"
).replace(";", "\n")
LOSSES = {
    "x'*X*x + c*norm2(x)^2": "x,X,c",
    "norm2(A*x - z)^2/2 + log(2*pi)": "x,A",
    "sum(log(1 + exp(-z .* (A*x))))": "x,A",
    "logdet(S) + y'*inv(S)*y": "S,y",
    "y'*inv(S)*x + logdet(S) + det(S)": "x,S",
    "x'*inv(X'*X + eye(n))*y": "x,X",
    "x'*inv(X)*y + log(det(X)^2)": "x,X",
    "x'*inv(X')*y + y'*inv(X)*x": "x,y",
    "logdet(A*A' + c^2*eye(m))": "A",
    "tr(X*Y*X')": "X,Y",
    "tr(D*X*D)": "X",
    "sum(diag(X*Y) .* x)": "X,x",
    "logsumexp(x) + sum(softmax(y) .* x)": "x,y",
    "sum(logsumexp(A, axis=1) .* z)": "A",
    "sum(softmax(A, axis=0) .* A)": "A",
    "sum(log(softmax(A, axis=1)) .* A)": "A",
    "sum(exp(x) + sin(x) + cos(y) .* tanh(x) + arctan(x) + sinh(y) + cosh(x) + expm1(y))": "x,y",
    "sum(sqrt(1 + x.^2) + abs(x) + relu(y) + max(x, y) + min(x, 0.5) + (x > y) .* x)": "x,y",
    "sum(sigmoid(x) .* softplus(y) + gelu(x) + erf(y))": "x,y",
    "sum(lgamma(2 + x.^2) + digamma(2 + y.^2))": "x,y",
    "max(x) + min(y) + norm1(x) + norm2(A)": "x,y,A",
    "tr(expm(X)*Y)": "X",
    "tr(logm(S)*Y) + tr(sqrtm(S))": "Y",
    "tr(sinm(X)) + tr(cosm(Y))": "X,Y",
    "tr(adj(X)*Y)": "Y",
    "tr(pinv(A)*A)*c": "c",
    "vec(X)'*kron(Y, X)*vec(Y)": "X",
    "tr(commutation(n, n)*kron(X, Y))": "X",
    "sum([x; c; y]) + norm2([X, Y; Y, X])^2": "x,c,X",
    "norm2(A[0, :]*x)^2 + x[1]*y[:-1]'*x[1:]": "x,y",
    "sum(i, i*x[i]^2 + exp(A[0, i]))": "x,A",
    "sum(tril(X) .* Y)": "X",
    "sum(f(x) .* y)": "x",
    "sum(r + x') + sum(M'*X)": "x,M",
    "tr(X^3) + c^3 + (1 + c^2)^2.5 + sum(x.^4)": "X,x",
    "norm2(x*y' + c)^2": "x,y,c",
    "prod(1 + x.^2) + mean(X)": "x,X",
}
NOT_STANDARD = ("erf", "lgamma", "expm(", "sinm(")
JACOBIANS = {"X*x .* y": "x", "inv(X)": "X", "A*B": "A,B", "softmax(x)": "x", "exp(A*x)": "x", "x*y'": "x", "X*x": "X"}


def libraries(target: str) -> list[Any]:
    """What turns a NumPy array into an argument of the target, for each library that it runs on."""
    if target in ("numpy", "scipy"):
        return [np.asarray]
    if target == "jax":
        return [in_jax()]
    if target == "torch":
        return [pytest.importorskip("torch").as_tensor]
    found = [np.asarray]
    for name in ("array_api_strict", "torch", "jax"):
        try:
            found.append(in_jax() if name == "jax" else pytest.importorskip(name).asarray)
        except pytest.skip.Exception:
            continue
    return found


def in_jax() -> Any:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.numpy.asarray


def converted(value: Any, convert: Any) -> Any:
    return convert(value) if isinstance(value, np.ndarray) else value


def as_numpy(value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except TypeError:
        return np.from_dlpack(value)


def close(found: Any, wanted: Any, tolerance: float = 1e-10) -> bool:
    found, wanted = as_numpy(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    return bool(np.max(np.abs(found - wanted), initial=0) <= tolerance * max(1.0, np.max(np.abs(wanted), initial=0)))


def wanted_of(x: Expr, values: Mapping[str, Any], shape: tuple[int, ...] | None = None) -> Any:
    value = expected(evaluate(x, values, SIZES), x)
    return value if shape is None else np.reshape(value, shape)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_the_reference_s(loss: str, target: str) -> None:
    found = libraries(target)
    d = mc.derive(loss, wrt=LOSSES[loss].split(","), declare=DECLARED)
    if target == "array-api" and any(name in loss for name in NOT_STANDARD):
        with pytest.raises(UnsupportedError, match="the target array-api has no"):
            d.source(target)
        return
    source = d.source(target)
    module = compile_module(source)
    for convert in found:
        values, arrays = drawn(d, module["value_and_gradient"], convert)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value, gradient = module["value_and_gradient"](**arrays)
            alone, second = module["value"](**arrays), module["gradient"](**arrays)
        several = len(d.answers) > 1
        gradients, others = (gradient, second) if several else ((gradient,), (second,))
        assert close(value, wanted_of(d.loss, values)), source
        assert close(alone, value)
        for answer, found, other in zip(d.answers.values(), gradients, others, strict=True):
            wanted = wanted_of(answer.expr, values)
            if answer.name == "M":
                wanted = wanted[:, None]
            assert close(found, wanted), source
            assert close(other, wanted), source


def drawn(d: Any, function: Any, convert: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values for the reference, and the same as arguments."""
    rng = np.random.default_rng(7)
    values = draw_values([d.loss, *(a.expr for a in d.answers.values())], d.declared, SIZES, rng, "normal")
    for name in ("X", "Y"):  # well-conditioned, and of positive determinant
        if name in values:
            g = np.asarray(values[name])
            values[name] = 0.3 * g + 2 * np.eye(len(g))
    arrays = {k: converted(v, convert) for k, v in arguments(function, values, d.declared, SIZES).items()}
    arrays |= {k: (lambda z, f=v: convert(f(as_numpy(z)))) for k, v in arrays.items() if callable(v)}
    return values, arrays


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("function", JACOBIANS)
def test_jacobians_are_numpy_s(function: str, target: str) -> None:
    libraries(target)
    d = mc.derive(function, wrt=JACOBIANS[function].split(","), declare=DECLARED)
    here, there = compile_module(d.source("numpy"))["jacobian"], compile_module(d.source(target))["jacobian"]
    for convert in libraries(target):
        values, arrays = drawn(d, here, convert)
        wanted, found = here(**arguments(here, values, d.declared, SIZES)), there(**arrays)
        if len(d.answers) == 1:
            wanted, found = (wanted,), (found,)
        assert all(close(f, w) for f, w in zip(found, wanted, strict=True))


HESSIANS = {
    "x'*X*x + c*norm2(x)^2": "x,c",
    "sum(log(1 + exp(-z .* (A*x))))": "x",
    "logdet(S) + y'*inv(S)*y": "S",
    "norm2(A*B)^2": "A,B",
    "tr(X*Y*X')": "X",
    "sum(i, i*x[i]^2*y[i]) + norm2(M)^2": "x,M",
}


@pytest.mark.parametrize("target", TARGETS[1:])
@pytest.mark.parametrize("loss", HESSIANS)
def test_hessians_are_numpy_s(loss: str, target: str) -> None:
    found = libraries(target)
    names = HESSIANS[loss].split(",")
    d = mc.derive(loss, wrt=names, declare=DECLARED, order=2)
    here, there = compile_module(d.source("numpy")), compile_module(d.source(target))
    values = draw_values([d.loss], d.declared, SIZES, np.random.default_rng(7), "normal")
    kinds = {**d.declared, **{f"d{name}": d.declared[name] for name in names}}
    values |= {f"d{name}": values[name] for name in names}
    for convert in found:
        for name in ("hessian", "hvp", "gradient"):
            given = arguments(here[name], values, kinds, SIZES)
            wanted = flattened(here[name](**given))
            parts = flattened(there[name](**{k: converted(v, convert) for k, v in given.items()}))
            assert all(close(p, w) for p, w in zip(parts, wanted, strict=True))


def flattened(value: Any) -> list[Any]:
    return [part for v in value for part in flattened(v)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("target", TARGETS)
def test_random_expressions(target: str) -> None:
    """Values of random expressions; what the target has no function for is refused by name."""
    if target in ("jax", "torch"):
        pytest.importorskip(target)
    convert, checked = libraries(target)[-1 if target == "array-api" else 0], 0
    for seed in range(40 if target in ("jax", "torch") else 150):
        grower = Grower(random.Random(seed).randrange, False)
        x = grower.expression(grower.shape(), 4)
        checked += bool(agrees_in(x, KINDS, target, convert))
    assert checked > 15


def agrees_in(x: Expr, kinds: Mapping[str, Kind], target: str, convert: Any) -> bool:
    """Whether the value was compared: it was defined, and well-conditioned."""
    values = draw_values([x], kinds, SIZES, np.random.default_rng(3), "positive")
    near = {k: v * (1 + 1e-12) if isinstance(v, np.ndarray) else v for k, v in values.items()}
    with np.errstate(all="ignore"):
        wanted, moved = (expected(evaluate(x, v, SIZES), x) for v in (values, near))
    large = np.max(np.abs(wanted), initial=0)
    if not np.all(np.isfinite(wanted)) or large > 1e8 or np.max(np.abs(moved - wanted), initial=0) > 1e-9 * (1 + large):
        return False
    try:
        function = compile_module(module_source(x, [], kinds, target=target))["value"]
    except UnsupportedError:
        return False
    arrays = {k: converted(v, convert) for k, v in arguments(function, values, kinds, SIZES).items()}
    arrays |= {k: (lambda *z, f=v: convert(f(*map(as_numpy, z)))) for k, v in arrays.items() if callable(v)}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = function(**arrays)
    assert close(found, wanted, 1e-8), x
    return True


@pytest.mark.parametrize("target", TARGETS)
def test_entries_counted_from_the_end(target: str) -> None:
    """unit(-1, n) is the last unit vector in every target: of a column, of a row, of an entry."""
    convert = libraries(target)[0]
    X = np.arange(6.0).reshape(2, 3)
    for f, wanted in (
        ("exp(sum(X[:, -1]))", np.exp(7.0) * np.array([[0, 0, 1.0], [0, 0, 1.0]])),
        ("exp(sum(X[-1, :])/10)", np.exp(1.2) / 10 * np.array([[0, 0, 0], [1.0, 1.0, 1.0]])),
        ("X[-1, -2]^2", np.array([[0, 0, 0], [0, 8.0, 0]])),
    ):
        gradient = compile_module(mc.derive(f, "X", {"X": "matrix(m, n)"}).source(target))["gradient"]
        assert close(gradient(X=convert(X)), wanted)


@pytest.mark.parametrize("target", TARGETS)
def test_functions_of_whole_numbers(target: str) -> None:
    """Of numbers in the formula, of sizes, and of arrays of whole numbers."""
    convert = libraries(target)[0]
    for name in ("exp", "sqrt", "tanh", "sigmoid", "softplus", "sin"):
        f = f"c*({name}(1) + {name}(n) + sum({name}(y)))"
        given = {"c": convert(np.float64(2.0)), "y": convert(np.array([1, 2, 1]))}
        found = compile_module(mc.derive(f, "c", "y: vector(n); c: scalar").source(target))["gradient"](**given)
        at = evaluate(mc.parse(f"{name}(z)", "z: vector(m)"), {"z": np.array([[1.0], [3], [1], [2], [1]])}, {"m": 5})
        assert close(found, np.sum(at), 1e-6), name


# --- stability --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_values_where_the_naive_form_overflows(target: str) -> None:
    convert = libraries(target)[0]
    z = convert(np.array([1000.0, 999.0, -1000.0]))
    both = compile_module(mc.derive("log(sum(exp(z)))", wrt="z").source(target))["value_and_gradient"]
    value, gradient = both(z=z)
    assert close(value, 1000 + np.log1p(np.exp(-1.0)))
    assert close(gradient, np.array([1, np.exp(-1.0), 0]) / (1 + np.exp(-1.0)))

    both = compile_module(mc.derive("sum(log(sigmoid(z)))", wrt="z").source(target))["value_and_gradient"]
    value, gradient = both(z=convert(np.array([-800.0, 800.0])))
    assert close(value, -800.0)
    assert close(gradient, np.array([1.0, 0.0]))

    both = compile_module(mc.derive("log(det(X))", wrt="X").source(target))["value_and_gradient"]
    value, gradient = both(X=convert(1e-3 * np.eye(400)))
    assert close(value, 400 * np.log(1e-3))
    assert close(gradient, 1e3 * np.eye(400))


# a loss, where its naive form overflows, underflows or cancels, and its value and gradient there with 60 digits
STABLE = {
    "log(sum(exp(z)))": [1000.0, 999.0, -1000.0],
    "log(sum(exp(z))/3)": [1000.0, 999.0, -1000.0],
    "log(mean(exp(z)))": [-1000.0, -999.0, -1003.0],
    "sum(log(sigmoid(z)))": [-800.0, 800.0, 1.0],
    "sum(log(1 - sigmoid(z)))": [-40.0, 800.0, 1.0],
    "sum(log(1 + exp(z)))": [-40.0, 800.0, 1.0],
    "sum(sigmoid(z) .* sigmoid(-z))": [-700.0, 30.0, 1.0],
    "sum(1 ./ (1 + exp(-z)))": [-650.0, 800.0, 1.0],
    "sum(exp(z) ./ (1 + exp(z)))": [-650.0, 800.0, 1.0],
    "sum(softmax(z) .* log(softmax(z)))": [1000.0, 999.0, 990.0],
    "-log(softmax(z)[1])": [1000.0, -900.0, 990.0],
    "sum(log(cosh(z)))": [-800.0, 800.0, 1.0],
    "log(exp(z[0]) + exp(z[1]))": [900.0, 901.0, 0.0],
    "sum(log(z.^2))": [1e-200, 1e200, -3.0],
    "norm2(z)": [1e-200, 2e-200, -1e-200],
    "norm2(3*z)": [1e200, 2e200, -1e200],
    "sum(expm1(z) + log1p(z))": [1e-18, 2e-18, -1e-18],
}


def exactly(loss: str, z: list[float]) -> tuple[float, list[float]]:
    """The value and the gradient by differences, computed with 900 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(900):
        exp, log = mpmath.exp, mpmath.log

        def f(*x: Any) -> Any:
            e = [exp(v) for v in x]
            p = [v / sum(e) for v in e]
            s = [v / (1 + v) for v in e]
            return {
                "log(sum(exp(z)))": lambda: log(sum(e)),
                "log(sum(exp(z))/3)": lambda: log(sum(e) / 3),
                "log(mean(exp(z)))": lambda: log(sum(e) / 3),
                "sum(log(sigmoid(z)))": lambda: sum(map(log, s)),
                "sum(log(1 - sigmoid(z)))": lambda: sum(log(1 - v) for v in s),
                "sum(log(1 + exp(z)))": lambda: sum(log(1 + v) for v in e),
                "sum(sigmoid(z) .* sigmoid(-z))": lambda: sum(v * (1 - v) for v in s),
                "sum(1 ./ (1 + exp(-z)))": lambda: sum(s),
                "sum(exp(z) ./ (1 + exp(z)))": lambda: sum(s),
                "sum(softmax(z) .* log(softmax(z)))": lambda: sum(v * log(v) for v in p),
                "-log(softmax(z)[1])": lambda: -log(p[1]),
                "sum(log(cosh(z)))": lambda: sum(log(mpmath.cosh(v)) for v in x),
                "log(exp(z[0]) + exp(z[1]))": lambda: log(e[0] + e[1]),
                "sum(log(z.^2))": lambda: sum(log(v * v) for v in x),
                "norm2(z)": lambda: mpmath.sqrt(sum(v * v for v in x)),
                "norm2(3*z)": lambda: 3 * mpmath.sqrt(sum(v * v for v in x)),
                "sum(expm1(z) + log1p(z))": lambda: sum(exp(v) - 1 + log(1 + v) for v in x),
            }[loss]()

        x = [mpmath.mpf(v) for v in z]
        gradient = []
        for k in range(len(x)):
            h = mpmath.mpf(10) ** -300 * (abs(x[k]) or 1)
            up, down = ([v + (s * h if i == k else 0) for i, v in enumerate(x)] for s in (1, -1))
            gradient.append(float((f(*up) - f(*down)) / (2 * h)))
        return float(f(*x)), gradient


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", STABLE)
def test_ten_digits_where_the_naive_form_has_none(loss: str, target: str) -> None:
    if target in ("jax", "torch"):
        pytest.importorskip(target)
    if loss.startswith("norm2") and target not in ("numpy", "scipy"):
        pytest.skip("the norm is the library's")
    z = STABLE[loss]
    wanted = exactly(loss, z)
    module = compile_module(mc.derive(loss, wrt="z", declare="z: vector(3)").source(target))
    for convert in libraries(target):
        with np.errstate(all="ignore"):
            value, gradient = module["value_and_gradient"](z=convert(np.array(z)))
        assert float(as_numpy(value)) == pytest.approx(wanted[0], rel=1e-10)
        assert as_numpy(gradient) == pytest.approx(wanted[1], rel=1e-10, abs=1e-300)


# --- scipy: one factorisation ---------------------------------------------------------------------------


def calls_in(source: str, function: str, name: str) -> int:
    body = source.split(f"def {function}(")[1].split("\ndef ")[0]
    return body.count(f"{name}(")


def test_one_lu_for_solves_inverse_and_determinant() -> None:
    d = mc.derive("y'*inv(X)*x + y'*inv(X')*x + logdet(X)", wrt="X", declare=DECLARED)
    source = d.source("scipy")
    assert calls_in(source, "value_and_gradient", "_lu") == 1
    assert "np.linalg.solve" not in source
    assert "np.linalg.inv" not in source


def test_one_cholesky_for_what_is_declared_positive_definite() -> None:
    declared = "K: spd(n)\nA: matrix(m, n)\ny: vector(n)\nc: scalar, positive"
    d = mc.derive("logdet(K) + y'*inv(K)*y", wrt="K", declare=declared)
    assert calls_in(d.source("scipy"), "value_and_gradient", "_cholesky") == 1
    d = mc.derive("logdet(A'*A + c*eye(n))", wrt="A", declare=declared)
    assert calls_in(d.source("scipy"), "gradient", "_cholesky") == 1
    with pytest.raises(np.linalg.LinAlgError):
        compile_module(mc.derive("logdet(K)", wrt="K", declare="K: spd(n)").source("scipy"))["value"](K=-np.eye(2))


@pytest.mark.parametrize("matrix", ["A*A'", "A*diag(x.^2)*A'", "B'*diag(exp(x))*B"])
def test_what_is_semidefinite_and_has_an_inverse_is_factored_by_cholesky(matrix: str) -> None:
    d = mc.derive(f"logdet({matrix})", wrt=matrix[0], declare={"A": "matrix(m, n)", "B": "matrix(n, k)"})
    source = d.source("scipy")
    assert calls_in(source, "gradient", "_cholesky") == 1
    assert "sqrt" in source or "x" not in matrix
    rng = np.random.default_rng(0)
    sizes = {"A": (3, 5), "B": (5, 3), "x": (5,)}
    given = {name: rng.normal(size=sizes[name]) for name in d.declared}
    found, wanted = (compile_module(d.source(t))["value_and_gradient"](**given) for t in ("scipy", "array-api"))
    assert close(found[0], wanted[0])
    assert close(found[1], wanted[1])


def test_a_single_solve_stays_numpy_s() -> None:
    source = mc.derive("x'*inv(X)*y", wrt="x", declare="X: matrix(n, n)").source("scipy")
    assert "np.linalg.solve" in source
    assert "lapack" not in source


def test_singular_and_negative_matrices() -> None:
    d = mc.derive("a'*inv(X)*b + logdet(X)", wrt="X", declare="a: vector(n)\nb: vector(n)\nX: matrix(n, n)")
    module = compile_module(d.source("scipy"))
    ones = np.ones(2)
    with pytest.raises(np.linalg.LinAlgError):
        module["gradient"](a=ones, b=ones, X=np.zeros((2, 2)))
    assert np.isnan(module["value"](a=ones, b=ones, X=np.diag([1.0, -1.0])))


def test_names_of_the_modules_may_be_the_user_s() -> None:
    in_jax()
    for target, names in {"scipy": ["lapack", "np"], "array-api": ["xp", "like"], "jax": ["jnp"]}.items():
        for name in names:
            declare = f"{name}: spd(n)\ny: vector(n)"
            d = mc.derive(f"logdet({name}) + y'*inv({name})*y + sum(sin(y) - sin(y))", wrt=name, declare=declare)
            both = compile_module(d.source(target))["value_and_gradient"]
            value, gradient = both(**{name: 2 * np.eye(2), "y": np.ones(2)})
            assert close(value, 2 * np.log(2) + 1)
            assert close(gradient, np.eye(2) / 2 - np.ones((2, 2)) / 4)


# --- further differentiation, sharding ------------------------------------------------------------------------


def test_jax_compiles_and_differentiates_further() -> None:
    asarray = in_jax()
    import jax

    d = mc.derive("sum(log(1 + exp(A*x))) + x'*inv(S)*x", wrt="x", declare=DECLARED)
    hessian = compile_module(mc.derive(d.text(), wrt="x", declare=DECLARED).source("numpy"))["jacobian"]
    module = compile_module(d.source("jax"))
    rng = np.random.default_rng(1)
    g = rng.normal(size=(4, 4))
    values = {"A": rng.normal(size=(3, 4)), "x": rng.normal(size=4), "S": g @ g.T + np.eye(4)}
    arrays = {name: 1.0 for name in d.declared if name != "f"} | {k: asarray(v) for k, v in values.items()}
    assert close(jax.jit(module["gradient"])(**arrays), module["gradient"](**arrays))
    by_x = jax.jit(jax.jacobian(lambda x: module["gradient"](**{**arrays, "x": x})))(arrays["x"])
    assert close(by_x, hessian(**{**arrays, **values}))
    assert close(jax.grad(lambda x: module["value"](**{**arrays, "x": x}))(arrays["x"]), module["gradient"](**arrays))


def test_torch_differentiates_by_our_gradient() -> None:
    torch = pytest.importorskip("torch")
    declare = {"A": "matrix(m, n)", "x": "vector(n)", "z": "vector(m)", "c": "scalar"}
    d = mc.derive("sum(log(1 + exp(-z .* (A*x)))) + c*norm2(x)^2", wrt=["x", "c"], declare=declare)
    module = compile_module(d.source("torch"))
    rng = np.random.default_rng(1)
    values = {"A": rng.normal(size=(3, 4)), "x": rng.normal(size=4), "z": rng.normal(size=3)}
    arrays = {k: torch.tensor(v, requires_grad=k == "x") for k, v in values.items()} | {"c": torch.tensor(0.5).double()}
    order = inspect.signature(module["value"]).parameters
    module["Loss"].apply(*(arrays[n] for n in order)).backward()
    wanted = module["gradient"](**arrays)[0].detach()
    assert close(arrays["x"].grad, wanted)
    arrays["x"].grad = None
    module["value"](**arrays).backward()
    assert close(arrays["x"].grad, wanted)


LOGISTIC = "1/n*sum(log(1 + exp(-y .* (X*w))))", {"X": "matrix(n, k)", "y": "vector(n)", "w": "vector(k)"}
SQUARES = "norm2(X*w - y)^2/n", LOGISTIC[1]


@pytest.mark.parametrize("loss", [LOGISTIC, SQUARES])
def test_rows_in_dask_chunks(loss: tuple[str, dict[str, str]]) -> None:
    da = pytest.importorskip("dask.array")
    d = mc.derive(loss[0], wrt="w", declare=loss[1])
    rng = np.random.default_rng(1)
    values = {"X": rng.normal(size=(40, 3)), "y": rng.normal(size=40), "w": rng.normal(size=3)}
    chunked = {
        "X": da.from_array(values["X"], chunks=(10, 3)), "y": da.from_array(values["y"], chunks=10), "w": values["w"]
    }  # fmt: skip
    value, gradient = compile_module(d.source("array-api"))["value_and_gradient"](**chunked)
    wanted = compile_module(d.source("numpy"))["value_and_gradient"](**values)
    assert isinstance(gradient, da.Array)
    assert close(value.compute(), wanted[0])
    assert close(gradient.compute(), wanted[1])


SHARDED = """
import numpy as np, jax
from jax.sharding import NamedSharding, PartitionSpec as P
from matcalc.generator.code import compile_module
jax.config.update("jax_enable_x64", True)
mesh = jax.sharding.Mesh(np.array(jax.devices()), ("rows",))
rng = np.random.default_rng(1)
values = dict(X=rng.normal(size=(40, 3)), y=rng.normal(size=40), w=rng.normal(size=3))
parts = dict(X=P("rows", None), y=P("rows"), w=P())
arrays = {k: jax.device_put(v, NamedSharding(mesh, parts[k])) for k, v in values.items()}
assert len(arrays["X"].addressable_shards) == 4
for there, here in zip(SOURCES[::2], SOURCES[1::2]):
    gradient = jax.jit(compile_module(there)["gradient"])(**arrays)
    assert np.allclose(gradient, compile_module(here)["gradient"](**values), rtol=1e-12)
"""


def test_rows_over_four_devices() -> None:
    """The number of devices is fixed before JAX starts: in a process of its own."""
    pytest.importorskip("jax")
    sources = []
    for text, declare in (LOGISTIC, SQUARES):
        d = mc.derive(text, wrt="w", declare=declare)
        sources += [d.source("jax"), d.source("numpy"), d.source("array-api"), d.source("numpy")]
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    script = SHARDED.replace("SOURCES", repr(sources))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_in_the_standard_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="the target array-api has no erf"):
        mc.derive("sum(erf(x))", wrt="x").source("array-api")


@pytest.mark.parametrize("target", TARGETS)
def test_a_gradient_by_a_named_quantity_has_code_in_every_target(target: str) -> None:
    program = "X: matrix(m, n)\nW: matrix(n, k)\nZ = X*W\nL = norm2(sigmoid(Z))^2"
    source = mc.derive(program, ["W", "Z"]).source(target)

    assert "def gradient(" in source
    assert ".Function)" not in source  # Z is no input that PyTorch could differentiate by


@pytest.mark.parametrize("function", ["X*log(det(X'*X))", "X*log(det(X))", "ones(n, n) ./ (1 + exp(-X))"])
def test_arrays_of_four_axes_are_stable_too(function: str) -> None:
    """The parts of an index form are written in their stable forms, as those of a matrix are."""
    d = mc.derive(function, wrt="X", declare="X: matrix(n, n)")
    jacobian = compile_module(d.source("numpy"))["jacobian"]
    rng = np.random.default_rng(0)
    X, E = 2 * np.eye(3) + 0.3 * rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    value = compile_module(d.source("numpy"))["value"]
    difference = (value(X=X + 1e-6 * E) - value(X=X - 1e-6 * E)) / 2e-6
    assert np.allclose(np.einsum("ijkl,kl->ij", jacobian(X=X), E), difference, atol=1e-7)
    assert np.all(np.isfinite(jacobian(X=1000 * X)))
