"""Generated code means what the reference evaluation says, with the contract's names, shapes and parameters."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import matcalc as mc
from matcalc import ops
from matcalc.errors import MatcalcError, UnsupportedError
from matcalc.expr import Expr, topological
from matcalc.generator.code import compile_module, module_source
from matcalc.kinds import ELEMENTWISE, SCALAR_KIND, Kind
from matcalc.numeric.evaluate import evaluate
from matcalc.shapes import ONE, SCALAR, Dim, Shape
from tests.code_cases import agrees
from tests.strategies import DIMS, KINDS, VARIABLES, Grower, K, M, N, examples

GOLDEN = Path(__file__).parent.parent / "golden"


class StructureGrower(Grower):
    """Expressions full of what code treats specially: Kronecker products, inverses, diagonals, traces, loops."""

    def expression(self, shape: Shape, depth: int) -> Expr:
        if depth <= 0 or self.choose(3) == 0:
            return super().expression(shape, depth)
        own: list[Callable[[Shape, int], Expr]] = [self.chain]
        if shape == SCALAR:
            own += [self.traced, self.summed, self.squared]
        elif ONE not in shape:
            own += [self.kron_of_lines, self.vec_and_back, self.outer]
            own += [self.divided]
            if shape[0] is shape[1]:
                own += [self.diagonal_matrix, self.shifted]
        elif shape[1] is ONE:
            own += [self.looped, self.solved, self.stacked, self.diagonal_of_product, self.kron_applied, self.row_sums]
        return self.pick(own)(shape, depth - 1)

    def chain(self, shape: Shape, depth: int) -> Expr:
        inner = [self.pick([*DIMS, *DIMS, ONE]) for _ in range(1 + self.choose(3))]
        dims = [shape[0], *inner, shape[1]]
        return ops.mul(*(self.expression((a, b), depth - 1) for a, b in zip(dims, dims[1:], strict=False)))

    def traced(self, shape: Shape, depth: int) -> Expr:
        n = self.pick(DIMS)
        return ops.trace(self.pick([self.chain, self.sum, self.shifted])((n, n), depth))

    def summed(self, shape: Shape, depth: int) -> Expr:
        inner = (self.pick(DIMS), self.pick(DIMS))
        return self.pick([ops.total, ops.mean])(self.pick([self.chain, self.hadamard, self.lifted])(inner, depth))

    def squared(self, shape: Shape, depth: int) -> Expr:
        x = self.expression((self.pick(DIMS), self.pick([ONE, *DIMS])), depth)
        if self.choose(2):
            return ops.power(ops.norm2(x), ops.num(2))
        return ops.trace(ops.mul(ops.transpose(x), x))

    def vec_and_back(self, shape: Shape, depth: int) -> Expr:
        m, n = shape
        x = self.expression((n, m), depth)
        return ops.unvec(ops.mul(ops.commutation(n, m), ops.vec(x)), m, n)

    def outer(self, shape: Shape, depth: int) -> Expr:
        return ops.mul(self.expression((shape[0], ONE), depth), self.expression((ONE, shape[1]), depth))

    def diagonal_matrix(self, shape: Shape, depth: int) -> Expr:
        v = self.expression((shape[0], ONE), depth)
        return ops.mul(ops.diag(v), self.expression(shape, depth), ops.diag(ops.transpose(v)))

    def divided(self, shape: Shape, depth: int) -> Expr:
        return ops.mul(self.expression(shape, depth), ops.inv(self.invertible(shape[1], depth)))

    def shifted(self, shape: Shape, depth: int) -> Expr:
        return ops.add(self.expression(shape, depth), ops.mul(self.expression(SCALAR, depth), ops.eye(shape[0])))

    def solved(self, shape: Shape, depth: int) -> Expr:
        a = self.invertible(shape[0], depth)
        inverse = ops.inv(self.pick([a, ops.transpose(a)]))
        return ops.mul(inverse, self.expression(shape, depth))

    def stacked(self, shape: Shape, depth: int) -> Expr:
        x = self.expression(shape, depth)
        stack = ops.block([[x], [self.expression(SCALAR, depth)]])
        return ops.slice_(stack, ("range", self.pick([None, 0]), -1), ("all",))

    def looped(self, shape: Shape, depth: int) -> Expr:
        """A sum over an index of arrays, some parts of which do not depend on the index."""
        self.indices += 1
        index = ops.idx(self.pick(["i", "j"]))
        b = VARIABLES["B"]  # n x k
        row, entry = ops.slice_(b, ("at",), ("all",), index), ops.slice_(b, ("at",), ("at",), index, ops.num(1))
        inner = self.expression((K, ONE), depth)
        body = ops.mul(entry, ops.fn("tanh", ops.mul(row, inner)), self.expression(shape, depth))
        if self.choose(2):
            body = ops.add(body, ops.mul(index, ops.unit(ops.num(1), shape[0])))
        return ops.isum(index, ops.num(self.choose(2)), ops.add(ops.dim(N), ops.num(-1)), body)

    def diagonal_of_product(self, shape: Shape, depth: int) -> Expr:
        return ops.diagvec(self.chain((shape[0], shape[0]), depth))

    def kron_applied(self, shape: Shape, depth: int) -> Expr:
        p, q = self.pick(DIMS), self.pick(DIMS)
        a, b = self.expression((p, q), depth), self.expression((shape[0], p), depth)
        big = ops.mul(ops.kron(a, b), ops.vec(self.expression((p, q), depth)))
        return ops.mul(ops.unvec(big, shape[0], p), self.expression((p, ONE), depth))

    def kron_of_lines(self, shape: Shape, depth: int) -> Expr:
        """(u kron v)' times something: a Kronecker product that is itself a row."""
        n, k = self.pick(DIMS), self.pick(DIMS)
        line = ops.kron(self.expression((ONE, n), depth), self.expression((ONE, k), depth))
        stacked = ops.vec(self.expression((k, n), depth))
        return ops.mul(ops.mul(line, stacked), self.expression(shape, depth))

    def row_sums(self, shape: Shape, depth: int) -> Expr:
        return ops.total(self.pick([self.chain, self.lifted])((shape[0], self.pick(DIMS)), depth), 1)


