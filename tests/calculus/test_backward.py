"""The backward program: which quantities have a line, what the lines are called, and that nothing is lost."""

from __future__ import annotations

import pytest

import matcalc as mc
from matcalc.errors import MatcalcError
from matcalc.language.parse import read

NETWORK = """
x: vector(n)
y: vector(n)
h0 = x
for i in 1..{layers}: W{{i}}: matrix(n, n)
for i in 1..{layers}: b{{i}}: vector(n)
for i in 1..{layers}: h{{i}} = tanh(W{{i}}*h{{i-1}} + b{{i}})
L = norm2(y - h{layers})^2
"""


def lines(program: str, wrt: str, **options: str) -> dict[str, str]:
    text = mc.derive(program, wrt=wrt.split(","), **options).text()
    return dict(line.split(" = ", 1) for line in text.splitlines())


def test_a_delta_that_is_an_answer_goes_by_its_name() -> None:
    found = lines(NETWORK.format(layers=2), "W1,b1,W2,b2")

    assert found["dW2"] == "db2*h1'"
    assert found["db1"] == "(W2'*db2) .* (1 - h1.^2)"
    assert not any(name.startswith("delta") for name in found)


def test_a_delta_that_is_no_answer_has_a_name_of_its_own() -> None:
    found = lines(NETWORK.format(layers=2), "W1,W2")

    assert found["dW2"] == "delta_h2*h1'"
    assert "delta_h2" in found
    assert "db2" not in found


def test_names_that_stand_for_products_and_sums_are_kept() -> None:
    declared = "A: matrix(m, n)\nB: matrix(n, k)\nX: matrix(k, p)\nT: matrix(m, p)\n"
    program = f"{declared}Q = B*X\nR = A*Q - T\nL = norm2(R)^2/2"

    assert lines(program, "A,B") == {"Q": "B*X", "R": "A*Q - T", "dA": "R*Q'", "dB": "A'*R*X'"}


def test_an_alias_keeps_its_name_and_has_its_own_derivative() -> None:
    d = mc.derive("x: vector(n)\nA: matrix(n, n)\nh = x\nL = sum(tanh(A*h)) + x'*x", wrt=["h", "x"])

    assert d.verify()
    assert "2*x" in d.text().splitlines()[-1]
    assert "2*x" not in d["h"].text().splitlines()[-1]


def test_values_of_the_forward_pass_are_used_again() -> None:
    program = "w: vector(n)\nX: matrix(m, n)\nz = X*w\np = sigmoid(z)\ne = exp(z)\nL = sum(p) + sum(e)"

    assert lines(program, "z,w")["dz"] == "e + p .* (1 - p)"


def test_a_part_that_is_written_twice_is_recognized_as_the_name() -> None:
    program = "w: vector(n)\nX: matrix(m, n)\nz = X*w\nL = sum(exp(X*w)) + z'*z"

    assert lines(program, "z,w")["dw"] == "X'*dz"


def test_lines_that_no_answer_uses_are_left_out() -> None:
    program = "x: vector(n)\na = exp(x)\nb = sin(x)\nc = cos(x)\nL = sum(a) + sum(b)"

    assert lines(program, "x,a").keys() == {"a", "c", "da", "dx"}


@pytest.mark.parametrize("layers", [2, 3, 10, 100])
def test_a_network_of_layers_prints_in_linear_size(layers: int) -> None:
    wrt = [name for i in range(1, layers + 1) for name in (f"W{i}", f"b{i}")]
    d = mc.derive(NETWORK.format(layers=layers), wrt=wrt)
    text = d.text().splitlines()

    assert len(text) == 3 * layers + 1
    assert all(len(line) < 60 for line in text)


def test_residual_layers_and_linear_layers_are_linear_too() -> None:
    declared = "x0: vector(n)\nfor i in 1..60: W{i}: matrix(n, n)\nfor i in 1..60: "
    residual = declared + "x{i} = x{i-1} + relu(W{i}*x{i-1})\nL = sum(x60)"
    deep = declared + "x{i} = W{i}*x{i-1}\nL = x60'*x60"
    for program in (residual, deep):
        d = mc.derive(program, wrt=[f"W{i}" for i in range(1, 61)])

        assert max(map(len, d.text().splitlines())) < 80
        assert sum(map(len, d.notes)) < 10_000


def test_adjoints_avoid_names_of_the_program() -> None:
    found = lines("x: vector(n)\ndx: vector(n)\ndh = exp(x)\nh = sin(dh) .* dx\nL = sum(h.^2)", "x,h,dh,dx")

    assert {"dx_", "dh_", "ddh", "ddx"} <= found.keys()
    assert mc.derive("x: vector(n)\ndx: vector(n)\ndh = exp(x)\nL = dh'*dx", wrt=["x", "dx"]).verify()


