"""``python -m docs.picture``: the picture of the page, for the README, taken anew by Chromium."""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import urlencode

try:
    from playwright.sync_api import sync_playwright

    from matcalc.web.app import application
    from matcalc.web.server import Server, listener
except ModuleNotFoundError as missing:  # of the extras
    sys.exit(f"{missing}: install the checkout with pip install -e '.[web,browser]'")

FILE = Path(__file__).resolve().parent / "page.png"
SIZE = {"width": 1180, "height": 650}
STATE = {
    "function": "1/(2*n)*norm2(X*w - y)^2 + lambda*w'*w",
    "wrt": "w",
    "declare": "X: matrix(n, d)",
    "claim": "X'*(y - X*w)/n + 2*lambda*w",
}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    listening = listener("127.0.0.1", 0)
    ready = threading.Event()
    server = Server(application(), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    ready.wait(60)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(f"http://127.0.0.1:{listening.getsockname()[1]}/#{urlencode(STATE)}")
        page.wait_for_selector("#claim-result .wrong")
        page.wait_for_selector("#panel-forms", state="attached")
        page.screenshot(path=FILE)
        browser.close()
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