def grown(seed: int, structured: bool, depth: int, smooth: bool) -> Expr:
    source = random.Random(seed)
    grower = (StructureGrower if structured else Grower)(source.randrange, smooth)
    return grower.expression(grower.shape(), depth)


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("smooth", [False, True])
def test_generated_value_is_the_reference_value(structured: bool, smooth: bool) -> None:
    """Over random expressions, at two places each; most of them must have a finite value."""
    checked = 0
    for seed in range(150):
        try:
            expr = grown(seed, structured, 4, smooth)
        except MatcalcError:  # shapes that no constructor accepts
            continue
        if not smooth and any(n.op in ("cmp", "inv", "logdet", "pinv") for n in topological(expr)):
            continue  # a jump, or a singular matrix: rounding decides
        for strategy in ("normal", "positive"):
            try:
                checked += bool(agrees(expr, KINDS, np.random.default_rng(seed), strategy, 1e-7))
            except (ZeroDivisionError, np.linalg.LinAlgError):
                assert not smooth, "division by zero or a singular matrix where there is none"

    assert checked > 100


@examples(60)
@given(seed=st.integers(0, 10**9), structured=st.booleans())
def test_generated_value_is_the_reference_value_of_any_expression(seed: int, structured: bool) -> None:
    try:
        expr = grown(seed, structured, 3, True)
    except MatcalcError:
        assume(False)
    assert agrees(expr, KINDS, np.random.default_rng(seed)) is not False


# --- the contract ---------------------------------------------------------------------------------------


def variables(**kinds: Kind) -> dict[str, Expr]:
    return {name: ops.sym(name, kind) for name, kind in kinds.items()}


def vector(n: Dim | str) -> Kind:
    return Kind("vector", Dim.of(n))


def row(n: Dim | str) -> Kind:
    return Kind("row", ONE, Dim.of(n))


def matrix(m: Dim | str | int, n: Dim | str | int, *facts: str) -> Kind:
    return Kind("matrix", Dim.of(m), Dim.of(n), frozenset(facts))


def module(f: Expr, gradients: Mapping[str, Expr], kinds: Mapping[str, Kind], **more: Any) -> dict[str, Any]:
    source = module_source(f, list(gradients.items()), kinds, **more)
    imports = [n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(n).split(" as ")[0] for n in imports] == ["import numpy"]
    return compile_module(source)


def one() -> Expr:
    return ops.num(1)


def test_a_quadratic_form() -> None:
    kinds = {"A": matrix("n", "n"), "x": vector("n")}
    A, x = variables(**kinds).values()
    made = module(ops.mul(ops.transpose(x), A, x), {"x": ops.mul(ops.add(A, ops.transpose(A)), x)}, kinds)
    given = {"A": np.array([[1.0, 2.0], [3.0, 4.0]]), "x": np.array([5.0, 6.0])}

    assert made["value"](**given) == given["x"] @ given["A"] @ given["x"]
    assert type(made["value"](**given)) is float
    assert np.array_equal(made["gradient"](**given), (given["A"] + given["A"].T) @ given["x"])
    value, gradient = made["value_and_gradient"](**given)
    assert value == made["value"](**given)
    assert np.array_equal(gradient, made["gradient"](**given))


def test_several_gradients_are_a_tuple_in_that_order() -> None:
    kinds = {"a": vector("n"), "b": vector("n"), "c": SCALAR_KIND}
    a, b, c = variables(**kinds).values()
    f = ops.mul(c, ops.transpose(a), b)
    made = module(f, {"c": ops.mul(ops.transpose(a), b), "a": ops.mul(c, b)}, kinds)
    given = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 5.0]), "c": 2.0}

    by_c, by_a = made["gradient"](**given)
    assert by_c == 13.0
    assert type(by_c) is float
    assert by_a.tolist() == [6.0, 10.0]
    value, (again_c, again_a) = made["value_and_gradient"](**given)
    assert value == 26.0
    assert again_c == 13.0
    assert again_a.tolist() == [6.0, 10.0]


