"""The page in a real browser: typing, choosing, copying, checking; hostile input; links; what it loads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from web_browser import DESK, PHONE, PROGRAM, Tab
from web_client import SLOW, Client, wait_until

# --- typing and choosing --------------------------------------------------------------------------


def test_what_is_typed_is_derived_and_verified(tab: Callable[..., Tab]) -> None:
    t = tab().open()
    t.page.locator("#function").press_sequentially("norm2(A*x - b)^2", delay=5)

    assert t.text() == "2*A'*(A*x - b)"
    assert "verified" in t.page.inner_text("#badge")
    assert "residual" in t.page.inner_text("#badge")
    assert t.page.inner_text("#answer-title") == "Gradient by x"
    assert "norm2" in t.page.evaluate("location.hash")


def test_a_mistake_is_marked_where_it_is_as_one_types(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("x'*x")
    assert t.text() == "2*x"
    t.type("x'*x + A*")
    t.page.wait_for_selector(".under .wrong")

    assert "ends too early" in t.page.inner_text("#function-problem")
    assert t.page.get_attribute("#function", "aria-invalid") == "true"
    t.type("x'*x ++\n\n) y")
    t.page.wait_for_function("() => document.querySelector('.under .wrong')")
    t.type("x'*x")
    t.page.wait_for_function("() => !document.querySelector('.under .wrong')")
    t.page.wait_for_selector("#function-problem:empty", state="attached")


def test_the_mark_is_under_the_letter(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("A: matrix(m, n)\nx: vector(n)\nx'*A*x")
    t.page.wait_for_selector(".under .wrong")
    marked = t.page.locator(".under .wrong").bounding_box()
    field = t.page.locator("#function").bounding_box()

    assert marked is not None
    assert field is not None
    assert field["y"] + 60 < marked["y"] < field["y"] + field["height"]


def test_the_kind_of_a_name_is_changed_by_click(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("x'*A*x")
    assert t.text() == "(A + A')*x"
    t.page.click("#names .kind[data-name=A]")
    t.page.check("#kind input[value=symmetric]", force=True)
    t.page.keyboard.press("Escape")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent === '2*A*x'")
    assert "symmetric" in t.page.inner_text("#names .kind[data-name=A]")
    t.page.wait_for_selector(".remarks:has-text('A is symmetric')")

    t.page.click("#names .kind[data-name=A]")
    t.page.fill("#kind .sizes input", "4")
    t.page.wait_for_function("() => document.querySelector('#names .kind[data-name=x]').textContent === 'vector(4)'")
    t.page.click("#kind >> text=As inferred")
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent === \"(A + A')*x\"")


def test_another_function_does_not_keep_what_was_chosen_for_names_that_it_has_not(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="logdet(S)", wrt="S", declare=["S: spd(n)"])
    t.done()
    t.type("x'*x")
    t.page.wait_for_function("() => document.querySelector('#answer-title').textContent === 'Gradient by x'")
    assert t.text() == "2*x"
    assert "S" not in t.page.url


def test_the_kind_of_a_name_that_the_text_declares_is_changed_in_the_text(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("S: matrix(n, n)\nx'*S*x")
    assert t.text() == "(S + S')*x"
    t.page.click("#names .kind[data-name=S]")
    t.page.check("#kind input[value=spd]", force=True)
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent === '2*S*x'")

    assert t.page.input_value("#function") == "S: spd(n)\nx'*S*x"


def test_a_number_has_nothing_to_differentiate_by(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("2*3 + 1")
    t.page.wait_for_selector("#answer-body .card:has-text('no name to differentiate by')")


def test_the_variable_is_chosen_by_click(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("norm2(A*x - b)^2")
    t.done()
    t.page.click("#names .name[data-name=A]")
    t.page.wait_for_function("() => document.querySelector('#answer-title').textContent === 'Gradient by A'")
    assert t.text() == "2*(A*x - b)*x'"

    t.page.check("#several input[value=several]", force=True)
    t.page.click("#names .name[data-name=b]")
    t.page.wait_for_function("() => document.querySelector('#answer-title').textContent === 'Gradient by A, b'")
    t.done()
    assert t.page.get_attribute("#names .name[data-name=b]", "aria-pressed") == "true"
    assert t.page.is_hidden("#check")


def test_order_layout_and_notation_are_switched(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("x'*A*x")
    t.done()
    t.page.check("input[name=layout][value=numerator]", force=True)
    t.page.wait_for_function("() => document.querySelector('#panel-text pre').textContent === \"x'*(A + A')\"")
    t.page.check("input[name=order][value='2']", force=True)
    t.page.wait_for_function("() => document.querySelector('#answer-title').textContent === 'Hessian by x'")
    assert t.text() == "A + A'"
    t.page.click("#more-options summary")
    t.page.check("input[name=transpose][value=T]", force=True)
    t.page.wait_for_function("() => document.querySelector('#panel-latex pre').textContent.includes('^T')")


def test_examples_are_chosen_by_topic(tab: Callable[..., Tab]) -> None:
    t = tab().open()
    t.page.click("#open-examples")
    assert t.page.locator("#examples h3").all_inner_texts()[:2] == ["First steps", "Regression"]
    t.page.click("#examples .example >> text=Least squares")

    assert t.text() == "2*A'*(A*x - b)"
    assert t.page.locator("#examples").is_hidden()


def test_a_claim_is_checked(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("X: matrix(n, d)\nnorm2(X*w - y)^2/n")
    t.done()
    t.page.fill("#claim", "2*X'*(X*w - y)")
    t.page.press("#claim", "Enter")
    t.page.wait_for_selector("#claim-result .wrong")
    said = t.page.inner_text("#claim-result")
    assert "does not hold" in said
    assert "factor 1/n is missing" in said
    assert t.page.get_attribute("#claim-result math", "alttext") == "2*X'*(X*w - y)/n"

    t.page.fill("#claim", "2/n*X'*(X*w - y)")
    t.page.click("#check button")
    t.page.wait_for_selector("#claim-result .right")
    t.page.fill("#claim", "2*X'*(")
    t.page.click("#check button")
    t.page.wait_for_selector("#claim-result .card")


def test_everything_can_be_copied_and_that_is_said(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("norm2(A*x - b)^2")
    t.done()
    t.page.click(".copies >> text=Copy LaTeX")
    assert t.copied() == r"2 A^\top (A x - b)"
    t.page.wait_for_function("() => document.querySelector('#live').textContent === 'LaTeX copied'")
    t.page.click(".copies >> text=Copy text")
    assert t.copied() == "2*A'*(A*x - b)"
    t.page.click("#tab-code")
    t.page.check("input[name=target][value=torch]", force=True)
    t.page.click("#panel-code >> text=Copy code")
    assert "import torch" in t.copied()
    t.page.click("#copy-link")
    assert t.copied() == t.page.url


def test_steps_forms_and_code_have_tabs(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("A*X*B")
    t.done()
    labels = t.page.locator("[role=tab]").all_inner_texts()
    assert labels == ["Steps", "Code", "LaTeX", "Text", "Forms"]
    for label in labels:
        t.page.click(f"[role=tab] >> text={label}")
        assert t.page.locator("[role=tabpanel]:visible").count() == 1
    assert t.page.locator("#panel-steps li").count() >= 1
    assert t.page.locator("#panel-forms .reading").count() == 3


def test_the_graph_and_the_editor_show_the_same_line(tab: Callable[..., Tab]) -> None:
    t = tab().open(function=PROGRAM, wrt=["W", "Z"], several="1", tab="graph")
    t.done()
    nodes = t.page.locator(".graph .node")
    assert nodes.count() == 9
    assert "dW" in t.page.locator(".graph .adjoint").all_text_contents()
    t.page.hover(".graph .node[data-name=H]")
    assert t.page.inner_text(".under .marked") == "H = sigmoid(Z)"

    t.page.mouse.move(5, 5)
    line = t.page.locator(".under .line").nth(7).bounding_box()
    assert line is not None
    t.page.mouse.move(line["x"] + 40, line["y"] + 8)
    assert t.page.locator(".graph .node.on").get_attribute("data-name") == "P"

    t.page.click(".graph .node[data-name=Z]")
    place = t.page.evaluate("document.querySelector('#function').selectionStart")
    assert PROGRAM[:place].count("\n") == 5


# --- links, hostile input -------------------------------------------------------------------------


def test_a_link_holds_the_whole_state(tab: Callable[..., Tab]) -> None:
    first = tab().open().type("1/n*sum(log(1 + exp(-y .* (X*w))))")
    first.done()
    first.page.click("#names .kind[data-name=X]")
    first.page.fill("#kind .sizes input >> nth=0", "n")
    first.page.keyboard.press("Escape")
    first.page.click("#tab-code")
    first.page.check("input[name=target][value=jax]", force=True)
    first.page.check("input[name=layout][value=numerator]", force=True)
    first.page.fill("#claim", "x")
    first.page.click("#check button")
    first.page.wait_for_selector("#claim-result .card, #claim-result .wrong")
    answer = first.text()
    second = tab()
    second.page.goto(first.page.url)
    second.page.wait_for_selector("#version:has-text('matcalc')")

    assert second.text() == answer
    assert second.page.input_value("#function") == first.page.input_value("#function")
    assert second.page.inner_text("#names .kind[data-name=X]") == first.page.inner_text("#names .kind[data-name=X]")
    assert second.page.is_visible("#panel-code")
    assert "import jax" in second.page.inner_text("#panel-code pre")
    assert second.page.input_value("#claim") == "x"
    assert second.page.url == first.page.url


HOSTILE = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>'\"`${window.hacked=1}"


def test_nothing_of_the_input_is_run_or_becomes_elements(tab: Callable[..., Tab]) -> None:
    t = tab().open(
        function=HOSTILE, wrt=[HOSTILE], declare=[f"x: {HOSTILE}", f"{HOSTILE}: matrix"], claim=HOSTILE, tab=HOSTILE,
        target=HOSTILE, order=HOSTILE, layout=HOSTILE, several=HOSTILE, subject=HOSTILE, parts=HOSTILE, adjoint=HOSTILE,
    )  # fmt: skip
    t.page.wait_for_selector("#function-problem:not(:empty)")
    for _ in range(2):  # what the link declares is shown, and can be taken back
        t.page.click("#names .kind >> nth=0")
        t.page.click("#kind >> text=As inferred")
    t.type("x'*x # " + HOSTILE)
    t.page.wait_for_function("() => !document.querySelector('#names-field').hidden")
    t.page.fill("#claim", HOSTILE, force=True)

    assert t.page.evaluate("window.hacked") is None
    assert t.page.locator("img").count() == 0
    assert t.page.locator("script").count() == 1


def test_long_and_deep_texts_leave_the_page_alive(tab: Callable[..., Tab]) -> None:
    t = tab().open()
    for text in ("(" * 25_000 + "x" + ")" * 25_000, "x'*A*x + " * 5_500, "x" * 70_000):
        t.type(text)
        t.page.wait_for_selector("#function-problem:not(:empty)")
    t.type("x'*x")
    assert t.text() == "2*x"


def test_what_takes_too_long_is_said(browser: Any, tight: Client) -> None:
    t = Tab(browser, tight).open().type(SLOW)
    try:
        t.page.wait_for_selector("#answer-body .card")
        assert "took longer than 0.5 s" in t.page.inner_text("#answer-body .card")
        assert t.page.get_attribute("#answer", "aria-busy") == "false"
    finally:
        t.context.close()


def test_closing_the_browser_frees_the_worker(browser: Any, server: Client) -> None:
    pool = server.app.state.pools[0]
    t = Tab(browser, server).open().type(SLOW)
    assert wait_until(lambda: pool.running == 1)
    t.context.close()

    assert wait_until(lambda: pool.running == 0, 5)


# --- what it loads --------------------------------------------------------------------------------


def ready_after(t: Tab) -> float:
    """Seconds from the address to a page that shows its examples, opens its dialogs, and can be typed into."""
    began = time.monotonic()
    t.page.goto(t.client.address)
    t.page.wait_for_selector(".welcome .example")
    t.page.click("#open-help")
    assert t.page.is_visible("#help-title")
    t.page.click("#help .close")
    t.type("x'*x")
    return time.monotonic() - began


def test_it_is_small_and_ready_within_a_second(tab: Callable[..., Tab]) -> None:
    tabs = [tab() for _ in range(3)]  # each without a cache; the machine may be busy with something else

    assert min(map(ready_after, tabs)) < 1.0
    for t in tabs:
        t.done()
        assert 10_000 < t.bytes < 200_000
        assert len(t.requests) < 30


# --- the phone, the keyboard ----------------------------------------------------------------------

LONG = "tr(inv(X*A*X' + B*X)*X'*C*inv(X))*logdet(X*X' + S) + exp(a'*X*b)"
STATES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "formula": {"function": "norm2(A*x - b)^2", "wrt": "x", "claim": "2*A'*(A*x + b)"},
    "mistake": {"function": "x'*x + A*"},
    "long": {"function": LONG, "wrt": "X", "declare": ["a: vector(n)", "b: vector(n)", "S: spd(n)"]},
    "code": {"function": "logdet(X)", "wrt": "X", "tab": "code"},
    "latex": {"function": LONG, "wrt": "X", "declare": ["a: vector(n)", "b: vector(n)"], "tab": "latex"},
    "forms": {"function": "A*X*B", "wrt": "X", "tab": "forms"},
    "program": {"function": PROGRAM, "wrt": ["W", "b", "V"], "several": "1", "tab": "graph"},
    "entry": {"function": "x'*B*x", "wrt": ["B[0, :]", "x"], "several": "1"},
    "point": {"function": "norm2(x)^2", "wrt": "x", "order": "point", "subject": "C*x = d\nsum(x) = 1"},
    "own names": {"function": "norm2(A*x - b)^2", "wrt": "x", "parts": "r = A*x - b"},
    "refused": {"function": "f(X)", "wrt": "X", "declare": "f: function(matrix(n, n)) -> matrix(m, m)", "order": "2"},
}


def settled(t: Tab, name: str) -> None:
    """Until that state stands."""
    if name == "nothing":
        t.page.wait_for_selector(".welcome")
    elif name == "mistake":
        t.page.wait_for_selector("#function-problem:not(:empty)")
    elif name == "refused":
        t.page.wait_for_selector("#answer-body .card, #answer-body .formula")
    else:
        t.done()
        if "claim" in STATES[name]:
            t.page.wait_for_selector("#claim-result > *")
    t.page.wait_for_timeout(80)


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wider_than_a_phone(tab: Callable[..., Tab], name: str) -> None:
    t = tab(PHONE).open(**STATES[name])
    settled(t, name)
    assert t.overflow() <= 0
    for dialog in ("examples", "help"):
        t.page.click(f"#open-{dialog}")
        assert t.overflow() <= 0
        box = t.page.locator(f"#{dialog}").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        t.page.keyboard.press("Escape")


@pytest.mark.parametrize("name", STATES)
def test_axe_finds_nothing(tab: Callable[..., Tab], name: str) -> None:
    t = tab().open(**STATES[name])
    settled(t, name)
    for width, height in (DESK, PHONE):
        t.page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            t.page.emulate_media(color_scheme=scheme)
            assert t.violations() == [], f"{scheme}, {width} pixels wide"


@pytest.mark.parametrize("dialog", ["examples", "help", "kind"])
def test_axe_finds_nothing_in_a_dialog(tab: Callable[..., Tab], dialog: str) -> None:
    t = tab().open(function="x'*A*x", wrt="x")
    t.done()
    t.page.click("#names .kind[data-name=A]" if dialog == "kind" else f"#open-{dialog}")
    for scheme in ("light", "dark"):
        t.page.emulate_media(color_scheme=scheme)
        assert t.violations() == [], scheme


def test_axe_sees_what_is_wrong(tab: Callable[..., Tab]) -> None:
    t = tab().open()
    t.page.evaluate("document.querySelector('label[for=function]').removeAttribute('for')")
    assert any(found.startswith("label") for found in t.violations())


def focused(t: Tab) -> str:
    script = """() => { const node = document.activeElement;
        return node.id || node.dataset.name + ':' + node.dataset.part || node.textContent; }"""
    return str(t.page.evaluate(script))


def test_by_keyboard_alone(tab: Callable[..., Tab]) -> None:
    t = tab().open(function="x'*A*x", wrt="x")
    t.done()
    keyboard = t.page.keyboard
    t.page.evaluate("document.activeElement.blur()")
    order = []
    for _ in range(40):
        keyboard.press("Tab")
        order.append(focused(t))
        seen = t.page.evaluate(
            """() => { const s = getComputedStyle(document.activeElement), e = document.activeElement;
                const near = e.closest('.editor') ?? e;
                return s.outlineStyle !== 'none' || getComputedStyle(near).boxShadow !== 'none'
                  || (e.nextElementSibling && getComputedStyle(e.nextElementSibling).outlineStyle !== 'none')
                  || e === document.body; }"""
        )
        assert seen, f"the focus on {order[-1]} is not visible"
    assert order[0] == "skip"
    for wanted in ("open-examples", "function", "x:name", "A:kind", "claim", "tab-steps"):
        assert wanted in order
    assert order.index("function") < order.index("x:name") < order.index("claim") < order.index("tab-steps")

    t.page.focus("#names .kind[data-name=A]")
    keyboard.press("Enter")
    assert t.page.is_visible("#kind")
    keyboard.press("ArrowDown")
    keyboard.press("Escape")
    assert t.page.is_hidden("#kind")
    t.page.wait_for_selector("#names .kind[data-name=A]:has-text('symmetric')")
    assert focused(t) == "A:kind"
    t.page.wait_for_function("() => document.querySelector('#panel-text pre')?.textContent === '2*A*x'")

    t.page.focus("#tab-steps")
    keyboard.press("ArrowRight")
    assert focused(t) == "tab-code"
    assert t.page.is_visible("#panel-code")
    keyboard.press("End")
    assert focused(t) == "tab-forms"
    keyboard.press("ArrowRight")
    assert focused(t) == "tab-steps"

    t.page.focus("#skip")
    keyboard.press("Enter")
    assert focused(t) == "answer"
    assert "function=" in t.page.url


def test_the_keyboard_stops_at_formulas_that_scroll_and_at_no_others(tab: Callable[..., Tab]) -> None:
    t = tab().open(function=LONG, wrt="X", declare=["a: vector(n)", "b: vector(n)", "S: spd(n)"])
    t.done()
    t.page.wait_for_selector("#panel-steps .formula[tabindex]")
    wide = "[...document.querySelectorAll('.formula')].filter((f) => f.offsetParent && (f.scrollWidth > f.clientWidth))"
    assert t.page.evaluate(f"{wide}.length") == t.page.locator(".formula[tabindex='0']:visible").count() > 1
    assert t.page.locator(".formula:visible:not([tabindex])").count() > 10


def test_the_graph_by_keyboard(tab: Callable[..., Tab]) -> None:
    t = tab().open(function=PROGRAM, wrt="W", tab="graph")
    t.done()
    t.page.focus(".graph .node[tabindex='0']")
    for _ in range(4):
        t.page.keyboard.press("ArrowDown")
    assert t.page.evaluate("document.activeElement.querySelector('title').textContent").startswith("L = ")
    assert t.page.inner_text(".under .marked").startswith("L = ")
    t.page.keyboard.press("Enter")
    assert focused(t) == "function"


def test_a_loop_is_the_line_of_all_that_it_writes_out(tab: Callable[..., Tab]) -> None:
    t = tab().open()
    t.page.click("#open-examples")
    t.page.click("#examples .example >> text=Three layers in a loop")
    t.done()
    t.page.click("#tab-graph")
    for name, line in (("h2", "for i in 1..3: h{i} ="), ("W3", "for i in 1..3: W{i}"), ("L", "L ="), ("y", "y:")):
        t.page.hover(f".graph .node[data-name={name}]")
        assert t.page.inner_text(".under .marked").startswith(line)


def test_a_busy_server_is_asked_again(browser: Any, tight: Client) -> None:
    t = Tab(browser, tight).open()
    refused = []

    def refuse_once(route: Any) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        answer = '{"part": "error", "kind": "busy", "shown": "busy; try again in 1 s", "seconds": 1}'
        route.fulfill(status=503, headers={"Retry-After": "1"}, body=answer)

    t.page.route("**/api/derive", refuse_once)
    try:
        t.type("x'*x")
        t.page.wait_for_selector("#answer-body .card:has-text('try again in 1 s')")
        assert t.text() == "2*x"
        assert len(refused) == 1
    finally:
        t.context.close()


def test_a_server_that_is_gone_is_said(browser: Any, tight: Client) -> None:
    t = Tab(browser, tight).open()
    t.page.route("**/api/*", lambda route: route.abort())
    try:
        t.type("x'*x")
        t.page.wait_for_selector("#answer-body .card:has-text('does not answer')")
    finally:
        t.context.close()


def test_a_screen_reader_hears_the_answer_and_the_mistakes(tab: Callable[..., Tab]) -> None:
    t = tab().open().type("x'*A*x")
    t.done()
    t.page.wait_for_function("() => document.querySelector('#live').textContent.startsWith('Gradient by x:')")
    assert "Verified" in t.page.text_content("#live")
    assert t.page.get_attribute("#live", "role") == "status"
    assert t.page.get_attribute("#function-problem", "role") == "status"
