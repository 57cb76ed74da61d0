"""What can be chosen on the page, in a real browser: the usual variable, parts of it, stationary points, own names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from web_browser import PHONE, Tab

NETWORK = """X: matrix(N, d)
Y: onehot(N, K)
Z1 = X*W1 + b1
H = sigmoid(Z1)
P = softmax(H*W2 + b2, axis=1)
L = -(1/N)*sum(Y .* log(P))"""
DECLARED = """X: matrix(N, d)
Y: matrix(N, K)
W1: matrix(d, h)
W2: matrix(h, K)
L = norm2(sigmoid(X*W1)*W2 - Y)^2"""


def title(t: Tab, wanted: str) -> None:
    """Wait for that answer."""
    t.page.wait_for_function(f"() => document.querySelector('#answer-title').textContent === {wanted!r}")
    t.done()


# --- the variable ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "variable"),
    [
        (DECLARED, "W1"),
        (NETWORK, "W1"),
        ("norm2(A*x - b)^2", "x"),
        ("x'*A*x + b'*x", "x"),
        ("x'*A*y", "x"),
        ("norm2(X*w - y)^2", "w"),
        ("norm2(W*x - y)^2", "W"),
        ("norm2(Y - X*B)^2", "B"),
        ("norm2(Y - U*V')^2", "U"),
        ("norm2(X*beta - y)^2 + lambda*norm1(beta)", "beta"),
        ("tr(A*X*B)", "X"),
        ("tr(X*Y)", "X"),
        ("x: vector(n)\nA: matrix(n, n)\nx'*A*x", "x"),
        ("x: vector(n)\ny: vector(m)\nnorm2(A*x - y)^2", "x"),
        ("x: vector(n)\ny: vector(m)\nW: matrix(m, n)\nnorm2(tanh(W*x) - y)^2", "W"),
        ("logdet(S) + tr(inv(S)*C)", "S"),
        ("y'*y", "y"),
    ],
    ids=lambda value: value.splitlines()[-1],
)
def test_the_usual_variable_is_no_data(tab: Callable[..., Tab], function: str, variable: str) -> None:
    t = tab().open().type(function)
    t.page.wait_for_selector("#names .name[aria-pressed=true]")
    assert t.page.get_attribute("#names .name[aria-pressed=true]", "data-name") == variable


def test_parts_of_a_variable_are_chosen(tab: Callable[..., Tab]) -> None:
    t = tab(PHONE).open(function="x'*B*x", wrt="B")
    t.done()
    labels = t.page.locator("#part .choices span").all_inner_texts()
    assert labels == ["All of it", "An entry", "A row", "A column"]
    for label, shown, text in (
        ("An entry", "B[i, j]", "(x*x')[i, j]"),
        ("A row", "B[i, :]", "(x*x')[i, :]"),
        ("A column", "B[:, j]", "(x*x')[:, j]"),
    ):
        t.page.click(f"#part label:has-text('{label}')")
        title(t, f"Gradient by {shown}")
        assert t.text() == text
        assert t.page.inner_text("#names .name[aria-pressed=true]") == shown
    t.page.fill("#part .index", "0, :")
    t.page.keyboard.press("Enter")
    title(t, "Gradient by B[0, :]")
    assert "B%5B0%2C+%3A%5D" in t.page.url
    assert t.overflow() <= 0
    assert t.page.is_hidden("#check")  # claims are about all of it, or about each entry
    t.page.click("#part label:has-text('All of it')")
    title(t, "Gradient by B")
    assert t.text() == "x*x'"
    assert t.page.is_visible("#check")

    t.page.click("#names .name[data-name=x]")  # the part was one of the other name
    title(t, "Gradient by x")
    assert t.page.locator("#part .choices span").all_inner_texts() == ["All of it", "An entry"]


def test_the_letters_of_an_index_are_no_names_of_the_function(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="i'*B*j", wrt="B")
    t.done()
    t.page.click("#part label:has-text('An entry')")
    title(t, "Gradient by B[k, l]")
    assert t.text() == "(i*j')[k, l]"


def test_parts_of_several_variables_are_folded_up(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="x'*B*x", wrt=["B", "x"], several="1")
    title(t, "Gradient by B, x")
    assert t.page.locator("#part .choices:visible").count() == 0
    t.page.click("#part summary")
    t.page.click("#part .row:has-text('Of B') label:has-text('A row')")
    title(t, "Gradient by B[i, :], x")
    assert t.page.locator("#part .choices:visible").count() == 2
    assert t.text() == "dB_i = (x*x')[i, :]\ndx = (B + B')*x"


def test_parts_by_keyboard(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="x'*B*x", wrt="B")
    t.done()
    t.page.focus("#part input[type=radio]:checked")
    t.page.keyboard.press("ArrowRight")
    title(t, "Gradient by B[i, j]")
    assert t.page.evaluate("document.activeElement.value") == "i, j"
    t.page.keyboard.press("ArrowRight")
    title(t, "Gradient by B[i, :]")


# --- stationary points ----------------------------------------------------------------------------


def test_a_stationary_point_is_found_with_its_kind(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("norm2(A*x - b)^2")
    t.done()
    t.page.check("input[name=order][value=point]", force=True)
    title(t, "Stationary point in x")
    assert t.text() == "x = inv(A'*A)*A'*b"
    assert "verified" in t.page.inner_text("#badge")
    remarks = t.page.inner_text(".remarks")
    assert "A'*(A*x - b) = 0" in remarks
    assert "positive semidefinite" in remarks
    assert "A'*A is invertible" in remarks
    assert t.page.is_hidden("#check")
    assert t.page.is_hidden("#option-layout")
    t.page.click("#tab-code")
    assert "def solution(" in t.page.inner_text("#panel-code pre")
    t.page.wait_for_function("() => document.querySelector('#live').textContent.startsWith('Stationary point in x:')")

    t.page.check("input[name=order][value='1']", force=True)
    title(t, "Gradient by x")
    assert t.page.is_visible("#check")


def test_a_stationary_point_is_in_variables_not_in_lines(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="Z = X*W\nL = norm2(Z - Y)^2", wrt="Z")
    title(t, "Gradient by Z")
    t.page.check("input[name=order][value=point]", force=True)
    title(t, "Stationary point in W")
    assert t.text() == "W = inv(X'*X)*X'*Y"
    assert t.page.locator("#names .line").count() == 0


def test_constraints_are_typed_and_their_names_have_kinds(tab: Callable[..., Tab]) -> None:
    t = tab(PHONE).open(function="norm2(x)^2", wrt="x", order="point")
    title(t, "Stationary point in x")
    t.page.fill("#subject", "C*x = d")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent === \"x = C'*inv(C*C')*d\"")
    t.page.wait_for_selector("#names .kind[data-name=C]")
    assert t.page.inner_text("#names .kind[data-name=C]") == "matrix(m, n)"
    assert t.page.is_disabled("#names .name[data-name=C]")
    t.page.click("#names .kind[data-name=C]")
    t.page.check("#kind input[value=symmetric]", force=True)
    t.page.keyboard.press("Escape")
    t.page.wait_for_selector("#names .kind[data-name=C]:has-text('symmetric')")
    t.done()
    assert t.page.input_value("#subject") == "C*x = d"
    assert t.overflow() <= 0
    again = tab()
    again.page.goto(t.page.url)
    title(again, "Stationary point in x")
    assert again.page.input_value("#subject") == "C*x = d"
    assert again.text() == t.text()
    t.page.fill("#subject", "C*x =")
    t.page.wait_for_selector("#answer-body .card:has-text('a side of the equation is missing')")


def test_without_a_closed_form_the_condition_is_the_answer(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="sum(exp(x)) + x'*A*x", wrt="x", order="point")
    title(t, "Stationary point in x")
    assert t.text() == "(A + A')*x + exp(x) = 0"
    assert t.page.inner_text("#badge") == "no closed form was found"


# --- own names ------------------------------------------------------------------------------------


def test_a_part_is_called_as_the_user_likes(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("norm2(A*x - b)^2")
    t.done()
    t.page.click("#more-options summary")
    t.page.fill("#parts", "r = A*x - b")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent.includes('2*A')")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent.startsWith('r = A*x - b')")
    assert t.text() == "r = A*x - b\n2*A'*r"
    t.page.fill("#parts", "r")
    t.page.wait_for_selector("#answer-body .card:has-text('is no definition')")
    t.page.fill("#parts", "")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre')?.textContent === \"2*A'*(A*x - b)\"")


def test_adjoints_are_called_as_the_user_likes(tab: Callable[..., Tab]) -> None:
    t = tab().open(function=NETWORK, wrt="W1")
    t.done()
    assert t.page.is_hidden("#parts")
    t.page.click("#more-options summary")
    t.page.fill("#adjoint", "{}_bar")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent.includes('_bar')")
    assert "dZ1" not in t.text()
    t.page.fill("#adjoint", "q")
    t.page.wait_for_selector("#answer-body .card:has-text('is no pattern for names')")


# --- the way back ---------------------------------------------------------------------------------


def test_the_way_back_from_an_example_leads_to_what_was_there(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("x'*A*x")
    t.done()
    t.page.click("#open-examples")
    t.page.click("#examples .example >> text=Log determinant")
    title(t, "Gradient by X")
    t.page.go_back()
    title(t, "Gradient by x")
    assert t.page.input_value("#function") == "x'*A*x"
    t.page.go_forward()
    title(t, "Gradient by X")


def test_a_browser_that_wants_no_more_addresses_does_not_stop_the_page(tab: Callable[..., Tab]) -> None:
    t = tab()
    refuse = "history.replaceState = () => { throw new DOMException('too often', 'SecurityError'); }"
    t.page.add_init_script(refuse)
    t.open().type("x'*A*x")
    assert t.text() == "(A + A')*x"
