"""The table's rewrites as one function: which may apply, what they leave alone, how long it takes."""

from __future__ import annotations

import time
from pathlib import Path

from matcalc import ops
from matcalc.language.parse import parse, parse_kind
from matcalc.ops import sym
from matcalc.printing.text import text
from matcalc.rules.rewrite import apply_rewrite, forms, presupposed, rewriter, words_in
from matcalc.rules.statements import Rewrite
from matcalc.rules.table import default_table, load_user

KINDS = {"x": "vector(n)", "y": "vector(n)", "A": "matrix(n, n)", "s": "scalar", "t": "scalar"}


def rewrite(entry_id: str) -> Rewrite:
    return default_table().rewrites[entry_id]


def test_the_functions_that_occur() -> None:
    assert words_in(parse("log(sum(exp(x)))*max(x) + max(s, t)", KINDS)) == {"log", "sum", "exp", "max"}
    assert words_in(parse("x'*A*x", KINDS)) == frozenset()
    assert words_in(parse("commutation(2, 3)", KINDS)) == {"commutation"}


def test_only_what_may_apply_is_a_candidate() -> None:
    found = rewriter(default_table()).candidates(parse("log(1 + exp(x))", KINDS))

    assert {r.id for r in found} >= {"log-of-one-plus-exponential"}
    assert all(words_in(r.from_) <= {"log", "exp"} for r in found)


def test_the_smallest_result_is_taken() -> None:
    """log(1 + exp(x)) is softplus(x), not log1p(exp(x))."""
    found = rewriter(default_table())(parse("log(1 + exp(x))", KINDS))

    assert found is parse("softplus(x)", KINDS)


def test_a_scalar_rewrite_has_forms_for_arrays() -> None:
    left = [form.left.shape for form in forms(rewrite("log-of-product-with-exponential"))]

    assert len(left) == 4  # each of s, t a scalar or an array
    assert len(set(left)) == 2
    assert len(forms(rewrite("woodbury"))) == 1


def test_what_the_left_side_presupposes_is_not_asked_again() -> None:
    inner = parse("inv(A)*log(s)/t", KINDS)
    found = presupposed(inner)

    assert found[parse("A", KINDS)] >= {"invertible"}
    assert found[parse("s", KINDS)] >= {"positive", "nonzero"}
    assert found[parse("t", KINDS)] == {"nonzero"}
    assert apply_rewrite(rewrite("inverse-of-inverse"), parse("inv(inv(A))", KINDS)) is parse("A", KINDS)


def test_a_condition_must_be_known() -> None:
    kinds = {**KINDS, "p": "simplex(n)"}

    assert apply_rewrite(rewrite("sum-of-vector-that-adds-up-to-one"), parse("sum(p)", kinds)) is ops.num(1)
    assert apply_rewrite(rewrite("sum-of-vector-that-adds-up-to-one"), parse("sum(x)", kinds)) is None


def test_a_rewrite_that_would_lengthen_is_not_applied() -> None:
    """cos(-s) = cos(s) read backwards, s standing for the negative of the argument."""
    assert apply_rewrite(rewrite("cosine-of-negative"), parse("cos(x - y)", KINDS)) is None
    assert apply_rewrite(rewrite("cosine-of-negative"), parse("cos(-x)", KINDS)) is parse("cos(x)", KINDS)


def test_factors_around_a_product_stay_in_place() -> None:
    found = apply_rewrite(rewrite("matrix-pseudoinverse-matrix"), parse("s*x'*A*pinv(A)*A*y", KINDS))

    assert found is not None
    assert text(found) == text(parse("s*x'*A*y", KINDS))


def test_a_users_rewrite_is_used(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[three-sines]\nlet = ["s: scalar"]\nfrom = "3*sin(s) - 4*sin(s)^3"\nto = "sin(3*s)"\nsource = ["definition"]\n'
    )
    before = parse("3*sin(x) - 4*sin(x).^3", KINDS)

    assert rewriter(load_user(file))(before) is parse("sin(3*x)", KINDS)
    assert rewriter(default_table())(before) is None


def test_large_sums_and_products_take_no_time() -> None:
    scalar = parse_kind("scalar")
    symbols = [sym(f"a{i}", scalar) for i in range(3000)]
    squares = [ops.power(ops.fn("sin", s), ops.num(2)) for s in symbols]
    start = time.process_time()
    apply = rewriter(default_table())

    apply(ops.add(*squares))
    apply(ops.mul(*squares))
    apply(ops.trace(ops.mul(*(sym(f"M{i}", parse_kind("matrix(n, n)")) for i in range(1000)))))
    assert time.process_time() - start < 5
