"""Who may ask, how much, and what browsers are told."""

from __future__ import annotations

import json
import re

import pytest
from web_client import Client


def test_the_page_and_its_files_are_served(server: Client) -> None:
    status, headers, body = server.get("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert b"<title>" in body
    for name, kind in (("main.js", "text/javascript"), ("style.css", "text/css"), ("favicon.svg", "image/svg+xml")):
        status, headers, body = server.get(f"/static/{name}")
        assert status == 200
        assert headers["content-type"].startswith(kind)
        assert server.get(f"/static/{name}", **{"If-None-Match": headers["etag"]})[0] == 304


def test_all_modules_are_loaded_at_once(server: Client) -> None:
    page = server.get("/")[2].decode()
    named = set(re.findall(r'(?:href|src)="/static/(\w+\.js)"', page))
    imported = set()
    for name in named:
        imported |= set(re.findall(r'from "\./(\w+\.js)"', server.get(f"/static/{name}")[2].decode()))

    assert imported | {"main.js"} == named


@pytest.mark.parametrize("path", ["/nothing", "/static/", "/static/../app.py", "/static/%2e%2e/app.py", "//etc/passwd"])
def test_nothing_else_is_served(server: Client, path: str) -> None:
    assert server.get(path)[0] == 404


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/page", "/nothing"])
def test_every_response_says_what_may_be_loaded(server: Client, path: str) -> None:
    headers = server.get(path)[1]
    policy = headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:1", "[::1]:80", "192.168.1.7:8765"])
def test_addresses_of_ours_are_answered(server: Client, host: str) -> None:
    assert server.get("/", Host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[evil]"])
def test_names_that_somebody_made_point_here_are_refused(server: Client, host: str) -> None:
    assert server.get("/", Host=host)[0] == 403


def test_another_page_cannot_ask(server: Client) -> None:
    question = {"function": "x'*x"}
    own = f"http://127.0.0.1:{server.port}"

    assert server.post("parse", question, Origin=own)[0] == 200
    assert server.post("parse", question, Origin="http://evil.example")[0] == 403
    assert server.post("parse", question, Origin="null")[0] == 403
    assert server.post("parse", question, Origin=f"https://127.0.0.1:{server.port}")[0] == 403
    assert server.post("parse", question, Sec_Fetch_Site="cross-site")[0] == 403
    assert server.post("parse", question, Content_Type="text/plain")[0] == 415


def test_a_body_is_short(server: Client) -> None:
    assert server.post("parse", {"function": "x" * 500_000})[0] == 413
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    assert server.request("POST", "/api/parse", (b"x" * 50_000 for _ in range(20)), chunked)[0] == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"function": NaN'])
def test_a_request_that_is_no_object_is_refused(server: Client, body: bytes) -> None:
    status, _, answer = server.request("POST", "/api/parse", body, {"Content-Type": "application/json"})

    assert status == 400
    assert json.loads(answer)["shown"]


def test_other_methods_and_questions_are_refused(server: Client) -> None:
    assert server.request("PUT", "/api/parse")[0] == 405
    assert server.request("DELETE", "/")[0] == 405
    assert server.post("evaluate", {"function": "x"})[0] == 404
    assert server.get("/api/parse")[0] in (404, 405)