def test_every_variable_is_a_keyword_parameter_used_or_not() -> None:
    kinds = {"x": vector("n"), "unused": matrix("m", "n"), "y": vector("n")}
    made = module(ops.total(ops.sym("x", kinds["x"])), {"y": ops.zeros(N, ONE)}, kinds)
    given = {"x": np.ones(3), "unused": np.ones((2, 3)), "y": np.ones(3)}

    assert made["value"](**given) == 3.0
    assert made["gradient"](**given).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(TypeError):
        made["value"](x=np.ones(3))
    with pytest.raises(TypeError):
        made["value"](np.ones(3), np.ones((2, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (vector("n"), (3,)),
        (row("n"), (3,)),
        (matrix("n", 1), (3, 1)),
        (matrix(1, "n"), (1, 3)),
        (matrix("n", "n"), (3, 3)),
        (matrix(1, 1), (1, 1)),
        (Kind("vector", ONE), (1,)),
        (Kind("row", ONE, ONE), (1,)),
        (SCALAR_KIND, ()),
    ],
)
def test_arrays_come_and_go_with_the_axes_of_their_declaration(kind: Kind, shape: tuple[int, ...]) -> None:
    x = ops.sym("x", kind)
    square = ops.power(ops.norm2(x), ops.num(2)) if not x.is_scalar else ops.power(x, ops.num(2))
    made = module(square, {"x": ops.mul(ops.num(2), x)}, {"x": kind})
    given = np.arange(1.0, 1.0 + int(np.prod(shape))).reshape(shape)

    assert made["value"](x=given if shape else 1.0) == np.sum(given**2)
    gradient = made["gradient"](x=given if shape else 1.0)
    assert np.shape(gradient) == shape
    assert np.array_equal(gradient, 2 * given)


def test_an_answer_never_shares_memory_with_an_argument() -> None:
    kinds = {"a": vector("n"), "x": vector("n"), "A": matrix("n", "n"), "X": matrix("n", "n"), "Z": matrix("n", 1)}
    a, x, A, X, Z = variables(**kinds).values()
    f = ops.add(ops.mul(ops.transpose(a), x), ops.trace(ops.mul(A, X)), ops.mul(ops.transpose(a), Z))
    made = module(f, {"x": a, "X": ops.transpose(A), "a": ops.add(x, Z), "A": ops.transpose(X), "Z": a}, kinds)
    given = {"a": np.ones(2), "x": np.ones(2), "A": np.ones((2, 2)), "X": np.ones((2, 2)), "Z": np.ones((2, 1))}

    for gradient in made["gradient"](**given):
        assert not any(np.shares_memory(gradient, argument) for argument in given.values())
        gradient += 1.0


def test_constant_gradients_have_the_shape_of_the_variable() -> None:
    kinds = {"X": matrix("m", "n"), "b": row("n"), "c": vector("m"), "s": SCALAR_KIND}
    X, b, c, s = variables(**kinds).values()
    gradients = {
        "ones": ops.ones(M, N),
        "zeros": ops.zeros(M, N),
        "filled": ops.mul(s, ops.ones(M, N)),
        "rows": ops.mul(ops.ones(M, ONE), b),
        "columns": ops.mul(c, ops.ones(ONE, N)),
    }
    for gradient in gradients.values():
        made = module(ops.total(X), {"X": gradient}, kinds)
        given = {"X": np.ones((2, 3)), "b": np.arange(3.0), "c": np.arange(2.0), "s": 4.0}
        found = made["gradient"](**given)
        values = {"X": given["X"], "b": given["b"][None], "c": given["c"][:, None], "s": 4.0}
        assert np.array_equal(found, evaluate(gradient, values, {"m": 2, "n": 3}))
        found += 1.0  # not a read-only view


def test_integer_arguments_are_as_good_as_floats() -> None:
    kinds = {"x": vector("n"), "s": SCALAR_KIND}
    x, s = variables(**kinds).values()
    f = ops.total(ops.add(ops.power(x, ops.num(-2)), ops.mul(ops.power(s, ops.num(-1)), ops.power(x, s))))
    made = module(f, {"x": ops.mul(ops.num(-2), ops.power(x, ops.num(-3)))}, kinds)

    value = made["value"](x=np.array([1, 2]), s=-1)
    assert value == pytest.approx(1.25 - 1.5)
    assert made["gradient"](x=np.array([1, 2]), s=-1).tolist() == [-2.0, -0.25]


def test_names_that_python_or_the_generated_code_wants() -> None:
    names = ["lambda", "np", "t1", "float", "range", "_sigmoid", "value", "n", "None", "λ", "sum", "dn"]
    kinds: dict[str, Kind] = dict.fromkeys(names, SCALAR_KIND)
    kinds["x"] = vector("n")
    kinds["lambda_"] = SCALAR_KIND
    symbols = variables(**kinds)
    shared = ops.fn("sigmoid", ops.mul(symbols["t1"], symbols["np"], symbols["x"]))
    i = ops.idx("i")
    entry = ops.slice_(symbols["x"], ("at",), ("all",), i)
    loop = ops.isum(i, ops.num(0), ops.num(1), ops.mul(entry, symbols["range"]))
    f = ops.add(ops.total(shared), ops.total(ops.power(shared, ops.num(2))), loop, ops.dim(N), *(
        ops.mul(ops.num(k), symbols[name]) for k, name in enumerate([*names, "lambda_"], start=1)
    ))
    source = module_source(f, [("x", ops.ones(N, ONE)), ("lambda", ops.num(1))], kinds)
    made = compile_module(source)
    given = {name: 0.1 * (k + 1) for k, name in enumerate(names)}
    keywords = {"lambda": "lambda__", "None": "None_"}
    called = {keywords.get(name, name): value for name, value in given.items()}
    called |= {"x": np.array([0.5, 0.25]), "lambda_": 7.0}

    expected = evaluate(f, {**given, "x": called["x"], "lambda_": 7.0}, {"n": 2})
    assert made["value"](**called) == pytest.approx(expected, rel=1e-12)
    assert made["value_and_gradient"](**called)[1][1] == 1.0


@pytest.mark.parametrize("name", ["x = 1", "a.b", "x)", "", "1x", "__import__", "x\n", "a b", "__debug__"])
def test_nothing_that_is_not_a_name_is_ever_written(name: str) -> None:
    x = ops.sym(name, SCALAR_KIND)
    with pytest.raises(UnsupportedError):
        module_source(x, [], {name: SCALAR_KIND})
    with pytest.raises(UnsupportedError):
        module_source(ops.num(1), [], {name: SCALAR_KIND})
    with pytest.raises(UnsupportedError):
        module_source(ops.ufn(name, ELEMENTWISE, [ops.sym("x", SCALAR_KIND)], 0), [], {})
    with pytest.raises(UnsupportedError):
        module_source(ops.dim(Dim.of(name)), [], {})


def test_a_header_is_comments_whatever_it_holds() -> None:
    source = module_source(ops.num(1), [], {}, header='f = 1\n"""\rimport os\x0cimport os\u2028import os\n')

    assert not re.search(r"^import os", source, re.MULTILINE)
    assert compile_module(source)["value"]() == 1.0


# --- definitions, Jacobians, indices -----------------------------------------------------------------------


def test_definitions_name_the_temporaries_and_may_be_referred_to() -> None:
    kinds = {"W": matrix("m", "n"), "x": vector("n")}
    W, x = variables(**kinds).values()
    hidden = ops.sym("h", vector("m"))
    delta = ops.sym("dh", vector("m"))
    slope = ops.sub(ops.ones(M, ONE), ops.power(hidden, ops.num(2)))
    definitions = [("h", ops.fn("tanh", ops.mul(W, x))), ("dh", slope)]
    f = ops.total(hidden)
    source = module_source(f, [("W", ops.mul(delta, ops.transpose(x)))], kinds, definitions=definitions)
    made = compile_module(source)
    given = {"W": np.array([[0.1, 0.2]]), "x": np.array([1.0, 2.0])}

    assert "    h = np.tanh(W @ x)\n" in source
    assert "    dh = 1 - h**2\n" in source
    assert made["value"](**given) == pytest.approx(np.tanh(0.5))
    assert made["gradient"](**given) == pytest.approx((1 - np.tanh(0.5) ** 2) * given["x"][None])


def test_a_definition_in_terms_of_itself_is_refused() -> None:
    h = ops.sym("h", vector("n"))
    with pytest.raises(UnsupportedError):
        module_source(ops.total(h), [], {}, definitions=[("h", ops.mul(ops.num(2), h))])


def test_jacobians_have_the_axes_of_the_function_and_then_of_the_variable() -> None:
    kinds = {"A": matrix("m", "n"), "x": vector("n"), "s": SCALAR_KIND, "X": matrix("n", 1)}
    A, x, s, X = variables(**kinds).values()
    f = ops.add(ops.mul(s, A, x), ops.mul(A, X))
    answers = [("x", ops.mul(s, A)), ("s", ops.mul(A, x)), ("X", A)]
    made = compile_module(module_source(f, answers, kinds, what="jacobian"))
    given = {"A": np.arange(6.0).reshape(2, 3), "x": np.ones(3), "s": 2.0, "X": np.zeros((3, 1))}

    by_x, by_s, by_X = made["jacobian"](**given)
    assert np.array_equal(by_x, 2 * given["A"])
    assert np.array_equal(by_s, given["A"].sum(axis=1))
    assert np.array_equal(by_X, given["A"][:, :, None])
    assert not np.shares_memory(by_X, given["A"])
    assert "value_and_gradient" not in made


def test_free_indices_are_parameters() -> None:
    kinds = {"X": matrix("m", "n")}
    i, j = ops.idx("i"), ops.idx("j")
    entry = ops.slice_(ops.sym("X", kinds["X"]), ("at",), ("at",), i, j)
    at = ops.mul(ops.unit(i, M), ops.transpose(ops.unit(j, N)))
    made = module(ops.power(entry, ops.num(2)), {"X": ops.mul(ops.num(2), entry, at)}, kinds)
    X = np.arange(6.0).reshape(2, 3)

    assert made["value"](X=X, i=1, j=0) == 9.0
    assert made["gradient"](X=X, i=1, j=0).tolist() == [[0, 0, 0], [6, 0, 0]]


def test_sums_over_indices_within_each_other() -> None:
    """The inner bounds depend on the outer index; a letter is used twice; a sum is empty."""
    x = ops.sym("x", vector("n"))
    i, j = ops.idx("i"), ops.idx("j")
    last = ops.add(ops.dim(N), ops.num(-1))

    def at(index: Expr) -> Expr:
        return ops.slice_(x, ("at",), ("all",), index)

    triangle = ops.isum(i, ops.num(0), last, ops.isum(j, ops.num(0), i, ops.mul(at(i), at(j), ops.fn("exp", at(j)))))
    again = ops.isum(i, ops.num(0), last, ops.mul(at(i), ops.isum(i, ops.num(1), last, ops.mul(i, at(i)))))
    empty = ops.isum(i, ops.num(3), ops.num(2), at(i))
    f = ops.add(triangle, again, empty)
    given = np.array([0.5, -1.0, 2.0, 3.0])

    found = module(f, {}, {"x": vector("n")})["value"](x=given)
    assert found == pytest.approx(evaluate(f, {"x": given[:, None]}, {"n": 4}))
    assert found == pytest.approx(
        sum(given[a] * given[b] * np.exp(given[b]) for a in range(4) for b in range(a + 1))
        + given.sum() * sum(a * given[a] for a in range(1, 4))
    )


# --- sizes ----------------------------------------------------------------------------------------------


def test_dimensions_are_solved_from_the_arrays() -> None:
    n, k, p = Dim.of("n"), Dim.of("k"), Dim.of("p")
    kinds = {"X": matrix(k * n, n), "y": vector(n + p + 1)}
    made = module(ops.add(ops.dim(k), ops.mul(ops.num(100), ops.dim(p)), ops.dim(k * n)), {}, kinds)

    assert made["value"](X=np.ones((12, 3)), y=np.ones(9)) == 4 + 500 + 12


def test_a_dimension_that_no_array_tells_is_a_required_keyword() -> None:
    kinds = {"x": SCALAR_KIND}
    x = ops.sym("x", SCALAR_KIND)
    made = module(ops.mul(ops.reciprocal(ops.dim(N)), x), {"x": ops.reciprocal(ops.dim(N))}, kinds)

    assert made["value"](x=3.0, n=2) == 1.5
    assert made["gradient"](x=3.0, n=2) == 0.5
    with pytest.raises(TypeError):
        made["value"](x=3.0)


def test_a_dimension_that_only_a_square_tells_is_a_required_keyword() -> None:
    n = Dim.of("n")
    made = module(ops.dim(n), {}, {"x": vector(n * n)})

    assert made["value"](x=np.ones(9), n=3) == 3.0


# --- undefined functions ----------------------------------------------------------------------------------


def test_undefined_functions_are_callables() -> None:
    kinds = {
        "x": vector("n"),
        "W": matrix("m", "n"),
        "s": ELEMENTWISE,
        "g": Kind("function", args=(vector("n"),), result=vector("m")),
        "h": Kind("function", args=(vector("m"),), result=SCALAR_KIND),
    }
    x, W = (ops.sym(name, kinds[name]) for name in "xW")
    inner = ops.ufn("g", kinds["g"], [x], ())
    f = ops.add(ops.ufn("h", kinds["h"], [inner], ()), ops.total(ops.ufn("s", ELEMENTWISE, [ops.mul(W, x)], 0)))
    by_x = ops.add(
        ops.mul(ops.transpose(ops.ufn("g", kinds["g"], [x], (0,))), ops.ufn("h", kinds["h"], [inner], (0,))),
        ops.mul(ops.transpose(W), ops.ufn("s", ELEMENTWISE, [ops.mul(W, x)], 1)),
    )
    made = module(f, {"x": by_x}, kinds)
    B = np.arange(6.0).reshape(2, 3)
    given = {"x": np.array([0.1, 0.2, 0.3]), "W": np.ones((2, 3))}
    values = {"s": np.sin, "g": lambda v: B @ v, "h": lambda v: v @ v}
    derivatives = {"ds": np.cos, "Dg": lambda v: B, "Dh": lambda v: 2 * v}

    assert made["value"](**given, **values) == pytest.approx(
        (B @ given["x"]) @ (B @ given["x"]) + 2 * np.sin(0.6)
    )  # derivatives may be left out where they are not needed
    wanted = 2 * B.T @ B @ given["x"] + 2 * np.cos(0.6)
    assert made["gradient"](**given, g=values["g"], **derivatives) == pytest.approx(wanted)
    assert made["value_and_gradient"](**given, **values, **derivatives)[1] == pytest.approx(wanted)


def test_derivatives_of_undefined_functions_give_way_to_names_of_the_user() -> None:
    """Hg is a function of the user's own, Dg a variable, and g has a gradient and a Hessian too."""
    of_x = Kind("function", args=(vector("n"),), result=SCALAR_KIND)
    kinds = {"x": vector("n"), "Dg": vector("n"), "g": of_x, "Hg": of_x}
    x, v = ops.sym("x", kinds["x"]), ops.sym("Dg", kinds["Dg"])
    gradient = ops.transpose(ops.ufn("g", of_x, [x], (0,)))
    f = ops.add(
        ops.mul(gradient, ops.ufn("g", of_x, [v], (0, 0)), v), ops.ufn("g", of_x, [x], ()), ops.ufn("Hg", of_x, [v], ())
    )
    made = module(f, {}, kinds)
    given = {"x": np.array([1.0, 2.0]), "Dg": np.array([3.0, 5.0])}
    found = made["value"](
        **given, g=lambda u: u @ u, Dg_=lambda u: 2 * u, Hg_=lambda u: 2 * np.eye(2), Hg=lambda u: 100 * u.sum()
    )

    assert found == pytest.approx(4 * 13 + 5 + 800)


def test_callables_get_and_give_arrays_with_their_declared_axes() -> None:
    kinds = {"x": vector("n"), "g": Kind("function", args=(matrix("n", 1),), result=matrix(1, "n"))}
    x = ops.sym("x", kinds["x"])
    made = module(ops.ufn("g", kinds["g"], [x], ()), {}, kinds)
    seen = []

    def g(v: Any) -> Any:
        seen.append(v.shape)
        return 2 * v.T

    assert made["value"](x=np.array([1.0, 2.0]), g=g).tolist() == [2.0, 4.0]
    assert seen == [(2, 1)]


# --- stability ------------------------------------------------------------------------------------------


def test_functions_that_overflow_when_written_naively() -> None:
    x = ops.sym("x", vector("n"))
    ones, exp = ops.ones(N, ONE), ops.fn("exp", x)
    large = np.array([800.0, -800.0, 0.5])
    small = np.exp(-800.0)
    sigma = 1 / (1 + np.exp(-0.5))
    cases = {
        "log(1 + exp(x))": (ops.fn("log", ops.add(ones, exp)), [800.0, small, np.log1p(np.exp(0.5))]),
        "log(sigmoid(x))": (ops.fn("log", ops.fn("sigmoid", x)), [-small, -800.0, np.log(sigma)]),
        "log(1 - sigmoid(x))": (
            ops.fn("log", ops.sub(ones, ops.fn("sigmoid", x))),
            [-800.0, -small, np.log(1 - sigma)],
        ),
        "1/(1 + exp(x))": (ops.reciprocal(ops.add(ones, exp)), [small, 1.0, 1 - sigma]),
        "exp(x)/(1 + exp(x))": (ops.div(exp, ops.add(exp, ones)), [1.0, small, sigma]),
        "exp(x)/sum(exp(x))": (ops.div(exp, ops.total(exp)), [1.0, 0.0, 0.0]),
        "log(exp(x)/sum(exp(x)))": (ops.fn("log", ops.div(exp, ops.total(exp))), [0.0, -1600.0, -799.5]),
        "log(softmax(x))": (ops.fn("log", ops.softmax(x)), [0.0, -1600.0, -799.5]),
        "log(sum(exp(x)))": (ops.fn("log", ops.total(exp)), 800.0),
        "log(1/(1 + exp(-x)))": (
            ops.fn("log", ops.reciprocal(ops.add(ones, ops.fn("exp", ops.neg(x))))),
            [-small, -800.0, np.log(sigma)],
        ),
    }
    for name, (expr, wanted) in cases.items():
        with np.errstate(all="raise", under="ignore"):
            found = module(expr, {}, {"x": vector("n")})["value"](x=large)
        assert found == pytest.approx(wanted, rel=1e-14, abs=1e-300), name


def test_small_arguments_do_not_vanish_beside_one() -> None:
    z = ops.sym("z", vector("n"))
    ones, small = ops.ones(N, ONE), np.array([1e-18, -2e-18])

    for expr in (ops.fn("log", ops.add(ones, z)), ops.sub(ops.fn("exp", z), ones)):
        assert module(expr, {}, {"z": vector("n")})["value"](z=small) == pytest.approx(small, rel=1e-14, abs=0)


def test_rows_of_exponentials_over_their_sums_are_a_softmax() -> None:
    kinds = {"Z": matrix("m", "n")}
    Z = ops.sym("Z", kinds["Z"])
    exp = ops.fn("exp", Z)
    given = np.array([[1000.0, 0.0, 1.0], [1.0, 2.0, -3.0]])
    for axis, lifted in (
        (1, ops.mul(ops.total(exp, 1), ops.ones(ONE, N))),
        (0, ops.mul(ops.ones(M, ONE), ops.total(exp, 0))),
    ):
        with np.errstate(all="raise", under="ignore"):
            found = module(ops.div(exp, lifted), {}, kinds)["value"](Z=given)
        moved = np.exp(given - given.max(axis=axis, keepdims=True))
        assert found == pytest.approx(moved / moved.sum(axis=axis, keepdims=True), rel=1e-14)


def test_a_determinant_under_a_logarithm_is_never_formed() -> None:
    kinds = {"X": matrix("n", "n")}
    f = ops.fn("log", ops.det(ops.sym("X", kinds["X"])))
    made = module(f, {}, kinds)

    assert made["value"](X=1e-3 * np.eye(500)) == pytest.approx(500 * np.log(1e-3))
    assert np.isnan(made["value"](X=np.diag([-1.0, 1.0])))


# --- whole modules -----------------------------------------------------------------------------------------


def quadratic() -> str:
    kinds = {"A": matrix("n", "n"), "x": vector("n")}
    A, x = variables(**kinds).values()
    f = ops.mul(ops.transpose(x), A, x)
    return module_source(f, [("x", ops.mul(ops.add(A, ops.transpose(A)), x))], kinds, header="f = x'*A*x")


def logistic_regression() -> str:
    kinds = {"X": matrix("n", "d"), "y": vector("n"), "w": vector("d"), "lambda": SCALAR_KIND}
    X, y, w, penalty = variables(**kinds).values()
    ones, inverse_n = ops.ones(N, ONE), ops.reciprocal(ops.dim(N))
    z = ops.mul(X, w)
    p = ops.fn("sigmoid", z)
    likelihood = ops.add(
        ops.had(y, ops.fn("log", p)), ops.had(ops.sub(ones, y), ops.fn("log", ops.sub(ones, p)))
    )
    f = ops.add(ops.neg(ops.mul(inverse_n, ops.total(likelihood))), ops.mul(penalty, ops.transpose(w), w))
    gradient = ops.add(
        ops.mul(inverse_n, ops.transpose(X), ops.sub(p, y)), ops.mul(ops.num(2), penalty, w)
    )
    return module_source(f, [("w", gradient)], kinds)


def classifier() -> str:
    kinds = {
        "X": matrix("N", "d"),
        "W1": matrix("d", "h"),
        "b1": row("h"),
        "W2": matrix("h", "K"),
        "b2": row("K"),
        "Y": matrix("N", "K"),
    }
    X, W1, b1, W2, b2, Y = variables(**kinds).values()
    samples = X.rows
    Z1 = ops.add(ops.mul(X, W1), ops.lift(b1, (samples, b1.cols)))
    H = ops.fn("sigmoid", Z1)
    P = ops.softmax(ops.add(ops.mul(H, W2), ops.lift(b2, (samples, b2.cols))), 1)
    inverse_n = ops.reciprocal(ops.dim(samples))
    f = ops.neg(ops.mul(inverse_n, ops.total(ops.had(Y, ops.fn("log", P)))))
    D2 = ops.mul(inverse_n, ops.sub(P, Y))
    D1 = ops.had(ops.mul(D2, ops.transpose(W2)), H, ops.sub(ops.ones(*H.shape), H))
    answers = [
        ("W1", ops.mul(ops.transpose(X), D1)),
        ("b1", ops.total(D1, 0)),
        ("W2", ops.mul(ops.transpose(H), D2)),
        ("b2", ops.total(D2, 0)),
    ]
    return module_source(f, answers, kinds, definitions=[("Z1", Z1), ("H", H), ("P", P), ("dZ1", D1)])


def gaussian_likelihood() -> str:
    kinds = {"x": vector("n"), "mu": vector("n"), "S": matrix("n", "n", "spd")}
    x, mu, S = variables(**kinds).values()
    half, r, inverse = ops.num(Fraction(1, 2)), ops.sub(x, mu), ops.inv(S)
    f = ops.add(ops.mul(half, ops.transpose(r), inverse, r), ops.mul(half, ops.fn("log", ops.det(S))))
    by_s = ops.mul(half, ops.sub(inverse, ops.mul(inverse, r, ops.transpose(r), inverse)))
    return module_source(f, [("S", by_s), ("mu", ops.neg(ops.mul(inverse, r)))], kinds)


def undefined_layer() -> str:
    kinds = {"W": matrix("m", "n"), "x": vector("n"), "v": matrix("m", 1), "s": ELEMENTWISE}
    W, x, v = variables(**{k: kinds[k] for k in "Wxv"}).values()
    z = ops.mul(W, x)
    f = ops.mul(ops.transpose(v), ops.ufn("s", ELEMENTWISE, [z], 0))
    by_w = ops.mul(ops.had(v, ops.ufn("s", ELEMENTWISE, [z], 1)), ops.transpose(x))
    return module_source(f, [("W", by_w), ("v", ops.ufn("s", ELEMENTWISE, [z], 0))], kinds)


MODULES = [quadratic, logistic_regression, classifier, gaussian_likelihood, undefined_layer]


@pytest.mark.parametrize("build", MODULES, ids=lambda b: b.__name__)
def test_modules_are_written_as_they_stand_in_golden(build: Callable[[], str]) -> None:
    """To renew after a wanted change: ``python -m tests.generator.test_code``."""
    assert build() == (GOLDEN / f"{build.__name__}.py").read_text(encoding="utf-8")


# --- speed ------------------------------------------------------------------------------------------------


def body(f: Expr, kinds: Mapping[str, Kind]) -> str:
    """The generated ``value`` without its first lines."""
    source = module_source(f, [], kinds)
    return source[source.index('"""The value') :]


def test_products_begin_at_the_vector() -> None:
    kinds = {"A": matrix("m", "n"), "B": matrix("n", "k"), "x": vector("k"), "u": vector("m")}
    A, B, x, u = variables(**kinds).values()

    assert "A @ (B @ x)" in body(ops.mul(A, B, x), kinds)
    assert "B.T @ (A.T @ u)" in body(ops.mul(ops.transpose(u), A, B), kinds)
    assert "(A @ (B @ x))[:, None]*(A.T @ u)" in body(ops.mul(A, B, x, ops.transpose(u), A), kinds)
    shared = body(ops.mul(ops.transpose(x), ops.transpose(B), B, x), kinds)
    assert "Bx = B @ x" in shared
    assert "Bx @ Bx" in shared


def test_matrices_are_multiplied_in_the_cheapest_order() -> None:
    kinds = {"T": matrix("n", 3), "U": matrix(3, "n"), "V": matrix("n", 5)}
    T, U, V = variables(**kinds).values()

    assert "T @ (U @ V)" in body(ops.mul(T, U, V), kinds)
    assert "U @ T @ U" in body(ops.mul(U, T, U), kinds)


def test_structures_are_used_and_not_formed() -> None:
    kinds = {"X": matrix("n", "n"), "Y": matrix("n", "n"), "v": vector("n"), "z": vector(N * N)}
    X, Y, v, z = variables(**kinds).values()
    eye, t = ops.eye(N), ops.transpose
    cases = {
        ops.mul(ops.diag(v), X): "v[:, None]*X",
        ops.mul(X, ops.diag(v)): "X*v",
        ops.trace(ops.mul(X, Y)): 'np.einsum("ij,ji->", X, Y)',
        ops.trace(ops.mul(t(X), Y)): "np.vdot(X, Y)",
        ops.trace(ops.mul(v, t(v), X)): "v @ (X @ v)",
        ops.trace(ops.kron(X, Y)): "np.trace(X)*np.trace(Y)",
        ops.diagvec(ops.mul(X, Y)): 'np.einsum("ij,ji->i", X, Y)',
        ops.mul(ops.inv(X), v): "np.linalg.solve(X, v)",
        ops.mul(t(v), ops.inv(X)): "np.linalg.solve(X.T, v)",
        ops.mul(X, ops.inv(Y)): "np.linalg.solve(Y.T, X.T).T",
        ops.mul(ops.add(X, t(X)), v): "X @ v + X.T @ v",
        ops.mul(ops.add(ops.mul(t(X), X), ops.mul(ops.num(3), eye)), v): "X.T @ (X @ v) + 3*v",
        ops.mul(ops.kron(X, Y), ops.vec(X)): "(X @ X.T @ Y.T).ravel()",
        ops.add(X, ops.ones(N, N)): "X + 1",
        ops.total(ops.mul(X, Y)): "(X @ Y.sum(axis=1)).sum()",
        ops.mul(X, ops.unit(ops.num(2), N)): "X[:, 2]",
        ops.power(ops.norm2(X), ops.num(2)): "np.vdot(X, X)",
        ops.part("lower", ops.add(X, Y)): "np.tril(X + Y)",
        ops.part("toeplitz", ops.add(X, Y)): "_toeplitz(X + Y)",
        ops.unvec(ops.mul(ops.kron(X, Y), z), N, N): "np.reshape(z, (n, n))",
    }
    for expr, text in cases.items():
        assert text in body(expr, kinds), body(expr, kinds)


def test_one_inverse_where_it_is_needed_as_a_matrix_or_many_times() -> None:
    kinds = {"X": matrix("n", "n"), "a": vector("n"), "b": vector("n")}
    X, a, b = variables(**kinds).values()
    inverse, t = ops.inv(X), ops.transpose
    gradient = ops.neg(ops.mul(t(inverse), a, t(b), t(inverse)))
    two = module_source(ops.mul(t(a), inverse, b), [("X", gradient)], kinds)
    assert "inv(" not in two
    f = ops.add(ops.logdet(X), ops.mul(t(a), inverse, b))
    both = module_source(f, [("X", ops.add(t(inverse), gradient))], kinds)
    last = both[both.index("def value_and") :]
    assert last.count("inv(") == 1
    assert "solve" not in last


def test_a_network_of_a_thousand_layers_is_written_quickly() -> None:
    kinds = {f"W{i}": matrix("n", "n") for i in range(1000)}
    kinds["x"] = vector("n")
    current = ops.sym("x", kinds["x"])
    layers = [current]
    for i in range(1000):
        current = ops.fn("tanh", ops.mul(ops.sym(f"W{i}", kinds[f"W{i}"]), current))
        layers.append(current)
    f = ops.total(current)
    delta: Expr = ops.ones(N, ONE)
    answers = []
    for i in range(999, -1, -1):
        h = layers[i + 1]
        d = ops.had(delta, ops.sub(ops.ones(N, ONE), ops.power(h, ops.num(2))))
        answers.append((f"W{i}", ops.mul(d, ops.transpose(layers[i]))))
        delta = ops.mul(ops.transpose(ops.sym(f"W{i}", kinds[f"W{i}"])), d)
    source = module_source(f, answers, kinds)
    made = compile_module(source)
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=(2, 2)) for name in kinds if name != "x"} | {"x": rng.normal(size=2)}

    gradients = made["gradient"](**given)
    assert len(gradients) == 1000
    assert source.count("\n") < 14_000
    step = 1e-6
    for name in ("W999", "W998", "W990"):
        moved = []
        for sign in (1, -1):
            other = dict(given)
            other[name] = given[name] + sign * step * np.ones((2, 2))
            moved.append(made["value"](**other))
        i = [a for a, _ in answers].index(name)
        assert gradients[i].sum() == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: ops.add(*(ops.mul(ops.num(i), ops.fn("sin", ops.mul(ops.num(i + 1), x))) for i in range(20000))),
        lambda x, y: ops.mul(*([x, y] * 5000)),
        lambda x, y: nested(x, 5000),
    ],
    ids=["sum", "product", "nested"],
)
def test_large_expressions(build: Callable[[Expr, Expr], Expr]) -> None:
    kinds = {"x": SCALAR_KIND, "y": SCALAR_KIND}
    x, y = variables(**kinds).values()
    made = module(build(x, y), {}, kinds)

    assert np.isfinite(made["value"](x=0.9, y=1 / 0.9))