def test_the_pattern_of_adjoints_can_be_set() -> None:
    assert {"W1_bar", "b2_bar"} <= lines(NETWORK.format(layers=2), "W1,b2", adjoint="{}_bar").keys()
    for wrong in ("d", "{}", "{}-", "d {}", "{}{}", "1{}"):
        with pytest.raises(MatcalcError):
            mc.derive("x'*x", wrt="x", adjoint=wrong)


def test_structure_is_projected_in_the_answer_and_not_before() -> None:
    program = "S: symmetric(n)\nA: matrix(n, n)\nx: vector(n)\nB = S*A\nC = B + S\nL = x'*C*x"
    d = mc.derive(program, wrt=["S", "B"])

    assert d.verify()
    assert read(d.text(), d.kinds, of="dS").function is d.answers["S"].expr


def test_a_constraint_is_used_also_by_quantities_that_are_answers() -> None:
    program = "Z: matrix(N, K)\nY: onehot(N, K)\nP = softmax(Z, axis=1)\nL = -sum(Y .* log(P))"

    assert lines(program, "Z,P")["dZ"] == "P - Y"
    assert mc.derive(program, wrt="Z").facts_used == ("the rows of Y sum to 1",)
    assert mc.derive(program.replace("onehot", "matrix"), wrt="Z").facts_used == ()


def test_a_fact_that_changes_nothing_is_not_said_to_be_used() -> None:
    d = mc.derive("x'*A*x + tr(B)", wrt="x", declare="A: symmetric(n)\nB: symmetric(n)")

    assert d.facts_used == ("A is symmetric",)


def test_numerator_layout_keeps_names_of_deltas_and_answers_apart() -> None:
    d = mc.derive(NETWORK.format(layers=2), wrt=["W1", "b1", "W2", "b2"], layout="numerator")

    for name, a in d.answers.items():
        assert read(d.text(), d.kinds, of=f"d{name}").function.shape == a.expr.shape[::-1]


def test_a_quantity_that_the_function_does_not_use_has_a_zero_derivative() -> None:
    d = mc.derive("x: vector(n)\na = exp(x)\nb = sin(x)\nL = sum(a)", wrt=["x", "b"])

    assert d["b"].text().splitlines()[-1].startswith("zeros(")
    assert any("b " in note for note in d.notes)


def test_second_derivatives_and_jacobians_by_a_named_quantity() -> None:
    program = "A: matrix(m, n)\nx: vector(n)\nz = A*x\nu = exp(z)\nL = sum(u)"
    hessian, jacobian = mc.derive(program, wrt="z", order=2), mc.derive(program, wrt="z", of="u")

    assert hessian.text() == "diag(exp(z))"
    assert jacobian.text() == "diag(exp(z))"
    assert hessian.verify()
    assert jacobian.verify()
    with pytest.raises(MatcalcError):
        mc.derive(program, wrt=["z", "x"], order=2)


def test_a_number_is_not_differentiated_by() -> None:
    program = "x: vector(n)\nk = 3\nh0 = x\nfor i in 1..k: h{i} = tanh(h{i-1})\nL = sum(h3)"

    assert mc.derive(program, wrt="h0").verify()
    with pytest.raises(MatcalcError):
        mc.derive(program, wrt="k")


GAUSSIAN_PROCESS = """
K: spd(n)
y: vector(n)
M = K + s^2*eye(n)
a = inv(M)*y
L = 1/2*y'*a + 1/2*logdet(M)
"""


def test_a_name_is_seen_among_the_factors_of_a_product_and_transposed() -> None:
    d = mc.derive(GAUSSIAN_PROCESS, wrt="s")
    assert d.text() == "M = K + s^2*eye(n)\na = inv(M)*y\ndM = (inv(M) - a*a')/2\n2*s*tr(dM)"
    assert d.verify()


def test_an_adjoint_that_is_symmetric_is_known_to_be() -> None:
    d = mc.derive(GAUSSIAN_PROCESS, wrt="K")
    assert d.text().endswith("dM = (inv(M) - a*a')/2\ndM")
    assert d.verify()


@pytest.mark.parametrize(
    "last",
    [
        "sum(i, sin(t[i])*o[i])",
        "sum(i, exp(-t[i]^2)*t[i]*o[i])^2",
        "sum(i in 1..n - 1, (t[i] - t[i - 1])^2*o[i])",
        "sum(i, i*t[i]*o[i])",
        "sum(i, sum(j, (t[i] - o[j])^2*o[i]))",
    ],
)
def test_a_part_with_an_index_has_no_cotangent_outside_of_its_sum(last: str) -> None:
    d = mc.derive(f"t = R*o\n{last}", "o,R", "o: vector(n); R: matrix(n, n)")

    assert d.verify()
    assert all("[i]" not in line for line in d.text().splitlines() if "sum(i" not in line)
