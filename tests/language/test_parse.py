"""The front door: problems, programs, notes, names asked for, and the law that text parses back."""

from __future__ import annotations

import random
import time
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from matcalc import ops
from matcalc.errors import InputError, MatcalcError, UnknownName
from matcalc.expr import topological
from matcalc.kinds import Kind
from matcalc.language.parse import Problem, parse, parse_declarations, parse_kind, read
from matcalc.printing.text import text

NETWORK = """
# two layers, N samples as rows
X: matrix(N, d); Y: onehot(N, K); b1: row(h); b2: row(K)
Z1 = X*W1 + b1
H = sigmoid(Z1)
Z2 = H*W2 + b2
P = softmax(Z2, axis=1)
L = -1/N*sum(Y .* log(P))
"""


def test_a_program_is_read_by_substitution() -> None:
    problem = read(NETWORK)

    assert problem.function is parse(
        "-1/N*sum(Y .* log(softmax(sigmoid(X*W1 + b1)*W2 + b2, axis=1)))", problem.kinds
    )
    assert [name for name, _ in problem.definitions] == ["Z1", "H", "Z2", "P", "L"]
    assert dict(problem.definitions)["L"] is problem.function
    assert {name: kind.text() for name, kind in problem.kinds.items()} == {
        "X": "matrix(N, d)", "W1": "matrix(d, h)", "b1": "row(h)", "W2": "matrix(h, K)", "b2": "row(K)",
        "Y": "onehot(N, K)",
    }  # fmt: skip
    assert problem.inferred == {"W1", "W2"}


def test_another_line_may_be_the_function() -> None:
    problem = read(NETWORK, of="H")

    assert problem.function is dict(problem.definitions)["H"]
    with pytest.raises(UnknownName, match="no line assigns Q"):
        read(NETWORK, of="Q")


def test_a_loop_writes_out_its_names() -> None:
    looped = read("K = 3\nfor i in 1..K: h{i} = s{i}(W{i}*h{i-1} + b{i})\nL = norm2(y - h3)^2")
    flat = read(
        "h1 = s1(W1*h0 + b1)\nh2 = s2(W2*h1 + b2)\nh3 = s3(W3*h2 + b3)\nL = norm2(y - h3)^2"
    )

    assert looped.function is flat.function
    assert [name for name, _ in looped.definitions] == ["K", "h1", "h2", "h3", "L"]


def test_declarations_stand_in_loops_too() -> None:
    problem = read("for i in 1..2:\n  W{i}: matrix(n{i}, n{i-1})\n  h{i} = W{i}*h{i-1}\nh2")

    assert problem.kinds["W2"] == parse_kind("matrix(n2, n1)")
    assert problem.kinds["h0"] == parse_kind("vector(n0)")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("a = 1\na = 2", "assigned twice"),
        ("a = b\nb = 1\na", "before it is assigned"),
        ("a = a + 1", "before it is assigned"),
        ("x\ny = 2", "no name"),
        ("A: matrix(n, n)", "no expression"),
        ("for i in 1..n: h{i} = x\nh1", "must be numbers"),
        ("for i in 1..3: x + y\n1", "definitions"),
        ("h{i} = x\nh1", "no value"),
        ("for i in 0..1: h{i} = h{i-1}\nh1", "negative"),
        ("H: matrix(m, n)\nH = x'*x\nH", "declared as matrix(m, n)"),
        ("n = 3\nx: vector(n)\nx'*x", "used as a dimension"),
    ],
)
def test_wrong_programs_are_refused(program: str, said: str) -> None:
    with pytest.raises(MatcalcError) as caught:
        read(program)

    assert said in str(caught.value)
    assert caught.value.position is not None


def test_a_declared_intermediate_is_checked_and_is_no_variable() -> None:
    problem = read("H: matrix(m, n)\nH = A*B\nsum(H)", "A: matrix(m, k)")

    assert list(problem.kinds) == ["A", "B"]
    assert problem.kinds["B"] == parse_kind("matrix(k, n)")


def test_names_asked_for_must_be_known() -> None:
    declare = "A: matrix(m, n); Q: orthogonal(m)"
    for wrt in ("x", ["x", "A"], "Q", "A[:, 0]", "x[:-1]", " x "):
        read("norm2(A*x)^2", declare, wrt=wrt if isinstance(wrt, list) else (wrt,))
    for name in ("z", "Q2", "", "1"):
        with pytest.raises(UnknownName):
            read("norm2(A*x)^2", declare, wrt=(name,))
    assert read("a = 2*x\na'*a", wrt=("a",)).definitions[0][0] == "a"


def test_declared_names_that_do_not_occur_are_kept_last() -> None:
    assert list(read("x'*A*x", "Z: matrix(k, k)").kinds) == ["x", "A", "Z"]


def test_dimensions_may_be_numbers_in_the_expression() -> None:
    declared = "X: matrix(n, d); n: integer"
    problem = read("1/(2*n)*norm2(X*w - y)^2", declared)

    assert ops.dim(parse_kind("vector(n)").rows) in problem.function.args[0].args[0].args
    assert list(problem.kinds) == ["X", "w", "y"]


def test_an_undeclared_n_is_a_parameter_and_the_note_says_how_to_change_that() -> None:
    problem = read("1/n*sum((X*w - y).^2)")

    assert problem.kinds["n"].text() == "scalar"
    assert problem.notes == ("n is a scalar parameter; to make it the length of y declare y: vector(n)",)
    assert read("1/n*sum((X*w - y).^2)", "y: vector(n)").notes == ()