@pytest.mark.parametrize("form", ["product", "sums", "inverses", "scaled"])
def test_long_chains_of_matrices(form: str) -> None:
    """Every part of the work is linear in the length: no product or sum is taken apart again and again."""
    kinds = {"A": matrix("n", "n"), "x": vector("n")}
    A, x = variables(**kinds).values()
    current, given = A, {"A": np.array([[0.0, 1.0], [-1.0, 0.0]]), "x": np.array([0.6, 0.8])}
    for i in range(1000):
        if form == "product":
            current = ops.transpose(ops.mul(current, A))
        elif form == "sums":
            current = ops.transpose(ops.mul(current, A) if i % 2 else ops.sub(current, ops.mul(ops.num(2), A)))
        elif form == "inverses":
            current = ops.inv(ops.mul(current, A))
        else:
            current = ops.mul(ops.power(ops.norm2(ops.mul(current, x)), ops.num(-1)), current)
    made = module(ops.mul(current, x), {}, kinds)

    with np.errstate(all="ignore"):
        expected_value = evaluate(ops.mul(current, x), {**given, "x": given["x"][:, None]}, {"n": 2})
    assert made["value"](**given) == pytest.approx(expected_value[:, 0], rel=1e-9)


def nested(x: Expr, depth: int) -> Expr:
    for _ in range(depth):
        x = ops.fn("sin", x)
    return x


