"""The loop over strips as it is written: buffers, views of them, what is left where."""

from __future__ import annotations

import matcalc as mc

DECLARED = "Q: matrix(n, 4)\nK: matrix(m, 4)\nV: matrix(m, 3)\nG: matrix(n, 3)\nT: matrix(n, m)\ny: vector(m)"


def body(loss: str, wrt: str, function: str = "gradient") -> str:
    source = mc.derive(loss, wrt=wrt.split(","), declare=DECLARED).source("numpy")
    return source.split(f"def {function}(")[1].split("\ndef ")[0]


def test_attention_as_by_hand() -> None:
    lines = body("tr(G'*softmax(Q*K', axis=1)*V)", "Q").split('"""')[2].splitlines()
    assert [line.strip() for line in lines if line.strip()] == [
        "n = G.shape[0]",
        "m = K.shape[0]",
        "size = _strip(n, m)",
        "t1 = np.empty((n, 4))",
        "work1 = np.empty((size, m))",
        "work2 = np.empty((size, m))",
        "for start in range(0, n, size):",
        "rows = slice(start, start + size)",
        "t2 = np.matmul(Q[rows], K.T, out=work1[:n - start])",
        "_softmax(t2, axis=1, out=t2)",
        "t3 = np.matmul(G[rows], V.T, out=work2[:n - start])",
        't4 = np.einsum("ij,ij->i", t3, t2)',
        "t3 -= t4[:, None]",
        "t2 *= t3",
        "np.matmul(t2, K, out=t1[rows])",
        "return t1",
    ]


def test_a_buffer_is_taken_again_when_its_array_is_read_no_more() -> None:
    text = body("sum(sin(tanh(Q*K')) .* T) + sum(cos(Q*K'))", "Q", "value")
    assert "work3" not in text
    assert text.count("np.empty((size, m))") == 2


def test_sums_are_added_up_from_zero() -> None:
    text = body("y'*exp(Q*K')'*exp(Q*K')*y", "y")
    assert "np.zeros(" in text or "np.empty(n)" in text
    value = body("sum(tanh(Q*K'))", "Q", "value")
    assert "t1 = 0.0" in value
    assert "t1 += t2.sum()" in value


def test_what_does_not_depend_on_the_strip_is_computed_before_the_loop() -> None:
    before, inside = body("sum(exp(Q*(2*K + K.*K)'))", "Q", "value").split("for start in")
    assert "K*K" in before
    assert "K*K" not in inside


def test_numbers_scale_the_thin_factor() -> None:
    text = body("sum(exp(Q*K'/2))", "Q", "value")
    assert "np.matmul(0.5*Q[rows], K.T, out=" in text


def test_a_name_of_the_user_is_kept_for_a_result() -> None:
    text = mc.derive("A = tanh(Q*K')*V\nsum(A .* A .* G)", wrt="V", declare=DECLARED).source("numpy")
    assert "A = np.empty((n, 3))" in text