def test_kinds_are_accepted_as_text_and_as_kinds() -> None:
    problem = read("x'*A*x", {"A": "spd(n)"})
    again = {name: kind.text() for name, kind in problem.kinds.items()}

    assert parse("x'*A*x", problem.kinds) is parse("x'*A*x", again) is problem.function
    assert isinstance(problem.kinds["A"], Kind)


def test_an_error_in_a_declaration_shows_the_declaration() -> None:
    with pytest.raises(InputError) as caught:
        read("x'*A*x", "x: vector(n); A: symmetrc(n)")

    assert (caught.value.text, caught.value.position) == ("x: vector(n); A: symmetrc(n)", 17)


# --- laws -----------------------------------------------------------------------------------------


def _entries() -> list[Any]:
    found = []
    folder = files("matcalc.identities")
    for path in sorted(Path(str(folder)).rglob("*.toml")):
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for field in ("of", "d", "f", "from", "to", "gradient", "hessian"):
                if isinstance(entry, dict) and isinstance(entry.get(field), str):
                    found.append(pytest.param(entry, entry[field], id=f"{name}-{field}"))
    return found


@pytest.mark.parametrize(("entry", "written"), _entries())
def test_every_identity_is_read_and_its_text_parses_back(entry: dict[str, Any], written: str) -> None:
    kinds = parse_declarations("\n".join(entry.get("let", [])))
    kinds |= {
        f"d{name}": Kind(kind.form, kind.rows, kind.cols) for name, kind in kinds.items() if kind.form != "function"
    }
    dims: set[str] = set()
    if not kinds:  # the sizes of constants on the left side are those on the right side
        dims = {d for n in topological(parse(entry["from"])) for size in n.shape for d in size.names}
        dims |= {d for n in topological(parse(entry["from"])) if n.op == "dim" for d in n.data.names}
    expression = parse(written, kinds, dims=dims)

    assert parse(text(expression), kinds, dims=dims) is expression


TOKENS = (
    "x y w A B X a b n k i 1 2 0 0.5 + - * / ^ ** .* ./ .^ ' .T ( ) ( ) [ ] , ; : = == < <= exp( sum( tr( inv( "
    "norm2( diag( kron( vec( max( f( s'( softmax( axis=0 in .. eye vector( eye( ones( ᵀ ² ⁻¹ ‖ λ σ( D(g)( grad(h)( "
    "# for {i} { } pi dot( [:-1] [0] [i,j] _ . ' \" \\ $ | é ->"
).split(" ")


def _random_expression(rng: random.Random, depth: int) -> str:
    if depth == 0:
        return rng.choice("x y z w A B X a b n 2 0.5 pi lambda mu eye vector(1) x[0] A[i,j] A[0,:] x[:-1]".split())
    part = [_random_expression(rng, rng.randrange(depth)) for _ in range(4)]
    return rng.choice(
        [
            f"{part[0]} {rng.choice('+-')} {part[1]}",
            f"{part[0]}{rng.choice(['*', '*', '/', ' .* ', ' ./ '])}{part[1]}",
            f"({part[0]})^{rng.choice(['2', '-1', 'k', '0.5', 'n'])}",
            f"({part[0]}).^{part[1]}",
            f"({part[0]})'",
            f"-{part[0]}",
            f"{rng.choice('exp tr inv det sum norm2 diag vec f sigmoid mean max softmax'.split())}({part[0]})",
            f"{rng.choice('kron dot outer max min expm_frechet'.split())}({part[0]}, {part[1]})",
            f"[{part[0]}, {part[1]}; {part[2]}, {part[3]}]",
            f"({part[0]} < {part[1]})",
        ]
    )


def _outcome(written: str, declare: str | None) -> tuple[Problem | None, MatcalcError | None]:
    try:
        return read(written, declare), None
    except MatcalcError as error:
        return None, error


@pytest.mark.parametrize("seed", range(4))
def test_any_text_is_read_or_refused_with_one_message(seed: int) -> None:
    rng = random.Random(seed)
    declarations = [None, "A: matrix(m, n); x: vector(n)", "x: row(n); y: row(n)", "x: scalar"]
    read_well = 0
    for _ in range(600):
        if rng.random() < 0.5:
            written = "".join(rng.choice(TOKENS) + rng.choice(["", " "]) for _ in range(rng.randrange(1, 14)))
        else:
            written = _random_expression(rng, rng.randrange(1, 5))
        start = time.process_time()
        problem, refusal = _outcome(written, rng.choice(declarations))
        if problem is None:
            assert refusal is not None
            assert refusal.position is not None, written
            assert str(refusal)
        else:
            read_well += 1
            assert parse(text(problem.function), problem.kinds) is problem.function, written
        assert time.process_time() - start < 2, written
    assert read_well > 100


def test_an_ordinary_loss_takes_at_most_three_milliseconds() -> None:
    loss = "1/(2*n)*norm2(X*w - y)^2 + lambda/2*w'*w"
    parse(loss)
    times = []
    for _ in range(30):
        start = time.process_time()
        parse(loss)
        times.append(time.process_time() - start)

    assert min(times) < 0.003


def test_a_problem_says_which_declared_names_occur_nowhere() -> None:
    program = "s: function\nX: matrix(m, n)\nu: vector(m)\nZ = X*w\nL = sum(s(Z))"
    assert set(read(program, {"q": "scalar"}).absent) == {"u", "q"}
    assert read("1/n*sum(x)", {"x": "vector(n)", "n": "integer"}).absent == ()