if __name__ == "__main__":
    for written in MODULES:
        (GOLDEN / f"{written.__name__}.py").write_text(written(), encoding="utf-8")


def gradient_source(loss: str, wrt: str, declare: str, order: int = 1) -> str:
    source = mc.derive(loss, wrt=wrt, declare=declare, order=order).source("numpy")
    return source.split("def hessian(" if order == 2 else "def gradient(")[1].split("\ndef ")[0]


def test_a_sum_before_a_thin_matrix_is_not_formed() -> None:
    thin = "T: matrix(n, m)\nU: matrix(n, 5)\nV: matrix(m, 5)"
    assert "U @ (V.T @ V) - T @ V" in gradient_source("norm2(T - U*V')^2", "U", thin)
    wide = thin.replace("5", "k")  # of a width that may be anything
    assert "(U @ V.T - T) @ V" in gradient_source("norm2(T - U*V')^2", "U", wide)


def test_an_inverse_times_identity_and_outer_product_is_the_inverse_and_an_outer_product() -> None:
    body = gradient_source("logdet(K) + y'*inv(K)*y", "K", "K: spd(n)\ny: vector(n)")
    assert "np.linalg.solve" not in body
    assert "np.eye" not in body
    assert body.count("np.linalg.inv") == 1


def test_vectors_that_scale_a_matrix_are_multiplied_first() -> None:
    body = gradient_source("sum(log(1 + exp(y .* (X*w))))", "w", "X: matrix(n, k)\ny: vector(n)\nw: vector(k)", 2)
    assert re.search(r"np\.sqrt\(.*y\*\*2\)\*X\.T", body)


@pytest.mark.parametrize(
    ("function", "weighted"),
    [
        ("X'*diag(v.^2)*X", True), ("X'*diag(exp(v))*X", True), ("X'*diag(p)*X", True), ("Y*diag(p)*Y'", True),
        ("X'*diag(v)*X", False), ("X'*diag(p)*Z", False), ("2*X'*diag(p)*X/c", True),
    ],
)  # fmt: skip
def test_a_weighted_gram_matrix_takes_half_the_work(function: str, weighted: bool) -> None:
    """Where no weight is negative: with the root of the weights the library computes one triangle."""
    kinds = "X: matrix(m, n)\nZ: matrix(m, n)\nY: matrix(n, m)\nv: vector(m)\np: vector(m), positive\nc: scalar"
    d = mc.derive(f"norm2({function})^2", wrt=function.lstrip("2*")[0], declare=kinds)
    source = d.source("numpy")
    assert ("np.sqrt(" in source) == weighted
    assert "jnp.sqrt(" not in d.source("jax")
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=(4, 3)) for name in "XZ"} | {"Y": rng.normal(size=(3, 4)), "v": rng.normal(size=4)}
    given |= {"p": rng.uniform(1, 2, 4), "c": 3.0}
    there = compile_module(d.source("array-api"))["value_and_gradient"](**given)
    for found, wanted in zip(compile_module(source)["value_and_gradient"](**given), there, strict=True):
        assert np.allclose(found, wanted, rtol=1e-12)
